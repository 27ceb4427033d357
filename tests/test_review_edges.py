"""Reviews at the edges: months by weeks, monthly usage, bills and lines of every kind, by hand on steady usage."""

import numpy as np
import pandas as pd
import pytest

import forecast as fc
import scenarios as sc
from forecast.errors import PlanError
from forecast.prices.billing import Seats
from forecast.usage import Usage
from scenarios.components import Months
from scenarios.reviews.diving.calibration import calibration_of, pits
from scenarios.reviews.diving.judged import judged
from scenarios.reviews.diving.opportunities import opportunities_of
from scenarios.reviews.diving.savings import savings_of
from scenarios.reviews.joined import joined
from scenarios.reviews.layout import Layout
from tests.test_reviews import BOOK, PLAN, steady, used

JULY = pd.date_range("2026-07-01", "2026-07-31")
#: Money is rounded to cents once.
CENT = 0.01
#: Sums of some hundred doubles, in another order.
ROUNDING = 1e-9
BILLED = {"billed_cost": 80.0, "currency": "USD"}


def planned(components=(), changes=(), usage=None, calendar=None, by=("environment", "project"), **arguments):
    """A quarter of 100 a day and what stands beside it, each of 200 futures alike."""
    projection = fc.project(
        usage if usage is not None else used(steady(PLAN, 100.0)),
        horizon="1Q",
        lag=0,
        model="seasonal_naive",
        trajectories=40,
        by=by,
        calendar=calendar if calendar is not None else fc.Calendar(),
        max_series=arguments.pop("max_series", 50),
    )
    scenario = changes if isinstance(changes, sc.Scenario) else sc.Scenario("s", list(changes))
    return sc.plan(projection, prices=BOOK, components=components, scenario=scenario, draws=200, **arguments)


def monthly(first, periods, requests, **columns):
    return Usage.from_frame(
        steady(pd.date_range(first, periods=periods, freq="MS"), requests, **columns), grain="month"
    )


def trimmed(days, requests, factor):
    frame = steady(days, requests)
    return frame.assign(input_tokens=frame["input_tokens"] * factor)


@pytest.fixture(scope="module")
def bare():
    return planned()


def test_what_is_spent_after_the_plan_is_no_part_of_it():
    plan = planned([sc.PerUnit("moderation", "requests", price=1.0)])
    usage = used(steady(pd.date_range("2026-07-01", "2026-10-31"), 100.0))
    review = sc.review(plan, usage, as_of="2026-10-20")
    assert review.outlook.to_date == pytest.approx(92 * 200)
    assert review.table("line")["actual"].tolist() == pytest.approx([9_200, 9_200])


def test_a_limit_that_has_begun_is_still_in_force():
    plan = planned(changes=[sc.Limit(requests=80, on="2026-07-10")])
    review = sc.review(plan, used(steady(JULY, 100.0)), as_of="2026-07-31")
    assert review.outlook.rest is not None
    np.testing.assert_allclose(plan.totals, 9 * 100 + 83 * 80, rtol=ROUNDING)
    np.testing.assert_allclose(review.outlook.totals, 31 * 100 + 61 * 80, rtol=ROUNDING)


def test_monthly_usage_to_its_last_month_and_beyond():
    plan = planned(usage=monthly("2025-01-01", 18, 3_000.0))
    for day, months in (("2026-09-01", 3), ("2026-11-01", 5)):
        review = sc.review(plan, monthly("2026-07-01", months, 3_000.0), as_of=day)
        assert review.outlook.to_date == pytest.approx(9_000)
        assert review.outlook.rest is None


def test_monthly_usage_that_is_billed_below_list_goes_on_so():
    plan = planned(usage=monthly("2025-01-01", 18, 3_000.0))
    usage = monthly("2026-07-01", 1, 3_000.0, billed_cost=2_400.0, currency="USD")
    outlook = sc.review(plan, usage, as_of="2026-07-01").outlook
    assert outlook.table("month")["p50"].tolist() == pytest.approx([2_400] * 3, rel=1e-6)


