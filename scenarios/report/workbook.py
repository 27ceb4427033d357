"""The plan as a workbook. Comes in: a BudgetPlan. Goes out: an Excel file that follows a typed share or confidence."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from forecast.drawing import chart_style, one_line
from forecast.errors import PlanError
from scenarios.bridging import Bridge
from scenarios.budget.alternatives import ALONE, Alternatives, alternatives_of, plan_bridge
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.report import save
from scenarios.report.book import alternatives, sheets
from scenarios.report.book.environments import environments
from scenarios.report.book.levels import LiveLevels, levels_of
from scenarios.report.book.summary import summary
from scenarios.report.book.writing import Book, about


def write_workbook(
    plan: BudgetPlan,
    path: Path,
    *,
    limit: float | None = None,
    scenarios: Alternatives | None = None,
    bridge: Bridge | None = None,
) -> Path:
    """Write the plan as an Excel workbook; returns its path.

    Sheets Summary, Monthly, Environments, one for each other split, Lines, Scenarios, Bridge, Assumptions and Levels.
    Amounts that add up (base, contingency, budget) are in cents and are formulas over the sheet Levels, which holds the
    plan's cells at several confidences: with another confidence chosen on Summary every budget is that of
    ``plan.replan(confidence=...)``, to the cent. A share typed on Environments moves money between environments, month
    by month; totals stay. P10 to P95 are each row's own quantiles, which do not add.

    Parameters
    ----------
    plan : BudgetPlan
    path : Path
        Its name ends in ``.xlsx``.
    limit : float, optional
        Money to tell the probability of going over.
    scenarios : Comparison, or iterable of Scenario or BudgetPlan, optional
        What the sheet Scenarios shows beside the plan: :func:`scenarios.budget.alternatives.alternatives_of`.
    bridge : Bridge, optional
        What the sheet Bridge shows; from the forecast alone to the plan and its budget, where none is given.

    Raises
    ------
    PlanError
        The name does not end in .xlsx, the file cannot be written, or a scenario cannot stand beside the plan.
    """
    if Path(path).suffix.lower() != ".xlsx":
        raise PlanError(f"{path}: a workbook's name ends in .xlsx, such as {Path(path).with_suffix('.xlsx').name}")
    return save(Path(path), lambda: workbook_bytes(plan, limit=limit, scenarios=scenarios, bridge=bridge))


@chart_style()  # a workbook is light, and speaks English throughout
def workbook_bytes(
    plan: BudgetPlan,
    *,
    limit: float | None = None,
    scenarios: Alternatives | None = None,
    bridge: Bridge | None = None,
) -> bytes:
    """The workbook as bytes; same plan, same bytes."""
    from xlsxwriter import Workbook

    if bridge is not None and not isinstance(bridge, Bridge):
        raise PlanError(f"bridge: wanted a bridge, such as sc.bridge(before, plan), not {type(bridge).__name__}")
    told = _Told(bridge or plan_bridge(plan), own=bridge is None or bridge.names[0] == ALONE)
    beside = alternatives_of(plan, scenarios, told.bridge)
    levels = levels_of(plan)
    made = BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    with Workbook(made, options) as file:
        file.set_properties(
            {"title": f"Budget plan: {one_line(plan.name, 120)}", "created": plan.projection.as_of.to_pydatetime()}
        )
        file.set_calc_mode("auto")
        book = Book(file, plan, levels=levels.levels)
        live = LiveLevels(levels, sheets.tables_of(plan, levels.detail))
        first = book.sheet("Summary", f"Budget plan: {plan.name}", about(plan))
        months = sheets.monthly(book, live)
        shared = environments(book, live)
        sheets.splits(book, live)
        reserves = summary(book, live, first, (months, shared), limit)
        sheets.lines(book, live, reserves)
        alternatives.scenarios(book, live, beside)
        alternatives.bridge_sheet(book, told.bridge, to_budget=told.own)
        sheets.assumptions(book)
        live.write(book)
    return made.getvalue()


@dataclass(frozen=True, slots=True)
class _Told:
    """The bridge that is told, and whether it leads to the plan, so that its budget can follow."""

    bridge: Bridge
    own: bool
