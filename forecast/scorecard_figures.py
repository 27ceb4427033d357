"""Pictures of a scorecard. Comes in: each model's calibration. Goes out: a matplotlib Axes, as all our charts are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from forecast.coverage import coverage_by_level, coverage_error
from forecast.drawing import (
    SMALL,
    Palette,
    canvas,
    headline,
    in_percent,
    number,
    printable,
)
from forecast.panel import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Bars of a histogram of PIT, and from how many values on there are more.
FEW_BARS, BARS, MANY_VALUES = 5, 10, 50
#: A coverage further than this many standard errors from its level is told to be off.
SURE: Final = 2.0
_DASHES: Final = ("-", (0, (5, 2)), (0, (1, 1.4)), (0, (6, 2, 1, 2)))
_MARKERS: Final = ("o", "s", "^", "D")


@dataclass(frozen=True, slots=True)
class Calibration:
    """Where values lay among one model's draws, and what its table says of the 80 % band.

    Attributes
    ----------
    counts : float array (origin, bin)
        Values by equal parts of their probability integral transform.
    share, se, trials : float
        The coverage of the 80 % band, its standard error and its effective number of trials; NaN where unknown.
    overlap : int
        How many consecutive origins share a part of their horizons.
    """

    counts: FloatArray
    share: float
    se: float
    trials: float
    overlap: int


@dataclass(frozen=True, slots=True)
class Look:
    """How one model is drawn: apart from the others in colour, in dash and in marker, so that grey print will do."""

    colour: str
    dash: str | tuple[int, tuple[float, ...]]
    marker: str


def calibration_plot(found: dict[str, Calibration], what: str, subtitle: str, ax: Axes | None) -> Axes:
    """Coverage of every level against that level, a line a model; the first with its standard error.

    ``what`` was held, such as ``totals``. A mark at 80 % is the coverage that the table states, with its standard
    error.
    """
    ax, palette = canvas(ax, (6.0, 6.0))
    ax.plot([0, 100], [0, 100], color=palette.muted, linewidth=0.8, zorder=0)
    middle, handles = (len(found) - 1) / 2, list[Any]()
    for i, one in enumerate(found.values()):
        look = look_of(palette, i)
        level, held = coverage_by_level(one.counts.sum(axis=0))
        handles += ax.plot(100 * level, 100 * held, color=look.colour, linestyle=look.dash, linewidth=1.6)
        if i == 0:
            se = errors_by_level(one.counts, one.overlap)
            low, high = (100 * np.clip(held + sign * se, 0, 1) for sign in (-1, 1))
            ax.fill_between(100 * level, low, high, color=look.colour, alpha=0.16, linewidth=0)
        mark: Any = {"color": look.colour, "marker": look.marker, "markersize": 6.5, "capsize": 3.0, "elinewidth": 1.2}
        reach = None if np.isnan(one.se) else [[100 * min(one.se, one.share)], [100 * min(one.se, 1 - one.share)]]
        at = 80 + 1.5 * (i - middle)
        ax.errorbar([at], [100 * one.share], reach, markeredgecolor=palette.paper, clip_on=False, zorder=4, **mark)
    ax.set(xlabel="level of the band, %", ylabel="actual values inside, %", xlim=(0, 100), ylim=(0, 100))
    ax.set_aspect("equal", anchor="W")  # where the headline was measured from stays the left edge
    _legend(ax, palette, handles, list(found), loc="upper left")
    name, first = next(iter(found.items()))
    told = f"no standard error at {in_percent(0.8)}: too few dates, or all or none inside"
    if not np.isnan(first.se):
        told = f"± one standard error, {printable(name)}'s shaded; marks: the {in_percent(0.8)} bands"
    headline(ax, coverage_words(printable(name), what, first.share, first.se), f"{subtitle}; {told}", palette)
    return ax


def pit_plot(found: dict[str, Calibration], what: str, subtitle: str, ax: Axes | None) -> Axes:
    """Frequency of actual values by where they lay among the draws: bars for the first model, marks for the others."""
    ax, palette = canvas(ax)
    fewest = min(float(one.counts.sum()) for one in found.values())
    bars = BARS if fewest >= MANY_VALUES else FEW_BARS
    middles = (np.arange(bars) + 0.5) / bars
    ax.axhline(1, color=palette.muted, linewidth=0.8, zorder=3)
    name, first = next(iter(found.items()))
    told = ""
    if not np.isnan(first.trials):
        chance = np.sqrt((bars - 1) / first.trials)
        ax.axhspan(max(1 - chance, 0), 1 + chance, color=palette.muted, alpha=0.14, linewidth=0, zorder=0.5)
        told = f", grey: ± one standard error of {first.trials:.0f} independent trials"
    top, handles = 1.0, list[Any]()
    for i, one in enumerate(found.values()):
        look, frequency = look_of(palette, i), frequencies(one.counts, bars)
        top = max(top, float(frequency.max()))
        if i == 0:
            edge: Any = {"edgecolor": look.colour, "linewidth": 1.2}
            handles.append(ax.bar(middles, frequency, 0.92 / bars, color=f"{look.colour}66", **edge))
        else:
            line: Any = {"color": look.colour, "linestyle": look.dash, "marker": look.marker, "markersize": 5}
            handles += ax.plot(middles, frequency, linewidth=1.2, zorder=4, **line)
    ax.set(xlabel="share of draws below the actual value", ylabel="frequency; 1 is even", xlim=(0, 1))
    ax.set_ylim(0, 1.25 * top)
    _legend(ax, palette, handles, list(found), loc="upper center", ncols=4)
    share = first.counts.sum(axis=0) / max(float(first.counts.sum()), 1.0)
    above, outside = share[len(share) // 2 :].sum(), 1 - first.share
    title = f"{printable(name)}: {in_percent(above)} of {what} above P50, {in_percent(outside)} outside P10–P90"
    headline(ax, title, f"{subtitle}; even is {in_percent(0.5)} and {in_percent(0.2)}{told}", palette)
    return ax


def coverage_words(name: str, what: str, share: float, se: float) -> str:
    """What an 80 % band held, and whether that is what it should."""
    held = f"{name}: {in_percent(0.8)} bands held"
    if np.isnan(se):
        return f"{held} {in_percent(share)} of {what}"
    off = (share - 0.8) / se
    verdict = "within two standard errors" if abs(off) <= SURE else "too narrow" if off < 0 else "too wide"
    return f"{held} {number(100 * share)} ± {in_percent(se)} of {what}, {verdict}"


def errors_by_level(counts: FloatArray, overlap: int) -> FloatArray:
    """The standard error of each coverage of :func:`forecast.coverage.coverage_by_level`: float array (level,).

    From PIT counts (origin, bin); NaN where it cannot be told. None is in error at 0 and at 100 %.
    """
    values = counts.sum(axis=1)
    kept, values = counts[values > 0], values[values > 0]
    inside = np.stack([coverage_by_level(one)[1] for one in kept]) * values[:, None]
    between = [coverage_error(np.minimum(k, values), values, overlap=overlap).se for k in inside.T[1:-1]]
    return np.array([0.0, *between, 0.0])


def frequencies(counts: FloatArray, bars: int) -> FloatArray:
    """How often values lay in each of ``bars`` equal parts, 1 where it is as often as if even: (bar,)."""
    parts = counts.sum(axis=0).reshape(bars, -1).sum(axis=1)
    return np.asarray(bars * parts / max(float(parts.sum()), 1.0))


def look_of(palette: Palette, i: int) -> Look:
    """The look of the i-th model: the first four differ in every respect, sixteen in colour or dash."""
    colours = (palette.future, palette.budget, palette.known, palette.muted)
    turn = (i + i // 4) % 4
    return Look(colours[i % 4], _DASHES[turn], _MARKERS[turn])


def _legend(
    ax: Axes,
    palette: Palette,
    handles: list[Any],
    names: list[str],
    *,
    loc: Literal["upper left", "upper center"],
    ncols: int = 1,
) -> None:
    look: Any = {"frameon": False, "fontsize": SMALL, "labelcolor": palette.ink, "handlelength": 3.2}
    legend = ax.legend(handles, [printable(name) for name in names], loc=loc, ncols=ncols, **look)
    for text in legend.get_texts():
        text.set_parse_math(False)
