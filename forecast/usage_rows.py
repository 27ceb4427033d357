"""Rows of usage. Comes in: the canonical table. Goes out: the rows that are forecast, and what each holds.

Money without tokens is a spend series of its own, unless it is the bill of tokens that stand in the same usage.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecast import schema
from forecast.errors import UsageError
from forecast.panel import BoolArray, FloatArray
from forecast.usage import Usage

#: The unit of a line that is known only as money: its price is 1 a unit of money.
SPEND = "spend"
#: What workloads beyond ``max_series`` are pooled as.
OTHER = "(other)"


@dataclass(frozen=True, slots=True)
class Bills:
    """Usage and its bill in rows of their own.

    A vendor's usage has tokens and no money, and its costs have money and no tokens. Where both are read, a row of
    costs is the bill of the rows of tokens of its period, provider and model that bear no money: to plan both would
    count the tokens twice.

    Attributes
    ----------
    bill : bool array (row,)
        Rows of money that are the bill of tokens in other rows.
    billed : bool array (row,)
        The rows of tokens that they are the bill of.
    """

    bill: BoolArray
    billed: BoolArray


def bills_apart(frame: pd.DataFrame) -> Bills:
    """Which rows are a bill of others, and of which."""
    money = [m for m in schema.MONEY if m in frame]
    nothing = np.zeros(len(frame), dtype=bool)
    if not money:
        return Bills(nothing, nothing)
    quantities = [u for u in (schema.REQUESTS, *schema.BILLABLE) if u in frame]
    used = (frame[quantities].fillna(0.0) > 0).any(axis=1) & frame["model"].notna()
    paid = frame[money].notna().any(axis=1) & frame["model"].notna()
    key = frame.groupby([schema.DATE, "provider", "model"], dropna=False, sort=False).ngroup()
    unpaid, bare = used & ~paid, paid & ~used
    both = set(key[unpaid]) & set(key[bare])
    return Bills(np.asarray(bare & key.isin(both)), np.asarray(unpaid & key.isin(both)))


def dealt_bills(frame: pd.DataFrame, paid: FloatArray, quoted: FloatArray, apart: Bills) -> FloatArray:
    """Money of rows with each bill dealt to the rows that it is the bill of, by their price at the book: (row,)."""
    if not apart.bill.any():
        return paid
    key = frame.groupby([schema.DATE, "provider", "model"], dropna=False, sort=False).ngroup().to_numpy()
    weight = np.where(apart.billed, np.nan_to_num(quoted), 0.0)
    whole, rows = (np.bincount(key, weights=w) for w in (weight, apart.billed.astype("float64")))
    weight = np.where(apart.billed & (whole[key] <= 0.0), 1.0, weight)
    whole = np.where(whole > 0.0, whole, np.maximum(rows, 1.0))
    bill = np.bincount(key, weights=np.where(apart.bill, np.nan_to_num(paid), 0.0))
    return np.where(apart.bill, 0.0, np.where(apart.billed, bill[key] * weight / whole[key], paid))


def usage_rows(usage: Usage, as_of: pd.Timestamp) -> tuple[pd.DataFrame, list[str]]:
    """The rows up to ``as_of`` that are usage, dated on their period, and notes of those that are not."""
    frame, notes = usage.frame, []
    if usage.grain == "hour":
        frame = frame.assign(date=frame[schema.DATE].dt.normalize())
    frame = frame[frame[schema.DATE] <= as_of]
    if "charge_category" in frame:
        charge = frame["charge_category"].notna() & (frame["charge_category"] != "usage")
        if charge.any():
            held = [m for m in ("billed_cost", "effective_cost", "list_cost") if m in frame][:1]
            money = f" ({frame.loc[charge, held[0]].sum():,.2f} {usage.currency})" if held else ""
            kinds = ", ".join(sorted(frame.loc[charge, "charge_category"].unique()))
            told = "1 row" if charge.sum() == 1 else f"{int(charge.sum())} rows"
            notes.append(f"not usage, and not forecast: {told} of category {kinds}{money}")
            frame = frame[~charge]
    bill = bills_apart(frame).bill
    if bill.any():
        money = next(m for m in schema.MONEY if m in frame and frame.loc[bill, m].notna().any())
        notes.append(
            f"{int(bill.sum())} rows of money ({frame.loc[bill, money].sum():,.2f} {usage.currency}) are the bill of "
            "usage that stands beside them without money: that usage is priced by the price book, and not planned twice"
        )
        frame = frame[~bill]
    if frame.empty:
        raise UsageError(f"{usage.source}: no rows of usage on or before {as_of:%Y-%m-%d}")
    return frame, notes


def without_zeros(frame: pd.DataFrame, by: tuple[str, ...]) -> tuple[pd.DataFrame, list[str]]:
    """Leave out workloads that used nothing at all."""
    measures = [m for m in (schema.REQUESTS, *schema.BILLABLE, *schema.MONEY) if m in frame]
    used = (frame[measures].fillna(0.0) > 0).any(axis=1)
    ever = used.groupby([frame[c] for c in by], dropna=False).transform("any")
    if ever.all():
        return frame, []
    names = frame.loc[~ever, list(by)].drop_duplicates().astype("str").agg("/".join, axis=1)
    listed = ", ".join(sorted(names)[:5])
    return frame[ever], [f"{len(names)} workloads hold only zeros and are left out: {listed}"]


def pooled_rows(frame: pd.DataFrame, by: tuple[str, ...], max_series: int) -> tuple[pd.DataFrame, list[str]]:
    """The rows with the smallest workloads beyond ``max_series`` named as one, and a note of it."""
    weight = sum((frame[u].fillna(0.0) for u in schema.BILLABLE if u in frame), start=pd.Series(0.0, index=frame.index))
    size = weight.groupby([frame[c] for c in by], dropna=False).sum().sort_values(ascending=False, kind="stable")
    if len(size) <= max_series:
        return frame, []
    tail = size.index[max_series:]
    inside = pd.MultiIndex.from_frame(frame[list(by)]).isin(tail) if len(by) > 1 else frame[by[0]].isin(tail)
    pooled = [c for c in by if c != "environment"] or list(by)
    frame = frame.assign(**{c: frame[c].where(~inside, OTHER) for c in pooled})
    share = float(size.iloc[max_series:].sum() / max(size.sum(), 1e-300))
    return frame, [
        f"{len(tail)} of {len(size)} workloads ({share:.1%} of tokens) are pooled as {OTHER!r}: max_series={max_series}"
    ]


def quantities_of(frame: pd.DataFrame) -> tuple[FloatArray, list[str]]:
    """Quantities (row, unit) of the billable units, then money where a row has nothing else."""
    units = [u for u in schema.BILLABLE if u in frame]
    quantity = (
        np.stack([frame[u].fillna(0.0).to_numpy() for u in units], axis=1) if units else np.zeros((len(frame), 0))
    )
    money = next((m for m in ("billed_cost", "effective_cost", "list_cost") if m in frame), None)
    bare = ~(quantity > 0).any(axis=1)
    if schema.REQUESTS in frame:
        bare &= ~(frame[schema.REQUESTS].fillna(0.0).to_numpy() > 0)
    spend = np.where(bare, frame[money].fillna(0.0).to_numpy(), 0.0) if money else np.zeros(len(frame))
    return np.column_stack([quantity, spend]), [*units, SPEND]


def money_apart(frame: pd.DataFrame, quantity: FloatArray, by: tuple[str, ...]) -> np.ndarray:
    """Rows of money alone (row,) whose workload also has usage: money is no part of its volume, and has its own."""
    money = quantity[:, -1] > 0
    used = (quantity[:, :-1] > 0).any(axis=1)
    if schema.REQUESTS in frame:
        used |= frame[schema.REQUESTS].fillna(0.0).to_numpy() > 0
    beside = pd.Series(used, index=frame.index).groupby([frame[c] for c in by], dropna=False).transform("any")
    return np.asarray(money & beside.to_numpy(dtype=bool))
