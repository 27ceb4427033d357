"""Values to JSON. Comes in: a plan's values. Goes out: a tree of JSON, and the arrays that it tells of.

A tuple is a list; what is not JSON's own is an object whose ``$`` says what it is. What is met again, the very same
object, is told as ``same`` with its number in the order of being finished: what shares a value still does when read.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pandas as pd

from forecast.errors import PlanError
from scenarios.saved import tables
from scenarios.saved.arrays import Array, array_node, digest_node, small
from scenarios.saved.kinds import kind_of

Node = Any
#: From so many dataclasses of one kind on, a tuple of them is told column by column.
ROWS: Final = 16


@dataclass(slots=True)
class Writer:
    """What tells values.

    Attributes
    ----------
    own : collection of classes
        Classes of the user's that may be told.
    bare : bool
        Told is only what is said, for fingerprints: not how it lies in memory or is kept by a library, nor what is
        shared; arrays by their digest; every dataclass by its name.
    members : list of arrays
        The arrays that the tree tells of by number.
    """

    own: Sequence[type[Any]] = ()
    bare: bool = False
    members: list[Array] = field(default_factory=list)
    _numbers: dict[int, int] = field(default_factory=dict)
    _alive: list[object] = field(default_factory=list)

    def tell(self, value: Any, path: str) -> Node:
        """A value's tree; ``path`` is where it stands, for messages.

        Raises
        ------
        PlanError
            It is of a class that a saved plan does not hold.
        """
        kind = type(value)
        if kind in _SCALARS:
            return _SCALARS[kind](value)
        if kind is tuple:
            return self._tuple(value, path)
        if isinstance(value, np.generic):
            return self._number(value, path)
        if not self.bare and id(value) in self._numbers:
            return {"$": "same", "number": self._numbers[id(value)]}
        node = self._held(value, path)
        self._numbers[id(value)] = len(self._numbers)
        self._alive.append(value)
        return node

    def array(self, values: Array, path: str) -> Node:
        """An array's node, without regard to whether it was met before."""
        return digest_node(values, path) if self.bare else array_node(values, self.members, path)

    def cells(self, values: Sequence[Any], path: str) -> Node:
        """A column of any values: the distinct ones, and which stands where."""
        known: dict[object, int] = {}
        codes = np.array([known.setdefault(key, len(known)) for key in _keys(values)], dtype=np.int64)
        distinct = [values[i] for i in np.unique(codes, return_index=True)[1].tolist()]
        told = [self.tell(value, path) for value in distinct]
        return {"$": "cells", "values": told, "codes": self.array(small(codes), path)}

    def _held(self, value: Any, path: str) -> Node:
        """What holds other values."""
        kind = type(value)
        if kind in _HOLDERS:
            return _HOLDERS[kind](value, self, path)
        if isinstance(value, pd.Index):
            return tables.index_node(value, self, path)
        if isinstance(value, pd.tseries.offsets.BaseOffset):
            return {"$": "offset", "value": value.freqstr}
        if is_dataclass(kind):
            return self._dataclass(value, path)
        return _distribution(value, self, path) or refuse(value, path)

    def _tuple(self, value: tuple[Any, ...], path: str) -> Node:
        """A tuple; many dataclasses of one kind column by column."""
        made_by = type(value[0]) if value else None
        alike = len(value) >= ROWS and is_dataclass(made_by) and all(type(v) is made_by for v in value)
        if not alike or made_by is None or (kind := kind_of(made_by)) is None:
            return [self.tell(v, f"{path}[{i}]") for i, v in enumerate(value)]
        names = [f.name for f in told_fields(made_by)]
        held = {name: self.cells([getattr(v, name) for v in value], f"{path}.{name}") for name in names}
        return {"$": "rows", "kind": kind, "fields": held}

    def _dataclass(self, value: Any, path: str) -> Node:
        made_by = type(value)
        held = {f.name: self.tell(getattr(value, f.name), f"{path}.{f.name}") for f in told_fields(made_by)}
        if self.bare:
            return {"$": "kind", "kind": kind_of(made_by) or made_by.__name__, "fields": held}
        if (kind := kind_of(made_by)) is not None:
            return {"$": "kind", "kind": kind, "fields": held}
        if made_by not in self.own:
            refuse(value, path)
        return {"$": "own", "name": made_by.__name__, "module": made_by.__module__, "fields": held}

    def _number(self, value: np.generic[Any], path: str) -> Node:
        """A number, word or day of numpy's."""
        if value.dtype.kind not in "biufUMm":
            refuse(value, path)
        plain = int(value.view("i8")) if value.dtype.kind in "Mm" else value.item()
        return {"$": "scalar", "dtype": value.dtype.str, "value": self.tell(plain, path)}


def told_fields(made_by: type[Any]) -> list[Any]:
    """The fields of a dataclass that say what it is: not what it makes of them, nor what it only keeps at hand."""
    return [f for f in fields(made_by) if f.init and not f.name.startswith("_")]


