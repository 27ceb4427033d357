"""The plan as one page. Comes in: a BudgetPlan. Goes out: an HTML file that loads nothing, for screen and paper."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import pandas as pd

from forecast.drawing import chart_style, offscreen, one_line, span_words
from forecast.errors import PlanError
from scenarios.bridging import Bridge
from scenarios.budget.alternatives import Alternatives, alternatives_of, plan_bridge
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.funding import STRESS
from scenarios.budget.ledger import LINE, TRANSFER
from scenarios.report import save
from scenarios.report.charts import picture
from scenarios.report.layout import Section, document, figure, scroll, see
from scenarios.report.months import as_of
from scenarios.report.numbers import (
    bridge_table,
    budgets_table,
    funding_table,
    levels_table,
    months_table,
    policy_table,
)
from scenarios.report.tables import NOTE, headline_of, html_table, scenarios_table

#: The most reserves that the first sentence names.
NAMED = 2
#: How each picture is read.
CAPTIONS = {
    "fan": """Dots: priced usage of past months. Bands: four of five futures, and half of them in the darker one, around
        the median. Dashes with diamonds: each month's part of the budget. Dotted, where fixed lines are planned: usage
        alone, which is what history holds.""",
    "s_curve": """The chance that the total over the horizon stays below an amount. The steeper the curve, the surer
        the plan.""",
    "environments": """What each environment wants (line and dot) against its policy range (block) and what the split
        gives it (diamond). Beside each its budget, and what policy moves to it or takes from it on average.""",
    "stack": """The budget of each month, environments on one another, the largest below. At the right the share of
        each and its policy range.""",
    "policy": """What each part wants (line, dot and spread) against its policy range (block) and what the split gives
        it (diamond). Beside each its budget, and the chance that what it wants exceeds that.""",
    "funding": """From the base up: the contingency and what of it is kept for an event or line, the budget, and the
        reserves above it. Beside each step in how many futures the money down to it is enough.""",
    "bridge": """Bars: the mean of all futures, which add up whatever order steps are told in. Whiskers: four of five
        futures of each bar, which do not add.""",
}


def write_page(
    plan: BudgetPlan,
    path: Path,
    *,
    limit: float | None = None,
    scenarios: Alternatives | None = None,
    bridge: Bridge | None = None,
    title: str | None = None,
) -> Path:
    """Write the plan as one self-contained HTML page; returns its path.

    Pictures are drawn inline and follow the reader's light or dark setting; what they show stands in tables too.
    Nothing is loaded from anywhere, and the page's own policy forbids it. Every text from outside is escaped.

    Parameters
    ----------
    plan : BudgetPlan
    path : Path
    limit : float, optional
        Money to tell the probability of going over.
    scenarios, bridge : optional
        What stands beside the plan, and how something becomes it, as of
        :meth:`scenarios.BudgetPlan.to_excel`; without any, and without changes, there is nothing to tell.
    title : str, optional
        What the plan is called; its scenario's name where nothing is given.

    Raises
    ------
    PlanError
        The file cannot be written, or a scenario cannot stand beside the plan.
    """
    asked = {"limit": limit, "scenarios": scenarios, "bridge": bridge, "title": title}
    return save(Path(path), lambda: page_html(plan, **asked).encode())  # type: ignore[arg-type]


@chart_style()  # a page has its own light and dark, and speaks English throughout
def page_html(
    plan: BudgetPlan,
    *,
    limit: float | None = None,
    scenarios: Alternatives | None = None,
    bridge: Bridge | None = None,
    title: str | None = None,
) -> str:
    """The page's text; same plan, same text."""
    span = plan.projection.span
    scenario = f"Scenario {one_line(plan.name, 120)}. " if title is not None else ""
    about = (
        f"{span_words(span.start, span.end)} ({span.start:%Y-%m-%d} to {span.end:%Y-%m-%d}), as of {as_of(plan)}. "
        f"{scenario}{len(plan.totals):,} futures. Money in {plan.currency}."
    )
    sections = [
        _summary(plan, limit),
        Section("months", "Spend by month", _picture(plan, "fan") + see("numbers", "The numbers of this picture")),
        _budgets(plan),
        *_splits(plan),
        Section("sure", "How sure it is", _picture(plan, "s_curve", limit) + scroll(levels_table(plan), "Levels")),
    ]
    if plan.reserves or plan.earmarks:
        heading = "What must be found"
        sections.append(Section("found", heading, _picture(plan, "funding") + scroll(funding_table(plan), heading)))
    sections += [
        _lines(plan),
        *_beside(plan, scenarios, bridge),
        Section("assumptions", "Assumptions", _assumptions(plan)),
        _numbers(plan),
    ]
    told = f"Budget plan: {one_line(plan.name if title is None else title, 120)}"
    return document(told, about, sections, foot=_foot(plan))


