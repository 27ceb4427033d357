"""The Monte Carlo engine. Comes in: a projection and enacted scenarios. Goes out: sums by draw, span and cell.

Draws share trajectories. For each trajectory the flows are added up by day, once, into (factor group, cell); what
differs from draw to draw is one factor a group and day, so a month is one matrix product of draws by days with days by
cells. The result is exact to the day. Scenarios of one projection share its trajectories: they are made once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

import numpy as np

from forecast.panel import BoolArray, FloatArray, IntArray
from forecast.projection import Block, Draws, Projection
from scenarios.changes.flows import CONSTANT, Path, Pool, PriceMove, Term
from scenarios.costing import Enacted
from scenarios.spans import Spans, spans_of

#: Trajectories worked on at once; bounds memory and changes no number.
BLOCK = 20

What = Literal["cost", "quantity", "quality"]


@dataclass(frozen=True, slots=True)
class Sum:
    """What is to be added up of some flows.

    Attributes
    ----------
    enacted : Enacted
    what : {"cost", "quantity", "quality"}
        Money; units; or units weighed by the quality of what they stand for.
    rows : int array (row,)
        Which flows.
    cell : int array (row,)
        In which cell each is counted; ``cells`` is how many there are.
    """

    enacted: Enacted
    what: What
    rows: IntArray
    cell: IntArray
    cells: int


@dataclass(frozen=True, slots=True)
class Simulation:
    """The engine's answer.

    Attributes
    ----------
    sums : tuple of float array (draw, span, cell)
        In the order asked.
    spans : Spans
    draws : Draws
    """

    sums: tuple[FloatArray, ...]
    spans: Spans
    draws: Draws


def simulate(projection: Projection, asked: Sequence[Sum], *, draws: int, seed: int, n_jobs: int = 1) -> Simulation:
    """Run the draws of one or more scenarios on one projection.

    Parameters
    ----------
    asked : sequence of Sum
        What is added up; trajectories are made once for all.
    draws, seed, n_jobs
        The numbers do not depend on ``n_jobs``.
    """
    dealt, spans = projection.draws(draws, seed), spans_of(projection)
    work = _Work(projection, tuple(_grouped(one) for one in asked), spans, dealt)
    out = tuple(np.zeros((draws, len(spans), one.cells)) for one in asked)
    if n_jobs == 1:
        done: Iterator[tuple[IntArray, list[FloatArray]]] = map(work.run, projection.blocks(BLOCK))
    else:
        from joblib import Parallel, delayed

        done = iter(Parallel(n_jobs=n_jobs)(delayed(work.run)(block) for block in projection.blocks(BLOCK)))
    for which, made in done:
        for whole, part in zip(out, made, strict=True):
            whole[which] = part
    return Simulation(out, spans, dealt)


@dataclass(frozen=True, slots=True)
class _Group:
    """Flows whose factor is the same in every draw.

    ``terms`` make the quantity; ``beside`` those of price or quality; ``moves`` the price, over ``book`` (period,) of
    one unit, ``per`` of which a quoted price is for. ``own``: not fed by any trajectory.
    """

    terms: Path
    beside: Path
    moves: tuple[PriceMove, ...]
    book: FloatArray
    per: float
    own: bool


@dataclass(frozen=True, slots=True)
class _Asked:
    """A sum made ready: flows in the order of (group, cell).

    ``column`` (row,) and ``replaced`` (row,) say where each comes from, ``weight`` (period, row) what one unit counts,
    ``first`` (pair,) where each pair of group and cell begins, ``group`` and ``target`` (pair,) which it is.
    """

    groups: tuple[_Group, ...]
    column: IntArray
    replaced: BoolArray
    weight: FloatArray | None
    first: IntArray
    group: IntArray
    target: IntArray
    cells: int


def _grouped(one: Sum) -> _Asked:
    """Put the flows of a sum in groups."""
    flows, enacted = one.enacted.flows, one.enacted
    costs = one.what == "cost"
    beside = flows.price if costs else flows.quality
    known: dict[tuple[object, ...], int] = {}
    groups: list[_Group] = []
    group = np.zeros(len(one.rows), dtype=np.intp)
    for i, row in enumerate(map(int, one.rows)):
        moves = cast("tuple[PriceMove, ...]", flows.moves.of(row)) if costs else ()
        more = cast("Path", beside.of(row)) if one.what != "quantity" else ()
        own = bool(flows.source[row] == CONSTANT)
        book = _shape(enacted.book[:, row], moves)
        terms = cast("Path", flows.terms.of(row))
        per = 1.0 if all(move.scale_free for move in moves) else float(enacted.per[row])
        key = (*map(id, terms), "|", *map(id, more), "|", *map(id, moves), own, per, book.tobytes())
        if key not in known:
            known[key] = len(groups)
            groups.append(_Group(terms, more, moves, book, per, own))
        group[i] = known[key]
    code = group * one.cells + one.cell
    order = np.argsort(code, kind="stable")
    codes, first = np.unique(code[order], return_index=True)
    rows = one.rows[order]
    return _Asked(
        tuple(groups),
        flows.source[rows],
        flows.replaced[rows],
        enacted.book[:, rows] if costs else None,
        first.astype(np.intp),
        codes // one.cells,
        codes % one.cells,
        one.cells,
    )


def _shape(book: FloatArray, moves: tuple[PriceMove, ...]) -> FloatArray:
    """What moves look at of a book's prices: flows of one shape share them. (period,), or (1,) where none moves."""
    if not moves:
        return np.ones(1)
    known = book[book > 0]
    return book / known[0] if len(known) and all(move.scale_free for move in moves) else book


