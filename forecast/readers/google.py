"""Google Cloud: a billing export comes in, as JSON lines or CSV of its BigQuery table; records of AI models go out.

A line is one SKU: its description names the model and the kind of token, ``usage.unit`` "count" says that the amount is
tokens. Thinking is output, and also noted as reasoning. Tokens read from a cache are a SKU of their own, beside input.
Credits stand beside the cost of a line; they become rows of their own. Source: gcp_billing_export_v1 tables.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pandas as pd

from forecast.readers.contents import Content, Documents, Table
from forecast.readers.sheet import Extract, Sheet, Width

NAME: Final = "google"
TITLE: Final = "Google Cloud billing export: Vertex AI and Gemini (JSON lines, CSV)"
_AI: Final = r"vertex|gemini|generative language|ai platform"
_GEMINI: Final = re.compile(r"\b(gemini \d+(?:\.\d+)?(?: (?:pro|flash|ultra|nano))?(?:[ -]lite)?)\b", re.IGNORECASE)
_CLAUDE: Final = re.compile(r"\b(claude (?:(?:opus|sonnet|haiku) \d+(?:\.\d+)?|\d+(?:\.\d+)? \w+))\b", re.IGNORECASE)
_LONG: Final = r"\blong\b|> ?200k"
#: What a description says of the kind of token, the first that fits; cache before input.
_KINDS: Final = (
    ("cache_read_tokens", r"cach(?:ed|ing)(?!.*storage)"),
    ("output_audio_tokens", r"audio output"),
    ("input_audio_tokens", r"audio input"),
    ("total_tokens", r"image output|video output"),
    ("output_tokens", r"output"),
    ("input_tokens", r"input"),
)


def fits(content: Content) -> bool:
    """Whether it has a billing line's service, SKU and usage time."""
    if isinstance(content, Table):
        return {"sku.description", "service.description", "usage_start_time"} <= set(content.frame.columns)
    return any(
        isinstance(v, dict) and isinstance(v.get("sku"), dict) and "usage_start_time" in v
        for v in _lines(content.values[:20])
    )


def extract(content: Content) -> Iterator[Extract]:
    """The lines of AI services, and their credits apart."""
    sheet = Sheet(content) if isinstance(content, Table) else _flat(content)
    sheet.need("service.description", "sku.description", "usage_start_time", "cost", "currency")
    yield _usage(sheet)
    granted = _credits(sheet)
    if len(granted):
        yield _credit_lines(granted)


def _usage(sheet: Sheet) -> Extract:
    cost, described = sheet.number("cost"), sheet.text("sku.description")
    other = ~sheet.text("service.description").str.contains(_AI, case=False, na=False)
    sheet.refuse(other, "the service is no AI service", "service.description")
    counted = sheet.text("usage.unit").str.lower().eq("count")
    amount = sheet.count("usage.amount").where(counted)
    model = described.map(_model, na_action="ignore")
    known = model != described
    kind = _kind(described).where(counted & known)
    columns: dict[str, pd.Series | str] = {unit: amount.where(kind == unit) for unit, _ in _KINDS}
    tokens = amount.where(kind.notna())
    return sheet.extract(
        _width(sheet),
        {
            "date": sheet.instants("usage_start_time"),
            "provider": "google",
            "model": model,
            "project": sheet.text("project.id"),
            "region": sheet.text("location.region"),
            "service_tier": pd.Series(
                np.where(described.str.contains("batch", case=False, na=False), "batch", "standard"),
                index=sheet.frame.index,
            ),
            "context_tier": described.str.contains(_LONG, case=False, na=False).map({True: ">200k", False: None}),
            **columns,
            "reasoning_tokens": amount.where(
                (kind == "output_tokens") & described.str.contains("thinking", case=False, na=False)
            ),
            "billed_cost": cost,
            "currency": sheet.text("currency").str.upper(),
            "charge_category": sheet.text("cost_type").map({"tax": "tax", "adjustment": "adjustment"}).fillna("usage"),
        },
        held={"tokens": tokens, "billed_cost": cost},
        attributes=_attributes(sheet),
    )


