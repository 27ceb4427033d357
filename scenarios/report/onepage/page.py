"""The review as one page. Comes in: a Review. Goes out: an HTML file that loads nothing, for screen and paper."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Final

from forecast.drawing import chart_style, one_line, span_words
from scenarios.report import save
from scenarios.report.layout import Section, document, figure, scroll
from scenarios.report.onepage.charts import picture
from scenarios.report.onepage.figures import DRIVERS, OUTLOOK, REST, TO_DATE, VARIANCES, Told, part_column, told_of
from scenarios.report.onepage.notebook import actuals_table, figure_amount, figures_table, outlook_table
from scenarios.report.onepage.wording import day_words
from scenarios.reviews.reviewing import Review

#: How each picture is read.
CAPTIONS: Final = {
    "burn_down": """Solid: spent to date. Bands: four of five futures of the rest, and half of them in the inner one.
        Dashes: the budget's path. The cross, where there is one: the median day on which the budget is gone over, of
        the futures that go over it; the bar through it: P10 to P90.""",
    "outlook": """Full blocks: spent. Tinted: foreseen at P50; the line through it: P10 to P90. Marks: the budget.
        Under each amount: how far it is from the budget.""",
    "bridge": """From the plan's mean to the actual of the months that are over, by driver: what costs more, and what
        costs less. What the budget holds above the mean is contingency.""",
}
#: Beside the style of every page: a first printed page that holds the burn-down.
_STYLE: Final = "@media print{.figures b{font-size:1.15rem}.scroll{break-inside:avoid}}"
#: The figures that stand at the top.
CARDS: Final = ("Actual to date", "Variance to date", "Outlook, P50", "Outlook", "Chance of going over")


def write_page(review: Review, path: Path) -> Path:
    """Write the review as one self-contained HTML page; returns its path.

    Nothing is loaded from anywhere, and the page's own policy forbids it. Every text from outside is escaped.

    Raises
    ------
    PlanError
        The file cannot be written; the message names it.
    """
    return save(Path(path), lambda: page_html(review).encode())


@chart_style()  # a page has its own light and dark, and speaks English throughout
def page_html(review: Review) -> str:
    """The page's text; same review, same text."""
    out, plan = review.outlook, review.plan
    told, span = told_of(review), plan.projection.span
    about = (
        f"{span_words(span.start, out.last_day)} ({span.start:%Y-%m-%d} to {out.last_day:%Y-%m-%d}), as of "
        f"{day_words(out.known_to)}. Money in {plan.currency}."
    )
    top, column = _top(told), part_column(review)
    sections = [top, Section("decisions", "Decisions needed", _decisions(told))]
    sections.append(Section("spend", "Spend and what is to come", _picture(review, "burn_down")))
    prose = _prose(told, "In whole units; what is shown adds up.", TO_DATE, REST, OUTLOOK)
    sections.append(Section("figures", "Figures", scroll(prose, "Figures")))
    months = _picture(review, "outlook") + scroll(outlook_table(out), "The outlook by month")
    sections.append(Section("months", "Month by month", months))
    if out.elapsed.any():
        sections.append(_actuals(review, told, column))
    if column:
        heading = f"Outlook by {column}"
        sections.append(Section("parts", heading, scroll(outlook_table(out, column), heading)))
    if told.of(DRIVERS):
        drivers = scroll(_prose(told, "The largest, and all others as one.", DRIVERS), "What moved it")
        sections.append(Section("moved", "What moved it", _picture(review, "bridge") + drivers))
    sections.append(Section("notes", "How this was made", _notes(review)))
    return document(f"Budget review: {one_line(plan.name, 120)}", about, sections, style=_STYLE)


def _top(told: Told) -> Section:
    """The finding, and the figures that matter most."""
    shown = [f for f in told.figures if f.name in CARDS]
    cards = "".join(
        f'<div class="{"main" if f.name.startswith("Outlook") else ""}"><dt>{html.escape(f.name)}</dt>'
        f"<dd><b>{html.escape(figure_amount(f))}</b> <span>{html.escape(f.what)}</span></dd></div>"
        for f in shown
    )
    return Section("summary", f"{told.finding}.", f'<dl class="figures">{cards}</dl>')


def _actuals(review: Review, told: Told, column: str | None) -> Section:
    """What was spent against the budget to date: the largest variances, months, parts."""
    tables = [(f"Actuals by {by}", actuals_table(review, by)) for by in ("month", *([column] if column else []))]
    if told.of(VARIANCES):
        tables.insert(0, ("The largest variances", _prose(told, "The largest.", VARIANCES)))
    body = "".join(scroll(table, label) for label, table in tables)
    return Section("actuals", "Actuals against the budget to date", body)


def _decisions(told: Told) -> str:
    if not told.decisions:
        return "<p>Nothing is to be decided.</p>"
    return "<ol>" + "".join(f"<li>{html.escape(d.words)}</li>" for d in told.decisions) + "</ol>"


def _prose(told: Told, caption: str, *parts: str) -> str:
    """A table of figures whose sentences may wrap."""
    return figures_table(told.of(*parts), caption).replace("<table>", '<table class="prose">', 1)


def _picture(review: Review, kind: str) -> str:
    return figure(picture(review, kind), kind, CAPTIONS[kind])


def _notes(review: Review) -> str:
    """The rules, and what was assumed."""
    listed = "".join(f"<li>{html.escape(note)}</li>" for note in notes_of(review))
    return f"<ul>{listed}</ul>"


def notes_of(review: Review) -> list[str]:
    """The rules that a review follows, and what was assumed, left out or taken as planned."""
    least, level = f"{review.amount:,.0f} {review.plan.currency} and {review.percent * 100:g} %", review.plan.confidence
    told = f"P{level * 100:g} of the outlook"
    ours = (
        "Variance is the budget less what was spent or is foreseen: favourable where positive.",
        "A month under way counts by the days of it that are over, whatever weekdays they are.",
        f"A variance is told where it is at least {least} of the budget.",
        "It is permanent where the outlook keeps at least half of it to the plan's end, else timing.",
        f"More is asked for where more than half of the futures go over the budget: what {told} needs above it.",
        "The day to act by is the P10 of the days of going over, of the futures that do.",
        f"Money is released where {told} lies below the budget by at least {least} of it.",
        "The approved budget stays as it is, whatever the outlook says.",
    )
    return [*ours, *(one_line(note, 2000) for note in review.notes)]
