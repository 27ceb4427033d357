"""Pictures of comparisons. Comes in: totals, tables. Goes out: Axes that tell which scenario pays, and which change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecast.drawing import (
    BODY,
    SIZE,
    SMALL,
    apart,
    band,
    canvas,
    clock,
    date_axis,
    headline,
    in_percent,
    label_ends,
    money,
    money_axis,
    percent,
    printable,
    short,
    told_date,
)
from forecast.panel import FloatArray
from scenarios.comparing.payback import break_even

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from scenarios.comparing.comparison import Comparison


def scenarios_chart(comparison: Comparison, ax: Axes | None = None) -> Axes:
    """Each scenario's P10–P90 as a bar, its P50 as a mark with the amount beside it; dearest at the top."""
    totals = np.stack([o.totals for o in comparison.outcomes])
    order = np.argsort(totals.mean(axis=1), kind="stable")
    low, middle, high = np.quantile(totals, (0.1, 0.5, 0.9), axis=1)[:, order]
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
    told = f"P50 as a mark, P10–P90 as a bar; cheaper than {printable(comparison.names[0], 30)}, future by future"
    headline(ax, _finding(comparison), told, palette)
    return ax


def tornado_chart(table: pd.DataFrame, name: str, against: str, currency: str, ax: Axes | None = None) -> Axes:
    """What each change does alone: P10–P90 as a bar, its mean as a mark; widest at the top."""
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
            f"{'+' if m > 0 else ''}{short(float(m))}",
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
    title = "Nothing changes"
    if len(table):
        by = money(abs(float(table["alone"].iloc[0])), currency)
        title = f"{most} moves the total of {printable(name, 30)} most: by {by} on average"
    headline(ax, title[0].upper() + title[1:], "Each change alone: mean as a mark, P10–P90 as a bar", palette)
    return ax


def frontier_chart(table: pd.DataFrame, first: str, currency: str, ax: Axes | None = None) -> Axes:
    """Saving against quality lost, P10-P90 as whiskers; scenarios that no other beats are joined by a line."""
    ax, palette = canvas(ax)
    shown = table.drop(index=first)
    names = [str(name) for name in shown.index]
    lost, saving = 100 * shown["quality_lost"].to_numpy(), shown["saving"].to_numpy()
    low, high = shown["saving_p10"].to_numpy(), shown["saving_p90"].to_numpy()
    beaten = shown["dominated"].to_numpy(dtype=bool)
    best = np.nonzero(~beaten)[0]
    best = best[np.lexsort((saving[best], lost[best]))]
    paper = {"facecolor": palette.paper, "edgecolor": "none", "alpha": 0.8, "pad": 0.6}
    ax.axhline(0.0, color=palette.muted, linewidth=0.8, zorder=1.5)
    ax.plot(lost[best], saving[best], color=palette.future, linewidth=1.2, zorder=2)
    width = float(np.ptp(lost)) or 1.0
    ax.set_xlim(float(lost.min(initial=0.0)) - 0.06 * width, float(lost.max(initial=0.0)) + 0.30 * width)
    reach = float(high.max(initial=0.0) - low.min(initial=0.0)) or 1.0
    ax.set_ylim(float(low.min(initial=0.0)) - 0.06 * reach, float(high.max(initial=0.0)) + 0.06 * reach)
    for x in np.unique(lost):
        here = np.nonzero(lost == x)[0]
        here = here[np.argsort(saving[here], kind="stable")]
        places = apart(saving[here], 0.055 * reach, *ax.get_ylim())
        for i, y in zip(here, places, strict=True):
            colour = palette.muted if beaten[i] else palette.future
            ax.plot([x, x], [low[i], high[i]], color=colour, linewidth=1.2, zorder=2)
            ax.plot(x, saving[i], "o", color=colour, markersize=6, zorder=3)
            told = f"{printable(names[int(i)], 30)}, {short(float(saving[i]))}"
            ink = palette.muted if beaten[i] else palette.ink
            look: Any = {"fontsize": SMALL, "color": ink, "parse_math": False, "bbox": paper}
            ax.annotate(told, (x, y), (8, 4), textcoords="offset points", va="bottom", **look)
    ax.set_xlabel("quality lost, %")
    money_axis(ax.yaxis, f"{printable(currency)} saved against {printable(first, 24)}")
    title = f"Nothing saves more than {printable(first, 24)}, which loses no quality"
    if len(best) and float(saving[most := best[np.argmax(saving[best])]]) > 0:
        at = (
            f"at a loss of {in_percent(float(lost[most]) / 100, 2)} of quality"
            if lost[most]
            else "at no loss of quality"
        )
        title = f"{printable(names[most], 30)} saves most, {money(float(saving[most]), currency)}, {at}"
    told = "means over futures, whiskers P10–P90; grey: another saves as much at no more loss; joined: the others"
    headline(ax, title[0].upper() + title[1:], told, palette)
    return ax


def saved_chart(saved: FloatArray, ends: pd.DatetimeIndex, name: str, currency: str, ax: Axes | None = None) -> Axes:
    """What has been saved by the end of each month, ``saved`` (draw, month) added up, and how surely it pays."""
    ax, palette = canvas(ax)
    whole = np.cumsum(saved, axis=1)
    x = clock(ends)
    ax.axhline(0.0, color=palette.muted, linewidth=0.8, zorder=1.5)
    low, middle, high = band(ax, x, whole, palette.future)
    money_axis(ax.yaxis, f"{printable(currency)} saved so far")
    date_axis(ax, ends[0], ends[-1])
    ax.set_xlim(x[0], x[-1] + 0.16 * (x[-1] - x[0] or 1.0))
    lines = (("P90", high), ("P50", middle), ("P10", low))
    told = [(float(v[-1]), f"{level} {short(float(v[-1]))}", palette.ink) for level, v in lines]
    paid = break_even(saved).probability
    title = f"{printable(name, 30)} {_paid(paid, ends[-1])}"
    headline(ax, title[0].upper() + title[1:], "Saved so far: P50 as a line, P25–P75 and P10–P90 as bands", palette)
    label_ends(ax, float(x[-1]), told)
    return ax


def _paid(probability: float, by: pd.Timestamp) -> str:
    until = f"by {told_date(by, 'yMMM')}"
    if probability in {0.0, 1.0}:
        return f"pays for itself {until} in {'all' if probability else 'none of the'} futures"
    return f"pays for itself {until} in {percent(probability)} of futures"


def _finding(comparison: Comparison) -> str:
    """Which scenario is the cheapest on average, and by how much."""
    means = [float(o.totals.mean()) for o in comparison.outcomes]
    best, first = int(np.argmin(means)), printable(comparison.names[0], 34)
    if best == 0:
        return f"Nothing is cheaper than {first} on average"
    told = printable(comparison.names[best], 34)
    saved = money(-float(comparison.delta(comparison.names[best]).mean()), comparison.currency)
    return f"{told[0].upper()}{told[1:]} saves most: {saved} on average against {first}"


def _chance(probability: float) -> str:
    if probability == 0:
        return "cheaper in none"
    return "cheaper in all futures" if probability == 1 else f"cheaper in {percent(probability)} of futures"
