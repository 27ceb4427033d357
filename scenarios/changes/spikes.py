"""Spikes of volume: a change of volume. Comes in: how often and how high. Goes out: days that are lifted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final

import numpy as np

from forecast import ranges
from forecast.errors import ScenarioError
from forecast.panel import FloatArray
from forecast.projection import Projection
from forecast.ranges import Uncertain
from scenarios.changes.adoption import YEAR_DAYS
from scenarios.changes.arrivals import Arrivals, arrivals, laid
from scenarios.changes.base import Stage, Step, checked, checked_where, key_of, told, told_where
from scenarios.changes.clock import Clock
from scenarios.changes.flows import Flows, Scope, Term
from scenarios.changes.grouping import grouped
from scenarios.changes.matching import matching
from scenarios.changes.scene import Scene

#: More events a year than this are no spikes, but how a workload behaves.
MOST: Final = 366.0


@dataclass(frozen=True, slots=True)
class GammaRate:
    """A rate a year as far as a count tells it: gamma with shape ``count + 1/2`` and rate ``years``.

    The posterior of a Poisson rate under Jeffreys' prior (Jeffreys 1946, doi:10.1098/rspa.1946.0056).

    Parameters
    ----------
    count : int
        Events seen.
    years : float
        Over how long.
    """

    count: int
    years: float

    def ppf(self, q: FloatArray) -> FloatArray:
        """Rates at probabilities ``q``."""
        from scipy.special import gammaincinv

        return np.asarray(gammaincinv(self.count + 0.5, q) / self.years)

    def __repr__(self) -> str:
        """As a reader says it."""
        low, high = self.ppf(np.array([0.1, 0.9]))
        return f"{low:.2f} to {high:.2f} (P10-P90; {self.count} seen in {self.years:.1f} years of workloads)"


@dataclass(frozen=True, slots=True)
class Seen:
    """Values that were seen, each as likely as the other.

    Parameters
    ----------
    values : tuple of float
    """

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        """Sort them."""
        object.__setattr__(self, "values", tuple(sorted(map(float, self.values))))

    def ppf(self, q: FloatArray) -> FloatArray:
        """The value at probabilities ``q``."""
        at = np.minimum(np.floor(np.asarray(q) * len(self.values)), len(self.values) - 1)
        return np.asarray(self.values)[at.astype(np.intp)]

    def __repr__(self) -> str:
        """As a reader says it."""
        return f"{self.values[0]:,.2f} to {self.values[-1]:,.2f} ({len(self.values)} seen)"


@dataclass(frozen=True, slots=True)
class Spikes:
    """Days of far more volume, that come at random: a compound Poisson process.

    Spikes come at a rate λ a year; one lifts volume to ``1 + by`` for ``days`` days, and those that overlap add up.
    Over T years the mean number of extra days' volumes is ``λ T E[by · days]``, and its variance for a known λ
    ``λ T E[(by · days)²]``, but for spikes that the end cuts. The rate is drawn once a path; when each comes, how high
    and how long, by each spike.

    Parameters
    ----------
    rate : number, between(low, high) or frozen scipy distribution
        Spikes a year.
    by : number, between(low, high) or frozen scipy distribution
        The lift of a day: 2 is three times its volume. A range is log-normal.
    days : number, between(low, high) or frozen scipy distribution
        How long one lasts, in whole days, at least 1.
    where : mapping, optional
        Globs over any label column.
    per : str
        Whose spikes come together: ``"all"``, ``"workload"`` (each has its own), or a column.
    name : str, optional
    """

    stage: ClassVar[Stage] = "volume"
    step: ClassVar[Step] = "volume"
    drawn: ClassVar[Mapping[str, str]] = {"by": "", "days": ""}

    rate: Uncertain
    by: Uncertain
    days: Uncertain = 1.0
    where: Mapping[str, str] = field(default_factory=dict)
    per: str = "all"
    name: str | None = None

    def __post_init__(self) -> None:
        """Check rate, lift and length."""
        for name in ("rate", "by", "days"):
            checked(self, name, "amount")
        if ranges.highest(self.rate) > MOST:
            raise ScenarioError(f"Spikes.rate = {told(self.rate, 'amount')} a year: wanted at most {MOST:g}; use Step")
        if ranges.least(self.days) < 1 or ranges.highest(self.days) > MOST:
            raise ScenarioError(f"Spikes.days = {told(self.days, 'amount')}: wanted whole days, 1 to {MOST:g}")
        checked_where(self)

    @classmethod
    def fitted(
        cls, projection: Projection, *, where: Mapping[str, str] | None = None, name: str | None = None
    ) -> Spikes:
        """The spikes that cleaning took out of the history, which the forecast so knows nothing of.

        The rate is a gamma with shape n + 1/2 of their number n over the years that all workloads were observed, lifts
        and lengths are those seen; each workload has its own. Spikes that cleaning left where they were, since they
        recur, are in the forecast's band already and are not counted.

        Parameters
        ----------
        projection : Projection
            Of daily usage, cleaned.
        where : mapping, optional
            Globs over workload columns: whose spikes.
        name : str, optional

        Raises
        ------
        ScenarioError
            Nothing was cleaned, or no spike was taken out.
        """
        if projection.cleaned is None or projection.usage.grain == "month":
            raise ScenarioError("Spikes.fitted: needs daily usage, projected with cleaning; else give rate= and by=")
        globs = dict(where or {})
        own = projection.workloads.drop(columns="volume_unit")
        mine = matching(own, globs, what="Spikes.fitted: where", error="the workloads")
        panel, log = projection.cleaned.panel, projection.cleaned.log
        names = {series for series, hit in zip(panel.series, mine, strict=True) if hit}
        out = log[(log["kind"] == "spike") & (log["action"] == "excluded") & log["series"].isin(names)]
        lift = (out["value"] / out["expected"] - 1.0).to_numpy(dtype="float64")
        known = np.isfinite(lift) & (lift > 0)
        if not known.any():
            raise ScenarioError(
                "Spikes.fitted: cleaning took no spike out of the history (projection.cleaned.log), so the forecast "
                "holds what there was; give rate= and by= to plan for more"
            )
        length = ((out["end"] - out["start"]).dt.days + 1).to_numpy(dtype="float64")
        years = float(np.isfinite(projection.drivers.volume[:, mine]).sum()) / YEAR_DAYS
        rate = GammaRate(int(known.sum()), years)
        return cls(rate, Seen(tuple(lift[known])), Seen(tuple(length[known])), where=globs, per="workload", name=name)

    @property
    def key(self) -> str:
        """Names the random numbers."""
        return key_of("spikes", self.name, self.where)

    def describe(self) -> str:
        """In plain words."""
        shared = "" if self.per == "all" else f", each {self.per} by itself"
        long = "a day" if self.days == 1 else f"{told(self.days, 'amount')} days"
        return (
            f"volume of {told_where(self.where)} spikes {told(self.rate, 'amount')} times a year, by "
            f"{told(self.by, 'amount')} times its level on top for {long}{shared}"
        )

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Lift days."""
        rows = scene.demand(flows, self.where, what="Spikes.where")
        if self.rate == 0 or self.by == 0:
            return flows
        rate = scene.draw(self.key, self.rate, "amount", "rate") / YEAR_DAYS
        for name, mine in grouped(flows, rows, self.per, scene, what="Spikes"):
            come = arrivals(scene, self.key, name, rate)
            lift = come.each(self.by, "amount", "lift")
            length = np.maximum(np.rint(come.each(self.days, "amount", "days")), 1.0)
            flows = flows.times(mine, _lifts(come, lift, length, scene.clock))
        return flows


def _lifts(come: Arrivals, lift: FloatArray, length: FloatArray, clock: Clock) -> Term:
    def value(scope: Scope) -> FloatArray:
        at = scope.draws
        return 1.0 + clock.mean(laid(come.day[at], length[at], lift[at], len(clock.daily)))

    return Term(value)
