"""The command line. Comes in: nothing. Goes out: a parser whose options name the job that runs them."""

from __future__ import annotations

import argparse
import math
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final, get_args

from forecast.costs import Money
from scenarios.budget.planfile import MOST_LAG
from scenarios.cli import (
    alerts_job,
    allocate_job,
    backtest_job,
    check_job,
    compare_job,
    demo_job,
    forecast_job,
    plan_job,
    prices_job,
    read_job,
    reforecast_job,
    review_job,
    scenario_job,
    template_job,
    track_job,
)

if TYPE_CHECKING:
    from argparse import _SubParsersAction

MOST_DRAWS: Final = 1_000_000
MOST_SECONDS: Final = 600
OUTPUTS: Final = ("table", "csv", "markdown")
_CODES: Final = (
    "exit codes: 0 fine; 1 the input is wrong; 2 the command line is wrong; 3 over the budget given with --limit; "
    "4 a check or alert fired; 130 interrupted"
)


def parser() -> argparse.ArgumentParser:
    """The parser of the command ``tokenplan``."""
    whole = argparse.ArgumentParser(
        prog="tokenplan",
        description="Plan what an organisation will spend on large language models.",
        epilog=_CODES,
    )
    whole.add_argument("--version", action="version", version=f"tokenplan {version('tokenplan')}")
    jobs = whole.add_subparsers(metavar="COMMAND", required=True)
    _plan(jobs)
    _forecast(jobs)
    _backtest(jobs)
    _track_record(jobs)
    _alerts(jobs)
    _read(jobs)
    _prices(jobs)
    _review(jobs)
    _reforecast(jobs)
    _scenario(jobs)
    _allocate(jobs)
    _check(jobs)
    _approve(jobs)
    _demo(jobs)
    _template(jobs)
    return whole


