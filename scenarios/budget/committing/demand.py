"""Demand that a commitment would cover. Comes in: a plan and globs. Goes out: its money and counts by draw and period.

The plan's own scenario is run again on its own draws, so that every path is one of the plan's, whatever columns its
tables keep apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from forecast import schema
from forecast.calendars import date_of
from forecast.errors import PlanError, ScenarioError
from forecast.panel import BoolArray, FloatArray
from forecast.prices.billing import Discount, Periods
from forecast.shown import short_repr
from scenarios.budget.committing.terms import COST, TOKENS, Offer
from scenarios.changes import Contract, World
from scenarios.changes.flows import VOLUME
from scenarios.changes.matching import match
from scenarios.changes.scene import Scene
from scenarios.costing import Course, Enacted, enact
from scenarios.simulation import Sum, simulate
from scenarios.spans import Spans, spans_of

if TYPE_CHECKING:
    from scenarios.budget.budget_plan import BudgetPlan

#: Hours of a day.
_HOURS: Final = 24.0


@dataclass(frozen=True, slots=True)
class Covered:
    """Whose usage, and when.

    Attributes
    ----------
    start, end : Timestamp
        First and last day of the term.
    provider, model : str
    where : mapping
        Globs over columns of workloads and routes.
    """

    __repr__ = short_repr

    start: pd.Timestamp
    end: pd.Timestamp
    provider: str
    model: str
    where: Mapping[str, str]

    @property
    def told(self) -> str:
        """In words."""
        globs = {"provider": self.provider, "model": self.model, **self.where}
        shown = ", ".join(f"{column} {glob}" for column, glob in globs.items() if glob != "*")
        return shown or "all usage"


@dataclass(frozen=True, slots=True, eq=False)
class Demand:
    """What a commitment may cover.

    Attributes
    ----------
    money : float array (draw, period)
        At on-demand prices, by the plan's scenario.
    counted : float array (draw, period), optional
        What capacity counts; None where that is money.
    first, last : DatetimeIndex (period,)
    length : float array (period,)
        Months, each in part by its days.
    """

    __repr__ = short_repr

    money: FloatArray
    counted: FloatArray | None
    first: pd.DatetimeIndex
    last: pd.DatetimeIndex
    length: FloatArray

    @property
    def hours(self) -> FloatArray:
        """Hours of each period: (period,)."""
        return np.asarray(((self.last - self.first).days + 1) * _HOURS)


def term_of(plan: BudgetPlan, start: object, end: object) -> tuple[pd.Timestamp, pd.Timestamp]:
    """The first and last day of a commitment: the plan's own unless said.

    Raises
    ------
    PlanError
        It does not lie in the plan.
    """
    spans = spans_of(plan.projection)
    first, last = spans.first[spans.planned][0], spans.last[spans.planned][-1]
    begin = first if start is None else date_of(start, "commitment: start", PlanError)
    finish = last if end is None else date_of(end, "commitment: end", PlanError)
    if not first <= begin <= finish <= last:
        raise PlanError(
            f"commitment: from {begin:%Y-%m-%d} to {finish:%Y-%m-%d} does not lie in the plan, which is from "
            f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
        )
    return begin, finish


def demand_of(plan: BudgetPlan, offer: Offer, covered: Covered, n_jobs: int | None) -> Demand:
    """Run a plan's scenario again, and add up what a commitment would cover.

    Raises
    ------
    PlanError, ScenarioError
        Globs match nothing, the usage does not tell what is counted, or a contract bills it already.
    """
    spec, projection = plan.spec.laid, plan.projection
    if offer.every == "day" and projection.usage.grain == "month":
        raise PlanError("commitment: every='day' needs usage by day; this plan's usage is monthly")
    world = spec.tied(World(spec.draws, spec.seed))
    course = Course.of(spec.scenario, world)
    enacted = enact(projection, spec.prices, course, world, unpriced=spec.unpriced, workings=plan.workings)
    scene = Scene.of(projection, spec.prices, world, plan.workings.quotes)
    mine = _covers(enacted, covered, scene)
    _refuse_contracts(enacted, mine, covered)
    asked = [_sum(enacted, "cost", mine & enacted.priced), *_counts(offer, enacted, mine, scene)]
    by_day = offer.every == "day"
    spans = _days(projection.days, spans_of(projection)) if by_day else spans_of(projection)
    made = simulate(
        projection,
        [one for one, _ in asked],
        draws=spec.draws,
        seed=spec.seed,
        n_jobs=n_jobs,
        workings=None if by_day else plan.workings,
        spans=spans,
    )
    sums = [sum_[:, :, 0] * weight for sum_, (_, weight) in zip(made.sums, asked, strict=True)]
    counted = None if len(sums) == 1 else np.asarray(sum(sums[1:]))
    whole = offer.kind != "capacity" or offer.counts == COST
    return _within(sums[0], counted, spans, covered, by_month=whole and not by_day)


def _covers(enacted: Enacted, covered: Covered, scene: Scene) -> BoolArray:
    """The flows that it covers, their volume among them: (flow,)."""
    labels = enacted.flows.labels
    scene.priced(enacted.flows, provider=covered.provider, model=covered.model, unit="*", what="commitment")
    rows = match(labels["provider"], covered.provider) & match(labels["model"], covered.model)
    if covered.where:
        rows = rows & scene.matching(enacted.flows, covered.where, what="commitment: where")
    if not (rows & enacted.priced).any():
        raise ScenarioError(f"commitment: {covered.told} match no usage that has a price")
    return rows


def _refuse_contracts(enacted: Enacted, mine: BoolArray, covered: Covered) -> None:
    """Refuse usage that a contract of the plan's scenario bills on some of the days."""
    term = Contract((Discount("on demand", 0.0),), start=covered.start, end=covered.end)
    for contract in enacted.contracts:
        if (contract.covers & mine & ~enacted.flows.volume).any() and term.meets(contract.change):
            raise PlanError(
                f"commitment: the plan's scenario bills the same usage and days by a contract: {contract.change}; "
                "a commitment is held against paying on demand, so plan without that contract first "
                "(plan.replan(scenario=...)), or narrow where="
            )


