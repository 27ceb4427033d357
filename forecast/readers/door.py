"""The door. Comes in: files, frames, pages or a database's address. Goes out: one checked usage and its account."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, Literal, get_args

import pandas as pd

from forecast import schema
from forecast.checks import Duplicates
from forecast.currency import Rates
from forecast.errors import UsageError, one_of
from forecast.progress import Work, tracked
from forecast.readers.account import whole_reading
from forecast.readers.assemble import How, Services, assembled
from forecast.readers.contents import Content, Documents, Table, contents, table_of_frame
from forecast.readers.files import files_of
from forecast.readers.lazyframes import is_dask
from forecast.readers.overlap import Overlap
from forecast.readers.pages import check_pages
from forecast.readers.registry import Reader, reader_of
from forecast.readers.rules import Rules, read_rules
from forecast.readers.sheet import Extract, Page
from forecast.readers.spelling import Decimal
from forecast.readers.tidy import TidyOptions, extract_of, read_tidy
from forecast.readers.warehouse import Stored, extracts, is_address, stored_database, stored_files, stored_frame
from forecast.schema import Grain
from forecast.usage import Usage

#: One source: its name, its parts (or the log that is grouped where it lives), and the number of its first row.
_Source = tuple[str, Iterator[Any], int]


def read_usage(
    source: Any,
    *,
    format: str | Reader | None = None,  # noqa: A002 - the name that users of pandas and polars expect
    table: str | None = None,
    columns: Mapping[str, str] | None = None,
    fill: Mapping[str, str] | None = None,
    rules: str | Path | Mapping[str, Any] | Iterable[Mapping[str, Any]] | Rules | None = None,
    timezone: str = "UTC",
    grain: Grain | None = None,
    duplicates: Duplicates = "refuse",
    sort: bool = False,
    decimal: Decimal | None = None,
    overlap: Overlap = "refuse",
    dedupe: Literal["request_id"] | None = None,
    personal: bool = False,
    services: Services = "ai",
    currency: str | None = None,
    rates: Rates | None = None,
    today: str | pd.Timestamp | None = None,
) -> Usage:
    """Read usage exports of any format that is known.

    Parameters
    ----------
    source : path, glob, folder, list of them, frame, address or engine of a database, or JSON pages
        CSV, JSON, JSON lines and Parquet files, also gzipped; a pandas frame or any frame that Narwhals knows; or the
        decoded JSON of an API's pages. Several are added up, and what they hold twice is counted once. Logs of
        requests are grouped where they live: lazy frames (a DuckDB relation, Polars, PySpark, Dask) by their engine,
        a database's table (``"postgresql://…"``, or an engine of SQLAlchemy's) by the database, big files by DuckDB.
    format : str or Reader, optional
        A name of :func:`forecast.formats`, or a reader of your own; found from the source where it is not given.
        ``"log"`` is any log of requests, of any size, whose columns ``columns`` maps.
    table : str, optional
        Of databases: the table, ``"schema.table"`` where it is in no default schema. For ``format="litellm"`` its
        spend logs where it is not given.
    columns : mapping, optional
        Of tidy tables and logs: canonical column → the source's own name, where they differ: ``{"date": "day"}``.
        Of logs also paths into JSON (``{"cache_read_tokens": "usage.cached"}``), ``request_id``, and
        ``all_input_tokens`` for input that holds what a cache served.
    fill : mapping, optional
        Canonical text column → one value for all rows: ``{"provider": "openai", "currency": "USD"}``.
    rules : path or rules, optional
        A TOML file of rules that give environment, project, department or cost centre from workspaces, keys, tags and
        projects. What no rule matches is shown in ``usage.reading.unmatched``.
    timezone : str
        The billing zone that dates are in. Hours and single requests are converted to it; days are not re-zoned.
    grain : {"hour", "day", "month"}, optional
        What to add up to; by default the export's own, and days for single requests.
    duplicates : {"refuse", "sum"}
        Of tidy tables: what to do with several rows of one period and key.
    sort : bool
        Of tidy tables: accept dates that run neither up nor down within a key.
    decimal : {".", ","}, optional
        Of tidy tables of text: what stands before decimals, where the numbers do not tell by themselves.
    overlap : {"refuse", "later"}
        Where two sources differ on one period and key: refuse, or take the one that is named later.
    dedupe : {"request_id"}, optional
        Compare single requests by their own id, where the export has them.
    personal : bool
        Keep who used it: the column ``user``. Dropped by default.
    services : {"ai", "all"}
        Of a cloud's bill: AI services alone, or every line. What is left out is counted in ``usage.reading``.
    currency, rates : str, Rates, optional
        What to convert money to, and at which dated rates (:class:`forecast.Rates`); several currencies need rates.
    today : date, optional
        Rows after this day are refused. The machine's own date where it is not given.

    Returns
    -------
    Usage
        Everything the sources hold. What could not be read, was counted once or was matched by no rule stands in
        ``usage.reading`` and, in short, in ``usage.notes``; nothing is dropped uncounted.

    Raises
    ------
    UsageError
        A source is missing, broken or of no format that is known, pages are missing, sources contradict each other,
        or the table breaks a rule; the message names the place and the remedy.
    """
    one_of("decimal", decimal, (None, *get_args(Decimal)), UsageError)
    one_of("overlap", overlap, get_args(Overlap), UsageError)
    one_of("dedupe", dedupe, (None, "request_id"), UsageError)
    one_of("services", services, get_args(Services), UsageError)
    one_of("grain", grain, (None, *get_args(Grain)), UsageError)
    if currency is not None and rates is None:
        raise UsageError(
            f"currency={currency!r} needs rates=: dated rates of your own, such as fc.Rates.read('rates.csv')"
        )
    if rates is not None and not isinstance(rates, Rates):
        raise UsageError(f"rates={rates!r}: wanted dated rates, such as fc.Rates.read('rates.csv')")
    made = read_rules(rules) if rules is not None else None
    for column in fill or {}:
        one_of("canonical column", column, (*schema.DIMENSIONS, "currency", "charge_category"), UsageError)
    how = How(made, dict(fill or {}), timezone, grain, overlap, dedupe is not None, personal, services, currency, rates)
    tidy = TidyOptions(
        dict(columns or {}), dict(fill or {}), timezone, duplicates, sort, made, currency, rates, decimal
    )
    if isinstance(source, list | tuple | set | frozenset) and not source:
        raise UsageError("no source is named: give a path, a glob, a folder, a list of them, or a frame")
    sources = _named_apart(_sources(source, _name(format), table, together=dedupe is not None))
    usage = _read(sources, format, how, tidy)
    limit = (pd.Timestamp(today) if today is not None else pd.Timestamp.now(tz=usage.timezone)).tz_localize(None)
    if usage.end > limit:
        late = int((usage.frame["date"] > limit).sum())
        raise UsageError(
            f"{usage.source}: column 'date': {late} rows are after {limit:%Y-%m-%d}, the last of {usage.end:%Y-%m-%d}; "
            "usage lies in the past: check the dates, or say which day it is with today="
        )
    return _with_odd_prices(usage)


def _with_odd_prices(usage: Usage) -> Usage:
    """The usage, noting where money is out of any known range of its tokens: cents read as dollars, as a rule."""
    if usage.currency != "USD" or "billed_cost" not in usage.frame or not usage.units:
        return usage
    from forecast.prices import PriceBook
    from forecast.reconciliation.effective_prices import implausible_prices

    odd = implausible_prices(usage, PriceBook.builtin())
    odd["sold"] = odd["provider"].fillna("") + " " + odd["model"]
    told = tuple(
        f"billed_cost of {str(row.sold).strip()} is {row.ratio:,.3g} "
        f"times its list price in {row.rows:,} of {row.of_rows:,} rows, from {row.first:%Y-%m-%d} on: {row.looks_like}"
        for row in odd.itertuples()
    )
    return replace(usage, notes=(*usage.notes, *told))


def _read(sources: list[_Source], format: str | Reader | None, how: How, tidy: TidyOptions) -> Usage:  # noqa: A002
    """One tidy source as it stands; anything else by its reader, and put together."""
    extracts_: list[Iterator[tuple[str, Extract]]] = []
    pages: dict[str, list[Page]] = {}
    whole: list[Usage] = []
    for name, parts, first_row in sources:
        head = next(parts, None)
        if head is None:
            raise UsageError(f"{name}: there are no rows; export a span of time in which something was used")
        if isinstance(head, Stored):
            if how.dedupe and len(sources) > 1:
                raise UsageError(
                    f"{name}: dedupe='request_id' compares the rows of one log where it lives: "
                    "make one of the sources (a glob, a union) or read them without it"
                )
            extracts_.append(extracts(head, _name(format), how, tidy.columns))
            continue
        reader = reader_of(head, format)
        if reader is None:
            usage = read_tidy(chain([head], parts), tidy, first_row=first_row)
            whole.append(usage)
            extracts_.append(iter([("tidy", extract_of(usage))]))
            continue
        _refuse_tidy_options(name, reader, tidy)
        _refuse_saved_again(head, reader)
        extracts_.append(_extracts(reader, chain([head], parts), pages.setdefault(reader.NAME, [])))
    if len(whole) == len(sources) == 1 and how.grain in (None, whole[0].grain):
        return whole[0].with_reading(whole_reading(whole[0], how.rules))
    named = ", ".join(name for name, _, _ in sources)
    usage = assembled(
        chain.from_iterable(tracked(extracts_, "reading", [Work(_size(name)) for name, _, _ in sources])),
        how,
        named=named if len(named) < 300 else f"{len(sources)} sources",
    )
    for found in pages.values():
        check_pages(usage.source, found)
    return usage


def _size(name: str) -> float:
    """How much a source is beside others: the file's bytes, or 1."""
    try:
        return float(max(Path(name).stat().st_size, 1))
    except OSError:
        return 1.0


