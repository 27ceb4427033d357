"""The keys of a file. Comes in: a parsed table and what each key may hold. Goes out: its problems, by key path."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from typing import Any, TypeAlias

import pandas as pd

from forecast.errors import ScenarioError, TokenplanError, nearest
from scenarios.files.checks import Check, listed, shown
from scenarios.files.days import SOME_DAY, is_relative, resolved
from scenarios.files.hints import required, shapes_of

Table: TypeAlias = dict[str, Any]
Keys: TypeAlias = Mapping[str, Check]


@dataclass(frozen=True, slots=True)
class Problems:
    """What is wrong with one file: gathered, then told at once, as an error of the file's own kind."""

    source: str
    error: type[TokenplanError] = ScenarioError
    found: list[str] = field(default_factory=list)

    def add(self, path: str, text: str) -> None:
        """Note one problem at a key path such as ``plan.horizon``."""
        self.found.append(f"{path}: {text}" if path else text)

    def tell(self) -> None:
        """Raise one error that lists every problem, if there is any."""
        if len(self.found) == 1:
            raise self.error(f"{self.source}: {self.found[0]}")
        if self.found:
            raise self.error(f"{self.source}: {len(self.found)} problems\n  " + "\n  ".join(self.found))


def plain(value: object) -> Any:
    """The parsed document with its dates as text: 2027-02-01."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    return value.isoformat() if isinstance(value, dt.date) else value


def check_keys(
    table: object, keys: Keys, path: str, problems: Problems, *, elsewhere: Mapping[str, Iterable[str]] | None = None
) -> Table:
    """Check a table's keys and values; returns what holds, so that the rest can be checked too.

    Parameters
    ----------
    table : object
        As it was parsed; noted as a problem if it is not a table.
    keys : mapping
        Key → check of its value.
    path : str
        The table's own key path.
    elsewhere : mapping, optional
        Other tables and their keys, to say where a misplaced key belongs.
    """
    if not isinstance(table, dict):
        problems.add(path, f"{shown(table)}: wanted a table; write [{path}] and its keys below")
        return {}
    held = {}
    for key, value in table.items():
        at = f"{path}.{key}" if path else key
        if key not in keys:
            problems.add(at, f"is not a key{_where_to(key, keys, elsewhere or {})}")
        elif (wrong := keys[key](value)) is not None:
            problems.add(at, wrong)
        else:
            held[key] = value
    return held


def _where_to(key: str, keys: Keys, elsewhere: Mapping[str, Iterable[str]]) -> str:
    if close := nearest(key, keys):
        return close
    if owners := [name for name, other in elsewhere.items() if key in other]:
        return f" here; it belongs in [{owners[0]}]"
    return f"; there are {', '.join(keys)}"


def built(
    table: object,
    kinds: Mapping[str, type[Any]],
    path: str,
    problems: Problems,
    *,
    relative: bool = False,
    start: pd.Timestamp | None = None,
) -> Any:
    """An object of the kind that a table names, or None with its problems noted.

    The keys are the fields of the kind's class, so a new kind needs nothing here.

    Parameters
    ----------
    relative : bool
        Whether days may be told from the plan's first.
    start : Timestamp, optional
        That first day. While it is not known, what tells some days from it and others by date cannot be made, because
        their order is open: its keys are checked, and it is None.
    """
    maker = _maker(table, kinds, path, problems)
    if maker is None or not isinstance(table, dict):
        return None
    before = len(problems.found)
    own = {k: v for k, v in table.items() if k != "kind"}
    shapes = shapes_of(maker, relative=relative)
    check_keys(own, {name: shape.wrong for name, shape in shapes.items()}, path, problems)
    for missing in [f.name for f in fields(maker) if required(f) and f.name not in own]:
        problems.add(path, f"{missing} is missing: a {table['kind']} needs it")
    if len(problems.found) > before or (start is None and mixed(table, maker)):
        return None
    try:
        return maker(**{k: shapes[k].made(v, lambda told: resolved(told, start or SOME_DAY)) for k, v in own.items()})
    except (ValueError, OverflowError) as error:  # a class of another package need not raise the library's own
        problems.add(path, str(error))
        return None


def _maker(table: object, kinds: Mapping[str, type[Any]], path: str, problems: Problems) -> type[Any] | None:
    if not isinstance(table, dict):
        problems.add(path, f"{shown(table)}: wanted a table with kind = one of {listed(kinds)}")
        return None
    kind = table.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        what = "kind is missing" if "kind" not in table else f"kind {shown(kind)} is not known"
        problems.add(path, f"{what}; allowed: {listed(kinds)}{nearest(kind, kinds)}")
        return None
    try:
        return kinds[kind]
    except TokenplanError as error:
        problems.add(path, str(error))
        return None


def days_told(table: Mapping[str, Any], maker: type[Any]) -> list[str]:
    """The days that a table tells which passed its checks: dates, and those told from the plan's first day."""
    told: list[str] = []

    def noted(text: str) -> pd.Timestamp:
        told.append(text)
        return resolved(text, SOME_DAY)

    shapes = shapes_of(maker)
    for name, value in table.items():
        if name != "kind":
            with suppress(ValueError):  # what cannot be made is told where it is made in earnest
                shapes[name].made(value, noted)
    return told


def mixed(table: Mapping[str, Any], maker: type[Any]) -> bool:
    """Whether a table tells some days by date and others from the plan's first."""
    return len({is_relative(told) for told in days_told(table, maker)}) > 1


def checks_of(maker: type[Any]) -> dict[str, Check]:
    """The check of each field of a dataclass, by its type hint."""
    return {name: shape.wrong for name, shape in shapes_of(maker).items()}
