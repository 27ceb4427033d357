"""What past totals say about the next. Comes in: forecasts from past cuts. Goes out: the law of a total's log error.

Its centre and scale for each series, its shape over the panel, how series move together, and how an error is spread
along its path.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast.models.age import YOUNG, ages
from forecast.models.logscale import intermittent
from forecast.models.protocol import Rolled
from forecast.panel import BoolArray, FloatArray, IntArray, Panel
from forecast.ranges import Z90
from forecast.streams import stratified

#: Pseudo-origins that the panel's prior is worth against a series' own scale of errors.
PRIOR_ORIGINS = 4.0
#: Effective observations that the prior shape of errors (Student t, 4 degrees) is worth against the pooled ones.
PRIOR_SHAPE = 40.0
#: Independent past totals of a series from which on the panel's own shape is taken in full.
ENOUGH_ORIGINS = 8.0
#: The scale of that Student t: of errors of ``auto``, and of other models, whose own scale holds more of their tails.
T4_SCALE, OTHER_T4_SCALE = 0.88, 0.75
MIRROR = 0.25
#: Normal scores at which quantiles of errors are kept, and the most that a score may be.
SCORES, MOST_SCORE = 2_001, 5.0
MOST_LOG = 3.0
MOST_STANDARD = 5.0
#: A past total further than this many prior scales counts as this many in a series' own bias.
WINSOR = 1.5
#: Pseudo-origins that the panel's bias is worth against a series' own, and series that no bias is worth.
PRIOR_CENTRE, PRIOR_SERIES = 12.0, 4.0
#: The scale of a total's log error where nothing else is known, and the most it is taken to be.
UNKNOWN_SCALE, MOST_SCALE = 0.3, 0.6
# What made-up organisations say of LAW_*, RESTING_SCALE, LEARNING and LAUNCH_*: benchmarks/error_law.py; of T4_SCALE
# and OTHER_T4_SCALE: benchmarks/shelf.py --tune.
#: The shipped law of errors (:func:`law_scale`); of a series that often rests the scale is RESTING_SCALE. A panel's own
#: law is drawn to it, and its slope to PRIOR_LAW_SLOPE, by the worth of so many series.
LAW_DRIFT, LAW_NOISE, LAW_AVERAGE, RESTING_SCALE = 0.026, 0.5, 0.08, 0.45
PRIOR_LAW_SLOPE, LAW_CALM = 0.6, 0.01
PRIOR_PANEL = 10.0
#: What is taken of a path's slope before errors are seen, and how many independent totals that is worth: the part of
#: a total's error that is there from the first day, and the spread of early against late at the same total.
PRIOR_LEVEL, PRIOR_BIAS, PRIOR_TILT, PRIOR_SLOPE = 0.6, 0.3, 0.3, 20.0
#: Parts of the backtest's length over which early totals are held against whole ones.
PARTS = (0.125, 0.25, 0.5)
#: The error of a total falls with the known history n as n ** -LEARNING.
LEARNING = 0.12
#: Of a series launched a days ago a total is expected to be exp(LAUNCH_RISE exp(-(a / LAUNCH_DAYS)^1.5)) times what its
#: own few days foretell, as uncertain as that is, and at least LAUNCH_SCALE. Made-up launches rise by twice that; not
#: every new workload is a launch, so half is expected and the whole is inside the band.
LAUNCH_RISE, LAUNCH_DAYS, LAUNCH_SCALE = 1.35, 28.0, 0.6
#: Two seasons, or so many periods, that were forecast without any error are proof that a series has none.
PROOF = 14
#: Prior correlation of the series' lasting errors, worth this many origins.
PRIOR_CORRELATION, PRIOR_CORRELATION_ORIGINS = 0.12, 1.5


@dataclass(frozen=True, slots=True)
class PastErrors:
    """Log errors at past cuts (cut, length, series), and of their totals (cut, series); NaN where none.

    Totals are brought to the history that is known now: ``learned`` (cut, series) is how much smaller a total's error
    would be with it than it was at the cut. ``resting`` (series,) says which series often have nothing, ``age`` how
    many days ago one was launched; infinite where it was not, or where it goes below 0. ``tail`` is the scale of the
    Student t that stands behind few errors.
    """

    errors: FloatArray
    totals: FloatArray
    learned: FloatArray
    step: int
    resting: BoolArray
    age: FloatArray
    tail: float = T4_SCALE


def past_errors(
    panel: Panel, rolled: Rolled, length: int, relative: np.ndarray, unit: FloatArray, *, tail: float = T4_SCALE
) -> PastErrors:
    """Errors of the forecasts from each cut, in logs where ``relative``, else in ``unit``.

    2 % of the unit is added to both sides, so that a zero has a log; totals are over the steps that were seen, and
    need half of them.
    """
    cuts = rolled.cuts
    resting = intermittent(panel.values, panel.seasons[0])
    age = np.where(relative, ages(panel, np.array([len(panel.values)]))[0], np.inf)
    if not len(cuts):
        empty = np.zeros((0, length, len(panel.series)))
        return PastErrors(empty, empty[:, 0], empty[:, 0], 1, resting, age, tail)
    actual = np.stack([panel.values[c : c + length] for c in cuts])
    # A forecast below 0 of what is never below 0 counts as 0.
    guess = np.where(relative, np.maximum(rolled.past, 0.0), rolled.past)
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
    usable = (steps >= max(1, length // 2)) & (ages(panel, cuts) >= YOUNG)
    known = np.cumsum(np.isfinite(panel.values), axis=0)
    learned = (np.maximum(known[cuts - 1], 1) / known[-1]) ** LEARNING
    totals = np.where(usable, np.clip(totals, -3.0, 3.0) * learned, np.nan)
    step = int(np.diff(cuts).min()) if len(cuts) > 1 else length
    return PastErrors(errors, totals, learned, step, resting, age, tail)


def launched(centre: FloatArray, scale: FloatArray, age: FloatArray, days: float) -> tuple[FloatArray, FloatArray]:
    """Centre and scale of totals over ``days``, of series launched ``age`` days ago, which are expected to rise.

    The rise is that of totals over LAUNCH_DAYS and more; over fewer days it is less in proportion.
    """
    rise = LAUNCH_RISE * min(1.0, days / LAUNCH_DAYS) * np.exp(-((age / LAUNCH_DAYS) ** 1.5))
    return centre + rise, np.hypot(np.where(age < YOUNG, np.maximum(scale, LAUNCH_SCALE), scale), rise)


@dataclass(frozen=True, slots=True)
class Totals:
    """What past totals say about the next one's log error.

    ``centre`` and ``scale`` (series,); ``effective`` how many independent totals stand behind each (series,);
    ``pooled`` the panel's standardised errors, sorted, signed; ``correlation`` the series' common share; ``tail`` the
    scale of the Student t.
    """

    centre: FloatArray
    scale: FloatArray
    effective: FloatArray
    pooled: FloatArray
    correlation: float
    tail: float = T4_SCALE

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
        return cls(centre, scale, effective, pooled, _correlation(standard, effective), past.tail)

    def draw(self, count: int, seed: int, key: str, series: tuple[str, ...]) -> FloatArray:
        """Standardised errors of totals, tied over series: (trajectory, series)."""
        from scipy.special import ndtri

        common = ndtri(stratified(seed, count, "level", key))
        quantile = self._quantiles()
        out = np.empty((count, len(series)))
        for i, name in enumerate(series):
            own = ndtri(stratified(seed, count, "level", key, name))
            z = np.sqrt(self.correlation) * common + np.sqrt(1 - self.correlation) * own
            place = (np.clip(z, -MOST_SCORE, MOST_SCORE) + MOST_SCORE) * ((len(quantile) - 1) / (2 * MOST_SCORE))
            low = np.minimum(place.astype(np.intp), len(quantile) - 2)
            out[:, i] = quantile[low] + (place - low) * (quantile[low + 1] - quantile[low])
        return out

    def _quantiles(self) -> FloatArray:
        """Quantiles of a standardised error at normal scores from -MOST_SCORE to MOST_SCORE, evenly apart."""
        from scipy.special import ndtr

        probability, quantile = self._table()
        return np.interp(ndtr(np.linspace(-MOST_SCORE, MOST_SCORE, SCORES)), probability, quantile)

    def _table(self) -> tuple[FloatArray, FloatArray]:
        """The law of a standardised error: probabilities and quantiles.

        The pooled errors, half of their weight mirrored, mixed with a Student t of 4 degrees: the fewer independent
        past totals there are of a series, the more of it, since errors are standardised by scales that few totals tell.
        """
        from scipy.special import stdtrit

        student = self.tail * np.asarray(stdtrit(4, (np.arange(4_000) + 0.5) / 4_000))
        values = np.concatenate([self.pooled, -self.pooled, student])
        trust = min(1.0, float(np.median(self.effective)) / ENOUGH_ORIGINS) ** 2
        own = trust * float(self.effective.sum()) / max(len(self.pooled), 1)
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


def _centre_scale(past: PastErrors, which: BoolArray, season: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Centre, scale and effective number of past totals over the cuts ``which``: each (series,)."""
    total = past.totals[which]
    length = past.errors.shape[1]
    there = np.isfinite(total)
    count = there.sum(axis=0)
    effective = np.where(count > 0, 1 + (count - 1) * past.step / max(length, 1), 0.0)
    known = count > 0
    raw = np.where(there, total, 0.0)
    square = (raw**2).sum(axis=0) / np.maximum(count, 1)
    prior = _prior_scale(past.errors[which], square, effective, season, past.resting)
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
        mean *= past.learned
        use = np.isfinite(whole) & (seen > steps / 2)
        if not use.any():
            continue
        centre = float(np.median(mean[use]))
        early = np.clip((mean - centre) / size, -4, 4)
        slope = float((early[use] * whole[use]).sum() / max((whole[use] ** 2).sum(), 1e-12))
        # By the quantile that is meant to hold: a few wild series would widen all.
        left = float(np.quantile(np.abs(early[use] - slope * whole[use]), 0.8) / Z90) ** 2
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


