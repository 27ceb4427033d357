"""statsmodels on the shelf against statsmodels called directly; fallbacks, gaps, past cuts and own sample paths."""

import warnings
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
from statsmodels.tsa.arima.model import ARIMA
from statsmodels.tsa.exponential_smoothing.ets import ETSModel
from statsmodels.tsa.forecasting.stl import STLForecast
from statsmodels.tsa.forecasting.theta import ThetaModel
from statsmodels.tsa.seasonal import MSTL
from statsmodels.tsa.statespace import sarimax
from statsmodels.tsa.statespace.structural import UnobservedComponents as StatsmodelsComponents

import forecast as fc
from forecast.dependence import calibrate, trajectories
from forecast.errors import ModelError
from forecast.models import smoothing, statespace
from forecast.models.falling_back import NoneFittedError, NotFittedError
from forecast.models.one_by_one import OneByOne
from forecast.panel import Panel
from forecast.streams import stream

#: The same program with the same options: what is left is rounding on the way in and out.
SAME = 1e-9
#: Asked of a known event: its regressor leaves at most this part of the error of the month it comes in.
ASKED = 0.5
NO_CUTS = np.zeros(0, dtype=np.intp)
#: The two scales that a model may fit.
SCALES = {True: (np.log, np.exp), False: (np.asarray, np.asarray)}


def panel_of(values, freq="D", start="2025-01-01"):
    values = np.asarray(values, dtype="float64")
    values = values[:, None] if values.ndim == 1 else values
    periods = pd.date_range(start, periods=len(values), freq=freq)
    return Panel(values, periods, tuple(f"s{i}" for i in range(values.shape[1])), freq)


def frame_of(panel):
    wide = pd.DataFrame(panel.values, index=panel.periods.rename("ds"), columns=list(panel.series))
    return wide.reset_index().melt(id_vars="ds", var_name="unique_id", value_name="y")


def days(periods=120, seed=0, noise=0.1, season=7):
    """A log-normal first-order autoregression around 100, at half on the last two sevenths of a season."""
    shock = noise * stream(seed, "statsmodels", season).standard_normal(periods)
    level = np.zeros(periods)
    for t in range(1, periods):
        level[t] = 0.6 * level[t - 1] + shock[t]
    return 100 * np.exp(level) * np.where(np.arange(periods) % season >= season * 5 / 7, 0.5, 1.0)


def one(model, values, horizon=21, **arguments):
    return model.point(panel_of(values, **arguments), horizon)[:, 0]


def fitted(model, values, **arguments):
    return model.roll(panel_of(values, **arguments), 10, NO_CUTS, 1).method[0]


