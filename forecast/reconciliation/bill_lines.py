"""Lines of a reconciliation. Comes in: usage, and its bill within it or apart. Goes out: priced beside billed.

One export that holds both gives a line a row; two exports are added up to the cells that both can tell apart.
"""

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
from forecast.reconciliation.effective_prices import one_currency
from forecast.usage import Usage

#: What ``by`` may name besides the columns of a usage.
MONTH: Final = "month"
#: What tells apart, beside provider and model, what is priced apart.
SKU_COLUMNS: Final = ("provider", "model", "service_tier", "region", "context_tier")
_USAGE: Final = "usage"
_SUMS: Final = ("rows", "priced", "list", "billed")


@dataclass(frozen=True, slots=True)
class Lines:
    """What is compared: one line a row of one export, or a cell of two.

    Attributes
    ----------
    frame : DataFrame (line,)
        ``date`` (day, or first of the month), the keys, ``category``, ``rows`` (of the export, or the more of two),
        ``priced`` (nan: no price, or nothing used), ``list`` and ``billed`` (nan: no money), ``used`` (a quantity is
        above 0), ``gap`` (a quantity that was used has no price) and ``sku`` (int).
    quantities : float array (line, unit)
        0 where unknown.
    units : tuple of str
    keys : tuple of str
        The columns that tell lines apart, beside date and category.
    currency : str
    grain : {"day", "month"}
    notes : tuple of str
    """

    frame: pd.DataFrame
    quantities: FloatArray
    units: tuple[str, ...]
    keys: tuple[str, ...]
    currency: str
    grain: str
    notes: tuple[str, ...]


def lines_of(usage: Usage, prices: PriceBook, bill: Usage | None, by: Sequence[str]) -> Lines:
    """Priced and billed side by side.

    Raises
    ------
    UsageError
        There is no money to compare with, the two exports have no day or no column in common, or ``by`` names a column
        that is not there.
    PriceError
        The prices are in another currency than the bill.
    """
    return _of_one(usage, prices, by) if bill is None else _of_two(usage, bill, prices, by)


def _of_one(usage: Usage, prices: PriceBook, by: Sequence[str]) -> Lines:
    if not _has_money(usage, "billed_cost"):
        raise UsageError(
            f"{usage.source}: there is no billed_cost to compare with; give the bill as a second export: "
            "reconcile(usage, prices, bill=fc.read_usage(...))"
        )
    used, units = _used(usage, prices)
    keys = [c for c in schema.DIMENSIONS if c in used and (c in by or c in SKU_COLUMNS)]
    _known(by, keys, usage.frame.columns)
    currency = _currency(usage, usage, prices)
    frame = used[[schema.DATE, *keys, "category", *_SUMS, "used", "gap"]].reset_index(drop=True)
    return _numbered(frame, used[units].to_numpy(dtype="float64"), units, keys, currency, _grain(usage), [])


