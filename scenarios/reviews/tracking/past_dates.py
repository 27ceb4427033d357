"""Past origins. Comes in: how long is planned, how far ahead, and how far back. Goes out: decision days and spans.

Counts are in the usage's own periods: days, or months of monthly usage.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import pandas as pd

from forecast.calendars import Calendar, Unit, date_of
from forecast.errors import HorizonError
from forecast.periods import Horizon
from forecast.shown import short_repr

MONTHS: Final[dict[Unit, int]] = {"month": 1, "quarter": 3, "year": 12}
_LETTERS: Final[dict[str, Unit]] = {"M": "month", "Q": "quarter", "Y": "year"}
_TOLD: Final = re.compile(r"^(\d{1,4})\s*([DWMQY])$", re.IGNORECASE)
_DAY: Final = pd.Timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Length:
    """A length of time: whole units of the calendar, or days where ``unit`` is None."""

    count: int
    unit: Unit | None

    @property
    def months(self) -> int:
        """How many months of the calendar it has; 0 where it is in days."""
        return 0 if self.unit is None else self.count * MONTHS[self.unit]

    def __str__(self) -> str:
        what = self.unit or "day"
        return f"one {what}" if self.count == 1 else f"{self.count} {what}s"


@dataclass(frozen=True, slots=True)
class PastDate:
    """One past decision: the day it was made on, and the first and last day that it planned."""

    __repr__ = short_repr

    on: pd.Timestamp
    start: pd.Timestamp
    end: pd.Timestamp


def length_told(value: object, what: str, *, monthly: bool) -> Length:
    """A length as it is asked for: ``"1Q"``, ``"3M"``, ``"90D"``, or a count of the usage's periods.

    Raises
    ------
    HorizonError
        It cannot be read, or monthly usage is asked for days.
    """
    known = "'1M', '1Q', '2Q' or '1Y'" + ("" if monthly else ", '90D', or a count of days")
    if isinstance(value, int) and not isinstance(value, bool):
        count, letter = value, "M" if monthly else "D"
    elif isinstance(value, str) and (found := _TOLD.match(value.strip())):
        count, letter = int(found[1]), found[2].upper()
    else:
        raise HorizonError(f"{what}={value!r}: past spans are of a length; write {known}")
    if count < 1:
        raise HorizonError(f"{what}={value!r}: wanted at least one period")
    if letter in "DW":
        if monthly:
            raise HorizonError(f"{what}={value!r}: usage is by month; write {known}")
        return Length(count * (7 if letter == "W" else 1), None)
    return Length(count, _LETTERS[letter])


def length_of(span: Horizon, calendar: Calendar, *, monthly: bool) -> Length:
    """The length of a span that is told by its dates or name: whole years, quarters or months where it is so."""
    start = span.start.normalize()
    end = (span.end + pd.offsets.MonthEnd(0) if monthly else span.end).normalize()
    units: tuple[Unit, ...] = ("year", "quarter", "month")
    for unit in units:
        if calendar.start([start], unit)[0] == start and calendar.end([end], unit)[0] == end:
            first, last = calendar.ordinals([start, end], unit)
            return Length(int(last - first) + 1, unit)
    return Length(int((end - start).days) + 1, None)


@dataclass(frozen=True, slots=True)
class Grid:
    """Where past decisions lie.

    Attributes
    ----------
    length, step : Length
        How long each plans, and how far one span lies before the next.
    lead : int
        Periods from the decision's last known period to the first that it plans.
    lag : int
        The last known periods that may be incomplete, and are not used.
    first, last : Timestamp
        The first day of the history, and the last of which all is known.
    least : int
        Periods of history that a projection needs.
    calendar : Calendar
    monthly : bool
    """

    length: Length
    step: Length
    lead: int
    lag: int
    first: pd.Timestamp
    last: pd.Timestamp
    least: int
    calendar: Calendar
    monthly: bool

    def latest(self, count: int) -> list[PastDate]:
        """The latest ``count`` past decisions that the history allows, in time's order; fewer where it is short."""
        found: list[PastDate] = []
        for start, end in self._spans():
            on = self._decided(start)
            if len(found) == count or self._known(on) < self.least:
                break
            found.append(PastDate(on, start, end))
        return found[::-1]

    def at(self, days: Sequence[object]) -> list[PastDate]:
        """Decisions on given days, each for the span that follows it.

        Raises
        ------
        HorizonError
            One is no date, stands twice, has too little history before it, or what came is not known.
        """
        dates = [date_of(day, "origins", HorizonError) for day in days]
        if twice := [d for i, d in enumerate(dates) if d in dates[:i]]:
            raise HorizonError(f"origins: {twice[0]:%Y-%m-%d} stands twice")
        found = []
        for on in sorted(dates):
            as_of = self._as_of(on)
            if (known := self._known(on)) < self.least:
                raise HorizonError(
                    f"origins: a decision on {on:%Y-%m-%d} knows {max(known, 0)} of the {self.least} {self._periods} "
                    "that a projection needs at least; take a later day, or a longer export"
                )
            if self.length.unit is None:
                start, end = as_of + _DAY, as_of + self.length.count * _DAY
            else:
                start, end = self.calendar.after(as_of, self.length.count, self.length.unit)
            if end > self.last:
                raise HorizonError(
                    f"origins: what was planned on {on:%Y-%m-%d} ends on {end:%Y-%m-%d}, and what came is known up to "
                    f"{self.last:%Y-%m-%d}; take an earlier day, or a shorter horizon"
                )
            found.append(PastDate(on, start, end))
        return found

    @property
    def _periods(self) -> str:
        return "months" if self.monthly else "days"

    def _decided(self, start: pd.Timestamp) -> pd.Timestamp:
        """The day of the decision: the last of its last known period."""
        if self.monthly:
            return start - pd.DateOffset(months=self.lead) + pd.offsets.MonthEnd(0)
        return start - self.lead * _DAY

    def _as_of(self, on: pd.Timestamp) -> pd.Timestamp:
        """The last day that a decision may use."""
        if not self.monthly:
            return on - self.lag * _DAY
        whole = on if on.is_month_end else on - pd.offsets.MonthEnd()
        return whole - pd.offsets.MonthEnd(self.lag) if self.lag else whole

    def _known(self, on: pd.Timestamp) -> int:
        """Periods of history that a decision may use."""
        as_of = self._as_of(on)
        if self.monthly:
            return (as_of.year - self.first.year) * 12 + as_of.month - self.first.month + 1
        return int((as_of - self.first).days) + 1

    def _spans(self) -> Iterator[tuple[pd.Timestamp, pd.Timestamp]]:
        """First and last days of past spans, the latest first."""
        after = self.last + _DAY
        if self.length.unit is None:
            while after - self.length.count * _DAY >= self.first:
                yield after - self.length.count * _DAY, after - _DAY
                after -= self.step.count * _DAY
            return
        unit: Unit = self.length.unit if self.step.months % MONTHS[self.length.unit] == 0 else "month"
        edges = [self.calendar.start([after], unit)[0]]
        at = 0
        while edges[-1] >= self.first:
            while len(edges) <= at + self.length.months:
                edges.append(self.calendar.start([edges[-1] - _DAY], "month")[0])
            yield edges[at + self.length.months], edges[at] - _DAY
            at += self.step.months


