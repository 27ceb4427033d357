"""The projection: drivers forecast jointly into the future. Lazy: futures are made by block when asked.

Comes in: usage. Goes out: for trajectory r, day t: volume[r,t,w], mix[r,t,leg], intensity[r,t,lane].
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecast.calendars import CALENDAR_YEAR, Calendar, calendar_of
from forecast.cleaning import Cleaned, Cleaning, check_cleaning, check_names, clean_panel, summary
from forecast.dependence import AT_ONCE, trajectories
from forecast.drivers import Drivers, drivers_of
from forecast.errors import HorizonError, ModelError, UsageError
from forecast.joint import Trajectories
from forecast.models import Model, model_of
from forecast.panel import FloatArray, IntArray, Panel
from forecast.periods import Horizon, days_after
from forecast.periods import horizon as horizon_of
from forecast.ratios import Clock, ratios, smooth_paths
from forecast.sampling import check_count
from forecast.shown import Result, Shown, short_repr, table_of
from forecast.stepping import volume_steps
from forecast.streams import stratified
from forecast.usage import Usage
from forecast.usage_rows import SPEND

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Joint trajectories that a projection holds.
TRAJECTORIES = 500
#: Fewer days of history than this and a projection refuses.
LEAST_HISTORY = 14
LEAST_MONTHS = 3
#: Less history than this, in days and in months, is noted.
SHORT_HISTORY = (90, 12)
#: What is done to the history unless asked otherwise.
USUAL = Cleaning()
#: Kinds of finding that the drivers' own notes tell of, or that show in when a workload began.
TOLD = ("pre_launch", "retired")
#: More periods than this from the as-of date to the plan's end, and a projection refuses.
MOST_PERIODS = 3_700


@dataclass(frozen=True, slots=True)
class ProjectionSpec:
    """The arguments of :func:`forecast.project` but for the usage: enough to make the projection again."""

    __repr__ = short_repr

    horizon: str | int | None = None
    start: str | None = None
    end: str | None = None
    model: str | Model = "auto"
    seed: int = 0
    by: tuple[str, ...] = ("environment", "project")
    lag: int = 2
    max_series: int = 500
    trajectories: int = TRAJECTORIES
    calendar: Calendar = CALENDAR_YEAR
    cleaning: Cleaning | None = USUAL


@dataclass(frozen=True, slots=True)
class Block:
    """Some trajectories of the drivers.

    Attributes
    ----------
    which : int array (trajectory,)
    volume : float array (trajectory, day, workload)
    mix : float array (trajectory, day, leg)
        Sums to 1 over the legs of a workload.
    intensity : float array (trajectory, day, lane)
    trend : float array (trajectory, workload)
        The log growth a period inside ``volume``: the point forecast's and the trajectory's own error of it.
    """

    __repr__ = short_repr

    which: IntArray
    volume: FloatArray
    mix: FloatArray
    intensity: FloatArray
    trend: FloatArray


@dataclass(frozen=True, slots=True)
class Draws:
    """Which trajectory each draw follows, and its smoothing factor on volume (log): both (draw,)."""

    __repr__ = short_repr

    trajectory: IntArray
    log_factor: FloatArray


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Projection(Result):
    """What will be used, as joint trajectories of the drivers.

    Attributes
    ----------
    usage : Usage
    spec : ProjectionSpec
    span : Horizon
        The as-of date, the gap, and the planned span.
    workloads, routes, legs, lanes : DataFrame
        The labels of the drivers' axes.
    drivers : Drivers
        The drivers as measured, over the history: :class:`forecast.drivers.Drivers`.
    days : DatetimeIndex (day,)
        Every period after the as-of date to the end of the plan, the gap included.
    volume, mix, intensity : Trajectories
        Trajectories of each driver; ``mix`` holds odds against the workload's largest leg.
    cleaned : Cleaned, optional
        The volume that was fitted, and the log of what was excluded or moved; None with ``cleaning=None``. The drivers
        hold what was measured.
    notes : tuple of str
        What was pooled, left out or assumed.
    """

    usage: Usage
    spec: ProjectionSpec
    span: Horizon
    drivers: Drivers
    days: pd.DatetimeIndex
    volume: Trajectories
    mix: Trajectories
    intensity: Trajectories
    cleaned: Cleaned | None = None
    notes: tuple[str, ...] = field(default=())
    _kept: dict[str, FloatArray] = field(default_factory=dict, init=False)

    @property
    def as_of(self) -> pd.Timestamp:
        """The last period that is fully known."""
        return self.span.as_of

    @property
    def workloads(self) -> pd.DataFrame:
        """Labels of the workload axis."""
        return self.drivers.workloads

    @property
    def routes(self) -> pd.DataFrame:
        """Provider, model, service tier and region of each route."""
        return self.drivers.routes

    @property
    def units(self) -> tuple[str, ...]:
        """The billable units that are forecast."""
        return tuple(dict.fromkeys(self.drivers.lanes["unit"]))

    @property
    def elapsed(self) -> FloatArray:
        """Days from the as-of date to each period: the clock of growth. Shape (day,)."""
        return np.asarray(days_after(self.as_of, self.days), dtype="float64")

    def draws(self, count: int, seed: int) -> Draws:
        """Deal ``count`` draws over the trajectories, each with a smoothing factor.

        With L_r the log total of trajectory r and s their standard deviation, h = 0.9 s R^(-1/5) and
        c = (1 + h^2 / s^2)^(-1/2), the factor's log is (c - 1)(L_r - mean L) + c h e, e normal: as many distinct totals
        as draws, and their variance is that of the trajectories (Silverman 1986, section 6.4.1).
        """
        from scipy.special import ndtri

        check_count("draws", count, ModelError)
        number = self.volume.count
        deal = np.argsort(stratified(seed, count, "trajectory"), kind="stable") % number
        level = self.log_totals()
        spread = float(level.std())
        bandwidth = 0.9 * spread * number**-0.2
        shrink = 1.0 / np.sqrt(1.0 + (bandwidth / spread) ** 2) if spread > 0 else 1.0
        noise = ndtri(stratified(seed, count, "smoothing"))
        factor = (shrink - 1.0) * (level[deal] - level.mean()) + shrink * bandwidth * noise
        return Draws(deal.astype(np.intp), factor)

    def log_totals(self) -> FloatArray:
        """The log of each trajectory's total over the plan, workloads weighed by recent quantity: (trajectory,)."""
        if "log totals" not in self._kept:
            weight, every = self._weights(), np.arange(self.volume.count)
            total = np.zeros(len(every))
            for part in _slices(len(weight), AT_ONCE):
                series = np.arange(part.start, part.stop)
                point, step = volume_steps(self.volume, every, series, np.zeros(len(series), dtype=bool))
                sums = np.zeros((len(series), len(every)))
                for t in range(len(self.days)):
                    now = step(t)
                    if t >= self.span.gap:
                        sums += now * point[t][:, None]
                whole = self.volume.point[self.span.gap :, part].sum(axis=0)[:, None]
                total += weight[part] @ np.where(whole > 0, sums / np.where(whole > 0, whole, 1.0), 1.0)
            self._kept["log totals"] = np.log(np.maximum(total, 1e-300))
        return self._kept["log totals"]

    def blocks(self, size: int = 25) -> Iterator[Block]:
        """Yield the trajectories ``size`` at a time; memory is bounded by ``size``, and no number depends on it."""
        check_count("size", size, ModelError)
        workload = self.drivers.legs["workload"].to_numpy()
        for which in _slices(self.volume.count, size):
            odds = smooth_paths(self.mix, which)
            total = np.zeros((odds.shape[0], odds.shape[1], len(self.workloads)))
            np.add.at(total.transpose(2, 0, 1), workload, odds.transpose(2, 0, 1))
            mix = odds / np.where(total > 0, total, 1.0)[:, :, workload]
            trend = self.volume.slope + self.volume.growth[which]
            yield Block(
                np.arange(which.start, which.stop),
                self.volume.paths(which),
                mix,
                smooth_paths(self.intensity, which),
                trend,
            )

    def at(self, as_of: str | pd.Timestamp) -> Projection:
        """Refit on what was known at ``as_of``: the usage up to then, the same span of time planned."""
        spec = replace(self.spec, horizon=None, start=str(self.span.start.date()), end=str(self.span.end.date()), lag=0)
        return projected(self.usage.until(as_of), spec)

    def to_frame(self) -> pd.DataFrame:
        """Point forecast and band of each workload's volume by day: p10, p50, p90 in its volume unit."""
        paths = np.concatenate([self.volume.paths(s) for s in _slices(self.volume.count, 100)])
        low, middle, high = np.quantile(paths, [0.1, 0.5, 0.9], axis=0)
        labels = self.workloads.loc[np.repeat(np.arange(len(self.workloads)), len(self.days))].reset_index(drop=True)
        values = {"p10": low, "p50": middle, "p90": high}
        days = np.tile(self.days.to_numpy(), len(self.workloads))
        return labels.assign(date=days, **{k: v.T.ravel() for k, v in values.items()})

    @property
    def names(self) -> tuple[str, ...]:
        """What each workload is called: ``production|search``."""
        return _series_names(self.workloads, self.spec.by)

    def plot(self, measure: str | None = None, *, workload: str | None = None, ax: Axes | None = None) -> Axes:
        """Draw history and the fan of what will be used; returns the matplotlib Axes.

        ``measure`` is ``requests`` (where all are known in them) or ``tokens``; ``workload`` is one of :attr:`names`,
        all together where none is named. A span of more than two months is told by week.

        Raises
        ------
        ModelError
            There is no such workload, or it is not known in that measure.
        """
        from forecast.projection_figures import projection_picture

        return projection_picture(self, measure, workload, ax)

    def _weights(self) -> FloatArray:
        """Each workload's part of the recent priced quantity, all units taken alike; sums to 1."""
        recent = np.nan_to_num(self.drivers.intensity[-8:]).mean(axis=0)
        volume = np.nan_to_num(self.drivers.volume[-28:]).mean(axis=0)
        size = np.bincount(self.drivers.lanes["workload"], weights=recent, minlength=len(self.workloads)) * volume
        return size / size.sum() if size.sum() > 0 else np.full(len(size), 1.0 / len(size))

    def __repr__(self) -> str:
        """One line: what is forecast, from when to when."""
        return (
            f"Projection({len(self.workloads)} workloads x {len(self.routes)} routes, "
            f"{self.span.start:%Y-%m-%d} to {self.span.end:%Y-%m-%d}, as of {self.as_of:%Y-%m-%d}, "
            f"{self.volume.count} trajectories)"
        )

    def show(self) -> Shown:
        """What is forecast of each workload, what a reader must know, and what cleaning did."""
        frame = self.to_frame()
        inside = frame[frame["date"] >= self.span.start]
        keys = [*self.spec.by, "volume_unit"]
        table = inside.groupby(keys, dropna=False)["p50"].sum().rename("volume").to_frame()
        caption = "Volume over the horizon: the sum of daily medians. Money is told by a plan."
        log = (self.cleaned.table(),) if self.cleaned else ()
        return Shown(
            f"Projection, {self.span.start:%Y-%m-%d} to {self.span.end:%Y-%m-%d}",
            f"{len(self.workloads):,} workloads over {len(self.routes):,} routes, as of {self.as_of:%Y-%m-%d}.",
            (table_of(table, kinds={"volume": "count"}, caption=caption, where="projection.to_frame()"), *log),
            self.notes,
        )


