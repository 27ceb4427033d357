"""Exports: a usage comes in; what its providers would export of it goes out, as their pages and files spell it.

The sample exports are made so: ``python -m forecast.generator --exports data/samples/exports`` writes one month of the
sample organisation as OpenAI's usage and costs, Anthropic's usage report and cost report, and Google's billing export.
Environment and project stand only in the names of keys and workspaces, as they do in practice; a rules file reads them.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from forecast.prices import PriceBook
from forecast.usage import Usage

Record = dict[str, Any]
_DAY: Final = pd.Timedelta(days=1)
#: Days on one page, as the vendors' interfaces give them.
_PAGE: Final = 16


def write_exports(usage: Usage, folder: Path, month: str) -> list[Path]:
    """Write one month of a usage as its providers' exports, gzipped; the files that were written.

    Parameters
    ----------
    usage : Usage
        By day, with tokens and billed cost.
    folder : Path
        Made if it is not there.
    month : str
        Such as ``"2026-10"``.
    """
    frame = usage.frame[usage.frame["date"].dt.to_period("M") == pd.Period(month, "M")]
    days = pd.date_range(f"{month}-01", periods=pd.Period(month, "M").days_in_month)
    of = {name: frame[frame["provider"] == name] for name in ("openai", "anthropic", "google")}
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, pages in (
        ("openai_usage", _pages(days, lambda day: _openai_bucket(day, of["openai"], _openai_usage))),
        ("openai_costs", _pages(days, lambda day: _openai_bucket(day, of["openai"], _openai_costs))),
        ("anthropic_usage", _pages(days, lambda day: _anthropic_bucket(day, of["anthropic"], _anthropic_usage))),
        ("anthropic_costs", _pages(days, lambda day: _anthropic_bucket(day, of["anthropic"], _anthropic_costs))),
    ):
        lines = "".join(json.dumps(page, separators=(",", ":")) + "\n" for page in pages)
        written.append(_gzipped(folder / f"{name}_{month}.jsonl.gz", lines))
    lines = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in _google_rows(of["google"]))
    written.append(_gzipped(folder / f"google_billing_{month}.jsonl.gz", lines))
    return written


def _gzipped(path: Path, text: str) -> Path:
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    return path


def _pages(days: pd.DatetimeIndex, bucket: Callable[[pd.Timestamp], Record]) -> Iterator[Record]:
    for first in range(0, len(days), _PAGE):
        part = days[first : first + _PAGE]
        more = first + _PAGE < len(days)
        token = f"page_{first // _PAGE + 2}" if more else None
        yield {"object": "page", "data": [bucket(day) for day in part], "has_more": more, "next_page": token}


def _rows(frame: pd.DataFrame) -> Iterator[Any]:
    """The rows as objects with the columns' names."""
    yield from frame.itertuples()


def _key(row: Any) -> str:
    return f"key_{row.environment}_{row.project}"


def _whole(value: float) -> int:
    return 0 if np.isnan(value) else int(value)


# --------------------------------------------------------------------------------------------------------- OpenAI


def _openai_bucket(day: pd.Timestamp, frame: pd.DataFrame, results: Callable[[pd.DataFrame], list[Record]]) -> Record:
    start, end = int(day.timestamp()), int((day + _DAY).timestamp())
    return {"object": "bucket", "start_time": start, "end_time": end, "results": results(frame[frame["date"] == day])}


def _openai_usage(rows: pd.DataFrame) -> list[Record]:
    return [
        {
            "object": "organization.usage.completions.result",
            "input_tokens": _whole(row.input_tokens) + _whole(row.cache_read_tokens) + _whole(row.cache_write_tokens),
            "input_cached_tokens": _whole(row.cache_read_tokens),
            "input_cache_write_tokens": _whole(row.cache_write_tokens),
            "input_uncached_tokens": _whole(row.input_tokens),
            "output_tokens": _whole(row.output_tokens),
            "num_model_requests": _whole(row.requests),
            "project_id": f"proj_{row.project}",
            "user_id": None,
            "api_key_id": _key(row),
            "model": row.model,
            "batch": row.service_tier == "batch",
            "service_tier": None,
        }
        for row in _rows(rows)
        if row.requests > 0
    ]


