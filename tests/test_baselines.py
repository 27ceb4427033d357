"""The baselines against other packages and hand arithmetic: many series at once, gaps, late starts, odd values."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import trim_mean
from statsmodels.robust.norms import HuberT, estimate_location
from statsmodels.robust.scale import mad

from forecast.errors import ModelError
from forecast.models import MODELS, model_of
from forecast.models.baselines import (
    RobustRunRate,
    RunRate,
    SeasonalMean,
    SeasonalMedian,
    TrimmedRunRate,
    huber_location,
    trimmed_mean,
)
from forecast.panel import Panel

#: The same sum in another order: a few roundings.
SAME = 1e-12
#: statsmodels stops once a step is below 1e-6 of the scale; its reweighting halves the error at least, so it is within
#: this many scales of the limit.
STATSMODELS = 5e-6
BASELINES = (
    "drift",
    "robust_run_rate",
    "run_rate",
    "seasonal_mean",
    "seasonal_median",
    "seasonal_naive",
    "trimmed_run_rate",
)


def panel_of(values, freq="D", start="2026-01-05"):
    values = np.asarray(values, dtype="float64")
    values = values[:, None] if values.ndim == 1 else values
    periods = pd.date_range(start, periods=len(values), freq=freq)
    return Panel(values, periods, tuple(f"s{i}" for i in range(values.shape[1])), freq)


def skewed(periods=90, series=6, seed=5):
    """Log-normal days with quiet weekends and a few spikes: (period, series)."""
    rng = np.random.default_rng(seed)
    week = np.where(np.arange(periods) % 7 > 4, 0.3, 1.0)[:, None]
    values = 100 * week * np.exp(0.4 * rng.standard_normal((periods, series)))
    values[rng.integers(0, periods, 4), rng.integers(0, series, 4)] *= 9
    return values


def point(name, values, horizon=10, **arguments):
    return model_of(name).point(panel_of(values, **arguments), horizon)


# ------------------------------------------------------------------------------------------------------ by hand


def test_run_rate_is_the_mean_of_the_last_four_weeks():
    values = skewed()
    expected = pd.DataFrame(values).tail(28).mean().to_numpy()
    np.testing.assert_allclose(point("run_rate", values), np.tile(expected, (10, 1)), rtol=SAME)


@pytest.mark.parametrize(
    ("freq", "periods"),
    [("h", 672), ("D", 28), ("B", 20), ("W", 13), ("7D", 13), ("MS", 3), ("ME", 3), ("QS", 4), ("YS", 3)],
)
def test_run_rate_looks_back_four_weeks_a_quarter_a_year(freq, periods):
    values = np.random.default_rng(1).uniform(1, 2, 700)
    found = RunRate().point(panel_of(values, freq=freq, start="1971-01-01"), 1)
    np.testing.assert_allclose(found[0, 0], values[-periods:].mean(), rtol=SAME)


def test_seasonal_naive_is_the_same_weekday_last_week():
    values = skewed()
    found = point("seasonal_naive", values, horizon=16)
    np.testing.assert_array_equal(found, values[-7:][np.arange(16) % 7])


@pytest.mark.parametrize(("name", "middle"), [("seasonal_mean", "mean"), ("seasonal_median", "median")])
def test_mean_and_median_week_are_those_of_the_last_four(name, middle):
    values = skewed()
    frame = pd.DataFrame(values, index=pd.date_range("2026-01-05", periods=len(values))).tail(28)
    expected = getattr(frame.groupby(frame.index.day_of_week), middle)()
    ahead = pd.date_range(frame.index[-1], periods=11)[1:].day_of_week
    np.testing.assert_allclose(point(name, values), expected.loc[ahead].to_numpy(), rtol=SAME)


@pytest.mark.parametrize(("name", "middle"), [("seasonal_mean", np.mean), ("seasonal_median", np.median)])
def test_hours_repeat_the_week_once_there_are_four_and_the_day_before(name, middle):
    values = skewed(periods=24 * 7 * 4 + 5, series=2)
    week = middle(values[-672:].reshape(4, 168, 2), axis=0)
    np.testing.assert_allclose(point(name, values, horizon=200, freq="h"), week[np.arange(200) % 168], rtol=SAME)
    day = middle(values[:96].reshape(4, 24, 2), axis=0)
    np.testing.assert_allclose(point(name, values[:96], horizon=30, freq="h"), day[np.arange(30) % 24], rtol=SAME)


def test_drift_joins_the_first_and_the_last_value():
    values = np.array([10.0, 35.0, 12.0, 16.0])  # rises by (16 - 10) / 3 = 2 a period
    np.testing.assert_allclose(point("drift", values, horizon=3)[:, 0], [18.0, 20.0, 22.0], rtol=SAME)
    falling = np.array([9.0, 5.0, 1.0])  # falls by 4 a period, and use stops at 0
    np.testing.assert_array_equal(point("drift", falling, horizon=3)[:, 0], [0.0, 0.0, 0.0])
    np.testing.assert_array_equal(point("drift", falling - 5, horizon=2)[:, 0], [-8.0, -12.0])


# -------------------------------------------------------------------------------------------------- other packages


def by_weekday_removed(values):
    """Recent days of each series less what their weekday's median is above the mean of those: (28, series)."""
    frame = pd.DataFrame(values).tail(28)
    usual = frame.groupby(frame.index % 7).transform("median")
    return (frame - usual + usual.mean()).to_numpy()


