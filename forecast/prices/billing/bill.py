"""The bill. Comes in: usage money, quantities and rules. Goes out: lines of money that add up, period by period.

A rule adds lines to the bill; what it takes off is a line below 0. So the parts of a bill always add up to its total,
and rules compose: provisioned capacity, then discounts, subscriptions and allowances, commitments, credits, and tax
last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final, Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from forecast.errors import PriceError

FloatArray = NDArray[np.float64]
Days = NDArray[np.datetime64]
#: The line of usage at its prices a token, before any rule.
USAGE: Final = "usage"
Stage = Literal["capacity", "discount", "subscription", "commitment", "credit", "tax"]
#: The order in which rules are applied, whatever order they are given in.
STAGES: Final[tuple[Stage, ...]] = ("capacity", "discount", "subscription", "commitment", "credit", "tax")
Window = Literal["month", "quarter", "year", "term"]


@dataclass(frozen=True, slots=True)
class Periods:
    """The periods of a bill: their first and last days, one after another.

    Attributes
    ----------
    first, last : datetime64[D] array (period,)
    """

    first: Days
    last: Days

    @classmethod
    def months(cls, start: str, count: int) -> Periods:
        """``count`` calendar months from ``start``, such as ``"2027-01"``."""
        month = np.datetime64(start, "M") + np.arange(count + 1)
        days = month.astype("datetime64[D]")
        return cls(days[:-1], days[1:] - 1)

    def __len__(self) -> int:
        return len(self.first)

    @property
    def days(self) -> FloatArray:
        """How many days each period has: (period,)."""
        return ((self.last - self.first).astype("int64") + 1).astype("float64")

    def covered(self, start: date | str | None, end: date | str | None) -> FloatArray:
        """The share of each period's days that lie from ``start`` to ``end``, both included: (period,)."""
        low = self.first if start is None else np.maximum(self.first, np.datetime64(start, "D"))
        high = self.last if end is None else np.minimum(self.last, np.datetime64(end, "D"))
        return np.asarray(np.maximum((high - low).astype("int64") + 1, 0) / self.days)

    def months_in(self, start: date | str | None = None, end: date | str | None = None) -> FloatArray:
        """Months in each period from ``start`` to ``end``, each month in part by its days: (period,)."""
        out = np.zeros(len(self))
        for i, (first, last) in enumerate(zip(self.first, self.last, strict=True)):
            low = first if start is None else max(first, np.datetime64(start, "D"))
            high = last if end is None else min(last, np.datetime64(end, "D"))
            if high < low:
                continue
            days = np.arange(low, high + 1)
            month = days.astype("datetime64[M]")
            begin = month.astype("datetime64[D]")
            length = ((month + 1).astype("datetime64[D]") - begin).astype("int64")
            out[i] = (1.0 / length).sum()
        return out

    def windows(
        self, window: Window, start: date | str | None = None, end: date | str | None = None
    ) -> NDArray[np.int64]:
        """The number of the window that each period ends in, -1 outside ``start`` to ``end``: (period,).

        A quarter and a year are counted from ``start`` (calendar ones without it); the term is one window.
        """
        month = self.last.astype("datetime64[M]").astype("int64")
        origin = np.datetime64(start, "M").astype("int64") if start is not None else 0
        size = {"month": 1, "quarter": 3, "year": 12, "term": 10**6}[window]
        number = (month - origin) // size
        inside = (self.covered(start, end) > 0) & (number >= 0)
        return np.where(inside, number, -1).astype("int64")


