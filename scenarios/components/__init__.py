"""The budget lines that are not tokens. Comes in: amounts, prices, counts. Goes out: money a month in each draw."""

from scenarios.components.allowance import Allowance
from scenarios.components.base import OWNER_COLUMNS, Component, Context, Count, Counted, Months, Owned, Row
from scenarios.components.fixed import Fixed
from scenarios.components.lines import asked_of, order_of, rows_of
from scenarios.components.per_unit import PerUnit
from scenarios.components.project import Project
from scenarios.components.reserve import Reserve
from scenarios.components.risk import Risk
from scenarios.components.share_of import ShareOf
from scenarios.components.stock import Stock

#: The kinds that a plan file may name.
KINDS: dict[str, type[Owned]] = {
    "fixed": Fixed,
    "per_unit": PerUnit,
    "allowance": Allowance,
    "project": Project,
    "stock": Stock,
    "share_of": ShareOf,
    "risk": Risk,
    "reserve": Reserve,
}

__all__ = [
    "KINDS",
    "OWNER_COLUMNS",
    "Allowance",
    "Component",
    "Context",
    "Count",
    "Counted",
    "Fixed",
    "Months",
    "Owned",
    "PerUnit",
    "Project",
    "Reserve",
    "Risk",
    "Row",
    "ShareOf",
    "Stock",
    "asked_of",
    "order_of",
    "rows_of",
]
