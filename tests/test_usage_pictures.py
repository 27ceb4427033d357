"""Heat maps, a projection's fan, money by day and stacked environments: what they tell, beside the same by hand."""

import numpy as np
import pandas as pd
import pytest

import forecast as fc
import scenarios as sc
from forecast.drawing import in_percent, money, offscreen, short
from forecast.errors import ModelError, PlanError, UsageError

KEYS = {"provider": "openai", "model": "gpt-5", "environment": "production", "project": "app"}


def usage_of(dates, requests, **columns):
    frame = pd.DataFrame({"date": dates, "requests": requests} | KEYS | columns)
    return fc.Usage.from_frame(frame, sort=True)


def cells(ax):
    """The heat map's values, Monday first: float array (weekday, column), NaN where nothing is drawn."""
    return np.ma.filled(ax.collections[0].get_array().reshape(7, -1), np.nan)[::-1]


# ------------------------------------------------------------------------------------------------------ heat maps


def test_the_week_is_the_mean_of_each_hour_and_its_title_tells_the_peak():
    hours = pd.date_range("2026-09-07", periods=2 * 168, freq="h")  # two weeks from a Monday on
    requests = np.full(len(hours), 10.0)
    requests[[24 + 9, 168 + 24 + 9]] = 100.0, 300.0  # Tuesdays at 9: 200 on average
    requests[6 * 24 + 3] = 6.0  # one Sunday at 3: 8 on average
    ax = usage_of(hours, requests).plot("week")
    found = cells(ax)
    assert found[1, 9] == 200.0
    assert found[6, 3] == 8.0
    assert (np.delete(found.ravel(), [24 + 9, 6 * 24 + 3]) == 10.0).all()
    assert ax.get_title().replace("\n", " ") == (
        "Requests at the peak, Tue 09:00: 200 an hour, 25 times the quietest, Sun 03:00"
    )
    assert "430" in {text.get_text() for text in ax.texts}  # Tuesday's sum: 23 * 10 + 200


def test_hours_that_are_alike_have_no_peak_to_speak_of():
    hours = pd.date_range("2026-09-07", periods=168, freq="h")
    assert (
        usage_of(hours, np.full(168, 5.0))
        .plot("week")
        .get_title()
        .replace("\n", " ")
        .endswith("5.00 an hour, about as in every hour")
    )


def test_an_hour_without_a_row_is_nothing_and_a_day_without_one_is_left_out():
    hours = pd.date_range("2026-09-07", periods=2 * 168, freq="h")
    kept = (hours.normalize() != pd.Timestamp("2026-09-16")) & (hours != pd.Timestamp("2026-09-07 05:00"))
    ax = usage_of(hours[kept], 10.0).plot()
    found = cells(ax)
    assert found[0, 5] == 5.0  # one Monday of two has nothing at 5
    assert (found[2] == 10.0).all()  # the Wednesday that is missing halves nothing
    assert any("1 day without rows left out" in text.get_text() for text in ax.texts)


def test_a_calendar_has_a_cell_a_day_and_leaves_days_without_rows_empty():
    days = pd.date_range("2026-09-09", "2026-10-25")  # a Wednesday to a Sunday
    requests = np.where(days.day_of_week < 5, 100.0, 40.0)
    requests[days == pd.Timestamp("2026-10-01")] = 250.0
    kept = days != pd.Timestamp("2026-09-15")
    ax = usage_of(days[kept], requests[kept]).plot()
    found = cells(ax)
    assert found.shape == (7, 7)
    assert np.isnan(found[:2, 0]).all()  # before the first day
    assert np.isnan(found[1, 1])  # the day without rows
    assert found[3, 3] == 250.0
    assert np.isnan(found).sum() == 3
    assert ax.get_title().replace("\n", " ") == (
        "Requests: 100 on a usual weekday, 40.00 on weekends; the most, 250, on Thu 1 Oct 2026"
    )


def test_a_calendar_shows_the_last_53_weeks_of_a_long_history():
    days = pd.date_range("2024-01-01", "2026-10-25")
    ax = usage_of(days, 5.0).plot()
    assert cells(ax).shape == (7, 53)
    assert any(text.get_text().endswith("the last 53 weeks") for text in ax.texts)
    assert "5.00 on a usual day, weekends alike" in ax.get_title().replace("\n", " ")


