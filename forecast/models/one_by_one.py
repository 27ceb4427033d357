"""Models that are fitted to one series at a time. Comes in: a panel. Goes out: forecasts from the end and past cuts.

What a single model supplies is one method, :meth:`OneByOne.fit`; gaps, scale, regressors, past cuts, fallbacks and the
model's own sample paths are seen to here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, Protocol, get_args

import numpy as np
import pandas as pd

from forecast.errors import ModelError, one_of
from forecast.models.baselines import filled
from forecast.models.falling_back import NotFittedError, with_fallback
from forecast.models.logscale import LogScale, log_scale
from forecast.models.protocol import Futures, Model, Rolled, checked
from forecast.models.regressors import CollinearError, Regressor, check_regressors, design
from forecast.panel import FloatArray, IntArray, Panel
from forecast.progress import Work, in_parallel
from forecast.streams import stream

#: Where the sample paths come from: drawn around the point from errors at past cuts, as of every model, or the model's
#: own, as its program draws them.
Paths = Literal["joint", "own"]
#: A forecast more than so many times what the series ever was has run away.
RUNAWAY = 1_000.0
#: Values are divided by a power of it where a program's search hangs on their size: of two, so that no bit is lost.
UNIT = 1_024.0


@dataclass(frozen=True, slots=True)
class History:
    """One series as a model sees it.

    Attributes
    ----------
    series : str
    values : float array (period,)
        On the model's scale, from the first known value on; NaN in gaps.
    periods : DatetimeIndex (period,)
    ahead : DatetimeIndex (horizon,)
    freq : str
    seasons : tuple of int
        Season lengths that the history holds twice, the shortest first; empty where there is none.
    past, future : float array (period, regressor) and (horizon, regressor)
    regressors : tuple of str
    """

    series: str
    values: FloatArray
    periods: pd.DatetimeIndex
    ahead: pd.DatetimeIndex
    freq: str
    seasons: tuple[int, ...]
    past: FloatArray
    future: FloatArray
    regressors: tuple[str, ...] = ()

    @property
    def season(self) -> int:
        """The shortest season that the history holds twice; 1 where there is none."""
        return self.seasons[0] if self.seasons else 1

    @property
    def whole(self) -> FloatArray:
        """The values with each gap filled from the season before: for models that take no gaps."""
        return filled(self.values[:, None], self.season)[:, 0]


class Fit(Protocol):
    """A model fitted to one history."""

    @property
    def words(self) -> str:
        """What was fitted: orders, components."""
        ...

    def point(self, history: History) -> FloatArray:
        """Forecast the periods ahead of the history it was last given: (horizon,)."""
        ...

    def moved(self, history: History) -> Fit:
        """The same parameters after another history of the series."""
        ...

    def sample(self, history: History, count: int, rng: np.random.Generator) -> FloatArray:
        """The model's own futures, on its own: (count, horizon)."""
        ...


