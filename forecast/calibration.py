"""What past totals say about the next. Comes in: forecasts from past cuts. Goes out: the law of a total's log error.

Its centre and scale for each series, its shape over the panel, how series move together, and how an error is spread
along its path.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast.models.protocol import Rolled
from forecast.panel import FloatArray, IntArray, Panel
from forecast.streams import stratified

#: Pseudo-origins that the panel's prior is worth against a series' own scale of errors.
PRIOR_ORIGINS = 4.0
#: Effective observations that the prior shape of errors (Student t, 4 degrees) is worth against the pooled ones.
PRIOR_SHAPE = 40.0
T4_SCALE = 0.95
MIRROR = 0.25
MOST_LOG = 3.0
MOST_STANDARD = 5.0
#: A past total further than this many prior scales counts as this many in a series' own bias.
WINSOR = 1.5
#: Pseudo-origins that the panel's bias is worth against a series' own, and series that no bias is worth.
PRIOR_CENTRE, PRIOR_SERIES = 12.0, 4.0
#: The scale of a total's log error where nothing else is known, and the most it is taken to be.
UNKNOWN_SCALE, MOST_SCALE = 0.3, 0.6
#: What is taken of a path's slope before errors are seen, and how many independent totals that is worth: the part of
#: a total's error that is there from the first day, and the spread of early against late at the same total.
PRIOR_LEVEL, PRIOR_BIAS, PRIOR_TILT, PRIOR_SLOPE = 0.6, 0.3, 0.4, 20.0
#: Parts of the backtest's length over which early totals are held against whole ones.
PARTS = (0.125, 0.25, 0.5)
#: Prior correlation of the series' lasting errors, worth this many origins.
PRIOR_CORRELATION, PRIOR_CORRELATION_ORIGINS = 0.3, 2.0


@dataclass(frozen=True, slots=True)
class PastErrors:
    """Log errors at past cuts (cut, length, series), and of their totals (cut, series); NaN where none."""

    errors: FloatArray
    totals: FloatArray
    step: int


def past_errors(panel: Panel, rolled: Rolled, length: int, relative: np.ndarray, unit: FloatArray) -> PastErrors:
    """Errors of the forecasts from each cut, in logs where ``relative``, else in ``unit``.

    2 % of the unit is added to both sides, so that a zero has a log; totals are over the steps that were seen, and
    need half of them.
    """
    cuts = rolled.cuts
    if not len(cuts):
        empty = np.zeros((0, length, len(panel.series)))
        return PastErrors(empty, empty[:, 0], 1)
    actual = np.stack([panel.values[c : c + length] for c in cuts])
    guess = rolled.past
    small = 0.02 * unit
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log((actual + small) / (guess + small))
        errors = np.where(relative, logs, (actual - guess) / unit)
        there = np.isfinite(errors)
        held = np.where(there, actual, 0.0).sum(axis=1)
        meant = np.where(there, guess, 0.0).sum(axis=1)
        steps = there.sum(axis=1)
        totals = np.where(
            relative,
            np.log((held + small * steps) / (meant + small * steps)),
            (held - meant) / (unit * np.maximum(steps, 1)),
        )
    totals = np.where(steps >= max(1, length // 2), np.clip(totals, -3.0, 3.0), np.nan)
    return PastErrors(errors, totals, int(np.diff(cuts).min()) if len(cuts) > 1 else length)


@dataclass(frozen=True, slots=True)
class Totals:
    """What past totals say about the next one's log error.

    ``centre`` and ``scale`` (series,); ``effective`` how many independent totals stand behind each (series,);
    ``pooled`` the panel's standardised errors, sorted, signed; ``correlation`` the series' common share.
    """

    centre: FloatArray
    scale: FloatArray
    effective: FloatArray
    pooled: FloatArray
    correlation: float

    @classmethod
    def of(cls, past: PastErrors, cuts: IntArray, season: int) -> Totals:
        """Centre and scale from all cuts; standardised errors each by cuts that do not overlap its own."""
        length = past.errors.shape[1]
        every = np.ones(len(cuts), dtype=bool)
        centre, scale, effective = _centre_scale(past, every, season)
        standard = np.full(past.totals.shape, np.nan)
        for k, cut in enumerate(cuts):
            apart = np.abs(cuts - cut) >= length
            middle, size, _ = _centre_scale(past, apart, season)
            with np.errstate(divide="ignore", invalid="ignore"):
                standard[k] = np.where(size > 0, (past.totals[k] - middle) / size, np.nan)
        pooled = np.sort(np.clip(standard[np.isfinite(standard)], -MOST_STANDARD, MOST_STANDARD))
        return cls(centre, scale, effective, pooled, _correlation(standard, effective))

    def draw(self, count: int, seed: int, key: str, series: tuple[str, ...]) -> FloatArray:
        """Standardised errors of totals, tied over series: (trajectory, series)."""
        from scipy.special import ndtr, ndtri

        common = ndtri(stratified(seed, count, "level", key))
        probability, quantile = self._table()
        out = np.empty((count, len(series)))
        for i, name in enumerate(series):
            own = ndtri(stratified(seed, count, "level", key, name))
            z = np.sqrt(self.correlation) * common + np.sqrt(1 - self.correlation) * own if len(series) > 1 else own
            out[:, i] = np.interp(ndtr(z), probability, quantile)
        return out

    def _table(self) -> tuple[FloatArray, FloatArray]:
        """The law of a standardised error: probabilities and quantiles.

        The pooled errors, half of their weight mirrored, mixed with a Student t of 4 degrees.
        """
        from scipy.special import stdtrit

        student = T4_SCALE * np.asarray(stdtrit(4, (np.arange(4_000) + 0.5) / 4_000))
        values = np.concatenate([self.pooled, -self.pooled, student])
        own = float(self.effective.sum()) / max(len(self.pooled), 1)
        mass = np.concatenate(
            [
                np.full(len(self.pooled), own * (1 - MIRROR)),
                np.full(len(self.pooled), own * MIRROR),
                np.full(len(student), PRIOR_SHAPE / len(student)),
            ]
        )
        order = np.argsort(values, kind="stable")
        cumulative = np.cumsum(mass[order])
        return (cumulative - mass[order] / 2) / cumulative[-1], values[order]


def _centre_scale(past: PastErrors, which: np.ndarray, season: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Centre, scale and effective number of past totals over the cuts ``which``: each (series,)."""
    total = past.totals[which]
    length = past.errors.shape[1]
    there = np.isfinite(total)
    count = there.sum(axis=0)
    effective = np.where(count > 0, 1 + (count - 1) * past.step / max(length, 1), 0.0)
    known = count > 0
    raw = np.where(there, total, 0.0)
    prior = _prior_scale(past.errors[which], (raw**2).sum(axis=0) / np.maximum(count, 1), effective, season)
    mean = np.clip(raw, -WINSOR * prior, WINSOR * prior).sum(axis=0) / np.maximum(count, 1)
    panel = float(np.median(mean[known])) * known.sum() / (known.sum() + PRIOR_SERIES) if known.any() else 0.0
    centre = (effective * mean + PRIOR_CENTRE * panel) / (effective + PRIOR_CENTRE)
    square = np.where(there, total - centre, 0.0) ** 2
    mean_square = square.sum(axis=0) / np.maximum(count, 1)
    joined = (effective * mean_square + PRIOR_ORIGINS * prior**2) / (effective + PRIOR_ORIGINS)
    return centre, np.minimum(np.sqrt(joined), MOST_SCALE), effective


