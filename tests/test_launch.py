"""Launches: Bayes' rule by hand, closed forms of what is expected, and what peers' launches teach."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast.errors import ModelError
from forecast.models import launch as launching
from forecast.models import model_of
from forecast.models.peers import ANYTHING, Peers, peers_of
from forecast.models.protocol import cuts_of
from forecast.panel import Panel
from forecast.periods import MONTH_DAYS
from forecast.streams import stream
from scenarios import between
from tests.usages import organisation

#: The same arithmetic in another order.
SAME = 1e-9
#: The standard normal's 0.9 quantile: half of the range from P10 to P90.
Z90 = 1.2815515655446004


def panel_of(columns, start="2026-01-01", freq="D"):
    values = np.column_stack(list(columns.values()))
    periods = pd.date_range(start, periods=len(values), freq=freq)
    return Panel(values.astype(float), periods, tuple(columns), freq)


def frame_of(panel):
    wide = pd.DataFrame(panel.values, index=panel.periods.rename("ds"), columns=list(panel.series))
    return wide.reset_index().melt(id_vars="ds", var_name="unique_id", value_name="y")


def grown(seed=0, days=200, noise=0.1, level=100.0):
    return level * np.exp(noise * stream(seed, "grown").standard_normal(days))


def young(values, days=200):
    return np.concatenate([np.full(days - len(values), np.nan), values])


def fixed(**changes):
    """Peers of one shape: it reaches 1 - exp(-(a + 1) / 20) of its level, and knows no weekday."""
    one = {"tau": [20.0], "k": [1.0], "growth": [0.0], "noisy": [1.0], "walks": [0.0], "weight": [1.0]}
    arrays = {name: np.array(values) for name, values in one.items()}
    scatter = {"season": np.zeros(7), "week": 0.1, "walk": 1e-9}
    plain = Peers(level=np.log(100.0), level_sd=0.5, **scatter, **arrays, grown=1, launches=0, daily=1.0)
    return replace(plain, **changes)


def reached(age, tau=20.0):
    return 1 - np.exp(-(np.asarray(age) + 1.0) / tau)


# ------------------------------------------------------------------------------------------------- credibility by hand


@pytest.mark.parametrize("weeks", [1, 3, 7])
def test_the_level_after_some_weeks_is_buhlmanns(weeks):
    """Prior N(log 100, 0.5^2), each week's log mean N(level, 0.1^2): z = n / (n + 0.1^2 / 0.5^2)."""
    age = np.arange(7.0 * weeks)
    values = 300 * reached(age)
    middle, spread, weight = fixed().posterior(values, age, np.zeros(len(age)), np.log(100.0), 0.5)
    z = weeks / (weeks + 0.1**2 / 0.5**2)
    np.testing.assert_allclose(middle, z * np.log(300.0) + (1 - z) * np.log(100.0), rtol=1e-6)
    np.testing.assert_allclose(spread, 0.5 * np.sqrt(1 - z), rtol=1e-6)
    np.testing.assert_array_equal(weight, 1.0)


def test_days_of_a_week_that_are_not_known_count_for_less():
    """Two days of seven have 7 / 2 of a week's variance; a day of rest among known ones is part of their mean."""
    age = np.arange(7.0)
    values = 300 * reached(age)
    values[2:] = np.nan
    middle, spread, _ = fixed().posterior(values, age, np.zeros(7), np.log(100.0), 0.5)
    z = 1 / (1 + 0.1**2 * 3.5 / 0.5**2)
    np.testing.assert_allclose(middle, z * np.log(300.0) + (1 - z) * np.log(100.0), rtol=1e-6)
    np.testing.assert_allclose(spread, 0.5 * np.sqrt(1 - z), rtol=1e-6)
    rest = 300 * reached(age)
    rest[3] = 0.0
    middle, _, _ = fixed().posterior(rest, age, np.zeros(7), np.log(100.0), 0.5)
    z = 1 / (1 + 0.1**2 / 0.5**2)
    seen = np.log(rest.mean() / reached(age).mean())
    np.testing.assert_allclose(middle, z * seen + (1 - z) * np.log(100.0), rtol=1e-6)


