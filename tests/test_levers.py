"""What holds for every lever: neutral values, ranges, order, words, files, and what is refused."""

import itertools
import re
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import forecast as fc
import scenarios as sc
from forecast.errors import ScenarioError
from scenarios.changes import KINDS, kind_of
from scenarios.changes.base import Change, Costed
from scenarios.changes.levers import Lever
from scenarios.files.keys import plain as dates_as_text
from scenarios.files.scenario_file import scenario_told
from scenarios.files.writing import written
from scenarios.outcome import outcomes
from tests.levers import BOOK, months, served, totals, world

#: Factors multiplied in another order differ by a few units in the last place.
ROUNDING = 1e-12
#: 2,000 stratified draws know P10 and P90 to a thousandth of what lies between.
STRATA = 1e-3


@pytest.fixture(scope="module")
def worlds():
    """Usage of a model, and of machines."""
    tokens = {"input_tokens": 0.6e6, "cache_read_tokens": 0.4e6, "output_tokens": 0.25e6}
    return {"api": world(**tokens), "own": world("llama", "own", gpu_hours=24.0)}


OURS = {"input_tokens": 3, "output_tokens": 9}
#: On which usage, the lever, what it says, and its kind in a file.
EVERY = {
    "intensity": ("api", sc.Intensity("output_tokens", by=0.5), "output_tokens a request change by +50.0%"),
    "prompt_trim": (
        "api",
        sc.PromptTrim(by=sc.between(-0.4, -0.2), model="big", where={"project": "search*"}, on="2026-06-01", ramp=30),
        "prompts of big (project search*) change by -40.0% to -20.0% (P10-P90) from 2026-06-01, within 30 days",
    ),
    "output_cap": (
        "api",
        sc.OutputCap(by=-0.3, quality=0.02),
        "answers are capped and change by -30.0%; quality of these requests -2.0%",
    ),
    "response_filter": (
        "api",
        sc.ResponseFilter(by=-0.3),
        "answers hold only what is asked for and change by -30.0%",
    ),
    "tokenizer": ("api", sc.Tokenizer(by=0.2, model="big"), "tokens for the same text of big change by +20.0%"),
    "pack": (
        "api",
        sc.Pack(items=4, shared=0.5),
        "all requests hold 4.00 items each, which share 50.0% of their input",
    ),
    "prompt_cache": (
        "api",
        sc.PromptCache(to=0.7, writes=0.5),
        "70.0% of all input is read from a cache and 50.0% of the rest is written to it, kept for 5 minutes",
    ),
    "semantic_cache": (
        "api",
        sc.SemanticCache(share=0.25, on="2026-06-01", setup=5_000, running=400),
        "25.0% of requests are answered from a cache of one's own from 2026-06-01; 5,000.00 to set up; 400.00 a month",
    ),
    "batch": ("api", sc.Batch(share=0.5), "50.0% of requests can wait and pay the batch price"),
    "route": (
        "api",
        sc.Route("big", "small", share=0.5, input_ratio=1.2, retries=0.1),
        "50.0% of requests of big are routed to small with 1.20 times the input; 10.0% of them are answered again",
    ),
    "migrate": (
        "api",
        sc.Migrate("big", "other", on="2026-06-01", provider="rival", forced=True),
        "all requests of big have to move to rival/other from 2026-06-01",
    ),
    "deprecation": (
        "api",
        sc.Deprecation("big", "other", on="2026-06-11", ramp=10, provider="rival", probability=0.9, setup=50),
        (
            "big ends by 2026-06-11, moving within the 10 days before, with a probability of 90%: what it serves goes "
            "to rival/other; 50.00 to set up"
        ),
    ),
    "fine_tune": (
        "api",
        sc.FineTune(
            "big", "ours", on="2026-06-01", training=50, input_ratio=0.2, prices={"input_tokens": 3, "output_tokens": 9}
        ),
        (
            "all requests of big move to ours with 0.20 times the input at 3 a quoted unit of input_tokens, 9 a quoted "
            "unit of output_tokens from 2026-06-01; 50.00 to train"
        ),
    ),
    "compress": ("own", sc.Compress(by=-0.4), "GPU hours change by -40.0% as the model is compressed"),
    "auto_scale": (
        "own",
        sc.AutoScale(before=0.3, after=0.6),
        "machines scale with demand: utilisation from 30.0% to 60.0%",
    ),
    "right_size": (
        "own",
        sc.RightSize(price_ratio=1.5, throughput_ratio=2),
        "machines are replaced by others at 1.50 times the price that serve 2.00 times the requests",
    ),
    "spot": (
        "own",
        sc.Spot(discount=0.6, overhead=0.08, share=0.5),
        "50.0% of GPU hours run on spare capacity at 60.0% less, with 8.0% of them worked again",
    ),
    "region": ("api", sc.Region("eu", price_ratio=1.1), "all usage moves to eu, at 1.10 times the price"),
    "data_transfer": (
        "api",
        sc.DataTransfer(price=0.09, bytes_per_token=4_000),
        "moving *_tokens costs 0.09 a gigabyte, at 4,000.00 bytes a token",
    ),
}


