"""Shifts of a level. Comes in: followed series. Goes out: means of some days against the forecast before them.

With the forecast of the last day before a window of ``w`` days, ``m_t`` is the mean over the window of the errors, each
drawn in to ``CLIP`` of its scale so that no single day is a shift. Its scale is the mean distance of the past ``m``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from forecast.panel import BoolArray, FloatArray
from scenarios.reviews.alerts.following import LEAST_SCALE, MEAN_DISTANCE, Followed

#: One day counts for at most this many of its scale; for this log size, or so many times the change that is looked
#: for, where that is more.
CLIP: Final = 3.5
LEAST_CLIP: Final = 0.35
WIDE: Final = 1.5
#: Share of a window's days that must be known; means after which a series is judged.
KNOWN: Final = 0.55
LEAST_MEANS: Final = 28
HALF_LIFE: Final = 120.0


@dataclass(frozen=True, slots=True)
class Shifted:
    """Windows against the forecasts before them: float arrays (day, series), by the window's last day.

    Attributes
    ----------
    size
        The mean error (log); NaN where too little is known.
    scale
        The scale of such means, from those before.
    """

    size: FloatArray
    scale: FloatArray

    def over(self, *, material: float, errors: float | FloatArray) -> BoolArray:
        """Where a rise is at least ``material`` (a share) and ``errors`` scales."""
        with np.errstate(invalid="ignore"):
            return np.asarray((self.size >= np.log1p(material)) & (self.size >= errors * self.scale))

    def under(self, *, material: float, errors: float | FloatArray) -> BoolArray:
        """Where a fall is at least ``material`` (a share) and ``errors`` scales."""
        with np.errstate(invalid="ignore"):
            return np.asarray((self.size <= np.log1p(-material)) & (self.size <= -errors * self.scale))


def shifted(found: Followed, window: int, *, change: float, skipped: BoolArray | None = None) -> Shifted:
    """Compare each window of days with the forecast of its eve; ``skipped`` (day, series) are left aside.

    ``change`` is the share that is looked for.
    """
    days, count = found.log.shape
    size = np.full((days, count), np.nan)
    known = found.log if skipped is None else np.where(skipped, np.nan, found.log)
    reach = np.maximum(CLIP * found.scale, max(LEAST_CLIP, -WIDE * float(np.log1p(-change))))
    for t in range(window - 1, days):
        rows = slice(t - window + 1, t + 1)
        error = known[rows] - (found.level[rows.start] + found.week[rows])
        error = np.clip(error, -reach[rows], reach[rows])
        there = np.isfinite(error)
        number = there.sum(axis=0)
        enough = (number >= KNOWN * window) & found.judged[rows.start]
        size[t] = np.where(enough, np.where(there, error, 0.0).sum(axis=0) / np.maximum(number, 1), np.nan)
    return Shifted(size, _scales(size))


def typical(found: Followed, window: int, day: int, series: int) -> float:
    """The median error of the window that ends on a day, which no single day decides."""
    rows = slice(day - window + 1, day + 1)
    error = found.log[rows, series] - (found.level[rows.start, series] + found.week[rows, series])
    return float(np.median(error[np.isfinite(error)]))


def _scales(size: FloatArray) -> FloatArray:
    """The scale of each mean from those before it; infinite until there are ``LEAST_MEANS``."""
    keep = 0.5 ** (1.0 / HALF_LIFE)
    scale, number = np.full(size.shape[1], LEAST_SCALE), np.zeros(size.shape[1])
    out = np.empty(size.shape)
    for t, row in enumerate(size):
        out[t] = np.where(number >= LEAST_MEANS, scale, np.inf)
        there = np.isfinite(row)
        away = np.minimum(
            MEAN_DISTANCE * np.abs(row), np.where(number >= LEAST_MEANS, 3.0 * MEAN_DISTANCE * scale, np.inf)
        )
        share = np.maximum(1.0 - keep, 1.0 / (number + 1.0))
        scale = np.where(there, (1.0 - share) * scale + share * away, scale)
        scale = np.maximum(scale, LEAST_SCALE / 2.0)
        number = number + there
    return out
