"""A shift-invariant autoregression whose coefficients lean on the panel's.

Comes in: series on the working scale without gaps (period, series). Goes out: forecasts from every cut and the end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast.models.holt_winters import Smoothed
from forecast.panel import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Lags:
    """What the next step looks back on: ``lags`` and means over ``means`` periods, each less the last value.

    ``prior`` is how many pseudo-observations of the panel's own regression each series' regression is given.
    """

    lags: tuple[int, ...]
    means: tuple[int, ...]
    prior: float

    @property
    def reach(self) -> int:
        """Periods needed before the first target."""
        return max(*self.lags, *self.means) + 1


#: A step larger than this many of the series' typical steps is cut to it before fitting.
WINSOR = 4.0


def autoregress(z: FloatArray, spec: Lags, cuts: IntArray, *, length: int, horizon: int) -> Smoothed:
    """Fit at each cut and at the end, and forecast recursively.

    The target is d_t = z_t - z_(t-1); the features are z_(t-k) - z_(t-1) and mean_w(z) - z_(t-1), so that a shift of
    the whole series changes nothing. With G_i = X'X / s_i^2 and g_i = X'd / s_i^2 of series i and their means per
    observation R and r over the panel, the panel's coefficients are b0 = R^-1 r and the series' own

        b_i = (G_i + n0 R)^-1 (g_i + n0 R b0).
    """
    periods, count = z.shape
    first = spec.reach
    past = np.full((len(cuts), length, count), np.nan)
    if periods <= first:
        return Smoothed(past, np.full((horizon, count), np.nan))
    step = np.diff(z, axis=0)
    ends = [*(int(c) for c in cuts), periods]
    width = len(spec.lags) + len(spec.means)
    gram = np.zeros((count, width, width))
    cross = np.zeros((count, width))
    point = np.full((horizon, count), np.nan)
    begin = first
    for k, end in enumerate(ends):
        if end > begin:
            moved = np.maximum((np.cumsum(step[: end - 1] != 0, axis=0) > 0).sum(axis=0), 1)
            size = np.maximum(np.sqrt((step[: end - 1] ** 2).sum(axis=0) / moved), 1e-9)
            x = _features(z, spec, begin, end) / size[:, None]
            d = np.clip(step[begin - 1 : end - 1] / size, -WINSOR, WINSOR)
            gram += np.einsum("tnp,tnq->npq", x, x, optimize=True)
            cross += np.einsum("tnp,tn->np", x, d, optimize=True)
            begin = end
        seen = end - first
        if seen < 2 * width and not (count > 1 and seen * count > 4 * width):
            continue
        beta = _coefficients(gram, cross, seen, spec.prior)
        ahead = _recurse(z[:end], beta, spec, length if k < len(cuts) else horizon)
        if k < len(cuts):
            past[k] = ahead
        else:
            point = ahead
    return Smoothed(past, point)


def _features(z: FloatArray, spec: Lags, begin: int, end: int) -> FloatArray:
    """Features for targets ``begin`` to ``end``: (target, series, feature)."""
    last = z[begin - 1 : end - 1]
    parts = [z[begin - k : end - k] - last for k in spec.lags]
    if spec.means:
        total = np.concatenate([np.zeros((1, z.shape[1])), np.cumsum(z, axis=0)])
        parts += [(total[begin:end] - total[begin - w : end - w]) / w - last for w in spec.means]
    return np.stack(parts, axis=2)


def _coefficients(gram: FloatArray, cross: FloatArray, seen: int, prior: float) -> FloatArray:
    """Ridge towards the panel's own coefficients: (series, feature)."""
    width = gram.shape[1]
    pooled = gram.sum(axis=0) / (seen * len(gram))
    pooled += (1e-3 * np.trace(pooled) / width + 1e-12) * np.eye(width)
    common = np.linalg.solve(pooled, cross.sum(axis=0) / (seen * len(gram)))
    own = np.linalg.solve(gram + prior * pooled, (cross + prior * (pooled @ common))[..., None])
    return np.asarray(own[..., 0])


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
