"""Sheets of a plan: months, splits, lines, assumptions. Comes in: a BudgetPlan. Goes out: a sheet each."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

import pandas as pd

from forecast.drawing import LIGHT, one_line
from scenarios.budget.budget_plan import LEVELS, BudgetPlan
from scenarios.budget.ledger import LINE
from scenarios.report.book.levels import LiveLevels
from scenarios.report.book.tables import Column, Placed, write_table
from scenarios.report.book.writing import ADDING, CELL, HEADER_ROW, Book, about, block, cell, heads_of, note

#: Widths of the columns of assumptions; of the others, those of dates are narrow.
_WIDTHS: Final = {"topic": 16, "assumption": 90, "source": 40}
_NARROW: Final = 13
STALE_FROM: Final = "stale_from"


def tables_of(plan: BudgetPlan, detail: list[str]) -> dict[str, pd.Index]:
    """The rows of the tables that are summed from the levels, by the key that a cell's number of row is kept under."""
    rows = {by: _rows(plan, [by]) for by in ("month", "quarter", "environment")}
    for number, level in enumerate(splits_of(plan), start=1):
        rows[f"split{number}"] = plan.policy(level).index
    lines = detail if LINE in detail else []
    return rows | ({"row": _rows(plan, lines)} if lines else {})


def _rows(plan: BudgetPlan, by: list[str]) -> pd.Index:
    """The rows of ``plan.table(by)``."""
    return plan.ledger.groups(by)[0].set_index(by).index


def splits_of(plan: BudgetPlan) -> list[str]:
    """What the plan is split by, but the split of the whole over environments."""
    return [level.split.by for level in plan.ledger.levels if level.split is not plan.spec.environments]


def monthly(book: Book, live: LiveLevels) -> Placed:
    """Months, quarters under them, and a native chart."""
    plan = book.plan
    sheet = book.sheet("Monthly", "The plan by month", note(plan))
    placed = write_table(book, live, sheet, plan.table("month"), "month")
    table, row = plan.table("quarter"), placed.total + 2
    if len(table) > 1:
        months = plan.table(["quarter", "month"]).index.get_level_values("quarter").value_counts(sort=False)
        book.heads(sheet, row, ["quarter"], heads_of([*LEVELS, *ADDING]))
        first = placed.first
        for name, values in table.iterrows():
            row += 1
            book.text(sheet, row, 0, name)
            for column, level in enumerate(LEVELS, start=1):
                book.number(sheet, row, column, float(values[level]), "whole")
            end = first + int(months.loc[str(name)])
            for amount in ADDING:
                column = placed.column(amount)
                book.formula(sheet, row, column, f"SUM({block(first, end - 1, column)})", float(values[amount]))
            first = end
        row += 2
    told = "Base and contingency of each month as stacked columns, and its P90 as a mark."
    sheet.insert_chart(row, 0, _columns(book, placed), {"description": told})
    return placed


def _columns(book: Book, placed: Placed) -> Any:
    """A native chart of the months: base and contingency as columns, P90 as marks."""
    chart = book.file.add_chart({"type": "column", "subtype": "stacked"})
    marks = book.file.add_chart({"type": "line"})
    mark = {"type": "diamond", "size": 7, "fill": {"color": "#1a1d21"}, "border": {"color": "#1a1d21"}}
    series = (
        (chart, "base (P50)", placed.column("base"), {"fill": {"color": LIGHT.future}, "gap": 60}),
        (chart, "contingency", placed.column("contingency"), {"fill": {"color": "#e9b48c"}}),
        (marks, "P90", placed.labels + list(LEVELS).index("p90"), {"line": {"none": True}, "marker": mark}),
    )
    for drawn, name, column, look in series:
        months, values = (["Monthly", placed.first, c, placed.last, c] for c in (0, column))
        drawn.add_series({"name": name, "categories": months, "values": values, **look})
    chart.combine(marks)
    least = float(book.plan.table("month")[["base", "contingency"]].min().min())
    dressed(chart, f"Budget by month, {one_line(book.plan.currency, 8)}", least=least)
    return chart


def dressed(chart: Any, title: str, *, least: float | None = None) -> None:
    """Give a native chart its title, quiet lines and size; columns stand on 0 where the ``least`` is not below it."""
    chart.set_title({"name": title, "name_font": {"size": 12}})
    lines = {"visible": True, "line": {"color": "#e3e6ea"}}
    chart.set_y_axis(
        {"num_format": "#,##0", "major_gridlines": lines} | ({"min": 0} if least is not None and least >= 0 else {})
    )
    chart.set_legend({"position": "bottom"})
    chart.set_size({"width": 720, "height": 340})


