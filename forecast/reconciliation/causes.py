"""Why a bill differs from list prices. Comes in: lines of priced and billed. Goes out: each difference, cause by cause.

The causes of a line add up to billed - priced, an unknown one counting as nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from forecast import schema
from forecast.panel import BoolArray, FloatArray, IntArray
from forecast.reconciliation.bill_lines import Lines
from forecast.reconciliation.implied_prices import price_correction
from forecast.reconciliation.rates import (
    SLACK,
    SLIP,
    STABLE,
    Span,
    agreed_spans,
    by_period,
    holds,
    line_intervals,
    span_at,
    stable_spans,
    unslipped,
)

#: Every cause and what it means, in the order in which they are told.
CAUSES: Final = {
    "list_price": "the list price billed by is not the price book's",
    "discount": "negotiated discount: billed below list by a stable rate",
    "unpriced": "billed, but the price book has no price for it",
    "not_billed": "used and priced, but no money in the bill",
    "no_usage": "billed, but no usage is recorded for it",
    "late": "billed on another day than it was used",
    "billed_twice": "billed twice what it should be",
    "cents_as_dollars": "billed 100 times what it should be, or a hundredth: cents read as dollars",
    "credit": "credits",
    "refund": "refunds",
    "adjustment": "adjustments",
    "tax": "taxes",
    "purchase": "purchases: fees, commitments, seats",
    "rounding": "within half a cent a row of the exports",
    "unexplained": "none of these",
}
#: A bill comes at most so many days after the usage to be taken as late.
LATE_DAYS: Final = 7
#: Fewer lines of a SKU say nothing of a rate of its own.
LEAST_LINES: Final = 3
_SLIPS: Final = (100.0, 0.01)
#: A list cost that isn't in the export was rounded too before the discount was taken off, to 0.0001: this part of half
#: a cent, by which a billed cost may be further off.
_UNSEEN: Final = 0.01


@dataclass(frozen=True, slots=True)
class Explained:
    """What lines differ by, and on what that rests.

    Attributes
    ----------
    amounts : dict of float array (line,)
        Money by cause, of every name in :data:`CAUSES`.
    rest : float array (line,)
        What a discount leaves of list: 0.95 where 5 % were taken off.
    expected : float array (line,)
        What the line should have cost; nan where it isn't known.
    agreed : dict of tuple of Span
        The rates of each provider, by its code.
    own : dict of tuple of Span
        The rates of SKUs, by their code; empty where a SKU's ratio is not stable.
    provider : int array (line,)
    listed : bool array (line,)
        Whether the export's own list cost serves.
    """

    amounts: dict[str, FloatArray]
    rest: FloatArray
    expected: FloatArray
    agreed: dict[int, tuple[Span, ...]]
    own: dict[int, tuple[Span, ...]]
    provider: IntArray
    listed: BoolArray


@dataclass(frozen=True, slots=True)
class _Book:
    """The arrays of lines, each (line,), and the amounts as they are found."""

    period: IntArray
    sku: IntArray
    provider: IntArray
    priced: FloatArray
    list_cost: FloatArray
    billed: FloatArray
    error: FloatArray
    gap: BoolArray
    amounts: dict[str, FloatArray] = field(default_factory=dict)

    def put(self, cause: str, where: BoolArray, money: FloatArray) -> None:
        """Lay an amount to a cause."""
        self.amounts[cause][where] += money[where]


def explain(lines: Lines, tolerance: float) -> Explained:
    """Split billed - priced of every line into named causes.

    Parameters
    ----------
    lines : Lines
    tolerance : float
        How far rounding may have moved the money of one row: half a cent.
    """
    frame = lines.frame
    book = _book(lines, tolerance)
    usage = frame["category"].to_numpy() == "usage"
    used, has_price, has_money = frame["used"].to_numpy(), ~np.isnan(book.priced), ~np.isnan(book.billed)
    for category in schema.CHARGE_CATEGORIES[1:]:
        book.put(category, (frame["category"].to_numpy() == category) & has_money, book.billed)
    book.put("no_usage", usage & ~used & has_money, book.billed)
    book.put("unpriced", usage & used & ~has_price & has_money, book.billed)
    priced = usage & has_price
    small = priced & (book.billed == 0) & (book.priced <= book.error)
    unbilled = priced & ~small & (~has_money | (book.billed == 0))
    book.put("rounding", small, -book.priced)
    book.put("not_billed", unbilled, -book.priced)
    both = priced & has_money & ~small & ~unbilled & (book.priced > 0)
    free = priced & has_money & (book.priced == 0) & (book.billed != 0)
    book.put("unexplained", free, book.billed)
    base, listed = _base(book, both)
    agreed, own = _rates(book, both & ~book.gap, base, lines.grain)
    factor, rest = _line_rates(book, both | unbilled, listed, agreed, own)
    expected = np.where(both | unbilled, base * factor * rest, np.nan)
    _split(book, both, base * factor, rest, expected)
    _by_unit_price(book, both & ~listed, lines.quantities, rest)
    _late(book, lines, usage, unbilled, base * factor, rest)
    return Explained(book.amounts, rest, expected, agreed, own, book.provider, listed)


def _book(lines: Lines, tolerance: float) -> _Book:
    frame = lines.frame
    scale = "datetime64[M]" if lines.grain == "month" else "datetime64[D]"
    period = frame[schema.DATE].to_numpy().astype(scale).astype(np.int64).astype(np.intp)
    provider = np.zeros(len(frame), dtype=np.intp)
    if "provider" in lines.keys:
        provider = frame.groupby("provider", dropna=False, sort=False).ngroup().to_numpy().astype(np.intp)
    money = {c: frame[c].to_numpy(dtype="float64") for c in ("priced", "list", "billed")}
    error = tolerance * frame["rows"].to_numpy(dtype="float64")
    known = money["list"][~np.isnan(money["list"])]
    if len(known) and (np.abs(known * 100 - np.round(known * 100)) < 1e-6).all():
        error = 2 * error  # a list cost in whole cents is rounded too
    else:
        error = np.where(np.isnan(money["list"]), (1 + _UNSEEN) * error, error)
    amounts = {cause: np.zeros(len(frame)) for cause in CAUSES}
    return _Book(
        period,
        frame["sku"].to_numpy().astype(np.intp),
        provider,
        money["priced"],
        money["list"],
        money["billed"],
        error,
        frame["gap"].to_numpy(dtype=bool),
        amounts,
    )


def _base(book: _Book, both: BoolArray) -> tuple[FloatArray, BoolArray]:
    """What a line costs at list, by the export where it says and by the book where it doesn't; and which it is.

    A list cost that is 100 times the book's, or twice for a few periods alone, is the slip of its billed cost.
    """
    listed = both & ~np.isnan(book.list_cost) & (book.list_cost > 0)
    base = np.where(listed, book.list_cost, book.priced)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = base / book.priced
    base = np.where(listed & (ratio > 50) & (ratio < 200), base / 100, base)
    base = np.where(listed & (ratio > 0.005) & (ratio < 0.02), base * 100, base)
    for sku in np.unique(book.sku[listed]):
        own = listed & (book.sku == sku)
        twice = own & (np.abs(base / 2 - book.priced) <= book.error) & (np.abs(base - book.priced) > book.error)
        if len(np.unique(book.period[twice])) <= (1 - STABLE) * len(np.unique(book.period[own])):
            base = np.where(twice, base / 2, base)
    differs = listed & (np.abs(base - book.priced) > book.error + SLACK * base)
    book.put("list_price", differs, base - book.priced)
    return base, listed


def _rates(
    book: _Book, both: BoolArray, base: FloatArray, grain: str
) -> tuple[dict[int, tuple[Span, ...]], dict[int, tuple[Span, ...]]]:
    """The stable ratios of billed to list: by provider, as most of its SKUs have it, and by SKU.

    A SKU of a few lines has no rate of its own; a provider without any SKU of more has that of all its lines.
    """
    own: dict[int, tuple[Span, ...]] = {}
    agreed: dict[int, tuple[Span, ...]] = {}
    for provider in np.unique(book.provider[both]):
        whole = np.flatnonzero(both & (book.provider == provider))
        members: list[tuple[IntArray, tuple[Span, ...]]] = []
        for sku in np.unique(book.sku[whole]):
            at = whole[book.sku[whole] == sku]
            own[int(sku)] = _stable(book, at, base, grain) if len(at) >= LEAST_LINES else ()
            members.append((book.period[at], own[int(sku)]))
        agreed[int(provider)] = agreed_spans(members, grain)
        if not agreed[int(provider)] and not any(spans for _, spans in members) and len(whole) > 1:
            agreed[int(provider)] = _stable(book, whole, base, grain)
    return agreed, own


def _stable(book: _Book, at: IntArray, base: FloatArray, grain: str) -> tuple[Span, ...]:
    """The spans of days on which lines are billed at one ratio to list, a factor of 100 taken off."""
    # Dollars that are cents were rounded to the cent before they became a hundred times as much.
    error = book.error[at] * np.where(book.billed[at] > SLIP * base[at], 100.0, 1.0)
    low, high = line_intervals(base[at], book.billed[at], error)
    found = stable_spans(by_period(book.period[at], low, high), grain)
    return tuple(map(_unslipped, found)) if holds(found, book.period[at], low, high) else ()


def _unslipped(span: Span) -> Span:
    middle = (span.low + span.high) / 2
    scale = unslipped(middle) / middle if middle > 0 else 1.0
    return Span(span.first, span.last, span.low * scale, span.high * scale, span.periods)


def _line_rates(
    book: _Book,
    lines: BoolArray,
    listed: BoolArray,
    agreed: dict[int, tuple[Span, ...]],
    own: dict[int, tuple[Span, ...]],
) -> tuple[FloatArray, FloatArray]:
    """For each line, how many times the book's its list price is, and what a discount leaves: (line,) each.

    A rate that a provider's SKUs share is its discount. A SKU apart from the others has a discount of its own where the
    export tells its list cost, and another list price where it doesn't. Nothing above list is a discount.
    """
    factor, rest = np.ones(len(lines)), np.ones(len(lines))
    for code in np.unique(book.provider[lines]):
        spans = agreed.get(int(code), ())
        if spans:
            at = np.flatnonzero(lines & (book.provider == code))
            rest[at] = np.array([s.rate for s in spans])[span_at(spans, book.period[at])]
    for code in np.unique(book.sku[lines]):
        spans = own.get(int(code), ())
        if not spans:
            continue
        at = np.flatnonzero(lines & (book.sku == code))
        which = span_at(spans, book.period[at])
        low, high, rate = (np.array([getattr(s, n) for s in spans])[which] for n in ("low", "high", "rate"))
        apart = (rest[at] < low * (1 - SLACK)) | (rest[at] > high * (1 + SLACK))
        shared = rest[at].copy()
        rest[at] = np.where(apart & listed[at], rate, shared)
        factor[at] = np.where(apart & ~listed[at], rate / shared, 1.0)
    above = lines & ~listed & (rest > 1)
    factor[above], rest[above] = factor[above] * rest[above], 1.0
    return factor, rest


def _split(book: _Book, both: BoolArray, at_list: FloatArray, rest: FloatArray, expected: FloatArray) -> None:
    """Lay billed - priced of lines that have both to price, discount, slips, and rounding or what is left."""
    error = book.error + SLACK * np.abs(expected)
    slip = np.zeros(len(both))
    open_ = both & (np.abs(book.billed - expected) > error)
    for times in _SLIPS:
        hit = open_ & (np.abs(book.billed / times - expected) <= error * max(1.0, 1 / times))
        slip[hit] = (book.billed - book.billed / times)[hit]
        book.put("cents_as_dollars", hit, slip)
        open_ &= ~hit
    twice = open_ & (np.abs(book.billed / 2 - expected) <= error)
    slip[twice] = book.billed[twice] / 2
    book.put("billed_twice", twice, slip)
    # The export's own list cost has laid what it differs by to the price already.
    settled = both & (book.amounts["list_price"] != 0)
    unlisted = both & ~settled & (np.abs(at_list - book.priced) > book.error)
    book.put("list_price", unlisted, at_list - book.priced)
    book.put("discount", both, (rest - 1) * at_list)
    left = book.billed - book.priced - slip - book.amounts["list_price"] - book.amounts["discount"]
    far = open_ & ~twice
    lacking = far & book.gap & (left > 0)
    book.put("unpriced", lacking, left)
    book.put("unexplained", far & ~lacking, left)
    book.put("rounding", both & ~far, left)


def _by_unit_price(book: _Book, open_: BoolArray, quantities: FloatArray, rest: FloatArray) -> None:
    """What is left of a SKU, where one correction of unit prices explains its lines."""
    open_ = open_ & ~book.gap & (book.amounts["unexplained"] != 0)
    for sku in np.unique(book.sku[open_]):
        at = np.flatnonzero(open_ & (book.sku == sku))
        difference = book.billed[at] / rest[at] - book.priced[at]
        found = price_correction(quantities[at], difference, book.error[at] / rest[at])
        if found is not None:
            hit = at[found.within]
            at_list = book.priced[hit] + found.fitted[found.within]
            book.amounts["list_price"][hit] = at_list - book.priced[hit]
            book.amounts["discount"][hit] = (rest[hit] - 1) * at_list
            book.amounts["unexplained"][hit] = 0.0
            book.amounts["rounding"][hit] = book.billed[hit] - rest[hit] * at_list


@dataclass(frozen=True, slots=True)
class _Sums:
    """Amounts of money of one provider and model: of single lines, or of whole days.

    ``lines`` is a list (sum,) of int arrays; the others are arrays (sum,).
    """

    lines: list[IntArray]
    group: IntArray
    period: IntArray
    money: FloatArray
    error: FloatArray


def _late(
    book: _Book, lines: Lines, usage: BoolArray, unbilled: BoolArray, at_list: FloatArray, rest: FloatArray
) -> None:
    """Pair what was used and not billed with what was billed too much within a week, of the same provider and model.

    Line by line first, then day by day: a bill may add up what usage tells apart.
    """
    if lines.grain == "month":
        return
    keys = [c for c in ("provider", "model") if c in lines.keys]
    group = np.zeros(len(usage), dtype=np.intp)
    if keys:
        group = lines.frame.groupby(keys, dropna=False, sort=False).ngroup().to_numpy().astype(np.intp)
    due = np.nan_to_num(at_list * rest)
    surplus = book.amounts["no_usage"] + np.maximum(book.amounts["unexplained"], 0.0)
    owed, over = unbilled & (due > 0), usage & (surplus > 0)
    for by_day in (False, True):
        wanted, found = (
            _sums(book, group, mask, money, by_day=by_day) for mask, money in ((owed, due), (over, surplus))
        )
        free = np.ones(len(found.lines), dtype=bool)
        for i, own in enumerate(wanted.lines):
            days, off = np.abs(found.period - wanted.period[i]), np.abs(found.money - wanted.money[i])
            fits = free & (found.group == wanted.group[i]) & (days <= LATE_DAYS)
            fits &= off <= wanted.error[i] + found.error + SLACK * wanted.money[i]
            if not fits.any():
                continue
            at = np.flatnonzero(fits)
            match = int(at[np.lexsort((off[at], days[at]))[0]])
            free[match], owed[own], over[found.lines[match]] = False, False, False
            _move(book, own, found.lines[match], due, surplus, at_list)


def _sums(book: _Book, group: IntArray, mask: BoolArray, money: FloatArray, *, by_day: bool) -> _Sums:
    at = np.flatnonzero(mask)
    keys = np.column_stack([group[at], book.period[at], np.zeros(len(at), dtype=np.intp) if by_day else at])
    _, first, code = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    code = code.reshape(-1)
    order = np.argsort(code, kind="stable")
    parts = np.split(at[order], np.flatnonzero(np.diff(code[order])) + 1) if len(at) else []
    sums = [np.zeros(len(first)), np.zeros(len(first))]
    for total, values in zip(sums, (money, book.error), strict=True):
        np.add.at(total, code, values[at])
    return _Sums(parts, group[at][first], book.period[at][first], sums[0], sums[1])


def _move(
    book: _Book, owed: IntArray, over: IntArray, due: FloatArray, surplus: FloatArray, at_list: FloatArray
) -> None:
    """Lay to ``late`` what is owed on some lines and stands on others: no money over both."""
    amounts = book.amounts
    amounts["late"][over] += surplus[over]
    amounts["no_usage"][over] = 0.0
    amounts["unexplained"][over] = np.minimum(amounts["unexplained"][over], 0.0)
    share = surplus[over].sum() * due[owed] / due[owed].sum()
    amounts["not_billed"][owed] = 0.0
    amounts["list_price"][owed] = at_list[owed] - book.priced[owed]
    amounts["discount"][owed] = due[owed] - at_list[owed]
    amounts["late"][owed] -= share
    amounts["rounding"][owed] = share - due[owed]
