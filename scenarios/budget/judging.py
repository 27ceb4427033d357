"""Overrides by hand. Comes in: what is asked of a plan, and judgements laid over it. Goes out: what is in force.

A judgement is a change or a component of the plan, with who made it, when and why. It stands in the place of another,
or comes last. The plan keeps what was asked beside what was laid over it, so that each judgement can be taken away and,
once actuals are known, scored.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pandas as pd

from forecast.calendars import date_of
from forecast.errors import PlanError, TokenplanError, nearest
from forecast.shown import short_repr
from scenarios.budget.assumed import Assumption
from scenarios.changes import Change, label_of
from scenarios.changes.base import Day
from scenarios.components import Component, Reserve
from scenarios.scenario import Scenario

if TYPE_CHECKING:
    from scenarios.budget.budget_plan import BudgetPlan

#: The columns of the table of overrides.
COLUMNS: Final = ("name", "what", "replaces", "who", "why", "on")


@dataclass(frozen=True, slots=True)
class Override:
    """A judgement by hand, laid over a plan: a change or a component, with who made it, when and why.

    Parameters
    ----------
    name : str
        What it is called: "launch slips".
    what : change or component
        What is in force in its stead: the same :class:`NewWorkload` with a later date, a :class:`Step` that lifts what
        is forecast, a :class:`Fixed` line that nobody had planned.
    who, why : str
        Who made the judgement, and on what grounds.
    on : date
        The day on which it was made.
    replaces : str, optional
        The change (by its name, or its kind) or component (by its name) of the plan that it stands in for. It takes
        that one's place; without it, it comes last.

    Raises
    ------
    PlanError
        It is no change or component, or who, why or on is missing.
    """

    __repr__ = short_repr

    name: str
    what: Change | Component | Reserve
    who: str
    why: str
    on: Day
    replaces: str | None

    def __init__(
        self,
        name: str,
        what: Change | Component | Reserve,
        *,
        who: str,
        why: str,
        on: Day,
        replaces: str | None = None,
    ) -> None:
        if not isinstance(name, str) or not name.strip():
            raise PlanError(f"Override: name = {name!r}: an override needs a name, by which it can be taken away")
        for field, value in (("who", who), ("why", why), *([] if replaces is None else [("replaces", replaces)])):
            if not isinstance(value, str) or not value.strip():
                hint = {"who": "say who made it", "why": "say on what grounds"}.get(field, "name what it stands in for")
                raise PlanError(f"Override {name!r}: {field} = {value!r}: {hint}")
        if isinstance(what, type) or not isinstance(what, Change | Component | Reserve):
            raise PlanError(
                f"Override {name!r}: {what!r} is neither a change nor a component; wanted one such as Step(...) or "
                "Fixed(...)"
            )
        day = date_of(on, f"Override {name!r}: on", PlanError)
        held = {"name": name, "what": what, "who": who, "why": why, "on": day, "replaces": replaces}
        for attribute, given in held.items():
            object.__setattr__(self, attribute, given)

    def describe(self) -> str:
        """In plain words."""
        instead = "" if self.replaces is None else f", in place of {self.replaces!r}"
        return f"{self.name}: {self.what.describe()}{instead}"

    def assumption(self) -> Assumption:
        """Its row in a plan's assumptions."""
        return Assumption("override", self.describe(), f"{self.who}: {self.why}", pd.Timestamp(self.on))


def laid_over(
    scenario: Scenario, components: Sequence[Component], overrides: Sequence[Override]
) -> tuple[Scenario, tuple[Component, ...]]:
    """The scenario and components that are in force: those that were asked, with judgements in place of some.

    Raises
    ------
    PlanError
        What an override replaces is none of them or several, or two replace the same; or a change would stand twice.
    """
    check_overrides(overrides)
    changes = {c.key: c for c in scenario.every_change()}
    lines = {c.name: c for c in components}
    swaps: dict[str, Change | None] = {}
    added: list[Change] = []
    new: list[Component] = []
    instead: dict[str, Component | None] = {}
    for override in overrides:
        key, line = _target(override, list(changes.values()), list(lines))
        what = override.what
        if isinstance(what, Change):
            swaps |= {} if key is None else {key: what}
            added += [] if key is not None else [what]
            instead |= {} if line is None else {line: None}
        else:
            swaps |= {} if key is None else {key: None}
            instead |= {} if line is None else {line: what}
            new += [] if line is not None else [what]
    kept = [instead.get(c.name, c) for c in components]
    try:
        laid = scenario.swapped(swaps, added) if swaps or added else scenario
    except TokenplanError as error:
        raise PlanError(f"overrides: {error}") from error
    return laid, tuple(c for c in (*kept, *new) if c is not None)