@dataclass(frozen=True, slots=True)
class Spread:
    """How a total's error is spread along its path.

    ``level`` is the part of the error, and ``bias`` the part of the centre, that is there from the first day; the rest
    grows along the path. ``tilt`` is the spread of early against late at one total, in scales of the total.
    """

    level: float
    bias: float
    tilt: float


def spread_along(past: PastErrors, shapes: FloatArray, known: Totals, season: int) -> Spread:
    """Fit the spread of errors along paths to early totals at past cuts.

    With u the part of the horizon gone by, an early total's centre is modelled as c (bias + (1 - bias) u), and its
    error about that, with r the error of the whole total, as r (level + (1 - level) u) + tilt S (1 - u) e + noise,
    e standard normal: least squares over u = 1/8, 1/4 and 1/2, joined with a prior.
    """
    length = past.errors.shape[1]
    there = np.isfinite(past.errors)
    size = np.where(known.scale > 0, known.scale, np.nan)
    whole = np.clip((past.totals - known.centre) / size, -3, 3)
    trials = float(known.effective.sum())
    middle = float(np.median(known.centre))
    bias, level, bottom, rest, fourth = 0.0, 0.0, 0.0, 0.0, 0.0
    for part in PARTS:
        steps = round(part * length)
        if steps < 1 or steps >= length or not len(past.errors):
            continue
        u = steps / length
        seen = there[:, :steps].sum(axis=1)
        mean = np.where(there[:, :steps], past.errors[:, :steps], 0.0).sum(axis=1) / np.maximum(seen, 1)
        use = np.isfinite(whole) & (seen > steps / 2)
        if not use.any():
            continue
        centre = float(np.median(mean[use]))
        early = np.clip((mean - centre) / size, -4, 4)
        slope = float((early[use] * whole[use]).sum() / max((whole[use] ** 2).sum(), 1e-12))
        left = float(np.mean((early[use] - slope * whole[use]) ** 2))
        noise = float(np.nanmean(_turned(shapes, steps, season) / size**2))
        bias += (centre - middle * u) * (1 - u)
        level += (slope - u) * (1 - u)
        bottom += (1 - u) ** 2
        rest += (left - noise) * (1 - u) ** 2
        fourth += (1 - u) ** 4
    if bottom == 0.0:
        return Spread(PRIOR_LEVEL, PRIOR_BIAS, PRIOR_TILT)

    def joined(found: float, prior: float, most: float) -> float:
        return (trials * float(np.clip(found, 0.0, most)) + PRIOR_SLOPE * prior) / (trials + PRIOR_SLOPE)

    share = bias / bottom / middle if abs(middle) > 1e-9 else PRIOR_BIAS
    return Spread(
        joined(level / bottom, PRIOR_LEVEL, 1.2),
        joined(share, PRIOR_BIAS, 1.0),
        joined(float(np.sqrt(max(rest / fourth, 0.0))), PRIOR_TILT, 1.0),
    )


