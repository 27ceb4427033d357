"""The language of all our charts. Comes in: numbers and names. Goes out: axes, colours, labels and titles.

Colours differ in lightness as well as in hue, money stands without exponents, titles state the finding, and labels
stand beside what they name.
"""

from __future__ import annotations

import sys
import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

#: Width and height of a picture, in inches.
SIZE = (8.0, 4.5)
#: Sizes of text, in points.
TITLE, BODY, SMALL = 12.5, 9.5, 8.5


#: Steps of dates that ticks may stand on, the finest first: frequency, every how many, a tick's label, what is under.
_DAY, _MONTH = ("{} %b", "%Y"), ("%b", "%Y")
_DATE_STEPS = (
    *(("h", n, "%H:%M", "{} %b") for n in (1, 6)),
    *(("D", n, *_DAY) for n in (1, 2)),
    *(("W-MON", n, *_DAY) for n in (1, 2)),
    *(("MS", 1, *_MONTH), ("QS", 1, *_MONTH), ("QS", 2, *_MONTH)),
    *(("YS", n, "%Y", "") for n in (1, 5)),
)


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours by what they mean. Text colours keep a contrast of 4.5 : 1 on ``paper``."""

    paper: str
    ink: str
    muted: str
    grid: str
    known: str
    future: str
    budget: str
    policy: str


LIGHT = Palette("#ffffff", "#1a1d21", "#58616c", "#e3e6ea", "#3b424b", "#0a64a8", "#b34a00", "#d9dee5")
DARK = Palette("#14171b", "#eceff2", "#a7b0bb", "#333a43", "#c3cad2", "#62b0f0", "#ff9a57", "#3d4651")


@contextmanager
def style(*, dark: bool = False) -> Iterator[Palette]:
    """Charts made inside look like ours, on light or dark paper; yields the palette.

    Our own charts take the paper they are drawn on, so ``with style(dark=True): plan.plot()`` is a dark chart.
    """
    import matplotlib as mpl
    from matplotlib.rcsetup import cycler

    palette = DARK if dark else LIGHT
    settings: Any = {
        **dict.fromkeys(("figure.facecolor", "axes.facecolor"), palette.paper),
        **dict.fromkeys(("axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), palette.muted),
        **dict.fromkeys((f"axes.spines.{side}" for side in ("left", "right", "top")), False),
        "axes.prop_cycle": cycler(color=[palette.future, palette.budget, palette.known, palette.muted]),
        "axes.titlelocation": "left",
        "axes.titlesize": TITLE,
        "axes.titleweight": "bold",
        "font.size": BODY,
        "text.color": palette.ink,
    }
    with mpl.rc_context(settings):
        yield palette


def canvas(ax: Axes | None, size: tuple[float, float] = SIZE) -> tuple[Axes, Palette]:
    """The Axes to draw on, bare but for a quiet grid, and the palette that suits its paper.

    Without ``ax`` a figure is made: in IPython, and after ``plt.ion()``, by pyplot, which shows it; elsewhere only its
    Axes holds it, so that nothing piles up in a long run. A script saves it: ``ax.figure.savefig(path)``.
    """
    import matplotlib as mpl
    from matplotlib.colors import to_rgba

    if ax is None:
        ipython = sys.modules.get("IPython")
        if mpl.is_interactive() or (ipython is not None and ipython.get_ipython() is not None):
            from matplotlib import pyplot as plt

            ax = _margins(plt.figure(figsize=size, layout="constrained"))
        else:
            ax = offscreen(size)
    paper = next((c for c in (ax.get_facecolor(), ax.figure.get_facecolor()) if to_rgba(c)[3] > 0), "white")
    palette = LIGHT if np.dot(to_rgba(paper)[:3], (0.2126, 0.7152, 0.0722)) > 0.4 else DARK
    ax.spines[["left", "right", "top"]].set_visible(False)
    ax.spines["bottom"].set_color(palette.muted)
    ax.set_axisbelow(True)
    ax.grid(visible=True, axis="y", color=palette.grid, linewidth=0.8)
    ax.grid(visible=False, axis="x")
    ax.tick_params(colors=palette.muted, labelsize=SMALL, length=0)
    for axis in (ax.xaxis, ax.yaxis):
        axis.label.set(color=palette.muted, fontsize=SMALL)
    return ax, palette


def offscreen(size: tuple[float, float] = SIZE) -> Axes:
    """An empty Axes on a figure of its own, shown nowhere."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure: Figure = Figure(figsize=size, dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    return _margins(figure)


