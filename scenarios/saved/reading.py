"""JSON to values. Comes in: a tree that :mod:`scenarios.saved.writing` told. Goes out: the values, exactly.

Nothing is made but numbers, text, days, tables, the classes of :mod:`scenarios.saved.kinds`, distributions of
scipy.stats, and classes that are handed over.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd

from forecast.errors import PlanError
from scenarios.saved import tables
from scenarios.saved.arrays import Array, array_of
from scenarios.saved.distributions import frozen
from scenarios.saved.kinds import class_of
from scenarios.saved.writing import Node, told_fields

#: What making values of a tree may raise where it is none that was told.
WRONG: Final = (TypeError, ValueError, KeyError, IndexError, AttributeError, ArithmeticError, RecursionError)


@dataclass(slots=True)
class Reader:
    """What makes values.

    Attributes
    ----------
    members : sequence of arrays
        The arrays that the tree tells of by number.
    own : mapping of classes
        Classes that are handed over, by name.
    """

    members: Sequence[Array]
    own: Mapping[str, type[Any]]
    _made: list[Any] = field(default_factory=list)

    def make(self, node: Node) -> Any:
        """The value of a tree.

        Raises
        ------
        PlanError
            It tells of what is not known.
        """
        if isinstance(node, list):
            return tuple(self.make(one) for one in node)
        if not isinstance(node, dict):
            return node
        tag = node["$"]
        if tag in _SCALARS:
            return _SCALARS[tag](node)
        if tag in _PLACES:
            return _PLACES[tag](node, self)
        if tag not in _HOLDERS:
            raise PlanError(f"it tells of a {tag!r}, of which this version of tokenplan knows nothing")
        made = _HOLDERS[tag](node, self)
        self._made.append(made)
        return made

    def fields_of(self, node: Node) -> dict[str, Any]:
        """The fields of a dataclass."""
        return {str(name): self.make(value) for name, value in node["fields"].items()}

    def again(self, number: object) -> Any:
        """What was made before."""
        if type(number) is not int or not 0 <= number < len(self._made):
            raise PlanError(f"it tells of a value {number!r} that is not there")
        return self._made[number]


def _rows(node: Node, reader: Reader) -> tuple[Any, ...]:
    """Many dataclasses of one kind."""
    made_by = class_of(node["kind"])
    columns = {name: tables.cells_of(one, reader) for name, one in node["fields"].items()}
    _known(made_by, columns)
    names = list(columns)
    return tuple(made_by(**dict(zip(names, row, strict=True))) for row in zip(*columns.values(), strict=True))


def _kind(node: Node, reader: Reader) -> Any:
    """A value of a class of ours: by its constructor, and so with its checks, where that takes its fields."""
    made_by, held = class_of(node["kind"]), reader.fields_of(node)
    _known(made_by, held)
    if _takes_fields(made_by):
        return made_by(**held)
    made = object.__new__(made_by)
    for one in fields(made_by):
        object.__setattr__(made, one.name, held[one.name])
    return made


def _takes_fields(made_by: type[Any]) -> bool:
    """Whether its constructor is the dataclass's own: of a class that inherits one, that of the class above."""
    maker: Any = next(c for c in made_by.__mro__ if "__init__" in vars(c))
    return "__dataclass_params__" in vars(maker) and bool(maker.__dataclass_params__.init)


def _own(node: Node, reader: Reader) -> Any:
    """A value of a class that is handed over."""
    name = str(node["name"])
    if name not in reader.own:
        raise PlanError(
            f"it holds a {name} of {node['module']}, a class of its maker's own, and a saved plan runs no code: get "
            f"the class and hand it over: sc.load_plan(path, kinds=[{name}])"
        )
    made_by, held = reader.own[name], reader.fields_of(node)
    _known(made_by, held)
    try:
        return made_by(**held)
    except Exception as cause:  # whatever another's code raises
        raise PlanError(f"the class {name} that was handed over takes no {held}: {cause}") from cause


