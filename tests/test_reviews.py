"""Reviews: hand arithmetic on steady usage, money that adds up, and no news is the plan to the bit."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import forecast as fc
import scenarios as sc
from forecast.errors import PlanError, TokenplanError, UsageError
from forecast.usage import Usage
from tests.usages import organisation

#: Sums of some hundred doubles, in another order.
ROUNDING = 1e-9
#: 1 a thousand tokens, so that a day of 100 requests of 1,000 tokens costs 100.
BOOK = fc.PriceBook.from_frame(
    pd.DataFrame(
        {
            "provider": ["openai"],
            "model": ["steady"],
            "unit": ["input_tokens"],
            "price": [1_000.0],
            "currency": ["USD"],
            "valid_from": ["2020-01-01"],
        }
    )
)
PLAN = pd.date_range("2026-01-01", "2026-06-30")


def steady(days, requests, **columns):
    """A hundred requests a day and the like, of 1,000 tokens each."""
    frame = pd.DataFrame({"date": days, "provider": "openai", "model": "steady", "environment": "production"})
    values = np.broadcast_to(np.asarray(requests, dtype="float64"), (len(days),))
    return frame.assign(project="search", requests=values, input_tokens=values * 1_000.0, **columns)


def used(*frames, source="usage"):
    return Usage.from_frame(pd.concat(frames, ignore_index=True), source=source)


@pytest.fixture(scope="module")
def steady_plan():
    """91 days of 100 a day, planned from July to September 2026: every future is 9,200."""
    usage = used(steady(PLAN, 100.0))
    projection = fc.project(usage, horizon="1Q", lag=0, model="seasonal_naive", trajectories=40)
    return sc.plan(projection, prices=BOOK, components=[sc.Fixed("gateway", 3_100)], draws=200)


@pytest.fixture(scope="module")
def plan():
    usage = organisation().until("2026-06-30")
    projection = fc.project(usage, horizon="1Q", lag=0, model="seasonal_naive", trajectories=60, seed=3)
    return sc.plan(
        projection,
        scenario=sc.Scenario("as told", [sc.Growth(monthly=sc.between(0.01, 0.03))]),
        components=[sc.Fixed("gateway", 4_000), sc.PerUnit("moderation", "requests", price=0.002)],
        split=sc.EnvironmentSplit(development=(0.15, 0.20), production=(0.60, 0.70)),
        draws=400,
        seed=3,
    )


def test_a_month_that_is_over_by_hand(steady_plan):
    """July at 120 a day: 31 days x 20 more than planned, and the gateway as planned."""
    usage = used(steady(pd.date_range("2026-07-01", "2026-07-31"), 120.0))
    review = sc.review(steady_plan, usage, as_of="2026-07-31", amount=100, percent=0.05)
    row = review.table("month").loc["2026-07"]
    assert row["budget"] == pytest.approx(31 * 100 + 3_100, abs=0.01)
    assert row["actual"] == pytest.approx(31 * 120 + 3_100, abs=0.01)
    assert row["variance"] == pytest.approx(-620.0, abs=0.01)
    assert row["percent"] == pytest.approx(-620.0 / 6_200.0, abs=1e-6)
    assert row["status"] == "unfavourable"
    lines = review.table("line")
    assert lines.loc["tokens", "variance"] == pytest.approx(-620.0, abs=0.01)
    assert lines.loc["gateway", "variance"] == pytest.approx(0.0, abs=0.01)
    assert any("gateway 3,100.00" in note for note in review.notes)


def test_the_budget_of_a_month_under_way_counts_by_its_days(steady_plan):
    usage = used(steady(pd.date_range("2026-07-01", "2026-07-10"), 100.0))
    review = sc.review(steady_plan, usage, as_of="2026-07-10")
    row = review.table("month").loc["2026-07"]
    assert row["budget"] == pytest.approx(10 * (100 + 100), abs=0.01)
    assert row["actual"] == pytest.approx(2_000.0, abs=0.01)
    assert row["status"] == ""
    assert review.outlook.quantile(0.5) == pytest.approx(92 * 100 + 3 * 3_100, rel=1e-6)


def test_a_breach_by_hand(steady_plan):
    """150 a day in July, and 150 a day foreseen: with 100 a day for the gateway, 10,000 are gone on day 40 of 250."""
    usage = used(steady(PLAN, 100.0), steady(pd.date_range("2026-07-01", "2026-07-31"), 150.0))
    review = sc.review(steady_plan, usage, as_of="2026-07-31")
    breach = review.breach(4_999.0)
    assert breach.probability == 1.0
    assert breach.dates()["p50"] == pd.Timestamp("2026-07-20")  # day 20: 20 x 250 = 5,000, the first above 4,999
    assert breach.spent[19] == pytest.approx(5_000.0, abs=0.01)
    assert np.isnan(breach.spent[31:]).all()
    never = review.breach(1e9)
    assert never.probability == 0.0
    assert never.dates().isna().all()
    assert np.isnan(never.overrun)


def test_days_of_a_breach_sum_to_the_outlook(plan):
    review = sc.review(plan, organisation(), as_of="2026-08-10")
    breach = review.breach()
    totals = review.outlook.totals
    np.testing.assert_allclose(breach.cumulative[:, -1], totals, rtol=ROUNDING)
    assert breach.probability == pytest.approx(float((totals > plan.budget).mean()))
    chance = breach.by_day()
    assert chance.is_monotonic_increasing
    assert chance.iloc[-1] >= breach.probability - 1e-12


def test_no_new_data_is_the_plan_to_the_bit(plan):
    again = plan.reforecast(plan.projection.usage, as_of=plan.projection.as_of)
    assert (again.totals == plan.totals).all()
    assert again.name == "0+3"
    table = again.table("month")
    assert table["budget"].tolist() == plan.table("month")["budget"].tolist()
    with pytest.raises(PlanError, match="nothing is new"):
        again.bridge()


def test_the_approved_budget_never_moves(plan):
    first = plan.reforecast(organisation(), as_of="2026-07-31")
    second = first.reforecast(organisation(), as_of="2026-08-31")
    walk = second.walk()
    assert list(walk.index) == ["plan", "1+2", "2+1"]
    assert walk["to_date"].is_monotonic_increasing
    for version in second.versions:
        assert version.table([])["budget"].iloc[0] == plan.budget
    assert second.versions == (first, second)
    with pytest.raises(PlanError, match="lies before"):
        second.reforecast(organisation(), as_of="2026-08-01")


@pytest.mark.parametrize("day", ["2026-07-31", "2026-08-31", "2026-08-12"])
def test_the_walk_closes_in_every_draw(plan, day):
    first = plan.reforecast(organisation(), as_of="2026-07-31")
    version = first if day == "2026-07-31" else first.reforecast(organisation(), as_of=day)
    bridge = version.bridge()
    assert (bridge.residual == 0.0).all()
    before = plan.totals if version.before is None else version.before.totals
    np.testing.assert_allclose(bridge.before, before, rtol=ROUNDING)
    np.testing.assert_allclose(bridge.after, version.totals, rtol=ROUNDING)


def test_plan_to_actual_closes_and_is_what_was_spent(plan):
    review = sc.review(plan, organisation(), as_of="2026-08-10")
    bridge = review.bridge()
    assert (bridge.residual == 0.0).all()
    months = plan.ledger.money[:, 0, plan.ledger.demand].sum(axis=1)
    np.testing.assert_allclose(bridge.before, months, rtol=ROUNDING)
    np.testing.assert_allclose(bridge.after, review.outlook.actual[0].sum(), rtol=ROUNDING)
    assert sc.review(plan, organisation(), as_of="2026-07-20").bridge() is None


def test_what_is_spent_is_what_the_export_and_the_lines_say(plan):
    usage, book = organisation(), plan.spec.prices
    review = sc.review(plan, usage, as_of="2026-07-31")
    inside = usage.frame["date"].between("2026-07-01", "2026-07-31")
    assert review.table("line").loc["tokens", "actual"] == pytest.approx(book.cost(usage)[inside].sum(), rel=ROUNDING)
    # A line by use is reckoned from the requests that came.
    requests = usage.frame.loc[inside, "requests"].sum()
    assert review.table("line").loc["moderation", "actual"] == pytest.approx(0.002 * requests, rel=1e-9)
    by = review.table(["environment"])["actual"].sum()
    assert by == pytest.approx(review.outlook.to_date, rel=ROUNDING)


def test_lines_that_somebody_tells_are_not_assumed(steady_plan):
    usage = used(steady(pd.date_range("2026-07-01", "2026-07-31"), 100.0))
    told = pd.DataFrame({"month": ["2026-07"], "line": ["gateway"], "amount": [4_000.0]})
    review = sc.review(steady_plan, usage, as_of="2026-07-31", lines=told)
    assert review.table("line").loc["gateway", "actual"] == pytest.approx(4_000.0)
    assert not any("gateway" in note for note in review.notes)
    for wrong, words in (
        (told.assign(line="gatway"), "did you mean 'gateway'"),
        (told.assign(month="2027-01"), "is no month of the plan"),
        (told.assign(month="2026-09"), "has not begun"),
        (told.assign(amount=np.nan), "wanted money"),
        (told.drop(columns="amount"), "month, line, amount"),
    ):
        with pytest.raises(PlanError, match=words):
            sc.review(steady_plan, usage, as_of="2026-07-31", lines=wrong)


def test_billed_money_counts_and_the_rest_is_billed_alike(steady_plan):
    days = pd.date_range("2026-07-01", "2026-07-31")
    usage = used(steady(days, 100.0, billed_cost=80.0, currency="USD"))
    review = sc.review(steady_plan, usage, as_of="2026-07-31")
    assert review.table("line").loc["tokens", "actual"] == pytest.approx(31 * 80.0)
    # 61 days to come at 80 % of list prices, and three months of the gateway.
    assert review.outlook.quantile(0.5) == pytest.approx(31 * 80 + 61 * 80 + 3 * 3_100, rel=1e-6)
    listed = sc.review(steady_plan, usage, as_of="2026-07-31", money="priced")
    assert listed.outlook.quantile(0.5) == pytest.approx(92 * 100 + 3 * 3_100, rel=1e-6)
    with pytest.raises(PlanError, match="billed in EUR"):
        sc.review(steady_plan, used(steady(days, 100.0, billed_cost=80.0, currency="EUR")), as_of="2026-07-31")


def test_usage_that_the_plan_does_not_know_is_unplanned(steady_plan):
    days = pd.date_range("2026-07-01", "2026-07-31")
    usage = used(steady(days, 100.0), steady(days, 10.0).assign(project="skunkworks"))
    table = sc.review(steady_plan, usage, as_of="2026-07-31").table("project")
    assert table.loc["skunkworks", "status"] == "unplanned"
    assert np.isnan(table.loc["skunkworks", "budget"])
    assert table.loc["skunkworks", "actual"] == pytest.approx(310.0)
    assert table["actual"].sum() == pytest.approx(31 * 110 + 3_100)


def test_restated_and_missing_days_are_told(steady_plan):
    """The newer export tells 30 June again, otherwise, and lacks 5 July."""
    days = pd.date_range("2026-06-30", "2026-07-31").drop("2026-07-05")
    review = sc.review(steady_plan, used(steady(days, 110.0)), as_of="2026-07-31")
    restated = review.outlook.restated
    assert restated["date"].unique().tolist() == [pd.Timestamp("2026-06-30")]
    assert restated.set_index("measure").loc["requests", "difference"] == pytest.approx(10.0)
    assert any("1 days have no rows" in note and "2026-07-05" in note for note in review.notes)


def test_a_late_record_supersedes_and_its_difference_is_shown(steady_plan):
    days = pd.date_range("2026-07-01", "2026-07-31")
    first = steady(days, 100.0).assign(recorded_at=days)
    late = steady(days[:1], 130.0).assign(recorded_at=pd.Timestamp("2026-07-09"))
    usage = used(first, late)
    review = sc.review(steady_plan, usage, as_of="2026-07-31")
    assert review.table("line").loc["tokens", "actual"] == pytest.approx(31 * 100 + 30)
    told = review.outlook.restated.set_index("measure").loc["requests"]
    assert (told["before"], told["now"]) == (100.0, 130.0)
    # On 5 July nobody knew.
    early = sc.review(steady_plan, usage, as_of="2026-07-05")
    assert early.table("line").loc["tokens", "actual"] == pytest.approx(500.0)


def test_a_lever_that_has_begun_is_in_the_usage_and_not_made_again():
    usage = organisation()
    projection = fc.project(
        usage.until("2026-06-30"), horizon="1Q", lag=0, model="seasonal_naive", trajectories=40, seed=3
    )
    batch = sc.Batch(model="gpt-5*", share=0.4, on="2026-07-10")
    levered, plain = (sc.plan(projection, scenario=sc.Scenario("s", c), draws=200, seed=3) for c in ([batch], []))
    before, after = (
        [sc.review(p, usage, as_of=day).outlook for p in (levered, plain)] for day in ("2026-07-05", "2026-07-31")
    )
    assert before[0].quantile(0.5) < 0.95 * before[1].quantile(0.5)
    assert (after[0].totals == after[1].totals).all()
    assert any("batch: begun by" in note for note in after[0].notes)


def test_timing_is_told_from_permanent(steady_plan):
    """Half as much again all July lasts. 160 a day for a week, then 60: over to date, and under by September's end."""
    days = pd.date_range("2026-07-01", "2026-07-31")
    lasting = sc.review(steady_plan, used(steady(days, 150.0)), as_of="2026-07-31", amount=100)
    assert lasting.table("month")["kind"].tolist() == ["permanent"]
    usage = used(steady(days[:7], 160.0), steady(days[7:14], 60.0))
    early = sc.review(steady_plan, usage, as_of="2026-07-14", amount=100, percent=0.01)
    row = early.table("month").iloc[0]
    assert row["variance"] == pytest.approx(-7 * 60 + 7 * 40, abs=0.01)
    assert float(early.outlook.table([])["variance"].iloc[0]) > 0
    assert (row["status"], row["kind"]) == ("unfavourable", "timing")


