"""Changes: one file a driver. ``KINDS`` names them for plan files."""

from __future__ import annotations

from scenarios.changes.adoption import Adoption, Headcount, Heads
from scenarios.changes.base import Change, Costed, Line, Settling, kind_of, label_of
from scenarios.changes.batching import Batch
from scenarios.changes.caching import PromptCache, SemanticCache
from scenarios.changes.contracts import Contract
from scenarios.changes.currency import ExchangeRate
from scenarios.changes.discounts import Discount, Negotiation
from scenarios.changes.elasticity import Elasticity
from scenarios.changes.failover import Deprecation, Outage
from scenarios.changes.finetuning import FineTune
from scenarios.changes.growth import Growth
from scenarios.changes.growth_curves import LinearGrowth, LogisticGrowth
from scenarios.changes.intensity import Intensity, OutputCap, Pack, PromptTrim, ResponseFilter, Tokenizer
from scenarios.changes.limits import Limit
from scenarios.changes.price import PriceChange
from scenarios.changes.price_steps import PriceSteps
from scenarios.changes.regions import DataTransfer, Region
from scenarios.changes.routing import Migrate, Route
from scenarios.changes.runaway import Runaway
from scenarios.changes.selfhosted import AutoScale, Compress, RightSize, Spot
from scenarios.changes.spikes import Spikes
from scenarios.changes.steps import Campaign, Retire, Step
from scenarios.changes.vendor_prices import VendorPrices
from scenarios.changes.workload import NewWorkload
from scenarios.changes.world import World

_EVERY: tuple[type[Change], ...] = (
    Growth,
    LinearGrowth,
    LogisticGrowth,
    Adoption,
    Headcount,
    Step,
    Campaign,
    Retire,
    NewWorkload,
    Spikes,
    Runaway,
    Intensity,
    PromptTrim,
    OutputCap,
    ResponseFilter,
    Tokenizer,
    Pack,
    PromptCache,
    SemanticCache,
    Batch,
    Route,
    Migrate,
    FineTune,
    Compress,
    AutoScale,
    RightSize,
    Spot,
    Region,
    DataTransfer,
    Outage,
    Deprecation,
    Limit,
    VendorPrices,
    PriceChange,
    PriceSteps,
    Discount,
    Negotiation,
    Contract,
    ExchangeRate,
    Elasticity,
)


#: The kinds that a scenario's file may name: the class's name in small letters.
KINDS: dict[str, type[Change]] = {kind_of(maker): maker for maker in _EVERY}

__all__ = [
    "KINDS",
    "Adoption",
    "AutoScale",
    "Batch",
    "Campaign",
    "Change",
    "Compress",
    "Contract",
    "Costed",
    "DataTransfer",
    "Deprecation",
    "Discount",
    "Elasticity",
    "ExchangeRate",
    "FineTune",
    "Growth",
    "Headcount",
    "Heads",
    "Intensity",
    "Limit",
    "Line",
    "LinearGrowth",
    "LogisticGrowth",
    "Migrate",
    "Negotiation",
    "NewWorkload",
    "Outage",
    "OutputCap",
    "Pack",
    "PriceChange",
    "PriceSteps",
    "PromptCache",
    "PromptTrim",
    "Region",
    "ResponseFilter",
    "Retire",
    "RightSize",
    "Route",
    "Runaway",
    "SemanticCache",
    "Settling",
    "Spikes",
    "Spot",
    "Step",
    "Tokenizer",
    "VendorPrices",
    "World",
    "kind_of",
    "label_of",
]
