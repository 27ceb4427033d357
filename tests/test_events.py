"""Events: random times by the laws of compound Poisson processes, outages and deprecations by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import forecast as fc
import scenarios as sc
from forecast.errors import ScenarioError
from scenarios.changes import World
from scenarios.changes.arrivals import arrivals
from scenarios.changes.scene import Scene
from scenarios.changes.spikes import GammaRate, Seen
from scenarios.outcome import outcomes
from tests.usages import organisation, plain

PRICES = fc.PriceBook.builtin()
#: Sums of some hundred doubles: rounding.
EXACT = 1e-9
#: One request of ``plain`` costs 1,000 input tokens of gpt-5 at 1.25 USD a million: 1.25 USD a day of 1,000.
DAY = 1.25
#: Means of 4,000 draws are held to 4 of their standard errors.
ERRORS = 4.0
DRAWS = 4_000


def flat(start="2026-05-01", end="2026-06-30", **columns):
    usage = plain(np.full(120, 1_000.0), start="2026-01-01", **columns)
    return fc.project(usage, start=start, end=end, lag=0, seed=0, trajectories=10)


@pytest.fixture(scope="module")
def steady():
    """1,000 requests a day, as of 2026-04-30."""
    return flat()


@pytest.fixture(scope="module")
def year():
    return flat(end="2027-04-30")


@pytest.fixture(scope="module")
def noisy():
    return fc.project(organisation(), horizon="1Q", seed=7, trajectories=40)


def run(projection, *changes, draws=100, seed=0, prices=PRICES, **options):
    return outcomes(projection, [sc.Scenario("s", changes)], prices=prices, draws=draws, seed=seed, **options)[0]


def scene_of(projection, draws=DRAWS, seed=0):
    return Scene.of(projection, PRICES, World(draws, seed))


def held(sample, mean, variance):
    """Whether a sample's mean and variance are those of a law, within ``ERRORS`` standard errors."""
    n, spread = len(sample), np.sqrt(variance)
    assert abs(sample.mean() - mean) < ERRORS * spread / np.sqrt(n)
    fourth = ((sample - sample.mean()) ** 4).mean()
    assert abs(sample.var() - variance) < ERRORS * np.sqrt((fourth - sample.var() ** 2) / n)


# -------------------------------------------------------------------------------------------------------- random times


def test_events_come_as_a_poisson_process(year):
    scene = scene_of(year)
    come = arrivals(scene, "key", "all", np.full(DRAWS, 6 / 365.0))
    count = (come.day < 365).sum(axis=1)
    held(count, 6.0, 6.0)
    # Given how many there are, when they come is uniform: no day stands out.
    found = np.bincount(come.day[come.day < 365], minlength=365)
    assert stats.chisquare(found).pvalue > 1e-3


def test_a_longer_horizon_and_other_groups_move_no_event(steady, year):
    rate = np.full(200, 20 / 365.0)
    short = arrivals(scene_of(steady, 200), "key", "all", rate).day
    long = arrivals(scene_of(year, 200), "key", "all", rate).day
    inside = short < 61
    assert np.array_equal(short[inside], long[:, : short.shape[1]][inside])
    assert (long[:, : short.shape[1]][~inside] >= 61).all()
    change = sc.Spikes(20.0, sc.between(0.5, 3.0), sc.between(1, 3))
    first, again = (run(p, change, draws=200).monthly[:, :2] for p in (steady, year))
    np.testing.assert_allclose(first, again, rtol=EXACT)


def test_events_do_not_depend_on_the_workers(noisy):
    changes = (
        sc.Spikes(sc.between(4, 12), sc.between(0.5, 3.0), per="workload"),
        sc.Outage(sc.between(0.2, 2), rate=4.0, where={"provider": "openai"}),
    )
    one, two = (run(noisy, *changes, draws=90, n_jobs=n).cost for n in (1, 2))
    assert np.array_equal(one, two)


# -------------------------------------------------------------------------------------------------------------- spikes


def test_spikes_have_the_mean_and_variance_of_a_compound_poisson_process(year):
    rate, by = 6.0, sc.between(0.5, 4.0)
    extra = run(year, sc.Spikes(rate, by), draws=DRAWS).totals / DAY - 365
    # Log-normal: E[X] = exp(m + s²/2), E[X²] = exp(2 m + 2 s²); 365 days are 365 / 365.25 years.
    m, s = np.log(0.5 * 4.0) / 2, np.log(4.0 / 0.5) / (2 * stats.norm.ppf(0.9))
    events = rate * 365 / 365.25
    held(extra, events * np.exp(m + s**2 / 2), events * np.exp(2 * m + 2 * s**2))


