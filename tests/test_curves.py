"""Adoption curves: their equations by hand, their fit against scipy, their draws against a grid, what they refuse."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime, curve_fit, least_squares

import forecast as fc
from forecast.errors import ModelError
from forecast.models.curve_fitting import Before, Levels, _pooled, descend, deviations, drawn, fitted, log_share
from forecast.models.curves import AdoptionCurve, _wander
from forecast.panel import Panel
from forecast.ranges import Between
from forecast.streams import stream

KINDS = ("logistic", "gompertz", "bass")
#: Where curves start and how fast they rise (a period), with which they reach 60 % in some 150 periods.
START = {"logistic": -3.0, "gompertz": 1.3, "bass": 2.5}
RATE = {"logistic": 0.023, "gompertz": 0.0135, "bass": 0.022}
#: Hand arithmetic to seven digits.
HAND = 5e-7
#: Both stop near the same minimum: scipy at 1e-12 of its cost, ours at steps of 1e-7 of a standard deviation.
SCIPY = 1e-5
#: The same fit in a larger array rounds otherwise, and may stop a step sooner.
STOPS = 1e-6
#: Forward differences of order one half of the machine's precision.
DIFFERENCES = 1e-6
#: A noise-free curve's forecast. The mean of a week is taken as the value in its middle: (7 r)^2 / 24 = 0.1 %, and
#: what is assumed before the data weighs as 0.1 of noise over some twenty weeks allows.
FORECAST = 0.01
#: Its parameters, in logs, at 80 % of the ceiling.
PARAMETERS = 0.03


def share(kind, t, start=None, rate=None):
    start, rate = START[kind] if start is None else start, RATE[kind] if rate is None else rate
    return np.exp(log_share(kind, np.asarray(t, dtype="float64"), np.array(start), np.log(rate)).log)


def panel_of(values, freq="D", begin="2025-01-06", names=None):
    values = np.asarray(values, dtype="float64")
    values = values[:, None] if values.ndim == 1 else values
    names = names or tuple(f"s{i}" for i in range(values.shape[1]))
    return Panel(values, pd.date_range(begin, periods=len(values), freq=freq), names, freq)


def frame_of(panel):
    wide = pd.DataFrame(panel.values, index=panel.periods, columns=list(panel.series))
    return wide.rename_axis("ds").reset_index().melt("ds", var_name="unique_id", value_name="y").dropna()


def known_until(kind, reached):
    return int(np.argmax(share(kind, np.arange(1.0, 3_000.0)) >= reached)) + 1


def noisy(kind, known, *, ceiling=1_000.0, seed=0, noise=0.1, ahead=0, **how):
    t = np.arange(1.0, known + ahead + 1)
    return ceiling * share(kind, t, **how) * np.exp(noise * stream(seed, "noisy").standard_normal(len(t)))


# ----------------------------------------------------------------------------------------------------------- by hand


def test_bass_by_hand():
    """p = 0.03, q = 0.38, t = 5: e^-2.05 = 0.12873490; (1 - 0.12873490) / (1 + 12.6666667 x 0.12873490)."""
    by_hand = 0.87126510 / 2.63064211
    assert share("bass", 5.0, math.log(0.38 / 0.03), 0.03 + 0.38) == pytest.approx(by_hand, rel=HAND)


def test_logistic_is_half_at_its_midpoint_and_gompertz_a_share_of_1_over_e_at_its_inflection():
    assert share("logistic", 40.0, -40.0 * 0.07, 0.07) == pytest.approx(0.5, rel=1e-12)
    assert share("gompertz", math.log(5.0) / 0.07, math.log(5.0), 0.07) == pytest.approx(math.exp(-1), rel=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("t", [1.0, 30.0, 400.0])
def test_slopes_are_those_of_differences(kind, t):
    at = np.array([START[kind], math.log(RATE[kind])])
    found = log_share(kind, np.array(t), at[0], at[1])
    slopes = approx_fprime(at, lambda x: float(log_share(kind, np.array(t), x[0], x[1]).log), 1e-7)
    np.testing.assert_allclose([found.by_start, found.by_log_rate], slopes, rtol=1e-4, atol=DIFFERENCES)


# ------------------------------------------------------------------------------------------- scipy, and plain algebra


def levels_of(kind, blocks=30, *, noise=0.1, seed=1, gaps=(), offset=10.0):
    t = 7.0 * np.arange(1, blocks + 1)
    level = 1_000 * share(kind, t) * np.exp(noise * stream(seed, "levels").standard_normal(blocks))
    level[list(gaps)] = np.nan
    return Levels.of(level[None], t[None], np.array([offset])), t, level


def before(kind, spreads=(0.7, 1.0, 0.6), log_ceiling=7.5):
    mean = np.array([[log_ceiling, START[kind] + 0.3, math.log(RATE[kind]) - 0.3]])
    return Before(mean, np.diag(spreads)[None])


@pytest.mark.parametrize("kind", KINDS)
def test_the_mode_is_scipys_curve_fit_where_nothing_is_assumed(kind):
    levels, t, level = levels_of(kind)
    flat = before(kind, spreads=(1e4, 1e4, 1e4), log_ceiling=7.0)
    x = descend(kind, levels, flat, np.zeros((1, 3)), np.array([0.1]), np.zeros(1), steps=200)

    def log_level(t, k, start, log_rate):
        return np.log(np.exp(k) * share(kind, t, start, np.exp(log_rate)) + 10.0)

    expected, spread = curve_fit(log_level, t, np.log(level + 10), p0=flat.mean[0], sigma=0.1 + 0 * t, xtol=1e-13)
    # What is told apart from the data is a small part of its standard error.
    np.testing.assert_allclose(flat.at(x)[0], expected, atol=1e-3 * float(np.sqrt(np.diag(spread)).max()))


@pytest.mark.parametrize("kind", KINDS)
def test_the_mode_is_scipys_least_squares_with_tied_deviations_gaps_and_what_is_assumed(kind):
    gaps, tie, noise = (3, 9, 10, 29), 0.6, 0.15
    levels, t, _ = levels_of(kind, gaps=gaps)
    prior = before(kind)
    x = descend(kind, levels, prior, np.zeros((1, 3)), np.array([noise]), np.array([tie]), steps=100)
    there = np.setdiff1d(np.arange(30), gaps)
    root = np.linalg.cholesky(noise**2 * tie ** np.abs(there[:, None] - there[None, :]))

    def errors(theta):
        curve = np.log(np.exp(theta[0]) * share(kind, t, theta[1], np.exp(theta[2])) + 10.0)
        own = (theta - prior.mean[0]) / np.diag(prior.root[0])
        return np.concatenate([np.linalg.solve(root, (levels.z[0] - curve)[there]), own])

    expected = least_squares(errors, prior.mean[0], xtol=1e-14, ftol=1e-14, gtol=1e-14).x
    np.testing.assert_allclose(prior.at(x)[0], expected, rtol=SCIPY)


@pytest.mark.parametrize("blocks", [8, 30])
def test_draws_are_those_of_a_grid_over_the_posterior(blocks):
    """Early on the ceiling is not identified, and what is known of it is skewed: an integral over a grid says how."""
    kind = "logistic"
    levels, _, _ = levels_of(kind, blocks)
    fit = fitted(kind, levels, before(kind), np.zeros(1, dtype=np.intp), pool=False)
    theta, noise = drawn(kind, levels, fit, 20_000, stream(0, "test"))
    axis = np.linspace(-7, 7, 71)
    x = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    x = fit.x[0] + x @ np.linalg.cholesky(fit.shape[0]).T
    every = before(kind).at(x[None])
    rest = levels.whitened(deviations(kind, levels, every)[0].T[None], fit.tie)[0]
    worth = 3 + levels.worth[0]
    log = -0.5 * worth * np.log(3 * 0.1**2 + (rest**2).sum(axis=0)) - 0.5 * (x**2).sum(axis=1)
    weight = np.exp(log - log.max())
    weight /= weight.sum()
    mean = weight @ every[0]
    sd = np.sqrt(weight @ (every[0] - mean) ** 2)
    # 20,000 draws from 160,000 tried, and a grid of a fifth of a standard deviation.
    np.testing.assert_allclose((theta.mean(axis=0) - mean) / sd, 0.0, atol=0.06)
    np.testing.assert_allclose(theta.std(axis=0) / sd, 1.0, atol=0.06)
    assert 0.05 < np.median(noise) < 0.2


def test_bands_of_the_ceiling_cover_it():
    """Truths are drawn from what is assumed: then 80 % of ceilings lie in the band of 80 %, over 400 products."""
    count, blocks, kind = 400, 25, "logistic"
    prior = Before(np.tile([7.0, -3.0, math.log(0.025)], (count, 1)), np.tile(np.diag([0.7, 1.0, 0.4]), (count, 1, 1)))
    rng = stream(4, "cover")
    truth = prior.at(rng.standard_normal((count, 3)))
    t = np.tile(7.0 * np.arange(1, blocks + 1), (count, 1))
    level = np.exp(truth[:, :1] + log_share(kind, t, truth[:, 1:2], truth[:, 2:3]).log)
    levels = Levels.of(level * np.exp(0.1 * rng.standard_normal(level.shape)), t, np.full(count, 1e-3))
    fit = fitted(kind, levels, prior, np.zeros(count, dtype=np.intp), pool=False)
    off = np.abs(fit.theta[:, 0] - truth[:, 0]) / np.sqrt(fit.spread[:, 0, 0])
    # A binomial of 400 has a standard error of 2 %; the noise is estimated, and tied a little for safety.
    assert 0.74 <= (off < 1.2816).mean() <= 0.88


# ------------------------------------------------------------------------------------------- curves that are known


@pytest.mark.parametrize("kind", KINDS)
def test_a_noise_free_curve_is_found_and_goes_on(kind):
    known = known_until(kind, 0.8)
    week = np.array([1.3, 1.3, 1.3, 1.2, 1.1, 0.5, 0.3])
    days = np.arange(known + 90)
    y = 5_000 * share(kind, days + 1.0) * week[days % 7]
    panel = panel_of(y[:known])
    model = AdoptionCurve(kind=kind)
    np.testing.assert_allclose(model.point(panel, 90)[:, 0], y[known:], rtol=FORECAST)
    seen = model.roll(panel, 90, np.zeros(0, dtype=np.intp), 1).method[0]
    ceiling = float(seen.split("ceiling ")[1].split(" ")[0].replace(",", ""))
    assert ceiling == pytest.approx(5_000, rel=PARAMETERS)


@pytest.mark.parametrize(("freq", "step", "season"), [("h", 1 / 24, 24), ("D", 1, 7), ("W-SUN", 7, 1), ("MS", 30.4, 1)])
def test_any_frequency(freq, step, season):
    """The same logistic by hours, days, weeks and months: 60 % reached, and the rest of it known to 3 %."""
    days = {"h": 60, "D": 250, "W-SUN": 500, "MS": 900}[freq]
    known = int(days / step)
    t = np.arange(1, int(1.2 * known))
    rate = 3.4 / known  # logit runs from -3 to 0.4
    y = 700 * share("logistic", t, -3.0, rate) * (1 + 0.5 * np.sin(2 * np.pi * t / season) * (season > 1))
    panel = panel_of(y[:known], freq=freq)
    found = AdoptionCurve(ceiling=700).point(panel, len(t) - known)[:, 0]
    np.testing.assert_allclose(found, y[known:], rtol=0.03)


def test_gaps_are_left_out():
    known = known_until("logistic", 0.6)
    week = np.array([1.3, 1.3, 1.3, 1.2, 1.1, 0.5, 0.3])
    days = np.arange(known + 60)
    y = 5_000 * share("logistic", days + 1.0) * week[days % 7]
    gappy = y[:known].copy()
    gappy[stream(2, "gaps").choice(known - 1, known // 5, replace=False) + 1] = np.nan
    gappy[60:75] = np.nan
    gappy[-9:] = np.nan
    model = AdoptionCurve(ceiling=5_000)
    np.testing.assert_allclose(model.point(panel_of(gappy), 60)[:, 0], y[known:], rtol=2 * FORECAST)


# --------------------------------------------------------------------------------------------------------- ceilings


def total_band(model, panel, horizon=180):
    totals = model.futures(panel, horizon, 1_000, 0).values.sum(axis=1)
    return np.quantile(totals, [0.1, 0.5, 0.9], axis=0)


def test_a_wide_ceiling_gives_a_wider_band_than_a_narrow_one_and_than_none():
    panel = panel_of(noisy("logistic", known_until("logistic", 0.25)))
    low, mid, high = zip(
        *[
            total_band(AdoptionCurve(ceiling=ceiling, paths="own"), panel)[:, 0]
            for ceiling in (1_000.0, Between(800, 1_250), Between(400, 2_500))
        ],
        strict=True,
    )
    width = np.log(np.array(high) / np.array(low))
    assert width[0] < width[1] < width[2]
    assert all(600 < m / 180 < 900 for m in mid)


def test_deviations_ahead_are_an_autoregression_from_the_last():
    """Two blocks after the last known: mean 0.36 of it, variance 1 - 0.36^2 of the noise's; 0.6 between neighbours."""
    found = _wander(2.0, 0.6, 2, np.full(40_000, 0.1), 30, stream(1, "wander"))
    # 40,000 draws: means to 0.1 / 200, correlations and ratios of deviations to 1 / 200; four of those.
    assert found[:, 0].mean() == pytest.approx(0.36 * 2.0, abs=0.002)
    assert found[:, 1].mean() == pytest.approx(0.6 * 0.36 * 2.0, abs=0.002)
    assert found[:, 0].std() == pytest.approx(0.1 * math.sqrt(1 - 0.36**2), rel=0.02)
    assert found[:, -1].std() == pytest.approx(0.1, rel=0.02)
    assert np.corrcoef(found[:, -1], found[:, -2])[0, 1] == pytest.approx(0.6, abs=0.02)


