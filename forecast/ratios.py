"""Mix and intensity of the days to come. Comes in: their past ratios by block. Goes out: joint trajectories by day."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from forecast.dependence import trajectories
from forecast.drivers import ENDED_BLOCKS
from forecast.joint import Trajectories
from forecast.models import Model, model_of
from forecast.panel import FloatArray, Panel


@dataclass(frozen=True, slots=True)
class Clock:
    """When ratios were seen, and when they are wanted.

    Attributes
    ----------
    blocks : DatetimeIndex (block,)
        Weeks of daily usage, months of monthly.
    days : DatetimeIndex (day,)
    freq : str
        Of the days.
    """

    blocks: pd.DatetimeIndex
    days: pd.DatetimeIndex
    freq: str


def ratios(
    values: FloatArray,
    names: tuple[str, ...],
    clock: Clock,
    *,
    key: str,
    model: str | Model,
    count: int,
    seed: int,
) -> Trajectories:
    """Forecast ratios by block and lay them over days; what has ended, or is its own base, stays as it is.

    Parameters
    ----------
    values : float array (block, series)
        NaN where there was nothing to take a ratio of.
    names : tuple of str (series,)
    clock : Clock
    key : str
        Names the random numbers.
    model : str or Model
    count : int
        Trajectories.
    seed : int
    """
    days, weekly = clock.days, clock.freq == "D"
    steps = -(-len(days) // 7) if weekly else len(days)
    ended = np.nan_to_num(values[-ENDED_BLOCKS:]).max(axis=0) <= 0
    latest = _last_known(values)
    fixed = (
        ended
        | (np.isfinite(values).sum(axis=0) < 2)
        | (
            np.nanmax(values, axis=0, initial=0.0, where=np.isfinite(values))
            == np.nanmin(values, axis=0, initial=np.inf, where=np.isfinite(values))
        )
    )
    series = values.shape[1]
    point = np.repeat(np.where(ended, 0.0, latest)[None], steps, axis=0)
    level, growth = np.zeros((count, series)), np.zeros((count, series))
    slope, scale = np.zeros(series), np.zeros(series)
    seen = np.array(["held at its last value"] * series, dtype=object)
    moving = np.nonzero(~fixed)[0]
    if len(moving):
        panel = Panel(values[:, moving], clock.blocks, tuple(np.array(names)[moving]), "7D" if weekly else clock.freq)
        found = model_of(model)
        # Convictions are about volume: an adoption curve or a holiday says nothing of a route's share.
        from forecast.models.auto import Auto

        median = replace(found, mean=False) if isinstance(found, Auto) else Auto(mean=False)
        made = trajectories(panel, median, horizon=steps, count=count, seed=seed, key=key)
        point[:, moving], level[:, moving], growth[:, moving] = made.point, made.level, made.growth
        slope[moving], scale[moving], seen[moving] = made.slope, made.scale, made.seen
    if weekly:
        at = np.arange(len(days)) // 7
        point, growth, slope = point[at], growth / 7.0, slope / 7.0
    zero = np.zeros((count, len(days)), dtype=np.intp)
    return Trajectories(
        point,
        level,
        growth,
        slope,
        np.zeros((1, 1, series)),
        zero,
        zero,
        scale,
        np.ones(series, dtype=bool),
        np.ones(series),
        tuple(seen),
    )


def _last_known(values: FloatArray) -> FloatArray:
    there = np.isfinite(values)
    last = len(values) - 1 - np.argmax(there[::-1], axis=0)
    return np.where(there.any(axis=0), values[last, np.arange(values.shape[1])], 0.0)


def smooth_paths(made: Trajectories, which: slice) -> FloatArray:
    """Paths without a daily shape: (trajectory, day, series)."""
    steps = np.arange(1, len(made.point) + 1, dtype=float)
    return made.point * np.exp(made.level[which][:, None, :] + made.growth[which][:, None, :] * steps[None, :, None])
