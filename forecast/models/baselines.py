"""Baselines: run rate, mean and median season, seasonal naive, drift. Comes in: a panel. Goes out: what to beat.

All of them look at known values only: a gap is filled from the season before it, and what lies before a series'
first value is unknown, not 0.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecast.panel import FloatArray, IntArray, Panel, known_median
from forecast.periods import offset_of

#: What a run rate looks back on, in days, by the longest period (in days) that it serves: four weeks of hours and
#: days, a quarter of weeks and months, a year of quarters; three years of years.
_LOOK_BACK = ((1.5, 28.0), (31.5, 91.0), (100.0, 366.0), (np.inf, 1096.0))
#: The part of the values that is cut from each tail (Wilcox 2012, doi:10.1016/C2010-0-67044-1).
TRIM = 0.2
#: Huber's tuning constant: 95 % as efficient as the mean where errors are normal.
HUBER = 1.345
#: The median absolute deviation times this is a normal's standard deviation.
_MAD = 1.4826022185056018
_CLOSE, _ROUNDS = 1e-10, 200


@dataclass(frozen=True, slots=True)
class RunRate:
    """The mean of the last ``window`` periods, held: spend so far a day, times the days ahead.

    By default the last 28 days of hourly and daily series (20 business days), 13 weeks, 3 months, 4 quarters or 3
    years. A series that began later has the mean since its first value.
    """

    window: int | None = None
    name: str = "run_rate"

    def point(self, panel: Panel, horizon: int) -> FloatArray:
        """Forecast (horizon, series)."""
        return _held(_mean(_recent(panel, self.window)), horizon)


@dataclass(frozen=True, slots=True)
class TrimmedRunRate:
    """The run rate without its extremes: the mean after a fifth of the periods is cut from each tail.

    Phase medians (weekdays, for daily series) are taken out before the cut and their mean is put back, so that what
    is cut are unusual days and not all weekends. One spike moves it little. On skewed series it lies below the mean,
    so what it says of a total is too low.
    """

    window: int | None = None
    trim: float = TRIM
    name: str = "trimmed_run_rate"

    def point(self, panel: Panel, horizon: int) -> FloatArray:
        """Forecast (horizon, series)."""
        return _held(trimmed_mean(_level(panel, self.window), self.trim), horizon)


@dataclass(frozen=True, slots=True)
class RobustRunRate:
    """The run rate by Huber's M-estimate of location: days far from the rest weigh less.

    Phase medians are treated as in :class:`TrimmedRunRate`.
    """

    window: int | None = None
    name: str = "robust_run_rate"

    def point(self, panel: Panel, horizon: int) -> FloatArray:
        """Forecast (horizon, series)."""
        return _held(huber_location(_level(panel, self.window)), horizon)


@dataclass(frozen=True, slots=True)
class SeasonalNaive:
    """The last season, repeated: the same weekday last week for daily series."""

    name: str = "seasonal_naive"

    def point(self, panel: Panel, horizon: int) -> FloatArray:
        """Forecast (horizon, series)."""
        return by_phase(panel, horizon, seasons=1, season=panel.seasons[0])


@dataclass(frozen=True, slots=True)
class SeasonalMean:
    """The mean of the last ``seasons`` seasons, by phase: the mean week for hourly and daily series.

    The season is the longest that history holds so often (a week of hours, once there are four), else the shortest.
    """

    seasons: int = 4
    name: str = "seasonal_mean"

    def point(self, panel: Panel, horizon: int) -> FloatArray:
        """Forecast (horizon, series)."""
        return by_phase(panel, horizon, seasons=self.seasons, season=_season(panel, self.seasons))


@dataclass(frozen=True, slots=True)
class SeasonalMedian:
    """The median of the last ``seasons`` seasons, by phase: the median week, which one odd day leaves as it is.

    The season is chosen as in :class:`SeasonalMean`.
    """

    seasons: int = 4
    name: str = "seasonal_median"

    def point(self, panel: Panel, horizon: int) -> FloatArray:
        """Forecast (horizon, series)."""
        season = _season(panel, self.seasons)
        return by_phase(panel, horizon, seasons=self.seasons, season=season, middle=known_median)


@dataclass(frozen=True, slots=True)
class Drift:
    """The line from the first to the last observation, continued (Hyndman and Athanasopoulos, FPP3 section 5.2)."""

    name: str = "drift"

    def point(self, panel: Panel, horizon: int) -> FloatArray:
        """Forecast (horizon, series); a series that falls stops at 0 unless its history went below."""
        values = panel.values
        there = np.isfinite(values)
        first, last = np.argmax(there, axis=0), len(values) - 1 - np.argmax(there[::-1], axis=0)
        column = np.arange(values.shape[1])
        rise = (values[last, column] - values[first, column]) / np.maximum(last - first, 1)
        ahead = (len(values) - 1 - last)[None, :] + np.arange(1, horizon + 1)[:, None]
        point = values[last, column] + rise * ahead
        return np.asarray(np.where(np.nanmin(values, axis=0) >= 0, np.maximum(point, 0.0), point))


def filled(values: FloatArray, season: int) -> FloatArray:
    """Gaps filled from one season before, else from the last value, else from the first. Shape (period, series)."""
    out = values.copy()
    for t in range(len(out)):
        gap = np.isnan(out[t])
        if gap.any() and t >= season:
            out[t, gap] = out[t - season, gap]
        gap = np.isnan(out[t])
        if gap.any() and t > 0:
            out[t, gap] = out[t - 1, gap]
    first = np.isnan(out)
    if first.any():
        start = np.argmax(~first, axis=0)
        out = np.where(first, out[start, np.arange(out.shape[1])], out)
    return out


def known(values: FloatArray, season: int) -> FloatArray:
    """Gaps filled as by :func:`filled`, but NaN before a series' first value. Shape (period, series)."""
    started = np.logical_or.accumulate(np.isfinite(values), axis=0)
    return np.where(started, filled(values, season), np.nan)


