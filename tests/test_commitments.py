"""Commitments against on demand: against hand arithmetic, the newsvendor, brute force, and the plan made again."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import lognorm

import forecast as fc
import scenarios as sc
from forecast.errors import PlanError, ScenarioError
from forecast.prices.billing import Allowance
from scenarios.budget.committing.costs import costs_of
from scenarios.budget.committing.curve import Curve
from scenarios.budget.committing.demand import Demand
from scenarios.budget.committing.optimum import TOLERANCE, Sizes, critical_size, least_expected, least_quantile
from scenarios.budget.committing.ranges import likely_least, nearly_least
from scenarios.budget.committing.sized import sized
from scenarios.budget.committing.terms import offered
from tests.usages import organisation, plain

#: Sums of some hundred products in another order: far above their rounding, far below a cent.
ROUNDING = 1e-9


@pytest.fixture(scope="module")
def projection():
    return fc.project(organisation(), start="2026-12-01", end="2027-05-31", seed=3, trajectories=40)


@pytest.fixture(scope="module")
def plan(projection):
    scenario = sc.Scenario("growth", [sc.Growth(monthly=sc.between(-0.02, 0.08))])
    lines = [sc.Fixed("gateway", sc.between(500, 900))]
    split = sc.EnvironmentSplit(development=(0.15, 0.20), production=(0.60, 0.70))
    return sc.plan(projection, scenario=scenario, components=lines, split=split, draws=300, seed=5)


@pytest.fixture(scope="module")
def flat():
    """1.25 USD and a million tokens a day, in every future: July and August cost 38.75, September 37.50."""
    usage = plain(np.full(140, 1_000.0), start="2026-01-01")
    projection = fc.project(usage, start="2026-07-01", end="2026-09-30", lag=0, trajectories=10)
    return sc.plan(projection, draws=100)


def demand(money, length=None, counted=None):
    """Months of known demand, from January 2027."""
    values = np.asarray(money, dtype="float64")
    first = pd.date_range("2027-01-01", periods=values.shape[1], freq="MS")
    months = np.ones(values.shape[1]) if length is None else np.asarray(length, dtype="float64")
    units = None if counted is None else np.asarray(counted, dtype="float64")
    return Demand(values, units, first, first + pd.offsets.MonthEnd(0), months)


def costs(money, kind="spend", **terms):
    return costs_of(offered(kind, terms), demand(money))


def judged(known, size, trajectory=None):
    draws = len(known.on_demand)
    follows = np.arange(draws) if trajectory is None else trajectory
    return sized(known, size, "", np.zeros(draws), follows, 0.8, "USD")


# ----------------------------------------------------------------------------------------------------------- by hand

TWO_MONTHS = [[100.0, 60.0], [140.0, 80.0]]


def test_two_months_by_hand():
    # 80 a month at a quarter off costs 2 · 60 = 120 whatever is used. The first future pays 20 more in January and
    # leaves 20 of February; the second pays 60 more in January and uses February to the full.
    one = judged(costs(TWO_MONTHS, discount=0.25), 80.0)
    assert (one.on_demand, one.committed) == (190.0, 120.0)
    known = costs(TWO_MONTHS, discount=0.25)
    assert known.cost(80.0).tolist() == [140.0, 180.0]
    assert known.paths(80.0).tolist() == [[80.0, 60.0], [120.0, 60.0]]
    assert (one.expected, one.saving, one.probability) == (160.0, 30.0, 1.0)
    # Twenty of February's eighty are wasted in one of two futures: a quarter of 60, 15, or 7.5 of 120 on average.
    assert (one.waste, one.waste_share, one.utilisation) == (7.5, 7.5 / 120, 1 - 7.5 / 120)
    assert one.coverage == pytest.approx((140 + 160) / (160 + 220), rel=ROUNDING)
    assert one.savings_rate == pytest.approx(30 / 190, rel=ROUNDING)
    # It breaks even where 160 sold at (1 - d) cost what the 150 that are used on average cost on demand.
    assert one.break_even == pytest.approx(1 - 150 / 160, rel=ROUNDING)
    # The savings of two futures, 20 and 40: standard error 10 = 14.14 / sqrt(2).
    assert one.saving_se == pytest.approx(10.0, rel=ROUNDING)


@pytest.mark.parametrize(
    ("kind", "terms", "size", "wanted"),
    [
        ("spend", {"discount": 0.25, "sized_in": "paid"}, 60.0, [140.0, 180.0]),
        # A minimum of 80 a month, and a quarter off all: 75 + 60, then 105 + 60.
        ("spend", {"discount": 0.25, "overage": "discounted", "least": 1}, 80.0, [135.0, 165.0]),
        ("spend", {"discount": 0.25, "ramp": {"2027-01": 0.5}}, 80.0, [60 + 60 + 20, 60 + 100 + 40]),
        ("spend", {"discount": 0.25, "ramp": {"2027-02": 2}}, 40.0, [30 + 60 + 60, 30 + 100 + 60]),
        # In all 0.9 · 160 = 144 and 0.9 · 220 = 198.
        ("minimum", {"discount": 0.10, "least": 1}, 150.0, [150.0, 198.0]),
        ("minimum", {"discount": {100: 0.1, 150: 0.2}}, 150.0, [150.0, 176.0]),
        # Three units at 20 serve 30 of money each.
        ("capacity", {"price": 20, "serves": 30, "counts": "cost"}, 3, [130.0, 170.0]),
        # Half of the hours at 1.5 times the mean, half at half of it: 150 and 50 to 90, then 90 and 30.
        ("capacity", {"price": 20, "serves": 30, "counts": "cost", "profile": [0.5, 1.5] * 12}, 3, [150.0, 195.0]),
    ],
)
def test_every_kind_by_hand(kind, terms, size, wanted):
    known = costs(TWO_MONTHS, kind, **terms)
    assert known.cost(size).tolist() == pytest.approx(wanted, rel=ROUNDING)
    assert known.paths(size).sum(axis=1).tolist() == pytest.approx(wanted, rel=ROUNDING)


def test_capacity_of_tokens_by_hand():
    # January has 44,640 minutes, February 40,320; a unit serves 1,000 tokens in each. 50 million tokens cost 100 USD,
    # and 30 million 60: in January 5.36 million of them exceed one unit, at 2 USD a million.
    known = costs_of(
        offered("capacity", {"price": 70, "serves": 1_000}), demand([[100.0, 60.0]], counted=[[50e6, 30e6]])
    )
    assert known.paths(1.0).tolist() == [pytest.approx([70 + 10.72, 70], rel=ROUNDING)]
    assert judged(known, 1.0).coverage == pytest.approx((89.28 + 60) / 160, rel=ROUNDING)
    # Of February's fee 30 / 40.32 is used.
    assert judged(known, 1.0).waste == pytest.approx(70 * (1 - 30 / 40.32), rel=ROUNDING)
    assert judged(known, 1.0).break_even == pytest.approx((89.28 + 60) / 2, rel=ROUNDING)
    hourly = costs_of(
        offered("capacity", {"price": 0.1, "price_per": "hour", "serves": 1_000}),
        demand([[100.0, 60.0]], counted=[[50e6, 30e6]]),
    )
    assert hourly.paths(1.0).tolist() == [pytest.approx([74.4 + 10.72, 67.2], rel=ROUNDING)]
    assert judged(hourly, 1.0).break_even == pytest.approx((89.28 + 60) / (744 + 672), rel=ROUNDING)


def test_a_plan_by_hand(flat):
    made = sc.commitment(flat, discount=0.2)
    # July and August want 38.75 a month, September 37.50: a unit above 37.50 is used in two months of three, and must
    # be in four of five to pay at a fifth off, or in three of five at two fifths off.
    assert made.least_expected == pytest.approx(37.50, rel=ROUNDING)
    assert sc.commitment(flat, discount=0.4).least_expected == pytest.approx(38.75, rel=ROUNDING)
    assert made.cost(38.75)[0] == pytest.approx(3 * 0.8 * 38.75, rel=ROUNDING)
    assert made.paths(38.0)[0].tolist() == pytest.approx([30.4 + 0.75, 30.4 + 0.75, 30.4], rel=ROUNDING)
    assert made.months.astype(str).tolist() == ["2026-07", "2026-08", "2026-09"]
    part = sc.commitment(flat, discount=0.2, start="2026-07-17", end="2026-08-31")
    # July has 15 of its days in it: 18.75 of usage, and 15 / 31 of the size.
    assert part.costs.on_demand[0] == pytest.approx(15 * 1.25 + 38.75, rel=ROUNDING)
    assert part.least_expected == pytest.approx(38.75, rel=ROUNDING)
    assert part.cost(31.0)[0] == pytest.approx(0.8 * (15 + 31) + 3.75 + 7.75, rel=ROUNDING)


# ----------------------------------------------------------------------------------------------------------- limits


def test_no_discount_no_commitment():
    known = costs(TWO_MONTHS, discount=0.0)
    (tier,) = known.tiers
    assert least_expected(tier.curve, tier.sizes) == (0.0, 190.0)
    assert least_quantile(tier.curve, np.zeros(2), 0.8, tier.sizes).size == 0.0


@pytest.mark.parametrize("discount", [0.01, 0.3, 0.95])
def test_constant_demand_is_committed_to(discount):
    known = costs(np.full((50, 4), 123.4), discount=discount)
    (tier,) = known.tiers
    assert critical_size(tier.curve) == 123.4
    assert least_quantile(tier.curve, np.zeros(50), 0.8, tier.sizes).size == pytest.approx(123.4, rel=1e-5)
    one = judged(known, 123.4)
    assert (one.waste, one.coverage, one.probability) == (pytest.approx(0.0, abs=1e-9), pytest.approx(1.0), 1.0)
    assert one.savings_rate == pytest.approx(discount, rel=ROUNDING)


def test_the_newsvendors_critical_fractile():
    # Of one month of log-normal demand the best size is the quantile at the discount: exact among draws, and within
    # their error of the closed form. Underage costs the discount a unit, overage what is paid for it.
    rng, discount, draws = np.random.default_rng(0), 0.35, 200_000
    months = rng.lognormal(10.0, 0.4, (draws, 1))
    best = critical_size(costs(months, discount=discount).tiers[0].curve)
    assert best == np.quantile(months, discount, method="inverted_cdf")
    law = lognorm(0.4, scale=np.exp(10.0))
    exact = law.ppf(discount)
    error = np.sqrt(discount * (1 - discount) / draws) / law.pdf(exact)
    assert abs(best - exact) < 4 * error  # one seeded sample: 4 of its standard errors
    # The least cost is the discounted partial expectation below the size, and all of what lies above it.
    below = law.expect(lambda x: x, ub=exact)
    least = float(costs(months, discount=discount).cost(best).mean())
    wanted = (1 - discount) * exact + (law.mean() - below) - exact * (1 - discount)
    assert least == pytest.approx(wanted, abs=4 * float(months.std()) / np.sqrt(draws))


# ------------------------------------------------------------------------------------------------------ brute force

money = st.floats(0.0, 1_000.0, allow_subnormal=False).map(lambda v: round(v, 3))
tables = (
    st.integers(1, 4)
    .flatmap(lambda months: st.lists(st.lists(money, min_size=months, max_size=months), min_size=3, max_size=9))
    .filter(lambda rows: np.sum(rows) > 1.0)
)
offers = st.sampled_from(
    [
        ("spend", {"discount": 0.3}),
        ("spend", {"discount": 0.45, "sized_in": "paid"}),
        ("spend", {"discount": 0.2, "profile": [1, 2, 3, 4] * 6}),
        ("spend", {"discount": {0: 0.1, 200: 0.15, 500: 0.4}}),
        ("spend", {"discount": 0.3, "step": 70, "least": 100}),
        ("spend", {"discount": {50: 0.1, 400: 0.2}, "overage": "discounted"}),
        ("capacity", {"price": 7, "serves": 10, "counts": "cost", "step": 3}),
        ("capacity", {"price": 4, "serves": 10, "counts": "cost", "peak_to_mean": 3}),
        ("minimum", {"discount": {100: 0.1, 900: 0.25}}),
    ]
)


def kinks(known):
    """Every size that may be sold and at which some future's cost bends, and the ends of each discount."""
    every = [0.0]
    for tier in known.tiers:
        bends = np.unique(tier.curve.demand[:, :, None] * tier.curve.level)
        bends = bends[(bends >= tier.sizes.low) & (bends < tier.sizes.high)]
        every += [tier.sizes.low, *bends] if tier.sizes.step is None else [s for b in bends for s in tier.sizes.near(b)]
        every += list(tier.sizes.ends()[:1])
    return np.unique(every)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(tables, offers)
