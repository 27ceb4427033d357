"""One side of a bridge from what was used. Comes in: usage, prices, a span. Goes out: its drivers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import pandas as pd

from forecast import schema
from forecast.costs import Money
from forecast.drivers import labels_of
from forecast.errors import PriceError, ScenarioError, UsageError, one_of
from forecast.lanes import Unpriced, one_currency
from forecast.panel import BoolArray, FloatArray
from forecast.prices import PriceBook
from forecast.usage import Usage
from forecast.usage_rows import SPEND, bills_apart, money_apart, quantities_of, usage_rows
from scenarios.bridging.states import VOLUME_UNIT, DriverState, state_from_quantities

#: What volume is counted in: requests where every route of a workload has them, or as said.
Volume = Literal["auto", "requests", "tokens"]
#: The step of what the bill says beyond list prices.
BILL = "discounts and bill"
_STEP_OF_CHARGE = {"purchase": "fixed lines", "tax": BILL}
_ONE_OFFS = "one-offs"


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of a span that are usage.

    Attributes
    ----------
    frame : DataFrame (row,)
    units : list of str (unit,)
        The last is :data:`SPEND`.
    quantity : float array (row, unit)
    apart : bool array (row,)
        Money alone, beside tokens of the same workload.
    cost : float array (row, unit)
        At list price.
    """

    frame: pd.DataFrame
    units: list[str]
    quantity: FloatArray
    apart: BoolArray
    cost: FloatArray


def state_of_usage(
    usage: Usage,
    prices: PriceBook,
    *,
    start: str | pd.Timestamp,
    end: str | pd.Timestamp,
    by: tuple[str, ...] = ("environment", "project"),
    volume: Volume = "auto",
    money: Money = "billed_cost",
    unpriced: Unpriced = "refuse",
) -> DriverState:
    """The drivers of what was used from ``start`` to ``end``, both days included.

    Quantities cost their list price of the day; a row's price is its cost over its quantity. Where money was billed,
    the total is what was billed: its difference to list prices is the amount ``discounts and bill``. Purchases are
    ``fixed lines``; credits, refunds and adjustments ``one-offs``. Monthly usage counts with the month's first day.

    Parameters
    ----------
    by : tuple of str
        What makes a workload; the same on both sides of a bridge.
    volume : {"auto", "requests", "tokens"}
        "auto" counts requests where all rows of a workload have them, else tokens.
    money : {"billed_cost", "effective_cost", "list_cost"}
        Which money is compared.
    unpriced : {"refuse", "exclude"}
        What to do with quantities without a price; excluded ones have no drivers, and are noted.

    Raises
    ------
    UsageError
        There is no usage in the span, or ``by`` names what the usage does not have.
    PriceError
        A quantity has no price, or prices and bill are in two currencies.
    ScenarioError
        ``volume="requests"`` where some usage has none.
    """
    one_of("volume", volume, get_args(Volume), ScenarioError)
    one_of("money", money, get_args(Money), UsageError)
    one_of("unpriced", unpriced, get_args(Unpriced), PriceError)
    for column in by:
        one_of("by", column, [c for c in schema.DIMENSIONS if c in usage.frame], UsageError)
    first, last = pd.Timestamp(start), pd.Timestamp(end)
    day = usage.frame[schema.DATE].dt.normalize()
    inside = usage.frame[(day >= first) & (day <= last)]
    if inside.empty:
        raise UsageError(
            f"{usage.source}: no rows from {first:%Y-%m-%d} to {last:%Y-%m-%d}; there are rows from "
            f"{usage.start:%Y-%m-%d} to {usage.end:%Y-%m-%d}"
        )
    span = replace(usage, frame=inside)
    frame, notes = usage_rows(span, last)
    rows, found = _priced(span, frame, prices, by, unpriced)
    unit_of_row, amount = _volumes(rows, by, volume)
    keyed = frame.assign(**{VOLUME_UNIT: unit_of_row})
    labels = [*by, VOLUME_UNIT, *[c for c in schema.ROUTE if c in frame]]
    legs, row_leg = labels_of(keyed, labels)
    requests = np.zeros(len(legs))
    np.add.at(requests, row_leg, amount)
    sums = np.zeros((2, len(legs), len(rows.units)))
    for of_kind, values in zip(sums, (rows.quantity, rows.cost), strict=True):
        np.add.at(of_kind, row_leg, values)
    leg, unit = np.nonzero(sums[0] > 0)
    lanes = pd.DataFrame({"leg": leg, "unit": [rows.units[k] for k in unit]})
    other, told = _beyond_list(span, rows, money)
    return state_from_quantities(
        legs,
        lanes,
        by=by,
        requests=requests[None, :],
        quantities=sums[0, leg, unit][None, :],
        cost=sums[1, leg, unit][None, :],
        currency=_currency(span, rows, prices, billed=bool(other)),
        other=other,
        notes=(*notes, *found, *told),
    )


