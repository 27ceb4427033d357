"""Provisioned throughput. Comes in: a bill with tokens. Goes out: the capacity's cost, and what it saves on demand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from forecast.errors import PriceError
from forecast.prices.billing.bill import USAGE, Bill, FloatArray, Stage, check


@dataclass(frozen=True, slots=True)
class Provisioned:
    """Units of capacity at a price an hour, used or not; what exceeds them is billed on demand.

    Demand of an hour is the period's tokens over its hours, times ``profile``: 24 numbers, flat by default, or a
    ``peak_to_mean`` ratio, which stands for a day that is half at the peak and half as much below the mean.

        served = sum over hours of min(demand, units · capacity);  utilisation = served / (units · capacity · hours)

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
    start: date | str | None = None
    end: date | str | None = None

    def __post_init__(self) -> None:
        """Check name, numbers and profile."""
        check(self, units=(0.0, np.inf), price=(0.0, np.inf), capacity=(1e-9, np.inf))
        if self.profile is not None and self.peak_to_mean is not None:
            raise PriceError(f"Provisioned {self.name!r}: profile and peak_to_mean contradict each other: keep one")
        if self.peak_to_mean is not None:
            check(self, peak_to_mean=(1.0, 2.0))
        if self.profile is not None:
            shape = np.asarray(self.profile, dtype="float64")
            if shape.shape != (24,) or (shape < 0).any() or not shape.any():
                raise PriceError(
                    f"Provisioned {self.name!r}: profile: wanted 24 numbers from 0 up, one an hour of the day"
                )
            object.__setattr__(self, "profile", tuple(float(v) for v in shape))

    @property
    def stage(self) -> Stage:
        """Before discounts: what is served here is not bought on demand."""
        return "capacity"

    @property
    def shape(self) -> FloatArray:
        """Demand of each hour of the day over its mean: (24,)."""
        if self.profile is not None:
            shape = np.asarray(self.profile)
            return np.asarray(shape / shape.mean())
        high = 1.0 if self.peak_to_mean is None else self.peak_to_mean
        return np.where(np.arange(24) < 12, 2.0 - high, high)

    def break_even(self, on_demand: float) -> float:
        """The utilisation from which capacity is cheaper than buying tokens at ``on_demand`` money a token.

        price / (capacity · on_demand); above 1 it never is.
        """
        return self.price / (self.capacity * on_demand) if on_demand > 0 else np.inf

    def apply(self, bill: Bill) -> Bill:
        """Bill the capacity, and take off what it serves."""
        tokens = bill.quantity(self.quantity, f"Provisioned {self.name!r}")
        covered = bill.periods.covered(self.start, self.end)
        hours = 24.0 * bill.periods.days
        most = self.units * self.capacity
        demand = (tokens / hours)[:, :, None] * self.shape
        served = np.minimum(demand, most).mean(axis=2) * hours * covered
        share = np.divide(served, tokens, out=np.zeros_like(served), where=tokens > 0)
        cost = np.broadcast_to(self.units * self.price * hours * covered, tokens.shape).copy()
        full = most * hours * covered
        utilisation = np.divide(served, full, out=np.zeros_like(served), where=full > 0)
        memo = {f"{self.name}: utilisation": utilisation, f"{self.name}: idle": cost * (1.0 - utilisation)}
        return bill.with_lines({self.name: cost, f"{self.name}: served": -bill.lines[USAGE] * share}, memo)