def test_own_days_scatter_as_days_have_and_weeks_as_weeks_have():
    """Days of noise 0.3, independent, at a ceiling long reached: a day scatters by 0.3, a week by 0.3 / sqrt(7)."""
    y = 1_000 * np.exp(0.3 * stream(5, "days").standard_normal(420))
    model = AdoptionCurve(ceiling=1_100, paths="own")
    made = model.futures(panel_of(y), 70, 2_000, 0).values[:, 35:, 0]
    # A quarter of it: of 13 weeks of shapes, and a noise that was 0.1 a week before it was seen.
    assert np.log(made).std(axis=0).mean() == pytest.approx(0.3, rel=0.25)
    weeks = made.reshape(2_000, 5, 7).mean(axis=2)
    assert np.log(weeks).std(axis=0).mean() == pytest.approx(0.3 / math.sqrt(7), rel=0.25)


def test_a_given_ceiling_is_where_the_curve_ends():
    panel = panel_of(noisy("logistic", known_until("logistic", 0.4), noise=0.02))
    for ceiling in (700.0, 1_000.0, 3_000.0):
        model = AdoptionCurve(ceiling={"s0": ceiling})
        assert model.point(panel, 2_000)[-7:].mean() == pytest.approx(ceiling, rel=1e-3)


def test_given_ceilings_that_use_has_passed_are_refused_by_name():
    panel = panel_of(np.column_stack([noisy("logistic", 200), noisy("logistic", 200)]), names=("chat", "search"))
    weeks = panel.values[-13 * 7 :, 1].reshape(13, 7).mean(axis=1)
    top = max(weeks[k : k + 4].mean() for k in range(10))
    with pytest.raises(
        ModelError, match=r"series 'search': ceiling=100 lies below its largest recent level, ([\d,.]+)"
    ) as e:
        AdoptionCurve(ceiling={"search": 100}).point(panel, 10)
    shown = float(e.value.args[0].split("level, ")[1].split(" ")[0].replace(",", ""))
    assert shown == pytest.approx(top, rel=1e-2)
    with pytest.raises(ModelError, match="series 'chat'"):
        AdoptionCurve(ceiling=Between(100, 200)).point(panel, 10)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"kind": "logistik"}, "did you mean 'logistic'"),
        ({"ceiling": 0}, "ceiling = 0: wanted a number above 0"),
        ({"ceiling": {"chat": Between(-1, 5)}}, "ceiling of series 'chat'"),
        ({"ceiling": "high"}, "ceiling = 'high'"),
        ({"multiple": -2}, "multiple = -2"),
        ({"paths": "mine"}, "paths 'mine' is not known"),
        ({"pool": "yes"}, "pool='yes'"),
        ({"fallback": "run_rat"}, "did you mean 'run_rate'"),
    ],
)
def test_arguments_that_do_not_hold(arguments, said):
    with pytest.raises(ModelError, match=said):
        AdoptionCurve(**arguments)


