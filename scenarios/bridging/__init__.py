"""The bridge between any two totals: how one becomes the other, by driver or by change, in every draw."""

from __future__ import annotations

from scenarios.bridging.bridge import Bridge, bridge_of, changes_bridge
from scenarios.bridging.driver_bridge import ORDER, drivers_bridge
from scenarios.bridging.exchange import Exchange, exchange_on
from scenarios.bridging.products import product_effects
from scenarios.bridging.shapley import shapley
from scenarios.bridging.states import DriverState, state_from_quantities
from scenarios.bridging.usage_state import state_of_usage

__all__ = [
    "ORDER",
    "Bridge",
    "DriverState",
    "Exchange",
    "bridge_of",
    "changes_bridge",
    "drivers_bridge",
    "exchange_on",
    "product_effects",
    "shapley",
    "state_from_quantities",
    "state_of_usage",
]
