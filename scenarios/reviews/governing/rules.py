"""Rules. Comes in: a policy and what is held against it. Goes out: violations, each with what would mend it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from forecast import schema
from forecast.drawing import one_line
from forecast.errors import nearest
from forecast.shown import short_repr
from scenarios.reviews.allocating.bill import AMOUNT
from scenarios.reviews.governing.approvals import MODEL as APPROVED_MODEL
from scenarios.reviews.governing.approvals import PLAN, hash_of
from scenarios.reviews.governing.policy import ModelRule, NewModels, ReviewRule, Severity, SpendLimit, SpendPolicy, fits
from scenarios.reviews.governing.subject import ENVIRONMENT, MODEL, TIER, Subject

#: Money is compared to the cent.
_CENT = 0.005
#: The largest parts that a mend names.
_NAMED = 3
#: What they are told by, if it is known.
_FINER = ("project", "environment", "model")
#: Letters of a place, and of a sentence.
_PLACE, _LONG = 200, 1_000


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that breaks a policy.

    Attributes
    ----------
    id : str
        The same for the same rule and place in every check, whatever the amounts.
    rule : str
        limit, model, tier, new model, split, approval or review.
    severity : {"error", "warning"}
    where : str
    found, allowed : str
    mend : str
        What would mend it.
    """

    __repr__ = short_repr

    id: str
    rule: str
    severity: Severity
    where: str
    found: str
    allowed: str
    mend: str


def violation(rule: str, where: str, *, found: str, allowed: str, mend: str, severity: Severity = "error") -> Violation:
    """A violation with its id: the rule and a hash of rule and place."""
    seal = hashlib.sha256(f"{rule}\0{where}".encode("utf-8", "replace")).hexdigest()[:8]
    told = [one_line(text, _LONG) for text in (found, allowed, mend)]
    return Violation(f"{rule.replace(' ', '-')}-{seal}", rule, severity, place(where), *told)


def place(name: object) -> str:
    """A name as a violation tells it: on one line, not too long, without what cannot be shown."""
    return one_line(name, _PLACE)


def limits(policy: SpendPolicy, subject: Subject) -> Iterator[Violation]:
    """What a part spends a period against its limit."""
    for limit in policy.limits:
        lacking = [c for c, _ in limit.where if c not in subject.columns]
        if subject.currency is None or lacking:
            what = f"{subject.told} does not tell {' or '.join(lacking)}" if lacking else "its cost is unknown"
            mend = f"keep {' and '.join(lacking)} apart in it" if lacking else "pass prices= to price it"
            yield _unchecked(limit, what, mend)
            continue
        columns = [c for c, _ in limit.where]
        table = subject.money([limit.per, *columns])
        for column, label in limit.where:
            there = sorted({str(v) for v in table[column]})
            if not any(fits(name, [label]) for name in there):
                yield _unchecked(
                    limit,
                    f"there is no {column} {label!r} in {subject.told}{nearest(label, there)}",
                    "correct the name in the policy, if it is misspelt",
                )
            table = table[[fits(name, [label]) for name in table[column]]]
        spent = table.groupby(limit.per, sort=True)[AMOUNT].sum() if len(table) else pd.Series(dtype="float64")
        for period, amount in spent.items():
            if amount > limit.amount + _CENT:
                yield _over(policy, subject, limit, str(period), float(amount))


def _unchecked(limit: SpendLimit, found: str, mend: str) -> Violation:
    where = f"{limit.told}, each {limit.per}"
    allowed = f"{limit.amount:,.2f} a {limit.per}"
    return violation("limit", where, found=f"not checked: {found}", allowed=allowed, mend=mend, severity="warning")


