"""Tables as text. Comes in: a frame whose first columns are labels. Goes out: text that fits, Markdown or CSV."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final, Literal, TypeAlias

import pandas as pd

from forecast.errors import one_of
from forecast.shown.cells import MISSING
from forecast.shown.text import GAP, padded
from forecast.shown.text import columns as wide

Style: TypeAlias = Literal["text", "told", "money", "cents", "count", "share", "number"]

#: From this much money on a table may be told in thousands without losing what matters.
LARGE: Final = 100_000
#: From this many units on a table may be told in millions.
MILLIONS: Final = 100_000_000
#: Text is broken into lines of this many characters at least.
NARROWEST: Final = 12
_WORDS: Final = {1_000: "thousands", 1_000_000: "millions"}
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
    thousands and large quantities in thousands or millions; if that does not do, spare columns are left out, then text
    is broken into lines, then columns are left out from the right. What was done is said below the table.
    """
    shown, remarks = list(columns), []
    text = _text(frame, shown, {})
    if width is None or widest(text) <= width:
        return text
    scales = _scales(frame, columns)
    if scales:
        remarks = _in(scales, columns)
        text = _text(frame, shown, scales)
    left_out = []
    rest = [*sorted((c for c in columns if c.spare), key=lambda c: -c.spare), *reversed(columns[1:])]
    for column in [None, *dict.fromkeys(rest)]:
        if column is not None and not column.spare:
            text = _text(frame, shown, scales, width)  # before more than is spare is left out
        if widest(text) <= width:
            break
        if column is not None:
            shown.remove(column)
            left_out.append(column.head)
        text = _text(frame, shown, scales)
    if widest(text) > width:
        text = _text(frame, shown, scales, width)
    if left_out:
        remarks.append(f"left out to fit the line: {', '.join(left_out)}")
    return text + ("\n" + textwrap.fill(f"({'; '.join(remarks)})", width) if remarks else "")


def _scales(frame: pd.DataFrame, columns: Sequence[Column]) -> dict[str, int]:
    """What columns are told in: all money in thousands if some is large, large quantities in thousands or millions."""
    largest = {
        c.name: float(frame[c.name].abs().max()) for c in columns if c.style in ("money", "count") and len(frame)
    }
    money = [c.name for c in columns if c.style == "money"]
    counts = [c.name for c in columns if c.style == "count" and largest.get(c.name, 0.0) >= LARGE]
    found = dict.fromkeys(money, 1_000) if any(largest.get(name, 0.0) >= LARGE for name in money) else {}
    big = any(largest[name] >= MILLIONS for name in counts)
    return found | dict.fromkeys(counts, 1_000_000 if big else 1_000)


def _in(scales: Mapping[str, int], columns: Sequence[Column]) -> list[str]:
    """In words what columns are told in."""
    told = []
    if any(c.style == "money" and c.name in scales for c in columns):
        told.append("amounts in thousands")
    if counts := [c for c in columns if c.style == "count" and c.name in scales]:
        heads = "" if all(c.name in scales for c in columns if c.style == "count") else "large "
        told.append(f"{heads}quantities in {_WORDS[scales[counts[0].name]]}")
    return told


def markdown(frame: pd.DataFrame, columns: Sequence[Column]) -> str:
    """The frame as a Markdown table."""
    head = [c.head for c in columns]
    rule = ["---" if c.style == "text" else "---:" for c in columns]
    rows = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in _cells(frame, columns, {})]
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


def _text(frame: pd.DataFrame, columns: Sequence[Column], scales: Mapping[str, int], width: int | None = None) -> str:
    """The table; text is broken into lines where ``width`` is given and a line would be longer."""
    rows = _cells(frame, columns, scales)
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
    widths = [max(wide(row[i]) for row in table) for i in range(len(columns))]
    if width is not None:
        widths = _narrowed(widths, [c.style == "text" for c in columns], width)
    return "\n".join(line for row in table for line in _lines(row, widths, columns))


def _narrowed(widths: list[int], text: list[bool], width: int) -> list[int]:
    """Widths of columns with the widest texts made narrower, as far as they go, until a line fits."""
    found = list(widths)
    while sum(found) + len(GAP) * (len(found) - 1) > width:
        able = [i for i, is_text in enumerate(text) if is_text and found[i] > NARROWEST]
        if not able:
            break
        found[max(able, key=found.__getitem__)] -= 1
    return found


def _lines(row: Sequence[str], widths: Sequence[int], columns: Sequence[Column]) -> list[str]:
    """A row as lines: as many as its longest cell takes."""
    cells = [
        textwrap.wrap(cell, w) or [""] if c.style == "text" and wide(cell) > w else [cell]
        for cell, w, c in zip(row, widths, columns, strict=True)
    ]
    lines = []
    for parts in zip_longest(*cells, fillvalue=""):
        line = [padded(cell, w, right=c.style != "text") for cell, w, c in zip(parts, widths, columns, strict=True)]
        lines.append(GAP.join(line).rstrip())
    return lines


def widest(text: str) -> int:
    """Columns of a terminal that the longest line takes."""
    return max(map(wide, text.splitlines()))


def _cells(frame: pd.DataFrame, columns: Sequence[Column], scales: Mapping[str, int]) -> list[list[str]]:
    told = [[_told(value, c.style, scales.get(c.name, 1)) for value in frame[c.name]] for c in columns]
    return [list(row) for row in zip(*told, strict=True)]


def _told(value: object, style: Style, scale: int) -> str:
    one_of("style", style, _TELL)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return MISSING
    if style in ("text", "told"):
        return " ".join(str(value).split())
    number = float(str(value))
    if scale != 1:
        return f"{number / scale:,.1f}"
    return _TELL[style](number)


_TELL: Final[dict[str, Callable[[float], str]]] = {
    "text": str,
    "told": str,  # a number in words already
    "money": lambda v: f"{v:,.0f}",
    "cents": lambda v: f"{v:,.2f}",
    "count": lambda v: f"{v:,.0f}",
    "share": lambda v: f"{v:.1%}",
    "number": lambda v: f"{v:.3g}",
}
