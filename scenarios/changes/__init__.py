"""Changes: one file a driver. ``KINDS`` names them for plan files."""

from __future__ import annotations

from scenarios.changes.base import Change, PricingChange, VolumeChange, World
from scenarios.changes.growth import Growth
from scenarios.changes.price import PriceChange

#: The kinds that a plan file may name.
KINDS: dict[str, type[Growth | PriceChange]] = {"growth": Growth, "price_change": PriceChange}

__all__ = ["KINDS", "Change", "Growth", "PriceChange", "PricingChange", "VolumeChange", "World"]