def test_every_lever_is_tested():
    assert set(EVERY) == {kind for kind, maker in KINDS.items() if issubclass(maker, Lever)}


@pytest.mark.parametrize("kind", EVERY)
def test_a_lever_is_a_change_with_plain_words(kind):
    _, lever, words = EVERY[kind]
    assert isinstance(lever, Change)
    assert isinstance(lever, Costed)
    assert kind_of(lever) == kind
    assert lever.describe() == words


@pytest.mark.parametrize("kind", EVERY)
def test_a_lever_comes_back_from_a_file(kind):
    _, lever, _ = EVERY[kind]
    text = written(sc.Scenario("x", [lever], "d"), {"title": "t", "description": "d", "source": "s"})
    assert f'kind = "{kind}"' in text
    again = scenario_told(dict(dates_as_text(tomllib.loads(text))), Path("x.toml")).scenario(None)
    assert again.changes == (lever,)


@pytest.mark.parametrize("kind", EVERY)
def test_a_lever_commutes_with_growth_and_prices(worlds, kind):
    where, lever, _ = EVERY[kind]
    model = {"api": "big", "own": "llama"}[where]
    changes = (
        lever,
        sc.Growth(monthly=sc.between(0.02, 0.06), basis="extra"),
        sc.PriceChange(model=model, on="2026-06-10", by=sc.between(-0.3, -0.1)),
    )
    first, *others = (totals(worlds[where], *order, draws=100) for order in itertools.permutations(changes))
    for other in others:
        np.testing.assert_allclose(other, first, rtol=ROUNDING)


def test_levers_on_different_drivers_commute(worlds):
    changes = (
        sc.SemanticCache(share=0.2, model="big"),
        sc.Route("big", "small", share=0.5),
        sc.OutputCap(by=-0.3),
        sc.DataTransfer(price=0.09, bytes_per_token=4_000),
    )
    first, *others = (totals(worlds["api"], *order, draws=20) for order in itertools.permutations(changes))
    for other in others:
        np.testing.assert_allclose(other, first, rtol=ROUNDING)


NEUTRAL = {
    "intensity": ("api", sc.Intensity("output_tokens", by=0.0)),
    "prompt_trim": ("api", sc.PromptTrim(by=0.0)),
    "output_cap": ("api", sc.OutputCap(by=0.0)),
    "response_filter": ("api", sc.ResponseFilter(by=0.0)),
    "tokenizer": ("api", sc.Tokenizer(by=0.0)),
    "pack": ("api", sc.Pack(items=1, shared=0.5)),
    "semantic_cache": ("api", sc.SemanticCache(share=0.0)),
    "batch": ("api", sc.Batch(share=0.0)),
    "route": ("api", sc.Route("big", "small", share=0.0)),
    "migrate": ("api", sc.Migrate("big", "small", on="2026-06-01", share=0.0)),
    "deprecation": ("api", sc.Deprecation("big", "small", on="2026-06-01", probability=0.0)),
    "fine_tune": ("api", sc.FineTune("big", "small", on="2026-06-01", share=0.0, training=0.0)),
    "compress": ("own", sc.Compress(by=0.0)),
    "auto_scale": ("own", sc.AutoScale(before=0.5, after=0.5)),
    "right_size": ("own", sc.RightSize(price_ratio=1, throughput_ratio=1)),
    "spot": ("own", sc.Spot(discount=0.0, overhead=0.0)),
    "region": ("api", sc.Region("eu", price_ratio=1.1, share=0.0)),
    "data_transfer": ("api", sc.DataTransfer(price=0.0, bytes_per_token=4_000)),
}


