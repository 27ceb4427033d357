"""Tables of a workbook. Comes in: a plan's table. Goes out: cells whose base and budget are summed from the levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from forecast.drawing import one_line
from scenarios.budget.budget_plan import LEVELS
from scenarios.report.book.levels import LiveLevels
from scenarios.report.book.writing import ADDING, HEADER_ROW, WIDEST, Book, block, cell, heads_of


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a table stands: its first row of cells, its total's row, and how many columns of labels it has."""

    first: int
    total: int
    labels: int

    @property
    def last(self) -> int:
        """The last row above the total."""
        return self.total - 1

    def column(self, name: str) -> int:
        """The column of an amount."""
        return self.labels + len(LEVELS) + ADDING.index(name)

    @property
    def more(self) -> int:
        """The first column after the amounts."""
        return self.labels + len(LEVELS) + len(ADDING)


@dataclass(frozen=True, slots=True)
class Column:
    """A column after the amounts: numbers or texts (row,), how they look, and their formulas, if they are such."""

    values: Sequence[float | str]
    look: str = "share"
    formulas: Sequence[str] = ()


def write_table(
    book: Book,
    live: LiveLevels,
    sheet: Any,
    table: pd.DataFrame,
    key: str,
    *,
    more: Mapping[str, Column] | None = None,
    formulas: Mapping[str, Sequence[str]] | None = None,
) -> Placed:
    """A table of the plan under the sheet's header: labels, quantiles, money with its total, and ``more``.

    Base and budget of row i are what the levels hold under its number of ``key``, unless ``formulas`` says otherwise.
    """
    labels, more = [str(n) for n in table.index.names], more or {}
    columns = [*LEVELS, *ADDING]
    book.heads(sheet, HEADER_ROW, labels, heads_of([*columns, *more]))
    sheet.freeze_panes(HEADER_ROW + 1, len(labels))
    sheet.repeat_rows(HEADER_ROW)
    keys = [row if isinstance(row, tuple) else (row,) for row in table.index]
    for column, name in enumerate(labels):
        wide = max([len(name), 8, *(len(one_line(row[column], WIDEST)) for row in keys)])
        sheet.set_column(column, column, min(wide, WIDEST) + 2)
    placed = Placed(HEADER_ROW + 1, HEADER_ROW + 1 + len(table), len(labels))
    sheet.set_column(placed.labels, placed.more - 1, 14)
    sheet.set_column(placed.more, placed.more + max(len(more), 1) - 1, 12)
    money = {name: np.nan_to_num(table[name].to_numpy(dtype="float64")) for name in ADDING}
    for i, (row, labelled) in enumerate(zip(range(placed.first, placed.total), keys, strict=True)):
        for column, label in enumerate(labelled):
            book.text(sheet, row, column, label)
        for column, name in enumerate(LEVELS, start=placed.labels):
            book.number(sheet, row, column, float(table[name].iloc[i]), "whole")
        for name in ("base", "budget"):
            told = formulas[name][i] if formulas else live.sums(name, **{key: i + 1})
            book.formula(sheet, row, placed.column(name), told, money[name][i])
        gap = f"{cell(row, placed.column('budget'))}-{cell(row, placed.column('base'))}"
        book.formula(sheet, row, placed.column("contingency"), gap, money["contingency"][i])
        for column, shown in enumerate(more.values(), start=placed.more):
            _put(book, sheet, row, column, shown, i)
    _total(book, sheet, placed, money)
    return placed


def _put(book: Book, sheet: Any, row: int, column: int, shown: Column, i: int) -> None:
    value = shown.values[i]
    if shown.formulas:
        book.formula(sheet, row, column, shown.formulas[i], value, shown.look)
    elif isinstance(value, str):
        book.text(sheet, row, column, value, shown.look)
    else:
        book.number(sheet, row, column, float(value), shown.look)


def _total(book: Book, sheet: Any, placed: Placed, money: Mapping[str, np.ndarray]) -> None:
    """The total row: sums as formulas, and the plan's own quantiles."""
    whole = book.plan.table([]).iloc[0]
    for column in range(placed.labels):
        book.text(sheet, placed.total, column, "Total" if column == 0 else "", "plain_total")
    for column, name in enumerate(LEVELS, start=placed.labels):
        book.number(sheet, placed.total, column, float(whole[name]), "whole_total")
    for name in ADDING:
        column = placed.column(name)
        formula = f"SUM({block(placed.first, placed.last, column)})"
        book.formula(sheet, placed.total, column, formula, round(float(money[name].sum()), 2), "cents_total")
