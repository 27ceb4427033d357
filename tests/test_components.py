"""Lines that are not tokens: each kind by hand arithmetic, ties by closed forms, owners' columns that add up."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import optimize, stats
from scipy.special import ndtri

import forecast as fc
import scenarios as sc
from forecast.errors import PlanError, ScenarioError
from scenarios.components import OWNER_COLUMNS
from tests.usages import organisation, plain

#: Noise-free usage is forecast as it was but for rounding: what is left of a cent is far less than one.
CENT = 0.005
#: Sums of a few hundred doubles.
ROUNDING = 1e-9
DRAWS = 200


@pytest.fixture(scope="module")
def flat():
    """1,000 requests of 1,000 tokens a day at 1.25 a million: 38.75 in May, 37.50 in June."""
    usage = plain(np.full(120, 1_000.0), start="2026-01-01")
    return fc.project(usage, start="2026-05-01", end="2026-06-30", lag=0, trajectories=10)


@pytest.fixture(scope="module")
def year():
    usage = plain(np.full(120, 1_000.0), start="2026-01-01")
    return fc.project(usage, start="2026-05-01", end="2027-04-30", lag=0, trajectories=10)


@pytest.fixture(scope="module")
def company():
    return fc.project(organisation(), horizon="2Q", seed=7, trajectories=60)


def planned(projection, *components, draws=DRAWS, **options):
    return sc.plan(projection, components=list(components), draws=draws, seed=1, **options)


def drawn(plan, name):
    """A line's money: (draw, month)."""
    labels, group = plan.ledger.groups(["month", "line"])
    money = plan.ledger.summed(group, len(labels))
    return money[:, (labels["line"] == name).to_numpy()]


def certain(plan, name):
    """A line's money by month, the same in every draw."""
    money = drawn(plan, name)
    assert np.ptp(money, axis=0).max() <= CENT
    return money[0].tolist()


def cents(*amounts):
    return pytest.approx(list(amounts), abs=CENT)


# -------------------------------------------------------------------------------------------------- fixed, escalating


def test_a_fixed_line_rises_on_its_anniversaries_by_days(year):
    line = sc.Fixed("licence", 300.0, escalation=0.10, escalates_on="2025-07-16", start="2026-06-11")
    money = certain(planned(year, line), "licence")
    # One anniversary has passed: 330 a month, from 11 June 20 of 30 days; from 16 July on 363, 16 of 31 days of it.
    july = 330 * 15 / 31 + 363 * 16 / 31
    assert money == cents(0.0, 330 * 20 / 30, july, *[363.0] * 9)


def test_an_uncertain_escalation_is_drawn_once_a_path(year):
    line = sc.Fixed("licence", 100.0, escalation=sc.between(0.02, 0.10), escalates_on="2026-11-01")
    money = drawn(planned(year, line), "licence")
    assert np.abs(money[:, :6] - 100.0).max() <= ROUNDING
    assert np.ptp(money[:, 6:], axis=1).max() <= ROUNDING
    # P10 and P90 of a stratified sample lie within one stratum of the range's.
    low, high = np.quantile(money[:, 6], [0.1, 0.9])
    assert (low, high) == (pytest.approx(102.0, abs=0.1), pytest.approx(110.0, abs=0.1))


def test_no_escalation_changes_nothing(year):
    plain_line, none = sc.Fixed("a", 100.0), sc.Fixed("a", 100.0, escalation=0.0, escalates_on="2026-07-07")
    np.testing.assert_allclose(drawn(planned(year, none), "a"), drawn(planned(year, plain_line), "a"), rtol=1e-12)


# -------------------------------------------------------------------------------------------------------- by the unit


def test_seats_cost_by_the_day_and_by_date(flat):
    seats = sc.PerUnit("seats", {"2026-05-17": 40, "2026-06-16": 50}, price=30.0)
    money = certain(planned(flat, seats), "seats")
    assert money == cents(40 * 30 * 15 / 31, 40 * 30 * 15 / 30 + 50 * 30 * 15 / 30)
    assert certain(planned(flat, sc.PerUnit("s", 12, price=30.0, end="2026-05-31")), "s") == cents(360.0, 0.0)


def test_requests_and_tokens_cost_what_is_used(flat):
    by_request = sc.PerUnit("gateway", "requests", price=0.4, per=1_000)
    assert certain(planned(flat, by_request), "gateway") == cents(31 * 0.4, 30 * 0.4)
    half = sc.PerUnit(
        "scan", "total_tokens", price=2.0, per=1e6, start="2026-06-16", escalation=0.5, escalates_on="2026-06-21"
    )
    # 15 of 30 days of 30 million tokens, 10 of them at 3.
    assert certain(planned(flat, half), "scan") == cents(0.0, 5 * 2.0 + 10 * 3.0)


