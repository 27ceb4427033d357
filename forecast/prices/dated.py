"""Dated rows: prices and discounts with their days; when a row ends, and what of a list was known on a date.

A row holds from its ``valid_from`` to its ``valid_to``, both days included: a price valid from 2026-09-01 is paid on
that day, and on 2026-08-31 the one before it. A row without ``valid_to`` holds until the next row of the same SKU
begins, so a new price is appended and the old row stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Final, TypeVar

from forecast.errors import PriceError
from forecast.prices.context import EVERY_SIZE, Band, band_of
from forecast.prices.hours import ALL_DAY, Minutes, minutes_of
from forecast.shown import short_repr

#: Stands for every provider, model or service tier in a row, and for every unit in a discount.
ANY: Final = "*"
ONE_DAY: Final = timedelta(days=1)

#: What a row is about: provider, model, unit, service tier, context tier and hours, without regard to case.
RowSku = tuple[str, str, str, str, str, str]


@dataclass(frozen=True, slots=True)
class PriceRow:
    """What one unit of one SKU costs over a span of days.

    Attributes
    ----------
    provider, model : str
        Names, or globs with ``*`` and ``?``.
    unit : str
        A name of :data:`forecast.schema.BILLABLE`.
    price : Decimal
        Money per as many units as the registry quotes: per million tokens.
    service_tier : str
        A name of :data:`forecast.schema.SERVICE_TIERS`, or ``"*"``.
    currency : str
        ISO 4217 code.
    valid_from, valid_to : date or None
        First and last day that the price holds. A row without ``valid_from`` is *undated*: it is taken to have held
        always, and is flagged.
    source, note : str
        Where the price stands, and what a reader should know of it.
    context_tier : str
        The requests that pay it, by their input tokens: ``"<=200k"``, ``">200k"``. Blank is requests of every size,
        but for those that another row of the same names prices apart.
    hours : str
        The hours of the day (UTC) that it is paid in: ``"16:30-00:30"``. Blank is every hour, but for those that
        another row of the same names prices apart.
    known_from : date or None
        When it was announced; where nobody says, when it became valid. None is always known.
    open_ended : bool
        Nobody stated ``valid_to``: it follows from the row after it.
    """

    __repr__ = short_repr

    provider: str
    model: str
    unit: str
    price: Decimal
    service_tier: str = "standard"
    currency: str = "USD"
    valid_from: date | None = None
    valid_to: date | None = None
    source: str = ""
    note: str = ""
    context_tier: str = ""
    hours: str = ""
    known_from: date | None = None
    open_ended: bool = False

    def __post_init__(self) -> None:
        if self.known_from is None:
            object.__setattr__(self, "known_from", self.valid_from)

    @property
    def undated(self) -> bool:
        """Whether nobody says since when the price holds."""
        return self.valid_from is None

    @property
    def sku(self) -> RowSku:
        """What is priced: two rows of one SKU never share a day."""
        names = self.provider.casefold(), self.model.casefold(), self.unit, self.service_tier
        return (*names, self.context_tier, self.hours)

    @property
    def span(self) -> tuple[int, int]:
        """First and last day as proleptic ordinals; open ends reach to the ends of the calendar."""
        return _span(self.valid_from, self.valid_to)

    @property
    def band(self) -> Band:
        """The request sizes that pay it."""
        return band_of(self.context_tier) or EVERY_SIZE

    @property
    def minutes(self) -> Minutes:
        """The minutes of the day (UTC) that it is paid in."""
        return minutes_of(self.hours) or ALL_DAY


@dataclass(frozen=True, slots=True)
class Discount:
    """A share off the price that the layers beneath give, over a span of days.

    Attributes
    ----------
    provider, model, unit, service_tier : str
        What it is off; names and globs as in a :class:`PriceRow`, ``"*"`` for every unit and service tier.
    discount : Decimal
        The share that is not paid, from 0 to 1: of a list price of 3.00, a discount of 0.15 leaves 2.55.
    stacks : bool
        It comes off what is left by the layer's other discounts. Of discounts that do not stack, the one with the
        nearest name holds.
    valid_from, valid_to, source, note, context_tier, known_from, open_ended
        As of a :class:`PriceRow`.
    """

    __repr__ = short_repr

    provider: str
    model: str
    unit: str
    discount: Decimal
    service_tier: str = ANY
    valid_from: date | None = None
    valid_to: date | None = None
    source: str = ""
    note: str = ""
    context_tier: str = ""
    known_from: date | None = None
    open_ended: bool = False
    stacks: bool = False

    def __post_init__(self) -> None:
        if self.known_from is None:
            object.__setattr__(self, "known_from", self.valid_from)

    @property
    def sku(self) -> RowSku:
        """What it is off: two discounts of one SKU that do not stack never share a day."""
        apart = f"stacks {self.source} {self.note} {self.discount}" if self.stacks else "discount"
        return self.provider.casefold(), self.model.casefold(), self.unit, self.service_tier, self.context_tier, apart

    @property
    def span(self) -> tuple[int, int]:
        """First and last day as proleptic ordinals; open ends reach to the ends of the calendar."""
        return _span(self.valid_from, self.valid_to)

    @property
    def band(self) -> Band:
        """The request sizes that it is off."""
        return band_of(self.context_tier) or EVERY_SIZE


AnyRow = PriceRow | Discount
Row = TypeVar("Row", PriceRow, Discount)

#: Columns of a table of prices: those of a price, then those of a discount.
COLUMNS: Final = (*(f.name for f in fields(PriceRow)), "discount", "stacks")


def closed(rows: Sequence[Row], *, where: str, first_row: int, number: Sequence[int] | None = None) -> tuple[Row, ...]:
    """End every open row on the day before the next row of its SKU begins.

    ``number`` is where each row stands in its table, for errors; the order of ``rows`` where it is not given.

    Raises
    ------
    PriceError
        Two rows price one SKU on the same day, at the same size of request or hour, or a row ends before it begins.
    """
    at = [i + first_row for i in (number if number is not None else range(len(rows)))]
    ended = list(rows)
    for i, row in enumerate(rows):
        if row.valid_from and row.valid_to and row.valid_to < row.valid_from:
            raise PriceError(
                f"{where}: column 'valid_to', row {at[i]}: {row.valid_to} is before valid_from "
                f"{row.valid_from}; give the last day that the price holds"
            )
    for order in _by_sku(rows):
        for i, j in pairwise(order):
            ended[i] = _ended_before(rows[i], rows[j], f"{where}: rows {at[i]} and {at[j]}")
        for i, j, k in zip(order, order[1:], _then(order[1:]), strict=False):
            _resumed(rows[i], rows[j], None if k is None else rows[k], f"{where}: row {at[j]}", f"row {at[i]}")
    _refuse_shared(ended, where, at)
    return tuple(ended)


def known(rows: Sequence[Row], on: date) -> tuple[Row, ...]:
    """The rows as they were known on a date: later ones are left out, and what they ended goes on.

    An end that nobody stated is known with the row that it follows from; where no row follows, when it came.
    A row that a bounded one interrupts goes on after it.
    """
    begin = {(row.sku, row.valid_from) for row in rows}

    def reopened(row: Row) -> Row:
        if not row.open_ended or row.valid_to is None:
            return row
        after = row.valid_to + ONE_DAY
        if (row.sku, after) not in begin and after <= on:
            return row
        return replace(row, valid_to=None, open_ended=False)

    kept = [reopened(row) for row in rows if row.known_from is None or row.known_from <= on]
    out: list[Row] = []
    for order in _by_sku(kept):
        going_on: Row | None = None
        for i, j in zip(order, _then(order), strict=True):
            row, later = kept[i], None if j is None else kept[j].valid_from
            if row.valid_to is None:
                going_on = row
                out.append(_until(row, later))
                continue
            out.append(row)
            after = row.valid_to + ONE_DAY
            if row.open_ended or going_on is None or (later is not None and later <= after):
                continue
            out.append(_until(replace(going_on, valid_from=after), later))
    return tuple(out)


def _then(order: list[int]) -> list[int | None]:
    """What comes after each, None after the last."""
    return [*order[1:], None]


def _until(row: Row, later: date | None) -> Row:
    """The row, ended on the eve of the next where there is one."""
    return row if later is None else replace(row, valid_to=later - ONE_DAY, open_ended=True)


def _span(first: date | None, last: date | None) -> tuple[int, int]:
    return ((first or date.min).toordinal(), (last or date.max).toordinal())


def _by_sku(rows: Sequence[AnyRow]) -> list[list[int]]:
    """Positions of the rows of each SKU, the earlier first."""
    found: dict[RowSku, list[int]] = {}
    for i, row in enumerate(rows):
        found.setdefault(row.sku, []).append(i)
    for order in found.values():
        order.sort(key=lambda i: rows[i].span[0])
    return list(found.values())


def _told(row: AnyRow) -> str:
    what = f"{row.provider} {row.model} {row.unit} ({row.service_tier})"
    hours = row.hours if isinstance(row, PriceRow) else ""
    return " ".join(part for part in (what, row.context_tier, hours) if part)


def _ended_before(row: Row, later: Row, who: str) -> Row:
    begins = later.valid_from
    if begins is None or begins == row.valid_from or (row.valid_to is not None and row.valid_to >= begins):
        since = "always" if begins is None else str(begins)
        raise PriceError(
            f"{who} both price {_told(row)} from {since}; give each day one price: "
            "end the first by valid_to, or begin the second later by valid_from"
        )
    return row if row.valid_to is not None else replace(row, valid_to=begins - ONE_DAY, open_ended=True)


def _resumed(row: AnyRow, inside: AnyRow, then: AnyRow | None, where: str, who: str) -> None:
    """Refuse a bounded row inside an open one: it does not say what is paid when it is over."""
    if row.valid_to is not None or inside.valid_to is None:
        return
    after = inside.valid_to + ONE_DAY
    if then is None or then.valid_from != after:
        raise PriceError(
            f"{where} ends on {inside.valid_to} and {who}, which it takes over "
            f"from, has no end: add a row that says what {inside.model} {inside.unit} costs from {after}"
        )


def _refuse_shared(rows: Sequence[AnyRow], where: str, at: Sequence[int]) -> None:
    """Refuse rows of one name whose request sizes, or hours, overlap in part: which of them holds is not said."""
    groups: dict[tuple[str, ...], list[int]] = {}
    for i, row in enumerate(rows):
        if isinstance(row, PriceRow) and (row.context_tier or row.hours):
            groups.setdefault(row.sku[:4], []).append(i)
    for order in groups.values():
        for n, i in enumerate(order):
            for j in order[n + 1 :]:
                one, two = rows[i], rows[j]
                assert isinstance(one, PriceRow)
                assert isinstance(two, PriceRow)
                if one.sku == two.sku or not _meet(one.span, two.span):
                    continue
                both_sized = bool(one.context_tier and two.context_tier)
                both_timed = bool(one.hours and two.hours)
                sizes = _meet(one.band, two.band) if both_sized else one.context_tier == two.context_tier
                times = any(a < d and c < b for a, b in one.minutes for c, d in two.minutes)
                times = times if both_timed else one.hours == two.hours
                if sizes and times:
                    raise PriceError(
                        f"{where}: rows {at[i]} and {at[j]} both price {_told(one)} and {_told(two)}, which overlap; "
                        "give each request size and hour one price"
                    )


def _meet(one: tuple[int, int], two: tuple[int, int]) -> bool:
    return one[0] <= two[1] and two[0] <= one[1]
