"""``tokenplan track-record``. Comes in: a plan file. Goes out: how its method would have done at past dates.

JSON document ``tokenplan/track-record/1``:

- ``schema``, ``version`` (of tokenplan), ``name``, ``currency``, ``confidence``, ``length`` and ``lead`` in words,
  ``overlap`` (consecutive origins that plan a common day)
- ``rows``: one an origin, the columns of :meth:`scenarios.TrackRecord.table`
- ``summary``: one a method, the columns of :meth:`scenarios.TrackRecord.summary`
- ``parts``: one an origin and part of each split (or environment): ``by, part, origin, budget, actual``
- ``left_out``: what is left out at an origin: ``origin, label, stated_on, why, told``
- ``words``: the record in sentences; ``notes``
"""

from __future__ import annotations

import argparse
from importlib.metadata import version
from typing import Any, Final

import pandas as pd

from forecast.drawing import span_words
from forecast.errors import TokenplanError
from forecast.prices import PriceBook
from forecast.projection import ProjectionSpec
from forecast.usage import Usage
from scenarios.budget.planfile import PlanFile, read_plan_file
from scenarios.budget.planinputs import workload_columns
from scenarios.budget.planning import plan
from scenarios.budget.spec import PlanSpec
from scenarios.budget.splits import Split
from scenarios.cli.interrupting import start_workers
from scenarios.cli.screen import Screen, records
from scenarios.cli.tables import Column, aligned, csv, markdown
from scenarios.cli.timing import expected, megabytes_of
from scenarios.outcome import DETAIL
from scenarios.reviews.tracking.past_plans import Method
from scenarios.reviews.tracking.record import TrackRecord
from scenarios.reviews.tracking.replaying import first_planned, grid_of, replayed
from scenarios.reviews.tracking.rules import USUAL

#: What of a plan a file may leave out, as :func:`scenarios.plan` takes it.
_ARGUMENTS: Final = ("confidence", "draws", "seed", "unpriced")
_DIGITS: Final = 6
_COLUMNS: Final = (
    Column("origin", "decided on"),
    Column("span", "for"),
    Column("base", "P50", "money", spare=3),
    Column("budget", "budget", "money"),
    Column("actual", "came", "money"),
    Column("told", "held"),
    Column("overrun", "lacking", "money", spare=1),
    Column("idle", "left", "money", spare=1),
    Column("percentile", "came at", "share", spare=4),
    Column("error", "P50 off", "share", spare=2),
    Column("grade", "FinOps"),
)


def run(options: argparse.Namespace) -> int:
    """Replay a plan file at past dates and show how it would have done."""
    screen, file = Screen(options.quiet), read_plan_file(options.plan)
    file = file.with_options(seed=options.seed, draws=options.draws)
    start_workers(options.jobs)
    size = megabytes_of(file.usage.file)
    back = expected("looking back", size, options.origins / options.jobs)
    with screen.progress({"reading usage": expected("reading", size), "planning at past dates": back}) as step:
        step()
        usage, prices = file.usage.read(), file.prices.book()
        step()
        try:
            record = record_of(file, usage, prices, options)
        except TokenplanError as error:
            raise type(error)(f"{file.path}: {error}") from error
    if options.json:
        screen.write_json(document(file, record))
        return 0
    table = table_of(record)
    if options.output == "csv":
        screen.write(csv(table))
        return 0
    told, columns = _told(record), _columns(record)
    form = options.output == "markdown"
    shown = markdown(told, columns) if form else aligned(told, columns, width=screen.width())
    screen.show(f"{file.name}, {record.currency}\n\n{shown}\n\n{record.describe()}")
    return 0


def record_of(file: PlanFile, usage: Usage, prices: PriceBook, options: argparse.Namespace) -> TrackRecord:
    """The record of what a plan file tells.

    Raises
    ------
    TokenplanError
        The history is too short, or the file does not hold.
    """
    monthly = usage.grain == "month"
    forecast = {"by": workload_columns(usage), "seed": file.arguments.get("seed", 0), **file.forecast}
    asked = ProjectionSpec(**{"lag": 0 if monthly else 2, **forecast, "by": tuple(forecast["by"])})
    grid = grid_of(usage, asked, None, horizon=_length(options.horizon), step=_length(options.step), lead=options.lead)
    method = _method(file, usage, prices, asked, own_length=options.horizon is None)
    return replayed(usage, method, grid, options.origins, USUAL, options.jobs)


def _method(file: PlanFile, usage: Usage, prices: PriceBook, asked: ProjectionSpec, *, own_length: bool) -> Method:
    """How the file makes a budget; days told from the plan's first are told from that of each past plan."""
    usual = plan.__kwdefaults__ or {}
    arguments = {name: file.arguments.get(name, usual[name]) for name in _ARGUMENTS}
    if arguments["draws"] == "auto":  # how many are enough is of one plan; a past one takes as many as are usual
        arguments["draws"] = usual["draws"]
    split = file.split if file.split is None or isinstance(file.split, Split) else list(file.split)

    def spec_from(start: pd.Timestamp) -> PlanSpec:
        return PlanSpec(
            prices=prices,
            scenario=file.scenario.scenario(start),
            components=file.components,
            split=split,
            detail=file.detail or tuple(DETAIL),
            dependence=file.dependence,
            overrides=tuple(one.override(start) for one in file.overrides),
            **arguments,
        )

    return Method(spec_from(first_planned(usage, asked)), asked, spec_from, own_length)


def _length(written: str | None) -> str | int | None:
    """A length as it is written on the command line."""
    return int(written) if written is not None and written.isdigit() and len(written) < 5 else written


def table_of(record: TrackRecord) -> pd.DataFrame:
    """The record's table without index: money to the cent, dates as text."""
    table = record.table().reset_index()
    dates = {name: table[name].dt.strftime("%Y-%m-%d") for name in ("origin", "start", "end")}
    return table.assign(**dates).round({"percentile": _DIGITS, "error": _DIGITS})


def _told(record: TrackRecord) -> pd.DataFrame:
    table = table_of(record)
    spans = [span_words(t.date.start, t.date.end) for t in record.trials]
    held = table["held"].map({True: "yes", False: "no"}).fillna("not judged")
    return table.assign(span=spans, told=held)


def _columns(record: TrackRecord) -> list[Column]:
    return [*_COLUMNS, *(Column(rule, rule, "money", spare=5 + i) for i, rule in enumerate(record.rules))]


def document(file: PlanFile, record: TrackRecord) -> dict[str, Any]:
    """The record as the JSON document that this module describes."""
    rows, left = table_of(record), record.left_out()
    flags = [c for c in rows if str(c) == "held" or str(c).endswith(" held")]
    parts = [t.parts.assign(origin=f"{t.date.on:%Y-%m-%d}") for t in record.trials]
    days = {name: left[name].dt.strftime("%Y-%m-%d") for name in ("origin", "stated_on")}
    return {
        "schema": "tokenplan/track-record/1",
        "version": version("tokenplan"),
        "name": file.name,
        "currency": record.currency,
        "confidence": record.confidence,
        "length": record.length,
        "lead": record.lead,
        "overlap": record.overlap,
        "rows": records(rows.astype(dict.fromkeys(flags, "object")).where(rows.notna(), None)),
        "summary": records(record.summary().reset_index().round(_DIGITS)),
        "parts": records(pd.concat(parts, ignore_index=True)),
        "left_out": records(left.assign(**days)),
        "words": record.describe().splitlines(),
        "notes": record.notes,
    }
