"""The warehouse: a log comes in where it lives, as a lazy frame, big files or a database's table; daily sums go out.

Only sums by period and key leave it, and a line for each reason for which rows were rejected.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from forecast import schema
from forecast.errors import UsageError, one_of
from forecast.readers import grouping as g
from forecast.readers import litellm
from forecast.readers.assemble import PERSONAL, How
from forecast.readers.files import PARQUETS, TABLES, kind_of
from forecast.readers.lazyframes import is_dask, read_groups
from forecast.readers.logs import Log, check_mapping, log_of
from forecast.readers.logsheet import disjoint, listed, named
from forecast.readers.sheet import Extract, check_conserved
from forecast.reading import REJECTED
from forecast.schema import Grain

NAME: Final = "log"
TITLE: Final = "any log of requests, with columns={...}: files of any size, lazy frames and database tables"
#: Files of more than this together are grouped by DuckDB, out of core.
BIG_FILES: Final = 16 << 20
#: The formats that can be read where they live.
FORMATS: Final = (NAME, litellm.NAME)


@dataclass(frozen=True, slots=True)
class Stored:
    """A log where it lives.

    Attributes
    ----------
    name : str
        What errors call it; without user, password or options of an address.
    kind : {"files", "frame", "database"}
    what : list of Path, lazy or eager frame, or address or engine of SQLAlchemy's
        Its repr is not shown: an address may hold a password.
    table : str or None
        The table of a database.
    """

    name: str
    kind: Literal["files", "frame", "database"]
    what: Any = field(repr=False)
    table: str | None = None


def stored_files(files: Sequence[Path], format: str | None, *, together: bool) -> list[Stored] | None:  # noqa: A002
    """Files as stored logs, where they are named as one or are too big to be held; else None.

    ``together`` makes one log of all: what repeats an id of another file is found.
    """
    big = format in (None, litellm.NAME) and sum(path.stat().st_size for path in files) > BIG_FILES
    if format != NAME and not (big and all(_is_spend_log(path) for path in files)):
        return None
    if together:
        named = str(files[0]) if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"
        return [Stored(named, "files", list(files))]
    return [Stored(str(path), "files", [path]) for path in files]


def _is_spend_log(path: Path) -> bool:
    """Whether a table's columns are those of LiteLLM's."""
    if kind_of(path) in PARQUETS:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return litellm.fits_columns(pq.read_schema(path).names)
        except (pa.ArrowException, OSError):
            return False  # its own reader says what is wrong with it
    if kind_of(path) not in TABLES:
        return False
    with path.open("rb") as file:
        head = file.read(1 << 14).split(b"\n")[0].decode("utf-8", errors="replace")
    return litellm.fits_columns(name.strip().strip('"') for name in head.split(","))


def stored_frame(source: Any, format: str | None) -> Stored | None:  # noqa: A002
    """A frame as a stored log, where it is named as one, or is lazy and looks like one; else None."""
    import narwhals as nw

    if is_dask(source):
        return Stored("<frame>", "frame", source) if format in FORMATS or _fits(source.columns, format) else None
    frame = nw.from_native(source, pass_through=True)
    if not isinstance(frame, nw.DataFrame | nw.LazyFrame):
        return None
    if isinstance(frame, nw.LazyFrame):
        if format in FORMATS or _fits(frame.collect_schema().names(), format):
            return Stored("<frame>", "frame", source)
        return None
    return Stored("<frame>", "frame", source) if format == NAME else None


def _fits(columns: Iterable[Any], format: str | None) -> bool:  # noqa: A002
    return format is None and litellm.fits_columns(map(str, columns))


def is_address(source: Any) -> bool:
    """Whether it is the address of a database, or an engine of SQLAlchemy's."""
    if isinstance(source, str):
        return "://" in source
    return type(source).__module__.split(".")[0] == "sqlalchemy"


def stored_database(source: Any, format: str | None, table: str | None) -> Stored:  # noqa: A002
    """A database's table as a stored log.

    Raises
    ------
    UsageError
        The address is none, or no table is named.
    """
    from forecast.readers.databases import described

    if table is None and format != litellm.NAME:
        raise UsageError(f"{described(source)}: name the table: table='…', with format='log' and columns={{...}}")
    table = table or litellm.SPEND_LOGS
    return Stored(f"{described(source)}, table {table}", "database", source, table)


