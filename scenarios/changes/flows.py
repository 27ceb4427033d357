"""Flows. Comes in: a projection's lanes. Goes out: where each quantity goes under a scenario, and by what factors.

A flow carries a quantity of the projection to where it is billed. For draw d, day t and flow f from source s(f)

    quantity[d,t,f] = base[d,t,s(f)] · Π terms of f          cost[d,t,f] = quantity · book price · Π price terms of f

and a change appends terms to flows, or splits a flow in two. Every lever is linear in what the projection holds, so the
engine never touches more than one number a flow group, draw and day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
import pandas as pd

from forecast import schema
from forecast.panel import BoolArray, FloatArray, IntArray
from forecast.projection import Projection
from forecast.shown import short_repr

#: The unit of a flow that counts a workload's volume: requests, or tokens where it has no requests. It costs nothing.
VOLUME: Final = "volume"
#: The model of volume that a change saves a request of its own, such as answers from a cache: it is served, not sent.
AVOIDED: Final = "no request"
#: The unit of flows of data transfer: no price book knows it, so its price is always stated by a change.
GIGABYTES: Final = "gigabytes"
#: The source of a flow that no workload of the projection feeds: 1 a day.
CONSTANT: Final = -1


class Scope(Protocol):
    """The draws that are worked on, as a term sees them."""

    @property
    def draws(self) -> IntArray:
        """Which draws: (n,)."""
        ...

    def quantity(self, pool: Pool) -> FloatArray:
        """The summed quantity of a pool in these draws: (n, period)."""
        ...

    def term(self, term: Term) -> FloatArray:
        """The value of another term, worked out once for all that ask: (n, period) or what broadcasts to it."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """An addend of a factor: ``by_draw`` (draw,) times ``by_period`` (period,); (1,) is the same in each."""

    by_draw: FloatArray
    by_period: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """One factor on flows: (n, period), or what broadcasts to it, in the draws of a scope.

    Two terms are the same only if they are one object: flows that share it are worked out together.

    Attributes
    ----------
    value : callable
    parts : tuple of Part, optional
        The same value as a sum of products, for all draws: what the engine then never works out by draw and period.
    """

    value: Callable[[Scope], FloatArray]
    parts: tuple[Part, ...] | None = None


class PriceMove(Protocol):
    """A step in the price of a flow that looks at the price before it."""

    @property
    def scale_free(self) -> bool:
        """Whether the answer is the same for a book whose prices are all twice as high: flows then share it."""
        ...

    def reprice(self, draws: IntArray, relative: FloatArray, book: FloatArray, per: float) -> FloatArray:
        """The price over the book's price after this move: (n, period).

        ``relative`` (n, period) is that ratio before it, ``book`` (period,) the book's price of one unit, ``per`` how
        many units a quoted price is for.
        """
        ...

    def steady(self, draws: IntArray, book: FloatArray, per: float) -> tuple[IntArray, FloatArray] | None:
        """Where the ratio may change, and what it is from there on, where nothing moved the price before.

        Periods (piece,), the first of them 0, and ratios (n, piece). None where draws change on days of their own.
        """
        ...


Path = tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Chains:
    """A tuple of steps for each flow, each distinct tuple kept once: ``code`` (flow,) points into ``known``."""

    __repr__ = short_repr

    code: IntArray
    known: tuple[tuple[object, ...], ...] = ((),)

    def then(self, rows: IntArray, step: object) -> Chains:
        """Append a step to the tuples of some flows."""
        code, known = self.code.copy(), list(self.known)
        for old in np.unique(code[rows]):
            code[rows[self.code[rows] == old]] = len(known)
            known.append((*self.known[old], step))
        return _once(code, known)

    def of(self, row: int) -> tuple[object, ...]:
        """The steps of one flow."""
        return self.known[self.code[row]]

    def joined(self, other: Chains) -> Chains:
        """These flows', then the others'."""
        return _once(np.concatenate([self.code, other.code + len(self.known)]), (*self.known, *other.known))

    def taken(self, rows: IntArray) -> Chains:
        """Those of some flows."""
        return Chains(self.code[rows], self.known)


def _once(code: IntArray, known: Iterable[tuple[object, ...]]) -> Chains:
    """The same tuples, each distinct one kept once."""
    place: dict[tuple[object, ...], int] = {}
    at = np.array([place.setdefault(chain, len(place)) for chain in known], dtype=np.intp)
    return Chains(at[code], tuple(place))


@dataclass(frozen=True, slots=True)
class Pool:
    """Some flows as they stand at one point of a scenario, to be summed while draws are made.

    Attributes
    ----------
    source : int array (flow,)
    replaced : bool array (flow,)
    terms : Chains
    weight : float array (flow,)
    """

    __repr__ = short_repr

    source: IntArray
    replaced: BoolArray
    terms: Chains
    weight: FloatArray


@dataclass(frozen=True, slots=True)
class Flows:
    """Where the quantities of a projection go.

    Attributes
    ----------
    labels : DataFrame (flow,)
        The workload's columns, those of the route (provider, model, service_tier, region, context_tier as far as the
        usage has them), ``unit``, and ``workload``: a number that flows of one workload share.
    source : int array (flow,)
        Lane of the projection; leg + number of lanes for the flow of a leg's volume; ``CONSTANT``.
    replaced : bool array (flow,)
        Whether the forecast's own trend is taken out of the source.
    terms, price, quality : Chains
        Factors on the quantity; on the price; and, of flows of volume, on the quality of what is answered.
    moves : Chains
        Price moves, in order.
    quoted : float array (flow,)
        A price that a change states, money a quoted unit; NaN: the price book's.
    lanes : int
        Lanes of the projection.
    """

    __repr__ = short_repr

    labels: pd.DataFrame
    source: IntArray
    replaced: BoolArray
    terms: Chains
    price: Chains
    quality: Chains
    moves: Chains
    quoted: FloatArray
    lanes: int

    def __len__(self) -> int:
        """How many flows."""
        return len(self.source)

    @property
    def volume(self) -> BoolArray:
        """Flows that count volume, which is not billed: (flow,)."""
        return np.asarray(self.labels["unit"] == VOLUME)

    @property
    def avoided(self) -> BoolArray:
        """Flows of volume that has no request of its own any more: (flow,)."""
        return np.asarray(self.volume & np.asarray(self.labels["model"] == AVOIDED))

    @property
    def requests(self) -> BoolArray:
        """Flows of volume that is counted in requests and sent: (flow,)."""
        counted = np.asarray(self.labels["volume_unit"] == schema.REQUESTS)
        return np.asarray(self.volume & counted & ~self.avoided)

    @property
    def tokens(self) -> BoolArray:
        """Flows of tokens: (flow,)."""
        known = {name for name, unit in schema.UNITS.items() if unit.token}
        return np.asarray(self.labels["unit"].isin(known))

    def times(self, rows: BoolArray | IntArray, term: Term) -> Flows:
        """Multiply the quantities of some flows."""
        return replace(self, terms=self.terms.then(_at(rows), term))

    def repriced(self, rows: BoolArray | IntArray, term: Term) -> Flows:
        """Multiply the prices of some flows."""
        return replace(self, price=self.price.then(_at(rows), term))

    def judged(self, rows: BoolArray | IntArray, term: Term) -> Flows:
        """Multiply the quality of what some flows of volume stand for."""
        return replace(self, quality=self.quality.then(_at(rows), term))

    def without_trend(self, rows: BoolArray | IntArray) -> Flows:
        """Take the forecast's own trend, and its uncertainty, out of some flows."""
        replaced = self.replaced.copy()
        replaced[rows] = True
        return replace(self, replaced=replaced)

    def split(
        self, rows: BoolArray | IntArray, stay: Term | None, move: Term, labels: dict[str, str | None]
    ) -> tuple[Flows, IntArray]:
        """Send a part of some flows elsewhere.

        Parameters
        ----------
        rows : which flows
        stay, move : Term
            Factor on what stays (None: all of it) and on what goes.
        labels : dict
            What is other where it goes, such as ``{"model": "gpt-5-mini"}``.

        Returns
        -------
        The flows, and the numbers of those that went, in the order of ``rows``.
        """
        at = _at(rows)
        gone = self.taken(at).labelled(labels)
        gone = gone.times(np.arange(len(at), dtype=np.intp), move)
        kept = self if stay is None else self.times(at, stay)
        return kept.joined(gone), np.arange(len(self), len(self) + len(at), dtype=np.intp)

    def labelled(self, labels: dict[str, str | None]) -> Flows:
        """The same flows under other labels."""
        return replace(self, labels=self.labels.assign(**labels))

    def at_price(self, rows: BoolArray | IntArray, quoted: float) -> Flows:
        """State the price of some flows, money a quoted unit."""
        prices = self.quoted.copy()
        prices[rows] = quoted
        return replace(self, quoted=prices)

    def taken(self, rows: BoolArray | IntArray) -> Flows:
        """Some of the flows."""
        at = _at(rows)
        return Flows(
            self.labels.iloc[at].reset_index(drop=True),
            self.source[at],
            self.replaced[at],
            self.terms.taken(at),
            self.price.taken(at),
            self.quality.taken(at),
            self.moves.taken(at),
            self.quoted[at],
            self.lanes,
        )

    def joined(self, other: Flows) -> Flows:
        """These flows and others."""
        return Flows(
            pd.concat([self.labels, other.labels], ignore_index=True),
            np.concatenate([self.source, other.source]),
            np.concatenate([self.replaced, other.replaced]),
            self.terms.joined(other.terms),
            self.price.joined(other.price),
            self.quality.joined(other.quality),
            self.moves.joined(other.moves),
            np.concatenate([self.quoted, other.quoted]),
            self.lanes,
        )

    def pool(self, rows: BoolArray | IntArray, weight: FloatArray | None = None) -> Pool:
        """Some flows as they stand now, to be summed draw by draw; ``weight`` (row,) is 1 where none is given."""
        at = _at(rows)
        weights = np.ones(len(at)) if weight is None else np.asarray(weight, dtype="float64")
        return Pool(self.source[at], self.replaced[at], self.terms.taken(at), weights)


