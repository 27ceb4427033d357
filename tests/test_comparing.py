"""Scenarios beside each other: tables, bridges, tornado, effects by driver, goal seek and reverse stress."""

import itertools
from math import factorial

import numpy as np
import pandas as pd
import pytest

import forecast as fc
import scenarios as sc
from tests.usages import organisation, plain

DRAWS = 300
#: Both sides add the same numbers in another order: a few thousand roundings of 1e-16.
ROUNDING = 1e-12


@pytest.fixture(scope="module")
def projection():
    return fc.project(organisation(), horizon="2Q", seed=7, trajectories=40)


@pytest.fixture(scope="module")
def flat():
    """1,000 requests of 1,000 input tokens a day at 1.25 USD a million, known to the end of 2026-10, without noise."""
    return fc.project(plain(np.full(549, 1_000.0)), start="2026-11-01", end="2026-12-31", lag=0, trajectories=10)


GROWTH = sc.Growth(monthly=sc.between(0.02, 0.06))
CUT = sc.PriceChange(on="2027-02-01", by=sc.between(-0.4, -0.2), probability=0.5)
DEARER = sc.PriceChange(model="gpt-5", on="2027-04-01", by=0.2, name="dearer")
EXTRA = sc.Growth(monthly=0.01, basis="extra", where={"project": "search"}, name="campaign")


@pytest.fixture(scope="module")
def comparison(projection):
    every = [sc.Scenario("grow", [GROWTH]), sc.Scenario("cut", [CUT]), sc.Scenario("all", [GROWTH, CUT, DEARER, EXTRA])]
    return sc.compare(projection, every, draws=DRAWS, seed=3)


# ----------------------------------------------------------------------------------------------------------- compare


def test_scenarios_stand_beside_what_is_forecast(comparison, projection):
    table = comparison.table()
    assert table.index.tolist() == ["as forecast", "grow", "cut", "all"]
    plan = sc.plan(projection, scenario=sc.Scenario("cut", [CUT]), draws=DRAWS, seed=3)
    np.testing.assert_allclose(comparison.totals("cut"), plan.totals, rtol=ROUNDING)
    as_is = comparison.totals("as forecast")
    delta = comparison.totals("cut") - as_is
    assert table.loc["cut", "delta"] == pytest.approx(delta.mean(), rel=ROUNDING)
    assert table.loc["cut", "delta_p10"] == pytest.approx(np.quantile(delta, 0.1), rel=ROUNDING)
    assert table.loc["cut", "p80"] == pytest.approx(np.quantile(comparison.totals("cut"), 0.8), rel=ROUNDING)
    # The cut happens in half of the draws, exactly: its coin is stratified.
    assert table.loc["cut", "cheaper"] == 0.5 == comparison.probability_cheaper("cut")
    assert comparison.probability_cheaper("as forecast", "cut") == 0.0
    assert comparison.probability_cheaper("cut", by=float(-delta.min())) == 0.0
    assert table.loc["cut", ["requests", "quality"]].tolist() == pytest.approx([1.0, 1.0], rel=ROUNDING)
    assert table.loc["grow", "requests"] != pytest.approx(1.0, rel=1e-3)


def test_a_base_of_ones_own_takes_the_place_of_the_forecast(projection):
    one = sc.compare(projection, [sc.Scenario("cut", [CUT])], base=sc.Scenario("grow", [GROWTH]), draws=DRAWS, seed=3)
    assert one.names == ("grow", "cut")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p: sc.compare(p, [sc.Scenario("a"), sc.Scenario("a")]), "two scenarios are called 'a'"),
        (lambda p: sc.compare(p, sc.Scenario("a")), "wanted a list of scenarios"),
        (lambda p: sc.compare(p, ["price-cut"]), "is not a scenario"),
        (lambda _: sc.compare("usage.csv", []), "takes a projection, not str"),
        (lambda p: sc.compare(p, [sc.Scenario("cut", [CUT])], draws=100).totals("cot"), "did you mean 'cut'"),
    ],
)
def test_comparisons_that_cannot_be_are_told(projection, call, message):
    with pytest.raises(fc.ScenarioError, match=message):
        call(projection)


# ------------------------------------------------------------------------------------------------------------ bridge


