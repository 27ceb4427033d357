"""Anthropic: usage and costs of an organisation, as pages of its Admin API or CSV files of its console; records go out.

The classes of tokens are disjoint: input that was not cached, written for five minutes, written for an hour, and read
from the cache. No export counts requests. The Admin API's amounts are decimal strings in cents, the console's are in
dollars. Source: the public reference of the Admin API, and the console's files.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pandas as pd

from forecast import schema
from forecast.errors import UsageError
from forecast.prices.context import canonical
from forecast.readers.contents import Content, Documents, Table
from forecast.readers.sheet import Extract, Page, Sheet, Width

NAME: Final = "anthropic"
TITLE: Final = "Anthropic usage and costs: Admin API pages (JSON) and console files (CSV)"
#: The Admin API's amounts are in cents.
_CENTS: Final = 100.0
_HOUR: Final = pd.Timedelta(hours=1)
_DAY: Final = pd.Timedelta(days=1)
#: A file by the hour has the hour without seconds, at midnight too.
_BY_HOUR: Final = r"^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}$"
#: Unit → what the Admin API's pages, the console's files and its older files call it.
_CLASSES: Final = {
    "input_tokens": ("uncached_input_tokens", "usage_input_tokens_no_cache"),
    "cache_read_tokens": ("cache_read_input_tokens", "usage_input_tokens_cache_read"),
    "cache_write_tokens": (
        "ephemeral_5m_input_tokens",
        "usage_input_tokens_cache_write_5m",
        "usage_input_tokens_cache_write",
    ),
    "cache_write_1h_tokens": ("ephemeral_1h_input_tokens", "usage_input_tokens_cache_write_1h"),
    "output_tokens": ("output_tokens", "usage_output_tokens"),
}
_TIERS: Final = {"message": "standard", "priority_on_demand": "priority", "flex_discount": "flex"}
_ATTRIBUTES: Final = (
    "workspace",
    "workspace_id",
    "api_key",
    "api_key_id",
    "description",
    "cost_type",
    "token_type",
    "speed",
)
#: A page beyond the last bucket has these and nothing in them; pages of OpenAI's name their object too.
_ENVELOPE: Final = {"data", "has_more", "next_page"}
#: Models of the third generation have their family last: what is shown as Claude Haiku 3.5 is claude-3-5-haiku.
_FAMILY_LAST: Final = r"^claude-(haiku|sonnet|opus)-(3(?:-\d)?)(?=$|-\d{8}$)"
#: What the exports write where a request has no such property.
_BLANKS: Final = ("not_available", "null", "None")


def fits(content: Content) -> bool:
    """Whether it has the Admin API's buckets, or the columns of the console's files."""
    if isinstance(content, Table):
        return "usage_date_utc" in content.frame and not {"usage_output_tokens", "cost_usd"}.isdisjoint(content.frame)
    pages = [page for value in content.values[:100] for page in _pages(value)]
    buckets = (bucket for page in pages for bucket in _buckets(page))
    return any(isinstance(bucket.get("starting_at"), str) and "results" in bucket for bucket in buckets) or any(
        set(page) == _ENVELOPE and page["data"] == [] for page in pages
    )


def extract(content: Content) -> Iterator[Extract]:
    """The records of usage and of costs, apart."""
    if isinstance(content, Table):
        sheet = Sheet(content, _BLANKS)
        yield _console_costs(sheet) if "cost_usd" in sheet else _console_usage(sheet)
        return
    for costs, made in ((False, _admin_usage), (True, _admin_costs)):
        sheet, pages = _records(content, costs=costs)
        if len(sheet) or pages:
            yield made(sheet, pages)


# ------------------------------------------------------------------------------------------------------- Admin API


def _admin_usage(sheet: Sheet, pages: tuple[Page, ...]) -> Extract:
    start = sheet.instants("starting_at")
    longest = (sheet.instants("ending_at") - start).max()
    covered = [(p.start, p.end) for p in pages if p.start is not None and p.end is not None]
    return _usage(sheet, "hour" if longest <= _HOUR else "day", start, covered, pages)


def _admin_costs(sheet: Sheet, pages: tuple[Page, ...]) -> Extract:
    sheet.refuse(sheet.text("amount").isna(), "amount is blank", "amount", "description")
    money = {"billed_cost": sheet.number("amount") / _CENTS}
    return _costs(sheet, "day", sheet.instants("starting_at"), sheet.text("model"), money, pages)


def _records(content: Documents, *, costs: bool) -> tuple[Sheet, tuple[Page, ...]]:
    """The results of one kind with their bucket's times, and the pages that they stand on."""
    records, places, pages = [], [], []
    for line, value in zip(content.lines, content.values, strict=True):
        for number, page in enumerate(_pages(value)):
            buckets = _buckets(page)
            results = [(bucket, _results(content.name, bucket)) for bucket in buckets]
            kinds = {_are_costs(content.name, one) for _, those in results for one in those}
            if buckets and (costs in kinds or not (kinds or costs)):
                start, end = _at(buckets[0].get("starting_at")), _at(buckets[-1].get("ending_at"))
                pages.append(Page("costs" if costs else "usage", start, end, bool(page.get("has_more"))))
            for i, (bucket, those) in enumerate(results):
                for j, one in enumerate(those):
                    if _are_costs(content.name, one) is costs:
                        times = {name: bucket.get(name) for name in ("starting_at", "ending_at")}
                        records.append(_flat(one) | times | {"_page": f"{line}/{number}"})
                        places.append(f"page {line + number}, data[{i}].results[{j}]")
    return Sheet(Sheet.of_records(content.name, records, places).table, _BLANKS), tuple(pages)