def test_hours_add_up_to_days_in_a_calendar():
    hours = pd.date_range("2026-09-07", periods=168, freq="h")
    assert (cells(usage_of(hours, 2.0).plot("calendar")) == 48.0).all()


def test_measures_are_tokens_of_all_kinds_units_and_money():
    days = pd.date_range("2026-09-07", periods=14)
    usage = usage_of(
        days, 3.0, input_tokens=10.0, output_tokens=5.0, reasoning_tokens=2.0, billed_cost=7.5, currency="EUR"
    )
    assert (cells(usage.plot(measure="tokens")) == 15.0).all()  # reasoning is a part of output, not beside it
    assert (cells(usage.plot(measure="output_tokens")) == 5.0).all()
    ax = usage.plot(measure="billed_cost")
    assert (cells(ax) == 7.5).all()
    assert ax.get_title().startswith("Billed cost: EUR 7.50")


def test_a_measure_that_is_not_known_is_not_nought():
    days = pd.date_range("2026-09-07", periods=14)
    requests = np.where(np.arange(14) == 3, np.nan, 4.0)
    found = cells(usage_of(days, requests, input_tokens=1.0).plot(measure="requests"))
    assert np.isnan(found[3, 0])
    assert np.isnan(found).sum() == 1


def test_a_heat_map_that_cannot_be_drawn_says_what_can():
    days = pd.date_range("2026-01-01", periods=60)
    daily = usage_of(days, 1.0)
    monthly = usage_of(pd.date_range("2026-01-01", periods=6, freq="MS"), 1.0)
    assert monthly.grain == "month"
    with pytest.raises(
        UsageError, match="known by day, and this picture needs hourly usage; 'calendar' shows its days"
    ):
        daily.plot("week")
    with pytest.raises(UsageError, match="is known by month, and this picture needs daily usage"):
        monthly.plot()
    with pytest.raises(UsageError, match="plot 'wek' is not known; allowed: 'week', 'calendar'; did you mean 'week'"):
        daily.plot("wek")
    with pytest.raises(UsageError, match="measure 'tokens' is not known; allowed: 'requests'"):
        daily.plot(measure="tokens")


# ------------------------------------------------------------------------------------------ projection and plan


@pytest.fixture(scope="module")
def projection():
    days = pd.date_range("2026-01-01", "2026-06-30")
    rows = []
    for environment, size in (("production", 3_000.0), ("development", 1_000.0)):
        frame = pd.DataFrame({"date": days, "requests": size, "input_tokens": 500 * size, "output_tokens": 100 * size})
        rows.append(frame.assign(**(KEYS | {"environment": environment})))
    usage = fc.Usage.from_frame(pd.concat(rows), sort=True)
    return fc.project(usage, horizon="1Q", lag=0, model="seasonal_naive", trajectories=40, seed=3)


@pytest.fixture(scope="module")
def plan(projection):
    split = sc.EnvironmentSplit(production=(0.50, 0.60))
    growth = sc.Scenario("growth", [sc.Growth(monthly=sc.between(0.0, 0.1))])
    return sc.plan(projection, scenario=growth, split=split, draws=400, seed=3)


def test_a_projection_tells_requests_or_tokens_by_week(projection):
    ax = projection.plot()
    past = ax.lines[0].get_ydata()
    np.testing.assert_allclose(past[-5:], 7 * 4_000.0)
    assert ax.get_ylabel() == "requests a week"
    # 92 days of the quarter at 4,000 requests a day; a constant history has next to no spread
    assert ax.get_title().startswith(f"Requests of Q3 2026: {short(92 * 4_000.0)} at P50")
    tokens = projection.plot("tokens")
    np.testing.assert_allclose(tokens.lines[0].get_ydata()[-5:], 7 * 4_000.0 * 600)
    assert tokens.get_title().startswith(f"Tokens of Q3 2026: {short(92 * 4_000.0 * 600)} at P50")


