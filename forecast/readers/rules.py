"""Rules: names that an export has come in, such as workspaces, keys and tags; environment, project and owner go out.

A rules file is TOML. Each rule says what must match, by globs, and what is then set::

    [[rules]]
    match = { workspace = "prod-*", api_key = "*search*" }
    set = { environment = "production", project = "search", cost_center = "4711" }

    [[rules]]
    match = { "tag:team" = "*", api_key = "key_*_*" }
    set = { department = "{tag:team}", environment = "{api_key.1}" }

``{name}`` is the whole name, and ``{name.1}`` what the first ``*`` of its glob stood for, the shortest that fits.
Rules are read from the top, and the first that matches sets a column. A column that the export fills itself is set only
where it is blank, unless the rule says ``replace = true``. What no rule matches stays blank and is shown.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import pandas as pd

from forecast import schema
from forecast.errors import UsageError, nearest

_KEYS: Final = ("match", "set", "replace")
#: Columns on the way that are no names.
_NO_NAMES: Final = ("date", "part", "rows", "begin", "end", "blank", "export", "source", "identity", schema.REQUESTS)
_NAME_IN: Final = re.compile(r"\{([^{}]+)\}")
_PART: Final = re.compile(r"\.([1-9])$")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: every glob of ``match`` must fit; then the columns of ``set`` get their values."""

    match: Mapping[str, str]
    set: Mapping[str, str]
    replace: bool = False


@dataclass(frozen=True, slots=True)
class Rules:
    """Rules in their order, and where they stand."""

    rules: tuple[Rule, ...]
    source: str = "<rules>"
    targets: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Note which columns the rules set."""
        named = dict.fromkeys(c for rule in self.rules for c in rule.set)
        object.__setattr__(self, "targets", tuple(named))

    def applied(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The frame with the columns that the rules set. Not changed itself; a name that it lacks matches nothing."""
        names = list(dict.fromkeys(c for rule in self.rules for c in (*rule.match, *_inserted(rule))))
        kinds = frame.reindex(columns=names).astype("object")
        code = kinds.groupby(names, dropna=False, sort=False).ngroup().to_numpy() if names else [0] * len(frame)
        table = kinds.assign(_code=code).drop_duplicates("_code").set_index("_code")
        out = frame.copy()
        for column in self.targets:
            found, forced = self._values(column, table)
            value = pd.Series(code, index=frame.index).map(found).astype("object")
            force = pd.Series(code, index=frame.index).isin([c for c, one in forced.items() if one])
            before = (
                frame[column].astype("object")
                if column in frame
                else pd.Series(None, index=frame.index, dtype="object")
            )
            chosen = before.where(before.notna() & ~force, value.where(value.notna(), before))
            out[column] = chosen.where(chosen.notna(), None).astype("str").where(chosen.notna())
        return out

    def _values(self, column: str, table: pd.DataFrame) -> tuple[dict[int, str | None], dict[int, bool]]:
        found: dict[int, str | None] = {}
        forced: dict[int, bool] = {}
        for code, row in table.iterrows():
            rule = next((r for r in self.rules if column in r.set and _fits(r, row)), None)
            if rule is not None:
                found[int(str(code))] = _filled(rule, rule.set[column], row)
                forced[int(str(code))] = rule.replace
        return found, forced

    def check(self, columns: Iterable[str]) -> list[str]:
        """A note of names that rules match and no source has: those rules match nothing.

        Raises
        ------
        UsageError
            No rule matches any name that there is; the message lists the names, and the nearest.
        """
        here = [str(c) for c in columns if c not in _NO_NAMES and c not in schema.UNITS]
        lacking = {
            i: [name for name in dict.fromkeys((*rule.match, *_inserted(rule))) if name not in here]
            for i, rule in enumerate(self.rules)
        }
        absent = list(dict.fromkeys(name for names in lacking.values() for name in names))
        if not absent:
            return []
        known = f"it has {', '.join(here)}{nearest(absent[0], here)}"
        if all(lacking.values()):
            raise UsageError(f"{self.source}: rules match {', '.join(absent)}, which the export does not have; {known}")
        idle = sum(bool(names) for names in lacking.values())
        counted = "1 rule matches" if idle == 1 else f"{idle} rules match"
        return [f"{self.source}: {counted} {', '.join(absent)}, which the export does not have; {known}"]


