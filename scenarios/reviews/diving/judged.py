"""Judgements scored. Comes in: a plan with overrides, and what was spent. Goes out: whether each brought it nearer.

A judgement adds value where the forecast with it missed by less than the forecast without it: forecast value added
(Gilliland 2013, Foresight 29).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecast.panel import BoolArray, FloatArray
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.ledger import LINE
from scenarios.reviews.outlook import Outlook

#: The columns of the table.
COLUMNS = ("name", "who", "on", "p50_with", "p50_without", "actual", "added_value")


def judged(outlook: Outlook) -> pd.DataFrame:
    """Each override of a plan beside what came, over the months that are over.

    Returns
    -------
    DataFrame
        Index ``name``; ``who``, ``on``; the plan's P50 of those months ``p50_with`` and ``p50_without`` the override;
        ``actual``; ``added_value``, by how much nearer the plan came with it: above 0 it helped. Lines that count as
        planned because nothing tells them are in none of these: where an override moves no other, its value is NaN.
        Empty where the plan has none, or no month is over.
    """
    plan, over = outlook.plan, outlook.elapsed >= 1.0
    rows = []
    if over.any():
        untold = set(outlook.labels.loc[(outlook.assumed[over] != 0).any(axis=0), LINE])
        spent = float(outlook.actual[over][:, ~outlook.labels[LINE].isin(untold)].sum())
        for one in plan.spec.overrides:
            sides = [_told(p, over, untold) for p in (plan, plan.without(one.name))]
            with_it, without = (float(np.median(side)) for side in sides)
            moved = (sides[0] != sides[1]).any()
            value = abs(without - spent) - abs(with_it - spent) if moved else np.nan
            rows.append((one.name, one.who, pd.Timestamp(one.on), with_it, without, spent, value))
    return pd.DataFrame(rows, columns=list(COLUMNS)).set_index("name")


def _told(plan: BudgetPlan, months: BoolArray, untold: set[str]) -> FloatArray:
    """Money of some months in each draw, but for some lines: (draw,)."""
    ledger = plan.ledger
    rows = ledger.demand & ~ledger.labels[LINE].isin(untold).to_numpy()
    return np.asarray(ledger.money[:, months][:, :, rows].sum(axis=(1, 2)))
