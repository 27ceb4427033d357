"""Subscriptions. Comes in: a bill with counts. Goes out: seats, and allowances with what lies beyond them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np

from forecast.errors import PriceError
from forecast.prices.billing.bill import USAGE, Bill, Stage, check


@dataclass(frozen=True, slots=True)
class Seats:
    """A price a seat: by month, each month in part by its days, or by year in advance.

    By year, seats are paid on the first day of each contract year; one that is added later is paid for the rest of it,
    and one that is given up is paid to its end.
    """

    name: str
    price: float
    per: Literal["month", "year"] = "month"
    minimum: float = 0.0
    quantity: str = "seats"
    start: date | str | None = None
    end: date | str | None = None

    def __post_init__(self) -> None:
        """Check name and numbers."""
        check(self, price=(0.0, np.inf), minimum=(0.0, np.inf))
        if self.per not in ("month", "year"):
            raise PriceError(f"Seats {self.name!r}: per = {self.per!r}: allowed: 'month', 'year'")

    @property
    def stage(self) -> Stage:
        """With the subscriptions."""
        return "subscription"

    def apply(self, bill: Bill) -> Bill:
        """Bill the seats."""
        seats = np.maximum(bill.quantity(self.quantity, f"Seats {self.name!r}"), self.minimum)
        covered = bill.periods.months_in(self.start, self.end)
        if self.per == "month":
            return bill.with_lines({self.name: self.price * seats * covered})
        year = bill.periods.windows("year", self.start or bill.periods.first[0].item(), self.end)
        line, paid = np.zeros_like(seats), np.zeros(len(seats))
        for i in range(len(bill.periods)):
            if year[i] < 0:
                continue
            if i == 0 or year[i] != year[i - 1]:
                paid = np.zeros(len(seats))
            passed = covered[(year == year[i]) & (np.arange(len(year)) < i)].sum()
            added = np.maximum(seats[:, i] - paid, 0.0)
            line[:, i] = added * self.price * (12.0 - min(passed, 12.0)) / 12.0
            paid = np.maximum(paid, seats[:, i])
        return bill.with_lines({self.name: line})


@dataclass(frozen=True, slots=True)
class Allowance:
    """A fee a month that includes a quantity, and a price for what lies beyond.

    The allowance is of ``quantity``, or of usage money itself (``quantity="usage"``). What it includes is taken off
    usage. Beyond it a unit costs ``overage`` per ``per`` units, or its own price where no overage price is named. With
    ``per_seat`` fee and allowance are those of one seat. ``rollover`` is the share of what was left that is carried to
    the next period, at most ``cap`` months' worth.
    """

    name: str
    included: float
    fee: float = 0.0
    quantity: str = USAGE
    overage: float | None = None
    per: float = 1_000_000
    per_seat: bool = False
    rollover: float = 0.0
    cap: float = 1.0
    start: date | str | None = None
    end: date | str | None = None

    def __post_init__(self) -> None:
        """Check name and numbers."""
        check(
            self, included=(0.0, np.inf), fee=(0.0, np.inf), rollover=(0.0, 1.0), cap=(0.0, np.inf), per=(1.0, np.inf)
        )
        if self.overage is not None:
            check(self, overage=(0.0, np.inf))

    @property
    def stage(self) -> Stage:
        """With the subscriptions."""
        return "subscription"

    def apply(self, bill: Bill) -> Bill:
        """Bill the fee, take off what is included, and bill what lies beyond."""
        who = f"Allowance {self.name!r}"
        money = bill.total
        used = money if self.quantity == USAGE else bill.quantity(self.quantity, who)
        months = bill.periods.months_in(self.start, self.end)
        times = months * (bill.quantity("seats", who) if self.per_seat else np.ones_like(money))
        granted = self.included * times
        carried, inside, left = np.zeros(len(money)), np.zeros_like(money), np.zeros_like(money)
        for i in range(len(bill.periods)):
            available = granted[:, i] + carried
            inside[:, i] = np.minimum(used[:, i], available) if months[i] > 0 else 0.0
            left[:, i] = available - inside[:, i]
            carried = np.minimum(self.rollover * left[:, i], self.cap * granted[:, i])
        held = np.divide(inside, used, out=np.zeros_like(money), where=used > 0)
        lines = {f"{self.name}: fee": self.fee * times, f"{self.name}: included": -money * held}
        if self.overage is not None:
            beyond = np.where(months > 0, used - inside, 0.0)
            lines[f"{self.name}: at list"] = np.where(months > 0, -money * (1.0 - held), 0.0)
            lines[f"{self.name}: overage"] = beyond * self.overage / (1.0 if self.quantity == USAGE else self.per)
        return bill.with_lines(lines, {f"{self.name}: left": left})