@dataclass(frozen=True, kw_only=True)
class OneByOne:
    """What models that take one series at a time have in common.

    Parameters
    ----------
    name : str
        What tables and messages call it.
    regressors : sequence of Regressor
        :class:`Holidays`, :class:`WorkingDays`, :class:`Event`, or a table (:class:`Regressors`).
    log : bool
        Fit logs, where a series has no values below 0 and rests seldom (a tenth of the median is added where values
        come near 0); the point is then a median, and calibration brings totals to where past ones were.
    fallback : str or Model, optional
        What forecasts a series that the model could not be fitted to; the result's notes name them. None refuses. Where
        no series could be fitted there is an error in any case: the model is not the one for such data.
    refits : int
        How often it is fitted anew on the way through past cuts; in between, parameters stay and the history moves on.
    paths : {"joint", "own"}
        Sample paths drawn around the point from errors at past cuts and calibrated, as of every model; or the
        model's own, uncalibrated, tied over series by rank.

    Raises
    ------
    ModelError
        An argument does not hold.
    """

    #: What a history needs, in periods, besides two of its seasons.
    least: ClassVar[int] = 10
    takes_regressors: ClassVar[bool] = True
    #: Whether its program finds the same fit in any unit; else values that are no logs come to it in powers of 1,000.
    takes_any_unit: ClassVar[bool] = True

    name: str = ""
    regressors: Sequence[Regressor] = ()
    log: bool = True
    fallback: str | Model | None = "seasonal_mean"
    refits: int = 3
    paths: Paths = "joint"

    def __post_init__(self) -> None:
        """Check what all of them share."""
        object.__setattr__(self, "regressors", check_regressors(self.regressors))
        if self.regressors and not self.takes_regressors:
            raise ModelError(
                f"model {self.name!r} takes no regressors; 'sarimax', 'unobserved_components' and 'prophet' do"
            )
        one_of("paths", self.paths, get_args(Paths), ModelError)
        if isinstance(self.refits, bool) or not isinstance(self.refits, int) or self.refits < 1:
            raise ModelError(f"refits={self.refits!r}: wanted a whole number, at least 1")
        if self.fallback is not None:
            from forecast.models import model_of

            object.__setattr__(self, "fallback", model_of(self.fallback))

    def fit(self, history: History) -> Fit:
        """Fit one series; ``NotFittedError`` where that fails, with the reason."""
        raise NotImplementedError

    # ------------------------------------------------------------------------------------------------- the protocol

    def point(self, panel: Panel, horizon: int) -> FloatArray:
        """Forecast (horizon, series)."""
        return self.roll(panel, horizon, np.zeros(0, dtype=np.intp), 1).point

    def roll(self, panel: Panel, horizon: int, cuts: IntArray, length: int) -> Rolled:
        """Forecast from the end and from each cut."""
        from joblib import delayed

        count = len(panel.series)
        calls = (delayed(_one)(self, panel, i, horizon, cuts, length) for i in range(count))
        done: list[_Done] = list(in_parallel(calls, "forecasting", [Work()] * count))
        point = np.stack([d.point for d in done], axis=1)
        past = np.stack([d.past for d in done], axis=-1)
        words = [f"{self.name}: {d.words}" for d in done]
        made = Rolled(point, past, cuts, tuple(words), _said(self.name, done))
        reasons = {i: d.reason for i, d in enumerate(done) if d.reason}
        made = with_fallback(made, panel, name=self.name, fallback=self.fallback, reasons=reasons)
        checked(self, made.point, (horizon, count))
        return made

    def futures(self, panel: Panel, horizon: int, count: int, seed: int) -> Futures:
        """The model's own sample paths of each series that it was fitted to, if ``paths="own"``: else none."""
        from joblib import delayed

        if self.paths == "joint":
            return Futures(np.zeros((count, horizon, 0)), np.zeros(0, dtype=np.intp))
        calls = (delayed(_drawn)(self, panel, i, horizon, count, seed) for i in range(len(panel.series)))
        made = list(in_parallel(calls, "drawing paths", [Work()] * len(panel.series)))
        columns = [i for i, one in enumerate(made) if one is not None]
        drawn = [one for one in made if one is not None]
        values = np.stack(drawn, axis=-1) if drawn else np.zeros((count, horizon, 0))
        return Futures(values, np.array(columns, dtype=np.intp))


# ----------------------------------------------------------------------------------------------------- one series


@dataclass(frozen=True, slots=True)
class _Done:
    """What was made of one series; ``reason`` says why not, where it was not."""

    point: FloatArray
    past: FloatArray
    words: str = ""
    reason: str = ""
    idle: tuple[str, ...] = field(default=())


def _one(model: OneByOne, panel: Panel, i: int, horizon: int, cuts: IntArray, length: int) -> _Done:
    """Forecast one series from the end and from each cut."""
    past = np.full((len(cuts), length), np.nan)
    nothing = np.full(horizon, np.nan)
    try:
        history, idle, scale = _history(model, panel, i, len(panel.values), horizon)
        fit = _fitted(model, history)
        point = _sane(fit.point(history), history, scale)
    except NotFittedError as why:
        return _Done(nothing, past, reason=str(why))
    anew = {int(k) for k in np.linspace(0, len(cuts), model.refits, endpoint=False)}
    moving: Fit | None = None
    held: LogScale | None = None
    for k, cut in enumerate(cuts):
        try:
            fresh = moving is None or held is None or k in anew or not _fits(held, panel.values[:cut, i])
            known, _, own = _history(model, panel, i, int(cut), length, scale=None if fresh else held)
            moving = _fitted(model, known) if fresh or moving is None else moving.moved(known)
            held = own
            past[k] = _sane(moving.point(known), known, own)
        except (NotFittedError, CollinearError):
            # What could not be forecast then has no error there; regressors that differ by now may not have then.
            moving = held = None
    return _Done(point, past, fit.words, idle=idle)


