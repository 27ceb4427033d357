"""Quantiles that add up. Comes in: draws of a total and its parts. Goes out: each part's share of its quantile."""

from __future__ import annotations

import numpy as np

from forecast.errors import PlanError
from forecast.panel import FloatArray, IntArray

#: Half the width of the kernel on ranks, as a share of the draws.
HALF_WIDTH = 0.05
#: The same of the window that a part's slope on the total is taken from: within the kernel's there is too little of it.
SLOPE_WIDTH = 0.25
#: Above this confidence the kernel is narrowed: the last tenth of the draws is steep.
TAIL = 0.90
#: Above this much money a double no longer holds cents.
MOST_MONEY = 1e13


def kernel_weights(total: FloatArray, confidence: float) -> FloatArray:
    """Weight of each draw by its rank's distance from the quantile's: (draw,), sums to 1.

    Epanechnikov over ranks within 5 % of the draws: w = 1 - (d / h)^2, d = (rank + 0.5) / draws - confidence, h = 0.05;
    above a confidence of 0.90, where the draws beyond the quantile lie much farther from it than those below,
    h = min(0.05, 2 (1 - confidence)). The weights are tilted, w exp(λ T), by the one λ with Σ w T = Q: no weight is
    negative, what costs the same in every draw is told exactly, and where parts depend on the total in a straight line,
    as normal ones do, nothing is left of the window's width.

    Source: Hall, Wolff and Yao (1999), doi:10.1080/01621459.1999.10473832, for weights of a kernel that are adjusted to
    meet their centre; the exponential form is that of Efron (1981), Canadian Journal of Statistics 9, 139-158.
    """
    count = len(total)
    rank = np.empty(count)
    rank[np.argsort(total, kind="stable")] = (np.arange(count) + 0.5) / count
    far = confidence > TAIL
    width = max(min(HALF_WIDTH, 2.0 * (1.0 - confidence)), 2.0 / count) if far else max(HALF_WIDTH, 1.0 / count)
    weight = np.maximum(0.0, 1.0 - ((rank - confidence) / width) ** 2)
    near = weight > 0
    if near.any():
        weight[near] = _tilted(weight[near], total[near] - float(np.quantile(total, confidence)))
    return np.asarray(weight / weight.sum())


def _tilted(weight: FloatArray, away: FloatArray) -> FloatArray:
    """Weights times exp(λ away), by the λ that makes the weighted mean of ``away`` 0, where there is one: (draw,)."""
    from scipy.optimize import brentq

    size = float(np.sqrt(np.mean(away**2)))
    if not away.min() < 0.0 < away.max():
        return weight
    steps = away / size

    def tilted(power: float) -> FloatArray:
        return np.asarray(weight * np.exp(power * steps - np.max(power * steps)))

    def mean(power: float) -> float:
        return float(tilted(power) @ steps)

    most = 1.0
    while mean(-most) * mean(most) > 0.0 and most < 2.0**20:
        most *= 2.0
    return tilted(float(brentq(mean, -most, most, xtol=1e-14))) if mean(-most) * mean(most) <= 0.0 else weight


def euler_shares(total: FloatArray, parts: FloatArray, confidence: float) -> FloatArray:
    """Each part's share of the total's quantile: Q * sum(w x) / sum(w T), which adds up to Q.

    Parameters
    ----------
    total : float array (draw,)
    parts : float array (draw, part)
        Sum to ``total`` in each draw.

    Returns
    -------
    float array (part,)

    Source: Tasche (1999), capital allocation by the derivative of a risk measure, whose value for a quantile is
    E[x | T = Q]; here with a kernel on ranks in place of the condition.
    """
    weight = kernel_weights(total, confidence)
    quantile = float(np.quantile(total, confidence))
    whole = float(weight @ total)
    if whole == 0.0:
        return np.zeros(parts.shape[1])
    return np.asarray(quantile * (weight @ parts) / whole)


