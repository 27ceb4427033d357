"""Scores of forecasts. Comes in: arrays of what was, and of what was forecast. Goes out: one number a series or value.

Time is the first axis: an array of shape (period,) or (period, series). Two kinds of functions:

- *measures* (``mae`` to ``msis``) take the mean over periods: (period, series) gives (series,), (period,) a number;
- *scores of one value* (``pinball``, ``crps``, ``interval_score``) give one number for each value, in its own unit.

Missing values: a period in which the actual value or the forecast is NaN is left out of every mean; where nothing is
left the result is NaN. A ratio whose denominator is 0 is NaN. Lower is better, except for ``bias``: there 0 is best.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from forecast.errors import TokenplanError
from forecast.panel import FloatArray

Grade = Literal["run", "walk", "crawl", "below crawl", "unknown"]
#: Largest variance of forecast against actual spend that each maturity allows.
FINOPS_GRADES: tuple[tuple[Grade, float], ...] = (("run", 0.12), ("walk", 0.15), ("crawl", 0.20))


def mean_known(values: ArrayLike) -> FloatArray:
    """The mean over the first axis of what is known; NaN where nothing is."""
    x = np.asarray(values, dtype="float64")
    there = ~np.isnan(x)
    return _ratio(np.where(there, x, 0.0).sum(axis=0), there.sum(axis=0))


# ------------------------------------------------------------------------------------------------ measures of points


def mae(actual: ArrayLike, forecast: ArrayLike) -> FloatArray:
    """Mean absolute error, mean |y - f|: in the series' unit. Shape (period, series) to (series,)."""
    return mean_known(np.abs(np.subtract(forecast, actual)))


def naive_scale(history: ArrayLike, *, season: int = 1) -> FloatArray:
    """The mean absolute error of the seasonal naive forecast inside the history, mean |y_t - y_(t-m)|.

    ``history`` has shape (period, series); pairs with a gap are left out. What MASE and MSIS divide by.
    """
    y = np.asarray(history, dtype="float64")
    return mean_known(np.abs(y[season:] - y[: max(len(y) - season, 0)]))


def mase(actual: ArrayLike, forecast: ArrayLike, *, history: ArrayLike, season: int = 1) -> FloatArray:
    """Mean absolute scaled error, MAE / mean |y_t - y_(t-m)| with the denominator taken inside the history.

    Below 1 the forecast errs less than the seasonal naive forecast of one step did. NaN where the history does not
    vary. Shapes: ``actual`` and ``forecast`` (period, series), ``history`` (past period, series); gives (series,).

    Source: Hyndman and Koehler (2006), doi:10.1016/j.ijforecast.2006.03.001.
    """
    return _ratio(mae(actual, forecast), naive_scale(history, season=season))


def rmsse(actual: ArrayLike, forecast: ArrayLike, *, history: ArrayLike, season: int = 1) -> FloatArray:
    """Root mean squared scaled error, sqrt(mean (y - f)^2 / mean (y_t - y_(t-m))^2). Shapes as in :func:`mase`.

    Source: Hyndman and Koehler (2006), doi:10.1016/j.ijforecast.2006.03.001; with m = 1 the measure of the M5
    competition, doi:10.1016/j.ijforecast.2021.11.013.
    """
    y = np.asarray(history, dtype="float64")
    steps = y[season:] - y[: max(len(y) - season, 0)]
    return np.sqrt(_ratio(mean_known(np.subtract(forecast, actual) ** 2), mean_known(steps**2)))


def smape(actual: ArrayLike, forecast: ArrayLike) -> FloatArray:
    """Symmetric mean absolute percentage error, mean 200 |y - f| / (|y| + |f|): in per cent, from 0 to 200.

    The definition of the M4 competition; 0 where both are 0. Shape (period, series) to (series,).

    Source: Makridakis, Spiliotis and Assimakopoulos (2020), doi:10.1016/j.ijforecast.2019.04.014.
    """
    miss, size = np.abs(np.subtract(forecast, actual)), np.abs(actual) + np.abs(forecast)
    return mean_known(np.where(size == 0, 0.0, 200.0 * _ratio(miss, size)))


