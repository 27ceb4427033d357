"""The numbers that pictures show. Comes in: a BudgetPlan, a Bridge. Goes out: HTML tables, money as shown elsewhere."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from forecast.drawing import one_line, percent, share_range
from forecast.shown.cells import MISSING, amount
from scenarios.bridging import Bridge
from scenarios.budget.budget_plan import LEVELS, BudgetPlan
from scenarios.report.months import months_of
from scenarios.report.tables import NAME, Row, budget_cells, round_to, rows_html, scale_of

#: The most environments that stand side by side; of more, quarters do.
ABREAST = 7
#: What a picture's months are drawn by.
BAND = (0.1, 0.5, 0.9)
#: How far shown amounts may lie from their own, in shown units: each cell of a month is rounded by less than one.
OFF = 8.0


def budgets_table(plan: BudgetPlan) -> str:
    """The budget at a glance: months by environments, with quarters, the total, each one's share and its policy.

    Of many environments, a row each by quarters.
    """
    cells, quarter = budget_cells(plan)
    scale = scale_of(plan)
    caption = f"Money in {plan.currency}, rounded so that what is shown adds up."
    if len(cells.columns) > ABREAST:
        sums = cells.groupby(quarter.to_numpy(), sort=False).sum().T
        rows = [_sums("cell", name, line, scale) for name, line in sums.iterrows()]
        return rows_html(
            ["environment"], [*sums.columns, "total"], [*rows, _sums("total", "total", sums.sum(), scale)], caption
        )
    rows, several = [], quarter.nunique() > 1
    for name, part in cells.groupby(quarter.to_numpy(), sort=False):
        rows += [_sums("cell", month, line, scale) for month, line in part.iterrows()]
        if several:
            rows.append(_sums("quarter", name, part.sum(), scale))
    whole = cells.sum()
    rows.append(_sums("total", "total", whole, scale))
    if plan.budget > 0:
        shares = [f"{part / float(whole.sum()) * 100:.1f} %" for part in whole]
        rows.append(Row("cell", ("share",), (*shares, "100 %")))
    split = plan.spec.environments
    if split is not None and split.ranges:
        ranges = {name: share_range(low, high) for name, low, high in split.ranges}
        rows.append(Row("cell", ("policy range",), (*(ranges.get(name, MISSING) for name in cells.columns), "")))
    return rows_html(["month"], [*(one_line(name, NAME) for name in cells.columns), "total"], rows, caption)


def months_table(plan: BudgetPlan) -> str:
    """What the fan draws: months known, between and planned."""
    told, scale = months_of(plan), scale_of(plan)
    sums = (budget_cells(plan)[0].sum(axis=1) / scale).to_dict()  # a month reads the same in every table
    rows, other_months = [], False
    for month, value in told.known.items():
        rows.append(Row("cell", (str(month), "history"), (_money(value, scale), *[MISSING] * 3)))
    for what, months, draws in (("gap", told.gap_months, told.gap), ("plan", told.months, told.planned)):
        bands = np.quantile(draws, BAND, axis=0).T if len(months) else ()
        for i, (month, (low, middle, high)) in enumerate(zip(months, bands, strict=True)):
            budget = MISSING
            if what == "plan":
                planned, own = float(sums.get(str(month), math.inf)), float(told.budget[i])
                other = abs(planned - own) >= OFF / scale
                budget, other_months = _money(own if other else planned, scale), other_months or other
            rows.append(Row("cell", (str(month), what), (*(_money(v, scale) for v in (middle, low, high)), budget)))
    caption = f"Money in {plan.currency}. Spent, of a month of history; P50, P10 and P90 of one to come."
    if other_months:
        caption += " Months are calendar months, with what was spent in them before the plan."
    return rows_html(["month", "part"], ["spent or P50", "P10", "P90", "budget"], rows, caption)


def levels_table(plan: BudgetPlan) -> str:
    """The total at the levels that a budget is decided by, each with its standard error."""
    scale = scale_of(plan)
    roles = {0.5: "base", plan.confidence: "budget"}
    rows = [
        Row(
            "total" if level == plan.confidence else "cell",
            (f"P{level * 100:g}",),
            (_money(plan.quantile(level), scale), _money(plan.standard_error(level), scale), roles.get(level, "")),
        )
        for level in sorted({*LEVELS.values(), plan.confidence})
    ]
    mean = plan.levels().loc["mean", ["amount", "standard_error", "percentile"]].to_numpy("float64")
    expected, error = (_money(v, scale) for v in mean[:2])
    rows.append(Row("cell", ("mean",), (expected, error, f"expected, at P{mean[2] * 100:.0f}")))
    caption = (
        f"Money in {plan.currency} over the horizon. The standard error is that of finite futures and past errors."
    )
    return rows_html(["level"], ["enough", "standard error", "is"], rows, caption, words=1)


def policy_table(plan: BudgetPlan, by: str) -> str:
    """What each part of a split wants, may have, and gets."""
    table, scale = plan.policy(by), scale_of(plan)
    if list(table.index.names) == ["environment"]:
        budgets = budget_cells(plan)[0].sum().reindex(table.index).to_numpy("float64")
    else:
        budgets = round_to(exact := table["budget"].to_numpy("float64") * scale, round(float(exact.sum())))
    rows = []
    for (name, part), budget in zip(table.iterrows(), budgets, strict=True):
        labels = name if isinstance(name, tuple) else (name,)
        wants = [_share(float(part[c])) for c in ("demand_p10", "demand_p50", "demand_p90")]
        low, high = float(part["low"]), float(part["high"])
        may = MISSING if math.isnan(low) else share_range(low, high)
        over = float(part["overrun"])
        moved = _money(float(part["transfer"]), scale)
        cells = (*wants, may, moved, _money(budget / scale, scale), MISSING if math.isnan(over) else percent(over))
        rows.append(Row("cell", tuple(one_line(label, NAME) or "-" for label in labels), cells))
    heads = ["wants, P10", "P50", "P90", "policy range", "policy moves", "budget", "overruns in"]
    caption = (
        f"Shares of the money of what a part is part of; money in {plan.currency}. What policy moves is a mean of all "
        "futures. Overruns: futures in which what it wants exceeds its budget."
    )
    return rows_html([str(n) for n in table.index.names], heads, rows, caption)


def funding_table(plan: BudgetPlan) -> str:
    """The staircase from base to funding."""
    table, scale = plan.funding_table(), scale_of(plan)
    rows = []
    for name, step in table.iterrows():
        covers = float(step["covers"])
        cells = (
            _money(float(step["amount"]), scale),
            _money(float(step["reaches"]), scale),
            MISSING if math.isnan(covers) else percent(covers),
            one_line(step["held_by"], NAME) if isinstance(step["held_by"], str) else "",
        )
        rows.append(Row("total" if step["kind"] == "sum" else "cell", (one_line(name, 2 * NAME),), cells))
    heads = ["amount", "reaches", "is enough in", "held by"]
    return rows_html(["step"], heads, rows, f"Money in {plan.currency} over the horizon.", words=1)


def bridge_table(plan: BudgetPlan, bridge: Bridge) -> str:
    """The steps of a bridge."""
    table, scale = bridge.table((0.1, 0.9)), scale_of(plan)
    last = len(table) - 1
    rows = [
        Row("total" if i in {0, last} else "cell", (one_line(step, 2 * NAME),), tuple(_money(v, scale) for v in money))
        for i, (step, *money) in enumerate(table[["step", "mean", "p10", "p90"]].itertuples(index=False))
    ]
    caption = f"Money in {bridge.currency}. Means add up; P10 and P90 are each row's own and do not."
    return rows_html(["step"], ["mean", "P10", "P90"], rows, caption)


def _sums(kind: str, name: object, line: Iterable[int], scale: int) -> Row:
    """A row of whole amounts and their sum."""
    amounts = [int(v) for v in line]
    told = tuple(_money(v / scale, scale) for v in (*amounts, sum(amounts)))
    return Row(kind, (one_line(name, NAME) or "-",), told)  # type: ignore[arg-type]


def _money(value: float, scale: int) -> str:
    """An amount in whole units, or to the cent of a small plan."""
    return amount(float(value), 0 if scale == 1 else 2)


def _share(value: float) -> str:
    return MISSING if math.isnan(value) else f"{value * 100:.0f} %"
