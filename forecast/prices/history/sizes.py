"""How far prices move. Comes in: the log factors of past changes. Goes out: a law of sizes, its draws and its means."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from forecast.errors import ModelError
from forecast.panel import FloatArray
from forecast.shown import short_repr

#: No change counts as more than this: the largest in the shipped history are a fortieth and six times.
LARGEST_DOWN: Final = math.log(50)
LARGEST_UP: Final = math.log(10)
#: The prior of sizes: worth one change of the middle size of both directions, with a spread of log size about 1.
_PRIOR_WORTH: Final = 1.0
_PRIOR_SHAPE: Final = 2.0
_PRIOR_SCALE: Final = 1.0
#: Fewest changes, in both directions together, from which sizes are fitted.
FEWEST: Final = 4
#: Nodes of the quadrature of means: enough for a relative error of 1e-6 (held in the tests).
_NODES: Final = 20_001


@dataclass(frozen=True, slots=True)
class Sizes:
    """The law of one direction's sizes |log factor|, log-normal with unknown middle and spread.

    z = log|log factor| ~ N(μ, σ²); σ² ~ InverseGamma(shape, scale); μ | σ² ~ N(middle, σ² / worth); a size above
    ``largest`` counts as ``largest``. With μ and σ integrated out, z is Student t of 2·shape degrees of freedom around
    the middle with scale² = scale (worth + 1) / (shape · worth).

    Attributes
    ----------
    middle, worth, shape, scale : float
        The posterior.
    largest : float
    seen : tuple of float (change,)
        The sizes it was fitted to.
    """

    __repr__ = short_repr

    middle: float
    worth: float
    shape: float
    scale: float
    largest: float
    seen: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median size |log factor| that is expected."""
        return min(math.exp(self.middle), self.largest)

    @property
    def spread(self) -> float:
        """The scale of the Student t of log size."""
        return math.sqrt(self.scale * (self.worth + 1) / (self.shape * self.worth))

    def parameters(self, rng: np.random.Generator, draws: int) -> tuple[FloatArray, FloatArray]:
        """Middle and spread of each path (draw,): drawn once, they last."""
        sd = np.sqrt(self.scale / rng.gamma(self.shape, size=draws))
        return self.middle + sd / math.sqrt(self.worth) * rng.standard_normal(draws), sd

    def cdf(self, size: FloatArray) -> FloatArray:
        """Probability of a size of at most ``size``."""
        from scipy.special import stdtr

        size = np.asarray(size, dtype="float64")
        with np.errstate(divide="ignore"):
            below = stdtr(2 * self.shape, (np.log(size) - self.middle) / self.spread)
        return np.where(size >= self.largest, 1.0, below)

    def mean(self) -> float:
        """The expected size |log factor|: ∫ (1 - cdf), by the trapezoidal rule."""
        grid = np.linspace(0, self.largest, _NODES)
        above = 1 - self.cdf(grid)
        above[-1] = above[-2]  # the atom at the largest size is not yet passed
        return float(np.trapezoid(above, grid))


def log_density(sizes: Sizes, size: FloatArray) -> FloatArray:
    """Log density of log size where it is below the largest: Student t."""
    from scipy.special import gammaln

    dof = 2 * sizes.shape
    t = (np.log(size) - sizes.middle) / sizes.spread
    const = gammaln((dof + 1) / 2) - gammaln(dof / 2) - 0.5 * math.log(dof * math.pi) - math.log(sizes.spread)
    return np.asarray(const - (dof + 1) / 2 * np.log1p(t**2 / dof))


def fitted_sizes(log_factors: Sequence[float]) -> tuple[Sizes, Sizes]:
    """The laws of falls and of rises.

    Each direction's posterior starts from one change of the middle size of both, so that few rises lean on falls.
    Normal with unknown mean and variance, conjugate prior: Gelman et al., Bayesian Data Analysis, 3rd ed., ch. 3.3.

    Raises
    ------
    ModelError
        Fewer than four changes.
    """
    moves = np.asarray(log_factors, dtype="float64")
    if len(moves) < FEWEST:
        raise ModelError(
            f"{len(moves)} changes of price say too little about sizes; {FEWEST} are needed: allow pooling, or take "
            "more date kinds, such as date_kinds=('effective_from', 'changed_between_snapshots')"
        )
    logs = np.log(np.abs(moves))
    middle = float(logs.mean())
    falls, rises = (
        _posterior(logs[moves < 0], middle, LARGEST_DOWN),
        _posterior(logs[moves > 0], middle, LARGEST_UP),
    )
    return falls, rises


def _posterior(logs: FloatArray, prior_middle: float, largest: float) -> Sizes:
    n, own = len(logs), float(logs.mean()) if len(logs) else prior_middle
    worth = _PRIOR_WORTH + n
    within = float(((logs - own) ** 2).sum())
    apart = _PRIOR_WORTH * n / worth * (own - prior_middle) ** 2
    return Sizes(
        middle=(_PRIOR_WORTH * prior_middle + n * own) / worth,
        worth=worth,
        shape=_PRIOR_SHAPE + n / 2,
        scale=_PRIOR_SCALE + (within + apart) / 2,
        largest=largest,
        seen=tuple(float(s) for s in np.sort(np.exp(logs))),
    )
