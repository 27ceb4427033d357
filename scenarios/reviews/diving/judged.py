"""Judgements scored. Comes in: a plan with overrides, and what was spent. Goes out: whether each brought it nearer.

A judgement adds value where the forecast with it missed by less than the forecast without it: forecast value added
(Gilliland 2013, Foresight 29).
"""

from __future__ import annotations

import pandas as pd

from scenarios.reviews.outlook import Outlook

#: The columns of the table.
COLUMNS = ("name", "who", "on", "p50_with", "p50_without", "actual", "added_value")


def judged(outlook: Outlook) -> pd.DataFrame:
    """Each override of a plan beside what came, over the months that are over.

    Returns
    -------
    DataFrame
        Index ``name``; ``who``, ``on``; the plan's P50 of those months ``p50_with`` and ``p50_without`` the override;
        ``actual``; ``added_value``, by how much nearer the plan came with it: above 0 it helped. Empty where the plan
        has none, or no month is over.
    """
    plan, over = outlook.plan, outlook.elapsed >= 1.0
    rows = []
    if over.any():
        spent = float(outlook.actual[over].sum())
        for one in plan.spec.overrides:
            with_it, without = (
                float(pd.Series(p.ledger.money[:, over][:, :, p.ledger.demand].sum(axis=(1, 2))).median())
                for p in (plan, plan.without(one.name))
            )
            value = abs(without - spent) - abs(with_it - spent)
            rows.append((one.name, one.who, pd.Timestamp(one.on), with_it, without, spent, value))
    return pd.DataFrame(rows, columns=list(COLUMNS)).set_index("name")