def _of_two(usage: Usage, bill: Usage, prices: PriceBook, by: Sequence[str]) -> Lines:
    if not _has_money(bill, "billed_cost"):
        raise UsageError(f"{bill.source}: there is no billed_cost in the bill; the columns are {_listed(bill.frame)}")
    used, units = _used(usage, prices)
    billed, _ = _used(bill, None)
    notes = (
        [f"money of {usage.source} is not used: the bill is {bill.source}"] if _has_money(usage, "billed_cost") else []
    )
    wanted = dict.fromkeys([*("provider", "model"), *(c for c in by if c in schema.DIMENSIONS)])
    keys = [c for c in wanted if all(c in f and f[c].notna().any() for f in (used, billed))]
    _known(by, keys, [c for c in schema.DIMENSIONS if c in used and c in billed])
    notes += [f"{c} is not in both exports: lines are not told apart by it" for c in wanted if c not in keys]
    grain = MONTH if MONTH in (_grain(usage), _grain(bill)) else "day"
    if grain == MONTH:
        used, billed = (f.assign(date=f[schema.DATE].dt.to_period("M").dt.start_time) for f in (used, billed))
    other = used["category"] != _USAGE
    if other.any():
        notes.append(
            f"{int(other.sum()):,} rows of {usage.source} that are not usage are not used: charges come from the bill"
        )
    used = used[~other].assign(billed=np.nan, list=np.nan)
    billed, renamed = _renamed(billed, used, keys, prices)
    used, billed, outside = _overlap(used, billed, (usage.source, bill.source))
    cell = [schema.DATE, *keys]
    left = used.groupby(cell, dropna=False, sort=False)
    quantities = left[[*units]].sum().reset_index()
    left_sums = (
        left[["rows"]].sum().join(left["priced"].sum(min_count=1)).join(left[["used", "gap"]].any()).reset_index()
    )
    right = billed.groupby([*cell, "category"], dropna=False, sort=False)
    sums = right["rows"].sum().to_frame().join(right["billed"].sum(min_count=1))
    # A list cost of a part of a cell is not the list cost of the cell; billed money is never left out.
    whole = right["list"].count() == right["rows"].sum()
    right_sums = sums.join(right["list"].sum(min_count=1).where(whole)).reset_index()
    money = right_sums[right_sums["category"] == _USAGE]
    both = _blank(left_sums, keys).merge(_blank(money, keys), how="outer", on=cell, suffixes=("", "_billed"), sort=True)
    both = both.assign(
        rows=both[["rows", "rows_billed"]].max(axis=1),
        category=_USAGE,
        used=both["used"].eq(True),
        gap=both["gap"].eq(True),
    )
    amounts = both[cell].merge(_blank(quantities, keys), how="left", on=cell)[list(units)].fillna(0.0)
    rest = _blank(right_sums[right_sums["category"] != _USAGE], keys).assign(priced=np.nan, used=False, gap=False)
    frame = pd.concat([both, rest], ignore_index=True)[[*cell, "category", *_SUMS, "used", "gap"]]
    frame[keys] = frame[keys].astype("object").where(frame[keys] != "", None).astype("str")
    numbers = np.concatenate([amounts.to_numpy(dtype="float64"), np.zeros((len(rest), len(units)))])
    currency = _currency(usage, bill, prices)
    return _numbered(frame, numbers, units, keys, currency, grain, [*notes, *renamed, *outside])


def _used(usage: Usage, prices: PriceBook | None) -> tuple[pd.DataFrame, list[str]]:
    """The rows of an export with what they cost at list, and the units that have a quantity."""
    frame = usage.frame
    units = [u for u in schema.BILLABLE if u in frame]
    quantities = frame[units].fillna(0.0)
    used = (quantities > 0).any(axis=1)
    priced = pd.Series(np.nan, index=frame.index) if prices is None else prices.cost(usage)
    category = frame.get("charge_category", pd.Series(_USAGE, index=frame.index)).fillna(_USAGE)
    # What is charged apart from usage is taken as such, but for what was bought by the unit and has a price.
    metered = (category == "purchase") & priced.notna() & used
    category = category.mask(metered, _USAGE)
    out = frame.drop(columns=units).assign(
        **quantities,
        date=frame[schema.DATE].dt.normalize(),
        category=category,
        rows=1,
        priced=priced.where(used & (category == _USAGE)),
        list=_money(frame, "list_cost"),
        billed=_money(frame, "billed_cost"),
        used=used,
        gap=used & priced.isna(),
    )
    return out, units


def _numbered(
    frame: pd.DataFrame,
    quantities: FloatArray,
    units: list[str],
    keys: list[str],
    currency: str,
    grain: str,
    notes: list[str],
) -> Lines:
    skus = [c for c in SKU_COLUMNS if c in keys]
    sku = frame.groupby(skus, dropna=False, sort=False).ngroup() if skus else pd.Series(0, index=frame.index)
    silent = int((frame["used"] & frame["priced"].isna() & frame["billed"].isna()).sum())
    if silent:
        notes = [*notes, f"{silent:,} lines have neither a price nor money: what they cost is not known"]
    return Lines(frame.assign(sku=sku), quantities, tuple(units), tuple(keys), currency, grain, tuple(notes))


