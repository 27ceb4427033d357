"""The simulation: an organisation and a seed come in, every day's requests, tokens and money by route go out."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from forecast.generator import billing, dynamics, intensity, routing
from forecast.generator.organisation import COLUMNS, Organisation
from forecast.generator.seasons import Calendar
from forecast.generator.streams import settled, stream
from forecast.generator.tokens import token_sums
from forecast.generator.workload import Workload

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

#: A log volume is cut here: a billion requests a day of one workload.
_LARGEST: Final = float(np.log(1e9))


@dataclass(frozen=True, slots=True)
class Simulation:
    """What happened, as the organisation itself would know it.

    Attributes
    ----------
    organisation, seed
        What it was made from.
    routes : Routes
    calendar : Calendar
    trajectory : Trajectory
        The volume process, arrays (day, workload).
    steps : float array (day, workload)
        Log sizes of the level shifts that chance brought.
    shocks : float array (day,)
        Log sizes of the shared shocks on the day they began.
    season : float array (day, workload)
        The log calendar factor.
    presence : float array (day, workload)
        The log of launch ramp, wind-down and dated events; −inf where the workload is not live.
    intensity : Intensity
    wander, shares : float array (day, route)
        How far the routes' log-odds wandered, and the shares of their workload that came of it.
    requests : int array (day, route)
        As the export holds them: less what is late or lost.
    tokens : int array (day, route, kind)
        Input, cache read, cache write, output.
    bill : Bill
    reported : bool array (day, route)
        False where the export lost the row.
    """

    organisation: Organisation
    seed: int
    routes: routing.Routes
    calendar: Calendar
    trajectory: dynamics.Trajectory
    steps: Floats
    shocks: Floats
    season: Floats
    presence: Floats
    intensity: intensity.Intensity
    wander: Floats
    shares: Floats
    requests: Ints
    tokens: Ints
    bill: billing.Bill
    reported: NDArray[np.bool_]


def simulate(organisation: Organisation, seed: int) -> Simulation:
    """Run the organisation's days once."""
    keys = [w.key for w in organisation.workloads]
    calendar = Calendar(organisation.start, organisation.days, organisation.holidays)
    season = np.stack([calendar.log_factors(w.season) for w in organisation.workloads], axis=1)
    presence = np.stack([log_presence(organisation, w) for w in organisation.workloads], axis=1)
    parameters = dynamics.Dynamics.of(organisation)
    chance = dynamics.innovations(parameters, keys, (organisation.days,), seed=seed, world="history")
    level = np.log(np.array([w.level for w in organisation.workloads]))
    trajectory = dynamics.advance(parameters, dynamics.first_state(parameters, level, chance), chance)
    log_volume = trajectory.log_volume(season + presence, parameters.loading)
    volume = settled(np.exp(np.minimum(log_volume, _LARGEST)))

    routes = routing.Routes.of(organisation)
    wander = routing.wandering(organisation, routes, seed)
    shares = routing.shares(organisation, routes, wander, seed)
    reported = _reported(organisation, routes)
    mean = settled(volume[:, routes.workload] * shares * _late(organisation)[:, None])
    requests = np.where(reported, _counts(organisation, routes, mean, seed), 0)
    past = intensity.history(organisation, seed)
    tokens = _tokens(organisation, routes, requests, past, seed)
    return Simulation(
        organisation=organisation,
        seed=seed,
        routes=routes,
        calendar=calendar,
        trajectory=trajectory,
        steps=chance.step,
        shocks=chance.shock,
        season=season,
        presence=presence,
        intensity=past,
        wander=wander,
        shares=shares,
        requests=requests,
        tokens=tokens,
        bill=billing.bill(organisation, routes, tokens),
        reported=reported,
    )


def log_presence(organisation: Organisation, workload: Workload, days: int | None = None) -> Floats:
    """The log of a workload's launch ramp, wind-down and dated events, float array (day,); −inf where not live."""
    days = organisation.days if days is None else days
    day = np.arange(days, dtype=np.float64)
    ramp = np.ones(days)
    if workload.launch is not None:
        age = day - (workload.launch - organisation.start).days
        ramp = np.where(age < 0, 0.0, 1.0 - np.exp(-(np.maximum(age, 0.0) + 1.0) / workload.ramp_days))
    if workload.retirement is not None:
        past = day - (workload.retirement - organisation.start).days
        ramp *= np.clip(1.0 - past / workload.wind_down_days, 0.0, 1.0)
    for event in organisation.events:
        if event.touches(workload):
            first = (event.on - organisation.start).days
            last = first + event.days if event.kind == "spike" else days
            ramp[max(first, 0) : max(last, 0)] *= event.factor
    with np.errstate(divide="ignore"):
        return np.log(ramp)


