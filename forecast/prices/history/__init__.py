"""Price history as a model: dated list prices come in; their changes, a price process and launch prices go out."""

from __future__ import annotations

from forecast.prices.history.changes import exposure, price_changes
from forecast.prices.history.fitting import calibrate
from forecast.prices.history.jumps import PriceJumps
from forecast.prices.history.process import PriceProcess, ProviderFit
from forecast.prices.history.records import price_history
from forecast.prices.history.succession import LaunchProcess, LaunchSample, launch_prices, launches, successors

#: The same by the name that it has outside of this package.
calibrate_prices = calibrate

__all__ = [
    "LaunchProcess",
    "LaunchSample",
    "PriceJumps",
    "PriceProcess",
    "ProviderFit",
    "calibrate",
    "calibrate_prices",
    "exposure",
    "launch_prices",
    "launches",
    "price_changes",
    "price_history",
    "successors",
]
