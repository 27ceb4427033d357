"""The command line. Comes in: nothing. Goes out: a parser whose options name the job that runs them."""

from __future__ import annotations

import argparse
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from scenarios.cli import (
    backtest_job,
    compare_job,
    demo_job,
    forecast_job,
    plan_job,
    prices_job,
    read_job,
    scenario_job,
    template_job,
)
from scenarios.cli.init_arguments import add_init
from scenarios.cli.options import (
    CODES,
    above_zero,
    day,
    names,
    of_book,
    of_forecast,
    of_lag,
    of_output,
    of_plans,
    of_reading,
    of_series,
    of_usage,
)
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


def parser() -> argparse.ArgumentParser:
    """The parser of the command ``tokenplan``."""
    whole = argparse.ArgumentParser(
        prog="tokenplan",
        description="Plan what an organisation will spend on large language models.",
        epilog=CODES,
    )
    whole.add_argument("--version", action="version", version=f"tokenplan {version('tokenplan')}")
    jobs = whole.add_subparsers(metavar="COMMAND", required=True)
    add_init(jobs)
    _plan(jobs)
    _forecast(jobs)
    _backtest(jobs)
    add_track_record(jobs)
    add_alerts(jobs)
    _read(jobs)
    _prices(jobs)
    add_review(jobs)
    add_reforecast(jobs)
    add_deep_dive(jobs)
    _scenario(jobs)
    add_allocate(jobs)
    add_check(jobs)
    add_approve(jobs)
    _demo(jobs)
    _template(jobs)
    return whole


