"""The language of all our charts. Comes in: numbers and names. Goes out: axes, colours, labels and titles.

Colours differ in lightness as well as in hue, money stands without exponents, titles state the finding, and labels
stand beside what they name.
"""

from __future__ import annotations

import re
import sys
import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.errors import TokenplanError
from forecast.palette import DARK, LIGHT, Palette, heat
from forecast.wording import (
    ENGLISH,
    Skeleton,
    in_percent,
    locale_of,
    money,
    number,
    percent,
    scaled,
    share_range,
    short,
    span_words,
    tick,
    ticks,
    told_date,
    words_of_locale,
)

__all__ = [
    "BODY",
    "DARK",
    "LIGHT",
    "SIZE",
    "SMALL",
    "TITLE",
    "Palette",
    "apart",
    "band",
    "canvas",
    "chart_style",
    "clock",
    "date_axis",
    "headline",
    "heat",
    "in_percent",
    "key_below",
    "label_ends",
    "money",
    "money_axis",
    "number",
    "offscreen",
    "one_line",
    "percent",
    "printable",
    "scaled",
    "settle",
    "share_range",
    "short",
    "span_words",
    "tick",
    "ticks",
    "told_date",
]

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
_DATE_STEPS: Final[tuple[tuple[str, int, Skeleton, Skeleton | None], ...]] = (
    ("h", 1, "Hm", "MMMd"),
    ("h", 6, "Hm", "MMMd"),
    ("D", 1, "MMMd", "y"),
    ("D", 2, "MMMd", "y"),
    ("W-MON", 1, "MMMd", "y"),
    ("W-MON", 2, "MMMd", "y"),
    ("MS", 1, "MMM", "y"),
    ("QS", 1, "MMM", "y"),
    ("QS", 2, "MMM", "y"),
    ("YS", 1, "y", None),
    ("YS", 5, "y", None),
)


