"""statsmodels' state-space models: SARIMAX and unobserved components. Comes in: one series. Goes out: a fit of it.

Both take gaps as gaps and regressors as they are; past cuts filter the same parameters on.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from forecast.errors import ModelError, one_of
from forecast.models.falling_back import NotFittedError
from forecast.models.one_by_one import Fit, History, OneByOne
from forecast.models.quiet import unwarned
from forecast.panel import FloatArray
from forecast.shown import short_repr

#: Iterations that L-BFGS is given before a fit counts as not converged.
ITERATIONS = 500
#: Seasons of at most so many periods have a level for each phase; longer ones so many pairs of waves.
PHASES, WAVES = 12, 4
#: Orders (p, q) that are tried.
SHORT_LIST = ((0, 0), (1, 0), (0, 1), (1, 1), (2, 1), (1, 2), (2, 2))
#: A regressor of which less than this part (of its standard deviation) is left by the season says nothing beside it.
SAYS_NOTHING = 1e-6
#: The level at which the KPSS test calls a series not stationary.
KPSS_LEVEL = 0.05
#: statsmodels' trends of a SARIMAX, and its levels of unobserved components.
TRENDS = ("n", "c", "t", "ct")
KNOWN_LEVELS = (
    *("irregular", "fixed intercept", "deterministic constant", "random walk", "local level", "fixed slope"),
    *("deterministic trend", "random walk with drift", "local linear deterministic trend", "local linear trend"),
    *("smooth trend", "random trend"),
)
#: Unobserved components that are tried, by statsmodels' names.
LEVELS = ("local level", "random walk with drift", "local linear trend")


@dataclass(frozen=True, kw_only=True)
class SARIMAX(OneByOne):
    """Regression with ARIMA errors, ``statsmodels.tsa.statespace.sarimax.SARIMAX``.

    Orders that are not given are chosen: the season is a regression on phases (on four pairs of waves where it is
    longer than 12 periods); d is 1 where the KPSS test refuses, at 5 %, that what is left of the series after season
    and regressors is stationary, else 0; p and q are the one of seven pairs up to 2 with the least AICc of what is
    left, by Hannan and Rissanen's regressions. There is a constant with d = 0, and no drift with d = 1.

    Parameters
    ----------
    order : (p, d, q), optional
    seasonal_order : (P, D, Q, s), optional
        In place of the regression on phases.
    trend : str, optional
        statsmodels' ``"n"``, ``"c"``, ``"t"`` or ``"ct"``.
    regressors, log, fallback, refits, paths, name
        See :class:`forecast.models.one_by_one.OneByOne`.

    Notes
    -----
    Source: Hyndman and Khandakar (2008), doi:10.18637/jss.v027.i03, for d by KPSS and AICc; Kwiatkowski et al. (1992),
    doi:10.1016/0304-4076(92)90104-Y; Hannan and Rissanen (1982), doi:10.1093/biomet/69.1.81.
    """

    __repr__ = short_repr

    takes_any_unit = False

    name: str = "sarimax"
    order: tuple[int, int, int] | None = None
    seasonal_order: tuple[int, int, int, int] | None = None
    trend: str | None = None

    def __post_init__(self) -> None:
        """Check orders and trend."""
        super().__post_init__()
        if self.trend is not None:
            one_of("trend", self.trend, TRENDS, ModelError)
        _orders("order", self.order, 3)
        _orders("seasonal_order", self.seasonal_order, 4)

    def fit(self, history: History) -> Fit:
        """Choose the orders, and fit."""
        from statsmodels.tsa.statespace import sarimax

        seasonal = self.seasonal_order
        # Of the history that it is fitted to: a longer one may hold a season more.
        season = history.season if seasonal is None and history.season > 1 else 0
        order = self.order or _chosen(history, season)
        moves = order[1] > 0 or bool(seasonal and seasonal[1])
        trend = self.trend or ("n" if moves else "c")

        repeats = season or (seasonal[3] if seasonal and seasonal[1] else 0)
        taken = _taken(history, repeats, level=moves or "c" in trend)

        def program(known: History) -> Any:
            exog = _regression(known, known.past, taken, first=0, season=season)
            return sarimax.SARIMAX(
                known.values, exog, order=order, seasonal_order=seasonal or (0, 0, 0, 0), trend=trend
            )

        words = f"({order[0]},{order[1]},{order[2]})"
        words += str(seasonal).replace(" ", "") if seasonal else f", season of {season}" if season else ""
        words += _left_out(history, taken)
        return _StateSpace(_converged(lambda: program(history), self.name), words, _ahead(taken, season), program)


@dataclass(frozen=True, kw_only=True)
class UnobservedComponents(OneByOne):
    """A structural model, ``statsmodels.tsa.statespace.structural.UnobservedComponents``.

    A level and a season that both may change slowly, and regressors. The level that is not given is the one with the
    least AICc of local level, random walk with drift, and local linear trend. A season longer than 12 periods is made
    of four pairs of waves.

    Parameters
    ----------
    level : str, optional
        Any of statsmodels' names, such as ``"smooth trend"``.
    regressors, log, fallback, refits, paths, name
        See :class:`forecast.models.one_by_one.OneByOne`.

    Notes
    -----
    Source: Harvey (1989), Forecasting, structural time series models and the Kalman filter,
    doi:10.1017/CBO9781107049994.
    """

    __repr__ = short_repr

    takes_any_unit = False

    name: str = "unobserved_components"
    level: str | None = None

    def __post_init__(self) -> None:
        """Check the level."""
        super().__post_init__()
        if self.level is not None:
            one_of("level", self.level, KNOWN_LEVELS, ModelError)

    def fit(self, history: History) -> Fit:
        """Choose the level, and fit."""
        from statsmodels.tsa.statespace.structural import UnobservedComponents as Program

        season: dict[str, Any] = {}
        if 1 < history.season <= PHASES:
            season = {"seasonal": history.season}
        elif history.season > PHASES:
            season = {"freq_seasonal": [{"period": history.season, "harmonics": WAVES}]}

        taken = _taken(history, history.season if season else 0, level=self.level != "irregular")

        def program(known: History, level: str) -> Any:
            exog = _regression(known, known.past, taken, first=0, season=0)
            # statsmodels writes into the list of dicts that it is given.
            own = {k: [dict(d) for d in v] if isinstance(v, list) else v for k, v in season.items()}
            return Program(known.values, level, exog=exog, **own)

        names = (self.level,) if self.level else LEVELS
        best, chosen = None, ""
        reason = ""
        for level in names:
            try:
                found = _converged(partial(program, history, level), self.name)
            except NotFittedError as why:
                reason = str(why)
                continue
            if best is None or found.aicc < best.aicc:
                best, chosen = found, level
        if best is None:
            raise NotFittedError(reason)
        words = chosen + (f", season of {history.season}" if season else "")
        words += _left_out(history, taken)
        return _StateSpace(best, words, _ahead(taken, 0), lambda known: program(known, chosen))


# ------------------------------------------------------------------------------------------------------------ a fit


@dataclass(frozen=True, slots=True)
class _StateSpace:
    """Results of statsmodels, and how to make the program and the regression of another history."""

    results: Any
    words: str
    exog: Callable[[History], FloatArray | None]
    program: Callable[[History], Any]

    def point(self, history: History) -> FloatArray:
        """Forecast (horizon,)."""
        return np.asarray(self.results.forecast(len(history.ahead), exog=self.exog(history)), dtype="float64")

    def moved(self, history: History) -> Fit:
        """Filter another history with these parameters."""
        with unwarned():
            results = self.program(history).filter(self.results.params)
        return _StateSpace(results, self.words, self.exog, self.program)

    def sample(self, history: History, count: int, rng: np.random.Generator) -> FloatArray:
        """Futures of the state space, parameters held: (count, horizon)."""
        with unwarned():
            # A last state of no variance is told as a covariance that rounding made negative.
            made = self.results.simulate(
                len(history.ahead), anchor="end", repetitions=count, exog=self.exog(history), rng=rng
            )
        return np.asarray(made, dtype="float64").reshape(len(history.ahead), count).T


def _converged(program: Callable[[], Any], name: str) -> Any:
    """Fit by maximum likelihood; a fit that did not converge was none."""
    with unwarned():
        # Starting values that are not stationary, and convergence: which is read from the result itself.
        try:
            results = program().fit(disp=0, method="lbfgs", maxiter=ITERATIONS)
            found = results.mle_retvals
            if not found.get("converged", False) and found.get("iterations", ITERATIONS) < ITERATIONS:
                # Its search along a line gave up, most often beside the optimum: a fresh start tells which.
                results = results.model.fit(results.params, disp=0, method="lbfgs", maxiter=ITERATIONS)
        except (np.linalg.LinAlgError, ValueError) as cause:
            raise NotFittedError(f"{name} failed: {str(cause).splitlines()[0]}") from cause
    if not results.mle_retvals.get("converged", False):
        raise NotFittedError(f"{name} did not converge in {ITERATIONS} iterations")
    if not np.isfinite(results.params).all():
        raise NotFittedError(f"{name} found no finite parameters")
    return results


def _ahead(taken: _Taken, season: int) -> Callable[[History], FloatArray | None]:
    def exog(history: History) -> FloatArray | None:
        return _regression(history, history.future, taken, first=len(history.values), season=season)

    return exog


# ----------------------------------------------------------------------------------------------------- the regression


@dataclass(frozen=True, slots=True)
class _Taken:
    """How each regressor is taken: less ``centre``, over ``unit``; not at all where that is 0. Both (regressor,)."""

    centre: FloatArray
    unit: FloatArray


def _regression(history: History, own: FloatArray, taken: _Taken, *, first: int, season: int) -> FloatArray | None:
    """The regressors ``taken`` and, unless it is 0, the season's: (period, column); None where there are none."""
    used = taken.unit > 0
    phases = _season(season, first + np.arange(len(own))) if season else np.zeros((len(own), 0))
    table = np.concatenate([phases, (own[:, used] - taken.centre[used]) / taken.unit[used]], axis=1)
    return table if table.shape[1] else None