def _over(policy: SpendPolicy, subject: Subject, limit: SpendLimit, period: str, amount: float) -> Violation:
    """A limit that is exceeded, and the largest parts of what exceeds it."""
    over = amount - limit.amount
    exact = {c for c, label in limit.where if not set(label) & set("*?[")}
    finer = next((c for c in _FINER if c in subject.columns and c not in exact), None)
    named = ""
    if finer is not None:
        table = subject.money(list(dict.fromkeys([limit.per, *(c for c, _ in limit.where), finer])))
        table = table[(table[limit.per].astype(str) == period)]
        for column, label in limit.where:
            table = table[[fits(name, [label]) for name in table[column]]]
        most = table.groupby(finer, sort=True)[AMOUNT].sum().nlargest(_NAMED)
        most = most[most > _CENT]  # a policy transfer only moves money, and sums to 0
        parts = [f"{one_line(name, 60)} {money:,.2f}" for name, money in most.items()]
        named = f"; the largest by {finer}: {', '.join(parts)}"
    return violation(
        "limit",
        f"{limit.told}, {period}",
        found=f"{policy.currency} {amount:,.2f}",
        allowed=f"at most {limit.amount:,.2f} a {limit.per}",
        mend=f"take {over:,.2f} out ({over / amount:.1%}), or raise the limit{named}",
        severity=limit.severity,
    )


def models(policy: SpendPolicy, subject: Subject) -> Iterator[Violation]:
    """Models and tiers against what their environment allows."""
    if not policy.models:
        return
    seen = subject.models
    tiered = any(rule.tiers or rule.forbid_tiers for rule in policy.models)
    if tiered and TIER not in seen and len(seen):
        yield violation(
            "tier",
            "service tiers",
            found=f"not checked: {subject.told} does not tell service tiers",
            allowed="as models.tiers say",
            mend="keep them apart: detail=('environment', 'model', 'service_tier')",
            severity="warning",
        )
    yield from _unseen(policy, subject)
    keys = [ENVIRONMENT, MODEL]
    for (environment, model), rows in seen.groupby(keys, sort=True):
        rules = [rule for rule in policy.models if fits(environment, rule.environments)]
        if broken := _refused(str(model), rules, tier=False):
            yield violation("model", f"{environment}, {model}", found=_use(rows), allowed=broken[0], mend=broken[1])
        for tier in sorted(set(rows[TIER])) if TIER in rows else ():
            if broken := _refused(str(tier), rules, tier=True):
                own = rows[rows[TIER] == tier]
                where = f"{environment}, {model}, {tier}"
                yield violation("tier", where, found=_use(own), allowed=broken[0], mend=broken[1])


def _unseen(policy: SpendPolicy, subject: Subject) -> Iterator[Violation]:
    """Rules of environments that are not there, and models whose environment nobody knows: neither passes unsaid."""
    there = sorted({str(e) for e in subject.models[ENVIRONMENT]}) if ENVIRONMENT in subject.models else []
    ruled = [pattern for rule in policy.models for pattern in rule.environments if pattern != "*"]
    for pattern in dict.fromkeys(ruled):
        if there and not any(fits(name, [pattern]) for name in there):
            yield violation(
                "model",
                f"environment {pattern}",
                found=f"not checked: {subject.told} has no such environment{nearest(pattern, there)}",
                allowed="as models say",
                mend="correct the name in the policy, if it is misspelt",
                severity="warning",
            )
    if ruled and schema.UNASSIGNED in there:
        own = subject.models[subject.models[ENVIRONMENT] == schema.UNASSIGNED]
        yield violation(
            "model",
            f"environment {schema.UNASSIGNED}",
            found=f"{own[MODEL].nunique()} models in no known environment: {_use(own)}",
            allowed="an environment, so that its rules can be checked",
            mend="label the usage, such as by read_usage(..., rules=)",
            severity="warning",
        )


def _refused(name: str, rules: list[ModelRule], *, tier: bool) -> tuple[str, str] | None:
    """What is allowed in place of a model or tier, and what would mend it; None where it may be used."""
    allow = [p for rule in rules for p in (rule.tiers if tier else rule.allow)]
    forbid = [p for rule in rules for p in (rule.forbid_tiers if tier else rule.forbid)]
    listed = ", ".join(dict.fromkeys(allow)) or "any other"
    if by := next((p for p in forbid if fits(name, [p])), None):
        return f"{listed}; {by} is forbidden", f"move it to {listed}, or have {by!r} taken out of forbid"
    if allow and not fits(name, allow):
        return listed, f"move it to one of these, or have {name!r} added to the policy{nearest(name, allow)}"
    return None


