"""Sample paths and the models behind them: sums before quantiles, joint over series, honest about bad input."""

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast.dependence import trajectories
from forecast.errors import HorizonError, ModelError
from forecast.models import model_of
from forecast.models.autoregression import Lags, autoregress
from forecast.models.candidates import Task, candidates
from forecast.models.combination import weighted_median
from forecast.models.holt_winters import Grid, smooth
from forecast.panel import Panel, panel_of
from forecast.streams import stratified, stream


def frame_of(values, freq="D", start="2025-01-01"):
    values = np.atleast_2d(np.asarray(values, dtype=float).T).T
    days = pd.date_range(start, periods=len(values), freq=freq)
    return pd.concat(
        [pd.DataFrame({"unique_id": f"s{i}", "ds": days, "y": values[:, i]}) for i in range(values.shape[1])]
    )


def noisy(count=3, days=400, seed=0, common=0.0):
    rng = stream(seed, "noisy")
    week = np.where(np.arange(days) % 7 > 4, 0.5, 1.0)[:, None]
    shared = common * np.cumsum(rng.standard_normal((days, 1)) * 0.03, axis=0)
    return 1_000 * week * np.exp(shared + 0.2 * rng.standard_normal((days, count)))


@pytest.fixture(scope="module")
def paths():
    return fc.sample_paths(frame_of(noisy()), horizon=92, draws=400, seed=1)


def test_shapes_and_labels(paths):
    assert paths.values.shape == (400, 92, 3)
    assert paths.series == ("s0", "s1", "s2")
    assert paths.periods[0] == pd.Timestamp("2025-01-01") + pd.Timedelta(days=400)
    assert list(paths.mean().columns) == ["unique_id", "ds", "mean"]
    assert list(paths.quantile([0.1, 0.9]).columns) == ["unique_id", "ds", "0.1", "0.9"]
    assert list(paths.interval(80).columns) == ["unique_id", "ds", "lower", "upper"]


def test_a_total_is_the_sum_of_its_path(paths):
    whole = paths.total()
    np.testing.assert_allclose(whole.values[:, 0], paths.values.sum(axis=1))
    months = paths.total("ME")
    np.testing.assert_allclose(months.values.sum(axis=1), paths.values.sum(axis=1))
    assert months.periods[0] == pd.Timestamp("2026-02-28")


def test_the_band_of_a_quarter_is_not_the_sum_of_daily_bounds(paths):
    total = paths.total().interval(80).set_index("unique_id")
    daily = paths.interval(80).groupby("unique_id")[["lower", "upper"]].sum()
    summed = (daily["upper"] - daily["lower"]) / (total["upper"] - total["lower"])
    # Days go up and down within a path, so the sum of daily bounds is far too wide.
    assert (summed > 1.5).all()


def test_days_of_one_draw_belong_together(paths):
    """Shuffling the days over draws keeps every daily band and destroys the band of the total."""
    rng = np.random.default_rng(0)
    apart = np.stack([rng.permutation(paths.values[:, t]) for t in range(92)], axis=1)

    def width(values):
        low, high = np.quantile(values.sum(axis=1), [0.1, 0.9], axis=0)
        return high - low

    # Lasting errors are more than half of this total's variance: without them less than 0.6 of the width is left.
    assert (width(apart) < 0.6 * width(paths.values)).all()


def test_series_that_moved_together_are_drawn_together():
    moving = fc.sample_paths(frame_of(noisy(count=8, common=1.0)), horizon=60, draws=500, seed=1)
    totals = np.log(moving.values.sum(axis=1))
    apart = (np.corrcoef(totals.T).sum() - 8) / 56
    assert apart > 0.3


def test_same_seed_same_paths_and_another_seed_others(paths):
    again = fc.sample_paths(frame_of(noisy()), horizon=92, draws=400, seed=1, n_jobs=2)
    assert np.array_equal(again.values, paths.values)
    assert not np.array_equal(fc.sample_paths(frame_of(noisy()), horizon=92, draws=400, seed=2).values, paths.values)


