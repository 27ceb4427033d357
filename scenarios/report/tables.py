"""Tables of a plan, as text and HTML. Comes in: a BudgetPlan. Goes out: money rounded so that what is shown adds up."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from forecast.drawing import one_line, percent, span_words
from forecast.panel import FloatArray, IntArray
from forecast.shown import CellKind, Mark, Shown, Table, rows_as
from forecast.shown.cells import WHOLE_FROM
from forecast.shown.html import table_html
from forecast.shown.text import table_text
from scenarios.budget.alternatives import Alternative
from scenarios.budget.assumed import with_date
from scenarios.budget.budget_plan import LEVELS, BudgetPlan
from scenarios.budget.ledger import columns_of
from scenarios.report.months import as_of

#: Money columns of a shown table, in order; those of LEVELS are each row's own quantiles, the others add up.
ADDING = ("base", "contingency", "budget")
MONEY = (*LEVELS, *ADDING)
#: Columns of a terminal that prose is wrapped to, and of a name.
WIDTH, NAME = 100, 28

NOTE = (
    "P10 to P95 are each row's own quantiles and do not add; base (P50), contingency and budget do, "
    "and are rounded so that what is shown adds up."
)
#: No line is broken for its length.
UNBROKEN = 10_000


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a shown table: its labels, and cells (column,) ready to be read, a plan's in the order of MONEY."""

    kind: Mark
    labels: tuple[str, ...]
    money: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Headline:
    """The plan in one figure and what it is made of, as text; the parts add up to the whole as shown."""

    title: str
    budget: str
    base: str
    contingency: str
    reserves: tuple[tuple[str, str], ...]
    funding: str
    stress: tuple[str, str]
    error: str
    over: str | None


def round_to(amounts: FloatArray, total: int) -> IntArray:
    """Whole numbers that sum to ``total``, each within one of its amount: the largest remainders are rounded up."""
    floor = np.floor(amounts)
    up = total - int(floor.sum())
    order = np.argsort(floor - amounts, kind="stable")
    found = floor.astype(np.intp)
    if len(found):
        each, extra = divmod(up, len(found))
        found += each
        found[order[:extra]] += 1
    return found


def scale_of(plan: BudgetPlan) -> int:
    """Parts of the currency's unit that money is shown in: 1, or 100 for a small plan."""
    return 1 if abs(plan.budget) >= WHOLE_FROM else 100


def shown(plan: BudgetPlan, by: Sequence[str]) -> pd.DataFrame:
    """The plan's table in whole units (:func:`scale_of`), quarters rounded first, so that each sum is what it shows.

    Index as in the plan's table; columns :data:`MONEY` and ``quarter``, which is empty unless ``by`` tells months.
    """
    table, scale = plan.table(list(by)), scale_of(plan)
    out = (table[list(LEVELS)] * scale).round().astype("int64")
    if "month" in by or "quarter" in by:
        labels, _ = plan.ledger.groups(list(dict.fromkeys(["quarter", *by])))
        keys = labels[list(by)]
        places = pd.Index(keys.iloc[:, 0]) if len(by) == 1 else pd.MultiIndex.from_frame(keys)
        quarter = pd.Series(labels["quarter"].to_numpy(), index=places).reindex(table.index).to_numpy()
    else:
        quarter = np.full(len(table), "", dtype=object)
    for column in ("base", "budget"):
        exact = table[column].to_numpy(dtype="float64") * scale
        names, code = np.unique(quarter.astype(str), return_inverse=True)
        whole = round(round(float(exact.sum()), 6))  # cents that add up to a half are a half, as in the headline
        sums = round_to(np.asarray(np.bincount(code, weights=exact), dtype="float64"), whole)
        found = np.zeros(len(table), dtype=np.intp)
        for i in range(len(names)):
            found[code == i] = round_to(exact[code == i], int(sums[i]))
        out[column] = found
    out["contingency"] = out["budget"] - out["base"]
    return out[list(MONEY)].assign(quarter=quarter)


def budget_cells(plan: BudgetPlan) -> tuple[pd.DataFrame, pd.Series]:
    """The budget in shown units (:func:`scale_of`), months by environments, and each month's quarter."""
    table = shown(plan, ["month", "environment"])
    cells = table["budget"].unstack("environment").reindex(columns=list(plan.ledger.environments)).fillna(0)
    months = table.index.get_level_values("month")
    quarter = pd.Series(table["quarter"].to_numpy(), index=months).groupby(level=0).first()
    return cells, quarter.reindex(cells.index)


