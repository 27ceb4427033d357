"""Prophet on the shelf against Prophet called directly, and what must not be noticed of it: words, draws, files."""

# ruff: noqa: NPY002 - what Prophet draws from is NumPy's older, global generator

import logging
import os
import subprocess
import sys
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path

import cmdstanpy
import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config

import forecast as fc
from forecast.errors import ModelError
from forecast.models import model_of
from forecast.models.holiday_table import unseen
from forecast.models.logscale import log_scale
from forecast.models.prophets import Prophet
from forecast.models.quiet import quiet
from forecast.panel import Panel

#: The same program with the same settings: what is left is rounding on the way in and out.
SAME = 1e-9
#: Quantiles of 2,000 draws at 10 % and 90 %: three standard errors, about 0.05 standard deviations of the draws each,
#: of two sets of draws.
DRAWS, NEAR = 2_000, 0.2
ROOT = Path(__file__).parents[1]
NO_CUTS = np.zeros(0, dtype=np.intp)


def panel_of(values, freq="D", start="2024-01-01"):
    values = np.asarray(values, dtype="float64")
    values = values[:, None] if values.ndim == 1 else values
    periods = pd.date_range(start, periods=len(values), freq=freq)
    return Panel(values, periods, tuple(f"s{i}" for i in range(values.shape[1])), freq)


def growing(periods=200, series=1, seed=3):
    """Days with quiet weekends, doubling over the history: (period, series)."""
    rng = np.random.default_rng(seed)
    week = np.where(np.arange(periods) % 7 > 4, 0.4, 1.0)[:, None]
    trend = np.exp(np.linspace(0, 0.7, periods))[:, None]
    return 100 * week * trend * np.exp(0.1 * rng.standard_normal((periods, series)))


def frame_of(values, start="2024-01-01"):
    values = np.asarray(values, dtype="float64").reshape(len(values), -1)
    wide = pd.DataFrame(values, index=pd.date_range(start, periods=len(values), name="ds"))
    wide.columns = [f"s{i}" for i in range(values.shape[1])]
    return wide.melt(ignore_index=False, var_name="unique_id", value_name="y").reset_index()


def direct(panel, horizon, *, country=None, past=None, future=None, levels=None, **settings):
    """Prophet as its own documentation calls it: its forecast, and the program."""
    with quiet():
        from prophet import Prophet as Program

        program = Program(uncertainty_samples=0, **settings)
        if country:
            program.add_country_holidays(country)
        history = pd.DataFrame({"ds": panel.periods, "y": panel.values[:, 0], **(levels or {})})
        ahead = pd.DataFrame({"ds": panel.future(horizon), **(levels or {})})
        if past is not None:
            program.add_regressor("x")
            history["x"], ahead["x"] = past, future
        program.fit(history)
        return program.predict(ahead)["yhat"].to_numpy(), program, ahead


def one(model, values, horizon=10, **arguments):
    return model.point(panel_of(values, **arguments), horizon)[:, 0]


def fitted(model, values, **arguments):
    return model.roll(panel_of(values, **arguments), 10, NO_CUTS, 1).method[0]


# ------------------------------------------------------------------------------------------- Prophet called directly


def test_the_point_is_prophets_own():
    values = growing()
    wanted, _, _ = direct(panel_of(values), 28)
    np.testing.assert_allclose(one(Prophet(), values, 28), wanted, rtol=SAME)


def test_with_gaps_and_every_setting_it_is_prophets_own():
    values = growing()
    values[[20, 21, 60, 150, 199]] = np.nan
    model = Prophet(
        changepoints=12,
        changepoint_range=0.9,
        changepoint_prior_scale=0.2,
        seasonality_mode="multiplicative",
        seasonality_prior_scale=3.0,
        weekly=2,
        yearly=2,
    )
    wanted, _, _ = direct(
        panel_of(values),
        28,
        n_changepoints=12,
        changepoint_range=0.9,
        changepoint_prior_scale=0.2,
        seasonality_mode="multiplicative",
        seasonality_prior_scale=3.0,
        weekly_seasonality=2,
        yearly_seasonality=2,
    )
    np.testing.assert_allclose(one(model, values, 28), wanted, rtol=SAME)


