"""The cost of each size. Comes in: an offer and demand. Goes out: a curve for each discount, and which sizes it is for.

With D_t the usage of period t at on-demand prices, m_t its months times the ramp's part of the size, δ the discount:

- spend, of on-demand usage:  Σ_t (1-δ) m_t s + max(D_t - m_t s, 0)
- spend, of money paid:       the same with s / (1-δ) in place of s
- spend, overage discounted:  Σ_t (1-δ) max(m_t s, D_t)
- capacity, Q_t counted:      Σ_t price_t s + D_t · Σ_h w_h max(Q_t l_h - served_t s, 0) / Q_t
- minimum:                    max(s, (1-δ) Σ_t D_t)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from forecast.errors import PlanError
from forecast.panel import FloatArray
from forecast.shown import short_repr
from scenarios.budget.committing.curve import Curve
from scenarios.budget.committing.demand import Demand
from scenarios.budget.committing.optimum import Sizes
from scenarios.budget.committing.terms import COST, Offer

_MINUTES = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class Tier:
    """The sizes of one discount, and their curve."""

    __repr__ = short_repr

    sizes: Sizes
    curve: Curve


@dataclass(frozen=True, slots=True, eq=False)
class Costs:
    """What every size of an offer costs on every path."""

    __repr__ = short_repr

    offer: Offer
    demand: Demand
    tiers: tuple[Tier, ...]

    @property
    def on_demand(self) -> FloatArray:
        """What the same usage costs without a commitment: (draw,)."""
        return np.asarray(self.demand.money.sum(axis=1))

    def curve(self, size: float) -> Curve:
        """The curve of a size above 0.

        Raises
        ------
        PlanError
            So small a size is not sold.
        """
        held = [tier for tier in self.tiers if tier.sizes.low <= size]
        if not held:
            raise PlanError(f"commitment: size {size:,.12g}: the least that is sold is {self.offer.floor:,.12g}")
        return held[-1].curve

    def paths(self, size: float) -> FloatArray:
        """Cost by period: (draw, period). Of a minimum, what is missing stands in the last."""
        if size == 0.0:
            return self.demand.money
        curve = self.curve(size)
        if self.offer.kind != "minimum":
            return curve.paths(size)
        spent = (1.0 - self.offer.discount(size)) * self.demand.money
        spent[:, -1] += np.maximum(size - curve.demand[:, 0], 0.0)
        return spent

    def cost(self, size: float) -> FloatArray:
        """Cost over the term: (draw,)."""
        return self.on_demand if size == 0.0 else self.curve(size).cost(size)

    def at_discount(self, discount: float) -> Costs:
        """The same offer at another discount for every size."""
        tiers = ((self.tiers[0].sizes.low, discount),)
        return costs_of(replace(self.offer, tiers=tiers), self.demand)


def costs_of(offer: Offer, demand: Demand) -> Costs:
    """Price every size of an offer."""
    edges = [max(least, offer.floor) for least, _ in offer.tiers] + [np.inf]
    tiers = [
        Tier(Sizes(low, high, offer.step), curve_of(offer, demand, discount))
        for (low, high), (_, discount) in zip(pairwise(edges), offer.tiers, strict=True)
        if low < high
    ]
    return Costs(offer, demand, tuple(tiers))


def curve_of(offer: Offer, demand: Demand, discount: float) -> Curve:
    """The cost of every size at one discount."""
    kept, money = 1.0 - discount, demand.money
    if offer.kind == "minimum":
        total = money.sum(axis=1, keepdims=True)
        return Curve(np.zeros_like(total), np.ones(1), kept * total, np.ones((1, 1)), total, np.ones(1), np.ones(1))
    part = offer.ramped(demand.first)
    held = part > 0
    if offer.kind == "capacity":
        fees = offer.price * part * (demand.length if offer.price_per == "month" else demand.hours)
        counted = money if demand.counted is None else demand.counted
        served = offer.serves * part * (demand.length if offer.counts == COST else _MINUTES * demand.hours)
        each = np.divide(money, counted, out=np.zeros_like(money), where=counted > 0)
        gain = np.broadcast_to(served, (1, len(served))) if offer.counts == COST else each * served
        # Money of a period in which nothing is counted stays on demand.
        uncounted = np.where(counted > 0, 0.0, money)
    else:
        counted, uncounted = money, np.zeros_like(money)
        served = part * demand.length / (kept if offer.sized_in == "paid" else 1.0)
        fees, gain = kept * served, served[None, :] * (kept if offer.overage == "discounted" else 1.0)
    base = np.where(held, uncounted, money)
    wanted = np.divide(counted, served, out=np.zeros_like(counted), where=held)
    return Curve(base, fees, wanted, np.where(held, gain, 0.0), money, offer.level, offer.weight)
