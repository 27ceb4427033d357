"""Panel: a long frame of series in, one right-aligned array (period × series) out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.errors import ModelError, bad_rows, nearest
from forecast.periods import offset_of, seasons
from forecast.shown import short_repr

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Panel:
    """Series on one clock.

    Attributes
    ----------
    values : float array (period, series)
        NaN before a series starts and where it has a gap.
    periods : DatetimeIndex (period,)
    series : tuple of str (series,)
    freq : str
        A pandas alias.
    """

    __repr__ = short_repr

    values: FloatArray
    periods: pd.DatetimeIndex
    series: tuple[str, ...]
    freq: str

    @property
    def seasons(self) -> tuple[int, ...]:
        """Season lengths in periods, the shortest first."""
        return seasons(self.freq)

    def until(self, count: int) -> Panel:
        """The first ``count`` periods: what was known at that cut."""
        return Panel(self.values[:count], self.periods[:count], self.series, self.freq)

    def part(self, chosen: BoolArray) -> Panel:
        """Some of the series: ``chosen`` is a bool array (series,)."""
        names = tuple(name for name, use in zip(self.series, chosen, strict=True) if use)
        return Panel(self.values[:, chosen], self.periods, names, self.freq)

    def beside(self, names: Sequence[str]) -> Panel:
        """With further series of which nothing is known yet: all NaN."""
        new = tuple(name for name in names if name not in self.series)
        unknown = np.full((len(self.periods), len(new)), np.nan)
        return Panel(np.concatenate([self.values, unknown], axis=1), self.periods, (*self.series, *new), self.freq)

    def future(self, horizon: int) -> pd.DatetimeIndex:
        """The ``horizon`` periods that follow."""
        return pd.date_range(self.periods[-1], periods=horizon + 1, freq=self.freq)[1:]


def known_median(values: FloatArray, *, axis: int = 0) -> FloatArray:
    """The median of known values along an axis; NaN where nothing is known."""
    ordered = np.moveaxis(np.sort(values, axis=axis), axis, 0)
    if not len(ordered):
        return np.full(ordered.shape[1:], np.nan)
    known = np.isfinite(ordered).sum(axis=0)
    low, high = np.maximum((known - 1) // 2, 0), np.minimum(known // 2, len(ordered) - 1)
    middle = [np.take_along_axis(ordered, at[None], axis=0)[0] for at in (low, high)]
    return np.where(known > 0, 0.5 * (middle[0] + middle[1]), np.nan)


def panel_of(frame: pd.DataFrame, freq: str) -> Panel:
    """Check a long frame ``unique_id, ds, y`` and lay it out as a panel.

    Absent periods and NaN are gaps, not zeros. Negative values are allowed here (usage refuses them at its own door).

    Raises
    ------
    ModelError
        A column is missing, a value is not a finite number, a date cannot be read, does not lie on ``freq``, or comes
        twice for one series.
    """
    wanted = ("unique_id", "ds", "y")
    for column in wanted:
        if column not in frame:
            have = ", ".join(map(str, frame.columns))
            raise ModelError(f"the frame has no column {column!r}; it has {have}{nearest(column, frame.columns)}")
    if frame.empty:
        raise ModelError("the frame has no rows: a forecast needs at least one observation")
    text = not pd.api.types.is_datetime64_any_dtype(frame["ds"])
    ds = pd.to_datetime(frame["ds"], errors="coerce", format="ISO8601" if text else None)
    if ds.isna().any():
        raise ModelError(f"column 'ds': not a date in {bad_rows(frame, ds.isna(), ['unique_id', 'ds'], first_row=0)}")
    if ds.dt.tz is not None:
        ds = ds.dt.tz_localize(None)
    y = pd.to_numeric(frame["y"], errors="coerce").astype("float64")
    wrong = (y.isna() & frame["y"].notna()) | np.isinf(y)
    if wrong.any():
        rows = bad_rows(frame, wrong, ["unique_id", "ds", "y"], first_row=0)
        raise ModelError(f"column 'y': not a finite number in {rows}; leave a gap as NaN or leave its row out")
    index = pd.DataFrame({"unique_id": frame["unique_id"].astype(str), "ds": ds, "y": y})
    again = index.duplicated(["unique_id", "ds"])
    if again.any():
        rows = bad_rows(index, again, ["unique_id", "ds"], first_row=0)
        raise ModelError(f"{int(again.sum())} rows repeat a date of their series: {rows}; keep one row a date")
    wide = index.pivot(index="ds", columns="unique_id", values="y").sort_index()
    clock = pd.date_range(wide.index[0], wide.index[-1], freq=offset_of(freq))
    off = ~ds.isin(clock)
    if off.any():
        rows = bad_rows(index, off, ["unique_id", "ds"], first_row=0)
        raise ModelError(f"column 'ds': not on the clock freq={freq!r} in {rows}; say the series' own frequency")
    wide = wide.reindex(clock)
    empty = wide.columns[wide.isna().all()]
    if len(empty):
        raise ModelError(f"series {', '.join(map(str, empty[:5]))}: every value is missing; leave such series out")
    return Panel(wide.to_numpy("float64"), pd.DatetimeIndex(clock), tuple(map(str, wide.columns)), freq)