def test_both_thresholds_must_be_met(steady_plan):
    days = pd.date_range("2026-07-01", "2026-07-31")
    usage = used(steady(days, 120.0))  # 620 over, 10 %
    for amount, percent, told in ((600, 0.09, True), (700, 0.09, False), (600, 0.11, False)):
        review = sc.review(steady_plan, usage, as_of="2026-07-31", amount=amount, percent=percent)
        assert (len(review.variances("month")) == 1) is told


def test_a_budget_that_was_made_elsewhere():
    usage = organisation()
    table = pd.DataFrame(
        {
            "period": ["2026Q3", "2026-07", "2026-08"],
            "environment": ["production", "test", "test"],
            "amount": [9e5, 1e4, 2e4],
        }
    )
    review = sc.review(table, usage, as_of="2026-07-31")
    month = review.table(["month", "environment"])["budget"]
    assert month["2026-07", "production"] == pytest.approx(9e5 * 31 / 92, abs=0.01)
    assert month["2026-07", "test"] == pytest.approx(1e4)
    assert review.outlook.budget.total == pytest.approx(9.3e5)
    assert review.breach().limit == pytest.approx(9.3e5)
    assert (review.table("environment").loc[["development", "staging"], "status"] == "unplanned").all()
    with pytest.raises(PlanError, match="not told by 'project'"):
        review.table("project")
    for wrong, words in (
        (table.assign(period="soon"), "cannot be read"),
        (table.assign(amount=[1.0, np.nan, 2.0]), "row 2"),
        (table.rename(columns={"amount": "money"}), "is no label of usage"),
        (table.iloc[:0], "at least one row"),
        (table.assign(period="2025-05"), "from before the budget"),
    ):
        with pytest.raises(TokenplanError, match=words):
            sc.review(wrong, usage, as_of="2026-07-31")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"as_of": "2027-01-01"}, "nothing after that is known"),
        ({"as_of": "2026-05-01"}, "lies before 2026-06-30"),
        ({"as_of": "yesterday"}, "as_of"),
        ({"amount": -1}, "0 or more"),
        ({"percent": float("nan")}, "0 or more"),
        ({"money": "billed"}, "billed_cost"),
    ],
)
def test_odd_arguments_are_told(plan, arguments, words):
    with pytest.raises(TokenplanError, match=words):
        sc.review(plan, organisation(), **arguments)


