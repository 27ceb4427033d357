"""How often prices change, and which way. Comes in: changes and SKU-years by provider. Goes out: posteriors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from forecast.panel import FloatArray

#: Where the mean rate (changes a SKU-year) and the years of watching that the other providers are worth may lie.
#: The prior is even on the log of each.
_MEANS: Final = (1e-3, 10.0)
_WORTHS: Final = (1.0, 300.0)
_STEPS: Final = 121
#: Changes that the other providers' share of rises is worth to one provider.
PRIOR_CHANGES: Final = 4.0


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate of change that is known up to a Gamma law: λ ~ Gamma(shape, years), in changes a SKU-year.

    Attributes
    ----------
    shape, years : float
        Mean shape / years and variance shape / years².
    changes : int
        Changes seen.
    watched : float
        SKU-years in which they were seen.
    """

    shape: float
    years: float
    changes: int
    watched: float

    @property
    def mean(self) -> float:
        """The expected rate."""
        return self.shape / self.years

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


def pooled_rate(changes: int, watched: float) -> Rate:
    """The rate of all that was watched as if it were one: Gamma(n + ½, E), by Jeffreys' prior."""
    return Rate(changes + 0.5, watched, changes, watched)


def shrunk_rates(changes: Sequence[int], watched: Sequence[float]) -> Rates:
    """Each provider's rate, drawn to the others' by how little it was watched.

    n_i ~ Poisson(λ_i E_i), λ_i ~ Gamma(κ m, κ), with log m and log κ even over wide bounds: given them
    λ_i ~ Gamma(κ m + n_i, κ + E_i), a mean of the common rate m and of the provider's own n_i / E_i with weights
    κ and E_i. κ and m are averaged over a grid by their negative-binomial likelihood, and the mixture that results is
    told by the Gamma law of the same mean and variance (Gelman et al., Bayesian Data Analysis, 3rd ed., ch. 2.7
    and 5.1).

    Parameters
    ----------
    changes, watched : sequences (provider,)
        Changes n, and SKU-years E.
    """
    from scipy.special import gammaln

    n, years = np.asarray(changes, dtype="float64"), np.asarray(watched, dtype="float64")
    mean = np.geomspace(*_MEANS, _STEPS)[:, None, None]
    worth = np.geomspace(*_WORTHS, _STEPS)[None, :, None]
    shape = worth * mean
    likelihood = gammaln(shape + n) - gammaln(shape) + shape * np.log(worth) - (shape + n) * np.log(worth + years)
    log_weight = likelihood.sum(axis=2)
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    own = tuple(
        Rate(*_same_moments(shape[:, :, 0] + n[i], worth[:, :, 0] + years[i], weight), int(n[i]), float(years[i]))
        for i in range(len(n))
    )
    other = Rate(*_same_moments(shape[:, :, 0], worth[:, :, 0] + 0 * mean[:, :, 0], weight), 0, 0.0)
    return Rates(own, other)


def share_of_rises(ups: int, downs: int, prior: Share | None = None) -> Share:
    """The share of rises: Beta(u + ½, d + ½) alone; with the others' share p as a prior, Beta(4p + u, 4(1 - p) + d)."""
    if prior is None:
        return Share(ups + 0.5, downs + 0.5)
    return Share(PRIOR_CHANGES * prior.mean + ups, PRIOR_CHANGES * (1 - prior.mean) + downs)


def _same_moments(shape: FloatArray, years: FloatArray, weight: FloatArray) -> tuple[float, float]:
    """Shape and years of the Gamma law with the mean and variance of a mixture of Gamma laws."""
    means = shape / years
    mean = float((weight * means).sum())
    variance = float((weight * (shape / years**2 + means**2)).sum()) - mean**2
    return mean**2 / variance, mean / variance