@pytest.mark.parametrize("kind", NEUTRAL)
def test_a_lever_at_its_neutral_value_changes_nothing_bit_for_bit(worlds, kind):
    where, lever = NEUTRAL[kind]
    assert np.array_equal(months(worlds[where], lever, draws=100), months(worlds[where], draws=100))
    assert served(worlds[where], lever)[1] == 1.0


def test_only_a_hit_share_has_no_neutral_value():
    assert set(EVERY) - set(NEUTRAL) == {"prompt_cache"}


#: A lever with one uncertain number, and the same with the number fixed.
RANGES = {
    "by of intensity": ("api", lambda v: sc.Intensity("output_tokens", by=v), (0.1, 0.5)),
    "to of intensity": ("api", lambda v: sc.Intensity("output_tokens", to=v), (100, 200)),
    "by of a trim": ("api", lambda v: sc.PromptTrim(by=v), (-0.4, -0.2)),
    "by of a cap": ("api", lambda v: sc.OutputCap(by=v), (-0.4, -0.2)),
    "by of a filter": ("api", lambda v: sc.ResponseFilter(by=v), (-0.4, -0.2)),
    "by of a tokeniser": ("api", lambda v: sc.Tokenizer(by=v), (0.1, 0.35)),
    "items": ("api", lambda v: sc.Pack(items=v, shared=0.5), (3, 6)),
    "shared": ("api", lambda v: sc.Pack(items=4, shared=v), (0.3, 0.6)),
    "hit share": ("api", lambda v: sc.PromptCache(to=v, writes=0.5), (0.5, 0.8)),
    "writes": ("api", lambda v: sc.PromptCache(to=0.5, writes=v), (0.3, 0.8)),
    "avoided": ("api", lambda v: sc.SemanticCache(share=v), (0.1, 0.3)),
    "waiting": ("api", lambda v: sc.Batch(share=v), (0.1, 0.3)),
    "discount of waiting": ("api", lambda v: sc.Batch(share=0.5, discount=v), (0.2, 0.5)),
    "routed": ("api", lambda v: sc.Route("big", "small", share=v), (0.2, 0.5)),
    "retries": ("api", lambda v: sc.Route("big", "small", share=0.5, retries=v), (0.05, 0.2)),
    "input ratio": ("api", lambda v: sc.Route("big", "small", share=0.5, input_ratio=v), (0.9, 1.3)),
    "output ratio": ("api", lambda v: sc.Migrate("big", "small", on="2026-06-01", output_ratio=v), (0.9, 1.3)),
    "training": ("api", lambda v: sc.FineTune("big", "small", on="2026-06-01", training=v), (50, 200)),
    "compression": ("own", lambda v: sc.Compress(by=v), (-0.5, -0.3)),
    "utilisation": ("own", lambda v: sc.AutoScale(before=0.3, after=v), (0.5, 0.7)),
    "price ratio": ("own", lambda v: sc.RightSize(price_ratio=v, throughput_ratio=2), (1.2, 1.8)),
    "throughput": ("own", lambda v: sc.RightSize(price_ratio=1.5, throughput_ratio=v), (1.5, 2.5)),
    "spare discount": ("own", lambda v: sc.Spot(discount=v, overhead=0.1), (0.5, 0.7)),
    "overhead": ("own", lambda v: sc.Spot(discount=0.6, overhead=v), (0.05, 0.2)),
    "region": ("api", lambda v: sc.Region("eu", price_ratio=v), (1.05, 1.2)),
    "transfer": ("api", lambda v: sc.DataTransfer(price=v, bytes_per_token=4_000), (0.05, 0.12)),
    "bytes": ("api", lambda v: sc.DataTransfer(price=0.09, bytes_per_token=v), (3_000, 5_000)),
    "setup": ("api", lambda v: sc.PromptTrim(by=-0.1, on="2026-06-01", setup=v), (50, 200)),
    "running": ("api", lambda v: sc.PromptTrim(by=-0.1, running=v), (50, 200)),
}


