"""Jumps of price along paths. Comes in: rates, shares and sizes. Goes out: each jump, and factors made from them.

A path of 10,000 × 184 days × 20 SKUs holds 37 million factors (294 MB) but some thousand jumps: they are kept, and
factors are made for as many draws at a time as the caller asks for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from forecast.errors import PriceError
from forecast.panel import FloatArray, IntArray
from forecast.prices.history.rates import Rate, Share
from forecast.prices.history.sizes import Sizes
from forecast.streams import stream

DAYS_IN_YEAR: Final = 365.25
#: Provider and model: what jumps as one.
Model = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Law:
    """What is drawn for one provider.

    Attributes
    ----------
    rate : Rate
    share : Share
    name : str
        The stream from which the path's rate and share are drawn: one provider's models share them.
    """

    rate: Rate
    share: Share
    name: str


@dataclass(frozen=True, slots=True, repr=False)
class PriceJumps:
    """Jumps of price, sorted by model, draw and day.

    Attributes
    ----------
    draw, day, model : int arrays (jump,)
        Position of the path; of the first day on which the new price holds; of the model in ``models``.
    log_factor : float array (jump,)
        Logarithm of the new price over the old one.
    models : tuple of (provider, model)
    sku_model : int array (sku,)
        The model of each SKU.
    resets : tuple of int arrays
        Of each model, the days on which a known row sets its price anew.
    draws, days : int
    """

    draw: IntArray
    day: IntArray
    model: IntArray
    log_factor: FloatArray
    models: tuple[Model, ...]
    sku_model: IntArray
    resets: tuple[IntArray, ...]
    draws: int
    days: int

    def factors(self, first: int = 0, last: int | None = None) -> FloatArray:
        """Factors of the paths from ``first`` up to and without ``last``: float array (draw, day, sku)."""
        last = self.draws if last is None else min(last, self.draws)
        out = np.ones((max(last - first, 0), self.days, len(self.sku_model)))
        inside = (self.draw >= first) & (self.draw < last)
        for m in range(len(self.models)):
            mine = inside & (self.model == m)
            if not mine.any():
                continue
            paths, row = np.unique(self.draw[mine], return_inverse=True)
            level = np.zeros((len(paths), self.days))
            np.add.at(level, (row, self.day[mine]), self.log_factor[mine])
            np.cumsum(level, axis=1, out=level)
            for at in self.resets[m]:
                level[:, at:] -= level[:, at : at + 1].copy()
            moved = np.exp(level)
            for sku in np.flatnonzero(self.sku_model == m):
                out[paths - first, :, sku] = moved
        return out

    def __len__(self) -> int:
        return len(self.draw)

    def __repr__(self) -> str:
        return f"PriceJumps({len(self):,} jumps of {len(self.models)} models on {self.draws:,} paths, {self.days} days)"


def drawn_jumps(
    laws: Mapping[Model, Law],
    sizes: tuple[Sizes, Sizes],
    *,
    sku_model: IntArray,
    offsets: IntArray,
    resets: Sequence[IntArray],
    draws: int,
    seed: int,
) -> PriceJumps:
    """Draw every jump of every model.

    Rate, share of rises and parameters of size are drawn once a path. A jump at τ days after the as-of date holds from
    the first day ⌈τ⌉ on, so that k days after it the number of jumps is Poisson(λ k / 365.25).

    Parameters
    ----------
    laws : mapping (model,)
        In the order of ``sku_model``.
    offsets : int array (day,)
        Whole days since the as-of date, rising.
    """
    falls, rises = sizes
    parameters = [s.parameters(stream(seed, "price size", way), draws) for s, way in ((falls, "down"), (rises, "up"))]
    per_provider = {law.name: _lasting(law, draws, seed) for law in laws.values()}
    parts: list[tuple[IntArray, IntArray, IntArray, FloatArray]] = []
    for m, (model, law) in enumerate(laws.items()):
        rate, share = per_provider[law.name]
        path, time, wave = _arrivals(rate, float(offsets[-1]), draws, seed, model)
        day = np.searchsorted(offsets, np.ceil(time))
        size = np.empty(len(path))
        for k in np.unique(wave):
            at = wave == k
            own = path[at]
            rng = stream(seed, "price jump", *model, int(k))
            up = rng.uniform(size=draws)[own] < share[own]
            noise = rng.standard_normal(draws)[own]
            down_size, up_size = (
                np.minimum(np.exp(middle[own] + sd[own] * noise), law_of.largest)
                for (middle, sd), law_of in zip(parameters, sizes, strict=True)
            )
            size[at] = np.where(up, up_size, -down_size)
        order = np.lexsort((day, path))
        parts.append((path[order], day[order], np.full(len(path), m), size[order]))
    draw, day, which, size = (np.concatenate(column) for column in zip(*parts, strict=True))
    return PriceJumps(draw, day, which, size, tuple(laws), sku_model, tuple(resets), draws, len(offsets))


def _lasting(law: Law, draws: int, seed: int) -> tuple[FloatArray, FloatArray]:
    """A path's rate and its share of rises (draw,)."""
    ahead = law.rate.ahead
    rate = stream(seed, "price rate", law.name).gamma(ahead.shape, 1 / ahead.years, size=draws)
    return rate, stream(seed, "price share", law.name).beta(law.share.ups, law.share.downs, size=draws)


def _arrivals(
    rate: FloatArray, days: float, draws: int, seed: int, model: Model
) -> tuple[IntArray, FloatArray, IntArray]:
    """Path, time in days and number of each jump: exponential gaps, one draw a path and jump.

    A longer horizon adds jumps after those of a shorter one, which stay as they are.
    """
    time, alive = np.zeros(draws), np.arange(draws)
    paths, times, waves = [], [], []
    wave = 0
    while len(alive):
        gap = stream(seed, "price gap", *model, wave).standard_exponential(draws)
        time[alive] += gap[alive] / rate[alive] * DAYS_IN_YEAR
        alive = alive[time[alive] <= days]
        paths.append(alive)
        times.append(time[alive])
        waves.append(np.full(len(alive), wave))
        wave += 1
    return np.concatenate(paths), np.concatenate(times), np.concatenate(waves)


def offsets_of(days: IntArray, as_of: int) -> IntArray:
    """Whole days since the as-of date; refuses days that do not rise, or that lie before it."""
    offsets = days - as_of
    if not len(offsets) or (np.diff(offsets) <= 0).any() or offsets[0] < 0:
        raise PriceError("days must rise, one row a day, and begin on the as-of date or after it")
    return offsets
