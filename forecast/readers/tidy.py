"""Tidy tables: one row a period and key, under canonical names or names that are mapped to them; extracts go out.

Unlike an export of a vendor, a tidy table is its owner's to mend: a row that can't be right stops the reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import pandas as pd

from forecast import schema
from forecast.checks import Duplicates
from forecast.currency import Rates
from forecast.errors import UsageError, bad_rows
from forecast.readers.contents import Content, Table
from forecast.readers.rules import Rules
from forecast.readers.sheet import Extract, sums_of
from forecast.readers.spelling import Decimal, written_plainly
from forecast.reading import REJECTED, table_of
from forecast.usage import Usage

NAME = "tidy"
TITLE = "tidy CSV, Parquet or frame: one row a period and key"


@dataclass(frozen=True, slots=True)
class TidyOptions:
    """What a tidy table is read by: see :func:`forecast.read_usage`."""

    columns: Mapping[str, str] = field(default_factory=dict)
    fill: Mapping[str, str] = field(default_factory=dict)
    timezone: str = "UTC"
    duplicates: Duplicates = "refuse"
    sort: bool = False
    rules: Rules | None = None
    currency: str | None = None
    rates: Rates | None = None
    decimal: Decimal | None = None


def read_tidy(parts: Iterable[Content], options: TidyOptions, *, first_row: int) -> Usage:
    """The parts of one source as a usage, checked row by row.

    Raises
    ------
    UsageError
        What the rules of the usage table forbid; the message names file, column, row and remedy.
    """
    tables = list(_tables(parts))
    name = tables[0].name
    for table in tables:
        if len(table.ragged):
            every = pd.Series(True, index=table.ragged.index)
            shown = bad_rows(table.ragged, every, ["row", "value"], first_row=first_row)
            raise UsageError(f"{name}: cannot be read as a table: rows do not fit the header: {shown}; export it again")
    frame = pd.concat([t.frame for t in tables], ignore_index=True) if len(tables) > 1 else tables[0].frame
    columns = options.columns
    plain = written_plainly(
        frame, columns, name=name, first_row=first_row, separator=tables[0].separator, decimal=options.decimal
    )
    frame, assumed = plain.frame, [*tables[0].notes, *plain.notes]
    unknown: list[str] = []
    if options.rules is not None:
        known = {own: canonical for canonical, own in columns.items()}
        frame = frame.rename(columns=known)
        unknown = options.rules.check(frame.columns)
        frame = options.rules.applied(frame)
        columns = {}
    return Usage.from_frame(
        frame,
        columns=columns,
        fill=options.fill,
        timezone=options.timezone,
        duplicates=options.duplicates,
        sort=options.sort,
        source=name,
        first_row=first_row,
        notes=[*assumed, *unknown],
        currency=options.currency,
        rates=options.rates,
    )


def extract_of(usage: Usage) -> Extract:
    """A tidy usage as an extract, to be joined with others."""
    frame = usage.frame if usage.superseded is None else pd.concat([usage.frame, usage.superseded], ignore_index=True)
    held = sums_of(frame)
    measures = [c for c in frame if c in schema.UNITS or c in (*schema.MONEY, schema.REQUESTS)]
    frame = frame.astype(dict.fromkeys(measures, "float64")).assign(part=0)
    nothing = table_of([], REJECTED)
    return Extract(
        usage.source, usage.grain, frame, (), nothing, len(frame), held, dict.fromkeys(held, 0.0), usage.notes
    )


def _tables(parts: Iterable[Content]) -> Iterator[Table]:
    for part in parts:
        if not isinstance(part, Table):
            raise UsageError(
                f"{part.name}: is JSON of no format that is known here; export CSV or Parquet, or pass a pandas frame"
            )
        yield part
