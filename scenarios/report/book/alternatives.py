"""Scenarios and the bridge. Comes in: a plan, others beside it, a bridge. Goes out: a sheet each, with its chart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from forecast.drawing import LIGHT, one_line
from scenarios.bridging import Bridge
from scenarios.budget.alternatives import Alternative
from scenarios.budget.budget_plan import LEVELS
from scenarios.report.book.levels import LiveLevels
from scenarios.report.book.sheets import dressed
from scenarios.report.book.writing import HEADER_ROW, Book, block, cell, heads_of

_BLUE, _ORANGE, _PALE, _DARK = LIGHT.future, LIGHT.budget, "#9dbfdc", LIGHT.known
#: Columns of the bridge's sheet: what is told, then what the chart is drawn by.
_STEP, _AMOUNT, _REACHES, _P10, _P50, _P90, _FOOT, _TOTAL, _MORE, _LESS = range(10)


def scenarios(book: Book, live: LiveLevels, beside: Sequence[Alternative]) -> None:
    """Each scenario's own quantiles, its budget at the chosen confidence, and what it differs by from the plan."""
    plan, levels = book.plan, live.levels.levels
    alone = "" if len(beside) > 1 else " Nothing changes in this plan: it is the forecast alone."
    sheet = book.sheet(
        "Scenarios",
        "The plan beside other scenarios",
        f"Money in {plan.currency} over the horizon, budget lines included, in the same futures. Budgets follow the "
        f"confidence that is chosen on the sheet Summary.{alone}",
    )
    budget = 1 + len(LEVELS)
    at = budget + 5
    book.heads(sheet, HEADER_ROW, ["scenario"], [*heads_of([*LEVELS, "budget"]), "against the plan", "in per cent"])
    for i, level in enumerate(levels):
        sheet.write_number(HEADER_ROW, at + i, level, book.looks["head_level"])
    book.text(sheet, HEADER_ROW, at - 1, "budget at", "head_right")
    own = next(i for i, one in enumerate(beside) if one.planned)
    first = HEADER_ROW + 1
    planned = cell(first + own, budget, fixed=True)
    for row, one in enumerate(beside, start=first):
        book.text(sheet, row, 0, one.name, "strong" if one.planned else "plain")
        for column, value in enumerate(np.quantile(one.totals, list(LEVELS.values())), start=1):
            book.number(sheet, row, column, round(float(value), 2), "whole")
        money = [round(float(value), 2) for value in np.quantile(one.totals, levels)]
        sheet.write_row(row, at, money, book.looks["cents"])
        chosen = live.picked(f"{cell(row, at)}:{cell(row, at + len(levels) - 1)}")
        told = money[live.levels.chosen]
        book.formula(sheet, row, budget, "plan_budget" if one.planned else chosen, told)
        less = round(told - plan.budget, 2)
        book.formula(sheet, row, budget + 1, f"ROUND({cell(row, budget)}-{planned},2)", less)
        part = f"IF({planned}=0,0,{cell(row, budget + 1)}/{planned})"
        book.formula(sheet, row, budget + 2, part, less / plan.budget if plan.budget else 0.0, "share")
    sheet.set_column(0, 0, min(max([14, *(len(one_line(one.name, 44)) for one in beside)]), 44) + 2)
    sheet.set_column(1, at + len(levels) - 1, 13)
    sheet.set_column(at - 2, at - 2, 3)
    sheet.print_area(0, 0, first + len(beside) + 18, budget + 2)
    sheet.freeze_panes(first, 1)
    chart = book.file.add_chart({"type": "column"})
    last = first + len(beside) - 1
    for name, column, colour in (("P50", 2, _PALE), ("budget", budget, _BLUE)):
        chart.add_series(
            {
                "name": name,
                "categories": ["Scenarios", first, 0, last, 0],
                "values": ["Scenarios", first, column, last, column],
                "fill": {"color": colour},
                "gap": 80,
                "data_labels": {"value": True, "num_format": "#,##0"},
            }
        )
    least = min(float(np.quantile(one.totals, 0.5)) for one in beside)
    dressed(chart, f"P50 and budget of each scenario, {one_line(plan.currency, 8)}", least=least)
    sheet.insert_chart(last + 2, 0, chart, {"description": "P50 and budget of each scenario as columns."})


def bridge_sheet(book: Book, bridge: Bridge, *, to_budget: bool) -> None:
    """From the first total to the last, step by step, and with ``to_budget`` on to the plan's budget."""
    sheet = book.sheet(
        "Bridge",
        f"From {bridge.names[0]} to {bridge.names[1]}",
        f"Means of all futures, in {bridge.currency}: they add up, in whatever order they are told; P10 to P90 do not.",
    )
    book.heads(sheet, HEADER_ROW, ["step"], ["amount", "reaches", "P10", "P50", "P90"])
    for column, name in enumerate(("chart: foot", "total", "more", "less"), start=_FOOT):
        book.text(sheet, HEADER_ROW, column, name, "note")
    told = bridge.table().to_dict("records")
    first = HEADER_ROW + 1
    last = first + len(told) - 1
    reached = 0.0
    for row, step in enumerate(told, start=first):
        total, amount = row in (first, last), float(step["mean"])
        name = f"{step['step']}, mean" if total else str(step["step"])
        book.text(sheet, row, _STEP, name, "plain_total" if total else "plain")
        book.number(sheet, row, _AMOUNT, amount, "cents_total" if total else "cents")
        reached = amount if total else round(reached + amount, 2)
        before = "" if total else f"ROUND({cell(row - 1, _REACHES)}+{cell(row, _AMOUNT)},2)"
        book.formula(sheet, row, _REACHES, before or cell(row, _AMOUNT), reached, "cents_total" if total else "cents")
        for column, level in ((_P10, "p10"), (_P50, "p50"), (_P90, "p90")):
            book.number(sheet, row, column, float(step[level]), "whole_total" if total else "whole")
        _drawn(book, sheet, row, total=total, amount=amount, reached=reached)
    end = last
    if to_budget:
        end = _to_budget(book, sheet, last, float(told[-1]["mean"]))
    _sums(book, sheet, (first, last), end + 2, [float(step["mean"]) for step in told])
    sheet.set_column(_STEP, _STEP, min(max([26, *(len(one_line(s["step"], 38)) + 6 for s in told)]), 44))
    sheet.set_column(_AMOUNT, _LESS, 14)
    sheet.print_area(0, 0, end + 24, _P90)
    sheet.freeze_panes(first, 1)
    _waterfall(book, sheet, (first, end), end + 7, f"From {bridge.names[0]} to {bridge.names[1]}")


