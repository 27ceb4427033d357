"""Unit economics. Comes in: usage, prices, what is known of quality, capacity and limits. Goes out: one tidy table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from forecast import schema
from forecast.panel import FloatArray
from forecast.periods import MONTH_DAYS
from forecast.prices import PriceBook
from forecast.unit_economics import capacity as capacities
from forecast.unit_economics.costs import VALUES, UnitRows, ratio, tidy, total, unit_rows
from forecast.unit_economics.quality import task_costs
from forecast.usage import Usage

#: Whole weeks (or months) with requests that a trend needs.
LEAST_STEPS: Final = 4
_MILLION: Final = 1_000_000


def unit_metrics(
    usage: Usage,
    prices: PriceBook | None = None,
    *,
    by: str | Sequence[str] = ("provider", "model"),
    period: str | None = "ME",
    quality: pd.DataFrame | None = None,
    capacity: pd.DataFrame | None = None,
    limits: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The unit economics of usage, as one tidy table: what a unit costs, how it is used, and how full capacity is.

    Every ratio is a ratio of sums, over the rows in which both parts are known, never a mean of ratios. What is unknown
    is null, never 0. Rows of usage alone: credits, refunds, taxes and purchases are not in unit costs.

    ============================ ================================================================================
    metric                       value
    ============================ ================================================================================
    cost, requests, tokens       sums
    cost_per_million_tokens      1,000,000 · cost / tokens: effective cost per token
    cost_per_request             cost / requests
    tokens_per_request           tokens / requests
    cache_hit_share              cache reads / (input + cache reads + cache writes)
    batch_share                  tokens of the batch tier / tokens of rows whose tier is known
    reasoning_share              reasoning tokens / output tokens
    request_trend                median slope of log weekly requests (Theil-Sen), % a month; told at the last period
    provisioned_utilisation      tokens of the provisioned tier / what the throughput bought would carry
    gpu_utilisation              busy GPU hours / GPU hours paid for
    peak, p99, needed, headroom  of requests and tokens a minute, against rate limits
    cost_per_successful_task     cost / (tasks · success rate)
    cost_per_accuracy_point      cost / (tasks · 100 · accuracy)
    ============================ ================================================================================

    Parameters
    ----------
    usage : Usage
    prices : PriceBook, optional
        For usage without a bill; money is billed cost where the usage has it.
    by : sequence of str
        What groups are told by: columns of the usage.
    period : str or None
        ``D``, ``W``, ``MS``, ``ME``, ``QS``, ``QE``, ``YS`` or ``YE``; None is the whole span, told at its last date.
    quality : DataFrame, optional
        Some of the ``by`` columns (``model``), ``success_rate`` and/or ``accuracy`` (shares); with ``date`` and all of
        ``by``, also ``tasks``. Without ``tasks`` a request is a task.
    capacity : DataFrame, optional
        The ``by`` columns and ``tokens_per_minute`` bought (``valid_from`` and ``valid_to``, both included), or
        ``busy_gpu_hours`` by ``date``.
    limits : DataFrame, optional
        For hourly usage: the ``by`` columns, ``requests_per_minute`` and/or ``tokens_per_minute``, and optionally
        ``percentile`` (of hours that capacity should carry, 99) and ``burst`` (busiest minute over its hour's mean, 1).

    Returns
    -------
    DataFrame
        ``metric``, ``unit``, the ``by`` columns, ``period`` (label of the alias: first or last day), ``value``,
        ``numerator``, ``denominator`` and ``basis`` (where the money comes from, or what was assumed).

    Raises
    ------
    UsageError
        A column is missing or holds no numbers, or limits are asked of usage that isn't hourly.

    Source: FinOps Foundation, FinOps Framework, capability "Unit Economics"; billed and list cost as in FOCUS 1.2.
    The trend: H. Theil (1950), P. K. Sen (1968), doi:10.1080/01621459.1968.10480934.
    """
    rows = unit_rows(usage, prices, (by,) if isinstance(by, str) else tuple(by), period)
    money, parts = rows.currency, _parts(rows)
    tables = [
        total(rows, "cost", money, rows.cost, basis=rows.basis),
        total(rows, "requests", "requests", rows.requests),
        total(rows, "tokens", "tokens", rows.tokens),
        ratio(
            rows,
            "cost_per_million_tokens",
            f"{money}/1M tokens",
            rows.cost,
            rows.tokens,
            scale=_MILLION,
            basis=rows.basis,
        ),
        ratio(rows, "cost_per_request", f"{money}/request", rows.cost, rows.requests, basis=rows.basis),
        ratio(rows, "tokens_per_request", "tokens/request", rows.tokens, rows.requests),
        ratio(rows, "cache_hit_share", "share", parts["cache_read"], parts["read"]),
        ratio(rows, "batch_share", "share", parts["batch"], parts["tiered"]),
        ratio(rows, "reasoning_share", "share", parts["reasoning"], parts["output"]),
        _trend(rows, usage.grain),
    ]
    tables += [] if capacity is None else capacities.utilisation(rows, capacity)
    tables += [] if limits is None else capacities.peaks(rows, limits, usage.grain)
    tables += [] if quality is None else task_costs(rows, quality)
    columns = ["metric", "unit", *rows.by, "period", *VALUES]
    return pd.concat([table[columns].astype({"basis": "str"}) for table in tables], ignore_index=True)