def test_the_least_expected_cost_is_that_of_brute_force(rows, offer):
    known = costs(rows, offer[0], **offer[1])
    found = min((least_expected(t.curve, t.sizes) for t in known.tiers), key=lambda one: one[1])
    least = min(found[1], float(known.on_demand.mean()))
    brute = min(float(known.cost(size).mean()) for size in kinks(known))
    assert least == pytest.approx(brute, rel=ROUNDING, abs=ROUNDING)
    # And nothing between the kinks is better: cost is linear there.
    for size in np.random.default_rng(1).uniform(known.offer.floor, 1_200.0, 40):
        if known.offer.step is None:
            assert known.cost(float(size)).mean() >= least - ROUNDING * abs(least) - ROUNDING


def crossings(curve, low, high):
    """Every size at which a draw bends or two draws cost the same: between two of them each rank is one line."""
    bends = np.unique([low, high, *(curve.demand[:, :, None] * curve.level).ravel()])
    bends = bends[(bends >= low) & (bends <= high)]
    found = list(bends)
    for a, b in pairwise(bends):
        left, right = curve.cost(a), curve.cost(b)
        away, turned = np.subtract.outer(left, left), np.subtract.outer(right, right)
        with np.errstate(divide="ignore", invalid="ignore"):
            at = away / (away - turned)
        found += list(a + at[np.isfinite(at) & (at > 0) & (at < 1)] * (b - a))
    return np.unique(found)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(tables, offers, st.sampled_from([0.5, 0.8, 0.9]))
