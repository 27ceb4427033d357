"""Environments and their shares. Comes in: a BudgetPlan. Goes out: a sheet on which a share can be typed.

As long as none is typed, everything is the plan's own. Typed shares hold in every month, as a split's do: environment e
gets round(u_e B) of the whole B, the last one what is left; its month m gets the step from m - 1 to m of
round(u_e B_1..m), where B_1..m is what all months to m hold. So environments sum to months, and months to environments,
to the cent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from scenarios.budget.budget_plan import LEVELS
from scenarios.report.book.levels import LiveLevels
from scenarios.report.book.tables import Placed, write_table
from scenarios.report.book.writing import ADDING, HEADER_ROW, Book, block, cell, note

#: Shares are told to the hundredth of a per cent: what lies within half of one of the policy's end lies at it.
_CLOSE = 0.00005
#: Columns of the table of shares.
_PLANNED, _TYPED, _USED, _DEMAND, _LOW, _CHECK = 1, 2, 3, 4, 5, 9


@dataclass(frozen=True, slots=True)
class Shared:
    """The sheet as it stands: its table, the cells that say what is wrong, and the row that holds months against it."""

    placed: Placed
    warnings: str
    differences: str


@dataclass(frozen=True, slots=True)
class _Inputs:
    """Where shares stand: planned, typed and used, of ``count`` environments from the row ``first`` on."""

    first: int
    count: int

    @property
    def last(self) -> int:
        """The last environment's row."""
        return self.first + self.count - 1

    def planned(self, row: int) -> str:
        """The planned share."""
        return cell(row, _PLANNED, fixed=True)

    def typed(self, row: int) -> str:
        """The share that is typed, or blank."""
        return cell(row, _TYPED, fixed=True)

    def used(self, row: int) -> str:
        """The share that is used."""
        return cell(row, _USED, fixed=True)

    @property
    def all_typed(self) -> str:
        """The cells to type in."""
        return block(self.first, self.last, _TYPED, fixed=True)

    @property
    def all_planned(self) -> str:
        """The planned shares."""
        return block(self.first, self.last, _PLANNED, fixed=True)

    @property
    def all_used(self) -> str:
        """The shares in use."""
        return block(self.first, self.last, _USED, fixed=True)

    def using(self, row: int) -> str:
        """What is used: the typed share; else the planned one, or once another is typed its part of what that leaves.

        What is left is dealt in the proportions of the plan.
        """
        blank = f'SUMPRODUCT(--({self.all_typed}=""),{self.all_planned})'
        left = f"(1-SUM({self.all_typed}))"
        part = f"IF({blank}=0,{left}/COUNTBLANK({self.all_typed}),{left}*{self.planned(row)}/{blank})"
        own = cell(row, _TYPED)
        return f"IF(COUNT({self.all_typed})=0,{self.planned(row)},IF(ISNUMBER({own}),{own},{part}))"

    def given(self, planned: str, typed: str) -> str:
        """What is planned while no share is typed, else what the typed ones give."""
        return f"IF(SUMPRODUCT(--({self.all_used}<>{self.all_planned}))=0,{planned},{typed})"

    def part(self, row: int, of: str) -> str:
        """The part of some money that the share in use gives."""
        return f"ROUND({self.used(row)}*{of},2)"

    def wrong(self, row: int) -> str:
        """What is wrong with the share that is used, in words, or nothing."""
        used, low, high = cell(row, _USED), cell(row, _LOW), cell(row, _LOW + 1)
        out = f"OR({used}<{low}-{_CLOSE:.5f},{used}>{high}+{_CLOSE:.5f})"
        inside = f'IF(ISNUMBER({low}),IF({out},"outside the policy",""),"")'
        return f'IF({used}={cell(row, _PLANNED)},"",IF({used}<0,"below zero",{inside}))'