def extracts(
    stored: Stored,
    format: str | None,  # noqa: A002 - as in read_usage
    how: How,
    columns: Mapping[str, str],
) -> Iterator[tuple[str, Extract]]:
    """The sums of a stored log, and the format that it is of.

    Raises
    ------
    UsageError
        The log lacks a column, its engine fails, or nothing says what its columns mean.
    """
    one_of("format", format, (None, *FORMATS), UsageError)
    check_mapping(columns)
    try:
        ZoneInfo(how.timezone)
    except (ZoneInfoNotFoundError, ValueError) as cause:
        raise UsageError(f"timezone {how.timezone!r} is not known; give one like 'Europe/Berlin' or 'UTC'") from cause
    meaning = _Meaning(stored.name, format, dict(columns), how)
    if stored.kind == "database":
        from forecast.readers.databases import groups_of_table

        log, groups = groups_of_table(stored.what, stored.table, meaning, source_name=stored.name)
    else:
        log, groups = read_groups(stored.what, meaning, files=stored.kind == "files")
    yield log.name, extract_of(groups, log, name=stored.name, how=how)


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What is asked of a log: it finds the description once its columns are known."""

    source: str
    format: str | None
    columns: Mapping[str, str]
    how: How

    @property
    def grain(self) -> Grain:
        """What rows are added up to in the warehouse."""
        return self.how.grain or "day"

    @property
    def zone(self) -> str:
        """The billing zone."""
        return self.how.timezone

    @property
    def dedupe(self) -> bool:
        """Whether ids are compared."""
        return self.how.dedupe

    def of(self, there: Sequence[str]) -> Log:
        """The log that has these columns.

        Raises
        ------
        UsageError
            What they mean is not known, or ids are to be compared and there are none.
        """
        if self.format is None and self.columns:
            raise UsageError(f"{self.source}: columns= maps a log of any kind: say format='log' with it")
        if self.format == NAME:
            log = log_of(self.columns, there=there, source=self.source)
        else:
            if self.columns:
                raise UsageError(f"{self.source}: the columns of {self.format} are known: leave out columns=")
            log = litellm.log_of(there, source=self.source)
        if self.how.dedupe and log.identity is None:
            raise UsageError(
                f"{self.source}: dedupe='request_id': it bears no ids of requests; "
                "map the column that does: columns={'request_id': '...'}"
            )
        return log if self.how.personal else log.without(PERSONAL)


def extract_of(groups: g.Groups, log: Log, *, name: str, how: How) -> Extract:
    """The sums of a log as an extract: what is right, what is rejected, what repeats.

    Raises
    ------
    UsageError
        They do not add up to what the log holds.
    """
    table = groups.frame
    rows = table[g.ROWS].astype("float64")
    known = {m: table[g.known_column(m)].astype("float64") for m in log.measures}
    sums = {m: table[g.sum_column(m)].astype("float64").where(known[m] > 0) for m in log.measures}
    counted = sums.get(schema.REQUESTS, rows)
    own = {schema.REQUESTS: counted, **{m: sums[m] for m in log.money}}
    if log.tokens:
        own["tokens"] = pd.DataFrame({m: sums[m] for m in log.tokens}).sum(axis=1)
    wrong = table[g.VERDICT].astype("int64") > 0
    again = table[g.AGAIN].astype(bool) & ~wrong if g.AGAIN in table else pd.Series(False, index=table.index)
    frame = pd.DataFrame({schema.DATE: pd.to_datetime(table[g.PERIOD]), **log.fixed}, index=table.index)
    for key, values in named({key: listed(table[g.key_column(key)]) for key in log.by}, log).items():
        frame[key] = values
    for measure, values in disjoint(sums, log).items():
        frame[measure] = values
    frame[schema.REQUESTS] = counted
    negative = table[g.NEGATIVE].fillna(False).astype(bool) & ~wrong
    frame, notes = _signs(frame, negative, rows)
    frame["rows"] = rows
    partly = [(known[m] > 0) & (known[m] < rows) for m in log.measures]
    frame["blank"] = np.logical_or.reduce(partly).astype("float64")
    frame["begin"], frame["end"] = (_instants(table[c], log) for c in (g.BEGIN, g.END))
    frame["part"] = 0
    ordered = [c for c in (schema.DATE, *log.by, "charge_category") if c in frame]
    kept = frame[~wrong & ~again].sort_values(ordered, kind="stable", ignore_index=True)  # an engine gives any order
    repeated = {c: float(v[again].sum()) for c, v in own.items()} | {"rows": float(rows[again].sum())}
    extract = Extract(
        name,
        "hour" if how.grain == "hour" and not log.daily else "day",
        kept,
        tuple(a for a in log.attributes),
        _rejected(groups, name, rows, own),
        int(rows.sum()),
        {c: float(v.sum()) for c, v in own.items()},
        {c: float(v[wrong].sum()) for c, v in own.items()},
        (*log.notes, *notes),
        repeated=repeated if how.dedupe else {},
    )
    check_conserved(extract)
    return extract


def _signs(frame: pd.DataFrame, negative: pd.Series, rows: pd.Series) -> tuple[pd.DataFrame, list[str]]:
    """Money below 0 that has no category is an adjustment, and said so."""
    category = frame.get("charge_category", pd.Series(None, index=frame.index, dtype="str"))
    negative &= ~category.isin(schema.NEGATIVE_CATEGORIES)
    if not negative.any():
        return frame, []
    told = f"{int(rows[negative].sum())} rows with money below 0 are taken as adjustments"
    return frame.assign(charge_category=category.astype("str").mask(negative, "adjustment")), [told]


def _instants(column: pd.Series, log: Log) -> pd.Series:
    stamps = pd.to_datetime(column)
    return pd.Series(pd.NaT, index=column.index, dtype="datetime64[us]") if log.daily else stamps


def _rejected(groups: g.Groups, name: str, rows: pd.Series, own: Mapping[str, pd.Series]) -> pd.DataFrame:
    """A row a reason, with an example."""
    verdict = groups.frame[g.VERDICT].astype("int64")
    money = next((own[m] for m in schema.MONEY if m in own), None)
    nothing = pd.Series(np.nan, index=rows.index)
    found = [
        (
            name,
            example[0],
            groups.reasons[number - 1],
            example[1],
            float(rows[mine].sum()),
            *(
                float(v[mine].sum(min_count=1))
                for v in (own[schema.REQUESTS], own.get("tokens", nothing), nothing if money is None else money)
            ),
        )
        for number in sorted(set(verdict[verdict > 0]))
        for mine, example in ((verdict == number, g.shown(groups, number)),)
    ]
    return pd.DataFrame(found, columns=list(REJECTED))