def _margins(figure: Figure) -> Axes:
    """The one Axes of a figure, with room around it."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.set(w_pad=0.12, h_pad=0.12)  # type: ignore[call-arg]
    return figure.add_subplot()


def headline(ax: Axes, title: str, subtitle: str, palette: Palette) -> None:
    """State the finding above the picture, and under it what is shown; both are broken into lines that fit."""
    settle(ax)
    box, dpi = ax.get_window_extent(), ax.figure.dpi
    edge = ax.figure.bbox.x1 - 0.1 * dpi if len(ax.figure.axes) == 1 else box.x1
    told = []
    for text, look in ((title, {"fontsize": TITLE, "fontweight": "bold"}), (subtitle, {"fontsize": SMALL})):
        trial = ax.text(0.0, 0.0, text, parse_math=False, **look)
        letters = len(text) * (edge - box.x0) / max(trial.get_window_extent().width, 1.0)
        trial.remove()
        lines = textwrap.wrap(text.replace(" %", "\u00a0%"), max(int(letters), 16))
        told.append("\n".join(lines).replace("\u00a0", " "))
    pad = 10.0 + 1.25 * SMALL * (1 + told[1].count("\n"))
    heading: Any = {"fontsize": TITLE, "fontweight": "bold", "color": palette.ink, "parse_math": False}
    ax.set_title(told[0], loc="center", x=0.0, ha="left", pad=pad, **heading)
    where: Any = {"xycoords": "axes fraction", "textcoords": "offset points", "in_layout": False}
    quiet: Any = {"fontsize": SMALL, "color": palette.muted, "parse_math": False, "annotation_clip": False}
    ax.annotate(told[1], (0.0, 1.0), (0.0, 7.0), va="bottom", **where, **quiet)


def key_below(ax: Axes, marks: Sequence[Artist], palette: Palette) -> None:
    """What marks mean, in one quiet line under the axis."""
    from matplotlib.transforms import ScaledTranslation

    below = ScaledTranslation(0.0, -40.0 / 72.0, ax.figure.dpi_scale_trans)
    ax.legend(
        handles=list(marks),
        loc="upper left",
        bbox_to_anchor=(0.0, 0.0),
        bbox_transform=ax.transAxes + below,
        ncols=3,
        frameon=False,
        fontsize=SMALL,
        labelcolor=palette.muted,
        borderaxespad=0.0,
        handletextpad=0.6,
    )


def settle(ax: Axes) -> None:
    """Lay the figure out, where it has a layout, so that what is measured next is what will be drawn."""
    engine = ax.figure.get_layout_engine()
    if engine is not None:
        engine.execute(ax.figure.figure)


def label_ends(ax: Axes, x: float, labels: Sequence[tuple[float, str, str]]) -> None:
    """Write labels beside line ends at ``x``: (y, text, colour) each.

    The x axis is widened until they fit; labels that would touch are moved apart, with a thin line to their end.
    """
    settle(ax)
    ordered, per_point = sorted(labels, key=lambda label: label[0]), ax.figure.dpi / 72.0
    trials = [ax.text(0, 0, text, fontsize=SMALL, parse_math=False) for _, text, _ in ordered]
    extents = [trial.get_window_extent() for trial in trials]
    for trial in trials:
        trial.remove()
    box = ax.get_window_extent()
    left = ax.get_xlim()[0]
    taken = min((max(e.width for e in extents) + 16.0 * per_point) / box.width, 0.6)
    ax.set_xlim(left, max(ax.get_xlim()[1], left + (x - left) / (1.0 - taken)))
    ends = [float(ax.transData.transform((x, y))[1]) for y, _, _ in ordered]
    places = apart(np.array(ends), 1.2 * max(e.height for e in extents), box.y0, box.y1)
    for (y, text, colour), end, place in zip(ordered, ends, places, strict=True):
        shift = (place - end) / per_point
        leader = {"arrowstyle": "-", "color": colour, "linewidth": 0.7, "shrinkA": 1.0, "shrinkB": 2.0}
        ax.annotate(
            text,
            (x, y),
            (10.0, shift),
            textcoords="offset points",
            ha="left",
            va="center",
            fontsize=SMALL,
            color=colour,
            parse_math=False,
            annotation_clip=False,
            in_layout=False,
            arrowprops={**leader, "relpos": (0.0, 0.5)} if abs(shift) > 3.0 else None,
        )


def apart(places: FloatArray, least: float, low: float, high: float) -> FloatArray:
    """Sorted places moved as little as need be to stand ``least`` apart, inside ``low`` to ``high`` where they fit."""
    clusters: list[list[float]] = []  # sum of wanted starts, and how many labels stand on it
    for i, place in enumerate(places):
        clusters.append([float(place) - i * least, 1.0])
        while len(clusters) > 1 and clusters[-2][0] / clusters[-2][1] > clusters[-1][0] / clusters[-1][1]:
            total, count = clusters.pop()
            clusters[-1][0] += total
            clusters[-1][1] += count
    starts = np.concatenate([np.full(int(n), total / n) for total, n in clusters])
    offset = np.arange(len(places)) * least
    return np.asarray(np.maximum(np.minimum(starts, high - offset[-1]), low) + offset)


def short(value: float) -> str:
    """A number in at most four digits: 950, 26.8k, 304k, 1.23M; below 100 to the hundredth."""
    size, sign = abs(value), "\u2212" if value < 0 else ""
    if size < 0.005:
        return "0" if size == 0 else f"{sign}{size:.2g}" if size >= 0.0001 else "under 0.0001"
    if size < 99.995:
        return f"{sign}{size:.2f}"
    if size < 9_999.5:
        return f"{sign}{size:,.0f}"
    for scale, letter in ((1e3, "k"), (1e6, "M"), (1e9, "B"), (1e12, "T")):
        scaled = size / scale
        if scaled < 999.5:
            return f"{sign}{scaled:.{0 if scaled >= 99.95 else 1 if scaled >= 9.995 else 2}f}{letter}"
    return f"{sign}{size / 1e12:,.0f}T"


def money(value: float, currency: str) -> str:
    """As :func:`short`, with its currency: USD 304k."""
    return f"{currency} {short(value)}"


def percent(share: float) -> str:
    """A probability as a reader expects it: never 0 % or 100 % of what only nearly is."""
    if 0 < share < 0.005:
        return "under 1 %"
    if 0.995 < share < 1:
        return "over 99 %"
    return f"{share * 100:.0f} %"


def tick(value: float, _position: object = None) -> str:
    """A number on an axis, exact and without an exponent: 12.5k."""
    size, sign = abs(value), "\u2212" if value < 0 else ""
    scale, letter = next(((s, c) for s, c in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")) if size >= s), (1.0, ""))
    digits = f"{size / scale:,.{6 if size >= 1 else 10}f}".rstrip("0").rstrip(".")
    return f"{sign}{digits}{letter}"


def money_axis(axis: Axis, label: str) -> None:
    """Ticks that read as money, and a label that names the currency."""
    axis.set_major_formatter(tick)
    axis.set_label_text(label, parse_math=False)


def date_axis(ax: Axes, first: pd.Timestamp, last: pd.Timestamp) -> None:
    """Ticks on round dates from ``first`` to ``last``, as many as there is room for, with years or days under them."""
    room = 0.85 * ax.get_window_extent().width / ax.figure.dpi
    ticks, labels = pd.DatetimeIndex([first]), [first.strftime(f"{first.day} %b\n%Y")]
    for freq, count, form, under in _DATE_STEPS if last > first else ():
        found = pd.date_range(first.ceil("h" if freq == "h" else "D"), last, freq=freq)[::count]
        if len(found) and len(found) * (0.12 + 0.08 * len(found[-1].strftime(form.format(10)))) <= room:
            below = ["", *(day.strftime(under.format(day.day)) for day in found)]
            told = [day.strftime(form.format(day.day)) for day in found]
            ticks = found
            labels = [f"{t}\n{b if b != was else ''}" for t, b, was in zip(told, below[1:], below, strict=False)]
            break
    ax.set_xticks(clock(ticks), labels)


def clock(periods: pd.DatetimeIndex) -> FloatArray:
    """Dates on matplotlib's axis: days since 1970."""
    return np.asarray((periods - pd.Timestamp(0)) / pd.Timedelta(days=1), dtype="float64")