def quietly(make, **options):
    """Fit as the shelf does; statsmodels warns of starting values."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make.fit(disp=0, **options)


# --------------------------------------------------------------------------------------- statsmodels called directly


@pytest.mark.parametrize("log", [True, False])
@pytest.mark.parametrize("trend", [True, False])
@pytest.mark.parametrize("seasonal", [True, False])
def test_ets_is_statsmodels_own(log, trend, seasonal):
    there, back = SCALES[log]
    values = days()
    program = ETSModel(
        there(values),
        error="add",
        trend="add" if trend else None,
        damped_trend=trend,
        seasonal="add" if seasonal else None,
        seasonal_periods=7 if seasonal else None,
    )
    wanted = back(quietly(program, maxiter=smoothing.ITERATIONS).forecast(21))
    np.testing.assert_allclose(one(fc.ETS(trend=trend, seasonal=seasonal, log=log), values), wanted, rtol=SAME)


def test_ets_takes_trend_and_season_of_the_least_aicc():
    values = days(seed=3)
    found = {}
    for trend in (None, "add"):
        for season in (None, 7):
            program = ETSModel(
                np.log(values),
                trend=trend,
                damped_trend=trend is not None,
                seasonal="add" if season else None,
                seasonal_periods=season,
            )
            fit = quietly(program, maxiter=smoothing.ITERATIONS)
            found[fit.aicc] = np.exp(fit.forecast(21))
    np.testing.assert_allclose(one(fc.ETS(), values), found[min(found)], rtol=SAME)
    assert "season of 7" in fitted(fc.ETS(), values)


@pytest.mark.parametrize("log", [True, False])
def test_theta_is_statsmodels_own(log):
    there, back = SCALES[log]
    values = days()
    fit = ThetaModel(there(values), period=7, deseasonalize=True, method="additive").fit()
    np.testing.assert_allclose(one(fc.Theta(log=log), values), back(fit.forecast(21, theta=2)), rtol=SAME)


@pytest.mark.parametrize("log", [True, False])
@pytest.mark.parametrize("rest", ["ets", "arima"])
@pytest.mark.parametrize("robust", [False, True])
def test_stl_is_statsmodels_own(log, rest, robust):
    there, back = SCALES[log]
    values = days(seed=5)
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if rest == "arima":
            choices = [(ARIMA, {"order": (0, 1, 1)})]
        else:
            plain = {"error": "add", "initialization_method": "estimated"}
            choices = [(ETSModel, plain), (ETSModel, plain | {"trend": "add", "damped_trend": True})]
        for kind, options in choices:
            program = STLForecast(pd.Series(there(values)), kind, model_kwargs=options, period=7, robust=robust)
            fit = program.fit(fit_kwargs={"maxiter": smoothing.ITERATIONS, "disp": 0} if rest == "ets" else {})
            found.append((getattr(fit.model_result, "aicc", 0.0), back(np.asarray(fit.forecast(21)))))
    wanted = min(found, key=lambda pair: pair[0])[1]
    np.testing.assert_allclose(one(fc.STL(rest=rest, robust=robust, log=log), values), wanted, rtol=SAME)


def test_hours_have_a_day_and_a_week_as_mstl_takes_them_out():
    values = days(24 * 22, season=24) * np.where(np.arange(24 * 22) // 24 % 7 > 4, 0.6, 1.0)
    parts = MSTL(np.log(values), periods=(24, 168)).fit()
    left = np.log(values) - parts.seasonal.sum(axis=1)
    rest = ARIMA(left, order=(0, 1, 1)).fit()
    t = np.arange(30)
    season = parts.seasonal[-24:, 0][t % 24] + parts.seasonal[-168:, 1][t % 168]
    found = one(fc.STL(rest="arima"), values, 30, freq="h")
    np.testing.assert_allclose(found, np.exp(rest.forecast(30) + season), rtol=SAME)


def test_a_season_that_is_held_exactly_twice_is_not_mstls():
    """MSTL drops a season of half of the history: of 336 hours, which hold two weeks, the day's season is left."""
    assert fitted(fc.STL(), days(336, season=24), freq="h").startswith("stl_ets: seasons of 24, the rest")
    assert "seasons of 24 and 168" in fitted(fc.STL(), days(337, season=24), freq="h")
    # On the way through past cuts such a one is met.
    panel = panel_of(days(24 * 16, season=24), freq="h")
    rolled = fc.STL().roll(panel, 24, np.array([330, 336, 337, 360]), 24)
    assert np.isfinite(rolled.past).all()


def price(periods, seed=1):
    return np.cumsum(stream(seed, "price").standard_normal(periods)) / 5


def a_table(periods, x, start="2025-01-01"):
    dates = pd.date_range(start, periods=periods)
    return fc.Regressors(pd.DataFrame({"ds": dates, "x": x}), known_in_advance=True)


@pytest.mark.parametrize(("known", "log"), [(True, True), (False, False)])
@pytest.mark.parametrize(
    ("order", "seasonal", "trend", "meant"),
    [
        ((1, 0, 1), (1, 0, 0, 7), None, "c"),
        ((0, 1, 1), (0, 1, 1, 7), None, "n"),
        ((2, 0, 0), (1, 0, 0, 7), "ct", "ct"),
    ],
)
def test_sarimax_is_statsmodels_own(order, seasonal, trend, meant, known, log):
    there, back = SCALES[log]
    x = price(141)
    values = days() * np.exp(0.2 * x[:120])
    program = sarimax.SARIMAX(
        there(values), x[:120, None] if known else None, order=order, seasonal_order=seasonal, trend=meant
    )
    fit = quietly(program, method="lbfgs", maxiter=statespace.ITERATIONS)
    wanted = back(fit.forecast(21, exog=x[120:, None] if known else None))
    model = fc.SARIMAX(
        order=order, seasonal_order=seasonal, trend=trend, log=log, regressors=[a_table(141, x)] if known else []
    )
    assert fit.mle_retvals["converged"]
    np.testing.assert_allclose(one(model, values), wanted, rtol=SAME)


