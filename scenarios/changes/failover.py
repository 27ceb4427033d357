"""Outages and deprecations: changes of mix. Comes in: what fails or ends. Goes out: usage lost, or served elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field, replace
from typing import ClassVar

import numpy as np
import pandas as pd

from forecast import ranges
from forecast.errors import ScenarioError
from forecast.panel import BoolArray, FloatArray
from forecast.ranges import Uncertain
from scenarios.changes.adoption import YEAR_DAYS
from scenarios.changes.arrivals import arrivals, laid
from scenarios.changes.base import (
    Day,
    Line,
    Stage,
    Step,
    checked,
    checked_day,
    checked_probability,
    checked_where,
    key_of,
    told,
    told_chance,
    told_from,
    told_where,
)
from scenarios.changes.flows import Flows, Scope, Term
from scenarios.changes.levers import Lever, known_as_money
from scenarios.changes.matching import NothingMatchesError, match
from scenarios.changes.routing import Detour, Target, checked_prices, sent, targets, told_prices, told_ratios
from scenarios.changes.scene import Scene
from scenarios.changes.spikes import MOST


@dataclass(frozen=True, slots=True)
class Outage:
    """A model or vendor is down: some of its requests go to another model, the rest is lost.

    With d the part of a day that it is down and f the share that fails over, ``1 - d`` of what it serves stays,
    ``d · f`` goes to the other model, with the ratios of tokens, and ``d · (1 - f)`` is neither served nor billed.
    Outages come at a rate a year, each with its own length; or one begins on a date with a probability. Rate, share and
    ratios are drawn once a path. Usage known only as money stays as it is.

    Parameters
    ----------
    days : number, between(low, high) or frozen scipy distribution
        How long one lasts, from the start of a day; parts of days count. A range is log-normal.
    rate : number, between(low, high) or frozen scipy distribution, optional
        Outages a year.
    on : date, optional
        The first day of one outage, in place of ``rate``.
    probability : float
        That the one of ``on`` happens.
    model : str
        Glob: what is down.
    where : mapping, optional
        Globs over any other label column: ``{"provider": "openai", "region": "eu*"}``.
    failover : number, between(low, high) or frozen scipy distribution
        Share that goes to the other model. A range is normal on the logit.
    to : str, optional
        The other model; needed unless ``failover`` is 0.
    provider : str, optional
        Who sells it; the source's provider where it does, else the one that the price book names.
    input_ratio, output_ratio : number, between(low, high) or frozen scipy distribution
        Tokens a request at the other model over those at this one.
    prices : mapping of float, optional
        The other's prices a quoted unit (a million tokens), by billable unit; the price book's where not stated.
    name : str, optional
    """

    stage: ClassVar[Stage] = "mix"

    days: Uncertain
    rate: Uncertain | None = None
    on: Day | None = None
    probability: float = 1.0
    model: str = "*"
    where: Mapping[str, str] = field(default_factory=dict)
    failover: Uncertain = 0.0
    to: str | None = None
    provider: str | None = None
    input_ratio: Uncertain = 1.0
    output_ratio: Uncertain = 1.0
    prices: Mapping[str, float] = field(default_factory=dict)
    name: str | None = None

    def __post_init__(self) -> None:
        """Check how often, how long, and where to."""
        checked(self, "days", "amount")
        if ranges.highest(self.days) > MOST:
            raise ScenarioError(f"Outage.days = {told(self.days, 'amount')}: wanted at most {MOST:g}")
        checked_day(self, "on")
        if (self.rate is None) == (self.on is None):
            raise ScenarioError("Outage: say either how often, rate= (a year), or when, on= (with probability=)")
        checked(self, "rate", "amount")
        if self.rate is not None and ranges.highest(self.rate) > MOST:
            raise ScenarioError(f"Outage.rate = {told(self.rate, 'amount')} a year: wanted at most {MOST:g}")
        checked_probability(self)
        if self.rate is not None and self.probability != 1:
            raise ScenarioError("Outage: probability= goes with on=; with rate= say how often by the rate alone")
        checked_where(self)
        checked(self, "failover", "share")
        if self.to is None and self.failover != 0:
            raise ScenarioError("Outage: failover= needs to=, the model that serves in its place")
        checked(self, "input_ratio", "amount")
        checked(self, "output_ratio", "amount")
        checked_prices(self)

    @property
    def key(self) -> str:
        """Names the random numbers."""
        return key_of("outage", self.name, self.model, self.on, self.where)

    @property
    def step(self) -> Step:
        """Mix, or volume where nothing fails over."""
        return "volume" if self.failover == 0 else "mix"

    def describe(self) -> str:
        """In plain words."""
        if self.rate is not None:
            often = f"{told(self.rate, 'amount')} times a year"
        else:
            often = told_from(self.on).strip() + told_chance(self.probability)
        lost = "its requests are lost"
        if self.failover != 0:
            to = f"{self.provider}/{self.to}" if self.provider else str(self.to)
            lost = f"{told(self.failover, 'share')} of its requests go to {to}"
            lost += f"{told_ratios(self)}{told_prices(self.prices)}, the rest is lost"
        what = self.model if self.model != "*" else "all"
        what += f" ({told_where(self.where)})" if self.where else ""
        return f"{what} is down {often}, for {told(self.days, 'amount')} days: {lost}"

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Send what fails over to the other model, and lose the rest."""
        on = scene.date(self.on, "Outage.on")
        globs = dict(self.where) if self.model == "*" else {"model": self.model, **self.where}
        rows: BoolArray = scene.matching(flows, globs, what="Outage") & ~known_as_money(flows)
        if not rows.any():
            raise NothingMatchesError("Outage: all that is down is known only as money")
        target = None if self.failover == 0 else self._target(flows, rows, scene)
        if self.probability == 0 or self.rate == 0 or self.days == 0:
            return flows
        down = self._down(scene, on)
        stays = Term(lambda scope: 1.0 - down(scope))
        at = np.nonzero(rows)[0].astype(np.intp)
        if target is None:
            return flows.times(at, stays)
        assert self.to is not None
        share = scene.draw(self.key, self.failover, "share", "failover")
        into = scene.draw(self.key, self.input_ratio, "amount", "input_ratio")
        out = scene.draw(self.key, self.output_ratio, "amount", "output_ratio")
        plain = _goes(down, share)
        parts = {"volume": plain, "in": _goes(down, share * into), "out": _goes(down, share * out), "other": plain}
        return sent(flows, rows, target, parts, to=self.to, prices=self.prices)[0].times(at, stays)

    def _target(self, flows: Flows, rows: BoolArray, scene: Scene) -> Target:
        """How the other model bills; an error where it is down itself."""
        assert self.to is not None
        found = targets(flows, rows, scene, to=self.to, provider=self.provider, prices=self.prices, what="Outage")
        owners = pd.Series(list(dict.fromkeys(found.owners)), dtype="object")
        if match(owners, self.where.get("provider", "*")).any() and match(pd.Series([self.to]), self.model).any():
            raise ScenarioError(
                f"Outage: {self.to} is itself among what is down; name a model= or a where= with the provider that is "
                "down, and another model in to="
            )
        return found

    def _down(self, scene: Scene, on: pd.Timestamp | None) -> _Down:
        """The part of each period that it is down."""
        clock, count = scene.clock, len(scene.clock.daily)
        if on is None:
            assert self.rate is not None
            come = arrivals(scene, self.key, "all", scene.draw(self.key, self.rate, "amount", "rate") / YEAR_DAYS)
            return _Down(come.day, come.each(self.days, "amount", "days"), scene)
        length = scene.draw(self.key, self.days, "amount", "days")[:, None]
        happens = scene.coin(self.key, self.probability)[:, None]
        begun = (on - clock.first).days
        # What began before the first day that is forecast is over by as much.
        length = np.where(happens, np.maximum(length + min(begun, 0), 0.0), 0.0)
        return _Down(np.full(length.shape, min(max(begun, 0), count), dtype=np.intp), length, scene)


