"""The guarded log scale. Comes in: raw series. Goes out: z = log(y + c), or y / scale where values go below zero."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast.panel import BoolArray, FloatArray, IntArray, known_median


@dataclass(frozen=True, slots=True)
class LogScale:
    """A scale for each series, and the way back.

    Attributes
    ----------
    log : bool array (series,)
        True: z = log((y + offset) / unit). False: z = y / unit, where there are negative values or many rests.
    bounded : bool array (series,)
        True where nothing lies below 0, and no forecast may.
    offset, unit : float array (series,)
        ``offset`` is 0 unless the least value is near zero: then a tenth of the median of the positive values.
    """

    log: BoolArray
    bounded: BoolArray
    offset: FloatArray
    unit: FloatArray

    def forward(self, y: FloatArray) -> FloatArray:
        """To the working scale; the last axis is series."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.log, np.log(np.maximum(y, 0.0) / self.unit + self.offset / self.unit), y / self.unit)

    def back(self, z: FloatArray) -> FloatArray:
        """To the series' own scale; where nothing was below 0, nothing will be."""
        with np.errstate(over="ignore"):
            raw = np.exp(np.where(self.log, z, 0.0)) * self.unit - self.offset
        # What rounding leaves of a zero is a zero.
        raw = np.where(self.log, np.where(raw <= 1e-12 * self.unit, 0.0, raw), z * self.unit)
        return np.where(self.bounded, np.maximum(raw, 0.0), raw)

    def part(self, chosen: slice) -> LogScale:
        """The scale of some of the series."""
        return LogScale(self.log[chosen], self.bounded[chosen], self.offset[chosen], self.unit[chosen])


#: Below this share of the median of positive values, the least value counts as near zero.
NEAR_ZERO = 0.02
OFFSET_SHARE = 0.1


#: A phase of the season rests where at least this share of its values is 0.
RESTS = 0.8
#: A series is intermittent if more than this share of the values of other phases is 0, over at most so many seasons.
OFTEN, SEASONS = 0.1, 26


def log_scale(values: FloatArray, season: int = 1) -> LogScale:
    """Choose the scale of each series from its history (period, series).

    A series that often has nothing where it might have something is averaged as it is: the mean of its logs says
    little of its mean. One that rests on the same days of each week is not meant.
    """
    low = np.nanmin(values, axis=0)
    bounded = low >= 0
    size = np.where(values > 0, values, np.nan)
    if not bounded.all():
        size = np.where(bounded, size, np.abs(values))
    middle = np.nan_to_num(known_median(size), nan=1.0)
    middle[middle == 0] = 1.0
    log = bounded & ~intermittent(values, season)
    offset = np.where(log & (low <= NEAR_ZERO * middle), OFFSET_SHARE * middle, 0.0)
    return LogScale(log, bounded, offset, middle)


def intermittent(values: FloatArray, season: int) -> BoolArray:
    """Which series (series,) have nothing on many of the periods on which they work."""
    recent = values[-SEASONS * season :] if len(values) >= season else values
    width = season if len(recent) >= 2 * season else 1
    recent = recent[len(recent) % width :].reshape(-1, width, values.shape[1])
    known = np.isfinite(recent)
    zero = known & (np.nan_to_num(recent, nan=1.0) == 0)
    by_phase = zero.sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    works = (by_phase < RESTS) & known.any(axis=0)
    idle = np.where(works, zero.sum(axis=0), 0).sum(axis=0) / np.maximum(
        np.where(works, known.sum(axis=0), 0).sum(axis=0), 1
    )
    return np.asarray((idle > OFTEN) | (~works.any(axis=0) & zero.any(axis=(0, 1))))


#: The log of the factor from median to mean is at most this, and is drawn to 0 by the worth of so many seasons.
MOST_FACTOR, PRIOR_SEASONS = 2.0, 2.0


def to_mean(past: FloatArray, actual: FloatArray, scale: LogScale, cuts: IntArray, season: int) -> FloatArray:
    """What a forecast made on the log scale must be multiplied by to hold the mean: (cut and end, series).

    The exponential of a mean of logs is a median, below the mean of what is spent: by far on bursty and intermittent
    series. With forecasts f from one cut, values y, and errors e = log (y + c) / (f + c), the log of the factor is

        log (sum y / sum f) - sum(f e) / sum f:

    an error of the whole stretch is no part of it. It is averaged over cuts; for a cut, over those whose stretches do
    not overlap its own.

    Parameters
    ----------
    past, actual : float array (cut, length, series)
        Forecasts from each cut, and what came; NaN where unknown.

    Notes
    -----
    Source: Duan (1983), Smearing estimate, doi:10.1080/01621459.1983.10478017, here as a ratio of sums.
    """
    length = past.shape[1]
    there = np.isfinite(past) & np.isfinite(actual) & scale.log
    f, y = np.where(there, past, 0.0), np.where(there, actual, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.where(there, np.log((y + scale.offset) / (f + scale.offset)), 0.0)
        error = np.where(np.isfinite(error), error, 0.0)
    held, meant = y.sum(axis=1), f.sum(axis=1)
    use = (held > 0) & (meant > 0)
    sums, total = np.where(use, meant, 1.0), np.where(use, held, 1.0)
    log = np.where(use, np.clip(np.log(total / sums) - (f * error).sum(axis=1) / sums, 0.0, MOST_FACTOR), 0.0)
    factor = np.ones((len(cuts) + 1, past.shape[2]))
    for k in range(len(cuts) + 1):
        apart = np.ones(len(cuts), dtype=bool) if k == len(cuts) else np.abs(cuts - cuts[k]) >= length
        count = use[apart].sum(axis=0)
        seen = np.minimum(count * length, np.ptp(cuts[apart]) + length if apart.any() else 0)
        mean = np.where(use[apart], log[apart], 0.0).sum(axis=0) / np.maximum(count, 1)
        factor[k] = np.exp(mean * seen / (seen + PRIOR_SEASONS * season))
    return factor
