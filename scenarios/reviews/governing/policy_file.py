"""Policy files. Comes in: one TOML file. Goes out: a SpendPolicy, or every problem of the file at once, by key.

::

    name = "LLM spend"
    currency = "USD"

    [[approvers]]                       # who may approve a plan: roles, not people
    role = "team lead"
    upto = 10_000                       # left out in the highest band
    environments = ["development"]      # globs; left out: everywhere

    [[limits]]                          # left out are all of department, project, environment, application: the whole
    department = "sales"
    per = "month"                       # or quarter, year
    amount = 20_000
    severity = "warning"                # "error" where it is left out

    [[models]]
    environments = ["production"]
    allow = ["gpt-5*", "claude-*"]
    forbid = ["*-preview"]
    tiers = ["standard", "batch"]

    [new_models]
    approval = "model board"
    steps = ["security review", "evaluation"]
    known = ["gpt-5*"]

    [[reviews]]
    name = "monthly spend"
    every = "month"                     # or week, quarter, year
    role = "team lead"
    first = 2027-01-15
    grace_days = 5

    [split]
    production = [0.60, 0.70]
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_args

import pandas as pd

from forecast import schema
from forecast.errors import PlanError, nearest
from scenarios.files import checks
from scenarios.files.keys import Keys, Problems, Table, check_keys
from scenarios.files.scenario_file import parsed
from scenarios.reviews.governing.contradictions import contradictions
from scenarios.reviews.governing.policy import (
    ANY,
    PARTS,
    Approver,
    Every,
    ModelRule,
    NewModels,
    Per,
    ReviewRule,
    Severity,
    SpendLimit,
    SpendPolicy,
)

#: The longest text that a policy may hold.
LONGEST: Final = 500
MOST_GRACE: Final = 366


def load_policy(path: str | Path) -> SpendPolicy:
    """Read and check a spend policy.

    Parameters
    ----------
    path : str or Path
        A TOML file with ``name``, ``currency``, ``[[approvers]]``, ``[[limits]]``, ``[[models]]``, ``[new_models]``,
        ``[[reviews]]`` and ``[split]``; ``docs/governance.md`` tells each.

    Raises
    ------
    PlanError
        The file cannot be read, keys or values do not hold, or the policy contradicts itself: a part's limit above the
        whole's, a model both allowed and forbidden, bands of approvers that overlap or leave a gap. Every problem is
        listed, with its key path.
    """
    if not isinstance(path, str | Path) or not str(path).strip():
        raise PlanError(f"{path!r}: wanted the path of a policy file")
    document = parsed(Path(path), PlanError)
    problems = Problems(str(path), PlanError)
    held = check_keys(document, _TOP, "", problems)
    if "currency" not in document:
        problems.add("currency", 'is missing: what the amounts are in, such as "USD"')
    if not any(key in document for key in _RULES):
        problems.add("", f"the policy rules nothing; give at least one of {', '.join(_RULES)}")
    policy = SpendPolicy(
        name=held.get("name", Path(path).stem),
        currency=held.get("currency", ""),
        approvers=tuple(_approver(t, at, problems) for t, at in _tables(held, "approvers", problems)),
        limits=tuple(_limit(t, at, problems) for t, at in _tables(held, "limits", problems)),
        models=tuple(_model(t, at, problems) for t, at in _tables(held, "models", problems)),
        new_models=_new(held["new_models"], problems) if "new_models" in held else None,
        reviews=tuple(_review(t, at, problems) for t, at in _tables(held, "reviews", problems)),
        split=_split(held.get("split", {}), problems),
        source=str(path),
    )
    for where, wrong in contradictions(policy) if not problems.found else ():
        problems.add(where, wrong)
    problems.tell()
    return policy


def short(value: object) -> str | None:
    """Text that is neither blank nor long."""
    if (wrong := checks.text(value)) is not None:
        return wrong
    if len(str(value)) > LONGEST:
        return f"{checks.shown(value)}: is {len(str(value)):,} letters long; wanted at most {LONGEST}"
    return None if str(value).isprintable() else f"{checks.shown(value)}: holds letters that cannot be shown"


def _texts(value: object) -> str | None:
    if checks.texts(value) is not None:
        return checks.texts(value)
    return next((wrong for one in value if (wrong := short(one)) is not None), None)  # type: ignore[attr-defined]


def _amount(value: object) -> str | None:
    wrong = checks.number(value)
    return wrong or (None if value >= 0 else f"{value}: wanted an amount from 0 up")  # type: ignore[operator]


def _currency(value: object) -> str | None:
    fits = isinstance(value, str) and len(value) == 3 and value.isascii() and value.isupper()
    return None if fits else f'{checks.shown(value)}: wanted a currency of three letters, such as "USD"'


def _list(value: object) -> str | None:
    fits = isinstance(value, list) and bool(value)
    return None if fits else "wanted a list of tables; write its name in [[ ]] before each"


def _table(value: object) -> str | None:
    return None if isinstance(value, dict) else "wanted a table; write its name in [ ] and its keys below"


_RULES: Final = ("approvers", "limits", "models", "new_models", "reviews", "split")
_TOP: Final[Keys] = {
    "name": short,
    "currency": _currency,
    "approvers": _list,
    "limits": _list,
    "models": _list,
    "new_models": _table,
    "reviews": _list,
    "split": _table,
}
_APPROVER: Final[Keys] = {"role": short, "upto": _amount, "above": _amount, "environments": _texts}
_LIMIT: Final[Keys] = {
    **dict.fromkeys(PARTS, short),
    "per": checks.choice(*get_args(Per)),
    "amount": _amount,
    "severity": checks.choice(*get_args(Severity)),
}
_MODEL: Final[Keys] = {
    "environments": _texts,
    "allow": _texts,
    "forbid": _texts,
    "tiers": _texts,
    "forbid_tiers": _texts,
}
_NEW: Final[Keys] = {"approval": short, "steps": _texts, "known": _texts}
_REVIEW: Final[Keys] = {
    "name": short,
    "every": checks.choice(*get_args(Every)),
    "role": short,
    "first": checks.day,
    "grace_days": checks.count(0, MOST_GRACE),
}


def _tables(held: Table, name: str, problems: Problems) -> list[tuple[object, str]]:
    return [(table, f"{name}[{i}]") for i, table in enumerate(held.get(name, []), start=1)]


def _read(table: object, keys: Keys, at: str, problems: Problems, **needed: str) -> Table:
    """A table's keys that hold; what is needed and missing is told."""
    held = check_keys(table, keys, at, problems)
    for key, why in needed.items():
        if isinstance(table, dict) and key not in table:
            problems.add(at, f"{key} is missing: {why}")
    return held


