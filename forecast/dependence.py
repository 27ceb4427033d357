"""Joint trajectories around a point forecast, calibrated on totals.

Comes in: a panel, and forecasts of it from the end and from past cuts. Goes out: R joint futures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from forecast.calibration import (
    MOST_LOG,
    OTHER_T4_SCALE,
    T4_SCALE,
    Spread,
    Totals,
    launched,
    past_errors,
    spread_along,
)
from forecast.errors import ModelError
from forecast.joint import Trajectories, beside, with_own
from forecast.models.age import DAYS_A_PERIOD, YOUNG
from forecast.models.protocol import Model, SamplingModel, cuts_of, roll
from forecast.panel import BoolArray, FloatArray, IntArray, Panel
from forecast.progress import Work, in_parallel
from forecast.streams import stratified, stream

#: How the spread grows beyond the longest backtest: (H / h0) ** WIDEN. A prior between what generated organisations
#: (0.1) and page views (0.35) want; not an estimate from the series at hand.
WIDEN = 0.2
#: Past shapes are few, and overlap: single periods range wider than they show, by this factor.
SHAPE = 1.2
#: Series that are drawn at once: few enough for a processor's cache, many enough to be worth a call.
AT_ONCE = 128


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A point forecast and the law of its errors: what joint trajectories are drawn from, all series or some.

    Attributes
    ----------
    series : tuple of str (series,)
    point : float array (horizon, series)
    slope : float array (series,)
        Its own log growth a period, adjusted for season.
    known : Totals
        What past totals say, of every series of the panel.
    centre, scale : float array (series,)
        Of the log error of the total over the horizon.
    along : Spread
        How that error is spread along the path.
    errors : float array (cut, length, series)
        What shapes are made of.
    cuts : int
        How many past cuts there are; 0 if none, and there are then no shapes.
    seasons : tuple of int
    relative : bool array (series,)
    unit : float array (series,)
    seen, method : tuple of str (series,)
    notes : tuple of str
    """

    series: tuple[str, ...]
    point: FloatArray
    slope: FloatArray
    known: Totals
    centre: FloatArray
    scale: FloatArray
    along: Spread
    errors: FloatArray
    cuts: int
    seasons: tuple[int, ...]
    relative: np.ndarray
    unit: FloatArray
    seen: tuple[str, ...]
    method: tuple[str, ...]
    notes: tuple[str, ...]

    def part(self, chosen: slice) -> Calibrated:
        """Some of the series; their draws are what they are among all."""
        return replace(
            self,
            series=self.series[chosen],
            point=self.point[:, chosen],
            slope=self.slope[chosen],
            centre=self.centre[chosen],
            scale=self.scale[chosen],
            errors=self.errors[:, :, chosen],
            relative=self.relative[chosen],
            unit=self.unit[chosen],
            seen=self.seen[chosen],
            method=self.method[chosen],
        )


def calibrate(panel: Panel, model: Model, *, horizon: int) -> Calibrated:
    """Forecast a panel, and learn the law of its errors from past cuts.

    A series' total over the horizon is F exp(r), F the sum of its point forecast. The centre and scale of r join the
    series' own errors of totals at past cuts with a prior from the panel, and the scale is widened by (H / h0)^0.2
    beyond the longest backtest h0; its shape is the panel's pooled errors joined with a Student t.
    """
    cuts, length = cuts_of(panel, horizon)
    rolled = roll(model, panel, horizon, cuts, length)
    relative = np.nanmin(panel.values, axis=0) >= 0
    unit = _unit(panel.values)
    from forecast.models.auto import Auto  # loaded with the model that is calibrated, or not at all

    tail = T4_SCALE if isinstance(getattr(model, "rest", model), Auto) else OTHER_T4_SCALE
    past = past_errors(panel, rolled, length, relative, unit, tail=tail)
    known = Totals.of(past, cuts, panel.seasons[0])
    constant = np.nanmax(panel.values, axis=0) == np.nanmin(panel.values, axis=0)
    # A few equal values are no proof that a series never moves.
    constant &= (np.isfinite(panel.values).sum(axis=0) >= 2 * panel.seasons[0]) & ~(past.age < YOUNG)
    widened = known.scale * _widening(horizon, length if len(cuts) else 0, panel)
    days = horizon * DAYS_A_PERIOD.get(panel.freq, np.inf)
    centre, scale = launched(known.centre, widened, past.age, days)
    errors = _shapes(past.errors, panel)
    return Calibrated(
        series=panel.series,
        point=rolled.point,
        slope=_slope(rolled.point, panel, 0.02 * unit),
        known=known,
        centre=np.where(constant, 0.0, centre),
        scale=np.where(constant, 0.0, scale),
        along=spread_along(past, errors, known, panel.seasons[0]),
        errors=errors,
        cuts=len(cuts),
        seasons=panel.seasons,
        relative=relative,
        unit=unit,
        seen=tuple(f"{n:.1f} independent past totals of {length} periods" for n in known.effective),
        method=rolled.method or tuple([model.name] * len(panel.series)),
        notes=rolled.notes,
    )


