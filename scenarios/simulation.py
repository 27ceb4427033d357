"""The Monte Carlo engine. Comes in: a projection and enacted scenarios. Goes out: sums by draw, span and cell.

Draws share trajectories. What the trajectories feed is added up by period, once, into columns: flows of one cell whose
factor is the same. What differs from draw to draw is then one factor a group, and all of it that is a sum of products
of a number a draw and a number a period is taken out of the days: what is left to be done by draw and day is one matrix
product of draws by days with days by columns, for growth and the like. The result is exact to the day. Scenarios of one
projection share trajectories, columns and products, and a :class:`Workings` keeps them for the next scenario.
"""

from __future__ import annotations

import pickle
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import numpy as np

from forecast.errors import PlanError
from forecast.panel import BoolArray, FloatArray, IntArray
from forecast.progress import Work as Share
from forecast.progress import in_parallel, tracked
from forecast.projection import Draws, Projection
from scenarios.columns import Column
from scenarios.costing import Enacted
from scenarios.factors import Factors
from scenarios.products import Product, Work
from scenarios.spans import Spans, spans_of
from scenarios.workings import Workings

#: Trajectories worked on at once, at most: in this process, and by each worker. No number depends on it.
BLOCK: Final = 250
SHARED_BLOCK: Final = 50
#: What columns of a block may take, in bytes; fewer trajectories are worked on at once where there are many columns.
MOST_BYTES: Final = 64_000_000

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


