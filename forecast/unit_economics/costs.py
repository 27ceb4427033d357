"""Rows of unit metrics. Comes in: usage, prices, what to tell apart. Goes out: ratios of sums by group and period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from forecast import schema
from forecast.errors import UsageError, one_of
from forecast.panel import FloatArray
from forecast.prices import PriceBook
from forecast.reconciliation.effective_prices import to_period, tokens_of
from forecast.usage import Usage

PERIODS: Final = ("D", "W", "MS", "ME", "QS", "QE", "YS", "YE")
#: What a metric's row holds after ``metric``, ``unit``, the groups' columns and ``period``.
VALUES: Final = ("value", "numerator", "denominator", "basis")
BILLED: Final = "billed cost"
PRICED: Final = "priced at list"


@dataclass(frozen=True, slots=True)
class UnitRows:
    """Usage ready to be divided: rows of usage, without credits, taxes and purchases.

    Attributes
    ----------
    frame : DataFrame (row,)
        The usage's rows, with ``_period`` (the label of the row's period) and the ``by`` columns.
    by : tuple of str
    cost, tokens, requests : float array (row,)
        nan where unknown.
    basis : str or None
        Where the money comes from: billed cost, or priced at list; None where there is none.
    currency : str
        Of the money; ``money`` where there is none.
    period : str or None
        A pandas alias; None is the whole span.
    """

    frame: pd.DataFrame
    by: tuple[str, ...]
    cost: FloatArray
    tokens: FloatArray
    requests: FloatArray
    basis: str | None
    currency: str
    period: str | None


def unit_rows(usage: Usage, prices: PriceBook | None, by: Sequence[str], period: str | None) -> UnitRows:
    """The rows of usage with their money: billed where the usage has a bill, else priced at list.

    Raises
    ------
    UsageError
        ``by`` names a column that is not there, ``period`` no known frequency, or nothing was used.
    """
    if period is not None:
        one_of("period", period, PERIODS, UsageError)
    allowed = [c for c in schema.DIMENSIONS if c in usage.frame]
    for column in by:
        one_of("by", column, allowed, UsageError)
    category = usage.frame.get("charge_category", pd.Series("usage", index=usage.frame.index)).fillna("usage")
    frame = usage.frame[category == "usage"].reset_index(drop=True)
    if frame.empty:
        raise UsageError(f"{usage.source}: there are no rows of usage: all of them are credits, taxes or purchases")
    frame = frame.assign(_period=periods_of(frame[schema.DATE], period))
    billed = "billed_cost" in frame and bool(frame["billed_cost"].notna().any())
    cost, basis, currency = np.full(len(frame), np.nan), None, "money"
    if billed:
        cost, basis, currency = frame["billed_cost"].to_numpy(dtype="float64"), BILLED, usage.currency or "money"
    elif prices is not None:
        cost = prices.cost(usage)[category == "usage"].to_numpy(dtype="float64")
        basis, currency = PRICED, _currency(usage, frame, prices)
    requests = np.full(len(frame), np.nan)
    if schema.REQUESTS in frame:
        requests = frame[schema.REQUESTS].to_numpy(dtype="float64")
    return UnitRows(frame, tuple(by), cost, tokens_of(frame), requests, basis, currency, period)


def periods_of(dates: pd.Series, period: str | None) -> pd.Series:
    """The label of each date's period: its first day, or its last where the alias names an end.

    Without a period all dates are of one, told by the last of them.
    """
    if period is None:
        return pd.Series(dates.max().normalize(), index=dates.index)
    whole = dates.dt.to_period(to_period(period))
    ends = period.endswith("E") or period == "W"
    labels: pd.Series = whole.dt.end_time.dt.normalize() if ends else whole.dt.start_time
    return labels


def ratio(
    rows: UnitRows,
    metric: str,
    unit: str,
    numerator: FloatArray,
    denominator: FloatArray,
    *,
    scale: float = 1.0,
    basis: str | None = None,
) -> pd.DataFrame:
    """One metric: ``scale`` · Σ numerator / Σ denominator, over the rows in which both are known.

    A row a group and period that the usage has; null where nothing is known, or the denominator is 0.
    """
    known = ~np.isnan(numerator) & ~np.isnan(denominator)
    sums = _sums(
        rows, {"numerator": np.where(known, numerator, np.nan), "denominator": np.where(known, denominator, np.nan)}
    )
    value = scale * sums["numerator"] / sums["denominator"].where(sums["denominator"] > 0)
    return tidy(rows, sums.assign(value=value), metric, unit, basis)


def total(rows: UnitRows, metric: str, unit: str, amount: FloatArray, *, basis: str | None = None) -> pd.DataFrame:
    """One metric that is a sum; null where nothing is known."""
    sums = _sums(rows, {"value": amount})
    return tidy(rows, sums.assign(numerator=sums["value"], denominator=np.nan), metric, unit, basis)


def tidy(rows: UnitRows, table: pd.DataFrame, metric: str, unit: str, basis: str | None = None) -> pd.DataFrame:
    """A metric's rows in the columns that all of them have."""
    named = table.rename(columns={"_period": "period"}).assign(metric=metric, unit=unit)
    if "basis" not in named:
        named = named.assign(basis=pd.Series(basis, index=named.index, dtype="str"))
    return named[["metric", "unit", *rows.by, "period", *VALUES]]