def test_an_uncertain_rate_is_drawn_once_a_path(year):
    low, high = 2.0, 12.0
    totals = run(year, sc.Spikes(sc.between(low, high), 1.0), draws=DRAWS).totals / DAY - 365
    m, s = np.log(low * high) / 2, np.log(high / low) / (2 * stats.norm.ppf(0.9))
    years = 365 / 365.25
    mean = np.exp(m + s**2 / 2) * years
    spread = (np.exp(s**2) - 1) * mean**2
    # A mixed Poisson count: its variance is the mean rate's and that of the rate.
    held(totals, mean, mean + spread)


def test_spikes_last_for_whole_days_and_add_up(steady):
    draws = 200
    change = sc.Spikes(40.0, 2.0, days=3)
    totals = run(steady, change, draws=draws).totals
    come = arrivals(scene_of(steady, draws), change.key, "all", np.full(draws, 40.0 / 365.25)).day
    days = np.zeros((draws, 61 + 3))
    for d in range(draws):
        for start in come[d][come[d] < 61]:
            days[d, start : start + 3] += 2.0
    np.testing.assert_allclose(totals, (61 + days[:, :61].sum(axis=1)) * DAY, rtol=EXACT)


def test_spikes_of_each_workload_are_its_own(noisy):
    change = sc.Spikes(12.0, 3.0, per="project")
    lift = run(noisy, change, draws=400).cost / run(noisy, draws=400).cost - 1
    labels = run(noisy, change, draws=400).labels
    at = [np.nonzero(np.asarray(labels["project"] == p))[0] for p in ("search", "support")]
    own = np.corrcoef(lift[:, -1, at[0][0]], lift[:, -1, at[0][1]])[0, 1]
    other = np.corrcoef(lift[:, -1, at[0][0]], lift[:, -1, at[1][0]])[0, 1]
    assert own > 0.9
    assert abs(other) < ERRORS / np.sqrt(400)


def spiked(days=(60, 150), factor=6.0):
    values = np.exp(0.05 * np.random.default_rng(1).standard_normal(365)) * 1_000.0
    frames = []
    for i, project in enumerate(("search", "support", "agents")):
        own = values.copy()
        for day in days[i : i + 1]:
            own[day] *= factor
        frames.append(plain(own, start="2025-06-01").frame.assign(project=project))
    return fc.project(
        fc.Usage.from_frame(pd.concat(frames), sort=True), start="2026-06-01", end="2026-08-31", lag=0, trajectories=10
    )


def test_spikes_are_fitted_to_those_that_cleaning_took_out():
    projection = spiked()
    log = projection.cleaned.log
    assert (log.loc[log["kind"] == "spike", "action"] == "excluded").sum() == 2
    fitted = sc.Spikes.fitted(projection)
    assert isinstance(fitted.rate, GammaRate)
    assert fitted.rate.count == 2
    # Three workloads of 365 days each.
    assert fitted.rate.years == pytest.approx(3 * 365 / 365.25)
    assert isinstance(fitted.by, Seen)
    # A sixfold day lies five times its level above it; the level is known to about 5 %.
    np.testing.assert_allclose(fitted.by.values, [5.0, 5.0], rtol=0.25)
    assert fitted.per == "workload"
    assert fitted.days.values == (1.0, 1.0)
    assert "2 seen in 3.0 years of workloads" in repr(fitted)
    low, high = stats.gamma(2.5, scale=365.25 / (3 * 365)).ppf([0.1, 0.9])
    assert f"spikes {low:.2f} to {high:.2f} (P10-P90) times a year" in fitted.describe()
    lifted = run(projection, fitted, draws=DRAWS).totals / run(projection, draws=DRAWS).totals - 1
    # Gamma(2.5, 3 years): a mean of 0.83 a year and workload, over 92 of its days.
    error = ERRORS * lifted.std() / np.sqrt(DRAWS)
    assert lifted.mean() == pytest.approx(2.5 / 3 / 365.25 * np.mean(fitted.by.values), abs=error)


