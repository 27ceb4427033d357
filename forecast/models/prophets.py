"""Prophet on the shelf. Comes in: one series. Goes out: Prophet's fit of it, made quietly and without a trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, fields, replace
from datetime import date
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

import numpy as np
import pandas as pd

from forecast.errors import ModelError, nearest, one_of
from forecast.models.falling_back import NotFittedError
from forecast.models.holiday_table import holidays_of, unseen
from forecast.models.logscale import LogScale, log_scale
from forecast.models.one_by_one import Fit, History, OneByOne
from forecast.models.protocol import Futures, Rolled
from forecast.models.quiet import quiet, seeded
from forecast.panel import BoolArray, FloatArray, IntArray, Panel
from forecast.periods import seasons

if TYPE_CHECKING:
    from prophet import Prophet as Program

Growth = Literal["linear", "logistic", "flat"]
Mode = Literal["additive", "multiplicative"]
#: Fourier terms of a season: Prophet's own choice, its usual number or none, or a number.
Season = Literal["auto"] | bool | int
#: A level on the series' own unit: one for all series, or one for each.
Level = float | Mapping[str, float]
#: In histories of fewer known periods Stan takes Newton's steps, and Prophet lets it take 10,000. Of 576 noisy series
#: none took more than 293; those without noise, whose likelihood has no bound, took all of them, at 9 s a fit.
SHORT, NEWTON_STEPS = 100, 1_000


@dataclass(frozen=True, kw_only=True, eq=False)
class Prophet(OneByOne):
    """Prophet: a piecewise trend, Fourier seasons, holidays and regressors, ``prophet.Prophet``.

    y(t) = g(t) (1 + m(t)) + a(t) + e(t), where g is the trend, m and a are the multiplicative and the additive terms,
    and e is normal; fitted by Stan at the mode of the posterior, which a history of less than 100 periods without noise
    may not reach in the 1,000 steps that it is given. The point is Prophet's ``yhat``; where a series has nothing below
    0, a forecast below 0 is 0. Gaps stay gaps. Whatever ``refits`` says, it is fitted anew at every past cut, for its
    parameters cannot be carried on (the trend would be that of an earlier date): up to 17 fits a series, about a second
    on 400 days.

    Parameters
    ----------
    growth : {"linear", "logistic", "flat"}
    cap : float or mapping of series to float, optional
        What logistic growth saturates at, on the series' own unit; not below the largest known value.
    floor : float or mapping of series to float, optional
        What it starts from; 0 without one. On logs it must be given, above 0.
    changepoints : int or sequence of dates
        How many dates are tried at which the trend may bend, spread evenly over the first ``changepoint_range`` of the
        history; or these dates, as far as they lie in the history at hand.
    changepoint_range : float
        Share of the history, above 0 and up to 1.
    changepoint_prior_scale, seasonality_prior_scale, holidays_prior_scale : float
        How freely the trend bends, and how large seasons and the effects of holidays and regressors may be.
    seasonality_mode : {"additive", "multiplicative"}
        Of seasons, holidays and regressors.
    weekly, daily, yearly : "auto", bool or int
        Whether there is such a season, or its number of Fourier terms. "auto" takes a week from two weeks of days on, a
        day from two days of hours on, a year from two years on.
    holidays : str or DataFrame, optional
        A country's ISO code: each of its public holidays has its own effect. Or a table as Prophet takes it: ``ds``,
        ``holiday``, perhaps ``lower_window`` and ``upper_window`` (days before and after), ``prior_scale``. A row
        counts on the period that bears its date: for weeks and longer periods :class:`forecast.Holidays` among the
        regressors counts the days.
    regressors, log, fallback, refits, paths, name
        See :class:`forecast.models.one_by_one.OneByOne`. Columns that do not vary where the series is known are left
        out. The raw series is fitted unless ``log=True``, which takes cap and floor to logs too. ``paths="own"``:
        Prophet's predictive samples, parameters held.

    Raises
    ------
    ModelError
        An argument does not hold; logistic growth has no cap, or a cap below the data; a country is not known.

    Notes
    -----
    Source: Taylor and Letham (2018), Forecasting at scale, doi:10.1080/00031305.2017.1380080.
    """

    #: From 15 days on Prophet sees a week; before, it is a line through the last weekend: over 24 noisy series of days
    #: the error of the next fortnight's total was 48 % with 14 days of history and 17 % with 15.
    least: ClassVar[int] = 15

    name: str = "prophet"
    log: bool = False
    growth: Growth = "linear"
    cap: Level | None = None
    floor: Level | None = None
    changepoints: int | Sequence[str | pd.Timestamp] = 25
    changepoint_range: float = 0.8
    changepoint_prior_scale: float = 0.05
    seasonality_mode: Mode = "additive"
    seasonality_prior_scale: float = 10.0
    holidays_prior_scale: float = 10.0
    weekly: Season = "auto"
    daily: Season = "auto"
    yearly: Season = "auto"
    holidays: str | pd.DataFrame | None = None
    #: Logs are taken here, where cap and floor can go with them: what the fit is given is the raw series.
    _logs: bool = field(default=False, init=False, repr=False)

    def __post_init__(self) -> None:
        """Check the settings, and copy what could be changed from outside."""
        super().__post_init__()
        one_of("growth", self.growth, get_args(Growth), ModelError)
        one_of("seasonality_mode", self.seasonality_mode, get_args(Mode), ModelError)
        for what in ("changepoint_prior_scale", "seasonality_prior_scale", "holidays_prior_scale"):
            _number(what, getattr(self, what), above=0.0)
        _number("changepoint_range", self.changepoint_range, above=0.0, most=1.0)
        for what in ("weekly", "daily", "yearly"):
            _season(what, getattr(self, what))
        object.__setattr__(self, "changepoints", _changepoints(self.changepoints))
        object.__setattr__(self, "holidays", holidays_of(self.holidays))
        object.__setattr__(self, "cap", _level("cap", self.cap))
        object.__setattr__(self, "floor", _level("floor", self.floor))
        _levels_fit(self)

    # ------------------------------------------------------------------------------------------------- the protocol

    def roll(self, panel: Panel, horizon: int, cuts: IntArray, length: int) -> Rolled:
        """Forecast from the end and from each cut.

        Raises
        ------
        ModelError
            A series has no cap, or one below its largest known value.
        """
        _levels_hold(self, panel)
        new = unseen(self.holidays, panel, panel.future(horizon))
        rolled = OneByOne.roll(self._raw(), panel, horizon, cuts, length)
        if not new:
            return rolled
        told = ", ".join(map(repr, new))
        note = f"{self.name}: holiday {told} has not come in the history: its effect is taken as 0"
        return replace(rolled, notes=(*rolled.notes, note))

    def futures(self, panel: Panel, horizon: int, count: int, seed: int) -> Futures:
        """Prophet's predictive samples of each series, if ``paths="own"``: else none."""
        _levels_hold(self, panel)
        return OneByOne.futures(self._raw(), panel, horizon, count, seed)

    def __repr__(self) -> str:
        """The settings that are not the usual ones."""
        shown = {f.name: getattr(self, f.name) for f in fields(self) if f.repr}
        if isinstance(self.holidays, pd.DataFrame):
            shown["holidays"] = f"table of {len(self.holidays)} rows"
        usual = {f.name: f.default for f in fields(self)}
        usual["fallback"] = getattr(self.fallback, "name", None)
        shown["fallback"] = usual["fallback"]
        kept = [f"{name}={value!r}" for name, value in shown.items() if value != usual[name]]
        return f"Prophet({', '.join(kept)})"

    def _raw(self) -> Prophet:
        """The same model, asking for raw values and taking logs itself."""
        raw = copy(self)
        object.__setattr__(raw, "_logs", self.log)
        object.__setattr__(raw, "log", False)
        return raw

    def fit(self, history: History) -> Fit:
        """Fit one series, given on its own unit.

        Raises
        ------
        NotFittedError
            Stan's optimisation failed.
        ModelError
            Prophet refuses the settings.
        """
        scale = _scale(history, log=self._logs)
        known = np.isfinite(history.values)
        used = np.ptp(history.past[known], axis=0) > 0
        levels = {what: _levelled(self, what, history.series, scale) for what in ("cap", "floor")}
        known_levels = {what: level for what, level in levels.items() if level is not None}
        table = _table(history.periods, history.past[:, used], known_levels)
        table["y"] = scale.forward(history.values[:, None])[:, 0]
        with quiet(), TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            try:
                program = _program(self, history.periods[known], int(used.sum()))
                short: dict[str, Any] = {"iter": NEWTON_STEPS} if known.sum() < SHORT else {}
                program.fit(table, output_dir=folder, **short)
            except RuntimeError as cause:
                raise NotFittedError(f"Stan's optimisation failed: {_last_line(cause)}") from cause
            except ValueError as cause:
                raise ModelError(f"prophet refuses the settings of model {self.name!r}: {cause}") from cause
        names = tuple(n for n, u in zip(history.regressors, used, strict=True) if u)
        return _Fitted(program, self, scale, known_levels, used, _words(self, program, names, scale))