def test_gpu_hours_are_usage_over_throughput_and_utilisation_within_the_machines_that_there_are(flat):
    def hours(**options):
        line = sc.PerUnit("gpu", "total_tokens", price=1.0, throughput=10.0, utilisation=0.4, **options)
        return certain(planned(flat, line), "gpu")

    # 31 million tokens / (10 a second x 3,600 x 0.4) = 2,152.78 hours; 2,083.33 in June.
    assert hours() == cents(31e6 / 14_400, 30e6 / 14_400)
    assert hours(min_machines=4) == cents(4 * 24 * 31, 4 * 24 * 30)
    assert hours(max_machines=2) == cents(2 * 24 * 31, 2 * 24 * 30)
    assert hours(start="2026-06-21", min_machines=4) == cents(0.0, 4 * 24 * 10)
    assert hours(start="2026-06-21", max_machines=0) == cents(0.0, 0.0)


def test_what_is_counted_is_the_scenarios_usage_of_the_same_draw(company):
    line = sc.PerUnit("fee", "requests", price=1.0, where={"project": "search"})
    growth = sc.Scenario("g", [sc.Growth(monthly=sc.between(0.03, 0.09))])
    plan = planned(company, line, scenario=growth)
    again = planned(company, scenario=growth)
    labels, group = again.ledger.groups(["project"])
    search = again.ledger.summed(group, len(labels))[:, list(labels["project"]).index("search")]
    # Requests by model keep their proportions, and so does money: it is requests times one price.
    fee = drawn(plan, "fee").sum(axis=1)
    assert np.corrcoef(np.log(fee), np.log(search))[0, 1] > 0.99


# ---------------------------------------------------------------------------------------------------------- allowance


def test_an_allowance_is_paid_whole_and_usage_within_it_not_twice(flat):
    less = planned(flat, sc.Allowance("pot", amount=30.0))
    assert certain(less, "pot") == cents(0.0, 0.0)
    more = planned(flat, sc.Allowance("pot", amount=38.0))
    # 38.75 and 37.50 are used: in May all of it is used up, in June 0.50 is left.
    assert certain(more, "pot") == cents(0.0, 0.5)
    assert more.totals[0] == pytest.approx(38.75 + 38.0, abs=CENT)


def test_what_is_blocked_is_shown_and_not_paid(flat):
    plan = planned(flat, sc.Allowance("pot", amount=38.0, beyond="block"))
    assert certain(plan, "pot: blocked") == cents(-0.75, 0.0)
    assert plan.totals[0] == pytest.approx(38.0 + 38.0, abs=CENT)


def test_what_is_left_rolls_over(flat):
    plan = planned(flat, sc.Allowance("pot", amount=38.0, beyond="rollover", start="2026-05-01"))
    assert certain(plan, "pot") == cents(0.0, 0.5)
    pot = sc.Allowance("pot", amount=38.0, beyond="rollover")
    # In May 31.00 of 40 are used by a cheaper price; in June 45.00 of 40 + 9, so that 4 more are left in the end.
    moved = sc.Scenario(
        "moved",
        [sc.PriceChange(on="2026-05-01", to=1.0, name="may"), sc.PriceChange(on="2026-06-01", to=1.5, name="june")],
    )
    plan = planned(flat, dataclasses.replace(pot, amount=40.0), scenario=moved)
    assert certain(plan, "pot") == cents(40.0 - 31.0, 40.0 - 45.0)
    assert plan.totals[0] == pytest.approx(80.0, abs=CENT)


def test_tokens_of_an_allowance_have_their_own_price_or_that_of_the_usage(flat):
    # 20 million of 31 and 30: 25.00 paid for what costs 1.25 a million; the rest by the token.
    assert certain(planned(flat, sc.Allowance("t", tokens=20e6)), "t") == cents(0.0, 0.0)
    assert certain(planned(flat, sc.Allowance("t", tokens=40e6)), "t") == cents(9 * 1.25, 10 * 1.25)
    assert certain(planned(flat, sc.Allowance("t", tokens=20e6, price=2.0)), "t") == cents(20 * 0.75, 20 * 0.75)


def test_an_allowance_may_change_by_date(flat):
    pot = sc.Allowance("pot", amount={"2026-05-17": 93.0, "2026-06-16": 120.0}, beyond="rollover")
    # 15 of 31 days of 93 in May; in June 15 of 30 days of each. All that is used is covered.
    assert certain(planned(flat, pot), "pot") == cents(45.0 - 38.75, 46.5 + 60.0 - 37.5)


def test_each_project_has_an_allowance_of_its_own(company):
    line = sc.Allowance("pot", amount=1_000.0, per="project", beyond="block", cost_center="cc-1")
    plan = planned(company, line)
    table = plan.table(["project"])
    months = 6
    # Each project ends at 1,000 a month where it uses more: all of it is taken off, and none is left unused.
    assert table.loc["search", ["p10", "p90"]].tolist() == pytest.approx([1_000.0 * months] * 2, rel=1e-9)
    assert table.loc["support", ["p10", "p90"]].tolist() == pytest.approx([1_000.0 * months] * 2, rel=1e-9)


# ------------------------------------------------------------------------------------------------------------ project


