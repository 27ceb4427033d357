"""Growth curves fitted to many series at once. Comes in: levels and their times. Goes out: parameters and their spread.

Each curve has three parameters: the log of its ceiling, where it starts, and the log of its rate. What is known before
the data is a normal of the three; the fit is the mode of what is known after (MAP), found by Levenberg and Marquardt's
method for all problems (cuts × series) in one array. One series at a time would cost a call of scipy each, and there
are as many fits as series and past cuts; tests hold both to the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from forecast.panel import BoolArray, FloatArray, IntArray

Kind = Literal["logistic", "gompertz", "bass"]

#: Steps of the descent from the first start, and in each later round, which begins where the last ended.
FIRST_STEPS, STEPS, ROUNDS = 40, 12, 5
CLOSE = 1e-7
#: The standard deviation of a block's log deviation from the curve, before it is seen, and its worth in blocks.
NOISE, NOISE_WORTH = 0.1, 3.0
#: Correlation of consecutive deviations before it is seen, its worth in pairs, and the most that is believed.
TIE, TIE_WORTH, MOST_TIE = 0.5, 8.0, 0.95
#: Starts: share of the ceiling reached at the end, and rate times the time since the launch.
SHARES, SPANS = (0.03, 0.1, 0.3, 0.6, 0.9, 0.99), (0.5, 1.5, 3.0, 6.0, 12.0, 25.0)
#: Degrees of freedom of the t from which the posterior is drawn, how much wider it is, and draws tried for each kept.
TAILS, WIDER, TRIED = 5.0, 1.3, 8
_MOST_EXPONENT = 60.0


@dataclass(frozen=True, slots=True)
class Share:
    """The log of the share of the ceiling that is reached, and its slopes; all of the shape of the times."""

    log: FloatArray
    by_start: FloatArray
    by_log_rate: FloatArray


def log_share(kind: Kind, t: FloatArray, start: FloatArray, log_rate: FloatArray) -> Share:
    """The log of the share of its ceiling that a curve has reached at times since the launch.

    With r the rate::

        logistic   S(t) = 1 / (1 + exp(-(start + r t)))                      start = logit S(0) = -r * midpoint
        gompertz   S(t) = exp(-b exp(-r t))                                  start = log b
        bass       S(t) = (1 - exp(-r t)) / (1 + (q/p) exp(-r t))            start = log (q/p), r = p + q, t > 0

    Parameters
    ----------
    t : float array
        Periods since the launch.
    start, log_rate : float array
        Of a shape that broadcasts with ``t``.

    Notes
    -----
    Source: Bass (1969), doi:10.1287/mnsc.15.5.215; Meade and Islam (2006), doi:10.1016/j.ijforecast.2006.01.005.
    """
    rt = np.exp(np.minimum(log_rate, _MOST_EXPONENT)) * t
    if kind == "logistic":
        left = np.exp(-np.logaddexp(0.0, start + rt))
        return Share(-np.logaddexp(0.0, -(start + rt)), left, rt * left)
    if kind == "gompertz":
        x = np.exp(np.minimum(start - rt, _MOST_EXPONENT))
        return Share(-x, -x, x * rt)
    rest = np.exp(-rt)
    q = np.exp(np.minimum(start - rt, _MOST_EXPONENT))
    by_rate = np.where(rt > 1e-8, rt * rest / np.maximum(-np.expm1(-rt), 1e-300), 1.0)
    with np.errstate(divide="ignore"):
        log = np.log(np.maximum(-np.expm1(-rt), 1e-300)) - np.log1p(q)
    return Share(log, -q / (1 + q), by_rate + rt * q / (1 + q))


def start_of(kind: Kind, log_share_now: FloatArray, span: FloatArray) -> FloatArray:
    """The start of the curve that has reached a share when rate times time is ``span``."""
    if kind == "logistic":
        return np.asarray(log_share_now - np.log(-np.expm1(log_share_now)) - span)
    if kind == "gompertz":
        return np.asarray(np.log(-log_share_now) + span)
    odds = np.maximum(-np.expm1(-span) * np.exp(-log_share_now) - 1, 1e-2)
    return np.asarray(np.log(odds) + span)


@dataclass(frozen=True, slots=True)
class Levels:
    """What curves are fitted to: problems, such as a series at a cut, by blocks in time's order.

    Attributes
    ----------
    z : float array (problem, block)
        log(level + offset); 0 where unknown.
    t : float array (problem, block)
        The block's middle, in periods since the launch.
    known : bool array (problem, block)
    before, apart : int array (problem, block)
        The known block before a known one, and how many blocks lie between; itself and 0 for the first.
    offset : float array (problem,)
        What is added before logs are taken, on both sides: the first few calls weigh little.
    """

    z: FloatArray
    t: FloatArray
    known: BoolArray
    before: IntArray
    apart: IntArray
    offset: FloatArray

    @classmethod
    def of(cls, level: FloatArray, t: FloatArray, offset: FloatArray) -> Levels:
        """From levels (problem, block), NaN where unknown."""
        known = np.isfinite(level)
        number = np.broadcast_to(np.arange(level.shape[1]), level.shape)
        last = np.maximum.accumulate(np.where(known, number, -1), axis=1)
        before = np.concatenate([np.full((len(level), 1), -1), last[:, :-1]], axis=1)
        before = np.where(known & (before >= 0), before, number)
        z = np.log(np.where(known, level, 1.0) + np.where(known, offset[:, None], 0.0))
        return cls(z, np.where(known, t, 1.0), known, before, number - before, offset)

    @property
    def worth(self) -> FloatArray:
        """How many blocks of late use the known ones are worth, where noise is counted: (problem,)."""
        weight = 1 - self.offset[:, None] * np.exp(-self.z)
        return np.asarray(np.where(self.known, weight**2, 0.0).sum(axis=1))

    def part(self, which: IntArray) -> Levels:
        """Some of the problems."""
        return Levels(
            self.z[which], self.t[which], self.known[which], self.before[which], self.apart[which], self.offset[which]
        )

    def whitened(self, error: FloatArray, tie: FloatArray) -> FloatArray:
        """Errors (problem, block, ...) less what the block before foretells, over what is left of one; 0 if unknown."""
        extra = (1,) * (error.ndim - 2)
        link = np.where(self.apart > 0, tie[:, None] ** np.maximum(self.apart, 1), 0.0)
        scale = np.where(self.known, 1 / np.sqrt(1 - link**2), 0.0).reshape(*link.shape, *extra)
        earlier = np.take_along_axis(error, self.before.reshape(*link.shape, *extra), axis=1)
        return np.asarray((error - link.reshape(*link.shape, *extra) * earlier) * scale)


@dataclass(frozen=True, slots=True)
class Before:
    """What is known of the parameters before the data: normals, mean (problem, 3) and root (problem, 3, 3).

    The covariance is root @ root.T; a ceiling that is given as one number has a row of 0.
    """

    mean: FloatArray
    root: FloatArray

    def at(self, x: FloatArray) -> FloatArray:
        """Parameters (problem, ..., 3) from standard ones of that shape."""
        return np.asarray(self.mean.reshape(-1, *(1,) * (x.ndim - 2), 3) + np.einsum("pij,p...j->p...i", self.root, x))


@dataclass(frozen=True, slots=True)
class Curves:
    """Fitted curves.

    Attributes
    ----------
    theta : float array (problem, 3)
        The log ceiling, the start and the log rate: the mode.
    spread : float array (problem, 3, 3)
        Laplace's covariance of theta, (J'R^-1 J / noise² + prior's precision)^-1, R the correlation of deviations.
    x, shape : float array (problem, 3), (problem, 3, 3)
        The same of the standard parameters of ``before``.
    before : Before
    noise, tie : float array (problem,)
        The standard deviation of a block's log deviation, and the correlation of consecutive ones.
    last : float array (problem,)
        The log deviation of the last known block.
    """

    theta: FloatArray
    spread: FloatArray
    x: FloatArray
    shape: FloatArray
    before: Before
    noise: FloatArray
    tie: FloatArray
    last: FloatArray

    def part(self, which: IntArray) -> Curves:
        """Some of the problems."""
        before = Before(self.before.mean[which], self.before.root[which])
        rest = (self.noise[which], self.tie[which], self.last[which])
        return Curves(self.theta[which], self.spread[which], self.x[which], self.shape[which], before, *rest)


@dataclass(frozen=True, slots=True)
class _Here:
    """Errors (problem, block), their slopes (problem, block, 3) by standard parameters, whitened; and the cost."""

    error: FloatArray
    slopes: FloatArray
    cost: FloatArray


def deviations(kind: Kind, levels: Levels, theta: FloatArray) -> FloatArray:
    """Logs of levels less those of curves: (problem, draw, block) for theta (problem, draw, 3)."""
    share = log_share(kind, levels.t[:, None], theta[..., 1:2], theta[..., 2:3])
    curve = np.logaddexp(theta[..., :1] + share.log, np.log(levels.offset)[:, None, None])
    return np.asarray(np.where(levels.known[:, None], levels.z[:, None] - curve, 0.0))


def _here(kind: Kind, levels: Levels, before: Before, x: FloatArray, noise: FloatArray, tie: FloatArray) -> _Here:
    theta = before.at(x)
    share = log_share(kind, levels.t, theta[:, 1:2], theta[:, 2:3])
    log = theta[:, :1] + share.log
    curve = np.logaddexp(log, np.log(levels.offset)[:, None])
    weight = np.exp(log - curve)
    slopes = weight[..., None] * np.stack([np.ones_like(log), share.by_start, share.by_log_rate], axis=-1)
    error = levels.whitened(np.where(levels.known, levels.z - curve, 0.0), tie) / noise[:, None]
    white = levels.whitened(slopes, tie) @ before.root / noise[:, None, None]
    return _Here(error, white, (error**2).sum(axis=1) + (x**2).sum(axis=1))


def descend(
    kind: Kind, levels: Levels, before: Before, x: FloatArray, noise: FloatArray, tie: FloatArray, *, steps: int
) -> FloatArray:
    """The mode of what is known after the data, from standard parameters ``x`` (problem, 3) on.

    Least squares of the whitened errors and of x itself, linear: squares keep what is known after near a normal, and
    odd days were taken out before, or are levelled within their week.
    """
    x = x.copy()
    open_ = np.arange(len(x))
    damp = np.full(len(x), 1e-2)
    here = _here(kind, levels, before, x, noise, tie)
    for _ in range(steps):
        square = np.einsum("pbi,pbj->pij", here.slopes, here.slopes) + np.eye(3)
        slope = np.einsum("pbi,pb->pi", here.slopes, here.error) - x[open_]
        diagonal = np.einsum("pii->pi", square)
        step = np.linalg.solve(square + (damp[open_, None] * diagonal)[..., None] * np.eye(3), slope[..., None])[..., 0]
        part, prior = levels.part(open_), Before(before.mean[open_], before.root[open_])
        there = _here(kind, part, prior, x[open_] + step, noise[open_], tie[open_])
        better = there.cost <= here.cost
        x[open_] += np.where(better[:, None], step, 0.0)
        damp[open_] *= np.where(better, 0.2, 5.0)
        still = ~(np.abs(step).max(axis=1) < CLOSE) & (damp[open_] < 1e12)
        if not still.any():
            break
        error = np.where(better[:, None], there.error, here.error)[still]
        slopes = np.where(better[:, None, None], there.slopes, here.slopes)[still]
        here = _Here(error, slopes, np.where(better, there.cost, here.cost)[still])
        open_ = open_[still]
    return x


def fitted(kind: Kind, levels: Levels, before: Before, group: IntArray, *, pool: bool) -> Curves:
    """Fit every problem; noise, tie and, if pooled, what is known of start and rate are learnt within each group.

    A group is what was known at one cut. Pooled, start and rate of a group's series are taken to come from one normal,
    whose mean and covariance are those of the series (each as sure as its data make it) and of one more that is known
    no better than before: empirical Bayes by expectation and maximisation, with Laplace's covariances.
    """
    count = len(levels.z)
    noise, tie, own = np.full(count, NOISE), np.zeros(count), before
    x = descend(kind, levels, own, _first(kind, levels, own, noise, tie), noise, tie, steps=FIRST_STEPS)
    for turn in range(ROUNDS):
        shape, theta = _shape(kind, levels, own, x, noise, tie), own.at(x)
        noise, tie = _noise(kind, levels, theta, shape, group if pool else np.arange(count))
        if pool:
            own = _pooled(before, theta, own.root @ shape @ own.root.swapaxes(1, 2), group)
            x = _standard(own, theta)
        x = descend(kind, levels, own, x, noise, tie, steps=STEPS if turn < ROUNDS - 1 else FIRST_STEPS)
    shape, theta = _shape(kind, levels, own, x, noise, tie), own.at(x)
    rest = deviations(kind, levels, theta[:, None])[:, 0]
    end = levels.known.shape[1] - 1 - np.argmax(levels.known[:, ::-1], axis=1)
    last = rest[np.arange(count), end]
    return Curves(theta, own.root @ shape @ own.root.swapaxes(1, 2), x, shape, own, noise, tie, last)


def _first(kind: Kind, levels: Levels, before: Before, noise: FloatArray, tie: FloatArray) -> FloatArray:
    """The best of a grid of starts, in standard parameters: (problem, 3)."""
    end = np.where(levels.known, levels.t, 0.0).max(axis=1)
    number = levels.known.shape[1] - 1 - np.argmax(levels.known[:, ::-1], axis=1)
    now = levels.z[np.arange(len(end)), number]
    best, chosen = np.full(len(end), np.inf), np.zeros((len(end), 3))
    for share in np.log(SHARES):
        for span in SPANS:
            start = start_of(kind, np.full(len(end), share), np.full(len(end), span))
            x = _standard(before, np.column_stack([now - share, start, np.log(span / end)]))
            cost = _here(kind, levels, before, x, noise, tie).cost
            better = cost < best
            best, chosen = np.where(better, cost, best), np.where(better[:, None], x, chosen)
    return chosen


def _standard(before: Before, theta: FloatArray) -> FloatArray:
    """Standard parameters of theta; 0 for what is given and cannot move."""
    held = np.einsum("pii->pi", before.root) == 0
    root = before.root + held[:, :, None] * np.eye(3)
    x = np.linalg.solve(root, (theta - before.mean)[..., None])[..., 0]
    return np.asarray(np.where(held, 0.0, x))


def _shape(kind: Kind, levels: Levels, before: Before, x: FloatArray, noise: FloatArray, tie: FloatArray) -> FloatArray:
    """Laplace's covariance of the standard parameters: (problem, 3, 3)."""
    slopes = _here(kind, levels, before, x, noise, tie).slopes
    return np.asarray(np.linalg.inv(np.einsum("pbi,pbj->pij", slopes, slopes) + np.eye(3)))


