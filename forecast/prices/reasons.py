"""Reasons: a SKU that has no price on a day comes in; why it has none and what to do about it goes out, in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

from forecast import schema
from forecast.errors import nearest
from forecast.prices.context import BASE, LONG, MOST, SPELLINGS, Band, band_of, name_of
from forecast.prices.dated import ANY, PriceRow
from forecast.prices.matching import Layer, PriceMatch, glob_match, is_glob
from forecast.prices.tiers import tier_factor
from forecast.prices.timeline import Sku, Timeline, on_day

HOW_TO_ADD: Final = "by PriceBook.from_frame or read"
_REMEDY_OF_UNIT: Final = {
    "total_tokens": "no vendor prices tokens of all kinds: state an average by PriceBook.blended",
    **{name: f"it is part of {unit.part_of}: price those" for name, unit in schema.UNITS.items() if unit.part_of},
}


@dataclass(frozen=True, slots=True)
class Unpriced:
    """Why a SKU has no price on a day, and what to do about it."""

    reason: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Book:
    """What a reason is looked up in: a book's layers, its matches and its timelines."""

    layers: tuple[Layer, ...]
    match: Callable[[str | None, str | None], PriceMatch]
    find: Callable[[Sku], Timeline]


def why_unpriced(book: Book, sku: Sku, ordinal: int) -> Unpriced:
    """The reason that a SKU has no price on a day, and what to do about it."""
    found = book.match(sku.provider, sku.model)
    if not found.families:
        return _why_unknown(book, found)
    priced = [row for family in found.families for row in family.rows if row.unit == sku.unit]
    if not priced:
        remedy = _REMEDY_OF_UNIT.get(sku.unit, f"add a row for it {HOW_TO_ADD}")
        return Unpriced("no price for this unit", remedy)
    factor = tier_factor(found.seller, sku.service_tier)
    tiers = {sku.service_tier, ANY} | ({"standard"} if factor and factor.of(sku.unit) else set())
    of_tier = [row for row in priced if row.service_tier in tiers]
    if not of_tier:
        return Unpriced("no price for this service tier", f"add a row of tier {sku.service_tier!r} {HOW_TO_ADD}")
    if sku.context_tier and sku.context_tier not in (LONG, BASE) and band_of(sku.context_tier) is None:
        return Unpriced("unknown context tier", f"write {sku.context_tier!r} as {SPELLINGS}, or leave it blank")
    on = [row for row in of_tier if row.span[0] <= ordinal <= row.span[1]]
    if not on:
        first = min(row.span[0] for row in priced)
        since = f"the first price is of {date.fromordinal(first)}: " if ordinal < first else ""
        return Unpriced("no price on this date", f"{since}add a row that holds on it {HOW_TO_ADD}")
    return _why_unsettled(book, sku, ordinal, on)


def _why_unsettled(book: Book, sku: Sku, ordinal: int, on: list[PriceRow]) -> Unpriced:
    """There are rows on the day, but none for the size of request or hour that is asked, or more than one."""
    sizes = _sizes(on)
    if sku.context_tier:
        of_base = book.find(sku._replace(context_tier=BASE)).quotes
        if sizes and on_day(of_base, ordinal) is not None:
            return Unpriced(
                "no one price for this context tier",
                f"requests are priced apart by {sizes}: say which one {sku.context_tier!r} is, or add a row of it "
                f"{HOW_TO_ADD}",
            )
    elif sizes and sku.request is None and on_day(book.find(sku._replace(context_tier=BASE)).quotes, ordinal):
        return Unpriced(
            "a share of long requests does not say which",
            f"requests are priced apart by {sizes}: give the usage's context_tier, or state the share for other models",
        )
    hours = sorted({row.hours for row in on if row.hours})
    if hours and sku.minute is None:
        told = f"it is priced apart at {'; '.join(hours)} (UTC)"
        remedy = f"{told}: add a row for the other hours, or state no share of more than two prices"
        return Unpriced("no price in some hours of the day", remedy)
    what = f"at {sku.minute // 60:02d}:{sku.minute % 60:02d} UTC" if sku.minute is not None else "of this size"
    return Unpriced(f"no price {what}", f"add a row that holds then {HOW_TO_ADD}")


def _sizes(rows: list[PriceRow]) -> str:
    """The context tiers that rows price apart, in words."""
    bands = sorted({row.band for row in rows if row.context_tier})
    below = [name_of(Band(0, bands[0].low - 1))] if bands and bands[0].low > 0 else []
    return ", ".join([*below, *(name_of(Band(b.low, min(b.high, MOST))) for b in bands)])


def _why_unknown(book: Book, found: PriceMatch) -> Unpriced:
    if found.model is None:
        return Unpriced("no model", f"name it, or add a row whose model is * {HOW_TO_ADD}")
    if found.provider is None and found.others:
        return Unpriced("no provider", f"name one of {', '.join(found.others)}")
    sellers = {row.provider.casefold() for layer in book.layers for row in layer.rows}
    known = found.seller is None or any(glob_match(seller, found.seller) for seller in sellers)
    elsewhere = book.match(None, found.model)
    if elsewhere.families and elsewhere.seller:
        hint = f"is it {elsewhere.seller}'s? Then name that provider."
    elif known:
        hint = nearest_model(book.layers, found.seller, found.model)
    else:
        hint = nearest(found.seller, sorted(sellers))
    add = f"add rows for it {HOW_TO_ADD}"
    hint = hint.removeprefix("; ")
    return Unpriced("unknown model" if known else "unknown provider", f"{hint} If not, {add}" if hint else add)


def nearest_model(layers: tuple[Layer, ...], seller: str | None, model: str) -> str:
    """The clause that names the model nearest to an unknown one, among the seller's own where it has any."""
    rows = [row for layer in layers for row in layer.rows if not is_glob(row.model)]
    own = {row.model for row in rows if row.provider.casefold() == (seller or "").casefold()}
    return nearest(model, sorted(own or {row.model for row in rows}))
