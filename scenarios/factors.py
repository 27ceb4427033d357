"""Factors. Comes in: flows with what multiplies them. Goes out: groups that share a factor, each factor taken apart.

A group's factor is F[d,t] · Σ_k a_k[d] · b_k[t]. F is the product of the terms that no sum of few products gives, such
as growth; most groups have none. What stands in the sum costs nothing by draw and period: b is multiplied into what the
trajectories feed, and a into sums over whole months.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

import numpy as np

from forecast.panel import FloatArray, IntArray
from scenarios.changes.flows import CONSTANT, Part, Path, PriceMove, Scope, Term
from scenarios.changes.price_path import seen_by
from scenarios.costing import Enacted

#: More addends than this, and a term is worked out by draw and period after all.
MOST_PARTS: Final = 24
_ALL: Final = Part(np.ones(1), np.ones(1))


@dataclass(frozen=True, slots=True)
class Group:
    """Flows whose factor is the same in every draw.

    Attributes
    ----------
    terms : tuple of Term
        Whose product is F.
    parts : tuple of Part
        The addends of the sum.
    own : bool
        Not fed by any trajectory.
    """

    terms: Path
    parts: tuple[Part, ...]
    own: bool


@dataclass(slots=True)
class Factors:
    """Takes factors apart, each once: flows of several scenarios that share one share its terms."""

    draws: int
    _moves: dict[tuple[object, ...], tuple[Path, tuple[Part, ...]]]
    _kept: list[object]

    @classmethod
    def of(cls, draws: int) -> Factors:
        """For so many draws."""
        return cls(draws, {}, [])

    def groups(self, enacted: Enacted, rows: IntArray, *, costs: bool, judged: bool) -> tuple[list[Group], IntArray]:
        """The groups of some flows, and the group of each (row,).

        ``costs`` takes prices in, ``judged`` the quality of what is answered.
        """
        flows = enacted.flows
        beside = flows.price if costs else flows.quality
        more = costs or judged
        own = flows.source[rows] == CONSTANT
        blank = np.zeros(len(rows), dtype=np.intp)
        moves = flows.moves.code[rows] if costs else blank
        shape = self._shapes(enacted, rows) if costs else blank
        code = np.stack([flows.terms.code[rows], beside.code[rows] if more else blank, moves, shape, own])
        if not len(rows):
            return [], blank
        _, first, group = np.unique(code, axis=1, return_index=True, return_inverse=True)
        made = []
        for at in map(int, rows[first]):
            path = cast("Path", flows.terms.of(at)) + (cast("Path", beside.of(at)) if more else ())
            terms, parts = self._moved(enacted, at) if costs else ((), (_ALL,))
            terms, parts = _taken_apart(path, terms, parts)
            made.append(Group(terms, parts, bool(flows.source[at] == CONSTANT)))
        return made, group.ravel().astype(np.intp)

    def _shapes(self, enacted: Enacted, rows: IntArray) -> IntArray:
        """A number for each flow that those share whose price moves look at the same book: (row,)."""
        out = np.zeros(len(rows), dtype=np.intp)
        known: dict[tuple[object, ...], int] = {}
        codes = enacted.flows.moves.code[rows]
        for code in np.unique(codes):
            if enacted.flows.moves.known[code]:
                mine = np.nonzero(codes == code)[0]
                book, per = _shape(enacted, rows[mine])
                keys = [(column.tobytes(), one) for column, one in zip(book.T, per, strict=True)]
                out[mine] = [known.setdefault(key, len(known) + 1) for key in keys]
        return out

    def _moved(self, enacted: Enacted, row: int) -> tuple[Path, tuple[Part, ...]]:
        """What price moves make of one flow's price: a term, or addends."""
        moves = cast("tuple[PriceMove, ...]", enacted.flows.moves.of(row))
        if not moves:
            return (), (_ALL,)
        shape, pers = _shape(enacted, np.array([row]))
        book, per = shape[:, 0], float(pers[0])
        key = (*map(id, moves), book.tobytes(), per)
        if key not in self._moves:
            self._kept.append(moves)
            self._moves[key] = self._pieces(moves, book, per)
        return self._moves[key]

    def _pieces(self, moves: tuple[PriceMove, ...], book: FloatArray, per: float) -> tuple[Path, tuple[Part, ...]]:
        steady = moves[0].steady(np.arange(self.draws), book, per) if len(moves) == 1 else None
        if steady is not None and len(steady[0]) <= MOST_PARTS:
            begin, ratio = steady
            piece = np.searchsorted(begin, np.arange(len(book)), side="right") - 1
            return (), tuple(Part(ratio[:, k], (piece == k).astype(float)) for k in range(len(begin)))

        def value(scope: Scope) -> FloatArray:
            out = np.ones((len(scope.draws), len(book)))
            for move in moves:
                out = move.reprice(scope.draws, out, book, per)
            return out

        return (Term(value),), (_ALL,)


def _shape(enacted: Enacted, rows: IntArray) -> tuple[FloatArray, FloatArray]:
    """What price moves look at of some flows, which have the same moves: (period, row) and (row,)."""
    moves = cast("tuple[PriceMove, ...]", enacted.flows.moves.of(int(rows[0])))
    return seen_by(moves, enacted.book[:, rows], enacted.per[rows])


def _taken_apart(path: Path, terms: Path, parts: tuple[Part, ...]) -> tuple[Path, tuple[Part, ...]]:
    """The terms that stay whole, and the sum that the others give."""
    for term in path:
        more = None if term.parts is None else _times(parts, [_level(part) for part in term.parts])
        if more is None or len(more) > MOST_PARTS:
            terms = (*terms, term)
        else:
            parts = more
    # What comes to nothing is still worked out, as 0 times what it is of: terms look at what they multiply.
    return terms, parts or (Part(np.zeros(1), np.ones(1)),)


def _level(part: Part) -> Part:
    """The same with 1 in each period that counts, where all that count do alike: so that others share its profile."""
    counted = part.by_period != 0
    level = part.by_period[counted][0] if counted.any() else 0.0
    if (part.by_period[counted] != level).any():
        return part
    return Part(part.by_draw * level, counted.astype(float))


def _times(some: Sequence[Part], others: Sequence[Part]) -> tuple[Part, ...]:
    """The product of two sums, without addends that are nothing."""
    made = []
    for one in some:
        for other in others:
            by_period = one.by_period * other.by_period
            if by_period.any():
                made.append(Part(one.by_draw * other.by_draw, by_period))
    return tuple(made)
