"""Options that commands share. Comes in: a command's parser. Goes out: its options, and what their words mean."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final, TypeAlias

MOST_DRAWS: Final = 1_000_000
MOST_SECONDS: Final = 600
OUTPUTS: Final = ("table", "csv", "markdown")
#: Money of a usage table that a bill can be made of.
MONEY: Final = ("billed_cost", "effective_cost", "list_cost")
#: What a file's name ends in, for completion.
TABLES: Final = ("*.csv", "*.csv.gz", "*.json", "*.jsonl", "*.jsonl.gz", "*.parquet")
PLANS: Final = ("*.toml", "*.tokenplan")
#: What is completed by names of scenarios, and by their files.
SCENARIO: Final = "scenario"
#: Exit codes that some commands can give beside those of all.
OVER_LIMIT: Final = {3: "the budget is over --limit"}

#: Where options are added: a command, or a group of its options.
Options: TypeAlias = "argparse._ActionsContainer"  # noqa: SLF001 - there is no public name of it


def file_of(options: Options, *flags: str, endings: Sequence[str] = (), **more: Any) -> None:
    """An argument that names a file of some endings, or a folder where there are none: a shell completes it."""
    completed(options.add_argument(*flags, **more), tuple(endings))


def scenario_of(options: Options, *flags: str, **more: Any) -> None:
    """An argument that names a shipped scenario, or the file of one."""
    completed(options.add_argument(*flags, metavar="NAME|FILE", **more), SCENARIO)


def completed(action: argparse.Action, by: tuple[str, ...] | str) -> None:
    """Note what a shell completes an argument by: endings of files, or :data:`SCENARIO`."""
    action.completed_by = by  # type: ignore[attr-defined]


def of_plan_file(job: argparse.ArgumentParser, *, saved: bool = False) -> None:
    """The plan that the command is about."""
    if saved:
        told = "a plan file (.toml), or a saved plan (.tokenplan)"
        file_of(job, "plan", type=Path, metavar="PLAN", help=told, endings=PLANS)
    else:
        file_of(job, "plan", type=Path, metavar="PLAN.toml", help="the plan file", endings=("*.toml",))


def of_reviews(job: argparse.ArgumentParser, *, by: str = "rows of the table, such as environment (month)") -> None:
    """What reviews of a plan take."""
    of_plan_file(job, saved=True)
    file_of(job, "usage", metavar="USAGE", help="an export, read as the plan file's own", endings=TABLES)
    job.add_argument("--approved-on", type=day, metavar="DATE", help="make the plan of what was known on that day")
    file_of(
        job,
        "--lines",
        type=Path,
        metavar="TABLE.csv",
        help="what other lines cost: month, line, amount",
        endings=("*.csv",),
    )
    job.add_argument("--by", type=names, metavar="NAME,...", help=by)
    of_making(job)
    of_reading(job, usual="the plan file's")
    of_output(job)


def of_making(job: argparse.ArgumentParser) -> None:
    """What of a plan file may be told on the command line."""
    scenario_of(job, "--scenario", help="a shipped scenario, or the file of one (the plan file's)")
    of_draws(job)


def of_draws(job: argparse.ArgumentParser) -> None:
    """How many futures of a plan file, and their seed."""
    job.add_argument("--draws", type=draws, metavar="N", help="how many futures (the plan file's)")
    job.add_argument("--seed", type=count, metavar="N", help="seed of forecast and draws (the plan file's)")


def of_plans(job: argparse.ArgumentParser) -> None:
    """What makes and shows a plan."""
    job.add_argument(
        "--by", type=names, metavar="NAME,...", help="rows of the table, such as month,environment (the plan file's)"
    )
    of_making(job)
    job.add_argument("--limit", type=amount, metavar="AMOUNT", help="exit with 3 if the budget is above it")
    file_of(job, "--out", type=Path, metavar="DIR", help="write charts, workbook, page and CSV there")
    file_of(job, "--save", type=Path, metavar="FILE", help="keep the plan in one file", endings=("*.tokenplan",))
    of_output(job)


def of_usage(job: argparse.ArgumentParser, *, optional: bool = False, usual: str | None = None) -> None:
    """A usage export, and how it is read."""
    file_of(
        job,
        "usage",
        metavar="USAGE",
        nargs="?" if optional else None,
        help="an export: CSV, JSON or Parquet, also gzipped; a folder or a glob of them",
        endings=TABLES,
    )
    of_reading(job, usual=usual)


def of_reading(job: argparse.ArgumentParser, *, usual: str | None = None) -> None:
    """How exports are read; ``usual`` says whose ways hold where nothing is told, if not the export's."""
    how = job.add_argument_group("how the export is read" + (f" ({usual} ways)" if usual else ""))
    how.add_argument("--format", metavar="NAME", help="its format, found from the export (read --formats lists them)")
    file_of(
        how,
        "--rules",
        type=Path,
        metavar="RULES.toml",
        help="what gives environment, project and department from names",
        endings=("*.toml",),
    )
    how.add_argument(
        "--column",
        type=pair,
        action="append",
        default=[],
        metavar="NAME=OWN",
        help="the export's own name of a column: date=day; may be repeated",
    )
    how.add_argument(
        "--fill",
        type=pair,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="one value for every row: provider=openai; may be repeated",
    )
    how.add_argument("--grain", choices=("hour", "day", "month"), help="what to add up to (the export's own)")
    how.add_argument("--timezone", metavar="ZONE", help=f"the billing zone ({usual or 'UTC'})")
    how.add_argument("--currency", metavar="CODE", help="convert money to it, at --rates: EUR")
    file_of(
        how,
        "--rates",
        type=Path,
        metavar="FILE",
        help="dated exchange rates: currency, rate and date, as CSV or TOML",
        endings=("*.csv", "*.toml"),
    )
    how.add_argument(
        "--decimal", choices=(".", ","), metavar="SIGN", help="before decimals: . or , (found from the numbers)"
    )