def test_a_ceiling_of_no_series_is_told():
    panel = panel_of(noisy("logistic", 200), names=("chat",))
    notes = AdoptionCurve(ceiling={"chta": 5_000}).roll(panel, 5, np.zeros(0, dtype=np.intp), 1).notes
    assert notes == ("logistic: no series 'chta', which has a ceiling; did you mean 'chat'?",)


# ------------------------------------------------------------------------------------------------- what has no curve


def test_what_falls_is_short_or_below_0_goes_to_the_fallback_and_is_told():
    up = noisy("logistic", 200)
    short = np.where(np.arange(200) < 190, np.nan, up)
    below = up.copy()
    below[50] = -1
    panel = panel_of(np.column_stack([up, up[::-1], short, below]), names=("up", "down", "short", "below"))
    rolled = AdoptionCurve(fallback="run_rate").roll(panel, 20, np.zeros(0, dtype=np.intp), 1)
    expected = fc.models.model_of("run_rate").point(panel, 20)
    np.testing.assert_allclose(rolled.point[:, 1:], expected[:, 1:])
    assert rolled.method[0].startswith("logistic: ceiling")
    assert rolled.method[1].startswith("run_rate, since it falls: its last quarter is ")
    assert rolled.method[2].startswith("run_rate, since 10 known periods since the first use")
    assert rolled.method[3].startswith("run_rate, since values below 0")
    assert rolled.notes[0].startswith("3 series by run_rate in place of logistic: down: it falls")
    own = AdoptionCurve(fallback="run_rate", paths="own").futures(panel, 20, 10, 0)
    np.testing.assert_array_equal(own.columns, [0])
    with pytest.raises(ModelError, match=r"could not be fitted to 3 of 4 series \(down: it falls.*has no fallback"):
        AdoptionCurve(fallback=None).point(panel, 20)
    with pytest.raises(ModelError, match=r"could not be fitted to any series .*'seasonal_mean' and 'run_rate'"):
        AdoptionCurve().point(panel_of(up[::-1]), 20)