def _use(rows: pd.DataFrame) -> str:
    """What was used, as a violation tells it."""
    amount = rows[AMOUNT].sum(min_count=1)
    money = "of unknown cost" if pd.isna(amount) else f"{amount:,.2f}"
    if rows["first"].isna().all():
        return f"planned: {money}"
    return f"used {rows['first'].min():%Y-%m-%d} to {rows['last'].max():%Y-%m-%d}: {money}"


def new_models(
    policy: SpendPolicy, subject: Subject, entries: pd.DataFrame | None, on: pd.Timestamp
) -> Iterator[Violation]:
    """Models that are not known, and that nobody approved."""
    rule = policy.new_models
    if rule is None or entries is None:
        return
    for model, rows in subject.models.groupby(MODEL, sort=True):
        if fits(model, rule.known):
            continue
        approved = approval_of(str(model), rule, entries, on)
        lacking = [step for step in rule.steps if step not in approved.steps]
        if approved.on is None:
            found = f"not approved; {_use(rows)}"
        elif lacking:
            found = f"approved {approved.on:%Y-%m-%d} without {', '.join(lacking)}"
        elif rows["first"].notna().any() and rows["first"].min() < approved.on:
            found = f"used from {rows['first'].min():%Y-%m-%d}, approved {approved.on:%Y-%m-%d}"
        else:
            continue
        late = approved.on is not None and not lacking
        steps = f" after {', '.join(rule.steps)}" if rule.steps else ""
        done = (
            "nothing can: the use before approval is on record; tell it in the next review"
            if late
            else (f"have {rule.role} approve it{steps}: log.approve_model({str(model)[:80]!r}, who={rule.role!r}, ...)")
        )
        yield violation(
            "new model",
            str(model),
            found=found,
            allowed=f"approval by {rule.role}{steps}, before use",
            mend=done,
            severity="warning" if late else "error",
        )


@dataclass(frozen=True, slots=True)
class Approved:
    """The approval of a model: its day, None where there is none, and the steps that were done."""

    on: pd.Timestamp | None
    steps: tuple[str, ...] = ()


def approval_of(model: str, rule: NewModels, entries: pd.DataFrame, on: pd.Timestamp) -> Approved:
    """The fullest approval of a model by its role up to a day."""
    own = entries[(entries["kind"] == APPROVED_MODEL) & entries["valid"] & (entries["on"] <= on)]
    own = own[[fits(model, [pattern]) for pattern in own["model"]]] if len(own) else own
    own = own[own["who"] == rule.role]
    if own.empty:
        return Approved(None)
    done = [len(set(rule.steps) & set(steps or ())) for steps in own["steps"]]
    best = own.iloc[done.index(max(done))]
    return Approved(pd.Timestamp(best["on"]), tuple(best["steps"] or ()))


def split(policy: SpendPolicy, subject: Subject) -> Iterator[Violation]:
    """The share of money of each environment against its range."""
    if not policy.split:
        return
    if subject.currency is None or ENVIRONMENT not in subject.columns:
        yield violation(
            "split",
            "environments",
            found="not checked: money by environment is unknown",
            allowed="as split says",
            mend="keep environment apart, and pass prices= where there is no bill",
            severity="warning",
        )
        return
    table = subject.money([ENVIRONMENT]).set_index(ENVIRONMENT)[AMOUNT]
    table = table.drop(schema.UNASSIGNED, errors="ignore")
    whole = float(table.sum())
    if not whole > 0:
        return
    for name, low, high in policy.split:
        share = float(table.get(name, 0.0)) / whole
        if not low - 1e-4 <= share <= high + 1e-4:  # cents that were rounded move a share by less
            short = share < low
            move = abs((low if short else high) - share) * whole
            yield violation(
                "split",
                f"environment {name}",
                found=f"{share:.1%} of {whole:,.2f}",
                allowed=f"{low:.1%} to {high:.1%}",
                mend=f"move {move:,.2f} {'to' if short else 'from'} {name}, such as by "
                f"split=sc.Split('environment', {{{name!r}: ({low:g}, {high:g})}})",
            )


