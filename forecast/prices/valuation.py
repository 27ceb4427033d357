"""Valuation: usage and the timelines of its SKUs come in; money per row, price matrices and what is unpriced go out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast import schema
from forecast.errors import PriceError, nearest, one_of
from forecast.prices.context import canonical
from forecast.prices.hours import minutes_of_dates
from forecast.prices.matching import name_or_none
from forecast.prices.timeline import Sku, Timeline, currencies, ordinals, unit_prices

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
#: Finds the timeline of a SKU; a price book's own.
Find = Callable[[Sku], Timeline]

SKU_COLUMNS: Final = ("provider", "model", "service_tier", "context_tier", "unit")
UNPRICED_COLUMNS: Final = (
    "provider",
    "model",
    "service_tier",
    "context_tier",
    "unit",
    "rows",
    "quantity",
    "share",
    "first",
    "last",
    "reason",
    "remedy",
)
_NAMES: Final = ("provider", "model", "service_tier", "context_tier")


class Clock(NamedTuple):
    """What the dates of a usage are: in which zone (UTC), and whether hours even where all are at midnight."""

    timezone: str | None = None
    hourly: bool = False


_OF_A_FRAME: Final = Clock()


@dataclass(frozen=True, slots=True)
class _Part:
    """The non-zero quantities of one SKU: where they stand in the usage, and their prices.

    ``rows``, ``quantity`` and ``price`` are arrays (row,); ``price`` is money per one unit, nan where unpriced.
    """

    sku: Sku
    rows: npt.NDArray[np.intp]
    days: IntArray
    quantity: FloatArray
    price: FloatArray
    currencies: frozenset[str]


def sku_matrix(skus: pd.DataFrame, days: pd.DatetimeIndex, find: Find) -> FloatArray:
    """Money per one unit (day, sku), nan where unpriced; of hours where ``days`` are not all at midnight.

    Raises
    ------
    PriceError
        A missing column, an unknown unit or tier, or prices in two currencies.
    """
    table, at, minutes = sku_table(skus), ordinals(days.tz_localize(None) if days.tz else days), minutes_of_dates(days)
    out = np.full((len(days), len(table)), np.nan)
    seen: dict[str, Sku] = {}
    for i, sku in enumerate(table):
        out[:, i], found = _priced(sku, at, minutes, find)
        _note_currencies(seen, sku, found)
    return out


def sku_currency(skus: pd.DataFrame, days: pd.DatetimeIndex, find: Find) -> str | None:
    """The one currency that SKUs are priced in on these days, or None where none is priced."""
    at, minutes = ordinals(days.tz_localize(None) if days.tz else days), minutes_of_dates(days)
    seen: dict[str, Sku] = {}
    for sku in sku_table(skus):
        _note_currencies(seen, sku, _priced(sku, at, minutes, find)[1])
    return next(iter(seen), None)


def usage_cost(frame: pd.DataFrame, find: Find, clock: Clock = _OF_A_FRAME) -> pd.Series:
    """Money per row (row,): Σ quantity · price over the billable units, nan where a quantity is unpriced.

    A row in which nothing billable is known costs nan, and one in which every known quantity is 0 costs 0. Hourly
    usage pays the price that holds when its hour begins.
    """
    units = [u for u in schema.BILLABLE if u in frame]
    known = frame[units].notna().any(axis=1).to_numpy() if units else np.zeros(len(frame), dtype=bool)
    cost = np.where(known, 0.0, np.nan)
    seen: dict[str, Sku] = {}
    for part in _parts(frame, find, clock):
        cost[part.rows] += part.quantity * part.price
        _note_currencies(seen, part.sku, part.currencies)
    return pd.Series(cost, index=frame.index, name="cost")


def unpriced_usage(
    frame: pd.DataFrame,
    find: Find,
    explain: Callable[[Sku, int], tuple[str, str]],
    clock: Clock = _OF_A_FRAME,
) -> pd.DataFrame:
    """Every SKU with a quantity that has no price on its date, heaviest first.

    ``explain`` gives the reason and the remedy of a SKU on a day. ``share`` is the quantity's part of all tokens.
    """
    tokens = [u for u in schema.BILLABLE if u in frame and schema.UNITS[u].token]
    total = float(np.nansum(frame[tokens].to_numpy(dtype=float))) if tokens else 0.0
    listed = []
    for part in _parts(frame, find, clock):
        missing = np.isnan(part.price)
        if not missing.any():
            continue
        quantity = float(part.quantity[missing].sum())
        dates = frame[schema.DATE].iloc[part.rows[missing]]
        share = quantity / total if schema.UNITS[part.sku.unit].token and total else np.nan
        reason, remedy = explain(part.sku, int(part.days[missing][0]))
        sku = (*part.sku[:2], part.sku.service_tier, part.sku.context_tier or None, part.sku.unit)
        listed.append((*sku, int(missing.sum()), quantity, share, dates.min(), dates.max(), reason, remedy))
    table = pd.DataFrame(listed, columns=list(UNPRICED_COLUMNS))
    return table.sort_values(["share", "quantity"], ascending=False, kind="stable", ignore_index=True)


def _parts(frame: pd.DataFrame, find: Find, clock: Clock) -> Iterator[_Part]:
    """The usage by SKU, in order of first appearance."""
    for column in (schema.DATE, "model"):
        if column not in frame:
            raise PriceError(
                f"usage: there is no column {column!r} to price by; the columns are "
                f"{', '.join(map(str, frame.columns))}{nearest(column, frame.columns)}"
            )
    names = [c for c in _NAMES if c in frame]
    days = ordinals(frame[schema.DATE].to_numpy(dtype="datetime64[D]"))
    minutes = minutes_of_dates(pd.DatetimeIndex(frame[schema.DATE]), clock.timezone, hourly=clock.hourly)
    units = {u: frame[u].to_numpy(dtype=float, na_value=np.nan) for u in schema.BILLABLE if u in frame}
    group = frame.groupby(names, dropna=False, sort=False, observed=True).ngroup().to_numpy()
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    for rows in np.split(order, starts[1:]) if len(order) else ():
        first = frame.iloc[rows[0]]
        provider, model, tier, size = (name_or_none(first[c]) if c in names else None for c in _NAMES)
        for unit, quantities in units.items():
            used = rows[~np.isnan(quantities[rows]) & (quantities[rows] != 0)]
            if len(used):
                sku, at = Sku(provider, model, unit, tier or "standard", spelt(size)), days[used]
                price, found = _priced(sku, at, None if minutes is None else minutes[used], find)
                yield _Part(sku, used, at, quantities[used], price, frozenset(found))


def _priced(sku: Sku, at: IntArray, minutes: IntArray | None, find: Find) -> tuple[FloatArray, set[str]]:
    """Money per one unit on days (day,), at their minutes where the price is by the hour; and the currencies."""
    quotes, by_hour = find(sku)
    if minutes is None or not by_hour:
        return unit_prices(quotes, at), currencies(quotes, at)
    price, found = np.full(at.shape, np.nan), set[str]()
    for minute in np.unique(minutes):
        then = minutes == minute
        quotes = find(sku._replace(minute=int(minute))).quotes
        price[then] = unit_prices(quotes, at[then])
        found |= currencies(quotes, at[then])
    return price, found


def spelt(context_tier: str | None) -> str:
    """A usage's context tier in canonical spelling, or as it stands where nobody can say what it means."""
    known = canonical(context_tier or "")
    return str(context_tier) if known is None else known


