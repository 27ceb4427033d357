"""OpenRouter: its activity by hour, day or month and model, or its log by request, as CSV or JSON; records go out.

Prompt tokens hold those read from a cache: the log tells them apart, the activity doesn't. Completion tokens hold those
of reasoning. Usage is what OpenRouter charges; what a provider charges to a key of one's own is no cost here: a note.
Source: the activity's files, and the public reference of its API.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pandas as pd

from forecast.readers.contents import Content, Table
from forecast.readers.sheet import Extract, Sheet, Width

NAME: Final = "openrouter"
TITLE: Final = "OpenRouter activity by hour, day or month (CSV, JSON) and log by request (CSV)"
_DAYS: Final = {"Date", "Slug", "Prompt Tokens", "Completion Tokens"}
_LOG: Final = {"generation_id", "created_at", "cost_total"}
_API: Final = {"date", "model", "byok_usage_inference", "prompt_tokens", "completion_tokens"}
_INSIDE: Final = "input_tokens hold those that were read from a cache: the activity doesn't tell them apart"


def fits(content: Content) -> bool:
    """Whether it has the columns of the activity or of the log, or the items of the API."""
    if isinstance(content, Table):
        return set(content.frame.columns) >= _DAYS or set(content.frame.columns) >= _LOG
    return any(set(item) >= _API for value in content.values[:100] for item in _items(value)[:100])


def extract(content: Content) -> Iterator[Extract]:
    """The records, a period and model each, or a request each."""
    if isinstance(content, Table):
        sheet = Sheet(content)
        yield _requests(sheet) if "generation_id" in sheet else _activity(sheet)
        return
    records, places = [], []
    for line, value in zip(content.lines, content.values, strict=True):
        for i, item in enumerate(_items(value)):
            records.append({k: v for k, v in item.items() if not isinstance(v, dict | list)} | {"_page": line})
            places.append(f"line {line}, data[{i}]")
    yield _activity(Sheet.of_records(content.name, records, places))


def _items(value: Any) -> list[dict[str, Any]]:
    listed = value.get("data") if isinstance(value, dict) else value
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _activity(sheet: Sheet) -> Extract:
    if len(sheet) and "date" not in sheet:
        sheet.need("Date", "Slug", "Usage", "Requests", "Prompt Tokens", "Completion Tokens")
    elif len(sheet):
        sheet.need("model", "usage", "requests", "prompt_tokens", "completion_tokens")
    begun = sheet.instants("Date", "date", local=True).dt.tz_localize(None)
    width = _width(sheet, begun)
    date = begun if width == "hour" else begun.dt.normalize()
    known = date.dropna() if width == "day" else date.iloc[:0]
    prompt = sheet.count("Prompt Tokens", "prompt_tokens")
    completion = sheet.count("Completion Tokens", "completion_tokens")
    reasoning = sheet.count("Reasoning Tokens", "reasoning_tokens")
    sheet.refuse(reasoning > completion, "reasoning is above all output", *_columns(sheet, "reasoning", "completion"))
    cost, requests = sheet.number("Usage", "usage"), sheet.count("Requests", "requests")
    _note_own_keys(sheet, sheet.number("BYOK Usage", "byok_usage_inference"))
    sheet.notes.append(_INSIDE)
    return sheet.extract(
        width,
        {
            "date": date.dt.tz_localize("UTC") if width == "hour" else date,
            "provider": "openrouter",
            "model": sheet.text("Slug", "model"),
            "requests": requests,
            "input_tokens": prompt,
            "output_tokens": completion,
            "reasoning_tokens": reasoning,
            "billed_cost": cost,
            "currency": "USD",
            "charge_category": "usage",
        },
        held={"requests": requests, "tokens": prompt.fillna(0) + completion.fillna(0), "billed_cost": cost},
        attributes={name: sheet.text(name) for name in ("provider_name", "endpoint_id") if name in sheet},
        part=sheet.frame.get("_page"),
        covered=((known.min(), known.max() + pd.Timedelta(days=1)),) if len(known) else (),
    )


def _width(sheet: Sheet, begun: pd.Series) -> Width:
    """What the activity is grouped by: several dates that are all the first of a month are months."""
    known = begun.dropna()
    if (known.dt.normalize() < known).any():
        return "hour"
    if known.nunique() > 1 and (known.dt.day == 1).all():
        sheet.notes.append("every date is the first of a month: the rows are taken as months")
        return "month"
    return "day"


def _requests(sheet: Sheet) -> Extract:
    sheet.need("created_at", "cost_total", "model_permaslug", "tokens_prompt", "tokens_completion")
    prompt, completion = sheet.count("tokens_prompt"), sheet.count("tokens_completion")
    cached, reasoning = sheet.count("tokens_cached"), sheet.count("tokens_reasoning")
    fresh = sheet.within(cached, prompt, "cached is above all input", "tokens_prompt", "tokens_cached")
    sheet.within(reasoning, completion, "reasoning is above all output", "tokens_completion", "tokens_reasoning")
    cost, one = sheet.number("cost_total"), pd.Series(1.0, index=sheet.frame.index)
    _note_own_keys(sheet, sheet.number("byok_usage_inference"))
    variant = sheet.text("variant")
    plain = variant.isna() | variant.eq("standard")
    slug = sheet.text("model_permaslug")
    named = ("provider_name", "api_key_name", "app_name", "variant")
    return sheet.extract(
        "moment",
        {
            "date": sheet.instants("created_at"),
            "provider": "openrouter",
            "model": slug.where(plain | slug.str.contains(":", na=False), slug + ":" + variant.fillna("")),
            "application": sheet.text("app_name"),
            "user": sheet.text("user"),
            "requests": one,
            "input_tokens": fresh,
            "cache_read_tokens": cached,
            "output_tokens": completion,
            "reasoning_tokens": reasoning,
            "billed_cost": cost,
            "currency": "USD",
            "charge_category": "usage",
        },
        held={"requests": one, "tokens": prompt.fillna(0) + completion.fillna(0), "billed_cost": cost},
        attributes={name: sheet.text(name) for name in named if name in sheet},
        identity=sheet.text("generation_id"),
    )


def _note_own_keys(sheet: Sheet, paid: pd.Series) -> None:
    """Say what providers charge to keys of one's own: they send their own bill."""
    if paid.sum() > 0:
        sheet.notes.append(f"${paid.sum():,.2f} are charged by providers to keys of one's own, and are no cost here")


def _columns(sheet: Sheet, *begins: str) -> list[str]:
    return [c for c in map(str, sheet.frame.columns) if c.lower().startswith(begins)]
