"""Stable ratios of a bill. Comes in: what lines should cost and what was billed. Goes out: rates by span of days.

A bill is rounded, so one line says only that its ratio lies in an interval, [(b - h) / x, (b + h) / x]. A rate holds
over a span of days where one number lies in the intervals of all of them; a day or line that no such number fits is
left out of the estimate, and is looked into afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from forecast.panel import FloatArray, IntArray

#: A rate that holds on fewer periods than this says nothing, unless there are no more.
LEAST_PERIODS: Final = 3
#: This part of the periods must lie in spans of a stable rate, else there is none,
STABLE: Final = 0.8
#: and a contract's rate changes at most once in so many periods: four weeks of days, a quarter of months.
PERIODS_A_CHANGE: Final = {"day": 28, "month": 3}
#: Doubles of money have a relative error of this order.
SLACK: Final = 1e-9
#: Rates further out than this are a factor of 100 off: no discount leaves a twentieth, no mark-up makes it twentyfold.
SLIP: Final = 20.0
_STEPS: Final = (0.05, 0.01, 0.005, 0.001, 1e-4, 1e-5, 1e-6)


@dataclass(frozen=True, slots=True)
class Span:
    """A rate and the periods it holds on: ``first`` to ``last`` as seen, and how many of them were seen."""

    first: int
    last: int
    low: float
    high: float
    periods: int

    @property
    def rate(self) -> float:
        """The simplest number that every line allows."""
        return simplest(self.low, self.high)

    def allows(self, other: Span) -> bool:
        """Whether one rate may hold on both."""
        return self.low <= other.high and other.low <= self.high


@dataclass(frozen=True, slots=True)
class Intervals:
    """What each period says of a rate: ``low`` and ``high`` float arrays (period,), ``period`` int array (period,)."""

    period: IntArray
    low: FloatArray
    high: FloatArray


def line_intervals(expected: FloatArray, billed: FloatArray, error: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The lowest and highest ratio that each line allows: two float arrays (line,)."""
    slack = SLACK * np.abs(billed)
    return (billed - error - slack) / expected, (billed + error + slack) / expected


def by_period(period: IntArray, low: FloatArray, high: FloatArray) -> Intervals:
    """The ratios that most lines of a period allow: all of them where they agree."""
    order = np.argsort(period, kind="stable")
    period, low, high = period[order], low[order], high[order]
    found, start = np.unique(period, return_index=True)
    lows = np.maximum.reduceat(low, start) if len(start) else low
    highs = np.minimum.reduceat(high, start) if len(start) else high
    ends = np.append(start[1:], len(period))
    for i in np.flatnonzero(lows > highs):
        part = slice(start[i], ends[i])
        lows[i], highs[i] = most_allowed(low[part], high[part])
    return Intervals(found.astype(np.intp), lows, highs)


def most_allowed(low: FloatArray, high: FloatArray) -> tuple[float, float]:
    """The interval that lies in as many intervals as can be; of equals, the one nearest to 1."""
    edges = np.concatenate([low, high])
    step = np.concatenate([np.ones(len(low)), -np.ones(len(high))])
    order = np.lexsort((-step, edges))
    edges, depth = edges[order], np.cumsum(step[order])
    best = np.flatnonzero(depth == depth.max())
    middle = (edges[best] + edges[best + 1]) / 2
    at = best[np.argmin(np.abs(middle - 1.0))]
    return float(edges[at]), float(edges[at + 1])


def stable_spans(seen: Intervals, grain: str) -> tuple[Span, ...]:
    """The spans of a stable rate, earlier first; none where the ratio is not stable."""
    total = len(seen.period)
    spans = _joined([Span(int(p), int(p), a, b, 1) for p, a, b in zip(seen.period, seen.low, seen.high, strict=True)])
    kept = [s for s in spans if s.periods >= min(LEAST_PERIODS, total)]
    kept = _joined(kept)
    held = sum(s.periods for s in kept)
    if not kept or held < STABLE * total or len(kept) > 1 + total / PERIODS_A_CHANGE[grain]:
        return ()
    return tuple(kept)


def span_at(spans: tuple[Span, ...], period: IntArray) -> IntArray:
    """Which span each period falls to: the last that began by then, else the first; int array of its shape."""
    firsts = np.array([s.first for s in spans[1:]])
    return np.searchsorted(firsts, period, side="right").astype(np.intp)


def holds(spans: tuple[Span, ...], period: IntArray, low: FloatArray, high: FloatArray) -> bool:
    """Whether the spans' rates lie in the intervals of most lines, and not of the small ones alone."""
    if not spans:
        return False
    rate = np.array([s.rate for s in spans])[span_at(spans, period)]
    return bool(((low <= rate) & (rate <= high)).mean() >= STABLE)


def agreed_spans(members: list[tuple[IntArray, tuple[Span, ...]]], grain: str) -> tuple[Span, ...]:
    """The spans of the rate that most members share on each period.

    A member is a SKU: the periods it was seen on, and its own spans.
    """
    period = np.concatenate([np.unique(p) for p, spans in members if spans] or [np.zeros(0, dtype=np.intp)])
    if not len(period):
        return ()
    low, high = [], []
    for own, spans in members:
        if spans:
            at = span_at(spans, np.unique(own))
            low.append(np.array([s.low for s in spans])[at])
            high.append(np.array([s.high for s in spans])[at])
    return stable_spans(by_period(period, np.concatenate(low), np.concatenate(high)), grain)


def simplest(low: float, high: float) -> float:
    """The number with the fewest digits between two: 1, else a multiple of 0.05, 0.01, 0.005, and so on down."""
    if low <= 1.0 <= high:
        return 1.0
    middle = (low + high) / 2
    for step in _STEPS:
        count = round(middle / step)
        value = count / round(1 / step)
        if low <= value <= high and value > 0:
            return value
    return middle


def unslipped(rate: float) -> float:
    """A rate without a factor of 100 that it is off by."""
    return rate / 100 if rate > SLIP else rate * 100 if 0 < rate < 1 / SLIP else rate


def _joined(spans: list[Span]) -> list[Span]:
    """Neighbours that allow one rate made one."""
    out: list[Span] = []
    for span in spans:
        if out and out[-1].allows(span):
            was = out[-1]
            low, high = max(was.low, span.low), min(was.high, span.high)
            out[-1] = Span(was.first, span.last, low, high, was.periods + span.periods)
        else:
            out.append(span)
    return out
