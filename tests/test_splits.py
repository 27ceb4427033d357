"""Shares: inside their ranges in every one of a million draws, and where each basis says they lie."""

import itertools

import numpy as np
import pytest
from scipy import optimize, stats

import scenarios as sc
from forecast.errors import PlanError
from forecast.streams import stream
from scenarios.budget.bounded import attainable, equal_risk, nearest_in_ranges, tilt_of, uniform_in_ranges
from scenarios.budget.shares import Wanted, shares_of

MILLION = 1_000_000
#: Rounding of a sum of a few doubles near 1.
ROUNDING = 1e-12
#: Seven standard errors of a mean of a million uniform numbers on [0, 1] are 0.002; by chance once in 10^11.
OF_A_MILLION = 7 * np.sqrt(1 / 12 / MILLION)
POLICY = {"development": (0.15, 0.20), "production": (0.60, 0.70)}
PARTS = ("development", "production", "staging", "test")


def numbers(again, rows, count):
    return stream(1, "test", again).uniform(size=(rows, count))


def demand(draws, parts=4, seed=0):
    """Log-normal demand, whose shares leave the ranges on both sides."""
    rng = np.random.default_rng(seed)
    return np.exp(rng.normal(np.log(np.array([20, 60, 8, 12])[:parts]), 0.5, (draws, parts)))


def wanted(draws, parts=PARTS, **more):
    want = demand(draws, len(parts))
    budget = np.full(draws, np.quantile(want.sum(axis=1), 0.8))
    given = {"where": "", "parts": parts, "demand": want, "room": budget, "recent": want, "draws": draws, "seed": 3}
    return Wanted(**{**given, **more})


# ------------------------------------------------------------------------------------------------- inside the ranges

RANGES = {
    "the rest by demand": POLICY,
    "all named": {**POLICY, "staging": (0.05, 0.10), "test": (0.05, 0.15)},
    "a floor and a cap": {"production": (0.5, None), "test": (None, 0.05)},
    "a fixed share": {"production": 0.6, "test": (0.05, 0.3)},
    "all fixed": {"development": 0.2, "production": 0.6, "staging": 0.08, "test": 0.12},
}


BASES = ["demand", "midpoint", "stochastic", "equal risk", "recent"]
EVERY = [("the rest by demand", basis, MILLION) for basis in BASES]
EVERY += [("all named", basis, MILLION) for basis in ("demand", "stochastic")]
EVERY += [(name, basis, 20_000) for name in RANGES for basis in BASES]


@pytest.mark.parametrize(("name", "basis", "draws"), EVERY)
def test_shares_of_up_to_a_million_draws_sum_to_one_inside_the_ranges(name, basis, draws):
    ranges = RANGES[name]
    if basis == "midpoint":
        ranges = {n: (r[0] or 0.0, r[1] or 1.0) if isinstance(r, tuple) else r for n, r in ranges.items()}
    split = sc.Split("environment", ranges, basis=basis)
    shares = shares_of(split, wanted(draws))
    assert shares.shape == (draws, 4)
    assert np.abs(shares.sum(axis=1) - 1).max() <= ROUNDING
    assert shares.min() >= 0
    for part, low, high in split.ranges:
        share = shares[:, PARTS.index(part)]
        assert low <= share.min()
        assert share.max() <= high


# ------------------------------------------------------------------------------------------------ the nearest point


@pytest.mark.parametrize("count", [2, 3, 6])
def test_the_nearest_point_fulfils_the_conditions_of_an_optimum(count):
    """For min |x - p|² with bounds and Σx = 1 there is one shift, p - x, of all coordinates that are inside; those at
    the low end want less than that, those at the high end more (Karush, Kuhn, Tucker): enough for a convex problem."""
    rng = np.random.default_rng(count)
    for _ in range(40):
        low = rng.uniform(0, 0.9 / count, count)
        high = np.minimum(1.0, low + rng.uniform(0.0, 0.8, count))
        high += max(0.0, 1.01 - high.sum()) / count
        points = rng.normal(1 / count, 0.5, (10, count))
        for point, found in zip(points, nearest_in_ranges(points, low, high), strict=True):
            assert found.sum() == pytest.approx(1.0, abs=1e-15)
            assert (found >= low).all()
            assert (found <= high).all()
            pull = point - found
            free = (found > low + 1e-12) & (found < high - 1e-12)
            shift = pull[free].mean() if free.any() else None
            if shift is None:
                shift = (pull[found <= low + 1e-12].max(initial=-9) + pull[found >= high - 1e-12].min(initial=9)) / 2
            assert np.abs(pull[free] - shift).max(initial=0.0) <= 1e-12
            assert (pull[found <= low + 1e-12] <= shift + 1e-12).all()
            assert (pull[found >= high - 1e-12] >= shift - 1e-12).all()


