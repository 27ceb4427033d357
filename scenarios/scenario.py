"""A scenario: an ordered list of changes with a name. The empty scenario changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from forecast.errors import ScenarioError
from scenarios.changes import Change


@dataclass(frozen=True, slots=True, init=False)
class Scenario:
    """What if: changes that act in the order given.

    Parameters
    ----------
    name : str
    changes : iterable of changes
        Such as :class:`Growth` and :class:`PriceChange`.
    description : str
        Why it is looked at.
    """

    name: str
    changes: tuple[Change, ...]
    description: str

    def __init__(self, name: str = "as forecast", changes: Iterable[Change] = (), description: str = "") -> None:
        if not isinstance(name, str) or not name.strip():
            raise ScenarioError("a scenario needs a name")
        listed = tuple(changes)
        for change in listed:
            if not isinstance(change, Change):
                raise ScenarioError(
                    f"scenario {name!r}: {change!r} is not a change; wanted Growth(...), PriceChange(...) and the like"
                )
        keys = [c.key for c in listed]
        twice = sorted({k for k in keys if keys.count(k) > 1})
        if twice:
            raise ScenarioError(
                f"scenario {name!r}: the change {twice[0]} stands twice; remove one, or tell them apart by name="
            )
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "changes", listed)
        object.__setattr__(self, "description", description)

    def describe(self) -> str:
        """In plain words, what it assumes: one line a change."""
        if not self.changes:
            return f"{self.name}: nothing changes but what is forecast"
        return f"{self.name}: " + "; ".join(change.describe() for change in self.changes)