@dataclass(frozen=True, slots=True)
class _Down:
    """The part of each period that something is down: ``day`` and ``length`` (draw, outage)."""

    day: np.ndarray
    length: FloatArray
    scene: Scene

    def __call__(self, scope: Scope) -> FloatArray:
        clock, at = self.scene.clock, scope.draws
        each = laid(self.day[at], self.length[at], np.ones(self.length[at].shape), len(clock.daily))
        return clock.mean(np.minimum(each, 1.0))


def _goes(down: Callable[[Scope], FloatArray], share: FloatArray) -> Term:
    return Term(lambda scope: down(scope) * share[scope.draws][:, None])


@dataclass(frozen=True, slots=True)
class Deprecation(Detour):
    """A vendor ends a model by a date: all that it still serves goes to its successor.

    On and after ``on`` nothing is left on it. With ``ramp`` days, what it serves moves in a straight line over the days
    that end on that date. It happens with ``probability``, drawn once a path.

    Parameters
    ----------
    model : str
        Glob: what ends.
    to : str
        The successor.
    on : date
        The first day on which it no longer serves.
    ramp : float
        Days of moving, the last of them ``on``.
    probability : float
        That it ends by then.
    prices : mapping of float, optional
        The successor's prices a quoted unit (a million tokens), by billable unit; the price book's where not stated.
        Cached input without a price here is billed as plain input.
    provider, input_ratio, output_ratio, share, retries
        As of :class:`scenarios.changes.routing.Route`; ``share`` and ``retries`` stay at 1 and 0.
    where, quality, setup, running, name
        As of :class:`scenarios.changes.levers.Lever`; money is paid where it happens, setup on ``on``.
    """

    step: ClassVar[Step] = "mix"

    _: KW_ONLY
    on: Day
    probability: float = 1.0
    prices: Mapping[str, float] = field(default_factory=dict)

    def _check_more(self) -> None:
        checked_day(self, "on", needed=True)
        if self.share != 1 or self.retries != 0:
            raise ScenarioError(
                "Deprecation: a model that ends serves no share of its requests, and none again: leave share= and "
                "retries= out, or use Migrate"
            )
        checked_probability(self)
        checked_prices(self)

    def describe(self) -> str:
        """In plain words."""
        among = f" for {told_where(self.where)}" if self.where else ""
        moving = f", moving within the {self.ramp:g} days before" if self.ramp else ""
        to = f"{self.provider}/{self.to}" if self.provider else self.to
        ends = f"{self.model}{among} ends by {pd.Timestamp(self.on):%Y-%m-%d}{moving}{told_chance(self.probability)}"
        served = f"what it serves goes to {to}{told_ratios(self)}{told_prices(self.prices)}"
        return "; ".join([f"{ends}: {served}", *self._beside()])

    def lines(self, scene: Scene) -> list[Line]:
        """What it costs beside usage, where it happens."""
        happens = scene.coin(self.key, self.probability).astype("float64")[:, None]
        return [replace(line, money=line.money * happens) for line in Lever.lines(self, scene)]

    def _prices(self) -> Mapping[str, float]:
        return self.prices

    def _share(self, scene: Scene) -> FloatArray:
        return scene.coin(self.key, self.probability).astype("float64")

    def _come(self, scene: Scene) -> FloatArray:
        on = scene.date(self.on, "Deprecation.on")
        assert on is not None
        return scene.clock.ramp(on - pd.Timedelta(days=max(int(np.ceil(self.ramp)) - 1, 0)), self.ramp)
