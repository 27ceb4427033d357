"""Point estimates. Comes in: a plan, and amounts that somebody has in mind. Goes out: where each stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from forecast.errors import PlanError
from forecast.shown import Result, Shown
from scenarios.budget.funding import level_name
from scenarios.budget.ledger import TOKENS
from scenarios.budget.recent import COST, costed

if TYPE_CHECKING:
    from scenarios.budget.budget_plan import BudgetPlan

#: How much of the latest history a run rate is taken from: four weeks of each weekday, or a quarter.
RUN_RATE_DAYS, RUN_RATE_MONTHS = 28, 3
#: The columns of the table of point estimates, in order.
COLUMNS: Final = ("amount", "percentile", "probability_over", "shortfall", "told", "tokens", "lines", "basis")


@dataclass(frozen=True, slots=True)
class Standing(Result):
    """Where an amount stands among the futures of a plan; as text, a sentence.

    Attributes
    ----------
    amount : float
    percentile : float
        The share of futures whose total is no more: 0.38 says "that is P38".
    probability_over : float
        The share whose total is more.
    shortfall : float
        What the amount lacks of the budget; negative where it is above.
    budget_level : float
        The plan's confidence.
    draws : int
    currency : str
    """

    amount: float
    percentile: float
    probability_over: float
    shortfall: float
    budget_level: float
    draws: int
    currency: str

    @property
    def told(self) -> str:
        """The percentile in words: "P38", "under P1", or that no future is there."""
        if self.percentile == 0.0:
            return f"below all {self.draws:,} futures"
        if self.percentile == 1.0:
            return f"enough in all {self.draws:,} futures"
        shown = round(self.percentile * 100)
        return "under P1" if shown < 1 else "over P99" if shown > 99 else f"P{shown}"

    def show(self) -> Shown:
        """The sentence."""
        return Shown(f"Where {self.currency} {self.amount:,.2f} stands", f"{self}.")

    def __repr__(self) -> str:
        """One line: the amount and its percentile."""
        return f"Standing({self.currency} {self.amount:,.2f}: {self.told})"

    def __str__(self) -> str:
        """The amount, its percentile, how likely more is, and how far the budget is."""
        side = "below" if self.shortfall > 0 else "above"
        budget = f"the budget ({level_name(self.budget_level)})"
        distance = f"is {abs(self.shortfall):,.2f} {side} {budget}" if self.shortfall else f"is {budget}"
        more = f"{self.probability_over:.1%} of futures cost more"
        return f"{self.currency} {self.amount:,.2f}: that is {self.told}; {more}, and it {distance}"


def standing_of(plan: BudgetPlan, amount: float) -> Standing:
    """Where an amount stands."""
    over, shortfall = plan.probability_over(amount), round(plan.budget - amount, 2)
    draws = len(plan.totals)
    return Standing(amount, plan.percentile_of(amount), over, shortfall, plan.confidence, draws, plan.currency)


def checked_amount(amount: object, what: str) -> float:
    """An amount that somebody gave.

    Raises
    ------
    PlanError
        It is not an amount of money.
    """
    if isinstance(amount, bool) or not isinstance(amount, int | float | np.number) or not 0 <= amount < np.inf:
        raise PlanError(f"{what}{amount!r}: wanted an amount of money over the plan's span, 0 or more")
    return float(amount)


def point_estimates_of(plan: BudgetPlan, percent: float, own: Mapping[str, float]) -> pd.DataFrame:
    """Where the usual point estimates stand among the futures, and one's own.

    All are of the plan's whole span and of all that its total holds. History holds usage alone, so the estimates that
    come from it are usage by that rule plus the plan's other lines at their mean; what is certain of those is exact.

    - ``run rate``: priced usage of the last 28 days, or 3 months of monthly usage, carried over the span by days.
    - ``last year plus 10 %``: priced usage of the same days a year before (52 weeks, by a calendar of weeks), brought
      to as many days, plus ``percent``; blank where the history does not hold them.
    - ``median`` and ``mean`` of the total, then one's own amounts, which must be of the whole span and of all lines.

    Parameters
    ----------
    percent : float
        What is put on last year: 0.10 is a tenth.
    own : mapping of str to float

    Returns
    -------
    DataFrame
        Index ``estimate``; ``amount``; ``percentile`` the share of futures whose total is no more;
        ``probability_over``; ``shortfall`` to the budget, negative where the amount is above; ``told`` in words, such
        as "P38"; ``tokens`` and ``lines``, what the amount is made of where that is known; ``basis``, what it rests on.

    Raises
    ------
    PlanError
        An amount or ``percent`` is no number, an amount is negative, or bears a name that another estimate has.
    """
    if isinstance(percent, bool) or not isinstance(percent, int | float) or not -1 < percent < np.inf:
        raise PlanError(f"point_estimates(percent={percent!r}): wanted what is put on last year, such as 0.10")
    lines = float(plan.ledger.money[:, :, _beside(plan)].sum(axis=(1, 2)).mean())
    rows = {}
    for name, (usage, basis) in {"run rate": _run_rate(plan), _last_year_told(percent): _last_year(plan)}.items():
        tokens = usage * (1.0 if name == "run rate" else 1.0 + percent)
        rows[name] = _row(plan, tokens + lines) | {"tokens": tokens, "lines": lines, "basis": basis}
    futures = f"{len(plan.totals):,} futures"
    rows["median"] = _row(plan, plan.base) | {"basis": futures}
    rows["mean"] = _row(plan, float(plan.totals.mean())) | {"basis": futures}
    for name, amount in own.items():
        if name in rows:
            raise PlanError(f"point_estimates: {name!r} is an estimate of the plan's own; give yours another name")
        rows[name] = _row(plan, checked_amount(amount, f"point_estimates: {name} = ")) | {"basis": "given"}
    return pd.DataFrame.from_dict(rows, orient="index").reindex(columns=COLUMNS).rename_axis("estimate")


def _row(plan: BudgetPlan, amount: float) -> dict[str, float | str | None]:
    if np.isnan(amount):
        return {"amount": amount, "told": None}
    at = standing_of(plan, amount)
    return {
        "amount": round(at.amount, 2),
        "percentile": at.percentile,
        "probability_over": at.probability_over,
        "shortfall": at.shortfall,
        "told": at.told,
    }


def _beside(plan: BudgetPlan) -> np.ndarray:
    """The rows of the ledger that are spent and are not usage: bool (row,)."""
    return np.asarray(plan.ledger.demand & (plan.ledger.labels["line"] != TOKENS).to_numpy())


def _span(plan: BudgetPlan) -> tuple[pd.Timestamp, pd.Timestamp, bool]:
    """First and last day of the plan, and whether its usage is monthly."""
    span, monthly = plan.projection.span, plan.projection.usage.grain == "month"
    end = span.end + pd.offsets.MonthEnd(0) if monthly else span.end
    return span.start.normalize(), end.normalize(), monthly


def _known(plan: BudgetPlan, *, monthly: bool) -> tuple[pd.Timestamp, pd.Timestamp]:
    """First and last day of the history."""
    last = plan.projection.as_of.normalize()
    return plan.projection.usage.start.normalize(), last + pd.offsets.MonthEnd(0) if monthly else last


def _days(first: pd.Timestamp, last: pd.Timestamp) -> int:
    return int((last - first).days) + 1


def _spent(plan: BudgetPlan, first: pd.Timestamp, last: pd.Timestamp) -> float:
    """Priced usage from one day to another; not a number where none of it has a price."""
    rows = costed(plan.projection.usage, plan.spec.prices, plan.projection.as_of)
    inside = rows[(rows["date"] >= first) & (rows["date"] < last + pd.Timedelta(days=1))]
    return float(inside[COST].sum(min_count=1)) if len(inside) else 0.0


def _run_rate(plan: BudgetPlan) -> tuple[float, str]:
    """Usage of the latest history, carried over the plan's days, and what it is taken from."""
    start, end, monthly = _span(plan)
    begun, last = _known(plan, monthly=monthly)
    back = pd.offsets.MonthBegin(RUN_RATE_MONTHS) if monthly else pd.Timedelta(days=RUN_RATE_DAYS - 1)
    first = max(begun, last - back)
    known, planned = _days(first, last), _days(start, end)
    basis = f"{known} days from {first:%Y-%m-%d} to {last:%Y-%m-%d}, carried over {planned} days"
    return _spent(plan, first, last) / known * planned, basis


def _last_year(plan: BudgetPlan) -> tuple[float, str]:
    """Usage of the same days a year before, and which they are; not a number where they are not known."""
    start, end, monthly = _span(plan)
    begun, last = _known(plan, monthly=monthly)
    back = pd.Timedelta(weeks=52) if plan.projection.spec.calendar.weeks else pd.DateOffset(years=1)
    first, final = start - back, end - back
    final = final + pd.offsets.MonthEnd(0) if monthly else final
    told = f"{first:%Y-%m-%d} to {final:%Y-%m-%d}"
    if begun > first or final > last:
        return float("nan"), f"not known: it is {told}, and the history {begun:%Y-%m-%d} to {last:%Y-%m-%d}"
    return _spent(plan, first, final) / _days(first, final) * _days(start, end), told


def _last_year_told(percent: float) -> str:
    if percent == 0:
        return "last year"
    return f"last year {'plus' if percent > 0 else 'less'} {abs(percent) * 100:g} %"
