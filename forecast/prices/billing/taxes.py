"""Tax. Comes in: a bill. Goes out: the same with tax on what is billed, never twice on credits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

import numpy as np

from forecast.prices.billing.bill import Bill, Stage
from forecast.prices.billing.periods import Days, Periods
from forecast.prices.billing.terms import check, edges

_ON: Final = ("billed", "due", "charges", "usage")


@dataclass(frozen=True, slots=True)
class Tax:
    """A rate on what is billed, from a day to a day.

    line = rate · base

    ``on`` says what the base is. ``billed``: all that is billed before tax, so a purchase of credits is taxed when it
    is made, and usage that they pay for is not billed, nor taxed again. ``due``: what is due before credits, so usage
    is taxed when it is used and a purchase is not. ``charges``: the same without shortfalls; ``usage``: without
    capacity and fees too. No base holds another tax. Money that is given back takes its tax back with it.

    With ``reverse_charge`` the buyer owes it to the tax office: nothing is billed, and the memo tells how much it is.
    """

    name: str
    rate: float
    on: Literal["billed", "due", "charges", "usage"] = "billed"
    reverse_charge: bool = False
    start: date | None = None
    end: date | None = None

    def __post_init__(self) -> None:
        """Check the terms."""
        wrong = not isinstance(self.reverse_charge, bool)
        also = [f"reverse_charge = {self.reverse_charge!r}: wanted true or false"] if wrong else []
        check(self, numbers={"rate": (0.0, 1.0)}, choices={"on": _ON}, also=also)

    @property
    def stage(self) -> Stage:
        """Last."""
        return "tax"

    def dates(self, periods: Periods) -> Days:
        """Where it begins and ends."""
        return edges(self.start, self.end)

    def apply(self, bill: Bill) -> Bill:
        """Add the tax."""
        tax = self.rate * bill.of(self.on) * bill.periods.inside(self.start, self.end)
        if self.reverse_charge:
            tax, owed = np.zeros_like(tax), tax
            memo = {f"{self.name}: reverse charge": owed}
            return bill.with_lines({self.name: tax}, kinds={self.name: "tax"}, memo=memo)
        return bill.with_lines({self.name: tax}, kinds={self.name: "tax"})
