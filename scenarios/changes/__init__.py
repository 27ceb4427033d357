"""Changes: one file a driver. ``KINDS`` names them for plan files."""

from __future__ import annotations

from scenarios.changes.adoption import Adoption, Headcount, Heads
from scenarios.changes.base import Change, Costed, Line, Settling, kind_of, label_of
from scenarios.changes.failover import Deprecation, Outage
from scenarios.changes.growth import Growth
from scenarios.changes.growth_curves import LinearGrowth, LogisticGrowth
from scenarios.changes.limits import Limit
from scenarios.changes.price import PriceChange
from scenarios.changes.runaway import Runaway
from scenarios.changes.spikes import Spikes
from scenarios.changes.steps import Campaign, Retire, Step
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
    Outage,
    Deprecation,
    Limit,
    PriceChange,
)


def _kind(maker: type[Change]) -> str:
    name = maker.__name__
    return "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))


#: The kinds that a scenario's file may name: the class's name in small letters.
KINDS: dict[str, type[Change]] = {_kind(maker): maker for maker in _EVERY}

__all__ = [
    "KINDS",
    "Adoption",
    "Campaign",
    "Change",
    "Costed",
    "Deprecation",
    "Growth",
    "Headcount",
    "Heads",
    "Limit",
    "Line",
    "LinearGrowth",
    "LogisticGrowth",
    "NewWorkload",
    "Outage",
    "PriceChange",
    "Retire",
    "Runaway",
    "Settling",
    "Spikes",
    "Step",
    "World",
    "kind_of",
    "label_of",
]
