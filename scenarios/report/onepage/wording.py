"""Sentences as finance writes them. Comes in: amounts, shares, days. Goes out: words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import pandas as pd

from forecast.drawing import in_percent, number
from forecast.shown.cells import WHOLE_FROM, amount
from forecast.wording import MONTHS
from scenarios.reviews.outlook import Outlook

#: From so many times a whole on a part is not told in percent.
MANY: Final = 10.0
FAVOURABLE, UNFAVOURABLE = "favourable", "unfavourable"


@dataclass(frozen=True, slots=True)
class Teller:
    """How money is told: whole units, or to the cent where the budget is small. What is shown adds up.

    Attributes
    ----------
    currency : str
    digits : int
        Decimals that are told.
    """

    currency: str
    digits: int

    @classmethod
    def of(cls, out: Outlook) -> Teller:
        """As the budget's size asks."""
        large = max(abs(out.budget.total), abs(out.quantile(0.5))) >= WHOLE_FROM
        return cls(out.plan.currency, 0 if large else 2)

    def rounded(self, value: float) -> float:
        """An amount as it is told."""
        return round(float(value), self.digits) + 0.0  # no -0.0

    def amount(self, value: float) -> str:
        """An amount without its currency: 12,500."""
        return amount(float(value), self.digits)

    def money(self, value: float) -> str:
        """An amount with its currency: USD 12,500."""
        return f"{self.currency} {self.amount(value)}"

    def variance(self, value: float, whole: float) -> str:
        """A variance beside what it is of: USD 12,500 (8.1 %) under budget."""
        if self.rounded(value) == 0:
            return "on budget"
        share = "" if self.rounded(whole) == 0 else f" ({percent_of(value, whole)})"
        return f"{self.money(abs(value))}{share} {'under' if value > 0 else 'over'} budget"


def percent_of(value: float, whole: float) -> str:
    """A part of a whole to a tenth of a percent, without its sign; what is many times the whole is told so."""
    share = abs(value / whole)
    if share >= MANY:
        return f"{number(share)} times it" if share < 1_000 else f"over {number(1_000)} times it"
    return f"under {in_percent(0.001, 1)}" if 0 < share < 0.0005 else in_percent(share, 1)


def side_of(value: float) -> str:
    """Whether a variance is good for the budget."""
    return FAVOURABLE if value > 0 else UNFAVOURABLE


def day_words(day: pd.Timestamp) -> str:
    """A day as people write it: 5 July 2026."""
    return f"{_day(day)} {day.year}"


def _day(day: pd.Timestamp) -> str:
    return f"{day.day} {MONTHS[day.month - 1]}"


def between_words(first: pd.Timestamp, last: pd.Timestamp) -> str:
    """Two days as a span: 1 July to 15 August 2026."""
    if first == last:
        return day_words(first)
    start = _day(first) if first.year == last.year else day_words(first)
    return f"{start} to {day_words(last)}"


def rank_words(percentile: float) -> str:
    """Where an actual stands among futures; empty where there are none to stand among."""
    if math.isnan(percentile):
        return ""
    if percentile <= 0:
        return "below all of the plan's futures of these days"
    if percentile >= 1:
        return "above all of the plan's futures of these days"
    return f"P{min(max(percentile * 100, 1), 99):.0f} of the plan's futures of these days"


def listed(names: list[str], most: int = 3) -> str:
    """Names in a sentence, those beyond the first few counted."""
    more = len(names) - most
    told = names[:most] + ([f"{more} more"] if more > 0 else [])
    return told[0] if len(told) == 1 else f"{', '.join(told[:-1])} and {told[-1]}"
