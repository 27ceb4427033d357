"""Allocations as files. Comes in: an Allocation. Goes out: invoices as CSV or a workbook, whole or not at all."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from forecast.drawing import one_line
from forecast.errors import PlanError
from scenarios.report import save
from scenarios.report.book.writing import CELL, FORMULA_SIGNS
from scenarios.report.outgoing.files import csv_text, written
from scenarios.reviews.allocating.allocation import Allocation

_MONEY: Final = ("direct", "shared", "total", "amount", "dealt", "kept")
#: What a sheet of a workbook has room for, less its header and total.
_ROWS: Final = 1_048_000


def write_invoices(allocation: Allocation, path: Path) -> Path:
    """Write every invoice line as CSV, in UTF-8; text that a spreadsheet would run has an apostrophe before it.

    Raises
    ------
    PlanError
        The file cannot be written.
    """
    return written(path, lambda: csv_text(allocation.invoices().assign(currency=allocation.currency)))


def write_invoice_book(allocation: Allocation, path: Path) -> Path:
    """Write a workbook: Allocation (who pays what), Shared (how pools were dealt), Invoices (every line).

    Money is in cents and its totals are formulas. Text is only ever written as a string.

    Raises
    ------
    PlanError
        The name does not end in .xlsx, there are more lines than a sheet holds, or the file cannot be written.
    """
    if path.suffix.lower() != ".xlsx":
        raise PlanError(f"{path}: a workbook's name ends in .xlsx, such as {path.with_suffix('.xlsx').name}")
    if len(allocation.lines) > _ROWS:
        raise PlanError(f"{path}: {len(allocation.lines):,} lines are more than a sheet holds; write CSV: to_csv")
    return save(path, lambda: _bytes(allocation))


def _bytes(allocation: Allocation) -> bytes:
    from xlsxwriter import Workbook

    made = BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    with Workbook(made, options) as file:
        file.set_properties({"title": "Allocation", "created": allocation.end.to_pydatetime()})
        looks = {
            "head": file.add_format({"bold": True, "bottom": 2}),
            "plain": file.add_format({}),
            "quoted": file.add_format({"quote_prefix": True}),
            "money": file.add_format({"num_format": "#,##0.00"}),
            "number": file.add_format({"num_format": "#,##0.######"}),
            "total": file.add_format({"bold": True, "top": 1, "num_format": "#,##0.00"}),
        }
        for name, table in (
            ("Allocation", allocation.table().reset_index()),
            ("Shared", allocation.pools.reset_index()),
            ("Invoices", allocation.invoices()),
        ):
            _sheet(file.add_worksheet(name), table.assign(currency=allocation.currency), looks)
    return made.getvalue()


def _sheet(sheet: Any, table: pd.DataFrame, looks: dict[str, Any]) -> None:
    """One table, with its totals below."""
    sheet.freeze_panes(1, 0)
    for place, name in enumerate(map(str, table.columns)):
        sheet.write_string(0, place, name, looks["head"])
        sheet.set_column(place, place, 16)
        look = looks["money"] if name in _MONEY else looks["number"]
        for row, value in enumerate(table[name], start=1):
            if isinstance(value, str):
                told = one_line(value, CELL)
                sheet.write_string(row, place, told, looks["quoted" if told.startswith(FORMULA_SIGNS) else "plain"])
            elif np.isfinite(value):
                sheet.write_number(row, place, float(value), look)
        if name in _MONEY:
            column = chr(ord("A") + place)
            whole = round(float(table[name].sum()), 2)
            sheet.write_formula(
                len(table) + 1, place, f"=SUM({column}2:{column}{len(table) + 1})", looks["total"], whole
            )
