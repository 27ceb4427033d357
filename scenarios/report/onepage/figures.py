"""The figures of a review. Comes in: a Review. Goes out: each with its amount and a sentence, in whole units.

Amounts are told in whole units of the currency (to the cent of a budget below 1,000), and what is told adds up: a
variance is what is told of the budget less what is told of the actual.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from forecast.drawing import one_line, percent
from forecast.panel import FloatArray
from scenarios.budget.funding import level_name
from scenarios.budget.ledger import LINE
from scenarios.report.onepage.deciding import Decision, decisions_of
from scenarios.report.onepage.wording import (
    Teller,
    between_words,
    day_words,
    listed,
    percent_of,
    rank_words,
    side_of,
)
from scenarios.report.tables import round_to
from scenarios.reviews.breach import Breach
from scenarios.reviews.outlook import Outlook
from scenarios.reviews.reviewing import Review

#: Drivers and variances that are told.
LARGEST: Final = 3
#: Columns that a review is told by, the first that tells parts.
PARTS: Final = ("environment", "department", "project")
TO_DATE, REST, OUTLOOK = "to date", "rest of the plan", "outlook"
DRIVERS, VARIANCES, DECISIONS = "drivers", "largest variances", "decisions needed"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure.

    Attributes
    ----------
    part : str
        "to date", "rest of the plan", "outlook", "drivers", "largest variances" or "decisions needed".
    name : str
    amount : float
        Money, or a share of 1; NaN where there is none.
    unit : str
        The currency, or "share".
    what : str
        What it is, in words.
    """

    part: str
    name: str
    amount: float
    unit: str
    what: str


@dataclass(frozen=True, slots=True)
class Told:
    """A review, told.

    Attributes
    ----------
    finding : str
        The review in one sentence.
    figures : tuple of Figure
        All but the decisions.
    decisions : tuple of Decision
    """

    finding: str
    figures: tuple[Figure, ...]
    decisions: tuple[Decision, ...]

    def of(self, *parts: str) -> list[Figure]:
        """The figures of some parts."""
        return [f for f in self.figures if f.part in parts]


def told_of(review: Review, by: str | None = None) -> Told:
    """A review as figures, sentences and decisions; its largest variances ``by`` a column."""
    tell, breach = Teller.of(review.outlook), review.breach()
    makers = [*_to_date(review, tell), *_rest(review, tell), *_outlook(review, breach, tell)]
    figures = [*makers, *_drivers(review, tell), *_variances(review, by, tell)]
    return Told(_finding(review, breach, tell), tuple(figures), tuple(decisions_of(review, breach, tell)))


def summary_of(review: Review, by: str | None = None) -> pd.DataFrame:
    """The figures and decisions of a review as a table.

    Parameters
    ----------
    by : str, optional
        What the largest variances are told by; the environment, department or project where none is given.

    Returns
    -------
    DataFrame
        Index ``part``; ``figure``, ``amount`` (NaN where there is none), ``unit`` (the currency, or "share" of 1) and
        ``what`` it is, in a sentence.
    """
    made = told_of(review, by)
    rows = list(made.figures)
    rows += [Figure(DECISIONS, d.kind, d.amount, review.plan.currency, d.words) for d in made.decisions]
    if not made.decisions:
        rows.append(Figure(DECISIONS, "none", math.nan, "", "Nothing is to be decided."))
    table = pd.DataFrame([(f.part, f.name, f.amount, f.unit, f.what) for f in rows])
    return table.set_axis(["part", "figure", "amount", "unit", "what"], axis=1).set_index("part")


def part_column(review: Review) -> str | None:
    """The column that a review's parts are told by: the split's, else the first that tells several; None for none."""
    labels = review.outlook.budget.labels
    levels = review.plan.ledger.levels
    asked = (levels[0].split.by,) if levels else ()
    several = [c for c in (*asked, *PARTS) if c in labels and labels[c].nunique() > 1]
    one = [c for c in (*asked, *PARTS) if c in labels and labels[c].nunique() == 1]
    return next(iter([*several, *one]), None)


def told_table(review: Review, by: str) -> pd.DataFrame:
    """:meth:`Review.table` in whole units, so that each row's variance and the sums of rows are what they show.

    Budget and actual are whole; ``variance`` and ``percent`` are of what is shown.
    """
    out = review.outlook
    tell, table = Teller.of(out), review.table(by)
    for column, whole in (("budget", due_of(out)), ("actual", out.to_date)):
        table[column] = adding(table[column], whole, tell)
    table["variance"] = table["budget"] - table["actual"]
    table["percent"] = table["variance"] / table["budget"].where(table["budget"] != 0)
    return table


