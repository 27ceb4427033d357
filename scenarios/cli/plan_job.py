"""``tokenplan plan``. Comes in: a plan file. Goes out: the plan on the screen, its files, and an exit code.

JSON document ``tokenplan/plan/1``:

- ``schema``, ``version`` (of tokenplan), ``name``, ``scenario``, ``currency``, ``confidence``, ``draws``, ``seed``
- ``horizon``: ``as_of``, ``start``, ``end`` (dates)
- ``totals``: ``p10`` to ``p95``, each ``amount`` and ``se`` (its standard error), of the whole span
- ``base`` (P50), ``budget`` (the total's quantile at ``confidence``), ``contingency``, ``reserves`` (``name, amount``),
  ``funding`` (budget and reserves)
- ``limit`` and ``probability_over_limit``: null where no limit was given
- ``by`` and ``rows``: the table; a row holds the ``by`` columns, ``p10`` to ``p95`` (its own quantiles, which do not
  add), ``demand_share``, and ``base``, ``budget``, ``contingency``, which add up to the plan's
- ``splits``: one each, ``parts`` of it: its columns, ``demand_share`` (and ``demand_p10`` to ``demand_p90``) beside the
  range ``low`` to ``high`` and the ``share`` given, ``transfer``, ``budget``, ``overrun`` and ``state``
- ``policy``: null where the file tells none; else its ``terms`` in words and ``rows``, a part each, then the central
  pool and the total: ``budget, spent, probability_short, months_short, expected_shortfall, shortfall_p95, released,
  lapsed, idle``
- ``unpriced``: what was left out because it has no price: ``provider, model, service_tier, unit, share``
- ``overrides``: judgements by hand, in order: ``name, what, replaces`` (null where it comes last), ``who, why, on``
- ``assumptions``: ``topic, assumption, source``, ``as_of`` (the day on which it was known or stated; null where nobody
  says) and ``stale_from`` (the day from which it ought to be looked at again; null where it does not go stale)
- ``files``: what was written with ``--out`` and ``--save``
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import pandas as pd

from forecast.errors import PlanError, TokenplanError
from forecast.prices import PriceBook
from forecast.usage import Usage
from scenarios.budget.assumed import DATES
from scenarios.budget.budget_plan import LEVELS, BudgetPlan
from scenarios.budget.planfile import PlanFile, read_plan_file
from scenarios.cli.approved import SAVED
from scenarios.cli.exports import write_files
from scenarios.cli.plan_view import plan_as_markdown, plan_as_text, policy_as_text, splits_as_text, table_of
from scenarios.cli.screen import Screen, records
from scenarios.cli.tables import csv
from scenarios.cli.timing import expected, megabytes_of
from scenarios.files.scenario_file import scenario_source

OVER_LIMIT: Final = 3
#: SKUs without a price that a note names; the rest are counted.
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Shown:
    """A plan and how it is shown: rows, and the limit it is held to."""

    file: PlanFile
    plan: BudgetPlan
    by: tuple[str, ...]
    limit: float | None
    written: tuple[Path, ...]


def run(options: argparse.Namespace) -> int:
    """Make the plan of a plan file, show it, and write its files."""
    if options.plan.suffix.lower() == SAVED:
        raise PlanError(
            f"{options.plan}: is a saved plan, which is made already: open it by sc.load_plan, or hold what was spent "
            "against it by tokenplan review; tokenplan plan takes a plan file (.toml)"
        )
    return run_plan(read_plan_file(options.plan), options)


def run_plan(file: PlanFile, options: argparse.Namespace) -> int:
    """Make a plan with the command line's options, show it, and write its files; returns the exit code."""
    screen = Screen(options.quiet)
    shown = _made(_chosen(file, options), options, screen=screen)
    _show(shown, options, screen=screen)
    for path in shown.written:
        screen.note(f"wrote {path}")
    if options.limit is not None and shown.plan.budget > options.limit:
        screen.tell(_over(shown.plan, options.limit))
        return OVER_LIMIT
    return 0


def _show(shown: Shown, options: argparse.Namespace, *, screen: Screen) -> None:
    name, plan, by, limit = shown.file.name, shown.plan, shown.by, shown.limit
    if options.json:
        screen.write_json(document(shown))
    elif options.output == "table":
        width = screen.width()
        screen.show(plan_as_text(name, plan, by=by, limit=limit, width=width) + _policy(shown, width))
    else:
        csv_wanted = options.output == "csv"
        screen.write(
            csv(table_of(plan, by)) if csv_wanted else plan_as_markdown(name, plan, by=by, limit=limit) + _policy(shown)
        )
        for note in _notes(plan):
            screen.note(note)


def _policy(shown: Shown, width: int | None = None) -> str:
    """Who is squeezed by the splits, and what the file's policy does, as text to come last; empty without them."""
    split = splits_as_text(shown.plan, width=width)
    policy = (
        "" if shown.file.policy is None else f"\n{policy_as_text(shown.plan.under(shown.file.policy), width=width)}"
    )
    return (f"\n{split}" if split else "") + policy


