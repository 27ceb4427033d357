"""The outlook by month. Comes in: a Review. Goes out: an Axes: spent, foreseen and budgeted, a month a bar."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from forecast.drawing import (
    SMALL,
    Palette,
    canvas,
    headline,
    in_percent,
    key_below,
    money,
    money_axis,
    percent,
    printable,
    settle,
    short,
    told_date,
)
from scenarios.report.onepage.wording import percent_of
from scenarios.reviews.outlook import Outlook
from scenarios.reviews.reviewing import Review

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Width of a bar, where the distance of two is 1, and how far a budget's mark reaches beyond it.
WIDTH, BEYOND = 0.56, 0.10
#: Bars whose amounts are told beside them; of more months, every other is.
LABELLED: Final = 9


def outlook_chart(review: Review, *, ax: Axes | None = None) -> Axes:
    """Months as they were spent, and as they are foreseen with P10 to P90, beside the budget of each."""
    out = review.outlook
    ax, palette = canvas(ax)
    table = out.table("month")
    actual, middle, budget = (table[c].to_numpy("float64") for c in ("actual", "p50", "budget"))
    low, high = (table[c].to_numpy("float64") for c in ("p10", "p90"))
    at = np.arange(len(table), dtype="float64")
    ax.bar(at, actual, WIDTH, color=palette.known, linewidth=0)
    rest = np.where(middle > actual, middle - actual, 0.0)
    ax.bar(at, rest, WIDTH, actual, color=palette.future, alpha=0.45, linewidth=0)
    open_ = high - low > 1e-9 * np.abs(high)
    for i in map(int, np.flatnonzero(open_)):
        for colour, width in ((palette.paper, 4.0), (palette.future, 1.8)):
            ax.plot([at[i]] * 2, [low[i], high[i]], color=colour, linewidth=width, solid_capstyle="butt", zorder=3)
    reach = WIDTH / 2 + BEYOND
    for i in map(int, np.flatnonzero(np.isfinite(budget))):
        ax.plot([at[i] - reach, at[i] + reach], [budget[i]] * 2, color=palette.budget, linewidth=2.4, zorder=3.5)
    tops = np.nanmax([actual, middle, high, budget], axis=0)
    top = max(float(tops.max()), 0.0) or 1.0
    ax.set_ylim(min(0.0, float(np.nanmin([actual, low, budget])) * 1.05), top * 1.2)
    side = 0.7 if len(table) > 1 else 1.3  # one month: a bar in the middle
    ax.set_xlim(-side, len(table) - 1 + side)
    days = out.plan.ledger.days
    names = [told_date(d, "MMM") + (f"\n{d.year}" if i == 0 or d.month == 1 else "") for i, d in enumerate(days)]
    ax.set_xticks(at, names if len(names) == len(at) else [printable(n, 9) for n in table.index])
    money_axis(ax.yaxis, f"{printable(review.plan.currency)} a month")
    what = f"{printable(review.plan.name)}, as of {out.known_to:%Y-%m-%d}. Amounts: spent or P50"
    headline(ax, _finding(out), what, palette)
    _key(ax, palette, spent=bool((actual != 0).any()), ahead=bool(open_.any()))
    settle(ax)
    every = 1 if len(at) <= LABELLED else 2
    for i in range(0, len(at), every):
        share = (middle[i] - budget[i]) / budget[i] if budget[i] else 0.0
        over = np.isfinite(budget[i]) and abs(share) >= 0.005
        sign = "+" if share > 0 else "\u2212"
        told = short(float(middle[i])) + (f"\n{sign}{in_percent(abs(share))}" if over else "")
        look: Any = {"ha": "center", "va": "bottom", "fontsize": SMALL, "parse_math": False, "in_layout": False}
        where = (float(at[i]), float(tops[i]))
        ax.annotate(told, where, (0.0, 4.0), textcoords="offset points", color=palette.ink, **look)
    return ax


def _key(ax: Axes, palette: Palette, *, spent: bool, ahead: bool) -> None:
    """What the marks mean."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    marks: list[Line2D | Patch] = [Patch(color=palette.known, label="spent")] if spent else []
    if ahead:
        marks.append(Patch(color=palette.future, alpha=0.45, label="foreseen, P50"))
        marks.append(Line2D([], [], color=palette.future, linewidth=1.8, label="P10–P90"))
    marks.append(Line2D([], [], color=palette.budget, linewidth=2.4, label="budget, and distance from it in %"))
    key_below(ax, marks, palette)


def _finding(out: Outlook) -> str:
    """What the picture says, in one sentence."""
    budget, middle, currency = out.budget.total, out.quantile(0.5), out.plan.currency
    away = abs(budget - middle)
    share = f" ({percent_of(away, budget)})" if budget else ""
    beside = f"{short(away)}{share} {'under' if budget > middle else 'over'} the budget of {short(budget)}"
    if away < 0.005 * abs(budget):
        beside = f"on the budget of {short(budget)}"
    if out.known_to >= out.last_day:
        return f"{money(middle, currency)} was spent: {beside}"
    chance = out.probability_over(budget)
    return f"{money(middle, currency)} at P50: {beside}; {percent(chance)} of futures go over it"
