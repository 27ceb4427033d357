"""Joint futures of a panel. Comes in: a point and its errors, or a model's own paths. Goes out: paths, made when asked.

R trajectories in three parts: a level error and a growth error that last, and a daily shape taken from past errors, the
same cut for every series; in their place, where a model brings them, its own paths.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from forecast.errors import ModelError
from forecast.models.protocol import Futures
from forecast.panel import BoolArray, FloatArray, IntArray
from forecast.shown import short_repr


@dataclass(frozen=True, slots=True)
class Trajectories:
    """R joint futures of a panel, made when asked.

    Attributes
    ----------
    point : float array (period, series)
        The forecast.
    level : float array (trajectory, series)
        Log error there from the first period on.
    growth : float array (trajectory, series)
        Log error a period, growing along the path.
    slope : float array (series,)
        The point forecast's own log growth a period, adjusted for season.
    errors : float array (cut, length, series)
        Past log errors less their own line: what shapes are made of.
    origin, offset : int array (trajectory, period)
        Which cut and step each period's shape is taken from; the same for every series.
    scale : float array (series,)
        The scale of the total's log error over the horizon.
    relative : bool array (series,)
        False where a series has negative values: its errors are then in ``unit``, not in logs.
    unit : float array (series,)
    seen : tuple of str (series,)
        What the band of each series rests on, in words.
    method : tuple of str (series,)
        What was done for each series, in words.
    notes : tuple of str
        What a reader must be told of the forecast.
    own : float array (trajectory, period, column), optional
        Paths that the model brings itself, in place of those around the point.
    column : int array (series,), optional
        Where in ``own`` a series stands; -1 where it has none.
    """

    __repr__ = short_repr

    point: FloatArray
    level: FloatArray
    growth: FloatArray
    slope: FloatArray
    errors: FloatArray
    origin: IntArray
    offset: IntArray
    scale: FloatArray
    relative: np.ndarray
    unit: FloatArray
    seen: tuple[str, ...] = field(default=())
    method: tuple[str, ...] = field(default=())
    notes: tuple[str, ...] = field(default=())
    own: FloatArray | None = None
    column: IntArray | None = None

    @property
    def count(self) -> int:
        """How many trajectories."""
        return int(self.level.shape[0])

    def part(self, chosen: slice) -> Trajectories:
        """Some of the series."""
        return replace(
            self,
            point=self.point[:, chosen],
            level=self.level[:, chosen],
            growth=self.growth[:, chosen],
            slope=self.slope[chosen],
            errors=self.errors[:, :, chosen],
            scale=self.scale[chosen],
            relative=self.relative[chosen],
            unit=self.unit[chosen],
            seen=self.seen[chosen],
            method=self.method[chosen],
            column=None if self.column is None else self.column[chosen],
        )

    def paths(self, which: slice | IntArray = slice(None), series: slice | IntArray = slice(None)) -> FloatArray:
        """The futures of some trajectories and series: float array (trajectory, period, series)."""
        error = self.shape(which, series) + self.level[which][:, None, series]
        steps = np.arange(1, len(self.point) + 1)
        error += self.growth[which][:, None, series] * steps[None, :, None]
        made = self.around(error, series)
        if self.own is not None and self.column is not None:
            column = self.column[series]
            made[:, :, column >= 0] = self.own[which][:, :, column[column >= 0]]
        return made

    def shape(self, which: slice | IntArray = slice(None), series: slice | IntArray = slice(None)) -> FloatArray:
        """The daily part of the log errors: float array (trajectory, period, series)."""
        pool = self.errors[:, :, series]
        return np.asarray(pool[self.origin[which], self.offset[which]])

    def around(self, error: FloatArray, series: slice | IntArray = slice(None)) -> FloatArray:
        """The point forecast moved by ``error`` (trajectory, period, series)."""
        point, relative, unit = self.point[:, series], self.relative[series], self.unit[series]
        if relative.all():
            return point * np.exp(error)
        return np.where(relative, point * np.exp(np.where(relative, error, 0.0)), point + unit * error)


def beside(made: Trajectories, seen: BoolArray) -> Trajectories:
    """Make room for series of which nothing is known yet: ``seen`` (series,) says where the others stand."""
    number = len(seen)

    def wide(values: FloatArray, blank: float) -> FloatArray:
        out = np.full((*values.shape[:-1], number), blank, dtype=values.dtype)
        out[..., seen] = values
        return out

    def words(told: tuple[str, ...], blank: str) -> tuple[str, ...]:
        given = iter(told)
        return tuple(next(given) if here else blank for here in seen)

    return replace(
        made,
        point=wide(made.point, 0.0),
        level=wide(made.level, 0.0),
        growth=wide(made.growth, 0.0),
        slope=wide(made.slope, 0.0),
        errors=wide(made.errors, 0.0),
        scale=wide(made.scale, 0.0),
        relative=wide(made.relative, blank=True),
        unit=wide(made.unit, 1.0),
        seen=words(made.seen, "what is expected"),
        method=words(made.method, "nothing seen yet"),
    )


def with_own(made: Trajectories, futures: Futures, total: FloatArray) -> Trajectories:
    """Put a model's own paths in the place of those around the point, tied over series as those are.

    A path goes to the trajectory whose total's rank its own total has: each series keeps the model's own law, and
    which futures come together is what past errors say. The growth error is the slope of a path's log ratio to the
    point.
    """
    if not len(futures.columns):
        return made
    if (
        futures.values.shape != (made.count, len(made.point), len(futures.columns))
        or not np.isfinite(futures.values).all()
    ):
        raise ModelError(
            f"a model's own futures have shape {futures.values.shape}, or hold values that are not finite numbers; "
            f"wanted (draw, horizon, column) = ({made.count}, {len(made.point)}, {len(futures.columns)})"
        )
    number = made.level.shape[1]
    if len(np.unique(futures.columns)) < len(futures.columns) or not np.isin(futures.columns, np.arange(number)).all():
        raise ModelError(
            f"a model's own futures are of columns {futures.columns.tolist()}, not each once, or no series"
        )
    column = np.full(number, -1, dtype=np.intp)
    column[futures.columns] = np.arange(len(futures.columns))
    own = np.empty_like(futures.values)
    for k, i in enumerate(futures.columns):
        rank = np.argsort(np.argsort(total[:, i], kind="stable"), kind="stable")
        order = np.argsort(futures.values[:, :, k].sum(axis=1), kind="stable")
        own[:, :, k] = futures.values[order[rank], :, k]
    point, growth = made.point.copy(), made.growth.copy()
    blank = futures.columns[(point[:, futures.columns] == 0).all(axis=0)]
    point[:, blank] = np.median(own[:, :, column[blank]], axis=0)
    relative, unit = made.relative[futures.columns], made.unit[futures.columns]
    growth[:, futures.columns] = _tilt(own, point[:, futures.columns], relative, unit)
    return replace(made, point=point, growth=growth, own=own, column=column)


def _tilt(own: FloatArray, point: FloatArray, relative: np.ndarray, unit: FloatArray) -> FloatArray:
    """The slope a period of each path's log ratio to the point, or of its distance in units: (trajectory, column)."""
    small = 0.02 * unit
    t = np.arange(len(point)) - (len(point) - 1) / 2
    logs = np.log((np.maximum(own, 0.0) + small) / (np.maximum(point, 0.0) + small))
    ratio = np.where(relative, logs, (own - point) / unit)
    return np.asarray(np.einsum("t,rtk->rk", t, ratio) / max(float((t * t).sum()), 1e-12))
