"""The plan as a workbook. Comes in: a BudgetPlan. Goes out: an Excel file whose totals are formulas.

Text from outside is only ever written as a string: nothing in a name becomes a formula or a link, now or when edited.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecast.drawing import one_line, span_words
from forecast.errors import PlanError
from scenarios.budget.budget_plan import LEVELS, BudgetPlan
from scenarios.report import save
from scenarios.report.charts import picture
from scenarios.report.months import as_of

#: What Excel takes for a formula at the start of a cell.
FORMULA_SIGNS = ("=", "+", "-", "@")
#: The most letters that a cell holds, and the widest a column is made.
CELL, WIDEST = 32_000, 44
#: Rows above a sheet's table: its title, what it shows, and the table's header.
TITLE_ROW, NOTE_ROW, HEADER_ROW = 0, 1, 2
ADDING = ("base", "contingency", "budget")

_LOOKS: dict[str, dict[str, Any]] = {
    "plain": {},
    "title": {"bold": True, "font_size": 16},
    "note": {"font_color": "#58616c"},
    "aside": {"font_color": "#58616c", "indent": 1},
    "strong": {"bold": True},
    "wrapped": {"text_wrap": True, "valign": "top"},
    "head": {"bold": True, "bottom": 2, "text_wrap": True, "valign": "bottom"},
    "head_right": {"bold": True, "bottom": 2, "text_wrap": True, "valign": "bottom", "align": "right"},
    "whole": {"num_format": "#,##0_);(#,##0);0_)"},
    "cents": {"num_format": "#,##0.00_);(#,##0.00);0.00_)"},
    "share": {"num_format": "0.0%"},
}
_TOTAL = {"bold": True, "top": 1, "bg_color": "#eef1f4"}


def write_workbook(plan: BudgetPlan, path: Path, *, limit: float | None = None) -> Path:
    """Write the plan as an Excel workbook; returns its path.

    Sheets Summary, Monthly, Environments, one for each other split, Lines and Assumptions. Amounts that add up (base,
    contingency, budget) are in cents, and their totals are formulas; P10 to P95 are each row's own quantiles, which do
    not add.

    Parameters
    ----------
    plan : BudgetPlan
    path : Path
        Its name ends in ``.xlsx``.
    limit : float, optional
        Money to tell the probability of going over.

    Raises
    ------
    PlanError
        The name does not end in .xlsx, or the file cannot be written; the message names it.
    """
    if Path(path).suffix.lower() != ".xlsx":
        raise PlanError(f"{path}: a workbook's name ends in .xlsx, such as {Path(path).with_suffix('.xlsx').name}")
    return save(Path(path), lambda: workbook_bytes(plan, limit=limit))


def workbook_bytes(plan: BudgetPlan, *, limit: float | None = None) -> bytes:
    """The workbook as bytes; same plan, same bytes."""
    from xlsxwriter import Workbook

    made = BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    with Workbook(made, options) as file:
        file.set_properties(
            {"title": f"Budget plan: {one_line(plan.name, 120)}", "created": plan.projection.as_of.to_pydatetime()}
        )
        book = _Book(file, plan)
        summary = book.sheet("Summary", f"Budget plan: {plan.name}", _about(plan))
        monthly = _monthly(book)
        environments = _environments(book)
        _splits(book)
        _lines(book)
        _assumptions(book)
        _summary(book, summary, monthly, environments, limit)
    return made.getvalue()


class _Book:
    """A workbook under way: its formats, and how text and tables are put into its sheets."""

    def __init__(self, file: Any, plan: BudgetPlan) -> None:
        self.file, self.plan = file, plan
        self.looks = {name: file.add_format(look) for name, look in _LOOKS.items()}
        self.looks |= {f"{name}_total": file.add_format(_LOOKS[name] | _TOTAL) for name in ("plain", "whole", "cents")}
        # A quote prefix keeps such text a text when somebody edits the cell.
        texts = _LOOKS | {"plain_total": _TOTAL}
        self.quoted = {name: file.add_format(look | {"quote_prefix": True}) for name, look in texts.items()}

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

    def heads(self, sheet: Any, row: int, labels: Sequence[str], numbers: Sequence[str]) -> None:
        """The header of a table."""
        for column, name in enumerate(labels):
            self.text(sheet, row, column, name, "head")
        for column, name in enumerate(numbers, start=len(labels)):
            self.text(sheet, row, column, name, "head_right")

    def table(self, sheet: Any, table: pd.DataFrame, *, more: Sequence[str] = ()) -> _Placed:
        """A table of the plan under the sheet's header: labels, quantiles, money with its total, and ``more``."""
        labels = [str(n) for n in table.index.names]
        columns = [*LEVELS, *ADDING, *more]
        self.heads(sheet, HEADER_ROW, labels, [c.upper() if c in LEVELS else c for c in columns])
        sheet.freeze_panes(HEADER_ROW + 1, len(labels))
        sheet.repeat_rows(HEADER_ROW)
        keys = [key if isinstance(key, tuple) else (key,) for key in table.index]
        for column, name in enumerate(labels):
            wide = max([len(name), *(len(one_line(key[column], WIDEST)) for key in keys)])
            sheet.set_column(column, column, min(wide, WIDEST) + 2)
        sheet.set_column(len(labels), len(labels) + len(columns) - 1, 14)
        placed = _Placed(HEADER_ROW + 1, HEADER_ROW + 1 + len(table), len(labels))
        for row, (key, (_, values)) in enumerate(zip(keys, table.iterrows(), strict=True), start=placed.first):
            for column, label in enumerate(key):
                self.text(sheet, row, column, label)
            for column, name in enumerate(columns, start=len(labels)):
                if name == "contingency":
                    self.contingency(sheet, row, column, float(values[name]))
                elif np.isfinite(values[name]):
                    look = "whole" if name in LEVELS else "cents" if name in ADDING else "share"
                    sheet.write_number(row, column, float(values[name]), self.looks[look])
        self.total(sheet, placed, table)
        return placed

    def contingency(self, sheet: Any, row: int, column: int, value: float) -> None:
        """Budget less base, of the cells beside it."""
        formula = f"={_cell(row, column + 1)}-{_cell(row, column - 1)}"
        sheet.write_formula(row, column, formula, self.looks["cents"], value)

    def total(self, sheet: Any, placed: _Placed, table: pd.DataFrame) -> None:
        """The total row: sums as formulas, and the plan's own quantiles."""
        whole = self.plan.table([]).iloc[0]
        for column in range(placed.labels):
            self.text(sheet, placed.total, column, "Total" if column == 0 else "", "plain_total")
        for column, name in enumerate(LEVELS, start=placed.labels):
            sheet.write_number(placed.total, column, float(whole[name]), self.looks["whole_total"])
        for name in ADDING:
            column = placed.column(name)
            formula = f"=SUM({_cell(placed.first, column)}:{_cell(placed.total - 1, column)})"
            value = round(float(table[name].sum()), 2)
            sheet.write_formula(placed.total, column, formula, self.looks["cents_total"], value)


