"""Budgets as those who enforce them take them. Comes in: a BudgetPlan. Goes out: the bodies of their requests.

One request a part and calendar month. The shapes are those published by LiteLLM (``BudgetNewRequest``,
``NewTeamRequest``, ``GenerateKeyRequest``), AWS (``CreateBudget``, API 2016-10-20), Azure (``Microsoft.Consumption/
budgets``, 2024-08-01) and Google Cloud (``billingbudgets/v1``, ``budgets.create``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Literal

from forecast.errors import PlanError, one_of
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.report.outgoing.files import written
from scenarios.report.outgoing.parts import Part, parts_of

Entity = Literal["budget", "team", "key"]
#: Parts of a budget, in per cent, that a warning is sent at.
WARN_AT: Final = (80, 100)
#: The longest name that each takes, and the longest value of a tag.
NAMES: Final = {"litellm": 100, "aws": 100, "azure": 63, "google": 60}
VALUES: Final = {"aws": 256, "azure": 256, "google": 63}

_ENDPOINT: Final = {"budget": "/budget/new", "team": "/team/new", "key": "/key/generate"}
#: Who can be warned, in words and as a pattern; LiteLLM warns by its own configuration.
_NOTIFIED: Final = {
    "litellm": ("nobody: LiteLLM warns by the alerting of its own configuration", r"(?!)"),
    "aws": ("an e-mail address or a topic's ARN", r"arn:.+|[^@\s]+@[^@\s]+"),
    "azure": ("an e-mail address", r"[^@\s]+@[^@\s]+"),
    "google": ("projects/PROJECT/notificationChannels/ID", r"projects/[^/]+/notificationChannels/[^/]+"),
}
_LABEL: Final = re.compile(r"[a-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a plan is handed over, and how.

    Attributes
    ----------
    by : tuple of str
        What a part is; empty for the whole plan.
    month : str, optional
        Only this one, as "2027-01".
    lines : tuple of str, optional
        Only these budget lines.
    tags : mapping of column to the key of its tag, where that has another name
    notify : tuple of str
        Who is warned: e-mail addresses (AWS, Azure), topics' ARNs (AWS), channels' names (Google).
    account : str, optional
        Twelve digits, which AWS wants in the request.
    entity : {"budget", "team", "key"}
        What LiteLLM makes.
    """

    by: tuple[str, ...] = ("environment",)
    month: str | None = None
    lines: tuple[str, ...] | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    notify: tuple[str, ...] = ()
    account: str | None = None
    entity: Entity = "budget"

    def tag(self, column: str) -> str:
        """The key of a column's tag."""
        return self.tags.get(column, column)


def budgets_of(plan: BudgetPlan, enforcer: str, asked: Asked) -> list[dict[str, Any]]:
    """The budgets as an enforcer takes them: the body of one request a part and month, which ``json`` can write.

    They add up to the plan's budget (of the lines that were asked for), to the cent.

    Raises
    ------
    PlanError
        The enforcer cannot say it: another currency, months that are no calendar months, a budget below zero, money
        that no tag finds, a label that is no tag's value. The message names it and what to do.
    """
    one_of("enforcer", enforcer, _MADE, PlanError)
    one_of("entity", asked.entity, _ENDPOINT, PlanError)
    for column in asked.tags:
        one_of("tags", column, asked.by, PlanError)
    _check(plan, enforcer, asked)
    parts = parts_of(plan, asked.by, month=asked.month, lines=asked.lines)
    if enforcer != "litellm":
        for part in parts:
            _check_values(enforcer, part)
    return [_MADE[enforcer](plan, part, asked) for part in parts]


