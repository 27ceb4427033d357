"""Pictures of a forecast. Comes in: sample paths. Goes out: a matplotlib Axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecast.drawing import (
    SMALL,
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
    ax, palette = canvas(ax)
    values = paths.values[:, :, paths.series.index(name)]
    days = clock(paths.periods)
    past = _past(paths, name)
    known = clock(pd.DatetimeIndex(past.index))
    if len(past):
        ax.plot(known, past.to_numpy(), color=palette.known, linewidth=1.2)
        joined = np.concatenate([np.full((len(values), 1), past.iloc[-1]), values], axis=1)
        p10, p50, p90 = band(ax, np.concatenate([known[-1:], days]), joined, palette.future)
        ax.axvline(float(known[-1]), color=palette.muted, linewidth=0.8, linestyle=(0, (2, 3)))
    else:
        p10, p50, p90 = band(ax, days, values, palette.future)
        if len(days) == 1:
            ax.errorbar(days, p50, [p50 - p10, p90 - p50], fmt="o", color=palette.future, capsize=4)
    low, high = float(min(p10.min(), past.min() if len(past) else 0.0)), ax.get_ylim()[1]
    ax.set_ylim(min(low * 1.05, 0.0), high)
    first, last = float(known[0]) if len(past) else float(days[0]), float(days[-1])
    ax.set_xlim((first, last) if first < last else (first - 1.0, last + 1.0))
    date_axis(ax, past.index[0] if len(past) else paths.periods[0], paths.periods[-1])
    unit = _unit_of(paths.periods)
    money_axis(ax.yaxis, f"a {unit}")
    ax.set_xlabel("date", loc="right", labelpad=-SMALL)
    median, ninety = np.quantile(values.sum(axis=1), [0.5, 0.9])
    count = f"{len(days)} {unit}{'s' if len(days) > 1 else ''}"
    title = f"{printable(name)}: {short(median)} over {count} at P50, {short(ninety)} at P90"
    before = f"history up to {told_date(past.index[-1], 'yMMMd')}, then " if len(past) else ""
    shown = f"{before}P50 and the bands P10–P90 and P25–P75 of each {unit}; {number(paths.draws)} draws, {paths.method}"
    headline(ax, title, printable(shown, 120), palette)
    ends = {"P10": float(p10[-1]), "P50": float(p50[-1]), "P90": float(p90[-1])}
    label_ends(ax, last, [(y, f"{level} {short(y)}", palette.future) for level, y in ends.items()])
    return ax


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
