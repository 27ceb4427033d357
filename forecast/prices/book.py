"""The price book: rows of prices come in, built in or one's own; the price of any SKU on any day goes out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast import schema
from forecast.errors import PriceError, nearest, one_of
from forecast.prices import valuation
from forecast.prices.catalogue import catalogue_rows
from forecast.prices.catalogue import source as catalogue_source
from forecast.prices.matching import Layer, PriceMatch, glob_match, is_glob, match, name_or_none
from forecast.prices.rows import ANY, PriceRow, closed, exact, frame_from_rows, load, rows_from_frame
from forecast.prices.tiers import tier_factor
from forecast.prices.timeline import Quote, Sku, Timeline, on_day, timeline

if TYPE_CHECKING:
    from forecast.usage import Usage

_SHOWN: Final = 20
_HOW_TO_ADD: Final = "by PriceBook.from_frame or read"
_REMEDY_OF_UNIT: Final = {
    "total_tokens": "no vendor prices tokens of all kinds: state an average by PriceBook.blended",
    **{name: f"it is part of {unit.part_of}: price those" for name, unit in schema.UNITS.items() if unit.part_of},
}


@dataclass(frozen=True, slots=True, repr=False)
class PriceBook:
    """Dated prices by provider, model, unit and service tier.

    A price holds on whole days, both ends included: a price valid from 2026-09-01 is paid on 2026-09-01, and on
    2026-08-31 the one before it. A price without a date is taken to have held always, and is flagged ``undated``.
    What has no price is *unpriced* and listed; it never costs 0.

    A book is made by :meth:`builtin`, :meth:`read`, :meth:`from_frame` or :meth:`blended`, and laid over another by
    ``mine | theirs``: on each day and SKU, mine holds where it has a row, and theirs where it has none.

    Attributes
    ----------
    layers : tuple of Layer
        The rows by origin, in order of precedence.
    """

    layers: tuple[Layer, ...]
    _timelines: dict[Sku, Timeline] = field(default_factory=dict, init=False, compare=False)
    _matches: dict[tuple[str | None, str | None], PriceMatch] = field(default_factory=dict, init=False, compare=False)

    @classmethod
    def builtin(cls) -> PriceBook:
        """The vendors' list prices that the installed genai-prices holds, in US dollars; offline.

        A price that starts on a date holds from that day: o3's input costs 10 a million tokens on 2025-06-09 and 2
        on 2025-06-10. Of prices by the size of a request the base tier is taken, and of prices by the hour the one
        that holds for most hours of the day. Cached tokens for which a vendor lists no price cost its input price,
        which is what it bills. Each is told in the row's ``note``. ``total_tokens`` have no vendor's price: state
        one with :meth:`blended`.
        """
        return _builtin()

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, *, source: str = "<frame>") -> PriceBook:
        """A book of one's own rows.

        Parameters
        ----------
        frame : DataFrame
            Columns ``model``, ``unit`` and ``price`` (per million tokens), and optionally ``provider`` (blank or
            ``*`` is any), ``service_tier`` (``standard``), ``currency`` (``USD``), ``valid_from``, ``valid_to``,
            ``source`` and ``note``. Provider and model may be globs. Not changed.
        source : str
            Where the prices stand; for rows that do not say it themselves.

        Raises
        ------
        PriceError
            What the rules of a price row forbid; the message names the column and row, and what to do.
        """
        return cls((Layer(source, rows_from_frame(frame, source=source, where=source, first_row=0)),))

    @classmethod
    def read(cls, path: str | Path) -> PriceBook:
        """A book from a CSV file with the columns of :meth:`from_frame`, or a TOML file of ``[[prices]]`` tables.

        Raises
        ------
        PriceError
            The file cannot be read, or its rows break a rule; the message names the file, column and row.
        """
        frame, first_row = load(Path(path))
        return cls((Layer(str(path), rows_from_frame(frame, source=str(path), where=str(path), first_row=first_row)),))

    @classmethod
    def blended(
        cls,
        per_million: Decimal | float | str,
        *,
        model: str = ANY,
        provider: str = ANY,
        currency: str = "USD",
        valid_from: date | str | None = None,
    ) -> PriceBook:
        """A stated average price of a million ``total_tokens``, of any kind and service tier.

        At 2.00 a million, 3,000,000 tokens cost 6.00 whatever part of them was output. ``model`` and ``provider``
        may be globs.
        """
        price = exact(per_million)
        if price is None:
            raise PriceError(f"blended price {per_million!r} is not a price; give a number from 0 up, such as 2.50")
        since = None if valid_from is None else _as_date(valid_from)
        rows = [PriceRow(provider, model, "total_tokens", price, ANY, currency.upper(), since, None, "blended")]
        return cls((Layer("blended", closed(rows, where="blended", first_row=0)),))

    def over(self, other: PriceBook) -> PriceBook:
        """The book laid over another: on each day and SKU its rows hold, and the other's where it has none."""
        return PriceBook(self.layers + tuple(layer for layer in other.layers if layer not in self.layers))

    def __or__(self, other: PriceBook) -> PriceBook:
        return self.over(other)

    def __len__(self) -> int:
        return sum(len(layer.rows) for layer in self.layers)

    @property
    def rows(self) -> tuple[PriceRow, ...]:
        """Every row, layer after layer in order of precedence."""
        return tuple(row for layer in self.layers for row in layer.rows)

    @property
    def sha256(self) -> str:
        """A hash of the book's content: every row of every layer, in order of precedence."""
        digest = hashlib.sha256()
        for layer in self.layers:
            digest.update(f"\x1e{layer.catalogue}".encode())
            for row in sorted(layer.rows, key=lambda r: (*r.sku, r.span)):
                days = (row.valid_from, row.valid_to)
                text = (*row.sku, f"{row.price.normalize():f}", row.currency, *map(str, days), row.source, row.note)
                digest.update("\x1f".join(("", *text)).encode())
        return digest.hexdigest()

    def match(self, provider: str | None, model: str | None) -> PriceMatch:
        """Which rows price a usage's names: its own name, an alias or dated suffix of one, or a glob.

        A missing provider is inferred from the model by genai-prices' rules; where these do not say, a row prices it
        only if one provider alone has the model. Other sellers are shown.
        """
        asked = name_or_none(provider), name_or_none(model)
        if asked not in self._matches:
            self._matches[asked] = match(self.layers, *asked)
        return self._matches[asked]

    def quote(
        self,
        provider: str | None,
        model: str | None,
        unit: str,
        on: date | str | pd.Timestamp,
        *,
        service_tier: str = "standard",
    ) -> Quote:
        """The price of one SKU on a day, with the row it comes from and what is assumed.

        Where the book has no row of a service tier, a published factor on the standard price serves (``batch``: half
        at OpenAI, Anthropic and Google; ``flex``: half at OpenAI); any other tier is unpriced.

        Raises
        ------
        PriceError
            There is no such price; the message says why, and names the nearest model.
        """
        one_of("unit", unit, tuple(schema.UNITS), PriceError)
        one_of("service tier", service_tier, schema.SERVICE_TIERS, PriceError)
        sku, day = Sku(name_or_none(provider), name_or_none(model), unit, service_tier), _as_date(on)
        quote = on_day(self._timeline(sku), day.toordinal())
        if quote is None:
            reason, remedy = self._why_unpriced(sku, day.toordinal())
            raise PriceError(f"{sku} has no price on {day}: {reason}; {remedy}")
        return quote

    def price(
        self,
        provider: str | None,
        model: str | None,
        unit: str,
        on: date | str | pd.Timestamp,
        *,
        service_tier: str = "standard",
    ) -> Decimal:
        """The exact price of one SKU on a day, per as many units as are quoted: per million tokens.

        Raises
        ------
        PriceError
            There is no such price; the message says why, and names the nearest model.
        """
        return self.quote(provider, model, unit, on, service_tier=service_tier).price

    def matrix(self, skus: pd.DataFrame, days: pd.DatetimeIndex) -> npt.NDArray[np.float64]:
        """Prices for a simulation: float array (day, sku) of money per ONE unit, nan where unpriced.

        Parameters
        ----------
        skus : DataFrame
            Columns provider, model, unit, and optionally service_tier; null provider and tier as in a usage.
        days : DatetimeIndex
            Days of the billing zone; the time of day is dropped.

        Raises
        ------
        PriceError
            An unknown unit or tier, or prices in two currencies.
        """
        return valuation.sku_matrix(skus, days, self._timeline)

    def currency_of(self, skus: pd.DataFrame, days: pd.DatetimeIndex) -> str | None:
        """The one currency of :meth:`matrix`, or None where nothing is priced.

        Raises
        ------
        PriceError
            Prices in two currencies; the message names both, and an SKU of each.
        """
        return valuation.sku_currency(skus, days, self._timeline)

    def cost(self, usage: Usage | pd.DataFrame) -> pd.Series:
        """Money per row (row,): Σ quantity · price on the row's date, over the billable units.

        Nan where a quantity that is not 0 has no price, never 0; and where nothing billable is known. A null
        quantity is one that the export does not have. A monthly row pays the price of its first day.
        """
        return valuation.usage_cost(_frame_of(usage), self._timeline)

    def unpriced(self, usage: Usage | pd.DataFrame) -> pd.DataFrame:
        """What of a usage has no price, and what it weighs: a row for each SKU, heaviest first.

        Columns provider, model, service_tier, unit, rows, quantity, share (of all tokens; nan for other units),
        first and last (date without a price), reason, remedy. Empty where everything is priced.
        """
        return valuation.unpriced_usage(_frame_of(usage), self._timeline, self._why_unpriced)

    def history(self, model: str, provider: str | None = None) -> pd.DataFrame:
        """The dated rows that price a model: by unit, tier and date; own rows before built-in ones.

        Raises
        ------
        PriceError
            No row prices the model; the message names the nearest.
        """
        found = self.match(provider, model)
        if not found.families:
            raise PriceError(f"{model!r} is not in {self._names()}{self._nearest(provider, model)}")
        table = frame_from_rows([row for family in found.families for row in family.rows])
        unit = pd.Categorical(table["unit"], categories=list(schema.UNITS), ordered=True)
        order = table.assign(unit=unit, layer=np.arange(len(table)))
        order = order.sort_values(["unit", "service_tier", "valid_from", "layer"], na_position="first")
        return table.loc[order.index].reset_index(drop=True)

    def to_frame(self) -> pd.DataFrame:
        """Every row as a table, with what one price buys (``per``) and whether the row is ``undated``."""
        return frame_from_rows(self.rows)

    def __repr__(self) -> str:
        rows = self.rows
        currencies = ", ".join(sorted({row.currency for row in rows}))
        models = len({(row.provider, row.model) for row in rows})
        undated = sum(row.undated for row in rows)
        return (
            f"PriceBook({self._names()}: {len(rows):,} rows, {models:,} models, {currencies}, "
            f"{undated:,} rows undated, sha256 {self.sha256[:12]})"
        )

    def _repr_html_(self) -> str:
        text = repr(self).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        table = frame_from_rows(self.rows[:_SHOWN]).to_html(index=False, na_rep="", border=0)
        rest = len(self) - _SHOWN
        return f"<p>{text}</p>{table}" + (f"<p>and {rest:,} more rows</p>" if rest > 0 else "")

    def _names(self) -> str:
        return " over ".join(layer.name for layer in self.layers)

    def _timeline(self, sku: Sku) -> Timeline:
        if sku not in self._timelines:
            self._timelines[sku] = timeline(sku, self.match(sku.provider, sku.model))
        return self._timelines[sku]

    def _why_unpriced(self, sku: Sku, ordinal: int) -> tuple[str, str]:
        """The reason that a SKU has no price on a day, and what to do about it."""
        found = self.match(sku.provider, sku.model)
        if not found.families:
            return self._why_unknown(found)
        priced = [row for family in found.families for row in family.rows if row.unit == sku.unit]
        if not priced:
            return "no price for this unit", _REMEDY_OF_UNIT.get(sku.unit, f"add a row for it {_HOW_TO_ADD}")
        factor = tier_factor(found.seller, sku.service_tier)
        tiers = {sku.service_tier, ANY} | ({"standard"} if factor and factor.of(sku.unit) else set())
        if not any(row.service_tier in tiers for row in priced):
            return "no price for this service tier", f"add a row of tier {sku.service_tier!r} {_HOW_TO_ADD}"
        first = min(row.span[0] for row in priced)
        since = f"the first price is of {date.fromordinal(first)}: " if ordinal < first else ""
        return "no price on this date", f"{since}add a row that holds on it {_HOW_TO_ADD}"

    def _why_unknown(self, found: PriceMatch) -> tuple[str, str]:
        if found.model is None:
            return "no model", f"name it, or add a row whose model is * {_HOW_TO_ADD}"
        if found.provider is None and found.others:
            return "no provider", f"name one of {', '.join(found.others)}"
        sellers = {row.provider.casefold() for row in self.rows}
        known = found.seller is None or any(glob_match(seller, found.seller) for seller in sellers)
        elsewhere = self.match(None, found.model)
        if elsewhere.families and elsewhere.seller:
            hint = f"is it {elsewhere.seller}'s? Then name that provider."
        else:
            hint = self._nearest(found.seller, found.model) if known else nearest(found.seller, sorted(sellers))
        return ("unknown model" if known else "unknown provider"), _if_not(hint.removeprefix("; "))

    def _nearest(self, provider: str | None, model: str) -> str:
        seller = self.match(provider, model).seller or ""
        rows = [row for row in self.rows if not is_glob(row.model)]
        own = {row.model for row in rows if row.provider.casefold() == seller.casefold()}
        return nearest(model, sorted(own or {row.model for row in rows}))


@cache
def _builtin() -> PriceBook:
    return PriceBook((Layer(catalogue_source(), catalogue_rows(), catalogue=True),))


def _frame_of(usage: Usage | pd.DataFrame) -> pd.DataFrame:
    return usage if isinstance(usage, pd.DataFrame) else usage.frame


def _if_not(hint: str) -> str:
    """The nearest name as a remedy, and what to do if it is not the one."""
    add = f"add rows for it {_HOW_TO_ADD}"
    return f"{hint} If not, {add}" if hint else add


def _as_date(on: date | str | pd.Timestamp) -> date:
    if isinstance(on, datetime):
        return on.date()
    if isinstance(on, date):
        return on
    try:
        return datetime.fromisoformat(on).date()
    except (TypeError, ValueError) as cause:
        raise PriceError(f"{on!r} is not a day; give it as 2026-09-01") from cause