def test_a_bill_in_rows_of_its_own_is_dealt_to_its_usage_and_goes_on_so():
    bill = pd.DataFrame({"date": JULY, "provider": "openai", "model": "steady", **BILLED})
    before, used_by = ([steady(d, 75.0), steady(d, 25.0).assign(environment="test")] for d in (PLAN, JULY))
    plan = planned(usage=used(*before))
    review = sc.review(plan, used(*used_by, bill), as_of="2026-07-31")
    assert review.table("environment")["actual"].to_dict() == pytest.approx(
        {"production": 31 * 60.0, "test": 31 * 20.0}
    )
    assert review.outlook.quantile(0.5) == pytest.approx(92 * 80, rel=1e-6)
    # What the bill does not say of this kind of money is priced, and nothing is lost.
    other = sc.review(plan, used(*used_by, bill), as_of="2026-07-31", money="effective_cost")
    assert other.outlook.to_date == pytest.approx(3_100)


def test_a_share_of_tokens_is_of_what_is_billed():
    usage = used(steady(JULY, 100.0, **BILLED))
    by_line = sc.review(planned([sc.ShareOf("ops", 0.1)]), usage, as_of="2026-07-31").outlook.table("line")
    assert by_line.loc["ops", "p50"] == pytest.approx(0.1 * 92 * 80, rel=1e-6)
    searched = [sc.ShareOf("ops", 0.1, where={"project": "search"})]
    outlook = sc.review(planned(searched, detail=("environment",)), usage, as_of="2026-07-31").outlook
    assert outlook.table("line").loc["ops", "p50"] == pytest.approx(0.1 * 92 * 80, rel=1e-6)


@pytest.mark.parametrize("money", ["billed_cost", "effective_cost", "list_cost", "priced"])
def test_the_bridge_ends_at_the_money_that_counts(bare, money):
    usage = used(steady(JULY, 100.0, **BILLED, effective_cost=70.0))
    review = sc.review(bare, usage, as_of="2026-07-31", money=money)
    paid = {"billed_cost": 80, "effective_cost": 70}.get(money, 100)
    assert review.outlook.to_date == pytest.approx(31 * paid)
    assert review.bridge().after == pytest.approx(31 * paid)


def test_an_allowance_each_counts_once_and_knows_newcomers():
    """5,000 a month each: search uses 3,100 in July, and skunkworks, which the plan does not know, 310."""
    usage = used(steady(JULY, 100.0), steady(JULY, 10.0).assign(project="skunkworks"))
    for size in ({"amount": 5_000.0}, {"tokens": 5e6}):
        review = sc.review(planned([sc.Allowance("quota", per="project", **size)]), usage, as_of="2026-07-31")
        actual = review.table("line")["actual"]
        assert actual["quota: search"] == pytest.approx(1_900)
        assert actual["quota: skunkworks"] == pytest.approx(4_690)
        assert review.bridge().after == pytest.approx(review.outlook.to_date)
        # Each project pays 5,000 a month, whatever it uses within that.
        assert review.outlook.totals == pytest.approx(3 * 2 * 5_000)


def test_a_bill_in_rows_of_its_own_has_no_allowance():
    bill = pd.DataFrame({"date": JULY, "provider": "openai", "model": "steady", **BILLED})
    plan = planned([sc.Allowance("quota", amount=5_000.0, per="project")])
    review = sc.review(plan, used(steady(JULY, 100.0), bill), as_of="2026-07-31")
    assert review.table("line")["actual"].to_dict() == pytest.approx({"quota: search": 5_000 - 2_480, "tokens": 2_480})


def test_what_an_allowance_blocks_is_taken_off_once():
    plan = planned([sc.Allowance("quota", amount=2_000.0, beyond="block")])
    review = sc.review(plan, used(steady(JULY, 100.0)), as_of="2026-07-31")
    assert review.table("line").loc["quota: blocked", "actual"] == pytest.approx(-1_100)
    assert review.outlook.totals == pytest.approx(6_000)


def test_an_allowance_of_pooled_projects_is_reviewed():
    requests = {"search": 100.0, "chat": 50.0, "a": 5.0, "b": 4.0}

    def all_of(days):
        return used(*[steady(days, n).assign(project=name) for name, n in requests.items()])

    plan = planned([sc.Allowance("quota", tokens=5e6, per="project")], usage=all_of(PLAN), max_series=2)
    actual = sc.review(plan, all_of(JULY), as_of="2026-07-31").table("line")["actual"]
    assert actual["quota: (other)"] == pytest.approx(5_000 - 31 * 9)


