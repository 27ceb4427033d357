"""What usage cost. Comes in: usage, and prices where it has no bill. Goes out: money by row, by period and segment.

What is metered stands apart from fixed charges, which volume does not move: purchases, provisioned capacity, seats.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from forecast import schema
from forecast.drivers import labels_of
from forecast.errors import ModelError, PriceError, UsageError, one_of
from forecast.lanes import Unpriced
from forecast.panel import BoolArray, FloatArray, IntArray
from forecast.prices import PriceBook
from forecast.usage import Usage
from forecast.usage_rows import bills_apart

Money = Literal["billed_cost", "effective_cost", "list_cost"]

#: Charges that a baseline continues; the other categories are one-off or follow from these.
CONTINUED = ("usage", "purchase")


@dataclass(frozen=True, slots=True)
class CostRows:
    """What each row of a usage cost.

    Attributes
    ----------
    frame : DataFrame (row,)
        The usage's rows up to the as-of date, without categories that do not continue.
    periods : DatetimeIndex (period,)
        Days, or the first days of months, up to the as-of date.
    period : int array (row,)
        Which of ``periods`` each row is of.
    metered : float array (row,)
        Money that moves with volume.
    monthly : float array (row,)
        Recurring fixed charges a calendar month; 0 in rows that are none.
    reported : bool array (period,)
        Periods that have any metered row; the others are gaps.
    currency : str
    excluded : DataFrame
        What ``unpriced="exclude"`` left out, as :meth:`forecast.PriceBook.unpriced` lists it.
    notes : tuple of str
    """

    frame: pd.DataFrame
    periods: pd.DatetimeIndex
    period: IntArray
    metered: FloatArray
    monthly: FloatArray
    reported: BoolArray
    currency: str
    excluded: pd.DataFrame
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CostSeries:
    """What segments cost.

    Attributes
    ----------
    periods : DatetimeIndex (period,)
    segments : DataFrame (segment,)
        The ``by`` columns; one row without columns where nothing is told apart.
    metered : float array (period, segment)
        Money a period. NaN before a segment's first cost and in periods that the export lacks.
    monthly : float array (segment,)
        Recurring fixed charges a calendar month.
    """

    periods: pd.DatetimeIndex
    segments: pd.DataFrame
    metered: FloatArray
    monthly: FloatArray


@dataclass(frozen=True, slots=True)
class Valued:
    """Money a row (row,), its currency, what had no price, and what to tell."""

    amount: FloatArray
    currency: str
    excluded: pd.DataFrame
    notes: list[str]


def cost_rows(
    usage: Usage,
    as_of: pd.Timestamp,
    *,
    prices: PriceBook | None = None,
    money: Money = "billed_cost",
    unpriced: Unpriced = "refuse",
) -> CostRows:
    """Value usage up to ``as_of``: by its own money, or quantities at a book's prices of their dates.

    With ``prices`` every quantity is priced by the book, whatever was billed for it; rows that have money and no
    quantity keep their money. Taxes, credits, refunds and adjustments are left out, which is noted.

    Raises
    ------
    UsageError
        Some rows have neither money nor a price book, the money is in several currencies, or there is none.
    PriceError
        Some quantity has no price and ``unpriced`` does not exclude it, or prices are not in the usage's currency.
    ModelError
        Fixed charges have no whole month to be read from.
    """
    one_of("money", money, get_args(Money), UsageError)
    one_of("unpriced", unpriced, get_args(Unpriced), PriceError)
    frame, notes = _continued(usage, as_of, money)
    if prices is not None and (bill := bills_apart(frame).bill).any():
        notes.append(f"{int(bill.sum())} rows of money are the bill of usage beside them, which is priced: not added")
        frame = frame[~bill].reset_index(drop=True)
    worth = valued(usage, frame, prices=prices, money=money, unpriced=unpriced)
    fixed = _is_fixed(frame)
    step = pd.offsets.MonthBegin() if usage.grain == "month" else pd.offsets.Day()
    periods = pd.date_range(usage.start.normalize(), as_of, freq=step)
    period = periods.get_indexer(pd.DatetimeIndex(frame[schema.DATE]))
    reported = np.bincount(period[~fixed], minlength=len(periods)) > 0
    gaps = int((~reported[np.argmax(reported) :]).sum()) if reported.any() else 0
    if gaps:
        notes.append(f"{gaps} {usage.grain}s have no usage at all and are taken as gaps, not as zeros")
    monthly, told = _recurring(usage, frame, worth.amount, fixed, as_of)
    metered = np.where(fixed, 0.0, worth.amount)
    if not (metered > 0).any() and not (monthly > 0).any():
        raise UsageError(f"{usage.source}: nothing up to {as_of:%Y-%m-%d} cost anything: there is no cost to state")
    said = (*notes, *worth.notes, *told)
    return CostRows(
        frame, periods, period.astype(np.intp), metered, monthly, reported, worth.currency, worth.excluded, said
    )


def valued(
    usage: Usage,
    frame: pd.DataFrame,
    *,
    prices: PriceBook | None = None,
    money: Money = "billed_cost",
    unpriced: Unpriced = "refuse",
) -> Valued:
    """Money of each of some rows of usage: their own, or quantities at a book's prices of their dates.

    Raises
    ------
    UsageError, PriceError
        As :func:`cost_rows`.
    """
    return _billed(usage, frame, money) if prices is None else _priced(usage, frame, prices, money, unpriced)


def cost_series(rows: CostRows, by: tuple[str, ...], *, source: str = "usage") -> CostSeries:
    """Add rows up by period and segment. A period without any row is a gap; one in which others have rows is a zero.

    Raises
    ------
    ModelError
        ``by`` names what the usage does not have.
    """
    for column in by:
        one_of("by", column, schema.DIMENSIONS, ModelError)
        if column not in rows.frame:
            have = ", ".join(c for c in schema.DIMENSIONS if c in rows.frame)
            raise ModelError(f"by={column!r}: {source} has no such column; it has {have}")
    if by:
        segments, segment = labels_of(rows.frame.assign(**{c: rows.frame[c].fillna(_nameless(c)) for c in by}), [*by])
    else:
        segments, segment = pd.DataFrame(index=pd.RangeIndex(1)), np.zeros(len(rows.frame), dtype=np.intp)
    shape = len(rows.periods), len(segments)
    cell = rows.period * shape[1] + segment
    metered = np.bincount(cell, weights=rows.metered, minlength=shape[0] * shape[1]).reshape(shape)
    started = np.logical_or.accumulate(metered > 0, axis=0)
    known = started & rows.reported[:, None]
    monthly = np.asarray(np.bincount(segment, weights=rows.monthly, minlength=shape[1]), dtype="float64")
    return CostSeries(rows.periods, segments, np.where(known, metered, np.nan), monthly)


def _continued(usage: Usage, as_of: pd.Timestamp, money: Money) -> tuple[pd.DataFrame, list[str]]:
    """The rows up to ``as_of`` of categories that continue, dated on their period."""
    frame, notes = usage.frame, []
    if usage.grain == "hour":
        frame = frame.assign(date=frame[schema.DATE].dt.normalize())
    frame = frame[frame[schema.DATE] <= as_of]
    if "charge_category" in frame:
        other = frame["charge_category"].notna() & ~frame["charge_category"].isin(CONTINUED)
        if other.any():
            held = f" ({frame.loc[other, money].sum():,.2f} {usage.currency})" if money in frame else ""
            kinds = ", ".join(sorted(frame.loc[other, "charge_category"].unique()))
            notes.append(f"{int(other.sum())} rows of category {kinds}{held} are not continued in the baseline")
            frame = frame[~other]
    if frame.empty:
        raise UsageError(f"{usage.source}: no rows of usage on or before {as_of:%Y-%m-%d}")
    return frame.reset_index(drop=True), notes


def _used(frame: pd.DataFrame) -> BoolArray:
    """Whether a row has any billable quantity above 0: (row,)."""
    units = [u for u in schema.BILLABLE if u in frame]
    return np.asarray((frame[units].fillna(0.0) > 0).any(axis=1)) if units else np.zeros(len(frame), dtype=bool)


def _billed(usage: Usage, frame: pd.DataFrame, money: Money) -> Valued:
    """The usage's own money."""
    held = [m for m in schema.MONEY if m in frame and frame[m].notna().any()]
    if money not in held:
        other = f"; it has {' and '.join(held)}: name one as money=" if held else ""
        raise UsageError(
            f"{usage.source}: there is no {money}{other}; to price the usage instead, pass prices=, "
            "such as fc.PriceBook.builtin()"
        )
    quantity = [m for m in (schema.REQUESTS, *schema.BILLABLE) if m in frame]
    blank = frame[money].isna() & (frame[quantity].fillna(0.0) > 0).any(axis=1) & ~bills_apart(frame).billed
    if blank.any():
        first = frame[blank].iloc[0]
        raise UsageError(
            f"{usage.source}: column {money!r} is blank in {int(blank.sum())} of {len(frame)} rows with usage, such as "
            f"that of {first[schema.DATE]:%Y-%m-%d}, {first['model']}; an unknown cost is not 0: pass prices= to price "
            "all usage, or leave those rows out of the export"
        )
    return Valued(frame[money].fillna(0.0).to_numpy("float64"), _currency(usage, frame), pd.DataFrame(), [])


