"""Splits of a plan file. Comes in: its ``[split]`` and ``[[splits]]``. Goes out: the splits, or what is wrong, by key.

``[split]`` is over environments; each of ``[[splits]]`` is ``by`` a column, inside every part that those before it
make. Keys that are no option are parts with their ranges; a part that is named like an option, and parts in general,
may stand in a table ``ranges``. ``{ at_least = 0.1 }`` is a floor, ``{ at_most = 0.3 }`` a cap.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, get_args

from forecast.errors import PlanError, TokenplanError
from scenarios.budget.splits import SPLIT_BY, Basis, Rest, Split, checked_splits
from scenarios.files import checks
from scenarios.files.keys import Keys, Problems

#: What a range with one end is written as.
FLOOR, CAP = "at_least", "at_most"
_WORDS: Final[Keys] = {
    "rest": checks.choice(*get_args(Rest)),
    "basis": checks.choice(*get_args(Basis)),
}
#: The options of ``[split]``, and those of ``[[splits]]``.
SPLIT: Final[Keys] = _WORDS
SPLITS: Final[Keys] = {
    "by": checks.choice(*SPLIT_BY),
    **_WORDS,
    "days": checks.count(1, 3_660),
    "most": checks.count(1, 100_000),
    "shared": lambda value: None if isinstance(value, dict) else f"{checks.shown(value)}: wanted a table by line",
}


def splits_of(one: object, many: object, problems: Problems) -> Split | tuple[Split, ...] | None:
    """The splits of a file, or None where it has none or its problems are noted."""
    if many is not None and not isinstance(many, list):
        problems.add("splits", "wanted a list of tables; write [[splits]] before each")
        many = []
    before = len(problems.found)
    tables = [("split", {"by": "environment"}, SPLIT, one)] if one is not None else []
    tables += [(f"splits[{i}]", {}, SPLITS, table) for i, table in enumerate(many or [], start=1)]
    made = [_split(path, given, keys, table, problems) for path, given, keys, table in tables]
    known = tuple(split for split in made if split is not None)
    if len(problems.found) > before or not known:
        return None
    try:
        checked_splits(known)
    except TokenplanError as error:
        problems.add("splits", str(error))
    return known[0] if len(known) == 1 else known


def _split(path: str, given: Mapping[str, str], keys: Keys, table: object, problems: Problems) -> Split | None:
    """One split; each range is tried alone first, so that all that do not hold are told."""
    if not isinstance(table, dict):
        told = f"[{path}]" if "[" not in path else "[[splits]]"
        problems.add(path, f"wanted a table, such as {told} and below it production = [0.60, 0.70]")
        return None
    before = len(problems.found)
    options: dict[str, Any] = dict(given)
    ranges: dict[str, Any] = {}
    for name, value in table.items():
        if name in keys:
            if (wrong := keys[name](value)) is not None:
                problems.add(f"{path}.{name}", wrong)
            options[name] = value
        else:
            inside = name == "ranges" and isinstance(value, dict) and bool(set(value) - {FLOOR, CAP})
            named: dict[str, Any] = dict(value) if inside else {name: value}
            for part in named.keys() & ranges.keys():
                problems.add(f"{path}.{part}", "stands twice, here and in ranges; keep one")
            ranges |= named
    if "by" not in options:
        problems.add(path, f"by is missing: what is split over, one of {checks.listed(SPLIT_BY)}")
    by = options.pop("by", None)
    known = str(by) if by in SPLIT_BY else SPLIT_BY[0]
    within = {name: _range(value) for name, value in ranges.items()}
    for name, value in within.items():
        _tried(f"{path}.{name}", problems, known, {name: value})
    if len(problems.found) > before:
        return None
    if given and not within:
        problems.add(path, "name at least one environment, such as production = [0.60, 0.70]")
        return None
    return _tried(path, problems, known, within, **options)


def _range(value: object) -> object:
    """A range as Python has it."""
    if isinstance(value, dict) and value and not set(value) - {FLOOR, CAP}:
        return (value.get(FLOOR), value.get(CAP))
    return value


def _tried(path: str, problems: Problems, by: str, ranges: Mapping[str, Any], **options: Any) -> Split | None:
    try:
        return Split(by, ranges, **options)
    except (PlanError, TypeError) as error:
        problems.add(path, str(error))
        return None
