"""Contracts in scenarios: against hand arithmetic, the bill itself, and the day-by-day referee in exact fractions."""

from datetime import date
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

import forecast as fc
import scenarios as sc
from forecast.errors import PriceError, ScenarioError
from forecast.prices import PriceBook
from forecast.prices.billing import (
    Allowance,
    Commitment,
    Credits,
    Discount,
    Periods,
    Provisioned,
    Purchase,
    Seats,
    SpendTiers,
    Tax,
    billed,
)
from scenarios.changes import World
from scenarios.costing import Course
from scenarios.outcome import outcomes
from tests.day_by_day import DayByDay
from tests.usages import organisation, plain

BOOK = PriceBook.builtin()
#: gpt-5: 1.25 USD a million tokens in; 1,000 requests of 1,000 tokens a day.
DAILY = 1.25
ROUNDING = 1e-12


@pytest.fixture(scope="module")
def flat():
    """1.25 USD a day for the gap (2026-05-21 to 2026-06-30) and the plan (2026-07-01 to 2026-09-30)."""
    usage = plain(np.full(140, 1_000.0), start="2026-01-01")
    return fc.project(usage, start="2026-07-01", end="2026-09-30", lag=0, trajectories=10)


@pytest.fixture(scope="module")
def noisy():
    return fc.project(organisation(), start="2026-12-01", end="2027-05-31", seed=3, trajectories=40)


def run(projection, *changes, draws=30, seed=1):
    course = Course.of(sc.Scenario("x", changes), World(draws, seed))
    return outcomes(projection, [course], prices=BOOK, draws=draws, seed=seed)[0]


def by_line(made):
    """Money of each line by span, in the first draw."""
    return {line.name: line.money[0].tolist() for line in made.lines}


def near(values):
    return pytest.approx(values, rel=1e-9, abs=1e-9)


# ------------------------------------------------------------------------------------------------- by hand, to the cent


def test_a_commitments_shortfall_counts_the_months_before_the_plan(flat):
    floor = Commitment("floor", 200.0, window="term")
    made = run(flat, sc.Contract((floor,), start="2026-06-01", end="2026-08-31"))
    # June to August are 92 days at 1.25 = 115: 85 are missing, billed with August. May is not of it.
    assert by_line(made) == {"floor: shortfall": near([0.0, 0.0, 0.0, 85.0, 0.0])}
    assert made.spans.planned.tolist() == [False, False, True, True, True]
    assert made.totals[0] == near(92 * DAILY + 85.0)


def test_credits_are_drawn_down_before_the_plan_begins(flat):
    credit = Credits("prepaid", (Purchase("2026-05-21", 60.0, paid=50.0),))
    made = run(flat, sc.Contract((credit,)))
    # 11 days of May cost 13.75 and June 37.50: 8.75 are left for July, which costs 38.75.
    assert by_line(made) == {
        "prepaid: bought": near([50.0, 0, 0, 0, 0]),
        "prepaid: used": near([-13.75, -37.5, -8.75, 0, 0]),
    }
    assert made.totals[0] == near(92 * DAILY - 8.75)


def test_tokens_to_seats_from_a_day_in_mid_month(flat):
    seats = sc.Contract((Seats("seats", 30.0),), start="2026-07-17", seats=10, replaces_tokens=True, name="team plan")
    made = run(flat, seats)
    # July: 16 days of tokens, and 15 of 31 days of ten seats at 30.
    assert by_line(made) == {"team plan: seats": near([0.0, 0.0, 300 * 15 / 31, 300.0, 300.0])}
    assert made.cost[0].sum(axis=1).tolist() == near([11 * DAILY, 30 * DAILY, 16 * DAILY, 0.0, 0.0])