def test_rows_in_another_order_give_the_same_paths(paths):
    shuffled = frame_of(noisy()).sample(frac=1, random_state=3)
    assert np.array_equal(fc.sample_paths(shuffled, horizon=92, draws=400, seed=1).values, paths.values)


@pytest.mark.parametrize("freq", ["h", "D", "W", "MS", "QS", "YS"])
def test_every_frequency_is_forecast(freq):
    count = {"h": 24 * 30, "D": 200, "W": 120, "MS": 36, "QS": 16, "YS": 8}[freq]
    rng = stream(4, freq)
    frame = frame_of(100 * np.exp(0.1 * rng.standard_normal(count)), freq)
    found = fc.sample_paths(frame, horizon=6, freq=freq, draws=50)
    assert np.isfinite(found.values).all()
    # Noise of 10 % around 100: the median of each period stays well inside its range.
    assert found.quantile(0.5)["0.5"].between(75, 130).all()


class LastValue:
    """A user's model in a few lines."""

    name = "last_value"

    def point(self, panel, horizon):
        """The last value, held."""
        return np.repeat(panel.values[-1:], horizon, axis=0)


def test_a_users_own_model_gets_paths_and_bands():
    found = fc.sample_paths(frame_of(noisy()), horizon=14, model=LastValue(), draws=200)
    assert found.interval(80)["upper"].gt(found.interval(80)["lower"]).all()


class Wrong:
    name = "wrong"

    def __init__(self, answer):
        self.answer = answer

    def point(self, panel, horizon):
        return self.answer(panel, horizon)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda _, horizon: np.zeros((horizon + 1, 3)), r"shape \(.*wanted \(horizon, series\)"),
        (lambda panel, horizon: np.full((horizon, len(panel.series)), np.nan), "not finite"),
    ],
)
def test_a_model_that_answers_wrongly_is_named(answer, message):
    with pytest.raises(ModelError, match=f"'wrong'.*{message}"):
        fc.sample_paths(frame_of(noisy()), horizon=14, model=Wrong(answer), draws=10)


def test_what_is_no_model_is_told_so():
    with pytest.raises(ModelError, match="needs a 'name'"):
        model_of(3)
    with pytest.raises(ModelError, match="did you mean 'seasonal_naive'"):
        model_of("sesonal_naive")


def good():
    return frame_of(noisy(count=1, days=60))


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (lambda: good().rename(columns={"y": "value"}), "no column 'y'"),
        (lambda: good().iloc[:0], "no rows"),
        (lambda: pd.concat([good(), good().iloc[:2]]), "2 rows repeat a date"),
        (lambda: good().assign(y=["x", *good()["y"].iloc[1:].astype(str)]), "not a finite number in row 0"),
        (lambda: good().assign(y=np.inf), "not a finite number"),
        (lambda: good().assign(ds=["soon", *good()["ds"].iloc[1:].astype(str)]), "not a date in row 0"),
        (lambda: good().assign(ds=good()["ds"] + pd.to_timedelta(np.arange(60) % 5, unit="h")), "not on the clock"),
        (lambda: good().assign(y=np.nan), "every value is missing"),
    ],
)
def test_bad_series_are_told(frame, message):
    with pytest.raises(ModelError, match=message):
        fc.sample_paths(frame(), horizon=7)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"horizon": 0}, HorizonError, "horizon=0"),
        ({"horizon": 2.5}, HorizonError, "horizon=2.5"),
        ({"horizon": 7, "draws": 0}, ModelError, "draws=0"),
        ({"horizon": 7, "freq": "fortnight"}, ModelError, "not a pandas alias"),
        ({"horizon": 7, "n_jobs": 0}, ModelError, "n_jobs=0"),
    ],
)
def test_bad_arguments_are_told(arguments, error, message):
    with pytest.raises(error, match=message):
        fc.sample_paths(good(), **arguments)


