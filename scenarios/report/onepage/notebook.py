"""Reviews as a notebook shows them. Comes in: a Review, Outlook, Breach or Reforecast. Goes out: HTML."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

import pandas as pd

from forecast.drawing import one_line, percent
from scenarios.report.onepage.figures import Figure, Told, adding, label_words, part_column, told_of, told_table
from scenarios.report.onepage.wording import Teller, between_words, day_words, percent_of
from scenarios.report.tables import WHOLE_FROM
from scenarios.reviews.breach import Breach
from scenarios.reviews.outlook import Outlook
from scenarios.reviews.reviewing import Review
from scenarios.reviews.versions import Reforecast

#: Kept to our own output; colours come from the notebook, so that it reads in light and in dark.
_STYLE = (
    "<style>.tokenplan table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
    ".tokenplan caption{caption-side:bottom;text-align:left;opacity:.75;font-size:85%;max-width:60em}"
    ".tokenplan th,.tokenplan td{padding:.2em .7em;text-align:left;font-weight:normal;border:0}"
    ".tokenplan thead th{font-weight:bold;border-bottom:1px solid currentColor}"
    ".tokenplan .n{text-align:right}.tokenplan .total>*{font-weight:bold;border-top:1px solid currentColor}</style>"
)


def review_html(review: Review) -> str:
    """A review: its finding, decisions, actuals against the budget by part and month, and notes folded away."""
    told = told_of(review)
    parts = [f"<p><b>{html.escape(title_of(review))}</b><br>{html.escape(told.finding)}.</p>", decisions_html(told)]
    if review.outlook.elapsed.any():
        column = part_column(review)
        parts += [actuals_table(review, c) for c in ("month", *([column] if column else []))]
    if review.notes:
        listed = "".join(f"<li>{html.escape(one_line(note, 600))}</li>" for note in review.notes)
        parts.append(f"<details><summary>Notes</summary><ul>{listed}</ul></details>")
    return _framed("".join(parts))


def outlook_html(out: Outlook) -> str:
    """An outlook: its total, and its months beside the budget."""
    return _framed(f"<p><b>{html.escape(outlook_words(out))}.</b></p>{outlook_table(out)}")


def breach_html(breach: Breach) -> str:
    """A breach: how likely, when, and by how much."""
    tell = Teller(breach.currency, 0 if abs(breach.limit) >= WHOLE_FROM else 2)
    rows = [("Limit", tell.money(breach.limit)), ("Chance of going over", percent(breach.probability))]
    if breach.probability > 0:
        dates = breach.dates()
        rows += [
            ("Gone over on, P50", day_words(dates["p50"])),
            ("P10 to P90", between_words(dates["p10"], dates["p90"])),
            ("Overrun, mean of the futures that go over", tell.money(breach.overrun)),
        ]
    body = "".join(f'<tr><th scope="row">{name}</th><td class="n">{html.escape(v)}</td></tr>' for name, v in rows)
    return _framed(f"<table><caption>As of {day_words(breach.as_of)}.</caption><tbody>{body}</tbody></table>")


def reforecast_html(made: Reforecast) -> str:
    """A reforecast: its outlook, and the walk of versions since the plan."""
    tell, table = Teller.of(made.outlook), made.walk()
    heads = ["version", "as of", "to date", "P10", "P50", "P90", "change", "chance over"]
    rows = [
        [
            one_line(name, 12),
            f"{row['as_of']:%Y-%m-%d}",
            *(_amount(tell, row[c]) for c in ("to_date", "p10", "p50", "p90", "change")),
            percent(float(row["over"])),
        ]
        for name, row in table.iterrows()
    ]
    budget = tell.money(made.outlook.budget.total)
    caption = (
        f"Money in {made.plan.currency}. Each version beside the approved budget of {budget}, which stays as it is."
    )
    walk = table_html(heads, rows, caption, labels=2)
    return _framed(f"<p><b>{html.escape(outlook_words(made.outlook))}.</b></p>{walk}{outlook_table(made.outlook)}")


def title_of(review: Review) -> str:
    """What is reviewed, and as of when."""
    return f"{one_line(review.plan.name, 80)}, as of {day_words(review.outlook.known_to)}"


def outlook_words(out: Outlook) -> str:
    """An outlook in one sentence."""
    tell, name = Teller.of(out), one_line(out.plan.name, 80)
    budget, middle = tell.rounded(out.budget.total), tell.rounded(out.quantile(0.5))
    variance = tell.variance(budget - middle, budget)
    if out.known_to >= out.last_day:
        return f"{name}: {tell.money(middle)} was spent, {variance}"
    low, high = tell.amount(out.quantile(0.1)), tell.amount(out.quantile(0.9))
    chance = percent(out.probability_over(out.budget.total))
    return (
        f"{name}, as of {day_words(out.known_to)}: {tell.money(middle)} at P50 (P10\u2013P90 {low} to {high}), "
        f"{variance}; {chance} of futures go over it"
    )


def decisions_html(told: Told) -> str:
    """The decisions as a list."""
    if not told.decisions:
        return "<p>Nothing is to be decided.</p>"
    listed = "".join(f"<li>{html.escape(d.words)}</li>" for d in told.decisions)
    return f"<p>To be decided:</p><ul>{listed}</ul>"


def figures_table(figures: Sequence[Figure], caption: str) -> str:
    """Figures with their sentences."""
    body = "".join(
        f'<tr><th scope="row">{html.escape(f.name)}</th><td class="n">{html.escape(figure_amount(f))}</td>'
        f'<td class="what">{html.escape(f.what)}</td></tr>'
        for f in figures
    )
    heads = '<th scope="col">figure</th><th scope="col" class="n">amount</th><th scope="col">what it is</th>'
    return (
        f"<table><caption>{html.escape(caption)}</caption><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
    )


def figure_amount(figure: Figure) -> str:
    """The amount of a figure as it is read."""
    if math.isnan(figure.amount):
        return "\u2013"
    if figure.unit == "share":
        return percent(figure.amount)
    return Teller(figure.unit, 0 if figure.amount == round(figure.amount) else 2).amount(figure.amount)


def actuals_table(review: Review, by: str) -> str:
    """Actuals against the budget to date by a column, in whole units that add up; variances told have a word."""
    tell, table = Teller.of(review.outlook), told_table(review, by)
    rows = [
        [
            label_words(name),
            *(_amount(tell, row[c]) for c in ("budget", "actual", "variance")),
            _share(float(row["percent"])),
            _rank(float(row["percentile"])),
            ", ".join(str(row[c]) for c in ("status", "kind") if row[c]),
        ]
        for name, row in table.iterrows()
    ]
    sums = table[["budget", "actual"]].sum()
    variance = float(sums["budget"] - sums["actual"])
    whole = variance / float(sums["budget"]) if sums["budget"] else math.nan
    money = [tell.amount(v) for v in (sums["budget"], sums["actual"], variance)]
    total = ["total", *money, _share(whole), "", ""]
    caption = (
        f"Money in {tell.currency}, to date. Variance is budget less actual, favourable where positive; it is told "
        f"where it is at least {tell.amount(review.amount)} and {review.percent * 100:g} %. Rank: where the actual "
        "stands among the plan's futures."
    )
    heads = [by, "budget", "actual", "variance", "in %", "rank", "told as"]
    return table_html(heads, rows, caption, total=total, words=1)


def outlook_table(out: Outlook, by: str = "month") -> str:
    """The outlook beside the budget by a column; budgets add up, quantiles are each row's own."""
    tell, table, whole = Teller.of(out), out.table(by), out.table([]).iloc[0]
    for column in ("budget", "actual"):
        table[column] = adding(table[column], float(whole[column]), tell)
    rows = [_outlook_row(tell, label_words(name), row) for name, row in table.iterrows()]
    caption = (
        f"Money in {out.plan.currency}, spent to date and foreseen. P10 to P90 are each row's own quantiles and do not "
        "add. Variance is the budget less P50, favourable where positive."
    )
    heads = [by, "budget", "spent", "P10", "P50", "P90", "variance", "in %", "chance over"]
    return table_html(heads, rows, caption, total=_outlook_row(tell, "total", whole))


