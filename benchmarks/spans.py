"""Totals over spans of a forecast. Comes in: a panel and a model. Goes out: draws of totals, and how they held.

A span is a run of steps ahead, such as the first 30 of 90 days. A day whose actual value is missing is left out of the
actual total and of every draw of it alike.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from forecast.coverage import CoverageError, coverage_error
from forecast.dependence import trajectories
from forecast.models import Model, model_of
from forecast.panel import BoolArray, FloatArray, Panel
from forecast.scores import interval_score

#: Series whose paths are held at once: bounds memory.
BLOCK = 100
#: A span of which a smaller part was seen is left out, and counted.
SEEN = 0.5


@dataclass(frozen=True, slots=True)
class Span:
    """Steps ``begin`` to ``end - 1`` ahead, counted from 0."""

    name: str
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Made:
    """A forecast: points and 95 % bands (horizon, series), totals (draw, span, series), and how long it took."""

    point: FloatArray
    low: FloatArray | None
    high: FloatArray | None
    totals: FloatArray
    seconds: float


@dataclass(frozen=True, slots=True)
class Held:
    """How bands of totals held: inside 80 and 95 %, and the 80 % interval score over the actual total.

    Each float array (series,): 1 inside, 0 outside; NaN where the total was not seen, the score also where it is 0.
    """

    inside80: FloatArray
    inside95: FloatArray
    score: FloatArray


def masks(spans: tuple[Span, ...], seen: BoolArray) -> BoolArray:
    """Which steps each span sums: bool array (span, horizon, series), from what was seen (horizon, series)."""
    step = np.arange(len(seen))[:, None]
    return np.stack([(span.begin <= step) & (step < span.end) & seen for span in spans])


def actual_totals(spans: tuple[Span, ...], actual: FloatArray) -> FloatArray:
    """What came, over the days that were seen: float array (span, series); NaN where too few were."""
    seen = np.isfinite(actual)
    mask = masks(spans, seen)
    total = np.where(mask, np.where(seen, actual, 0.0), 0.0).sum(axis=1)
    length = np.array([span.end - span.begin for span in spans])[:, None]
    return np.where(mask.sum(axis=1) >= SEEN * length, total, np.nan)


def forecast(
    panel: Panel,
    model: str | Model,
    *,
    spans: tuple[Span, ...],
    seen: BoolArray,
    draws: int,
    seed: int,
    bands: bool = False,
) -> Made:
    """Forecast ``len(seen)`` periods and total each span over what was seen; ``bands`` adds those of each period."""
    begin = time.perf_counter()
    made = trajectories(panel, model_of(model), horizon=len(seen), count=draws, seed=seed)
    count, mask = len(panel.series), masks(spans, seen).astype("float64")
    totals = np.empty((draws, len(spans), count))
    low, high = (np.empty(seen.shape) if bands else None for _ in range(2))
    for first in range(0, count, BLOCK):
        part = slice(first, first + BLOCK)
        paths = made.paths(series=part)
        totals[:, :, part] = np.einsum("dts,pts->dps", paths, mask[:, :, part])
        if low is not None and high is not None:
            low[:, part], high[:, part] = np.quantile(paths, [0.025, 0.975], axis=0)
    return Made(made.point, low, high, totals, time.perf_counter() - begin)


def held(totals: FloatArray, actual: FloatArray) -> Held:
    """Hold draws of totals (draw, series) to what came (series,)."""
    low95, low, high, high95 = np.quantile(totals, [0.025, 0.1, 0.9, 0.975], axis=0)
    missing = np.isnan(actual)
    with np.errstate(invalid="ignore"):
        score = interval_score(actual, low, high, level=80) / np.where(actual > 0, actual, np.nan)
        inside80, inside95 = (low <= actual) & (actual <= high), (low95 <= actual) & (actual <= high95)
    return Held(np.where(missing, np.nan, inside80), np.where(missing, np.nan, inside95), np.asarray(score))


def covered(inside: list[FloatArray], *, overlap: int) -> CoverageError:
    """The coverage over origins, in time's order: each origin's float array of 1, 0 and NaN."""
    hits = [float(np.nansum(x)) for x in inside]
    return coverage_error(hits, [int(np.isfinite(x).sum()) for x in inside], overlap=overlap)