def test_a_line_by_usage_that_has_not_come_yet_is_nought():
    chat = sc.PerUnit("moderation", "requests", price=1.0, where={"project": "chat"})
    plan = planned([chat], usage=used(steady(PLAN, 100.0), steady(PLAN, 50.0).assign(project="chat")))
    review = sc.review(plan, used(steady(JULY, 100.0)), as_of="2026-07-31")
    assert review.table("line").loc["moderation", "actual"] == 0.0


def test_a_lever_without_a_day_is_not_made_twice():
    """Prompts a fifth shorter from the first day on: July shows it, and the model sees 31 days of it."""
    trim = sc.PromptTrim(by=-0.2, name="trim")
    usage = used(trimmed(JULY, 100.0, 0.8))
    with_it = sc.review(planned(changes=[trim]), usage, as_of="2026-07-31")
    without = sc.review(planned(), usage, as_of="2026-07-31")
    assert (with_it.outlook.totals == without.outlook.totals).all()
    assert any("trim: begun by" in note for note in with_it.notes)


def test_a_discount_holds_beside_newer_list_prices():
    plan = planned(changes=[sc.Discount(share=0.2, on="2026-07-01", model="steady")])
    usage = used(steady(JULY, 100.0, **BILLED))
    for prices in (None, BOOK):
        outlook = sc.review(plan, usage, as_of="2026-07-31", prices=prices).outlook
        assert outlook.quantile(0.5) == pytest.approx(92 * 80, rel=1e-6)


def test_lines_of_changes_in_a_month_under_way():
    """Ten seats at 31 a month: 100 in ten days of July and 210 in the rest. A lever from 5 September runs 26 days."""
    july = sc.review(
        planned(changes=[sc.Contract(rules=[Seats("seats", 31.0)], seats=10)]),
        used(steady(JULY[:10], 100.0)),
        as_of="2026-07-10",
    ).outlook.table(["month", "line"])
    assert july.loc[("2026-07", "seats"), ["actual", "p50"]].tolist() == pytest.approx([100.0, 310.0])
    september = sc.review(
        planned(changes=[sc.PromptTrim(by=-0.1, on="2026-09-05", running=310.0, name="trim")]),
        used(steady(pd.date_range("2026-07-01", "2026-09-03"), 100.0)),
        as_of="2026-09-03",
    ).outlook.table(["month", "line"])
    line = september.loc[("2026-09", "trim: running")]
    assert line[["actual", "p50"]].tolist() == pytest.approx([0.0, 310.0 * 26 / 30])


def test_taxes_that_are_planned_and_reported_count_once():
    tax = {"date": [JULY[-1]], "provider": "openai", "charge_category": "tax", "billed_cost": [300.0]}
    usage = used(steady(JULY, 100.0, billed_cost=100.0, currency="USD"), pd.DataFrame({**tax, "currency": "USD"}))
    plan = planned([sc.Fixed("taxes", 310.0)])
    review = sc.review(plan, usage, as_of="2026-07-31")
    assert review.table("line").loc["taxes", "actual"] == pytest.approx(300.0)
    assert review.bridge().after == pytest.approx(3_400.0)
    told = pd.DataFrame({"month": ["2026-07"], "line": ["taxes"], "amount": [300.0]})
    with pytest.raises(PlanError, match="in the usage already"):
        sc.review(plan, usage, as_of="2026-07-31", lines=told)


def test_what_a_split_divides_by_is_kept_apart_in_the_rest():
    usage = used(steady(PLAN, 100.0).assign(application="web"))
    plan = planned(
        usage=usage,
        by=("environment", "project", "application"),
        detail=("environment", "project"),
        split=sc.Split(by="application"),
    )
    outlook = sc.review(plan, used(steady(JULY, 100.0).assign(application="web")), as_of="2026-07-31").outlook
    assert outlook.table("application")["p50"].to_dict() == pytest.approx({"web": 9_200.0}, rel=1e-6)


