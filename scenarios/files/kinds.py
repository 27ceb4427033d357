"""The kinds of change. Comes in: the name that a file gives. Goes out: the class, ours or that of another package.

:class:`Kinds` serves whatever a file names by kind and other packages may bring: changes here, components too.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, get_type_hints

from forecast.errors import ScenarioError, TokenplanError, one_of
from scenarios.changes import KINDS, Change
from scenarios.dependence import CommonFactor, Dependence, RankCorrelation

#: Other packages bring changes by this group: the name is the kind, and each entry is a frozen dataclass that keeps
#: the protocol :class:`Change`.
ENTRY_POINTS: Final = "tokenplan.changes"
#: What may make parameters move together, by the name that a file gives.
TIES: Final[dict[str, type[Dependence]]] = {"common_factor": CommonFactor, "rank_correlation": RankCorrelation}


@dataclass(frozen=True, slots=True, eq=False)
class Kinds(Mapping[str, type[Any]]):
    """Every kind by name: the library's own, then those that installed packages bring.

    A class of another package is loaded and checked when its kind is asked for: one that is broken stops nothing else.

    Attributes
    ----------
    own : mapping of str to type
    protocol : type
        What each keeps; a class of another package needs its members.
    noun : str
        What messages call one.
    group : str
        The entry points by which packages bring them: the name is the kind.
    error : type
        What is raised.
    """

    own: Mapping[str, type[Any]]
    protocol: type[Any]
    noun: str
    group: str
    error: type[TokenplanError]

    def __getitem__(self, kind: str) -> type[Any]:
        """The class of a kind.

        Raises
        ------
        TokenplanError
            The kind is not known, another package's bears the name of one of ours, or what is brought is none.
        """
        brought = [point for point in self._points() if point.name == kind]
        if kind in self.own and brought:
            raise self.error(
                f"the {self.noun} {kind!r}, brought by {brought[0].value}, bears the name of one of tokenplan's own; "
                "its package must rename it, or be removed"
            )
        if kind in self.own:
            return self.own[kind]
        one_of("kind", kind, self, self.error)
        if len({point.value for point in brought}) > 1:
            named = " and ".join(point.value for point in brought)
            raise self.error(f"the {self.noun} {kind!r} is brought by {named}; remove one of the packages")
        return self._loaded(brought[0])

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(dict.fromkeys((*self.own, *(point.name for point in self._points()))))

    def __len__(self) -> int:
        """How many."""
        return len(list(iter(self)))

    def __contains__(self, kind: object) -> bool:
        """Whether there is one of the name; it need not hold."""
        return kind in tuple(self)

    def name_of(self, one: object) -> str:
        """The name of the kind of an object.

        Raises
        ------
        TokenplanError
            Its class is no kind that a file may name.
        """
        maker = type(one)
        for kind, known in self.own.items():
            if known is maker:
                return kind
        own = f"{maker.__module__}:{maker.__qualname__}"
        # The package's own points first: one that is broken elsewhere need not be loaded.
        for point in sorted(self._points(), key=lambda p: p.value != own):
            if self._loaded(point) is maker:
                return point.name
        raise self.error(
            f"{maker.__name__} is no kind that a file may name; there are {', '.join(self)}. Its package can "
            f"bring it by the entry point {self.group}, under a name of its choice: {own!r}"
        )

    def _points(self) -> tuple[EntryPoint, ...]:
        """What installed packages bring."""
        return _points_along(tuple(sys.path), self.group)

    def _loaded(self, point: EntryPoint) -> type[Any]:
        where = f"the {self.noun} {point.name!r}, brought by {point.value},"
        try:
            made = point.load()
        except Exception as cause:  # whatever another package's code raises
            raise self.error(f"{where} cannot be loaded: {type(cause).__name__}: {cause}") from cause
        if not isinstance(made, type) or not is_dataclass(made):
            raise self.error(f"{where} is no dataclass: the keys of a file are the fields of one")
        held = {f.name for f in fields(made)}
        members = [name for name in dir(self.protocol) if not name.startswith("_")]
        if lacking := [name for name in members if name not in held and not hasattr(made, name)]:
            raise self.error(f"{where} is no {self.noun}: it lacks {', '.join(lacking)}")
        try:
            get_type_hints(made)
        except (NameError, TypeError) as cause:
            raise self.error(f"{where} has type hints that cannot be read: {cause}") from cause
        return made


#: Every kind of change.
CHANGES: Final = Kinds(KINDS, Change, "change", ENTRY_POINTS, ScenarioError)


@cache
def _points_along(path: tuple[str, ...], group: str) -> tuple[EntryPoint, ...]:
    """Those found along a path: looking takes longer than reading a scenario does."""
    return tuple(entry_points(group=group))
