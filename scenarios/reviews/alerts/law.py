"""The law of forecast errors and of false alarms. Comes in: alarms accepted a month. Goes out: a bound on errors.

Multiple testing is held by Bonferroni's bound on the *number* of false alarms (the per-family error rate): with n
series judged each day, each is judged at ``alarms a month / (30.4375 n)``, so that on days without any cause at most so
many are expected a month, whatever hangs together. A series judged by two measures counts twice.

An error over its scale follows ``SHRUNK`` times Student's t with ``TAILS`` degrees of freedom: fitted to the one-day
errors of 500 generated series (``benchmarks/alerts.py``, tuning seeds), whose upper 99, 99.9 and 99.99 % quantiles
are 2.4, 3.7 and 4.5.

Source: Dunn (1961), Multiple comparisons among means, doi:10.1080/01621459.1961.10482090.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from forecast.panel import FloatArray

TAILS: Final = 15.0
SHRUNK: Final = 0.95
DAYS_A_MONTH: Final = 30.4375


def bound(alarms: float, tests: int) -> float:
    """How many scales above its forecast a value may lie: ``alarms`` a month expected over ``tests`` values a day."""
    from scipy.special import stdtrit

    share = min(alarms / (DAYS_A_MONTH * max(tests, 1)), 0.5)
    return float(-SHRUNK * stdtrit(TAILS, share))


def chance(errors: FloatArray) -> FloatArray:
    """The probability of an error of so many scales, or a larger one."""
    from scipy.special import stdtr

    return np.asarray(stdtr(TAILS, -np.asarray(errors) / SHRUNK))
