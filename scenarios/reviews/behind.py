"""The plan behind a table. Comes in: amounts that were made elsewhere, and usage. Goes out: a plan of the same months.

It is made on what was known before the first period, so that actuals stand against a band, and the rest is foreseen.
"""

from __future__ import annotations

import pandas as pd

from forecast.calendars import CALENDAR_YEAR, Calendar
from forecast.errors import PlanError, UsageError
from forecast.prices import PriceBook
from forecast.projection import project
from forecast.usage import Usage
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.planning import plan
from scenarios.costing import Unpriced
from scenarios.reviews.budgeted import PERIOD, span_of

#: Futures of a plan that is only a yardstick.
DRAWS = 2_000


def plan_behind(
    table: pd.DataFrame,
    usage: Usage,
    *,
    prices: PriceBook | None,
    calendar: Calendar = CALENDAR_YEAR,
    unpriced: Unpriced = "refuse",
) -> BudgetPlan:
    """A plan of a table's periods, on the usage before the first of them.

    Raises
    ------
    PlanError, UsageError
        The table has no periods, or the usage begins too late.
    """
    if not isinstance(usage, Usage):
        raise UsageError(f"usage: wanted a Usage, not {type(usage).__name__}: read it first: fc.read_usage(...)")
    if PERIOD not in table or table.empty:
        raise PlanError(f"budget: wanted a table with a column {PERIOD!r}, such as 2027-01, and at least one row")
    spans = [span_of(str(period), calendar) for period in table[PERIOD]]
    start, end = min(first for first, _ in spans), max(last for _, last in spans)
    if not usage.start < start:
        raise PlanError(
            f"budget: the first period begins on {start:%Y-%m-%d} and {usage.source} on {usage.start:%Y-%m-%d}: to "
            "tell what was to be expected, give usage from before the budget too"
        )
    before = usage.until(start - pd.Timedelta(days=1))
    projection = project(before, start=f"{start:%Y-%m-%d}", end=f"{end:%Y-%m-%d}", lag=0, calendar=calendar)
    return plan(projection, prices=prices, draws=DRAWS, unpriced=unpriced)
