"""Runaway agents: a change of volume. Comes in: how often, how fast, how long. Goes out: usage nobody asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd

from forecast import ranges
from forecast.errors import ScenarioError
from forecast.panel import FloatArray
from forecast.periods import MONTH_DAYS
from forecast.ranges import Uncertain
from forecast.shown import short_repr
from scenarios.changes.arrivals import Arrivals, arrivals, laid
from scenarios.changes.base import Line, Stage, Step, checked, checked_where, key_of, label_of, told, told_where
from scenarios.changes.flows import CONSTANT, Flows, Scope, Term, flows_of, new_flows
from scenarios.changes.levers import volume_of
from scenarios.changes.scene import Scene
from scenarios.changes.spikes import MOST
from scenarios.changes.workload import checked_quantities


@dataclass(frozen=True, slots=True)
class Runaway:
    """Agents that loop until someone notices: a compound Poisson process of usage that nobody asked for.

    Loops come at a rate λ a month, or with a probability p of one or more in a month: λ = -ln(1 - p). One costs
    ``an hour's tokens · hours``, or ``an hour's money · hours``; the mean a month is ``λ · E[an hour's · hours]``. The
    rate is drawn once a path; hours and speed by each loop. Its requests are not counted as volume.

    Parameters
    ----------
    hours : number, between(low, high) or frozen scipy distribution
        From when a loop begins, at the start of a day, until it is stopped. A range is log-normal.
    tokens : mapping of numbers or ranges, optional
        Tokens an hour by billable unit; ``where`` must then choose one workload and one route.
    money : number, between(low, high) or frozen scipy distribution, optional
        Money an hour, in place of ``tokens``: a line beside usage.
    monthly : number, between(low, high) or frozen scipy distribution, optional
        Loops a month.
    probability : float, optional
        Of one or more in a month, in place of ``monthly``; below 1.
    where : mapping, optional
        Globs over any label column: where it happens.
    name : str, optional
    """

    __repr__ = short_repr

    stage: ClassVar[Stage] = "volume"
    step: ClassVar[Step] = "volume"
    drawn: ClassVar[Mapping[str, str]] = {"monthly": "rate", "hours": "", "tokens": "", "money": ""}

    hours: Uncertain
    tokens: Mapping[str, Uncertain] | None = None
    money: Uncertain | None = None
    monthly: Uncertain | None = None
    probability: float | None = None
    where: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None

    def __post_init__(self) -> None:
        """Check rate, speed and hours."""
        checked(self, "hours", "amount")
        if ranges.highest(self.hours) > 24 * MOST:
            raise ScenarioError(f"Runaway.hours = {told(self.hours, 'amount')}: wanted at most a year of them")
        if (self.tokens is None) == (self.money is None):
            raise ScenarioError("Runaway: give what an hour takes either as tokens= or as money=")
        if self.tokens is not None:
            checked_quantities(self, "tokens")
        checked(self, "money", "amount")
        if (self.monthly is None) == (self.probability is None):
            raise ScenarioError("Runaway: give how often either as monthly= (a rate) or as probability= (in a month)")
        checked(self, "monthly", "amount")
        if self.monthly is not None and ranges.highest(self.monthly) > MOST:
            raise ScenarioError(f"Runaway.monthly = {told(self.monthly, 'amount')}: wanted at most {MOST:g} a month")
        chance = self.probability
        if chance is not None and (
            isinstance(chance, bool) or not isinstance(chance, int | float) or not 0 <= chance < 1
        ):
            raise ScenarioError(f"Runaway.probability = {chance!r}: wanted a number from 0 to below 1, for a month")
        checked_where(self)

    @property
    def key(self) -> str:
        """Names the random numbers."""
        return key_of("runaway", self.name, self.where)

    def describe(self) -> str:
        """In plain words."""
        often = (
            f"{told(self.monthly, 'amount')} times a month"
            if self.monthly is not None
            else f"in a month with a probability of {self.probability:.0%}"
        )
        if self.money is not None:
            speed = f"{told(self.money, 'amount')} of money"
        else:
            assert self.tokens is not None
            speed = ", ".join(f"{told(value, 'amount')} {unit}" for unit, value in self.tokens.items())
        return (
            f"an agent of {told_where(self.where)} runs away {often}, at {speed} an hour for "
            f"{told(self.hours, 'amount')} hours"
        )

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Add what loops use."""
        rows = scene.matching(flows, self.where, what="Runaway.where")
        if self.tokens is None:
            return flows
        leg = flows.labels[volume_of(flows, rows)].drop_duplicates()
        if len(leg) > 1:
            named = [c for c in leg if c not in ("workload", "unit", "volume_unit")]
            told_legs = "; ".join(
                " ".join(f"{c}={v}" for c, v in zip(named, row, strict=True) if pd.notna(v))
                for row in leg[named].head(3).itertuples(index=False)
            )
            raise ScenarioError(
                f"Runaway.where chooses {len(leg)} workloads and routes ({told_legs}{' …' if len(leg) > 3 else ''}): a "
                "loop's tokens are of one; narrow it by environment, project, provider and model"
            )
        labels = leg.iloc[[0] * len(self.tokens)].reset_index(drop=True).assign(unit=list(self.tokens))
        scene.require_price(labels, what="Runaway")
        if self._never:
            return flows
        added = new_flows(labels, [CONSTANT] * len(labels), lanes=flows.lanes)
        come = self._loops(scene)
        length = come.each(self.hours, "amount", "hours") / 24.0
        for row, value in enumerate(self.tokens.values()):
            # One random number for all units: a loop that is fast is fast in all of them.
            speed = come.each(value, "amount", "speed") * 24.0
            added = added.times(np.array([row]), _used(come, length, speed, scene))
        return flows.joined(added)

    def lines(self, scene: Scene) -> list[Line]:
        """What loops cost, where they are told in money."""
        if self.money is None or self._never:
            return []
        flows = flows_of(scene.projection)
        chosen = flows.labels[scene.matching(flows, self.where, what="Runaway.where")]
        environments: list[object] = list(chosen["environment"].unique()) if "environment" in chosen else []
        environment = str(environments[0]) if len(environments) == 1 and environments[0] is not None else None
        come = self._loops(scene)
        length = come.each(self.hours, "amount", "hours") / 24.0
        daily = laid(come.day, length, come.each(self.money, "amount", "speed") * 24.0, len(scene.clock.daily))
        by_period = np.add.reduceat(daily, scene.clock.starts, axis=1)
        return [Line(label_of(self), environment, np.add.reduceat(by_period, scene.spans.starts, axis=1))]

    @property
    def _never(self) -> bool:
        return self.hours == 0 or self.monthly == 0 or self.probability == 0

    def _loops(self, scene: Scene) -> Arrivals:
        """When loops begin."""
        if self.monthly is not None:
            rate = scene.draw(self.key, self.monthly, "amount", "rate")
        else:
            assert self.probability is not None
            rate = np.full(scene.world.draws, -np.log1p(-self.probability))
        return arrivals(scene, self.key, "all", rate / MONTH_DAYS)


def _used(come: Arrivals, length: FloatArray, amount: FloatArray, scene: Scene) -> Term:
    clock = scene.clock

    def value(scope: Scope) -> FloatArray:
        at = scope.draws
        daily = laid(come.day[at], length[at], amount[at], len(clock.daily))
        return np.asarray(np.add.reduceat(daily, clock.starts, axis=1))

    return Term(value)
