"""Timelines: one SKU and its row families come in; the price of every day goes out, as spans that do not overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from forecast.prices.dated import Discount, PriceRow
from forecast.prices.matching import Family
from forecast.prices.tiers import TierFactor

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


def percent(share: Decimal) -> str:
    """A share in per cent, without trailing zeros: ``15%``, ``12.5%``."""
    return f"{(share * 100).normalize():f}%"


def _told(off: Discount) -> str:
    why = "; ".join(t for t in (off.source, off.note, "" if off.valid_from else "undated") if t)
    return f"{percent(off.discount)} off ({why})"


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
