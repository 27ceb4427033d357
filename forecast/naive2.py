"""M4's yardstick, Naive2. Comes in: a panel. Goes out: the last value, seasonally adjusted where a test says so."""

from __future__ import annotations

import numpy as np

from forecast.models.baselines import filled
from forecast.panel import FloatArray, Panel

#: The quantile of a normal that M4's test of season takes: 90 %, two-sided.
_LIMIT = 1.645


def naive2(panel: Panel, horizon: int, *, season: int) -> FloatArray:
    """The last value, seasonally adjusted, held and given its season again: float array (horizon, series).

    A series is adjusted by the indices of a classical multiplicative decomposition where its autocorrelation at one
    season is significant (90 %) and every value is above 0, which a quotient needs; else its last value is held. Gaps
    are filled from one season before; a series begins with its first value, of which there must be one.

    Source: Makridakis, Spiliotis and Assimakopoulos (2020), doi:10.1016/j.ijforecast.2019.04.014, benchmark Naive2.
    """
    values = panel.values
    start = np.argmax(np.isfinite(values), axis=0)
    whole = filled(values, season)
    out = np.repeat(whole[-1:], horizon, axis=0)
    for i, begin in enumerate(start) if season > 1 else ():
        known = whole[begin:, i]
        if (known > 0).all() and seasonal(known, season):
            index = indices(known, season)
            phase = (len(known) + np.arange(horizon)) % season
            out[:, i] = known[-1] / index[(len(known) - 1) % season] * index[phase]
    return out


def seasonal(known: FloatArray, season: int) -> bool:
    """M4's test: r_m is beyond 1.645 sqrt((1 + 2 sum_(k<m) r_k^2) / n), with r_k the autocorrelation at lag k.

    Less than three seasons are never called seasonal.
    """
    n = len(known)
    apart = known - known.mean()
    spread = float(apart @ apart)
    if n < 3 * season or spread == 0:
        return False
    r = np.array([apart[k:] @ apart[: n - k] for k in range(1, season + 1)]) / spread
    return bool(abs(r[-1]) > _LIMIT * np.sqrt((1 + 2 * (r[:-1] ** 2).sum()) / n))


def indices(known: FloatArray, season: int) -> FloatArray:
    """Seasonal indices, of mean 1: means by phase of ratios to a centred moving average over one season; (season,)."""
    weights = np.ones(season + 1 - season % 2)
    if season % 2 == 0:
        weights[[0, -1]] = 0.5
    trend = np.convolve(known, weights / weights.sum(), mode="valid")
    edge = len(weights) // 2
    ratio = np.full(len(known), np.nan)
    ratio[edge : edge + len(trend)] = known[edge : edge + len(trend)] / trend
    index = np.array([np.nanmean(ratio[phase::season]) for phase in range(season)])
    return np.asarray(index / index.mean())
