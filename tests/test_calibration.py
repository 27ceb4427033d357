"""What past totals say: ages, the shipped law where they say nothing, and bands of new and of constant series."""

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast import calibration as law
from forecast.calibration import PastErrors, Totals, ages, past_errors
from forecast.dependence import WIDEN, calibrate
from forecast.models import model_of
from forecast.models.auto import Auto
from forecast.models.protocol import Rolled, cuts_of, roll
from forecast.panel import Panel
from forecast.streams import stream


def noisy(days=400, count=6, seed=0, sd=0.2):
    week = np.where(np.arange(days) % 7 > 4, 0.5, 1.0)[:, None]
    return 1_000 * week * np.exp(sd * stream(seed, "calibration").standard_normal((days, count)))


def panel_of(values, freq="D"):
    days = pd.date_range("2025-01-01", periods=len(values), freq=freq)
    return Panel(values, days, tuple(f"s{i}" for i in range(values.shape[1])), freq)


def past(totals, *, learned=None, errors=None, resting=False, age=np.inf, step=28):
    """Past errors of (cut, series) totals, cuts 28 periods long that do not overlap."""
    totals = np.asarray(totals, dtype=float)
    cuts, count = totals.shape
    errors = np.zeros((cuts, 28, count)) + totals[:, None] if errors is None else errors
    learned = np.ones_like(totals) if learned is None else learned
    return PastErrors(errors, totals, learned, step, np.full(count, resting), np.full(count, age))


# --------------------------------------------------------------------------------------------------------------- ages


@pytest.mark.parametrize(
    ("freq", "begins", "age"),
    [
        ("D", [0, 13, 14, 90], [np.inf, np.inf, 86, 10]),
        ("h", [0, 14 * 24 - 1, 14 * 24, 400], [np.inf, np.inf, -236 / 24, -300 / 24]),
        ("B", [0, 9, 10, 90], [np.inf, np.inf, 126, 14]),
        ("W", [0, 13, 14, 90], [np.inf] * 4),
    ],
)
def test_a_series_was_launched_if_it_begins_two_weeks_after_the_panel(freq, begins, age):
    values = np.ones((500, 4))
    for i, first in enumerate(begins):
        values[:first, i] = np.nan
    found = ages(panel_of(values, freq), np.array([100, 500]))
    np.testing.assert_allclose(found[0], age)
    days = {"h": 1 / 24, "D": 1, "B": 1.4, "W": 7}[freq]
    np.testing.assert_allclose(found[1], np.array(age) + 400 * days)


# ------------------------------------------------------------------------------------------------- learning by history


def test_past_errors_are_brought_to_the_history_that_is_known_now():
    """With n days known at a cut and N now, the error is (n / N)^0.12 of what it was."""
    assert law.LEARNING == 0.12
    values = noisy(200, 2)
    values[[20, 30, 40], 1] = np.nan
    made = panel_of(values)
    cuts, length = cuts_of(made, 28)
    rolled = roll(model_of("seasonal_mean"), made, 28, cuts, length)
    found = past_errors(made, rolled, length, np.ones(2, dtype=bool), np.ones(2))
    np.testing.assert_allclose(found.learned[:, 0], (cuts / 200) ** 0.12)
    np.testing.assert_allclose(found.learned[:, 1], ((cuts - 3) / 197) ** 0.12)
    k = 2
    actual, guess = values[cuts[k] : cuts[k] + 28, 0], rolled.past[k, :, 0]
    plain = np.log((actual.sum() + 0.02 * 28) / (guess.sum() + 0.02 * 28))
    assert found.totals[k, 0] == pytest.approx(plain * (cuts[k] / 200) ** 0.12)


def test_totals_of_a_young_launch_are_not_used():
    values = noisy(400, 2)
    values[:200, 1] = np.nan
    made = panel_of(values)
    cuts, length = np.array([240, 255, 256, 300]), 28
    rolled = roll(model_of("seasonal_mean"), made, 28, cuts, length)
    found = past_errors(made, rolled, length, np.ones(2, dtype=bool), np.ones(2)).totals
    assert law.YOUNG == 56
    np.testing.assert_array_equal(np.isfinite(found), [[True, False], [True, False], [True, True], [True, True]])