def _drawn(model: OneByOne, panel: Panel, i: int, horizon: int, count: int, seed: int) -> FloatArray | None:
    """A model's own futures of one series: (count, horizon); None where it could not be fitted."""
    try:
        history, _, scale = _history(model, panel, i, len(panel.values), horizon)
        fit = _fitted(model, history)
        _sane(fit.point(history), history, scale)
        z = fit.sample(history, count, stream(seed, "own", model.name, panel.series[i]))
        return scale.back(z[..., None])[..., 0]
    except NotFittedError:
        return None


def _fitted(model: OneByOne, history: History) -> Fit:
    need = max(model.least + 2 * history.past.shape[1], 2 * history.season)
    known = int(np.isfinite(history.values).sum())
    if known < need:
        raise NotFittedError(f"{known} known periods, and {model.name} needs {need}")
    return model.fit(history)


def _history(
    model: OneByOne, panel: Panel, i: int, cut: int, horizon: int, *, scale: LogScale | None = None
) -> tuple[History, tuple[str, ...], LogScale]:
    """A series up to a cut on the model's scale, the regressors that say nothing, and the scale."""
    values = panel.values[:cut, i]
    there = np.isfinite(values)
    if not there.any():
        raise NotFittedError("nothing is known yet")
    begin = int(np.argmax(there))
    values = values[begin:]
    own = scale or _scale(values, panel.seasons[0], log=model.log, unit=None if model.takes_any_unit else UNIT)
    every = pd.date_range(panel.periods[begin], periods=cut - begin + horizon, freq=panel.periods.freq or panel.freq)
    known = cut - begin
    columns, idle = design(model.regressors, every, panel.freq, known=known, series=panel.series[i])
    seasons = tuple(m for m in panel.seasons if m > 1 and known >= 2 * m)
    history = History(
        panel.series[i],
        own.forward(values[:, None])[:, 0],
        every[:known],
        every[known:],
        panel.freq,
        seasons,
        columns.values[:known],
        columns.values[known:],
        columns.names,
    )
    return history, idle, own


def _scale(values: FloatArray, season: int, *, log: bool, unit: float | None) -> LogScale:
    """Logs where they are asked for and possible; else a power of ``unit``, or 1.

    The median then lies between 1 and ``unit``.
    """
    found = log_scale(values[:, None], season)
    if log and found.log[0]:
        return replace(found, unit=np.ones(1))
    size = np.ones(1) if unit is None else unit ** np.floor(np.log(found.unit) / np.log(unit) + 1e-9)
    return LogScale(np.zeros(1, dtype=bool), found.bounded, np.zeros(1), size)


def _fits(scale: LogScale, values: FloatArray) -> bool:
    """Whether a scale chosen on less history can take it all: logs take no zero, and what is bounded no value below."""
    least = float(np.nanmin(values))
    return (least >= 0 or not scale.bounded[0]) and (not scale.log[0] or least + float(scale.offset[0]) > 0)


def _sane(z: FloatArray, history: History, scale: LogScale) -> FloatArray:
    """A forecast on the series' own scale; one that is no number or has run away was not fitted."""
    value = scale.back(np.asarray(z, dtype="float64")[:, None])[:, 0]
    most = RUNAWAY * float(np.nanmax(np.abs(scale.back(history.values[:, None]))))
    if not np.isfinite(value).all() or (np.abs(value) > most).any():
        raise NotFittedError("its forecast ran away")
    return value


# ------------------------------------------------------------------------------------------------------------ notes


def _said(name: str, done: list[_Done]) -> tuple[str, ...]:
    idle = sorted({n for d in done for n in d.idle})
    if not idle:
        return ()
    told = ", ".join(map(repr, idle))
    return (f"{name}: regressor {told} has not varied in the history of some series: its effect is taken as 0 there",)
