"""Candidates weighed by their errors at past cuts, and candidates of one's own in ``fc.Auto``."""

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast.errors import ModelError
from forecast.models.combination import PANEL_CUTS, POWER, SMALL, _errors, combine, weigh
from forecast.models.protocol import cuts_of
from forecast.panel import Panel
from forecast.streams import stream

DAYS = 200


def one(*values):
    """One candidate or actual, one cut, one series."""
    return np.array(values, dtype=float).reshape(1, -1, 1)


# ------------------------------------------------------------------------------------------------------------ weights


def test_weights_by_hand():
    """Errors of 0.1 and 0.2 in every series and cut: the panel agrees, so weights are as 0.1^-6 to 0.2^-6, 64 to 1."""
    error = np.broadcast_to(np.array([0.1, 0.2]).reshape(2, 1, 1), (2, 4, 3))
    assert POWER == 6
    np.testing.assert_allclose(weigh(error), [[64 / 65] * 3, [1 / 65] * 3], rtol=1e-12)


def test_a_series_with_few_cuts_leans_on_the_panel():
    """
    Two candidates, one cut, three series. The first is twice as good in two series and half as good in the third:
    relative to the middle it is 2/3, 2/3 and 4/3, on geometric average 0.8399; the second 4/3, 4/3, 2/3: 1.0583.
    """
    error = np.array([[[0.1, 0.1, 0.2]], [[0.2, 0.2, 0.1]]])
    common = np.array([(2 / 3 * 2 / 3 * 4 / 3) ** (1 / 3), (4 / 3 * 4 / 3 * 2 / 3) ** (1 / 3)])
    assert PANEL_CUTS == 2
    joined = (1 * np.array([0.2, 0.1]) + 2 * common * 0.15) / 3
    assert weigh(error)[0, 2] == pytest.approx(1 / (1 + (joined[0] / joined[1]) ** 6), rel=1e-12)
    # A series that saw no cut has the panel's ranking alone.
    unseen = np.concatenate([error, np.full((2, 1, 1), np.nan)], axis=2)
    assert weigh(unseen)[0, 3] == pytest.approx(1 / (1 + (common[0] / common[1]) ** 6), rel=1e-12)


def test_a_candidate_without_forecasts_weighs_nothing():
    error = np.array([0.1, np.nan, 0.2]).reshape(3, 1, 1) * np.ones((3, 4, 2))
    np.testing.assert_allclose(weigh(error)[1], 0.0)
    np.testing.assert_allclose(weigh(np.full((3, 4, 2), np.nan)), 1 / 3)


# ------------------------------------------------------------------------------------------------------------- errors


def test_errors_of_periods_and_of_totals_by_hand():
    """
    Values 1 and 3, mean 2. Forecasts of 2 and 2 are off by 1/2 a day and by nothing in total; those of 1 and 1 by
    (0 + 1)/2 a day and by 1/2 in total. In a resting series the total is nine tenths of it.
    """
    actual = one(1, 3)
    past = np.stack([one(2, 2), one(1, 1)])
    raw = _errors(past, actual, np.array([False]))[:, 0, 0]
    np.testing.assert_allclose(raw, [0.1 * 0.5 + 0.9 * 0.0, 0.1 * 0.5 + 0.9 * 0.5])
    # In logs half and half, a tenth of the mean (0.2) added to both sides.
    assert SMALL == 0.1
    up, down = np.log(3.2 / 2.2), np.log(1.2 / 2.2)
    first = 0.5 * (up - down) / 2 + 0.5 * abs(up + down) / 2
    second = 0.5 * np.log(3.2 / 1.2) / 2 + 0.5 * np.log(3.2 / 1.2) / 2
    np.testing.assert_allclose(_errors(past, actual, np.array([True]))[:, 0, 0], [first, second], rtol=1e-12)


@pytest.mark.parametrize("log", [True, False])
def test_the_better_candidate_is_preferred(log):
    rng = stream(1, "better")
    actual = np.exp(0.1 * rng.standard_normal((6, 7, 4)))
    past = np.stack([actual * np.exp(sd * rng.standard_normal(actual.shape)) for sd in (0.05, 0.3)])
    _, point, weight = combine(past, past[:, 0], actual, 7 * np.arange(1, 7), 7, np.full(4, log))
    # Errors of 0.05 and 0.3 are as 1 to 6.
    assert (weight[0] > 0.95).all()
    assert np.abs(np.log(point / past[0, 0])).max() < np.abs(np.log(point / past[1, 0])).max()