def read_rules(rules: str | Path | Mapping[str, Any] | Iterable[Mapping[str, Any]] | Rules) -> Rules:
    """Rules from a TOML file, or from the same structure in hand.

    Raises
    ------
    UsageError
        The file is absent or no TOML; every rule that is not well formed, listed at once.
    """
    if isinstance(rules, Rules):
        return rules
    source, content = _content(rules)
    listed = content.get("rules", []) if isinstance(content, Mapping) else list(content)
    unknown = [k for k in content if k != "rules"] if isinstance(content, Mapping) else []
    problems = [f"table {k!r} is not known; allowed: [[rules]]" for k in unknown]
    if not listed and not problems:
        problems.append("there is no rule; write one [[rules]] table each, with match and set")
    made = [_rule(i, one, problems) for i, one in enumerate(listed, start=1)]
    if problems:
        raise UsageError(f"{source}: " + "; ".join(problems))
    return Rules(tuple(r for r in made if r is not None), source)


def _content(rules: str | Path | Mapping[str, Any] | Iterable[Mapping[str, Any]]) -> tuple[str, Any]:
    if not isinstance(rules, str | Path):
        return "<rules>", rules
    path = Path(rules)
    if not path.is_file():
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise UsageError(f"{path}: there is no such rules file{nearest(path.name, beside)}")
    try:
        return str(path), tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as cause:
        raise UsageError(f"{path}: cannot be read as TOML: {cause}; mend the file") from cause


def _rule(number: int, one: Any, problems: list[str]) -> Rule | None:
    if not isinstance(one, Mapping):
        problems.append(f"rule {number} is not a table")
        return None
    before = len(problems)
    problems += [f"rule {number}: key {k!r} is not known{nearest(k, _KEYS)}" for k in one if k not in _KEYS]
    match, values, replace = one.get("match", {}), one.get("set", {}), one.get("replace", False)
    for name, part in (("match", match), ("set", values)):
        if not isinstance(part, Mapping) or not all(isinstance(v, str) for v in part.values()):
            problems.append(f"rule {number}: {name} is not a table of names and texts")
    if isinstance(values, Mapping):
        if not values:
            problems.append(f"rule {number} sets nothing")
        problems += [
            f"rule {number}: {c!r} cannot be set; allowed: {', '.join(schema.DIMENSIONS)}"
            f"{nearest(c, schema.DIMENSIONS)}"
            for c in values
            if c not in schema.DIMENSIONS
        ]
    if len(problems) == before:
        problems += _unknown_parts(number, match, values)
    if not isinstance(replace, bool):
        problems.append(f"rule {number}: replace = {replace!r}: wanted true or false")
    return Rule(dict(match), dict(values), replace) if len(problems) == before else None


def _unknown_parts(number: int, match: Mapping[str, str], values: Mapping[str, str]) -> list[str]:
    """Parts of names that no star of their glob stands for."""
    named = [name for value in values.values() for name in _NAME_IN.findall(value)]
    parts = [(name, found) for name in named if (found := _PART.search(name)) is not None]
    return [
        f"rule {number}: {{{name}}}: match has no glob of {_PART.sub('', name)!r} with {found.group(1)} stars"
        for name, found in parts
        if match.get(_PART.sub("", name), "").count("*") < int(found.group(1))
    ]


def _inserted(rule: Rule) -> list[str]:
    """The names that a rule's values are filled from."""
    return [_PART.sub("", name) for value in rule.set.values() for name in _NAME_IN.findall(value)]


@lru_cache(maxsize=4_096)
def _pattern(glob: str) -> re.Pattern[str]:
    """A glob as a pattern whose groups are what its stars stand for."""
    parts = {"*": "(.*?)", "?": "."}
    return re.compile("".join(parts.get(c) or re.escape(c) for c in glob), re.IGNORECASE | re.DOTALL)


def _fits(rule: Rule, row: pd.Series) -> bool:
    return all(not pd.isna(row[name]) and _pattern(glob).fullmatch(str(row[name])) for name, glob in rule.match.items())


def _filled(rule: Rule, value: str, row: pd.Series) -> str | None:
    """A value with its names filled in; None where one of them is blank."""

    def of(found: re.Match[str]) -> str:
        name, part = _PART.sub("", found.group(1)), _PART.search(found.group(1))
        whole = str(row[name])
        matched = _pattern(rule.match[name]).fullmatch(whole) if part is not None else None
        return whole if part is None or matched is None else matched.group(int(part.group(1)))

    if any(pd.isna(row[_PART.sub("", name)]) for name in _NAME_IN.findall(value)):
        return None
    return _NAME_IN.sub(of, value)