def test_the_least_quantile_is_that_of_every_crossing(rows, offer, level):
    known = costs(rows, offer[0], **offer[1])
    for tier in known.tiers:
        curve, none = tier.curve, np.zeros(len(rows))
        found = least_quantile(curve, none, level, tier.sizes)
        assert found.value == pytest.approx(np.quantile(curve.cost(found.size), level), rel=1e-12)
        low, high = tier.sizes.ends()
        high = max(low, min(high, max(tier.sizes.near(curve.most))))
        # A quantile between two ranks is a mean of two lines, so its least stands at a bend or a crossing too.
        looked = crossings(curve, low, high)
        if tier.sizes.step is not None:
            looked = np.arange(round(low / tier.sizes.step), round(high / tier.sizes.step) + 1) * tier.sizes.step
        least = min(float(np.quantile(curve.cost(float(size)), level)) for size in looked)
        assert found.value <= least * (1 + TOLERANCE) + 1e-9
        assert found.value >= least - ROUNDING * least - 1e-9
        assert found.gap <= 1.01 * TOLERANCE


@pytest.mark.parametrize(("beside", "valley"), [(500.0, 100.0), (800.0, 900.0)])
def test_the_quantile_need_not_be_convex(beside, valley):
    # Small futures that cost more beside, and large ones: the P25 has a valley at the size of each, and which of them
    # is deeper turns on the money beside. A search downhill from one of them would miss the other.
    rng = np.random.default_rng(3)
    rows = np.concatenate([rng.normal(100, 3, (50, 1)), rng.normal(900, 30, (50, 1))])
    other = np.repeat([beside, 0.0], 50)
    curve = costs(rows, discount=0.2).tiers[0].curve
    grid = np.linspace(0, 1_200, 2_401)
    quartiles = np.array([np.quantile(curve.cost(s) + other, 0.25) for s in grid])
    turns = np.diff(np.sign(np.diff(quartiles)))
    assert (turns > 0).sum() >= 2
    found = least_quantile(curve, other, 0.25, Sizes(0.0, np.inf))
    assert found.value <= quartiles.min() * (1 + TOLERANCE)
    assert found.size == pytest.approx(valley, rel=0.1)  # the spread of each kind


