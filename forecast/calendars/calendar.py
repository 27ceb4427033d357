"""An organisation's calendar. Comes in: days. Goes out: the periods that they are in, by name, first and last day."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Final, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.calendars.dates import DAY, date_of, days_of, index_of, span_of
from forecast.calendars.exposure import Exposure, exposure_of
from forecast.calendars.fiscal import MONTHS, Ordinals, Rule, Unit, ordinals, starts
from forecast.calendars.workdays import country_code, holiday_names, region_code, working
from forecast.errors import HorizonError, one_of
from forecast.shown import short_repr

YearName = Literal["end", "start"]
Weeks = Literal["4-4-5", "4-5-4", "5-4-4"]
YearEnd = Literal["last", "nearest"]
Weekday = Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

#: The last year that a period may lie in, so that every name has four digits.
LAST_YEAR: Final = 9_998
_MONTH_NAMES: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_NAMED: Final = re.compile(r"^(FY|CY)?\s*(\d{4})(?:\s*-?\s*([QP])(\d{1,2}))?$", re.IGNORECASE)
_MONTH: Final = re.compile(r"^(\d{4})-(0[1-9]|1[0-2])$")
_PART: Final[dict[str, tuple[Unit, int]]] = {"P": ("month", 12), "Q": ("quarter", 4), "": ("year", 1)}


def _check_month(value: object) -> None:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 12:
        return
    close = [m for m, name in enumerate(_MONTH_NAMES, start=1) if str(value).strip().lower()[:3] == name[:3].lower()]
    hint = f"; {value} is {close[0]}" if close else ", such as 10 for October"
    raise HorizonError(f"start_month={value!r}: wanted the number of a month, from 1 to 12{hint}")


@dataclass(frozen=True, slots=True)
class Calendar:
    """An organisation's fiscal calendar: whole months from any start month, or weeks by 4-4-5.

    Parameters
    ----------
    start_month : int
        The month that the fiscal year starts with: 1 is the calendar year, 4 April, 10 October. A year by weeks starts
        near the first of it.
    named_by : {"end", "start"}
        Which calendar year names a fiscal year: the one that it ends in (most companies in the US, the governments of
        the US and the UK), or the one that it starts in (retail).
    weeks : {"4-4-5", "4-5-4", "5-4-4"}, optional
        The months of a quarter in weeks. A year then has 52 or 53 weeks and ends on a fixed weekday.
    year_end : {"nearest", "last"}
        By weeks, the year ends on the ``weekday`` nearest to the last day of the month before ``start_month``, or on
        the last such ``weekday`` in that month.
    weekday : str
        The weekday that a year by weeks ends on.
    extra_week : int
        The quarter whose last month takes the 53rd week.
    country : str, optional
        ISO code of the country whose weekend and public holidays are kept; Monday to Friday are worked without one.
    region : str, optional
        State, province or nation, such as ``"ENG"`` of ``"GB"``. Without one, only holidays of the whole country count.

    Raises
    ------
    HorizonError
        A value that does not hold; the message names the allowed and the nearest.

    Examples
    --------
    >>> Calendar(start_month=10).label(["2026-10-01"], "quarter").tolist()
    ['FY2027Q1']
    >>> Calendar.nrf().label(["2024-02-03"], "month").tolist()
    ['FY2023P12']
    """

    __repr__ = short_repr

    start_month: int = 1
    named_by: YearName = "end"
    weeks: Weeks | None = None
    year_end: YearEnd = "nearest"
    weekday: Weekday = "Saturday"
    extra_week: int = 4
    country: str | None = None
    region: str | None = None

    def __post_init__(self) -> None:
        """Check each value, and which go together."""
        _check_month(self.start_month)
        one_of("named_by", self.named_by, get_args(YearName), HorizonError)
        if self.weeks is not None:
            one_of("weeks", self.weeks, get_args(Weeks), HorizonError)
        one_of("year_end", self.year_end, get_args(YearEnd), HorizonError)
        one_of("weekday", self.weekday, get_args(Weekday), HorizonError)
        if type(self.extra_week) is not int or self.extra_week not in (1, 2, 3, 4):
            raise HorizonError(f"extra_week={self.extra_week!r}: wanted the quarter that takes the 53rd week, 1 to 4")
        for name in ("year_end", "weekday", "extra_week"):
            default = next(f.default for f in fields(self) if f.name == name)
            if self.weeks is None and getattr(self, name) != default:
                raise HorizonError(f"{name}={getattr(self, name)!r} is of a year by weeks: give weeks='4-4-5' with it")
        if self.country is not None:
            object.__setattr__(self, "country", country_code(self.country))
        if self.region is not None:
            if self.country is None:
                raise HorizonError(f"region={self.region!r} is a part of a country: give country= with it")
            object.__setattr__(self, "region", region_code(self.country, self.region))

    @classmethod
    def nrf(cls, *, country: str | None = "US", region: str | None = None) -> Calendar:
        """The 4-5-4 calendar of the National Retail Federation.

        The year ends on the Saturday nearest to 31 January and is named for the year that it starts in.
        Source: https://nrf.com/resources/4-5-4-calendar
        """
        return cls(start_month=2, named_by="start", weeks="4-5-4", country=country, region=region)

    @property
    def fiscal(self) -> bool:
        """Whether its periods are other than the calendar year's."""
        return self.start_month != 1 or self.weeks is not None

    # ------------------------------------------------------------------------------------------------- days → periods

    def label(self, days: Any, by: Unit) -> NDArray[np.object_]:
        """The name of each day's period: object array (day,).

        Fiscal years and quarters are ``FY2027`` and ``FY2027Q1``, those of the calendar year ``2027`` and ``2027Q1``.
        Months are calendar months, ``2027-01``, and by weeks ``FY2027P01``. Names sort by time.

        Parameters
        ----------
        days : array-like of dates or timestamps (day,)
            Hours are counted to their day; a time zone is taken at its own clock.
        by : {"month", "quarter", "year"}
        """
        return self._names(self.ordinals(days, by), by)

    def start(self, days: Any, by: Unit) -> pd.DatetimeIndex:
        """The first day of each day's period: (day,)."""
        return index_of(starts(self._rule, self.ordinals(days, by), by))

    def end(self, days: Any, by: Unit) -> pd.DatetimeIndex:
        """The last day of each day's period: (day,)."""
        return index_of(starts(self._rule, self.ordinals(days, by) + 1, by) - DAY)

    def ordinals(self, days: Any, by: Unit) -> Ordinals:
        """The running number of each day's period: int array (day,). Consecutive periods bear consecutive numbers."""
        one_of("by", by, get_args(Unit), HorizonError)
        return ordinals(self._rule, days_of(days), by)

    # ------------------------------------------------------------------------------------------------- periods → days

    def named(self, name: str) -> tuple[pd.Timestamp, pd.Timestamp] | None:
        """First and last day of a period by name; None where the text is not the name of one.

        ``FY2027``, ``FY2027Q1`` and ``FY2027P03`` (its third month), also without FY, are fiscal. ``CY2027`` and
        ``CY2027Q1`` are of the calendar year, and so is the month ``2027-01``, unless years go by weeks.
        """
        text = str(name).strip()
        if month := _MONTH.match(text):
            if self.weeks is not None:
                raise HorizonError(
                    f"{text!r} is a calendar month, which a year by weeks ({self.weeks}) does not hold; write a "
                    "fiscal month, such as 'FY2027P01', or give start= and end="
                )
            return CALENDAR_YEAR.named(f"{month[1]}P{month[2]}")
        if not (found := _NAMED.match(text)):
            return None
        era, year, kind, part = (group or "" for group in found.groups())
        if era.upper() == "CY":
            return CALENDAR_YEAR.named(text[2:])
        by, most = _PART[kind.upper()]
        if not 1 <= int(part or 1) <= most:
            return None
        return self._span((int(year) + self._ahead) * most + int(part or 1) - 1, 1, by, text)

    def after(self, day: pd.Timestamp, count: int, by: Unit) -> tuple[pd.Timestamp, pd.Timestamp]:
        """First and last day of the ``count`` whole periods that follow the one that ``day`` is in."""
        first = int(self.ordinals([day], by)[0]) + 1
        return self._span(first, count, by, f"{count} {by}s")

    # --------------------------------------------------------------------------------------- exposure, working days

    def exposure(self, start: str | date, end: str | date, by: Unit = "month") -> Exposure:
        """How much of each period the days from ``start`` to ``end``, both included, cover.

        What a whole period costs times its share is what the part costs: by days where cost accrues daily
        (``share``), by working days where it follows work (``working_share``).

        Raises
        ------
        HorizonError
            A date cannot be read, the span is empty, or holidays are not known for one of its years.
        """
        span = span_of(start, end)
        low, high = self.ordinals(span[[0, -1]], by)
        numbers = np.arange(low, high + 1)
        edges = starts(self._rule, np.append(numbers, high + 1), by)
        worked = self.is_working(np.arange(edges[0], edges[-1]))
        return exposure_of(tuple(self._names(numbers, by)), edges, span, worked)

    def to_date(self, as_of: str | date, by: Unit = "month") -> Exposure:
        """How much of its month, quarter or year has passed at the end of a day: one period."""
        day = date_of(as_of, "as_of", HorizonError)
        return self.exposure(self.start([day], by)[0], day, by)

    def is_working(self, days: Any) -> NDArray[np.bool_]:
        """Which days are worked, by the country's weekend and public holidays: bool (day,)."""
        return working(days_of(days), self.country, self.region)

    def working_days(self, start: str | date, end: str | date) -> int:
        """How many days from ``start`` to ``end``, both included, are worked."""
        return int(self.is_working(span_of(start, end)).sum())

    def holidays(self, start: str | date, end: str | date) -> pd.Series:
        """The public holidays from ``start`` to ``end``, both included: names indexed by day."""
        if self.country is None:
            raise HorizonError("this calendar has no country, so it knows no holidays; give one, such as country='US'")
        return holiday_names(span_of(start, end), self.country, self.region)

    def describe(self) -> str:
        """The calendar in words."""
        told = "calendar year"
        if self.fiscal:
            named = f"named for the year that it {self.named_by}s in"
            told = f"fiscal year from {_MONTH_NAMES[self.start_month - 1]}, {named}"
        if self.weeks is not None:
            before = _MONTH_NAMES[self.start_month - 2]
            rule = {"last": f"on the last {self.weekday} of {before}"}
            rule["nearest"] = f"on the {self.weekday} nearest to the end of {before}"
            told += f", by weeks {self.weeks}, ends {rule[self.year_end]}"
        place = "-".join(p for p in (self.country, self.region) if p)
        return f"{told}; holidays of {place}" if place else told

    # -------------------------------------------------------------------------------------------------------- within

    @property
    def _rule(self) -> Rule:
        lengths = None if self.weeks is None else tuple(int(n) for n in self.weeks.split("-")) * 4
        weekday = get_args(Weekday).index(self.weekday)
        return Rule(self.start_month, lengths, weekday, self.year_end == "nearest", self.extra_week)

    @property
    def _ahead(self) -> int:
        """How far the year that a fiscal year nominally ends in is ahead of its name."""
        return int(self.named_by == "start" and self._rule.crosses)

    def _names(self, numbers: Ordinals, by: Unit) -> NDArray[np.object_]:
        """The names of periods by ordinal: each is made once."""
        found, at = np.unique(numbers, return_inverse=True)
        if by == "month" and self.weeks is None:
            names = np.datetime_as_string(starts(self._rule, found, by), unit="M").tolist()
        else:
            year, part = np.divmod(found, 12 // MONTHS[by])
            form = {"month": "{}{:04d}P{:02d}", "quarter": "{}{:04d}Q{}", "year": "{}{:04d}"}[by]
            era = "FY" if self.fiscal else ""
            named = zip((year - self._ahead).tolist(), part.tolist(), strict=True)
            names = [form.format(era, y, p + 1) for y, p in named]
        return np.array(names, dtype=object)[at]

    def _span(self, first: int, count: int, by: Unit, what: str) -> tuple[pd.Timestamp, pd.Timestamp]:
        last = first + count - 1
        if not 12 <= first * MONTHS[by] <= last * MONTHS[by] < 12 * LAST_YEAR:
            raise HorizonError(f"{what!r} is longer than the calendar, which goes from the year 1 to {LAST_YEAR}")
        edges = starts(self._rule, np.array([first, last + 1], dtype=np.int64), by)
        days = index_of(np.array([edges[0], edges[1] - DAY]))
        return days[0], days[1]


#: The calendar that is kept unless another is given.
CALENDAR_YEAR: Final = Calendar()


def calendar_of(value: object) -> Calendar:
    """The calendar that was given, or the calendar year; anything else is a :class:`HorizonError`."""
    if value is None:
        return CALENDAR_YEAR
    if not isinstance(value, Calendar):
        raise HorizonError(f"calendar={value!r}: wanted a Calendar, such as fc.Calendar(start_month=10)")
    return value
