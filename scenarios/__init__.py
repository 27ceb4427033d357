"""What if, what it would cost, and what to set aside: scenarios, components, splits and the budget plan."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forecast.ranges import between
    from scenarios.bridging import Bridge
    from scenarios.budget.bridges import bridge
    from scenarios.budget.budget_plan import BudgetPlan
    from scenarios.budget.committing.offering import commitment
    from scenarios.budget.committing.result import Commitment
    from scenarios.budget.committing.sized import SizedCommitment
    from scenarios.budget.judging import Override
    from scenarios.budget.planning import plan
    from scenarios.budget.policies import BudgetPolicy
    from scenarios.budget.policy_paths import PolicyPaths
    from scenarios.budget.spec import PlanSpec
    from scenarios.budget.splits import EnvironmentSplit, Split
    from scenarios.changes import (
        Adoption,
        AutoScale,
        Batch,
        Campaign,
        Change,
        Compress,
        Contract,
        DataTransfer,
        Deprecation,
        Discount,
        Elasticity,
        ExchangeRate,
        FineTune,
        Growth,
        Headcount,
        Heads,
        Intensity,
        Limit,
        LinearGrowth,
        LogisticGrowth,
        Migrate,
        Negotiation,
        NewWorkload,
        Outage,
        OutputCap,
        Pack,
        PriceChange,
        PriceSteps,
        PromptCache,
        PromptTrim,
        Region,
        ResponseFilter,
        Retire,
        RightSize,
        Route,
        Runaway,
        SemanticCache,
        Spikes,
        Spot,
        Step,
        Tokenizer,
        VendorPrices,
    )
    from scenarios.clipping import clipped
    from scenarios.comparing.comparison import Comparison, compare
    from scenarios.comparing.effects import Effect
    from scenarios.comparing.seeking import Sought, goal_seek, reverse_stress
    from scenarios.components import Allowance, Component, Fixed, PerUnit, Project, Reserve, Risk, ShareOf, Stock
    from scenarios.components.preset_files import preset, presets
    from scenarios.dependence import CommonFactor, NearestCorrelationWarning, RankCorrelation
    from scenarios.files.loading import dump, load, shipped
    from scenarios.reviews.alerts.alert import Alert, Alerts
    from scenarios.reviews.alerts.rules import AlertRules
    from scenarios.reviews.alerts.watching import alerts
    from scenarios.reviews.allocating.allocation import Allocation
    from scenarios.reviews.allocating.chargeback import allocate
    from scenarios.reviews.diving.dive import DeepDive, deep_dive
    from scenarios.reviews.governing.approvals import ApprovalLog
    from scenarios.reviews.governing.checking import Checked, check, due
    from scenarios.reviews.governing.policy import SpendPolicy
    from scenarios.reviews.governing.policy_file import load_policy
    from scenarios.reviews.outlook import Outlook
    from scenarios.reviews.reviewing import Review, review
    from scenarios.reviews.tracking.record import TrackRecord
    from scenarios.reviews.tracking.replaying import track_record
    from scenarios.reviews.versions import Reforecast
    from scenarios.saved.loading import load_plan
    from scenarios.scenario import Scenario

#: Public names by module: loaded when first asked for, so that importing stays cheap.
_LATER = {
    "Adoption": "scenarios.changes",
    "Allocation": "scenarios.reviews.allocating.allocation",
    "Alert": "scenarios.reviews.alerts.alert",
    "AlertRules": "scenarios.reviews.alerts.rules",
    "Alerts": "scenarios.reviews.alerts.alert",
    "Allowance": "scenarios.components",
    "ApprovalLog": "scenarios.reviews.governing.approvals",
    "AutoScale": "scenarios.changes",
    "Batch": "scenarios.changes",
    "Bridge": "scenarios.bridging",
    "BudgetPlan": "scenarios.budget.budget_plan",
    "BudgetPolicy": "scenarios.budget.policies",
    "Campaign": "scenarios.changes",
    "Change": "scenarios.changes",
    "Checked": "scenarios.reviews.governing.checking",
    "Commitment": "scenarios.budget.committing.result",
    "CommonFactor": "scenarios.dependence",
    "Comparison": "scenarios.comparing.comparison",
    "Component": "scenarios.components",
    "Compress": "scenarios.changes",
    "Contract": "scenarios.changes",
    "DataTransfer": "scenarios.changes",
    "DeepDive": "scenarios.reviews.diving.dive",
    "Deprecation": "scenarios.changes",
    "Discount": "scenarios.changes",
    "Effect": "scenarios.comparing.effects",
    "Elasticity": "scenarios.changes",
    "EnvironmentSplit": "scenarios.budget.splits",
    "ExchangeRate": "scenarios.changes",
    "FineTune": "scenarios.changes",
    "Fixed": "scenarios.components",
    "Growth": "scenarios.changes",
    "Headcount": "scenarios.changes",
    "Heads": "scenarios.changes",
    "Intensity": "scenarios.changes",
    "Limit": "scenarios.changes",
    "LinearGrowth": "scenarios.changes",
    "LogisticGrowth": "scenarios.changes",
    "Migrate": "scenarios.changes",
    "NearestCorrelationWarning": "scenarios.dependence",
    "Negotiation": "scenarios.changes",
    "NewWorkload": "scenarios.changes",
    "Outage": "scenarios.changes",
    "Outlook": "scenarios.reviews.outlook",
    "OutputCap": "scenarios.changes",
    "Override": "scenarios.budget.judging",
    "Pack": "scenarios.changes",
    "PerUnit": "scenarios.components",
    "PlanSpec": "scenarios.budget.spec",
    "PolicyPaths": "scenarios.budget.policy_paths",
    "PriceChange": "scenarios.changes",
    "PriceSteps": "scenarios.changes",
    "Project": "scenarios.components",
    "PromptCache": "scenarios.changes",
    "PromptTrim": "scenarios.changes",
    "RankCorrelation": "scenarios.dependence",
    "Reforecast": "scenarios.reviews.versions",
    "Region": "scenarios.changes",
    "Reserve": "scenarios.components",
    "ResponseFilter": "scenarios.changes",
    "Retire": "scenarios.changes",
    "Review": "scenarios.reviews.reviewing",
    "RightSize": "scenarios.changes",
    "Risk": "scenarios.components",
    "Route": "scenarios.changes",
    "Runaway": "scenarios.changes",
    "Scenario": "scenarios.scenario",
    "SemanticCache": "scenarios.changes",
    "ShareOf": "scenarios.components",
    "SizedCommitment": "scenarios.budget.committing.sized",
    "Sought": "scenarios.comparing.seeking",
    "SpendPolicy": "scenarios.reviews.governing.policy",
    "Spikes": "scenarios.changes",
    "Split": "scenarios.budget.splits",
    "Spot": "scenarios.changes",
    "Step": "scenarios.changes",
    "Stock": "scenarios.components",
    "Tokenizer": "scenarios.changes",
    "TrackRecord": "scenarios.reviews.tracking.record",
    "VendorPrices": "scenarios.changes",
    "allocate": "scenarios.reviews.allocating.chargeback",
    "alerts": "scenarios.reviews.alerts.watching",
    "between": "forecast.ranges",
    "bridge": "scenarios.budget.bridges",
    "check": "scenarios.reviews.governing.checking",
    "clipped": "scenarios.clipping",
    "commitment": "scenarios.budget.committing.offering",
    "compare": "scenarios.comparing.comparison",
    "deep_dive": "scenarios.reviews.diving.dive",
    "due": "scenarios.reviews.governing.checking",
    "dump": "scenarios.files.loading",
    "goal_seek": "scenarios.comparing.seeking",
    "load": "scenarios.files.loading",
    "load_plan": "scenarios.saved.loading",
    "load_policy": "scenarios.reviews.governing.policy_file",
    "plan": "scenarios.budget.planning",
    "preset": "scenarios.components.preset_files",
    "presets": "scenarios.components.preset_files",
    "reverse_stress": "scenarios.comparing.seeking",
    "review": "scenarios.reviews.reviewing",
    "shipped": "scenarios.files.loading",
    "track_record": "scenarios.reviews.tracking.replaying",
}

__all__ = [
    "Adoption",
    "Alert",
    "AlertRules",
    "Alerts",
    "Allocation",
    "Allowance",
    "ApprovalLog",
    "AutoScale",
    "Batch",
    "Bridge",
    "BudgetPlan",
    "BudgetPolicy",
    "Campaign",
    "Change",
    "Checked",
    "Commitment",
    "CommonFactor",
    "Comparison",
    "Component",
    "Compress",
    "Contract",
    "DataTransfer",
    "DeepDive",
    "Deprecation",
    "Discount",
    "Effect",
    "Elasticity",
    "EnvironmentSplit",
    "ExchangeRate",
    "FineTune",
    "Fixed",
    "Growth",
    "Headcount",
    "Heads",
    "Intensity",
    "Limit",
    "LinearGrowth",
    "LogisticGrowth",
    "Migrate",
    "NearestCorrelationWarning",
    "Negotiation",
    "NewWorkload",
    "Outage",
    "Outlook",
    "OutputCap",
    "Override",
    "Pack",
    "PerUnit",
    "PlanSpec",
    "PolicyPaths",
    "PriceChange",
    "PriceSteps",
    "Project",
    "PromptCache",
    "PromptTrim",
    "RankCorrelation",
    "Reforecast",
    "Region",
    "Reserve",
    "ResponseFilter",
    "Retire",
    "Review",
    "RightSize",
    "Risk",
    "Route",
    "Runaway",
    "Scenario",
    "SemanticCache",
    "ShareOf",
    "SizedCommitment",
    "Sought",
    "SpendPolicy",
    "Spikes",
    "Split",
    "Spot",
    "Step",
    "Stock",
    "Tokenizer",
    "TrackRecord",
    "VendorPrices",
    "alerts",
    "allocate",
    "between",
    "bridge",
    "check",
    "clipped",
    "commitment",
    "compare",
    "deep_dive",
    "due",
    "dump",
    "goal_seek",
    "load",
    "load_plan",
    "load_policy",
    "plan",
    "preset",
    "presets",
    "reverse_stress",
    "review",
    "shipped",
    "track_record",
]


if not TYPE_CHECKING:  # a type checker that sees it takes every misspelt name for one of ours

    def __getattr__(name: str) -> object:
        if name in _LATER:
            return getattr(import_module(_LATER[name]), name)
        raise AttributeError(f"module 'scenarios' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
