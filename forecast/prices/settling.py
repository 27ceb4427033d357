"""Settling: the rows that may price a SKU come in; one price a day goes out, of requests of all sizes and all hours.

A vendor may price a unit by the size of the request and by the hour of the day. What a usage says of either decides;
where it says nothing the base tier and the price of most hours are taken and told, unless a share is stated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Final, Literal

from forecast import schema
from forecast.errors import PriceError
from forecast.prices.context import BASE, EVERY_SIZE, LONG, MOST, Band, band_of
from forecast.prices.dated import ANY, Discount, PriceRow
from forecast.prices.hours import DAY
from forecast.prices.matching import Family, PriceMatch, Rank, glob_match
from forecast.prices.tiers import tier_factor
from forecast.prices.timeline import Quote, Sku, Timeline, percent

Kind = Literal["long", "off-peak"]


@dataclass(frozen=True, slots=True)
class Share:
    """A stated share of the tokens of models that fit a glob: of those in long requests, or in off-peak hours."""

    kind: Kind
    share: Decimal
    model: str


@dataclass(frozen=True, slots=True)
class Shares:
    """The shares that are stated for one SKU; None where none is."""

    long: Decimal | None = None
    off_peak: Decimal | None = None


_NO_SHARES: Final = Shares()


def shares_for(shares: Sequence[Share], found: PriceMatch) -> Shares:
    """The shares stated for a model: of globs that fit it, the one with the most letters; of equals, the latest."""
    names = {name for name in (found.model, *(f.model for f in found.families if f.how != "glob")) if name}

    def of(kind: Kind) -> Decimal | None:
        fit = [s for s in shares if s.kind == kind and (s.model == "*" or any(glob_match(s.model, n) for n in names))]
        return max(fit, key=lambda s: len(s.model.replace("*", "").replace("?", ""))).share if fit else None

    return Shares(of("long"), of("off-peak")) if shares else _NO_SHARES


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


def _open_at(row: PriceRow, minute: int) -> bool:
    return not row.hours or any(start <= minute < end for start, end in row.minutes)


def _quote(row: PriceRow, family: Family) -> Quote:
    return Quote(row.price, schema.UNITS[row.unit].per, row.currency, *row.span, row, family)


def timeline(sku: Sku, found: PriceMatch, shares: Shares = _NO_SHARES) -> Timeline:
    """The price of every day that the families of ``found`` price, earlier days first.

    Raises
    ------
    PriceError
        Two globs of one book fit equally well and disagree.
    """
    rows, offs = list(candidates(sku, found)), list(discounts(sku, found))
    quotes: list[Quote] = []
    by_hour = any(c.quote.row.hours for c in rows)
    for start, end in spans([c.quote.row.span for c in rows] + [o.discount.span for o in offs]):
        holding = [c for c in rows if c.quote.start <= start <= c.quote.end]
        if holding:
            off = [o for o in offs if o.discount.span[0] <= start <= o.discount.span[1]]
            quote = _Settling(sku, holding, off, date.fromordinal(start), shares).quote()
            if quote is not None:
                quotes.append(replace(quote, start=start, end=end))
    return Timeline(tuple(quotes), by_hour)


@dataclass(frozen=True, slots=True)
class _Sized:
    """The price of requests of one band of sizes; None where there is none."""

    band: Band
    quote: Quote | None


@dataclass(frozen=True, slots=True)
class _Settling:
    """One span of days: the rows that hold on it, and what is asked."""

    sku: Sku
    holding: Sequence[Candidate]
    offs: Sequence[Off]
    day: date
    shares: Shares

    def quote(self) -> Quote | None:
        """The price of what is asked, or None where there is none or it can't be said which."""
        if not any(c.quote.row.context_tier for c in self.holding) and not any(
            o.discount.context_tier for o in self.offs
        ):
            return self._at_size(0) if _means_something(self.sku) else None
        if self.sku.request is not None:
            return self._at_size(self.sku.request)
        bands = self._bands(EVERY_SIZE)
        if self.sku.context_tier:
            asked = _asked(self.sku.context_tier, bands)
            return None if asked is None else _common(self._bands(asked))
        return self._blended(bands) if self.shares.long is not None else _of_base(bands)

    def _bands(self, within: Band) -> list[_Sized]:
        """The price of every size of request from ``within.low`` to ``within.high``, equal neighbours joined."""
        rows = [(c.quote.row.band.low, c.quote.row.band.high) for c in self.holding]
        rows += [(o.discount.band.low, o.discount.band.high) for o in self.offs]
        inside = [(max(a, within.low), min(b, within.high)) for a, b in rows if a <= within.high and b >= within.low]
        found: list[_Sized] = []
        for low, high in spans([*inside, within]):
            quote = self._at_size(low)
            last = found[-1] if found else None
            if last is not None and _money(last.quote) == _money(quote):
                found[-1] = _Sized(Band(last.band.low, high), last.quote)
            else:
                found.append(_Sized(Band(low, high), quote))
        return found

    def _blended(self, bands: list[_Sized]) -> Quote | None:
        """``(1 − share)·base + share·long``; None where there is more than one long price, or one is missing."""
        share, quotes = self.shares.long, [b.quote for b in bands]
        assert share is not None
        if len(bands) == 1:
            return quotes[0]
        base, long = quotes[0], quotes[-1]
        if len(bands) > 2 or base is None or long is None or base.currency != long.currency:
            return None
        told = f"{share} of tokens in requests above {bands[1].band.low - 1:,} input tokens at {long.price}, as stated"
        return _mixed(base, long, share, f"{told}; the others at {base.price}")

    def _at_size(self, size: int) -> Quote | None:
        """The price of requests of one size, at the minute asked or over the day."""
        if self.sku.minute is not None or not any(c.quote.row.hours for c in self.holding):
            return self._at(size, self.sku.minute or 0)
        by_price: dict[tuple[Decimal, str] | None, list[tuple[Quote | None, int]]] = {}
        bounds = [span for c in self.holding for span in c.quote.row.minutes]
        for start, last in spans([(0, DAY - 1), *((a, b - 1) for a, b in bounds)]):
            quote = self._at(size, start)
            by_price.setdefault(_money(quote), []).append((quote, last - start + 1))
        priced = [(part[0][0], sum(minutes for _, minutes in part)) for part in by_price.values()]
        quotes = [quote for quote, _ in priced if quote is not None]
        if len(quotes) < len(priced):
            return None
        if len(quotes) == 1:
            return quotes[0]
        low, high = min(quotes, key=lambda q: q.price), max(quotes, key=lambda q: q.price)
        if (share := self.shares.off_peak) is not None:
            if len(quotes) > 2 or low.currency != high.currency:
                return None
            told = f"{share} of tokens in off-peak hours at {low.price}, as stated; the others at {high.price}"
            return _mixed(high, low, share, told)
        usual, minutes = max(((q, m) for q, m in priced if q is not None), key=lambda part: (part[1], part[0].price))
        others = ", ".join(str(q.price) for q in quotes if q.money != usual.money)
        told = f"the price of {minutes / 60:g} of 24 hours (UTC); {others} in the others"
        return replace(usual, remarks=(*usual.remarks, told))

    def _at(self, size: int, minute: int) -> Quote | None:
        found = best(self.sku, self.holding, self.day, size=size, minute=minute)
        return None if found is None else discounted(self.sku, found, self.offs, self.day, size=size)


