"""Changes of volume, and limits: curves by closed forms, steps and new workloads by hand, clips by brute force."""

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import solve_ivp

import forecast as fc
import scenarios as sc
from forecast.errors import ScenarioError
from scenarios.changes.adoption import adopted
from scenarios.outcome import outcomes
from tests.usages import DAYS, organisation, plain

PRICES = fc.PriceBook.builtin()
#: What a flat history is forecast as, and sums of some hundred doubles: rounding.
EXACT = 1e-9
#: How the smoother starts on an exact exponential leaves this much after half a year.
TREND = 1e-5
#: One request of ``plain`` costs 1,000 input tokens of gpt-5 at 1.25 USD a million.
UNIT = 1_000 * 1.25 / 1e6
MONTH = 30.4375


def flat(start="2026-05-01", end="2026-06-30", **columns):
    usage = plain(np.full(120, 1_000.0), start="2026-01-01", **columns)
    return fc.project(usage, start=start, end=end, lag=0, seed=0, trajectories=10)


@pytest.fixture(scope="module")
def steady():
    """1,000 requests a day, as of 2026-04-30: 1.25 USD a day."""
    return flat()


RATES = {"shrinking": -0.03, "steady": 0.0, "booming": 0.08}


@pytest.fixture(scope="module")
def rising():
    """Three projects without noise, 3 % down to 8 % up a month, as of 2026-10-29; weekends at 40 %."""
    return fc.project(organisation(noise=0.0, growth=RATES), horizon="1Q", seed=1, trajectories=20)


def by_hand(projection, rate, growth):
    """What a project of ``rising`` costs over the plan if its level of the as-of date is multiplied by ``growth``."""
    # Requests of four environments; 70 % of 900 + 250 tokens on gpt-5-mini, 30 % of 1,400 + 250 on gpt-5.
    unit = (0.7 * (900 * 0.25 + 250 * 2.0) + 0.3 * (1_400 * 1.25 + 250 * 10.0)) / 1e6
    level = 1.25e5 * (1 + rate) ** ((projection.as_of - DAYS[0]).days / MONTH)
    days = projection.days[projection.days >= projection.span.start]
    return (level * growth * np.where(days.day_of_week > 4, 0.4, 1.0)).sum() * unit


def of_project(outcome, name):
    mine = np.asarray(outcome.labels["project"] == name)
    return outcome.cost[:, outcome.spans.planned][:, :, mine].sum(axis=(1, 2))


@pytest.fixture(scope="module")
def noisy():
    return fc.project(organisation(), horizon="1Q", seed=7, trajectories=40)


def run(projection, *changes, draws=100, seed=0, **options):
    scenario = sc.Scenario("s", changes)
    return outcomes(projection, [scenario], prices=PRICES, draws=draws, seed=seed, **options)[0]


def elapsed(projection):
    """Days from the as-of date to each planned day."""
    days = projection.days[projection.days >= projection.span.start]
    return np.asarray((days - projection.as_of).days, dtype=float)


# ------------------------------------------------------------------------------------------------------------- curves


def test_linear_growth_adds_the_same_each_month_whatever_was_forecast(rising, steady):
    made = run(rising, sc.LinearGrowth(0.05))
    for name, rate in RATES.items():
        expected = by_hand(rising, rate, 1 + 0.05 * elapsed(rising) / MONTH)
        np.testing.assert_allclose(of_project(made, name), expected, rtol=TREND)
    # On a flat forecast, total and extra are one.
    for basis in ("total", "extra"):
        made = run(steady, sc.LinearGrowth(0.05, basis=basis)).totals
        np.testing.assert_allclose(made, (1 + 0.05 * elapsed(steady) / MONTH).sum() * 1.25, rtol=EXACT)


