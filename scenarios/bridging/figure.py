"""The picture of a bridge. Comes in: a Bridge. Goes out: a waterfall on an Axes whose title states the finding."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from forecast.drawing import (
    BODY,
    SIZE,
    SMALL,
    Palette,
    canvas,
    headline,
    in_percent,
    money,
    money_axis,
    number,
    percent,
    printable,
    scaled,
    settle,
)
from forecast.panel import FloatArray
from scenarios.bridging.bridge import Bridge
from scenarios.bridging.closing import cents

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Width of a bar, where the distance of two is 1.
WIDTH: Final = 0.62
#: The axis is cut where what moves is less than this part of what stands: else steps would be slivers.
CUT: Final = 0.45
#: How amounts are told beside bars: from which largest level on, the unit, its letter, its decimals.
_SCALES: Final = (
    (3e12, 1e12, "T", 2),
    (3e9, 1e9, "B", 2),
    (3e6, 1e6, "M", 2),
    (1e4, 1e3, "k", 1),
    (100, 1, "", 0),
    (0, 1, "", 2),
)
#: Steps named in the title: at most this many, each at least this part of all that moved.
NAMED, NOTABLE = 2, 0.15


@dataclass(frozen=True, slots=True)
class _Bars:
    """The bars from left to right.

    Attributes
    ----------
    names : list of str (bar,)
    start, end : float array (bar,)
        Where a bar begins and ends; totals begin at 0.
    low, high : float array (bar,)
        The whisker: the bar's own P10 and P90, seen from where it begins.
    """

    names: list[str]
    start: FloatArray
    end: FloatArray
    low: FloatArray
    high: FloatArray


def waterfall(bridge: Bridge, ax: Axes | None = None) -> Axes:
    """Totals at both ends and a step a bar: mean over draws, with P10-P90 as whiskers where draws differ.

    Where steps are small beside totals the axis does not begin at 0, and the totals' bars show the cut.
    """
    bars = _bars(bridge)
    ax, palette = canvas(ax, (max(SIZE[0], 1.05 * len(bars.names)), SIZE[1]))
    floor, top = _limits(bars)
    ax.set_xlim(-0.6, len(bars.names) - 0.4)
    ax.set_ylim(floor, top)
    colours = [_colour(i, bars, palette) for i in range(len(bars.names))]
    for i, colour in enumerate(colours):
        begin = max(bars.start[i], floor) if i in (0, len(colours) - 1) else bars.start[i]
        ax.bar(i, bars.end[i] - begin, WIDTH, begin, color=colour, edgecolor=colour, linewidth=0.8, zorder=2)
        if i:
            level = bars.end[i - 1]
            ax.plot([i - 1 + WIDTH / 2, i - WIDTH / 2], [level, level], color=palette.muted, linewidth=0.8, zorder=1)
    if len(bridge.before) > 1:
        _whiskers(ax, bars, palette)
    money_axis(ax.yaxis, f"{printable(bridge.currency)}{'; the axis does not begin at 0' if floor > 0 else ''}")
    if floor > 0:
        _cuts(ax, len(bars.names), palette)
    elif floor < 0:
        ax.axhline(0.0, color=palette.muted, linewidth=0.8, zorder=1.5)
    width = int(0.80 * ax.get_window_extent().width / ax.figure.dpi * 72 / len(bars.names) / (0.55 * SMALL))
    ax.set_xticks(range(len(bars.names)), [_wrapped(name, width) for name in bars.names])
    for text in ax.get_xticklabels():
        text.set(parse_math=False, color=palette.ink, fontsize=SMALL)
    headline(ax, finding(bridge), _subtitle(bridge), palette)
    _amounts(ax, bridge, bars, colours)
    return ax


def finding(bridge: Bridge) -> str:
    """What the bridge says, in one sentence: how far the second total is from the first, and what made most of it."""
    first, second = (printable(name) for name in bridge.names)
    change, before = float(bridge.change.mean()), float(bridge.before.mean())
    moved = float(np.abs(bridge.amounts.mean(axis=1)).sum())
    if moved == 0:
        return f"{_capital(second)} is what {first} is: {money(before, bridge.currency)}"
    share = f" ({in_percent(abs(change / before), 0 if abs(change / before) >= 0.0995 else 1)})" if before > 0 else ""
    steps = sorted(zip(bridge.steps, _shown(bridge)[1:-1], strict=True), key=lambda s: -abs(s[1][0]))
    told = [f"{printable(n, 24)} {text}" for n, (value, text) in steps[:NAMED] if abs(value) >= NOTABLE * moved]
    made = f": {', '.join(told)}" if told else ""
    if abs(change) < 0.005:
        return f"{_capital(second)} comes to what {first} is{made}"
    side = "above" if change > 0 else "below"
    return f"{_capital(second)} is {money(abs(change), bridge.currency)}{share} {side} {first}{made}"


def _bars(bridge: Bridge) -> _Bars:
    means = bridge.amounts.mean(axis=1)
    before, after = float(bridge.before.mean()), float(bridge.after.mean())
    ends = before + np.cumsum(means)
    starts = np.concatenate([[before], ends[:-1]]) if len(means) else ends
    start = np.array([0.0, *starts, 0.0])
    rows = np.concatenate([bridge.before[None], bridge.amounts, bridge.after[None]])
    low, high = np.quantile(rows, [0.1, 0.9], axis=1)
    names = [bridge.names[0], *bridge.steps, bridge.names[1]]
    return _Bars([printable(n, 30) for n in names], start, np.array([before, *ends, after]), start + low, start + high)


def _limits(bars: _Bars) -> tuple[float, float]:
    """Where the axis begins and ends."""
    inner = np.concatenate([bars.start[1:-1], bars.end, bars.low, bars.high])
    low, high = float(inner.min()), float(inner.max())
    if low == high == 0:
        return 0.0, 1.0
    room = high - low
    if low > 0 and room < CUT * high:
        room = max(room, 0.02 * high)
        return max(low - 0.35 * room, 0.0), high + 0.18 * room
    low, high = min(low, 0.0), max(high, 0.0)
    return (low - 0.12 * (high - low) if low < 0 else 0.0), high + 0.10 * (high - low)


def _colour(bar: int, bars: _Bars, palette: Palette) -> str:
    """Totals are dark; what costs is orange, what saves is blue, what does neither is grey."""
    if bar in (0, len(bars.names) - 1):
        return palette.known
    if bars.end[bar] == bars.start[bar]:
        return palette.muted
    return palette.budget if bars.end[bar] > bars.start[bar] else palette.future


def _whiskers(ax: Axes, bars: _Bars, palette: Palette) -> None:
    """P10 to P90 of each bar: a thin line with caps, on paper so that it shows upon the bar."""
    for i, (low, high) in enumerate(zip(bars.low, bars.high, strict=True)):
        if high - low <= 1e-9 * max(abs(high), abs(low)):
            continue  # the same in all draws
        for colour, width, cap in ((palette.paper, 3.4, 0.075), (palette.ink, 1.2, 0.06)):
            look: Any = {"color": colour, "linewidth": width, "solid_capstyle": "butt"}
            ax.plot([i, i], [low, high], zorder=3, **look)
            for level in (low, high):
                ax.plot([i - cap, i + cap], [level, level], zorder=3, **look)


def _cuts(ax: Axes, bars: int, palette: Palette) -> None:
    """Two slanted strokes of paper through the foot of the totals' bars: the axis does not begin at 0."""
    floor, top = ax.get_ylim()
    for x in (0, bars - 1):
        for lift in (0.040, 0.062):
            y = floor + lift * (top - floor)
            ends = [x - WIDTH / 2 - 0.03, x + WIDTH / 2 + 0.03], [y, y + 0.03 * (top - floor)]
            ax.plot(*ends, color=palette.paper, linewidth=2.2, zorder=4, solid_capstyle="butt")


