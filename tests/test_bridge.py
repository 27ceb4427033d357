"""Bridges: what volume, intensity, mix, price and the rest add between two totals, in every draw."""

from itertools import permutations
from math import factorial, sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import forecast as fc
from forecast.errors import PriceError, ScenarioError, UsageError
from forecast.streams import stream
from scenarios.bridging import (
    DriverState,
    Exchange,
    bridge_of,
    changes_bridge,
    drivers_bridge,
    exchange_on,
    product_effects,
    state_from_quantities,
    state_of_usage,
)
from scenarios.bridging.closing import cents, closed
from scenarios.bridging.shapley import shapley
from tests.usages import organisation

#: Sums of a few hundred doubles of one size keep 12 digits.
EXACT = {"rtol": 1e-12, "atol": 1e-9}
BOTH = ("plan", "actual")
#: Bridges of a property test: each takes 10 ms.
EXAMPLES = 30


def state(rows, *, other=None, currency="USD", by=("project",)):
    """Rows of (project, model, unit): requests, quantity, cost: numbers, or one a draw."""
    table = pd.DataFrame([key for key, _ in rows], columns=["project", "model", "unit"]).assign(provider="openai")
    legs = table[["project", "provider", "model"]].drop_duplicates(ignore_index=True)
    leg = [
        int(np.flatnonzero((legs["project"] == r.project) & (legs["model"] == r.model))[0]) for r in table.itertuples()
    ]
    wide = np.atleast_3d(np.array(np.broadcast_arrays(*(np.atleast_2d(np.array(v, dtype=float).T) for _, v in rows))))
    values = wide.transpose(2, 1, 0) if wide.shape[2] == 3 else wide.T
    requests = np.zeros((values.shape[1], len(legs)))
    requests[:, leg] = values[0]
    lanes = pd.DataFrame({"leg": leg, "unit": table["unit"]})
    return state_from_quantities(
        legs,
        lanes,
        by=by,
        requests=requests,
        quantities=values[1],
        cost=values[2],
        currency=currency,
        other=other,
    )


def one(project, model, unit, requests, quantity, cost):
    return (project, model, unit), (requests, quantity, cost)


def means(bridge):
    return dict(zip(bridge.steps, bridge.amounts.mean(axis=1), strict=True))


# ------------------------------------------------------------------------------------------------ the Shapley value


def by_orders(value, players):
    """The definition: what each player adds when it moves, averaged over all orders."""
    added = np.zeros((players, len(value(frozenset()))))
    for order in permutations(range(players)):
        for place, player in enumerate(order):
            before = frozenset(order[:place])
            added[player] += value(before | {player}) - value(before)
    return added / factorial(players)


@pytest.mark.parametrize("players", range(1, 7))
def test_shapley_is_the_mean_over_all_orders(players):
    totals = stream(0, "orders", players).normal(size=(2**players, 5))

    def value(moved):
        return totals[sum(1 << i for i in moved)]

    np.testing.assert_allclose(shapley(value, players), by_orders(value, players), **EXACT)


@pytest.mark.parametrize("players", range(2, 9))
def test_a_products_effects_are_its_shapley_value(players):
    rng = stream(0, "products", players)
    before, after = rng.normal(size=(2, players, 4, 3))

    def value(moved):
        return np.prod([after[i] if i in moved else before[i] for i in range(players)], axis=0).sum(axis=1)

    effects = product_effects(list(before), list(after))
    np.testing.assert_allclose(effects.sum(axis=2), shapley(value, players), **EXACT)


def test_two_factors_share_their_product_alike():
    # 2 x 3 becomes 5 x 7: (5 - 2)(3 + 7) / 2 = 15 and (7 - 3)(2 + 5) / 2 = 14, together 35 - 6.
    effects = product_effects([np.full((1, 1), v) for v in (2.0, 3.0)], [np.full((1, 1), v) for v in (5.0, 7.0)])
    np.testing.assert_allclose(effects.ravel(), [15, 14], **EXACT)


def test_three_factors_by_the_closed_form():
    # Δx (2 y z + 2 y' z' + y z' + y' z) / 6, and so on: 1·1·1 becomes 2·3·5.
    effects = product_effects([np.ones((1, 1))] * 3, [np.full((1, 1), v) for v in (2.0, 3.0, 5.0)])
    wanted = [1 * (2 + 2 * 15 + 5 + 3) / 6, 2 * (2 + 2 * 10 + 5 + 2) / 6, 4 * (2 + 2 * 6 + 3 + 2) / 6]
    np.testing.assert_allclose(effects.ravel(), wanted, **EXACT)
    assert sum(wanted) == pytest.approx(29)


