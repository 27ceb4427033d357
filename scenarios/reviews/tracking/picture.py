"""The picture of a track record. Comes in: the record. Goes out: a matplotlib Axes whose title states the finding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from forecast.drawing import canvas, headline, key_below, money_axis, span_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from scenarios.reviews.tracking.record import TrackRecord

_WIDE: Final = 0.34
#: Marks of the rules of thumb, in order.
_MARKS: Final = ("v", "^", "s", "D")
#: More spans than this and their labels take two lines; more than the second and some are left out.
_MOST_LEVEL: Final = 6
_MOST_LABELS: Final = 14


def track_picture(record: TrackRecord, *, ax: Axes | None = None) -> Axes:
    """One column an origin: the P10 to P90 band, P50 and budget, what came, and the rules of thumb."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    ax, palette = canvas(ax)
    trials = record.trials
    for x, t in enumerate(trials):
        if np.isfinite(t.budget):
            ax.fill_between([x - _WIDE, x + _WIDE], t.p10, t.p90, color=palette.future, alpha=0.22, linewidth=0)
            ax.plot([x - _WIDE, x + _WIDE], [t.base] * 2, color=palette.future, linewidth=1.6)
            ax.plot([x - _WIDE, x + _WIDE], [t.budget] * 2, color=palette.budget, linewidth=2.4)
        for mark, rule in zip(_MARKS, record.rules, strict=False):
            amount = t.rules.get(rule, float("nan"))
            ax.plot([x + 0.2], [amount], mark, markersize=5, color=palette.muted, markerfacecolor="none")
        over = t.judged and t.actual > t.budget
        ax.plot([x], [t.actual], "X" if over else "o", markersize=8 if over else 6.5, color=palette.ink)
    told = [span_words(t.date.start, t.date.end) for t in trials]
    many = len(trials) > _MOST_LEVEL
    every = -(-len(trials) // _MOST_LABELS)
    ax.set_xticks(range(0, len(trials), every), [t.replace(" ", "\n") if many else t for t in told][::every])
    ax.set_xlim(-0.6, len(trials) - 0.4)
    low = float(np.nanmin([[t.actual, t.p10, *t.rules.values()] for t in trials if t.judged]))
    high = float(np.nanmax([[t.actual, t.p90, *t.rules.values()] for t in trials if t.judged]))
    ax.set_ylim(max(0.0, low - 0.25 * (high - low)), high + 0.08 * (high - low))
    money_axis(ax.yaxis, f"money, {record.currency}")
    found = record.kept()
    kept = [f"{name} held {one.held} of {one.origins}" for name, one in found.items() if one.origins]
    marks = [
        Patch(color=palette.future, alpha=0.22, linewidth=0, label="P10–P90"),
        Line2D([], [], color=palette.future, linewidth=1.6, label="P50"),
        Line2D([], [], color=palette.budget, linewidth=2.4, label=record.name),
        Line2D([], [], color=palette.ink, marker="o", linestyle="none", label="what came, within the budget"),
        Line2D([], [], color=palette.ink, marker="X", linestyle="none", label="what came, above it"),
        *(
            Line2D([], [], color=palette.muted, marker=m, linestyle="none", markerfacecolor="none", label=rule)
            for m, rule in zip(_MARKS, record.rules, strict=False)
        ),
    ]
    beside = f"; {', '.join(kept[1:])}" if kept[1:] else ""
    headline(ax, f"{kept[0]} times", f"{record.length}, decided {record.lead}{beside}", palette)
    key_below(ax, marks, palette)
    return ax
