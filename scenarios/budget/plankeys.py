"""The keys of a plan file. Comes in: a parsed table and what each key may hold. Goes out: its problems, by key path."""

from __future__ import annotations

import datetime as dt
import re
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Final, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo, available_timezones

from forecast.errors import PlanError, TokenplanError, nearest
from forecast.ranges import Between

Table: TypeAlias = dict[str, Any]
#: Says what is wrong with a value, in words, or nothing where it will do.
Check: TypeAlias = Callable[[Any], str | None]
Keys: TypeAlias = Mapping[str, Check]

#: The largest number that a plan file may hold: more is a slip of the pen.
MOST: Final = 1e15
_DAY: Final = re.compile(r"[12]\d{3}-\d{2}-\d{2}$")
#: In place of a date: the first day of the plan.
START: Final = "start"
#: Fields of changes and components that hold a day.
DAYS: Final = ("on", "start", "end")


@dataclass(frozen=True, slots=True)
class Problems:
    """What is wrong with one file: gathered, then told at once."""

    source: str
    found: list[str] = field(default_factory=list)

    def add(self, path: str, text: str) -> None:
        """Note one problem at a key path such as ``plan.horizon``."""
        self.found.append(f"{path}: {text}" if path else text)

    def tell(self) -> None:
        """Raise one error that lists every problem, if there is any."""
        if len(self.found) == 1:
            raise PlanError(f"{self.source}: {self.found[0]}")
        if self.found:
            raise PlanError(f"{self.source}: {len(self.found)} problems\n  " + "\n  ".join(self.found))


def shown(value: object) -> str:
    """A value as a message shows it: at most 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


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
        problems.add(path, f"{shown(table)}: wanted a table with kind = one of {_listed(kinds)}")
        return None
    kind = table.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        what = "kind is missing" if "kind" not in table else f"kind {shown(kind)} is not known"
        problems.add(path, f"{what}; allowed: {_listed(kinds)}{nearest(kind, kinds)}")
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
    return {f.name: day_or_start if f.name in DAYS else _check_of(hints[f.name]) for f in fields(maker)}


def _check_of(hint: Any) -> Check:
    parts = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    if Between in parts:
        return uncertain
    for part in parts:
        if get_origin(part) is Literal:
            return choice(*get_args(part))
        if isinstance(get_origin(part), type) and issubclass(get_origin(part), Mapping):
            return texts_by_name
    return number if float in parts else whole if int in parts else text


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


# ----------------------------------------------------------------------------------------------- checks of one value


def text(value: object) -> str | None:
    """Text that is not blank."""
    return None if isinstance(value, str) and value.strip() else f"{shown(value)}: wanted text in quotes"


def number(value: Any) -> str | None:
    """A finite number."""
    plainly = isinstance(value, int | float) and not isinstance(value, bool)
    return None if plainly and abs(value) <= MOST else f"{shown(value)}: wanted a number, without quotes"


def whole(value: Any) -> str | None:
    """A whole number from 0 up."""
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST
    return None if fits else f"{shown(value)}: wanted a whole number from 0 up, without quotes"


def count(least: int, most: int) -> Check:
    """A whole number between two others."""

    def check(value: Any) -> str | None:
        fits = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
        return None if fits else f"{shown(value)}: wanted a whole number from {least:,} to {most:,}, without quotes"

    return check


def flag(value: object) -> str | None:
    """True or false."""
    return None if isinstance(value, bool) else f"{shown(value)}: wanted true or false, without quotes"


def day(value: object) -> str | None:
    """A calendar day."""
    try:
        known = isinstance(value, str) and bool(_DAY.match(value)) and bool(dt.date.fromisoformat(value))
    except ValueError:
        known = False
    return None if known else f"{shown(value)}: wanted a date, such as 2027-02-01"


def day_or_start(value: object) -> str | None:
    """A date, or the word for the plan's first day."""
    if value == START or day(value) is None:
        return None
    return f"{shown(value)}: wanted a date, such as 2027-02-01, or {START!r} for the plan's first day"


def uncertain(value: object) -> str | None:
    """A number or a range of two numbers."""
    if isinstance(value, dict) and set(value) == {"p10", "p90"} and not any(number(v) for v in value.values()):
        return None
    if number(value) is None:
        return None
    return f"{shown(value)}: wanted a number, or a range {{p10 = .., p90 = ..}}"


def texts(value: object) -> str | None:
    """A list of text."""
    fits = isinstance(value, list) and value and all(text(v) is None for v in value)
    return None if fits else f'{shown(value)}: wanted a list of text, such as ["month", "environment"]'


def texts_by_name(value: object) -> str | None:
    """A table of text."""
    fits = isinstance(value, dict) and all(text(v) is None for v in value.values())
    return None if fits else f'{shown(value)}: wanted a table of text, such as {{project = "search*"}}'


def zone(value: object) -> str | None:
    """A time zone by its IANA name."""
    try:
        ZoneInfo(str(value))
    except (ValueError, OSError, LookupError):
        close = nearest(value, available_timezones())
        return f"{shown(value)}: is not a time zone, such as 'UTC' or 'Europe/Berlin'{close}"
    return text(value)


def choice(*allowed: str) -> Check:
    """One of some words."""

    def check(value: object) -> str | None:
        known = isinstance(value, str) and value in allowed
        return None if known else f"{shown(value)} is not known; allowed: {_listed(allowed)}{nearest(value, allowed)}"

    return check


def names_in(allowed: Iterable[str]) -> Check:
    """A list of some names, each once."""
    known = tuple(allowed)

    def check(value: object) -> str | None:
        if (wrong := texts(value)) is not None or not isinstance(value, list):
            return wrong
        for name in value:
            if name not in known:
                return f"{name!r} is not known; allowed: {', '.join(known)}{nearest(name, known)}"
        return None if len(set(value)) == len(value) else f"{shown(value)} names one of them twice"

    return check


def keyed_by(allowed: Iterable[str]) -> Check:
    """A table of text whose keys are some names."""
    known = tuple(allowed)

    def check(value: object) -> str | None:
        if (wrong := texts_by_name(value)) is not None or not isinstance(value, dict):
            return wrong
        for name in value:
            if name not in known:
                return f"{name!r} is not a column of usage; allowed: {', '.join(known)}{nearest(name, known)}"
        return None

    return check


def accepted_by(attempt: Callable[[Any], object]) -> Check:
    """What a function of the library takes without an error; its own message says what is wrong."""

    def check(value: object) -> str | None:
        try:
            attempt(value)
        except (ValueError, OverflowError) as error:  # dates beyond what the calendar holds are not the library's own
            return str(error)
        return None

    return check


def both(first: Check, second: Check) -> Check:
    """What must pass one check, and then another."""
    return lambda value: first(value) or second(value)