def test_extra_growth_multiplies_the_forecast_and_a_fall_ends_at_nothing(rising, steady):
    t = elapsed(rising)
    made = run(rising, sc.LinearGrowth(0.05, basis="extra"))
    for name, rate in RATES.items():
        expected = by_hand(rising, rate, (1 + rate) ** (t / MONTH) * (1 + 0.05 * t / MONTH))
        np.testing.assert_allclose(of_project(made, name), expected, rtol=TREND)
    made = run(steady, sc.LinearGrowth(-0.9)).totals
    np.testing.assert_allclose(made, np.maximum(1 - 0.9 * elapsed(steady) / MONTH, 0).sum() * 1.25, rtol=EXACT)


@pytest.mark.parametrize(
    ("change", "times"),
    [
        (sc.LogisticGrowth(0.10, 3.0), lambda t: 3 / (1 + 2 * np.exp(-1.5 * np.log(1.10) / MONTH * t))),
        (sc.Adoption(100, 400, 0.0, 1.2), lambda t: 1 / (0.25 + 0.75 * np.exp(-1.2 * t / 365.25))),
        (sc.Headcount([sc.Heads("2026-01-01", 50), sc.Heads("2027-12-31", 50)], 0.02), lambda t: 1.02 ** (t / MONTH)),
    ],
)
def test_curves_hold_whatever_the_trend_was(rising, change, times):
    made = run(rising, change)
    for name, rate in RATES.items():
        np.testing.assert_allclose(of_project(made, name), by_hand(rising, rate, times(elapsed(rising))), rtol=TREND)


def test_logistic_growth_solves_its_equation_and_starts_at_the_rate_told(steady):
    projection = flat(end="2027-04-30")
    growth, ceiling = 0.10, 3.0
    rate = np.log1p(growth) / MONTH / (1 - 1 / ceiling)
    t = elapsed(projection)
    solved = solve_ivp(lambda _, y: rate * y * (1 - y / ceiling), (0, t[-1]), [1.0], t_eval=t, rtol=1e-10, atol=1e-12)
    outcome = run(projection, sc.LogisticGrowth(growth, ceiling))
    # The solver is asked for 1e-10 a step.
    np.testing.assert_allclose(outcome.totals, solved.y[0].sum() * 1.25, rtol=1e-7)
    # Far below its ceiling it is compound growth: y / K is left, less than 1e-6 of the rate over two months.
    near = run(steady, sc.LogisticGrowth(growth, 1e7)).totals
    np.testing.assert_allclose(near, run(steady, sc.Growth(monthly=growth)).totals, rtol=1e-6)


def test_a_ceiling_is_never_passed_and_its_range_lies_above_today():
    projection = flat(end="2029-04-30")
    outcome = run(projection, sc.LogisticGrowth(0.5, sc.between(1.1, 3.0)), draws=999)
    last = outcome.monthly[:, -1] / (30 * 1.25)
    assert last.min() > 1.0
    # After three years at 50 % a month, volume is its ceiling but for 1e-6; strata put P10 and P90 on the range's ends.
    np.testing.assert_allclose(np.quantile(last, [0.1, 0.9]), [1.1, 3.0], rtol=0.01)


def test_adoption_is_basss_curve():
    """Colour television: p = 0.005, q = 0.84, m = 40 million (Bass 1969, table 3); sales peak after T* years."""
    p, q = 0.005, 0.84
    peak = np.log(q / p) / (p + q)
    zero = np.zeros(1)
    t = np.linspace(0, 15, 150_001)
    part = adopted(zero, np.array([p]), np.array([q]), t)
    sales = np.gradient(part, t)
    assert t[np.argmax(sales)] == pytest.approx(peak, abs=2e-4)  # two steps of the grid
    assert sales.max() == pytest.approx((p + q) ** 2 / (4 * q), rel=1e-6)  # a difference of second order
    assert adopted(zero, np.array([p]), np.array([q]), np.array([peak]))[0] == pytest.approx(0.5 - p / (2 * q))


def test_adoption_goes_on_from_todays_users(steady):
    p, q, users, market = 0.03, 0.6, 400.0, 1_000.0
    t = elapsed(steady) / 365.25
    solved = solve_ivp(
        lambda _, f: (p + q * f) * (1 - f), (0, t[-1]), [users / market], t_eval=t, rtol=1e-10, atol=1e-12
    )
    change = sc.Adoption(users, market, p, q, per_user_monthly=0.02)
    expected = (solved.y[0] / 0.4 * 1.02 ** (t * 12)).sum() * 1.25
    np.testing.assert_allclose(run(steady, change).totals, expected, rtol=1e-8)


