"""Outages and deprecations: changes of mix. Comes in: what fails or ends. Goes out: usage lost, or served elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from forecast import schema
from forecast.errors import ScenarioError, one_of
from forecast.panel import BoolArray, FloatArray
from forecast.ranges import Uncertain
from scenarios.changes.adoption import YEAR_DAYS
from scenarios.changes.arrivals import arrivals, laid
from scenarios.changes.base import (
    Day,
    Stage,
    Step,
    checked,
    checked_day,
    checked_days,
    checked_probability,
    checked_where,
    key_of,
    told,
    told_from,
    told_where,
)
from scenarios.changes.flows import Flows, Scope, Term
from scenarios.changes.matching import match
from scenarios.changes.scene import Scene, part
from scenarios.changes.spikes import MOST, highest


@dataclass(frozen=True, slots=True)
class Outage:
    """A vendor is down: some of its requests go to another model, the rest is lost.

    With d the part of a day that it is down and f the share that fails over, ``1 - d`` of what it serves stays,
    ``d · f`` goes to the other model with ``token_ratio`` as many tokens, and ``d · (1 - f)`` is neither served nor
    billed. Outages come at a rate a year, each with its own length; or one begins on a date with a probability. Rate
    and share are drawn once a path.

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
    provider, model : str
        Globs: what is down.
    where : mapping, optional
        Globs over any other label column, such as ``{"region": "eu*"}``.
    failover : number, between(low, high) or frozen scipy distribution
        Share that goes to the other model. A range is normal on the logit.
    to_model, to_provider : str, optional
        The other model; needed unless ``failover`` is 0. Its provider; the one it is sent from where none is named.
    token_ratio : number, between(low, high) or frozen scipy distribution
        Tokens that the other model takes for each of this one's.
    prices : mapping of float, optional
        Its prices a quoted unit (a million tokens), by billable unit; the price book's where not stated.
    name : str, optional
    """

    days: Uncertain
    rate: Uncertain | None = None
    on: Day | None = None
    probability: float = 1.0
    provider: str = "*"
    model: str = "*"
    where: Mapping[str, str] = field(default_factory=dict)
    failover: Uncertain = 0.0
    to_model: str | None = None
    to_provider: str | None = None
    token_ratio: Uncertain = 1.0
    prices: Mapping[str, float] = field(default_factory=dict)
    name: str | None = None

    def __post_init__(self) -> None:
        """Check how often, how long, and where to."""
        checked(self, "days", "amount")
        if highest(self.days) > MOST:
            raise ScenarioError(f"Outage.days = {told(self.days, 'amount')}: wanted at most {MOST:g}")
        checked_day(self, "on")
        if (self.rate is None) == (self.on is None):
            raise ScenarioError("Outage: say either how often, rate= (a year), or when, on= (with probability=)")
        checked(self, "rate", "amount")
        if self.rate is not None and highest(self.rate) > MOST:
            raise ScenarioError(f"Outage.rate = {told(self.rate, 'amount')} a year: wanted at most {MOST:g}")
        checked_probability(self)
        if self.rate is not None and self.probability != 1:
            raise ScenarioError("Outage: probability= goes with on=; with rate= say how often by the rate alone")
        checked_where(self)
        checked(self, "failover", "share")
        if self.to_model is None and self.failover != 0:
            raise ScenarioError("Outage: failover= needs to_model=, the model that serves in its place")
        checked(self, "token_ratio", "amount")
        _checked_prices(self)

    @property
    def key(self) -> str:
        """Names the random numbers."""
        return key_of("outage", self.name, self.provider, self.model, self.on, self.where)

    @property
    def stage(self) -> Stage:
        """Mix."""
        return "mix"

    @property
    def step(self) -> Step:
        """Mix, or volume where nothing fails over."""
        return "volume" if self.failover == 0 else "mix"

    def describe(self) -> str:
        """In plain words."""
        if self.rate is not None:
            often = f"{told(self.rate, 'amount')} times a year"
        else:
            chance = "" if self.probability == 1 else f" with a probability of {self.probability:.0%}"
            often = told_from(self.on).strip() + chance
        lost = "its requests are lost"
        if self.failover != 0:
            lost = f"{told(self.failover, 'share')} of it goes to {_target(self.to_provider, self.to_model)}"
            lost += f"{_ratio_told(self.token_ratio)}{_prices_told(self.prices)}, the rest is lost"
        what = f"{self.provider}/{self.model}" + (f" ({told_where(self.where)})" if self.where else "")
        return f"{what} is down {often}, for {told(self.days, 'amount')} days: {lost}"

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Send what fails over to the other model, and lose the rest."""
        on = scene.date(self.on, "Outage.on")
        rows = scene.matching(flows, _globs(self.provider, self.model, self.where), what="Outage")
        labels = _labels(self.to_provider, self.to_model)
        if labels:
            gone = flows.labels[rows].assign(**labels)
            if (match(gone["provider"], self.provider) & match(gone["model"], self.model)).any():
                raise ScenarioError(
                    f"Outage: {_target(self.to_provider, self.to_model)} is itself among what is down "
                    f"({self.provider}/{self.model}); name another to_provider= or to_model="
                )
        if self.failover != 0:
            _require(flows, rows, labels, self.prices, scene, what="Outage")
        if self.probability == 0 or self.rate == 0 or self.days == 0:
            return flows
        down = self._down(scene, on)
        share = scene.draw(self.key, self.failover, "share", "failover")
        stays = Term(lambda scope: 1.0 - down(scope))
        if self.failover == 0:
            return flows.times(rows, stays)
        goes = Term(lambda scope: down(scope) * share[scope.draws][:, None])
        ratio = scene.draw(self.key, self.token_ratio, "amount", "token_ratio")
        return _sent(flows, rows, stays, goes, labels, ratio, self.prices)

    def _down(self, scene: Scene, on: pd.Timestamp | None) -> _Down:
        """The part of each period that it is down."""
        clock, count = scene.clock, len(scene.clock.daily)
        if on is None:
            assert self.rate is not None
            come = arrivals(scene, self.key, "all", scene.draw(self.key, self.rate, "amount", "rate") / YEAR_DAYS)
            day, length = come.day, come.each(self.days, "amount", "days")
            return _Down(day, length, scene)
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


