"""The ledger of a plan: money by draw, month and row, with the labels to group it by.

Comes in: rows of demand, lines without an environment, a split. Goes out: rows of allocated money that add up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from forecast import schema
from forecast.calendars import Calendar, Unit
from forecast.drivers import labels_of
from forecast.errors import PlanError, one_of
from forecast.panel import FloatArray, IntArray
from scenarios.budget.splits import EnvironmentSplit
from scenarios.components import OWNER_COLUMNS, Row

LINE, TOKENS, TRANSFER = "line", "tokens", "policy transfer"
PERIODS: Final[tuple[Unit, ...]] = ("month", "quarter", "year")


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
        True for the lines that bear an environment of their own: what demand shares are made from.
    days : DatetimeIndex (month,)
        The first day of each month. By a calendar of weeks, a month is the part of one that lies in one fiscal month.
    calendar : Calendar
        Whose months, quarters and years tables are told by.
    shares : float array (draw, environment), optional
        The split's shares, and ``environments`` their names.
    """

    labels: pd.DataFrame
    money: FloatArray
    demand: np.ndarray
    own: np.ndarray
    days: pd.DatetimeIndex
    environments: tuple[str, ...]
    shares: FloatArray | None
    calendar: Calendar

    @property
    def totals(self) -> FloatArray:
        """Money over the horizon in each draw: (draw,)."""
        return np.asarray(self.money[:, :, self.demand].sum(axis=(1, 2)))

    @property
    def months(self) -> pd.PeriodIndex:
        """The calendar month of each; by a calendar of weeks one may come twice."""
        return self.days.to_period("M")

    def columns(self) -> tuple[str, ...]:
        """What ``by`` may name."""
        return (*PERIODS, *self.labels.columns)

    def groups(self, by: list[str]) -> tuple[pd.DataFrame, IntArray]:
        """Groups of (month, row) cells: their labels (group,), and each cell's group (month, row)."""
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
        used = np.ones(len(self.labels), dtype=bool) if rows is None else rows
        out = np.zeros((len(self.money), count))
        for month in range(len(self.days)):
            code = group[month, used]
            order = np.argsort(code, kind="stable")
            if not len(order):
                continue
            found, first = np.unique(code[order], return_index=True)
            out[:, found] += np.add.reduceat(self.money[:, month][:, used][:, order], first, axis=1)
        return out


def ledger_of(
    labels: pd.DataFrame,
    cost: FloatArray,
    lines: list[Row],
    days: pd.DatetimeIndex,
    split: EnvironmentSplit | None,
    *,
    calendar: Calendar,
) -> Ledger:
    """Allocate.

    Parameters
    ----------
    labels : DataFrame (cell,)
        Labels of the token lines, ``environment`` among them.
    cost : float array (draw, month, cell)
    lines : list of Row
        Lines that are not tokens: money (draw, month), and whose it is. Owner's columns that a line bears are columns
        of the ledger.
    days : DatetimeIndex (month,)
        The first day of each month.
    split : EnvironmentSplit, optional
    calendar : Calendar

    A split makes one share vector a draw from the horizon's demand of the lines that have an environment. Lines
    without one are dealt by it, and each environment gets a row ``policy transfer``: its part of the total less its own
    demand and its dealt lines.
    """
    labels = labels.assign(line=TOKENS)
    labels["environment"] = (
        labels["environment"].astype("object").where(labels["environment"].notna(), schema.UNASSIGNED)
    )
    owners = [c for c in OWNER_COLUMNS if c not in labels and any(c in line.owner for line in lines)]
    columns = [LINE, "environment", *[c for c in labels.columns if c not in (LINE, "environment")], *owners]
    bearing = [line for line in lines if "environment" in line.owner]
    rows = [labels, *[pd.DataFrame([{LINE: line.name, **line.owner}]) for line in bearing]]
    parts = [cost, *[line.money[:, :, None] for line in bearing]]
    own_labels = pd.concat(rows, ignore_index=True).reindex(columns=columns)
    own = np.concatenate(parts, axis=2)
    environments = sorted(own_labels["environment"].unique())
    free = [line for line in lines if "environment" not in line.owner]
    if split is None:
        extra = pd.DataFrame([{LINE: line.name, "environment": schema.UNASSIGNED, **line.owner} for line in free])
        money = np.concatenate([own, *[line.money[:, :, None] for line in free]], axis=2)
        table = pd.concat([own_labels, extra], ignore_index=True).reindex(columns=columns) if free else own_labels
        bears = np.arange(len(table)) < len(own_labels)
        demand = np.ones(len(table), dtype=bool)
        return Ledger(table, money, demand, bears, days, tuple(environments), None, calendar)
    by_environment = np.stack(
        [own[:, :, (own_labels["environment"] == e).to_numpy()].sum(axis=2) for e in environments], axis=2
    )
    shares = split.shares(by_environment.sum(axis=1), environments)
    transfer = shares[:, None, :] * by_environment.sum(axis=2, keepdims=True) - by_environment
    dealt = [line.money[:, :, None] * shares[:, None, :] for line in free]
    told = [{LINE: line.name, **line.owner, "environment": e} for line in free for e in environments]
    extra = pd.DataFrame([*told, *[{LINE: TRANSFER, "environment": e} for e in environments]])
    table = pd.concat([own_labels, extra], ignore_index=True).reindex(columns=columns)
    demand = np.ones(len(table), dtype=bool)
    demand[len(table) - len(environments) :] = False
    return Ledger(
        table,
        np.concatenate([own, *dealt, transfer], axis=2),
        demand,
        np.arange(len(table)) < len(own_labels),
        days,
        tuple(environments),
        shares,
        calendar,
    )
