"""Pictures of a price process. Comes in: a fit to past changes. Goes out: a matplotlib Axes, seen beside fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from forecast.drawing import (
    SMALL,
    canvas,
    headline,
    in_percent,
    number,
    printable,
    tick,
)
from forecast.errors import PriceError, one_of
from forecast.panel import FloatArray
from forecast.prices.history.process import PriceProcess

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: What is shown: how far prices moved, or how often.
What = Literal["sizes", "rates"]
#: Factors that ticks of sizes stand on.
_FACTORS: Final = (1 / 20, 1 / 10, 1 / 5, 1 / 2, 1, 2, 5, 10)


def plot_price_process(process: PriceProcess, what: What = "sizes", ax: Axes | None = None) -> Axes:
    """Changes seen beside the law fitted to them.

    Parameters
    ----------
    process : PriceProcess
    what : {"sizes", "rates"}
        The share of changes up to a size, seen (steps) and fitted (line); or each provider's changes a SKU-year, seen
        (ring) and fitted (dot, P10 to P90).
    ax : Axes, optional

    Raises
    ------
    PriceError
        ``what`` is neither.
    """
    one_of("plot", what, ("sizes", "rates"), PriceError)
    return _sizes(process, ax) if what == "sizes" else _rates(process, ax)


def fitted_below(process: PriceProcess, log_factor: FloatArray) -> FloatArray:
    """The fitted share of changes whose log factor is at most ``log_factor``: float array of its shape."""
    up = process.pooled.share.mean
    size = np.abs(log_factor)
    down = (1 - up) * (1 - process.falls.cdf(size))
    return np.where(log_factor < 0, down, 1 - up + up * process.rises.cdf(size))


def _sizes(process: PriceProcess, ax: Axes | None) -> Axes:
    ax, palette = canvas(ax)
    seen = np.sort(np.array(process.pooled.log_factors))
    low, high = min(seen[0], np.log(1 / 12)) - 0.1, max(seen[-1], np.log(6)) + 0.1
    grid = np.linspace(low, high, 801)
    steps = np.concatenate([[low], seen, [high]])
    share = 100 * np.concatenate([[0], np.arange(1, len(seen) + 1), [len(seen)]]) / len(seen)
    ax.axvline(0, color=palette.muted, linewidth=0.8)
    ax.plot(grid, 100 * fitted_below(process, grid), color=palette.future, linewidth=2.0, label="fitted")
    ax.step(steps, share, where="post", color=palette.known, linewidth=1.4, label=f"{len(seen)} changes seen")
    ticks = [f for f in _FACTORS if low <= np.log(f) <= high]
    ax.set_xticks([float(np.log(f)) for f in ticks], [f"×{tick(f)}" for f in ticks])
    ax.set(xlabel="new price over old", ylabel="changes up to this size, %", xlim=(low, high), ylim=(0, 102))
    ax.legend(frameon=False, loc="upper left", fontsize=SMALL, labelcolor=palette.ink)
    down, up = np.expm1(-process.falls.median), np.expm1(process.rises.median)
    title = (
        f"Of changed prices {in_percent(1 - process.pooled.share.mean)} fell, by {in_percent(-down)} at the median; "
        f"the others rose, by {in_percent(up)}"
    )
    headline(ax, title, process.rows, palette)
    return ax


def _rates(process: PriceProcess, ax: Axes | None) -> Axes:
    ax, palette = canvas(ax)
    rows = (*process.providers, process.other, process.pooled)
    at = np.arange(len(rows))[::-1]
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x", color=palette.grid, linewidth=0.8)
    most = max(row.rate.quantile(0.9) for row in rows)
    for y, row in zip(at, rows, strict=True):
        ends = [row.rate.quantile(0.1), row.rate.quantile(0.9)]
        ax.plot(ends, [y, y], color=palette.future, linewidth=2.0, solid_capstyle="round")
        ax.plot([row.rate.mean], [y], "o", color=palette.future, markersize=6.5, label="fitted, P10 to P90")
        if row.rate.watched:
            seen = row.rate.changes / row.rate.watched
            most = max(most, seen)
            ring: dict[str, object] = {"markerfacecolor": "none", "markeredgecolor": palette.known}
            ax.plot([seen], [y], "o", markersize=10, markeredgewidth=1.4, label="seen", **ring)  # type: ignore[arg-type]
    told = [
        f"{printable(r.provider)}: {r.rate.changes} in {number(r.rate.watched)}"
        if r.rate.watched
        else printable(r.provider)
        for r in rows
    ]
    ax.set_yticks(at, told, color=palette.ink)
    ax.set(xlabel="changes a SKU-year", xlim=(-0.02 * most, 1.06 * most), ylim=(-0.6, len(rows) - 0.4))
    handles, labels = ax.get_legend_handles_labels()
    once = dict(zip(labels, handles, strict=True))
    ax.legend(once.values(), once.keys(), frameon=False, loc="lower right", fontsize=SMALL, labelcolor=palette.ink)
    mean = process.pooled.rate.mean
    title = f"A price changes {number(mean, 2)} times a year: once in {number(1 / mean)} years"
    headline(ax, title, f"changes in SKU-years; {process.rows}", palette)
    return ax
