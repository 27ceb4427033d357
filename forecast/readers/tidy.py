"""Tidy tables: a CSV or Parquet file, or a frame, with one row a period and key; out comes the canonical table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from forecast.checks import Duplicates
from forecast.errors import UsageError, nearest
from forecast.usage import Usage


def read_tidy(
    source: str | Path | pd.DataFrame,
    *,
    columns: Mapping[str, str] | None,
    fill: Mapping[str, str] | None,
    timezone: str,
    duplicates: Duplicates,
    sort: bool,
) -> Usage:
    """Read a tidy table with explicit column mapping; see :func:`forecast.read_usage`."""
    if isinstance(source, pd.DataFrame):
        frame, name, first_row = source, "<frame>", 0
    else:
        frame, name, first_row = *_load(Path(source)), 2
    return Usage.from_frame(
        frame,
        columns=columns,
        fill=fill,
        timezone=timezone,
        duplicates=duplicates,
        sort=sort,
        source=name,
        first_row=first_row,
    )


def _load(path: Path) -> tuple[pd.DataFrame, str]:
    if not path.exists():
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise UsageError(f"{path}: there is no such file{nearest(path.name, beside)}")
    if path.is_dir():
        raise UsageError(f"{path}: is a folder; name one CSV or Parquet file")
    if path.suffix.lower() in (".json", ".jsonl", ".xlsx", ".xls"):
        raise UsageError(f"{path}: {path.suffix} is not read; export CSV or Parquet, or pass a pandas frame")
    if path.stat().st_size == 0:
        raise UsageError(f"{path}: the file is empty; export it again")
    try:
        if path.suffix in (".parquet", ".pq"):
            return pd.read_parquet(path), str(path)
        # Read as text, so that a bad number can be named by its row and its own spelling.
        frame = pd.read_csv(path, dtype=str, skipinitialspace=True, encoding="utf-8-sig")
    except UnicodeDecodeError as cause:
        raise UsageError(f"{path}: is not UTF-8 text (byte {cause.start}); save it as UTF-8 CSV") from cause
    except (pd.errors.ParserError, pd.errors.EmptyDataError, OSError, EOFError) as cause:
        raise UsageError(f"{path}: cannot be read as a table: {str(cause).strip()}; export it again") from cause
    except ValueError as cause:  # pyarrow's errors of a damaged Parquet file are ValueErrors
        raise UsageError(f"{path}: cannot be read as Parquet: {cause}; export it again") from cause
    if len(frame.columns) == 1 and any(mark in str(frame.columns[0]) for mark in ";\t|"):
        raise UsageError(
            f"{path}: has one column, {str(frame.columns[0])[:60]!r}; separate columns with commas, "
            "or read it with pandas and pass the frame"
        )
    return frame, str(path)
