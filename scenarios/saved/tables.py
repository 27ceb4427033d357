"""Tables. Comes in: a frame, a series or an index. Goes out: what a saved plan's JSON says of it, and back, exactly.

Text is told by its distinct values and which stands where; missing values keep what they are: None, NaN, NA, NaT.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from forecast.errors import PlanError
from scenarios.saved.arrays import Array, array_of, small

if TYPE_CHECKING:
    from scenarios.saved.reading import Reader
    from scenarios.saved.writing import Node, Writer

_MASKED: Final[dict[str, type[Any]]] = {
    "IntegerArray": pd.arrays.IntegerArray,
    "FloatingArray": pd.arrays.FloatingArray,
    "BooleanArray": pd.arrays.BooleanArray,
}


def frame_node(frame: pd.DataFrame, writer: Writer, path: str) -> Node:
    """A frame's node."""
    told = {"$": "frame", "index": writer.tell(frame.index, path), "columns": writer.tell(frame.columns, path)}
    held = [_column_node(frame.iloc[:, i].array, writer, f"{path}[{c!r}]") for i, c in enumerate(frame.columns)]
    return told | {"data": held}


def series_node(series: pd.Series, writer: Writer, path: str) -> Node:
    """A series' node."""
    told = {"$": "series", "index": writer.tell(series.index, path), "name": writer.tell(series.name, path)}
    return told | {"data": _column_node(series.array, writer, path)}


def index_node(index: pd.Index, writer: Writer, path: str) -> Node:
    """An index's node."""
    if isinstance(index, pd.RangeIndex):
        return {"$": "range", "ends": [index.start, index.stop, index.step], "name": writer.tell(index.name, path)}
    if isinstance(index, pd.MultiIndex):
        levels = [writer.tell(level, path) for level in index.levels]
        codes = [writer.array(small(np.asarray(code)), path) for code in index.codes]
        return {"$": "levels", "levels": levels, "codes": codes, "names": [writer.tell(n, path) for n in index.names]}
    told = {"$": "index", "data": _column_node(index.array, writer, path), "name": writer.tell(index.name, path)}
    if isinstance(index, pd.DatetimeIndex) and index.freq is not None and not writer.bare:
        told["freq"] = index.freqstr
    return told


def _column_node(values: Any, writer: Writer, path: str) -> Node:
    """One column's node: of an array of pandas', as ``series.array`` is."""
    for held, told in _TOLD:
        if isinstance(values, held):
            return told(values, writer, path)
    raise PlanError(f"{path}: a column of {values.dtype} cannot be saved; convert it to numbers, days or text")


def _plain_node(values: Any, writer: Writer, path: str) -> Node:
    plain = values.to_numpy()
    return writer.cells(plain.tolist(), path) if plain.dtype.kind == "O" else writer.array(plain, path)


def _text_node(values: Any, writer: Writer, path: str) -> Node:
    codes, distinct = pd.factorize(values)
    told = {"$": "text", "values": [str(v) for v in distinct], "codes": writer.array(small(codes), path)}
    missing = "NA" if values.dtype.na_value is pd.NA else "NaN"
    return told if writer.bare else told | {"storage": values.dtype.storage, "missing": missing}


def _categories_node(values: Any, writer: Writer, path: str) -> Node:
    told = {"$": "categories", "of": writer.tell(values.categories, path), "ordered": bool(values.ordered)}
    return told | {"codes": writer.array(small(np.asarray(values.codes)), path)}


def _moments_node(values: Any, writer: Writer, path: str) -> Node:
    kind = "m" if isinstance(values, pd.arrays.TimedeltaArray) else "M"
    told = {"$": "moments", "data": writer.array(values.asi8.view(f"{kind}8[{values.unit}]"), path)}
    zone = getattr(values, "tz", None)
    return told if zone is None else told | {"zone": str(zone)}


def _periods_node(values: Any, writer: Writer, path: str) -> Node:
    freq = str(values.dtype).removeprefix("period[").removesuffix("]")
    return {"$": "periods", "data": writer.array(values.asi8, path), "freq": freq}


def _masked_node(values: Any, writer: Writer, path: str) -> Node:
    dtype = values.dtype.numpy_dtype
    mask, plain = np.asarray(values.isna()), values.to_numpy(dtype=dtype, na_value=dtype.type(0))
    told = {"$": "masked", "of": type(values).__name__}
    return told | {"data": writer.array(plain, path), "mask": writer.array(mask, path)}


_TOLD: Final[tuple[tuple[Any, Callable[[Any, Writer, str], Node]], ...]] = (
    ((pd.arrays.StringArray, pd.arrays.ArrowStringArray), _text_node),  # the first is a plain one too
    (pd.arrays.NumpyExtensionArray, _plain_node),
    (pd.Categorical, _categories_node),
    ((pd.arrays.DatetimeArray, pd.arrays.TimedeltaArray), _moments_node),
    (pd.arrays.PeriodArray, _periods_node),
    (tuple(_MASKED.values()), _masked_node),
)


