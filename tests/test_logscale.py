"""The working scale of ``auto``: medians with gaps, which series rest, the way there and back, medians to means."""

import numpy as np
import pytest

from forecast.models.logscale import NEAR_ZERO, OFFSET_SHARE, SEASONS, LogScale, intermittent, log_scale, to_mean
from forecast.panel import known_median
from forecast.streams import stream

#: exp and log, each right to a rounding or two, of numbers up to e^30 from the unit.
ROUND_TRIP = 1e-9


def column(*values):
    return np.array(values, dtype=float)[:, None]


# ------------------------------------------------------------------------------------------------------------ medians


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("axis", [0, 1])
def test_known_median_is_numpys_nanmedian(seed, axis):
    rng = stream(seed, "median")
    values = rng.standard_normal((int(rng.integers(1, 12)), int(rng.integers(1, 12)), 3))
    values[rng.random(values.shape) < 0.4] = np.nan
    # At least one value is known along each line: of none numpy warns, and that is the next test.
    values.swapaxes(0, axis)[0] = 0.5
    np.testing.assert_array_equal(known_median(values, axis=axis), np.nanmedian(values, axis=axis))


def test_where_nothing_is_known_the_median_is_not_known():
    values = np.array([[np.nan, 1.0], [np.nan, 4.0], [np.nan, np.nan]])
    np.testing.assert_array_equal(known_median(values), [np.nan, 2.5])
    np.testing.assert_array_equal(known_median(np.zeros((0, 2))), [np.nan, np.nan])


# ------------------------------------------------------------------------------------------------------- who rests


def resting(values, season=7):
    return bool(intermittent(np.asarray(values, dtype=float)[:, None], season)[0])


def test_a_weekend_at_zero_is_no_rest():
    assert not resting([5, 5, 5, 5, 5, 0, 0] * 12)


def test_half_of_all_days_at_zero_is():
    rng = stream(1, "half")
    assert resting(np.where(rng.random(84) < 0.5, 0.0, 5.0))
    # The same on working days alone, beside a weekend that always rests.
    week = np.tile([1, 1, 1, 1, 1, 0, 0], 12)
    assert resting(week * np.where(rng.random(84) < 0.5, 0.0, 5.0))


def test_a_series_of_nothing_rests():
    assert resting([0] * 84)
    assert resting([0])


def test_one_that_always_works_does_not_and_a_gap_is_no_zero():
    assert not resting([5] * 84)
    assert not resting([5, np.nan] * 42)


def test_a_tenth_of_working_days_is_the_edge():
    """70 days; 7 at zero are 10 %, which is not more than a tenth; 8 are. No weekday has 80 % of its days at zero."""
    days = np.full(70, 5.0)
    days[[0, 8, 16, 24, 32, 40, 48]] = 0
    assert not resting(days)
    days[56] = 0
    assert resting(days)