def write_budgets(path: Path, made: Callable[[], list[dict[str, Any]]]) -> Path:
    """Write what :func:`budgets_of` gives as a JSON list, whole or not at all; returns its path.

    Raises
    ------
    PlanError
        As :func:`budgets_of`, or the file cannot be written.
    """
    return written(path, lambda: json.dumps(made(), ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def _check(plan: BudgetPlan, enforcer: str, asked: Asked) -> None:
    """Refuse what an enforcer has no words for."""
    only = {"litellm": ("USD",), "aws": ("USD", "CNY")}.get(enforcer)
    if only is not None and plan.currency not in only:
        raise PlanError(
            f"{enforcer} counts in {' or '.join(only)}, and this plan is in {plan.currency}; plan in {only[0]}, "
            f"such as fc.read_usage(..., rates=..., currency={only[0]!r})"
        )
    if asked.account is not None and (enforcer != "aws" or not re.fullmatch(r"\d{12}", asked.account)):
        raise PlanError(f"account={asked.account!r}: the twelve digits of an AWS account, for 'aws' only")
    if asked.entity != "budget" and enforcer != "litellm":
        raise PlanError(f"entity={asked.entity!r}: only 'litellm' makes teams and keys")
    if asked.entity != "budget" and asked.month is None and len(plan.ledger.days) > 1:
        raise PlanError(
            f"entity={asked.entity!r}: a {asked.entity} holds one budget at a time, and the plan has "
            f"{len(plan.ledger.days)} months; name one, such as month='{plan.ledger.days[0]:%Y-%m}'"
        )
    if enforcer == "google" and len(asked.by) > 1:
        raise PlanError(f"by={list(asked.by)!r}: a budget of Google Cloud is filtered by one label; name one column")
    wanted, pattern = _NOTIFIED[enforcer]
    for who in asked.notify:
        if not re.fullmatch(pattern, who):
            raise PlanError(f"notify={who!r}: for {enforcer!r} wanted {wanted}")


def _check_values(enforcer: str, part: Part) -> None:
    """Refuse a label that no tag of the enforcer can bear."""
    most = VALUES[enforcer]
    for column, label in part.labels:
        if len(label) > most or (enforcer == "google" and not _LABEL.fullmatch(label)):
            shown = label if len(label) <= 60 else f"{label[:59]}…"
            allowed = f"at most {most} letters" + (", of a-z, 0-9, - and _" if enforcer == "google" else "")
            raise PlanError(f"{column} {shown!r} ({len(label)} letters) is no value of a tag of {enforcer}: {allowed}")


def _litellm(plan: BudgetPlan, part: Part, asked: Asked) -> dict[str, Any]:
    # A budget of one month begins anew with the month; the next month's amount is its own budget.
    held: dict[str, Any] = {"max_budget": part.cents / 100, "budget_duration": "1mo"}
    if asked.entity == "budget":
        return {"budget_id": _name("litellm", part), **held}
    told = {"month": part.month, **dict(part.labels)}
    return {f"{asked.entity}_alias": _cut(part.name, NAMES["litellm"]), **held, "metadata": told}


def _aws(plan: BudgetPlan, part: Part, asked: Asked) -> dict[str, Any]:
    found = [{"Tags": {"Key": asked.tag(c), "Values": [v], "MatchOptions": ["EQUALS"]}} for c, v in part.labels]
    narrowed = {"FilterExpression": {"And": found} if len(found) > 1 else found[0]} if found else {}
    end = part.last.value // 10**9 + 86_400
    budget = {
        "BudgetName": _name("aws", part),
        "BudgetType": "COST",
        "BudgetLimit": {"Amount": f"{part.cents // 100}.{part.cents % 100:02d}", "Unit": plan.currency},
        "TimeUnit": "MONTHLY",
        "TimePeriod": {"Start": part.start.value // 10**9, "End": end},
        "Metrics": ["UnblendedCost"],
        **narrowed,
    }
    who = [{"SubscriptionType": "SNS" if w.startswith("arn:") else "EMAIL", "Address": w} for w in asked.notify]
    warned = [{"Notification": _warning(percent), "Subscribers": who} for percent in WARN_AT] if who else []
    account = {"AccountId": asked.account} if asked.account else {}
    return {**account, "Budget": budget, "NotificationsWithSubscribers": warned}


def _warning(percent: int) -> dict[str, Any]:
    return {
        "NotificationType": "ACTUAL",
        "ComparisonOperator": "GREATER_THAN",
        "Threshold": percent,
        "ThresholdType": "PERCENTAGE",
    }


def _azure(plan: BudgetPlan, part: Part, asked: Asked) -> dict[str, Any]:
    found = [{"tags": {"name": asked.tag(c), "operator": "In", "values": [v]}} for c, v in part.labels]
    narrowed = {"filter": {"and": found} if len(found) > 1 else found[0]} if found else {}
    warning = {"enabled": True, "operator": "GreaterThan", "thresholdType": "Actual"}
    warned = {f"actual-{p}": {**warning, "threshold": p, "contactEmails": list(asked.notify)} for p in WARN_AT}
    period = {"startDate": f"{part.start:%Y-%m-%d}T00:00:00Z", "endDate": f"{part.last:%Y-%m-%d}T00:00:00Z"}
    return {
        "type": "Microsoft.Consumption/budgets",
        "apiVersion": "2024-08-01",
        "name": _name("azure", part),
        "properties": {
            "category": "Cost",
            "amount": part.cents / 100,
            "timeGrain": "Monthly",
            "timePeriod": period,
            **narrowed,
            "notifications": warned if asked.notify else {},
        },
    }


def _google(plan: BudgetPlan, part: Part, asked: Asked) -> dict[str, Any]:
    units, cents = divmod(part.cents, 100)
    days = {"startDate": part.start, "endDate": part.last}
    dates = {name: {"year": day.year, "month": day.month, "day": day.day} for name, day in days.items()}
    labels = {asked.tag(column): [label] for column, label in part.labels}
    rule = {"notificationsRule": {"monitoringNotificationChannels": list(asked.notify)}} if asked.notify else {}
    return {
        "displayName": _name("google", part),
        "budgetFilter": {"customPeriod": dates, **({"labels": labels} if labels else {})},
        "amount": {
            # int64 is a string in Google's JSON.
            "specifiedAmount": {"currencyCode": plan.currency, "units": str(units), "nanos": cents * 10_000_000}
        },
        "thresholdRules": [{"thresholdPercent": p / 100, "spendBasis": "CURRENT_SPEND"} for p in WARN_AT],
        **rule,
    }


_MADE: Final[dict[str, Callable[[BudgetPlan, Part, Asked], dict[str, Any]]]] = {
    "litellm": _litellm,
    "aws": _aws,
    "azure": _azure,
    "google": _google,
}


def _name(enforcer: str, part: Part) -> str:
    """A name that the enforcer takes, with the month; another for every part."""
    plain = re.sub(r"[^A-Za-z0-9_-]" if enforcer == "azure" else r"[:\\]|[^\w \-./]|/action/", "-", part.name)
    # Azure's names do not tell capitals apart, and labels may hold what joins them.
    alike = enforcer == "azure" and part.name != part.name.lower()
    joined = len(part.labels) > 1 and any(" / " in label for _, label in part.labels)
    name = f"{plain}-{part.month}" if enforcer == "azure" else f"{plain} {part.month}"
    whole = json.dumps([part.month, *part.labels])
    return _cut(name, NAMES[enforcer], changed=alike or joined or plain != part.name, whole=whole)


def _cut(name: str, most: int, *, changed: bool = False, whole: str | None = None) -> str:
    """A name as it is, or where it was too long or altered, its beginning and a mark of the whole."""
    if len(name) <= most and not changed:
        return name
    mark = sha256((whole or name).encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{name[: most - 9]}-{mark}"


def asked_of(
    by: Sequence[str],
    month: str | None,
    lines: Sequence[str] | None,
    tags: Mapping[str, str] | None,
    notify: Sequence[str] | str,
    account: str | None,
    entity: Entity,
) -> Asked:
    """The arguments of :meth:`BudgetPlan.budgets` as one value.

    Raises
    ------
    PlanError
        One is of another kind.
    """
    if not isinstance(tags if tags is not None else {}, Mapping):
        raise PlanError(f"tags={tags!r}: wanted the tag's key by column, such as tags={{'environment': 'env'}}")
    keys = dict(tags or {})
    for column, key in keys.items():
        if not isinstance(key, str) or not key.strip():
            raise PlanError(f"tags[{column!r}] = {key!r}: wanted the key of a tag, such as 'env'")
    if account is not None and not isinstance(account, str):
        raise PlanError(f"account={account!r}: wanted the twelve digits in quotes, which keep a leading 0")
    only = None if lines is None else _texts("lines", lines, "['tokens']")
    if only == ():
        raise PlanError("lines=[]: names no line, so that there is no budget; leave it out for all of them")
    return Asked(tuple(by), month, only, keys, _texts("notify", notify, "['finance@example.org']"), account, entity)


def _texts(what: str, told: object, example: str) -> tuple[str, ...]:
    """A text, or a list of them, as a tuple."""
    if isinstance(told, str):
        return (told,)
    if isinstance(told, Sequence) and all(isinstance(one, str) for one in told):
        return tuple(told)
    raise PlanError(f"{what}={told!r}: wanted a list of texts, such as {example}")
