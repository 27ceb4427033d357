"""A check. Comes in: a plan or usage, a policy, approvals. Goes out: what breaks the policy; and what is due."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass, fields

import pandas as pd

from forecast.calendars import date_of
from forecast.errors import PlanError
from forecast.prices import PriceBook
from forecast.shown import CellKind, Result, Shown, table_of
from forecast.usage import Usage
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.reviews.governing import rules
from scenarios.reviews.governing.approvals import ApprovalLog
from scenarios.reviews.governing.policy import SpendPolicy
from scenarios.reviews.governing.rules import Violation
from scenarios.reviews.governing.subject import Subject, subject_of

#: A day, as an argument takes it.
Day = str | dt.date


@dataclass(frozen=True, slots=True, repr=False)
class Checked(Result):
    """What of a plan or usage breaks a policy.

    Attributes
    ----------
    policy : str
    subject : str
    on : Timestamp
        The day of the check.
    violations : tuple of Violation
        Errors first, then by rule and place.
    notes : tuple of str
        What was not checked, and why.
    """

    policy: str
    subject: str
    on: pd.Timestamp
    violations: tuple[Violation, ...]
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing of severity error was found."""
        return not any(v.severity == "error" for v in self.violations)

    def table(self) -> pd.DataFrame:
        """A row a violation: ``id, rule, severity, where, found, allowed, mend``."""
        return pd.DataFrame([asdict(v) for v in self.violations], columns=[f.name for f in fields(Violation)])

    def __repr__(self) -> str:
        """One line: how many errors and warnings."""
        errors = sum(v.severity == "error" for v in self.violations)
        warnings = len(self.violations) - errors
        return f"Checked({self.subject} against {self.policy!r}: {errors} errors, {warnings} warnings)"

    def show(self) -> Shown:
        """Every violation: what was found, what is allowed, and what mends it."""
        errors = sum(v.severity == "error" for v in self.violations)
        found = f"{errors:,} errors, {len(self.violations) - errors:,} warnings" if self.violations else "nothing"
        kinds: dict[str, CellKind] = dict.fromkeys(("found", "allowed", "mend"), "words")
        table = table_of(self.table().drop(columns="id"), kinds=kinds, labels=3, where="checked.table()")
        title = f"{self.subject} against {self.policy}, on {self.on:%Y-%m-%d}"
        return Shown(title, f"Found: {found}.", (table,), tuple(self.notes))


def check(
    plan_or_usage: BudgetPlan | Usage,
    policy: SpendPolicy,
    *,
    prices: PriceBook | None = None,
    on: Day | None = None,
    approvals: ApprovalLog | None = None,
) -> Checked:
    """Hold a plan or usage against a policy.

    A plan is checked by its budget at its confidence; usage by what it cost. Limits, models and tiers by environment,
    and split ranges are always checked. With ``approvals`` also whether the plan, as it is, is approved at the level
    of its funding in each of its environments; whether models that the policy does not know are approved, after all
    steps; and which reviews are overdue.

    Parameters
    ----------
    plan_or_usage : BudgetPlan or Usage
    policy : SpendPolicy
    prices : PriceBook, optional
        For usage without a bill.
    on : date, optional
        The day of the check: approvals count up to it. Today where it is not given.
    approvals : ApprovalLog, optional

    Raises
    ------
    PlanError
        An argument is not what is wanted, money is in another currency than the policy's, or the log does not hold.
    """
    day, entries = _day(on), _entries(approvals)
    subject = _subject(plan_or_usage, policy, prices)
    found = [
        *rules.limits(policy, subject),
        *rules.models(policy, subject),
        *rules.new_models(policy, subject, entries, day),
        *rules.split(policy, subject),
        *rules.approval(policy, subject, entries, day),
        *rules.reviews(policy, entries, day),
    ]
    notes = list(subject.notes)
    if entries is None and (policy.approvers or policy.new_models or policy.reviews):
        notes.append("approvals and reviews were not checked: pass approvals=sc.ApprovalLog(path)")
    ordered = sorted(found, key=lambda v: (v.severity, v.rule, v.where))
    return Checked(policy.name, subject.told, day, tuple(ordered), tuple(notes))


