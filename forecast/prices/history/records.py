"""The dated history of list prices. Comes in: the shipped file, or one's own rows. Goes out: one tidy table.

How far a date can be trusted stands in ``date_kind``:

- ``effective_from``: the price holds from that day; the best there is.
- ``changed_between_snapshots``: two saved lists differ; the price changed after ``last_old`` and by ``date``.
- ``repo_commit_date``: somebody wrote the new price down on that day; it may be a correction of an error.
- ``observed_by``, ``model_release_date``, ``first_seen_in_repo``: a SKU is there; no change is told.
- ``before_first_dated_change``: the price before, since an unknown day. ``time_of_day``: prices by the hour.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np
import pandas as pd

from forecast import schema
from forecast.errors import PriceError, bad_rows, one_of

#: What a row's date means, the most trusted first.
DATE_KINDS: Final = (
    "effective_from",
    "changed_between_snapshots",
    "repo_commit_date",
    "observed_by",
    "model_release_date",
    "first_seen_in_repo",
    "before_first_dated_change",
    "time_of_day",
)
#: Kinds whose rows tell a change of price.
CHANGE_KINDS: Final = DATE_KINDS[:3]
COLUMNS: Final = ("provider", "model", "unit", "date", "date_kind", "price", "source", "note")
#: Columns that :func:`price_history` adds: who lists it, the day the price was first seen, the last day of the one
#: before, whether only the month is known, and which cells of a source's row belong together.
ADDED: Final = ("family", "seen_on", "last_old", "month_only", "entry")

_UNIT_OF: Final = {
    "input_usd_per_mtok": "input_tokens",
    "output_usd_per_mtok": "output_tokens",
    "cached_input_usd_per_mtok": "cache_read_tokens",
}
#: The first day on which each list was read: before it, its changes are not known.
READ_FROM: Final = {
    "genai-prices": pd.Timestamp("2025-06-01"),
    "litellm": pd.Timestamp("2024-03-26"),
    "models.dev": pd.Timestamp("2025-06-04"),
}
#: A list that a later copy replaced; what it published ahead was in part withdrawn.
REPLACED: Final = "genai-prices, an earlier copy"
#: How a source's name begins, and the list it is a copy of. Prices are compared within one list only.
_FAMILY_OF: Final = {
    "PyPI genai-prices": "genai-prices",
    "pydantic/genai-prices": REPLACED,
    "tokencost": "litellm",
    "litellm": "litellm",
    "models.dev": "models.dev",
}
#: The last day on which each list of the shipped history was read. A price dated later was published ahead.
READ_ON: Final = {
    "genai-prices": pd.Timestamp("2026-11-09"),
    REPLACED: pd.Timestamp("2026-07-30"),
    "litellm": pd.Timestamp("2026-10-07"),
    "models.dev": pd.Timestamp("2026-06-30"),
}
#: Names by which one seller is listed elsewhere, and the name that the price book has for it.
SAME_PROVIDER: Final = {
    "gemini": "google",
    "xai": "x-ai",
    "cohere_chat": "cohere",
    "text-completion-openai": "openai",
}
#: Who does not make the models it sells. A cloud passes list prices on; a host and a router set their own.
SELLERS: Final = {
    "aws": "cloud",
    "vertex_ai-language-models": "cloud",
    "arcee": "host",
    "avian": "host",
    "baseten": "host",
    "cloudflare": "host",
    "doubleword": "host",
    "fireworks": "host",
    "huggingface_together": "host",
    "novita": "host",
    "quicksilverpro": "host",
    "together": "host",
    "openrouter": "router",
}
SELLER_KINDS: Final = ("vendor", "cloud", "host", "router")


def price_history(
    *, date_kinds: Collection[str] | None = None, providers: Collection[str] | None = None
) -> pd.DataFrame:
    """The shipped history of list prices, a row for each price of a unit.

    Sources: genai-prices, models.dev and LiteLLM (also through tokencost), all under the MIT License; see NOTICE.

    Parameters
    ----------
    date_kinds : collection of str, optional
        Keep rows of these kinds only: ``("effective_from",)`` for dates that can be trusted to the day.
    providers : collection of str, optional
        Keep these providers only, by the name in the source.

    Returns
    -------
    DataFrame
        provider, model, unit, date (first of the month where ``month_only``; NaT where unknown), date_kind, price
        (US dollars per million tokens, float), source, note, and: ``family`` (the list that the source is a copy of),
        ``seen_on`` (first day on which the price was seen), ``last_old`` (last day on which the one before was seen),
        ``month_only``, ``entry`` (one number for the units of one row of the source).

    Raises
    ------
    PriceError
        An unknown date kind or provider; the message lists those there are, and the nearest.
    """
    table = _shipped()
    for kind in date_kinds or ():
        one_of("date kind", kind, DATE_KINDS, PriceError)
    for provider in providers or ():
        one_of("provider", provider, sorted(set(table["provider"])), PriceError)
    keep = np.ones(len(table), dtype=bool)
    if date_kinds is not None:
        keep &= table["date_kind"].isin(list(date_kinds)).to_numpy()
    if providers is not None:
        keep &= table["provider"].isin(list(providers)).to_numpy()
    return table[keep].reset_index(drop=True)


def checked(history: pd.DataFrame | None) -> pd.DataFrame:
    """A history with every column of :func:`price_history`, from the caller's own rows or the shipped ones.

    Raises
    ------
    PriceError
        A column is missing, a name is blank, a unit or date kind is unknown, a price is not a number from 0 up, or one
        unit has two prices on a day.
    """
    if history is None:
        return _shipped()
    if set(COLUMNS + ADDED) <= set(history.columns):
        return history
    table = history.reset_index(drop=True)
    for column in COLUMNS[:6]:
        if column not in table.columns:
            raise PriceError(f"price history: column {column!r} is missing; it needs {', '.join(COLUMNS[:6])}")
    _named(table)
    for column, allowed in (("unit", tuple(schema.UNITS)), ("date_kind", DATE_KINDS)):
        for value in table[column].unique():
            one_of(f"price history: {column}", value, allowed, PriceError)
    table = table.assign(date=_days(table, "date"), price=pd.to_numeric(table["price"], errors="coerce"))
    bad = ~(table["price"] >= 0)
    if bad.any():
        shown = bad_rows(history.reset_index(drop=True), bad, ["provider", "model", "price"], first_row=0)
        raise PriceError(f"price history: column 'price' holds what is not a price: {shown}; leave unknown prices out")
    for column in ("source", "note"):
        if column not in table.columns:
            table[column] = ""
    key = ["provider", "model", "date", "date_kind", "source"]
    if (twice := table.duplicated([*key, "unit"])).any():
        shown = bad_rows(table, twice, ["provider", "model", "unit", "date"], first_row=0)
        raise PriceError(f"price history: two prices of one unit on one day: {shown}; keep one (service tiers apart)")
    return table.assign(
        family=_families(table["source"]),
        seen_on=table["date"],
        last_old=pd.Series(pd.NaT, index=table.index, dtype="datetime64[s]"),
        month_only=False,
        entry=table.groupby(key, dropna=False, sort=False).ngroup(),
    )


def seller_of(provider: str) -> str:
    """Whether a provider is a ``vendor``, ``cloud``, ``host`` or ``router``; one that is not known is a vendor."""
    return SELLERS.get(provider, "vendor")


def main_name(provider: str) -> str:
    """The name that the price book has for a provider."""
    return SAME_PROVIDER.get(provider, provider)


def known_by(history: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """The rows dated by a day; of the prices before a first dated change, those whose change is dated by then."""
    dated = history["date"] <= as_of
    sku = ["family", "provider", "model"]
    told = history.loc[dated & history["date_kind"].eq("effective_from"), sku].drop_duplicates()
    before = history[sku].merge(told, how="left", on=sku, indicator=True)["_merge"].eq("both").to_numpy()
    return history[dated | (history["date"].isna() & before)]


@cache
def _shipped() -> pd.DataFrame:
    with (files("forecast.prices.history") / "price_history.csv").open(encoding="utf-8") as file:
        wide = pd.read_csv(file, dtype={"date": str, "note": str})
    wide["note"] = wide["note"].fillna("")
    wide["month_only"] = wide["date"].str.len().eq(7)
    wide["date"] = pd.to_datetime(wide["date"].where(~wide["month_only"], wide["date"] + "-01")).astype("datetime64[s]")
    wide["entry"] = np.arange(len(wide))
    wide["family"] = _families(wide["source"])
    recorded = wide["note"].str.extract(r"price as first recorded (\S+)")[0]
    wide["seen_on"] = pd.to_datetime(recorded).astype("datetime64[s]").fillna(wide["date"])
    old = wide["note"].str.extract(r"^was \(.*\) on (\d{4}-\d\d-\d\d)$")[0]
    wide["last_old"] = pd.to_datetime(old).astype("datetime64[s]")
    tidy = wide.melt(
        id_vars=[c for c in wide.columns if c not in _UNIT_OF],
        value_vars=list(_UNIT_OF),
        var_name="unit",
        value_name="price",
    ).dropna(subset=["price"])
    tidy["unit"] = tidy["unit"].map(_UNIT_OF)
    return tidy.sort_values("entry", kind="stable")[[*COLUMNS, *ADDED]].reset_index(drop=True)


def _families(sources: pd.Series) -> Sequence[str]:
    return [next((f for start, f in _FAMILY_OF.items() if s.startswith(start)), s) for s in sources.astype(str)]


def _named(table: pd.DataFrame) -> None:
    for column in ("provider", "model"):
        if (blank := table[column].isna()).any():
            shown = bad_rows(table, blank, list(COLUMNS[:3]), first_row=0)
            raise PriceError(f"price history: column {column!r} is blank: {shown}; name who sells what")


def _days(table: pd.DataFrame, column: str) -> pd.Series:
    days = pd.to_datetime(table[column], format="ISO8601", errors="coerce").astype("datetime64[s]")
    bad = days.isna() & table[column].notna()
    if bad.any():
        shown = bad_rows(table, bad, ["provider", "model", column], first_row=0)
        raise PriceError(f"price history: column {column!r} holds what is not a day: {shown}; write 2026-09-01")
    return days
