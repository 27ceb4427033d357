"""A table ready to be read. Comes in: a frame, or rows of text. Goes out: cells as text, columns with their kinds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import pandas as pd

from forecast.shown.cells import NUMERIC, CellKind, as_numbers, kind_of, told
from forecast.shown.shorter import short_repr

#: Rows that are shown unless more are asked for.
MOST: Final = 20
#: What a row is: a cell of the table, a sum of a period or of a part, or the total.
Mark: TypeAlias = Literal["cell", "quarter", "part", "total"]
_HEADS = {"p10": "P10", "p50": "P50", "p80": "P80", "p90": "P90", "p95": "P95", "se": "s.e."}


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text, ready to be read.

    Attributes
    ----------
    heads : tuple of str
    kinds : tuple of CellKind
        One a column: numbers are aligned to the right.
    rows : tuple of tuple of str
    labels : int
        How many of the first columns name the rows.
    caption : str
        What the table is of, above it as text and below it as HTML.
    marks : tuple of Mark
        One a row.
    more : str
        What was left out, and where it is.
    """

    __repr__ = short_repr

    heads: tuple[str, ...]
    kinds: tuple[CellKind, ...]
    rows: tuple[tuple[str, ...], ...]
    labels: int = 1
    caption: str = ""
    marks: tuple[Mark, ...] = ()
    more: str = ""

    def mark(self, row: int) -> Mark:
        """What a row is."""
        return self.marks[row] if self.marks else "cell"

    def is_number(self, column: int) -> bool:
        """Whether a column is aligned to the right."""
        return self.kinds[column] in NUMERIC


def table_of(
    frame: pd.DataFrame,
    *,
    caption: str = "",
    kinds: Mapping[str, CellKind] | None = None,
    heads: Mapping[str, str] | None = None,
    most: int | None = MOST,
    where: str = "",
    total: bool = False,
    labels: int | None = None,
) -> Table:
    """A frame as a table: its index names the rows, unless it only counts them.

    Parameters
    ----------
    caption : str
    kinds : mapping, optional
        How columns are told, by name; :func:`forecast.shown.cells.kind_of` says it of the others.
    heads : mapping, optional
        What stands over columns in place of their names.
    most : int, optional
        Rows beyond are counted; all are shown where it is None.
    where : str
        Where the rows that were left out are: ``"plan.table()"``.
    total : bool
        Whether the last row is the total of the others; it is always shown.
    labels : int, optional
        How many of the first columns name the rows; found from what they hold, unless given.
    """
    flat, found = _flat(frame)
    labels = found if labels is None else labels
    keep = len(flat) if most is None or len(flat) <= most + total else most
    shown = flat.iloc[:keep] if not total or keep == len(flat) else pd.concat([flat.iloc[:keep], flat.iloc[-1:]])
    left, kinds, heads = len(flat) - len(shown), kinds or {}, heads or {}
    types = [
        kinds.get(str(name))
        or ("label" if i < labels and _is_code(shown.iloc[:, i]) else kind_of(name, flat.iloc[:, i]))
        for i, name in enumerate(flat.columns)
    ]
    money = [abs(v) for i, kind in enumerate(types) if kind == "money" for v in as_numbers(shown.iloc[:, i])]
    most_money = max((v for v in money if math.isfinite(v)), default=0.0)
    columns = [
        told(shown.iloc[:, i], kind, largest=most_money if kind == "money" else 0.0) for i, kind in enumerate(types)
    ]
    if total and labels and len(shown):
        columns[0] = (*columns[0][:-1], columns[0][-1] if columns[0][-1] != "\u2013" else "total")
        columns[1:labels] = [(*c[:-1], "" if c[-1] == "\u2013" else c[-1]) for c in columns[1:labels]]
    cell: Mark = "cell"
    marks: tuple[Mark, ...] = (*[cell] * (len(shown) - 1), "total") if total and len(shown) else ()
    return Table(
        tuple(heads.get(str(name), head_of(name)) for name in flat.columns),
        tuple(types),
        tuple(zip(*columns, strict=True)) if columns else (),
        labels,
        caption,
        marks,
        f"\u2026 and {left:,} more{f', in {where}' if where else ''}" if left else "",
    )


def rows_as(
    rows: Sequence[Sequence[str]],
    heads: Sequence[str],
    kinds: Sequence[CellKind],
    *,
    labels: int | None = None,
    caption: str = "",
    marks: Sequence[Mark] = (),
) -> Table:
    """Rows that are text already as a table; without ``labels`` the first columns of names label the rows."""
    lead = next((i for i, kind in enumerate(kinds) if kind != "label"), len(kinds))
    return Table(
        tuple(heads), tuple(kinds), tuple(map(tuple, rows)), lead if labels is None else labels, caption, tuple(marks)
    )


def head_of(name: object) -> str:
    """A column's name as it is read: ``demand_share`` is "demand share", ``p80`` and the level 0.8 are "P80"."""
    if isinstance(name, float) and 0 < name < 1:
        return f"P{name * 100:g}"
    words = str(name).replace("_", " ").split()
    return " ".join(_HEADS.get(word, word) for word in words)


def _flat(frame: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The frame with its index as first columns, and how many name its rows."""
    if isinstance(frame.columns, pd.MultiIndex):
        frame = frame.set_axis([" ".join(str(part) for part in name if str(part)) for name in frame.columns], axis=1)
    index = frame.index
    if index.nlevels == 1 and index.name is None and pd.api.types.is_integer_dtype(index.dtype):
        named = [pd.api.types.is_string_dtype(dtype) or pd.api.types.is_object_dtype(dtype) for dtype in frame.dtypes]
        lead = next((i for i, is_name in enumerate(named) if not is_name), 1)
        return frame.reset_index(drop=True), min(lead, 2)
    names = [name if name is not None else "" for name in index.names]
    left = pd.DataFrame({i: index.get_level_values(i) for i in range(index.nlevels)})
    both = pd.concat([left, frame.reset_index(drop=True)], axis=1)
    return both.set_axis([*names, *frame.columns], axis=1), index.nlevels


def _is_code(values: pd.Series) -> bool:
    """Whether labels are years or the like, which are not grouped by thousands."""
    return pd.api.types.is_integer_dtype(values.dtype) or values.dtype == object
