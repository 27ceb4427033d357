"""Pictures of comparisons. Comes in: totals, tables. Goes out: Axes that tell which scenario pays, and which change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecast.drawing import BODY, SIZE, SMALL, canvas, headline, money, money_axis, printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from scenarios.comparing.comparison import Comparison


def scenarios_chart(comparison: Comparison, ax: Axes | None = None) -> Axes:
    """Each scenario's P10-P90 as a bar, its P50 as a mark with the amount beside it; dearest at the top."""
    levels = np.quantile(np.stack([o.totals for o in comparison.outcomes]), (0.1, 0.5, 0.9), axis=1)
    low, middle, high = levels[:, np.argsort(levels[1], kind="stable")]
    order = np.argsort(levels[1], kind="stable")
    names = [printable(comparison.names[i], 34) for i in order]
    ax, palette = canvas(ax, (SIZE[0], max(2.2, 1.3 + 0.48 * len(names))))
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x", color=palette.grid, linewidth=0.8)
    for row in range(len(names)):
        first = order[row] == 0
        colour = palette.muted if first else palette.future
        ax.barh(row, high[row] - low[row], 0.42, low[row], color=colour, alpha=0.35, zorder=2)
        ax.plot([middle[row]] * 2, [row - 0.21, row + 0.21], color=colour, linewidth=2.5, zorder=3)
        told = money(float(middle[row]), comparison.currency)
        if not first:
            chance = comparison.probability_cheaper(comparison.names[order[row]])
            told += f"   {_chance(chance)}"
        ax.annotate(
            told,
            (high[row], row),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=SMALL,
            color=palette.ink,
        )
    ax.set_yticks(range(len(names)), names)
    for text in ax.get_yticklabels():
        text.set(parse_math=False, color=palette.ink, fontsize=BODY)
    width = float(high.max() - low.min()) or 1.0
    ax.set_xlim(float(low.min()) - 0.05 * width, float(high.max()) + 0.75 * width)
    money_axis(ax.xaxis, f"{printable(comparison.currency)} over the plan; the axis does not begin at 0")
    told = f"P50 as a mark, P10-P90 as a bar; cheaper than {printable(comparison.names[0], 30)}, future by future"
    headline(ax, _finding(comparison), told, palette)
    return ax


def tornado_chart(table: pd.DataFrame, name: str, against: str, currency: str, ax: Axes | None = None) -> Axes:
    """What each change does alone: P10-P90 as a bar, its mean as a mark; widest at the top."""
    rows = table.iloc[::-1]
    ax, palette = canvas(ax, (SIZE[0], max(2.2, 1.3 + 0.45 * len(rows))))
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x", color=palette.grid, linewidth=0.8)
    ax.axvline(0.0, color=palette.muted, linewidth=0.8, zorder=1.5)
    low, high, mean = (rows[c].to_numpy(dtype="float64") for c in ("alone_p10", "alone_p90", "alone"))
    for row, (a, b, m) in enumerate(zip(low, high, mean, strict=True)):
        colour = palette.budget if m > 0 else palette.future
        ax.barh(row, b - a, 0.5, a, color=colour, alpha=0.45, zorder=2)
        ax.plot([m, m], [row - 0.25, row + 0.25], color=colour, linewidth=2.5, zorder=3)
        ax.annotate(
            f"{'+' if m > 0 else ''}{money(float(m), currency)}",
            (max(b, 0.0), row),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=SMALL,
            color=palette.ink,
        )
    ax.set_yticks(range(len(rows)), [printable(str(n), 34) for n in rows.index])
    for text in ax.get_yticklabels():
        text.set(parse_math=False, color=palette.ink, fontsize=BODY)
    reach = np.array([min(low.min(initial=0.0), 0.0), max(high.max(initial=0.0), 0.0)])
    width = float(reach[1] - reach[0]) or 1.0
    ax.set_xlim(float(reach[0]) - 0.05 * width, float(reach[1]) + 0.25 * width)
    money_axis(ax.xaxis, f"{printable(currency)} more or less than {printable(against, 24)}")
    first = table.index[0] if len(table) else "nothing"
    most = printable(str(first), 34)
    title = f"{most} moves the total of {printable(name, 30)} most" if len(table) else "Nothing changes"
    headline(ax, title[0].upper() + title[1:], "Each change alone: mean as a mark, P10-P90 as a bar", palette)
    return ax


def _finding(comparison: Comparison) -> str:
    """Which scenario is the cheapest at its P50, and how surely it beats the first."""
    middle = [float(np.median(o.totals)) for o in comparison.outcomes]
    best = int(np.argmin(middle))
    name, first = comparison.names[best], comparison.names[0]
    if best == 0:
        return f"Nothing is cheaper than {printable(first, 34)} at P50"
    delta = float(np.median(comparison.delta(name)))
    told = printable(name, 34)
    saved = money(-delta, comparison.currency)
    return f"{told[0].upper()}{told[1:]} saves most: {saved} at P50 against {printable(first, 24)}"


def _chance(probability: float) -> str:
    if probability == 0:
        return "cheaper in none"
    return "cheaper in all futures" if probability == 1 else f"cheaper in {_percent(probability)} of futures"


def _percent(probability: float) -> str:
    """A probability that is neither 0 nor 1 is not told as either."""
    return "over 99 %" if probability > 0.995 else "under 1 %" if probability < 0.005 else f"{100 * probability:.0f} %"
