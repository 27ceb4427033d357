"""The command line. Comes in: nothing. Goes out: a parser whose options name the job that runs them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scenarios.cli.init_arguments import add_init
from scenarios.cli.options import (
    OVER_LIMIT,
    TABLES,
    completed,
    day,
    of_book,
    of_output,
    of_plans,
    of_reading,
    of_usage,
)
from scenarios.cli.parsing import Whole, later
from scenarios.cli.plan_arguments import add_backtest, add_forecast, add_plan, add_scenario
from scenarios.cli.review_arguments import (
    add_alerts,
    add_allocate,
    add_approve,
    add_check,
    add_deep_dive,
    add_reforecast,
    add_review,
    add_track_record,
)

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from scenarios.cli.parsing import Command

#: Commands by the order of work.
GROUPS: Final = {
    "Start": ("demo", "init", "template", "completion"),
    "Data": ("read", "prices"),
    "Plan": ("forecast", "backtest", "plan", "scenario"),
    "Keep": ("review", "reforecast", "track-record", "alerts", "deep-dive", "allocate"),
    "Govern": ("check", "approve"),
}
SHELLS: Final = ("bash", "zsh", "tcsh")


class _Version(argparse.Action):
    """Tell the version, looked up when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        sys.stdout.write(f"tokenplan {version('tokenplan')}\n")
        parser.exit()


def parser() -> Whole:
    """The parser of the command ``tokenplan``."""
    whole = Whole(
        prog="tokenplan",
        description="Plan what an organisation will spend on large language models.",
        groups=GROUPS,
        examples=(
            "tokenplan demo",
            "tokenplan template usage.csv > mine.toml",
            "tokenplan plan mine.toml --out made",
        ),
    )
    whole.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    jobs = whole.jobs
    _demo(jobs)
    add_init(jobs)
    _template(jobs)
    _completion(jobs)
    _read(jobs)
    _prices(jobs)
    add_forecast(jobs)
    add_backtest(jobs)
    add_plan(jobs)
    add_scenario(jobs)
    add_review(jobs)
    add_reforecast(jobs)
    add_track_record(jobs)
    add_alerts(jobs)
    add_deep_dive(jobs)
    add_allocate(jobs)
    add_check(jobs)
    add_approve(jobs)
    return whole


def _demo(jobs: _SubParsersAction[Command]) -> None:
    job = jobs.add_parser(
        "demo",
        help="plan the sample organisation; needs no file",
        description="Plan the sample organisation that ships with tokenplan, from its usage to its budget.",
        examples=(
            "tokenplan demo",
            "tokenplan demo --by quarter,environment --limit 900000",
        ),
        codes=OVER_LIMIT,
    )
    of_plans(job)
    job.set_defaults(run=later("demo_job:run"))


def _template(jobs: _SubParsersAction[Command]) -> None:
    job = jobs.add_parser(
        "template",
        help="print a plan file to start from",
        description="Print a commented plan file that runs as it is: for a usage export, or else for the sample.",
        examples=("tokenplan template > sample.toml", "tokenplan template usage.csv > mine.toml"),
    )
    of_usage(job, optional=True)
    job.add_argument("--quiet", action="store_true", help="no progress and no notes")
    job.set_defaults(run=later("template_job:run"))


def _completion(jobs: _SubParsersAction[Command]) -> None:
    job = jobs.add_parser(
        "completion",
        help="print what completes commands in a shell",
        description="Print a script that completes commands, options, files and names of scenarios in a shell.",
        examples=(
            "tokenplan completion bash > tokenplan.bash",
            "tokenplan completion zsh > _tokenplan",
        ),
    )
    job.add_argument("shell", choices=SHELLS, help="the shell")
    job.set_defaults(run=later("completion_job:run"))


def _read(jobs: _SubParsersAction[Command]) -> None:
    job = jobs.add_parser(
        "read",
        help="show what is in usage exports",
        description="Show what is in usage exports: dates, models, totals, gaps, rejected rows, and what has no price.",
        examples=(
            "tokenplan read usage.csv",
            "tokenplan read data/samples/exports --rules data/samples/exports/rules.toml",
            "tokenplan read --formats",
        ),
    )
    exports = job.add_argument(
        "exports", metavar="EXPORT", nargs="*", help="exports: CSV, JSON or Parquet, also gzipped; folders or globs"
    )
    completed(exports, TABLES)
    job.add_argument("--formats", action="store_true", help="list the formats that can be read")
    job.add_argument(
        "--overlap", choices=("refuse", "later"), default="refuse", help="where exports differ on one day (%(default)s)"
    )
    job.add_argument("--dedupe", choices=("request_id",), help="compare single requests by their own id")
    job.add_argument("--personal", action="store_true", help="keep who used it")
    of_reading(job)
    of_output(job)
    job.set_defaults(run=later("read_job:run"))


def _prices(jobs: _SubParsersAction[Command]) -> None:
    job = jobs.add_parser(
        "prices",
        help="show what a model costs, cost, and is known to cost",
        description="Show how a model's name is matched, what each unit and tier of it costs, and every dated change.",
        examples=("tokenplan prices gpt-5-mini", "tokenplan prices claude-sonnet-4-5 --on 2026-01-01 --output csv"),
    )
    job.add_argument("model", metavar="MODEL", help="the model as a usage names it")
    job.add_argument("--provider", metavar="NAME", help="who sells it (taken from the model where that says)")
    job.add_argument("--on", type=day, metavar="DATE", help="the day of the prices, such as 2027-01-01 (today)")
    of_book(job)
    job.add_argument(
        "--book", dest="book", type=Path, action="append", help=argparse.SUPPRESS
    )  # what --prices was called
    of_output(job)
    job.set_defaults(run=later("prices_job:run"))
