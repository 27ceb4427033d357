"""What usage cost. Comes in: usage and prices. Goes out: money by row, billed where a bill says, else priced.

The same rule gives what came after a past decision, from all that is known now, and what a rule of thumb would have
gone by, from what was known then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from forecast import schema
from forecast.errors import PriceError
from forecast.lanes import Unpriced
from forecast.panel import BoolArray
from forecast.prices import PriceBook
from forecast.usage import Usage
from forecast.usage_rows import OTHER, bills_apart, dealt_bills, quantities_of
from scenarios.budget.recent import COST, costed

_BILLED, _LISTED = "billed", "listed"
_DAY: Final = pd.Timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Costs:
    """Money of usage.

    Attributes
    ----------
    frame : DataFrame (row,)
        ``date``, the labels that usage has, ``cost``, ``billed`` (bool): whether a bill says so, and ``listed``: what
        it costs at the price book, NaN where that does not say.
    notes : tuple of str
        What is left out.
    """

    frame: pd.DataFrame
    notes: tuple[str, ...]

    def between(self, first: pd.Timestamp, last: pd.Timestamp) -> Costs:
        """The rows from one day to another, both included."""
        day = self.frame[schema.DATE]
        return Costs(self.frame[(day >= first) & (day < last + _DAY)], self.notes)

    @property
    def exact(self) -> float:
        """The sum."""
        return float(self.frame[COST].sum())

    @property
    def total(self) -> float:
        """The sum, to the cent."""
        return round(self.exact, 2)

    @property
    def billed(self) -> float:
        """The share of the money that bills say."""
        bills = float(self.frame.loc[self.frame[_BILLED], COST].sum())
        return bills / self.exact if self.exact > 0 else float("nan")

    @property
    def to_list(self) -> float:
        """What bills say over what the price book says of the same rows; NaN where there are none."""
        both = self.frame[self.frame[_BILLED] & self.frame[_LISTED].notna()]
        listed = float(both[_LISTED].sum())
        return float(both[COST].sum()) / listed if listed > 0 else float("nan")

    def by(self, column: str, parts: list[str]) -> pd.Series:
        """The sum of each part of a column, as a plan with ``parts`` tells them apart: (part,)."""
        told = self.frame[column].astype("object") if column in self.frame else pd.Series(None, self.frame.index)
        told = told.where(told.notna(), schema.UNASSIGNED).astype(str)
        if OTHER in parts:
            told = told.where(told.isin(parts), OTHER)
        return self.frame[COST].groupby(told).sum()


def costs_of(usage: Usage, prices: PriceBook, as_of: pd.Timestamp, unpriced: Unpriced) -> Costs:
    """What usage up to a day cost: what was billed, or what its quantities cost at the prices of their dates.

    Where a bill stands in rows of its own, it is dealt to the rows that it is the bill of by what those cost at the
    price book.

    Raises
    ------
    PriceError
        A quantity has neither a bill nor a price, and ``unpriced`` does not exclude it.
    """
    rows = costed(usage, prices, as_of)
    quantity = quantities_of(rows)[0]
    bare = quantity[:, -1] > 0
    lacking = rows[COST].isna().to_numpy() & (quantity[:, :-1] > 0).any(axis=1)
    bill = _bills(usage, rows, as_of)
    billed = bill.notna().to_numpy()
    cost = np.where(billed, bill.to_numpy("float64"), rows[COST].fillna(0.0).to_numpy("float64"))
    notes: list[str] = []
    out = lacking if unpriced == "exclude" else lacking & ~billed
    if out.any():
        named = ", ".join(sorted(set(rows.loc[out, "model"].dropna().astype(str)))[:5])
        if unpriced == "refuse":
            raise PriceError(
                f"{usage.source}: what came cannot be told: {int(out.sum())} rows have neither a bill nor a price "
                f"({named}); add them to the price book, or leave them out on both sides with unpriced='exclude'"
            )
        notes.append(f"usage without a price is left out of what came too: {named} (unpriced='exclude')")
        cost = np.where(out, 0.0, cost)
    labels = [schema.DATE, *[c for c in schema.DIMENSIONS if c in rows]]
    listed = np.where(bare, np.nan, rows[COST].to_numpy("float64"))
    frame = rows[labels].assign(**{COST: cost, _BILLED: (billed | bare) & ~out, _LISTED: listed})
    return Costs(frame.reset_index(drop=True), tuple(notes))


def _bills(usage: Usage, rows: pd.DataFrame, as_of: pd.Timestamp) -> pd.Series:
    """What was billed for each row: (row,), NaN where no bill says."""
    if "billed_cost" not in rows:
        return pd.Series(np.nan, rows.index)
    bill = rows["billed_cost"].astype("float64")
    whole = usage.frame[usage.frame[schema.DATE].dt.normalize() <= as_of]
    if "charge_category" in whole:
        whole = whole[whole["charge_category"].isna() | (whole["charge_category"] == "usage")]
    apart = bills_apart(whole.drop(columns=[m for m in schema.MONEY if m in whole and m != "billed_cost"]))
    if not apart.bill.any():
        return bill
    worth = rows[COST].reindex(whole.index).to_numpy("float64")
    dealt = dealt_bills(whole, whole["billed_cost"].to_numpy("float64"), worth, apart)
    return pd.Series(dealt, whole.index).reindex(rows.index)


def reported(usage: Usage, first: pd.Timestamp, last: pd.Timestamp) -> BoolArray:
    """Which periods of a span have any row of usage: (period,)."""
    monthly = usage.grain == "month"
    periods = pd.date_range(first, last, freq="MS" if monthly else "D")
    return np.asarray(periods.isin(usage.frame[schema.DATE].dt.normalize().unique()))
