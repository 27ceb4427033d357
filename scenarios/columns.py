"""Columns. Comes in: flows to be added up. Goes out: by period and trajectory, the sums that draws are made from.

A column is some flows, each weighed by period, such as by its price. Flows of several scenarios that come to the same
column are added up once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from forecast.feeds import Feeds, in_order
from forecast.panel import BoolArray, FloatArray, IntArray
from forecast.projection import Projection
from scenarios.changes.flows import CONSTANT

#: Flows that are added up at once: what they feed in one period fits a processor's cache.
AT_ONCE: Final = 256


@dataclass(frozen=True, slots=True)
class Column:
    """Some flows: ``source`` and ``replaced`` (row,), ``weight`` (period, row) or (1, row).

    Either all are fed by trajectories, or none is and each is 1 a period.
    """

    source: IntArray
    replaced: BoolArray
    weight: FloatArray

    @property
    def own(self) -> bool:
        """Whether no trajectory feeds it."""
        return bool(len(self.source)) and bool(self.source[0] == CONSTANT)

    @property
    def key(self) -> bytes:
        """What tells it from others."""
        whole = hashlib.blake2b(digest_size=16)
        for part in (self.source, self.replaced, self.weight):
            whole.update(np.ascontiguousarray(part).data)
        return whole.digest()


def summed(projection: Projection, columns: Sequence[Column], which: IntArray) -> FloatArray:
    """What trajectories ``which`` make of columns that they feed: (period, column, trajectory)."""
    listed = list(columns)
    periods = len(projection.days)
    out = np.zeros((periods, len(listed), len(which)))
    size = np.array([len(c.source) for c in listed], dtype=np.intp)
    if not size.sum():
        return out
    source, replaced = (np.concatenate([getattr(c, name) for c in listed]) for name in ("source", "replaced"))
    owner = np.repeat(np.arange(len(listed)), size)
    for part in _pieces(size):
        weight = _weights(listed, owner[part], part.start)
        _add(projection, source[part], replaced[part], weight, owner[part], which, out)
    return out


def _pieces(size: IntArray) -> list[slice]:
    """Rows that are added up at once, of columns of ``size`` rows.

    A column is cut only where it is longer than ``AT_ONCE``, and then at multiples of that from its own first row on:
    the order of its additions does not depend on the columns beside it.
    """
    edges, at = [0], 0
    for rows in map(int, size):
        for end in (*range(AT_ONCE, rows, AT_ONCE), rows):
            if at + end - edges[-1] > AT_ONCE and at + (end - 1) // AT_ONCE * AT_ONCE > edges[-1]:
                edges.append(at + (end - 1) // AT_ONCE * AT_ONCE)
        at += rows
    return [slice(lo, hi) for lo, hi in pairwise([*edges, at]) if hi > lo]


def _weights(columns: list[Column], owner: IntArray, begin: int) -> FloatArray:
    """The weights of some rows: (period, row) or (1, row)."""
    mine = range(int(owner[0]), int(owner[-1]) + 1)
    first = sum(len(c.source) for c in columns[: mine[0]])
    tall = max(len(columns[c].weight) for c in mine)
    whole = [np.broadcast_to(columns[c].weight, (tall, len(columns[c].source))) for c in mine]
    return np.concatenate(whole, axis=1)[:, begin - first : begin - first + len(owner)]


def _add(
    projection: Projection,
    source: IntArray,
    replaced: BoolArray,
    weight: FloatArray,
    owner: IntArray,
    which: IntArray,
    out: FloatArray,
) -> None:
    """Add some rows to their columns."""
    feeds, place = in_order(source * 2 + replaced)
    plain = np.array_equal(place, np.arange(len(source)))
    begin = np.nonzero(np.diff(owner, prepend=-1))[0]
    target = slice(int(owner[0]), int(owner[-1]) + 1)
    filled = owner[begin] - owner[0]
    point, steps = Feeds(projection, feeds // 2, feeds % 2 == 1).opened(which)
    counted = point[:, place] * weight
    for t, fed in enumerate(steps):
        rows = fed if plain else fed.take(place, axis=0, mode="clip")
        rows *= counted[t][:, None]
        out[t, target][filled] += np.add.reduceat(rows, begin, axis=0)
