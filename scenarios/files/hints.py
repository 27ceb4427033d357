"""Type hints as the shape of a file. Comes in: a field's hint. Goes out: the check of what TOML gives, and its value.

========================================  ==============================================================
``str``, ``float``, ``int``, ``bool``     text, a number, a whole number, true or false
``Literal["a", "b"]``                     one of the words
``Uncertain``                             a number, or ``{p10 = .., p90 = ..}``
a date (``pd.Timestamp``, ``date``)       ``2027-02-01``, or from the plan's first day: ``"start + 2 months"``
``Mapping[K, V]``                         a table: ``{project = "search*"}``, ``{2027-02-01 = 0.3}``
``Mapping[tuple[K, K], V]``               a list of rows: ``[["growth", "price cut", 0.5]]``
``tuple[V, ...]``, ``Sequence[V]``        a list
``tuple[Day, V]``                         ``[2027-02-01, 0.3]``, or a table: ``{date = 2027-02-01, value = 0.3}``
a dataclass                               a table of its fields
a protocol, such as ``PricingRule``       a table with a ``kind``, which the class of the change makes one of
unions of these, and ``None``             any of them; ``None`` by leaving the key out
========================================  ==============================================================
"""

from __future__ import annotations

import datetime as dt
import types
from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache, partial
from types import MappingProxyType
from typing import Any, Final, Literal, Protocol, TypeAlias, Union, cast, get_args, get_origin, get_type_hints

import pandas as pd

from forecast.errors import nearest
from forecast.ranges import Between, Distribution
from scenarios.files import checks
from scenarios.files.checks import Check, shown
from scenarios.files.days import day_or_start

#: Gives the day that a text tells.
Clock: TypeAlias = Callable[[str], pd.Timestamp]

#: Fields of this name hold a day, even where their hint says text only.
DAYS: Final = ("on", "start", "end", "until", "expires", "stated_on")
_DATES: Final = (pd.Timestamp, dt.datetime, dt.date)
#: Keys of a pair of a day and a value.
_PAIR: Final = ("date", "value")


@dataclass(frozen=True, slots=True)
class Shape:
    """What one part of a hint takes.

    Attributes
    ----------
    wrong : callable
        The check of what TOML gives.
    made : callable
        What the field gets of it, by a clock that gives the days it tells.
    """

    wrong: Check
    made: Callable[[Any, Clock], Any] = lambda value, _: value


def shapes_of(maker: type[Any], *, relative: bool = True) -> Mapping[str, Shape]:
    """The shape of each field of a dataclass that its constructor takes, worked out once a class.

    Parameters
    ----------
    relative : bool
        Whether days may be told from the plan's first.
    """
    return _shapes(cast("Any", maker), relative)


@cache
def _shapes(maker: Any, relative: bool) -> Mapping[str, Shape]:  # noqa: FBT001 (a key of the cache)
    hints = get_type_hints(maker)
    own = [f.name for f in fields(maker) if f.init]
    return MappingProxyType({name: shape_of(hints[name], day=name in DAYS, relative=relative) for name in own})


def required(one: Field[Any]) -> bool:
    """Whether a dataclass field has no default."""
    return one.init and one.default is MISSING and one.default_factory is MISSING


def shape_of(hint: Any, *, day: bool = False, relative: bool = True) -> Shape:
    """The shape of one hint; ``day``: its text is a day."""
    parts = [
        p
        for p in (get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,))
        if p is not types.NoneType
    ]
    found: list[Shape] = []
    if Between in parts:
        found.append(Shape(checks.uncertain, _uncertain))
        parts = [p for p in parts if p not in (Between, Distribution, float, int)]
    dates = [p for p in parts if p in _DATES]
    if dates or (day and str in parts):
        give = partial(_day, kind=dates[0] if dates else str)
        found.append(Shape(day_or_start if relative else checks.day, give))
        parts = [p for p in parts if p not in (*_DATES, str)]
    found += [_plain(p, relative=relative) for p in parts]
    return found[0] if len(found) == 1 else Shape(partial(_any_wrong, found), partial(_any_made, found))


def _plain(hint: Any, *, relative: bool) -> Shape:
    """The shape of a hint that is no union."""
    simple = {str: checks.text, float: checks.number, int: checks.whole, bool: checks.flag}
    if hint in simple:
        return Shape(simple[hint])
    if get_origin(hint) is Literal:
        return Shape(checks.choice(*get_args(hint)))
    if isinstance(hint, type) and is_dataclass(hint):
        return Shape(partial(_nested_wrong, hint, relative=relative), partial(_nested_made, hint, relative=relative))
    if isinstance(hint, type) and Protocol in hint.__mro__:
        return Shape(_kind_wrong, _passed)
    return _holder(hint, relative=relative) or Shape(partial(_cannot, hint))


def _holder(hint: Any, *, relative: bool) -> Shape | None:
    """The shape of a hint that holds others: a table, a row of fixed length, a list."""
    origin, inner = get_origin(hint), get_args(hint)
    if not isinstance(origin, type) or not inner:
        return None
    parts = [shape_of(one, relative=relative) for one in inner if one is not Ellipsis]
    if issubclass(origin, Mapping) and get_origin(inner[0]) is tuple:
        row = [*(shape_of(one, relative=relative) for one in get_args(inner[0])), parts[1]]
        rows = Shape(partial(_row_wrong, row, dated=False), partial(_row_made, row))
        return Shape(partial(_list_wrong, rows), partial(_keyed_made, rows))
    if issubclass(origin, Mapping):
        wrong = checks.texts_by_name if inner == (str, str) else partial(_table_wrong, parts[0], parts[1])
        return Shape(wrong, partial(_table_made, parts[0], parts[1]))
    if origin is tuple and Ellipsis not in inner:
        dated = len(inner) == 2 and _is_day(inner[0])
        return Shape(partial(_row_wrong, parts, dated=dated), partial(_row_made, parts))
    if issubclass(origin, Collection):
        return Shape(partial(_list_wrong, parts[0]), partial(_list_made, parts[0]))
    return None