def _known(made_by: type[Any], held: Mapping[str, Any]) -> None:
    """Refuse fields that a class has not."""
    names = {f.name for f in told_fields(made_by)}
    if more := sorted(set(held) - names):
        raise PlanError(
            f"it holds a {made_by.__name__} with {', '.join(more)}, which the {made_by.__name__} here does not take; "
            "it was saved by another version of it"
        )


def _number(node: Node) -> Any:
    """A number, word or day of numpy's."""
    dtype = np.dtype(str(node["dtype"]))
    value = node["value"]
    if isinstance(value, dict):
        value = float(value["value"])
    if dtype.kind in "Mm":
        return np.int64(value).view(dtype)
    if dtype.kind not in "biufU":
        raise PlanError(f"a number of {dtype} is none of a saved plan's")
    return dtype.type(value)


def _in_units(node: Node, what: str) -> Any:
    """A day or span of numpy's from how many units it is."""
    return np.int64(node["value"]).view(f"{what}[{node['unit']}]")


def _timestamp(node: Node) -> pd.Timestamp:
    plain = pd.Timestamp(_in_units(node, "M8"))
    return plain if "zone" not in node else plain.tz_localize("UTC").tz_convert(str(node["zone"]))


def _objects(node: Node, reader: Reader) -> Array:
    shape, held = tuple(node["shape"]), tables.cells_of(node["cells"], reader)
    if math.prod(shape) != len(held):
        raise PlanError(f"an array of shape {shape} holds {len(held)} values")
    made = np.empty(shape, dtype=object)
    for i, value in enumerate(held):
        made.flat[i] = value
    return made


def _distribution(node: Node, reader: Reader) -> Any:
    made = frozen(str(node["name"]), reader.make(node["args"]), reader.make(node["kwds"]))
    if made is None:
        raise PlanError(f"it tells of a distribution {node['name']!r}, which scipy.stats has not")
    return made


def _items(node: Node, reader: Reader) -> list[Any]:
    return [reader.make(one) for one in node["items"]]


def _pairs(node: Node, reader: Reader) -> dict[Any, Any]:
    return {reader.make(key): reader.make(value) for key, value in node["items"]}


_SCALARS: Final[dict[str, Callable[[Node], Any]]] = {
    "float": lambda node: float(node["value"]),
    "decimal": lambda node: Decimal(node["value"]),
    "date": lambda node: dt.date.fromisoformat(node["value"]),
    "datetime": lambda node: dt.datetime.fromisoformat(node["value"]).replace(fold=node["fold"]),
    "time": lambda node: dt.time.fromisoformat(node["value"]).replace(fold=node["fold"]),
    "timedelta": lambda node: dt.timedelta(*node["value"]),
    "timestamp": _timestamp,
    "span": lambda node: pd.Timedelta(_in_units(node, "m8")),
    "period": lambda node: pd.Period(ordinal=int(node["value"]), freq=str(node["freq"])),
    "NaT": lambda _: pd.NaT,
    "NA": lambda _: pd.NA,
    "scalar": _number,
}

#: What is not told again as the same.
_PLACES: Final[dict[str, Callable[[Node, Reader], Any]]] = {
    "same": lambda node, reader: reader.again(node["number"]),
    "rows": _rows,
}

_HOLDERS: Final[dict[str, Callable[[Node, Reader], Any]]] = {
    "array": lambda node, reader: array_of(node, reader.members),
    "objects": _objects,
    "dict": _pairs,
    "mapping": lambda node, reader: MappingProxyType(_pairs(node, reader)),
    "list": _items,
    "set": lambda node, reader: set(_items(node, reader)),
    "frozenset": lambda node, reader: frozenset(_items(node, reader)),
    "frame": tables.frame_of,
    "series": tables.series_of,
    "range": tables.index_of,
    "levels": tables.index_of,
    "index": tables.index_of,
    "offset": lambda node, _: pd.tseries.frequencies.to_offset(str(node["value"])),
    "kind": _kind,
    "own": _own,
    "distribution": _distribution,
}
