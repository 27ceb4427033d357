"""Shares inside ranges. Comes in: ranges, and a point, random numbers or demand. Goes out: shares that sum to 1.

Ranges are ``low`` and ``high`` (coordinate,) with ``low.sum() <= 1 <= high.sum()``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from forecast.panel import FloatArray, IntArray

#: Ranges that are narrower than this are a number.
_NARROW: Final = 1e-12
#: Where the tilt times the width is smaller than this, its series is exact to a double.
_FLAT: Final = 1e-5
#: Halvings of an interval after which a double does not change.
_HALVINGS: Final = 100

#: ``numbers(round, rows, count)``: fresh uniform numbers in (0, 1), (row, count).
Numbers = Callable[[int, int, int], FloatArray]


def nearest_in_ranges(point: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """The nearest point (Euclidean) whose coordinates lie in their ranges and sum to 1, for each row. Exact.

    The answer is ``clip(point + shift, low, high)`` with the one shift that makes it sum to 1. The sum is piecewise
    linear in the shift with kinks at ``low - point`` and ``high - point``: find the piece, and solve on it.

    Parameters
    ----------
    point : float array (row, coordinate)
    low, high : float array (coordinate,)
        With ``low.sum() <= 1 <= high.sum()``.

    Source: Held, Wolfe and Crowder (1974), doi:10.1007/BF01580223, for the unit simplex; here with bounds.
    """
    kinks = np.sort(np.concatenate([low - point, high - point], axis=1), axis=1)
    sums = np.clip(point[:, None, :] + kinks[:, :, None], low, high).sum(axis=2)
    right = np.clip((sums < 1.0).sum(axis=1), 1, kinks.shape[1] - 1)
    row = np.arange(len(point))
    x0, x1, y0, y1 = kinks[row, right - 1], kinks[row, right], sums[row, right - 1], sums[row, right]
    rise = np.where(y1 > y0, (1.0 - y0) / np.where(y1 > y0, y1 - y0, 1.0), 0.0)
    return _settled(np.clip(point + (x0 + rise * (x1 - x0))[:, None], low, high), low, high)


def attainable(low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The parts of ranges that some shares that sum to 1 reach: low and high (coordinate,)."""
    within_low = np.maximum(low, 1.0 - (high.sum() - high))
    within_high = np.minimum(high, 1.0 - (low.sum() - low))
    return np.minimum(within_low, high), np.maximum(within_high, low)


@dataclass(frozen=True, slots=True)
class Drawn:
    """Shares drawn inside ranges.

    Attributes
    ----------
    shares : float array (draw, coordinate)
    tried : int
        Points that were tried for them; ``draw / tried`` is what is accepted.
    """

    shares: FloatArray
    tried: int


def uniform_in_ranges(low: FloatArray, high: FloatArray, count: int, numbers: Numbers) -> Drawn:
    """Shares drawn uniformly from all that lie in the ranges and sum to 1. Exact.

    With t = share - low, every t but the widest is drawn from [0, width] with density proportional to exp(-a t), and
    the widest is what is left. On the plane where they sum to 1 the product of such densities is the same everywhere,
    so the point is kept with probability exp(-a t) of the widest (1 at its best end), and drawn anew otherwise or where
    the widest does not fit. The tilt ``a`` makes the means sum to 1; with a = 0 this is plain rejection from the box.

    Parameters
    ----------
    numbers : callable
        See :data:`Numbers`.

    Source: rejection from an exponentially tilted product, as in Devroye (1986), Non-Uniform Random Variate Generation,
    ch. II.3, doi:10.1007/978-1-4613-8643-8.
    """
    low, high = attainable(low, high)
    width, left_over = high - low, 1.0 - float(low.sum())
    out = np.tile(low, (count, 1))
    free = np.nonzero(width > _NARROW)[0]
    if len(free) < 2 or left_over <= _NARROW:
        return Drawn(_settled(out, low, high), count)
    free = free[np.argsort(width[free], kind="stable")]
    most, tilt = int(free[-1]), tilt_of(width[free], left_over)
    waiting, tried, again = np.arange(count), 0, 0
    while len(waiting):
        n = len(waiting)
        u = numbers(again, len(free), n)
        made = np.stack([_tilted(u[k], float(width[i]), tilt) for k, i in enumerate(free[:-1])], axis=1)
        rest = left_over - made.sum(axis=1)
        chance = np.exp(-tilt * rest) if tilt >= 0 else np.exp(-tilt * (rest - width[most]))
        fits = (rest >= 0) & (rest <= width[most]) & (u[-1] < chance)
        found: IntArray = waiting[fits]
        out[np.ix_(found, free)] += np.column_stack([made[fits], rest[fits]])
        waiting, tried, again = waiting[~fits], tried + n, again + 1
    return Drawn(_settled(np.clip(out, low, high), low, high), tried)


