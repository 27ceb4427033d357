"""``tokenplan read``. Comes in: usage exports. Goes out: what is in them, what was not read, and what has no price.

JSON document ``tokenplan/read/1``: ``schema, version, usage, grain, start, end, timezone, currency, sources, totals,
gaps, rejected, overlaps, unmatched, unpriced, conservation, notes``. Totals are by provider and model.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import Final

import pandas as pd

from forecast import schema
from forecast.prices import PriceBook
from forecast.readers import formats
from forecast.usage import Usage
from scenarios.cli.screen import Screen, records
from scenarios.cli.tables import Column, Style, aligned, csv, markdown
from scenarios.cli.timing import expected, megabytes_of
from scenarios.cli.usage_input import read_export

#: Rows of one table that are shown; the rest is counted.
SHOWN: Final = 12
#: What is left out first where the line is too short, highest first.
_SPARE: Final = {
    "list_cost": 8,
    "effective_cost": 7,
    "cache_write_1h_tokens": 6,
    "cache_write_tokens": 5,
    "searches": 4,
    "records": 3,
    "format": 2,
    "cache_read_tokens": 1,
}
_UNITS: Final = tuple(u for u in schema.UNITS if schema.UNITS[u].part_of is None)


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a usage.

    Attributes
    ----------
    totals : DataFrame
        provider, model, requests, units and money that occur.
    gaps : DataFrame
        Columns first, last, periods: spans without any row.
    unpriced : DataFrame
        As :meth:`forecast.PriceBook.unpriced` gives it.
    """

    totals: pd.DataFrame
    gaps: pd.DataFrame
    unpriced: pd.DataFrame


def run(options: argparse.Namespace) -> int:
    """Read exports and show what is in them."""
    screen = Screen(options.quiet)
    if options.formats:
        rows = pd.DataFrame(formats().items(), columns=["format", "reads"])
        screen.show(_form(options.output, screen)(rows, [Column("format", "format"), Column("reads", "reads")]))
        return 0
    size = megabytes_of(options.exports)
    with screen.progress({"reading": expected("reading", size), "pricing": expected("adding up", size)}) as step:
        step()
        usage = read_export(options)
        step()
        found = contents_of(usage, PriceBook.builtin())
    if options.json:
        screen.write_json(_document(usage, found))
    elif options.output == "csv":
        screen.write(csv(found.totals))
    else:
        _show(usage, found, screen, options.output)
    for note in usage.notes:
        screen.note(note)
    return 0


def contents_of(usage: Usage, prices: PriceBook) -> Contents:
    """Totals by provider and model, gaps, and what the price book does not price."""
    frame = usage.frame
    measures = [m for m in (schema.REQUESTS, *_UNITS, *schema.MONEY) if m in frame and frame[m].notna().any()]
    keys = frame[["provider", "model"]].fillna("(none)")
    totals = frame[measures].groupby([keys["provider"], keys["model"]]).sum(min_count=1).reset_index()
    order = totals[measures].fillna(0.0).sum(axis=1).sort_values(ascending=False, kind="stable").index
    return Contents(totals.loc[order].reset_index(drop=True), gaps_of(usage), prices.unpriced(usage))


def all_priced(usage: Usage) -> str:
    """Why nothing lacks a price, in a sentence: all has one, or nothing is counted that would be priced."""
    if usage.units:
        return "Everything that was used has a price in the built-in price book."
    if any(m in usage.frame for m in schema.MONEY):
        return "It holds money and no tokens: a plan forecasts that money as it is, and uses no price book."
    return "It holds neither tokens nor money: a plan needs the columns of one of them."


def gaps_of(usage: Usage) -> pd.DataFrame:
    """Spans of periods without any row, between the first and the last."""
    step = {"hour": "h", "day": "D", "month": "MS"}[usage.grain]
    periods = pd.date_range(usage.start, usage.end, freq=step)
    absent = pd.Series(~periods.isin(usage.frame[schema.DATE].unique()))
    run_of = (~absent).cumsum()[absent]
    spans = [periods[part.index] for _, part in run_of.groupby(run_of)]
    return pd.DataFrame([(s[0], s[-1], len(s)) for s in spans], columns=["first", "last", "periods"])


def _document(usage: Usage, found: Contents) -> dict[str, object]:
    reading = usage.reading
    return {
        "schema": "tokenplan/read/1",
        "version": version("tokenplan"),
        "usage": repr(usage),
        "grain": usage.grain,
        "start": usage.start,
        "end": usage.end,
        "timezone": usage.timezone,
        "currency": usage.currency,
        "sources": records(reading.sources) if reading else [],
        "totals": records(found.totals),
        "gaps": records(found.gaps),
        "rejected": records(reading.reasons) if reading else [],
        "overlaps": records(reading.overlaps) if reading else [],
        "unmatched": records(reading.unmatched) if reading else [],
        "unpriced": records(found.unpriced),
        "conservation": {str(k): dict(v) for k, v in reading.conservation.iterrows()} if reading else {},
        "notes": usage.notes,
    }


def _form(output: str, screen: Screen) -> Callable[[pd.DataFrame, Sequence[Column]], str]:
    return markdown if output == "markdown" else partial(aligned, width=screen.width())


def _show(usage: Usage, found: Contents, screen: Screen, output: str) -> None:
    span = f"{usage.start:%Y-%m-%d} to {usage.end:%Y-%m-%d} ({usage.timezone})"
    money = f", money in {usage.currency}" if usage.currency else ""
    screen.show(f"{usage.source}: {len(usage.frame):,} rows by {usage.grain}, {span}{money}\n\n")
    for title, table in _tables(usage, found):
        if table.empty:
            continue
        rest = f"\n({len(table) - SHOWN} more rows: --json)" if len(table) > SHOWN else ""
        text = _form(output, screen)(table.head(SHOWN), [_column(str(c), table) for c in table])
        head = f"**{title}**" if output == "markdown" else title
        screen.show(f"{head}\n\n{text}{rest}\n\n")
    if found.unpriced.empty:
        screen.show(f"{all_priced(usage)}\n")


def _tables(usage: Usage, found: Contents) -> Iterator[tuple[str, pd.DataFrame]]:
    reading = usage.reading
    if reading is not None:
        yield "Sources", _dated(reading.sources)
    yield "By provider and model", found.totals
    if reading is not None:
        yield "Rejected", reading.reasons
        yield "Counted once", _dated(reading.overlaps)
        yield "Matched by no rule", reading.unmatched
        yield "Nothing is lost", reading.conservation.rename_axis("what").reset_index()
    yield f"Gaps: no {usage.grain} of these has a row", _dated(found.gaps)
    columns = ["provider", "model", "service_tier", "unit", "quantity", "share", "reason", "remedy"]
    yield "Without a price in the built-in price book", found.unpriced[columns]


def _dated(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its moments as plain days."""
    return table.assign(**{c: pd.to_datetime(table[c]).dt.strftime("%Y-%m-%d") for c in ("first", "last")})


def _column(name: str, table: pd.DataFrame) -> Column:
    spare = _SPARE.get(name, 0)
    if not pd.api.types.is_numeric_dtype(table[name]):
        return Column(name, name, spare=spare)
    style: Style = "share" if name == "share" else "cents" if name in (*schema.MONEY, "money") else "count"
    return Column(name, name.replace("_tokens", "").replace("_", " "), style, spare)
