"""``tokenplan check`` and ``tokenplan approve``. Comes in: a plan or usage, a policy, a log. Goes out: violations.

JSON document ``tokenplan/check/1``:

- ``schema``, ``version`` (of tokenplan), ``policy``, ``subject``, ``on`` (the day of the check)
- ``ok``: whether there is no violation of severity error
- ``violations``: ``id`` (the same in every check of the same rule and place), ``rule``, ``severity`` (error or
  warning), ``where``, ``found``, ``allowed``, ``mend``
- ``due``: with ``--approvals``: ``what``, ``name``, ``role``, ``last``, ``due``, ``days``, ``state``, ``todo``
- ``notes``: what was not checked
"""

from __future__ import annotations

import argparse
import textwrap
from importlib.metadata import version
from typing import Final

import pandas as pd

from forecast.errors import PlanError, TokenplanError, one_of
from forecast.prices import PriceBook
from forecast.usage import Usage
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.planfile import read_plan_file
from scenarios.cli.approved import SAVED
from scenarios.cli.prices_job import book_of
from scenarios.cli.screen import Screen, records
from scenarios.cli.tables import Column, aligned, csv, markdown
from scenarios.cli.timing import expected, megabytes_of
from scenarios.cli.usage_input import read_bill_of
from scenarios.reviews.governing.approvals import ApprovalLog
from scenarios.reviews.governing.checking import Checked, check, due, who_may_approve
from scenarios.reviews.governing.policy_file import load_policy
from scenarios.saved.loading import load_plan

#: A check fired.
BROKEN: Final = 4
_WIDTH: Final = 100
_DUE: Final = ("what", "name", "role", "last", "due", "days", "state")


def run(options: argparse.Namespace) -> int:
    """Hold a plan file or a usage export against a policy; returns 4 where a violation is an error."""
    screen = Screen(options.quiet)
    policy = load_policy(options.policy)
    log = None if options.approvals is None else ApprovalLog(options.approvals)
    size = megabytes_of(options.usage)
    with screen.progress({"reading": expected("reading", size), "checking": expected("adding up", size)}) as step:
        step()
        thing, prices = _subject(options)
        step()
        made = check(thing, policy, prices=prices, on=options.on, approvals=log)
        usage = thing if isinstance(thing, Usage) else thing.projection.usage
        waiting = pd.DataFrame() if log is None else due(policy, log, on=made.on.date(), usage=usage)
    _show(made, waiting, options, screen=screen)
    return 0 if made.ok else BROKEN


def run_approve(options: argparse.Namespace) -> int:
    """Note in a log that a role approves the plan of a plan file; returns 4 where the policy does not let it."""
    screen = Screen(options.quiet)
    policy = None if options.policy is None else load_policy(options.policy)
    if policy is not None:
        if not policy.approvers:
            raise PlanError(f"{options.policy}: names nobody who may approve; add [[approvers]]")
        one_of("role", options.role, [a.role for a in policy.approvers], PlanError)
    log = ApprovalLog(options.approvals)
    with screen.progress({"making the plan": sum(expected(s, 0.0) for s in ("forecasting", "simulating"))}) as step:
        step()
        plan = _plan(str(options.plan))
    may = {} if policy is None else who_may_approve(plan, policy)
    others = {environment: roles for environment, roles in may.items() if options.role not in roles}
    if policy is not None and len(others) == len(may):
        able = sorted({role for found in others.values() for role in found})
        screen.tell(
            f"not approved: {plan.currency} {plan.funding:,.2f} is beyond what {options.role} may approve by "
            f"{policy.name!r}; {' or '.join(able) or 'nobody'} may"
        )
        return BROKEN
    line = log.approve(plan, who=options.role, on=options.on, note=options.note)
    screen.write(f"line {line['line']} of {options.approvals}: {line['who']} approves plan {line['plan'][:12]}")
    screen.show(f"  {plan.name}: {plan.currency} {plan.funding:,.2f}; hash of the line {line['hash']}")
    for environment, roles in others.items():
        screen.note(f"for {environment} it also takes {' or '.join(roles) or 'a role that there is not'}")
    return 0


def _subject(options: argparse.Namespace) -> tuple[BudgetPlan | Usage, PriceBook | None]:
    """A plan where the file's name ends as a plan's does, else usage and what prices it."""
    if options.usage.lower().endswith((".toml", SAVED)):
        return _plan(options.usage), None
    prices = book_of(options) if options.priced or options.book else None
    return read_bill_of(options, personal=False), prices


def _plan(path: str) -> BudgetPlan:
    """The plan that a plan file tells, or a saved one."""
    if path.lower().endswith(SAVED):
        return load_plan(path)
    file = read_plan_file(path)
    try:
        return file.plan(file.project(file.usage.read()), file.prices.book())
    except TokenplanError as error:
        raise type(error)(f"{path}: {error}") from error


def _show(made: Checked, waiting: pd.DataFrame, options: argparse.Namespace, *, screen: Screen) -> None:
    table = made.table()
    if options.json:
        screen.write_json(
            {
                "schema": "tokenplan/check/1",
                "version": version("tokenplan"),
                "policy": made.policy,
                "subject": made.subject,
                "on": made.on.date(),
                "ok": made.ok,
                "violations": records(table),
                "due": records(waiting),
                "notes": made.notes,
            }
        )
        return
    if options.output == "csv":
        screen.write(csv(table))
    elif options.output == "markdown":
        screen.write(f"**{_title(made)}**\n\n{markdown(table, [Column(c, c) for c in map(str, table.columns)])}\n")
    else:
        screen.show(_text(made, screen.width()))
        ahead = waiting[waiting["state"] != "ahead"] if len(waiting) else waiting
        if len(ahead):
            dated = ahead.assign(**{c: ahead[c].dt.strftime("%Y-%m-%d") for c in ("last", "due")})
            screen.show(f"\nDue\n\n{aligned(dated, [Column(c, c) for c in _DUE], width=screen.width())}\n")
    for note in made.notes:
        screen.note(f"{note} (here: --approvals LOG)" if "approvals=" in note else note)


def _title(made: Checked) -> str:
    errors = sum(v.severity == "error" for v in made.violations)
    warnings = len(made.violations) - errors
    counted = f"{errors} error{'' if errors == 1 else 's'}, {warnings} warning{'' if warnings == 1 else 's'}"
    return f"{made.subject} against {made.policy!r} on {made.on:%Y-%m-%d}: {counted}"


def _text(made: Checked, width: int | None) -> str:
    """Each violation in a few lines."""
    lines = [_title(made)]
    for one in made.violations:
        lines += ["", f"{one.severity}: {one.rule}: {one.where}  [{one.id}]"]
        for what, told in (("found", one.found), ("allowed", one.allowed), ("mend", one.mend)):
            lines += textwrap.wrap(
                f"{what}: {told}", min(width or _WIDTH, _WIDTH), initial_indent="  ", subsequent_indent="    "
            )
    return "\n".join(lines) + "\n"
