"""The backtest against forecasts made by hand and by the front door, and against what it must not do: look ahead."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from forecast import origins, scores
from forecast.backtesting import backtest
from forecast.coverage import coverage_by_level, coverage_error
from forecast.dependence import trajectories
from forecast.drawing import LIGHT
from forecast.errors import HorizonError, ModelError
from forecast.models import MODELS
from forecast.sampling import sample_paths
from forecast.scorecard_figures import (
    Calibration,
    calibration_plot,
    coverage_words,
    errors_by_level,
    frequencies,
    look_of,
    pit_plot,
)
from forecast.scoring import SCORES

#: The same sum in another order: a few roundings.
SAME = 1e-12


def frame_of(values, *, start="2026-01-05", freq="D"):
    """A long frame of an array (period, series); the default start is a Monday."""
    wide = np.asarray(values, dtype="float64")
    periods, series = wide.shape
    return pd.DataFrame(
        {
            "unique_id": np.repeat([f"s{i}" for i in range(series)], periods),
            "ds": np.tile(pd.date_range(start, periods=periods, freq=freq).to_numpy(), series),
            "y": wide.T.ravel(),
        }
    )


def usage_like(periods=140, series=3, seed=11):
    """Daily series with a week, growth and noise: (period, series)."""
    rng = np.random.default_rng(seed)
    t = np.arange(periods)[:, None]
    week = 1 + 0.3 * np.sin(2 * np.pi * t / 7)
    level = 1_000.0 * (1 + np.arange(series))
    return level * week * np.exp(0.002 * t + rng.normal(0, 0.1, (periods, series)))


def values_of(card, score, *, model, scope, origin=None):
    rows = card.detail.query("score == @score and model == @model and scope == @scope")
    if origin is not None:
        rows = rows[rows["origin"] == origin]
    return rows.sort_values(["origin", "series"])["value"].to_numpy()


@dataclass(frozen=True)
class Line:
    """Knows the law y = 10 t + 5: a perfect model of a series that starts at t = 0."""

    name: str = "line"

    def point(self, panel, horizon):
        t = len(panel.periods) + np.arange(horizon)
        return np.repeat((10.0 * t + 5.0)[:, None], len(panel.series), axis=1)


class Spy:
    """The run rate, with a memory of what it was shown."""

    name = "spy"

    def __init__(self):
        self.shown = []

    def point(self, panel, horizon):
        self.shown.append(panel.values.copy())
        return np.repeat(np.nanmean(panel.values, axis=0)[None], horizon, axis=0)


# --------------------------------------------------------------------------------------------------- what is scored


def test_a_seasonal_naive_backtest_by_hand():
    week = np.array([10.0, 20, 30, 40, 50, 60, 70])
    values = np.concatenate([np.tile(week, 4), week + 7, week - 3])  # errs by 7 a day, then by 3
    card = backtest(frame_of(values[:, None]), models=["seasonal_naive"], horizon=14, origins=1, draws=20)
    row, actual = card.table.loc["seasonal_naive"], (280 + 49) + (280 - 21)
    assert np.isnan(row["mase"])  # the history repeats itself: nothing to scale by
    assert row["wape"] == pytest.approx((49 + 21) / actual)
    assert row["wape_total"] == pytest.approx((49 - 21) / actual)
    assert row["bias_total"] == pytest.approx(-(49 - 21) / actual)
    assert row["finops_grade"] == "run"
    weeks = values_of(card, "mae", model="seasonal_naive", scope="week")
    assert weeks.tolist() == [(49 + 21) / 2]
    assert values_of(card, "count", model="seasonal_naive", scope="week").tolist() == [2]


def test_scores_are_those_of_the_forecast_that_the_front_door_gives():
    values, horizon = usage_like(), 21
    frame = frame_of(values)
    card = backtest(frame, models=["auto"], horizon=horizon, origins=2, draws=60, seed=4)
    for k, origin in enumerate(card.design.origins):
        cut = 140 - horizon * (2 - k)
        known = frame[frame["ds"] <= origin]
        paths = sample_paths(known, horizon, model="auto", draws=60, seed=4).values
        actual = values[cut : cut + horizon]
        daily = scores.crps(actual, paths, fair=False).mean(axis=0)
        totals = scores.crps(actual.sum(axis=0), paths.sum(axis=1), fair=False)
        for scope, expected in (("day", daily), ("horizon", totals)):
            found = values_of(card, "crps", model="auto", scope=scope, origin=origin)
            np.testing.assert_allclose(found, expected, rtol=SAME)


def test_bands_of_totals_are_quantiles_of_sums_not_sums_of_bands():
    values, horizon = usage_like(), 21
    frame = frame_of(values)
    card = backtest(frame, models=["auto"], horizon=horizon, origins=1, draws=60)
    paths = sample_paths(frame[frame["ds"] <= card.design.origins[0]], horizon, draws=60).values
    actual = values[-horizon:].sum(axis=0)
    of_sums = scores.interval_score(actual, *np.quantile(paths.sum(axis=1), [0.1, 0.9], axis=0))
    sums_of = scores.interval_score(actual, *np.quantile(paths, [0.1, 0.9], axis=0).sum(axis=1))
    found = values_of(card, "interval_80", model="auto", scope="horizon")
    np.testing.assert_allclose(found, of_sums, rtol=SAME)
    assert (np.abs(found - sums_of) / sums_of > 0.05).all()


def test_a_perfect_model_scores_zero():
    t = np.arange(120)
    card = backtest(frame_of((10.0 * t + 5)[:, None]), models=[Line(), "run_rate"], horizon=28, origins=3, draws=20)
    line = card.table.loc["line"]
    zero = ["mase", "smape", "wape", "bias", "crps", "interval_80", "wape_total", "bias_total", "crps_total"]
    np.testing.assert_allclose(line[zero].astype(float), 0, atol=1e-9)
    assert line["coverage_80"] == line["coverage_95_total"] == 1
    assert line["finops_grade"] == "run"
    assert line["mase_to_run_rate"] == 0
    assert card.table.loc["run_rate", "mase_to_run_rate"] == 1


def test_whole_weeks_months_and_quarters_only():
    # 2026-01-05 is a Monday. 100 days known, to Tuesday 2026-04-14; then 100 days, to Thursday 2026-07-23.
    card = backtest(frame_of(usage_like(200)), models=["run_rate"], horizon=100, origins=1, draws=10)
    assert card.design.scopes == ("day", "week", "month", "quarter", "year", "horizon")
    counts = {s: values_of(card, "count", model="run_rate", scope=s).tolist() for s in card.design.scopes}
    assert counts == {
        "day": [100] * 3,
        "week": [13] * 3,
        "month": [2] * 3,
        "quarter": [],
        "year": [],
        "horizon": [1] * 3,
    }
    actual = usage_like(200)[100:]
    may = actual[16:47].sum(axis=0)  # 15 to 30 April are 16 days
    june = actual[47:77].sum(axis=0)
    np.testing.assert_allclose(values_of(card, "actual", model="run_rate", scope="month"), (may + june) / 2, rtol=SAME)
    quarter = backtest(
        frame_of(usage_like(181), start="2026-01-01"), models=["run_rate"], horizon=91, origins=1, draws=10
    )
    assert values_of(quarter, "count", model="run_rate", scope="quarter").tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("freq", "scopes", "periods"),
    [
        ("h", ("hour", "day", "week", "month", "quarter", "year", "horizon"), 400),
        ("B", ("day", "week", "month", "quarter", "year", "horizon"), 120),
        ("W", ("week", "horizon"), 120),
        ("MS", ("month", "quarter", "year", "horizon"), 60),
        ("QS", ("quarter", "horizon"), 40),
        ("2D", ("period", "horizon"), 80),
    ],
)
def test_every_frequency(freq, scopes, periods):
    card = backtest(
        frame_of(usage_like(periods), freq=freq), models=["run_rate"], horizon=13, origins=2, freq=freq, draws=10
    )
    assert card.design.scopes == scopes
    assert np.isfinite(card.table.loc["run_rate", "wape_total"])
    assert f"13 {scopes[0]}s ahead" in repr(card)


def test_months_of_a_year_of_months():
    card = backtest(
        frame_of(usage_like(48), start="2022-01-01", freq="MS"),
        models=["run_rate"],
        horizon=14,
        origins=1,
        freq="MS",
        draws=10,
    )  # November 2024 to December 2025
    assert values_of(card, "count", model="run_rate", scope="quarter").tolist() == [4] * 3
    assert values_of(card, "count", model="run_rate", scope="year").tolist() == [1] * 3


# ------------------------------------------------------------------------------------------------------- no leakage


@pytest.fixture
def forecasts(monkeypatch):
    """Every point and path that a backtest makes, as bytes, in the order of origins."""
    made = []

    def recorded(*given, **asked):
        found = trajectories(*given, **asked)
        made.append(found.point.tobytes() + found.paths().tobytes())
        return found

    monkeypatch.setattr(origins, "trajectories", recorded)

    def of(values, model):
        made.clear()
        backtest(frame_of(values), models=[model], horizon=14, origins=3, draws=30)
        return list(made)

    return of


#: Fitted series by series, at every past cut. They are held to this one by one, too, in the tests of their own.
SLOW = {"ets", "theta", "stl_ets", "stl_arima", "sarimax", "unobserved_components", "prophet", "combination"}


# Bass refuses a history without a launch in it: tests/test_curves.py has its own tell-tale.
@pytest.mark.parametrize(
    "model", [pytest.param(m, marks=[pytest.mark.slow] * (m in SLOW)) for m in MODELS if m != "bass"]
)
def test_a_tell_tale_after_the_cut_changes_no_forecast(model, forecasts):
    """A huge value is planted on every day after a cut: what was forecast up to there is the same bit for bit."""
    values = usage_like()
    plain = forecasts(values, model)
    assert len(plain) == 3
    for known in (1, 2, 3):
        planted = values.copy()
        planted[140 - 14 * (4 - known) :] = 1e12
        marked = forecasts(planted, model)
        assert marked[:known] == plain[:known]
        assert all(a != b for a, b in zip(marked[known:], plain[known:], strict=True))  # it does show once it is known


def test_scores_before_a_tell_tale_stay_the_same():
    values = usage_like()
    planted = values.copy()
    planted[-14:] = 1e12
    plain, marked = (
        backtest(frame_of(v), models=["auto", "run_rate"], horizon=14, origins=3, draws=30).detail
        for v in (values, planted)
    )
    earlier = [d[d["origin"] < d["origin"].max()].reset_index(drop=True) for d in (plain, marked)]
    pd.testing.assert_frame_equal(*earlier, check_exact=True)


def test_a_model_is_shown_nothing_after_its_origin():
    spy, values = Spy(), usage_like(100)
    backtest(frame_of(values), models=[spy], horizon=20, origins=2, draws=10)
    longest = max(len(shown) for shown in spy.shown)
    assert longest == 80
    assert all(np.array_equal(shown, values[: len(shown)]) for shown in spy.shown)


def test_rows_of_one_model_do_not_depend_on_the_others():
    frame = frame_of(usage_like(100))
    alone = backtest(frame, models=["seasonal_naive"], horizon=14, origins=3, draws=20)
    among = backtest(frame, models=["run_rate", "drift", "seasonal_naive"], horizon=14, origins=3, draws=20)
    pd.testing.assert_frame_equal(alone.table, among.table.loc[["seasonal_naive"]], check_exact=True)


def test_workers_change_no_number():
    frame = frame_of(usage_like(100, series=4))
    cards = [
        backtest(frame, models=["auto", Line(), "run_rate"], horizon=14, origins=2, draws=30, n_jobs=n) for n in (1, 2)
    ]
    for part in ("table", "detail", "pit"):
        pd.testing.assert_frame_equal(*(getattr(card, part) for card in cards), check_exact=True)


# ---------------------------------------------------------------------------------------------- what is not complete


def test_a_series_is_scored_from_its_first_value_on():
    values = usage_like(100)
    values[:75, 1] = np.nan  # known at the second origin only: the first comes after 60 periods, the second after 80
    card = backtest(frame_of(values), models=["auto", "run_rate"], horizon=20, origins=2, draws=20)
    first, last = card.design.origins
    started = card.detail[card.detail["origin"] == first]["series"].unique()
    assert sorted(started) == ["s0", "s2"]
    assert set(card.detail[card.detail["origin"] == last]["series"]) == {"s0", "s1", "s2"}


def test_gaps_are_left_out_and_totals_compare_the_days_that_were_seen():
    values = usage_like(100)
    values[85, 0] = np.nan  # one of the last 20 days
    values[82:90, 1] = np.nan  # eight of them: not a total any more
    card = backtest(frame_of(values), models=["run_rate"], horizon=20, origins=1, draws=20)
    assert values_of(card, "count", model="run_rate", scope="day").tolist() == [19, 12, 20]
    totals = card.detail.query("scope == 'horizon' and score == 'actual'").set_index("series")["value"]
    assert totals.to_dict() == pytest.approx({"s0": np.nansum(values[80:, 0]), "s2": values[80:, 2].sum()})
    frame = frame_of(values)
    paths = sample_paths(frame[frame["ds"] <= card.design.origins[0]], 20, model="run_rate", draws=20).values[:, :, 0]
    seen = np.isfinite(values[80:, 0])
    error = card.detail.query("scope == 'horizon' and score == 'error' and series == 's0'")["value"].item()
    assert error == pytest.approx(np.median(paths[:, seen].sum(axis=1)) - np.nansum(values[80:, 0]))


def test_points_are_the_models_own_and_points_of_totals_the_plans_p50():
    values = usage_like(140)
    frame = frame_of(values)
    card = backtest(frame, models=["run_rate"], horizon=28, origins=1, draws=40)
    daily = values_of(card, "mae", model="run_rate", scope="day")
    np.testing.assert_allclose(daily, np.abs(values[112:] - values[84:112].mean(axis=0)).mean(axis=0), rtol=SAME)
    paths = sample_paths(frame[frame["ds"] <= card.design.origins[0]], 28, model="run_rate", draws=40)
    p50 = np.median(paths.total().values[:, 0], axis=0)
    totals = values_of(card, "error", model="run_rate", scope="horizon")
    np.testing.assert_allclose(totals, p50 - values[112:].sum(axis=0), rtol=1e-9)
    assert card.table.loc["run_rate", "wape_total"] == pytest.approx(np.abs(totals).sum() / values[112:].sum())


def test_series_at_zero_have_no_relative_scores_and_raise_no_warning():
    values = usage_like(100)
    values[:, 0] = 0.0
    card = backtest(frame_of(values), models=["auto", "run_rate"], horizon=14, origins=2, draws=20)
    held = (
        card.detail.query("series == 's0' and scope == 'horizon' and model == 'auto'").groupby("score")["value"].mean()
    )
    assert held["mae"] == held["crps"] == held["interval_80"] == 0
    assert held["coverage_80"] == 1
    assert "wape" not in held.index
    assert card.table["wape"].notna().all()


# ------------------------------------------------------------------------------------------------------- the bands


def test_coverage_comes_with_what_it_is_worth():
    frame = frame_of(usage_like(220, series=6))
    asked = {"models": ["seasonal_mean"], "horizon": 28, "step": 14, "draws": 100}
    card = backtest(frame, origins=8, **asked)
    row = card.table.loc["seasonal_mean"]
    inside = card.detail.query("scope == 'horizon' and score == 'coverage_80'")
    assert row["coverage_80_total"] == pytest.approx(inside["value"].mean())
    known = coverage_error(inside.groupby("origin")["value"].sum(), np.full(8, 6), overlap=2)
    assert row["coverage_80_total_se"] == known.se
    assert row["coverage_80_total_trials"] == known.trials
    assert known.trials <= 48 + 1e-9
    assert row["dm_p"] <= 1
    few = backtest(frame, origins=6, **asked).table.loc["seasonal_mean"]  # three that do not overlap
    assert np.isnan(few[["coverage_80_se", "coverage_80_total_trials", "dm_p"]].astype(float)).all()
    assert few["coverage_80_total"] <= 1


def test_diebold_mariano_is_over_origins():
    card = backtest(frame_of(usage_like(140)), models=["auto", "run_rate"], horizon=14, origins=5, draws=20)
    mase = card.detail.query("scope == 'day' and score == 'mase'").groupby(["model", "origin"])["value"].mean()
    test = scores.diebold_mariano(mase["auto"], mase["run_rate"])
    assert card.table.loc["auto", "dm_p"] == pytest.approx(test.p_value)
    assert card.table.loc["auto", "mase_to_run_rate"] == pytest.approx(mase["auto"].mean() / mase["run_rate"].mean())
    assert card.table.loc["auto", "mase_to_run_rate"] < 1
    assert card.table.loc["run_rate", "dm_p"] == 1


def test_the_run_rate_is_the_yardstick_also_where_it_is_not_a_model():
    frame = frame_of(usage_like(140))
    without = backtest(frame, models=["auto"], horizon=14, origins=4, draws=20)
    beside = backtest(frame, models=["auto", "run_rate"], horizon=14, origins=4, draws=20)
    assert without.table.loc["auto", "dm_p"] == beside.table.loc["auto", "dm_p"]


def test_detail_holds_every_score_once():
    card = backtest(frame_of(usage_like(100)), models=["auto", "run_rate"], horizon=14, origins=2, draws=20)
    assert list(card.detail.columns) == ["model", "origin", "series", "scope", "score", "value"]
    assert not card.detail.duplicated(["model", "origin", "series", "scope", "score"]).any()
    assert set(card.detail["score"]) == set(SCORES)
    assert card.detail["value"].notna().all()
    per_scope = card.pit.groupby(["model", "scope"], observed=True)["count"].sum()
    assert per_scope["auto", "day"] == pytest.approx(2 * 14 * 3)
    assert per_scope["auto", "horizon"] == pytest.approx(2 * 3)
    per_origin = card.pit.query("model == 'auto' and scope == 'day'").groupby("origin")["count"].sum()
    assert per_origin.to_dict() == pytest.approx(dict.fromkeys(card.design.origins, 14 * 3))
    levels = card.detail.query("scope == 'day'").groupby("score", observed=True)["value"].mean()
    assert levels["coverage_95"] >= levels["coverage_80"]
    assert levels["interval_95"] > levels["interval_80"]


# ------------------------------------------------------------------------------------------------- how it is shown


def test_repr_and_page():
    card = backtest(
        frame_of(usage_like(140)),
        models=["auto", Line(name="<b>mine</b>"), "run_rate"],
        horizon=14,
        origins=5,
        draws=20,
    )
    assert re.fullmatch(
        r"Scorecard\(3 models x 5 origins x 3 series, 14 days ahead; totals nearest: \w+, off by \d+\.\d%\)", repr(card)
    )
    page = card._repr_html_()
    assert "&lt;b&gt;mine" in page
    assert "<b>mine" not in page
    assert "80 % band held the total" in page
    assert "FinOps grade" in page
    assert "nan" not in page.lower()
    one = backtest(frame_of(usage_like(60)), models=["run_rate"], horizon=14, origins=1, draws=20)._repr_html_()
    assert "nan" not in one.lower()
    assert "from 1 past date:" in one


@pytest.mark.parametrize("kind", ["calibration", "pit"])
@pytest.mark.parametrize("scope", ["day", "week", "horizon"])
def test_plot(kind, scope):
    card = backtest(frame_of(usage_like(100)), models=["auto", "run_rate"], horizon=21, origins=2, draws=20)
    ax = card.plot(kind, scope=scope)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["auto", "run_rate"]
    assert ax.get_xlabel()
    assert ax.get_title(loc="left") or ax.get_title()
    mine = Figure().add_subplot()
    assert card.plot(kind, scope=scope, ax=mine) is mine


@pytest.fixture(scope="module")
def eight_dates():
    return backtest(frame_of(usage_like(220)), models=["seasonal_mean", "run_rate"], horizon=14, origins=8, draws=60)


def test_the_calibration_plot_states_the_tables_coverage_with_its_error(eight_dates):
    ax = eight_dates.plot()
    for (_, row), bar in zip(eight_dates.table.iterrows(), ax.containers, strict=True):
        mark, _, (error,) = bar
        (low, high) = error.get_segments()[0][:, 1]
        share, se = 100 * row["coverage_80_total"], 100 * row["coverage_80_total_se"]
        assert mark.get_ydata() == pytest.approx([share])
        assert (low, high) == pytest.approx((share - min(se, share), min(share + se, 100)))
    first = eight_dates.table.loc["seasonal_mean"]
    told = coverage_words("seasonal_mean", "totals", first["coverage_80_total"], first["coverage_80_total_se"])
    assert ax.get_title().replace("\n", " ") == told
    assert len(ax.collections) == 1 + 2  # the first model's shade, and a bar for each


def test_few_dates_have_no_standard_error_in_the_picture_either():
    card = backtest(frame_of(usage_like(100)), models=["run_rate"], horizon=14, origins=3, draws=40)
    ax = card.plot()
    assert "±" not in ax.get_title()
    assert "no standard error" in ax.texts[0].get_text().replace("\n", " ")
    (shade,) = ax.collections
    assert not any(np.ptp(path.vertices[:, 1]) > 0 for path in shade.get_paths() if len(path.vertices))


def test_errors_by_level_are_those_of_the_coverage_of_each_level(eight_dates):
    rows = eight_dates.pit.query("model == 'run_rate' and scope == 'horizon'")
    counts = rows["count"].to_numpy().reshape(8, -1)
    se = errors_by_level(counts, 1)
    inside = counts[:, 25:75].sum(axis=1)  # the middle half of 100 bins
    assert se[25] == pytest.approx(coverage_error(inside, np.full(8, 3), overlap=1).se)
    assert coverage_by_level(counts.sum(axis=0))[0][25] == 0.5
    assert se[0] == se[-1] == 0


@pytest.mark.parametrize(("share", "se", "told"), [
    (0.8, np.nan, "auto: 80 % bands held 80 % of totals"),
    (0.71, 0.05, "auto: 80 % bands held 71 ± 5 % of totals, within two standard errors"),
    (0.69, 0.05, "auto: 80 % bands held 69 ± 5 % of totals, too narrow"),
    (0.89, 0.05, "auto: 80 % bands held 89 ± 5 % of totals, within two standard errors"),
    (0.92, 0.05, "auto: 80 % bands held 92 ± 5 % of totals, too wide"),
])  # fmt: skip
def test_a_coverage_is_off_where_it_is_two_standard_errors_off(share, se, told):
    assert coverage_words("auto", "totals", share, se) == told


def test_frequencies_of_pit_are_one_where_values_lie_evenly():
    np.testing.assert_allclose(frequencies(np.full((3, 100), 2.0), 10), 1.0)
    last = np.zeros((2, 100))
    last[1, -1] = 7.0
    assert frequencies(last, 5).tolist() == [0, 0, 0, 0, 5]


def test_models_are_told_apart_without_colour():
    looks = [look_of(LIGHT, i) for i in range(16)]
    assert len({(look.dash, look.marker) for look in looks[:4]}) == 4
    assert len({(look.colour, look.dash) for look in looks}) == 16


def test_the_pit_plot_tells_bias_and_width(eight_dates):
    ax = eight_dates.plot("pit")
    row = eight_dates.table.loc["seasonal_mean"]
    counts = eight_dates.pit.query("model == 'seasonal_mean' and scope == 'horizon'").groupby("bin")["count"].sum()
    above = counts[counts.index > 0.5].sum() / counts.sum()
    told = f"{100 * above:.0f} % of totals above P50, {100 * (1 - row['coverage_80_total']):.0f} % outside P10–P90"
    assert ax.get_title().replace("\n", " ") == f"seasonal_mean: {told}"
    (bars,) = ax.containers
    assert np.mean([bar.get_height() for bar in bars]) == pytest.approx(1)


@pytest.mark.parametrize("draw", [calibration_plot, pit_plot])
@pytest.mark.parametrize("letters", range(4, 24, 3))
def test_no_text_of_the_pictures_is_clipped(draw, letters):
    counts = np.tile([3.0, 1.0], (8, 50))
    ax = draw(
        {"seasonal_trimmed_run_rate"[:letters]: Calibration(counts, 0.76, 0.05, 72.0, 1)},
        "totals",
        "totals of some series",
        None,
    )
    ax.figure.draw_without_rendering()
    paper = ax.figure.bbox
    for text in (ax.title, ax.texts[0], *ax.get_legend().get_texts(), *ax.get_xticklabels(), *ax.get_yticklabels()):
        place = text.get_window_extent()
        assert paper.x0 <= place.x0 < place.x1 <= paper.x1, text
        assert paper.y0 <= place.y0 < place.y1 <= paper.y1, text


def test_plot_says_what_it_cannot_draw():
    card = backtest(frame_of(usage_like(100)), models=["run_rate"], horizon=14, origins=1, draws=20)
    with pytest.raises(ModelError, match=r"kind 'calibrated' is not known.*did you mean 'calibration'"):
        card.plot("calibrated")
    with pytest.raises(ModelError, match=r"scope 'days' is not known.*did you mean 'day'"):
        card.plot(scope="days")
    with pytest.raises(ModelError, match="no year was scored"):
        card.plot(scope="year")


# ------------------------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"horizon": 200}, r"horizon=200 is too long for a history of 60 periods: .* the longest is horizon=46"),
        ({"horizon": 47}, r"horizon=47 is too long"),
        (
            {"origins": 9},
            r"origins=9 of horizon=14, step=14 need 140 periods .* has 60; possible: origins=3, or step=4",
        ),
        ({"origins": 60}, r"possible: origins=3$"),
        ({"models": ["atuo"]}, r"model 'atuo' is not known; .* did you mean 'auto'\?"),
        ({"models": ["auto", "run_rate", "auto"]}, r"models: 'auto' stands more than once"),
        ({"models": [Line(), Line()]}, r"models: 'line' stands more than once"),
        ({"models": []}, r"models is empty"),
        ({"models": [42]}, r"a model needs a 'name'.*int lacks them"),
        ({"origins": 0}, r"origins=0: wanted a whole number"),
        ({"step": 0}, r"step=0: wanted a whole number"),
        ({"step": 1.5}, r"step=1.5: wanted a whole number"),
        ({"draws": 0}, r"draws=0"),
        ({"n_jobs": -1}, r"n_jobs=-1"),
        ({"freq": "Dayly"}, r"freq 'Dayly' is not a pandas alias"),
    ],
)
def test_bad_requests(given, says):
    asked = {"models": ["run_rate"], "horizon": 14, "origins": 2, "draws": 10} | given
    with pytest.raises(ModelError, match=says):
        backtest(frame_of(usage_like(60)), **asked)


def test_a_horizon_of_nothing():
    with pytest.raises(HorizonError, match="horizon=0"):
        backtest(frame_of(usage_like(60)), horizon=0)


def test_what_an_error_says_is_possible_is_possible():
    frame = frame_of(usage_like(60))
    for asked in (
        {"horizon": 46, "origins": 1},
        {"horizon": 14, "origins": 3},
        {"horizon": 14, "origins": 9, "step": 4},
    ):
        assert len(backtest(frame, models=["run_rate"], draws=10, **asked).design.origins) == asked["origins"]


def test_a_history_that_starts_after_the_first_origin():
    values = usage_like(60)
    values[:40] = np.nan
    values[0, 0] = 1.0
    frame = frame_of(values)
    with pytest.raises(ModelError, match="horizon=2 is too long for a history of 3 periods"):
        backtest(frame.groupby("unique_id").tail(3), models=["run_rate"], horizon=2, origins=1, draws=10)
    empty = frame.assign(y=frame["y"].where(frame["ds"] > "2026-02-13"))
    with pytest.raises(ModelError, match=r"no series has a value by the first origin, 2026-02-05"):
        backtest(empty, models=["run_rate"], horizon=14, origins=2, draws=10)


def test_a_single_model_needs_no_list():
    frame = frame_of(usage_like(60))
    assert backtest(frame, models="run_rate", horizon=14, origins=1, draws=10).design.models == ("run_rate",)
    assert backtest(frame, models=Line(), horizon=14, origins=1, draws=10).design.models == ("line",)


def test_a_model_of_the_wrong_shape_is_named():
    class Flat:
        name = "flat"

        def point(self, panel, horizon):
            return np.ones(horizon)

    says = r"at origin 2026-02-19, 46 periods known: model 'flat' gave an array of shape \(\d+,\); wanted"
    with pytest.raises(ModelError, match=says):
        backtest(frame_of(usage_like(60)), models=[Flat()], horizon=14, origins=1, draws=10)


def test_the_callers_frame_is_left_alone():
    frame = frame_of(usage_like(60))
    before = frame.copy(deep=True)
    backtest(frame, models=["run_rate"], horizon=14, origins=1, draws=10)
    pd.testing.assert_frame_equal(frame, before)
