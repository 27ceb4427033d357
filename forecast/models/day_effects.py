"""Days that a weekly season does not know: holidays, the turn of the year, month ends. Daily series.

Comes in: a panel on its working scale. Goes out: what such days add to each series, past and ahead.

A holiday in the last weeks would lower the level, and one ahead would be missed. Which country's holidays a panel keeps
is read from the panel itself.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from forecast.panel import FloatArray, IntArray, Panel, known_median

#: Countries whose holidays are tried, by their ISO codes.
COUNTRIES = ("US", "GB", "DE", "FR", "IN", "CN", "JP", "BR", "CA", "AU")
#: Least history, in days, and least holidays in it.
LEAST_DAYS, LEAST_HOLIDAYS = 70, 4
#: The mean square of a group's effects, in their standard errors, below which none is taken to be there.
EVIDENCE = 4.0
#: Pseudo-days at which a series is taken to feel an effect as the panel does.
PRIOR_DAYS = 4.0
#: A day is held against the same weekday this many weeks before and after.
WEEKS = (-2, -1, 1, 2)
#: The turn of the year, from and to (month, day): held against two to four weeks before it and after it.
TURN = ((12, 15), (1, 14))
LEAST_WEEKS, MOST_WEEKS = 2, 4
#: Month ends: how many working days are left in the month after the day, at most.
MONTH_END = 3
SATURDAY = 5
#: The label of a day that belongs to no group.
NONE = -1


@dataclass(frozen=True, slots=True)
class DayEffects:
    """What such days add to each series on the working scale.

    Attributes
    ----------
    past : float array (day, series)
    ahead : float array (horizon, series)
    found : tuple of str
        In words: whose holidays the panel keeps, and which other days stand out.
    """

    past: FloatArray
    ahead: FloatArray
    found: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Group:
    """Days of one kind: a label for every day of history and horizon (day,), ``NONE`` where it is none of them."""

    what: str
    label: IntArray


def day_effects(panel: Panel, z: FloatArray, horizon: int) -> DayEffects:
    """Measure what the turn of the year, holidays and month ends add.

    A day's residual is its distance to the median of the same weekday one and two weeks before and after; at the turn
    of the year, to that of up to four weeks before and after it. The panel's effect of a label is the mean over its
    dates of the median residual over series, drawn to 0 (a holiday to the mean of all) by what chance would make of it,
    as told by ordinary days. A series' effect is that times the strength with which it has followed it, drawn to 1 by
    ``PRIOR_DAYS`` days. A group is passed over where its effects are not beyond chance.

    It is measured once, on the whole history: forecasts at past cuts know it too.
    """
    length, count = z.shape
    past, ahead = np.zeros(z.shape), np.zeros((horizon, count))
    if panel.freq != "D" or length < LEAST_DAYS:
        return DayEffects(past, ahead)
    days = pd.DatetimeIndex(panel.periods.append(panel.future(horizon)))
    found: list[str] = []

    # A series that has never moved follows nothing.
    moves = np.nanmax(z, axis=0) > np.nanmin(z, axis=0)

    def take(group: _Group, residual: FloatArray, *, shared: bool = False) -> None:
        effect = _effect(group.label, residual, shared=shared)
        if effect is not None:
            found.append(group.what)
            past[:] += effect[:length] * moves
            ahead[:] += effect[length:] * moves

    turn = _Group("the turn of the year", _turn(days))
    take(turn, _over_the_turn(z, turn.label[:length]))
    rest = np.where(turn.label[:length] == NONE, 0.0, np.nan)[:, None]
    residual = _residual(z - past)
    # Nor may month ends that holidays fall on pass for their evidence.
    plain = np.where(_month_ends(days, "")[:length] == NONE, 0.0, np.nan)[:, None]
    country = _country(days, residual + rest + plain)
    # What the turn of the year explains is no holiday's and no month end's.
    free = np.full(len(days), True) if not found else turn.label == NONE
    if country:
        kept = np.where(free, _holidays(country, days), NONE)
        take(_Group(f"holidays of {country}", kept), residual + (rest if found else 0.0), shared=True)
        residual = _residual(z - past)
    take(_Group("month ends", np.where(free, _month_ends(days, country), NONE)), residual + rest)
    return DayEffects(past, ahead, tuple(found))


def _effect(label: IntArray, residual: FloatArray, *, shared: bool) -> FloatArray | None:
    """What the days of a group add: float array (day, series) over all labelled days, or None where nothing is seen."""
    length = len(residual)
    known = label[:length]
    panel_day = known_median(residual, axis=1)
    noise = 1.4826 * float(known_median(np.abs(panel_day[known == NONE][:, None]), axis=0)[0])
    number = int(label.max()) + 1
    mean, dates = np.zeros(number), np.zeros(number)
    for k in range(number):
        of = panel_day[(known == k) & np.isfinite(panel_day)]
        dates[k] = len(of)
        mean[k] = of.mean() if len(of) else 0.0
    seen = dates > 0
    if not seen.any() or not np.isfinite(noise):
        return None
    variance = noise**2 / np.maximum(dates, 1)
    if float((mean[seen] ** 2).mean()) < EVIDENCE * float(variance[seen].mean()):
        return None
    centre = float(np.average(mean[seen], weights=dates[seen])) if shared else 0.0
    # What chance makes of it, and one standard error of that, is no difference between labels.
    chance = float(variance[seen].mean()) * (1 + np.sqrt(2 / seen.sum()))
    between = max(float(((mean[seen] - centre) ** 2).mean()) - chance, 0.0)
    own = between / np.maximum(between + variance, 1e-18)
    common = np.where(seen, centre + own * (mean - centre), centre)
    profile = np.where(known == NONE, 0.0, common[known])[:, None]
    there = np.isfinite(residual) & (profile != 0)
    square = np.where(there, profile**2, 0.0).sum(axis=0)
    cross = np.where(there, profile * np.nan_to_num(residual), 0.0).sum(axis=0)
    prior = PRIOR_DAYS * float((common[seen] ** 2).mean())
    strength = np.clip((cross + prior) / np.maximum(square + prior, 1e-18), 0.0, 3.0)
    return np.asarray(np.where(label == NONE, 0.0, common[label])[:, None] * strength)


def _turn(days: pd.DatetimeIndex) -> IntArray:
    """The days of the turn of the year, numbered from 0."""
    (first_month, first), (last_month, last) = TURN
    month, day = days.month.to_numpy(), days.day.to_numpy()
    before = (month == first_month) & (day >= first)
    after = (month == last_month) & (day <= last)
    return np.where(before, day - first, np.where(after, day + 31 - first, NONE)).astype(np.intp)


def _over_the_turn(z: FloatArray, label: IntArray) -> FloatArray:
    """Residuals at whole turns of the year, against the weekdays before and after on a line; else NaN."""
    out = np.full(z.shape, np.nan)
    inside = label != NONE
    starts = np.flatnonzero(inside & ~np.r_[False, inside[:-1]])
    for begin in starts:
        end = begin + int(np.argmin(np.r_[inside[begin:], False]))
        first, last = (7 * min(int(days) // 7, MOST_WEEKS) for days in (begin, len(z) - end))
        if min(first, last) < 7 * LEAST_WEEKS:
            continue
        before, after = (
            known_median(known.reshape(-1, 7, z.shape[1])) for known in (z[begin - first : begin], z[end : end + last])
        )
        t = np.arange(begin, end)
        part = ((t - begin + first / 2) / (end - begin + (first + last) / 2))[:, None]
        line = before[(t - begin) % 7] * (1 - part) + after[(t - end) % 7] * part
        out[begin:end] = z[begin:end] - line
    # Ordinary days, by which chance is told.
    return np.where(inside[:, None], out, _residual(z))


def _country(days: pd.DatetimeIndex, residual: FloatArray) -> str:
    """The country whose holidays move the panel most, beyond chance; empty where none does."""
    panel_day = known_median(residual, axis=1)
    length = len(residual)
    noise = 1.4826 * float(known_median(np.abs(panel_day[:, None]), axis=0)[0])
    best, chosen = EVIDENCE, ""
    for country in COUNTRIES:
        on = (_holidays(country, days)[:length] != NONE) & np.isfinite(panel_day)
        if on.sum() < LEAST_HOLIDAYS or not noise > 0:
            continue
        evidence = abs(float(panel_day[on].mean())) / noise * np.sqrt(on.sum())
        if evidence > best:
            best, chosen = evidence, country
    return chosen


def _month_ends(days: pd.DatetimeIndex, country: str) -> IntArray:
    """Working days left in the month after each day, where they are few."""
    margin = pd.DatetimeIndex(days.append(pd.date_range(days[-1], periods=11)[1:]))
    working = margin.day_of_week.to_numpy() < SATURDAY
    if country:
        working &= _holidays(country, margin) == NONE
    month = margin.year.to_numpy() * 12 + margin.month.to_numpy()
    until = np.cumsum(working)
    last = np.searchsorted(month, month, side="right") - 1
    left = (until[last] - until)[: len(days)]
    return np.where(left <= MONTH_END, left, NONE).astype(np.intp)


def _residual(z: FloatArray) -> FloatArray:
    """Distance to the median of the same weekday in the weeks around: (day, series); NaN where none is known."""
    padded = np.pad(z, ((14, 14), (0, 0)), constant_values=np.nan)
    return np.asarray(z - known_median(np.stack([padded[14 + 7 * w : 14 + 7 * w + len(z)] for w in WEEKS]), axis=0))


def _holidays(country: str, days: pd.DatetimeIndex) -> IntArray:
    """Which public holiday each day is, by a number; ``NONE`` where it is none."""
    dates, labels = _dates(country, days[0].year, days[-1].year)
    at = dates.get_indexer(days.normalize())
    return np.where(at < 0, NONE, labels[at]).astype(np.intp)


@cache
def _dates(country: str, first: int, last: int) -> tuple[pd.DatetimeIndex, IntArray]:
    """The public holidays of a country in some years, and a number for each by its name."""
    from holidays import country_holidays

    with warnings.catch_warnings():
        # A country whose calendar is not known for some year warns; its other holidays still serve.
        warnings.simplefilter("ignore", UserWarning)
        named = country_holidays(country, years=range(first, last + 1), language="en_US")
    dates = sorted(named)
    names = [named[day].split(" (")[0] for day in dates]
    return pd.DatetimeIndex(dates), np.unique(names, return_inverse=True)[1].astype(np.intp)