def test_months_by_weeks_count_as_the_calendar_has_them():
    """FY2026P07 is 5 July to 1 August, and two parts of calendar months."""
    usage = used(steady(pd.date_range("2026-01-01", "2026-07-04"), 100.0))
    plan = planned([sc.Fixed("gateway", 3_100)], usage=usage, calendar=fc.Calendar(weeks="4-4-5"))
    later = used(steady(pd.date_range("2026-07-01", "2026-08-20"), 100.0))
    assert plan.reforecast(later, as_of="2026-07-31").name == "0+3"
    assert plan.reforecast(later, as_of="2026-08-14").name == "1+2"
    assert sc.review(plan, later, as_of="2026-07-31").bridge() is None
    lines = pd.DataFrame({"month": ["FY2026P07"], "line": ["gateway"], "amount": [2_800.0]})
    review = sc.review(plan, later, as_of="2026-08-01", lines=lines)
    assert review.table("month").loc["FY2026P07", "actual"] == pytest.approx(28 * 100 + 2_800)
    assert not any("gateway" in note for note in review.notes)


def test_odd_months_and_columns_are_told(bare):
    usage = used(steady(JULY, 100.0))
    lines = pd.DataFrame({"month": ["soon"], "line": ["gateway"], "amount": [1.0]})
    with pytest.raises(PlanError, match="write it such as 2026-07"):
        sc.review(planned([sc.Fixed("gateway", 10)]), usage, as_of="2026-07-31", lines=lines)
    review = sc.review(bare, usage, as_of="2026-07-31")
    for table in (review.table, review.outlook.table):
        with pytest.raises(PlanError, match="wanted a column"):
            table(3)


def test_a_budget_made_elsewhere_is_told_by_what_it_says():
    """A blank environment is unassigned on both sides, and what has no lines is not told by them."""
    unassigned = steady(JULY, 1.0).assign(environment=None)
    table = pd.DataFrame({"period": "2026Q3", "environment": ["production", None], "amount": [9_200.0, 92.0]})
    usage = used(steady(PLAN, 100.0), steady(JULY, 100.0), unassigned)
    review = sc.review(table, usage, as_of="2026-07-31", prices=BOOK)
    assert review.table("environment")["budget"].to_dict() == pytest.approx({"production": 3_100.0, "unassigned": 31.0})
    assert (review.table("environment")["status"] == "").all()
    with pytest.raises(PlanError, match="not told by 'line'"):
        review.table("line")


def test_tables_of_a_month_under_way_add_up_to_the_cent():
    names = [f"p{i}" for i in range(9)]
    usage = used(*[steady(PLAN, 10.01).assign(project=name) for name in names])
    plan = planned(usage=usage)
    july = used(*[steady(JULY[:10], 10.01).assign(project=name) for name in names])
    review = sc.review(plan, july, as_of="2026-07-10")
    whole = review.table("month")["budget"].sum()
    # Doubles of cents that were rounded already.
    assert review.table("project")["budget"].sum() == pytest.approx(whole, abs=1e-6)


def test_the_same_day_told_otherwise_is_news(bare):
    first = bare.reforecast(used(steady(JULY, 100.0)), as_of="2026-07-31")
    again = first.reforecast(used(steady(JULY, 120.0)), as_of="2026-07-31")
    assert again.bridge().means["restated"] == pytest.approx(620.0)
    with pytest.raises(PlanError, match="nothing is new"):
        first.reforecast(used(steady(JULY, 100.0)), as_of="2026-07-31").bridge()


def test_an_export_that_begins_within_a_day_keeps_the_hours_before():
    def hours(first, last):
        return Usage.from_frame(steady(pd.date_range(first, last, freq="h"), 10.0), grain="hour")

    older, newer = hours("2026-06-01", "2026-07-01 23:00"), hours("2026-07-01 12:00", "2026-07-10 23:00")
    made = joined(older, newer, "2026-07-10", lag=0, since=pd.Timestamp("2026-06-30"))
    assert made.usage.frame["requests"].sum() == 40 * 24 * 10
    assert made.restated.empty


def test_money_that_was_not_known_is_not_restated():
    older = used(steady(JULY, 100.0, billed_cost=np.nan, currency="USD"))
    newer = used(steady(JULY, 100.0, **BILLED))
    made = joined(older, newer, None, lag=0, since=pd.Timestamp("2026-06-30"))
    assert made.restated.empty


