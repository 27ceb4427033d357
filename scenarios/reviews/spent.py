"""Spent. Comes in: usage of a plan's days, and prices. Goes out: money by day and label, billed or else priced.

Rows with money count as billed; rows without it are priced, unless another row is their bill. What has neither is
listed, and is never 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

import numpy as np
import pandas as pd

from forecast import schema
from forecast.errors import PriceError, UsageError, one_of
from forecast.lanes import Unpriced
from forecast.panel import BoolArray, FloatArray
from forecast.prices import PriceBook
from forecast.shown import short_repr
from forecast.usage import Usage
from forecast.usage_rows import OTHER, bills_apart, dealt_bills
from scenarios.budget.ledger import LINE, TOKENS

Money = Literal["billed_cost", "effective_cost", "list_cost", "priced"]
#: The column of money.
COST: Final = "cost"
#: What categories of charge other than usage are shown as: lines that the plan may lack.
CHARGES: Final = {"purchase": "purchases", "tax": "taxes"}
_ONE_OFF: Final = "credits and adjustments"


@dataclass(frozen=True, slots=True)
class Spent:
    """What was spent.

    Attributes
    ----------
    frame : DataFrame (row,)
        ``day``, ``line`` ("tokens", or what a charge is), the labels, and ``cost``.
    rows : DataFrame (row,)
        The usage of the same days, its labels as the plan tells them, with its ``cost`` (0 where it is not known).
    priced : float
        What the rows of usage that were billed cost at the price book; 0 where nothing was.
    billed : float
        What was billed for them.
    currency : str or None
    unpriced : DataFrame
        What has neither money nor a price.
    money : {"billed_cost", "effective_cost", "list_cost", "priced"}
        What was counted.
    notes : tuple of str
    """

    __repr__ = short_repr

    frame: pd.DataFrame
    rows: pd.DataFrame
    priced: float
    billed: float
    currency: str | None
    unpriced: pd.DataFrame
    notes: tuple[str, ...]
    money: Money = "billed_cost"


def spent_in(
    usage: Usage,
    start: pd.Timestamp,
    end: pd.Timestamp,
    *,
    prices: PriceBook,
    labels: pd.DataFrame,
    pooled: pd.DataFrame,
    money: Money = "billed_cost",
    unpriced: Unpriced = "refuse",
) -> Spent:
    """What was spent from ``start`` to ``end``, both days included.

    Parameters
    ----------
    labels : DataFrame
        The rows of tokens that are planned, by their labels; actuals are told by its columns.
    pooled : DataFrame
        The usage that the plan was made on: labels in it that the plan does not tell apart are ``(other)``.
    money : {"billed_cost", "effective_cost", "list_cost", "priced"}
        Which money counts; "priced" values every quantity at the price book.

    Raises
    ------
    PriceError
        Usage has neither money nor a price, unless ``unpriced="exclude"``.
    """
    one_of("money", money, get_args(Money), UsageError)
    one_of("unpriced", unpriced, get_args(Unpriced), PriceError)
    frame = usage.frame
    day = frame[schema.DATE].dt.normalize()
    frame = frame[(day >= start) & (day <= end)].reset_index(drop=True)
    columns = [c for c in labels.columns if c != LINE]
    if frame.empty:
        empty = pd.DataFrame(columns=["day", LINE, *columns, COST]).astype({COST: "float64"})
        return Spent(empty, frame.assign(**{COST: 0.0}), 0.0, 0.0, usage.currency, frame.iloc[:0], (), money)
    worth = _valued(replace(usage, frame=frame), prices, money)
    missing = np.isnan(worth.cost) & worth.used
    notes = [*worth.notes, *_check_priced(usage, frame[missing], money, unpriced)]
    table = prices.unpriced(replace(usage, frame=frame[missing])) if missing.any() else frame.iloc[:0]
    told = pd.DataFrame({"day": frame[schema.DATE].dt.normalize(), LINE: _lines(frame)})
    for column in columns:
        told[column] = _label(frame, column, labels, pooled)
    told[COST] = np.where(missing, np.nan, np.nan_to_num(worth.cost))
    tokens = np.asarray(told[LINE] == TOKENS)
    both = worth.billed & tokens & (np.nan_to_num(worth.quoted) > 0)
    sums = float(worth.quoted[both].sum()), float(worth.cost[both].sum())
    rows = frame.assign(**{c: told[c] for c in columns if c in frame}, **{COST: told[COST].fillna(0.0)})[
        tokens & ~worth.bill
    ]
    known_rows = told[~missing].reset_index(drop=True)
    return Spent(known_rows, rows, *sums, usage.currency, table, tuple(notes), money)


@dataclass(frozen=True, slots=True)
class _Worth:
    """What rows are worth: ``cost`` and ``quoted``, their price at the book (row,).

    ``billed`` and ``used`` say which were so, ``bill`` which are the bill of others.
    """

    cost: FloatArray
    quoted: FloatArray
    billed: BoolArray
    used: BoolArray
    bill: BoolArray
    notes: list[str]


def _valued(usage: Usage, prices: PriceBook, money: Money) -> _Worth:
    """Each row's money; NaN is unknown."""
    frame = usage.frame
    units, held = ([c for c in names if c in frame] for names in (schema.BILLABLE, schema.MONEY))
    used = np.asarray((frame[units].fillna(0.0) > 0).any(axis=1))
    quoted = np.asarray(prices.cost(usage), dtype="float64")
    own = np.asarray(frame[held].bfill(axis=1).iloc[:, 0], dtype="float64") if held else np.full(len(frame), np.nan)
    others = [] if money == "priced" else [m for m in held if m != money]
    apart = bills_apart(frame.drop(columns=others))
    if money == "priced":
        cost = np.where(apart.bill, 0.0, np.where(used, quoted, own))
        return _Worth(cost, quoted, np.zeros(len(frame), dtype=bool), used, apart.bill, [])
    paid = np.asarray(frame[money], dtype="float64") if money in frame else np.full(len(frame), np.nan)
    paid = dealt_bills(frame, paid, quoted, apart)
    billed = np.isfinite(paid)
    cost = np.where(billed, paid, quoted)
    added = ~billed & (np.nan_to_num(quoted) > 0)
    notes = []
    if added.any() and billed.any():
        amount = quoted[added].sum()
        notes.append(f"{int(added.sum())} rows without {money} are counted at the price book: {amount:,.2f}")
    elif added.any():
        notes.append(f"nothing has a {money}: usage is counted at the price book")
    return _Worth(cost, quoted, billed, used, apart.bill, notes)