def test_a_bridge_closes_in_every_draw_and_turns_round(comparison):
    bridge = comparison.bridge("all")
    assert bridge.steps == ("volume", "price")
    assert np.array_equal(bridge.residual, np.zeros(DRAWS))
    np.testing.assert_allclose(bridge.change, comparison.delta("all"), rtol=1e-9)
    back = comparison.bridge("as forecast", "all")
    np.testing.assert_allclose(back.amounts, -bridge.amounts, rtol=1e-9, atol=1e-6)


def test_a_bridge_by_change_is_the_mean_over_all_orders(comparison, projection):
    bridge = comparison.bridge("all", by="change")
    changes = dict(zip(("growth", "price_change", "dearer", "campaign"), (GROWTH, CUT, DEARER, EXTRA), strict=True))
    assert bridge.steps == tuple(changes)
    subsets = [c for n in range(5) for c in itertools.combinations(changes, n)]
    made = sc.compare(
        projection, [sc.Scenario("|".join(s), [changes[n] for n in s]) for s in subsets if s], draws=DRAWS, seed=3
    )
    worth = {frozenset(s): made.totals("|".join(s) or "as forecast") for s in subsets}
    for step, name in enumerate(changes):
        share = np.zeros(DRAWS)
        for order in itertools.permutations(changes):
            before = frozenset(order[: order.index(name)])
            share += (worth[before | {name}] - worth[before]) / factorial(4)
        # Totals of 1e5 money each are rounded to 1e-16 of themselves; their differences may be small.
        np.testing.assert_allclose(bridge.amounts[step], share, atol=1e-6)


def test_what_both_scenarios_hold_is_no_step(comparison):
    assert comparison.bridge("all", "grow", by="change").steps == ("price_change", "dearer", "campaign")
    assert comparison.bridge("grow", "grow").steps == ()


def test_a_tree_is_bridged_draw_by_draw(projection):
    forked = sc.Scenario("market").tree([(0.25, sc.Scenario("cut", [CUT])), (0.75, sc.Scenario("grow", [GROWTH]))])
    made = sc.compare(projection, [forked], draws=DRAWS, seed=3)
    bridge = made.bridge("market")
    assert bridge.steps == ("volume", "price")
    assert np.array_equal(bridge.residual, np.zeros(DRAWS))
    # In each draw one branch holds, so one step alone has moved.
    assert ((bridge.amounts != 0).sum(axis=0) <= 1).all()
    assert (bridge.amounts[0] != 0).sum() == 0.75 * DRAWS


def test_a_change_may_rest_on_what_another_change_brings(flat):
    moved = sc.Route("gpt-5", "gpt-5-mini", share=1.0)
    dearer = sc.PriceChange(model="gpt-5-mini", on="2026-11-01", by=1.0)
    waits = sc.Batch(model="gpt-5-mini", share=1.0)
    made = sc.compare(flat, [sc.Scenario("both", [moved, dearer, waits])], draws=100)
    # A million tokens cost 1.25 at gpt-5, 0.25 at gpt-5-mini, 0.25 at its doubled price in batches, 0.50 outside.
    ratio = made.totals("as forecast") / 1.25
    bridge = made.bridge("both", by="change")
    np.testing.assert_allclose(bridge.after, 0.25 * ratio, rtol=ROUNDING)
    # Alone, the price and the batches find nothing of gpt-5-mini. In two of six orders a change comes before both
    # others, and so on: with v(route) = .25, v(route, price) = .50, v(route, batch) = .125, v(all) = .25.
    price = (0.25 + 2 * 0.125) / 6 * 1.0
    batch = (-0.125 - 2 * 0.25) / 6 * 1.0
    np.testing.assert_allclose(bridge.amounts[bridge.steps.index("price_change")], price * ratio, rtol=1e-9)
    np.testing.assert_allclose(bridge.amounts[bridge.steps.index("batch")], batch * ratio, rtol=1e-9)


def test_a_bridge_of_too_many_parts_says_what_to_do(projection):
    many = [sc.Growth(monthly=0.001 * i, basis="extra", name=f"g{i}") for i in range(1, 10)]
    made = sc.compare(projection, [sc.Scenario("many", many)], draws=100)
    with pytest.raises(fc.ScenarioError, match=r"9 changes differ.*by='step'"):
        made.bridge("many", by="change")
    assert made.bridge("many").steps == ("volume",)


