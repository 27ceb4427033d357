"""Capacity against use. Comes in: rows of usage, what was bought or allowed. Goes out: utilisation, peaks, headroom.

A rate limit holds within a minute, and hourly usage tells only the mean of an hour: ``burst`` says how many times that
mean the busiest minute of an hour is (1 where it isn't given).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from forecast import schema
from forecast.errors import UsageError
from forecast.panel import FloatArray
from forecast.unit_economics.costs import UnitRows, key_columns, numbers, periods_of, tidy

_MINUTES: Final = {"hour": 60.0, "day": 1440.0}
#: The percentile that capacity is sized for, where limits don't say.
PERCENTILE: Final = 99.0
#: What capacity and limits are told in, and what they are called.
TOKENS_PER_MINUTE: Final = "tokens_per_minute"
REQUESTS_PER_MINUTE: Final = "requests_per_minute"
BUSY: Final = "busy_gpu_hours"


def utilisation(rows: UnitRows, capacity: pd.DataFrame) -> list[pd.DataFrame]:
    """Utilisation of provisioned throughput and of GPUs: used over paid for.

    Parameters
    ----------
    rows : UnitRows
    capacity : DataFrame
        The ``by`` columns; and ``tokens_per_minute`` bought (from ``valid_from`` to ``valid_to``, both included and
        optional), or ``busy_gpu_hours`` by ``date``.

    Raises
    ------
    UsageError
        A column is missing, or holds no numbers.
    """
    what = "capacity"
    key_columns(capacity, rows, what, every=True)
    if TOKENS_PER_MINUTE not in capacity and BUSY not in capacity:
        raise UsageError(f"{what}: there is neither {TOKENS_PER_MINUTE!r} nor {BUSY!r} among {_listed(capacity)}")
    out = [_throughput(rows, capacity)] if TOKENS_PER_MINUTE in capacity else []
    return out + ([_gpus(rows, capacity)] if BUSY in capacity else [])


def _throughput(rows: UnitRows, capacity: pd.DataFrame) -> pd.DataFrame:
    """Tokens of the provisioned tier over what the throughput bought would have carried."""
    frame = rows.frame
    bought = numbers(capacity, TOKENS_PER_MINUTE, "capacity")
    days = _days(rows)
    labels = periods_of(pd.Series(days), rows.period)
    parts = []
    since, until = (_dates(capacity, c) for c in ("valid_from", "valid_to"))
    for i in np.flatnonzero(bought > 0):
        held = (since.iloc[i] <= days) | pd.isna(since.iloc[i])
        held &= (days <= until.iloc[i]) | pd.isna(until.iloc[i])
        own = {c: capacity[c].iloc[i] for c in rows.by}
        parts.append(pd.DataFrame({**own, "_period": labels[held], "denominator": bought[i] * _MINUTES["day"]}))
    if not parts:
        raise UsageError(f"capacity: no row of {TOKENS_PER_MINUTE!r} is above 0")
    keys = [*rows.by, "_period"]
    carried = pd.concat(parts).groupby(keys, dropna=False, sort=True)["denominator"].sum().reset_index()
    provisioned = np.ones(len(frame), dtype=bool)
    if "service_tier" in frame and (frame["service_tier"] == "provisioned").any():
        provisioned = (frame["service_tier"] == "provisioned").to_numpy()
    used = frame[keys].assign(numerator=np.where(provisioned, rows.tokens, np.nan))
    used = used.groupby(keys, dropna=False, sort=True)["numerator"].sum(min_count=1).reset_index()
    both = _outer(carried, used, keys, "left")
    basis = "tokens of the provisioned tier" if not provisioned.all() else "all tokens"
    table = both.assign(value=both["numerator"] / both["denominator"])
    return tidy(rows, table, "provisioned_utilisation", "share", basis)


def _gpus(rows: UnitRows, capacity: pd.DataFrame) -> pd.DataFrame:
    """Busy hours over hours paid for, of the dates on which busy hours are known."""
    if schema.DATE not in capacity or "gpu_hours" not in rows.frame:
        missing = (
            "capacity: there is no column 'date'" if schema.DATE not in capacity else "usage: there are no gpu_hours"
        )
        raise UsageError(f"{missing}: GPU hours paid for and {BUSY} are compared day by day")
    keys = [*rows.by, "_date"]
    busy = capacity.assign(
        _date=_dates(capacity, schema.DATE).dt.normalize(), numerator=numbers(capacity, BUSY, "capacity")
    )
    busy = busy.groupby(keys, dropna=False)["numerator"].sum(min_count=1).reset_index()
    paid = rows.frame.assign(_date=rows.frame[schema.DATE].dt.normalize())
    paid = paid.groupby(keys, dropna=False)["gpu_hours"].sum(min_count=1).reset_index()
    both = _outer(busy, paid, keys, "left").dropna(subset=["numerator", "gpu_hours"])
    both = both.assign(_period=periods_of(both["_date"], rows.period))
    sums = both.groupby([*rows.by, "_period"], dropna=False)[["numerator", "gpu_hours"]].sum().reset_index()
    sums = sums.rename(columns={"gpu_hours": "denominator"})
    value = sums["numerator"] / sums["denominator"].where(sums["denominator"] > 0)
    return tidy(rows, sums.assign(value=value), "gpu_utilisation", "share", "busy GPU hours of hours paid for")


def peaks(rows: UnitRows, limits: pd.DataFrame, grain: str) -> list[pd.DataFrame]:
    """Peak hours against rate limits: the peak, a percentile, the headroom, and the capacity that is needed.

    Parameters
    ----------
    rows : UnitRows
        Of hourly usage; hours of its span without a row count as 0.
    limits : DataFrame
        The ``by`` columns, ``requests_per_minute`` and/or ``tokens_per_minute``, and optionally ``percentile`` (of
        hours, 99) and ``burst`` (busiest minute over the mean of its hour, 1).

    Raises
    ------
    UsageError
        The usage is not hourly, a column is missing, or a group stands twice.
    """
    if grain != "hour":
        raise UsageError(
            f"limits: usage by {grain} does not tell its peak hours; read an hourly export, or leave out limits="
        )
    key_columns(limits, rows, "limits", every=True)
    twice = (
        limits.duplicated(list(rows.by)) if rows.by else pd.Series(limits.index > limits.index[0], index=limits.index)
    )
    if twice.any():
        raise UsageError(f"limits: {int(twice.sum())} rows repeat the group of an earlier one; give each group one row")
    kinds = [c for c in (REQUESTS_PER_MINUTE, TOKENS_PER_MINUTE) if c in limits]
    if not kinds:
        raise UsageError(
            f"limits: there is neither {REQUESTS_PER_MINUTE!r} nor {TOKENS_PER_MINUTE!r} among {_listed(limits)}"
        )
    share = (
        numbers(limits, "percentile", "limits", high=100.0)
        if "percentile" in limits
        else np.full(len(limits), PERCENTILE)
    )
    burst = numbers(limits, "burst", "limits") if "burst" in limits else np.ones(len(limits))
    frame = rows.frame
    hours = pd.Series(pd.date_range(frame[schema.DATE].min(), frame[schema.DATE].max(), freq="h"))
    labels = periods_of(hours, rows.period).to_numpy()
    out = []
    for kind in kinds:
        amount = rows.requests if kind == REQUESTS_PER_MINUTE else rows.tokens
        allowed = numbers(limits, kind, "limits")
        for i in range(len(limits)):
            own = np.ones(len(frame), dtype=bool)
            for column in rows.by:
                name = limits[column].iloc[i]
                own &= (frame[column].isna() if pd.isna(name) else frame[column] == name).to_numpy()
            known = own & ~np.isnan(amount)
            rate = _by_hour(frame[schema.DATE][known], amount[known], hours) * burst[i] / _MINUTES["hour"]
            group = {c: limits[c].iloc[i] for c in rows.by}
            out += _peak_rows(
                rows, kind, group, labels, rate if known.any() else np.full(len(hours), np.nan), allowed[i], share[i]
            )
    return out


def _by_hour(dates: pd.Series, amount: FloatArray, hours: pd.Series) -> FloatArray:
    """Sums by hour, 0 where there is no row: float array (hour,)."""
    sums = pd.Series(amount, index=pd.DatetimeIndex(dates)).groupby(level=0).sum()
    return np.asarray(sums.reindex(pd.DatetimeIndex(hours), fill_value=0.0), dtype="float64")


def _peak_rows(
    rows: UnitRows,
    kind: str,
    group: dict[str, object],
    labels: np.ndarray,
    rate: FloatArray,
    allowed: float,
    percentile: float,
) -> list[pd.DataFrame]:
    """The metrics of one group and one kind of limit, a row a period."""
    unit = kind.replace("_per_", "/")
    found = []
    for label in np.unique(labels):
        own = rate[labels == label]
        peak, high, needed = float(own.max()), float(np.quantile(own, 0.99)), float(np.quantile(own, percentile / 100))
        base = {**group, "period": label, "numerator": np.nan, "denominator": np.nan}
        told = f"mean of the hour; {len(own)} hours"
        found += [
            {**base, "metric": f"peak_{kind}", "unit": unit, "value": peak, "basis": told},
            {**base, "metric": f"p99_{kind}", "unit": unit, "value": high, "basis": told},
            {
                **base,
                "metric": f"headroom_{kind}",
                "unit": "share",
                "value": 1 - peak / allowed if allowed > 0 else np.nan,
                "numerator": allowed - peak,
                "denominator": allowed,
                "basis": "of the limit, at the peak hour",
            },
            {
                **base,
                "metric": f"needed_{kind}",
                "unit": unit,
                "value": needed,
                "basis": f"carries {percentile:g} % of hours",
            },
        ]
    return [pd.DataFrame(found)]


def _days(rows: UnitRows) -> pd.DatetimeIndex:
    dates = rows.frame[schema.DATE]
    return pd.date_range(dates.min().normalize(), dates.max().normalize(), freq="D")


def _dates(table: pd.DataFrame, column: str) -> pd.Series:
    if column not in table:
        return pd.Series(pd.NaT, index=table.index)
    found = pd.to_datetime(table[column], errors="coerce")
    wrong = found.isna() & table[column].notna()
    if wrong.any():
        raise UsageError(
            f"capacity: column {column!r} holds {table[column][wrong].iloc[0]!r}; give dates as 2026-01-31"
        )
    return found


def _outer(left: pd.DataFrame, right: pd.DataFrame, keys: list[str], how: str) -> pd.DataFrame:
    """Merged by keys of which nulls are equal."""
    return left.merge(right, how=how, on=keys)  # type: ignore[arg-type]


def _listed(table: pd.DataFrame) -> str:
    return ", ".join(map(str, table.columns))
