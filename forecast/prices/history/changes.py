"""Changes of price. Comes in: the dated history. Goes out: every change of a SKU, and how long each SKU was watched."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final, Literal

import numpy as np
import pandas as pd

from forecast.errors import PriceError, one_of
from forecast.prices.history import records

#: Weight of an input token in the one price by which a change is measured: three of input to one of output.
INPUT_WEIGHT: Final = 0.75
DAYS_IN_YEAR: Final = 365.25
#: How long a SKU is taken to be watched, since no list says when a SKU left it: until the list was last read (which
#: counts too long), or until the last row that names it (which counts too short).
Until = Literal["list_read", "last_row"]

#: Until when one's own list is read: to the end of any window.
_NEVER: Final = pd.Timestamp("2262-01-01")
_SKU: Final = ["family", "provider", "model"]


def price_changes(
    history: pd.DataFrame | None = None,
    *,
    date_kinds: Collection[str] | None = None,
    sellers: Collection[str] | None = None,
    aliases: bool = True,
) -> pd.DataFrame:
    """Every change of a SKU's price from one row of a list to the next row of the same list.

    The size is measured on the blended price b = ¾ input + ¼ output (where only one of the two is priced before and
    after, on that one): factor = b_new / b_old.

    Parameters
    ----------
    history : DataFrame, optional
        As :func:`price_history` returns it, or one's own rows with its first six columns; by default the shipped one.
    date_kinds : collection of str, optional
        Changes dated in these ways only.
    sellers : collection of str, optional
        Of ``"vendor"``, ``"cloud"``, ``"host"``, ``"router"``, these only.
    aliases : bool
        Whether names that move on to newer models (``*-latest``) are kept. Their change is no change of one model's
        price, but who buys by such a name pays it.

    Returns
    -------
    DataFrame
        provider (by the price book's name), model, seller, family, date_kind, after and by (the price changed after
        the one day and by the other; a day apart for ``effective_from``), old and new (blended, US dollars per
        million), factor, factor_input, factor_output, direction (``up``, ``down``, ``same`` where only another unit
        changed, ``unknown`` from or to a price that is unknown or 0), published (known ahead: dated after the list
        was read), correction (the source says that it may be one), alias.

    Raises
    ------
    PriceError
        The history is not one, or a filter is unknown.
    """
    _known(date_kinds, sellers)
    wide = _by_entry(records.checked(history))
    previous = wide.groupby(_SKU, sort=False)[["input", "output", "seen_on"]].shift()
    old, new = _blended(previous, wide)
    told = wide["date_kind"].isin(records.CHANGE_KINDS) & previous["seen_on"].notna().where(
        wide["date_kind"] != "effective_from", wide.groupby(_SKU, sort=False).cumcount() > 0
    )
    table = pd.DataFrame(
        {
            "provider": wide["provider"].map(records.main_name),
            "model": wide["model"],
            "seller": wide["provider"].map(records.seller_of),
            "family": wide["family"],
            "date_kind": wide["date_kind"],
            "after": _after(wide, previous["seen_on"]),
            "by": wide["date"],
            "old": old,
            "new": new,
            "factor": _ratio(new, old),
            "factor_input": _ratio(wide["input"], previous["input"]),
            "factor_output": _ratio(wide["output"], previous["output"]),
        }
    )
    table["direction"] = np.select(
        [table["factor"] > 1, table["factor"] < 1, table["factor"] == 1], ["up", "down", "same"], "unknown"
    )
    table["published"] = wide["date"] > wide["read_on"]
    table["correction"] = wide["note"].str.contains("correction")
    table["alias"] = _is_alias(table["model"])
    keep = told & _kept(table, date_kinds, sellers, aliases=aliases)
    return table[keep].reset_index(drop=True)


def exposure(
    history: pd.DataFrame | None = None,
    *,
    start: str | pd.Timestamp,
    end: str | pd.Timestamp,
    date_kinds: Collection[str] | None = None,
    families: Collection[str] | None = None,
    sellers: Collection[str] | None = ("vendor",),
    aliases: bool = True,
    until: Until = "list_read",
) -> pd.DataFrame:
    """How long each SKU was watched within a window: from the first day on which it was seen, to ``until``.

    A provider of which only changed SKUs are recorded is left out: nothing says how many did not change.

    Parameters
    ----------
    history : DataFrame, optional
        As for :func:`price_changes`.
    start, end : str or Timestamp
        The window; a SKU counts from the later of its first day and ``start``.
    date_kinds : collection of str, optional
        Only providers that stand in a list which dates changes in one of these ways: who is on no such list was not
        watched by it.
    families : collection of str, optional
        Lists whose rows count; by default all: a SKU that one list saw first is there for the others.
    sellers, aliases
        As for :func:`price_changes`.
    until : {"list_read", "last_row"}
        A SKU is watched until its list was last read, or until the last row that names it.

    Returns
    -------
    DataFrame
        provider, model, first, last, years (0 for a SKU that came after the window).
    """
    one_of("until", until, ("list_read", "last_row"), PriceError)
    _known(date_kinds, sellers)
    wide = _by_entry(records.checked(history))
    wide = wide.assign(seller=wide["provider"].map(records.seller_of), provider=wide["provider"].map(records.main_name))
    if date_kinds is not None:
        lists = set(wide.loc[wide["date_kind"].isin(list(date_kinds)), "family"])
        wide = wide[wide["provider"].isin(set(wide.loc[wide["family"].isin(lists), "provider"]))]
    first_day, last_day = pd.Timestamp(start), pd.Timestamp(end)
    if families is not None:
        wide = wide[wide["family"].isin(list(families))]
    wide = wide.assign(alias=_is_alias(wide["model"]))
    wide = wide[_kept(wide, None, sellers, aliases=aliases)]
    dated = wide[wide["date"].notna() & (wide["date"] <= last_day)]
    undated = wide[wide["date"].isna()].set_index(["family", "provider", "model"]).index
    born = ~dated.set_index(["family", "provider", "model"]).index.isin(undated)
    watched = set(dated.loc[born, "provider"])
    dated = dated[dated["provider"].isin(watched)]
    latest = dated["read_on"] if until == "list_read" else dated["date"]
    spans = (
        dated.assign(latest=latest).groupby(["provider", "model"]).agg(first=("date", "min"), last=("latest", "max"))
    )
    spans["first"] = spans["first"].where(spans["first"] > first_day, first_day)
    spans["last"] = spans["last"].where(spans["last"] < last_day, last_day)
    days = (spans["last"] - spans["first"]).dt.days.clip(lower=0)
    return spans.assign(years=days / DAYS_IN_YEAR).reset_index()


def _by_entry(history: pd.DataFrame) -> pd.DataFrame:
    """One row an entry, in the order of each SKU's dates; the price before the first date comes first."""
    keys = [*_SKU, "date", "date_kind", "seen_on", "last_old", "note"]
    rows = history[history["date_kind"] != "time_of_day"]
    first = rows.groupby("entry", sort=False)[keys].first()
    prices = rows.pivot(index="entry", columns="unit", values="price").reindex(first.index)
    for name, unit in (("input", "input_tokens"), ("output", "output_tokens")):
        first[name] = prices[unit] if unit in prices.columns else np.nan
    first["read_on"] = pd.to_datetime(first["family"].map(records.READ_ON)).fillna(_NEVER)
    first["note"] = first["note"].fillna("")
    return first.sort_values([*_SKU, "date"], na_position="first", kind="stable").reset_index(drop=True)


