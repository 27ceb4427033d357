"""A plan to read. Comes in: a BudgetPlan, what its rows are, a limit. Goes out: text that fits, Markdown, a frame."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Final

import pandas as pd

from forecast.drawing import one_line, percent
from scenarios.budget.budget_plan import LEVELS, BudgetPlan
from scenarios.budget.policy_paths import PolicyPaths
from scenarios.cli.tables import Column, Style, aligned, markdown, widest
from scenarios.report.tables import MONEY, NAME, NOTE, WIDTH, headline_of, plan_text, rows_of, scale_of

#: What is left out first where the line is too short, highest first: base and contingency stand in the headline too.
_SPARE: Final = {"base": 5, "contingency": 4, "p95": 3, "p10": 2, "p90": 1}
_SHARE_DIGITS: Final = 6
#: Squeezed parts of a split that are told; the rest are counted.
_SQUEEZED: Final = 3


def table_of(plan: BudgetPlan, by: Sequence[str]) -> pd.DataFrame:
    """The plan's table by some columns, as a frame without index: money to the cent."""
    table = plan.table(list(by)).reset_index().round({"demand_share": _SHARE_DIGITS})
    return table.round(dict.fromkeys((*LEVELS, "base", "budget", "contingency"), 2))


def plan_as_text(name: str, plan: BudgetPlan, *, by: Sequence[str], limit: float | None, width: int | None) -> str:
    """The plan's report; where its table is wider than ``width`` characters, a narrower one takes its place."""
    text = plan_text(plan, by, limit=limit, width=min(width or WIDTH, WIDTH))
    head, table, rest = text.split("\n\n", 2)
    if width is not None and widest(table) > width:
        table = aligned(_cells(plan, by), _columns(plan, by), width=width)
    return f"{name}\n\n{head}\n\n{table}\n\n{rest}"


def plan_as_markdown(name: str, plan: BudgetPlan, *, by: Sequence[str], limit: float | None) -> str:
    """The plan as Markdown."""
    top = headline_of(plan, limit)
    sums = [f"- budget {top.budget} = base (P50) {top.base} + contingency {top.contingency}"]
    if top.reserves:
        held = ", ".join(f"{reserve} {amount}" for reserve, amount in top.reserves)
        sums.append(f"- funding {top.funding} = budget + reserves ({held})")
    sums += [f"- {top.over}"] if top.over else []
    table = markdown(_cells(plan, by), _columns(plan, by))
    return "\n".join([f"**{name}**", "", top.title, "", *sums, "", table, "", NOTE])


def splits_as_text(plan: BudgetPlan, *, width: int | None = None) -> str:
    """Who is squeezed by each split, or who overruns most often; empty where there is none."""
    told = [_split_as_text(plan.policy(level.split.by), level.split.by) for level in plan.ledger.levels]
    return "".join(
        f"{line}\n" for text in told for line in textwrap.wrap(text, min(width or WIDTH, WIDTH), subsequent_indent="  ")
    )


def _split_as_text(table: pd.DataFrame, by: str) -> str:
    names = [" / ".join(key) if isinstance(key, tuple) else str(key) for key in table.index]
    table = table.set_axis([one_line(name, 2 * NAME) for name in names]).sort_values("overrun", ascending=False)
    known, squeezed = table[table["state"] != "unknown"], table[table["state"] == "squeezed"]
    if known.empty:
        return f"Split by {by}: the policy alone divides; what each wants is not known."
    if squeezed.empty:
        often = percent(float(known["overrun"].iloc[0]))
        return f"Split by {by}: nobody is squeezed; {known.index[0]} overruns most often, in {often} of futures."
    shown = squeezed.head(_SQUEEZED)
    numbers = shown[["demand_p50", "share", "overrun"]].to_numpy(dtype="float64")
    each = [
        f"{name} wants {percent(wants)} at P50 and gets {percent(gets)}, overruns in {percent(often)} of futures"
        for name, (wants, gets, often) in zip(shown.index, numbers, strict=True)
    ]
    more = len(squeezed) - len(each)
    return f"Split by {by}, squeezed: {'; '.join(each)}{f'; and {more} more' if more else ''}."


def policy_as_text(run: PolicyPaths, *, width: int | None = None) -> str:
    """What a policy does to the plan: its terms, who is short how often, and what lies idle."""
    table = run.table()
    parts, pool, total = table.iloc[:-2], table.iloc[-2], table.iloc[-1]
    each = ", ".join(f"{name} in {percent(share)}" for name, share in parts["probability_short"].to_dict().items())
    short, money = percent(float(total["probability_short"])), run.currency
    told = [
        f"Policy: {run.policy.describe()}. Spending does not react to it.",
        f"In {short} of futures some {run.every} is short{f' ({each})' if len(parts) > 1 else ''}.",
        f"Short are {total['expected_shortfall']:,.2f} {money} on average, {total['shortfall_p95']:,.2f} at P95.",
        f"At the end {total['idle']:,.2f} {money} lie idle on average, {pool['idle']:,.2f} in the central pool.",
    ]
    return (
        "\n".join(
            line for text in told for line in textwrap.wrap(text, min(width or WIDTH, WIDTH), subsequent_indent="  ")
        )
        + "\n"
    )


def _cells(plan: BudgetPlan, by: Sequence[str]) -> pd.DataFrame:
    """The report's rows as a frame: labels, and money as it is shown there."""
    rows = rows_of(plan, by)
    labels = pd.DataFrame([row.labels for row in rows], columns=list(by))
    money = pd.DataFrame([[float(cell.replace(",", "")) for cell in row.money] for row in rows], columns=list(MONEY))
    return pd.concat([labels, money], axis=1)


def _columns(plan: BudgetPlan, by: Sequence[str]) -> list[Column]:
    labels = [Column(name, name) for name in by]
    style: Style = "money" if scale_of(plan) == 1 else "cents"
    return labels + [Column(n, n.upper() if n in LEVELS else n, style, _SPARE.get(n, 0)) for n in MONEY]
