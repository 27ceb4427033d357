"""Periods: frequencies, seasons and horizons. Comes in: an alias or "2Q". Goes out: dates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import pandas as pd

from forecast.calendars import CALENDAR_YEAR, Calendar, Unit, date_of
from forecast.errors import HorizonError, ModelError, nearest

#: Days in an average month (365.25 / 12): what "a month" means wherever a rate is stated per month.
MONTH_DAYS: Final = 30.4375

#: Season lengths, in periods, by the frequency's letter. The first is the shortest.
_SEASONS: Final = {"h": (24, 168), "D": (7,), "B": (5,), "W": (52,), "MS": (12,), "ME": (12,), "QS": (4,), "QE": (4,)}
#: Frequencies whose periods are months or longer.
_LONG: Final = ("MS", "ME", "BMS", "BME", "QS", "QE", "BQS", "BQE", "YS", "YE", "BYS", "BYE")
GRAIN_FREQ: Final = {"hour": "h", "day": "D", "month": "MS"}


def seasons(freq: str) -> tuple[int, ...]:
    """Season lengths in periods for a pandas alias: ``D`` has (7,), ``h`` has (24, 168); (1,) where there is none."""
    offset = offset_of(freq)
    name = offset.rule_code.split("-")[0]
    return _SEASONS.get(name, (1,)) if offset.n == 1 else (1,)


def offset_of(freq: str) -> pd.offsets.BaseOffset:
    """The pandas offset of an alias; an unknown alias is a :class:`ModelError` with the nearest."""
    try:
        offset = pd.tseries.frequencies.to_offset(freq)
    except ValueError as cause:
        known = (*_SEASONS, "YS", "YE")
        raise ModelError(
            f"freq {freq!r} is not a pandas alias, such as {', '.join(known)}{nearest(freq, known)}"
        ) from cause
    if offset is None:
        raise ModelError("freq must be a pandas alias, such as 'D'")
    return offset


@dataclass(frozen=True, slots=True)
class Extents:
    """The first and last day of each period of a series: both DatetimeIndex (period,)."""

    first: pd.DatetimeIndex
    last: pd.DatetimeIndex


def extents(periods: pd.DatetimeIndex) -> Extents:
    """The days that each period of a series holds.

    Hours, days and their multiples begin at their label, weeks end on it, and longer periods hold it.

    Raises
    ------
    ModelError
        The periods follow no frequency.
    """
    known = periods.freqstr or (pd.infer_freq(periods) if len(periods) > 2 else None)
    if known is None:
        raise ModelError(f"{len(periods)} periods without a frequency: how long one is cannot be told")
    step = offset_of(known)
    name = step.rule_code.split("-")[0]
    if name == "W":
        return Extents(periods - pd.Timedelta(days=7 * step.n - 1), periods)
    if name in _LONG:
        whole = periods.to_period()
        return Extents(whole.start_time, whole.end_time.normalize())
    last = periods if name == "B" else periods + step - pd.Timedelta(microseconds=1)
    return Extents(periods.normalize(), last.normalize())


def days_after(as_of: pd.Timestamp, days: pd.DatetimeIndex) -> pd.Index:
    """Days (float) from ``as_of`` to each period's start; growth and prices run on this clock."""
    return (days - as_of) / pd.Timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Horizon:
    """The span that is planned, and the gap between the history and it.

    Attributes
    ----------
    as_of : Timestamp
        The last period that is fully known.
    start, end : Timestamp
        The first and last period of the plan, both included.
    freq : str
        The pandas alias of one period.
    """

    as_of: pd.Timestamp
    start: pd.Timestamp
    end: pd.Timestamp
    freq: str

    @property
    def periods(self) -> pd.DatetimeIndex:
        """Every period after ``as_of`` up to ``end``: the gap, then the plan. Shape (period,)."""
        after = pd.date_range(self.as_of, self.end, freq=self.freq)
        return after[after > self.as_of]

    @property
    def gap(self) -> int:
        """How many periods lie between the history and the plan."""
        return int((self.periods < self.start).sum())


_SPAN = re.compile(r"^(\d+)\s*(D|W|M|Q|Y)$", re.IGNORECASE)
_UNITS: Final[dict[str, Unit]] = {"M": "month", "Q": "quarter", "Y": "year"}


