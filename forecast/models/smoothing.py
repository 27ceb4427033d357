"""statsmodels' smoothing models: ETS, theta, and both after STL. Comes in: one series. Goes out: a fit of it.

They take no regressors, and gaps are filled from the season before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from forecast.errors import ModelError, one_of
from forecast.models.falling_back import NotFittedError
from forecast.models.one_by_one import Fit, History, OneByOne
from forecast.models.quiet import unwarned
from forecast.panel import FloatArray

Rest = Literal["ets", "arima"]
#: Longer seasons have their first states by statsmodels' heuristic, not estimated one by one.
ESTIMATED = 12
#: Iterations that L-BFGS is given before a fit counts as not converged.
ITERATIONS = 1_000
#: The model of what STL leaves, where that is ARIMA: simple exponential smoothing with a constant slope of 0.
ARIMA_REST = (0, 1, 1)


@dataclass(frozen=True, kw_only=True)
class ETS(OneByOne):
    """Exponential smoothing in state-space form, ``statsmodels.tsa.exponential_smoothing.ets.ETSModel``.

    On logs with additive errors. Trend (none or damped) and season (none or additive) that are not given are those with
    the least AICc.

    Parameters
    ----------
    trend : bool, optional
        Whether there is a damped trend; None: by AICc.
    seasonal : bool, optional
        Whether there is a season; None: by AICc.
    regressors, log, fallback, refits, paths, name
        See :class:`forecast.models.one_by_one.OneByOne`; it takes no regressors.

    Notes
    -----
    Source: Hyndman, Koehler, Ord and Snyder (2008), doi:10.1007/978-3-540-71918-2.
    """

    takes_regressors = False
    takes_any_unit = False

    name: str = "ets"
    trend: bool | None = None
    seasonal: bool | None = None

    def fit(self, history: History) -> Fit:
        """Choose trend and season, and fit."""
        if self.seasonal and history.season == 1:
            raise NotFittedError("seasonal=True, and the history does not hold two seasons")
        trends = (False, True) if self.trend is None else (self.trend,)
        seasons = (False, True) if self.seasonal is None else (self.seasonal,)
        best: _Smoothed | None = None
        reason = ""
        for trend in trends:
            for seasonal in seasons:
                if seasonal and history.season == 1:
                    continue
                try:
                    found = _ets(history.whole, trend=trend, season=history.season if seasonal else 1)
                except NotFittedError as why:
                    reason = str(why)
                    continue
                if best is None or found.results.aicc < best.results.aicc:
                    best = found
        if best is None:
            raise NotFittedError(reason)
        return best


@dataclass(frozen=True, kw_only=True)
class Theta(OneByOne):
    """The theta method, ``statsmodels.tsa.forecasting.theta.ThetaModel``: half a line, half simple smoothing.

    The season is taken out (additively on logs) where a test at 10 % finds one. It is fitted anew at every past cut.

    Parameters
    ----------
    regressors, log, fallback, refits, paths, name
        See :class:`forecast.models.one_by_one.OneByOne`; it takes no regressors, and ``refits`` changes nothing.

    Notes
    -----
    Source: Assimakopoulos and Nikolopoulos (2000), doi:10.1016/S0169-2070(00)00066-2; Fioruci et al. (2015),
    arXiv:1503.03529.
    """

    takes_regressors = False

    name: str = "theta"

    def fit(self, history: History) -> Fit:
        """Fit one series."""
        from statsmodels.tsa.forecasting.theta import ThetaModel

        whole, season = history.whole, history.season
        if np.ptp(whole) == 0:
            raise NotFittedError("the series never moves")
        with unwarned():
            try:
                model = ThetaModel(whole, period=season, deseasonalize=season > 1, method="additive")
                results = model.fit(disp=False)
            except (np.linalg.LinAlgError, ValueError) as cause:
                raise NotFittedError(f"theta failed: {str(cause).splitlines()[0]}") from cause
        return _Theta(results, "theta of 2" + (f", season of {season}" if season > 1 else ""))


@dataclass(frozen=True, kw_only=True)
class STL(OneByOne):
    """Seasons by STL, the rest by another model: ``statsmodels.tsa.forecasting.stl.STLForecast``.

    The last season is repeated; with more than one season in the history (a day and a week of hours) all are taken out
    by MSTL. The rest is forecast by ETS with a damped trend or none, by AICc, or by ARIMA(0,1,1).

    Parameters
    ----------
    rest : {"ets", "arima"}
    robust : bool
        Odd days weigh less.
    regressors, log, fallback, refits, paths, name
        See :class:`forecast.models.one_by_one.OneByOne`; it takes no regressors.

    Notes
    -----
    Source: Cleveland et al. (1990), STL; Bandara, Hyndman and Bergmeir (2021), MSTL, arXiv:2107.13462.
    """

    takes_regressors = False
    takes_any_unit = False

    name: str = ""
    rest: Rest = "ets"
    robust: bool = False

    def __post_init__(self) -> None:
        """Check the model of the rest, and name the whole by it."""
        one_of("rest", self.rest, get_args(Rest), ModelError)
        if not self.name:
            object.__setattr__(self, "name", f"stl_{self.rest}")
        super().__post_init__()

    def fit(self, history: History) -> Fit:
        """Take the seasons out, and fit the rest."""
        if not history.seasons:
            raise NotFittedError("the history does not hold two seasons")
        # MSTL takes a season that the history holds more than twice.
        seasons = tuple(m for m in history.seasons if m == history.season or 2 * m < len(history.whole))
        season = _seasons_of(history.whole, seasons, robust=self.robust)
        left = history.whole - season.sum(axis=1)
        inner = _ets(left, trend=None, season=1) if self.rest == "ets" else _arima(left)
        words = f"seasons of {' and '.join(map(str, seasons))}, the rest {inner.words}"
        return _Decomposed(inner, season, seasons, words, robust=self.robust)


# --------------------------------------------------------------------------------------------------------------- fits


@dataclass(frozen=True, slots=True)
class _Smoothed:
    """Results of ETSModel or ARIMA, and the options of the program."""

    results: Any
    words: str

    def point(self, history: History) -> FloatArray:
        """Forecast (horizon,)."""
        return np.asarray(self.results.forecast(len(history.ahead)), dtype="float64")

    def moved(self, history: History) -> Fit:
        """The same parameters after another history."""
        return self.onto(history.whole)

    def onto(self, values: FloatArray) -> _Smoothed:
        """The same parameters after other values, which begin where these did."""
        with unwarned():
            model = self.results.model
            if hasattr(self.results, "apply"):
                return _Smoothed(self.results.apply(values), self.words)
            again = type(model)(
                values,
                error=model.error,
                trend=model.trend,
                damped_trend=model.damped_trend,
                seasonal=model.seasonal,
                seasonal_periods=model.seasonal_periods if model.seasonal else None,
                initialization_method="estimated" if model.initialization_method == "estimated" else "heuristic",
            )
            return _Smoothed(again.smooth(self.results.params), self.words)

    def sample(self, history: History, count: int, rng: np.random.Generator) -> FloatArray:
        """Futures with the parameters held: (count, horizon)."""
        horizon = len(history.ahead)
        if hasattr(self.results, "apply"):
            drawn = self.results.simulate(horizon, anchor="end", repetitions=count, rng=rng)
        else:
            shocks = float(np.sqrt(self.results.scale)) * rng.standard_normal((horizon, count))
            drawn = self.results.simulate(horizon, anchor="end", repetitions=count, random_errors=shocks)
        return np.asarray(drawn, dtype="float64").reshape(horizon, count).T


@dataclass(frozen=True, slots=True)
class _Theta:
    results: Any
    words: str

    def point(self, history: History) -> FloatArray:
        """Forecast (horizon,)."""
        return np.asarray(self.results.forecast(len(history.ahead), theta=2), dtype="float64")

    def moved(self, history: History) -> Fit:
        """It is fitted anew: that is as quick."""
        return Theta(name="theta").fit(history)

    def sample(self, history: History, count: int, rng: np.random.Generator) -> FloatArray:
        """Futures of an IMA(1,1) about the forecast: (count, horizon). Hyndman and Billah (2003)."""
        horizon = len(history.ahead)
        with unwarned():
            # Its variance is that of an ARIMA(0,1,1), fitted when it is asked for.
            alpha, sigma = float(self.results.params["alpha"]), float(np.sqrt(self.results.sigma2))
        shock = sigma * rng.standard_normal((count, horizon))
        before = np.concatenate([np.zeros((count, 1)), np.cumsum(shock, axis=1)[:, :-1]], axis=1)
        return self.point(history) + shock + alpha * before


@dataclass(frozen=True, slots=True)
class _Decomposed:
    """Seasons (period, season) of a history, and the fit of the rest."""

    inner: _Smoothed
    season: FloatArray
    seasons: tuple[int, ...]
    words: str
    robust: bool

    def _ahead(self, horizon: int) -> FloatArray:
        """The last of each season, repeated: (horizon,)."""
        t = np.arange(horizon)
        return np.asarray(sum(self.season[-m:, j][t % m] for j, m in enumerate(self.seasons)))

    def point(self, history: History) -> FloatArray:
        """Forecast (horizon,)."""
        return self.inner.point(history) + self._ahead(len(history.ahead))

    def moved(self, history: History) -> Fit:
        """Seasons anew, the parameters of the rest held."""
        season = _seasons_of(history.whole, self.seasons, robust=self.robust)
        inner = self.inner.onto(history.whole - season.sum(axis=1))
        return _Decomposed(inner, season, self.seasons, self.words, self.robust)

    def sample(self, history: History, count: int, rng: np.random.Generator) -> FloatArray:
        """Futures of the rest on the last seasons repeated: (count, horizon)."""
        return self.inner.sample(history, count, rng) + self._ahead(len(history.ahead))


def _ets(values: FloatArray, *, trend: bool | None, season: int) -> _Smoothed:
    """Fit ETS with additive errors; with ``trend`` None, the better of none and damped by AICc."""
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    if np.ptp(values) == 0:
        raise NotFittedError("the series never moves")
    best: _Smoothed | None = None
    for damped in (False, True) if trend is None else (trend,):
        model = ETSModel(
            values,
            error="add",
            trend="add" if damped else None,
            damped_trend=damped,
            seasonal="add" if season > 1 else None,
            seasonal_periods=season if season > 1 else None,
            initialization_method="estimated" if season <= ESTIMATED else "heuristic",
        )
        with unwarned():
            try:
                found = model.fit(disp=0, maxiter=ITERATIONS)
            except (np.linalg.LinAlgError, ValueError) as cause:
                raise NotFittedError(f"ets failed: {str(cause).splitlines()[0]}") from cause
        if not found.mle_retvals.get("converged", False):
            continue
        words = f"{'damped trend' if damped else 'no trend'}, {f'season of {season}' if season > 1 else 'no season'}"
        if best is None or found.aicc < best.results.aicc:
            best = _Smoothed(found, words)
    if best is None:
        raise NotFittedError(f"ets did not converge in {ITERATIONS} iterations")
    return best


def _arima(values: FloatArray) -> _Smoothed:
    """Fit ARIMA(0,1,1) to what STL left."""
    from statsmodels.tsa.arima.model import ARIMA

    if np.ptp(values) == 0:
        raise NotFittedError("the series never moves")
    with unwarned():
        try:
            found = ARIMA(values, order=ARIMA_REST).fit()
        except (np.linalg.LinAlgError, ValueError) as cause:
            raise NotFittedError(f"arima failed: {str(cause).splitlines()[0]}") from cause
    if not found.mle_retvals.get("converged", True):
        raise NotFittedError("arima did not converge")
    return _Smoothed(found, "arima({},{},{})".format(*ARIMA_REST))


def _seasons_of(values: FloatArray, seasons: tuple[int, ...], *, robust: bool) -> FloatArray:
    """The seasonal components of a history: (period, season)."""
    from statsmodels.tsa import seasonal

    if len(seasons) == 1:
        return np.asarray(seasonal.STL(values, period=seasons[0], robust=robust).fit().seasonal)[:, None]
    found = seasonal.MSTL(values, periods=seasons, stl_kwargs={"robust": robust}).fit().seasonal
    return np.asarray(found, dtype="float64")
