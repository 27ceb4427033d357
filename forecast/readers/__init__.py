"""Readers: an export in, the canonical usage table out. One file a format; ``read_usage`` finds the right one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from forecast.checks import Duplicates
from forecast.errors import UsageError, one_of
from forecast.readers.tidy import read_tidy
from forecast.usage import Usage

READERS = {"tidy": read_tidy}


def read_usage(
    source: str | Path | pd.DataFrame,
    *,
    format: str | None = None,  # noqa: A002 - the name that users of pandas and polars expect
    columns: Mapping[str, str] | None = None,
    fill: Mapping[str, str] | None = None,
    timezone: str = "UTC",
    duplicates: Duplicates = "refuse",
    sort: bool = False,
    today: str | pd.Timestamp | None = None,
) -> Usage:
    """Read a usage export.

    Parameters
    ----------
    source : path or DataFrame
        A tidy CSV (also gzipped) or Parquet file, or such a frame: one row a period and key.
    format : {"tidy"}, optional
        The export's format; found from the source where it is not given.
    columns : mapping, optional
        Canonical column → the source's own name, where they differ: ``{"date": "day", "input_tokens": "prompt"}``.
    fill : mapping, optional
        Canonical text column → one value for all rows: ``{"provider": "openai", "currency": "USD"}``.
    timezone : str
        The billing zone that dates are in.
    duplicates : {"refuse", "sum"}
        What to do with several rows of one period and key.
    sort : bool
        Accept dates that run neither up nor down within a key.
    today : date, optional
        Rows after this day are refused. The machine's own date where it is not given.

    Returns
    -------
    Usage
        Every row of the source; nothing is dropped. Columns that were not read are named in ``usage.notes``.

    Raises
    ------
    UsageError
        The source is missing, empty, or breaks a rule of the table; the message names file, column, row and remedy.
    """
    if format is not None:
        one_of("format", format, READERS, UsageError)
    usage = READERS[format or "tidy"](
        source, columns=columns, fill=fill, timezone=timezone, duplicates=duplicates, sort=sort
    )
    limit = (pd.Timestamp(today) if today is not None else pd.Timestamp.now(tz=timezone)).tz_localize(None)
    if usage.end > limit:
        late = int((usage.frame["date"] > limit).sum())
        raise UsageError(
            f"{usage.source}: column 'date': {late} rows are after {limit:%Y-%m-%d}, the last of {usage.end:%Y-%m-%d}; "
            "usage lies in the past: check the dates, or say which day it is with today="
        )
    return usage