def _prior_scale(
    errors: FloatArray,
    square: FloatArray,
    effective: FloatArray,
    season: int,
    resting: BoolArray,
) -> FloatArray:
    """A series' scale of totals as its volatility of season sums lets expect: (series,).

    log S = a + b log v over the panel, with b drawn to the shipped law's; few series are drawn to that law. A series
    that often rests tells little by its volatility: it has the mean of such series, drawn to the law's.
    """
    count = errors.shape[2]
    volatility = _volatility(errors, season) if len(errors) else np.zeros(count)
    with np.errstate(divide="ignore"):
        x = np.log(np.where(volatility > 0, volatility, np.nan))
        y = 0.5 * np.log(np.where(square > 0, square, np.nan))
        law = np.log(_law(volatility, errors.shape[1] / season))
    out = np.where(volatility > 0, law, np.log(UNKNOWN_SCALE))
    use = (effective > 0) & np.isfinite(x) & np.isfinite(y) & ~resting
    if use.any():
        centred = x[use] - x[use].mean()
        slope = (float(centred @ (y[use] - y[use].mean())) + 50 * PRIOR_LAW_SLOPE * 0.25) / (
            float(centred @ centred) + 50 * 0.25
        )
        panel = y[use].mean() + slope * (x - x[use].mean())
        lean = PRIOR_PANEL / (PRIOR_PANEL + np.minimum(1.0, effective[use] / ENOUGH_ORIGINS).sum())
        out = np.where(np.isfinite(panel), lean * out + (1 - lean) * panel, out)
    at_rest = (effective > 0) & np.isfinite(y) & resting
    mean = (y[at_rest].sum() + PRIOR_PANEL * np.log(RESTING_SCALE)) / (at_rest.sum() + PRIOR_PANEL)
    scale = np.exp(np.where(resting, mean, out))
    # A series that was forecast without any error, for long enough, has no scale but its own.
    exact = (effective * errors.shape[1] >= min(2 * season, PROOF)) & (volatility == 0) & (square == 0)
    return np.where(exact, 0.0, scale)