# ------------------------------------------------------------------------------------------------------------ a fit


@dataclass(frozen=True, slots=True)
class _Fitted:
    """Prophet's fit of a history: levels on its scale, the regressors (regressor,) that are in it."""

    program: Program
    model: Prophet
    scale: LogScale
    levels: Mapping[str, float]
    used: BoolArray
    words: str

    def point(self, history: History) -> FloatArray:
        """Prophet's ``yhat``: (horizon,)."""
        with quiet():
            found = self.program.predict(self._ahead(history))["yhat"].to_numpy("float64")
        return self._back(found)

    def moved(self, history: History) -> Fit:
        """A new fit: Prophet's parameters are those of the date that it was fitted on.

        Starting from the earlier parameters takes 0.6 to 1.2 times as long, and Stan then stops up to 1 % elsewhere.
        """
        return self.model.fit(history)

    def sample(self, history: History, count: int, rng: np.random.Generator) -> FloatArray:
        """Prophet's predictive samples: (count, horizon)."""
        program = copy(self.program)
        program.uncertainty_samples = count
        with quiet(), seeded(rng):
            try:
                drawn = program.predictive_samples(self._ahead(history))["yhat"]
            except IndexError:
                # Prophet's quick way with logistic growth has no place for a change point at the history's end.
                drawn = program.predictive_samples(self._ahead(history), vectorized=False)["yhat"]
        return self._back(np.asarray(drawn, dtype="float64").T)

    def _ahead(self, history: History) -> pd.DataFrame:
        return _table(history.ahead, history.future[:, self.used], self.levels)

    def _back(self, values: FloatArray) -> FloatArray:
        """To the series' own unit; what lies below 0 is left to :class:`OneByOne`, as of every model."""
        return self.scale.back(values[..., None])[..., 0] if self.scale.log[0] else values