def flows_of(projection: Projection) -> Flows:
    """The flows of a projection as forecast: one a lane, and one a leg for its volume."""
    drivers = projection.drivers
    lanes, legs = drivers.lanes, drivers.legs
    workload = np.concatenate([lanes["workload"].to_numpy(), legs["workload"].to_numpy()])
    route = np.concatenate([lanes["route"].to_numpy(), legs["route"].to_numpy()])
    own = projection.workloads.iloc[workload].reset_index(drop=True)
    routes = projection.routes.iloc[route].reset_index(drop=True)
    labels = pd.concat([own, routes[[c for c in routes if c not in own]]], axis=1)
    labels = labels.assign(unit=[*lanes["unit"], *[VOLUME] * len(legs)], workload=workload)
    return new_flows(labels, np.arange(len(labels), dtype=np.intp), lanes=len(lanes))


def new_flows(labels: pd.DataFrame, source: IntArray | Iterable[int], *, lanes: int) -> Flows:
    """Flows without any term."""
    at = np.asarray(list(source), dtype=np.intp)
    plain = Chains(np.zeros(len(at), dtype=np.intp))
    blank = np.full(len(at), np.nan)
    return Flows(labels, at, np.zeros(len(at), dtype=bool), plain, plain, plain, plain, blank, lanes)


def _at(rows: BoolArray | IntArray) -> IntArray:
    return np.nonzero(rows)[0].astype(np.intp) if rows.dtype == bool else rows.astype(np.intp)
