"""DuckDB: a relation, or files too big for memory, come in; their rows with typed columns go out, still lazy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from forecast.errors import UsageError
from forecast.readers import grouping as g
from forecast.readers.files import JSONS, PARQUETS, kind_of
from forecast.readers.logs import MOMENT, Field, Log
from forecast.schema import Grain

if TYPE_CHECKING:
    import duckdb

_NUMBERS: Final = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER")
_WHOLE: Final = (*_NUMBERS, "UBIGINT", "UHUGEINT")
_FLOATS: Final = ("FLOAT", "DOUBLE")
_STAMPS: Final = ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "DATE")
#: What stands at the end of a time that says its own offset.
_OFFSET: Final = r"\d{2}:\d{2}(:\d{2})?(\.\d+)?\s*(Z|UTC|[+-]\d{2}(:?\d{2})?)$"
#: DuckDB's own column of the number of a row in a Parquet file, from 0.
_NUMBERED: Final = "file_row_number"
#: Memory for grouping; what does not fit is spilled to a temporary folder.
MEMORY: Final = "1GB"


def typed(relation: duckdb.DuckDBPyRelation, log: Log, *, timezone: str, grain: Grain) -> Any:
    """The relation with the typed columns of :mod:`forecast.readers.grouping` beside its own, as a Narwhals frame."""
    import narwhals as nw

    kinds = dict(zip(relation.columns, map(str, relation.types), strict=True))
    parsed = [f"{_paths(c, kinds[c], paths)} AS {_json(c)}" for c, paths in log.jsons.items()]
    if parsed:
        relation = relation.project(", ".join(["*", *parsed]))
    moment, unreadable, local = _moment(log.moment, kinds, timezone if not log.daily else "UTC")
    columns = {
        g.moment_column(): moment,
        g.unreadable_column(MOMENT): unreadable,
    }
    for name, own in log.measures.items():
        value, bad = _number(own, log, kinds)
        columns |= {g.number_column(name): value, g.unreadable_column(name): bad}
    for column in log.jsons:
        columns[g.unreadable_column(column)] = _no_json(column, kinds[column])
    columns |= {g.key_column(name): _texts(own, log, kinds)[0] for name, own in log.by.items()}
    if log.aside is not None:
        values = ", ".join(_literal(v) for v in log.aside.values)
        columns[g.ASIDE] = f"coalesce(lower({_texts(log.aside.field, log, kinds)[0]}) IN ({values}), false)"
    if log.identity is not None:
        columns[g.IDENTITY] = f"nullif({_texts(log.identity, log, kinds)[0]}, '')"
    # The number of a row costs less to read than its id, which is as wide as all the rest.
    numbered = f"{_NUMBERED} + 1" if _NUMBERED in kinds else columns.get(g.IDENTITY, "''")
    columns[g.ROW] = numbered
    made = relation.project(", ".join(["*", *(f"{sql} AS {_quoted(name)}" for name, sql in columns.items())]))
    period = f"date_trunc('{grain}', {local})::TIMESTAMP AS {_quoted(g.PERIOD)}"
    return nw.from_native(made.project(f"*, {period}"))


def _moment(own: Field, kinds: dict[str, str], timezone: str) -> tuple[str, str, str]:
    """SQL of the instant in UTC, of whether it is unreadable, and of the billing zone's clock."""
    column, kind, instant = _quoted(own.column), kinds[own.column], _quoted(g.moment_column())
    local = instant if timezone == "UTC" else f"timezone({_literal(timezone)}, timezone('UTC', {instant}))"
    if kind == "DATE":
        return f"{column}::TIMESTAMP", "false", instant
    if kind in _STAMPS:
        return f"{column}::TIMESTAMP", "false", local
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"make_timestamp(epoch_us({column}))", "false", local
    if kind in _WHOLE or kind in _FLOATS or kind.startswith("DECIMAL"):
        number = f"TRY_CAST({column} AS DOUBLE)"
        micros = (
            f"CASE WHEN {number} < 1e11 THEN {number} * 1e6 WHEN {number} < 1e14 THEN {number} * 1e3 "
            f"WHEN {number} < 1e17 THEN {number} ELSE {number} / 1e3 END"
        )
        return f"TRY(make_timestamp(TRY_CAST(round({micros}) AS BIGINT)))", f"isnan({column}::DOUBLE)", local
    text = f"trim({column}::VARCHAR)"
    whole = f"CASE WHEN length({text}) <= 10 THEN {text} || ' 00:00:00' ELSE {text} END"
    zoned = f"CASE WHEN regexp_matches({text}, '{_OFFSET}') THEN {text} ELSE {whole} || '+00' END"
    made = f"make_timestamp(epoch_us(TRY_CAST({zoned} AS TIMESTAMPTZ)))"
    bare = f"CASE WHEN length({text}) <= 10 THEN {instant} ELSE {local} END"
    return made, f"coalesce({text} <> '', false) AND {made} IS NULL", bare