def project(
    usage: Usage,
    *,
    horizon: str | int | None = None,
    start: str | None = None,
    end: str | None = None,
    model: str | Model = "auto",
    seed: int = 0,
    by: str | tuple[str, ...] | list[str] = ("environment", "project"),
    lag: int | None = None,
    max_series: int = 500,
    trajectories: int = TRAJECTORIES,
    calendar: Calendar | None = None,
    cleaning: Cleaning | None = USUAL,
) -> Projection:
    """Project usage into the future as joint trajectories of its drivers.

    Parameters
    ----------
    usage : Usage
    horizon : str or int, optional
        ``"2Q"``: the two whole quarters after the as-of date; also ``"3M"``, ``"90D"``, ``"FY2027"``, ``"2027Q1"``,
        ``"2027-01"``, or a count of periods.
    start, end : date, optional
        First and last day, in place of ``horizon``.
    model : str or Model
        The forecaster of volume. Mix and intensity are forecast by ``auto``, or by ``fast`` where that is the model.
    seed : int
    by : sequence of str
        What makes a workload.
    lag : int, optional
        The last periods of the export that may still be incomplete; they are not used. 2 days by default, 0 months.
    max_series : int
        The largest workloads that are kept apart; the rest are pooled as ``(other)``, which is noted.
    trajectories : int
        Joint futures held; draws of a plan are dealt over them.
    calendar : Calendar, optional
        The fiscal calendar whose months, quarters and years the horizon and the plan's tables mean; the calendar year
        where none is given. One by weeks (4-4-5) takes daily or hourly usage.
    cleaning : Cleaning, optional
        What is done about gaps, partial last days, spikes and level shifts of volume before it is fitted, and what to
        keep or exclude by hand; workloads are named as in ``projection.cleaned.log``. None fits what was measured.

    Raises
    ------
    HorizonError, ModelError, UsageError
        The span, the arguments or the history do not allow a projection; the message says what would.
    """
    if not isinstance(usage, Usage):
        raise UsageError(f"fc.project takes a Usage, not {type(usage).__name__}: read it first: fc.read_usage(...)")
    by = (by,) if isinstance(by, str) else by
    check_count("trajectories", trajectories, ModelError)
    check_count("max_series", max_series, ModelError)
    default = 0 if usage.grain == "month" else 2
    chosen = default if lag is None else lag
    if isinstance(chosen, bool) or not isinstance(chosen, int) or chosen < 0:
        raise HorizonError(f"lag={lag!r}: wanted a whole number of periods, 0 or more")
    check_cleaning(cleaning)
    known = calendar_of(calendar)
    spec = ProjectionSpec(
        horizon, start, end, model, seed, tuple(by), chosen, max_series, trajectories, known, cleaning
    )
    return projected(usage, spec, strict=True)


