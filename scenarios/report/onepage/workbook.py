"""The review as a workbook. Comes in: a Review. Goes out: an Excel file whose totals and variances are formulas.

Sheets Summary, By month, By environment (or whatever tells the plan's parts), Outlook, Bridge and Notes; text is only
ever written as text.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import pandas as pd

from forecast.drawing import chart_style, one_line, span_words
from forecast.errors import PlanError
from scenarios.budget.budget_plan import LEVELS
from scenarios.report import save
from scenarios.report.book.writing import HEADER_ROW, WIDEST, Book, cell
from scenarios.report.onepage.charts import picture
from scenarios.report.onepage.figures import OUTLOOK, TO_DATE, Figure, due_of, label_words, part_column, told_of
from scenarios.report.onepage.page import notes_of
from scenarios.report.onepage.wording import Teller, day_words
from scenarios.reviews.reviewing import Review

#: Columns of money and others, after the labels.
ACTUALS: Final = ("budget", "actual", "variance", "percent", "percentile", "status", "kind")
AHEAD: Final = ("budget", "actual", *LEVELS, "variance", "percent", "over")
_HEADS: Final = {"over": "chance over", "percentile": "rank"}
_WORDS: Final = ("status", "kind")
_SHARES: Final = ("percent", "percentile", "over")


@dataclass(frozen=True, slots=True)
class _Placed:
    """Where a table stands: its first row of cells, its total's row, its columns of numbers by name, its sheet."""

    first: int
    total: int
    columns: tuple[str, ...]
    sheet: str

    def at(self, row: int, column: str) -> str:
        """A cell of the table, on its own sheet."""
        return cell(row, 1 + self.columns.index(column))

    def totals(self, column: str) -> str:
        """The total of a column, from any sheet."""
        return f"'{self.sheet}'!{self.at(self.total, column)}"


def write_workbook(review: Review, path: Path) -> Path:
    """Write the review as an Excel workbook; returns its path.

    Raises
    ------
    PlanError
        The name does not end in .xlsx, or the file cannot be written; the message names it.
    """
    if Path(path).suffix.lower() != ".xlsx":
        raise PlanError(f"{path}: a workbook's name ends in .xlsx, such as {Path(path).with_suffix('.xlsx').name}")
    return save(Path(path), lambda: workbook_bytes(review))


@chart_style()  # a workbook is light, and speaks English throughout
def workbook_bytes(review: Review) -> bytes:
    """The workbook as bytes; same review, same bytes."""
    from xlsxwriter import Workbook

    made, title = BytesIO(), f"Budget review: {one_line(review.plan.name, 120)}"
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    with Workbook(made, options) as file:
        file.set_properties({"title": title, "created": review.as_of.to_pydatetime()})
        book = Book(file, review.plan)
        summary = book.sheet("Summary", title, _about(review))
        months = _actuals(book, review, "month")
        if (column := part_column(review)) is not None:
            _actuals(book, review, column)
        ahead = _ahead(book, review)
        _bridge(book, review)
        _notes(book, review)
        _summary(book, summary, review, months, ahead)
    return made.getvalue()


def _about(review: Review) -> str:
    out, start = review.outlook, review.plan.projection.span.start
    return (
        f"{span_words(start, out.last_day)} ({start:%Y-%m-%d} to {out.last_day:%Y-%m-%d}), as of "
        f"{day_words(out.known_to)}; money in {review.plan.currency}"
    )


def _actuals(book: Book, review: Review, by: str) -> _Placed:
    """Actuals against the budget to date."""
    name = f"By {by.replace('_', ' ')}"
    note = (
        f"Money in {review.plan.currency}, to date. Variance is budget less actual, favourable where positive; "
        "a month under way counts by its days."
    )
    sheet = book.sheet(name, f"Actuals against the budget to date, by {by.replace('_', ' ')}", note)
    table = review.table(by)
    placed = _table(book, sheet, table.assign(actual=table["actual"].round(2)), ACTUALS, by=by, name=name)
    _total(book, sheet, placed, {"budget": due_of(review.outlook), "actual": review.outlook.to_date})
    return placed


def _ahead(book: Book, review: Review) -> _Placed:
    """The outlook by month."""
    out = review.outlook
    note = (
        f"Money in {review.plan.currency}, spent to date and foreseen. P10 to P95 are each row's own quantiles and "
        "do not add. Variance is the budget less P50."
    )
    sheet = book.sheet("Outlook", "The outlook by month", note)
    table, whole = out.table("month"), out.table([]).iloc[0]
    placed = _table(book, sheet, table.round(2).assign(over=table["over"]), AHEAD, by="month", name="Outlook")
    _total(book, sheet, placed, {c: float(whole[c]) for c in ("budget", "actual", *LEVELS, "over")})
    return placed


