"""Timelines: one SKU and its row families come in; the price of every day goes out, as spans that do not overlap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from forecast import schema
from forecast.errors import PriceError
from forecast.prices.dated import ANY, Discount, PriceRow
from forecast.prices.matching import Family, PriceMatch, Rank
from forecast.prices.tiers import TierFactor, tier_factor

_EPOCH: Final = np.datetime64("1970-01-01", "D")
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()


class Sku(NamedTuple):
    """What is priced, in the words of a usage: names as it has them, null where it has none.

    ``context_tier`` is in canonical spelling, or as it stands where nobody can say what it means. ``minute`` is a
    minute of the day (UTC), None of a whole day; ``request`` the input tokens of one request, where it is one.
    """

    provider: str | None
    model: str | None
    unit: str
    service_tier: str
    context_tier: str = ""
    minute: int | None = None
    request: int | None = None

    def __str__(self) -> str:
        size = f" of {self.request:,} input tokens" if self.request is not None else ""
        apart = f"{self.service_tier}{', ' if self.context_tier else ''}{self.context_tier}{size}"
        return f"{self.provider or '(no provider)'} {self.model or '(no model)'} {self.unit} ({apart})"


@dataclass(frozen=True, slots=True)
class Quote:
    """One SKU's price over a span of days, and why it is that.

    Attributes
    ----------
    price : Decimal
        Money per ``per`` units.
    per : int
        Units that one price buys: a million tokens.
    currency : str
        ISO 4217 code.
    start, end : int
        First and last day as proleptic ordinals.
    row, family : PriceRow, Family
        The row that holds, and how the usage's names matched it.
    factor : TierFactor or None
        The factor of a service tier, where the book has no row of the tier.
    discounts : tuple of Discount
        What was taken off, in the order in which it was.
    remarks : tuple of str
        What else the price rests on: the sizes of requests or the hours that it leaves out, or a stated share.
    """

    price: Decimal
    per: int
    currency: str
    start: int
    end: int
    row: PriceRow
    family: Family
    factor: TierFactor | None = None
    discounts: tuple[Discount, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def money(self) -> tuple[Decimal, str]:
        """Price and currency."""
        return self.price, self.currency

    @property
    def note(self) -> str:
        """Everything that is assumed, in words."""
        notes = [self.family.note, *self.remarks, self.row.note, "undated" if self.row.undated else ""]
        if self.factor is not None:
            share = self.factor.of(self.row.unit)
            notes.append(
                f"{self.factor.service_tier} at {share} of the standard price "
                f"({self.factor.source}, {self.factor.checked})"
            )
        notes += [_told(off) for off in self.discounts]
        return "; ".join(n for n in notes if n)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row that may price a SKU, and its precedence: the lower holds.

    The rank is: a row of the tier itself or a factor on a standard one; the family's (layer, then nearness of the
    name); a row of the tier before one of every tier; of a size of request, and of an hour, before one of every.
    """

    rank: tuple[int, Rank, int, int, int]
    quote: Quote

    @property
    def layer(self) -> int:
        """The place of its layer in the order of precedence."""
        return self.rank[1][0]


@dataclass(frozen=True, slots=True)
class Off:
    """A discount that may come off a SKU's price: its layer, and its precedence among the layer's discounts."""

    layer: int
    rank: tuple[Rank, int, int, int]
    discount: Discount


def candidates(sku: Sku, found: PriceMatch) -> Iterator[Candidate]:
    """Every row of the families that may price the SKU, whatever its days, sizes and hours."""
    factor = tier_factor(found.seller, sku.service_tier)
    share = factor.of(sku.unit) if factor is not None else None
    for family in found.families:
        for row in family.rows:
            if row.unit != sku.unit:
                continue
            apart = int(not row.context_tier), int(not row.hours)
            if row.service_tier in (sku.service_tier, ANY):
                yield Candidate((0, family.rank, int(row.service_tier == ANY), *apart), _quote(row, family))
            elif share is not None and row.service_tier == "standard":
                quote = replace(_quote(row, family), price=row.price * share, factor=factor)
                yield Candidate((1, family.rank, 0, *apart), quote)


def discounts(sku: Sku, found: PriceMatch) -> Iterator[Off]:
    """Every discount that may come off the SKU's price, whatever its days and sizes."""
    for family in found.discounts:
        for off in family.discounts:
            if off.unit in (sku.unit, ANY) and off.service_tier in (sku.service_tier, ANY):
                wide = int(off.unit == ANY), int(off.service_tier == ANY), int(not off.context_tier)
                yield Off(family.rank[0], (family.rank, *wide), off)


