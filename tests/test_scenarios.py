"""What scenarios promise: identity, order, branches, what moves together."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import forecast as fc
import scenarios as sc
from scenarios.changes import World
from scenarios.changes.scene import Scene
from scenarios.outcome import outcomes
from tests.usages import organisation

DRAWS = 400
#: Both sides add the same numbers in another order: a few thousand roundings of 1e-16.
ROUNDING = 1e-12


@pytest.fixture(scope="module")
def projection():
    return fc.project(organisation(), horizon="2Q", seed=7, trajectories=60)


def totals(projection, *scenarios, draws=DRAWS, seed=3):
    book = fc.PriceBook.builtin()
    return [o.totals for o in outcomes(projection, scenarios, prices=book, draws=draws, seed=seed)]


def growth(low=0.02, high=0.06, **more):
    return sc.Growth(monthly=sc.between(low, high), **more)


def cut(**more):
    return sc.PriceChange(by=sc.between(-0.4, -0.2), **{"on": "2027-02-01", "probability": 0.5, **more})


# ------------------------------------------------------------------------------------------------ identity and order


def test_the_empty_scenario_is_the_identity_bit_for_bit(projection):
    plain_plan = sc.plan(projection, draws=DRAWS, seed=3)
    empty = sc.plan(projection, scenario=sc.Scenario("nothing"), draws=DRAWS, seed=3)
    assert np.array_equal(plain_plan.ledger.money, empty.ledger.money)


@pytest.mark.parametrize(
    "change",
    [
        sc.PriceChange(on="2027-02-01", by=-0.3, probability=0.0),
        sc.Growth(monthly=0.0, basis="extra"),
    ],
    ids=lambda c: type(c).__name__,
)
def test_a_change_that_never_happens_is_the_identity_bit_for_bit(projection, change):
    as_is, never = totals(projection, sc.Scenario(), sc.Scenario("never", [change]))
    assert np.array_equal(as_is, never)


@settings(max_examples=12, deadline=None)
@given(order=st.permutations(range(4)))
def test_changes_on_different_drivers_commute(projection, order):
    changes = [growth(), cut(), sc.Growth(yearly=0.3, basis="extra"), cut(provider="openai", unit="output*", name="o")]
    first, second = totals(projection, sc.Scenario("a", changes), sc.Scenario("b", [changes[i] for i in order]))
    np.testing.assert_allclose(first, second, rtol=ROUNDING)


def test_one_scenario_after_another_is_both_lists(projection):
    a, b = sc.Scenario("a", [growth()]), sc.Scenario("b", [cut()])
    whole = sc.Scenario("both", [growth(), cut()])
    joined, told = totals(projection, a | b, whole)
    assert np.array_equal(joined, told)
    assert (a | b).name == "a | b"
    assert (sc.Scenario() | b).name == "b"
    with pytest.raises(fc.ScenarioError, match="stands twice"):
        a | a.named("again")


@pytest.mark.parametrize("draws", [100, 150, 199])
def test_fewer_draws_than_trajectories_are_dealt_too(draws):
    wide = fc.project(organisation(), horizon="1M", seed=7, trajectories=180)
    as_is, cheaper = totals(
        wide, sc.Scenario(), sc.Scenario("cut", [cut(probability=1.0, on="2026-11-01")]), draws=draws
    )
    assert as_is.shape == (draws,)
    assert (cheaper < as_is).all()


def test_a_price_cut_is_known_ten_times_better_on_the_same_worlds(projection):
    sure = sc.Scenario("cut", [sc.PriceChange(on="2027-01-01", by=-0.05)])
    as_is, same = totals(projection, sc.Scenario(), sure)
    (apart,) = totals(projection, sure, seed=99)
    # Every total falls by 5 %: the difference varies as 5 % of the total does, that of two worlds as both totals do.
    assert np.std(same - as_is) * 10 < np.std(apart - as_is)
    np.testing.assert_allclose(same, 0.95 * as_is, rtol=ROUNDING)


# ---------------------------------------------------------------------------------------------------------- branches


def tree(first=0.3, **more):
    calm, boom = sc.Scenario("calm", [sc.Growth(monthly=0.0)]), sc.Scenario("boom", [growth(0.08, 0.15)])
    return sc.Scenario("base", more.get("changes", [])).tree([(first, calm), (1 - first, boom)])


def test_each_draw_takes_one_branch_and_counts_are_exact(projection):
    calm, boom = (b for _, b in tree().branches)
    mixed, low, high = totals(projection, tree(), calm, boom)
    took_calm = np.isclose(mixed, low, rtol=ROUNDING)
    took_boom = np.isclose(mixed, high, rtol=ROUNDING)
    assert (took_calm ^ took_boom).all()
    assert took_calm.sum() == 0.3 * DRAWS


def test_a_budget_is_the_quantile_of_pooled_draws(projection):
    plan = sc.plan(projection, scenario=tree(), draws=DRAWS, seed=3)
    calm, boom = totals(projection, *(b for _, b in tree().branches))
    pooled = np.quantile(plan.totals, 0.8)
    averaged = 0.3 * np.quantile(calm, 0.8) + 0.7 * np.quantile(boom, 0.8)
    assert plan.table([])["p80"].iloc[0] == pytest.approx(pooled, rel=1e-9)
    assert abs(pooled / averaged - 1) > 0.02


@pytest.mark.parametrize(("weights", "counts"), [((1 / 3, 1 / 3, 1 / 3), (34, 33, 33)), ((0.255, 0.745), (26, 74))])
def test_counts_are_rounded_by_largest_remainder(weights, counts):
    leaves = [sc.Scenario(str(i), [sc.Growth(monthly=0.01 * i)]) for i in range(len(weights))]
    forked = sc.Scenario("x").tree(list(zip(weights, leaves, strict=True)))
    held = [within.sum() for _, within in forked.alternatives(World(100, 1))]
    assert sorted(held, reverse=True) == sorted(counts, reverse=True)
    assert sum(within for _, within in forked.alternatives(World(100, 1))).tolist() == [1.0] * 100


def test_branches_of_branches_multiply_their_weights():
    cheap, dear = sc.Scenario("cheap", [cut(probability=1.0)]), sc.Scenario("dear", [])
    forked = tree(0.5).tree([(0.2, cheap), (0.8, dear)])
    assert [(round(w, 12), b.name) for w, b in forked.branches] == [
        (0.1, "calm | cheap"),
        (0.4, "calm | dear"),
        (0.1, "boom | cheap"),
        (0.4, "boom | dear"),
    ]
    crossed = tree(0.5) | sc.Scenario("market").tree([(0.2, cheap), (0.8, dear)])
    assert [round(w, 12) for w, _ in crossed.branches] == [0.1, 0.4, 0.1, 0.4]
    named = sc.Scenario("a", [growth()]) | sc.Scenario("m").tree(
        [(0.3, sc.Scenario("low")), (0.7, sc.Scenario("high"))]
    )
    assert [b.name for _, b in named.branches] == ["low", "high"]


@pytest.mark.parametrize(
    ("branches", "message"),
    [
        ([(0.5, sc.Scenario("a")), (0.4, sc.Scenario("b"))], "sum to 0.9, not to 1"),
        ([(1.5, sc.Scenario("a")), (-0.5, sc.Scenario("b"))], "wanted a number from 0 to 1"),
        ([(0.5, sc.Scenario("a")), (0.5, sc.Scenario("a"))], "two branches have one name"),
        ([], "wanted .weight, Scenario. pairs"),
        ([(1.0, "a")], "wanted .weight, Scenario. pairs"),
        ({"a": 1.0}, "wanted .weight, Scenario. pairs"),
    ],
)
def test_trees_that_are_none_are_told(branches, message):
    with pytest.raises(fc.ScenarioError, match=message):
        sc.Scenario("x").tree(branches)


def test_a_change_of_the_trunk_cannot_stand_in_a_branch_again():
    with pytest.raises(fc.ScenarioError, match="stands twice"):
        sc.Scenario("x", [growth()]).tree([(1.0, sc.Scenario("a", [growth()]))])


def test_a_tree_tells_its_branches():
    assert "with a weight of 30%: calm" in tree().describe()


# -------------------------------------------------------------------------------------------------------- dependence


def tied(change, label):
    return sc.Scenario("x", [change], dependence=[sc.CommonFactor("f", {label: 0.5})])


def drawn(projection, scenario, *changes, draws=2_000):
    world = scenario.world(World(draws, 5))
    scene = Scene.of(projection, fc.PriceBook.builtin(), world)
    return [change.rate(scene) for change in changes]


def test_a_common_factor_correlates_and_leaves_each_its_own_distribution(projection):
    a, b = growth(where={"project": "search"}, name="a"), growth(where={"project": "support"}, name="b")
    tied = sc.Scenario("x", [a, b], dependence=[sc.CommonFactor("adoption", {"a": 0.9, "b": 0.8})])
    x, y = drawn(projection, tied, a, b)
    free_x, free_y = drawn(projection, tied.independent(), a, b)
    # Normal scores of a factor model are correlated by the product of loadings; 3 standard errors of 2,000 draws.
    assert np.corrcoef(x, y)[0, 1] == pytest.approx(0.72, abs=3 * (1 - 0.72**2) / np.sqrt(2_000))
    assert abs(np.corrcoef(free_x, free_y)[0, 1]) < 3 / np.sqrt(2_000)
    assert np.array_equal(np.sort(x), np.sort(free_x))
    assert np.array_equal(np.sort(y), np.sort(free_y))


def test_groups_share_the_factor(projection):
    one = growth(per="project")
    tied = sc.Scenario("x", [one], dependence=[sc.CommonFactor("adoption", {"growth": 0.9})])
    scene = Scene.of(projection, fc.PriceBook.builtin(), tied.world(World(2_000, 5)))
    x, y = one.rate(scene, "search"), one.rate(scene, "support")
    assert np.corrcoef(x, y)[0, 1] == pytest.approx(0.81, abs=3 * (1 - 0.81**2) / np.sqrt(2_000))


@pytest.mark.parametrize("names", [("a", "b"), ("a.monthly", "b.monthly")], ids=["changes", "fields"])
@pytest.mark.parametrize("wanted", [0.7, -0.4, 1.0])
def test_rank_correlations_are_spearmans(projection, wanted, names):
    a, b = growth(where={"project": "search"}, name="a"), growth(where={"project": "support"}, name="b")
    tied = sc.Scenario("x", [a, b], dependence=[sc.RankCorrelation({names: wanted})])
    x, y = drawn(projection, tied, a, b)
    assert stats.spearmanr(x, y).statistic == pytest.approx(wanted, abs=3 / np.sqrt(2_000))


def test_correlated_growth_widens_the_total(projection):
    a, b = growth(where={"project": "search"}, name="a"), growth(where={"project": "support"}, name="b")
    tied = sc.Scenario("x", [a, b], dependence=[sc.RankCorrelation({("a", "b"): 0.9})])
    with_, without = totals(projection, tied, tied.independent(), draws=2_000)
    assert np.std(with_) > np.std(without)


def test_correlations_that_cannot_hold_are_moved_to_the_nearest_with_a_warning():
    impossible = sc.RankCorrelation({("a", "b"): 0.9, ("b", "c"): 0.9, ("a", "c"): -0.9})
    with pytest.warns(sc.NearestCorrelationWarning, match="cannot hold together"):
        near = impossible.matrix()
    assert np.linalg.eigvalsh(near)[0] > -1e-9
    np.testing.assert_allclose(np.diag(near), 1.0, rtol=1e-9)
    # The nearest matrix of an equally bent triple has the same bend in all three: by symmetry r, r, -r with r = 1/2.
    np.testing.assert_allclose(np.abs(near[np.triu_indices(3, 1)]), 0.5, atol=2e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sc.RankCorrelation({("a", "b"): 0.9, ("b", "c"): 0.9, ("a", "c"): 0.9}).matrix()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sc.CommonFactor("f", {"a": 1.2}), "a loading lies from -1 to 1"),
        (lambda: sc.CommonFactor("f", {}), "give loadings by change"),
        (lambda: tied(sc.Growth(0.1), "growth.montly"), "'montly'.*did you mean 'monthly'"),
        (lambda: tied(sc.Step(0.1), "step.on"), "'on' is not known; allowed: 'by'"),
        (lambda: tied(sc.Spikes(sc.between(1, 2), by=2.0), "spikes.by"), "each event of spikes draws by anew.*rate"),
        (lambda: sc.RankCorrelation({("a", "b"): 2}), "a correlation lies from -1 to 1"),
        (lambda: sc.RankCorrelation({("a", "a"): 1}), "is not a pair of two names"),
        (lambda: sc.RankCorrelation({("a", "b"): 0.5, ("b", "a"): 0.4}), "are given twice, and differ"),
        (
            lambda: sc.Scenario("x", [growth(name="adoption")], dependence=[sc.CommonFactor("f", {"adpotion": 0.5})]),
            "did you mean 'adoption'",
        ),
        (
            lambda: sc.Scenario(
                "x",
                [growth(name="a"), cut(name="b")],
                dependence=[sc.CommonFactor("f", {"a": 0.5}), sc.RankCorrelation({("a", "b"): 0.5})],
            ),
            "stands in two of them",
        ),
        (lambda: sc.Scenario("x", dependence=[0.5]), "wanted CommonFactor"),
    ],
)
def test_dependences_that_are_none_are_told(make, message):
    with pytest.raises(fc.ScenarioError, match=message):
        make()


# --------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (sc.PriceChange(model="gpt-6*", on="2027-02-01", by=0.1), "matches nothing.*did you mean 'gpt-5'"),
        (sc.PriceChange(on="2028-02-01", by=0.1), "lies after the horizon, which ends on 2027-06-30"),
        (sc.PriceChange(on="2024-02-01", by=0.1), "lies before the history"),
        (sc.Growth(monthly=0.1, where={"project": "serach"}), "did you mean 'search'"),
    ],
)
def test_changes_that_do_not_fit_the_usage_are_told(projection, change, message):
    with pytest.raises(fc.ScenarioError, match=message):
        totals(projection, sc.Scenario("x", [change]))


def test_a_change_without_its_list_is_told():
    with pytest.raises(fc.ScenarioError, match="wanted a list, such as"):
        sc.Scenario("x", growth())


def test_a_glob_may_say_all_others(projection):
    here, others, all_ = (
        sc.Scenario(w, [sc.Growth(monthly=0.05, basis="extra", where={} if w == "*" else {"project": w})])
        for w in ("search", "!search", "*")
    )
    as_is, one, two, both = totals(projection, sc.Scenario(), here, others, all_)
    np.testing.assert_allclose((one - as_is) + (two - as_is), both - as_is, rtol=1e-9)


@pytest.mark.parametrize(("rate", "message"), [(-1.0, "-100 %"), (-1.5, "-100 %"), (5, "is .500%; for 5 % write 0.05")])
def test_rates_that_leave_nothing_are_told(rate, message):
    with pytest.raises(fc.ScenarioError, match=message):
        sc.Growth(monthly=rate)
