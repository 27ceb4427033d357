"""An approved plan and what was used since. Comes in: the options of a review. Goes out: the plan, usage, tables."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from forecast.errors import PlanError, TokenplanError
from forecast.usage import Usage
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.planfile import read_plan_file
from scenarios.budget.planinputs import UsageSource
from scenarios.cli.screen import Screen
from scenarios.cli.timing import expected, megabytes_of
from scenarios.cli.usage_input import read_usage_of
from scenarios.files.scenario_file import scenario_source
from scenarios.saved.loading import load_plan

#: How the name of a saved plan ends.
SAVED: Final = ".tokenplan"


@dataclass(frozen=True, slots=True)
class Approved:
    """A plan as approved, and what a review holds against it.

    Attributes
    ----------
    name : str
    plan : BudgetPlan
    usage : Usage
        The export that was named.
    lines : DataFrame, optional
        What lines beside tokens cost: ``month, line, amount``.
    """

    name: str
    plan: BudgetPlan
    usage: Usage
    lines: pd.DataFrame | None


def approved_of(options: argparse.Namespace, screen: Screen) -> Approved:
    """The plan that was approved, and the export.

    Raises
    ------
    TokenplanError
        A file breaks a rule, or the plan cannot be made.
    """
    lines = None if options.lines is None else read_lines(options.lines)
    size = megabytes_of(options.usage)
    made = sum(expected(step, size) for step in ("reading", "forecasting", "simulating"))
    with screen.progress({"making the plan": made, "reading usage": expected("reading", size)}) as step:
        step()
        name, plan, source = approved_plan(options)
        step()
        usage = read_usage_of(options, like=source)
    return Approved(name, plan, usage, lines)


def approved_plan(options: argparse.Namespace) -> tuple[str, BudgetPlan, UsageSource]:
    """The approved plan, its name, and how an export is read: that of a plan file, or one that was saved.

    A plan file's plan is made on its usage as it was known on ``--approved-on``. A saved plan is what was approved.

    Raises
    ------
    TokenplanError
        The plan cannot be read or made, or an option would change a saved one.
    """
    if options.plan.name.lower().endswith(SAVED):
        return _saved(options)
    scenario = scenario_source(options.scenario) if options.scenario else None
    file = read_plan_file(options.plan).with_options(seed=options.seed, draws=options.draws, scenario=scenario)
    if options.by:
        file = file.shown_by(options.by)
    known = file.usage.read()
    try:
        if options.approved_on is not None:
            known = known.until(pd.Timestamp(options.approved_on))
        return file.name, file.plan(file.project(known), file.prices.book()), file.usage
    except TokenplanError as error:
        late = options.approved_on is None and "usage is known up to" in str(error)
        hint = " (a plan as it was approved in the past: --approved-on DATE)" if late else ""
        raise type(error)(f"{options.plan}: {error}{hint}") from error


def _saved(options: argparse.Namespace) -> tuple[str, BudgetPlan, UsageSource]:
    """A plan that was saved, whose export is read to its grain, in its billing zone."""
    for option in ("approved_on", "scenario", "draws", "seed"):
        if getattr(options, option) is not None:
            flag = option.replace("_", "-")
            raise PlanError(f"{options.plan}: a saved plan is as it was approved; --{flag} goes with a plan file")
    plan = load_plan(options.plan)
    known = plan.projection.usage
    return plan.name, plan, UsageSource(file=options.usage, grain=known.grain, timezone=known.timezone)


def read_table(path: Path) -> pd.DataFrame:
    """A CSV file as it is written: its periods and months stay text.

    Raises
    ------
    PlanError
        It is no CSV file.
    OSError
        It cannot be read.
    """
    try:
        return pd.read_csv(path, dtype={"period": str, "month": str}, skipinitialspace=True)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise PlanError(f"{path}: cannot be read as CSV: {error}") from error


def read_lines(path: Path) -> pd.DataFrame:
    """What lines cost, by month.

    Raises
    ------
    PlanError
        It is no CSV file, or a month is none.
    """
    table = read_table(path)
    for row, month in enumerate(table.get("month", ()), start=2):
        try:
            pd.Period(str(month), "M")
        except ValueError as error:
            raise PlanError(f"{path}, line {row}: month {month!r}: wanted a month such as 2027-01") from error
    return table