def _blended(old: pd.DataFrame, new: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Blended prices before and after, of the units that are priced in both: a unit at 0 is one that isn't sold."""
    paid = [(old[unit] > 0) & (new[unit] > 0) for unit in ("input", "output")]
    weights = [paid[0] * INPUT_WEIGHT, paid[1] * (1 - INPUT_WEIGHT)]
    total = (weights[0] + weights[1]).where(paid[0] | paid[1])
    before, after = (
        (weights[0] * side["input"].fillna(0) + weights[1] * side["output"].fillna(0)) / total for side in (old, new)
    )
    return before, after


def _after(wide: pd.DataFrame, seen: pd.Series) -> pd.Series:
    """The last day on which the old price was seen: the day before an effective date, else as the lists say."""
    exact = wide["date"] - pd.Timedelta(days=1)
    known = pd.concat([wide["last_old"], seen], axis=1).max(axis=1)
    return known.where(wide["date_kind"] != "effective_from", exact)


def _ratio(new: pd.Series, old: pd.Series) -> pd.Series:
    """New over old, nan from or to an unknown price or one of 0; two floats of one price are the same price."""
    ratio = (new / old).where((new > 0) & (old > 0))
    return ratio.where(~np.isclose(ratio, 1, rtol=1e-9, atol=0), 1.0)


def _is_alias(models: pd.Series) -> pd.Series:
    return models.str.endswith("-latest") | models.str.startswith("~")


def _kept(
    table: pd.DataFrame, date_kinds: Collection[str] | None, sellers: Collection[str] | None, *, aliases: bool
) -> pd.Series:
    keep = pd.Series(data=True, index=table.index)
    if date_kinds is not None:
        keep &= table["date_kind"].isin(list(date_kinds))
    if sellers is not None:
        keep &= table["seller"].isin(list(sellers))
    return keep if aliases else keep & ~table["alias"]


def _known(date_kinds: Collection[str] | None, sellers: Collection[str] | None) -> None:
    choices: Sequence[tuple[str, Collection[str] | None, Sequence[str]]] = (
        ("date kind", date_kinds, records.CHANGE_KINDS),
        ("seller", sellers, records.SELLER_KINDS),
    )
    for what, values, allowed in choices:
        for value in values or ():
            one_of(what, value, allowed, PriceError)
