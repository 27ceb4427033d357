"""Spend by calendar month. Comes in: a BudgetPlan. Goes out: months known, between and planned, on one axis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecast.panel import FloatArray
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.ledger import TOKENS


@dataclass(frozen=True, slots=True)
class Months:
    """Spend by calendar month, known and to come, on one axis.

    Attributes
    ----------
    known : Series (month,)
        Priced usage of the months that are known whole.
    gap, planned : float array (draw, month)
        Spend in each draw, the known days of a month in part included. ``gap_months`` and ``months`` label them.
    usage : float array (month,)
        The median of the planned months without the lines that are not tokens, which history does not hold either.
    budget : float array (month,)
        Each month's part of the budget, with the known days of a month in part.
    part : tuple of Period
        Planned months that the plan covers in part to their end.
    """

    known: pd.Series
    gap: FloatArray
    gap_months: pd.PeriodIndex
    planned: FloatArray
    months: pd.PeriodIndex
    usage: FloatArray
    budget: FloatArray
    part: tuple[pd.Period, ...]


def months_of(plan: BudgetPlan) -> Months:
    """Put history, gap and plan on one calendar."""
    span = plan.projection.span
    now = pd.Period(plan.projection.as_of, "M")
    begin = np.flatnonzero(~plan.ledger.months.duplicated())
    months, gap = plan.ledger.months[begin], plan.gap.copy()
    forecast = plan.gap_months.union(months)
    known = plan.history.dropna()
    known = known[(known.index <= now) & ~known.index.isin(forecast)]
    if len(known) > 1 and plan.projection.usage.start.normalize() > known.index[0].start_time:
        known = known.iloc[1:]
    begun = _known_in(plan, now) if now in forecast else 0.0
    money = plan.ledger.money
    planned = np.add.reduceat(money.sum(axis=2), begin, axis=1)
    tokens = money[:, :, (plan.ledger.labels["line"] == TOKENS).to_numpy()].sum(axis=2)
    tokens = np.add.reduceat(tokens, begin, axis=1)
    cents = plan.cents(plan.confidence).reshape(money.shape[1:]).sum(axis=1)
    budget = np.add.reduceat(cents, begin) / 100.0
    gap[:, plan.gap_months == now] += begun
    shared = plan.gap_months.intersection(months)
    for i, month in enumerate(months):
        alone = np.full(len(gap), begun if month == now else 0.0)
        before = gap[:, plan.gap_months == month].sum(axis=1) if month in shared else alone
        planned[:, i] += before
        tokens[:, i] += before
        budget[i] += float(np.median(before))
    between = ~plan.gap_months.isin(shared)
    end = span.end + pd.offsets.MonthEnd(0) if plan.projection.usage.grain == "month" else span.end
    part = (months[-1],) if end.normalize() < months[-1].end_time.normalize() else ()
    return Months(
        known,
        gap[:, between],
        plan.gap_months[between],
        planned,
        months,
        np.median(tokens, axis=0),
        budget,
        part,
    )


def as_of(plan: BudgetPlan) -> str:
    """The last day, or of monthly usage the last month, that is known."""
    last = plan.projection.as_of
    return f"{last:%Y-%m}" if plan.projection.usage.grain == "month" else f"{last:%Y-%m-%d}"


def _known_in(plan: BudgetPlan, month: pd.Period) -> float:
    """Priced usage of the as-of date's month up to that date."""
    frame, end = plan.projection.usage.frame, plan.projection.as_of.normalize() + pd.Timedelta(days=1)
    rows = frame[(frame["date"] >= month.start_time) & (frame["date"] < end)]
    return float(plan.spec.prices.cost(rows).sum()) if len(rows) else 0.0
