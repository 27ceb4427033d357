"""Steps, campaigns and retirements: changes of volume. Comes in: dates and a lift. Goes out: volume that moves then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd

from forecast.errors import ScenarioError
from forecast.panel import FloatArray
from forecast.ranges import Uncertain
from forecast.shown import short_repr
from scenarios.changes.base import (
    Day,
    Stage,
    checked,
    checked_day,
    checked_days,
    checked_probability,
    checked_term,
    checked_where,
    key_of,
    told,
    told_chance,
    told_from,
    told_where,
)
from scenarios.changes.base import Step as Effect
from scenarios.changes.flows import Flows
from scenarios.changes.grouping import grouped
from scenarios.changes.scene import Scene, by_draw


@dataclass(frozen=True, slots=True)
class Step:
    """Volume moves to another level on a date: a launch, a new customer, a team that leaves.

    The factor is ``1 + by · come``, where come rises in a straight line from 0 to 1 within ``ramp`` days. It multiplies
    what is forecast and what other changes make of it. Coin and lift are drawn once a path.

    Parameters
    ----------
    by : number, between(low, high) or frozen scipy distribution
        The lift: 0.5 is half as much again, 9 a tenfold launch, -0.2 a fifth less. A range is normal on log(1 + by).
    on : date, optional
        The first day; without one, from the first day that is forecast.
    ramp : float
        Days until it is whole.
    until : date, optional
        The last day; for good without one.
    probability : float
        That it happens at all.
    where : mapping, optional
        Globs over any label column: workloads, or routes such as ``{"region": "eu*"}``.
    per : str
        ``"all"``: one coin and lift for all it touches; ``"workload"`` or a column: one each.
    name : str, optional
    """

    __repr__ = short_repr

    stage: ClassVar[Stage] = "volume"
    step: ClassVar[Effect] = "volume"
    drawn: ClassVar[Mapping[str, str]] = {"by": "lift"}

    by: Uncertain
    on: Day | None = None
    ramp: float = 0.0
    until: Day | None = None
    probability: float = 1.0
    where: Mapping[str, str] = field(default_factory=dict)
    per: str = "all"
    name: str | None = None

    def __post_init__(self) -> None:
        """Check lift, dates and probability."""
        checked(self, "by", "relative")
        checked_term(self)
        checked_days(self, "ramp")
        checked_probability(self)
        checked_where(self)

    @property
    def key(self) -> str:
        """Names the random numbers."""
        return key_of("step", self.name, self.on, self.where)

    def describe(self) -> str:
        """In plain words."""
        when = told_from(self.on, self.ramp, self.until)
        return (
            f"volume of {told_where(self.where)} steps by {told(self.by, 'relative')}{when}"
            f"{told_chance(self.probability)}"
        )

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Step."""
        on, until = scene.date(self.on, "Step.on"), scene.date(self.until, "Step.until")
        profile = scene.clock.ramp(on, self.ramp, until)
        return _lifted(flows, scene, self, profile, per=self.per)