def test_without_a_seasonal_order_the_season_is_a_regression_on_phases():
    values = days()
    phase = np.arange(141) % 7
    table = (phase[:, None] == np.arange(6)).astype(float) - (phase == 6)[:, None]
    program = sarimax.SARIMAX(np.log(values), table[:120], order=(1, 0, 0), trend="c")
    wanted = np.exp(quietly(program, method="lbfgs", maxiter=statespace.ITERATIONS).forecast(21, exog=table[120:]))
    np.testing.assert_allclose(one(fc.SARIMAX(order=(1, 0, 0)), values), wanted, rtol=SAME)


@pytest.mark.parametrize(("known", "log"), [(True, True), (False, True), (True, False)])
@pytest.mark.parametrize("level", ["local level", "random walk with drift"])
def test_unobserved_components_are_statsmodels_own(level, known, log):
    there, back = SCALES[log]
    x = price(141)
    values = days() * np.exp(0.2 * x[:120])
    program = StatsmodelsComponents(there(values), level, seasonal=7, exog=x[:120, None] if known else None)
    fit = quietly(program, method="lbfgs", maxiter=statespace.ITERATIONS)
    assert fit.mle_retvals["converged"]
    wanted = back(fit.forecast(21, exog=x[120:, None] if known else None))
    model = fc.UnobservedComponents(level=level, log=log, regressors=[a_table(141, x)] if known else [])
    np.testing.assert_allclose(one(model, values), wanted, rtol=SAME)


def test_the_level_is_that_of_the_least_aicc():
    values = days(seed=4)
    found = {}
    for level in statespace.LEVELS:
        program = StatsmodelsComponents(np.log(values), level, seasonal=7)
        fit = quietly(program, method="lbfgs", maxiter=statespace.ITERATIONS)
        found[level] = fit.aicc if fit.mle_retvals["converged"] else np.inf
    assert fitted(fc.UnobservedComponents(), values).startswith(
        f"unobserved_components: {min(found, key=found.__getitem__)},"
    )


def test_gaps_are_gaps_to_the_state_space_and_filled_from_the_week_before_for_the_rest():
    values = days()
    values[[30, 31, 77, 118]] = np.nan
    program = sarimax.SARIMAX(np.log(values), order=(1, 0, 0), seasonal_order=(1, 0, 0, 7), trend="c")
    wanted = np.exp(quietly(program, method="lbfgs", maxiter=statespace.ITERATIONS).forecast(21))
    np.testing.assert_allclose(one(fc.SARIMAX(order=(1, 0, 0), seasonal_order=(1, 0, 0, 7)), values), wanted, rtol=SAME)
    filled = values.copy()
    for t in (30, 31, 77, 118):
        filled[t] = filled[t - 7]
    np.testing.assert_allclose(one(fc.Theta(), values), one(fc.Theta(), filled), rtol=SAME)


def test_a_late_start_counts_from_the_first_known_value():
    values = days()
    late = np.concatenate([np.full(35, np.nan), values])
    for model in (fc.Theta(), fc.SARIMAX(order=(1, 0, 0))):
        found = one(model, late, start=pd.Timestamp("2025-01-01") - pd.Timedelta(days=35))
        np.testing.assert_allclose(found, one(model, values), rtol=SAME)


UNITS = [fc.ETS(trend=False, log=False), fc.STL(rest="arima", log=False), fc.SARIMAX(order=(1, 0, 1), log=False)]
UNITS += [fc.Theta(log=False), fc.UnobservedComponents(level="local level", log=False)]


@pytest.mark.parametrize("model", UNITS, ids=[model.name for model in UNITS])
def test_without_logs_tokens_and_thousands_of_tokens_are_forecast_alike(model):
    """L-BFGS stops elsewhere, or nowhere, on values of millions; statsmodels itself is up to a seventh off there."""
    values = days(200)
    wanted = one(model, values)
    rtol = 1e-3 if model.takes_any_unit else 0.0  # Theta's own search stops elsewhere in its last figures
    # ETSModel's search ends in one of several places by the first figures alone.
    for size in () if model.name == "ets" else (20.0, 1e4):
        np.testing.assert_allclose(one(model, size * values) / size, wanted, rtol=0.02, err_msg=str(size))
    for size in (2.0**-20, 2.0**30):  # powers of the models' unit, 1,024, so that what is fitted are the same bits
        np.testing.assert_allclose(one(model, size * values) / size, wanted, rtol=rtol, err_msg=str(size))


