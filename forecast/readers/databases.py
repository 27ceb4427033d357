"""Databases: a table's address comes in; the database groups the log by day, and its sums go out.

Credentials stay inside: what is told of an address is its driver, host and database, and what a driver says is told
only where it holds nothing of the address's secrets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, quote_plus

import pandas as pd

from forecast.errors import UsageError, nearest
from forecast.readers import grouping as g
from forecast.readers.lazyframes import Meaning
from forecast.readers.logs import Log
from forecast.readers.typedsql import grouped_query

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Table
    from sqlalchemy.engine import URL

#: Seconds until a host counts as unreachable, where the address says nothing of it.
_PATIENCE: Final = 10
_POSTGRES: Final = ("postgres", "postgresql")


@dataclass(frozen=True, slots=True)
class _Failure:
    """What went wrong, in words that hold no secret."""

    told: str


def described(source: Any) -> str:
    """An address without user, password and options.

    Raises
    ------
    UsageError
        SQLAlchemy is not installed, or the address is none.
    """
    url = _url(source)
    host = f"{url.host or ''}{f':{url.port}' if url.port else ''}"
    return f"{url.get_backend_name()}://{host}/{url.database or ''}"


def groups_of_table(source: Any, table: str | None, meaning: Meaning, *, source_name: str) -> tuple[Log, g.Groups]:
    """What the columns of a database's table mean, and its sums, made by the database.

    Raises
    ------
    UsageError
        It cannot be reached or read; there is no such table; its dialect lacks what is asked.
    """
    with _engine(source) as engine:
        name, _, bare = (table or "").rpartition(".")
        found = _safely(engine, source_name, lambda con: _reflected(con, bare, name or None, source_name))
        log = meaning.of([c.name for c in found.columns])
        query, reasons = grouped_query(found, log, meaning, dialect=engine.dialect.name, source=source_name)

        def fetched(con: Connection) -> pd.DataFrame:
            rows = con.execute(query)
            return pd.DataFrame(rows.fetchall(), columns=list(rows.keys()))

        frame = _safely(engine, source_name, fetched)
    return log, g.Groups(frame, reasons)


def _url(source: Any) -> URL:
    """The parts of an address, or of an engine's."""
    try:
        import sqlalchemy as sa
    except ModuleNotFoundError as cause:
        raise UsageError("reading a database needs SQLAlchemy: pip install 'tokenplan[databases]'") from cause
    if isinstance(source, sa.Engine):
        return source.url
    if isinstance(source, sa.URL):
        return source
    if not isinstance(source, str):
        raise UsageError(f"a {type(source).__name__} is no database: give an address or an engine")
    with suppress(sa.exc.ArgumentError, ValueError):  # told below, so that no cause holds the address
        return sa.make_url(source)
    raise UsageError(
        "the database's address cannot be read; write it as postgresql://user:password@host:5432/database, "
        "with special characters of the password percent-encoded"
    )


@contextmanager
def _engine(source: Any) -> Iterator[Engine]:
    """An engine: the caller's own, or one that is closed afterwards."""
    import sqlalchemy as sa

    if isinstance(source, sa.Engine):
        yield source
        return
    url = _url(source)
    options: dict[str, Any] = {}
    if url.drivername in _POSTGRES:
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "postgresql" and "connect_timeout" not in url.query:
        options["connect_args"] = {"connect_timeout": _PATIENCE}
    made: Engine | None = None
    with suppress(sa.exc.ArgumentError, ModuleNotFoundError):  # told below, so that no cause holds the address
        made = sa.create_engine(url, hide_parameters=True, poolclass=sa.NullPool, **options)
    if made is None:
        raise UsageError(
            f"{described(source)}: no driver for {url.drivername!r} is installed; for PostgreSQL: "
            "pip install 'tokenplan[databases]'"
        )
    try:
        yield made
    finally:
        made.dispose()


def _safely(engine: Engine, source: str, work: Callable[[Connection], Any]) -> Any:
    """What the work gives; what the database says against it, without secrets.

    Raises
    ------
    UsageError
        The database refuses or cannot be reached. It has no cause: that of SQLAlchemy's holds the statement and the
        connection, and a driver's the address.
    """
    import sqlalchemy as sa

    failure: _Failure | None = None
    try:
        with engine.connect() as connection:
            postgres = engine.dialect.name == "postgresql"
            return work(connection.execution_options(postgresql_readonly=True) if postgres else connection)
    except sa.exc.DBAPIError as error:
        failure = _Failure(_without_secrets(str(error.orig), engine.url))
    except sa.exc.NoSuchModuleError:
        failure = _Failure("its dialect is not installed")
    except sa.exc.SQLAlchemyError as error:
        failure = _Failure(_without_secrets(str(error), engine.url))
    raise UsageError(f"{source}: the database cannot be read: {failure.told}")


def _without_secrets(said: str, url: URL) -> str:
    """What a driver says in its first lines, or that it cannot be shown."""
    options = [v for value in url.query.values() for v in ((value,) if isinstance(value, str) else value)]
    secrets = [s for s in (url.username, None if url.password is None else str(url.password), *options) if s]
    spelt = {form for s in secrets for form in (s, quote(s), quote(s, safe=""), quote_plus(s))}
    text = " ".join(said.split())[:300]
    if any(form in said for form in spelt):
        return "what it says names the user or an option of the address and is not shown; is the address right?"
    return text


def _reflected(connection: Connection, table: str, schema: str | None, source: str) -> Table:
    """The table as the database describes it.

    Raises
    ------
    UsageError
        There is none of that name; the nearest is named.
    """
    import sqlalchemy as sa

    try:
        return sa.Table(table, sa.MetaData(), schema=schema, autoload_with=connection, resolve_fks=False)
    except sa.exc.NoSuchTableError:
        there = sa.inspect(connection)
        names = sorted([*there.get_table_names(schema), *there.get_view_names(schema)])
    raise UsageError(
        f"{source}: there is no such table; there are {', '.join(names[:30]) or 'none'}{nearest(table, names)}"
    )
