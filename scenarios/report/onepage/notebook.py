"""Reviews as a notebook shows them. Comes in: a Review, Outlook, Breach, Reforecast. Goes out: tables, sentences."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from forecast.drawing import one_line, percent
from forecast.shown import CellKind, Mark, Shown, Table, rows_as
from forecast.shown.cells import WHOLE_FROM
from forecast.shown.html import table_html
from scenarios.report.onepage.figures import Figure, adding, label_words, part_column, told_of, told_table
from scenarios.report.onepage.wording import Teller, between_words, day_words, percent_of
from scenarios.reviews.breach import Breach
from scenarios.reviews.outlook import Outlook
from scenarios.reviews.reviewing import Review
from scenarios.reviews.versions import Reforecast


def review_shown(review: Review) -> Shown:
    """A review: its finding, decisions, actuals against the budget by part and month, and notes folded away."""
    told, tables = told_of(review), []
    if review.outlook.elapsed.any():
        column = part_column(review)
        tables = [actuals(review, c) for c in ("month", *([column] if column else []))]
    return Shown(
        title_of(review),
        f"{told.finding}. {'To be decided:' if told.decisions else 'Nothing is to be decided.'}",
        tuple(tables),
        folded=(("Notes", tuple(one_line(note, 600) for note in review.notes)),),
        points=tuple(d.words for d in told.decisions),
    )


def outlook_shown(out: Outlook, by: str = "month") -> Shown:
    """An outlook: its total, and its months beside the budget."""
    return Shown(f"{outlook_words(out)}.", "", (outlook_by(out, by),))


def breach_shown(breach: Breach) -> Shown:
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
    table = rows_as(rows, (), ("label", "number"), caption=f"As of {day_words(breach.as_of)}.")
    return Shown("When the outlook goes over a limit", "", (table,))


def reforecast_shown(made: Reforecast) -> Shown:
    """A reforecast: its outlook, and the walk of versions since the plan."""
    tell, table = Teller.of(made.outlook), made.walk()
    heads = ["version", "as of", "to date", "P10", "P50", "P90", "change", "chance over"]
    money: CellKind = "money"
    kinds: list[CellKind] = ["label", "label", *[money] * (len(heads) - 2)]
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
    walk = rows_as(rows, heads, kinds, labels=2, caption=caption)
    return Shown(f"{outlook_words(made.outlook)}.", "", (walk, outlook_by(made.outlook)))


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


def figures_table(figures: Sequence[Figure], caption: str) -> str:
    """Figures with their sentences."""
    rows = [(f.name, figure_amount(f), f.what) for f in figures]
    kinds: tuple[CellKind, ...] = ("label", "money", "words")
    heads = ("figure", "amount", "what it is")
    return table_html(rows_as(rows, heads, kinds, labels=1, caption=caption), bare=False)


def figure_amount(figure: Figure) -> str:
    """The amount of a figure as it is read."""
    if math.isnan(figure.amount):
        return "\u2013"
    if figure.unit == "share":
        return percent(figure.amount)
    return Teller(figure.unit, 0 if figure.amount == round(figure.amount) else 2).amount(figure.amount)


def actuals_table(review: Review, by: str) -> str:
    """As :func:`actuals`, for a page that has its own style."""
    return table_html(actuals(review, by), bare=False)


def actuals(review: Review, by: str) -> Table:
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
    return _summed([*rows, total], heads, caption, words=1)


def outlook_table(out: Outlook, by: str = "month") -> str:
    """As :func:`outlook_by`, for a page that has its own style."""
    return table_html(outlook_by(out, by), bare=False)


def outlook_by(out: Outlook, by: str = "month") -> Table:
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
    return _summed([*rows, _outlook_row(tell, "total", whole)], heads, caption)


def _summed(rows: Sequence[Sequence[str]], heads: Sequence[str], caption: str, words: int = 0) -> Table:
    """Rows whose last is their total; the first column labels them, the last ``words`` columns are words."""
    money: CellKind = "money"
    word: CellKind = "words"
    cell: Mark = "cell"
    kinds: list[CellKind] = ["label", *[money] * (len(heads) - 1 - words), *[word] * words]
    marks: list[Mark] = [*[cell] * (len(rows) - 1), "total"]
    return rows_as(rows, heads, kinds, labels=1, caption=caption, marks=marks)


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
