"""The bill. Comes in: usage, prices where it has no bill, a span. Goes out: its rows with money, month and quantity.

Unlike a baseline, a bill keeps taxes, credits, refunds and purchases: they are paid by somebody.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, get_args

import numpy as np
import pandas as pd

from forecast import schema
from forecast.calendars import date_of
from forecast.costs import Money, valued
from forecast.errors import PlanError, PriceError, UsageError, one_of
from forecast.lanes import Unpriced
from forecast.panel import BoolArray
from forecast.prices import PriceBook
from forecast.reconciliation.effective_prices import tokens_of
from forecast.usage import Usage
from forecast.usage_rows import bills_apart

#: What a row of the usage itself is called; other rows are called by their category.
USED: Final = "usage"
MONTH, LINE, AMOUNT, QUANTITY, UNIT, TOKENS, BOUGHT = "month", "line", "amount", "quantity", "unit", "tokens", "used"
#: The most money a line of one's own may hold, either way: above it, cents are lost in floating point.
MOST: Final = 1e12
#: A day, as an argument takes it.
Day = str | dt.date


@dataclass(frozen=True, slots=True)
class Bill:
    """The rows of a bill.

    Attributes
    ----------
    frame : DataFrame (row,)
        The usage's labels, ``month`` (such as 2027-01), ``line`` (usage, tax, credit, or a name), ``amount``,
        ``quantity`` and ``unit`` of what was bought, ``requests`` and ``tokens``; NaN is unknown; ``used``: whether
        anything was.
    currency : str
    start, end : Timestamp
        The first and last day asked for, or of the usage.
    source : str
    excluded : DataFrame
        What ``unpriced="exclude"`` left out.
    notes : tuple of str
    """

    frame: pd.DataFrame
    currency: str
    start: pd.Timestamp
    end: pd.Timestamp
    source: str
    excluded: pd.DataFrame
    notes: tuple[str, ...]


def bill_of(
    usage: Usage,
    *,
    prices: PriceBook | None,
    money: Money,
    unpriced: Unpriced,
    start: Day | None,
    end: Day | None,
    lines: Mapping[str, Any],
) -> Bill:
    """The rows of a span with their money, and lines of one's own.

    Raises
    ------
    UsageError
        There is no row in the span, no money, or several currencies.
    PriceError
        Some quantity has no price or no money, and ``unpriced`` does not exclude it.
    PlanError
        A line of one's own is no amount, or of a month outside the span.
    """
    one_of("money", money, get_args(Money), UsageError)
    one_of("unpriced", unpriced, get_args(Unpriced), PriceError)
    if not isinstance(usage, Usage):
        raise UsageError(f"usage={type(usage).__name__}: wanted a Usage, such as fc.read_usage('usage.csv')")
    first = usage.start.normalize() if start is None else date_of(start, "start", UsageError)
    last = _last(usage) if end is None else date_of(end, "end", UsageError)
    if last < first:
        raise UsageError(f"start={first:%Y-%m-%d} is after end={last:%Y-%m-%d}; swap them")
    day = usage.frame[schema.DATE].dt.normalize()
    frame = usage.frame[(day >= first) & (day <= last)].reset_index(drop=True)
    if frame.empty:
        raise UsageError(
            f"{usage.source}: no rows from {first:%Y-%m-%d} to {last:%Y-%m-%d}; it has {usage.start:%Y-%m-%d} to "
            f"{usage.end:%Y-%m-%d}"
        )
    notes: list[str] = []
    excluded = pd.DataFrame()
    apart = bills_apart(frame)
    if prices is not None and apart.bill.any():
        notes.append(
            f"{int(apart.bill.sum())} rows of money are the bill of usage beside them, which is priced instead"
        )
        frame = frame[~apart.bill].reset_index(drop=True)
    elif prices is None and money in frame:
        blank = _blank(frame, money) & ~apart.billed
        if blank.any() and unpriced == "exclude":
            excluded = _listed(frame[blank])
            notes.append(
                f"{int(blank.sum())} rows of usage without {money} are left out, not counted as 0 (see excluded)"
            )
            frame = frame[~blank].reset_index(drop=True)
        elif blank.any():
            raise PriceError(
                f"{usage.source}: column {money!r} is blank in {int(blank.sum())} of {len(frame)} rows with usage, "
                f"such as {_such(frame[blank])}; an unknown cost is not 0: pass prices= to price all usage, or leave "
                "those rows out with unpriced='exclude'"
            )
    if frame.empty:
        raise UsageError(f"{usage.source}: nothing is left to allocate: no row of the span has {money}; pass prices=")
    worth = valued(replace(usage, frame=frame), frame, prices=prices, money=money, unpriced=unpriced)
    rows = _measured(frame).assign(**{AMOUNT: worth.amount})
    own = _own_lines(lines, pd.period_range(first, last, freq="M"))
    if len(own):
        rows = pd.concat([rows, own], ignore_index=True)
    left_out = worth.excluded if len(worth.excluded) else excluded
    return Bill(rows, worth.currency, first, last, usage.source, left_out, (*notes, *worth.notes))


def _last(usage: Usage) -> pd.Timestamp:
    return usage.end.normalize() + (pd.offsets.MonthEnd(0) if usage.grain == "month" else pd.Timedelta(0))


def _blank(frame: pd.DataFrame, money: str) -> BoolArray:
    quantities = [u for u in (schema.REQUESTS, *schema.BILLABLE) if u in frame]
    return np.asarray(frame[money].isna() & (frame[quantities].fillna(0.0) > 0).any(axis=1))


def _such(frame: pd.DataFrame) -> str:
    first = frame.iloc[0]
    return f"that of {first[schema.DATE]:%Y-%m-%d}, {first['model']}"


def _listed(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows without money by provider and model."""
    keys = frame[["provider", "model"]].fillna("(none)")
    counted = keys.assign(rows=1, tokens=tokens_of(frame), first=frame[schema.DATE], last=frame[schema.DATE])
    how = {"rows": "sum", "tokens": "sum", "first": "min", "last": "max"}
    return counted.groupby(["provider", "model"]).agg(how).reset_index()