def _check_priced(usage: Usage, lacking: pd.DataFrame, money: Money, unpriced: Unpriced) -> list[str]:
    """Refuse, or tell, usage that has neither money nor a price."""
    if lacking.empty:
        return []
    names = ", ".join(sorted(lacking["model"].astype("str").unique())[:5])
    what = f"{len(lacking)} rows have neither {money} nor a price, of {names}"
    if unpriced == "refuse":
        raise PriceError(
            f"{usage.source}: {what}; add prices, PriceBook.from_frame(rows).over(PriceBook.builtin()), or leave them "
            "out with unpriced='exclude'"
        )
    return [f"{what}: left out"]


def _lines(frame: pd.DataFrame) -> pd.Series:
    """What each row is in a plan's lines."""
    if "charge_category" not in frame:
        return pd.Series(TOKENS, index=frame.index)
    charge = frame["charge_category"].astype("object").fillna("usage")
    return charge.map(lambda c: TOKENS if c == "usage" else CHARGES.get(str(c), _ONE_OFF))


def _label(frame: pd.DataFrame, column: str, labels: pd.DataFrame, pooled: pd.DataFrame) -> pd.Series:
    """A label of each row, as the plan tells it: what the plan's own usage pools is ``(other)``."""
    if column not in frame:
        return pd.Series(None, index=frame.index, dtype="object")
    own = frame[column].astype("object")
    told = set(labels[column].dropna())
    if OTHER in told and column in pooled:
        small = set(pooled[column].dropna()) - told
        own = own.where(~own.isin(small), OTHER)
    return own.where(own.notna(), None)
