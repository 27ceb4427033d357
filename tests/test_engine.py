"""The Monte Carlo engine: what it takes apart is what it was; what is shared, kept or spread changes no bit."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal, norm

import forecast as fc
import scenarios as sc
from forecast.errors import PlanError
from forecast.feeds import Feeds
from forecast.joint import Trajectories
from scenarios import factors, products, simulation
from scenarios.budget.contingency import quantile_influence
from scenarios.budget.convergence import FEWEST, convergence, enough, quantile_errors
from scenarios.changes import World
from scenarios.outcome import outcomes
from scenarios.workings import Workings, step_of
from tests.usages import organisation

#: The same numbers added and multiplied in another order: some hundred roundings of a double.
ROUNDING = 1e-12
LEVERS = [
    sc.Growth(monthly=sc.between(0.02, 0.06)),
    sc.PriceChange(model="gpt-5*", on="2027-02-10", by=sc.between(-0.4, -0.2), probability=0.5, per="model"),
    sc.Intensity(unit="output_tokens", by=sc.between(-0.3, -0.1), on="2027-01-20", ramp=45),
    sc.Route("gpt-5", "gpt-5-mini", share=sc.between(0.3, 0.6), on="2027-03-01", ramp=30),
]


@pytest.fixture(scope="module")
def projection():
    return fc.project(organisation(), horizon="2Q", seed=7, trajectories=60)


def totals(projection, *changes, draws=240, **how):
    made = outcomes(projection, [sc.Scenario("x", changes)], prices=fc.PriceBook.builtin(), draws=draws, seed=3, **how)
    return made[0].cost


def fed_by_blocks(projection, which):
    """Lanes, then legs, with the trend and without: (period, feed, trajectory), by the public arrays."""
    block = next(projection.blocks(len(which)))
    steps = np.arange(1, len(projection.days) + 1)[None, :, None]
    legs, lanes = projection.drivers.legs, projection.drivers.lanes
    out = []
    for trend in (0.0, block.trend[:, None, :]):
        by_leg = (block.volume * np.exp(-trend * steps))[:, :, legs["workload"].to_numpy()] * block.mix
        out += [by_leg[:, :, lanes["leg"].to_numpy()] * block.intensity, by_leg]
    return np.concatenate(out, axis=2).transpose(1, 2, 0)


@pytest.mark.parametrize("kind", ["usual", "below 0", "own paths"])
def test_feeds_are_what_the_blocks_say(projection, kind):
    made = projection
    if kind == "below 0":  # series that have negative values: their errors are no ratios
        relative = np.arange(len(projection.volume.slope)) % 3 > 0
        made = dataclasses.replace(projection, volume=dataclasses.replace(projection.volume, relative=relative))
    if kind == "own paths":
        made = dataclasses.replace(projection, volume=with_own(projection.volume))
    which = np.arange(12)
    size = len(made.drivers.lanes) + len(made.drivers.legs)
    source, replaced = np.tile(np.arange(size), 2), np.repeat([False, True], size)
    point, steps = Feeds(made, source, replaced).opened(which)
    found = np.stack([step * point[t][:, None] for t, step in enumerate(steps)])
    np.testing.assert_allclose(found, fed_by_blocks(made, which), rtol=ROUNDING)


def with_own(volume: Trajectories) -> Trajectories:
    """The same with paths of its own for every second series."""
    column = np.where(np.arange(len(volume.slope)) % 2, -1, np.arange(len(volume.slope)) // 2)
    own = volume.paths()[:, :, column >= 0] * 1.1
    return dataclasses.replace(volume, own=own, column=column.astype(np.intp))


def test_a_factor_taken_apart_is_the_factor(projection, monkeypatch):
    apart = totals(projection, *LEVERS)
    # No addend is allowed: every term and price is then worked out by draw and day.
    monkeypatch.setattr(factors, "MOST_PARTS", 0)
    np.testing.assert_allclose(apart, totals(projection, *LEVERS), rtol=ROUNDING)


def test_all_of_a_flow_sent_away_leaves_nothing_to_the_bit(projection):
    cost = totals(projection, sc.Route("gpt-5", "gpt-5-mini", share=1.0, on="2027-03-01", ramp=30), detail=("model",))
    left = cost[:, -2:]  # May and June, of gpt-5 and of gpt-5-mini
    assert (left.min(axis=2) == 0.0).all()
    assert (left.max(axis=2) > 0.0).all()


@pytest.mark.parametrize("how", [{"n_jobs": 2}, {"n_jobs": None}])
def test_workers_change_no_bit(projection, how):
    assert np.array_equal(totals(projection, *LEVERS), totals(projection, *LEVERS, **how))


def test_a_dask_cluster_takes_the_work_unchanged(projection):
    import joblib
    from dask.distributed import Client, LocalCluster

    alone = totals(projection, *LEVERS)
    with (
        LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=":0") as cluster,
        Client(cluster),
        joblib.parallel_config(backend="dask"),
    ):
        assert np.array_equal(totals(projection, *LEVERS, n_jobs=-1), alone)


def test_blocks_change_nothing(projection, monkeypatch):
    alone = totals(projection, *LEVERS)
    monkeypatch.setattr(simulation, "BLOCK", 7)
    assert np.array_equal(totals(projection, *LEVERS), alone)


def test_a_scenario_has_the_same_bits_alone_and_among_others(projection):
    others = [sc.Scenario(f"{i}", [LEVERS[0], sc.PromptTrim(by=-0.1 * i)]) for i in range(1, 4)]
    asked = {"prices": fc.PriceBook.builtin(), "draws": 240, "seed": 3}
    together = outcomes(projection, [sc.Scenario("x", LEVERS), *others], **asked)
    assert np.array_equal(together[0].cost, totals(projection, *LEVERS))


# ------------------------------------------------------------------------------------------------ a standing plan


@pytest.fixture(scope="module")
def standing(projection):
    return sc.plan(projection, scenario=sc.Scenario("x", LEVERS), draws=300, seed=3)


def test_a_plan_made_again_with_a_lever_more_is_a_new_plan_to_the_bit(projection, standing):
    more = sc.Scenario("y", [*LEVERS, sc.PromptTrim(by=sc.between(-0.3, -0.1), on="2027-02-20")])
    fresh = sc.plan(projection, scenario=more, draws=300, seed=3)
    again = standing.replan(scenario=more)
    assert np.array_equal(fresh.ledger.money, again.ledger.money)
    pd.testing.assert_frame_equal(fresh.assumptions, again.assumptions)


def test_what_did_not_change_is_not_made_again(standing, monkeypatch):
    def never(*_):
        raise AssertionError("trajectories were added up anew")

    monkeypatch.setattr(products.Work, "run", never)
    steady = standing.replan(scenario=sc.Scenario("y", [*LEVERS, sc.Discount(share=0.1)]), confidence=0.9)
    np.testing.assert_allclose(steady.totals, 0.9 * standing.totals, rtol=ROUNDING)
    assert steady.confidence == 0.9
    assert standing.replan(components=[sc.Fixed("rent", monthly=100.0)]).base > standing.base


def test_other_draws_or_prices_make_a_new_plan(projection, standing):
    assert len(standing.replan(draws=200).totals) == 200
    assert len(standing.replan(draws="auto", error=0.5).totals) == FEWEST
    book = fc.PriceBook.builtin()
    assert np.array_equal(standing.replan(prices=book).totals, standing.totals)
    assert standing.replan(seed=4).totals[0] != standing.totals[0]


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        ({"scenarios": []}, r"did you mean 'scenario'|scenario"),
        ({"confidence": 1.0}, "confidence=1.0"),
        ({"scenario": "launch"}, "wanted a Scenario"),
    ],
)
def test_arguments_of_a_plan_made_again_are_checked(standing, arguments, what):
    with pytest.raises(PlanError, match=what):
        standing.replan(**arguments)


def test_changes_are_told_apart_by_all_of_them():
    world = World(100, 1)
    one, other = (sc.PromptTrim(by=sc.between(-0.3, high)) for high in (-0.1, -0.1000001))
    assert step_of(one, world) == step_of(sc.PromptTrim(by=sc.between(-0.3, -0.1)), world)
    assert step_of(one, world) != step_of(other, world)
    assert step_of(one, world) != step_of(one, World(100, 2))


def test_what_is_kept_has_a_limit(projection, monkeypatch):
    from scenarios import workings

    monkeypatch.setattr(workings, "MOST_KEPT", 0)
    kept = Workings.of(projection, fc.PriceBook.builtin(), 240, 3)
    made = totals(projection, *LEVERS, workings=kept)
    assert not kept.products
    assert np.array_equal(made, totals(projection, *LEVERS))


# ------------------------------------------------------------------------------------------- how sure quantiles are


def test_errors_from_draws_and_trajectories_are_told_apart():
    """Draws of R trajectories: x = trajectory's normal + a draw's own. Held to what many repetitions say."""
    rng = np.random.default_rng(5)
    R, n, between, within = 100, 20, 1.0, 2.0
    trajectory = np.repeat(np.arange(R), n)
    told, found, given = [], [], []
    fixed = rng.normal(0, between, R)
    for _ in range(400):
        common = rng.normal(0, between, R)
        own = rng.normal(0, within, R * n)
        told.append(quantile_errors(common[trajectory] + own, 0.8, trajectory))
        found.append(np.quantile(common[trajectory] + own, 0.8))
        given.append(np.quantile(fixed[trajectory] + own, 0.8))
    draws, trajectories = np.mean(told, axis=0)
    # A spread of 400 is known to 1 / sqrt(800) = 3.5 %; three of them, and as much for the slope of the quantiles.
    assert draws == pytest.approx(np.std(given), rel=0.15)
    assert np.hypot(draws, trajectories) == pytest.approx(np.std(found), rel=0.15)


def test_draws_that_follow_one_trajectory_each_cannot_be_told_apart():
    totals_ = np.random.default_rng(1).normal(size=500)
    draws, trajectories = quantile_errors(totals_, 0.8, np.arange(500))
    influence = quantile_influence(totals_, 0.8)
    assert draws == pytest.approx(np.std(influence, ddof=1) / np.sqrt(500))
    assert np.isnan(trajectories)  # unknown, and not none


def test_a_budget_of_nothing_has_no_part_that_draws_could_bring_down():
    assert enough(lambda number: (np.zeros(number), np.arange(number) % 50), 0.8, 0.01) == FEWEST


def test_parts_of_the_draws_use_every_trajectory_as_often():
    """x = a trajectory's normal + a draw's own. The error from draws has a closed form, by density and orthant."""
    R, n = 100, 16
    rng = np.random.default_rng(4)
    trajectory = np.repeat(np.arange(R), n)
    plan = SimpleNamespace(totals=rng.normal(size=R)[trajectory] + rng.normal(size=R * n), trajectory=trajectory)
    told = convergence(plan, (0.8,)).loc["P80"]
    assert list(told.index) == [100, 200, 400, 800, 1_600]
    # Of one draw a trajectory the two cannot be told apart, which is unknown and not 0.
    assert told.loc[100, ["se_draws", "se_trajectories"]].isna().all()
    assert told.loc[100, "se"] > 0.0
    at = norm.ppf(0.8)
    both = multivariate_normal.cdf([at, at], cov=[[1.0, 0.5], [0.5, 1.0]])  # two draws of one trajectory lie below
    for count in told.index[1:]:
        expected = np.sqrt(2.0 * (0.8 - both) / count) / norm.pdf(at)
        # The density at the quantile is estimated from few draws: by a tenth or two.
        assert told.loc[count, "se_draws"] == pytest.approx(expected, rel=0.3)
        assert told.loc[count, "se_trajectories"] > 0.0


def test_convergence_tells_each_level_by_ever_more_draws(standing):
    told = standing.convergence()
    last = told.loc[("P80", 300)]
    assert last["quantile"] == pytest.approx(standing.quantile(0.8))
    assert last["se"] == pytest.approx(standing.standard_error(0.8))
    assert last["se_percent"] == pytest.approx(100 * last["se"] / last["quantile"])
    assert list(told.loc["P80"].index) == [150, 300]


def test_draws_auto_reaches_what_it_is_asked(projection):
    plan = sc.plan(projection, scenario=sc.Scenario("x", LEVERS), draws="auto", error=0.004, seed=3)
    count = plan.spec.draws
    last = plan.convergence().loc[("P80", count)]
    assert last["se_draws"] <= 0.0044 * plan.budget  # what the last trial said is itself an estimate
    assert count > 2_000
    (told,) = plan.assumptions.loc[plan.assumptions["source"] == "draws='auto'", "assumption"]
    assert told.startswith(f"{count:,} draws leave a standard error of 0.")
    assert "more than asked" not in told
    same = sc.plan(projection, scenario=sc.Scenario("x", LEVERS), draws=count, seed=3)
    assert np.array_equal(same.totals, plan.totals)


def test_draws_auto_that_cannot_reach_what_it_is_asked_says_so(projection, monkeypatch):
    monkeypatch.setattr("scenarios.budget.convergence.MOST", 2_000)
    plan = sc.plan(projection, scenario=sc.Scenario("x", LEVERS), draws="auto", error=0.0005, seed=3)
    assert plan.assumptions["assumption"].str.contains("more than asked, and 2,000 draws are the most").any()


@pytest.mark.parametrize(
    ("arguments", "what"),
    [({"draws": "many"}, '"auto"'), ({"draws": "auto", "error": 0.0}, "error=0.0"), ({"error": "small"}, "error=")],
)
def test_what_draws_auto_is_asked_is_checked(projection, arguments, what):
    with pytest.raises(PlanError, match=what):
        sc.plan(projection, **arguments)
