"""Fixed lines. Comes in: money a month. Goes out: the same every month, by days, with what it rises a year."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from forecast.panel import FloatArray
from forecast.ranges import Uncertain
from scenarios.changes import World
from scenarios.components.base import Context, Months, shown_amount
from scenarios.components.escalating import Escalating


@dataclass(frozen=True, slots=True)
class Fixed(Escalating):
    """A line of a fixed amount a month, such as base infrastructure.

    money = monthly · (1 + escalation)^k · days covered / days of the calendar month, where k counts the anniversaries
    of ``escalates_on`` that have begun. A month that the plan or the line covers in part costs its part by days.

    Parameters
    ----------
    name : str
    monthly : number, between(low, high) or frozen scipy distribution
        Money a month, in the plan's currency; a range is drawn once a path.
    escalation, escalates_on
        As of :class:`scenarios.components.escalating.Escalating`.
    environment, department, project, cost_category, cost_center, gl_account, start, end, currency, stated_on
        As of :class:`scenarios.components.base.Owned`.
    """

    KIND: ClassVar[str] = "Fixed"

    monthly: Uncertain

    def check(self) -> None:
        """Check what the kind has of its own."""
        self.checked("monthly", "amount")
        Escalating.check(self)

    def describe(self) -> str:
        """In plain words."""
        return f"{self.name}: {shown_amount(self.monthly)} a month{self._dates()}{self._rises()}"

    def money(self, world: World, months: Months, context: Context) -> FloatArray:
        """Money in each month: (draw, month)."""
        amount = self.draw(world, self.monthly, "amount", "monthly")
        return np.asarray(amount[:, None] * self.escalated(world, months))
