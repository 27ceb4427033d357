"""Lists of a plan file. Comes in: ``[[components]]``, ``[[dependence]]``, ``[[overrides]]``. Goes out: what they tell.

An override says who, why and when, and holds what is in force in a table of its own, whose keys are those of a change
or component, since both may have a name and a day too::

    [[overrides]]
    name = "launch slips"
    who = "head of product"
    why = "the vendor delivers a month late"
    on = 2026-11-20                 # when the judgement was made
    replaces = "launch"             # a change or component of the plan; without it, it comes last
    [overrides.change]              # or [overrides.component]
    kind = "new_workload"
    on = "start + 1 month"
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from forecast.errors import PlanError, TokenplanError
from scenarios.budget.judging import Override, check_overrides, laid_over
from scenarios.budget.spec import check_components
from scenarios.components import Component
from scenarios.components.kinds import COMPONENTS
from scenarios.components.preset_files import preset_table
from scenarios.dependence import Dependence
from scenarios.files import checks
from scenarios.files.days import SOME_DAY
from scenarios.files.keys import Keys, Problems, Table, built, check_keys
from scenarios.files.kinds import CHANGES, TIES
from scenarios.files.source import ScenarioSource

#: The keys of one override, and the check of each.
OVERRIDE: Final[Keys] = {
    "name": checks.text,
    "who": checks.text,
    "why": checks.text,
    "on": checks.day,
    "replaces": checks.text,
    "change": lambda _: None,
    "component": lambda _: None,
}
_NEEDED: Final = {
    "name": "by which it can be taken away",
    "who": "who made the judgement",
    "why": "on what grounds",
    "on": "the day on which it was made",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OverrideSource:
    """An override as it was written; the days of its change may be told from the plan's first.

    Attributes
    ----------
    said : dict
        ``name``, ``who``, ``why``, ``on`` and, where it has one, ``replaces``.
    change : dict, optional
        The table of a change, checked.
    component : Component, optional
    place : str
        Its key path.
    """

    said: Table
    change: Table | None = None
    component: Component | None = None
    place: str = "overrides"

    def override(self, start: pd.Timestamp) -> Override:
        """The override of a plan whose first day is ``start``.

        Raises
        ------
        PlanError
            Its change does not hold from that day.
        """
        what: Any = self.component
        if self.change is not None:
            problems = Problems(self.place, PlanError)
            what = built(self.change, CHANGES, "change", problems, relative=True, start=start)
            problems.tell()
        return Override(what=what, **self.said)


def components_of(tables: object, problems: Problems) -> tuple[Component, ...]:
    """The components of a file; what does not hold is noted."""
    if not isinstance(tables, list):
        problems.add("components", "wanted a list of tables; write [[components]] before each line")
        return ()
    made = [component_of(table, f"components[{i}]", problems) for i, table in enumerate(tables, start=1)]
    names = [c.name for c in made if c is not None]
    for name in sorted({n for n in names if names.count(n) > 1}):
        problems.add("components", f"two are named {name!r}; a line's name stands once")
    known = tuple(c for c in made if c is not None)
    if len(set(names)) == len(names):
        try:
            check_components(known)
        except TokenplanError as error:
            problems.add("components", str(error).removeprefix("components: "))
    return known


def component_of(table: object, path: str, problems: Problems) -> Component | None:
    """One line, by its kind or by the preset that it uses."""
    if isinstance(table, dict) and "use" in table:
        table = preset_table(table, path, problems)
        if table is None:
            return None
    made: Component | None = built(table, COMPONENTS, path, problems)
    return made


def dependence_of(tables: object, problems: Problems) -> tuple[Dependence, ...]:
    """What ties components among themselves and with the scenario's changes; what does not hold is noted."""
    if not isinstance(tables, list):
        problems.add("dependence", "wanted a list of tables; write [[dependence]] before each")
        return ()
    made = [built(table, TIES, f"dependence[{i}]", problems) for i, table in enumerate(tables, start=1)]
    return tuple(tie for tie in made if tie is not None)


def overrides_of(tables: object, problems: Problems) -> tuple[OverrideSource, ...]:
    """The overrides of a file; what does not hold is noted."""
    if not isinstance(tables, list):
        problems.add("overrides", "wanted a list of tables; write [[overrides]] before each")
        return ()
    made = [_override(table, f"overrides[{i}]", problems) for i, table in enumerate(tables, start=1)]
    return tuple(one for one in made if one is not None)


def _override(table: object, path: str, problems: Problems) -> OverrideSource | None:
    before = len(problems.found)
    held = check_keys(table, OVERRIDE, path, problems)
    given = table if isinstance(table, dict) else {}
    for key, why in _NEEDED.items():
        if key not in given:
            problems.add(path, f"{key} is missing: {why}")
    what = [key for key in ("change", "component") if key in given]
    if len(what) != 1:
        told = "holds a change and a component: make two of it" if what else "says nothing"
        problems.add(path, f"{told}; write [overrides.change] or [overrides.component] below it, with a kind")
    change, component = held.get("change"), None
    if change is not None:
        built(change, CHANGES, f"{path}.change", problems, relative=True)
    if "component" in held:
        component = component_of(held["component"], f"{path}.component", problems)
    if len(problems.found) > before:
        return None
    said = {k: v for k, v in held.items() if k not in ("change", "component")}
    return OverrideSource(said=said, change=change, component=component, place=path)


def check_laid_over(
    scenario: ScenarioSource, components: Sequence[Component], overrides: Sequence[OverrideSource], problems: Problems
) -> None:
    """Note what does not hold between a plan and its overrides, as far as their days are known."""
    if not overrides or problems.found or scenario.open:
        return
    try:
        made = [one.override(SOME_DAY) for one in overrides]
        check_overrides(made)
        laid_over(scenario.scenario(SOME_DAY), components, made)
    except TokenplanError as error:
        problems.add("overrides", str(error).removeprefix("overrides: "))