def test_seats_to_an_allowance_with_overage(flat):
    seats = sc.Contract((Seats("seats", 30.0),), end="2026-07-31", seats=10, replaces_tokens=True, name="old")
    plan = Allowance("plan", included=20e6, fee=100.0, quantity="total_tokens", overage=2.0)
    after = sc.Contract((plan,), start="2026-08-01", replaces_tokens=True, name="new")
    made = run(flat, seats, after)
    lines = by_line(made)
    assert lines["old: seats"] == near([300 * 11 / 31, 300.0, 300.0, 0, 0])
    assert lines["new: plan: fee"] == near([0, 0, 0, 100.0, 100.0])
    # August has 31 million tokens and September 30: 11 and 10 lie beyond, at 2 USD a million.
    assert lines["new: plan: overage"] == near([0, 0, 0, 22.0, 20.0])
    assert made.cost.sum() == 0.0
    assert made.totals[0] == near(300 + 222.0 + 20.0)


def test_an_allowance_of_requests_a_seat(flat):
    plan = Allowance("plan", included=2_000, fee=10.0, quantity="requests", per_seat=True, overage=1.5, per=1_000)
    made = run(flat, sc.Contract((plan,), start="2026-07-01", seats=4, replaces_tokens=True))
    # 8,000 requests a month are free; July has 31,000, August 31,000, September 30,000.
    assert by_line(made)["plan: overage"] == near([0, 0, 34.5, 34.5, 33.0])
    assert by_line(made)["plan: fee"] == near([0, 0, 40.0, 40.0, 40.0])


def test_provisioned_throughput_takes_over_what_it_serves(flat):
    # 1 million tokens a day are 41,667 an hour: one unit serves 25,000 of them for 0.01 an hour.
    units = Provisioned("units", 1, 0.01, 25_000)
    made = run(flat, sc.Contract((units,), start="2026-07-01"))
    july = 31 * 24
    assert by_line(made)["units: used"][2] == near(july * 0.01)
    assert by_line(made)["units: not on demand"][2] == near(-31 * DAILY * 0.6)
    assert made.monthly[0, 0] == near(july * 0.01 + 31 * DAILY * 0.4)


def test_prices_discounts_and_taxes_meet_in_order(flat):
    contract = sc.Contract((Tax("tax", 0.2), Discount("off", 0.1)), start="2026-07-01")
    made = run(flat, contract, sc.PriceChange(on="2026-08-01", by=0.5))
    off = [31 * DAILY * 0.1, 31 * DAILY * 0.15, 30 * DAILY * 0.15]
    tax = [9 * 0.2 * one for one in off]
    assert by_line(made)["off"] == near([0, 0, *(-one for one in off)])
    assert by_line(made)["tax"] == near([0, 0, *tax])


def test_contracts_of_a_branch_count_in_its_draws_alone(flat):
    tree = sc.Scenario("t").tree(
        [
            (0.25, sc.Scenario("signed", [sc.Contract((Seats("fee", 1.0),), seats=100)])),
            (0.75, sc.Scenario("not signed")),
        ]
    )
    made = outcomes(flat, [Course.of(tree, World(100, 1))], prices=BOOK, draws=100, seed=1)[0]
    np.testing.assert_allclose(np.sort(made.totals), np.sort([92 * DAILY] * 75 + [92 * DAILY + 300] * 25), rtol=1e-9)


def test_months_of_monthly_usage_are_billed_whole():
    months = pd.date_range("2025-01-01", "2026-10-01", freq="MS")
    frame = pd.DataFrame({"date": months, "provider": "openai", "model": "gpt-5", "environment": "production"})
    frame = frame.assign(project="search", requests=1e6, input_tokens=1e9)
    projection = fc.project(
        fc.Usage.from_frame(frame, grain="month"), start="2027-01-01", end="2027-03-31", lag=0, trajectories=10
    )
    quarter = Commitment("floor", 5_000.0, window="quarter", start="2026-12-01")
    made = run(projection, sc.Contract((quarter, Seats("seats", 10.0, start="2027-02-15")), seats=28))
    # December to February come to 3,750 and 14 of 28 days of 28 seats at 10: 5,000 - 3,750 - 140 are missing.
    # From 1 March a third of the next quarter is seen: 1,666.67 - 1,250 - 280.
    lines = by_line(made)
    assert lines["seats"] == near([0, 0, 0, 140.0, 280.0])
    assert lines["floor: shortfall"] == near([0, 0, 0, 1_110.0, 5_000 / 3 - 1_530.0])
    whole = run(projection, sc.Contract((Seats("seats", 10.0),), seats=28, start="2027-02-15", replaces_tokens=True))
    assert whole.monthly[0].tolist() == near([1_250, 625 + 140, 280])


