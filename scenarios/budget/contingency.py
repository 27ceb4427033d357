"""Quantiles that add up. Comes in: draws of a total and its parts. Goes out: each part's share of its quantile."""

from __future__ import annotations

import numpy as np

from forecast.errors import PlanError
from forecast.panel import FloatArray, IntArray

#: Half the width of the kernel on ranks, as a share of the draws.
HALF_WIDTH = 0.05
#: Above this much money a double no longer holds cents.
MOST_MONEY = 1e13


def kernel_weights(total: FloatArray, confidence: float) -> FloatArray:
    """Weight of each draw by its rank's distance from the quantile's: (draw,), sums to 1.

    Epanechnikov over ranks within 5 % of the draws: w = 1 - (d / 0.05)^2, d = (rank + 0.5) / draws - confidence.
    """
    rank = np.empty(len(total))
    rank[np.argsort(total, kind="stable")] = (np.arange(len(total)) + 0.5) / len(total)
    width = max(HALF_WIDTH, 1.0 / len(total))
    weight = np.maximum(0.0, 1.0 - ((rank - confidence) / width) ** 2)
    return np.asarray(weight / weight.sum())


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
    """Standard error of a quantile of draws that share trajectories.

    The influence of draw x on the quantile Q is (level - [x <= Q]) / f(Q); draws of one trajectory count as one
    observation, the mean of their influences. 1 / f(Q) is the slope of the empirical quantile function within 5 % of
    level, less near the ends.

    Parameters
    ----------
    draws : float array (draw,)
    trajectory : int array (draw,)
        Which trajectory each draw follows.
    """
    half = min(HALF_WIDTH, level / 2, (1 - level) / 2)
    low, high = level - half, level + half
    q = np.quantile(draws, [low, level, high])
    slope = (q[2] - q[0]) / (high - low)
    influence = (level - (draws <= q[1])) * slope
    count = np.bincount(trajectory)
    used = count > 0
    mean = np.bincount(trajectory, weights=influence)[used] / count[used]
    clusters = int(used.sum())
    if clusters < 2:
        return float(slope * np.sqrt(level * (1 - level) / len(draws)))
    return float(np.sqrt(np.sum((mean - mean.mean()) ** 2) / (clusters * (clusters - 1))))