def of_forecast(job: argparse.ArgumentParser, does: str) -> None:
    """What is forecast, and how."""
    job.add_argument(
        "--horizon", metavar="SPAN", default="2Q", help=f"what is {does}: 2Q, 3M, 90D, 2027Q1 or FY2027 (%(default)s)"
    )
    job.add_argument("--model", metavar="NAME", default="auto", help="the forecaster (%(default)s)")
    of_lag(job)
    job.add_argument("--draws", type=draws, metavar="N", default=10_000, help="how many futures (%(default)s)")


def of_lag(job: argparse.ArgumentParser) -> None:
    """Periods that may be incomplete."""
    job.add_argument(
        "--lag", type=lag, metavar="N", help="last periods that may be incomplete, not used (2 days, 0 months)"
    )


def of_book(job: argparse.ArgumentParser, flag: str = "--prices") -> None:
    """Prices over the list prices."""
    file_of(
        job,
        flag,
        dest="book",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a CSV or TOML file of prices and discounts over the list prices; may be repeated, the first holds",
        endings=("*.csv", "*.toml"),
    )


def of_series(job: argparse.ArgumentParser) -> None:
    """What makes a series, and the seed."""
    job.add_argument("--by", type=names, metavar="NAME,...", help="what makes a series (environment,project)")
    job.add_argument("--seed", type=count, metavar="N", default=0, help="the seed (%(default)s)")


def of_jobs(job: argparse.ArgumentParser) -> None:
    """How many work at once."""
    job.add_argument(
        "--jobs", type=above_zero, metavar="N", default=1, help="processes that work at once (%(default)s)"
    )


def of_output(job: argparse.ArgumentParser) -> None:
    """The form of what is shown."""
    group = job.add_argument_group("what is shown")
    form = group.add_mutually_exclusive_group()
    form.add_argument("--output", choices=OUTPUTS, default="table", help="the form of the table (%(default)s)")
    form.add_argument("--json", action="store_true", help="one JSON document in place of the table")
    group.add_argument("--quiet", action="store_true", help="no progress and no notes")


def names(written: str) -> tuple[str, ...]:
    """Names with commas between them."""
    found = tuple(part.strip() for part in written.split(","))
    if not all(found):
        raise argparse.ArgumentTypeError(f"{written!r}: wanted names with commas between them")
    return found


def pair(written: str) -> tuple[str, str]:
    """NAME=VALUE."""
    name, sign, value = (part.strip() for part in written.partition("="))
    if not (name and sign and value):
        raise argparse.ArgumentTypeError(f"{written!r}: wanted NAME=VALUE")
    return name, value


def count(written: str) -> int:
    """A whole number from 0 up."""
    if not (written.isascii() and written.isdigit() and len(written) < 16):
        raise argparse.ArgumentTypeError(f"{written!r}: wanted a whole number from 0 up")
    return int(written)


def above_zero(written: str) -> int:
    """A whole number from 1 up."""
    if (number := count(written)) < 1:
        raise argparse.ArgumentTypeError(f"{written!r}: wanted a whole number from 1 up")
    return number


def day(written: str) -> date:
    """A day."""
    try:
        return date.fromisoformat(written)
    except ValueError as cause:
        raise argparse.ArgumentTypeError(f"{written!r}: wanted a day such as 2027-01-01") from cause


def draws(written: str) -> int:
    """How many futures."""
    if (number := above_zero(written)) > MOST_DRAWS:
        raise argparse.ArgumentTypeError(f"{written!r}: wanted at most {MOST_DRAWS:,}")
    return number


def lag(written: str) -> int:
    """How many periods."""
    from scenarios.budget.planfile import MOST_LAG

    if (number := count(written)) > MOST_LAG:
        raise argparse.ArgumentTypeError(f"{written!r}: wanted at most {MOST_LAG}")
    return number


def seconds(written: str) -> float:
    """Some seconds."""
    if (number := amount(written)) > MOST_SECONDS:
        raise argparse.ArgumentTypeError(f"{written!r}: wanted at most {MOST_SECONDS} seconds")
    return number


def amount(written: str) -> float:
    """Money above 0."""
    try:
        amount = float(written)
    except ValueError:
        amount = math.nan
    if not (math.isfinite(amount) and amount > 0):
        raise argparse.ArgumentTypeError(f"{written!r}: wanted an amount of money above 0, such as 250000")
    return amount


def share(written: str) -> float:
    """A share from 0 to 1."""
    try:
        share = float(written)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{written!r}: wanted a share from 0 to 1, such as 0.8")
    return share
