"""Google Cloud: a billing export comes in, as JSON lines or CSV of its BigQuery table; all its charges go out.

A line is one SKU: its description names the model and the kind of token, ``usage.unit`` "count" says that the amount is
tokens. Thinking is output, and also noted as reasoning. Tokens read from a cache are a SKU of their own, beside input.
Credits stand beside the cost of a line; they become rows of their own. Lines without tokens are money alone. Source:
gcp_billing_export_v1 tables.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pandas as pd

from forecast.readers.bills import (
    Tags,
    attributes_of,
    category_of,
    currency_of,
    first_known,
    objects_of,
    tags_of,
    told,
    width_of,
)
from forecast.readers.contents import Content, Documents, Table
from forecast.readers.meters import head_of, is_other, is_thinking, kind_of, model_of, spelled, tier_of
from forecast.readers.sheet import TOKENS, Extract, Sheet, Width

NAME: Final = "google"
TITLE: Final = "Google Cloud billing export with Vertex AI and Gemini (JSON lines, CSV, Parquet)"
_NEEDED: Final = ("service.description", "sku.description", "usage_start_time", "cost", "currency")
#: Columns of flattened tables that may stand with an underscore for the dot.
_DOTTED: Final = (
    *_NEEDED[:2],
    *(
        "usage.amount",
        "usage.unit",
        "project.id",
        "project.name",
        "project.labels",
        "location.region",
        "credits.amount",
    ),
)
_ATTRIBUTES: Final = {"service": "service.description", "sku": "sku.description", "project_id": "project.id"}
_AI: Final = r"vertex|gemini|generative language|ai platform"
#: Makers' names with which the name of a model begins, wherever in a description it stands.
_MODEL: Final = re.compile(
    r"\b(gemini|gemma|claude|llama|mistral|codestral|deepseek|qwen|kimi|grok|gpt|embedding)\b", re.IGNORECASE
)
_LONG: Final = r"\blong\b|> ?200k"
_CATEGORIES: Final = {
    "regular": "usage",
    "tax": "tax",
    "adjustment": "adjustment",
    "rounding_error": "adjustment",
}


def fits(content: Content) -> bool:
    """Whether it has a billing line's service, SKU and usage time."""
    if isinstance(content, Table):
        first = _dotted(content.frame.head(20))
        return {"sku.description", "service.description", "usage_start_time"} <= set(first.columns)
    return any(isinstance(v.get("sku"), dict) and "usage_start_time" in v for _, v in objects_of(content)[:20])


def extract(content: Content) -> Iterator[Extract]:
    """Every line, and the credits apart."""
    if isinstance(content, Table):
        sheet = Sheet(Table(content.name, _dotted(content.frame), content.ragged))
    else:
        sheet = _flat(content)
    sheet.need(*_NEEDED)
    width, tags = _width(sheet), tags_of(sheet, ("labels", "project.labels", "tags"), flat="labels.")
    yield _usage(sheet, width, tags)
    granted = _credits(sheet)
    if len(granted):
        flat = tags_of(granted, ("labels", "project.labels", "tags"), flat="labels.")
        yield _credit_lines(granted, width, flat)


def _usage(sheet: Sheet, width: Width, tags: Tags) -> Extract:
    cost, at_list = sheet.number("cost"), sheet.number("cost_at_list")
    described, service = sheet.text("sku.description"), sheet.text("service.description")
    category = category_of(sheet, "cost_type", _CATEGORIES) if "cost_type" in sheet else None
    regular = category.eq("usage") if category is not None else pd.Series(True, index=cost.index)
    ours = service.str.contains(_AI, case=False).fillna(False).astype(bool)
    model = spelled(described, _model).where(ours)
    read = ours & regular & model.notna() & sheet.text("usage.unit").str.lower().eq("count").fillna(False).astype(bool)
    read &= ~spelled(described, is_other).eq(True)
    amount = sheet.number("usage.amount")
    sheet.refuse(read & (amount < 0), "usage.amount is below 0", "usage.amount")
    tokens, kind = told(sheet, amount.where(read), spelled(described, kind_of), model)
    counted = tokens.notna()
    thought = spelled(described, is_thinking).eq(True) & (kind == "output_tokens")
    tier = spelled(described, tier_of)
    money = {"billed_cost": cost} | ({"list_cost": at_list} if at_list.notna().any() else {})
    return sheet.extract(
        width,
        {
            "date": sheet.instants("usage_start_time"),
            "provider": NAME,
            "model": first_known(model.where(counted), described.where(ours), service, described),
            "environment": tags.environment,
            "project": first_known(sheet.text("project.id"), tags.project),
            "user": tags.user,
            "region": sheet.text("location.region"),
            "service_tier": tier.where(counted | (ours & (tier == "provisioned"))),
            "context_tier": described.str.contains(_LONG, case=False).map({True: ">200k"}).where(counted),
            **{unit: tokens.where(kind == unit) for unit in TOKENS if (kind == unit).any()},
            **({"reasoning_tokens": tokens.where(thought)} if thought.any() else {}),
            **money,
            "currency": currency_of(sheet, "currency"),
            "charge_category": category.fillna("usage") if category is not None else "usage",
        },
        held={"tokens": tokens, **money},
        attributes=attributes_of(sheet, _ATTRIBUTES, tags),
        apart=service.fillna("no service").where(~ours),
    )


