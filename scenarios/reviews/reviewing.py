"""A review. Comes in: a plan or a table of amounts, and usage. Goes out: where we are, why, and what will be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from forecast.errors import PlanError
from forecast.panel import FloatArray
from forecast.prices import PriceBook
from forecast.shown import Result, Shown
from forecast.usage import Usage
from scenarios.bridging.bridge import Bridge
from scenarios.budget.bridges import bridge as bridge_between
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.ledger import PERIODS, columns_of
from scenarios.reviews.behind import plan_behind
from scenarios.reviews.breach import Breach, breach_of
from scenarios.reviews.budgeted import index_of
from scenarios.reviews.foreseeing import foreseen
from scenarios.reviews.outlook import Outlook, told_chance
from scenarios.reviews.spent import Money
from scenarios.reviews.states import actual_state
from scenarios.scenario import Scenario

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: How much an amount must differ to be told as a variance: money, and a part of the budget. Both, not either.
AMOUNT, PERCENT = 1_000.0, 0.05
#: A variance that keeps at least this part of itself to the plan's end is permanent.
KEPT: Final = 0.5
#: What spreads by less than this part of itself is the same in all futures but for rounding.
SURE: Final = 1e-9

By = str | Sequence[str]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Review(Result):
    """A plan beside what happened, on a day.

    Attributes
    ----------
    outlook : Outlook
        Spent to date, and the rest as foreseen now.
    amount, percent : float
        A variance is told where it is at least both: money, and part of the budget.
    """

    outlook: Outlook
    amount: float
    percent: float

    @property
    def plan(self) -> BudgetPlan:
        """The plan as approved."""
        return self.outlook.plan

    @property
    def as_of(self) -> pd.Timestamp:
        """The last day that is known in full."""
        return self.outlook.as_of

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed, left out or taken as planned."""
        return self.outlook.notes

    def table(self, by: By = "month") -> pd.DataFrame:
        """Actuals against the budget to date, by any of month, quarter, year, line and the plan's labels.

        The budget of a month under way counts by the days of it that are over.

        Returns
        -------
        DataFrame
            Index ``by``. ``budget`` to date, ``actual``; ``variance`` is budget less actual, favourable where positive;
            ``percent`` of the budget; ``percentile``, where the actual stands among the plan's futures of what the
            same days demand, whatever a policy moves; ``status`` "favourable" or "unfavourable" where the variance is
            at least the amount and the percent asked, else empty, and "unplanned" where the plan knows no such part;
            ``kind`` "permanent" where the outlook keeps at least half of it to the plan's end, else "timing".
        """
        names = columns_of(by)
        out, weight = self.outlook, self.outlook.elapsed
        budget = out.budget.by(names, weight)
        actual = _summed(out, names, out.actual)
        every = budget.index.union(actual.index, sort=False)
        table = pd.DataFrame({"budget": budget.reindex(every), "actual": actual.reindex(every, fill_value=0.0)})
        begun = out.budget.by(names, np.asarray(weight > 0, dtype="float64")).reindex(every).fillna(0.0).abs() > 0
        table = table[np.asarray(begun | (table["actual"].abs() > 0))]
        table["variance"] = table["budget"] - table["actual"]
        table["percent"] = table["variance"] / table["budget"].where(table["budget"].abs() > 0)
        table["percentile"] = self._percentile(names, table)
        told = self._told(table["variance"], table["budget"])
        status = np.where(table["variance"] > 0, "favourable", "unfavourable")
        table["status"] = np.where(table["budget"].isna(), "unplanned", np.where(told, status, ""))
        table["kind"] = np.where(told, self._kind(names, table), "")
        return table

    def variances(self, by: By = "environment") -> pd.DataFrame:
        """The rows of :meth:`table` that have a status, the largest first."""
        table = self.table(by)
        told = table[table["status"] != ""]
        size = told["variance"].fillna(-told["actual"]).abs()
        return told.loc[size.sort_values(ascending=False, kind="stable").index]

    def bridge(self) -> Bridge | None:
        """Plan to actual over the whole months that are over, by driver; None where no month is over.

        It begins at the plan's mean: what the budget holds above that is contingency. Lines that no export tells are on
        both sides as planned.
        """
        first, last = self.outlook.closed
        if last is None:
            return None
        return bridge_between(self.plan, actual_state(self.outlook, first, last), start=first, end=last)

    def breach(self, limit: float | None = None) -> Breach:
        """How likely, when and by how much spend goes over a limit: the budget where none is given."""
        return breach_of(self.outlook, self.outlook.budget.total if limit is None else limit)

    def summary(self, by: str | None = None) -> pd.DataFrame:
        """Figures, drivers, largest variances ``by`` a column, and decisions needed, each with a sentence."""
        from scenarios.report.onepage.figures import summary_of

        return summary_of(self, by)

    def plot(self, kind: str = "burn_down", *, limit: float | None = None, ax: Axes | None = None) -> Axes:
        """Draw ``"burn_down"`` (spend against the budget's path, or a ``limit``), ``"outlook"`` or ``"bridge"``."""
        from scenarios.report.onepage.charts import drawn

        return drawn(self, kind, limit=limit, ax=ax)

    def to_html(self, path: str | Path) -> Path:
        """Write the review as one self-contained page; returns its path."""
        from scenarios.report.onepage.page import write_page

        return write_page(self, Path(path))

    def to_excel(self, path: str | Path) -> Path:
        """Write the review as a workbook; returns its path."""
        from scenarios.report.onepage.workbook import write_workbook

        return write_workbook(self, Path(path))

    def _told(self, variance: pd.Series, budget: pd.Series) -> np.ndarray:
        size = variance.abs()
        return np.asarray((size >= self.amount) & (size >= self.percent * budget.abs()) & variance.notna())

    def _percentile(self, names: list[str], table: pd.DataFrame) -> FloatArray:
        """Where actuals stand among the plan's futures of the days that are over; NaN where the plan has none."""
        ledger, weight = self.plan.ledger, self.outlook.elapsed
        if any(n not in ledger.columns() for n in names):
            return np.full(len(table), np.nan)
        labels, group = ledger.groups(names)
        money = ledger.money * weight[None, :, None]
        sums = replace(ledger, money=money).summed(group, len(labels), ledger.demand)
        place = index_of(labels, names).get_indexer(table.index)
        actual = table["actual"].to_numpy("float64")
        found = np.where(place >= 0, (sums[:, place] <= actual[None, :]).mean(axis=0), np.nan)
        spread = (np.ptp(sums, axis=0) > SURE * np.abs(sums).max(axis=0))[place]
        return np.where(spread, found, np.nan)

    def _kind(self, names: list[str], table: pd.DataFrame) -> np.ndarray:
        """Whether each variance lasts to the plan's end: that of the same part over all its periods to date."""
        parts = [n for n in names if n not in PERIODS]
        end = self.outlook.table(parts)["variance"]
        cells = table["variance"].reset_index()
        if not parts:
            at_end, held = np.full(len(table), float(end.iloc[0])), np.full(len(table), float(cells["variance"].sum()))
        else:
            keys = pd.MultiIndex.from_frame(cells[parts]) if len(parts) > 1 else pd.Index(cells[parts[0]])
            at_end = end.reindex(keys).to_numpy("float64")
            held = cells.groupby(parts, dropna=False)["variance"].transform("sum").to_numpy("float64")
        kept = np.nan_to_num(at_end) * np.sign(held) >= KEPT * np.abs(held)
        return np.where(kept, "permanent", "timing")

    def __repr__(self) -> str:
        out = self.outlook
        budget, over = float(out.budget.by([], out.elapsed).iloc[0]), out.probability_over(out.budget.total)
        return (
            f"Review({self.plan.name}, as of {self.as_of:%Y-%m-%d}: {out.to_date:,.2f} spent of {budget:,.2f} "
            f"{self.plan.currency} budgeted to date, over it by the end with {told_chance(over)})"
        )

    def show(self) -> Shown:
        """Its finding, what must be decided, and actuals beside the budget."""
        from scenarios.report.onepage.notebook import review_shown

        return review_shown(self)


