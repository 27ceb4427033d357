"""Spans. Comes in: a projection's days. Goes out: the months that money is told by, cut at the plan's first day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecast.panel import IntArray
from forecast.projection import Projection
from forecast.shown import short_repr


@dataclass(frozen=True, slots=True)
class Spans:
    """The calendar months of a projection: those of the gap first, then those of the plan.

    By a calendar of weeks a planned month is cut where a fiscal month ends, so that each span lies in one of either.

    Attributes
    ----------
    months : PeriodIndex (span,)
    starts : int array (span,)
        The first day of each, as a row of ``projection.days``.
    first, last : DatetimeIndex (span,)
        First and last day.
    planned : bool array (span,)
    """

    __repr__ = short_repr

    months: pd.PeriodIndex
    starts: IntArray
    first: pd.DatetimeIndex
    last: pd.DatetimeIndex
    planned: np.ndarray

    def __len__(self) -> int:
        """How many spans."""
        return len(self.starts)


def spans_of(projection: Projection) -> Spans:
    """Cut a projection's days into months, and at the plan's first day."""
    days, calendar = projection.days, projection.spec.calendar
    month = days.to_period("M")
    planned = np.asarray(days >= projection.span.start)
    new = np.ones(len(month), dtype=bool)
    new[1:] = (month[1:] != month[:-1]) | (planned[1:] != planned[:-1])
    if calendar.weeks is not None:
        new[1:] |= planned[1:] & (np.diff(calendar.ordinals(days, "month")) != 0)
    starts = np.nonzero(new)[0].astype(np.intp)
    last = days[np.append(starts[1:], len(days)) - 1]
    if projection.usage.grain == "month":
        last = last + pd.offsets.MonthEnd(0)
    return Spans(pd.PeriodIndex(month[starts]), starts, days[starts], last, planned[starts])


def days_of(projection: Projection) -> Spans:
    """Each of a projection's periods as a span of its own."""
    days = projection.days
    every = np.arange(len(days), dtype=np.intp)
    last = days + pd.offsets.MonthEnd(0) if projection.usage.grain == "month" else days
    return Spans(pd.PeriodIndex(days.to_period("M")), every, days, last, np.asarray(days >= projection.span.start))
