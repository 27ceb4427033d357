"""Forecasts one day ahead, of many daily series at once. Comes in: logs by day. Goes out: forecasts and scales.

Exponential smoothing of a level and a week on the log scale, made robust: an error moves them by at most ``CLIP`` of
its own scale, so that a spike is not learned. Each series is followed at several rates of learning side by side, and
its forecast is that of the rate whose errors were smallest of late. A forecast of a day uses what came before it alone:
what is told of a day does not change with what comes later.

Source: Gelper, Fried and Croux (2010), Robust forecasting with exponential and Holt-Winters smoothing,
doi:10.1002/for.1125.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from forecast.panel import BoolArray, FloatArray, IntArray, known_median

#: Rates at which a level learns. The first, the slowest, is what a level is judged by.
RATES: Final = (0.05, 0.1, 0.15, 0.25, 0.4, 0.6)
#: An error counts for at most this many of its scale.
CLIP: Final = 3.0
#: The rate at which a weekday learns, and days after which an error weighs half in scales and in the choice of a rate.
WEEKDAY: Final = 0.1
HALF_LIFE: Final = 60.0
#: Days that a series is followed before it is judged, and the fewest of them that must be known.
WARM: Final = 42
LEAST_KNOWN: Final = 14
#: Bounds of a scale, as logs: nothing is as sure as the least, and the first is at least the second.
LEAST_SCALE: Final = 0.02
FIRST_SCALE: Final = 0.03
#: Days of the median that a forecast of a rise may not lie below: after a dip the old level is no rise.
GUARD: Final = 28
#: The mean distance of a normal error is 1 / MEAN_DISTANCE of its standard deviation.
MEAN_DISTANCE: Final = 1.2533
#: How many values of its class a weekday's own first effect is worth.
_SHRINK: Final = 2.0
_SATURDAY: Final = 5


@dataclass(frozen=True, slots=True)
class Followed:
    """Daily series and their forecasts one day ahead, all on the log scale: float arrays (day, series).

    Attributes
    ----------
    log
        What came; NaN where it is unknown or 0.
    expected, scale
        The forecast of the day before, and the scale of its error.
    high
        What a rise is judged by: ``expected``, or the median of the four weeks before if that is higher.
    level, week
        The slowest level before the day, and its weekday's effect.
    judged : bool array
        Where enough was known before.
    """

    log: FloatArray
    expected: FloatArray
    scale: FloatArray
    high: FloatArray
    level: FloatArray
    week: FloatArray
    judged: BoolArray


def logs(values: FloatArray) -> FloatArray:
    """Natural logs of what is above 0, NaN elsewhere."""
    there = np.isfinite(values) & (values > 0)
    return np.where(there, np.log(np.where(there, values, 1.0)), np.nan)


def follow(
    log: FloatArray,
    weekday: IntArray,
    *,
    counts: bool = False,
    learned: BoolArray | None = None,
    rates: Sequence[float] = RATES,
) -> Followed:
    """Follow series day by day.

    Parameters
    ----------
    log : float array (day, series)
    weekday : int array (day,)
        0 is Monday.
    counts : bool
        Whether they are counts, whose error is at least a Poisson number's: 1 / expected is added to the variance.
    learned : bool array (day, series), optional
        Days that are learned from; others are still judged.
    """
    taught = log if learned is None else np.where(learned, log, np.nan)
    level, week, scale = _first(taught, weekday)
    speed = np.array(rates)
    shape = (log.shape[1], len(speed))
    level, scale = (np.repeat(a[:, None], len(speed), axis=1) for a in (level, scale))
    week = np.repeat(week[:, :, None], len(speed), axis=2)
    loss, every = scale.copy(), np.arange(shape[0])
    keep = 0.5 ** (1.0 / HALF_LIFE)
    expected, sure, slow, slow_week, chosen_week = (np.empty(log.shape) for _ in range(5))
    for t in range(len(log)):
        ahead = level + week[weekday[t]]
        best = np.argmin(loss, axis=1)
        noise = np.exp(-ahead) if counts else np.zeros(shape)
        bound = np.sqrt(scale**2 + noise)
        expected[t], sure[t] = ahead[every, best], bound[every, best]
        slow[t], slow_week[t], chosen_week[t] = level[:, 0], week[weekday[t], :, 0], week[weekday[t], every, best]
        error = taught[t][:, None] - ahead
        known = np.isfinite(error)
        moved = np.where(known, np.clip(error, -CLIP * bound, CLIP * bound), 0.0)
        level = level + speed * moved
        week[weekday[t]] += WEEKDAY * (1.0 - speed) * moved
        size = np.abs(moved)
        own = np.sqrt(np.maximum((MEAN_DISTANCE * size) ** 2 - noise, 0.0))
        scale = np.maximum(np.where(known, keep * scale + (1.0 - keep) * own, scale), LEAST_SCALE)
        loss = np.where(known, keep * loss + (1.0 - keep) * size, loss)
    past = pd.DataFrame(taught - chosen_week).rolling(GUARD, min_periods=GUARD // 4).median().shift(1).to_numpy()
    high = np.fmax(expected, past + chosen_week)
    return Followed(log, expected, sure, high, slow, slow_week, judged_of(taught))


def judged_of(log: FloatArray) -> BoolArray:
    """Where a series was followed for long enough: bool array (day, series)."""
    known = np.isfinite(log)
    first = np.where(known.any(axis=0), np.argmax(known, axis=0), len(log))
    before = np.cumsum(known, axis=0) - known
    old: BoolArray = np.arange(len(log))[:, None] >= first + WARM
    return old & (before >= LEAST_KNOWN)


def _first(log: FloatArray, weekday: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Level (series,), week (weekday, series) and scale (series,) of each series' first ``WARM`` days.

    A weekday's effect is the median of its days, drawn towards that of its class: Monday to Friday, or the weekend.
    """
    known = np.isfinite(log)
    first = np.argmax(known, axis=0)
    rows = np.minimum(first + np.arange(WARM)[:, None], len(log) - 1)
    inside = first + np.arange(WARM)[:, None] < len(log)
    start = np.where(inside, np.take_along_axis(log, rows, axis=0), np.nan)
    day = weekday[rows]
    free = day >= _SATURDAY
    level = known_median(np.where(free, np.nan, start))
    level = np.nan_to_num(np.where(np.isfinite(level), level, known_median(start)))
    rest = np.nan_to_num(known_median(np.where(free, start, np.nan)) - level)
    week = np.empty((7, log.shape[1]))
    for k in range(7):
        own = np.where(day == k, start, np.nan)
        of_class = rest if k >= _SATURDAY else np.zeros_like(rest)
        count = np.isfinite(own).sum(axis=0)
        off = np.nan_to_num(known_median(own) - level - of_class)
        week[k] = of_class + count / (count + _SHRINK) * off
    error = np.abs(start - level - np.take_along_axis(week, day, axis=0))
    spread = known_median(error)
    return level, week, np.maximum(np.where(np.isfinite(spread), 1.4826 * spread, 0.1), FIRST_SCALE)
