"""Tables as text. Comes in: a frame whose first columns are labels. Goes out: text that fits, Markdown or CSV."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import pandas as pd

from forecast.errors import one_of

Style: TypeAlias = Literal["text", "money", "cents", "count", "share", "number"]

UNKNOWN: Final = "–"
#: From this much money on a table may be told in thousands without losing what matters.
LARGE: Final = 100_000
_GAP: Final = "  "
#: What a spreadsheet takes for the start of a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Column:
    """A column to show: its name in the frame, its head, how its values are told, and whether it may be left out.

    Of the columns that may be left out where the line is too short, the one with the highest ``spare`` goes first.
    """

    name: str
    head: str
    style: Style = "text"
    spare: int = 0


def aligned(frame: pd.DataFrame, columns: Sequence[Column], *, width: int | None = None) -> str:
    """The frame as aligned text.

    Labels that repeat the row above are left blank. Where a line would be longer than ``width``, large money is told in
    thousands; if that does not do, spare columns are left out, which is said below the table.
    """
    shown, scale = list(columns), 1
    text = _text(frame, shown, scale)
    if width is None or widest(text) <= width:
        return text
    remarks = []
    if any(frame[c.name].abs().max() >= LARGE for c in columns if c.style == "money"):
        scale = 1_000
        remarks.append("amounts in thousands")
    left_out = []
    for column in [None, *sorted((c for c in columns if c.spare), key=lambda c: -c.spare)]:
        if column is not None:
            shown.remove(column)
            left_out.append(column.head)
        text = _text(frame, shown, scale)
        if widest(text) <= width:
            break
    if left_out:
        remarks.append(f"left out to fit the line: {', '.join(left_out)}")
    return text + ("\n" + textwrap.fill(f"({'; '.join(remarks)})", width) if remarks else "")


def markdown(frame: pd.DataFrame, columns: Sequence[Column]) -> str:
    """The frame as a Markdown table."""
    head = [c.head for c in columns]
    rule = ["---" if c.style == "text" else "---:" for c in columns]
    rows = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in _cells(frame, columns, 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *rows))


def csv(frame: pd.DataFrame) -> str:
    """The frame as CSV; text that a spreadsheet would take for a formula gets a leading apostrophe."""
    safe = frame.copy()
    for name in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[name]):
            safe[name] = safe[name].map(_harmless)
    return safe.to_csv(index=False, lineterminator="\n")


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _text(frame: pd.DataFrame, columns: Sequence[Column], scale: int) -> str:
    rows = _cells(frame, columns, scale)
    labels = sum(c.style == "text" for c in columns)
    above: list[str] = []
    told = []
    for row in rows:
        same = 0
        while same < labels - 1 and above[: same + 1] == row[: same + 1]:
            same += 1
        told.append([""] * same + row[same:])
        above = row
    table = [[c.head for c in columns], *told]
    widths = [max(_columns(row[i]) for row in table) for i in range(len(columns))]
    lines = [
        _GAP.join(
            cell + " " * (w - _columns(cell)) if c.style == "text" else " " * (w - _columns(cell)) + cell
            for cell, w, c in zip(row, widths, columns, strict=True)
        ).rstrip()
        for row in table
    ]
    return "\n".join(lines)


def widest(text: str) -> int:
    """Columns of a terminal that the longest line takes."""
    return max(map(_columns, text.splitlines()))


def _columns(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


def _cells(frame: pd.DataFrame, columns: Sequence[Column], scale: int) -> list[list[str]]:
    told = [[_told(value, c.style, scale) for value in frame[c.name]] for c in columns]
    return [list(row) for row in zip(*told, strict=True)]


def _told(value: object, style: Style, scale: int) -> str:
    one_of("style", style, _TELL)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return UNKNOWN
    if style == "text":
        return " ".join(str(value).split())
    number = float(str(value))
    if style == "money" and scale != 1:
        return f"{number / scale:,.1f}"
    return _TELL[style](number)


_TELL: Final[dict[str, Callable[[float], str]]] = {
    "text": str,
    "money": lambda v: f"{v:,.0f}",
    "cents": lambda v: f"{v:,.2f}",
    "count": lambda v: f"{v:,.0f}",
    "share": lambda v: f"{v:.1%}",
    "number": lambda v: f"{v:.3g}",
}