def _name(format: str | Reader | None) -> str | None:  # noqa: A002
    return format.NAME if isinstance(format, Reader) else format


def _extracts(reader: Reader, parts: Iterable[Content], pages: list[Page]) -> Iterator[tuple[str, Extract]]:
    for part in parts:
        for extract in reader.extract(part):
            pages.extend(extract.pages)
            notes = part.notes if isinstance(part, Table) else ()
            yield reader.NAME, replace(extract, notes=(*notes, *extract.notes)) if notes else extract


def _refuse_tidy_options(name: str, reader: Reader, tidy: TidyOptions) -> None:
    given = {
        "columns=": bool(tidy.columns),
        "duplicates=": tidy.duplicates != "refuse",
        "sort=": tidy.sort,
        "decimal=": tidy.decimal is not None,
    }
    used = [option for option, there in given.items() if there]
    if used:
        raise UsageError(
            f"{name}: is read as {reader.NAME} ({reader.TITLE}), whose columns are known: leave out {', '.join(used)}, "
            "or read it as a tidy table with format='tidy'"
        )


def _refuse_saved_again(head: Content, reader: Reader) -> None:
    """Refuse a vendor's file that has no commas: numbers and dates in it are no longer as the vendor wrote them."""
    if isinstance(head, Table) and head.separator != ",":
        raise UsageError(
            f"{head.name}: has the columns of {reader.NAME} ({reader.TITLE}), but its cells are separated by "
            f"{head.separator!r}: a spreadsheet saved it, in which numbers and dates may have changed; export it again"
        )