def _results(name: str, bucket: dict[str, Any]) -> list[dict[str, Any]]:
    results = bucket.get("results", [])
    if not isinstance(results, list) or not all(isinstance(one, dict) for one in results):
        raise UsageError(
            f"{name}: results of the bucket {bucket.get('starting_at')} are no list of objects; export it again"
        )
    return results


def _are_costs(name: str, result: dict[str, Any]) -> bool:
    if "amount" in result or "output_tokens" in result:
        return "amount" in result
    raise UsageError(
        f"{name}: a result has {', '.join(result) or 'nothing'}: neither the output_tokens of a usage report "
        "of messages nor the amount of a cost report; export one of these"
    )


def _flat(result: dict[str, Any]) -> dict[str, Any]:
    """The fields of a result; those inside ``cache_creation`` and ``server_tool_use`` stand beside the others."""
    flat = {name: value for name, value in result.items() if not isinstance(value, dict)}
    for value in result.values():
        flat |= value if isinstance(value, dict) else {}
    return flat


def _pages(value: Any) -> list[dict[str, Any]]:
    """The pages in one document: a page, a list of pages, or a bare list of buckets."""
    if isinstance(value, dict):
        return [value] if isinstance(value.get("data"), list) else []
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        return [{"data": value}] if "starting_at" in value[0] else [page for one in value for page in _pages(one)]
    return []


def _buckets(page: dict[str, Any]) -> list[dict[str, Any]]:
    return [bucket for bucket in page["data"] if isinstance(bucket, dict)]


def _at(text: Any) -> pd.Timestamp | None:
    at = pd.to_datetime(text, utc=True, errors="coerce") if isinstance(text, str) else pd.NaT
    return None if pd.isna(at) else at.tz_localize(None)


# --------------------------------------------------------------------------------------------------------- console


def _console_usage(sheet: Sheet) -> Extract:
    plain, older = "usage_input_tokens_cache_write", "usage_input_tokens_cache_write" in sheet
    sheet.need("model_version", "usage_input_tokens_no_cache", "usage_input_tokens_cache_read", "usage_output_tokens")
    sheet.need(*((plain,) if older else (f"{plain}_5m", f"{plain}_1h")))
    start = sheet.instants("usage_date_utc")
    days = start.dropna().dt.tz_localize(None).dt.normalize()
    return _usage(sheet, _width(sheet, start), start, [(days.min(), days.max() + _DAY)] if len(days) else [])


def _console_costs(sheet: Sheet) -> Extract:
    sheet.need("usage_date_utc", "model", "cost_usd")
    sheet.refuse(sheet.text("cost_usd").isna(), "cost_usd is blank", "cost_usd", "model")
    money = {"billed_cost": sheet.number("cost_usd")}
    if "list_price_usd" in sheet:
        money["list_cost"] = sheet.number("list_price_usd")
    start = sheet.instants("usage_date_utc")
    return _costs(sheet, _width(sheet, start), start, _name_of(sheet.text("model")), money)


