"""Price lists. Comes in: SKUs and the timelines of their prices. Goes out: which lists priced them, each with its date.

A list is the rows of one provider from one source. Nobody writes down on which day a list was last found unchanged; but
a list that holds a price of a day was looked at on that day or later, so the newest of its prices dates all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from forecast.prices.dated import ANY, Discount, PriceRow
from forecast.prices.timeline import Sku, Timeline, on_day, percent

#: Names that are listed in words; the rest are counted.
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Known:
    """One thing that prices rest on, and of when it is.

    Attributes
    ----------
    told : str
        In words.
    source : str
    on : date or None
        The day from which it was known; None where no row says.
    """

    told: str
    source: str
    on: date | None


def lists_used(
    skus: Iterable[Sku], day: date, find: Callable[[Sku], Timeline], rows: Iterable[PriceRow]
) -> list[Known]:
    """The lists, published factors and discounts that price some SKUs on a day, in order of first use.

    A row that was not known by ``day`` dates nothing.
    """
    models: dict[tuple[str, str], dict[str, None]] = {}
    beside: dict[Known, None] = {}
    for sku in skus:
        quote = on_day(find(sku).quotes, day.toordinal())
        if quote is None:
            continue
        models.setdefault((quote.row.source, quote.row.provider), {})[str(sku.model)] = None
        if (factor := quote.factor) is not None:
            told = f"{factor.provider} {factor.service_tier} at {percent(factor.factor)} of the standard price"
            beside[Known(told, factor.source, date.fromisoformat(f"{factor.checked}-01"))] = None
        for off in quote.discounts:
            beside[Known(_taken_off(off), off.source, off.known_from)] = None
    newest = dict.fromkeys(models, date.min)
    for row in rows:
        key = row.source, row.provider
        if key in newest and row.known_from is not None and newest[key] < row.known_from <= day:
            newest[key] = row.known_from
    return [*(_list(*key, list(names), newest[key]) for key, names in models.items()), *beside]


def _list(source: str, provider: str, models: list[str], newest: date) -> Known:
    """One list in words."""
    more = f" and {len(models) - _SHOWN} more" if len(models) > _SHOWN else ""
    seller = "any provider" if provider == ANY else provider
    since = "no price of it has a date" if newest == date.min else f"its newest price is of {newest}"
    told = f"list of {seller}, for {', '.join(models[:_SHOWN])}{more}: {since}"
    return Known(told, source, None if newest == date.min else newest)


def _taken_off(off: Discount) -> str:
    """One discount in words."""
    return f"{percent(off.discount)} off {off.unit} of {off.provider}/{off.model}"
