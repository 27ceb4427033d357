"""What if, what it would cost, and what to set aside: scenarios, components, splits and the budget plan."""

from __future__ import annotations

from forecast.ranges import between
from scenarios.bridging import Bridge
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.planning import plan
from scenarios.budget.spec import PlanSpec
from scenarios.budget.splits import EnvironmentSplit
from scenarios.changes import Growth, PriceChange
from scenarios.comparing.comparison import Comparison, compare
from scenarios.comparing.effects import Effect
from scenarios.comparing.seeking import Sought, goal_seek, reverse_stress
from scenarios.components import Fixed, Reserve
from scenarios.dependence import CommonFactor, NearestCorrelationWarning, RankCorrelation
from scenarios.files.loading import dump, load, shipped
from scenarios.scenario import Scenario

__all__ = [
    "Bridge",
    "BudgetPlan",
    "CommonFactor",
    "Comparison",
    "Effect",
    "EnvironmentSplit",
    "Fixed",
    "Growth",
    "NearestCorrelationWarning",
    "PlanSpec",
    "PriceChange",
    "RankCorrelation",
    "Reserve",
    "Scenario",
    "Sought",
    "between",
    "compare",
    "dump",
    "goal_seek",
    "load",
    "plan",
    "reverse_stress",
    "shipped",
]