def _table(book: Book, sheet: Any, table: pd.DataFrame, columns: Sequence[str], *, by: str, name: str) -> _Placed:
    """A table under the sheet's header; variances and percents are formulas of the cells beside them."""
    placed = _Placed(HEADER_ROW + 1, HEADER_ROW + 1 + len(table), tuple(columns), name)
    book.heads(sheet, HEADER_ROW, [by], [c.upper() if c in LEVELS else _HEADS.get(c, c) for c in columns])
    for column in (c for c in columns if c in _WORDS):
        book.text(sheet, HEADER_ROW, 1 + columns.index(column), column, "head")
    sheet.freeze_panes(HEADER_ROW + 1, 1)
    sheet.repeat_rows(HEADER_ROW)
    labels = [label_words(key) for key in table.index]
    sheet.set_column(0, 0, min(max([len(by), 8, *map(len, labels)]), WIDEST) + 2)
    sheet.set_column(1, len(columns), 14)
    for row, (label, (_, values)) in enumerate(zip(labels, table.iterrows(), strict=True), start=placed.first):
        book.text(sheet, row, 0, label)
        for column in columns:
            _put(book, sheet, placed, row, column, values[column])
    return placed


def _put(book: Book, sheet: Any, placed: _Placed, row: int, column: str, value: Any) -> None:
    """One cell of a table."""
    at = 1 + placed.columns.index(column)
    if isinstance(value, str):
        book.text(sheet, row, at, value)
    elif not math.isfinite(value):
        return
    elif column in ("variance", "percent"):
        sheet.write_formula(row, at, _formula(placed, row, column), book.looks[_look(column)], float(value))
    else:
        sheet.write_number(row, at, float(value), book.looks[_look(column)])


def _look(column: str) -> str:
    return "share" if column in _SHARES else "whole" if column in LEVELS else "cents"


def _formula(placed: _Placed, row: int, column: str) -> str:
    """The formula of a variance, or of its percent."""
    budget = placed.at(row, "budget")
    if column == "variance":
        return f"={budget}-{placed.at(row, 'p50' if 'p50' in placed.columns else 'actual')}"
    return f'=IF({budget}=0,"",{placed.at(row, "variance")}/{budget})'


def _total(book: Book, sheet: Any, placed: _Placed, whole: dict[str, float]) -> None:
    """The total row: sums, variance and percent as formulas, and what is the whole plan's own.

    ``whole`` holds what formulas come to, for programs that do not work them out, and quantiles of the whole.
    """
    share = book.looks["share_total"]
    held = dict(whole)
    held["variance"] = round(held["budget"] - held["p50" if "p50" in held else "actual"], 2)
    held["percent"] = held["variance"] / held["budget"] if held["budget"] else math.nan
    book.text(sheet, placed.total, 0, "Total", "plain_total")
    for at, column in enumerate(placed.columns, start=1):
        look = share if column in _SHARES else book.looks[f"{_look(column)}_total"]
        value = held.get(column, math.nan)
        if column in ("budget", "actual"):
            cells = f"{cell(placed.first, at)}:{cell(placed.total - 1, at)}"
            formula = f"=SUM({cells})" if placed.total > placed.first else "=0"
            sheet.write_formula(placed.total, at, formula, look, round(value, 2))
        elif column in ("variance", "percent"):
            formula = _formula(placed, placed.total, column)
            sheet.write_formula(placed.total, at, formula, look, value if math.isfinite(value) else "")
        elif math.isfinite(value):
            sheet.write_number(placed.total, at, value, look)
        else:
            sheet.write_blank(placed.total, at, None, look)


def _bridge(book: Book, review: Review) -> None:
    """What moved the months that are over, by driver."""
    made = review.bridge()
    sheet = book.sheet("Bridge", "From the plan to the actual, by driver", _bridge_note(review))
    if made is None:
        return
    levels = (0.1, 0.9)
    table = made.table(levels)
    book.heads(sheet, HEADER_ROW, ["step"], ["mean", "P10", "P90"])
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 3, 16)
    last = HEADER_ROW + len(table)
    money = table[["mean", "p10", "p90"]].to_numpy("float64")
    for row, (step, (mean, *ends)) in enumerate(zip(table["step"], money, strict=True), start=HEADER_ROW + 1):
        end = row == last
        book.text(sheet, row, 0, step, "plain_total" if end else "plain")
        if end:
            cells = f"{cell(HEADER_ROW + 1, 1)}:{cell(last - 1, 1)}"
            sheet.write_formula(row, 1, f"=SUM({cells})", book.looks["cents_total"], float(mean))
        else:
            sheet.write_number(row, 1, float(mean), book.looks["cents"])
        for column, value in enumerate(ends, start=2):
            sheet.write_number(row, column, float(value), book.looks["whole"])
    _insert(sheet, last + 2, review, "bridge")


def _bridge_note(review: Review) -> str:
    first, last = review.outlook.closed
    if last is None:
        return f"No month of the plan is over by {day_words(review.outlook.known_to)}: there is nothing to bridge yet."
    return (
        f"{first:%Y-%m-%d} to {last:%Y-%m-%d}, months that are over; money in {review.plan.currency}. "
        "From the plan's mean: means add up, P10 and P90 are each step's own."
    )