def test_ranges_are_cut_to_what_shares_that_sum_to_one_can_reach():
    """Against a linear program for each end."""
    rng = np.random.default_rng(4)
    for count in (2, 3, 5):
        for _ in range(10):
            low = rng.uniform(0, 0.9 / count, count)
            high = np.minimum(1.0, low + rng.uniform(0.2, 1.0, count))
            if high.sum() < 1:
                continue
            least, most = attainable(low, high)
            for i in range(count):
                for sign, end in ((1, least[i]), (-1, most[i])):
                    found = optimize.linprog(
                        sign * np.eye(count)[i],
                        A_eq=np.ones((1, count)),
                        b_eq=[1.0],
                        bounds=np.column_stack([low, high]),
                    )
                    assert sign * found.fun == pytest.approx(end, abs=1e-9)


# --------------------------------------------------------------------------------------------------------- midpoints


def test_midpoints_by_hand():
    shares = shares_of(sc.Split("environment", POLICY, basis="midpoint", rest="equally"), wanted(5))
    # (0.15 + 0.20) / 2, (0.60 + 0.70) / 2, and half each of what is left.
    np.testing.assert_allclose(shares, np.tile([0.175, 0.65, 0.0875, 0.0875], (5, 1)), rtol=0, atol=ROUNDING)
    tight = {"development": (0.1, 0.3), "production": (0.5, 0.7), "staging": (0.0, 0.2), "test": (0.3, 0.4)}
    # Middles 0.2, 0.6, 0.1, 0.35 sum to 1.25: each gives 1/16, and test stops at its low end, so the others give more:
    # 0.25 - 0.05 from three is 1/15 each.
    shares = shares_of(sc.Split("environment", tight, basis="midpoint"), wanted(5))
    np.testing.assert_allclose(shares[0], [0.2 - 1 / 15, 0.6 - 1 / 15, 0.1 - 1 / 15, 0.3], rtol=0, atol=ROUNDING)


# -------------------------------------------------------------------------------------------------------- stochastic


def test_with_a_free_rest_the_named_shares_are_independent_and_uniform():
    """Closed form: the rest takes what is left whatever the two are, so the polytope is their rectangle."""
    split = sc.Split("environment", POLICY, basis="stochastic")
    shares = shares_of(split, wanted(MILLION))
    for column, (low, high) in enumerate(POLICY.values()):
        unit = (shares[:, column] - low) / (high - low)
        assert stats.kstest(unit[:100_000], "uniform").pvalue > 1e-4
        assert abs(unit.mean() - 0.5) < OF_A_MILLION
    assert abs(np.corrcoef(shares[:, 0], shares[:, 1])[0, 1]) < 7 / np.sqrt(MILLION)


def test_without_ranges_to_speak_of_shares_are_those_of_a_flat_dirichlet():
    """Closed form: uniform on the whole simplex of n parts, a share is Beta(1, n - 1)."""
    for count in (2, 5, 12):
        drawn = uniform_in_ranges(np.zeros(count), np.ones(count), 50_000, numbers)
        for column in (0, count - 1):
            assert stats.kstest(drawn.shares[:, column], stats.beta(1, count - 1).cdf).pvalue > 1e-4


CASES = {
    "narrow": ([0.15, 0.60, 0.05, 0.0], [0.20, 0.70, 0.15, 0.2]),
    "at the low ends": ([0.2, 0.3, 0.2, 0.2], [0.6, 0.7, 0.6, 0.6]),
    "at the high ends": ([0.0, 0.0, 0.0, 0.0], [0.3, 0.28, 0.25, 0.26]),
    "one fixed": ([0.3, 0.1, 0.2, 0.0], [0.3, 0.5, 0.4, 0.3]),
    "next to nothing": ([0.3, 0.3, 0.3, 0.0], [0.3, 0.3 + 1e-9, 0.5, 1.0]),
}


@pytest.mark.parametrize(("low", "high"), CASES.values(), ids=CASES.keys())
def test_shares_are_uniform_as_plain_rejection_is(low, high):
    low, high = np.array(low), np.array(high)
    drawn = uniform_in_ranges(low, high, 20_000, numbers).shares
    rng = np.random.default_rng(5)
    free = np.nonzero(high - low > 0)[0]
    last, first = free[-1], free[:-1]
    kept = np.zeros((0, len(low)))
    tight_low, tight_high = attainable(low, high)
    while len(kept) < 20_000:
        trial = np.tile(low, (400_000, 1))
        trial[:, first] = rng.uniform(tight_low[first], tight_high[first], (400_000, len(first)))
        trial[:, last] = 1 - np.delete(trial, last, axis=1).sum(axis=1)
        kept = np.concatenate([kept, trial[(trial[:, last] >= low[last]) & (trial[:, last] <= high[last])]])
    for column in free:
        # Two samples of 20,000; a p-value under 1e-4 comes by chance once in 10,000 such columns.
        assert stats.ks_2samp(drawn[:, column], kept[:20_000, column]).pvalue > 1e-4
    for a, b in itertools.pairwise(free):
        assert stats.ks_2samp(drawn[:, a] * drawn[:, b], kept[:20_000, a] * kept[:20_000, b]).pvalue > 1e-4