def one_line(text: object, most: int = 36) -> str:
    """Text from outside on one line, without control characters, cut to ``most``."""
    flat = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in str(text)[: 4 * most])
    flat = " ".join(flat.split())
    return flat if len(flat) <= most else flat[: most - 1].rstrip() + "…"


def printable(text: object, most: int = 36) -> str:
    """As :func:`one_line`, with a box for what the font lacks."""
    known = _glyphs()
    return "".join(c if ord(c) in known else "□" for c in one_line(text, most))


def span_words(first: pd.Timestamp, last: pd.Timestamp) -> str:
    """A span as a planner says it: "2027", "Q1–Q2 2027", "Nov 2026–Jan 2027", "30 Oct–27 Jan 2027"."""
    start, end = pd.Period(first, "D"), pd.Period(last, "D")
    a, b, words = start, end, "{} %b"
    for freq, form in (("Y", "%Y"), ("Q", "Q%q"), ("M", "%b")):
        c, d = start.asfreq(freq), end.asfreq(freq)
        if c.start_time.normalize() == first.normalize() and d.end_time.normalize() == last.normalize():
            a, b, words = c, d, form
            break
    year = "" if words == "%Y" else " %Y"

    def told(period: pd.Period, form: str) -> str:
        return str(period.strftime(form.replace("{}", str(period.day))))

    if a == b:
        return told(a, words + year)
    return f"{told(a, words + (year if a.year != b.year else ''))}–{told(b, words + year)}"


def band(
    ax: Axes, x: FloatArray, values: FloatArray, colour: str, *, alpha: float = 1.0
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Lay the P10–P90 and P25–P75 bands of ``values`` (draw, x) and their median; returns P10, P50 and P90 (x,)."""
    p10, p25, p50, p75, p90 = np.quantile(values, [0.10, 0.25, 0.50, 0.75, 0.90], axis=0)
    ax.fill_between(x, p10, p90, color=colour, alpha=0.18 * alpha, linewidth=0)
    ax.fill_between(x, p25, p75, color=colour, alpha=0.24 * alpha, linewidth=0)
    ax.plot(x, p50, color=colour, linewidth=1.8)
    return p10, p50, p90


def _glyphs() -> frozenset[int]:
    """The code points that the fonts in use can draw."""
    from matplotlib.font_manager import FontProperties, findfont

    families = FontProperties().get_family()
    return _charmap(tuple(str(findfont(FontProperties(family=[family]))) for family in families))


@lru_cache(maxsize=8)
def _charmap(fonts: tuple[str, ...]) -> frozenset[int]:
    from matplotlib.font_manager import get_font

    return frozenset(code for font in fonts for code in get_font(font).get_charmap())
