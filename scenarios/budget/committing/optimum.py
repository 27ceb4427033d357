"""The best size. Comes in: cost by size. Goes out: the size of least expected cost, and that of least quantile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from forecast.panel import FloatArray
from forecast.shown import short_repr
from scenarios.budget.committing.curve import Curve

#: Kinks that are sorted at once; more are first narrowed down by halving.
_FEW: Final = 200_000
#: Halvings after which no two numbers lie between the ends.
_HALVINGS: Final = 1_100
#: A slope that is this near to the fee, as a part of it, is rounding.
_ROUNDING: Final = 1e-12
#: How far, as a part of itself, the least quantile may lie below the one that is reported.
TOLERANCE: Final = 1e-9
#: Intervals looked at, at most; what is left then is told as the gap.
_MOST: Final = 20_000


@dataclass(frozen=True, slots=True)
class Sizes:
    """Which sizes may be bought: from ``low`` to ``high``, in steps from 0 where ``step`` is one."""

    __repr__ = short_repr

    low: float
    high: float
    step: float | None = None

    def near(self, size: float) -> tuple[float, ...]:
        """The sizes that may be bought on either side of one, or itself."""
        held = min(max(size, self.low), self.high)
        if self.step is None:
            return (held,)
        at = held / self.step
        low, high = np.floor(at + _ROUNDING), np.ceil(at - _ROUNDING)
        first, last = self._ends()
        return tuple(dict.fromkeys(float(min(max(n, first), last) * self.step) for n in (low, high)))

    def _ends(self) -> tuple[float, float]:
        """The first and last number of steps."""
        step = self.step or 1.0
        first = float(np.ceil(self.low / step - _ROUNDING))
        return first, max(first, float(np.floor(self.high / step + _ROUNDING)))

    def ends(self) -> tuple[float, float]:
        """The least and the greatest."""
        if self.step is None:
            return self.low, self.high
        first, last = self._ends()
        return first * self.step, last * self.step

    def between(self, low: float, high: float) -> float | None:
        """A size in the middle of two, or None where none lies between."""
        if self.step is None:
            middle = 0.5 * (low + high)
            return middle if low < middle < high else None
        first, last = round(low / self.step), round(high / self.step)
        return (first + last) // 2 * self.step if last - first > 1 else None


def critical_size(curve: Curve, fee: float | None = None, weights: FloatArray | None = None) -> float:
    """The least size whose next unit no longer pays: exact, a kink of the curve or 0.

    Expected cost is convex and piecewise linear in the size, with the slope fee - G(s), where

        G(s) = E[Σ gain · weight over the periods and hours whose demand is above s],

    so the minimiser is the least s with G(s) <= fee: the quantile of pooled demand, weighed by gain, at the critical
    ratio 1 - fee / G(0). Of a spend commitment at a discount δ that ratio is δ itself: underage costs δ a unit, overage
    1 - δ.

    Parameters
    ----------
    curve : Curve
    fee : float, optional
        In place of the curve's own.
    weights : float array (draw,), optional
        Of draws, which sum to 1.

    Source: Arrow, Harris & Marschak (1951), doi:10.2307/1906813, the newsvendor's critical fractile; with weights by
    period as the optimality condition of a separable convex function.
    """
    draws = len(curve.demand)
    each = np.full(draws, 1.0 / draws) if weights is None else weights
    wanted = (curve.fee if fee is None else fee) * (1.0 + _ROUNDING)
    gain = np.broadcast_to(curve.gain, curve.demand.shape) * each[:, None]

    def kept(size: float) -> float:
        own = (weight * gain[curve.demand * level > size].sum() for level, weight in _levels(curve))
        return float(sum(own))

    if kept(0.0) <= wanted:
        return 0.0
    low, high = 0.0, curve.most
    for _ in range(_HALVINGS):
        inside = sum(int(((x := curve.demand * level) > low).sum() - (x > high).sum()) for level, _ in _levels(curve))
        middle = 0.5 * (low + high)
        if inside <= _FEW or not low < middle < high:
            break
        low, high = (middle, high) if kept(middle) > wanted else (low, middle)
    kinks, weighed = [], []
    for level, weight in _levels(curve):
        x = curve.demand * level
        between = (x > low) & (x <= high)
        kinks.append(x[between])
        weighed.append(gain[between] * weight)
    kink, gained = np.concatenate(kinks), np.concatenate(weighed)
    order = np.argsort(kink, kind="stable")
    left = kept(high) + gained.sum() - np.cumsum(gained[order])  # G just at each kink
    at = int(np.argmax(left <= wanted)) if (left <= wanted).any() else len(order) - 1
    return float(kink[order][at])


def _levels(curve: Curve) -> list[tuple[float, float]]:
    return [(float(level), float(w)) for level, w in zip(curve.level, curve.weight, strict=True) if w > 0]


def least_expected(curve: Curve, sizes: Sizes) -> tuple[float, float]:
    """The size of least expected cost among those that may be bought, and that cost. Exact: see :func:`critical_size`.

    Expected cost is convex, so of bounded sizes it is the nearest one, and of steps one of the two beside it.
    """
    near = sizes.near(critical_size(curve))
    costs = [float(curve.cost(size).mean()) for size in near]
    best = int(np.argmin(costs))
    return near[best], costs[best]


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Sizes from ``low`` to ``high``, and the draws that may hold the quantile there.

    ``rank`` is the quantile's rank among these draws; costs and slopes (draw,) are those at the two ends.
    """

    low: float
    high: float
    rank: int
    draws: np.ndarray
    at_low: FloatArray
    at_high: FloatArray
    rises_low: FloatArray
    rises_high: FloatArray