def adding(amounts: pd.Series, whole: float, tell: Teller) -> FloatArray:
    """Amounts as they are told, so that they add up to the whole as it is told; NaN stays."""
    found, scale = amounts.to_numpy("float64").copy(), 10**tell.digits
    held = np.isfinite(found)
    found[held] = round_to(found[held] * scale, round(tell.rounded(whole) * scale)) / scale
    return found


def due_of(out: Outlook) -> float:
    """The budget to date."""
    return float(out.budget.by([], out.elapsed).iloc[0])


def label_words(label: Any) -> str:
    """The label of a part; what has none is named so."""
    return "(none)" if pd.isna(label) or label == "" else one_line(label, 40)


def _finding(review: Review, breach: Breach, tell: Teller) -> str:
    """The review in one sentence."""
    out = review.outlook
    budget, middle = tell.rounded(out.budget.total), tell.rounded(out.quantile(0.5))
    whole = tell.variance(budget - middle, budget)
    if out.known_to >= out.last_day:
        return f"{tell.money(middle)} was spent: {whole}"
    total = f"the outlook is {tell.money(middle)}, {whole}, and {percent(breach.probability)} of futures go over it"
    if not out.elapsed.any():
        return f"Nothing of the plan's days is over; {total}"
    due, actual = tell.rounded(due_of(out)), tell.rounded(out.to_date)
    return f"{tell.money(actual)} spent, {tell.variance(due - actual, due)} to date; {total}"


def _to_date(review: Review, tell: Teller) -> list[Figure]:
    """What was budgeted and spent to date."""
    out, unit = review.outlook, tell.currency
    start = out.plan.projection.span.start
    if not out.elapsed.any():
        what = f"nothing: the plan begins on {day_words(start)}, and {day_words(out.as_of)} is the last day known"
        return [Figure(TO_DATE, "Actual to date", 0.0, unit, what)]
    days = (out.known_to - start).days + 1
    end = min(out.known_to, out.last_day)
    length = (out.last_day - start).days + 1
    span = f"{between_words(start, end)}, {min(days, length)} of {length} days"
    budget, actual = tell.rounded(due_of(out)), tell.rounded(out.to_date)
    begun = ((out.elapsed > 0) & (out.elapsed < 1)).any()
    told = [
        Figure(
            TO_DATE, "Budget to date", budget, unit, span + ("; a month under way counts by its days" * bool(begun))
        ),
        Figure(TO_DATE, "Actual to date", actual, unit, _actual_words(out, tell)),
        _variance_figure(review, budget, actual, tell),
    ]
    percentile = float(review.table([])["percentile"].iloc[0])
    if words := rank_words(percentile):
        told.append(Figure(TO_DATE, "Where it stands", percentile, "share", words))
    return [*told, *_restated(out, tell)]


def _actual_words(out: Outlook, tell: Teller) -> str:
    sums = pd.Series(out.assumed.sum(axis=0)).groupby(out.labels[LINE].to_numpy()).sum()
    names = [one_line(name, 40) for name in sums.index if abs(sums.loc[name]) >= 0.005]
    if not names:
        return "as billed, or priced where there is no bill"
    return f"of it {tell.amount(float(sums.sum()))} as planned, for want of an actual: {listed(names)}"


def _variance_figure(review: Review, budget: float, actual: float, tell: Teller) -> Figure:
    """The variance to date, with what it means."""
    variance = budget - actual
    words = tell.variance(variance, budget)
    if variance:
        row = review.table([]).iloc[0]
        small = f"less than the {tell.amount(review.amount)} or {review.percent * 100:g} % that a variance is told from"
        last = {
            "permanent": "permanent: the outlook keeps at least half of it",
            "timing": "timing: the outlook takes more than half of it back",
        }.get(str(row["kind"]), small)
        words += f", {side_of(variance)}; {last}"
    return Figure(TO_DATE, "Variance to date", variance, tell.currency, words)


def _restated(out: Outlook, tell: Teller) -> list[Figure]:
    """What exports say of days that they told otherwise before."""
    money = out.restated[out.restated["measure"] == "billed_cost"] if len(out.restated) else out.restated
    if money.empty:
        return []
    amount = tell.rounded(float(money["difference"].sum()))
    days = [day_words(d) for d in money["date"]]
    what = f"{len(days)} {'day was' if len(days) == 1 else 'days were'} billed otherwise before: {listed(days)}"
    return [Figure(TO_DATE, "Restated", amount, tell.currency, what)]


def _rest(review: Review, tell: Teller) -> list[Figure]:
    """What is left of the budget, and what is foreseen of the rest."""
    out, unit = review.outlook, tell.currency
    if out.known_to >= out.last_day:
        return []
    start = out.plan.projection.span.start
    first = max(out.known_to + pd.Timedelta(days=1), start)
    days = (out.last_day - first).days + 1
    spent = tell.rounded(out.to_date)
    left, rest = tell.rounded(out.budget.total) - spent, tell.rounded(out.quantile(0.5)) - spent
    span = f"{between_words(first, out.last_day)}, {days} days"
    return [
        Figure(REST, "Budget left", left, unit, f"the budget less what was spent: {tell.amount(left / days)} a day"),
        Figure(REST, "Rest as foreseen", rest, unit, f"P50, {span}: {tell.amount(rest / days)} a day"),
    ]


