"""Bits of the engine. What else is worked out, and beside what, changes no bit of a sum."""

import dataclasses

import numpy as np
import pytest

import forecast as fc
import scenarios as sc
from scenarios import columns
from scenarios.changes import World
from scenarios.costing import Course, enact
from scenarios.products import Work
from scenarios.simulation import Sum, _recipes
from scenarios.spans import spans_of
from tests.usages import organisation

GROWTH = sc.Growth(monthly=sc.between(0.02, 0.06), where={"project": "search"})
CHANGES = (
    GROWTH,
    sc.PriceChange(model="gpt-5", on="2027-02-10", by=sc.between(-0.3, -0.1)),
    sc.NewWorkload(
        "gpt-5",
        "openai",
        users=9.0,
        requests_per_user=5.0,
        tokens={"input_tokens": 900.0, "output_tokens": 99.0},
        environment="production",
        project="chat",
        on="2027-01-10",
        growth=sc.between(0.01, 0.05),
    ),
)


@pytest.fixture(scope="module")
def projection():
    return fc.project(organisation(), horizon="1Q", seed=7, trajectories=30)


# An odd number of draws a trajectory, of which BLAS adds up by shape; one each, which it takes for a vector.
@pytest.mark.parametrize("draws", [150, 30])
def test_a_product_has_the_same_bits_alone_and_among_others(projection, draws):
    world = World(draws, 3)
    made = enact(projection, fc.PriceBook.builtin(), Course.of(sc.Scenario("x", CHANGES), world), world)
    rows = np.nonzero(made.priced)[0]
    asked, spans = Sum(made, "cost", rows, rows % 5, 5), spans_of(projection)
    products = tuple(_recipes([asked], spans, len(projection.days), draws)[0].values())
    dealt = projection.draws(draws, 3)
    order = np.argsort(dealt.trajectory, kind="stable")
    some = (order, dealt.trajectory[order], np.exp(dealt.log_factor[order]))
    most = int(np.bincount(dealt.trajectory).max())
    together = Work(projection, products, spans, most).run(*some)
    assert any(p.own for p in products)
    assert any(p.terms for p in products)
    for product, found in zip(products, together, strict=True):
        assert np.array_equal(Work(projection, (product,), spans, most).run(*some)[0], found)


@pytest.mark.parametrize(
    ("kind", "at_once"), [("usual", 5), ("below 0", columns.AT_ONCE), ("own paths", columns.AT_ONCE)]
)
def test_a_plan_made_again_is_a_new_plan_to_the_bit_beside_any_series(projection, kind, at_once, monkeypatch):
    """What did not change is not asked for again, so that the rest is added up without its usual neighbours."""
    monkeypatch.setattr(columns, "AT_ONCE", at_once)
    volume, odd = projection.volume, (projection.workloads["project"] == "support").to_numpy()
    if kind == "below 0":
        volume = dataclasses.replace(volume, relative=~odd)
    if kind == "own paths":
        column = np.where(odd, np.cumsum(odd) - 1, -1)
        volume = dataclasses.replace(volume, own=volume.paths()[:, :, odd] * 1.1, column=column)
    other = dataclasses.replace(projection, volume=volume)
    before, after = (
        sc.Scenario(f"{rate}", [sc.Growth(monthly=rate, where={"project": "search"})])
        for rate in (sc.between(0.02, 0.06), sc.between(0.01, 0.03))
    )
    asked = {"draws": 100, "seed": 3, "detail": ("project",)}
    again = sc.plan(other, scenario=before, **asked).replan(scenario=after)
    assert np.array_equal(again.ledger.money, sc.plan(other, scenario=after, **asked).ledger.money)


def test_columns_are_cut_at_their_own_rows(monkeypatch):
    monkeypatch.setattr(columns, "AT_ONCE", 10)
    size = np.array([4, 0, 7, 25, 3, 2, 10, 0])
    pieces = columns._pieces(size)
    assert [(p.start, p.stop) for p in pieces] == [(0, 4), (4, 11), (11, 21), (21, 31), (31, 41), (41, 51)]
    assert columns._pieces(np.array([0])) == []
