"""Changes of price: hand arithmetic on noise-free usage, closed forms, and what composes or contradicts."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import forecast as fc
import scenarios as sc
from forecast.errors import PriceError, ScenarioError
from forecast.prices import PriceBook
from scenarios.changes import World, kind_of
from scenarios.changes.flows import flows_of
from scenarios.changes.scene import Scene
from scenarios.changes.vendor_prices import Calibration
from scenarios.costing import Course
from scenarios.outcome import outcomes
from tests.usages import organisation, plain

BOOK = PriceBook.builtin()
#: gpt-5: 1.25 USD a million tokens in; 1,000 requests of 1,000 tokens a day.
DAILY = 1.25
#: Sums of a few hundred doubles in two orders.
ROUNDING = 1e-12


@pytest.fixture(scope="module")
def flat():
    """1.25 USD a day from 2026-05-01 to 2026-06-30, without noise and without a gap."""
    usage = plain(np.full(120, 1_000.0), start="2026-01-01")
    return fc.project(usage, start="2026-05-01", end="2026-06-30", lag=0, trajectories=10)


@pytest.fixture(scope="module")
def monthly():
    """1,250 USD a month from 2027-01 to 2027-03, of monthly usage that ends in 2026-10: two months of gap."""
    months = pd.date_range("2025-01-01", "2026-10-01", freq="MS")
    frame = pd.DataFrame({"date": months, "provider": "openai", "model": "gpt-5", "environment": "production"})
    frame = frame.assign(project="search", requests=1e6, input_tokens=1e9)
    usage = fc.Usage.from_frame(frame, grain="month")
    return fc.project(usage, start="2027-01-01", end="2027-03-31", lag=0, trajectories=10)


@pytest.fixture(scope="module")
def noisy():
    return fc.project(organisation(), start="2026-12-01", end="2027-02-28", seed=3, trajectories=60)


def run(projection, *changes, draws=40, seed=1, n_jobs=1, name="x"):
    course = Course.of(sc.Scenario(name, changes), World(draws, seed))
    return outcomes(projection, [course], prices=BOOK, draws=draws, seed=seed, n_jobs=n_jobs)[0]


def months(projection, *changes, **how):
    """Money by planned month in the first draw; all draws have the same."""
    made = run(projection, *changes, **how).monthly
    np.testing.assert_allclose(made, made[:1].repeat(len(made), axis=0), rtol=ROUNDING)
    return made[0].tolist()


# ------------------------------------------------------------------------------------------------ prices that are set


def test_prices_set_on_two_dates_follow_their_dates_not_their_listing(flat):
    first = sc.PriceChange(on="2026-05-11", by=0.2, name="first")
    second = sc.PriceChange(on="2026-06-16", by=0.5, name="second")
    # 10 days at 1.25, 21 at 1.50; 15 at 1.50, 15 at 2.25.
    expected = pytest.approx([10 * 1.25 + 21 * 1.5, 15 * 1.5 + 15 * 2.25], rel=1e-9)
    assert months(flat, first, second) == expected
    assert months(flat, second, first) == expected


def test_a_stated_price_replaces_what_was_and_a_later_change_sets_out_from_it(flat):
    stated = sc.PriceChange(unit="input_tokens", on="2026-06-11", to=3.0)
    later = sc.PriceChange(on="2026-06-21", by=-0.5)
    expected = pytest.approx([31 * 1.25, 10 * 1.25 + 10 * 3.0 + 10 * 1.5], rel=1e-9)
    assert months(flat, later, stated) == expected


def test_announced_steps_are_the_same_as_their_changes(flat):
    steps = sc.PriceSteps(by={"2026-06-16": 0.5, "2026-05-11": 0.2})
    assert months(flat, steps) == pytest.approx([10 * 1.25 + 21 * 1.5, 15 * 1.5 + 15 * 2.25], rel=1e-9)
    stated = sc.PriceSteps(to={pd.Timestamp("2026-05-11"): 2.0, "2026-06-16": 4.0}, unit="input*")
    assert months(flat, stated) == pytest.approx([10 * 1.25 + 21 * 2, 15 * 2 + 15 * 4], rel=1e-9)
    assert "+20.0% on 2026-05-11, +50.0% on 2026-06-16" in steps.describe()


def test_two_changes_in_one_month_of_monthly_usage_act_for_their_days(monthly):
    first = sc.PriceChange(on="2027-01-11", by=0.2, name="first")
    second = sc.PriceChange(on="2027-01-21", to=3.0, unit="input_tokens", name="second")
    third = sc.PriceChange(on="2027-02-15", by=-0.5, name="third")
    # 1,000 million tokens a month: 10 days at 1.25, 10 at 1.50, 11 at 3; 14 at 3, 14 at 1.5; then 1.5.
    january = 1_000 * (10 * 1.25 + 10 * 1.5 + 11 * 3.0) / 31
    february = 1_000 * (14 * 3.0 + 14 * 1.5) / 28
    assert months(monthly, third, second, first) == pytest.approx([january, february, 1_500], rel=1e-9)


def test_a_change_in_the_gap_holds_in_the_plan(monthly):
    assert months(monthly, sc.PriceChange(on="2026-11-16", by=0.2)) == pytest.approx([1_500] * 3, rel=1e-9)
    gap = run(monthly, sc.PriceChange(on="2026-11-16", by=0.2)).cost[0].sum(axis=1)[:2]
    # November: 15 days at 1.25 and 15 at 1.50.
    assert gap.tolist() == pytest.approx([1_375, 1_500], rel=1e-9)


CONTRADICTIONS = {
    "certain and relative": (
        sc.PriceChange(on="2026-06-01", by=0.1, name="rise"),
        sc.PriceChange(on="2026-06-01", by=-0.1, model="gpt-5", name="cut"),
        r"contradict each other on openai/gpt-5 input_tokens: rise \(.*\+10.0%.*\), and cut \(.*-10.0%",
    ),
    "stated and perhaps": (
        sc.PriceChange(on="2026-06-01", to=1.0, name="stated", unit="input_tokens"),
        sc.PriceChange(on="2026-06-01", by=-0.1, probability=0.5, name="perhaps"),
        r"stated .*, and perhaps ",
    ),
    "a table and a change": (
        sc.PriceSteps(by={"2026-05-20": 0.1, "2026-06-01": 0.1}, name="announced"),
        sc.PriceChange(on="2026-06-01", by=-0.1, name="cut"),
        r"announced .*, and cut ",
    ),
    "two processes": (
        sc.VendorPrices(name="ours"),
        sc.VendorPrices(model="gpt*", name="theirs"),
        r"ours .*, and theirs ",
    ),
}


@pytest.mark.parametrize(("one", "other", "message"), CONTRADICTIONS.values(), ids=CONTRADICTIONS.keys())
def test_contradictory_changes_are_refused_and_both_are_named(flat, one, other, message):
    with pytest.raises(ScenarioError, match=message):
        run(flat, one, other)


def test_what_only_seems_to_contradict_composes(flat):
    perhaps = sc.PriceChange(on="2026-06-01", by=0.5, probability=0.5, name="perhaps")
    sure = sc.PriceChange(on="2026-06-01", by=0.2, name="sure")
    june = run(flat, perhaps, sure, draws=400).monthly[:, 1]
    np.testing.assert_allclose(np.unique(june.round(6)), [30 * 1.5, 30 * 1.25 * 1.2 * 1.5], rtol=1e-6)
    assert np.mean(june > 50) == 0.5
    tree = sc.Scenario("t").tree(
        [
            (0.5, sc.Scenario("up", [sc.PriceChange(on="2026-06-01", by=0.2)])),
            (0.5, sc.Scenario("down", [sc.PriceChange(on="2026-06-01", by=-0.2)])),
        ]
    )
    made = outcomes(flat, [Course.of(tree, World(100, 1))], prices=BOOK, draws=100, seed=1)[0].monthly[:, 1]
    np.testing.assert_allclose(np.sort(made), [30.0] * 50 + [45.0] * 50, rtol=1e-9)


def test_other_units_of_one_model_may_step_on_one_day():
    usage = plain(np.full(120, 1_000.0), start="2026-01-01", output_tokens=1e5)
    projection = fc.project(usage, start="2026-05-01", end="2026-05-31", lag=0, trajectories=10)
    changes = [
        sc.PriceChange(unit="input_tokens", on="2026-05-01", to=2.0),
        sc.PriceChange(unit="output_tokens", on="2026-05-01", to=20.0),
    ]
    assert months(projection, *changes) == pytest.approx([31 * (2.0 + 0.1 * 20.0)], rel=1e-9)


# ------------------------------------------------------------------------------------------ prices that vendors move


def process(noisy):
    return fc.calibrate_prices(as_of=noisy.as_of)


def test_the_mean_log_price_is_the_processs_own():
    usage = plain(np.full(120, 1_000.0), start="2026-01-01")
    projection = fc.project(usage, start="2027-05-01", end="2027-05-01", lag=0, trajectories=10)
    draws = 20_000
    vendor = fc.calibrate_prices()
    ratio = run(projection, sc.VendorPrices(process=vendor), draws=draws).totals / DAILY
    days = (pd.Timestamp("2027-05-01") - projection.as_of).days
    log = np.log(ratio)
    # The mean's own standard error at 20,000 draws, four times.
    assert log.mean() == pytest.approx(vendor.expected_log_factor("openai", days), abs=4 * log.std() / np.sqrt(draws))
    assert (log > 0).any()
    assert (log < 0).any()
    # Most paths have no jump: the share that has none is the mean of exp(-rate t) over the rate's Gamma law.
    ahead = vendor.of("openai").rate.ahead
    none = (1 + days / 365.25 / ahead.years) ** -ahead.shape
    assert np.mean(np.abs(log) < 1e-9) == pytest.approx(none, abs=4 * np.sqrt(none * (1 - none) / draws))


def test_jumps_are_those_of_the_process_draw_by_draw(noisy):
    draws, seed = 300, 5
    vendor = process(noisy)
    # Jumps often enough that many paths have several, on every model.
    made = run(noisy, sc.VendorPrices(process=Often(vendor)), draws=draws, seed=seed)
    lanes, days = noisy.drivers.lanes, noisy.days
    skus = noisy.routes.iloc[lanes["route"]].reset_index(drop=True).assign(unit=lanes["unit"].to_numpy())
    factors = Often(vendor).jumps(skus, days, draws=draws, seed=seed, known=BOOK, as_of=noisy.as_of).factors()
    assert (factors != 1).any(axis=1).mean() > 0.4
    price, inside = BOOK.matrix(skus, days), np.asarray(days >= noisy.span.start)
    dealt, blocks = noisy.draws(draws, seed), list(noisy.blocks(10))
    for d in range(0, draws, 3):
        block, row = divmod(int(dealt.trajectory[d]), 10)
        b = blocks[block]
        volume = b.volume[row][:, lanes["workload"]] * np.exp(dealt.log_factor[d])
        quantity = volume * b.mix[row][:, lanes["leg"]] * b.intensity[row]
        expected = (quantity * price * factors[d])[inside].sum()
        assert made.totals[d] == pytest.approx(expected, rel=ROUNDING)


class Often:
    """The same process on a clock two hundred times as fast, so that a path of weeks has jumps to look at."""

    def __init__(self, vendor):
        def fast(fit):
            return dataclasses.replace(fit, rate=dataclasses.replace(fit.rate, years=fit.rate.years / 200))

        self.inner = dataclasses.replace(vendor, providers=tuple(map(fast, vendor.providers)), other=fast(vendor.other))

    def jumps(self, *args, **how):
        return self.inner.jumps(*args, **how)


def test_jumps_do_not_depend_on_blocks_workers_or_other_models(noisy, monkeypatch):
    from scenarios import simulation

    vendor = sc.VendorPrices(process=Often(process(noisy)))
    one = run(noisy, vendor, draws=200)
    two = run(noisy, vendor, draws=200, n_jobs=2)
    assert np.array_equal(one.cost, two.cost)
    monkeypatch.setattr(simulation, "BLOCK", 7)
    np.testing.assert_allclose(run(noisy, vendor, draws=200).totals, one.totals, rtol=ROUNDING)
    narrow = sc.VendorPrices(process=vendor.process, model="gpt-5")
    at = (one.labels["model"] == "gpt-5").to_numpy()
    alone = run(noisy, narrow, draws=200)
    np.testing.assert_allclose(alone.cost[:, :, at], one.cost[:, :, at], rtol=ROUNDING)
    as_is = run(noisy, draws=200)
    np.testing.assert_allclose(alone.cost[:, :, ~at], as_is.cost[:, :, ~at], rtol=ROUNDING)


@pytest.mark.parametrize("turn", [1, -1], ids=["jumps first", "change first"])
def test_a_price_that_is_set_ends_the_jumps_of_its_skus_from_its_day(flat, turn):
    vendor = sc.VendorPrices(process=Often(fc.calibrate_prices()))
    set_ = sc.PriceChange(unit="input_tokens", on="2026-06-01", to=2.0)
    free = run(flat, vendor, draws=300).monthly
    made = run(flat, *(vendor, set_)[::turn], draws=300).monthly
    assert np.array_equal(made[:, 0], free[:, 0])  # May jumps as before
    assert len(np.unique(free[:, 1].round(6))) > 100
    np.testing.assert_allclose(made[:, 1], 30 * 2.0, rtol=1e-9)


@pytest.mark.parametrize("turn", [1, -1], ids=["jumps first", "change first"])
def test_a_relative_change_sets_out_from_where_the_price_has_jumped_to(flat, turn):
    vendor = sc.VendorPrices(process=Often(fc.calibrate_prices()))
    cut = sc.PriceChange(on="2026-06-01", by=-0.3, probability=0.5)
    course = Course.of(sc.Scenario("x", (vendor, cut)[::turn]), World(300, 1))
    made = outcomes(flat, [course], prices=BOOK, draws=300, seed=1)[0].monthly
    scene = Scene.of(flat, BOOK, World(300, 1))
    happens = scene.coin(cut.key, 0.5)
    skus = pd.DataFrame({"provider": ["openai"], "model": ["gpt-5"], "unit": ["input_tokens"]})
    jumps = vendor.process.jumps(skus, flat.days, draws=300, seed=1, known=BOOK, as_of=flat.as_of)
    factor = jumps.factors()[:, :, 0]
    first = int(np.argmax(flat.days >= "2026-06-01"))
    june = np.where(happens, 30 * 0.7 * factor[:, first], factor[:, first:].sum(axis=1)) * DAILY
    np.testing.assert_allclose(made[:, 1], june, rtol=1e-9)


def test_monthly_usage_has_the_mean_price_of_a_months_days(monthly):
    vendor = sc.VendorPrices(process=Often(fc.calibrate_prices()))
    made = run(monthly, vendor, draws=200).monthly
    days = pd.date_range("2026-11-01", "2027-03-31")
    skus = pd.DataFrame({"provider": ["openai"], "model": ["gpt-5"], "unit": ["input_tokens"]})
    factor = vendor.process.jumps(skus, days, draws=200, seed=1, known=BOOK, as_of=monthly.as_of).factors()[:, :, 0]
    for i, month in enumerate(("2027-01", "2027-02", "2027-03")):
        own = factor[:, np.asarray(days.to_period("M") == month)].mean(axis=1)
        np.testing.assert_allclose(made[:, i], 1_250 * own, rtol=1e-9)


def test_a_process_is_calibrated_as_of_the_projections_date(flat):
    given = fc.calibrate_prices(as_of=flat.as_of)
    assert np.array_equal(run(flat, sc.VendorPrices()).cost, run(flat, sc.VendorPrices(process=given)).cost)
    own = Calibration(provider="openai")
    told = fc.calibrate_prices(provider="openai", as_of=flat.as_of)
    assert np.array_equal(
        run(flat, sc.VendorPrices(process=own), draws=500).cost,
        run(flat, sc.VendorPrices(process=told), draws=500).cost,
    )
    with pytest.raises(PriceError, match="vendr"):
        run(flat, sc.VendorPrices(process=Calibration(sellers=("vendr",))))


def test_a_step_that_the_price_book_knows_is_neither_doubled_nor_undone(flat):
    rows = {"provider": "openai", "model": "gpt-5", "unit": "input_tokens", "currency": "USD"}
    dated = pd.DataFrame([{**rows, "price": 1.25}, {**rows, "price": 2.0, "valid_from": "2026-06-30"}])
    book = PriceBook.from_frame(dated.assign(valid_from=dated["valid_from"].fillna("2025-01-01")))
    vendor = sc.VendorPrices(process=Often(fc.calibrate_prices()))
    world = World(200, 1)

    def june(*changes):
        course = Course.of(sc.Scenario("x", changes), world)
        return outcomes(flat, [course], prices=book, draws=200, seed=1)[0].monthly[:, 1]

    # The last day's price is the book's in every draw; a change on that day sets out from it.
    changed = sc.PriceChange(on="2026-06-30", by=0.5)
    np.testing.assert_allclose(june(vendor, changed) - june(vendor), 0.5 * 2.0, rtol=1e-9)
    assert len(np.unique(june(vendor).round(6))) > 20


def test_a_history_that_says_too_little_is_told():
    usage = plain(np.full(120, 1_000.0), start="2025-01-01")
    early = fc.project(usage, start="2025-05-10", end="2025-05-31", lag=0, trajectories=10)
    with pytest.raises(ScenarioError, match=r"by 2025-04-30, .*cannot be calibrated: .*fc.calibrate_prices"):
        run(early, sc.VendorPrices())


# ------------------------------------------------------------------------------------ discounts and negotiations


def test_a_discount_that_expires_in_mid_month(flat, monthly):
    held = sc.Discount(0.2, until="2026-06-10")
    assert months(flat, held) == pytest.approx([31 * 1.0, 10 * 1.0 + 20 * 1.25], rel=1e-9)
    begun = sc.Discount(0.2, on="2027-02-15", until="2027-03-10")
    assert months(monthly, begun) == pytest.approx(
        [1_250, 1_250 * (1 - 0.2 * 14 / 28), 1_250 * (1 - 0.2 * 10 / 31)], rel=1e-9
    )


def test_discounts_lie_on_top_of_list_prices_and_commute_with_everything(flat):
    discounts = [sc.Discount(0.1, name="a"), sc.Discount(0.1, on="2026-06-01", name="b")]
    stated = sc.PriceChange(unit="input_tokens", on="2026-06-01", to=2.0)
    expected = pytest.approx([31 * 1.25 * 0.9, 30 * 2.0 * 0.81], rel=1e-9)
    for listed in ([*discounts, stated], [stated, *discounts], [discounts[1], stated, discounts[0]]):
        assert months(flat, *listed) == expected


@pytest.mark.parametrize(
    "half",
    [
        sc.Discount(0.5, on="2026-12-01", where={"project": "search"}, model="gpt-5"),
        sc.PriceChange(by=-0.5, on="2026-12-01", where={"project": "search"}, model="gpt-5"),
        sc.PriceSteps({"2026-12-01": -0.5}, where={"project": "search"}, model="gpt-5"),
    ],
    ids=kind_of,
)
def test_a_price_moves_where_it_is_said_to(noisy, half):
    made, as_is = run(noisy, half, draws=60), run(noisy, draws=60)
    at = ((made.labels["project"] == "search") & (made.labels["model"] == "gpt-5")).to_numpy()
    part = np.where(made.spans.planned, 0.5, 1.0)[None, :, None]
    np.testing.assert_allclose(made.cost[:, :, at], part * as_is.cost[:, :, at], rtol=ROUNDING)
    assert np.array_equal(made.cost[:, :, ~at], as_is.cost[:, :, ~at])


def test_an_uncertain_discount_has_its_range(flat):
    share = 1 - run(flat, sc.Discount(sc.between(0.1, 0.3)), draws=2_000).totals / (61 * 1.25)
    # Stratified draws: a quantile is known to about one stratum of 2,000.
    assert np.quantile(share, [0.1, 0.9]).tolist() == pytest.approx([0.1, 0.3], abs=1e-3)


def test_a_negotiation_holds_from_its_own_day_in_the_paths_in_which_it_succeeds(flat):
    talk = sc.Negotiation(0.2, on="2026-05-11", probability=0.25, delay=sc.between(5, 40), until="2026-06-20")
    draws = 2_000
    scene = Scene.of(flat, BOOK, World(draws, 1))
    delay = np.ceil(scene.draw(talk.key, talk.delay, "amount", "delay"))
    happens = scene.coin(talk.key, 0.25)
    days = np.asarray([(pd.Timestamp("2026-06-20") - pd.Timestamp("2026-05-11")).days + 1 - d for d in delay])
    expected = 61 * DAILY - 0.2 * DAILY * np.where(happens, np.maximum(days, 0), 0)
    np.testing.assert_allclose(run(flat, talk, draws=draws).totals, expected, rtol=1e-9)
    assert happens.mean() == 0.25
    assert np.quantile(delay, [0.1, 0.9]).tolist() == pytest.approx([5, 40], abs=1)  # whole days
    assert "probability of 25%" in talk.describe()


def test_a_certain_negotiation_is_a_discount(flat):
    talk = sc.Negotiation(0.2, on="2026-05-11", delay=4.5, until="2026-06-10")
    same = sc.Discount(0.2, on="2026-05-16", until="2026-06-10")
    assert months(flat, talk) == pytest.approx(months(flat, same), rel=ROUNDING)


# ------------------------------------------------------------------------------------------------- currencies


def test_a_currency_that_moves_at_once_and_by_drift(flat):
    jump = sc.ExchangeRate(by=0.1, on="2026-06-16", currency="EUR")
    assert months(flat, jump) == pytest.approx([31 * 1.25, 15 * 1.25 + 15 * 1.375], rel=1e-9)
    drift = sc.ExchangeRate(drift=0.1)
    t = np.arange(1, 62) / 365.25
    expected = 1.25 * 1.1**t
    assert months(flat, drift) == pytest.approx([expected[:31].sum(), expected[31:].sum()], rel=1e-9)


def test_the_walk_of_a_rate_has_the_closed_forms_of_brownian_motion(flat):
    draws = 4_000
    rate = sc.ExchangeRate(drift=0.05, volatility=0.2, by=0.1)
    log = np.log(rate.factors(Scene.of(flat, BOOK, World(draws, 1))))
    t = np.arange(1, 62) / 365.25
    z = (log - np.log(1.1) - t * np.log(1.05)) / 0.2
    # Variance t, and covariance min(s, t): four standard errors of a sample covariance.
    covariance = z.T @ z / draws
    exact = np.minimum(t[:, None], t[None, :])
    error = np.sqrt((exact**2 + np.outer(t, t)) / draws)
    assert (np.abs(covariance - exact) <= 4 * error).all()
    assert stats.kstest(z[:, -1] / np.sqrt(t[-1]), "norm").pvalue > 0.5  # its end is stratified
    steps = np.diff(z, axis=1) * np.sqrt(365.25)
    assert stats.kstest(steps.ravel()[::7], "norm").pvalue > 0.001


def test_a_walk_begins_on_its_day_and_is_one_a_path(noisy):
    rate = sc.ExchangeRate(volatility=0.1, on="2027-01-01")
    made, as_is = run(noisy, rate, draws=200), run(noisy, draws=200)
    np.testing.assert_allclose(made.monthly[:, 0], as_is.monthly[:, 0], rtol=ROUNDING)
    ratio = made.monthly / as_is.monthly
    # One path: February's rate goes on from January's.
    assert np.corrcoef(np.log(ratio[:, 1]), np.log(ratio[:, 2]))[0, 1] > 0.6
    assert rate.step == "currency"
    two = run(noisy, rate, draws=200, n_jobs=2)
    assert np.array_equal(made.cost, two.cost)


def test_a_rate_can_be_tied_to_another_parameter(flat):
    from scenarios.dependence import RankCorrelation

    rate = sc.ExchangeRate(volatility=0.1, name="dollar")
    cut = sc.Discount(sc.between(0.1, 0.3), name="cut")
    tied = sc.Scenario("x", [rate, cut], dependence=[RankCorrelation({("dollar.volatility", "cut.share"): 0.9})])
    world = tied.world(World(2_000, 1))
    scene = Scene.of(flat, BOOK, world)
    end = rate.factors(scene)[:, -1]
    share = scene.draw(cut.key, cut.share, "share", "share")
    # Spearman's 0.9 at 2,000 draws has a standard error of about 0.005.
    assert stats.spearmanr(end, share).statistic == pytest.approx(0.9, abs=0.02)


# ------------------------------------------------------------------------------------------------- elasticity


def test_volume_answers_to_a_price_by_the_power_law(flat):
    dearer = sc.PriceChange(on="2026-06-01", by=0.1)
    answer = sc.Elasticity(0.3)
    june = 30 * 1.25 * 1.1 * 1.1**-0.3
    assert months(flat, dearer, answer) == pytest.approx([31 * 1.25, june], rel=1e-9)
    assert months(flat, answer, dearer) == pytest.approx([31 * 1.25, june], rel=1e-9)
    stated = sc.PriceChange(unit="input_tokens", on="2026-06-01", to=2.5)
    assert months(flat, stated, answer)[1] == pytest.approx(30 * 2.5 * 2**-0.3, rel=1e-9)
    assert "elasticity of 0.30" in answer.describe()
    assert "elasticity 0" in sc.Elasticity().describe()


def test_the_index_weighs_flows_by_what_they_cost():
    usage = plain(np.full(120, 1_000.0), start="2026-01-01", output_tokens=1e5)
    projection = fc.project(usage, start="2026-05-01", end="2026-05-31", lag=0, trajectories=10)
    dearer = sc.PriceChange(unit="output_tokens", on="2026-05-01", by=0.5)
    # A day's 1 million in at 1.25 and 0.1 million out at 10: the index is (1.25 + 1.5) / (1.25 + 1).
    index = (1.25 + 1.5) / 2.25
    assert months(projection, dearer, sc.Elasticity(0.4)) == pytest.approx([31 * 2.75 * index**-0.4], rel=1e-9)
    # Half of the input is cut by a lever: it weighs half.
    trimmed = sc.PromptTrim(by=-0.5)
    index = (0.625 + 1.5) / 1.625
    assert months(projection, trimmed, dearer, sc.Elasticity(0.4)) == pytest.approx(
        [31 * 2.125 * index**-0.4], rel=1e-9
    )


def test_elasticity_acts_draw_by_draw_and_only_where_it_is_said(noisy):
    changes = [sc.PriceChange(on="2026-12-01", by=sc.between(-0.4, -0.2)), sc.Discount(0.1, model="gpt-5-mini")]
    before = run(noisy, *changes, draws=150)
    made = run(noisy, *changes, sc.Elasticity(sc.between(0.2, 0.6), where={"project": "search"}), draws=150)
    at = (made.labels["project"] == "search").to_numpy()
    assert np.array_equal(made.cost[:, :, ~at], before.cost[:, :, ~at])
    ratio = made.cost[:, :, at].sum(axis=(1, 2)) / before.cost[:, :, at].sum(axis=(1, 2))
    assert (ratio > 1).all()
    assert np.unique(ratio.round(9)).size > 100
    answer = sc.Elasticity(0.4)
    one, two = (run(noisy, *changes, answer, draws=150, n_jobs=n) for n in (1, 2))
    assert np.array_equal(one.cost, two.cost)


def test_volume_counts_answer_with_the_tokens(flat):
    flows = flows_of(flat)
    scene = Scene.of(flat, BOOK, World(10, 1))
    changes = [sc.PriceChange(on="2026-06-01", by=0.1), sc.Elasticity(0.3)]
    for change in changes:
        flows = change.act(flows, scene)
    assert flows.volume.any()
    assert len(set(flows.terms.code)) == 1  # tokens and volume by one factor


def test_prices_that_fall_to_nothing_are_no_index(flat):
    with pytest.raises(ScenarioError, match="fall to nothing"):
        run(flat, sc.Discount(1.0), sc.Elasticity(0.3))


# ---------------------------------------------------------------------------------------- what is neutral or never


NEUTRAL = {
    "a change that never happens": sc.PriceChange(on="2027-01-01", by=-0.5, probability=0.0),
    "no discount": sc.Discount(0.0),
    "talks that never succeed": sc.Negotiation(0.3, on="2027-01-01", probability=0.0),
    "talks for nothing": sc.Negotiation(0.0, on="2027-01-01"),
    "a rate that stays": sc.ExchangeRate(currency="EUR"),
    "no elasticity": sc.Elasticity(),
    "an elasticity of prices that stay": sc.Elasticity(0.5),
}


@pytest.mark.parametrize("change", NEUTRAL.values(), ids=NEUTRAL.keys())
def test_what_is_neutral_changes_nothing_bit_for_bit(noisy, change):
    assert np.array_equal(run(noisy, change, draws=100).cost, run(noisy, draws=100).cost)


def test_uncertain_sizes_reach_their_ranges_ends(flat):
    by = run(flat, sc.PriceSteps(by={"2026-05-01": sc.between(0.1, 0.4)}), draws=2_000).totals / (61 * 1.25) - 1
    assert np.quantile(by, [0.1, 0.9]).tolist() == pytest.approx([0.1, 0.4], abs=1e-3)


BAD = {
    "no steps": (sc.PriceSteps, r"either as by="),
    "both tables": (lambda: sc.PriceSteps(by={"2027-01-01": 1}, to={"2027-01-01": 1}), r"either as by="),
    "an empty table": (lambda: sc.PriceSteps(by={}), r"wanted steps by date"),
    "no date": (lambda: sc.PriceSteps(by={"soon": 0.1}), r"not a date"),
    "one day twice": (lambda: sc.PriceSteps(by={"2027-01-01": 0.1, pd.Timestamp("2027-01-01"): 0.2}), r"stands twice"),
    "a step to nothing": (lambda: sc.PriceSteps(by={"2027-01-01": -1}), r"2027-01-01\] = -1.*leaves nothing"),
    "percent for a share": (lambda: sc.Discount(15), r"between 0 and 1"),
    "a term upside down": (lambda: sc.Discount(0.1, on="2027-02-01", until="2027-01-01"), r"lies before on"),
    "talks without a day": (lambda: sc.Negotiation(0.1), r"from which day"),
    "talks at odds": (lambda: sc.Negotiation(0.1, on="2027-01-01", probability=2), r"from 0 to 1"),
    "talks before time": (lambda: sc.Negotiation(0.1, on="2027-01-01", delay=-3), r"cannot be negative"),
    "a price in percent": (lambda: sc.PriceChange(on="2026-06-01", by=30), r"for 30 % write 0.3"),
    "steps in percent": (lambda: sc.PriceSteps(by={"2026-06-01": sc.between(5, 10)}), r"for 5 % write 0.05"),
    "a currency in percent": (lambda: sc.ExchangeRate(by=8), r"for 8 % write 0.08"),
    "volatility in percent": (lambda: sc.ExchangeRate(volatility=8), r"for 8 % write 0.08"),
    "a negative elasticity": (lambda: sc.Elasticity(-0.5), r"cannot be negative"),
    "no process": (lambda: sc.VendorPrices(process=3), r"calibrate_prices"),
}


@pytest.mark.parametrize(("make", "message"), BAD.values(), ids=BAD.keys())
def test_bad_changes_are_told(make, message):
    with pytest.raises(ScenarioError, match=message):
        make()


MISFITS = {
    "after the horizon": (sc.PriceSteps(by={"2026-05-10": 0.1, "2027-01-01": 0.1}), r"after the horizon"),
    "a discount after it": (sc.Discount(0.1, on="2027-01-01"), r"Discount.on = 2027-01-01: lies after the horizon"),
    "a discount that is over": (sc.Discount(0.1, until="2026-04-01"), r"lies before the first day"),
    "a model that is not there": (sc.Discount(0.1, model="gtp-5"), r"matches nothing; there are gpt-5; did you mean"),
    "a column that is not there": (sc.ExchangeRate(by=0.1, where={"team": "x"}), r"'team' is not a column"),
    "a project that is not there": (sc.VendorPrices(where={"project": "serch"}), r"did you mean 'search'"),
}


@pytest.mark.parametrize(("change", "message"), MISFITS.values(), ids=MISFITS.keys())
def test_changes_that_do_not_fit_are_told(flat, change, message):
    with pytest.raises(ScenarioError, match=message):
        run(flat, change)


def test_a_price_for_what_is_known_only_as_money_or_is_free_is_refused():
    days = pd.date_range("2026-01-01", periods=120)
    frame = pd.DataFrame({"date": days, "provider": "openai", "model": "gpt-5", "environment": "production"})
    usage = fc.Usage.from_frame(frame.assign(project="x", billed_cost=5.0, currency="USD"))
    projection = fc.project(usage, start="2026-05-01", end="2026-05-31", lag=0, trajectories=10)
    with pytest.raises(ScenarioError, match=r"known only as money.*give by="):
        run(projection, sc.PriceChange(on="2026-05-01", to=2.0))
    assert months(projection, sc.PriceChange(on="2026-05-01", by=0.2)) == pytest.approx([31 * 6.0], rel=1e-9)
    free = PriceBook.from_frame(
        pd.DataFrame(
            {"provider": ["openai"], "model": ["gpt-5"], "unit": ["input_tokens"], "price": [0.0], "currency": ["USD"]}
        )
    )
    flat = fc.project(
        plain(np.full(120, 1_000.0), start="2026-01-01"), start="2026-05-01", end="2026-05-31", lag=0, trajectories=10
    )
    with pytest.raises(ScenarioError, match="free by the price book"):
        outcomes(
            flat,
            [Course.of(sc.Scenario("x", [sc.PriceChange(on="2026-05-01", to=2.0)]), World(10, 1))],
            prices=free,
            draws=10,
            seed=1,
        )
