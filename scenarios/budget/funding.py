"""What must be found, step by step. Comes in: a plan. Goes out: levels of its total, the staircase to its funding."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from scenarios.budget.contingency import mean_error, to_cents
from scenarios.components import OWNER_COLUMNS, Reserve

if TYPE_CHECKING:
    from scenarios.budget.budget_plan import BudgetPlan

#: Levels that stress a budget, and the one that stands in where the budget covers them all.
STRESS: Final = (0.90, 0.95)
BEYOND: Final = 0.99


def level_name(level: float) -> str:
    """A level as planners say it: P80."""
    return f"P{level * 100:g}"


def levels_of(plan: BudgetPlan) -> pd.DataFrame:
    """The total at the levels that a budget is decided by, and its mean.

    Returns
    -------
    DataFrame
        Index ``level``: P50, the plan's confidence, then the stress levels above it (P90 and P95; P99 where the budget
        covers both), then ``mean``. ``role`` is plan, commitment, stress or expected; ``percentile`` the share of
        futures whose total is no more; ``amount``; ``standard_error``; ``added`` what it adds to the row before, to the
        cent. The mean is no step, so it adds nothing: it lies above P50 where the total is skewed upward, and it is
        what a long row of such plans would cost on average.
    """
    beyond = [level for level in STRESS if level > plan.confidence]
    beyond = beyond or [BEYOND] * (plan.confidence < BEYOND)
    steps = [("plan", 0.5), ("commitment", plan.confidence), *(("stress", level) for level in beyond)]
    amounts = [round(float(np.quantile(plan.totals, level)), 2) for _, level in steps]
    added = [np.nan, *(round(high - low, 2) for low, high in pairwise(amounts))]
    mean = float(plan.totals.mean())
    rows = [
        (level_name(level), role, level, amount, plan.standard_error(level), more)
        for (role, level), amount, more in zip(steps, amounts, added, strict=True)
    ]
    error = mean_error(plan.totals, plan.trajectory)
    rows.append(("mean", "expected", plan.percentile_of(mean), round(mean, 2), error, np.nan))
    columns = ["level", "role", "percentile", "amount", "standard_error", "added"]
    return pd.DataFrame(rows, columns=columns).set_index("level")


def beside(plan: BudgetPlan) -> tuple[Reserve, ...]:
    """The reserves beside the total, each with its amount.

    One up to a level holds what lies between that quantile of the total, to the cent, and what is reached below it: the
    budget, or the next lower of such reserves.
    """
    reached, amounts = plan.budget, {}
    upward = [(r.to, r.name) for r in plan.spec.laid.reserves if r.to is not None]
    for level, name in sorted(upward):
        quantile = round(float(np.quantile(plan.totals, level)), 2)
        amounts[name] = round(quantile - reached, 2)
        reached = quantile
    return tuple(
        replace(r, amount=amounts[r.name], to=None, held_by=r.holder) if r.to is not None else r
        for r in plan.spec.laid.reserves
        if r.funds is None
    )


def set_aside_of(plan: BudgetPlan) -> pd.DataFrame:
    """Every reserve: its amount, whose it is, and whether it lies within the contingency or beside the total."""
    blank: dict[str, str | None] = dict.fromkeys(OWNER_COLUMNS)
    every = [("funding", r) for r in plan.reserves] + [("contingency", r) for r in plan.earmarks]
    rows = [
        {
            "name": r.name,
            "amount": r.amount,
            "within": within,
            "funds": r.funds,
            "held_by": r.holder,
            **blank,
            **r.owner,
        }
        for within, r in every
    ]
    columns = ["name", "amount", "within", "funds", "held_by", *OWNER_COLUMNS]
    return pd.DataFrame(rows, columns=columns).set_index("name")


def funding_table_of(plan: BudgetPlan) -> pd.DataFrame:
    """The staircase from base to funding, to the cent.

    Returns
    -------
    DataFrame
        Index ``step``: the base, the contingency (what is kept for an event or line, then what is free), the budget;
        above it the reserves up to a level, then the other reserves beside the total; at last the funding. ``kind`` is
        base, contingency, reserve or sum; ``amount``; ``reaches`` the sum down to this row; ``covers`` the share of
        futures whose total is no more than that, blank for reserves that are no part of any level, since the total does
        not hold what they are for; ``held_by`` and ``funds`` as far as they are known. Base and contingency sum to the
        budget, and with the reserves to the funding.
    """
    held = np.array([r.held for r in plan.earmarks])
    cents = to_cents(held, min(float(held.sum()), plan.contingency))
    free = round(plan.contingency - float(cents.sum()) / 100, 2)
    level = {r.name: r.to for r in plan.spec.laid.reserves if r.to is not None}
    above = sorted(plan.reserves, key=lambda r: level.get(r.name, 1.0))
    rows: list[tuple[str, str, float, str | None, str | None]] = [
        (f"base ({level_name(0.5)})", "base", plan.base, "team", None),
        *(
            (r.name, "contingency", float(c) / 100, r.holder, r.funds)
            for r, c in zip(plan.earmarks, cents, strict=True)
        ),
        ("contingency, free" if plan.earmarks else "contingency", "contingency", free, "team", None),
        (f"budget ({level_name(plan.confidence)})", "sum", plan.budget, None, None),
        *((r.name, "reserve", float(np.round(r.held, 2)), r.holder, None) for r in above),
        ("funding", "sum", plan.funding, None, None),
    ]
    table = pd.DataFrame(rows, columns=["step", "kind", "amount", "held_by", "funds"])
    table["reaches"] = table["amount"].where(table["kind"] != "sum", 0.0).cumsum().round(2)
    other = len(above) - len(level)
    steps = table["reaches"].iloc[: len(table) - 1 - other]
    table["covers"] = steps.map(plan.percentile_of)
    return table.set_index("step")[["kind", "amount", "reaches", "covers", "held_by", "funds"]]
