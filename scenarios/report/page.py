"""The plan as one page. Comes in: a BudgetPlan. Goes out: an HTML file that loads nothing, for screen and paper."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import asdict
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from forecast.drawing import DARK, LIGHT, offscreen, one_line, span_words
from scenarios.bridging import Bridge
from scenarios.budget.alternatives import Alternatives, alternatives_of, plan_bridge
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.ledger import LINE
from scenarios.report import save
from scenarios.report.charts import picture
from scenarios.report.months import as_of
from scenarios.report.tables import NOTE, headline_of, html_table, scenarios_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: The pictures of the page: kind, heading, and how each is read.
PICTURES = (
    ("fan", "Spend by month"),
    ("s_curve", "How sure it is"),
    ("environments", "Environments"),
    ("funding", "What must be found"),
)
CAPTIONS = {
    "fan": """Dots: priced usage of past months. Bands: four of five futures, and half of them in the darker one, around
        the median. Dashes with diamonds: each month's part of the budget. Dotted, where fixed lines are planned: usage
        alone, which is what history holds.""",
    "s_curve": """The chance that the total over the horizon stays below an amount. The steeper the curve, the surer
        the plan.""",
    "environments": """What each environment wants (line and dot) against its policy range (block) and what the split
        gives it (diamond). Beside each its budget, and what policy moves to it or takes from it at P50.""",
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
) -> Path:
    """Write the plan as one self-contained HTML page; returns its path.

    Pictures are drawn inline and follow the reader's light or dark setting; nothing is loaded from anywhere, and the
    page's own policy forbids it. Every text from outside is escaped.

    Parameters
    ----------
    plan : BudgetPlan
    path : Path
    limit : float, optional
        Money to tell the probability of going over.
    scenarios, bridge : optional
        What stands beside the plan, and how something becomes it, as of
        :func:`scenarios.report.workbook.write_workbook`; without any, and without changes, there is nothing to tell.

    Raises
    ------
    PlanError
        The file cannot be written, or a scenario cannot stand beside the plan.
    """
    return save(Path(path), lambda: page_html(plan, limit=limit, scenarios=scenarios, bridge=bridge).encode())


def page_html(
    plan: BudgetPlan,
    *,
    limit: float | None = None,
    scenarios: Alternatives | None = None,
    bridge: Bridge | None = None,
) -> str:
    """The page's text; same plan, same text."""
    span = plan.projection.span
    about = (
        f"{span_words(span.start, span.end)} ({span.start:%Y-%m-%d} to {span.end:%Y-%m-%d}), as of "
        f"{as_of(plan)}. {len(plan.totals):,} futures. Money in {plan.currency}."
    )
    sections = [_summary(plan, limit)]
    several = len(plan.ledger.environments) > 1
    told = {"environments": several, "funding": bool(plan.reserves or plan.earmarks)}
    for kind, heading in PICTURES:
        if told.get(kind, True):
            sections.append(section(heading, figure(picture(plan, kind, limit=limit), kind, CAPTIONS[kind])))
    if any(level.split is not plan.spec.environments for level in plan.ledger.levels):
        sections.append(
            section("What each part wants and gets", figure(picture(plan, "policy"), "policy", CAPTIONS["policy"]))
        )
    by = ["month", "environment"] if several else ["month"]
    sections += [
        section(f"The plan by {' and '.join(by)}", scroll(html_table(plan, by, f"Money in {plan.currency}. {NOTE}"))),
        section(
            "What the money is for",
            scroll(html_table(plan, [LINE], f"Money in {plan.currency} over the horizon, by budget line.")),
        ),
        *_beside(plan, scenarios, bridge),
        section("Assumptions", _assumptions(plan)),
    ]
    return document(f"Budget plan: {one_line(plan.name, 120)}", about, sections)


def document(title: str, about: str, sections: Sequence[str], *, style: str = "") -> str:
    """A page of sections that loads nothing, under its title and what it is about; ``style`` is beside that of all."""
    title = html.escape(title)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}</title>\n<style>{style_sheet()}{style}</style>\n</head>\n<body>\n<main>\n"
        f"<header><h1>{title}</h1>\n<p>{html.escape(about)}</p></header>\n"
        f"{''.join(sections)}</main>\n</body>\n</html>\n"
    )


def _beside(plan: BudgetPlan, scenarios: Alternatives | None, bridge: Bridge | None) -> list[str]:
    """Other scenarios, and the bridge; nothing where the plan changes nothing and none is given."""
    changes, sections = bool(plan.spec.laid.scenario.every_change()), []
    told = bridge or (plan_bridge(plan) if changes else None)
    if changes or scenarios is not None:
        table = scenarios_table(plan, alternatives_of(plan, scenarios, told))
        sections.append(section("Scenarios", scroll(table)))
    if told is not None:
        heading = html.escape(f"From {one_line(told.names[0], 60)} to {one_line(told.names[1], 60)}")
        sections.append(section(heading, figure(told.plot(offscreen()), "bridge", CAPTIONS["bridge"])))
    return sections


