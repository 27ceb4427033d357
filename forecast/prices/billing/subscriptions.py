"""Subscriptions. Comes in: a bill with counts. Goes out: seats, and allowances with what lies beyond them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

import numpy as np

from forecast.prices.billing.bill import USAGE, Bill, Stage
from forecast.prices.billing.periods import Days, FloatArray, IntArray, Periods, months_between
from forecast.prices.billing.terms import check, edges
from forecast.shown import short_repr

_SEATS: Final = "seats"


@dataclass(frozen=True, slots=True)
class Seats:
    """A price a seat: by calendar month, or by contract year in advance.

    By month, a month in part costs its part by days, or a whole month without ``prorate``.

    By year, seats are paid on the first day of each contract year, which begins on ``start`` (with the bill, without
    one). A seat that is added later is paid for the rest of the year, or for all of it without ``prorate``; one that is
    given up is paid to the year's end. In a year that began before the bill, ``paid_before`` seats are paid already:
    those of the bill's first period where it is not said.
    """

    name: str
    price: float
    per: Literal["month", "year"] = "month"
    minimum: float = 0.0
    prorate: bool = True
    quantity: str = _SEATS
    paid_before: float | None = None
    start: date | None = None
    end: date | None = None

    def __post_init__(self) -> None:
        """Check the terms."""
        numbers = {"price": (0.0, np.inf), "minimum": (0.0, np.inf)}
        if self.paid_before is not None:
            numbers["paid_before"] = (0.0, np.inf)
        wrong = not isinstance(self.prorate, bool)
        also = [f"prorate = {self.prorate!r}: wanted true or false"] if wrong else []
        check(self, numbers=numbers, choices={"per": ("month", "year")}, also=also)

    @property
    def stage(self) -> Stage:
        """With the subscriptions."""
        return "subscription"

    def dates(self, periods: Periods) -> Days:
        """Where it begins and ends, and where months or years begin."""
        if self.per == "month":
            return edges(self.start, self.end, periods.boundaries("month"))
        return edges(self.start, self.end, periods.boundaries("year", self._origin(periods)))

    def _origin(self, periods: Periods) -> date:
        """The day from which contract years are counted."""
        first: date = periods.first[0].item()
        return self.start or first

    def apply(self, bill: Bill) -> Bill:
        """Bill the seats."""
        seats = np.maximum(bill.count(self.quantity, f"Seats {self.name!r}"), self.minimum)
        money = self._monthly(seats, bill.periods) if self.per == "month" else self._yearly(seats, bill.periods)
        return bill.with_lines({self.name: money}, kinds={self.name: "fee"})

    def _monthly(self, seats: FloatArray, periods: Periods) -> FloatArray:
        if self.prorate:
            return self.price * seats * periods.months_in(self.start, self.end)
        inside = periods.inside(self.start, self.end) > 0
        month = np.where(inside, periods.first.astype("datetime64[M]").astype("int64"), -1)
        money = np.zeros_like(seats)
        for one in np.unique(month[month >= 0]):
            parts = np.flatnonzero(month == one)
            money[:, parts] = self.price * _risen(seats[:, parts])
        return money

    def _yearly(self, seats: FloatArray, periods: Periods) -> FloatArray:
        years = periods.windows("year", self._origin(periods), self.end)
        money = np.zeros_like(seats)
        for year in np.unique(years.number[years.number >= 0]):
            parts = np.flatnonzero(years.number == year)
            added = _risen(seats[:, parts])
            if years.begin[year] < periods.first[0]:
                paid = seats[:, parts[:1]] if self.paid_before is None else np.full((len(seats), 1), self.paid_before)
                added = np.diff(np.maximum.accumulate(np.hstack([paid, seats[:, parts]]), axis=1), axis=1)
            left = years.months[year] - months_between(years.begin[year], periods.first[parts])
            money[:, parts] = added * self.price * (left / years.months[year] if self.prorate else 1.0)
        return money


def _risen(seats: FloatArray) -> FloatArray:
    """How far seats rise above the most that there were before: (draw, period)."""
    return np.diff(np.maximum.accumulate(seats, axis=1), axis=1, prepend=0.0)


@dataclass(frozen=True, slots=True)
class Allowance:
    """A fee a month that includes a quantity, and a price for what lies beyond.

    The allowance is of ``quantity``, or of usage money itself (``quantity="usage"``). It is used up as the month goes,
    and what it includes is taken off what usage costs, at the average price of the period's units. Beyond it ``per``
    units cost ``overage`` (of money: one unit of it does), or their own price where no overage price is named.

    A calendar month in part has its part of fee and allowance, by days. With ``per_seat`` both are those of one seat,
    and seats share what they have. Where each seat has its own, ``profile`` says how unequally they use it: the use of
    equal groups of seats, so (3, 1) is half of the seats with three quarters of the use.
    ``rollover`` is the share of what a month left that is carried to the next, at most ``cap`` months' worth;
    ``carried_before`` is what was carried into the first.
    """

    __repr__ = short_repr

    name: str
    included: float
    fee: float = 0.0
    quantity: str = USAGE
    overage: float | None = None
    per: float = 1_000_000
    per_seat: bool = False
    profile: tuple[float, ...] = (1.0,)
    rollover: float = 0.0
    cap: float = 1.0
    carried_before: float = 0.0
    start: date | None = None
    end: date | None = None

    def __post_init__(self) -> None:
        """Check the terms."""
        amounts = ("included", "fee", "cap", "carried_before", *(() if self.overage is None else ("overage",)))
        numbers = dict.fromkeys(amounts, (0.0, np.inf)) | {"rollover": (0.0, 1.0), "per": (1.0, np.inf)}
        problems = []
        if not isinstance(self.per_seat, bool):
            problems.append(f"per_seat = {self.per_seat!r}: wanted true or false")
        try:
            shape = np.asarray(self.profile, dtype="float64")
        except (TypeError, ValueError):
            shape = np.empty(0)
        if shape.ndim != 1 or not np.isfinite(shape).all() or (shape < 0).any() or not shape.any():
            problems.append(f"profile = {self.profile!r}: wanted numbers from 0 up, one a group of seats, not all 0")
        else:
            object.__setattr__(self, "profile", tuple(shape.tolist()))
            if len(shape) > 1 and self.per_seat is False:
                problems.append("profile is of seats: it needs per_seat = true")
        check(self, numbers=numbers, also=problems)

    @property
    def stage(self) -> Stage:
        """With the subscriptions."""
        return "subscription"

    def dates(self, periods: Periods) -> Days:
        """Where it begins and ends, and where months begin."""
        return edges(self.start, self.end, periods.boundaries("month"))

    def apply(self, bill: Bill) -> Bill:
        """Bill the fee, take off what is included, and bill what lies beyond."""
        who = f"Allowance {self.name!r}"
        money, inside = bill.of("usage"), bill.periods.inside(self.start, self.end)
        used = (np.maximum(money, 0.0) if self.quantity == USAGE else bill.quantity(self.quantity, who)) * inside
        months = bill.periods.months_in(self.start, self.end)
        times = months * (bill.count(_SEATS, who) if self.per_seat else np.ones_like(money))
        month = np.where(inside > 0, bill.periods.windows("month").number, -1)
        within, left = self._within(used, self.included * times, month)
        share = np.divide(within, used, out=np.zeros_like(money), where=used > 0)
        beyond = used - within
        names = {part: f"{self.name}: {part}" for part in ("fee", "included", "at list", "overage", "beyond", "left")}
        lines = {names["fee"]: self.fee * times, names["included"]: -money * share}
        if self.overage is not None:
            lines[names["at list"]] = np.where(used > 0, -money * (1.0 - share), 0.0)
            lines[names["overage"]] = beyond * self.overage / (1.0 if self.quantity == USAGE else self.per)
        return bill.with_lines(
            lines,
            kinds={
                names["fee"]: "fee",
                names["included"]: "included",
                names["at list"]: "included",
                names["overage"]: "overage",
            },
            memo={names["beyond"]: beyond},
            balances={names["left"]: left},
        )

    def _within(self, used: FloatArray, granted: FloatArray, month: IntArray) -> tuple[FloatArray, FloatArray]:
        """What the allowance covers, and what is left of it at the end of each period: (draw, period) each."""
        within, left = np.zeros_like(used), np.zeros_like(used)
        for weight in np.asarray(self.profile) / np.sum(self.profile):
            carried = np.full(len(used), self.carried_before / len(self.profile))
            for one in np.unique(month[month >= 0]):
                parts = np.flatnonzero(month == one)
                new = granted[:, parts].sum(axis=1) / len(self.profile)
                available = new + carried
                drawn = np.minimum(np.cumsum(weight * used[:, parts], axis=1), available[:, None])
                within[:, parts] += np.diff(drawn, axis=1, prepend=0.0)
                left[:, parts] += available[:, None] - drawn
                carried = np.minimum(self.rollover * (available - drawn[:, -1]), self.cap * new)
        return np.minimum(within, used), left