# ------------------------------------------------------------------------------------ against the bill, and the referee

CASES = {
    "a floor by the year and tax": (Commitment("floor", 9_000.0, window="year"), Tax("tax", 0.19)),
    "tiers of the quarter": (SpendTiers("tiers", ((0, 0), (500, 0.1), (2_000, 0.25)), window="quarter"),),
    "provisioned and a discount": (
        Provisioned("units", 3, 40.0, 2e6, profile=(0.5,) * 12 + (1.5,) * 12),
        Discount("off", 0.08, start="2027-01-20", end="2027-03-10"),
    ),
    "an allowance that rolls over": (
        Allowance("plan", 400e6, fee=350.0, quantity="total_tokens", overage=1.1, rollover=0.5),
    ),
    "credits and a floor": (
        Credits("credits", (Purchase("2026-12-05", 900.0, expires="2027-02-15"), Purchase("2027-03-03", 400.0, 350.0))),
        Commitment("floor", 700.0, window="month"),
    ),
}


@pytest.mark.parametrize("rules", CASES.values(), ids=CASES.keys())
def test_a_contract_is_what_the_bill_says_of_the_same_usage(noisy, rules):
    made = run(noisy, sc.Contract(rules, where={"project": "search"}), draws=25)
    spend = run(noisy, draws=25)
    own = (spend.labels["project"] == "search").to_numpy()
    money, spans = spend.cost[:, :, own].sum(axis=2), spend.spans
    periods = Periods(spans.first.to_numpy(), spans.last.to_numpy())
    tokens = tokens_of(noisy, 25, "search")
    bill = billed(money, periods, rules, quantities={"total_tokens": tokens})
    told = {line.name: line.money for line in made.lines}
    assert set(told) == set(bill.lines) - {"usage"}
    for name, line in told.items():
        np.testing.assert_allclose(line, bill.lines[name], rtol=1e-9, atol=1e-9 * money.max())
    # And one draw by the referee, whose fractions are exact.
    path = [(first.date(), last.date()) for first, last in zip(spans.first, spans.last, strict=True)]
    exact = DayByDay([Fraction(v) for v in money[7]], path, rules, {"total_tokens": [Fraction(v) for v in tokens[7]]})
    for name, line in told.items():
        np.testing.assert_allclose(line[7], [float(v) for v in exact.lines[name]], rtol=1e-9, atol=1e-6)


def tokens_of(projection, draws, project):
    """Tokens of a project by draw and span, added up by a plain program."""
    dealt, blocks = projection.draws(draws, 1), list(projection.blocks(10))
    lanes, starts = projection.drivers.lanes, run(projection).spans.starts
    own = (projection.workloads["project"] == project).to_numpy()[lanes["workload"]]
    out = []
    for d in range(draws):
        block, row = divmod(int(dealt.trajectory[d]), 10)
        b = blocks[block]
        quantity = b.volume[row][:, lanes["workload"]] * b.mix[row][:, lanes["leg"]] * b.intensity[row]
        out.append(np.add.reduceat(quantity[:, own].sum(axis=1) * np.exp(dealt.log_factor[d]), starts))
    return np.array(out)


