"""Reserves. Comes in: money set aside, and what for. Goes out: the same; it is not spent, so it has no months."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from forecast.errors import PlanError
from scenarios.components.base import Owned, shown_amount


@dataclass(frozen=True, slots=True)
class Reserve(Owned):
    """Money set aside, not spent.

    Without ``funds`` it is a row below the total, outside what the plan expects to spend, and is added to what must be
    found. With ``funds`` it names a part of the plan's contingency: what of it is kept for that event. Such reserves
    together cannot hold more than the contingency is.

    Parameters
    ----------
    name : str
    amount : float, optional
        For the whole horizon, in the plan's currency. Without it, and with ``funds``, it is what the event or line adds
        to the contingency: what it costs more in the futures around the budget than in those around the base. What an
        event costs is the plan with it less the plan without it, future by future; of several events the first listed
        is taken away first, so that what they do together is in one reserve only.
    funds : str, optional
        A change of the scenario, by its name or kind, or a component, by its name.
    environment, department, project, cost_category, cost_center, gl_account, currency
        As of :class:`scenarios.components.base.Owned`; shown by :meth:`scenarios.BudgetPlan.set_aside`.
    """

    KIND: ClassVar[str] = "Reserve"

    amount: float | None = None
    funds: str | None = None

    def check(self) -> None:
        """Check what the kind has of its own."""
        if self.start is not None or self.end is not None:
            raise PlanError(f"{self.told}: a reserve is for the whole plan; leave start and end out")
        if self.funds is not None and (not isinstance(self.funds, str) or not self.funds.strip()):
            raise PlanError(f"{self.told}: funds = {self.funds!r}: wanted the name of a change or component")
        if self.amount is None and self.funds is None:
            raise PlanError(f"{self.told}: say its amount, or what it funds, from which it is sized: funds='spikes'")
        if self.amount is None:
            return
        if not isinstance(self.amount, int | float) or isinstance(self.amount, bool):
            raise PlanError(f"{self.told}: amount = {self.amount!r}: wanted a number")
        self.checked("amount", "amount")

    @property
    def held(self) -> float:
        """Its amount; 0 until a plan has sized it."""
        return 0.0 if self.amount is None else float(self.amount)

    def describe(self) -> str:
        """In plain words."""
        amount = "as much as it adds to the contingency" if self.amount is None else shown_amount(self.amount)
        what = "set aside below the total" if self.funds is None else f"part of the contingency, kept for {self.funds}"
        return f"{self.name}: {amount}, {what}"
