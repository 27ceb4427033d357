"""Days that a week does not know: learnt from the panel, foreseen ahead, and not found in noise."""

import numpy as np
import pandas as pd
import pytest

from forecast.models.day_effects import LEAST_DAYS, day_effects
from forecast.panel import Panel
from forecast.streams import stream


def panel(z, begin, freq="D"):
    days = pd.date_range(begin, periods=len(z), freq=freq)
    return Panel(np.exp(z), days, tuple(f"s{i}" for i in range(z.shape[1])), freq)


def noise(days, count, seed=0, sd=0.1):
    """A week with quiet weekends, and noise."""
    week = np.where(np.arange(days) % 7 > 4, -0.5, 0.0)[:, None]
    return 5 + week + sd * stream(seed, "days").standard_normal((days, count))


def found_in(z, begin, horizon, effect):
    """What is found where ``effect`` (day,) is added to all series: and the effect of the days ahead."""
    known = z + effect[: len(z), None]
    return day_effects(panel(known, begin), known, horizon), effect[len(z) :]


def of_days(begin, count):
    return pd.date_range(begin, periods=count)


# ---------------------------------------------------------------------------------------------- the turn of the year


def test_the_turn_of_the_year_is_learnt_from_one_year_and_foreseen_the_next():
    """From 22 December to 2 January a panel without a country does 60 % of its work."""
    begin, known, horizon = "2023-08-01", 480, 60  # to 22 November 2024; one turn of the year known
    days = of_days(begin, known + horizon)
    month, day = days.month, days.day
    quiet = np.asarray(((month == 12) & (day >= 22)) | ((month == 1) & (day <= 2)))
    found, ahead = found_in(noise(known, 20), begin, horizon, np.where(quiet, np.log(0.6), 0.0))
    assert "the turn of the year" in found.found
    assert (ahead < 0).sum() == 12
    # The median of 20 series knows a day to 0.1 x 1.25 / sqrt(20) = 0.03, and is drawn a little to nothing.
    np.testing.assert_allclose(found.ahead[ahead < 0], np.log(0.6), atol=0.13)
    np.testing.assert_allclose(found.ahead[ahead == 0], 0.0, atol=0.13)
    # A week of that turn is no part of what is found elsewhere: other days have nothing.
    assert (found.past[:120] == 0).all()


def test_a_turn_of_the_year_that_history_cuts_short_is_not_learnt():
    begin, known = "2023-08-01", 177  # to 24 January: ten days after it are known, and two weeks are wanted
    days = of_days(begin, known + 400)
    quiet = np.asarray(((days.month == 12) & (days.day >= 22)) | ((days.month == 1) & (days.day <= 2)))
    found, _ = found_in(noise(known, 20), begin, 400, np.where(quiet, np.log(0.6), 0.0))
    assert "the turn of the year" not in found.found


# --------------------------------------------------------------------------------------------------------- month ends


def test_month_ends_are_learnt():
    """The last working day of a month, and what is left of it after, has half as much again."""
    begin, known, horizon = "2022-05-01", 150, 40
    days = of_days(begin, known + horizon)
    last = np.array([len(pd.bdate_range(d + pd.Timedelta(days=1), d + pd.offsets.MonthEnd(0))) == 0 for d in days])
    found, ahead = found_in(noise(known, 20), begin, horizon, np.where(last, np.log(1.5), 0.0))
    assert found.found == ("month ends",)
    assert 1 <= (ahead > 0).sum() <= 4
    # Four months or more know a day to 0.03 / 2; a fifth is what it may be drawn to nothing.
    np.testing.assert_allclose(found.ahead[ahead > 0], np.log(1.5), atol=0.1)
    np.testing.assert_allclose(found.ahead[ahead == 0], 0.0, atol=0.05)


# ----------------------------------------------------------------------------------------------------------- holidays


def holidays(days):
    """Names of US holidays by day, empty where there is none."""
    from holidays import country_holidays

    named = country_holidays("US", years=sorted(set(days.year)), language="en_US")
    return np.array([named.get(day, "") for day in days.date])


def test_one_holiday_that_differs_is_told_apart_by_many_series():
    begin, known, horizon = "2023-01-02", 640, 100  # to 1 October 2024
    names = holidays(of_days(begin, known + horizon))
    effect = np.where(names == "", 0.0, np.log(0.7))
    effect[names == "Thanksgiving Day"] = np.log(0.2)
    found, ahead = found_in(noise(known, 40), begin, horizon, effect)
    assert "holidays of US" in found.found
    thanks = names[known:] == "Thanksgiving Day"
    assert thanks.sum() == 1
    others = (ahead < 0) & ~thanks & (np.arange(horizon) < 70)  # before the turn of the year
    assert others.sum() >= 2
    # One day of 40 series knows it to 0.1 x 1.25 / sqrt(40) = 0.02; drawn to the mean of all it would be at log(0.6).
    np.testing.assert_allclose(found.ahead[thanks], np.log(0.2), atol=0.25)
    np.testing.assert_allclose(found.ahead[others], np.log(0.7), atol=0.1)


def test_a_series_that_keeps_no_holiday_is_told_from_those_that_do():
    begin, known, horizon = "2023-01-02", 640, 60
    names = holidays(of_days(begin, known + horizon))
    z = noise(known, 20)
    keeps = np.arange(20) < 15
    z += np.where(names[:known] == "", 0.0, np.log(0.4))[:, None] * keeps
    found = day_effects(panel(z, begin), z, horizon).ahead[names[known:] != ""]
    assert len(found) >= 2
    # Twenty days of a series know how far it follows to about 0.1 / (0.9 sqrt(20)); PRIOR_DAYS of four pull a fifth.
    np.testing.assert_allclose(found[:, keeps], np.log(0.4), atol=0.2)
    np.testing.assert_allclose(found[:, ~keeps], 0.0, atol=0.35)


def test_a_series_that_never_moved_follows_nothing():
    begin, known = "2023-01-02", 640
    names = holidays(of_days(begin, known))
    z = noise(known, 10) + np.where(names == "", 0.0, np.log(0.4))[:, None]
    z[:, 0] = 5.0
    found = day_effects(panel(z, begin), z, 60)
    assert "holidays of US" in found.found
    assert not found.past[:, 0].any()
    assert not found.ahead[:, 0].any()


# ------------------------------------------------------------------------------------------------------------ nothing

#: Of 50 panels of noise, effects were found in none of 5 series and in two of 30: month ends, both. One in ten is
#: what we would still call no more than chance.
FALSE_ALARMS = 5


@pytest.mark.parametrize("count", [5, 30])
def test_noise_has_no_such_days(count):
    alarms = 0
    for seed in range(50):
        z = noise(400, count, seed=seed, sd=0.2)
        found = day_effects(panel(z, "2023-05-03"), z, 60)
        assert bool(found.found) == bool(found.past.any())
        alarms += bool(found.found)
    assert alarms <= FALSE_ALARMS


def test_short_and_other_panels_have_none():
    begin, known = "2024-02-01", 150
    days = of_days(begin, known)
    z = noise(known, 20) + np.where(days.day >= 28, 1.0, 0.0)[:, None]
    assert day_effects(panel(z, begin), z, 30).found
    assert LEAST_DAYS == 70
    short = day_effects(panel(z[:69], begin), z[:69], 30)
    assert short.found == ()
    assert not short.past.any()
    assert not short.ahead.any()
    assert (short.past.shape, short.ahead.shape) == ((69, 20), (30, 20))
    weekly = panel(z, begin, "W")
    assert day_effects(weekly, z, 30).found == ()
