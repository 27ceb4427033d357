"""Cost reconciliation. Comes in: usage, prices, and what was billed. Goes out: what differs, and why, to the cent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Final, Literal, get_args

import numpy as np
import pandas as pd

from forecast import schema
from forecast.errors import UsageError, one_of
from forecast.panel import FloatArray
from forecast.prices import PriceBook
from forecast.reconciliation import effective_prices
from forecast.reconciliation.bill_lines import MONTH, Lines, lines_of
from forecast.reconciliation.causes import CAUSES, Explained, explain
from forecast.reconciliation.evidence import discount_table, price_table
from forecast.usage import Usage

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: What a reconciliation can draw.
Picture = Literal["causes", "prices"]
#: A row's money was rounded to the cent.
HALF_A_CENT: Final = 0.005
_SHOWN: Final = 12
_MONEY: Final = ("priced", "list", "billed")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Reconciliation:
    """Priced usage beside billed cost, with every difference laid to named causes.

    In each row ``billed - priced = difference = Σ causes``, to the cent; an unknown amount counts as nothing there and
    stays null in its own column.

    Attributes
    ----------
    table : DataFrame
        A row for each combination of ``by``: ``rows`` (of the export), ``priced`` (list cost by the price book; null
        where nothing has a price), ``list`` (the export's own list cost, where it has one), ``billed``, ``difference``,
        a column for each cause, and ``status``: ``agrees`` (but for rounding), ``explained`` or ``unexplained``.
        Rounded to the cent here, once; sums of rows are exact.
    causes : DataFrame
        A row for each cause that has money: ``cause``, ``meaning``, ``amount``, ``rows`` (of ``table``), ``share`` of
        the absolute differences, and whether any of it was ``inferred`` from ratios rather than told by the export.
    discounts : DataFrame
        Stable ratios of billed to list cost: ``provider``, ``model`` (null: all that share the rate), ``service_tier``,
        ``first`` and ``last`` date, ``days`` seen, ``discount`` (0.05 is 5 % off list; negative is a mark-up), ``low``
        and ``high`` (what rounding allows), and ``inferred`` where the export has no list cost.
    list_prices : DataFrame
        Where list prices are not the book's: ``provider``, ``model``, ``service_tier``, ``first``, ``last``, ``rows``,
        ``priced``, ``listed`` (what the bill rests on), ``ratio``; and the ``unit`` whose price differs
        and by how much a million (``price_difference``), where one difference a unit explains the lines.
    by : tuple of str
    currency : str
    tolerance : float
        How far rounding may have moved the money of one row.
    notes : tuple of str
        What was left out, joined or assumed.
    cells : DataFrame
        Day, provider, model, tokens, priced and billed of usage: what effective prices are made of.
    """

    table: pd.DataFrame
    causes: pd.DataFrame
    discounts: pd.DataFrame
    list_prices: pd.DataFrame
    by: tuple[str, ...]
    currency: str
    tolerance: float
    notes: tuple[str, ...]
    cells: pd.DataFrame = field(repr=False)

    @property
    def priced(self) -> float:
        """What the usage lists at, by the price book."""
        return round(float(self.table["priced"].sum()), 2)

    @property
    def billed(self) -> float:
        """What was billed, credits and taxes included."""
        return round(float(self.table["billed"].sum()), 2)

    @property
    def unexplained(self) -> pd.DataFrame:
        """The rows of ``table`` with money that no cause explains, the most first."""
        rows = self.table[self.table["unexplained"].abs() > 0]
        return rows.sort_values("unexplained", key=lambda v: -v.abs(), kind="stable").reset_index(drop=True)

    @property
    def summary(self) -> pd.DataFrame:
        """Sums by provider and model (those of ``by``), the most billed first, and ``effective_discount``.

        The effective discount is ``1 - billed / priced`` of everything billed, credits included: FinOps' effective
        savings against list. Null where nothing has a price.
        """
        return self.totals([c for c in ("provider", "model") if c in self.by])

    def totals(self, by: str | Sequence[str] = ()) -> pd.DataFrame:
        """Add rows up by some of the ``by`` columns, or all of them into one row.

        Raises
        ------
        UsageError
            ``by`` names a column that rows are not told apart by.
        """
        keys = [by] if isinstance(by, str) else list(by)
        for key in keys:
            if key not in self.by:
                raise UsageError(f"by {key!r} is not one of {', '.join(self.by)}; pass it to reconcile(by=...) first")
        money = [c for c in (*_MONEY, "difference", *CAUSES) if c in self.table]
        source = self.table if keys else self.table.assign(_all="all")
        grouped = source.groupby(keys or "_all", dropna=False, sort=False)
        summed = grouped[money].sum(min_count=1).round(2).join(grouped["rows"].sum()).reset_index()
        discount = 1 - summed["billed"] / summed["priced"].where(summed["priced"] > 0)
        out = summed[[*keys, "rows", *money]].assign(effective_discount=discount)
        dated = [k for k in keys if k in (schema.DATE, MONTH)]
        return out.sort_values(dated or "billed", ascending=bool(dated), kind="stable", ignore_index=True)

    def effective_prices(self, period: str = "ME") -> pd.DataFrame:
        """The effective price of a million tokens beside its list price, by provider, model and period.

        Parameters
        ----------
        period : str
            A pandas alias, such as ``"D"`` or ``"ME"``; each is told by its first day.

        Returns
        -------
        DataFrame
            ``period``, ``provider``, ``model``, ``tokens``, ``priced``, ``billed``, ``list_price``, ``effective_price``
            (money a million tokens: ratios of sums) and ``effective_discount``. Usage alone: no credits, no taxes.
        """
        keys = [c for c in ("provider", "model") if c in self.cells]
        return effective_prices.by_period(self.cells, period, keys)

    def plot(self, what: Picture = "causes", ax: Axes | None = None) -> Axes:
        """A waterfall from list cost to the bill, or each model's effective price beside its list price.

        Parameters
        ----------
        what : {"causes", "prices"}
        ax : Axes, optional

        Raises
        ------
        UsageError
            ``what`` is neither.
        """
        from forecast.reconciliation.figures import price_gaps, waterfall

        one_of("plot", what, get_args(Picture), UsageError)
        return waterfall(self, ax) if what == "causes" else price_gaps(self, ax)

    def __repr__(self) -> str:
        left = round(float(self.table["unexplained"].abs().sum()), 2)
        told = "every difference explained" if left == 0 else f"{left:,.2f} unexplained"
        return f"Reconciliation(priced {self.priced:,.2f}, billed {self.billed:,.2f} {self.currency}; {told})"

    def _repr_html_(self) -> str:
        causes = self.causes.assign(amount=self.causes["amount"].map("{:,.2f}".format))[["cause", "meaning", "amount"]]
        summary = self.summary
        shown = summary[[c for c in summary if c not in CAUSES or (summary[c] != 0).any()]].head(_SHOWN)
        rest = len(summary) - len(shown)
        parts = [f"<p>{escape(repr(self))}</p>", causes.to_html(index=False, border=0)]
        parts.append(shown.to_html(index=False, border=0, na_rep="", float_format="{:,.2f}".format))
        parts += [f"<p>and {rest:,} more, in summary</p>"] if rest > 0 else []
        if len(self.discounts):
            parts.append(self.discounts.to_html(index=False, border=0, na_rep=""))
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        return "".join(parts) + (f"<ul>{notes}</ul>" if notes else "")


def reconcile(
    usage: Usage,
    prices: PriceBook,
    *,
    by: str | Sequence[str] = (schema.DATE, "model", "provider"),
    bill: Usage | None = None,
    tolerance: float = HALF_A_CENT,
) -> Reconciliation:
    """Hold what usage lists at against what was billed, and say why they differ.

    For every line, ``billed - priced = Σ causes``: list prices that are not the book's, negotiated discounts, usage
    without a price, usage without money, money without usage, money that came late, days billed twice, cents read as
    dollars, credits, refunds, adjustments, taxes, purchases, rounding, and what is left unexplained.

    Where the export has a list cost, the discount is taken off that, and list cost less priced is a difference of list
    prices. Where it has none, a ratio of billed to priced that the models of a provider share over a span of days,
    within rounding, is inferred to be its discount; a model apart from the others, or one whose lines are explained by
    one price a unit, is billed by another list price. (A discount on one model alone would look the same.)

    Parameters
    ----------
    usage : Usage
    prices : PriceBook
        List prices by date, in the bill's currency.
    by : sequence of str
        What rows of the table tell apart: ``date`` (the day), ``month``, and columns of the usage.
    bill : Usage, optional
        A cost export, where usage and cost come apart. The two are added up by day (by month where one of them is
        monthly), provider, model and what else ``by`` names, as far as both have them.
    tolerance : float
        How far rounding may have moved the money of one row, half a cent by default. A cell of several rows may be off
        by as many times this.

    Returns
    -------
    Reconciliation

    Raises
    ------
    UsageError
        There is no billed cost, ``by`` names a column that is not there, or the exports have no day in common.
    PriceError
        The prices are in another currency than the bill.

    Source: cost columns and charge categories as in FOCUS 1.2 (ListCost, BilledCost, ChargeCategory).
    """
    columns = (by,) if isinstance(by, str) else tuple(by)
    if not tolerance >= 0:
        raise UsageError(f"tolerance={tolerance!r} is not an amount of money from 0 up, such as 0.005")
    lines = lines_of(usage, prices, bill, columns)
    found = explain(lines, tolerance)
    table = _table(lines, found, columns)
    return Reconciliation(
        table,
        _causes(table, found),
        discount_table(lines, found),
        price_table(lines, found, tolerance),
        columns,
        lines.currency,
        tolerance,
        lines.notes,
        _cells(lines),
    )


def _table(lines: Lines, found: Explained, by: tuple[str, ...]) -> pd.DataFrame:
    """Lines added up by ``by`` and rounded once."""
    keyed = lines.frame.assign(month=lines.frame[schema.DATE].dt.to_period("M").dt.start_time, **found.amounts)
    money = [c for c in _MONEY if keyed[c].notna().any() or c != "list"]
    keys = list(by)
    whole = keyed.assign(_all="all")
    # Neighbours of one provider and model are rounded together, so that their sums are those of the exact amounts.
    order = [c for c in (*(k for k in keys if k not in (schema.DATE, MONTH)), *keys) if c in keys]
    grouped = whole.groupby(list(dict.fromkeys(order)) or "_all", dropna=False, sort=True)
    sums = grouped[[*money, *CAUSES]].sum(min_count=1).join(grouped["rows"].sum()).reset_index()
    cents = {c: _in_cents(sums[c].to_numpy(dtype="float64")) for c in (*money, *CAUSES)}
    difference = np.nan_to_num(cents["billed"]) - np.nan_to_num(cents["priced"])
    cents["rounding"] = difference - sum(cents[c] for c in CAUSES if c != "rounding")
    exact = {c: cents[c] / 100 for c in money} | {"difference": difference / 100} | {c: cents[c] / 100 for c in CAUSES}
    other = [c for c in CAUSES if c != "rounding"]
    agrees = (sums[other].abs().sum(axis=1) == 0).to_numpy()
    status = np.where(cents["unexplained"] != 0, "unexplained", np.where(agrees, "agrees", "explained"))
    table = sums[[*keys, "rows"]].assign(**exact, status=status)
    return table.sort_values(keys, kind="stable", ignore_index=True) if keys else table


def _in_cents(money: FloatArray) -> FloatArray:
    """Whole cents whose running sums are the exact running sums, rounded: nothing drifts, and 0 stays 0."""
    running = np.cumsum(np.nan_to_num(money)) * 100
    # A double of a sum of cents lies a hair off: halves are decided after that hair is taken off.
    rounded = np.floor(np.round(running, 6) + 0.5)
    return np.where(np.isnan(money), np.nan, np.diff(rounded, prepend=0.0))


def _causes(table: pd.DataFrame, found: Explained) -> pd.DataFrame:
    """The causes that have money, in the order in which they are told."""
    names = [c for c in CAUSES if (table[c] != 0).any()]
    size = {c: float(table[c].abs().sum()) for c in names}
    whole = sum(size.values())
    by_ratio = {c: bool((found.amounts[c][~found.listed] != 0).any()) for c in ("list_price", "discount")}
    return pd.DataFrame(
        {
            "cause": names,
            "meaning": [CAUSES[c] for c in names],
            "amount": [round(float(table[c].sum()), 2) for c in names],
            "rows": [int((table[c] != 0).sum()) for c in names],
            "share": [size[c] / whole for c in names],
            "inferred": [by_ratio.get(c, False) for c in names],
        }
    )


def _cells(lines: Lines) -> pd.DataFrame:
    """Day, provider, model, tokens, priced and billed of usage."""
    frame = lines.frame
    tokens = np.array([schema.UNITS[u].token for u in lines.units], dtype=bool)
    keys = [c for c in ("provider", "model") if c in lines.keys]
    own = frame[[schema.DATE, *keys, "priced", "billed"]].assign(tokens=lines.quantities[:, tokens].sum(axis=1))
    return own[(frame["category"] == "usage") & (own["tokens"] > 0)].reset_index(drop=True)