def _priced(usage: Usage, frame: pd.DataFrame, prices: PriceBook, money: Money, unpriced: Unpriced) -> Valued:
    """Quantities at the book's prices of their dates; rows without a quantity keep their money."""
    if not isinstance(prices, PriceBook):
        raise PriceError(f"prices={type(prices).__name__}: wanted a price book, such as fc.PriceBook.builtin()")
    missing = prices.unpriced(frame)
    if len(missing) and unpriced == "refuse":
        names = missing[["provider", "model", "unit", "service_tier", "reason"]].head(5).astype("object")
        names = names.fillna({"provider": "any provider", "model": "(no model)", "service_tier": "standard"})
        listed = "; ".join(f"{p}/{m} {unit} ({tier}): {why}" for p, m, unit, tier, why in names.to_numpy())
        more = f"; and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise PriceError(
            f"{usage.source}: {len(missing)} {'price is' if len(missing) == 1 else 'prices are'} unknown: "
            f"{listed}{more}. Add them to the price book, PriceBook.from_frame(rows).over(PriceBook.builtin()), "
            "or leave them out with unpriced='exclude'"
        )
    notes = []
    if len(missing):
        models = ", ".join(sorted(missing["model"].fillna("(no model)").unique()))
        rows = int(missing["rows"].sum())
        notes.append(f"what has no price is left out, not counted as 0: {models} ({rows} quantities; see excluded)")
    amount, skus = _amounts(frame, prices)
    bare = ~_used(frame)
    own = frame[money].fillna(0.0).to_numpy("float64") if money in frame else np.zeros(len(frame))
    kept = bare & (own != 0)
    quoted = prices.currency_of(skus, pd.DatetimeIndex(frame[schema.DATE].unique())) if len(skus) else None
    if kept.any():
        billed = _currency(usage, frame[kept])
        if quoted is not None and billed != quoted:
            raise PriceError(
                f"{usage.source}: {int(kept.sum())} rows are known only as money in {billed}, while prices are in "
                f"{quoted}; give prices in the same currency"
            )
        notes.append(f"{int(kept.sum())} rows without a quantity keep their {money} ({own[kept].sum():,.2f} {billed})")
        quoted = billed
    if quoted is None:
        raise UsageError(f"{usage.source}: nothing that was used has a price, so there is no cost to state")
    if money in frame and frame[money].notna().any():
        notes.append(f"usage is priced by the price book; its own {money} is not used")
    return Valued(np.where(kept, own, amount), quoted, missing, notes)


