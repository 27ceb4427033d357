"""Assumptions with their dates. Comes in: what a plan rests on, a row each. Goes out: the ledger, and what is stale.

An assumption is true *as of* a day: the last day of the usage, the day of a price or rate, the day on which somebody
stated it. From a day on it ought to be looked at again. Neither depends on today: what is stale is asked by a day.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import pandas as pd

from forecast.calendars import date_of
from forecast.errors import PlanError
from forecast.shown import short_repr

#: The columns of the ledger, in order.
COLUMNS: Final = ("topic", "assumption", "source", "as_of", "stale_from")
DATES: Final = ("as_of", "stale_from")

#: After how many days an assumption of a topic ought to be looked at again. Topics that are not here do not go stale:
#: a seed, what was asked for, and what is measured on the usage and goes stale with it. A contract is good until its
#: end.
GOES_STALE: Final = {
    "usage": 35,  # a month has been closed and exported since: the longest month, and the days that an export takes
    "bill": 35,  # measured on a month of the usage
    "prices": 90,  # a quarter: vendors change list prices a few times a year, and publish without telling
    "price": 90,  # one seller's list, a published discount: as the book
    "unpriced": 90,  # a price may have been published by then
    "rates": 31,  # books are converted at rates of the month
    "component": 92,  # quotes and statements: good for the quarter that they were made for, at most 92 days
    "reserve": 92,
    "override": 92,  # a judgement is confirmed or dropped each quarter
}


@dataclass(frozen=True, slots=True)
class Assumption:
    """One row of the ledger.

    Attributes
    ----------
    topic, assumption, source : str
        What it is about, what is assumed, and where it comes from.
    as_of : Timestamp, optional
        The day on which it was known, measured or stated; None where nobody says.
    good_until : Timestamp, optional
        The last day on which it holds, of what ends by itself.
    """

    __repr__ = short_repr

    topic: str
    assumption: str
    source: str
    as_of: pd.Timestamp | None = None
    good_until: pd.Timestamp | None = None

    @property
    def stale_from(self) -> pd.Timestamp | None:
        """The day from which it ought to be looked at again; None where it does not go stale, or has no date."""
        if self.good_until is not None:
            return self.good_until + pd.Timedelta(days=1)
        days = GOES_STALE.get(self.topic)
        return None if days is None or self.as_of is None else self.as_of + pd.Timedelta(days=days)


def ledger_table(rows: Iterable[Assumption]) -> pd.DataFrame:
    """The rows as a table of :data:`COLUMNS`; dates that nobody knows are NaT."""
    told = [(r.topic, r.assumption, r.source, r.as_of, r.stale_from) for r in rows]
    table = pd.DataFrame(told, columns=list(COLUMNS))
    return table.astype(dict.fromkeys(DATES, "datetime64[us]"))


def stale_of(assumptions: pd.DataFrame, on: str | date | None = None) -> pd.DataFrame:
    """The assumptions that have gone stale by a day.

    Parameters
    ----------
    assumptions : DataFrame
        A plan's.
    on : date, optional
        Today, where none is given.

    Returns
    -------
    DataFrame
        The rows whose ``stale_from`` is not later than ``on``, as they stand in the ledger, with ``days`` (int) past
        it. What the columns are called together says which day it was, and that it is today where nobody said.

    Raises
    ------
    PlanError
        ``on`` is no day.
    """
    day = pd.Timestamp(date.today()) if on is None else date_of(on, "stale(on=...)", PlanError)
    past = (day - assumptions["stale_from"]).dt.days
    stale = past >= 0
    table: pd.DataFrame = assumptions[stale].assign(days=past[stale].astype("int64"))
    table.columns.name = f"stale on {day:%Y-%m-%d}{', today' if on is None else ''}"
    return table


def with_date(source: str, as_of: Any) -> str:
    """A source with the date of what it says: ``asked, as of 2026-10-31``."""
    return source if pd.isna(as_of) else f"{source}, as of {as_of:%Y-%m-%d}"
