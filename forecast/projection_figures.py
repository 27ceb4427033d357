"""The picture of a projection. Comes in: a Projection. Goes out: an Axes: history, the fan of what will be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from forecast import schema
from forecast.drawing import in_percent, number, printable, short, span_words, told_date
from forecast.errors import ModelError, one_of
from forecast.figures import HISTORY_SHOWN, fan_of
from forecast.panel import BoolArray, FloatArray, IntArray
from forecast.projection import Projection
from forecast.usage_rows import OTHER, SPEND, usage_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Draws that bands are made of.
DRAWS: Final = 1_000
#: Periods of a plan from which on days are added up to weeks: weekdays would hide what grows.
MOST_DAYS: Final = 62
TOKENS: Final = "tokens"


def projection_picture(projection: Projection, measure: str | None, workload: str | None, ax: Axes | None) -> Axes:
    """History and fan of the requests or tokens of all workloads, or of one; a plan beyond two months by week.

    Raises
    ------
    ModelError
        There is no such workload, or it is not known in that measure.
    """
    names = projection.names
    if workload is not None:
        one_of("workload", workload, names, ModelError)
    chosen = np.array([i for i, name in enumerate(names) if workload in {None, name}], dtype=np.intp)
    there = [m for m in (schema.REQUESTS, TOKENS) if _holds(projection, m, chosen)]
    if not there:
        raise ModelError(f"plot(workload={workload!r}): only its money is known, and neither requests nor tokens")
    shown = measure if measure is not None else there[0]
    one_of("measure", shown, there, ModelError)
    past, paths = (_requests if shown == schema.REQUESTS else _tokens)(projection, chosen)
    draws = projection.draws(DRAWS, projection.spec.seed)
    ahead = paths[draws.trajectory] * np.exp(draws.log_factor)[:, None]
    by_month = projection.usage.grain == "month"
    width = 7 if not by_month and len(projection.days) > MOST_DAYS else 1
    unit = "month" if by_month else "day" if width == 1 else "week"
    sums = _by_width(ahead, width, whole_at_end=False)
    known = _by_width(past[None], width, whole_at_end=True)[0]
    known = known[-max(HISTORY_SHOWN * sums.shape[1], 24) :]
    dates = projection.drivers.days[len(past) % width :: width][-len(known) :]
    history = pd.Series(known, index=dates)
    made = fan_of(history, projection.days[::width][: sums.shape[1]], sums, f"{shown} a {unit}", ax)
    total = float(np.median(ahead[:, projection.span.gap :].sum(axis=1)))
    ninety = float(np.quantile(ahead[:, projection.span.gap :].sum(axis=1), 0.9))
    whose = f"{shown[0].upper()}{shown[1:]}" if workload is None else f"{printable(workload)}: {shown}"
    end = projection.span.end + pd.offsets.MonthEnd(0) if by_month else projection.span.end
    told = f"{whose} of {span_words(projection.span.start, end)}: {short(total)} at P50, {short(ninety)} at P90"
    made.told(
        f"{told}{_beside(total, past, ahead.shape[1] - projection.span.gap, 'months' if by_month else 'days')}",
        f"history up to {told_date(projection.as_of, 'yMMM' if by_month else 'yMMMd')}, then P50 and the bands P10–P90 "
        f"and P25–P75 of each {unit}; {number(projection.volume.count)} trajectories",
    )
    return made.ax


def _holds(projection: Projection, measure: str, chosen: IntArray) -> bool:
    """Whether the workloads, but those of money alone, are known in that measure."""
    if measure == schema.REQUESTS:
        kinds = set(projection.workloads["volume_unit"].to_numpy()[chosen]) - {SPEND}
        return kinds == {schema.REQUESTS}
    return bool(_token_lanes(projection, chosen).any())


def _token_lanes(projection: Projection, chosen: IntArray) -> BoolArray:
    """Which lanes are tokens of these workloads: (lane,)."""
    lanes = projection.drivers.lanes
    token = np.array([unit in schema.UNITS and schema.UNITS[unit].token for unit in lanes["unit"]])
    return np.asarray(token & lanes["workload"].isin(chosen).to_numpy())


def _requests(projection: Projection, chosen: IntArray) -> tuple[FloatArray, FloatArray]:
    """Requests known (period,), NaN where no row is, and to come (trajectory, period)."""
    chosen = chosen[projection.workloads["volume_unit"].to_numpy()[chosen] == schema.REQUESTS]
    volume = projection.drivers.volume
    known = np.where(np.isnan(volume).all(axis=1), np.nan, np.nan_to_num(volume[:, chosen]).sum(axis=1))
    return known, np.concatenate([block.volume[:, :, chosen].sum(axis=2) for block in projection.blocks()])


def _tokens(projection: Projection, chosen: IntArray) -> tuple[FloatArray, FloatArray]:
    """Tokens known (period,), NaN where no row is, and to come (trajectory, period)."""
    lanes = projection.drivers.lanes
    mine = np.nonzero(_token_lanes(projection, chosen))[0]
    workload, leg = (lanes[column].to_numpy()[mine] for column in ("workload", "leg"))
    made = [
        (block.volume[:, :, workload] * block.mix[:, :, leg] * block.intensity[:, :, mine]).sum(axis=2)
        for block in projection.blocks()
    ]
    by, rows = list(projection.spec.by), usage_rows(projection.usage, projection.as_of)[0]
    every = list(projection.workloads[by].itertuples(index=False, name=None))
    wanted, known = {every[i] for i in chosen}, set(every)
    pooled = any(OTHER in labels for labels in wanted)
    labels = rows[by].astype("object").where(rows[by].notna(), None).itertuples(index=False, name=None)
    own = np.array([label in wanted or (pooled and label not in known) for label in labels])
    columns = [unit for unit in schema.BILLABLE if unit in rows and schema.UNITS[unit].token]
    daily = rows[columns].sum(axis=1).where(own, 0.0).groupby(rows[schema.DATE]).sum()
    return daily.reindex(projection.drivers.days).to_numpy("float64"), np.concatenate(made)


def _by_width(values: FloatArray, width: int, *, whole_at_end: bool) -> FloatArray:
    """Sums over ``width`` periods each; of what is over, the first are left out, or else the last: (row, sum)."""
    over = values.shape[1] % width
    kept = values[:, over:] if whole_at_end else values[:, : values.shape[1] - over]
    return np.asarray(kept.reshape(len(kept), -1, width).sum(axis=2))


def _beside(total: float, past: FloatArray, count: int, unit: str) -> str:
    """How much more that is than in as many periods before the as-of date, where they are known."""
    before = past[-count:]
    if len(before) < count or np.isnan(before).mean() > 0.1 or not np.nanmean(before) > 0:
        return ""
    change = total / (float(np.nanmean(before)) * count) - 1.0
    side = "more" if change > 0 else "less"
    return f", {in_percent(abs(change))} {side} than in the {number(count)} {unit} up to the as-of date"