@pytest.mark.parametrize("log", [True, False])
def test_what_came_at_a_cut_does_not_choose_its_own_combination(log):
    """One cut's values in reverse order: their mean, which sizes are told by, is what it was."""
    rng = stream(2, "cross")
    cuts, length = np.arange(50, 100, 7), 14
    past = np.exp(0.3 * rng.standard_normal((3, len(cuts), length, 5)))
    actual = past[0] * np.exp(0.3 * rng.standard_normal(past.shape[1:]))
    other = actual.copy()
    other[3] = actual[3, ::-1]
    log = np.full(5, log)
    before, after = (combine(past, past[:, 0], a, cuts, length, log)[0] for a in (actual, other))
    near = np.abs(cuts - cuts[3]) < length
    np.testing.assert_allclose(before[near], after[near], rtol=1e-12)
    assert (np.abs(before[~near] / after[~near] - 1).max(axis=(1, 2)) > 1e-6).all()


# ---------------------------------------------------------------------------------------------- candidates of one's own


def noise(count=4, days=DAYS + 40):
    return 1_000 * np.exp(0.4 * stream(3, "own").standard_normal((days, count)))


def panel():
    values = noise()[:DAYS]
    return Panel(values, pd.date_range("2025-01-01", periods=DAYS), tuple("abcd"), "D")


class Oracle:
    """Knows what comes."""

    name = "oracle"

    def point(self, panel, horizon):
        """What comes."""
        known = len(panel.periods)
        return noise()[known : known + horizon, ["abcd".index(s) for s in panel.series]]


def test_a_perfect_candidate_takes_nearly_all_weight():
    cuts, length = cuts_of(panel(), 28)
    rolled = fc.Auto(candidates=[Oracle()]).roll(panel(), 28, cuts, length)
    assert all(word.startswith("auto: oracle ") for word in rolled.method)
    shares = [float(word.split("%")[0].split()[-1]) for word in rolled.method]
    assert min(shares) >= 99
    # The median of weights is drawn towards the next candidate by as much as all others weigh.
    np.testing.assert_allclose(rolled.point, noise()[DAYS : DAYS + 28], rtol=0.01)
    np.testing.assert_allclose(rolled.past[-1], noise()[DAYS - length : DAYS], rtol=0.01)


def test_a_candidate_is_one_more_of_all_and_may_be_a_name():
    cuts, length = cuts_of(panel(), 28)
    counts = [
        {int(word.rsplit(" of ", 1)[1].split()[0]) for word in model.roll(panel(), 28, cuts, length).method}
        for model in (fc.Auto(), fc.Auto(candidates="drift"), fc.Auto(candidates=["drift", Oracle()]))
    ]
    assert [len(c) for c in counts] == [1, 1, 1]
    own, named, two = (c.pop() for c in counts)
    assert (named, two) == (own + 1, own + 2)


def test_an_unknown_candidate_is_told_the_nearest():
    with pytest.raises(ModelError, match=r"sesonal_naive.*did you mean 'seasonal_naive'"):
        fc.Auto(candidates=["sesonal_naive"])


@pytest.mark.parametrize("inner", ["auto", "fast", fc.Auto(name="mine")])
def test_auto_is_no_candidate_of_itself(inner):
    with pytest.raises(ModelError, match="is made of candidates itself"):
        fc.Auto(candidates=["drift", inner])


class Wrong:
    name = "wrong"

    def __init__(self, answer):
        self.answer = answer

    def point(self, panel, horizon):
        return self.answer(horizon, len(panel.series))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda horizon, series: np.ones((horizon + 1, series)), r"shape \(29, 4\); wanted \(horizon, series\)"),
        (lambda horizon, series: np.ones((series, horizon)), r"shape \(4, 28\); wanted"),
        (lambda horizon, series: np.full((horizon, series), np.inf), "not finite"),
    ],
)
def test_a_candidate_that_answers_wrongly_is_named(answer, message):
    with pytest.raises(ModelError, match=f"'wrong'.*{message}"):
        fc.Auto(candidates=[Wrong(answer)]).point(panel(), 28)
    with pytest.raises(ModelError, match="needs a 'name'"):
        fc.Auto(candidates=[3])


def test_a_wild_candidate_moves_the_point_little():
    wild = fc.Auto(candidates=[Wrong(lambda horizon, series: np.full((horizon, series), 1e9))]).point(panel(), 28)
    np.testing.assert_allclose(wild, fc.Auto().point(panel(), 28), rtol=0.05)