def test_price_and_quantity_are_bennets_indicators_of_another_program():
    """Diewert and Fox's (2017) artificial data, UBC Discussion Paper 17-02, elasticity 2.

    The values are those that the tests of the R package IndexNumR 0.6 hold its Bennet indicators to.
    """
    p = np.array(
        [
            [2, 1.75, 1.6, 1.5, 1.45, 1.4, 1.35, 1.3, 1.25, 1.2, 1.15, 1.1],
            [1, 0.5, 1.05, 1.1, 1.12, 1.15, 1.18, 0.6, 1.2, 1.25, 1.28, 1.3],
            [1, 0.95, 0.9, 0.85, 0.4, 0.8, 0.75, 0.72, 0.7, 0.4, 0.7, 0.65],
            [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.7, 0.65, 0.7, 0.75, 0.75, 0.8],
        ]
    ).T
    spent = np.array([10, 13, 11, 12, 15, 13, 14, 17, 15, 18, 16, 17])
    weight = np.array([0.2, 0.2, 0.2, 0.4]) / p
    q = spent[:, None] * weight / weight.sum(axis=1, keepdims=True) / p
    price, quantity = product_effects([p[:-1], q[:-1]], [p[1:], q[1:]]).sum(axis=2)
    bennet = [
        -1.78071737125315, 2.77153621300123, 0.372248873679598, -3.23083514886471, 3.86787781881992, -0.667765464846739,
        -3.23305497762899, 2.95445995421543, -2.76365908752882, 3.28633320483667, 0.0823209818013025,
    ]  # fmt: skip
    np.testing.assert_allclose(price, bennet, rtol=1e-12)
    np.testing.assert_allclose(price + quantity, np.diff(spent), rtol=1e-12)


def test_a_step_that_moves_nothing_is_exactly_zero():
    found = shapley(lambda moved: np.array([0.1 if 0 in moved else 0.3]), 3)
    assert found[1:].tolist() == [[0.0], [0.0]]


@pytest.mark.parametrize("players", [0, 9])
def test_too_few_and_too_many_steps_are_refused(players):
    with pytest.raises(ScenarioError, match=f"{players} steps: a bridge takes 1 to 8"):
        shapley(lambda moved: np.zeros(1) + len(moved), players)


def test_totals_of_other_draws_are_refused():
    with pytest.raises(ScenarioError, match=r"with \[0\] moved has shape \(3,\)"):
        shapley(lambda moved: np.zeros(3 if moved else 2), 1)


# ------------------------------------------------------------------------------------------------- drivers, by hand


@pytest.fixture
def by_hand():
    """Search half moves to a new model while the old one's price halves; support is retired.

    Before: search 100 requests x 10 tokens x 2 = 2,000; support 50 requests x 4 tokens x 2 = 400.
    After: search 120 requests, 60 x 10 x 1 = 600 on the old model and 60 x 10 x 0.5 = 300 on the new one.
    """
    before = state(
        [
            one("search", "gpt-5", "input_tokens", 100, 1_000, 2_000),
            one("support", "gpt-5", "input_tokens", 50, 200, 400),
        ]
    )
    after = state(
        [
            one("search", "gpt-5", "input_tokens", 60, 600, 600),
            one("search", "mini", "input_tokens", 60, 600, 300),
        ]
    )
    return before, after


def test_drivers_by_hand(by_hand):
    bridge = drivers_bridge(*by_hand, names=BOTH)
    # The old model in search, per 10 tokens: volume 100 → 120, mix 1 → 0.5, price 2 → 1.
    volume = 10 * 20 * ((1 * 2 + 0.5 * 1) / 3 + (1 * 1 + 0.5 * 2) / 6)
    mix = 10 * -0.5 * ((100 * 2 + 120 * 1) / 3 + (100 * 1 + 120 * 2) / 6)
    price = 10 * -1 * ((100 * 1 + 120 * 0.5) / 3 + (100 * 0.5 + 120 * 1) / 6)
    # The new one, at 10 tokens of 0.5: volume 100 → 120, mix 0 → 0.5. Support: volume 50 → 0 at 4 tokens of 2.
    volume += 5 * 20 * (0 + 0.5) / 2 + 4 * 2 * -50
    mix += 5 * 0.5 * (100 + 120) / 2
    assert volume + mix + price == pytest.approx(900 - 2_400)
    wanted = {"volume": volume, "intensity": 0.0, "mix": mix, "price": price}
    assert means(bridge) == pytest.approx(wanted, rel=1e-12)
    assert (bridge.before, bridge.after) == (2_400.0, 900.0)
    assert bridge.steps == ("volume", "intensity", "mix", "price")
    assert repr(bridge) == (
        "Bridge(plan USD 2,400 → actual USD 900: volume -141.66, intensity 0.00, mix -541.67, price -816.67)"
    )  # -141.666… gives way, so that the means add up to -1,500.00