@dataclass(slots=True)
class _Base:
    """What the trajectories of one block feed: quantities by source, with or without the forecast's own trend."""

    block: Block
    projection: Projection
    _known: dict[bool, FloatArray] = field(default_factory=dict)

    def of(self, source: IntArray, replaced: BoolArray) -> FloatArray:
        """Quantity of each source: (trajectory, period, source)."""
        if replaced.all() or not replaced.any():
            return np.asarray(self._every(replaced=bool(replaced.any())).take(source, axis=2, mode="wrap"))
        base = self._every(replaced=False).take(source, axis=2, mode="wrap")
        base[:, :, replaced] = self._every(replaced=True).take(source[replaced], axis=2, mode="wrap")
        return np.asarray(base)

    def _every(self, *, replaced: bool) -> FloatArray:
        """Lanes, then legs, then the source that is 1 a day: (trajectory, period, source)."""
        if replaced not in self._known:
            lanes, legs = self.projection.drivers.lanes, self.projection.drivers.legs
            volume = self.block.volume
            if replaced:
                steps = np.arange(1, len(self.projection.days) + 1, dtype=float)
                volume = volume * np.exp(-self.block.trend[:, None, :] * steps[None, :, None])
            by_leg = volume.take(legs["workload"].to_numpy(), axis=2)
            by_leg *= self.block.mix
            whole = np.empty((*by_leg.shape[:2], len(lanes) + len(legs) + 1))
            np.take(by_leg, lanes["leg"].to_numpy(), axis=2, out=whole[:, :, : len(lanes)], mode="clip")
            whole[:, :, : len(lanes)] *= self.block.intensity
            whole[:, :, len(lanes) : -1] = by_leg
            whole[:, :, -1] = 1.0
            self._known[replaced] = whole
        return self._known[replaced]