def sku_table(skus: pd.DataFrame) -> list[Sku]:
    """What a table of names and units asks for, a SKU a row."""
    for column in ("provider", "model", "unit"):
        if column not in skus:
            raise PriceError(
                f"skus: there is no column {column!r}; needed are {', '.join(SKU_COLUMNS)}"
                f"{nearest(column, skus.columns)}"
            )
    none = [None] * len(skus)
    tiers, sizes = (skus.get(c, none) for c in ("service_tier", "context_tier"))
    table = []
    for provider, model, unit, tier, size in zip(
        skus["provider"], skus["model"], skus["unit"], tiers, sizes, strict=True
    ):
        one_of("unit", unit, schema.BILLABLE, PriceError)
        named = name_or_none(tier) or "standard"
        one_of("service tier", named, schema.SERVICE_TIERS, PriceError)
        table.append(
            Sku(
                name_or_none(provider),
                name_or_none(model),
                str(unit),
                named,
                "" if size is None else spelt(name_or_none(size)),
            )
        )
    return table


def _note_currencies(seen: dict[str, Sku], sku: Sku, found: set[str] | frozenset[str]) -> None:
    for currency in sorted(found):
        seen.setdefault(currency, sku)
    if len(seen) > 1:
        (one, of_one), (other, of_other) = list(seen.items())[:2]
        raise PriceError(
            f"prices are in {one} ({of_one}) and {other} ({of_other}), which do not add up; "
            "price all of them in one currency: convert the rows of one at a stated rate"
        )
