"""What if, what it would cost, and what to set aside: scenarios, components, splits and the budget plan."""

from __future__ import annotations

from forecast.ranges import between
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.planning import plan
from scenarios.budget.spec import PlanSpec
from scenarios.budget.splits import EnvironmentSplit
from scenarios.changes import (
    AutoScale,
    Batch,
    Compress,
    DataTransfer,
    FineTune,
    Growth,
    Intensity,
    Migrate,
    OutputCap,
    Pack,
    PriceChange,
    PromptCache,
    PromptTrim,
    Region,
    ResponseFilter,
    RightSize,
    Route,
    SemanticCache,
    Spot,
    Tokenizer,
)
from scenarios.components import Fixed, Reserve
from scenarios.files.loading import dump, load, shipped
from scenarios.scenario import Scenario

__all__ = [
    "AutoScale",
    "Batch",
    "BudgetPlan",
    "Compress",
    "DataTransfer",
    "EnvironmentSplit",
    "FineTune",
    "Fixed",
    "Growth",
    "Intensity",
    "Migrate",
    "OutputCap",
    "Pack",
    "PlanSpec",
    "PriceChange",
    "PromptCache",
    "PromptTrim",
    "Region",
    "Reserve",
    "ResponseFilter",
    "RightSize",
    "Route",
    "Scenario",
    "SemanticCache",
    "Spot",
    "Tokenizer",
    "between",
    "dump",
    "load",
    "plan",
    "shipped",
]