def _summary(plan: BudgetPlan, limit: float | None) -> Section:
    """What is asked for, and what it is made of."""
    top, level = headline_of(plan, limit), f"P{plan.confidence * 100:g}"
    span = span_words(plan.projection.span.start, plan.projection.span.end)
    money, enough = html.escape(plan.currency), f"{plan.confidence * 100:g} %"
    asked = (
        f"To be approved: <strong>{money} {top.budget}</strong> for {span}. "
        f"It is enough in {enough} of {len(plan.totals):,} simulated futures."
    )
    if top.reserves:
        held = [f"{name} {amount}" for name, amount in top.reserves]
        names = html.escape(", ".join(held) if len(held) <= NAMED else f"{len(held)} reserves")
        asked += f" With what is set aside beside it ({names}), <strong>{money} {top.funding}</strong> must be found."
    figures = [
        ("Base (P50)", top.base, "the plan: as likely over as under", ""),
        ("Contingency", top.contingency, f"{level} less P50", ""),
        (f"Budget ({level})", top.budget, "base and contingency", "main"),
        *((name, amount, "reserve, outside the total", "") for name, amount in top.reserves),
        *([("Funding", top.funding, "budget and reserves", "")] if top.reserves else []),
    ]
    cards = "".join(
        f'<div class="{mark}"><dt>{html.escape(name)}</dt><dd><b>{amount}</b> <span>{note}</span></dd></div>'
        for name, amount, note, mark in figures
    )
    told = [f"{top.over[0].upper()}{top.over[1:]}."] if top.over else []
    worse = [
        f"{plan.currency} {amount} in {q * 100:g} %"
        for q, amount in zip(STRESS, top.stress, strict=True)
        if q > plan.confidence
    ]
    told += [f"If it goes worse: {' and '.join(worse)} of futures would be enough."] if worse else []
    read = (
        f"How to read it: spend stays below {level} in {enough} of the simulated futures, and is as likely above P50 "
        f"as below it. The budget's standard error, from finite futures and past errors, is {top.error}."
    )
    body = (
        f'<p class="lead">{asked}</p><dl class="figures">{cards}</dl>'
        f'{"".join(f"<p>{html.escape(t)}</p>" for t in told)}<p class="aside">{html.escape(read)}</p>'
    )
    return Section("summary", f"{plan.currency} {top.budget} at {level}", body)


def _picture(plan: BudgetPlan, kind: str, limit: float | None = None) -> str:
    return figure(picture(plan, kind, limit=limit), kind, CAPTIONS[kind])


def _several(plan: BudgetPlan) -> bool:
    return len(plan.ledger.environments) > 1


def _budgets(plan: BudgetPlan) -> Section:
    """The budget by month, and by environment where there are several."""
    heading = "The budget by month and environment" if _several(plan) else "The plan by month"
    if _several(plan):
        told = (
            _picture(plan, "stack")
            + scroll(budgets_table(plan), heading)
            + see("numbers", "With quantiles, base and contingency")
        )
    else:
        told = scroll(html_table(plan, ["month"], f"Money in {plan.currency}. {NOTE}"), heading)
    return Section("budget", heading, told)


