"""A plan's arguments as one value: what a plan is made from besides a projection, and what makes it again."""

from __future__ import annotations

from dataclasses import dataclass

from forecast.errors import PlanError
from forecast.prices import PriceBook
from scenarios.budget.splits import EnvironmentSplit
from scenarios.components import KINDS, Component, Reserve
from scenarios.costing import Unpriced
from scenarios.scenario import Scenario


@dataclass(frozen=True, slots=True)
class PlanSpec:
    """The arguments of :func:`scenarios.plan` but for the projection."""

    prices: PriceBook
    scenario: Scenario
    components: tuple[Component, ...]
    split: EnvironmentSplit | None
    confidence: float
    draws: int
    seed: int
    unpriced: Unpriced
    detail: tuple[str, ...]

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
        for component in self.components:
            if not isinstance(component, tuple(KINDS.values())):
                raise PlanError(
                    f"{component!r} is not a component; there are {', '.join(k.__name__ for k in KINDS.values())}"
                )
        names = [c.name for c in self.components]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise PlanError(f"two components are named {twice[0]!r}; a line's name stands once")
        if not isinstance(self.scenario, Scenario):
            raise PlanError(f"scenario={self.scenario!r}: wanted a Scenario, such as Scenario('base')")
        if self.split is not None and not isinstance(self.split, EnvironmentSplit):
            raise PlanError(f"split={self.split!r}: wanted EnvironmentSplit(production=(0.60, 0.70), ...)")
        if not isinstance(self.prices, PriceBook):
            raise PlanError("prices: wanted a PriceBook, such as PriceBook.builtin()")

    @property
    def reserves(self) -> tuple[Reserve, ...]:
        """Components that are money set aside."""
        return tuple(c for c in self.components if isinstance(c, Reserve))
