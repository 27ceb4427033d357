"""How past budgets held. Comes in: budgets and what came. Goes out: how often they held, how sure that is, by how much.

The interval of a share is Wilson's (1927), doi:10.1080/01621459.1927.10502953, on the effective number of trials.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from forecast.coverage import coverage_error
from forecast.panel import FloatArray

#: The FinOps Foundation's maturity model: how far forecast and actual spend differ, of actual spend, at most
#: (https://www.finops.org/framework/maturity-model/).
GRADES: Final = {"run": 0.12, "walk": 0.15, "crawl": 0.20}
UNGRADED: Final = "below crawl"
#: The normal quantile of a 95 % interval.
_Z: Final = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Kept:
    """How the budgets of one method held at past origins.

    Attributes
    ----------
    origins, held : int
        How many were judged, and how many of them held: what came was no more.
    trials : float
        The number of independent trials that would be as sure: origins whose spans overlap share their luck.
    share, se : float
        The share that held, and its standard error, sqrt(p (1 - p) / trials); NaN where all or none held.
    low, high : float
        Wilson's 95 % interval of the share, on the effective trials.
    mean_overrun, mean_overrun_share : float
        What was lacking where a budget did not hold, on average: in money, and of the budget. NaN where all held.
    mean_idle, mean_idle_share : float
        What was left where it held, likewise. NaN where none held.
    mean_error : float
        The mean of abs(estimate - actual) / actual; of a plan the estimate is its P50, of a rule its budget.
    """

    origins: int
    held: int
    trials: float
    share: float
    se: float
    low: float
    high: float
    mean_overrun: float
    mean_overrun_share: float
    mean_idle: float
    mean_idle_share: float
    mean_error: float


def kept(budget: FloatArray, actual: FloatArray, estimate: FloatArray, overlap: int) -> Kept:
    """How budgets (origin,) held against what came; NaN is left out, time's order is kept."""
    known = np.isfinite(budget) & np.isfinite(actual)
    b, a, point = budget[known], actual[known], estimate[known]
    inside = a <= b
    trials = effective_trials(inside, overlap)
    n = len(b)
    share = float(inside.mean()) if n else float("nan")
    low, high = wilson(share, trials)
    se = float(np.sqrt(share * (1 - share) / trials)) if 0 < share < 1 else float("nan")
    over, idle, missed = a - b, b - a, ~inside
    error = np.abs(point - a)[a > 0] / a[a > 0]
    return Kept(
        n,
        int(inside.sum()),
        trials,
        share,
        se,
        low,
        high,
        _mean(over[missed]),
        _mean(over[missed & (b > 0)] / b[missed & (b > 0)]),
        _mean(idle[inside]),
        _mean(idle[inside & (b > 0)] / b[inside & (b > 0)]),
        _mean(error),
    )


def effective_trials(inside: np.ndarray, overlap: int) -> float:
    """The number of independent trials that some origins in a row are worth.

    Without overlap each is one. With it the block bootstrap of :func:`forecast.coverage.coverage_error` tells, between
    the number of spans that do not overlap and the number of origins; the former where it cannot tell.
    """
    n = len(inside)
    if overlap <= 1 or n == 0:
        return float(n)
    least = max(1.0, n / overlap)
    found = coverage_error(inside.astype("float64"), np.ones(n), overlap=overlap).trials
    return float(np.clip(found, least, n)) if np.isfinite(found) else least


def wilson(share: float, trials: float) -> tuple[float, float]:
    """The ends of Wilson's 95 % interval of a share; NaN without trials."""
    if not trials > 0:
        return float("nan"), float("nan")
    z2 = _Z**2 / trials
    middle = (share + z2 / 2) / (1 + z2)
    reach = _Z * float(np.sqrt(share * (1 - share) / trials + z2 / (4 * trials))) / (1 + z2)
    # At none and at all the ends are 0 and 1 exactly, which floating point misses by a hair.
    return max(0.0, middle - reach) if share > 0 else 0.0, min(1.0, middle + reach) if share < 1 else 1.0


def grade_of(error: float) -> str | None:
    """What a forecast's error, of actual spend, is called in the FinOps maturity model; None where it is not known."""
    if np.isnan(error):
        return None
    return next((name for name, most in GRADES.items() if abs(error) <= most), UNGRADED)


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if len(values) else float("nan")
