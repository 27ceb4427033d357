"""The Monte Carlo engine. Comes in: a projection and enacted scenarios. Goes out: sums by draw, span and cell.

Draws share trajectories. What the trajectories feed is added up by period, once, into columns: flows of one cell whose
factor is the same. What differs from draw to draw is then one factor a group, and all of it that is a sum of products
of a number a draw and a number a period is taken out of the days: what is left to be done by draw and day is one matrix
product of draws by days with days by columns, for growth and the like. The result is exact to the day. Scenarios of one
projection share trajectories, columns and products, and a :class:`Standing` keeps them for the next scenario.
"""

from __future__ import annotations

import pickle
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, Literal, cast

import numpy as np

from forecast.panel import BoolArray, FloatArray, IntArray
from forecast.projection import Draws, Projection
from scenarios.changes.flows import CONSTANT, Path, Pool, Term
from scenarios.columns import Column, summed
from scenarios.costing import Enacted
from scenarios.factors import Factors
from scenarios.spans import Spans, spans_of
from scenarios.standing import Standing

#: Trajectories worked on at once; bounds memory and changes no number.
BLOCK: Final = 100

What = Literal["cost", "quantity", "quality"]
#: A block of draws: which, the trajectory that each follows, and its smoothing factor.
_Part = tuple[IntArray, IntArray, FloatArray]


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


@dataclass(frozen=True, slots=True)
class _Item:
    """A product that draws need: a column times ``profile`` (period,), added up with the factor of ``terms``.

    ``first`` and ``after`` say in which spans it is anything; ``key`` tells it from others.
    """

    key: tuple[Hashable, ...]
    terms: Path
    column: Column
    digest: bytes
    profile: FloatArray
    first: int
    after: int


def simulate(
    projection: Projection,
    asked: Sequence[Sum],
    *,
    draws: int,
    seed: int,
    n_jobs: int | None = 1,
    standing: Standing | None = None,
) -> Simulation:
    """Run the draws of one or more scenarios on one projection.

    Parameters
    ----------
    asked : sequence of Sum
        What is added up; trajectories are made once for all.
    draws, seed
    n_jobs : int, optional
        Workers of joblib's backend in force: processes, or a Dask, Ray or Spark cluster; None leaves their number to
        it. The numbers do not depend on it.
    standing : Standing, optional
        What earlier runs left, of the same projection, prices, draws and seed; what this one makes is added.
    """
    dealt, spans = projection.draws(draws, seed), spans_of(projection)
    items, recipes = _recipes(asked, spans, len(projection.days), draws)
    known = standing.products if standing is not None else {}
    missing = {key: item for key, item in items.items() if key not in known}
    order = np.argsort(dealt.trajectory, kind="stable").astype(np.intp)
    follows, scale = dealt.trajectory[order], np.exp(dealt.log_factor[order])
    most = int(np.bincount(follows).max())
    work = _Work(projection, tuple(missing.values()), spans, most)
    parts = [(order[at], follows[at], scale[at]) for at in _blocks(follows)]
    out = tuple(np.zeros((len(spans), one.cells, draws)) for one in asked)
    made: dict[tuple[Hashable, ...], list[FloatArray]] = {key: [] for key in missing}
    size = 8 * draws * sum(item.after - item.first for item in missing.values())
    keeps = standing is not None and standing.room_for(size)
    for at, products in zip(_blocks(follows), _done(work, parts, n_jobs), strict=True):
        now = dict(zip(missing, products, strict=True))
        if keeps:
            for key, product in now.items():
                made[key].append(product)
        now |= {key: known[key][:, at] for key in items if key not in now}
        for recipe, whole in zip(recipes, out, strict=True):
            for step in recipe:
                own = step.by_draw if len(step.by_draw) == 1 else step.by_draw[order[at]]
                factor = own if step.own else own * scale[at]
                for cell, item in step.pairs:
                    whole[item.first : item.after, cell, at] += factor * now[item.key]
    if standing is not None and keeps:
        for key, item in missing.items():
            standing.keep(key, np.concatenate(made[key], axis=1), item.terms)
    place = np.argsort(order)
    return Simulation(tuple(np.ascontiguousarray(w[:, :, place].transpose(2, 0, 1)) for w in out), spans, dealt)


@dataclass(frozen=True, slots=True)
class _Step:
    """Products that are multiplied by one number a draw, and the cells that they are counted in."""

    by_draw: FloatArray
    own: bool
    pairs: tuple[tuple[int, _Item], ...]