def overlap_of(dates: Sequence[PastDate]) -> int:
    """The most consecutive decisions whose spans share a day."""
    return max(sum(later.start <= one.end for later in dates[i:]) for i, one in enumerate(dates))


def checked_step(step: object, length: Length, *, monthly: bool) -> Length:
    """How far apart spans lie: as long as they are, unless said otherwise.

    Raises
    ------
    HorizonError
        Spans of months are stepped by days, or spans of days by months.
    """
    if step is None:
        return length
    found = length_told(step, "step", monthly=monthly)
    if (found.unit is None) != (length.unit is None):
        wanted = "a count of days, such as 30 or '30D'" if length.unit is None else "'1M', '1Q' or '1Y'"
        raise HorizonError(f"step={step!r}: spans of {length} are stepped by {wanted}")
    return found


def dates_or_count(origins: object) -> int | list[object]:
    """How many past decisions, or on which days.

    Raises
    ------
    HorizonError
        It is neither.
    """
    wanted = "wanted how many, such as 8, or dates, such as ['2026-03-31', '2026-06-30']"
    if isinstance(origins, int) and not isinstance(origins, bool):
        if origins < 1:
            raise HorizonError(f"origins={origins}: {wanted}")
        return origins
    if isinstance(origins, str | date) or not isinstance(origins, Sequence | pd.Index) or not len(origins):
        raise HorizonError(f"origins={origins!r}: {wanted}")
    return list(origins)
