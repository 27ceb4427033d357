"""Level shifts: abrupt, lasting changes of a daily series' level. Comes in: values. Goes out: days, sizes, certainty.

A series is looked at on the log scale and less its week, so that a shift is a factor and a weekend is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from forecast.panel import BoolArray, FloatArray, Panel, known_median

#: A value below this share of the median of positive ones counts as this share of it on the log scale.
FLOOR = 0.02
#: A series that is 0 on more than this share of the days of weekdays on which it works rests by nature.
MOST_RESTS = 0.05
#: A day's standard deviation (log) above which bursts pass for levels.
NOISIEST = 0.5
#: Days of the running median.
WIDE = 15
#: Days over which a level is measured, before and after a shift; the fewest that must follow one, and lie between two.
WINDOW, LEAST = 21, 14
#: Days after first use in which a rise is a launch.
LAUNCH = 30
#: A shift is at least this log size, and this many of its standard errors.
MATERIAL, CERTAIN = 0.25, 5.0
#: A shift lasts if, over the later half of four weeks, the level keeps between these parts of it.
LASTS = (0.6, 1.35)
#: Lower bound on a day's standard deviation, and its ratio to the spread about a running median: noise that lasts for
#: days moves means by more.
LEAST_NOISE, LASTING_NOISE = 0.1, 1.44
#: How many windows the ratio above is worth against the series' own contrasts.
PRIOR_WINDOWS = 6.0
#: From and to (month, day): the quiet weeks at the turn of the year, which are season.
YEAR_END = ((12, 21), (1, 4))


@dataclass(frozen=True, slots=True)
class Steady:
    """Series less their week, on the log scale.

    Attributes
    ----------
    log : float array (day, series)
        log of the value less the weekday's effect; NaN where unknown, and on weekdays on which a series rests.
    week : float array (day, series)
        The weekday's effect that was taken out.
    level : float array (day, series)
        The running median of ``log`` over 15 days.
    spread : float array (series,)
        1.4826 times the median distance to that level: a day's standard deviation without outliers.
    resting : bool array (series,)
        Without a level to speak of: zero on too many days, too bursty, too short, or below 0. Nothing is looked for.
    """

    log: FloatArray
    week: FloatArray
    level: FloatArray
    spread: FloatArray
    resting: BoolArray


@dataclass(frozen=True, slots=True)
class Shift:
    """One level shift: ``day`` is the first of the new level, ``size`` a natural log, ``errors`` its standard errors.

    ``lasting`` is False where the next shift takes it back, or it takes back the one before.
    """

    series: int
    day: int
    size: float
    errors: float
    lasting: bool


def steady(panel: Panel) -> Steady:
    """Take the week out of daily series, on the log scale; a series with values below 0 counts as resting."""
    values, weekday = panel.values, panel.periods.day_of_week.to_numpy()
    known = np.isfinite(values)
    positive = np.where(known & (values > 0), values, np.nan)
    floor = FLOOR * np.nan_to_num(known_median(positive), nan=1.0)
    works = np.zeros(values.shape, dtype=bool)
    for day in range(7):
        rows = weekday == day
        works[rows] = np.nan_to_num(known_median(values[rows])) > 0
    z = np.where(known & works, np.log(np.maximum(np.nan_to_num(values), floor)), np.nan)
    rests = (known & works & (values <= 0)).sum(axis=0) / np.maximum((known & works).sum(axis=0), 1)
    off = z - running_median(z, 7)
    week = np.zeros(values.shape)
    for day in range(7):
        rows = weekday == day
        week[rows] = np.nan_to_num(known_median(off[rows]))
    log = z - week
    level = running_median(log, WIDE)
    spread = 1.4826 * np.nan_to_num(known_median(np.abs(log - level)))
    below = np.where(known, values, 0.0).min(axis=0, initial=0.0) < 0
    few = np.isfinite(z).sum(axis=0) < 2 * LEAST
    return Steady(log, week, level, spread, (rests > MOST_RESTS) | (spread > NOISIEST) | below | few)


def level_shifts(found: Steady, panel: Panel) -> list[Shift]:
    """Find shifts of the level that are abrupt, lasting, material and certain.

    Days are drawn in to 2.5 spreads of their running median, the robust slope of the whole history is taken out, and
    the weeks around the turn of the year are left aside. With D_t the mean of the 21 days from t on less that of the 21
    before, the long-run standard deviation of a day is ``s = MAD(D) / sqrt(2 / 21)``, joined with what the spread lets
    expect. A series whose largest ``|D|`` is below 0.8 of what certainty asks is left alone. In the others, ruptures
    finds the segmentation of least squares with the penalty of BIC, 2 s^2 log n, a change; a change counts if its size
    over at most 21 days on either side is at least ``CERTAIN`` standard errors, ``MATERIAL``, and lasts.

    Source: Killick, Fearnhead and Eckley (2012), Optimal Detection of Changepoints, doi:10.1080/01621459.2012.737745;
    Truong, Oudre and Vayatis (2020), doi:10.1016/j.sigpro.2019.107299 (the engine).
    """
    days = len(panel.periods)
    if days < 2 * LEAST:
        return []
    bent = np.clip(found.log, found.level - 2.5 * found.spread, found.level + 2.5 * found.spread)
    x = np.where(_year_end(panel.periods)[:, None], np.nan, bent)
    slope = np.nan_to_num(known_median((x[28:] - x[:-28]) / 28)) if days > 56 else np.zeros(x.shape[1])
    x = x - slope * np.arange(days)[:, None]
    noise = _long_run(x, found.spread)
    first = np.argmax(np.isfinite(panel.values), axis=0)
    suspicious = ~found.resting & (found.spread > 0) & (_largest(x) > 0.8 * CERTAIN * noise)
    return [
        shift
        for i in np.flatnonzero(suspicious)
        for shift in _shifts(x[:, i], float(noise[i]), int(i), earliest=int(first[i]) + LAUNCH)
    ]


def _shifts(x: FloatArray, noise: float, series: int, *, earliest: int) -> list[Shift]:
    """The shifts of one series from ``earliest`` on."""
    from ruptures import KernelCPD

    at = np.flatnonzero(np.isfinite(x))
    u = x[at]
    if len(u) < 2 * LEAST:
        return []
    search = KernelCPD(kernel="linear", min_size=LEAST).fit(u[:, None])
    changes = [int(b) for b in search.predict(pen=2.0 * noise**2 * np.log(len(u)))[:-1]]
    edges = [0, *changes, len(u)]
    kept = []
    for before, change, after in zip(edges, changes, edges[2:], strict=False):
        low, high = max(before, change - WINDOW), min(after, change + WINDOW)
        size = float(u[change:high].mean() - u[low:change].mean())
        errors = abs(size) / (noise * np.sqrt(1.0 / (high - change) + 1.0 / (change - low)))
        if errors < CERTAIN or abs(size) < MATERIAL or at[change] < earliest:
            continue
        ahead = u[change : change + 28]
        stays = (ahead[len(ahead) // 2 :].mean() - u[low:change].mean()) / size
        if LASTS[0] < stays < LASTS[1]:
            kept.append(Shift(series, int(at[change]), size, float(errors), lasting=True))
    return _taken_back(kept)


def _taken_back(found: list[Shift]) -> list[Shift]:
    """Two neighbours of which the second takes back more than half of the first are not lasting."""
    lasting = [True] * len(found)
    for k, (one, two) in enumerate(pairwise(found)):
        if lasting[k] and abs(one.size + two.size) < 0.5 * min(abs(one.size), abs(two.size)):
            lasting[k] = lasting[k + 1] = False
    return [Shift(s.series, s.day, s.size, s.errors, lasting=stays) for s, stays in zip(found, lasting, strict=True)]


def _long_run(x: FloatArray, spread: FloatArray) -> FloatArray:
    """A day's standard deviation as means over three weeks show it: (series,)."""
    contrast = _contrast(x, WINDOW)
    own = 1.4826 * known_median(np.abs(contrast - known_median(contrast))) / np.sqrt(2.0 / WINDOW)
    prior = LASTING_NOISE * spread
    windows = np.isfinite(contrast).sum(axis=0) / (2 * WINDOW)
    joined = (windows * np.nan_to_num(own) ** 2 + PRIOR_WINDOWS * prior**2) / (windows + PRIOR_WINDOWS)
    return np.asarray(np.maximum(np.sqrt(joined), LEAST_NOISE))