def test_the_detail_adds_up_to_the_steps(by_hand):
    bridge = drivers_bridge(*by_hand, names=BOTH)
    by_model = bridge.by("model")
    assert by_model.loc["mini"].to_dict() == pytest.approx(
        {"volume": 25.0, "intensity": 0.0, "mix": 275.0, "price": 0.0, "total": 300.0}
    )
    assert by_model["total"].to_dict() == pytest.approx({"gpt-5": -1_800.0, "mini": 300.0})
    by_project = bridge.by("project")
    assert by_project.loc["support"].to_dict() == pytest.approx(
        {"volume": -400.0, "intensity": 0.0, "mix": 0.0, "price": 0.0, "total": -400.0}
    )
    assert bridge.by().loc["all"].drop("total").to_dict() == pytest.approx(means(bridge))
    with pytest.raises(ScenarioError, match=r"by 'modle' is not known; allowed: .*did you mean 'model'"):
        bridge.by("modle")


def test_a_new_workload_is_volume_and_a_new_unit_is_intensity():
    before = state([one("search", "gpt-5", "input_tokens", 100, 1_000, 20)])
    workload = state(
        [
            one("search", "gpt-5", "input_tokens", 100, 1_000, 20),
            one("chat", "gpt-5", "input_tokens", 30, 600, 12),
        ]
    )
    unit = state(
        [
            one("search", "gpt-5", "input_tokens", 100, 1_000, 20),
            one("search", "gpt-5", "searches", 100, 50, 5),
        ]
    )
    assert means(drivers_bridge(before, workload, names=BOTH)) == {"volume": 12, "intensity": 0, "mix": 0, "price": 0}
    assert means(drivers_bridge(before, unit, names=BOTH)) == {"volume": 0, "intensity": 5, "mix": 0, "price": 0}
    assert means(drivers_bridge(unit, before, names=BOTH)) == {"volume": 0, "intensity": -5, "mix": 0, "price": 0}


def test_a_new_route_at_the_same_volume_is_mix():
    before = state([one("search", "gpt-5", "input_tokens", 100, 1_000, 20)])
    after = state([one("search", "mini", "input_tokens", 100, 1_000, 5)])
    assert means(drivers_bridge(before, after, names=BOTH)) == {"volume": 0, "intensity": 0, "mix": -15, "price": 0}


def test_volume_that_doubles_while_all_of_it_moves_is_still_volume():
    # At the mean of both models' cost a request: 100 more requests x (1 + 0.25) / 2.
    before = state([one("search", "gpt-5", "input_tokens", 100, 100, 100)])
    after = state([one("search", "mini", "input_tokens", 200, 200, 50)])
    found = means(drivers_bridge(before, after, names=BOTH))
    assert found == pytest.approx({"volume": 62.5, "intensity": 0, "mix": -112.5, "price": 0})


def test_a_workload_that_some_draws_lack_is_volume_there():
    before = state([one("search", "gpt-5", "input_tokens", [100.0, 0.0], [1_000.0, 0.0], [20.0, 0.0])])
    after = state([one("search", "gpt-5", "input_tokens", [100.0, 100.0], [2_000.0, 2_000.0], [40.0, 40.0])])
    bridge = drivers_bridge(before, after, names=BOTH)
    np.testing.assert_allclose(bridge.amounts, [[0, 40], [20, 0], [0, 0], [0, 0]], **EXACT)


def test_known_numbers_stand_beside_draws():
    plan = state([one("search", "gpt-5", "input_tokens", [90.0, 110.0], [900.0, 1_100.0], [9.0, 11.0])])
    actual = state([one("search", "gpt-5", "input_tokens", 100, 1_000, 10)])
    bridge = drivers_bridge(plan, actual, names=BOTH)
    np.testing.assert_allclose(bridge.amounts[0], [1, -1], **EXACT)
    assert bridge.after.tolist() == [10.0, 10.0]


def test_money_that_is_not_tokens_has_steps_of_its_own():
    row = one("search", "gpt-5", "input_tokens", 100, 1_000, 20)
    before = state([row], other={"one-offs": 7.0, "training": 1.0})
    after = state([row], other={"fixed lines": np.array([3.0, 5.0])})
    bridge = drivers_bridge(before, after, names=BOTH)
    assert bridge.steps == ("volume", "intensity", "mix", "price", "one-offs", "fixed lines", "training")
    assert bridge.amounts[4:].tolist() == [[-7, -7], [3, 5], [-1, -1]]
    told = bridge.by("project")
    assert told.loc["(no workload)", "total"] == pytest.approx(-4.0)
    assert told["fixed lines"].sum() == pytest.approx(4.0)


def test_the_order_of_reporting_moves_no_number(by_hand):
    told = drivers_bridge(*by_hand, names=BOTH)
    other = drivers_bridge(*by_hand, names=BOTH, order=("price", "mix", "volume"))
    assert other.steps == ("price", "mix", "intensity", "volume")
    assert means(other) == means(told)


