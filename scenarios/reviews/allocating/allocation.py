"""An allocation. Comes in: lines of every payer in cents. Goes out: who pays what, invoices, unit costs, files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, get_args

import numpy as np
import pandas as pd

from forecast import schema
from forecast.errors import PlanError, UsageError, nearest, one_of
from forecast.shown import CellKind, Result, Shown, table_of
from scenarios.reviews.allocating.bill import LINE, MONTH, QUANTITY, TOKENS, UNIT
from scenarios.reviews.allocating.dealing import DIRECT, ROUTE, SHARED, UNALLOCATED
from scenarios.reviews.allocating.keys import Key

#: What costs may be told by.
PER: Final = ("users", "requests", "tasks")
Basis = Literal["total", "direct"]
#: The columns of an invoice after those of who pays.
INVOICE: Final = (MONTH, *ROUTE, LINE, "charge", "key", "share", QUANTITY, UNIT, "unit_price", "amount")
_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Allocation(Result):
    """Who pays what of a bill. Every table sums to the bill, to the cent.

    Attributes
    ----------
    by : tuple of str
        What tells payers apart.
    lines : DataFrame (line,)
        The finest lines: ``by``, ``month``, ``provider``, ``model``, ``service_tier``, ``line``, ``charge`` (direct,
        shared, unallocated), ``key``, ``share``, ``quantity``, ``unit``, ``exact`` (money), and ``cents``.
    counts : DataFrame (payer,)
        ``requests``, ``tokens`` and ``users`` of each payer's own usage; NaN is unknown.
    keys : mapping of pool to Key
    currency : str
    start, end : Timestamp
    source : str
    gross, allocated : float
        Positive charges in all, and those that bear a payer's label.
    excluded : DataFrame
        What ``unpriced="exclude"`` left out.
    notes : tuple of str
    """

    by: tuple[str, ...]
    lines: pd.DataFrame
    counts: pd.DataFrame
    keys: Mapping[str, Key]
    currency: str
    start: pd.Timestamp
    end: pd.Timestamp
    source: str
    gross: float
    allocated: float
    excluded: pd.DataFrame
    notes: tuple[str, ...] = field(default=())

    @property
    def total(self) -> float:
        """The bill, to the cent."""
        return int(self.lines["cents"].sum()) / 100.0

    @property
    def allocation_percent(self) -> float:
        """Per cent of the positive charges that bear a payer's label, before anything is dealt; NaN where none is.

        Source: FinOps Foundation, FinOps Framework, capability "Allocation": its measure of allocated cost.
        """
        return 100.0 * self.allocated / self.gross if self.gross > 0 else float("nan")

    @property
    def pools(self) -> pd.DataFrame:
        """What was dealt, by which key.

        Returns
        -------
        DataFrame
            Index ``pool``; ``key``, ``dealt_by`` in words, ``amount``, of which ``dealt`` and ``kept`` (unallocated),
            and ``payers``, how many pay a part of it.
        """
        held = self.lines[self.lines["charge"] != DIRECT]
        kept = held["cents"].where(held["charge"] == UNALLOCATED, 0)
        sums = held.assign(_kept=kept).groupby(LINE, sort=True)[["cents", "_kept"]].sum()
        paying = held[held["charge"] == SHARED]
        payers = paying.groupby(LINE)[list(self.by)].apply(lambda rows: len(rows.drop_duplicates()))
        table = pd.DataFrame(index=sums.index.rename("pool"))
        table["key"] = [self.keys[pool].word for pool in sums.index]
        table["dealt_by"] = [self.keys[pool].describe() for pool in sums.index]
        table["amount"] = sums["cents"] / 100.0
        table["dealt"] = (sums["cents"] - sums["_kept"]) / 100.0
        table["kept"] = sums["_kept"] / 100.0
        count = dict(zip(payers.index, payers, strict=True)) if len(paying) else {}
        table["payers"] = [int(count.get(pool, 0)) for pool in sums.index]
        return table

    @property
    def unallocated(self) -> pd.DataFrame:
        """Money that bears no payer's label, whether it was dealt or not.

        Returns
        -------
        DataFrame
            Index ``pool``; ``amount``; ``percent`` of the bill, NaN where the bill is 0 or below. The last row,
            ``all``, sums them. :attr:`allocation_percent` is what bears a label, of positive charges.
        """
        amounts = self.pools["amount"]
        amounts.loc["all"] = round(float(amounts.sum()), 2)
        whole = self.total if self.total > 0 else float("nan")
        return pd.DataFrame({"amount": amounts, "percent": 100.0 * amounts / whole})

    def table(self, *, monthly: bool = False) -> pd.DataFrame:
        """Who pays what.

        Parameters
        ----------
        monthly : bool
            A row for each month of each payer.

        Returns
        -------
        DataFrame
            Index ``by`` (and ``month``), what costs most first; ``direct`` (what bears the payer's label), ``shared``
            (what was dealt to it, or kept as ``unassigned``), ``total``, ``percent`` of the bill (NaN where that is 0
            or below), and ``key``: what the shared cost was dealt by. ``direct`` and ``shared`` make ``total``, and
            each column sums to the bill's.
        """
        places = [*self.by, *([MONTH] if monthly else [])]
        direct = self.lines["cents"].where(self.lines["charge"] == DIRECT, 0)
        rows = self.lines.assign(_direct=direct, _shared=self.lines["cents"] - direct)
        sums = rows.groupby(places, sort=True)[["_direct", "_shared", "cents"]].sum()
        words = rows[rows["key"] != ""].groupby(places)["key"].agg(lambda told: ", ".join(sorted(set(told))))
        whole = self.total if self.total > 0 else float("nan")
        table = (sums / 100.0).set_axis(["direct", "shared", "total"], axis=1)
        table["percent"] = 100.0 * table["total"] / whole
        table["key"] = words.reindex(table.index).fillna("").astype("object") if len(words) else ""
        if monthly:
            return table
        return table.sort_values("total", ascending=False, kind="stable")

    def invoices(self, payer: str | tuple[str, ...] | None = None) -> pd.DataFrame:
        """The lines that each payer is charged for; they sum to the bill, or to the payer's total.

        Parameters
        ----------
        payer : str or tuple of str, optional
            One payer's lines alone.

        Returns
        -------
        DataFrame
            The ``by`` columns; ``month``, ``provider``, ``model``, ``service_tier``; ``line`` (usage, a charge
            category, or the pool of a shared cost); ``charge``; ``key`` and the payer's ``share`` of the pool;
            ``quantity`` and its ``unit`` (tokens of all kinds, or another unit); ``unit_price``, effective: money a
            unit, a million where the unit is tokens; ``amount``, to the cent. What is unknown is NaN, what is of no use
            empty.

        Raises
        ------
        PlanError
            There is no such payer.
        """
        rows = self.lines
        if payer is not None:
            asked = (payer,) if isinstance(payer, str) else tuple(payer)
            inside = np.ones(len(rows), dtype=bool)
            for column, label in zip(self.by, asked, strict=False):
                inside &= (rows[column] == label).to_numpy()
            if len(asked) != len(self.by) or not inside.any():
                there = [
                    " / ".join(p) for p in rows[list(self.by)].drop_duplicates().itertuples(index=False, name=None)
                ]
                raise PlanError(
                    f"invoices({payer!r}): there is no such payer by {', '.join(self.by)}; there are "
                    f"{', '.join(there[:20])}{nearest(' / '.join(map(str, asked)), there)}"
                )
            rows = rows[inside]
        amount = rows["cents"] / 100.0
        scale = np.where(rows[UNIT] == TOKENS, _MILLION, 1)
        price = amount * scale / rows[QUANTITY].where(rows[QUANTITY] > 0)
        told = rows.assign(amount=amount, unit_price=price)
        return told[[*self.by, *INVOICE]].reset_index(drop=True)

    def unit_costs(
        self,
        per: Iterable[str] = PER,
        *,
        tasks: Mapping[str | tuple[str, ...], float] | None = None,
        users: Mapping[str | tuple[str, ...], float] | None = None,
        basis: Basis = "total",
    ) -> pd.DataFrame:
        """What a user, a request and a task cost each payer.

        Parameters
        ----------
        per : iterable of {"users", "requests", "tasks"}
        tasks : mapping of payer to number, optional
            Tasks done in the span; without it cost per task is unknown.
        users : mapping of payer to number, optional
            In place of the users that the usage names.
        basis : {"total", "direct"}
            Fully loaded, or without what was dealt.

        Returns
        -------
        DataFrame
            Index ``by``; ``cost``; for each of ``per`` its count and ``cost_per_user``, ``_request``, ``_task``:
            NaN where the count is unknown or 0, never 0.

        Source: FinOps Foundation, FinOps Framework, capability "Unit Economics".
        """
        asked = [per] if isinstance(per, str) else list(per)
        for name in asked:
            one_of("per", name, PER, UsageError)
        one_of("basis", basis, get_args(Basis), PlanError)
        shown = self.table()
        table = shown[[basis]].set_axis(["cost"], axis=1)
        own = {"tasks": tasks, "users": users}
        for name in asked:
            count = self.counts[name].reindex(table.index) if name in self.counts else pd.Series(np.nan, table.index)
            given = own.get(name)
            if given is not None:
                count = self._given(name, given, table.index)
            table[name] = count.astype("float64")
            table[f"cost_per_{name.removesuffix('s')}"] = table["cost"] / count.where(count > 0)
        return table

    def _given(self, name: str, given: Mapping[str | tuple[str, ...], float], index: pd.Index) -> pd.Series:
        """Counts of one's own by payer."""
        there = [key if isinstance(key, tuple) else (key,) for key in index]
        found = dict.fromkeys(there, float("nan"))
        for payer, count in given.items():
            asked = payer if isinstance(payer, tuple) else (payer,)
            listed = [" / ".join(p) for p in there]
            if asked not in found:
                raise PlanError(
                    f"{name}: there is no payer {payer!r}; there are {', '.join(listed[:20])}"
                    f"{nearest(' / '.join(map(str, asked)), listed)}"
                )
            number = isinstance(count, int | float | np.number) and not isinstance(count, bool)
            if not number or not 0 <= float(count) < float("inf"):
                raise PlanError(f"{name}[{payer!r}] = {count!r}: wanted a number from 0 up")
            found[asked] = float(count)
        return pd.Series(list(found.values()), index=index, dtype="float64")

    def to_csv(self, path: str | Path) -> Path:
        """Write :meth:`invoices` as CSV that no spreadsheet runs; returns its path."""
        from scenarios.report.outgoing.allocations import write_invoices

        return write_invoices(self, Path(path))

    def to_excel(self, path: str | Path) -> Path:
        """Write who pays what, how shared cost was dealt, and every invoice line as a workbook; returns its path."""
        from scenarios.report.outgoing.allocations import write_invoice_book

        return write_invoice_book(self, Path(path))

    def __repr__(self) -> str:
        """One line: total, payers, what was labelled."""
        payers = len(self.lines[list(self.by)].drop_duplicates())
        known = f"{self.allocation_percent:.1f} % labelled" if self.gross > 0 else "no positive charge"
        return (
            f"Allocation({self.currency} {self.total:,.2f} by {', '.join(self.by)}, {self.start:%Y-%m-%d} to "
            f"{self.end:%Y-%m-%d}, {payers} payers, {known})"
        )

    def show(self) -> Shown:
        """What each payer is charged, direct and shared."""
        table = self.table()
        kinds: dict[str, CellKind] = dict.fromkeys(("direct", "shared", "total"), "cents")
        heads = {"percent": "in %"}
        return Shown(
            f"Charges, {self.start:%Y-%m-%d} to {self.end:%Y-%m-%d}: {self.currency} {self.total:,.2f}",
            f"By {', '.join(self.by)}.",
            (
                table_of(
                    table, kinds=kinds, heads=heads, caption=f"Money in {self.currency}.", where="allocation.table()"
                ),
            ),
            tuple(self.notes),
        )


def labels_of(usage_columns: Iterable[str]) -> list[str]:
    """The columns of a usage that may tell payers apart."""
    return [c for c in schema.DIMENSIONS if c in set(usage_columns)]
