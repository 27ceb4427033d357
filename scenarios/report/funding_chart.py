"""The staircase from base to funding. Comes in: a BudgetPlan. Goes out: a matplotlib Axes whose title states it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from forecast.drawing import (
    SIZE,
    SMALL,
    Palette,
    canvas,
    headline,
    label_ends,
    money,
    money_axis,
    number,
    percent,
    printable,
    short,
    span_words,
)
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.funding import level_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: How high a step is, as a share of its row.
HIGH: Final = 0.62


def funding(plan: BudgetPlan, *, ax: Axes | None = None) -> Axes:
    """What must be found, step by step: base, contingency, budget, reserves; and how sure each step makes it."""
    table = plan.funding_table()
    table = table if plan.reserves else table.iloc[:-1]
    ax, palette = canvas(ax, _size(len(table)))
    edge = float(table["reaches"].max()) or 1.0
    last, ends, names = len(table) - 1, [], []
    for row, (name, step) in zip(range(last, -1, -1), table.iterrows(), strict=True):
        amount, reaches, adds = float(step["amount"]), float(step["reaches"]), step["kind"] not in ("base", "sum")
        left = reaches - amount if adds else 0.0
        ax.barh(
            row,
            amount,
            left=left,
            height=HIGH,
            color=_colour(step, palette, whole=not row and bool(plan.reserves)),
            linewidth=0,
        )
        if row:
            ax.plot([reaches, reaches], [row - HIGH / 2, row - 1 + HIGH / 2], color=palette.muted, linewidth=0.8)
        ends.append((float(row), f"{'+' if adds else ''}{short(amount)}{_sure(float(step['covers']))}", palette.ink))
        held = f" ({step['held_by']})" if adds else ""
        names.append(f"{printable(name, 26)}{held}")
    ax.set_xlim(0.0, edge * 1.02)
    ax.set_xticks([tick for tick in ax.get_xticks() if 0.0 <= tick <= edge * 1.02])
    ax.set_ylim(-0.6, last + 0.6)
    ax.set_yticks(range(last, -1, -1), names)
    for text in ax.get_yticklabels():
        text.set(parse_math=False, color=palette.ink, fontsize=SMALL + 1)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x", color=palette.grid, linewidth=0.8)
    ax.spines["bottom"].set_bounds(0.0, edge * 1.02)
    span = span_words(plan.projection.span.start, plan.projection.span.end)
    money_axis(ax.xaxis, f"money over {span}, {plan.currency}")
    what = f"{printable(plan.name)}, {number(len(plan.totals))} futures; in brackets who may spend it"
    headline(ax, _finding(plan, span), what, palette)
    label_ends(ax, edge, ends)
    return ax


def funding_size(plan: BudgetPlan) -> tuple[float, float]:
    """Width and height of the picture, in inches: a row each step."""
    return _size(3 + len(plan.earmarks) + len(plan.reserves) + bool(plan.reserves))


def _size(steps: int) -> tuple[float, float]:
    return SIZE[0], 1.7 + 0.42 * steps


def _colour(step: pd.Series, palette: Palette, *, whole: bool) -> str:
    """Blue what the team plans with, orange the budget, grey what stands above it."""
    if whole:
        return palette.known
    return {"base": palette.future, "contingency": palette.future, "sum": palette.budget}.get(
        str(step["kind"]), palette.muted
    )


def _sure(covers: float) -> str:
    """In how many futures the money down to a step is enough, where that can be told."""
    return "" if np.isnan(covers) else f", enough in {percent(covers)}"


def _finding(plan: BudgetPlan, span: str) -> str:
    budget = f"{money(plan.budget, plan.currency)} at {level_name(plan.confidence)}"
    made = f"{short(plan.base)} base and {short(plan.contingency)} contingency"
    if not plan.reserves:
        return f"{span}: {budget} is {made}"
    beside = short(plan.funding - plan.budget)
    return f"{money(plan.funding, plan.currency)} to be found for {span}: {budget} and {beside} beside it"