def best(sku: Sku, holding: Sequence[Candidate], day: date, *, size: int, minute: int) -> Candidate | None:
    """The row that holds for requests of one size at one minute of the day.

    Raises
    ------
    PriceError
        Two globs of one book fit equally well and disagree.
    """
    fit = [c for c in holding if c.quote.row.band.holds(size) and _open_at(c.quote.row, minute)]
    if not fit:
        return None
    first = min(fit, key=lambda c: c.rank)
    for other in fit:
        if other.rank == first.rank and other.quote.money != first.quote.money:
            names = " and ".join(
                f"{q.row.provider} {q.row.model} at {q.price} {q.currency}" for q in (first.quote, other.quote)
            )
            layer = first.quote.family.layer
            raise PriceError(f"{layer}: {names} both price {sku} on {day}; make one of the two names more exact")
    return first


def discounted(sku: Sku, found: Candidate, offs: Sequence[Off], day: date, *, size: int) -> Quote:
    """The quote with the discounts of the layers above its own taken off, the nearest layer's first.

    Of a layer's discounts that do not stack, the one with the nearest name comes off; those that stack, after it.

    Raises
    ------
    PriceError
        Two globs of one layer fit equally well and disagree.
    """
    fit = [o for o in offs if o.layer < found.layer and o.discount.band.holds(size)]
    taken: list[Discount] = []
    for layer in sorted({o.layer for o in fit}, reverse=True):
        own = sorted((o for o in fit if o.layer == layer), key=lambda o: o.rank)
        alone = [o for o in own if not o.discount.stacks]
        for other in alone[1:]:
            if other.rank == alone[0].rank and other.discount.discount != alone[0].discount.discount:
                names = " and ".join(f"{o.model} by {percent(o.discount)}" for o in (alone[0].discount, other.discount))
                raise PriceError(
                    f"{other.discount.source}: {names} both discount {sku} on {day}; make one of the two names more "
                    "exact, or say that one stacks"
                )
        taken += [o.discount for o in (*alone[:1], *(o for o in own if o.discount.stacks))]
    price = found.quote.price
    for off in taken:
        price *= 1 - off.discount
    return replace(found.quote, price=price, discounts=tuple(taken)) if taken else found.quote


def spans(holds: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """First and last of each stretch that no bound of ``holds`` (first, last) cuts, in order."""
    cuts = sorted({first for first, _ in holds} | {last + 1 for _, last in holds})
    for start, after in pairwise(cuts):
        yield start, after - 1


def percent(share: Decimal) -> str:
    """A share in per cent, without trailing zeros: ``15%``, ``12.5%``."""
    return f"{(share * 100).normalize():f}%"


def _told(off: Discount) -> str:
    why = "; ".join(t for t in (off.source, off.note, "" if off.valid_from else "undated") if t)
    return f"{percent(off.discount)} off ({why})"


def _open_at(row: PriceRow, minute: int) -> bool:
    return not row.hours or any(start <= minute < end for start, end in row.minutes)


def _quote(row: PriceRow, family: Family) -> Quote:
    return Quote(row.price, schema.UNITS[row.unit].per, row.currency, *row.span, row, family)


class Timeline(NamedTuple):
    """The price of every day, earlier days first; and whether it is another at another hour of the day."""

    quotes: tuple[Quote, ...]
    by_hour: bool = False


def on_day(quotes: Sequence[Quote], ordinal: int) -> Quote | None:
    """The quote that holds on one day, or None."""
    return next((q for q in quotes if q.start <= ordinal <= q.end), None)


def ordinals(days: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Proleptic ordinals (day,) of datetimes; the time of day is dropped, and a missing date is day 0, never priced."""
    whole = np.asarray(days, dtype="datetime64[D]")
    count = (whole - _EPOCH).astype(np.int64) + _EPOCH_ORDINAL
    return np.where(np.isnat(whole), 0, count)


def unit_prices(quotes: Sequence[Quote], days: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Money per one unit (day,), nan on days without a price.

    Each price is divided in Decimal and rounded once, so it is the float nearest to the exact quotient.
    """
    out = np.full(days.shape, np.nan)
    for quote in quotes:
        out[(days >= quote.start) & (days <= quote.end)] = float(quote.price / quote.per)
    return out


def currencies(quotes: Sequence[Quote], days: npt.NDArray[np.int64]) -> set[str]:
    """The currencies that the SKU is priced in on these days."""
    return {q.currency for q in quotes if bool(((days >= q.start) & (days <= q.end)).any())}