def frame_of(node: Node, reader: Reader) -> pd.DataFrame:
    """The frame that a node tells of."""
    index, columns = reader.make(node["index"]), reader.make(node["columns"])
    held = [column_of(one, reader) for one in node["data"]]
    if len(held) != len(columns) or any(len(one) != len(index) for one in held):
        raise PlanError(f"a table of {len(index)} rows and {len(columns)} columns holds columns of other lengths")
    # As series of a stated type: text in a column of objects would be made a column of text.
    made = pd.DataFrame({i: pd.Series(one, index=index, dtype=one.dtype) for i, one in enumerate(held)}, index=index)
    made.columns = columns
    return made


def series_of(node: Node, reader: Reader) -> pd.Series:
    """The series that a node tells of."""
    index, name = reader.make(node["index"]), reader.make(node["name"])
    data = column_of(node["data"], reader)
    made: pd.Series = pd.Series(data, index=index, dtype=data.dtype, name=name)
    return made


def index_of(node: Node, reader: Reader) -> pd.Index:
    """The index that a node tells of."""
    if node["$"] == "range":
        start, stop, step = node["ends"]
        return pd.RangeIndex(start, stop, step, name=reader.make(node["name"]))
    if node["$"] == "levels":
        levels = [reader.make(level) for level in node["levels"]]
        codes: list[Any] = [array_of(code, reader.members) for code in node["codes"]]
        return pd.MultiIndex(levels=levels, codes=codes, names=[reader.make(n) for n in node["names"]])
    data = column_of(node["data"], reader)
    made: pd.Index = pd.Index(data, dtype=data.dtype, name=reader.make(node["name"]))
    return pd.DatetimeIndex(made, freq=str(node["freq"])) if "freq" in node else made


def cells_of(node: Node, reader: Reader) -> list[Any]:
    """The values of a column of any values."""
    distinct = [reader.make(value) for value in node["values"]]
    return [distinct[code] for code in codes_of(node["codes"], reader, len(distinct), 0).tolist()]


def codes_of(node: Node, reader: Reader, count: int, least: int) -> Array:
    """Which of ``count`` values stands where; -1 for none of them, where ``least`` lets it."""
    codes = array_of(node, reader.members)
    if codes.dtype.kind not in "iu" or codes.ndim != 1:
        raise PlanError(f"places in a list are told by an array of {codes.dtype} and shape {codes.shape}")
    if len(codes) and not (least <= int(codes.min()) and int(codes.max()) < count):
        raise PlanError(f"a column tells of a value that is none of its {count}")
    return codes


def column_of(node: Node, reader: Reader) -> Any:
    """The column that a node tells of."""
    return _COLUMNS[node["$"]](node, reader)


def _text_of(node: Node, reader: Reader) -> Any:
    missing = pd.NA if node["missing"] == "NA" else np.nan
    dtype = pd.StringDtype(storage=node["storage"], na_value=missing)
    distinct = pd.array([str(v) for v in node["values"]], dtype=dtype)
    codes = codes_of(node["codes"], reader, len(distinct), -1).astype(np.intp)
    return distinct.take(codes, allow_fill=True, fill_value=missing)


def _moments_of(node: Node, reader: Reader) -> Any:
    plain = array_of(node["data"], reader.members)
    if "zone" not in node:
        return pd.array(plain, dtype=plain.dtype)
    return pd.DatetimeIndex(plain).tz_localize("UTC").tz_convert(str(node["zone"])).array


def _masked_of(node: Node, reader: Reader) -> Any:
    data, mask = (array_of(node[name], reader.members) for name in ("data", "mask"))
    return _MASKED[node["of"]](data, mask)


def _objects(values: list[Any]) -> Array:
    made = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        made[i] = value
    return made


def _categories_of(node: Node, reader: Reader) -> Any:
    # In the order of writing: the categories may be told of again.
    categories = reader.make(node["of"])
    codes = codes_of(node["codes"], reader, len(categories), -1)
    return pd.Categorical.from_codes(codes, categories=categories, ordered=bool(node["ordered"]))


_COLUMNS: Final[dict[str, Callable[[Any, Reader], Any]]] = {
    "array": lambda node, reader: array_of(node, reader.members),
    "cells": lambda node, reader: _objects(cells_of(node, reader)),
    "text": _text_of,
    "categories": _categories_of,
    "moments": _moments_of,
    "periods": lambda node, reader: pd.arrays.PeriodArray(
        array_of(node["data"], reader.members), dtype=pd.PeriodDtype(str(node["freq"]))
    ),
    "masked": _masked_of,
}