def test_other_grains_and_strangers_are_refused(plan):
    monthly = pd.DataFrame(
        {
            "date": pd.date_range("2026-07-01", periods=3, freq="MS"),
            "provider": "openai",
            "model": "gpt-5",
            "requests": 1.0,
        }
    )
    with pytest.raises(UsageError, match="read the export as the plan's was read"):
        sc.review(plan, Usage.from_frame(monthly.assign(input_tokens=1.0), grain="month"))
    with pytest.raises(UsageError, match="read it first"):
        sc.review(plan, "july.csv")
    with pytest.raises(PlanError, match="wanted a BudgetPlan"):
        sc.review("plan", organisation())
    with pytest.raises(PlanError, match="wanted an amount"):
        sc.review(plan, organisation(), as_of="2026-07-31").breach("all of it")


def test_overrides_are_in_what_is_foreseen(steady_plan):
    """A judgement that the gateway will cost half as much again holds in the rest, and what it was is in the walk."""
    dearer = sc.Override(
        "gateway grows",
        sc.Fixed("gateway", 4_650),
        who="platform",
        why="a second region",
        on="2026-06-20",
        replaces="gateway",
    )
    plan = steady_plan.replan(overrides=[dearer])
    review = sc.review(plan, used(steady(pd.date_range("2026-07-01", "2026-07-31"), 100.0)), as_of="2026-07-31")
    assert review.outlook.quantile(0.5) == pytest.approx(92 * 100 + 3 * 4_650, rel=1e-6)
    bridge = review.bridge()
    assert bridge.means["fixed lines"] == pytest.approx(0.0, abs=0.01)
    assert sc.commitment(plan, discount=0.25).at(3_000).saving == pytest.approx(
        sc.commitment(steady_plan, discount=0.25).at(3_000).saving
    )