def _outlook(review: Review, breach: Breach, tell: Teller) -> list[Figure]:
    """What the whole plan comes to, and when the budget would be gone over."""
    out, unit = review.outlook, tell.currency
    budget, middle = tell.rounded(out.budget.total), tell.rounded(out.quantile(0.5))
    own = out.budget.labels is out.plan.ledger.labels
    approved = f"as approved, {level_name(out.plan.confidence)} of the plan" if own else "the budget's table"
    told = [Figure(OUTLOOK, "Budget", budget, unit, approved)]
    if out.known_to >= out.last_day:
        told.append(Figure(OUTLOOK, "Outlook", middle, unit, "what was spent: the plan is over"))
    else:
        told.append(
            Figure(OUTLOOK, "Outlook, P50", middle, unit, "spent to date and the rest: as likely over as under")
        )
        what = "four of five futures end between P10 and P90"
        told += [Figure(OUTLOOK, f"Outlook, P{q}", tell.rounded(out.quantile(q / 100)), unit, what) for q in (10, 90)]
    variance = budget - middle
    words = tell.variance(variance, budget) + (f", {side_of(variance)}" if variance else "")
    told.append(Figure(OUTLOOK, "Variance of the outlook", variance, unit, words))
    chance = breach.probability
    told.append(
        Figure(OUTLOOK, "Chance of going over", chance, "share", f"{percent(chance)} of futures end over the budget")
    )
    if chance > 0:
        told.append(_overrun(out, breach, tell))
    return told


def _overrun(out: Outlook, breach: Breach, tell: Teller) -> Figure:
    """By how much, and when, of the futures that go over."""
    dates = breach.dates()
    when = f"gone over on {day_words(dates['p50'])}"
    if dates["p10"] != dates["p90"]:
        when = f"gone over around {day_words(dates['p50'])}, P10\u2013P90 {between_words(dates['p10'], dates['p90'])}"
    mean = "" if out.known_to >= out.last_day else "; the mean of the futures that go over"
    return Figure(OUTLOOK, "Overrun if it goes over", tell.rounded(breach.overrun), tell.currency, when + mean)


def _drivers(review: Review, tell: Teller) -> list[Figure]:
    """The largest steps from the plan to the actual over months that are over, and all others as one."""
    bridge = review.bridge()
    if bridge is None:
        return []
    first, last = review.outlook.closed
    assert last is not None
    before, change = float(bridge.before.mean()), tell.rounded(float(bridge.change.mean()))
    means = bridge.means
    means = means[means.abs().map(tell.rounded) > 0].sort_values(key=abs, ascending=False, kind="stable")
    steps = [(str(name), tell.rounded(float(v))) for name, v in means.head(LARGEST).items()]
    if len(means) > LARGEST:
        others = change - sum(v for _, v in steps)
        steps.append(("all others" if len(means) > LARGEST + 1 else str(means.index[-1]), others))
    told = [Figure(DRIVERS, name, v, tell.currency, _step_words(v, before)) for name, v in steps]
    over = f"{between_words(first, last)}: the plan's mean {tell.amount(before)} becomes {tell.amount(before + change)}"
    return [*told, Figure(DRIVERS, "Plan to actual", change, tell.currency, over)]


def _step_words(value: float, whole: float) -> str:
    if value == 0:
        return "nothing"
    share = f"{percent_of(value, whole)} of the plan's mean, " if whole else ""
    return f"{share}costs {'more: unfavourable' if value > 0 else 'less: favourable'}"


def _variances(review: Review, by: str | None, tell: Teller) -> list[Figure]:
    """The parts that are furthest from their budget to date."""
    column = by or part_column(review)
    if column is None or not review.outlook.elapsed.any():
        return []
    largest = review.variances(column).head(LARGEST).index
    told = []
    for key, row in told_table(review, column).loc[largest].iterrows():
        budget, actual = float(row["budget"]), float(row["actual"])
        name = label_words(key)
        if np.isnan(budget):
            what = f"{tell.money(actual)} spent, which no budget holds"
            told.append(Figure(VARIANCES, name, -actual, tell.currency, what))
            continue
        variance = budget - actual
        words = f"{tell.variance(variance, budget)}, {side_of(variance)}, {row['kind']}"
        rank = rank_words(float(row["percentile"]))
        told.append(Figure(VARIANCES, name, variance, tell.currency, words + (f"; {rank}" if rank else "")))
    return told
