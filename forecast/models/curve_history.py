"""Use since a product's launch, by whole seasons. Comes in: a panel and a cut. Goes out: levels and their times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecast.models.curve_fitting import Curves, Kind, log_share
from forecast.panel import BoolArray, FloatArray, IntArray, Panel, known_median

#: A history needs so many blocks (seasons, or periods where there is no short one), and so many known periods.
LEAST_BLOCKS, LEAST_PERIODS = 4, 10
#: A day's or a week's season is taken out: the longest that is held so often, else the shortest if held twice.
OFTEN = 4
#: A block of which less than this was seen is left out.
SEEN = 0.3
#: The recent level is that of so many blocks; phases and shapes within blocks are taken from so many.
RECENT, SHAPES = 4, 13
#: How often phases and levels of blocks with gaps are fitted in turn.
TURNS = 10
#: The most that a curve is let rise within half a block, in logs.
MOST_RISE = 30.0
#: A series whose last quarter (two blocks at least) lies below this share of its highest quarter falls.
FALLEN, LEAST_QUARTER = 0.8, 2
#: A series whose level, in the later half, usually changes by more than this log (a factor of 2) a block is no curve;
#: what is added before logs are taken, over the median level.
JUMP, JUMP_OFFSET = 0.7, 0.02
#: And one that has nothing in more than this share of those blocks.
RESTS = 0.2
#: Where use counts from the launch, a history whose first blocks are above this share of its highest began after it.
BEGAN = 0.3


@dataclass(frozen=True, slots=True)
class Within:
    """Days within a season: phases (season, column) of mean 1, and past blocks over curve and phase (block, ...)."""

    phase: FloatArray
    shape: FloatArray


@dataclass(frozen=True, slots=True)
class Seen:
    """A panel as known at a cut, in whole seasons up to the cut: the first may be cut short.

    Attributes
    ----------
    season : int
    values : float array (block, season, series)
        NaN before the first use.
    level, t : float array (block, series)
        The mean of each block, phases of gaps allowed for, and its middle since the launch; NaN where too little is
        known.
    age : int array (series,)
        Periods since the launch.
    recent : float array (series,)
        The mean of the last four levels.
    good : bool array (series,)
    why : tuple of str (series,)
        What keeps a curve from a series.
    """

    season: int
    values: FloatArray
    level: FloatArray
    t: FloatArray
    age: IntArray
    recent: FloatArray
    good: BoolArray
    why: tuple[str, ...]

    def largest(self, series: int) -> float:
        """The largest mean of four levels in a row among the last: one week above a ceiling is noise."""
        level = self.level[np.isfinite(self.level[:, series]), series][-SHAPES:]
        return float(np.convolve(level, np.ones(RECENT) / RECENT, mode="valid").max())

    def ahead(self, horizon: int) -> FloatArray:
        """Periods since the launch of the periods ahead: (horizon, series)."""
        return np.asarray(self.age + 1.0 + np.arange(horizon)[:, None])

    def blocks_ahead(self, horizon: int) -> IntArray:
        """Blocks since the last known one: (horizon, series)."""
        gap = np.argmax(np.isfinite(self.level[::-1]), axis=0)
        return np.asarray(gap + 1 + (np.arange(horizon) // self.season)[:, None])

    def within(self, kind: Kind, curves: Curves, columns: IntArray) -> Within:
        """Phases and shapes of the last blocks, over curves of these columns."""
        values, level = self.values[-SHAPES:][:, :, columns], self.level[-SHAPES:, columns]
        back = np.arange(-values.shape[0] * self.season + 1, 1).reshape(values.shape[:2])
        t = np.maximum(self.age[columns] + back[..., None], 0.5)
        start, rate = curves.theta[:, 1], curves.theta[:, 2]
        middle = log_share(kind, np.nan_to_num(self.t[-SHAPES:, columns], nan=1.0), start, rate).log
        # A block that the curve puts before its rise says nothing of phases.
        curve = np.exp(np.clip(log_share(kind, t, start, rate).log - middle[:, None], -MOST_RISE, MOST_RISE))
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = values / curve / np.where(level > 0, level, np.nan)[:, None]
            phase = _mean_one(known_median(ratio))
            shape = np.where(np.isfinite(ratio) & (phase > 0), ratio / phase, 1.0)
            mean = (shape * phase).mean(axis=1, keepdims=True)
        return Within(phase, np.where(mean > 0, shape / np.where(mean > 0, mean, 1.0), 1.0))


def seen_at(panel: Panel, cut: int, *, since_launch: bool = False) -> Seen:
    """A panel as known at a cut."""
    values = panel.values[:cut]
    used = np.nan_to_num(values) > 0
    first = np.argmax(used, axis=0)
    after = np.arange(cut)[:, None] >= first
    below = np.nanmin(np.where(np.isfinite(values), values, np.inf), axis=0, initial=np.inf) < 0
    values = np.where(after & used.any(axis=0), values, np.nan)
    season = _season(panel, cut)
    count, width = -(-cut // season), values.shape[1]
    whole = np.full((count * season, width), np.nan)
    whole[len(whole) - cut :] = values
    blocks = whole.reshape(count, season, width)
    known = np.isfinite(blocks)
    phase = _phases(blocks)
    number = known.sum(axis=1)
    enough = (number > 0) & (number >= SEEN * season)
    t = (np.arange(count * season) - (count * season - cut))[:, None] - first + 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        weight = np.where(known, phase, 0.0).sum(axis=1)
        level = np.where(known, blocks, 0.0).sum(axis=1) / weight
        middle = np.where(known, t.reshape(blocks.shape), 0.0).sum(axis=1) / number
    enough &= np.isfinite(level)
    level, middle = np.where(enough, level, np.nan), np.where(enough, middle, np.nan)
    recent = _recent(level)
    why = _why(level, known.sum(axis=(0, 1)), recent, below, since_launch=since_launch)
    good = np.array([not w for w in why], dtype=bool)
    return Seen(season, blocks, level, middle, (cut - first).astype(np.intp), recent, good, why)


def _why(
    level: FloatArray, periods: IntArray, recent: FloatArray, below: BoolArray, *, since_launch: bool
) -> tuple[str, ...]:
    """What keeps a curve from each series, empty where nothing does."""
    out = []
    for i in range(level.shape[1]):
        known = level[np.isfinite(level[:, i]), i]
        if below[i]:
            out.append("values below 0 are no use of a product")
        elif len(known) < LEAST_BLOCKS or periods[i] < LEAST_PERIODS:
            need = f"{LEAST_PERIODS} in {LEAST_BLOCKS} blocks"
            out.append(f"{periods[i]} known periods since the first use, and a curve needs {need}")
        elif not recent[i] > 0:
            out.append("nothing was used of late")
        else:
            out.append(_odd(known, float(recent[i])) or (_late(known) if since_launch else ""))
    return tuple(out)


def _odd(level: FloatArray, recent: float) -> str:
    """What makes known levels (block,) no curve that rises; empty if nothing does."""
    late = level[-max(LEAST_BLOCKS, len(level) // 2) :]
    rests = float((late == 0).mean())
    if rests > RESTS:
        return f"it rests: there is nothing in {rests:.0%} of the blocks of its later half"
    jump = float(np.median(np.abs(np.diff(np.log(late + JUMP_OFFSET * max(np.median(late), 1e-6 * recent))))))
    if jump > JUMP:
        return f"its level jumps: by a factor of {np.exp(jump):.1f} from one block to the next, usually"
    quarter = max(LEAST_QUARTER, len(level) // 4)
    means = np.convolve(level, np.ones(quarter) / quarter, mode="valid")
    if means[-1] < FALLEN * means.max():
        return f"it falls: its last quarter is {means[-1] / means.max():.0%} of its highest"
    return ""


def _late(level: FloatArray) -> str:
    """What tells that known levels (block,) began long after a launch; empty where nothing does."""
    share = float(level[:RECENT].mean() / level.max())
    if share > BEGAN:
        return f"its launch lies before the history, which begins at {share:.0%} of its highest level"
    return ""


def _recent(level: FloatArray) -> FloatArray:
    """The mean of the last known levels: (series,)."""
    after = np.cumsum(np.isfinite(level)[::-1], axis=0)[::-1]
    last = np.isfinite(level) & (after <= RECENT)
    return np.asarray(np.where(last, level, 0.0).sum(axis=0) / np.maximum(last.sum(axis=0), 1))


def _season(panel: Panel, cut: int) -> int:
    """The season that is taken out: a week or a day, never a year."""
    if cut < 2 or panel.periods[1] - panel.periods[0] >= pd.Timedelta(days=7):
        return 1
    held = [m for m in panel.seasons if cut >= OFTEN * m]
    return (held or [m for m in panel.seasons[:1] if cut >= 2 * m] or [1])[-1]


def _phases(blocks: FloatArray) -> FloatArray:
    """Phases of the last blocks over their level, less the usual growth: (season, series), of mean 1.

    Levels of blocks with gaps need phases, and phases need levels: both are fitted in turn.
    """
    recent = blocks[-SHAPES:]
    season = blocks.shape[1]
    there = np.isfinite(recent)
    phase = np.ones(blocks.shape[1:])
    with np.errstate(divide="ignore", invalid="ignore"):
        steps = np.diff(np.log(known_median(recent, axis=1)), axis=0)
        growth = np.nan_to_num(known_median(np.where(np.isfinite(steps), steps, np.nan))) / season
        flat = recent / np.exp(growth * (np.arange(season) - (season - 1) / 2)[:, None])
        total = np.where(there, flat, 0.0).sum(axis=1)
        for _ in range(TURNS if season > 1 else 0):
            level = total / np.where(there, phase, 0.0).sum(axis=1)
            ratio = flat / level[:, None]
            phase = _mean_one(known_median(np.where(np.isfinite(ratio), ratio, np.nan)))
    return phase


def _mean_one(phase: FloatArray) -> FloatArray:
    """Phases (season, series) over their mean; 1 where nothing is known."""
    phase = np.where(np.isfinite(phase), phase, 1.0)
    mean = phase.mean(axis=0)
    return np.where(mean > 0, phase / np.where(mean > 0, mean, 1.0), 1.0)
