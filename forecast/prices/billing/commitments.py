"""Commitments. Comes in: a bill. Goes out: the same with what it lacks to the least that was promised."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np

from forecast.prices.billing.bill import Bill, Stage
from forecast.prices.billing.periods import WINDOWS, Days, Periods, Window
from forecast.prices.billing.terms import check, edges


@dataclass(frozen=True, slots=True)
class Commitment:
    """At least ``amount`` is paid in each window: what is missing is billed in the window's last period.

    shortfall = max(0, amount - what the bill comes to in the window)

    Windows are counted from ``start`` (those of the calendar without it); the term is from ``start`` to ``end``, with
    one true-up at its end. ``on`` says what counts: all ``charges``, or ``usage`` without capacity and fees; shortfalls
    of other commitments, credits and tax never do.

    A window that the bill covers in part owes its part of the amount, by months. In one that began before the bill,
    ``spent_before`` says what had been spent, and the part is then counted from the window's own beginning.
    """

    name: str
    amount: float
    window: Window = "year"
    on: Literal["charges", "usage"] = "charges"
    start: date | None = None
    end: date | None = None
    spent_before: float | None = None

    def __post_init__(self) -> None:
        """Check the terms."""
        numbers = {"amount": (0.0, np.inf)}
        if self.spent_before is not None:
            numbers["spent_before"] = (0.0, np.inf)
        check(self, numbers=numbers, choices={"window": WINDOWS, "on": ("charges", "usage")})

    @property
    def stage(self) -> Stage:
        """After discounts and subscriptions."""
        return "commitment"

    def dates(self, periods: Periods) -> Days:
        """Where it begins and ends, and where spend is counted anew."""
        return edges(self.start, self.end, periods.boundaries(self.window, self.start))

    def apply(self, bill: Bill) -> Bill:
        """Bill what is missing."""
        periods = bill.periods
        found, months = periods.windows(self.window, self.start, self.end), periods.months_in(self.start, self.end)
        spend, line = bill.of(self.on), np.zeros_like(bill.amortised)
        for window in np.unique(found.number[found.number >= 0]):
            inside = np.flatnonzero(found.number == window)
            seen, before = float(months[inside].sum()), 0.0
            if self.spent_before is not None and found.begin[window] < periods.first[0]:
                begun = Periods(found.begin[window], periods.first[0] - 1)
                seen, before = seen + float(begun.months_in()[0]), self.spent_before
            owed = self.amount * min(1.0, seen / found.months[window])
            line[:, inside[-1]] = np.maximum(owed - before - spend[:, inside].sum(axis=1), 0.0)
        name = f"{self.name}: shortfall"
        return bill.with_lines({name: line}, kinds={name: "shortfall"})
