"""The kinds of change. Comes in: the name that a file gives. Goes out: the class, ours or that of another package."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Final, get_type_hints

from forecast.errors import ScenarioError, one_of
from scenarios.changes import KINDS, Change
from scenarios.dependence import CommonFactor, Dependence, RankCorrelation

#: Other packages bring changes by this group: the name is the kind, and each entry is a frozen dataclass that keeps
#: the protocol :class:`Change`.
ENTRY_POINTS: Final = "tokenplan.changes"
#: What may make parameters move together, by the name that a file gives.
TIES: Final[dict[str, type[Dependence]]] = {"common_factor": CommonFactor, "rank_correlation": RankCorrelation}
#: The members of the protocol.
_MEMBERS: Final = tuple(name for name in dir(Change) if not name.startswith("_"))


class ChangeKinds(Mapping[str, type[Any]]):
    """Every kind of change by name: the library's own, then those that installed packages bring.

    A class of another package is loaded and checked when its kind is asked for: one that is broken stops nothing else.
    """

    def __getitem__(self, kind: str) -> type[Any]:
        """The class of a kind.

        Raises
        ------
        ScenarioError
            The kind is not known, another package's bears the name of one of ours, or what is brought is no change.
        """
        brought = [point for point in _points() if point.name == kind]
        if kind in KINDS and brought:
            raise ScenarioError(
                f"the change {kind!r}, brought by {brought[0].value}, bears the name of one of tokenplan's own; "
                "its package must rename it, or be removed"
            )
        if kind in KINDS:
            return KINDS[kind]
        one_of("kind", kind, self, ScenarioError)
        if len({point.value for point in brought}) > 1:
            named = " and ".join(point.value for point in brought)
            raise ScenarioError(f"the change {kind!r} is brought by {named}; remove one of the packages")
        return _loaded(brought[0])

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(dict.fromkeys((*KINDS, *(point.name for point in _points()))))

    def __len__(self) -> int:
        """How many."""
        return len(list(iter(self)))

    def __contains__(self, kind: object) -> bool:
        """Whether there is one of the name; it need not hold."""
        return kind in tuple(self)


def kind_in_file(change: object) -> str:
    """The name of a change's kind.

    Raises
    ------
    ScenarioError
        Its class is no kind that a file may name.
    """
    maker = type(change)
    for kind, known in KINDS.items():
        if known is maker:
            return kind
    own = f"{maker.__module__}:{maker.__qualname__}"
    # The package's own points first: one that is broken elsewhere need not be loaded.
    for point in sorted(_points(), key=lambda p: p.value != own):
        if _loaded(point) is maker:
            return point.name
    raise ScenarioError(
        f"{maker.__name__} is no kind that a file may name; there are {', '.join(ChangeKinds())}. Its package can "
        f"bring it by the entry point {ENTRY_POINTS}, under a name of its choice: {own!r}"
    )


def _points() -> tuple[EntryPoint, ...]:
    """What installed packages bring."""
    return _points_along(tuple(sys.path))


@cache
def _points_along(path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """Those found along a path: looking takes longer than reading a scenario does."""
    return tuple(entry_points(group=ENTRY_POINTS))


def _loaded(point: EntryPoint) -> type[Any]:
    where = f"the change {point.name!r}, brought by {point.value},"
    try:
        made = point.load()
    except Exception as cause:  # whatever another package's code raises
        raise ScenarioError(f"{where} cannot be loaded: {type(cause).__name__}: {cause}") from cause
    if not isinstance(made, type) or not is_dataclass(made):
        raise ScenarioError(f"{where} is no dataclass: the keys of a file are the fields of one")
    own = {f.name for f in fields(made)}
    if lacking := [name for name in _MEMBERS if name not in own and not hasattr(made, name)]:
        raise ScenarioError(f"{where} is no change: it lacks {', '.join(lacking)}")
    try:
        get_type_hints(made)
    except (NameError, TypeError) as cause:
        raise ScenarioError(f"{where} has type hints that cannot be read: {cause}") from cause
    return made
