"""Calibration. Comes in: the dated history. Goes out: a price process, with what it rests on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd

from forecast.errors import ModelError, PriceError, nearest
from forecast.panel import FloatArray
from forecast.prices.history import records
from forecast.prices.history.changes import DAYS_IN_YEAR, exposure, price_changes
from forecast.prices.history.process import ALL, OTHER, PriceProcess, ProviderFit
from forecast.prices.history.rates import SPELL, Rate, pooled_rate, share_of_rises, shrunk_rates
from forecast.prices.history.sizes import fitted_sizes

#: Whose dates are trusted to the day.
_TRUSTED: Final = ("effective_from",)


def calibrate(
    history: pd.DataFrame | None = None,
    *,
    provider: str | None = None,
    as_of: str | date | pd.Timestamp | None = None,
    start: str | date | pd.Timestamp | None = None,
    date_kinds: Collection[str] = _TRUSTED,
    sellers: Collection[str] = ("vendor",),
    aliases: bool = True,
    pool: bool = True,
) -> PriceProcess:
    """Fit a price process to the changes that a history holds.

    Counted are changes of SKUs that were watched (``exposure``), without those published ahead, those that their
    source calls a correction, and those of a list that a later copy replaced. A provider's rate and share of rises are
    drawn to the others' by how little it was watched and how uneven its half-years are; sizes are those of all
    providers together.

    Parameters
    ----------
    history : DataFrame, optional
        As :func:`price_history` returns it, or one's own rows; by default the shipped history.
    provider : str, optional
        Whose rate and share of rises hold for every SKU. By default each SKU has its own provider's.
    as_of : date, optional
        Rows dated later are not looked at. By default the last day on which the lists were read.
    start : date, optional
        From when SKUs are watched; by default from the first reading of the lists that date changes in these ways.
    date_kinds : collection of str
        Which dates are trusted; a change that two kinds tell counts once. Effective dates are exact, but the curators
        of a list write down some changes only (0.045 a SKU-year since June 2025). Snapshots miss a change only if it is
        taken back before the next, and hold some corrections (0.15 a SKU-year to August 2025).
    sellers : collection of str
        By default ``"vendor"``. Of hosts and routers only SKUs that changed are recorded, so they have no rate.
    aliases : bool
        Whether names that move on to newer models count.
    pool : bool
        Whether other providers' changes may serve. Without, the provider's own must suffice.

    Raises
    ------
    ModelError
        Nothing was watched or changed, or without pooling too little of the provider.
    PriceError
        A filter is unknown, or ``pool=False`` names no provider.

    Examples
    --------
    >>> process = calibrate(provider="openai")
    >>> process.of("openai").rate.changes
    4
    """
    whole = records.checked(history)
    day = _last_day(whole, date_kinds, as_of)
    table = records.known_by(whole, day)
    table = table[table["family"] != records.REPLACED]
    if not pool:
        table = _alone(table, provider)
    begin = _first_day(table, date_kinds) if start is None else pd.Timestamp(start)
    watched = exposure(table, start=begin, end=day, date_kinds=date_kinds, sellers=sellers, aliases=aliases)
    changes = price_changes(table, date_kinds=date_kinds, sellers=sellers, aliases=aliases)
    published = int((changes["published"] & changes["direction"].isin(["up", "down"])).sum())
    counted, notes = _counted(changes, watched, begin)
    rows = f"{', '.join(date_kinds)} of {', '.join(sellers)}s, {begin:%Y-%m-%d} to {day:%Y-%m-%d}"
    _suffices(watched, counted, rows)
    fits, other = _by_provider(watched, counted, begin, day)
    if provider is not None and pool:
        notes += _borrowed(provider, fits)
    falls, rises = fitted_sizes([float(x) for x in counted["log_factor"]])
    moves = tuple(float(x) for x in counted["log_factor"])
    rate = pooled_rate(len(counted), float(watched["years"].sum()), other.rate.spells)
    ups = int((counted["log_factor"] > 0).sum())
    pooled = ProviderFit(ALL, rate, share_of_rises(ups, len(counted) - ups), moves)
    if not pool:
        fits = (ProviderFit(fits[0].provider, fits[0].rate, pooled.share, moves),)
    together = float((counted.groupby(["provider", "by"])["model"].transform("nunique") > 1).mean())
    notes.append(f"{100 * together:.0f} % of changes came with another of the provider; models are drawn independently")
    return PriceProcess(
        providers=fits,
        other=other,
        pooled=pooled,
        falls=falls,
        rises=rises,
        published=_published_ahead(whole, day, sellers) if as_of is None else published,
        together=together,
        only=provider,
        as_of=day,
        rows=rows,
        notes=tuple(notes),
    )


def _last_day(
    history: pd.DataFrame, date_kinds: Collection[str], as_of: str | date | pd.Timestamp | None
) -> pd.Timestamp:
    if as_of is not None:
        return pd.Timestamp(as_of).normalize()
    lists = history.loc[history["date_kind"].isin(list(date_kinds)), ["family", "date"]]
    if lists.empty:
        raise ModelError(f"the history has no row dated by {', '.join(date_kinds)}; take other date kinds")
    return max(
        pd.Timestamp(records.READ_ON.get(str(family), dates.max())) for family, dates in lists.groupby("family")["date"]
    )


def _first_day(history: pd.DataFrame, date_kinds: Collection[str]) -> pd.Timestamp:
    """The first day on which a list that dates changes in these ways was read; of one's own list, its first date."""
    lists = history[history["date_kind"].isin(list(date_kinds))]["family"].unique()
    if not len(lists):
        raise ModelError(f"the history has no row dated by {', '.join(date_kinds)} by then; take a later as_of")
    dates = history[history["family"].isin(lists)].groupby("family")["date"].min()
    return min(pd.Timestamp(records.READ_FROM.get(str(family), first)) for family, first in dates.items())


