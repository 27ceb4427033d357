"""The outlook: what was spent to date, and the rest as it is foreseen now. Comes in: both, by month and row.

Goes out: tables and totals beside the budget that was approved, which stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecast.errors import PlanError
from forecast.panel import BoolArray, FloatArray
from forecast.shown import Result, Shown
from forecast.usage import Usage
from scenarios.budget.budget_plan import LEVELS, BudgetPlan
from scenarios.budget.ledger import Ledger, columns_of
from scenarios.reviews.budgeted import Budgeted
from scenarios.reviews.rest import Rest
from scenarios.reviews.spent import Spent

#: Less than this is rounding.
CENT = 0.005


def told_chance(probability: float) -> str:
    """A probability in words of at most 5 letters: what is neither 0 nor 1 is not told as either."""
    if 0.0 < probability < 0.005:
        return "< 1%"
    return "> 99%" if 0.995 <= probability < 1.0 else f"{probability:.0%}"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Outlook(Result):
    """A plan's months as they stand on a day: spent to date, and foreseen.

    Attributes
    ----------
    plan : BudgetPlan
        The plan as approved.
    budget : Budgeted
        What money is held against: the plan's, or one that was made elsewhere.
    as_of : Timestamp
        The last day that is known in full.
    usage : Usage
        The history that the rest is foreseen from.
    spent : Spent
        What was spent on the plan's days.
    restated : DataFrame
        Days that were told otherwise before: ``date, measure, before, now, difference``.
    labels : DataFrame (row,)
        ``line``, ``environment`` and what else the plan keeps apart.
    actual : float array (month, row)
        Money to date; lines that no export tells are in it as planned.
    assumed : float array (month, row)
        What of ``actual`` is as planned, because nothing tells it.
    ahead : float array (draw, month, row)
        Money to come, in each draw.
    unplanned : bool array (row,)
        Rows that the plan does not know.
    elapsed : float array (month,)
        The part of each month's days that is over.
    notes : tuple of str
    rest : Rest, optional
        How the rest is foreseen; None where nothing is left, or nothing is new.
    """

    plan: BudgetPlan
    budget: Budgeted
    as_of: pd.Timestamp
    usage: Usage
    spent: Spent
    restated: pd.DataFrame
    labels: pd.DataFrame
    actual: FloatArray
    assumed: FloatArray
    ahead: FloatArray
    unplanned: np.ndarray
    elapsed: FloatArray
    notes: tuple[str, ...]
    rest: Rest | None = None

    @property
    def totals(self) -> FloatArray:
        """Money over the plan's span in each draw, what was spent among it: (draw,)."""
        if self.is_plan:
            return self.plan.totals
        return np.asarray(self.actual.sum() + self.ahead.sum(axis=(1, 2)))

    @property
    def is_plan(self) -> bool:
        """Whether nothing is new since the plan was made."""
        return self.rest is None and self.as_of == self.plan.projection.as_of

    @property
    def last_day(self) -> pd.Timestamp:
        """The plan's last day, whatever the length of its periods."""
        end = self.plan.projection.span.end
        return end + pd.offsets.MonthEnd(0) if self.usage.grain == "month" else end

    @property
    def known_to(self) -> pd.Timestamp:
        """The last day that is known: of monthly usage that of the month."""
        return self.as_of + pd.offsets.MonthEnd(0) if self.usage.grain == "month" else self.as_of

    @property
    def closed(self) -> tuple[pd.Timestamp, pd.Timestamp | None]:
        """The first day of the plan, and the last day of its last month that is over; None where none is."""
        days = self.plan.ledger.days
        over = int(self.over.sum())
        if over == 0:
            return days[0], None
        return days[0], self.last_day if over == len(days) else days[over] - pd.Timedelta(days=1)

    @property
    def over(self) -> BoolArray:
        """Whether the month of the plan's calendar that each lies in is over: (month,)."""
        ledger = self.plan.ledger
        named = pd.Series(ledger.calendar.label(ledger.days, "month"))
        return np.asarray(pd.Series(self.elapsed >= 1.0).groupby(named).transform("all"), dtype=bool)

    @property
    def months(self) -> pd.Series:
        """Whether each month of the plan's calendar is over: Series (month,), by its name."""
        ledger = self.plan.ledger
        return pd.Series(self.over, index=ledger.calendar.label(ledger.days, "month")).groupby(level=0).first()

    @property
    def to_date(self) -> float:
        """Money to date."""
        return float(self.actual.sum())

    @property
    def ledger(self) -> Ledger:
        """All money by draw, month and row, in the plan's calendar."""
        plan = self.plan.ledger
        every = np.ones(len(self.labels), dtype=bool)
        money = self.actual[None] + self.ahead
        return Ledger(self.labels, money, every, every, plan.days, plan.environments, None, plan.calendar)

    def quantile(self, level: float) -> float:
        """A quantile of the total."""
        return float(np.quantile(self.totals, level))

    def probability_over(self, limit: float) -> float:
        """The share of futures whose total exceeds ``limit``."""
        if isinstance(limit, bool) or not isinstance(limit, int | float | np.number) or not np.isfinite(limit):
            raise PlanError(f"probability_over({limit!r}): wanted an amount of money")
        return float(np.mean(self.totals > limit + CENT))

    def table(self, by: list[str] | tuple[str, ...] | str = ("month",)) -> pd.DataFrame:
        """The outlook beside the budget, by any of month, quarter, year, line and the plan's labels.

        Returns
        -------
        DataFrame
            Index ``by``. ``budget`` as approved (NaN where the plan knows no such part); ``actual`` to date; ``p10`` to
            ``p95`` of actual and rest; ``variance`` is the budget less the P50, favourable where positive, and
            ``percent`` of the budget; ``over`` the share of futures that go over it.
        """
        names = columns_of(by)
        ledger = self.ledger
        labels, group = ledger.groups(names)
        count = len(labels)
        found = np.bincount(group.ravel(), weights=self.actual.ravel(), minlength=count)
        money = ledger.summed(group, count)
        table = labels.assign(actual=found)
        levels = np.quantile(money, list(LEVELS.values()), axis=0)
        table = table.assign(**{name: levels[i] for i, name in enumerate(LEVELS)})
        held = self.budget.by(names)
        if names:
            table = table.set_index(names)
            every = held.index.union(table.index, sort=False)
            wide = np.zeros((len(money), len(every)))
            wide[:, every.get_indexer(table.index)] = money
            table, money, held = table.reindex(every, fill_value=0.0), wide, held.reindex(every)
        else:
            table.index = held.index
        table.insert(0, "budget", held)
        table["variance"] = table["budget"] - table["p50"]
        table["percent"] = table["variance"] / table["budget"].where(table["budget"] != 0)
        over = (money > table["budget"].to_numpy()[None, :] + CENT).mean(axis=0)
        table["over"] = np.where(table["budget"].notna(), over, np.nan)
        return table

    def __repr__(self) -> str:
        plan = self.plan
        low, middle, high = (self.quantile(level) for level in (0.1, 0.5, 0.9))
        return (
            f"Outlook({plan.name}, as of {self.as_of:%Y-%m-%d}: {self.to_date:,.2f} spent, {middle:,.2f} "
            f"{plan.currency} by {plan.projection.span.end:%Y-%m-%d} (P10-P90 {low:,.2f} to {high:,.2f}), "
            f"budget {self.budget.total:,.2f}, over it with {told_chance(self.probability_over(self.budget.total))})"
        )

    def show(self, by: str = "month") -> Shown:
        """Its total, and its months (or what `by` says) beside the budget."""
        from scenarios.report.onepage.notebook import outlook_shown

        return outlook_shown(self, by)