# ----------------------------------------------------------------------------------------------------------- past cuts


def test_past_cuts_move_the_first_cuts_parameters_on():
    """refits=1: parameters of cut 70, filtered over what was known at 90."""
    values, cuts = days(), np.array([70, 90])

    def program(cut):
        return sarimax.SARIMAX(np.log(values[:cut]), order=(1, 0, 1), seasonal_order=(1, 0, 0, 7), trend="c")

    params = quietly(program(70), method="lbfgs", maxiter=statespace.ITERATIONS).params
    model = fc.SARIMAX(order=(1, 0, 1), seasonal_order=(1, 0, 0, 7), refits=1)
    rolled = model.roll(panel_of(values), 21, cuts, 14)
    for k, cut in enumerate(cuts):
        wanted = np.exp(program(cut).filter(params).forecast(14))
        np.testing.assert_allclose(rolled.past[k, :, 0], wanted, rtol=SAME)
    anew = replace(model, refits=2).roll(panel_of(values), 21, cuts, 14)
    for k, cut in enumerate(cuts):
        np.testing.assert_allclose(anew.past[k, :, 0], one(model, values[:cut], 14), rtol=SAME)


def test_ets_moves_on_as_statsmodels_smooths():
    values, cuts = days(), np.array([70, 90])
    fit = quietly(
        ETSModel(np.log(values[:70]), trend="add", damped_trend=True, seasonal="add", seasonal_periods=7),
        maxiter=smoothing.ITERATIONS,
    )
    again = ETSModel(np.log(values[:90]), trend="add", damped_trend=True, seasonal="add", seasonal_periods=7)
    rolled = fc.ETS(trend=True, seasonal=True, refits=1).roll(panel_of(values), 21, cuts, 14)
    np.testing.assert_allclose(rolled.past[0, :, 0], np.exp(fit.forecast(14)), rtol=SAME)
    np.testing.assert_allclose(rolled.past[1, :, 0], np.exp(again.smooth(fit.params).forecast(14)), rtol=SAME)


QUICK = [
    fc.ETS(trend=False, seasonal=True),
    fc.Theta(),
    fc.STL(),
    fc.STL(rest="arima"),
    fc.SARIMAX(order=(1, 0, 0), seasonal_order=(1, 0, 0, 7)),
    fc.UnobservedComponents(level="local level"),
]
NAMES = [model.name for model in QUICK]


@pytest.mark.parametrize("model", QUICK, ids=NAMES)
def test_what_comes_after_a_cut_changes_nothing_before(model):
    values, cuts = days(), np.array([60, 80, 100])
    planted = values.copy()
    planted[80:] *= 50
    planted[90:93] = np.nan
    before, after = (model.roll(panel_of(v), 14, cuts, 14).past for v in (values, planted))
    np.testing.assert_array_equal(before[:2], after[:2])
    assert not np.allclose(before[2], after[2])


@pytest.mark.parametrize("kind", [fc.SARIMAX, fc.UnobservedComponents])
def test_an_event_that_comes_between_two_fits_changes_no_forecast_before_it(kind):
    """A fit that has not seen the event keeps to its own columns when the history moves on over it."""
    options = {"order": (1, 0, 0)} if kind is fc.SARIMAX else {"level": "local level"}
    model = kind(refits=1, **options)
    values, cuts = days(), np.array([60, 80, 100])
    with_event = replace(model, regressors=[fc.Event("campaign", [("2025-03-12", "2025-03-14")])])
    panel = panel_of(values)  # day 71 is 12 March
    plain, told = (m.roll(panel, 14, cuts, 14).past for m in (model, with_event))
    np.testing.assert_allclose(told, plain, rtol=SAME)
    # Fitted anew at 80 it knows of it.
    anew = replace(with_event, refits=3).roll(panel, 14, cuts, 14).past
    assert not np.allclose(anew[1], plain[1])


