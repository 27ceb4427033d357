"""Budgeted. Comes in: a plan, or a table of amounts that was made elsewhere. Goes out: what money is held against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecast.calendars import Calendar
from forecast.errors import PlanError, nearest
from forecast.panel import FloatArray, IntArray
from forecast.shown import short_repr
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.ledger import LINE, PERIODS, TOKENS, Ledger

#: The columns that a table of amounts has beside the labels of its parts.
PERIOD, AMOUNT = "period", "amount"


@dataclass(frozen=True, slots=True)
class Budgeted:
    """A budget, by month and row.

    Attributes
    ----------
    name : str
    labels : DataFrame (row,)
        What it is told by; a table that was made elsewhere need not have a ``line``.
    cents : int array (month, row)
    days : DatetimeIndex (month,)
        The first day of each month.
    calendar : Calendar
    """

    __repr__ = short_repr

    name: str
    labels: pd.DataFrame
    cents: IntArray
    days: pd.DatetimeIndex
    calendar: Calendar

    @property
    def total(self) -> float:
        """All of it."""
        return float(self.cents.sum()) / 100.0

    def by(self, names: list[str], weight: FloatArray | None = None) -> pd.Series:
        """The budget by some columns: Series (part,), index ``names``; ``weight`` (month,) takes a part of each month.

        Raises
        ------
        PlanError
            It is not told by such a column.
        """
        every = np.ones(len(self.labels), dtype=bool)
        money = np.zeros((0, len(self.days), len(self.labels)))
        labels = self.labels if LINE in self.labels else self.labels.assign(**{LINE: TOKENS})
        ledger = Ledger(labels, money, every, every, self.days, (), None, self.calendar)
        there = (*PERIODS, *self.labels.columns)
        unknown = [n for n in names if n not in there]
        if unknown:
            raise PlanError(
                f"by={names!r}: {self.name} is not told by {unknown[0]!r}; it is by {', '.join(there)}"
                f"{nearest(unknown[0], there)}"
            )
        found, group = ledger.groups(names)
        # Part of a month is rounded cell by cell, so that tables by anything add up to the same.
        cents = self.cents if weight is None else _cents((self.cents * weight[:, None]).T / 100.0).T
        sums = np.bincount(group.ravel(), weights=cents.ravel(), minlength=len(found)) / 100.0
        return pd.Series(np.round(sums, 2), index=index_of(found, names), name="budget")


def index_of(labels: pd.DataFrame, names: list[str]) -> pd.Index:
    """The index of a table by some columns, from the labels of its rows."""
    if not names:
        return pd.Index(["plan"])
    return pd.MultiIndex.from_frame(labels) if len(names) > 1 else pd.Index(labels[names[0]])


def held_by(plan: BudgetPlan) -> Budgeted:
    """A plan's own budget, as approved."""
    ledger = plan.ledger
    cents = plan.cents(plan.confidence).reshape(len(ledger.days), len(ledger.labels))
    return Budgeted(f"the plan {plan.name!r}", ledger.labels, cents, ledger.days, ledger.calendar)


def held_in(table: pd.DataFrame, plan: BudgetPlan) -> Budgeted:
    """A table's amounts by the months of a plan: ``period``, label columns, ``amount``.

    A period is a month, quarter or year by the plan's calendar (2027-01, 2027Q1, FY2027), and is spread over its months
    by days.

    Raises
    ------
    PlanError
        A column is missing or unknown, an amount is no number, or a period lies outside the plan's months.
    """
    known = [*plan.ledger.labels.columns]
    extra = [c for c in table.columns if c not in (PERIOD, AMOUNT, *known)]
    if PERIOD not in table or AMOUNT not in table or extra:
        what = f"{extra[0]!r} is no label of usage" if extra else f"wanted columns {PERIOD!r} and {AMOUNT!r}"
        raise PlanError(f"budget: {what}; a table has {PERIOD}, {AMOUNT} and any of {', '.join(known)}")
    if table.columns.duplicated().any():
        raise PlanError(f"budget: column {table.columns[table.columns.duplicated()][0]!r} is there twice; keep one")
    amounts = pd.to_numeric(table[AMOUNT], errors="coerce").to_numpy("float64")
    if not np.isfinite(amounts).all():
        row = int(np.flatnonzero(~np.isfinite(amounts))[0])
        raise PlanError(f"budget: row {row + 1}: amount = {table[AMOUNT].iloc[row]!r}: wanted money")
    columns = [c for c in table.columns if c in known]
    calendar, days = plan.ledger.calendar, plan.ledger.days
    labels = table[columns].astype("object").drop_duplicates().reset_index(drop=True)
    if not columns:
        labels = pd.DataFrame(index=pd.RangeIndex(1))
    keys = [tuple("" if pd.isna(v) else v for v in row) for row in labels.itertuples(index=False)]
    money = np.zeros((len(days), len(labels)))
    last = np.append(np.asarray(days[1:]) - np.timedelta64(1, "D"), np.datetime64(plan.projection.span.end))
    for i, period in enumerate(table[PERIOD]):
        first, end = span_of(str(period), calendar)
        inside = np.asarray((days >= first) & (pd.DatetimeIndex(last) <= max(end, first)))
        if not inside.any():
            raise PlanError(
                f"budget: period {period!r} holds no whole month of {days[0]:%Y-%m-%d} to "
                f"{plan.projection.span.end:%Y-%m-%d}"
            )
        length = np.where(inside, (last - np.asarray(days)) / np.timedelta64(1, "D") + 1.0, 0.0)
        row = keys.index(tuple("" if pd.isna(v) else v for v in table[columns].iloc[i])) if columns else 0
        money[:, row] += amounts[i] * length / length.sum()
    return Budgeted("the budget's table", labels, _cents(money), days, calendar)


def span_of(period: str, calendar: Calendar) -> tuple[pd.Timestamp, pd.Timestamp]:
    """The first and last day of a period by its name."""
    named = calendar.named(period)
    if named is None:
        raise PlanError(f"budget: period {period!r} cannot be read; write 2027-01, 2027Q1 or FY2027")
    return named


def _cents(money: FloatArray) -> IntArray:
    """Money in cents, rounded so that each row's months sum to its own."""
    run = np.round(np.cumsum(money * 100.0, axis=0))
    return np.diff(run, axis=0, prepend=0.0).astype(np.int64)
