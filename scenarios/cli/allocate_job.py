"""``tokenplan allocate``. Comes in: a usage export, who pays by, keys of shared cost. Goes out: who pays what.

JSON document ``tokenplan/allocate/1``:

- ``schema``, ``version`` (of tokenplan), ``usage``, ``currency``, ``start``, ``end``, ``by``
- ``total``: the bill; ``allocation_percent``: how much of the positive charges bears a payer's label, null where there
  is none
- ``rows``: a payer each: its columns, ``direct``, ``shared``, ``total``, ``percent``, ``key``; they sum to the bill
- ``pools``: what was dealt: ``pool``, ``key``, ``dealt_by``, ``amount``, ``dealt``, ``kept``, ``payers``
- ``unit_costs``: a payer each: ``cost``, ``users``, ``cost_per_user``, ``requests``, ``cost_per_request``; null where
  unknown
- ``invoices``: a line each, which sum to the bill
- ``excluded``: what was left out because its cost is unknown
- ``files``: what was written with ``--out``; ``notes``
"""

from __future__ import annotations

import argparse
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final

import pandas as pd

from forecast.errors import PlanError
from scenarios.cli.prices_job import book_of
from scenarios.cli.screen import Screen, records
from scenarios.cli.tables import Column, aligned, csv, markdown
from scenarios.cli.timing import expected, megabytes_of
from scenarios.cli.usage_input import read_bill_of
from scenarios.reviews.allocating.allocation import Allocation
from scenarios.reviews.allocating.chargeback import allocate
from scenarios.reviews.allocating.keys import Told

#: Payers that are shown; the rest are counted.
SHOWN: Final = 40
_PER: Final = ("users", "requests")


def run(options: argparse.Namespace) -> int:
    """Allocate the bill of a usage export and show who pays what."""
    screen = Screen(options.quiet)
    if options.out is not None and options.out.suffix.lower() not in (".csv", ".xlsx"):
        raise PlanError(f"--out {options.out}: wanted a name that ends in .csv or .xlsx")
    size = megabytes_of(options.usage)
    steps = {"reading usage": "reading", "allocating": "adding up", **({"writing": "keeping"} if options.out else {})}
    with screen.progress({name: expected(step, size) for name, step in steps.items()}) as step:
        step()
        usage = read_bill_of(options, personal="user" in options.by)
        step()
        made = allocate(
            usage,
            list(options.by),
            prices=book_of(options) if options.priced or options.book else None,
            money=options.money,
            shared=_keys(options.shared),
            unpriced=options.unpriced,
            start=options.start,
            end=options.end,
        )
        written: list[Path] = []
        if options.out is not None:
            step()
            write = made.to_csv if options.out.suffix.lower() == ".csv" else made.to_excel
            written = [write(options.out)]
    _show(made, options, screen, written)
    return 0


def _keys(told: list[str]) -> Told | dict[str, Told]:
    """The keys of the command line: one, or ``POOL=KEY`` each; a key is a word or the CSV file of a table."""
    pairs = [one.partition("=") for one in told]
    if not told:
        return "cost"
    if len(told) == 1 and not pairs[0][1]:
        return _key(told[0])
    if wrong := [one for one, (_, sign, _) in zip(told, pairs, strict=True) if not sign]:
        raise PlanError(f"--shared {wrong[0]}: several keys are told as POOL=KEY, such as unassigned=cost, or *=even")
    return {pool.strip(): _key(key.strip()) for pool, _, key in pairs}


def _key(told: str) -> Told:
    if not told.lower().endswith(".csv"):
        return told
    path = Path(told)
    if not path.is_file():
        raise PlanError(f"--shared {told}: there is no such file")
    try:
        return pd.read_csv(path, dtype={"month": "str"})
    except ValueError as cause:
        raise PlanError(f"--shared {told}: is no CSV table: {str(cause)[:200]}") from cause


def _show(made: Allocation, options: argparse.Namespace, screen: Screen, written: list[Path]) -> None:
    table = made.table().reset_index()
    if options.json:
        screen.write_json(_document(made, written))
        return
    if options.output == "csv":
        screen.write(csv(table))
    else:
        form = markdown if options.output == "markdown" else partial(aligned, width=screen.width())
        known = (
            f"{made.allocation_percent:.1f} % of charges bear it" if made.gross > 0 else "there is no positive charge"
        )
        title = (
            f"{made.currency} {made.total:,.2f} from {made.start:%Y-%m-%d} to {made.end:%Y-%m-%d}, by "
            f"{', '.join(made.by)}; {known}"
        )
        columns = [*(Column(c, c) for c in made.by), *(Column(c, c, "cents") for c in ("direct", "shared", "total"))]
        columns += [Column("percent", "share", "share", 2), Column("key", "key", "text", 1)]
        shown = table.assign(percent=table["percent"] / 100.0)
        rest = f"\n({len(shown) - SHOWN} more payers: --json)" if len(shown) > SHOWN else ""
        screen.show(f"{title}\n\n{form(shown.head(SHOWN), columns)}{rest}\n")
        if len(made.pools):
            heads = [Column("pool", "shared"), Column("amount", "amount", "cents"), Column("dealt_by", "dealt")]
            screen.show(f"\n{form(made.pools.reset_index(), heads)}\n")
    for note in made.notes:
        screen.note(note)
    for path in written:
        screen.note(f"wrote {path}")


def _document(made: Allocation, written: list[Path]) -> dict[str, object]:
    return {
        "schema": "tokenplan/allocate/1",
        "version": version("tokenplan"),
        "usage": made.source,
        "currency": made.currency,
        "start": made.start.date(),
        "end": made.end.date(),
        "by": made.by,
        "total": made.total,
        "allocation_percent": made.allocation_percent,
        "rows": records(made.table().reset_index()),
        "pools": records(made.pools.reset_index()),
        "unit_costs": records(made.unit_costs(_PER).reset_index()),
        "invoices": records(made.invoices()),
        "excluded": records(made.excluded),
        "files": [str(path) for path in written],
        "notes": made.notes,
    }
