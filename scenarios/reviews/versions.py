"""Reforecasts. Comes in: an approved plan, and usage up to a day. Goes out: a version of its outlook, and what changed.

The approved budget stays as it is. What was spent is spent, and the rest is foreseen anew from the as-of date; without
new data a reforecast is the plan, to the bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from forecast.errors import PlanError
from forecast.panel import BoolArray, FloatArray
from forecast.prices import PriceBook
from forecast.shown import Result, Shown
from forecast.usage import Usage
from scenarios.bridging.bridge import Bridge, bridge_of
from scenarios.bridging.driver_bridge import drivers_bridge
from scenarios.budget.bridges import state_of_plan
from scenarios.budget.budget_plan import LEVELS, BudgetPlan
from scenarios.reviews.foreseeing import foreseen
from scenarios.reviews.outlook import CENT, Outlook
from scenarios.reviews.spent import Money
from scenarios.reviews.states import actual_state, ahead_state
from scenarios.scenario import Scenario

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: What a bridge calls a month that a version knows in part.
UNDER_WAY: Final = "months under way"
#: What a bridge calls what was told otherwise before.
RESTATED: Final = "restated"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Reforecast(Result):
    """One version of a plan's outlook.

    Attributes
    ----------
    outlook : Outlook
    before : Reforecast, optional
        The version before; None where this is the first since the plan.
    """

    outlook: Outlook
    before: Reforecast | None = None

    @property
    def plan(self) -> BudgetPlan:
        """The plan as approved."""
        return self.outlook.plan

    @property
    def as_of(self) -> pd.Timestamp:
        """The last day that is known in full."""
        return self.outlook.as_of

    @property
    def totals(self) -> FloatArray:
        """Money over the plan's span in each draw: (draw,)."""
        return self.outlook.totals

    @property
    def name(self) -> str:
        """Months that are known and months that are foreseen: 3+9."""
        over = self.outlook.months
        return f"{int(over.sum())}+{int((~over).sum())}"

    @property
    def versions(self) -> tuple[Reforecast, ...]:
        """All versions since the plan, the oldest first."""
        return (self,) if self.before is None else (*self.before.versions, self)

    def table(self, by: str | list[str] | tuple[str, ...] = "month") -> pd.DataFrame:
        """The outlook beside the budget: :meth:`Outlook.table`."""
        return self.outlook.table(by)

    def reforecast(self, usage: Usage, **arguments: object) -> Reforecast:
        """The next version, with the arguments of :meth:`scenarios.BudgetPlan.reforecast`."""
        return reforecast_of(self.plan, usage, before=self, **arguments)  # type: ignore[arg-type]

    def __repr__(self) -> str:
        return f"Reforecast({self.name}, {self.outlook!r})"

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the walk of versions: P50 and P10-P90 of each beside the approved budget."""
        from scenarios.report.onepage.walk import walk_chart

        return walk_chart(self, ax=ax)

    def show(self) -> Shown:
        """Its outlook, and the walk of versions since the plan."""
        from scenarios.report.onepage.notebook import reforecast_shown

        return reforecast_shown(self)

    def walk(self) -> pd.DataFrame:
        """The plan and every version since.

        Returns
        -------
        DataFrame
            Index ``version`` ("plan", then such as 1+2); ``as_of``, money ``to_date``, ``p10`` to ``p95`` of the span's
            total, ``over`` the chance of more than the approved budget, ``change`` of the P50 from the version before.
        """
        plan = self.plan
        rows = [("plan", plan.projection.as_of, 0.0, plan.totals)]
        rows += [(v.name, v.as_of, v.outlook.to_date, v.totals) for v in self.versions]
        table = pd.DataFrame(
            {
                "version": [name for name, *_ in rows],
                "as_of": [as_of for _, as_of, *_ in rows],
                "to_date": [spent for *_, spent, _ in rows],
                **{n: [float(np.quantile(t, level)) for *_, t in rows] for n, level in LEVELS.items()},
                "over": [float((t > self.outlook.budget.total + CENT).mean()) for *_, t in rows],
            }
        ).set_index("version")
        table["change"] = table["p50"].diff()
        return table

    def bridge(self) -> Bridge:
        """What moved the outlook since the version before, or since the plan: by driver, in every draw.

        Months that have ended since are told as foreseen against as spent; later ones as foreseen then against as
        foreseen now. A month that either version knows in part is one step.

        Raises
        ------
        PlanError
            Nothing is new.
        """
        now, then = self.outlook, None if self.before is None else self.before.outlook
        if now.is_plan or (then is not None and then.as_of == now.as_of and np.array_equal(then.totals, now.totals)):
            raise PlanError(f"nothing is new since {now.as_of:%Y-%m-%d}: there is nothing to walk through")
        names = ("plan" if self.before is None else f"{self.before.name} of {self.before.as_of:%Y-%m-%d}", self.name)
        untouched = np.ones(len(now.elapsed), dtype=bool) if then is None else then.elapsed == 0.0
        known = np.zeros(len(now.elapsed), dtype=bool) if then is None else then.elapsed >= 1.0
        closed, ahead = untouched & (now.elapsed >= 1.0), untouched & (now.elapsed == 0.0)
        parts = [_drivers(self, then, months, names) for months in (closed, ahead) if months.any()]
        if (rest := ~closed & ~ahead & ~known).any():
            parts.append(_one_step(self, then, rest, names))
        if then is not None and known.any():
            parts.append(_as_it_was(self, then, known, names))
        return sum(parts[1:], start=parts[0])


def reforecast_of(
    plan: BudgetPlan,
    usage: Usage,
    *,
    as_of: str | pd.Timestamp | None = None,
    lines: pd.DataFrame | None = None,
    prices: PriceBook | None = None,
    scenario: Scenario | None = None,
    money: Money = "billed_cost",
    n_jobs: int | None = 1,
    before: Reforecast | None = None,
) -> Reforecast:
    """A plan's outlook as of a day; arguments as of :func:`scenarios.review`.

    Parameters
    ----------
    before : Reforecast, optional
        The version that this one follows.

    Raises
    ------
    PlanError, ScenarioError, PriceError, UsageError
        An argument does not hold, or the as-of date lies before that of the version before.
    """
    made = foreseen(plan, usage, as_of, prices=prices, scenario=scenario, lines=lines, money=money, n_jobs=n_jobs)
    if before is not None and made.as_of < before.as_of:
        raise PlanError(
            f"as_of={made.as_of:%Y-%m-%d} lies before {before.as_of:%Y-%m-%d}, that of the version before; "
            "versions follow one another in time"
        )
    return Reforecast(made, before)


def _span(outlook: Outlook, months: BoolArray) -> tuple[pd.Timestamp, pd.Timestamp]:
    """The first and last day of some months in a row."""
    days, chosen = outlook.plan.ledger.days, [int(m) for m in np.flatnonzero(months)]
    at, last = chosen[0], chosen[-1]
    end = outlook.last_day if last + 1 == len(days) else days[last + 1] - pd.Timedelta(days=1)
    return days[at], end


def _drivers(made: Reforecast, then: Outlook | None, months: BoolArray, names: tuple[str, str]) -> Bridge:
    """What moved whole months, by driver."""
    first, last = _span(made.outlook, months)
    plan = made.plan
    over = bool((made.outlook.elapsed[months] >= 1.0).all())
    after = actual_state(made.outlook, first, last) if over else ahead_state(made.outlook, first, last)
    if then is None or then.rest is None:
        return drivers_bridge(state_of_plan(plan, (first, last), plan.spec.draws), after, names=names)
    return drivers_bridge(ahead_state(then, first, last), after, names=names)


def _one_step(made: Reforecast, then: Outlook | None, months: BoolArray, names: tuple[str, str]) -> Bridge:
    """What moved months that either version knows in part."""
    own = made.plan.ledger
    before = own.money[:, :, own.demand] if then is None else then.actual[None] + then.ahead
    after = made.outlook.actual[None] + made.outlook.ahead
    first, last = (np.asarray(side[:, months].sum(axis=(1, 2))) for side in (before, after))
    return bridge_of(names, [UNDER_WAY], [last - first], first, last, made.plan.currency)


def _as_it_was(made: Reforecast, then: Outlook, months: BoolArray, names: tuple[str, str]) -> Bridge:
    """Months that were over before: nothing moves them but what was restated."""
    first, last = (np.atleast_1d(side.actual[months].sum()) for side in (then, made.outlook))
    steps = [RESTATED] if abs(first[0] - last[0]) >= CENT else []
    last = last if steps else first
    return bridge_of(names, steps, [last - first] * len(steps), first, last, made.plan.currency)