@dataclass(frozen=True, slots=True)
class LeastQuantile:
    """The size of the least quantile, the quantile there, and how far below it any other size may lie."""

    __repr__ = short_repr

    size: float
    value: float
    gap: float


def least_quantile(
    curve: Curve, beside: FloatArray, confidence: float, sizes: Sizes, *, tolerance: float = TOLERANCE
) -> LeastQuantile:
    """The size of least quantile of cost among those that may be bought, to a tolerance that is proved.

    Every draw's cost is convex in the size, but their quantile need not be, so this branches and bounds.
    On an interval of sizes a convex cost is at most the greater of its values at the two ends, and at least where its
    tangents there meet; the quantile of these lower ends bounds the quantile of costs from below for every size in the
    interval. What cannot lie ``tolerance`` below the best size found is left out, the rest halved, down to intervals
    in which no cost bends and no two cross: there the quantile is a line. Draws that lie wholly below or above the
    quantile in an interval are only counted.

    Parameters
    ----------
    curve : Curve
    beside : float array (draw,)
        Money that no size moves, such as a plan's other lines.
    confidence : float
    sizes : Sizes
    tolerance : float
        As a part of the quantile.

    Returns
    -------
    LeastQuantile
        ``gap`` as a part of ``value``: no size has a quantile below value · (1 - gap).

    Source: Land & Doig (1960), doi:10.2307/1910129, for branching and bounding.
    """
    position = confidence * (len(beside) - 1)
    rank, part = int(position), position - int(position)
    low, high = sizes.ends()
    high = max(low, min(high, *(s for s in sizes.near(curve.most) if s >= low)))

    def evaluated(size: float, draws: np.ndarray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Cost, and its slope to the left and to the right."""
        own = curve.of(draws)
        right = own.fee - own.kept_off(size)
        left = own.fee - own.kept_off(np.nextafter(size, -1.0))
        return own.cost(size) + beside[draws], left, right

    def quantile(costs: FloatArray, at: int) -> float:
        upper = min(at + 1, len(costs) - 1)
        found = np.partition(costs, (at, upper))
        return float(found[at] + part * (found[upper] - found[at]))

    every = np.arange(len(beside))
    ends = [evaluated(size, every) for size in (low, high)]
    values = [quantile(cost, rank) for cost, _, _ in ends]
    best, value = (low, values[0]) if values[0] <= values[1] else (high, values[1])
    todo = [_Part(low, high, rank, every, ends[0][0], ends[1][0], ends[0][2], ends[1][1])] if high > low else []
    least, seen = value, 0
    while todo:
        nxt: list[_Part] = []
        for one in todo:
            floor = _lower(one)
            bound = quantile(floor, one.rank)
            if bound >= value - tolerance * abs(value) or seen >= _MOST:
                least = min(least, bound)
                continue
            middle = sizes.between(one.low, one.high)
            if middle is None:
                continue  # both ends were looked at, and nothing lies between
            narrowed = _narrowed(one, floor)
            if _straight(narrowed):
                # The quantile is one line from end to end, and both ends were looked at.
                least = min(least, quantile(narrowed.at_low, narrowed.rank), quantile(narrowed.at_high, narrowed.rank))
                continue
            seen += 1
            cost, left, right = evaluated(middle, narrowed.draws)
            here = quantile(cost, narrowed.rank)
            if here < value - _ROUNDING * abs(value):
                best, value = middle, here
            nxt.append(_half(narrowed, one.low, middle, narrowed.at_low, cost, narrowed.rises_low, left))
            nxt.append(_half(narrowed, middle, one.high, cost, narrowed.at_high, right, narrowed.rises_high))
        todo = nxt
    gap = max(0.0, (value - least) / abs(value)) if value else 0.0
    return LeastQuantile(best, value, gap)


def _half(
    of: _Part, low: float, high: float, at_low: FloatArray, at_high: FloatArray, left: FloatArray, right: FloatArray
) -> _Part:
    return _Part(low, high, of.rank, of.draws, at_low, at_high, left, right)


def _lower(part: _Part) -> FloatArray:
    """The least that each draw may cost between two sizes: where the tangents at the ends meet."""
    width = part.high - part.low
    turns = part.rises_high - part.rises_low
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = (part.at_low - part.at_high + part.rises_high * width) / turns
    inside = (part.rises_low < 0.0) & (part.rises_high > 0.0)
    meet = part.at_low + part.rises_low * np.clip(np.where(inside, reach, 0.0), 0.0, width)
    return np.where(inside, meet, np.minimum(part.at_low, part.at_high))


def _straight(part: _Part) -> bool:
    """Whether every draw's cost is a line between the two sizes, and no two of them cross."""
    scale = _ROUNDING * (np.abs(part.rises_low) + np.abs(part.rises_high))
    if (part.rises_high - part.rises_low > scale).any():
        return False
    order = np.lexsort((part.at_high, part.at_low))
    return bool((np.diff(part.at_high[order]) >= 0.0).all())


def _narrowed(part: _Part, floor: FloatArray) -> _Part:
    """Only the draws that may hold the quantile: those below it in all of the interval are counted off its rank."""
    ceiling = np.maximum(part.at_low, part.at_high)
    upper = min(part.rank + 1, len(floor) - 1)
    lowest = np.partition(floor, part.rank)[part.rank]
    highest = np.partition(ceiling, upper)[upper]
    below, above = ceiling < lowest, floor > highest
    kept = ~below & ~above
    return _Part(
        part.low,
        part.high,
        part.rank - int(below.sum()),
        part.draws[kept],
        part.at_low[kept],
        part.at_high[kept],
        part.rises_low[kept],
        part.rises_high[kept],
    )
