"""The candidates of ``auto``, by season. Comes in: series on the working scale. Goes out: forecasts of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from forecast.models.autoregression import Lags, autoregress
from forecast.models.holt_winters import Smoothed, grid, smooth
from forecast.panel import FloatArray, IntArray

DAMPED, LASTING = (0.8, 0.93, 0.985), (0.997, 1.0)
YEAR = 364
#: How many kinds of series an autoregression tells apart, where the panel is large.
KINDS = 5


@dataclass(frozen=True, slots=True)
class Recipe:
    """Which candidates serve a season.

    Attributes
    ----------
    means : tuple of (season, count)
        Phase means over so many seasons.
    smooth : tuple of (season, damping or None, sets)
        Holt-Winters grids; None is without a trend.
    lines : tuple of int
        Windows, in shortest seasons, of a log-linear trend.
    lags : tuple of (Lags, most history or None)
    """

    means: tuple[tuple[int, int], ...]
    smooth: tuple[tuple[int, tuple[float, ...] | None, int], ...]
    lines: tuple[int, ...] = ()
    lags: tuple[tuple[Lags, int | None], ...] = ()
    yearly: bool = False


def _to(last: int) -> tuple[int, ...]:
    return tuple(range(2, last + 1))


_HOURS = (2, 3, 4, 5, 23, 24, 25, 26, 48, 49, 72, 96, 120, 143, 144, 145, 167, 168, 169, 170, 336, 337)
_WEEKS = (*_to(8), 13, 26, 51, 52, 53, 54)
_DAYS = Lags((*_to(9), 14, 21, 28), (7, 28, 56), 50.0)
_DAYS_YEAR = Lags((2, 3, 7, 8, 14, 21, 28, 35, YEAR), (7, 28, 112), 200.0)

#: By the panel's shortest season; 1 serves where there is none, or too little history for it.
RECIPES = {
    1: Recipe(
        means=((1, 1), (1, 4), (1, 13)),
        smooth=((1, None, 16), (1, DAMPED, 24), (1, LASTING, 16)),
        lines=(13, 26, 52),
        lags=((Lags(_to(4), (4, 8), 50.0), None),),
    ),
    4: Recipe(
        means=((4, 1), (4, 3)),
        smooth=((1, None, 16), (1, DAMPED, 24), (4, None, 16), (4, DAMPED, 32)),
        lags=((Lags((2, 3, 4, 5, 8), (4, 8), 50.0), None),),
    ),
    5: Recipe(
        means=((5, 1), (5, 4), (5, 8), (5, 16)),
        smooth=((5, None, 16), (5, DAMPED, 32), (5, LASTING, 16)),
        lines=(13, 26, 52),
        lags=((Lags((2, 3, 4, 5, 6, 10), (5, 20), 50.0), None),),
    ),
    7: Recipe(
        means=((7, 1), (7, 4), (7, 8), (7, 16), (7, 26)),
        smooth=((7, None, 16), (7, DAMPED, 32), (7, LASTING, 16)),
        lines=(13, 26, 52),
        lags=((_DAYS, None), (_DAYS_YEAR, None)),
        yearly=True,
    ),
    12: Recipe(
        means=((12, 1), (12, 3)),
        smooth=((1, None, 16), (1, DAMPED, 24), (12, None, 16), (12, DAMPED, 32)),
        lags=((Lags((2, 3, 6, 12, 13), (3, 12), 50.0), None),),
    ),
    24: Recipe(
        means=((24, 1), (168, 1), (168, 2), (168, 3)),
        smooth=((24, None, 16), (168, None, 24)),
        lags=((Lags(_HOURS, (24, 168), 10.0), None),),
    ),
    52: Recipe(
        means=(),
        smooth=((1, None, 16), (1, DAMPED, 24)),
        lags=(
            (Lags(_WEEKS, (8, 52), 120.0, KINDS), 312),
            (Lags(_WEEKS, (8, 52), 60.0, KINDS), 208),
            (Lags((*_WEEKS, 103, 104, 105), (8, 52), 60.0, KINDS), 312),
            (Lags(_to(13), (13, 26), 50.0, KINDS), 200),
        ),
    ),
}
FAST_SETS = 12


@dataclass(frozen=True, slots=True)
class Task:
    """What every candidate is given: filled history on the working scale, where to cut it, how far to look."""

    z: FloatArray
    full: FloatArray
    cuts: IntArray
    length: int
    horizon: int

    @property
    def known(self) -> int:
        """Periods of history."""
        return len(self.z)


def candidates(task: Task, seasons: tuple[int, ...], *, fast: bool) -> Iterator[tuple[str, Smoothed]]:
    """Yield each candidate's name and forecasts; one whose need of history is not met is left out."""
    season = seasons[0] if task.known >= 2 * seasons[0] else 1
    recipe = RECIPES.get(season, RECIPES[1])
    if task.known < 2:
        yield "last value", _means(task, 1, 1)
    for m, count in recipe.means[1::2] if fast and len(recipe.means) > 1 else recipe.means:
        if task.known >= (count + 1) * m:
            yield f"mean of {count} x {m}", _means(task, m, count)
    for m, damping, sets in recipe.smooth:
        if task.known >= 2 * m and not (fast and damping == LASTING):
            yield _smoothed(task, m, damping, min(sets, FAST_SETS) if fast else sets)
    for window in recipe.lines[1:2] if fast else recipe.lines:
        if task.known >= max(window, 8) * season:
            yield f"log-linear over {window} x {season}", _lines(task, season, window * season)
    if fast:
        return
    for lags, most in recipe.lags:
        if task.known > lags.reach + 4 * season + 8:
            yield f"autoregression {lags.lags[-1]}", _regressed(task, lags, most)
    if recipe.yearly and task.known >= YEAR + 8 * season:
        yield "last year's shape", _last_year(task)