def _sums(rows: UnitRows, amounts: dict[str, FloatArray]) -> pd.DataFrame:
    grouped = rows.frame[[*rows.by, "_period"]].assign(**amounts)
    return grouped.groupby([*rows.by, "_period"], dropna=False, sort=True)[list(amounts)].sum(min_count=1).reset_index()


def _currency(usage: Usage, frame: pd.DataFrame, prices: PriceBook) -> str:
    """The one currency that the usage is priced in."""
    named = frame[frame["model"].notna()]
    tiers = [c for c in ("service_tier", "context_tier") if c in named]
    skus = named[["provider", "model", *tiers]].drop_duplicates()
    table = skus.merge(pd.DataFrame({"unit": list(usage.units)}), how="cross")
    days = pd.DatetimeIndex(named[schema.DATE].dt.normalize().unique())
    found = prices.currency_of(table, days) if len(table) else None
    return found or "money"


def key_columns(table: pd.DataFrame, rows: UnitRows, what: str, *, every: bool) -> list[str]:
    """The ``by`` columns that a table of the user's is told by, each group once a date.

    Raises
    ------
    UsageError
        It lacks one (``every``), or has none of them.
    """
    keys = [c for c in rows.by if c in table]
    missing = [c for c in rows.by if c not in table]
    if (every and missing) or (rows.by and not keys):
        raise UsageError(
            f"{what}: there is no column {missing[0]!r}, by which metrics are told; the columns are "
            f"{', '.join(map(str, table.columns))}; add it, or leave it out of by="
        )
    return keys


def numbers(table: pd.DataFrame, column: str, what: str, *, high: float = np.inf) -> FloatArray:
    """A column of the user's as numbers from 0 up to ``high``; nan where blank.

    Raises
    ------
    UsageError
        Text, or a number outside.
    """
    value = pd.to_numeric(table[column], errors="coerce").to_numpy(dtype="float64")
    wrong = (np.isnan(value) & table[column].notna().to_numpy()) | (value < 0) | (value > high)
    if wrong.any():
        shown = ", ".join(repr(v) for v in table[column][wrong].head(5))
        more = f"; and {int(wrong.sum()) - 5} more" if wrong.sum() > 5 else ""
        limit = "from 0 up" if np.isinf(high) else f"from 0 to {high:g}"
        raise UsageError(f"{what}: column {column!r} holds {shown}{more}; give numbers {limit}")
    return value
