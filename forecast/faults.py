"""Faults of a history: launches, gaps, partial last days, spikes, retirements. Comes in: values. Goes out: findings.

Zeros of a series that rests by nature (weekends, a tool used now and then) are no fault.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from forecast.breaks import Steady
from forecast.panel import BoolArray, FloatArray

Kind = Literal["asked", "gap", "level_shift", "partial", "pre_launch", "retired", "spike"]
#: excluded: not fitted. moved: what lies before is fitted at the new level. noted: nothing is done. kept: nothing is
#: done because the caller said so.
Action = Literal["excluded", "moved", "noted", "kept"]

#: Stands for every series.
EVERY = -1
#: A spike is at least this factor above the level of the days around it, and this many spreads of the series.
SPIKE_FACTOR, SPIKE_SPREADS = 3.0, 8.0
#: It is a fault for certain if it holds at most so many days, and within so many days beside it nothing is felt of it
#: (no more than a part of its log size, or so many spreads); if no other day has half its log size; and if so many days
#: are known.
MOST_SPIKE, BESIDE, FELT_PART, FELT_SPREADS, ALIKE, LEAST_KNOWN = 2, 3, 0.25, 3.0, 0.5, 56
#: Zeros of a series that is never 0 else: at most so many stretches of at most so many days.
MOST_STRETCHES, MOST_GAP = 3, 7
#: Last days are partial below this factor of their level, and so many spreads below it, if they are at most so many.
PARTIAL_FACTOR, PARTIAL_SPREADS, MOST_PARTIAL = 0.5, 5.0, 3
#: The fewest leading zeros that are the time before a launch, and last periods without use that are a retirement.
LEAST_LEADING, ENDED, ENDED_MONTHS = 7, 14, 2


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, where, and what should be done about it.

    ``series`` is a column or ``EVERY``, ``first`` and ``last`` are rows; ``size`` is the log size of a level shift, by
    which the rows before ``first`` are to be moved.
    """

    series: int
    first: int
    last: int
    kind: Kind
    action: Action
    why: str
    size: float = 0.0


def launches(values: FloatArray) -> list[Finding]:
    """Leading periods without use, where they are at least a week and longer than any later stretch of zeros.

    A series with values below 0 has no launch.
    """
    used = np.isfinite(values) & (values != 0)
    first = np.where(used.any(axis=0), np.argmax(used, axis=0), 0)
    found = []
    for i in np.flatnonzero(first >= LEAST_LEADING):
        later = values[first[i] :, i]
        longest = max((stop - start for start, stop in stretches(later == 0)), default=0)
        if np.nanmin(later) >= 0 and (first[i] > longest or not (values[: first[i], i] == 0).any()):
            found.append(Finding(int(i), 0, int(first[i]) - 1, "pre_launch", "excluded", "no use before its launch"))
    return found


def gaps(values: FloatArray) -> list[Finding]:
    """Unknown periods between a series' first and last known one; those that all series lack are told once."""
    there = np.isfinite(values)
    inside = (np.cumsum(there, axis=0) > 0) & (np.cumsum(there[::-1], axis=0)[::-1] > 0)
    missing = inside & ~there
    everyone: BoolArray = (missing.sum(axis=1) > 0) & (there.sum(axis=1) == 0)
    found = [
        Finding(EVERY, start, stop - 1, "gap", "excluded", "no row of any series: unknown, not zero")
        for start, stop in stretches(everyone)
    ]
    missing &= ~everyone[:, None]
    return found + [
        Finding(int(i), start, stop - 1, "gap", "excluded", "unknown, while other series are known")
        for i in np.flatnonzero(missing.any(axis=0))
        for start, stop in stretches(missing[:, i])
    ]


def zero_days(found: Steady, values: FloatArray) -> list[Finding]:
    """Zeros inside a daily series that is never 0 else: few, short, and far below its level."""
    works = np.isfinite(found.log)
    with np.errstate(invalid="ignore"):
        far = found.level - found.log > SPIKE_SPREADS * found.spread
    out = []
    for i in np.flatnonzero((works & (values == 0)).any(axis=0) & ~found.resting):
        day = np.flatnonzero(works[:, i])
        runs = stretches(values[day, i] == 0)
        if len(runs) <= MOST_STRETCHES:
            why = "zero in a series that has no such day else: taken as not reported"
            out += [
                Finding(int(i), int(day[start]), int(day[stop - 1]), "gap", "excluded", why)
                for start, stop in runs
                if start > 0 and stop < len(day) and stop - start <= MOST_GAP and far[day[start:stop], i].all()
            ]
    return out


