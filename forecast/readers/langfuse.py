"""Langfuse: pages of its daily metrics come in; records of generations go out, one a day and model.

Input is every count whose name has "input" in it, and with it what was read from or written to a cache under such a
name: the metrics don't tell it apart. ``totalUsage`` may hold tokens beyond input and output, whose names have neither
word. A model of which that is so is read as tokens of all kinds, as its parts are not known. Costs are worked out by
Langfuse from list prices, and one of 0 is a price that it doesn't know. Only days with data are present. Source: the
public API's reference, and its query of daily metrics (MIT).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pandas as pd

from forecast.errors import UsageError
from forecast.readers.contents import Content, Documents, Table
from forecast.readers.sheet import FIRST_DAY, Extract, Page, Sheet

NAME: Final = "langfuse"
TITLE: Final = "Langfuse daily metrics (JSON)"
#: What an empty page says of itself.
_META: Final = {"page", "limit", "totalItems", "totalPages"}
_INSIDE: Final = "input_tokens may hold those of caches: the metrics don't tell them apart"
#: A day's cost is the sum of its models' in doubles: less is no difference.
_NO_COST: Final = 1e-6


def fits(content: Content) -> bool:
    """Whether it is a page of days with their traces and usage."""
    values = content.values[:100] if isinstance(content, Documents) else ()
    pages = [page for value in values for page in _pages(value)]
    return any({"date", "countTraces", "usage"} <= set(day) for page in pages for day in _of(page["data"])) or any(
        page["data"] == [] and isinstance(page.get("meta"), dict) and set(page["meta"]) == _META for page in pages
    )


def extract(content: Content) -> Iterator[Extract]:
    """The records of every day and model."""
    if isinstance(content, Table):
        raise UsageError(f"{content.name}: is a table; export Langfuse's daily metrics as JSON")
    records, places, pages, days = [], [], [], []
    for line, value in zip(content.lines, content.values, strict=True):
        for number, page in enumerate(_pages(value)):
            pages.append(_page(page))
            days += _of(page["data"])
            for i, day in enumerate(_of(page["data"])):
                for j, one in enumerate(_of(day.get("usage"))):
                    records.append(one | {"date": day.get("date"), "_page": f"{line}/{number}"})
                    places.append(f"page {line + number}, data[{i}].usage[{j}]")
    sheet = Sheet.of_records(content.name, records, places)
    sheet.notes += _differing(days)
    yield _extract(sheet, tuple(pages), _covered(days))


def _extract(sheet: Sheet, pages: tuple[Page, ...], covered: tuple[tuple[pd.Timestamp, pd.Timestamp], ...]) -> Extract:
    if len(sheet):
        sheet.need("model", "inputUsage", "outputUsage", "totalUsage", "countObservations", "totalCost")
        sheet = _used(sheet)
    days, model = sheet.days("date"), sheet.text("model")
    read, output, whole = (sheet.count(f"{name}Usage") for name in ("input", "output", "total"))
    cost, requests = sheet.number("totalCost"), sheet.count("countObservations").where(model.notna())
    parts = read.fillna(0.0) + output.fillna(0.0)
    held = whole.where(whole > parts, parts)
    sound = ~sheet.frame.index.isin(list(sheet.wrong))
    unsplit = ((held > parts) & sound).groupby(model.fillna("")).transform("any").astype("bool")
    if unsplit.any():
        names = ", ".join(sorted(set(model[unsplit].fillna("(no model)"))))
        sheet.notes.append(f"tokens of caches or reasoning are in the totals of {names}: read as tokens of all kinds")
    if not unsplit.all():
        sheet.notes.append(_INSIDE)
    return sheet.extract(
        "day",
        {
            "date": days,
            "model": model,
            "requests": requests,
            "input_tokens": read.mask(unsplit),
            "output_tokens": output.mask(unsplit),
            "total_tokens": held.where(unsplit),
            "list_cost": cost.mask((cost == 0) & (held > 0)),
            "currency": "USD",
            "charge_category": "usage",
        },
        held={"requests": requests, "tokens": held, "list_cost": cost},
        part=sheet.frame.get("_page"),
        pages=pages,
        covered=covered,
    )


def _covered(days: list[dict[str, Any]]) -> tuple[tuple[pd.Timestamp, pd.Timestamp], ...]:
    """From the first day to the last, those without usage too. Langfuse writes 1970 where a day has traces alone."""
    told = pd.Series([str(day.get("date")) for day in days], dtype="str")
    at = pd.to_datetime(told, format="ISO8601", errors="coerce", utc=True).dt.tz_localize(None)
    known = at[at >= FIRST_DAY].dt.normalize()
    return ((known.min(), known.max() + pd.Timedelta(days=1)),) if len(known) else ()


def _differing(days: list[dict[str, Any]]) -> list[str]:
    """A note of days whose own count or cost is not that of their models: the page was cut, or changed by hand."""
    told: dict[str, str] = {}
    for day in days:
        for name, near in (("countObservations", 0.0), ("totalCost", _NO_COST)):
            own, total = day.get(name), sum(_number(one.get(name)) for one in _of(day.get("usage")))
            if isinstance(own, int | float) and abs(own - total) > near:
                told.setdefault(str(day.get("date")), f"{name} {own:,.6g}, of its models {total:,.6g}")
    if not told:
        return []
    date, one = next(iter(told.items()))
    many = f"{len(told)} days say" if len(told) > 1 else "1 day says"
    return [f"{many} other sums than their models add up to, such as {date}: {one}; fetch it again"]


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _used(sheet: Sheet) -> Sheet:
    """The sheet without what is no generation: spans and events, which have no model, no tokens and no cost."""
    nothing = sheet.text("model").isna()
    for name in ("inputUsage", "outputUsage", "totalUsage", "totalCost"):
        nothing &= sheet.text(name).fillna("0").isin(["0", "0.0"])
    return sheet.only(~nothing) if nothing.any() else sheet


def _pages(value: Any) -> list[dict[str, Any]]:
    """The pages in one document: a page, or a list of pages."""
    listed = value if isinstance(value, list) else [value]
    return [page for page in listed if isinstance(page, dict) and isinstance(page.get("data"), list)]


def _of(value: Any) -> list[dict[str, Any]]:
    """The objects of a list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _page(page: dict[str, Any]) -> Page:
    meta = page.get("meta")
    number, of = (meta.get(name) for name in ("page", "totalPages")) if isinstance(meta, dict) else (None, None)
    whole = isinstance(number, int) and isinstance(of, int)
    return Page("daily metrics", number=number if whole else None, of=of if whole else None)