def table_html(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    caption: str,
    *,
    labels: int = 1,
    words: int = 0,
    total: Sequence[str] = (),
) -> str:
    """A table: its first columns label rows, its last are words, those between are numbers."""

    def mark(column: int) -> str:
        return ' class="n"' if labels <= column < len(heads) - words else ""

    def line(cells: Sequence[str], kind: str = "") -> str:
        told = "".join(
            f'<th scope="row">{html.escape(c)}</th>' if i < labels else f"<td{mark(i)}>{html.escape(c)}</td>"
            for i, c in enumerate(cells)
        )
        return f"<tr{kind}>{told}</tr>"

    head = "".join(f'<th scope="col"{mark(i)}>{html.escape(name)}</th>' for i, name in enumerate(heads))
    body = "".join(line(row) for row in rows) + (line(total, ' class="total"') if total else "")
    return (
        f"<table><caption>{html.escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _outlook_row(tell: Teller, name: str, row: pd.Series) -> list[str]:
    budget, middle = row["budget"], tell.rounded(float(row["p50"]))
    variance = tell.rounded(float(budget)) - middle if pd.notna(budget) else math.nan
    share = variance / float(budget) if pd.notna(budget) and budget else math.nan
    low, high = (_amount(tell, row[c]) for c in ("p10", "p90"))
    over = percent(float(row["over"])) if pd.notna(row["over"]) else "\u2013"
    return [
        name,
        _amount(tell, budget),
        _amount(tell, row["actual"]),
        low,
        tell.amount(middle),
        high,
        _amount(tell, variance),
        _share(share),
        over,
    ]


def _amount(tell: Teller, value: object) -> str:
    number = float(str(value))
    return "\u2013" if math.isnan(number) else tell.amount(number)


def _share(share: float) -> str:
    if math.isnan(share):
        return "\u2013"
    return ("\u2212" if share < 0 else "") + percent_of(share, 1.0)


def _rank(percentile: float) -> str:
    return "" if math.isnan(percentile) else f"P{min(max(percentile * 100, 1), 99):.0f}"


def _framed(body: str) -> str:
    return f'<div class="tokenplan">{_STYLE}{body}</div>'
