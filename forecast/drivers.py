"""Usage into drivers. Comes in: the canonical table. Goes out: volume, mix and intensity, one column a series.

For workload w, route m, unit k on day t: quantity = volume[t,w] * mix[t,w,m] * intensity[t,w,m,k].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecast import schema
from forecast.errors import ModelError, UsageError, one_of
from forecast.panel import FloatArray, IntArray
from forecast.usage import Usage
from forecast.usage_rows import SPEND, money_apart, pooled_rows, quantities_of, usage_rows, without_zeros

_BESIDE = "{} rows of money without tokens are spend series beside those of the tokens"
#: Mix and intensity are measured over blocks of this many days, by volume: daily ratios are mostly noise.
BLOCK_DAYS = 7
#: A route or unit without quantity in this many last blocks has ended: it stays at 0.
ENDED_BLOCKS = 4


@dataclass(frozen=True, slots=True)
class Drivers:
    """What drives cost, as measured.

    Attributes
    ----------
    days : DatetimeIndex (day,)
        The history's periods up to the as-of date.
    workloads : DataFrame (workload,)
        Rows of money without tokens are a workload of their own, of the same labels as the usage that they stand
        beside. The ``by`` columns, the owner's columns (``forecast.schema.OWNERS``)
        where each workload has one owner, and ``volume_unit``.
    routes : DataFrame (route,)
        provider, model, service_tier, region, context_tier.
    legs : DataFrame (leg,)
        Columns ``workload``, ``route`` (row numbers): the pairs that occur.
    lanes : DataFrame (lane,)
        Columns ``leg``, ``workload``, ``route``, ``unit``: the billable quantities that occur.
    volume : float array (day, workload)
        In ``volume_unit`` a day. NaN before the first use and on days that the export lacks.
    odds : float array (block, leg)
        Volume of the leg over the workload's largest leg, by block of ``BLOCK_DAYS`` days.
    intensity : float array (block, lane)
        Units a unit of volume.
    blocks : DatetimeIndex (block,)
        The first day of each block; the last block ends on the as-of date.
    notes : tuple of str
    """

    days: pd.DatetimeIndex
    workloads: pd.DataFrame
    routes: pd.DataFrame
    legs: pd.DataFrame
    lanes: pd.DataFrame
    volume: FloatArray
    odds: FloatArray
    intensity: FloatArray
    blocks: pd.DatetimeIndex
    notes: tuple[str, ...]


def drivers_of(usage: Usage, as_of: pd.Timestamp, *, by: tuple[str, ...], max_series: int) -> Drivers:
    """Measure the drivers up to ``as_of``.

    Volume is requests where every route of a workload has them, else tokens; unlike units are never added. A day
    without any row is a gap; a day on which others have rows is a zero.

    Raises
    ------
    ModelError
        ``by`` names what is not a dimension of the usage.
    UsageError
        Nothing is left to forecast, or a workload has neither requests nor tokens nor money.
    """
    if not by:
        raise ModelError("by: name at least one column that makes a workload, such as ('environment', 'project')")
    for column in by:
        one_of("by", column, schema.DIMENSIONS, ModelError)
        if column not in usage.frame:
            raise ModelError(
                f"by={column!r}: {usage.source} has no such column; it has {', '.join(usage.frame.columns)}"
            )
    frame, notes = usage_rows(usage, as_of)
    frame, silent = without_zeros(frame, by)
    notes += silent
    frame, pooled = pooled_rows(frame, by, max_series)
    notes += pooled
    step = pd.offsets.MonthBegin() if usage.grain == "month" else pd.Timedelta(days=1)
    days = pd.date_range(frame[schema.DATE].min(), as_of, freq=step)
    row_day = days.get_indexer(pd.DatetimeIndex(frame[schema.DATE]))

    quantity, units = quantities_of(frame)
    apart = money_apart(frame, quantity, by)
    notes += [_BESIDE.format(int(apart.sum()))] * bool(apart.any())
    workloads, row_workload = labels_of(frame.assign(_money=apart), [*by, "_money"])
    routes, row_route = labels_of(frame, [c for c in schema.ROUTE if c in frame])
    by_requests, by_spend = _volume_kind(frame, quantity, units, row_workload, len(workloads))
    tokens = quantity[:, [schema.UNITS[u].token if u in schema.UNITS else False for u in units]].sum(axis=1)
    requests = frame[schema.REQUESTS].fillna(0.0).to_numpy() if schema.REQUESTS in frame else np.zeros(len(frame))
    amount = np.where(by_requests[row_workload], requests, np.where(by_spend[row_workload], quantity[:, -1], tokens))
    workloads = workloads.drop(columns="_money")
    workloads["volume_unit"] = np.where(by_requests, schema.REQUESTS, np.where(by_spend, SPEND, "tokens"))
    workloads = _owners(workloads, frame, row_workload, notes)

    leg_code = row_workload * len(routes) + row_route
    leg_codes, row_leg = np.unique(leg_code, return_inverse=True)
    legs = pd.DataFrame({"workload": leg_codes // len(routes), "route": leg_codes % len(routes)})
    lane_rows = [
        (leg, k) for leg in range(len(legs)) for k in np.nonzero((quantity[row_leg == leg] > 0).any(axis=0))[0]
    ]
    lane_leg, lane_unit = (np.array([row[i] for row in lane_rows], dtype=np.intp) for i in range(2))
    lanes = legs.iloc[lane_leg].reset_index(drop=True).assign(unit=[units[k] for k in lane_unit])
    lanes.insert(0, "leg", lane_leg)
    if lanes.empty:
        raise UsageError(f"{usage.source}: no billable quantity above 0 up to {as_of:%Y-%m-%d}")

    leg_volume = _sum(row_day, row_leg, amount, len(days), len(legs))
    known = np.column_stack([*(frame[u].notna().to_numpy() for u in units[:-1]), np.ones(len(frame), dtype=bool)])
    lane_quantity, lane_volume = (
        _by_lane(row_day, row_leg, value, lane_leg, lane_unit, leg_volume.shape)
        for value in (quantity, amount[:, None] * known)
    )
    notes += _unknown(row_leg, lane_leg, lane_unit, known, units)
    volume = np.zeros((len(days), len(workloads)))
    np.add.at(volume.T, legs["workload"].to_numpy(), leg_volume.T)
    reported = np.bincount(row_day, minlength=len(days)) > 0
    volume = _unseen(volume, reported)
    notes += _gaps(int((~reported).sum()))
    notes += _ended(volume, workloads, by, usage.grain)
    starts = _blocks(len(days), usage.grain)
    leg_blocks, lane_blocks, below = (
        np.add.reduceat(v, starts, axis=0) for v in (leg_volume, lane_quantity, lane_volume)
    )
    odds = _odds(leg_blocks, legs["workload"].to_numpy())
    with np.errstate(divide="ignore", invalid="ignore"):
        intensity = np.where(below > 0, lane_blocks / below, np.nan)
    return Drivers(days, workloads, routes, legs, lanes, volume, odds, intensity, days[starts], tuple(notes))


def labels_of(frame: pd.DataFrame, columns: list[str]) -> tuple[pd.DataFrame, IntArray]:
    """The distinct rows of some columns, sorted: their labels (group,), and each row's group (row,)."""
    keys = frame[columns].astype("object").where(frame[columns].notna(), None)
    code = keys.groupby(columns, dropna=False, sort=True).ngroup().to_numpy()
    labels = keys.assign(_code=code).drop_duplicates("_code").sort_values("_code").drop(columns="_code")
    return labels.reset_index(drop=True), code.astype(np.intp)


