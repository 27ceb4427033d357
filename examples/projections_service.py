"""Projections of spend for another tool: one typed function, and a FastAPI application around it.

    uvicorn --app-dir examples projections_service:app

``POST /usage`` takes an export of any format that is known and answers with its id; ``GET /usage/{id}/projection``
tells what will be spent. Both answer with typed results, or with 422 and the library's own words.
"""

from __future__ import annotations

import datetime as dt
import tempfile
import threading
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

import forecast as fc
import scenarios as sc

MOST_BYTES = 50 << 20
KEPT = 32  # exports, and projections, that are kept in memory

Money = Annotated[float, Field(description="money in `currency`", json_schema_extra={"unit": "currency"})]


class MonthOfSpend(BaseModel):
    """One month; its P10, P50 and P90 are its own, and don't add up to those of the whole."""

    model_config = ConfigDict(frozen=True)

    month: Annotated[str, Field(description="calendar month, such as 2027-01", pattern=r"^\d{4}-\d{2}$")]
    p10: Money
    p50: Money
    p90: Money
    budget: Annotated[float, Field(description="the month's part of the budget; months add up", ge=0)]


class SpendProjection(BaseModel):
    """What will be spent from ``start`` to ``end``, both days in it."""

    model_config = ConfigDict(frozen=True)

    currency: Annotated[str, Field(description="ISO 4217 code of every amount")]
    as_of: Annotated[dt.date, Field(description="last day of the usage that is taken as complete")]
    start: dt.date
    end: dt.date
    p10: Money
    p50: Money
    p90: Money
    budget: Annotated[float, Field(description="the total's quantile at `confidence`, in `currency`", ge=0)]
    confidence: Annotated[float, Field(description="share of futures in which the budget lasts, 0 to 1")]
    months: tuple[MonthOfSpend, ...]
    fingerprint: Annotated[str, Field(description="the same plan has the same one")]
    notes: tuple[str, ...] = ()


class Received(BaseModel):
    """An export that was read."""

    model_config = ConfigDict(frozen=True)

    id: Annotated[str, Field(description="hash of its content: the same export has the same id")]
    rows: Annotated[int, Field(description="rows, one a period and key", ge=1)]
    start: dt.date
    end: dt.date
    models: tuple[str, ...]
    notes: Annotated[tuple[str, ...], Field(description="what the reader assumed or left out")]


def project_spend(
    usage: fc.Usage, *, horizon: str = "1Q", confidence: float = 0.80, draws: int = 2_000, seed: int = 0
) -> SpendProjection:
    """What will be spent, at list prices and as forecast: the one call that another tool needs.

    Raises
    ------
    forecast.TokenplanError
        The usage can't be planned; the message says why, and what would do.
    """
    plan = sc.plan(fc.project(usage, horizon=horizon, seed=seed), confidence=confidence, draws=draws, seed=seed)
    months = plan.table("month").reset_index()[["month", "p10", "p50", "p90", "budget"]]
    told = plan.assumptions
    return SpendProjection(
        currency=plan.currency,
        as_of=plan.projection.as_of.date(),
        start=plan.projection.span.start.date(),
        end=plan.projection.span.end.date(),
        p10=plan.quantile(0.10),
        p50=plan.quantile(0.50),
        p90=plan.quantile(0.90),
        budget=plan.budget,
        confidence=plan.confidence,
        months=tuple(
            MonthOfSpend(month=str(month), p10=p10, p50=p50, p90=p90, budget=budget)
            for month, p10, p50, p90, budget in months.itertuples(index=False, name=None)
        ),
        fingerprint=plan.fingerprint,
        notes=tuple(told.loc[told["topic"] == "note", "assumption"]),
    )


def read_body(body: bytes, name: str) -> fc.Usage:
    """Usage from the bytes of an export; ``name`` ends as the file does, such as ``usage.csv`` or ``costs.json.gz``."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / Path(name).name
        path.write_bytes(body)
        try:
            usage = fc.read_usage(path)
        except fc.UsageError as error:
            raise fc.UsageError(str(error).replace(str(path), path.name)) from error
    notes = tuple(note.replace(str(path), path.name) for note in usage.notes)
    return replace(usage, source=path.name, notes=notes)


def application() -> FastAPI:
    """The application, with what it keeps: nothing is global."""
    service = FastAPI(title="Projections of LLM spend", version="1")
    exports: dict[str, fc.Usage] = {}  # the last KEPT, by the hash of their content
    lock = threading.Lock()
    projected = lru_cache(KEPT)(project_spend)  # by the export and its arguments; safe in threads

    def keep(usage: fc.Usage) -> str:
        """Keep an export; one of the same content stays, and its projections with it."""
        with lock:
            exports.setdefault(usage.sha256, usage)
            while len(exports) > KEPT:
                del exports[next(iter(exports))]
        return usage.sha256

    @service.exception_handler(fc.TokenplanError)
    def told(request: Request, error: Exception) -> JSONResponse:
        return JSONResponse({"detail": str(error), "kind": type(error).__name__}, status_code=422)

    @service.post("/usage", status_code=201)
    async def receive(
        request: Request,
        name: Annotated[str, Query(description="the export's file name", max_length=200)] = "usage.csv",
    ) -> Received:
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > MOST_BYTES:
                raise HTTPException(413, f"the export has more than {MOST_BYTES >> 20} MB")
        usage = await run_in_threadpool(read_body, bytes(body), name)
        return Received(
            id=keep(usage),
            rows=len(usage.frame),
            start=usage.start.date(),
            end=usage.end.date(),
            models=tuple(sorted(usage.frame["model"].dropna().unique())),
            notes=usage.notes,
        )

    @service.get("/usage/{id}/projection")
    def projection(
        id: str,  # noqa: A002 - the name in the path
        horizon: Annotated[str, Query(description="2Q, 3M, 90D, 2027Q1 or FY2027")] = "1Q",
        confidence: Annotated[float, Query(ge=0.5, lt=1)] = 0.80,
        seed: Annotated[int, Query(ge=0, lt=2**32)] = 0,
    ) -> SpendProjection:
        usage = exports.get(id)
        if usage is None:
            raise HTTPException(404, "no export of this id is kept: post it to /usage first")
        return projected(usage, horizon=horizon, confidence=confidence, seed=seed)

    return service


app = application()