def test_the_rate_of_a_count_is_a_gamma_with_its_own_uncertainty():
    q = np.linspace(0.01, 0.99, 99)
    np.testing.assert_allclose(GammaRate(3, 2.0).ppf(q), stats.gamma(3.5, scale=0.5).ppf(q), rtol=1e-12)
    assert Seen((3.0, 1.0, 2.0)).ppf(np.array([0.0, 0.34, 0.99, 1.0])).tolist() == [1.0, 2.0, 3.0, 3.0]


def test_what_was_left_in_the_forecast_is_not_counted_twice(noisy):
    with pytest.raises(ScenarioError, match="took no spike out of the history"):
        sc.Spikes.fitted(noisy)
    with pytest.raises(ScenarioError, match="took no spike"):
        sc.Spikes.fitted(spiked(), where={"project": "agents"})
    kept = fc.project(organisation(), horizon="1Q", seed=7, trajectories=10, cleaning=None)
    with pytest.raises(ScenarioError, match="projected with cleaning"):
        sc.Spikes.fitted(kept)


# ------------------------------------------------------------------------------------------------------------- runaway


def test_runaway_agents_cost_rate_times_speed_times_hours(year):
    hours, speed = sc.between(2.0, 40.0), sc.between(1e6, 4e6)
    change = sc.Runaway(hours, tokens={"output_tokens": speed}, monthly=0.5, where={"project": "search"})
    outcome = run(year, change, draws=DRAWS)
    extra = outcome.totals - 365 * DAY

    def moments(low, high):
        m, s = np.log(low * high) / 2, np.log(high / low) / (2 * stats.norm.ppf(0.9))
        return np.exp(m + s**2 / 2), np.exp(2 * m + 2 * s**2)

    (a, a2), (b, b2) = moments(2.0, 40.0), moments(1e6, 4e6)
    price = 10.0 / 1e6  # gpt-5's output
    events = 0.5 * 365 / 30.4375
    # Loops cut by the year's end cost less; they are under one in two hundred.
    held(extra, events * a * b * price, events * a2 * b2 * price**2)


def test_a_loop_runs_over_as_many_days_as_it_lasts(year):
    draws = 50
    change = sc.Runaway(60.0, tokens={"input_tokens": 1e6}, monthly=2.0, where={"project": "search"})
    months = run(year, change, draws=draws).monthly
    come = arrivals(scene_of(year, draws), change.key, "all", np.full(draws, 2.0 / 30.4375)).day
    cost = np.zeros((draws, 365 + 3))
    for d in range(draws):
        for start in come[d][come[d] < 365]:
            cost[d, start : start + 3] += np.array([24, 24, 12]) * 1.25  # 60 hours of a million tokens
    month = year.days.to_period("M")
    by_hand = np.stack([(cost[:, :365] + DAY)[:, month == m].sum(axis=1) for m in month.unique()], axis=1)
    np.testing.assert_allclose(months, by_hand, rtol=EXACT)
    money = sc.Runaway(60.0, money=1.25, monthly=2.0, where={"project": "search"})
    outcome = run(year, money, draws=draws)
    assert outcome.lines[0].environment == "production"
    np.testing.assert_allclose(outcome.monthly, by_hand, rtol=EXACT)


def test_a_probability_in_a_month_is_that_of_one_loop_or_more(year):
    outcome = run(year, sc.Runaway(1.0, money=1.0, probability=0.3), draws=DRAWS)
    months = outcome.lines[0].money[:, outcome.spans.planned]
    length = np.asarray((outcome.spans.last - outcome.spans.first).days + 1)
    expected = 1 - 0.7 ** (length / 30.4375)
    error = np.sqrt(expected * (1 - expected) / DRAWS)
    assert (np.abs((months > 0).mean(axis=0) - expected) < ERRORS * error).all()


# ------------------------------------------------------------------------------------------- outages and deprecations


def test_an_outage_by_hand(steady):
    # Two and a half days from 10 June: 40 % fails over to a model at 2.50 a million with 1.2 times the tokens.
    change = sc.Outage(
        2.5,
        on="2026-06-10",
        model="gpt-5",
        failover=0.4,
        to="gpt-4.1",
        input_ratio=1.2,
        prices={"input_tokens": 2.5},
    )
    months = run(steady, change).monthly
    june = 30 * DAY - 2.5 * DAY + 2.5 * 0.4 * 1.2 * 2.5
    np.testing.assert_allclose(months, np.broadcast_to([31 * DAY, june], months.shape), rtol=EXACT)
    # The book's price of gpt-4.1 is 2.00 a million.
    dearer = run(steady, sc.Outage(2.0, on="2026-06-10", model="gpt-5", failover=1.0, to="gpt-4.1")).monthly[:, 1]
    np.testing.assert_allclose(dearer, 28 * DAY + 2 * 2.0, rtol=EXACT)
    lost = run(steady, sc.Outage(2.5, on="2026-06-10")).monthly[:, 1]
    np.testing.assert_allclose(lost, 27.5 * DAY, rtol=EXACT)
    ongoing = run(steady, sc.Outage(5.0, on="2026-04-29")).monthly[:, 0]
    np.testing.assert_allclose(ongoing, (31 - 3) * DAY, rtol=EXACT)


