"""LiteLLM: its spend logs, daily tables and daily activity come in, as files, JSON or a database; records go out.

``prompt_tokens`` holds what a provider's cache served and took, and is made disjoint. ``spend`` is what LiteLLM works
out from its own price map, which holds list prices: no bill, and so read as ``list_cost``. Requests that LiteLLM
answers from its own cache cost nothing: they are set aside, with their tokens. Source: LiteLLM's schema (MIT).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import numpy as np

from forecast.errors import UsageError
from forecast.readers.contents import Content, Table
from forecast.readers.logs import Aside, Field, Log
from forecast.readers.logsheet import extract_of
from forecast.readers.sheet import Extract, Page, Sheet

NAME: Final = "litellm"
TITLE: Final = "LiteLLM: spend logs, daily spend tables and daily activity; also from its database"
#: The table that a database is read from where none is named.
SPEND_LOGS: Final = "LiteLLM_SpendLogs"
_USED: Final = "additional_usage_values"
_FIXED: Final = {"currency": "USD", "charge_category": "usage"}
_INSIDE: Final = {"cache_read_tokens": "input_tokens", "cache_write_tokens": "input_tokens"}
_SPEND_NOTE: Final = (
    "spend is LiteLLM's own calculation from its price map, not a bill: it is read as list_cost; "
    "failed requests are counted, with the tokens that they used"
)

LOG: Final = Log(
    NAME,
    Field("startTime"),
    {
        "input_tokens": Field("prompt_tokens"),
        "cache_read_tokens": Field(
            "metadata", ((_USED, "cache_read_input_tokens"), (_USED, "prompt_tokens_details", "cached_tokens"))
        ),
        "cache_write_tokens": Field("metadata", ((_USED, "cache_creation_input_tokens"),)),
        "output_tokens": Field("completion_tokens"),
        "list_cost": Field("spend"),
    },
    texts={"provider": Field("custom_llm_provider"), "model": Field("model"), "user": Field("user")},
    attributes={
        "api_key": Field("api_key"),
        "key_alias": Field("metadata", (("user_api_key_alias",),)),
        "team_id": Field("team_id"),
        "team": Field("metadata", (("user_api_key_team_alias",),)),
        "organization_id": Field("organization_id"),
        "end_user": Field("end_user"),
        "model_group": Field("model_group"),
        "call_type": Field("call_type"),
        "request_tags": Field("request_tags"),
        "status": Field("status"),
    },
    inside=_INSIDE,
    fixed=_FIXED,
    identity=Field("request_id"),
    aside=Aside(Field("cache_hit"), ("true",), "answered from LiteLLM's own cache (cache_hit): nothing was bought"),
    prefixed=True,
    notes=(_SPEND_NOTE,),
)
DAILY: Final = Log(
    NAME,
    Field("date"),
    {
        "requests": Field("api_requests"),
        "input_tokens": Field("prompt_tokens"),
        "cache_read_tokens": Field("cache_read_input_tokens"),
        "cache_write_tokens": Field("cache_creation_input_tokens"),
        "output_tokens": Field("completion_tokens"),
        "list_cost": Field("spend"),
    },
    daily=True,
    texts={"provider": Field("custom_llm_provider"), "model": Field("model"), "user": Field("user_id")},
    attributes={
        "api_key": Field("api_key"),
        "key_alias": Field("key_alias"),
        "team_id": Field("team_id"),
        "organization_id": Field("organization_id"),
        "end_user": Field("end_user_id"),
        "agent_id": Field("agent_id"),
        "model_group": Field("model_group"),
        "endpoint": Field("endpoint"),
        "page": Field("page"),
    },
    inside=_INSIDE,
    fixed=_FIXED,
    prefixed=True,
    notes=(_SPEND_NOTE,),
)
_LOG_COLUMNS: Final = {"startTime", "prompt_tokens", "completion_tokens", "spend"}
_DAILY_COLUMNS: Final = {"date", "api_requests", "prompt_tokens", "completion_tokens", "spend"}
_METRICS: Final = (
    "spend",
    "prompt_tokens",
    "completion_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "api_requests",
)
#: Sums of floats in another order differ by less.
_SAME: Final = 1e-6


def fits(content: Content) -> bool:
    """Whether it bears the column names of LiteLLM's tables, or is a page of its daily activity."""
    if isinstance(content, Table):
        return fits_columns(content.frame.columns)
    head = content.values[:20]
    rows = [row for value in head for row in (value[:20] if isinstance(value, list) else [value])]
    return bool(rows) and all(isinstance(r, dict) and (fits_columns(r) or _is_activity(r)) for r in rows)


def extract(content: Content) -> Iterator[Extract]:
    """The records: one a request of spend logs, one a day and key of the others."""
    if isinstance(content, Table):
        yield _made(Sheet(content))
        return
    rows = [
        (row, f"{line}[{i}]" if isinstance(value, list) else line)
        for line, value in zip(content.lines, content.values, strict=True)
        for i, row in enumerate(value if isinstance(value, list) else [value])
    ]
    pages = [(row, place) for row, place in rows if isinstance(row, dict) and _is_activity(row)]
    if pages:
        yield from (_activity(content.name, row, place) for row, place in pages)
        return
    flat = [(row, place) for row, place in rows if isinstance(row, dict)]
    if len(flat) < len(rows) or not flat:
        raise UsageError(f"{content.name}: is no list of LiteLLM's rows, and no page of its daily activity")
    yield _made(Sheet.of_records(content.name, [row for row, _ in flat], [place for _, place in flat]))


