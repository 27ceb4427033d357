"""A new workload: a change of volume. Comes in: users, requests, tokens. Goes out: usage that was not there before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from forecast import schema
from forecast.errors import ScenarioError, nearest, one_of
from forecast.panel import FloatArray
from forecast.periods import MONTH_DAYS
from forecast.ranges import Uncertain
from forecast.shown import short_repr
from scenarios.changes.base import (
    Day,
    Stage,
    Step,
    checked,
    checked_days,
    checked_probability,
    checked_term,
    checked_where,
    key_of,
    known_as,
    told,
    told_chance,
    told_from,
)
from scenarios.changes.flows import CONSTANT, VOLUME, Flows, Scope, Term, new_flows
from scenarios.changes.growth import checked_rate
from scenarios.changes.scene import Scene, by_path


@dataclass(frozen=True, slots=True)
class NewWorkload:
    """A workload that the history does not know, from what drives it.

    On each day it sends ``users · requests_per_user · (1 + growth) ** months · come`` requests, months since ``on`` and
    come rising in a straight line from 0 to 1 within ``ramp`` days, of ``tokens`` each. It has no week: a day is a mean
    day. Everything is drawn once a path. Its volume is stated in all: no other total growth may meet it.

    Parameters
    ----------
    model, provider : str
        Where its requests go.
    users : number, between(low, high) or frozen scipy distribution
        How many use it when the ramp is over. A range is log-normal.
    requests_per_user : number, between(low, high) or frozen scipy distribution
        Requests a user and day.
    tokens : mapping of numbers or ranges
        Quantity a request by billable unit: ``{"input_tokens": between(800, 2000), "output_tokens": 300}``.
    project, environment : str, optional
        Whose it is.
    labels : mapping, optional
        Its other labels: ``{"department": "product", "service_tier": "batch"}``.
    on : date, optional
        The first day; without one, the first that is forecast.
    ramp : float
        Days until all users are there.
    until : date, optional
        The last day.
    growth : number, between(low, high) or frozen scipy distribution
        Compound growth a month from ``on``.
    probability : float
        That it comes at all.
    name : str, optional
    """

    __repr__ = short_repr

    stage: ClassVar[Stage] = "volume"
    step: ClassVar[Step] = "volume"
    drawn: ClassVar[Mapping[str, str]] = {"tokens": "tokens.*"}

    model: str
    provider: str
    users: Uncertain
    requests_per_user: Uncertain
    tokens: Mapping[str, Uncertain]
    project: str | None = None
    environment: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    on: Day | None = None
    ramp: float = 0.0
    until: Day | None = None
    growth: Uncertain = 0.0
    probability: float = 1.0
    name: str | None = None

    def __post_init__(self) -> None:
        """Check drivers and dates."""
        for name in ("model", "provider"):
            if not isinstance(getattr(self, name), str) or not getattr(self, name).strip():
                raise ScenarioError(f"NewWorkload.{name} = {getattr(self, name)!r}: say where its requests go")
        checked(self, "users", "amount")
        checked(self, "requests_per_user", "amount")
        checked_quantities(self, "tokens")
        checked_where(self, "labels")
        checked_term(self)
        checked_days(self, "ramp")
        checked_rate(self, "growth")
        checked_probability(self)

    @property
    def key(self) -> str:
        """Names the random numbers."""
        own = {"project": self.project, "environment": self.environment, **self.labels}
        return key_of("new_workload", self.name, self.provider, self.model, {k: v for k, v in own.items() if v})

    def describe(self) -> str:
        """In plain words."""
        whose = " ".join(v for v in (self.environment, self.project, *self.labels.values()) if v)
        each = ", ".join(f"{told(value, 'amount')} {unit}" for unit, value in self.tokens.items())
        grows = "" if self.growth == 0 else f", growing by {told(self.growth, 'relative')} a month"
        when = told_from(self.on, self.ramp, self.until)
        return (
            f"a new workload{' ' + whose if whose else ''} on {self.provider}/{self.model}{when}: "
            f"{told(self.users, 'amount')} users with {told(self.requests_per_user, 'amount')} requests a day of {each}"
            f"{grows}{told_chance(self.probability)}"
        )

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Add it."""
        on, until = scene.date(self.on, "NewWorkload.on"), scene.date(self.until, "NewWorkload.until")
        given = {"project": self.project, "environment": self.environment, **self.labels}
        own = {column: value for column, value in given.items() if value is not None}
        route = {"provider": self.provider, "model": self.model}
        labels = fresh_labels(flows, scene, {**own, **route}, [VOLUME, *self.tokens], what="NewWorkload")
        scene.require_price(labels, what="NewWorkload")
        if self.probability == 0:
            return flows
        added = new_flows(labels, [CONSTANT] * len(labels), lanes=flows.lanes)
        every = np.ones(len(added), dtype=bool)
        added = added.times(every, self._requests(scene, on, until))
        for row, (unit, value) in enumerate(self.tokens.items(), start=1):
            each = scene.draw(self.key, value, "amount", f"tokens.{unit}")
            added = added.times(np.array([row]), by_path(each))
        return flows.joined(added)

    def _requests(self, scene: Scene, on: pd.Timestamp | None, until: pd.Timestamp | None) -> Term:
        """Requests in each period."""
        clock = scene.clock
        level = scene.draw(self.key, self.users, "amount", "users")
        level = level * scene.draw(self.key, self.requests_per_user, "amount", "requests_per_user")
        level = level * scene.coin(self.key, self.probability)
        rate = np.log1p(scene.draw(self.key, self.growth, "relative", "growth")) / MONTH_DAYS
        begun = clock.first if on is None else on
        come, since = clock.come(on, self.ramp, until), np.maximum(clock.since(begun), 0.0)

        def value(scope: Scope) -> FloatArray:
            grows = np.exp(rate[scope.draws][:, None] * since[None, :])
            return np.asarray(level[scope.draws][:, None] * clock.mean(come * grows) * clock.days)

        return Term(value)