def _amounts(frame: pd.DataFrame, prices: PriceBook) -> tuple[FloatArray, pd.DataFrame]:
    """Money a row over the units that have a price (row,), and the SKUs that were used."""
    amount, skus = np.zeros(len(frame)), []
    keys = [c for c in ("provider", "model", "service_tier", "context_tier") if c in frame]
    for unit in (u for u in schema.BILLABLE if u in frame):
        part = frame[[schema.DATE, *keys, unit]]
        amount += prices.cost(part).fillna(0.0).to_numpy("float64")
        skus.append(part.loc[part[unit] > 0, keys].drop_duplicates().assign(unit=unit))
    return amount, pd.concat(skus, ignore_index=True) if skus else pd.DataFrame()


def _currency(usage: Usage, frame: pd.DataFrame) -> str:
    found = sorted(frame["currency"].dropna().unique()) if "currency" in frame else []
    if len(found) != 1:
        named = f"in {' and '.join(found)}" if found else "in no currency"
        raise UsageError(f"{usage.source}: money is {named}: money adds up in one currency; convert it to one first")
    return str(found[0])


def _is_fixed(frame: pd.DataFrame) -> BoolArray:
    """Rows whose charge volume does not move: purchases, provisioned capacity, seats."""
    fixed = np.zeros(len(frame), dtype=bool)
    if "charge_category" in frame:
        fixed |= (frame["charge_category"] == "purchase").to_numpy()
    if "service_tier" in frame:
        fixed |= (frame["service_tier"] == "provisioned").to_numpy()
    if "seats" in frame:
        fixed |= (frame["seats"].fillna(0.0) > 0).to_numpy()
    return fixed


