"""Lanes and their prices. Comes in: drivers, days and a price book. Goes out: money a unit, by day and lane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from forecast import schema
from forecast.drivers import Drivers
from forecast.errors import PriceError
from forecast.panel import BoolArray, FloatArray
from forecast.prices import PriceBook
from forecast.usage_rows import SPEND

#: What to do with usage that has no price.
Unpriced = Literal["refuse", "exclude"]

_SKU = ["provider", "model", "service_tier", "unit"]


@dataclass(frozen=True, slots=True)
class LanePrices:
    """What each lane costs on each day.

    Attributes
    ----------
    price : float array (day, lane)
        Money for one unit by the price book; NaN where it has no price. A lane known only as money costs 1 a unit.
    skus : DataFrame (lane,)
        provider, model, service_tier, unit of each lane.
    currency : str or None
        The one currency of what is priced, or None where nothing is.
    """

    price: FloatArray
    skus: pd.DataFrame
    currency: str | None

    @property
    def missing(self) -> BoolArray:
        """Lanes without a price on some day: (lane,)."""
        return np.asarray(np.isnan(self.price).any(axis=0))


def lane_prices(drivers: Drivers, days: pd.DatetimeIndex, prices: PriceBook, *, billed: str | None) -> LanePrices:
    """Price every lane on every day.

    ``billed`` is the currency of lines that are known only as money.

    Raises
    ------
    PriceError
        Prices in two currencies, or lines known only as money in another than prices are in.
    """
    lanes, routes = drivers.lanes, drivers.routes
    skus = routes.iloc[lanes["route"].to_numpy()].reset_index(drop=True).assign(unit=lanes["unit"].to_numpy())
    return sku_prices(skus, days, prices, billed=billed)


def sku_prices(skus: pd.DataFrame, days: pd.DatetimeIndex, prices: PriceBook, *, billed: str | None) -> LanePrices:
    """Price every SKU on every day.

    Parameters
    ----------
    skus : DataFrame (lane,)
        Columns provider, model, unit, and optionally service_tier and context_tier.
    days : DatetimeIndex (day,)
    prices : PriceBook
    billed : str or None
        The currency of what is known only as money.

    Raises
    ------
    PriceError
        Prices in two currencies, or lines known only as money in another than prices are in.
    """
    skus = with_tier(skus)
    spend = (skus["unit"] == SPEND).to_numpy()
    price = np.ones((len(days), len(skus)))
    quoted = None
    if not spend.all():
        of_units = skus.loc[~spend].reset_index(drop=True)
        price[:, ~spend] = prices.matrix(of_units, days)
        quoted = prices.currency_of(of_units, days)
    return LanePrices(price, skus, one_currency(quoted, billed if spend.any() else None))


def with_tier(skus: pd.DataFrame) -> pd.DataFrame:
    """The same SKUs, of the standard tier where none is said."""
    if "service_tier" not in skus:
        return skus.assign(service_tier="standard")
    return skus.assign(service_tier=skus["service_tier"].fillna("standard"))


def one_currency(quoted: str | None, billed: str | None) -> str | None:
    """The currency that prices are quoted in, which lines known only as money must share.

    Raises
    ------
    PriceError
        They differ.
    """
    if quoted is not None and billed is not None and quoted != billed:
        raise PriceError(
            f"some lines are known only as money in {billed}, while prices are in {quoted}; "
            "give prices in the same currency"
        )
    return quoted or billed


def unpriced_shares(drivers: Drivers, lanes: LanePrices) -> pd.DataFrame:
    """Lanes without a price, with their share of the recent quantity of their unit, heaviest first.

    Columns provider, model, service_tier, unit, share.
    """
    odds = np.nan_to_num(drivers.odds[-8:]).mean(axis=0)
    whole = np.bincount(drivers.legs["workload"], weights=odds, minlength=len(drivers.workloads))
    part = odds / np.where(whole > 0, whole, 1.0)[drivers.legs["workload"]]
    volume = np.nan_to_num(drivers.volume[-28:]).mean(axis=0)
    intensity = np.nan_to_num(drivers.intensity[-8:]).mean(axis=0)
    at = drivers.lanes
    size = pd.Series(intensity * part[at["leg"]] * volume[at["workload"]])
    total = size.groupby(lanes.skus["unit"]).transform("sum").to_numpy()
    share = np.where(total > 0, size / np.where(total > 0, total, 1), 0.0)
    listed = _nameless(lanes.skus.assign(share=share)[lanes.missing])
    weighed = _nameless(listed.groupby(_SKU, dropna=False)[["share"]].sum().reset_index())
    return weighed.sort_values("share", ascending=False, kind="stable", ignore_index=True)


def name_unpriced(shares: pd.DataFrame) -> str:
    """The sentence that names up to five SKUs without a price: columns provider, model, service_tier, unit, share."""
    first = "; ".join(
        f"{provider or 'any provider'}/{model} {unit} ({tier})"
        + ("" if pd.isna(share) else f": {share:.1%} of all {unit}")
        for provider, model, tier, unit, share in shares[[*_SKU, "share"]].head(5).itertuples(index=False)
    )
    more = f" and {len(shares) - 5} more" if len(shares) > 5 else ""
    return f"{len(shares)} {'price is' if len(shares) == 1 else 'prices are'} unknown: {first}{more}"


def _nameless(skus: pd.DataFrame) -> pd.DataFrame:
    """The same rows with None where a name is missing."""
    return skus.assign(**{c: skus[c].astype("object").where(skus[c].notna(), None) for c in _SKU})


def units_per_price(skus: pd.DataFrame) -> FloatArray:
    """How many units a quoted price is for: (lane,). A million tokens, one image."""
    return np.array([schema.UNITS[u].per if u in schema.UNITS else 1 for u in skus["unit"]], dtype="float64")
