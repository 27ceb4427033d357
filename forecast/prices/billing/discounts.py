"""Discounts. Comes in: a bill. Goes out: the same less a share, fixed or by how much was spent in the term."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Literal, get_args

import numpy as np

from forecast.prices.billing.bill import Bill, Stage
from forecast.prices.billing.periods import WINDOWS, Days, FloatArray, Periods, Window
from forecast.prices.billing.terms import check, edges

How = Literal["graduated", "volume"]


@dataclass(frozen=True, slots=True)
class Discount:
    """A share off what usage costs, such as 0.08, from a day to a day.

    line = -share · (usage less what capacity served and earlier discounts took off)

    Two discounts of 0.10 leave 0.81: each is off what the one before it left.
    """

    name: str
    share: float
    start: date | None = None
    end: date | None = None

    def __post_init__(self) -> None:
        """Check the terms."""
        check(self, numbers={"share": (0.0, 1.0)})

    @property
    def stage(self) -> Stage:
        """Before subscriptions."""
        return "discount"

    def dates(self, periods: Periods) -> Days:
        """Where it begins and ends."""
        return edges(self.start, self.end)

    def apply(self, bill: Bill) -> Bill:
        """Take the share off."""
        off = -self.share * bill.of("usage") * bill.periods.inside(self.start, self.end)
        return bill.with_lines({self.name: off}, kinds={self.name: "discount"})


@dataclass(frozen=True, slots=True)
class SpendTiers:
    """A discount that grows with what was spent so far in the window.

    ``tiers`` are pairs of a threshold of cumulative spend and the share off above it, thresholds rising from 0.
    ``graduated``: each tier's share holds for the money inside it, like income tax. ``volume``: the share of the tier
    that spend has reached holds for all of it, so reaching a tier gives back what was paid too much before.

    Spend is what usage costs before this discount. ``spent_before`` is what was spent, in the window that is running
    when the bill begins, before it does.
    """

    name: str
    tiers: tuple[tuple[float, float], ...]
    how: How = "graduated"
    window: Window = "year"
    start: date | None = None
    end: date | None = None
    spent_before: float = 0.0

    def __post_init__(self) -> None:
        """Check the terms."""
        problems = []
        try:
            tiers = tuple((float(threshold), float(share)) for threshold, share in self.tiers)
        except (TypeError, ValueError):
            problems = [f"tiers = {self.tiers!r}: wanted pairs of a threshold and a share"]
        else:
            object.__setattr__(self, "tiers", tiers)
            rising = bool(tiers) and tiers[0][0] == 0 and all(low < high for (low, _), (high, _) in pairwise(tiers))
            if not rising or not all(0 <= share <= 1 for _, share in tiers):
                problems = [f"tiers = {tiers!r}: wanted thresholds that rise from 0, and shares from 0 to 1"]
        check(
            self,
            numbers={"spent_before": (0.0, np.inf)},
            choices={"how": get_args(How), "window": WINDOWS},
            also=problems,
        )

    @property
    def stage(self) -> Stage:
        """Before subscriptions."""
        return "discount"

    def dates(self, periods: Periods) -> Days:
        """Where it begins and ends, and where spend is counted anew."""
        return edges(self.start, self.end, periods.boundaries(self.window, self.start))

    def off(self, spend: FloatArray) -> FloatArray:
        """What a cumulative spend (any shape) takes off."""
        thresholds = np.array([t for t, _ in self.tiers])
        shares = np.array([s for _, s in self.tiers])
        if self.how == "volume":
            return np.asarray(shares[np.searchsorted(thresholds, spend, side="right") - 1] * spend)
        inside = np.clip(spend[..., None] - thresholds, 0.0, np.diff(thresholds, append=np.inf))
        return np.asarray(inside @ shares)

    def apply(self, bill: Bill) -> Bill:
        """Take off what the spend of the window so far has earned, less what it had earned before."""
        spend, line = bill.of("usage"), np.zeros_like(bill.amortised)
        found = bill.periods.windows(self.window, self.start, self.end)
        for window in np.unique(found.number[found.number >= 0]):
            inside = found.number == window
            before = self.spent_before if found.begin[window] < bill.periods.first[0] else 0.0
            sums = before + np.cumsum(np.insert(spend[:, inside], 0, 0.0, axis=1), axis=1)
            line[:, inside] = -np.diff(self.off(sums), axis=1)
        return bill.with_lines({self.name: line}, kinds={self.name: "discount"})