def splits(book: Book, live: LiveLevels) -> None:
    """The parts of every split but that of the whole plan over environments, with their policy."""
    plan, levels = book.plan, book.plan.ledger.levels
    named = [level.split.by for level in levels]
    for number, by in enumerate(splits_of(plan), start=1):
        depth, name = named.index(by), by.replace("_", " ")
        inside = "" if depth == 0 else f" inside each {named[depth - 1]}"
        told = note(plan, "A share typed on the sheet Environments moves nothing here.")
        sheet = book.sheet(f"By {name}", f"The plan by {name}{inside}", told)
        policy = plan.policy(by)
        more = {
            "demand share": Column(policy["demand_share"].tolist()),
            "policy from": Column(policy["low"].tolist()),
            "policy to": Column(policy["high"].tolist()),
            "share given": Column(policy["share"].tolist()),
            "demand over budget": Column(policy["overrun"].tolist()),
        }
        table = plan.table([str(column) for column in policy.index.names]).reindex(policy.index)
        write_table(book, live, sheet, table, f"split{number}", more=more)


def lines(book: Book, live: LiveLevels, funding: dict[str, str]) -> None:
    """Every row that the plan keeps apart, over the horizon; reserves under the total, taken from the summary."""
    plan, detail = book.plan, live.levels.detail
    if LINE not in detail:
        detail = [LINE]
    told = note(plan, "A share typed on the sheet Environments moves nothing here.")
    sheet = book.sheet("Lines", "What the money is for", told)
    table = plan.table(detail)
    own = None
    if "row" not in live.keys:  # a plan of very many cells: its lines are told at its own confidence only
        own = {name: [f"{value:.2f}" for value in table[name]] for name in ("base", "budget")}
    placed = write_table(book, live, sheet, table, "row", formulas=own)
    sheet.autofilter(HEADER_ROW, 0, placed.last, placed.column("budget"))
    column, row = placed.column("budget"), placed.total + 1
    for reserve in plan.reserves:
        book.text(sheet, row, 0, f"reserve: {reserve.name}")
        book.formula(sheet, row, column, funding[reserve.name], round(reserve.held, 2))
        row += 1
    if plan.reserves:
        book.text(sheet, row, 0, "Funding: total and reserves", "plain")
        formula = f"SUM({block(placed.total, row - 1, column)})"
        book.formula(sheet, row, column, formula, plan.funding, "cents_total")


def assumptions(book: Book) -> None:
    """What the plan rests on: texts, dates as dates, and whether what grows stale is due to be looked at again."""
    table = book.plan.assumptions
    sheet = book.sheet("Assumptions", "What the plan rests on", about(book.plan))
    names = [str(name) for name in table.columns]
    book.heads(sheet, HEADER_ROW, [*names, *(["stale?"] if STALE_FROM in names else [])], [])
    sheet.freeze_panes(HEADER_ROW + 1, 0)
    sheet.repeat_rows(HEADER_ROW)
    widths = [_WIDTHS.get(name, _NARROW) for name in names]
    for column, width in enumerate([*widths, _NARROW]):
        sheet.set_column(column, column, width)
    for row, values in enumerate(table.itertuples(index=False), start=HEADER_ROW + 1):
        told = [_told(name, value) for name, value in zip(names, values, strict=True)]
        wide = zip(told, widths, strict=True)
        most = max(-(-len(text) // width) for text, width in wide if isinstance(text, str))
        sheet.set_row(row, 15.0 * min(max(most, 1), 20))
        for column, value in enumerate(told):
            if isinstance(value, str):
                book.text(sheet, row, column, value, "wrapped")
            else:
                sheet.write_datetime(row, column, value, book.looks["date"])
        if STALE_FROM in names:
            due = cell(row, names.index(STALE_FROM))
            formula = f'IF({due}="","",IF(TODAY()>={due},"look again",""))'
            book.formula(sheet, row, len(names), formula, "", "warning")


def _told(name: str, value: object) -> str | datetime:
    """What a cell of the assumptions holds: a day as a day, anything else as text."""
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and pd.isna(value)):
        return ""
    if name not in _WIDTHS and isinstance(value, str | date | datetime):
        day = pd.to_datetime(value, errors="coerce", format=None if not isinstance(value, str) else "%Y-%m-%d")
        if not pd.isna(day):
            return day.tz_localize(None).normalize().to_pydatetime()
    return one_line(value, CELL)
