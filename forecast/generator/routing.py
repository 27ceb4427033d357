"""Routes: workloads and migrations come in, each route's share of its workload's requests on each day goes out."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from forecast.generator.organisation import Migration, Organisation
from forecast.generator.streams import autoregression, settled, stream
from forecast.generator.workload import Workload

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

#: A migration that moved less than this has not begun; one that moved all but this is over.
_EDGE: Final = 0.01
#: The width of the middle 80 % of a logistic curve, in units of its scale.
_MIDDLE: Final = float(2 * np.log(9.0))
#: The mix remembers this much of yesterday's deviation.
_PERSISTENCE: Final = 0.95


@dataclass(frozen=True, slots=True)
class Routes:
    """All routes of an organisation, one entry each.

    Attributes
    ----------
    workload : int array (route,)
        The index of the workload that a route belongs to; routes of a workload stand together.
    provider, model, service_tier : tuple of str
    weight : float array (route,)
        The share before migrations, relative to the workload's other routes.
    """

    workload: NDArray[np.int64]
    provider: tuple[str, ...]
    model: tuple[str, ...]
    service_tier: tuple[str, ...]
    weight: Floats

    @classmethod
    def of(cls, organisation: Organisation) -> Routes:
        """The routes that workloads name, and those that migrations will lead to."""
        rows: list[tuple[int, str, str, float]] = []
        for i, workload in enumerate(organisation.workloads):
            own = {(r.model, r.service_tier): r.share for r in workload.routes}
            for migration in organisation.migrations:
                if concerns(migration, workload):
                    for model, tier in list(own):
                        if model == migration.source:
                            own.setdefault((migration.target, tier), 0.0)
            rows.extend((i, model, tier, share) for (model, tier), share in own.items())
        return cls(
            np.array([r[0] for r in rows]),
            tuple(organisation.provider(r[1]) for r in rows),
            tuple(r[1] for r in rows),
            tuple(r[2] for r in rows),
            np.array([r[3] for r in rows]),
        )

    def index(self) -> dict[tuple[int, str, str], int]:
        """Where the route of a workload to a model and tier stands."""
        keys = zip(self.workload.tolist(), self.model, self.service_tier, strict=True)
        return {key: j for j, key in enumerate(keys)}

    def sums(self, values: Floats) -> Floats:
        """Sums over each workload's routes, (..., route) → (..., workload)."""
        first = np.flatnonzero(np.diff(self.workload, prepend=-1))
        return np.add.reduceat(values, first, axis=-1)


def concerns(migration: Migration, workload: Workload) -> bool:
    """Whether a migration takes place in this workload's project."""
    return not migration.projects or workload.project in migration.projects


def midpoint(migration: Migration, workload: Workload, seed: int) -> dt.date:
    """When half of what will move has moved in this workload."""
    lead = 0 if workload.environment == "production" else migration.lead_days
    early = stream(seed, "migration", migration.source, migration.target, workload.key).standard_normal()
    return migration.midpoint + dt.timedelta(round(early * migration.spread_days) - lead)


def moved(migration: Migration, middle: dt.date, start: dt.date, days: int) -> Floats:
    """The share that has moved by each of ``days`` days from ``start``, float array (day,)."""
    scale = migration.days / _MIDDLE
    curve = 0.5 + 0.5 * np.tanh((np.arange(days) - (middle - start).days) / (2 * scale))
    curve = np.where(curve < _EDGE, 0.0, np.where(curve > 1 - _EDGE, 1.0, curve))
    return settled(curve * migration.completeness)


def wandering(organisation: Organisation, routes: Routes, seed: int) -> Floats:
    """How far each route's log-odds are from its weight's, in units of ``mix_sd``; float array (day, route)."""
    if organisation.mix_sd == 0:
        return np.zeros((organisation.days, len(routes.weight)))
    return autoregression(_normals(organisation, routes, (organisation.days,), seed, "history"), _PERSISTENCE)


def wandering_on(
    organisation: Organisation, routes: Routes, start: Floats, *, size: tuple[int, int], seed: int, world: str
) -> Floats:
    """As :func:`wandering`, going on from ``start`` (route,): float array (draw, day, route) of ``size``."""
    if organisation.mix_sd == 0:
        return np.zeros((*size, len(routes.weight)))
    return autoregression(_normals(organisation, routes, size, seed, world), _PERSISTENCE, start)


def _normals(organisation: Organisation, routes: Routes, size: tuple[int, ...], seed: int, world: str) -> Floats:
    keys = [organisation.workloads[i].key for i in routes.workload]
    named = zip(keys, routes.model, routes.service_tier, strict=True)
    return np.stack([stream(seed, world, "mix", *name).standard_normal(size) for name in named], axis=-1)


def shares(
    organisation: Organisation, routes: Routes, wander: Floats, seed: int, *, first: int = 0, known: int | None = None
) -> Floats:
    """Each route's share of its workload, float array (..., day, route) like ``wander``; a workload's sum to 1.

    ``first`` is the index of the first day. Migrations that have moved nothing by day ``known`` do not begin. A model
    without a price yet has no share, nor does a migration move anything to it.
    """
    days = wander.shape[-2]
    available = _available(organisation, routes, first, days)
    raw = np.where(available, settled(np.exp(organisation.mix_sd * wander)) * routes.weight, 0.0)
    share = raw / np.maximum(routes.sums(raw), 1e-300)[..., routes.workload]
    index = routes.index()
    for migration in organisation.migrations:
        for (i, model, tier), j in index.items():
            workload = organisation.workloads[i]
            if model != migration.source or not concerns(migration, workload):
                continue
            middle = midpoint(migration, workload, seed)
            to = index[i, migration.target, tier]
            done = moved(migration, middle, organisation.start, first + days)
            if known is not None and done[known] == 0:
                continue
            going = share[..., j] * np.where(available[:, to], done[first:], 0.0)
            share[..., to] += going
            share[..., j] -= going
    return settled(share)


def _available(organisation: Organisation, routes: Routes, first: int, days: int) -> NDArray[np.bool_]:
    day = first + np.arange(days)[:, None]
    released = {
        model: (min(p.start for p in organisation.prices if p.model == model) - organisation.start).days
        for model in set(routes.model)
    }
    return day >= np.array([released[model] for model in routes.model])