def test_adoption_without_innovation_or_imitation_are_its_two_limits():
    now, t = np.array([0.2]), np.linspace(0, 9, 10)
    none, some = np.array([0.0]), np.array([0.7])
    logistic = 0.2 / (0.2 + 0.8 * np.exp(-0.7 * t))
    np.testing.assert_allclose(adopted(now, none, some, t), logistic, rtol=1e-12)
    np.testing.assert_allclose(adopted(now, some, none, t), 1 - 0.8 * np.exp(-0.7 * t), rtol=1e-12)


def test_head_count_is_straight_between_dates_and_stays_at_the_last(steady):
    table = [
        {"date": "2026-04-30", "number": 100},
        {"date": "2026-05-10", "number": 150},
        {"date": "2026-06-01", "number": 90},
    ]
    days = pd.date_range("2026-05-01", "2026-06-30")
    known = np.array([pd.Timestamp(row["date"]).toordinal() for row in table])
    heads = np.interp([d.toordinal() for d in days], known, [100, 150, 90])
    assert heads[0] == 105
    assert heads[-1] == 90
    np.testing.assert_allclose(run(steady, sc.Headcount(table)).totals, heads.sum() / 100 * 1.25, rtol=EXACT)


def test_one_quantile_is_drawn_for_a_whole_table_of_heads(steady):
    table = [
        sc.Heads("2026-04-30", 100),
        sc.Heads("2026-05-01", 200, 150, 300),
        sc.Heads("2026-05-31", 200, 150, 300),
        sc.Heads("2026-06-01", 400, 320, 480),
    ]
    months = run(steady, sc.Headcount(table), draws=999).monthly
    np.testing.assert_allclose(np.quantile(months[:, 0], [0.1, 0.5, 0.9]) / (31 * 1.25), [1.5, 2.0, 3.0], rtol=0.01)
    np.testing.assert_allclose(np.quantile(months[:, 1], [0.1, 0.5, 0.9]) / (30 * 1.25), [3.2, 4.0, 4.8], rtol=0.01)
    assert (np.argsort(months[:, 0]) == np.argsort(months[:, 1])).all()


def test_months_of_heads_are_means_of_their_days():
    frame = pd.DataFrame(
        {
            "date": pd.date_range("2025-01-01", "2026-04-01", freq="MS"),
            "provider": "openai",
            "model": "gpt-5",
            "environment": "production",
            "project": "search",
            "requests": 30_000.0,
            "input_tokens": 30e6,
        }
    )
    usage = fc.Usage.from_frame(frame, grain="month")
    projection = fc.project(usage, start="2026-05-01", end="2026-06-01", seed=0, trajectories=10)
    table = [sc.Heads("2026-04-01", 100), sc.Heads("2026-05-16", 100), sc.Heads("2026-06-01", 260)]
    # May: 15 days at 100 before the 16th, then 100, 110, … 250; June: 260.
    may = (15 * 100 + np.arange(100, 260, 10).sum()) / 31
    times = run(projection, sc.Headcount(table, basis="extra")).monthly / run(projection).monthly
    np.testing.assert_allclose(times, np.broadcast_to([may / 100, 2.6], times.shape), rtol=EXACT)


@pytest.mark.parametrize(
    "change",
    [
        sc.LinearGrowth(sc.between(0.02, 0.06)),
        sc.LogisticGrowth(sc.between(0.02, 0.06), sc.between(2.0, 4.0)),
        sc.Adoption(100, sc.between(200, 900), sc.between(0.01, 0.03), sc.between(0.3, 0.5)),
        sc.Headcount([sc.Heads("2026-01-01", 100), sc.Heads("2027-03-31", None, 120, 200)]),
    ],
)
def test_curves_state_total_growth(noisy, change):
    again = sc.Growth(monthly=0.05)
    with pytest.raises(ScenarioError, match="two total growths meet on the workload environment="):
        run(noisy, again, change)
    assert np.isfinite(run(noisy, change).totals).all()
    one, two = (run(noisy, change, draws=60, n_jobs=n).cost for n in (1, 2))
    assert np.array_equal(one, two)


