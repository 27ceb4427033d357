"""What a model is: a name, and a point forecast of a panel. Comes in: a panel and a horizon. Goes out: an array."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np

from forecast.errors import ModelError
from forecast.panel import BoolArray, FloatArray, IntArray, Panel
from forecast.shown import short_repr


@runtime_checkable
class Model(Protocol):
    """A point forecaster of many series at once.

    Any object with these two members serves. Joint sample paths and calibrated bands are made around it from its own
    errors at past cuts, so a model need not know about uncertainty.
    """

    @property
    def name(self) -> str:
        """What tables and messages call it."""
        ...

    def point(self, panel: Panel, horizon: int) -> FloatArray:
        """Forecast the next ``horizon`` periods: float array (horizon, series), finite."""
        ...


@runtime_checkable
class RollingModel(Model, Protocol):
    """A model that forecasts from many cuts in one pass, sooner than one cut at a time."""

    def roll(self, panel: Panel, horizon: int, cuts: IntArray, length: int) -> Rolled:
        """Forecast ``length`` periods from each cut, and ``horizon`` periods from the end."""
        ...


@dataclass(frozen=True, slots=True)
class Rolled:
    """Forecasts from the end of a panel and from cuts inside it.

    Attributes
    ----------
    point : float array (horizon, series)
    past : float array (cut, length, series)
        The forecast made at each cut with what was known then; NaN where a series had too little history.
    cuts : int array (cut,)
        How many periods were known at each cut.
    method : tuple of str (series,)
        What was done for each series, in words.
    notes : tuple of str
        What a reader must be told: series that fell back to another model, regressors that say nothing.
    """

    __repr__ = short_repr

    point: FloatArray
    past: FloatArray
    cuts: IntArray
    method: tuple[str, ...] = field(default=())
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Futures:
    """A model's own sample paths of some series of a panel.

    Attributes
    ----------
    values : float array (draw, horizon, column)
    columns : int array (column,)
        Which of the panel's series.
    """

    __repr__ = short_repr

    values: FloatArray
    columns: IntArray


@runtime_checkable
class SamplingModel(Model, Protocol):
    """A model that brings its own sample paths of some series; the others' are drawn around its point.

    If it has an attribute ``planned``, a tuple of names, those series are forecast beside the panel's: they come to
    :meth:`futures` as columns of which nothing is known, and it must have futures of them.
    """

    def futures(self, panel: Panel, horizon: int, count: int, seed: int) -> Futures:
        """Draw ``count`` futures of the series it has futures of, perhaps none."""
        ...


#: Cuts inside the history: at most this many, a quarter of their length apart.
MAX_CUTS = 16


def cuts_of(panel: Panel, horizon: int) -> tuple[IntArray, int]:
    """Rolling cuts for a horizon: the counts of periods known at each, and the length that each forecasts.

    A cut leaves at least a quarter of the history and two seasons before it; the length is the horizon, or a quarter
    of the history where that is shorter. Consecutive cuts lie a quarter of the length apart.
    """
    known = len(panel.periods)
    season = panel.seasons[0] if known >= 4 * panel.seasons[0] else 1
    length = int(min(horizon, max(season, known // 4)))
    first = max(2 * season, known // 4, 2)
    if known - length < first:
        return np.zeros(0, dtype=np.intp), length
    step = max(1, length // 4)
    cuts = np.arange(known - length, first - 1, -step)[:MAX_CUTS]
    return cuts[::-1].astype(np.intp), length


def roll(model: Model, panel: Panel, horizon: int, cuts: IntArray, length: int) -> Rolled:
    """Forecast with any model from the end and from each cut; a wrong shape or value is the model's error."""
    if isinstance(model, RollingModel):
        rolled = model.roll(panel, horizon, cuts, length)
        checked(model, rolled.point, (horizon, len(panel.series)))
        shape, wanted = np.shape(rolled.past), (len(cuts), length, len(panel.series))
        if shape != wanted:
            raise ModelError(
                f"model {model.name!r} gave a past of shape {shape}; wanted (cut, step, series) = {wanted}"
            )
        return rolled
    point = checked(model, model.point(panel, horizon), (horizon, len(panel.series)))
    past = np.full((len(cuts), length, len(panel.series)), np.nan)
    for i, cut in enumerate(cuts):
        known = panel.until(int(cut))
        started: BoolArray = np.asarray(np.isfinite(known.values).any(axis=0))
        if started.any():
            part = known.part(started)
            past[i][:, started] = checked(model, model.point(part, length), (length, int(started.sum())))
    return Rolled(point, past, cuts, tuple([model.name] * len(panel.series)))


def checked(model: Model, values: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """Hold a model to its promise: the shape (horizon, series), and finite numbers."""
    array = np.asarray(values, dtype="float64")
    if array.shape != shape:
        raise ModelError(
            f"model {model.name!r} gave an array of shape {array.shape}; wanted (horizon, series) = {shape}"
        )
    if not np.isfinite(array).all():
        count = int((~np.isfinite(array)).sum())
        raise ModelError(f"model {model.name!r} gave {count} values that are not finite numbers")
    return array