def _alone(history: pd.DataFrame, provider: str | None) -> pd.DataFrame:
    if provider is None:
        raise PriceError("pool=False needs a provider= whose own changes are to suffice")
    names = history["provider"].map(records.main_name)
    own = history[names.str.casefold() == records.main_name(provider.casefold())]
    if own.empty:
        raise ModelError(
            f"provider {provider!r} is not in the history{nearest(provider, sorted(set(names)))}; allow pooling to "
            "take the others' rate"
        )
    return own


def _counted(changes: pd.DataFrame, watched: pd.DataFrame, begin: pd.Timestamp) -> tuple[pd.DataFrame, list[str]]:
    """The changes that count against the SKU-years, and what was left out and why, with its number."""
    moved = changes["direction"].isin(["up", "down"])
    kept = changes[moved & ~changes["published"] & ~changes["correction"] & (changes["by"] >= begin)]
    twice = _told_better(kept)
    kept = kept[~twice]
    seen = watched.loc[watched["last"] >= watched["first"], ["provider", "model"]]
    inside = kept.merge(seen, on=["provider", "model"])
    left_out = {
        "changed a unit other than input and output, or none": int((changes["direction"] == "same").sum()),
        "have an unknown price or one of 0": int((changes["direction"] == "unknown").sum()),
        "are published ahead": int((moved & changes["published"]).sum()),
        "are corrections by their source's word": int((moved & ~changes["published"] & changes["correction"]).sum()),
        "another list dates better": int(twice.sum()),
        "are of providers of which only changed SKUs are recorded": len(kept) - len(inside),
    }
    notes = [f"left out: {count} that {why}" for why, count in left_out.items() if count]
    entries = inside.merge(watched[["provider", "model", "first"]], on=["provider", "model"])
    if first_sign := int((entries["by"] <= entries["first"]).sum()):
        notes.append(f"{first_sign} changes are the first sign of their SKU: it is not known how long it stood before")
    return inside.assign(log_factor=np.log(inside["factor"])), notes


def _told_better(changes: pd.DataFrame) -> pd.Series:
    """Which changes between two dates are ones that another row, of a better kind, puts on a day between them."""
    rank = changes["date_kind"].map({kind: i for i, kind in enumerate(records.CHANGE_KINDS)})
    sku = ["provider", "model", "direction"]
    worse = changes[[*sku, "after", "by"]].assign(rank=rank, row=changes.index)
    better = changes[[*sku, "by"]].assign(rank=rank).rename(columns={"by": "day", "rank": "better"})
    pairs = worse.merge(better, on=sku)
    same = (pairs["better"] < pairs["rank"]) & (pairs["day"] > pairs["after"]) & (pairs["day"] <= pairs["by"])
    return pd.Series(changes.index.isin(pairs.loc[same, "row"]), index=changes.index)