def test_what_jumps_or_rests_has_no_curve():
    weeks = np.repeat(np.where(np.arange(40) % 2, 900.0, 300.0), 7)  # by a factor of 3 (with 2 % of 600 added: 2.9)
    rests = np.repeat(np.where(np.arange(40) % 3, 0.0, 500.0), 7)
    panel = panel_of(np.column_stack([weeks, rests, np.full(280, 50.0)]))
    method = AdoptionCurve().roll(panel, 10, np.zeros(0, dtype=np.intp), 1).method
    assert "its level jumps: by a factor of 2.9 from one block to the next" in method[0]
    assert "it rests: there is nothing in 65% of the blocks of its later half" in method[1]
    assert method[2].startswith("logistic: ceiling")


def test_a_series_that_never_moves_stays():
    found = AdoptionCurve(ceiling=60).point(panel_of(np.full(300, 50.0)), 30)
    np.testing.assert_allclose(found, 50.0, rtol=0.05)


# --------------------------------------------------------------------------------------------------------- pooling


def test_similar_products_tell_how_a_young_one_will_grow():
    """Six grown products and one known for ten weeks, over ten panels: the error of its next 90 days' mean level."""
    off = {True: [], False: []}
    for seed in range(10):
        rng = stream(seed, "similar")
        length = 520
        values = np.full((length + 90, 7), np.nan)
        for i in range(7):
            known = 70 if i == 6 else int(rng.integers(200, length))
            rate = RATE["logistic"] * np.exp(0.1 * rng.standard_normal())
            start = START["logistic"] + 0.2 * rng.standard_normal()
            y = noisy(
                "logistic", known, ceiling=1_000.0, ahead=90, start=start, rate=rate, seed=10 * seed + i, noise=0.2
            )
            values[-len(y) :, i] = y
        panel = panel_of(values[:length])
        for pool, errors in off.items():
            found = AdoptionCurve(pool=pool).point(panel, 90)[:, 6].sum()
            errors.append(abs(math.log(found / values[length:, 6].sum())))
    assert np.mean(off[True]) < 0.8 * np.mean(off[False])