def trajectories(
    panel: Panel, model: Model, *, horizon: int, count: int, seed: int, key: str = "series"
) -> Trajectories:
    """Forecast a panel and make ``count`` joint trajectories around the point, calibrated as by :func:`calibrate`.

    Lasting errors of the series are tied by a one-factor normal copula. The daily shape of a trajectory comes from one
    past cut for all series at once, turned by whole seasons, chained where the horizon is longer than the backtest.

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
    seen: BoolArray = np.asarray(np.isfinite(panel.values).any(axis=0))
    law = calibrate(panel.part(seen), model, horizon=horizon)
    made, total = _drawn(law, count=count, seed=seed, key=key)
    made = _hold_totals(made, total)
    if not isinstance(model, SamplingModel):
        return made
    if not seen.all():
        rank = law.known.draw(count, seed, key, panel.series)
        rank[:, seen] = total
        made, total = beside(made, seen), rank
    made = with_own(made, model.futures(panel, horizon, count, seed), total)
    if not seen.all() and (made.column is None or (made.column[~seen] < 0).any()):
        raise ModelError(f"model {model.name!r} plans series that it has no futures of")
    return made


def totals(law: Calibrated, starts: IntArray, *, count: int, seed: int, key: str = "series") -> FloatArray:
    """Totals of each trajectory over spans that begin at ``starts``, no path being kept: (trajectory, span, series).

    The same numbers as the sums of :func:`trajectories`' paths.
    """
    from joblib import delayed

    parts = [slice(begin, begin + AT_ONCE) for begin in range(0, len(law.series), AT_ONCE)]
    calls = (delayed(_block_totals)(law.part(part), starts, count, seed, key) for part in parts)
    made = in_parallel(calls, "adding up", [Work(len(law.series[part])) for part in parts])
    out = np.empty((count, len(starts), len(law.series)))
    for part, found in zip(parts, made, strict=True):
        out[:, :, part] = found
    return out


def _block_totals(law: Calibrated, starts: IntArray, count: int, seed: int, key: str) -> FloatArray:
    """Totals of some series: (trajectory, span, series)."""
    made, total = _drawn(law, count=count, seed=seed, key=key)
    if not made.relative.all():
        return np.asarray(np.add.reduceat(_hold_totals(made, total).paths(), starts, axis=1))
    sums = _sums(made, starts)
    return np.asarray(sums * np.exp(_missing(made, total, sums.sum(axis=1)))[:, None])


def _drawn(law: Calibrated, *, count: int, seed: int, key: str) -> tuple[Trajectories, FloatArray]:
    """Trajectories whose level is not set yet, and the log error that each total is to have: (trajectory, series)."""
    from scipy.special import ndtri

    horizon = len(law.point)
    total = np.clip(law.centre + law.scale * law.known.draw(count, seed, key, law.series), -MOST_LOG, MOST_LOG)
    tilt = np.column_stack([ndtri(stratified(seed, count, "tilt", key, s)) for s in law.series])
    late = (1 - law.along.level) * (total - law.centre) + (1 - law.along.bias) * law.centre
    late += law.along.tilt * law.scale * tilt
    origin, offset = _turns(horizon, count, law.cuts, law.errors.shape[1], law.seasons, seed)
    growth = late * 2.0 / (horizon + 1)
    shape = (law.errors, origin, offset, law.scale, law.relative, law.unit, law.seen, law.method, law.notes)
    return Trajectories(law.point, total - late, growth, law.slope, *shape), total


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


def _shapes(errors: FloatArray, panel: Panel) -> FloatArray:
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


#: Pairs of seasons, times series, whose slopes are held at once: bounds memory.
PAIRS = 2_000_000


def _slope(point: FloatArray, panel: Panel, floor: FloatArray) -> FloatArray:
    """Log growth a period of the point forecast: (series,).

    Phase medians are taken out, and the slope is the median of those between any two whole seasons' medians, so that
    neither a holiday, which moves single days, nor a week of them at the end passes for growth (Theil 1950; Sen 1968,
    doi:10.1080/01621459.1968.10480934).
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
    first, second = np.triu_indices(whole, k=1)
    slope = np.zeros(point.shape[1])
    wide = max(1, PAIRS // max(len(first), 1))
    for begin in range(0, len(slope), wide):
        part = level[:, begin : begin + wide]
        rise = (part[second] - part[first]) / (t[second] - t[first])[:, None]
        slope[begin : begin + wide] = np.median(rise, axis=0)
    return slope


def _hold_totals(made: Trajectories, total: FloatArray) -> Trajectories:
    """Set each level so that a path's total is exactly F exp(r): sums then follow the calibrated law."""
    level = made.level.copy()
    for begin in range(0, level.shape[1], AT_ONCE):
        part = slice(begin, begin + AT_ONCE)
        some = made.part(part)
        if some.relative.all():
            sums = _sums(some, np.zeros(1, dtype=np.intp))[:, 0]
            level[:, part] = _missing(some, total[:, part], sums)
        else:
            sums = some.paths().sum(axis=1)
            plain = (some.point.sum(axis=0) - sums) / (some.unit * len(some.point)) + total[:, part]
            logs = _missing(some, total[:, part], sums)
            level[:, part] += np.where(some.relative, logs, plain)
    return replace(made, level=level)


def _missing(made: Trajectories, total: FloatArray, sums: FloatArray) -> FloatArray:
    """What a path's log level lacks for its total to be F exp(r): (trajectory, series); 0 where there is nothing."""
    meant = made.point.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(meant * np.exp(total) / sums)
    return np.where((sums > 0) & (meant > 0), logs, 0.0)


def _sums(made: Trajectories, starts: IntArray) -> FloatArray:
    """Sums of paths over spans, level left out: (trajectory, span, series). All series are relative.

    No path is kept: growth is multiplied up period by period, and a shape's exponential is taken once for all paths.
    """
    shape = np.exp(made.errors)
    step = np.exp(made.growth)
    grown = np.ones_like(step)
    out = np.zeros((made.count, len(starts), made.level.shape[1]))
    span = np.searchsorted(starts, np.arange(len(made.point)), side="right") - 1
    for t, value in enumerate(made.point):
        grown *= step
        cell = shape[made.origin[:, t], made.offset[:, t]]
        cell *= grown
        cell *= value
        out[:, span[t]] += cell
    return out
