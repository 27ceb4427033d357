"""Pricing rules from a file. Comes in: TOML. Goes out: rules; everything that is wrong is told at once.

A table ``[[rules]]`` names its ``kind`` and the terms of that rule; credits hold a list of ``purchases``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final

from forecast.errors import PriceError, nearest
from forecast.prices.billing.bill import PricingRule
from forecast.prices.billing.capacity import Provisioned
from forecast.prices.billing.commitments import Commitment
from forecast.prices.billing.credits import Credits
from forecast.prices.billing.discounts import Discount, SpendTiers
from forecast.prices.billing.subscriptions import Allowance, Seats
from forecast.prices.billing.taxes import Tax

#: Other packages bring kinds of rules by this group: a name, and a dataclass that keeps the protocol.
ENTRY_POINTS: Final = "tokenplan.pricing_rules"
#: Kinds by the name that a file calls them; one's own join by being added.
KINDS: dict[str, type] = {
    "provisioned": Provisioned,
    "discount": Discount,
    "spend_tiers": SpendTiers,
    "seats": Seats,
    "allowance": Allowance,
    "commitment": Commitment,
    "credits": Credits,
    "tax": Tax,
}


def read_pricing_rules(
    rules: str | Path | Mapping[str, Any] | Iterable[Mapping[str, Any]],
) -> tuple[PricingRule, ...]:
    """The rules of a contract, from a TOML file of ``[[rules]]`` tables or from the same structure in hand.

    Parameters
    ----------
    rules : path, mapping or iterable of mappings
        The file; what it holds; or its rules alone.

    Raises
    ------
    PriceError
        The file is absent or no TOML; every rule, key and value that does not hold, listed at once.
    """
    source, content = _content(rules)
    problems = [f"table {k!r} is not known; allowed: [[rules]]" for k in content if k != "rules"]
    listed = content.get("rules", [])
    if not isinstance(listed, list):
        problems.append(f"rules = {listed!r}: wanted one [[rules]] table a rule")
    elif not listed and not problems:
        problems.append("there is no rule; write one [[rules]] table each")
    listed = listed if isinstance(listed, list) else []
    made = [_made(f"rule {i}", one, problems) for i, one in enumerate(listed, start=1)]
    names = [rule.name for rule in made if rule is not None]
    twice = dict.fromkeys(name for name in names if names.count(name) > 1)
    problems += [f"two rules are called {name!r}: give each a name of its own" for name in twice]
    if problems:
        raise PriceError(f"{source}: " + "; ".join(problems))
    return tuple(rule for rule in made if rule is not None)


def _content(rules: str | Path | Mapping[str, Any] | Iterable[Mapping[str, Any]]) -> tuple[str, Mapping[str, Any]]:
    """How errors call the rules, and their tables."""
    if isinstance(rules, Mapping):
        return "<rules>", rules
    if not isinstance(rules, str | Path):
        return "<rules>", {"rules": list(rules)}
    file = Path(rules)
    if not file.is_file():
        beside = [p.name for p in file.parent.iterdir()] if file.parent.is_dir() else []
        raise PriceError(f"{file}: there is no such file of pricing rules{nearest(file.name, beside)}")
    try:
        return str(file), tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as cause:
        raise PriceError(f"{file}: cannot be read as TOML: {cause}; mend the file") from cause


def _kind(where: str, name: object, problems: list[str]) -> Any:
    """The dataclass of a kind, shipped or of another package; None where there is none."""
    if isinstance(name, str) and name in KINDS:
        return KINDS[name]
    brought = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    if not isinstance(name, str) or name not in brought:
        allowed = [*KINDS, *(n for n in brought if n not in KINDS)]
        problems.append(f"{where}: kind = {name!r} is not known; allowed: {', '.join(allowed)}{nearest(name, allowed)}")
        return None
    try:
        kind = brought[name].load()
    except Exception as cause:  # noqa: BLE001 - whatever another package's code raises
        problems.append(
            f"{where}: kind {name!r}, brought by {brought[name].value}, cannot be loaded: "
            f"{type(cause).__name__}: {cause}"
        )
        return None
    if not isinstance(kind, type) or not is_dataclass(kind):
        problems.append(f"{where}: kind {name!r}, brought by {brought[name].value}, is no dataclass")
        return None
    return kind


def _made(where: str, one: Any, problems: list[str]) -> PricingRule | None:
    if not isinstance(one, Mapping):
        problems.append(f"{where} is {one!r}: wanted a table with a kind")
        return None
    kind = _kind(where, one.get("kind"), problems)
    if kind is None:
        return None
    made = _built(f"{where} ({one['kind']})", kind, {k: v for k, v in one.items() if k != "kind"}, problems)
    if made is not None and not isinstance(made, PricingRule):
        problems.append(f"{where}: kind {one['kind']!r} lacks name, stage, dates(periods) or apply(bill)")
        return None
    return made


def _built(where: str, kind: Any, given: Mapping[str, Any], problems: list[str]) -> Any:
    """A frozen dataclass from a table; a field whose metadata says ``of`` is a list of tables of another one."""
    known = {f.name: f for f in fields(kind) if f.init}
    wrong = [f"{where}: key {k!r} is not known{nearest(k, known)}" for k in given if k not in known]
    needed = [k for k, f in known.items() if f.default is MISSING and f.default_factory is MISSING]
    wrong += [f"{where}: {k} is missing" for k in needed if k not in given]
    terms: dict[str, Any] = {}
    for name, value in given.items():
        part = known[name].metadata.get("of") if name in known else None
        terms[name] = _fixed(value)
        if part is None:
            continue
        if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
            wrong.append(f"{where}: {name} = {value!r}: wanted a list of tables with {', '.join(_names(part))}")
            continue
        terms[name] = tuple(_built(f"{where}: {name} {i}", part, item, wrong) for i, item in enumerate(value, start=1))
    problems += wrong
    if wrong:
        return None
    try:
        return kind(**terms)
    except (PriceError, TypeError, ValueError) as cause:
        problems.append(f"{where}: {cause}")
        return None


def _names(kind: Any) -> list[str]:
    return [f.name for f in fields(kind) if f.init]


def _fixed(value: Any) -> Any:
    """Lists as tuples, all the way down."""
    return tuple(_fixed(item) for item in value) if isinstance(value, list) else value
