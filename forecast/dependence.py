"""Joint trajectories around a point forecast, calibrated on totals.

Comes in: a panel, and forecasts of it from the end and from past cuts. Goes out: R joint futures in three parts: a
level error and a growth error that last, and a daily shape taken from past errors, the same cut for every series.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from forecast.models.protocol import Model, Rolled, cuts_of, roll
from forecast.panel import FloatArray, IntArray, Panel
from forecast.streams import stratified, stream

#: Pseudo-origins that the panel's prior is worth against a series' own scale of errors.
PRIOR_ORIGINS = 4.0
#: Effective observations that the prior shape of errors (Student t, 4 degrees) is worth against the pooled ones.
PRIOR_SHAPE = 40.0
T4_SCALE = 0.95
MIRROR = 0.25
MOST_LOG = 3.0
MOST_STANDARD = 8.0
#: Pseudo-origins that the panel's bias is worth against a series' own, and series that no bias is worth.
PRIOR_CENTRE, PRIOR_SERIES = 12.0, 4.0
#: How the spread grows beyond the longest backtest: (H / h0) ** WIDEN. A prior, not an estimate.
WIDEN = 0.35
#: The scale of a total's log error where nothing else is known, and the most it is taken to be.
UNKNOWN_SCALE, MOST_SCALE = 0.3, 0.6
#: The part of a total's error that is there from the first day; the rest grows along the path.
LEVEL_SHARE = 0.6
#: Prior correlation of the series' lasting errors, worth this many origins.
PRIOR_CORRELATION, PRIOR_CORRELATION_ORIGINS = 0.3, 2.0


@dataclass(frozen=True, slots=True)
class Trajectories:
    """R joint futures of a panel, made when asked.

    Attributes
    ----------
    point : float array (period, series)
        The forecast.
    level : float array (trajectory, series)
        Log error there from the first period on.
    growth : float array (trajectory, series)
        Log error a period, growing along the path.
    slope : float array (series,)
        The point forecast's own log growth a period, adjusted for season.
    errors : float array (cut, length, series)
        Past log errors less their own line: what shapes are made of.
    origin, offset : int array (trajectory, period)
        Which cut and step each period's shape is taken from; the same for every series.
    scale : float array (series,)
        The scale of the total's log error over the horizon.
    relative : bool array (series,)
        False where a series has negative values: its errors are then in ``unit``, not in logs.
    unit : float array (series,)
    seen : tuple of str (series,)
        What the band of each series rests on, in words.
    """

    point: FloatArray
    level: FloatArray
    growth: FloatArray
    slope: FloatArray
    errors: FloatArray
    origin: IntArray
    offset: IntArray
    scale: FloatArray
    relative: np.ndarray
    unit: FloatArray
    seen: tuple[str, ...] = field(default=())

    @property
    def count(self) -> int:
        """How many trajectories."""
        return int(self.level.shape[0])

    def paths(self, which: slice | IntArray = slice(None), series: slice | IntArray = slice(None)) -> FloatArray:
        """The futures of some trajectories and series: float array (trajectory, period, series)."""
        error = self.shape(which, series) + self.level[which][:, None, series]
        steps = np.arange(1, len(self.point) + 1)
        error += self.growth[which][:, None, series] * steps[None, :, None]
        return self.around(error, series)

    def shape(self, which: slice | IntArray = slice(None), series: slice | IntArray = slice(None)) -> FloatArray:
        """The daily part of the log errors: float array (trajectory, period, series)."""
        pool = self.errors[:, :, series]
        return np.asarray(pool[self.origin[which], self.offset[which]])

    def around(self, error: FloatArray, series: slice | IntArray = slice(None)) -> FloatArray:
        """The point forecast moved by ``error`` (trajectory, period, series)."""
        point, relative, unit = self.point[:, series], self.relative[series], self.unit[series]
        if relative.all():
            return point * np.exp(error)
        return np.where(relative, point * np.exp(np.where(relative, error, 0.0)), point + unit * error)


def trajectories(
    panel: Panel, model: Model, *, horizon: int, count: int, seed: int, key: str = "series"
) -> Trajectories:
    """Forecast a panel and make ``count`` joint trajectories around the point.

    A series' total over the horizon is F exp(r), F the sum of its point forecast. The scale of r joins the series' own
    errors of totals at past cuts with a prior from the panel, and is widened by (H / h0)^0.35 beyond the longest
    backtest h0; its shape is the panel's pooled, symmetrised errors joined with a Student t. Lasting errors of the
    series are tied by a one-factor normal copula. The daily shape of a trajectory comes from one past cut for all
    series at once, turned by whole seasons, chained where the horizon is longer than the backtest.

    Parameters
    ----------
    panel : Panel
    model : Model
        Any point model; its errors at rolling cuts make the bands.
    horizon, count : int
        Periods ahead, and trajectories.
    seed : int
    key : str
        Names the random streams, so that two panels with one seed do not share draws by accident.
    """
    cuts, length = cuts_of(panel, horizon)
    rolled = roll(model, panel, horizon, cuts, length)
    relative = np.nanmin(panel.values, axis=0) >= 0
    unit = _unit(panel.values)
    floor = 0.02 * unit
    past = _past_errors(panel, rolled, length, relative, unit)
    known = _Totals.of(past, cuts, panel.seasons[0])
    scale = known.scale * _widening(horizon, length if len(cuts) else 0, panel)
    scale = np.minimum(scale, MOST_SCALE * max(1.0, (horizon / max(length, 1)) ** WIDEN))
    constant = np.nanmax(panel.values, axis=0) == np.nanmin(panel.values, axis=0)
    scale = np.where(constant | (np.nanmax(np.abs(panel.values), axis=0) == 0), 0.0, scale)
    total = np.clip(known.centre + scale * known.draw(count, seed, key, panel.series), -MOST_LOG, MOST_LOG)
    level = LEVEL_SHARE * total
    growth = (1 - LEVEL_SHARE) * total * 2.0 / (horizon + 1)
    origin, offset = _turns(horizon, count, len(cuts), length, panel.seasons, seed)
    errors = _shapes(past.errors, panel, relative, unit)
    made = Trajectories(
        rolled.point,
        level,
        growth,
        _slope(rolled.point, panel, floor),
        errors,
        origin,
        offset,
        scale,
        relative,
        unit,
        tuple(f"{n:.1f} independent past totals of {length} periods" for n in known.effective),
    )
    return _hold_totals(made, total)


@dataclass(frozen=True, slots=True)
class _Past:
    """Log errors at past cuts (cut, length, series), and of their totals (cut, series); NaN where none."""

    errors: FloatArray
    totals: FloatArray
    step: int


def _unit(values: FloatArray) -> FloatArray:
    unit = np.nanmean(np.abs(values), axis=0)
    return np.where(unit > 0, unit, 1.0)


def _past_errors(panel: Panel, rolled: Rolled, length: int, relative: np.ndarray, unit: FloatArray) -> _Past:
    cuts = rolled.cuts
    if not len(cuts):
        empty = np.zeros((0, length, len(panel.series)))
        return _Past(empty, empty[:, 0], 1)
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
    return _Past(errors, totals, int(np.diff(cuts).min()) if len(cuts) > 1 else length)


@dataclass(frozen=True, slots=True)
class _Totals:
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
    def of(cls, past: _Past, cuts: IntArray, season: int) -> _Totals:
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


def _centre_scale(past: _Past, which: np.ndarray, season: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Centre, scale and effective number of past totals over the cuts ``which``: each (series,)."""
    total = past.totals[which]
    length = past.errors.shape[1]
    there = np.isfinite(total)
    count = there.sum(axis=0)
    effective = np.where(count > 0, 1 + (count - 1) * past.step / max(length, 1), 0.0)
    known = count > 0
    mean = np.where(there, total, 0.0).sum(axis=0) / np.maximum(count, 1)
    panel = float(np.median(mean[known])) * known.sum() / (known.sum() + PRIOR_SERIES) if known.any() else 0.0
    centre = (effective * mean + PRIOR_CENTRE * panel) / (effective + PRIOR_CENTRE)
    square = np.where(there, total - centre, 0.0) ** 2
    mean_square = square.sum(axis=0) / np.maximum(count, 1)
    prior = _prior_scale(past.errors[which], mean_square, effective, season)
    joined = (effective * mean_square + PRIOR_ORIGINS * prior**2) / (effective + PRIOR_ORIGINS)
    return centre, np.minimum(np.sqrt(joined), MOST_SCALE), effective


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


