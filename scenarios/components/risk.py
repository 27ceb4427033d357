"""Risks. Comes in: a probability and an impact. Goes out: the impact in the draws in which it happens, in one month."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from forecast.errors import PlanError
from forecast.panel import FloatArray
from forecast.ranges import Uncertain
from scenarios.changes import World
from scenarios.components.base import Context, Day, Months, Owned, shown_amount


@dataclass(frozen=True, slots=True)
class Risk(Owned):
    """What may happen once, and what it would cost: an audit, a breach, a vendor that leaves.

    In each draw it happens or not: of n draws in n · probability, to the nearest whole number. Where it does, its
    impact falls on one day. Its mean, probability · mean impact, is what insurance against it would cost at the least.

    Parameters
    ----------
    name : str
    probability : float
        That it happens once within its days of the plan, from 0 to 1; of the whole plan where it says no days.
    impact : number, between(low, high) or frozen scipy distribution
        Money, where it happens.
    on : date, optional
        The day on which it would; each of its days as likely where none is said.
    environment, department, project, cost_category, cost_center, gl_account, start, end, currency, stated_on
        As of :class:`scenarios.Fixed`.

    Notes
    -----
    It draws ``happens``, ``impact`` and, without a day, ``when``. A dependence that ties ``"<name>.happens"`` ties how
    likely it is with what is high there.
    """

    KIND: ClassVar[str] = "Risk"

    probability: float
    _: KW_ONLY
    impact: Uncertain
    on: Day | None = None

    def check(self) -> None:
        """Check what the kind has of its own."""
        self.checked("impact", "amount")
        self.checked_day("on")
        if (
            isinstance(self.probability, bool)
            or not isinstance(self.probability, int | float)
            or not 0 <= self.probability <= 1
        ):
            raise PlanError(f"{self.told}: probability = {self.probability!r}: wanted a number from 0 to 1")
        if self.on is not None and (self.start is not None or self.end is not None):
            raise PlanError(f"{self.told}: give either the day, on=, or the days that it may be on, start= and end=")

    def describe(self) -> str:
        """In plain words."""
        when = self._dates() if self.on is None else f" on {pd.Timestamp(self.on):%Y-%m-%d}"
        return f"{self.name}: with a probability of {self.probability:.1%}, {shown_amount(self.impact)}{when}"

    def parameters(self) -> tuple[str, ...]:
        """What it draws, but for the day."""
        coin = ("happens",) if 0 < self.probability < 1 else ()
        return (*coin, *Owned.parameters(self))

    def window(self) -> tuple[pd.Timestamp | None, pd.Timestamp | None]:
        """The first and last day on which it may happen, as far as it says them."""
        return Owned.window(self) if self.on is None else (pd.Timestamp(self.on), pd.Timestamp(self.on))

    def money(self, world: World, months: Months, context: Context) -> FloatArray:
        """Money in each month: (draw, month)."""
        impact = self.draw(world, self.impact, "amount", "impact")
        # High numbers are those in which it happens, so that what goes up with them makes it likelier.
        happens = world.uniform("component", self.name, "happens") >= 1.0 - self.probability
        edge = np.cumsum(months.inside(self.first_day, self.last_day))
        day = world.uniform("component", self.name, "when") * edge[-1]
        out = np.zeros((world.draws, len(months)))
        month = np.minimum(np.searchsorted(edge, day, side="right"), len(months) - 1)
        out[np.arange(world.draws), month] = np.where(happens, impact, 0.0)
        return out