@dataclass(slots=True)
class _Scope:
    """The draws of one block, as terms see them; what a term or a pool comes to is worked out once.

    ``deal`` (trajectory, draw of it) is True where there is such a draw: draws stand in its order.
    """

    draws: IntArray
    deal: BoolArray
    base: _Base
    log_factor: FloatArray
    _terms: dict[int, FloatArray] = field(default_factory=dict)
    _pools: dict[int, FloatArray] = field(default_factory=dict)
    _kept: list[object] = field(default_factory=list)

    def term(self, term: Term) -> FloatArray:
        """A term's value: (n, period) or what broadcasts to it."""
        if id(term) not in self._terms:
            self._kept.append(term)
            self._terms[id(term)] = term.value(self)
        return self._terms[id(term)]

    def product(self, path: Path) -> FloatArray:
        """The product of some terms: (n, period)."""
        out = np.ones((len(self.draws), len(self.base.projection.days)))
        for term in path:
            out *= self.term(term)
        return out

    def quantity(self, pool: Pool) -> FloatArray:
        """The summed quantity of a pool: (n, period)."""
        if id(pool) not in self._pools:
            self._kept.append(pool)
            self._pools[id(pool)] = self._summed(pool)
        return self._pools[id(pool)]

    def _summed(self, pool: Pool) -> FloatArray:
        base = self.base.of(pool.source, pool.replaced) * pool.weight
        own = pool.source == CONSTANT
        follows, scale = np.nonzero(self.deal)[0], np.exp(self.log_factor)[:, None]
        out = np.zeros((len(self.draws), base.shape[1]))
        for code in np.unique(pool.terms.code):
            mine = pool.terms.code == code
            factor = self.product(cast("Path", pool.terms.known[code]))
            fed = base[:, :, mine & ~own].sum(axis=2)
            out += factor * fed[follows] * scale
            out += factor * pool.weight[mine & own].sum()
        return out


@dataclass(frozen=True, slots=True)
class _Work:
    projection: Projection
    asked: tuple[_Asked, ...]
    spans: Spans
    dealt: Draws

    def run(self, block: Block) -> tuple[IntArray, list[FloatArray]]:
        """Sums of the draws that follow the block's trajectories: draws (n,), then (n, span, cell) each."""
        follow = [np.nonzero(self.dealt.trajectory == r)[0] for r in block.which]
        which = np.concatenate(follow)
        deal = np.arange(max(map(len, follow)))[None, :] < np.array([len(one) for one in follow])[:, None]
        scope = _Scope(which, deal, _Base(block, self.projection), self.dealt.log_factor[which])
        return which, [self._sum(one, scope) for one in self.asked]

    def _sum(self, one: _Asked, scope: _Scope) -> FloatArray:
        base = scope.base.of(one.column, one.replaced)
        if one.weight is not None:
            base *= one.weight
        daily = np.add.reduceat(base, one.first, axis=2) if len(one.first) else base
        deal = scope.deal
        fed, own = (np.zeros((*deal.shape, len(self.spans), one.cells)) for _ in range(2))
        ends = [*self.spans.starts[1:], len(self.projection.days)]
        for g, group in enumerate(one.groups):
            mine = np.nonzero(one.group == g)[0]
            target, part, out = one.target[mine], daily[:, :, mine], own if group.own else fed
            if not (group.terms or group.beside or group.moves):
                out[:, :, :, target] += np.add.reduceat(part, self.spans.starts, axis=1)[:, None]
                continue
            path = _dealt(_factor(group, scope), deal)
            for p, (lo, hi) in enumerate(zip(self.spans.starts, ends, strict=True)):
                out[:, :, p, target] += path[:, :, lo:hi] @ part[:, lo:hi]
        return np.asarray(fed[deal] * np.exp(scope.log_factor)[:, None, None] + own[deal])


def _dealt(values: FloatArray, deal: BoolArray) -> FloatArray:
    """What each draw has (n, period), by the trajectory that it follows: (trajectory, draw of it, period)."""
    if deal.all():
        return values.reshape(*deal.shape, values.shape[1])
    out = np.zeros((*deal.shape, values.shape[1]))
    out[deal] = values
    return out


def _factor(group: _Group, scope: _Scope) -> FloatArray:
    """The factor of a group: (n, period)."""
    factor = np.ones((len(scope.draws), len(scope.base.projection.days)))
    for move in group.moves:
        factor = move.reprice(scope.draws, factor, group.book, group.per)
    for term in (*group.terms, *group.beside):
        factor = factor * scope.term(term)
    return factor