def _chosen(file: PlanFile, options: argparse.Namespace) -> PlanFile:
    scenario = scenario_source(options.scenario) if options.scenario else None
    chosen = file.with_options(seed=options.seed, draws=options.draws, scenario=scenario)
    return chosen.shown_by(options.by) if options.by else chosen


def _made(file: PlanFile, options: argparse.Namespace, *, screen: Screen) -> Shown:
    size = megabytes_of(file.usage.file)
    steps = {"reading usage": "reading", "forecasting": "forecasting", "simulating": "simulating"}
    steps |= {"writing files": "writing"} if options.out else {}
    steps |= {"keeping the plan": "keeping"} if options.save else {}
    with screen.progress({name: expected(step, size) for name, step in steps.items()}) as step:
        step()
        usage, prices = file.usage.read(), file.prices.book()
        if unpriced := _unpriced(usage, prices):
            screen.note(unpriced)
        with _told_of(file.path):
            step()
            projection = file.project(usage)
            step()
            plan = file.plan(projection, prices)
            by, limit = file.groups(plan), options.limit if options.limit is not None else file.limit
            plan.ledger.groups(list(by))
            written: list[Path] = []
            if options.out:
                step()
                written += write_files(plan, options.out, title=file.name, limit=limit)
            if options.save:
                step()
                written += [plan.save(options.save)]
    return Shown(file, plan, by, limit, tuple(written))


@contextmanager
def _told_of(path: Path) -> Iterator[None]:
    """Name the plan file in what is wrong with the plan."""
    try:
        yield
    except TokenplanError as error:
        raise type(error)(f"{path}: {error}") from error


def _unpriced(usage: Usage, prices: PriceBook) -> str:
    """What of the usage has no price and what it weighs, in one line; empty where all has one."""
    table = prices.unpriced(usage)
    if table.empty:
        return ""
    listed = "; ".join(
        f"{row['provider'] or 'any provider'}/{row['model']} {row['unit']} ({row['service_tier']}), "
        f"{row['share']:.1%} of tokens: {row['reason']}"
        for row in table.head(_SHOWN).to_dict("records")
    )
    rest = len(table) - _SHOWN
    more = f"; and {rest} more" if rest > 0 else ""
    return f"{len(table)} lines of usage have no price on some day: {listed}{more}"


def _notes(plan: BudgetPlan) -> list[str]:
    held = plan.assumptions[plan.assumptions["topic"].isin(["note", "unpriced", "bill"])]
    return [str(text) for text in held["assumption"]]


def _dates_alone(table: pd.DataFrame, columns: tuple[str, ...]) -> pd.DataFrame:
    """A table with its days as dates, without a time."""
    return table.assign(**{c: table[c].dt.date.astype("object") for c in columns})


def _over(plan: BudgetPlan, limit: float) -> str:
    return (
        f"over the limit: P{plan.confidence * 100:g} of {plan.budget:,.2f} {plan.currency} is above {limit:,.2f}; "
        f"the probability of spending more is {plan.probability_over(limit):.1%}"
    )


def document(shown: Shown) -> dict[str, Any]:
    """The plan as the JSON document that this module describes."""
    plan, span = shown.plan, shown.plan.projection.span
    run = None if shown.file.policy is None else plan.under(shown.file.policy)
    return {
        "schema": "tokenplan/plan/1",
        "version": version("tokenplan"),
        "name": shown.file.name,
        "scenario": plan.name,
        "currency": plan.currency,
        "confidence": plan.confidence,
        "draws": plan.spec.draws,
        "seed": plan.spec.seed,
        "horizon": {"as_of": span.as_of.date(), "start": span.start.date(), "end": span.end.date()},
        "totals": {
            name: {"amount": round(plan.quantile(level), 2), "se": round(plan.standard_error(level), 2)}
            for name, level in LEVELS.items()
        },
        "base": plan.base,
        "budget": plan.budget,
        "contingency": plan.contingency,
        "reserves": [{"name": one.name, "amount": one.amount} for one in plan.reserves],
        "funding": plan.funding,
        "limit": shown.limit,
        "probability_over_limit": None if shown.limit is None else plan.probability_over(shown.limit),
        "by": shown.by,
        "rows": records(table_of(plan, shown.by)),
        "splits": [
            {"by": level.split.by, "parts": records(plan.policy(level.split.by).reset_index())}
            for level in plan.ledger.levels
        ],
        "policy": None if run is None else {"terms": run.policy.describe(), "rows": records(run.table().reset_index())},
        "unpriced": records(plan.excluded),
        "overrides": records(_dates_alone(plan.overrides(), ("on",))),
        "assumptions": records(_dates_alone(plan.assumptions, DATES)),
        "files": [str(path) for path in shown.written],
    }
