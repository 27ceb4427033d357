"""``auto``: many candidates for many series at once, weighed by their errors at past cuts.

Comes in: a panel. Goes out: forecasts from the end and from cuts inside the history, on the series' own scale.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast.models.baselines import filled
from forecast.models.candidates import Task, candidates
from forecast.models.combination import combine
from forecast.models.day_effects import day_effects
from forecast.models.logscale import log_scale, to_mean
from forecast.models.protocol import Rolled, cuts_of
from forecast.panel import FloatArray, IntArray, Panel

#: Series that are worked on at once: bounds memory, changes no number but through what the panel shares.
BLOCK = 1_000
#: A candidate further than this factor from the middle one is pulled back to it.
REACH = 2.5


@dataclass(frozen=True, slots=True)
class Auto:
    """Seasonal means, Holt-Winters on a grid, a log-linear trend and a pooled autoregression, combined.

    All work on the guarded log scale. Weights come from errors at rolling cuts, joined with the panel's own ranking;
    the point is the weighted median of the candidates, so one wild candidate moves it little. With ``mean`` it is
    brought from the log scale's median to the mean, which is what adds up to totals; ratios are left as they are.
    """

    name: str = "auto"
    fast: bool = False
    mean: bool = True

    def point(self, panel: Panel, horizon: int) -> FloatArray:
        """Forecast (horizon, series)."""
        cuts, length = cuts_of(panel, horizon)
        return self.roll(panel, horizon, cuts, length).point

    def roll(self, panel: Panel, horizon: int, cuts: IntArray, length: int) -> Rolled:
        """Forecast from the end and from each cut in one pass over the history."""
        count = len(panel.series)
        past = np.full((len(cuts), length, count), np.nan)
        point = np.empty((horizon, count))
        words: list[str] = []
        for begin in range(0, count, BLOCK):
            part = slice(begin, min(begin + BLOCK, count))
            block = Panel(panel.values[:, part], panel.periods, panel.series[part], panel.freq)
            past[:, :, part], point[:, part], weights, names = self._block(block, horizon, cuts, length)
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
        past_mix, point_mix, weights = combine(past, point, actual, cuts, length, scale.log)
        if self.mean:
            factor = to_mean(past_mix, actual, scale, cuts, panel.seasons[0])
            past_mix, point_mix = past_mix * factor[:-1, None], point_mix * factor[-1]
        return past_mix, point_mix, weights, list(names)


def _within_reach(z: FloatArray, log: np.ndarray) -> FloatArray:
    """Pull a logged candidate that lies more than REACH from the middle one back to that distance."""
    if not np.isfinite(z).any():
        return z
    middle = np.nanmedian(np.where(np.isfinite(z).any(axis=0), z, 0.0), axis=0)
    return np.where(log, np.clip(z, middle - np.log(REACH), middle + np.log(REACH)), z)
