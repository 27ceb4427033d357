"""What was generated, with the truth behind it: a simulation comes in, usage, true parameters and an oracle go out."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from forecast.generator import billing, intensity, oracle, routing
from forecast.generator.organisation import Organisation
from forecast.generator.simulation import Simulation
from forecast.generator.tokens import trace
from forecast.usage import Usage

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, repr=False)
class Generated:
    """Generated usage with the true parameters that it came from.

    Attributes
    ----------
    usage : Usage
        What an export would show.
    seed : int
    organisation : Organisation
        Every parameter in full: workloads, models, dated prices, migrations, events, gaps, hazards.
    simulation : Simulation
        The processes day by day, as arrays.
    """

    usage: Usage
    seed: int
    organisation: Organisation
    simulation: Simulation

    @property
    def days(self) -> NDArray[np.datetime64]:
        """The days, datetime64 array (day,)."""
        return self.simulation.calendar.days

    @property
    def workloads(self) -> tuple[str, ...]:
        """``project/environment``: the labels of the workload axis."""
        return tuple(w.key for w in self.organisation.workloads)

    @property
    def level(self) -> NDArray[np.float64]:
        """The log of requests on a plain working day: level, growth, steps so far; float array (day, workload).

        Launch ramps, wind-downs and dated events are in it; a workload that is not live has −inf.
        """
        return self.simulation.trajectory.level + self.simulation.presence

    @property
    def season(self) -> NDArray[np.float64]:
        """The log of each day's calendar factor, float array (day, workload)."""
        return self.simulation.season

    @property
    def expected_requests(self) -> NDArray[np.float64]:
        """Requests without noise, bursts and shocks, float array (day, workload): exp(level + season)."""
        return np.exp(self.level + self.season)

    @property
    def expected_tokens(self) -> NDArray[np.float64]:
        """Tokens of all kinds at the expected requests and true intensity, float array (day, workload)."""
        return self._expected(priced=False)

    @property
    def expected_cost(self) -> NDArray[np.float64]:
        """List cost in the currency of the expected tokens, float array (day, workload)."""
        return self._expected(priced=True)

    def _expected(self, *, priced: bool) -> NDArray[np.float64]:
        organisation, simulation = self.organisation, self.simulation
        routes, days = simulation.routes, organisation.days
        sent = self.expected_requests[:, routes.workload] * simulation.shares
        means = simulation.intensity.factors()[:, routes.workload] * intensity.scales(organisation, routes)
        each = sent[..., None] * means * trace().mean
        if not priced:
            return routes.sums(each.sum(axis=-1))
        writes = billing.has_cache_writes(organisation, routes)
        cached = intensity.cached(organisation, routes, writes, 0, days)
        kinds = np.stack([1.0 - cached.sum(axis=-1), cached[..., 0], cached[..., 1]], axis=-1)
        unit = billing.unit_prices(organisation, routes) / 1e12
        return routes.sums(each[..., 0] * (kinds * unit[..., :3]).sum(axis=-1) + each[..., 1] * unit[..., 3])

    def parameters(self) -> pd.DataFrame:
        """One row a workload: its identity, level (requests a day), log growth a month, noise and burst parameters."""
        import pandas as pd

        rows = [
            {
                "workload": w.key,
                "environment": w.environment,
                "project": w.project,
                "department": w.department,
                "level": w.level,
                "growth": w.growth,
                **{name: getattr(w.noise, name) for name in w.noise.__dataclass_fields__},
                "launch": w.launch,
                "retirement": w.retirement,
            }
            for w in self.organisation.workloads
        ]
        return pd.DataFrame(rows).astype({"launch": "datetime64[us]", "retirement": "datetime64[us]"})

    def events(self) -> pd.DataFrame:
        """Every dated event: columns ``date``, ``kind``, ``what`` (workload, model, provider or all), ``factor``.

        Launches, retirements, spikes, steps (planned, and by chance), shared shocks, price changes (factor of the
        input price), migrations, gaps and credits; ``factor`` is null where none applies.
        """
        import pandas as pd

        organisation, simulation = self.organisation, self.simulation
        rows: list[tuple[dt.date, str, str, float | None]] = []
        for w in organisation.workloads:
            rows += [(on, kind, w.key, None) for on, kind in ((w.launch, "launch"), (w.retirement, "retirement")) if on]
        for event in organisation.events:
            rows.append((event.on, event.kind, f"{event.project or '*'}/{event.environment or '*'}", event.factor))
        live = np.isfinite(simulation.presence) & (simulation.steps != 0)
        for day, i in zip(*np.nonzero(live), strict=True):
            size = float(np.exp(simulation.steps[day, i]))
            rows.append((organisation.start + dt.timedelta(int(day)), "step", organisation.workloads[i].key, size))
        for day in np.flatnonzero(simulation.shocks):
            size = float(np.exp(simulation.shocks[day]))
            rows.append((organisation.start + dt.timedelta(int(day)), "shock", "all", size))
        for model in organisation.models:
            dated = sorted((p for p in organisation.prices if p.model == model.name), key=lambda p: p.start)
            for before, after in itertools.pairwise(dated):
                rows.append((after.start, "price change", model.name, float(after.input / before.input)))
        rows += [(m.midpoint, "migration", f"{m.source} → {m.target}", m.completeness) for m in organisation.migrations]
        rows += [(g.on, "gap", g.provider or g.project or "all", None) for g in organisation.gaps]
        rows += [(c.on, "credit", c.provider, None) for c in organisation.credits]
        table = pd.DataFrame(rows, columns=["date", "kind", "what", "factor"]).astype({"date": "datetime64[us]"})
        return table.sort_values(["date", "kind", "what"], ignore_index=True)

    def migrations(self) -> pd.DataFrame:
        """Each workload's part in each migration: ``workload, source, target, midpoint, days, completeness``."""
        import pandas as pd

        routes = self.simulation.routes
        sent = set(zip(routes.workload.tolist(), routes.model, strict=True))
        rows = [
            (w.key, m.source, m.target, routing.midpoint(m, w, self.seed), m.days, m.completeness)
            for m in self.organisation.migrations
            for i, w in enumerate(self.organisation.workloads)
            if routing.concerns(m, w) and (i, m.source) in sent
        ]
        columns = ["workload", "source", "target", "midpoint", "days", "completeness"]
        return pd.DataFrame(rows, columns=columns).astype({"midpoint": "datetime64[us]"})

    def prices(self) -> pd.DataFrame:
        """The dated price table: money per million tokens as Decimal, by ``provider, model, start, unit``."""
        import pandas as pd

        rows = [
            (self.organisation.provider(p.model), p.model, p.start, f"{kind}_tokens", getattr(p, kind))
            for p in self.organisation.prices
            for kind in billing.KINDS
            if getattr(p, kind) is not None
        ]
        columns = ["provider", "model", "start", "unit", "price"]
        return pd.DataFrame(rows, columns=columns).astype({"start": "datetime64[us]"})

    def oracle(self, as_of: dt.date | str, *, horizon: int, draws: int = 500, seed: int = 0) -> oracle.OraclePaths:
        """Futures after ``as_of`` by one who knows level, growth and event rates, but no future event.

        Parameters
        ----------
        as_of : date or ISO text
            The last day it knows, one of :attr:`days`.
        horizon : int
            Days ahead.
        draws, seed : int
            Futures to draw, and the seed of what chance does in them.

        Returns
        -------
        OraclePaths
            Requests, tokens and list cost, float arrays (draw, day, workload).

        Raises
        ------
        HorizonError
            ``as_of`` is not one of the days, or ``horizon`` or ``draws`` is below 1.
        """
        day = dt.date.fromisoformat(as_of) if isinstance(as_of, str) else as_of
        return oracle.futures(self.simulation, day, horizon=horizon, draws=draws, seed=seed)

    def __repr__(self) -> str:
        """One line: the organisation, the seed and the usage."""
        return f"Generated({self.organisation.name!r}, seed={self.seed}, {self.usage!r})"


def csv_bytes(usage: Usage) -> bytes:
    """The usage as CSV, in bytes that depend on its values alone.

    UTF-8, LF, a header of canonical names; dates as 2026-01-31, numbers in the fewest digits that give them back,
    whole ones without a point, blank where unknown.
    """
    import pandas as pd

    table = usage.frame.copy()
    table["date"] = table["date"].dt.strftime("%Y-%m-%d")
    for name in table.columns:
        column = table[name]
        if pd.api.types.is_float_dtype(column.dtype) and bool((column.dropna() % 1 == 0).all()):
            table[name] = column.astype("Int64")
    return table.to_csv(index=False, lineterminator="\n").encode()


def sha256(usage: Usage) -> str:
    """The SHA-256 of :func:`csv_bytes`, in hexadecimal."""
    return hashlib.sha256(csv_bytes(usage)).hexdigest()
