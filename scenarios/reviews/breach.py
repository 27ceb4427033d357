"""Breach. Comes in: an outlook and a limit. Goes out: how likely spend goes over it, when, and by how much."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecast.errors import PlanError
from forecast.panel import FloatArray
from forecast.shown import Result, Shown
from scenarios.budget.ledger import LINE, TOKENS
from scenarios.changes import World
from scenarios.costing import enact
from scenarios.reviews.outlook import CENT, Outlook, told_chance
from scenarios.reviews.spent import COST
from scenarios.simulation import Sum, simulate
from scenarios.spans import days_of


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Breach(Result):
    """When a limit is gone over.

    Attributes
    ----------
    limit : float
    currency : str
    days : DatetimeIndex (day,)
        Every day of the plan.
    spent : float array (day,)
        What was spent up to each day that is known; NaN after the as-of date.
    cumulative : float array (draw, day)
        What will have been spent by each day, in each draw.
    """

    limit: float
    currency: str
    as_of: pd.Timestamp
    days: pd.DatetimeIndex
    spent: FloatArray
    cumulative: FloatArray

    @property
    def probability(self) -> float:
        """The share of draws that go over the limit by the plan's end."""
        return float((self.cumulative[:, -1] > self.limit + CENT).mean())

    @property
    def overrun(self) -> float:
        """The mean amount over the limit of the draws that go over it; NaN where none does."""
        over = self.cumulative[:, -1] - self.limit
        return float(over[over > CENT].mean()) if (over > CENT).any() else float("nan")

    def by_day(self) -> pd.Series:
        """The chance that the limit was gone over by the end of each day: Series (day,)."""
        gone = np.maximum.accumulate(self.cumulative > self.limit + CENT, axis=1)
        return pd.Series(gone.mean(axis=0), index=self.days, name="probability")

    def dates(self, levels: tuple[float, ...] = (0.1, 0.5, 0.9)) -> pd.Series:
        """Quantiles of the first day over the limit, among the draws that go over it: Series (level,); NaT for none."""
        gone = self.cumulative > self.limit + CENT
        first = np.argmax(gone, axis=1)[gone.any(axis=1)]
        index = pd.Index([f"p{level * 100:g}" for level in levels])
        if not len(first):
            return pd.Series(pd.NaT, index=index, name="date", dtype="datetime64[us]")
        at = np.quantile(first, levels, method="inverted_cdf").astype(np.intp)
        return pd.Series(self.days[at], index=index, name="date")

    def __repr__(self) -> str:
        chance = told_chance(self.probability)
        told = f"Breach(limit {self.limit:,.2f} {self.currency}, as of {self.as_of:%Y-%m-%d}: {chance}"
        if self.probability == 0:
            return f"{told})"
        dates = self.dates()
        return (
            f"{told}, on {dates['p50']:%Y-%m-%d} (P10-P90 {dates['p10']:%Y-%m-%d} to {dates['p90']:%Y-%m-%d}), "
            f"then over by {self.overrun:,.2f} on average)"
        )

    def show(self) -> Shown:
        """How likely, when, and by how much."""
        from scenarios.report.onepage.notebook import breach_shown

        return breach_shown(self)


def breach_of(outlook: Outlook, limit: float) -> Breach:
    """When an outlook goes over a limit.

    Usage is told by day in every draw; lines that are not tokens are spread evenly over the days of their month that
    are still to come, or over all days of a month that is over.

    Raises
    ------
    PlanError
        The limit is no amount of money.
    """
    if isinstance(limit, bool) or not isinstance(limit, int | float | np.number) or not np.isfinite(limit):
        raise PlanError(f"limit={limit!r}: wanted an amount of money")
    plan = outlook.plan
    days = pd.date_range(plan.projection.span.start, outlook.last_day)
    known = np.asarray(days <= outlook.known_to)
    month = np.asarray(plan.ledger.days.searchsorted(days, side="right") - 1, dtype=np.intp)
    tokens = np.asarray(outlook.labels[LINE] == TOKENS)
    frame = outlook.spent.frame
    spent = frame.groupby("day")[COST].sum().reindex(days, fill_value=0.0).to_numpy("float64")
    beside = outlook.actual.sum(axis=1) - _by_month(frame, plan.ledger.days, len(plan.ledger.days))
    spent = spent + _spread(beside, month, known)
    ahead = outlook.ahead[:, :, ~tokens].sum(axis=2)
    daily = _spread(ahead, month, ~known)
    daily += _usage_by_day(outlook, outlook.ahead[:, :, tokens].sum(axis=2), days, month, known)
    daily[:, known] = spent[known]
    told = np.where(known, np.cumsum(np.where(known, spent, 0.0)), np.nan)
    return Breach(float(limit), plan.currency, outlook.as_of, days, told, np.cumsum(daily, axis=1))


def _by_month(frame: pd.DataFrame, months: pd.DatetimeIndex, count: int) -> FloatArray:
    """What was reported as spent by month: (month,)."""
    at = months.searchsorted(pd.DatetimeIndex(frame["day"]), side="right") - 1
    return np.asarray(np.bincount(at, weights=frame[COST].to_numpy("float64"), minlength=count))


def _spread(money: FloatArray, month: np.ndarray, days: np.ndarray) -> FloatArray:
    """Money of months (..., month) spread evenly over some of their days: (..., day)."""
    count = np.bincount(month[days], minlength=money.shape[-1])
    each = money / np.where(count > 0, count, 1)
    return np.where(days, each[..., month], 0.0)


def _usage_by_day(
    outlook: Outlook, monthly: FloatArray, days: pd.DatetimeIndex, month: np.ndarray, known: np.ndarray
) -> FloatArray:
    """Usage still to come by day, in each draw: (draw, day). A month's days sum to its money."""
    rest = outlook.rest
    if rest is None or rest.projection.usage.grain == "month":
        return _spread(monthly, month, ~known)
    spec = outlook.plan.spec.laid
    world = World(spec.draws, spec.seed)
    enacted = enact(rest.projection, rest.prices, rest.course, world, unpriced=spec.unpriced)
    rows = np.nonzero(enacted.priced)[0].astype(np.intp)
    whole = Sum(enacted, "cost", rows, np.zeros(len(rows), dtype=np.intp), 1)
    made = simulate(rest.projection, [whole], draws=spec.draws, seed=spec.seed, spans=days_of(rest.projection))
    out = np.zeros((len(monthly), len(days)))
    inside = made.spans.planned
    out[:, days.get_indexer(rest.projection.days[inside])] = made.sums[0][:, inside, 0]
    sums = np.zeros_like(monthly)
    for m in range(monthly.shape[1]):
        sums[:, m] = out[:, month == m].sum(axis=1)
    factor = np.divide(monthly, sums, out=np.ones_like(monthly), where=sums > 0)
    return np.asarray(out * factor[:, month])