def test_trimmed_run_rate_is_scipys_trimmed_mean():
    values = skewed()
    expected = trim_mean(by_weekday_removed(values), 0.2, axis=0)
    np.testing.assert_allclose(point("trimmed_run_rate", values)[0], expected, rtol=SAME)
    yearly = skewed(periods=40)
    found = TrimmedRunRate(window=40).point(panel_of(yearly, freq="YS", start="1971-01-01"), 1)
    np.testing.assert_allclose(found[0], trim_mean(yearly, 0.2, axis=0), rtol=SAME)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 9, 10, 28])
def test_trimmed_mean_rounds_the_cut_down_as_scipy_does_for_series_of_unlike_length(count):
    values = skewed(periods=28, series=1)
    short = values.copy()
    short[: 28 - count] = np.nan
    found = trimmed_mean(np.column_stack([short, values]), 0.2)
    expected = [trim_mean(values[28 - count :, 0], 0.2), trim_mean(values[:, 0], 0.2)]
    np.testing.assert_allclose(found, expected, rtol=SAME)


def test_robust_run_rate_is_statsmodels_huber_location():
    values = skewed()
    rest = by_weekday_removed(values)
    expected = estimate_location(rest, mad(rest, axis=0), norm=HuberT(1.345), axis=0)
    np.testing.assert_allclose(point("robust_run_rate", values)[0], expected, atol=STATSMODELS * mad(rest).max())


def test_huber_location_solves_its_equation():
    """Sum of psi((y - m) / s), psi cut at 1.345, is 0 at the estimate."""
    values = skewed(series=20)
    values[:40, ::3] = np.nan
    found = huber_location(values)
    middle = np.nanmedian(values, axis=0)
    scale = np.nanmedian(np.abs(values - middle), axis=0) / 0.6744897501960817
    psi = np.clip((values - found) / scale, -1.345, 1.345)
    # Each of 90 terms is within 1e-10 of its limit.
    np.testing.assert_allclose(np.nansum(psi, axis=0), 0.0, atol=1e-8)


# ------------------------------------------------------------------------------------------------- what they are for


def test_one_spike_moves_the_mean_and_leaves_the_robust_ones():
    values = np.tile([100.0, 110.0, 105.0, 95.0, 102.0, 40.0, 38.0], 8)
    values += np.random.default_rng(2).normal(0, 2, len(values))
    spiked = values.copy()
    spiked[-10] *= 30
    moved = {name: abs(point(name, spiked).mean() / point(name, values).mean() - 1) for name in BASELINES}
    assert moved["run_rate"] > 0.5
    assert moved["seasonal_mean"] > 0.5
    for name in ("trimmed_run_rate", "robust_run_rate", "seasonal_median"):
        assert moved[name] < 0.01, name


