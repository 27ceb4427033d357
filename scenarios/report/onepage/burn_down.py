"""The burn-down. Comes in: a Review and a limit. Goes out: an Axes: money spent by day, what is to come, the limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from forecast.drawing import (
    SMALL,
    Palette,
    band,
    canvas,
    clock,
    date_axis,
    headline,
    label_ends,
    money,
    money_axis,
    percent,
    printable,
    short,
    told_date,
)
from forecast.panel import FloatArray
from scenarios.report.onepage.wording import percent_of
from scenarios.reviews.breach import Breach
from scenarios.reviews.outlook import Outlook
from scenarios.reviews.reviewing import Review

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: From this chance on, going over the limit is what a picture says first.
LIKELY: Final = 0.5


def burn_down(review: Review, *, limit: float | None = None, ax: Axes | None = None) -> Axes:
    """Spend to date against the budget's path, the fan of what is to come, and when a limit is gone over."""
    out, breach = review.outlook, review.breach(limit)
    ax, palette = canvas(ax)
    days = clock(breach.days + pd.Timedelta(days=1))  # what was spent by the end of a day
    start = float(days[0]) - 1.0
    known = np.isfinite(breach.spent)
    spent = np.concatenate([[0.0], breach.spent[known]])
    at = np.concatenate([[start], days[known]])
    path = _path(out, breach.days)
    ax.plot([start, *days], [0.0, *path], color=palette.budget, linewidth=1.4, linestyle=(0, (5, 1.5)))
    if known.any():
        ax.plot(at, spent, color=palette.known, linewidth=2.4, solid_capstyle="butt")
    ends = _to_come(ax, breach, (at, spent), days, palette)
    ends.append((float(path[-1]), f"budget {short(float(path[-1]))}", palette.budget))
    ax.plot([start, float(days[-1])], [breach.limit] * 2, color=palette.ink, linewidth=1.1, zorder=1.6)
    if limit is not None and limit != out.budget.total:
        ends.append((breach.limit, f"limit {short(breach.limit)}", palette.ink))
    top = max(float(ax.dataLim.y1), breach.limit, 0.0) or 1.0
    ax.set_ylim(min(0.0, float(ax.dataLim.y0) * 1.05), top * 1.12)
    ax.set_xlim(start, float(days[-1]))
    date_axis(ax, breach.days[0], breach.days[-1])
    ax.spines["bottom"].set_bounds(start, float(days[-1]))
    money_axis(ax.yaxis, f"{printable(breach.currency)} since {told_date(breach.days[0], 'yMMMd')}")
    ax.set_xlabel("date", loc="right", labelpad=-SMALL)
    what = f"{printable(review.plan.name)}, as of {out.known_to:%Y-%m-%d}. Dashes: the budget's path"
    if (~known).any():
        what += ". Bands: P10–P90 and P25–P75 of what will be spent"
    headline(ax, _finding(out, breach, limit), what, palette)
    label_ends(ax, float(days[-1]), ends)
    if known.any() and not known.all():
        _spent(ax, float(at[-1]), float(spent[-1]), palette)
    _mark(ax, breach, days, palette)
    return ax


def _path(out: Outlook, days: pd.DatetimeIndex) -> FloatArray:
    """The budget by the end of each day, each month's spread evenly over its days: (day,)."""
    month = np.asarray(out.plan.ledger.days.searchsorted(days, side="right") - 1, dtype=np.intp)
    count = np.bincount(month, minlength=len(out.plan.ledger.days))
    each = out.budget.cents.sum(axis=1) / 100.0 / np.where(count > 0, count, 1)
    return np.asarray(np.cumsum(each[month]))


def _to_come(
    ax: Axes, breach: Breach, told: tuple[FloatArray, FloatArray], days: FloatArray, palette: Palette
) -> list[tuple[float, str, str]]:
    """The fan from the last known day to the end, and the labels of its ends; of a plan that is over, that of spend."""
    ahead, (at, spent) = ~np.isfinite(breach.spent), told
    if not ahead.any():
        return [(float(spent[-1]), f"spent {short(float(spent[-1]))}", palette.known)]
    values = np.concatenate([np.full((len(breach.cumulative), 1), spent[-1]), breach.cumulative[:, ahead]], axis=1)
    made = band(ax, np.concatenate([at[-1:], days[ahead]]), values, palette.future)
    if len(at) > 1:
        ax.plot(at[-1:], spent[-1:], marker="o", color=palette.known, markersize=6, zorder=4)
    named = zip(("P10", "P50", "P90"), made, strict=True)
    return [(float(v[-1]), f"{name} {short(float(v[-1]))}", palette.future) for name, v in named]


