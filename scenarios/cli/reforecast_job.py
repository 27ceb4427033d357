"""``tokenplan reforecast``. Comes in: a plan file, an export and days. Goes out: the walk of versions since the plan.

JSON document ``tokenplan/reforecast/1``:

- ``schema``, ``version`` (of tokenplan), ``name``, ``scenario``, ``currency``, ``budget`` (as approved)
- ``plan``: ``as_of`` (what it was made on), ``start``, ``end``, ``confidence``, ``draws``, ``seed``
- ``versions``: the plan, then one each as-of date: ``version`` (such as 1+2: months over, months ahead), ``as_of``,
  ``to_date``, ``p10`` to ``p95`` of the total, ``over`` (the chance of more than the budget), ``change`` of the P50,
  and ``bridge`` from the version before: ``step, mean, p10, p90`` (null of the plan, and where nothing is new)
- ``by``, ``rows``: the last version by those columns: ``budget, actual, p10`` to ``p95``, ``variance, percent, over``
- ``restated``: ``date, measure, before, now, difference``; ``notes``
"""

from __future__ import annotations

import argparse
from importlib.metadata import version
from typing import Any, Final

import pandas as pd

from forecast.drawing import one_line
from forecast.errors import PlanError
from scenarios.budget.budget_plan import LEVELS
from scenarios.cli.approved import Approved, approved_of
from scenarios.cli.review_job import as_option, rounded, told_as_option
from scenarios.cli.screen import Screen, records
from scenarios.cli.tables import LARGE, Column, Style, aligned, csv, markdown
from scenarios.cli.timing import expected, megabytes_of
from scenarios.report.onepage.notebook import outlook_words
from scenarios.reviews.versions import Reforecast, reforecast_of

#: What is left out first where the line is too short, highest first.
_SPARE: Final = {"p95": 4, "p80": 3, "p10": 2, "p90": 1}
_STEP_LEVELS: Final = (0.1, 0.9)


def run(options: argparse.Namespace) -> int:
    """Reforecast a plan as of some days, and show what changed."""
    screen = Screen(options.quiet)
    approved = approved_of(options, screen)
    by = tuple(options.by or ("month",))
    made: Reforecast | None = None
    size = megabytes_of(options.usage)
    each = expected("forecasting", size) + expected("simulating", size)
    with screen.progress({f"foreseeing the rest as of {day}": each for day in options.as_of}) as step:
        for day in options.as_of:
            step()
            try:
                made = reforecast_of(
                    approved.plan, approved.usage, as_of=pd.Timestamp(day), lines=approved.lines, before=made
                )
            except PlanError as error:
                raise PlanError(told_as_option(error)) from error
    assert made is not None
    walk = walk_of(made)
    if options.json:
        screen.write_json(document(approved, made, walk, by))
        return 0
    table = rounded(made.table(list(by)).reset_index())
    if options.output == "csv":
        screen.write(csv(walk))
    else:
        form = options.output == "markdown"
        title = f"{one_line(approved.name, 120)}, as of {outlook_words(made.outlook).split(', as of ', 1)[-1]}"
        steps = _steps(made)
        tables = [(walk, _walk_columns(walk)), *steps, (table, _columns(table, by))]
        shown = [markdown(t, c) if form else aligned(t, c, width=screen.width()) for t, c in tables]
        screen.show("\n\n".join([f"**{title}**" if form else title, *shown]))
    for note in made.outlook.notes:
        screen.note(as_option(note))
    return 0


def walk_of(made: Reforecast) -> pd.DataFrame:
    """The walk as a frame without index: days as dates, money to the cent."""
    walk = made.walk().reset_index()
    walk["as_of"] = walk["as_of"].dt.strftime("%Y-%m-%d")
    return rounded(walk).round({"to_date": 2, "change": 2})


def _money(table: pd.DataFrame, column: str) -> Style:
    return "money" if len(table) and table[column].abs().max() >= LARGE / 100 else "cents"


def _walk_columns(walk: pd.DataFrame) -> list[Column]:
    style = _money(walk, "p50")
    money = [Column(n, n.upper(), style, _SPARE.get(n, 0)) for n in LEVELS]
    first = [Column("version", "version"), Column("as_of", "as of"), Column("to_date", "to date", style)]
    return [*first, *money, Column("change", "change", style), Column("over", "chance over", "share")]


def _columns(table: pd.DataFrame, by: tuple[str, ...]) -> list[Column]:
    style = _money(table, "p50")
    money = [Column("budget", "budget", style), Column("actual", "spent", style)]
    money += [Column(n, n.upper(), style, _SPARE.get(n, 0)) for n in LEVELS]
    rest = [
        Column("variance", "variance", style),
        Column("percent", "in %", "share"),
        Column("over", "chance over", "share"),
    ]
    return [*(Column(c, c) for c in by), *money, *rest]


def _steps(made: Reforecast) -> list[tuple[pd.DataFrame, list[Column]]]:
    """The bridge of the last version, where anything is new."""
    table = _bridge(made)
    if table is None:
        return []
    style = _money(table, "mean")
    return [
        (
            table,
            [Column("step", "step"), *(Column(n, n if n == "mean" else n.upper(), style) for n in table.columns[1:])],
        )
    ]


def _bridge(made: Reforecast) -> pd.DataFrame | None:
    before = None if made.before is None else made.before.as_of
    if made.outlook.is_plan or before == made.as_of:
        return None
    return made.bridge().table(_STEP_LEVELS)


def document(approved: Approved, made: Reforecast, walk: pd.DataFrame, by: tuple[str, ...]) -> dict[str, Any]:
    """The versions as the JSON document that this module describes."""
    plan, out = made.plan, made.outlook
    bridges = [None, *(_bridge(one) for one in made.versions)]
    return {
        "schema": "tokenplan/reforecast/1",
        "version": version("tokenplan"),
        "name": approved.name,
        "scenario": plan.name,
        "currency": plan.currency,
        "budget": out.budget.total,
        "plan": {
            "as_of": plan.projection.as_of.date(),
            "start": plan.projection.span.start.date(),
            "end": out.last_day.date(),
            "confidence": plan.confidence,
            "draws": plan.spec.draws,
            "seed": plan.spec.seed,
        },
        "versions": [
            {**row, "bridge": None if bridge is None else records(bridge)}
            for row, bridge in zip(records(walk), bridges, strict=True)
        ],
        "by": by,
        "rows": records(rounded(made.table(list(by)).reset_index())),
        "restated": records(out.restated.assign(date=[d.date() for d in out.restated["date"]])),
        "notes": out.notes,
    }