def _summary(plan: BudgetPlan, limit: float | None) -> str:
    """The figures of the plan: what it is, what it is made of, what it could become."""
    top, level = headline_of(plan, limit), f"P{plan.confidence * 100:g}"
    figures = [
        (f"Budget ({level})", top.budget, "the commitment", "main"),
        ("Base (P50)", top.base, "the plan: as likely over as under", ""),
        ("Contingency", top.contingency, f"{level} less P50", ""),
        *((name, amount, "reserve, outside the total", "") for name, amount in top.reserves),
        *([("Funding", top.funding, "budget and reserves", "")] if top.reserves else []),
        ("P90", top.stress[0], "stress", ""),
        ("P95", top.stress[1], "stress", ""),
    ]
    cards = "".join(
        f'<div class="{mark}"><dt>{html.escape(name)}</dt><dd><b>{amount}</b> <span>{note}</span></dd></div>'
        for name, amount, note, mark in figures
    )
    told = [f"The budget's standard error, from finite futures and past errors, is {top.error}."]
    if top.over:
        told.insert(0, f"{top.over[0].upper()}{top.over[1:]}.")
    body = f'<dl class="figures">{cards}</dl><p>{html.escape(" ".join(told))}</p>'
    return section(f"{html.escape(plan.currency)} {top.budget} at {level}", body)


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
    return scroll(f'<table class="prose">{caption}<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>')


def _day(day: Any) -> str:
    return "" if pd.isna(day) else f"{day:%Y-%m-%d}"


def section(heading: str, body: str) -> str:
    """A part of the page; both are HTML."""
    return f"<section>\n<h2>{heading}</h2>\n{body}\n</section>\n"


def scroll(table: str) -> str:
    """A table that scrolls by itself on a narrow screen, also from the keyboard."""
    return f'<div class="scroll" role="region" aria-label="Table, scrollable" tabindex="0">{table}</div>'


def figure(ax: Axes, kind: str, caption: str) -> str:
    """A picture with its title as alternative text, and how it is read under it; ``kind`` is its own on the page."""
    caption = one_line(caption, 400)
    alt = html.escape(" ".join(ax.get_title().split()) + ". " + caption)
    drawn = f'<div class="scroll">{_svg(ax, kind, alt)}</div>'
    return f"<figure>{drawn}<figcaption>{html.escape(caption)}</figcaption></figure>"


def _svg(ax: Axes, kind: str, alt: str) -> str:
    """A picture as an element of the page: its colours are the page's, its names its own, and it holds no address."""
    made = StringIO()
    ax.figure.figure.savefig(made, format="svg", metadata={"Date": None})
    svg = made.getvalue()
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    view = re.search(r'viewBox="[^"]*"', svg)
    assert view is not None
    svg = re.sub(r"<svg[^>]*>", f'<svg {view[0]} role="img" aria-label="{alt}">', svg, count=1)
    svg = svg.replace("xlink:href", "href")
    names = {name: f"{kind}{i}" for i, name in enumerate(dict.fromkeys(re.findall(r'\bid="([^"]+)"', svg)))}
    svg = re.sub(r'(\bid="|href="#|url\(#)([^")]+)', lambda found: found[1] + names[found[2]], svg)
    for role, colour in asdict(LIGHT).items():
        svg = svg.replace(colour, f"var(--{role})")
    return svg


def style_sheet() -> str:
    """The page's style, on the charts' palettes."""
    light, dark = (";".join(f"--{k}:{v}" for k, v in asdict(palette).items()) for palette in (LIGHT, DARK))
    dark = f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"
    return f":root{{{light}}}{dark}{_LAYOUT}"


_LAYOUT = """
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:62rem;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:1.7rem;line-height:1.25;margin:0;overflow-wrap:anywhere}
h2{font-size:1.2rem;margin:2.2rem 0 .6rem}
header p,figcaption,caption,.figures span{color:var(--muted)}
header p{margin:.3rem 0 0}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));gap:.6rem;margin:0}
.figures div{border:1px solid var(--grid);border-radius:.4rem;padding:.6rem .8rem}
.figures .main{border-color:var(--budget);border-width:2px}
.figures dt{font-size:.85rem;overflow-wrap:anywhere}
.figures dd{margin:0}
.figures b{display:block;font-size:1.35rem;font-variant-numeric:tabular-nums}
.figures .main b{color:var(--budget)}
.figures span,figcaption,caption{font-size:.85rem}
figure{margin:0}
figure svg{display:block;width:100%;height:auto;min-width:36rem;max-width:52rem}
figcaption{max-width:52rem}
.scroll{overflow-x:auto}
.scroll:focus-visible{outline:2px solid var(--future);outline-offset:2px}
table{border-collapse:collapse;font-size:.88rem;font-variant-numeric:tabular-nums;width:100%}
caption{caption-side:bottom;text-align:left;padding-top:.5rem}
th,td{padding:.22rem .6rem;text-align:left;font-weight:normal;vertical-align:top;white-space:nowrap}
thead th{font-weight:600;border-bottom:2px solid var(--muted)}
tbody tr+tr>*{border-top:1px solid var(--grid)}
tbody tr.quarter>*,tbody tr.part>*{background:color-mix(in srgb,var(--policy) 45%,transparent)}
tbody tr.total>*{font-weight:600;border-top:2px solid var(--muted)}
.n{text-align:right}
.prose th,.prose td{white-space:normal;overflow-wrap:anywhere}
.prose th:first-child{white-space:nowrap}
.prose td:nth-last-child(2){min-width:13rem}
.prose .day{white-space:nowrap}
@page{margin:14mm}
@media print{body{font-size:10pt}main{padding:0;max-width:none}.scroll{overflow:visible}figure svg{min-width:0}
h2{break-after:avoid}figure,tr,.figures{break-inside:avoid}thead{display:table-header-group}}
"""
