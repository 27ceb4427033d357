"""Tax. Comes in: a bill. Goes out: the same with tax on what is billed, never twice on credits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from forecast.prices.billing.bill import Bill, Stage, check


@dataclass(frozen=True, slots=True)
class Tax:
    """A rate on everything that is billed, from a day to a day; 0 where the charge is reversed to the buyer.

    line = rate · max(total, 0) · covered

    A purchase of credits is billed and taxed when it is made; usage that they pay for is not billed, nor taxed again.
    """

    name: str
    rate: float
    start: date | str | None = None
    end: date | str | None = None

    def __post_init__(self) -> None:
        """Check name and rate."""
        check(self, rate=(0.0, 1.0))

    @property
    def stage(self) -> Stage:
        """Last."""
        return "tax"

    def apply(self, bill: Bill) -> Bill:
        """Add the tax."""
        covered = bill.periods.covered(self.start, self.end)
        return bill.with_lines({self.name: self.rate * np.maximum(bill.total, 0.0) * covered})
