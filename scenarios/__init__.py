"""What if, what it would cost, and what to set aside: scenarios, components, splits and the budget plan."""

from __future__ import annotations

from forecast.ranges import between
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.planning import plan
from scenarios.budget.spec import PlanSpec
from scenarios.budget.splits import EnvironmentSplit
from scenarios.changes import (
    Adoption,
    Campaign,
    Deprecation,
    Growth,
    Headcount,
    Heads,
    Limit,
    LinearGrowth,
    LogisticGrowth,
    NewWorkload,
    Outage,
    PriceChange,
    Retire,
    Runaway,
    Spikes,
    Step,
)
from scenarios.clipping import clipped
from scenarios.components import Fixed, Reserve
from scenarios.files.loading import dump, load, shipped
from scenarios.scenario import Scenario

__all__ = [
    "Adoption",
    "BudgetPlan",
    "Campaign",
    "Deprecation",
    "EnvironmentSplit",
    "Fixed",
    "Growth",
    "Headcount",
    "Heads",
    "Limit",
    "LinearGrowth",
    "LogisticGrowth",
    "NewWorkload",
    "Outage",
    "PlanSpec",
    "PriceChange",
    "Reserve",
    "Retire",
    "Runaway",
    "Scenario",
    "Spikes",
    "Step",
    "between",
    "clipped",
    "dump",
    "load",
    "plan",
    "shipped",
]