def _late(organisation: Organisation) -> Floats:
    share = np.ones(organisation.days)
    if organisation.late:
        share[-len(organisation.late) :] = organisation.late[-organisation.days :]
    return share


def _reported(organisation: Organisation, routes: routing.Routes) -> NDArray[np.bool_]:
    reported = np.ones((organisation.days, len(routes.model)), dtype=bool)
    for gap in organisation.gaps:
        first = (gap.on - organisation.start).days
        lost = [
            gap.provider in (None, provider) and gap.project in (None, organisation.workloads[i].project)
            for i, provider in zip(routes.workload, routes.provider, strict=True)
        ]
        reported[max(first, 0) : max(first + gap.days, 0), np.array(lost)] = False
    return reported


def _counts(organisation: Organisation, routes: routing.Routes, mean: Floats, seed: int) -> Ints:
    """Poisson numbers of requests around their mean, int array (day, route)."""
    counts = np.empty(mean.shape, dtype=np.int64)
    for j, name in enumerate(_route_names(organisation, routes)):
        counts[:, j] = stream(seed, "history", "requests", *name).poisson(mean[:, j])
    return counts


def _tokens(
    organisation: Organisation, routes: routing.Routes, requests: Ints, past: intensity.Intensity, seed: int
) -> Ints:
    """The tokens that the requests took, int array (day, route, kind)."""
    factor = past.factors()[:, routes.workload, :] * intensity.scales(organisation, routes)
    sums = np.stack(
        [
            token_sums(requests[:, j], stream(seed, "history", "trace", *name))
            for j, name in enumerate(_route_names(organisation, routes))
        ],
        axis=1,
    )
    whole = np.rint(sums * factor).astype(np.int64)
    writes = billing.has_cache_writes(organisation, routes)
    share = intensity.cached(organisation, routes, writes, 0, organisation.days)
    read = np.rint(whole[..., 0] * share[..., 0]).astype(np.int64)
    written = np.rint(whole[..., 0] * share[..., 1]).astype(np.int64)
    return np.stack([whole[..., 0] - read - written, read, written, whole[..., 1]], axis=-1)


def _route_names(organisation: Organisation, routes: routing.Routes) -> list[tuple[str, str, str]]:
    return [
        (organisation.workloads[i].key, model, tier)
        for i, model, tier in zip(routes.workload, routes.model, routes.service_tier, strict=True)
    ]


def export(simulation: Simulation) -> pd.DataFrame:
    """The rows that the organisation's export would hold, in canonical columns; quantities are floats.

    A row a day, workload and route with requests, then the credits. Zeros are written only if asked, and only while
    a workload is live and the model is in its mix.
    """
    import pandas as pd

    organisation, routes = simulation.organisation, simulation.routes
    written = simulation.requests > 0
    if organisation.write_zeros:
        live = np.isfinite(simulation.presence)[:, routes.workload]
        written |= live & (simulation.shares > 0) & simulation.reported
    day, route = np.nonzero(written)
    work = [organisation.workloads[i] for i in routes.workload]

    def text(values: list[str | None]) -> pd.Series:
        kinds = pd.Categorical(values)
        return pd.Series(pd.Categorical.from_codes(kinds.codes[route], categories=kinds.categories)).astype("str")

    tokens = simulation.tokens[day, route].astype(np.float64)
    rows = pd.DataFrame(
        {
            "date": simulation.calendar.days[day].astype("datetime64[us]"),
            "provider": text(list(routes.provider)),
            "model": text(list(routes.model)),
            "environment": text([w.environment for w in work]),
            "project": text([w.project for w in work]),
            "department": text([w.department for w in work]),
            "service_tier": text(list(routes.service_tier)),
            "requests": simulation.requests[day, route].astype(np.float64),
            **{f"{kind}_tokens": tokens[:, k] for k, kind in enumerate(billing.KINDS)},
            "billed_cost": simulation.bill.billed_cost[day, route] / 100.0,
            "list_cost": simulation.bill.list_cost[day, route] / 10_000.0,
            "currency": organisation.currency,
            "charge_category": "usage",
        }
    )
    given = [c for c in organisation.credits if organisation.start <= c.on <= organisation.end]
    if given:
        back = pd.DataFrame(
            {
                "date": pd.to_datetime([c.on for c in given]).astype("datetime64[us]"),
                "provider": [c.provider for c in given],
                "billed_cost": [-float(c.amount) for c in given],
                "currency": organisation.currency,
                "charge_category": "credit",
            }
        )
        rows = pd.concat([rows, back], ignore_index=True)
    return rows[list(COLUMNS)]


def day_of(organisation: Organisation, date: dt.date) -> int:
    """The index of a date among the organisation's days."""
    return (date - organisation.start).days
