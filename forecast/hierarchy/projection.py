"""The projection onto what adds up. Comes in: errors of all nodes. Goes out: how much each series takes up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from forecast.hierarchy.sums import all_nodes
from forecast.panel import FloatArray, IntArray

#: What errors of base forecasts are taken to be like: see :meth:`forecast.hierarchy.Hierarchy.reconcile`.
Method = Literal["ols", "structural", "variance", "mint"]
#: No error is taken to be smaller than this part of the largest, and no eigenvalue of correlations than this.
LEAST_SCALE = 1e-6


@dataclass(frozen=True, slots=True)
class Fitted:
    """A method's gain, float array (bottom, upper node), and the method in words."""

    gain: FloatArray
    told: str


def fitted(
    method: Method,
    summing: FloatArray,
    errors: FloatArray,
    *,
    scale: FloatArray | None,
    independent: float | None,
    spread: FloatArray,
) -> Fitted:
    """The gain of a method; ``spread`` (node,) of the paths' totals stands in for scales that errors do not tell."""
    nodes, bottoms = summing.shape
    upper = summing[: nodes - bottoms]
    if method == "ols":
        return Fitted(gain(np.eye(nodes), upper), method)
    if method == "structural":
        return Fitted(gain(np.diag(summing.sum(axis=1)), upper), method)
    known = shrunk(errors, independent)
    size = sizes(known.scale if scale is None else np.asarray(scale, dtype="float64"), spread)
    if method == "variance":
        return Fitted(gain(np.diag(size**2), upper), method)
    told = f"{method} (correlations {known.intensity:.0%} shrunk)"
    return Fitted(gain(known.correlation * np.outer(size, size), upper), told)


def projected(values: FloatArray, gain: FloatArray, codes: IntArray) -> FloatArray:
    """The series (..., bottom) of the projection of values of all nodes (..., node)."""
    upper = gain.shape[1]
    bottom = values[..., upper:]
    missing = values[..., :upper] - all_nodes(bottom, codes)[..., :upper]
    return np.asarray(bottom + missing @ gain.T)


@dataclass(frozen=True, slots=True)
class Shrunk:
    """Correlations of errors, drawn to 0 by ``intensity``: (node, node); ``scale`` (node,), NaN of less than two."""

    correlation: FloatArray
    scale: FloatArray
    intensity: float


def shrunk(errors: FloatArray, independent: float | None = None) -> Shrunk:
    """Correlations of errors (trial, node) about 0, shrunk towards none.

    With r_ij the mean of w_kij = x_ki x_kj over trials k, x the errors over their root mean square,

        intensity = sum_(i != j) Var(r_ij) / sum_(i != j) r_ij^2, at most 1,   Var(r_ij) = sum_k (w_kij - r_ij)^2 / (n (n - 1)).

    ``independent`` trials instead of n multiply the variance by n / independent. Each pair uses the trials that it has.

    Source: Schäfer and Strimmer (2005), doi:10.2202/1544-6115.1175, as Wickramasuriya et al. (2019), section 2.4, use it.
    """  # noqa: E501
    there = np.isfinite(errors)
    x, mask = np.where(there, errors, 0.0), there.astype("float64")
    seen = there.sum(axis=0)
    scale = np.sqrt((x**2).sum(axis=0) / np.maximum(seen, 1))
    x = x / np.where(scale > 0, scale, 1.0)
    pairs = mask.T @ mask
    product, square = x.T @ x, (x**2).T @ (x**2)
    r = product / np.maximum(pairs, 1)
    variance = np.where(pairs > 1, (square - product * r) / np.maximum(pairs * (pairs - 1), 1), 0.0)
    if independent is not None:
        variance *= len(errors) / independent
    apart = ~np.eye(len(r), dtype=bool)
    strength = float((r[apart] ** 2).sum())
    intensity = min(1.0, max(0.0, float(variance[apart].sum()) / strength)) if strength > 0 else 1.0
    correlation = np.where(apart, (1 - intensity) * np.clip(r, -1, 1), 1.0)
    return Shrunk(_definite(correlation), np.where(seen > 1, scale, np.nan), intensity)


def gain(weights: FloatArray, upper: FloatArray) -> FloatArray:
    """How the series take up what is missing: K, float array (bottom, upper node), b~ = b + K (u - A b).

    With A ``upper`` (upper node, bottom) the upper rows of S, C = (I, -A) and W ``weights`` (node, node),

        K = -(0 I) W C' (C W C')^-1,

    the same projection as S (S' W^-1 S)^-1 S' W^-1 without an inverse of W (Wickramasuriya et al. 2019, section 2.3).
    Directions in which C W C' has no weight are left as they are (least squares).
    """
    count = len(upper)
    across, below = weights[count:, :count], weights[count:, count:] @ upper.T
    middle = weights[:count, :count] - upper @ across - (upper @ across).T + upper @ below
    size = np.sqrt(np.diag(middle))
    size = np.where(size > 0, size, 1.0)
    solved, *_ = np.linalg.lstsq(middle / np.outer(size, size), ((below - across) / size).T, rcond=1e-10)
    return np.asarray((solved / size[:, None]).T)


def _definite(correlation: FloatArray) -> FloatArray:
    """Pairs that saw different trials may contradict each other: hold all eigenvalues above 0."""
    value, vector = np.linalg.eigh(correlation)
    if value[0] >= LEAST_SCALE:
        return correlation
    held = (vector * np.maximum(value, LEAST_SCALE)) @ vector.T
    size = np.sqrt(np.diag(held))
    return np.asarray(held / np.outer(size, size))


def sizes(scale: FloatArray, spread: FloatArray) -> FloatArray:
    """Scales (node,), none unknown or 0: an unknown one is to its paths' spread as the others are."""
    usable = np.isfinite(scale) & (scale > 0) & (spread > 0)
    ratio = float(np.median(scale[usable] / spread[usable])) if usable.any() else 1.0
    filled = np.where(np.isfinite(scale), scale, ratio * spread)
    largest = float(filled.max())
    return np.maximum(filled, LEAST_SCALE * largest) if largest > 0 else np.ones_like(filled)