def test_pooled_start_and_rate_by_hand():
    """Two series and one more as known before, of mean 0 and variance 1: of starts 1 and 2, each known to 0.5.

    Their mean is (0 + 1 + 2) / 3 = 1; the variance (1 + 1 of the one more, 0.5 + 0 and 0.5 + 1 of the two) / 3.
    """
    two = Before(np.zeros((2, 3)), np.tile(np.eye(3), (2, 1, 1)))
    theta = np.array([[7.0, 1.0, 0.0], [8.0, 2.0, 0.0]])
    found = _pooled(two, theta, np.tile(0.5 * np.eye(3), (2, 1, 1)), np.zeros(2, dtype=np.intp))
    np.testing.assert_allclose(found.mean, [[0.0, 1.0, 0.0]] * 2)
    variance = (found.root @ found.root.swapaxes(1, 2))[0]
    np.testing.assert_allclose(variance, np.diag([1.0, (1 + 1 + 0.5 + 0.5 + 1) / 3, (1 + 0.5 + 0.5) / 3]), atol=1e-12)


def test_series_that_are_not_pooled_do_not_touch_each_other():
    values = np.column_stack([noisy("bass", 200, seed=1), noisy("bass", 200, seed=2)])
    both = AdoptionCurve(kind="bass", pool=False).point(panel_of(values), 30)
    alone = AdoptionCurve(kind="bass", pool=False).point(panel_of(values[:, 1]), 30)
    np.testing.assert_allclose(both[:, 1], alone[:, 0], rtol=STOPS)