def owa(smape: ArrayLike, mase: ArrayLike, *, naive_smape: ArrayLike, naive_mase: ArrayLike) -> FloatArray:
    """Overall weighted average of M4, (sMAPE / sMAPE of Naive2 + MASE / MASE of Naive2) / 2: below 1 beats Naive2.

    Give the means over all series: the average is of ratios of means, not a mean of ratios.

    Source: Makridakis, Spiliotis and Assimakopoulos (2020), doi:10.1016/j.ijforecast.2019.04.014.
    """
    return (_ratio(smape, naive_smape) + _ratio(mase, naive_mase)) / 2


def wape(actual: ArrayLike, forecast: ArrayLike) -> FloatArray:
    """Weighted absolute percentage error, sum |y - f| / sum |y|: a share. Shape (period, series) to (series,)."""
    error = np.subtract(forecast, actual)
    return _ratio(mean_known(np.abs(error)), mean_known(np.where(np.isnan(error), np.nan, np.abs(actual))))


def bias(actual: ArrayLike, forecast: ArrayLike) -> FloatArray:
    """Relative bias, sum (f - y) / sum |y|: a share; above 0 the forecast was too high. Shape as in :func:`wape`."""
    error = np.subtract(forecast, actual)
    return _ratio(mean_known(error), mean_known(np.where(np.isnan(error), np.nan, np.abs(actual))))


def msis(
    actual: ArrayLike, lower: ArrayLike, upper: ArrayLike, *, history: ArrayLike, season: int = 1, level: float = 95
) -> FloatArray:
    """Mean scaled interval score of M4: mean interval score / mean |y_t - y_(t-m)|. Shapes as in :func:`mase`.

    Source: Makridakis, Spiliotis and Assimakopoulos (2020), doi:10.1016/j.ijforecast.2019.04.014.
    """
    return _ratio(mean_known(interval_score(actual, lower, upper, level=level)), naive_scale(history, season=season))


# --------------------------------------------------------------------------------------------- scores of one value


def pinball(actual: ArrayLike, quantile: ArrayLike, *, level: float) -> FloatArray:
    """Pinball (quantile) loss, max(p (y - q), (p - 1)(y - q)) with p = ``level``: in the unit of y, as shaped as y.

    At p = 0.8 one unit too little costs four times as much as one too much: what a P80 budget means.

    Source: Koenker and Bassett (1978), doi:10.2307/1913643.
    """
    above = np.subtract(actual, quantile)
    return np.maximum(level * above, (level - 1) * above)


def crps(actual: ArrayLike, samples: ArrayLike, *, fair: bool = True) -> FloatArray:
    """Continuous ranked probability score of draws, E|X - y| - E|X - X'| / 2: in the unit of y.

    The absolute error, grown up: for a forecast without spread it is |y - f|. With M sorted draws x_1 ... x_M the
    second term is sum (2i - M - 1) x_i / M^2 (plain: the draws are the forecast) or / (M (M - 1)) (fair: the draws
    are a sample from the forecast, whose number should not matter).

    Parameters
    ----------
    actual : float array (...)
    samples : float array (draw, ...)
    fair : bool

    Returns
    -------
    float array (...), NaN where ``actual`` or a draw is.

    Raises
    ------
    TokenplanError
        The fair estimator was asked of fewer than two draws.

    Notes
    -----
    Sources: Gneiting and Raftery (2007), doi:10.1198/016214506000001437; Ferro (2014), doi:10.1002/qj.2270 (fair);
    Zamo and Naveau (2018), doi:10.1007/s11004-017-9709-7 (sorted form).
    """
    apart: FloatArray = np.sort(np.subtract(samples, actual), axis=0)
    draws = len(apart)
    if fair and draws < 2:
        raise TokenplanError(f"crps: the fair estimator needs at least 2 draws, not {draws}; pass fair=False")
    rank = 2.0 * np.arange(1, draws + 1, dtype="float64") - draws - 1
    pairs: FloatArray = np.einsum("d,d...->...", rank, apart) / (draws * (draws - 1 if fair else draws))
    return np.asarray(np.abs(apart).mean(axis=0) - pairs)