def fresh_labels(flows: Flows, scene: Scene, given: Mapping[str, str], units: list[str], *, what: str) -> pd.DataFrame:
    """The labels of flows of a workload that is not there yet, one a unit.

    Raises
    ------
    ScenarioError
        A label is no column of the usage, or one that makes a workload is missing.
    """
    columns = [c for c in flows.labels.columns if c not in ("workload", "unit", "volume_unit")]
    for column in given:
        if column not in columns:
            raise ScenarioError(
                f"{what}: {column!r} is no label of this projection, which has {', '.join(columns)}"
                f"{nearest(column, columns)}"
            )
    if missing := [c for c in scene.projection.spec.by if c not in given]:
        raise ScenarioError(
            f"{what}: say its {' and '.join(missing)}: a workload of this projection is told apart by "
            f"{', '.join(scene.projection.spec.by)}"
        )
    row: dict[str, Any] = dict.fromkeys(flows.labels.columns)
    row |= {**given, "workload": int(flows.labels["workload"].max()) + 1, "volume_unit": schema.REQUESTS}
    return pd.DataFrame([{**row, "unit": unit} for unit in units], columns=flows.labels.columns)


def checked_quantities(change: object, name: str) -> None:
    """Check a field that holds uncertain quantities by billable unit, and keep it as the change's own."""
    given, what = getattr(change, name), f"{type(change).__name__}.{name}"
    if not isinstance(given, Mapping) or not given:
        raise ScenarioError(f"{what} = {given!r}: wanted quantities by unit, such as {{'input_tokens': 900}}")
    known: dict[str, Uncertain] = {}
    for unit, value in given.items():
        one_of(f"{what}: unit", unit, schema.BILLABLE, ScenarioError)
        known[unit] = known_as(value, "amount", f"{what}.{unit}")
    object.__setattr__(change, name, known)