def test_with_a_countrys_holidays_it_is_prophets_own():
    values = growing(360)
    values[panel_of(values).periods.isin(["2024-07-04", "2024-05-27", "2024-11-28"])] *= 0.3
    wanted, _, _ = direct(panel_of(values), 20, country="US")
    found = one(Prophet(holidays="us"), values, 20)
    np.testing.assert_allclose(found, wanted, rtol=SAME)
    # Among the days ahead is New Year's Day, which the history holds.
    assert abs(found[6] / one(Prophet(), values, 20)[6] - 1) > 1e-3


def test_with_a_table_of_holidays_it_is_prophets_own_and_the_table_stays_as_it_was():
    values = growing()
    values[[40, 41, 110, 111]] *= 2
    table = pd.DataFrame(
        {
            "ds": ["2024-02-10", "2024-04-20", "2024-07-22"],
            "holiday": "launch",
            "lower_window": 0,
            "upper_window": 1,
        }
    )
    before = table.copy()
    found = one(Prophet(holidays=table), values)
    pd.testing.assert_frame_equal(table, before)
    wanted, _, _ = direct(panel_of(values), 10, holidays=table.copy())
    np.testing.assert_allclose(found, wanted, rtol=SAME)
    # 22 July is the fourth day ahead of 18 July.
    assert found[3] > 1.3 * one(Prophet(), values)[3]


def test_a_row_without_a_window_is_the_day_itself():
    table = pd.DataFrame(
        {
            "ds": ["2024-02-10", "2024-04-20", "2024-07-22"],
            "holiday": ["a", "a", "b"],
            "lower_window": [0.0, 0.0, np.nan],
            "upper_window": [1.0, 1.0, np.nan],
        }
    )
    wanted, _, _ = direct(panel_of(growing()), 10, holidays=table.copy())
    np.testing.assert_allclose(one(Prophet(holidays=table), growing()), wanted, rtol=SAME)


def test_with_a_regressor_it_is_prophets_own():
    values = growing()[:, 0]
    rng = np.random.default_rng(8)
    x = rng.normal(5, 2, 210)
    values *= 1 + 0.05 * x[:200]
    days = pd.date_range("2024-01-01", periods=210)
    # Prophet keeps the name 'trend' for itself: a caller need not know.
    table = fc.Regressors(pd.DataFrame({"ds": days, "trend": x}), known_in_advance=True)
    wanted, _, _ = direct(panel_of(values), 10, past=x[:200], future=x[200:])
    np.testing.assert_allclose(one(Prophet(regressors=table), values), wanted, rtol=SAME)
    assert fitted(Prophet(regressors=table), values).endswith("regressors trend")


def test_logistic_growth_is_prophets_own_and_stays_below_its_cap():
    t = np.arange(200)
    values = 10 + 90 / (1 + np.exp(-0.04 * (t - 100))) + np.random.default_rng(1).normal(0, 1, 200)
    model = Prophet(growth="logistic", cap=105.0, floor=5.0)
    wanted, _, _ = direct(panel_of(values), 28, growth="logistic", levels={"cap": 105.0, "floor": 5.0})
    np.testing.assert_allclose(one(model, values, 28), wanted, rtol=SAME)
    assert one(model, values, 400).max() < 108  # the cap, and the season on it
    assert one(Prophet(), values, 400).max() > 150


def test_caps_are_told_for_each_series():
    values = growing(series=2) * [1.0, 10.0]
    caps = {"s0": 300.0, "s1": 5_000.0}
    both = Prophet(growth="logistic", cap=caps).point(panel_of(values), 10)
    np.testing.assert_allclose(both[:, 0], one(Prophet(growth="logistic", cap=300), values[:, 0]), rtol=SAME)
    np.testing.assert_allclose(both[:, 1], one(Prophet(growth="logistic", cap=5_000), values[:, 1]), rtol=SAME)


def test_on_logs_cap_and_floor_are_logs_too():
    values = growing()
    values[100] = 0.5  # near zero: a tenth of the median is added before logs are taken
    add = float(log_scale(values, 7).offset[0])
    assert add > 0
    logs = panel_of(np.log(values + add))
    levels = {"cap": np.log(400 + add), "floor": np.log(2 + add)}
    wanted, _, _ = direct(logs, 10, growth="logistic", levels=levels)
    model = Prophet(growth="logistic", cap=400.0, floor=2.0, log=True)
    np.testing.assert_allclose(one(model, values), np.exp(wanted) - add, rtol=SAME)
    assert fitted(model, values).endswith(", on logs")