def _priced(
    span: Usage, frame: pd.DataFrame, prices: PriceBook, by: tuple[str, ...], unpriced: Unpriced
) -> tuple[_Rows, list[str]]:
    """Rows at list price, and what had none."""
    quantity, units = quantities_of(frame)
    at = frame.assign(date=span.frame.loc[frame.index, schema.DATE])  # hours keep their price of the hour
    keys = [c for c in ("provider", "model", "service_tier", "context_tier") if c in frame]
    cost = np.zeros_like(quantity)
    for k, unit in enumerate(units[:-1]):
        valued = prices.cost(replace(span, frame=at[[schema.DATE, *keys, unit]])).to_numpy("float64")
        cost[:, k] = np.where(quantity[:, k] > 0, valued, 0.0)
    cost[:, -1] = quantity[:, -1]
    missing = np.isnan(cost)
    notes = []
    if missing.any():
        skus = sorted({(str(frame["model"].iloc[r]), units[k]) for r, k in zip(*np.nonzero(missing), strict=True)})
        listed = "; ".join(f"{model} {unit}" for model, unit in skus[:5])
        more = f" and {len(skus) - 5} more" if len(skus) > 5 else ""
        if unpriced == "refuse":
            raise PriceError(
                f"{span.source}: {len(skus)} {'price is' if len(skus) == 1 else 'prices are'} unknown: "
                f"{listed}{more}. Add them to the price book, PriceBook.from_frame(rows).over(PriceBook.builtin()), "
                "or leave them out with unpriced='exclude'"
            )
        notes.append(f"without a price, and no part of any driver: {listed}{more}")
    priced = _Rows(
        frame,
        units,
        np.where(missing, 0.0, quantity),
        money_apart(frame, quantity, by),
        np.where(missing, 0.0, cost),
    )
    return priced, notes


def _volumes(rows: _Rows, by: tuple[str, ...], volume: Volume) -> tuple[list[str], FloatArray]:
    """What each row's workload is counted in, and the row's part of its volume."""
    quantity = rows.quantity[:, :-1]
    tokens = quantity[:, [schema.UNITS[u].token for u in rows.units[:-1]]].sum(axis=1)
    # Unlike units are never added: usage without tokens or requests is counted in its own first unit.
    own = np.argmax(quantity > 0, axis=1) if quantity.shape[1] else np.zeros(len(quantity), dtype=np.intp)
    bare = (tokens == 0) & (quantity > 0).any(axis=1)
    names = np.where(bare, np.array(rows.units)[own], "tokens")
    counted = np.where(bare, quantity[np.arange(len(own)), own] if quantity.shape[1] else 0.0, tokens)
    requests = np.zeros(len(rows.frame))
    if schema.REQUESTS in rows.frame:
        requests = rows.frame[schema.REQUESTS].fillna(0.0).to_numpy("float64")
    _, workload = labels_of(rows.frame.assign(_money=rows.apart), [*by, "_money"])
    used, spent = (quantity > 0).any(axis=1), rows.quantity[:, -1] > 0
    lacking, has_usage, has_spend = (
        np.bincount(workload, weights=flag)[workload] > 0 for flag in (used & (requests == 0), used, spent)
    )
    by_spend = has_spend & ~has_usage
    by_requests = ~lacking & has_usage & ~by_spend & (volume != "tokens")
    if volume == "requests" and (lacking & ~by_spend).any():
        row = rows.frame[lacking & ~by_spend].iloc[0]
        name = ", ".join(f"{c}={row[c]}" for c in by)
        raise ScenarioError(f"volume='requests': some usage of {name} has no requests; use volume='tokens'")
    unit = np.where(by_requests, schema.REQUESTS, np.where(by_spend, SPEND, names))
    amount = np.where(by_requests, requests, np.where(by_spend, rows.quantity[:, -1], counted))
    return [str(u) for u in unit], np.asarray(amount)