# ------------------------------------------------------------------------------------------------------------ the law


def test_without_any_cut_the_law_speaks_alone():
    """
    Two days of history: no cut. An ordinary series has 0.3, one that rests 0.45; for four weeks times (28 / 7)^0.2.
    """
    values = np.array([[100.0, 0.0], [110.0, 9.0]])
    found = calibrate(panel_of(values), Auto(), horizon=28)
    assert found.cuts == 0
    assert (law.UNKNOWN_SCALE, law.RESTING_SCALE, WIDEN) == (0.3, 0.45, 0.2)
    np.testing.assert_allclose(found.scale, [0.3 * 4**0.2, 0.45 * 4**0.2])
    np.testing.assert_allclose(found.centre, 0.0)


def test_the_law_by_hand():
    """
    Weeks that are off by 0.1 and -0.1 have volatility 0.1; days do not count. For two weeks the law says
    sqrt(2 x 0.026^2 x 0.01 / 0.0101 + (0.5 x 2^-0.08 x 0.1)^2) = sqrt(0.001339 + 0.002238) = 0.0598.
    """
    errors = np.repeat([0.1, -0.1], 7) + np.tile([0.3, -0.3, 0, 0, 0, 0, 0], 2)
    found = law._prior_scale(errors.reshape(1, 14, 1), np.zeros(1), np.zeros(1), 7, np.array([False]))
    assert (law.LAW_DRIFT, law.LAW_NOISE, law.LAW_AVERAGE) == (0.026, 0.5, 0.08)
    np.testing.assert_allclose(found, 0.0598, atol=5e-5)


def test_other_models_than_auto_have_thinner_tails():
    """Without errors of its own a total's law is a Student t of 4 degrees; its P90 is 1.533 times its scale."""
    made, cuts = panel_of(noisy(400, 1)), np.zeros(0, dtype=np.intp)
    rolled = Rolled(np.ones((28, 1)), np.zeros((0, 28, 1)), cuts)
    for tail in (law.T4_SCALE, law.OTHER_T4_SCALE):
        past = past_errors(made, rolled, 28, np.ones(1, dtype=bool), np.ones(1), tail=tail)
        draws = Totals.of(past, cuts, 7).draw(20_000, 1, "key", ("a",))
        np.testing.assert_allclose(np.quantile(draws, 0.9), 1.533 * tail, rtol=0.01)  # its table has 4,000 steps
    assert law.OTHER_T4_SCALE < law.T4_SCALE


@pytest.mark.parametrize(("effective", "lean"), [(8.0, 10 / 30), (80.0, 10 / 30), (2.0, 10 / 15)])
def test_a_panel_is_drawn_to_the_law_by_the_worth_of_ten_series(effective, lean):
    """Twenty series alike: their own scale is 0.2, and over one season the law's is the volatility, 0.1.

    They are joined in logs.

    Eight independent totals make a whole series, two a quarter of one.
    """
    found = law._prior_scale(
        np.full((1, 7, 20), 0.1), np.full(20, 0.2**2), np.full(20, effective), 7, np.full(20, False)
    )
    np.testing.assert_allclose(np.log(found), lean * np.log(0.1) + (1 - lean) * np.log(0.2))


def test_resting_series_have_their_common_scale():
    """Five series at rest, of scale 0.2, beside ten that the law is worth: a geometric mean of 0.2 and 0.45."""
    found = law._prior_scale(np.full((1, 7, 5), 0.1), np.full(5, 0.2**2), np.full(5, 8.0), 7, np.full(5, True))
    np.testing.assert_allclose(np.log(found), (5 * np.log(0.2) + 10 * np.log(0.45)) / 15)


def test_a_series_own_errors_are_joined_with_the_prior_by_hand():
    """
    Two past totals, 0.1 and -0.1, of one series: the centre is 0; the prior is p; the mean square 0.01 counts twice and
    p^2 four times.
    """
    totals = np.array([[0.1], [-0.1]])
    prior = law._prior_scale(past(totals).errors, np.full(1, 0.01), np.full(1, 2.0), 7, np.array([False]))
    found = Totals.of(past(totals), np.array([28, 56]), 7)
    np.testing.assert_allclose(found.centre, 0.0, atol=1e-15)
    np.testing.assert_allclose(found.effective, 2.0)
    np.testing.assert_allclose(found.scale, np.sqrt((2 * 0.01 + 4 * prior**2) / 6))
    # Cuts that overlap by three quarters are worth 1 + 1/4.
    np.testing.assert_allclose(Totals.of(past(totals, step=7), np.array([28, 35]), 7).effective, 1.25)