def _program(model: Prophet, known: pd.DatetimeIndex, regressors: int) -> Program:
    """Prophet with a model's settings, for a history that is known in these periods."""
    from prophet import Prophet as Program

    dates = None
    if not isinstance(model.changepoints, int):
        dates = [d for d in map(pd.Timestamp, model.changepoints) if known[0] <= d <= known[-1]]
    program = Program(
        growth=model.growth,
        changepoints=dates,
        n_changepoints=model.changepoints if isinstance(model.changepoints, int) else 0,
        changepoint_range=model.changepoint_range,
        yearly_seasonality=model.yearly,
        weekly_seasonality=model.weekly,
        daily_seasonality=model.daily,
        # Prophet writes into the table that it is given.
        holidays=model.holidays.copy() if isinstance(model.holidays, pd.DataFrame) else None,
        seasonality_mode=model.seasonality_mode,
        seasonality_prior_scale=model.seasonality_prior_scale,
        holidays_prior_scale=model.holidays_prior_scale,
        changepoint_prior_scale=model.changepoint_prior_scale,
        uncertainty_samples=0,
    )
    if isinstance(model.holidays, str):
        program.add_country_holidays(model.holidays)
    for j in range(regressors):
        program.add_regressor(_column(j))
    return program


def _table(periods: pd.DatetimeIndex, regressors: FloatArray, levels: Mapping[str, float]) -> pd.DataFrame:
    """A frame as Prophet takes it, without y."""
    columns: dict[str, Any] = {"ds": periods, **levels}
    columns |= {_column(j): regressors[:, j] for j in range(regressors.shape[1])}
    return pd.DataFrame(columns, index=range(len(periods)))


def _column(j: int) -> str:
    """A regressor's name inside: Prophet keeps some of those that a caller may choose for itself."""
    return f"regressor {j}"


def _scale(history: History, *, log: bool) -> LogScale:
    """Logs where they are asked for and possible; else the values as they are."""
    found = log_scale(history.values[:, None], seasons(history.freq)[0])
    one = np.ones(1)
    return replace(found, unit=one) if log else LogScale(np.zeros(1, dtype=bool), found.bounded, np.zeros(1), one)


def _levelled(model: Prophet, what: str, series: str, scale: LogScale) -> float | None:
    """A series' cap or floor on the scale that is fitted."""
    level = _level_of(getattr(model, what), series)
    return None if level is None else float(scale.forward(np.array([[level]]))[0, 0])


def _words(model: Prophet, program: Program, regressors: tuple[str, ...], scale: LogScale) -> str:
    """What was fitted."""
    bends = len(program.changepoints) if program.changepoints is not None else 0
    parts = [f"{model.growth} growth"]
    if model.growth != "flat":
        parts.append(f"{bends} change point{'' if bends == 1 else 's'}")
    if program.seasonalities:
        parts.append(f"{' and '.join(program.seasonalities)} season{'' if len(program.seasonalities) == 1 else 's'}")
    if isinstance(model.holidays, str):
        parts.append(f"holidays of {model.holidays}")
    elif model.holidays is not None:
        parts.append(f"holidays {', '.join(sorted(model.holidays['holiday'].unique()))}")
    if regressors:
        parts.append(f"regressors {', '.join(regressors)}")
    if model.seasonality_mode == "multiplicative":
        parts.append("multiplicative")
    return ", ".join(parts) + (", on logs" if scale.log[0] else "")


