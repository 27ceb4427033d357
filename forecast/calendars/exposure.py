"""Partial periods. Comes in: the edges of periods and a span. Goes out: how much of each period the span covers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.calendars.dates import DAY, Days, index_of
from forecast.shown import short_repr


@dataclass(frozen=True, slots=True)
class Exposure:
    """How much of each period a span covers: what a period in part is worth of a whole one.

    Attributes
    ----------
    labels : tuple of str (period,)
    start, end : DatetimeIndex (period,)
        First and last day of the whole period.
    days, working_days : int array (period,)
        Of the whole period.
    covered, worked : int array (period,)
        Days and working days of the part that the span covers.
    """

    __repr__ = short_repr

    labels: tuple[str, ...]
    start: pd.DatetimeIndex
    end: pd.DatetimeIndex
    days: NDArray[np.int64]
    working_days: NDArray[np.int64]
    covered: NDArray[np.int64]
    worked: NDArray[np.int64]

    @property
    def share(self) -> NDArray[np.float64]:
        """The share of each period's days that is covered: (period,). A month's budget times it is its part's."""
        return np.asarray(self.covered / self.days)

    @property
    def working_share(self) -> NDArray[np.float64]:
        """The share of each period's working days that is covered: (period,); NaN where a period has none."""
        return np.where(self.working_days > 0, self.worked / np.maximum(self.working_days, 1), np.nan)

    def to_frame(self) -> pd.DataFrame:
        """One row a period, indexed by its label."""
        columns = {
            "start": self.start,
            "end": self.end,
            "days": self.days,
            "working_days": self.working_days,
            "covered": self.covered,
            "worked": self.worked,
            "share": self.share,
            "working_share": self.working_share,
        }
        return pd.DataFrame(columns, index=pd.Index(self.labels, name="period"))


def exposure_of(labels: tuple[str, ...], edges: Days, span: Days, worked: NDArray[np.bool_]) -> Exposure:
    """Measure a span against whole periods.

    Parameters
    ----------
    labels : tuple of str (period,)
    edges : datetime64[D] array (period + 1,)
        The first day of each period, and the day after the last.
    span : datetime64[D] array (day,)
        Consecutive days inside them.
    worked : bool array (day,)
        Which days between the first and last edge are worked.
    """
    before = np.concatenate([[0], np.cumsum(worked)]).astype(np.int64)
    whole = (edges - edges[0]).astype(np.int64)
    first, last = (span[[0, -1]] - edges[0]).astype(np.int64)
    inside = np.clip(whole, first, last + 1)
    return Exposure(
        labels,
        index_of(edges[:-1]),
        index_of(edges[1:] - DAY),
        np.diff(whole),
        np.diff(before[whole]),
        np.diff(inside),
        np.diff(before[inside]),
    )
