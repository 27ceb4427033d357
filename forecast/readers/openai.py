"""OpenAI: usage and costs of an organisation, as pages of its API or CSV files of its dashboard; records go out.

In usage, ``input_tokens`` holds what was read from and written to a cache; both are taken out of it, and stand in
columns of their own. Tokens of audio are inside the whole where the export tells text apart, and beside it in older
exports. Costs have money and line items, no tokens. Source: the administration API of openai-openapi (MIT), and the
dashboard's files.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pandas as pd

from forecast import schema
from forecast.errors import UsageError
from forecast.readers.contents import Content, Documents, Table
from forecast.readers.sheet import Extract, Page, Sheet, Width

NAME: Final = "openai"
TITLE: Final = "OpenAI usage and costs: API pages (JSON) and dashboard files (CSV)"
_USAGE: Final = "organization.usage.completions.result"
_COSTS: Final = "organization.costs.result"
_TIMES: Final = {"start_time", "end_time", "start_time_iso", "end_time_iso"}
_HOUR: Final = 3_600.0


def fits(content: Content) -> bool:
    """Whether it is a page of OpenAI's, or has the columns of its dashboard's files."""
    if isinstance(content, Table):
        return set(content.frame.columns) >= {"start_time", "end_time"} and (
            "num_model_requests" in content.frame
            or "amount_value" in content.frame
            or set(content.frame.columns) == _TIMES
        )
    return any(bucket.get("object") == "bucket" for bucket in _buckets(content.values))


def extract(content: Content) -> Iterator[Extract]:
    """The records of usage and of costs, apart."""
    if isinstance(content, Table):
        sheet = Sheet(content)
        yield _costs(sheet) if "amount_value" in sheet else _usage(sheet)
        return
    for kind, made in ((_USAGE, _usage), (_COSTS, _costs)):
        sheet, pages = _records(content, kind)
        if len(sheet) or pages:
            yield made(sheet, pages)
    others = {
        str(result.get("object"))
        for bucket in _buckets(content.values)
        for result in bucket.get("results", [])
        if result.get("object") not in (_USAGE, _COSTS)
    }
    if others:
        raise UsageError(
            f"{content.name}: holds {', '.join(sorted(others))}, which are not read yet; export {_USAGE} and {_COSTS}"
        )


def _usage(sheet: Sheet, pages: tuple[Page, ...] = ()) -> Extract:
    if set(sheet.frame.columns) == _TIMES:  # how the dashboard writes that nothing was used
        sheet = sheet.only(pd.Series(False, index=sheet.frame.index))
    elif len(sheet):
        sheet.need("input_tokens", "output_tokens", "num_model_requests")
    start, requests = sheet.seconds("start_time"), sheet.count("num_model_requests")
    whole, output = sheet.count("input_tokens"), sheet.count("output_tokens")
    read, written = sheet.count("input_cached_tokens"), sheet.count("input_cache_write_tokens")
    audio_in, audio_out = sheet.count("input_audio_tokens"), sheet.count("output_audio_tokens")
    inside = sheet.text("input_text_tokens").notna() | sheet.text("output_text_tokens").notna()
    sheet.refuse(
        read.fillna(0) + written.fillna(0) + audio_in.where(inside, 0).fillna(0) > whole,
        "parts of the input are above the whole",
        "input_tokens",
        "input_cached_tokens",
        "input_cache_write_tokens",
        "input_audio_tokens",
    )
    sheet.refuse(
        audio_out.where(inside, 0).fillna(0) > output,
        "audio is above all output",
        "output_tokens",
        "output_audio_tokens",
    )
    batch = sheet.text("batch").str.lower().isin(["true", "1"])
    tier = sheet.text("service_tier").str.lower().replace({"default": "standard", "scale": "provisioned"})
    unknown = tier.notna() & ~tier.isin(schema.SERVICE_TIERS)
    if unknown.any():
        sheet.notes.append(f"service_tier {', '.join(sorted(tier[unknown].unique()))} is taken as standard")
        tier = tier.mask(unknown, "standard")
    beside = audio_in.where(~inside, 0.0).fillna(0.0) + audio_out.where(~inside, 0.0).fillna(0.0)
    return sheet.extract(
        _width(sheet),
        {
            "date": start,
            "provider": "openai",
            "model": sheet.text("model"),
            "project": sheet.text("project_name").fillna(sheet.text("project_id")),
            "user": sheet.text("user_email").fillna(sheet.text("user_id")),
            "service_tier": tier.mask(batch, "batch"),
            "requests": requests,
            "input_tokens": whole - read.fillna(0) - written.fillna(0) - audio_in.where(inside, 0).fillna(0),
            "cache_read_tokens": read,
            "cache_write_tokens": written,
            "output_tokens": output - audio_out.where(inside, 0).fillna(0),
            "input_audio_tokens": audio_in,
            "output_audio_tokens": audio_out,
        },
        held={
            "requests": requests,
            "tokens": whole.fillna(0) + output.fillna(0) + beside,
        },
        attributes=_attributes(sheet),
        part=sheet.frame.get("_page"),
        pages=pages,
        covered=tuple((p.start, p.end) for p in pages if p.start is not None and p.end is not None),
    )


def _costs(sheet: Sheet, pages: tuple[Page, ...] = ()) -> Extract:
    money = sheet.number("amount_value")
    blank = sheet.text("amount_value").isna() & sheet.text("line_item").isna()
    if blank.any():  # the dashboard writes a day without costs as a row without an amount
        sheet = sheet.only(~blank)
        money = sheet.number("amount_value")
    item = sheet.text("line_item")
    return sheet.extract(
        "day",
        {
            "date": sheet.seconds("start_time").dt.tz_localize(None).dt.normalize(),
            "provider": "openai",
            "model": item.str.replace(r",.*$", "", regex=True),
            "project": sheet.text("project_name").fillna(sheet.text("project_id")),
            "user": sheet.text("user_email").fillna(sheet.text("user_id")),
            "billed_cost": money,
            "currency": sheet.text("amount_currency").str.upper().fillna("USD"),
            "charge_category": "usage",
        },
        held={"billed_cost": money},
        attributes={**_attributes(sheet), "line_item": item},
        part=sheet.frame.get("_page"),
        pages=pages,
    )


def _attributes(sheet: Sheet) -> dict[str, pd.Series]:
    named = ("project_id", "project_name", "api_key_id", "organization_name", "api_source")
    return {name: sheet.text(name) for name in named if name in sheet}


def _width(sheet: Sheet) -> Width:
    """Buckets of a minute or an hour are hours, buckets of a day are days."""
    longest = (sheet.number("end_time") - sheet.number("start_time")).max()
    return "hour" if longest <= _HOUR else "day"


def _records(content: Documents, kind: str) -> tuple[Sheet, tuple[Page, ...]]:
    """The results of one kind with their bucket's times, and the pages that they stand on."""
    records, places, pages = [], [], []
    for line, value in zip(content.lines, content.values, strict=True):
        for number, page in enumerate(_pages(value)):
            buckets = [b for b in page.get("data", []) if isinstance(b, dict)]
            found = {r.get("object") for b in buckets for r in b.get("results", [])}
            if buckets and (kind in found or (not found and kind == _USAGE)):
                start, end = buckets[0].get("start_time"), buckets[-1].get("end_time")
                pages.append(Page(kind, _at(start), _at(end), bool(page.get("has_more"))))
            for i, bucket in enumerate(buckets):
                for j, result in enumerate(r for r in bucket.get("results", []) if r.get("object") == kind):
                    amount = result.get("amount") or {}
                    flat = {k: v for k, v in result.items() if not isinstance(v, dict)}
                    flat |= {"amount_value": amount.get("value"), "amount_currency": amount.get("currency")}
                    times = {"start_time": bucket.get("start_time"), "end_time": bucket.get("end_time")}
                    records.append(flat | times | {"_page": f"{line}/{number}"})
                    places.append(f"page {line + number}, data[{i}].results[{j}]")
    return Sheet.of_records(content.name, records, places), tuple(pages)


def _at(seconds: Any) -> pd.Timestamp | None:
    return pd.Timestamp(float(seconds), unit="s") if isinstance(seconds, int | float) else None


def _pages(value: Any) -> list[dict[str, Any]]:
    """The pages in one document: a page, a list of pages, or a bare list of buckets."""
    if isinstance(value, dict):
        return [value] if isinstance(value.get("data"), list) else []
    if isinstance(value, list) and value and all(isinstance(v, dict) for v in value):
        return [{"data": value}] if "start_time" in value[0] else [p for v in value for p in _pages(v)]
    return []


def _buckets(values: tuple[Any, ...]) -> Iterator[dict[str, Any]]:
    for value in values[:100]:
        for page in _pages(value):
            yield from (b for b in page["data"][:100] if isinstance(b, dict))
