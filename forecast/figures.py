"""Pictures of a forecast. Comes in: sample paths. Goes out: a matplotlib Axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecast.drawing import (
    SMALL,
    Palette,
    band,
    canvas,
    clock,
    date_axis,
    headline,
    label_ends,
    money_axis,
    number,
    printable,
    short,
    told_date,
)
from forecast.errors import ModelError, one_of
from forecast.panel import FloatArray
from forecast.paths import SamplePaths

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: How many times the horizon's length of history a fan shows.
HISTORY_SHOWN = 3


def fan(paths: SamplePaths, *, series: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw a fan chart: history, the P10–P90 and P25–P75 bands of each period, and their median.

    Parameters
    ----------
    paths : SamplePaths
    series : str, optional
        Which one; the first where none is named.
    ax : Axes, optional

    Returns
    -------
    Axes
        Its title tells the total over the horizon: the quantile of summed paths, not a sum of the bands drawn.

    Raises
    ------
    ModelError
        There is no such series.
    """
    name = paths.series[0] if series is None else series
    one_of("series", name, paths.series, ModelError)
    values = paths.values[:, :, paths.series.index(name)]
    past, unit = _past(paths, name), _unit_of(paths.periods)
    made = fan_of(past, paths.periods, values, f"a {unit}", ax)
    median, ninety = np.quantile(values.sum(axis=1), [0.5, 0.9])
    count = f"{number(len(paths.periods))} {unit}{'s' if len(paths.periods) > 1 else ''}"
    title = f"{printable(name)}: {short(median)} over {count} at P50, {short(ninety)} at P90"
    before = f"history up to {told_date(past.index[-1], 'yMMMd')}, then " if len(past) else ""
    shown = f"{before}P50 and the bands P10–P90 and P25–P75 of each {unit}; {number(paths.draws)} draws, {paths.method}"
    made.told(title, printable(shown, 120))
    return made.ax


@dataclass(frozen=True, slots=True)
class Fan:
    """A fan that is drawn, and yet without words.

    Attributes
    ----------
    ax : Axes
    palette : Palette
    last : float
        Where on the axis it ends.
    ends : dict of str to float
        P10, P50 and P90 of its last period.
    """

    ax: Axes
    palette: Palette
    last: float
    ends: dict[str, float]

    def told(self, title: str, subtitle: str) -> None:
        """Put title and subtitle above it, and name the ends of its lines."""
        headline(self.ax, title, subtitle, self.palette)
        told = [(y, f"{level} {short(y)}", self.palette.future) for level, y in self.ends.items()]
        label_ends(self.ax, self.last, told)


def fan_of(past: pd.Series, periods: pd.DatetimeIndex, values: FloatArray, label: str, ax: Axes | None) -> Fan:
    """Draw history (period,) on its dates, and the bands of ``values`` (draw, period) after it."""
    ax, palette = canvas(ax)
    days, known = clock(periods), clock(pd.DatetimeIndex(past.index))
    if len(past):
        ax.plot(known, past.to_numpy(), color=palette.known, linewidth=1.2)
        ax.axvline(float(known[-1]), color=palette.muted, linewidth=0.8, linestyle=(0, (2, 3)))
    if len(past) and np.isfinite(past.iloc[-1]):
        joined = np.concatenate([np.full((len(values), 1), past.iloc[-1]), values], axis=1)
        p10, p50, p90 = band(ax, np.concatenate([known[-1:], days]), joined, palette.future)
    else:
        p10, p50, p90 = band(ax, days, values, palette.future)
        if len(days) == 1:
            ax.errorbar(days, p50, [p50 - p10, p90 - p50], fmt="o", color=palette.future, capsize=4)
    low, high = float(min(p10.min(), past.min() if len(past) else 0.0)), ax.get_ylim()[1]
    ax.set_ylim(min(low * 1.05, 0.0), high)
    first, last = float(known[0]) if len(past) else float(days[0]), float(days[-1])
    ax.set_xlim((first, last) if first < last else (first - 1.0, last + 1.0))
    date_axis(ax, past.index[0] if len(past) else periods[0], periods[-1])
    money_axis(ax.yaxis, label)
    ax.set_xlabel("date", loc="right", labelpad=-SMALL)
    return Fan(ax, palette, last, {"P10": float(p10[-1]), "P50": float(p50[-1]), "P90": float(p90[-1])})


def _past(paths: SamplePaths, name: str) -> pd.Series:
    """The last of one series' history, as much as is shown: (period,) on dates."""
    if paths.history is None:
        return pd.Series(dtype="float64", index=pd.DatetimeIndex([]))
    own = paths.history[paths.history["unique_id"] == name].set_index("ds")["y"].astype("float64").dropna()
    return own.sort_index().tail(max(HISTORY_SHOWN * len(paths.periods), 24))


def _unit_of(periods: pd.DatetimeIndex) -> str:
    """What one period is called."""
    if len(periods) < 2:
        return "period"
    step = float(np.median(np.diff(periods.to_numpy()) / np.timedelta64(1, "D")))
    known = ((1 / 24, "hour"), (1, "day"), (7, "week"), (30.4, "month"), (91.3, "quarter"), (365.25, "year"))
    return next((word for size, word in known if abs(step / size - 1) < 0.06), "period")
