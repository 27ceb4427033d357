"""A plan to read. Comes in: a BudgetPlan, its rows and a limit. Goes out: text or Markdown, with totals and funding."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Final

import pandas as pd

from scenarios.budget.budget_plan import LEVELS, BudgetPlan
from scenarios.budget.ledger import PERIODS
from scenarios.cli.tables import Column, aligned, markdown

TOTAL: Final = "total"
#: The longest line of prose.
PROSE: Final = 100
_SHARE_DIGITS: Final = 6


def rows_of(plan: BudgetPlan, by: Sequence[str]) -> pd.DataFrame:
    """The plan's table by some columns, as a frame without index: money to the cent."""
    table = plan.table(list(by)).reset_index().round({"demand_share": _SHARE_DIGITS})
    return table.round(dict.fromkeys((*LEVELS, "base", "budget", "contingency"), 2))


def with_totals(plan: BudgetPlan, by: Sequence[str]) -> pd.DataFrame:
    """The table, then each group's total over the periods, and the plan's total.

    Quantiles of a total are its own, never sums of those above.
    """
    parts = [rows_of(plan, by)]
    rest = [name for name in by if name not in PERIODS]
    if rest and len(rest) < len(by):
        parts.append(rows_of(plan, rest).assign(**{name: TOTAL for name in by if name not in rest}))
    whole = rows_of(plan, []).drop(columns="index")
    parts.append(whole.assign(**{name: TOTAL if i == 0 else "all" for i, name in enumerate(by)}))
    return pd.concat(parts, ignore_index=True)[parts[0].columns]


def plan_as_text(name: str, plan: BudgetPlan, *, by: Sequence[str], limit: float | None, width: int | None) -> str:
    """The plan as lines that fit ``width`` characters, or as long as they are where there is none."""
    table = aligned(with_totals(plan, by), _columns(by), width=width)
    head = [textwrap.fill(line, min(width or PROSE, PROSE), subsequent_indent="  ") for line in _head(name, plan)]
    return "\n".join([*head, "", table, "", *_sums(plan, limit)])


def plan_as_markdown(name: str, plan: BudgetPlan, *, by: Sequence[str], limit: float | None) -> str:
    """The plan as Markdown."""
    title, *head = _head(name, plan)
    table = markdown(with_totals(plan, by), _columns(by))
    return "\n".join([f"**{title}**", "", *head, "", table, "", *(f"- {line}" for line in _sums(plan, limit))])


def _columns(by: Sequence[str]) -> list[Column]:
    spare = {"p95": 3, "p10": 2, "p90": 1}
    return [
        *(Column(name, name) for name in by),
        *(Column(name, name.upper(), "money", spare.get(name, 0)) for name in LEVELS),
        Column("budget", "budget", "money"),
        Column("contingency", "contingency", "money"),
    ]


def _head(name: str, plan: BudgetPlan) -> list[str]:
    span, spec = plan.projection.span, plan.spec
    return [
        f"{name}: {span.start:%Y-%m-%d} to {span.end:%Y-%m-%d}, as of {span.as_of:%Y-%m-%d}, in {plan.currency}",
        f"Scenario {spec.scenario.describe()}.",
        f"Split: {spec.split.describe()}." if spec.split else "No split: money follows demand.",
        f"{spec.draws:,} futures, seed {spec.seed}. Quantiles are each row's own and do not add; budget does.",
    ]


def _sums(plan: BudgetPlan, limit: float | None) -> list[str]:
    level = f"P{plan.confidence * 100:g}"
    lines = [
        f"Base (P50)   {plan.base:>16,.2f}",
        f"Contingency  {plan.contingency:>16,.2f}",
        f"Budget ({level}) {plan.budget:>15,.2f}   standard error {plan.standard_error(plan.confidence):,.2f}",
    ]
    lines += [f"Reserve      {one.amount:>16,.2f}   {one.name}" for one in plan.reserves]
    lines += [f"Funding      {plan.funding:>16,.2f}   budget and reserves"] if plan.reserves else []
    if limit is not None:
        lines.append(
            f"Probability of spending more than {limit:,.2f} {plan.currency}: {plan.probability_over(limit):.1%}"
        )
    return lines