def test_money_beside_counts_in_the_quantile_alone():
    rng = np.random.default_rng(4)
    rows, beside = rng.lognormal(5, 0.5, (400, 3)), rng.lognormal(7, 0.5, 400)
    curve = costs(rows, discount=0.3).tiers[0].curve
    found = least_quantile(curve, beside, 0.8, Sizes(0.0, np.inf))
    least = min(np.quantile(curve.cost(s) + beside, 0.8) for s in np.linspace(0, 600, 3_001))
    assert found.value <= least * (1 + TOLERANCE)
    assert found.value == pytest.approx(np.quantile(curve.cost(found.size) + beside, 0.8), rel=1e-12)


def test_many_kinks_are_narrowed_down_to_the_same_size():
    # More kinks than are sorted at once, with ties; the referee sorts them all.
    rng = np.random.default_rng(5)
    rows = np.round(rng.lognormal(5, 0.6, (20_000, 6)), 1)
    known = costs(rows, discount=0.27, profile=[1, 2, 3] * 8)
    curve = known.tiers[0].curve
    x = (curve.demand[:, :, None] * curve.level).ravel()
    w = np.broadcast_to(curve.gain[:, :, None] * curve.weight, (*rows.shape, 3)).ravel()
    order = np.argsort(x)
    share = np.cumsum(w[order]) / w.sum()
    assert critical_size(curve) == x[order][np.argmax(share >= 0.27 - 1e-12)]


# -------------------------------------------------------------------------------------------------------- how sure


def test_sizes_within_one_percent_lie_on_the_line():
    rng = np.random.default_rng(6)
    known = costs(rng.lognormal(8, 0.3, (2_000, 6)), discount=0.3)
    near, best = nearly_least(known, 0.01), least_expected(known.tiers[0].curve, Sizes(0.0, np.inf))
    for size in (near.low, near.high):
        assert known.cost(size).mean() == pytest.approx(1.01 * best[1], rel=ROUNDING)
    assert near.low < best[0] < near.high
    whole = costs(rng.lognormal(8, 0.3, (2_000, 6)), "capacity", price=70, serves=100, counts="cost", step=2)
    low, high = (getattr(nearly_least(whole, 0.01), end) for end in ("low", "high"))
    bound = 1.01 * least_expected(whole.tiers[0].curve, whole.tiers[0].sizes)[1]
    assert whole.cost(low).mean() <= bound < whole.cost(low - 2).mean()
    assert whole.cost(high).mean() <= bound < whole.cost(high + 2).mean()


def test_the_range_of_the_best_size_holds_it_as_often_as_it_says():
    # Endless draws would commit to the quantile at 0.3 of a known law; the 80 % range from 500 draws of two months must
    # hold it in 80 % of samples. Of 400 samples the share has a standard error of 2 %; 4 of them are allowed.
    truth, held = lognorm(0.3, scale=np.exp(8)).ppf(0.3), 0
    for i in range(400):
        rows = np.random.default_rng(1_000 + i).lognormal(8, 0.3, (500, 2))
        known = costs(rows, discount=0.3)
        found = likely_least(known, critical_size(known.tiers[0].curve), np.arange(500), 0.80)
        held += found.low <= truth <= found.high
    assert abs(held / 400 - 0.80) < 0.08


def test_a_least_size_that_nearly_pays_is_in_the_range():
    # 1,000 a month at a tenth off cost 900; usage of 899 or 903 in turn says nothing of whether it pays, 700 does.
    near, far = (np.array([[mean - 20.0], [mean + 20.0]] * 50) for mean in (901.0, 700.0))
    for rows, high in ((near, 1_000.0), (far, 0.0)):
        known = costs(rows, discount=0.1, least=1_000)
        best = 1_000.0 if known.cost(1_000.0).mean() < known.on_demand.mean() else 0.0
        found = likely_least(known, best, np.arange(100), 0.8)
        assert (found.low, found.high) == (0.0, high)


def test_the_range_is_that_of_a_bootstrap():
    rng = np.random.default_rng(7)
    follows = np.repeat(np.arange(100), 10)
    rows = np.exp(
        8 + 0.3 * np.repeat(rng.standard_normal((100, 4)), 10, axis=0) + 0.05 * rng.standard_normal((1_000, 4))
    )
    known = costs(rows, discount=0.3)
    curve, sampled = known.tiers[0].curve, []
    for _ in range(400):
        taken = np.bincount(rng.integers(100, size=100), minlength=100)[follows]
        sampled.append(critical_size(curve, weights=taken / taken.sum()))
    low, high = np.quantile(sampled, [0.1, 0.9])
    found = likely_least(known, critical_size(curve), follows, 0.80)
    # Two estimators of one range, each from a hundred trajectories: a quarter of its width apart at most.
    assert abs(found.low - low) < 0.25 * (high - low)
    assert abs(found.high - high) < 0.25 * (high - low)
    assert (high - low) > 2 * (likely_least(known, critical_size(curve), np.arange(1_000), 0.8).high - found.high)


