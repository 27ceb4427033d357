"""A picture of prices. Comes in: a price book and a model. Goes out: an Axes with a step at each change of price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from forecast import schema
from forecast.drawing import (
    canvas,
    clock,
    date_axis,
    headline,
    label_ends,
    money_axis,
    number,
    printable,
)
from forecast.errors import PriceError, one_of
from forecast.prices import PriceBook, Quote

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Days shown before the first change and after the last, and where there is none.
MARGIN, NOTHING_CHANGED = 60, 365
#: From this ratio of the highest to the lowest price on, the axis is logarithmic.
WIDE: Final = 8
_SHORT: Final = {
    "input_tokens": "input",
    "cache_read_tokens": "cache read",
    "cache_write_tokens": "cache write",
    "cache_write_1h_tokens": "cache write (1 hour)",
    "output_tokens": "output",
}
_DASHES: Final = (0, (4, 2))


@dataclass(frozen=True, slots=True)
class Move:
    """A change of one unit's price: from what to what, and its first day."""

    unit: str
    before: Quote
    after: Quote

    @property
    def day(self) -> date:
        """The first day of the new price."""
        return date.fromordinal(self.after.start)


def price_steps(
    book: PriceBook,
    model: str,
    provider: str | None,
    service_tier: str,
    units: Sequence[str],
    on: date,
    ax: Axes | None,
) -> Axes:
    """A step chart of a model's prices by unit; what lies after ``on`` is dashed, and its change is marked.

    Raises
    ------
    PriceError
        No row prices the model or the units, or they are quoted in two currencies or for different counts.
    """
    book.history(model, provider)
    lines = {unit: book.timeline(provider, model, unit, service_tier=service_tier) for unit in units}
    lines = {unit: quotes for unit, quotes in lines.items() if quotes}
    if not lines:
        asked = ", ".join(units) or "no unit"
        raise PriceError(f"{model}: nothing to draw: {asked} ({service_tier}) has no price; see PriceBook.history")
    currency, per = _one_scale(model, lines)
    moves = [Move(unit, a, b) for unit, quotes in lines.items() for a, b in pairwise(quotes) if a.price != b.price]
    days = [on.toordinal(), *(move.after.start for move in moves)]
    days += [quotes[0].start for quotes in lines.values() if quotes[0].start > date.min.toordinal()]
    margin = MARGIN if moves else NOTHING_CHANGED
    first, last = (_stamp(min(days) - margin), _stamp(max(days) + (MARGIN if max(days) > on.toordinal() else 0)))
    ax, palette = canvas(ax)
    colours = (palette.future, palette.known, palette.budget, palette.muted)
    ends = []
    for i, (unit, quotes) in enumerate(lines.items()):
        look: Any = {"color": colours[i % len(colours)], "linewidth": 1.8, "solid_capstyle": "butt"}
        for quote in quotes:
            _draw(ax, quote, first, last, on, look)
        for a, b in pairwise(quotes):
            if a.end + 1 == b.start:
                at = clock(pd.DatetimeIndex([_stamp(b.start)] * 2))
                ahead: Any = {"linestyle": _DASHES} if b.start > on.toordinal() else {}
                ax.plot(at, [float(a.price), float(b.price)], **{**look, "linewidth": 1.0}, **ahead)
        ends.append((float(quotes[-1].price), f"{_name(unit)} {plain(quotes[-1].price)}", look["color"]))
    x = clock(pd.DatetimeIndex([first, last]))
    ax.set_xlim(float(x[0]), float(x[1]))
    _scale(ax, [float(q.price) for quotes in lines.values() for q in quotes])
    if last > _stamp(on.toordinal()) and any(move.after.start > on.toordinal() for move in moves):
        ax.axvline(float(clock(pd.DatetimeIndex([on]))[0]), color=palette.muted, linewidth=0.8, linestyle=(0, (2, 3)))
    date_axis(ax, first, last)
    scale = "a million tokens" if per == 1_000_000 else "each" if per == 1 else f"for {number(per)}"
    money_axis(ax.yaxis, f"{currency} {scale}")
    ax.set_xlabel("date", loc="right")
    headline(ax, _title(model, service_tier, lines, moves, on, currency, per), _subtitle(lines, moves, on), palette)
    label_ends(ax, float(x[1]), ends)
    return ax