@dataclass(frozen=True, slots=True)
class Deprecation:
    """A model ends by a date: all that it still serves goes to its successor.

    On and after ``on`` nothing is left on it. With ``ramp`` days, what it serves moves in a straight line over the days
    that end on that date. The successor takes ``token_ratio`` tokens for each of the model's. Drawn once a path.

    Parameters
    ----------
    model : str
        Glob: what ends.
    on : date
        The first day on which it no longer serves.
    to_model : str
        The successor.
    to_provider : str, optional
        The same provider where none is named.
    provider : str
        Glob: by whom it is served.
    ramp : float
        Days of moving before it.
    token_ratio : number, between(low, high) or frozen scipy distribution
        Tokens that the successor takes for each of the model's. A range is log-normal.
    prices : mapping of float, optional
        The successor's prices a quoted unit (a million tokens), by billable unit; the price book's where not stated.
    probability : float
        That it ends by then.
    where : mapping, optional
        Globs over any other label column.
    name : str, optional
    """

    model: str
    on: Day
    to_model: str
    to_provider: str | None = None
    provider: str = "*"
    ramp: float = 0.0
    token_ratio: Uncertain = 1.0
    prices: Mapping[str, float] = field(default_factory=dict)
    probability: float = 1.0
    where: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None

    def __post_init__(self) -> None:
        """Check what ends, when, and what comes after it."""
        checked_day(self, "on", needed=True)
        if not isinstance(self.to_model, str) or not self.to_model.strip():
            raise ScenarioError(f"Deprecation.to_model = {self.to_model!r}: say what serves in its place")
        checked_days(self, "ramp")
        checked(self, "token_ratio", "amount")
        _checked_prices(self)
        checked_probability(self)
        checked_where(self)

    @property
    def key(self) -> str:
        """Names the random numbers."""
        return key_of("deprecation", self.name, self.provider, self.model, self.on, self.where)

    @property
    def stage(self) -> Stage:
        """Mix."""
        return "mix"

    @property
    def step(self) -> Step:
        """Mix."""
        return "mix"

    def describe(self) -> str:
        """In plain words."""
        what = f"{self.provider}/{self.model}" if self.provider != "*" else self.model
        moving = f", moving within the {self.ramp:g} days before" if self.ramp else ""
        chance = "" if self.probability == 1 else f", with a probability of {self.probability:.0%}"
        among = f" for {told_where(self.where)}" if self.where else ""
        return (
            f"{what} ends by {pd.Timestamp(self.on):%Y-%m-%d}{among}{moving}: what it serves goes to "
            f"{_target(self.to_provider, self.to_model)}{_ratio_told(self.token_ratio)}{_prices_told(self.prices)}"
            f"{chance}"
        )

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Send what it serves to the successor."""
        on = scene.date(self.on, "Deprecation.on")
        assert on is not None
        rows = scene.matching(flows, _globs(self.provider, self.model, self.where), what="Deprecation")
        labels = _labels(self.to_provider, self.to_model)
        there = (flows.labels.assign(**labels)[list(labels)] == flows.labels[list(labels)]).all(axis=1)
        rows &= ~np.asarray(there)
        if not rows.any():
            raise ScenarioError(f"Deprecation: all that {self.model!r} matches is {self.to_model} already")
        _require(flows, rows, labels, self.prices, scene, what="Deprecation")
        if self.probability == 0:
            return flows
        ends = scene.coin(self.key, self.probability).astype("float64")
        begun = on - pd.Timedelta(days=max(int(np.ceil(self.ramp)) - 1, 0))
        stays, goes = part(ends, scene.clock.ramp(begun, self.ramp))
        ratio = scene.draw(self.key, self.token_ratio, "amount", "token_ratio")
        return _sent(flows, rows, stays, goes, labels, ratio, self.prices)


def _sent(
    flows: Flows,
    rows: BoolArray,
    stays: Term,
    goes: Term,
    labels: dict[str, str | None],
    ratio: FloatArray,
    prices: Mapping[str, float],
) -> Flows:
    """Send a part of some flows to another model, with so many tokens for each, at prices that may be stated."""
    flows, new = flows.split(rows, stays, goes, labels)
    if (ratio != 1.0).any():
        flows = flows.times(new[flows.tokens[new]], Term(lambda scope: ratio[scope.draws][:, None]))
    unit = flows.labels["unit"].to_numpy()
    for one, price in prices.items():
        flows = flows.at_price(new[unit[new] == one], price)
    return flows


def _require(
    flows: Flows,
    rows: BoolArray,
    labels: dict[str, str | None],
    prices: Mapping[str, float],
    scene: Scene,
    *,
    what: str,
) -> None:
    """Refuse a model without a price for what is to be sent to it."""
    gone = flows.labels[rows].assign(**labels)
    scene.require_price(gone[~gone["unit"].isin(list(prices))].reset_index(drop=True), what=what)


def _checked_prices(change: Outage | Deprecation) -> None:
    what = f"{type(change).__name__}.prices"
    if not isinstance(change.prices, Mapping):
        raise ScenarioError(f"{what} = {change.prices!r}: wanted prices by unit, such as {{'output_tokens': 10.0}}")
    for unit, price in change.prices.items():
        one_of(f"{what}: unit", unit, schema.BILLABLE, ScenarioError)
        if isinstance(price, bool) or not isinstance(price, int | float) or not 0 <= price < np.inf:
            raise ScenarioError(f"{what}: {unit} = {price!r}: wanted money a quoted unit, 0 or more")
    object.__setattr__(change, "prices", dict(change.prices))


def _globs(provider: str, model: str, where: Mapping[str, str]) -> dict[str, str]:
    named = {c: g for c, g in (("provider", provider), ("model", model)) if g != "*"}
    return {**named, **where}


def _labels(provider: str | None, model: str | None) -> dict[str, str | None]:
    return {c: v for c, v in (("provider", provider), ("model", model)) if v is not None}


def _target(provider: str | None, model: str | None) -> str:
    return f"{provider}/{model}" if provider else str(model)


def _ratio_told(ratio: Uncertain) -> str:
    return "" if ratio == 1 else f" with {told(ratio, 'amount')} tokens for each"


def _prices_told(prices: Mapping[str, float]) -> str:
    return "" if not prices else " at " + ", ".join(f"{v:g} a quoted unit of {u}" for u, v in prices.items())