def test_with_a_walk_the_posterior_is_that_of_the_joint_normal():
    """Today's level, the walk in it, and log means of weeks are jointly normal; a shape's weight is their density."""
    from scipy.stats import multivariate_normal

    peers = fixed(
        tau=np.array([10.0, 40.0]),
        **{k: np.array(v) for k, v in {"k": [1.0, 1.0], "growth": [0.0, 0.0], "noisy": [1.0, 2.0]}.items()},
        walks=np.array([1.0, 0.5]),
        weight=np.array([0.3, 0.7]),
        walk=0.2,
    )
    age = np.arange(21.0)
    values = 300 * reached(age, tau=15.0)
    middle, spread, weight = peers.posterior(values, age, np.zeros(21), np.log(100.0), 0.5)
    density = []
    for p in range(2):
        blocks = [slice(7 * w, 7 * w + 7) for w in range(3)]
        left = np.array([np.log(values[b].mean() / reached(age[b], peers.tau[p]).mean()) for b in blocks])
        at = np.array([3.0, 10.0, 17.0])
        step = (peers.walks[p] * 0.2) ** 2 / MONTH_DAYS
        whole = 0.25 + step * np.minimum.outer(at, at) + np.eye(3) * (peers.noisy[p] * 0.1) ** 2
        today = 0.25 + step * at  # the covariance of today's level, at an age of 20 days, with each week's mean
        gain = np.linalg.solve(whole, today)
        np.testing.assert_allclose(middle[p], np.log(100.0) + gain @ (left - np.log(100.0)), rtol=SAME)
        np.testing.assert_allclose(spread[p], np.sqrt(0.25 + step * 20 - gain @ today), rtol=SAME)
        density.append(peers.weight[p] * multivariate_normal(np.full(3, np.log(100.0)), whole).pdf(left))
    np.testing.assert_allclose(weight, np.array(density) / np.sum(density), rtol=1e-6)


@pytest.fixture
def one_shape(monkeypatch):
    monkeypatch.setattr(launching, "peers_of", lambda *_: fixed())


def drawn(panel, model, horizon=60, draws=4_000, seed=1):
    made = model.futures(panel, horizon, draws, seed)
    return {panel.series[i]: made.values[:, :, k] for k, i in enumerate(made.columns)}


@pytest.mark.usefixtures("one_shape")
def test_before_it_has_begun_the_median_is_what_is_expected_times_the_curve():
    panel = panel_of({"old": grown()}).beside(["new"])
    first = panel.periods[-1] + pd.Timedelta(days=11)  # the eleventh day ahead
    model = fc.Launch(rest="run_rate", expected={"new": between(300, 1_200)}, on={"new": first})
    found = drawn(panel, model)["new"]
    np.testing.assert_array_equal(found[:, :10], 0.0)
    wanted = np.sqrt(300 * 1_200) * reached(np.arange(50))
    # Days scatter by 0.1 a week, 0.2 a day and so on; half of a variance below 0.1 lies between median and mean.
    np.testing.assert_allclose(np.median(found[:, 10:], axis=0), wanted, rtol=0.08)
    low, high = np.quantile(found[:, -14:].mean(axis=1), [0.1, 0.9])
    # 300 to 1,200 is a factor of 4; the noise of two weeks adds little.
    assert 3.7 < high / low < 4.6


@pytest.mark.usefixtures("one_shape")
@pytest.mark.parametrize("expected", [between(5, 20), between(3_000, 12_000), None])
def test_after_seven_weeks_the_level_is_that_of_the_days_whatever_was_expected(expected):
    panel = panel_of({"old": grown(), "new": young(300 * reached(np.arange(49)))})
    told = {} if expected is None else {"new": expected}
    model = fc.Launch(rest="run_rate", expected=told)
    found = np.median(drawn(panel, model)["new"], axis=0)
    np.testing.assert_allclose(found, 300 * reached(np.arange(49, 109)), rtol=0.1)


