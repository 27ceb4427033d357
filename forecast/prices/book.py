"""The price book: rows of prices come in, built in or one's own; the price of any SKU on any day goes out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, time
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast import schema
from forecast.errors import PriceError
from forecast.prices import valuation
from forecast.prices.asking import as_date, asked
from forecast.prices.catalogue import catalogue_rows
from forecast.prices.catalogue import source as catalogue_source
from forecast.prices.dated import ANY, AnyRow, Discount, PriceRow, known
from forecast.prices.lists import Known, lists_used
from forecast.prices.matching import Layer, PriceMatch, match, name_or_none
from forecast.prices.rows import closed, exact, frame_from_rows, load, rows_from_frame, share_of
from forecast.prices.timeline import Quote, Sku, Timeline, on_day
from forecast.shown import Result, Shown, table_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from forecast.prices.settling import Kind, Share
    from forecast.usage import Usage

_SHOWN: Final = 20
#: Columns that are shown, where they hold anything.
_READ: Final = (
    *("provider", "model", "unit", "price", "per", "currency", "service_tier", "region", "context_tier"),
    *("hours", "valid_from", "valid_to", "note"),
)


@dataclass(frozen=True, slots=True, repr=False)
class PriceBook(Result):
    """Dated prices by provider, model, unit, service tier, size of request and hour.

    A price holds on whole days, both ends included: a price valid from 2026-09-01 is paid on 2026-09-01, and on
    2026-08-31 the one before it. A price without a date is taken to have held always, and is flagged ``undated``.
    What has no price is *unpriced* and listed; it never costs 0.

    Where requests are priced by their size, a usage's ``context_tier`` decides; without one the base tier is taken and
    told, unless :meth:`with_long_share` states a share. Where hours are priced apart, hourly usage pays the price of
    its own hour; daily usage the price of most hours, told, unless :meth:`with_off_peak_share` states a share.

    A book is made by :meth:`builtin`, :meth:`read`, :meth:`from_frame` or :meth:`blended`, and laid over another by
    ``mine | theirs``: on each day and SKU, mine holds where it has a row, and theirs where it has none.

    Attributes
    ----------
    layers : tuple of Layer
        The rows by origin, in order of precedence.
    shares : tuple of Share
        What is stated of tokens in long requests and in off-peak hours, the latest first.
    """

    layers: tuple[Layer, ...]
    shares: tuple[Share, ...] = ()
    _timelines: dict[Sku, Timeline] = field(default_factory=dict, init=False, compare=False)
    _matches: dict[tuple[str | None, str | None], PriceMatch] = field(default_factory=dict, init=False, compare=False)
    _digest: list[str] = field(default_factory=list, init=False, compare=False)

    @classmethod
    def builtin(cls) -> PriceBook:
        """The vendors' list prices that the installed genai-prices holds, in US dollars; offline.

        A price that starts on a date holds from that day: o3's input costs 10 a million tokens on 2025-06-09 and 2
        on 2025-06-10. Requests above a threshold of input tokens have rows of their ``context_tier``, and hours with
        a price of their own rows of their ``hours``. Cached tokens for which a vendor lists no price cost its input
        price, which is what it bills, and is told in the row's ``note``. ``total_tokens`` have no vendor's price:
        state one with :meth:`blended`.
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
            ``known_from`` (when it was announced; ``valid_from``), ``context_tier`` (``<=200k``, ``>200k``; every
            size of request), ``hours`` (``16:30-00:30``, UTC; all), ``source`` and ``note``. Provider and model may
            be globs. A row with a ``discount`` in place of a price takes that share off what the layers beneath say,
            of its unit or of every one (``*``); two do not stack within a layer unless ``stacks`` says so. Not
            changed.
        source : str
            Where the prices stand; for rows that do not say it themselves.

        Raises
        ------
        PriceError
            What the rules of a price row forbid; the message names the column and row, and what to do.
        """
        return cls((_layer(source, frame, 0),))

    @classmethod
    def read(cls, path: str | Path) -> PriceBook:
        """A book from a CSV file with the columns of :meth:`from_frame`, or a TOML file of ``[[prices]]`` tables.

        Raises
        ------
        PriceError
            The file cannot be read, or its rows break a rule; the message names the file, column and row.
        """
        frame, first_row = load(Path(path))
        return cls((_layer(str(path), frame, first_row),))

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
        since = None if valid_from is None else as_date(valid_from)
        rows = [PriceRow(provider, model, "total_tokens", price, ANY, currency.upper(), since, None, "blended")]
        return cls((Layer("blended", closed(rows, where="blended", first_row=0)),))

    def over(self, other: PriceBook) -> PriceBook:
        """The book laid over another: on each day and SKU its rows hold, and the other's where it has none."""
        layers = self.layers + tuple(layer for layer in other.layers if layer not in self.layers)
        return PriceBook(layers, self.shares + tuple(share for share in other.shares if share not in self.shares))

    def __or__(self, other: PriceBook) -> PriceBook:
        return self.over(other)

    def known(self, on: date | str | pd.Timestamp) -> PriceBook:
        """The book as it was known on a date: what a decision of that day could have used.

        Rows that were announced later (``known_from``) are left out, and the rows that they ended go on: a book that
        did not know of a rise on 1 January continues the old price. Rows without a date are always known.
        """
        day = as_date(on)
        layers = [replace(la, rows=known(la.rows, day), discounts=known(la.discounts, day)) for la in self.layers]
        return PriceBook(tuple(layers), self.shares)

    def with_long_share(self, share: Decimal | float | str, model: str = ANY) -> PriceBook:
        """The book for usage without a ``context_tier``, of whose tokens a share stands in long requests.

        The price is ``(1 - share) * base + share * long``, exact: of a base price of 3 and 6 above 200,000 tokens, a
        share of 0.25 costs 3.75. ``model`` may be a glob; of several that fit, the one with the most letters holds.
        A model with several long tiers is then unpriced, since a share does not say which.

        Raises
        ------
        PriceError
            The share is not a number from 0 to 1.
        """
        return self._with_share("long", share, model)

    def with_off_peak_share(self, share: Decimal | float | str, model: str = ANY) -> PriceBook:
        """The book for daily usage, of whose tokens a share is used in the cheaper hours of the day.

        The price is ``(1 - share) * peak + share * off_peak``, exact. Hourly usage pays the price of its own hour.

        Raises
        ------
        PriceError
            The share is not a number from 0 to 1.
        """
        return self._with_share("off-peak", share, model)

    def __len__(self) -> int:
        return sum(len(layer.rows) + len(layer.discounts) for layer in self.layers)

    @property
    def rows(self) -> tuple[PriceRow, ...]:
        """Every price, layer after layer in order of precedence."""
        return tuple(row for layer in self.layers for row in layer.rows)

    @property
    def discounts(self) -> tuple[Discount, ...]:
        """Every discount, layer after layer in order of precedence."""
        return tuple(off for layer in self.layers for off in layer.discounts)

    @property
    def sha256(self) -> str:
        """A hash of the book's content: every row of every layer, in order of precedence, and the stated shares."""
        from forecast.prices.comparison import digest

        if not self._digest:
            self._digest.append(digest(self.layers, self.shares))
        return self._digest[0]

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
        context_tier: str | None = None,
        request_tokens: int | None = None,
        at: int | time | pd.Timestamp | str | None = None,
    ) -> Quote:
        """The price of one SKU on a day, with the row it comes from and what is assumed.

        Where the book has no row of a service tier, a published factor on the standard price serves (``batch``: half
        at OpenAI, Anthropic and Google; ``flex``: half at OpenAI); any other tier is unpriced.

        Parameters
        ----------
        context_tier : str, optional
            The size of the requests as an export says it: ``"<=200k"``, ``"0-200k"``, ``"> 200,000"``, ``"long"``.
        request_tokens : int, optional
            Input tokens of one request, cached ones included; all of it pays the price of its size.
        at : int, time or Timestamp, optional
            The hour (UTC), or a timestamp with it; without one, the price of most hours.

        Raises
        ------
        PriceError
            There is no such price; the message says why, and names the nearest model.
        """
        sku, day = asked(
            (provider, model),
            unit,
            on,
            service_tier=service_tier,
            context_tier=context_tier,
            request_tokens=request_tokens,
            at=at,
        )
        quote = on_day(self._timeline(sku).quotes, day.toordinal())
        if quote is None:
            raise PriceError(f"{sku} has no price on {day}: {'; '.join(self._why_unpriced(sku, day.toordinal()))}")
        return quote

    def price(
        self,
        provider: str | None,
        model: str | None,
        unit: str,
        on: date | str | pd.Timestamp,
        *,
        service_tier: str = "standard",
        context_tier: str | None = None,
        request_tokens: int | None = None,
        at: int | time | pd.Timestamp | str | None = None,
    ) -> Decimal:
        """The exact price of one SKU on a day, per as many units as are quoted: per million tokens.

        The arguments are those of :meth:`quote`.

        Raises
        ------
        PriceError
            There is no such price; the message says why, and names the nearest model.
        """
        return self.quote(
            provider,
            model,
            unit,
            on,
            service_tier=service_tier,
            context_tier=context_tier,
            request_tokens=request_tokens,
            at=at,
        ).price

    def matrix(self, skus: pd.DataFrame, days: pd.DatetimeIndex) -> npt.NDArray[np.float64]:
        """Prices for a simulation: float array (day, sku) of money per ONE unit, nan where unpriced.

        Parameters
        ----------
        skus : DataFrame
            Columns provider, model, unit, and optionally service_tier and context_tier; null provider and tiers as
            in a usage.
        days : DatetimeIndex
            Days of the billing zone; hours where not all of them are at midnight.

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
        quantity is one that the export does not have. A monthly row pays the price of its first day, and an hourly
        row that of the hour's beginning: of a Usage in its billing zone, of a frame in UTC.
        """
        return valuation.usage_cost(_frame_of(usage), self._timeline, _clock_of(usage))

    def unpriced(self, usage: Usage | pd.DataFrame) -> pd.DataFrame:
        """What of a usage has no price, and what it weighs: a row for each SKU, heaviest first.

        Columns provider, model, service_tier, context_tier, unit, rows, quantity, share (of all tokens; nan for other
        units), first and last (date without a price), reason, remedy. Empty where everything is priced.
        """
        return valuation.unpriced_usage(_frame_of(usage), self._timeline, self._why_unpriced, _clock_of(usage))

    def lists(self, skus: pd.DataFrame, on: date | str | pd.Timestamp) -> list[Known]:
        """What the prices of SKUs on a day rest on: lists, published factors and discounts, each with its date.

        ``skus`` as of :meth:`matrix`. What has no price rests on nothing.
        """
        return lists_used(valuation.sku_table(skus), as_date(on), self._timeline, self.rows)

    def history(self, model: str, provider: str | None = None) -> pd.DataFrame:
        """The dated prices of a model, by unit, tiers, hours and date; own rows before built-in ones.

        Discounts are not among them: :attr:`discounts` lists those.

        Raises
        ------
        PriceError
            No row prices the model; the message names the nearest.
        """
        found = self.match(provider, model)
        if not found.families:
            from forecast.prices.reasons import nearest_model

            hint = nearest_model(self.layers, found.seller, model)
            raise PriceError(f"{model!r} is not in {self._names()}{hint}")
        table = frame_from_rows([row for family in found.families for row in family.rows])
        unit = pd.Categorical(table["unit"], categories=list(schema.UNITS), ordered=True)
        order = table.assign(unit=unit, layer=np.arange(len(table)))
        by = ["unit", "service_tier", "context_tier", "hours", "valid_from", "layer"]
        order = order.sort_values(by, na_position="first")
        return table.loc[order.index].reset_index(drop=True)

    def diff(self, other: PriceBook) -> pd.DataFrame:
        """Where another book says something else than this one: what was added, removed, or changed in price.

        Returns
        -------
        DataFrame
            A row for each span of days: change (``added``: the other alone has it; ``removed``; ``changed``), what
            (``price`` or ``discount``), provider, model, unit, service_tier, context_tier, hours, valid_from and
            valid_to (NaT: open), price_from, price_to (Decimal), currency_from, currency_to, and percent (float; nan
            where there is nothing to compare). Empty where the books agree.
        """
        from forecast.prices.comparison import differences

        return differences(self.layers, other.layers)

    def plot(
        self,
        model: str,
        *,
        provider: str | None = None,
        service_tier: str = "standard",
        units: tuple[str, ...] = ("input_tokens", "cache_read_tokens", "output_tokens"),
        on: date | str | pd.Timestamp | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """A model's prices over time, a step a change; what lies after ``on`` (today) is dashed.

        Raises
        ------
        PriceError
            No row prices the model; the message names the nearest.
        """
        from forecast.prices.figures import price_steps

        day = date.today() if on is None else as_date(on)
        return price_steps(self, model, provider, service_tier, units, day, ax)

    def timeline(
        self,
        provider: str | None,
        model: str | None,
        unit: str,
        *,
        service_tier: str = "standard",
        context_tier: str | None = None,
        at: int | time | pd.Timestamp | str | None = None,
    ) -> tuple[Quote, ...]:
        """Every price that one SKU has had, has and is known to get: a quote a span of days, earlier ones first.

        The arguments are those of :meth:`quote`.
        """
        names = provider, model
        sku = asked(names, unit, date.min, service_tier=service_tier, context_tier=context_tier, at=at).sku
        return self._timeline(sku).quotes

    def to_frame(self) -> pd.DataFrame:
        """Every row as a table, with what one price buys (``per``) and whether the row is ``undated``."""
        return frame_from_rows(self._every)

    def __repr__(self) -> str:
        rows = self.rows
        currencies = ", ".join(sorted({row.currency for row in rows}))
        models = len({(row.provider, row.model) for row in rows})
        undated = sum(row.undated for row in rows)
        off = f"{len(self.discounts):,} discounts, " if self.discounts else ""
        return (
            f"PriceBook({self._names()}: {len(rows):,} rows, {models:,} models, {currencies}, "
            f"{undated:,} rows undated, {off}sha256 {self.sha256[:12]})"
        )

    def show(self) -> Shown:
        """The first rows, and how many there are."""
        rows = frame_from_rows(self._every[:_SHOWN])
        rows = rows[[c for c in _READ if c in rows and rows[c].replace("", None).notna().any()]]
        rest = len(self) - _SHOWN
        table = table_of(
            rows, kinds={"price": "price", "source": "label"}, caption="Prices of a million tokens, or of one unit."
        )
        more = f"\u2026 and {rest:,} more rows, in prices.to_frame()" if rest > 0 else ""
        return Shown(
            "Price book", repr(self).removeprefix("PriceBook(").removesuffix(")"), (replace(table, more=more),)
        )

    @property
    def _every(self) -> list[AnyRow]:
        return [row for layer in self.layers for row in layer.every]

    def _names(self) -> str:
        return " over ".join(layer.name for layer in self.layers)

    def _timeline(self, sku: Sku) -> Timeline:
        if sku in self._timelines:
            return self._timelines[sku]
        from forecast.prices.settling import shares_for, timeline

        found = self.match(sku.provider, sku.model)
        made = timeline(sku, found, shares_for(self.shares, found))
        if sku.request is None:  # requests are as many as there are sizes
            self._timelines[sku] = made
        return made

    def _why_unpriced(self, sku: Sku, ordinal: int) -> tuple[str, str]:
        """The reason that a SKU has no price on a day, and what to do about it."""
        from forecast.prices.reasons import Book, why_unpriced

        why = why_unpriced(Book(self.layers, self.match, self._timeline), sku, ordinal)
        return why.reason, why.remedy

    def _with_share(self, kind: Kind, share: Decimal | float | str, model: str) -> PriceBook:
        from forecast.prices.settling import Share

        exactly = share_of(share)
        if exactly is None:
            raise PriceError(f"{kind} share {share!r} is not a share; give a number from 0 to 1, such as 0.25")
        if not model.strip():
            raise PriceError(f"{kind} share of no model; name one, a glob such as 'gpt-5*', or '*' for all")
        return PriceBook(self.layers, (Share(kind, exactly, model), *self.shares))


@cache
def _builtin() -> PriceBook:
    return PriceBook((Layer(catalogue_source(), catalogue_rows(), catalogue=True),))


def _layer(name: str, frame: pd.DataFrame, first_row: int) -> Layer:
    rows = rows_from_frame(frame, source=name, where=name, first_row=first_row)
    return Layer(name, rows.prices, discounts=rows.discounts)


def _frame_of(usage: Usage | pd.DataFrame) -> pd.DataFrame:
    return usage if isinstance(usage, pd.DataFrame) else usage.frame


def _clock_of(usage: Usage | pd.DataFrame) -> valuation.Clock:
    """What the dates are; a frame does not say."""
    return valuation.Clock(getattr(usage, "timezone", None), getattr(usage, "grain", None) == "hour")