# --------------------------------------------------------------------------------------- steps, campaigns, retirements


def test_a_tenfold_launch_within_ten_days_by_hand(steady):
    step = sc.Step(9.0, on="2026-06-11", ramp=10)
    # June: 10 days at 1, then 1.9, 2.8, … 10 on the tenth day, and 10 days at 10.
    june = (10 + sum(1 + 0.9 * k for k in range(1, 11)) + 10 * 10) * 1.25
    months = run(steady, step).monthly
    np.testing.assert_allclose(months, np.broadcast_to([31 * 1.25, june], months.shape), rtol=EXACT)
    until = run(steady, sc.Step(9.0, on="2026-06-11", until="2026-06-20")).monthly[:, 1]
    np.testing.assert_allclose(until, (20 + 10 * 10) * 1.25, rtol=EXACT)


def test_steps_campaigns_and_growth_multiply(steady):
    changes = sc.Step(0.5, on="2026-05-01"), sc.Campaign("2026-06-01", "2026-06-10", 1.0), sc.Growth(monthly=0.1)
    growth = 1.1 ** (elapsed(steady) / MONTH) * 1.5
    growth[31:41] *= 2.0
    np.testing.assert_allclose(run(steady, *changes).totals, growth.sum() * 1.25, rtol=EXACT)


def test_an_uncertain_lift_has_its_p10_and_p90_and_its_coin(steady):
    months = run(steady, sc.Step(sc.between(0.2, 0.8), on="2026-05-01"), draws=999).monthly[:, 1] / (30 * 1.25)
    np.testing.assert_allclose(np.quantile(months, [0.1, 0.9]), [1.2, 1.8], rtol=0.005)
    half = run(steady, sc.Step(1.0, on="2026-05-01", probability=0.25), draws=400).monthly[:, 1]
    assert (half > 1.5 * 30 * 1.25).sum() == 100  # one draw in each of 400 strata
    assert np.isclose(half, 30 * 1.25).sum() == 300


def test_a_campaign_returns_every_year():
    projection = flat(end="2028-04-30")
    change = sc.Campaign("2026-12-20", "2027-01-05", 1.0, yearly=True)
    extra = run(projection, change).totals - run(projection).totals
    np.testing.assert_allclose(extra, 2 * 17 * 1.25, rtol=1e-6)  # a difference of totals of 900
    past = sc.Campaign("2024-12-20", "2025-01-05", 1.0, yearly=True)
    np.testing.assert_allclose(run(projection, past).totals - run(projection).totals, 2 * 17 * 1.25, rtol=1e-6)


def test_what_retires_is_gone_and_nothing_else_is(noisy):
    before = run(noisy)
    after = run(noisy, sc.Retire({"project": "search"}, "2027-01-11", ramp=10))
    search = np.asarray(before.labels["project"] == "search")
    assert after.labels.equals(before.labels)
    np.testing.assert_allclose(after.cost[:, :, ~search], before.cost[:, :, ~search], rtol=EXACT)
    assert (after.cost[:, -2:, search] == 0).all()
    by_hand = run(flat(), sc.Retire({"project": "search"}, "2026-06-11", ramp=10)).monthly[:, 1]
    np.testing.assert_allclose(by_hand, (10 + sum(1 - k / 10 for k in range(1, 11))) * 1.25, rtol=EXACT)


NEUTRAL = [
    sc.LinearGrowth(0.0, basis="extra"),
    sc.LogisticGrowth(0.0, 2.0, basis="extra"),
    sc.Step(0.0, on="2027-01-11"),
    sc.Step(sc.between(1, 2), on="2027-01-11", probability=0),
    sc.Campaign("2027-01-11", "2027-01-20", 0.0),
    sc.Campaign("2027-01-11", "2027-01-20", sc.between(1, 2), probability=0),
    sc.Retire({"project": "search"}, "2027-01-11", probability=0),
    sc.NewWorkload("gpt-5", "openai", 9, 9, {"input_tokens": 9}, project="x", environment="production", probability=0),
]