def _beyond_list(span: Usage, rows: _Rows, money: Money) -> tuple[dict[str, float], list[str]]:
    """Money that list prices do not say, by step: the bill's difference, purchases, one-offs."""
    frame = span.frame
    if money not in frame or not frame[money].notna().any():
        return {}, []
    paid = frame[money].astype("float64")
    charge = pd.Series("usage", index=frame.index)
    if "charge_category" in frame:
        charge = frame["charge_category"].astype("object").fillna("usage")
    listed = pd.Series(rows.cost.sum(axis=1), index=rows.frame.index)
    bare = pd.Series(rows.quantity[:, -1] > 0, index=rows.frame.index)
    day = frame[schema.DATE].dt.normalize()
    apart = bills_apart(frame.assign(date=day)[charge == "usage"])
    billed = pd.Series(apart.billed, index=frame.index[charge == "usage"]).reindex(rows.frame.index)
    bill = frame.index[charge == "usage"][apart.bill]
    known = paid.reindex(rows.frame.index).notna() & ~bare
    amounts = {BILL: float((paid.reindex(rows.frame.index) - listed)[known].sum())}
    amounts[BILL] += float(paid[bill].sum() - listed[billed].sum())
    for category, of_charge in paid[charge != "usage"].groupby(charge[charge != "usage"]):
        step = _STEP_OF_CHARGE.get(str(category), _ONE_OFFS)
        amounts[step] = amounts.get(step, 0.0) + float(of_charge.sum())
    unknown = int((~known & ~bare & ~billed & (listed > 0)).sum())
    told = [f"{money} is blank in {unknown} rows of usage, which are taken at list price"] * bool(unknown)
    return amounts, told


def _currency(span: Usage, rows: _Rows, prices: PriceBook, *, billed: bool) -> str:
    """The one currency of list prices and bill."""
    frame, quoted = rows.frame, None
    keys = [c for c in ("provider", "model", "service_tier", "context_tier") if c in frame]
    skus = [
        frame.loc[rows.cost[:, k] > 0, keys].drop_duplicates().assign(unit=unit)
        for k, unit in enumerate(rows.units[:-1])
        if (rows.cost[:, k] > 0).any()
    ]
    if skus:
        table = pd.concat(skus, ignore_index=True)
        if "provider" not in table:
            table = table.assign(provider=None)
        quoted = prices.currency_of(table, pd.DatetimeIndex(frame[schema.DATE].unique()))
    if billed and quoted is not None and span.currency not in (None, quoted):
        raise PriceError(
            f"{span.source}: the bill is in {span.currency} and prices are in {quoted}; read the usage with "
            f"currency={quoted!r} and rates=, or give prices in {span.currency}"
        )
    found = one_currency(quoted, span.currency if billed or (rows.cost[:, -1] > 0).any() else None)
    if found is None:
        raise PriceError(f"{span.source}: nothing in the span has a price or a bill, so there is no currency")
    return found
