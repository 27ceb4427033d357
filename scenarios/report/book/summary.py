"""The summary. Comes in: a plan and the other sheets. Goes out: its figures, the confidence to choose, its picture."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from scenarios.budget.budget_plan import LEVELS
from scenarios.report.book.environments import Shared
from scenarios.report.book.levels import LiveLevels
from scenarios.report.book.tables import Placed
from scenarios.report.book.writing import HEADER_ROW, Book, block, cell
from scenarios.report.charts import picture

#: The row of the confidence, and the column where a figure's amounts at each level begin, out of sight.
CONFIDENCE_ROW = HEADER_ROW + 1
_ASIDE = 5


class Summary:
    """The sheet under way: a figure a row, and where those stand that change with the confidence."""

    def __init__(self, book: Book, live: LiveLevels, sheet: Any) -> None:
        self.book, self.live, self.sheet, self.row = book, live, sheet, HEADER_ROW + 1
        self.reserves: dict[str, str] = {}

    def put(
        self, name: str, what: str, value: float, *, formula: str = "", look: str = "cents", named: str = ""
    ) -> None:
        """A figure: its name (``named`` its formula), amount (``formula`` its formula), and what it is."""
        book, sheet = self.book, self.sheet
        style = "plain_total" if look == "cents_total" else "plain"
        if named:
            book.formula(sheet, self.row, 0, named, name, style)
        else:
            book.text(sheet, self.row, 0, name, style)
        if formula:
            book.formula(sheet, self.row, 1, formula, value, look)
        else:
            book.number(sheet, self.row, 1, value, look)
        book.text(sheet, self.row, 2, what, "aside")
        self.row += 1

    def follow(self, name: str, what: str, values: list[float], *, look: str = "cents", named: str = "") -> None:
        """A figure that has an amount at each level; they stand to the right, outside what is printed."""
        if len(set(values)) == 1:
            self.put(name, what, values[0], look=look, named=named)
            return
        self.sheet.write_row(self.row, _ASIDE, values, self.book.looks[look])
        of = f"{cell(self.row, _ASIDE, fixed=True)}:{cell(self.row, _ASIDE + len(values) - 1, fixed=True)}"
        chosen = values[self.live.levels.chosen]
        self.put(name, what, chosen, formula=self.live.picked(of), look=look, named=named)


def summary(
    book: Book, live: LiveLevels, sheet: Any, placed: tuple[Placed, Shared], limit: float | None
) -> dict[str, str]:
    """The plan's figures, taken from the other sheets, and its picture; returns where reserves stand, by their name."""
    plan, levels = book.plan, live.levels
    monthly, shared = placed
    told = Summary(book, live, sheet)
    book.heads(sheet, HEADER_ROW, ["figure"], [plan.currency])
    book.text(sheet, HEADER_ROW, 2, "what it is", "head_aside")
    _confidence(told)
    level = '"P"&ROUND(confidence*100,4)'
    name = f"P{plan.confidence * 100:g}"
    base, budget = (cell(monthly.total, monthly.column(n), sheet="Monthly") for n in ("base", "budget"))
    told.put("Base (P50)", "the plan: as likely over as under", plan.base, formula=base)
    gap = f"{cell(told.row + 1, 1)}-{cell(told.row - 1, 1)}"
    told.put("Contingency", "budget less base", plan.contingency, formula=gap)
    named = f'"Budget ("&{level}&")"'
    told.put(f"Budget ({name})", "the commitment", plan.budget, formula=budget, look="cents_total", named=named)
    held = told.row
    for reserve in plan.reserves:
        amounts = [round(r.held, 2) for made in levels.plans for r in made.reserves if r.name == reserve.name]
        told.reserves[reserve.name] = cell(told.row, 1, sheet="Summary")
        told.follow(reserve.name, "reserve, outside the total", amounts)
    if plan.reserves:
        whole = f"SUM({block(held - 1, told.row - 1, 1)})"
        told.put("Funding", "budget and reserves", plan.funding, formula=whole, look="cents_total")
    tables = [made.funding_table() for made in levels.plans]
    steps = tables[levels.chosen]
    for step, values in steps[steps["funds"].notna()].iterrows():
        amounts = [float(table["amount"].to_dict()[step]) for table in tables]
        told.follow(str(step), f"within the contingency, kept for {values['funds']}", amounts)
    for stress in ("p90", "p95"):
        told.put(stress.upper(), "stress", plan.quantile(LEVELS[stress]), look="whole")
    errors = [plan.standard_error(one) for one in levels.levels]
    what = "from finite futures and past errors"
    told.follow(f"Standard error of {name}", what, errors, look="whole", named=f'"Standard error of "&{level}')
    if limit is not None:
        chance = plan.probability_over(limit)
        told.put(f"Chance of going over {limit:,.0f}", "share of futures", chance, look="share")
    _checks(told, budget, shared)
    _picture(told)
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 18)
    sheet.set_column(2, 2, 60)
    sheet.set_column(_ASIDE, _ASIDE + len(levels.levels) - 1, 12, None, {"hidden": True})
    sheet.fit_to_pages(1, 1)
    sheet.print_area(0, 0, told.row + 24, 2)
    sheet.freeze_panes(HEADER_ROW + 1, 0)
    return told.reserves