def _law(volatility: FloatArray, seasons: float) -> FloatArray:
    """The scale that volatility lets expect; over less than two seasons it is the total's own."""
    return volatility if seasons < 2 else law_scale(volatility, seasons)


def law_scale(volatility: FloatArray, seasons: float) -> FloatArray:
    """The scale of the log error of a total over some seasons, by the volatility of season sums.

    What drifts grows with the root of their number n, and what is noise averages out:
    S^2 = n drift^2 v^2 / (v^2 + calm^2) + (noise n^-a v)^2. A series that is calmer than any that the law was fitted to
    drifts less too, and one without noise does not drift.
    """
    square = volatility**2
    drift = seasons * LAW_DRIFT**2 * square / (square + LAW_CALM**2)
    return np.asarray(np.sqrt(drift + (LAW_NOISE * seasons**-LAW_AVERAGE) ** 2 * square))


def _volatility(errors: FloatArray, season: int) -> FloatArray:
    """Root mean square of the mean error of whole seasons: (series,)."""
    whole = max(1, errors.shape[1] // season)
    width = min(season, errors.shape[1])
    blocks = errors[:, : whole * width].reshape(len(errors), whole, width, errors.shape[2])
    there = np.isfinite(blocks)
    mean = np.where(there, blocks, 0.0).sum(axis=2) / np.maximum(there.sum(axis=2), 1)
    seen = there.any(axis=2)
    return np.asarray(np.sqrt(np.where(seen, mean**2, 0.0).sum(axis=(0, 1)) / np.maximum(seen.sum(axis=(0, 1)), 1)))


def _correlation(standard: FloatArray, effective: FloatArray) -> float:
    """The common share of lasting errors, from the means over series at each cut, drawn to a prior."""
    series = standard.shape[1]
    prior, weight = PRIOR_CORRELATION, PRIOR_CORRELATION_ORIGINS
    if series < 2:
        return 0.0
    if not len(standard):
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
