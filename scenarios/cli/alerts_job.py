"""``tokenplan alerts``. Comes in: a usage export, and a plan file. Goes out: what is out of the ordinary, and a code.

The JSON document is ``tokenplan/alerts/1``: ``schema, as_of, days, fired`` (how many are a warning or worse),
``alerts`` (each ``id, fingerprint, rule, severity, labels, since, day, message, evidence``) and ``notes`` (what was not
looked at).
"""

from __future__ import annotations

import argparse
from typing import Final

from forecast.errors import TokenplanError
from forecast.prices import PriceBook
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.planfile import PlanFile, read_plan_file
from scenarios.cli.screen import Screen
from scenarios.cli.tables import Column, aligned, csv, markdown
from scenarios.cli.timing import expected, megabytes_of
from scenarios.cli.usage_input import read_usage_of
from scenarios.reviews.alerts.alert import Alerts
from scenarios.reviews.alerts.rules import AlertRules
from scenarios.reviews.alerts.rules_file import read_rules
from scenarios.reviews.alerts.watching import alerts

FIRED: Final = 4
_COLUMNS: Final = (
    Column("severity", "severity"),
    Column("rule", "rule"),
    Column("day", "day"),
    Column("message", "what"),
)


def run(options: argparse.Namespace) -> int:
    """Look at a usage, show what is out of the ordinary, and send it."""
    screen = Screen(options.quiet)
    rules = read_rules(options.thresholds) if options.thresholds else AlertRules()
    file = None if options.plan is None else read_plan_file(options.plan)
    size = megabytes_of(options.usage)
    plan_ = 0.1 if file is None else sum(expected(s, size) for s in ("reading", "forecasting", "simulating"))
    steps = {"reading usage": expected("reading", size), "planning": plan_, "looking": expected("looking back", size)}
    with screen.progress(steps) as step:
        step()
        usage = read_usage_of(options, like=None if file is None else file.usage)
        step()
        plan, prices = (None, None) if file is None else _planned(file)
        step()
        found = alerts(usage, plan, as_of=options.as_of, rules=rules, prices=prices, by=options.by)
    _show(found, options, screen)
    for note in found.notes:
        screen.note(note)
    if options.webhook:
        count = found.notify(options.webhook, state=options.state, form=options.webhook_form, timeout=options.timeout)
        screen.note(f"sent {count} alerts" if count else "sent nothing: no alert is new or has changed")
    return FIRED if found.fired else 0


def _planned(file: PlanFile) -> tuple[BudgetPlan, PriceBook]:
    """The plan of the plan file, made from its own usage; and its prices, for usage without a bill."""
    prices = file.prices.book()
    try:
        return file.plan(file.project(file.usage.read()), prices), prices
    except TokenplanError as error:
        raise type(error)(f"{file.path}: {error}") from error


def _show(found: Alerts, options: argparse.Namespace, screen: Screen) -> None:
    if options.json:
        screen.write(found.to_json())
        return
    table = found.table()
    if options.output == "csv":
        screen.write(csv(table.assign(since=_dated(table, "since"), day=_dated(table, "day"))))
        return
    head = f"Alerts as of {found.as_of:%Y-%m-%d}, the last {found.days} days"
    if table.empty:
        screen.write(f"{head}: none\n")
        return
    shown = table.assign(day=_dated(table, "day"))
    if options.output == "markdown":
        screen.write(f"**{head}**\n\n{markdown(shown, _COLUMNS)}\n")
    else:
        screen.show(f"{head}\n\n{aligned(shown, _COLUMNS, width=screen.width())}\n")


def _dated(table: object, column: str) -> list[str]:
    return [f"{day:%Y-%m-%d}" for day in table[column]]  # type: ignore[index]