def test_errors_treat_draws_of_one_trajectory_as_one():
    rng = np.random.default_rng(8)
    rows = np.repeat(rng.lognormal(5, 0.4, (50, 3)), 20, axis=0)
    known = costs(rows, discount=0.3)
    one = judged(known, 150.0, np.repeat(np.arange(50), 20))
    saving = (known.on_demand - known.cost(150.0))[::20]
    assert one.saving_se == pytest.approx(saving.std(ddof=1) / np.sqrt(50), rel=ROUNDING)
    pays = (saving > 0).astype(float)
    assert one.probability_se == pytest.approx(pays.std(ddof=1) / np.sqrt(50), rel=ROUNDING)


def test_ranges_of_a_plan(plan):
    made = sc.commitment(plan, discount=0.25)
    table = made.ranges()
    assert table.index.tolist() == ["expected", "P80"]
    for _, row in table.iterrows():
        assert row["near_low"] <= row["size"] <= row["near_high"]
        assert row["low"] <= row["high"]
    assert made.ranges().equals(table)
    wider = made.ranges(level=0.95, within=0.05)
    assert (wider["near_high"] - wider["near_low"] > table["near_high"] - table["near_low"]).all()
    assert wider.loc["expected", "high"] >= table.loc["expected", "high"]


# ----------------------------------------------------------------------------------------------------- worth an offer

offers_in_hand = [
    ("spend", {"discount": 0.2}, 900.0),
    ("spend", {"discount": 0.2, "sized_in": "paid"}, 900.0),
    ("spend", {"discount": 0.2, "overage": "discounted", "least": 100}, 1_100.0),
    ("minimum", {"discount": 0.2, "least": 100}, 3_000.0),
    ("capacity", {"price": 80, "serves": 100, "counts": "cost"}, 10.0),
]


@pytest.mark.parametrize(("kind", "terms", "size"), offers_in_hand)
def test_at_the_break_even_nothing_is_saved(kind, terms, size):
    rows = np.random.default_rng(9).lognormal(7, 0.4, (500, 3))
    even = judged(costs(rows, kind, **terms), size).break_even
    at = "price" if kind == "capacity" else "discount"
    again = judged(costs(rows, kind, **(terms | {at: even})), size)
    assert again.saving == pytest.approx(0.0, abs=1e-6 * again.on_demand)
    better = terms | {at: even - 1 if kind == "capacity" else even + 0.01}
    assert judged(costs(rows, kind, **better), size).worth_it
    worse = terms | {at: even + 1 if kind == "capacity" else even - 0.01}
    assert not judged(costs(rows, kind, **worse), size).worth_it


def test_a_size_beyond_all_usage_has_no_break_even():
    assert np.isnan(judged(costs(TWO_MONTHS, "minimum", discount=0.5, least=1), 500.0).break_even)
    assert judged(costs(TWO_MONTHS, discount=0.5), 500.0).break_even == pytest.approx(1 - 190 / 1_000, rel=ROUNDING)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(tables, offers, st.floats(1.0, 1_500.0))
def test_finops_measures_agree(rows, offer, size):
    known = costs(rows, offer[0], **offer[1])
    asked = max(size, known.offer.floor)
    if known.offer.step is not None:
        asked = float(np.ceil(asked / known.offer.step) * known.offer.step)
    one, curve = judged(known, asked), known.curve(asked)
    slack = 1e-9 * (one.committed + one.on_demand)
    assert 0 <= one.waste <= one.committed + slack
    assert one.utilisation == pytest.approx(1 - one.waste / one.committed, abs=1e-9)
    assert -1e-9 <= one.coverage <= 1 + 1e-9
    assert one.saving == pytest.approx(one.on_demand - one.expected, abs=slack)
    # What is saved is what serves, less what is paid for it; where all usage has the discount, that of the rest too.
    rest = np.zeros(len(rows))
    if known.offer.needs_a_floor:
        rest = known.offer.discount(asked) * (known.on_demand - curve.covered(asked))
    saved = curve.covered(asked) - one.committed + rest
    np.testing.assert_allclose(known.on_demand - known.cost(asked), saved, atol=slack)


# --------------------------------------------------------------------------------------------- the plan made again