@dataclass(frozen=True, slots=True)
class Campaign:
    """Volume that is higher, or lower, for a season: a sale, a fair, a summer break.

    On each day from ``start`` to ``end`` the factor is ``1 + by``. It multiplies what is forecast: a campaign of every
    year that the history shows is in the forecast's own season already. Coin and lift are drawn once a path, for all of
    its years.

    Parameters
    ----------
    start, end : date
        First and last day.
    by : number, between(low, high) or frozen scipy distribution
        The lift: 0.5 is half as much again. A range is normal on log(1 + by).
    yearly : bool
        Whether it returns on the same days of every year after.
    probability : float
    where : mapping, optional
        Globs over any label column.
    per : str
        ``"all"``: one coin and lift for all it touches; ``"workload"`` or a column: one each.
    name : str, optional
    """

    __repr__ = short_repr

    stage: ClassVar[Stage] = "volume"
    step: ClassVar[Effect] = "volume"
    drawn: ClassVar[Mapping[str, str]] = {"by": "lift"}

    start: Day
    end: Day
    by: Uncertain
    yearly: bool = False
    probability: float = 1.0
    where: Mapping[str, str] = field(default_factory=dict)
    per: str = "all"
    name: str | None = None

    def __post_init__(self) -> None:
        """Check dates, lift and probability."""
        checked_term(self, ("start", "end"), needed=("start", "end"))
        if not isinstance(self.yearly, bool):
            raise ScenarioError(f"Campaign.yearly = {self.yearly!r}: wanted True or False")
        length = (pd.Timestamp(self.end) - pd.Timestamp(self.start)).days + 1
        if self.yearly and length > 365:
            raise ScenarioError(f"Campaign: {length} days do not fit into the year that it returns in; use Step")
        checked(self, "by", "relative")
        checked_probability(self)
        checked_where(self)

    @property
    def key(self) -> str:
        """Names the random numbers."""
        return key_of("campaign", self.name, self.start, self.where)

    def describe(self) -> str:
        """In plain words."""
        first, last = pd.Timestamp(self.start), pd.Timestamp(self.end)
        every = " and every year after" if self.yearly else ""
        return (
            f"volume of {told_where(self.where)} moves by {told(self.by, 'relative')} from {first:%Y-%m-%d} to "
            f"{last:%Y-%m-%d}{every}{told_chance(self.probability)}"
        )

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Lift the days of the campaign."""
        clock = scene.clock
        inside = np.zeros(len(clock.daily))
        years = clock.last.year - pd.Timestamp(self.start).year if self.yearly else 0
        for year in range(max(years, 0) + 1):
            first, last = (pd.Timestamp(d) + pd.DateOffset(years=year) for d in (self.start, self.end))
            inside[np.asarray((clock.daily >= first) & (clock.daily <= last))] = 1.0
        if not inside.any():
            raise ScenarioError(
                f"Campaign of {pd.Timestamp(self.start):%Y-%m-%d} to {pd.Timestamp(self.end):%Y-%m-%d}: lies outside "
                f"the days that are forecast, {clock.first:%Y-%m-%d} to {clock.last:%Y-%m-%d}"
            )
        return _lifted(flows, scene, self, clock.mean(inside), per=self.per)


@dataclass(frozen=True, slots=True)
class Retire:
    """A workload ends: its volume goes to 0 from a date, within some days.

    Parameters
    ----------
    where : mapping
        Globs over any label column: what ends.
    on : date
        The first day of the end.
    ramp : float
        Days until nothing is left.
    probability : float
        That it happens at all; drawn once a path.
    name : str, optional
    """

    __repr__ = short_repr

    stage: ClassVar[Stage] = "volume"
    step: ClassVar[Effect] = "volume"

    where: Mapping[str, str]
    on: Day
    ramp: float = 0.0
    probability: float = 1.0
    name: str | None = None

    def __post_init__(self) -> None:
        """Check what ends, and when."""
        checked_where(self)
        if not self.where:
            raise ScenarioError('Retire: say what ends: where={"project": "search"}')
        checked_day(self, "on", needed=True)
        checked_days(self, "ramp")
        checked_probability(self)

    @property
    def key(self) -> str:
        """Names the random numbers."""
        return key_of("retire", self.name, self.on, self.where)

    def describe(self) -> str:
        """In plain words."""
        return f"{told_where(self.where)} ends{told_from(self.on, self.ramp)}{told_chance(self.probability)}"

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Let it end."""
        profile = scene.clock.ramp(scene.date(self.on, "Retire.on"), self.ramp)
        rows = scene.demand(flows, self.where, what="Retire.where")
        if self.probability == 0:
            return flows
        ends = scene.coin(self.key, self.probability).astype("float64")
        return flows.times(rows, by_draw(-ends, profile))


def _lifted(flows: Flows, scene: Scene, change: Step | Campaign, profile: FloatArray, *, per: str) -> Flows:
    """Multiply the quantities of what a change touches by 1 + lift · profile (period,)."""
    what = type(change).__name__
    rows = scene.demand(flows, change.where, what=f"{what}.where")
    if change.probability == 0 or change.by == 0:
        return flows
    for name, mine in grouped(flows, rows, per, scene, what=what):
        happens = scene.coin(change.key, change.probability, name)
        lift = np.where(happens, scene.draw(change.key, change.by, "relative", "lift", name), 0.0)
        flows = flows.times(mine, by_draw(lift, profile))
    return flows
