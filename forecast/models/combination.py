"""Weighing candidates by their errors at past cuts. Comes in: forecasts of each. Goes out: one, and its weights."""

from __future__ import annotations

import numpy as np

from forecast.panel import BoolArray, FloatArray, IntArray

#: Pseudo-cuts of the panel's own ranking of candidates that each series is given.
PANEL_CUTS = 2.0
#: How sharply a smaller error is preferred: weight is error ** -POWER.
POWER = 6.0
#: What is added to both sides before a ratio is taken, of a series' mean.
SMALL = 0.1
#: The log of a ratio counts as at most this, also of a candidate that runs away.
MOST_RATIO = 30.0
#: The part that the error of the total has in a candidate's error, the rest being that of single periods.
LOGGED_TOTAL, RESTING_TOTAL = 0.5, 0.9


def weigh(error: FloatArray, chosen: np.ndarray | None = None) -> FloatArray:
    """Weights (candidate, series) from errors (candidate, cut, series); NaN where a candidate had no forecast.

    A series' own mean error is joined with the panel's: e = (K e_own + kap rel_c e_mid) / (K + kap), where rel_c is
    the candidate's error relative to the middle candidate, averaged (log) over the panel.
    """
    used = error if chosen is None else error[:, chosen]
    there = np.isfinite(used)
    count = there.sum(axis=1)
    own = np.where(there, used, 0.0).sum(axis=1) / np.maximum(count, 1)
    seen = count > 0
    if not seen.any():
        return np.full(own.shape, 1.0 / len(own))
    judged = seen.any(axis=0)
    # An error of nothing would weigh infinitely: 1e-9 of the series' worst is as good as exact.
    own = np.where(seen, np.maximum(own, 1e-12 + 1e-9 * own.max(axis=0)), np.nan)
    middle = np.ones(own.shape[1])
    middle[judged] = np.nanmedian(own[:, judged], axis=0)
    relative = np.log(np.where(seen, own, middle) / middle)
    ranked = seen.sum(axis=1)
    common = np.where(ranked > 0, np.exp(relative.sum(axis=1) / np.maximum(ranked, 1)), np.nan)
    cuts = count.max(axis=0)
    joined = (cuts * own + PANEL_CUTS * common[:, None] * middle) / (cuts + PANEL_CUTS)
    joined = np.where(judged, joined, common[:, None])
    best = np.nanmin(joined, axis=0)
    weight = np.where(np.isfinite(joined), (joined / best) ** -POWER, 0.0)
    return np.asarray(weight / weight.sum(axis=0))


def weighted_median(values: FloatArray, weight: FloatArray) -> FloatArray:
    """Interpolated weighted median over the first axis of ``values`` (candidate, step, series).

    ``weight`` has shape (candidate, series). The median of the piecewise linear distribution through the midpoints of
    the sorted weights: it moves smoothly, and one wild candidate cannot drag it.
    """
    there = np.isfinite(values)
    order = np.argsort(np.where(there, values, np.inf), axis=0, kind="stable")
    v = np.take_along_axis(values, order, axis=0)
    w = np.take_along_axis(np.where(there, weight[:, None, :], 0.0), order, axis=0)
    total = w.sum(axis=0)
    safe = np.where(total > 0, total, 1.0)
    middle = (np.cumsum(w, axis=0) - 0.5 * w) / safe
    below = (middle <= 0.5) & (w > 0)
    lower = np.where(below.any(axis=0), len(v) - 1 - np.argmax(below[::-1], axis=0), np.argmax(w > 0, axis=0))
    above = (middle > 0.5) & (w > 0)
    upper = np.where(above.any(axis=0), np.argmax(above, axis=0), lower)
    low, high, at_low, at_high = _at(v, lower), _at(v, upper), _at(middle, lower), _at(middle, upper)
    share = np.where(at_high > at_low, (0.5 - at_low) / np.where(at_high > at_low, at_high - at_low, 1.0), 0.0)
    result = low + np.clip(share, 0.0, 1.0) * (high - low)
    return np.where(total > 0, result, np.nan)


def _at(values: FloatArray, row: IntArray) -> FloatArray:
    """The value in the chosen row of each (step, series)."""
    return np.asarray(np.take_along_axis(values, row[None], axis=0)[0])


def combine(
    past: FloatArray, point: FloatArray, actual: FloatArray, cuts: IntArray, length: int, log: BoolArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Combine candidates: returns past (cut, length, series), point (horizon, series), weights (candidate, series).

    ``past`` is (candidate, cut, length, series) and ``actual`` (cut, length, series); ``log`` (series,) says whose
    errors are ratios. The combination at a cut uses weights from cuts at least ``length`` away (cross-fitting), so that
    its errors are honest.
    """
    error = _errors(past, actual, log)
    weight = weigh(error)
    joined = np.empty(past.shape[1:])
    for k, cut in enumerate(cuts):
        apart = np.abs(cuts - cut) >= length
        joined[k] = weighted_median(
            past[:, k], weigh(error, apart) if apart.any() else np.full_like(weight, 1 / len(weight))
        )
    return joined, weighted_median(point, weight), weight


def _errors(past: FloatArray, actual: FloatArray, log: BoolArray) -> FloatArray:
    """The error of each candidate at each cut: (candidate, cut, series); NaN where nothing can be compared.

    The mean absolute error of single periods joined with the absolute mean error, which is that of the total: in logs,
    half and half; where a series often rests, in its own unit and nearly all by the total, since the periods' own
    errors favour the median, which is nothing.
    """
    seen = np.isfinite(actual)
    size = np.where(seen, np.abs(actual), 0.0).sum(axis=(0, 1)) / np.maximum(seen.sum(axis=(0, 1)), 1)
    size = np.where(size > 0, size, 1.0)
    small = SMALL * size
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log((np.maximum(actual, 0.0) + small) / (np.maximum(past, 0.0) + small))
    ratio = np.clip(ratio, -MOST_RATIO, MOST_RATIO)
    miss = np.where(log, ratio, (actual - past) / size)
    there = np.isfinite(miss)
    count = np.maximum(there.sum(axis=2), 1)
    miss = np.where(there, miss, 0.0)
    total = np.where(log, LOGGED_TOTAL, RESTING_TOTAL)
    error = (1 - total) * np.abs(miss).sum(axis=2) / count + total * np.abs(miss.sum(axis=2)) / count
    return np.where(there.any(axis=2), error, np.nan)