def test_a_state_without_rows_is_nothing():
    nothing = state_from_quantities(
        pd.DataFrame({"project": [], "model": []}),
        pd.DataFrame({"leg": [], "unit": []}),
        by=("project",),
        requests=np.zeros((1, 0)),
        quantities=np.zeros((1, 0)),
        cost=np.zeros((1, 0)),
        currency="USD",
    )
    after = state([one("search", "gpt-5", "input_tokens", 100, 1_000, 20)])
    assert means(drivers_bridge(nothing, after, names=BOTH))["volume"] == 20
    assert means(drivers_bridge(after, nothing, names=BOTH))["volume"] == -20


# -------------------------------------------------------------------------------------------------------- currency

ROW = one("search", "gpt-5", "input_tokens", 100, 1_000, 100)


def test_one_currency_moves_by_its_rate():
    # 100 USD were 80 EUR and are 90; a one-off of 10 USD comes at 0.9.
    exchange = Exchange("EUR", before={"USD": 0.8}, after={"USD": 0.9})
    bridge = drivers_bridge(state([ROW]), state([ROW], other={"one-offs": 10.0}), names=BOTH, exchange=exchange)
    assert (float(bridge.before[0]), float(bridge.after[0])) == (80.0, 99.0)
    assert bridge.steps[-1] == "currency"
    assert bridge.currency == "EUR"
    # The one-off at the mean rate; currency: 0.1 of 100, and of half of the one-off.
    wanted = {"volume": 0, "intensity": 0, "mix": 0, "price": 0, "one-offs": 8.5, "currency": 10.5}
    assert means(bridge) == pytest.approx(wanted, rel=1e-12, abs=1e-12)


def test_two_currencies_meet_at_the_mean_move():
    # 100 USD at 0.8 become 100 EUR. Dollars moved by 0.9 / 0.8, euros not: the factor goes from 1 to √1.125.
    exchange = Exchange("EUR", before={"USD": 0.8}, after={"USD": 0.9})
    bridge = drivers_bridge(state([ROW]), state([ROW], currency="EUR"), names=BOTH, exchange=exchange)
    moved = sqrt(0.9 / 0.8)
    currency = (moved - 1) * (80 + 100 / moved) / 2
    assert means(bridge)["currency"] == pytest.approx(currency, rel=1e-12)
    assert means(bridge)["price"] == pytest.approx(20 - currency, rel=1e-12)
    back = drivers_bridge(state([ROW], currency="EUR"), state([ROW]), names=BOTH, exchange=exchange.reversed())
    np.testing.assert_allclose(back.amounts, -bridge.amounts, **EXACT)


def test_rates_of_two_days():
    rates = fc.Rates.from_frame(
        pd.DataFrame({"currency": "EUR", "date": ["2026-01-01", "2026-04-01"], "rate": ["1.10", "1.20"]}), base="USD"
    )
    exchange = exchange_on(rates, "USD", before="2026-03-31", after="2026-06-30")
    bridge = drivers_bridge(state([ROW], currency="EUR"), state([ROW], currency="EUR"), names=BOTH, exchange=exchange)
    assert means(bridge)["currency"] == pytest.approx(10.0)


@pytest.mark.parametrize(
    ("exchange", "message"),
    [
        (None, "the sides are in USD and EUR: give exchange="),
        (Exchange("CHF", {"USD": 1.0}, {"USD": 1.0}), "no rate of EUR into CHF after; known: CHF, USD"),
        (Exchange("EUR", {"USD": 0.0}, {"USD": 1.0}), "the rate of USD into EUR is 0.0: wanted above 0"),
    ],
)
def test_currencies_without_rates_are_refused(exchange, message):
    with pytest.raises(ScenarioError, match=message):
        drivers_bridge(state([ROW]), state([ROW], currency="EUR"), names=BOTH, exchange=exchange)


# ------------------------------------------------------------------------------------------------------ properties


@st.composite
def sides(draw):
    """Two sides of two workloads x two models x two units over a few draws, with zeros, credits and other money."""
    keys = [(w, m, u) for w in ("a", "b") for m in ("big", "small") for u in ("input_tokens", "output_tokens")]
    rng = stream(draw(st.integers(0, 10**6)), "sides")
    draws = 3
    made = []
    for _ in range(2):
        present = [k for k in keys if rng.random() < 0.7] or keys[:1]
        legs = {k[:2]: 10 ** rng.uniform(-3, 6) * rng.random(draws) * (rng.random(draws) < 0.8) for k in present}
        rows = []
        for key in present:
            quantity = legs[key[:2]] * 10 ** rng.uniform(-2, 4) * rng.random(draws)
            price = 10 ** rng.uniform(-6, 2) * rng.choice([1, 1, 1, -1])
            rows.append((key, (legs[key[:2]], quantity, quantity * price)))
        other = {"one-offs": rng.normal(size=draws) * 100} if rng.random() < 0.5 else {}
        made.append(state(rows, other=other))
    return made


