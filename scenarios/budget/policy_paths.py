"""A plan under a policy. Comes in: both. Goes out: what is short, released, lapsed and idle along every draw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from forecast.calendars import Unit
from forecast.errors import PlanError, one_of
from forecast.panel import BoolArray, FloatArray, IntArray
from scenarios.budget.beside import MOST_BYTES
from scenarios.budget.contingency import mean_error, to_cents
from scenarios.budget.following import Clock, Followed, followed
from scenarios.budget.ledger import PERIODS
from scenarios.budget.policies import BudgetPolicy

if TYPE_CHECKING:
    from scenarios.budget.budget_plan import BudgetPlan

POOL, TOTAL = "(central pool)", "total"
#: Less than this is no shortfall: budgets are told to the cent, and spend is not.
_CENT: Final = 0.005
#: Arrays of draws that following a policy keeps.
_KEPT: Final = 7


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class PolicyPaths:
    """A plan under a policy, along every draw. Spending is as simulated: it does not react to the policy.

    Attributes
    ----------
    policy : BudgetPolicy
    labels : DataFrame (part,)
        What a part is.
    every : {"month", "quarter", "year"}
        How often money is granted.
    periods : tuple of str (period,)
        Their names.
    budget : float array (period, part)
    spend : float array (draw, period, part)
        What each part wants, before a split moves money.
    money : Followed
        Who had what.
    trajectory : int array (draw,)
    currency : str
    """

    policy: BudgetPolicy
    labels: pd.DataFrame
    every: Unit
    periods: tuple[str, ...]
    budget: FloatArray
    spend: FloatArray
    money: Followed
    trajectory: IntArray
    currency: str

    @property
    def short(self) -> BoolArray:
        """Where a part spends more than it has: (draw, period, part)."""
        return np.asarray(self.money.shortfall > _CENT)

    def table(self, *, errors: bool = False) -> pd.DataFrame:
        """What becomes of each part, of the central pool, and of all.

        Parameters
        ----------
        errors : bool
            Add ``probability_short_se`` and ``expected_shortfall_se``.

        Returns
        -------
        DataFrame
            Index: the parts, the pool, the total. ``budget``; ``spent`` on average; ``probability_short`` of being
            short in at least one period, and ``months_short`` (or quarters, years) how many on average: of the total,
            in which any part is; ``expected_shortfall`` over the span, and ``shortfall_p95``; on average what was
            ``released`` by the pool, what ``lapsed`` to it, and what lies ``idle`` at the end. Money adds up to the
            cent, and budget + expected_shortfall = spent + idle, to the rounding of each.
        """
        money, short = self.money, self.short
        lacked = money.shortfall.sum(axis=1)
        ever, count = short.any(axis=1), short.sum(axis=1)
        table = self.labels.astype("object")
        table.loc[len(table)] = [POOL, *[""] * (self.labels.shape[1] - 1)]
        table.loc[len(table)] = [TOTAL, *[""] * (self.labels.shape[1] - 1)]
        nothing = np.full(1, np.nan)
        means = {
            "budget": np.append(self.budget.sum(axis=0), nothing),
            "spent": np.append(self.spend.sum(axis=1).mean(axis=0), nothing),
            "expected_shortfall": np.append(lacked.mean(axis=0), nothing),
            "released": np.append(money.released.sum(axis=1).mean(axis=0), nothing),
            "lapsed": np.append(money.lapsed.sum(axis=1).mean(axis=0), nothing),
            "idle": np.append(money.kept[:, -1].mean(axis=0), money.pool[:, -1].mean()),
        }
        table["budget"], table["spent"] = _adding(means["budget"]), _adding(means["spent"])
        any_short: BoolArray = np.asarray(short.any(axis=2))
        table["probability_short"] = [*ever.mean(axis=0), np.nan, any_short.any(axis=1).mean()]
        table[f"{self.every}s_short"] = [*count.mean(axis=0), np.nan, any_short.sum(axis=1).mean()]
        table["expected_shortfall"] = _adding(means["expected_shortfall"])
        p95 = [*np.quantile(lacked, 0.95, axis=0), np.nan, np.quantile(lacked.sum(axis=1), 0.95)]
        table["shortfall_p95"] = np.round(p95, 2)
        for column in ("released", "lapsed", "idle"):
            table[column] = _adding(means[column])
        if errors:
            chance = np.column_stack([ever, any_short.any(axis=1)]).astype("float64")
            amount = np.column_stack([lacked, lacked.sum(axis=1)])
            for column, values in (("probability_short_se", chance), ("expected_shortfall_se", amount)):
                found = [mean_error(values[:, i], self.trajectory) for i in range(values.shape[1])]
                table[column] = [*found[:-1], np.nan, found[-1]]
        return table.set_index(list(self.labels.columns))

    def by_period(self) -> pd.DataFrame:
        """All parts together, period by period.

        Returns
        -------
        DataFrame
            Index month, quarter or year. ``budget`` and what of it is ``granted``; on average what is ``released``,
            ``spent``, lacking (``expected_shortfall``), what ``lapsed``, and what is ``kept`` by the parts and in the
            ``pool`` at the end; ``probability_short`` that any part is.
        """
        money = self.money
        table = pd.DataFrame(
            {
                "budget": self.budget.sum(axis=1),
                "granted": money.granted.sum(axis=1),
                "released": money.released.sum(axis=2).mean(axis=0),
                "spent": self.spend.sum(axis=2).mean(axis=0),
                "expected_shortfall": money.shortfall.sum(axis=2).mean(axis=0),
                "lapsed": money.lapsed.sum(axis=2).mean(axis=0),
                "kept": money.kept.sum(axis=2).mean(axis=0),
                "pool": money.pool.mean(axis=0),
            }
        ).round(2)
        table["probability_short"] = self.short.any(axis=2).mean(axis=0)
        return table.set_index(pd.Index(self.periods, name=self.every))

    def compare(self, *others: PolicyPaths) -> pd.DataFrame:
        """The policy beside others, in the same draws.

        Returns
        -------
        DataFrame
            Index ``policy``, the own one first. ``probability_short``, ``months_short`` (or quarters, years),
            ``expected_shortfall``, ``shortfall_p95``, ``released``, ``lapsed`` and ``idle`` of all parts, as in
            :meth:`table`; ``saved``, what less is short than under the first policy, on average, with its standard
            error ``saved_se`` from the differences draw by draw, and ``better`` the share of draws in which it is less.

        Raises
        ------
        PlanError
            They are not of the same plan, parts and periods.
        """
        for other in others:
            if not isinstance(other, PolicyPaths):
                raise PlanError(f"compare takes what plan.under(...) gives, not {type(other).__name__}")
            if other.every != self.every or not (
                np.array_equal(other.spend, self.spend) and np.array_equal(other.budget, self.budget)
            ):
                raise PlanError(
                    f"compare: {other.policy.label!r} is not of the same plan, by and every as {self.policy.label!r}"
                )
        rows, first = [], self.money.shortfall.sum(axis=(1, 2))
        shown = ["probability_short", f"{self.every}s_short", "expected_shortfall", "shortfall_p95"]
        shown += ["released", "lapsed", "idle"]
        for one in (self, *others):
            saved = first - one.money.shortfall.sum(axis=(1, 2))
            total = one.table().iloc[-1]
            rows.append(
                [total[column] for column in shown]
                + [round(float(saved.mean()), 2), mean_error(saved, self.trajectory), float((saved > _CENT).mean())]
            )
        index = pd.Index([one.policy.label for one in (self, *others)], name="policy")
        return pd.DataFrame(rows, index=index, columns=[*shown, "saved", "saved_se", "better"])

    def __repr__(self) -> str:
        """Policy, and how likely any part is short."""
        chance = self.short.any(axis=(1, 2)).mean()
        lack = self.money.shortfall.sum(axis=(1, 2)).mean()
        return (
            f"PolicyPaths({self.policy.describe()}: some part is short in {chance:.1%} of futures, by {self.currency} "
            f"{lack:,.2f} on average)"
        )


def under_policy(plan: BudgetPlan, policy: BudgetPolicy, by: list[str], every: Unit) -> PolicyPaths:
    """A plan's budgets under a policy, along every draw.

    Parts get their part of the plan's budget period by period, and want what their own lines cost; what a split moves
    between environments is in the budgets, not in the spend.

    Parameters
    ----------
    by : list of str
        What a part is: any columns of the plan's tables but periods; empty for one part.
    every : {"month", "quarter", "year"}
        How often money is granted; periods of the projection's calendar.

    Raises
    ------
    PlanError
        ``policy`` is none, ``by`` or ``every`` are not known, the release lies outside the plan, or all would not fit
        into memory.
    """
    if not isinstance(policy, BudgetPolicy):
        raise PlanError(f"under({policy!r}): wanted a BudgetPolicy, such as sc.BudgetPolicy(holdback=0.1)")
    one_of("every", every, PERIODS, PlanError)
    ledger = plan.ledger
    for name in by:
        one_of("by", name, ledger.labels.columns, PlanError)
    labels, group = ledger.groups([every, *by])
    periods = pd.unique(labels[every])
    cells = len(labels)
    size = 8.0 * len(ledger.money) * cells * _KEPT
    if size > MOST_BYTES:
        raise PlanError(
            f"{len(ledger.money):,} draws x {cells:,} parts and periods of {', '.join(by)} would take "
            f"{size / 1e9:.1f} GB; take fewer parts, or every='quarter'"
        )
    shape = (len(periods), cells // len(periods))
    cents = np.bincount(group.ravel(), weights=plan.cents(plan.confidence), minlength=cells)
    budget = cents.reshape(shape) / 100.0
    spend = ledger.summed(group, cells, ledger.demand).reshape(-1, *shape)
    parts = labels[by].iloc[: shape[1]].reset_index(drop=True) if by else pd.DataFrame({"part": ["everything"]})
    money = followed(budget, spend, policy, _clock(plan, policy, every))
    return PolicyPaths(
        policy, parts, every, tuple(map(str, periods)), budget, spend, money, plan.trajectory, plan.currency
    )


def _clock(plan: BudgetPlan, policy: BudgetPolicy, every: Unit) -> Clock:
    """When the policy acts in the plan's periods."""
    calendar, span = plan.ledger.calendar, plan.projection.span
    ordinal = calendar.ordinals(plan.ledger.days, every)
    first = plan.ledger.days[np.append(True, ordinal[1:] != ordinal[:-1])]
    monthly = plan.projection.usage.grain == "month"
    after = (span.end + pd.offsets.MonthEnd(0) if monthly else span.end).normalize() + pd.Timedelta(days=1)
    edges = first.append(pd.DatetimeIndex([after]))

    def closes(unit: Unit) -> BoolArray:
        return np.asarray(np.diff(calendar.ordinals(edges, unit)) > 0)

    never = np.zeros(len(first), dtype=bool)
    deal = None
    if policy.day is not None:
        if not first[0] <= policy.day < after:
            raise PlanError(
                f"BudgetPolicy: release = {policy.day:%Y-%m-%d} lies outside the plan of {first[0]:%Y-%m-%d} to "
                f"{after - pd.Timedelta(days=1):%Y-%m-%d}"
            )
        deal = int(first.searchsorted(policy.day, side="right")) - 1
    return Clock(closes(policy.expires) if policy.expires else never, closes("quarter"), deal)


def _adding(values: FloatArray) -> list[float]:
    """Amounts to the cent with their sum at the end, which they add up to; what is not a number stays so."""
    known = ~np.isnan(values)
    whole = float(values[known].sum())
    out = values.copy()
    out[known] = to_cents(values[known], whole) / 100.0
    return [*out, round(whole, 2)]