def by_phase(
    panel: Panel,
    horizon: int,
    *,
    seasons: int,
    season: int,
    middle: Callable[[FloatArray], FloatArray] | None = None,
) -> FloatArray:
    """The middle (mean, unless another is given) by phase over the last ``seasons`` seasons: (horizon, series).

    A phase that a young series has not yet seen has the middle of those that it has.
    """
    centre = _mean if middle is None else middle
    season = season if len(panel.periods) >= season else 1
    whole = max(1, min(seasons, len(panel.periods) // season))
    phase = centre(known(panel.values, season)[-whole * season :].reshape(whole, season, -1))
    phase = np.where(np.isnan(phase), centre(phase), phase)
    return np.asarray(phase[np.arange(horizon) % season])


def trimmed_mean(values: FloatArray, trim: float) -> FloatArray:
    """The mean after ``trim`` of the known values is cut from each tail, the count rounded down: (series,).

    As ``scipy.stats.trim_mean``, of many series of unlike length at once.
    """
    count = np.isfinite(values).sum(axis=0)
    cut = (trim * count).astype(np.intp)
    rank = np.arange(len(values))[:, None]
    kept = (rank >= cut) & (rank < count - cut)
    return np.asarray(np.where(kept, np.sort(values, axis=0), 0.0).sum(axis=0) / np.maximum(count - 2 * cut, 1))


def huber_location(values: FloatArray) -> FloatArray:
    """Huber's M-estimate of location, scale held at the median absolute deviation: (series,).

    Solves sum psi((y - m) / s) = 0 with psi(u) = max(-k, min(k, u)), k = 1.345, by reweighting from the median. The
    median itself where s is 0. Huber (1964), doi:10.1214/aoms/1177703732.
    """
    there = np.isfinite(values)
    location = known_median(values)
    scale = _MAD * known_median(np.abs(values - location))
    for _ in range(_ROUNDS):
        off = np.abs(values - location)
        with np.errstate(divide="ignore", invalid="ignore"):
            weight = np.where(there, np.minimum(1.0, HUBER * scale / off), 0.0)
        weight = np.where(there & (off == 0), 1.0, weight)
        total = weight.sum(axis=0)
        moved = np.where(scale > 0, (weight * np.where(there, values, 0.0)).sum(axis=0) / total, location)
        close = bool((np.abs(moved - location) <= _CLOSE * scale).all())
        location = moved
        if close:
            break
    return np.asarray(location)


def _look_back(freq: str) -> int:
    """How many periods make a run rate."""
    step = offset_of(freq)
    begin = pd.Timestamp("2024-01-01") + step
    days = (begin + 20 * step - begin) / pd.Timedelta(days=20)
    span = next(span for longest, span in _LOOK_BACK if days <= longest)
    return max(1, round(span / days))


def _season(panel: Panel, seasons: int) -> int:
    """The longest season that history holds ``seasons`` times, else the shortest."""
    held = [m for m in panel.seasons if len(panel.periods) >= seasons * m]
    return held[-1] if held else panel.seasons[0]


def _recent(panel: Panel, window: int | None) -> FloatArray:
    """The last periods of each series, gaps filled, NaN before its start: (period, series)."""
    count = _look_back(panel.freq) if window is None else window
    return known(panel.values, panel.seasons[0])[-count:]


def _level(panel: Panel, window: int | None) -> FloatArray:
    """Recent values less what their phase's median is above the mean of those medians: (period, series).

    Their mean is the recent values' own. As they are where the span does not hold two seasons.
    """
    values = _recent(panel, window)
    held = [m for m in panel.seasons if len(values) >= 2 * m]
    if not held:
        return values
    phase: IntArray = (-np.arange(len(values))[::-1]) % held[-1]
    usual = np.stack([known_median(values[phase == j]) for j in range(held[-1])])[phase]
    return np.asarray(values - usual + _mean(np.where(np.isfinite(values), usual, np.nan)))


def _held(level: FloatArray, horizon: int) -> FloatArray:
    return np.repeat(level[None, :], horizon, axis=0)


def _mean(values: FloatArray) -> FloatArray:
    """The mean of what is known over the first axis; NaN where nothing is."""
    there = np.isfinite(values)
    count = there.sum(axis=0)
    return np.asarray(np.where(there, values, 0.0).sum(axis=0) / np.where(count > 0, count, np.nan))
