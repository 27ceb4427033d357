"""How often prices change, and which way. Comes in: changes and SKU-years by provider. Goes out: posteriors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt

from forecast.panel import FloatArray

#: Where the mean rate (changes a SKU-year), the years of watching that the other providers are worth, and the shape of
#: spells may lie. The prior is even on the log of each. On the shipped history a shape near 1 is the likeliest,
#: 30 times as likely as spells that are all alike (benchmarks/price_history.py).
_MEANS: Final = np.geomspace(1e-3, 10.0, 61)
_WORTHS: Final = np.geomspace(1.0, 300.0, 31)
_SPELLS: Final = np.geomspace(0.5, 50.0, 9)
#: The shape of spells that are all alike.
_EVEN: Final = np.array([1e9])
#: Rates at which a provider's likelihood is looked at.
_RATES: Final = np.geomspace(1e-5, 60.0, 601)
#: Days of a spell: within one, a provider changes prices at one pace.
SPELL: Final = 183
#: Changes that the other providers' share of rises is worth to one provider.
PRIOR_CHANGES: Final = 4.0


@dataclass(frozen=True, slots=True)
class Rate:
    """A long-run rate of change that is known up to a Gamma law: λ ~ Gamma(shape, years), in changes a SKU-year.

    Attributes
    ----------
    shape, years : float
        Mean shape / years and variance shape / years².
    changes : int
        Changes seen.
    watched : float
        SKU-years in which they were seen.
    spells : float
        Variance of a spell's pace around the long run, which is 1: 0 where every spell is alike.
    """

    shape: float
    years: float
    changes: int
    watched: float
    spells: float = 0.0

    @property
    def mean(self) -> float:
        """The expected rate."""
        return self.shape / self.years

    @property
    def ahead(self) -> Rate:
        """The rate of a spell to come, λ times its pace: the Gamma law of the same mean and variance."""
        variance = 1 / self.shape + self.spells + self.spells / self.shape
        return Rate(1 / variance, 1 / (variance * self.mean), self.changes, self.watched)

    def quantile(self, q: float) -> float:
        """The q quantile of the rate."""
        from scipy.special import gammaincinv

        return float(gammaincinv(self.shape, q)) / self.years


@dataclass(frozen=True, slots=True)
class Share:
    """A share that is known up to a Beta law: of changes, how many are rises.

    Attributes
    ----------
    ups, downs : float
        The law's two parameters: mean ups / (ups + downs).
    """

    ups: float
    downs: float

    @property
    def mean(self) -> float:
        """The expected share of rises."""
        return self.ups / (self.ups + self.downs)


@dataclass(frozen=True, slots=True)
class Rates:
    """The rate of each provider, and of one that is not among them.

    Attributes
    ----------
    own : tuple of Rate (provider,)
    other : Rate
        Of a provider without a history: how far providers lie apart, and how well that is known.
    """

    own: tuple[Rate, ...]
    other: Rate


def pooled_rate(changes: int, watched: float, spells: float = 0.0) -> Rate:
    """The rate of all that was watched as if it were one: Gamma(n + ½, E), by Jeffreys' prior."""
    return Rate(changes + 0.5, watched, changes, watched, spells)


def shrunk_rates(changes: npt.ArrayLike, watched: npt.ArrayLike, *, even: bool = False) -> Rates:
    """Each provider's rate, drawn to the others' by how little it was watched and how uneven its spells are.

    In spell h provider i makes n_ih ~ Poisson(λ_i v_ih E_ih) changes, with v ~ Gamma(ν, ν) and λ_i ~ Gamma(κ m, κ): so
    n_ih is negative binomial given λ_i. m, κ and ν have even priors on their logs over wide bounds, and are averaged
    over a grid by their likelihood; each λ_i is told by the Gamma law that has the mean and the variance of its
    posterior, and so is λ_i v of a spell to come (Gelman et al., Bayesian Data Analysis, 3rd ed., ch. 5).

    Parameters
    ----------
    changes, watched : arrays (provider, spell)
        Changes n, and SKU-years E; 0 where a provider was not watched.
    even : bool
        Whether spells are taken to be alike (v = 1), as they must be where only one was watched.
    """
    from scipy.special import xlogy

    n, years = np.asarray(changes, dtype="float64"), np.asarray(watched, dtype="float64")
    shapes = _EVEN if even else _SPELLS
    nu = shapes[:, None, None]
    mean = _RATES[:, None] * years[:, None, :]  # (provider, rate, spell)
    given = np.empty((len(n), len(shapes), len(_RATES)))
    for i in range(len(n)):
        cells = (
            _log_rising(nu, n[i]) - nu * np.log1p(mean[i] / nu) + xlogy(n[i], mean[i]) - n[i] * np.log1p(mean[i] / nu)
        )
        given[i] = cells.sum(axis=2)
    top = given.max(axis=(1, 2), keepdims=True)
    given = np.exp(given - top)
    prior = _prior_of_rates()  # (mean × worth, rate)
    marginal = np.einsum("pr,isr->ips", prior, given, optimize=True)
    log_weight = np.log(np.maximum(marginal, np.finfo(float).tiny)).sum(axis=0)
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()  # (mean × worth, spell)
    own = []
    for i in range(len(n)):
        joint = np.einsum("ps,pr->sr", weight / np.maximum(marginal[i], np.finfo(float).tiny), prior) * given[i]
        own.append(_told(joint, shapes, int(n[i].sum()), float(years[i].sum())))
    return Rates(tuple(own), _told(np.einsum("ps,pr->sr", weight, prior), shapes, 0, 0.0))


def share_of_rises(ups: int, downs: int, prior: Share | None = None) -> Share:
    """The share of rises: Beta(u + ½, d + ½) alone; with the others' share p as a prior, Beta(4p + u, 4(1 - p) + d)."""
    if prior is None:
        return Share(ups + 0.5, downs + 0.5)
    return Share(PRIOR_CHANGES * prior.mean + ups, PRIOR_CHANGES * (1 - prior.mean) + downs)


def _log_rising(nu: FloatArray, n: FloatArray) -> FloatArray:
    """Log of Γ(ν + n) / (Γ(ν) νⁿ) = Σ_{j<n} log(1 + j / ν), exact for large ν too."""
    j = np.arange(int(n.max(initial=0)))
    terms = np.log1p(j / nu[..., None])
    return np.asarray((terms * (j < n[..., None])).sum(axis=-1))


@cache
def _prior_of_rates() -> FloatArray:
    """The probability of each rate of the grid under Gamma(κ m, κ), for each m and κ: float array (m × κ, rate)."""
    from scipy.special import gammainc

    shape = np.repeat(_MEANS, len(_WORTHS)) * np.tile(_WORTHS, len(_MEANS))
    worth = np.tile(_WORTHS, len(_MEANS))
    edges = np.sqrt(_RATES[1:] * _RATES[:-1])
    below = gammainc(shape[:, None], worth[:, None] * edges)
    return np.diff(below, prepend=0.0, append=1.0, axis=1)


def _told(joint: FloatArray, shapes: FloatArray, changes: int, watched: float) -> Rate:
    """The Gamma law with the mean and variance of a posterior on the grid (spell, rate), and the variance of spells."""
    joint = joint / joint.sum()
    mean = float((joint * _RATES).sum())
    square = float((joint * _RATES**2).sum())
    ahead = float((joint * _RATES**2 * (1 + 1 / shapes[:, None])).sum())
    variance = square - mean**2
    return Rate(mean**2 / variance, mean / variance, changes, watched, spells=ahead / square - 1)