def _last_line(cause: RuntimeError) -> str:
    """What Stan said last: its messages are a command, a log, and then why."""
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    return lines[-1] if lines else "it says no more"


# --------------------------------------------------------------------------------------------------------- the door


def _number(what: str, given: object, *, above: float = -np.inf, most: float = np.inf) -> float:
    """Hold a setting to be a finite number in (above, most]."""
    real = isinstance(given, int | float | np.integer | np.floating) and not isinstance(given, bool)
    value = float(given) if real else np.nan  # type: ignore[arg-type]
    if not (np.isfinite(value) and above < value <= most):
        limits = (f" above {above:g}" if above > -np.inf else "") + (f" and up to {most:g}" if most < np.inf else "")
        raise ModelError(f"{what}={given!r}: wanted a number{limits}")
    return value


def _season(what: str, given: object) -> None:
    if isinstance(given, bool) or (isinstance(given, str) and given == "auto"):
        return
    if not isinstance(given, int) or given < 1:
        raise ModelError(f"{what}={given!r}: wanted 'auto', True, False, or a number of Fourier terms, at least 1")


def _changepoints(given: object) -> int | tuple[pd.Timestamp, ...]:
    if isinstance(given, int | np.integer) and not isinstance(given, bool) and given >= 0:
        return int(given)
    if isinstance(given, str | bool) or not isinstance(given, Sequence | pd.Index | np.ndarray | pd.Series):
        raise ModelError(f"changepoints={given!r}: wanted a whole number from 0 on, or a list of dates")
    return tuple(_date(one) for one in given)


def _date(given: object) -> pd.Timestamp:
    dated = isinstance(given, str | date | np.datetime64)
    read = pd.to_datetime(given, errors="coerce") if dated else pd.NaT  # type: ignore[call-overload]
    if pd.isna(read):
        raise ModelError(f"changepoints: {given!r} is not a date; write it as 2026-03-01")
    return pd.Timestamp(read).tz_localize(None)


def _level(what: str, given: object) -> Level | None:
    if given is None:
        return None
    if isinstance(given, Mapping):
        return {str(series): _number(f"{what} of {series!r}", value) for series, value in given.items()}
    return _number(what, given)


def _level_of(level: Level | None, series: str) -> float | None:
    return level.get(series) if isinstance(level, Mapping) else level


def _levels_fit(model: Prophet) -> None:
    """Check that growth, cap, floor and log go together."""
    if model.growth != "logistic":
        for what in ("cap", "floor"):
            if getattr(model, what) is not None:
                raise ModelError(
                    f"{what}={getattr(model, what)!r} is of logistic growth, and growth={model.growth!r}: "
                    "give growth='logistic' with it"
                )
        return
    if model.cap is None:
        raise ModelError("growth='logistic' needs a cap: what the series saturates at, on its own unit")
    if model.log:
        least = model.floor.values() if isinstance(model.floor, Mapping) else [model.floor]
        if any(value is None or value <= 0 for value in least):
            raise ModelError(f"floor={model.floor!r}: logistic growth on logs needs a floor above 0; 0 has no log")


def _levels_hold(model: Prophet, panel: Panel) -> None:
    """Hold each series' cap and floor against what is known of it."""
    if model.growth != "logistic":
        return
    largest = np.nanmax(panel.values, axis=0, initial=-np.inf)
    for series, most in zip(panel.series, largest, strict=True):
        cap, floor = _given(model.cap, "cap", series), _level_of(model.floor, series)
        if isinstance(model.floor, Mapping):
            floor = _given(model.floor, "floor", series)
        if cap < most:
            raise ModelError(
                f"series {series!r}: cap={cap:g} is a cap below the data: its largest known value is {most:g}; "
                "logistic growth saturates at its cap, so give one that the series can't pass"
            )
        if cap <= (floor or 0.0):
            raise ModelError(f"series {series!r}: cap={cap:g} is not above its floor, {floor or 0.0:g}")
        if floor is not None and np.isfinite(most) and floor >= most:
            raise ModelError(
                f"series {series!r}: floor={floor:g} is a floor above the data: its largest known value is {most:g}"
            )


def _given(level: Level | None, what: str, series: str) -> float:
    found = _level_of(level, series)
    if found is None:
        listed = level if isinstance(level, Mapping) else {}
        raise ModelError(f"{what}: none is given for the series {series!r}{nearest(series, listed)}")
    return found
