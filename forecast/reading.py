"""The account of a reading. Comes in: what went into a table. Goes out: what was read, rejected, counted once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import pandas as pd

from forecast.errors import ROWS_SHOWN
from forecast.shown import CellKind, Result, Shown
from forecast.shown import table_of as readable

#: One row a rejected record, or a group of like ones: where, why, an example, how many, and what it held.
REJECTED: Final = ("source", "row", "reason", "value", "rows", "requests", "tokens", "money")
#: One row a pair of exports that hold the same periods and keys.
OVERLAPS: Final = ("source", "other", "first", "last", "rows", "requests", "tokens", "money")
SOURCES: Final = ("source", "format", "records", "first", "last", "requests", "tokens", "money")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Reading(Result):
    """The account of a reading: everything that the sources held is in the usage, or in one of these tables.

    Attributes
    ----------
    sources : DataFrame
        Columns of :data:`SOURCES`: each file or object, its format, its records, its span and its sums.
    rejected : DataFrame
        Columns of :data:`REJECTED`: records that were not read, with the reason and what they held.
    overlaps : DataFrame
        Columns of :data:`OVERLAPS`: what stands in two exports and is counted once.
    unmatched : DataFrame
        What no rule gave a value: the column that stays empty, the names that the export has, and what they weigh.
    conservation : DataFrame
        Rows ``held``, ``rejected``, ``counted once`` and ``read``; columns requests, tokens and the money columns.
        The first less the next two is the last.
    """

    sources: pd.DataFrame
    rejected: pd.DataFrame
    overlaps: pd.DataFrame
    unmatched: pd.DataFrame
    conservation: pd.DataFrame

    @property
    def reasons(self) -> pd.DataFrame:
        """The rejected records by source and reason: rows, first row, an example, and what they held."""
        keys = ["source", "reason"]
        if self.rejected.empty:
            return pd.DataFrame(columns=[*keys, "rows", "row", "value", "requests", "tokens", "money"])
        grouped = self.rejected.groupby(keys, sort=False, dropna=False)
        table = grouped.agg(rows=("rows", "sum"), row=("row", "first"), value=("value", "first"))
        sums = grouped[["requests", "tokens", "money"]].sum(min_count=1)
        return table.join(sums).reset_index()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the usage must know, in words."""
        told = [
            f"{row.source}: {_rows(row.rows)} rejected: {row.reason} (row {row.row}: {row.value})"
            for row in self.reasons.head(ROWS_SHOWN).itertuples()
        ]
        if len(self.reasons) > ROWS_SHOWN:
            told.append(f"and {len(self.reasons) - ROWS_SHOWN} more reasons: usage.reading.rejected")
        told += [
            f"{row.source} repeats {_rows(row.rows)} of {row.other} ({row.first:%Y-%m-%d} to {row.last:%Y-%m-%d}), "
            "counted once"
            for row in self.overlaps.itertuples()
        ]
        told += [
            f"no rule gives {column} to {_rows(part['rows'].sum())}: usage.reading.unmatched"
            for column, part in self.unmatched.groupby("column", sort=False)
        ]
        return tuple(told)

    def show(self) -> Shown:
        """What the sources held, what was rejected and counted once, and what was read."""
        money = [str(c) for c in self.conservation if c not in ("requests", "tokens")]
        kinds: dict[str, CellKind] = {
            **dict.fromkeys(money, "cents"),
            "requests": "count",
            "tokens": "count",
            "money": "cents",
        }
        kinds |= dict.fromkeys(("rows", "records", "first row"), "count")
        sources = self.sources.assign(source=[re.split(r"[/\\]", str(name))[-1] for name in self.sources["source"]])
        rejected = self.reasons.rename(columns={"row": "first row", "value": "example"})
        tables = (
            readable(
                self.conservation.rename_axis(""),
                kinds=kinds,
                caption="What was held less the next two is what was read.",
            ),
            readable(
                sources, kinds=kinds | {"source": "label"}, caption="What each source holds.", where="reading.sources"
            ),
            readable(
                rejected, kinds=kinds | {"reason": "words"}, caption="What was not read.", where="reading.rejected"
            ),
            readable(self.overlaps, kinds=kinds, caption="What stands in two sources.", where="reading.overlaps"),
            readable(self.unmatched, kinds=kinds, caption="What no rule gave a value.", where="reading.unmatched"),
        )
        return Shown("Reading", repr(self).removeprefix("Reading(").removesuffix(")") + ".", tables)

    def __repr__(self) -> str:
        records, rejected = int(self.sources["records"].sum()), int(self.rejected["rows"].sum())
        return f"Reading({len(self.sources)} sources, {records:,} records, {rejected:,} rejected)"


def _rows(count: object) -> str:
    number = int(float(str(count)))
    return "1 row" if number == 1 else f"{number:,} rows"


def table_of(rows: list[tuple[object, ...]], columns: tuple[str, ...]) -> pd.DataFrame:
    """Rows as a table of these columns, with numbers as numbers even where there are no rows."""
    table = pd.DataFrame(rows, columns=list(columns))
    numeric = [c for c in ("rows", "records", "requests", "tokens", "money") if c in table]
    return table.astype(dict.fromkeys(numeric, "float64")) if table.empty else table
