"""Price paths. Comes in: what moves a SKU's price, from when. Goes out: its price over the book's, day by day.

A flow has one path. Its steps are gone through by date, whatever the order in which a scenario lists them: the jumps of
the vendor first, then each price that is set, which ends what came before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import numpy as np
import pandas as pd

from forecast.errors import ScenarioError
from forecast.panel import BoolArray, FloatArray, IntArray
from scenarios.changes.clock import Clock
from scenarios.changes.flows import Chains, Flows, PriceMove

#: Before every date: jumps of the vendor's go on until a price is set.
ALWAYS: Final = pd.Timestamp.min


class PriceStep(Protocol):
    """One step of a price, in words and in numbers."""

    @property
    def told(self) -> str:
        """Which change it is of, in words."""
        ...

    @property
    def since(self) -> pd.Timestamp:
        """From when it acts; steps of one path are ordered by it."""
        ...

    @property
    def scale_free(self) -> bool:
        """Whether only the shape of the book's prices matters."""
        ...

    def contradicts(self, other: PriceStep) -> bool:
        """Whether both cannot hold of one SKU."""
        ...

    def reprice(self, draws: IntArray, relative: FloatArray, book: FloatArray, per: float) -> FloatArray:
        """The price over the book's after it, by day: as :meth:`PriceMove.reprice`, on (n, day)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class PricePath:
    """The steps of a price, by date; a month of monthly usage has the mean price of its days.

    Attributes
    ----------
    clock : Clock
    steps : tuple of PriceStep
    """

    clock: Clock
    steps: tuple[PriceStep, ...] = ()

    @property
    def scale_free(self) -> bool:
        """Whether only the shape of the book's prices matters."""
        return all(step.scale_free for step in self.steps)

    def reprice(self, draws: IntArray, relative: FloatArray, book: FloatArray, per: float) -> FloatArray:
        """The price over the book's price after every step: (n, period)."""
        monthly = len(self.clock.daily) != len(self.clock.periods)
        if monthly:
            days = self.clock.days.astype(np.intp)
            relative, book = np.repeat(relative, days, axis=1), np.repeat(book, days)
        for step in self.steps:
            relative = step.reprice(draws, relative, book, per)
        return self.clock.mean(relative) if monthly else relative

    def steady(self, draws: IntArray, book: FloatArray, per: float) -> tuple[IntArray, FloatArray] | None:
        """Where the ratio may change, and what it is from there on: (piece,) and (n, piece)."""
        if len(self.clock.daily) != len(self.clock.periods) or not all(isinstance(s, PriceSet) for s in self.steps):
            return None
        moves = np.diff(book, prepend=book[0]) != 0
        for step in self.steps:
            moves |= np.diff(step.after, prepend=step.after[0])  # type: ignore[attr-defined]
        moves[0] = True
        pieces = np.nonzero(moves)[0].astype(np.intp)
        relative = np.ones((len(draws), len(pieces)))
        for step in self.steps:
            own = replace(step, after=step.after[pieces])  # type: ignore[attr-defined,type-var]
            relative = own.reprice(draws, relative, book[pieces], per)
        return pieces, relative

    def then(self, step: PriceStep) -> PricePath:
        """The path with one more step, in the place of its date; of one date, the later listed is the later."""
        return replace(self, steps=tuple(sorted((*self.steps, step), key=lambda one: one.since)))


def seen_by(moves: Sequence[PriceMove], book: FloatArray, per: FloatArray) -> tuple[FloatArray, FloatArray]:
    """What moves look at of prices: the book's (period, row), and for how many units a quoted one is (row,).

    Moves that look at no money see prices over the first known one: flows of one shape share them.
    """
    if not all(move.scale_free for move in moves):
        return book, per
    first = np.take_along_axis(book, (book > 0).argmax(axis=0)[None, :], axis=0)
    return np.asarray(book / np.where(first > 0, first, 1.0)), np.ones(len(per))


