"""Days on which everybody rests. Comes in: forecasts of an organisation's series. Goes out: what such days do.

A public holiday lowers most series at once, and nobody tells the detector of it: the median series shows it on the day
itself. On such a day a series is expected as much lower as the median one is, a spike shows against that, and levels
do not learn from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from forecast.breaks import YEAR_END
from forecast.panel import BoolArray, FloatArray, known_median
from scenarios.reviews.alerts.following import Followed

#: Fewest series that can tell, and how far below its forecast the median one lies on such a day, in scales.
LEAST_SERIES: Final = 5
DEEP: Final = -2.0
#: Outside the turn of the year, a fourth such day within eight is no holiday any more, but a fall.
MOST: Final = 3


@dataclass(frozen=True, slots=True)
class Dips:
    """Common dips of an organisation's series.

    Attributes
    ----------
    there : bool array (day,)
    depth, spread : float array (day,)
        The common fall (log, 0 on other days), and how far series scatter about it.
    whole_depth, whole_spread : float array (day,)
        The same of the total: the median by size.
    """

    there: BoolArray
    depth: FloatArray
    spread: FloatArray
    whole_depth: FloatArray
    whole_spread: FloatArray


def common_dips(found: Followed, days: pd.DatetimeIndex) -> Dips:
    """The days on which the median series lies far below its forecast."""
    error = np.where(found.judged, found.log - found.expected, np.nan)
    middle = known_median(error, axis=1)
    typical = known_median(error / found.scale, axis=1)
    there: BoolArray = (np.isfinite(error).sum(axis=1) >= LEAST_SERIES) & (np.nan_to_num(typical) < DEEP)
    quiet = at_year_end(days)
    for t in np.flatnonzero(there):
        there[t] = quiet[t] or there[max(t - 7, 0) : t].sum() < MOST
    spread = 1.4826 * known_median(np.abs(error - middle[:, None]), axis=1)
    whole = np.zeros(len(error))
    for t in np.flatnonzero(there):
        whole[t] = _weighted_median(error[t], np.exp(found.expected[t]))
    depth = np.where(there, middle, 0.0)
    return Dips(there, depth, np.where(there, spread, 0.0), whole, np.where(there, spread / 2.0, 0.0))


def at_year_end(days: pd.DatetimeIndex) -> BoolArray:
    """Which days lie in the quiet weeks at the turn of the year: bool array (day,)."""
    code = 100 * days.month.to_numpy() + days.day.to_numpy()
    (first_month, first_day), (last_month, last_day) = YEAR_END
    return np.asarray((code >= 100 * first_month + first_day) | (code <= 100 * last_month + last_day))


def _weighted_median(values: FloatArray, weights: FloatArray) -> float:
    known = np.isfinite(values)
    order = np.argsort(values[known], kind="stable")
    weight = np.cumsum(weights[known][order])
    return float(values[known][order][np.searchsorted(weight, 0.5 * weight[-1])])
