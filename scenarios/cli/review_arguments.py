"""Commands that keep a plan alive. Comes in: the command's parser. Goes out: review, alerts, allocation, governance."""

from __future__ import annotations

from argparse import SUPPRESS
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scenarios.cli.options import (
    MONEY,
    PLANS,
    TABLES,
    above_zero,
    count,
    day,
    file_of,
    names,
    of_book,
    of_draws,
    of_jobs,
    of_output,
    of_plan_file,
    of_reading,
    of_reviews,
    of_usage,
    seconds,
    share,
)
from scenarios.cli.parsing import later

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from scenarios.cli.parsing import Command

_CHECKED: Final = {4: "a rule of the policy is broken"}
_SINCE: Final = "usage.csv --approved-on 2026-06-30"


def add_review(jobs: _SubParsersAction[Command]) -> None:
    """``tokenplan review``."""
    job = jobs.add_parser(
        "review",
        help="hold what was spent against a plan",
        description="Review a plan: actuals beside the budget, the outlook, what moved it, and decisions needed.",
        examples=(
            f"tokenplan review q3.toml {_SINCE} --as-of 2026-08-15",
            f"tokenplan review q3.toml {_SINCE} --as-of 2026-08-15 --by environment --html august.html",
            "tokenplan review q3.tokenplan usage.csv --as-of 2026-08-15 --fail-over 0.9",
        ),
        codes={4: "the chance of going over is above --fail-over"},
    )
    of_reviews(job)
    job.add_argument(
        "--as-of", type=day, metavar="DATE", help="the last day known in full (the export's, less the lag)"
    )
    file_of(
        job,
        "--budget",
        type=Path,
        metavar="TABLE.csv",
        help="a budget made elsewhere: period, amount, labels (the plan's)",
        endings=("*.csv",),
    )
    file_of(job, "--html", type=Path, metavar="FILE", help="write the review as one page", endings=("*.html",))
    file_of(job, "--excel", type=Path, metavar="FILE", help="write the review as a workbook", endings=("*.xlsx",))
    job.add_argument(
        "--fail-over", type=share, metavar="SHARE", help="exit with 4 if the chance of going over is above it"
    )
    job.set_defaults(run=later("review_job:run"))