def _spent(ax: Axes, x: float, y: float, palette: Palette) -> None:
    """What was spent, under the end of its line; left to the title where there is no room above the axis."""
    look: Any = {"textcoords": "offset points", "va": "top", "color": palette.known, "in_layout": False}
    text = ax.annotate(f"spent {short(y)}", (x, y), (6.0, -10.0), fontsize=SMALL, parse_math=False, **look)
    if text.get_window_extent().y0 < ax.get_window_extent().y0:
        text.remove()


def _gone(breach: Breach) -> pd.Timestamp | None:
    """The day on which the limit was gone over, where it was."""
    over = np.flatnonzero(np.nan_to_num(breach.spent, nan=-np.inf) > breach.limit)
    return breach.days[over[0]] if len(over) else None


def _mark(ax: Axes, breach: Breach, days: FloatArray, palette: Palette) -> None:
    """Where on the limit's line spend goes over it: the median day, P10 to P90 as a bar, and how likely it is."""
    if breach.probability == 0 and _gone(breach) is None:
        return
    dates = breach.dates()
    places = [float(days[breach.days.get_loc(d)]) for d in dates]
    ax.plot(
        [places[0], places[2]], [breach.limit] * 2, color=palette.budget, linewidth=4.5, solid_capstyle="butt", zorder=3
    )
    ax.plot(places[1:2], [breach.limit], marker="X", color=palette.budget, mec=palette.paper, markersize=10, zorder=4)
    day = dates["p50"]
    words = f"{percent(breach.probability)} go over, around {told_date(day, 'MMMd')}"
    if (gone := _gone(breach)) is not None:
        words = f"gone over on {told_date(gone, 'MMMd')}"
    look: Any = {"textcoords": "offset points", "va": "bottom", "parse_math": False, "in_layout": False}
    # Above and left of where spend meets the limit nothing is drawn: spend and its fan are below, or right of it.
    text = ax.annotate(
        words,
        (places[1], breach.limit),
        (4.0, 9.0),
        ha="right",
        color=palette.budget,
        fontsize=SMALL + 0.5,
        fontweight="bold",
        bbox={"facecolor": palette.paper, "edgecolor": "none", "alpha": 0.75, "pad": 0.8},
        **look,
    )
    if text.get_window_extent().x0 < ax.get_window_extent().x0:
        text.set(ha="left", position=(-4.0, 9.0))


def _finding(out: Outlook, breach: Breach, limit: float | None) -> str:
    """What the picture says, in one sentence."""
    currency, held = breach.currency, breach.limit
    name = "budget" if limit is None or limit == out.budget.total else "limit"
    line, over = f"the {name} of {money(held, currency)}", out.known_to >= out.last_day
    if (gone := _gone(breach)) is not None:
        then = f"ended at {money(out.to_date, currency)}" if over else f"P50 is {money(out.quantile(0.5), currency)}"
        return f"Spend went over {line} on {told_date(gone, 'yMMMd')}; {then}"
    if over:
        share = f" ({percent_of(held - out.to_date, held)})" if held else ""
        return f"{money(out.to_date, currency)} was spent: {short(held - out.to_date)}{share} under {line}"
    chance = f"{percent(breach.probability)} of futures go over {line}"
    if breach.probability > LIKELY:
        day = breach.dates()["p50"]
        return f"{chance}, around {told_date(day, 'MMMd')}"
    if not out.elapsed.any():
        around = f", around {told_date(breach.dates()['p50'], 'MMMd')}" if breach.probability > 0 else ""
        return f"Nothing spent yet; {chance}{around}"
    away = float(out.budget.by([], out.elapsed).iloc[0]) - out.to_date
    side = f"{short(abs(away))} {'under' if away > 0 else 'over'} the budget to date"
    return f"{money(out.to_date, currency)} spent, {side}; {chance}"