def test_a_project_is_hours_times_price_times_runs_over_its_days(flat):
    line = sc.Project("training", 1_000.0, price=2.5, runs=3.0, start="2026-05-22", duration=20)
    # 7,500 over 20 days: 10 in May and 10 in June.
    assert certain(planned(flat, line), "training") == cents(3_750.0, 3_750.0)
    late = dataclasses.replace(line, slip=5.0)
    assert certain(planned(flat, late), "training") == cents(7_500 * 5 / 20, 7_500 * 15 / 20)
    out = dataclasses.replace(line, slip=30.0)  # from 21 June on: 10 of its days lie in the plan
    assert certain(planned(flat, out), "training") == cents(0.0, 3_750.0)
    told = sc.Project("training", 1_000.0, price=2.5, runs=3.0, start="2026-05-22", end="2026-06-10")
    assert certain(planned(flat, told), "training") == cents(3_750.0, 3_750.0)


def test_spare_capacity_is_cheaper_and_works_some_hours_twice(flat):
    line = sc.Project(
        "t", 100.0, price=4.0, start="2026-05-01", duration=31, spot_share=0.75, spot_discount=0.6, interruption=0.1
    )
    # 25 hours at 4, and 75 x 1.1 at 1.60.
    assert certain(planned(flat, line), "t") == cents(100.0 + 132.0, 0.0)


def test_a_projects_total_is_log_normal_as_its_factors_are(flat):
    hours, price = sc.between(500.0, 2_000.0), sc.between(2.0, 4.0)
    line = sc.Project("t", hours, price=price, start="2026-05-01", duration=31)
    money = drawn(planned(flat, line, draws=20_000), "t").sum(axis=1)
    spread = math.hypot(math.log(4.0), math.log(2.0)) / (2 * 1.2815515655446004)
    middle = math.log(1_000.0) + math.log(math.sqrt(8.0))
    # Of 20,000 draws the P80 of two independent factors has a standard error of spread x 1.43 / 141, about 0.7 %.
    assert math.log(np.quantile(money, 0.8)) == pytest.approx(middle + spread * ndtri(0.8), abs=0.02)


# -------------------------------------------------------------------------------------------------------------- stock


def test_a_stock_costs_the_mean_of_its_days(flat):
    line = sc.Stock("weights", 1_000.0, price=0.02, copies=3.0)
    assert certain(planned(flat, line), "weights") == cents(60.0, 60.0)
    grows = sc.Stock("weights", 1_000.0, price=0.02, growth=0.05, added=100.0, start="2026-05-11")
    money = certain(planned(flat, grows), "weights")
    month = 30.4375
    level = [1_000 * 1.05 ** (t / month) + 100 * t / month for t in range(21 + 30)]
    assert money == cents(0.02 * sum(level[:21]) / 31, 0.02 * sum(level[21:]) / 30)


def test_a_stock_that_began_before_the_plan_has_grown(flat):
    line = sc.Stock("logs", 0.0, price=1.0, added=30.4375, start="2026-04-01", end="2026-05-02")
    # One gigabyte a day: 30 and 31 on the first two days of May.
    assert certain(planned(flat, line), "logs") == cents(61 / 31, 0.0)


# ----------------------------------------------------------------------------------------------------------- share of


def test_a_share_is_of_tokens_of_lines_or_of_everything(flat):
    lines = [
        sc.ShareOf("all", 0.5, of="everything"),
        sc.ShareOf("hidden", 0.1, of=["machines", "tokens"], start="2026-06-16"),
        sc.Fixed("machines", 100.0),
        sc.ShareOf("tools", 0.2),
    ]
    plan = planned(flat, *lines)
    tools = [38.75 * 0.2, 37.5 * 0.2]
    hidden = [0.0, 0.1 * 137.5 / 2]
    assert certain(plan, "tools") == cents(*tools)
    assert certain(plan, "hidden") == cents(*hidden)
    assert certain(plan, "all") == cents(
        *[(u + 100.0 + t + h) / 2 for u, t, h in zip((38.75, 37.5), tools, hidden, strict=True)]
    )
    # In the order given, whatever they are reckoned from.
    assert plan.ledger.labels["line"].tolist()[1:] == ["all", "hidden", "machines", "tools"]


def test_a_share_follows_its_base_draw_by_draw(company):
    plan = planned(company, sc.ShareOf("hidden", 0.25, where={"environment": "production"}))
    labels, group = plan.ledger.groups(["month", "environment", "line"])
    money = plan.ledger.summed(group, len(labels))
    used = money[:, ((labels["environment"] == "production") & (labels["line"] == "tokens")).to_numpy()]
    np.testing.assert_allclose(drawn(plan, "hidden"), used / 4, rtol=ROUNDING)


def test_a_share_of_a_line_that_a_change_brings(flat):
    tuned = sc.Scenario("x", [sc.PromptTrim(by=-0.1, setup=500.0, on="2026-06-10", name="trim")])
    brought = planned(flat, scenario=tuned)
    name = next(n for n in brought.ledger.labels["line"] if n != "tokens")
    assert certain(planned(flat, sc.ShareOf("half", 0.5, of=[name]), scenario=tuned), "half") == cents(0.0, 250.0)