def stepped(flows: Flows, rows: BoolArray, step: PriceStep, clock: Clock) -> Flows:
    """Let the prices of some flows take a step.

    Raises
    ------
    ScenarioError
        It contradicts a step of another change: both are named.
    """
    code, known = flows.moves.code.copy(), list(flows.moves.known)
    for old in np.unique(code[rows]):
        mine = rows & (flows.moves.code == old)
        before: tuple[object, ...] = flows.moves.known[old]
        path = next((move for move in before if isinstance(move, PricePath)), PricePath(clock))
        for other in path.steps:
            if step.contradicts(other):
                raise ScenarioError(_contradiction(step, other, flows.labels[mine].iloc[0]))
        code[mine] = len(known)
        known.append((*(move for move in before if move is not path), path.then(step)))
    return replace(flows, moves=Chains(code, tuple(known)))


def _contradiction(step: PriceStep, other: PriceStep, sku: pd.Series) -> str:
    who = "/".join(str(v) for v in (sku["provider"], sku["model"]) if not pd.isna(v))
    return (
        f"two changes contradict each other on {who} {sku['unit']}: {other.told}, and {step.told}; "
        "keep one, give them other dates or SKUs, or put them in branches of a tree"
    )


@dataclass(frozen=True, slots=True, eq=False)
class PriceSet:
    """A price that is set on a date and then stays: that of the date times 1 + size, or size a quoted unit.

    Attributes
    ----------
    told : str
    since : Timestamp
    after : bool array (day,)
        Which days are from that date on.
    size : float array (draw,)
    happens : bool array (draw,)
    relative : bool
    certain : bool
        Whether it happens in every draw.
    """

    told: str
    since: pd.Timestamp
    after: BoolArray
    size: FloatArray
    happens: BoolArray
    relative: bool
    certain: bool

    @property
    def scale_free(self) -> bool:
        """A relative change looks at no money."""
        return self.relative

    def contradicts(self, other: PriceStep) -> bool:
        """One day has one certain price; and a price that is stated is no other on its first day."""
        if not isinstance(other, PriceSet) or other.since != self.since:
            return False
        return (self.certain and other.certain) or not (self.relative and other.relative)

    def reprice(self, draws: IntArray, relative: FloatArray, book: FloatArray, per: float) -> FloatArray:
        """The price over the book's price after the change: (n, day)."""
        if not self.after.any():
            return relative
        first = int(np.argmax(self.after))
        size, rows = self.size[draws], np.nonzero(self.happens[draws])[0]
        start = relative[:, first] * book[first] * (1.0 + size) if self.relative else size / per
        later = book[first:]
        out = relative.copy()
        moved = start[rows, None] / np.where(later > 0, later, 1.0)
        out[rows, first:] = np.where(later > 0, moved, relative[rows, first:])
        return out


@dataclass(frozen=True, slots=True, eq=False)
class PriceJumped:
    """The jumps of one model's price, draw by draw.

    Attributes
    ----------
    told : str
    draw, day : int arrays (jump,)
        In the order of draws; ``day`` is the first on which the new price holds.
    log_factor : float array (jump,)
    resets : int array
        Days on which the price book sets the price anew.
    """

    told: str
    draw: IntArray
    day: IntArray
    log_factor: FloatArray
    resets: IntArray
    since: pd.Timestamp = field(default=ALWAYS)

    @property
    def scale_free(self) -> bool:
        """Jumps look at no money."""
        return True

    def contradicts(self, other: PriceStep) -> bool:
        """A price follows one process."""
        return isinstance(other, PriceJumped)

    def reprice(self, draws: IntArray, relative: FloatArray, book: FloatArray, per: float) -> FloatArray:
        """The price over the book's price with the jumps: (n, day)."""
        begin = np.searchsorted(self.draw, draws, side="left")
        end = np.searchsorted(self.draw, draws, side="right")
        rows = np.nonzero(end > begin)[0]
        if not len(rows):
            return relative
        count = (end - begin)[rows]
        place = np.repeat(begin[rows] - np.cumsum(count) + count, count) + np.arange(count.sum())
        level = np.zeros((len(rows), relative.shape[1]))
        np.add.at(level, (np.repeat(np.arange(len(rows)), count), self.day[place]), self.log_factor[place])
        np.cumsum(level, axis=1, out=level)
        for at in self.resets:
            level[:, at:] -= level[:, at : at + 1].copy()
        out = relative.copy()
        out[rows] *= np.exp(level)
        return out
