"""Dates. Comes in: dates and timestamps as users write them. Goes out: calendar days."""

from __future__ import annotations

import re
from datetime import date
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.errors import HorizonError, TokenplanError

#: Calendar days: datetime64[D].
Days: TypeAlias = NDArray[np.datetime64]
DAY: Final = np.timedelta64(1, "D")
_ISO: Final = re.compile(r"^\d{4}-\d{2}-\d{2}$")


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


def days_of(values: Any) -> Days:
    """Dates and timestamps as calendar days: (day,). Hours are cut off, and a time zone is taken at its own clock.

    Raises
    ------
    HorizonError
        A value is missing, a number, or no date.
    """
    given = pd.Index(values)
    if len(given) and pd.api.types.is_numeric_dtype(given):
        raise HorizonError(f"days: wanted dates, not numbers such as {given[0]}; write a day as 2027-02-01")
    try:
        found = pd.DatetimeIndex(pd.to_datetime(given, format="ISO8601"))
    except (ValueError, TypeError, OverflowError) as cause:
        raise HorizonError(f"days: {str(cause).splitlines()[0]}; write a day as 2027-02-01") from cause
    if found.hasnans:
        raise HorizonError(
            f"days: {int(np.isnat(found.to_numpy()).sum())} of {len(found)} are missing; leave such rows out"
        )
    return found.tz_localize(None).to_numpy().astype("datetime64[D]")


def span_of(start: object, end: object) -> Days:
    """Every day from ``start`` to ``end``, both included: (day,)."""
    first, last = date_of(start, "start", HorizonError), date_of(end, "end", HorizonError)
    if last < first:
        raise HorizonError(f"the span ends on {last:%Y-%m-%d}, before it starts on {first:%Y-%m-%d}")
    return np.arange(first.to_datetime64(), last.to_datetime64() + DAY, DAY).astype("datetime64[D]")


def index_of(days: Days) -> pd.DatetimeIndex:
    """Calendar days as pandas has them."""
    return pd.DatetimeIndex(days).as_unit("us")