@dataclass(frozen=True, slots=True)
class _Placed:
    """Where a table stands: its first row of cells, its total's row, and how many columns of labels it has."""

    first: int
    total: int
    labels: int

    def column(self, name: str) -> int:
        """The column of an amount."""
        return self.labels + len(LEVELS) + ADDING.index(name)


def _cell(row: int, column: int, *, sheet: str = "") -> str:
    from xlsxwriter.utility import xl_rowcol_to_cell

    return (f"{sheet}!" if sheet else "") + str(xl_rowcol_to_cell(row, column))


def _number(table: pd.DataFrame, row: object, column: str) -> float:
    return float(table[column].to_numpy(dtype="float64")[table.index.get_loc(row)])


def _about(plan: BudgetPlan) -> str:
    span = plan.projection.span
    return (
        f"{span_words(span.start, span.end)} ({span.start:%Y-%m-%d} to {span.end:%Y-%m-%d}), as of "
        f"{as_of(plan)}; {len(plan.totals):,} futures; money in {plan.currency}"
    )


def _note(plan: BudgetPlan) -> str:
    return (
        f"Money in {plan.currency}. P10 to P95 are each row's own quantiles and do not add; "
        "base (P50), contingency and budget add up."
    )


def _monthly(book: _Book) -> _Placed:
    """Months, quarters under them, and a native chart."""
    plan = book.plan
    sheet = book.sheet("Monthly", "The plan by month", _note(plan))
    placed = book.table(sheet, plan.table("month"))
    table, row = plan.table("quarter"), placed.total + 2
    if len(table) > 1:
        months = plan.table(["quarter", "month"]).index.get_level_values("quarter").value_counts(sort=False)
        book.heads(sheet, row, ["quarter"], [c.upper() if c in LEVELS else c for c in (*LEVELS, *ADDING)])
        first = placed.first
        for name in table.index:
            row += 1
            book.text(sheet, row, 0, name)
            for column, level in enumerate(LEVELS, start=1):
                sheet.write_number(row, column, _number(table, name, level), book.looks["whole"])
            end = first + int(months[name])
            for amount in ADDING:
                column = placed.column(amount)
                formula = f"=SUM({_cell(first, column)}:{_cell(end - 1, column)})"
                sheet.write_formula(row, column, formula, book.looks["cents"], _number(table, name, amount))
            first = end
        row += 2
    told = "Base and contingency of each month as stacked columns, and its P90 as a mark."
    sheet.insert_chart(row, 0, _columns(book, placed), {"description": told})
    return placed