def test_the_tilt_keeps_what_is_tried_within_reach_where_plain_rejection_is_hopeless():
    """How the sampler was chosen: tries for each point kept, tilted, and by plain rejection from the box.

    Plain rejection of n parts of [0, 1] keeps one point in (n - 1)!, so of 10 parts one in 362,880; the tilt keeps
    about one in 2.5 √n.
    """
    for count, most in ((3, 4.0), (6, 120.0 / 10), (10, 362_880.0 / 10_000), (40, 40.0)):
        drawn = uniform_in_ranges(np.zeros(count), np.ones(count), 2_000, numbers)
        assert drawn.tried / 2_000 < min(most, 4.0 * np.sqrt(count))
    # In the middle of its ranges nothing is tilted, and this is plain rejection.
    assert tilt_of(np.array([0.5, 0.5, 0.5, 0.5]), 1.0) == pytest.approx(0.0, abs=1e-9)
    for width, count, total in ((0.13, 20, 1.0), (0.03, 100, 1.0), (0.3, 100, 29.9)):
        low = np.full(count, (1.0 - total) / count)
        drawn = uniform_in_ranges(low, low + width, 1_000, numbers)
        assert drawn.tried / 1_000 < 4.0 * np.sqrt(count)


def test_the_tilt_solves_its_equation():
    """Against a root found by another program of the mean in closed form."""
    width = np.array([0.1, 0.3, 0.7])

    def means(a):
        return stats.truncexpon(b=width * a, scale=1 / a).mean().sum()

    for total in (0.1, 0.3, 0.5):
        assert tilt_of(width, total) == pytest.approx(
            optimize.brentq(lambda a, t=total: means(a) - t, 1e-6, 200), rel=1e-6
        )
        # Turned around: what is missing to the high ends has the opposite tilt.
        assert tilt_of(width, width.sum() - total) == pytest.approx(-tilt_of(width, total), rel=1e-6)


def test_numbers_do_not_depend_on_the_order_of_ranges_or_on_other_draws_of_the_plan():
    one = shares_of(sc.Split("environment", POLICY, basis="stochastic"), wanted(500))
    turned = dict(reversed(POLICY.items()))
    two = shares_of(sc.Split("environment", turned, basis="stochastic"), wanted(500))
    assert np.array_equal(one, two)
    other = shares_of(sc.Split("environment", POLICY, basis="stochastic"), wanted(500, seed=4))
    assert not np.array_equal(one[:, :2], other[:, :2])


# -------------------------------------------------------------------------------------------------------- equal risk


def test_every_part_overruns_in_equally_many_draws():
    for seed in range(20):
        own = demand(997, seed=seed)
        room = np.quantile(own.sum(axis=1), 0.8) - np.random.default_rng(seed).uniform(0, 5, 997)
        share = equal_risk(own, room, np.zeros(4), np.ones(4))
        over = (own > share * room[:, None]).sum(axis=0)
        assert share.sum() == pytest.approx(1.0, abs=ROUNDING)
        assert len(set(over.tolist())) == 1


def test_equal_risk_of_normal_parts_is_their_closed_form():
    """X_i ~ N(m_i, s_i) and a budget B: m_i + z s_i = share_i B for one z, so z = (B - Σm) / Σs."""
    mean, sd, budget = np.array([20.0, 60.0, 30.0]), np.array([2.0, 3.0, 6.0]), 120.0
    # Exact quantiles of each, in an order of its own: the k-th least is the quantile at (k + 1/2) / n.
    ranks = (np.arange(200_000) + 0.5) / 200_000
    own = np.stack(
        [
            np.random.default_rng(i).permutation(stats.norm(m, s).ppf(ranks))
            for i, (m, s) in enumerate(zip(mean, sd, strict=True))
        ],
        axis=1,
    )
    z = (budget - mean.sum()) / sd.sum()
    share = equal_risk(own, np.full(200_000, budget), np.zeros(3), np.ones(3))
    # Between two neighbours of 200,000 near z = 0.9 lie about 2e-5 standard deviations.
    np.testing.assert_allclose(share * budget, mean + z * sd, rtol=0, atol=1e-4)


def test_a_part_that_its_range_stops_leaves_equal_risk_to_the_others():
    own, room = demand(2_000), np.full(2_000, 100.0)
    low, high = np.array([0.0, 0.0, 0.0, 0.0]), np.array([0.1, 1.0, 1.0, 1.0])
    share = equal_risk(own, room, low, high)
    over = (own > share * room[:, None]).sum(axis=0)
    assert share[0] == 0.1
    assert over[0] > over[1] == over[2] == over[3]


