"""What else moves a series: holidays, working days, planned events, a table.

Comes in: a clock and a date. Goes out: columns over past and future periods, holding what was known on that date.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd

from forecast.calendars import Calendar
from forecast.errors import HorizonError, ModelError, bad_rows, nearest
from forecast.panel import FloatArray
from forecast.periods import extents
from forecast.shown import short_repr

#: A span of days: a date, or its first and last.
Span = str | pd.Timestamp | tuple[str | pd.Timestamp, str | pd.Timestamp]


class CollinearError(ModelError):
    """Regressors of which one follows from the others, in what is known so far."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Regressors over a span of periods: ``values`` float array (period, column), and what each column is called."""

    __repr__ = short_repr

    names: tuple[str, ...]
    values: FloatArray


@runtime_checkable
class Regressor(Protocol):
    """Something that is known for periods ahead, and may explain a series."""

    def columns(self, periods: pd.DatetimeIndex, freq: str, *, as_of: pd.Timestamp, series: str) -> Columns:
        """The columns over ``periods``, as they were known on ``as_of``, the last day of the history."""
        ...


@dataclass(frozen=True, slots=True)
class Holidays:
    """Public holidays of a country: how many working days of each period they take away.

    Of days that is 1 on a holiday, its observed day included, and 0 else; a holiday on a weekend counts nothing.

    Parameters
    ----------
    country : str
        ISO code, such as ``"US"``, ``"GB"`` or ``"DE"``.
    region : str, optional
        State, province or nation.

    Raises
    ------
    ModelError
        No such country or region; the message names the nearest.
    """

    __repr__ = short_repr

    country: str
    region: str | None = None

    def __post_init__(self) -> None:
        """Check that the calendar is known."""
        _calendar(self.country, self.region)

    def columns(self, periods: pd.DatetimeIndex, freq: str, *, as_of: pd.Timestamp, series: str) -> Columns:
        """One column: float array (period, 1)."""
        days, at = _days(periods, freq)
        off = days.isin(_calendar(self.country, self.region).holidays(days[0], days[-1]).index)
        usual = np.asarray(days.day_of_week < 5)
        return Columns((_called("holidays", self.country, self.region),), _summed(off & usual, at, len(periods)))


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """Working days of each period: 1 or 0 for days, a count for weeks, months and longer.

    Parameters
    ----------
    country, region : str, optional
        Whose weekend and public holidays are kept; Monday to Friday are worked without one.

    Raises
    ------
    ModelError
        No such country or region.
    """

    __repr__ = short_repr

    country: str | None = None
    region: str | None = None

    def __post_init__(self) -> None:
        """Check that the calendar is known."""
        _calendar(self.country, self.region)

    def columns(self, periods: pd.DatetimeIndex, freq: str, *, as_of: pd.Timestamp, series: str) -> Columns:
        """One column: float array (period, 1)."""
        days, at = _days(periods, freq)
        return Columns(
            (_called("working days", self.country, self.region),),
            _summed(_calendar(self.country, self.region).is_working(days), at, len(periods)),
        )