CASES = {
    "spend": {"discount": 0.3},
    "spend, as paid": {"discount": 0.3, "sized_in": "paid"},
    "spend, all usage discounted": {"discount": {500: 0.1, 900: 0.2}, "overage": "discounted"},
    "spend, ramped": {"discount": 0.3, "ramp": {"2026-12": 0, "2027-01": 0.5, "2027-03": 1.5}},
    "spend from mid-month": {"discount": 0.3, "start": "2026-12-17", "end": "2027-04-11"},
    "spend of one model": {"discount": 0.3, "model": "gpt-5", "provider": "open*"},
    "spend of a department": {"discount": 0.3, "where": {"department": "product", "environment": "!dev*"}},
    "minimum": {"kind": "minimum", "discount": 0.15, "least": 10},
    "minimum of some months": {
        "kind": "minimum",
        "discount": 0.15,
        "least": 10,
        "start": "2027-01-09",
        "end": "2027-03-31",
    },
    "units of tokens": {"kind": "capacity", "price": 20, "serves": 1_000},
    "units by the hour": {"kind": "capacity", "price": 0.03, "price_per": "hour", "serves": 1_000, "peak_to_mean": 1.7},
    "units of output": {
        "kind": "capacity",
        "price": 90,
        "serves": 300,
        "counts": "output_tokens",
        "profile": [1, 2] * 12,
    },
    "units of requests": {"kind": "capacity", "price": 90, "serves": 2, "counts": "requests", "step": 2},
    "units, ramped": {
        "kind": "capacity",
        "price": 90,
        "serves": 1_000,
        "ramp": {"2027-02": 0.5},
        "start": "2026-12-10",
    },
    "units of money": {"kind": "capacity", "price": 90, "serves": 120, "counts": "cost"},
}


@pytest.mark.parametrize("terms", CASES.values(), ids=CASES.keys())
def test_the_plan_made_again_costs_what_the_commitment_says(plan, terms):
    made = sc.commitment(plan, **terms)
    best = made.least_expected or 4.0
    for size in (best, 2.0 * best):
        again = plan.replan(scenario=made.scenario(size))
        np.testing.assert_allclose(again.totals, made.totals(size), rtol=1e-12)
    assert made.cost(0.0).tolist() == made.costs.on_demand.tolist()


def test_a_contract_is_settled_month_by_month_as_the_paths_are(plan):
    made = sc.commitment(plan, discount=0.3)
    again = plan.replan(scenario=made.scenario())
    tokens = (plan.ledger.labels["line"] == "tokens").to_numpy()
    lines = again.ledger.labels["line"].astype(str).str.startswith(("tokens", "commitment")).to_numpy()
    lines = lines & again.ledger.demand
    np.testing.assert_allclose(again.ledger.money[:, :, lines].sum(axis=2), made.paths(made.least_expected), rtol=1e-9)
    np.testing.assert_allclose(plan.ledger.money[:, :, tokens].sum(axis=2), made.paths(0.0), rtol=1e-9)


def test_any_column_is_covered_whatever_the_plan_keeps_apart(plan):
    made = sc.commitment(plan.replan(detail=()), discount=0.3, model="gpt-5", where={"environment": "prod*"})
    labels = plan.ledger.labels
    rows = (labels["model"] == "gpt-5") & (labels["environment"] == "production")
    wanted = plan.ledger.money[:, :, rows.to_numpy()].sum(axis=(1, 2))
    np.testing.assert_allclose(made.costs.on_demand, wanted, rtol=1e-12)


def test_branches_and_fiscal_weeks_and_months_of_usage(projection):
    tree = sc.Scenario("next year").tree(
        [
            (0.6, sc.Scenario("calm", [sc.Growth(monthly=0.01)])),
            (0.4, sc.Scenario("boom", [sc.Growth(monthly=0.15), sc.Batch(share=0.3)])),
        ]
    )
    weeks = fc.project(
        organisation(), horizon="1Q", calendar=fc.Calendar(start_month=2, weeks="4-4-5"), trajectories=20
    )
    frame = pd.DataFrame({"date": pd.date_range("2025-01-01", "2026-10-01", freq="MS"), "provider": "openai"})
    frame = frame.assign(model="gpt-5", environment="production", project="x", input_tokens=1e9, requests=1e6)
    months = fc.project(fc.Usage.from_frame(frame, grain="month"), horizon="1Q", lag=0, trajectories=20)
    for base, scenario in ((projection, tree), (weeks, None), (months, None)):
        made = sc.plan(base, scenario=scenario, draws=100)
        for terms in ({"discount": 0.3}, {"kind": "capacity", "price": 20, "serves": 1_000}):
            offer = sc.commitment(made, **terms)
            size = offer.least_expected or 3.0
            np.testing.assert_allclose(
                made.replan(scenario=offer.scenario(size)).totals, offer.totals(size), rtol=1e-12
            )
    with pytest.raises(PlanError, match=r"every='day' needs usage by day"):
        sc.commitment(sc.plan(months, draws=100), discount=0.3, every="day")


# ------------------------------------------------------------------------------------------------------------ by day


def test_days_and_hours_are_those_of_a_plain_program(plan):
    shape = np.array([0.3] * 8 + [1.7] * 8 + [1.0] * 8)
    made = sc.commitment(plan, discount=0.3, every="day", profile=shape, where={"project": "search"})
    monthly = sc.commitment(plan, discount=0.3, where={"project": "search"})
    days = made.costs.demand
    assert len(days.first) == 182
    np.testing.assert_allclose(made.paths(0.0), monthly.paths(0.0), rtol=1e-9)
    size, draw = 2_000.0, 17
    total = 0.0
    for day, first in zip(days.money[draw], days.first, strict=True):
        share = size / first.days_in_month / 24
        total += sum(0.7 * share + max(day * hour / 24 - share, 0.0) for hour in shape)
    assert made.cost(size)[draw] == pytest.approx(total, rel=ROUNDING)
    # What nights and weekends leave is lost, so a commitment by the hour saves less, and the best one is smaller.
    assert (made.cost(size) >= monthly.cost(size) - 1e-9).all()
    assert made.cheapest.saving < monthly.cheapest.saving
    assert made.least_expected < monthly.least_expected
    grid = [float(made.cost(s).mean()) for s in np.linspace(0, 2 * made.least_expected, 81)]
    assert made.cheapest.expected <= min(grid)
    with pytest.raises(PlanError, match=r"cannot become a contract of the plan: every='day'"):
        made.contract()


