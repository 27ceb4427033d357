"""Effective unit cost. Comes in: tokens with what they list at and were billed at. Goes out: money a million tokens."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from forecast import schema
from forecast.errors import PriceError, UsageError
from forecast.panel import FloatArray
from forecast.prices import PriceBook
from forecast.usage import Usage

#: How far the effective price may lie from list, either way, before no honest reading explains it. An export that
#: tells neither cached nor batch tokens apart may be billed at a twentieth: in the catalogue a cached token lists at a
#: tenth of an input token (median of 967 models) and a batch one at half. Output taken for input is billed at up to 12
#: times (99 % of 2,044 models).
BOUND: Final = 20.0
#: A ratio within a factor of two of 100 or 1/100 is cents read as dollars, or dollars as cents.
_CENTS: Final = (50.0, 200.0)
_ROUNDING: Final = 0.005
_PER: Final = 1_000_000

IMPLAUSIBLE_COLUMNS: Final = (
    "provider",
    "model",
    "rows",
    "of_rows",
    "first",
    "last",
    "tokens",
    "priced",
    "billed",
    "list_price",
    "effective_price",
    "ratio",
    "looks_like",
)


def implausible_prices(usage: Usage, prices: PriceBook) -> pd.DataFrame:
    """Providers and models with rows whose effective price is out of any known range of the list price.

    A row is out of range where ``billed / priced`` is above 20 or below 1/20, by more than rounding to the cent can
    explain; the list price already weighs the row's own mix of input, cached and output tokens.

    Parameters
    ----------
    usage : Usage
        With ``billed_cost``.
    prices : PriceBook

    Returns
    -------
    DataFrame
        A row a provider and model that has such rows, furthest out first: ``rows`` out of ``of_rows`` that have tokens,
        a price and money, ``first`` and ``last`` date; of the rows out of range, ``tokens``, ``priced``, ``billed``,
        ``list_price`` and ``effective_price`` (money a million tokens), their ``ratio``, and what it ``looks_like``.
        Empty where all is plausible.

    Raises
    ------
    UsageError
        There is no billed cost.
    PriceError
        The prices are in another currency than the bill.
    """
    frame = usage.frame
    if "billed_cost" not in frame or usage.currency is None:
        raise UsageError(f"{usage.source}: there is no billed_cost, so there is no effective price")
    tokens = tokens_of(frame)
    category = frame.get("charge_category", pd.Series("usage", index=frame.index)).fillna("usage")
    priced, billed = prices.cost(usage).to_numpy(dtype="float64"), frame["billed_cost"].to_numpy(dtype="float64")
    one_currency(usage, usage.currency, prices)
    known = (category == "usage").to_numpy() & (tokens > 0) & (priced > 0) & (billed > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        high = known & (np.maximum(billed - _ROUNDING, 0.0) > BOUND * priced)
        low = known & (billed + _ROUNDING < priced / BOUND)
    rows = pd.DataFrame(
        {
            "provider": frame["provider"],
            "model": frame["model"],
            "high": high,
            "date": frame[schema.DATE],
            "tokens": tokens,
            "priced": priced,
            "billed": billed,
        }
    )
    of_rows = rows[known].groupby(["provider", "model"], dropna=False).size().rename("of_rows")
    out = rows[high | low].groupby(["provider", "model", "high"], dropna=False)
    table = (
        out[["tokens", "priced", "billed"]]
        .sum()
        .assign(rows=out.size(), first=out["date"].min(), last=out["date"].max())
    )
    table = table.reset_index().merge(of_rows.reset_index(), on=["provider", "model"])
    ratio = table["billed"] / table["priced"]
    table = table.assign(
        list_price=_PER * table["priced"] / table["tokens"],
        effective_price=_PER * table["billed"] / table["tokens"],
        ratio=ratio,
        looks_like=[looks_like(float(r)) for r in ratio],
    )
    order = np.argsort(-np.abs(np.log(ratio.to_numpy(dtype="float64"))), kind="stable")
    return table.iloc[order][list(IMPLAUSIBLE_COLUMNS)].reset_index(drop=True)


def looks_like(ratio: float) -> str:
    """What a ratio of billed to list looks like, in words."""
    low, high = _CENTS
    if low <= ratio <= high:
        return "looks like cents read as dollars (×100)"
    if low <= 1 / ratio <= high:
        return "looks like dollars read as cents (×0.01)"
    return f"{ratio:,.0f} times the list price" if ratio > 1 else f"1/{1 / ratio:,.0f} of the list price"


def by_period(cells: pd.DataFrame, period: str, keys: list[str]) -> pd.DataFrame:
    """Effective price beside list price, by ``keys`` and period.

    Parameters
    ----------
    cells : DataFrame
        ``date``, the keys, ``tokens``, ``priced`` and ``billed``, each nan where unknown.
    period : str
        A pandas alias: ``"D"``, ``"ME"``.

    Returns
    -------
    DataFrame
        ``period``, the keys, ``tokens``, ``priced``, ``billed``, ``list_price`` and ``effective_price`` (money a
        million tokens, each over the lines whose money is known), and ``effective_discount``, 1 - billed / priced of
        the lines that have both. A ratio is of sums, and null where nothing is known.
    """
    both = cells["priced"].notna() & cells["billed"].notna()
    parts = cells.assign(
        period=cells[schema.DATE].dt.to_period(to_period(period)).dt.start_time,
        tokens_priced=cells["tokens"].where(cells["priced"].notna()),
        tokens_billed=cells["tokens"].where(cells["billed"].notna()),
        both_priced=cells["priced"].where(both),
        both_billed=cells["billed"].where(both),
    )
    names = ["tokens", "priced", "billed", "tokens_priced", "tokens_billed", "both_priced", "both_billed"]
    grouped = parts.groupby(["period", *keys], dropna=False, sort=True)[names].sum(min_count=1).reset_index()
    return grouped.assign(
        list_price=_PER * grouped["priced"] / grouped["tokens_priced"].replace(0, np.nan),
        effective_price=_PER * grouped["billed"] / grouped["tokens_billed"].replace(0, np.nan),
        effective_discount=1 - grouped["both_billed"] / grouped["both_priced"].replace(0, np.nan),
    ).drop(columns=names[3:])


def to_period(alias: str) -> str:
    """The period alias of a frequency: ``ME`` and ``MS`` are both ``M``."""
    return {"ME": "M", "MS": "M", "QE": "Q", "QS": "Q", "YE": "Y", "YS": "Y", "W": "W-SUN"}.get(alias, alias)


def tokens_of(frame: pd.DataFrame) -> FloatArray:
    """Tokens of all kinds, each counted once: float array (row,); nan where none is known."""
    units = [u for u in schema.BILLABLE if u in frame and schema.UNITS[u].token]
    if not units:
        return np.full(len(frame), np.nan)
    return frame[units].sum(axis=1, min_count=1).to_numpy(dtype="float64")


def one_currency(usage: Usage, currency: str, prices: PriceBook) -> None:
    """Refuse prices in another currency than the bill's."""
    named = usage.frame[usage.frame["model"].notna()]
    tiers = [c for c in ("service_tier", "context_tier") if c in named]
    units = pd.DataFrame({"unit": list(usage.units)})
    skus = named[["provider", "model", *tiers]].drop_duplicates().merge(units, how="cross")
    if not len(skus):
        return
    priced = prices.currency_of(skus, pd.DatetimeIndex(named[schema.DATE].dt.normalize().unique()))
    if priced is not None and priced != currency:
        raise PriceError(
            f"the bill is in {currency} and the prices are in {priced}, which cannot be compared; "
            f"price in {currency}: convert the rows of the book at a stated rate"
        )