def rows_of(plan: BudgetPlan, by: Sequence[str]) -> list[Row]:
    """The rows of a shown table: cells, quarters, environments over the horizon, and the total."""
    names, scale = list(by), scale_of(plan)
    table = shown(plan, names)
    rows = []

    def add(kind: Mark, labels: Iterable[object], values: pd.Series) -> None:
        told = tuple(one_line(label, NAME) or ("" if kind == "total" else "-") for label in labels)
        rows.append(Row(kind, told, tuple(_amount(int(values[c]), scale) for c in MONEY)))

    def sums(column: str) -> pd.DataFrame:
        own = (plan.table(column)[list(LEVELS)] * scale).round()
        keys = table[column] if column == "quarter" else table.index.get_level_values(column)
        return own.join(table[list(ADDING)].groupby(np.asarray(keys)).sum())

    for key, values in table.iterrows() if names else ():
        add("cell", key if isinstance(key, tuple) else (key,), values)
    blank = [""] * (len(names) - 1)
    if "month" in names and table["quarter"].nunique() > 1:
        for name, values in sums("quarter").iterrows():
            add("quarter", (name, *["all"] * len(blank)), values)
    if len(names) > 1 and "environment" in names and len(plan.ledger.environments) > 1:
        for name, values in sums("environment").iterrows():
            add("part", ["all" if n != "environment" else name for n in names], values)
    whole = (plan.table([])[list(LEVELS)].iloc[0] * scale).round()
    add("total", ("total", *blank), pd.concat([whole, table[list(ADDING)].sum()]))
    return rows


def headline_of(plan: BudgetPlan, limit: float | None = None) -> Headline:
    """The plan's figures, rounded so that base and contingency make the budget, and reserves with it the funding."""
    scale = scale_of(plan)
    budget, base = round(plan.budget * scale), round(plan.base * scale)
    reserves = [(one_line(r.name, NAME), round(r.held * scale)) for r in plan.reserves]
    span = span_words(plan.projection.span.start, plan.projection.span.end)
    level = f"P{plan.confidence * 100:g}"
    over = None
    if limit is not None:
        over = f"{percent(plan.probability_over(limit))} of futures go over {plan.currency} {limit:,.0f}"
    return Headline(
        f"{one_line(plan.name, 80)}: {plan.currency} {_amount(budget, scale)} at {level} for {span}",
        _amount(budget, scale),
        _amount(base, scale),
        _amount(budget - base, scale),
        tuple((name, _amount(amount, scale)) for name, amount in reserves),
        _amount(budget + sum(amount for _, amount in reserves), scale),
        (_amount(round(plan.quantile(0.9) * scale), scale), _amount(round(plan.quantile(0.95) * scale), scale)),
        _amount(round(plan.standard_error(plan.confidence) * scale), scale),
        over,
    )


def plan_text(
    plan: BudgetPlan,
    by: Sequence[str] | str = ("month", "environment"),
    *,
    limit: float | None = None,
    width: int = WIDTH,
) -> str:
    """The plan as a report for a terminal: headline, table, quarters, total, assumptions.

    Parameters
    ----------
    plan : BudgetPlan
    by : sequence of str
        What a row of the table is; see :meth:`BudgetPlan.table`.
    limit : float, optional
        Money that the report tells the probability of going over.
    width : int
        Characters of a line of prose.
    """
    names = [by] if isinstance(by, str) else list(by)
    top, level = headline_of(plan, limit), f"P{plan.confidence * 100:g}"
    span = plan.projection.span
    lines = [top.title, f"  {top.budget} = base (P50) {top.base} + contingency {top.contingency}"]
    if top.reserves:
        held = ", ".join(f"{name} {amount}" for name, amount in top.reserves)
        lines.append(f"  funding {top.funding} = budget + reserves ({held})")
    lines.append(f"  stress: P90 {top.stress[0]}, P95 {top.stress[1]}; standard error of {level} {top.error}")
    if top.over:
        lines.append(f"  {top.over}")
    dates = f"{span.start:%Y-%m-%d} to {span.end:%Y-%m-%d}, as of {as_of(plan)}"
    lines += [f"  {dates}, {len(plan.totals):,} draws, money in {plan.currency}", ""]
    header = (*(names or [""]), *(n.upper() if n in LEVELS else n for n in MONEY))
    lines += [table_text(replace(plan_table(plan, names), heads=header), UNBROKEN)]
    lines += ["", *textwrap.wrap(NOTE, width), "", "Assumptions"]
    for row in plan.assumptions.itertuples(index=False):
        told = f"{row.topic}: {one_line(row.assumption, 600)} ({with_date(one_line(row.source, 120), row.as_of)})"
        lines += textwrap.wrap(told, width, initial_indent="  ", subsequent_indent="    ", break_long_words=True)
    return "\n".join(lines) + "\n"