@pytest.mark.parametrize(
    ("freq", "periods", "seasons"),
    [("h", 24 * 21, "weekly and daily seasons"), ("W", 130, "yearly season"), ("MS", 40, "yearly season")],
)
def test_hours_weeks_and_months_are_prophets_own(freq, periods, seasons):
    rng = np.random.default_rng(4)
    values = (
        100 + np.arange(periods) * 0.2 + 20 * np.sin(np.arange(periods) * 2 * np.pi / 12) + rng.normal(0, 2, periods)
    )
    wanted, _, _ = direct(panel_of(values, freq=freq), 12)
    np.testing.assert_allclose(one(Prophet(), values, 12, freq=freq), wanted, rtol=SAME)
    assert seasons in fitted(Prophet(), values, freq=freq)


def test_where_nothing_was_below_zero_nothing_will_be():
    falling = np.linspace(100, 1, 60) + np.random.default_rng(0).normal(0, 0.3, 60)
    wanted, _, _ = direct(panel_of(falling), 28)
    assert wanted.min() < -10
    np.testing.assert_allclose(one(Prophet(), falling, 28), np.maximum(wanted, 0), rtol=SAME)
    below, _, _ = direct(panel_of(falling - 50), 28)
    np.testing.assert_allclose(one(Prophet(), falling - 50, 28), below, rtol=SAME)


@pytest.mark.parametrize("growth", ["linear", "flat"])
def test_a_constant_series_stays(growth):
    np.testing.assert_allclose(one(Prophet(growth=growth), np.full(40, 7.0)), 7.0, rtol=1e-6)
    np.testing.assert_array_equal(one(Prophet(growth=growth, changepoints=0), np.zeros(40)), 0.0)


# ------------------------------------------------------------------------------------------------------- its own paths


@pytest.mark.parametrize(
    "model",
    [
        Prophet(paths="own"),
        Prophet(paths="own", growth="logistic", cap=900.0),
        Prophet(paths="own", growth="flat", seasonality_mode="multiplicative"),
    ],
    ids=["linear", "logistic", "flat"],
)
def test_own_paths_are_prophets_samples(model):
    values = growing()
    drawn = model.futures(panel_of(values), 28, DRAWS, 7)
    assert drawn.values.shape == (DRAWS, 28, 1)
    levels = {"cap": model.cap} if model.cap else None
    settings = {"growth": model.growth, "seasonality_mode": model.seasonality_mode}
    wanted, program, ahead = direct(panel_of(values), 28, levels=levels, **settings)
    program.uncertainty_samples = DRAWS
    state = np.random.get_state()
    np.random.seed(0)  # Prophet's own draws are NumPy's global ones: another test's would be met by chance
    with quiet():
        band = program.predict(ahead)
    np.random.set_state(state)
    spread = drawn.values[..., 0].std(axis=0)
    low, high = np.quantile(drawn.values[..., 0], [0.1, 0.9], axis=0)
    assert np.abs((drawn.values[..., 0].mean(axis=0) - wanted) / spread).max() < NEAR
    assert np.abs((low - band["yhat_lower"]) / spread).max() < NEAR
    assert np.abs((high - band["yhat_upper"]) / spread).max() < NEAR


def test_own_paths_are_seeded_and_leave_numpys_generator_as_it_was():
    panel = panel_of(growing(80, series=2))
    model = Prophet(paths="own", growth="flat")
    np.random.seed(5)
    np.random.normal()  # the second of a pair of normals is now kept in the state
    before = np.random.get_state()
    first = model.futures(panel, 10, 37, 1)
    after = np.random.get_state()
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)
    np.random.seed(6)
    assert first.values.shape == (37, 10, 2)
    np.testing.assert_array_equal(first.values, model.futures(panel, 10, 37, 1).values)
    assert (first.values != model.futures(panel, 10, 37, 2).values).all()
    drawn = first.values[first.values > 0]
    assert len(np.unique(drawn)) == len(drawn)