def plain(price: Decimal) -> str:
    """A price with two decimals, and more where it has more: 10.00, 0.125."""
    return number(float(price), max(2, -int(price.normalize().as_tuple().exponent)))


def _draw(ax: Axes, quote: Quote, first: pd.Timestamp, last: pd.Timestamp, on: date, look: dict[str, Any]) -> None:
    """One price as a level line, dashed after ``on``."""
    start = max(quote.start, first.toordinal())
    end = min(quote.end + 1, last.toordinal())
    now = min(max(on.toordinal() + 1, start), end)
    dashed: Any = {"linestyle": _DASHES}
    for a, b, style in ((start, now, {}), (now, end, dashed)):
        if b > a:
            ax.plot(clock(pd.DatetimeIndex([_stamp(a), _stamp(b)])), [float(quote.price)] * 2, **look, **style)


def _scale(ax: Axes, prices: Sequence[float]) -> None:
    low, high = min(prices), max(prices)
    if low > 0 and high / low > WIDE:
        ax.set_yscale("log")
        ax.set_ylim(low / 1.6, high * 1.6)
        _log_ticks(ax, high / low)
    else:
        ax.set_ylim(0, high * 1.15 or 1.0)


def _log_ticks(ax: Axes, ratio: float) -> None:
    """Ticks at 1, 2 and 5 of each power of ten where there is room for them."""
    from matplotlib.ticker import LogLocator, NullLocator

    ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if ratio < 3_000 else (1.0,)))
    ax.yaxis.set_minor_locator(NullLocator())


def _title(
    model: str,
    service_tier: str,
    lines: dict[str, tuple[Quote, ...]],
    moves: Sequence[Move],
    on: date,
    currency: str,
    per: int,
) -> str:
    """The finding: the next change that is known, else the latest, else that there was none."""
    name = printable(model) + ("" if service_tier == "standard" else f" ({service_tier})")
    scale = "a million" if per == 1_000_000 else "each" if per == 1 else f"for {number(per)}"
    ahead = [move for move in moves if move.day > on]
    past = [move for move in moves if move.day <= on]
    if ahead:
        move = min(ahead, key=lambda m: m.after.start)
    elif past:
        move = max(past, key=lambda m: m.after.start)
    else:
        told = ", ".join(f"{_name(unit)} {plain(quotes[-1].price)}" for unit, quotes in lines.items())
        return f"{name}: {told} {currency} {scale}, with no change known"
    when = "from" if ahead else "since"
    step = f"{plain(move.before.price)} → {plain(move.after.price)}"
    return f"{name}: {_name(move.unit)} {step} {currency} {scale} {when} {move.day}"


def _subtitle(lines: dict[str, tuple[Quote, ...]], moves: Sequence[Move], on: date) -> str:
    """What is shown and where it comes from."""
    sources = list(dict.fromkeys(q.family.layer for quotes in lines.values() for q in quotes))
    remarks = [r for quotes in lines.values() for q in quotes for r in q.remarks]
    told = [f"dashed: known to come after {on}" if any(m.day > on for m in moves) else f"up to {on}"]
    if any(r.startswith("base tier") for r in remarks):
        told.append("requests of the base tier")
    if any("of 24 hours" in r for r in remarks):
        told.append("the price of most hours of the day")
    if any(q.row.undated for quotes in lines.values() for q in quotes):
        told.append("a price without a date is drawn as if it had always held")
    return "; ".join([*told, printable(", ".join(sources), 80)])


def _one_scale(model: str, lines: dict[str, tuple[Quote, ...]]) -> tuple[str, int]:
    """The one currency and count that prices are quoted in."""
    currencies = sorted({q.currency for quotes in lines.values() for q in quotes})
    if len(currencies) > 1:
        raise PriceError(f"{model}: prices are in {' and '.join(currencies)}; draw a book in one currency")
    per = {unit: schema.UNITS[unit].per for unit in lines}
    if len(set(per.values())) > 1:
        listed = ", ".join(f"{unit} for {n:,}" for unit, n in per.items())
        raise PriceError(f"{model}: units are quoted for different counts ({listed}); draw them apart: units=(...)")
    return currencies[0], next(iter(per.values()))


def _name(unit: str) -> str:
    one_of("unit", unit, tuple(schema.UNITS), PriceError)
    return _SHORT.get(unit, schema.UNITS[unit].label)


def _stamp(ordinal: int) -> pd.Timestamp:
    return pd.Timestamp(date.fromordinal(ordinal))