@pytest.mark.parametrize("change", NEUTRAL, ids=lambda c: f"{type(c).__name__} {getattr(c, 'probability', '')}")
def test_the_neutral_value_is_the_forecast_bit_for_bit(noisy, change):
    assert np.array_equal(run(noisy, change).cost, run(noisy).cost)


# ------------------------------------------------------------------------------------------------------- new workloads


def new(**changed):
    given = {
        "model": "gpt-5-mini",
        "provider": "openai",
        "users": 200.0,
        "requests_per_user": 5.0,
        "tokens": {"input_tokens": 2_000.0, "output_tokens": 400.0},
        "project": "assistant",
        "environment": "production",
        "on": "2026-06-01",
    }
    return sc.NewWorkload(**given | changed)


def test_a_new_workload_costs_users_times_requests_times_tokens_times_price(steady):
    # 200 x 5 requests x (2,000 x 0.25 + 400 x 2.00) / 1e6 USD: 1.30 USD a day.
    outcome = run(steady, new())
    mine = np.asarray(outcome.labels["project"] == "assistant")
    assert list(outcome.labels.loc[mine, "model"]) == ["gpt-5-mini"]
    np.testing.assert_allclose(
        outcome.cost[:, :, mine][:, :, 0], np.broadcast_to([0.0, 30 * 1.30], (100, 2)), rtol=EXACT
    )
    np.testing.assert_allclose(outcome.monthly[:, 1], 30 * 1.25 + 30 * 1.30, rtol=EXACT)
    ramped = run(steady, new(ramp=10, until="2026-06-20")).monthly[:, 1] - 30 * 1.25
    np.testing.assert_allclose(ramped, (5.5 + 10) * 1.30, rtol=1e-7)
    grown = run(steady, new(growth=0.2)).monthly[:, 1] - 30 * 1.25
    np.testing.assert_allclose(grown, (1.2 ** (np.arange(30) / MONTH)).sum() * 1.30, rtol=1e-7)


def test_a_new_workloads_ranges_are_drawn_once_a_path(steady):
    change = new(users=sc.between(100, 400), on="2026-05-01")
    months = run(steady, change, draws=999).monthly - [31 * 1.25, 30 * 1.25]
    np.testing.assert_allclose(months[:, 0] / 31, months[:, 1] / 30, rtol=1e-9)
    np.testing.assert_allclose(np.quantile(months[:, 1], [0.1, 0.9]), [0.5 * 39, 2 * 39], rtol=0.01)


def test_total_growth_passes_a_new_workload_by_and_other_changes_do_not(steady):
    alone = run(steady, sc.Growth(monthly=0.1)).totals
    both = [run(steady, *pair).totals for pair in ((new(), sc.Growth(monthly=0.1)), (sc.Growth(monthly=0.1), new()))]
    np.testing.assert_allclose(both[0], alone + 30 * 1.30, rtol=EXACT)
    np.testing.assert_allclose(both[1], both[0], rtol=EXACT)
    lifted = run(steady, new(), sc.Step(1.0, where={"project": "assistant"})).totals
    np.testing.assert_allclose(lifted, 61 * 1.25 + 2 * 30 * 1.30, rtol=EXACT)
    with pytest.raises(ScenarioError, match="states its whole volume"):
        run(steady, new(), sc.Growth(monthly=0.1, where={"project": "assistant"}))


def test_a_new_workload_of_monthly_usage_has_its_months_days():
    frame = pd.DataFrame(
        {
            "date": pd.date_range("2025-01-01", "2026-04-01", freq="MS"),
            "provider": "openai",
            "model": "gpt-5",
            "environment": "production",
            "project": "search",
            "requests": 30_000.0,
            "input_tokens": 30e6,
        }
    )
    projection = fc.project(
        fc.Usage.from_frame(frame, grain="month"), start="2026-05-01", end="2026-06-01", seed=0, trajectories=10
    )
    more = run(projection, new(on="2026-05-17")).monthly - run(projection).monthly
    np.testing.assert_allclose(more, np.broadcast_to([15 * 1.30, 30 * 1.30], more.shape), rtol=EXACT)


