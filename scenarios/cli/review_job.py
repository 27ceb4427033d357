"""``tokenplan review``. Comes in: a plan file and an export. Goes out: the plan beside what happened, and an exit code.

JSON document ``tokenplan/review/1``:

- ``schema``, ``version`` (of tokenplan), ``name``, ``scenario``, ``currency``, ``as_of``
- ``plan``: ``as_of`` (what it was made on), ``start``, ``end``, ``confidence``, ``draws``, ``seed``
- ``budget``: what money is held against, over the plan's span
- ``to_date``: ``budget``, ``actual``, ``variance`` (budget less actual), ``percent`` of it, ``percentile`` (where
  the actual stands among the plan's futures of these days), ``status`` and ``kind``; null where no day is over
- ``outlook``: ``p10`` to ``p95`` of the span's total, ``variance`` (budget less P50), ``percent``
- ``breach``: ``probability`` of going over the budget; ``overrun`` (mean) and ``p10, p50, p90`` of the day, of the
  futures that do, null where none does
- ``by``, ``rows``: the table of actuals; a row holds the ``by`` columns and what ``to_date`` holds
- ``outlook_rows``: by the same columns ``budget, actual, p10`` to ``p95``, ``variance, percent, over``
- ``finding``: the review in a sentence; ``figures``: ``part, figure, amount, unit, what``, as the page tells them
- ``decisions``: ``kind`` (approve, release, own, tell), ``amount``, ``by`` (a day, or null), ``words``
- ``bridge``: ``step, mean, p10, p90`` over months that are over; null where none is
- ``restated``: ``date, measure, before, now, difference``; ``notes``; ``files``: what was written
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from forecast.drawing import one_line, percent
from forecast.errors import PlanError
from scenarios.budget.budget_plan import LEVELS
from scenarios.cli.approved import Approved, approved_of, read_table
from scenarios.cli.screen import Screen, records
from scenarios.cli.tables import LARGE, Column, Style, aligned, csv, markdown
from scenarios.cli.timing import expected, megabytes_of
from scenarios.report.onepage.figures import Told, told_of
from scenarios.report.onepage.notebook import title_of
from scenarios.report.onepage.wording import Teller
from scenarios.reviews.foreseeing import foreseen
from scenarios.reviews.reviewing import AMOUNT, PERCENT, Review

#: The chance of going over the budget is above what ``--fail-over`` allows.
LIKELY_OVER: Final = 4
#: Characters of a line of prose.
PROSE: Final = 100
_SHARE_DIGITS: Final = 6
_SPARE: Final = {"percentile": 2, "kind": 1}


def run(options: argparse.Namespace) -> int:
    """Review a plan, show it, and write its files; returns the exit code."""
    screen = Screen(options.quiet)
    approved = approved_of(options, screen)
    by = tuple(options.by or ("month",))
    size = megabytes_of(options.usage)
    rest = expected("forecasting", size) + expected("simulating", size)
    files = expected("writing", size) if options.html or options.excel else 0.1
    with screen.progress({"foreseeing the rest": rest, "writing files": files}) as step:
        step()
        made = _reviewed(approved, options)
        table = rounded(made.table(list(by)).reset_index())
        step()
        written = _written(made, options)
    told = told_of(made)
    if options.json:
        screen.write_json(document(approved, made, told, by=by, written=written))
    elif options.output == "csv":
        screen.write(csv(table))
    else:
        screen.show(_text(approved.name, made, told, table, by=by, style=options.output, width=screen.width()))
    for path in written:
        screen.note(f"wrote {path}")
    for note in () if options.json else made.notes:
        screen.note(as_option(note))
    chance = made.breach().probability
    if options.fail_over is not None and chance > options.fail_over:
        screen.tell(
            f"likely over: {percent(chance)} of futures go over the budget of {made.outlook.budget.total:,.2f} "
            f"{made.plan.currency}; --fail-over allows {percent(options.fail_over)}"
        )
        return LIKELY_OVER
    return 0


def _reviewed(approved: Approved, options: argparse.Namespace) -> Review:
    """The review, held against the plan's own budget, or the table that was named."""
    budget = None if options.budget is None else read_table(options.budget)
    try:
        outlook = foreseen(approved.plan, approved.usage, _day(options.as_of), budget=budget, lines=approved.lines)
    except PlanError as error:
        raise PlanError(told_as_option(error)) from error
    return Review(outlook, AMOUNT, PERCENT)


def told_as_option(error: PlanError) -> str:
    """What is wrong, with the option that mends it."""
    hint = " (a plan as it was approved in the past: --approved-on DATE)" if "lies before" in str(error) else ""
    return f"{error}{hint}"


def as_option(note: str) -> str:
    """A note that names an argument, with the option in its place."""
    return note.replace("by lines=", "by --lines TABLE.csv")


def _day(day: object) -> pd.Timestamp | None:
    return None if day is None else pd.Timestamp(str(day))