def _measured(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows with their month, line, quantity and unit."""
    labels = [c for c in schema.DIMENSIONS if c in frame]
    units = [u for u in schema.BILLABLE if u in frame]
    amounts = frame[units].fillna(0.0).to_numpy("float64") if units else np.zeros((len(frame), 0))
    tokens = tokens_of(frame)
    # A row that holds one unit alone is told in it; tokens of all kinds are one unit; else the quantity is not told.
    own = np.array([not schema.UNITS[u].token for u in units], dtype=bool)
    held = amounts > 0
    with_tokens, others = held[:, ~own].any(axis=1), held[:, own].sum(axis=1)
    unit, quantity = np.full(len(frame), "", dtype=object), np.full(len(frame), np.nan)
    only = with_tokens & (others == 0)
    unit[only], quantity[only] = TOKENS, tokens[only]
    for i in np.flatnonzero(own):
        alone = held[:, i] & (others == 1) & ~with_tokens
        unit[alone], quantity[alone] = units[i], amounts[alone, i]
    category = frame["charge_category"] if "charge_category" in frame else pd.Series(USED, index=frame.index)
    requests = frame[schema.REQUESTS].to_numpy("float64") if schema.REQUESTS in frame else np.full(len(frame), np.nan)
    return frame[labels].assign(
        **{
            MONTH: frame[schema.DATE].dt.strftime("%Y-%m"),
            LINE: category.astype("object").where(category.notna(), USED),
            QUANTITY: quantity,
            UNIT: unit,
            schema.REQUESTS: requests,
            TOKENS: tokens,
            BOUGHT: held.any(axis=1),
        }
    )


def _own_lines(lines: Mapping[str, Any], months: pd.PeriodIndex) -> pd.DataFrame:
    """Lines that no export holds: an amount for the whole span in equal parts a month, or amounts by month."""
    if not isinstance(lines, Mapping):
        raise PlanError(f"lines={lines!r}: wanted an amount by name, such as {{'support': 1_200.0}}")
    told = [str(m) for m in months]
    rows: list[dict[str, object]] = []
    for name, given in lines.items():
        if not isinstance(name, str) or not name.strip():
            raise PlanError(f"lines: {name!r}: wanted the name of a line, such as 'support'")
        if name in (schema.UNASSIGNED, *schema.CHARGE_CATEGORIES):
            raise PlanError(f"lines: {name!r} is what rows of the bill are called; give the line another name")
        by_month: dict[Any, Any] = dict(given) if isinstance(given, Mapping) else dict.fromkeys(told, given)
        for month, amount in by_month.items():
            if str(month) not in told:
                raise PlanError(f"lines[{name!r}]: month {month!r} is not of the span; it has {told[0]} to {told[-1]}")
            number = isinstance(amount, int | float | np.number) and not isinstance(amount, bool)
            if not number or not abs(float(amount)) <= MOST:
                raise PlanError(f"lines[{name!r}]: {amount!r}: wanted an amount of money")
            share = 1 if isinstance(given, Mapping) else len(told)
            rows.append({MONTH: str(month), LINE: name, AMOUNT: float(amount) / share, UNIT: "", BOUGHT: False})
    return pd.DataFrame(rows)
