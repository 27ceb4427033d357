"""What moves the total: shares and swings beside closed forms, of sums, products, Ishigami's function and coins."""

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

import forecast as fc
import scenarios as sc
from forecast.errors import PlanError
from forecast.streams import stratified
from scenarios.budget.main_effects import main_effect, near
from scenarios.budget.replaying import Replay
from scenarios.components.base import Owned
from tests.usages import organisation, plain

DRAWS = 4_000
#: Standard errors that a found share may be from its closed form: one in 15,000 of normal ones is farther away.
SURE = 4.0
#: A share of given data is read off a curve in pieces: what straight lines miss of Ishigami's sines.
PIECES = 0.02
MONTHS = 6
Z80 = stats.norm.ppf(0.8)


def plan_of(projection, components=(), **more):
    return sc.plan(projection, components=components, **{"draws": DRAWS, "seed": 3, **more})


@pytest.fixture(scope="module")
def still():
    """Usage of one request a day: next to money by the million, a forecast of nothing."""
    return fc.project(plain(np.ones(400)), horizon="2Q", model="run_rate", seed=7, trajectories=20)


@pytest.fixture(scope="module")
def projection():
    return fc.project(organisation(noise=0.4), horizon="2Q", seed=7, trajectories=40)


def normal(name, mean, sd, **more):
    return sc.Fixed(name, monthly=stats.norm(mean, sd), **more)


def close(table, row, column, wanted, *, slack=0.0):
    found, error = table.loc[row, column], table.loc[row, f"{column}_se"]
    assert abs(found - wanted) <= SURE * error + slack, (row, column, found, wanted, error)
    assert error < 0.1


@pytest.fixture(scope="module")
def linear(still):
    return plan_of(still, [normal("a", 9e6, 1e5), normal("b", 9e6, 2e5), normal("c", 9e6, 3e5)])


def test_shares_of_a_sum_are_those_of_its_variances(linear):
    table = linear.sensitivity(errors=True)
    for row, share in (("a.monthly", 1 / 14), ("b.monthly", 4 / 14), ("c.monthly", 9 / 14)):
        close(table, row, "first", share)
        close(table, row, "total", share)
        # Of normal numbers Spearman's is (6 / pi) asin(r / 2), r² the share.
        rank = 6 / math.pi * math.asin(math.sqrt(share) / 2)
        assert table.loc[row, "rank_correlation"] == pytest.approx(rank, abs=SURE / math.sqrt(DRAWS))
    assert list(table.index)[:3] == ["c.monthly", "b.monthly", "a.monthly"]
    close(table, "only together", "first", 0.0)
    np.testing.assert_allclose(table["interactions"][:3], table["total"][:3] - table["first"][:3])
    np.testing.assert_allclose(table["swing"][:3], table["at_p90"][:3] - table["at_p10"][:3])
    assert list(linear.sensitivity().columns) == list(table.columns[:-2])


def test_holding_a_number_beats_looking_at_draws_near_it(linear):
    """The P80 with one number at its P10 and P90: m + 6 s z + z80 * 6 * sqrt(the others' variances)."""
    table = linear.sensitivity()
    replay = Replay.of(linear)
    rows = {row.name: row for row in replay.rows("parameter")}
    alone = linear.totals.mean()
    held, looked = [], []
    for name, sd, others in (("a", 1e5, 4 + 9), ("b", 2e5, 1 + 9), ("c", 3e5, 1 + 4)):
        for level, column in ((0.1, "at_p10"), (0.9, "at_p90")):
            wanted = alone + MONTHS * (stats.norm.ppf(level) * sd + Z80 * 1e5 * math.sqrt(others))
            held.append(table.loc[f"{name}.monthly", column] - wanted)
            looked.append(
                near(rows[f"{name}.monthly"].values["component", name, "monthly"], linear.totals, level, 0.8) - wanted
            )
    sd = linear.totals.std()
    # The standard error of a P80 of normal draws is 1.43 sd / sqrt(n).
    assert np.abs(held).max() <= SURE * 1.43 * sd / math.sqrt(DRAWS)
    assert np.abs(looked).max() <= 0.25 * sd
    assert np.sqrt(np.mean(np.square(held))) < 0.5 * np.sqrt(np.mean(np.square(looked)))


