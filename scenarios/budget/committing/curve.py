"""What each size costs. Comes in: demand in units of the size. Goes out: cost, slope and use of any size, by draw.

Every kind of commitment costs, in draw d at size s,

    C_d(s) = base_d + fee · s + Σ_t gain_dt · Σ_h weight_h · max(demand_dt · level_h - s, 0),

a fee that is paid whatever is used, and what lies above it: convex and piecewise linear in s, with kinks where the size
meets the demand of a period t, or of one of its hours of level h. Nothing here knows what a unit of the size is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast.panel import FloatArray
from forecast.shown import short_repr


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """The cost of a commitment by its size, along every draw.

    Attributes
    ----------
    base : float array (draw, period)
        Money that no size moves.
    fees : float array (period,)
        Money a unit of the size costs in each period, used or not.
    demand : float array (draw, period)
        What a size of 1 serves once: the size at which a flat period is just served.
    gain : float array (draw, period) or (1, period)
        Money a unit of the size keeps off what lies above it, while demand is above it in all of the period.
    money : float array (draw, period)
        What the same usage costs on demand.
    level, weight : float array (level,)
        Demand of an hour over the period's mean, rising, and the share of hours that have it.
    """

    __repr__ = short_repr

    base: FloatArray
    fees: FloatArray
    demand: FloatArray
    gain: FloatArray
    money: FloatArray
    level: FloatArray
    weight: FloatArray

    @property
    def fee(self) -> float:
        """Money a unit of the size costs over the term."""
        return float(self.fees.sum())

    @property
    def most(self) -> float:
        """The size that serves all demand of every draw: above it cost only rises."""
        return float(self.demand.max(initial=0.0) * self.level[-1])

    def above(self, size: float) -> FloatArray:
        """Σ_h weight_h · max(demand · level_h - size, 0): what lies above a size, in units of it: (draw, period)."""
        out = np.zeros_like(self.demand)
        for level, weight in zip(self.level, self.weight, strict=True):
            out += weight * np.maximum(self.demand * level - size, 0.0)
        return out

    def paths(self, size: float) -> FloatArray:
        """C by period: (draw, period)."""
        return np.asarray(self.base + self.fees * size + self.gain * self.above(size))

    def cost(self, size: float) -> FloatArray:
        """C: (draw,)."""
        return np.asarray(self.paths(size).sum(axis=1))

    def kept_off(self, size: float) -> FloatArray:
        """Σ gain · weight over what lies above a size: -dC/ds + fee, from the right: (draw,)."""
        out = np.zeros(len(self.demand))
        for level, weight in zip(self.level, self.weight, strict=True):
            out += weight * (self.gain * (self.demand * level > size)).sum(axis=1)
        return out

    def of(self, draws: np.ndarray) -> Curve:
        """The curve of some draws, in the order named."""
        gain = self.gain if len(self.gain) == 1 else self.gain[draws]
        return Curve(self.base[draws], self.fees, self.demand[draws], gain, self.money[draws], self.level, self.weight)

    # ----------------------------------------------------------------------------------------------- how it is used

    def used(self, size: float) -> FloatArray:
        """The share of a size that serves: (draw, period); not a number at a size of 0."""
        if size == 0.0:
            return np.full(self.demand.shape, np.nan)
        return np.asarray((self.demand - self.above(size)) / size)

    def waste(self, size: float) -> FloatArray:
        """Fees of what is not used: Σ_t fee_t · size · (1 - used_t): (draw,)."""
        return np.zeros(len(self.demand)) if size == 0.0 else np.asarray(size * ((1.0 - self.used(size)) @ self.fees))

    def covered(self, size: float) -> FloatArray:
        """What serves, at on-demand prices: (draw,)."""
        served = np.divide(
            self.demand - self.above(size), self.demand, out=np.zeros_like(self.demand), where=self.demand > 0
        )
        return np.asarray((self.money * served).sum(axis=1))