def test_days_after_the_plan_are_not_in_it(steady_plan):
    usage = used(steady(pd.date_range("2026-07-01", "2026-10-15"), 100.0))
    review = sc.review(steady_plan, usage, as_of="2026-10-15")
    assert review.outlook.to_date == pytest.approx(92 * 100 + 3 * 3_100)
    assert review.outlook.rest is None


def test_what_meets_the_budget_to_the_cent_does_not_go_over_it(steady_plan):
    usage = used(steady(pd.date_range("2026-07-01", "2026-07-31"), 100.0))
    review = sc.review(steady_plan, usage, as_of="2026-07-31")
    assert review.outlook.budget.total == pytest.approx(92 * 100 + 3 * 3_100, abs=0.01)
    assert review.breach().probability == 0.0
    assert review.outlook.probability_over(review.outlook.budget.total) == 0.0


def test_usage_without_an_environment_is_not_unplanned():
    days = pd.date_range("2026-01-01", "2026-07-31")
    usage = Usage.from_frame(steady(days, 100.0).drop(columns="environment"))
    projection = fc.project(
        usage.until("2026-06-30"), horizon="1Q", lag=0, model="seasonal_naive", trajectories=40, by="project"
    )
    plan = sc.plan(projection, prices=BOOK, draws=200)
    review = sc.review(plan, usage, as_of="2026-07-31")
    assert review.table("environment").index.tolist() == ["unassigned"]
    assert review.table("environment")["status"].tolist() == [""]
    assert not review.outlook.unplanned.any()