@pytest.mark.parametrize(("where", "lever", "ends"), RANGES.values(), ids=RANGES.keys())
def test_the_ends_of_a_range_are_p10_and_p90(worlds, where, lever, ends):
    made = np.quantile(totals(worlds[where], lever(sc.between(*ends)), draws=2_000), [0.1, 0.9])
    fixed = sorted(totals(worlds[where], lever(end))[0] for end in ends)
    np.testing.assert_allclose(made, fixed, atol=STRATA * (fixed[1] - fixed[0]) * 3)


def test_one_draw_of_an_effect_holds_in_every_month(worlds):
    money = months(worlds["api"], sc.PromptTrim(by=sc.between(-0.4, -0.2)), draws=200)
    assert money[:, 0].std() > 0
    np.testing.assert_allclose(money[:, 0] / 31, money[:, 1] / 30, rtol=1e-9)


def test_the_same_lever_draws_the_same_numbers_whatever_its_size(worlds):
    one, two = (
        totals(worlds["api"], sc.SemanticCache(share=sc.between(low, low + 0.1)), draws=50) for low in (0.1, 0.3)
    )
    assert np.array_equal(np.argsort(one), np.argsort(two))


def test_a_loss_of_quality_is_drawn_once_a_path(worlds):
    lever = sc.OutputCap(by=-0.3, quality=sc.between(0.01, 0.05))
    (made,) = outcomes(worlds["api"], [sc.Scenario("x", [lever])], prices=BOOK, draws=2_000, seed=1, judged=True)
    np.testing.assert_allclose(np.quantile(made.quality, [0.1, 0.9]), [0.95, 0.99], atol=STRATA * 0.04)


def test_a_lever_of_one_branch_acts_in_its_draws_alone(worlds):
    tree = sc.Scenario("half").tree(
        [(0.5, sc.Scenario("in batches", [sc.Batch(share=1.0)])), (0.5, sc.Scenario("not"))]
    )
    (made,) = outcomes(worlds["api"], [tree], prices=BOOK, draws=100, seed=1)
    # 0.6 x 2.00 + 0.4 x 0.20 + 0.25 x 8.00 = 3.28 a day, or half of it.
    whole = 61 * 3.28
    assert sorted(made.totals) == pytest.approx([whole / 2] * 50 + [whole] * 50, abs=0.005)


def test_a_lever_begins_in_the_midst_of_a_month_of_monthly_usage():
    days = pd.date_range("2025-01-01", periods=16, freq="MS")
    frame = pd.DataFrame({"date": days, "provider": "acme", "model": "big", "environment": "production"})
    frame = frame.assign(project="search", requests=1_000.0, input_tokens=30e6)
    usage = fc.Usage.from_frame(frame, grain="month")
    made = fc.project(usage, start="2026-05-01", end="2026-06-30", lag=0, seed=0, trajectories=10)
    before = months(made)[0]
    # The 16th of June leaves 15 of 30 days.
    after = months(made, sc.PromptTrim(by=-0.4, on="2026-06-16", running=60))[0]
    assert after == pytest.approx([before[0], before[1] * (1 - 0.4 / 2) + 30], rel=1e-9)