def _renamed(
    billed: pd.DataFrame, used: pd.DataFrame, keys: list[str], prices: PriceBook
) -> tuple[pd.DataFrame, list[str]]:
    """The bill's providers and models by the usage's names, where both mean one entry of the price book."""
    notes = []
    for column in (c for c in ("provider", "model") if c in keys):
        own = {_meant(provider, model, column, prices): name for provider, model, name in _named(used, column)}
        known, found = set(own.values()), dict[str, str]()
        for provider, model, name in _named(billed, column):
            meant = own.get(_meant(provider, model, column, prices))
            if name not in known and meant is not None:
                found[name] = meant
        if found:
            billed = billed.assign(**{column: billed[column].replace(found)})
            notes.append(f"{column}: " + ", ".join(f"{a} in the bill is {b}" for a, b in sorted(found.items())))
    return billed, notes


def _named(frame: pd.DataFrame, column: str) -> list[tuple[str | None, str | None, str]]:
    """The providers and models of a frame whose ``column`` is named, with that name."""
    pairs = frame[["provider", "model"]].drop_duplicates()
    pairs = pairs[pairs[column].notna()].astype("object")
    pairs = pairs.where(pairs.notna(), None)
    return list(zip(pairs["provider"], pairs["model"], pairs[column], strict=True))


def _meant(provider: str | None, model: str | None, column: str, prices: PriceBook) -> str | None:
    """What the price book calls a provider or a model; without an entry, the name without its capitals."""
    families = [f for f in prices.match(provider, model).families if f.how != "glob"] if model else []
    if families:
        return families[0].provider if column == "provider" else families[0].model
    own = provider if column == "provider" else model
    return None if own is None else own.casefold()


def _overlap(
    used: pd.DataFrame, billed: pd.DataFrame, sources: tuple[str, str]
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """The rows of the days that both exports reach over, and what was left out."""
    first = max(used[schema.DATE].min(), billed[schema.DATE].min())
    last = min(used[schema.DATE].max(), billed[schema.DATE].max())
    if not first <= last:
        raise UsageError(
            f"{sources[0]} holds usage of {used[schema.DATE].min():%Y-%m-%d} to {used[schema.DATE].max():%Y-%m-%d} and "
            f"{sources[1]} money of {billed[schema.DATE].min():%Y-%m-%d} to {billed[schema.DATE].max():%Y-%m-%d}: they "
            "have no day in common; export the same days"
        )
    inside = [frame[frame[schema.DATE].between(first, last)] for frame in (used, billed)]
    out = [len(frame) - len(kept) for frame, kept in zip((used, billed), inside, strict=True)]
    told = []
    if any(out):
        missed = float(billed["billed"].sum() - inside[1]["billed"].sum())
        span = f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
        missing = f"outside lie {out[0]:,} rows of usage and {out[1]:,} of the bill, {missed:,.2f} billed"
        told = [f"compared are {span}, which both exports reach over; {missing}"]
    return inside[0], inside[1], told


def _known(by: Sequence[str], keys: Sequence[str], columns: Sequence[str] | pd.Index) -> None:
    dimensions = dict.fromkeys([*keys, *(c for c in columns if c in schema.DIMENSIONS)])
    for name in by:
        one_of("by", name, (schema.DATE, MONTH, *dimensions), UsageError)
        if name in schema.DIMENSIONS and name not in keys:
            raise UsageError(f"by {name!r} is not told by both the usage and the bill; leave it out of by=")


def _currency(usage: Usage, bill: Usage, prices: PriceBook) -> str:
    """The currency of the bill, which prices must be in too."""
    if bill.currency is None:
        raise UsageError(f"{bill.source}: the bill names no currency; fill={{'currency': 'USD'}}")
    one_currency(usage, bill.currency, prices)
    return bill.currency


def _money(frame: pd.DataFrame, column: str) -> pd.Series:
    return frame[column] if column in frame else pd.Series(np.nan, index=frame.index)


def _has_money(usage: Usage, column: str) -> bool:
    return column in usage.frame and bool(usage.frame[column].notna().any())


def _blank(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Keys whose nulls compare equal when frames are merged."""
    return frame.assign(**{c: frame[c].fillna("") for c in keys})


def _grain(usage: Usage) -> str:
    return MONTH if usage.grain == MONTH else "day"


def _listed(frame: pd.DataFrame) -> str:
    return ", ".join(map(str, frame.columns))
