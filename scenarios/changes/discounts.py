"""Discounts and negotiations. Comes in: a share off list prices, and when. Goes out: lower prices for that time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd

from forecast import ranges
from forecast.panel import FloatArray
from forecast.ranges import Uncertain
from forecast.shown import short_repr
from scenarios.changes.base import (
    Day,
    Stage,
    Step,
    checked,
    checked_probability,
    checked_term,
    checked_where,
    key_of,
    stamp,
    told_from,
)
from scenarios.changes.clock import Clock
from scenarios.changes.flows import Flows, Scope, Term
from scenarios.changes.scene import Scene, by_draw, constant
from scenarios.changes.skus import chosen, in_sight, told_skus


@dataclass(frozen=True, slots=True)
class Discount:
    """A share off the list prices of some SKUs, from a date to a date.

    price = list price · (1 - share) from ``on`` to ``until``, both days counted; the list price before and after. The
    list price is the price book's, with all that moves it. Two discounts of 0.10 leave 0.81, in either order. One that
    is held today and expires has no ``on``.

    Parameters
    ----------
    share : number, between(low, high) or frozen scipy distribution
        0.15 is 15 % off. Drawn once a path; a range is normal on the logit.
    on, until : date, optional
        First and last day; always, where neither is given.
    model, provider, unit : str
        Globs: ``"gpt-5*"``, ``"openai"``, ``"output_tokens"``.
    where : mapping, optional
        Globs over columns of workloads and routes.
    name : str, optional
        Tells two discounts on the same SKUs apart, and names their random numbers.
    """

    __repr__ = short_repr

    stage: ClassVar[Stage] = "price"
    step: ClassVar[Step] = "price"

    share: Uncertain
    on: Day | None = None
    until: Day | None = None
    model: str = "*"
    provider: str = "*"
    unit: str = "*"
    where: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None

    def __post_init__(self) -> None:
        """Check share and dates."""
        checked(self, "share", "share")
        checked_term(self)
        checked_where(self)

    @property
    def key(self) -> str:
        """Names the random numbers."""
        return key_of("discount", self.name, self.provider, self.model, self.unit, self.where, self.on, self.until)

    def describe(self) -> str:
        """In plain words."""
        off = ranges.shown(self.share, "share")
        return f"a discount of {off} on {told_skus(self)}{told_from(self.on, until=self.until)}"

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Take the share off."""
        rows = chosen(self, flows, scene)
        in_sight("Discount", self.on, self.until, scene)
        if self.share == 0.0:
            return flows
        profile = scene.clock.share(stamp(self.on), stamp(self.until))
        if isinstance(self.share, float):
            return flows.repriced(rows, constant(1.0 - self.share * profile))
        return flows.repriced(rows, by_draw(-scene.draw(self.key, self.share, "share", "share"), profile))


@dataclass(frozen=True, slots=True)
class Negotiation:
    """A vendor may grant a discount: with a probability, of an uncertain size, from an uncertain day.

    price = list price · (1 - share) from day ``on + delay`` to ``until`` in the paths in which it succeeds. Success,
    share and delay are drawn once a path.

    Parameters
    ----------
    share : number, between(low, high) or frozen scipy distribution
        0.15 is 15 % off. A range is normal on the logit.
    on : date
        The first day on which it may hold.
    probability : float
        That it succeeds.
    delay : number, between(low, high) or frozen scipy distribution
        Days after ``on``; a range is log-normal. Part of a day counts as a whole one.
    until : date, optional
        The last day.
    model, provider, unit : str
        Globs: ``"gpt-5*"``, ``"openai"``, ``"output_tokens"``.
    where : mapping, optional
        Globs over columns of workloads and routes.
    name : str, optional
        Tells two negotiations on the same SKUs apart, and names their random numbers.
    """

    __repr__ = short_repr

    stage: ClassVar[Stage] = "price"
    step: ClassVar[Step] = "price"

    share: Uncertain
    on: Day = ""
    probability: float = 1.0
    delay: Uncertain = 0.0
    until: Day | None = None
    model: str = "*"
    provider: str = "*"
    unit: str = "*"
    where: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None

    def __post_init__(self) -> None:
        """Check size, probability and dates."""
        checked(self, "share", "share")
        checked(self, "delay", "amount")
        checked_probability(self)
        checked_term(self, needed=("on",))
        checked_where(self)

    @property
    def key(self) -> str:
        """Names the random numbers."""
        return key_of("negotiation", self.name, self.provider, self.model, self.unit, self.where, self.on)

    def describe(self) -> str:
        """In plain words."""
        late = "" if self.delay == 0.0 else f", {ranges.shown(self.delay, 'amount')} days late"
        off = ranges.shown(self.share, "share")
        return (
            f"with a probability of {self.probability:.0%} a negotiated discount of {off} on {told_skus(self)}"
            f"{told_from(self.on, until=self.until)}{late}"
        )

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Take the share off where it succeeds."""
        rows = chosen(self, flows, scene)
        in_sight("Negotiation", self.on, self.until, scene)
        if self.probability == 0 or self.share == 0.0:
            return flows
        granted = scene.coin(self.key, self.probability) * scene.draw(self.key, self.share, "share", "share")
        delay = np.ceil(scene.draw(self.key, self.delay, "amount", "delay"))
        return flows.repriced(rows, _granted(granted, delay, pd.Timestamp(self.on), stamp(self.until), scene.clock))


def _granted(share: FloatArray, delay: FloatArray, on: pd.Timestamp, until: pd.Timestamp | None, clock: Clock) -> Term:
    """1 - share from day ``on + delay`` to ``until``, by draw; a period has its part of it."""
    since = clock.since(on)
    open_ = np.ones(len(since)) if until is None else np.asarray(clock.daily <= until, dtype="float64")

    def value(scope: Scope) -> FloatArray:
        inside = (since[None, :] >= delay[scope.draws][:, None]) * open_
        return np.asarray(1.0 - share[scope.draws][:, None] * clock.mean(inside))

    return Term(value)
