"""A shift-invariant autoregression whose coefficients lean on those of series that behave alike.

Comes in: series on the working scale without gaps (period, series). Goes out: forecasts from every cut and the end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast.models.holt_winters import Smoothed
from forecast.panel import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Lags:
    """What the next step looks back on: ``lags`` and means over ``means`` periods, each less the last value.

    ``prior`` is how many pseudo-observations of the panel's own regression each series' regression is given, and
    ``kinds`` into how many kinds of series that regression may part.
    """

    lags: tuple[int, ...]
    means: tuple[int, ...]
    prior: float
    kinds: int = 1

    @property
    def reach(self) -> int:
        """Periods needed before the first target."""
        return max(*self.lags, *self.means) + 1


#: A step larger than this many of the series' typical steps is cut to it before fitting.
WINSOR = 4.0
#: Kinds are told apart where there are at least so many series for each.
LEAST_SERIES = 20
#: Targets of the whole panel that a kind's regression is given.
KIND_PRIOR = 500.0
#: Pseudo-observations by which series are held together before kinds are told, and rounds of telling them.
FIRST_PRIOR, ROUNDS = 20.0, 6


def autoregress(z: FloatArray, spec: Lags, cuts: IntArray, *, length: int, horizon: int) -> Smoothed:
    """Fit at each cut and at the end, and forecast recursively.

    The target is d_t = z_t - z_(t-1); the features are z_(t-k) - z_(t-1) and mean_w(z) - z_(t-1), so that a shift of
    the whole series changes nothing. With G_i = X'X / s_i^2 and g_i = X'd / s_i^2 of series i, and R and r their means
    per observation over the panel, the panel's coefficients are b0 = R^-1 r and the series' own

        b_i = (G_i + n0 R_i)^-1 (g_i + n0 r_i),

    where R_i and r_i are the panel's; or with ``kinds``, those of the kinds of series that i may be of, each weighed by
    how well its coefficients foretell the series: a mixture of regressions, found by expectation and maximisation.

    Source: DeSarbo and Cron (1988), A maximum likelihood methodology for clusterwise linear regression,
    doi:10.1007/BF01897167; here the likelihood has the root of the number of targets in place of their number.
    """
    periods, count = z.shape
    first = spec.reach
    past = np.full((len(cuts), length, count), np.nan)
    if periods <= first:
        return Smoothed(past, np.full((horizon, count), np.nan))
    step = np.diff(z, axis=0)
    ends = [*(int(c) for c in cuts), periods]
    width = len(spec.lags) + len(spec.means)
    sums = _Sums.empty(count, width)
    point = np.full((horizon, count), np.nan)
    begun = np.cumsum(step != 0, axis=0) > 0
    begin = first
    for k, end in enumerate(ends):
        if end > begin:
            moved = np.maximum(begun[: end - 1].sum(axis=0), 1)
            size = np.maximum(np.sqrt((step[: end - 1] ** 2).sum(axis=0) / moved), 1e-9)
            x = _features(z, spec, begin, end) / size[:, None]
            d = np.clip(step[begin - 1 : end - 1] / size, -WINSOR, WINSOR)
            sums = sums.and_of(x, d, begun[begin - 1 : end - 1])
            begin = end
        seen = end - first
        if seen < 2 * width and not (count > 1 and seen * count > 4 * width):
            continue
        ahead = _recurse(z[:end], _coefficients(sums, spec), spec, length if k < len(cuts) else horizon)
        if k < len(cuts):
            past[k] = ahead
        else:
            point = ahead
    return Smoothed(past, point)


@dataclass(frozen=True, slots=True)
class _Sums:
    """What a regression needs of each series, targets before it moves left out.

    ``gram`` (series, feature, feature), ``cross`` (series, feature), the sum of squared targets ``square`` and their
    number ``seen`` (series,).
    """

    gram: FloatArray
    cross: FloatArray
    square: FloatArray
    seen: FloatArray

    @classmethod
    def empty(cls, count: int, width: int) -> _Sums:
        return cls(np.zeros((count, width, width)), np.zeros((count, width)), np.zeros(count), np.zeros(count))

    def and_of(self, x: FloatArray, d: FloatArray, begun: BoolArray) -> _Sums:
        """With more targets: features (target, series, feature), targets and whether they count (target, series)."""
        x, d = np.where(begun[:, :, None], x, 0.0), np.where(begun, d, 0.0)
        by_series = np.ascontiguousarray(x.transpose(1, 2, 0))
        return _Sums(
            self.gram + by_series @ by_series.transpose(0, 2, 1),
            self.cross + (by_series @ d.T[:, :, None])[:, :, 0],
            self.square + (d * d).sum(axis=0),
            self.seen + begun.sum(axis=0),
        )


def _features(z: FloatArray, spec: Lags, begin: int, end: int) -> FloatArray:
    """Features for targets ``begin`` to ``end``: (target, series, feature)."""
    last = z[begin - 1 : end - 1]
    parts = [z[begin - k : end - k] - last for k in spec.lags]
    if spec.means:
        total = np.concatenate([np.zeros((1, z.shape[1])), np.cumsum(z, axis=0)])
        parts += [(total[begin:end] - total[begin - w : end - w]) / w - last for w in spec.means]
    return np.stack(parts, axis=2)


def _coefficients(sums: _Sums, spec: Lags) -> FloatArray:
    """Ridge towards the coefficients of the panel, or of its kinds: (series, feature)."""
    count, width = sums.cross.shape
    total = max(float(sums.seen.sum()), 1.0)
    pooled = sums.gram.sum(axis=0) / total
    pooled += (1e-3 * np.trace(pooled) / width + 1e-12) * np.eye(width)
    common = sums.cross.sum(axis=0) / total
    kinds = min(spec.kinds, count // LEAST_SERIES)
    if kinds < 2:
        return _ridge(sums, spec.prior, pooled, common)
    share = _alike(_ridge(sums, FIRST_PRIOR, pooled, common) @ np.linalg.cholesky(pooled), kinds)
    gram, cross = pooled, common
    for _ in range(ROUNDS):
        weight = KIND_PRIOR + share.T @ sums.seen
        gram = (np.tensordot(share.T, sums.gram, axes=1) + KIND_PRIOR * pooled) / weight[:, None, None]
        cross = (share.T @ sums.cross + KIND_PRIOR * common) / weight[:, None]
        beta = np.linalg.solve(gram, cross[..., None])[..., 0]
        outer = (beta[:, :, None] * beta[:, None, :]).reshape(kinds, -1)
        left = sums.square[:, None] - 2 * sums.cross @ beta.T + sums.gram.reshape(count, -1) @ outer.T
        mean = np.maximum(left / np.maximum(sums.seen, 1.0)[:, None], 1e-9)
        score = -np.sqrt(sums.seen)[:, None] * np.log(mean)
        share = np.exp(score - score.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
    return _ridge(sums, spec.prior, np.tensordot(share, gram, axes=1), share @ cross)


def _ridge(sums: _Sums, prior: float, gram: FloatArray, cross: FloatArray) -> FloatArray:
    """Each series' own coefficients, ``prior`` observations of another's sums (per observation) added to its own."""
    own = np.linalg.solve(sums.gram + prior * gram, (sums.cross + prior * cross)[..., None])
    return np.asarray(own[..., 0])


def _alike(place: FloatArray, kinds: int) -> FloatArray:
    """First kinds by k-means from equal parts along the first principal axis: shares 0 and 1 (series, kind)."""
    centred = place - place.mean(axis=0)
    axis = np.linalg.eigh(centred.T @ centred)[1][:, -1]
    order = np.argsort(centred @ axis, kind="stable")
    label = np.empty(len(place), dtype=np.intp)
    label[order] = np.arange(len(place)) * kinds // len(place)
    for _ in range(ROUNDS):
        share = (label[:, None] == np.arange(kinds)).astype("float64")
        middle = share.T @ place / np.maximum(share.sum(axis=0), 1.0)[:, None]
        label = ((place[:, None] - middle) ** 2).sum(axis=2).argmin(axis=1)
    return np.asarray(label[:, None] == np.arange(kinds), dtype="float64")


def _recurse(known: FloatArray, beta: FloatArray, spec: Lags, steps: int) -> FloatArray:
    """Forecast step by step from the end of ``known``: (step, series)."""
    reach = spec.reach
    path = np.empty((reach + steps, known.shape[1]))
    path[:reach] = known[-reach:]
    sums = {w: path[reach - w : reach].sum(axis=0) for w in spec.means}
    for t in range(reach, reach + steps):
        last = path[t - 1]
        move = np.zeros(known.shape[1])
        for j, k in enumerate(spec.lags):
            move += beta[:, j] * (path[t - k] - last)
        for j, w in enumerate(spec.means):
            move += beta[:, len(spec.lags) + j] * (sums[w] / w - last)
        path[t] = last + move
        for w in spec.means:
            sums[w] = sums[w] + path[t] - path[t - w]
    return path[reach:]
