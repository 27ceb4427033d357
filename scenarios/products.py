"""Products. Comes in: groups of flows and their factors. Goes out: their sums over a span, by draw.

A product is what the trajectories feed to some columns, times a factor by draw and period, added up over the periods of
one span: draws by days times days by columns, one matrix product a trajectory. Its bits do not depend on what else is
worked out: a plan that is made again with what did not change is a new plan to the bit.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final, cast

import numpy as np

from forecast.panel import BoolArray, FloatArray, IntArray
from forecast.projection import Projection
from scenarios.changes.flows import CONSTANT, Path, Pool, Term
from scenarios.columns import Column, summed
from scenarios.spans import Spans

#: Products of no more multiplications are not spread over threads: below 9,216, of a matrix and a vector, by OpenBLAS.
UNTHREADED: Final = 9_000


@dataclass(frozen=True, slots=True)
class Product:
    """Sums that draws need.

    Attributes
    ----------
    key : tuple
        Tells it from others.
    terms : tuple of Term
        Their product is the factor; none, and it is 1.
    columns : tuple of Column
        One a cell; all fed by trajectories, or none.
    span : int
    profile : float array (period of the span,)
        What each period counts.
    """

    key: tuple[Hashable, ...]
    terms: Path
    columns: tuple[Column, ...]
    span: int
    profile: FloatArray

    @property
    def own(self) -> bool:
        """Whether no trajectory feeds it."""
        return self.columns[0].own


@dataclass(frozen=True, slots=True)
class Work:
    """What a worker must know.

    Attributes
    ----------
    projection : Projection
    products : tuple of Product
    spans : Spans
    most : int
        Draws that follow one trajectory, at most.
    """

    projection: Projection
    products: tuple[Product, ...]
    spans: Spans
    most: int

    def run(self, draws: IntArray, follows: IntArray, scale: FloatArray) -> list[FloatArray]:
        """The products of some draws, in the order of trajectories: (cell, n) each.

        Parameters
        ----------
        draws : int array (n,)
        follows : int array (n,)
            The trajectory of each.
        scale : float array (n,)
            The smoothing factor of each; products are without it.
        """
        which, place = np.unique(follows, return_inverse=True)
        scope = _Scope(self.projection, draws, which.astype(np.intp), place, scale)
        place_of: dict[int, int] = {}
        fed: list[Column] = []
        for product in self.products:
            for column in () if product.own else product.columns:
                if id(column) not in place_of:
                    place_of[id(column)] = len(fed)
                    fed.append(column)
        daily = np.ascontiguousarray(summed(self.projection, fed, scope.which).transpose(2, 0, 1))
        alike: dict[tuple[int, ...], list[int]] = {}
        for i, product in enumerate(self.products):
            alike.setdefault((int(product.own), *map(id, product.terms)), []).append(i)
        ends = [*self.spans.starts[1:], len(self.projection.days)]
        out: list[FloatArray] = [np.empty(0)] * len(self.products)
        for mine in alike.values():
            first = self.products[mine[0]]
            factor = None if not first.terms else scope.product(first.terms)
            if factor is not None and not first.own:
                factor = _dealt(factor, scope.deal(self.most))
            for i in mine:
                product = self.products[i]
                days = slice(int(self.spans.starts[product.span]), int(ends[product.span]))
                if product.own:
                    out[i] = _own(product, days, factor, len(draws))
                else:
                    at = [place_of[id(column)] for column in product.columns]
                    # Columns of one product mostly stand side by side: then they are not copied before they are used.
                    beside = at == list(range(at[0], at[0] + len(at)))
                    some = daily[:, days, at[0] : at[-1] + 1] if beside else daily[:, days].take(at, axis=2)
                    part = some if (product.profile == 1.0).all() else some * product.profile[:, None]
                    out[i] = _fed(part, days, factor, scope, self.most)
        return out


def _own(product: Product, days: slice, factor: FloatArray | None, number: int) -> FloatArray:
    """What no trajectory feeds: (cell, n)."""
    out = np.empty((len(product.columns), number))
    for i, column in enumerate(product.columns):
        weight = column.weight.sum(axis=1)
        part = product.profile * (weight[days] if len(weight) > 1 else weight)
        out[i] = part.sum() if factor is None else (factor[:, days] * part).sum(axis=1)
    return out


def _fed(part: FloatArray, days: slice, factor: FloatArray | None, scope: _Scope, most: int) -> FloatArray:
    """What trajectories feed: (trajectory, period, cell) to (cell, n)."""
    if factor is None:
        return np.ascontiguousarray(part.sum(axis=1).T[:, scope.place])
    made = _multiplied(factor[:, :, days], part)
    every = made.reshape(-1, made.shape[2]) if len(scope.draws) == made.shape[0] * most else made[scope.deal(most)]
    return np.ascontiguousarray(every.T)


def _multiplied(factor: FloatArray, part: FloatArray) -> FloatArray:
    """(trajectory, draw, period) times (trajectory, period, cell), the same bits whatever else is worked out.

    How BLAS adds up hangs on the shape of the matrices and, of large ones, on the number of threads that it has. So
    each product is multiplied on its own, in pieces that are too small for threads.
    """
    count, periods, cells = factor.shape[1], *part.shape[1:]
    out = np.empty((len(factor), count, cells))
    wide = min(cells, max(1, UNTHREADED // (2 * periods)))
    tall = max(2, UNTHREADED // (wide * periods))
    for left in range(0, cells, wide):
        some = np.ascontiguousarray(part[:, :, left : left + wide])
        for top in range(0, count, tall):
            out[:, top : top + tall, left : left + wide] = factor[:, top : top + tall] @ some
    return out


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


def _dealt(values: FloatArray, deal: BoolArray) -> FloatArray:
    """What each draw has (n, period), by the trajectory that it follows: (trajectory, draw of it, period)."""
    if deal.all():
        return np.asarray(values.reshape(*deal.shape, values.shape[1]))
    out = np.zeros((*deal.shape, values.shape[1]))
    out[deal] = values
    return out
