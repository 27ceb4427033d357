"""Exchange rates. Comes in: how a contract's currency may move. Goes out: prices that move with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final

import numpy as np
import pandas as pd

from forecast import ranges
from forecast.errors import ScenarioError
from forecast.panel import FloatArray
from forecast.ranges import Uncertain
from forecast.shown import short_repr
from forecast.streams import stream
from scenarios.changes.base import MOST_RISE, Day, Stage, Step, checked, checked_day, checked_where, key_of, told_from
from scenarios.changes.flows import Flows, Scope, Term
from scenarios.changes.scene import Scene, constant
from scenarios.changes.skus import chosen, in_sight, told_skus

_YEAR: Final = 365.25
#: Volatility a year above this is taken for percent written as a number.
_MOST: Final = 2.0
#: Draws whose walks are made at once; bounds memory and changes no number.
_DRAWS: Final = 1_000


@dataclass(frozen=True, slots=True)
class ExchangeRate:
    """The currency of some prices moves against the plan's, from a date.

    With y years since ``on``, σ the volatility and W a Brownian motion drawn once a path, prices are multiplied by

        (1 + by) · (1 + drift) ** y · exp(σ · W(y))

    so that the logarithm has mean ``log(1 + by) + y · log(1 + drift)`` and variance ``σ² · y``: the geometric random
    walk of exchange rates (Meese and Rogoff 1983, doi:10.1016/0022-1996(83)90017-X), whose median is what is stated.
    Prices and book stay in the plan's currency, at the rate of the as-of date.

    Parameters
    ----------
    by : number, between(low, high) or frozen scipy distribution
        How much dearer that currency is from ``on`` at once; -0.05 is 5 % cheaper. A range is normal on log(1 + by).
    drift : number, between(low, high) or frozen scipy distribution
        How much dearer it gets a year.
    volatility : float
        Standard deviation of the log rate's change over a year: 0.08 is about 8 %.
    on : date, optional
        From when it moves; from the as-of date where none is given.
    currency : str, optional
        What it is, such as ``"EUR"``: for the reader.
    model, provider, unit : str
        Globs: whose prices are in that currency.
    where : mapping, optional
        Globs over columns of workloads and routes.
    name : str, optional
        Tells two rates apart, and names their random numbers.
    """

    __repr__ = short_repr

    stage: ClassVar[Stage] = "price"
    step: ClassVar[Step] = "currency"
    drawn: ClassVar[Mapping[str, str]] = {"volatility": "rate"}

    by: Uncertain = 0.0
    drift: Uncertain = 0.0
    volatility: float = 0.0
    on: Day | None = None
    currency: str | None = None
    model: str = "*"
    provider: str = "*"
    unit: str = "*"
    where: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None

    def __post_init__(self) -> None:
        """Check sizes and date."""
        checked(self, "by", "relative", most=MOST_RISE)
        checked(self, "drift", "relative", most=MOST_RISE)
        value = self.volatility
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MOST:
            hint = (
                f"; for {value:g} % write {value / 100:g}" if isinstance(value, int | float) and value > _MOST else ""
            )
            raise ScenarioError(f"ExchangeRate.volatility = {value!r}: wanted a number from 0 to {_MOST:g}{hint}")
        checked_day(self, "on")
        checked_where(self)

    @property
    def key(self) -> str:
        """Names the random numbers."""
        return key_of("exchange_rate", self.name, self.currency, self.provider, self.model, self.unit, self.where)

    def describe(self) -> str:
        """In plain words."""
        parts = [f"changes by {ranges.shown(self.by, 'relative')}"] if self.by != 0.0 else []
        parts += [f"drifts by {ranges.shown(self.drift, 'relative')} a year"] if self.drift != 0.0 else []
        parts += [f"varies by {self.volatility:.1%} a year"] if self.volatility else []
        how = ", ".join(parts) or "stays as it is"
        which = "the currency" if self.currency is None else self.currency
        return f"{which} of prices of {told_skus(self)}{told_from(self.on)}: its rate {how}"

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Move prices with the rate."""
        rows = chosen(self, flows, scene)
        in_sight("ExchangeRate", self.on, None, scene)
        if self.by == self.drift == self.volatility == 0.0:
            return flows
        if self.volatility == 0.0 and isinstance(self.by, float) and isinstance(self.drift, float):
            day, years = self._years(scene)
            known = (1.0 + self.by * day) * (1.0 + self.drift) ** years
            return flows.repriced(rows, constant(scene.clock.mean(known)))
        factor = self.factors(scene)

        def value(scope: Scope) -> FloatArray:
            return factor[scope.draws]

        return flows.repriced(rows, Term(value))

    def factors(self, scene: Scene) -> FloatArray:
        """The factor on prices: (draw, period); a period of many days has their mean."""
        begun, years = self._years(scene)
        by = np.log1p(scene.draw(self.key, self.by, "relative", "by"))
        drift = np.log1p(scene.draw(self.key, self.drift, "relative", "drift"))
        out = np.empty((scene.world.draws, len(scene.clock.periods)))
        end = self._end(scene) if self.volatility else None
        rng = stream(scene.world.seed, "scenario", self.key, "walk")
        for low in range(0, len(out), _DRAWS):
            part = slice(low, min(low + _DRAWS, len(out)))
            log = by[part, None] * begun + drift[part, None] * years
            if end is not None:
                log = log + self.volatility * _walk(rng, years, end[part])
            out[part] = scene.clock.mean(np.exp(log))
        return out

    def _years(self, scene: Scene) -> tuple[FloatArray, FloatArray]:
        """Which days the rate has begun to move on, and for how many years it has: (day,) each."""
        start = scene.projection.as_of if self.on is None else max(pd.Timestamp(self.on), scene.projection.as_of)
        since = scene.clock.since(start)
        return (since >= 0).astype("float64"), np.maximum(since, 0.0) / _YEAR

    def _end(self, scene: Scene) -> FloatArray:
        """Where each path's walk ends, on the normal scale: (draw,)."""
        from scipy.special import ndtri

        return np.asarray(ndtri(scene.world.uniform(self.key, "all", "rate")))


def _walk(rng: np.random.Generator, years: FloatArray, end: FloatArray) -> FloatArray:
    """Brownian motion at rising ``years`` (day,), from its end of each path (draw,) by the bridge: (draw, day)."""
    steps = np.sqrt(np.diff(years, prepend=0.0))
    free = np.cumsum(rng.standard_normal((len(end), len(years))) * steps, axis=1)
    last = years[-1]
    if last == 0:
        return np.zeros_like(free)
    return np.asarray(free + (years / last) * (np.sqrt(last) * end[:, None] - free[:, -1:]))