def test_regressors_that_could_not_be_told_apart_then_leave_that_cut_without_a_forecast():
    one_time, twice = [("2025-02-01", "2025-02-03")], [("2025-02-01", "2025-02-03"), ("2025-04-01", "2025-04-03")]
    model = fc.SARIMAX(order=(1, 0, 0), regressors=[fc.Event("a", one_time), fc.Event("b", twice)])
    rolled = model.roll(panel_of(days()), 14, np.array([60, 80, 100]), 14)  # 1 April is day 90
    assert np.isfinite(rolled.point).all()
    np.testing.assert_array_equal(np.isfinite(rolled.past).all(axis=(1, 2)), [False, False, True])


# ----------------------------------------------------------------------------------------------------- a known event


CAMPAIGNS = [("2025-03-10", "2025-03-19"), ("2025-07-07", "2025-07-16"), ("2025-11-10", "2025-11-19")]


def test_a_known_campaign_halves_the_error_of_its_month_at_least():
    """Volume is trebled for ten days in March and July, and again in November: the total of November."""
    series, horizon = 5, 30
    dates = pd.date_range("2025-01-01", "2025-11-30")
    inside = np.zeros(len(dates), dtype=bool)
    for first, last in CAMPAIGNS:
        inside |= np.asarray((dates >= first) & (dates <= last))
    values = np.stack([days(len(dates), seed=k, noise=0.2) for k in range(series)], axis=1)
    values *= np.where(inside, 3.0, 1.0)[:, None]
    known = frame_of(panel_of(values[:-horizon]))
    actual = values[-horizon:].sum(axis=0)
    off = {}
    for what, regressors in {"with": [fc.Event("campaign", CAMPAIGNS)], "without": []}.items():
        model = fc.SARIMAX(regressors=regressors, refits=1)
        median = np.median(fc.sample_paths(known, horizon, model=model, draws=200, seed=1).values.sum(axis=1), axis=0)
        off[what] = np.mean(np.abs(median / actual - 1))
    told = f"error of the month {off['with']:.1%} with the event, {off['without']:.1%} without"
    assert off["with"] <= ASKED * off["without"], told
    # Ten days at three times the usual are 40 % of such a month: this is what is missed without.
    assert off["without"] > 0.25, told


# ------------------------------------------------------------------------------------------------ what cannot be fitted


@dataclass(frozen=True, kw_only=True)
class Picky(OneByOne):
    """Takes only series around 100; its forecast is the last value times ten."""

    name: str = "picky"
    factor: float = 10.0

    def fit(self, history):
        if history.values[0] > np.log(1_000):
            raise NotFittedError("its first day is above 1,000")
        return Tenfold(self.factor)


@dataclass(frozen=True)
class Tenfold:
    factor: float
    words: str = "ten times the last"

    def point(self, history):
        return np.full(len(history.ahead), np.log(self.factor) + history.values[-1])

    def moved(self, history):
        return self

    def sample(self, history, count, rng):
        return self.point(history) + rng.standard_normal((count, len(history.ahead)))


def two():
    return panel_of(np.stack([days(), 100 * days(seed=1)], axis=1))


def test_a_fallback_is_named_in_notes_and_in_what_was_fitted():
    paths = fc.sample_paths(frame_of(two()), 14, model=Picky(), draws=20)
    assert paths.fitted == ("picky: ten times the last", "seasonal_mean, since its first day is above 1,000")
    assert len(paths.notes) == 1
    assert paths.notes[0].startswith("1 series by seasonal_mean in place of picky: s1")
    assert "its first day is above 1,000" in paths.notes[0]
    cuts = np.array([60, 80])
    rolled = Picky().roll(two(), 14, cuts, 14)
    only = Panel(two().values[:, 1:], two().periods, ("s1",), "D")
    np.testing.assert_array_equal(rolled.point[:, 1:], fc.models.model_of("seasonal_mean").point(only, 14))
    np.testing.assert_allclose(rolled.point[:, 0], 10 * two().values[-1, 0])
    assert np.isfinite(rolled.past).all()


def test_without_a_fallback_the_series_and_the_reason_are_told():
    with pytest.raises(
        ModelError,
        match=r"'picky' could not be fitted to 1 of 2 series \(s1: its first day is above 1,000\).*'seasonal_mean'",
    ):
        Picky(fallback=None).point(two(), 14)


