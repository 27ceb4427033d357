"""Coverage and calibration. Comes in: actual values with bands or draws. Goes out: shares, and how sure they are.

Missing values: a value that is NaN is left out; where nothing is left the result is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from forecast.errors import TokenplanError
from forecast.panel import FloatArray
from forecast.scores import mean_known
from forecast.streams import stream

#: Blocks of origins without which a spread over origins, or a test, means nothing.
LEAST_BLOCKS = 4


def coverage(actual: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> FloatArray:
    """The share of values inside their bands, mean 1[l <= y <= u]. Shape (period, series) to (series,)."""
    y = np.asarray(actual, dtype="float64")
    inside = (np.asarray(lower) <= y) & (y <= np.asarray(upper))
    return mean_known(np.where(np.isnan(y), np.nan, inside))


@dataclass(frozen=True, slots=True)
class CoverageError:
    """A coverage, and what it is worth.

    Attributes
    ----------
    share : float
        The coverage, 0 to 1.
    se : float
        Its standard error.
    trials : float
        The number of independent trials that would be as sure.
    low, high : float
        The bootstrap's 95 % interval; p - 1.96 se to p + 1.96 se where se is its least.
    """

    share: float
    se: float
    trials: float
    low: float
    high: float


def coverage_error(
    inside: ArrayLike, count: ArrayLike, *, overlap: int = 1, resamples: int = 2_000, seed: int = 0
) -> CoverageError:
    """The standard error of a coverage when values of one origin share its luck, and the effective number of trials.

    A circular block bootstrap draws blocks of ``overlap`` consecutive origins, n origins in all, and takes the coverage
    of each resample; se is the standard deviation of these, times sqrt(n / (n - overlap)) for what a bootstrap of few
    blocks lacks. Values of one origin are never taken to be worth more than as many independent ones: se is at least
    sqrt(p (1 - p) / number of values), with p the coverage. Then::

        trials = p (1 - p) / se^2

    Parameters
    ----------
    inside, count : float array (origin,)
        How many values fell inside their band at each origin, and how many there were, in time's order. An origin
        without values is left out.
    overlap : int
        How many consecutive origins have overlapping horizons: horizon / step, rounded up.
    resamples, seed : int

    Returns
    -------
    CoverageError
        ``se``, ``trials`` and the interval are NaN where they cannot be told: with fewer than four blocks of origins,
        or where all or none of the values were inside.

    Raises
    ------
    TokenplanError
        ``overlap`` or ``resamples`` is below 1, or more values were inside than there were.

    Notes
    -----
    Source: Politis and Romano (1992), A circular block-resampling procedure for stationary data; Kuensch (1989),
    doi:10.1214/aos/1176347265.
    """
    hits, values = np.asarray(inside, dtype="float64"), np.asarray(count, dtype="float64")
    if overlap < 1 or resamples < 1 or (hits > values).any():
        raise TokenplanError(
            f"coverage_error: wanted overlap and resamples of at least 1 (given {overlap} and {resamples}) "
            "and no more values inside than there are"
        )
    hits, values = hits[values > 0], values[values > 0]
    n, nan = len(hits), float("nan")
    share = float(hits.sum() / values.sum()) if n else nan
    if n < LEAST_BLOCKS * overlap or share in {0.0, 1.0}:
        return CoverageError(share, nan, nan, nan, nan)
    starts = stream(seed, "coverage").integers(n, size=(resamples, -(-n // overlap), 1))
    origins = ((starts + np.arange(overlap)) % n).reshape(resamples, -1)[:, :n]
    moves = (hits[origins].sum(axis=1) / values[origins].sum(axis=1) - share) * np.sqrt(n / (n - overlap))
    spread, least = float(moves.std()), float(np.sqrt(share * (1 - share) / values.sum()))
    se = max(spread, least)
    reach = np.quantile(moves, [0.025, 0.975]) if spread > least else 1.96 * se * np.array([-1.0, 1.0])
    low, high = np.clip(share + reach, 0.0, 1.0)
    return CoverageError(share, se, share * (1 - share) / se**2, float(low), float(high))


def pit(actual: ArrayLike, samples: ArrayLike) -> FloatArray:
    """Probability integral transform: where the value lies among the draws, between 0 and 1.

    With M draws, b of them below y and e equal to it: (b + (e + 1)/2) / (M + 1), the middle of the ranks that y can
    take. Uniform when the forecast is calibrated. ``samples`` has shape (draw, ...), the result that of ``actual``.

    Source: Gneiting, Balabdaoui and Raftery (2007), doi:10.1111/j.1467-9868.2007.00587.x.
    """
    low, high = _ranks(actual, samples)
    return (low + high) / 2


def pit_histogram(actual: ArrayLike, samples: ArrayLike, *, bins: int = 20) -> FloatArray:
    """How many values have their PIT in each of ``bins`` equal parts of 0 to 1: float array (bins,).

    A value spreads evenly over the ranks it can take, b/(M + 1) to (b + e + 1)/(M + 1) in the terms of :func:`pit`, so
    that neither ties (a series at zero) nor few draws make a picture of their own. The sum is the number of values.

    Source: Czado, Gneiting and Held (2009), the non-randomised PIT, doi:10.1111/j.1541-0420.2009.01191.x.
    """
    low, high = (rank[~np.isnan(rank)] for rank in _ranks(actual, samples))
    below = [np.clip((edge - low) / (high - low), 0.0, 1.0).sum() for edge in np.linspace(0.0, 1.0, bins + 1)]
    return np.diff(np.asarray(below, dtype="float64"))


def coverage_by_level(histogram: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Nominal levels and the coverage of each, from a PIT histogram with an even number of bins.

    The central band of level k/n holds the middle k of n bins. Both arrays have shape (bins / 2 + 1,), from 0 to 1.
    """
    counts = np.asarray(histogram, dtype="float64")
    half = len(counts) // 2
    rings = counts[half:] + counts[:half][::-1]
    total = counts.sum()
    held = np.concatenate([[0.0], np.cumsum(rings)]) / (total if total > 0 else np.nan)
    return np.linspace(0.0, 1.0, half + 1), held


def _ranks(actual: ArrayLike, samples: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """The least and the greatest rank that a value can take among the draws, as shares; NaN where it is missing."""
    y, x = np.asarray(actual, dtype="float64"), np.asarray(samples, dtype="float64")
    missing = np.where(np.isnan(y), np.nan, 0.0)
    low, high = (x < y).sum(axis=0), (x <= y).sum(axis=0) + 1
    return low / (len(x) + 1) + missing, high / (len(x) + 1) + missing
