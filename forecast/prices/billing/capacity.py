"""Provisioned throughput. Comes in: a bill with tokens. Goes out: the capacity's cost, and what it saves on demand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np

from forecast.prices.billing.bill import Bill, Stage
from forecast.prices.billing.periods import Days, FloatArray, Periods
from forecast.prices.billing.terms import check, edges

_HOURS: Final = 24


@dataclass(frozen=True, slots=True)
class Provisioned:
    """Units of capacity at a price an hour, used or not; what exceeds them is billed on demand.

    Demand of an hour is the period's tokens over its hours, times ``profile``: 24 numbers, flat by default, or what a
    ``peak_to_mean`` ratio r stands for: a share min(1/2, 1/r) of the hours at r times the mean, the others alike.

        served = sum over hours of min(demand, units · capacity);  utilisation = served / (units · capacity · hours)
        used = utilisation · units · price · hours;  idle = the rest of it

    Tokens that are served are taken off what usage costs, at the average price of the period's tokens, and off what
    later rules count. Two capacities serve in the order given.

    Attributes
    ----------
    units : float
    price : float
        Money a unit and hour.
    capacity : float
        Tokens a unit serves in an hour.
    """

    name: str
    units: float
    price: float
    capacity: float
    quantity: str = "total_tokens"
    profile: tuple[float, ...] | None = None
    peak_to_mean: float | None = None
    start: date | None = None
    end: date | None = None

    def __post_init__(self) -> None:
        """Check the terms."""
        numbers = {"units": (0.0, np.inf), "price": (0.0, np.inf), "capacity": (1e-9, np.inf)}
        problems = []
        if self.peak_to_mean is not None:
            numbers["peak_to_mean"] = (1.0, np.inf)
        if self.profile is not None:
            shape = _shape(self.profile)
            if shape is None:
                problems.append(f"profile: wanted {_HOURS} numbers from 0 up, one an hour of the day, not all 0")
            else:
                object.__setattr__(self, "profile", tuple(shape.tolist()))
            if self.peak_to_mean is not None:
                problems.append("profile and peak_to_mean contradict each other: keep one")
        check(self, numbers=numbers, also=problems)

    @property
    def stage(self) -> Stage:
        """Before discounts: what is served here is not bought on demand."""
        return "capacity"

    @property
    def hours(self) -> tuple[FloatArray, FloatArray]:
        """Demand of an hour over its mean, and the share of hours that have it: (level,), (level,)."""
        if self.profile is not None:
            level, count = np.unique(np.asarray(self.profile) / np.mean(self.profile), return_counts=True)
            return level, count / _HOURS
        high = 1.0 if self.peak_to_mean is None else self.peak_to_mean
        share = min(0.5, 1.0 / high)
        return np.array([(1.0 - share * high) / (1.0 - share), high]), np.array([1.0 - share, share])

    def break_even(self, on_demand: float) -> float:
        """The utilisation from which capacity is cheaper than tokens at ``on_demand`` money a token.

        price / (capacity · on_demand); above 1 it never is.
        """
        return self.price / (self.capacity * on_demand) if on_demand > 0 else float("inf")

    def utilisation(self, bill: Bill) -> FloatArray:
        """The share of the capacity that serves: (draw, period); not a number where there is none."""
        served, full = bill.memo[f"{self.name}: served"], bill.memo[f"{self.name}: capacity"]
        return np.divide(served, full, out=np.full_like(full, np.nan), where=full > 0)

    def dates(self, periods: Periods) -> Days:
        """Where it begins and ends."""
        return edges(self.start, self.end)

    def apply(self, bill: Bill) -> Bill:
        """Bill the capacity, and take off what it serves."""
        tokens = bill.quantity(self.quantity, f"Provisioned {self.name!r}")
        inside = bill.periods.inside(self.start, self.end)
        length = _HOURS * bill.periods.days
        most = self.units * self.capacity
        served = np.zeros_like(tokens)
        for level, share in zip(*self.hours, strict=True):
            served += np.minimum(tokens * level, most * length) * share
        served = np.minimum(served, tokens) * inside
        full = np.broadcast_to(most * length * inside, tokens.shape)
        cost = np.broadcast_to(self.units * self.price * length * inside, tokens.shape)
        used = cost * np.divide(served, full, out=np.zeros_like(served), where=full > 0)
        taken = np.divide(served, tokens, out=np.zeros_like(served), where=tokens > 0)
        names = {part: f"{self.name}: {part}" for part in ("used", "idle", "served", "capacity")}
        return bill.with_lines(
            {
                names["used"]: used,
                names["idle"]: cost - used,
                f"{self.name}: not on demand": -bill.of("usage") * taken,
            },
            kinds={names["used"]: "capacity", names["idle"]: "idle", f"{self.name}: not on demand": "served"},
            memo={names["served"]: served, names["capacity"]: full},
            quantities={self.quantity: tokens - served},
        )


def _shape(profile: object) -> FloatArray | None:
    """24 numbers from 0 up, or None where they are not."""
    try:
        shape = np.asarray(profile, dtype="float64")
    except (TypeError, ValueError):
        return None
    good = shape.shape == (_HOURS,) and bool(np.isfinite(shape).all()) and bool((shape >= 0).all() and shape.any())
    return shape if good else None