def test_levers_are_tried_in_every_branch():
    boom = sc.Scenario("boom", [sc.Step(by=1.0, on="2026-07-01")])
    tree = sc.Scenario("tree").tree([(0.5, sc.Scenario("calm")), (0.5, boom)])
    plan = planned(changes=tree)
    table = opportunities_of(plan, [sc.PromptTrim(by=-0.1, name="a tenth")])
    # Half of all futures cost 9,200, and half twice as much.
    assert table.loc["a tenth", "saving"] == pytest.approx(0.1 * 9_200 * 1.5, rel=ROUNDING)


def test_savings_of_a_lever_beside_others_that_are_tied():
    trim = sc.PromptTrim(by=-0.2, on="2026-07-11", name="trim")
    grows = [sc.Growth(monthly=sc.between(0.0, 0.1), name="growth"), sc.Step(by=sc.between(0.1, 0.3), name="step")]
    tied = sc.CommonFactor("demand", {"growth": 0.9, "step": 0.9})
    plan = planned(changes=sc.Scenario("tied", [*grows, trim], dependence=[tied]))
    outlook = sc.review(
        plan, used(steady(JULY[:10], 100.0), trimmed(JULY[10:], 100.0, 0.8)), as_of="2026-07-31"
    ).outlook
    row = savings_of(outlook).loc["trim"]
    assert row["realised"] == pytest.approx(21 * 20.0, rel=ROUNDING)
    july = plan.ledger.money[:, 0].sum(axis=1).mean()
    # From 11 July on 0.8 of what it would be: of 31 days that grow evenly, 21 of which are shorter.
    assert row["planned"] == pytest.approx(july * 0.2 * 21 / (10 + 0.8 * 21), rel=0.03)


def test_monthly_savings_are_measured_month_on_month():
    plan = planned(
        usage=monthly("2024-01-01", 30, 3_000.0 + 300.0 * np.sin(np.arange(30))),
        changes=[sc.PromptTrim(by=-0.2, on="2026-07-01", name="trim")],
    )
    later = steady(pd.date_range("2026-07-01", periods=3, freq="MS"), 3_000.0)
    later["input_tokens"] *= 0.8
    usage = Usage.from_frame(later, grain="month")
    dive = sc.deep_dive(plan, usage, as_of="2026-09-01", levers=[], models=("seasonal_naive",))
    assert dive.savings.loc["trim", "realised"] == pytest.approx(3 * 600.0, rel=ROUNDING)
    assert dive.settings.index.tolist() == ["seasonal_naive"]


def test_a_judgement_on_a_line_that_nobody_tells_is_not_scored():
    doubled = sc.Override(
        "twice", sc.Fixed("gateway", 1_000), who="platform", why="more", on="2026-06-20", replaces="gateway"
    )
    plan = planned([sc.Fixed("gateway", 500)], overrides=[doubled])
    row = judged(sc.review(plan, used(steady(JULY, 100.0)), as_of="2026-07-31").outlook).loc["twice"]
    assert np.isnan(row["added_value"])
    assert row["actual"] == pytest.approx(3_100)


def test_calibration_judges_forecasts_and_not_the_policy():
    """Development wants a sixth and is given two fifths at least; forecasts of both were right but for their noise."""
    rng = np.random.default_rng(0)
    sides = {"production": 100.0, "development": 20.0}
    usage = used(
        *[
            steady(PLAN, n * np.exp(0.1 * rng.standard_normal(len(PLAN)))).assign(environment=name)
            for name, n in sides.items()
        ]
    )
    split = sc.EnvironmentSplit(development=(0.4, 0.5), production=(0.5, 0.6))
    plan = planned([sc.Fixed("gateway", sc.between(90, 110))], usage=usage, split=split)
    july = used(*[steady(JULY, n).assign(environment=name) for name, n in sides.items()])
    review = sc.review(plan, july, as_of="2026-07-31")
    table = calibration_of(pits([review], "environment"), "environment")
    # The policy moves a fifth of the money, and the noise of a month's total is 2 %.
    assert (table.loc[list(sides), "bias"].abs() < 0.1).all()
    # The gateway counts as planned, which is no success of its forecast.
    assert "gateway" not in set(pits([review], "line")["line"])