BAD = {
    "no size": (lambda: sc.Intensity("output_tokens"), "either as by="),
    "two sizes": (lambda: sc.Intensity("output_tokens", by=0.1, to=5), "either as by="),
    "a trim that lengthens": (lambda: sc.PromptTrim(by=0.3), r"PromptTrim.by = 0.3 lengthens prompts; write -0.3"),
    "a cap that lengthens": (lambda: sc.OutputCap(by=0.3), r"lengthens answers; write -0.3"),
    "percent": (lambda: sc.PromptTrim(by=-30), r"for -30 % write -0.3"),
    "a rise in percent": (lambda: sc.Tokenizer(by=35), r"Tokenizer.by = 35 is \+3500%; for 35 % write 0.35"),
    "more tokens in percent": (lambda: sc.Intensity("output_tokens", by=10), r"for 10 % write 0.1"),
    "a share above 1": (
        lambda: sc.Route("big", "small", share=1.2),
        r"Route.share = 1.2: a share lies between 0 and 1",
    ),
    "a share of batches": (lambda: sc.Batch(share=50), r"Batch.share = 50"),
    "quality in percent": (lambda: sc.OutputCap(by=-0.3, quality=2), r"for 2 % write 0.02"),
    "setup without a day": (lambda: sc.SemanticCache(share=0.1, setup=100), r"SemanticCache.setup: say on which day"),
    "negative cost": (lambda: sc.SemanticCache(share=0.1, running=-5), r"cannot be negative"),
    "a ramp of no days": (lambda: sc.PromptTrim(by=-0.1, ramp=-3), r"PromptTrim.ramp = -3"),
    "a unit in where": (lambda: sc.PromptTrim(by=-0.1, where={"unit": "input*"}), r"whole requests"),
    "a model in where": (lambda: sc.PromptTrim(by=-0.1, where={"model": "big"}), r"say the model as model='big'"),
    "fewer than one item": (lambda: sc.Pack(items=0.5, shared=0.5), r"Pack.items = 0.5: a request holds 1"),
    "a lifetime": (lambda: sc.PromptCache(to=0.5, writes=0, lifetime="2h"), r"lifetime '2h' is not known"),
    "a glob for a target": (lambda: sc.Route("big", "small*", share=0.1), r"wanted the name of one model"),
    "no day": (lambda: sc.Migrate("big", "small", on=""), r"say from which day"),
    "an unknown unit": (
        lambda: sc.FineTune("big", "x", on="2026-06-01", training=1, prices={"input": 1}),
        r"'input' is not known.*did you mean 'input_tokens'",
    ),
    "a negative price": (
        lambda: sc.FineTune("big", "x", on="2026-06-01", training=1, prices={"input_tokens": -1}),
        r"FineTune.prices: input_tokens = -1",
    ),
    "no work at all": (lambda: sc.AutoScale(before=0.0, after=0.5), r"AutoScale.before = 0"),
    "no throughput": (lambda: sc.RightSize(price_ratio=1, throughput_ratio=0), r"serve nothing"),
    "a discount above all": (lambda: sc.Spot(discount=1.2, overhead=0.1), r"Spot.discount = 1.2"),
    "no region": (lambda: sc.Region(" ", price_ratio=1.1), r"wanted the name of a region"),
}


@pytest.mark.parametrize(("make", "message"), BAD.values(), ids=BAD.keys())
def test_bad_numbers_are_told(make, message):
    with pytest.raises(ScenarioError, match=message):
        make()


