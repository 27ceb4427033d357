"""Announced price steps. Comes in: a table of dates and changes. Goes out: prices that step on those dates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd

from forecast import ranges
from forecast.calendars import date_of
from forecast.errors import ScenarioError
from forecast.ranges import Kind, Uncertain
from forecast.shown import short_repr
from scenarios.changes.base import MOST_RISE, Day, Stage, Step, checked_where, key_of, known_as, label_of
from scenarios.changes.flows import Flows
from scenarios.changes.price import check_stated
from scenarios.changes.price_path import PriceSet, stepped
from scenarios.changes.scene import Scene
from scenarios.changes.skus import chosen, told_skus


@dataclass(frozen=True, slots=True)
class PriceSteps:
    """A vendor has announced that the price of some SKUs steps on certain dates.

    From each date t of the table the price is the price in force on t times ``1 + by[t]``, or ``to[t]`` a quoted unit,
    until the next: each step is a :class:`PriceChange` that is sure to happen.

    Parameters
    ----------
    by : mapping of day to number, between(low, high) or frozen scipy distribution
        Relative steps, each on the price before it: ``{"2027-01-01": 0.1, "2028-01-01": 0.1}`` ends 21 % higher.
    to : mapping of day to number, between(low, high) or frozen scipy distribution
        Prices a quoted unit, in place of ``by``.
    model, provider, unit : str
        Globs: ``"gpt-5*"``, ``"openai"``, ``"output_tokens"``.
    where : mapping, optional
        Globs over columns of workloads and routes.
    name : str, optional
        Tells two tables of the same SKUs apart, and names their random numbers.
    """

    __repr__ = short_repr

    stage: ClassVar[Stage] = "price"
    step: ClassVar[Step] = "price"
    drawn: ClassVar[Mapping[str, str]] = {"by": "*", "to": "*"}

    by: Mapping[Day, Uncertain] | None = None
    to: Mapping[Day, Uncertain] | None = None
    model: str = "*"
    provider: str = "*"
    unit: str = "*"
    where: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None

    def __post_init__(self) -> None:
        """Check the table."""
        if (self.by is None) == (self.to is None):
            raise ScenarioError("PriceSteps: give the steps either as by= (relative) or as to= (prices a quoted unit)")
        which = "by" if self.by is not None else "to"
        given = getattr(self, which)
        if not isinstance(given, Mapping) or not given:
            raise ScenarioError(f'PriceSteps.{which} = {given!r}: wanted steps by date, such as {{"2027-01-01": 0.1}}')
        table: dict[Day, Uncertain] = {}
        for day, size in given.items():
            at = date_of(day, f"PriceSteps.{which}", ScenarioError)
            what = f"PriceSteps.{which}[{at:%Y-%m-%d}]"
            if at in table:
                raise ScenarioError(f"{what}: the day stands twice in the table")
            table[at] = known_as(size, self._kind, what, most=MOST_RISE if which == "by" else None)
        object.__setattr__(self, which, dict(sorted(table.items(), key=lambda step: pd.Timestamp(step[0]))))
        checked_where(self)

    @property
    def _kind(self) -> Kind:
        return "relative" if self.by is not None else "amount"

    @property
    def steps(self) -> dict[pd.Timestamp, Uncertain]:
        """The table, by date."""
        table = self.by if self.by is not None else self.to
        assert table is not None
        return {pd.Timestamp(day): size for day, size in table.items()}

    @property
    def key(self) -> str:
        """Names the random numbers."""
        return key_of("price_steps", self.name, self.provider, self.model, self.unit, self.where)

    def describe(self) -> str:
        """In plain words."""
        how = "change by" if self.by is not None else "become, a quoted unit,"
        steps = ", ".join(f"{ranges.shown(size, self._kind)} on {day:%Y-%m-%d}" for day, size in self.steps.items())
        return f"announced prices of {told_skus(self)} {how} {steps}"

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Step prices."""
        rows = chosen(self, flows, scene)
        if self.to is not None:
            check_stated(flows, rows, scene, what="PriceSteps")
        for day, size in self.steps.items():
            scene.date(day, "PriceSteps")
            made = PriceSet(
                f"{label_of(self)} ({self.describe()})",
                day,
                np.asarray(scene.clock.daily >= day),
                scene.draw(self.key, size, self._kind, f"{day:%Y-%m-%d}"),
                np.ones(scene.world.draws, dtype=bool),
                relative=self.by is not None,
                certain=True,
            )
            flows = stepped(flows, rows, made, scene.clock)
        return flows
