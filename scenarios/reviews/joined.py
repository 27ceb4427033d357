"""Joined usage. Comes in: the usage that a plan was made on, and a later export. Goes out: one history of both."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import pandas as pd

from forecast import schema
from forecast.calendars import date_of
from forecast.errors import UsageError
from forecast.usage import Usage

#: A restated day differs by at least this part of its money or quantity: less is rounding.
SAME: Final = 1e-6
#: Columns of a restatement: the days that changed, what they held before and what they hold now.
RESTATED: Final = ("date", "measure", "before", "now", "difference")


@dataclass(frozen=True, slots=True)
class Joined:
    """One history.

    Attributes
    ----------
    usage : Usage
        The older export up to the day before the newer begins, then the newer, up to the as-of date.
    as_of : Timestamp
        The last day that is known in full.
    restated : DataFrame
        Days that both exports hold, or that later records superseded, and that differ: ``date, measure, before, now,
        difference``.
    notes : tuple of str
    """

    usage: Usage
    as_of: pd.Timestamp
    restated: pd.DataFrame
    notes: tuple[str, ...]


def joined(older: Usage, newer: Usage, as_of: str | pd.Timestamp | None, *, lag: int, since: pd.Timestamp) -> Joined:
    """Lay a newer export over an older one: from its first day on, what it says holds.

    Parameters
    ----------
    since : Timestamp
        Days after it that have no rows are told.
    as_of : date, optional
        The last day that is known in full; the newer export's last, less ``lag`` periods, where none is given.

    Raises
    ------
    UsageError
        The exports are of two grains, or in two billing zones, or the as-of date lies after the newer export.
    """
    if not isinstance(newer, Usage):
        raise UsageError(f"usage: wanted a Usage, not {type(newer).__name__}: read it first: fc.read_usage(...)")
    for what, old, new in (
        ("rows a", older.grain, newer.grain),
        ("days of", older.timezone, newer.timezone),
        ("money in", older.currency, newer.currency),
    ):
        if old != new and None not in (old, new):
            raise UsageError(
                f"{newer.source}: has {what} {new}, and the plan was made on {what} {old} ({older.source}); "
                "read the export as the plan's was read"
            )
    day = _as_of(newer, as_of, lag)
    first, notes = newer.start, []
    known = newer.known(day) if "recorded_at" in newer.frame else newer
    frame = known.frame[known.frame[schema.DATE] < day + _step(newer)]
    before = older.frame[older.frame[schema.DATE] < first]
    if len(before):
        missing = (first.normalize() - before[schema.DATE].max().normalize()).days - 1
        if newer.grain != "month" and missing > 0:
            notes.append(f"{missing} days between the plan's usage and {newer.source} are in neither: taken as gaps")
        frame = pd.concat([before, frame], ignore_index=True)
    dates = pd.DatetimeIndex(frame[schema.DATE]).normalize()
    if newer.grain != "month":
        begin = max(first.normalize(), since + pd.Timedelta(days=1))
        lost = pd.date_range(begin, day).difference(dates[dates >= begin])
        if len(lost):
            shown = ", ".join(f"{d:%Y-%m-%d}" for d in lost[:5])
            more = f" and {len(lost) - 5} more" if len(lost) > 5 else ""
            notes.append(f"{len(lost)} days have no rows at all, and count as nothing spent: {shown}{more}")
    columns = [*older.frame.columns, *[c for c in newer.frame.columns if c not in older.frame]]
    together = replace(newer, frame=frame.reindex(columns=columns), notes=(*newer.notes, *notes))
    return Joined(together, day, _restated(older, newer, day), tuple(notes))


def _as_of(usage: Usage, as_of: str | pd.Timestamp | None, lag: int) -> pd.Timestamp:
    last = usage.end.normalize()
    if as_of is None:
        back = pd.DateOffset(months=lag) if usage.grain == "month" else pd.Timedelta(days=lag)
        return pd.Timestamp(last - back)
    day = date_of(as_of, "as_of", UsageError).normalize()
    if usage.grain == "month":
        day = day.to_period("M").start_time
    if day > last:
        raise UsageError(
            f"as_of={day:%Y-%m-%d}: {usage.source} ends on {last:%Y-%m-%d}; nothing after that is known: "
            "take an earlier as_of, or a later export"
        )
    return day


def _step(usage: Usage) -> pd.DateOffset:
    return pd.DateOffset(months=1) if usage.grain == "month" else pd.DateOffset(days=1)


def _restated(older: Usage, newer: Usage, as_of: pd.Timestamp) -> pd.DataFrame:
    """Days that were told otherwise before: by the older export, and by records that later ones superseded."""
    now = newer.frame
    found = [_differences(older.frame[older.frame[schema.DATE] >= newer.start], now)]
    if newer.superseded is not None:
        keys = [schema.DATE, *[c for c in schema.DIMENSIONS if c in now]]
        first = newer.superseded.drop_duplicates(keys)
        found.append(_differences(first, now.merge(first[keys], on=keys)))
    table = pd.concat(found, ignore_index=True)
    return table[table["date"] <= as_of].reset_index(drop=True)


def _differences(before: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """The days of both frames whose sums differ, measure by measure."""
    measures = [m for m in (schema.REQUESTS, *schema.BILLABLE, *schema.MONEY) if m in before and m in now]
    sides = [f[measures].groupby(f[schema.DATE].dt.normalize().rename("date")).sum(min_count=1) for f in (before, now)]
    days = sides[0].index.intersection(sides[1].index)
    long = [s.loc[days].reset_index().melt("date", var_name="measure", value_name="amount") for s in sides]
    told = long[0].rename(columns={"amount": "before"}).assign(now=long[1]["amount"])
    told["difference"] = told["now"] - told["before"]
    size = told[["before", "now"]].abs().max(axis=1)
    return told.loc[told["difference"].abs() > SAME * size, list(RESTATED)]