def _volume_kind(
    frame: pd.DataFrame, quantity: FloatArray, units: list[str], row_workload: IntArray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    used = (quantity[:, :-1] > 0).any(axis=1)
    lacking = np.ones(len(frame), dtype=bool)
    if schema.REQUESTS in frame:
        lacking = frame[schema.REQUESTS].isna().to_numpy() | (frame[schema.REQUESTS].fillna(0.0).to_numpy() == 0)
    without = np.bincount(row_workload, weights=used & lacking, minlength=count) > 0
    has_usage = np.bincount(row_workload, weights=used, minlength=count) > 0
    has_spend = np.bincount(row_workload, weights=quantity[:, -1] > 0, minlength=count) > 0
    return ~without & has_usage & ~has_spend, has_spend & ~has_usage


def _owners(workloads: pd.DataFrame, frame: pd.DataFrame, row_workload: IntArray, notes: list[str]) -> pd.DataFrame:
    """Add what is told of a workload's owner, such as its department, where every workload has one."""
    for column in (c for c in schema.OWNERS if c in frame and c not in workloads):
        owner = frame[column].groupby(row_workload)
        if (owner.nunique() <= 1).all():
            workloads = workloads.assign(**{column: owner.first()})
        elif column != "department":
            shared = int((owner.nunique() > 1).sum())
            notes.append(
                f"{shared} workloads have more than one {column}, so none is shown: name it in by= to split them"
            )
    return workloads


def _sum(row: IntArray, column: IntArray, value: FloatArray, rows: int, columns: int) -> FloatArray:
    sums = np.bincount(row * columns + column, weights=value, minlength=rows * columns)
    return np.asarray(sums, dtype="float64").reshape(rows, columns)


def _by_lane(
    row: IntArray, leg: IntArray, value: FloatArray, lane_leg: IntArray, lane_unit: IntArray, shape: tuple[int, int]
) -> FloatArray:
    """Values (row, unit) by day and lane: (day, lane). Each unit is added up once for all legs."""
    out = np.empty((shape[0], len(lane_leg)))
    for k in np.unique(lane_unit):
        mine = lane_unit == k
        out[:, mine] = _sum(row, leg, value[:, k], *shape)[:, lane_leg[mine]]
    return out


def _gaps(count: int) -> list[str]:
    told = "1 period has no row at all and is a gap, not a zero"
    return [told if count == 1 else f"{count} periods have no row at all and are gaps, not zeros"] * bool(count)


def _unseen(volume: FloatArray, reported: np.ndarray) -> FloatArray:
    """NaN before a workload's first use and on periods without any row."""
    started = np.cumsum(volume > 0, axis=0) > 0
    return np.where(started & reported[:, None], volume, np.nan)


def _blocks(days: int, grain: str) -> IntArray:
    """The first day of each block, such that the last block is whole: int array (block,)."""
    width = 1 if grain == "month" else min(BLOCK_DAYS, days)
    return np.arange(days % width, days, width, dtype=np.intp)


def _unknown(
    row_leg: IntArray, lane_leg: IntArray, lane_unit: IntArray, known: np.ndarray, units: list[str]
) -> list[str]:
    """Rows that leave blank what other rows of their route and workload know, by unit."""
    found = []
    for k, unit in enumerate(units[:-1]):
        blank = int((~known[:, k] & np.isin(row_leg, lane_leg[lane_unit == k])).sum())
        if blank:
            found.append(f"{unit} is blank in {blank} rows: unknown, and taken to be as in the rows that know it")
    return found


def _ended(volume: FloatArray, workloads: pd.DataFrame, by: tuple[str, ...], grain: str) -> list[str]:
    """Workloads that used nothing of late."""
    recent = np.nan_to_num(volume[-2 if grain == "month" else -2 * BLOCK_DAYS :]).sum(axis=0)
    ended = workloads.loc[recent == 0, list(by)].astype("str").agg("/".join, axis=1)
    if ended.empty:
        return []
    listed = ", ".join(ended[:5])
    return [f"{len(ended)} workloads used nothing of late and are forecast at or near 0: {listed}"]


def _odds(volume: FloatArray, workload: IntArray) -> FloatArray:
    """Each leg's volume over its workload's largest recent leg; NaN where that leg had none or before the leg began."""
    recent = volume[-2 * ENDED_BLOCKS :].sum(axis=0)
    odds = np.full(volume.shape, np.nan)
    for w in np.unique(workload):
        legs = np.nonzero(workload == w)[0]
        largest = legs[np.argmax(recent[legs])]
        base = volume[:, largest][:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            odds[:, legs] = np.where(base > 0, volume[:, legs] / base, np.nan)
    begun = np.cumsum(volume > 0, axis=0) > 0
    return np.where(begun, odds, np.nan)