@pytest.mark.usefixtures("one_shape")
def test_the_fewer_the_days_the_more_is_what_was_expected():
    def error(days):
        panel = panel_of({"old": grown(), "new": young(300 * reached(np.arange(days)))})
        model = fc.Launch(rest="run_rate", expected={"new": between(10, 90)})
        return 1 - np.median(drawn(panel, model)["new"][:, -1]) / 300

    errors = [error(days) for days in (1, 7, 28, 55)]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 0.1
    assert errors[-1] < 0.05


# ------------------------------------------------------------------------------------------------- what is expected


def test_demand_is_users_times_requests_times_tokens():
    """The median of a product of log-normals is that of their medians, its log variance the sum of theirs."""
    demand = fc.Demand(users=between(200, 800), requests=between(2, 8), tokens=between(1_000, 4_000))
    found = demand.draw(20_000, 1, "a")
    sd = np.log(4) / (2 * Z90)
    # Standard errors of 20,000 draws: 0.9 % of a median of this spread, 0.5 % of a standard deviation.
    np.testing.assert_allclose(np.median(found), 400 * 4 * 2_000, rtol=0.03)
    np.testing.assert_allclose(np.log(found).std(), sd * np.sqrt(3), rtol=0.02)


def test_reasoning_is_added_to_the_tokens_of_a_request():
    exact = fc.Demand(users=100, requests=5, tokens=2_000, reasoning=700)
    np.testing.assert_allclose(exact.draw(10, 1, "a"), 100 * 5 * (2_000 + 700))
    assert fc.Demand(users=100).draw(3, 1, "a").tolist() == [100.0] * 3
    both = fc.Demand(users=1, tokens=between(10, 40), reasoning=between(10, 40)).draw(20_000, 1, "a")
    # The mean of a log-normal is exp(s^2 / 2) times its median.
    mean = 20 * np.exp((np.log(4) / (2 * Z90)) ** 2 / 2)
    np.testing.assert_allclose(both.mean(), 2 * mean, rtol=0.01)


def test_demand_takes_distributions_of_scipy_and_depends_on_seed_and_series_alone():
    from scipy import stats

    demand = fc.Demand(users=stats.uniform(100, 200), requests=between(1, 2))
    found = demand.draw(1_000, 1, "a")
    assert found.min() > 0
    np.testing.assert_array_equal(demand.draw(1_000, 1, "a"), found)
    assert not np.array_equal(demand.draw(1_000, 2, "a"), found)
    assert not np.array_equal(demand.draw(1_000, 1, "b"), found)


def test_a_wider_range_gives_a_wider_band_and_a_demand_that_of_its_product():
    panel = panel_of({"old": grown()}).beside(["new"])
    widths = []
    for expected in (
        between(900, 1_100),
        between(500, 2_000),
        between(100, 10_000),
    ):
        model = fc.Launch(rest="run_rate", on={"new": panel.periods[-1]}, expected={"new": expected})
        total = drawn(panel, model, draws=1_000)["new"].sum(axis=1)
        widths.append(np.subtract(*np.log(np.quantile(total, [0.9, 0.1]))))
    assert widths == sorted(widths)
    assert widths[2] > 2 * widths[0]
    # A product of two ranges of a factor 10: a factor of 10^sqrt(2) from P10 to P90.
    product = fc.Demand(users=between(10, 100), requests=between(1, 10))
    alike = between(100 * 10 ** -np.sqrt(0.5), 100 * 10 ** np.sqrt(0.5))
    found = [
        np.quantile(
            drawn(panel, fc.Launch(on={"new": panel.periods[-1]}, expected={"new": e}))["new"].sum(1), [0.1, 0.9]
        )
        for e in (product, alike)
    ]
    np.testing.assert_allclose(found[0], found[1], rtol=0.05)


# --------------------------------------------------------------------------------------------------- planned and grown


@pytest.fixture(scope="module")
def company():
    """Two grown series and one of three weeks."""
    return panel_of({"a": grown(1), "b": grown(2, level=500), "new": young(80 * reached(np.arange(21)))})


