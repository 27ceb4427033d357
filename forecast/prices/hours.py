"""Hours of the day: ``00:30-16:30`` comes in; the minutes that it covers go out. All of them are UTC."""

from __future__ import annotations

import re
from datetime import datetime, time
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.errors import PriceError

DAY: Final = 24 * 60
_SPAN: Final = r"([0-2]?\d):([0-5]\d)[-–]([0-2]?\d):([0-5]\d)"

#: Spans of minutes of the day, first included and last not, in order; one that runs past midnight is two.
Minutes = tuple[tuple[int, int], ...]
ALL_DAY: Final[Minutes] = ((0, DAY),)


@lru_cache(maxsize=1_024)
def minutes_of(hours: str) -> Minutes | None:
    """The minutes that hours cover, all of the day where ``hours`` is blank; None where they are no hours."""
    if not hours.strip():
        return ALL_DAY
    spans: list[tuple[int, int]] = []
    for part in hours.split(","):
        found = re.fullmatch(_SPAN, re.sub(r"\s", "", part))
        if found is None:
            return None
        a, b, c, d = map(int, found.groups())
        start, end = a * 60 + b, c * 60 + d
        if start == end or start >= DAY or end > DAY:
            return None
        spans += [(start, end)] if start < end else [(start, DAY), (0, end)]
    spans = sorted(span for span in spans if span[0] < span[1])
    return None if any(one[1] > two[0] for one, two in pairwise(spans)) else tuple(spans)


def hours_of(minutes: Minutes) -> str:
    """The spelling of minutes of the day, a span past midnight as one: ``16:30-00:30``; all day is ``""``."""
    joined: list[tuple[int, int]] = []
    for start, end in minutes:
        if joined and joined[-1][1] == start:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    if joined == [(0, DAY)]:
        return ""
    if len(joined) > 1 and joined[0][0] == 0 and joined[-1][1] == DAY:
        joined = [*joined[1:-1], (joined[-1][0], joined[0][1])]
    return ", ".join(f"{_clock(a)}-{_clock(b)}" for a, b in joined)


def covers(minutes: Minutes, minute: int) -> bool:
    """Whether a minute of the day is inside."""
    return any(start <= minute < end for start, end in minutes)


def minute_of(at: int | time | datetime | str) -> int:
    """The minute of the day (UTC) of an hour from 0 to 23, a time, or a timestamp; one with a zone is converted.

    Raises
    ------
    PriceError
        It is none of these.
    """
    if isinstance(at, str):
        try:
            at = pd.Timestamp(at)
        except ValueError as cause:
            raise _no_time(at) from cause
    if isinstance(at, datetime) and not pd.isna(at):
        at = pd.Timestamp(at)
        at = (at.tz_convert("UTC") if at.tzinfo is not None else at).time()
    if isinstance(at, time) and at.tzinfo is None:
        return at.hour * 60 + at.minute
    if isinstance(at, (int, np.integer)) and not isinstance(at, bool) and 0 <= at < 24:
        return int(at) * 60
    raise _no_time(at)


def minutes_of_dates(
    dates: pd.DatetimeIndex, timezone: str | None = None, *, hourly: bool = False
) -> npt.NDArray[np.int64] | None:
    """The minute of the day (UTC) of each date (date,), or None where they are days.

    Dates are hours where ``hourly`` says so, or where one of them is not at midnight. Those without a zone are in
    ``timezone`` (UTC); a missing date is at minute 0. The hour that is lived twice when clocks go back is taken as
    its first.
    """
    local = (dates.tz_localize(None) if dates.tz else dates).to_numpy()
    if not hourly and bool(((local == local.astype("datetime64[D]")) | np.isnat(local)).all()):
        return None
    if dates.tz is None and timezone not in (None, "UTC"):
        first = np.ones(len(dates), dtype=bool)
        dates = dates.tz_localize(timezone, ambiguous=first, nonexistent="shift_forward")
    if dates.tz is not None:
        dates = dates.tz_convert("UTC")
    minutes = np.asarray(dates.hour * 60 + dates.minute, dtype=np.float64)
    return np.nan_to_num(minutes).astype(np.int64)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _no_time(at: object) -> PriceError:
    return PriceError(f"at={at!r} is not a time of day; give an hour from 0 to 23, or a timestamp with its hour (UTC)")
