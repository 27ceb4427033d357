"""An approved plan and what was used since. Comes in: the options of a review. Goes out: the plan, usage, tables."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import pandas as pd

from forecast.errors import PlanError, TokenplanError
from forecast.usage import Usage
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.planfile import read_plan_file
from scenarios.budget.planinputs import UsageSource
from scenarios.cli.screen import Screen
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
    with screen.progress(3) as step:
        step("reading the plan")
        plan, name, source = saved_plan(options) if is_saved(options.plan) else approved_plan(options)
        step("reading usage")
        usage = source.read()
        step("done")
    return Approved(name, plan, usage, lines)


def is_saved(path: Path) -> bool:
    """Whether a file is a saved plan, by its name."""
    return path.suffix.lower() == SAVED


def saved_plan(options: argparse.Namespace) -> tuple[BudgetPlan, str, UsageSource]:
    """A saved plan, which is what was approved, and how the export is read."""
    for flag in ("scenario", "seed", "draws", "approved_on"):
        if getattr(options, flag, None) is not None:
            told = flag.replace("_", "-")
            raise PlanError(f"{options.plan}: a saved plan is as it was approved: leave --{told} out")
    plan = load_plan(options.plan)
    source = UsageSource(file=options.usage, format=options.format or None)
    return plan, plan.name, source


def approved_plan(options: argparse.Namespace) -> tuple[BudgetPlan, str, UsageSource]:
    """The plan of a plan file as approved, on its usage as known on ``--approved-on``, and how the export is read."""
    scenario = scenario_source(options.scenario) if options.scenario else None
    file = read_plan_file(options.plan).with_options(seed=options.seed, draws=options.draws, scenario=scenario)
    if options.by:
        file = file.shown_by(options.by)
    known = file.usage.read()
    if options.approved_on is not None:
        known = known.until(pd.Timestamp(options.approved_on))
    chosen = {"format": options.format} if options.format else {}
    try:
        plan = file.plan(file.project(known), file.prices.book())
    except TokenplanError as error:
        raise type(error)(f"{options.plan}: {error}") from error
    return plan, file.name, replace(file.usage, file=options.usage, **chosen)


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