def _drawn(book: Book, sheet: Any, row: int, *, total: bool, amount: float, reached: float) -> None:
    """What the chart is drawn by: an unseen foot, and a bar that is a total, more or less."""
    here, moved = cell(row, _REACHES), cell(row, _AMOUNT)
    before = cell(row - 1, _REACHES)
    formulas = ("0", here, "0", "0") if total else ("0", "0", "0", "0")
    values = (0.0, reached, 0.0, 0.0)
    if not total:
        formulas = (f"MIN({before},{here})", "0", f"MAX({moved},0)", f"MAX(-{moved},0)")
        values = (min(reached, round(reached - amount, 2)), 0.0, max(amount, 0.0), max(-amount, 0.0))
    for column, formula, value in zip((_FOOT, _TOTAL, _MORE, _LESS), formulas, values, strict=True):
        book.formula(sheet, row, column, formula, value, "faint")


def _to_budget(book: Book, sheet: Any, last: int, mean: float) -> int:
    """What lies between the mean and the budget, and the budget; returns the last row."""
    plan, row = book.plan, last + 1
    gap = round(plan.budget - mean, 2)
    level = f"P{plan.confidence * 100:g}"
    book.formula(
        sheet, row, _STEP, '"from the mean to P"&ROUND(confidence*100,4)', f"from the mean to {level}", "plain"
    )
    book.formula(sheet, row, _AMOUNT, f"ROUND(plan_budget-{cell(last, _REACHES)},2)", gap)
    book.formula(sheet, row, _REACHES, f"ROUND({cell(last, _REACHES)}+{cell(row, _AMOUNT)},2)", plan.budget)
    _drawn(book, sheet, row, total=False, amount=gap, reached=plan.budget)
    row += 1
    book.formula(sheet, row, _STEP, '"budget (P"&ROUND(confidence*100,4)&")"', f"budget ({level})", "plain_total")
    book.formula(sheet, row, _AMOUNT, "plan_budget", plan.budget, "cents_total")
    book.formula(sheet, row, _REACHES, cell(row, _AMOUNT), plan.budget, "cents_total")
    for column in (_P10, _P50, _P90):
        book.text(sheet, row, column, "", "plain_total")
    _drawn(book, sheet, row, total=True, amount=plan.budget, reached=plan.budget)
    return row


def _sums(book: Book, sheet: Any, rows: tuple[int, int], row: int, told: Sequence[float]) -> None:
    """The change, what the steps come to, and what they leave unexplained."""
    first, last = rows
    change, steps = round(told[-1] - told[0], 2), round(sum(told[1:-1]), 2)
    of = f"SUM({block(first + 1, last - 1, _AMOUNT)})" if last - first > 1 else "0"
    less = f"ROUND({cell(row, _AMOUNT)}-{cell(row + 1, _AMOUNT)},2)"
    lines = (
        ("change", f"ROUND({cell(last, _AMOUNT)}-{cell(first, _AMOUNT)},2)", change),
        ("sum of the steps", f"ROUND({of},2)", steps),
        ("residual: 0 where all is told", less, round(change - steps, 2)),
    )
    for i, (name, formula, value) in enumerate(lines):
        book.text(sheet, row + i, _STEP, name)
        book.formula(sheet, row + i, _AMOUNT, formula, value)


def _waterfall(book: Book, sheet: Any, rows: tuple[int, int], at: int, title: str) -> None:
    """A native chart: bars that stand on unseen feet."""
    chart = book.file.add_chart({"type": "column", "subtype": "stacked"})
    labels = {"value": True, "num_format": "#,##0;-#,##0;;"}
    looks = (
        (_FOOT, "foot", {"fill": {"none": True}, "border": {"none": True}, "gap": 40}),
        (_TOTAL, "total", {"fill": {"color": _DARK}, "data_labels": labels | {"font": {"color": "#ffffff"}}}),
        (_MORE, "more", {"fill": {"color": _ORANGE}, "data_labels": labels}),
        (_LESS, "less", {"fill": {"color": _BLUE}, "data_labels": labels}),
    )
    for column, name, look in looks:
        names, values = (["Bridge", rows[0], c, rows[1], c] for c in (_STEP, column))
        chart.add_series({"name": name, "categories": names, "values": values, **look})
    dressed(chart, one_line(f"{title}, {book.plan.currency}", 120))
    chart.set_legend({"position": "bottom", "delete_series": [0]})
    chart.set_size({"width": 660, "height": 340})
    sheet.insert_chart(at, 0, chart, {"description": "A waterfall: totals, and each step on top of those before it."})