def test_lines_with_days_of_their_own_fall_on_them():
    """Half of the futures bear a risk of 1,000 on 30 July; a line that ends on 10 July costs nothing after it."""
    plan = planned([sc.Risk("breach", 0.5, impact=1_000.0, on="2026-07-30"), sc.Fixed("old", 310.0, end="2026-07-10")])
    outlook = sc.review(plan, used(steady(JULY[:15], 100.0)), as_of="2026-07-15").outlook
    assert np.unique(np.round(outlook.totals)).tolist() == [9_300.0, 10_300.0]
    actual = outlook.table("line")["actual"]
    assert (actual["breach"], actual["old"]) == pytest.approx((0.0, 100.0))


def test_shares_of_a_month_under_way_are_of_what_was_spent_and_is_foreseen():
    plan = planned([sc.ShareOf("ops", 0.1), sc.PerUnit("seats", 10, price=31.0)])
    table = sc.review(plan, used(steady(JULY[:10], 100.0)), as_of="2026-07-10").outlook.table(["month", "line"])
    assert table["actual"].loc["2026-07"].to_dict() == pytest.approx({"ops": 100.0, "seats": 100.0, "tokens": 1_000.0})
    assert table["p50"].loc["2026-07"].to_dict() == pytest.approx({"ops": 310.0, "seats": 310.0, "tokens": 3_100.0})


def test_a_campaign_under_way_is_not_made_twice_and_a_ramp_is_told():
    usage = used(steady(JULY[:14], 100.0), steady(JULY[14:], 150.0))
    campaign = planned(changes=[sc.Campaign(by=0.5, start="2026-07-15", end="2026-08-15")])
    with_it, without = (sc.review(p, usage, as_of="2026-07-31").outlook for p in (campaign, planned()))
    assert (with_it.totals == without.totals).all()
    ramp = planned(changes=[sc.PromptTrim(by=-0.4, on="2026-07-10", ramp=60, name="trim")])
    assert any("trim: still on the way" in note for note in sc.review(ramp, usage, as_of="2026-07-31").notes)


def test_a_budget_without_labels_may_have_several_rows():
    table = pd.DataFrame({"period": ["2026-07", "2026-07", "2026-09"], "amount": [3_000.0, 100.0, 3_000.0]})
    usage = used(steady(PLAN, 100.0), steady(JULY, 100.0))
    review = sc.review(table, usage, as_of="2026-07-31", prices=BOOK)
    assert review.table("month")["budget"].to_dict() == pytest.approx({"2026-07": 3_100.0})
    assert review.outlook.budget.total == pytest.approx(6_100.0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({"prices": "list"}, "wanted a PriceBook"), ({"scenario": "calm"}, "wanted a Scenario")],
)
def test_arguments_of_another_kind_are_told(bare, arguments, words):
    with pytest.raises(PlanError, match=words):
        sc.review(bare, used(steady(JULY, 100.0)), **arguments)


def test_tables_that_cannot_be_read_are_told():
    twice = pd.DataFrame([["2026Q3", 1.0, 2.0]], columns=["period", "amount", "amount"])
    with pytest.raises(PlanError, match="'amount' is there twice"):
        sc.review(twice, used(steady(PLAN, 100.0), steady(JULY, 100.0)), prices=BOOK)
    with pytest.raises(fc.UsageError, match="read it first"):
        sc.review(twice, "july.csv")


def test_a_line_whose_parts_cancel_is_dealt_no_more_than_there_is():
    """What is left of an allowance that is used up is rounding of either sign, in one environment and the other."""
    labels = pd.DataFrame({"line": ["quota", "quota"], "environment": ["production", "test"]})
    days = pd.DatetimeIndex(["2026-07-01"])
    laid = Layout(labels, Months(days, days + pd.offsets.MonthEnd()), 2, np.array([[-1.0, 1.0 + 1e-12]]), np.ones(1))
    np.testing.assert_allclose(laid.dealt("quota", {}), [[0.5, 0.5]], atol=1e-9)
