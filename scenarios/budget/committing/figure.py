"""The picture of a commitment. Comes in: a Commitment. Goes out: an Axes, cost against size, the best marked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from forecast.drawing import (
    canvas,
    headline,
    in_percent,
    label_ends,
    money,
    money_axis,
    number,
    percent,
    printable,
    short,
    span_words,
)
from scenarios.budget.committing.ranges import grid_of, nearly_least
from scenarios.budget.committing.result import Commitment, top_of
from scenarios.budget.funding import level_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Sizes that are drawn.
_DRAWN: Final = 150
#: How far above paying on demand the picture reaches.
_SHOWN: Final = 1.15


def commitment_chart(commitment: Commitment, ax: Axes | None = None) -> Axes:
    """Expected cost and its quantile against the size, with the two best and what is nearly as good."""
    best, safest = commitment.least_expected, commitment.least_quantile
    top = top_of(commitment.costs, max(best, safest.size))
    edges = [tier.sizes.low * (1.0 - 1e-9) for tier in commitment.costs.tiers[1:] if tier.sizes.step is None]
    sizes = np.unique([*grid_of(commitment.costs, top, _DRAWN), *edges, best, safest.size])
    costs = [commitment.costs.cost(float(size)) + commitment.beside for size in sizes]
    expected = np.array([cost.mean() for cost in costs])
    quantile = np.array([np.quantile(cost, commitment.confidence) for cost in costs])
    beyond = (sizes > max(best, safest.size)) & (expected > _SHOWN * expected[0])
    last = int(np.argmax(beyond)) if beyond.any() else len(sizes) - 1
    sizes, expected, quantile = (values[: last + 1] for values in (sizes, expected, quantile))
    level = level_name(commitment.confidence)
    ax, palette = canvas(ax)
    near = nearly_least(commitment.costs, 0.01)
    ax.axvspan(near.low, near.high, color=palette.policy, alpha=0.6, linewidth=0, zorder=0.5)
    ends = []
    for values, colour, name, at in (
        (quantile, palette.budget, level, safest.size),
        (expected, palette.future, "expected", best),
    ):
        dashes: Any = {"linewidth": 0.9, "linestyle": (0, (4, 3)), "zorder": 1.5}
        ax.plot([0.0, sizes[-1]], [values[0]] * 2, color=colour, **dashes)
        ax.plot(sizes, values, color=colour, linewidth=1.8, zorder=3)
        ax.plot(at, values[np.searchsorted(sizes, at)], "o", color=colour, markersize=7, zorder=4)
        ends += [(float(values[-1]), name, colour), (float(values[0]), f"{name}, on demand", colour)]
    ax.set_xlim(0.0, float(sizes[-1]))
    ticks = [tick for tick in ax.get_xticks() if 0.0 <= tick <= sizes[-1]]
    unit = "" if commitment.offer.kind == "capacity" else f"{printable(commitment.plan.currency)} "
    money_axis(ax.xaxis, f"size: {unit}{commitment.offer.what}")
    ax.set_xticks(ticks)
    span = span_words(commitment.covered.start, commitment.covered.end)
    held = "the covered usage" if commitment.of == "usage" else "the plan"
    money_axis(ax.yaxis, f"cost of {held} over {span}, {printable(commitment.plan.currency)}")
    headline(ax, _finding(commitment, level), _shown(commitment, near.low, near.high), palette)
    label_ends(ax, float(sizes[-1]), ends)
    return ax


def _finding(commitment: Commitment, level: str) -> str:
    """What to commit to, and what it is worth."""
    best, safest, currency = commitment.cheapest, commitment.safest, commitment.plan.currency
    if not best.worth_it and not safest.size:
        return "Pay on demand: no size saves money"
    if not best.worth_it:
        lower = money(safest.quantile_saved, currency)
        return f"No size saves money on average; {_size(commitment, safest.size)} lowers the {level} by {lower}"
    saved = f"{money(best.saving, currency)} ({percent(best.savings_rate)})"
    told = f"Committing to {_size(commitment, best.size)} costs least on average and saves {saved}"
    if safest.size == best.size:
        return f"{told}; the {level} is least there too"
    return f"{told}; the {level} is least at {_short(safest.size)}"


def _size(commitment: Commitment, size: float) -> str:
    if commitment.offer.kind == "capacity":
        return f"{_short(size)} units"
    often = "" if commitment.offer.kind == "minimum" else " a month"
    return f"{money(size, commitment.plan.currency)}{often}"


def _short(size: float) -> str:
    return short(size).removesuffix(".00")


def _shown(commitment: Commitment, low: float, high: float) -> str:
    told = printable(commitment.covered.told, 60)
    near = f"grey: expected cost within {in_percent(0.01)} of the least ({_short(low)} to {_short(high)})"
    return f"{told[0].upper()}{told[1:]}, {number(len(commitment.plan.totals))} futures; {near}; dashed: on demand"
