"""The canonical usage table: its columns, the registry of billable units, and the checks at the door.

Comes in: a frame whose columns already bear canonical names. Goes out: the same rows, checked, typed and sorted.
Inside the library these names are trusted and never passed as parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Grain = Literal["hour", "day", "month"]

DATE: Final = "date"
#: The columns that say whose usage a row is. The first five make the key; the others are optional.
KEYS: Final = ("provider", "model", "environment", "project")
OPTIONAL_KEYS: Final = (
    "department",
    "application",
    "user",
    "segment",
    "service_tier",
    "region",
    "context_tier",
    "cost_category",
    "cost_center",
    "gl_account",
)
DIMENSIONS: Final = KEYS + OPTIONAL_KEYS
#: Whose a workload is in the books: carried from the usage to every table of a plan.
OWNERS: Final = ("department", "cost_category", "cost_center", "gl_account")
#: What makes a route: where a request can be sent, and by what size of request it is priced.
ROUTE: Final = ("provider", "model", "service_tier", "region", "context_tier")
MONEY: Final = ("billed_cost", "list_cost", "effective_cost")
CHARGE_CATEGORIES: Final = ("usage", "purchase", "tax", "credit", "refund", "adjustment")
#: Only these categories may hold negative money.
NEGATIVE_CATEGORIES: Final = ("credit", "refund", "adjustment")
SERVICE_TIERS: Final = ("standard", "batch", "priority", "flex", "provisioned")
REQUESTS: Final = "requests"
#: What a null environment is called wherever a result is split or shown.
UNASSIGNED: Final = "unassigned"


@dataclass(frozen=True, slots=True)
class Unit:
    """A billable unit: its column in the usage table, and how its price is quoted.

    ``per`` units cost one quoted price: prices of tokens are quoted per million. ``part_of`` names the unit that
    already holds this one (reasoning tokens are output tokens): a part is reported, never priced or added.
    """

    name: str
    label: str
    per: int
    token: bool = True
    part_of: str | None = None


UNITS: Final[dict[str, Unit]] = {
    unit.name: unit
    for unit in (
        Unit("input_tokens", "input, not cached", 1_000_000),
        Unit("cache_read_tokens", "input read from a cache", 1_000_000),
        Unit("cache_write_tokens", "input written to a cache (5 minutes)", 1_000_000),
        Unit("cache_write_1h_tokens", "input written to a cache (1 hour)", 1_000_000),
        Unit("output_tokens", "output, reasoning included", 1_000_000),
        Unit("reasoning_tokens", "reasoning", 1_000_000, part_of="output_tokens"),
        Unit("total_tokens", "tokens of all kinds, where an export has no more", 1_000_000),
        Unit("input_audio_tokens", "audio in", 1_000_000),
        Unit("output_audio_tokens", "audio out", 1_000_000),
        Unit("images", "images", 1, token=False),
        Unit("searches", "web searches", 1_000, token=False),
        Unit("sessions", "sessions", 1, token=False),
        Unit("gpu_hours", "GPU hours", 1, token=False),
        Unit("seats", "seats", 1, token=False),
    )
}
#: Units that are priced and added: every unit but those that are part of another.
BILLABLE: Final = tuple(name for name, unit in UNITS.items() if unit.part_of is None)
