"""Commitments and credits. Comes in: a bill. Goes out: shortfalls, credits that are bought, used and left to expire."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np

from forecast.errors import PriceError
from forecast.prices.billing.bill import Bill, Stage, Window, check


@dataclass(frozen=True, slots=True)
class Commitment:
    """At least ``amount`` is paid in each window: what is missing is billed in the window's last period.

    shortfall = max(0, amount - what the bill comes to in the window)

    A window that the periods cover in part owes its part of the amount, by months.
    """

    name: str
    amount: float
    window: Window = "year"
    start: date | str | None = None
    end: date | str | None = None

    def __post_init__(self) -> None:
        """Check name and amount."""
        check(self, amount=(0.0, np.inf))

    @property
    def stage(self) -> Stage:
        """After discounts and subscriptions."""
        return "commitment"

    def apply(self, bill: Bill) -> Bill:
        """Bill what is missing."""
        number = bill.periods.windows(self.window, self.start, self.end)
        covered = bill.periods.months_in(self.start, self.end)
        total, line = bill.total, np.zeros_like(bill.total)
        months = {"month": 1.0, "quarter": 3.0, "year": 12.0}
        for window in np.unique(number[number >= 0]):
            inside = np.flatnonzero(number == window)
            part = 1.0 if self.window == "term" else min(1.0, float(covered[inside].sum()) / months[self.window])
            line[:, inside[-1]] = np.maximum(self.amount * part - total[:, inside].sum(axis=1), 0.0)
        return bill.with_lines({f"{self.name}: shortfall": line})


@dataclass(frozen=True, slots=True)
class Purchase:
    """Credits bought on a day: what they are worth, what was paid for them, and the last day on which they count."""

    on: date | str
    worth: float
    paid: float | None = None
    expires: date | str | None = None

    @property
    def bought(self) -> np.datetime64:
        """The day of the purchase."""
        return np.datetime64(self.on, "D")

    @property
    def until(self) -> np.datetime64:
        """The last day on which the credits count."""
        return np.datetime64("9999-12-31", "D") if self.expires is None else np.datetime64(self.expires, "D")


@dataclass(frozen=True, slots=True)
class Credits:
    """Prepaid credits: bought on dates, drawn down by those that expire first, worth nothing after their last day.

    A purchase is billed when it is made; usage that credits pay for is not billed again (FOCUS: the purchase is billed
    cost, the use effective cost). When they are used up, usage is billed at its price, or refused.
    Of each purchase: worth = used + expired + left. A period's usage is paid by credits that are valid on its last day.
    """

    name: str
    purchases: tuple[Purchase, ...]
    exhausted: Literal["list", "refuse"] = "list"

    def __post_init__(self) -> None:
        """Check name and purchases."""
        check(self)
        if not self.purchases:
            raise PriceError(f"Credits {self.name!r}: there is no purchase")
        for one in self.purchases:
            paid = one.worth if one.paid is None else one.paid
            if not (one.worth > 0 and paid >= 0):
                raise PriceError(f"Credits {self.name!r}: {one!r}: wanted a worth above 0 and a payment from 0 up")
            if one.until < one.bought:
                raise PriceError(f"Credits {self.name!r}: {one!r} expires before it is bought")
        if self.exhausted not in ("list", "refuse"):
            raise PriceError(f"Credits {self.name!r}: exhausted = {self.exhausted!r}: allowed: 'list', 'refuse'")

    @property
    def stage(self) -> Stage:
        """After commitments, before tax."""
        return "credit"

    def apply(self, bill: Bill) -> Bill:
        """Bill purchases, and pay usage with what they are worth."""
        first, last = bill.periods.first, bill.periods.last
        owed = bill.total
        ordered = sorted(self.purchases, key=lambda p: (p.until, p.bought))
        bought, used, expired = (np.zeros_like(owed) for _ in range(3))
        left = np.zeros((len(ordered), len(owed)))
        for i in range(len(bill.periods)):
            for k, one in enumerate(ordered):
                day = one.bought
                if first[i] <= day <= last[i] or (i == 0 and day < first[0]):
                    left[k] = one.worth
                    bought[:, i] += (one.worth if one.paid is None else one.paid) * bool(day >= first[0])
                if one.until < last[i]:
                    expired[:, i] += left[k]
                    left[k] = 0.0
                use = np.minimum(left[k], owed[:, i] - used[:, i])
                left[k] -= use
                used[:, i] += use
            if self.exhausted == "refuse" and (owed[:, i] - used[:, i] > 1e-9 * np.maximum(owed[:, i], 1.0)).any():
                raise PriceError(
                    f"Credits {self.name!r} are used up in the period from {first[i]}: buy more, or bill at list"
                )
        lines = {f"{self.name}: bought": bought, f"{self.name}: used": -used}
        remaining = left.sum(axis=0)[:, None] * (np.arange(len(bill.periods)) == len(bill.periods) - 1)
        return bill.with_lines(lines, {f"{self.name}: expired": expired, f"{self.name}: left": remaining})