def test_planned_series_come_beside_those_of_the_frame(company):
    first = company.periods[-1] + pd.Timedelta(days=15)
    model = fc.Launch(on={"next": f"{first:%Y-%m-%d}", "later": "2030-01-01"}, expected={"next": between(40, 90)})
    paths = fc.sample_paths(frame_of(company), 40, model=model, draws=200, seed=3)
    assert paths.series == ("a", "b", "new", "next", "later")
    assert paths.values.shape == (200, 40, 5)
    np.testing.assert_array_equal(paths.values[:, :14, 3], 0.0)
    assert (paths.values[:, 14:, 3] > 0).all()
    np.testing.assert_array_equal(paths.values[:, :, 4], 0.0)
    assert paths.fitted[2].startswith("launch: 21 periods seen; level of 2 grown series; shape of 0 launches")
    assert all("nothing seen yet" in told for told in paths.fitted[3:])
    month = fc.sample_paths(frame_of(company), 40, model=model, draws=200, seed=3, total="ME")
    np.testing.assert_allclose(month.values, paths.total("ME").values)


@pytest.mark.parametrize("rest", ["auto", "theta", "run_rate"])
def test_grown_series_are_exactly_as_by_the_rest(company, rest):
    cuts, length = cuts_of(company, 28)
    found = fc.Launch(rest=rest).roll(company, 28, cuts, length)
    alone = model_of(rest).roll(company, 28, cuts, length) if rest != "run_rate" else None
    point = model_of(rest).point(company, 28) if alone is None else alone.point
    np.testing.assert_array_equal(found.point[:, :2], point[:, :2])
    if alone is not None:
        np.testing.assert_array_equal(found.past[:, :, :2], alone.past[:, :, :2])
        assert found.method[:2] == alone.method[:2]
    assert found.notes == ("launch: nothing is expected of new: the level is judged by 2 grown series",)
    planned = fc.Launch(rest=rest, on={"next": "2030-01-01"})
    draws = [
        fc.sample_paths(frame_of(company), 28, model=model, draws=100, seed=3).values[:, :, :3]
        for model in (fc.Launch(rest=rest), planned)
    ]
    np.testing.assert_array_equal(draws[0], draws[1])


def test_what_has_just_begun_is_not_the_rests_to_refuse():
    """Five days are too few for ETS, which need not take them: neither with others nor alone."""
    five = {"new": young(50 * np.ones(5))}
    for rest in ("ets", fc.ETS(fallback=None)):
        model = fc.Launch(rest=rest, expected={"new": between(40, 90)})
        found = fc.sample_paths(frame_of(panel_of({"old": grown(), **five})), 14, model=model, draws=20)
        assert found.fitted[0].startswith("launch: 5 periods seen; level as expected")
        assert found.fitted[1].startswith("ets: ")
        assert found.notes == ()
        alone = fc.sample_paths(frame_of(panel_of(five)).dropna(), 14, model=model, draws=20)
        assert np.isfinite(alone.values).all()
    with pytest.raises(ModelError, match="'ets' could not be fitted to any series"):
        fc.sample_paths(frame_of(panel_of(five)).dropna(), 14, model="ets", draws=20)


def test_same_seed_same_paths_whatever_the_company_and_the_workers(company):
    model = fc.Launch(rest="run_rate", on={"next": "2026-08-01"})
    made = [fc.sample_paths(frame_of(company), 28, model=model, draws=50, seed=5, n_jobs=n).values for n in (1, 2)]
    np.testing.assert_array_equal(made[0], made[1])
    other = fc.sample_paths(frame_of(company), 28, model=model, draws=50, seed=6).values
    assert not np.array_equal(made[0][:, :, 2:], other[:, :, 2:])


def test_it_is_grown_after_eight_weeks():
    days = panel_of({"old": grown(), "new": young(np.full(55, 50.0)), "older": young(np.full(56, 50.0))})
    np.testing.assert_array_equal(fc.Launch().young(days), [False, True, False])
    # A frame that begins with it says nothing of a launch; its name among what is expected does.
    alone = panel_of({"new": np.full(20, 50.0)})
    np.testing.assert_array_equal(fc.Launch().young(alone), [False])
    np.testing.assert_array_equal(fc.Launch(expected={"new": 50.0}).young(alone), [True])