def test_equal_risk_where_all_fits_or_nothing_does():
    own = np.tile([1.0, 2.0, 3.0], (10, 1))
    for budget in (1_000.0, 0.1):
        share = equal_risk(own, np.full(10, budget), np.zeros(3), np.ones(3))
        assert share.sum() == pytest.approx(1.0, abs=ROUNDING)
        assert len(set((own > share * budget).sum(axis=0).tolist())) == 1
    assert equal_risk(own, np.full(10, -5.0), np.zeros(3), np.ones(3)).sum() == pytest.approx(1.0, abs=ROUNDING)


# ------------------------------------------------------------------------------------------------------ what is wrong

WRONG = {
    "unknown column": (lambda: sc.Split("departmnt"), "did you mean 'department'"),
    "unknown basis": (lambda: sc.Split("project", basis="demnd"), "did you mean 'demand'"),
    "unknown rest": (lambda: sc.Split("project", rest="by demands"), "did you mean 'by demand'"),
    "range upside down": (lambda: sc.Split("project", {"a": (0.9, 0.8)}), r"a = \[0.9, 0.8\].*swap"),
    "percent": (lambda: sc.Split("project", {"a": (60, 70)}), "between 0 and 1"),
    "no end": (lambda: sc.Split("project", {"a": (None, None)}), "wanted a share or a range"),
    "text": (lambda: sc.Split("project", {"a": "half"}), "wanted a share or a range"),
    "a flag": (lambda: sc.Split("project", {"a": (False, 0.5)}), "between 0 and 1"),
    "not a number": (lambda: sc.Split("project", {"a": (0.1, float("nan"))}), "between 0 and 1"),
    "too much": (lambda: sc.Split("project", {"a": (0.6, 0.7), "b": 0.5}), r"a 60%-70%, b 50%-50% sum to 110.0%"),
    "ranges in a list": (lambda: sc.Split("project", [("a", 0.5)]), "wanted a range by part"),
    "nameless part": (lambda: sc.Split("project", {" ": 0.5}), "wanted the name of a part"),
    "middle of nothing": (lambda: sc.Split("project", basis="midpoint"), "takes its shares from ranges"),
    "drawn from nothing": (lambda: sc.Split("project", basis="stochastic"), "takes its shares from ranges"),
    "middle of a floor": (lambda: sc.Split("project", {"a": (0.3, None)}, basis="midpoint"), "a middle needs two ends"),
    "two ways for the rest": (lambda: sc.Split("project", basis="equal risk", rest="equally"), "contradicts"),
    "days": (lambda: sc.Split("user", basis="recent", days=0), "days = 0: wanted a whole number"),
    "most": (lambda: sc.Split("user", basis="recent", most=2.5), "most = 2.5: wanted a whole number"),
    "a key": (lambda: sc.Split("project", shared={"base": "request"}), "did you mean 'requests'"),
    "weights in a list": (lambda: sc.Split("project", shared={"base": [1, 2]}), "wanted weights by part"),
    "a negative weight": (lambda: sc.Split("project", shared={"base": {"a": -1}}), "a weight from 0 up"),
    "no weight": (lambda: sc.Split("project", shared={"base": {"a": 0}}), "every weight is 0"),
    "no line": (lambda: sc.Split("project", shared={"": "equally"}), "wanted the name of a line"),
    "shared in words": (lambda: sc.Split("project", shared="requests"), "wanted how each line is dealt"),
    "no environment": (sc.EnvironmentSplit, "name at least one environment"),
    "beyond reach": (
        lambda: shares_of(sc.Split("environment", dict.fromkeys(PARTS, (0.1, 0.2))), wanted(3)),
        "reach at most 80.0%.*no other environment",
    ),
}


@pytest.mark.parametrize(("make", "message"), WRONG.values(), ids=WRONG.keys())
def test_splits_that_do_not_hold_are_told(make, message):
    with pytest.raises(PlanError, match=message):
        make()


def test_a_split_says_what_it_does():
    assert sc.EnvironmentSplit(development=(0.15, 0.2), production=(0.6, 0.7)).describe() == (
        "development 15% to 20%, production 60% to 70%; the rest by demand among the other environments"
    )
    told = sc.Split(
        "cost_center", {"a": 0.125, "b": (0.2, None)}, basis="stochastic", shared={"base": {"a": 3, "b": 1}}
    )
    assert told.describe() == (
        "a 12.5%, b at least 20%; the rest by demand among the other cost centres; anywhere inside the ranges, all "
        "shares alike; base by a 3 : b 1"
    )
    assert "the last 30 days" in sc.Split("user", basis="recent", days=30).describe()