def _recurring(
    usage: Usage, frame: pd.DataFrame, amount: FloatArray, fixed: BoolArray, as_of: pd.Timestamp
) -> tuple[FloatArray, list[str]]:
    """Fixed charges a month (row,): those of the last whole month that were also charged the month before."""
    monthly = np.zeros(len(frame))
    at = np.flatnonzero(fixed & (amount != 0))
    if not len(at):
        return monthly, []
    known = as_of + pd.offsets.MonthEnd(0) if usage.grain == "month" else as_of
    last = (known + pd.Timedelta(days=1)).to_period("M") - 1
    first = (usage.start.normalize() - pd.Timedelta(days=1)).to_period("M") + 1
    if last < first:
        raise ModelError(
            f"{usage.source}: fixed charges are read from a whole calendar month, and none lies between "
            f"{usage.start:%Y-%m-%d} and {known:%Y-%m-%d}; export a longer span, or leave the charges out"
        )
    keys = [c for c in (*schema.DIMENSIONS, "charge_category") if c in frame]
    line = frame.iloc[at].groupby(keys, dropna=False).ngroup().to_numpy()
    month = frame[schema.DATE].iloc[at].dt.to_period("M").array
    now, before = month == last, month == last - 1
    recurs = now & (np.isin(line, line[before]) if last > first else True)
    monthly[at[recurs]] = amount[at[recurs]]
    notes = [f"fixed charges are those of {last}, of {len(np.unique(line[recurs]))} lines, a calendar month"]
    if last == first:
        notes.append(f"only {last} is known as a whole month: that its fixed charges recur is assumed")
    once = (month >= last) & ~np.isin(line, line[recurs])
    if once.any():
        notes.append(
            f"fixed charges of {amount[at[once]].sum():,.2f} since {last} were not charged the month before; they are "
            "taken as one-off and left out"
        )
    return monthly, notes


def _nameless(column: str) -> str:
    """What a row without a name in a column is called."""
    return schema.UNASSIGNED if column == "environment" else f"(no {column})"