def test_a_projection_tells_one_workload(projection):
    ax = projection.plot(workload="development|app")
    np.testing.assert_allclose(ax.lines[0].get_ydata()[-5:], 7 * 1_000.0)
    assert ax.get_title().startswith("development|app: requests of Q3 2026: 92.0k at P50")
    tokens = projection.plot("tokens", workload="development|app")
    np.testing.assert_allclose(tokens.lines[0].get_ydata()[-5:], 7 * 1_000.0 * 600)
    with pytest.raises(ModelError, match=r"workload 'development/app' is not known; allowed: .*did you mean"):
        projection.plot(workload="development/app")
    with pytest.raises(ModelError, match="measure 'cost' is not known; allowed: 'requests', 'tokens'"):
        projection.plot("cost")


def test_a_projection_of_few_days_is_told_by_day(projection):
    short_one = fc.project(projection.usage, horizon="10D", lag=0, model="seasonal_naive", trajectories=20, seed=3)
    ax = short_one.plot(ax=(own := offscreen()))
    assert ax is own
    assert ax.get_ylabel() == "requests a day"
    np.testing.assert_allclose(ax.lines[0].get_ydata()[-3:], 4_000.0)


@pytest.mark.parametrize("part", [None, 0.97])
def test_money_by_day_tells_the_plans_own_chance_of_going_over(plan, part):
    limit = None if part is None else part * plan.budget
    ax = plan.plot("cumulative", limit=limit)
    held = plan.budget if limit is None else limit
    over = plan.totals > held + 0.005
    name = "budget" if limit is None else "limit"
    title = ax.get_title().replace("\n", " ")
    assert f"{in_percent(over.mean())} of futures go over the {name} of {money(held, 'USD')}, around" in title
    # the fan ends at the quantiles of the totals, and the budget's path at the budget
    told = {text.get_text() for text in ax.texts}
    assert {f"P{q}0 {short(np.quantile(plan.totals, q / 10))}" for q in (1, 5, 9)} <= told
    assert f"budget {short(plan.budget)}" in told


def test_a_limit_that_is_no_amount_is_refused_and_others_mark_none(plan):
    with pytest.raises(PlanError, match="limit=nan: wanted an amount of money"):
        plan.plot("cumulative", limit=float("nan"))
    with pytest.raises(PlanError, match="only 's_curve' and 'cumulative' mark a limit"):
        plan.plot("stack", limit=5.0)


def test_stacked_environments_add_up_to_each_months_budget(plan):
    ax = plan.plot("stack")
    table = plan.table(["month", "environment"])["budget"].unstack("environment")
    bars = np.array([patch.get_height() for patch in ax.patches]).reshape(2, 3)
    np.testing.assert_allclose(bars[0], table["production"])
    np.testing.assert_allclose(bars[1], table["development"])
    assert {short(total) for total in table.sum(axis=1)} <= {text.get_text() for text in ax.texts}
    assert "production 60 %, policy 50–60 %" in {text.get_text() for text in ax.texts}
    assert ax.get_title().replace("\n", " ") == (
        f"Q3 2026: production takes 60 % of {money(plan.budget, 'USD')}, the most that policy allows"
    )


def test_without_a_policy_the_stack_tells_shares_alone(projection):
    ax = sc.plan(projection, draws=100, seed=3).plot("stack")
    assert {"production 75 %", "development 25 %"} <= {text.get_text() for text in ax.texts}
    assert "takes 75 % of USD" in ax.get_title()


def test_many_environments_are_stacked_as_five_and_the_others(projection):
    days = pd.date_range("2026-01-01", "2026-06-30")
    rows = [
        pd.DataFrame({"date": days, "requests": 100.0 * n, "input_tokens": 1e6 * n}).assign(
            **(KEYS | {"environment": f"region {n}"})
        )
        for n in range(1, 9)
    ]
    usage = fc.Usage.from_frame(pd.concat(rows), sort=True)
    made = sc.plan(fc.project(usage, horizon="1M", lag=0, model="seasonal_naive", trajectories=20), draws=100)
    ax = made.plot("stack")
    told = {text.get_text() for text in ax.texts}
    assert "3 others 17 %" in told  # (1 + 2 + 3) of 36
    assert "region 8 22 %" in told  # 8 of 36
    assert sum(patch.get_height() for patch in ax.patches) == pytest.approx(made.budget)
