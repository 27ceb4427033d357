"""A plan's arguments as one value: what a plan is made from besides a projection, and what makes it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from forecast.errors import PlanError, nearest
from forecast.prices import PriceBook
from forecast.shown import short_repr
from scenarios.budget.judging import Override, laid_over
from scenarios.budget.splits import Split, checked_splits
from scenarios.changes import World, label_of
from scenarios.components import KINDS, Component, Reserve, order_of
from scenarios.costing import Unpriced
from scenarios.dependence import Dependence, ties_of
from scenarios.scenario import Scenario

#: What lines that are no components are called, so that no component may be.
TAKEN: Final = ("tokens", "everything", "policy transfer")


@dataclass(frozen=True, slots=True)
class PlanSpec:
    """The arguments of :func:`scenarios.plan` but for the projection.

    ``dependence`` ties what components draw among themselves and with what the scenario's changes draw. ``scenario``
    and ``components`` are as they were asked, and ``overrides`` the judgements laid over them: :attr:`laid` is what is
    in force.
    """

    __repr__ = short_repr

    prices: PriceBook
    scenario: Scenario
    components: tuple[Component, ...]
    split: Split | Sequence[Split] | None
    confidence: float
    draws: int
    seed: int
    unpriced: Unpriced
    detail: tuple[str, ...]
    dependence: tuple[Dependence, ...] = ()
    overrides: tuple[Override, ...] = ()

    def __post_init__(self) -> None:
        """Check what can be checked without the projection."""
        if (
            isinstance(self.confidence, bool)
            or not isinstance(self.confidence, int | float)
            or not 0.5 <= self.confidence < 1
        ):
            raise PlanError(
                f"confidence={self.confidence!r}: wanted a one-sided confidence from 0.5 to below 1, such as 0.80"
            )
        for name, value, least in (("draws", self.draws, 100), ("seed", self.seed, 0)):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise PlanError(f"{name}={value!r}: wanted a whole number, at least {least}")
        if not isinstance(self.scenario, Scenario):
            raise PlanError(f"scenario={self.scenario!r}: wanted a Scenario, such as Scenario('base')")
        several = checked_splits(self.split)
        if self.split is not None and not isinstance(self.split, Split):
            object.__setattr__(self, "split", several)
        if not isinstance(self.prices, PriceBook):
            raise PlanError("prices: wanted a PriceBook, such as PriceBook.builtin()")
        check_components(self.components)
        for tie in self.dependence:
            if not isinstance(tie, Dependence):
                raise PlanError(f"dependence {tie!r}: wanted CommonFactor(...) or RankCorrelation(...)")
        if self.overrides:
            _ = self.laid  # what names changes and components names those in force
            return
        self.tied(World(self.draws, self.seed))
        for reserve in self.reserves:
            self.funded(reserve)
        check_levels(self.reserves, self.confidence)

    @property
    def laid(self) -> PlanSpec:
        """What is in force: the same with its overrides in the scenario and components, and none beside.

        Raises
        ------
        PlanError, ScenarioError
            An override does not fit what was asked.
        """
        if not self.overrides:
            return self
        scenario, components = laid_over(self.scenario, self.components, self.overrides)
        return replace(self, scenario=scenario, components=components, overrides=())

    def tied(self, world: World) -> World:
        """The random numbers, with what the plan ties together; what the scenario ties of its own comes beside.

        Raises
        ------
        ScenarioError
            A name fits nothing, or stands in two dependences, those of the scenario among them.
        """
        lines = {c.name: c.parameters() for c in self.spent}
        every = (*self.scenario.every_dependence(), *self.dependence)
        ties = ties_of(self.scenario.every_change(), every, lines=lines)
        # Those of the scenario's own are made by itself.
        return World(world.draws, world.seed, ties[len(self.scenario.every_dependence()) :])

    def funded(self, reserve: Reserve) -> tuple[str, ...]:
        """What a reserve is kept for: the keys of changes, or none where it is a component, or nothing.

        Raises
        ------
        PlanError
            It is neither a change of the scenario nor a component, or both.
        """
        changes = self.scenario.every_change()
        keys = tuple(dict.fromkeys(c.key for c in changes if label_of(c) == reserve.funds))
        lines = [c.name for c in self.spent]
        if keys and reserve.funds in lines:
            raise PlanError(f"{reserve.told}: {reserve.funds!r} is a change and a component too; give one another name")
        if reserve.funds is not None and not keys and reserve.funds not in lines:
            there = [*sorted({label_of(c) for c in changes}), *lines]
            raise PlanError(
                f"{reserve.told}: funds {reserve.funds!r}, which is neither a change of the scenario nor a component; "
                f"there are {', '.join(there) or 'none'}{nearest(reserve.funds, there)}"
            )
        return keys

    @property
    def splits(self) -> tuple[Split, ...]:
        """The splits, each inside every part that those before it make."""
        return checked_splits(self.split)

    @property
    def environments(self) -> Split | None:
        """The split over environments, where that is the first."""
        return next((split for split in self.splits[:1] if split.by == "environment"), None)

    @property
    def spent(self) -> tuple[Component, ...]:
        """Components that are spent: all but the reserves."""
        return tuple(c for c in self.components if not isinstance(c, Reserve))

    @property
    def reserves(self) -> tuple[Reserve, ...]:
        """Components that are money set aside, within the contingency and beside it."""
        return tuple(c for c in self.components if isinstance(c, Reserve))


def check_levels(reserves: Sequence[Reserve], confidence: float) -> None:
    """Refuse reserves up to a level that the budget, or another reserve, reaches already.

    Raises
    ------
    PlanError
        With the level, and what would do.
    """
    seen: dict[float, str] = {}
    for reserve in reserves:
        if reserve.to is None:
            continue
        if reserve.to <= confidence:
            raise PlanError(
                f"{reserve.told}: to = {reserve.to:g} is not above the plan's confidence of {confidence:g}, so the "
                "budget covers it already; raise it, or lower confidence"
            )
        if reserve.to in seen:
            raise PlanError(
                f"{reserve.told}: to = {reserve.to:g} is what {seen[reserve.to]!r} reaches already; give another level"
            )
        seen[reserve.to] = reserve.name


def check_components(components: Sequence[object]) -> None:
    """Refuse what is no component, names that stand twice, and lines that are a share of themselves.

    Raises
    ------
    PlanError
        With the name, and what would do.
    """
    listed: list[Component] = []
    for component in components:
        if isinstance(component, Reserve):
            continue
        if isinstance(component, type) or not isinstance(component, Component):
            raise PlanError(
                f"{component!r} is not a component; there are {', '.join(k.__name__ for k in KINDS.values())}"
            )
        listed.append(component)
    names = [c.name for c in components if isinstance(c, Component | Reserve)]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise PlanError(f"two components are named {twice[0]!r}; a line's name stands once")
    for name in names:
        if name in TAKEN:
            raise PlanError(f"a component is named {name!r}, as other lines of a plan are; give it another name")
    order_of(listed)