def test_numpys_generator_is_as_it_was_after_an_error_too(monkeypatch):
    def fails(self, df, vectorized=True):
        np.random.normal(size=10)
        raise MemoryError

    with quiet():
        from prophet import Prophet as Program
    monkeypatch.setattr(Program, "predictive_samples", fails)
    before = np.random.get_state()
    with pytest.raises(MemoryError):
        Prophet(paths="own").futures(panel_of(growing(60)), 5, 10, 1)
    for a, b in zip(before, np.random.get_state(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_change_point_at_the_end_does_not_stop_logistic_samples():
    model = Prophet(paths="own", growth="logistic", cap=900.0, changepoints=["2024-02-01", "2024-03-20"])
    panel = panel_of(growing(80))
    assert panel.periods[-1] == pd.Timestamp("2024-03-20")
    drawn = model.futures(panel, 5, 12, 1)
    assert drawn.values.shape == (12, 5, 1)
    assert np.isfinite(drawn.values).all()


def test_sample_paths_hold_prophets_own_and_the_joint_ones():
    values = growing(30, series=2)
    joint = fc.sample_paths(frame_of(values[:, :1]), 10, model="prophet", draws=200)
    assert joint.values.shape == (200, 10, 1)
    assert joint.fitted == ("prophet: linear growth, 23 change points, weekly season",)
    assert Prophet().futures(panel_of(values), 3, 5, 0).values.shape == (5, 3, 0)
    model = Prophet(paths="own", changepoints=3)
    own = fc.sample_paths(frame_of(values), 10, model=model, draws=200)
    drawn = model.futures(panel_of(values), 10, 200, 0)
    np.testing.assert_allclose(np.sort(own.values, axis=0), np.sort(drawn.values, axis=0), rtol=SAME)


# -------------------------------------------------------------------------------------------------- past and backtests


def test_what_comes_after_a_cut_changes_no_forecast_from_it():
    values = growing(100)
    later = values.copy()
    later[75:] *= 50
    cuts = np.array([40, 60, 75], dtype=np.intp)
    model = Prophet(holidays="GB", refits=1)
    found = model.roll(panel_of(values), 5, cuts, 10)
    planted = model.roll(panel_of(later), 5, cuts, 10)
    np.testing.assert_array_equal(found.past, planted.past)
    assert (found.point != planted.point).all()
    for k, cut in enumerate(cuts):
        alone = model.point(panel_of(values[:cut]), 10)
        np.testing.assert_allclose(found.past[k], alone, rtol=SAME)


def test_changepoints_that_are_yet_to_come_are_left_out():
    dates = ["2024-01-20", pd.Timestamp("2024-02-20"), "2031-01-01"]
    model = Prophet(changepoints=dates)
    assert "2 change points" in fitted(model, growing(90))
    assert "1 change point," in fitted(model, growing(40))
    wanted, _, _ = direct(panel_of(growing(90)), 10, changepoints=["2024-01-20", "2024-02-20"])
    np.testing.assert_allclose(one(model, growing(90)), wanted, rtol=SAME)


def test_a_backtest_scores_it():
    card = fc.backtest(frame_of(growing(45)), models=["prophet", "seasonal_naive"], horizon=5, origins=2, draws=50)
    assert card.design.models[:2] == ("prophet", "seasonal_naive")


def test_processes_and_threads_give_the_same():
    panel = panel_of(growing(70, series=3))
    model = Prophet(paths="own")
    alone = model.futures(panel, 7, 20, 3).values
    for backend in ("loky", "threading"):
        with parallel_config(backend=backend, n_jobs=2):
            np.testing.assert_array_equal(model.futures(panel, 7, 20, 3).values, alone)


# ---------------------------------------------------------------------------------------------------------- no trace


def test_nothing_is_said_changed_or_left(capfd, tmp_path, monkeypatch):
    loggers = [logging.getLogger(name) for name in ("prophet", "prophet.plot", "cmdstanpy")]
    with quiet():
        pass
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def left():
        return sorted(Path(cmdstanpy._TMPDIR).iterdir())

    before = [one.level for one in loggers], list(warnings.filters), dict(os.environ), left()
    model = Prophet(paths="own", yearly=True, holidays="DE")
    model.roll(panel_of(growing(60)), 5, np.array([40]), 5)
    model.futures(panel_of(growing(60)), 5, 5, 1)
    with pytest.raises(ModelError):
        Prophet(holidays=pd.DataFrame({"ds": ["2024-01-02"], "holiday": ["daily"]})).point(panel_of(growing(60)), 5)
    after = [one.level for one in loggers], list(warnings.filters), dict(os.environ), left()
    assert after == before
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


def test_a_first_forecast_says_nothing_and_leaves_nothing(tmp_path):
    """Loading Prophet is a part of it: nothing is loaded before it is used."""
    code = """
import logging, sys
import numpy as np, pandas as pd
import forecast as fc
from forecast.models import model_of
model = fc.Prophet(holidays="US", growth="logistic", cap=9.0)
model_of("prophet")
assert not {"prophet", "cmdstanpy"} & set(sys.modules)
days = pd.date_range("2024-01-01", periods=40)
t = np.arange(40)
frame = pd.DataFrame({"unique_id": "a", "ds": days, "y": t % 7 + np.sin(t**2.0)})
assert np.isfinite(fc.sample_paths(frame, 5, model=model, draws=10).values).all()
import prophet
assert logging.getLogger("prophet").level == logging.INFO
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []


# ---------------------------------------------------------------------------------------------------- what is refused


def test_a_fit_that_fails_is_told_with_its_cause_and_the_fallback_is_asked(monkeypatch):
    values = growing(60, series=2)
    optimize = cmdstanpy.CmdStanModel.optimize

    def fails(self, data, **options):
        if data["y"][0] < 0.25:
            message = "Error during optimization! Command 'x' failed:\n  log\nLine search failed to achieve a decrease"
            raise RuntimeError(message)
        return optimize(self, data, **options)

    monkeypatch.setattr(cmdstanpy.CmdStanModel, "optimize", fails)
    values[0] = [1.0, 100.0]
    rolled = Prophet().roll(panel_of(values), 5, NO_CUTS, 1)
    why = "Stan's optimisation failed: Line search failed to achieve a decrease"
    assert rolled.method == (f"seasonal_mean, since {why}", "prophet: linear growth, 25 change points, weekly season")
    assert rolled.notes == (f"1 series by seasonal_mean in place of prophet: s0: {why}",)
    with pytest.raises(ModelError, match=r"Line search failed.*'seasonal_mean' and 'run_rate' take any history"):
        Prophet().point(panel_of(values[:, :1]), 5)


def test_a_short_history_goes_to_the_fallback():
    values = np.full((40, 2), np.nan)
    values[:, 0] = growing(40)[:, 0]
    values[-14:, 1] = growing(14)[:, 0]
    rolled = Prophet().roll(panel_of(values), 5, NO_CUTS, 1)
    assert rolled.method[1] == "seasonal_mean, since 14 known periods, and prophet needs 15"
    assert rolled.method[0].startswith("prophet: linear growth")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"growth": "logistik"}, "growth 'logistik' is not known; allowed: .*; did you mean 'logistic'"),
        ({"seasonality_mode": "multi"}, "seasonality_mode 'multi' is not known"),
        ({"growth": "logistic"}, "growth='logistic' needs a cap"),
        ({"cap": 5.0}, "cap=5.0 is of logistic growth, and growth='linear'"),
        ({"growth": "flat", "floor": 5}, "floor=5.0 is of logistic growth, and growth='flat'"),
        ({"growth": "logistic", "cap": 9, "log": True}, "logistic growth on logs needs a floor above 0"),
        ({"growth": "logistic", "cap": "9"}, "cap='9': wanted a number"),
        ({"growth": "logistic", "cap": {"a": np.nan}}, "cap of 'a'=nan: wanted a number"),
        ({"changepoints": -1}, "changepoints=-1: wanted a whole number from 0 on, or a list of dates"),
        ({"changepoints": "2024-01-01"}, "changepoints='2024-01-01': wanted a whole number"),
        ({"changepoints": ["2024-13-01"]}, "changepoints: '2024-13-01' is not a date"),
        ({"changepoints": [3, 4]}, "changepoints: 3 is not a date"),
        ({"changepoint_range": 1.5}, "changepoint_range=1.5: wanted a number above 0 and up to 1"),
        ({"changepoint_prior_scale": 0}, "changepoint_prior_scale=0: wanted a number above 0"),
        ({"holidays_prior_scale": True}, "holidays_prior_scale=True: wanted a number above 0"),
        ({"weekly": "yes"}, "weekly='yes': wanted 'auto', True, False, or a number of Fourier terms"),
        ({"yearly": 0}, "yearly=0: wanted 'auto'"),
        ({"paths": "mine"}, "paths 'mine' is not known"),
        ({"holidays": "Germany"}, "country='Germany' is not a country .* did you mean 'DE'"),
        ({"holidays": fc.Holidays("US")}, "fc.Holidays goes among the regressors"),
        ({"holidays": pd.DataFrame({"date": [], "holiday": []})}, "no column 'ds'; it has date, holiday"),
        ({"holidays": pd.DataFrame({"ds": [], "holiday": []})}, "the table of holidays has no rows"),
        ({"holidays": pd.DataFrame({"ds": ["soon"], "holiday": ["a"]})}, "not a date in row 0: ds=soon"),
        ({"holidays": pd.DataFrame({"ds": ["2024-05-01"], "holiday": [None]})}, "not a name in row 0"),
        (
            {"holidays": pd.DataFrame({"ds": ["2024-05-01"], "holiday": ["a"], "lower_window": [0]})},
            "'lower_window' alone",
        ),
        (
            {
                "holidays": pd.DataFrame(
                    {"ds": ["2024-05-01"], "holiday": ["a"], "lower_window": [1], "upper_window": [1]}
                )
            },
            "column 'lower_window': wanted whole days, 0 or below, not row 0: holiday=a, lower_window=1",
        ),
    ],
)
def test_a_setting_that_does_not_hold_is_refused_at_once(settings, said):
    with pytest.raises(ModelError, match=said):
        Prophet(**settings)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"cap": 100.0}, "series 's0': cap=100 is a cap below the data: its largest known value is"),
        ({"cap": {"s0": 900.0}}, "cap: none is given for the series 's1'; did you mean 's0'"),
        ({"cap": 900.0, "floor": {"s0": 1.0}}, "floor: none is given for the series 's1'"),
        ({"cap": 900.0, "floor": 900.0}, "series 's0': cap=900 is not above its floor, 900"),
        ({"cap": 900.0, "floor": 800.0}, "series 's0': floor=800 is a floor above the data"),
    ],
)
def test_a_cap_below_the_data_is_an_error_and_no_fallback(settings, said):
    panel = panel_of(growing(60, series=2))
    model = Prophet(growth="logistic", paths="own", **settings)
    with pytest.raises(ModelError, match=said):
        model.point(panel, 5)
    with pytest.raises(ModelError, match=said):
        model.futures(panel, 5, 5, 0)


def test_a_cap_at_the_largest_value_holds():
    values = growing(60)
    assert np.isfinite(one(Prophet(growth="logistic", cap=float(values.max())), values)).all()


def test_holidays_of_days_are_refused_for_weeks_that_cannot_see_them():
    weeks = panel_of(100 + np.arange(60.0) % 5, freq="W")
    with pytest.raises(ModelError, match=r"freq='W'.*regressors=\[fc.Holidays\('US'\)\]"):
        Prophet(holidays="US").point(weeks, 4)
    table = pd.DataFrame({"ds": ["2024-05-08"], "holiday": ["launch"]})
    with pytest.raises(ModelError, match="no date of the table is a period's"):
        Prophet(holidays=table).point(weeks, 4)
    assert np.isfinite(Prophet(regressors=[fc.Holidays("US")]).point(weeks, 4)).all()
    sundays = Prophet(holidays=table.assign(ds="2024-05-12"))
    assert np.isfinite(sundays.point(weeks, 4)).all()


def test_a_holiday_that_comes_for_the_first_time_is_named():
    table = pd.DataFrame({"ds": ["2024-02-01", "2024-03-05", "2030-01-01"], "holiday": ["old", "new", "far"]})
    rolled = Prophet(holidays=table).roll(panel_of(growing(60)), 10, NO_CUTS, 1)
    assert rolled.notes == ("prophet: holiday 'new' has not come in the history: its effect is taken as 0",)
    around = table.assign(lower_window=-40, upper_window=0)
    assert (
        unseen(Prophet(holidays=around).holidays, panel_of(growing(60)), pd.date_range("2024-03-01", periods=10)) == ()
    )


def test_what_was_fitted_is_told():
    table = pd.DataFrame({"ds": ["2024-01-20", "2024-02-20"], "holiday": ["fair", "audit"]})
    model = Prophet(holidays=table, changepoints=3, yearly=1, regressors=[fc.WorkingDays("DE")])
    model = replace(model, seasonality_mode="multiplicative")
    assert fitted(model, growing(60)) == (
        "prophet: linear growth, 3 change points, yearly and weekly seasons, holidays audit, fair, regressors "
        "working days DE, multiplicative"
    )
    assert fitted(Prophet(growth="flat", weekly=False), growing(60)) == "prophet: flat growth"
    assert repr(Prophet(holidays=table, cap=9.0, growth="logistic")) == (
        "Prophet(growth='logistic', cap=9.0, holidays='table of 2 rows')"
    )
    assert repr(model_of("prophet")) == "Prophet()"