def _named_apart(sources: Iterable[_Source]) -> list[_Source]:
    """The sources, a file that is named twice once, and frames in hand numbered."""
    found: dict[str, _Source] = {}
    for name, parts, first_row in sources:
        key = str(Path(name).resolve()) if not name.startswith("<") else f"{len(found)}"
        found.setdefault(key, (name, parts, first_row))
    listed = list(found.values())
    in_hand = [name for name, _, _ in listed if name.startswith("<")]
    if len(in_hand) < 2:
        return listed
    return [
        (f"{name[:-1]} {i}>", (replace(part, name=f"{name[:-1]} {i}>") for part in parts), first_row)
        if name.startswith("<")
        else (name, parts, first_row)
        for i, (name, parts, first_row) in enumerate(listed, start=1)
    ]


def _sources(source: Any, format: str | None, table: str | None, *, together: bool) -> Iterator[_Source]:  # noqa: A002
    if is_address(source):
        stored = stored_database(source, format, table)
        yield stored.name, iter([stored]), 0
    elif isinstance(source, str | Path):
        files = files_of(source)
        for stored in stored_files(files, format, together=together) or ():
            yield stored.name, iter([stored]), 2
            files = []
        yield from ((str(p), contents(p), 2) for p in files)
    elif isinstance(source, Mapping):
        yield "<pages>", iter([Documents("<pages>", (dict(source),), (1,))]), 1
    elif isinstance(source, list | tuple) and source and all(isinstance(s, Mapping) for s in source):
        values = tuple(dict(s) for s in source)
        yield "<pages>", iter([Documents("<pages>", values, tuple(range(1, len(values) + 1)))]), 1
    elif isinstance(source, list | tuple | set | frozenset):
        for one in source:
            yield from _sources(one, format, table, together=together)
    elif (frame := stored_frame(source, format)) is not None:
        yield frame.name, iter([frame]), 0
    elif isinstance(source, pd.DataFrame):
        yield "<frame>", iter([table_of_frame(source)]), 0
    else:
        yield "<frame>", iter([table_of_frame(_as_pandas(source))]), 0


def _as_pandas(source: Any) -> pd.DataFrame:
    import narwhals as nw

    try:
        frame = nw.from_native(source.compute() if is_dask(source) else source)
        made: pd.DataFrame = (frame.collect() if isinstance(frame, nw.LazyFrame) else frame).to_pandas()
    except TypeError as cause:
        raise UsageError(
            f"a {type(source).__name__} cannot be read as usage; give a path, a glob, a folder, a list of them, "
            "a frame that Narwhals knows (pandas, Polars, Arrow, DuckDB, PySpark, Dask), a database's address or "
            "engine, or decoded JSON pages"
        ) from cause
    return made
