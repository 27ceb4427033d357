"""Scoring one origin. Comes in: what was known, what came, and sample paths. Goes out: scores by scope and series."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np

from forecast import coverage as calibration
from forecast import scores
from forecast.calendars import Calendar
from forecast.models.baselines import RunRate
from forecast.naive2 import naive2
from forecast.panel import FloatArray, IntArray, Panel
from forecast.scopes import Span, known_sums, past_spans, scopes_of, spans_of, sums

#: What is scored of a series, an origin and a scope. In the series' own unit, a mean over the scope's periods: actual
#: (mean |y|), error (mean f - y), mae, crps, pinball_* and interval_*. Without unit: the rest; smape in per cent, wape,
#: bias and coverage_* as shares.
SCORES: Final = (
    *("count", "actual", "error", "mae", "mase", "rmsse", "smape", "wape", "bias", "crps"),
    *("pinball_10", "pinball_50", "pinball_80", "pinball_90", "pinball_95"),
    *("interval_80", "interval_95", "msis_95", "coverage_80", "coverage_95"),
)
PIT_BINS: Final = 100
#: What the yardsticks are scored by: the run rate's absolute error, Naive2's sMAPE and MASE.
YARDSTICKS: Final = ("run_rate_mae", "naive2_smape", "naive2_mase")
#: Steps from one known total to the next that totals are scaled by, at least.
LEAST_STEPS: Final = 3
#: Numbers (draw x period x series) that are worked on at once: bounds memory.
CELLS: Final = 4_000_000
_LEVELS: Final = (0.025, 0.1, 0.5, 0.8, 0.9, 0.95, 0.975)

#: A series of the scorecard: the number of its part, and what it is called there.
Key = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Origin:
    """A date to forecast from, and what came after it.

    Attributes
    ----------
    known : Panel
        What was known: float array (period, series), each series with at least one value.
    actual : float array (horizon, series)
    part : int array (series,)
        Which part of the scorecard each series belongs to, in rising order.
    calendar : Calendar
        Whose months, quarters and years are scored.
    """

    known: Panel
    actual: FloatArray
    part: IntArray
    calendar: Calendar

    @property
    def horizon(self) -> int:
        """Periods ahead."""
        return len(self.actual)

    @property
    def season(self) -> int:
        """What MASE looks back by: the shortest season, or one period where fewer than two seasons are known."""
        season = self.known.seasons[0]
        return season if len(self.known.periods) >= 2 * season else 1

    def spans(self, scope: str) -> list[Span]:
        """What of the horizon is scored in a scope."""
        ahead = self.known.future(self.horizon)
        return spans_of(ahead, scope, freq=self.known.freq, calendar=self.calendar)

    def past_totals(self, scope: str, series: slice) -> FloatArray:
        """Known totals of a scope (span, series); NaN throughout where a series has too few to scale by."""
        known = self.known
        spans = past_spans(known.periods, scope, horizon=self.horizon, freq=known.freq, calendar=self.calendar)
        if not spans:
            return known.values[:0, series]
        past = known_sums(known.values[:, series], spans)
        steps = np.isfinite(past[1:] - past[:-1]).sum(axis=0)
        return np.where(steps >= LEAST_STEPS, past, np.nan)


@dataclass(frozen=True, slots=True)
class OriginScores:
    """What one model scored at one origin.

    Attributes
    ----------
    series : tuple of Key (series,)
    values : float array (scope, score, series)
        In the order of ``SCORES``; NaN where nothing could be scored.
    yardstick : float array (scope, yardstick, series)
        In the order of ``YARDSTICKS``, over the same periods.
    scale : float array (series,)
        The mean absolute error of the seasonal naive forecast of single periods inside what was known.
    pit : float array (part, scope, bin)
        Values by where they lay among the draws: ``PIT_BINS`` equal parts of 0 to 1.
    notes : tuple of str
        What must be known to read the scores.
    """

    series: tuple[Key, ...]
    values: FloatArray
    yardstick: FloatArray
    scale: FloatArray
    pit: FloatArray
    notes: tuple[str, ...] = field(default=())


def score_paths(
    origin: Origin,
    paths: Callable[[slice], FloatArray],
    point: FloatArray | None,
    *,
    draws: int,
    parts: int,
    notes: tuple[str, ...] = (),
) -> OriginScores:
    """Score the joint paths of one forecast.

    Parameters
    ----------
    origin : Origin
    paths : callable
        Some series' paths by their columns: float array (draw, horizon, series).
    point : float array (horizon, series), optional
        The model's own forecast of single periods; the median of the paths serves where there is none, and always of
        longer scopes.
    draws, parts : int
        How many paths, and parts of the scorecard.
    notes : tuple of str
    """
    known, season = origin.known, origin.season
    scopes = scopes_of(known.freq)
    spans = [origin.spans(scope) for scope in scopes]
    count = len(known.series)
    values = np.full((len(scopes), len(SCORES), count), np.nan)
    yardstick = np.full((len(scopes), len(YARDSTICKS), count), np.nan)
    pit = np.zeros((parts, len(scopes), PIT_BINS))
    flat, naive = RunRate().point(known, origin.horizon), naive2(known, origin.horizon, season=season)
    for part, block in _blocks(origin.part, max(1, CELLS // (draws * origin.horizon))):
        made, came = paths(block), origin.actual[:, block]
        seen = np.isfinite(came)
        for k, (scope, span) in enumerate(zip(scopes, spans, strict=True)):
            if not span:
                continue
            single = k == 0
            past, step = (known.values[:, block], season) if single else (origin.past_totals(scope, block), 1)
            y, x = known_sums(came, span), sums(made, span, seen=seen)
            f = point[:, block] if single and point is not None else np.median(x, axis=0)
            values[k][:, block] = _scores(y, f, x, past=past, season=step)
            pit[part, k] += calibration.pit_histogram(y, x, bins=PIT_BINS)
            held, adjusted = (sums(forecast[:, block], span, seen=seen) for forecast in (flat, naive))
            yardstick[k][:, block] = (
                scores.mae(y, held),
                scores.smape(y, adjusted),
                scores.mase(y, adjusted, history=past, season=step),
            )
    keys = tuple(zip(origin.part.tolist(), known.series, strict=True))
    return OriginScores(keys, values, yardstick, scores.naive_scale(known.values, season=season), pit, notes)


def _blocks(part: IntArray, size: int) -> list[tuple[int, slice]]:
    """Columns of one part, at most ``size`` at a time."""
    edges = [0, *(np.flatnonzero(np.diff(part)) + 1).tolist(), len(part)]
    return [
        (int(part[first]), slice(begin, min(begin + size, last)))
        for first, last in pairwise(edges)
        for begin in range(first, last, size)
    ]


def _scores(y: FloatArray, f: FloatArray, x: FloatArray, *, past: FloatArray, season: int) -> FloatArray:
    """Every score of ``SCORES`` for actual values y, points f (both (period, series)) and draws x: (score, series)."""
    low95, p10, p50, p80, p90, p95, high95 = np.quantile(x, _LEVELS, axis=0)
    mean = scores.mean_known
    seen = np.isfinite(y).sum(axis=0)
    found = {
        "count": np.where(seen > 0, seen, np.nan),
        "actual": mean(np.abs(y)),
        "error": mean(f - y),
        "mae": scores.mae(y, f),
        "mase": scores.mase(y, f, history=past, season=season),
        "rmsse": scores.rmsse(y, f, history=past, season=season),
        "smape": scores.smape(y, f),
        "wape": scores.wape(y, f),
        "bias": scores.bias(y, f),
        # The paths are the forecast, not a sample whose size is to be corrected for.
        "crps": mean(scores.crps(y, x, fair=False)),
        "pinball_10": mean(scores.pinball(y, p10, level=0.10)),
        "pinball_50": mean(scores.pinball(y, p50, level=0.50)),
        "pinball_80": mean(scores.pinball(y, p80, level=0.80)),
        "pinball_90": mean(scores.pinball(y, p90, level=0.90)),
        "pinball_95": mean(scores.pinball(y, p95, level=0.95)),
        "interval_80": mean(scores.interval_score(y, p10, p90, level=80)),
        "interval_95": mean(scores.interval_score(y, low95, high95, level=95)),
        "msis_95": scores.msis(y, low95, high95, history=past, season=season, level=95),
        "coverage_80": calibration.coverage(y, p10, p90),
        "coverage_95": calibration.coverage(y, low95, high95),
    }
    return np.stack([found[name] for name in SCORES])
