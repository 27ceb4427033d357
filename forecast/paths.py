"""Sample paths: possible futures, joint over time and series. Sums first, quantiles last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, get_args

import numpy as np
import pandas as pd

from forecast.calendars import Calendar, Unit
from forecast.errors import ModelError, one_of
from forecast.panel import FloatArray, IntArray
from forecast.periods import Extents, extents
from forecast.shown import Result, Shown, table_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class SamplePaths(Result):
    """Possible futures of several series.

    Attributes
    ----------
    values : float array (draw, period, series)
        Draw ``d`` is one world: its periods and series belong together.
    periods : DatetimeIndex (period,)
    series : tuple of str (series,)
    seed : int
    method : str
        The model, and how its paths were made.
    history : DataFrame, optional
        ``unique_id, ds, y`` of what was known, for pictures.
    labels : tuple of str (period,), optional
        What a calendar calls the periods: a column ``period`` in every table.
    fitted : tuple of str (series,)
        What was done for each series, in words; empty where it is not known.
    notes : tuple of str
        What a reader must be told: series that fell back to another model, regressors that say nothing.
    """

    values: FloatArray
    periods: pd.DatetimeIndex
    series: tuple[str, ...]
    seed: int
    method: str
    history: pd.DataFrame | None = field(default=None)
    labels: tuple[str, ...] | None = field(default=None)
    fitted: tuple[str, ...] = field(default=())
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        """Hold shape and labels together."""
        if self.values.ndim != 3 or self.values.shape[1:] != (len(self.periods), len(self.series)):
            raise ModelError(
                f"paths of shape {self.values.shape} do not fit {len(self.periods)} periods and "
                f"{len(self.series)} series; the shape is (draw, period, series)"
            )
        if self.fitted and len(self.fitted) != len(self.series):
            raise ModelError(f"{len(self.fitted)} words on what was fitted do not fit {len(self.series)} series")

    @property
    def draws(self) -> int:
        """How many futures."""
        return int(self.values.shape[0])

    def mean(self) -> pd.DataFrame:
        """The mean of each period and series: columns ``unique_id, ds, mean``."""
        return self._long({"mean": self.values.mean(axis=0)})

    def quantile(self, levels: float | Sequence[float]) -> pd.DataFrame:
        """Quantiles of each period and series: columns ``unique_id, ds`` and one a level, such as ``0.1``."""
        wanted = [levels] if isinstance(levels, int | float) else list(levels)
        for level in wanted:
            if not 0 < level < 1:
                raise ModelError(f"quantile level {level} does not lie between 0 and 1")
        found = np.quantile(self.values, wanted, axis=0)
        return self._long({f"{level:g}": found[i] for i, level in enumerate(wanted)})

    def interval(self, level: float = 80) -> pd.DataFrame:
        """The two-sided prediction interval: columns ``unique_id, ds, lower, upper``; 80 is P10 to P90."""
        if not 0 < level < 100:
            raise ModelError(f"level={level}: a level is a percentage between 0 and 100, such as 80")
        tail = (100 - level) / 200
        lower, upper = np.quantile(self.values, [tail, 1 - tail], axis=0)
        return self._long({"lower": lower, "upper": upper})

    def total(self, freq: str | Calendar | None = None, *, by: Unit | None = None) -> SamplePaths:
        """Sum each path over periods of ``freq``, or over the whole horizon.

        A first or last period that the horizon covers in part holds the part's sum; what part it is,
        :meth:`forecast.Calendar.exposure` says.

        Parameters
        ----------
        freq : str or Calendar, optional
            A pandas alias, such as ``"ME"`` or ``"QE"``, or a fiscal calendar.
        by : {"month", "quarter", "year"}
            Which of the calendar's periods; they bear its ``labels`` and are dated on their last day.

        Raises
        ------
        ModelError
            The alias is not of a longer period, or a period of the paths lies in more than one of the calendar's.
        """
        spans = spans_of(self.periods, freq, by)
        values = np.add.reduceat(self.values, spans.starts, axis=1)
        method = f"{self.method}, {spans.told}"
        made = SamplePaths(values, spans.ends, self.series, self.seed, method, labels=spans.labels)
        return replace(made, fitted=self.fitted, notes=self.notes)

    def sum_series(self, name: str = "all") -> SamplePaths:
        """Sum over series in each draw: the whole, joint as it was."""
        values = self.values.sum(axis=2, keepdims=True)
        method = f"{self.method}, summed over series"
        return SamplePaths(values, self.periods, (name,), self.seed, method, labels=self.labels, notes=self.notes)

    def plot(self, series: str | None = None, *, ax: Axes | None = None) -> Axes:
        """Draw a fan chart of one series (the first where none is named); returns the matplotlib Axes."""
        from forecast.figures import fan

        return fan(self, series=series, ax=ax)

    def __repr__(self) -> str:
        """One line: shape, span, method."""
        span = f"{self.periods[0]:%Y-%m-%d} to {self.periods[-1]:%Y-%m-%d}"
        shape = f"{self.draws:,} draws x {len(self.periods)} periods x {len(self.series)} series"
        return f"SamplePaths({shape}, {span}, {self.method})"

    def show(self) -> Shown:
        """The total of each series over the horizon: P10, P50 and P90."""
        totals = np.quantile(self.values.sum(axis=1), [0.1, 0.5, 0.9], axis=0).T
        frame = pd.DataFrame(totals, index=pd.Index(self.series, name="series"), columns=["p10", "p50", "p90"])
        span = f"{self.periods[0]:%Y-%m-%d} to {self.periods[-1]:%Y-%m-%d}"
        caption = "Total over the horizon. Quantiles are each row's own, and do not add."
        return Shown(
            f"Sample paths, {span}",
            f"{self.draws:,} futures of {len(self.series):,} series by {self.method}.",
            (table_of(frame, caption=caption, where="paths.total()"),),
        )

    def _long(self, columns: dict[str, FloatArray]) -> pd.DataFrame:
        periods, series = len(self.periods), len(self.series)
        labels = {} if self.labels is None else {"period": np.tile(np.array(self.labels, dtype=object), series)}
        return pd.DataFrame(
            {
                "unique_id": np.repeat(np.array(self.series, dtype=object), periods),
                "ds": np.tile(self.periods.to_numpy(), series),
                **labels,
                **{name: value.T.ravel() for name, value in columns.items()},
            }
        )


@dataclass(frozen=True, slots=True)
class Spans:
    """Which periods are summed: ``starts`` int array (span,), the row each begins at; dates, labels, and words."""

    starts: IntArray
    ends: pd.DatetimeIndex
    labels: tuple[str, ...] | None
    told: str


def spans_of(periods: pd.DatetimeIndex, freq: str | Calendar | None, by: Unit | None) -> Spans:
    """The spans that :meth:`SamplePaths.total` sums, and its errors."""
    if by is not None and not isinstance(freq, Calendar):
        raise ModelError(f"by={by!r} names a calendar's periods; give one: total(fc.Calendar(...), by={by!r})")
    if freq is None:
        return Spans(np.zeros(1, dtype=np.intp), periods[-1:], None, "summed over the horizon")
    if isinstance(freq, Calendar):
        one_of("by", by, get_args(Unit), ModelError)
        assert by is not None
        days = extents(periods)
        rows = _rows(days, freq, by)
        first = days.first[rows]
        return Spans(
            rows, freq.end(first, by), tuple(freq.label(first, by)), f"summed over {by}s of the {freq.describe()}"
        )
    try:
        group = pd.Series(0, index=periods).resample(freq)
    except ValueError as cause:
        raise ModelError(f"freq {freq!r} is not a pandas alias of a longer period, such as 'ME' or 'QE'") from cause
    counts = group.size()
    counts = counts[counts > 0]
    starts = np.concatenate([[0], np.cumsum(counts.to_numpy())[:-1]]).astype(np.intp)
    return Spans(starts, pd.DatetimeIndex(counts.index), None, f"summed over {freq}")


def _rows(days: Extents, calendar: Calendar, by: Unit) -> IntArray:
    """Where each of a calendar's periods begins, as a row number: int array (calendar period,)."""
    number = calendar.ordinals(days.first, by)
    torn = np.flatnonzero(number != calendar.ordinals(days.last, by))
    if len(torn):
        begin, end = days.first[torn[:1]], days.last[torn[:1]]
        raise ModelError(
            f"{len(torn)} of {len(number)} periods lie in more than one {by} of the {calendar.describe()}: "
            f"{begin[0]:%Y-%m-%d} to {end[0]:%Y-%m-%d} is in {calendar.label(begin, by)[0]} and "
            f"{calendar.label(end, by)[0]}; total paths by day"
        )
    return np.flatnonzero(np.diff(number, prepend=number[0] - 1))
