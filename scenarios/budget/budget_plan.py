"""The budget plan: what the draws say, at a stated confidence. Quantiles are taken here, last."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecast.calendars import Unit
from forecast.errors import PlanError
from forecast.panel import FloatArray, IntArray
from forecast.projection import Projection
from scenarios.budget.assumed import stale_of
from scenarios.budget.contingency import euler_shares, quantile_error, to_cents
from scenarios.budget.diversification import diversification_of
from scenarios.budget.funding import beside, funding_table_of, levels_of, set_aside_of
from scenarios.budget.handed_over import HandedOver
from scenarios.budget.judging import overrides_table, rest_of
from scenarios.budget.ledger import Ledger, columns_of
from scenarios.budget.points import Standing, checked_amount, point_estimates_of, standing_of
from scenarios.budget.policies import BudgetPolicy
from scenarios.budget.policy import policy_table, shares_table
from scenarios.budget.policy_paths import PolicyPaths, under_policy
from scenarios.budget.sensitivity import By, sensitivity_of
from scenarios.budget.spec import PlanSpec
from scenarios.components import Reserve
from scenarios.workings import Workings

if TYPE_CHECKING:
    from forecast.usage import Usage
    from scenarios.reviews.versions import Reforecast

LEVELS = {"p10": 0.10, "p50": 0.50, "p80": 0.80, "p90": 0.90, "p95": 0.95}
#: The columns of every table, in order.
COLUMNS = (*LEVELS, "demand_share", "base", "budget", "contingency")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class BudgetPlan(HandedOver):
    """A budget at a stated confidence, and the futures that it rests on.

    Attributes
    ----------
    spec : PlanSpec
        The arguments that made it.
    projection : Projection
    ledger : Ledger
        Money by draw, month and row.
    gap : float array (draw, month)
        Spend between the history and the plan, in total; outside every total of the plan.
    gap_months : PeriodIndex (month,)
    history : Series (month,)
        Priced past usage, by month.
    trajectory : int array (draw,)
        Which trajectory each draw follows.
    currency : str
    excluded : DataFrame
        Lanes without a price that were left out because ``unpriced="exclude"`` said so.
    assumptions : DataFrame
        What the plan rests on: ``topic, assumption, source``, the day ``as_of`` which it was known or stated (NaT where
        nobody says), and ``stale_from``, the day from which it ought to be looked at again (NaT where it does not go
        stale): :data:`scenarios.budget.assumed.GOES_STALE`. :meth:`stale` lists those that have.
    workings : Workings
        What the next scenario on the same projection can reuse.
    earmarks : tuple of Reserve
        Parts of the contingency that are kept for an event or line, each with its amount.
    untied : float array (draw,), optional
        The total of each future with every number drawn on its own; None where nothing is tied.
    """

    spec: PlanSpec
    projection: Projection
    ledger: Ledger
    gap: FloatArray
    gap_months: pd.PeriodIndex
    history: pd.Series
    trajectory: IntArray
    currency: str
    excluded: pd.DataFrame
    assumptions: pd.DataFrame
    workings: Workings
    earmarks: tuple[Reserve, ...] = ()
    untied: FloatArray | None = None
    _kept: dict[str, IntArray] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The scenario's name."""
        return self.spec.scenario.name

    @property
    def confidence(self) -> float:
        """The budget's one-sided confidence."""
        return self.spec.confidence

    @property
    def totals(self) -> FloatArray:
        """Spend over the horizon in each future: (draw,). Reserves are outside."""
        return self.ledger.totals

    @property
    def base(self) -> float:
        """The P50 of the total, to the cent."""
        return round(float(np.quantile(self.totals, 0.5)), 2)

    @property
    def budget(self) -> float:
        """The total's quantile at the plan's confidence, to the cent."""
        return round(float(np.quantile(self.totals, self.confidence)), 2)

    @property
    def contingency(self) -> float:
        """Budget less base: what is set aside for the spread."""
        return round(self.budget - self.base, 2)

    @property
    def reserves(self) -> tuple[Reserve, ...]:
        """Money set aside outside the totals, with amounts; what is kept within the contingency is ``earmarks``."""
        return beside(self)

    @property
    def funding(self) -> float:
        """Budget and reserves: what must be found."""
        return round(self.budget + sum(float(np.round(r.held, 2)) for r in self.reserves), 2)

    def set_aside(self) -> pd.DataFrame:
        """Every reserve: its amount, whose it is, and whether it lies within the contingency or beside the total.

        Returns
        -------
        DataFrame
            Index ``name``; ``amount`` in the plan's currency; ``within`` is "contingency" or "funding"; ``funds`` what
            it is kept for; ``held_by`` who may spend it, "team" or "management"; then the owner's columns.
        """
        return set_aside_of(self)

    def levels(self) -> pd.DataFrame:
        """P50 plan, commitment, stress, and the mean: :func:`scenarios.budget.funding.levels_of`."""
        return levels_of(self)

    def funding_table(self) -> pd.DataFrame:
        """The staircase from base to funding, to the cent: :func:`scenarios.budget.funding.funding_table_of`."""
        return funding_table_of(self)

    def diversification(self, by: list[str] | tuple[str, ...] | str, *, errors: bool = False) -> pd.DataFrame:
        """Parts funded alone beside their budgets: :func:`scenarios.budget.diversification.diversification_of`."""
        return diversification_of(self, columns_of(by), errors=errors)

    def dependence_effect(self) -> pd.DataFrame:
        """The total as tied, and with every number drawn on its own.

        Returns
        -------
        DataFrame
            Rows ``as tied``, ``each on its own`` and ``difference``; columns ``p10`` to ``p95``, ``base`` (P50),
            ``budget`` (at the plan's confidence) and ``contingency``.

        Raises
        ------
        PlanError
            Nothing is tied.
        """
        if self.untied is None:
            raise PlanError("nothing is tied in this plan; tie lines by dependence=[sc.CommonFactor(...)]")
        levels = [*LEVELS.values(), 0.5, self.confidence]
        told = pd.DataFrame(
            [np.quantile(total, levels) for total in (self.totals, self.untied)],
            index=["as tied", "each on its own"],
            columns=[*LEVELS, "base", "budget"],
        )
        told["contingency"] = told["budget"] - told["base"]
        told.loc["difference"] = told.loc["as tied"] - told.loc["each on its own"]
        return told

    def probability_over(self, limit: float) -> float:
        """The share of futures whose total exceeds ``limit``."""
        if isinstance(limit, bool) or not isinstance(limit, int | float | np.number) or not np.isfinite(limit):
            raise PlanError(f"probability_over({limit!r}): wanted an amount of money")
        return float(np.mean(self.totals > limit))

    def quantile(self, level: float) -> float:
        """The total's quantile: ``plan.quantile(0.9)``."""
        return float(np.quantile(self.totals, _level("quantile", level)))

    def percentile_of(self, amount: float) -> float:
        """Where a point estimate stands: 0.38 says "that is P38"."""
        if isinstance(amount, bool) or not isinstance(amount, int | float | np.number) or np.isnan(amount):
            raise PlanError(f"percentile_of({amount!r}): wanted an amount of money")
        return float(np.mean(self.totals <= amount))

    def where(self, amount: float) -> Standing:
        """Where an amount stands among the futures: ``print(plan.where(400_000))`` says "that is P38"."""
        return standing_of(self, checked_amount(amount, "where: "))

    def point_estimates(self, *, percent: float = 0.10, **own: float) -> pd.DataFrame:
        """Where the usual point estimates stand, and one's own: :func:`scenarios.budget.points.point_estimates_of`."""
        return point_estimates_of(self, percent, own)

    def under(
        self, policy: BudgetPolicy, *, by: list[str] | tuple[str, ...] | str = "environment", every: Unit = "month"
    ) -> PolicyPaths:
        """The budgets under a policy, along every draw: :func:`scenarios.budget.policy_paths.under_policy`."""
        return under_policy(self, policy, columns_of(by), every)

    def table(
        self,
        by: list[str] | tuple[str, ...] | str = ("month", "environment"),
        *,
        errors: bool = False,
        demand: bool = False,
    ) -> pd.DataFrame:
        """The plan by any of month, quarter, year, environment, line and the workload's and route's columns.

        Months, quarters and years are those of the projection's calendar.

        Parameters
        ----------
        by : list of str
            Empty for one row of the whole plan.
        errors : bool
            Add ``p10_se`` and so on: each quantile's standard error from the draws and from the finite trajectories.
        demand : bool
            Add ``demand_p50``, ``demand_p80`` and ``overrun``: what the row wants before policy, and the share of
            futures in which that exceeds its budget.

        Returns
        -------
        DataFrame
            Index ``by``. ``p10`` to ``p95`` are the row's own quantiles of allocated money, and do not add.
            ``demand_share`` is the row's part of what the lines with an environment want in its period. ``base``,
            ``budget`` and ``contingency`` add up to the plan's, to the cent, over any ``by``.
        """
        names = columns_of(by)
        labels, group = self.ledger.groups(names)
        count = len(labels)
        levels, once = list(LEVELS.values()), self.ledger.once
        found = once(("bands", *names), lambda: np.quantile(self.ledger.summed(group, count), levels, axis=0))
        table = labels.assign(**{name: found[i] for i, name in enumerate(LEVELS)})
        table["demand_share"] = once(("demand", *names), lambda: self._demand_share(labels, group, names)).copy()
        for column, level in (("base", 0.5), ("budget", self.confidence)):
            table[column] = np.bincount(group.ravel(), weights=self.cents(level), minlength=count) / 100.0
        table["contingency"] = (table["budget"] - table["base"]).round(2)
        if errors:
            money = self.ledger.summed(group, count)
            for name, level in LEVELS.items():
                table[f"{name}_se"] = [quantile_error(money[:, i], level, self.trajectory) for i in range(count)]
        if demand:
            wanted = self.ledger.summed(group, count, self.ledger.demand)
            table["demand_p50"], table["demand_p80"] = np.quantile(wanted, [0.5, 0.8], axis=0)
            table["overrun"] = (wanted > table["budget"].to_numpy()).mean(axis=0)
        return table.set_index(names) if names else table.rename(index={0: "plan"})

    def replan(self, *, n_jobs: int | None = 1, **arguments: Any) -> BudgetPlan:
        """The same plan with other arguments of :func:`scenarios.plan`, such as ``scenario=`` or ``components=``.

        What did not change is not made again: of another scenario only what its changes touch. The numbers are those
        of a new plan.

        Raises
        ------
        PlanError, ScenarioError, PriceError
            As :func:`scenarios.plan`.
        """
        from scenarios.budget.planning import replanned

        return replanned(self, arguments, n_jobs)

    def reforecast(self, usage: Usage, **arguments: Any) -> Reforecast:
        """The outlook as of a later day, the budget unmoved: :func:`scenarios.reviews.versions.reforecast_of`."""
        from scenarios.reviews.versions import reforecast_of

        return reforecast_of(self, usage, **arguments)

    def without(self, override: str, *, n_jobs: int | None = 1) -> BudgetPlan:
        """The plan that one would have without an override, by its name: the same bits as one made without it.

        Raises
        ------
        PlanError
            There is none of that name; or what was asked does not hold without it.
        """
        return self.replan(overrides=rest_of(self.spec.overrides, override), n_jobs=n_jobs)

    def overrides(self, *, effects: bool = False) -> pd.DataFrame:
        """The judgements laid over it, and what each moves: :func:`scenarios.budget.judging.overrides_table`."""
        return overrides_table(self, effects=effects)

    def convergence(self) -> pd.DataFrame:
        """How sure the total's quantiles are, from ever more of the draws.

        Returns
        -------
        DataFrame
            Index ``level`` (P50, P80, P90, P95 and the plan's own) and ``draws``; ``quantile``; its standard error
            ``se``, of which ``se_draws`` is from the number of draws and ``se_trajectories`` from the finite set of
            trajectories, which more draws do not cure (both NaN below two draws a trajectory, which cannot tell them
            apart); ``se_percent`` of the quantile.
        """
        from scenarios.budget.convergence import convergence

        return convergence(self, tuple(sorted({0.5, 0.8, 0.9, 0.95, self.confidence})))

    def sensitivity(self, by: By = "parameter", *, errors: bool = False) -> pd.DataFrame:
        """What moves the total, and the budget with it: :func:`scenarios.budget.sensitivity.sensitivity_of`."""
        return sensitivity_of(self, by, errors=errors)

    def standard_error(self, level: float) -> float:
        """Standard error of a quantile of the total, in money."""
        return quantile_error(self.totals, _level("standard_error", level), self.trajectory)

    def to_frame(self) -> pd.DataFrame:
        """The plan as a tidy frame: one row a month and row of the ledger."""
        return self.table(["month", *self.ledger.labels.columns]).reset_index()

    def shares(self, by: str | None = None) -> pd.DataFrame:
        """The share of each part in every draw; columns are the parts of the split ``by`` a column, or of the last."""
        return shares_table(self.ledger, by)

    def policy(self, by: str | None = None) -> pd.DataFrame:
        """What each part wants beside its policy range: who is squeezed, and how likely each overruns its part.

        The parts are those of the split ``by`` a column, or of the last: :func:`scenarios.budget.policy.policy_table`.
        """
        return policy_table(self, by)

    def stale(self, on: str | date | None = None) -> pd.DataFrame:
        """The assumptions gone stale by a day, today unless given: :func:`scenarios.budget.assumed.stale_of`."""
        return stale_of(self.assumptions, on)

    @property
    def fingerprint(self) -> str:
        """A SHA-256 of what it says: its arguments, inputs and draws. A plan and its opened copy have the same."""
        from scenarios.saved.saving import fingerprint_of

        return fingerprint_of(self)

    def __repr__(self) -> str:
        """One line: span, P50, budget."""
        span = self.projection.span
        return (
            f"BudgetPlan({self.name!r}, {span.start:%Y-%m-%d} to {span.end:%Y-%m-%d}, "
            f"P50 {self.base:,.0f}, P{self.confidence * 100:g} {self.budget:,.0f} {self.currency}, "
            f"{len(self.totals):,} draws)"
        )

    def _repr_html_(self) -> str:
        from scenarios.report.tables import plan_html

        return plan_html(self)

    @property
    def _plan(self) -> BudgetPlan:
        return self

    def cents(self, level: float) -> IntArray:
        """The finest cells' amounts at a level of the total, in cents, rounded once: (month * row,)."""
        key = f"{level:.12g}"
        if key not in self._kept:
            money = self.ledger.money.reshape(len(self.ledger.money), -1)
            amounts = euler_shares(self.totals, money, level)
            moved = np.tile(~self.ledger.demand, len(self.ledger.days))
            cents = np.zeros(len(amounts), dtype=np.int64)
            cents[~moved] = to_cents(amounts[~moved], float(np.quantile(self.totals, level)))
            for month in np.split(np.flatnonzero(moved), len(self.ledger.days)):
                cents[month] = to_cents(amounts[month], 0.0)  # policy makes no money, not even by rounding
            self._kept[key] = cents
        return self._kept[key]

    def _demand_share(self, labels: pd.DataFrame, group: IntArray, names: list[str]) -> FloatArray:
        own = self.ledger.summed(group, len(labels), self.ledger.own).mean(axis=0)
        periods = [n for n in names if n in ("month", "quarter", "year")]
        whole = (
            pd.Series(own).groupby([labels[p] for p in periods]).transform("sum").to_numpy() if periods else own.sum()
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(own > 0, own / whole, np.nan)


def _level(what: str, level: object) -> float:
    """A level of a quantile."""
    if isinstance(level, bool) or not isinstance(level, int | float | np.number) or not 0 < level < 1:
        raise PlanError(f"{what}({level!r}): a level lies strictly between 0 and 1")
    return float(level)