def horizon(
    as_of: pd.Timestamp,
    *,
    freq: str,
    span: str | int | None = None,
    start: str | pd.Timestamp | None = None,
    end: str | pd.Timestamp | None = None,
    calendar: Calendar = CALENDAR_YEAR,
) -> Horizon:
    """The planned span after ``as_of``.

    ``span`` is a count of periods right after ``as_of``; or a count of whole calendar units after it (``"90D"`` starts
    the next day, ``"2Q"`` is the two whole quarters that follow the quarter that ``as_of`` is in, or the next two where
    it ends one); or a period by name (``"FY2027"``, ``"2027Q1"``; see :meth:`forecast.Calendar.named`). Months,
    quarters and years are the calendar's. ``start`` and ``end`` serve instead.

    Raises
    ------
    HorizonError
        The span is empty, does not lie after ``as_of``, or cannot be read; or the periods are months and the calendar
        goes by weeks.
    """
    if (span is None) == (start is None and end is None):
        raise HorizonError("say the horizon either as horizon='2Q' or as start= and end=")
    check_nested(freq, calendar)
    if span is not None:
        first, last = _span(as_of, span, freq, calendar)
    else:
        first = date_of(start, "start", HorizonError) if start is not None else as_of + offset_of(freq)
        if end is None:
            raise HorizonError("start= needs an end=")
        last = _last_period(date_of(end, "end", HorizonError), freq)
    if last < first:
        raise HorizonError(f"the horizon ends on {last:%Y-%m-%d}, before it starts on {first:%Y-%m-%d}")
    if first <= as_of:
        raise HorizonError(
            f"the horizon starts on {first:%Y-%m-%d}, but usage is known up to {as_of:%Y-%m-%d}; "
            f"start after it, or take a later quarter"
        )
    return Horizon(as_of, first, last, freq)


def check_nested(freq: str, calendar: Calendar) -> None:
    """Refuse a calendar by weeks for periods of a month or longer: what a month cost can't be dealt to its weeks."""
    if calendar.weeks is not None and offset_of(freq).rule_code.split("-")[0] in _LONG:
        raise HorizonError(
            f"a calendar by weeks ({calendar.weeks}) cuts through months, and a monthly bill can't be split over days: "
            f"give daily usage, or a calendar without weeks, such as Calendar(start_month={calendar.start_month})"
        )


def _span(as_of: pd.Timestamp, span: str | int, freq: str, calendar: Calendar) -> tuple[pd.Timestamp, pd.Timestamp]:
    if isinstance(span, int) and not isinstance(span, bool):
        if span < 1:
            raise HorizonError(f"horizon={span}: a horizon is at least one period long")
        step = offset_of(freq)
        return as_of + step, as_of + span * step
    text = str(span).strip()
    if (named := calendar.named(text)) is not None:
        return named[0], _last_period(named[1], freq)
    counted = _SPAN.match(text)
    if counted is None:
        known = "90, '90D', '3M', '2Q', '1Y', 'FY2027', '2027Q1' or '2027-01'"
        raise HorizonError(f"horizon {span!r} cannot be read; write {known}")
    count, unit = int(counted[1]), counted[2].upper()
    if count < 1:
        raise HorizonError(f"horizon {span!r}: a horizon is at least one period long")
    if unit == "D":
        first, last = as_of.normalize() + pd.Timedelta(days=1), as_of.normalize() + pd.Timedelta(days=count)
    elif unit == "W":
        week = pd.Period(as_of, freq=f"W-{'SUN' if calendar.weeks is None else calendar.weekday[:3].upper()}")
        first, last = (week + 1).start_time, (week + count).end_time.normalize()
    else:
        first, last = calendar.after(as_of, count, _UNITS[unit])
    return first, _last_period(last, freq)


def _last_period(day: pd.Timestamp, freq: str) -> pd.Timestamp:
    """The last period that starts on a day: the day itself, or its last hour."""
    step = offset_of(freq)
    within = isinstance(step, pd.offsets.Tick) and pd.Timedelta(step) < pd.Timedelta(days=1)
    return day + pd.Timedelta(days=1) - step if within else day