def _credit_lines(sheet: Sheet, width: Width, tags: Tags) -> Extract:
    """Credits as rows of their own: money below 0."""
    amount, described = sheet.number("amount"), sheet.text("sku.description")
    service = sheet.text("service.description")
    ours = service.str.contains(_AI, case=False).fillna(False).astype(bool)
    return sheet.extract(
        width,
        {
            "date": sheet.instants("usage_start_time"),
            "provider": NAME,
            "model": first_known(spelled(described, _model).where(ours), described.where(ours), service, described),
            "environment": tags.environment,
            "project": first_known(sheet.text("project.id"), tags.project),
            "user": tags.user,
            "region": sheet.text("location.region"),
            "billed_cost": amount,
            "currency": currency_of(sheet, "currency"),
            "charge_category": "credit",
        },
        held={"billed_cost": amount},
        attributes={**attributes_of(sheet, _ATTRIBUTES, tags), "credit": sheet.text("credit")},
        apart=service.fillna("no service").where(~ours),
    )


def _credits(sheet: Sheet) -> Sheet:
    """The credits of the lines that are read, a record each: of a list, or a line's sum in a column of its own."""
    records: list[dict[str, Any]] = []
    places = []
    summed = next((c for c in ("credits.amount", "credits[].amount", "credits_amount") if c in sheet), None)
    for place, row in sheet.frame.iterrows() if "credits" in sheet or summed else ():
        if place in sheet.wrong:
            continue
        rest = {str(k): v for k, v in row.items() if k not in ("credits", summed)}
        for i, credit in enumerate(_listed(row.get("credits"))):
            records.append(rest | {"amount": credit.get("amount"), "credit": credit.get("name") or credit.get("type")})
            places.append(f"{place}, credits[{i}]")
        amount = row.get(summed) if summed else None
        if amount is not None and str(amount).strip() not in ("", "0", "0.0", "nan", "None"):
            records.append(rest | {"amount": amount, "credit": None})
            places.append(f"{place}, {summed}")
    return Sheet.of_records(sheet.table.name, records, places)


def _listed(cell: Any) -> list[dict[str, Any]]:
    """A cell that holds a list of objects, as such or as JSON text."""
    if isinstance(cell, str) and cell.strip().startswith("["):
        try:
            cell = json.loads(cell)
        except json.JSONDecodeError:
            return []
    return [one for one in cell if isinstance(one, dict)] if isinstance(cell, list | np.ndarray) else []


def _width(sheet: Sheet) -> Width:
    """Lines are by hour in a detailed export, and by day where each spans a day."""
    start = sheet.instants("usage_start_time")
    if "usage_end_time" not in sheet:
        return "hour"
    regular = ~sheet.text("cost_type").isin(["tax", "adjustment", "rounding_error"])
    return width_of(sheet, start, sheet.instants("usage_end_time"), regular)


def _model(described: str) -> str | None:
    """``Gemini 2.5 Flash GA Text Input`` → ``gemini-2.5-flash``; None where no model is named.

    Tokens of images that a model makes cost many times those of its text, and get a name of their own.
    """
    found = _MODEL.search(described)
    if found is None:
        return None
    head = head_of(described[found.start() :])
    model = model_of(NAME, head) or head.lower()
    return f"image output of {model}" if re.search(r"image output", described, re.IGNORECASE) else model


def _dotted(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns by dotted names: those with underscores renamed, and records, as Parquet holds them, taken apart."""
    flat = frame.rename(columns={name.replace(".", "_"): name for name in _DOTTED if name not in frame})
    for column in dict.fromkeys(name.partition(".")[0] for name in _DOTTED):
        cells = [cell if isinstance(cell, dict) else {} for cell in flat[column]] if column in flat else []
        for inner in dict.fromkeys(key for cell in cells for key in cell):
            if f"{column}.{inner}" not in flat:
                values = [cell.get(inner) for cell in cells]
                flat[f"{column}.{inner}"] = pd.Series(values, index=flat.index, dtype="object")
    return flat


def _flat(content: Documents) -> Sheet:
    """Nested lines as dotted columns; lists stay as they are."""
    records, places = [], []
    for place, row in objects_of(content):
        flat: dict[str, Any] = {}
        for key, cell in row.items():
            if isinstance(cell, dict):
                flat |= {f"{key}.{inner}": v for inner, v in cell.items() if not isinstance(v, dict)}
            else:
                flat[key] = cell
        records.append(flat)
        places.append(place)
    return Sheet.of_records(content.name, records, places)
