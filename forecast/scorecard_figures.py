"""Pictures of a scorecard. Comes in: PIT counts a model. Goes out: a matplotlib Axes, in the language of our charts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from forecast.coverage import coverage_by_level
from forecast.figures import SMALL, Palette, canvas, headline
from forecast.panel import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def calibration_plot(counts: dict[str, FloatArray], subtitle: str, ax: Axes | None) -> Axes:
    """Coverage of every level against that level, a line a model, from PIT counts (bin,)."""
    ax, palette = canvas(ax, (5.5, 5.5))
    ax.plot([0, 100], [0, 100], color=palette.muted, linewidth=0.8, zorder=0)
    told: list[str] = []
    for (name, count), (colour, dash) in zip(counts.items(), _lines(palette), strict=False):
        level, held = coverage_by_level(count)
        ax.plot(100 * level, 100 * held, color=colour, linestyle=dash, label=name)
        told.append(f"{100 * np.interp(0.8, level, held):.0f} % ({name})")
    ax.set(
        xlabel="level of the band, %", ylabel="actual values inside, %", xlim=(0, 100), ylim=(0, 100), aspect="equal"
    )
    ax.legend(frameon=False, loc="upper left", fontsize=SMALL, labelcolor=palette.ink)
    headline(ax, f"80 % bands held {told[0]}", subtitle, palette)
    return ax


def pit_plot(counts: dict[str, FloatArray], subtitle: str, ax: Axes | None) -> Axes:
    """Frequency of actual values by where they lay among the draws, from PIT counts (bin,)."""
    ax, palette = canvas(ax)
    ax.axhline(1, color=palette.muted, linewidth=0.8, zorder=0)
    for (name, count), (colour, dash) in zip(counts.items(), _lines(palette), strict=False):
        tenths = count.reshape(10, -1).sum(axis=1) / max(float(count.sum()), 1.0)
        ax.stairs(10 * tenths, np.linspace(0, 1, 11), baseline=None, color=colour, linestyle=dash, label=name)
    ax.set(xlabel="share of draws below the actual value", ylabel="frequency; 1 is even", xlim=(0, 1))
    ax.set_ylim(bottom=0)
    ax.legend(frameon=False, loc="lower center", ncols=3, fontsize=SMALL, labelcolor=palette.ink)
    name, count = next(iter(counts.items()))
    high = float(count[len(count) // 2 :].sum() / max(float(count.sum()), 1.0))
    headline(ax, f"{100 * high:.0f} % of actual values lay above the median ({name})", subtitle, palette)
    return ax


def _lines(palette: Palette) -> Iterator[tuple[str, str]]:
    """Colours and dashes, apart in both."""
    colours = (palette.future, palette.budget, palette.known, palette.muted)
    return ((colour, dash) for dash in ("-", "--", ":", "-.") for colour in colours)
