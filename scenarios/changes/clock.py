"""The clock of changes. Comes in: a projection's periods. Goes out: what part of each period lies after a date."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecast.panel import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Clock:
    """The periods of a projection, and the days inside them.

    What changes in the midst of a month changes on its day: profiles are told by day, and a period takes their mean.

    Attributes
    ----------
    as_of : Timestamp
    periods : DatetimeIndex (period,)
        The first day of each.
    elapsed : float array (period,)
        Days from the as-of date to each period: the clock of growth.
    daily : DatetimeIndex (day,)
        Every day of every period.
    starts : int array (period,)
        Where in ``daily`` each period begins.
    """

    as_of: pd.Timestamp
    periods: pd.DatetimeIndex
    elapsed: FloatArray
    daily: pd.DatetimeIndex
    starts: IntArray

    @classmethod
    def of(cls, as_of: pd.Timestamp, periods: pd.DatetimeIndex, elapsed: FloatArray, *, monthly: bool) -> Clock:
        """The clock of days, or of months."""
        if not monthly:
            return cls(as_of, periods, elapsed, periods, np.arange(len(periods), dtype=np.intp))
        daily = pd.date_range(periods[0], periods[-1] + pd.offsets.MonthEnd(0))
        return cls(as_of, periods, elapsed, daily, np.asarray(daily.get_indexer(periods), dtype=np.intp))

    @property
    def first(self) -> pd.Timestamp:
        """The first day."""
        return pd.Timestamp(self.daily[0])

    @property
    def last(self) -> pd.Timestamp:
        """The last day."""
        return pd.Timestamp(self.daily[-1])

    @property
    def days(self) -> FloatArray:
        """How many days each period has: (period,)."""
        return np.diff(np.append(self.starts, len(self.daily))).astype("float64")

    def since(self, on: pd.Timestamp) -> FloatArray:
        """Days from ``on`` to each day, below 0 before it: (day,)."""
        return np.asarray((self.daily - on) / pd.Timedelta(days=1), dtype="float64")

    def mean(self, daily: FloatArray) -> FloatArray:
        """The mean of a profile over each period: (..., day) → (..., period)."""
        if len(self.starts) == len(self.daily):
            return daily
        return np.asarray(np.add.reduceat(daily, self.starts, axis=-1) / self.days)

    def share(self, on: pd.Timestamp | None, until: pd.Timestamp | None = None) -> FloatArray:
        """Part of each period from ``on`` to ``until``, both days counted: (period,)."""
        inside = np.ones(len(self.daily))
        if on is not None:
            inside[np.asarray(self.daily < on)] = 0.0
        if until is not None:
            inside[np.asarray(self.daily > until)] = 0.0
        return self.mean(inside)

    def ramp(self, on: pd.Timestamp | None, days: float = 0.0, until: pd.Timestamp | None = None) -> FloatArray:
        """How far something that begins on ``on`` has come: (period,), from 0 to 1.

        It rises in a straight line and is whole on day ``days``: on its k-th day (from 1) it is min(1, k / days).
        After ``until`` it is 0 again.
        """
        return self.mean(self.come(on, days, until))

    def come(self, on: pd.Timestamp | None, days: float = 0.0, until: pd.Timestamp | None = None) -> FloatArray:
        """The same by day: (day,)."""
        start = self.first if on is None else on
        come = np.clip((self.since(start) + 1.0) / max(days, 1.0), 0.0, 1.0)
        if until is not None:
            come = np.where(np.asarray(self.daily > until), 0.0, come)
        return np.asarray(come)