def refuse(value: object, path: str) -> Node:
    """Say why a value cannot be saved, and what would do."""
    made_by = type(value)
    name, module = made_by.__name__, made_by.__module__
    if is_dataclass(made_by):
        raise PlanError(
            f"{path} is a {name} of {module}: a saved plan runs no code, so that whoever opens it must have the class; "
            f"say that it will be handed over: plan.save(path, kinds=[{name}]), and sc.load_plan(path, kinds=[{name}])"
        )
    raise PlanError(
        f"{path} is a {name} of {module}, of which a file cannot say what makes it again; give a number, "
        "between(low, high), a frozen scipy.stats distribution, or a dataclass of your own in kinds="
    )


def _keys(values: Sequence[Any]) -> Iterable[object]:
    """What tells each cell's value from every other: 1, 1.0 and True are not the same."""
    kinds = set(map(type, values)) - {type(None)}
    if len(kinds) <= 1 and kinds <= {str, bool, int, dt.date}:
        return values
    if len(kinds) <= 1 and kinds <= {float, Decimal, pd.Timestamp, dt.datetime}:
        return map(repr, values)
    return ((type(v), v) if type(v) in {str, bool, int} else i for i, v in enumerate(values))


def _objects(value: Array, writer: Writer, path: str) -> Node:
    """An array of any values, or of numbers."""
    if value.dtype.kind != "O":
        return writer.array(value, path)
    return {"$": "objects", "shape": list(value.shape), "cells": writer.cells(value.ravel().tolist(), path)}


def _pairs(value: Mapping[Any, Any], writer: Writer, path: str) -> Node:
    items = [[writer.tell(k, path), writer.tell(v, f"{path}[{k!r}]")] for k, v in value.items()]
    return {"$": "dict" if type(value) is dict else "mapping", "items": items}


def _listed(value: list[Any], writer: Writer, path: str) -> Node:
    return {"$": "list", "items": [writer.tell(v, f"{path}[{i}]") for i, v in enumerate(value)]}


def _set(value: Iterable[Any], writer: Writer, path: str) -> Node:
    return {"$": type(value).__name__, "items": [writer.tell(v, path) for v in sorted(value, key=repr)]}


def _timestamp(value: pd.Timestamp) -> Node:
    told = {"$": "timestamp", "value": int(value.asm8.view("i8")), "unit": value.unit}
    return told if value.tz is None else told | {"zone": str(value.tz)}


def _moment(value: dt.datetime | dt.time) -> Node:
    if value.tzinfo is not None:
        raise PlanError(f"{value!r} bears a time zone of its own; give it without, or as a pandas Timestamp")
    return {"$": type(value).__name__, "value": value.isoformat(), "fold": value.fold}


def _plainly(value: Any) -> Node:
    return value


_SCALARS: Final[dict[type, Callable[[Any], Node]]] = {
    type(None): _plainly,
    bool: _plainly,
    int: _plainly,
    str: _plainly,
    float: lambda v: v if math.isfinite(v) else {"$": "float", "value": repr(v)},
    Decimal: lambda v: {"$": "decimal", "value": str(v)},
    dt.date: lambda v: {"$": "date", "value": v.isoformat()},
    dt.datetime: _moment,
    dt.time: _moment,
    dt.timedelta: lambda v: {"$": "timedelta", "value": [v.days, v.seconds, v.microseconds]},
    pd.Timestamp: _timestamp,
    pd.Timedelta: lambda v: {"$": "span", "value": int(v.asm8.view("i8")), "unit": v.unit},
    pd.Period: lambda v: {"$": "period", "value": v.ordinal, "freq": v.freqstr},
    type(pd.NaT): lambda _: {"$": "NaT"},
    type(pd.NA): lambda _: {"$": "NA"},
}

_HOLDERS: Final[dict[type, Callable[[Any, Writer, str], Node]]] = {
    np.ndarray: _objects,
    dict: _pairs,
    MappingProxyType: _pairs,
    list: _listed,
    set: _set,
    frozenset: _set,
    pd.DataFrame: tables.frame_node,
    pd.Series: tables.series_node,
}


def _distribution(value: Any, writer: Writer, path: str) -> Node | None:
    """A frozen distribution of scipy.stats by its name and numbers; None where it is none, or is changed."""
    dist, args, kwds = (getattr(value, name, None) for name in ("dist", "args", "kwds"))
    if not type(value).__module__.startswith("scipy.stats.") or not isinstance(kwds, Mapping):
        return None
    from scenarios.saved.distributions import frozen, same

    name = str(getattr(dist, "name", ""))
    if not same(value, frozen(name, args, kwds)):
        return None
    held = {"args": writer.tell(args, path), "kwds": writer.tell(dict(kwds), path)}
    return {"$": "distribution", "name": name, **held}