def _columns(book: _Book, placed: _Placed) -> Any:
    """A native chart of the months: base and contingency as columns, P90 as marks."""
    chart = book.file.add_chart({"type": "column", "subtype": "stacked"})
    marks = book.file.add_chart({"type": "line"})
    mark = {"type": "diamond", "size": 7, "fill": {"color": "#1a1d21"}, "border": {"color": "#1a1d21"}}
    series = (
        (chart, "base (P50)", placed.column("base"), {"fill": {"color": "#0a64a8"}, "gap": 60}),
        (chart, "contingency", placed.column("contingency"), {"fill": {"color": "#e9b48c"}}),
        (marks, "P90", placed.labels + list(LEVELS).index("p90"), {"line": {"none": True}, "marker": mark}),
    )
    for drawn, name, column, look in series:
        months, values = (["Monthly", placed.first, c, placed.total - 1, c] for c in (0, column))
        drawn.add_series({"name": name, "categories": months, "values": values, **look})
    chart.combine(marks)
    chart.set_title({"name": f"Budget by month, {one_line(book.plan.currency, 8)}", "name_font": {"size": 12}})
    chart.set_y_axis({"num_format": "#,##0", "major_gridlines": {"visible": True, "line": {"color": "#e3e6ea"}}})
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 760, "height": 340})
    return chart


def _environments(book: _Book) -> _Placed:
    """Environments with their policy, and each month's budget by environment."""
    plan = book.plan
    sheet = book.sheet("Environments", "The plan by environment", _note(plan))
    table = plan.table("environment", demand=True)
    more = {"demand share": table["demand_share"]}
    if plan.spec.environments is not None:
        ranges = {name: (low, high) for name, low, high in plan.spec.environments.ranges}
        for i, side in enumerate(("policy from", "policy to")):
            more[side] = pd.Series({name: r[i] for name, r in ranges.items()}, dtype="float64").reindex(table.index)
        more["share given (P50)"] = plan.shares("environment").median().reindex(table.index)
    more["demand over budget"] = table["overrun"]
    placed = book.table(sheet, table.assign(**more), more=list(more))
    start = placed.total + 3
    cells = plan.table(["month", "environment"])["budget"].unstack().fillna(0.0)
    book.text(sheet, start - 1, 0, f"Budget by month and environment, {plan.currency}", "strong")
    book.heads(sheet, start, ["month"], [str(name) for name in cells.columns] + ["Total"])
    last, end = start + len(cells) + 1, len(cells.columns) + 1
    money = cells.to_numpy(dtype="float64")
    for row, values in enumerate(money, start=start + 1):
        book.text(sheet, row, 0, cells.index[row - start - 1])
        for column, value in enumerate(values, start=1):
            sheet.write_number(row, column, float(value), book.looks["cents"])
        whole = f"=SUM({_cell(row, 1)}:{_cell(row, end - 1)})"
        sheet.write_formula(row, end, whole, book.looks["cents"], round(float(values.sum()), 2))
    book.text(sheet, last, 0, "Total", "plain_total")
    for column, value in enumerate([*money.sum(axis=0), money.sum()], start=1):
        whole = f"=SUM({_cell(start + 1, column)}:{_cell(last - 1, column)})"
        sheet.write_formula(last, column, whole, book.looks["cents_total"], round(float(value), 2))
    return placed


def _splits(book: _Book) -> None:
    """The parts of every split but that of the whole plan over environments, with their policy."""
    plan = book.plan
    for depth, level in enumerate(plan.ledger.levels):
        if level.split is plan.spec.environments:
            continue
        name = level.split.by.replace("_", " ")
        inside = "" if depth == 0 else f" inside each {plan.ledger.levels[depth - 1].split.by}"
        sheet = book.sheet(f"By {name}", f"The plan by {name}{inside}", _note(plan))
        policy = plan.policy(level.split.by)
        more = {
            "demand share": policy["demand_share"],
            "policy from": policy["low"],
            "policy to": policy["high"],
            "share given": policy["share"],
            "demand over budget": policy["overrun"],
        }
        table = plan.table([str(column) for column in policy.index.names]).reindex(policy.index)
        book.table(sheet, table.assign(**more), more=list(more))


