"""Money by day, before any is spent. Comes in: a BudgetPlan and a limit. Goes out: the burn-down that it begins as."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scenarios.budget.budget_plan import BudgetPlan
from scenarios.report.onepage.burn_down import burn_down
from scenarios.reviews.reviewing import review

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def cumulative(plan: BudgetPlan, *, limit: float | None = None, ax: Axes | None = None) -> Axes:
    """The fan of cumulative spend against the cumulative budget, and when a limit (the budget) is gone over.

    It is the burn-down of a review on the plan's own day, of which nothing is spent yet.

    Raises
    ------
    PlanError
        The limit is no amount of money.
    """
    known = plan.projection
    return burn_down(review(plan, known.usage, as_of=known.as_of), limit=limit, ax=ax)