def log_of(columns: Iterable[str], *, source: str) -> Log:
    """The description of the table that has these columns.

    Raises
    ------
    UsageError
        It is none of LiteLLM's, or one that counts a request more than once.
    """
    there = list(columns)
    if "tag" in there and "api_requests" in there:
        raise UsageError(
            f"{source}: counts a request once for each of its tags: read the spend logs, or the daily table of users"
        )
    daily = "api_requests" in there and "startTime" not in there
    return (DAILY if daily else LOG).held_to(there, source=source)


def fits_columns(columns: Iterable[Any]) -> bool:
    """Whether the column names are those of one of LiteLLM's tables."""
    there = set(columns)
    return there >= _LOG_COLUMNS or there >= _DAILY_COLUMNS


def _made(sheet: Sheet, part: str | None = None, pages: tuple[Page, ...] = ()) -> Extract:
    return extract_of(sheet, log_of(map(str, sheet.frame.columns), source=sheet.table.name), part=part, pages=pages)


# ------------------------------------------------------------------------------------------------ daily activity


def _is_activity(page: Mapping[str, Any]) -> bool:
    results = page.get("results")
    return isinstance(results, list) and any(isinstance(r, dict) and "metrics" in r for r in results)


def _activity(name: str, page: Mapping[str, Any], place: int | str) -> Extract:
    """One page: a record a day, model and key, and what the parts of a day leave of it."""
    about = _dict(page.get("metadata"))
    number, of = about.get("page"), about.get("total_pages")
    told = f"{number} of {of}" if number is not None else None
    records, places = [], []
    for i, result in enumerate(map(_dict, page["results"])):
        for what, record in _parts(result):
            records.append(record | {"date": result.get("date"), "page": told})
            places.append(f"{place}: results[{i}]{what}")
    _check_totals(name, page, about)
    sheet = Sheet.of_records(name, records, places)
    whole = isinstance(number, int) and isinstance(of, int)
    pages = (Page("daily activity", number=number, of=of),) if whole else ()
    return _made(sheet, str(place), pages)


def _parts(result: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The parts that add up to a day: by model and key where the page says it, and a rest."""
    models = _dict(_dict(result.get("breakdown")).get("models"))
    parts: list[tuple[str, dict[str, Any]]] = []
    for model, entry in models.items():
        metrics = _numbers(_dict(entry).get("metrics"))
        by_key = {k: _dict(v) for k, v in _dict(_dict(entry).get("api_key_breakdown")).items()}
        keyed = [
            (f".{model}.{key}", _numbers(v.get("metrics")) | {"model": model, "api_key": key} | _about(v))
            for key, v in by_key.items()
        ]
        if keyed and _close(metrics, _added(record for _, record in keyed)):
            parts += keyed
        else:
            parts.append((f".{model}", metrics | {"model": model}))
    whole = _numbers(result.get("metrics"))
    left = {m: _float(whole[m]) - _float(v) for m, v in _added(record for _, record in parts).items()}
    if not parts:
        yield "", whole
        return
    yield from parts
    if not all(abs(v) <= _SAME * max(1.0, abs(_float(whole[m]))) for m, v in left.items()):
        yield " less its models", {m: left[m] if whole[m] is not None else None for m in _METRICS}


def _about(entry: Mapping[str, Any]) -> dict[str, Any]:
    about = _dict(entry.get("metadata"))
    return {"key_alias": about.get("key_alias"), "team_id": about.get("team_id")}


def _numbers(metrics: Any) -> dict[str, Any]:
    return {m: _dict(metrics).get(m) for m in _METRICS}


def _added(records: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    listed = list(records)
    return {m: float(np.nansum([_float(r[m]) for r in listed])) for m in _METRICS}


def _close(whole: Mapping[str, Any], added: Mapping[str, float]) -> bool:
    return all(np.isclose(_float(whole[m]), added[m], rtol=_SAME, atol=_SAME) for m in _METRICS)


def _float(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _check_totals(name: str, page: Mapping[str, Any], about: Mapping[str, Any]) -> None:
    """A page's own totals are the sums of its days.

    Raises
    ------
    UsageError
        They are not: the page is cut, or was put together from others.
    """
    if _float(about.get("total_pages")) > 1:
        return  # totals may be of all pages
    added = _added(_numbers(_dict(r).get("metrics")) for r in page["results"])
    for metric, value in added.items():
        said = about.get(f"total_{metric}")
        if isinstance(said, int | float) and not np.isclose(said, value, rtol=_SAME, atol=_SAME):
            raise UsageError(
                f"{name}: the page says total_{metric} {said:,.6g}, and its days add up to {value:,.6g}; fetch it again"
            )