def _plan(jobs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    job = jobs.add_parser(
        "plan",
        help="make the plan that a plan file tells",
        description="Make the plan that a plan file tells: usage, prices, scenario, lines and split into a budget.",
        epilog=f"'tokenplan template' prints a plan file to start from. {CODES}",
    )
    job.add_argument("plan", type=Path, metavar="PLAN.toml", help="the plan file")
    of_plans(job)
    job.set_defaults(run=plan_job.run)


def _read(jobs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    job = jobs.add_parser(
        "read",
        help="show what is in usage exports",
        description="Show what is in usage exports: dates, models, totals, gaps, rejected rows, and what has no price.",
        epilog=CODES,
    )
    job.add_argument(
        "exports", metavar="EXPORT", nargs="*", help="exports: CSV, JSON or Parquet, also gzipped; folders or globs"
    )
    of_reading(job)
    job.add_argument(
        "--overlap", choices=("refuse", "later"), default="refuse", help="where exports differ on one day (%(default)s)"
    )
    job.add_argument("--dedupe", choices=("request_id",), help="compare single requests by their own id")
    job.add_argument("--personal", action="store_true", help="keep who used it")
    job.add_argument("--formats", action="store_true", help="list the formats that can be read")
    of_output(job)
    job.set_defaults(run=read_job.run)


def _demo(jobs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    job = jobs.add_parser(
        "demo",
        help="plan the sample organisation; needs no file",
        description="Plan the sample organisation that ships with tokenplan, from its usage to its budget.",
        epilog=CODES,
    )
    of_plans(job)
    job.set_defaults(run=demo_job.run)


def _forecast(jobs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    job = jobs.add_parser(
        "forecast",
        help="forecast requests and tokens of a usage export",
        description="Forecast requests and tokens by month and by workload, with bands on the totals (P10 to P90).",
        epilog=CODES,
    )
    of_usage(job)
    of_forecast(job, "forecast")
    of_series(job)
    of_output(job)
    job.set_defaults(run=forecast_job.run)


def _backtest(jobs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    job = jobs.add_parser(
        "backtest",
        help="score forecasts of a usage export's own past",
        description="Forecast the known past from several dates with several models, and score what came of it.",
        epilog=CODES,
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
    job.add_argument("--horizon", type=above_zero, help="periods ahead (28 days, or 3 months)")
    job.add_argument("--origins", type=above_zero, default=4, help="how many dates to forecast from (%(default)s)")
    of_lag(job)
    job.add_argument("--jobs", type=above_zero, default=1, help="processes that work at once (%(default)s)")
    of_series(job)
    of_output(job)
    job.set_defaults(run=backtest_job.run)


def _prices(jobs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    job = jobs.add_parser(
        "prices",
        help="show what a model costs, cost, and is known to cost",
        description="Show how a model's name is matched, what each unit and tier of it costs, and every dated change.",
        epilog=CODES,
    )
    job.add_argument("model", metavar="MODEL", help="the model as a usage names it")
    job.add_argument("--provider", metavar="NAME", help="who sells it (taken from the model where that says)")
    job.add_argument("--on", type=day, metavar="DATE", help="the day of the prices, such as 2027-01-01 (today)")
    of_book(job, "--book")
    of_output(job)
    job.set_defaults(run=prices_job.run)


def _scenario(jobs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    job = jobs.add_parser(
        "scenario",
        help="list, show, begin and compare scenarios",
        description="Scenarios: those that ship with tokenplan, what one assumes, a new file, and what some cost.",
        epilog=CODES,
    )
    parts = job.add_subparsers(metavar="JOB", required=True)
    every = parts.add_parser("list", help="list the shipped scenarios", epilog=CODES)
    of_output(every)
    every.set_defaults(run=scenario_job.run_list)
    one = parts.add_parser("show", help="show what a scenario assumes, and where that comes from", epilog=CODES)
    one.add_argument("scenario", metavar="NAME|FILE", help="a shipped scenario, or the TOML file of one")
    one.add_argument(
        "--start",
        type=day,
        metavar="DATE",
        help="the plan's first day, where days count from it (next quarter's)",
    )
    of_output(one)
    one.set_defaults(run=scenario_job.run_show)
    new = parts.add_parser("new", help="write a commented scenario file to start from", epilog=CODES)
    new.add_argument("file", type=Path, metavar="FILE.toml", help="the file to write")
    new.add_argument("--from", dest="origin", metavar="NAME", help="start from a shipped scenario ('scenario list')")
    new.add_argument("--force", action="store_true", help="overwrite a file that is there")
    new.add_argument("--quiet", action="store_true", help="no notes")
    new.set_defaults(run=scenario_job.run_new)
    _compare(parts)


def _compare(jobs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    job = jobs.add_parser(
        "compare",
        help="compare what scenarios cost on a usage export",
        description="Forecast a usage export and show what each scenario would cost beside the others, world by world.",
        epilog=CODES,
    )
    of_usage(job)
    job.add_argument("scenarios", metavar="NAME|FILE", nargs="+", help="shipped scenarios, or the TOML files of some")
    job.add_argument("--base", metavar="NAME|FILE", help="what they are held against (what is forecast)")
    of_forecast(job, "planned")
    of_book(job, "--prices")
    job.add_argument(
        "--unpriced", choices=("refuse", "exclude"), default="refuse", help="what to do about usage without a price"
    )
    job.add_argument("--out", type=Path, metavar="DIR", help="write tables, chart and a waterfall a scenario there")
    job.add_argument(
        "--bridge",
        choices=("step", "change"),
        default="step",
        help="what waterfalls tell: volume, price, levers and so on, or each change (%(default)s)",
    )
    of_series(job)
    of_output(job)
    job.set_defaults(run=compare_job.run)


def _template(jobs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    job = jobs.add_parser(
        "template",
        help="print a plan file to start from",
        description="Print a commented plan file that runs as it is: for a usage export, or else for the sample.",
        epilog="tokenplan template usage.csv > plan.toml, then tokenplan plan plan.toml",
    )
    of_usage(job, optional=True)
    job.add_argument("--quiet", action="store_true", help="no progress and no notes")
    job.set_defaults(run=template_job.run)