def contingency_share(total: FloatArray, part: FloatArray, confidence: float) -> float:
    """A part's share of what lies between the total's median and its quantile.

    share = (Σ w x - Σ w' x) / (Σ w T - Σ w' T), with the kernel's weights w at the quantile and w' at the median: what
    the part is more in the one futures than in the other. Shares of all parts sum to 1, and what is certain has none.

    Parameters
    ----------
    total, part : float array (draw,)

    Returns
    -------
    float
        0 where the total has no spread.

    Source: as :func:`euler_shares`.
    """
    weight = kernel_weights(total, confidence) - kernel_weights(total, 0.5)
    whole = float(weight @ total)
    return float(weight @ part) / whole if whole > 0 else 0.0


def to_cents(amounts: FloatArray, total: float) -> IntArray:
    """Round amounts to cents so that they sum to the total's own cents (largest remainder): integer array."""
    if not abs(total) < MOST_MONEY:
        raise PlanError(f"a total of {total:.3g} is beyond what can be told to the cent; check prices and growth")
    exact = amounts * 100.0
    floor = np.floor(exact)
    short = round(total * 100.0) - int(floor.sum())
    order = np.argsort(-(exact - floor), kind="stable")
    cents = floor.astype(np.int64)
    if len(cents):
        each, extra = divmod(short, len(cents))
        cents += each
        cents[order[:extra]] += 1
    return cents


def quantile_error(draws: FloatArray, level: float, trajectory: IntArray) -> float:
    """Standard error of a quantile of draws that share trajectories: :func:`mean_error` of its influences.

    Parameters
    ----------
    draws : float array (draw,)
    trajectory : int array (draw,)
        Which trajectory each draw follows.
    """
    return mean_error(quantile_influence(draws, level), trajectory)


def quantile_influence(draws: FloatArray, level: float) -> FloatArray:
    """What each draw does to a quantile Q: (level - [x <= Q]) / f(Q), which have a mean of 0: (draw,).

    1 / f(Q) is the slope of the empirical quantile function within 5 % of level, less near the ends.
    """
    half = min(HALF_WIDTH, level / 2, (1 - level) / 2)
    low, high = level - half, level + half
    q = np.quantile(draws, [low, level, high])
    return np.asarray((level - (draws <= q[1])) * ((q[2] - q[0]) / (high - low)))


def mean_error(values: FloatArray, trajectory: IntArray) -> float:
    """Standard error of a mean: draws of one trajectory count as one observation, their mean.

    Parameters
    ----------
    values : float array (draw,)
    trajectory : int array (draw,)
    """
    count = np.bincount(trajectory)
    used = count > 0
    mean = np.bincount(trajectory, weights=values)[used] / count[used]
    clusters = int(used.sum())
    if clusters < 2:
        return float(np.std(values) / np.sqrt(len(values)))
    return float(np.sqrt(np.sum((mean - mean.mean()) ** 2) / (clusters * (clusters - 1))))


def euler_errors(total: FloatArray, parts: FloatArray, confidence: float, trajectory: IntArray) -> FloatArray:
    """Standard error of each part's Euler share: (part,).

    var = Σ (Σ w e)^2 + (β se(Q))^2: e is what is left of the part around a line on the total, β the slope of that line
    by the draws within 25 % of the quantile, w the kernel's weights; the inner sum is over the draws of one trajectory.

    Parameters
    ----------
    total : float array (draw,)
    parts : float array (draw, part)
    trajectory : int array (draw,)
    """
    weight = kernel_weights(total, confidence)
    low, high = np.quantile(total, [max(confidence - SLOPE_WIDTH, 0.0), min(confidence + SLOPE_WIDTH, 1.0)])
    wide = (total >= low) & (total <= high)
    away = total[wide] - total[wide].mean()
    spread = float(away @ away)
    slope = away @ parts[wide] / spread if spread > 0 else np.zeros(parts.shape[1])
    near = weight > 0
    w, own = weight[near], parts[near]
    left = own - w @ own - (total[near] - float(w @ total[near]))[:, None] * slope
    _, follows = np.unique(trajectory[near], return_inverse=True)
    sums = np.zeros((int(follows.max()) + 1, parts.shape[1]))
    np.add.at(sums, follows, w[:, None] * left)
    error = quantile_error(total, confidence, trajectory)
    return np.asarray(np.sqrt((sums**2).sum(axis=0) + (slope * error) ** 2))
