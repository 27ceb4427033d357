"""Budgets at each confidence. Comes in: a BudgetPlan. Goes out: its finest cells at several levels, and their sheet.

What other sheets show is summed from here, so that they follow the confidence that is chosen on the summary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from forecast.errors import PlanError
from forecast.panel import FloatArray, IntArray
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.earmarking import check_within
from scenarios.budget.ledger import LINE
from scenarios.report.book.writing import HEADER_ROW, Book, block, cell

#: The levels that the confidence can be set to, beside the plan's own.
CHOICES: Final = (0.50, 0.60, 0.70, 0.75, 0.80, 0.85, 0.90, 0.95)
#: The most cells that are told one by one; of larger plans they are put together.
MOST_CELLS: Final = 3_000
SHEET: Final = "Levels"
PERIODS: Final = ("quarter", "month")


@dataclass(frozen=True, slots=True)
class Levels:
    """A plan's cells at several confidences.

    Attributes
    ----------
    levels : tuple of float (level,)
    plans : tuple of BudgetPlan (level,)
        The plan at each.
    chosen : int
        Which of them is the plan's own.
    labels : DataFrame (cell,)
        ``quarter``, ``month`` and what else is kept apart.
    base, budget : float array (cell, level)
        Money in whole cents; a column of ``budget`` sums to the total's quantile at that level.
    whole : bool
        Whether nothing was put together: a cell is a month and row of the ledger.
    """

    levels: tuple[float, ...]
    plans: tuple[BudgetPlan, ...]
    chosen: int
    labels: pd.DataFrame
    base: FloatArray
    budget: FloatArray
    whole: bool

    @property
    def detail(self) -> list[str]:
        """What is kept apart beside months."""
        return [str(c) for c in self.labels.columns if c not in PERIODS]

    def numbers(self, index: pd.Index) -> IntArray:
        """Which row of a table each cell belongs to, from 1; 0 where to none: (cell,)."""
        keys = self.labels[list(index.names)]
        every = pd.Index(keys.iloc[:, 0]) if len(index.names) == 1 else pd.MultiIndex.from_frame(keys)
        return np.asarray(index.get_indexer(every)) + 1


def levels_of(plan: BudgetPlan) -> Levels:
    """The plan's cells at its own confidence and at :data:`CHOICES`, as far as its reserves allow a level."""
    made = {plan.confidence: plan}
    for level in CHOICES:
        if min(abs(level - known) for known in made) > 1e-9 and (other := plan_at(plan, level)) is not None:
            made[level] = other
    levels = tuple(sorted(made))
    plans = tuple(made[level] for level in levels)
    detail, whole = _detail(plan)
    columns = [*PERIODS, *detail]
    labels, _ = plan.ledger.groups(columns)
    index = pd.MultiIndex.from_frame(labels)
    budget = np.stack([_cells(p, columns, at, index) for p, at in zip(plans, levels, strict=True)], axis=1)
    median = _cells(plan, columns, 0.5, index)
    base = np.stack([median if p.ledger is plan.ledger else _cells(p, columns, 0.5, index) for p in plans], axis=1)
    return Levels(levels, plans, levels.index(plan.confidence), labels, base, budget, whole)


def plan_at(plan: BudgetPlan, level: float) -> BudgetPlan | None:
    """The plan at another confidence, as ``plan.replan`` makes it; None where its reserves don't allow the level."""
    follows = any(split.basis == "equal risk" for split in plan.spec.splits)
    sized = any(r.funds is not None and r.amount is None for r in plan.spec.laid.reserves)
    try:
        if follows or sized:
            return plan.replan(confidence=level)
        made = replace(plan, spec=replace(plan.spec, confidence=level))
        check_within(list(made.earmarks), made)
    except PlanError:
        return None
    return made


def _detail(plan: BudgetPlan) -> tuple[list[str], bool]:
    """What cells keep apart: all that the ledger does, or of a large plan what the other sheets show."""
    every = [str(c) for c in plan.ledger.labels.columns]
    if len(plan.ledger.days) * len(plan.ledger.labels) <= MOST_CELLS:
        return every, True
    split = list(dict.fromkeys(["environment", *(str(c) for level in plan.ledger.levels for c in [level.split.by])]))
    with_line = [LINE, *split]
    fits = len(plan.ledger.groups(["month", *with_line])[0]) <= MOST_CELLS
    return (with_line if fits else split), False


def _cells(plan: BudgetPlan, columns: list[str], level: float, index: pd.MultiIndex) -> FloatArray:
    """Money of each cell of an index at a level, to the cent: (cell,)."""
    labels, group = plan.ledger.groups(columns)
    cents = np.bincount(group.ravel(), weights=plan.cents(level), minlength=len(labels))
    own = pd.MultiIndex.from_frame(labels)
    if own.equals(index):
        return cents / 100.0
    found = pd.Series(cents / 100.0, index=own)
    return np.asarray(found.reindex(index).fillna(0.0), dtype="float64")


