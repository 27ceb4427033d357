"""What a reconciliation rests on. Comes in: lines and their causes. Goes out: tables of discounts and list prices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from forecast import schema
from forecast.panel import FloatArray, IntArray
from forecast.reconciliation.bill_lines import Lines
from forecast.reconciliation.causes import Explained
from forecast.reconciliation.implied_prices import price_correction
from forecast.reconciliation.rates import SLACK, Span

_NAMES: Final = ("provider", "model", "service_tier")
DISCOUNT_COLUMNS: Final = (*_NAMES, "first", "last", "days", "discount", "low", "high", "inferred")
PRICE_COLUMNS: Final = (
    *_NAMES,
    "first",
    "last",
    "rows",
    "priced",
    "listed",
    "ratio",
    "unit",
    "price_difference",
)


def discount_table(lines: Lines, found: Explained) -> pd.DataFrame:
    """Stable rates by provider and span, and of models apart from their provider's."""
    frame, rows = lines.frame, []
    usage = ~np.isnan(found.expected)
    for code, spans in found.agreed.items():
        at = np.flatnonzero(usage & (found.provider == code))
        rows += _spans(lines, spans, _name(frame, at, ("provider",)), inferred=not found.listed[at].all())
    for sku, spans in found.own.items():
        at = np.flatnonzero(usage & (frame["sku"].to_numpy() == sku))
        shared = found.agreed.get(int(found.provider[at[0]]), ())
        listed = bool(found.listed[at].any())
        apart = [s for s in spans if not any(s.low * (1 - SLACK) <= g.rate <= s.high * (1 + SLACK) for g in shared)]
        if listed and apart:
            rows += _spans(lines, apart, _name(frame, at, _NAMES), inferred=False)
    return pd.DataFrame(rows, columns=list(DISCOUNT_COLUMNS))


def _spans(lines: Lines, spans: Sequence[Span], names: dict[str, object], *, inferred: bool) -> list[dict[str, object]]:
    out = []
    for span in spans:
        rate = span.rate
        if inferred and rate > 1:  # above list is no discount: it is told among the list prices
            continue
        dates = {"first": _date(span.first, lines.grain), "last": _date(span.last, lines.grain, end=True)}
        rates = {"discount": round(1 - rate, 9) + 0.0, "low": 1 - span.high, "high": 1 - span.low}
        out.append({**names, **dates, "days": span.periods, **rates, "inferred": inferred})
    return out


def price_table(lines: Lines, found: Explained, tolerance: float) -> pd.DataFrame:
    """Where lines were billed by another list price than the book's, and by which price a unit."""
    frame, rows = lines.frame, []
    differs = found.amounts["list_price"] != 0
    skus, count = frame["sku"].to_numpy(), frame["rows"].to_numpy(dtype="float64")
    for sku in np.unique(skus[differs]):
        at = np.flatnonzero(differs & (skus == sku))
        priced, difference = frame["priced"].to_numpy(dtype="float64")[at], found.amounts["list_price"][at]
        listed = priced + difference
        head: dict[str, object] = {
            **_name(frame, at, _NAMES),
            "first": frame[schema.DATE].iloc[at].min(),
            "last": frame[schema.DATE].iloc[at].max(),
            "rows": int(frame["rows"].iloc[at].sum()),
            "priced": round(float(priced.sum()), 2),
            "listed": round(float(listed.sum()), 2),
            "ratio": float(listed.sum() / priced.sum()),
        }
        rows += [{**head, **unit} for unit in _unit_prices(lines, at, difference, tolerance * count[at]) or [{}]]
    return pd.DataFrame(rows, columns=list(PRICE_COLUMNS))


def _unit_prices(lines: Lines, at: IntArray, difference: FloatArray, error: FloatArray) -> list[dict[str, object]]:
    """How far the price of each unit is from the book's, where one difference a unit explains the lines."""
    found = price_correction(lines.quantities[at], difference, error)
    if found is None or np.isnan(found.price).any():
        return []
    per = [schema.UNITS[unit].per for unit in lines.units]
    return [
        {"unit": lines.units[i], "price_difference": round(per[i] * found.price[i], 9)}
        for i in np.flatnonzero(found.price)
    ]


def _name(frame: pd.DataFrame, at: IntArray, columns: Sequence[str]) -> dict[str, object]:
    """What lines are of; null what they are not told apart by."""
    return {c: frame[c].iloc[at[0]] if c in columns and c in frame else None for c in _NAMES}


def _date(period: int, grain: str, *, end: bool = False) -> pd.Timestamp:
    if grain == "month":
        month = pd.Period(ordinal=period, freq="M")
        return (month.end_time if end else month.start_time).normalize()
    return pd.Timestamp(0) + pd.Timedelta(days=period)
