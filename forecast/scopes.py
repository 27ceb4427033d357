"""Scopes of scores. Comes in: consecutive periods. Goes out: the weeks, months, ... wholly inside, and their sums."""

from __future__ import annotations

from typing import Final, get_args

import numpy as np
import pandas as pd

from forecast.calendars import Calendar, Unit
from forecast.panel import BoolArray, FloatArray
from forecast.periods import offset_of

#: The scope that every forecast has beside its single periods: the whole horizon.
HORIZON: Final = "horizon"
#: A total is known where at least this share of its periods was seen; it is compared over the periods seen.
SEEN: Final = 0.9
#: The word for one period by the frequency's letter, and the longer periods that it fits into without a rest.
_NESTS: Final = {
    "h": ("hour", "day", "week", "month", "quarter", "year"),
    "D": ("day", "week", "month", "quarter", "year"),
    "B": ("day", "week", "month", "quarter", "year"),
    "W": ("week",),
    "MS": ("month", "quarter", "year"),
    "ME": ("month", "quarter", "year"),
    "QS": ("quarter",),
    "QE": ("quarter",),
    "YS": ("year",),
    "YE": ("year",),
}

#: First period of a span, and the period after its last, as row numbers.
Span = tuple[int, int]


def scopes_of(freq: str) -> tuple[str, ...]:
    """The single period, the longer ones that it fits into, and the whole horizon."""
    offset = offset_of(freq)
    name = offset.rule_code.split("-")[0]
    return (*(_NESTS.get(name, ("period",)) if offset.n == 1 else ("period",)), HORIZON)


def spans_of(periods: pd.DatetimeIndex, scope: str, *, freq: str, calendar: Calendar) -> list[Span]:
    """Each week, month, quarter or year of ``calendar`` that lies wholly inside consecutive ``periods`` (period,).

    The single period of ``freq`` gives one span a period, and ``horizon`` one span of them all. Weeks end on Sunday, or
    on the day that the calendar's years by weeks end on.
    """
    if scope == HORIZON:
        return [(0, len(periods))]
    if scope == scopes_of(freq)[0]:
        return [(t, t + 1) for t in range(len(periods))]
    # One period more at each end: what also holds a neighbour is not wholly inside.
    step = offset_of(freq)
    around = periods.insert(0, periods[0] - step).insert(len(periods) + 1, periods[-1] + step)
    label = _labels(around, scope, calendar)
    inside = np.flatnonzero((label != label[0]) & (label != label[-1])) - 1
    if not len(inside):
        return []
    first = [int(t) for t in inside if label[t + 1] != label[t]]
    return list(zip(first, [*first[1:], int(inside[-1]) + 1], strict=True))


def past_spans(periods: pd.DatetimeIndex, scope: str, *, horizon: int, freq: str, calendar: Calendar) -> list[Span]:
    """The spans of a scope in the known ``periods``; those of ``horizon`` are as long, counted back from the end."""
    if scope != HORIZON:
        return spans_of(periods, scope, freq=freq, calendar=calendar)
    return [(first, first + horizon) for first in range(len(periods) % horizon, len(periods), horizon)]


def sums(values: FloatArray, spans: list[Span], *, seen: BoolArray | None = None) -> FloatArray:
    """Sums over consecutive spans, of the periods that were seen: (..., period, series) to (..., span, series).

    ``seen`` has shape (period, series); everything counts where it is not given.
    """
    begin, end = spans[0][0], spans[-1][1]
    inside = values[..., begin:end, :]
    if seen is not None and not seen[begin:end].all():
        inside = np.where(seen[begin:end], inside, 0.0)
    if len(spans) == end - begin:
        return inside
    return np.add.reduceat(inside, [first - begin for first, _ in spans], axis=-2)


def known_sums(actual: FloatArray, spans: list[Span]) -> FloatArray:
    """Sums of what was seen of ``actual`` (period, series): (span, series), NaN where less than ``SEEN`` was."""
    seen: BoolArray = np.isfinite(actual)
    length = np.array([after - first for first, after in spans], dtype="float64")
    share = sums(seen.astype("float64"), spans) / length[:, None]
    return np.where(share >= SEEN, sums(actual, spans, seen=seen), np.nan)


def _labels(periods: pd.DatetimeIndex, scope: str, calendar: Calendar) -> np.ndarray:
    """A number that is the same for periods of one day, week, month, quarter or year."""
    if scope == "day":
        return periods.to_period("D").asi8
    if scope == "week":
        last = "SUN" if calendar.weeks is None else calendar.weekday[:3].upper()
        return periods.to_period(f"W-{last}").asi8
    by = next(unit for unit in get_args(Unit) if unit == scope)
    return calendar.ordinals(periods, by)
