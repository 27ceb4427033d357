"""The Monte Carlo engine. Comes in: a projection, priced lanes and a scenario. Goes out: cost by draw, period and cell.

Draws share trajectories. For each trajectory the lanes are added up by day, once, into (factor group, cell); what
differs from draw to draw is one factor a group and day, so a month is one matrix product of draws by days with days by
cells. The result is exact to the day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecast.errors import ScenarioError
from forecast.panel import FloatArray, IntArray
from forecast.projection import Block, Draws, Projection
from scenarios.changes import PricingChange, VolumeChange, World
from scenarios.costing import PricedLanes
from scenarios.scenario import Scenario

#: Trajectories worked on at once; bounds memory and changes no number.
BLOCK = 20


@dataclass(frozen=True, slots=True)
class Spans:
    """The calendar months of a projection: those of the gap first, then those of the plan.

    By a calendar of weeks a planned month is cut where a fiscal month ends, so that each span lies in one of either.

    Attributes
    ----------
    months : PeriodIndex (span,)
    starts : int array (span,)
        The first day of each, as a row of ``projection.days``.
    first, last : DatetimeIndex (span,)
        First and last day.
    planned : bool array (span,)
    """

    months: pd.PeriodIndex
    starts: IntArray
    first: pd.DatetimeIndex
    last: pd.DatetimeIndex
    planned: np.ndarray


def spans_of(projection: Projection) -> Spans:
    """Cut a projection's days into months, and at the plan's first day."""
    days, calendar = projection.days, projection.spec.calendar
    month = days.to_period("M")
    planned = np.asarray(days >= projection.span.start)
    new = np.ones(len(month), dtype=bool)
    new[1:] = (month[1:] != month[:-1]) | (planned[1:] != planned[:-1])
    if calendar.weeks is not None:
        new[1:] |= planned[1:] & (np.diff(calendar.ordinals(days, "month")) != 0)
    starts = np.nonzero(new)[0].astype(np.intp)
    last = days[np.append(starts[1:], len(days)) - 1]
    if projection.usage.grain == "month":
        last = last + pd.offsets.MonthEnd(0)
    return Spans(pd.PeriodIndex(month[starts]), starts, days[starts], last, planned[starts])


@dataclass(frozen=True, slots=True)
class _Factor:
    """One factor group: the changes that act on its lanes, in order, with what was drawn for each."""

    volume: tuple[tuple[VolumeChange, FloatArray], ...]
    price: tuple[tuple[PricingChange, FloatArray], ...]
    book: FloatArray
    per: float

    def of(self, draws: IntArray, days: pd.DatetimeIndex, elapsed: FloatArray) -> FloatArray:
        """The factor on cost: (draw, day)."""
        factor = np.ones((len(draws), len(days)))
        for pricing, drawn in self.price:
            factor = pricing.reprice(drawn[draws], factor, self.book, self.per, days)
        for growth, drawn in self.volume:
            factor = factor * growth.factor(drawn[draws], days, elapsed)
        return factor


@dataclass(frozen=True, slots=True)
class Simulation:
    """The engine's answer.

    Attributes
    ----------
    cost : float array (draw, span, cell)
    spans : Spans
    draws : Draws
    """

    cost: FloatArray
    spans: Spans
    draws: Draws


def simulate(
    projection: Projection,
    priced: PricedLanes,
    scenario: Scenario,
    *,
    cell: IntArray,
    cells: int,
    draws: int,
    seed: int,
    n_jobs: int = 1,
) -> Simulation:
    """Run the plan's draws.

    Parameters
    ----------
    cell : int array (lane,)
        Which output cell each lane is counted in; ``cells`` is how many there are.
    draws, seed, n_jobs
        The numbers do not depend on ``n_jobs``.

    Raises
    ------
    ScenarioError
        A change matches nothing, or two total growths meet on one workload.
    """
    world = World(draws, seed)
    dealt = projection.draws(draws, seed)
    group, factors = _factor_groups(projection, priced, scenario, world)
    replaced = _replaced_trend(projection, scenario)
    spans = spans_of(projection)
    work = _Work(projection, priced, cell, cells, group, factors, replaced, spans, dealt)
    out = np.zeros((draws, len(spans.starts), cells))
    if n_jobs == 1:
        done: Iterator[tuple[IntArray, FloatArray]] = (work.run(block) for block in projection.blocks(BLOCK))
    else:
        from joblib import Parallel, delayed

        done = iter(Parallel(n_jobs=n_jobs)(delayed(work.run)(block) for block in projection.blocks(BLOCK)))
    for which, cost in done:
        out[which] = cost
    return Simulation(out, spans, dealt)


@dataclass(frozen=True, slots=True)
class _Work:
    projection: Projection
    priced: PricedLanes
    cell: IntArray
    cells: int
    group: IntArray
    factors: list[_Factor]
    replaced: np.ndarray
    spans: Spans
    dealt: Draws

    def run(self, block: Block) -> tuple[IntArray, FloatArray]:
        """Cost of the draws that follow the block's trajectories: draws (draw,), cost (draw, span, cell)."""
        lanes = self.projection.drivers.lanes
        steps = np.arange(1, len(self.projection.days) + 1, dtype=float)
        trend = np.where(self.replaced, block.trend, 0.0)
        volume = block.volume * np.exp(-trend[:, None, :] * steps[None, :, None])
        base = volume[:, :, lanes["workload"].to_numpy()] * block.mix[:, :, lanes["leg"].to_numpy()]
        base *= block.intensity
        base *= self.priced.price
        code = self.group * self.cells + self.cell
        order = np.argsort(code, kind="stable")
        codes, first = np.unique(code[order], return_index=True)
        daily = np.add.reduceat(base[:, :, order], first, axis=2)

        follow = [np.nonzero(self.dealt.trajectory == r)[0] for r in block.which]
        which = np.concatenate(follow)
        cost = np.zeros((len(which), len(self.spans.starts), self.cells))
        elapsed = self.projection.elapsed
        ends = [*self.spans.starts[1:], len(self.projection.days)]
        for g, factor in enumerate(self.factors):
            mine = np.nonzero(codes // self.cells == g)[0]
            target = codes[mine] % self.cells
            moving = bool(factor.volume or factor.price)
            begin = 0
            for r, draws in enumerate(follow):
                rows = slice(begin, begin + len(draws))
                begin += len(draws)
                if not len(draws):
                    continue
                if not moving:
                    sums = np.add.reduceat(daily[r][:, mine], self.spans.starts, axis=0)
                    cost[rows][:, :, target] += sums
                    continue
                path = factor.of(draws, self.projection.days, elapsed)
                for p, (lo, hi) in enumerate(zip(self.spans.starts, ends, strict=True)):
                    cost[rows][:, p, target] += path[:, lo:hi] @ daily[r][lo:hi, mine]
        cost *= np.exp(self.dealt.log_factor[which])[:, None, None]
        return which, cost


def _factor_groups(
    projection: Projection, priced: PricedLanes, scenario: Scenario, world: World
) -> tuple[IntArray, list[_Factor]]:
    """Lanes whose factor is the same in every draw share a group: group of each lane (lane,), and the groups."""
    lanes, days = projection.drivers.lanes, projection.days
    keys: list[list[object]] = [[] for _ in range(len(lanes))]
    volume: list[list[tuple[VolumeChange, FloatArray]]] = [[] for _ in range(len(lanes))]
    price: list[list[tuple[PricingChange, FloatArray]]] = [[] for _ in range(len(lanes))]
    workload = lanes["workload"].to_numpy()
    for c, change in enumerate(scenario.changes):
        drawn: dict[str, FloatArray] = {}
        if isinstance(change, VolumeChange):
            touched = change.touches(projection.workloads)[workload]
            names = [change.group(projection.workloads)[w] for w in workload]
        elif isinstance(change, PricingChange):
            touched, names = change.touches_sku(priced.skus), change.group_sku(priced.skus)
        else:
            raise ScenarioError(f"the engine knows no driver of the change {change!r}")
        for lane in map(int, np.nonzero(touched)[0]):
            name = names[lane]
            if name not in drawn:
                drawn[name] = change.draw(world, name)
            keys[lane].append((c, name))
            if isinstance(change, VolumeChange):
                volume[lane].append((change, drawn[name]))
            else:
                price[lane].append((change, drawn[name]))
    group = np.zeros(len(lanes), dtype=np.intp)
    known: dict[tuple[object, ...], int] = {}
    factors: list[_Factor] = []
    for lane, key_of in enumerate(keys):
        book = priced.price[:, lane]
        # Lanes share a repricing where the book's prices are the same up to a factor, or where no price is changed.
        shape = book.tobytes() if price[lane] else b""
        key = (tuple(key_of), shape)
        if key not in known:
            known[key] = len(factors)
            factors.append(
                _Factor(
                    tuple(volume[lane]),
                    tuple(price[lane]),
                    book if price[lane] else np.ones(len(days)),
                    float(priced.per[lane]),
                )
            )
        group[lane] = known[key]
    return group, factors


def _replaced_trend(projection: Projection, scenario: Scenario) -> np.ndarray:
    """Workloads whose own trend a total growth replaces: bool (workload,)."""
    replaced = np.zeros(len(projection.workloads), dtype=bool)
    for change in scenario.changes:
        if isinstance(change, VolumeChange) and change.replaces_trend:
            touched = change.touches(projection.workloads)
            if (touched & replaced).any():
                row = projection.workloads[touched & replaced].iloc[0]
                name = ", ".join(f"{c}={v}" for c, v in row.items() if c in projection.spec.by)
                raise ScenarioError(
                    f"two total growths meet on the workload {name}: a workload has one total growth; "
                    "narrow one of them with where=, or make it basis='extra'"
                )
            replaced |= touched
    return replaced