def test_what_was_at_rest_long_ago_does_not_count():
    recent = SEASONS * 7
    assert resting([0, 5] * 20 + [0, 5] * (recent // 2))
    assert not resting([0, 5] * 40 + [5] * recent)


def test_hours_of_the_night_are_no_rest_and_hours_lost_by_day_are():
    day = np.r_[np.zeros(8), np.full(12, 9.0), np.zeros(4)]
    hours = np.tile(day, 26)
    assert not resting(hours, season=24)
    lost = stream(2, "hours").random(len(hours)) < 0.3
    assert resting(np.where(lost, 0.0, hours), season=24)


# ---------------------------------------------------------------------------------------------------- there and back


@pytest.mark.parametrize("seed", range(3))
def test_what_goes_to_the_working_scale_comes_back(seed):
    rng = stream(seed, "scale")
    plain = np.exp(rng.standard_normal(84) + 5)
    with_zeros = np.where(rng.random(84) < 0.05, 0.0, plain)
    at_rest = np.where(rng.random(84) < 0.5, 0.0, plain)
    negative = rng.standard_normal(84) * 1e6
    tiny = plain * 1e-12
    values = np.column_stack([plain, with_zeros, at_rest, negative, tiny])
    scale = log_scale(values, 7)
    np.testing.assert_array_equal(scale.log, [True, True, False, False, True])
    np.testing.assert_array_equal(scale.bounded, [True, True, True, False, True])
    again = scale.back(scale.forward(values))
    np.testing.assert_allclose(again, values, rtol=ROUND_TRIP, atol=0)
    # A zero comes back as nothing, not as what rounding leaves of it.
    assert (again[values == 0] == 0).all()


def test_a_least_value_near_zero_gets_an_offset_of_a_tenth_of_the_middle():
    values = np.column_stack([np.r_[0.0, np.full(83, 200.0)], np.full(84, 200.0)])
    scale = log_scale(values, 7)
    np.testing.assert_allclose(scale.offset, [20.0, 0.0])
    # log((0 + 20) / 200) and log((200 + 20) / 200); log(200 / 200).
    np.testing.assert_allclose(scale.forward(values)[:2], [[np.log(0.1), 0.0], [np.log(1.1), 0.0]], atol=1e-12)
    assert (NEAR_ZERO, OFFSET_SHARE) == (0.02, 0.1)
    above = log_scale(np.r_[4.1, np.full(83, 200.0)][:, None], 7)  # 2.05 % of the middle
    assert above.offset.item() == 0


def test_where_nothing_was_below_zero_nothing_comes_back_below():
    rng = stream(4, "bounded")
    at_rest = np.where(rng.random(84) < 0.5, 0.0, 7.0)
    values = np.column_stack([np.r_[0.0, np.full(83, 200.0)], at_rest, at_rest - 3.0])
    scale = log_scale(values, 7)
    low = scale.back(np.full((1, 3), -50.0))[0]
    np.testing.assert_array_equal(low[:2], 0.0)
    assert low[2] < 0


# --------------------------------------------------------------------------------------------------- median to mean


def logged(count=1):
    return LogScale(np.ones(count, dtype=bool), np.ones(count, dtype=bool), np.zeros(count), np.ones(count))


def test_to_mean_by_hand():
    """Forecasts of 1 and 1, values of 1 and e: log((1 + e) / 2) - (0 + 1) / 2; two days seen weigh as two seasons."""
    factor = to_mean(column(1, 1)[None], column(1, np.e)[None], logged(), np.array([5]), 1)
    assert factor[-1].item() == pytest.approx(np.exp((np.log((1 + np.e) / 2) - 0.5) * 2 / (2 + 2)))
    # The only cut has no other to learn from.
    assert factor[0].item() == 1.0


def test_the_mean_of_lognormal_noise_is_its_closed_form():
    s, length, cuts = 0.5, 28, 28 * np.arange(1, 41)
    noise = s * stream(5, "lognormal").standard_normal((40, length, 30))
    factor = to_mean(np.ones_like(noise), np.exp(noise), logged(30), cuts, 7)[-1]
    seen = 40 * length
    truth = np.exp(s**2 / 2 * seen / (seen + 14))
    # A series' 1,120 days know log(mean y) - mean e, whose variance a day is e^(s^2) - 1 - s^2 = 0.034, to 0.0055; the
    # log of a mean of 28 days lies (e^(s^2) - 1) / 56 = 0.005 low.
    np.testing.assert_allclose(np.log(factor), np.log(truth) - 0.005, atol=4 * 0.0055)
    assert np.log(factor).mean() == pytest.approx(np.log(truth) - 0.005, abs=4 * 0.0055 / np.sqrt(30))


def test_an_error_of_the_whole_stretch_is_no_part_of_it():
    noise = 0.5 * stream(6, "stretch").standard_normal((6, 14, 3))
    cuts = 14 * np.arange(1, 7)
    found = [to_mean(np.ones_like(noise), a * np.exp(noise), logged(3), cuts, 7) for a in (1.0, 1.7)]
    assert (found[0][-1] > 1.01).all()
    np.testing.assert_allclose(found[0], found[1], rtol=1e-12)


def test_series_on_their_own_scale_are_left_as_they_are():
    scale = LogScale(np.array([False]), np.array([True]), np.zeros(1), np.ones(1))
    values = np.exp(stream(7, "raw").standard_normal((4, 14, 1)))
    np.testing.assert_array_equal(to_mean(np.ones_like(values), values, scale, 14 * np.arange(1, 5), 7), 1.0)


def test_a_cuts_factor_knows_nothing_of_cuts_that_overlap_it():
    rng = stream(8, "overlap")
    cuts, length = np.arange(100, 170, 7), 28
    actual = np.exp(0.5 * rng.standard_normal((len(cuts), length, 2)))
    spoiled = actual.copy()
    spoiled[4] = np.exp(1.5 * rng.standard_normal((length, 2)))
    clean, marked = (to_mean(np.ones_like(actual), a, logged(2), cuts, 7) for a in (actual, spoiled))
    overlaps = np.abs(cuts - cuts[4]) < length
    np.testing.assert_array_equal(clean[:-1][overlaps], marked[:-1][overlaps])
    assert (clean[:-1][~overlaps] != marked[:-1][~overlaps]).all()
    assert (clean[-1] != marked[-1]).all()
