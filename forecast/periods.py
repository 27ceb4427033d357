"""Periods: frequencies, seasons and horizons. Comes in: an alias or "2Q". Goes out: dates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

import pandas as pd

from forecast.errors import HorizonError, ModelError, TokenplanError, nearest

#: Days in an average month (365.25 / 12): what "a month" means wherever a rate is stated per month.
MONTH_DAYS: Final = 30.4375

#: Season lengths, in periods, by the frequency's letter. The first is the shortest.
_SEASONS: Final = {"h": (24, 168), "D": (7,), "B": (5,), "W": (52,), "MS": (12,), "ME": (12,), "QS": (4,), "QE": (4,)}
#: pandas aliases of period ends and starts that plans are told in, by the words a table takes.
PERIOD_WORDS: Final = {"week": "W-SUN", "month": "M", "quarter": "Q", "year": "Y"}
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


def days_after(as_of: pd.Timestamp, days: pd.DatetimeIndex) -> pd.Index:
    """Days (float) from ``as_of`` to each period's start; growth and prices run on this clock."""
    return (days - as_of) / pd.Timedelta(days=1)


_ISO = re.compile(r"^\d{4}-\d{2}-\d{2}$")


def date_of(value: object, what: str, error: type[TokenplanError]) -> pd.Timestamp:
    """A calendar day given as ``2027-02-01``, a date or a Timestamp; any other spelling could mean two days."""
    if isinstance(value, date | pd.Timestamp) or (isinstance(value, str) and _ISO.match(value.strip())):
        try:
            day = pd.Timestamp(value)
        except ValueError as cause:
            raise error(f"{what} = {value!r} is not a day of the calendar") from cause
        if not pd.isna(day):
            return day.tz_localize(None).normalize()
    raise error(f"{what} = {value!r} is not a date; write it as 2027-02-01")


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
_YEAR = re.compile(r"^(?:FY|CY)?\s*(\d{4})$", re.IGNORECASE)
_QUARTER = re.compile(r"^(?:FY)?(\d{4})\s*-?Q([1-4])$", re.IGNORECASE)


def horizon(
    as_of: pd.Timestamp,
    *,
    freq: str,
    span: str | int | None = None,
    start: str | pd.Timestamp | None = None,
    end: str | pd.Timestamp | None = None,
) -> Horizon:
    """The planned span after ``as_of``.

    ``span`` is a count of periods right after ``as_of``; or a count of whole calendar units after it (``"90D"`` starts
    the next day, ``"2Q"`` is the two whole quarters that follow the quarter that ``as_of`` is in, or the next two where
    it ends one); or a year or quarter by name (``"FY2027"``, ``"2027Q1"``). ``start`` and ``end`` serve instead.

    Raises
    ------
    HorizonError
        The span is empty, does not lie after ``as_of``, or cannot be read.
    """
    if (span is None) == (start is None and end is None):
        raise HorizonError("say the horizon either as horizon='2Q' or as start= and end=")
    if span is not None:
        first, last = _span(as_of, span, freq)
    else:
        first = date_of(start, "start", HorizonError) if start is not None else as_of + offset_of(freq)
        if end is None:
            raise HorizonError("start= needs an end=")
        last = date_of(end, "end", HorizonError)
    if last < first:
        raise HorizonError(f"the horizon ends on {last:%Y-%m-%d}, before it starts on {first:%Y-%m-%d}")
    if first <= as_of:
        raise HorizonError(
            f"the horizon starts on {first:%Y-%m-%d}, but usage is known up to {as_of:%Y-%m-%d}; "
            f"start after it, or take a later quarter"
        )
    return Horizon(as_of, first, last, freq)


def _span(as_of: pd.Timestamp, span: str | int, freq: str) -> tuple[pd.Timestamp, pd.Timestamp]:
    step = offset_of(freq)
    if isinstance(span, int) and not isinstance(span, bool):
        if span < 1:
            raise HorizonError(f"horizon={span}: a horizon is at least one period long")
        return as_of + step, as_of + span * step
    text = str(span).strip()
    if named := _QUARTER.match(text):
        period = pd.Period(f"{named[1]}Q{named[2]}", freq="Q")
        return period.start_time, period.end_time.normalize()
    if named := _YEAR.match(text):
        return pd.Timestamp(int(named[1]), 1, 1), pd.Timestamp(int(named[1]), 12, 31)
    counted = _SPAN.match(text)
    if counted is None:
        raise HorizonError(f"horizon {span!r} cannot be read; write 90, '90D', '3M', '2Q', '1Y', '2027Q1' or 'FY2027'")
    count, unit = int(counted[1]), counted[2].upper()
    if count < 1:
        raise HorizonError(f"horizon {span!r}: a horizon is at least one period long")
    if unit == "D":
        return as_of + pd.Timedelta(days=1), as_of + pd.Timedelta(days=count)
    now = pd.Period(as_of, freq="W-SUN" if unit == "W" else unit)
    last_known = as_of if freq != "MS" else as_of + pd.offsets.MonthEnd(0)
    first = now + 1 if last_known.normalize() <= now.end_time.normalize() else now
    return first.start_time, (first + count - 1).end_time.normalize()
