"""Spend against a plan. Comes in: a plan, and usage up to a day. Goes out: alerts of variance and projected breach.

What a usage export holds is held against the plan's tokens alone: lines such as fixed fees are not in it. The budget to
date of a month that has begun is its part of the days.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from forecast import schema
from forecast.errors import HorizonError, ModelError, PlanError, UsageError
from forecast.panel import FloatArray
from forecast.prices import PriceBook
from forecast.projection import project
from forecast.unit_economics.costs import unit_rows
from forecast.usage import Usage
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.ledger import LINE, TOKENS
from scenarios.budget.planning import plan as plan_again
from scenarios.reviews.alerts.alert import Alert, Severity, numbers
from scenarios.reviews.alerts.rules import AlertRules

#: Futures of the projection to a period's end, and its trajectories.
DRAWS: Final = 1_000
TRAJECTORIES: Final = 200
#: A breach as probable as this is critical.
CRITICAL: Final = 0.9


@dataclass(frozen=True, slots=True)
class Period:
    """A month of the plan, or all of it: its days, its tokens' budget, and what was spent on them so far."""

    name: str
    first: pd.Timestamp
    last: pd.Timestamp
    budget: float
    to_date: float
    spent: float


def against_budget(
    usage: Usage, plan: BudgetPlan, as_of: pd.Timestamp, prices: PriceBook | None, rules: AlertRules
) -> tuple[list[Alert], list[str]]:
    """Variance to date and the probability of a breach, of the month of ``as_of`` and of the whole plan; and notes.

    Raises
    ------
    PlanError
        ``plan`` is no plan, or in another currency than the usage.
    """
    if not isinstance(plan, BudgetPlan):
        raise PlanError(f"alerts: plan must be a BudgetPlan, such as sc.plan(...); got {type(plan).__name__}")
    span = plan.projection.span
    if not span.start <= as_of <= _end(span.end, plan.projection.usage.grain):
        told = f"{span.start:%Y-%m-%d} to {span.end:%Y-%m-%d}"
        return [], [f"the plan's budget was not looked at: it is for {told}, and {as_of:%Y-%m-%d} lies outside"]
    spent, currency = _spent(usage, plan, prices)
    if currency != plan.currency:
        raise PlanError(f"alerts: the usage is in {currency} and the plan in {plan.currency}; convert one (rates=)")
    through = _end(as_of, usage.grain)
    periods = _periods(plan, through, spent)
    found = [a for p in periods if rules.budget and (a := _variance(p, through, plan, rules))]
    notes: list[str] = []
    if rules.breach and through < periods[-1].last:
        try:
            rest = _rest(usage, plan, as_of)
        except (ModelError, HorizonError, UsageError) as error:
            notes.append(f"a projected breach was not looked at: {error}")
        else:
            found += [a for p in periods if through < p.last and (a := _breach(p, rest, as_of, plan, rules))]
    return found, notes


def _end(last: pd.Timestamp, grain: str) -> pd.Timestamp:
    """The last day of a period: that of its month where usage is monthly, whose rows stand on first days."""
    return last + pd.offsets.MonthEnd(0) if grain == "month" else last


def _spent(usage: Usage, plan: BudgetPlan, prices: PriceBook | None) -> tuple[pd.Series, str]:
    """Money by day: billed, or priced by the book given or the plan's own."""
    rows = unit_rows(usage, prices or plan.spec.prices, (), None)
    dates = pd.DatetimeIndex(rows.frame[schema.DATE]).normalize()
    return pd.Series(np.nan_to_num(rows.cost), index=dates).groupby(level=0).sum(), rows.currency