def review(
    plan: BudgetPlan | pd.DataFrame,
    usage: Usage,
    *,
    as_of: str | pd.Timestamp | None = None,
    lines: pd.DataFrame | None = None,
    prices: PriceBook | None = None,
    scenario: Scenario | None = None,
    money: Money = "billed_cost",
    amount: float = AMOUNT,
    percent: float = PERCENT,
    n_jobs: int | None = 1,
) -> Review:
    """Review a plan.

    Parameters
    ----------
    plan : BudgetPlan or DataFrame
        As approved; or a budget that was made elsewhere: ``period`` (2027-01, 2027Q1 or FY2027), ``amount``, and any of
        a plan's labels, such as ``environment``. A plan of its periods is then made on the usage before them, which
        tells the bands.
    usage : Usage
        An export that begins on any day; what the plan was made on stands before it.
    as_of : date, optional
        The last day that is known in full; the export's last less the plan's lag, where none is given.
    lines : DataFrame, optional
        What lines beside tokens cost: ``month``, ``line``, ``amount``; as planned where nobody says.
    prices : PriceBook, optional
        Today's prices; the plan's where none are given.
    scenario : Scenario, optional
        Of the rest; the plan's, less what has begun and shows in usage, where none is given.
    money : {"billed_cost", "effective_cost", "list_cost", "priced"}
        What counts as spent; usage without money is priced.
    amount, percent : float
        A variance is told where it is at least both.
    n_jobs : int, optional
        As of :func:`scenarios.plan`.

    Raises
    ------
    PlanError, ScenarioError, PriceError, UsageError
        An argument does not hold, or usage has no price; the message says what would mend it.
    """
    for name, value in (("amount", amount), ("percent", percent)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < np.inf:
            raise PlanError(f"{name}={value!r}: wanted a number, 0 or more")
    made = plan_behind(plan, usage, prices=prices) if isinstance(plan, pd.DataFrame) else plan
    outlook = foreseen(
        made,
        usage,
        as_of,
        budget=plan if isinstance(plan, pd.DataFrame) else None,
        prices=None if made is not plan else prices,
        scenario=scenario,
        lines=lines,
        money=money,
        n_jobs=n_jobs,
    )
    return Review(outlook, float(amount), float(percent))


def _summed(out: Outlook, names: list[str], money: FloatArray) -> pd.Series:
    """Money (month, row) by some columns."""
    labels, group = out.ledger.groups(names)
    sums = np.bincount(group.ravel(), weights=money.ravel(), minlength=len(labels))
    return pd.Series(sums, index=index_of(labels, names), name="actual")
