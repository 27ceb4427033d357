"""Replays. Comes in: a plan. Goes out: its totals once more, with some of its random numbers drawn anew or held."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from forecast.panel import FloatArray
from forecast.projection import Draws, Projection
from forecast.streams import stratified, stream
from scenarios.budget.beside import outcomes_of, rows_in, total_of
from scenarios.budget.hearing import FORECAST, Drawn, Key, Listening, joined, parameter_of, seed_of
from scenarios.changes import Change, World, label_of
from scenarios.costing import Course, Leaf
from scenarios.outcome import Outcome

if TYPE_CHECKING:
    from scenarios.budget.budget_plan import BudgetPlan

#: Of how many parts of the draws one is taken for those that are nearest to a level.
_NEAREST: Final = 50
_TREE: Final = "tree"
_FORECAST_NAME: Final = "forecast"
_BRANCHES: Final = "branches"
_COMPONENTS: Final = "components"


@dataclass(frozen=True, slots=True)
class _Voice:
    """One number: how rows by parameter, by component and by driver call it, each with its identity."""

    key: Key
    names: Mapping[str, tuple[str, str]]
    told: str
    row: Drawn


@dataclass(slots=True)
class Replay:
    """What makes a plan's totals again.

    Attributes
    ----------
    plan : BudgetPlan
    world : World
        Its random numbers, with all that is tied.
    made : Outcome
        What the plan's scenario costs.
    uses : dict
        The streams that each change draws from, by its key.
    voices : list
        Every number that is drawn.
    """

    plan: BudgetPlan
    world: World
    made: Outcome
    uses: dict[str, frozenset[Key]]
    voices: list[_Voice]
    _seed: int
    _other: FloatArray | None = None

    @classmethod
    def of(cls, plan: BudgetPlan) -> Replay:
        """Make it once as it is, and listen to what draws."""
        spec = plan.spec.laid
        tied = spec.scenario.world(spec.tied(World(spec.draws, spec.seed)))
        ears: dict[str, Listening] = {c.key: Listening(tied) for c in spec.scenario.every_change()}
        whole = Listening(tied)
        leaves = tuple(
            Leaf(tuple((c, ears[c.key]) for c in leaf.changes), within)
            for leaf, within in spec.scenario.alternatives(whole)
        )
        (made,) = outcomes_of(spec, plan.projection, [Course(spec.scenario.name, leaves)], (), 1, None)
        voices = _branches(whole)
        rows_in(spec, made, whole)
        owners = {c.key: c for c in spec.scenario.every_change()}
        uses = {key: _streams(ear, owners[key]) for key, ear in ears.items()}
        for key, ear in ears.items():
            voices += _of_change(ear, owners[key])
        voices += _of_lines(whole)
        seed = int(stream(spec.seed, "sensitivity").integers(2**31))
        return cls(plan, tied, made, uses, voices, seed)

    def rows(self, by: str) -> list[Drawn]:
        """The rows of a table."""
        rows = [(voice.names[by][0], voice.told, replace(voice.row, name=voice.names[by][1])) for voice in self.voices]
        return joined([("", "trajectories", Drawn(_FORECAST_NAME, frozenset([FORECAST]))), *rows])

    def anew(self, streams: Collection[Key]) -> FloatArray:
        """Totals (draw,) with some streams drawn anew."""
        spec = self.plan.spec.laid
        swaps = {key: stratified(self._seed, spec.draws, *key) for key in streams if not _special(key)}
        dealt = self.plan.projection.draws(spec.draws, self._seed) if FORECAST in streams else None
        return self._totals(swaps, {}, dealt, reseeded=streams)

    def everything_anew(self) -> FloatArray:
        """Totals (draw,) with all that is drawn anew, the same that :meth:`anew` draws for each row; made once."""
        if self._other is None:
            every = frozenset([FORECAST]).union(*(voice.row.streams for voice in self.voices))
            self._other = self.anew(every)
        return self._other

    def held(self, row: Drawn, level: float, score: FloatArray) -> FloatArray:
        """Totals (draw,) with a row held at a level: one number there, several as in the draws whose score is nearest.

        ``score`` (draw,) orders the draws; the fiftieth of them around the level is dealt out again and again.
        """
        spec = self.plan.spec.laid
        if row.single is not None:
            at = 1.0 - level if row.falls else level
            return self._totals({}, {row.single: np.full(spec.draws, at)}, None, reseeded=())
        wide = max(1, spec.draws // _NEAREST)
        first = min(max(round(level * spec.draws - wide / 2), 0), spec.draws - wide)
        chosen = np.resize(np.argsort(score, kind="stable")[first : first + wide], spec.draws)
        dealt = None
        if FORECAST in row.streams:
            own = self.plan.projection.draws(spec.draws, spec.seed)
            dealt = Draws(own.trajectory[chosen], own.log_factor[chosen])
        return self._totals({}, {key: value[chosen] for key, value in row.values.items()}, dealt, reseeded=())

    def _totals(
        self,
        swaps: Mapping[Key, FloatArray],
        held: Mapping[Key, FloatArray],
        dealt: Draws | None,
        *,
        reseeded: Collection[Key],
    ) -> FloatArray:
        spec = self.plan.spec.laid
        lines = Listening(self.world, swaps, held=held)
        within = any(key[0] == _TREE for key in swaps)
        courses, touched = [], dealt is not None or within
        for leaf, share in spec.scenario.alternatives(lines if within else self.world):
            changes = []
            for change in leaf.changes:
                again = seed_of(change) in reseeded
                moves = again or not self.uses[change.key].isdisjoint({*swaps, *held})
                seed = self._seed if again else None
                changes.append((change, Listening(self.world, swaps, seed=seed, held=held) if moves else self.world))
                touched = touched or moves
            courses.append(Leaf(tuple(changes), share))
        made = self.made
        if touched:
            projection = self.plan.projection if dealt is None else _redealt(self.plan.projection, dealt)
            known = self.plan.workings.copied() if dealt is None else None
            course = Course(spec.scenario.name, tuple(courses))
            (made,) = outcomes_of(spec, projection, [course], (), 1, known)
        return total_of(spec, made, lines)


class _Redealt(Projection):
    """The same trajectories, dealt to draws in another way."""

    __slots__ = ("dealt",)
    dealt: Draws

    def draws(self, count: int, seed: int) -> Draws:
        """What was dealt."""
        return self.dealt


def _redealt(projection: Projection, dealt: Draws) -> Projection:
    """A projection whose draws follow given trajectories."""
    made = _Redealt(**{f.name: getattr(projection, f.name) for f in fields(Projection) if f.init})
    object.__setattr__(made, "dealt", dealt)
    return made


def _special(key: Key) -> bool:
    """Whether it stands for random numbers that are no stream of uniform ones."""
    return key == FORECAST or key[0] == "seed"


def _streams(ear: Listening, change: Change) -> frozenset[Key]:
    """What a change draws from."""
    own = frozenset([seed_of(change)]) if ear.notes.own_seed else frozenset[Key]()
    return own.union(*ear.notes.numbers.values())


def _single(ear: Listening, key: Key) -> Drawn:
    """The row of one number."""
    made_of = ear.notes.numbers[key]
    single = key if made_of == {key} and key[0] != _TREE else None
    return Drawn("", made_of, {key: ear.notes.values[key]}, single, key[-1] == "coin")


def _branches(whole: Listening) -> list[_Voice]:
    """The draw of a tree's branch."""
    names = dict.fromkeys(("parameter", "component", "driver"), (_BRANCHES, _BRANCHES))
    return [_Voice(key, names, "tree", _single(whole, key)) for key in whole.notes.numbers]


def _of_change(ear: Listening, change: Change) -> list[_Voice]:
    """What a change draws."""
    label, own = label_of(change), f"change {change.key}"
    coarse = {"component": (own, label), "driver": (f"step {change.step}", change.step)}
    made = []
    for key in ear.notes.numbers:
        name = parameter_of(change, key)
        made.append(_Voice(key, coarse | {"parameter": (f"{own} {name}", name)}, change.key, _single(ear, key)))
    if ear.notes.own_seed:
        name, key = f"{label}.path", seed_of(change)
        row = Drawn("", frozenset([key]))
        made.append(_Voice(key, coarse | {"parameter": (f"{own} {name}", name)}, change.key, row))
    return made


def _of_lines(whole: Listening) -> list[_Voice]:
    """What components draw."""
    made = []
    for key in whole.notes.numbers:
        if key[0] == _TREE:
            continue
        line, name = (key[1], ".".join(key[1:])) if key[0] == "component" and len(key) > 2 else (key[0], ".".join(key))
        names = {
            "parameter": (f"line {name}", name),
            "component": (f"line {line}", line),
            "driver": (_COMPONENTS, _COMPONENTS),
        }
        made.append(_Voice(key, names, "component", _single(whole, key)))
    return made
