"""Pricing rules from a file. Comes in: TOML. Goes out: rules; everything that is wrong is told at once.

A table ``[[rules]]`` names its ``kind`` and the arguments of that rule; credits hold a list of ``purchases``.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final

from forecast.errors import PriceError, nearest
from forecast.prices.billing.bill import PricingRule
from forecast.prices.billing.capacity import Provisioned
from forecast.prices.billing.commitments import Commitment, Credits, Purchase
from forecast.prices.billing.discounts import Discount, SpendTiers
from forecast.prices.billing.subscriptions import Allowance, Seats
from forecast.prices.billing.taxes import Tax

#: Other packages bring kinds of rules by this group: a name, and a dataclass that keeps the protocol.
ENTRY_POINTS: Final = "tokenplan.pricing_rules"
KINDS: Final[dict[str, type]] = {
    "discount": Discount,
    "spend_tiers": SpendTiers,
    "seats": Seats,
    "allowance": Allowance,
    "commitment": Commitment,
    "credits": Credits,
    "provisioned": Provisioned,
    "tax": Tax,
}


def read_pricing_rules(path: str | Path) -> tuple[PricingRule, ...]:
    """The rules of a contract from a TOML file of ``[[rules]]`` tables.

    Raises
    ------
    PriceError
        The file is absent or no TOML; every rule, key and value that does not hold, listed at once.
    """
    file = Path(path)
    if not file.is_file():
        beside = [p.name for p in file.parent.iterdir()] if file.parent.is_dir() else []
        raise PriceError(f"{file}: there is no such file of pricing rules{nearest(file.name, beside)}")
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as cause:
        raise PriceError(f"{file}: cannot be read as TOML: {cause}; mend the file") from cause
    problems = [f"table {k!r} is not known; allowed: [[rules]]" for k in content if k != "rules"]
    listed = content.get("rules", [])
    if not listed and not problems:
        problems.append("there is no rule; write one [[rules]] table each")
    kinds = _kinds()
    made = [_made(f"rule {i}", one, kinds, problems) for i, one in enumerate(listed, start=1)]
    if problems:
        raise PriceError(f"{file}: " + "; ".join(problems))
    return tuple(rule for rule in made if rule is not None)


def _kinds() -> dict[str, type]:
    """The shipped kinds, and those of other packages."""
    found = dict(KINDS)
    for point in entry_points(group=ENTRY_POINTS):
        try:
            found.setdefault(point.name, point.load())
        except (ImportError, AttributeError) as cause:
            raise PriceError(f"the pricing rule {point.name!r} of {point.value} cannot be loaded: {cause}") from cause
    return found


def _made(where: str, one: Any, kinds: Mapping[str, type], problems: list[str]) -> PricingRule | None:
    kind = one.get("kind") if isinstance(one, Mapping) else None
    if not isinstance(kind, str) or kind not in kinds or not is_dataclass(kinds[kind]):
        problems.append(f"{where}: kind = {kind!r} is not known; allowed: {', '.join(kinds)}{nearest(kind, kinds)}")
        return None
    rule, given = kinds[kind], {k: v for k, v in one.items() if k != "kind"}
    before = len(problems)
    problems += _keys(f"{where} ({kind})", rule, given)
    if isinstance(given.get("purchases"), list):
        bought = [_purchase(f"{where}: purchase {i}", p, problems) for i, p in enumerate(given["purchases"], start=1)]
        given["purchases"] = [p for p in bought if p is not None]
    if len(problems) > before:
        return None
    fixed = {
        k: tuple(tuple(i) if isinstance(i, list) else i for i in v) for k, v in given.items() if isinstance(v, list)
    }
    try:
        made = rule(**{**given, **fixed})
    except (PriceError, TypeError, ValueError) as cause:
        problems.append(f"{where}: {cause}")
        return None
    if not isinstance(made, PricingRule):
        problems.append(f"{where}: kind {kind!r} does not keep the protocol: name, stage, apply(bill)")
        return None
    return made


def _keys(where: str, rule: Any, given: Mapping[str, Any]) -> list[str]:
    """What is missing of a dataclass's fields, and what is none of them."""
    known = {f.name: f.default is MISSING and f.default_factory is MISSING for f in fields(rule)}
    unknown = [f"{where}: key {k!r} is not known{nearest(k, known)}" for k in given if k not in known]
    return unknown + [f"{where}: {k} is missing" for k, needed in known.items() if needed and k not in given]


def _purchase(where: str, one: Any, problems: list[str]) -> Purchase | None:
    if not isinstance(one, Mapping):
        problems.append(f"{where} is no table of on, worth, paid and expires")
        return None
    wrong = _keys(where, Purchase, one)
    problems += wrong
    return Purchase(**one) if not wrong else None
