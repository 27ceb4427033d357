"""Steps of trajectories. Comes in: joint futures. Goes out: their values period by period; no path is kept.

Each is a point forecast times exp(level + growth · t), which is multiplied up from period to period; the exponential of
a daily shape is taken once for all trajectories.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from forecast.joint import Trajectories
from forecast.panel import BoolArray, FloatArray, IntArray

#: Growth is multiplied up for this many periods, then taken anew, so that rounding does not add up.
ANEW: Final = 64

#: The values of one period (series, trajectory), asked for in turn from the first on.
Step = Callable[[int], FloatArray]


def moving(made: Trajectories, series: IntArray) -> BoolArray:
    """Which of some series differ from trajectory to trajectory: (series,)."""
    return np.asarray((made.level[:, series] != 0).any(axis=0) | (made.growth[:, series] != 0).any(axis=0))


def _grown(level: FloatArray, growth: FloatArray) -> Step:
    """exp(level + growth · (t + 1)), asked for t = 0, 1, 2 and so on: (series, trajectory)."""
    if not growth.any():
        still = np.exp(level)
        return lambda _: still
    step, now = np.exp(growth), np.empty_like(growth)

    def value(t: int) -> FloatArray:
        nonlocal now
        if t % ANEW == 0:
            now = np.exp(level + growth * (t + 1))
        else:
            now *= step
        return now

    return value


def ratio_steps(made: Trajectories, which: IntArray, series: IntArray) -> tuple[FloatArray, Step]:
    """Paths without a daily shape: the point (period, series), and what it is multiplied by, (series, trajectory).

    What the steps give is overwritten by the next step, and is not to be written to.
    """
    grown = _grown(*(np.ascontiguousarray(v[np.ix_(which, series)].T) for v in (made.level, made.growth)))
    return made.point[:, series], grown


def volume_steps(made: Trajectories, which: IntArray, series: IntArray, replaced: BoolArray) -> tuple[FloatArray, Step]:
    """Volume with its daily shape: the point (period, series), and what it is multiplied by, (series, trajectory).

    The steps give a new array each time.
    """
    steps = np.arange(1, len(made.point) + 1, dtype=float)
    own = np.zeros(len(series), dtype=bool) if made.column is None else made.column[series] >= 0
    odd: BoolArray = np.asarray(own | ~made.relative[series].astype(bool))
    if odd.any() and not odd.all():  # each its own way, so that no number depends on the series beside it
        return _side_by_side(odd, *(volume_steps(made, which, series[kind], replaced[kind]) for kind in (odd, ~odd)))
    if odd.any():
        paths = made.paths(which, series)
        trend = np.where(replaced, made.slope[series] + made.growth[np.ix_(which, series)], 0.0)
        paths *= np.exp(-trend[:, None, :] * steps[None, :, None])
        return np.ones((len(steps), len(series))), lambda t: np.array(paths[:, t].T, order="C")
    level = np.ascontiguousarray(made.level[np.ix_(which, series)].T)
    # What is replaced loses the point's own slope and the trajectory's error of it, and keeps level and shape.
    growth = np.where(replaced[:, None], 0.0, made.growth[np.ix_(which, series)].T)
    grown = _grown(level, growth)
    point = made.point[:, series] * np.where(replaced, np.exp(-made.slope[series] * steps[:, None]), 1.0)
    cuts, length = made.errors.shape[:2]
    shape = np.exp(np.ascontiguousarray(made.errors[:, :, series].reshape(cuts * length, -1).T))
    cell = (made.origin[which] * length + made.offset[which]).T

    def value(t: int) -> FloatArray:
        out = np.asarray(shape.take(cell[t], axis=1, mode="clip"))
        out *= grown(t)
        return out

    return point, value


def _side_by_side(
    odd: BoolArray, those: tuple[FloatArray, Step], others: tuple[FloatArray, Step]
) -> tuple[FloatArray, Step]:
    """The points and steps of two kinds of series, in the order of both."""
    point = np.empty((len(those[0]), len(odd)))
    point[:, odd], point[:, ~odd] = those[0], others[0]

    def value(t: int) -> FloatArray:
        some, rest = those[1](t), others[1](t)
        out = np.empty((len(odd), some.shape[1]))
        out[odd], out[~odd] = some, rest
        return out

    return point, value
