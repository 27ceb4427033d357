"""Pictures of a reconciliation. Comes in: its causes, its cells. Goes out: a matplotlib Axes of either."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from forecast.drawing import (
    SMALL,
    canvas,
    headline,
    in_percent,
    money,
    money_axis,
    printable,
    short,
)
from forecast.errors import UsageError
from forecast.reconciliation.result import Reconciliation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: How many models a picture names.
_MODELS: Final = 12
_SHORT: Final = {
    "list_price": "other list price",
    "discount": "discount",
    "unpriced": "without a price",
    "not_billed": "not billed",
    "no_usage": "no usage recorded",
    "late": "billed late",
    "billed_twice": "billed twice",
    "cents_as_dollars": "cents as dollars",
    "credit": "credits",
    "refund": "refunds",
    "adjustment": "adjustments",
    "tax": "taxes",
    "purchase": "purchases",
    "rounding": "rounding",
    "unexplained": "unexplained",
}


def waterfall(found: Reconciliation, ax: Axes | None = None) -> Axes:
    """Draw list cost, each cause's step, and the bill, from top to bottom.

    Steps are bars from where the last one ended; list cost and bill are marks, since the axis need not begin at 0.
    """
    ax, palette = canvas(ax)
    names, amounts = list(found.causes["cause"]), found.causes["amount"].to_numpy(dtype="float64")
    ends = found.priced + np.cumsum(amounts)
    starts = np.concatenate([[found.priced], ends[:-1]]) if len(ends) else ends
    labels = ["priced at list", *(_SHORT[n] for n in names), "billed"]
    at = np.arange(len(labels))[::-1]
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x", color=palette.grid, linewidth=0.8)
    edges = np.array([found.priced, *ends, found.billed])
    reach = max(float(np.ptp(edges)), 0.01 * float(np.abs(edges).max()), 0.01)
    low, high = float(edges.min() - 0.06 * reach), float(edges.max() + 0.28 * reach)
    for y, level in ((at[0], found.priced), (at[-1], found.billed)):
        ax.plot([level], [y], marker="D", markersize=7, color=palette.known, linestyle="none", zorder=3)
        _label(ax, level, y, money(level, found.currency), palette.ink)
    for y, start, amount, name in zip(at[1:-1], starts, amounts, names, strict=True):
        colour = palette.ink if name == "unexplained" else palette.budget if amount > 0 else palette.future
        ax.barh(y, amount, 0.62, start, color=colour, edgecolor=colour, linewidth=1.2, zorder=2)
        sign = "+" if amount > 0 else ""
        _label(ax, max(start, start + amount), y, f"{sign}{money(amount, '').strip()}", colour)
    for upper, level in zip(at[:-1], [found.priced, *ends], strict=False):
        ax.plot([level, level], [upper - 0.31, upper - 0.69], color=palette.muted, linewidth=0.8, zorder=1)
    ax.set_yticks(at, labels, color=palette.ink)
    ax.set(xlim=(low, high), ylim=(-0.6, len(labels) - 0.4))
    money_axis(ax.xaxis, f"{found.currency}; the axis does not begin at 0")
    headline(ax, _finding(found), _subtitle(found), palette)
    return ax


def price_gaps(found: Reconciliation, ax: Axes | None = None) -> Axes:
    """Draw each model's list price (ring) and effective price (dot) of a million tokens, the most billed on top."""
    from matplotlib.ticker import LogLocator, NullLocator

    keys = [c for c in ("model", "provider") if c in found.cells][:1]
    sums = found.cells.assign(both=found.cells["priced"].notna() & found.cells["billed"].notna())
    sums = sums[sums["both"] & (sums["priced"] > 0) & (sums["billed"] > 0)]
    whole = sums[["tokens", "priced", "billed"]].sum()
    if not len(sums):
        raise UsageError("there is no usage with both a price and a bill, so there are no prices to draw")
    names = keys or ["_all"]
    table = sums.assign(_all="all usage").groupby(names)[["tokens", "priced", "billed"]].sum()
    table = table.sort_values("billed", ascending=False).head(_MODELS)
    ax, palette = canvas(ax)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x", color=palette.grid, linewidth=0.8)
    listed, paid = (1e6 * (table[c] / table["tokens"]).to_numpy(dtype="float64") for c in ("priced", "billed"))
    at = np.arange(len(table))[::-1]
    for y, was, now in zip(at, listed, paid, strict=True):
        ax.plot([was, now], [y, y], color=palette.muted, linewidth=1.4, zorder=2)
        ring: Any = {"markerfacecolor": palette.paper, "markeredgecolor": palette.known, "markeredgewidth": 1.4}
        ax.plot([was], [y], "o", markersize=8, zorder=3, **ring)
        ax.plot([now], [y], "o", markersize=6, zorder=4, color=palette.future)
        _label(ax, max(was, now), y, f"{short(now)} ({_percent(now / was - 1)})", palette.future)
    ax.set_xscale("log")
    low, high = min(listed.min(), paid.min()), max(listed.max(), paid.max())
    ax.set_xlim(low / 1.4, high * 2.4)
    ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_yticks(at, [printable(name) for name in table.index], color=palette.ink)
    ax.set_ylim(-0.6, len(table) - 0.4)
    money_axis(ax.xaxis, f"{found.currency} a million tokens")
    gap = whole["billed"] / whole["priced"] - 1
    told = (
        "what it lists at" if abs(gap) < 0.0005 else f"{in_percent(abs(gap), 1)} {'below' if gap < 0 else 'above'} list"
    )
    rest = sums.assign(_all="all usage")[names[0]].nunique() - len(table)
    more = f"; {rest} more models are not shown" if rest else ""
    title = f"A million tokens cost {money(1e6 * whole['billed'] / whole['tokens'], found.currency)}, {told}"
    headline(
        ax, title, f"ring: list price of the mix used; dot: effective price, before credits and taxes{more}", palette
    )
    return ax


