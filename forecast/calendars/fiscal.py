"""The arithmetic of fiscal years. Comes in: a rule, and days or ordinals of periods. Goes out: the one for the other.

Fiscal months are numbered without a gap: month m = 0 … 11 of the fiscal year that nominally ends in year n bears the
ordinal 12 n + m. Quarters and years are 3 and 12 of them, so that they nest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from forecast.calendars.dates import DAY, Days

Unit = Literal["month", "quarter", "year"]
Ordinals: TypeAlias = NDArray[np.int64]
#: Fiscal months in each unit.
MONTHS: Final[dict[Unit, int]] = {"month": 1, "quarter": 3, "year": 12}
#: Weeks of a fiscal year by weeks that is not a long one.
WEEKS: Final = 52
_EPOCH: Final = 12 * 1970


@dataclass(frozen=True, slots=True)
class Rule:
    """When fiscal years end, and how long their months are.

    Attributes
    ----------
    start_month : int
        1 to 12.
    lengths : tuple of int (month,), optional
        Weeks of each month of a 52-week year; whole calendar months where there are none.
    weekday : int
        The weekday that a year by weeks ends on; 0 is Monday.
    nearest : bool
        Whether that is the weekday nearest to the nominal end, or the last one up to it.
    extra_week : int
        The quarter, 1 to 4, whose last month takes the 53rd week.
    """

    start_month: int
    lengths: tuple[int, ...] | None
    weekday: int
    nearest: bool
    extra_week: int

    @property
    def crosses(self) -> bool:
        """Whether its years nominally start and end in different calendar years."""
        return self.start_month > 1


def year_ends(rule: Rule, years: Ordinals) -> Days:
    """The last day of the fiscal years that nominally end in some calendar years: (year,)."""
    month_after = (years * 12 - _EPOCH) + (rule.start_month - 2) % 12 + 1
    day_after: Days = month_after.astype("datetime64[M]").astype("datetime64[D]")
    nominal: Days = day_after - DAY
    if rule.lengths is None:
        return nominal
    weekday = (nominal.astype(np.int64) + 3) % 7  # 1 January 1970 was a Thursday
    back = (weekday - rule.weekday) % 7
    moved: Days = nominal - np.where(rule.nearest & (back > 3), back - 7, back) * DAY
    return moved


def starts(rule: Rule, ordinals: Ordinals, by: Unit) -> Days:
    """The first day of periods by ordinal: (period,)."""
    months = ordinals * MONTHS[by]
    if rule.lengths is None:
        calendar = months - 12 * rule.crosses + rule.start_month - 1 - _EPOCH
        return calendar.astype("datetime64[M]").astype("datetime64[D]")
    year, part = np.divmod(months, 12)
    before, long = _year(rule, year)
    weeks = _weeks_before(rule.lengths)[part] + (long & (part >= 3 * rule.extra_week))
    first: Days = before + (1 + 7 * weeks) * DAY
    return first


def ordinals(rule: Rule, days: Days, by: Unit) -> Ordinals:
    """The ordinal of each day's period: (day,)."""
    calendar = days.astype("datetime64[M]").astype(np.int64) + _EPOCH
    if rule.lengths is None:
        months = calendar + 12 * rule.crosses - (rule.start_month - 1)
    else:
        year = calendar // 12
        year = year + (days > year_ends(rule, year)) - (days <= year_ends(rule, year - 1))
        before, long = _year(rule, year)
        weeks = _weeks_before(rule.lengths)
        week = ((days - before).astype(np.int64) - 1) // 7
        week = week - (long & (week >= weeks[3 * rule.extra_week]))
        months = 12 * year + np.searchsorted(weeks, week, side="right") - 1
    return np.asarray(months // MONTHS[by])


def _year(rule: Rule, year: Ordinals) -> tuple[Days, NDArray[np.bool_]]:
    """The day before each fiscal year, and whether it has a 53rd week: both (year,)."""
    before = year_ends(rule, year - 1)
    days = (year_ends(rule, year) - before).astype(np.int64)
    return before, days > 7 * WEEKS


def _weeks_before(lengths: tuple[int, ...]) -> Ordinals:
    """Weeks of a 52-week year before each of its months, and all of them: (13,)."""
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