def _approver(table: object, at: str, problems: Problems) -> Approver:
    held = _read(table, _APPROVER, at, problems, role='who may approve, such as "team lead"')
    upto, above = held.get("upto"), held.get("above")
    if upto is not None and upto <= (above or 0):
        problems.add(at, f"upto = {upto:,} is not above {above or 0:,}: the band is empty")
    return Approver(held.get("role", ""), upto, above, tuple(held.get("environments", ANY)))


def _limit(table: object, at: str, problems: Problems) -> SpendLimit:
    held = _read(table, _LIMIT, at, problems, per="month, quarter or year", amount="the most that may be spent")
    where = tuple((part, held[part]) for part in PARTS if part in held)
    return SpendLimit(held.get("amount", 0.0), held.get("per", "month"), where, held.get("severity", "error"))


def _model(table: object, at: str, problems: Problems) -> ModelRule:
    held = _read(table, _MODEL, at, problems)
    if isinstance(table, dict) and not set(table) & {"allow", "forbid", "tiers", "forbid_tiers"}:
        problems.add(at, "rules nothing; give allow, forbid, tiers or forbid_tiers")
    for key in ("tiers", "forbid_tiers"):
        for tier in held.get(key, ()):
            if not any(c in tier for c in "*?[") and tier not in schema.SERVICE_TIERS:
                known = checks.listed(schema.SERVICE_TIERS)
                problems.add(
                    f"{at}.{key}", f"{tier!r} is no tier; there are {known}{nearest(tier, schema.SERVICE_TIERS)}"
                )
    return ModelRule(**{key: tuple(value) for key, value in held.items()})


def _new(table: object, problems: Problems) -> NewModels:
    held = _read(table, _NEW, "new_models", problems, approval="the role that approves a new model")
    return NewModels(held.get("approval", ""), tuple(held.get("steps", ())), tuple(held.get("known", ())))


def _review(table: object, at: str, problems: Problems) -> ReviewRule:
    held = _read(
        table,
        _REVIEW,
        at,
        problems,
        name="what is reviewed",
        every="week, month, quarter or year",
        role="who reviews",
        first="when it is first due",
    )
    first = pd.Timestamp(held.get("first", "2000-01-01"))
    return ReviewRule(
        held.get("name", ""), held.get("every", "month"), held.get("role", ""), first, held.get("grace_days", 0)
    )


def _split(table: Mapping[str, Any], problems: Problems) -> tuple[tuple[str, float, float], ...]:
    found = []
    for name, value in table.items():
        at = f"split.{name}"
        pair = isinstance(value, list) and len(value) == 2 and not any(checks.number(v) for v in value)
        if not pair or not 0 <= value[0] <= value[1] <= 1:
            problems.add(at, f"{checks.shown(value)}: wanted the low and high share, such as [0.60, 0.70]")
        elif (wrong := short(name)) is not None:
            problems.add(at, wrong)
        else:
            found.append((name, float(value[0]), float(value[1])))
    return tuple(found)