def _amounts(ax: Axes, bridge: Bridge, bars: _Bars, colours: list[str]) -> None:
    """What each bar is, beyond its end and whisker."""
    settle(ax)
    values = _shown(bridge)
    for i, ((value, text), colour) in enumerate(zip(values, colours, strict=True)):
        total = i in (0, len(values) - 1)
        down = value < 0
        beyond = [bars.start[i], bars.end[i], bars.low[i], bars.high[i]] if len(bridge.before) > 1 else [bars.end[i]]
        edge = min(beyond) if down else max([*beyond, bars.start[i] if not total else bars.end[i]])
        look: Any = {"ha": "center", "fontsize": BODY if total else SMALL + 0.5, "parse_math": False}
        ax.annotate(
            text,
            (i, edge),
            (0.0, -4.0 if down else 4.0),
            textcoords="offset points",
            va="top" if down else "bottom",
            color=colour,
            fontweight="bold",
            annotation_clip=False,
            zorder=5,
            **look,
        )


def _subtitle(bridge: Bridge) -> str:
    told = f"{printable(bridge.names[0])} to {printable(bridge.names[1])}, in {printable(bridge.currency)}"
    if len(bridge.before) == 1:
        return told
    up = float((bridge.change > 0).mean())
    chance = "all" if up == 1 else "none" if up == 0 else percent(up)
    return f"{told}: means of {number(len(bridge.before))} futures, whiskers P10–P90; spend rises in {chance} of them"


def _shown(bridge: Bridge) -> list[tuple[float, str]]:
    """Each bar's mean, and how it is told: all on one scale, rounded so that what is shown adds up."""
    ends, parts = np.array([bridge.before.mean(), bridge.after.mean()]), bridge.amounts.mean(axis=1)
    largest = float(np.abs([*ends, *(ends[0] + np.cumsum(parts))]).max())
    _, size, letter, decimals = next(s for s in _SCALES if largest >= s[0])
    first, last = np.rint(ends / size * 10**decimals)
    # Cents of amounts in hundredths of the shown unit are units of the last shown digit.
    digits = [first, *cents(parts / size * 10 ** (decimals - 2), float(last - first)), last]
    told = []
    for i, digit in enumerate(digits):
        sign = "+" if digit > 0 and 0 < i < len(digits) - 1 else ""
        told.append(sign + scaled(digit / 10**decimals * size, size, letter, decimals) if digit else "0")
    return list(zip([float(ends[0]), *map(float, parts), float(ends[1])], told, strict=True))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _wrapped(name: str, width: int) -> str:
    return "\n".join(textwrap.wrap(name, max(width, 6))[:4])