def _written(made: Review, options: argparse.Namespace) -> list[Path]:
    written = []
    if options.html is not None:
        written.append(made.to_html(options.html))
    if options.excel is not None:
        written.append(made.to_excel(options.excel))
    return written


def rounded(table: pd.DataFrame) -> pd.DataFrame:
    """A table with money to the cent."""
    money = [c for c in ("budget", "actual", "variance", *LEVELS) if c in table]
    shares = [c for c in ("percent", "percentile", "over") if c in table]
    return table.round({**dict.fromkeys(money, 2), **dict.fromkeys(shares, _SHARE_DIGITS)})


def _text(
    name: str, made: Review, told: Told, table: pd.DataFrame, *, by: Sequence[str], style: str, width: int | None
) -> str:
    """The review to read: its finding, decisions, figures, and the table of actuals."""
    title = f"{one_line(name, 120)}: review {title_of(made).rsplit(', ', 1)[-1]}"
    plain, wide = style != "markdown", min(width or PROSE, PROSE)
    decided = [d.words for d in told.decisions] or ["Nothing is to be decided."]
    listed = [
        line
        for number, words in enumerate(decided, start=1)
        for line in textwrap.wrap(f"{number}. {words}", wide, subsequent_indent="   ")
    ]
    shown, columns = _figures(told, made)
    heads = actual_columns(table, by)
    finding = f"{told.finding}."
    parts = [f"{title}\n{textwrap.fill(finding, wide)}" if plain else f"**{title}**\n\n{finding}"]
    parts.append("Decisions needed\n" * plain + "\n".join(listed))
    parts.append(aligned(shown, columns, width=width) if plain else markdown(shown, columns))
    if len(table):
        parts.append(aligned(table, heads, width=width) if plain else markdown(table, heads))
    return "\n\n".join(parts)


def _figures(told: Told, made: Review) -> tuple[pd.DataFrame, list[Column]]:
    """The figures as text: shares as percent."""
    tell = Teller.of(made.outlook)
    amounts = [
        "" if np.isnan(f.amount) else percent(f.amount) if f.unit == "share" else tell.amount(f.amount)
        for f in told.figures
    ]
    table = pd.DataFrame(
        {
            "part": [f.part for f in told.figures],
            "figure": [f.name for f in told.figures],
            "amount": amounts,
            "what": [f.what for f in told.figures],
        }
    )
    heads = [Column("part", "part"), Column("figure", "figure"), Column("amount", "amount", "told")]
    return table, [*heads, Column("what", "what it is")]


def actual_columns(table: pd.DataFrame, by: Sequence[str]) -> list[Column]:
    """How a table of actuals is shown."""
    large = len(table) and table[["budget", "actual"]].abs().max().max() >= LARGE / 100
    money: Style = "money" if large else "cents"
    numbers = [Column(c, c, money) for c in ("budget", "actual", "variance")]
    shares = [Column("percent", "in %", "share"), Column("percentile", "rank", "share", _SPARE["percentile"])]
    return [
        *(Column(c, c) for c in by),
        *numbers,
        *shares,
        Column("status", "status"),
        Column("kind", "kind", "text", 1),
    ]


def document(
    approved: Approved, made: Review, told: Told, *, by: Sequence[str], written: Sequence[Path]
) -> dict[str, Any]:
    """The review as the JSON document that this module describes."""
    out, plan, breach = made.outlook, made.plan, made.breach()
    whole = made.table([])
    bridge = made.bridge()
    end = rounded(out.table([])).iloc[0]
    gone = breach.probability > 0
    return {
        "schema": "tokenplan/review/1",
        "version": version("tokenplan"),
        "name": approved.name,
        "scenario": plan.name,
        "currency": plan.currency,
        "as_of": out.known_to.date(),
        "plan": {
            "as_of": plan.projection.as_of.date(),
            "start": plan.projection.span.start.date(),
            "end": out.last_day.date(),
            "confidence": plan.confidence,
            "draws": plan.spec.draws,
            "seed": plan.spec.seed,
        },
        "budget": out.budget.total,
        "to_date": records(rounded(whole))[0] if len(whole) else None,
        "outlook": {name: end[name] for name in (*LEVELS, "variance", "percent")},
        "breach": {
            "probability": breach.probability,
            "overrun": round(breach.overrun, 2) if gone else None,
            **{n: day.date() if gone else None for n, day in breach.dates().items()},
        },
        "by": by,
        "rows": records(rounded(made.table(list(by)).reset_index())),
        "outlook_rows": records(rounded(out.table(list(by)).reset_index())),
        "finding": told.finding,
        "figures": records(made.summary().reset_index()),
        "decisions": [
            {"kind": d.kind, "amount": d.amount, "by": None if d.by is None else d.by.date(), "words": d.words}
            for d in told.decisions
        ],
        "bridge": None if bridge is None else records(bridge.table((0.1, 0.9))),
        "restated": records(out.restated.assign(date=[d.date() for d in out.restated["date"]])),
        "notes": made.notes,
        "files": [str(path) for path in written],
    }
