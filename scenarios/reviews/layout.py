"""Layout. Comes in: a plan's ledger and what was spent. Goes out: the months and rows that an outlook is told by."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from forecast import schema
from forecast.panel import BoolArray, FloatArray, IntArray
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.ledger import LINE, TOKENS
from scenarios.components import Months
from scenarios.reviews.spent import COST, Spent


@dataclass(frozen=True, slots=True)
class Layout:
    """Rows and months of an outlook: those of the plan, then rows that the plan does not know.

    Attributes
    ----------
    labels : DataFrame (row,)
    months : Months
    planned : int
        How many rows are the plan's.
    means : float array (month, row)
        What the plan expects; 0 in rows that it does not know.
    elapsed : float array (month,)
        The part of each month's days that is over.
    """

    labels: pd.DataFrame
    months: Months
    planned: int
    means: FloatArray
    elapsed: FloatArray

    @classmethod
    def of(cls, plan: BudgetPlan, as_of: pd.Timestamp, *others: pd.DataFrame) -> Layout:
        """The rows of a plan, and those of ``others`` (labels) that it lacks."""
        ledger, own = plan.ledger, plan.ledger.demand
        labels = ledger.labels[own].reset_index(drop=True).astype("object")
        columns = [*labels.columns]
        every = pd.concat([labels, *[o.reindex(columns=columns).astype("object") for o in others]], ignore_index=True)
        new = ~_bare(every).duplicated().to_numpy()
        new[: len(labels)] = True
        every = every.where(every.notna(), None)[new].reset_index(drop=True)
        last = ledger.days[1:].append(pd.DatetimeIndex([last_day_of(plan)])) - np.append(
            np.full(len(ledger.days) - 1, np.timedelta64(1, "D")), np.timedelta64(0, "D")
        )
        months = Months(ledger.days, pd.DatetimeIndex(last))
        means = np.zeros((len(months), len(every)))
        means[:, : len(labels)] = ledger.money[:, :, own].mean(axis=0)
        return cls(every, months, len(labels), means, months.inside(None, as_of) / months.days)

    @property
    def tokens(self) -> BoolArray:
        """The rows of usage: (row,)."""
        return np.asarray(self.labels[LINE] == TOKENS)

    @property
    def parts(self) -> Months:
        """The months, the one under way cut in two: the days that are over, and those to come."""
        over = np.round(self.elapsed * self.months.days).astype("timedelta64[D]")
        cut = (self.months.first + over)[(self.elapsed > 0.0) & (self.elapsed < 1.0)]
        day = pd.Timedelta(days=1)
        return Months(self.months.first.union(cut), self.months.last.union(cut - day))

    def month_of(self, days: pd.DatetimeIndex) -> IntArray:
        """The month that each day lies in."""
        return np.asarray(self.months.first.searchsorted(days, side="right") - 1, dtype=np.intp)

    def row_of(self, labels: pd.DataFrame) -> IntArray:
        """The row of each of some labels: the first of the plan's that bears them."""
        columns = [*self.labels.columns]
        asked = labels.reindex(columns=columns).astype("object")
        keys = pd.MultiIndex.from_frame(_bare(self.labels).fillna(""))
        first = ~keys.duplicated()
        place = keys[first].get_indexer(pd.MultiIndex.from_frame(_bare(asked).fillna("")))
        return np.flatnonzero(first)[place]

    def spent(self, spent: Spent) -> FloatArray:
        """What was spent, by month and row: (month, row)."""
        out = np.zeros((len(self.months), len(self.labels)))
        if len(spent.frame):
            at = self.month_of(pd.DatetimeIndex(spent.frame["day"])), self.row_of(spent.frame)
            np.add.at(out, at, spent.frame[COST].to_numpy("float64"))
        return out

    def with_rows(self, labels: pd.DataFrame) -> Layout:
        """These rows, then others that neither the plan nor the usage to date knows."""
        every = pd.concat(
            [self.labels, labels.reindex(columns=self.labels.columns).astype("object")], ignore_index=True
        )
        means = np.pad(self.means, ((0, 0), (0, len(labels))))
        return replace(self, labels=every.where(every.notna(), None), means=means)

    def dealt(self, line: str, owner: dict[str, str]) -> FloatArray:
        """How a line's money is dealt over rows, as the plan deals it: (month, row), each month sums to 1."""
        mine = np.asarray(self.labels[LINE] == line)
        narrow = mine.copy()
        for column, value in owner.items():
            if column in self.labels:
                narrow &= np.asarray(self.labels[column] == value)
        mine = narrow if narrow.any() else mine
        # Rows of either sign that all but cancel must not be dealt many times what there is.
        weight = np.where(mine[None, :], np.abs(self.means), 0.0)
        whole = weight.sum(axis=0, keepdims=True)
        flat = whole if whole.sum() > 0 else mine[None, :].astype("float64")
        each = weight.sum(axis=1, keepdims=True)
        return np.where(each > 0, weight / np.where(each > 0, each, 1.0), flat / flat.sum())


def _bare(labels: pd.DataFrame) -> pd.DataFrame:
    """Labels with nothing where a plan says that nothing is assigned: an export leaves it blank."""
    return labels.where(labels.notna() & (labels != schema.UNASSIGNED), None)


def last_day_of(plan: BudgetPlan) -> pd.Timestamp:
    """The last day of a plan, whatever the length of its periods."""
    end = plan.projection.span.end
    return end + pd.offsets.MonthEnd(0) if plan.projection.usage.grain == "month" else end