def _is_day(hint: Any) -> bool:
    return any(part in _DATES for part in (*get_args(hint), hint))


def _uncertain(value: Any, _: Clock) -> Any:
    return Between(value["p10"], value["p90"]) if isinstance(value, dict) else value


def _day(value: str, clock: Clock, *, kind: type) -> Any:
    at = clock(value)
    return f"{at:%Y-%m-%d}" if kind is str else at.date() if kind is dt.date else at


def _any_wrong(found: list[Shape], value: object) -> str | None:
    told = []
    for one in found:
        if (wrong := one.wrong(value)) is None:
            return None
        told.append(wrong)
    start = f"{shown(value)}: wanted "
    alike = all(wrong.startswith(start) for wrong in told)
    # Of unlike messages the last: it looked into the value.
    return start + ", or ".join(wrong.removeprefix(start) for wrong in told) if alike else told[-1]


def _any_made(found: list[Shape], value: object, clock: Clock) -> Any:
    return next(one for one in found if one.wrong(value) is None).made(value, clock)


def _table_wrong(key: Shape, value: Shape, given: object) -> str | None:
    if not isinstance(given, dict):
        return f"{shown(given)}: wanted a table, such as {{name = ..}}"
    for name, held in given.items():
        if (wrong := key.wrong(name)) is not None:
            return wrong
        if (wrong := value.wrong(held)) is not None:
            return f"{name}: {wrong}"
    return None


def _table_made(key: Shape, value: Shape, given: Mapping[str, Any], clock: Clock) -> dict[Any, Any]:
    return {key.made(name, clock): value.made(held, clock) for name, held in given.items()}


def _list_wrong(one: Shape, given: object) -> str | None:
    if not isinstance(given, list):
        return f"{shown(given)}: wanted a list, in [ ]"
    return next((f"[{i}]: {wrong}" for i, v in enumerate(given, start=1) if (wrong := one.wrong(v)) is not None), None)


def _list_made(one: Shape, given: list[Any], clock: Clock) -> tuple[Any, ...]:
    return tuple(one.made(v, clock) for v in given)


def _keyed_made(row: Shape, given: list[Any], clock: Clock) -> dict[Any, Any]:
    rows = _list_made(row, given, clock)
    return {tuple(cells[:-1]): cells[-1] for cells in rows}


def _row(given: object) -> object:
    return [given[k] for k in _PAIR] if isinstance(given, dict) and set(given) == set(_PAIR) else given


def _row_wrong(parts: list[Shape], given: object, *, dated: bool) -> str | None:
    row = _row(given) if dated else given
    if not isinstance(row, list) or len(row) != len(parts):
        such = ", such as {date = 2027-02-01, value = ..}" if dated else ", in [ ]"
        return f"{shown(given)}: wanted {'a day and a value' if dated else f'{len(parts)} values'}{such}"
    return next((wrong for one, v in zip(parts, row, strict=True) if (wrong := one.wrong(v)) is not None), None)


def _row_made(parts: list[Shape], given: Any, clock: Clock) -> tuple[Any, ...]:
    row = _row(given)
    assert isinstance(row, list)
    return tuple(one.made(v, clock) for one, v in zip(parts, row, strict=True))


def _nested_wrong(maker: type[Any], given: object, *, relative: bool) -> str | None:
    shapes = shapes_of(maker, relative=relative)
    if not isinstance(given, dict):
        return f"{shown(given)}: wanted a table of {', '.join(shapes)}"
    for name, value in given.items():
        if name not in shapes:
            return f"{name}: is not a key{nearest(name, shapes) or '; there are ' + ', '.join(shapes)}"
        if (wrong := shapes[name].wrong(value)) is not None:
            return f"{name}: {wrong}"
    return next((f"{f.name} is missing" for f in fields(maker) if required(f) and f.name not in given), None)


def _nested_made(maker: type[Any], given: Mapping[str, Any], clock: Clock, *, relative: bool) -> Any:
    shapes = shapes_of(maker, relative=relative)
    return maker(**{name: shapes[name].made(value, clock) for name, value in given.items()})


def _kind_wrong(given: object) -> str | None:
    fits = isinstance(given, dict) and checks.text(given.get("kind")) is None
    return None if fits else f"{shown(given)}: wanted a table with a kind"


def _passed(given: Any, clock: Clock) -> Any:
    """A table as it is, its days as dates."""
    if isinstance(given, list):
        return [_passed(one, clock) for one in given]
    if not isinstance(given, dict):
        return given
    dated = {k for k, v in given.items() if k in DAYS and isinstance(v, str) and day_or_start(v) is None}
    return {k: f"{clock(v):%Y-%m-%d}" if k in dated else _passed(v, clock) for k, v in given.items()}


def _cannot(hint: Any, value: object) -> str:
    return f"{shown(value)}: cannot be given in a file (it takes {getattr(hint, '__name__', hint)}); give it in Python"