# --------------------------------------------------------------------------------------------------------------- risk


def test_a_risk_happens_in_its_share_of_draws_once(flat):
    money = drawn(planned(flat, sc.Risk("audit", 0.15, impact=1_000.0)), "audit")
    hit = money.sum(axis=1) > 0
    assert hit.sum() == 30  # 0.15 of 200 draws, exactly
    assert set(money[hit].ravel()) == {0.0, 1_000.0}
    assert (money[hit].sum(axis=1) == 1_000.0).all()
    # Days are as likely: 31 of 61 in May, of 30 draws. Three standard errors of a share are 0.27.
    assert abs(money[hit, 0].astype(bool).mean() - 31 / 61) < 0.27


def test_a_risk_on_a_day_falls_on_it(flat):
    money = drawn(planned(flat, sc.Risk("audit", 1.0, impact=sc.between(100.0, 400.0), on="2026-06-30")), "audit")
    assert not money[:, 0].any()
    assert np.quantile(money[:, 1], 0.5) == pytest.approx(200.0, rel=0.01)


# ----------------------------------------------------------------------------------------------------------- reserves


def test_a_reserve_that_funds_a_line_is_sized_by_what_that_adds_to_the_contingency(flat):
    lines = [sc.Fixed("a", sc.between(100.0, 400.0)), sc.Fixed("b", 50.0)]
    plan = planned(flat, *lines, sc.Reserve("for a", funds="a"), sc.Reserve("beside", 20.0), draws=1_000)
    (kept,) = plan.earmarks
    # All that is uncertain is a; usage and b add nothing but rounding.
    assert kept.held == pytest.approx(plan.contingency, rel=1e-3)
    assert plan.funding == pytest.approx(plan.budget + 20.0, abs=CENT)
    assert plan.set_aside()["within"].to_dict() == {"beside": "funding", "for a": "contingency"}


SPIKES = sc.Scenario("x", [sc.Spikes(rate=12.0, by=sc.between(1.0, 4.0), days=3.0)])


def test_a_reserve_that_funds_an_event_is_sized_from_its_events(flat):
    plan = planned(flat, sc.Reserve("emergency scaling", funds="spikes"), scenario=SPIKES, draws=1_000)
    (kept,) = plan.earmarks
    # Nothing else is uncertain: the reserve is the contingency, to the cent below.
    assert plan.contingency > 1.0
    assert kept.held == pytest.approx(plan.contingency, abs=0.01)
    assert plan.funding == plan.budget
    assert "emergency scaling" in " ".join(plan.assumptions["assumption"])


def test_what_moves_against_the_total_has_no_part_of_the_contingency(flat):
    ties = [sc.RankCorrelation({("a", "b"): -1.0})]
    lines = [sc.Fixed("a", sc.between(100.0, 400.0)), sc.Fixed("b", sc.between(10.0, 20.0))]
    plan = planned(flat, *lines, sc.Reserve("for b", funds="b"), dependence=ties)
    assert plan.set_aside().loc["for b", "amount"] == 0.0


def tilted(weight, total, quantile):
    """Weights times exp(k · total), with the k at which their mean of the total is the quantile."""
    steps = (total - quantile) / total.std()
    k = optimize.brentq(lambda power: np.average(steps, weights=weight * np.exp(power * steps)), -50.0, 50.0)
    return weight * np.exp(k * steps)


def test_events_and_lines_share_the_contingency(company):
    line = sc.Fixed("base", sc.between(2_000.0, 9_000.0))
    reserves = [sc.Reserve("scaling", funds="spikes"), sc.Reserve("infrastructure", funds="base")]
    plan = planned(company, line, *reserves, scenario=SPIKES, draws=1_000)
    effect = plan.totals - planned(company, line, draws=1_000).totals
    rank = np.argsort(np.argsort(plan.totals)) + 0.5
    near = [
        tilted(np.maximum(0.0, 1.0 - ((rank / 1_000 - level) / 0.05) ** 2), plan.totals, plan.quantile(level))
        for level in (0.8, 0.5)
    ]
    high, low = (lambda x, w=w: np.average(x, weights=w) for w in near)
    for held, own in zip(plan.earmarks, (effect, drawn(plan, "base").sum(axis=1)), strict=True):
        whole = high(plan.totals) - low(plan.totals)
        assert held.held == pytest.approx(plan.contingency * (high(own) - low(own)) / whole, abs=0.02)
    assert sum(r.held for r in plan.earmarks) < plan.contingency


def test_a_reserve_cannot_fund_more_than_the_contingency(flat):
    line = sc.Fixed("a", sc.between(100.0, 400.0))
    most = planned(flat, line).contingency
    planned(flat, line, sc.Reserve("r", most, funds="a"))
    with pytest.raises(PlanError, match="more than the contingency of"):
        planned(flat, line, sc.Reserve("r", most - 10.0, funds="a"), sc.Reserve("s", 10.02, funds="a"))