def tilt_of(width: FloatArray, total: float) -> float:
    """The tilt ``a`` at which numbers on [0, width] with densities of exp(-a t) have means that sum to ``total``.

    Parameters
    ----------
    width : float array (coordinate,)
        Sums to more than ``total``.
    """
    edge = 1.0 / float(width.max())
    while float(_means(width, edge).sum()) > total or float(_means(width, -edge).sum()) < total:
        edge *= 2.0
        if edge > 1e15:  # the ranges leave next to no room
            break
    low, high = -edge, edge
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if float(_means(width, middle).sum()) > total else (low, middle)
    return (low + high) / 2


def equal_risk(own: FloatArray, room: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Shares by which every part's demand exceeds its budget in equally many draws: (part,).

    A part overruns where own > share · room, so its share is a quantile of own / room: the same quantile for all, and
    the one at which shares sum to 1. Between two neighbouring draws it is a straight line. A part whose quantile lies
    outside its range stands at the end of it, and the others have equal risk among themselves.

    Parameters
    ----------
    own : float array (draw, part)
        What each part wants of its own.
    room : float array (draw,)
        The budget to be split, less what is dealt by the shares.
    low, high : float array (part,)
    """
    # A share is at most 1: where there is no room, a part that wants anything overruns by any share.
    with np.errstate(divide="ignore", invalid="ignore"):
        wanted = np.where(room[:, None] > 0, own / room[:, None], np.where(own > 0, 2.0, 0.0))
    steps = np.clip(np.sort(wanted, axis=0), low, high)
    steps = np.concatenate([low[None, :], steps, high[None, :]])
    below = min(int(np.searchsorted(steps.sum(axis=1), 1.0, side="right")) - 1, len(steps) - 2)
    before, after = steps[max(below, 0)], steps[max(below, 0) + 1]
    rise = float((after - before).sum())
    along = (1.0 - float(before.sum())) / rise if rise > 0 else 0.0
    found = before + min(max(along, 0.0), 1.0) * (after - before)
    return np.asarray(_settled(found[None, :], low, high)[0])


def _settled(found: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Give what rounding leaves of the sum to the coordinate with the most room: rows sum to 1 to the last bit."""
    left = 1.0 - found.sum(axis=1)
    room = np.where(left[:, None] > 0, high - found, found - low)
    at, row = room.argmax(axis=1), np.arange(len(found))
    found[row, at] = np.clip(found[row, at] + left, low[at], high[at])
    return np.asarray(found)


def _means(width: FloatArray, tilt: float) -> FloatArray:
    """The mean of a number on [0, width] with a density of exp(-tilt t): (coordinate,)."""
    x = tilt * width
    safe = np.where(np.abs(x) < _FLAT, 1.0, x)
    with np.errstate(over="ignore"):
        exact = 1.0 / safe - 1.0 / np.expm1(safe)
    return np.asarray(width * np.where(np.abs(x) < _FLAT, 0.5 - x / 12.0, exact))


def _tilted(u: FloatArray, width: float, tilt: float) -> FloatArray:
    """A number on [0, width] with a density of exp(-tilt t), from a uniform one."""
    if tilt < 0:
        return np.asarray(width - _tilted(u, width, -tilt))
    if tilt * width < _FLAT**2:
        return np.asarray(u * width)
    return np.asarray(-np.log1p(u * np.expm1(-tilt * width)) / tilt)
