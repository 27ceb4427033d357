"""Langfuse: pages of its daily metrics come in; records of generations go out, one a day and model.

``totalUsage`` may hold tokens beyond input and output: those of caches and reasoning, which the metrics don't name. A
model of which that is so is read as tokens of all kinds, as its parts are not known. Costs are worked out by Langfuse
from list prices, and one of 0 is a price that it doesn't know. Only days with data are present. Source: the public
API's reference, and its query of daily metrics (MIT).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pandas as pd

from forecast.errors import UsageError
from forecast.readers.contents import Content, Documents, Table
from forecast.readers.sheet import Extract, Page, Sheet

NAME: Final = "langfuse"
TITLE: Final = "Langfuse daily metrics (JSON)"


def fits(content: Content) -> bool:
    """Whether it is a page of days with their traces and usage."""
    pages = (page for value in content.values[:100] for page in _pages(value)) if isinstance(content, Documents) else ()
    return any({"date", "countTraces", "usage"} <= set(day) for page in pages for day in _of(page["data"]))


def extract(content: Content) -> Iterator[Extract]:
    """The records of every day and model."""
    if isinstance(content, Table):
        raise UsageError(f"{content.name}: is a table; export Langfuse's daily metrics as JSON")
    records, places, pages = [], [], []
    for line, value in zip(content.lines, content.values, strict=True):
        for number, page in enumerate(_pages(value)):
            pages.append(_page(page))
            for i, day in enumerate(_of(page["data"])):
                for j, one in enumerate(_of(day.get("usage"))):
                    records.append(one | {"date": day.get("date"), "_page": f"{line}/{number}"})
                    places.append(f"page {line + number}, data[{i}].usage[{j}]")
    yield _extract(Sheet.of_records(content.name, records, places), tuple(pages))


def _extract(sheet: Sheet, pages: tuple[Page, ...]) -> Extract:
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
    known = days.dropna()
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
        covered=((known.min(), known.max() + pd.Timedelta(days=1)),) if len(known) else (),
    )


def _used(sheet: Sheet) -> Sheet:
    """The sheet without what is no generation: spans and events, which have no model, no tokens and no cost."""
    nothing = sheet.text("model").isna()
    for name in ("inputUsage", "outputUsage", "totalUsage", "totalCost"):
        nothing &= sheet.text(name).fillna("0").isin(["0", "0.0"])
    return sheet.only(~nothing) if nothing.any() else sheet


def _pages(value: Any) -> list[dict[str, Any]]:
    """The pages in one document: a page, or a list of pages."""
    return [page for page in (value if isinstance(value, list) else [value]) if _of(page, "data")]


def _of(value: Any, name: str | None = None) -> list[dict[str, Any]]:
    """The objects of a list, or of the list that an object bears under a name."""
    if name is not None:
        value = value.get(name) if isinstance(value, dict) else None
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _page(page: dict[str, Any]) -> Page:
    meta = page.get("meta")
    number, of = (meta.get(name) for name in ("page", "totalPages")) if isinstance(meta, dict) else (None, None)
    whole = isinstance(number, int) and isinstance(of, int)
    return Page("daily metrics", number=number if whole else None, of=of if whole else None)
