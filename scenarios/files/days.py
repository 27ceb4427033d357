"""Days told from the plan's first. Comes in: ``start + 2 months``, or a date. Goes out: the day."""

from __future__ import annotations

import re
from typing import Final

import pandas as pd

from scenarios.files.checks import START, day, shown

#: Stands in for the plan's first day where a scenario is checked before that day is known.
SOME_DAY: Final = pd.Timestamp("2000-01-01")
#: The farthest that a day may be told from the start, in years.
FARTHEST: Final = 50
#: Months and days of each unit.
_UNITS: Final = {"d": (0, 1), "w": (0, 7), "m": (1, 0), "q": (3, 0), "y": (12, 0)}
_TOLD: Final = re.compile(
    rf"{START}(?:\s*(?P<sign>[+-])\s*(?P<count>\d{{1,5}})\s*(?P<unit>d|w|m|q|y|days?|weeks?|months?|quarters?|years?))?$"
)


def is_relative(value: object) -> bool:
    """Whether a day is told from the plan's first: ``start``, ``start + 30d``, ``start+2m``, ``start - 1 week``."""
    return isinstance(value, str) and _TOLD.match(value) is not None


def resolved(value: str, start: pd.Timestamp) -> pd.Timestamp:
    """The day that is told; a month after the 31st is the last of a shorter month."""
    told = _TOLD.match(value)
    if told is None:
        return pd.Timestamp(value)
    if told["unit"] is None:
        return start
    months, days = _UNITS[told["unit"][0]]
    count = int(told["count"]) * (-1 if told["sign"] == "-" else 1)
    return start + pd.DateOffset(months=months * count, days=days * count)


def day_or_start(value: object) -> str | None:
    """A date, or a day told from the plan's first."""
    if is_relative(value):
        told = _TOLD.match(str(value))
        assert told is not None
        months, days = _UNITS[(told["unit"] or "d")[0]]
        years = int(told["count"] or 0) * (months / 12 + days / 365)
        return f"{shown(value)}: is more than {FARTHEST} years from the start" if years > FARTHEST else None
    if day(value) is None:
        return None
    return (
        f"{shown(value)}: wanted a date, such as 2027-02-01, or {START!r} for the plan's first day, or one from there: "
        f'"{START} + 2 months"'
    )