def simulate(
    projection: Projection,
    asked: Sequence[Sum],
    *,
    draws: int,
    seed: int,
    n_jobs: int | None = 1,
    workings: Workings | None = None,
    spans: Spans | None = None,
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
    workings : Workings, optional
        What earlier runs left, of the same projection, prices, draws and seed; what this one makes is added.
    spans : Spans, optional
        In place of the projection's months; ``workings`` must then be of the same spans.

    Raises
    ------
    PlanError
        ``n_jobs`` is no number of workers.
    """
    whole_number = isinstance(n_jobs, int | np.integer) and not isinstance(n_jobs, bool)
    if n_jobs is not None and (not whole_number or n_jobs == 0):
        raise PlanError(f"n_jobs={n_jobs!r}: wanted how many workers, such as 2, -1 for all processors, or None")
    dealt = projection.draws(draws, seed)
    spans = spans_of(projection) if spans is None else spans
    products, recipes = _recipes(asked, spans, len(projection.days), draws)
    known = workings.products if workings is not None else {}
    missing = {key: product for key, product in products.items() if key not in known}
    order = np.argsort(dealt.trajectory, kind="stable").astype(np.intp)
    follows, scale = dealt.trajectory[order], np.exp(dealt.log_factor[order])
    work = Work(projection, tuple(missing.values()), spans, int(np.bincount(follows).max()))
    blocks = _blocks(follows, _block(missing, len(projection.days), n_jobs))
    out = tuple(np.zeros((len(spans), one.cells, draws)) for one in asked)
    made: dict[tuple[Hashable, ...], list[FloatArray]] = {key: [] for key in missing}
    size = 8 * draws * sum(len(product.columns) for product in missing.values())
    keeps = workings is not None and workings.room_for(size)
    done = _done(work, [(order[at], follows[at], scale[at]) for at in blocks], n_jobs)
    for at, found in zip(blocks, done, strict=True):
        now = dict(zip(missing, found, strict=True))
        if keeps:
            for key, product in now.items():
                made[key].append(product)
        for recipe, whole in zip(recipes, out, strict=True):
            for step in recipe:
                own = step.by_draw if len(step.by_draw) == 1 else step.by_draw[order[at]]
                factor = own if step.own else own * scale[at]
                for key, span in step.products:
                    whole[span, step.cells, at] += factor * (now[key] if key in now else known[key][:, at])
    if workings is not None and keeps:
        for key, asked_for in missing.items():
            workings.keep(key, np.concatenate(made[key], axis=1), asked_for.terms)
    place = np.argsort(order)
    return Simulation(tuple(np.ascontiguousarray(w[:, :, place].transpose(2, 0, 1)) for w in out), spans, dealt)


@dataclass(frozen=True, slots=True)
class _Step:
    """Products that are multiplied by one number a draw, each with its span, and the cells that they are counted in."""

    by_draw: FloatArray
    own: bool
    cells: IntArray | slice
    products: tuple[tuple[tuple[Hashable, ...], int], ...]


def _recipes(
    asked: Sequence[Sum], spans: Spans, periods: int, draws: int
) -> tuple[dict[tuple[Hashable, ...], Product], list[list[_Step]]]:
    """The products that sums need, each once, and how each sum is made of them."""
    factors, ends = Factors.of(draws), [*spans.starts[1:], periods]
    products: dict[tuple[Hashable, ...], Product] = {}
    columns: dict[bytes, Column] = {}
    recipes = []
    for one in asked:
        groups, group = factors.groups(one.enacted, one.rows, costs=one.what == "cost", judged=one.what == "quality")
        recipe = []
        for g, known in enumerate(groups):
            cells, mine, digest = _columns(one, group == g, columns)
            path = (*map(id, known.terms), digest)
            for part in known.parts:
                profile, needed = np.broadcast_to(part.by_period, periods), []
                for span, (lo, hi) in enumerate(zip(spans.starts, ends, strict=True)):
                    if profile[lo:hi].any():
                        key = (*path, span, profile[lo:hi].tobytes())
                        if key not in products:
                            products[key] = Product(key, known.terms, mine, span, profile[lo:hi])
                        needed.append((key, span))
                recipe.append(_Step(part.by_draw, known.own, cells, tuple(needed)))
        recipes.append(recipe)
    return products, recipes


def _columns(
    one: Sum, mine: BoolArray, known: dict[bytes, Column]
) -> tuple[IntArray | slice, tuple[Column, ...], bytes]:
    """The cells of one group, the column of each, and what tells these columns from others."""
    at = np.nonzero(mine)[0]
    at = at[np.argsort(one.cell[at], kind="stable")]
    rows, cells = one.rows[at], one.cell[at]
    flows = one.enacted.flows
    weight = one.enacted.book[:, rows] if one.what == "cost" else np.ones((1, len(rows)))
    if (weight == weight[:1]).all():
        weight = weight[:1]
    ends = np.append(np.nonzero(np.diff(cells, prepend=-1))[0], len(cells))
    made, digests = [], []
    for lo, hi in pairwise(ends):
        column = Column(flows.source[rows[lo:hi]], flows.replaced[rows[lo:hi]], weight[:, lo:hi])
        digests.append(column.key)
        made.append(known.setdefault(digests[-1], column))
    return _run_of(cells[ends[:-1]]), tuple(made), b"".join(digests)


def _run_of(cells: IntArray) -> IntArray | slice:
    """Cells that follow one another, as a slice: what is added there is not copied."""
    first, last = int(cells[0]), int(cells[-1])
    return slice(first, last + 1) if last - first + 1 == len(cells) else cells


def _block(products: Mapping[tuple[Hashable, ...], Product], periods: int, n_jobs: int | None) -> int:
    """How many trajectories are worked on at once."""
    columns = len({id(column) for product in products.values() for column in product.columns})
    fits = int(MOST_BYTES / (8 * periods * max(columns, 1)))
    return max(1, min(BLOCK if n_jobs == 1 else SHARED_BLOCK, fits))


def _blocks(follows: IntArray, size: int) -> list[slice]:
    """The draws of so many trajectories at a time, of draws in the order of trajectories."""
    begin = np.nonzero(np.diff(follows, prepend=-1))[0][::size]
    return [slice(int(lo), int(hi)) for lo, hi in zip(begin, [*begin[1:], len(follows)], strict=True)]


def _done(work: Work, parts: list[_Part], n_jobs: int | None) -> Iterator[list[FloatArray]]:
    """The products of each block, in their order."""
    if not work.products:
        return iter([[] for _ in parts])
    if n_jobs == 1:
        return iter(tracked((work.run(*part) for part in parts), "simulating", _works(parts)))
    import cloudpickle
    from joblib import delayed

    # Told once, as an array: a backend hands it to each worker once, whatever the number of blocks.
    told = np.frombuffer(cloudpickle.dumps(work), dtype=np.uint8)
    calls = (delayed(_run)(told, *part) for part in parts)
    return in_parallel(calls, "simulating", _works(parts), n_jobs=n_jobs)


def _works(parts: list[_Part]) -> list[Share]:
    """How much each block is: its draws."""
    return [Share(len(draws)) for draws, _, _ in parts]


def _run(told: np.ndarray, draws: IntArray, follows: IntArray, scale: FloatArray) -> list[FloatArray]:
    """The products of one block, in a worker."""
    work: Work = pickle.loads(told.data)  # noqa: S301  (what the caller's own process made)
    return work.run(draws, follows, scale)
