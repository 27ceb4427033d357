"""Environments on each other, month by month. Comes in: a BudgetPlan. Goes out: an Axes that says who takes most.

Shares are those of the policy, which are the same in every month: money is stacked, and each share stands beside its
policy range. (Stacked shares would be level bands that tell nothing of the months.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from forecast.drawing import (
    SMALL,
    canvas,
    headline,
    in_percent,
    label_ends,
    money,
    money_axis,
    printable,
    settle,
    share_range,
    short,
    span_words,
    told_date,
)
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.funding import level_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Environments that are told apart; smaller ones are stacked as one.
SHOWN: Final = 5
#: How strong each is drawn, the largest first.
_STRENGTH: Final = (1.0, 0.74, 0.53, 0.36, 0.23, 0.13)
#: Width of a bar, where the distance of two is 1; the months whose sums are told above them.
_WIDE: Final = 0.74
_TOLD: Final = 12
#: A share this near to an end of its range is at that end.
_AT: Final = 0.002


def stack(plan: BudgetPlan, *, ax: Axes | None = None) -> Axes:
    """Each month's budget, stacked by environment; at the right the share of each and its policy range."""
    names, money_of = _stacked(plan)
    whole = money_of.sum(axis=1)
    ax, palette = canvas(ax)
    base, ends, at = np.zeros(len(money_of)), [], np.arange(len(money_of), dtype="float64")
    split = plan.spec.environments
    ranges = {name: (low, high) for name, low, high in (split.ranges if split else ())}
    share = money_of.sum(axis=0) / (float(whole.sum()) or 1.0)
    edge: Any = {"edgecolor": palette.paper, "linewidth": 1.0}
    for i, name in enumerate(names):
        ax.bar(at, money_of[:, i], _WIDE, base, color=palette.future, alpha=_STRENGTH[i], zorder=2, **edge)
        told = f"{printable(name, 20)} {in_percent(share[i])}"
        if name in ranges:
            told += f", policy {share_range(*ranges[name])}"
        ends.append((float(base[-1] + money_of[-1, i] / 2), told, palette.ink))
        base = base + money_of[:, i]
    ax.set_xlim(-0.6, len(at) - 0.4)
    ax.set_ylim(min(0.0, float(money_of.min())), (float(whole.max()) or 1.0) * 1.12)
    days = plan.ledger.days[~plan.ledger.months.duplicated()]
    labels = [told_date(d, "MMM") + (f"\n{d.year}" if i == 0 or d.month == 1 else "") for i, d in enumerate(days)]
    every = -(-len(at) // _TOLD)
    ax.set_xticks(at[::every], labels[::every])
    ax.set_xlabel("month", loc="right", labelpad=-SMALL)
    money_axis(ax.yaxis, f"{printable(plan.currency)} a month")
    what = f"{printable(plan.name)}; budget at {level_name(plan.confidence)} by month and environment"
    what += "; the same shares in all months" if split else ""
    headline(ax, _finding(plan, names, share, ranges), what, palette)
    label_ends(ax, float(at[-1]) + _WIDE / 2, ends)
    settle(ax)
    look: Any = {"ha": "center", "va": "bottom", "fontsize": SMALL, "in_layout": False, "color": palette.ink}
    for x, total in list(zip(at, whole, strict=True))[::every]:
        ax.annotate(short(float(total)), (x, total), (0.0, 3.0), textcoords="offset points", **look)
    return ax


def _stacked(plan: BudgetPlan) -> tuple[list[str], np.ndarray]:
    """Environments, the largest first, and the budget of each: float array (month, environment)."""
    table = plan.table(["month", "environment"])["budget"].unstack("environment").fillna(0.0)
    table = table[table.sum().sort_values(ascending=False, kind="stable").index]
    if table.shape[1] > SHOWN + 1:
        rest = table.iloc[:, SHOWN:]
        told = pd.Series(rest.sum(axis=1), name=f"{rest.shape[1]} others")
        table = pd.concat([table.iloc[:, :SHOWN], told], axis=1)
    return [str(name) for name in table.columns], table.to_numpy("float64")


def _finding(plan: BudgetPlan, names: list[str], share: np.ndarray, ranges: dict[str, tuple[float, float]]) -> str:
    """Who takes most, and whether policy has to hold it there."""
    most = printable(names[0], 24)
    span = span_words(plan.projection.span.start, plan.projection.span.end)
    told = f"{span}: {most} takes {in_percent(share[0])} of {money(plan.budget, plan.currency)}"
    if names[0] not in ranges:
        return told
    low, high = ranges[names[0]]
    if share[0] < low + _AT:
        return f"{told}, the least that policy allows"
    if share[0] > high - _AT:
        return f"{told}, the most that policy allows"
    return f"{told}, inside its policy range"
