"""What is drawn. Comes in: a plan. Goes out: every random number that its total hangs on, by what draws it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Any, Final

from forecast.panel import FloatArray
from forecast.streams import stratified
from scenarios.changes import Change, World, label_of
from scenarios.changes.base import parameters_of
from scenarios.changes.world import Tie

Key = tuple[str, ...]

#: The stream of the forecast: which trajectory, and its smoothing.
FORECAST: Final[Key] = ("forecast",)
#: What numbers are called that are none of a change's fields.
_WORDS: Final = {"coin": "happens", "gap": "events"}


@dataclass(frozen=True, slots=True)
class _Silent:
    """A tie that says nothing; a world with it is kept apart from every other."""

    def uniform(self, world: World, key: Key) -> FloatArray | None:
        return None


_SILENT: Final[Tie] = _Silent()


@dataclass(slots=True)
class Notes:
    """What was heard of one who draws.

    Attributes
    ----------
    numbers : dict
        Each number, with the streams that it is made of: of one that is tied, more than its own.
    values : dict
        Its uniform numbers (draw,).
    own_seed : bool
        Whether random numbers were made of the seed itself, such as those of a random walk.
    """

    numbers: dict[Key, frozenset[Key]] = field(default_factory=dict)
    values: dict[Key, FloatArray] = field(default_factory=dict)
    own_seed: bool = False


class Listening(World):
    """The same random numbers as a world's, some of them put in place of; who draws what is noted.

    Parameters
    ----------
    world : World
    swaps : mapping of float arrays
        Numbers (draw,) in place of a stream's own.
    seed : int, optional
        In place of the seed, for those who make random numbers of it themselves.
    """

    __slots__ = ("_root", "_streams", "notes", "swaps")

    _root: int
    _streams: list[Key]
    notes: Notes
    swaps: dict[Key, FloatArray]

    def __init__(self, world: World, swaps: Mapping[Key, FloatArray] | None = None, *, seed: int | None = None) -> None:
        World.__init__(self, world.draws, world.seed if seed is None else seed, (_SILENT, *world.ties))
        for name, value in (
            ("_root", world.seed),
            ("_streams", []),
            ("notes", Notes()),
            ("swaps", dict(swaps or {})),
        ):
            object.__setattr__(self, name, value)

    def __getattribute__(self, name: str) -> Any:
        if name == "seed":
            object.__getattribute__(self, "notes").own_seed = True
        return object.__getattribute__(self, name)

    def alone(self, *key: str) -> FloatArray:
        """One stream's numbers: (draw,)."""
        self._streams.append(key)
        self.notes.numbers.setdefault(key, frozenset([key]))
        swapped = self.swaps.get(key)
        found = stratified(self._root, self.draws, "scenario", *key) if swapped is None else swapped
        self.notes.values.setdefault(key, found)
        return found

    def uniform(self, *key: str) -> FloatArray:
        """One number's values (draw,), tied or not."""
        self._streams.clear()
        known = set(self.notes.numbers)
        found = World.uniform(self, *key)
        made_of = frozenset(self._streams)
        for other in made_of - known - {key}:
            # A tie's own stream is no number of its own.
            del self.notes.numbers[other], self.notes.values[other]
        self.notes.numbers[key] = made_of
        self.notes.values[key] = found
        return found


@dataclass(frozen=True, slots=True)
class Drawn:
    """One row of a table: numbers that are looked at together.

    Attributes
    ----------
    name : str
    streams : frozenset of Key
        What they are made of; none of it is another row's.
    values : tuple of float array (draw,)
        The uniform numbers, as far as they are single ones.
    pinned : Key, optional
        The stream of a row that is one number of one stream, which can be held.
    falls : bool
        Whether a low number of that stream is a high value: a coin falls where its number is below the probability.
    """

    name: str
    streams: frozenset[Key]
    values: tuple[FloatArray, ...] = ()
    pinned: Key | None = None
    falls: bool = False


def seed_of(change: Change) -> Key:
    """What stands for the random numbers that a change makes of the seed itself."""
    return "seed", change.key


def parameter_of(change: Change, key: Key) -> str:
    """What a reader calls a number that a change draws."""
    drawn = key[2] if len(key) > 2 and key[0] == change.key else ".".join(key[1:]) or key[0]
    if drawn in _WORDS:
        return f"{label_of(change)}.{_WORDS[drawn]}"
    given = (f for f, glob in parameters_of(change).items() if glob and fnmatchcase(drawn, glob))
    return f"{label_of(change)}.{next((f for f in given if getattr(change, f, None) is not None), drawn)}"


def joined(rows: list[tuple[str, str, Drawn]]) -> list[Drawn]:
    """Rows of one identity are one, and so are rows that share a stream: what is tied is looked at together.

    ``rows`` are an identity, what tells it apart where two have one name, and the row of one number.
    """
    whole: dict[str, list[Drawn]] = {}
    owner: dict[str, str] = {}
    for identity, told, row in rows:
        whole.setdefault(identity, []).append(row)
        owner[identity] = told
    names = {identity: some[0].name for identity, some in whole.items()}
    every = list(names.values())
    groups: list[tuple[list[str], list[Drawn]]] = []
    for identity, some in whole.items():
        name = names[identity]
        called, mine = [name if every.count(name) == 1 else f"{name} ({owner[identity]})"], list(some)
        streams = frozenset[Key]().union(*(row.streams for row in mine))
        apart = []
        for others, theirs in groups:
            if streams & frozenset[Key]().union(*(row.streams for row in theirs)):
                called, mine = [*others, *called], [*theirs, *mine]
                streams = frozenset[Key]().union(*(row.streams for row in mine))
            else:
                apart.append((others, theirs))
        groups = [*apart, (called, mine)]
    return [_one(" + ".join(called), mine) for called, mine in groups]


def _one(name: str, rows: list[Drawn]) -> Drawn:
    """Several rows as one."""
    streams = frozenset[Key]().union(*(row.streams for row in rows))
    values = tuple(value for row in rows for value in row.values)
    return replace(rows[0], name=name) if len(rows) == 1 else Drawn(name, streams, values)
