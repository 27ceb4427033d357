"""The oracle: a simulation and an as-of date come in, its futures go out, knowing all but what is still to happen.

It knows every parameter, the state of every process on the as-of date, and the rates of events. It does not know
what chance will bring after it: noise, bursts, steps, shocks, launches, retirements, price changes, and migrations
that have not begun. A later launch is not in its futures at all, since nothing of it was to be seen.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from forecast.errors import HorizonError
from forecast.generator import billing, dynamics, intensity, routing
from forecast.generator.organisation import Organisation
from forecast.generator.seasons import Calendar
from forecast.generator.simulation import Simulation, day_of, log_presence
from forecast.generator.streams import stream
from forecast.generator.tokens import trace
from forecast.generator.workload import DAYS_A_YEAR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_LARGEST: Final = float(np.log(1e9))
#: A successor's adoption takes this many days for its middle 80 %.
_ADOPTION_DAYS: Final = 45.0


@dataclass(frozen=True, slots=True)
class OraclePaths:
    """Futures that differ only by what nobody can know.

    Attributes
    ----------
    as_of : date
        The last day it knew.
    days : datetime64 array (day,)
    workloads : tuple of str
        ``project/environment``, the labels of the last axis.
    requests, tokens, cost : float array (draw, day, workload)
        Requests, tokens of all kinds, and their list cost in the currency.
    """

    as_of: dt.date
    days: NDArray[np.datetime64]
    workloads: tuple[str, ...]
    requests: Floats
    tokens: Floats
    cost: Floats


def futures(simulation: Simulation, as_of: dt.date, *, horizon: int, draws: int, seed: int) -> OraclePaths:
    """Draw ``draws`` futures of ``horizon`` days after ``as_of``.

    Raises
    ------
    HorizonError
        ``as_of`` lies outside the simulated days, or ``horizon`` or ``draws`` is below 1.
    """
    organisation = simulation.organisation
    day = day_of(organisation, as_of)
    if not 0 <= day < organisation.days:
        raise HorizonError(f"as_of {as_of} is not one of the simulated days {organisation.start}..{organisation.end}")
    for name, value in (("horizon", horizon), ("draws", draws)):
        if value < 1:
            raise HorizonError(f"{name} must be at least 1; got {value}")
    known = known_on(organisation, as_of)
    keys = [w.key for w in organisation.workloads]
    total = day + 1 + horizon
    calendar = Calendar(organisation.start, total, organisation.holidays)
    season = np.stack([calendar.log_factors(w.season) for w in known.workloads], axis=1)
    presence = np.stack([log_presence(known, w, total) for w in known.workloads], axis=1)
    unseen = ~np.isfinite(presence[: day + 1]).any(axis=0)
    presence = np.where(unseen, -np.inf, presence)

    parameters = dynamics.Dynamics.of(known)
    chance = dynamics.innovations(parameters, keys, (draws, horizon), seed=seed, world=f"oracle {day}")
    path = dynamics.advance(parameters, simulation.trajectory.state(day), chance)
    log_volume = path.log_volume((season + presence)[day + 1 :], parameters.loading)
    volume = np.exp(np.minimum(log_volume, _LARGEST))
    volume *= _survival(known, draws, horizon, day, seed)
    # Counts of requests are Poisson; their spread matters where they are few.
    requests = stream(seed, f"oracle {day}", "requests").poisson(volume).astype(np.float64)

    factors = intensity.future(simulation.intensity, known, day, days=horizon, draws=draws, seed=seed).factors()
    tokens, cost = _priced(simulation, known, day, requests=requests, factors=factors, seed=seed)
    return OraclePaths(as_of, calendar.days[day + 1 :], tuple(keys), requests, tokens, cost)


def known_on(organisation: Organisation, as_of: dt.date) -> Organisation:
    """The organisation without the dated events and retirements that come after ``as_of``."""
    workloads = tuple(
        replace(w, retirement=None) if w.retirement is not None and w.retirement > as_of else w
        for w in organisation.workloads
    )
    return replace(organisation, workloads=workloads, events=tuple(e for e in organisation.events if e.on <= as_of))


def _survival(organisation: Organisation, draws: int, horizon: int, day: int, seed: int) -> Floats:
    """What retirements at their hazard leave of each workload, float array (draw, day, workload)."""
    rate = organisation.hazards.retirement
    size = (draws, 1, len(organisation.workloads))
    if rate == 0:
        return np.ones(size)
    after = stream(seed, f"oracle {day}", "retirement").exponential(DAYS_A_YEAR / rate, size)
    past = np.arange(horizon)[:, None] - after
    wind_down = np.array([w.wind_down_days for w in organisation.workloads], dtype=np.float64)
    return np.clip(1.0 - past / wind_down, 0.0, 1.0)


def _priced(
    simulation: Simulation, known: Organisation, day: int, *, requests: Floats, factors: Floats, seed: int
) -> tuple[Floats, Floats]:
    """Tokens and list cost of ``requests`` (draw, day, workload), summed over routes."""
    routes = simulation.routes
    draws, horizon, _ = requests.shape
    scale = intensity.scales(known, routes) * trace().mean
    writes = billing.has_cache_writes(known, routes)
    cached = intensity.cached(known, routes, writes, day + 1, horizon)
    unit = billing.unit_prices(known, routes, day + 1)[day] / 1e12
    wander = routing.wandering_on(
        known, routes, simulation.wander[day], size=(draws, horizon), seed=seed, world=f"oracle {day}"
    )
    share = routing.shares(known, routes, wander, simulation.seed, first=day + 1, known=day)
    moves = _price_moves(known, routes, draws, horizon, day, seed)
    tokens, cost = np.zeros_like(requests), np.zeros_like(requests)
    for j, i in enumerate(routes.workload):
        sent = requests[..., i] * share[..., j]
        if not sent.any():
            continue
        context = sent * factors[..., i, 0] * scale[j, 0]
        output = sent * factors[..., i, 1] * scale[j, 1]
        read, written = cached[:, j, 0], cached[:, j, 1]
        context_price = (1 - read - written) * unit[j, 0] + read * unit[j, 1] + written * unit[j, 2]
        tokens[..., i] += context + output
        cost[..., i] += (context * context_price + output * unit[j, 3]) * moves[routes.model[j]]
    return tokens, cost


def _price_moves(
    organisation: Organisation, routes: routing.Routes, draws: int, horizon: int, day: int, seed: int
) -> dict[str, Floats]:
    """What price changes and cheaper successors may still do to each model's cost, float arrays (draw, day)."""
    hazards = organisation.hazards
    moves: dict[str, Floats] = {}
    for model in dict.fromkeys(routes.model):
        rng = stream(seed, f"oracle {day}", "price", model)
        factor = np.ones((draws, horizon))
        ahead = np.arange(horizon, dtype=np.float64)
        if hazards.price_change > 0:
            size = np.abs(rng.normal(hazards.price_size, hazards.price_size_sd, (draws, 1)))
            size = np.where(rng.random((draws, 1)) < hazards.price_up, size, -size)
            on = rng.exponential(DAYS_A_YEAR / hazards.price_change, (draws, 1))
            factor *= np.where(ahead >= on, np.exp(size), 1.0)
        if hazards.successor > 0:
            size = rng.normal(hazards.successor_price, hazards.successor_price_sd, (draws, 1))
            on = rng.exponential(DAYS_A_YEAR / hazards.successor, (draws, 1)) + _ADOPTION_DAYS
            curve = 0.5 + 0.5 * np.tanh((ahead - on) * float(np.log(9.0)) / _ADOPTION_DAYS)
            factor *= 1.0 + np.where(ahead >= on - _ADOPTION_DAYS, curve, 0.0) * (np.exp(size) - 1.0)
        moves[model] = factor
    return moves