# -------------------------------------------------------------------------------------------------------------- limits


def test_a_quota_a_day_by_hand(steady):
    change = sc.Step(1.0, on="2026-06-01"), sc.Limit(requests=1_500.0, on="2026-06-11", until="2026-06-20")
    months = run(steady, *change).monthly
    np.testing.assert_allclose(months[:, 1], (20 * 2_000 + 10 * 1_500) * UNIT, rtol=EXACT)
    tokens = sc.Step(1.0, on="2026-06-01"), sc.Limit(tokens=1.5e6, on="2026-06-11", until="2026-06-20")
    np.testing.assert_allclose(run(steady, *tokens).monthly, months, rtol=EXACT)
    # 1 request a minute at a peak of 1.2 times the mean is 1,200 a day.
    minute = run(steady, sc.Step(1.0), sc.Limit(requests=1.0, every="minute", peak=1.2)).monthly
    np.testing.assert_allclose(minute[:, 1], 30 * 1_200 * UNIT, rtol=EXACT)


def test_a_quota_a_month_is_used_up_and_begins_anew():
    projection = flat(start="2026-05-11")
    made = run(projection, sc.Limit(requests=20_000.0, every="month"))
    # Ten days of May are the gap: they use 10,000 of 20,000; the first 20 days of June use all of it.
    np.testing.assert_allclose(made.monthly, np.broadcast_to([10_000 * UNIT, 20_000 * UNIT], (100, 2)), rtol=EXACT)
    half = run(projection, sc.Limit(requests=20_000.0, every="month", on="2026-06-16"))
    # In force for half of June, with half of the quota.
    np.testing.assert_allclose(half.monthly[:, 1], (15_000 + 10_000) * UNIT, rtol=EXACT)


def test_a_limit_that_nothing_reaches_is_the_forecast(noisy):
    bare = run(noisy).cost
    for change in (sc.Limit(requests=1e12), sc.Limit(tokens=1e15, every="month", per="workload")):
        # The served part is 1 to the bit; only the order of sums differs.
        np.testing.assert_allclose(run(noisy, change).cost, bare, rtol=1e-12)


@pytest.mark.parametrize("per", ["all", "project"])
def test_clipped_demand_is_brute_force_by_draw_and_day(noisy, per):
    cap, draws, seed = 1.2e5, 60, 3
    scenario = sc.Scenario("capped", [sc.Limit(requests=cap, per=per, where={"environment": "production"})])
    found = sc.clipped(noisy, scenario, what="requests", by=["project"], draws=draws, seed=seed)
    dealt = noisy.draws(draws, seed)
    blocks = list(noisy.blocks(40))
    labels = noisy.workloads
    projects = list(found.labels["project"])
    lost = np.zeros((draws, len(projects)))
    inside = np.asarray(noisy.days >= noisy.span.start)
    for d in range(draws):
        volume = blocks[0].volume[dealt.trajectory[d]] * np.exp(dealt.log_factor[d])
        own = np.asarray(labels["environment"] == "production")
        for day in np.nonzero(inside)[0]:
            asked = {p: volume[day, own & np.asarray(labels["project"] == p)].sum() for p in projects}
            for i, p in enumerate(projects):
                pooled = sum(asked.values()) if per == "all" else asked[p]
                lost[d, i] += asked[p] * (1 - min(1.0, cap / pooled))
    assert (lost.sum(axis=1) > 0).any()
    planned = found.spans.planned
    # Differences of sums of doubles a hundred times as large.
    np.testing.assert_allclose(found.clipped[:, planned].sum(axis=1), lost, rtol=1e-8, atol=1e-3)