@settings(max_examples=EXAMPLES)
@given(sides())
def test_nothing_is_left_in_any_draw_and_nothing_is_made_up(both):
    before, after = both
    bridge = drivers_bridge(before, after, names=BOTH)
    assert (bridge.residual == 0.0).all()
    assert (bridge.before + bridge.amounts[::-1].sum(axis=0) == bridge.after).all()
    moved = np.abs(before.cost).sum(axis=1) + np.abs(after.cost).sum(axis=1) + np.abs(bridge.amounts).sum(axis=0) + 1e3
    assert (np.abs(bridge.before - before.total) <= 1e-12 * moved).all()
    assert (np.abs(bridge.after - after.total) <= 1e-12 * moved).all()


@settings(max_examples=EXAMPLES)
@given(sides())
def test_sides_may_be_swapped(both):
    there, back = (drivers_bridge(a, b, names=BOTH) for a, b in (both, both[::-1]))
    assert set(there.steps) == set(back.steps)
    for step in there.steps:
        np.testing.assert_array_equal(
            there.amounts[there.steps.index(step)], -back.amounts[back.steps.index(step)], err_msg=step
        )
    assert there.reversed().names == ("actual", "plan")
    np.testing.assert_array_equal(there.reversed().reversed().amounts, there.amounts)
    np.testing.assert_array_equal(there.reversed().before, there.after)


@settings(max_examples=EXAMPLES)
@given(sides(), st.floats(1e-3, 1e3))
def test_money_in_other_units_has_the_same_steps(both, scale):
    before, after = (
        DriverState(
            s.labels,
            s.by,
            s.volume,
            s.mix,
            s.intensity,
            s.price * scale,
            {k: v * scale for k, v in s.other.items()},
            "USD",
        )
        for s in both
    )
    told, scaled = (drivers_bridge(*pair, names=BOTH) for pair in (both, (before, after)))
    atol = 1e-12 * float(np.abs(scaled.amounts).sum() + np.abs(scaled.before).sum())
    np.testing.assert_allclose(scaled.amounts, told.amounts * scale, rtol=1e-9, atol=atol)


@settings(max_examples=EXAMPLES)
@given(sides(), sides())
def test_spans_add_up(one_span, other_span):
    january, february = (drivers_bridge(*pair, names=BOTH) for pair in (one_span, other_span))
    both = january + february
    assert (both.residual == 0.0).all()
    moved = sum(np.abs(b.amounts).sum() + np.abs(b.before).sum() for b in (january, february))
    for step in both.steps:
        found = both.amounts[both.steps.index(step)]
        parts = [b.amounts[b.steps.index(step)] for b in (january, february) if step in b.steps]
        np.testing.assert_allclose(found, sum(parts), rtol=0, atol=1e-12 * moved)
    together, *apart = (b.by("project").sum() for b in (both, january, february))
    apart = apart[0].add(apart[1], fill_value=0.0)
    np.testing.assert_allclose(together, apart[together.index], rtol=0, atol=1e-12 * max(moved, 1e3))


@settings(max_examples=EXAMPLES)
@given(sides())
def test_what_is_shown_adds_up(both):
    bridge = drivers_bridge(*both, names=BOTH)
    told = np.rint(bridge.table()["mean"].to_numpy() * 100)
    assert told[:-1].sum() == told[-1]
    assert np.abs(told[1:-1] - 100 * bridge.amounts.mean(axis=1)).max() <= 1.0 + 1e-6  # a cent, and its own rounding


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9))
def test_cents_are_symmetric(amounts):
    exact = np.array(amounts)
    total = np.rint(100 * exact.sum())
    np.testing.assert_array_equal(cents(exact, total), -cents(-exact, -total))


def test_largest_remainders_get_the_cents():
    # Thirds of a unit: 33.33 each, and the cent that is left goes to the first; what is nothing stays nothing.
    assert cents(np.array([100 / 3, 0.0, 100 / 3, 100 / 3]), 10_000).tolist() == [3_334, 0, 3_333, 3_333]


def test_a_difference_that_is_no_rounding_is_never_dealt():
    with pytest.raises(ScenarioError, match="the steps miss the difference of the totals by up to 0\\.01"):
        bridge_of(BOTH, ["volume"], [np.array([9.99])], np.array([100.0]), np.array([110.0]), "USD")
    with pytest.raises(ScenarioError, match="after is not a finite number in 1 draws"):
        closed(np.zeros((1, 2)), np.zeros(2), np.array([1.0, np.nan]))


# ------------------------------------------------------------------------------------- whole calculations, by change


