"""A scenario: an ordered list of changes with a name, perhaps with branches. The empty scenario changes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from forecast.calendars import date_of
from forecast.drawing import one_line
from forecast.errors import ScenarioError, nearest
from forecast.panel import FloatArray
from forecast.shown import Result, Shown, short_repr, table_of
from scenarios.changes import Change, World, label_of
from scenarios.dependence import Dependence, ties_of

if TYPE_CHECKING:
    from forecast.lanes import Unpriced
    from forecast.prices import PriceBook
    from forecast.projection import Projection
    from scenarios.comparing.effects import Effect

#: What nothing changes is called.
AS_FORECAST: Final = "as forecast"
#: Why something is left out of what was known on a day.
UNDATED: Final = "which does not say when it was stated (stated_on)"
LATER: Final = "which was stated later"
LOOSE: Final = "which ties what is left out"
#: How far a sum of weights may be from 1: that of rounding a handful of decimal fractions.
_SLACK = 1e-9
#: Changes that a short name tells.
_CALLED: Final = 4


@dataclass(frozen=True, slots=True, init=False, repr=False)
class Scenario(Result):
    """What if: changes on the drivers of cost.

    Parameters
    ----------
    name : str
    changes : iterable of changes
        Such as :class:`Growth` and :class:`PriceChange`. On one driver they act in the order given; changes on
        different drivers commute.
    description : str
        Why it is looked at.
    dependence : iterable of CommonFactor, RankCorrelation
        What makes uncertain parameters move together; each on its own where none is given.
    stated_on : date, or mapping of str to date, optional
        When its changes were stated: a day for all of them, or days by what a change is called (its name, kind or
        key). It moves no number and is no part of what makes two scenarios equal; :meth:`known_on` goes by it.
    """

    name: str
    changes: tuple[Change, ...]
    description: str
    dependence: tuple[Dependence, ...]
    branches: tuple[tuple[float, Scenario], ...]
    #: The day on which a change was stated, by its key; what is not here has no day.
    stated: tuple[tuple[str, pd.Timestamp], ...] = field(compare=False, repr=False)

    def __init__(
        self,
        name: str = AS_FORECAST,
        changes: Iterable[Change] = (),
        description: str = "",
        *,
        dependence: Iterable[Dependence] = (),
        stated_on: str | dt.date | Mapping[str, str | dt.date] | None = None,
    ) -> None:
        if not isinstance(name, str) or not name.strip():
            raise ScenarioError("a scenario needs a name")
        if isinstance(changes, Change):
            raise ScenarioError(f"scenario {name!r}: changes: wanted a list, such as [Growth(monthly=0.03)]")
        listed, tied = tuple(changes), tuple(dependence)
        for change in listed:
            if isinstance(change, type) or not isinstance(change, Change):
                raise ScenarioError(
                    f"scenario {name!r}: {change!r} is not a change; wanted Growth(...), PriceChange(...) and the like"
                )
        for tie in tied:
            if not isinstance(tie, Dependence):
                raise ScenarioError(
                    f"scenario {name!r}: dependence {tie!r}: wanted CommonFactor(...) or RankCorrelation(...)"
                )
        _once(name, listed)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "changes", listed)
        object.__setattr__(self, "description", description)
        object.__setattr__(self, "dependence", tied)
        object.__setattr__(self, "branches", ())
        object.__setattr__(self, "stated", _stated(name, listed, stated_on))
        ties_of(self.every_change(), tied)

    def show(self) -> Shown:
        """What changes, and what each change assumes; branches with their weights."""
        stated = dict(self.stated)
        rows = [(label_of(c), c.describe(), stated.get(c.key)) for c in self.changes]
        changes = pd.DataFrame(rows, columns=["change", "assumes", "stated on"]).dropna(axis="columns", how="all")
        below = [(b.name, w, b.describe().removeprefix(f"{b.name}: ")) for w, b in self.branches]
        branches = pd.DataFrame(below, columns=["branch", "weight", "assumes"])
        tables = (
            table_of(changes, kinds={"assumes": "words"}, most=None, labels=1),
            table_of(
                branches, kinds={"weight": "share", "assumes": "words"}, caption="One of these.", most=None, labels=1
            ),
        )
        said = self.description or ("" if self.changes or self.branches else "Nothing changes but what is forecast.")
        return Shown(f"Scenario: {self.name}", said, tables, tuple(tie.describe() for tie in self.dependence))

    def __repr__(self) -> str:
        """One line: its name, and what its changes and branches are called."""
        called = [label_of(c) for c in self.changes]
        told = ", ".join(called[:_CALLED]) + (f" and {len(called) - _CALLED} more" if len(called) > _CALLED else "")
        parts = [
            repr(one_line(self.name, 60)),
            f"[{told}]",
            *([f"{len(self.branches)} branches"] if self.branches else []),
        ]
        return f"Scenario({', '.join(parts)})"

    def __or__(self, other: Scenario) -> Scenario:
        """These changes, then the other's; branches of both are crossed.

        Raises
        ------
        ScenarioError
            A change stands in both.
        """
        if not isinstance(other, Scenario):
            return NotImplemented
        parts = [s for s in (self, other) if s.changes or s.branches or s.dependence or s.name != AS_FORECAST]
        name = " | ".join(s.name for s in parts) or self.name
        text = " ".join(s.description for s in (self, other) if s.description)
        days = dict((*self.stated, *other.stated))
        made = Scenario(name, (*self.changes, *other.changes), text, stated_on=days)
        branches = [(w, b) for w, b in self.branches]
        if other.branches:
            branches = [(v * w, a | b) for v, a in (self.branches or ((1.0, Scenario()),)) for w, b in other.branches]
        return _with(made, tuple(branches), (*self.dependence, *other.dependence))

    def tree(self, branches: Sequence[tuple[float, Scenario]], *, name: str | None = None) -> Scenario:
        """These changes, and after them those of one of several branches.

        A branch is drawn once a path, in exact counts: of n draws, a branch of weight w gets w · n, to the nearest
        whole number. Quantiles are those of the pooled draws.

        Parameters
        ----------
        branches : sequence of (weight, Scenario)
            Weights sum to 1; a branch may itself have branches.
        name : str, optional

        Raises
        ------
        ScenarioError
            Weights are below 0 or do not sum to 1, two branches have one name, or a change stands twice.
        """
        if isinstance(branches, Mapping):
            raise ScenarioError("tree: wanted (weight, Scenario) pairs, such as [(0.6, calm), (0.4, boom)]")
        listed = tuple(branches)
        if not listed or not all(isinstance(b, Scenario) for _, b in listed):
            raise ScenarioError("tree: wanted (weight, Scenario) pairs, such as [(0.6, calm), (0.4, boom)]")
        for weight, branch in listed:
            if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight <= 1:
                raise ScenarioError(f"tree: the weight of {branch.name!r} is {weight!r}: wanted a number from 0 to 1")
        total = sum(weight for weight, _ in listed)
        if abs(total - 1.0) > _SLACK:
            raise ScenarioError(f"tree: the weights sum to {total:g}, not to 1")
        names = [branch.name for _, branch in listed]
        if len(set(names)) < len(names):
            raise ScenarioError("tree: two branches have one name; give each its own")
        made = self if name is None else self.named(name)
        flat = [(float(w), b) for w, b in listed]
        if self.branches:
            flat = [(v * w, a | b) for v, a in self.branches for w, b in flat]
        return _with(made, tuple(flat), self.dependence)

    def named(self, name: str, description: str | None = None) -> Scenario:
        """The same under another name."""
        text = self.description if description is None else description
        made = Scenario(name, self.changes, text, stated_on=dict(self.stated))
        return _with(made, self.branches, self.dependence)

    def independent(self) -> Scenario:
        """The same with every parameter drawn on its own."""
        return _with(self, tuple((w, b.independent()) for w, b in self.branches), ())

    def every_change(self) -> tuple[Change, ...]:
        """Its own changes, then those of its branches."""
        return (*self.changes, *(c for _, b in self.branches for c in b.every_change()))

    def every_dependence(self) -> tuple[Dependence, ...]:
        """Its own dependences, then those of its branches."""
        return (*self.dependence, *(d for _, b in self.branches for d in b.dependence))

    def only(self, keys: Iterable[str]) -> Scenario:
        """The same with no other changes than those of some keys."""
        kept = set(keys)
        days = {key: day for key, day in self.stated if key in kept}
        made = Scenario(self.name, [c for c in self.changes if c.key in kept], self.description, stated_on=days)
        return _with(made, tuple((w, b.only(kept)) for w, b in self.branches), ())

    def keeping(self, keys: Iterable[str]) -> Scenario:
        """As :meth:`only`, with the dependences whose names all fit what is kept."""
        kept = set(keys)
        made = _with(self.only(kept), tuple((w, b.keeping(kept)) for w, b in self.branches), ())
        return _with(made, made.branches, _fitting(made.every_change(), self.dependence)[0])

    def known_on(self, date: str | dt.date) -> KnownScenario:
        """What of it had been stated by a day, and what is left out.

        A change without a day on which it was stated may have been made with hindsight, and is left out.

        Raises
        ------
        ScenarioError
            ``date`` is no date.
        """
        day = date_of(date, f"scenario {self.name!r}: known_on", ScenarioError)
        own = dict(self.stated)
        late = [c for c in self.changes if c.key not in own or own[c.key] > day]
        out = [LeftOut(label_of(c), c.describe(), own.get(c.key), LATER if c.key in own else UNDATED) for c in late]
        days = {key: on for key, on in own.items() if on <= day}
        kept = Scenario(self.name, [c for c in self.changes if c.key in days], self.description, stated_on=days)
        below = [(weight, branch.known_on(day)) for weight, branch in self.branches]
        made = _with(kept, tuple((weight, one.scenario) for weight, one in below), ())
        ties, loose = _fitting(made.every_change(), self.dependence)
        out += [one for _, branch in below for one in branch.left_out]
        out += [LeftOut("dependence", tie.describe(), None, LOOSE) for tie in loose]
        return KnownScenario(_with(made, made.branches, ties), tuple(out))

    def swapped(self, swaps: Mapping[str, Change | None], added: Iterable[Change] = ()) -> Scenario:
        """The same with other changes in place of those of some keys, none for None, and more after its own.

        Raises
        ------
        ScenarioError
            A change stands twice, or what a dependence ties is gone.
        """
        kept = [swaps.get(c.key, c) for c in self.changes]
        days = {key: day for key, day in self.stated if key not in swaps}
        changes = [*(c for c in kept if c is not None), *added]
        made = Scenario(self.name, changes, self.description, stated_on=days)
        return _with(made, tuple((w, b.swapped(swaps)) for w, b in self.branches), self.dependence)

    def world(self, world: World) -> World:
        """The random numbers, with what this scenario ties together beside what is tied already."""
        every = self.every_dependence()
        return replace(world, ties=(*world.ties, *ties_of(self.every_change(), every))) if every else world

    def alternatives(self, world: World) -> list[tuple[Scenario, FloatArray | None]]:
        """Its branches made flat, each with the draws that it holds in (draw,): 1 there, else 0; None: in all."""
        if not self.branches:
            return [(self, None)]
        flat = _flat(self)
        turn = np.argsort(np.argsort(world.alone("tree", self.name), kind="stable"), kind="stable")
        edge = np.cumsum([0, *_counts([w for w, _ in flat], world.draws)])
        return [
            (branch, ((turn >= low) & (turn < high)).astype("float64"))
            for (_, branch), low, high in zip(flat, edge[:-1], edge[1:], strict=True)
        ]

    def effect(
        self,
        projection: Projection,
        *,
        prices: PriceBook | None = None,
        draws: int = 1_000,
        seed: int = 0,
        unpriced: Unpriced = "refuse",
    ) -> Effect:
        """Driver by driver, what it does to a projection, and what that is worth.

        Raises
        ------
        ScenarioError, PlanError, PriceError
            A change does not fit the projection, or usage has no price.
        """
        from scenarios.comparing.effects import effect_of

        return effect_of(self, projection, prices=prices, draws=draws, seed=seed, unpriced=unpriced)

    def describe(self) -> str:
        """In plain words, what it assumes: one line a change."""
        own = "; ".join(change.describe() for change in self.changes)
        parts = [own] if own else []
        parts += [f"with a weight of {w:.0%}: {b.describe()}" for w, b in self.branches]
        parts += [tie.describe() for tie in self.dependence]
        return f"{self.name}: " + ("; ".join(parts) or "nothing changes but what is forecast")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What of a scenario is left out on a day.

    Attributes
    ----------
    label : str
        What a change is called; "dependence" for a tie of changes that are left out.
    told : str
        In words, what it assumes.
    stated_on : Timestamp, optional
        When it was stated; None where nobody says, and for a tie.
    why : str
        Why it is left out, as a sentence goes on after its label.
    """

    __repr__ = short_repr

    label: str
    told: str
    stated_on: pd.Timestamp | None
    why: str