@pytest.mark.parametrize(
    "values",
    [
        [5.0],
        [5.0, 6.0],
        [5.0] * 40,
        [0.0] * 40,
        [0.0] * 30 + [3.0] * 10,
        [np.nan] * 30 + [3.0] * 10,
        [3.0] * 30 + [0.0] * 10,
        [1.0, np.nan, 2.0] * 15,
        list(np.sin(np.arange(60))),
        [1e12] * 30,
        [1e-9, 2e-9] * 20,
    ],
    ids=["one", "two", "constant", "zeros", "late", "launch", "ended", "gaps", "negative", "huge", "tiny"],
)
def test_odd_series_give_finite_numbers_of_their_own_size(values):
    found = fc.sample_paths(frame_of(values), horizon=30, draws=100)
    assert np.isfinite(found.values).all()
    known = np.array(values)[np.isfinite(values)]
    assert np.quantile(np.abs(found.values), 0.5) <= 3 * max(np.abs(known).max(), 1e-300)
    if (known >= 0).all():
        assert (found.values >= 0).all()


def test_a_constant_series_is_certain():
    found = fc.sample_paths(frame_of([5.0] * 60), horizon=30, draws=20)
    np.testing.assert_allclose(found.values, 5.0, rtol=1e-9)


def test_holt_winters_equals_statsmodels_at_the_same_parameters():
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    z = np.log(noisy(count=1, days=140)[:, 0])
    alpha, beta, gamma, phi = 0.3, 0.04, 0.1, 0.93
    one = Grid(np.array([alpha]), np.array([gamma]), np.array([beta]), np.array([phi]))
    mine = smooth(z[:, None], 7, one, np.array([100]), length=10, horizon=14)
    level = z[:14].mean()
    season = np.array([(z[:28] - level)[i::7].mean() for i in range(7)])
    for known, forecast in ((140, mine.point[:, 0]), (100, mine.past[0, :, 0])):
        model = ETSModel(
            z[:known],
            error="add",
            trend="add",
            damped_trend=True,
            seasonal="add",
            seasonal_periods=7,
            initialization_method="known",
            initial_level=level,
            initial_trend=0.0,
            initial_seasonal=season - season.mean(),
        )
        theirs = model.smooth([alpha, beta, gamma, phi]).forecast(len(forecast))
        np.testing.assert_allclose(forecast, np.asarray(theirs), rtol=1e-10)


def test_the_autoregression_finds_the_coefficients_of_what_it_models():
    rng = stream(5, "ar")
    z = np.zeros((3_000, 4))
    for t in range(3, len(z)):
        step = 0.5 * (z[t - 2] - z[t - 1]) + 0.2 * (z[t - 3] - z[t - 1])
        z[t] = z[t - 1] + step + 0.1 * rng.standard_normal(4)
    found = autoregress(z, Lags((2, 3), (4,), 1.0), np.zeros(0, dtype=np.intp), length=1, horizon=1).point[0]
    truth = z[-1] + 0.5 * (z[-2] - z[-1]) + 0.2 * (z[-3] - z[-1])
    # 3,000 observations know each coefficient to about 0.02, and the features are of size 0.1 to 0.2.
    np.testing.assert_allclose(found, truth, atol=0.02)


def test_weighted_median_by_hand():
    values = np.array([1.0, 2.0, 10.0]).reshape(3, 1, 1)
    assert weighted_median(values, np.array([[1.0], [1.0], [1.0]])).item() == 2.0
    # Weights 1, 1, 2: midpoints of mass at 1/8, 3/8, 6/8, so 0.5 lies a third of the way from 2 to 10.
    assert weighted_median(values, np.array([[1.0], [1.0], [2.0]])).item() == pytest.approx(2 + 8 / 3)
    assert weighted_median(values, np.array([[0.0], [0.0], [1.0]])).item() == 10.0
    missing = np.array([1.0, np.nan, 10.0]).reshape(3, 1, 1)
    assert weighted_median(missing, np.array([[1.0], [5.0], [1.0]])).item() == pytest.approx(5.5)