def test_a_product_of_two_log_normal_numbers(still):
    """Var = (1 + u)(1 + v) - 1 of squared coefficients of variation u, v: first u / Var, total u (1 + v) / Var."""
    sds = {"count": 0.3, "price": 0.5}
    line = sc.PerUnit("gpus", stats.lognorm(sds["count"], scale=1e4), price=stats.lognorm(sds["price"], scale=1e3))
    table = plan_of(still, [line]).sensitivity(errors=True)
    u, v = (math.expm1(sd**2) for sd in sds.values())
    whole = (1 + u) * (1 + v) - 1
    for row, own, other in (("gpus.count", u, v), ("gpus.price", v, u)):
        close(table, row, "first", own / whole)
        close(table, row, "total", own * (1 + other) / whole)
    close(table, "only together", "first", u * v / whole)
    by = plan_of(still, [line]).sensitivity("component", errors=True)
    close(by, "gpus", "first", 1.0, slack=1e-6)  # the forecast's part: money by the cent beside millions
    close(by, "gpus", "total", 1.0)


@dataclasses.dataclass(frozen=True, slots=True)
class Ishigami(Owned):
    """sin x + 7 sin² y + 0.1 z⁴ sin x, of three numbers from -π to π."""

    KIND = "Ishigami"

    def parameters(self):
        return ("x", "y", "z")

    def describe(self):
        return self.name

    def money(self, world, months, context):
        x, y, z = (math.pi * (2 * world.uniform("component", self.name, p) - 1) for p in "xyz")
        made = np.sin(x) + 7 * np.sin(y) ** 2 + 0.1 * z**4 * np.sin(x)
        return np.repeat(1e6 * (20 + made)[:, None], len(months), axis=1)


def test_ishigamis_function(still):
    """Ishigami and Homma (1990), with a = 7 and b = 0.1: the shares of its analytic decomposition."""
    a, b = 7.0, 0.1
    x = 0.5 * (1 + b * math.pi**4 / 5) ** 2
    y, xz = a**2 / 8, b**2 * math.pi**8 * 8 / 225
    whole = x + y + xz
    table = plan_of(still, [Ishigami("f")]).sensitivity(errors=True)
    for row, first, total in (("f.x", x, x + xz), ("f.y", y, y), ("f.z", 0.0, xz)):
        close(table, row, "first", first / whole, slack=PIECES)
        close(table, row, "total", total / whole)
    close(table, "only together", "first", xz / whole, slack=PIECES)


def test_a_risk_is_a_coin_times_a_size(still):
    """p(1 - p) m² + p² s² alone, p s² + ... in all: T = C X with Var = p s² + p(1 - p) m²."""
    p, sd = 0.3, 0.4
    table = plan_of(still, [sc.Risk("outage", probability=p, impact=stats.lognorm(sd, scale=1e7))]).sensitivity(
        errors=True
    )
    mean, variance = math.exp(sd**2 / 2), math.exp(sd**2) * math.expm1(sd**2)
    whole = p * variance + p * (1 - p) * mean**2
    close(table, "outage.happens", "first", p * (1 - p) * mean**2 / whole)
    close(table, "outage.happens", "total", p * (1 - p) * (mean**2 + variance) / whole)
    close(table, "outage.impact", "first", p**2 * variance / whole)
    close(table, "outage.impact", "total", p * variance / whole)
    assert "outage.when" not in table.index  # the day moves no total
    assert table.loc["outage.happens", "swing"] > 0


def test_what_is_tied_is_one_row(still):
    """Two with loadings 0.8 and 0.5 are correlated by 0.4: their share is (1 + 4 + 2 * 0.4 * 2) of that and 9."""
    lines = [normal("a", 9e6, 1e5), normal("b", 9e6, 2e5), normal("c", 9e6, 3e5)]
    tie = sc.CommonFactor("mood", {"a": 0.8, "b": 0.5})
    table = plan_of(still, lines, dependence=[tie]).sensitivity(errors=True)
    assert list(table.index)[:2] == ["c.monthly", "a.monthly + b.monthly"]
    for column in ("first", "total"):
        close(table, "a.monthly + b.monthly", column, 6.6 / 15.6)
        close(table, "c.monthly", column, 9 / 15.6)
    # Held at the P10 and P90 of their sum: z 6 sqrt(6.6) sds apart, but for the fiftieth of the draws that is taken and
    # for the sum that is told by what each does: a tenth.
    wanted = 2 * stats.norm.ppf(0.9) * MONTHS * math.sqrt(6.6) * 1e5
    assert table.loc["a.monthly + b.monthly", "swing"] == pytest.approx(wanted, rel=0.1)


def test_the_forecast_has_the_share_that_its_spend_has(projection):
    bare = plan_of(projection)
    spread = bare.totals.std()
    sd = spread / MONTHS
    table = plan_of(projection, [normal("a", 10 * sd, sd)]).sensitivity(errors=True)
    for row in ("forecast", "a.monthly"):
        close(table, row, "first", 0.5)
        close(table, row, "total", 0.5)
    # With the forecast at its P10 or P90 the line's P80 is left; the forecast's own scale is of requests, not of money,
    # which leaves some of its spread: a tenth.
    for level, column in ((0.1, "at_p10"), (0.9, "at_p90")):
        wanted = bare.quantile(level) + MONTHS * (10 + Z80) * sd
        assert table.loc["forecast", column] == pytest.approx(wanted, abs=0.1 * spread)
    alone = bare.sensitivity(errors=True)
    assert alone.loc["forecast", "first"] == 1.0
    close(alone, "forecast", "total", 1.0)


