"""Scores against scoringrules, utilsforecast and SciPy, against closed forms, and against arithmetic by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import scoringrules
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from utilsforecast import losses

from forecast import scores
from forecast.coverage import coverage, coverage_by_level, coverage_error, pit, pit_histogram
from forecast.errors import TokenplanError

#: The same arithmetic in another order: a few roundings.
SAME = 1e-12
#: The mean of 4,000 evenly spaced quantiles of a normal against its closed form: the tails beyond 1/8000.
CLOSED_FORM = 2e-3
#: The standard error of a bootstrap's standard deviation with 2,000 resamples is 1 / sqrt(4000) = 1.6 %; three of them.
BOOTSTRAP = 0.05


def rng():
    return np.random.default_rng(20261123)


def panel(periods=30, series=4):
    """History, actual values and forecasts (period, series), and draws around them."""
    r = rng()
    history = r.gamma(5.0, 20.0, (60, series))
    actual, forecast = r.gamma(5.0, 20.0, (periods, series)), r.gamma(5.0, 20.0, (periods, series))
    return history, actual, forecast, forecast + r.normal(0, 30.0, (50, periods, series))


def long(array, **columns):
    periods, series = array.shape
    return pd.DataFrame(
        {
            "unique_id": np.repeat(np.arange(series), periods),
            "ds": np.tile(np.arange(periods), series),
            "y": array.T.ravel(),
            **{name: value.T.ravel() for name, value in columns.items()},
        }
    )


# -------------------------------------------------------------------------------------------------------- referees


@pytest.mark.parametrize(
    ("ours", "theirs", "factor"),
    [
        (scores.mae, losses.mae, 1),
        (scores.smape, losses.smape, 200),  # theirs runs from 0 to 1
        (scores.wape, losses.nd, 1),
    ],
)
def test_measures_agree_with_utilsforecast(ours, theirs, factor):
    _, actual, forecast, _ = panel()
    referee = theirs(long(actual, f=forecast), models=["f"])["f"].to_numpy()
    np.testing.assert_allclose(ours(actual, forecast), factor * referee, rtol=SAME)


@pytest.mark.parametrize(("ours", "theirs"), [(scores.mase, losses.mase), (scores.rmsse, losses.rmsse)])
@pytest.mark.parametrize("season", [1, 7])
def test_scaled_measures_agree_with_utilsforecast(ours, theirs, season):
    history, actual, forecast, _ = panel()
    referee = theirs(long(actual, f=forecast), models=["f"], seasonality=season, train_df=long(history))["f"]
    np.testing.assert_allclose(ours(actual, forecast, history=history, season=season), referee, rtol=SAME)


def test_coverage_and_pinball_agree_with_utilsforecast():
    _, actual, forecast, draws = panel()
    low, high = np.quantile(draws, [0.1, 0.9], axis=0)
    frame = long(actual, **{"f": forecast, "f-lo-80": low, "f-hi-80": high})
    inside = losses.coverage(frame, models=["f"], level=80)["f"]
    np.testing.assert_allclose(coverage(actual, low, high), inside, rtol=SAME)
    loss = losses.quantile_loss(frame, models={"f": "f-lo-80"}, q=0.1)["f"]
    np.testing.assert_allclose(scores.pinball(actual, low, level=0.1).mean(axis=0), loss, rtol=SAME)


@pytest.mark.parametrize(("fair", "estimator"), [(True, "fair"), (False, "nrg"), (False, "qd")])
def test_crps_agrees_with_scoringrules(fair, estimator):
    _, actual, _, draws = panel()
    referee = scoringrules.crps_ensemble(actual, draws, m_axis=0, estimator=estimator, backend="numpy")
    np.testing.assert_allclose(scores.crps(actual, draws, fair=fair), referee, rtol=1e-10)


def test_interval_score_and_pinball_agree_with_scoringrules():
    _, actual, _, draws = panel()
    for level in (50, 80, 95):
        low, high = np.quantile(draws, [(1 - level / 100) / 2, (1 + level / 100) / 2], axis=0)
        referee = scoringrules.interval_score(actual, low, high, alpha=1 - level / 100, backend="numpy")
        np.testing.assert_allclose(scores.interval_score(actual, low, high, level=level), referee, rtol=1e-10)
    referee = scoringrules.quantile_score(actual, low, 0.3, backend="numpy")
    np.testing.assert_allclose(scores.pinball(actual, low, level=0.3), referee, rtol=SAME)


def test_crps_of_a_normal_has_a_closed_form():
    quantiles = stats.norm.ppf((np.arange(4_000) + 0.5) / 4_000)
    for y in (-2.0, 0.0, 0.7):  # Gneiting and Raftery (2007), equation 21
        exact = y * (2 * stats.norm.cdf(y) - 1) + 2 * stats.norm.pdf(y) - 1 / math.sqrt(math.pi)
        assert scores.crps(y, quantiles, fair=False) == pytest.approx(exact, abs=CLOSED_FORM)


# -------------------------------------------------------------------------------------- two ways to the same number


def test_crps_is_twice_the_mean_pinball_loss_over_the_draws_own_levels():
    _, actual, _, draws = panel()
    ordered = np.sort(draws, axis=0)
    count = len(ordered)
    losses_at = [scores.pinball(actual, x, level=(i + 0.5) / count) for i, x in enumerate(ordered)]
    np.testing.assert_allclose(scores.crps(actual, draws, fair=False), 2 * np.mean(losses_at, axis=0), rtol=1e-10)


def test_interval_score_is_two_pinball_losses():
    _, actual, _, draws = panel()
    low, high = np.quantile(draws, [0.1, 0.9], axis=0)
    both = scores.pinball(actual, low, level=0.1) + scores.pinball(actual, high, level=0.9)
    np.testing.assert_allclose(scores.interval_score(actual, low, high, level=80), 2 / 0.2 * both, rtol=SAME)


def test_the_fair_crps_does_not_depend_on_the_number_of_draws_and_the_plain_one_does():
    # E|X - y| - E|X - X'| / 2 of a uniform on 0 to 1 at y = 0.5: 1/4 - 1/6.
    draws = rng().random((4, 200_000))
    error = 4 * 0.15 / math.sqrt(200_000)  # four standard errors; a score of four draws has a spread of about 0.15
    assert scores.crps(np.full(200_000, 0.5), draws).mean() == pytest.approx(1 / 12, abs=error)
    plain = scores.crps(np.full(200_000, 0.5), draws, fair=False).mean()
    assert plain == pytest.approx(1 / 12 + 1 / 6 / 4, abs=error)


def test_crps_without_spread_is_the_absolute_error():
    assert scores.crps([3.0, 8.0], [[5.0, 5.0]] * 6).tolist() == [2.0, 3.0]


@given(st.floats(-1e6, 1e6), st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20))
def test_scores_do_not_go_below_zero(y, draws):
    x = np.array(draws)
    low, high = x.min(), x.max()
    tiny = 1e-9 * (1 + np.abs(x).max() + abs(y))
    assert scores.crps(y, x, fair=False) >= -tiny
    assert scores.interval_score(y, low, high) >= 0
    assert scores.pinball(y, low, level=0.3) >= 0


# ------------------------------------------------------------------------------------------------------- edge cases


def test_a_perfect_forecast_scores_zero():
    history, actual, _, _ = panel()
    draws = np.repeat(actual[None], 5, axis=0)
    for score in (scores.mae, scores.smape, scores.wape, scores.bias):
        assert (score(actual, actual) == 0).all()
    assert (scores.mase(actual, actual, history=history) == 0).all()
    assert (scores.rmsse(actual, actual, history=history) == 0).all()
    assert (scores.crps(actual, draws) == 0).all()
    assert (scores.interval_score(actual, actual, actual) == 0).all()
    assert (scores.msis(actual, actual, actual, history=history) == 0).all()
    assert (scores.pinball(actual, actual, level=0.8) == 0).all()


def test_by_hand():
    actual, forecast = [10.0, 0.0, 30.0], [8.0, 0.0, 36.0]
    history = [1.0, 3.0, 2.0, 6.0]  # steps 2, 1, 4; two apart 1, 3
    assert scores.mae(actual, forecast) == pytest.approx((2 + 0 + 6) / 3)
    assert scores.bias(actual, forecast) == pytest.approx((-2 + 0 + 6) / 40)
    assert scores.wape(actual, forecast) == pytest.approx((2 + 6) / 40)
    assert scores.smape(actual, forecast) == pytest.approx(200 * (2 / 18 + 0 + 6 / 66) / 3)
    assert scores.mase(actual, forecast, history=history) == pytest.approx((8 / 3) / (7 / 3))
    assert scores.mase(actual, forecast, history=history, season=2) == pytest.approx((8 / 3) / 2)
    assert scores.rmsse(actual, forecast, history=history) == pytest.approx(math.sqrt((40 / 3) / (21 / 3)))
    assert scores.interval_score(10.0, 11.0, 15.0, level=80) == pytest.approx(4 + 2 / 0.2 * 1)
    assert scores.interval_score(17.0, 11.0, 15.0, level=95) == pytest.approx(4 + 2 / 0.05 * 2)
    assert scores.msis([10.0, 12.0], [11.0, 11.0], [15.0, 15.0], history=history, level=80) == pytest.approx(
        ((4 + 10) + 4) / 2 / (7 / 3)
    )
    assert scores.pinball(10.0, 7.0, level=0.8) == pytest.approx(0.8 * 3)
    assert scores.pinball(10.0, 14.0, level=0.8) == pytest.approx(0.2 * 4)
    assert scores.crps(2.0, [1.0, 5.0], fair=False) == pytest.approx((1 + 3) / 2 - (4 + 4) / (2 * 4))
    assert scores.crps(2.0, [1.0, 5.0]) == pytest.approx((1 + 3) / 2 - (4 + 4) / (2 * 2))


def test_owa_of_published_scores_is_the_published_owa():
    # Makridakis, Spiliotis and Assimakopoulos (2020), weekly and hourly: sMAPE, MASE and OWA of ES-RNN and of Naive2.
    weekly = scores.owa(7.817, 2.356, naive_smape=9.161, naive_mase=2.777)
    hourly = scores.owa(9.328, 0.893, naive_smape=18.383, naive_mase=2.395)
    assert weekly == pytest.approx(0.8508, abs=5e-4)
    assert hourly == pytest.approx(0.4401, abs=5e-4)


def test_missing_values_are_left_out_and_nothing_left_is_nan():
    actual = np.array([[10.0, np.nan], [np.nan, np.nan], [30.0, np.nan]])
    forecast = np.array([[8.0, 1.0], [99.0, 1.0], [36.0, 1.0]])
    history = np.array([[1.0, 1.0], [np.nan, 2.0], [2.0, 3.0], [6.0, 4.0]])
    assert scores.mae(actual, forecast)[0] == 4
    assert scores.wape(actual, forecast)[0] == 8 / 40
    assert scores.bias(actual, forecast)[0] == 4 / 40
    assert scores.mase(actual, forecast, history=history)[0] == 4 / 4  # one known step, from 2 to 6
    assert coverage(actual, forecast - 3, forecast + 3)[0] == 0.5
    for score in (scores.mae, scores.wape, scores.bias, scores.smape):
        assert np.isnan(score(actual, forecast)[1])
    assert np.isnan(scores.crps(actual, np.repeat(forecast[None], 3, axis=0))).tolist() == np.isnan(actual).tolist()
    assert np.isnan(pit(actual, np.repeat(forecast[None], 3, axis=0))).tolist() == np.isnan(actual).tolist()


def test_what_cannot_be_scaled_is_nan_not_infinite():
    assert np.isnan(scores.mase([1.0], [2.0], history=[5.0, 5.0, 5.0]))
    assert np.isnan(scores.mase([1.0], [2.0], history=[5.0, 6.0], season=7))
    assert np.isnan(scores.wape([0.0, 0.0], [1.0, 2.0]))
    assert scores.smape([0.0, 0.0], [0.0, 2.0]) == 100  # 0 where both are 0, 200 where one is


def test_the_fair_crps_refuses_a_single_draw():
    with pytest.raises(TokenplanError, match="at least 2 draws, not 1; pass fair=False"):
        scores.crps(1.0, [2.0])


@pytest.mark.parametrize(
    ("variance", "grade"),
    [
        (0.0, "run"),
        (0.12, "run"),
        (0.1201, "walk"),
        (-0.15, "walk"),
        (0.1501, "crawl"),
        (0.20, "crawl"),
        (0.2001, "below crawl"),
        (math.inf, "below crawl"),
        (math.nan, "unknown"),
    ],
)
def test_finops_grades(variance, grade):
    assert scores.finops_grade(variance) == grade


# ------------------------------------------------------------------------------------------------ Diebold-Mariano


def test_without_overlap_the_corrected_test_is_the_paired_t_test():
    first, second = rng().gamma(3.0, 1.0, (2, 25))
    referee = stats.ttest_rel(first, second)
    ours = scores.diebold_mariano(first, second)
    assert ours.statistic == pytest.approx(referee.statistic, rel=SAME)
    assert ours.p_value == pytest.approx(referee.pvalue, rel=1e-10)
    assert ours.count == 25


def test_diebold_mariano_by_hand_with_overlap():
    # d = 1, 3, 2, 2, 2: mean 2, apart -1, 1, 0, 0, 0; g0 = 2/5, g1 = -1/5; g0 + 2 g1 = 0, so Bartlett: 2/5 - 1/5.
    test = scores.diebold_mariano([1.0, 3, 2, 2, 2], np.zeros(5), horizon=2)
    assert test.statistic == pytest.approx(math.sqrt((6 - 4 + 2 / 5) / 5) * 2 / math.sqrt(0.2 / 5))
    # d = 1, 2, 3, 4, 0: mean 2, apart -1, 0, 1, 2, -2; g0 = 10/5, g1 = (0 + 0 + 2 - 4)/5 = -2/5; 2 - 4/5 = 6/5.
    test = scores.diebold_mariano([1.0, 2, 3, 4, 0], np.zeros(5), horizon=2)
    assert test.statistic == pytest.approx(math.sqrt((6 - 4 + 2 / 5) / 5) * 2 / math.sqrt(1.2 / 5))
    assert test.p_value == pytest.approx(2 * stats.t.sf(test.statistic, 4))


def test_diebold_mariano_changes_sign_and_says_when_it_cannot_tell():
    first, second = rng().gamma(3.0, 1.0, (2, 12))
    there, back = scores.diebold_mariano(first, second, horizon=3), scores.diebold_mariano(second, first, horizon=3)
    assert there.statistic == -back.statistic
    assert there.p_value == back.p_value
    assert scores.diebold_mariano(first, first).p_value == 1
    for few in (
        scores.diebold_mariano([1.0], [2.0]),
        scores.diebold_mariano([], []),
        scores.diebold_mariano([2, 3], [1, 2]),
    ):
        assert math.isnan(few.p_value)
    gap = first.copy()
    gap[4] = np.nan
    assert scores.diebold_mariano(gap, second).count == 11


# ------------------------------------------------------------------------------------- coverage and how sure it is


def test_independent_values_have_the_binomial_standard_error():
    inside = rng().binomial(50, 0.8, 400)
    known = coverage_error(inside, np.full(400, 50))
    p = inside.sum() / 20_000
    assert known.share == p
    assert known.se == pytest.approx(math.sqrt(p * (1 - p) / 20_000), rel=0.15)  # 400 origins: its own se is 3.5 %
    assert known.trials == pytest.approx(20_000, rel=0.3)
    assert known.low < 0.8 < known.high


def test_series_that_share_their_luck_are_worth_one_trial_an_origin():
    inside = 50.0 * (rng().random(200) < 0.8)
    known = coverage_error(inside, np.full(200, 50))
    p = inside.mean() / 50
    assert known.se == pytest.approx(math.sqrt(p * (1 - p) / 199), rel=BOOTSTRAP)
    assert known.trials == pytest.approx(199, rel=2 * BOOTSTRAP)


def test_overlapping_origins_are_taken_in_blocks():
    # Each value of luck is held for five origins: 200 origins are worth 40.
    inside = np.repeat(rng().random(40) < 0.8, 5).astype(float)
    count = np.ones(200)
    alone, blocks = coverage_error(inside, count), coverage_error(inside, count, overlap=5)
    sums = np.array([np.roll(inside, -k)[:5].sum() for k in range(200)])
    exact = sums.std() * math.sqrt(40) / 200 * math.sqrt(200 / 195)  # 40 blocks of 5 drawn from the 200 of the circle
    assert blocks.se == pytest.approx(exact, rel=BOOTSTRAP)
    assert alone.trials > 150
    assert blocks.trials < 80


def test_a_coverage_is_never_surer_than_independent_values():
    known = coverage_error([8, 8, 8, 8], [10, 10, 10, 10])
    assert known.trials == pytest.approx(40)
    assert known.se == pytest.approx(math.sqrt(0.8 * 0.2 / 40))
    assert (known.low, known.high) == pytest.approx((0.8 - 1.96 * known.se, 0.8 + 1.96 * known.se))


def test_what_a_bootstrap_cannot_tell_is_nan():
    for known in (
        coverage_error([8], [10]),
        coverage_error([8, 7, 9], [10, 10, 10]),
        coverage_error([8, 7, 9, 8, 7, 9, 7], np.full(7, 10), overlap=2),
        coverage_error(np.full(9, 10), np.full(9, 10)),
        coverage_error(np.zeros(9), np.full(9, 10)),
    ):
        assert not math.isnan(known.share)
        assert math.isnan(known.se)
        assert math.isnan(known.trials)
    assert math.isnan(coverage_error([0, 0], [0, 0]).share)
    with pytest.raises(TokenplanError, match="no more values inside than there are"):
        coverage_error([11], [10])
    with pytest.raises(TokenplanError, match="overlap"):
        coverage_error([1], [10], overlap=0)


def test_a_coverage_error_is_the_same_every_time():
    inside = rng().binomial(20, 0.8, 12)
    assert coverage_error(inside, np.full(12, 20)) == coverage_error(inside, np.full(12, 20))


# --------------------------------------------------------------------------------------------------------------- PIT


def test_pit_by_hand():
    draws = np.array([1.0, 2.0, 3.0])
    assert pit(0.0, draws) == 0.5 / 4
    assert pit(2.5, draws) == 2.5 / 4
    assert pit(2.0, draws) == (1 + 1) / 4  # one below, one equal: the middle of ranks 1 to 2
    assert pit(9.0, draws) == 3.5 / 4


def test_pit_of_a_calibrated_forecast_is_uniform_whatever_the_number_of_draws():
    for draws in (7, 99):
        sample = rng().normal(size=(draws + 1, 20_000))
        histogram = pit_histogram(sample[0], sample[1:], bins=20)
        assert histogram.sum() == pytest.approx(20_000)
        # A bin holds 1,000 values: five standard deviations are 154.
        assert np.abs(histogram - 1_000).max() < 154
        level, held = coverage_by_level(histogram)
        np.testing.assert_allclose(held, level, atol=0.02)


def test_ties_spread_over_the_ranks_they_can_take():
    zeros = np.zeros(30)
    np.testing.assert_allclose(pit_histogram(zeros, np.zeros((9, 30)), bins=10), np.full(10, 3.0))
    gaps = pit_histogram([np.nan, 0.0], np.zeros((9, 2)), bins=10)
    assert gaps.sum() == pytest.approx(1)


def test_bands_that_are_too_narrow_show_under_the_diagonal():
    r = rng()
    level, held = coverage_by_level(pit_histogram(r.normal(size=5_000), 0.5 * r.normal(size=(200, 5_000)), bins=20))
    assert level.tolist()[:3] == pytest.approx([0, 0.1, 0.2])
    assert (held[0], held[-1]) == pytest.approx((0, 1))
    # P(|N| < 0.5 * 1.2816) = 0.478; five standard errors of 5,000 are 0.035.
    assert np.interp(0.8, level, held) == pytest.approx(0.478, abs=0.035)
