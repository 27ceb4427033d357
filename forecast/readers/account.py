"""The account. Comes in: what sources held, lost and repeat, and what was read. Goes out: the tables of a reading.

Held less rejected less counted once is what was read; where it is not, something was lost on the way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd

from forecast import schema
from forecast.errors import UsageError
from forecast.readers.rules import Rules
from forecast.readers.sheet import CONSERVED, TOKENS, Extract, sums_of
from forecast.reading import OVERLAPS, REJECTED, SOURCES, Reading, table_of
from forecast.usage import Usage

#: The format of tables that bear canonical names.
TIDY: Final = "tidy"
#: More keys of one column than this are not listed one by one.
_MOST_UNMATCHED: Final = 1_000


def unmatched_of(frame: pd.DataFrame, rules: Rules | None, attributes: list[str]) -> pd.DataFrame:
    """What the rules left blank, by the names that they could have matched, and what it weighs."""
    columns = ("column", *attributes, "rows", "requests", "tokens", "money")
    tokens = [u for u in TOKENS if u in frame]
    money = next((m for m in schema.MONEY if m in frame), None)
    told = frame.assign(
        tokens=frame[tokens].sum(axis=1, min_count=1) if tokens else np.nan,
        money=frame[money] if money else np.nan,
        requests=frame.get(schema.REQUESTS, np.nan),
        rows=frame.get("rows", 1.0),
    )
    found, by_names = [], [*attributes, *schema.KEYS]
    for column in rules.targets if rules is not None else ():
        blank = told[told[column].isna() & (told["rows"] > 0)]
        by = attributes or [c for c in schema.KEYS if c in blank and c != column]
        if len(blank):
            sums = blank.groupby(by, dropna=False, sort=False)[["rows", "requests", "tokens", "money"]].sum(min_count=1)
            found.append(sums.reset_index().assign(column=column).head(_MOST_UNMATCHED))
    if not found:
        return table_of([], columns)
    table = pd.concat(found, ignore_index=True)
    named = [c for c in by_names if c in table and table[c].notna().any()]
    return table[["column", *named, "rows", "requests", "tokens", "money"]]


def account_of(name: str, extract: Extract) -> tuple[object, ...]:
    """One row of :data:`forecast.reading.SOURCES`."""
    held, date = extract.held, extract.frame[schema.DATE]
    money = next((held[m] for m in schema.MONEY if m in held), np.nan)
    date = date.dt.tz_localize(None) if isinstance(date.dtype, pd.DatetimeTZDtype) else date
    sums = (held.get(schema.REQUESTS, np.nan), held.get("tokens", np.nan), money)
    return (extract.name, name, extract.records, date.min(), date.max(), *sums)


def left_out(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    """Lines of other services of a bill: one row a service, with what they cost."""
    money = next((m for m in schema.MONEY if m in frame), None)
    told = frame.assign(rows=1.0, money=frame[money] if money else np.nan)
    sums = told.groupby("apart", sort=False)[["rows", "money"]].sum().reset_index()
    return pd.DataFrame(
        {
            "source": source,
            "row": "",
            "reason": "another service, not AI (services='all' keeps it)",
            "value": sums["apart"],
            "rows": sums["rows"],
            "requests": np.nan,
            "tokens": np.nan,
            "money": sums["money"],
        },
        columns=list(REJECTED),
    )


def sources_of(accounts: list[tuple[object, ...]]) -> pd.DataFrame:
    """The sources, each once, its parts added up."""
    grouped = table_of(accounts, SOURCES).groupby(["source", "format"], sort=False)
    added = grouped[["records", "requests", "tokens", "money"]].sum(min_count=1)
    spans = grouped.agg(first=("first", "min"), last=("last", "max"))
    return added.join(spans).reset_index().loc[:, list(SOURCES)]


def whole_reading(usage: Usage, rules: Rules | None) -> Reading:
    """The account of a tidy source, of which every row was read."""
    held = dict.fromkeys(CONSERVED, 0.0) | sums_of(usage.frame)
    nothing = dict.fromkeys(CONSERVED, 0.0)
    money = next((held[m] for m in schema.MONEY if m in usage.frame), np.nan)
    sums = (*(held[c] if c in sums_of(usage.frame) else np.nan for c in (schema.REQUESTS, "tokens")), money)
    row = (usage.source, TIDY, len(usage.frame), usage.start, usage.end, *sums)
    return Reading(
        table_of([row], SOURCES),
        table_of([], REJECTED),
        table_of([], OVERLAPS),
        unmatched_of(usage.frame, rules, []),
        conservation_of(held, nothing, nothing, sums_of(usage.frame)),
    )


def conservation_of(
    held: Mapping[str, float], lost: Mapping[str, float], once: Mapping[str, float], read: Mapping[str, float]
) -> pd.DataFrame:
    """Held less rejected less counted once is read.

    Raises
    ------
    UsageError
        It is not: something was lost on the way, which is a defect of the reading.
    """
    columns = [c for c in CONSERVED if held[c] or c in read]
    for c in columns:
        left = held[c] - lost[c] - once[c]
        if not np.isclose(left, read.get(c, 0.0), rtol=1e-9, atol=1e-6):
            raise UsageError(
                f"{c} do not add up: {held[c]:,.6g} held, {lost[c]:,.6g} rejected, {once[c]:,.6g} counted once, "
                f"{read.get(c, 0.0):,.6g} read; please report it with the export's format"
            )
    rows = {
        "held": [held[c] for c in columns],
        "rejected": [lost[c] for c in columns],
        "counted once": [once[c] for c in columns],
        "read": [read.get(c, 0.0) for c in columns],
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)
