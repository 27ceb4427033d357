"""Commands that keep a plan alive. Comes in: the command's parser. Goes out: review, alerts, allocation, governance."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from forecast.costs import Money
from scenarios.cli import (
    alerts_job,
    allocate_job,
    check_job,
    deep_dive_job,
    reforecast_job,
    review_job,
    track_job,
)
from scenarios.cli.options import (
    CODES,
    above_zero,
    count,
    day,
    draws,
    names,
    of_book,
    of_output,
    of_reading,
    of_reviews,
    of_usage,
    seconds,
    share,
)

if TYPE_CHECKING:
    from argparse import _SubParsersAction


def add_track_record(jobs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """``tokenplan track-record``."""
    job = jobs.add_parser(
        "track-record",
        help="show how a plan file's method would have done in the past",
        description="Make a plan file's budget at past dates, with what was known then, and hold it beside what came.",
        epilog=CODES,
    )
    job.add_argument("plan", type=Path, metavar="PLAN.toml", help="the plan file")
    job.add_argument("--origins", type=above_zero, default=8, help="how many past decisions at most (%(default)s)")
    job.add_argument("--horizon", metavar="SPAN", help="what each plans: 1M, 1Q, 90D or a count (as the plan's)")
    job.add_argument("--step", metavar="SPAN", help="how far one span lies before the next (as long as they are)")
    job.add_argument("--lead", type=count, help="days, or months, from a decision to what it plans (as the plan's)")
    job.add_argument("--draws", type=draws, help="how many futures")
    job.add_argument("--seed", type=count, help="the seed of forecast and draws")
    job.add_argument("--jobs", type=above_zero, default=1, help="processes that work at once (%(default)s)")
    of_output(job)
    job.set_defaults(run=track_job.run)


def add_alerts(jobs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """``tokenplan alerts``."""
    job = jobs.add_parser(
        "alerts",
        help="tell what is out of the ordinary in usage, and exit with 4 if something is",
        description="Look for spikes, level shifts, drifting unit costs, missing data and, with a plan, overspending.",
        epilog=CODES,
    )
    of_usage(job, rules="--name-rules")
    job.add_argument("--plan", type=Path, metavar="PLAN.toml", help="the plan file that spend is held against")
    job.add_argument("--as-of", type=day, metavar="DATE", help="the last day judged (the export's last but two)")
    job.add_argument("--rules", dest="alert_rules", type=Path, metavar="RULES.toml", help="thresholds and switches")
    job.add_argument("--by", type=names, metavar="NAME,...", help="what makes a series (environment,project)")
    job.add_argument("--webhook", metavar="URL", help="send what is new or has changed there")
    job.add_argument(
        "--webhook-form", choices=("auto", "json", "slack"), default="auto", help="the message's form (%(default)s)"
    )
    job.add_argument("--timeout", type=seconds, default=10.0, help="seconds that one try to send takes (%(default)s)")
    job.add_argument("--state", type=Path, metavar="FILE", help="what was sent: each alert and change goes out once")
    of_output(job)
    job.set_defaults(run=alerts_job.run)


def add_review(jobs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """``tokenplan review``."""
    job = jobs.add_parser(
        "review",
        help="hold what was spent against a plan",
        description="Review a plan: actuals beside the budget, the outlook, what moved it, and decisions needed.",
        epilog=CODES,
    )
    of_reviews(job)
    job.add_argument(
        "--as-of", type=day, metavar="DATE", help="the last day known in full (the export's, less the lag)"
    )
    job.add_argument("--budget", type=Path, metavar="TABLE.csv", help="a budget made elsewhere: period, amount, labels")
    job.add_argument("--html", type=Path, metavar="OUT", help="write the review as one page")
    job.add_argument("--excel", type=Path, metavar="OUT", help="write the review as a workbook")
    job.add_argument(
        "--fail-over", type=share, metavar="SHARE", help="exit with 4 if the chance of going over is above it"
    )
    job.set_defaults(run=review_job.run)


def add_reforecast(jobs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """``tokenplan reforecast``."""
    job = jobs.add_parser(
        "reforecast",
        help="foresee a plan's rest anew, version by version",
        description="Reforecast a plan: what was spent stays, the rest is foreseen anew; the approved budget stays.",
        epilog=CODES,
    )
    of_reviews(job)
    job.add_argument(
        "--as-of",
        type=day,
        action="append",
        required=True,
        metavar="DATE",
        help="the last day known in full; repeated, a version each, in order of time",
    )
    job.set_defaults(run=reforecast_job.run)


def add_deep_dive(jobs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """``tokenplan deep-dive``."""
    job = jobs.add_parser(
        "deep-dive",
        help="look closely at a plan that is over",
        description="What held and what did not, where errors came from, what levers saved, and what to change.",
        epilog=CODES,
    )
    of_reviews(job)
    job.add_argument("--as-of", type=day, metavar="DATE", help="the last day known in full (the plan's last)")
    job.add_argument(
        "--models",
        type=names,
        default=("auto", "fast", "seasonal_naive"),
        metavar="NAME,...",
        help="forecasters judged for the next quarter (auto,fast,seasonal_naive)",
    )
    job.add_argument("--origins", type=above_zero, default=3, help="past dates that they are judged from (%(default)s)")
    job.set_defaults(run=deep_dive_job.run)


def add_allocate(jobs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """``tokenplan allocate``."""
    job = jobs.add_parser(
        "allocate",
        help="show who pays what of a usage export's bill",
        description="Allocate a bill: who pays what, with what is shared dealt by a stated key, to the cent.",
        epilog=CODES,
    )
    of_usage(job)
    job.add_argument("--by", type=names, default=("department",), metavar="NAME,...", help="who pays (department)")
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
    of_book(job, "--prices")
    job.add_argument(
        "--unpriced", choices=("refuse", "exclude"), default="refuse", help="what to do about usage without a cost"
    )
    job.add_argument("--start", type=day, metavar="DATE", help="the bill's first day (the usage's)")
    job.add_argument("--end", type=day, metavar="DATE", help="the bill's last day (the usage's)")
    job.add_argument("--out", type=Path, metavar="FILE", help="write every invoice line there: .csv or .xlsx")
    of_output(job)
    job.set_defaults(run=allocate_job.run)


def add_check(jobs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """``tokenplan check``."""
    job = jobs.add_parser(
        "check",
        help="hold a plan or a usage export against a spend policy",
        description="Check a plan file or a usage export: limits, models, split, approvals and reviews of a policy.",
        epilog=CODES,
    )
    job.add_argument("usage", metavar="FILE", help="a plan file (.toml), a saved plan (.tokenplan), or a usage export")
    of_reading(job)
    job.add_argument("--policy", type=Path, required=True, metavar="POLICY.toml", help="the policy")
    job.add_argument("--approvals", type=Path, metavar="LOG", help="the log of approvals and reviews")
    job.add_argument("--on", type=day, metavar="DATE", help="the day of the check (today)")
    job.add_argument("--priced", action="store_true", help="price usage at list prices in place of its own money")
    of_book(job, "--prices")
    of_output(job)
    job.set_defaults(run=check_job.run)


def add_approve(jobs: _SubParsersAction[argparse.ArgumentParser]) -> None:
    """``tokenplan approve``."""
    job = jobs.add_parser(
        "approve",
        help="note in a log that a role approves a plan",
        description="Append the approval of a plan file's plan, as it is now, to a log that cannot be changed unseen.",
        epilog=CODES,
    )
    job.add_argument("plan", type=Path, metavar="PLAN", help="a plan file (.toml), or a saved plan (.tokenplan)")
    job.add_argument("--approvals", type=Path, required=True, metavar="LOG", help="the log")
    job.add_argument("--as", dest="role", required=True, metavar="ROLE", help="the role that approves")
    job.add_argument("--on", type=day, default=date.today(), metavar="DATE", help="the day (today)")
    job.add_argument("--note", default="", metavar="TEXT", help="why, or under which condition")
    job.add_argument("--quiet", action="store_true", help="no progress and no notes")
    job.set_defaults(run=check_job.run_approve)
