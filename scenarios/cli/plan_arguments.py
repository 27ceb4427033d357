"""Commands that plan. Comes in: the command's parser. Goes out: forecast, backtest, plan, scenario."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scenarios.cli.options import (
    OVER_LIMIT,
    above_zero,
    day,
    file_of,
    names,
    of_book,
    of_forecast,
    of_jobs,
    of_lag,
    of_output,
    of_plan_file,
    of_plans,
    of_series,
    of_usage,
    scenario_of,
)
from scenarios.cli.parsing import Command, later

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_forecast(jobs: _SubParsersAction[Command]) -> None:
    """``tokenplan forecast``."""
    job = jobs.add_parser(
        "forecast",
        help="forecast requests and tokens of a usage export",
        description="Forecast requests and tokens by month and by workload, with bands on the totals (P10 to P90).",
        examples=(
            "tokenplan forecast usage.csv",
            "tokenplan forecast usage.csv --horizon 1Q --by project --output csv",
        ),
    )
    of_usage(job)
    of_forecast(job, "forecast")
    of_series(job)
    of_output(job)
    job.set_defaults(run=later("forecast_job:run"))


def add_backtest(jobs: _SubParsersAction[Command]) -> None:
    """``tokenplan backtest``."""
    job = jobs.add_parser(
        "backtest",
        help="score forecasts of a usage export's own past",
        description="Forecast the known past from several dates with several models, and score what came of it.",
        examples=(
            "tokenplan backtest usage.csv --models run_rate,seasonal_naive",
            "tokenplan backtest usage.csv --models run_rate --horizon 14 --origins 2 --measure tokens",
        ),
    )
    of_usage(job)
    job.add_argument(
        "--models",
        type=names,
        default=("auto", "seasonal_naive", "run_rate"),
        metavar="NAME,...",
        help="the forecasters (auto,seasonal_naive,run_rate)",
    )
    job.add_argument("--measure", choices=("requests", "tokens"), help="what is scored (requests where there are any)")
    job.add_argument("--horizon", type=above_zero, metavar="N", help="periods ahead (28 days, or 3 months)")
    job.add_argument(
        "--origins", type=above_zero, metavar="N", default=4, help="how many dates to forecast from (%(default)s)"
    )
    of_lag(job)
    of_jobs(job)
    of_series(job)
    of_output(job)
    job.set_defaults(run=later("backtest_job:run"))


def add_plan(jobs: _SubParsersAction[Command]) -> None:
    """``tokenplan plan``."""
    job = jobs.add_parser(
        "plan",
        help="make the plan that a plan file tells",
        description="Make the plan that a plan file tells: usage, prices, scenario, lines and split into a budget.",
        examples=(
            "tokenplan plan plan.toml",
            "tokenplan plan plan.toml --by quarter,environment --limit 900000",
            "tokenplan plan plan.toml --out made --save approved.tokenplan",
        ),
        codes=OVER_LIMIT,
    )
    of_plan_file(job)
    of_plans(job)
    job.set_defaults(run=later("plan_job:run"))


def add_scenario(jobs: _SubParsersAction[Command]) -> None:
    """``tokenplan scenario``."""
    job = jobs.add_parser(
        "scenario",
        help="list, show, begin and compare scenarios",
        description="Scenarios: those that ship with tokenplan, what one assumes, a new file, and what some cost.",
        examples=("tokenplan scenario list", "tokenplan scenario compare usage.csv price-cut steady-growth"),
    )
    parts = job.add_subparsers(metavar="JOB", required=True, parser_class=Command)
    every = parts.add_parser(
        "list",
        help="list the shipped scenarios",
        description="List the scenarios that ship with tokenplan.",
        examples=("tokenplan scenario list", "tokenplan scenario list --output markdown"),
    )
    of_output(every)
    every.set_defaults(run=later("scenario_job:run_list"))
    one = parts.add_parser(
        "show",
        help="show what a scenario assumes, and where that comes from",
        description="Show what a scenario assumes, in plain words, and where that comes from.",
        examples=("tokenplan scenario show price-cut", "tokenplan scenario show price-cut --start 2027-04-01 --json"),
    )
    scenario_of(one, "scenario", help="a shipped scenario, or the TOML file of one")
    one.add_argument(
        "--start", type=day, metavar="DATE", help="the plan's first day, where days count from it (next quarter's)"
    )
    of_output(one)
    one.set_defaults(run=later("scenario_job:run_show"))
    new = parts.add_parser(
        "new",
        help="write a commented scenario file to start from",
        description="Write a commented scenario file to start from: a plain one, or a copy of one that ships.",
        examples=("tokenplan scenario new launch.toml", "tokenplan scenario new cut.toml --from price-cut"),
    )
    file_of(new, "file", type=Path, metavar="FILE.toml", help="the file to write", endings=("*.toml",))
    new.add_argument("--from", dest="origin", metavar="NAME", help="start from a shipped scenario ('scenario list')")
    new.add_argument("--force", action="store_true", help="overwrite a file that is there")
    new.add_argument("--quiet", action="store_true", help="no notes")
    new.set_defaults(run=later("scenario_job:run_new"))
    _compare(parts)


def _compare(jobs: _SubParsersAction[Command]) -> None:
    job = jobs.add_parser(
        "compare",
        help="compare what scenarios cost on a usage export",
        description="Forecast a usage export and show what each scenario would cost beside the others, world by world.",
        examples=(
            "tokenplan scenario compare usage.csv price-cut steady-growth",
            "tokenplan scenario compare usage.csv price-cut --horizon 1Q --out made",
        ),
    )
    of_usage(job)
    scenario_of(job, "scenarios", nargs="+", help="shipped scenarios, or the TOML files of some")
    scenario_of(job, "--base", help="what they are held against (what is forecast)")
    of_forecast(job, "planned")
    of_book(job)
    job.add_argument(
        "--unpriced", choices=("refuse", "exclude"), default="refuse", help="usage without a price (%(default)s)"
    )
    file_of(job, "--out", type=Path, metavar="DIR", help="write tables, chart and a waterfall a scenario there")
    job.add_argument(
        "--bridge",
        choices=("step", "change"),
        default="step",
        help="what waterfalls tell: volume, price, levers and so on, or each change (%(default)s)",
    )
    of_series(job)
    of_output(job)
    job.set_defaults(run=later("compare_job:run"))