@dataclass(frozen=True, slots=True)
class KnownScenario(Result):
    """A scenario as it had been stated by a day, and what of it is left out."""

    __repr__ = short_repr

    scenario: Scenario
    left_out: tuple[LeftOut, ...]

    def show(self) -> Shown:
        """What had been stated, and what is left out and why."""
        rows = [(one.label, one.told, one.stated_on, one.why) for one in self.left_out]
        frame = pd.DataFrame(rows, columns=["left out", "assumes", "stated on", "why"])
        table = table_of(frame, kinds={"assumes": "words", "why": "words"}, labels=1, most=None)
        known = self.scenario.show()
        return replace(known, tables=(*known.tables, table))


def _fitting(
    changes: tuple[Change, ...], dependence: tuple[Dependence, ...]
) -> tuple[tuple[Dependence, ...], tuple[Dependence, ...]]:
    """The dependences whose names all fit some changes, and those that tie what is not there."""
    fit: list[Dependence] = []
    loose: list[Dependence] = []
    for tie in dependence:
        try:
            ties_of(changes, [tie])
        except ScenarioError:
            loose.append(tie)
        else:
            fit.append(tie)
    return tuple(fit), tuple(loose)


def _flat(scenario: Scenario) -> list[tuple[float, Scenario]]:
    """Its leaves, each with its weight: what stands above them, then their own."""
    if not scenario.branches:
        return [(1.0, scenario)]
    bare = Scenario(scenario.name, scenario.changes, scenario.description, stated_on=dict(scenario.stated))
    return [(w * v, bare | leaf) for w, b in scenario.branches for v, leaf in _flat(b)]