def test_monthly_usage_is_reviewed_to_its_last_month():
    months = pd.date_range("2025-01-01", "2026-09-01", freq="MS")
    usage = Usage.from_frame(steady(months, 3_000.0), grain="month")
    projection = fc.project(usage.until("2026-06-01"), horizon="1Q", model="seasonal_naive", trajectories=40)
    plan = sc.plan(projection, prices=BOOK, components=[sc.Fixed("gateway", 3_100)], draws=200)
    half = sc.review(plan, usage, as_of="2026-08-01")
    assert half.outlook.to_date == pytest.approx(2 * (3_000 + 3_100))
    assert half.outlook.quantile(0.5) == pytest.approx(3 * (3_000 + 3_100), rel=1e-6)
    whole = sc.review(plan, usage, as_of="2026-09-01")
    assert whole.outlook.rest is None
    assert whole.breach(9_000).dates()["p50"].month == 8


def test_rounding_of_a_month_that_was_over_is_no_restatement(plan):
    first = plan.reforecast(organisation(), as_of="2026-07-31")
    second = first.reforecast(organisation(), as_of="2026-08-31")
    moved = replace(second.outlook, actual=second.outlook.actual * (1.0 + 1e-15))
    steps = replace(second, outlook=moved).bridge().steps
    assert "restated" not in steps
    dearer = second.outlook.actual.copy()
    dearer[0, 0] += 10.0
    bridge = replace(second, outlook=replace(second.outlook, actual=dearer)).bridge()
    assert bridge.means["restated"] == pytest.approx(10.0, abs=0.01)
