"""Tokens a request: workloads come in, the factors on the trace's tokens and the cached shares of each day go out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from forecast.generator.organisation import Organisation
from forecast.generator.routing import Routes
from forecast.generator.streams import autoregression, settled, stream
from forecast.generator.workload import DAYS_A_MONTH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

#: What the tokens a request remember of yesterday's deviation.
PERSISTENCE: Final = 0.8
_CACHE_RAMP_DAYS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Intensity:
    """The log factors on context and output tokens a request, and their parts.

    Attributes
    ----------
    drift : float array (day, workload)
        The known part of context's log factor.
    walk, noise : float array (..., day, workload, 2)
        The lasting and the passing part of either, context first; ``noise`` is of unit variance.
    sd : float array (workload,)
        What ``noise`` is multiplied by.
    """

    drift: Floats
    walk: Floats
    noise: Floats
    sd: Floats

    def factors(self) -> Floats:
        """What multiplies the trace's tokens, float array (..., day, workload, 2)."""
        log = self.walk + self.sd[:, None] * self.noise
        log[..., 0] += self.drift
        return settled(np.exp(log))


def history(organisation: Organisation, seed: int) -> Intensity:
    """The intensity of the organisation's days."""
    days, keys = organisation.days, [w.key for w in organisation.workloads]
    drawn = fresh(organisation, keys, (days,), seed=seed, world="history")
    noise = np.stack([autoregression(drawn[..., part, 1], PERSISTENCE) for part in range(2)], axis=-1)
    walk = np.cumsum(drawn[..., 0] * _walk_sd(organisation)[:, None], axis=0)
    return Intensity(known_drift(organisation, 0, days), walk, noise, sds(organisation))


def future(past: Intensity, organisation: Organisation, day: int, *, days: int, draws: int, seed: int) -> Intensity:
    """``draws`` futures of ``days`` days after ``day``, from where the past stood."""
    keys = [w.key for w in organisation.workloads]
    drawn = fresh(organisation, keys, (draws, days), seed=seed, world=f"oracle {day}")
    noise = np.stack(
        [autoregression(drawn[..., part, 1], PERSISTENCE, past.noise[day, :, part]) for part in range(2)], axis=-1
    )
    walk = past.walk[day] + np.cumsum(drawn[..., 0] * _walk_sd(organisation)[:, None], axis=-3)
    return Intensity(known_drift(organisation, day + 1, days), walk, noise, past.sd)


def fresh(organisation: Organisation, keys: list[str], size: tuple[int, ...], *, seed: int, world: str) -> Floats:
    """Standard normals (..., day, workload, context or output, walk or noise)."""
    return np.stack([stream(seed, world, "tokens", key).standard_normal((*size, 2, 2)) for key in keys], axis=-3)


def known_drift(organisation: Organisation, first: int, days: int) -> Floats:
    """The trend of context's log factor, with its scale; float array (day, workload)."""
    month = (first + np.arange(days))[:, None] / DAYS_A_MONTH
    drift: Floats = month * np.array([w.tokens.drift for w in organisation.workloads])
    return drift


def sds(organisation: Organisation) -> Floats:
    """The day-to-day standard deviation of each workload's log factors."""
    return np.array([w.tokens.sd for w in organisation.workloads])


def _walk_sd(organisation: Organisation) -> Floats:
    return np.array([w.tokens.walk_sd for w in organisation.workloads]) / float(np.sqrt(DAYS_A_MONTH))


def scales(organisation: Organisation, routes: Routes) -> Floats:
    """Each route's fixed factor on context and output: its workload's times its model's; float array (route, 2)."""
    own = {m.name: (m.context, m.output) for m in organisation.models}
    work = [organisation.workloads[i].tokens for i in routes.workload]
    pairs = [(t.context * own[m][0], t.output * own[m][1]) for t, m in zip(work, routes.model, strict=True)]
    return np.array(pairs)


def cached(organisation: Organisation, routes: Routes, writes: NDArray[np.bool_], first: int, days: int) -> Floats:
    """The shares of context read from and written to a cache, float array (day, route, 2).

    A route whose model makes no charge for writing writes nothing that a bill would show.
    """
    shares = np.zeros((days, len(routes.model), 2))
    for j, i in enumerate(routes.workload):
        tokens = organisation.workloads[i].tokens
        ramp = np.ones(days)
        if tokens.cache_from is not None:
            age = first + np.arange(days) - (tokens.cache_from - organisation.start).days
            ramp = np.where(age < 0, 0.0, 1.0 - np.exp(-(age + 1.0) / _CACHE_RAMP_DAYS))
        shares[:, j, 0] = tokens.cache_read * ramp
        shares[:, j, 1] = tokens.cache_write * ramp * writes[j]
    return settled(shares)