# --------------------------------------------------------------------------------------------------------- dependence


def log_lines(count):
    return [sc.Fixed(f"line {i}", sc.between(50.0, 200.0)) for i in range(count)]


def normal_lines(count):
    return [sc.Fixed(f"line {i}", stats.norm(100.0, 20.0)) for i in range(count)]


@pytest.mark.parametrize("rho", [0.0, 0.5, 1.0])
def test_the_quantile_of_tied_normal_lines_is_the_closed_form(flat, rho):
    ties = [sc.CommonFactor("market", {f"line {i}": math.sqrt(rho) for i in range(4)})]
    plan = planned(flat, *normal_lines(4), dependence=ties, draws=20_000)
    months = 2
    mean = 400.0 * months + 76.25
    spread = 20.0 * months * math.sqrt(4 + 4 * 3 * rho)
    alone = 20.0 * months * math.sqrt(4)
    # The standard error of a P80 of 20,000 draws is 1.43 x spread / 141: at most 1.6; three of them.
    error = 3 * 1.43 / math.sqrt(20_000)
    told = plan.dependence_effect()
    assert told.loc["as tied", "p80"] == pytest.approx(mean + ndtri(0.8) * spread, abs=error * spread)
    assert told.loc["each on its own", "p80"] == pytest.approx(mean + ndtri(0.8) * alone, abs=error * alone)
    assert told.loc["as tied", "budget"] == pytest.approx(plan.budget, abs=CENT)


def test_rank_correlated_log_normal_lines_have_the_closed_forms_spread(flat):
    # Spearman's s is 2 sin(pi s / 6) on the normal scale; of two log-normal lines with the log-spread v, the variance
    # of the sum is 2 m^2 (e^(v^2) - 1) + 2 m^2 (e^(r v^2) - 1), m the mean of each.
    ties = [sc.RankCorrelation({("line 0", "line 1"): 0.6})]
    plan = planned(flat, *log_lines(2), dependence=ties, draws=20_000)
    v = math.log(4.0) / (2 * 1.2815515655446004)
    r, m = 2 * math.sin(math.pi * 0.6 / 6), 2 * 100.0 * math.exp(v * v / 2)
    variance = 2 * m * m * (math.exp(v * v) - 1) + 2 * m * m * (math.exp(r * v * v) - 1)
    a, b = (drawn(plan, f"line {i}").sum(axis=1) for i in range(2))
    assert stats.spearmanr(a, b).statistic == pytest.approx(0.6, abs=0.02)
    # A log-normal variance of 20,000 draws has a relative standard error of about 3 %.
    assert np.var(a + b) == pytest.approx(variance, rel=0.1)
    assert np.std(a + b) > np.std(plan.untied)


def test_the_quantile_of_log_normal_lines_that_move_as_one_is_the_sum_of_theirs(flat):
    plan = planned(flat, *log_lines(3), dependence=[sc.CommonFactor("one", {f"line {i}": 1.0 for i in range(3)})])
    spread = math.log(4.0) / (2 * 1.2815515655446004)
    # Of 200 strata the quantile is that of a stratum next to it: 0.5 % of ranks at a slope of 1 / 0.28 spreads.
    assert plan.quantile(0.8) == pytest.approx(76.25 + 600.0 * math.exp(spread * ndtri(0.8)), rel=0.01)


def test_what_a_line_assumes_is_told_with_its_digits():
    assert sc.Stock("s", 20_000, price=0.023).describe() == "s: 20,000 GB at 0.023 a GB-month"
    assert sc.Fixed("f", sc.between(10.5, 20)).describe() == "f: 10.50 to 20 (P10-P90) a month"


def test_a_line_keeps_its_own_distribution_when_it_is_tied(flat):
    ties = [sc.CommonFactor("market", {"line 0": 0.9, "line 1": -0.9})]
    tied = planned(flat, *log_lines(2), dependence=ties)
    alone = planned(flat, *log_lines(2))
    for name in ("line 0", "line 1"):
        assert np.array_equal(np.sort(drawn(tied, name)[:, 0]), np.sort(drawn(alone, name)[:, 0]))
    assert np.array_equal(np.sort(tied.untied), np.sort(alone.totals))


def test_lines_are_tied_to_changes_of_the_scenario(company):
    growth = sc.Scenario("g", [sc.Growth(monthly=sc.between(0.01, 0.09))])
    line = sc.Fixed("support", sc.between(50_000.0, 200_000.0))
    ties = [sc.RankCorrelation({("growth", "support"): 1.0})]
    plan = planned(company, line, scenario=growth, dependence=ties)
    told = plan.dependence_effect()
    assert told.loc["difference", "p90"] > 0
    assert told.loc["difference", "p10"] < 0
    rows = plan.assumptions
    assert rows.loc[rows["topic"] == "dependence", "assumption"].str.contains("drawn on its own").any()
    alone = planned(company, line, scenario=growth)
    np.testing.assert_allclose(plan.untied, alone.totals, rtol=ROUNDING)


