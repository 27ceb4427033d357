"""Changes: one file a driver. ``KINDS`` names them for plan files."""

from __future__ import annotations

from scenarios.changes.base import Change, Costed, Line, Settling, kind_of, label_of
from scenarios.changes.growth import Growth
from scenarios.changes.price import PriceChange
from scenarios.changes.world import World

_EVERY: tuple[type[Change], ...] = (
    Growth,
    PriceChange,
)


def _kind(maker: type[Change]) -> str:
    name = maker.__name__
    return "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(name))


#: The kinds that a scenario's file may name: the class's name in small letters.
KINDS: dict[str, type[Change]] = {_kind(maker): maker for maker in _EVERY}

__all__ = ["KINDS", "Change", "Costed", "Growth", "Line", "PriceChange", "Settling", "World", "kind_of", "label_of"]