def _splits(plan: BudgetPlan) -> list[Section]:
    """What each environment wants and gets, and each part of the splits inside or beside them."""
    sections, own = [], plan.spec.environments
    if _several(plan):
        told = _picture(plan, "environments")
        if own is not None:
            told += scroll(policy_table(plan, own.by), "Environments: demand, policy and budget")
        sections.append(Section("environments", "Environments", told))
    for i, level in enumerate(level for level in plan.ledger.levels if level.split is not own):
        by = level.split.by
        heading = f"What each {one_line(by, 60)} wants and gets"
        drawn = figure(picture(plan, "policy", by=by), f"policy{i}-", CAPTIONS["policy"])
        sections.append(Section(f"split{i}", heading, drawn + scroll(policy_table(plan, by), heading)))
    return sections


def _numbers(plan: BudgetPlan) -> Section:
    """What is too long to stand between pictures: months with history, and every cell's own quantiles."""
    told = f"<h3>Spend by month</h3>{scroll(months_table(plan), 'Spend by month, history to plan')}"
    if _several(plan):
        caption = f"Money in {plan.currency}. {NOTE}"
        table = html_table(plan, ["month", "environment"], caption)
        told += f"<h3>The plan by month and environment</h3>{scroll(table, 'The plan by month and environment')}"
    return Section("numbers", "Numbers in full", told)


def _lines(plan: BudgetPlan) -> Section:
    """The budget lines over the horizon."""
    heading, caption = "What the money is for", f"Money in {plan.currency} over the horizon, by budget line."
    if (plan.ledger.labels[LINE] == TRANSFER).any():
        caption += f" The {TRANSFER} moves money between parts and adds up to 0."
    return Section("lines", heading, scroll(html_table(plan, [LINE], caption), heading))


def _beside(plan: BudgetPlan, scenarios: Alternatives | None, bridge: Bridge | None) -> list[Section]:
    """Other scenarios, and the bridge; nothing where the plan changes nothing and none is given."""
    changes, sections = bool(plan.spec.laid.scenario.every_change()), []
    told = bridge or (plan_bridge(plan) if changes else None)
    if changes or scenarios is not None:
        table = scenarios_table(plan, alternatives_of(plan, scenarios, told))
        sections.append(Section("scenarios", "Scenarios", scroll(table, "Scenarios")))
    if told is not None:
        heading = f"From {one_line(told.names[0], 60)} to {one_line(told.names[1], 60)}"
        drawn = figure(told.plot(offscreen()), "steps", CAPTIONS["bridge"])
        sections.append(Section("bridge", heading, drawn + scroll(bridge_table(plan, told), heading)))
    return sections


def _assumptions(plan: BudgetPlan) -> str:
    """What the plan rests on, as a table."""
    rows = "".join(
        f'<tr><th scope="row">{html.escape(one_line(r.topic, 60))}</th>'
        f"<td>{html.escape(one_line(r.assumption, 2000))}</td><td>{html.escape(one_line(r.source, 300))}</td>"
        f'<td class="day">{_day(r.as_of)}</td></tr>'
        for r in plan.assumptions.itertuples(index=False)
    )
    heads = "".join(f'<th scope="col">{name}</th>' for name in ("topic", "assumption", "source", "as of"))
    caption = "<caption>What the numbers rest on, and the day on which it was known or stated.</caption>"
    table = f'<table class="prose">{caption}<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
    return scroll(table, "Assumptions")


def _foot(plan: BudgetPlan) -> str:
    """What this very plan is known by, to hold paper against a file or an approval log."""
    try:
        return f"Fingerprint of this plan, as plan.fingerprint and approvals tell it: {plan.fingerprint}"
    except PlanError as why:
        return f"This plan has no fingerprint: {one_line(why, 300)}"


def _day(day: Any) -> str:
    return "" if pd.isna(day) else f"{day:%Y-%m-%d}"
