"""Joint trajectories around a point forecast, calibrated on totals.

Comes in: a panel, and forecasts of it from the end and from past cuts. Goes out: R joint futures in three parts: a
level error and a growth error that last, and a daily shape taken from past errors, the same cut for every series.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from forecast.calibration import MOST_LOG, Totals, past_errors, spread_along
from forecast.models.protocol import Model, cuts_of, roll
from forecast.panel import FloatArray, IntArray, Panel
from forecast.streams import stratified, stream

#: How the spread grows beyond the longest backtest: (H / h0) ** WIDEN. A prior between what generated organisations
#: (0.1) and page views (0.35) want; not an estimate from the series at hand.
WIDEN = 0.2
#: Past shapes are few, and overlap: single periods range wider than they show, by this factor.
SHAPE = 1.2


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

    A series' total over the horizon is F exp(r), F the sum of its point forecast. The centre and scale of r join the
    series' own errors of totals at past cuts with a prior from the panel, and the scale is widened by (H / h0)^0.2
    beyond the longest backtest h0; its shape is the panel's pooled errors joined with a Student t. Lasting errors of
    the series are tied by a one-factor normal copula. The daily shape of a trajectory comes from one past cut for all
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
    from scipy.special import ndtri

    cuts, length = cuts_of(panel, horizon)
    rolled = roll(model, panel, horizon, cuts, length)
    relative = np.nanmin(panel.values, axis=0) >= 0
    unit = _unit(panel.values)
    floor = 0.02 * unit
    past = past_errors(panel, rolled, length, relative, unit)
    known = Totals.of(past, cuts, panel.seasons[0])
    scale = known.scale * _widening(horizon, length if len(cuts) else 0, panel)
    constant = np.nanmax(panel.values, axis=0) == np.nanmin(panel.values, axis=0)
    # A few equal values are no proof that a series never moves.
    constant &= np.isfinite(panel.values).sum(axis=0) >= 2 * panel.seasons[0]
    scale = np.where(constant | (np.nanmax(np.abs(panel.values), axis=0) == 0), 0.0, scale)
    total = np.clip(known.centre + scale * known.draw(count, seed, key, panel.series), -MOST_LOG, MOST_LOG)
    errors = _shapes(past.errors, panel, relative, unit)
    along = spread_along(past, errors, known, panel.seasons[0])
    lean = along.tilt * scale * np.column_stack([ndtri(stratified(seed, count, "tilt", key, s)) for s in panel.series])
    late = (1 - along.level) * (total - known.centre) + (1 - along.bias) * known.centre + lean
    level = total - late
    growth = late * 2.0 / (horizon + 1)
    origin, offset = _turns(horizon, count, len(cuts), length, panel.seasons, seed)
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


def _unit(values: FloatArray) -> FloatArray:
    unit = np.nanmean(np.abs(values), axis=0)
    return np.where(unit > 0, unit, 1.0)


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
    return SHAPE * shape


def _slope(point: FloatArray, panel: Panel, floor: FloatArray) -> FloatArray:
    """Log growth a period of the point forecast: (series,).

    Phase medians are taken out, then a line is fitted to the medians of whole seasons, so that a holiday, which moves
    single days, does not pass for growth.
    """
    horizon = len(point)
    season = panel.seasons[0] if horizon >= 2 * panel.seasons[0] else 1
    if horizon < 2:
        return np.zeros(point.shape[1])
    level = np.log(np.maximum(point, np.maximum(1e-12, 1e-9 * floor)))
    t = np.arange(horizon, dtype=float)
    phase = (len(panel.periods) + np.arange(horizon)) % season
    for j in range(season):
        rows = phase == j
        level[rows] -= np.median(level[rows], axis=0)
        t[rows] -= np.median(t[rows])
    whole = horizon // season
    level = np.median(level[: whole * season].reshape(whole, season, -1), axis=1)
    t = np.median(t[: whole * season].reshape(whole, season), axis=1)
    level, t = level - level.mean(axis=0), t - t.mean()
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