def who_may_approve(plan: BudgetPlan, policy: SpendPolicy) -> dict[str, tuple[str, ...]]:
    """The roles whose band reaches a plan's funding, in each environment that it spends in, the lowest first.

    Raises
    ------
    PlanError
        An argument is not what is wanted, or money is in another currency than the policy's.
    """
    return rules.roles_by_environment(policy, _subject(plan, policy, None))


def _subject(plan_or_usage: BudgetPlan | Usage, policy: SpendPolicy, prices: PriceBook | None) -> Subject:
    if not isinstance(policy, SpendPolicy):
        raise PlanError(f"policy={type(policy).__name__}: wanted a policy, as sc.load_policy reads it")
    subject = subject_of(plan_or_usage, prices)
    if differ := rules.currency_of(policy, subject):
        raise PlanError(
            f"{subject.told}: money is in {differ['found']}, the policy's in {differ['policy']}; state the policy in "
            "it, or convert the usage when it is read: currency=, rates="
        )
    return subject


def due(
    policy: SpendPolicy, approvals: ApprovalLog, *, on: Day | None = None, usage: Usage | None = None
) -> pd.DataFrame:
    """What is due: reviews by their cadence, and approvals owed for models in use.

    Parameters
    ----------
    policy : SpendPolicy
    approvals : ApprovalLog
    on : date, optional
        Today where it is not given.
    usage : Usage, optional
        Whose models are looked at.

    Returns
    -------
    DataFrame
        ``what`` (review, or model approval), ``name``, ``role`` (whose turn it is), ``last``, ``due``, ``days`` late
        (below 0: ahead), ``state`` (overdue, due, ahead), ``todo``; the latest first.

    Raises
    ------
    PlanError
        An argument is not what is wanted, or the log does not hold.
    """
    if not isinstance(policy, SpendPolicy):
        raise PlanError(f"policy={type(policy).__name__}: wanted a policy, as sc.load_policy reads it")
    day, entries = _day(on), _entries(approvals)
    if entries is None:
        raise PlanError("approvals: wanted a log, such as sc.ApprovalLog('approvals.jsonl')")
    rows: list[dict[str, object]] = []
    for rule, last, when in rules.review_dates(policy, entries, day):
        late = (day - when).days
        state = "overdue" if late > rule.grace_days else "due" if late >= 0 else "ahead"
        rows.append(_row("review", rule.name, rule.role, last, when, late, state, f"hold it, each {rule.every}"))
    if policy.new_models is not None and usage is not None:
        named = usage.frame["model"].map(rules.place, na_action="ignore")
        for one in rules.new_models(policy, subject_of(usage, None), entries, day):
            if one.severity == "error":
                first = usage.frame.loc[named == one.where, "date"].min().normalize()
                late = (day - first).days
                role = policy.new_models.role
                rows.append(_row("model approval", one.where, role, None, first, late, "overdue", one.mend))
    columns = ["what", "name", "role", "last", "due", "days", "state", "todo"]
    table = pd.DataFrame(rows, columns=columns).astype({"last": "datetime64[ns]", "due": "datetime64[ns]"})
    return table.sort_values(["days", "name"], ascending=[False, True], kind="stable", ignore_index=True)


def _row(
    what: str, name: str, role: str, last: pd.Timestamp | None, when: pd.Timestamp, days: int, state: str, todo: str
) -> dict[str, object]:
    return {
        "what": what,
        "name": name,
        "role": role,
        "last": last,
        "due": when,
        "days": days,
        "state": state,
        "todo": todo,
    }


def _day(on: Day | None) -> pd.Timestamp:
    return pd.Timestamp.now().normalize() if on is None else date_of(on, "on", PlanError)


def _entries(approvals: object) -> pd.DataFrame | None:
    if approvals is not None and not isinstance(approvals, ApprovalLog):
        raise PlanError(
            f"approvals={type(approvals).__name__}: wanted a log, such as sc.ApprovalLog('approvals.jsonl')"
        )
    return None if approvals is None else approvals.entries()