def _parts(rows: UnitRows) -> dict[str, FloatArray]:
    """Numerators and denominators of shares, each float array (row,), nan where unknown."""
    frame = rows.frame
    unknown = np.full(len(frame), np.nan)

    def column(name: str) -> FloatArray:
        return frame[name].to_numpy(dtype="float64") if name in frame else unknown

    writes = [u for u in ("cache_write_tokens", "cache_write_1h_tokens") if u in frame]
    write = frame[writes].sum(axis=1).to_numpy(dtype="float64") if writes else np.zeros(len(frame))
    cached = column("cache_read_tokens")
    tier = frame["service_tier"] if "service_tier" in frame else pd.Series(None, index=frame.index, dtype="str")
    tiered = np.where(tier.notna(), rows.tokens, np.nan)
    return {
        "cache_read": cached,
        "read": column("input_tokens") + cached + write,
        "batch": np.where(tier == "batch", tiered, np.where(np.isnan(tiered), np.nan, 0.0)),
        "tiered": tiered,
        "reasoning": column("reasoning_tokens"),
        "output": column("output_tokens"),
    }


def _trend(rows: UnitRows, grain: str) -> pd.DataFrame:
    """Requests' trend of each group over the whole usage, per cent a month; a row a group, at its last period."""
    dates = rows.frame[schema.DATE]
    step = dates.dt.to_period("M" if grain == "month" else "W-SUN").dt.start_time
    table = rows.frame[[*rows.by, "_period"]].assign(_step=step, _requests=rows.requests)
    if grain != "month":  # a week that the usage holds a part of is no week
        whole = (step >= dates.min().normalize()) & (step + pd.Timedelta(days=6) <= dates.max().normalize())
        table["_requests"] = table["_requests"].where(whole)
    found = []
    for name, own in table.groupby(list(rows.by), dropna=False, sort=True) if rows.by else [((), table)]:
        sums = own.groupby("_step")["_requests"].sum(min_count=1)
        sums = sums[sums > 0]
        days = (pd.DatetimeIndex(sums.index) - pd.Timestamp(0)) / pd.Timedelta(days=1)
        slope = median_slope(np.asarray(days, dtype="float64"), np.log(sums.to_numpy(dtype="float64")))
        row = dict(zip(rows.by, name, strict=True)) | {"_period": own["_period"].max()}
        found.append(row | {"value": 100 * np.expm1(MONTH_DAYS * slope), "numerator": np.nan, "denominator": np.nan})
    steps = "months" if grain == "month" else "whole weeks"
    return tidy(rows, pd.DataFrame(found), "request_trend", "% a month", f"median slope of {steps}")


def median_slope(x: FloatArray, y: FloatArray) -> float:
    """The median of the slopes of all pairs of points (Theil-Sen); nan of fewer than four points."""
    if len(x) < LEAST_STEPS:
        return float("nan")
    i, j = np.triu_indices(len(x), 1)
    return float(np.median((y[j] - y[i]) / (x[j] - x[i])))