def _periods(plan: BudgetPlan, as_of: pd.Timestamp, spent: pd.Series) -> list[Period]:
    """The month that ``as_of`` lies in, where it is not all of the plan, and the plan."""
    ledger, span = plan.ledger, plan.projection.span
    end = _end(span.end, plan.projection.usage.grain)
    rows = (ledger.labels[LINE] == TOKENS).to_numpy()
    budget = plan.cents(plan.confidence).reshape(len(ledger.days), -1)[:, rows].sum(axis=1) / 100.0
    firsts = [max(day, span.start) for day in ledger.days]
    lasts = [*(day - pd.Timedelta(days=1) for day in firsts[1:]), end]
    part = [
        min(max(((as_of - first).days + 1) / ((last - first).days + 1), 0.0), 1.0)
        for first, last in zip(firsts, lasts, strict=True)
    ]
    now = sum(first <= as_of for first in firsts) - 1

    def of(name: str, which: slice) -> Period:
        first, last = firsts[which][0], lasts[which][-1]
        to_date = float((budget[which] * np.array(part[which])).sum())
        return Period(name, first, last, float(budget[which].sum()), to_date, float(spent[first:as_of].sum()))

    whole = of("plan", slice(None))
    return [whole] if len(firsts) == 1 else [of(f"{firsts[now]:%Y-%m}", slice(now, now + 1)), whole]


def _variance(period: Period, as_of: pd.Timestamp, plan: BudgetPlan, rules: AlertRules) -> Alert | None:
    over = period.spent - period.to_date
    share = over / period.to_date if period.to_date > 0 else np.inf
    if over <= rules.budget_amount or share <= rules.budget_percent:
        return None
    severity: Severity = "critical" if share > 2 * rules.budget_percent else "warning"
    message = (
        f"Over budget: {period.spent:,.2f} {plan.currency} was spent on tokens from {period.first:%Y-%m-%d} to "
        f"{as_of:%Y-%m-%d}, {over:,.2f} ({share:.0%}) over the {period.to_date:,.2f} budgeted to date "
        f"({period.name})."
    )
    evidence = numbers(spent=period.spent, budget_to_date=period.to_date, over=over, share=share, budget=period.budget)
    labels, step = {"scope": "organisation", "period": period.name}, int(min(share, 100.0) * 10)
    return Alert("budget", severity, labels, period.first, as_of, message, evidence, step)


def _rest(usage: Usage, plan: BudgetPlan, as_of: pd.Timestamp) -> BudgetPlan:
    """What tokens will cost from the day after ``as_of`` to the plan's end: forecast anew, without a scenario."""
    spec, end = plan.projection.spec, plan.projection.span.end
    step = pd.offsets.MonthBegin() if usage.grain == "month" else pd.Timedelta(days=1)
    ahead = project(
        usage,
        start=f"{(as_of.normalize() + step):%Y-%m-%d}",
        end=f"{end:%Y-%m-%d}",
        model=spec.model,
        seed=spec.seed,
        by=spec.by,
        lag=0,
        max_series=spec.max_series,
        trajectories=min(spec.trajectories, TRAJECTORIES),
        calendar=spec.calendar,
        cleaning=spec.cleaning,
    )
    return plan_again(ahead, prices=plan.spec.prices, draws=DRAWS, seed=plan.spec.seed, unpriced=plan.spec.unpriced)


def _breach(period: Period, rest: BudgetPlan, as_of: pd.Timestamp, plan: BudgetPlan, rules: AlertRules) -> Alert | None:
    ahead = np.asarray(rest.ledger.days <= period.last)
    to_come: FloatArray = rest.ledger.money[:, ahead].sum(axis=(1, 2))
    probability = float(np.mean(period.spent + to_come > period.budget))
    if probability <= rules.breach_probability:
        return None
    severity: Severity = "critical" if probability >= CRITICAL else "warning"
    low, middle, high = (float(q) for q in np.quantile(period.spent + to_come, [0.1, 0.5, 0.9]))
    message = (
        f"Projected breach: by {period.last:%Y-%m-%d} tokens will have cost {middle:,.2f} {plan.currency} "
        f"({low:,.2f} to {high:,.2f}, P10 to P90); the probability of more than the budget of "
        f"{period.budget:,.2f} is {probability:.0%} ({period.name})."
    )
    evidence = numbers(probability=probability, spent=period.spent, p10=low, p50=middle, p90=high, budget=period.budget)
    labels = {"scope": "organisation", "period": period.name}
    return Alert("breach", severity, labels, period.first, as_of, message, evidence)