def test_forecasts_at_a_cut_do_not_see_past_it():
    z = np.log(noisy(days=500))
    spoiled = z.copy()
    spoiled[450:] += 7.0
    cuts = np.array([400, 450])
    clean, marked = (list(candidates(Task(values, values, cuts, 30, 30), (7,), fast=False)) for values in (z, spoiled))
    assert len(clean) > 8
    for (name, before), (_, after) in zip(clean, marked, strict=True):
        np.testing.assert_array_equal(before.past, after.past, err_msg=name)
        assert not np.array_equal(before.point, after.point, equal_nan=True), name


def test_totals_follow_the_calibrated_law():
    panel = panel_of(frame_of(noisy()), "D")
    made = trajectories(panel, model_of("auto"), horizon=60, count=400, seed=3)
    totals = made.paths().sum(axis=1)
    centre = np.exp(np.median(np.log(totals), axis=0))
    np.testing.assert_allclose(centre, made.point.sum(axis=0), rtol=0.02)


def test_stratified_numbers_fill_every_stratum():
    u = stratified(3, 1_000, "x")
    assert np.array_equal(np.sort((u * 1_000).astype(int)), np.arange(1_000))
    assert not np.array_equal(u, stratified(3, 1_000, "y"))


def test_before_a_series_starts_there_is_no_forecast_to_be_wrong():
    values = noisy(days=300)
    values[:200, 1] = np.nan
    panel = panel_of(frame_of(values), "D")
    past = model_of("auto").roll(panel, 30, np.array([150, 250]), 30).past
    assert np.isnan(past[0, :, 1]).all()
    assert np.isfinite(past[1]).all()


def test_holidays_are_seen_and_foreseen():
    """A panel that rests on US holidays: the rest is learnt, and kept out of the level and in the forecast."""
    from holidays import country_holidays

    from forecast.models.day_effects import day_effects

    days = pd.date_range("2024-01-01", periods=520)
    rest = np.array([day in country_holidays("US", years=[2024, 2025]) for day in days.date])
    values = noisy(days=520) * np.where(rest, 0.3, 1.0)[:, None]
    panel = Panel(values[:360], days[:360], ("a", "b", "c"), "D")
    found = day_effects(panel, np.log(panel.values), 160)
    assert "holidays of US" in found.found
    # Eleven holidays with noise of 0.2 know their mean effect to about 0.07; one of them, met on a day or two by three
    # series, knows its own to about 0.17.
    np.testing.assert_allclose(found.past[rest[:360]].mean(axis=0), np.log(0.3), atol=0.15)
    np.testing.assert_allclose(found.past[rest[:360]], np.log(0.3), atol=0.4)
    assert (found.ahead[rest[360:]] < -0.8).all()
    assert (found.ahead[~rest[360:]] == 0).all()
    point = model_of("auto").point(panel, 160)
    ordinary = np.abs(np.log(point / values[360:]))
    assert np.median(ordinary[rest[360:]]) < 0.5
    plain = day_effects(Panel(noisy(days=360), days[:360], ("a", "b", "c"), "D"), np.log(noisy(days=360)), 10)
    assert plain.found == ()
    assert not plain.past.any()


def test_smoothing_at_an_early_cut_starts_from_what_was_known_then():
    """Four seasons start the states; a cut after two knows nothing of the other two."""
    from forecast.models.holt_winters import grid, smooth

    z = stream(5, "z").normal(size=(60, 2))
    later = z + np.where(np.arange(60) < 24, 0.0, 3.0)[:, None]
    cuts = np.array([24, 50])
    past, told = (
        smooth(x, 12, grid(8, (0.9,), seasonal=True, trend=True), cuts, length=6, horizon=6).past for x in (z, later)
    )
    np.testing.assert_array_equal(past[0], told[0])
    assert np.abs(past[1] - told[1]).min() > 0.1
    begun = np.where(np.arange(60)[:, None] < 20, np.nan, z)
    assert np.isnan(smooth(begun, 12, grid(8, (), seasonal=True, trend=False), cuts, length=6, horizon=6).past[1]).all()
