"""What a scenario's file says. Comes in: its tables, checked. Goes out: a Scenario, from the plan's first day on."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from forecast.errors import ScenarioError
from scenarios.changes import Change
from scenarios.files.days import SOME_DAY, is_relative
from scenarios.files.keys import Problems, Table, built, days_told, mixed
from scenarios.files.kinds import CHANGES, TIES
from scenarios.scenario import Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioSource:
    """A scenario as it was written.

    Attributes
    ----------
    name : str
    own : tuple of dict
        Its own changes, one table each; days may be told from the plan's first: ``"start + 30d"``.
    stated : tuple of str or None
        The day on which each of its own changes was stated, where the table says so; empty where none does.
    description : str
    base : ScenarioSource, optional
        The scenario that it uses; what differs is its own.
    dependence : tuple of dict
        What makes parameters move together, one table each.
    branches : tuple of (weight, ScenarioSource)
    title, author, source, date : str
        What it is, who wrote it, where its numbers come from, when it was written; empty where it does not say.
    where : str
        The file that it was read from; empty for a part of one.
    """

    name: str = "as forecast"
    own: tuple[Table, ...] = ()
    stated: tuple[str | None, ...] = ()
    description: str = ""
    base: ScenarioSource | None = None
    dependence: tuple[Table, ...] = ()
    branches: tuple[tuple[float, ScenarioSource], ...] = ()
    title: str = ""
    author: str = ""
    source: str = ""
    date: str = ""
    where: str = ""

    @property
    def changes(self) -> tuple[Table, ...]:
        """The tables of all changes: those of the scenario it uses, its own, then those of its branches."""
        below = (table for _, branch in self.branches for table in branch.changes)
        return (*(self.base.changes if self.base else ()), *self.own, *below)

    @property
    def relative(self) -> tuple[str, ...]:
        """The days that it tells from the plan's first, each once."""
        told = [day for table in self.changes for day in days_told(table, CHANGES[table["kind"]])]
        return tuple(dict.fromkeys(day for day in told if is_relative(day)))

    @property
    def open(self) -> bool:
        """Whether a change tells some days by date and others from the plan's first: it waits for that day."""
        return any(mixed(table, CHANGES[table["kind"]]) for table in self.changes)

    def scenario(self, start: pd.Timestamp | None) -> Scenario:
        """The scenario of a plan whose first day is ``start``.

        Raises
        ------
        ScenarioError
            A day is told from the plan's first, and ``start`` is None; or a change does not hold from that day.
        """
        if start is None and (days := self.relative):
            told = f"{', '.join(map(repr, days))} {'is' if len(days) == 1 else 'are'}"
            raise ScenarioError(
                f"{self.where or self.name}: {told} told from the plan's first day; say which that is: "
                'start="2027-01-01"'
            )
        problems = Problems(self.where or self.name)
        made = _made(self, start or SOME_DAY, "", problems)
        problems.tell()
        assert made is not None
        return made


def _made(source: ScenarioSource, start: pd.Timestamp, path: str, problems: Problems) -> Scenario | None:
    """The scenario, or None with the problems of its changes noted."""
    before = len(problems.found)
    own = [
        built(table, CHANGES, f"{path}changes[{i}]", problems, relative=True, start=start)
        for i, table in enumerate(source.own, start=1)
    ]
    ties = [
        built(table, TIES, f"{path}dependence[{i}]", problems) for i, table in enumerate(source.dependence, start=1)
    ]
    branches = [
        (weight, _made(branch, start, f"{path}branches[{i}].", problems))
        for i, (weight, branch) in enumerate(source.branches, start=1)
    ]
    if len(problems.found) > before:
        return None
    base = Scenario(source.name) if source.base is None else source.base.scenario(start)
    own = list(Scenario(source.name, own).changes)  # refuses a change that stands twice
    changes = _laid_over(base.changes, own)
    replaced = {change.key for change in own}
    days: dict[str, str | pd.Timestamp] = {key: day for key, day in base.stated if key not in replaced}
    days |= {c.key: day for c, day in zip(own, source.stated, strict=False) if day is not None}
    ties = [*base.dependence, *ties]
    made = Scenario(source.name, changes, source.description, dependence=ties, stated_on=days)
    for part in (base.branches, [(w, b) for w, b in branches if b is not None]):
        made = made.tree(part) if part else made
    return made


def _laid_over(base: tuple[Change, ...], own: list[Change]) -> list[Change]:
    """The base's changes, those of one's own in place of the same or after them."""
    named = {change.key: change for change in own}
    keys = {change.key for change in base}
    return [named.get(change.key, change) for change in base] + [change for change in own if change.key not in keys]