def _suffices(watched: pd.DataFrame, counted: pd.DataFrame, rows: str) -> None:
    if not watched["years"].sum() > 0:
        raise ModelError(f"no SKU-year was watched ({rows}): nothing says how many prices did not change")
    if counted.empty:
        raise ModelError(f"no price changed in {watched['years'].sum():,.1f} SKU-years ({rows}): sizes are unknown")


def _by_provider(
    watched: pd.DataFrame, counted: pd.DataFrame, begin: pd.Timestamp, end: pd.Timestamp
) -> tuple[tuple[ProviderFit, ...], ProviderFit]:
    years = watched.groupby("provider")["years"].sum()
    names = [str(p) for p in years[years > 0].index]
    moves = {str(p): tuple(float(x) for x in g["log_factor"]) for p, g in counted.groupby("provider")}
    rates = shrunk_rates(*_by_spell(watched, counted, names, _spells(begin, end)))
    ups = int((counted["log_factor"] > 0).sum())
    all_ = share_of_rises(ups, len(counted) - ups)

    def of(name: str, rate: Rate, own: Sequence[float]) -> ProviderFit:
        rises = sum(x > 0 for x in own)
        return ProviderFit(name, rate, share_of_rises(rises, len(own) - rises, all_), tuple(own))

    fits = tuple(of(p, rate, moves.get(p, ())) for p, rate in zip(names, rates.own, strict=True))
    return fits, of(OTHER, rates.other, ())


def _spells(begin: pd.Timestamp, end: pd.Timestamp) -> list[pd.Timestamp]:
    """Where spells begin and end: half-years back from the last day; what is left over is the first's."""
    count = max((end - begin).days // SPELL, 1)
    return [begin, *(end - pd.Timedelta(days=SPELL * k) for k in range(count - 1, -1, -1))]


def _by_spell(
    watched: pd.DataFrame, counted: pd.DataFrame, names: Sequence[str], edges: Sequence[pd.Timestamp]
) -> tuple[FloatArray, FloatArray]:
    """Changes and SKU-years: float arrays (provider, spell). A change on the first day is the first spell's."""
    at = {name: i for i, name in enumerate(names)}
    changes, years = np.zeros((2, len(names), len(edges) - 1))
    for h, (start, stop) in enumerate(pairwise(edges)):
        span = watched["last"].clip(upper=stop) - watched["first"].clip(lower=start)  # type: ignore[call-overload]
        days = span.dt.days.clip(lower=0).groupby(watched["provider"]).sum()
        inside = (counted["by"] <= stop) & ((counted["by"] > start) | (h == 0))
        for name, i in at.items():
            years[i, h] = days[name] / DAYS_IN_YEAR
            changes[i, h] = (counted.loc[inside, "provider"] == name).sum()
    return changes, years


def _borrowed(provider: str, fits: Sequence[ProviderFit]) -> list[str]:
    name = records.main_name(provider.casefold())
    if (kind := records.seller_of(name)) != "vendor":
        only = f"{provider} is a {kind}: of it only changed prices are recorded"
        return [f"{only}, so the rate is any other vendor's (pooled); prices of hosts and routers move more often"]
    own = next((fit for fit in fits if fit.provider.casefold() == name), None)
    if own is None:
        return [f"{provider} was not watched: rate, share of rises and sizes are those of any other provider (pooled)"]
    if not own.log_factors:
        return [f"{provider} changed no price in {own.rate.watched:,.1f} SKU-years: share and sizes are pooled"]
    return [f"{provider}: rate and share of rises drawn to the others'; sizes pooled"]


def _published_ahead(history: pd.DataFrame, day: pd.Timestamp, sellers: Collection[str]) -> int:
    """Changes that the lists hold for days after ``day``, of these sellers."""
    ahead = price_changes(history, date_kinds=_TRUSTED, sellers=sellers)
    told = ahead["direction"].isin(["up", "down"]) & ahead["published"] & (ahead["family"] != records.REPLACED)
    return int((told & (ahead["by"] > day)).sum())
