"""Decisions that a review asks for, by stated rules. Comes in: a Review. Goes out: sentences with amounts and days.

The rules, in order:

- **approve**: more than half of the futures go over the budget, or it is gone over already. The amount is what the
  outlook needs at the plan's own level above the budget; the day is the P10 of the days on which it would be gone over:
  nine in ten futures that go over it last until then.
- **release**: the outlook at the plan's own level lies below the budget by at least the review's amount and percent.
- **own**: usage bears a label, or a line, that the plan does not know.
- **tell**: a line counts as planned to date because nobody said what it cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd

from forecast.drawing import one_line, percent
from forecast.schema import UNASSIGNED
from scenarios.budget.funding import level_name
from scenarios.budget.ledger import LINE, TOKENS
from scenarios.report.onepage.wording import Teller, day_words, listed, percent_of
from scenarios.reviews.breach import Breach
from scenarios.reviews.outlook import Outlook
from scenarios.reviews.reviewing import Review

Kind = Literal["approve", "release", "own", "tell"]
#: From this chance of going over the budget on more is asked for.
LIKELY: Final = 0.5
#: The quantile of the days of going over by which somebody must have acted.
ACT_BY: Final = 0.1
#: What says how tokens were used, and not who used them: a new model is no new owner.
_HOW: Final = ("provider", "model", "service_tier", "region", "context_tier", "route")


@dataclass(frozen=True, slots=True)
class Decision:
    """Something to be decided.

    Attributes
    ----------
    kind : {"approve", "release", "own", "tell"}
    amount : float
        What it is about.
    words : str
        One sentence.
    by : Timestamp, optional
        The day by which it must be decided.
    """

    kind: Kind
    amount: float
    words: str
    by: pd.Timestamp | None = None


def decisions_of(review: Review, breach: Breach, tell: Teller) -> list[Decision]:
    """The decisions that a review asks for; none where it asks for none. ``breach`` is that of the budget."""
    money = _approved(review, breach, tell) or _released(review, tell)
    return [*([money] if money else []), *_owned(review.outlook, tell), *_told(review.outlook, tell)]


def _approved(review: Review, breach: Breach, tell: Teller) -> Decision | None:
    """More money, where the budget is likely not to do."""
    out, limit = review.outlook, breach.limit
    gone = np.flatnonzero(np.nan_to_num(breach.spent, nan=-np.inf) > limit)
    if not len(gone) and breach.probability <= LIKELY:
        return None
    level = max(review.plan.confidence, LIKELY)
    need = out.quantile(level)
    more = tell.rounded(need) - tell.rounded(limit)
    if more <= 0:
        return None
    asked = f"Approve {tell.money(more)} more ({_of_budget(more, limit)})" if limit else (f"Approve {tell.money(more)}")
    since = day_words(breach.days[gone[0]]) if len(gone) else ""
    if out.known_to >= out.last_day:
        return Decision("approve", more, f"{asked} for what was spent: the budget was gone over on {since}.")
    if len(gone):
        return Decision("approve", more, f"{asked}, or stop: the budget was gone over on {since}.")
    by = pd.Timestamp(breach.dates((ACT_BY,)).iloc[0])
    middle = out.quantile(0.5)
    cut, left = middle - limit, middle - out.to_date
    save = f" so that the rest costs {percent_of(cut, left)} less" if 0 < cut < left else ""
    words = (
        f"{asked}, or act by {day_words(by)}{save}: {percent(breach.probability)} of futures go over the budget, "
        f"and {level_name(level)} of the outlook is {tell.money(need)}."
    )
    return Decision("approve", more, words, by)


def _released(review: Review, tell: Teller) -> Decision | None:
    """Money that the plan does not need, where it is worth a decision."""
    out, level = review.outlook, review.plan.confidence
    need, budget = out.quantile(level), out.budget.total
    free = tell.rounded(budget) - tell.rounded(need)
    if free <= 0 or free < review.amount or free < review.percent * abs(budget) or out.is_plan:
        return None
    why = (
        f"what is left is {level_name(level)} of the outlook, {tell.money(need)}, enough in {percent(level)} of futures"
    )
    if out.known_to >= out.last_day:
        why = "the plan is over"
    return Decision("release", free, f"Release {tell.money(free)} ({_of_budget(free, budget)}): {why}.")


def _of_budget(value: float, budget: float) -> str:
    """A part of the budget in words."""
    told = percent_of(value, budget)
    return f"{told} of the budget" if told.endswith("%") else told.replace(" it", " the budget")


def _owned(out: Outlook, tell: Teller) -> list[Decision]:
    """Labels and lines that the plan does not know, and so nobody's budget holds."""
    tokens = np.asarray(out.labels[LINE] == TOKENS)
    new = np.flatnonzero(out.unplanned)
    spent = out.actual.sum(axis=0)
    found: dict[tuple[str, str], list[int]] = {}
    for row in new:
        if not tokens[row]:
            found.setdefault((LINE, str(out.labels[LINE].iloc[row])), []).append(int(row))
            continue
        for column in out.labels.columns:
            if column == LINE or column in _HOW:
                continue
            told = out.labels[column].fillna(UNASSIGNED)
            value = told.iloc[row]
            if not (told[tokens & ~out.unplanned] == value).any():
                name = f"no {column}" if value == UNASSIGNED else one_line(value, 40)
                found.setdefault((column, name), []).append(int(row))
                break
    made = []
    for (column, name), rows in found.items():
        amount = tell.rounded(spent[rows].sum())
        end = float(np.median(spent[rows].sum() + out.ahead[:, :, rows].sum(axis=(1, 2))))
        if max(amount, tell.rounded(end)) <= 0:
            continue  # credits need no owner
        later = "" if out.known_to >= out.last_day else f", {tell.money(end)} by the plan's end at P50"
        what = f"usage with {name}" if name == f"no {column}" else f"the {column} {name!r}"
        words = f"Name an owner for {what}, which no budget holds: {tell.money(amount)} to date{later}."
        made.append(Decision("own", amount, words))
    return sorted(made, key=lambda d: -abs(d.amount))


def _told(out: Outlook, tell: Teller) -> list[Decision]:
    """Lines that nobody told, as one decision."""
    sums = pd.Series(out.assumed.sum(axis=0)).groupby(out.labels[LINE].to_numpy()).sum()
    sums = sums[sums.abs() >= 0.005].sort_values(key=abs, ascending=False)
    if sums.empty:
        return []
    names = [f"{one_line(name, 40)} ({tell.amount(float(sums.loc[name]))})" for name in sums.index]
    whole = tell.rounded(float(sums.sum()))
    words = f"Say what {listed(names)} cost: {tell.money(whole)} to date counts as planned, since no export tells it."
    return [Decision("tell", whole, words)]