def test_changes_of_a_whole_calculation():
    # 100 grows by a half, and a price falls by 20 %; a fee of 3 comes. 100 → 100 · 1.5 · 0.8 + 3.
    # Growth: 50 · (1 + 0.8) / 2; price: -20 · (1 + 1.5) / 2.
    world = np.array([1.0, 2.0])
    calls = []

    def total(moved):
        calls.append(moved)
        return world * 100 * (1.5 if 0 in moved else 1) * (0.8 if 1 in moved else 1) + 3 * (2 in moved)

    bridge = changes_bridge(total, ["growth", "price cut", "fee"], names=("as is", "all"), currency="EUR")
    np.testing.assert_allclose(bridge.amounts, [45 * world, -25 * world, [3, 3]], **EXACT)
    assert len(calls) == len(set(calls)) == 8
    assert (bridge.residual == 0).all()
    with pytest.raises(ScenarioError, match="made from totals: there are no rows"):
        bridge.by("model")


def test_steps_are_grouped_and_told():
    amounts = [np.array([10.0, 20.0]), np.array([-4.0, -6.0]), np.array([1.0, 1.0])]
    bridge = bridge_of(
        BOTH, ["volume", "price", "currency"], amounts, np.array([100.0, 100.0]), np.array([107.0, 115.0]), "USD"
    )
    vendor = bridge.grouped({"price": "vendor", "currency": "vendor"})
    assert vendor.steps == ("volume", "vendor")
    assert vendor.amounts.tolist() == [[10, 20], [-3, -5]]
    table = vendor.table()
    assert table.columns.tolist() == ["step", "mean", "p10", "p50", "p90"]
    assert table["step"].tolist() == ["plan", "volume", "vendor", "actual"]
    assert table["mean"].tolist() == [100.0, 15.0, -4.0, 111.0]
    assert table.loc[1, ["p10", "p50", "p90"]].tolist() == [11.0, 15.0, 19.0]
    with pytest.raises(ScenarioError, match=r"step 'prise' is not known.*did you mean 'price'"):
        bridge.grouped({"prise": "vendor"})
    with pytest.raises(ScenarioError, match="level 90: wanted a probability between 0 and 1"):
        bridge.table(levels=(90,))


def test_grouped_steps_keep_their_rows(by_hand):
    bridge = drivers_bridge(*by_hand, names=BOTH).grouped({"mix": "routing", "price": "routing"})
    assert bridge.by("model")["routing"].sum() == pytest.approx(-541.0 - 2 / 3 - 816 - 2 / 3)
    assert bridge.reversed().by("model")["routing"].sum() == pytest.approx(541 + 2 / 3 + 816 + 2 / 3)


def test_bridges_between_other_totals_are_not_added():
    parts = [np.array([1.0])], np.array([1.0]), np.array([2.0])
    with pytest.raises(ScenarioError, match="lead between the same totals in one currency"):
        bridge_of(BOTH, ["volume"], *parts, "USD") + bridge_of(BOTH, ["volume"], *parts, "EUR")
    with pytest.raises(TypeError):
        bridge_of(BOTH, ["volume"], *parts, "USD") + 1


# ----------------------------------------------------------------------------------------------------------- errors


def test_states_that_cannot_be_compared_are_refused():
    here = state([ROW])
    with pytest.raises(ScenarioError, match=r"other workloads: by=\('project',\) and by=\('project', 'model'\)"):
        drivers_bridge(here, state([ROW], by=("project", "model")), names=BOTH)
    two, three = (state([ROW], other={"one-offs": np.zeros(n)}) for n in (2, 3))
    with pytest.raises(ScenarioError, match="the sides have 2 and 3 draws"):
        drivers_bridge(two, three, names=BOTH)
    tokens = DriverState(
        here.labels.assign(volume_unit="tokens"), here.by, here.volume, here.mix, here.intensity, here.price, {}, "USD"
    )
    with pytest.raises(ScenarioError, match="the volume of project=search is counted in requests before and in tokens"):
        drivers_bridge(here, tokens, names=BOTH)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            one("search", "gpt-5", "input_tokens", 0, 5, 1),
            "1 rows have a quantity but no requests, such as project=search",
        ),
        (one("search", "gpt-5", "input_tokens", 5, 0, 1), "1 rows have a cost but no quantity"),
        (one("search", "gpt-5", "input_tokens", -5, 5, 1), "requests: wanted finite amounts of 0 or more"),
        (one("search", "gpt-5", "input_tokens", 5, 5, np.nan), "wanted finite money"),
    ],
)
def test_what_no_driver_can_say_is_refused(row, message):
    with pytest.raises(ScenarioError, match=message):
        state([row])


def test_rows_that_stand_twice_are_refused():
    with pytest.raises(ScenarioError, match=r"has the row project=search, .* twice: add such rows up"):
        state([ROW, ROW])
    with pytest.raises(ScenarioError, match="cannot be called 'price'"):
        state([ROW], other={"price": 1.0})


# ----------------------------------------------------------------------------------------------------- from usage

KEY = {"provider": "openai", "environment": "production", "project": "search"}
PRICES = fc.PriceBook.from_frame(
    pd.DataFrame(
        {
            "model": ["gpt-5", "gpt-5", "mini"],
            "unit": "input_tokens",
            "price": [2.0, 1.0, 0.5],
            "valid_from": [None, "2026-02-01", None],
            "provider": "openai",
        }
    )
)