@dataclass(frozen=True, slots=True)
class Event:
    """A planned event that came before and will come again: a campaign, a release, a hackathon.

    Parameters
    ----------
    name : str
    on : sequence of dates or (first, last)
        When it took place, and when it will.
    known_from : date, optional
        When the coming ones were decided: an earlier forecast does not know of them. None: always known.

    Raises
    ------
    ModelError
        A date cannot be read, or a span ends before it begins.
    """

    __repr__ = short_repr

    name: str
    on: Sequence[Span]
    known_from: str | pd.Timestamp | None = None
    _spans: tuple[tuple[pd.Timestamp, pd.Timestamp], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Read the dates."""
        given = [self.on] if isinstance(self.on, str) or not isinstance(self.on, Iterable) else list(self.on)
        spans = tuple(_span(self.name, one) for one in given)
        if not spans:
            raise ModelError(f"event {self.name!r}: on= names no date")
        object.__setattr__(self, "on", tuple(given))
        object.__setattr__(self, "_spans", spans)
        if self.known_from is not None:
            object.__setattr__(self, "known_from", _date(self.name, self.known_from))

    def columns(self, periods: pd.DatetimeIndex, freq: str, *, as_of: pd.Timestamp, series: str) -> Columns:
        """One column: the share of each period's days that the event takes, float array (period, 1)."""
        days, at = _days(periods, freq)
        inside = np.zeros(len(days), dtype=bool)
        for first, last in self._spans:
            if self.known_from is None or pd.Timestamp(self.known_from) <= as_of or first <= as_of:
                inside |= np.asarray((days >= first) & (days <= last))
        share = _summed(inside, at, len(periods))[:, 0] / np.maximum(np.bincount(at, minlength=len(periods)), 1)
        return Columns((self.name,), share[:, None])


@dataclass(frozen=True, slots=True, eq=False)
class Regressors:
    """A table of your own: one row a period, one column a regressor, periods ahead included.

    Parameters
    ----------
    table : DataFrame
        ``ds``, perhaps ``unique_id`` (without it the rows are every series'), perhaps ``known_from``, and columns of
        numbers. Where a date stands more than once with other ``known_from``, a forecast uses the last that it knew.
    known_in_advance : bool
        Says that every value was known before any forecast that uses it, as a price list or a school calendar is. A
        table must say so, or hold ``known_from``: what was measured afterwards would leak into past forecasts.

    Raises
    ------
    ModelError
        A column is missing or not of numbers, a date cannot be read, or nothing says when values were known.
    """

    __repr__ = short_repr

    table: pd.DataFrame
    known_in_advance: bool = False
    _names: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check the table, and keep a copy in the order of dates."""
        table = _dated(self.table)
        if "known_from" not in table and not self.known_in_advance:
            raise ModelError(
                "the regressors' table does not say when its values were known: what was measured afterwards would "
                "leak into forecasts of the past. Add a column 'known_from' with the date on which each row was known, "
                "or say known_in_advance=True of values that are settled beforehand, such as a calendar"
            )
        names = tuple(str(c) for c in table.columns if c not in {"ds", "unique_id", "known_from"})
        if not names:
            raise ModelError("the regressors' table has no column besides ds, unique_id and known_from")
        for name in names:
            number = pd.to_numeric(table[name], errors="coerce")
            wrong = number.isna() | np.isinf(number)
            if wrong.any():
                raise ModelError(
                    f"regressor {name!r}: not a finite number in {bad_rows(table, wrong, ['ds', name], first_row=0)}; "
                    "fill gaps yourself: only you know what a gap stands for"
                )
            table[name] = number.astype("float64")
        key = [c for c in ("unique_id", "ds", "known_from") if c in table]
        if "unique_id" in table:
            table["unique_id"] = table["unique_id"].astype(str)
        twice = table.duplicated(key)
        if twice.any():
            raise ModelError(
                f"the regressors' table repeats {', '.join(key)}: {bad_rows(table, twice, key, first_row=0)}"
            )
        by = [c for c in ("ds", "known_from") if c in table]
        object.__setattr__(self, "table", table.sort_values(by, kind="stable").reset_index(drop=True))
        object.__setattr__(self, "_names", names)

    def columns(self, periods: pd.DatetimeIndex, freq: str, *, as_of: pd.Timestamp, series: str) -> Columns:
        """The table's columns over ``periods``: float array (period, column).

        Raises
        ------
        ModelError
            A period has no value, or its only values were known after ``as_of``.
        """
        table = self.table
        if "unique_id" in table:
            table = table[table["unique_id"] == series]
            if table.empty:
                raise ModelError(f"the regressors' table has no rows of the series {series!r}")
        lacking = ~periods.isin(table["ds"])
        if lacking.any():
            ahead = periods[lacking] > as_of
            what = "future values" if ahead.all() else "values (gaps)"
            shown = ", ".join(f"{p:%Y-%m-%d}" for p in periods[lacking][:5])
            raise ModelError(
                f"regressors {', '.join(self._names)}: no {what} for {int(lacking.sum())} of {len(periods)} periods, "
                f"{shown}{' and more' if lacking.sum() > 5 else ''}: a forecast with regressors needs them from the "
                f"first period of the history to the last of the horizon, {periods[-1]:%Y-%m-%d}"
            )
        if "known_from" in table:
            known = table[table["known_from"] <= as_of]
            late = ~periods.isin(known["ds"])
            if late.any():
                first = periods[late][0]
                on = table.loc[table["ds"] == first, "known_from"].min()
                raise ModelError(
                    f"regressors {', '.join(self._names)}: the value for {first:%Y-%m-%d} was known from "
                    f"{on:%Y-%m-%d} on, after the forecast's date {as_of:%Y-%m-%d}: using it would be leakage. Add "
                    "rows with what was expected at that time (an earlier known_from), or leave this regressor out"
                )
            table = known
        latest = table.drop_duplicates("ds", keep="last").set_index("ds")
        return Columns(self._names, latest.loc[periods, list(self._names)].to_numpy("float64"))


def _dated(given: object) -> pd.DataFrame:
    """A copy of a table of regressors, its dates read."""
    if not isinstance(given, pd.DataFrame):
        raise ModelError(f"the regressors' table is a {type(given).__name__}; wanted a DataFrame")
    table = given.rename(columns=str)
    if not table.columns.is_unique:
        again = table.columns[table.columns.duplicated()][0]
        raise ModelError(f"the regressors' table has two columns {again!r}; keep one")
    if "ds" not in table:
        have = ", ".join(table.columns)
        raise ModelError(f"the regressors' table has no column 'ds'; it has {have}{nearest('ds', table.columns)}")
    for column in ("ds", "known_from"):
        if column in table:
            text = not pd.api.types.is_datetime64_any_dtype(table[column])
            read = pd.to_datetime(table[column], errors="coerce", format="ISO8601" if text else None)
            if read.isna().any():
                rows = bad_rows(table, read.isna(), [column], first_row=0)
                raise ModelError(f"regressors, column {column!r}: not a date in {rows}")
            table[column] = read.dt.tz_localize(None)
    return table


def design(
    regressors: Sequence[Regressor], periods: pd.DatetimeIndex, freq: str, *, known: int, series: str
) -> tuple[Columns, tuple[str, ...]]:
    """All columns over ``periods``, of which the first ``known`` are history, and the names of those that say nothing.

    A column that has not varied in the history, such as an event that comes for the first time, cannot be learned: it
    is 0 everywhere, and named.

    Raises
    ------
    ModelError
        Two columns bear one name.
    CollinearError
        A column follows from others.
    """
    # What was known is what was known when the last period of the history was over.
    last = periods[known - 1 : known]
    as_of = max(last[0], extents(pd.DatetimeIndex(last, freq=freq)).last[0]) if regressors else last[0]
    found = [one.columns(periods, freq, as_of=as_of, series=series) for one in regressors]
    names = tuple(name for one in found for name in one.names)
    again = sorted({name for name in names if names.count(name) > 1})
    if again:
        raise ModelError(f"regressors: {', '.join(map(repr, again))} stands more than once")
    values = np.concatenate([one.values for one in found], axis=1) if found else np.zeros((len(periods), 0))
    varies = np.ptp(values[:known], axis=0) > 0 if known else np.zeros(len(names), dtype=bool)
    values = np.where(varies, values, 0.0)
    past = values[:known, varies]
    if past.shape[1] > 1:
        size = (past - past.mean(axis=0)) / past.std(axis=0)
        if np.linalg.matrix_rank(size, tol=1e-8 * np.sqrt(known)) < past.shape[1]:
            told = ", ".join(repr(n) for n, v in zip(names, varies, strict=True) if v)
            raise CollinearError(f"regressors {told}: one follows from the others; leave one of them out")
    return Columns(names, values), tuple(n for n, v in zip(names, varies, strict=True) if not v)


def check_regressors(regressors: object) -> tuple[Regressor, ...]:
    """Regressors as a caller gives them: one, several, or a table is refused with how to say it."""
    wanted = "fc.Holidays, fc.WorkingDays, fc.Event or fc.Regressors"
    if isinstance(regressors, pd.DataFrame):
        raise ModelError(
            "regressors: give a table as fc.Regressors(table, known_in_advance=True), or with 'known_from'"
        )
    if isinstance(regressors, Regressor) and not isinstance(regressors, type):
        return (regressors,)
    if isinstance(regressors, str) or not isinstance(regressors, Sequence):
        raise ModelError(f"regressors={regressors!r}: wanted {wanted}")
    for one in regressors:
        if isinstance(one, type):
            raise ModelError(f"regressors: the class {one.__name__} is none, an object of it is; wanted {wanted}")
        if isinstance(one, pd.DataFrame) or not isinstance(one, Regressor):
            raise ModelError(f"regressors: {type(one).__name__} is none; wanted {wanted}")
    return tuple(regressors)


def _calendar(country: str | None, region: str | None) -> Calendar:
    try:
        return Calendar(country=country, region=region)
    except HorizonError as cause:
        raise ModelError(str(cause)) from cause


def _called(what: str, country: str | None, region: str | None) -> str:
    return " ".join(part for part in (what, country, region) if part)


def _days(periods: pd.DatetimeIndex, freq: str) -> tuple[pd.DatetimeIndex, np.ndarray]:
    """The days of each period, and the period that each day is in; an hour has its own day."""
    whole = extents(pd.DatetimeIndex(periods, freq=freq))
    first = whole.first.normalize()
    length = (whole.last.normalize() - first).days.to_numpy() + 1
    at = np.repeat(np.arange(len(periods)), length)
    within = np.arange(len(at)) - np.repeat(np.cumsum(length) - length, length)
    return pd.DatetimeIndex(first.to_numpy()[at] + within.astype("timedelta64[D]")), at


def _summed(of_day: np.ndarray, at: np.ndarray, count: int) -> FloatArray:
    return np.asarray(np.bincount(at, weights=of_day.astype("float64"), minlength=count), dtype="float64")[:, None]


def _span(name: str, given: Span) -> tuple[pd.Timestamp, pd.Timestamp]:
    ends = (given, given) if isinstance(given, str) or not isinstance(given, Iterable) else tuple(given)
    if len(ends) != 2:
        raise ModelError(f"event {name!r}: wanted a date or (first, last), not {given!r}")
    first, last = (_date(name, end) for end in ends)
    if last < first:
        raise ModelError(f"event {name!r}: ends on {last:%Y-%m-%d}, before it begins on {first:%Y-%m-%d}")
    return first, last


def _date(name: str, given: object) -> pd.Timestamp:
    try:
        # A number would be read as nanoseconds since 1970.
        read = pd.NaT if isinstance(given, int | float) else pd.Timestamp(given)  # type: ignore[arg-type]
    except (ValueError, TypeError) as cause:
        raise ModelError(f"event {name!r}: {given!r} is not a date; write it as 2026-03-01") from cause
    if pd.isna(read):
        raise ModelError(f"event {name!r}: {given!r} is not a date; write it as 2026-03-01")
    return read.tz_localize(None).normalize()