def test_a_model_that_fits_nothing_says_what_would_do_instead():
    many = panel_of(np.stack([100 * days(seed=k) for k in range(7)], axis=1))
    with pytest.raises(
        NoneFittedError, match=r"'picky' could not be fitted to any series \(s0: .*; s4: .*; and 2 more\)\. 'seasonal_"
    ):
        Picky().point(many, 14)


def test_a_fallback_that_fits_nothing_has_its_own_fallback():
    """Theta takes no series that never moves; the model that does take it is named."""
    panel = panel_of(np.stack([days(), np.full(120, 5_000.0)], axis=1))
    rolled = Picky(fallback=fc.Theta()).roll(panel, 14, np.array([60]), 14)
    np.testing.assert_array_equal(rolled.point[:, 1], 5_000.0)
    assert rolled.method[1] == "seasonal_mean, since its first day is above 1,000"
    assert [note.split(":")[0] for note in rolled.notes] == ["1 series by seasonal_mean in place of picky"]
    with pytest.raises(NoneFittedError, match=r"'theta' could not be fitted to any series \(s1: the series never mov"):
        Picky(fallback=fc.Theta(fallback=None)).point(panel, 14)


def test_what_a_fallback_has_to_say_is_said():
    flat, big = np.full(120, 5_000.0), 100 * days(seed=1)
    rolled = Picky(fallback=fc.Theta()).roll(panel_of(np.stack([days(), flat, big], axis=1)), 14, NO_CUTS, 1)
    assert rolled.method[2].startswith("theta: theta of 2, season of 7, since its first day is above 1,000")
    assert [note.split(":")[0] for note in rolled.notes] == [
        "2 series by theta in place of picky",
        "1 series by seasonal_mean in place of theta",
    ]
    assert "the series never moves" in rolled.notes[1]


def test_too_little_history_is_told_with_what_is_needed():
    short = two().values.copy()
    short[:-9, 1] = np.nan
    rolled = fc.Theta().roll(panel_of(short), 14, NO_CUTS, 1)
    assert rolled.method[1] == "seasonal_mean, since 9 known periods, and theta needs 10"
    # Two periods more for each regressor, and two seasons.
    model = fc.SARIMAX(regressors=[fc.WorkingDays(), fc.Event("e", "2025-01-05")], fallback=None)
    with pytest.raises(ModelError, match="13 known periods, and sarimax needs 14"):
        model.point(panel_of(days(13)), 14)
    months = fc.ETS(seasonal=True, fallback=None)
    with pytest.raises(ModelError, match="seasonal=True, and the history does not hold two seasons"):
        months.point(panel_of(days(23, season=12), freq="MS"), 12)
    assert fitted(fc.ETS(), days(23, season=12), freq="MS").endswith("no season")
    with pytest.raises(ModelError, match="the history does not hold two seasons"):
        fc.STL().point(panel_of(days(13)), 14)


@pytest.mark.parametrize(
    ("model", "module"),
    [
        (fc.SARIMAX(order=(2, 0, 1)), statespace),
        (fc.UnobservedComponents(), statespace),
        (fc.ETS(), smoothing),
        (fc.STL(), smoothing),
    ],
    ids=["sarimax", "unobserved_components", "ets", "stl_ets"],
)
def test_a_fit_that_does_not_converge_is_none(model, module, monkeypatch):
    monkeypatch.setattr(module, "ITERATIONS", 1)
    with pytest.raises(ModelError, match=rf"'{model.name}' could not .* did not converge in 1 iterations\)"):
        model.point(panel_of(days()), 14)


def test_a_forecast_that_runs_away_is_none():
    values = two().values.copy()
    values[:, 1] /= 100
    model = Picky(factor=2_000.0, paths="own")
    values[-1, 1] /= 10  # two hundred times what it ever was, or less
    rolled = model.roll(panel_of(values), 14, NO_CUTS, 1)
    assert rolled.method[0] == "seasonal_mean, since its forecast ran away"
    assert rolled.method[1].startswith("picky")
    # A forecast that is refused brings no futures of its own.
    np.testing.assert_array_equal(model.futures(panel_of(values), 14, 20, 1).columns, [1])