def rows(date, model, requests, millions, **more):
    return {"date": date, "model": model, "requests": requests, "input_tokens": 1e6 * millions, **KEY, **more}


def usage(*listed):
    return fc.Usage.from_frame(pd.DataFrame(listed).assign(date=lambda f: pd.to_datetime(f["date"])), sort=True)


def test_usage_becomes_drivers():
    used = usage(
        rows("2026-01-30", "gpt-5", 100.0, 10, billed_cost=18.0, currency="USD"),
        rows("2026-02-01", "gpt-5", 100.0, 10, billed_cost=9.0, currency="USD"),
        rows("2026-02-02", "mini", 300.0, 20, billed_cost=None, currency="USD"),
        rows("2026-03-01", "mini", 1.0, 1, billed_cost=1.0, currency="USD"),
        {
            "date": "2026-02-03",
            **KEY,
            "model": None,
            "billed_cost": -2.5,
            "currency": "USD",
            "charge_category": "credit",
        },
        {
            "date": "2026-02-03",
            **KEY,
            "model": None,
            "billed_cost": 40.0,
            "currency": "USD",
            "charge_category": "purchase",
        },
        {"date": "2026-02-03", **KEY, "model": None, "billed_cost": 1.5, "currency": "USD", "charge_category": "tax"},
    )
    january = state_of_usage(used, PRICES, start="2026-01-01", end="2026-01-31")
    # List price 20, billed 18.
    assert january.other == {"discounts and bill": -2.0}
    assert january.total.tolist() == [18.0]
    both = state_of_usage(used, PRICES, start="2026-01-01", end="2026-02-28")
    # gpt-5: 20 million tokens for 20 + 10; a quarter of 400 requests more took mini.
    big, small = (int(np.flatnonzero(both.labels["model"] == m)[0]) for m in ("gpt-5", "mini"))
    assert both.volume[0].tolist() == [500.0, 500.0]
    assert both.mix[0, [big, small]] == pytest.approx([0.4, 0.6])
    assert both.intensity[0, [big, small]] == pytest.approx([1e5, 20e6 / 300])
    assert both.price[0, [big, small]] == pytest.approx([1.5e-6, 0.5e-6])
    # -2 - 1 of the bill, 1.5 of tax; mini's bill is not known and stands at its list price of 10.
    assert both.other == pytest.approx({"discounts and bill": -1.5, "one-offs": -2.5, "fixed lines": 40.0})
    assert both.total[0] == pytest.approx(18 + 9 + 10 - 2.5 + 40 + 1.5)
    assert any("billed_cost is blank in 1 rows" in note for note in both.notes)


def test_a_bill_beside_its_usage_is_its_discount():
    used = usage(
        rows("2026-01-30", "gpt-5", 100.0, 10),
        {**KEY, "date": "2026-01-30", "model": "gpt-5", "billed_cost": 15.0, "currency": "USD"},
    )
    found = state_of_usage(used, PRICES, start="2026-01-01", end="2026-01-31")
    assert found.other == {"discounts and bill": -5.0}
    assert found.total.tolist() == [15.0]


def test_money_without_tokens_is_a_workload_counted_in_money():
    used = usage(
        rows("2026-01-30", "gpt-5", 100.0, 10, billed_cost=20.0, currency="USD"),
        {**KEY, "date": "2026-01-30", "model": "labelling", "billed_cost": 15.0, "currency": "USD"},
        {**KEY, "date": "2026-02-10", "model": "labelling", "billed_cost": 25.0, "currency": "USD"},
    )
    spans = (("2026-01-01", "2026-01-31"), ("2026-02-01", "2026-02-28"))
    months = [state_of_usage(used, PRICES, start=start, end=end) for start, end in spans]
    assert sorted(months[0].labels["volume_unit"]) == ["requests", "spend"]
    bridge = drivers_bridge(*months, names=("January", "February"))
    assert means(bridge)["volume"] == pytest.approx(25 - 15 - 20)


def test_usage_without_requests_is_counted_in_tokens():
    used = usage(
        {**rows("2026-01-30", "gpt-5", None, 10)},
        {**rows("2026-01-30", "mini", 50.0, 30)},
    )
    found = state_of_usage(used, PRICES, start="2026-01-01", end="2026-01-31")
    assert set(found.labels["volume_unit"]) == {"tokens"}
    assert found.mix[0] == pytest.approx([0.25, 0.75])
    assert found.intensity[0].tolist() == [1.0, 1.0]
    with pytest.raises(ScenarioError, match="some usage of environment=production, project=search has no requests"):
        state_of_usage(used, PRICES, start="2026-01-01", end="2026-01-31", volume="requests")