def test_outages_at_a_rate_lose_their_days_and_no_day_twice(year):
    draws = 200
    change = sc.Outage(3.0, rate=40.0)
    totals = run(year, change, draws=draws).totals
    come = arrivals(scene_of(year, draws), change.key, "all", np.full(draws, 40.0 / 365.25)).day
    down = np.zeros((draws, 368))
    for d in range(draws):
        for start in come[d][come[d] < 365]:
            down[d, start : start + 3] = 1.0
    np.testing.assert_allclose(totals, (365 - down[:, :365].sum(axis=1)) * DAY, rtol=EXACT)


def test_an_outage_that_may_happen_does_in_its_share_of_draws(steady):
    months = run(steady, sc.Outage(10.0, on="2026-06-10", probability=0.25), draws=400).monthly[:, 1]
    assert np.isclose(months, 20 * DAY).sum() == 100
    assert np.isclose(months, 30 * DAY).sum() == 300


def test_a_deprecated_model_serves_nothing_from_its_date(steady):
    change = sc.Deprecation("gpt-5", "gpt-5-mini", on="2026-06-11", input_ratio=1.5)
    outcome = run(steady, change)
    # gpt-5-mini reads at 0.25 a million: 1,000 requests of 1,500 tokens are 0.375 a day.
    june = 10 * DAY + 20 * 0.375
    np.testing.assert_allclose(outcome.monthly[:, 1], june, rtol=EXACT)
    old = np.asarray(outcome.labels["model"] == "gpt-5")
    np.testing.assert_allclose(outcome.cost[:, 1, old][:, 0], 10 * DAY, rtol=EXACT)
    stated = sc.Deprecation("gpt-5", "gpt-6", on="2026-06-11", prices={"input_tokens": 1.0})
    np.testing.assert_allclose(run(steady, stated).monthly[:, 1], 10 * DAY + 20 * 1.0, rtol=EXACT)


def test_a_deprecated_model_is_left_in_the_days_before_its_date(steady):
    change = sc.Deprecation("gpt-5", "gpt-5-mini", on="2026-06-11", ramp=10)
    # 2 June to 11 June: a tenth more each day; all has gone on the 11th.
    left = 1 + sum(1 - k / 10 for k in range(1, 11))
    june = left * DAY + (30 - left) * 0.25
    np.testing.assert_allclose(run(steady, change).monthly[:, 1], june, rtol=EXACT)


def test_a_deprecation_that_may_not_come_costs_what_it_is_worth(steady):
    change = sc.Deprecation("gpt-5", "gpt-5-mini", on="2026-06-11", probability=0.25, setup=100.0)
    totals = run(steady, change, draws=400).totals
    assert np.isclose(totals, 41 * DAY + 20 * 0.25 + 100.0).sum() == 100
    assert np.isclose(totals, 61 * DAY).sum() == 300


NEVER = [
    sc.Spikes(0.0, sc.between(1, 2)),
    sc.Spikes(5.0, 0.0),
    sc.Runaway(
        5.0,
        tokens={"input_tokens": 1e9},
        monthly=0.0,
        where={"environment": "test", "model": "gpt-5", "project": "search"},
    ),
    sc.Runaway(5.0, money=1e9, probability=0.0),
    sc.Outage(2.0, rate=0.0, failover=0.5, to="gpt-5-mini", model="gpt-5"),
    sc.Outage(2.0, on="2027-01-11", probability=0.0),
    sc.Deprecation("gpt-5", "gpt-5-mini", on="2027-01-11", probability=0.0),
]


