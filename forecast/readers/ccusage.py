"""ccusage: its JSON of days, with or without projects; records go out, one a day and model.

Its classes of tokens are disjoint, and reasoning, where it is told, is inside output. What was written to a cache is
one count for both ages, and is taken as five minutes. Its costs are list prices that it worked out, not a bill, and one
of 0 is a price that it doesn't know. What a day's totals hold beyond its models is a record of its own: thoughts, or
the cost of a day of Codex, which no model is given. A day is one of the computer's time zone, and a day that is absent
is one without usage. Source: ccusage's JSON output (MIT).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pandas as pd

from forecast.errors import UsageError
from forecast.readers.contents import Content, Documents, Table
from forecast.readers.sheet import Extract, Sheet

NAME: Final = "ccusage"
TITLE: Final = "ccusage daily (JSON)"
#: ccusage's name of a class of tokens → the unit.
_CLASSES: Final = {
    "inputTokens": "input_tokens",
    "cacheReadTokens": "cache_read_tokens",
    "cacheCreationTokens": "cache_write_tokens",
    "outputTokens": "output_tokens",
}
_SELLERS: Final = {r"^claude": "anthropic", r"^(?:gpt|o\d|codex)": "openai", r"^gemini": "google"}
#: Costs are sums of doubles: less is no cost.
_NO_COST: Final = 1e-6


def fits(content: Content) -> bool:
    """Whether it is ccusage's list of days, or its lists of days by project."""
    values = content.values[:100] if isinstance(content, Documents) else ()
    days = (day for value in values for _, _, day in _days(value))
    return any({"date", "period"} & set(day) and set(day) >= {"inputTokens", "outputTokens"} for day in days) or any(
        isinstance(value, dict) and set(value) == {"daily", "totals"} and value["daily"] == [] for value in values
    )


def extract(content: Content) -> Iterator[Extract]:
    """The records of every day and model."""
    records, places = [], []
    if isinstance(content, Table):
        raise UsageError(f"{content.name}: is a table; export ccusage's days with --json")
    for line, value in zip(content.lines, content.values, strict=True):
        for place, project, day in _days(value):
            models = _models(day)
            named = {"date": day.get("date", day.get("period")), "project": project, "_page": line}
            for one in (*models, *_beyond(day, models)):
                held = {"_held": sum(_number(one.get(name)) for name in _CLASSES)}
                records.append(held | {k: v for k, v in one.items() if not isinstance(v, dict | list)} | named)
                places.append(f"line {line}, {place}, {one.get('_place', 'totals of the day')}")
    yield _extract(Sheet.of_records(content.name, records, places))


def _extract(sheet: Sheet) -> Extract:
    sheet.refuse(sheet.number("_least") < 0, "the day's models hold more than the day", *_CLASSES, "cost")
    cached = "cachedInputTokens"
    sheet.refuse(sheet.text(cached).notna(), f"{cached} is a field of another report: export ccusage daily", cached)
    days, model = sheet.days("date"), sheet.text("modelName")
    held, cost = sheet.number("_held"), sheet.number("cost")
    known = days.dropna()
    return sheet.extract(
        "day",
        {
            "date": days,
            "provider": _seller(model),
            "model": model,
            "project": sheet.text("project"),
            **{unit: sheet.count(name) for name, unit in _CLASSES.items()},
            "reasoning_tokens": _reasoning(sheet),
            "list_cost": cost.mask((cost == 0) & (held > 0)),
            "currency": "USD",
            "charge_category": "usage",
        },
        held={"tokens": held, "list_cost": cost},
        part=sheet.frame.get("_page"),
        covered=((known.min(), known.max() + pd.Timedelta(days=1)),) if len(known) else (),
    )


def _days(value: Any) -> Iterator[tuple[str, str | None, dict[str, Any]]]:
    """Where each day stands, whose it is, and the day."""
    if not isinstance(value, dict):
        return
    projects = value.get("projects")
    lists = [("daily", None, value.get("daily"))]
    lists += (
        [(f"projects.{name}", name, those) for name, those in projects.items()] if isinstance(projects, dict) else []
    )
    for where, project, those in lists:
        for i, day in enumerate(those if isinstance(those, list) else []):
            if isinstance(day, dict):
                yield f"{where}[{i}]", project, day


def _models(day: dict[str, Any]) -> list[dict[str, Any]]:
    """What each model used, and where it stands: in a list, or in a report on Codex under the models' names."""
    listed, named = day.get("modelBreakdowns"), day.get("models")
    if isinstance(listed, list):
        return [one | {"_place": f"modelBreakdowns[{i}]"} for i, one in enumerate(listed) if isinstance(one, dict)]
    found = named.items() if isinstance(named, dict) else ()
    return [one | {"_place": f"models.{name}", "modelName": name} for name, one in found if isinstance(one, dict)]


def _reasoning(sheet: Sheet) -> pd.Series:
    reasoning, output = sheet.count("reasoningOutputTokens"), sheet.count("outputTokens")
    sheet.within(reasoning, output, "reasoning is above all output", "outputTokens", "reasoningOutputTokens")
    return reasoning


def _beyond(day: dict[str, Any], models: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A record of what the day's own totals hold beyond its models; none where they agree."""
    said = {name: day.get(name) for name in (*_CLASSES, "totalTokens", "totalCost", "cachedInputTokens")}
    said["totalCost"] = day.get("costUSD") if said["totalCost"] is None else said["totalCost"]
    wrong = next((v for v in said.values() if v is not None and not isinstance(v, int | float)), None)
    used = day.get("modelsUsed", list(day["models"]) if isinstance(day.get("models"), dict) else None)
    model = used[0] if isinstance(used, list) and len(used) == 1 else None
    if wrong is not None:
        yield {"modelName": model, "inputTokens": wrong}
        return
    whole = {name: _number(said[name]) for name in _CLASSES}
    rest = {name: whole[name] - sum(_number(one.get(name)) for one in models) for name in _CLASSES}
    if said["totalTokens"] is not None:  # thoughts are in a day's total only
        rest["outputTokens"] += _number(said["totalTokens"]) - sum(whole.values())
    thought = {"reasoningOutputTokens": 0.0} if "reasoningOutputTokens" in day else {}
    cost = _number(said["totalCost"]) - sum(_number(one.get("cost")) for one in models)
    if any(rest.values()) or abs(cost) > _NO_COST:
        least = min(*rest.values(), 0.0 if abs(cost) <= _NO_COST else cost)
        money = None if said["totalCost"] is None else cost
        yield {
            "modelName": model,
            **rest,
            **thought,
            "cost": money,
            "_least": least,
            "cachedInputTokens": said["cachedInputTokens"],
        }


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _seller(model: pd.Series) -> pd.Series:
    """Whose model it is, as its name says; null where it doesn't."""
    seller = pd.Series(None, index=model.index, dtype="object")
    for begins, name in _SELLERS.items():
        seller = seller.mask(model.str.contains(begins, regex=True, na=False), name)
    return seller
