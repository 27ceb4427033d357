"""What if, what it would cost, and what to set aside: scenarios, components, splits and the budget plan."""

from __future__ import annotations

from forecast.ranges import between
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.planning import plan
from scenarios.budget.spec import PlanSpec
from scenarios.budget.splits import EnvironmentSplit
from scenarios.changes import (
    Contract,
    Discount,
    Elasticity,
    ExchangeRate,
    Growth,
    Negotiation,
    PriceChange,
    PriceSteps,
    VendorPrices,
)
from scenarios.components import Fixed, Reserve
from scenarios.files.loading import dump, load, shipped
from scenarios.scenario import Scenario

__all__ = [
    "BudgetPlan",
    "Contract",
    "Discount",
    "Elasticity",
    "EnvironmentSplit",
    "ExchangeRate",
    "Fixed",
    "Growth",
    "Negotiation",
    "PlanSpec",
    "PriceChange",
    "PriceSteps",
    "Reserve",
    "Scenario",
    "VendorPrices",
    "between",
    "dump",
    "load",
    "plan",
    "shipped",
]
