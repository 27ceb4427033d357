"""Contents: a file or frame comes in; what is in it goes out in parts: tables of text, or JSON documents."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, Final

import pandas as pd

from forecast.errors import UsageError
from forecast.readers.files import JSONS, PARQUETS, WESTERN, kind_of, opened

#: Rows of one part of a table: what is held in memory at a time.
CHUNK_ROWS: Final = 200_000
#: A single JSON document is read whole; one that is longer is refused.
MOST_JSON: Final = 1 << 30
#: What may stand between cells; the first is what every format but tidy tables has.
_SEPARATORS: Final = (",", ";", "\t", "|")
_CALLED: Final = {";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True, slots=True)
class Table:
    """A part of a table: its cells as the source has them, and the rows that do not fit its header.

    Attributes
    ----------
    name : str
        How errors call the source.
    frame : DataFrame
        Text cells from CSV, typed ones from Parquet or a frame. The index is the row's number in the source, as an
        editor counts it: 2 is the first under a header.
    ragged : DataFrame
        Columns ``row`` and ``value``: rows with too few or too many cells, and how they begin.
    separator : str
        What stands between the cells of a file of text.
    notes : tuple of str
        What was assumed of the file, in words.
    """

    name: str
    frame: pd.DataFrame
    ragged: pd.DataFrame
    separator: str = ","
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Documents:
    """JSON documents of one source: the one of a .json file, or those of its lines.

    ``lines`` numbers each document's line in the source.
    """

    name: str
    values: tuple[Any, ...]
    lines: tuple[int, ...]


Content = Table | Documents


def contents(path: Path) -> Iterator[Content]:
    """The parts of a file.

    Raises
    ------
    UsageError
        The file is no table and no JSON: cut, broken or of another kind.
    """
    kind = kind_of(path)
    if kind in PARQUETS:
        yield from _parquet(path)
    elif kind in JSONS or _looks_like_json(path):
        yield from _json(path)
    else:
        yield from _csv(path)


def table_of_frame(frame: pd.DataFrame, name: str = "<frame>") -> Table:
    """A frame in hand as a table; its rows are numbered from 0."""
    return Table(name, frame.reset_index(drop=True), _ragged([]))


def _ragged(rows: Sequence[tuple[int, str]]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["row", "value"])


# ------------------------------------------------------------------------------------------------------------ CSV


def _csv(path: Path) -> Iterator[Table]:
    csv.field_size_limit(1 << 24)
    with opened(path, or_western=True) as text:
        first_line = text.readline()
        separator = _separator(path, first_line)
        notes = [f"{path}: cells are separated by {_CALLED[separator]}"] if separator in _CALLED else []
        if text.encoding == WESTERN:
            notes.append(f"{path}: is no UTF-8; names are read as Windows-1252")
        reader = csv.reader(chain([first_line], text), strict=True, skipinitialspace=True, delimiter=separator)
        try:
            header = [cell.strip() for cell in next(reader, [])]
            _check_header(path, header)
            numbered = ((reader.line_num, cells) for cells in reader if cells)
            first: tuple[int, list[str]] | None = next(numbered, None)
            rest = chain([first], numbered) if first is not None else iter(())
            empty = first is None
            while empty or (part := list(islice(rest, CHUNK_ROWS))):
                table = _table(str(path), header, [] if empty else part)
                yield replace(table, separator=separator, notes=tuple(notes))
                if empty:
                    return
        except csv.Error as cause:
            raise UsageError(
                f"{path}: cannot be read as a table, line {reader.line_num}: {cause}; export it again"
            ) from cause


def _separator(path: Path, header: str) -> str:
    """What stands between the names of a header: what makes most of them.

    Raises
    ------
    UsageError
        Two marks make as many.
    """
    widths = {mark: len(next(csv.reader([header], delimiter=mark, skipinitialspace=True), [])) for mark in _SEPARATORS}
    most = [mark for mark, width in widths.items() if width == max(widths.values())]
    if len(most) > 1 and max(widths.values()) > 1:
        raise UsageError(
            f"{path}: the header {header.strip()[:60]!r} has as many columns by {most[0]!r} as by {most[1]!r}; "
            "put names that hold such a mark in quotes, or read it with pandas and pass the frame"
        )
    return most[0]


def _table(name: str, header: list[str], part: list[tuple[int, list[str]]]) -> Table:
    width = len(header)
    whole = [(row, cells) for row, cells in part if len(cells) == width]
    ragged = [
        (row, f"{len(cells)} cells under {width} columns: {','.join(cells)[:80]}")
        for row, cells in part
        if len(cells) != width
    ]
    columns = {c: pd.Series([cells[i] for _, cells in whole], dtype="str") for i, c in enumerate(header)}
    frame = pd.DataFrame(columns)
    frame.index = pd.Index([row for row, _ in whole], dtype="int64")
    return Table(name, frame, _ragged(ragged))


def _check_header(path: Path, header: list[str]) -> None:
    if any("\0" in name for name in header):
        raise UsageError(f"{path}: cannot be read as a table: it holds zero bytes and is no text; export it again")
    if not any(header):
        raise UsageError(f"{path}: cannot be read as a table: the first line names no column; export it again")
    twice = next((c for i, c in enumerate(header) if c in header[:i]), None)
    if twice is not None:
        raise UsageError(f"{path}: column {twice!r}: stands twice in the header; name each column once")


# ----------------------------------------------------------------------------------------------------------- JSON


def _looks_like_json(path: Path) -> bool:
    with opened(path, or_western=True) as text:
        return text.read(256).lstrip("\ufeff \t\r\n").startswith(("{", "["))


def _json(path: Path) -> Iterator[Documents]:
    with opened(path) as text:
        numbered = ((row, line) for row, line in enumerate(iter(text.readline, ""), start=1) if line.strip())
        first = next(numbered, None)
        if first is None:
            raise UsageError(f"{path}: the file is empty; export it again")
        try:
            head: Any = json.loads(first[1])
        except json.JSONDecodeError:
            yield _whole_document(path, first[1], text)
            return
        second = next(numbered, None)
        if second is None:
            yield Documents(str(path), (head,), (first[0],))
            return
        yield from _lines(path, chain([first, second], numbered))


def _whole_document(path: Path, first: str, text: IO[str]) -> Documents:
    rest = text.read(MOST_JSON)
    if len(rest) == MOST_JSON:
        raise UsageError(f"{path}: is one JSON document of more than 1 GB; export it as JSON lines, CSV or Parquet")
    try:
        value = json.loads(first + rest)
    except json.JSONDecodeError as cause:
        raise UsageError(
            f"{path}: is no whole JSON document: line {cause.lineno}, column {cause.colno}: {cause.msg}; "
            "it may be cut: export it again"
        ) from cause
    return Documents(str(path), (value,), (1,))


def _lines(path: Path, lines: Iterator[tuple[int, str]]) -> Iterator[Documents]:
    while part := [(row, line) for row, line in islice(lines, CHUNK_ROWS)]:
        values = []
        for row, line in part:
            try:
                values.append(json.loads(line))
            except json.JSONDecodeError as cause:
                raise UsageError(
                    f"{path}: line {row} is no JSON: {cause.msg} at column {cause.colno}; "
                    "it may be cut: export it again"
                ) from cause
        yield Documents(str(path), tuple(values), tuple(row for row, _ in part))


# -------------------------------------------------------------------------------------------------------- Parquet


def _parquet(path: Path) -> Iterator[Table]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        row = 1
        for batch in file.iter_batches(batch_size=CHUNK_ROWS):
            frame = batch.to_pandas()
            frame.index = pd.RangeIndex(row, row + len(frame))
            row += len(frame)
            yield Table(str(path), frame, _ragged([]))
        if row == 1:
            yield Table(str(path), file.schema_arrow.empty_table().to_pandas(), _ragged([]))
    except (pa.ArrowException, OSError) as cause:
        raise UsageError(f"{path}: cannot be read as Parquet: {cause}; export it again") from cause
