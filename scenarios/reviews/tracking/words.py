"""A track record in words. Comes in: the record. Goes out: sentences, the answer first."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np

from forecast.drawing import money, percent
from scenarios.reviews.tracking.judging import GRADES, UNGRADED, Kept, grade_of

if TYPE_CHECKING:
    from scenarios.reviews.tracking.record import TrackRecord

_SHOWN: Final = 5
#: Fewer effective trials than this tell little: all of them hold one time in six where 80 % is true.
ENOUGH: Final = 8


def described(record: TrackRecord) -> str:
    """The record in words, a sentence or two a line."""
    found = record.kept()
    ours = found[record.name]
    lines = [_opening(record, ours)]
    if ours.origins:
        lines += [_by_how_much(record, ours), _forecast(record, ours)]
    lines += [_beside(record, name, one) for name, one in found.items() if name != record.name]
    if record.overlap > 1:
        lines.append(
            f"Up to {record.overlap} spans in a row overlap and share their luck: {ours.origins} origins are worth "
            f"{ours.trials:.1f} independent ones."
        )
    refused = [t for t in record.trials if not t.judged]
    lines += [f"Not judged: {t.date.on:%Y-%m-%d}: {t.refused}" for t in refused[:_SHOWN]]
    lines += _left_out(record)
    lines += [f"Note: {note}." for note in record.notes]
    return "\n".join(lines)


def _opening(record: TrackRecord, ours: Kept) -> str:
    when = f"for {record.length}, made {record.lead}"
    if not ours.origins:
        return f"No past decision could be judged: a {record.name} {when}, at {len(record.trials)} past dates."
    nominal = percent(record.confidence)
    if ours.high < record.confidence:
        verdict = f"less often than the {nominal} that it promises"
    elif ours.low > record.confidence:
        verdict = f"more often than the {nominal} that it promises"
    elif ours.trials < ENOUGH:
        verdict = f"which {ours.trials:.0f} trials cannot tell from the {nominal} that it promises"
    else:
        verdict = f"in line with the {nominal} that it promises"
    return (
        f"The {record.name} {when}, held {ours.held} of {ours.origins} times: {percent(ours.share)} "
        f"(95 % interval {percent(ours.low)} to {percent(ours.high)}), {verdict}."
    )


def _by_how_much(record: TrackRecord, ours: Kept) -> str:
    told = []
    if not np.isnan(ours.mean_overrun):
        told.append(
            f"where it did not hold, {money(ours.mean_overrun, record.currency)} were lacking on average "
            f"({percent(ours.mean_overrun_share)} of the budget)"
        )
    if not np.isnan(ours.mean_idle):
        told.append(
            f"where it held, {money(ours.mean_idle, record.currency)} were left ({percent(ours.mean_idle_share)} of it)"
        )
    text = "; ".join(told)
    return f"{text[0].upper()}{text[1:]}."


def _forecast(record: TrackRecord, ours: Kept) -> str:
    grade = grade_of(ours.mean_error)
    if grade is None:
        return "Nothing came, so the forecast has no error in per cent."
    most = f"within {percent(GRADES[grade])}" if grade != UNGRADED else f"beyond {percent(max(GRADES.values()))}"
    return (
        f"The P50 was off by {percent(ours.mean_error)} of what came on average: {grade!r} in the FinOps maturity "
        f"model ({most})."
    )


def _beside(record: TrackRecord, name: str, one: Kept) -> str:
    if not one.origins:
        return f"{_begun(name)} cannot be told: the history does not hold what it goes by."
    parts = [f"{_begun(name)} would have held {one.held} of {one.origins} times ({percent(one.share)})"]
    if not np.isnan(one.mean_overrun):
        parts.append(f"lacking {money(one.mean_overrun, record.currency)} ({percent(one.mean_overrun_share)})")
    if not np.isnan(one.mean_idle):
        parts.append(f"leaving {money(one.mean_idle, record.currency)} ({percent(one.mean_idle_share)})")
    return ", ".join(parts) + "."


def _begun(name: str) -> str:
    """A method's name as a sentence begins: "The run rate", "Last year plus 10 %"."""
    return f"L{name[1:]}" if name.startswith("last") else f"The {name}"


def _left_out(record: TrackRecord) -> list[str]:
    """What of the method is left out: at how many origins, and why."""
    count = Counter((one.label, one.why) for trial in record.trials for one in trial.left_out)
    every = len(record.trials)
    return [f"Left out at {number} of {every} origins: {label}, {why}." for (label, why), number in count.items()]