def _smoothed(task: Task, season: int, damping: tuple[float, ...] | None, sets: int) -> tuple[str, Smoothed]:
    """Holt-Winters over a grid of ``sets`` parameter sets."""
    kind = "level" if damping is None else "damped trend" if damping == DAMPED else "lasting trend"
    params = grid(sets, damping or (), seasonal=season > 1, trend=damping is not None)
    made = smooth(task.z, season, params, task.cuts, length=task.length, horizon=task.horizon)
    return f"Holt-Winters {season}, {kind}", made


def _regressed(task: Task, lags: Lags, most: int | None) -> Smoothed:
    """The autoregression, on at most the last ``most`` periods before the first cut and after."""
    skip = 0
    if most is not None:
        first = int(task.cuts[0]) if len(task.cuts) else task.known
        skip = max(0, first - most)
    return autoregress(task.full[skip:], lags, task.cuts - skip, length=task.length, horizon=task.horizon)


def _from_each(ahead: Callable[[int, int], FloatArray], task: Task) -> Smoothed:
    """Forecast from each cut and from the end by ``ahead(end, steps)``."""
    empty = np.zeros((0, task.length, task.z.shape[1]))
    past = np.stack([ahead(int(c), task.length) for c in task.cuts]) if len(task.cuts) else empty
    return Smoothed(past, ahead(task.known, task.horizon))


def _means(task: Task, season: int, count: int) -> Smoothed:
    """Phase means over the last ``count`` seasons, repeated."""

    def ahead(end: int, steps: int) -> FloatArray:
        whole = max(1, min(count, end // season))
        window = task.full[max(0, end - whole * season) : end]
        if len(window) < season:
            return np.repeat(window.mean(axis=0)[None], steps, axis=0)
        return np.asarray(window.reshape(whole, season, -1).mean(axis=0)[np.arange(steps) % season])

    return _from_each(ahead, task)


def _lines(task: Task, season: int, window: int) -> Smoothed:
    """Least squares on a line and phase means over the last ``window`` periods, continued."""

    def ahead(end: int, steps: int) -> FloatArray:
        used = min(window, end)
        y = task.full[end - used : end]
        t = np.asarray(np.arange(used) - (used - 1) / 2, dtype="float64")
        phase = np.arange(end - used, end) % season
        count = np.maximum(np.bincount(phase, minlength=season), 1)

        def by_phase(x: FloatArray) -> FloatArray:
            sums = np.zeros((season, *x.shape[1:]))
            np.add.at(sums, phase, x)
            return np.asarray(sums / count.reshape(-1, *([1] * (x.ndim - 1))))

        t_mean, y_mean = by_phase(t), by_phase(y)
        t_in, y_in = t - t_mean[phase], y - y_mean[phase]
        slope = (t_in[:, None] * y_in).sum(axis=0) / max(float((t_in * t_in).sum()), 1e-12)
        future = np.arange(end, end + steps) % season
        t_new = np.arange(used, used + steps) - (used - 1) / 2
        return np.asarray(y_mean[future] + (t_new - t_mean[future])[:, None] * slope)

    return _from_each(ahead, task)


def _last_year(task: Task) -> Smoothed:
    """The level of the last four weeks, moved as 52 weeks ago; where a cut has no year behind it, no forecast."""
    weeks = 28

    def ahead(end: int, steps: int) -> FloatArray:
        z = task.full
        if end < YEAR + weeks:
            return np.full((steps, z.shape[1]), np.nan)
        level = z[end - weeks : end].mean(axis=0) - z[end - weeks - YEAR : end - YEAR].mean(axis=0)
        path = np.empty((steps, z.shape[1]))
        for t in range(steps):
            back = end + t - YEAR
            path[t] = (z[back] if back < end else path[back - end]) + level * (1 if back < end else 0)
        return path

    return _from_each(ahead, task)