def _largest(x: FloatArray) -> FloatArray:
    """The largest contrast in units of its standard error at a day's standard deviation of 1: (series,)."""
    found = np.zeros(x.shape[1])
    for width in (WINDOW, LEAST):
        size = np.abs(np.nan_to_num(_contrast(x, width))) / np.sqrt(2.0 / width)
        found = np.maximum(found, size.max(axis=0, initial=0.0))
    return found


def _contrast(x: FloatArray, width: int) -> FloatArray:
    """Mean of ``width`` days from each day on less that of those before; NaN where under 60 % of either are known."""
    there = np.isfinite(x)
    zero = np.zeros((1, x.shape[1]))
    total = np.concatenate([zero, np.cumsum(np.where(there, x, 0.0), axis=0)])
    count = np.concatenate([zero, np.cumsum(there, axis=0)])
    out = np.full(x.shape, np.nan)
    t = np.arange(width, len(x) - width + 1)
    t = t[t < len(x)]
    after, before = count[t + width] - count[t], count[t] - count[t - width]
    enough = (after >= 0.6 * width) & (before >= 0.6 * width)
    rise = (total[t + width] - total[t]) / np.maximum(after, 1) - (total[t] - total[t - width]) / np.maximum(before, 1)
    out[t] = np.where(enough, rise, np.nan)
    return out


def _year_end(days: pd.DatetimeIndex) -> BoolArray:
    """Which days lie in the quiet weeks at the turn of the year: (day,)."""
    code = days.month.to_numpy() * 100 + days.day.to_numpy()
    (m0, d0), (m1, d1) = YEAR_END
    return np.asarray((code >= 100 * m0 + d0) | (code <= 100 * m1 + d1))


def running_median(x: FloatArray, width: int) -> FloatArray:
    """The median over ``width`` days around each, unknown days taken as the day before: (day, series)."""
    from scipy.ndimage import median_filter

    there = np.isfinite(x)
    row = np.maximum.accumulate(np.where(there, np.arange(len(x))[:, None], -1), axis=0)
    row = np.where(row < 0, np.argmax(there, axis=0), row)
    full = np.nan_to_num(np.take_along_axis(x, row, axis=0))
    return np.asarray(median_filter(full, size=(width, 1), mode="reflect"))
