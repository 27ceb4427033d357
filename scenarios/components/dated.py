"""Numbers by date. Comes in: a number, or numbers that each hold from a day on. Goes out: which holds when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

import pandas as pd

from forecast.calendars import date_of
from forecast.errors import PlanError
from forecast.ranges import Uncertain
from scenarios.components.base import checked_number, shown_amount

Window: TypeAlias = tuple[pd.Timestamp | None, pd.Timestamp | None]
#: An amount that is the same throughout, or amounts by the day from which each holds.
Dated: TypeAlias = Uncertain | Mapping[pd.Timestamp, Uncertain]


def checked_dated(value: object, what: str) -> Dated:
    """An amount, or amounts by date in order, as they are used.

    Raises
    ------
    PlanError
        One is no amount, a date none, or there are no dates.
    """
    if not isinstance(value, Mapping) or set(value) == {"p10", "p90"}:
        return checked_number(value, "amount", what)
    if not value:
        raise PlanError(f"{what}: give at least one date, such as {{'2027-01-01': 40}}")
    dated = {date_of(day, what, PlanError): checked_number(n, "amount", what) for day, n in value.items()}
    return dict(sorted(dated.items()))


def pieces(value: Dated, window: Window) -> Iterator[tuple[Uncertain, Window]]:
    """Each amount with the first and last day on which it holds within ``window``; none before the first date."""
    if not isinstance(value, Mapping):
        yield value, window
        return
    start, end = window
    days = list(value)
    for day, until in zip(days, [*days[1:], None], strict=True):
        last = None if until is None else until - pd.Timedelta(days=1)
        begin = day if start is None else max(start, day)
        finish = min((d for d in (end, last) if d is not None), default=None)
        if finish is None or begin <= finish:
            yield value[day], (begin, finish)


def shown_dated(value: Dated) -> str:
    """In words."""
    if isinstance(value, Mapping):
        return ", ".join(f"{shown_amount(n)} from {day:%Y-%m-%d}" for day, n in value.items())
    return shown_amount(value)