# -------------------------------------------------------------------------------------------------- what is handed over


def test_tables_and_words(plan):
    made = sc.commitment(plan, discount=0.3, sizes=[300, 600], confidence=0.9)
    table = made.table()
    assert table.index.tolist() == sorted({0.0, 300.0, 600.0, made.least_expected, made.least_quantile.size})
    assert table["expected"].min() == table.loc[made.least_expected, "expected"]
    assert table["p90"].min() == table.loc[made.least_quantile.size, "p90"]
    assert table.loc[made.least_expected, "best"] == "expected"
    assert repr(made).startswith("Commitment(commitment: least expected cost at USD ")
    assert "breaks even at a discount of" in str(made.cheapest)
    assert str(made.at(0)).startswith("no commitment")
    assert "<table" in made._repr_html_()
    assert "nan" not in made._repr_html_()
    units = sc.commitment(plan, "capacity", price=20, serves=1_000, step=1)
    assert units.least_expected == round(units.least_expected)
    assert "a unit" in str(units.cheapest)
    assert made.table([100]).index.tolist() == sorted({0.0, 100.0, made.least_expected, made.least_quantile.size})


def test_the_quantile_of_the_plan(plan):
    usage, whole = (sc.commitment(plan, discount=0.3, of=of) for of in ("usage", "plan"))
    assert usage.least_expected == whole.least_expected
    assert whole.at(0.0).quantile == pytest.approx(np.quantile(plan.totals, 0.8), rel=ROUNDING)
    again = plan.replan(scenario=whole.scenario(whole.least_quantile.size))
    assert whole.safest.quantile == pytest.approx(np.quantile(again.totals, 0.8), rel=ROUNDING)
    assert again.budget < plan.budget


def test_pictures_tell_the_finding(plan):
    title = sc.commitment(plan, discount=0.3).plot().get_title(loc="center").replace("\n", " ")
    assert title.startswith("Committing to USD")
    assert "the P80 is least at" in title
    none = sc.commitment(plan, discount=0.0).plot().get_title(loc="center")
    assert none == "Pay on demand: no size saves money"
    tiers = sc.commitment(plan, "minimum", discount={2_000: 0.1, 4_000: 0.2}, of="plan").plot()
    assert "cost of the plan" in tiers.get_ylabel()
    sc.commitment(plan, "capacity", price=20, serves=1_000, step=5).plot()


def test_the_same_plan_gives_the_same_bits(plan):
    one, other = (sc.commitment(plan, discount=0.3) for _ in range(2))
    assert one.table().equals(other.table())
    assert one.cost(100.0).tobytes() == other.cost(100.0).tobytes()


# -------------------------------------------------------------------------------------------------------- mistakes


def test_usage_under_contract_is_refused(plan):
    floor = sc.Contract((Allowance("pack", 100.0, fee=80.0),), where={"project": "search"}, end="2027-01-31")
    bound = plan.replan(scenario=plan.spec.scenario | sc.Scenario("signed", [floor]))
    with pytest.raises(PlanError, match=r"bills the same usage and days by a contract.*narrow where="):
        sc.commitment(bound, discount=0.3)
    sc.commitment(bound, discount=0.3, where={"project": "support"})
    later = sc.commitment(bound, discount=0.3, start="2027-02-01")
    again = bound.replan(scenario=later.scenario(500.0))
    np.testing.assert_allclose(again.totals, later.totals(500.0), rtol=1e-12)


