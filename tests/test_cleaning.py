"""Cleaning before fitting: what is found in series whose faults were put there by hand, and what is left alone."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import forecast as fc
from forecast.breaks import WINDOW, running_median
from forecast.cleaning import COLUMNS, clean_panel
from forecast.faults import stretches
from forecast.panel import Panel, known_median
from forecast.projection import USUAL
from forecast.streams import stream
from scenarios.budget.planfile import read_plan_file
from tests.usages import plain

#: A Monday; 400 days end on 2026-02-09.
DAYS = pd.date_range("2025-01-06", periods=400)
WEEK = np.where(DAYS.day_of_week > 4, 0.4, 1.0)
#: How far a shift's first day may be off, and its log size: four standard errors of two means of 21 days, noise 0.1.
DAYS_OFF, SIZE_OFF = 3, 4 * 0.1 * np.sqrt(2 / WINDOW)
#: The share of steady series in which a shift may be moved, and of doubled ones in which it must be: of independent
#: noise, and of noise of which the next day keeps 0.6. Of 1,000 each, 0 and 6 were moved, and 998 and 745.
RATES = [(0.0, 0.01, 0.97), (0.6, 0.03, 0.65)]


def busy(*, sd=0.1, seed=0, days=400):
    """1,000 a day, weekends at 40 %, log-normal noise."""
    return 1_000 * WEEK[:days] * np.exp(sd * stream(seed, "busy").standard_normal(days))


def frame(**series):
    parts = [pd.DataFrame({"unique_id": name, "ds": DAYS[: len(y)], "y": y}) for name, y in series.items()]
    return pd.concat(parts, ignore_index=True)


def cleaned(y, **how):
    """One series ``a``, cleaned: the log, and the values by row."""
    made = fc.clean(frame(a=y), how=fc.Cleaning(**how))
    return made.log, made.panel.values[:, 0]


def told(log, kind):
    """Action, first and last row of each finding of a kind."""
    rows = log[log["kind"] == kind]
    return [(r.action, DAYS.get_loc(r.start), DAYS.get_loc(r.end)) for r in rows.itertuples()]


def day(row):
    return f"{DAYS[row]:%Y-%m-%d}"


# ------------------------------------------------------------------------------------------------------------- spikes


@pytest.mark.parametrize("days", [1, 2])
def test_a_lone_spike_is_excluded_and_logged_with_its_date(days):
    y = busy()
    y[200 : 200 + days] *= 6
    log, values = cleaned(y)
    assert told(log, "spike") == [("excluded", 200, 199 + days)]
    assert len(log) == 1
    assert log["value"][0] == pytest.approx(y[200 : 200 + days].mean())
    assert log["expected"][0] == pytest.approx(1_000 * WEEK[200 : 200 + days].mean(), rel=0.1)
    assert np.flatnonzero(np.isnan(values)).tolist() == list(range(200, 200 + days))
    rest = ~np.isnan(values)
    np.testing.assert_array_equal(values[rest], y[rest])


def test_spikes_that_recur_are_noted_and_kept_in_the_fit():
    y = busy()
    y[14::30] *= 6
    log, values = cleaned(y)
    assert told(log, "spike") == [("noted", row, row) for row in range(14, 400, 30)]
    np.testing.assert_array_equal(values, y)


@pytest.mark.parametrize(
    ("burst", "why"), [([8, 5, 4, 3, 2, 1.5], "for 4 days"), ([8, 2.5, 1.5], "felt on the days beside it")]
)
def test_a_burst_that_ebbs_away_is_noted_and_kept_in_the_fit(burst, why):
    y = busy()
    y[200 : 200 + len(burst)] *= burst
    log, values = cleaned(y)
    assert [action for action, *_ in told(log, "spike")] == ["noted"]
    assert why in log["why"][0]
    np.testing.assert_array_equal(values, y)


def test_the_last_day_may_be_a_new_level():
    y = busy()
    y[-1] *= 6
    log, values = cleaned(y)
    assert told(log, "spike") == [("noted", 399, 399)]
    assert "too late to tell" in log["why"][0]
    np.testing.assert_array_equal(values, y)


# -------------------------------------------------------------------------------------------------------------- zeros


def test_weekends_at_zero_stay_zero():
    y = np.where(WEEK < 1, 0.0, busy(sd=0.2))
    log, values = cleaned(y)
    assert log.empty
    np.testing.assert_array_equal(values, y)


def test_a_tool_used_now_and_then_keeps_its_zeros():
    rng = stream(3, "now and then")
    y = np.where(rng.random(400) < 0.3, rng.lognormal(6, 1, 400), 0.0)
    y[0] = 10.0
    log, values = cleaned(y)
    assert not set(log["action"]) & {"excluded", "moved"}
    np.testing.assert_array_equal(values, y)


def test_zeros_of_a_series_that_rests_on_weekends_only_are_not_reported_days():
    y = np.where(WEEK < 1, 0.0, busy(sd=0.2))
    y[205:208] = 0.0  # Wednesday to Friday
    log, values = cleaned(y)
    assert told(log, "gap") == [("excluded", 205, 207)]
    assert np.isnan(values[205:208]).all()
    assert (values[208:210] == 0).all()


@pytest.mark.parametrize("stretches_of_zeros", [3, 4])
def test_days_of_zero_that_come_often_belong_to_the_series(stretches_of_zeros):
    y = busy()
    rows = [60, 150, 230, 310][:stretches_of_zeros]
    y[rows] = 0.0
    log, values = cleaned(y)
    excluded = stretches_of_zeros <= 3
    assert told(log, "gap") == ([("excluded", row, row) for row in rows] if excluded else [])
    assert np.isnan(values[rows]).all() == excluded


def test_zeros_before_the_launch_are_excluded():
    y = busy()
    y[:100] = 0.0
    log, values = cleaned(y)
    assert told(log, "pre_launch") == [("excluded", 0, 99)]
    assert len(log) == 1
    assert np.isnan(values[:100]).all()
    np.testing.assert_array_equal(values[100:], y[100:])


def test_leading_zeros_no_longer_than_a_later_rest_are_kept():
    y = busy()
    y[:20] = y[100:125] = 0.0
    log, values = cleaned(y)
    assert not told(log, "pre_launch")
    assert (values[:20] == 0).all()


@pytest.mark.parametrize(("idle", "retired"), [(5, False), (11, False), (13, False), (14, True), (20, True)])
def test_two_weeks_without_use_are_a_retirement_and_only_noted(idle, retired):
    y = busy()
    y[-idle:] = 0.0
    log, values = cleaned(y)
    assert told(log, "retired") == ([("noted", 400 - idle, 399)] if retired else [])
    assert len(log) == 1
    np.testing.assert_array_equal(values, y)


# ------------------------------------------------------------------------------------------------------ gaps, late days


def test_a_period_without_a_row_is_a_gap_and_told_once_for_all():
    both = frame(a=busy(), b=busy(seed=1))
    made = fc.clean(both[~both["ds"].isin(DAYS[50:53])])
    assert made.log[["series", "kind", "action"]].to_numpy().tolist() == [["*", "gap", "excluded"]]
    assert told(made.log, "gap") == [("excluded", 50, 52)]
    assert np.isnan(made.panel.values[50:53]).all()
    assert np.isfinite(np.delete(made.panel.values, [50, 51, 52], axis=0)).all()


def test_a_gap_of_one_series_names_it():
    y = busy()
    y[50:53] = np.nan
    made = fc.clean(frame(a=y, b=busy(seed=1)))
    assert made.log["series"].tolist() == ["a"]
    assert told(made.log, "gap") == [("excluded", 50, 52)]


@pytest.mark.parametrize("late", [1, 2, 3])
@pytest.mark.parametrize("part", [0.0, 0.2])
def test_partial_last_days_are_excluded(late, part):
    y = busy()
    y[-late:] *= part
    log, values = cleaned(y)
    assert told(log, "partial") == [("excluded", 400 - late, 399)]
    assert len(log) == 1
    assert log["expected"][0] == pytest.approx(1_000 * WEEK[-late:].mean(), rel=0.1)
    assert np.isnan(values[-late:]).all()
    assert np.isfinite(values[:-late]).all()


def test_more_than_three_low_last_days_are_noted():
    y = busy()
    y[-5:] *= 0.2
    log, values = cleaned(y)
    assert told(log, "partial") == [("noted", 395, 399)]
    assert log["expected"][0] == pytest.approx(1_000 * WEEK[395:].mean(), rel=0.1)
    np.testing.assert_array_equal(values, y)


def test_a_last_day_a_little_low_is_left_alone():
    y = busy()
    y[-1] = 700.0
    assert cleaned(y)[0].empty


# ------------------------------------------------------------------------------------------------------- level shifts


@pytest.mark.parametrize("factor", [0.4, 0.6, 1.6, 3.0])
@pytest.mark.parametrize("row", [120, 250, 380])
def test_a_level_shift_is_found_within_days_and_what_lies_before_is_moved(factor, row):
    y = busy(seed=4)
    y[row:] *= factor
    log, values = cleaned(y)
    assert len(log) == 1
    ((action, first, last),) = told(log, "level_shift")
    assert action == "moved"
    assert abs(first - row) <= DAYS_OFF
    assert first == last
    moved = values[:first] / y[:first]
    assert np.ptp(moved) < 1e-12
    assert abs(np.log(moved[0] / factor)) < SIZE_OFF
    np.testing.assert_array_equal(values[first:], y[first:])


def test_two_shifts_add_up():
    y = busy(seed=4)
    y[130:] *= 1.8
    y[270:] *= 2.0
    log, values = cleaned(y)
    assert [action for action, *_ in told(log, "level_shift")] == ["moved", "moved"]
    assert abs(np.log(values[0] / y[0] / 3.6)) < 2 * SIZE_OFF
    assert abs(np.log(values[200] / y[200] / 2.0)) < SIZE_OFF


def test_a_month_at_twice_the_level_is_noted_and_not_moved():
    y = busy()
    y[250:280] *= 2.0
    log, values = cleaned(y)
    assert [action for action, *_ in told(log, "level_shift")] == ["noted", "noted"]
    np.testing.assert_array_equal(values, y)


@pytest.mark.parametrize("times", [0.2, 6, 1_000])
def test_growth_is_no_shift(times):
    log, values = cleaned(busy() * np.geomspace(1, times, 400))
    assert log.empty
    assert np.isfinite(values).all()


def test_the_quiet_weeks_at_the_turn_of_the_year_are_no_shift():
    y = busy()
    y[(DAYS >= "2025-12-22") & (DAYS <= "2026-01-04")] *= 0.45
    assert "level_shift" not in set(cleaned(y)[0]["kind"])


@pytest.mark.parametrize(("lasting", "most", "least"), RATES)
def test_steady_series_are_rarely_said_to_have_shifted_and_doubled_ones_mostly(lasting, most, least):
    count = 300
    noise = stream(11, "steady", str(lasting)).standard_normal((430, count))
    for t in range(1, len(noise)):
        noise[t] = lasting * noise[t - 1] + np.sqrt(1 - lasting**2) * noise[t]
    values = 1_000 * WEEK[:, None] * np.exp(0.2 * noise[-400:])
    log = clean_panel(Panel(values, DAYS, tuple(f"s{i}" for i in range(count)), "D"), USUAL).log
    found = log[(log["kind"] == "level_shift") & (log["action"] == "moved")]
    assert found["series"].nunique() / count <= most
    values[200:] *= 2.0
    log = clean_panel(Panel(values, DAYS, tuple(f"s{i}" for i in range(count)), "D"), USUAL).log
    found = log[(log["kind"] == "level_shift") & (log["action"] == "moved")]
    assert found["series"].nunique() / count >= least


# ---------------------------------------------------------------------------------------------------------- overruling


@pytest.mark.parametrize("name", ["a", "*"])
def test_what_was_found_can_be_kept(name):
    y = busy()
    y[200] *= 6
    log, values = cleaned(y, keep=[(name, day(200))])
    assert told(log, "spike") == [("kept", 200, 200)]
    assert log["why"][0].endswith("kept by hand")
    np.testing.assert_array_equal(values, y)


def test_a_shift_can_be_kept_on_its_date():
    y = busy(seed=4)
    y[250:] *= 1.6
    found = cleaned(y)[0]["start"][0]
    log, values = cleaned(y, keep=[("a", found)])
    assert [action for action, *_ in told(log, "level_shift")] == ["kept"]
    assert "moved" not in log["why"][0]
    np.testing.assert_array_equal(values, y)


def test_keeping_another_day_keeps_nothing_and_says_so():
    y = busy()
    y[200] *= 6
    log, values = cleaned(y, keep=[("a", day(201))])
    assert told(log, "spike") == [("excluded", 200, 200)]
    assert "nothing was found" in log["why"][1]
    assert np.isnan(values[200])


def test_what_was_not_found_can_be_excluded():
    log, values = cleaned(busy(), exclude=[("a", day(30), day(33)), ("*", day(90))])
    assert told(log, "asked") == [("excluded", 90, 90), ("excluded", 30, 33)]
    assert np.flatnonzero(np.isnan(values)).tolist() == [30, 31, 32, 33, 90]


def test_what_is_excluded_by_hand_stays_out_whatever_is_kept():
    y = busy()
    y[200] *= 6
    values = cleaned(y, keep=[("a", day(200))], exclude=[("a", day(200))])[1]
    assert np.isnan(values[200])


def test_a_date_outside_the_history_is_noted():
    log, values = cleaned(busy(), exclude=[("a", "2030-01-01", "2030-01-02")])
    assert log[["kind", "action"]].to_numpy().tolist() == [["asked", "noted"]]
    assert "not in the history" in log["why"][0]
    assert np.isfinite(values).all()


@pytest.mark.parametrize(
    ("option", "kind", "change"),
    [
        ("gaps", "gap", (slice(205, 207), 0.0)),
        ("partial", "partial", (slice(398, 400), 0.1)),
        ("spikes", "spike", (slice(200, 201), 6.0)),
        ("level_shifts", "level_shift", (slice(250, 400), 2.0)),
    ],
)
def test_a_kind_can_be_noted_only(option, kind, change):
    y = busy(seed=4)
    rows, factor = change
    y[rows] *= factor
    with_it, done = cleaned(y)
    assert [action for action, *_ in told(with_it, kind)] in (["excluded"], ["moved"])
    assert not np.array_equal(done, y, equal_nan=True)
    without, values = cleaned(y, **{option: False})
    assert [action for action, *_ in told(without, kind)] == ["noted"]
    np.testing.assert_array_equal(values, y)


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"keep": [("a", "soon")]}, "'soon' is not a date"),
        ({"exclude": [("a", "2025-02-30")]}, "not a day of the calendar"),
        ({"exclude": [("a", "2025-03-02", "2025-03-01")]}, "last date lies before its first"),
        ({"keep": "2025-03-01"}, "wanted a sequence of"),
        ({"keep": [("a", "2025-03-01", "2025-03-02")]}, r"wanted \(series, date\)"),
        ({"exclude": ["2025-03-01"]}, "first date, last date"),
        ({"spikes": "no"}, "wanted True or False"),
    ],
)
def test_what_cannot_be_read_is_an_error(how, words):
    with pytest.raises(fc.ModelError, match=words):
        fc.Cleaning(**how)


def test_a_series_that_there_is_not_is_an_error_with_the_nearest():
    with pytest.raises(fc.ModelError, match="did you mean 'search'"):
        fc.clean(frame(search=busy()), how=fc.Cleaning(keep=[("serach", day(3))]))


def test_excluding_everything_is_an_error():
    with pytest.raises(fc.ModelError, match="leaves nothing of a"):
        cleaned(busy(), exclude=[("a", day(0), day(399))])


# ------------------------------------------------------------------------------------------------------------ the rest


@pytest.mark.parametrize("days", [1, 2, 3, 13, 27, 28, 29, 57, 400])
@pytest.mark.parametrize("make", [np.zeros, np.ones, lambda n: -np.ones(n), lambda n: np.arange(n) * 1.0])
def test_plain_series_of_any_length_are_left_as_they_are(days, make):
    log, values = cleaned(make(days))
    assert log.empty
    assert list(log.columns) == list(COLUMNS)
    np.testing.assert_array_equal(values, make(days))


def test_series_that_start_with_one_value_among_gaps_do_not_break():
    y = np.full(400, np.nan)
    y[[150, 390]] = 5.0
    log, values = cleaned(np.r_[y[:399], 7.0])
    assert set(log["kind"]) <= {"gap", "pre_launch"}
    assert values[[150, 390, 399]].tolist() == [5.0, 5.0, 7.0]


@pytest.mark.parametrize("freq", ["MS", "W", "h"])
def test_other_frequencies_get_gaps_launches_and_retirements_only(freq):
    periods = pd.date_range("2025-01-05", periods=60, freq=freq)
    y = np.full(60, 100.0)
    y[:20], y[30], y[40], y[-14:] = 0.0, 10_000.0, np.nan, 0.0
    log = fc.clean(pd.DataFrame({"unique_id": "a", "ds": periods, "y": y}), freq=freq).log
    assert sorted(log["kind"]) == ["gap", "pre_launch", "retired"]


@given(st.lists(st.sampled_from([0.0, 1.0, 50.0, 1e6, np.nan, -3.0]), min_size=1, max_size=90), st.integers(0, 80))
def test_cleaning_never_breaks_never_changes_the_frame_and_logs_what_it_changes(start, noisy):
    y = np.r_[start, 100 * np.exp(0.1 * stream(noisy, "tail").standard_normal(noisy)), 2.0]
    given_frame = frame(a=y)
    before = given_frame.copy(deep=True)
    made = fc.clean(given_frame)
    pd.testing.assert_frame_equal(given_frame, before)
    values = made.panel.values[:, 0]
    changed = ~((values == y) | (np.isnan(values) & np.isnan(y)))
    done = made.log[made.log["action"].isin(["excluded", "moved"])]
    logged = np.zeros(len(values), dtype=bool)
    for one in done.itertuples():
        first = made.panel.periods[0] if one.kind == "level_shift" else one.start
        logged |= (made.panel.periods >= first) & (made.panel.periods <= one.end)
    assert not (changed & ~logged).any()


def test_cleaning_what_was_cleaned_finds_nothing_more_to_do():
    y = busy(seed=4)
    y[:60] = 0.0
    y[120] *= 7
    y[250:] *= 1.8
    y[-2:] *= 0.1
    first = fc.clean(frame(a=y))
    assert set(first.log["kind"]) == {"pre_launch", "spike", "level_shift", "partial"}
    again = fc.clean(first.frame)
    assert set(again.log["kind"]) <= {"gap", "pre_launch"}
    np.testing.assert_array_equal(
        again.panel.values, first.panel.values[np.isin(first.panel.periods, again.panel.periods)]
    )


def test_a_series_is_cleaned_alike_whoever_stands_beside_it():
    y = busy()
    y[200] *= 6
    alone = fc.clean(frame(a=y))
    beside = fc.clean(frame(z=busy(seed=5) * 1e6, a=y, b=np.zeros(400)))
    column = beside.panel.series.index("a")
    np.testing.assert_array_equal(beside.panel.values[:, column], alone.panel.values[:, 0])


def test_the_frame_goes_into_a_forecast():
    y = busy()
    y[-1] *= 0.1
    made = fc.clean(frame(a=y))
    assert list(made.frame.columns) == ["unique_id", "ds", "y"]
    paths = fc.sample_paths(made.frame, horizon=7, draws=50)
    assert paths.periods[0] == DAYS[-1] + pd.Timedelta(days=1)


def test_the_result_tells_itself():
    y = busy()
    y[200] *= 6
    made = fc.clean(frame(a=y))
    assert made.notes == ("cleaning before fitting: excluded 1 spike",)
    assert repr(made) == "Cleaned(1 series; cleaning before fitting: excluded 1 spike)"
    assert day(200) in made._repr_html_()
    assert repr(fc.clean(frame(a=busy()))) == "Cleaned(1 series; nothing found)"


def test_a_long_log_is_shown_in_part_with_what_was_done_first():
    y = busy()
    y[14::15] *= 6
    z = busy(seed=1)
    z[200] *= 6
    html = fc.clean(frame(a=y, z=z))._repr_html_()
    assert html.count("<tr") == 21  # the head and 20 rows
    assert html.index("excluded") < html.index("noted")
    assert "and 7 more, in .log" in html  # 26 spikes of a and one of z


def test_stretches_are_told_by_first_row_and_the_row_after_the_last():
    assert stretches(np.array([True, False, True, True, False, True])) == [(0, 1), (2, 4), (5, 6)]
    assert stretches(np.zeros(3, dtype=bool)) == []


def test_medians_pass_over_what_is_unknown():
    x = np.array([[1.0, np.nan, 4.0], [np.nan, np.nan, 2.0], [3.0, np.nan, 9.0]])
    np.testing.assert_array_equal(known_median(x), [2.0, np.nan, 4.0])
    np.testing.assert_array_equal(running_median(np.array([[1.0], [9.0], [2.0], [3.0]]), 3)[:, 0], [1.0, 2.0, 3.0, 3.0])


# --------------------------------------------------------------------------------------------- in projections and plans

#: A weekday of the last weeks.
SPIKE = 380


def usage_with(row, factor):
    y = busy()
    y[row] *= factor
    return plain(y, start="2025-01-06")


def project(usage, **arguments):
    return fc.project(usage, horizon=28, lag=0, trajectories=40, **arguments)


def test_a_projection_is_fitted_on_cleaned_volume_and_shows_the_log():
    projection = project(usage_with(SPIKE, 8.0))
    log = projection.cleaned.log
    assert log[["series", "kind", "action"]].to_numpy().tolist() == [["production|search", "spike", "excluded"]]
    assert log["start"][0] == DAYS[SPIKE]
    assert projection.notes.count("cleaning before fitting: excluded 1 spike") == 1
    assert day(SPIKE) in projection._repr_html_()
    assert projection.drivers.volume[SPIKE, 0] > 5_000  # as measured
    other = project(fc.Usage.from_frame(usage_with(0, 1.0).frame.drop(index=SPIKE)), cleaning=None)
    np.testing.assert_array_equal(projection.volume.point, other.volume.point)
    np.testing.assert_array_equal(projection.volume.paths(), other.volume.paths())


def test_none_fits_what_was_measured_and_says_so():
    usage = usage_with(SPIKE, 8.0)
    as_measured = project(usage, cleaning=None)
    assert as_measured.cleaned is None
    assert as_measured.spec.cleaning is None
    assert "volume is fitted as it was measured (cleaning=None)" in as_measured.notes
    kept = project(usage, cleaning=fc.Cleaning(keep=[("production|search", day(SPIKE))]))
    assert "cleaning before fitting: kept 1 spike" in kept.notes
    np.testing.assert_array_equal(kept.volume.paths(), as_measured.volume.paths())
    assert not np.array_equal(as_measured.volume.paths(), project(usage).volume.paths())


def test_a_late_last_day_does_not_pull_the_forecast_down():
    whole, late = (project(usage_with(399, f)).volume.point.sum() for f in (1.0, 0.05))
    assert late == pytest.approx(whole, rel=0.03)


def test_gaps_and_retirements_are_told_once():
    usage = plain(np.r_[busy()[:380], np.zeros(20)], start="2025-01-06")
    shown = fc.Usage.from_frame(usage.frame.drop(index=[100, 101]))
    projection = project(shown)
    assert projection.cleaned.log["kind"].tolist() == ["gap", "retired"]
    assert sum("gap" in note for note in projection.notes) == 1
    assert sum("of late" in note or "retirement" in note for note in projection.notes) == 1


def test_a_refit_keeps_the_cleaning_and_knows_nothing_later():
    how = fc.Cleaning(spikes=False, exclude=[("production|search", day(20)), ("production|search", day(395))])
    projection = fc.project(usage_with(SPIKE, 8.0), horizon=28, lag=0, trajectories=40, cleaning=how)
    assert projection.cleaned.log["action"].tolist() == ["excluded", "noted", "excluded"]
    earlier = projection.at(day(SPIKE - 1))
    assert earlier.spec.cleaning == how
    assert earlier.cleaned.log[["kind", "action"]].to_numpy().tolist() == [["asked", "excluded"], ["asked", "noted"]]


def test_a_workload_that_there_is_not_is_an_error():
    with pytest.raises(fc.ModelError, match=r"did you mean 'production\|search'"):
        project(usage_with(0, 1.0), cleaning=fc.Cleaning(keep=[("production/search", day(3))]))
    with pytest.raises(fc.ModelError, match="or None to fit what was measured"):
        project(usage_with(0, 1.0), cleaning=True)


def test_a_backtest_cleans_what_each_origin_knew(monkeypatch):
    seen = []

    def spy(panel, how):
        seen.append((panel.periods[-1], how))
        return clean_panel(panel, how)

    monkeypatch.setattr("forecast.projection.clean_panel", spy)
    usage = usage_with(SPIKE, 8.0)
    card = fc.backtest(usage, models=["run_rate"], horizon=14, origins=2, lag=0, draws=20)
    assert seen == [(DAYS[371], USUAL), (DAYS[385], USUAL)]
    assert list(card.design.origins) == [DAYS[371], DAYS[385]]
    as_measured = fc.backtest(usage, models=["run_rate"], horizon=14, origins=2, lag=0, draws=20, cleaning=None)
    assert len(seen) == 2
    assert not card.table.equals(as_measured.table)


def test_a_backtest_of_a_workload_named_before_it_began_holds():
    late = plain(busy()[200:], start=day(200)).frame.assign(project="late")
    usage = fc.Usage.from_frame(pd.concat([usage_with(0, 1.0).frame, late]))
    how = fc.Cleaning(exclude=[("production|late", day(210))])
    card = fc.backtest(usage, models=["run_rate"], horizon=14, origins=15, lag=0, draws=10, cleaning=how)
    assert card.design.origins[0] < DAYS[200]
    with pytest.raises(fc.ModelError, match=r"did you mean 'production\|late'"):
        fc.backtest(usage, horizon=14, origins=1, cleaning=fc.Cleaning(exclude=[("production|lat", day(210))]))


def test_a_backtest_of_a_frame_is_not_cleaned():
    with pytest.raises(fc.ModelError, match="cleaning=: not an argument for a frame"):
        fc.backtest(frame(a=busy()), horizon=14, cleaning=fc.Cleaning(spikes=False))
    assert fc.backtest(frame(a=busy()), models=["run_rate"], horizon=14, origins=1, draws=10, cleaning=None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cleaning = true", fc.Cleaning()),
        ("cleaning = false", None),
        (
            'cleaning = { spikes = false, keep = [["production|search", 2026-01-02]] }',
            fc.Cleaning(spikes=False, keep=[("production|search", "2026-01-02")]),
        ),
        ("", USUAL),
    ],
)
def test_a_plan_file_says_how_the_history_is_cleaned(tmp_path, text, expected):
    file = plan_file(tmp_path, text)
    assert file.forecast.get("cleaning", USUAL) == expected
    assert file.project(file.usage.read()).spec.cleaning == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("cleaning = 3", "forecast.cleaning: 3: wanted true, false, or a table"),
        ("cleaning = { spike = true }", "did you mean 'spikes'"),
        ('cleaning = { keep = [["a", "soon"]] }', "forecast.cleaning: .*'soon' is not a date"),
    ],
)
def test_a_plan_file_with_a_wrong_cleaning_is_refused(tmp_path, text, words):
    with pytest.raises(fc.PlanError, match=words):
        plan_file(tmp_path, text)


def plan_file(folder, text):
    usage_with(0, 1.0).frame.to_csv(folder / "usage.csv", index=False)
    told_by = f'[plan]\nhorizon = "1Q"\n[usage]\nfile = "usage.csv"\n[forecast]\ntrajectories = 20\n{text}\n'
    (folder / "plan.toml").write_text(told_by, encoding="utf-8")
    return read_plan_file(folder / "plan.toml")
