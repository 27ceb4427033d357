"""The plan: shares, budgets that add up, common random numbers, and a plain program as referee."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from holidays import country_holidays
from scipy import stats

import forecast as fc
import scenarios as sc
from forecast.errors import HorizonError, ModelError, PlanError, ScenarioError
from scenarios.budget.bounded import nearest_in_ranges
from scenarios.changes import World
from scenarios.changes.scene import Scene
from tests.usages import DAYS, organisation, plain

POLICY = sc.EnvironmentSplit(development=(0.15, 0.20), production=(0.60, 0.70))
#: A share is a ratio of sums of doubles: this many units in the last place of 1 are rounding.
ROUNDING = 1e-12


@pytest.fixture(scope="module")
def projection():
    return fc.project(organisation(), horizon="2Q", seed=7, trajectories=100)


@pytest.fixture(scope="module")
def launch():
    return sc.Scenario(
        "launch",
        [
            sc.Growth(monthly=sc.between(0.03, 0.08)),
            sc.PriceChange(model="gpt-5*", on="2027-02-01", by=sc.between(-0.4, -0.2), probability=0.5),
        ],
    )


@pytest.fixture(scope="module")
def plan(projection, launch):
    return sc.plan(
        projection,
        scenario=launch,
        components=[sc.Fixed("base infrastructure", monthly=12_000), sc.Reserve("emergency scaling", 20_000)],
        split=POLICY,
        draws=2_000,
        seed=7,
    )


def test_in_each_draw_shares_sum_to_one_and_lie_inside_their_ranges(plan):
    shares = plan.shares()
    assert np.abs(shares.sum(axis=1) - 1).max() <= ROUNDING
    assert shares["development"].between(0.15, 0.20).all()
    assert shares["production"].between(0.60, 0.70).all()


def test_a_split_moves_money_and_makes_none(plan):
    _, group = plan.ledger.groups(["line"])
    labels, _ = plan.ledger.groups(["line"])
    money = plan.ledger.summed(group, len(labels))
    transfer = money[:, list(labels["line"]).index("policy transfer")]
    assert np.abs(transfer).max() <= ROUNDING * plan.totals.max()
    fixed = money[:, list(labels["line"]).index("base infrastructure")]
    np.testing.assert_allclose(fixed, 6 * 12_000, rtol=ROUNDING)


def test_each_environments_money_is_its_share_of_every_month(plan):
    labels, group = plan.ledger.groups(["month", "environment"])
    money = plan.ledger.summed(group, len(labels)).reshape(2_000, 6, 4)
    np.testing.assert_allclose(
        money / money.sum(axis=2, keepdims=True), np.repeat(plan.ledger.shares[:, None], 6, axis=1), rtol=1e-10
    )


@pytest.mark.parametrize(
    "by",
    [
        [],
        ["environment"],
        ["month"],
        ["month", "environment"],
        ["quarter", "project"],
        ["model", "line"],
        ["department"],
        ["year", "environment", "project", "provider", "model", "line"],
    ],
)
def test_budgets_add_up_to_the_totals_p80_to_the_cent_over_any_by(plan, by):
    table = plan.table(by)
    assert round(table["budget"].sum(), 2) == plan.budget == round(float(np.quantile(plan.totals, 0.8)), 2)
    assert round(table["base"].sum(), 2) == plan.base
    assert round(table["contingency"].sum(), 2) == plan.contingency


def test_rows_own_p80_do_not_add_up(plan):
    own = plan.table(["environment"])["p80"].sum()
    monthly = plan.table(["month"])["p80"].sum()
    assert abs(own - plan.budget) > 1
    assert monthly > plan.budget * 1.001


def test_budget_shares_lie_inside_the_ranges(plan):
    share = plan.table(["environment"])["budget"] / plan.budget
    # Cents are rounded once in each of 6 months x 60 rows, so a share may leave its range by that over the budget.
    slack = 360 * 0.01 / plan.budget
    assert 0.15 - slack <= share["development"] <= 0.20 + slack
    assert 0.60 - slack <= share["production"] <= 0.70 + slack


def test_reserves_lie_outside_totals_and_inside_funding(plan):
    assert plan.funding == pytest.approx(plan.budget + 20_000, abs=0.005)


def test_probability_and_percentile_agree(plan):
    assert plan.probability_over(plan.quantile(0.8)) == pytest.approx(0.2, abs=1 / 2_000)
    assert plan.percentile_of(plan.quantile(0.38)) == pytest.approx(0.38, abs=1 / 2_000)


def test_a_plan_has_as_many_distinct_totals_as_draws(plan):
    assert len(np.unique(plan.totals)) == 2_000


def test_same_seed_same_plan_bit_for_bit_whatever_the_workers(projection, launch):
    one, two = (sc.plan(projection, scenario=launch, split=POLICY, draws=500, seed=3, n_jobs=n) for n in (1, 2))
    assert np.array_equal(one.ledger.money, two.ledger.money)
    pd.testing.assert_frame_equal(one.table(), two.table())
    again = fc.project(organisation(), horizon="2Q", seed=7, trajectories=100)
    three = sc.plan(again, scenario=launch, split=POLICY, draws=500, seed=3)
    assert np.array_equal(one.ledger.money, three.ledger.money)
    other = sc.plan(projection, scenario=launch, split=POLICY, draws=500, seed=4)
    assert not np.array_equal(one.totals, other.totals)


def test_the_engine_equals_a_plain_program_of_the_same_model(projection, launch):
    draws, seed = 200, 5
    plan = sc.plan(projection, scenario=launch, draws=draws, seed=seed)
    growth, change = launch.changes
    scene = Scene.of(projection, fc.PriceBook.builtin(), World(draws, seed))
    rate = growth.rate(scene)
    size, happens = scene.draw(change.key, change.by, "relative", "size"), scene.coin(change.key, change.probability)
    dealt = projection.draws(draws, seed)
    lanes, days = projection.drivers.lanes, projection.days
    book = fc.PriceBook.builtin()
    skus = projection.routes.iloc[lanes["route"]].reset_index(drop=True).assign(unit=lanes["unit"].to_numpy())
    price = book.matrix(skus, days)
    first = int(np.argmax(days >= "2027-02-01"))
    blocks = list(projection.blocks(10))
    steps = np.arange(1, len(days) + 1)
    totals = np.empty(draws)
    inside = np.asarray(days >= projection.span.start)
    for d in range(draws):
        block, row = divmod(int(dealt.trajectory[d]), 10)
        b = blocks[block]
        volume = b.volume[row] * np.exp(-b.trend[row] * steps[:, None])
        volume = volume * np.exp(rate[d] * projection.elapsed)[:, None] * np.exp(dealt.log_factor[d])
        charged = price.copy()
        if happens[d]:
            charged[first:] = price[first] * (1 + size[d])
        quantity = volume[:, lanes["workload"]] * b.mix[row][:, lanes["leg"]] * b.intensity[row]
        totals[d] = (quantity * charged)[inside].sum()
    # Both add the same 40,000 doubles in another order.
    np.testing.assert_allclose(plan.totals, totals, rtol=1e-12)


def test_noise_free_workloads_all_grow_as_told():
    usage = organisation(noise=0.0, growth={"shrinking": -0.03, "steady": 0.0, "booming": 0.08})
    projection = fc.project(usage, horizon="2Q", seed=1, trajectories=20)
    plan = sc.plan(projection, scenario=sc.Scenario("five", [sc.Growth(monthly=0.05)]), draws=100, seed=1)
    as_of = projection.as_of
    labels, group = plan.ledger.groups(["month", "project"])
    money = plan.ledger.summed(group, len(labels))
    price = {"gpt-5-mini": (0.25, 2.0, 900.0, 0.7), "gpt-5": (1.25, 10.0, 1400.0, 0.3)}
    unit = sum(share * (tokens * i + 250.0 * o) / 1e6 for i, o, tokens, share in price.values())
    for project, rate in (("shrinking", -0.03), ("steady", 0.0), ("booming", 0.08)):
        level = 1.25e5 * (1 + rate) ** ((as_of - DAYS[0]).days / 30.4375)
        for month in pd.period_range("2027-01", "2027-06", freq="M"):
            days = pd.date_range(month.start_time, month.end_time.normalize())
            week = np.where(days.day_of_week > 4, 0.4, 1.0)
            expected = (level * 1.05 ** (np.asarray((days - as_of).days) / 30.4375) * week).sum() * unit
            at = int(np.nonzero((labels["month"] == str(month)) & (labels["project"] == project))[0][0])
            # What is left is how the smoother starts: about 2e-6 of an exact exponential after a year.
            np.testing.assert_allclose(money[:, at], expected, rtol=1e-5)


def test_growth_of_zero_extra_and_the_empty_scenario_change_nothing(projection):
    empty = sc.plan(projection, draws=300, seed=2)
    none = sc.plan(projection, scenario=sc.Scenario("x", [sc.Growth(monthly=0.0, basis="extra")]), draws=300, seed=2)
    never = sc.plan(
        projection,
        scenario=sc.Scenario("y", [sc.PriceChange(on="2027-01-01", by=-0.5, probability=0.0)]),
        draws=300,
        seed=2,
    )
    np.testing.assert_allclose(none.totals, empty.totals, rtol=ROUNDING)
    np.testing.assert_allclose(never.totals, empty.totals, rtol=ROUNDING)


def test_common_random_numbers_make_a_price_cut_certain(projection):
    as_is = sc.plan(projection, draws=500, seed=2).totals
    cut = sc.Scenario("cut", [sc.PriceChange(on="2027-01-01", by=-0.05)])
    same = sc.plan(projection, scenario=cut, draws=500, seed=2).totals
    other = sc.plan(projection, scenario=cut, draws=500, seed=99).totals
    np.testing.assert_allclose(same / as_is, 0.95, rtol=1e-9)
    assert np.std(same - as_is) * 10 <= np.std(other - as_is)


def test_an_annual_band_is_far_wider_than_with_growth_drawn_anew_each_month():
    usage = plain(np.full(len(DAYS), 1e5))
    projection = fc.project(usage, horizon="FY2027", seed=1, trajectories=20)
    draws = 4_000
    plan = sc.plan(
        projection, scenario=sc.Scenario("g", [sc.Growth(monthly=sc.between(0.02, 0.06))]), draws=draws, seed=1
    )
    months = len(projection.days) // 30 + 1
    spread = (np.log1p(0.06) - np.log1p(0.02)) / 2 / 1.2816
    anew = np.log1p(0.04) + spread * np.random.default_rng(1).standard_normal((draws, months))
    path = np.exp(np.cumsum(anew, axis=1))[:, -12:].sum(axis=1)

    def width(totals):
        low, middle, high = np.quantile(totals, [0.1, 0.5, 0.9])
        return (high - low) / middle

    assert width(plan.totals) > 0.25
    # Twelve independent months average out: the band falls to less than a half.
    assert width(path) < 0.5 * width(plan.totals)


def test_a_price_change_is_hand_arithmetic():
    usage = plain(np.full(120, 1_000.0), start="2026-01-01")
    projection = fc.project(usage, start="2026-05-01", end="2026-06-30", lag=0, seed=0, trajectories=10)
    plan = sc.plan(
        projection, scenario=sc.Scenario("up", [sc.PriceChange(model="gpt-5", on="2026-06-01", by=0.2)]), draws=100
    )
    # 1,000 requests x 1,000 tokens a day at 1.25 USD a million: 31 days at 1.25 and 30 at 1.50.
    assert plan.table("month")["p50"].tolist() == pytest.approx([31 * 1.25, 30 * 1.50], rel=1e-9)
    stated = sc.Scenario("to", [sc.PriceChange(unit="input_tokens", on="2026-06-16", to=2.0)])
    plan = sc.plan(projection, scenario=stated, draws=100)
    assert plan.table("month")["p50"].tolist() == pytest.approx([31 * 1.25, 15 * 1.25 + 15 * 2.0], rel=1e-9)


def test_fixed_lines_cost_their_part_of_a_month():
    usage = plain(np.full(120, 1_000.0), start="2026-01-01")
    projection = fc.project(usage, start="2026-05-11", end="2026-06-30", lag=0, trajectories=10)
    line = sc.Fixed("seats", monthly=310.0, end="2026-06-15")
    plan = sc.plan(projection, components=[line], draws=100)
    money = plan.table(["month", "line"])["p50"].xs("seats", level="line")
    assert money.tolist() == pytest.approx([310 * 21 / 31, 310 * 15 / 30], rel=1e-12)


def test_quantile_errors_are_confirmed_by_replication(projection):
    plans = [sc.plan(projection, draws=1_000, seed=s) for s in range(30)]
    said = np.mean([p.standard_error(0.8) for p in plans])
    seen = np.std([p.quantile(0.8) for p in plans], ddof=1)
    # What is said holds draws and trajectories; replication over seeds of draws alone can only move less than that.
    assert seen < 1.3 * said
    wide = [
        sc.plan(fc.project(organisation(), horizon="2Q", seed=s, trajectories=100), draws=1_000, seed=s).quantile(0.8)
        for s in range(12)
    ]
    # 12 replications know a standard deviation to about 21 %; strata make it smaller than independent draws would.
    assert 0.3 * said < np.std(wide, ddof=1) < 1.6 * said


@pytest.mark.parametrize("coordinates", [2, 3, 5])
def test_the_projection_on_the_ranges_is_the_nearest_point(coordinates):
    from scipy.optimize import minimize

    rng = np.random.default_rng(coordinates)
    low = rng.uniform(0, 0.8 / coordinates, coordinates)
    high = np.minimum(1.0, low + rng.uniform(0.1, 0.6, coordinates) + 0.5 / coordinates)
    points = rng.dirichlet(np.ones(coordinates), 40)
    found = nearest_in_ranges(points, low, high)
    assert (found >= low).all()
    assert (found <= high).all()
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-15)
    for point, mine in zip(points, found, strict=True):
        referee = minimize(
            lambda x, p=point: ((x - p) ** 2).sum(),
            np.clip(point, low, high),
            jac=lambda x, p=point: 2 * (x - p),
            bounds=list(zip(low, high, strict=True)),
            constraints={"type": "eq", "fun": lambda x: x.sum() - 1},
            method="SLSQP",
            options={"ftol": 1e-14},
        )
        # SLSQP stops within about 1e-7 of the optimum.
        np.testing.assert_allclose(mine, referee.x, atol=1e-6)


BAD_ARGUMENTS = {
    "range upside down": (lambda: sc.EnvironmentSplit(production=(0.9, 0.8)), r"production = \[0.9, 0.8\].*swap"),
    "too much": (lambda: sc.EnvironmentSplit(production=(0.9, 0.95), development=(0.2, 0.3)), r"sum to 110.0%"),
    "not a share": (lambda: sc.EnvironmentSplit(production=(60, 70)), r"between 0 and 1"),
    "negative line": (lambda: sc.Fixed("x", monthly=-1), r"cannot be negative"),
    "nameless line": (lambda: sc.Fixed(" ", monthly=1), r"needs a name"),
    "negative reserve": (lambda: sc.Reserve("x", -5), r"cannot be negative"),
    "line that ends first": (lambda: sc.Fixed("x", 1, start="2027-02-01", end="2027-01-01"), r"before it starts"),
    "growth below -100 %": (lambda: sc.Growth(monthly=-1.5), r"-100 %"),
    "two rates": (lambda: sc.Growth(monthly=0.1, yearly=0.2), r"either"),
    "range upside down in growth": (lambda: sc.Growth(monthly=sc.between(0.2, 0.1)), r"above the high end"),
    "text for a rate": (lambda: sc.Growth(monthly="5 %"), r"wanted a number"),
    "probability": (lambda: sc.PriceChange(on="2027-01-01", by=-0.1, probability=1.2), r"from 0 to 1"),
    "no date": (lambda: sc.PriceChange(by=-0.1), r"from which day"),
    "no size": (lambda: sc.PriceChange(on="2027-01-01"), r"by= .*to="),
    "bad date": (lambda: sc.PriceChange(on="someday", by=0.1), r"not a date"),
    "the same change twice": (lambda: sc.Scenario("x", [sc.Growth(monthly=0.1), sc.Growth(monthly=0.2)]), r"twice"),
    "not a change": (lambda: sc.Scenario("x", ["growth"]), r"not a change"),
    "basis": (lambda: sc.Growth(monthly=0.1, basis="totl"), r"did you mean 'total'"),
}


@pytest.mark.parametrize(("make", "message"), BAD_ARGUMENTS.values(), ids=BAD_ARGUMENTS.keys())
def test_bad_arguments_are_told(make, message):
    with pytest.raises((PlanError, ScenarioError), match=message):
        make()


BAD_PLANS = {
    "confidence of 1": ({"confidence": 1.0}, PlanError, "confidence"),
    "confidence of 0": ({"confidence": 0}, PlanError, "confidence"),
    "no draws": ({"draws": 0}, PlanError, "draws"),
    "unknown environment": ({"split": sc.EnvironmentSplit(prod=0.6)}, PlanError, "did you mean 'production'"),
    "unreachable ranges": (
        {
            "split": sc.EnvironmentSplit(
                production=(0.1, 0.2), development=(0.1, 0.2), test=(0.1, 0.2), staging=(0.1, 0.2)
            )
        },
        PlanError,
        "reach at most 80.0%",
    ),
    "model that matches nothing": (
        {"scenario": sc.Scenario("x", [sc.PriceChange(model="gpt-6*", on="2027-01-01", by=0.1)])},
        ScenarioError,
        "matches nothing.*gpt-5",
    ),
    "workload that matches nothing": (
        {"scenario": sc.Scenario("x", [sc.Growth(monthly=0.1, where={"project": "serch"})])},
        ScenarioError,
        "did you mean 'search'",
    ),
    "column that is not there": (
        {"scenario": sc.Scenario("x", [sc.Growth(monthly=0.1, where={"team": "a"})])},
        ScenarioError,
        "'team' is not a column",
    ),
    "two totals on one workload": (
        {"scenario": sc.Scenario("x", [sc.Growth(monthly=0.1), sc.Growth(monthly=0.2, where={"project": "search"})])},
        ScenarioError,
        "two total growths meet",
    ),
    "line outside the plan": ({"components": [sc.Fixed("x", 1, end="2026-12-31")]}, PlanError, "outside the plan"),
    "two lines of one name": ({"components": [sc.Fixed("x", 1), sc.Reserve("x", 1)]}, PlanError, "named 'x'"),
    "detail": ({"detail": ["colour"]}, PlanError, "'colour' is neither"),
    "too large": ({"draws": 50_000_000}, PlanError, "would take .* GB"),
}


@pytest.mark.parametrize(("arguments", "error", "message"), BAD_PLANS.values(), ids=BAD_PLANS.keys())
def test_bad_plans_are_told(projection, arguments, error, message):
    with pytest.raises(error, match=message):
        sc.plan(projection, **{"draws": 100, **arguments})


def test_a_model_without_a_price_is_refused_unless_told():
    usage = plain(np.full(60, 1_000.0))
    other = usage.frame.assign(model="in-house-7b", project="labs")
    both = fc.Usage.from_frame(pd.concat([usage.frame, other]))
    projection = fc.project(both, horizon=30, trajectories=10)
    with pytest.raises(PlanError, match=r"in-house-7b.*50.0%.*unpriced='exclude'"):
        sc.plan(projection, draws=100)
    plan = sc.plan(projection, draws=100, unpriced="exclude")
    assert plan.excluded["model"].tolist() == ["in-house-7b"]
    assert plan.excluded["share"].tolist() == pytest.approx([0.5])
    assert plan.assumptions["assumption"].str.contains("in-house-7b").any()
    assert plan.totals.min() > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"horizon": 0}, "at least one period"),
        ({"horizon": "0Q"}, "at least one period"),
        ({"horizon": "next year"}, "cannot be read"),
        ({"horizon": "2024Q1"}, "known up to"),
        ({"start": "2026-12-01", "end": "2026-11-01"}, "before it starts"),
        ({"start": "2026-12-01"}, "needs an end"),
        ({}, "either"),
    ],
)
def test_bad_horizons_are_told(arguments, message):
    with pytest.raises(HorizonError, match=message):
        fc.project(plain(np.full(60, 1.0)), **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"by": ["team"]}, "'team'"), ({"by": ["user"]}, "no such column"), ({"model": "atuo"}, "did you mean 'auto'")],
)
def test_bad_projections_are_told(arguments, message):
    with pytest.raises(ModelError, match=message):
        fc.project(plain(np.full(60, 1.0)), horizon=10, **arguments)


def test_horizons_are_whole_quarters_after_the_as_of_date():
    projection = fc.project(organisation(), horizon="2Q", trajectories=10)
    assert str(projection.as_of.date()) == "2026-10-29"
    assert (str(projection.span.start.date()), str(projection.span.end.date())) == ("2027-01-01", "2027-06-30")
    assert projection.span.gap == 63


def test_confidence_moves_the_budget_not_the_base(projection):
    low, high = (sc.plan(projection, draws=500, confidence=c) for c in (0.7, 0.95))
    assert low.base == high.base
    assert low.budget < high.budget


def test_ranges_are_p10_and_p90():
    projection = fc.project(plain(np.full(120, 1e3)), horizon="1M", trajectories=10)
    scene = Scene.of(projection, fc.PriceBook.builtin(), World(20_000, 0))
    monthly = np.expm1(sc.Growth(monthly=sc.between(0.02, 0.06)).rate(scene) * 30.4375)
    # A stratified sample of 20,000 knows its P10 and P90 to about 1e-4 of the range.
    assert np.quantile(monthly, [0.1, 0.9]) == pytest.approx([0.02, 0.06], abs=1e-5)
    skewed = np.expm1(sc.Growth(monthly=stats.gamma(2.0, scale=0.01)).rate(scene) * 30.4375)
    assert skewed.mean() == pytest.approx(0.02, rel=1e-2)


def test_results_are_frozen(plan):
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.currency = "EUR"


def test_growth_of_zero_is_flat_though_holidays_lie_ahead():
    usage = organisation(noise=0.05, growth={"search": 0.03})
    rest = usage.frame["date"].isin(pd.to_datetime(sorted(country_holidays("US", years=[2025, 2026]))))
    frame = usage.frame.copy()
    columns = ["requests", "input_tokens", "output_tokens"]
    frame.loc[rest, columns] *= 0.05
    projection = fc.project(fc.Usage.from_frame(frame), horizon="2Q", seed=1, trajectories=50)
    plan = sc.plan(projection, scenario=sc.Scenario("zero", [sc.Growth(monthly=0.0)]), draws=500, seed=1)
    money = plan.table("month")["p50"]
    # A month has 8 to 10 weekend days at 40 % and up to two holidays: days of two months are within 7 % of each other.
    a_day = money / pd.PeriodIndex(money.index, freq="M").days_in_month
    assert a_day["2027-06"] / a_day["2027-02"] == pytest.approx(1.0, abs=0.07)


def test_a_lane_that_leaves_tokens_blank_is_as_the_rows_that_know_them():
    usage = plain(np.full(60, 1_000.0))
    blank = usage.frame.assign(input_tokens=usage.frame["input_tokens"].where(np.arange(60) % 2 == 0))
    known = sc.plan(fc.project(usage, horizon=30, trajectories=10), draws=100).base
    projection = fc.project(fc.Usage.from_frame(blank), horizon=30, trajectories=10)
    assert sc.plan(projection, draws=100).base == pytest.approx(known, rel=1e-9)
    assert any("input_tokens is blank in 29 rows" in note for note in projection.notes)


def test_what_is_left_out_is_in_no_table_and_weighs_what_it_weighs():
    usage = plain(np.full(60, 900.0))
    other = usage.frame.assign(model="in-house-7b", requests=100.0, input_tokens=100_000.0)
    projection = fc.project(fc.Usage.from_frame(pd.concat([usage.frame, other])), horizon=30, trajectories=10)
    plan = sc.plan(projection, draws=100, unpriced="exclude")
    assert plan.excluded["share"].tolist() == pytest.approx([0.1], rel=1e-6)
    assert plan.table("model").index.tolist() == ["gpt-5"]


def test_workloads_of_zeros_and_those_that_ended_are_told():
    usage = plain(np.full(60, 900.0))
    never = usage.frame.assign(project="never", requests=0.0, input_tokens=0.0)
    ended = usage.frame.assign(project="ended")
    ended.loc[ended["date"] > "2025-05-31", ["requests", "input_tokens"]] = 0.0
    projection = fc.project(fc.Usage.from_frame(pd.concat([usage.frame, never, ended])), horizon=30, trajectories=10)
    told = " ".join(projection.notes)
    assert "1 workloads hold only zeros and are left out: production/never" in told
    assert "1 workloads used nothing of late" in told
    assert "production/ended" in told
    assert "58 days of history are few" in told


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda p: sc.plan(p.usage), PlanError, "takes a projection"),
        (lambda p: sc.plan(p, components=sc.Fixed("x", 1)), PlanError, "wanted a list"),
        (lambda _: fc.project("mine.csv", horizon="1Q"), fc.UsageError, "read it first"),
        (lambda p: fc.project(p.usage, horizon=10, by=()), ModelError, "at least one column"),
        (lambda _: sc.PriceChange(on="01/02/2027", by=0.1), ScenarioError, "write it as 2027-02-01"),
        (lambda _: sc.Growth(monthly=5), ScenarioError, "for 5 % write 0.05"),
        (lambda _: sc.PriceChange(on="2027-02-01", by=-20), ScenarioError, "for -20 % write -0.2"),
        (lambda p: fc.project(p.usage, start="01/12/2026", end="2026-12-31"), HorizonError, "write it as"),
    ],
)
def test_slips_of_the_hand_are_told(projection, call, error, message):
    with pytest.raises(error, match=message):
        call(projection)
