"""Corners of scenarios: few draws, distributions that leave their domain, and kinds that meet."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import forecast as fc
import scenarios as sc
from forecast.errors import ScenarioError
from forecast.prices.billing import Allowance
from scenarios.outcome import outcomes
from tests.usages import plain

#: Sums of the same doubles in another order.
ROUNDING = 1e-12


def outcome(projection, *changes, prices=None, draws=40, judged=False):
    book = prices or fc.PriceBook.builtin()
    one = sc.Scenario("one", changes)
    return outcomes(projection, [one], prices=book, draws=draws, seed=1, judged=judged)[0]


@pytest.fixture(scope="module")
def projection():
    """200 days of 1,000 requests of 1,000 input tokens: without noise, so every draw is the same."""
    return fc.project(plain(np.full(200, 1_000.0)), horizon="1Q", seed=1, trajectories=60, lag=0)


@pytest.mark.parametrize("draws", [1, 5, 30])
def test_fewer_draws_than_trajectories_leave_some_without_a_draw(projection, draws):
    base = outcome(projection, draws=draws).totals
    raised = outcome(projection, sc.Step(by=0.5), draws=draws).totals
    assert len(raised) == draws
    np.testing.assert_allclose(raised, 1.5 * base, rtol=ROUNDING)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (sc.SemanticCache(share=stats.norm(0.9, 0.3)), "semantic_cache: share .* a share lies between 0 and 1"),
        (sc.Step(by=stats.norm(-0.5, 0.6)), "step: lift .* a relative change must be above -1"),
        (sc.Growth(monthly=stats.norm(-0.5, 0.6)), "growth: rate .* a relative change must be above -1"),
        (sc.Limit(tokens=stats.norm(3e8, 2e8)), "limit: cap .* an amount cannot be negative"),
        (sc.Spikes(rate=stats.norm(3, 10), by=1), "spikes: rate .* an amount cannot be negative"),
        (sc.Spikes(rate=20, by=stats.norm(1, 10)), "spikes: lift .* an amount cannot be negative"),
        (sc.PromptTrim(by=-0.1, quality=stats.norm(0.9, 0.5)), "PromptTrim.quality: gives .* more than all"),
    ],
)
def test_a_distribution_that_leaves_its_domain_is_refused(projection, change, told):
    with pytest.raises(ScenarioError, match=told):
        outcome(projection, change, draws=200)


def test_a_distribution_inside_its_domain_is_taken_as_it_is(projection):
    base = outcome(projection, draws=2_000).totals
    share = 1 - outcome(projection, sc.SemanticCache(share=stats.beta(2, 3)), draws=2_000).totals / base
    # Stratified draws: quantiles are those of the distribution to one stratum's width.
    np.testing.assert_allclose(np.quantile(share, [0.1, 0.9]), stats.beta(2, 3).ppf([0.1, 0.9]), atol=2e-3)


@pytest.mark.parametrize("value", [stats.beta, stats.norm(0, -1), stats.norm([0, 1], [1, 2])])
def test_what_has_no_quantiles_is_refused(value):
    with pytest.raises(ScenarioError, match="wanted a frozen distribution of one number"):
        sc.Step(by=value)


def test_a_runaway_may_be_told_apart_by_unit(projection):
    loop = sc.Runaway(hours=5, tokens={"input_tokens": 1e6}, monthly=20, where={"unit": "input_tokens"})
    paid = outcome(projection, loop, draws=2_000).totals - outcome(projection, draws=2_000).totals
    # 20 loops a month of 5 hours at 1 million tokens an hour and 1.25 a million; of some 60 loops in 2,000 draws the
    # mean has a standard error of 1 / sqrt(60 * 2,000) = 0.3 %.
    assert paid.mean() == pytest.approx(20 * 90 / 30.4375 * 5 * 1.25, rel=0.01)


def test_a_contract_counts_the_requests_of_a_new_workload_and_not_those_that_a_cache_answers(projection):
    # 1,000.00 a request in place of its tokens: the total is 1,000 times the requests that are sent.
    paid = sc.Contract([Allowance("requests", 0, fee=0, quantity="requests", overage=1_000.0, per=1)])
    new = sc.NewWorkload("gpt-5", "openai", 10, 5, {"input_tokens": 1.0}, "chat", "production")
    days = 90
    for changes, requests in (((), 1_000.0), ((new,), 1_050.0), ((sc.SemanticCache(share=0.25),), 750.0)):
        made = outcome(projection, *changes, paid).totals
        np.testing.assert_allclose(made, 1_000.0 * requests * days, rtol=1e-9)


def test_volume_moves_what_a_cache_answers_whichever_is_listed_first(projection):
    cache = sc.SemanticCache(share=0.5, quality=0.1)
    for change in (
        sc.Retire(where={"project": "search"}, on=projection.span.start, probability=0.5),
        sc.Step(by=1.0),
        sc.Spikes(rate=50, by=2),
    ):
        first, last = (outcome(projection, *two, judged=True) for two in ((cache, change), (change, cache)))
        np.testing.assert_allclose(first.requests, last.requests, rtol=ROUNDING)
        np.testing.assert_allclose(first.quality, last.quality, rtol=ROUNDING)


def test_vendors_leave_alone_what_is_known_only_as_money():
    days = pd.date_range("2026-04-15", periods=200)
    tokens = pd.DataFrame({"date": days, "provider": "openai", "model": "gpt-5", "project": "search"})
    money = tokens.assign(model="web search", billed_cost=100.0, currency="USD")
    tokens = tokens.assign(requests=1_000.0, input_tokens=1e6)
    vendor = sc.VendorPrices()
    both = fc.project(fc.Usage.from_frame(pd.concat([tokens, money])), horizon="1Q", seed=1, trajectories=20)
    alone = fc.project(fc.Usage.from_frame(tokens), horizon="1Q", seed=1, trajectories=20)
    moved = [outcome(p, vendor).totals - outcome(p).totals for p in (both, alone)]
    # Totals of some ten thousands whose difference is taken: cents are far above what rounding leaves.
    np.testing.assert_allclose(*moved, atol=1e-6)
    spend = fc.project(fc.Usage.from_frame(money), horizon="1Q", seed=1, trajectories=20)
    with pytest.raises(ScenarioError, match="known as more than money"):
        outcome(spend, vendor)


def test_a_stated_price_is_for_as_many_units_as_each_unit_is_quoted_by():
    days = pd.date_range("2026-04-15", periods=200)
    frame = pd.DataFrame({"date": days, "provider": "own", "model": "pix", "project": "art", "environment": "test"})
    usage = fc.Usage.from_frame(frame.assign(requests=10.0, images=10.0, searches=10.0))
    # One image and one search cost the same 0.01 by the book; searches are quoted by the thousand.
    rows = [{"provider": "own", "model": "pix", "unit": "images", "price": 0.01, "per": 1}]
    rows += [{"provider": "own", "model": "pix", "unit": "searches", "price": 10.0, "per": 1_000}]
    book = fc.PriceBook.from_frame(pd.DataFrame(rows))
    projection = fc.project(usage, horizon="1Q", seed=1, trajectories=20, lag=0)
    change = sc.PriceChange(model="pix", on=projection.span.start, to=0.5)
    # 90 days of 10 images at 0.50 and 10 searches at 0.50 a thousand.
    wanted = 90 * (10 * 0.50 + 10 * 0.50 / 1_000)
    np.testing.assert_allclose(outcome(projection, change, prices=book).totals, wanted, rtol=1e-9)


def test_what_one_change_does_to_volume_and_tokens_apart_stays_apart_when_the_next_splits_them():
    days = pd.date_range("2026-04-15", periods=200)
    frame = pd.DataFrame({"date": days, "provider": "openai", "project": "search", "environment": "production"})
    frame = frame.assign(requests=1_000.0, output_tokens=2e5)
    usage = fc.Usage.from_frame(pd.concat([frame.assign(model="gpt-5"), frame.assign(model="gpt-5-mini")]))
    projection = fc.project(usage, horizon="1Q", seed=1, trajectories=20, lag=0)
    made = outcome(projection, sc.SemanticCache(model="gpt-5-mini", share=0.3), sc.Batch(model="gpt-5", share=0.4))
    # 90 days of 0.2 million tokens: of gpt-5 at 10.00, two fifths at half; of the other 70 % at 2.00.
    np.testing.assert_allclose(made.totals, 90 * 0.2 * (10.00 * 0.8 + 2.00 * 0.7), rtol=1e-9)


def test_a_level_holds_where_a_migration_joins_what_was_on_the_target_already():
    days = pd.date_range("2026-04-15", periods=200)
    frame = pd.DataFrame({"date": days, "provider": "openai", "project": "search", "environment": "production"})
    frame = frame.assign(requests=1_000.0, output_tokens=2e5)
    usage = fc.Usage.from_frame(pd.concat([frame.assign(model="gpt-5"), frame.assign(model="gpt-5-mini")]))
    projection = fc.project(usage, horizon="1Q", seed=1, trajectories=20, lag=0)
    moves = sc.Migrate("gpt-5", "gpt-5-mini", on=projection.span.start)
    level = sc.Intensity("output_tokens", to=300.0)
    # 90 days of 2,000 requests with 300 tokens each at 2.00 a million.
    wanted = 90 * 2_000 * 300 * 2.00 / 1e6
    np.testing.assert_allclose(outcome(projection, moves, level).totals, wanted, rtol=1e-9)


def test_a_name_with_brackets_is_itself():
    usage = plain(np.full(200, 1_000.0), department="team [beta]")
    projection = fc.project(usage, horizon="1Q", seed=1, trajectories=20, lag=0)
    base = outcome(projection).totals
    halved = outcome(projection, sc.Step(by=-0.5, where={"department": "team [beta]"})).totals
    np.testing.assert_allclose(halved, base / 2, rtol=ROUNDING)


def test_usage_without_a_price_may_be_left_out_of_clipped_demand_and_of_effects():
    days = pd.date_range("2026-04-15", periods=200)
    frame = pd.DataFrame({"date": days, "provider": "openai", "project": "search", "environment": "production"})
    frame = frame.assign(requests=1_000.0, input_tokens=1e6)
    usage = fc.Usage.from_frame(pd.concat([frame.assign(model="gpt-5"), frame.assign(model="mystery")]))
    projection = fc.project(usage, horizon="1Q", seed=1, trajectories=20, lag=0)
    half = sc.Scenario("half", [sc.Limit(tokens=1e6)])
    lost = sc.clipped(projection, half, draws=40, by="environment", unpriced="exclude")
    # Two million tokens a day are asked for, one passes.
    np.testing.assert_allclose(lost.clipped[:, lost.spans.planned].sum(axis=(1, 2)), 90 * 1e6, rtol=1e-9)
    effect = half.effect(projection, draws=40, unpriced="exclude")
    assert effect.drivers["change"].iloc[0] == pytest.approx(-0.5)


def test_a_goal_that_every_number_meets_is_known_no_better_than_where_it_was_looked_for(projection):
    def capped(tokens):
        return sc.Scenario("cap", [sc.Limit(tokens=tokens)])

    met = float(np.quantile(outcome(projection, *capped(1e12).changes).totals, 0.8))
    sought = sc.goal_seek(projection, capped, limit=met, within=(1e12, 1e13), draws=40, seed=1)
    assert (sought.low, sought.high) == (1e12, 1e13)
