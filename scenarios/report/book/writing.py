"""How cells are written. Comes in: texts, money, formulas with what they come to. Goes out: cells of a workbook.

Text from outside is only ever written as a string: nothing in a name becomes a formula or a link, now or when edited.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from forecast.drawing import one_line, span_words
from scenarios.budget.budget_plan import LEVELS, BudgetPlan
from scenarios.report.months import as_of

#: What Excel takes for a formula at the start of a cell.
FORMULA_SIGNS = ("=", "+", "-", "@")
#: The most letters that a cell holds, and the widest a column is made.
CELL, WIDEST = 32_000, 44
#: The most letters of a number's header that fit on one line.
_NARROW = 12
#: Rows above a sheet's table: its title, what it shows, and the table's header.
TITLE_ROW, NOTE_ROW, HEADER_ROW = 0, 1, 2
ADDING = ("base", "contingency", "budget")

_LOOKS: dict[str, dict[str, Any]] = {
    "plain": {},
    "title": {"bold": True, "font_size": 16},
    "note": {"font_color": "#58616c"},
    "aside": {"font_color": "#58616c", "indent": 1},
    "strong": {"bold": True},
    "warning": {"bold": True, "font_color": "#a8320a", "indent": 1},
    "wrapped": {"text_wrap": True, "valign": "top"},
    "head": {"bold": True, "bottom": 2, "text_wrap": True, "valign": "bottom"},
    "head_aside": {"bold": True, "bottom": 2, "indent": 1},
    "head_right": {"bold": True, "bottom": 2, "text_wrap": True, "valign": "bottom", "align": "right"},
    "head_level": {"bold": True, "bottom": 2, "valign": "bottom", "align": "right", "num_format": "0%"},
    "whole": {"num_format": "#,##0_);(#,##0);0_)"},
    "cents": {"num_format": "#,##0.00_);(#,##0.00);0.00_)"},
    "faint": {"num_format": "#,##0_);(#,##0);0_)", "font_color": "#58616c"},
    "share": {"num_format": "0.0%"},
    "fine_share": {"num_format": "0.00%"},
    "level": {"num_format": "0%"},
    "count": {"num_format": "0"},
    "date": {"num_format": "yyyy-mm-dd", "align": "left", "valign": "top"},
}
_TOTAL = {"bold": True, "top": 1, "bg_color": "#eef1f4"}
#: What finance expects of a cell to type in: blue on a pale ground.
_INPUT = {"font_color": "#0000ff", "bg_color": "#fff9db", "border": 1, "border_color": "#c9b458", "locked": False}


class Book:
    """A workbook under way: its formats, and how texts, money and formulas are put into its sheets."""

    def __init__(self, file: Any, plan: BudgetPlan, *, levels: Sequence[float] = ()) -> None:
        self.file, self.plan = file, plan
        looks = {name: dict(look) for name, look in _LOOKS.items()}
        if any(abs(level * 100 - round(level * 100)) > 1e-9 for level in levels):
            for name in ("level", "head_level"):
                looks[name]["num_format"] = "0.0#%"
        totals = ("plain", "whole", "cents", "share", "fine_share")
        looks |= {f"{name}_total": looks[name] | _TOTAL for name in totals}
        looks |= {f"{name}_input": looks[name] | _INPUT for name in ("level", "fine_share")}
        self.looks = {name: file.add_format(look) for name, look in looks.items()}
        # A quote prefix keeps such text a text when somebody edits the cell.
        self.quoted = {name: file.add_format(look | {"quote_prefix": True}) for name, look in looks.items()}

    def sheet(self, name: str, title: str, note: str) -> Any:
        """A new sheet with its title and note, set up for paper."""
        sheet = self.file.add_worksheet(name)
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_footer("&L&A&R&P / &N")
        self.text(sheet, TITLE_ROW, 0, title, "title")
        self.text(sheet, NOTE_ROW, 0, note, "note")
        return sheet

    def text(self, sheet: Any, row: int, column: int, text: object, look: str = "plain") -> None:
        """Write a text, as a string whatever it holds."""
        told = one_line(text, CELL)
        if not told:
            sheet.write_blank(row, column, None, self.looks[look])
            return
        looks = self.quoted if told.startswith(FORMULA_SIGNS) else self.looks
        sheet.write_string(row, column, told, looks[look])

    def number(self, sheet: Any, row: int, column: int, value: float, look: str = "cents") -> None:
        """Write a number; nothing where it is not known."""
        if np.isfinite(value):
            sheet.write_number(row, column, float(value), self.looks[look])
        else:
            sheet.write_blank(row, column, None, self.looks[look])

    def formula(self, sheet: Any, row: int, column: int, formula: str, value: float | str, look: str = "cents") -> None:
        """Write a formula and what it comes to, for those who show a workbook without working it out."""
        told = value if isinstance(value, str) else float(value) + 0.0
        sheet.write_formula(row, column, f"={formula}", self.looks[look], told)

    def heads(self, sheet: Any, row: int, labels: Sequence[str], numbers: Sequence[str]) -> None:
        """The header of a table; long names take two lines."""
        if any(len(name) > _NARROW and " " in name for name in numbers):
            sheet.set_row(row, 30)
        for column, name in enumerate(labels):
            self.text(sheet, row, column, name, "head")
        for column, name in enumerate(numbers, start=len(labels)):
            self.text(sheet, row, column, name, "head_right")

    def name(self, name: str, where: str) -> None:
        """Give a range a name that formulas can say."""
        self.file.define_name(name, f"={where}")


def cell(row: int, column: int, *, sheet: str = "", fixed: bool = False) -> str:
    """A cell's address: B4, $B$4 or Sheet!$B$4."""
    from xlsxwriter.utility import xl_rowcol_to_cell

    return (f"{sheet}!" if sheet else "") + str(xl_rowcol_to_cell(row, column, row_abs=fixed, col_abs=fixed))


def block(first: int, last: int, column: int, *, sheet: str = "", fixed: bool = False) -> str:
    """The address of a column's cells from one row to another."""
    return f"{cell(first, column, sheet=sheet, fixed=fixed)}:{cell(last, column, fixed=fixed)}"


def heads_of(columns: Sequence[str]) -> list[str]:
    """Headers of amounts: P10 for p10."""
    return [c.upper() if c in LEVELS else c for c in columns]


def about(plan: BudgetPlan) -> str:
    """What the plan is of."""
    span = plan.projection.span
    return (
        f"{span_words(span.start, span.end)} ({span.start:%Y-%m-%d} to {span.end:%Y-%m-%d}), as of "
        f"{as_of(plan)}; {len(plan.totals):,} futures; money in {plan.currency}"
    )


def note(plan: BudgetPlan, more: str = "") -> str:
    """How a table of the plan is read."""
    return (
        f"Money in {plan.currency}. Base (P50), contingency and budget add up and follow what is typed; "
        f"P10 to P95 are each row's own quantiles and do neither.{' ' if more else ''}{more}"
    )