def _lines(book: _Book) -> None:
    """Every row that the plan keeps apart, over the horizon; reserves under the total."""
    plan = book.plan
    sheet = book.sheet("Lines", "What the money is for", _note(plan))
    placed = book.table(sheet, plan.table(list(plan.ledger.labels.columns)))
    sheet.autofilter(HEADER_ROW, 0, placed.total - 1, placed.column("budget"))
    column, row = placed.column("budget"), placed.total + 1
    for reserve in plan.reserves:
        book.text(sheet, row, 0, f"reserve: {reserve.name}")
        sheet.write_number(row, column, round(reserve.held, 2), book.looks["cents"])
        row += 1
    if plan.reserves:
        book.text(sheet, row, 0, "Funding: total and reserves", "plain")
        formula = f"=SUM({_cell(placed.total, column)}:{_cell(row - 1, column)})"
        sheet.write_formula(row, column, formula, book.looks["cents_total"], plan.funding)


def _assumptions(book: _Book) -> None:
    """What the plan rests on."""
    sheet = book.sheet("Assumptions", "What the plan rests on", _about(book.plan))
    book.heads(sheet, HEADER_ROW, list(book.plan.assumptions.columns), [])
    sheet.freeze_panes(HEADER_ROW + 1, 0)
    widths = (16, 100, 44)
    for column, width in enumerate(widths):
        sheet.set_column(column, column, width)
    for row, values in enumerate(book.plan.assumptions.itertuples(index=False), start=HEADER_ROW + 1):
        told = [one_line(value, CELL) for value in values]
        lines = max(-(-len(text) // width) for text, width in zip(told, widths, strict=True))
        sheet.set_row(row, 15.0 * min(max(lines, 1), 20))
        for column, text in enumerate(told):
            book.text(sheet, row, column, text, "wrapped")


def _summary(book: _Book, sheet: Any, monthly: _Placed, environments: _Placed, limit: float | None) -> None:
    """The plan's figures, taken from the other sheets, and its picture."""
    plan, level = book.plan, f"P{book.plan.confidence * 100:g}"
    book.heads(sheet, HEADER_ROW, ["figure"], [plan.currency])
    book.text(sheet, HEADER_ROW, 2, "what it is", "head")
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 18)
    sheet.set_column(2, 2, 60)
    sheet.freeze_panes(HEADER_ROW + 1, 0)
    row = HEADER_ROW + 1

    def put(name: str, what: str, value: float, *, formula: str = "", look: str = "cents") -> None:
        nonlocal row
        book.text(sheet, row, 0, name, "plain_total" if look == "cents_total" else "plain")
        if formula:
            sheet.write_formula(row, 1, formula, book.looks[look], value)
        else:
            sheet.write_number(row, 1, value, book.looks[look])
        book.text(sheet, row, 2, what, "aside")
        row += 1

    base = _cell(monthly.total, monthly.column("base"), sheet="Monthly")
    budget = _cell(monthly.total, monthly.column("budget"), sheet="Monthly")
    put("Base (P50)", "the plan: as likely over as under", plan.base, formula=f"={base}")
    put("Contingency", f"{level} less P50", plan.contingency, formula=f"={_cell(row + 1, 1)}-{_cell(row - 1, 1)}")
    put(f"Budget ({level})", "the commitment", plan.budget, formula=f"={budget}", look="cents_total")
    held = row
    for reserve in plan.reserves:
        put(reserve.name, "reserve, outside the total", round(reserve.held, 2))
    if plan.reserves:
        whole = f"=SUM({_cell(held - 1, 1)}:{_cell(row - 1, 1)})"
        put("Funding", "budget and reserves", plan.funding, formula=whole, look="cents_total")
    steps = plan.funding_table()
    for name, step in steps[steps["funds"].notna()].iterrows():
        put(str(name), f"within the contingency, kept for {step['funds']}", float(step["amount"]))
    for name in ("p90", "p95"):
        put(name.upper(), "stress", plan.quantile(LEVELS[name]), look="whole")
    put(
        f"Standard error of {level}",
        "from finite futures and past errors",
        plan.standard_error(plan.confidence),
        look="whole",
    )
    if limit is not None:
        put(f"Chance of going over {limit:,.0f}", "share of futures", plan.probability_over(limit), look="share")
    other = _cell(environments.total, environments.column("budget"), sheet="Environments")
    put("Months less environments", "0 while the sheets agree", 0.0, formula=f"=ROUND({budget}-{other},2)")
    ax, drawn = picture(plan, "fan"), BytesIO()
    ax.figure.figure.savefig(drawn, format="png", dpi=150, metadata={"Software": None})
    sheet.insert_image(
        row + 1, 0, "fan.png", {"image_data": drawn, "description": ax.get_title(), "object_position": 3}
    )
