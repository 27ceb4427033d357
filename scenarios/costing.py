"""Costing. Comes in: the projection's lanes and a price book. Goes out: money a unit, by day and lane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import numpy as np
import pandas as pd

from forecast.errors import PlanError, one_of
from forecast.lanes import Unpriced, lane_prices, name_unpriced, units_per_price, unpriced_shares
from forecast.panel import FloatArray
from forecast.prices import PriceBook
from forecast.projection import Projection

__all__ = ["PricedLanes", "Unpriced", "price_lanes"]


@dataclass(frozen=True, slots=True)
class PricedLanes:
    """What each lane of a projection costs.

    Attributes
    ----------
    price : float array (day, lane)
        Money for one unit by the price book; 0 for a lane that was excluded.
    skus : DataFrame (lane,)
        provider, model, service_tier, unit of each lane.
    per : float array (lane,)
        How many units a quoted price is for.
    priced : bool array (lane,)
    excluded : DataFrame
        Lanes without a price that ``unpriced="exclude"`` left out, with what they weigh.
    currency : str
    """

    price: FloatArray
    skus: pd.DataFrame
    per: FloatArray
    priced: np.ndarray
    excluded: pd.DataFrame
    currency: str


def price_lanes(projection: Projection, prices: PriceBook, *, unpriced: Unpriced = "refuse") -> PricedLanes:
    """Price every lane on every day.

    Raises
    ------
    PlanError
        A lane has no price on some day, unless ``unpriced="exclude"`` says to leave such lanes out.
    PriceError
        Prices, and lines known only as money, are in two currencies.
    """
    one_of("unpriced", unpriced, get_args(Unpriced), PlanError)
    found = lane_prices(projection.drivers, projection.days, prices, billed=projection.usage.currency)
    missing = found.missing
    excluded = unpriced_shares(projection.drivers, found)
    if missing.any() and unpriced == "refuse":
        raise PlanError(
            f"{name_unpriced(excluded)}; add them to the price book "
            "(PriceBook.from_frame(rows).over(PriceBook.builtin()); [[prices.rows]] in a plan file; "
            "PriceBook.blended for total_tokens), or leave these lines out with unpriced='exclude'"
        )
    if missing.all():
        raise PlanError("no line of the usage has a price; add prices to the price book")
    if found.currency is None:
        raise PlanError("nothing that is planned has a price, so the plan has no currency")
    price = np.where(missing[None, :], 0.0, found.price)
    return PricedLanes(price, found.skus, units_per_price(found.skus), ~missing, excluded, found.currency)
