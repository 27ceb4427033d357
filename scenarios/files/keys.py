"""The keys of a file. Comes in: a parsed table and what each key may hold. Goes out: its problems, by key path."""

from __future__ import annotations

import datetime as dt
import types
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Final, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

from forecast.errors import ScenarioError, TokenplanError, nearest
from forecast.ranges import Between
from scenarios.files import checks
from scenarios.files.checks import Check, listed, shown

Table: TypeAlias = dict[str, Any]
Keys: TypeAlias = Mapping[str, Check]

#: Fields of changes and components that hold a day.
DAYS: Final = ("on", "start", "end")


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


def built(table: object, kinds: Mapping[str, type[Any]], path: str, problems: Problems) -> Any:
    """An object of the kind that a table names, or None with its problems noted.

    The keys are the fields of the kind's class, so a new kind needs nothing here.
    """
    if not isinstance(table, dict):
        problems.add(path, f"{shown(table)}: wanted a table with kind = one of {listed(kinds)}")
        return None
    kind = table.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        what = "kind is missing" if "kind" not in table else f"kind {shown(kind)} is not known"
        problems.add(path, f"{what}; allowed: {listed(kinds)}{nearest(kind, kinds)}")
        return None
    maker = kinds[kind]
    before = len(problems.found)
    own = {k: v for k, v in table.items() if k != "kind"}
    check_keys(own, checks_of(maker), path, problems)
    for missing in [f.name for f in fields(maker) if required(f) and f.name not in own]:
        problems.add(path, f"{missing} is missing: a {kind} needs it")
    if len(problems.found) > before:
        return None
    try:
        return maker(**own)
    except TokenplanError as error:
        problems.add(path, str(error))
        return None


def required(one: Any) -> bool:
    """Whether a dataclass field has no default."""
    return one.default is MISSING and one.default_factory is MISSING


def checks_of(maker: type[Any]) -> dict[str, Check]:
    """The check of each field of a dataclass, by its type."""
    hints = get_type_hints(maker)
    return {f.name: checks.day_or_start if f.name in DAYS else _check_of(hints[f.name]) for f in fields(maker)}


def _check_of(hint: Any) -> Check:
    parts = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    if Between in parts:
        return checks.uncertain
    for part in parts:
        if get_origin(part) is Literal:
            return checks.choice(*get_args(part))
        if isinstance(get_origin(part), type) and issubclass(get_origin(part), Mapping):
            return checks.texts_by_name
    return checks.number if float in parts else checks.whole if int in parts else checks.text