def _means_something(sku: Sku) -> bool:
    spelling = sku.context_tier
    return not spelling or spelling in (LONG, BASE) or band_of(spelling) is not None


def _asked(spelling: str, bands: list[_Sized]) -> Band | None:
    """The request sizes that a usage's context tier names; ``long`` is all above the base tier."""
    if spelling == BASE:
        return bands[0].band
    if spelling == LONG:
        return EVERY_SIZE if len(bands) == 1 else Band(bands[1].band.low, MOST)
    return band_of(spelling)


def _common(bands: list[_Sized]) -> Quote | None:
    """The one price of all sizes asked, or None where there are several.

    A border that is one token off is the same border: some lists say 199,999 where others say 200,000.
    """
    wide = [b for b in bands if b.band.high > b.band.low] or bands
    return wide[0].quote if len({_money(b.quote) for b in wide}) == 1 else None


def _of_base(bands: list[_Sized]) -> Quote | None:
    """The price of the smallest requests, and what larger ones cost, in words."""
    base = bands[0].quote
    above = [(b.quote.price, b.band.low - 1) for b in bands[1:] if b.quote is not None]
    if base is None or not above:
        return base
    told = f"base tier: {', '.join(f'{p} above {low:,}' for p, low in above)} input tokens in a request"
    return replace(base, remarks=(told, *base.remarks))


def _mixed(one: Quote, other: Quote, share: Decimal, told: str) -> Quote:
    """``one`` at the price of a share of the ``other``; exact."""
    price = (1 - share) * one.price + share * other.price
    return replace(one, price=price, remarks=(told, *one.remarks))


def _money(quote: Quote | None) -> tuple[Decimal, str] | None:
    return None if quote is None else quote.money
