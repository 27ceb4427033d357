"""``auto``: many candidates for many series at once, weighed by their errors at past cuts.

Comes in: a panel. Goes out: forecasts from the end and from cuts inside the history, on the series' own scale.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from forecast.errors import ModelError
from forecast.models.baselines import filled
from forecast.models.candidates import Task, candidates
from forecast.models.combination import combine
from forecast.models.day_effects import day_effects
from forecast.models.logscale import log_scale, to_mean
from forecast.models.protocol import Model, Rolled, cuts_of, roll
from forecast.panel import BoolArray, FloatArray, IntArray, Panel, known_median
from forecast.progress import Work, in_parallel
from forecast.shown import short_repr

#: Series that are worked on at once, at most: bounds memory, and is what a series shares its autoregression with.
BLOCK = 400
#: A candidate whose mean is further than this factor from the middle one's is moved back to it.
REACH = 2.5


@dataclass(frozen=True, slots=True)
class Auto:
    """Seasonal means, Holt-Winters on a grid, a log-linear trend and a pooled autoregression, combined.

    All work on the guarded log scale. Weights come from errors at rolling cuts, joined with the panel's own ranking;
    the point is the weighted median of the candidates, so one wild candidate moves it little. With ``mean`` it is
    brought from the log scale's median to the mean, which is what adds up to totals; ratios are left as they are.

    Forecasts at past cuts know what was known then, but for three things that are read once from the whole history: the
    scale of each series, whether it often rests, and what holidays, month ends and the turn of the year add to it.

    Parameters
    ----------
    name : str
        What tables and messages call it.
    fast : bool
        Few candidates, for many thousands of series.
    mean : bool
        Points are means; False: medians.
    candidates : sequence of str or Model
        Further models, by name or object: they are forecast from the same cuts, and weighed with the others.

    Raises
    ------
    ModelError
        A candidate is unknown or is ``auto`` itself, or gives a wrong shape.
    """

    __repr__ = short_repr

    name: str = "auto"
    fast: bool = False
    mean: bool = True
    candidates: tuple[str | Model, ...] = ()

    def __post_init__(self) -> None:
        from forecast.models import model_of

        given = (self.candidates,) if isinstance(self.candidates, str) else tuple(self.candidates)
        models = tuple(model_of(candidate) for candidate in given)
        for model in models:
            if isinstance(model, Auto):
                raise ModelError(f"candidates: {model.name!r} is made of candidates itself; name the models it lacks")
        object.__setattr__(self, "candidates", models)

    def point(self, panel: Panel, horizon: int) -> FloatArray:
        """Forecast (horizon, series)."""
        cuts, length = cuts_of(panel, horizon)
        return self.roll(panel, horizon, cuts, length).point

    def roll(self, panel: Panel, horizon: int, cuts: IntArray, length: int) -> Rolled:
        """Forecast from the end and from each cut in one pass over the history."""
        from joblib import delayed

        parts = _parts(len(panel.series))
        blocks = [Panel(panel.values[:, p], panel.periods, panel.series[p], panel.freq) for p in parts]
        calls = (delayed(self._block)(block, horizon, cuts, length) for block in blocks)
        works = [Work(len(block.series)) for block in blocks]
        done = (
            list(in_parallel(calls, "forecasting", works))
            if len(parts) > 1
            else [self._block(blocks[0], horizon, cuts, length)]
        )
        past, point = (np.concatenate([d[k] for d in done], axis=-1) for k in (0, 1))
        words: list[str] = []
        for _, _, weights, names in done:
            best = weights.argmax(axis=0)
            words += [f"auto: {names[b]} {weights[b, i]:.0%} of {len(names)} candidates" for i, b in enumerate(best)]
        return Rolled(point, past, cuts, tuple(words))

    def _block(
        self, panel: Panel, horizon: int, cuts: IntArray, length: int
    ) -> tuple[FloatArray, FloatArray, FloatArray, list[str]]:
        values = panel.values
        scale = log_scale(values, panel.seasons[0])
        z = scale.forward(values)
        effects = day_effects(panel, z, horizon)
        z = z - effects.past
        task = Task(z, filled(z, panel.seasons[0]), cuts, length, horizon)
        names, smoothed = zip(*candidates(task, panel.seasons, fast=self.fast), strict=True)
        actual = (
            np.stack([values[c : c + length] for c in cuts]) if len(cuts) else np.zeros((0, length, values.shape[1]))
        )
        known = np.cumsum(np.isfinite(values), axis=0)
        enough = known[cuts - 1] >= 2 if len(cuts) else np.zeros((0, values.shape[1]), dtype=bool)
        past_z = np.where(enough[None, :, None, :], np.stack([s.past for s in smoothed]), np.nan)
        point_z = np.stack([s.point for s in smoothed]) + effects.ahead
        past_z += np.stack([effects.past[c : c + length] for c in cuts]) if len(cuts) else 0.0
        past = scale.back(_within_reach(past_z, scale.log))
        point = scale.back(_within_reach(point_z, scale.log))
        for model in self.candidates:
            assert not isinstance(model, str)
            further = roll(model, panel, horizon, cuts, length)
            past, point = np.concatenate([past, further.past[None]]), np.concatenate([point, further.point[None]])
            names = (*names, model.name)
        past_mix, point_mix, weights = combine(past, point, actual, cuts, length, scale.log)
        if self.mean:
            factor = to_mean(past_mix, actual, scale, cuts, panel.seasons[0])
            past_mix, point_mix = past_mix * factor[:-1, None], point_mix * factor[-1]
        return past_mix, point_mix, weights, list(names)


def _parts(count: int) -> list[slice]:
    """Blocks of equal size, an even number where there are several, so that two workers have as much to do."""
    number = 1 if count <= BLOCK else 2 * -(-count // (2 * BLOCK))
    edge = np.linspace(0, count, number + 1).round().astype(int)
    return [slice(int(a), int(b)) for a, b in itertools.pairwise(edge)]


def _within_reach(z: FloatArray, log: BoolArray) -> FloatArray:
    """Move a logged candidate (candidate, ..., step, series) whose mean lies more than REACH from the middle one's."""
    mean = z.mean(axis=-2, keepdims=True)
    away = mean - known_median(mean)
    return np.asarray(z - np.where(log, away - np.clip(away, -np.log(REACH), np.log(REACH)), 0.0))
