"""The budget as an enforcer can hold it. Comes in: a BudgetPlan. Goes out: each part's cents in each calendar month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecast import schema
from forecast.errors import ROWS_SHOWN, PlanError, one_of
from forecast.panel import BoolArray, IntArray
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.ledger import LINE, PERIODS


@dataclass(frozen=True, slots=True)
class Part:
    """One part's budget in one calendar month.

    Attributes
    ----------
    labels : tuple of (column, label)
        Which part; empty for the whole plan.
    start, last : Timestamp
        The month's first and last day.
    cents : int
    """

    labels: tuple[tuple[str, str], ...]
    start: pd.Timestamp
    last: pd.Timestamp
    cents: int

    @property
    def month(self) -> str:
        """The month, as "2027-01"."""
        return f"{self.start:%Y-%m}"

    @property
    def name(self) -> str:
        """The part's labels, or "everything"."""
        return " / ".join(label for _, label in self.labels) or "everything"

    @property
    def told(self) -> str:
        """The part and month, as an error names it."""
        name = self.name if len(self.name) <= 60 else f"{self.name[:59]}…"
        return f"{name!r} in {self.month}"


def parts_of(
    plan: BudgetPlan, by: Sequence[str], *, month: str | None = None, lines: Sequence[str] | None = None
) -> tuple[Part, ...]:
    """Every part's budget in every month: they add up to the plan's budget, to the cent.

    Parameters
    ----------
    plan : BudgetPlan
    by : sequence of str
        Columns of the plan's table; empty for the whole plan. Months are told in any case.
    month : str, optional
        Only this one, as "2027-01".
    lines : sequence of str, optional
        Only these budget lines, such as ``["tokens"]``; the parts then add up to the budgets of those lines.

    Raises
    ------
    PlanError
        A column, line or month is none of the plan's; months that are not whole calendar months; money that belongs
        to no part; a budget below zero.
    """
    ledger = plan.ledger
    columns = [c for c in ledger.labels.columns if c != LINE]
    for name in by:
        if name in PERIODS or name == LINE:
            raise PlanError(f"by {name!r}: an enforcer counts by what usage is tagged with: {', '.join(columns)}")
        one_of("by", name, columns, PlanError)
    if len(set(by)) != len(by):
        raise PlanError(f"by={list(by)!r} names a column twice")
    starts, lasts = _months(plan)
    months = [f"{start:%Y-%m}" for start in starts]
    if month is not None:
        one_of("month", month, months, PlanError)
    taken = np.ones(len(ledger.labels), dtype=bool)
    if lines is not None:
        there = list(dict.fromkeys(ledger.labels[LINE]))
        for line in [lines] if isinstance(lines, str) else lines:
            one_of("lines", line, there, PlanError)
        taken = ledger.labels[LINE].isin([lines] if isinstance(lines, str) else list(lines)).to_numpy()
    cents = plan.cents(plan.confidence).reshape(len(starts), -1)
    _check_owned(plan, by, cents, taken)
    owned = taken & _known(ledger.labels, by)
    keys = [tuple(map(str, row)) for row in ledger.labels.loc[owned, list(by)].to_numpy()]
    parts = []
    for i, (start, last) in enumerate(zip(starts, lasts, strict=True)):
        if month in (None, months[i]):
            sums = dict.fromkeys(keys, 0)
            for key, amount in zip(keys, cents[i, owned], strict=True):
                sums[key] += int(amount)
            parts += [Part(tuple(zip(by, key, strict=True)), start, last, amount) for key, amount in sums.items()]
    below = [part for part in parts if part.cents < 0]
    if below:
        shown = ", ".join(f"{p.told}: {p.cents / 100:,.2f}" for p in below[:ROWS_SHOWN])
        raise PlanError(
            f"no enforcer takes a budget below zero: {shown}; tell parts together by fewer columns than {list(by)!r}, "
            "or leave the line out by lines="
        )
    return tuple(parts)


def _months(plan: BudgetPlan) -> tuple[pd.DatetimeIndex, pd.DatetimeIndex]:
    """First and last days of the plan's months.

    Raises
    ------
    PlanError
        They are not whole calendar months.
    """
    starts, end = plan.ledger.days, plan.projection.span.end.normalize()
    if plan.projection.usage.grain == "month":
        end += pd.offsets.MonthEnd(0)
    lasts = pd.DatetimeIndex([*(starts[1:] - pd.Timedelta(days=1)), end])
    for start, last in zip(starts, lasts, strict=True):
        if start.day != 1 or last != start + pd.offsets.MonthEnd(0):
            raise PlanError(
                f"an enforcer's month is a calendar month, and this plan tells one from {start:%Y-%m-%d} to "
                f"{last:%Y-%m-%d}; plan whole calendar months, such as horizon='2Q' without a calendar of weeks"
            )
    return starts, lasts


def _known(labels: pd.DataFrame, by: Sequence[str]) -> BoolArray:
    """Which rows belong to a part: (row,)."""
    known = np.ones(len(labels), dtype=bool)
    for name in by:
        known &= (labels[name].notna() & (labels[name] != schema.UNASSIGNED)).to_numpy(dtype=bool)
    return known


def _check_owned(plan: BudgetPlan, by: Sequence[str], cents: IntArray, taken: BoolArray) -> None:
    """Refuse money that no tag of an enforcer would find."""
    labels = plan.ledger.labels
    lost = taken & ~_known(labels, by)
    if not cents[:, lost].any():
        return
    sums = pd.Series(cents[:, lost].sum(axis=0)).groupby(labels.loc[lost, LINE].to_numpy(), sort=False).sum()
    shown = ", ".join(f"{line} {amount / 100:,.2f}" for line, amount in sums.head(ROWS_SHOWN).items())
    rest = f", and {len(sums) - ROWS_SHOWN} more" if len(sums) > ROWS_SHOWN else ""
    raise PlanError(
        f"by={list(by)!r}: money of these lines belongs to no {' and '.join(by)}, so that no enforcer would count it: "
        f"{shown}{rest} ({plan.currency}); name the lines to hand over by lines=, such as lines=['tokens'], or split "
        f"the plan by sc.Split({by[0]!r})"
    )