@pytest.mark.parametrize("model", QUICK, ids=NAMES)
def test_negative_values_zeros_and_what_never_moves(model):
    values = np.stack([days(), -days(seed=1), days(seed=2), np.zeros(120), np.full(120, 7.0)], axis=1)
    values[5::7, 2] = 0.0  # rests every Monday
    rolled = model.roll(panel_of(values), 14, np.array([60]), 14)
    found = rolled.point
    assert np.isfinite(rolled.past[:, :, :3]).all()
    assert np.isfinite(found).all()
    assert (found[:, [0, 2, 3, 4]] >= 0).all()
    # Each within what it ever was: the scale of the one says nothing of the other's.
    assert (found[:, 1] < -20).all()
    assert (found[:, 1] > values[:, 1].min()).all()
    np.testing.assert_array_equal(found[:, 3], 0.0)
    # Where nothing moves, likelihood is all but unbounded, and L-BFGS stops short of it.
    np.testing.assert_allclose(found[:, 4], 7.0, rtol=1e-4)
    assert (found[:, 2] < 1.2 * values[:, 2].max()).all()


def test_a_credit_after_a_cut_that_knew_of_none_is_no_floor():
    """What was never below 0 is held above it; once it has been below, it is not."""
    values = 10 * stream(6, "credit").standard_normal(200)
    values[:60] = np.where(np.arange(60) % 3, 0.0, 5.0)  # on the plain scale: it rests often
    values[60:] -= 20
    rolled = fc.SARIMAX(order=(1, 0, 0), refits=1).roll(panel_of(values), 14, np.array([60, 150]), 14)
    assert (rolled.past[0] >= 0).all()
    assert (rolled.past[1] < 0).all()


# ----------------------------------------------------------------------------------------------------- own sample paths


def own(model, panel, count=400, seed=2):
    return trajectories(panel, replace(model, paths="own", refits=1), horizon=28, count=count, seed=seed)


@pytest.mark.parametrize("model", QUICK, ids=NAMES)
def test_own_paths_are_the_models_simulation_whatever_the_order(model):
    panel = two()
    paths = own(model, panel).paths()
    assert paths.shape == (400, 28, 2)
    drawn = replace(model, paths="own").futures(panel, 28, 400, 2)
    np.testing.assert_array_equal(np.sort(paths, axis=0), np.sort(drawn.values, axis=0))
    if model.name == "theta":  # the seeds of all are named alike
        np.testing.assert_array_equal(own(model, panel).paths(), paths)
        assert not np.array_equal(own(model, panel, seed=3).paths(), paths)
    # Its median is its point: 3 standard errors of a median of 400 draws, of the total.
    total, point = np.log(paths.sum(axis=1)), np.log(model.point(panel, 28).sum(axis=0))
    assert (np.abs(np.median(total, axis=0) - point) < 0.2 * total.std(axis=0) + 0.02).all()


def test_own_paths_of_sarimax_have_statsmodels_own_intervals():
    values = days(400, noise=0.3)
    program = sarimax.SARIMAX(np.log(values), order=(1, 0, 1), seasonal_order=(1, 0, 0, 7), trend="c")
    wanted = np.exp(
        quietly(program, method="lbfgs", maxiter=statespace.ITERATIONS).get_forecast(14).conf_int(alpha=0.2)
    )
    model = fc.SARIMAX(order=(1, 0, 1), seasonal_order=(1, 0, 0, 7), paths="own")
    drawn = model.futures(panel_of(values), 14, 8_000, 1).values[:, :, 0]
    found = np.quantile(drawn, [0.1, 0.9], axis=0).T
    # The standard error of a 10 % quantile of 8,000 normal draws is 0.019 standard deviations, here of about 0.45.
    np.testing.assert_allclose(found, wanted, rtol=0.04)