def _credit_lines(sheet: Sheet) -> Extract:
    """Credits as rows of their own: money below 0."""
    amount = sheet.number("amount")
    return sheet.extract(
        _width(sheet),
        {
            "date": sheet.instants("usage_start_time"),
            "provider": "google",
            "model": sheet.text("sku.description").map(_model, na_action="ignore"),
            "project": sheet.text("project.id"),
            "billed_cost": amount,
            "currency": sheet.text("currency").str.upper(),
            "charge_category": "credit",
        },
        held={"billed_cost": amount},
        attributes={**_attributes(sheet), "credit": sheet.text("credit")},
    )


def _credits(sheet: Sheet) -> Sheet:
    """The credits of the lines that are read, a record each."""
    records: list[dict[str, Any]] = []
    places = []
    if "credits" in sheet:
        for place, row in sheet.frame.iterrows():
            for i, credit in enumerate(_listed(row["credits"]) if place not in sheet.wrong else []):
                named = {"amount": credit.get("amount"), "credit": credit.get("name") or credit.get("type")}
                records.append({str(k): v for k, v in row.items() if k != "credits"} | named)
                places.append(f"{place}, credits[{i}]")
    return Sheet.of_records(sheet.table.name, records, places)


def _listed(cell: Any) -> list[dict[str, Any]]:
    """A cell that holds a list of objects, as such or as JSON text."""
    if isinstance(cell, str) and cell.strip().startswith("["):
        try:
            cell = json.loads(cell)
        except json.JSONDecodeError:
            return []
    return [one for one in cell if isinstance(one, dict)] if isinstance(cell, list | np.ndarray) else []


def _attributes(sheet: Sheet) -> dict[str, pd.Series]:
    named = {"service": "service.description", "sku": "sku.description", "project_id": "project.id"}
    labels = [c for c in map(str, sheet.frame.columns) if c.startswith("labels.")]
    named |= {f"tag:{c.removeprefix('labels.')}": c for c in labels}
    return {name: sheet.text(column) for name, column in named.items() if column in sheet}


def _width(sheet: Sheet) -> Width:
    """Lines are by hour in a detailed export, and by day where each spans a day."""
    spans = sheet.instants("usage_end_time") - sheet.instants("usage_start_time") if "usage_end_time" in sheet else None
    return "day" if spans is not None and len(spans) and spans.min() >= pd.Timedelta(hours=23) else "hour"


def _model(described: str) -> str:
    """``Gemini 2.5 Flash GA Text Input`` → ``gemini-2.5-flash``; what names no model stays as it is."""
    found = _GEMINI.search(described)
    if found:
        return re.sub(r"[ -]+", "-", found.group(1).lower())
    found = _CLAUDE.search(described)
    return re.sub(r"[ .]+", "-", found.group(1).lower()) if found else described


def _kind(described: pd.Series) -> pd.Series:
    kind = pd.Series(None, index=described.index, dtype="object")
    for unit, pattern in reversed(_KINDS):
        kind = kind.mask(described.str.contains(pattern, case=False, na=False), unit)
    return kind


def _flat(content: Documents) -> Sheet:
    """Nested lines as dotted columns, and labels as a column each."""
    records, places = [], []
    for line, value in zip(content.lines, content.values, strict=True):
        for i, row in enumerate(_lines((value,))):
            flat: dict[str, Any] = {}
            for key, cell in row.items():
                if isinstance(cell, dict):
                    flat |= {f"{key}.{inner}": v for inner, v in cell.items() if not isinstance(v, dict | list)}
                elif key in ("labels", "tags"):
                    flat |= {f"labels.{one.get('key')}": one.get("value") for one in _listed(cell)}
                else:
                    flat[key] = cell
            records.append(flat)
            places.append(f"{line}" if isinstance(value, dict) else f"{line}[{i}]")
    return Sheet.of_records(content.name, records, places)


def _lines(values: tuple[Any, ...]) -> list[dict[str, Any]]:
    return [one for v in values for one in (v if isinstance(v, list) else [v]) if isinstance(one, dict)]
