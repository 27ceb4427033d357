"""What a result shows of itself. Comes in: its title, finding, tables and notes. Goes out: HTML, or text."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from forecast.errors import TokenplanError
from forecast.shown.cells import CellKind
from forecast.shown.html import framed, notes_html, table_html
from forecast.shown.table import MOST, Table, table_of
from forecast.shown.text import table_text

#: Columns of a terminal where none says how many it has.
WIDTH = 100


@dataclass(frozen=True, slots=True, repr=False)
class Shown:
    """Something to be read: a notebook shows it as HTML, ``print`` as text that fits the terminal.

    Attributes
    ----------
    title : str
        What it is.
    finding : str
        What it says.
    tables : tuple of Table
    notes : tuple of str
    folded : tuple of (str, tuple of str)
        Sentences that a notebook folds away and a text counts, under a word each.
    points : tuple of str
        Sentences before the tables.
    """

    title: str
    finding: str = ""
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    folded: tuple[tuple[str, tuple[str, ...]], ...] = ()
    points: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        parts = [notes_html(self.points), *(table_html(table) for table in self.tables if table.rows)]
        parts.append(notes_html(self.notes))
        parts += [notes_html(told, folded=word) for word, told in self.folded]
        return framed(self.title, self.finding, parts)

    def text(self, width: int | None = None) -> str:
        """It as text, in lines of at most ``width`` columns: the terminal's, unless given."""
        wide = shutil.get_terminal_size((WIDTH, 24)).columns if width is None else width
        blocks = [_wrapped(line, wide) for line in (self.title, self.finding) if line]
        told = ["\n".join(blocks)] if blocks else []
        told += [_listed(self.points, wide)] if self.points else []
        for table in self.tables:
            if table.rows:
                caption = f"{_wrapped(table.caption, wide)}\n" if table.caption else ""
                told.append(caption + table_text(table, wide))
        told += [_listed(self.notes, wide)] if self.notes else []
        told += [f"{word}: {len(notes):,}, not told here" for word, notes in self.folded if notes]
        return "\n\n".join(told)

    def __str__(self) -> str:
        """The text."""
        return self.text()

    def __repr__(self) -> str:
        """The text: it is made to be read, as a data frame is."""
        return self.text()


class Result:
    """What can show itself: in a notebook by being named, in a terminal by ``print(result.show())``."""

    __slots__ = ()

    def show(self) -> Shown:
        """What it says, to be read: HTML in a notebook, text by ``print``."""
        raise NotImplementedError

    def _repr_html_(self) -> str:
        return self.show()._repr_html_()


def show(
    what: Result | Shown | pd.DataFrame | pd.Series,
    *,
    title: str = "",
    currency: str = "",
    kinds: Mapping[str, CellKind] | None = None,
    rows: int | None = MOST,
) -> Shown:
    """A result or a table, to be read: HTML in a notebook, text that fits the terminal by ``print``.

    Thousands are grouped, numbers aligned, dates are dates, parts of a whole are per cent, and what is nothing but
    rounding is 0. The table itself stays as it is.

    Parameters
    ----------
    what : result, DataFrame or Series
    title : str
        What stands above the table.
    currency : str
        Of the table's money, named once.
    kinds : mapping, optional
        How columns are told where it is not seen from their values and names: ``"money"``, ``"cents"``, ``"price"``,
        ``"count"``, ``"share"``, ``"number"``, ``"date"``, ``"label"`` or ``"words"``.
    rows : int, optional
        Rows beyond are counted; None for all.

    Raises
    ------
    TokenplanError
        It is neither.
    """
    if isinstance(what, Result):
        return what.show()
    if isinstance(what, Shown):
        return what
    frame = what.to_frame() if isinstance(what, pd.Series) else what
    if not isinstance(frame, pd.DataFrame):
        raise TokenplanError(f"show({type(what).__name__}): wanted a result of this library, or a table of one")
    caption = f"Money in {currency}." if currency else ""
    return Shown(title, "" if len(frame) else "No rows.", (table_of(frame, caption=caption, kinds=kinds, most=rows),))


def _listed(notes: Sequence[str], width: int) -> str:
    return "\n".join(_wrapped(f"- {note}", width, "  ") for note in notes)


def _wrapped(text: str, width: int, hang: str = "") -> str:
    return "\n".join(textwrap.wrap(text, max(width, 20), subsequent_indent=hang, break_on_hyphens=False))