def _widening(horizon: int, length: int, panel: Panel) -> float:
    if length == 0:
        return float(max(1.0, horizon / max(panel.seasons[0], 1)) ** WIDEN)
    return float(max(1.0, horizon / length) ** WIDEN)


def _turns(
    horizon: int, count: int, cuts: int, length: int, seasons: tuple[int, ...], seed: int
) -> tuple[IntArray, IntArray]:
    """Which past cut and step each period's shape comes from: backtest-long blocks, turned by whole seasons."""
    if cuts == 0:
        return np.zeros((count, horizon), dtype=np.intp), np.zeros((count, horizon), dtype=np.intp)
    season = seasons[0] if length >= 2 * seasons[0] else 1
    whole = max(1, length // season) * season
    blocks = -(-horizon // whole)
    rng = stream(seed, "shape")
    pick = np.stack([(rng.permutation(count) + int(rng.integers(cuts))) % cuts for _ in range(blocks)], axis=1)
    turn = rng.integers(0, max(1, whole // season), size=(count, blocks)) * season
    t = np.arange(horizon)
    origin = pick[:, t // whole]
    offset = (t % whole + turn[:, t // whole]) % whole
    return origin.astype(np.intp), offset.astype(np.intp)


def _shapes(errors: FloatArray, panel: Panel, relative: np.ndarray, unit: FloatArray) -> FloatArray:
    """Past errors less their own line; a cut that a series did not see takes the series' other cuts in turn."""
    count = len(panel.series)
    if not len(errors):
        return np.zeros((1, max(1, errors.shape[1]), count))
    length = errors.shape[1]
    t = np.arange(length) - (length - 1) / 2
    there = np.isfinite(errors)
    clean = np.where(there, errors, 0.0)
    number = np.maximum(there.sum(axis=1, keepdims=True), 1)
    centred = np.where(there, clean - clean.sum(axis=1, keepdims=True) / number, 0.0)
    rise = (centred * t[:, None]).sum(axis=1, keepdims=True) / max(float((t * t).sum()), 1e-12)
    shape = np.where(there, centred - rise * t[:, None], 0.0)
    missing = there.sum(axis=1) == 0
    for k, i in zip(*np.nonzero(missing), strict=True):
        donors = np.nonzero(~missing[:, i])[0]
        if len(donors):
            shape[k, :, i] = shape[donors[k % len(donors)], :, i]
    return shape


def _slope(point: FloatArray, panel: Panel, floor: FloatArray) -> FloatArray:
    """Log growth a period of the point forecast, with phase means taken out: (series,)."""
    horizon = len(point)
    season = panel.seasons[0] if horizon >= 2 * panel.seasons[0] else 1
    if horizon < 2:
        return np.zeros(point.shape[1])
    level = np.log(np.maximum(point, np.maximum(1e-12, 1e-9 * floor)))
    t = np.arange(horizon, dtype=float)
    phase = (len(panel.periods) + np.arange(horizon)) % season
    for j in range(season):
        rows = phase == j
        level[rows] -= level[rows].mean(axis=0)
        t[rows] -= t[rows].mean()
    return np.asarray((t[:, None] * level).sum(axis=0) / max(float((t * t).sum()), 1e-12))


def _hold_totals(made: Trajectories, total: FloatArray) -> Trajectories:
    """Move each level so that a path's total is exactly F exp(r): sums then follow the calibrated law."""
    level = made.level.copy()
    size = max(1, int(4e6 // max(1, made.count * len(made.point))))
    for begin in range(0, level.shape[1], size):
        part = slice(begin, begin + size)
        sums = made.paths(slice(None), part).sum(axis=1)
        meant = made.point[:, part].sum(axis=0)
        relative, unit = made.relative[part], made.unit[part]
        with np.errstate(divide="ignore", invalid="ignore"):
            logs = np.log(meant * np.exp(total[:, part]) / sums)
            plain = (meant - sums) / (unit * len(made.point)) + total[:, part]
        move = np.where(relative, np.where((sums > 0) & (meant > 0), logs, 0.0), plain)
        level[:, part] += move
    return Trajectories(
        made.point,
        level,
        made.growth,
        made.slope,
        made.errors,
        made.origin,
        made.offset,
        made.scale,
        made.relative,
        made.unit,
        made.seen,
    )
