"""Tables as text. Comes in: a table that is ready to be read. Goes out: aligned lines that fit a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Final

from forecast.shown.table import Table

GAP: Final = "  "
#: Columns of a terminal that a sentence in a table may take, at least and at most.
_LEAST, _WORDS = 24, 60


def table_text(table: Table, width: int) -> str:
    """A table as lines of at most ``width`` columns where its columns let it: what is too wide goes on below.

    Labels that repeat the row above are left blank; between kinds of rows stands a rule.
    """
    heads = table.heads or tuple("" for _ in table.kinds)
    wide = [max([columns(heads[i]), *(columns(row[i]) for row in table.rows)]) for i in range(len(heads))]
    words = [i for i, kind in enumerate(table.kinds) if kind == "words"]
    if words:  # sentences share what the other columns leave
        left = width - sum(w + len(GAP) for i, w in enumerate(wide) if i not in words)
        share = left // len(words) - len(GAP)
        if share < _LEAST:  # they go on below, beside the labels
            lead = sum(w + len(GAP) for w in wide[: table.labels])
            share = min(max(width - lead, _LEAST), _WORDS)
        wide = [min(w, share) if i in words else w for i, w in enumerate(wide)]
    told = ["\n".join(_block(table, heads, wide, block)) for block in _blocks(wide, table.labels, width)]
    return "\n\n".join(told) + (f"\n{table.more}" if table.more else "")


def columns(text: str) -> int:
    """Columns of a terminal that a text takes."""
    from rich.cells import cell_len

    return cell_len(text)


def padded(text: str, width: int, *, right: bool) -> str:
    """A text with blanks to a width, before it or behind."""
    pad = " " * (width - columns(text))
    return pad + text if right else text + pad


def _blocks(wide: Sequence[int], labels: int, width: int) -> list[list[int]]:
    """Columns that fit beside the labels, from left to right; at least one a block."""
    lead = list(range(labels))
    used = sum(wide[i] + len(GAP) for i in lead)
    blocks, taken = [[*lead]], used
    for i in range(labels, len(wide)):
        if len(blocks[-1]) > labels and taken + wide[i] > width:
            blocks.append([*lead])
            taken = used
        blocks[-1].append(i)
        taken += wide[i] + len(GAP)
    return blocks


def _block(table: Table, heads: Sequence[str], wide: Sequence[int], block: Sequence[int]) -> list[str]:
    rule = "-" * (sum(wide[i] for i in block) + len(GAP) * (len(block) - 1))
    out = [*_lines([heads[i] for i in block], table, wide, block), rule] if table.heads else []
    above: tuple[str, ...] = ()
    for i, row in enumerate(table.rows):
        same = 0
        if i and table.mark(i) != table.mark(i - 1):
            out.append(rule)
        else:
            while same < table.labels - 1 and above[: same + 1] == row[: same + 1]:
                same += 1
        out += _lines(["" if j < same else row[j] for j in block], table, wide, block)
        above = row
    return out


def _lines(cells: Sequence[str], table: Table, wide: Sequence[int], block: Sequence[int]) -> list[str]:
    """One row as the lines that it takes."""
    parts = [
        textwrap.wrap(cell, wide[i]) or [""] if table.kinds[i] == "words" else [cell]
        for cell, i in zip(cells, block, strict=True)
    ]
    rows = []
    for line in range(max(map(len, parts))):
        each = [part[line] if line < len(part) else "" for part in parts]
        rows.append(
            GAP.join(padded(c, wide[i], right=table.is_number(i)) for c, i in zip(each, block, strict=True)).rstrip()
        )
    return rows