def test_quiet_weekends_are_not_cut_as_extremes():
    """A fifth cut from each tail would take five of eight weekend days: 77.5 a day in place of 73.6."""
    week = np.array([80.0, 90.0, 100.0, 110.0, 85.0, 25.0, 25.0])
    values = np.tile(week, 4)
    for name in ("trimmed_run_rate", "robust_run_rate"):
        np.testing.assert_allclose(point(name, values), week.mean(), rtol=SAME)
    assert trim_mean(values, 0.2) == pytest.approx(77.5)


# ------------------------------------------------------------------------------------------------ many series, gaps


def test_many_series_at_once_are_each_as_alone():
    values = skewed()
    values[:50, 1] = np.nan
    values[60:63, 2] = np.nan
    values[:, 3] = 0.0
    values[:, 4] -= 80
    for name in BASELINES:
        together = point(name, values)
        alone = np.column_stack([point(name, values[:, i]) for i in range(values.shape[1])])
        np.testing.assert_allclose(together, alone, rtol=SAME, atol=1e-9, err_msg=name)


def test_what_lies_before_the_start_is_unknown_and_not_a_value():
    """Nine days of use after a launch: the run rate is their mean, the mean week theirs by weekday."""
    values = np.full(60, np.nan)
    values[-9:] = np.arange(1.0, 10.0)
    assert point("run_rate", values)[0, 0] == 5.0
    # Days 3 to 9 are the last week; the two days before share a weekday with 8 and 9.
    week = [3.0, 4.0, 5.0, 6.0, 7.0, (1.0 + 8.0) / 2, (2.0 + 9.0) / 2]
    np.testing.assert_allclose(point("seasonal_mean", values, horizon=7)[:, 0], week, rtol=SAME)
    np.testing.assert_allclose(point("seasonal_median", values, horizon=7)[:, 0], week, rtol=SAME)


def test_weekdays_not_yet_seen_have_the_mean_of_those_that_were():
    values = np.full(60, np.nan)
    values[-2:] = 10.0, 20.0
    np.testing.assert_array_equal(point("seasonal_mean", values, horizon=7)[:, 0], [15.0] * 5 + [10.0, 20.0])


def test_a_gap_is_filled_from_the_week_before():
    values = np.tile([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 8)
    holed = values.copy()
    holed[[-4, -12, -13]] = np.nan
    for name in sorted(set(BASELINES) - {"drift"}):
        np.testing.assert_allclose(point(name, holed), point(name, values), rtol=SAME, err_msg=name)


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("freq", ["h", "D", "W", "MS", "YS"])
def test_odd_series_have_finite_forecasts_of_their_own_size(name, freq):
    for values in ([5.0], [5.0, 5.0], [5.0] * 40, [-5.0] * 40, [np.nan] * 30 + [5.0], [5.0, np.nan] * 20 + [5.0]):
        np.testing.assert_allclose(point(name, values, freq=freq, start="1971-01-01"), values[-1], rtol=SAME)
    assert (point(name, [0.0] * 40, freq=freq, start="1971-01-01") == 0).all()
    both = point(name, [1.0, -2.0], freq=freq, start="1971-01-01")
    assert np.isfinite(both).all()


def test_constant_but_for_a_few_days_is_the_constant():
    """More than half of the days alike leave no scale to weigh by: the median."""
    values = np.full(28, 7.0)
    values[[3, 9]] = 70.0
    assert point("robust_run_rate", values)[0, 0] == 7.0


def test_own_windows_and_names():
    values = skewed()
    panel = panel_of(values)
    np.testing.assert_allclose(RunRate(window=7).point(panel, 1)[0], values[-7:].mean(axis=0), rtol=SAME)
    np.testing.assert_allclose(SeasonalMean(seasons=1).point(panel, 7), values[-7:], rtol=SAME)
    np.testing.assert_allclose(SeasonalMedian(seasons=1).point(panel, 7), values[-7:], rtol=SAME)
    np.testing.assert_array_equal(RobustRunRate(window=1).point(panel, 1), values[-1:])
    assert all(model_of(name).name == name for name in BASELINES)
    here = {name for name in MODELS if type(model_of(name)).__module__ == RunRate.__module__}
    assert here == set(BASELINES)
    with pytest.raises(ModelError, match="did you mean 'seasonal_median'"):
        model_of("seasonal_medain")