def projected(usage: Usage, spec: ProjectionSpec, *, strict: bool = False) -> Projection:
    """Project usage by arguments that were checked before.

    ``strict`` refuses names in ``spec.cleaning`` that no workload bears; at an earlier date some have yet to begin.
    """
    freq = "MS" if usage.grain == "month" else "D"
    last = usage.end.normalize()
    if spec.lag > MOST_PERIODS:
        raise HorizonError(f"lag={spec.lag:,}: at most {MOST_PERIODS:,} periods can be left out as incomplete")
    as_of = last - spec.lag * (pd.offsets.MonthBegin() if freq == "MS" else pd.Timedelta(days=1))
    span = horizon_of(as_of, freq=freq, span=spec.horizon, start=spec.start, end=spec.end, calendar=spec.calendar)
    known = len(pd.date_range(usage.start.normalize(), as_of, freq=freq))
    least = LEAST_MONTHS if freq == "MS" else LEAST_HISTORY
    if known < least:
        raise ModelError(
            f"{usage.source}: {known} {'months' if freq == 'MS' else 'days'} of history up to {as_of:%Y-%m-%d} "
            f"(lag={spec.lag}); a projection needs at least {least}: export a longer span"
        )
    drivers = drivers_of(usage, as_of, by=spec.by, max_series=spec.max_series)
    model = model_of(spec.model)
    planned: tuple[str, ...] = getattr(model, "planned", ())
    if planned:
        raise ModelError(
            f"model {model.name!r} plans series that have not begun ({', '.join(planned[:5])}): a projection knows the "
            "workloads of its usage alone; forecast them with fc.sample_paths"
        )
    days = span.periods
    if len(days) > MOST_PERIODS:
        raise HorizonError(
            f"the horizon ends on {span.end:%Y-%m-%d}, {len(days):,} periods after the history; "
            f"at most {MOST_PERIODS:,} can be projected"
        )
    names = _series_names(drivers.workloads, spec.by)
    measured = Panel(drivers.volume, drivers.days, names, freq)
    if strict and spec.cleaning is not None:
        check_names(spec.cleaning, names)
    cleaned = None if spec.cleaning is None else clean_panel(measured, spec.cleaning)
    volume = trajectories(
        measured if cleaned is None else cleaned.panel,
        model,
        horizon=len(days),
        count=spec.trajectories,
        seed=spec.seed,
        key="volume",
    )
    routes = ["|".join(map(str, row)) for row in drivers.routes.itertuples(index=False)]
    leg_names = tuple(f"{names[w]}|{routes[m]}" for w, m in drivers.legs[["workload", "route"]].itertuples(index=False))
    lane_names = tuple(
        f"{leg_names[leg]}|{unit}" for leg, unit in drivers.lanes[["leg", "unit"]].itertuples(index=False)
    )
    clock = Clock(drivers.blocks, days, freq)
    count, seed = spec.trajectories, spec.seed
    mix = ratios(drivers.odds, leg_names, clock, key="mix", model=spec.model, count=count, seed=seed)
    intensity = ratios(drivers.intensity, lane_names, clock, key="intensity", model=spec.model, count=count, seed=seed)
    notes = (*usage.notes, *drivers.notes, *_cleaning_notes(cleaned), *volume.notes)
    unit = "month" if usage.grain == "month" else "day"
    if spec.lag and usage.grain != "month":
        notes = (*notes, f"the last {spec.lag} days of the export are taken as incomplete and not used (lag)")
    if span.gap:
        notes = (*notes, f"{span.gap} {unit}s between the history and the plan are forecast but not planned")
    if known < SHORT_HISTORY[usage.grain == "month"]:
        notes = (*notes, f"{known} {unit}s of history are few: the band rests more on priors than on this usage")
    return Projection(usage, spec, span, drivers, days, volume, mix, intensity, cleaned, notes)


def names_of(workloads: Iterable[tuple[str | None, ...]]) -> tuple[str, ...]:
    """What each workload is called as a series: ``production|search``."""
    return tuple("|".join(map(str, row)) for row in workloads)


def _series_names(workloads: pd.DataFrame, by: tuple[str, ...]) -> tuple[str, ...]:
    """What each workload is called as a series, spend beside usage of the same names told apart."""
    names = names_of(workloads[list(by)].itertuples(index=False))
    beside = pd.Series(names).duplicated(keep=False) & (workloads["volume_unit"] == SPEND).to_numpy()
    return tuple(f"{name}|{SPEND}" if spend else name for name, spend in zip(names, beside, strict=True))


def _cleaning_notes(cleaned: Cleaned | None) -> tuple[str, ...]:
    """What cleaning did, but for what the drivers' notes say already."""
    if cleaned is None:
        return ("volume is fitted as it was measured (cleaning=None)",)
    log = cleaned.log
    said = log["kind"].isin(TOLD) | ((log["kind"] == "gap") & log["value"].isna())
    return summary(log[~said])


def _slices(count: int, size: int) -> Iterator[slice]:
    for begin in range(0, count, size):
        yield slice(begin, min(begin + size, count))