@contextmanager
def chart_style(*, dark: bool = False, locale: str = ENGLISH) -> Iterator[Palette]:
    """Pictures made inside are drawn on light or dark paper, with numbers and dates as a locale writes them.

    ``with fc.chart_style(dark=True, locale="de_DE"): plan.plot()`` draws in the dark and tells 851.000 USD and 5. Nov.;
    sentences stay English. One's own matplotlib charts made inside look like ours.

    Parameters
    ----------
    dark : bool
        Light letters on dark paper.
    locale : str
        A name that Unicode's CLDR knows, such as ``de_DE``, ``fr-FR`` or ``ja``; English, as the library's tables and
        reports are written, where none is given.

    Yields
    ------
    Palette
        The colours, by what they mean.

    Raises
    ------
    TokenplanError
        There is no such locale, it is written from right to left, or the fonts in use cannot draw it.
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
        "savefig.facecolor": "auto",
        "text.color": palette.ink,
    }
    shows = mpl.is_interactive()
    try:
        with mpl.rc_context(settings), locale_of(locale):
            if locale != ENGLISH:
                _can_draw(locale)
            try:
                yield palette
            finally:  # a notebook's first figure turns it on for good: turned off again, no later one would be shown
                shows = mpl.is_interactive()
    finally:
        mpl.interactive(shows)


def _can_draw(locale: str) -> None:
    """Refuse a locale whose months and numbers would be boxes, or stand the wrong way round."""
    import matplotlib as mpl
    from matplotlib.font_manager import FontProperties

    words = words_of_locale()
    if any(unicodedata.bidirectional(c) in {"R", "AL"} for c in words):
        raise TokenplanError(f"chart_style(locale={locale!r}): pictures cannot be written from right to left")
    lacking = sorted({c for c in words if ord(c) not in _glyphs()})
    if lacking:
        fonts = ", ".join(FontProperties().get_family())
        raise TokenplanError(
            f"chart_style(locale={locale!r}): the fonts in use ({fonts}, that is {mpl.rcParams['font.sans-serif'][0]}) "
            f"cannot draw {' '.join(lacking[:8])}; name one that is installed and can, such as "
            "matplotlib.rcParams['font.family'] = ['DejaVu Sans', 'Noto Sans CJK JP']"
        )


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
        axis.set_major_formatter(ticks())
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
    looks: tuple[dict[str, Any], ...] = ({"fontsize": TITLE, "fontweight": "bold"}, {"fontsize": SMALL})
    told = [
        _fitting(ax, text, 0.97 * (edge - box.x0), look) for text, look in zip((title, subtitle), looks, strict=True)
    ]
    pad = 10.0 + 1.25 * SMALL * (1 + told[1].count("\n"))
    heading: Any = {"fontsize": TITLE, "fontweight": "bold", "color": palette.ink, "parse_math": False}
    ax.set_title(told[0], loc="center", x=0.0, ha="left", pad=pad, **heading)
    where: Any = {"xycoords": "axes fraction", "textcoords": "offset points", "in_layout": False}
    quiet: Any = {"fontsize": SMALL, "color": palette.muted, "parse_math": False, "annotation_clip": False}
    ax.annotate(told[1], (0.0, 1.0), (0.0, 7.0), va="bottom", **where, **quiet)


#: Spaces at which a line is not broken: before per cent and signed amounts, and after a currency.
_TOGETHER: Final = re.compile(r" (?=%)| (?=[−+]\d)|(?<=\b[A-Z]{3}) (?=\d)")


def _fitting(ax: Axes, text: str, room: float, look: dict[str, Any]) -> str:
    """Text broken into lines that are no wider than ``room`` dots."""
    kept = _TOGETHER.sub("\u00a0", text)
    trial = ax.text(0.0, 0.0, text, parse_math=False, **look)
    letters = int(len(text) * room / max(trial.get_window_extent().width, 1.0)) + 1
    for count in range(max(letters, 16), 15, -1):
        lines = "\n".join(textwrap.wrap(kept, count))
        trial.set_text(lines)
        if trial.get_window_extent().width <= room:
            break
    else:
        lines = "\n".join(textwrap.wrap(kept, 16))
    trial.remove()
    return lines.replace("\u00a0", " ")


def key_below(ax: Axes, marks: Sequence[Artist], palette: Palette, *, columns: int = 3) -> None:
    """What marks mean, in one quiet line under the axis."""
    from matplotlib.transforms import ScaledTranslation

    drop = 40.0 if ax.get_xlabel() else 30.0
    below = ScaledTranslation(0.0, -drop / 72.0, ax.figure.dpi_scale_trans)
    ax.legend(
        handles=list(marks),
        loc="upper left",
        bbox_to_anchor=(0.0, 0.0),
        bbox_transform=ax.transAxes + below,
        ncols=columns,
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
            bbox={"facecolor": ax.get_facecolor(), "edgecolor": "none", "pad": 0.5},  # lines of the grid end before it
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


def money_axis(axis: Axis, label: str) -> None:
    """Ticks that read as money, and a label that names the currency."""
    axis.set_major_formatter(ticks())
    axis.set_label_text(label, parse_math=False)


def date_axis(ax: Axes, first: pd.Timestamp, last: pd.Timestamp) -> None:
    """Ticks on round dates from ``first`` to ``last``, as many as there is room for, with years or days under them."""
    room = 0.85 * ax.get_window_extent().width / ax.figure.dpi
    ticks, labels = pd.DatetimeIndex([first]), [f"{told_date(first, 'MMMd')}\n{first.year}"]
    for freq, count, parts, under in _DATE_STEPS if last > first else ():
        found = pd.date_range(first.ceil("h" if freq == "h" else "D"), last, freq=freq)[::count]
        widest = told_date(found[-1].replace(day=10) if len(found) else last, parts)
        if len(found) and len(found) * (0.12 + 0.08 * _width(widest)) <= room:
            told = [told_date(day, parts) for day in found]
            below = ["", *(told_date(day, under) if under else "" for day in found)]
            ticks = found
            labels = [f"{t}\n{b if b != was else ''}" for t, b, was in zip(told, below[1:], below, strict=False)]
            break
    ax.set_xticks(clock(ticks), labels)
    ax.tick_params(axis="x", pad=SMALL)  # clear of the y axis's first label


def _width(text: str) -> int:
    """How many letters of Latin text it is as wide as."""
    return sum(2 if unicodedata.east_asian_width(c) in {"W", "F"} else 1 for c in text)


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
