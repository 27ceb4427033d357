"""The budget lines that are not tokens. Comes in: an amount. Goes out: money a period in each draw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecast import ranges
from forecast.calendars import date_of
from forecast.errors import PlanError, ScenarioError
from forecast.panel import FloatArray
from forecast.ranges import Uncertain
from scenarios.changes import World


@dataclass(frozen=True, slots=True)
class Fixed:
    """A line of a fixed amount a month, such as base infrastructure.

    A month that the plan or the line covers in part costs its part by days.

    Parameters
    ----------
    name : str
    monthly : number, between(low, high) or frozen scipy distribution
        Money a month, in the plan's currency; a range is drawn once a path.
    environment : str, optional
        Whose line it is; without one it is dealt to environments by the split.
    start, end : date, optional
        First and last day of the line.
    """

    name: str
    monthly: Uncertain
    environment: str | None = None
    start: str | None = None
    end: str | None = None

    def __post_init__(self) -> None:
        """Check name, amount and dates."""
        _checked(self, "Fixed", "monthly", self.monthly)
        first, last = _date(self.start, "Fixed.start"), _date(self.end, "Fixed.end")
        if first is not None and last is not None and last < first:
            raise PlanError(f"Fixed {self.name!r}: it ends on {self.end}, before it starts on {self.start}")

    def money(self, world: World, first: pd.DatetimeIndex, last: pd.DatetimeIndex) -> FloatArray:
        """Money in each month of a plan, or part of one, that runs from ``first`` to ``last``: (draw, month)."""
        begin = max(first[0], _date(self.start, "Fixed.start") or first[0])
        end = min(last[-1], _date(self.end, "Fixed.end") or last[-1])
        if end < begin:
            raise PlanError(
                f"Fixed {self.name!r} runs {self.start or 'from the start'} to {self.end or 'the end'}, "
                f"outside the plan of {first[0]:%Y-%m-%d} to {last[-1]:%Y-%m-%d}"
            )
        u = world.uniform("component", self.name, "monthly")
        amount = ranges.values(self.monthly, u, "amount", f"Fixed {self.name!r}: monthly")
        covered = (last.where(last < end, end) - first.where(first > begin, begin)).days.to_numpy() + 1
        exposure = np.maximum(covered, 0) / first.days_in_month.to_numpy()
        return np.asarray(amount[:, None] * exposure[None, :])


@dataclass(frozen=True, slots=True)
class Reserve:
    """Money set aside, not spent: a row below the total, outside what the plan expects to spend.

    Parameters
    ----------
    name : str
    amount : float
        For the whole horizon, in the plan's currency.
    """

    name: str
    amount: float

    def __post_init__(self) -> None:
        """Check name and amount."""
        if not isinstance(self.amount, int | float) or isinstance(self.amount, bool):
            raise PlanError(f"Reserve {self.name!r}: amount = {self.amount!r}: wanted a number")
        _checked(self, "Reserve", "amount", self.amount)


Component = Fixed | Reserve
#: The kinds that a plan file may name.
KINDS: dict[str, type[Fixed | Reserve]] = {"fixed": Fixed, "reserve": Reserve}


def _checked(component: Component, kind: str, attribute: str, value: object) -> None:
    if not isinstance(component.name, str) or not component.name.strip():
        raise PlanError(f"{kind}: a component needs a name")
    try:
        amount = ranges.uncertain(value, f"{kind} {component.name!r}: {attribute}")
        ranges.in_domain(amount, "amount", f"{kind} {component.name!r}: {attribute}")
    except ScenarioError as cause:
        raise PlanError(str(cause)) from cause
    object.__setattr__(component, attribute, amount)


def _date(value: str | None, what: str) -> pd.Timestamp | None:
    return None if value is None else date_of(value, what, PlanError)