def _with(
    scenario: Scenario, branches: tuple[tuple[float, Scenario], ...], dependence: tuple[Dependence, ...]
) -> Scenario:
    """The same changes under some branches and dependences, checked together."""
    made = Scenario(scenario.name, scenario.changes, scenario.description, stated_on=dict(scenario.stated))
    object.__setattr__(made, "branches", branches)
    object.__setattr__(made, "dependence", dependence)
    for _, leaf in _flat(made):
        _once(made.name, leaf.changes)
    ties_of(made.every_change(), dependence)
    return made


def _once(name: str, changes: tuple[Change, ...]) -> None:
    keys = [c.key for c in changes]
    twice = sorted({k for k in keys if keys.count(k) > 1})
    if twice:
        label = next(label_of(c) for c in changes if c.key == twice[0])
        raise ScenarioError(
            f"scenario {name!r}: the change {label} ({twice[0]}) stands twice; remove one, or tell them apart by name="
        )


def _stated(
    name: str, changes: tuple[Change, ...], stated_on: str | dt.date | Mapping[str, str | dt.date] | None
) -> tuple[tuple[str, pd.Timestamp], ...]:
    """The day of each change that has one, by its key."""
    what = f"scenario {name!r}: stated_on"
    if stated_on is None:
        return ()
    if not isinstance(stated_on, Mapping):
        day = date_of(stated_on, what, ScenarioError)
        return tuple((c.key, day) for c in changes)
    called = {c.key for c in changes} | {label_of(c) for c in changes}
    for one in stated_on:
        if one not in called:
            there = sorted(label_of(c) for c in changes)
            raise ScenarioError(
                f"{what}: {one!r} is none of its changes; there are {', '.join(there) or 'none'}{nearest(one, called)}"
            )
    given = {one: date_of(day, f"{what}[{one!r}]", ScenarioError) for one, day in stated_on.items()}
    found = ((c.key, given.get(c.key, given.get(label_of(c)))) for c in changes)
    return tuple((key, day) for key, day in found if day is not None)


def _counts(weights: Sequence[float], draws: int) -> list[int]:
    """How many draws each branch gets: the largest remainders are rounded up."""
    exact = np.array(weights) * draws
    counts = np.floor(exact + _SLACK).astype(int)
    order = np.argsort(-(exact - counts), kind="stable")
    counts[order[: draws - int(counts.sum())]] += 1
    return [int(c) for c in counts]