def _recipes(
    asked: Sequence[Sum], spans: Spans, periods: int, draws: int
) -> tuple[dict[tuple[Hashable, ...], _Item], list[list[_Step]]]:
    """The products that sums need, each once, and how each sum is made of them."""
    factors = Factors.of(draws)
    items: dict[tuple[Hashable, ...], _Item] = {}
    recipes = []
    for one in asked:
        groups, group = factors.groups(one.enacted, one.rows, costs=one.what == "cost", judged=one.what == "quality")
        recipe = []
        for g, known in enumerate(groups):
            columns = _columns(one, group == g)
            for part in known.parts:
                profile = np.broadcast_to(part.by_period, periods)
                where = np.nonzero(np.add.reduceat(profile != 0, spans.starts))[0]
                pairs = []
                for cell, column, digest in columns:
                    key = (*map(id, known.terms), digest, profile.tobytes())
                    if key not in items:
                        items[key] = _Item(key, known.terms, column, digest, profile, int(where[0]), int(where[-1]) + 1)
                    pairs.append((cell, items[key]))
                recipe.append(_Step(part.by_draw, known.own, tuple(pairs)))
        recipes.append(recipe)
    return items, recipes


def _columns(one: Sum, mine: BoolArray) -> list[tuple[int, Column, bytes]]:
    """The columns of one group, by cell, each with what tells it from others."""
    at = np.nonzero(mine)[0]
    at = at[np.argsort(one.cell[at], kind="stable")]
    rows, cells = one.rows[at], one.cell[at]
    flows = one.enacted.flows
    weight = one.enacted.book[:, rows] if one.what == "cost" else np.ones((1, len(rows)))
    if (weight == weight[:1]).all():
        weight = weight[:1]
    ends = np.append(np.nonzero(np.diff(cells, prepend=-1))[0], len(cells))
    made = []
    for lo, hi in pairwise(ends):
        column = Column(flows.source[rows[lo:hi]], flows.replaced[rows[lo:hi]], weight[:, lo:hi])
        made.append((int(cells[lo]), column, column.key))
    return made


def _blocks(follows: IntArray) -> list[slice]:
    """The draws of ``BLOCK`` trajectories at a time, of draws in the order of trajectories."""
    begin = np.nonzero(np.diff(follows, prepend=-1))[0][::BLOCK]
    return [slice(int(lo), int(hi)) for lo, hi in zip(begin, [*begin[1:], len(follows)], strict=True)]


def _done(work: _Work, parts: list[_Part], n_jobs: int | None) -> Iterator[list[FloatArray]]:
    """The products of each block, in their order."""
    if not work.items:
        return iter([[] for _ in parts])
    if n_jobs == 1:
        return (work.run(*part) for part in parts)
    import cloudpickle
    from joblib import Parallel, delayed

    # Told once, as an array: a backend hands it to each worker once, whatever the number of blocks.
    told = np.frombuffer(cloudpickle.dumps(work), dtype=np.uint8)
    made = Parallel(n_jobs=n_jobs)(delayed(_run)(told, *part) for part in parts)
    return iter(cast("list[list[FloatArray]]", made))


def _run(told: np.ndarray, draws: IntArray, follows: IntArray, scale: FloatArray) -> list[FloatArray]:
    """The products of one block, in a worker."""
    work: _Work = pickle.loads(told.data)  # noqa: S301  (what the caller's own process made)
    return work.run(draws, follows, scale)


@dataclass(slots=True)
class _Scope:
    """The draws of one block, as terms see them; what a term or a pool comes to is worked out once.

    ``which`` (trajectory,) are the trajectories, ``place`` (n,) says which of them each draw follows, ``scale``
    (n,) its smoothing factor.
    """

    projection: Projection
    draws: IntArray
    which: IntArray
    place: IntArray
    scale: FloatArray
    _terms: dict[int, FloatArray] = field(default_factory=dict)
    _pools: dict[int, FloatArray] = field(default_factory=dict)
    _kept: list[object] = field(default_factory=list)

    def term(self, term: Term) -> FloatArray:
        """A term's value: (n, period) or what broadcasts to it."""
        if id(term) not in self._terms:
            self._kept.append(term)
            self._terms[id(term)] = term.value(self)
        return self._terms[id(term)]

    def deal(self, most: int) -> BoolArray:
        """Where there is a draw: (trajectory, draw of it), of ``most`` that follow one trajectory."""
        return np.asarray(np.arange(most)[None, :] < np.bincount(self.place)[:, None])

    def product(self, path: Path) -> FloatArray:
        """The product of some terms: (n, period)."""
        shape = (len(self.draws), len(self.projection.days))
        if len(path) == 1:
            return np.broadcast_to(self.term(path[0]), shape)
        out = np.ones(shape)
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
        own = pool.source == CONSTANT
        codes = np.unique(pool.terms.code)
        fed = [_of_pool(pool, (pool.terms.code == code) & ~own) for code in codes]
        made = summed(self.projection, fed, self.which)
        out = np.zeros((len(self.draws), len(self.projection.days)))
        for i, code in enumerate(codes):
            factor = self.product(cast("Path", pool.terms.known[code]))
            out += factor * made[:, i, self.place].T * self.scale[:, None]
            out += factor * pool.weight[(pool.terms.code == code) & own].sum()
        return out


def _of_pool(pool: Pool, mine: BoolArray) -> Column:
    """Some flows of a pool, as a column."""
    return Column(pool.source[mine], pool.replaced[mine], pool.weight[mine][None, :])


