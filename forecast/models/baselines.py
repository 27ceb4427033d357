"""Baselines: run rate, seasonal naive, seasonal mean, drift. Comes in: a panel. Goes out: what any model must beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast.panel import FloatArray, Panel


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


@dataclass(frozen=True, slots=True)
class RunRate:
    """The mean of the last ``window`` periods, held: spend so far a day, times the days left."""

    window: int = 28
    name: str = "run_rate"

    def point(self, panel: Panel, horizon: int) -> FloatArray:
        """Forecast (horizon, series)."""
        recent = filled(panel.values, panel.seasons[0])[-self.window :]
        return np.repeat(recent.mean(axis=0)[None, :], horizon, axis=0)


@dataclass(frozen=True, slots=True)
class SeasonalNaive:
    """The last season, repeated: the same weekday last week for daily series."""

    name: str = "seasonal_naive"

    def point(self, panel: Panel, horizon: int) -> FloatArray:
        """Forecast (horizon, series)."""
        return seasonal_mean(panel, horizon, seasons=1)


@dataclass(frozen=True, slots=True)
class SeasonalMean:
    """The mean of the last ``seasons`` seasons, by phase: the mean week for daily series."""

    seasons: int = 4
    name: str = "seasonal_mean"

    def point(self, panel: Panel, horizon: int) -> FloatArray:
        """Forecast (horizon, series)."""
        return seasonal_mean(panel, horizon, seasons=self.seasons)


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


def seasonal_mean(panel: Panel, horizon: int, *, seasons: int) -> FloatArray:
    """Mean by phase over the last ``seasons`` seasons, repeated over ``horizon``. Shape (horizon, series)."""
    season = panel.seasons[0] if len(panel.periods) >= panel.seasons[0] else 1
    values = filled(panel.values, season)
    whole = max(1, min(seasons, len(values) // season))
    phase = values[-whole * season :].reshape(whole, season, -1).mean(axis=0)
    return np.asarray(phase[np.arange(horizon) % season])