def _noise(
    kind: Kind, levels: Levels, theta: FloatArray, shape: FloatArray, group: IntArray
) -> tuple[FloatArray, FloatArray]:
    """The standard deviation of deviations, each problem's own, and their tie, the group's: both (problem,).

    The tie of residuals of p fitted parameters is too low by (p + (p + 2) tie) / n about (Kendall 1954,
    doi:10.1093/biomet/41.3-4.403, for a mean).
    """
    rest = deviations(kind, levels, theta[:, None])[:, 0]
    beside = levels.known & (levels.apart == 1)
    earlier = np.take_along_axis(rest, levels.before, axis=1)
    size = np.maximum((rest**2).sum(axis=1) / np.maximum(levels.known.sum(axis=1), 1), 1e-16)
    both = np.where(beside, rest * earlier, 0.0).sum(axis=1) / size
    each = np.where(beside, 0.5 * (rest**2 + earlier**2), 0.0).sum(axis=1) / size
    # What the data fixed of the three parameters is no longer free, and makes what is left look less tied.
    used = 3 - np.einsum("pii->p", shape)
    number = levels.known.sum(axis=1)
    groups = group.max() + 1
    summed = [np.bincount(group, part, minlength=groups)[group] for part in (both, each, used, number, number > 0)]
    both, each, lost, blocks, problems = summed
    tie = (both + TIE_WORTH * TIE) / (each + TIE_WORTH)
    tie = np.clip(tie + (lost + (lost + 2 * problems) * tie) / blocks, 0.0, MOST_TIE)
    square = (levels.whitened(rest, tie) ** 2).sum(axis=1)
    free = np.maximum(levels.worth - used, 1.0)
    return np.sqrt((NOISE_WORTH * NOISE**2 + square) / (NOISE_WORTH + free)), tie