def test_a_tornado_tells_each_change_alone_and_last(comparison, projection):
    table = comparison.tornado("all")
    alone = sc.compare(projection, [sc.Scenario("d", [DEARER])], draws=DRAWS, seed=3).delta("d")
    assert table.loc["dearer", "alone"] == pytest.approx(alone.mean(), rel=1e-9)
    rest = sc.compare(projection, [sc.Scenario("r", [GROWTH, CUT, EXTRA])], draws=DRAWS, seed=3).totals("r")
    assert table.loc["dearer", "last"] == pytest.approx((comparison.totals("all") - rest).mean(), rel=1e-6)
    reach = table[["alone_p10", "alone_p90"]].abs().max(axis=1)
    assert reach.is_monotonic_decreasing


def test_pictures_and_pages_tell_what_was_found(comparison):
    axes = comparison.plot()
    assert axes.get_title().startswith("Cut saves most: USD ")
    assert len(axes.get_yticklabels()) == 4
    tornado = comparison.plot_tornado("all")
    assert "moves the total of all most: by USD" in tornado.get_title()
    assert "as forecast" in comparison._repr_html_()
    assert repr(comparison).startswith("Comparison(as forecast USD ")


def test_savings_are_told_by_month(flat):
    waits = sc.Scenario("batches", [sc.Batch(share=1.0, on="2026-11-11", setup=20.0)])
    made = sc.compare(flat, [waits], draws=100)
    ratio = made.outcomes[0].monthly / [[30 * 1.25, 31 * 1.25]]
    # From the 11th on half the price: 20 days of November, all of December; 20 paid on the day.
    np.testing.assert_allclose(made.saved("batches"), ratio * [[20 * 0.625, 31 * 0.625]] - [[20.0, 0.0]], rtol=1e-9)
    paid = made.break_even("batches")
    assert paid.by_month().tolist() == [0.0, 1.0]
    assert made.paid_back("batches").index.astype("str").tolist() == ["2026-11", "2026-12"]
    assert made.plot_saved("batches").get_title() == "Batches pays for itself by Dec 2026 in all futures"
    back = made.plot_saved("as forecast", "batches").get_title()
    assert back == "As forecast pays for itself by Dec 2026 in none of the futures"


def test_what_is_paid_before_the_plan_begins_counts_in_payback_and_is_told():
    later = fc.project(plain(np.full(549, 1_000.0)), start="2026-12-01", end="2026-12-31", lag=0, trajectories=10)
    waits = sc.Scenario("batches", [sc.Batch(share=1.0, on="2026-11-30", setup=100.0)])
    made = sc.compare(later, [waits], draws=100)
    # A day of November and all of December at half the price, 0.625 a day, cover no 100.
    np.testing.assert_allclose(made.saved("batches").sum(axis=1), 32 * 0.625 - 100, rtol=5e-3)
    assert made.paid_back("batches").tolist() == [0.0, 0.0]
    # The plan's total holds December alone, and a reader is told what it lacks.
    np.testing.assert_allclose(made.delta("batches"), -31 * 0.625, rtol=5e-3)
    (note,) = made.notes
    assert note.startswith(
        "batches: 100.00 USD beside tokens is spent before the plan begins on 2026-12-01, and is in no"
    )
    assert "spent before the plan begins" in made._repr_html_()


def test_a_tree_is_told_branch_by_branch(projection):
    forked = sc.Scenario("market").tree([(0.25, sc.Scenario("cut", [CUT])), (0.75, sc.Scenario("grow", [GROWTH]))])
    made = sc.compare(projection, [forked, sc.Scenario("plain", [GROWTH])], draws=DRAWS, seed=3)
    table = made.branches("market")
    assert table.index.tolist() == ["market | cut", "market | grow"]
    assert table["weight"].tolist() == [0.25, 0.75]
    assert (table["weight"] * table["mean"]).sum() == pytest.approx(made.totals("market").mean(), rel=1e-9)
    assert made.branches("plain")["weight"].tolist() == [1.0]


# ------------------------------------------------------------------------------------------------------------ effect


