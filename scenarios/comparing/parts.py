"""Between two scenarios. Comes in: both. Goes out: courses that take some changes from one, the rest from the other.

A draw takes one leaf of each scenario. What a course of a set S of players holds in that draw is the first leaf's
changes of players outside S, and the second leaf's of players in S, each with the random numbers of its own scenario.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from forecast.panel import FloatArray
from scenarios.changes import Change, World, label_of
from scenarios.changes.base import STEPS
from scenarios.costing import Course, Leaf
from scenarios.scenario import Scenario

#: Says to which player a change belongs.
Player = Callable[[Change], str]


@dataclass(frozen=True, slots=True)
class Between:
    """The courses between two scenarios.

    Attributes
    ----------
    players : tuple of str
        What differs, by name, in the order of reporting.
    """

    first: Course
    second: Course
    players: tuple[str, ...]
    player: Player

    def course(self, moved: frozenset[int]) -> Course:
        """The course in which the players of these numbers are as in the second scenario."""
        if not moved:
            return self.first
        if len(moved) == len(self.players):
            return self.second
        names = {self.players[i] for i in moved}
        leaves = []
        for a in self.first.leaves:
            for b in self.second.leaves:
                within = _both(a.within, b.within)
                if within is not None and not within.any():
                    continue
                kept = [pair for pair in a.changes if self.player(pair[0]) not in names]
                new = [pair for pair in b.changes if self.player(pair[0]) in names]
                leaves.append(Leaf((*kept, *new), within))
        return Course(f"{self.second.name}: {', '.join(sorted(names))}", tuple(leaves), lenient=True)


def between(first: Scenario, second: Scenario, world: World, *, player: Player) -> Between:
    """What differs between two scenarios, and every course between them."""
    a, b = Course.of(first, world), Course.of(second, world)
    every = list(dict.fromkeys(player(c) for c in (*first.every_change(), *second.every_change())))
    tied = first.dependence != second.dependence
    differ = [name for name in every if tied or not _alike(a, b, name, player)]
    return Between(a, b, tuple(differ), player)


def by_step(change: Change) -> str:
    """The player of a change where a bridge is told by step."""
    return change.step


def by_change(*scenarios: Scenario) -> Player:
    """The players where a bridge is told by change: one a key, called by its label."""
    names: dict[str, str] = {}
    for change in (c for s in scenarios for c in s.every_change()):
        if change.key not in names:
            label = label_of(change)
            taken = list(names.values())
            same = sum(t == label or t.startswith(f"{label} (") for t in taken)
            names[change.key] = f"{label} ({same + 1})" if same else label
    return lambda change: names[change.key]


def steps_in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Steps in the order in which a bridge tells them."""
    known: list[str] = list(STEPS)
    return tuple(sorted(names, key=lambda n: known.index(n) if n in known else len(known)))


def _alike(first: Course, second: Course, name: str, player: Player) -> bool:
    """Whether every leaf of both holds the same of a player."""
    held = [[c for c, _ in leaf.changes if player(c) == name] for course in (first, second) for leaf in course.leaves]
    return all(one == held[0] for one in held)


def _both(a: FloatArray | None, b: FloatArray | None) -> FloatArray | None:
    if a is None or b is None:
        return b if a is None else a
    return np.asarray(a * b)