@dataclass(frozen=True, slots=True)
class Bill:
    """What is billed in each draw and period, line by line.

    Attributes
    ----------
    periods : Periods
    lines : dict of float arrays (draw, period)
        Money by line; ``usage`` is what the tokens cost at their prices. They add up to :attr:`total`.
    quantities : dict of float arrays (draw, period)
        What rules count: ``seats``, ``total_tokens``, ``requests`` …
    memo : dict of float arrays (draw, period)
        What a rule tells beside money: utilisation, credits that expired, what is left.
    """

    periods: Periods
    lines: Mapping[str, FloatArray]
    quantities: Mapping[str, FloatArray] = field(default_factory=dict)
    memo: Mapping[str, FloatArray] = field(default_factory=dict)

    @property
    def total(self) -> FloatArray:
        """Money billed: (draw, period)."""
        return np.asarray(sum(self.lines.values(), start=np.zeros_like(self.lines[USAGE])))

    def quantity(self, name: str, rule: str) -> FloatArray:
        """One quantity: (draw, period).

        Raises
        ------
        PriceError
            The bill has no such quantity.
        """
        if name not in self.quantities:
            raise PriceError(
                f"{rule}: there is no quantity {name!r}; the bill has {', '.join(self.quantities) or 'none'}"
            )
        return self.quantities[name]

    def with_lines(self, lines: Mapping[str, FloatArray], memo: Mapping[str, FloatArray] | None = None) -> Bill:
        """The bill with more lines.

        Raises
        ------
        PriceError
            A line bears the name of another.
        """
        twice = [name for name in lines if name in self.lines]
        if twice:
            raise PriceError(f"two rules make a line {twice[0]!r}; give each rule a name of its own")
        return replace(self, lines={**self.lines, **lines}, memo={**self.memo, **(memo or {})})


@runtime_checkable
class PricingRule(Protocol):
    """One rule of a contract: it has a name and a stage, and adds its lines to a bill."""

    name: str

    @property
    def stage(self) -> Stage:
        """When it is applied."""

    def apply(self, bill: Bill) -> Bill:
        """The bill with the rule's lines."""


def billed(
    usage: FloatArray,
    periods: Periods,
    rules: Sequence[PricingRule],
    *,
    quantities: Mapping[str, FloatArray] | None = None,
) -> Bill:
    """Bill usage by rules, in the order of :data:`STAGES`.

    Parameters
    ----------
    usage : float array (draw, period)
        Money at prices a token, one row a future.
    periods : Periods
    rules : sequence of PricingRule
    quantities : mapping of float arrays (draw, period), optional
        What rules count.

    Raises
    ------
    PriceError
        Shapes differ, money is below 0 or not finite, or a rule lacks what it counts.
    """
    money = np.atleast_2d(np.asarray(usage, dtype="float64"))
    counted = {name: np.atleast_2d(np.asarray(q, dtype="float64")) for name, q in (quantities or {}).items()}
    for name, values in {USAGE: money, **counted}.items():
        if values.shape[1] != len(periods) or values.shape[0] not in (1, len(money)):
            raise PriceError(f"{name}: shape {values.shape} does not fit {len(money)} draws and {len(periods)} periods")
        if not np.isfinite(values).all() or (values < 0).any():
            raise PriceError(f"{name}: is below 0 or not finite somewhere; a bill is made of known amounts from 0 up")
    counted = {name: np.broadcast_to(values, money.shape) for name, values in counted.items()}
    bill = Bill(periods, {USAGE: money}, counted)
    for rule in sorted(rules, key=lambda r: STAGES.index(r.stage)):
        bill = rule.apply(bill)
    return bill


def check(rule: object, **limits: tuple[float, float]) -> None:
    """Hold a rule's numbers to their limits.

    Raises
    ------
    PriceError
        The rule, the number and its limits.
    """
    kind, name = type(rule).__name__, getattr(rule, "name", "")
    if not isinstance(name, str) or not name.strip():
        raise PriceError(f"{kind}: a rule needs a name")
    for attribute, (low, high) in limits.items():
        value = getattr(rule, attribute)
        number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else np.nan
        if not low <= number <= high:
            raise PriceError(f"{kind} {name!r}: {attribute} = {value!r}: wanted a number from {low:g} to {high:g}")
