"""Discounts. Comes in: a bill. Goes out: the same less a share, fixed or by how much was spent in the term."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Literal

import numpy as np

from forecast.errors import PriceError
from forecast.prices.billing.bill import USAGE, Bill, FloatArray, Stage, Window, check


@dataclass(frozen=True, slots=True)
class Discount:
    """A share off usage, such as 0.08, from a day to a day.

    line = -share · usage · covered
    """

    name: str
    share: float
    start: date | str | None = None
    end: date | str | None = None

    def __post_init__(self) -> None:
        """Check name and share."""
        check(self, share=(0.0, 1.0))

    @property
    def stage(self) -> Stage:
        """Before subscriptions."""
        return "discount"

    def apply(self, bill: Bill) -> Bill:
        """Take the share off."""
        off = -self.share * bill.lines[USAGE] * bill.periods.covered(self.start, self.end)
        return bill.with_lines({self.name: off})


@dataclass(frozen=True, slots=True)
class SpendTiers:
    """A discount that grows with what was spent so far in the term.

    ``tiers`` are pairs of a threshold of cumulative spend and the share off above it, thresholds rising from 0.
    ``graduated``: each tier's share holds for the money inside it, like income tax. ``volume``: the share of the tier
    that spend has reached holds for all of it, so reaching a tier gives back what was paid too much before.
    """

    name: str
    tiers: tuple[tuple[float, float], ...]
    how: Literal["graduated", "volume"] = "graduated"
    window: Window = "year"
    start: date | str | None = None
    end: date | str | None = None

    def __post_init__(self) -> None:
        """Check name and tiers."""
        check(self)
        object.__setattr__(self, "tiers", tuple((float(t), float(s)) for t, s in self.tiers))
        thresholds = [t for t, _ in self.tiers]
        rising = bool(thresholds) and thresholds[0] == 0 and all(a < b for a, b in pairwise(thresholds))
        if not rising or not all(0 <= s <= 1 for _, s in self.tiers):
            raise PriceError(
                f"SpendTiers {self.name!r}: tiers = {self.tiers!r}: wanted thresholds that rise from 0, and shares "
                "from 0 to 1"
            )
        if self.how not in ("graduated", "volume"):
            raise PriceError(f"SpendTiers {self.name!r}: how = {self.how!r}: allowed: 'graduated', 'volume'")

    @property
    def stage(self) -> Stage:
        """Before subscriptions."""
        return "discount"

    def off(self, spend: FloatArray) -> FloatArray:
        """What a cumulative spend (any shape) takes off."""
        thresholds = np.array([t for t, _ in self.tiers])
        shares = np.array([s for _, s in self.tiers])
        if self.how == "volume":
            return np.asarray(shares[np.searchsorted(thresholds, spend, side="right") - 1] * spend)
        inside = np.clip(spend[..., None] - thresholds, 0.0, np.diff(thresholds, append=np.inf))
        return np.asarray(inside @ shares)

    def apply(self, bill: Bill) -> Bill:
        """Take off what the spend of the term so far has earned, less what it had earned before."""
        spend = bill.lines[USAGE] * bill.periods.covered(self.start, self.end)
        number = bill.periods.windows(self.window, self.start, self.end)
        line = np.zeros_like(spend)
        for window in np.unique(number[number >= 0]):
            inside = number == window
            earned = self.off(np.cumsum(spend[:, inside], axis=1))
            line[:, inside] = -np.diff(earned, axis=1, prepend=0.0)
        return bill.with_lines({self.name: line})