@dataclass(frozen=True, slots=True)
class _Work:
    """What a worker must know: the projection, the products to make, and how many draws follow one trajectory."""

    projection: Projection
    items: tuple[_Item, ...]
    spans: Spans
    most: int

    def run(self, draws: IntArray, follows: IntArray, scale: FloatArray) -> list[FloatArray]:
        """The products of some draws, in the order of trajectories: (span, n) each, of the spans in which it is any."""
        which, place = np.unique(follows, return_inverse=True)
        scope = _Scope(self.projection, draws, which.astype(np.intp), place, scale)
        columns: dict[bytes, int] = {}
        fed: list[Column] = []
        at = np.zeros(len(self.items), dtype=np.intp)
        for i, item in enumerate(self.items):
            if not item.column.own:
                at[i] = columns.setdefault(item.digest, len(fed))
                if at[i] == len(fed):
                    fed.append(item.column)
        daily = np.ascontiguousarray(summed(self.projection, fed, scope.which).transpose(2, 0, 1))
        out: list[FloatArray] = [np.empty(0)] * len(self.items)
        alike: dict[tuple[Hashable, ...], list[int]] = {}
        for i, item in enumerate(self.items):
            alike.setdefault((item.column.own, *map(id, item.terms)), []).append(i)
        for mine in alike.values():
            first = self.items[mine[0]]
            make = self._plain if not first.terms else self._own if first.column.own else self._fed
            for i, product in zip(mine, make(mine, daily[:, :, at[mine]], scope), strict=True):
                out[i] = product
        return out

    def _profiles(self, mine: list[int]) -> FloatArray:
        """(period, item)."""
        return np.stack([self.items[i].profile for i in mine], axis=1)

    def _active(self, mine: list[int], span: int) -> list[int]:
        """Which of some items are anything in a span, as places in ``mine``."""
        return [k for k, i in enumerate(mine) if self.items[i].first <= span < self.items[i].after]

    def _cut(self, mine: list[int], whole: FloatArray) -> list[FloatArray]:
        """The spans of each item out of (span, item, n)."""
        return [whole[self.items[i].first : self.items[i].after, k] for k, i in enumerate(mine)]

    def _plain(self, mine: list[int], daily: FloatArray, scope: _Scope) -> list[FloatArray]:
        """Items without a term: the same for all draws of a trajectory."""
        profiles = self._profiles(mine)
        if self.items[mine[0]].column.own:
            sums = np.add.reduceat(self._constants(mine) * profiles, self.spans.starts, axis=0)
            whole = np.repeat(sums[:, :, None], len(scope.draws), axis=2)
            return self._cut(mine, whole)
        sums = np.add.reduceat(daily * profiles, self.spans.starts, axis=1)
        return self._cut(mine, sums[scope.place].transpose(1, 2, 0))

    def _constants(self, mine: list[int]) -> FloatArray:
        """What flows that no trajectory feeds come to: (period, item)."""
        periods = len(self.projection.days)
        return np.stack([np.broadcast_to(self.items[i].column.weight.sum(axis=1), periods) for i in mine], axis=1)

    def _own(self, mine: list[int], daily: FloatArray, scope: _Scope) -> list[FloatArray]:
        """Items with terms that no trajectory feeds."""
        factor = scope.product(self.items[mine[0]].terms)
        part = self._constants(mine) * self._profiles(mine)
        whole = np.zeros((len(self.spans), len(mine), len(scope.draws)))
        ends = [*self.spans.starts[1:], len(part)]
        for p, (lo, hi) in enumerate(zip(self.spans.starts, ends, strict=True)):
            whole[p] = (factor[:, lo:hi] @ _two(part[lo:hi]))[:, : len(mine)].T
        return self._cut(mine, whole)

    def _fed(self, mine: list[int], daily: FloatArray, scope: _Scope) -> list[FloatArray]:
        """Items with terms that trajectories feed: a matrix product a trajectory and span."""
        profiles = self._profiles(mine)
        whole = np.zeros((len(self.spans), len(mine), len(scope.draws)))
        factor = _dealt(scope.product(self.items[mine[0]].terms), scope.deal(self.most))
        ends = [*self.spans.starts[1:], len(profiles)]
        for p, (lo, hi) in enumerate(zip(self.spans.starts, ends, strict=True)):
            active = self._active(mine, p)
            if active:
                part = _two(daily[:, lo:hi, active] * profiles[lo:hi, active])
                made = factor[:, :, lo:hi] @ part
                whole[p, active] = made[scope.deal(self.most)][:, : len(active)].T
        return self._cut(mine, whole)


def _dealt(values: FloatArray, deal: BoolArray) -> FloatArray:
    """What each draw has (n, period), by the trajectory that it follows: (trajectory, draw of it, period)."""
    if deal.all():
        return np.asarray(values.reshape(*deal.shape, values.shape[1]))
    out = np.zeros((*deal.shape, values.shape[1]))
    out[deal] = values
    return out


def _two(part: FloatArray) -> FloatArray:
    """The same with at least two columns: a product with one alone is added up in another order."""
    return np.ascontiguousarray(part if part.shape[-1] > 1 else np.concatenate([part, part], axis=-1))