def _plan(jobs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    job = jobs.add_parser(
        "plan",
        help="make the plan that a plan file tells",
        description="Make the plan that a plan file tells: usage, prices, scenario, lines and split into a budget.",
        epilog=f"'tokenplan template' prints a plan file to start from. {_CODES}",
    )
    job.add_argument("plan", type=Path, metavar="PLAN.toml", help="the plan file")
    _of_plans(job)
    job.set_defaults(run=plan_job.run)


def _read(jobs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    job = jobs.add_parser(
        "read",
        help="show what is in usage exports",
        description="Show what is in usage exports: dates, models, totals, gaps, rejected rows, and what has no price.",
        epilog=_CODES,
    )
    job.add_argument(
        "exports", metavar="EXPORT", nargs="*", help="exports: CSV, JSON or Parquet, also gzipped; folders or globs"
    )
    _of_reading(job)
    job.add_argument(
        "--overlap", choices=("refuse", "later"), default="refuse", help="where exports differ on one day (%(default)s)"
    )
    job.add_argument("--dedupe", choices=("request_id",), help="compare single requests by their own id")
    job.add_argument("--personal", action="store_true", help="keep who used it")
    job.add_argument("--formats", action="store_true", help="list the formats that can be read")
    _of_output(job)
    job.set_defaults(run=read_job.run)


def _demo(jobs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    job = jobs.add_parser(
        "demo",
        help="plan the sample organisation; needs no file",
        description="Plan the sample organisation that ships with tokenplan, from its usage to its budget.",
        epilog=_CODES,
    )
    _of_plans(job)
    job.set_defaults(run=demo_job.run)


def _forecast(jobs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    job = jobs.add_parser(
        "forecast",
        help="forecast requests and tokens of a usage export",
        description="Forecast requests and tokens by month and by workload, with bands on the totals (P10 to P90).",
        epilog=_CODES,
    )
    _of_usage(job)
    _of_forecast(job, "forecast")
    _of_series(job)
    _of_output(job)
    job.set_defaults(run=forecast_job.run)


def _backtest(jobs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    job = jobs.add_parser(
        "backtest",
        help="score forecasts of a usage export's own past",
        description="Forecast the known past from several dates with several models, and score what came of it.",
        epilog=_CODES,
    )
    _of_usage(job)
    job.add_argument(
        "--models",
        type=_names,
        default=("auto", "seasonal_naive", "run_rate"),
        metavar="NAME,...",
        help="the forecasters (auto,seasonal_naive,run_rate)",
    )
    job.add_argument("--measure", choices=("requests", "tokens"), help="what is scored (requests where there are any)")
    job.add_argument("--horizon", type=_above_zero, help="periods ahead (28 days, or 3 months)")
    job.add_argument("--origins", type=_above_zero, default=4, help="how many dates to forecast from (%(default)s)")
    _of_lag(job)
    job.add_argument("--jobs", type=_above_zero, default=1, help="processes that work at once (%(default)s)")
    _of_series(job)
    _of_output(job)
    job.set_defaults(run=backtest_job.run)


def _track_record(jobs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    job = jobs.add_parser(
        "track-record",
        help="show how a plan file's method would have done in the past",
        description="Make a plan file's budget at past dates, with what was known then, and hold it beside what came.",
        epilog=_CODES,
    )
    job.add_argument("plan", type=Path, metavar="PLAN.toml", help="the plan file")
    job.add_argument("--origins", type=_above_zero, default=8, help="how many past decisions at most (%(default)s)")
    job.add_argument("--horizon", metavar="SPAN", help="what each plans: 1M, 1Q, 90D or a count (as the plan's)")
    job.add_argument("--step", metavar="SPAN", help="how far one span lies before the next (as long as they are)")
    job.add_argument("--lead", type=_count, help="days, or months, from a decision to what it plans (as the plan's)")
    job.add_argument("--draws", type=_draws, help="how many futures")
    job.add_argument("--seed", type=_count, help="the seed of forecast and draws")
    job.add_argument("--jobs", type=_above_zero, default=1, help="processes that work at once (%(default)s)")
    _of_output(job)
    job.set_defaults(run=track_job.run)


def _alerts(jobs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    job = jobs.add_parser(
        "alerts",
        help="tell what is out of the ordinary in usage, and exit with 4 if something is",
        description="Look for spikes, level shifts, drifting unit costs, missing data and, with a plan, overspending.",
        epilog=_CODES,
    )
    _of_usage(job, rules="--name-rules")
    job.add_argument("--plan", type=Path, metavar="PLAN.toml", help="the plan file that spend is held against")
    job.add_argument("--as-of", type=_date, metavar="DATE", help="the last day judged (the export's last but two)")
    job.add_argument("--rules", dest="alert_rules", type=Path, metavar="RULES.toml", help="thresholds and switches")
    job.add_argument("--by", type=_names, metavar="NAME,...", help="what makes a series (environment,project)")
    job.add_argument("--webhook", metavar="URL", help="send what is new or has changed there")
    job.add_argument(
        "--webhook-form", choices=("auto", "json", "slack"), default="auto", help="the message's form (%(default)s)"
    )
    job.add_argument("--timeout", type=_seconds, default=10.0, help="seconds that one try to send takes (%(default)s)")
    job.add_argument("--state", type=Path, metavar="FILE", help="what was sent: each alert and change goes out once")
    _of_output(job)
    job.set_defaults(run=alerts_job.run)


def _prices(jobs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    job = jobs.add_parser(
        "prices",
        help="show what a model costs, cost, and is known to cost",
        description="Show how a model's name is matched, what each unit and tier of it costs, and every dated change.",
        epilog=_CODES,
    )
    job.add_argument("model", metavar="MODEL", help="the model as a usage names it")
    job.add_argument("--provider", metavar="NAME", help="who sells it (taken from the model where that says)")
    job.add_argument("--on", type=_date, metavar="DATE", help="the day of the prices, such as 2027-01-01 (today)")
    _of_book(job, "--book")
    _of_output(job)
    job.set_defaults(run=prices_job.run)


def _scenario(jobs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    job = jobs.add_parser(
        "scenario",
        help="list, show, begin and compare scenarios",
        description="Scenarios: those that ship with tokenplan, what one assumes, a new file, and what some cost.",
        epilog=_CODES,
    )
    parts = job.add_subparsers(metavar="JOB", required=True)
    every = parts.add_parser("list", help="list the shipped scenarios", epilog=_CODES)
    _of_output(every)
    every.set_defaults(run=scenario_job.run_list)
    one = parts.add_parser("show", help="show what a scenario assumes, and where that comes from", epilog=_CODES)
    one.add_argument("scenario", metavar="NAME|FILE", help="a shipped scenario, or the TOML file of one")
    one.add_argument(
        "--start",
        type=_date,
        metavar="DATE",
        help="the plan's first day, where days count from it (next quarter's)",
    )
    _of_output(one)
    one.set_defaults(run=scenario_job.run_show)
    new = parts.add_parser("new", help="write a commented scenario file to start from", epilog=_CODES)
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
        epilog=_CODES,
    )
    _of_usage(job)
    job.add_argument("scenarios", metavar="NAME|FILE", nargs="+", help="shipped scenarios, or the TOML files of some")
    job.add_argument("--base", metavar="NAME|FILE", help="what they are held against (what is forecast)")
    _of_forecast(job, "planned")
    _of_book(job, "--prices")
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
    _of_series(job)
    _of_output(job)
    job.set_defaults(run=compare_job.run)


def _allocate(jobs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    job = jobs.add_parser(
        "allocate",
        help="show who pays what of a usage export's bill",
        description="Allocate a bill: who pays what, with what is shared dealt by a stated key, to the cent.",
        epilog=_CODES,
    )
    _of_usage(job)
    job.add_argument("--by", type=_names, default=("department",), metavar="NAME,...", help="who pays (department)")
    job.add_argument(
        "--shared",
        action="append",
        default=[],
        metavar="KEY",
        help="how shared cost is dealt: cost, requests, tokens, even, keep, or the CSV file of weights (cost); "
        "POOL=KEY for one pool, may be repeated",
    )
    job.add_argument("--money", choices=get_args(Money), default="billed_cost", help="which money (%(default)s)")
    job.add_argument("--priced", action="store_true", help="price the usage at list prices in place of its own money")
    _of_book(job, "--prices")
    job.add_argument(
        "--unpriced", choices=("refuse", "exclude"), default="refuse", help="what to do about usage without a cost"
    )
    job.add_argument("--start", type=_date, metavar="DATE", help="the bill's first day (the usage's)")
    job.add_argument("--end", type=_date, metavar="DATE", help="the bill's last day (the usage's)")
    job.add_argument("--out", type=Path, metavar="FILE", help="write every invoice line there: .csv or .xlsx")
    _of_output(job)
    job.set_defaults(run=allocate_job.run)


def _check(jobs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    job = jobs.add_parser(
        "check",
        help="hold a plan or a usage export against a spend policy",
        description="Check a plan file or a usage export: limits, models, split, approvals and reviews of a policy.",
        epilog=_CODES,
    )
    job.add_argument("usage", metavar="FILE", help="a plan file (.toml), a saved plan (.tokenplan), or a usage export")
    _of_reading(job)
    job.add_argument("--policy", type=Path, required=True, metavar="POLICY.toml", help="the policy")
    job.add_argument("--approvals", type=Path, metavar="LOG", help="the log of approvals and reviews")
    job.add_argument("--on", type=_date, metavar="DATE", help="the day of the check (today)")
    job.add_argument("--priced", action="store_true", help="price usage at list prices in place of its own money")
    _of_book(job, "--prices")
    _of_output(job)
    job.set_defaults(run=check_job.run)


def _approve(jobs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    job = jobs.add_parser(
        "approve",
        help="note in a log that a role approves a plan",
        description="Append the approval of a plan file's plan, as it is now, to a log that cannot be changed unseen.",
        epilog=_CODES,
    )
    job.add_argument("plan", type=Path, metavar="PLAN", help="a plan file (.toml), or a saved plan (.tokenplan)")
    job.add_argument("--approvals", type=Path, required=True, metavar="LOG", help="the log")
    job.add_argument("--as", dest="role", required=True, metavar="ROLE", help="the role that approves")
    job.add_argument("--on", type=_date, default=date.today(), metavar="DATE", help="the day (today)")
    job.add_argument("--note", default="", metavar="TEXT", help="why, or under which condition")
    job.add_argument("--quiet", action="store_true", help="no progress and no notes")
    job.set_defaults(run=check_job.run_approve)


def _template(jobs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    job = jobs.add_parser(
        "template",
        help="print a plan file to start from",
        description="Print a commented plan file that runs as it is: for a usage export, or else for the sample.",
        epilog="tokenplan template usage.csv > plan.toml, then tokenplan plan plan.toml",
    )
    _of_usage(job, optional=True)
    job.add_argument("--quiet", action="store_true", help="no progress and no notes")
    job.set_defaults(run=template_job.run)


def _review(jobs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    job = jobs.add_parser(
        "review",
        help="hold what was spent against a plan",
        description="Review a plan: actuals beside the budget, the outlook, what moved it, and decisions needed.",
        epilog=_CODES,
    )
    _of_reviews(job)
    job.add_argument(
        "--as-of", type=_date, metavar="DATE", help="the last day known in full (the export's, less the lag)"
    )
    job.add_argument("--budget", type=Path, metavar="TABLE.csv", help="a budget made elsewhere: period, amount, labels")
    job.add_argument("--html", type=Path, metavar="OUT", help="write the review as one page")
    job.add_argument("--excel", type=Path, metavar="OUT", help="write the review as a workbook")
    job.add_argument(
        "--fail-over", type=_share, metavar="SHARE", help="exit with 4 if the chance of going over is above it"
    )
    job.set_defaults(run=review_job.run)


def _reforecast(jobs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    job = jobs.add_parser(
        "reforecast",
        help="foresee a plan's rest anew, version by version",
        description="Reforecast a plan: what was spent stays, the rest is foreseen anew; the approved budget stays.",
        epilog=_CODES,
    )
    _of_reviews(job)
    job.add_argument(
        "--as-of",
        type=_date,
        action="append",
        required=True,
        metavar="DATE",
        help="the last day known in full; repeated, a version each, in order of time",
    )
    job.set_defaults(run=reforecast_job.run)


def _of_reviews(job: argparse.ArgumentParser) -> None:
    job.add_argument("plan", type=Path, metavar="PLAN.toml", help="the plan file")
    job.add_argument("usage", metavar="USAGE", help="an export, read as the plan file's own")
    job.add_argument("--format", help="the export's format, where it is not that of the plan file's own")
    job.add_argument("--approved-on", type=_date, metavar="DATE", help="make the plan of what was known on that day")
    job.add_argument("--lines", type=Path, metavar="TABLE.csv", help="what other lines cost: month, line, amount")
    job.add_argument("--by", type=_names, metavar="NAME,...", help="rows of the table, such as environment (month)")
    job.add_argument(
        "--scenario", metavar="NAME|FILE", help="a shipped scenario, or one's file, in place of the plan's own"
    )
    job.add_argument("--draws", type=_draws, help="how many futures")
    job.add_argument("--seed", type=_count, help="the seed of forecast and draws")
    _of_output(job)


def _of_plans(job: argparse.ArgumentParser) -> None:
    job.add_argument("--by", type=_names, metavar="NAME,...", help="rows of the table, such as month,environment")
    job.add_argument(
        "--scenario", metavar="NAME|FILE", help="a shipped scenario, or one's file, in place of the plan's own"
    )
    job.add_argument("--limit", type=_amount, metavar="AMOUNT", help="exit with 3 if the budget is above it")
    job.add_argument("--draws", type=_draws, help="how many futures")
    job.add_argument("--seed", type=_count, help="the seed of forecast and draws")
    job.add_argument("--out", type=Path, metavar="DIR", help="write charts, workbook, page and CSV there")
    job.add_argument("--save", type=Path, metavar="FILE", help="keep the plan in one file, for sc.load_plan")
    _of_output(job)


def _of_usage(job: argparse.ArgumentParser, *, optional: bool = False, rules: str = "--rules") -> None:
    job.add_argument(
        "usage",
        metavar="USAGE",
        nargs="?" if optional else None,
        help="an export: CSV, JSON or Parquet, also gzipped; a folder or a glob of them",
    )
    _of_reading(job, rules=rules)


def _of_reading(job: argparse.ArgumentParser, *, rules: str = "--rules") -> None:
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
        type=_pair,
        action="append",
        default=[],
        metavar="NAME=OWN",
        help="the export's own name of a column: date=day; may be repeated",
    )
    job.add_argument(
        "--fill",
        type=_pair,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="one value for every row: provider=openai; may be repeated",
    )
    job.add_argument("--timezone", default="UTC", help="the billing zone (%(default)s)")


def _of_forecast(job: argparse.ArgumentParser, does: str) -> None:
    job.add_argument("--horizon", default="2Q", help=f"what is {does}: 2Q, 3M, 90D, 2027Q1 or FY2027 (%(default)s)")
    job.add_argument("--model", default="auto", help="the forecaster (%(default)s)")
    _of_lag(job)
    job.add_argument("--draws", type=_draws, default=10_000, help="how many futures (%(default)s)")


def _of_lag(job: argparse.ArgumentParser) -> None:
    job.add_argument("--lag", type=_lag, help="last periods that may be incomplete, not used (2 days, 0 months)")


def _of_book(job: argparse.ArgumentParser, flag: str) -> None:
    job.add_argument(
        flag,
        dest="book",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a CSV or TOML file of prices and discounts over the list prices; may be repeated, the first holds",
    )


def _of_series(job: argparse.ArgumentParser) -> None:
    job.add_argument("--by", type=_names, metavar="NAME,...", help="what makes a series (environment,project)")
    job.add_argument("--seed", type=_count, default=0, help="the seed (%(default)s)")


def _of_output(job: argparse.ArgumentParser) -> None:
    form = job.add_mutually_exclusive_group()
    form.add_argument("--output", choices=OUTPUTS, default="table", help="the form of the table (%(default)s)")
    form.add_argument("--json", action="store_true", help="one JSON document in place of the table")
    job.add_argument("--quiet", action="store_true", help="no progress and no notes")


def _names(written: str) -> tuple[str, ...]:
    found = tuple(part.strip() for part in written.split(","))
    if not all(found):
        raise argparse.ArgumentTypeError(f"{written!r}: wanted names with commas between them")
    return found


def _pair(written: str) -> tuple[str, str]:
    name, sign, value = (part.strip() for part in written.partition("="))
    if not (name and sign and value):
        raise argparse.ArgumentTypeError(f"{written!r}: wanted NAME=VALUE")
    return name, value


def _count(written: str) -> int:
    if not (written.isascii() and written.isdigit() and len(written) < 16):
        raise argparse.ArgumentTypeError(f"{written!r}: wanted a whole number from 0 up")
    return int(written)


def _above_zero(written: str) -> int:
    if (number := _count(written)) < 1:
        raise argparse.ArgumentTypeError(f"{written!r}: wanted a whole number from 1 up")
    return number


def _date(written: str) -> date:
    try:
        return date.fromisoformat(written)
    except ValueError as cause:
        raise argparse.ArgumentTypeError(f"{written!r}: wanted a day such as 2027-01-01") from cause


def _draws(written: str) -> int:
    if (number := _above_zero(written)) > MOST_DRAWS:
        raise argparse.ArgumentTypeError(f"{written!r}: wanted at most {MOST_DRAWS:,}")
    return number


def _lag(written: str) -> int:
    if (number := _count(written)) > MOST_LAG:
        raise argparse.ArgumentTypeError(f"{written!r}: wanted at most {MOST_LAG}")
    return number


def _seconds(written: str) -> float:
    if (number := _amount(written)) > MOST_SECONDS:
        raise argparse.ArgumentTypeError(f"{written!r}: wanted at most {MOST_SECONDS} seconds")
    return number


def _amount(written: str) -> float:
    try:
        amount = float(written)
    except ValueError:
        amount = math.nan
    if not (math.isfinite(amount) and amount > 0):
        raise argparse.ArgumentTypeError(f"{written!r}: wanted an amount of money above 0, such as 250000")
    return amount


def _share(written: str) -> float:
    try:
        share = float(written)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{written!r}: wanted a share from 0 to 1, such as 0.8")
    return share