def _percent(share: float) -> str:
    return f"{'+' if share > 0 else ''}{in_percent(share, 1)}" if abs(share) >= 0.0005 else "as listed"


def _finding(found: Reconciliation) -> str:
    gap = found.billed - found.priced
    side = "below" if gap < 0 else "above"
    left = round(float(found.table["unexplained"].abs().sum()), 2)
    share = f" ({in_percent(abs(gap) / found.priced, 1)})" if found.priced > 0 else ""
    how = "all of it explained" if left == 0 else f"{money(left, found.currency)} is unexplained"
    if round(gap, 2) == 0:
        return f"The bill of {money(found.billed, found.currency)} is what usage lists at; {how}"
    return f"The bill is {money(abs(gap), found.currency)}{share} {side} list cost; {how}"


def _subtitle(found: Reconciliation) -> str:
    dates = found.cells["date"]
    span = f", {dates.min():%Y-%m-%d} to {dates.max():%Y-%m-%d}" if len(dates) else ""
    rates = found.discounts[found.discounts["discount"] != 0] if len(found.discounts) else found.discounts
    shown = rates.head(4)
    told = [
        f"{printable(name) if isinstance(name, str) else 'all'} {100 * abs(rate):.3g} % "
        f"{'off' if rate > 0 else 'on top'} from {first:%Y-%m-%d}"
        for name, rate, first in zip(
            shown["provider"], shown["discount"].astype("float64"), pd.DatetimeIndex(shown["first"]), strict=True
        )
    ]
    inferred = " (inferred)" if len(rates) and bool(rates["inferred"].any()) else ""
    return f"billed cost by cause{span}" + (f"; discounts{inferred}: {', '.join(told)}" if told else "")


def _label(ax: Axes, x: float, y: float, text: str, colour: str) -> None:
    look: Any = {"va": "center", "ha": "left", "fontsize": SMALL, "color": colour, "parse_math": False}
    ax.annotate(text, (x, y), (8.0, 0.0), textcoords="offset points", annotation_clip=False, **look)
