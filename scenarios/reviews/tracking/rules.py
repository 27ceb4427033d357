"""Rules of thumb. Comes in: their names, and what usage had cost by a day. Goes out: the budget that each gives."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import pandas as pd

from forecast.errors import PlanError, nearest
from forecast.projection import Projection
from scenarios.budget.points import RUN_RATE_DAYS, RUN_RATE_MONTHS
from scenarios.reviews.tracking.past_costs import Costs
from scenarios.reviews.tracking.past_dates import PastDate

RUN_RATE: Final = "run rate"
USUAL: Final = (RUN_RATE, "last year plus 10 %")
_LAST_YEAR: Final = re.compile(r"^last year(?: (plus|less) (\d+(?:\.\d+)?) ?%)?$")


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of thumb for a budget.

    Attributes
    ----------
    name : str
        ``"run rate"``: what the latest 28 days (or 3 months) cost, carried over the span by days. ``"last year plus
        10 %"``: what the same days cost a year before, brought to as many days, plus a tenth.
    percent : float or None
        What is put on last year: 0.10 is a tenth; None for the run rate.
    """

    name: str
    percent: float | None

    def budget(self, before: Costs, projection: Projection, date: PastDate) -> float:
        """The budget of a span, from what usage had cost before; NaN where the history does not hold it."""
        usage, as_of = projection.usage, projection.as_of.normalize()
        monthly = usage.grain == "month"
        begun, last = usage.start.normalize(), as_of + pd.offsets.MonthEnd(0) if monthly else as_of
        planned = _days(date.start, date.end)
        if self.percent is None:
            back = pd.offsets.MonthBegin(RUN_RATE_MONTHS) if monthly else pd.Timedelta(days=RUN_RATE_DAYS - 1)
            first = max(begun, last - back)
            return round(before.between(first, last).exact / _days(first, last) * planned, 2)
        weeks = projection.spec.calendar.weeks
        year = pd.Timedelta(weeks=52) if weeks else pd.DateOffset(years=1)
        first, final = date.start - year, date.end - year
        final = final + pd.offsets.MonthEnd(0) if monthly else final
        if begun > first or final > last:
            return float("nan")
        known = before.between(first, final).exact / _days(first, final) * planned
        return round(known * (1.0 + self.percent), 2)


def rules_of(compare: Iterable[str]) -> tuple[Rule, ...]:
    """The rules of some names.

    Raises
    ------
    PlanError
        A name is none, or stands twice.
    """
    if isinstance(compare, str) or not isinstance(compare, Iterable):
        raise PlanError(f"compare={compare!r}: wanted a list of rules, such as {list(USUAL)}")
    names = tuple(compare)
    rules = tuple(_rule(name) for name in names)
    if len(set(names)) < len(names):
        raise PlanError(f"compare={list(names)!r} names a rule twice")
    return rules


def _rule(name: object) -> Rule:
    if name == RUN_RATE:
        return Rule(RUN_RATE, None)
    found = _LAST_YEAR.match(name) if isinstance(name, str) else None
    if found is None or not isinstance(name, str):
        raise PlanError(
            f"compare: {name!r} is no rule; there are 'run rate', 'last year' and 'last year plus 10 %' of any "
            f"percentage, plus or less{nearest(name, USUAL)}"
        )
    percent = float(found[2] or 0.0) / 100.0 * (-1.0 if found[1] == "less" else 1.0)
    return Rule(name, percent)


def _days(first: pd.Timestamp, last: pd.Timestamp) -> int:
    return int((last - first).days) + 1