def test_a_contract_in_mid_month_is_the_referees_bill_of_its_days(noisy):
    rules = (Commitment("floor", 5_000.0, window="quarter"), Tax("tax", 0.19))
    made = run(noisy, sc.Contract(rules, start="2026-12-10", end="2027-04-20"), draws=10)
    spend, spans = run(noisy, draws=10).cost.sum(axis=2), made.spans
    path, part = [], []
    for i, (first, last) in enumerate(zip(spans.first.date, spans.last.date, strict=True)):
        begin, end = max(first, date(2026, 12, 10)), min(last, date(2027, 4, 20))
        if begin <= end:
            path.append((begin, end))
            part.append(Fraction(spend[3, i]) * ((end - begin).days + 1) / ((last - first).days + 1))
    own = tuple(type(r)(**{**fields_of(r), "start": date(2026, 12, 10), "end": date(2027, 4, 20)}) for r in rules)
    exact = DayByDay(part, path, own)
    inside = [i for i, last in enumerate(spans.last) if last >= pd.Timestamp("2026-12-10")][: len(path)]
    for line in made.lines:
        np.testing.assert_allclose(line.money[3, inside], [float(v) for v in exact.lines[line.name]], rtol=1e-9)
        outside = np.delete(line.money[3], inside)
        assert np.array_equal(outside, np.zeros_like(outside))


def fields_of(rule):
    return {name: getattr(rule, name) for name in rule.__slots__}


def test_an_uncertain_number_of_seats_is_drawn_once_a_path(flat):
    made = run(flat, sc.Contract((Seats("seats", 1.0),), seats=sc.between(50, 200)), draws=2_000)
    (line,) = made.lines
    seats = line.money[:, 2]
    np.testing.assert_allclose(line.money[:, 3], seats, rtol=ROUNDING)
    assert np.quantile(seats, [0.1, 0.9]).tolist() == pytest.approx([50, 200], rel=0.01)  # one stratum of 2,000


def test_rules_that_ask_nothing_change_nothing(noisy):
    rules = (Commitment("floor", 0.0), Discount("off", 0.0), Tax("tax", 0.0))
    made, as_is = run(noisy, sc.Contract(rules)), run(noisy)
    assert np.array_equal(made.cost, as_is.cost)
    assert np.array_equal(made.totals, as_is.totals)


def test_a_plan_holds_a_contracts_lines(flat):
    floor = Commitment("floor", 200.0, window="term")
    scenario = sc.Scenario("signed", [sc.Contract((floor,), start="2026-06-01", end="2026-08-31")])
    plan = sc.plan(flat, prices=BOOK, scenario=scenario, draws=100)
    table = plan.table(["month", "line"])["p50"]
    assert table.xs("floor: shortfall", level="line").tolist() == near([0, 85.0, 0])
    assert "floor (Commitment)" in scenario.describe()


# ------------------------------------------------------------------------------------------------------ files, mistakes

FILE = """
title = "Seats from summer"
author = "FinOps"
description = "Ten seats in place of tokens."
source = "the vendor's offer"
date = 2026-05-01

[[changes]]
kind = "contract"
start = "start"
seats = {p10 = 8, p90 = 12}
replaces_tokens = true
name = "team plan"
rules = [
  {kind = "seats", name = "seats", price = 30},
  {kind = "credits", name = "prepaid", purchases = [{on = "start + 1 month", worth = 100}]},
]

[[changes]]
kind = "vendor_prices"
process = {provider = "openai"}

[[changes]]
kind = "price_steps"
by = {"start + 1 month" = 0.1, "start + 2 months" = {p10 = 0.1, p90 = 0.2}}
"""


