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
from forecast.prices.matching import Family, PriceMatch, Rank
from forecast.prices.rows import ANY, PriceRow
from forecast.prices.tiers import TierFactor, tier_factor

_EPOCH: Final = np.datetime64("1970-01-01", "D")
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()


class Sku(NamedTuple):
    """What is priced, in the words of a usage: names as it has them, null where it has none."""

    provider: str | None
    model: str | None
    unit: str
    service_tier: str

    def __str__(self) -> str:
        return f"{self.provider or '(no provider)'} {self.model or '(no model)'} {self.unit} ({self.service_tier})"


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
    """

    price: Decimal
    per: int
    currency: str
    start: int
    end: int
    row: PriceRow
    family: Family
    factor: TierFactor | None = None

    @property
    def note(self) -> str:
        """Everything that is assumed, in words."""
        notes = [self.family.note, self.row.note, "undated" if self.row.undated else ""]
        if self.factor is not None:
            share = self.factor.of(self.row.unit)
            notes.append(
                f"{self.factor.service_tier} at {share} of the standard price "
                f"({self.factor.source}, {self.factor.checked})"
            )
        return "; ".join(n for n in notes if n)


Timeline = tuple[Quote, ...]


@dataclass(frozen=True, slots=True)
class _Candidate:
    rank: tuple[int, Rank, int]
    quote: Quote


def timeline(sku: Sku, found: PriceMatch) -> Timeline:
    """The price of every day that the families of ``found`` price, earlier days first.

    A row of the tier itself holds before a tier factor on a standard row; then an earlier layer before a later one,
    a nearer name before a farther one, and a row of the tier before one of every tier.

    Raises
    ------
    PriceError
        Two globs of one book fit equally well and disagree.
    """
    candidates = list(_candidates(sku, found))
    cuts = sorted({c.quote.start for c in candidates} | {c.quote.end + 1 for c in candidates})
    spans: list[Quote] = []
    for start, after in pairwise(cuts):
        holding = [c for c in candidates if c.quote.start <= start <= c.quote.end]
        if not holding:
            continue
        best = min(holding, key=lambda c: c.rank)
        _refuse_ties(sku, best, holding, date.fromordinal(start))
        spans.append(replace(best.quote, start=start, end=after - 1))
    return tuple(spans)


def _candidates(sku: Sku, found: PriceMatch) -> Iterator[_Candidate]:
    factor = tier_factor(found.seller, sku.service_tier)
    share = factor.of(sku.unit) if factor is not None else None
    for family in found.families:
        for row in family.rows:
            if row.unit != sku.unit:
                continue
            if row.service_tier in (sku.service_tier, ANY):
                yield _Candidate((0, family.rank, int(row.service_tier == ANY)), _quote(row, family))
            elif share is not None and row.service_tier == "standard":
                yield _Candidate(
                    (1, family.rank, 0), replace(_quote(row, family), price=row.price * share, factor=factor)
                )


def _quote(row: PriceRow, family: Family) -> Quote:
    return Quote(row.price, schema.UNITS[row.unit].per, row.currency, *row.span, row, family)


def _refuse_ties(sku: Sku, best: _Candidate, holding: Sequence[_Candidate], day: date) -> None:
    for other in holding:
        same = (other.quote.price, other.quote.currency) == (best.quote.price, best.quote.currency)
        if other.rank == best.rank and not same:
            names = " and ".join(
                f"{q.row.provider} {q.row.model} at {q.price} {q.currency}" for q in (best.quote, other.quote)
            )
            raise PriceError(
                f"{best.quote.family.layer}: {names} both price {sku} on {day}; make one of the two names more exact"
            )


def on_day(spans: Timeline, ordinal: int) -> Quote | None:
    """The quote that holds on one day, or None."""
    return next((q for q in spans if q.start <= ordinal <= q.end), None)


def ordinals(days: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Proleptic ordinals (day,) of datetimes; the time of day is dropped, and a missing date is day 0, never priced."""
    whole = np.asarray(days, dtype="datetime64[D]")
    count = (whole - _EPOCH).astype(np.int64) + _EPOCH_ORDINAL
    return np.where(np.isnat(whole), 0, count)


def unit_prices(spans: Timeline, days: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Money per one unit (day,), nan on days without a price.

    Each price is divided in Decimal and rounded once, so it is the float nearest to the exact quotient.
    """
    out = np.full(days.shape, np.nan)
    for quote in spans:
        out[(days >= quote.start) & (days <= quote.end)] = float(quote.price / quote.per)
    return out


def currencies(spans: Timeline, days: npt.NDArray[np.int64]) -> set[str]:
    """The currencies that the SKU is priced in on these days."""
    return {q.currency for q in spans if bool(((days >= q.start) & (days <= q.end)).any())}
