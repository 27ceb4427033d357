"""Tables in Markdown. Comes in: cells. Goes out: lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines)


def cell(text: str) -> str:
    """Plain text as a cell: on one line, bars escaped."""
    return " ".join(text.split()).replace("|", "\\|")