def test_own_paths_are_tied_by_rank_as_the_copula_says():
    """Two series that moved together in the past: the rank correlation of totals is that of the drawn errors."""
    common = np.cumsum(0.08 * stream(1, "common").standard_normal((300, 1)), axis=0)
    apart = 0.02 * stream(2, "apart").standard_normal((300, 2))
    panel = panel_of(100 * np.exp(common + apart))
    model = fc.SARIMAX(order=(0, 1, 1), paths="own")
    found = trajectories(panel, model, horizon=28, count=1_000, seed=4).paths().sum(axis=1)
    law = calibrate(panel, model, horizon=28)
    drawn = law.known.draw(1_000, 4, "series", panel.series)
    ranks = [np.argsort(np.argsort(of, axis=0), axis=0) for of in (found, drawn)]
    np.testing.assert_array_equal(ranks[0], ranks[1])
    assert np.corrcoef(ranks[0].T)[0, 1] > 0.5


def test_series_that_fell_back_are_drawn_around_their_point():
    panel = two()
    made = trajectories(panel, Picky(paths="own"), horizon=28, count=200, seed=4)
    np.testing.assert_array_equal(made.column, [0, -1])
    joint = trajectories(panel, Picky(), horizon=28, count=200, seed=4)
    np.testing.assert_array_equal(made.paths()[:, :, 1], joint.paths()[:, :, 1])
    assert joint.own is None


def test_workers_change_no_number():
    frame = frame_of(panel_of(np.stack([days(60, seed=k) for k in range(3)], axis=1)))
    model = fc.ETS(trend=False, paths="own")
    one_, two_ = (fc.sample_paths(frame, 14, model=model, draws=50, n_jobs=n) for n in (1, 2))
    np.testing.assert_array_equal(one_.values, two_.values)
    assert one_.fitted == two_.fitted


# --------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: fc.ETS(regressors=[fc.WorkingDays()]), "'ets' takes no regressors; 'sarimax', 'unobserved_c"),
        (lambda: fc.Theta(paths="onw"), "paths 'onw'.*did you mean 'own'"),
        (lambda: fc.ETS(refits=0), "refits=0: wanted a whole number, at least 1"),
        (lambda: fc.ETS(refits=True), "refits=True: wanted a whole number"),
        (lambda: fc.ETS(fallback="seasonal_maen"), "'seasonal_maen'.*did you mean 'seasonal_mean'"),
        (lambda: fc.STL(rest="arma"), "rest 'arma'.*did you mean 'arima'"),
        (lambda: fc.SARIMAX(order=(1, 0)), r"order=\(1, 0\): wanted \(p, d, q\), whole numbers from 0 on"),
        (lambda: fc.SARIMAX(order=(1, -1, 0)), r"order=\(1, -1, 0\): wanted \(p, d, q\)"),
        (lambda: fc.SARIMAX(seasonal_order=(1, 0, 0)), r"seasonal_order=\(1, 0, 0\): wanted \(P, D, Q, s\)"),
        (lambda: fc.SARIMAX(trend="l"), "trend 'l' is not known; allowed: 'n', 'c', 't', 'ct'"),
        (lambda: fc.UnobservedComponents(level="locl level"), "level 'locl level'.*did you mean 'local level'"),
    ],
)
def test_arguments_that_do_not_hold_are_told(make, message):
    with pytest.raises(ModelError, match=message):
        make()


@pytest.mark.parametrize(
    ("seasonal_order", "message"),
    [
        ((1, 0, 0, 7), r"sarimax failed: Invalid model: autoregressive lag\(s\)"),
        ((1, 0, 0, 1), "sarimax failed: Seasonal periodicity must be greater than 1"),
    ],
)
def test_orders_that_statsmodels_refuses_are_told_in_its_words(seasonal_order, message):
    with pytest.raises(ModelError, match=message):
        fc.SARIMAX(order=(7, 0, 0), seasonal_order=seasonal_order).point(panel_of(days()), 7)


def test_every_level_of_statsmodels_is_known():
    with pytest.raises(ValueError, match="Invalid level/trend"):
        StatsmodelsComponents(days(), "of the sea")
    for level in statespace.KNOWN_LEVELS:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            StatsmodelsComponents(days(), level)


def test_nothing_is_warned_of_when_theta_draws():
    """statsmodels fits an ARIMA(0,1,1) when theta's variance is asked for; of plain noise it warns."""
    noise = np.exp(0.3 * stream(9, "noise").standard_normal((16, 8)))
    found = fc.Theta(paths="own").futures(panel_of(noise), 7, 20, 1)
    assert found.values.shape == (20, 7, 8)
    assert np.isfinite(found.values).all()