def _taken(history: History, season: int, *, level: bool) -> _Taken:
    """How each regressor is taken; a fit keeps to it when the history moves on.

    Not taken is what has not varied, or not otherwise than the season and the regressors before it: its effect could
    be any, and would tell once it does. L-BFGS does not find its way where the sizes of parameters differ widely: units
    are powers of ten, in which a column's range lies between 1 and 10, and beside a ``level`` a column that lies
    further from 0 than its range is taken less its mean.
    """
    spread, middle = np.ptp(history.past, axis=0), history.past.mean(axis=0)
    unit = np.zeros(len(spread))
    basis = np.ones((len(history.past), 1))
    if season:
        basis = np.concatenate([basis, _season(season, np.arange(len(basis)))], axis=1)
    for j in np.flatnonzero(spread > 0):
        column = (history.past[:, j] - middle[j]) / spread[j]
        left = column - basis @ np.linalg.lstsq(basis, column, rcond=None)[0]
        if left @ left > SAYS_NOTHING**2 * (column @ column):
            unit[j] = 10.0 ** np.floor(np.log10(spread[j]) + 1e-9)
            basis = np.column_stack([basis, column])
    return _Taken(np.where(level & (np.abs(middle) > spread), middle, 0.0), unit)


def _left_out(history: History, taken: _Taken) -> str:
    """In words, the regressors that have varied with the season alone."""
    names = [
        n for n, unit, x in zip(history.regressors, taken.unit, history.past.T, strict=True) if not unit and np.ptp(x)
    ]
    return f", {', '.join(names)} left out: the season says the same" if names else ""


