"""The calendar: days and a workload's season come in, the log of each day's factor goes out.

Holidays follow rules of their own, so that a sample never changes with a release of a holiday package.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import numpy as np

from forecast.generator.organisation import Holidays
from forecast.generator.workload import DAYS_A_YEAR, Season

if TYPE_CHECKING:
    from numpy.typing import NDArray

_THURSDAY: Final = 3
_SATURDAY: Final = 5
_SUNDAY: Final = 6


def easter(year: int) -> dt.date:
    """Easter Sunday of the Gregorian calendar (Meeus, Astronomical Algorithms, 1991, chapter 8)."""
    century, rest = divmod(year, 100)
    leap, odd = divmod(century, 4)
    shift = (century - (century + 8) // 25 + 1) // 3
    golden = year % 19
    epact = (19 * golden + century - leap - shift + 15) % 30
    quarter, left = divmod(rest, 4)
    weekday = (32 + 2 * odd + 2 * quarter - epact - left) % 7
    correction = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * correction + 114, 31)
    return dt.date(year, month, day + 1)


def _nth(year: int, month: int, weekday: int, n: int) -> dt.date:
    """The n-th such weekday of a month; the last for n = -1."""
    if n > 0:
        first = dt.date(year, month, 1)
        return first + dt.timedelta((weekday - first.weekday()) % 7 + 7 * (n - 1))
    last = (dt.date(year, month, 28) + dt.timedelta(4)).replace(day=1) - dt.timedelta(1)
    return last - dt.timedelta((last.weekday() - weekday) % 7)


def _observed(day: dt.date) -> dt.date:
    """A fixed holiday of the United States moves to Friday from Saturday, and to Monday from Sunday."""
    return day + dt.timedelta({_SATURDAY: -1, _SUNDAY: 1}.get(day.weekday(), 0))


def _united_states(year: int) -> set[dt.date]:
    fixed = [(1, 1), (6, 19), (7, 4), (11, 11), (12, 25)]
    floating = [(1, 0, 3), (2, 0, 3), (5, 0, -1), (9, 0, 1), (10, 0, 2), (11, _THURSDAY, 4)]
    return {_observed(dt.date(year, m, d)) for m, d in fixed} | {_nth(year, m, w, n) for m, w, n in floating}


def _germany(year: int) -> set[dt.date]:
    moving = (easter(year) + dt.timedelta(days) for days in (-2, 1, 39, 50))
    fixed = ((1, 1), (5, 1), (10, 3), (12, 25), (12, 26))
    return {*moving, *(dt.date(year, m, d) for m, d in fixed)}


def _england(year: int) -> set[dt.date]:
    moving = {easter(year) + dt.timedelta(days) for days in (-2, 1)}
    floating = {_nth(year, 5, 0, 1), _nth(year, 5, 0, -1), _nth(year, 8, 0, -1)}
    taken = moving | floating
    for month, day in ((1, 1), (12, 25), (12, 26)):
        free = dt.date(year, month, day)
        while free.weekday() >= _SATURDAY or free in taken:
            free += dt.timedelta(1)
        taken = taken | {free}
    return taken


def holidays(calendar: Holidays, years: range) -> set[dt.date]:
    """The public holidays of ``years``, as observed: US federal, German nationwide, or those of England."""
    rules = {"US": _united_states, "DE": _germany, "GB": _england}
    return {day for year in years for day in rules[calendar](year)} if calendar in rules else set()


class Calendar:
    """The days of an organisation and what each of them is.

    Attributes
    ----------
    days : datetime64 array (day,)
    weekday : int array (day,)
        0 is Monday.
    working, holiday, quiet, month_end : bool array (day,)
        A working day is neither on a weekend nor a holiday; the last two concern working days only.
    day_of_year : int array (day,)
    """

    __slots__ = ("day_of_year", "days", "holiday", "month_end", "quiet", "weekday", "working")

    def __init__(self, start: dt.date, days: int, calendar: Holidays) -> None:
        first = np.datetime64(start, "D")
        self.days: NDArray[np.datetime64] = first + np.arange(days)
        margin = first + np.arange(days + 31)
        weekday = (margin.astype("int64") + _THURSDAY) % 7
        years = range(start.year, start.year + days // 365 + 3)
        free = np.array(sorted(holidays(calendar, years)), dtype="datetime64[D]")
        holiday = np.isin(margin, free)
        working = (weekday < _SATURDAY) & ~holiday
        month = margin.astype("datetime64[M]")
        ahead = np.array(
            [np.count_nonzero(working[t + 1 : t + 31] & (month[t + 1 : t + 31] == month[t])) for t in range(days)]
        )
        dated = (margin - month.astype("datetime64[D]")).astype("int64") + 1
        number = month.astype("int64") % 12 + 1
        quiet = ((number == 12) & (dated >= 24)) | ((number == 1) & (dated <= 1))
        self.weekday: NDArray[np.int64] = weekday[:days]
        self.holiday: NDArray[np.bool_] = holiday[:days]
        self.working: NDArray[np.bool_] = working[:days]
        self.quiet: NDArray[np.bool_] = (quiet & working)[:days]
        self.month_end: NDArray[np.bool_] = working[:days] & (ahead < 3)
        self.day_of_year: NDArray[np.int64] = (
            self.days - self.days.astype("datetime64[Y]").astype("datetime64[D]")
        ).astype("int64") + 1

    def log_factors(self, season: Season) -> NDArray[np.float64]:
        """The log of each day's volume over a plain working day's, float array (day,)."""
        factor = np.where(self.weekday == _SATURDAY, season.saturday, 1.0)
        factor = np.where(self.weekday == _SUNDAY, season.sunday, factor)
        factor = np.where(self.holiday, np.minimum(factor, season.holiday), factor)
        factor = np.where(self.quiet, season.quiet, factor)
        factor = np.where(self.month_end & ~self.quiet, season.month_end, factor)
        wave = season.year * np.cos(2 * np.pi * (self.day_of_year - season.year_peak) / DAYS_A_YEAR)
        log: NDArray[np.float64] = np.log(factor) + wave
        return log
