"""Overlap: what several exports hold, by period and key, comes in; the same, each once, goes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd

from forecast import schema
from forecast.errors import UsageError
from forecast.readers.sheet import TOKENS
from forecast.reading import OVERLAPS

#: What to do where two exports say different things of one period and key.
Overlap = Literal["refuse", "later"]

#: Fewer tokens than these may be the same by chance.
_MANY: Final = 1_000
#: Pairs of exports that are told one by one.
_MOST_TOLD: Final = 5
#: Two sums of the same numbers in another order differ by less.
_SAME: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Apart:
    """What is left, and what was counted once."""

    frame: pd.DataFrame
    overlaps: pd.DataFrame
    dropped: pd.DataFrame


def counted_once(frame: pd.DataFrame, keys: list[str], measures: list[str], overlap: Overlap) -> Apart:
    """Drop what a later export repeats of an earlier one.

    Parameters
    ----------
    frame : DataFrame
        One row a period, key and export. Columns ``keys`` (the period among them), ``measures``, ``rows``,
        ``export`` (its number, in the order of reading), ``source``, ``begin`` and ``end`` (instants of the first
        and last request, or null) and perhaps ``recorded_at``.
    overlap : {"refuse", "later"}
        Where two exports differ on a period and key: refuse, or take the one that was named later.

    Notes
    -----
    Two exports repeat each other on a period and key where the number of rows and every sum agree. Where they differ,
    they are parts of one sum if their requests lie apart in time, and versions of one another if ``recorded_at`` says
    so; anything else is refused.

    Raises
    ------
    UsageError
        Exports differ on what they both hold; the message names files, days and sums, and the ways out.
    """
    key = frame.groupby(keys, dropna=False, sort=False).ngroup()
    shared = key.duplicated(keep=False)
    if not shared.any():
        return Apart(frame, pd.DataFrame(columns=list(OVERLAPS)), frame.iloc[:0])
    part = frame[shared].assign(_key=key[shared]).sort_values(["_key", "export"], kind="stable")
    first = part.groupby("_key").transform("first")[["rows", *measures]]
    is_first = ~part["_key"].duplicated()
    same = np.isclose(part[["rows", *measures]].astype("float64"), first.astype("float64"), rtol=_SAME, equal_nan=True)
    repeats = pd.Series(same.all(axis=1), index=part.index) & ~is_first & ~_restated(part)
    other = part[~repeats]
    other = other[other["_key"].duplicated(keep=False)]
    other = other[~_additive(other)]
    superseded = other.iloc[:0]
    if len(other):
        if overlap == "refuse":
            raise UsageError(_told(other, measures))
        superseded = other[other["_key"].duplicated(keep="last")]
    gone = part.index[repeats].union(superseded.index)
    return Apart(frame.drop(index=gone), _table(part, repeats, superseded, measures), frame.loc[gone])


def under_other_names(frame: pd.DataFrame) -> list[str]:
    """A note of each two exports that hold the same tokens on every day of both: one usage, told twice.

    Rows of one key that repeat each other are gone by now. What is left differs in a name, such as a workspace that one
    export calls by its id, or a project that one does not tell. Nothing is dropped: two usages may be equal.
    """
    units = [u for u in TOKENS if u in frame]
    if not units or frame["export"].nunique() < 2:
        return []
    days = frame.groupby(["export", schema.DATE], sort=True)[units].sum().reset_index()
    days = days[days[units].sum(axis=1) > 0]
    alike = days.merge(days, on=[schema.DATE, *units], suffixes=("", "_other"))
    alike = alike[alike["export"] < alike["export_other"]].assign(tokens=lambda one: one[units].sum(axis=1))
    pairs = alike.groupby(["export", "export_other"]).agg(
        days=(schema.DATE, "size"), tokens=("tokens", "sum"), first=(schema.DATE, "min"), last=(schema.DATE, "max")
    )
    held = {export: set(told) for export, told in days.groupby("export")[schema.DATE]}
    sources = frame.drop_duplicates("export").set_index("export")["source"]
    told = [
        f"{sources[one]} and {sources[other]} hold the same {tokens:,.0f} tokens from {first:%Y-%m-%d} to "
        f"{last:%Y-%m-%d} under other names; if they tell of one usage it is counted twice: leave one out"
        for one, other, count, tokens, first, last in pairs.reset_index().itertuples(index=False, name=None)
        if count == len(held[one] & held[other]) and tokens >= _MANY
    ]
    more = len(told) - _MOST_TOLD
    return told[:_MOST_TOLD] + ([f"{more} more pairs of exports hold the same tokens under other names"] * (more > 0))


def _restated(part: pd.DataFrame) -> pd.Series:
    """Rows of a key whose versions bear different dates of recording: they supersede one another later on."""
    if "recorded_at" not in part:
        return pd.Series(False, index=part.index)
    return part.groupby("_key")["recorded_at"].transform("nunique") > 1


def _additive(part: pd.DataFrame) -> pd.Series:
    """Rows whose requests begin after those of every earlier export of the key have ended; or restated ones."""
    if part["begin"].isna().all():
        return _restated(part)
    before = part.sort_values(["_key", "begin"], kind="stable")
    ended = before.groupby("_key")["end"].shift()
    apart = (before["begin"] > ended) | ended.isna()
    return (apart.groupby(before["_key"]).transform("all") | _restated(before)).reindex(part.index)


def _told(other: pd.DataFrame, measures: list[str]) -> str:
    one = other[other["_key"] == other["_key"].iloc[0]]
    measure = next((m for m in measures if one[m].notna().any() and one[m].nunique() > 1), "rows")
    said = " and ".join(f"{row[measure]:,.6g} in {row['source']}" for _, row in one.iterrows())
    days = other[schema.DATE]
    return (
        f"{' and '.join(dict.fromkeys(other['source']))} both hold {other['_key'].nunique()} periods and keys "
        f"({days.min():%Y-%m-%d} to {days.max():%Y-%m-%d}) and differ, such as {measure} on {days.iloc[0]:%Y-%m-%d}: "
        f"{said}; take the one that is named later with overlap='later', compare single requests with "
        "dedupe='request_id' where the export has it, or leave one out"
    )


def _table(part: pd.DataFrame, repeats: pd.Series, superseded: pd.DataFrame, measures: list[str]) -> pd.DataFrame:
    first = part.groupby("_key").transform("first")["source"]
    last = part.groupby("_key").transform("last")["source"]
    gone = pd.concat([part[repeats].assign(other=first[repeats]), superseded.assign(other=last[superseded.index])])
    tokens = [u for u in TOKENS if u in measures]
    money = next((m for m in schema.MONEY if m in measures), None)
    gone = gone.assign(
        requests=gone[schema.REQUESTS] if schema.REQUESTS in measures else np.nan,
        tokens=gone[tokens].sum(axis=1, min_count=1) if tokens else np.nan,
        money=gone[money] if money else np.nan,
    )
    grouped = gone.groupby(["source", "other"], sort=False)
    table = grouped.agg(first=(schema.DATE, "min"), last=(schema.DATE, "max"), rows=("rows", "sum"))
    return table.join(grouped[["requests", "tokens", "money"]].sum(min_count=1)).reset_index()[list(OVERLAPS)]