@pytest.mark.parametrize(
    "values",
    [np.zeros(20), -np.ones(20), np.where(np.arange(20) % 3, np.nan, 5.0), 1e15 * np.ones(20), 1e-12 * np.ones(20)],
    ids=["zeros", "negative", "gaps", "huge", "tiny"],
)
def test_odd_first_days_have_finite_futures(values):
    panel = panel_of({"old": grown(), "new": young(values)})
    found = fc.sample_paths(frame_of(panel), 28, model=fc.Launch(rest="run_rate"), draws=100).values
    assert np.isfinite(found).all()
    assert (found[:, :, 0] >= 0).all()


# --------------------------------------------------------------------------------------------- what peers' launches say


def launched_panel(tau, days=300):
    """Two grown series, and four launched on day 100 that rise as by one tau."""
    columns = {f"g{k}": grown(k, days) for k in range(2)}
    for k in range(4):
        values = 100 * reached(np.arange(200), tau) * np.exp(0.05 * stream(k, "launched").standard_normal(200))
        columns[f"l{k}"] = young(values, days)
    return panel_of(columns)


def tau_of(peers):
    return np.exp(np.sum(peers.weight * np.log(peers.tau)))


def test_launches_that_the_panel_saw_move_the_shape_towards_what_they_did():
    found = {}
    for tau in (8.0, 80.0):
        panel = launched_panel(tau)
        peers = peers_of(panel, np.zeros(6, dtype=bool))
        assert peers.launches == 4
        np.testing.assert_allclose(peers.weight.sum(), 1.0)
        found[tau] = tau_of(peers)
    shipped = tau_of(peers_of(panel_of({"a": grown(0, 300), "b": grown(1, 300)}), np.zeros(2, dtype=bool)))
    # The shipped 30 days are worth three launches: four of seven parts of the way, in logs, if each were sure; they are
    # not, since a slow walk may pass for a slow rise.
    np.testing.assert_allclose(shipped, 30.0, rtol=0.01)
    for tau, moved in found.items():
        way = np.log(moved / 30) / np.log(tau / 30)
        assert 0.25 < way < 4 / 7


def test_the_next_launch_rises_as_those_before_it():
    risen = {}
    for tau in (8.0, 80.0):
        panel = launched_panel(tau).beside(["next"])
        on = {"next": panel.periods[-1] + pd.Timedelta(days=1)}
        found = drawn(panel, fc.Launch(rest="run_rate", on=on, expected={"next": between(90, 110)}))["next"]
        risen[tau] = np.median(found[:, 10:17].mean(axis=1)) / 100
    # After two weeks 1 - exp(-14 / 8) = 83 % of the level against 16 %, each drawn towards the 37 % of the shipped tau.
    assert risen[8.0] > 0.5
    assert risen[80.0] < 0.35


def test_what_grown_series_say_of_the_level():
    levels = np.array([10.0, 100.0, 1_000.0])
    panel = panel_of({f"g{k}": np.full(200, level) for k, level in enumerate(levels)})
    peers = peers_of(panel, np.zeros(3, dtype=bool))
    np.testing.assert_allclose(peers.level, np.log(100.0), rtol=SAME)
    # The predictive standard deviation of a fourth: s sqrt(1 + 1/3).
    np.testing.assert_allclose(peers.level_sd, np.log(10.0) * np.sqrt(4 / 3), rtol=SAME)
    none = peers_of(panel, np.ones(3, dtype=bool))
    assert none.level_sd == ANYTHING