def _width(sheet: Sheet, start: pd.Series) -> Width:
    by_hour = sheet.text("usage_date_utc").str.match(_BY_HOUR, na=False) | (start.dt.normalize() < start)
    return "hour" if by_hour.any() else "day"


def _name_of(shown: pd.Series) -> pd.Series:
    """A model's name for the one on display.

    ``Claude 3.5 Sonnet 2024-10-22`` is ``claude-3-5-sonnet-20241022``, ``Claude Haiku 3.5`` is ``claude-3-5-haiku``,
    and ``Claude Haiku 4.5`` is ``claude-haiku-4-5``.
    """
    plain = shown.str.lower().str.replace(r"(\d{4})-(\d{2})-(\d{2})$", r"\1\2\3", regex=True)
    name = plain.str.replace(r"[ .]+", "-", regex=True).str.replace(_FAMILY_LAST, r"claude-\2-\1", regex=True)
    return name.where(shown.str.contains(r"^Claude [\w .-]+$", regex=True, na=False), shown)


# ------------------------------------------------------------------------------------------------------------ both


def _usage(
    sheet: Sheet,
    width: Width,
    start: pd.Series,
    covered: list[tuple[pd.Timestamp, pd.Timestamp]],
    pages: tuple[Page, ...] = (),
) -> Extract:
    counts = {unit: sheet.count(*names) for unit, names in _CLASSES.items() if any(name in sheet for name in names)}
    every = [sheet.number(name) for name in map(str, sheet.frame.columns) if "_tokens" in name]
    held = pd.concat(every, axis=1).sum(axis=1) if every else pd.Series(dtype="float64")
    return sheet.extract(
        width,
        {
            "date": start,
            **_names(sheet, sheet.text("model", "model_version")),
            "user": sheet.text("account_id"),
            **counts,
            "searches": sheet.count("web_search_requests", "web_search_count"),
        },
        held={"tokens": held},
        attributes=_attributes(sheet),
        part=sheet.frame.get("_page"),
        pages=pages,
        covered=tuple(covered),
    )


def _costs(
    sheet: Sheet,
    width: Width,
    start: pd.Series,
    model: pd.Series,
    money: dict[str, pd.Series],
    pages: tuple[Page, ...] = (),
) -> Extract:
    kind = sheet.text("cost_type")
    return sheet.extract(
        width,
        {
            "date": start,
            **_names(sheet, model.fillna(kind.mask(kind.isin(["token", "tokens"])))),
            **money,
            "currency": sheet.text("currency").str.upper().fillna("USD"),
            "charge_category": "usage",
        },
        held=money,
        attributes=_attributes(sheet),
        part=sheet.frame.get("_page"),
        pages=pages,
    )


def _names(sheet: Sheet, model: pd.Series) -> dict[str, pd.Series | str]:
    return {
        "provider": "anthropic",
        "model": model,
        "project": sheet.text("workspace", "workspace_id"),
        "service_tier": _tier(sheet),
        "region": sheet.text("inference_geo"),
        "context_tier": sheet.text("context_window").map(_size, na_action="ignore"),
    }


def _tier(sheet: Sheet) -> pd.Series:
    """The service tier; what is answered faster for a higher price is ``priority``, whatever it is called."""
    said = sheet.text("service_tier", "usage_type").str.lower()
    tier = said.replace(_TIERS)
    other = tier.notna() & ~tier.isin(schema.SERVICE_TIERS)
    if other.any():
        sheet.notes.append(f"the service tiers {', '.join(sorted(set(said[other])))} are taken as standard")
    fast = sheet.text("speed").str.lower() == "fast"
    return tier.mask(other, "standard").mask(fast, "priority")


def _size(window: str) -> str:
    """The one spelling of a request's size: the Admin API's ``200k-1M`` is the console's ``> 200k``."""
    return ">200k" if window == "200k-1M" else canonical(window) or window


def _attributes(sheet: Sheet) -> dict[str, pd.Series]:
    return {name: sheet.text(name) for name in _ATTRIBUTES if name in sheet}