UNFIT = {
    "a model that is not there": ("api", sc.PromptTrim(by=-0.1, model="bgi"), r"'bgi' matches nothing.*'big'"),
    "a column that is not there": ("api", sc.Batch(share=0.1, where={"team": "a"}), r"'team' is not a column"),
    "a unit that is not there": ("api", sc.Intensity("images", by=0.1), r"has no images; it has cache_read_tokens"),
    "GPU hours of an API": ("api", sc.Compress(by=-0.1), r"Compress: what it acts on has no gpu_hours"),
    "tokens of a machine": ("own", sc.OutputCap(by=-0.1), r"OutputCap: what it acts on has no output_tokens"),
    "a level of two units": ("api", sc.Intensity("*_tokens", to=5), r"say of which one it is the level"),
    "a date after the horizon": ("api", sc.PromptTrim(by=-0.1, on="2027-06-01"), r"PromptTrim.on.*after the horizon"),
    "a date before the history": ("api", sc.PromptTrim(by=-0.1, on="2020-06-01"), r"PromptTrim.on.*before the history"),
    "a target without a price": ("api", sc.Route("big", "giant", share=0.1), r"Route: .*/giant has no price"),
    "a target without batches": (
        "api",
        (sc.Batch(share=0.5), sc.Route("big", "small", share=0.1)),
        r"Route: acme/small has no price for input_tokens \(batch\)",
    ),
    "a route to itself": ("api", sc.Route("b*", "big", share=0.1), r"is on big already"),
    "machines to an API": ("own", sc.Migrate("llama", "small", on="2026-06-01"), r"small has no price for gpu_hours"),
    "no price of batches": (
        "api",
        (sc.Migrate("big", "small", on="2026-05-01"), sc.Batch(share=0.1)),
        r"Batch without discount=: acme/small has no price",
    ),
    "no price of a cache": (
        "api",
        (sc.Migrate("big", "small", on="2026-05-01"), sc.PromptCache(to=0.5, writes=0, model="small")),
        r"PromptCache: acme/small has no price for cache_read_tokens",
    ),
    "a cache as dear as none": (
        "api",
        (sc.Migrate("big", "level", on="2026-05-01"), sc.PromptCache(to=0.5, writes=0, model="level")),
        r"level reads from a cache at 0.5 a million tokens and anew at 0.5, so a cache saves nothing",
    ),
    "a cache of stated prices": (
        "api",
        (EVERY["fine_tune"][1], sc.PromptCache(to=0.5, writes=0, model="ours")),
        r"prices of ours are stated by a change",
    ),
    "batches of stated prices": (
        "api",
        (EVERY["fine_tune"][1], sc.Batch(share=0.5, model="ours")),
        r"give discount=",
    ),
    "all in batches already": (
        "api",
        (sc.Batch(share=1.0), sc.Batch(share=0.5, name="again", where={"service_tier": "batch"})),
        r"of the standard tier",
    ),
    "in the region already": (
        "api",
        (sc.Region("eu", price_ratio=1.1), sc.Region("eu", price_ratio=1.1, name="again", where={"region": "eu"})),
        r"is in eu already",
    ),
    "a level of two prices": (
        "api",
        (sc.Batch(share=0.5, discount=0.2), sc.Intensity("output_tokens", to=100)),
        r"billed at two prices",
    ),
}


@pytest.mark.parametrize(("where", "changes", "message"), UNFIT.values(), ids=UNFIT.keys())
def test_a_lever_that_does_not_fit_is_told(worlds, where, changes, message):
    with pytest.raises(ScenarioError, match=message):
        totals(worlds[where], *(changes if isinstance(changes, tuple) else (changes,)))


def test_what_is_known_only_as_tokens_has_no_level_and_no_ratio():
    days = pd.date_range("2026-01-01", periods=120)
    frame = pd.DataFrame({"date": days, "provider": "acme", "model": "big", "total_tokens": 1e6})
    usage = fc.Usage.from_frame(frame.assign(environment="production", project="search"))
    whole = fc.project(usage, start="2026-05-01", end="2026-06-30", lag=0, seed=0, trajectories=10)
    book = fc.PriceBook.blended(3.0) | BOOK

    def total(change):
        return outcomes(whole, [sc.Scenario("x", [change])], prices=book, draws=20, seed=1)[0].totals[0]

    assert total(sc.Tokenizer(by=0.2)) == pytest.approx(61 * 3.6, abs=0.005)
    with pytest.raises(ScenarioError, match="no requests to count"):
        total(sc.Intensity("total_tokens", to=5))
    with pytest.raises(ScenarioError, match="known only as total_tokens"):
        total(sc.Route("big", "small", share=0.5, input_ratio=1.2))


def test_a_forced_migration_is_mix_in_a_bridge():
    assert sc.Migrate("big", "small", on="2026-06-01").step == "levers"
    assert sc.Migrate("big", "small", on="2026-06-01", forced=True).step == "mix"
    assert sc.Tokenizer(by=0.1).step == "intensity"


def test_two_levers_of_one_kind_are_told_apart_by_model_or_name():
    sc.Scenario("x", [sc.PromptTrim(by=-0.1, model="big"), sc.PromptTrim(by=-0.1, model="small")])
    with pytest.raises(ScenarioError, match=re.escape("stands twice")):
        sc.Scenario("x", [sc.PromptTrim(by=-0.1), sc.PromptTrim(by=-0.2)])
