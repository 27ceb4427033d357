"""Outcomes. Comes in: scenarios on one projection. Goes out: what each costs, by draw, span, cell and line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from forecast import schema
from forecast.drivers import labels_of
from forecast.errors import PlanError, one_of
from forecast.panel import BoolArray, FloatArray, IntArray
from forecast.prices import PriceBook
from forecast.projection import Draws, Projection
from forecast.shown import CellKind, Result, Shown, table_of
from scenarios.changes import Line, World
from scenarios.changes.matching import matching
from scenarios.components import Count, Counted
from scenarios.costing import Course, Enacted, Unpriced, enact
from scenarios.scenario import Scenario
from scenarios.simulation import Sum, What, simulate
from scenarios.spans import Spans
from scenarios.workings import Workings

#: What is kept apart unless asked.
DETAIL = ("environment", *schema.OWNERS, "project", "provider", "model")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Outcome(Result):
    """What one scenario costs.

    Attributes
    ----------
    name : str
    labels : DataFrame (cell,)
        What is kept apart, ``environment`` among it.
    cost : float array (draw, span, cell)
        Money for usage at its prices.
    lines : tuple of Line
        Money beside it: (draw, span) each.
    spans : Spans
    dealt : Draws
    currency : str
    excluded : DataFrame
        What has no price and was left out.
    requests : float array (draw,), optional
        Requests over the plan, of workloads that count them; None where it was not asked for or none does.
    quality : float array (draw,), optional
        Their mean quality: 1 is as forecast.
    counted : mapping of Count to Counted
        What was asked to be counted, over all spans.
    more : tuple of float array (draw, span, cell)
        What else was asked to be added up.
    """

    name: str
    labels: pd.DataFrame
    cost: FloatArray
    lines: tuple[Line, ...]
    spans: Spans
    dealt: Draws
    currency: str
    excluded: pd.DataFrame
    requests: FloatArray | None = None
    quality: FloatArray | None = None
    counted: Mapping[Count, Counted] = field(default_factory=dict)
    more: tuple[FloatArray, ...] = ()

    @property
    def totals(self) -> FloatArray:
        """Money over the plan in each draw: (draw,)."""
        planned = self.spans.planned
        total = self.cost[:, planned].sum(axis=(1, 2))
        for line in self.lines:
            total = total + line.money[:, planned].sum(axis=1)
        return np.asarray(total)

    @property
    def _money(self) -> FloatArray:
        """All money by span: (draw, span)."""
        return np.asarray(sum((line.money for line in self.lines), start=self.cost.sum(axis=2)))

    @property
    def monthly(self) -> FloatArray:
        """Money by planned calendar month in each draw: (draw, month)."""
        planned = self.spans.planned
        return _by_month(self._money[:, planned], self.spans.months[planned])

    @property
    def months(self) -> pd.PeriodIndex:
        """The calendar months from the as-of date on, those before the plan among them: (month,)."""
        return pd.PeriodIndex(self.spans.months.unique())

    @property
    def from_now(self) -> FloatArray:
        """Money by calendar month from the as-of date on, what comes before the plan included: (draw, month)."""
        return _by_month(self._money, self.spans.months)

    @property
    def before_plan(self) -> FloatArray:
        """Money beside tokens that is spent before the plan begins, and is in no total of it: (draw,)."""
        gap = ~self.spans.planned
        parts = [line.money[:, gap].sum(axis=1) for line in self.lines]
        return np.asarray(sum(parts, start=np.zeros(len(self.cost))))

    def show(self) -> Shown:
        """What it costs by month: P10, P50, P90."""
        levels = [0.1, 0.5, 0.9]
        months = self.spans.months[self.spans.planned].unique()
        both = np.column_stack([self.monthly, self.totals])
        index = pd.Index([*map(str, months), "total"], name="month")
        frame = pd.DataFrame(np.quantile(both, levels, axis=0).T, index=index, columns=["p10", "p50", "p90"])
        caption = f"Money in {self.currency}. Quantiles are each row's own, and do not add."
        kinds: dict[str, CellKind] = dict.fromkeys(frame.columns, "money")
        table = table_of(frame, kinds=kinds, caption=caption, most=36, total=True)
        low, middle, high = frame.loc["total"]
        said = f"{self.currency} {middle:,.2f} at P50, P10 {low:,.2f} to P90 {high:,.2f}."
        return Shown(f"What {self.name} costs", said, (table,))

    def __repr__(self) -> str:
        low, middle, high = np.quantile(self.totals, [0.1, 0.5, 0.9])
        return f"Outcome({self.name}: {self.currency} {middle:,.2f}, P10-P90 {low:,.2f} to {high:,.2f})"


def _by_month(money: FloatArray, months: pd.PeriodIndex) -> FloatArray:
    """Money of spans (draw, span) added up by their calendar months: (draw, month)."""
    return np.asarray(np.add.reduceat(money, np.nonzero(~months.duplicated())[0], axis=1))


def outcomes(
    projection: Projection,
    scenarios: Sequence[Scenario | Course],
    *,
    prices: PriceBook,
    draws: int,
    seed: int,
    detail: Sequence[str] = DETAIL,
    unpriced: Unpriced = "refuse",
    n_jobs: int | None = 1,
    judged: bool = False,
    most_bytes: float | None = None,
    counts: Sequence[Count] = (),
    more: Callable[[Enacted], Sequence[Sum]] | None = None,
    workings: Workings | None = None,
) -> list[Outcome]:
    """What each of some scenarios costs on one projection, in the same worlds.

    ``judged`` also counts requests and weighs them by quality; ``counts`` are what a plan's components must see of each
    scenario; ``more`` says what else is to be added up of it, in the same run. ``workings`` is what earlier scenarios
    on the same projection, prices and draws left; what these find out is added.

    Raises
    ------
    PlanError, ScenarioError, PriceError
        Usage has no price, a change does not fit, or what is to be kept apart would take more than ``most_bytes``.
    """
    stands = workings or Workings.of(projection, prices, draws, seed)
    world = World(draws, seed)
    courses = [s if isinstance(s, Course) else Course.of(s, world) for s in scenarios]
    enacted = [enact(projection, prices, c, world, unpriced=unpriced, workings=stands) for c in courses]
    cells = [cells_of(one, detail) for one in enacted]
    seen = [{count: _asked(count, one) for count in counts} for one in enacted]
    beside = [tuple(more(one)) if more is not None else () for one in enacted]
    sums: list[Sum] = []
    for one, (labels, rows, cell), asked, other in zip(enacted, cells, seen, beside, strict=True):
        size = 8.0 * draws * len(labels) * (len(projection.days) / 28 + 2)
        if most_bytes is not None and size > most_bytes:
            raise PlanError(
                f"{draws:,} draws x {len(labels):,} cells of {', '.join(detail)} would take {size / 1e9:.1f} GB; "
                "keep less apart with detail=('environment', 'project'), or take fewer draws"
            )
        sums += [Sum(one, "cost", rows, cell, len(labels)), *_counted(one), *(_judged(one) if judged else [])]
        sums += [*(part for _, part in asked.values()), *other]
    made = simulate(projection, sums, draws=draws, seed=seed, n_jobs=n_jobs, workings=workings)
    left = iter(made.sums)
    out = []
    for course, one, (labels, _, _), asked, other in zip(courses, enacted, cells, seen, beside, strict=True):
        cost = next(left)
        lines = (*one.lines, *_settled(one, left))
        told = Outcome(course.name, labels, cost, lines, made.spans, made.draws, one.currency, one.excluded)
        told = _with_quality(told, next(left), next(left)) if judged else told
        counted = {count: Counted(groups, next(left)) for count, (groups, _) in asked.items()}
        out.append(replace(told, counted=counted, more=tuple(next(left) for _ in other)))
    return out


def cells_of(enacted: Enacted, detail: Iterable[str]) -> tuple[pd.DataFrame, IntArray, IntArray]:
    """Labels of the output cells (cell,), the flows that are priced (row,), and the cell of each (row,)."""
    every = enacted.flows.labels.drop(columns=["workload", "unit"])
    asked = tuple(detail)
    for name in asked:
        if name not in every and name not in DETAIL:
            raise PlanError(
                f"detail: {name!r} is neither a workload nor a route column; there are {', '.join(every.columns)}"
            )
    kept = [c for c in asked if c in every]
    if "environment" not in kept:
        every["environment"] = every.get("environment", pd.Series([None] * len(every)))
        kept = ["environment", *kept]
    rows = np.nonzero(enacted.priced)[0].astype(np.intp)
    labels, cell = labels_of(every.iloc[rows].reset_index(drop=True), kept)
    return labels, rows, cell


def _counted(enacted: Enacted) -> list[Sum]:
    """What each contract must see: the money of what it covers, then each unit that it counts."""
    sums = []
    for contract in enacted.contracts:
        rows = np.nonzero(contract.covers & enacted.priced)[0].astype(np.intp)
        sums.append(_one(enacted, "cost", rows))
        unit = enacted.flows.labels["unit"].to_numpy()
        for counted in contract.change.counts():
            own = np.nonzero(contract.covers & (unit == counted))[0].astype(np.intp)
            sums.append(_one(enacted, "quantity", own))
    return sums


def _asked(count: Count, enacted: Enacted) -> tuple[tuple[str, ...], Sum]:
    """What a component must see: the names of its groups, and the sum."""
    labels = enacted.flows.labels
    rows, fits = _of_unit(count, enacted), np.ones(len(labels), dtype=bool)
    columns = [c for c in labels.columns if c not in ("workload", "unit", "volume_unit")]
    if count.where:
        sent = ~enacted.flows.avoided
        fits = np.zeros(len(labels), dtype=bool)
        fits[sent] = matching(labels.loc[sent, columns], dict(count.where), what=count.what, error="the usage")
        rows = rows & fits
    _check_requests(count, enacted, fits)
    if not rows.any():
        raise PlanError(f"{count.what}: the usage that it counts tells no {count.unit}")
    at = np.nonzero(rows)[0].astype(np.intp)
    groups: tuple[str, ...] = ("all",)
    cell = np.zeros(len(at), dtype=np.intp)
    if count.per is not None:
        one_of(f"{count.what.removesuffix('where')}per", count.per, columns, PlanError)
        named = (
            labels.loc[rows, count.per].astype("object").where(labels.loc[rows, count.per].notna(), schema.UNASSIGNED)
        )
        code, found = pd.factorize(named.astype(str), sort=True)
        groups, cell = tuple(map(str, found)), code.astype(np.intp)
    return groups, Sum(enacted, "cost" if count.unit == "cost" else "quantity", at, cell, len(groups))


def _check_requests(count: Count, enacted: Enacted, within: BoolArray) -> None:
    """Refuse to count the requests of usage that does not tell them."""
    labels = enacted.flows.labels
    other = enacted.flows.volume & np.asarray(labels["volume_unit"] != schema.REQUESTS)
    if count.unit == schema.REQUESTS and (other & within).any():
        raise PlanError(
            f"{count.what}: some of the usage that it counts does not tell its requests; narrow it by where"
        )


def _of_unit(count: Count, enacted: Enacted) -> BoolArray:
    """The flows that a count is of: (flow,). Requests that are not sent are none."""
    if count.unit == "cost":
        return enacted.priced
    if count.unit == schema.REQUESTS:
        return enacted.flows.requests
    if count.unit == "total_tokens":
        return enacted.flows.tokens
    return np.asarray(enacted.flows.labels["unit"] == count.unit)


def _judged(enacted: Enacted) -> list[Sum]:
    """Requests, and requests weighed by the quality of their answers."""
    labels = enacted.flows.labels
    rows = np.nonzero(enacted.flows.volume & (labels["volume_unit"] == schema.REQUESTS))[0].astype(np.intp)
    return [_one(enacted, "quantity", rows), _one(enacted, "quality", rows)]


def _with_quality(outcome: Outcome, requests: FloatArray, weighed: FloatArray) -> Outcome:
    planned = outcome.spans.planned
    count = requests[:, planned, 0].sum(axis=1)
    if not (count > 0).any():
        return outcome
    quality = weighed[:, planned, 0].sum(axis=1) / np.where(count > 0, count, 1.0)
    return replace(outcome, requests=count, quality=quality)


def _one(enacted: Enacted, what: What, rows: IntArray) -> Sum:
    """The sum of some flows, all together."""
    return Sum(enacted, what, rows, np.zeros(len(rows), dtype=np.intp), 1)


def _settled(enacted: Enacted, sums: Iterable[FloatArray]) -> list[Line]:
    """The lines of contracts, from what they were to see."""
    left = iter(sums)
    lines = []
    for contract in enacted.contracts:
        spend = next(left)[:, :, 0]
        counted = {unit: next(left)[:, :, 0] for unit in contract.change.counts()}
        for name, money in contract.change.settle(spend, counted, contract.scene):
            lines.append(Line(name, None, money * contract.share[:, None]))
    return lines