def _number(own: Field, log: Log, kinds: dict[str, str]) -> tuple[str, str]:
    """SQL of a number as float, and of whether what stands there is none."""
    kind = kinds[own.column]
    if not own.paths and (kind in _WHOLE or kind.startswith("DECIMAL")):
        return f"{_quoted(own.column)}::DOUBLE", "false"
    if not own.paths and kind in _FLOATS:
        return f"CASE WHEN NOT isnan({_quoted(own.column)}) THEN {_quoted(own.column)}::DOUBLE END", "false"
    texts = _texts(own, log, kinds)
    casts = [f"TRY_CAST({text} AS DOUBLE)" for text in texts]
    value = casts[0] if len(casts) == 1 else f"coalesce({', '.join([*(f'nullif({c}, 0)' for c in casts), *casts])})"
    value = f"CASE WHEN NOT isnan({value}) THEN {value} END" if not own.paths else value
    bad = " OR ".join(
        f"CASE WHEN {cast} IS NULL OR isnan({cast}) THEN coalesce(trim({text}) <> '', false) ELSE false END"
        for text, cast in zip(texts, casts, strict=True)
    )
    return value, bad


def _texts(own: Field, log: Log, kinds: dict[str, str]) -> list[str]:
    """SQL of what stands at each place of a field, as text."""
    if not own.paths:
        nested = kinds[own.column].endswith("[]") or kinds[own.column].startswith(("STRUCT", "MAP"))
        return [f"to_json({_quoted(own.column)})::VARCHAR" if nested else f"{_quoted(own.column)}::VARCHAR"]
    order = log.jsons[own.column]
    return [f"{_json(own.column)}[{order.index(path) + 1}]" for path in own.paths]


def _paths(column: str, kind: str, paths: Sequence[tuple[str, ...]]) -> str:
    """SQL of a list of what stands under each path: the JSON is parsed once, and what is none gives null."""
    listed = ", ".join(_literal("$" + "".join(f'."{step}"' for step in path)) for path in paths)
    text = kind in ("VARCHAR", "JSON")
    source = f"nullif({_quoted(column)}, '')" if text else f"to_json({_quoted(column)})"
    return f"TRY(json_extract_string({source}, [{listed}]))"


def _no_json(column: str, kind: str) -> str:
    if kind not in ("VARCHAR", "JSON"):
        return "false"
    there = f"coalesce(trim({_quoted(column)}::VARCHAR) <> '', false)"
    return f"CASE WHEN {_json(column)} IS NULL THEN {there} ELSE false END"


def _json(column: str) -> str:
    return _quoted(f"__json_{column}")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


# ---------------------------------------------------------------------------------------------------------- files


def connection() -> duckdb.DuckDBPyConnection:
    """An embedded DuckDB of our own: in memory, in UTC, within :data:`MEMORY`, without extensions from elsewhere."""
    import duckdb

    made = duckdb.connect(
        config={
            "memory_limit": MEMORY,
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )
    made.execute("SET TimeZone = 'UTC'")
    made.execute("SET enable_progress_bar = false")
    return made


def relation_of(files: Sequence[Path], con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyRelation:
    """The files as one relation; CSV and JSON lines as text, so that a bad cell is a row's fault, not the file's.

    Raises
    ------
    UsageError
        The files are of several kinds, or DuckDB cannot read one.
    """
    kinds = {_family(path) for path in files}
    if len(kinds) > 1:
        raise UsageError(f"{files[0]} and others: are of several kinds, {', '.join(sorted(kinds))}; read them apart")
    names = [str(path) for path in files]
    kind = kinds.pop()
    if kind == "Parquet":
        return con.read_parquet(names, union_by_name=True, file_row_number=True)
    if kind == "JSON lines":
        found = con.read_json(names, format="newline_delimited", union_by_name=True)
        texts = dict.fromkeys(found.columns, "VARCHAR")
        return con.read_json(names, format="newline_delimited", columns=texts)
    return con.read_csv(names, header=True, all_varchar=True, store_rejects=True)


def _family(path: Path) -> str:
    kind = kind_of(path)
    return "Parquet" if kind in PARQUETS else "JSON lines" if kind in JSONS else "CSV"


def misfits(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, str, int]]:
    """Lines of CSV files that do not fit their header, from the last reading: line, how it begins, how many more."""
    tables = {row[0] for row in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if "reject_errors" not in tables:
        return
    found = con.execute(
        "SELECT count(DISTINCT (scan_id, file_id, line)), min(line), arg_min(csv_line, line) FROM reject_errors"
    ).fetchone()
    if found and found[0]:
        yield str(found[1]), str(found[2])[:80], int(found[0])
