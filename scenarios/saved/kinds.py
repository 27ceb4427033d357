"""Kinds. Comes in: a class of values, or the name that a saved plan gives it. Goes out: the other of the two.

Only what is listed here is made when a plan is opened, and classes that whoever opens it hands over.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import is_dataclass
from functools import cache
from importlib import import_module
from typing import Any, Final

from forecast.errors import PlanError, nearest

#: Where the frozen dataclasses stand that a plan may hold, by the first word of their kinds: modules, or packages with
#: all modules in them. The words are part of the file's schema; modules may move.
ROOMS: Final[Mapping[str, tuple[str, ...]]] = {
    "change": ("scenarios.changes",),
    "component": ("scenarios.components",),
    "forecast": (
        "forecast.calendars",
        "forecast.cleaning",
        "forecast.drivers",
        "forecast.joint",
        "forecast.panel",
        "forecast.periods",
        "forecast.projection",
        "forecast.ranges",
    ),
    "model": ("forecast.models",),
    "plan": (
        "scenarios.budget.judging",
        "scenarios.budget.ledger",
        "scenarios.budget.spec",
        "scenarios.budget.splits",
        "scenarios.dependence",
        "scenarios.scenario",
    ),
    "price": ("forecast.prices.book", "forecast.prices.dated", "forecast.prices.matching", "forecast.prices.settling"),
    "process": ("forecast.prices.history",),
    "rule": ("forecast.prices.billing",),
    "usage": ("forecast.reading", "forecast.usage"),
}


def kind_of(made_by: type) -> str | None:
    """The kind of a class, such as ``change.Growth``; None where it is none that a saved plan may hold."""
    module = made_by.__module__
    for room, modules in ROOMS.items():
        if any(module == known or module.startswith(f"{known}.") for known in modules):
            return f"{room}.{made_by.__name__}" if _classes(room).get(made_by.__name__) is made_by else None
    return None


def class_of(kind: object) -> type[Any]:
    """The class of a kind.

    Raises
    ------
    PlanError
        There is none.
    """
    room, _, name = str(kind).partition(".")
    known = _classes(room) if room in ROOMS else {}
    if name not in known:
        raise PlanError(f"it holds a {kind!r}, of which this version of tokenplan knows nothing{nearest(name, known)}")
    return known[name]


def own_kinds(kinds: Iterable[type[Any]], call: str) -> dict[str, type[Any]]:
    """Classes that are handed over, by name; ``call`` says to what.

    Raises
    ------
    PlanError
        One is no dataclass, or bears the name of another.
    """
    if isinstance(kinds, type | str) or not isinstance(kinds, Iterable):
        raise PlanError(f"{call}: kinds={kinds!r}: wanted a list of classes, such as kinds=[MyChange]")
    found: dict[str, type[Any]] = {}
    for kind in kinds:
        if not isinstance(kind, type) or not is_dataclass(kind):
            raise PlanError(f"{call}: kinds: {kind!r} is no dataclass, so nobody knows what makes it again")
        if found.setdefault(kind.__name__, kind) is not kind:
            raise PlanError(f"{call}: kinds: two classes are named {kind.__name__}; give one another name")
    return found


@cache
def _classes(room: str) -> dict[str, type[Any]]:
    """The public frozen dataclasses of a room, by name."""
    found: dict[str, type[Any]] = {}
    for module in ROOMS[room]:
        for name in _modules(module):
            for value in vars(import_module(name)).values():
                own = isinstance(value, type) and is_dataclass(value) and value.__module__ == name
                if own and not value.__name__.startswith("_") and value.__dataclass_params__.frozen:
                    assert found.setdefault(value.__name__, value) is value, f"two classes are {room}.{value.__name__}"
    return found


def _modules(name: str) -> list[str]:
    """A module, or a package and all modules in it."""
    path = getattr(import_module(name), "__path__", None)
    return [name, *(found.name for found in pkgutil.iter_modules(path, f"{name}."))] if path else [name]
