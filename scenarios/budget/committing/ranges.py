"""How sure the best size is. Comes in: costs by size. Goes out: sizes that are nearly as good, and sizes it may be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from forecast.panel import FloatArray, IntArray
from forecast.streams import stream
from scenarios.budget.committing.costs import Costs, Tier
from scenarios.budget.committing.optimum import critical_size, least_expected
from scenarios.budget.contingency import mean_error

#: Sizes that a quantile is looked at on, and samples of trajectories.
_GRID: Final = 100
_SAMPLES: Final = 200


@dataclass(frozen=True, slots=True)
class Range:
    """From one size to another."""

    low: float
    high: float


def nearly_least(costs: Costs, share: float) -> Range:
    """The least and the greatest size whose expected cost is within a share of the least: exact.

    Expected cost is convex in the size at one discount, so its ends are where it crosses that line.
    """
    found = [least_expected(tier.curve, tier.sizes) for tier in costs.tiers]
    on_demand = float(costs.on_demand.mean())
    bound = (1.0 + share) * min(on_demand, *(cost for _, cost in found))
    ends = [0.0] if on_demand <= bound else []
    for tier, (size, cost) in zip(costs.tiers, found, strict=True):
        if cost <= bound:
            ends += [_crossing(tier, bound, size, up=up) for up in (False, True)]
    return Range(min(ends), max(ends))


def _crossing(tier: Tier, bound: float, best: float, *, up: bool) -> float:
    """The size at one side of the best at which expected cost reaches a bound, or the last one that is sold."""
    from scipy.optimize import brentq

    def over(size: float) -> float:
        return float(tier.curve.cost(size).mean()) - bound

    low, high = tier.sizes.ends()
    if not up:
        end = low
    else:
        free = max(tier.curve.most, best)
        reach = free + max(-over(free), 0.0) / tier.curve.fee if tier.curve.fee else free
        end = min(high, reach * (1.0 + 1e-9))
    if over(end) <= 0.0:
        return end
    at = float(brentq(over, min(best, end), max(best, end), xtol=1e-12 * max(abs(end), 1.0)))
    near = tier.sizes.near(at)
    return max(near) if not up else min(near)


def nearly_least_quantile(quantile: Callable[[float], float], sizes: FloatArray, least: float, share: float) -> Range:
    """The outermost of some sizes whose quantile is within a share of the least, which need not be all of a range."""
    bound = (1.0 + share) * least
    good = [float(size) for size in sizes if quantile(float(size)) <= bound]
    return Range(min(good), max(good))


def likely_least(costs: Costs, best: float, trajectory: IntArray, level: float) -> Range:
    """Sizes that the size of least expected cost may be, for how little the draws know of it.

    At one discount it is where the mean gain G(s) falls to the fee, so with the standard error e of G at that size and
    z of the level, the range is from the size where G falls to fee + z e to that where it falls to fee - z e. The best
    size of another discount, or none, counts too where its mean cost lies no more than z standard errors of the
    difference above that of the best.

    Source: Woodruff (1952), doi:10.1080/01621459.1952.10483443, for quantiles; errors by trajectory, as of all means.
    """
    from scipy.stats import norm

    z, least = float(norm.ppf(0.5 + level / 2)), costs.cost(best)

    def rivals(cost: FloatArray) -> bool:
        more = cost - least
        return float(more.mean()) <= z * mean_error(more, trajectory)

    found = [best, *([0.0] if rivals(costs.on_demand) else [])]
    for tier in costs.tiers:
        curve = tier.curve
        size, _ = least_expected(curve, tier.sizes)
        if size != best and not rivals(curve.cost(size)):
            continue
        width = z * mean_error(curve.kept_off(critical_size(curve)), trajectory)
        for fee in (curve.fee + width, max(curve.fee - width, 0.0)):
            found += tier.sizes.near(critical_size(curve, fee))
    return Range(min(found), max(found))


def likely_least_quantile(
    cost: Callable[[float], FloatArray], sizes: FloatArray, confidence: float, trajectory: IntArray, *, seed: int
) -> FloatArray:
    """The size of least quantile among some, in samples of the trajectories with replacement: (sample,).

    Source: Efron (1979), doi:10.1214/aos/1176344552, the bootstrap; a trajectory is taken with all its draws.
    """
    costs = np.stack([cost(float(size)) for size in sizes], axis=1)
    order = np.argsort(trajectory, kind="stable")
    _, count = np.unique(trajectory, return_counts=True)
    follows = np.split(order, np.cumsum(count)[:-1]) if len(count) > 1 else [np.array([i]) for i in range(len(costs))]
    rng = stream(seed, "commitment", "samples")
    out = np.empty(_SAMPLES)
    for i in range(_SAMPLES):
        taken = np.concatenate([follows[j] for j in rng.integers(len(follows), size=len(follows))])
        out[i] = sizes[int(np.argmin(np.quantile(costs[taken], confidence, axis=0)))]
    return out


def grid_of(costs: Costs, top: float, count: int = _GRID) -> FloatArray:
    """Sizes that may be bought from nothing to ``top``, evenly apart."""
    every = [0.0]
    for tier in costs.tiers:
        for size in np.linspace(0.0, top, count + 1)[1:]:
            if tier.sizes.low <= size < tier.sizes.high:
                every += tier.sizes.near(float(size))[:1]
        every.append(tier.sizes.ends()[0])
    return np.unique([size for size in every if size <= top])