def approval(
    policy: SpendPolicy, subject: Subject, entries: pd.DataFrame | None, on: pd.Timestamp
) -> Iterator[Violation]:
    """Whether a plan, as it is, is approved by a role of its amount's level in each of its environments."""
    plan = subject.plan
    if plan is None or not policy.approvers or entries is None:
        return
    seal, amount = hash_of(plan), plan.funding
    own = entries[(entries["kind"] == PLAN) & entries["valid"] & (entries["plan"] == seal) & (entries["on"] <= on)]
    given = sorted(set(own["who"]))
    needed: dict[tuple[str, ...], list[str]] = {}
    for environment, may in roles_by_environment(policy, subject).items():
        if not set(may) & set(given):
            needed.setdefault(may, []).append(environment)
    for may, environments in needed.items():
        other = sorted(set(entries.loc[(entries["kind"] == PLAN) & entries["valid"], "plan"].dropna()) - {seal})
        found = f"approved by {', '.join(given)}, which is not enough" if given else "not approved as it is"
        changed = f"; {len(other)} other plans are approved: was it changed after?" if other and not given else ""
        yield violation(
            "approval",
            f"{subject.told}, {', '.join(environments)}",
            found=f"{found}: {policy.currency} {amount:,.2f}, plan {seal[:12]}{changed}",
            allowed=f"approval by {' or '.join(may) or 'nobody: no role may approve so much'}",
            mend=f"have {may[0] if may else 'a higher role'} approve it, or plan for what "
            f"{_lower(policy, environments[0])}",
        )


def roles_by_environment(policy: SpendPolicy, subject: Subject) -> dict[str, tuple[str, ...]]:
    """The roles that may approve a plan's funding, in each environment that it spends in, the lowest first."""
    assert subject.plan is not None
    table = subject.money([ENVIRONMENT]) if ENVIRONMENT in subject.columns else pd.DataFrame()
    spends = [str(e) for e, money in table.itertuples(index=False, name=None) if abs(money) > _CENT] or ["all"]
    return {name: tuple(policy.who_may(subject.plan.funding, name)) for name in spends}


def _lower(policy: SpendPolicy, environment: str) -> str:
    bands = [f"{a.role} may approve (up to {a.upto:,.2f})" for a, _ in policy.bands(environment) if a.upto is not None]
    return bands[-1] if bands else "a role may approve"


def reviews(policy: SpendPolicy, entries: pd.DataFrame | None, on: pd.Timestamp) -> Iterator[Violation]:
    """Reviews that are past their grace."""
    for rule, last, due in review_dates(policy, entries, on):
        late = (on - due).days
        if late > 0:
            overdue = late > rule.grace_days
            yield violation(
                "review",
                rule.name,
                found=f"last held {last:%Y-%m-%d}" if last is not None else "never held",
                allowed=f"every {rule.every}; was due {due:%Y-%m-%d}, {late} days ago ({rule.grace_days} of grace)",
                mend=f"hold it and note it: log.reviewed({rule.name[:80]!r}, who={rule.role!r}, on=...)",
                severity="error" if overdue else "warning",
            )


def review_dates(
    policy: SpendPolicy, entries: pd.DataFrame | None, on: pd.Timestamp
) -> Iterator[tuple[ReviewRule, pd.Timestamp | None, pd.Timestamp]]:
    """Each review, when it was last held by its role, and when it is next due."""
    if entries is None:
        return
    for rule in policy.reviews:
        own = entries[
            (entries["kind"] == "review")
            & entries["valid"]
            & (entries["review"] == rule.name)
            & (entries["who"] == rule.role)
            & (entries["on"] <= on)
        ]
        last = None if own.empty else pd.Timestamp(own["on"].max())
        yield rule, last, rule.due(last)


def currency_of(policy: SpendPolicy, subject: Subject) -> Mapping[str, str] | None:
    """What two currencies there are, or None where there is one."""
    differ = subject.currency is not None and subject.currency != policy.currency
    return {"policy": policy.currency, "found": str(subject.currency)} if differ else None