def _confidence(told: Summary) -> None:
    """The cell that every budget follows, with its list."""
    book, sheet, plan = told.book, told.sheet, told.book.plan
    what = "choose from the list: every budget of this workbook follows"
    told.put("Confidence", what, plan.confidence, look="level_input")
    book.name("confidence", cell(CONFIDENCE_ROW, 1, sheet="Summary", fixed=True))
    sheet.data_validation(
        CONFIDENCE_ROW,
        1,
        CONFIDENCE_ROW,
        1,
        {
            "validate": "list",
            "source": "=level_list",
            "input_title": "Confidence",
            "input_message": "How likely the budget is to be enough.",
            "error_title": "Not in the list",
            "error_message": "The workbook holds the levels of the list; plan.replan(confidence=...) makes any other.",
        },
    )


def _checks(told: Summary, budget: str, shared: Shared) -> None:
    """Whether the sheets agree, and what was typed holds."""
    book, sheet = told.book, told.sheet
    other = cell(shared.placed.total, shared.placed.column("budget"), sheet="Environments")
    agree = f"ROUND({budget}-{other},2)"
    told.put("Months less environments", "0 while the sheets agree", 0.0, formula=agree)
    wrong = f'SUMPRODUCT(--({shared.warnings}<>""))'
    apart = f"SUMPRODUCT(ABS({shared.differences}))"
    every = f"IF(ISNUMBER(level_no),ABS({cell(told.row - 1, 1)})+{apart}+{wrong},1)"
    here = cell(told.row, 1)
    said = (
        'IF(ISNUMBER(level_no),"see the check column of the sheet Environments","the confidence is none of the list")'
    )
    good = "0: sheets agree, and typed shares sum to 1 within the policy"
    told.put("Check", "", 0.0, formula=every, look="cents")
    book.formula(sheet, told.row - 1, 2, f'IF({here}=0,"{good}",{said})', good, "aside")


def _picture(told: Summary) -> None:
    """The months' bands, as planned."""
    book, sheet, plan = told.book, told.sheet, told.book.plan
    ax, drawn = picture(plan, "fan"), BytesIO()
    ax.figure.figure.savefig(drawn, format="png", dpi=150, metadata={"Software": None})
    what = f"As planned, at P{plan.confidence * 100:g}: the picture does not follow what is typed."
    book.text(sheet, told.row + 1, 0, what, "note")
    place = {"image_data": drawn, "description": ax.get_title(), "object_position": 3}
    sheet.insert_image(told.row + 2, 0, "fan.png", place)