# --------------------------------------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: fc.Launch(rest="launch"), "rest: 'launch' itself cannot forecast the grown series"),
        (lambda: fc.Launch(rest="atuo"), "did you mean 'auto'"),
        (lambda: fc.Launch(expected={"a": -1}), "expected of 'a' = -1: an amount cannot be negative"),
        (lambda: fc.Launch(expected={"a": "many"}), "expected of 'a' = 'many': wanted a number, between"),
        (lambda: fc.Launch(expected={"a": {"p10": 1}}), "a range is written"),
        (lambda: fc.Launch(expected=[100]), r"expected=\[100\]: wanted a mapping from series"),
        (lambda: fc.Launch(on="2026-01-01"), "on='2026-01-01': wanted a mapping from series"),
        (lambda: fc.Launch(on={"a": "soon"}), "on: 'a' begins on 'soon', which is not a date; write it as 2026"),
        (lambda: fc.Launch(on={"a": None}), "on: 'a' begins on None, which is not a date"),
        (lambda: fc.Demand(users=-5), "Demand: users = -5: an amount cannot be negative"),
        (lambda: fc.Demand(users=5, tokens=between(0, 9)), "Demand: tokens = .* the low end .* must be above 0"),
        (lambda: fc.Demand(users=True), "Demand: users = True: wanted a number"),
        (lambda: fc.Demand(users=np.inf), "Demand: users = inf: wanted a finite number"),
    ],
)
def test_arguments_that_do_not_hold_are_told(make, message):
    with pytest.raises(ModelError, match=message):
        make()


def test_dates_of_every_make_are_read():
    for day in (dt.date(2026, 8, 1), pd.Timestamp("2026-08-01 10:00", tz="UTC"), np.datetime64("2026-08-01")):
        assert fc.Launch(on={"a": day}).on == {"a": pd.Timestamp("2026-08-01")}


def test_a_series_that_no_one_has_is_told_with_the_nearest(company):
    model = fc.Launch(expected={"nwe": 100.0})
    with pytest.raises(
        ModelError, match=r"no series is called 'nwe'; did you mean 'new'\?; one that is to begin needs"
    ):
        fc.sample_paths(frame_of(company), 28, model=model, draws=10)


def test_without_anything_to_judge_by_it_says_what_would():
    panel = panel_of({"new": np.full(20, 50.0)})
    model = fc.Launch(rest="run_rate", on={"next": "2026-02-01"})
    with pytest.raises(
        ModelError, match=r"no grown series in the panel to judge its level by; say what is expected={'nex"
    ):
        fc.sample_paths(frame_of(panel), 28, model=model, draws=10)


def test_launches_are_followed_by_day():
    weeks = panel_of({"a": grown(days=60)}, freq="W")
    assert np.isfinite(fc.sample_paths(frame_of(weeks), 8, freq="W", model="launch", draws=10).values).all()
    with pytest.raises(ModelError, match="followed by day, not by freq='W': give the series by day, and sum"):
        fc.sample_paths(frame_of(weeks), 8, freq="W", model=fc.Launch(on={"b": "2027-06-01"}), draws=10)
    hours = panel_of({"a": grown(days=24 * 30)}, freq="h")
    with pytest.raises(ModelError, match="followed by day, not by freq='h'"):
        fc.sample_paths(frame_of(hours), 8, freq="h", model=fc.Launch(on={"b": "2026-01-31"}), draws=10)


def test_nothing_is_no_expectation():
    panel = panel_of({"old": grown()})
    with pytest.raises(ModelError, match="launch 'b': what is expected must be above 0"):
        fc.sample_paths(frame_of(panel), 8, model=fc.Launch(on={"b": "2026-08-01"}, expected={"b": 0}), draws=10)


def test_a_projection_refuses_series_that_it_has_no_usage_of():
    model = fc.Launch(on={"production/next": "2026-11-15"})
    with pytest.raises(ModelError, match=r"'launch' plans series that have not begun \(production/next\)"):
        fc.project(organisation(), horizon="1Q", model=model)


def test_a_combination_refuses_planned_series():
    """It would leave them out without a word."""
    with pytest.raises(ModelError, match=r"models: 'launch' plans series that have not begun \(next\).*by itself"):
        fc.Combination(models=[fc.Launch(on={"next": "2030-01-01"}), "run_rate"])
