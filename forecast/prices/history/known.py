"""Known changes ahead. Comes in: a price book. Goes out: the days on which a model's price is set anew, for sure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import numpy as np
import pandas as pd

from forecast.panel import IntArray
from forecast.prices.book import PriceBook

_UNITS: Final = ("input_tokens", "output_tokens")
_ONE_DAY: Final = timedelta(days=1)


def known_days(book: PriceBook, skus: pd.DataFrame, start: date, end: date) -> IntArray:
    """Ordinals of the days after ``start`` and up to ``end`` on which a row of the book begins to price these SKUs.

    A row that repeats the price counts too: it says that the price holds from that day on. So does a day on which a
    row ends and another takes its place.

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
        one = pd.DataFrame({"provider": [provider], "model": [model], "unit": [unit], "service_tier": [tier]})
        price = book.matrix(one, days)[:, 0]
        moved = ~((price[1:] == price[:-1]) | (np.isnan(price[1:]) & np.isnan(price[:-1])))
        found |= {start.toordinal() + 1 + int(i) for i in np.flatnonzero(moved)}
        rows = [row for family in book.match(provider, model).families for row in family.rows if row.unit == unit]
        begun = {row.valid_from for row in rows if row.valid_from is not None and start < row.valid_from <= end}
        for day in begun:
            if np.isnan(price[(day - start).days]) or unit is None or tier is None:
                continue
            if book.quote(provider, model, unit, day, service_tier=tier).row.valid_from == day:
                found.add(day.toordinal())
    return np.array(sorted(found), dtype=np.intp)


def _whole(skus: pd.DataFrame) -> pd.DataFrame:
    """Every SKU with its unit and tier; where no unit is named, input and output stand for the model."""
    table = skus[["provider", "model"]].copy()
    table["service_tier"] = skus["service_tier"].fillna("standard") if "service_tier" in skus else "standard"
    if "unit" in skus:
        return table.assign(unit=skus["unit"])[["provider", "model", "unit", "service_tier"]].drop_duplicates()
    both: Sequence[pd.DataFrame] = [table.assign(unit=unit) for unit in _UNITS]
    return pd.concat(both)[["provider", "model", "unit", "service_tier"]].drop_duplicates()
