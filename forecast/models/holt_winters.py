"""Holt-Winters for many series and many parameters in one pass over time.

Comes in: series on the working scale (period, series). Goes out: forecasts from every cut and from the end, averaged
over the parameters by how well each has done so far.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast.panel import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Grid:
    """Smoothing parameters, each of shape (candidate,): level, season, trend, damping."""

    alpha: FloatArray
    gamma: FloatArray
    beta: FloatArray
    phi: FloatArray


def grid(count: int, damping: tuple[float, ...], *, seasonal: bool, trend: bool) -> Grid:
    """A low-discrepancy set of parameters, the same every time.

    Kronecker points on the generalised golden ratio (Roberts 2018) spread over level 0.01 to 0.9 (log), season up to
    0.36 of what the level leaves, and trend up to a fifth of the level; ``damping`` goes round in turn.
    """
    ratio = 1.2207440846057596  # the root of x^4 = x + 1: steps for three dimensions
    i = np.arange(1, count + 1)[:, None]
    u = np.mod(0.5 + i * (1.0 / ratio ** np.arange(1, 4))[None, :], 1.0)
    alpha = 0.01 * 90.0 ** u[:, 0]
    gamma = (0.01 + 0.35 * u[:, 1] ** 2) * (1 - alpha) if seasonal else np.zeros(count)
    beta = alpha * 0.2 * u[:, 2] ** 2 if trend else np.zeros(count)
    phi = np.resize(np.array(damping), count) if trend else np.zeros(count)
    return Grid(alpha, gamma, beta, phi)


@dataclass(frozen=True, slots=True)
class Smoothed:
    """Forecasts on the working scale: ``past`` (cut, length, series), ``point`` (horizon, series)."""

    past: FloatArray
    point: FloatArray


def smooth(z: FloatArray, season: int, params: Grid, cuts: IntArray, *, length: int, horizon: int) -> Smoothed:
    """Run every parameter set over every series once, and forecast from each cut and from the end.

    With states l (level), b (trend), s (season) of phase j and e = z_t - (l + phi b + s_j)::

        l <- l + phi b + alpha e;  b <- phi b + beta e;  s_j <- s_j + gamma e

    A forecast averages the parameter sets with weight (MSE / least MSE)^(-sqrt n): flatter than a likelihood would,
    so that no set wins by luck. A gap leaves the states to run on; before its first value a series does not move.

    Source: Hyndman, Koehler, Ord and Snyder (2008), Forecasting with Exponential Smoothing, ch. 2 (error form).
    """
    periods, count = z.shape
    sets = len(params.alpha)
    # The states start from this many values. A cut that knows fewer starts its own, from what it knows.
    start = 4 * season if season > 1 else 2
    early, cuts = cuts[cuts < start], cuts[cuts >= start]
    alone = [smooth(z[:cut], season, params, cuts[:0], length=length, horizon=length).point for cut in early]
    there = np.isfinite(z)
    level, seasonal = _start(z, there, season)
    level = np.repeat(level[:, None], sets, axis=1)
    trend = np.zeros((count, sets))
    seasonal = np.repeat(seasonal[:, :, None], sets, axis=2)
    squares = np.zeros((count, sets))
    seen = np.zeros(count)
    started = np.cumsum(there, axis=0) > 0
    past = np.full((len(cuts), length, count), np.nan)
    wanted = {int(cut): k for k, cut in enumerate(cuts)}
    use_trend = bool(params.beta.any())
    for t in range(periods):
        if t in wanted:
            past[wanted[t]] = _ahead(level, trend, seasonal, squares, seen, params, t, season, length)
        phase = t % season
        base = level + params.phi * trend if use_trend else level
        error = np.where(there[t][:, None], z[t][:, None] - base - seasonal[phase], 0.0)
        run = started[t][:, None]
        level = np.where(run, base + params.alpha * error, level)
        if use_trend:
            trend = np.where(run, params.phi * trend + params.beta * error, trend)
        seasonal[phase] += params.gamma * error
        squares += error * error
        seen += there[t]
    # Nor may a series that had begun but lately be told at a cut what its states start from.
    known = np.cumsum(there, axis=0)[cuts - 1] if len(cuts) else np.zeros((0, count))
    past[(known < start)[:, None, :].repeat(length, axis=1)] = np.nan
    point = _ahead(level, trend, seasonal, squares, seen, params, periods, season, horizon)
    return Smoothed(np.concatenate([*(a[None] for a in alone), past]), point)


def _start(z: FloatArray, there: np.ndarray, season: int) -> tuple[FloatArray, FloatArray]:
    """First level (series,) from the first two seasons seen, and first season (season, series) from the first four."""
    order = np.cumsum(there, axis=0)
    first = there & (order <= max(2, 2 * season))
    level = np.where(first, z, 0.0).sum(axis=0) / np.maximum(first.sum(axis=0), 1)
    seasonal = np.zeros((season, z.shape[1]))
    if season > 1:
        early = there & (order <= 4 * season)
        off = np.where(early, z - level, 0.0)
        for phase in range(season):
            seasonal[phase] = off[phase::season].sum(axis=0) / np.maximum(early[phase::season].sum(axis=0), 1)
        seasonal -= seasonal.mean(axis=0)
    return level, seasonal


def _ahead(
    level: FloatArray,
    trend: FloatArray,
    seasonal: FloatArray,
    squares: FloatArray,
    seen: FloatArray,
    params: Grid,
    now: int,
    season: int,
    length: int,
) -> FloatArray:
    """Average the parameter sets' forecasts for ``length`` periods after ``now``. Shape (length, series)."""
    n = np.maximum(seen, 1.0)[:, None]
    # The floor keeps a series without noise from dividing by zero: 1e-9 on the working scale is below any signal.
    mse = squares / n + 1e-18
    score = -np.sqrt(n) * np.log(mse / mse.min(axis=1, keepdims=True))
    weight = np.exp(np.maximum(score, -50.0))
    weight /= weight.sum(axis=1, keepdims=True)
    steps = np.arange(1, length + 1)
    reach = np.cumsum(params.phi[:, None] ** steps, axis=1)
    line = (weight * level).sum(axis=1) + (weight * trend @ reach).T
    shape = (weight[None] * seasonal).sum(axis=2)
    return np.asarray(line + shape[(now + steps - 1) % season])