def _notes(book: Book, review: Review) -> None:
    """Rules, what was assumed, and days that were told otherwise before."""
    sheet = book.sheet("Notes", "How this was made", _about(review))
    sheet.set_column(0, 0, 120)
    sheet.set_column(1, 4, 16)
    row = HEADER_ROW + 1
    for note in notes_of(review):
        sheet.set_row(row, 15.0 * max(-(-len(note) // 115), 1))
        book.text(sheet, row, 0, note, "wrapped")
        row += 1
    again = review.outlook.restated
    if len(again):
        row += 1
        book.heads(sheet, row, ["days that were told otherwise before"], ["measure", "before", "now", "difference"])
        money = again[["before", "now", "difference"]].to_numpy("float64")
        for day, measure, values in zip(again["date"], again["measure"], money, strict=True):
            row += 1
            book.text(sheet, row, 0, f"{day:%Y-%m-%d}")
            book.text(sheet, row, 1, measure)
            for column, value in enumerate(values, start=2):
                sheet.write_number(row, column, float(value), book.looks["cents"])


def _summary(book: Book, sheet: Any, review: Review, months: _Placed, ahead: _Placed) -> None:
    """The figures, those that other sheets hold as formulas on them; the decisions; the burn-down."""
    told = told_of(review)
    sheet.fit_to_pages(1, 1)
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 18)
    sheet.set_column(2, 2, 90)
    book.text(sheet, HEADER_ROW, 0, f"{told.finding}.", "strong")
    row = HEADER_ROW + 2
    held, digits = _held(review, months, ahead), Teller.of(review.outlook).digits
    part = ""
    for figure in told.figures:
        if figure.part != part:
            row += 1 if part else 0
            book.heads(sheet, row, [figure.part], [review.plan.currency])
            book.text(sheet, row, 2, "what it is", "head")
            part, row = figure.part, row + 1
        book.text(sheet, row, 0, figure.name)
        _amount(book, sheet, row, figure, held.get((figure.part, figure.name)), digits)
        book.text(sheet, row, 2, figure.what, "aside")
        row += 1
    row += 1
    top = book.file.add_format({"num_format": "#,##0.00" if digits else "#,##0", "valign": "top"})
    book.heads(sheet, row, ["decisions needed"], [review.plan.currency])
    book.text(sheet, row, 2, "what is to be decided", "head")
    for made in told.decisions:
        row += 1
        sheet.set_row(row, 15.0 * max(-(-len(made.words) // 85), 1))
        book.text(sheet, row, 0, made.kind, "wrapped")
        sheet.write_number(row, 1, made.amount, top)
        book.text(sheet, row, 2, made.words, "wrapped")
    if not told.decisions:
        row += 1
        book.text(sheet, row, 0, "none")
    _insert(sheet, row + 2, review, "burn_down")


def _held(review: Review, months: _Placed, ahead: _Placed) -> dict[tuple[str, str], tuple[str, float]]:
    """What of the summary other sheets hold: formulas, and what they come to."""
    out = review.outlook
    budget, middle, due, spent = out.budget.total, round(out.quantile(0.5), 2), due_of(out), round(out.to_date, 2)
    held = {
        (OUTLOOK, "Budget"): (f"={ahead.totals('budget')}", budget),
        (OUTLOOK, "Outlook, P50"): (f"={ahead.totals('p50')}", middle),
        (OUTLOOK, "Outlook"): (f"={ahead.totals('p50')}", middle),
        (OUTLOOK, "Variance of the outlook"): (f"={ahead.totals('variance')}", budget - middle),
    }
    if out.elapsed.any():
        held |= {
            (TO_DATE, "Budget to date"): (f"={months.totals('budget')}", due),
            (TO_DATE, "Actual to date"): (f"={months.totals('actual')}", spent),
            (TO_DATE, "Variance to date"): (f"={months.totals('variance')}", due - spent),
        }
    return held


def _amount(book: Book, sheet: Any, row: int, figure: Figure, held: tuple[str, float] | None, digits: int) -> None:
    look = book.looks["share" if figure.unit == "share" else "cents" if digits else "whole"]
    if held is not None:
        sheet.write_formula(row, 1, held[0], look, round(held[1], 2))
    elif math.isfinite(figure.amount):
        sheet.write_number(row, 1, figure.amount, look)


def _insert(sheet: Any, row: int, review: Review, kind: str) -> None:
    """A picture under a table."""
    ax, drawn = picture(review, kind), BytesIO()
    ax.figure.figure.savefig(drawn, format="png", dpi=150, metadata={"Software": None})
    told = {"image_data": drawn, "description": ax.get_title(), "object_position": 3}
    sheet.insert_image(row, 0, f"{kind}.png", told)