def _openai_costs(rows: pd.DataFrame) -> list[Record]:
    """The bill as one line a model, project and key."""
    return [
        {
            "object": "organization.costs.result",
            "amount": {"value": float(row.billed_cost), "currency": "usd"},
            "line_item": row.model if isinstance(row.model, str) else None,
            "project_id": f"proj_{row.project}" if isinstance(row.project, str) else None,
            "api_key_id": _key(row) if isinstance(row.project, str) else None,
            "quantity": None,
            "quantity_unit": None,
        }
        for row in _rows(rows)
        if not np.isnan(row.billed_cost)
    ]


# ------------------------------------------------------------------------------------------------------ Anthropic


def _anthropic_bucket(
    day: pd.Timestamp, frame: pd.DataFrame, results: Callable[[pd.DataFrame], list[Record]]
) -> Record:
    times = {"starting_at": f"{day:%Y-%m-%dT00:00:00Z}", "ending_at": f"{day + _DAY:%Y-%m-%dT00:00:00Z}"}
    return times | {"results": results(frame[frame["date"] == day])}


def _anthropic_usage(rows: pd.DataFrame) -> list[Record]:
    return [
        {
            "uncached_input_tokens": _whole(row.input_tokens),
            "cache_creation": {
                "ephemeral_1h_input_tokens": 0,
                "ephemeral_5m_input_tokens": _whole(row.cache_write_tokens),
            },
            "cache_read_input_tokens": _whole(row.cache_read_tokens),
            "output_tokens": _whole(row.output_tokens),
            "server_tool_use": {"web_search_requests": 0},
            "api_key_id": _key(row),
            "workspace_id": f"wrkspc_{row.project}",
            "model": row.model,
            "service_tier": row.service_tier,
            "context_window": "0-200k",
        }
        for row in _rows(rows)
        if row.requests > 0
    ]


def _anthropic_costs(rows: pd.DataFrame) -> list[Record]:
    """The bill by workspace, model and tier: amounts are decimal strings in cents."""
    sums = rows.groupby(["project", "model", "service_tier"])["billed_cost"].sum().reset_index()
    return [
        {
            "currency": "USD",
            "amount": f"{Decimal(str(round(row.billed_cost, 2))) * 100:f}",
            "workspace_id": f"wrkspc_{row.project}",
            "description": f"{row.model} usage",
            "cost_type": "tokens",
            "context_window": "0-200k",
            "model": row.model,
            "service_tier": row.service_tier,
            "token_type": None,
            "inference_geo": None,
        }
        for row in _rows(sums)
    ]


# --------------------------------------------------------------------------------------------------------- Google


def _google_rows(frame: pd.DataFrame) -> Iterator[Record]:
    """Two lines a model, project and day; the bill is laid to input and output by their list prices."""
    book = PriceBook.builtin()
    names = ["date", "provider", "model", "service_tier"]
    listed = [book.cost(frame[[*names, unit]]).to_numpy() for unit in ("input_tokens", "output_tokens")]
    share = listed[0] / (listed[0] + listed[1])
    for row, part in zip(_rows(frame), share, strict=True):
        first = round(row.billed_cost * part, 6)
        lines = {
            "Text Input": (_whole(row.input_tokens), first),
            "Text Output": (_whole(row.output_tokens), round(row.billed_cost - first, 6)),
        }
        model = row.model.replace("-", " ").title()
        batch = " Batch" if row.service_tier == "batch" else ""
        for kind, (tokens, cost) in lines.items():
            yield {
                "service": {"description": "Vertex AI"},
                "sku": {"description": f"{model} GA {kind}{batch} - Predictions"},
                "usage_start_time": f"{row.date:%Y-%m-%dT00:00:00Z}",
                "usage_end_time": f"{row.date + _DAY:%Y-%m-%dT00:00:00Z}",
                "project": {"id": row.project},
                "labels": [{"key": "env", "value": row.environment}],
                "cost": cost,
                "currency": "USD",
                "usage": {"amount": tokens, "unit": "count"},
                "credits": [],
            }