BAD = {
    "not a plan": (lambda p: sc.commitment(p.projection, discount=0.1), "takes a plan, not Projection"),
    "unknown kind": (lambda p: sc.commitment(p, "spent", discount=0.1), "did you mean 'spend'"),
    "no discount": (sc.commitment, "discount is missing"),
    "percent": (lambda p: sc.commitment(p, discount=20), "20 stands for 2,000 %"),
    "nan": (lambda p: sc.commitment(p, discount=float("nan")), "wanted a share"),
    "a bool": (lambda p: sc.commitment(p, discount=True), "wanted a share"),
    "text": (lambda p: sc.commitment(p, discount="20%"), "wanted a share"),
    "no tiers": (lambda p: sc.commitment(p, discount={}), "discount is missing"),
    "falling tiers": (lambda p: sc.commitment(p, discount={1: 0.2, 2: 0.1}), "a larger size has a smaller discount"),
    "all discounted": (
        lambda p: sc.commitment(p, "minimum", discount=0.1),
        "the least promise is the best one.*least=",
    ),
    "of another kind": (lambda p: sc.commitment(p, discount=0.1, price=3), "price is of kind='capacity', not of"),
    "no price": (lambda p: sc.commitment(p, "capacity"), "price is missing.*serves is missing"),
    "serves nothing": (lambda p: sc.commitment(p, "capacity", price=1, serves=0), "serves = 0: wanted a number above"),
    "counts": (lambda p: sc.commitment(p, "capacity", price=1, serves=1, counts="token"), "counts = 'token'"),
    "weights": (
        lambda p: sc.commitment(p, "capacity", price=1, serves=1, counts={"input_tokens": 0}),
        "weights above 0",
    ),
    "not used": (lambda p: sc.commitment(p, "capacity", price=1, serves=1, counts="images"), "has no images"),
    "overage": (lambda p: sc.commitment(p, discount=0.1, overage="list"), "overage = 'list': wanted 'on_demand' or"),
    "profile": (lambda p: sc.commitment(p, discount=0.1, profile=[1, 2]), "wanted 24 numbers"),
    "peak": (lambda p: sc.commitment(p, discount=0.1, peak_to_mean=0.5), "peak_to_mean = 0.5"),
    "ramp": (lambda p: sc.commitment(p, discount=0.1, ramp={"2027-01-15": 1}), "from a month's first day"),
    "ramp's day": (lambda p: sc.commitment(p, discount=0.1, ramp={"soon": 1}), "ramp"),
    "ramp's shape": (lambda p: sc.commitment(p, discount=0.1, ramp=[0.5, 1]), "wanted parts of the size by month"),
    "ramp to nothing": (lambda p: sc.commitment(p, discount=0.1, ramp={"2026-12": 0}), "leaves nothing of the size"),
    "step": (lambda p: sc.commitment(p, discount=0.1, step=0), "step = 0"),
    "term": (lambda p: sc.commitment(p, discount=0.1, start="2026-11-01"), "does not lie in the plan"),
    "end first": (lambda p: sc.commitment(p, discount=0.1, start="2027-02-01", end="2027-01-01"), "does not lie"),
    "of": (lambda p: sc.commitment(p, discount=0.1, of="total"), "allowed: 'usage', 'plan'"),
    "confidence": (lambda p: sc.commitment(p, discount=0.1, confidence=80), "confidence = 80"),
    "where": (lambda p: sc.commitment(p, discount=0.1, where="search"), "wanted globs by column"),
    "column": (lambda p: sc.commitment(p, discount=0.1, where={"projct": "x"}), "did you mean 'project'"),
    "no usage": (lambda p: sc.commitment(p, discount=0.1, model="claude*"), "there are gpt-5"),
    "sizes": (lambda p: sc.commitment(p, discount=0.1, sizes=300), r"wanted a list, such as \[10_000"),
    "negative size": (lambda p: sc.commitment(p, discount=0.1, sizes=[-1]), "wanted a number from 0 up"),
    "sizes of a table": (lambda p: sc.commitment(p, discount=0.1).table(100), r"wanted a list, such as \[10_000"),
    "too small": (lambda p: sc.commitment(p, discount={500: 0.1}).at(100), "the least that is sold is 500"),
    "no step": (lambda p: sc.commitment(p, discount=0.1, step=10).at(15), "comes in steps of 10"),
    "no size": (lambda p: sc.commitment(p, discount=0.1).at(np.nan), "wanted a number from 0 up"),
    "nothing": (lambda p: sc.commitment(p, discount=0.0).contract(), "there is nothing to contract"),
    "name": (lambda p: sc.commitment(p, discount=0.1, name=""), "wanted a name"),
    "level": (lambda p: sc.commitment(p, discount=0.1).ranges(level=80), "level = 80"),
    "weighted": (
        lambda p: sc.commitment(
            p, "capacity", price=9, serves=1_000, counts={"input_tokens": 1, "output_tokens": 4}
        ).contract(1),
        "weighs units, and contracts count one",
    ),
    "hours of money": (lambda p: sc.commitment(p, discount=0.5, peak_to_mean=1.2).contract(9), "hours of money"),
    "mid-month minimum": (
        lambda p: sc.commitment(p, discount={1: 0.5}, overage="discounted", start="2027-01-15").contract(9),
        "start on the first of a month",
    ),
}


@pytest.mark.parametrize(("made", "message"), BAD.values(), ids=BAD.keys())
def test_mistakes_are_told(plan, made, message):
    with pytest.raises((PlanError, ScenarioError), match=message):
        made(plan)


def test_weighted_tokens_count_as_the_vendor_does(plan):
    weighted = sc.commitment(plan, "capacity", price=9, serves=1_000, counts={"input_tokens": 1, "output_tokens": 4})
    plainly = {
        unit: sc.commitment(plan, "capacity", price=9, serves=1_000, counts=unit).costs.demand.counted
        for unit in ("input_tokens", "output_tokens")
    }
    wanted = plainly["input_tokens"] + 4 * plainly["output_tokens"]
    np.testing.assert_allclose(weighted.costs.demand.counted, wanted, rtol=1e-12)


def test_a_curve_is_convex_and_its_slope_is_what_it_says():
    rng = np.random.default_rng(10)
    known = costs(rng.lognormal(5, 0.5, (30, 4)), discount=0.3, profile=rng.uniform(0.2, 2.0, 24))
    curve: Curve = known.tiers[0].curve
    for size in (10.0, 90.0, 200.0):
        step = 1e-4
        slope = (curve.cost(size + step) - curve.cost(size)) / step
        # No kink lies within so small a step: checked by the slope being the same at both ends.
        same = curve.kept_off(size) == curve.kept_off(size + step)
        assert same.mean() > 0.9
        np.testing.assert_allclose(slope[same], (curve.fee - curve.kept_off(size))[same], rtol=1e-5)
