"""Costing. Comes in: the projection's lanes and a price book. Goes out: money a unit, by day and lane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from forecast import schema
from forecast.drivers import SPEND
from forecast.errors import PlanError, one_of
from forecast.panel import FloatArray
from forecast.prices import PriceBook
from forecast.projection import Projection

Unpriced = Literal["refuse", "exclude"]


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
    """
    one_of("unpriced", unpriced, get_args(Unpriced), PlanError)
    lanes, routes = projection.drivers.lanes, projection.routes
    skus = routes.iloc[lanes["route"].to_numpy()].reset_index(drop=True).assign(unit=lanes["unit"].to_numpy())
    if "service_tier" not in skus:
        skus["service_tier"] = "standard"
    skus["service_tier"] = skus["service_tier"].fillna("standard")
    spend = (skus["unit"] == SPEND).to_numpy()
    price = np.ones((len(projection.days), len(lanes)))
    if not spend.all():
        price[:, ~spend] = prices.matrix(skus.loc[~spend].reset_index(drop=True), projection.days)
    missing = np.isnan(price).sum(axis=0) > 0
    excluded = _weigh(projection, skus, missing)
    if missing.any() and unpriced == "refuse":
        first = "; ".join(
            f"{provider or 'any provider'}/{model} {unit} ({tier}): {share:.1%} of its unit"
            for provider, model, tier, unit, share in excluded.head(5).itertuples(index=False)
        )
        more = f" and {len(excluded) - 5} more" if len(excluded) > 5 else ""
        raise PlanError(
            f"{len(excluded)} prices are unknown: {first}{more}; add them to the price book "
            "(PriceBook.from_frame(rows).over(PriceBook.builtin()); [[prices.rows]] in a plan file; "
            "PriceBook.blended for total_tokens), or leave these lines out with unpriced='exclude'"
        )
    if missing.all():
        raise PlanError("no line of the usage has a price; add prices to the price book")
    price = np.where(missing[None, :], 0.0, price)
    per = np.array([schema.UNITS[u].per if u in schema.UNITS else 1 for u in skus["unit"]], dtype="float64")
    return PricedLanes(price, skus, per, ~missing, excluded, _currency(projection, prices, skus))


def _weigh(projection: Projection, skus: pd.DataFrame, missing: np.ndarray) -> pd.DataFrame:
    """Lanes without a price, with their share of the recent quantity of their unit."""
    drivers, lanes = projection.drivers, projection.drivers.lanes
    odds = np.nan_to_num(drivers.odds[-8:]).mean(axis=0)
    whole = np.bincount(drivers.legs["workload"], weights=odds, minlength=len(drivers.workloads))
    share = odds / np.where(whole > 0, whole, 1.0)[drivers.legs["workload"]]
    volume = np.nan_to_num(drivers.volume[-28:]).mean(axis=0)
    intensity = np.nan_to_num(drivers.intensity[-8:]).mean(axis=0)
    size = pd.Series(intensity * share[lanes["leg"]] * volume[lanes["workload"]])
    total = size.groupby(skus["unit"]).transform("sum").to_numpy()
    part = np.where(total > 0, size / np.where(total > 0, total, 1), 0.0)
    listed = skus.assign(share=part)[missing]
    keys = ["provider", "model", "service_tier", "unit"]
    listed[keys] = listed[keys].astype("object").where(listed[keys].notna(), None)
    weighed = listed.groupby(keys, dropna=False)[["share"]].sum().reset_index()
    weighed[keys] = weighed[keys].astype("object").where(weighed[keys].notna(), None)
    return weighed.sort_values("share", ascending=False, kind="stable", ignore_index=True)


def _currency(projection: Projection, prices: PriceBook, skus: pd.DataFrame) -> str:
    """The one currency of the plan: that of the prices, which lines known only as money must share."""
    billed = projection.usage.currency
    spend = (skus["unit"] == SPEND).to_numpy()
    quoted = None if spend.all() else prices.currency_of(skus.loc[~spend].reset_index(drop=True), projection.days)
    if spend.any() and quoted is not None and billed != quoted:
        raise PlanError(
            f"some lines are known only as money in {billed}, while prices are in {quoted}; "
            "give prices in the same currency"
        )
    found = quoted or billed
    if found is None:
        raise PlanError("nothing that is planned has a price, so the plan has no currency")
    return found