def interval_score(actual: ArrayLike, lower: ArrayLike, upper: ArrayLike, *, level: float = 80) -> FloatArray:
    """Interval score of a central prediction interval: its width, and a penalty for what falls outside.

    (u - l) + (2/a) max(l - y, 0) + (2/a) max(y - u, 0) with a = 1 - level/100. In the unit of y, as shaped as y; best
    in expectation when l and u are the true quantiles a/2 and 1 - a/2.

    Source: Gneiting and Raftery (2007), equation 43, doi:10.1198/016214506000001437.
    """
    penalty = 2.0 / (1.0 - level / 100.0)
    below, above = np.subtract(lower, actual), np.subtract(actual, upper)
    return np.subtract(upper, lower) + penalty * np.maximum(below, 0.0) + penalty * np.maximum(above, 0.0)


# ------------------------------------------------------------------------------------------------ tests and grades


@dataclass(frozen=True, slots=True)
class DieboldMariano:
    """The test's statistic (below 0: the first forecast lost less), two-sided p-value, and number of losses."""

    statistic: float
    p_value: float
    count: int


def diebold_mariano(loss: ArrayLike, other: ArrayLike, *, horizon: int = 1) -> DieboldMariano:
    """Test whether two forecasts lose the same on average, as Harvey, Leybourne and Newbold corrected it.

    With d_t = loss_t - other_t, t = 1 ... n, and autocovariances g_k of d::

        S = sqrt((n + 1 - 2h + h(h - 1)/n) / n) * mean(d) / sqrt((g_0 + 2 sum_(k<h) g_k) / n),   S ~ t(n - 1)

    Where the sum in the denominator is not above 0, its terms are weighted by 1 - k/h (Bartlett), which cannot fail.

    Parameters
    ----------
    loss, other : float array (n,)
        Losses of the two forecasts, in time's order; a pair with a NaN is left out.
    horizon : int
        h: how many consecutive losses share a part of their time. 1 where forecasts do not overlap.

    Returns
    -------
    DieboldMariano
        NaN where there are too few losses or they differ by a constant; p-value 1 where they do not differ at all.

    Notes
    -----
    Sources: Diebold and Mariano (1995), doi:10.1080/07350015.1995.10524599; Harvey, Leybourne and Newbold (1997),
    doi:10.1016/S0169-2070(96)00719-4.
    """
    from scipy.special import stdtr

    d = np.subtract(loss, other)
    d = d[~np.isnan(d)]
    n, h = len(d), horizon
    if n and not d.any():
        return DieboldMariano(0.0, 1.0, n)
    shrink = (n + 1 - 2 * h + h * (h - 1) / n) / n if n > 1 else 0.0
    if shrink <= 0 or h > n:
        return DieboldMariano(float("nan"), float("nan"), n)
    apart = d - d.mean()
    covariance = np.array([apart[k:] @ apart[: n - k] / n for k in range(h)])
    weights = np.where(np.arange(h) == 0, 1.0, 2.0)
    spread = float(weights @ covariance)
    if spread <= 0:
        spread = float((weights * (1 - np.arange(h) / h)) @ covariance)
    if spread <= (1e-12 * np.abs(d).max()) ** 2:
        return DieboldMariano(float("nan"), float("nan"), n)
    statistic = float(np.sqrt(shrink) * d.mean() / np.sqrt(spread / n))
    return DieboldMariano(statistic, float(2 * stdtr(n - 1, -abs(statistic))), n)


def finops_grade(variance: float) -> Grade:
    """The FinOps maturity of a forecast by its variance |actual - forecast| / actual, as a share of spend.

    ``run`` up to 12 %, ``walk`` up to 15 %, ``crawl`` up to 20 %, then ``below crawl``; ``unknown`` for NaN.

    Source: FinOps Foundation, Framework, capability Forecasting, https://www.finops.org/framework/capabilities/forecasting.
    """
    if np.isnan(variance):
        return "unknown"
    return next((grade for grade, most in FINOPS_GRADES if abs(variance) <= most), "below crawl")


def _ratio(above: ArrayLike, below: ArrayLike) -> FloatArray:
    """``above / below``, NaN where ``below`` is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient: FloatArray = np.divide(above, np.where(np.equal(below, 0), np.nan, below))
    return quotient
