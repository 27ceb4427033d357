"""The picture of a frontier. Comes in: models by price and quality. Goes out: a matplotlib Axes, each model named."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from forecast.drawing import (
    SMALL,
    Palette,
    canvas,
    headline,
    money,
    number,
    printable,
    settle,
    ticks,
)
from forecast.panel import BoolArray, FloatArray
from forecast.unit_economics.quality import QualityFrontier, names_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PRICES: Final = {"cost_per_request": "request", "cost_per_million_tokens": "million tokens"}
#: Where a label may stand from its mark: offset in points, and how it is aligned. The first that is free is taken.
_PLACES: Final = (
    (8, 0, "left", "center"),
    (-4, 5, "right", "bottom"),
    (4, 5, "left", "bottom"),
    (4, -5, "left", "top"),
    (-8, 0, "right", "center"),
    (-4, -5, "right", "top"),
    (0, 8, "center", "bottom"),
    (0, -8, "center", "top"),
)


def frontier_plot(found: QualityFrontier, ax: Axes | None = None) -> Axes:
    """Draw quality over price; what is on the frontier is joined, what is dominated is grey."""
    from matplotlib.ticker import LogLocator, NullLocator

    ax, palette = canvas(ax)
    price, quality = (found.table[c].to_numpy(dtype="float64") for c in ("price", "quality"))
    best = found.table["on_frontier"].to_numpy(dtype=bool)
    good = 100 * quality
    ax.step(price[best], good[best], where="post", color=palette.future, linewidth=1.6, zorder=2)
    ax.plot(price[best], good[best], "o", color=palette.future, markersize=7, zorder=3)
    ax.plot(price[~best], good[~best], "o", color=palette.muted, markersize=6, zorder=3, markerfacecolor="none")
    if price.min() > 0 and price.max() > 5 * price.min():
        ax.set_xscale("log")
        ax.set_xlim(price.min() / 1.6, price.max() * 2.2)
        ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        ax.xaxis.set_minor_locator(NullLocator())
    else:
        reach = max(float(np.ptp(price)), 0.1 * float(price.max()), 1e-12)
        ax.set_xlim(max(0.0, price.min() - 0.2 * reach), price.max() + 0.35 * reach)
    reach = max(float(np.ptp(good)), 2.0)
    ax.set_ylim(good.min() - 0.2 * reach, good.max() + 0.2 * reach)
    ax.xaxis.set_major_formatter(ticks())
    ax.yaxis.set_major_formatter(ticks())
    per = _PRICES[found.price]
    ax.set_xlabel(f"{found.currency} a {per}, {found.basis}", parse_math=False)
    ax.set_ylabel(f"{found.measure.replace('_', ' ')}, %")
    names = [printable(name) for name in names_of(found.table, found.by)]
    headline(ax, _finding(found, names, best), _subtitle(found, per), palette)
    _labels(ax, price, good, names, best, palette)
    return ax


def _finding(found: QualityFrontier, names: list[str], best: BoolArray) -> str:
    count = int(best.sum())
    worth = f"{count} of {len(names)} models {'is' if count == 1 else 'are'} worth the price"
    if best.all():
        return f"Each of {len(names)} models is the best at its price" if len(names) > 1 else f"{names[0]}, by itself"
    # The saving that is lost most: the dominated model against the cheapest that beats it.
    table = found.table
    price = table["price"].to_numpy(dtype="float64")
    named = dict(zip(names_of(table, found.by), range(len(names)), strict=True))
    ratio, worst, winner = 0.0, 0, 0
    for i in np.flatnonzero(~best):
        beaten = [named[n] for n in str(table["dominated_by"].iloc[i]).split(", ") if n in named]
        if beaten and price[beaten[0]] > 0 and price[i] / price[beaten[0]] > ratio:
            ratio, worst, winner = float(price[i] / price[beaten[0]]), int(i), beaten[0]
    if ratio < 1.005:
        return worth
    return f"{worth}; {names[worst]} costs {number(ratio, 1)} times {names[winner]}, which is no worse"


def _subtitle(found: QualityFrontier, per: str) -> str:
    left = f"; left out: {printable(', '.join(found.left_out), 60)}" if found.left_out else ""
    cheapest = found.table["price"].iloc[0]
    return (
        f"{found.measure.replace('_', ' ')} over effective cost a {per}, from {money(cheapest, found.currency)}; "
        f"grey: another costs no more and is no worse{left}"
    )


def _labels(ax: Axes, price: FloatArray, good: FloatArray, names: list[str], best: BoolArray, palette: Palette) -> None:
    """Name every mark beside it, where nothing stands yet."""
    settle(ax)
    scale = ax.figure.dpi / 72.0
    marks = ax.transData.transform(np.column_stack([price, good]))
    taken = [(x - 6 * scale, y - 6 * scale, x + 6 * scale, y + 6 * scale) for x, y in marks]
    steps = marks[best]
    for (x, y), (nx, ny) in pairwise(steps):
        taken += [(x, y - scale, nx, y + scale), (nx - scale, min(y, ny), nx + scale, max(y, ny))]
    box = ax.get_window_extent()
    for i, name in enumerate(names):
        look: Any = {"fontsize": SMALL, "color": palette.future if best[i] else palette.muted, "parse_math": False}
        chosen = None
        for dx, dy, ha, va in _PLACES:
            where: Any = {"textcoords": "offset points", "ha": ha, "va": va, "annotation_clip": False}
            label = ax.annotate(name, (price[i], good[i]), (dx, dy), **where, **look)
            extent = label.get_window_extent()
            own = (extent.x0, extent.y0, extent.x1, extent.y1)
            inside = own[0] >= box.x0 and own[2] <= box.x1 and own[1] >= box.y0 and own[3] <= box.y1
            if inside and not any(_touch(own, t) for j, t in enumerate(taken) if j != i):
                chosen = own
                break
            label.remove()
        if chosen is None:
            dx, dy, ha, va = _PLACES[0]
            where = {"textcoords": "offset points", "ha": ha, "va": va, "annotation_clip": False}
            ax.annotate(name, (price[i], good[i]), (dx, dy), **where, **look)
        else:
            taken.append(chosen)


def _touch(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
