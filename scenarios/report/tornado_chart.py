"""What the budget hangs on. Comes in: a BudgetPlan. Goes out: a matplotlib Axes whose title states the widest swing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import numpy as np

from forecast.drawing import SIZE, SMALL, canvas, headline, label_ends, money, money_axis, offscreen, printable, short
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.funding import level_name
from scenarios.budget.sensitivity import By

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: The most rows that are shown, and how high a bar is, as a share of its row.
SHOWN: Final = 12
HIGH: Final = 0.58


def tornado(plan: BudgetPlan, *, by: str | None = None, ax: Axes | None = None, alone: bool = False) -> Axes:
    """The budget with each number held at its P10 and at its P90, the widest swing at the top.

    Rows are numbers, or ``by`` "component" or "driver"; ``alone`` draws on a figure that is shown nowhere.
    """
    table = plan.sensitivity(cast("By", by or "parameter"))
    told = table[np.isfinite(table["swing"])]
    told = told.iloc[np.argsort(-told["swing"].abs().to_numpy(), kind="stable")]
    shown = told.head(SHOWN)
    size = SIZE[0], 1.9 + 0.42 * max(len(shown), 1)
    ax, palette = canvas(offscreen(size) if alone else ax, size)
    ends, last = [], len(shown) - 1
    low, high = (shown[name].to_numpy(dtype="float64") for name in ("at_p10", "at_p90"))
    for row, (start, end) in enumerate(zip(low, high, strict=True)):
        for side in sorted((start, end), key=lambda end: -abs(end - plan.budget)):
            colour = palette.budget if side > plan.budget else palette.future
            ax.barh(last - row, side - plan.budget, HIGH, plan.budget, color=colour, linewidth=0, zorder=2)
        words = f"{short(abs(end - start))}: {short(start)} at P10, {short(end)} at P90"
        ends.append((float(last - row), words, palette.ink))
    ax.axvline(plan.budget, color=palette.ink, linewidth=1.0, zorder=3)
    edges = [plan.budget, *low, *high]
    room = (max(edges) - min(edges)) or abs(plan.budget) or 1.0
    ax.set_xlim(min(edges) - 0.06 * room, max(edges) + 0.03 * room)
    ax.set_ylim(-0.6, max(last, 0) + 0.6)
    ax.set_yticks(range(last, -1, -1), [printable(str(name), 30) for name in shown.index])
    for text in ax.get_yticklabels():
        text.set(parse_math=False, color=palette.ink, fontsize=SMALL + 1)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x", color=palette.grid, linewidth=0.8)
    ax.locator_params(axis="x", nbins=5)
    money_axis(ax.xaxis, f"budget, {plan.currency}; the axis does not begin at 0")
    rest = f"; {len(told) - SHOWN} more not shown" if len(told) > SHOWN else ""
    budget = f"{level_name(plan.confidence)} of {short(plan.budget)}"
    headline(
        ax,
        _finding(plan, [(str(n), abs(float(s))) for n, s in shown["swing"].items()]),
        f"{printable(plan.name)}: its {budget} with each row held at its P10 and at its P90{rest}",
        palette,
    )
    if ends:
        label_ends(ax, max(edges), ends)
    return ax


def _finding(plan: BudgetPlan, swings: list[tuple[str, float]]) -> str:
    """Which row moves the budget most, and by how much."""
    if not swings:
        return f"Nothing that is drawn moves the budget of {money(plan.budget, plan.currency)} by itself"
    name, swing = swings[0]
    return f"What moves the budget most: {printable(name, 30)}, by {money(swing, plan.currency)}"
