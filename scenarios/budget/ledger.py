"""The ledger of a plan: money by draw, month and row, the labels to group it by, and how it was split."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Final, TypeVar, cast

import numpy as np
import pandas as pd

from forecast import schema
from forecast.calendars import Calendar, Unit
from forecast.drivers import labels_of
from forecast.errors import PlanError, one_of
from forecast.panel import FloatArray, IntArray
from forecast.shown import short_repr
from scenarios.budget.splits import Split

LINE, TOKENS, TRANSFER = "line", "tokens", "policy transfer"
T = TypeVar("T")
PERIODS: Final[tuple[Unit, ...]] = ("month", "quarter", "year")


@dataclass(frozen=True, slots=True)
class Parted:
    """One part of the plan, or the whole of it, as a split divides it.

    Attributes
    ----------
    where : tuple of (column, label)
        What it is of the splits before; empty for the whole plan.
    parts : tuple of str (part,)
    shares : float array (draw, part)
        Each part's share of the money, in every draw; a row sums to 1.
    demand : float array (draw, part), optional
        What each part wants over the horizon, with what is dealt to it by a key; None where nobody knows.
    moved : float array (draw, part)
        What policy moves to each part over the horizon; a row sums to 0.
    ranges : float array (part, end)
        The policy's low and high end; NaN where a part has no range.
    """

    __repr__ = short_repr

    where: tuple[tuple[str, str], ...]
    parts: tuple[str, ...]
    shares: FloatArray
    demand: FloatArray | None
    moved: FloatArray
    ranges: FloatArray


@dataclass(frozen=True, slots=True)
class Level:
    """One split, applied inside every part that those before it made; ``notes`` tell what was assumed."""

    __repr__ = short_repr

    split: Split
    parted: tuple[Parted, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ledger:
    """Allocated money.

    Attributes
    ----------
    labels : DataFrame (row,)
        ``line``, ``environment``, and what else the plan keeps apart.
    money : float array (draw, month, row)
        In each draw and month the rows sum to what is spent; ``policy transfer`` rows sum to 0.
    demand : bool array (row,)
        False for policy transfers, which move money and are not demand.
    own : bool array (row,)
        True for the lines that bear an environment of their own, or whatever the plan is split by: what demand shares
        are made from.
    days : DatetimeIndex (month,)
        The first day of each month. By a calendar of weeks, a month is the part of one that lies in one fiscal month.
    calendar : Calendar
        Whose months, quarters and years tables are told by.
    shares : float array (draw, environment), optional
        The shares of the split by environment, where that is the first, and ``environments`` their names.
    levels : tuple of Level
        What each split made, in order.
    """

    __repr__ = short_repr

    labels: pd.DataFrame
    money: FloatArray
    demand: np.ndarray
    own: np.ndarray
    days: pd.DatetimeIndex
    environments: tuple[str, ...]
    shares: FloatArray | None
    calendar: Calendar
    levels: tuple[Level, ...] = ()
    _kept: dict[Hashable, object] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def totals(self) -> FloatArray:
        """Money over the horizon in each draw: (draw,)."""
        return self.once("totals", lambda: np.asarray(self.money[:, :, self.demand].sum(axis=(1, 2)))).copy()

    @property
    def months(self) -> pd.PeriodIndex:
        """The calendar month of each; by a calendar of weeks one may come twice."""
        return self.days.to_period("M")

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What ``make`` gives, made the first time only: tables, pages and files ask for the same again and again."""
        if key not in self._kept:
            self._kept[key] = make()
        return cast("T", self._kept[key])

    def columns(self) -> tuple[str, ...]:
        """What ``by`` may name."""
        return (*PERIODS, *self.labels.columns)

    def groups(self, by: list[str]) -> tuple[pd.DataFrame, IntArray]:
        """Groups of (month, row) cells: their labels (group,), and each cell's group (month, row)."""
        labels, group = self.once(("groups", *by), lambda: self._groups(by))
        return labels.copy(), group.copy()

    def _groups(self, by: list[str]) -> tuple[pd.DataFrame, IntArray]:
        """The groups, worked out."""
        for name in by:
            one_of("by", name, self.columns(), PlanError)
        if len(set(by)) != len(by):
            raise PlanError(f"by={by!r} names a column twice")
        months, rows = len(self.days), len(self.labels)
        cells = pd.DataFrame(index=pd.RangeIndex(months * rows))
        for name in by:
            if name in PERIODS:
                cells[name] = np.repeat(self.calendar.label(self.days, name), rows)
            else:
                values = self.labels[name].astype("object")
                # A line that is not tokens has no project or model: it is shown by its own name.
                stand_in = self.labels[LINE].map(lambda line: schema.UNASSIGNED if line == TOKENS else f"({line})")
                cells[name] = np.tile(values.where(values.notna(), stand_in).to_numpy(), months)
        if not by:
            return pd.DataFrame(index=pd.RangeIndex(1)), np.zeros((months, rows), dtype=np.intp)
        labels, code = labels_of(cells, by)
        return labels, code.reshape(months, rows)

    def summed(self, group: IntArray, count: int, rows: np.ndarray | None = None) -> FloatArray:
        """Money of each group: (draw, group); ``rows`` (bool) takes only some rows."""
        used = np.arange(len(self.labels)) if rows is None else np.nonzero(rows)[0]
        out = np.zeros((len(self.money), count))
        for month in range(len(self.days)):
            code = group[month, used]
            order = np.argsort(code, kind="stable")
            if not len(order):
                continue
            found, first = np.unique(code[order], return_index=True)
            out[:, found] += np.add.reduceat(self.money[:, month].take(used[order], axis=1), first, axis=1)
        return out


def columns_of(by: object) -> list[str]:
    """What tables are made by, as a list."""
    if not isinstance(by, str | list | tuple):
        raise PlanError(f"by={by!r}: wanted a column or a list of them, such as by=['month', 'environment']")
    return [by] if isinstance(by, str) else list(by)