def _turned(shapes: FloatArray, steps: int, season: int) -> FloatArray:
    """Mean square of the mean of ``steps`` steps of the shapes, over cuts and whole-season turns: (series,)."""
    length = shapes.shape[1]
    twice = np.concatenate([np.zeros_like(shapes[:, :1]), shapes, shapes], axis=1)
    total = np.cumsum(twice, axis=1)
    starts = np.arange(0, length, season)
    return np.asarray((((total[:, starts + steps] - total[:, starts]) / steps) ** 2).mean(axis=(0, 1)))


def _prior_scale(errors: FloatArray, square: FloatArray, effective: FloatArray, season: int) -> FloatArray:
    """A series' scale of totals as its volatility of season sums lets expect: (series,).

    log S = a + b log v over the panel, with b drawn to 0.8; a few series are drawn to S = 0.8 v.
    """
    count = errors.shape[2]
    if not len(errors):
        return np.full(count, UNKNOWN_SCALE)
    whole = max(1, errors.shape[1] // season)
    width = min(season, errors.shape[1])
    blocks = errors[:, : whole * width].reshape(len(errors), whole, width, count)
    there = np.isfinite(blocks)
    mean = np.where(there, blocks, 0.0).sum(axis=2) / np.maximum(there.sum(axis=2), 1)
    seen = there.any(axis=2)
    volatility: FloatArray = np.sqrt(
        np.where(seen, mean**2, 0.0).sum(axis=(0, 1)) / np.maximum(seen.sum(axis=(0, 1)), 1)
    )
    use = (effective > 0) & (volatility > 0) & (square > 0)
    alone = np.where(seen.sum(axis=(0, 1)) > 0, 0.8 * volatility, UNKNOWN_SCALE)
    if not use.any():
        return alone
    x, y = np.log(volatility[use]), 0.5 * np.log(square[use])
    centred = x - x.mean()
    slope = (float(centred @ (y - y.mean())) + 50 * 0.8 * 0.25) / (float(centred @ centred) + 50 * 0.25)
    level = np.log(np.sqrt(np.exp(np.mean(np.log(square[use])))) + 1e-12) - slope * x.mean()
    with np.errstate(divide="ignore"):
        panel = np.exp(level + slope * np.log(np.where(volatility > 0, volatility, np.nan)))
    lean = 10.0 / (10.0 + use.sum())
    joined = np.where(alone > 0, alone, 1e-12) ** lean * np.where(np.isfinite(panel), panel, alone + 1e-12) ** (
        1 - lean
    )
    return np.where(volatility > 0, joined, alone)


def _correlation(standard: FloatArray, effective: FloatArray) -> float:
    """The common share of lasting errors, from the means over series at each cut, drawn to a prior."""
    series = standard.shape[1]
    prior, weight = PRIOR_CORRELATION, PRIOR_CORRELATION_ORIGINS
    if series < 2 or not len(standard):
        return prior
    there = np.isfinite(standard)
    rows = there.sum(axis=1) >= 2
    if not rows.any():
        return prior
    size = np.sqrt(np.nanmean(standard[rows] ** 2))
    score = np.clip(np.where(there, standard, 0.0)[rows] / max(float(size), 1e-12), -3, 3)
    n = there[rows].sum(axis=1)
    found = float(np.mean(((score.sum(axis=1) / n) ** 2 - 1 / n) / (1 - 1 / n)))
    trials = float(np.median(effective[effective > 0])) if (effective > 0).any() else 0.0
    return float(np.clip((trials * found + weight * prior) / (trials + weight), 0.0, 0.95))