def environments(book: Book, live: LiveLevels) -> Shared:
    """Environments, their policy and shares to type, and each month's budget by environment."""
    plan = book.plan
    sheet = book.sheet("Environments", "The plan by environment", note(plan))
    table = plan.table("environment", demand=True)
    count = len(table)
    at = _Inputs(HEADER_ROW + count + 6, count)
    formulas = {amount: [_budget(at, e, amount) for e in range(count)] for amount in ("base", "budget")}
    placed = write_table(book, live, sheet, table, "environment", formulas=formulas)
    _shares(book, live, sheet, at, table)
    differences = _months(book, live, sheet, at, placed)
    sheet.set_column(_CHECK, _CHECK, 22)
    return Shared(placed, block(at.first, at.last + 1, _CHECK, sheet="Environments", fixed=True), differences)


def _budget(at: _Inputs, e: int, amount: str) -> str:
    """Base or budget of an environment: what is planned, or what typed shares give; the last has what is left."""
    if e == at.count - 1:
        column, first = 1 + len(LEVELS) + ADDING.index(amount), HEADER_ROW + 1
        others = f"-SUM({block(first, first + e - 1, column)})" if e else ""
        return f"ROUND(plan_{amount}{others},2)"
    planned = f"ROUND(SUMIFS(lv_{amount},lv_environment,{e + 1}),2)"
    return at.given(planned, at.part(at.first + e, f"plan_{amount}"))


def _shares(book: Book, live: LiveLevels, sheet: Any, at: _Inputs, table: pd.DataFrame) -> None:
    """The table of shares: planned, typed, used, wanted, the policy's, and what is wrong with them."""
    told = "Shares: type yours in a yellow cell; they hold in every month, blank ones share what is left, totals stay"
    book.text(sheet, at.first - 2, 0, told, "strong")
    heads = ["share planned", "your share", "share used", "demand share", "policy from", "policy to"]
    book.heads(sheet, at.first - 1, ["environment"], [*heads, "share given (P50)", "demand over budget"])
    book.text(sheet, at.first - 1, _CHECK, "check", "head_aside")
    whole = float(table["budget"].sum())
    policy = _policy(book.plan, table)
    for e, name in enumerate(table.index):
        row = at.first + e
        share = float(table["budget"].iloc[e]) / whole if whole else 0.0
        planned = f"IF(plan_budget=0,0,{live.sums('budget', environment=e + 1)}/plan_budget)"
        book.text(sheet, row, 0, name)
        book.formula(sheet, row, _PLANNED, planned, share, "fine_share")
        book.number(sheet, row, _TYPED, float("nan"), "fine_share_input")
        book.formula(sheet, row, _USED, at.using(row), share, "fine_share")
        seen = (table["demand_share"], policy["low"], policy["high"], policy["share"], table["overrun"])
        for column, values in enumerate(seen, start=_DEMAND):
            book.number(sheet, row, column, float(values.iloc[e]), "share")
        book.formula(sheet, row, _CHECK, at.wrong(row), "", "warning")
    _totals(book, sheet, at)
    sheet.data_validation(
        at.first,
        _TYPED,
        at.last,
        _TYPED,
        {
            "validate": "decimal",
            "criteria": "between",
            "minimum": 0,
            "maximum": 1,
            "input_title": "Your share",
            "input_message": "A part of the whole, such as 18%. Blank: as planned, or what the typed ones leave.",
            "error_title": "Not a share",
            "error_message": "A share lies between 0% and 100%.",
        },
    )


def _policy(plan: Any, table: pd.DataFrame) -> pd.DataFrame:
    """The policy's ends and what the split gives, an environment a row; NaN where there is none."""
    blank = pd.DataFrame(float("nan"), index=table.index, columns=["low", "high", "share"])
    split = plan.spec.environments
    if split is None:
        return blank
    for name, low, high in split.ranges:
        if name in blank.index:
            blank.loc[name, ["low", "high"]] = [low, high]
    return blank.assign(share=plan.shares("environment").median().reindex(table.index))


def _totals(book: Book, sheet: Any, at: _Inputs) -> None:
    """Sums of the shares, and whether typed ones are a whole."""
    row = at.last + 1
    book.text(sheet, row, 0, "Total", "plain_total")
    for column, value in ((_PLANNED, 1.0), (_TYPED, 0.0), (_USED, 1.0)):
        book.formula(sheet, row, column, f"SUM({block(at.first, at.last, column)})", value, "fine_share_total")
    for column in range(_DEMAND, _CHECK):
        book.text(sheet, row, column, "", "plain_total")
    wrong = f"AND(plan_budget<>0,ABS(SUM({at.all_used})-1)>{_CLOSE:.5f})"
    book.formula(sheet, row, _CHECK, f'IF({wrong},"shares don\'t sum to 1","")', "", "warning")


