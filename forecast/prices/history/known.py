"""Known changes ahead. Comes in: a price book. Goes out: the days on which a model's price is set anew, for sure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import numpy as np
import pandas as pd

from forecast.panel import IntArray
from forecast.prices.book import PriceBook

_UNITS: Final = ("input_tokens", "output_tokens")
_ONE_DAY: Final = timedelta(days=1)


def known_days(book: PriceBook, skus: pd.DataFrame, start: date, end: date) -> IntArray:
    """Ordinals of the days after ``start``, up to ``end``, on which another row of the book begins to price these SKUs.

    A row that repeats the price counts too: it says that the price holds from that day on. A discount that begins or
    ends does not: it comes off whatever the list price is.

    Parameters
    ----------
    book : PriceBook
    skus : DataFrame
        SKUs of one model: provider, model, and optionally unit and service_tier.
    """
    found: set[int] = set()
    days = pd.date_range(start, end, freq="D")
    for sku in _whole(skus).itertuples(index=False):
        provider, model, unit, tier = (None if pd.isna(v) else str(v) for v in sku)
        if unit is None or tier is None:
            continue
        one = pd.DataFrame({"provider": [provider], "model": [model], "unit": [unit], "service_tier": [tier]})
        price = book.matrix(one, days)[:, 0]
        moved = {int(i) + 1 for i in np.flatnonzero(price[1:] != price[:-1])}
        rows = [row for family in book.match(provider, model).families for row in family.rows]
        begun = {(row.valid_from - start).days for row in rows if row.valid_from is not None}
        for at in sorted(moved | {day for day in begun if 0 < day < len(days)}):
            if np.isnan(price[at]):
                continue
            day = start + timedelta(days=at)
            now = book.quote(provider, model, unit, day, service_tier=tier).row
            before = None
            if not np.isnan(price[at - 1]):
                before = book.quote(provider, model, unit, day - _ONE_DAY, service_tier=tier).row
            if now != before:
                found.add(day.toordinal())
    return np.array(sorted(found), dtype=np.intp)


def _whole(skus: pd.DataFrame) -> pd.DataFrame:
    """Every SKU with its unit and tier; where no unit is named, input and output stand for the model."""
    table = skus[["provider", "model"]].copy()
    table["service_tier"] = skus["service_tier"].fillna("standard") if "service_tier" in skus else "standard"
    sides = [table.assign(unit=skus["unit"])] if "unit" in skus else [table.assign(unit=unit) for unit in _UNITS]
    return pd.concat(sides)[["provider", "model", "unit", "service_tier"]].drop_duplicates()