def _sum(enacted: Enacted, what: str, rows: BoolArray) -> tuple[Sum, float]:
    at = np.nonzero(rows)[0].astype(np.intp)
    return Sum(enacted, what, at, np.zeros(len(at), dtype=np.intp), 1), 1.0  # type: ignore[arg-type]


def _counts(offer: Offer, enacted: Enacted, mine: BoolArray, scene: Scene) -> list[tuple[Sum, float]]:
    """What capacity counts: sums, and the weight of each."""
    if offer.kind != "capacity" or offer.counts == COST:
        return []
    weights = offer.counts if not isinstance(offer.counts, str) else dict.fromkeys(_units(offer.counts), 1.0)
    unit, labels = enacted.flows.labels["unit"].to_numpy(), enacted.flows.labels
    if offer.counts == schema.REQUESTS and (labels.loc[mine, "volume_unit"] != schema.REQUESTS).any():
        raise PlanError("commitment: counts='requests', which some of the usage it covers does not tell")
    if VOLUME not in weights:
        scene.units(enacted.flows, mine, tuple(weights), what="commitment: counts")
    sums = [(_sum(enacted, "quantity", mine & (unit == name))[0], weight) for name, weight in weights.items()]
    return [(one, weight) for one, weight in sums if len(one.rows)]


def _units(counts: str) -> tuple[str, ...]:
    """The units of flows that make up what is counted."""
    if counts == schema.REQUESTS:
        return (VOLUME,)
    if counts == TOKENS:
        return tuple(name for name in schema.BILLABLE if schema.UNITS[name].token)
    return (counts,)


def _days(days: pd.DatetimeIndex, months: Spans) -> Spans:
    """Days in place of months."""
    day = days.normalize()
    starts = np.nonzero(~day.duplicated())[0].astype(np.intp)
    first = day[starts]
    planned = np.asarray(first >= months.first[months.planned][0].normalize())
    return Spans(pd.PeriodIndex(first.to_period("M")), starts, first, first, planned)


def _within(money: FloatArray, counted: FloatArray | None, spans: Spans, covered: Covered, *, by_month: bool) -> Demand:
    """The periods of the term; of one that lies in it in part, the part by days."""
    first, last = spans.first.normalize(), spans.last.normalize()
    inside = np.asarray((first <= covered.end) & (last >= covered.start) & spans.planned)
    whole = (last - first).days[inside] + 1
    begin, end = first[inside], last[inside]
    begin = begin.where(begin >= covered.start, covered.start)
    end = end.where(end <= covered.end, covered.end)
    share = np.asarray(((end - begin).days + 1) / whole)
    own, units = money[:, inside] * share, None if counted is None else counted[:, inside] * share
    length = Periods(begin.to_numpy(), end.to_numpy()).months_in()
    if by_month:
        at = np.nonzero(~begin.to_period("M").duplicated())[0]
        own = np.add.reduceat(own, at, axis=1)
        units = None if units is None else np.add.reduceat(units, at, axis=1)
        end, length = end[np.append(at[1:], len(begin)) - 1], np.add.reduceat(length, at)
        begin = begin[at]
    return Demand(own, units, begin, end, length)
