"""The bridge between any two totals: how one becomes the other, by driver or by change, in every draw."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scenarios.bridging.bridge import Bridge, bridge_of, changes_bridge
    from scenarios.bridging.driver_bridge import drivers_bridge
    from scenarios.bridging.exchange import Exchange, exchange_on
    from scenarios.bridging.products import product_effects
    from scenarios.bridging.states import DriverState, state_from_quantities
    from scenarios.bridging.usage_state import state_of_usage

#: Loaded when first asked for: who imports the library need not pay for what reads usage.
_LATER = {
    "Bridge": "bridge",
    "DriverState": "states",
    "Exchange": "exchange",
    "bridge_of": "bridge",
    "changes_bridge": "bridge",
    "drivers_bridge": "driver_bridge",
    "exchange_on": "exchange",
    "product_effects": "products",
    "state_from_quantities": "states",
    "state_of_usage": "usage_state",
}

__all__ = [
    "Bridge",
    "DriverState",
    "Exchange",
    "bridge_of",
    "changes_bridge",
    "drivers_bridge",
    "exchange_on",
    "product_effects",
    "state_from_quantities",
    "state_of_usage",
]


def __getattr__(name: str) -> object:
    if name in _LATER:
        return getattr(import_module(f"scenarios.bridging.{_LATER[name]}"), name)
    raise AttributeError(f"module 'scenarios.bridging' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
