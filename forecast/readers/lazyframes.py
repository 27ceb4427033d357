"""Lazy frames: a log as DuckDB, Polars, PySpark or Dask has it, or in files, comes in; its sums go out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Protocol

import pandas as pd

from forecast.errors import UsageError
from forecast.readers import grouping as g
from forecast.readers.logs import Log
from forecast.schema import Grain

#: The engines, and the module that speaks each.
_ENGINES: Final = {
    "duckdb": "forecast.readers.duck",
    "polars": "forecast.readers.polar",
    "pyspark": "forecast.readers.spark",
}
#: What an engine raises where it cannot read or reckon.
_FAULTS: Final = {
    "duckdb": ("duckdb", "Error"),
    "polars": ("polars.exceptions", "PolarsError"),
    "pyspark": ("pyspark.errors", "PySparkException"),
    "dask": ("pyarrow", "ArrowException"),
}


class Meaning(Protocol):
    """What is asked of a log; see :mod:`forecast.readers.warehouse`."""

    @property
    def source(self) -> str:
        """What errors call the log."""

    @property
    def grain(self) -> Grain:
        """What rows are added up to."""

    @property
    def zone(self) -> str:
        """The billing zone."""

    @property
    def dedupe(self) -> bool:
        """Whether ids are compared."""

    def of(self, there: Sequence[str]) -> Log:
        """The log that has these columns."""


def is_dask(source: Any) -> bool:
    """Whether it is a frame of Dask's, which Narwhals no longer reads by itself."""
    return type(source).__module__.split(".")[0] in ("dask", "dask_expr")


def read_groups(what: Any, meaning: Meaning, *, files: bool) -> tuple[Log, g.Groups]:
    """What a log's columns mean, and its sums.

    Raises
    ------
    UsageError
        The engine is none that is known, or it fails; its own words stand in the message.
    """
    if files:
        return _of_files(what, meaning)
    if is_dask(what):
        return _of_dask(what, meaning)
    import narwhals as nw

    frame = nw.from_native(what)
    if isinstance(frame, nw.DataFrame):
        from forecast.readers.duck import connection

        with closing(connection()) as con:
            return _read(con.from_arrow(frame.to_arrow()), "duckdb", meaning)
    engine = str(frame.implementation.value)
    if engine not in _ENGINES:
        raise UsageError(
            f"{meaning.source}: frames of {engine} are not read; allowed: {', '.join(_ENGINES)}, dask and eager frames"
        )
    return _read(frame.to_native(), engine, meaning)


def _of_dask(frame: Any, meaning: Meaning) -> tuple[Log, g.Groups]:
    from forecast.readers.dasks import groups_of

    log = meaning.of([str(c) for c in frame.columns])
    with _told("duckdb", meaning.source), _told("dask", meaning.source):
        zone, grain = meaning.zone, meaning.grain
        groups = groups_of(frame, log, timezone=zone, grain=grain, dedupe=meaning.dedupe, source=meaning.source)
        return log, groups


def _of_files(files: Sequence[Path], meaning: Meaning) -> tuple[Log, g.Groups]:
    from forecast.readers.duck import connection, misfits, relation_of

    with closing(connection()) as con, _told("duckdb", meaning.source):
        log, groups = _read(relation_of(files, con), "duckdb", meaning)
        lines = list(misfits(con))
        return log, groups if not lines else _with_misfits(groups, lines, log)


def _read(native: Any, engine: str, meaning: Meaning) -> tuple[Log, g.Groups]:
    typed: Callable[..., Any] = import_module(_ENGINES[engine]).typed
    with _told(engine, meaning.source):
        log = meaning.of([str(c) for c in native.columns] if engine != "polars" else native.collect_schema().names())
        frame = typed(native, log, timezone=meaning.zone, grain=meaning.grain)
        return log, g.grouped(frame, log, dedupe=meaning.dedupe)


@contextmanager
def _told(engine: str, source: str) -> Iterator[None]:
    """What an engine raises, in our words and its own."""
    module, name = _FAULTS[engine]
    fault: type[Exception] = getattr(import_module(module), name)
    try:
        yield
    except fault as cause:
        said = str(cause).strip().splitlines()[0][:300]
        raise UsageError(f"{source}: {engine} cannot read it: {said}") from cause


def _with_misfits(groups: g.Groups, lines: list[tuple[str, str, int]], log: Log) -> g.Groups:
    """The groups, and lines that do not fit their header as one more reason."""
    number = len(groups.reasons) + 1
    row, value, count = lines[0]
    more = {c: pd.Series([None], dtype="object") for c in groups.frame}
    more |= {g.VERDICT: pd.Series([number]), g.ROWS: pd.Series([count]), g.NEGATIVE: pd.Series([False])}
    more |= {g.EXAMPLE: pd.Series([f"line {row}\x1f{value}"])} | {
        g.known_column(m): pd.Series([0]) for m in log.measures
    }
    return g.Groups(
        pd.concat([groups.frame.astype("object"), pd.DataFrame(more)], ignore_index=True),
        (*groups.reasons, "the row does not fit the header"),
    )
