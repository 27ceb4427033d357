"""Every lever by hand: 1,000 requests a day, each of 1,000 input and 250 output tokens; money to the cent."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

import forecast as fc
import scenarios as sc
from forecast.errors import ScenarioError
from scenarios.changes.finetuning import break_even
from tests.levers import JUNE, MAY, months, served, totals, world

#: Half a cent.
CENT = 0.005


@pytest.fixture(scope="module")
def plain():
    """A million input tokens at 2.00 and a quarter of a million output tokens at 8.00: 4.00 a day."""
    return world(input_tokens=1e6, output_tokens=0.25e6)


@pytest.fixture(scope="module")
def cached():
    """Of a million input tokens 400,000 are read from a cache."""
    return world(input_tokens=0.6e6, cache_read_tokens=0.4e6, output_tokens=0.25e6)


@pytest.fixture(scope="module")
def machines():
    """24 GPU hours a day at 4.00: 96.00."""
    return world("llama", "own", gpu_hours=24.0)


def by_hand(projection, change, may, june):
    made = months(projection, change)
    np.testing.assert_allclose(made, np.tile([may, june], (len(made), 1)), atol=CENT)


EVERY_DAY = {
    "prompts 30 % shorter": (sc.PromptTrim(by=-0.3), 0.7 * 2.0 + 2.0),
    "answers 30 % shorter": (sc.OutputCap(by=-0.3), 2.0 + 0.7 * 2.0),
    "answers of a schema": (sc.ResponseFilter(by=-0.4), 2.0 + 0.6 * 2.0),
    "a tokeniser with 20 % more": (sc.Tokenizer(by=0.2), 1.2 * 4.0),
    "output up by half": (sc.Intensity("output_tokens", by=0.5), 2.0 + 1.5 * 2.0),
    "every token down by a tenth": (sc.Intensity("*_tokens", by=-0.1), 0.9 * 4.0),
    # 1,000 requests x 100 tokens = 0.1 million at 8.00.
    "100 output tokens a request": (sc.Intensity("output_tokens", to=100), 2.0 + 0.1 * 8.0),
    # Half the prompt is shared by 4 items: 1 - 0.5 x 3/4 = 0.625 of the input.
    "4 items a request": (sc.Pack(items=4, shared=0.5), 0.625 * 2.0 + 2.0),
    # 70 % read at 0.20, of the other 30 % half written at 2.50 and half plain at 2.00.
    "a cache from nothing": (sc.PromptCache(to=0.7, writes=0.5), 0.7 * 0.2 + 0.15 * 2.5 + 0.15 * 2.0 + 2.0),
    "a cache for an hour": (sc.PromptCache(to=0.7, writes=1, lifetime="1h"), 0.7 * 0.2 + 0.3 * 4.0 + 2.0),
    "a quarter answered from a cache": (sc.SemanticCache(share=0.25), 0.75 * 4.0),
    # The book's batch prices are half: 0.5 x 4.00 + 0.5 x 2.00.
    "half in batches": (sc.Batch(share=0.5), 0.5 * 4.0 + 0.5 * 2.0),
    "half in batches at a stated discount": (sc.Batch(share=0.5, discount=0.2), 0.5 * 4.0 + 0.5 * 3.2),
    # Small: half a million input at 0.50 and an eighth of a million output at 2.00.
    "half routed": (sc.Route("big", "small", share=0.5), 0.5 * 4.0 + 0.5 * 0.5 + 0.125 * 2.0),
    # A tenth of the routed half is answered again: the source keeps 0.55; the target is paid for all of the half.
    "half routed, with retries": (
        sc.Route("big", "small", share=0.5, input_ratio=1.2, output_ratio=0.8, retries=0.1),
        0.55 * 4.0 + 1.2 * 0.5 * 0.5 + 0.8 * 0.125 * 2.0,
    ),
    "to another provider": (sc.Route("big", "other", share=1.0), 1.0 * 3.0 + 0.25 * 5.0),
    "a tenth dearer in the other half": (sc.Region("eu", price_ratio=1.1, share=0.5), 0.5 * 4.0 + 0.5 * 4.4),
    # 1.25 million tokens x 4,000 bytes = 5 gigabytes at 0.09.
    "transfer": (sc.DataTransfer(price=0.09, bytes_per_token=4_000), 4.0 + 5 * 0.09),
    "transfer of answers": (
        sc.DataTransfer(price=0.09, bytes_per_token=4_000, unit="output_tokens"),
        4.0 + 0.25 * 4 * 0.09,
    ),
}


@pytest.mark.parametrize(("lever", "a_day"), EVERY_DAY.values(), ids=EVERY_DAY.keys())
def test_a_lever_is_hand_arithmetic(plain, lever, a_day):
    by_hand(plain, lever, MAY * a_day, JUNE * a_day)


ON_MACHINES = {
    "compressed": (sc.Compress(by=-0.4), 0.6 * 96.0),
    "from 30 % to 60 % utilisation": (sc.AutoScale(before=0.3, after=0.6), 48.0),
    "never above today's hours": (sc.AutoScale(before=0.6, after=0.3), 96.0),
    # Half the hours at one and a half times the price.
    "larger machines": (sc.RightSize(price_ratio=1.5, throughput_ratio=2.0), 12 * 6.0),
    # 12 hours at 4.00, and 12 x 1.08 at 1.60.
    "half on spare capacity": (sc.Spot(discount=0.6, overhead=0.08, share=0.5), 12 * 4.0 + 12 * 1.08 * 1.6),
}


@pytest.mark.parametrize(("lever", "a_day"), ON_MACHINES.values(), ids=ON_MACHINES.keys())
def test_a_lever_on_machines_is_hand_arithmetic(machines, lever, a_day):
    by_hand(machines, lever, MAY * a_day, JUNE * a_day)


def test_a_lever_begins_on_its_day(plain):
    by_hand(plain, sc.PromptTrim(by=-0.3, on="2026-06-16"), MAY * 4.0, 15 * 4.0 + 15 * 3.4)
    by_hand(plain, sc.Intensity("output_tokens", to=100, on="2026-06-16"), MAY * 4.0, 15 * 4.0 + 15 * 2.8)
    by_hand(plain, sc.Migrate("big", "small", on="2026-06-16"), MAY * 4.0, 15 * 4.0 + 15 * 1.0)


def test_a_lever_comes_in_over_its_ramp(plain):
    # Over ten days a tenth, two tenths ... of the whole: 5.5 days' worth, then 20 whole days of 30.
    come = 5.5 + 20
    by_hand(plain, sc.PromptTrim(by=-0.5, on="2026-06-01", ramp=10), MAY * 4.0, JUNE * 4.0 - come * 1.0)
    by_hand(plain, sc.SemanticCache(share=0.5, on="2026-06-01", ramp=10), MAY * 4.0, JUNE * 4.0 - come * 2.0)
    by_hand(plain, sc.Migrate("big", "small", on="2026-06-01", ramp=10), MAY * 4.0, JUNE * 4.0 - come * 3.0)


def test_setup_and_running_costs_fall_on_their_days(plain):
    # 21 of May's 31 days at 31.00 a month, all of June; the setup on its day.
    lever = sc.PromptTrim(by=0.0, on="2026-05-11", setup=100, running=31)
    by_hand(plain, lever, MAY * 4.0 + 100 + 21, JUNE * 4.0 + 31)
    # What was set up before the plan is paid; what runs goes on.
    by_hand(plain, sc.PromptTrim(by=0.0, on="2026-04-11", setup=100, running=31), MAY * 4.0 + 31, JUNE * 4.0 + 31)


def test_a_hit_share_holds_what_is_cached_already(cached):
    today = 0.6 * 2.0 + 0.4 * 0.2 + 2.0
    assert totals(cached)[0] == pytest.approx((MAY + JUNE) * today, abs=CENT)
    np.testing.assert_allclose(totals(cached, sc.PromptCache(to=0.4, writes=0)), totals(cached), rtol=1e-12)
    a_day = 0.7 * 0.2 + 0.15 * 2.5 + 0.15 * 2.0 + 2.0
    by_hand(cached, sc.PromptCache(to=0.7, writes=0.5), MAY * a_day, JUNE * a_day)


def test_a_shorter_prompt_is_shorter_in_the_cache_too(cached):
    a_day = 0.5 * (0.6 * 2.0 + 0.4 * 0.2) + 2.0
    by_hand(cached, sc.PromptTrim(by=-0.5), MAY * a_day, JUNE * a_day)
    both = (sc.PromptTrim(by=-0.5), sc.PromptCache(to=0.7, writes=0.5))
    expected = (MAY + JUNE) * (0.5 * (0.7 * 0.2 + 0.15 * 2.5 + 0.15 * 2.0) + 2.0)
    assert totals(cached, *both)[0] == pytest.approx(expected, abs=CENT)
    assert totals(cached, *both[::-1])[0] == pytest.approx(expected, abs=CENT)


def test_cached_tokens_are_plain_input_where_the_target_has_no_cache(cached):
    # All of the million input tokens at 0.50.
    by_hand(cached, sc.Migrate("big", "small", on="2026-05-01"), MAY * 1.0, JUNE * 1.0)


def test_a_second_route_takes_its_share_of_what_the_first_left(plain):
    routes = (
        sc.Route("big", "small", share=0.6),
        sc.Route("big", "other", share=0.6),
    )
    # 0.6 go to small, 0.6 of the other 0.4 to other, 0.16 stay.
    expected = (MAY + JUNE) * (0.16 * 4.0 + 0.6 * 1.0 + 0.24 * 4.25)
    assert totals(plain, *routes)[0] == pytest.approx(expected, abs=CENT)
    requests, _ = served(plain, *routes)
    assert {k: v / 61_000 for k, v in requests.items()} == pytest.approx({"big": 0.16, "small": 0.6, "other": 0.24})


def test_what_waits_does_not_wait_twice(plain):
    twice = (sc.Batch(share=0.5), sc.Batch(share=0.5, name="again"))
    assert totals(plain, *twice)[0] == pytest.approx((MAY + JUNE) * (0.25 * 4.0 + 0.75 * 2.0), abs=CENT)
    stated = (sc.Batch(share=0.5, discount=0.2), sc.Batch(share=0.5, discount=0.2, name="again"))
    assert totals(plain, *stated)[0] == pytest.approx((MAY + JUNE) * (0.25 * 4.0 + 0.75 * 3.2), abs=CENT)


def test_what_a_region_sends_is_transferred_as_it_is_after_every_other_lever(plain):
    changes = (
        sc.DataTransfer(price=0.09, bytes_per_token=4_000, where={"region": "eu"}),
        sc.PromptTrim(by=-0.5),
        sc.Region("eu", price_ratio=1.1, share=0.5),
        sc.PriceChange(on="2026-05-01", by=0.5),
    )
    # 0.75 million tokens, half of them in eu, x 4,000 bytes are 1.5 GB at 0.09: no other change moves that price.
    a_day = 1.5 * 1.05 * (0.5 * 2.0 + 2.0) + 1.5 * 0.09
    assert totals(plain, *changes)[0] == pytest.approx((MAY + JUNE) * a_day, abs=CENT)


def test_a_fine_tuned_model_is_trained_once_and_reads_less(plain):
    lever = sc.FineTune(
        "big", "big:ours", on="2026-06-01", training=50, input_ratio=0.2, prices={"input_tokens": 3, "output_tokens": 9}
    )
    by_hand(plain, lever, MAY * 4.0, 50 + JUNE * (0.2 * 3.0 + 0.25 * 9.0))
    in_the_book = sc.FineTune("big", "small", on="2026-06-01", training=50, input_ratio=0.2)
    by_hand(plain, in_the_book, MAY * 4.0, 50 + JUNE * (0.2 * 0.5 + 0.25 * 2.0))


def test_requests_count_once_where_they_are_answered(plain):
    requests, quality = served(plain, sc.Route("big", "small", share=0.5, retries=0.1, quality=0.02))
    assert requests == pytest.approx({"big": 61_000 * 0.55, "small": 61_000 * 0.45})
    assert quality == pytest.approx(1 - 0.45 * 0.02)
    requests, quality = served(plain, sc.SemanticCache(share=0.25, quality=0.1))
    assert requests == pytest.approx({"big": 61_000 * 0.75, "no request": 61_000 * 0.25})
    assert quality == pytest.approx(1 - 0.25 * 0.1)
    # Half of the requests are packed by 4: 0.5 + 0.5 / 4 are sent, and half of all items lose a tenth.
    requests, quality = served(plain, sc.Pack(items=4, shared=0.5, share=0.5, quality=0.1))
    assert requests == pytest.approx({"big": 61_000 * 0.625, "no request": 61_000 * 0.375})
    assert quality == pytest.approx(1 - 0.5 * 0.1)
    tiers, _ = served(plain, sc.Batch(share=0.3), by=("model", "service_tier"))
    assert tiers["big/batch"] == pytest.approx(61_000 * 0.3)


LOSSES = {
    "prompts": (sc.PromptTrim(by=-0.3, quality=0.02), 0.02),
    "a level": (sc.Intensity("output_tokens", to=100, quality=0.02), 0.02),
    "from June": (sc.OutputCap(by=-0.3, quality=0.02, on="2026-06-01"), 0.02 * JUNE / (MAY + JUNE)),
    "a gain": (sc.Migrate("big", "other", on="2026-05-01", quality=-0.05), -0.05),
    "batches": (sc.Batch(share=0.5, quality=0.02), 0.01),
    "a cache": (sc.PromptCache(to=0.7, writes=0.5, quality=0.02), 0.02),
    "a region": (sc.Region("eu", price_ratio=1.0, share=0.5, quality=0.02), 0.01),
}


@pytest.mark.parametrize(("lever", "loss"), LOSSES.values(), ids=LOSSES.keys())
def test_what_a_lever_loses_of_quality(plain, lever, loss):
    _, quality = served(plain, lever)
    assert quality == pytest.approx(1 - loss)


def test_machines_lose_quality_with_their_requests(machines):
    assert served(machines, sc.Compress(by=-0.4, quality=0.03))[1] == pytest.approx(0.97)


def test_quality_is_lost_only_by_requests_that_have_the_unit():
    days = pd.date_range("2026-01-01", periods=120)
    rows = [
        {"date": days, "provider": "acme", "model": "big", "input_tokens": 1e6, "output_tokens": 0.25e6},
        {"date": days, "provider": "acme", "model": "small", "input_tokens": 1e6, "output_tokens": 0.0},
    ]
    frame = pd.concat([pd.DataFrame(row) for row in rows])
    usage = fc.Usage.from_frame(frame.assign(environment="production", project="search", requests=1_000.0))
    both = fc.project(usage, start="2026-05-01", end="2026-06-30", lag=0, seed=0, trajectories=10)
    assert served(both, sc.OutputCap(by=-0.5, quality=0.1))[1] == pytest.approx(1 - 0.1 / 2)


def test_money_without_tokens_is_avoided_but_not_routed():
    days = pd.date_range("2026-01-01", periods=120)
    frame = pd.DataFrame({"date": days, "provider": "acme", "model": "big", "environment": "production"})
    used = frame.assign(project="search", requests=1_000.0, input_tokens=1e6)
    spent = frame.assign(project="labs", model="resold", billed_cost=10.0, currency="USD")
    usage = fc.Usage.from_frame(pd.concat([used, spent]))
    both = fc.project(usage, start="2026-05-01", end="2026-06-30", lag=0, seed=0, trajectories=10)
    days_planned = MAY + JUNE
    assert totals(both)[0] == pytest.approx(days_planned * 12.0, abs=CENT)
    assert totals(both, sc.Route("*", "small", share=1.0))[0] == pytest.approx(days_planned * 10.5, abs=CENT)
    assert totals(both, sc.Batch(share=1.0))[0] == pytest.approx(days_planned * 11.0, abs=CENT)
    assert totals(both, sc.SemanticCache(share=0.5))[0] == pytest.approx(days_planned * 6.0, abs=CENT)
    for lever in (sc.Route("resold", "small", share=0.5), sc.Region("eu", price_ratio=1.1, model="resold")):
        with pytest.raises(ScenarioError, match="known only as money"):
            totals(both, lever)


def test_break_even_is_when_what_was_saved_stays_above_what_was_spent():
    saved = np.array(
        [
            [-100.0, 40.0, 40.0, 40.0],  # -100, -60, -20, 20: in month 4
            [-100.0, 120.0, -30.0, 40.0],  # -100, 20, -10, 30: for good in month 4
            [-100.0, 10.0, 10.0, 10.0],  # never within the horizon
            [5.0, 5.0, 5.0, 5.0],  # never below
            [0.0, -10.0, 10.0, 1.0],  # 0, -10, 0, 1: in month 3
        ]
    )
    made = break_even(saved)
    assert made.months.tolist() == [4, 4, np.inf, 0, 3]
    assert made.probability == pytest.approx(4 / 5)
    assert made.by_month().tolist() == pytest.approx([0.2, 0.2, 0.4, 0.8])
    with pytest.raises(ScenarioError, match="draw, month"):
        break_even(np.zeros(3))


def test_break_even_of_a_fine_tuned_model(plain):
    lever = sc.FineTune("big", "small", on="2026-05-01", training=sc.between(100, 250), input_ratio=0.5)
    saved = months(plain, draws=500) - months(plain, lever, draws=500)
    # 4.00 - 0.25 - 0.50 = 3.25 saved a day: 100.75 in May and 198.25 by the end of June, of a training that is
    # log-normal with P10 at 100 and P90 at 250.
    spread = np.log(2.5) / 2 / norm.ppf(0.9)
    middle = (np.log(100) + np.log(250)) / 2
    made = break_even(saved)
    # 500 stratified draws know a probability to 1/500.
    assert made.by_month().tolist() == pytest.approx(
        [norm.cdf((np.log(day * 3.25) - middle) / spread) for day in (MAY, MAY + JUNE)], abs=1 / 500
    )