def check_overrides(overrides: Sequence[object]) -> None:
    """Refuse what is no override, names that stand twice, and two that replace the same.

    Raises
    ------
    PlanError
        With the names, and what would do.
    """
    names: dict[str, Override] = {}
    replaced: dict[str, Override] = {}
    for override in overrides:
        if not isinstance(override, Override):
            raise PlanError(f"overrides: {override!r} is not an override; wanted Override('launch slips', ...)")
        if override.name in names:
            raise PlanError(f"two overrides are named {override.name!r}; give each a name of its own")
        names[override.name] = override
        if override.replaces is None:
            continue
        if (other := replaced.get(override.replaces)) is not None:
            raise PlanError(
                f"overrides {other.name!r} and {override.name!r} both replace {override.replaces!r}; keep one of them"
            )
        replaced[override.replaces] = override


def _target(override: Override, changes: Sequence[Change], lines: Sequence[str]) -> tuple[str | None, str | None]:
    """What an override replaces: the key of a change, or the name of a component; neither where it comes last."""
    wanted = override.replaces
    if wanted is None:
        return None, None
    keys = [c.key for c in changes if label_of(c) == wanted]
    found = len(keys) + (wanted in lines)
    if found == 0:
        there = [*dict.fromkeys(label_of(c) for c in changes), *lines]
        raise PlanError(
            f"override {override.name!r}: replaces {wanted!r}, which is neither a change nor a component of the plan; "
            f"there are {', '.join(there) or 'none'}{nearest(wanted, there)}"
        )
    if found > 1:
        raise PlanError(
            f"override {override.name!r}: {found} of the plan's changes and components are called {wanted!r}; give "
            "each a name of its own"
        )
    return (keys[0], None) if keys else (None, wanted)


def check_dates(overrides: Iterable[Override], end: pd.Timestamp) -> None:
    """Refuse a judgement that was made after the last day that is planned: by then it is known.

    Raises
    ------
    PlanError
        With the override and both days.
    """
    for override in overrides:
        made = pd.Timestamp(override.on)
        if made > end:
            raise PlanError(
                f"override {override.name!r}: on = {made:%Y-%m-%d} is after the plan's last day, {end:%Y-%m-%d}; give "
                "the day on which it was made"
            )


def rest_of(overrides: Sequence[Override], name: str) -> tuple[Override, ...]:
    """The overrides but one.

    Raises
    ------
    PlanError
        There is none of that name.
    """
    names = [o.name for o in overrides]
    if name not in names:
        raise PlanError(
            f"there is no override {name!r}; there are {', '.join(names) or 'none in this plan'}{nearest(name, names)}"
        )
    return tuple(o for o in overrides if o.name != name)


def overrides_table(plan: BudgetPlan, *, effects: bool) -> pd.DataFrame:
    """The judgements laid over a plan, in order.

    Parameters
    ----------
    effects : bool
        Add what each moves the plan by: the plan is made once more for each of them.

    Returns
    -------
    DataFrame
        ``name``; ``what`` it says in plain words; ``replaces`` (None where it comes last); ``who``; ``why``; ``on``.
        With effects ``base_effect`` and ``budget_effect``: base (P50) and budget of the plan less those of the plan
        without that one alone, in its currency. What two of them do together is in both, so they need not add.
    """
    every = plan.spec.overrides
    rows = [(o.name, o.what.describe(), o.replaces, o.who, o.why, o.on) for o in every]
    table = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"on": "datetime64[us]"})
    table["replaces"] = table["replaces"].astype("object").where(table["replaces"].notna(), None)
    if not effects:
        return table
    without = [plan.without(o.name) for o in every]
    return table.assign(
        base_effect=[round(plan.base - one.base, 2) for one in without],
        budget_effect=[round(plan.budget - one.budget, 2) for one in without],
    )
