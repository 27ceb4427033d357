"""Reserves. Comes in: money set aside, and what for. Goes out: the same; it is not spent, so it has no months."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal, get_args

from forecast.errors import PlanError, one_of
from scenarios.components.base import Owned, shown_amount

#: Who may spend a reserve: the team within its budget, or the management above it.
HeldBy = Literal["team", "management"]


@dataclass(frozen=True, slots=True)
class Reserve(Owned):
    """Money set aside, not spent.

    Without ``funds`` it is a row below the total, outside what the plan expects to spend, and is added to what must be
    found. With ``funds`` it names a part of the plan's contingency: what of it is kept for that event. Such reserves
    together cannot hold more than the contingency is. With ``to`` it is a management reserve: what lies between the
    budget and a higher quantile of the total.

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
    to : float, optional
        The level up to which budget and reserve are enough: 0.95 sizes it as the P95 of the total less the budget, or
        less what the reserve up to the next lower level reaches.
    held_by : {"team", "management"}, optional
        Who may spend it: unless said, the team what lies within the contingency, the management what stands beside.
    environment, department, project, cost_category, cost_center, gl_account, start, end, currency, stated_on
        As of :class:`scenarios.components.base.Owned`; shown by :meth:`scenarios.BudgetPlan.set_aside`.
    """

    KIND: ClassVar[str] = "Reserve"

    amount: float | None = None
    funds: str | None = None
    to: float | None = field(default=None, kw_only=True)
    held_by: HeldBy | None = field(default=None, kw_only=True)

    def check(self) -> None:
        """Check what the kind has of its own."""
        if self.start is not None or self.end is not None:
            raise PlanError(f"{self.told}: a reserve is for the whole plan; leave start and end out")
        if self.funds is not None and (not isinstance(self.funds, str) or not self.funds.strip()):
            raise PlanError(f"{self.told}: funds = {self.funds!r}: wanted the name of a change or component")
        if self.held_by is not None:
            one_of(f"{self.told}: held_by", self.held_by, get_args(HeldBy), PlanError)
        if self.to is not None:
            self._check_level()
        if self.amount is None and self.funds is None and self.to is None:
            raise PlanError(
                f"{self.told}: say its amount, or what it funds, from which it is sized: funds='spikes'; or the level "
                "that it reaches: to=0.95"
            )
        if self.amount is None:
            return
        if not isinstance(self.amount, int | float) or isinstance(self.amount, bool):
            raise PlanError(f"{self.told}: amount = {self.amount!r}: wanted a number")
        self.checked("amount", "amount")

    def _check_level(self) -> None:
        """Check the level that it reaches."""
        if isinstance(self.to, bool) or not isinstance(self.to, int | float) or not 0.5 < self.to < 1:
            raise PlanError(
                f"{self.told}: to = {self.to!r}: wanted a level above the plan's confidence and below 1, such as 0.95"
            )
        other = "amount" if self.amount is not None else "funds" if self.funds is not None else None
        if other is not None:
            raise PlanError(
                f"{self.told}: to = {self.to:g} says how much it is; leave {other} out, or make two reserves of it"
            )

    @property
    def holder(self) -> HeldBy:
        """Who may spend it."""
        return self.held_by or ("management" if self.funds is None else "team")

    @property
    def held(self) -> float:
        """Its amount; 0 until a plan has sized it."""
        return 0.0 if self.amount is None else float(self.amount)

    def describe(self) -> str:
        """In plain words."""
        if self.to is not None:
            return f"{self.name}: what lies between the budget and P{self.to * 100:g}, held by the {self.holder}"
        amount = "as much as it adds to the contingency" if self.amount is None else shown_amount(self.amount)
        what = "set aside below the total" if self.funds is None else f"part of the contingency, kept for {self.funds}"
        held = "" if self.held_by is None else f", held by the {self.held_by}"
        return f"{self.name}: {amount}, {what}{held}"