def _months(book: Book, live: LiveLevels, sheet: Any, at: _Inputs, placed: Placed) -> str:
    """Budgets by month and environment, quarters under them; returns the cells that hold them against the table."""
    plan, start = book.plan, at.last + 5
    budget = plan.table(["month", "environment"])["budget"].unstack().reindex(columns=plan.table("environment").index)
    budget = budget.reindex(plan.table("month").index).fillna(0.0)
    money = budget.to_numpy(dtype="float64")
    whole = np.round(money.sum(axis=1), 2)
    to_date = np.round(np.cumsum(whole), 2)
    count, first = at.count, start + 1
    last, pool = start + len(money), at.count + 2
    names = [str(name) for name in budget.columns]
    book.text(sheet, start - 1, 0, f"Budget by month and environment, {plan.currency}", "strong")
    book.heads(sheet, start, ["month"], [*names, "Total", "to deal out", "to date"])
    for i, label in enumerate(budget.index):
        row = first + i
        book.text(sheet, row, 0, label)
        for e in range(count):
            planned = f"SUMIFS(lv_budget,lv_month,{i + 1},lv_environment,{e + 1})"
            book.formula(sheet, row, 1 + e, _cell(at, row, e, first, pool, planned), money[i, e])
        book.formula(sheet, row, count + 1, f"SUM({cell(row, 1)}:{cell(row, count)})", whole[i])
        book.formula(sheet, row, pool, live.sums("budget", month=i + 1), whole[i])
        sums = f"ROUND(SUM({cell(first, pool, fixed=True)}:{cell(row, pool)}),2)"
        book.formula(sheet, row, pool + 1, sums, to_date[i])
    book.text(sheet, last + 1, 0, "Total", "plain_total")
    book.text(sheet, last + 2, 0, "less above", "aside")
    for e, value in enumerate(np.round([*money.sum(axis=0), money.sum()], 2)):
        book.formula(sheet, last + 1, 1 + e, f"SUM({block(first, last, 1 + e)})", float(value), "cents_total")
        above = cell(placed.first + e, placed.column("budget"))
        book.formula(sheet, last + 2, 1 + e, f"ROUND({cell(last + 1, 1 + e)}-{above},2)", 0.0)
    _quarters(book, sheet, budget, (first, last))
    return f"{cell(last + 2, 1, sheet='Environments', fixed=True)}:{cell(last + 2, count + 1, fixed=True)}"


def _cell(at: _Inputs, row: int, e: int, first: int, pool: int, planned: str) -> str:
    """One environment's month: what is planned, or the step of what typed shares give; the last has what is left."""
    if e == at.count - 1:
        others = f"-SUM({cell(row, 1)}:{cell(row, e)})" if e else ""
        return f"ROUND({cell(row, pool)}{others},2)"
    to_date = at.part(at.first + e, cell(row, pool + 1))
    before = f"-{at.part(at.first + e, cell(row - 1, pool + 1))}" if row > first else ""
    return at.given(f"ROUND({planned},2)", f"ROUND({to_date}{before},2)")


def _quarters(book: Book, sheet: Any, money: pd.DataFrame, cells: tuple[int, int]) -> None:
    """Quarters under the months."""
    quarters = book.plan.table(["quarter", "month"]).index.get_level_values("quarter")
    names = list(dict.fromkeys(quarters))
    if len(names) < 2:
        return
    row, start = cells[1] + 4, cells[0]
    book.heads(sheet, row, ["quarter"], [*(str(name) for name in money.columns), "Total"])
    for name in names:
        row += 1
        end = start + int((quarters == name).sum())
        book.text(sheet, row, 0, name)
        held = money.iloc[start - cells[0] : end - cells[0]].sum()
        for column, value in enumerate([*held, held.sum()], start=1):
            book.formula(sheet, row, column, f"SUM({block(start, end - 1, column)})", round(float(value), 2))
        start = end
