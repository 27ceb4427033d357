"""A policy against itself. Comes in: a policy whose values hold alone. Goes out: what contradicts what, in words."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from forecast.errors import nearest
from scenarios.reviews.governing.policy import ANY, MONTHS, ModelRule, SpendLimit, SpendPolicy, fits

#: Stands for every environment that no rule names.
OTHER = "any other environment"
#: What rounding may add to a sum of shares.
_ROUNDING = 1e-12


def contradictions(policy: SpendPolicy) -> list[tuple[str, str]]:
    """What does not hold together: the key path, and what is wrong with it and would mend it."""
    return [*_bands(policy), *_limits(policy), *_models(policy), *_split(policy), *_roles(policy)]


def _bands(policy: SpendPolicy) -> Iterator[tuple[str, str]]:
    """In every environment each amount has one lowest role: bands neither overlap nor leave a gap."""
    told = set()
    named = dict.fromkeys(e for a in policy.approvers for e in a.environments if e != "*")
    for environment in (*named, OTHER):
        bands = policy.bands(environment)
        if not bands:
            if policy.approvers:
                yield "approvers", f"nobody may approve anything in {environment}; give a role without environments"
            continue
        end, before = 0.0, ""
        for approver, start in bands:
            if approver.most == end and before:
                found = f"{before!r} and {approver.role!r} both end at {_money(end)}: which of them decides?"
            elif start < end:
                found = (
                    f"bands of {before!r} (up to {_money(end)}) and {approver.role!r} (above {_money(start)}) overlap"
                )
            elif start > end:
                found = (
                    f"nobody may approve amounts from {_money(end)} to {_money(start)}; move above of {approver.role!r}"
                )
            else:
                found = ""
            if found and found not in told:
                told.add(found)
                yield "approvers", f"{found} ({_in(environment)})"
            end, before = approver.most, approver.role
        if end != float("inf"):
            found = f"nobody may approve more than {_money(end)}; leave upto out of the highest role's band"
            if found not in told:
                told.add(found)
                yield "approvers", f"{found} ({_in(environment)})"


def _limits(policy: SpendPolicy) -> Iterator[tuple[str, str]]:
    """No part may spend more than the whole, nor more in a month than in the quarter."""
    for (i, one), (j, other) in combinations(enumerate(policy.limits, start=1), 2):
        if one.where == other.where and one.per == other.per:
            yield f"limits[{j}]", f"is of {other.told} a {other.per}, as limits[{i}] is; keep one"
            continue
        for (a, part), (b, whole) in (((i, one), (j, other)), ((j, other), (i, one))):
            inside = set(whole.where) <= set(part.where) and MONTHS[part.per] <= MONTHS[whole.per]
            if inside and part.amount > whole.amount:
                yield f"limits[{a}]", f"{_limit(part)} is above {_limit(whole)} of limits[{b}], of which it is a part"


def _models(policy: SpendPolicy) -> Iterator[tuple[str, str]]:
    """What is allowed somewhere is not forbidden there altogether."""
    rules = list(enumerate(policy.models, start=1))
    for i, rule in rules:
        for j, other in rules:
            if not _meet(rule, other):
                continue
            for what, allow, forbid in (("model", rule.allow, other.forbid), ("tier", rule.tiers, other.forbid_tiers)):
                for pattern in allow:
                    if by := next((f for f in forbid if fits(pattern, [f])), None):
                        where = "" if i == j else f" of models[{j}]"
                        yield (
                            f"models[{i}]",
                            f"{what} {pattern!r} is allowed and, by {by!r}{where}, forbidden; drop one",
                        )


def _meet(one: ModelRule, other: ModelRule) -> bool:
    """Whether two rules are of one environment, as far as their globs tell."""
    return any(fits(a, [b]) or fits(b, [a]) for a in one.environments for b in other.environments)


def _split(policy: SpendPolicy) -> Iterator[tuple[str, str]]:
    least = sum(low for _, low, _ in policy.split)
    if least > 1 + _ROUNDING:
        yield "split", f"the low ends sum to {least:.1%}, above 100 %; lower one of them"


def _roles(policy: SpendPolicy) -> Iterator[tuple[str, str]]:
    """A role stands once in an environment; a model's role may be any, but not a misspelt approver."""
    for (i, one), (j, other) in combinations(enumerate(policy.approvers, start=1), 2):
        same = one.role.lower() == other.role.lower()
        if same and (ANY in (one.environments, other.environments) or set(one.environments) & set(other.environments)):
            yield f"approvers[{j}]", f"role {other.role!r} stands in approvers[{i}] too, for the same environments"
    roles = [a.role for a in policy.approvers]
    asked = [("new_models.approval", policy.new_models.role)] if policy.new_models else []
    asked += [(f"reviews[{i}].role", review.role) for i, review in enumerate(policy.reviews, start=1)]
    for path, role in asked:
        close = nearest(role, roles)
        if role not in roles and role.lower() in [r.lower() for r in roles]:
            yield path, f"{role!r} differs from an approver by its capitals{close}"
    names = [review.name for review in policy.reviews]
    for name in sorted({n for n in names if names.count(n) > 1}):
        yield "reviews", f"two are named {name!r}; a review's name stands once"


def _limit(limit: SpendLimit) -> str:
    return f"{_money(limit.amount)} a {limit.per} of {limit.told}"


def _money(amount: float) -> str:
    return f"{amount:,.2f}".removesuffix(".00")


def _in(environment: str) -> str:
    return f"in {environment}"