class LiveLevels:
    """Formulas over the sheet of levels: what other sheets show of it.

    The ranges have names: ``lv_base`` and ``lv_budget`` hold each cell at the chosen confidence, ``plan_base`` and
    ``plan_budget`` their sums, and ``lv_month`` and the like the number of each cell's row in the table of that name.
    """

    def __init__(self, levels: Levels, tables: Mapping[str, pd.Index]) -> None:
        self.levels = levels
        self.keys = {name: levels.numbers(index) for name, index in tables.items()}

    def sums(self, amount: str, **rows: int) -> str:
        """The formula of the money in rows of some tables, such as month=1, environment=2."""
        asked = "".join(f",lv_{name},{number}" for name, number in rows.items())
        return f"ROUND(SUMIFS(lv_{amount}{asked}),2)"

    def picked(self, first: str) -> str:
        """The formula of one of the cells that begin at ``first``, a level each, at the chosen confidence."""
        return f"INDEX({first},level_no)"

    def write(self, book: Book) -> None:
        """Write the sheet, the names that formulas say, and what each level's cells come to."""
        levels, plan = self.levels, book.plan
        grain = "month and row of the plan" if levels.whole else f"month, {', '.join(levels.detail)}"
        large = "" if levels.whole else f" The plan is large: cells are put together by {', '.join(levels.detail)}."
        sheet = book.sheet(
            SHEET,
            "The plan at each confidence",
            f"What the other sheets sum: one row a {grain}, in {plan.currency}, to the cent. 'budget' is the column of "
            f"the confidence that is chosen on the sheet Summary.{large}",
        )
        labels, keys, count = list(levels.labels.columns), list(self.keys), len(levels.levels)
        several = not np.array_equal(levels.base, np.repeat(levels.base[:, :1], count, axis=1))
        at = _Columns(len(labels), len(keys), count, several)
        book.heads(sheet, HEADER_ROW, ["whole plan"], [])
        for i, level in enumerate(levels.levels):
            sheet.write_number(HEADER_ROW, at.levels + i, level, book.looks["head_level"])
        row = HEADER_ROW + 1
        book.text(sheet, row, 0, "column of the chosen confidence")
        heads = f"{cell(HEADER_ROW, at.levels, fixed=True)}:{cell(HEADER_ROW, at.levels + count - 1, fixed=True)}"
        book.formula(sheet, row, at.budget, f"MATCH(confidence,{heads},0)", levels.chosen + 1, "count")
        book.name("level_no", cell(row, at.budget, sheet=SHEET, fixed=True))
        book.name("level_list", f"{SHEET}!{heads}")
        first = HEADER_ROW + 5
        last = first + len(levels.labels) - 1
        self._whole(book, sheet, at, row + 1, (first, last))
        book.heads(sheet, first - 1, labels, [f"no. {name}" for name in keys])
        heads_of_money = ["base (P50)", *["base at"] * (count if several else 0), "budget", *["budget at"] * count]
        for column, name in enumerate(heads_of_money, start=at.base):
            book.text(sheet, first - 1, column, name, "head_right")
        for column, name in enumerate(labels):
            for i, value in enumerate(levels.labels[name]):
                book.text(sheet, first + i, column, value)
        for column, name in enumerate(keys, start=at.keys):
            sheet.write_column(first, column, self.keys[name].tolist(), book.looks["count"])
            book.name(f"lv_{name}", block(first, last, column, sheet=SHEET, fixed=True))
        for i in range(len(levels.labels)):
            self._cell(book, sheet, at, first + i, i)
        book.name("lv_base", block(first, last, at.base, sheet=SHEET, fixed=True))
        book.name("lv_budget", block(first, last, at.budget, sheet=SHEET, fixed=True))
        sheet.set_column(0, len(labels) - 1, 15)
        sheet.set_column(at.keys, at.base - 1, 12)
        sheet.set_column(at.base, at.levels + count - 1, 14)
        sheet.freeze_panes(first, 0)
        sheet.repeat_rows(first - 1)

    def _whole(self, book: Book, sheet: Any, at: _Columns, row: int, cells: tuple[int, int]) -> None:
        """The sums of all cells, at the chosen confidence and at each."""
        levels = self.levels
        book.text(sheet, row, 0, "total of the cells below", "strong")
        own = levels.plans[levels.chosen]
        for name, column, value in (("base", at.base, own.base), ("budget", at.budget, own.budget)):
            book.formula(sheet, row, column, f"ROUND(SUM({block(*cells, column)}),2)", value, "cents_total")
            book.name(f"plan_{name}", cell(row, column, sheet=SHEET, fixed=True))
        for i in range(len(levels.levels)):
            value = round(float(levels.budget[:, i].sum()), 2)
            formula = f"ROUND(SUM({block(*cells, at.levels + i)}),2)"
            book.formula(sheet, row, at.levels + i, formula, value, "cents_total")

    def _cell(self, book: Book, sheet: Any, at: _Columns, row: int, i: int) -> None:
        """The money of one cell: at each level, and at the chosen one."""
        levels = self.levels
        if at.several:
            sheet.write_row(row, at.base + 1, levels.base[i].tolist(), book.looks["cents"])
            of = f"{cell(row, at.base + 1)}:{cell(row, at.base + at.count)}"
            book.formula(sheet, row, at.base, self.picked(of), levels.base[i, levels.chosen])
        else:
            book.number(sheet, row, at.base, levels.base[i, 0])
        sheet.write_row(row, at.levels, levels.budget[i].tolist(), book.looks["cents"])
        of = f"{cell(row, at.levels)}:{cell(row, at.levels + at.count - 1)}"
        book.formula(sheet, row, at.budget, self.picked(of), levels.budget[i, levels.chosen])


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where things stand on the sheet of levels: so many labels, keys and levels; ``several``: base has levels too."""

    labels: int
    key_count: int
    count: int
    several: bool

    @property
    def keys(self) -> int:
        """The first column of numbers of rows."""
        return self.labels

    @property
    def base(self) -> int:
        """The base at the chosen confidence."""
        return self.labels + self.key_count

    @property
    def budget(self) -> int:
        """The budget at the chosen confidence."""
        return self.base + 1 + (self.count if self.several else 0)

    @property
    def levels(self) -> int:
        """The first level's budget."""
        return self.budget + 1