@pytest.mark.parametrize("change", NEVER, ids=lambda c: type(c).__name__)
def test_what_never_happens_is_the_forecast_bit_for_bit(noisy, change):
    bare, made = run(noisy), run(noisy, change)
    assert np.array_equal(made.cost, bare.cost)
    assert np.array_equal(made.totals, bare.totals)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sc.Spikes(-1, 1), "cannot be negative"),
        (lambda: sc.Spikes(1_000, 1), "at most 366"),
        (lambda: sc.Spikes(1, 1, days=0), "whole days, 1 to"),
        (lambda: sc.Runaway(5, monthly=1), "either as tokens= or as money="),
        (lambda: sc.Runaway(5, money=1), "either as monthly="),
        (lambda: sc.Runaway(5, money=1, monthly=1, probability=0.1), "either as monthly="),
        (lambda: sc.Runaway(5, money=1, probability=1), "from 0 to below 1"),
        (lambda: sc.Runaway(5, tokens={"tokens": 5}, monthly=1), "not known"),
        (lambda: sc.Runaway(1e6, money=1, monthly=1), "at most a year"),
        (lambda: sc.Outage(1), "either how often"),
        (lambda: sc.Outage(1, rate=1, on="2026-06-01"), "either how often"),
        (lambda: sc.Outage(1, rate=1, probability=0.5), "goes with on="),
        (lambda: sc.Outage(1, rate=1, failover=0.5), "needs to="),
        (lambda: sc.Outage(1, rate=1, failover=1.5, to="x"), "between 0 and 1"),
        (lambda: sc.Outage(1, rate=1, to="x", failover=1, prices={"input": 1}), "not known"),
        (lambda: sc.Outage(1, rate=1, to="x", failover=1, prices={"input_tokens": -1}), "0 or more"),
        (lambda: sc.Deprecation("gpt-5", " ", on="2026-06-01"), "name of one model"),
        (lambda: sc.Deprecation("gpt-5", "x", on="2026-06-01", probability=3), "from 0 to 1"),
        (lambda: sc.Deprecation("gpt-5", "x", on=""), "from which day"),
        (lambda: sc.Deprecation("gpt-5", "x", on="2026-06-01", retries=0.1), "use Migrate"),
        (lambda: sc.Deprecation("gpt-5", "x", on="2026-06-01", share=0.5), "use Migrate"),
    ],
)
def test_what_cannot_be_meant_is_refused(make, message):
    with pytest.raises(ScenarioError, match=message):
        make()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (sc.Spikes(1, 1, where={"project": "serch"}), "did you mean 'search'"),
        (sc.Spikes(1, 1, per="team"), "wanted one of"),
        (sc.Runaway(5, tokens={"input_tokens": 5}, monthly=1), "chooses 16 workloads and routes"),
        (sc.Outage(1, on="2031-01-01"), "after the horizon"),
        (sc.Outage(1, rate=1, failover=0.5, to="gpt-5-mini"), "itself among what is down"),
        (sc.Outage(1, rate=1, failover=0.5, to="gpt-unheard-of", model="gpt-5"), "has no price"),
        (sc.Deprecation("gpt-4o", "gpt-5", on="2027-01-11"), "matches nothing"),
        (sc.Deprecation("gpt-5", "gpt-5", on="2027-01-11"), "is on gpt-5 already"),
        (sc.Deprecation("gpt-5", "gpt-unheard-of", on="2027-01-11"), "has no price"),
        (sc.Deprecation("gpt-5", "gpt-5-mini", on="2031-01-11"), "after the horizon"),
    ],
)
def test_what_does_not_fit_the_projection_is_refused(noisy, change, message):
    with pytest.raises(ScenarioError, match=message):
        run(noisy, change)


def test_events_say_what_they_assume():
    assert "spikes 4.00 times a year, by 1.00 to 5.00 (P10-P90) times its level on top for a day" in (
        sc.Spikes(4, sc.between(1, 5)).describe()
    )
    assert "runs away in a month with a probability of 20%, at 30.00 of money an hour for 8.00 hours" in (
        sc.Runaway(8, money=30, probability=0.2).describe()
    )
    assert sc.Outage(2, rate=3, model="gpt-5", failover=0.5, to="gpt-4.1", prices={"input_tokens": 9}).describe() == (
        "gpt-5 is down 3.00 times a year, for 2.00 days: 50.0% of its requests go to gpt-4.1 at 9 a quoted unit of "
        "input_tokens, the rest is lost"
    )
    assert sc.Deprecation("gpt-4o", "gpt-5", on="2026-06-11", ramp=30, output_ratio=1.3).describe() == (
        "gpt-4o ends by 2026-06-11, moving within the 30 days before: what it serves goes to gpt-5 with 1.30 times the "
        "output"
    )