def test_a_scenarios_own_ties_and_the_plans_hold_together(company):
    changes = [sc.Growth(monthly=sc.between(0.01, 0.09)), sc.PriceChange(on="2027-01-01", by=sc.between(-0.3, -0.1))]
    factor = sc.CommonFactor("market", {"growth": 0.8, "price_change": 0.8})
    scenario = sc.Scenario("g", changes, dependence=[factor])
    own = planned(company, scenario=scenario)
    both = planned(
        company,
        sc.Fixed("a", sc.between(1.0, 2.0)),
        scenario=scenario,
        dependence=[sc.CommonFactor("market", {"a": 0.5})],
    )
    np.testing.assert_allclose(both.totals - drawn(both, "a").sum(axis=1), own.totals, rtol=ROUNDING)


def test_a_risk_may_be_tied_to_what_makes_it_likelier(flat):
    lines = [sc.Risk("outage", 0.2, impact=sc.between(100.0, 300.0)), sc.Fixed("a", sc.between(50.0, 200.0))]
    plan = planned(flat, *lines, dependence=[sc.RankCorrelation({("outage.happens", "a"): 1.0})])
    hit = drawn(plan, "outage").sum(axis=1) > 0
    cost = drawn(plan, "a")[:, 0]
    assert hit.sum() == 40
    assert cost[hit].min() >= cost[~hit].max()


# ----------------------------------------------------------------------------------------------- owners, sums, workers


OWNED = [
    sc.Fixed("base", sc.between(5_000.0, 9_000.0), environment="production", department="platform", gl_account="6100"),
    sc.PerUnit("seats", 40, price=30.0, department="service", cost_center="cc-7", cost_category="tools"),
    sc.Project("tuning", 900.0, price=sc.between(2.0, 4.0), start="2027-02-10", duration=40, project="search"),
    sc.Stock("weights", 9_000.0, price=0.02, growth=0.04, environment="staging", project="search", gl_account="6200"),
    sc.Allowance("pot", amount=2_000.0, where={"project": "support"}, beyond="rollover", environment="test"),
    sc.ShareOf("hidden", sc.between(0.05, 0.15), of="everything", cost_center="cc-9"),
    sc.Risk("audit", 0.3, impact=sc.between(1_000.0, 9_000.0), department="legal"),
    sc.Reserve("beside", 700.0, department="platform"),
]


@pytest.fixture(scope="module")
def owned(company):
    policy = sc.EnvironmentSplit(development=(0.15, 0.20), production=(0.60, 0.70))
    return planned(company, *OWNED, split=policy, dependence=[sc.CommonFactor("f", {"base": 0.7, "hidden": 0.7})])


@pytest.mark.parametrize("column", [*OWNER_COLUMNS, "line", "month", "quarter"])
def test_lines_add_up_to_the_total_by_any_column(owned, column):
    table = owned.table([column])
    assert round(table["budget"].sum(), 2) == owned.budget
    assert round(table["base"].sum(), 2) == owned.base
    labels, group = owned.ledger.groups([column])
    money = owned.ledger.summed(group, len(labels))
    np.testing.assert_allclose(money.sum(axis=1), owned.totals, rtol=ROUNDING)


def test_whose_a_line_is_reaches_the_tables(owned):
    assert owned.table(["cost_center"])["p50"].loc["cc-7"] == pytest.approx(40 * 30.0 * 6, rel=ROUNDING)
    assert {"6100", "6200"} <= set(owned.table(["gl_account"]).index)
    assert {"platform", "service", "legal", "product"} <= set(owned.table(["department"]).index)
    weights = owned.table(["line", "project"])["p50"]
    assert set(weights.loc["weights"].index) == {"search"}
    assert owned.set_aside().loc["beside", "department"] == "platform"


def test_the_numbers_do_not_depend_on_the_workers_or_on_other_lines(company, owned):
    ties = [sc.CommonFactor("f", {"base": 0.7, "hidden": 0.7})]
    split = owned.spec.split
    again = planned(company, *OWNED, split=split, dependence=ties, n_jobs=2)
    assert np.array_equal(again.ledger.money, owned.ledger.money)
    assert np.array_equal(again.untied, owned.untied)
    fewer = planned(company, *[c for c in OWNED if c.name in ("base", "tuning", "audit")])
    for name in ("tuning", "audit"):
        np.testing.assert_allclose(drawn(fewer, name), drawn(owned, name), rtol=ROUNDING)


def test_a_bridge_tells_lines_beside_tokens(flat):
    first = planned(flat)
    second = planned(
        flat, sc.Fixed("a", 100.0), sc.PerUnit("fee", "requests", price=0.01), sc.ShareOf("s", 0.5, of=["fee"])
    )
    means = sc.bridge(first, second, names=("before", "after")).means
    assert means["fixed lines"] == pytest.approx(200.0, abs=CENT)
    assert means["other lines"] == pytest.approx(61_000 * 0.01 * 1.5, abs=CENT)