def test_contracts_are_written_in_files(tmp_path):
    (tmp_path / "seats.toml").write_text(FILE)
    scenario = sc.load(tmp_path / "seats.toml", start="2026-07-01")
    contract, vendor, steps = scenario.changes
    assert contract == sc.Contract(
        (Seats("seats", 30.0), Credits("prepaid", (Purchase("2026-08-01", 100.0),))),
        start="2026-07-01",
        seats=sc.between(8, 12),
        replaces_tokens=True,
        name="team plan",
    )
    assert steps == sc.PriceSteps(by={"2026-08-01": 0.1, "2026-09-01": sc.between(0.1, 0.2)})
    assert vendor.process.provider == "openai"
    again = tmp_path / "again.toml"
    again.write_text(sc.dump(scenario, title="t", author="a", date="2026-05-01"))
    assert sc.load(again) == scenario


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ('{kind = "seat", name = "x", price = 1}', r"kind = 'seat' is not known.*did you mean 'seats'"),
        ('{kind = "seats", name = "x", prise = 1}', r"key 'prise' is not known; did you mean 'price'"),
        ('{kind = "tax", name = "x", rate = 19}', r"rate = 19: wanted a number from 0 to 1"),
        ("3", r"rules: \[1\]: 3: wanted a table with a kind"),
    ],
)
def test_a_bad_rule_in_a_file_is_told(tmp_path, rule, message):
    text = FILE[: FILE.index("rules = [")] + f"rules = [{rule}]\n"
    (tmp_path / "bad.toml").write_text(text)
    with pytest.raises(ScenarioError, match=message):
        sc.load(tmp_path / "bad.toml", start="2026-07-01")


BAD = {
    "no rules": (lambda: sc.Contract(()), r"wanted pricing rules"),
    "not a rule": (lambda: sc.Contract(("floor",)), r"'floor' is no pricing rule"),
    "a name twice": (lambda: sc.Contract((Tax("x", 0.1), Tax("x", 0.2))), r"two rules are called 'x'"),
    "seats of none": (lambda: sc.Contract((Seats("x", 1.0),)), r"counts seats; say how many"),
    "a unit of none": (
        lambda: sc.Contract((Allowance("x", 1.0, quantity="total_tokns"),)),
        r"'total_tokns' is not known.*did you mean 'total_tokens'",
    ),
    "a discount on nothing": (
        lambda: sc.Contract((Discount("x", 0.1),), replaces_tokens=True),
        r"looks at the money of tokens, which replaces_tokens takes away",
    ),
    "a term upside down": (
        lambda: sc.Contract((Tax("x", 0.1),), start="2027-02-01", end="2027-01-01"),
        r"Contract.end = 2027-01-01: lies before start = 2027-02-01",
    ),
    "negative seats": (lambda: sc.Contract((Seats("x", 1.0),), seats=-4), r"cannot be negative"),
}


@pytest.mark.parametrize(("make", "message"), BAD.values(), ids=BAD.keys())
def test_bad_contracts_are_told(make, message):
    with pytest.raises((ScenarioError, PriceError), match=message):
        make()


MISFITS = {
    "a unit that is not used": (
        [sc.Contract((Allowance("x", 1.0, quantity="images"),))],
        r"Contract: 'x'.*has no images; it has input_tokens",
    ),
    "after the horizon": (
        [sc.Contract((Tax("x", 0.1),), start="2027-01-01")],
        r"start = 2027-01-01: lies after",
    ),
    "over": ([sc.Contract((Tax("x", 0.1),), end="2026-01-31")], r"Contract.end = 2026-01-31: lies before"),
    "two on the same usage": (
        [sc.Contract((Tax("vat", 0.1),), name="a"), sc.Contract((Tax("duty", 0.1),), model="gpt*", name="b")],
        r"two contracts bill the same usage of openai/gpt-5 on the same days: a: .*vat.*; b: .*duty",
    ),
}


@pytest.mark.parametrize(("changes", "message"), MISFITS.values(), ids=MISFITS.keys())
def test_contracts_that_do_not_fit_are_told(flat, changes, message):
    with pytest.raises(ScenarioError, match=message):
        run(flat, *changes)


def test_requests_that_are_not_told_cannot_be_counted():
    days = pd.date_range("2026-01-01", periods=120)
    frame = pd.DataFrame({"date": days, "provider": "openai", "model": "gpt-5", "environment": "production"})
    usage = fc.Usage.from_frame(frame.assign(project="x", input_tokens=1e6))
    projection = fc.project(usage, start="2026-05-01", end="2026-05-31", lag=0, trajectories=10)
    with pytest.raises(ScenarioError, match="counts requests, which some of the usage it covers does not tell"):
        run(projection, sc.Contract((Allowance("x", 1_000.0, quantity="requests"),)))