def partial_days(found: Steady) -> list[Finding]:
    """Last days, fewer than two weeks of them, far below the level of the four weeks before those two weeks."""
    below = -np.maximum(PARTIAL_SPREADS * found.spread, -np.log(PARTIAL_FACTOR))
    out = []
    for i in np.flatnonzero(~found.resting):
        day = np.flatnonzero(np.isfinite(found.log[:, i]))
        x = found.log[day, i]
        if len(day) < 2 * ENDED:
            continue
        level = np.median(x[-2 * ENDED : -ENDED]) if len(day) < 3 * ENDED else np.median(x[-3 * ENDED : -ENDED])
        low = (x[-ENDED:] - level < below[i])[::-1]
        count = int(np.argmin(low))
        if count == 0:
            continue
        certain = count <= MOST_PARTIAL
        days = f"the last {count} days" if count > 1 else "the last day"
        why = f"{days} at {np.exp(np.mean(x[-count:]) - level):.0%} of the level before: "
        why += "taken as incomplete" if certain else "too long for a late report, too short for a new level"
        action: Action = "excluded" if certain else "noted"
        out.append(Finding(int(i), int(day[-count]), int(day[-1]), "partial", action, why))
    return out


def spikes(found: Steady) -> list[Finding]:
    """Days far above the level around them; excluded only where they are a fault for certain."""
    with np.errstate(invalid="ignore"):
        over = found.log - found.level
        high = (over > np.maximum(SPIKE_SPREADS * found.spread, np.log(SPIKE_FACTOR))) & ~found.resting
    out = []
    for i in np.flatnonzero(high.any(axis=0)):
        day = np.flatnonzero(np.isfinite(over[:, i]))
        x, runs = over[day, i], stretches(high[np.isfinite(over[:, i]), i])
        for start, stop in runs:
            doubt = _doubt(x, start, stop, float(found.spread[i]))
            size = np.exp(x[start:stop].max())
            why = f"{size:.1f} times the level around it, {doubt or 'felt on no day beside it, no other day like it'}"
            action: Action = "noted" if doubt else "excluded"
            out.append(Finding(int(i), int(day[start]), int(day[stop - 1]), "spike", action, why))
    return out


def _doubt(over: FloatArray, start: int, stop: int, spread: float) -> str:
    """Why a spike in the known days ``start`` to ``stop`` is no fault for certain; empty where it is."""
    size = float(over[start:stop].max())
    beside = np.concatenate([over[max(0, start - BESIDE) : start], over[stop : stop + BESIDE]])
    far = np.concatenate([over[: max(0, start - BESIDE)], over[stop + BESIDE :]])
    if stop - start > MOST_SPIKE:
        return f"for {stop - start} days"
    if len(over) < LEAST_KNOWN:
        return f"in a history of {len(over)} days"
    if len(over) - stop < BESIDE:
        return "too late to tell whether it lasts"
    if (np.abs(beside) > max(FELT_SPREADS * spread, FELT_PART * size)).any():
        return "and felt on the days beside it"
    alike = int((far > ALIKE * size).sum())
    if alike:
        return f"and not alone: {alike} other {'days' if alike > 1 else 'day'} like it"
    return ""


def retirements(values: FloatArray, *, monthly: bool) -> list[Finding]:
    """Series that were used once, and not at all of late."""
    count = ENDED_MONTHS if monthly else ENDED
    used = np.nan_to_num(values) != 0
    ended = used.any(axis=0) & ~used[-count:].any(axis=0)
    last = len(values) - 1 - np.argmax(used[::-1], axis=0)
    why = "no use from here on"
    return [Finding(int(i), int(last[i]) + 1, len(values) - 1, "retired", "noted", why) for i in np.flatnonzero(ended)]


def stretches(flags: BoolArray) -> list[tuple[int, int]]:
    """First row, and the row after the last, of each stretch of True."""
    edge = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    return list(zip(np.flatnonzero(edge == 1).tolist(), np.flatnonzero(edge == -1).tolist(), strict=True))