def test_a_shipped_sample_closes_to_its_list_price():
    """Two quarters of made-up usage at the catalogue's prices, whose totals the price book gives by itself."""
    used = organisation(noise=0.1)
    prices = fc.PriceBook.builtin()
    spans = [("2025-07-01", "2025-09-30"), ("2026-07-01", "2026-09-30")]
    before, after = (state_of_usage(used, prices, start=a, end=b) for a, b in spans)
    bridge = drivers_bridge(before, after, names=("2025", "2026"))
    cost = prices.cost(used)
    for found, (first, last) in zip((bridge.before, bridge.after), spans, strict=True):
        wanted = cost[used.frame["date"].between(first, last)].sum()
        np.testing.assert_allclose(found, wanted, rtol=1e-12)
    # Volume grows by 3 and 1 % a month; mix, intensity and prices stay as they were made.
    assert means(bridge)["volume"] > 0
    rest = [means(bridge)[s] for s in ("intensity", "mix", "price")]
    np.testing.assert_allclose(rest, 0.0, atol=1e-9 * float(bridge.after[0]))


def test_usage_that_cannot_be_priced_is_refused_or_noted():
    used = usage(rows("2026-01-30", "gpt-5", 100.0, 10), rows("2026-01-30", "unheard-of", 10.0, 10))
    span = {"start": "2026-01-01", "end": "2026-01-31"}
    with pytest.raises(PriceError, match="1 price is unknown: unheard-of input_tokens"):
        state_of_usage(used, PRICES, **span)
    found = state_of_usage(used, PRICES, unpriced="exclude", **span)
    assert found.total.tolist() == [20.0]
    assert any("no part of any driver: unheard-of" in note for note in found.notes)
    with pytest.raises(UsageError, match="no rows from 2025-01-01 to 2025-02-01; there are rows from 2026-01-30"):
        state_of_usage(used, PRICES, start="2025-01-01", end="2025-02-01")
    with pytest.raises(UsageError, match="by 'team' is not known"):
        state_of_usage(used, PRICES, by=("team",), **span)
    euros = usage(rows("2026-01-30", "gpt-5", 100.0, 10, billed_cost=18.0, currency="EUR"))
    with pytest.raises(PriceError, match="the bill is in EUR and prices are in USD"):
        state_of_usage(euros, PRICES, **span)


# ---------------------------------------------------------------------------------------------------------- picture


def texts(ax):
    return [t.get_text() for t in ax.texts if t.get_text()]


def test_the_waterfall_states_its_finding_and_shows_numbers_that_add_up():
    rng = stream(0, "waterfall")
    amounts = [v + 500 * rng.standard_normal(2_000) for v in (20_444.0, -3_044.0, 40.0)]
    before = 59_000 + 3_000 * rng.standard_normal(2_000)
    bridge = bridge_of(BOTH, ["volume", "a_$price$", "mix"], amounts, before, before + sum(amounts), "USD")
    ax = bridge.plot()
    told = [t for t in texts(ax) if t[-1] in "k0123456789"]
    shown = [float(t.replace("\u2212", "-").rstrip("k")) for t in told[-5:]]
    assert round(sum(shown[:-1]), 6) == shown[-1]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["plan", "volume", "a_$price$", "mix", "actual"]
    everything = " ".join([ax.get_title(loc="left"), *texts(ax), *texts_of_figure(ax)])
    assert "Actual is USD 17." in everything
    assert "above plan: volume +20." in everything
    assert "2,000 futures, whiskers P10–P90; spend rises in all of them" in everything
    assert ax.get_ylim()[0] > 0  # what moves is a third of what stands
    assert ax.get_ylabel().startswith("USD")


def texts_of_figure(ax):
    return [t.get_text() for t in ax.figure.findobj(lambda a: hasattr(a, "get_text"))]


def test_small_steps_cut_the_axis_and_say_so():
    bridge = bridge_of(BOTH, ["volume"], [np.array([1_000.0])], np.array([5e5]), np.array([5.01e5]), "USD")
    ax = bridge.plot()
    assert ax.get_ylim()[0] > 4.9e5
    assert ax.get_ylabel() == "USD; the axis does not begin at 0"
    html = bridge._repr_html_()
    assert "Actual is USD 1,000 (0.2 %) above plan" in html
    assert "p10" not in html  # known totals have no bands


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (0.0, 0.0, "Actual is what plan is: USD 0"),
        (100.0, -20.0, "Actual is USD 120 (120 %) below plan"),
        (0.0, 5.0, "USD 5.00 above plan"),
    ],
)
def test_odd_totals_are_drawn(before, after, words):
    bridge = bridge_of(BOTH, ["one-offs"], [np.array([after - before])], np.array([before]), np.array([after]), "USD")
    ax = bridge.plot()
    low, high = ax.get_ylim()
    assert low <= min(before, after, 0.0) < high
    assert words in bridge._repr_html_()
    assert words in " ".join(texts_of_figure(ax))