def test_the_table_of_clipped_demand_is_hand_arithmetic(steady):
    scenario = sc.Scenario("capped", [sc.Step(1.0, on="2026-06-01"), sc.Limit(requests=1_500.0)])
    table = sc.clipped(steady, scenario, what="requests", draws=50).table().set_index("month")
    assert table["demand"].tolist() == pytest.approx([31_000, 60_000])
    assert table["served"].tolist() == pytest.approx([31_000, 45_000])
    assert table["p50"].tolist() == pytest.approx([0, 15_000], abs=1e-6)
    assert table["probability"].tolist() == [0.0, 1.0]
    money = sc.clipped(steady, scenario, what="cost", by=[], draws=50)
    np.testing.assert_allclose(money.clipped[:, 1, 0], 15_000 * UNIT, rtol=1e-7)
    assert repr(money).startswith("Clipped(19 of 114 cost are not served")
    with pytest.raises(ScenarioError, match="has no limit"):
        sc.clipped(steady, sc.Scenario())


def test_two_limits_act_one_after_the_other(steady):
    changes = sc.Limit(requests=900.0), sc.Limit(tokens=0.8e6)
    np.testing.assert_allclose(run(steady, *changes).totals, 61 * 800 * UNIT, rtol=EXACT)


# ------------------------------------------------------------------------------------------------ what cannot be meant


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sc.LinearGrowth(-1.2), "leaves nothing"),
        (lambda: sc.LinearGrowth(5), "for 5 % write 0.05"),
        (lambda: sc.LinearGrowth(0.1, basis="all"), "basis"),
        (lambda: sc.LogisticGrowth(0.1, 1.0), "above 1"),
        (lambda: sc.LogisticGrowth(0.1, sc.between(0.8, 2)), "above 1"),
        (lambda: sc.LogisticGrowth(-0.1, 2.0), "no ceiling"),
        (lambda: sc.Adoption(0, 100, 0.1, 0.1), "above 0"),
        (lambda: sc.Adoption(200, 100, 0.1, 0.1), "must lie above the 200 users"),
        (lambda: sc.Adoption(100, sc.between(90, 200), 0.1, 0.1), "must lie above"),
        (lambda: sc.Adoption(10, 100, 0.0, 0.0), "nobody would ever begin"),
        (lambda: sc.Adoption(10, 100, -0.1, 0.1), "cannot be negative"),
        (lambda: sc.Headcount([]), "wanted rows"),
        (lambda: sc.Headcount([{"number": 1}]), "has no date"),
        (lambda: sc.Headcount([{"date": "2026-01-01", "numbr": 1}]), "numbr.*did you mean 'number'"),
        (lambda: sc.Headcount([sc.Heads("2026-02-01", 1), sc.Heads("2026-01-01", 2)]), "must run upwards"),
        (lambda: sc.Headcount([sc.Heads("2026-01-01", 1), sc.Heads("2026-01-01", 2)]), "must run upwards"),
        (lambda: sc.Heads("2026-01-01"), "give number="),
        (lambda: sc.Heads("2026-01-01", -5), "0 or more"),
        (lambda: sc.Heads("2026-01-01", 5, 6, 9), "p10 ≤ number"),
        (lambda: sc.Heads("2026-01-01", p10=6), "give number="),
        (lambda: sc.Heads("soon", 5), "is not a date"),
        (lambda: sc.Step(-1.5, on="2026-06-01"), "leaves nothing"),
        (lambda: sc.Step(0.1, on="2026-06-01", until="2026-05-01"), "lies before on"),
        (lambda: sc.Step(0.1, probability=2), "from 0 to 1"),
        (lambda: sc.Step(0.1, ramp=-1), "number of days"),
        (lambda: sc.Campaign("2026-06-01", "2026-05-01", 0.1), "lies before start"),
        (lambda: sc.Campaign("2026-06-01", "2027-06-01", 0.1, yearly=True), "do not fit into the year"),
        (lambda: sc.Retire({}, "2026-06-01"), "say what ends"),
        (lambda: new(tokens={}), "quantities by unit"),
        (lambda: new(tokens={"input_token": 9}), "did you mean 'input_tokens'"),
        (lambda: new(users=-1), "cannot be negative"),
        (lambda: new(growth=3), "for 3 % write 0.03"),
        (lambda: new(on="2026-06-01", until="2026-05-01"), "lies before on"),
        (lambda: new(model=" "), "where its requests go"),
        (sc.Limit, "either as requests= or as tokens="),
        (lambda: sc.Limit(requests=0), "nothing would pass"),
        (lambda: sc.Limit(requests=10, every="minute"), "needs peak="),
        (lambda: sc.Limit(requests=10, peak=2.0), "goes with every='minute'"),
        (lambda: sc.Limit(requests=10, every="minute", peak=0.5), "1 to 1,440"),
        (lambda: sc.Limit(requests=10, every="hour"), "not known"),
        (lambda: sc.Limit(requests=10, units=["input_tokens"]), "beside tokens="),
        (lambda: sc.Limit(tokens=10, units=["images"]), "not known"),
    ],
)
def test_what_cannot_be_meant_is_refused(make, message):
    with pytest.raises(ScenarioError, match=message):
        make()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (sc.Step(0.1, on="2030-01-01"), "after the horizon"),
        (sc.Step(0.1, on="2020-01-01"), "before the history"),
        (sc.Step(0.1, where={"project": "serch"}), "did you mean 'search'"),
        (sc.Campaign("2026-01-05", "2026-01-10", 0.1), "lies outside the days that are forecast"),
        (sc.Campaign("2028-01-05", "2028-01-10", 0.1, yearly=True), "lies outside"),
        (sc.Retire({"project": "search"}, "2031-01-01"), "after the horizon"),
        (sc.Headcount([sc.Heads("2026-05-10", 5), sc.Heads("2026-06-10", 5)]), "after the as-of date"),
        (sc.Headcount([sc.Heads("2026-01-10", 5), sc.Heads("2026-04-10", 5)]), "says nothing of the horizon"),
        (sc.Headcount([sc.Heads("2026-04-30", 0), sc.Heads("2026-06-10", 5)]), "0 heads on the as-of date"),
        (new(on="2031-01-01"), "after the horizon"),
        (new(model="gpt-unheard-of"), "has no price for input_tokens"),
        (new(labels={"departmnt": "x"}), "is no label"),
        (new(project=None), "say its project"),
        (sc.Limit(tokens=10, units=["output_tokens"]), "has no output_tokens"),
        (sc.Limit(tokens=10, per="team"), "wanted one of"),
    ],
)
def test_what_does_not_fit_the_projection_is_refused(steady, change, message):
    with pytest.raises(ScenarioError, match=message):
        run(steady, change)


