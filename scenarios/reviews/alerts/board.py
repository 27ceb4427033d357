"""Usage by day. Comes in: usage and prices. Goes out: volume and cost by day and series, and of the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from forecast import schema
from forecast.drivers import labels_of
from forecast.panel import BoolArray, FloatArray, IntArray
from forecast.prices import PriceBook
from forecast.unit_economics.costs import unit_rows
from forecast.usage import Usage

HOURS: Final = 24


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure: float arrays (day, series) and (day,); NaN on days without rows."""

    name: str
    parts: FloatArray
    whole: FloatArray


@dataclass(frozen=True, slots=True)
class Board:
    """An organisation's usage by day.

    Attributes
    ----------
    days : DatetimeIndex (day,)
        Every day from the first to the last that is judged.
    labels : tuple of dict (series,)
    measures : tuple of Measure
        Volume, then cost where money is known.
    hours : float array (day, hour), optional
        The total volume by hour of the day, of hourly usage.
    currency : str
    notes : tuple of str
    """

    days: pd.DatetimeIndex
    labels: tuple[dict[str, str], ...]
    measures: tuple[Measure, ...]
    hours: FloatArray | None
    currency: str
    notes: tuple[str, ...]

    @property
    def weekday(self) -> IntArray:
        """0 is Monday."""
        return np.asarray(self.days.day_of_week, dtype=np.intp)

    @property
    def reported(self) -> BoolArray:
        """Which series have a row, and which days any: bool array (day, series)."""
        return np.asarray(np.isfinite(self.measures[0].parts))


def board_of(usage: Usage, as_of: pd.Timestamp, prices: PriceBook | None, by: Sequence[str]) -> Board:
    """Add usage up by day and series.

    Volume is requests, or tokens where some series has no requests; cost is what was billed, or priced where nothing
    was.

    Raises
    ------
    UsageError
        ``by`` names what the usage has no column of, or all rows are credits, taxes or purchases.
    """
    rows = unit_rows(usage, prices, by, None)
    days = pd.date_range(usage.start.normalize(), as_of, freq="D")
    dates = pd.DatetimeIndex(rows.frame[schema.DATE])
    day = days.get_indexer(dates.normalize())
    if by:
        table, series = labels_of(rows.frame, list(by))
        labels = [
            {c: schema.UNASSIGNED if row[c] is None else str(row[c]) for c in by} for row in table.to_dict("records")
        ]
    else:
        labels, series = [{"scope": "all"}], np.zeros(len(rows.frame), dtype=np.intp)
    shape = (len(days), len(labels))
    place = day * shape[1] + series
    known = np.bincount(place, minlength=shape[0] * shape[1]).reshape(shape) > 0

    def laid(amount: FloatArray) -> FloatArray:
        sums = np.bincount(place, weights=np.nan_to_num(amount), minlength=shape[0] * shape[1]).reshape(shape)
        return np.where(known, sums, np.nan)

    requests = laid(rows.requests)
    counted = bool((np.nansum(requests, axis=0) > 0).all())
    volume, amount = ("requests", rows.requests) if counted else ("tokens", rows.tokens)
    measures = [_measure(volume, requests if counted else laid(rows.tokens))]
    if np.nansum(rows.cost) > 0:
        measures.append(_measure("cost", laid(rows.cost)))
    hours: FloatArray | None = None
    if usage.grain == "hour":
        cell = day * HOURS + dates.hour.to_numpy()
        sums = np.bincount(cell, weights=np.nan_to_num(amount), minlength=len(days) * HOURS)
        hours = np.asarray(sums, dtype="float64").reshape(-1, HOURS)
    notes = () if len(measures) > 1 else ("cost was not looked at: the usage has no bill and no price",)
    return Board(days, tuple(labels), tuple(measures), hours, rows.currency, notes)


def _measure(name: str, parts: FloatArray) -> Measure:
    there = np.isfinite(parts)
    return Measure(name, parts, np.where(there.any(axis=1), np.where(there, parts, 0.0).sum(axis=1), np.nan))
