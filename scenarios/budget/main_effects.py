"""What numbers do to a total. Comes in: draws of them and of the total. Goes out: shares of variance, and levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from forecast.panel import FloatArray
from scenarios.budget.contingency import kernel_weights

#: Where a number's range is cut: finer at the ends, where rare events are switched on.
CUTS: Final = (0.005, 0.01, 0.02, 0.03, 0.05, *(k / 10 for k in range(1, 10)), 0.95, 0.97, 0.98, 0.99, 0.995)
#: Fewest draws in a piece: two numbers are fitted to each.
FEWEST: Final = 20


@dataclass(frozen=True, slots=True)
class Share:
    """A share of a variance, with its standard error."""

    value: float
    error: float


@dataclass(frozen=True, slots=True)
class MainEffect:
    """What one number does to the total on average.

    Attributes
    ----------
    share : Share
        First-order Sobol share: Var(E[T | u]) / Var(T).
    fitted : float array (draw,)
        E[T | u] less the mean of T, shrunk by what chance alone would have fitted; 0 where the share is less than two
        of its errors, so that many numbers that do little do not come to fit the total together.
    """

    share: Share
    fitted: FloatArray


def main_effect(u: FloatArray, total: FloatArray) -> MainEffect:
    """The first-order effect of one uniform number, from the draws themselves.

    E[T | u] is fitted by a straight line in the normal score of u inside each piece of its range, so that a normal
    number is told exactly and a coin by its cut. The share is the adjusted 1 - (1 - R²)(n - 1) / (n - p), p the numbers
    that were fitted.

    Parameters
    ----------
    u, total : float array (draw,)

    Source: Plischke, Borgonovo and Smith (2013), doi:10.1016/j.ejor.2012.11.047, for estimates from given data; the
    adjustment is that of Ezekiel (1930). The error is that of R² in normal samples.
    """
    from scipy.special import ndtri

    count, score = len(u), ndtri(u)
    edges = [0.0]
    for cut in CUTS:
        if (cut - edges[-1]) * count >= FEWEST and (1.0 - cut) * count >= FEWEST:
            edges.append(cut)
    piece = np.searchsorted(edges, u, side="right") - 1
    size = np.bincount(piece, minlength=len(edges))
    x = score - (np.bincount(piece, weights=score, minlength=len(edges)) / np.maximum(size, 1))[piece]
    mean = np.bincount(piece, weights=total, minlength=len(edges)) / np.maximum(size, 1)
    square = np.bincount(piece, weights=x * x, minlength=len(edges))
    product = np.bincount(piece, weights=x * total, minlength=len(edges))
    slope = np.divide(product, square, out=np.zeros(len(edges)), where=square > 0)
    fitted = mean[piece] + slope[piece] * x - total.mean()
    told, numbers = float(fitted.var() / total.var()), 2 * len(edges)
    share = 1.0 - (1.0 - told) * (count - 1) / (count - numbers)
    error = np.sqrt(4.0 * max(share, 0.0) * (1.0 - told) ** 2 / count + 2.0 * numbers / count**2)
    return MainEffect(Share(share, float(error)), fitted * (share / told if share > 2.0 * error else 0.0))


def shared(total: FloatArray, again: FloatArray) -> Share:
    """First-order share of what two samples have in common: (draw,) each, everything else drawn anew.

    Cov(T, T') / Var(T), with mean and variance of both samples together.

    Source: Janon and others (2014), doi:10.1051/ps/2013040, equation 6; the error is that of a correlation.
    """
    mean = (total.mean() + again.mean()) / 2.0
    variance = ((total - mean) ** 2 + (again - mean) ** 2).mean() / 2.0
    share = float(((total - mean) * (again - mean)).mean() / variance)
    return Share(share, float((1.0 - share**2) / np.sqrt(len(total))))


def common(total: FloatArray, again: FloatArray, other: FloatArray) -> Share:
    """First-order share of what alone was drawn anew in the second sample, and is the same in the third: (draw,) each.

    E[(T'' - mean) (T' - T)] / Var(T), where everything was drawn anew in T''. The error falls with the share itself,
    so small shares are told better than by :func:`shared`, and large ones worse.

    Source: Saltelli and others (2010), doi:10.1016/j.cpc.2009.09.018, table 2 (b).
    """
    products = (other - other.mean()) * (again - total) / total.var()
    return Share(float(products.mean()), float(products.std() / np.sqrt(len(total))))


def moved(total: FloatArray, again: FloatArray) -> Share:
    """Total share of what alone was drawn anew in the second sample: (draw,) each.

    E[(T - T')²] / (2 Var(T)).

    Source: Jansen (1999), doi:10.1016/S0010-4655(98)00154-4; Saltelli and others (2010),
    doi:10.1016/j.cpc.2009.09.018, table 2 (f).
    """
    squares = (total - again) ** 2 / (2.0 * total.var())
    return Share(float(squares.mean()), float(squares.std() / np.sqrt(len(total))))


def near(score: FloatArray, total: FloatArray, level: float, confidence: float) -> float:
    """The total's quantile at a confidence in the draws whose score lies near its quantile at a level.

    Draws are weighed by :func:`scenarios.budget.contingency.kernel_weights` of the score, and moved to the score's
    quantile along the straight line that fits them.
    """
    weight = kernel_weights(score, level)
    use = weight > 0
    weight, away, some = weight[use], score[use] - float(np.quantile(score, level)), total[use]
    centre = float(weight @ away)
    square = float(weight @ (away - centre) ** 2)
    slope = float(weight @ ((away - centre) * some)) / square if square > 0 else 0.0
    some = some - slope * away
    order = np.argsort(some, kind="stable")
    reached = np.cumsum(weight[order]) - weight[order] / 2.0
    return float(np.interp(confidence, reached, some[order]))
