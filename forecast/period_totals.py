"""Totals of periods. Comes in: joint futures by day or month. Goes out: money by period and segment in each future."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecast.calendars import Calendar, Exposure, Unit
from forecast.joint import Trajectories
from forecast.panel import FloatArray, IntArray
from forecast.periods import Horizon

#: Numbers (draw x step x segment) that are worked on at once: bounds memory.
CELLS = 4_000_000


@dataclass(frozen=True, slots=True)
class Spread:
    """How the steps of a forecast lie in the periods that are stated.

    Attributes
    ----------
    exposure : Exposure
        The stated periods, and how much of each the span covers.
    gap : int
        Steps before the span.
    days : float array (step,)
        Days in each step of the span: 1, or those of a month.
    first : int array (period,)
        The first step of each period.
    months : float array (period,)
        Calendar months that the covered part is worth, each day 1 / (days of its month).
    """

    exposure: Exposure
    gap: int
    days: FloatArray
    first: IntArray
    months: FloatArray

    @classmethod
    def of(cls, span: Horizon, calendar: Calendar, period: Unit, *, monthly: bool) -> Spread:
        """Lay a span over a calendar."""
        steps = span.periods[span.gap :]
        end = span.end + pd.offsets.MonthEnd(0) if monthly else span.end
        every = pd.date_range(span.start, end)
        days = np.asarray(steps.days_in_month, dtype="float64") if monthly else np.ones(len(steps))
        months = np.add.reduceat(1.0 / np.asarray(every.days_in_month), _starts(calendar, every, period))
        return cls(calendar.exposure(span.start, end, period), span.gap, days, _starts(calendar, steps, period), months)

    def money(self, rate: FloatArray) -> FloatArray:
        """Money a day of every step (..., step, segment) as money a step of the span, the gap left out."""
        return rate[..., self.gap :, :] * self.days[:, None]

    def sums(self, money: FloatArray) -> FloatArray:
        """Money a step (..., step, segment) as money a period (..., period, segment)."""
        return np.asarray(np.add.reduceat(money, self.first, axis=-2))

    def totals(self, made: Trajectories) -> FloatArray:
        """What each segment costs in each period and future: (draw, period, segment)."""
        out = np.empty((made.count, len(self.first), made.point.shape[1]))
        for part in _blocks(made):
            out[..., part] = self.sums(self.money(made.paths(slice(None), part)))
        return out

    def whole(self, made: Trajectories) -> FloatArray:
        """What all segments cost in each step of each future: (draw, step)."""
        out = np.zeros((made.count, len(self.days)))
        for part in _blocks(made):
            out += self.money(made.paths(slice(None), part)).sum(axis=2)
        return out


def middle(one: FloatArray, other: FloatArray) -> FloatArray:
    """The geometric mean of two sets of futures (draw, step), matched by the rank of their totals.

    Draws follow the order of ``other``.
    """
    order = np.argsort(one.sum(axis=1), kind="stable")[_ranks(other.sum(axis=1))]
    return np.sqrt(one[order] * other)


def held_to(paths: FloatArray, total: FloatArray) -> FloatArray:
    """Futures (draw, period, segment) scaled so that their sums over segments are those of ``total`` (draw, period).

    Draws are matched by the rank of their totals.
    """
    own = paths.sum(axis=2)
    aim = total[np.argsort(total.sum(axis=1), kind="stable")[_ranks(own.sum(axis=1))]]
    return paths * np.where(own > 0, aim / np.where(own > 0, own, 1.0), 1.0)[..., None]


def _starts(calendar: Calendar, days: pd.DatetimeIndex, period: Unit) -> IntArray:
    """Where each period begins among consecutive days or months: (period,)."""
    number = calendar.ordinals(days, period)
    return np.flatnonzero(np.diff(number, prepend=number[0] - 1))


def _blocks(made: Trajectories) -> Iterator[slice]:
    """Some segments at a time."""
    size = max(1, CELLS // max(1, made.count * len(made.point)))
    for begin in range(0, made.point.shape[1], size):
        yield slice(begin, begin + size)


def _ranks(values: FloatArray) -> IntArray:
    """The rank of each value, from 0: (draw,)."""
    return np.argsort(np.argsort(values, kind="stable"), kind="stable")