def test_requests_of_a_workload_without_requests_cannot_be_capped():
    frame = plain(np.full(120, 1_000.0), start="2026-01-01").frame.drop(columns="requests")
    projection = fc.project(
        fc.Usage.from_frame(frame), start="2026-05-01", end="2026-06-30", lag=0, seed=0, trajectories=10
    )
    with pytest.raises(ScenarioError, match="environment=production, project=search has no requests"):
        run(projection, sc.Limit(requests=10.0))
    np.testing.assert_allclose(run(projection, sc.Limit(tokens=5e5)).totals, 61 * 0.625, rtol=EXACT)


def test_every_change_says_what_it_assumes():
    told = [
        (sc.LinearGrowth(0.05), "+5.0% of today's level each month in all"),
        (sc.LogisticGrowth(0.05, 3.0, basis="extra"), "levels off at 3.00 times today's level on top"),
        (sc.Adoption(400, sc.between(900, 1_500), 0.03, 0.6), "from 400 of a market of 900.00 to 1,500.00 (P10-P90)"),
        (sc.Step(9.0, on="2026-06-11", ramp=10, probability=0.4), "+900.0% from 2026-06-11, within 10 days, with a"),
        (sc.Campaign("2026-12-01", "2026-12-24", 0.4, yearly=True), "to 2026-12-24 and every year after"),
        (sc.Limit(requests=60, every="minute", peak=4, per="model"), "60.00 requests a minute for each model"),
    ]
    for change, words in told:
        assert words in change.describe(), change.describe()
