"""Foreseeing. Comes in: a plan and what was used since. Goes out: the outlook: spent to date, and the rest foreseen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
import pandas as pd

from forecast.errors import PlanError
from forecast.prices import PriceBook
from forecast.usage import Usage
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.ledger import LINE, TOKENS
from scenarios.reviews.budgeted import Budgeted, held_by, held_in
from scenarios.reviews.joined import Joined, joined
from scenarios.reviews.layout import Layout, last_day_of
from scenarios.reviews.other_lines import other_lines
from scenarios.reviews.outlook import Outlook
from scenarios.reviews.rest import Rest, rest_of
from scenarios.reviews.spent import Money, Spent, spent_in
from scenarios.scenario import Scenario

#: Days over which the part of list prices that was billed is read.
BILLED_OVER: Final = 28
#: A bill within this part of list prices is list prices.
AS_LISTED: Final = 1e-4


def foreseen(
    plan: BudgetPlan,
    usage: Usage,
    as_of: str | pd.Timestamp | None,
    *,
    budget: pd.DataFrame | None = None,
    prices: PriceBook | None = None,
    scenario: Scenario | None = None,
    lines: pd.DataFrame | None = None,
    money: Money = "billed_cost",
    n_jobs: int | None = 1,
) -> Outlook:
    """The outlook of a plan on a day, held against its own budget, or a table of amounts.

    Raises
    ------
    PlanError, ScenarioError, PriceError, UsageError
        An argument does not hold, or usage has no price.
    """
    if not isinstance(plan, BudgetPlan):
        raise PlanError(f"wanted a BudgetPlan, not {type(plan).__name__}: sc.plan(...) makes one")
    for name, value, kind in (("prices", prices, PriceBook), ("scenario", scenario, Scenario)):
        if value is not None and not isinstance(value, kind):
            raise PlanError(f"{name}: wanted a {kind.__name__}, not {type(value).__name__}")
    known = joined(plan.projection.usage, usage, as_of, lag=plan.projection.spec.lag, since=plan.projection.as_of)
    if known.as_of < plan.projection.as_of:
        raise PlanError(
            f"as_of={known.as_of:%Y-%m-%d} lies before {plan.projection.as_of:%Y-%m-%d}, which the plan was made on: "
            "a review takes usage since then"
        )
    span, ledger = plan.projection.span, plan.ledger
    terms: dict[str, Any] = {
        "prices": prices if prices is not None else plan.spec.prices,
        "labels": ledger.labels[(ledger.labels[LINE] == TOKENS).to_numpy()],
        "pooled": plan.projection.usage.frame,
        "money": money,
        "unpriced": plan.spec.unpriced,
    }
    day = known.as_of + pd.offsets.MonthEnd(0) if known.usage.grain == "month" else known.as_of
    spent = spent_in(known.usage, span.start, min(day, last_day_of(plan)), **terms)
    if spent.currency not in (None, plan.currency):
        raise PlanError(
            f"{usage.source} is billed in {spent.currency} and the plan is in {plan.currency}: read it with "
            f"currency={plan.currency!r} and rates="
        )
    held = held_by(plan) if budget is None else held_in(budget, plan)
    same = known.as_of == plan.projection.as_of and known.usage.until(known.as_of).sha256 == _sha_then(plan)
    if same and prices is None and scenario is None:
        laid = Layout.of(plan, day)
        ahead = ledger.money[:, :, ledger.demand]
        nothing = np.zeros(ahead.shape[1:])
        return _outlook(plan, held, known, spent, laid, nothing, nothing, ahead, list(known.notes))
    rest, notes = None, [*known.notes, *spent.notes]
    if day < last_day_of(plan):
        rest = rest_of(plan, known, prices=prices, scenario=scenario, n_jobs=n_jobs)
        notes += rest.notes
    made = None if rest is None else rest.made
    others = [spent.frame] if made is None else [spent.frame, made.labels.assign(**{LINE: TOKENS})]
    laid = Layout.of(plan, day, *others)
    share, told = (1.0, []) if rest is None else _billed_share(rest, known, day, terms)
    beside = other_lines(plan, laid, spent, made, lines, share=share)
    laid, ahead, notes = beside.laid, beside.ahead, [*notes, *beside.notes, *told]
    if rest is not None and made is not None:
        rest, inside = replace(rest, share=share), made.spans.planned
        rows = laid.row_of(made.labels.assign(**{LINE: TOKENS}))
        for at, month in zip(np.flatnonzero(inside), laid.month_of(made.spans.first[inside]), strict=True):
            ahead[:, month, rows] += made.cost[:, at] * share
    actual = laid.spent(spent) + beside.actual
    return _outlook(plan, held, known, spent, laid, actual, beside.assumed, ahead, notes, rest)


def _outlook(
    plan: BudgetPlan,
    held: Budgeted,
    known: Joined,
    spent: Spent,
    laid: Layout,
    actual: np.ndarray,
    assumed: np.ndarray,
    ahead: np.ndarray,
    notes: list[str],
    rest: Rest | None = None,
) -> Outlook:
    unplanned = np.arange(len(laid.labels)) >= laid.planned
    return Outlook(
        plan, held, known.as_of, known.usage, spent, known.restated, laid.labels, actual, assumed, ahead,
        unplanned, laid.elapsed, tuple(notes), rest,
    )  # fmt: skip


def _sha_then(plan: BudgetPlan) -> str:
    """What the plan knew, as a hash."""
    return plan.projection.usage.until(plan.projection.as_of).sha256


def _billed_share(rest: Rest, known: Joined, day: pd.Timestamp, terms: dict[str, Any]) -> tuple[float, list[str]]:
    """What part of list prices was billed of late: the rest will be billed so too, unless the scenario says more."""
    if terms["money"] == "priced":
        return 1.0, []
    monthly = known.usage.grain == "month"
    first = day.to_period("M").start_time if monthly else day - pd.Timedelta(days=BILLED_OVER - 1)
    recent = spent_in(known.usage, first, day, **terms)
    if recent.priced <= 0.0 or abs(recent.billed / recent.priced - 1.0) <= AS_LISTED:
        return 1.0, []
    share = recent.billed / recent.priced
    late = "month" if monthly else f"{BILLED_OVER} days"
    seen = f"{share:.1%} of list prices was billed in the last {late}"
    kinds = [type(c).__name__ for leaf in rest.course.leaves for c, _ in leaf.changes]
    if told := [kind for kind in kinds if kind in ("Discount", "Negotiation", "Contract")]:
        return 1.0, [f"{seen}; the rest is as the scenario's {told[0]} says"]
    return share, [f"{seen}, and so the rest is foreseen"]