def plan_table(plan: BudgetPlan, by: Sequence[str], caption: str = "") -> Table:
    """A table of the plan, ready to be read: cells, sums of quarters and environments, the total."""
    names, rows = list(by), rows_of(plan, by)
    label: CellKind = "label"
    money: CellKind = "money"
    return rows_as(
        [(*row.labels, *row.money) for row in rows],
        [*(names or [""]), *(n.upper() if n in LEVELS else n for n in MONEY)],
        [*[label] * max(len(names), 1), *[money] * len(MONEY)],
        caption=caption,
        marks=[row.kind for row in rows],
    )


def html_table(plan: BudgetPlan, by: Sequence[str], caption: str) -> str:
    """A table of the plan as HTML, with headers that name their rows and columns."""
    return table_html(plan_table(plan, by, caption), bare=False)


def rows_html(labels: Sequence[str], columns: Sequence[str], rows: Iterable[Row], caption: str, words: int = 0) -> str:
    """Rows as an HTML table: what labels them, then numbers, the last ``words`` columns words; all is escaped."""
    kinds: dict[CellKind, int] = {"label": len(labels), "money": len(columns) - words, "words": words}
    held = list(rows)
    table = rows_as(
        [(*row.labels, *row.money) for row in held],
        [*labels, *columns],
        [kind for kind, count in kinds.items() for _ in range(count)],
        labels=len(labels),
        caption=caption,
        marks=[row.kind for row in held],
    )
    return table_html(table, bare=False)


def scenarios_table(plan: BudgetPlan, beside: Sequence[Alternative]) -> str:
    """Scenarios beside the plan as HTML: each one's own quantiles, and its budget against the plan's."""
    level, scale = f"P{plan.confidence * 100:g}", scale_of(plan)
    levels = sorted({*LEVELS.values(), plan.confidence})
    heads = [*(f"P{q * 100:g}" for q in levels), "against the plan", "in per cent"]
    own, rows = round(plan.budget * scale), []
    for one in beside:
        quantiles = (np.quantile(one.totals, levels) * scale).round().astype("int64")
        less = int(quantiles[levels.index(plan.confidence)]) - own
        part = f"{less / own * 100:+.1f} %".replace("-", "\u2212") if own and less else "0.0 %"
        told = (*(_amount(int(q), scale) for q in quantiles), _amount(less, scale).replace("-", "\u2212"), part)
        rows.append(Row("total" if one.planned else "cell", (one_line(one.name, 2 * NAME),), told))
    caption = (
        f"Money in {plan.currency} over the horizon, budget lines included, in the same futures; each scenario's own "
        f"quantiles. Against the plan: its {level}, the budget it would need, less the plan's."
    )
    return rows_html(["scenario"], heads, rows, caption)


def plan_shown(plan: BudgetPlan, by: Sequence[str] | str | None = None) -> Shown:
    """The plan as a notebook shows it: its figures, a table by quarter and environment, its assumptions folded away."""
    top, level = headline_of(plan), f"P{plan.confidence * 100:g}"
    usual = ("quarter", "environment") if len(plan.ledger.environments) > 1 else ("month",)
    funding = f"; funding with reserves {top.funding}" if top.reserves else ""
    rested = tuple(
        f"{one_line(r.topic, 40)}: {with_date(one_line(r.assumption, 600), r.as_of)}"
        for r in plan.assumptions.itertuples(index=False)
    )
    return Shown(
        top.title,
        f"base (P50) {top.base} + contingency {top.contingency} = budget ({level}) {top.budget}{funding}; "
        f"P90 {top.stress[0]}, P95 {top.stress[1]}",
        (plan_table(plan, usual if by is None else columns_of(by), f"Money in {plan.currency}. {NOTE}"),),
        folded=(("Assumptions", rested),),
    )


def _amount(value: int, scale: int) -> str:
    return f"{value / scale:,.{0 if scale == 1 else 2}f}"
