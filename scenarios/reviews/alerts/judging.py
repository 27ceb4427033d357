"""Days against their forecasts. Comes in: a board. Goes out: errors in scales, of each series and of the whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast.panel import BoolArray, FloatArray
from scenarios.reviews.alerts.board import Board, Measure
from scenarios.reviews.alerts.dips import Dips, at_year_end, common_dips
from scenarios.reviews.alerts.following import Followed, follow, logs


@dataclass(frozen=True, slots=True)
class Judged:
    """Series beside what was expected of them: arrays (day, series), on the log scale.

    Attributes
    ----------
    found : Followed
    high, low : float array
        What a rise, and what a fall, is measured from.
    scale : float array
    dips, quiet : bool array
        Days that say nothing of a level: common dips; and, for a fall, the turn of the year beside them.
    """

    found: Followed
    high: FloatArray
    low: FloatArray
    scale: FloatArray
    dips: BoolArray
    quiet: BoolArray

    @property
    def rises(self) -> FloatArray:
        """Errors above, in scales; NaN where nothing is judged."""
        return np.where(self.found.judged, (self.found.log - self.high) / self.scale, np.nan)

    @property
    def falls(self) -> FloatArray:
        """Errors below, in scales; NaN where nothing is judged."""
        return np.where(self.found.judged, (self.low - self.found.log) / self.scale, np.nan)


@dataclass(frozen=True, slots=True)
class Watched:
    """One measure: its series, and the whole as one more series."""

    name: str
    parts: Judged
    whole: Judged


def watched(board: Board, measure: Measure, dips: Dips | None = None) -> Watched:
    """Follow a measure's series and their total.

    Series are followed twice: the first time shows the days on which everybody rests, and the second does not learn
    from those (``dips``, where they are known). The total is expected at the mean, on the log scale, of its own
    forecast and of the sum of its series'.
    """
    counts = measure.name == "requests"
    log = logs(measure.parts)
    dips = dips_of(board, measure) if dips is None else dips
    parts = follow(log, board.weekday, counts=counts, learned=np.repeat(~dips.there[:, None], log.shape[1], axis=1))
    quiet = at_year_end(board.days)
    each = _judged(parts, parts.high, dips.there, dips.depth, dips.spread, quiet)
    whole = follow(logs(measure.whole)[:, None], board.weekday, counts=counts, learned=~dips.there[:, None])
    together = 0.5 * (whole.expected + _sum_of(parts, whole.expected))
    return Watched(measure.name, each, _whole(whole, together, dips, quiet))


def dips_of(board: Board, measure: Measure) -> Dips:
    """The days on which everybody rests."""
    return common_dips(follow(logs(measure.parts), board.weekday, counts=measure.name == "requests"), board.days)


def hours_watched(board: Board) -> Judged | None:
    """The total by hour of the day, each hour a daily series; None of usage that is not hourly."""
    if board.hours is None:
        return None
    found = follow(logs(board.hours), board.weekday)
    none = np.zeros(len(board.days))
    return _judged(found, found.high, none > 0, none, none, at_year_end(board.days))


def _judged(
    found: Followed, high: FloatArray, there: BoolArray, depth: FloatArray, spread: FloatArray, quiet: BoolArray
) -> Judged:
    dip = there[:, None]
    scale = np.sqrt(found.scale**2 + (spread**2)[:, None])
    lowered = found.expected + depth[:, None]
    dips, still = (np.repeat(mask[:, None], found.log.shape[1], axis=1) for mask in (there, there | quiet))
    return Judged(found, np.where(dip, lowered, high), np.where(dip, lowered, found.expected), scale, dips, still)


def _whole(found: Followed, together: FloatArray, dips: Dips, quiet: BoolArray) -> Judged:
    made = _judged(found, together, dips.there, dips.whole_depth, dips.whole_spread, quiet)
    # A day on which everybody rests is a fall of the whole.
    return Judged(found, made.high, together, made.scale, made.dips, made.quiet)


def _sum_of(parts: Followed, own: FloatArray) -> FloatArray:
    """The log of the sum of series' forecasts (day, 1), of those that report; ``own`` where one is not judged yet."""
    there = np.isfinite(parts.log)
    total = np.where(there, np.exp(parts.expected), 0.0).sum(axis=1)
    known = there.any(axis=1) & (parts.judged | ~there).all(axis=1)
    return np.where(known, np.log(np.where(known, total, 1.0)), own[:, 0])[:, None]