# ------------------------------------------------------------------------------------------------------ the library


def young():
    return panel_of(np.column_stack([noisy("logistic", 220, seed=i, ceiling=1_000 * (i + 1)) for i in range(3)]))


@pytest.mark.parametrize("pool", [True, False])
def test_what_came_after_a_cut_changes_no_forecast_made_there(pool):
    panel, cuts = young(), np.array([100, 150, 190])
    model = AdoptionCurve(pool=pool)
    was = model.roll(panel, 30, cuts, 25).past
    planted = panel.values.copy()
    planted[150:] *= 7.0
    found = model.roll(panel_of(planted), 30, cuts, 25).past
    np.testing.assert_array_equal(found[:2], was[:2])
    assert not np.allclose(found[2], was[2])
    # A cut is a panel that ends there.
    np.testing.assert_allclose(was[1], model.point(panel.until(150), 25), rtol=STOPS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("paths", ["joint", "own"])
def test_paths_are_seeded_and_lie_about_the_point(kind, paths):
    panel = young()
    model = AdoptionCurve(kind=kind, paths=paths)
    frame = frame_of(panel)
    one, again = (fc.sample_paths(frame, 60, model=model, draws=200, seed=3) for _ in range(2))
    np.testing.assert_array_equal(one.values, again.values)
    other = fc.sample_paths(frame, 60, model=model, draws=200, seed=4)
    assert not np.allclose(one.values, other.values)
    total = np.median(one.values.sum(axis=1), axis=0)
    np.testing.assert_allclose(total, model.point(panel, 60).sum(axis=0), rtol=0.15)
    assert np.isfinite(one.values).all()
    assert (one.values >= 0).all()


def test_the_shelf_has_them_by_name():
    frame = frame_of(young())
    made = fc.sample_paths(frame, 30, model="logistic", draws=50)
    assert made.values.shape == (50, 30, 3)
    assert all(words.startswith("logistic: ceiling") for words in made.fitted)
    assert "start and rate pooled over 3 series" in made.fitted[0]
    card = fc.backtest(frame, models=["bass", "gompertz", "run_rate"], horizon=28, origins=2, draws=50)
    assert set(card.table.index) >= {"bass", "gompertz", "run_rate"}


def test_bass_counts_from_the_launch_and_refuses_a_history_that_begins_after_it():
    """The same product, seen from its first day and from half way up: the second is forecast by the fallback."""
    t = np.arange(1.0, 301.0)
    share = (1 - np.exp(-0.02 * t)) / (1 + 8 * np.exp(-0.02 * t))
    days = pd.date_range("2026-01-01", periods=300)
    whole = pd.DataFrame({"unique_id": "a", "ds": days, "y": 1_000 * share})
    late = whole[whole["ds"] >= "2026-05-15"].assign(unique_id="b")
    found = fc.sample_paths(pd.concat([whole, late]), horizon=14, model="bass", draws=20)
    assert found.fitted[0].startswith("bass")
    assert found.fitted[1].startswith("seasonal_mean")
    assert any("its launch lies before the history" in note for note in found.notes)
