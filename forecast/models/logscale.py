"""The guarded log scale. Comes in: raw series. Goes out: z = log(y + c), or y / scale where values go below zero."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast.panel import FloatArray


@dataclass(frozen=True, slots=True)
class LogScale:
    """A scale for each series, and the way back.

    Attributes
    ----------
    log : bool array (series,)
        True: z = log((y + offset) / unit). False, for a series with negative values: z = y / unit.
    offset, unit : float array (series,)
        ``offset`` is 0 unless the least value is near zero: then a tenth of the median of the positive values.
    """

    log: np.ndarray
    offset: FloatArray
    unit: FloatArray

    def forward(self, y: FloatArray) -> FloatArray:
        """To the working scale; the last axis is series."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.log, np.log(np.maximum(y, 0.0) / self.unit + self.offset / self.unit), y / self.unit)

    def back(self, z: FloatArray) -> FloatArray:
        """To the series' own scale; a logged series does not go below 0."""
        with np.errstate(over="ignore"):
            raw = np.exp(np.where(self.log, z, 0.0)) * self.unit - self.offset
        # What rounding leaves of a zero is a zero.
        return np.where(self.log, np.where(raw <= 1e-12 * self.unit, 0.0, raw), z * self.unit)

    def part(self, chosen: slice) -> LogScale:
        """The scale of some of the series."""
        return LogScale(self.log[chosen], self.offset[chosen], self.unit[chosen])


#: Below this share of the median of positive values, the least value counts as near zero.
NEAR_ZERO = 0.02
OFFSET_SHARE = 0.1


def log_scale(values: FloatArray) -> LogScale:
    """Choose the scale of each series from its history (period, series)."""
    low = np.nanmin(values, axis=0)
    log = low >= 0
    size = (
        np.where(values > 0, values, np.nan)
        if log.all()
        else np.where(log, np.where(values > 0, values, np.nan), np.abs(values))
    )
    none = ~np.isfinite(size).any(axis=0)
    middle = np.ones(values.shape[1])
    if (~none).any():
        middle[~none] = np.nanmedian(size[:, ~none], axis=0)
    middle[middle == 0] = 1.0
    offset = np.where(log & (low <= NEAR_ZERO * middle), OFFSET_SHARE * middle, 0.0)
    return LogScale(log, offset, middle)
