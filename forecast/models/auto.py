"""``auto``: many candidates for many series at once, weighed by their errors at past cuts.

Comes in: a panel. Goes out: forecasts from the end and from cuts inside the history, on the series' own scale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from forecast.models.autoregression import Lags, autoregress
from forecast.models.baselines import filled
from forecast.models.combination import combine
from forecast.models.holt_winters import Smoothed, grid, smooth
from forecast.models.logscale import log_scale
from forecast.models.protocol import Rolled, cuts_of
from forecast.panel import FloatArray, IntArray, Panel

#: Series that are worked on at once: bounds memory, changes no number but through what the panel shares.
BLOCK = 1_000
#: A candidate further than this factor from the middle one is pulled back to it.
REACH = 2.5

_LAGS = {
    1: Lags((2, 3, 4), (4, 8), 50.0),
    4: Lags((2, 3, 4, 5, 8), (4, 8), 50.0),
    5: Lags((2, 3, 4, 5, 6, 10), (5, 20), 50.0),
    7: Lags((2, 3, 4, 5, 6, 7, 8, 9, 14, 21, 28), (7, 28, 56), 50.0),
    12: Lags((2, 3, 6, 12, 13), (3, 12), 50.0),
    24: Lags(
        (2, 3, 4, 5, 23, 24, 25, 26, 48, 49, 72, 96, 120, 143, 144, 145, 167, 168, 169, 170, 336, 337), (24, 168), 10.0
    ),
    52: Lags((2, 3, 4, 5, 6, 7, 8, 13, 26, 51, 52, 53, 54), (8, 52), 20.0),
}


@dataclass(frozen=True, slots=True)
class Auto:
    """Seasonal means, Holt-Winters on a grid, a log-linear trend and a pooled autoregression, combined.

    All work on the guarded log scale. Weights come from errors at rolling cuts, joined with the panel's own ranking;
    the point is the weighted median of the candidates, so one wild candidate moves it little.
    """

    name: str = "auto"
    fast: bool = False

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
        scale = log_scale(values)
        z = scale.forward(values)
        names, smoothed = zip(*self._candidates(panel, z, cuts, length, horizon), strict=True)
        actual = (
            np.stack([values[c : c + length] for c in cuts]) if len(cuts) else np.zeros((0, length, values.shape[1]))
        )
        known = np.cumsum(np.isfinite(values), axis=0)
        enough = known[cuts - 1] >= 2 if len(cuts) else np.zeros((0, values.shape[1]), dtype=bool)
        past_z = np.where(enough[None, :, None, :], np.stack([s.past for s in smoothed]), np.nan)
        point_z = np.stack([s.point for s in smoothed])
        past = scale.back(_within_reach(past_z, scale.log))
        point = scale.back(_within_reach(point_z, scale.log))
        past_mix, point_mix, weights = combine(past, point, actual, cuts, length)
        return past_mix, point_mix, weights, list(names)

    def _candidates(
        self, panel: Panel, z: FloatArray, cuts: IntArray, length: int, horizon: int
    ) -> Iterator[tuple[str, Smoothed]]:
        known = len(z)
        seasons = [m for m in panel.seasons if known >= 2 * m] or [1]
        short, long = seasons[0], seasons[-1]
        full = filled(z, short)
        for back in (1, 4) if self.fast else (1, 4, 8, 16):
            if known >= (back + 1) * short:
                yield f"mean of {back} seasons", _means(full, short, back, cuts, length, horizon)
        if long != short:
            yield "mean of 3 long seasons", _means(full, long, 3, cuts, length, horizon)
        yield (
            "Holt-Winters, level",
            smooth(z, long, grid(16, (), seasonal=long > 1, trend=False), cuts, length=length, horizon=horizon),
        )
        damped = grid(16 if self.fast else 32, (0.8, 0.93, 0.985), seasonal=long > 1, trend=True)
        yield "Holt-Winters, damped trend", smooth(z, long, damped, cuts, length=length, horizon=horizon)
        if not self.fast:
            steady = grid(16, (0.997, 1.0), seasonal=long > 1, trend=True)
            yield "Holt-Winters, lasting trend", smooth(z, long, steady, cuts, length=length, horizon=horizon)
            if long > 1 and long >= 24:
                yield (
                    "Holt, damped trend",
                    smooth(
                        z,
                        1,
                        grid(16, (0.8, 0.93, 0.985), seasonal=False, trend=True),
                        cuts,
                        length=length,
                        horizon=horizon,
                    ),
                )
        if known >= 8 * short:
            for back in (26,) if self.fast else (13, 26, 52):
                window = back * short
                if window <= known:
                    yield f"log-linear trend over {back} seasons", _lines(full, short, window, cuts, length, horizon)
        lags = _LAGS.get(long, _LAGS.get(short, _LAGS[1]))
        if known > lags.reach + 2 * short:
            yield "autoregression", autoregress(full, lags, cuts, length=length, horizon=horizon)


def _from_each(
    ahead: Callable[[int, int], FloatArray], z: FloatArray, cuts: IntArray, length: int, horizon: int
) -> Smoothed:
    """Forecast ``length`` periods from each cut and ``horizon`` from the end, by ``ahead(end, steps)``."""
    past = np.stack([ahead(int(c), length) for c in cuts]) if len(cuts) else np.zeros((0, length, z.shape[1]))
    return Smoothed(past, ahead(len(z), horizon))


def _means(z: FloatArray, season: int, back: int, cuts: IntArray, length: int, horizon: int) -> Smoothed:
    """Phase means over the last ``back`` seasons, repeated."""

    def ahead(end: int, steps: int) -> FloatArray:
        whole = max(1, min(back, end // season))
        window = z[max(0, end - whole * season) : end]
        if len(window) < season:
            return np.repeat(window.mean(axis=0)[None], steps, axis=0)
        return np.asarray(window.reshape(whole, season, -1).mean(axis=0)[np.arange(steps) % season])

    return _from_each(ahead, z, cuts, length, horizon)


def _lines(z: FloatArray, season: int, window: int, cuts: IntArray, length: int, horizon: int) -> Smoothed:
    """Least squares on a line and phase means over the last ``window`` periods, continued."""

    def ahead(end: int, steps: int) -> FloatArray:
        used = min(window, end)
        y = z[end - used : end]
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

    return _from_each(ahead, z, cuts, length, horizon)


def _within_reach(z: FloatArray, log: np.ndarray) -> FloatArray:
    """Pull a logged candidate that lies more than REACH from the middle one back to that distance."""
    if not np.isfinite(z).any():
        return z
    middle = np.nanmedian(np.where(np.isfinite(z).any(axis=0), z, 0.0), axis=0)
    return np.where(log, np.clip(z, middle - np.log(REACH), middle + np.log(REACH)), z)