def add_reforecast(jobs: _SubParsersAction[Command]) -> None:
    """``tokenplan reforecast``."""
    job = jobs.add_parser(
        "reforecast",
        help="foresee a plan's rest anew, version by version",
        description="Reforecast a plan: what was spent stays, the rest is foreseen anew; the approved budget stays.",
        examples=(
            f"tokenplan reforecast q3.toml {_SINCE} --as-of 2026-07-31 --as-of 2026-08-31",
            "tokenplan reforecast q3.tokenplan usage.csv --as-of 2026-08-31 --by environment",
        ),
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
    job.set_defaults(run=later("reforecast_job:run"))


def add_track_record(jobs: _SubParsersAction[Command]) -> None:
    """``tokenplan track-record``."""
    job = jobs.add_parser(
        "track-record",
        help="show how a plan file's method would have done in the past",
        description="Make a plan file's budget at past dates, with what was known then, and hold it beside what came.",
        examples=(
            "tokenplan track-record plan.toml --origins 2 --horizon 1M",
            "tokenplan track-record plan.toml --origins 2 --horizon 1M --step 1M --output csv",
        ),
    )
    of_plan_file(job)
    job.add_argument(
        "--origins", type=above_zero, metavar="N", default=8, help="how many past decisions at most (%(default)s)"
    )
    job.add_argument("--horizon", metavar="SPAN", help="what each plans: 1M, 1Q, 90D or a count (the plan file's)")
    job.add_argument("--step", metavar="SPAN", help="how far one span lies before the next (as long as they are)")
    job.add_argument(
        "--lead", type=count, metavar="N", help="days, or months, from a decision to what it plans (the plan file's)"
    )
    of_draws(job)
    of_jobs(job)
    of_output(job)
    job.set_defaults(run=later("track_job:run"))


def add_alerts(jobs: _SubParsersAction[Command]) -> None:
    """``tokenplan alerts``."""
    job = jobs.add_parser(
        "alerts",
        help="tell what is out of the ordinary in usage",
        description="Look for spikes, level shifts, drifting unit costs, missing data and, with a plan, overspending.",
        examples=(
            "tokenplan alerts usage.csv",
            "tokenplan alerts usage.csv --as-of 2026-10-28 --json",
            "tokenplan alerts usage.csv --plan plan.toml",
        ),
        codes={4: "an alert is a warning or worse"},
    )
    of_usage(job, usual="with --plan the plan file's")
    file_of(
        job,
        "--plan",
        type=Path,
        metavar="PLAN.toml",
        help="the plan file that spend is held against",
        endings=("*.toml",),
    )
    job.add_argument("--as-of", type=day, metavar="DATE", help="the last day judged (the export's last but two)")
    file_of(
        job, "--thresholds", type=Path, metavar="FILE.toml", help="thresholds and switches of rules", endings=PLANS[:1]
    )
    job.add_argument("--name-rules", dest="rules", type=Path, help=SUPPRESS)  # what --rules was called here
    job.add_argument("--by", type=names, metavar="NAME,...", help="what makes a series (environment,project)")
    job.add_argument("--webhook", metavar="URL", help="send what is new or has changed there")
    job.add_argument(
        "--webhook-form", choices=("auto", "json", "slack"), default="auto", help="the message's form (%(default)s)"
    )
    job.add_argument(
        "--timeout", type=seconds, metavar="N", default=10.0, help="seconds that one try to send takes (%(default)s)"
    )
    file_of(job, "--state", type=Path, metavar="FILE", help="what was sent: each goes out once", endings=("*.json",))
    of_output(job)
    job.set_defaults(run=later("alerts_job:run"))


def add_deep_dive(jobs: _SubParsersAction[Command]) -> None:
    """``tokenplan deep-dive``."""
    job = jobs.add_parser(
        "deep-dive",
        help="look closely at a plan that is over",
        description="What held and what did not, where errors came from, what levers saved, and what to change.",
        examples=(
            f"tokenplan deep-dive q3.toml {_SINCE} --models seasonal_naive --origins 2",
            "tokenplan deep-dive q3.tokenplan usage.csv --models seasonal_naive --origins 1 --by project",
        ),
    )
    of_reviews(job, by="the parts that months are held against (environment)")
    job.add_argument("--as-of", type=day, metavar="DATE", help="the last day known in full (the plan's last)")
    job.add_argument(
        "--models",
        type=names,
        default=("auto", "fast", "seasonal_naive"),
        metavar="NAME,...",
        help="forecasters judged for the next quarter (auto,fast,seasonal_naive)",
    )
    job.add_argument(
        "--origins", type=above_zero, metavar="N", default=3, help="past dates that they are judged from (%(default)s)"
    )
    job.set_defaults(run=later("deep_dive_job:run"))


def add_allocate(jobs: _SubParsersAction[Command]) -> None:
    """``tokenplan allocate``."""
    job = jobs.add_parser(
        "allocate",
        help="show who pays what of a usage export's bill",
        description="Allocate a bill: who pays what, with what is shared dealt by a stated key, to the cent.",
        examples=(
            "tokenplan allocate usage.csv --by department --start 2026-10-01",
            "tokenplan allocate usage.csv --by department,project --shared even --out invoices.csv",
        ),
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
    job.add_argument("--money", choices=MONEY, default="billed_cost", help="which money (%(default)s)")
    job.add_argument("--priced", action="store_true", help="price the usage at list prices in place of its own money")
    of_book(job)
    job.add_argument(
        "--unpriced", choices=("refuse", "exclude"), default="refuse", help="usage without a cost (%(default)s)"
    )
    job.add_argument("--start", type=day, metavar="DATE", help="the bill's first day (the usage's)")
    job.add_argument("--end", type=day, metavar="DATE", help="the bill's last day (the usage's)")
    file_of(
        job,
        "--out",
        type=Path,
        metavar="FILE",
        help="write every invoice line there: .csv or .xlsx",
        endings=("*.csv", "*.xlsx"),
    )
    of_output(job)
    job.set_defaults(run=later("allocate_job:run"))


def add_check(jobs: _SubParsersAction[Command]) -> None:
    """``tokenplan check``."""
    job = jobs.add_parser(
        "check",
        help="hold a plan or a usage export against a spend policy",
        description="Check a plan file or a usage export: limits, models, split, approvals and reviews of a policy.",
        examples=(
            "tokenplan check usage.csv --policy policy.toml --on 2026-11-20",
            "tokenplan check plan.toml --policy policy.toml --approvals approvals.jsonl",
        ),
        codes=_CHECKED,
    )
    told = "a plan file (.toml), a saved plan (.tokenplan), or a usage export"
    file_of(job, "usage", metavar="FILE", help=told, endings=(*PLANS, *TABLES))
    _policy(job, required=True)
    _log(job, required=False)
    job.add_argument("--on", type=day, metavar="DATE", help="the day of the check (today)")
    job.add_argument("--priced", action="store_true", help="price usage at list prices in place of its own money")
    of_book(job)
    of_reading(job)
    of_output(job)
    job.set_defaults(run=later("check_job:run"))


def add_approve(jobs: _SubParsersAction[Command]) -> None:
    """``tokenplan approve``."""
    job = jobs.add_parser(
        "approve",
        help="note in a log that a role approves a plan",
        description="Append the approval of a plan file's plan, as it is now, to a log that cannot be changed unseen.",
        examples=(
            'tokenplan approve plan.toml --as "chief financial officer" --approvals approvals.jsonl',
            'tokenplan approve plan.toml --as "head of engineering" --policy policy.toml --approvals approvals.jsonl',
        ),
        codes={4: "the policy does not let the role approve so much"},
    )
    of_plan_file(job, saved=True)
    _log(job, required=True)
    job.add_argument("--as", dest="role", required=True, metavar="ROLE", help="the role that approves")
    _policy(job, required=False)
    job.add_argument("--on", type=day, default=date.today(), metavar="DATE", help="the day (today)")
    job.add_argument("--note", default="", metavar="TEXT", help="why, or under which condition")
    job.add_argument("--quiet", action="store_true", help="no progress and no notes")
    job.set_defaults(run=later("check_job:run_approve"))


def _policy(job: Command, *, required: bool) -> None:
    told = "the policy" if required else "the policy that says how much the role may approve"
    file_of(job, "--policy", type=Path, required=required, metavar="POLICY.toml", help=told, endings=("*.toml",))


def _log(job: Command, *, required: bool) -> None:
    told = "the log of approvals and reviews"
    file_of(job, "--approvals", type=Path, required=required, metavar="LOG", help=told, endings=("*.jsonl",))
