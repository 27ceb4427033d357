"""Options that commands share. Comes in: a command's parser. Goes out: its options, and what their words mean."""

from __future__ import annotations

import argparse
import math
from datetime import date
from pathlib import Path
from typing import Final

from scenarios.budget.planfile import MOST_LAG

MOST_DRAWS: Final = 1_000_000
MOST_SECONDS: Final = 600
OUTPUTS: Final = ("table", "csv", "markdown")
CODES: Final = (
    "exit codes: 0 fine; 1 the input is wrong; 2 the command line is wrong; 3 over the budget given with --limit; "
    "4 a check or alert fired, or --fail-over did; 130 interrupted"
)


def of_reviews(job: argparse.ArgumentParser) -> None:
    """What reviews of a plan take."""
    job.add_argument("plan", type=Path, metavar="PLAN", help="a plan file (.toml), or a saved plan (.tokenplan)")
    job.add_argument("usage", metavar="USAGE", help="an export, read as the plan file's own")
    job.add_argument("--format", help="the export's format, where it is not that of the plan file's own")
    job.add_argument("--approved-on", type=day, metavar="DATE", help="make the plan of what was known on that day")
    job.add_argument("--lines", type=Path, metavar="TABLE.csv", help="what other lines cost: month, line, amount")
    job.add_argument("--by", type=names, metavar="NAME,...", help="rows of the table, such as environment (month)")
    job.add_argument(
        "--scenario", metavar="NAME|FILE", help="a shipped scenario, or one's file, in place of the plan's own"
    )
    job.add_argument("--draws", type=draws, help="how many futures")
    job.add_argument("--seed", type=count, help="the seed of forecast and draws")
    of_output(job)


def of_plans(job: argparse.ArgumentParser) -> None:
    """What makes and shows a plan."""
    job.add_argument("--by", type=names, metavar="NAME,...", help="rows of the table, such as month,environment")
    job.add_argument(
        "--scenario", metavar="NAME|FILE", help="a shipped scenario, or one's file, in place of the plan's own"
    )
    job.add_argument("--limit", type=amount, metavar="AMOUNT", help="exit with 3 if the budget is above it")
    job.add_argument("--draws", type=draws, help="how many futures")
    job.add_argument("--seed", type=count, help="the seed of forecast and draws")
    job.add_argument("--out", type=Path, metavar="DIR", help="write charts, workbook, page and CSV there")
    job.add_argument("--save", type=Path, metavar="FILE", help="keep the plan in one file, for sc.load_plan")
    of_output(job)


def of_usage(job: argparse.ArgumentParser, *, optional: bool = False, rules: str = "--rules") -> None:
    """A usage export, and how it is read."""
    job.add_argument(
        "usage",
        metavar="USAGE",
        nargs="?" if optional else None,
        help="an export: CSV, JSON or Parquet, also gzipped; a folder or a glob of them",
    )
    of_reading(job, rules=rules)


def of_reading(job: argparse.ArgumentParser, *, rules: str = "--rules") -> None:
    """How exports are read."""
    job.add_argument("--format", help="the export's format; found from the export ('tokenplan read --formats' lists)")
    job.add_argument(
        rules,
        dest="rules",
        type=Path,
        metavar="RULES.toml",
        help="what gives environment, project and department from names",
    )
    job.add_argument("--grain", choices=("hour", "day", "month"), help="what to add up to (the export's own)")
    job.add_argument(
        "--column",
        type=pair,
        action="append",
        default=[],
        metavar="NAME=OWN",
        help="the export's own name of a column: date=day; may be repeated",
    )
    job.add_argument(
        "--fill",
        type=pair,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="one value for every row: provider=openai; may be repeated",
    )
    job.add_argument("--timezone", default="UTC", help="the billing zone (%(default)s)")
    job.add_argument("--decimal", choices=(".", ","), help="what stands before decimals, where the numbers don't tell")


def of_forecast(job: argparse.ArgumentParser, does: str) -> None:
    """What is forecast, and how."""
    job.add_argument("--horizon", default="2Q", help=f"what is {does}: 2Q, 3M, 90D, 2027Q1 or FY2027 (%(default)s)")
    job.add_argument("--model", default="auto", help="the forecaster (%(default)s)")
    of_lag(job)
    job.add_argument("--draws", type=draws, default=10_000, help="how many futures (%(default)s)")


def of_lag(job: argparse.ArgumentParser) -> None:
    """Periods that may be incomplete."""
    job.add_argument("--lag", type=lag, help="last periods that may be incomplete, not used (2 days, 0 months)")


def of_book(job: argparse.ArgumentParser, flag: str) -> None:
    """Prices over the list prices."""
    job.add_argument(
        flag,
        dest="book",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a CSV or TOML file of prices and discounts over the list prices; may be repeated, the first holds",
    )


def of_series(job: argparse.ArgumentParser) -> None:
    """What makes a series, and the seed."""
    job.add_argument("--by", type=names, metavar="NAME,...", help="what makes a series (environment,project)")
    job.add_argument("--seed", type=count, default=0, help="the seed (%(default)s)")


def of_output(job: argparse.ArgumentParser) -> None:
    """The form of what is shown."""
    form = job.add_mutually_exclusive_group()
    form.add_argument("--output", choices=OUTPUTS, default="table", help="the form of the table (%(default)s)")
    form.add_argument("--json", action="store_true", help="one JSON document in place of the table")
    job.add_argument("--quiet", action="store_true", help="no progress and no notes")


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
