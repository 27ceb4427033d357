"""Tables and sentences as HTML. Comes in: what is shown. Goes out: HTML for a notebook, light or dark, styled or bare.

Colours come from the notebook, the style touches nothing outside its own block, there is no script, and where a viewer
takes the style away (GitHub does) numbers are still aligned.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Final

from forecast.shown.table import Table

#: Rules of what stands inside our own block. Jupyter aligns all cells to the right, by a rule stronger than ours.
STYLE: Final = (
    "<style>.tokenplan table{border-collapse:collapse;font-variant-numeric:tabular-nums;margin:.5em 0}"
    ".tokenplan caption{caption-side:bottom;text-align:left;opacity:.75;font-size:85%;max-width:60em;padding:.3em 0}"
    ".tokenplan th,.tokenplan td{padding:.2em .7em;text-align:left!important;vertical-align:top;font-weight:normal;"
    "border:0;white-space:nowrap}"
    ".tokenplan thead th{font-weight:bold;vertical-align:bottom;max-width:9em;white-space:normal;"
    "border-bottom:1px solid currentColor}"
    ".tokenplan .n{text-align:right!important}.tokenplan .w{min-width:12em;max-width:40em;white-space:normal}"
    ".tokenplan .quarter>*,.tokenplan .part>*{font-style:italic}"
    ".tokenplan .total>*{font-weight:bold;border-top:1px solid currentColor}"
    ".tokenplan .more,.tokenplan ul{opacity:.85;font-size:90%;max-width:66em}</style>"
)


def framed(title: str, finding: str, parts: Sequence[str]) -> str:
    """A block of our own: what it is, what it says, and parts that are HTML already."""
    head = f"<b>{html.escape(title)}</b>" if title else ""
    said = html.escape(finding)
    lead = f"<p>{head}{'<br>' if head and said else ''}{said}</p>" if head or said else ""
    return f'<div class="tokenplan">{STYLE}{lead}{"".join(parts)}</div>'


def table_html(table: Table, *, bare: bool = True) -> str:
    """A table with headers that name its rows and columns; ``bare`` aligns numbers without a style too."""
    right, left = (' class="n" align="right"', ' align="left"') if bare else (' class="n"', "")

    def look(column: int, *, head: bool = False) -> str:
        if table.is_number(column):
            return right
        return (' class="w"' if table.kinds[column] == "words" else "") + (left if head else "")

    head = "".join(
        f'<th scope="col"{look(i, head=True)}>{html.escape(name)}</th>' for i, name in enumerate(table.heads)
    )
    body = []
    for i, row in enumerate(table.rows):
        cells = "".join(
            f'<th scope="row"{look(j, head=True)}>{html.escape(cell)}</th>'
            if j < table.labels and cell  # a header says something
            else f"<td{look(j)}>{html.escape(cell)}</td>"
            for j, cell in enumerate(row)
        )
        body.append(f'<tr class="{table.mark(i)}">{cells}</tr>' if table.marks else f"<tr>{cells}</tr>")
    caption = f"<caption>{html.escape(table.caption)}</caption>" if table.caption else ""
    top = f"<thead><tr>{head}</tr></thead>" if head else ""
    more = f'<p class="more">{html.escape(table.more)}</p>' if table.more else ""
    return f"<table>{caption}{top}<tbody>{''.join(body)}</tbody></table>{more}"


def notes_html(notes: Sequence[str], *, folded: str = "") -> str:
    """Sentences as a list, folded away under a word where one is given."""
    if not notes:
        return ""
    listed = f"<ul>{''.join(f'<li>{html.escape(note)}</li>' for note in notes)}</ul>"
    return f"<details><summary>{html.escape(folded)}</summary>{listed}</details>" if folded else listed