@pytest.fixture(scope="module")
def launch(projection):
    scenario = sc.Scenario(
        "launch",
        [
            sc.Growth(monthly=sc.between(0.03, 0.08)),
            sc.PriceChange(model="gpt-5*", on="2026-12-01", by=sc.between(-0.6, -0.4), probability=0.5),
        ],
    ).tree(
        [(0.5, sc.Scenario("calm")), (0.5, sc.Scenario("spike", [sc.Growth(monthly=0.05, basis="extra", name="boom")]))]
    )
    return plan_of(projection, [sc.Fixed("base", monthly=12_000)], scenario=scenario, draws=500)


def test_a_replay_of_nothing_is_the_plan(launch):
    again = Replay.of(launch)
    np.testing.assert_allclose(again.anew(()), launch.totals, rtol=1e-12)  # sums in another order
    np.testing.assert_allclose(again.made.totals + MONTHS * 12_000, launch.totals, rtol=1e-12)


def test_changes_are_told_by_parameter_by_component_and_by_driver(launch):
    rows = {by: set(launch.sensitivity(by).index) for by in ("parameter", "component", "driver")}
    rest = {"forecast", "branches", "only together"}
    assert rows["parameter"] == rest | {"growth.monthly", "price_change.by", "price_change.happens"}
    assert rows["component"] == rest | {"growth", "price_change"}
    assert rows["driver"] == rest | {"volume", "price"}
    table = launch.sensitivity()
    assert table.loc["growth.monthly", "swing"] > 0  # more growth, dearer
    assert table.loc["price_change.happens", "swing"] < 0  # when prices fall, cheaper
    assert table.loc["price_change.happens", "rank_correlation"] < 0
    assert (table["total"][:-1].diff().dropna() <= 0).all()
    assert 0.9 < table["total"][:-1].sum() < 1.5


def test_it_is_the_same_again_and_leaves_the_plan_as_it_was(launch):
    before = len(launch.workings.products), launch.totals.copy()
    first, second = launch.sensitivity(errors=True), launch.sensitivity(errors=True)
    assert first.equals(second)
    assert len(launch.workings.products) == before[0]
    assert np.array_equal(launch.totals, before[1])


def test_a_random_walk_has_a_share_and_no_scale(projection):
    rate = sc.ExchangeRate(volatility=0.4)
    table = plan_of(projection, scenario=sc.Scenario("rate", [rate]), draws=500).sensitivity()
    row = table.loc["exchange_rate.path"]
    assert 0 < row["total"] < table.loc["exchange_rate.volatility", "total"]  # where it ends says more
    assert np.isnan(row["swing"])
    assert np.isnan(row["rank_correlation"])


def test_noise_has_no_share():
    u, noise = stratified(1, DRAWS, "u"), stats.norm.ppf(stratified(2, DRAWS, "noise"))
    found = main_effect(u, noise)
    assert abs(found.share.value) <= SURE * found.share.error
    # Of many numbers that do nothing, the sum of what each seems to do is nearly nothing: of 100, five pass.
    some = [main_effect(stratified(1, DRAWS, "u", k), noise) for k in range(100)]
    assert np.var(sum(one.fitted for one in some)) < 0.05
    assert abs(np.mean([one.share.value for one in some])) < SURE * found.share.error / math.sqrt(100)


def test_what_cannot_be_told_is_refused_in_words(linear):
    with pytest.raises(PlanError, match=r"sensitivity by.*parametr.*parameter"):
        linear.sensitivity("parametr")
    # A forecast that never varies, and nothing drawn beside it.
    flat = dataclasses.replace(
        linear, ledger=dataclasses.replace(linear.ledger, money=np.ones_like(linear.ledger.money))
    )
    with pytest.raises(PlanError, match=r"every future of this plan costs the same.*between"):
        flat.sensitivity()


def test_the_forecast_is_ordered_by_what_it_costs(projection):
    """With nothing else that is drawn, the forecast is the total: its scale and its swing are the total's.

    The budget at P10 of the forecast's scale is the mean level of a fiftieth of the draws there: within one per cent.
    """
    plan = plan_of(projection)
    row = plan.sensitivity().loc["forecast"]
    assert row["rank_correlation"] > 0.98
    assert row["at_p10"] == pytest.approx(plan.quantile(0.1), rel=0.01)
    assert row["at_p90"] == pytest.approx(plan.quantile(0.9), rel=0.01)
