"""Costing. Comes in: a projection, a price book and a scenario. Goes out: priced flows, lines and contracts."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from functools import reduce
from itertools import combinations
from typing import get_args

import numpy as np
import pandas as pd

from forecast.errors import PlanError, ScenarioError, one_of
from forecast.lanes import LanePrices, Unpriced, name_unpriced, unpriced_shares, with_tier
from forecast.panel import BoolArray, FloatArray
from forecast.prices import PriceBook
from forecast.projection import Projection
from forecast.shown import short_repr
from scenarios.changes import Change, Costed, Line, Settling, World
from scenarios.changes.base import STAGES
from scenarios.changes.flows import GIGABYTES, Flows
from scenarios.changes.scene import Scene, by_path
from scenarios.scenario import Scenario
from scenarios.workings import Workings, step_of

__all__ = ["Contract", "Course", "Enacted", "Leaf", "Unpriced", "enact"]


@dataclass(frozen=True, slots=True)
class Contract:
    """A change of how some usage is billed, with whose usage it is.

    Attributes
    ----------
    change : Settling
    covers : bool array (flow,)
    share : float array (draw,)
        1 in the draws that it holds in, 0 in those of other branches.
    scene : Scene
        What it is settled by: months and random numbers.
    """

    change: Settling
    covers: BoolArray
    share: FloatArray
    scene: Scene


@dataclass(frozen=True, slots=True)
class Enacted:
    """A scenario enacted on a projection: what the engine adds up.

    Attributes
    ----------
    flows : Flows
    book : float array (period, flow)
        Money for one unit by the price book; 0 for what is not billed or was excluded.
    per : float array (flow,)
        How many units a quoted price is for.
    priced : bool array (flow,)
        False for flows of volume, and for what was excluded.
    lines : tuple of Line
        Money beside tokens.
    contracts : tuple of Contract
    excluded : DataFrame
        Lanes without a price that ``unpriced="exclude"`` left out, with what they weigh.
    currency : str
    """

    flows: Flows
    book: FloatArray
    per: FloatArray
    priced: BoolArray
    lines: tuple[Line, ...]
    contracts: tuple[Contract, ...]
    excluded: pd.DataFrame
    currency: str


@dataclass(frozen=True, slots=True)
class Leaf:
    """One course that things may take.

    Attributes
    ----------
    changes : tuple of (Change, World)
        What happens, each change with the random numbers that it draws from.
    within : float array (draw,), optional
        1 in the draws that take this course, else 0; None: all do.
    """

    __repr__ = short_repr

    changes: tuple[tuple[Change, World], ...]
    within: FloatArray | None = None


@dataclass(frozen=True, slots=True)
class Course:
    """What is to be enacted: leaves, one of which each draw takes.

    Attributes
    ----------
    name : str
    leaves : tuple of Leaf
    lenient : bool
        Leave out a change that cannot act, in place of an error: for the parts of a scenario, whose whole was checked
        before.
    """

    __repr__ = short_repr

    name: str
    leaves: tuple[Leaf, ...]
    lenient: bool = False

    @classmethod
    def of(cls, scenario: Scenario, world: World) -> Course:
        """The course of a scenario, with what it ties together."""
        own = scenario.world(world)
        return cls(
            scenario.name,
            tuple(Leaf(tuple((c, own) for c in leaf.changes), within) for leaf, within in scenario.alternatives(own)),
        )


def enact(
    projection: Projection,
    prices: PriceBook,
    course: Course,
    world: World,
    *,
    unpriced: Unpriced = "refuse",
    workings: Workings | None = None,
) -> Enacted:
    """Let the changes of a course act on a projection.

    Drivers are gone through in the order volume, mix, intensity, limits, price, response; on one driver, changes act
    in the order listed. Branches of a tree act each in its own draws.

    Parameters
    ----------
    world : World
    unpriced : {"refuse", "exclude"}
    workings : Workings, optional
        What other scenarios on the same projection, prices and draws left.

    Raises
    ------
    PlanError
        Usage has no price on some day, unless ``unpriced="exclude"`` says to leave it out.
    PriceError
        Prices, and lines known only as money, are in two currencies.
    ScenarioError
        A change does not fit the projection.
    """
    one_of("unpriced", unpriced, get_args(Unpriced), PlanError)
    stands = workings or Workings.of(projection, prices, world.draws, world.seed)
    scene = Scene.of(projection, prices, world, stands.quotes)
    excluded = _unpriced(projection, scene, unpriced, stands)
    parts = [_only_in(_acted(leaf, scene, stands, lenient=course.lenient), leaf.within) for leaf in course.leaves]
    flows = reduce(Flows.joined, [part.flows for part in parts])
    book = scene.book(flows)
    missing: BoolArray = np.asarray(np.isnan(book).any(axis=0))
    _no_new_gaps(flows, missing, excluded)
    priced = ~missing & ~flows.volume
    if not priced.any():
        raise PlanError("no line of the usage has a price; add prices to the price book")
    currency = scene.quotes.currency(flows.labels[priced & np.asarray(flows.labels["unit"] != GIGABYTES)])
    if currency is None:
        raise PlanError("nothing that is planned has a price, so the plan has no currency")
    contracts, begin = [], 0
    for part in parts:
        for contract in part.contracts:
            wide = np.zeros(len(flows), dtype=bool)
            wide[begin : begin + len(part.flows)] = contract.covers
            contracts.append(replace(contract, covers=wide))
        begin += len(part.flows)
    lines = tuple(line for part in parts for line in part.lines)
    book = np.where(missing[None, :], 0.0, book)
    return Enacted(flows, book, scene.per(flows.labels), priced, lines, tuple(contracts), excluded, currency)


@dataclass(frozen=True, slots=True)
class _Acted:
    flows: Flows
    lines: tuple[Line, ...]
    contracts: tuple[Contract, ...]


def _acted(leaf: Leaf, scene: Scene, workings: Workings, *, lenient: bool) -> _Acted:
    """What the changes of one leaf make of a projection."""
    flows = workings.begun()
    run: tuple[Hashable, ...] = ()
    mine = [(change, replace(scene, world=world)) for change, world in leaf.changes]
    done = []
    for stage in STAGES:
        for change, own in mine:
            if change.stage != stage:
                continue
            now: tuple[Hashable, ...] = (*run, step_of(change, own.world))
            try:
                flows = _after(now, flows, change, own, workings)
            except ScenarioError:
                # A part of a scenario may lack what the change rests on, such as a model that another change brings.
                if not lenient:
                    raise
            else:
                run = now
                done.append((change, own))
    lines = [line for change, own in done if isinstance(change, Costed) for line in change.lines(own)]
    always = np.ones(scene.world.draws)
    contracts = [
        Contract(change, change.covers(flows, own), always, own) for change, own in done if isinstance(change, Settling)
    ]
    _billed_once(contracts, flows)
    return _Acted(flows, tuple(lines), tuple(contracts))


def _after(run: tuple[Hashable, ...], flows: Flows, change: Change, scene: Scene, workings: Workings) -> Flows:
    """The flows after one more change: those of another scenario where that began alike."""
    known = workings.after(run)
    if known is None:
        known = change.act(flows, scene)
        workings.note(run, known, change, scene.world)
    return known


def _billed_once(contracts: list[Contract], flows: Flows) -> None:
    """Refuse usage that two contracts bill on one day."""
    for one, other in combinations(contracts, 2):
        both = one.covers & other.covers & ~flows.volume
        if both.any() and one.change.meets(other.change):
            row = flows.labels[both].iloc[0]
            first, second = (str(contract.change) for contract in (one, other))
            raise ScenarioError(
                f"two contracts bill the same usage of {row['provider']}/{row['model']} on the same days: {first}; "
                f"{second}; write their rules in one contract, or narrow one of them"
            )


def _only_in(acted: _Acted, within: FloatArray | None) -> _Acted:
    """Let what a branch makes count in its own draws alone; ``within`` (draw,) is 1 there, None is everywhere."""
    if within is None:
        return acted
    term = by_path(within)
    flows = acted.flows.times(np.ones(len(acted.flows), dtype=bool), term)
    lines = tuple(replace(line, money=line.money * within[:, None]) for line in acted.lines)
    return _Acted(flows, lines, tuple(replace(c, share=within) for c in acted.contracts))


def _unpriced(projection: Projection, scene: Scene, unpriced: Unpriced, workings: Workings) -> pd.DataFrame:
    """Lanes of the projection without a price; an error unless they are to be left out."""

    def found() -> pd.DataFrame:
        flows = workings.begun().taken(np.arange(len(projection.drivers.lanes), dtype=np.intp))
        return unpriced_shares(projection.drivers, LanePrices(scene.book(flows), with_tier(flows.labels), None))

    excluded = workings.once("excluded", found)
    if len(excluded) and unpriced == "refuse":
        raise PlanError(
            f"{name_unpriced(excluded)}; add them to the price book "
            "(PriceBook.from_frame(rows).over(PriceBook.builtin()); [[prices.rows]] in a plan file; "
            "PriceBook.blended for total_tokens), or leave these lines out with unpriced='exclude'"
        )
    return excluded


def _no_new_gaps(flows: Flows, missing: BoolArray, excluded: pd.DataFrame) -> None:
    """Refuse flows that a change sends where nothing has a price."""
    known = set(zip(excluded["provider"], excluded["model"], excluded["unit"], strict=True))
    for provider, model, unit in flows.labels.loc[missing, ["provider", "model", "unit"]].to_numpy():
        own = None if pd.isna(provider) else str(provider)
        if (own, model, unit) not in known:
            raise ScenarioError(
                f"a change sends usage to {own or 'any provider'}/{model} {unit}, which has no price on some day; "
                "add it to the price book"
            )
