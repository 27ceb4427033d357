"""Workings. Comes in: scenarios on one projection, one after another. Goes out: what the next of them can reuse.

Scenarios that begin with the same changes share what those changes did, and so the very factors that they made; and a
sum over trajectories that was made for one scenario serves every other that asks for the same.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final, TypeVar, cast

from forecast.panel import FloatArray
from forecast.prices import PriceBook
from forecast.projection import Projection
from forecast.shown import short_repr
from scenarios.changes import Change, World
from scenarios.changes.flows import Flows, flows_of
from scenarios.changes.scene import Quotes

#: The most that products may take, in bytes.
MOST_KEPT: Final = 200_000_000
#: The most runs of changes that are kept.
MOST_RUNS: Final = 500

_Run = tuple[Hashable, ...]
T = TypeVar("T")


@dataclass(slots=True)
class Workings:
    """What scenarios on one projection share, at one price book and one set of draws.

    Attributes
    ----------
    projection : Projection
    draws, seed : int
    quotes : Quotes
        Prices that were looked up.
    products : dict
        Sums by cell and draw, by what they are of; draws stand in the order of the trajectories that they follow.
    """

    __repr__ = short_repr

    projection: Projection
    draws: int
    seed: int
    quotes: Quotes
    products: dict[Hashable, FloatArray] = field(default_factory=dict)
    _flows: dict[_Run, Flows] = field(default_factory=dict)
    _alive: list[object] = field(default_factory=list)
    _told: dict[str, object] = field(default_factory=dict)

    @classmethod
    def of(cls, projection: Projection, prices: PriceBook, draws: int, seed: int) -> Workings:
        """Nothing is known yet."""
        return cls(projection, draws, seed, Quotes(prices, projection.days, projection.usage.currency))

    def fits(self, projection: Projection, prices: PriceBook, draws: int, seed: int) -> bool:
        """Whether it is of these."""
        same = self.projection is projection and self.quotes.prices is prices
        return same and (self.draws, self.seed) == (draws, seed)

    def once(self, name: str, made: Callable[[], T]) -> T:
        """What is the same for every scenario, made once."""
        if name not in self._told:
            self._told[name] = made()
        return cast("T", self._told[name])

    def copied(self) -> Workings:
        """The same, to which others may add without adding here."""
        known = dict(self.products), dict(self._flows), list(self._alive), dict(self._told)
        return Workings(self.projection, self.draws, self.seed, self.quotes, *known)

    def begun(self) -> Flows:
        """The flows as forecast."""
        if () not in self._flows:
            self._flows[()] = flows_of(self.projection)
        return self._flows[()]

    def after(self, run: _Run) -> Flows | None:
        """The flows after a run of changes, where it was made before."""
        return self._flows.get(run)

    def note(self, run: _Run, flows: Flows, *made_by: object) -> None:
        """Keep what a run of changes made; who made it lives as long, so that no other takes its name."""
        if len(self._flows) < MOST_RUNS:
            self._flows[run] = flows
            self._alive.append(made_by)

    def room_for(self, size: int) -> bool:
        """Whether so many bytes more may be kept."""
        return sum(held.nbytes for held in self.products.values()) + size <= MOST_KEPT

    def keep(self, key: Hashable, product: FloatArray, *made_by: object) -> None:
        """Keep a product; what its key names lives as long."""
        self.products[key] = product
        self._alive.append(made_by)


def step_of(change: Change, world: World) -> Hashable:
    """What tells a change, drawn from some random numbers, from every other.

    Changes are values, so what they are written as says all of them; one that cannot be written stands for itself, and
    so do random numbers that are tied.
    """
    drawn: Hashable = (world.draws, world.seed) if not world.ties else id(world)
    try:
        # With its very class: a class that a notebook's cell defines anew is written by the same name.
        return type(change), pickle.dumps(change), drawn
    except (pickle.PicklingError, AttributeError, TypeError):
        return id(change), drawn