def _season(season: int, t: np.ndarray) -> FloatArray:
    """Phases (less their mean, so that a constant can stand beside them), or pairs of waves: (period, column)."""
    if season <= PHASES:
        phase = t % season
        here = (phase[:, None] == np.arange(season)).astype("float64")
        return np.asarray(here[:, :-1] - here[:, -1:])
    angle = 2 * np.pi * np.outer(t, np.arange(1, WAVES + 1)) / season
    return np.asarray(np.concatenate([np.sin(angle), np.cos(angle)], axis=1))


def _chosen(history: History, season: int) -> tuple[int, int, int]:
    """Orders (p, d, q) of what season and regressors leave."""
    left = history.whole
    table = _regression(history, history.past, _taken(history, season, level=False), first=0, season=season)
    if table is not None:
        one = np.column_stack([np.ones(len(left)), table])
        # Fitted to first differences: a level that moves would pass for the season's.
        steps, moves = np.diff(one, axis=0), np.diff(left)
        left = left - one @ np.linalg.lstsq(steps, moves, rcond=None)[0]
    d = int(_moves(left))
    return _least(np.diff(left, n=d), d)


def _least(left: FloatArray, d: int) -> tuple[int, int, int]:
    """The pair (p, q) with the least AICc, each by regression on lags and on a long autoregression's residuals."""
    from statsmodels.tsa.arima.estimators.hannan_rissanen import hannan_rissanen

    number, best, chosen = len(left), np.inf, (0, d, 1)
    for p, q in SHORT_LIST:
        try:
            with warnings.catch_warnings():
                # A singular regression is told by a warning; its pair then has no sound variance.
                warnings.simplefilter("error")
                found = hannan_rissanen(left, ar_order=p, ma_order=q, demean=d == 0, unbiased=False)[0]
        except (np.linalg.LinAlgError, ValueError, Warning):
            continue
        count = p + q + 2
        if not found.sigma2 > 0 or number <= count + 1:
            continue
        aicc = number * np.log(found.sigma2) + 2 * count * number / (number - count - 1)
        if aicc < best:
            best, chosen = float(aicc), (p, d, q)
    return chosen


def _moves(left: FloatArray) -> bool:
    """Whether the KPSS test refuses that a series is stationary."""
    from statsmodels.tsa.stattools import kpss

    if np.ptp(left) == 0:
        return False
    with unwarned():
        # A p-value outside of the test's table is told by a warning.
        return float(kpss(left, regression="c", nlags="auto")[1]) < KPSS_LEVEL


def _orders(what: str, given: object, length: int) -> None:
    if given is None:
        return
    if (
        not isinstance(given, tuple | list)
        or len(given) != length
        or any(isinstance(k, bool) or not isinstance(k, int) or k < 0 for k in given)
    ):
        letters = "(p, d, q)" if length == 3 else "(P, D, Q, s)"
        raise ModelError(f"{what}={given!r}: wanted {letters}, whole numbers from 0 on")