def test_an_effect_is_told_on_its_own_driver(flat):
    # 61 days of 1,000 requests of 1,000 tokens at 1.25 a million: 76.25. From 2026-12-01 (31 days) a price of 2.00.
    effect = sc.Scenario("dearer", [sc.PriceChange(on="2026-12-01", to=2.0)]).effect(flat, draws=100)
    assert effect.drivers["driver"].tolist() == ["price"]
    row = effect.drivers.iloc[0]
    assert row["before"] == pytest.approx(1.25, rel=1e-9)
    assert row["after"] == pytest.approx((30 * 1.25 + 31 * 2.0) / 61, rel=1e-4)
    means = effect.bridge.means
    assert means["price"] == pytest.approx(round(31 * 0.75, 2), abs=0.01)
    assert means[["volume", "intensity", "mix"]].abs().max() <= 0.01
    grown = sc.Scenario("more", [sc.Growth(monthly=0.05, basis="extra")]).effect(flat, draws=100)
    assert grown.drivers["driver"].tolist() == ["volume"]
    assert set(grown.bridge.means.index[grown.bridge.means.abs() > 0.02]) == {"volume"}


def test_a_lever_moves_the_mix_and_the_price_of_what_moved(flat):
    effect = sc.Scenario("half", [sc.Route("gpt-5", "gpt-5-mini", share=0.5)]).effect(flat, draws=100)
    mix = effect.drivers[effect.drivers["driver"] == "mix"].set_index("what")
    assert mix.loc["gpt-5", ["before", "after"]].tolist() == pytest.approx([1.0, 0.5], rel=1e-9)
    assert mix.loc["gpt-5-mini", ["before", "after"]].tolist() == pytest.approx([0.0, 0.5], rel=1e-9)
    assert set(effect.drivers["driver"]) == {"mix"}
    waits = sc.Scenario("later", [sc.Batch(share=0.25)]).effect(flat, draws=100)
    mix = waits.drivers[waits.drivers["driver"] == "mix"].set_index("what")
    assert mix["after"].to_dict() == pytest.approx({"gpt-5": 0.75, "gpt-5 (batch)": 0.25}, rel=1e-9)
    # A quarter of 76.25 at half the price.
    assert waits.bridge.means["mix"] == pytest.approx(-76.25 / 8, abs=0.01)


# --------------------------------------------------------------------------------------------------------- goal seek


def test_goal_seek_finds_what_hand_arithmetic_says(flat):
    # A price of p a million costs 0.001 p a day more or less: 61 p / 1,000 * 1,000 = 61 p; 100 = 61 p.
    found = sc.goal_seek(
        flat,
        lambda p: sc.Scenario("price", [sc.PriceChange(on="2026-11-01", to=p)]),
        limit=100.0,
        within=(1.0, 3.0),
        confidence=0.5,
        draws=200,
    )
    # The band of a series without noise is a few parts in 1e4 wide; the median sits in its midst.
    assert found.value == pytest.approx(100 / 61, rel=2e-3)
    assert found.low <= found.value <= found.high
    assert found.scenario.changes[0].to == found.value
    assert (found.tried["total"].diff().dropna() > 0).all()


def test_reverse_stress_finds_the_growth_that_breaks_a_budget(projection):
    def grow(rate):
        return sc.Scenario("growth", [sc.Growth(monthly=rate)])

    as_is = sc.compare(projection, [grow(0.03)], draws=500, seed=1).totals("growth")
    budget = float(np.quantile(as_is, 0.75))
    found = sc.reverse_stress(projection, grow, limit=budget, probability=0.25, within=(0.0, 0.08), draws=500, seed=1)
    assert found.value == pytest.approx(0.03, abs=1e-5)
    assert np.mean(as_is > budget) == 0.25
    assert isinstance(found.tried, pd.DataFrame)
    assert "P75" in repr(found)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"limit": 1e9}, "nothing from 0 to 0.1 brings the P80 to 1,000,000,000.00 USD.*both below it"),
        ({"limit": -5.0}, "wanted money above 0"),
        ({"within": (0.1, 0.0)}, "the first end must be below the second"),
        ({"confidence": 1.2}, "wanted a probability between 0 and 1"),
        ({"limit": float("nan")}, "wanted a finite number"),
        ({"scenario": lambda x: x}, "which is no Scenario"),
    ],
)
def test_goals_that_cannot_be_met_are_told(flat, arguments, message):
    asked = {"scenario": lambda x: sc.Scenario("g", [sc.Growth(monthly=x)]), "limit": 80.0, "within": (0.0, 0.1)}
    asked |= arguments
    with pytest.raises(fc.ScenarioError, match=message):
        sc.goal_seek(flat, asked.pop("scenario"), draws=100, **asked)