def test_every_line_is_told_in_the_assumptions(owned):
    rows = owned.assumptions
    told = rows.loc[rows["topic"] == "component", "assumption"]
    assert [text.split(":")[0] for text in told] == [c.name for c in OWNED[:-1]]


# ------------------------------------------------------------------------------------------------------ what is wrong

WRONG = {
    "negative": (lambda: sc.Fixed("x", -1.0), "cannot be negative"),
    "no name": (lambda: sc.Stock(" ", 1.0, price=1.0), "needs a name"),
    "owner": (lambda: sc.Fixed("x", 1.0, gl_account=6100), "gl_account = 6100: wanted text"),
    "ends first": (lambda: sc.Fixed("x", 1.0, start="2026-06-01", end="2026-05-01"), "before it starts"),
    "a day": (lambda: sc.Fixed("x", 1.0, start="soon"), "Fixed.start"),
    "escalation alone": (lambda: sc.Fixed("x", 1.0, escalation=0.1), "go together"),
    "escalation in per cent": (
        lambda: sc.Fixed("x", 1.0, escalation=-5.0, escalates_on="2026-06-01"),
        "leaves nothing",
    ),
    "count": (lambda: sc.PerUnit("x", "request", price=1.0), "did you mean 'requests'"),
    "no dates": (lambda: sc.PerUnit("x", {}, price=1.0), "at least one date"),
    "a bad date": (lambda: sc.PerUnit("x", {"soon": 1}, price=1.0), "count"),
    "per of seats": (lambda: sc.PerUnit("x", 3, price=1.0, per=1_000), "are of a count of usage"),
    "throughput 0": (lambda: sc.PerUnit("x", "requests", price=1.0, throughput=0.0), "throughput = 0"),
    "machines": (lambda: sc.PerUnit("x", "requests", price=1.0, min_machines=2), "need a throughput"),
    "min above max": (
        lambda: sc.PerUnit("x", "requests", price=1.0, throughput=1.0, min_machines=3, max_machines=2),
        "above max_machines",
    ),
    "per 0": (lambda: sc.PerUnit("x", "requests", price=1.0, per=0), "above 0"),
    "no size": (lambda: sc.Allowance("x"), "either as tokens= or as amount="),
    "two sizes": (lambda: sc.Allowance("x", tokens=1.0, amount=1.0), "either as tokens= or as amount="),
    "beyond": (lambda: sc.Allowance("x", amount=1.0, beyond="blok"), "did you mean 'block'"),
    "price of money": (lambda: sc.Allowance("x", amount=1.0, price=1.0), "has none"),
    "where": (lambda: sc.Allowance("x", amount=1.0, where="search"), "wanted globs"),
    "no duration": (lambda: sc.Project("x", 1.0, price=1.0, start="2026-05-01"), "duration="),
    "duration 0": (lambda: sc.Project("x", 1.0, price=1.0, start="2026-05-01", duration=0.0), "a day at least"),
    "spot": (lambda: sc.Project("x", 1.0, price=1.0, start="2026-05-01", duration=3, spot_discount=0.5), "spot_share"),
    "share above 1": (lambda: sc.ShareOf("x", 1.2), "between 0 and 1"),
    "of itself": (lambda: sc.ShareOf("x", 0.2, of=["x"]), "share of itself"),
    "of everything and more": (lambda: sc.ShareOf("x", 0.2, of=["everything", "a"]), "name it alone"),
    "of a number": (lambda: sc.ShareOf("x", 0.2, of=5), "names of lines"),
    "of nothing": (lambda: sc.ShareOf("x", 0.2, of=[]), "names of lines"),
    "where of lines": (lambda: sc.ShareOf("x", 0.2, of=["a"], where={"project": "s"}), "where chooses usage"),
    "probability": (lambda: sc.Risk("x", 1.5, impact=1.0), "from 0 to 1"),
    "day and days": (lambda: sc.Risk("x", 0.5, impact=1.0, on="2026-05-01", end="2026-06-01"), "either the day"),
    "no amount": (lambda: sc.Reserve("x"), "what it funds"),
    "amount in words": (lambda: sc.Reserve("x", "much"), "wanted a number"),
    "a negative reserve": (lambda: sc.Reserve("x", -1), "cannot be negative"),
    "dated reserve": (lambda: sc.Reserve("x", 1, start="2026-05-01"), "for the whole plan"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_hold_is_refused(name):
    make, words = WRONG[name]
    with pytest.raises(PlanError, match=words):
        make()


DONT_FIT = {
    "outside": (lambda: [sc.Stock("x", 1.0, price=1.0, end="2025-01-01")], "outside the plan"),
    "a project after it": (
        lambda: [sc.Project("x", 1.0, price=1.0, start="2027-01-01", duration=5)],
        "outside the plan",
    ),
    "a project before it": (
        lambda: [sc.Project("x", 1.0, price=1.0, start="2026-01-01", duration=5)],
        "over before the plan",
    ),
    "a risk outside": (lambda: [sc.Risk("x", 0.5, impact=1.0, on="2026-07-01")], "outside the plan"),
    "a currency": (lambda: [sc.Fixed("x", 1.0, currency="EUR")], "in EUR and the plan's in USD"),
    "an allowance's currency": (lambda: [sc.Allowance("x", amount=1.0, currency="EUR")], "in EUR"),
    "globs that fit nothing": (
        lambda: [sc.PerUnit("x", "requests", price=1.0, where={"project": "serch"})],
        "did you mean 'search'",
    ),
    "a unit that there is not": (lambda: [sc.PerUnit("x", "images", price=1.0)], "tells no images"),
    "a column": (lambda: [sc.Allowance("x", amount=1.0, per="projekt")], "did you mean 'project'"),
    "a base": (lambda: [sc.ShareOf("x", 0.1, of=["y"]), sc.Fixed("z", 1.0)], "no line 'y'"),
    "two of each other": (
        lambda: [sc.ShareOf("x", 0.1, of=["y"]), sc.ShareOf("y", 0.1, of=["x"])],
        "and so of itself",
    ),
    "two of everything": (
        lambda: [sc.ShareOf("x", 0.1, of="everything"), sc.ShareOf("y", 0.1, of="everything")],
        "and so of itself",
    ),
    "funds nothing": (lambda: [sc.Fixed("machines", 1.0), sc.Reserve("r", 0.0, funds="machine")], "did you mean"),
    "funds what is certain": (lambda: [sc.Fixed("m", 1.0), sc.Reserve("r", funds="m")], "the same in every future"),
    "no component": (lambda: ["x"], "is not a component"),
    "a class": (lambda: [sc.Fixed], "is not a component"),
    "a taken name": (lambda: [sc.Fixed("tokens", 1.0)], "as other lines of a plan are"),
}


@pytest.mark.parametrize("name", DONT_FIT)
def test_what_does_not_fit_a_plan_is_refused(flat, name):
    make, words = DONT_FIT[name]
    with pytest.raises((PlanError, ScenarioError), match=words):
        planned(flat, *make())


BAD_TIES = {
    "no such line": ([sc.CommonFactor("f", {"bas": 0.5})], "did you mean 'base'"),
    "nothing uncertain": ([sc.CommonFactor("f", {"certain": 0.5})], "nothing is uncertain"),
    "several numbers": ([sc.CommonFactor("f", {"risk": 0.5})], "risk.happens, risk.impact"),
    "no such number": ([sc.CommonFactor("f", {"risk.impct": 0.5})], "did you mean 'impact'"),
    "twice": ([sc.CommonFactor("f", {"base": 0.5}), sc.CommonFactor("g", {"base": 0.5})], "stands in two"),
    "no tie": (["base"], "wanted CommonFactor"),
}


@pytest.mark.parametrize("name", BAD_TIES)
def test_ties_that_fit_nothing_are_refused(flat, name):
    ties, words = BAD_TIES[name]
    lines = [
        sc.Fixed("base", sc.between(1.0, 2.0)),
        sc.Fixed("certain", 1.0),
        sc.Risk("risk", 0.5, impact=sc.between(1.0, 2.0)),
    ]
    with pytest.raises((PlanError, ScenarioError), match=words):
        planned(flat, *lines, dependence=ties)


def test_one_tie_or_line_in_place_of_a_list_is_told(flat):
    line = sc.Fixed("a", sc.between(1.0, 2.0))
    with pytest.raises(PlanError, match="dependence: wanted a list"):
        sc.plan(flat, components=[line], dependence=sc.CommonFactor("f", {"a": 1.0}))
    with pytest.raises(PlanError, match="components: wanted a list"):
        sc.plan(flat, components=sc.Stock("a", 1.0, price=1.0))


def test_a_line_in_one_branch_of_a_tree_costs_in_its_draws(flat):
    boom = sc.Scenario("boom", [sc.Step(0.5, on="2026-05-01")])
    tree = sc.Scenario("tree").tree([(0.6, sc.Scenario("calm")), (0.4, boom)])
    money = drawn(planned(flat, sc.PerUnit("fee", "requests", price=1.0, per=1_000), scenario=tree), "fee")
    # 61,000 requests in 60 % of the draws, half as many more in the others.
    assert sorted(np.round(money.sum(axis=1), 6)) == [61.0] * 120 + [91.5] * 80


def test_nothing_tied_has_no_effect_to_tell(flat):
    with pytest.raises(PlanError, match="nothing is tied"):
        planned(flat).dependence_effect()


def test_usage_without_requests_cannot_be_counted_by_them():
    frame = organisation().frame.drop(columns=["requests"])
    projection = fc.project(fc.Usage.from_frame(frame), horizon="1Q", trajectories=20)
    with pytest.raises(PlanError, match="does not tell its requests"):
        planned(projection, sc.PerUnit("x", "requests", price=1.0))
