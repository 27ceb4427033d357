"""An approved plan and what was used since. Comes in: the options of a review. Goes out: the plan, usage, tables."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from forecast.errors import PlanError, TokenplanError
from forecast.usage import Usage
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.planfile import PlanFile, read_plan_file
from scenarios.cli.screen import Screen
from scenarios.files.scenario_file import scenario_source


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
    with screen.progress(3) as step:
        step("reading the plan file")
        file, plan = approved_plan(options)
        step("reading usage")
        chosen = {"format": options.format} if options.format else {}
        usage = replace(file.usage, file=options.usage, **chosen).read()
        step("done")
    return Approved(file.name, plan, usage, lines)


def approved_plan(options: argparse.Namespace) -> tuple[PlanFile, BudgetPlan]:
    """The plan file, and its plan as approved: on the file's usage as it was known on ``--approved-on``.

    What else a plan may be kept in is read here.
    """
    scenario = scenario_source(options.scenario) if options.scenario else None
    file = read_plan_file(options.plan).with_options(seed=options.seed, draws=options.draws, scenario=scenario)
    if options.by:
        file = file.shown_by(options.by)
    known = file.usage.read()
    if options.approved_on is not None:
        known = known.until(pd.Timestamp(options.approved_on))
    try:
        return file, file.plan(file.project(known), file.prices.book())
    except TokenplanError as error:
        raise type(error)(f"{options.plan}: {error}") from error


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
