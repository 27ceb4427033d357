"""The walk of versions. Comes in: a Reforecast. Goes out: an Axes: each version's outlook beside the budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from forecast.drawing import (
    SMALL,
    canvas,
    headline,
    label_ends,
    money,
    money_axis,
    percent,
    printable,
    settle,
    short,
    told_date,
)
from scenarios.report.onepage.wording import percent_of
from scenarios.reviews.versions import Reforecast

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: A P50 that moved by less than this part of itself stayed.
STAYED: Final = 0.005


def walk_chart(made: Reforecast, *, ax: Axes | None = None) -> Axes:
    """P50 and P10 to P90 of the plan and of every version since, what was spent in each, and the approved budget."""
    table, budget, currency = made.walk(), made.outlook.budget.total, made.plan.currency
    ax, palette = canvas(ax)
    last = len(table) - 1
    for at, (name, row) in enumerate(table.iterrows()):
        colour = palette.muted if name == "plan" else palette.future
        low, middle, high = (float(row[c]) for c in ("p10", "p50", "p90"))
        ax.bar(at, float(row["to_date"]), 0.5, color=palette.policy, linewidth=0)
        ax.plot([at, at], [low, high], color=colour, linewidth=6.0, alpha=0.45, solid_capstyle="butt", zorder=3)
        ax.plot([at], [middle], marker="o", color=colour, markersize=8, mec=palette.paper, zorder=4)
    middles = table["p50"].to_numpy("float64")
    ax.plot(range(last + 1), middles, color=palette.future, linewidth=1.0, linestyle=(0, (2, 2)), zorder=2)
    ends = [-0.5, last + 0.4]
    ax.plot(ends, [budget] * 2, color=palette.budget, linewidth=1.8, linestyle=(0, (5, 1.5)), zorder=2.5)
    top = max(float(table["p90"].max()), budget, 0.0) or 1.0
    ax.set_ylim(min(0.0, float(table["p10"].min()) * 1.05), top * 1.12)
    ax.set_xlim(-0.6, last + 0.5)
    names = [
        f"{'plan' if name == 'plan' else printable(name)}\n{told_date(as_of, 'yMMMd')}\n{percent(over)} over"
        for name, as_of, over in zip(table.index, table["as_of"], table["over"], strict=True)
    ]
    ax.set_xticks(range(last + 1), names)
    money_axis(ax.yaxis, f"{printable(currency)}, the plan's whole span")
    what = (
        f"{printable(made.plan.name)}. Dots and bars: P50 and P10–P90 of each version; blocks: spent by then. "
        "Below: months over + months ahead, as of, and how many futures go over the budget"
    )
    headline(ax, _finding(made), what, palette)
    label_ends(ax, ends[1], [(budget, f"budget {short(budget)}", palette.budget)])
    settle(ax)
    look: Any = {"textcoords": "offset points", "va": "center", "fontsize": SMALL, "parse_math": False}
    for at, middle in enumerate(middles):
        rises = at < last and middles[at + 1] > middle  # the label stands off the line to the next
        place = (8.0, -7.0 if rises else 7.0 if at < last else 0.0)
        ax.annotate(short(float(middle)), (at, middle), place, color=palette.ink, in_layout=False, **look)
    return ax


def _finding(made: Reforecast) -> str:
    """What the picture says, in one sentence."""
    table, budget, currency = made.walk(), made.outlook.budget.total, made.plan.currency
    first, last = float(table["p50"].iloc[0]), float(table["p50"].iloc[-1])
    moved = last - first
    share = f" ({percent_of(moved, first)})" if first else ""
    by = f"{money(abs(moved), currency)}{share}"
    told = f"The outlook {'rose' if moved > 0 else 'fell'} by {by} since the plan, to {short(last)}"
    if abs(moved) < STAYED * abs(first):
        told = f"The outlook is what the plan was, {money(last, currency)} at P50"
    away = abs(budget - last)
    if away < STAYED * abs(budget):
        return f"{told}: on the budget of {short(budget)}"
    return f"{told}: {short(away)} {'under' if budget > last else 'over'} the budget of {short(budget)}"
