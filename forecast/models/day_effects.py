"""Public holidays in daily series. Comes in: a panel and its log scale. Goes out: what such days add, past and ahead.

A holiday in the last weeks would lower the level, and one ahead would be missed. Which country's holidays a panel keeps
is read from the panel itself.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from forecast.panel import BoolArray, FloatArray, Panel

#: Countries whose holidays are tried, by their ISO codes.
COUNTRIES = ("US", "GB", "DE", "FR", "IN", "CN", "JP", "BR", "CA", "AU")
#: Least history, in days, and least holidays in it.
LEAST_DAYS, LEAST_HOLIDAYS = 120, 4
#: The mean effect over series, each in its standard errors, below which no country's holidays are taken to be kept.
EVIDENCE = 6.0
#: A smaller effect than this, in logs, is left alone.
MATERIAL = 0.02
#: Pseudo-days of the panel's own effect that each series is given.
PRIOR_DAYS = 4.0
#: A holiday is held against the same weekday this many weeks before and after.
WEEKS = (-2, -1, 1, 2)


@dataclass(frozen=True, slots=True)
class DayEffects:
    """What holidays add to each series on the working scale.

    Attributes
    ----------
    past : float array (day, series)
    ahead : float array (horizon, series)
    country : str
        Whose holidays the panel keeps; empty where none is seen, and the effects are then 0.
    """

    past: FloatArray
    ahead: FloatArray
    country: str


def day_effects(panel: Panel, z: FloatArray, horizon: int) -> DayEffects:
    """Measure the effect of holidays on each series.

    The residual of a day is its distance to the median of the same weekday one and two weeks before and after. A
    country is chosen whose holidays move the panel most, if by more than ``EVIDENCE`` standard errors a series; a
    series' effect is the mean residual of its holidays, drawn to the panel's median by ``PRIOR_DAYS`` days. It is
    measured once, on the whole history: forecasts at past cuts know it too, one number a series.
    """
    none = DayEffects(np.zeros(z.shape), np.zeros((horizon, z.shape[1])), "")
    if panel.freq != "D" or len(z) < LEAST_DAYS:
        return none
    residual = _residual(z)
    there = np.isfinite(residual)
    size = 1.4826 * np.nanmedian(np.where(there, np.abs(residual), np.nan), axis=0)
    usable = there & (size > 0)
    future = panel.future(horizon)
    best, chosen = EVIDENCE, none
    for country in COUNTRIES:
        days = _holidays(country, panel.periods)
        kept = usable & days[:, None]
        count = kept.sum(axis=0)
        if days.sum() < LEAST_HOLIDAYS or not (count >= LEAST_HOLIDAYS).any():
            continue
        enough = count >= LEAST_HOLIDAYS
        mean = np.where(kept, residual, 0.0).sum(axis=0) / np.maximum(count, 1)
        evidence = abs(float(np.mean(mean[enough] / size[enough] * np.sqrt(count[enough]))))
        common = float(np.median(mean[enough]))
        if evidence > best and abs(common) > MATERIAL:
            effect = (count * mean + PRIOR_DAYS * common) / (count + PRIOR_DAYS)
            best = evidence
            ahead = np.where(_holidays(country, future)[:, None], effect, 0.0)
            chosen = DayEffects(np.where(days[:, None], effect, 0.0), ahead, country)
    return chosen


def _residual(z: FloatArray) -> FloatArray:
    """Distance to the median of the same weekday in the weeks around: (day, series); NaN where none is known."""
    padded = np.pad(z, ((14, 14), (0, 0)), constant_values=np.nan)
    near = np.stack([padded[14 + 7 * w : 14 + 7 * w + len(z)] for w in WEEKS])
    known = np.isfinite(near).any(axis=0)
    middle = np.full(z.shape, np.nan)
    flat = near.reshape(len(WEEKS), -1)[:, known.ravel()]
    middle[known] = np.nanmedian(flat, axis=0)
    return np.asarray(z - middle)


def _holidays(country: str, days: pd.DatetimeIndex) -> BoolArray:
    """Which days are public holidays: bool (day,)."""
    return np.asarray(days.normalize().isin(_dates(country, days[0].year, days[-1].year)))


@cache
def _dates(country: str, first: int, last: int) -> pd.DatetimeIndex:
    """The public holidays of a country in some years."""
    from holidays import country_holidays

    with warnings.catch_warnings():
        # A country whose calendar is not known for some year warns; its other holidays still serve.
        warnings.simplefilter("ignore", UserWarning)
        return pd.DatetimeIndex(sorted(country_holidays(country, years=range(first, last + 1))))