def _pooled(before: Before, theta: FloatArray, spread: FloatArray, group: IntArray) -> Before:
    """Start and rate as the group's series have them."""
    mean, root = before.mean.copy(), before.root.copy()
    for g in np.unique(group):
        which = np.nonzero(group == g)[0]
        if len(which) < 2:
            continue
        wide = before.root[which[0], 1:, 1:]
        centre = (before.mean[which[0], 1:] + theta[which, 1:].sum(axis=0)) / (1 + len(which))
        off = theta[which, 1:] - centre
        away = before.mean[which[0], 1:] - centre
        total = wide @ wide.T + np.outer(away, away) + spread[which, 1:, 1:].sum(axis=0) + off.T @ off
        mean[which, 1:] = centre
        root[which, 1:, 1:] = np.linalg.cholesky(total / (1 + len(which)))
    return replace(before, mean=mean, root=root)


def drawn(
    kind: Kind, levels: Levels, fit: Curves, count: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Draws of the parameters and the noise of one problem after the data: (count, 3) and (count,).

    Drawn from a t about the mode of Laplace's covariance, and drawn again by importance: where the ceiling is not
    identified what is known of it is skewed, and a normal would not do. The variance of deviations is integrated out.
    """
    tried = TRIED * count
    root = np.linalg.cholesky(fit.shape[0] + 1e-12 * np.eye(3))
    fat = np.sqrt(TAILS / rng.chisquare(TAILS, size=tried))[:, None]
    u = rng.standard_normal((tried, 3)) * fat
    x = fit.x[0] + WIDER * u @ root.T
    theta = fit.before.at(x[None])
    rest = levels.whitened(deviations(kind, levels, theta)[0].T[None], fit.tie)[0]
    square = NOISE_WORTH * NOISE**2 + (rest**2).sum(axis=0)
    worth = NOISE_WORTH + float(levels.worth[0])
    log = -0.5 * worth * np.log(square) - 0.5 * (x**2).sum(axis=1)
    log += 0.5 * (TAILS + 3) * np.log1p((u**2).sum(axis=1) / TAILS)
    weight = np.exp(log - log.max())
    at = np.cumsum(weight) / weight.sum()
    chosen = np.searchsorted(at, (np.arange(count) + rng.uniform()) / count).clip(max=tried - 1)
    chosen = rng.permutation(chosen)
    return theta[0, chosen], np.sqrt(square[chosen] / rng.chisquare(worth, size=count))