def test_scales_have_a_most():
    wild = past(np.array([[3.0], [-3.0]] * 4))
    np.testing.assert_allclose(Totals.of(wild, 28 * np.arange(1, 9), 7).scale, law.MOST_SCALE)


# ------------------------------------------------------------------------------------------------------------ launches


@pytest.mark.parametrize(("days", "part"), [(56.0, 1.0), (28.0, 1.0), (7.0, 0.25)])
def test_a_launch_is_expected_to_rise_and_is_as_uncertain(days, part):
    """Ten days old: 1.35 exp(-(10 / 28)^1.5) = 1.091 above its own few days; a scale of 0.6, and that beside it.

    Over a week, a quarter of that of four weeks.
    """
    assert (law.LAUNCH_RISE, law.LAUNCH_DAYS, law.LAUNCH_SCALE) == (1.35, 28.0, 0.6)
    age = np.array([np.inf, 10.0, 200.0])
    centre, scale = law.launched(np.full(3, 0.02), np.full(3, 0.1), age, days)
    rise = 1.35 * np.exp(-((10 / 28) ** 1.5))
    assert rise == pytest.approx(1.0906, abs=1e-4)
    np.testing.assert_allclose(centre, [0.02, 0.02 + part * rise, 0.02], atol=1e-6)
    np.testing.assert_allclose(scale, [0.1, np.hypot(0.6, part * rise), 0.1], atol=1e-6)


def test_what_was_launched_and_is_constant_so_far_has_a_band_and_what_never_moved_has_no_drift():
    rising = np.exp(np.cumsum(0.01 + 0.02 * stream(3, "noise").normal(size=(200, 6)), axis=0))
    rising[:, 0] = 50.0
    rising[:, 1], rising[-16:, 1] = np.nan, 50.0
    made = calibrate(panel_of(rising), model_of("seasonal_naive"), horizon=28)
    assert made.centre[0] == made.scale[0] == 0
    assert made.scale[1] > 0.6
    below = np.where(np.isfinite(rising), -100.0 * rising, np.nan)
    assert (calibrate(panel_of(below), model_of("run_rate"), horizon=28).centre[1] < 0.5).all()


def test_a_launched_series_has_a_wide_band_that_reaches_upward():
    values = noisy(400, 6)
    values[:390, 5] = np.nan
    made = panel_of(values)
    frame = pd.DataFrame(values, index=made.periods, columns=list(made.series)).melt(
        var_name="unique_id", value_name="y", ignore_index=False
    )
    paths = fc.sample_paths(frame.rename_axis("ds").reset_index(), horizon=56, draws=1_000, seed=1)
    low, high = np.quantile(paths.values.sum(axis=1), [0.1, 0.9], axis=0)
    point = calibrate(made, Auto(), horizon=56).point.sum(axis=0)
    width = np.log(high / low)
    assert width[5] > 4 * width[:5].max()
    assert np.log(high / point)[5] > 3 * abs(np.log(low / point)[5])
    np.testing.assert_allclose(np.log(high / point)[:5], -np.log(low / point)[:5], atol=0.1)


# ------------------------------------------------------------------------------------------------------------ constant


@pytest.mark.parametrize(("days", "certain"), [(3, False), (10, False), (13, False), (14, True), (60, True)])
def test_a_few_equal_values_are_no_proof_and_two_weeks_are(days, certain):
    found = calibrate(panel_of(np.full((days, 1), 5.0)), Auto(), horizon=28)
    assert (found.scale.item() == 0) is certain
    frame = pd.DataFrame({"unique_id": "a", "ds": pd.date_range("2025-01-01", periods=days), "y": 5.0})
    totals = fc.sample_paths(frame, horizon=28, draws=200).values.sum(axis=1)
    low, high = np.quantile(totals, [0.1, 0.9])
    if certain:
        np.testing.assert_allclose(totals, 140.0, rtol=1e-12)
    else:
        assert high > 1.2 * low
