"""How far long work is and how long the rest takes: counted where it is done, reckoned by a clock that tests turn."""

import numpy as np
import pandas as pd
import pytest

import forecast as fc
import scenarios as sc
from forecast.progress import Work, in_parallel, tracked, watched
from scenarios.cli.timing import LATE, SECONDS, TimeLeft, expected, megabytes_of, told

#: Half way through, an estimate of the rest may be off by this factor, whatever the pace of the run: it is one of time
#: to wait, not of money.
OFF = 1.35


class Recorder:
    """Everything that is told."""

    def __init__(self):
        self.loops = []

    def begins(self, what, works):
        self.loops.append([what, list(works), 0, False])

    def done(self):
        self.loops[-1][2] += 1

    def ends(self):
        self.loops[-1][3] = True


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


# -------------------------------------------------------------------------------------------------------- what is told


def test_nobody_watching_gets_the_items_themselves():
    items = [1, 2, 3]
    assert tracked(items, "work") is items


def test_each_part_is_told_when_the_next_is_asked_for():
    seen = Recorder()
    with watched(seen):
        parts = iter(tracked("abc", "letters"))
        assert next(parts) == "a"
        assert seen.loops[0][2] == 0
        assert next(parts) == "b"
        assert seen.loops[0][2] == 1
        assert list(parts) == ["c"]
    assert seen.loops == [["letters", [Work()] * 3, 3, True]]
    assert list(tracked("ab", "after")) == ["a", "b"]
    assert len(seen.loops) == 1


def test_of_loops_inside_loops_the_outermost_counts():
    seen = Recorder()
    with watched(seen):
        for _ in tracked(range(2), "outer"):
            assert list(tracked(range(5), "inner")) == [0, 1, 2, 3, 4]
        list(tracked(range(1), "next"))
    assert [(what, done) for what, _, done, _ in seen.loops] == [("outer", 2), ("next", 1)]


def test_an_error_ends_the_loop():
    seen = Recorder()

    def work():
        for item in tracked([1, 0], "work"):
            1 / item

    with watched(seen), pytest.raises(ZeroDivisionError):
        work()
    assert seen.loops[0][2:] == [1, True]


def test_a_loop_that_is_left_and_closed_later_watches_nothing_more():
    seen = Recorder()
    with watched(seen):
        left = iter(tracked("abc", "left"))
        assert next(left) == "a"
    left.close()
    assert list(tracked("de", "after")) == ["d", "e"]
    assert [what for what, *_ in seen.loops] == ["left"]


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_runs_in_workers_is_counted_where_it_comes_back(jobs):
    from joblib import delayed

    seen = Recorder()
    calls = [delayed(pow)(2, k) for k in range(6)]
    with watched(seen):
        made = list(in_parallel(calls, "powers", [Work()] * 6, n_jobs=jobs))
    assert made == [1, 2, 4, 8, 16, 32]
    assert seen.loops[0][2:] == [6, True]


def test_a_backend_that_gives_all_at_the_end_will_do():
    from joblib import delayed, parallel_config

    seen = Recorder()
    with watched(seen), parallel_config(backend="multiprocessing", n_jobs=1):
        made = list(in_parallel([delayed(pow)(2, k) for k in range(3)], "powers", [Work()] * 3))
    assert made == [1, 2, 4]
    assert seen.loops[0][2] == 3


@pytest.fixture(scope="module")
def usage():
    return fc.read_usage(fc.samples.sample_path("organisation_daily.csv"))


def test_long_work_is_told_and_no_number_depends_on_it(usage):
    def made():
        projection = fc.project(usage, horizon="1M", seed=3)
        return sc.plan(projection, draws=400, seed=3).totals

    seen, alone = Recorder(), made()
    with watched(seen):
        np.testing.assert_array_equal(made(), alone)
    assert {what for what, *_ in seen.loops} >= {"simulating"}
    assert all(done == len(works) and over for _, works, done, over in seen.loops)


def test_a_backtest_tells_every_model_at_every_date_and_scores_as_before():
    days = pd.date_range("2026-01-01", periods=150)
    noise = np.random.default_rng(4).normal(100, 5, 300)
    frame = pd.DataFrame({"unique_id": ["a"] * 150 + ["b"] * 150, "ds": [*days, *days], "y": noise})
    seen = Recorder()
    with watched(seen):
        card = fc.backtest(frame, models=["run_rate", "seasonal_naive"], horizon=14, origins=3, draws=50)
    ((what, works, done, over),) = seen.loops
    assert (what, done, over) == ("forecasting past dates", 6, True)
    assert [work.kind for work in works] == ["run_rate", "seasonal_naive"] * 3
    alone = [
        fc.backtest(frame, models=[m], horizon=14, origins=3, draws=50).table for m in ("run_rate", "seasonal_naive")
    ]
    for name, one in zip(("run_rate", "seasonal_naive"), alone, strict=True):
        assert card.table.loc[name, "wape_total"] == one.loc[name, "wape_total"]


# --------------------------------------------------------------------------------------------------------- time left


@pytest.mark.parametrize("pace", [0.2, 1.0, 6.0])
def test_time_left_learns_the_pace_of_the_run(pace):
    """Steps that take as many times what was measured as this machine is slower."""
    clock = Clock()
    began = clock.now
    left = TimeLeft({"reading": 8.0, "forecasting": 6.0, "simulating": 9.0}, clock)
    for seconds in (8.0, 6.0):
        left.step()
        clock.now += pace * seconds
    left.step()
    true = began + pace * 23.0 - clock.now
    assert true / OFF <= left.left() <= true * OFF


def test_parts_are_weighted_by_what_their_kind_takes_not_counted():
    """A slow model takes 10 s at each of four dates, a fast one 0.1 s: after one date three quarters are left."""
    clock = Clock()
    left = TimeLeft({"forecasting": 5.0}, clock)
    left.step()
    left.begins("dates", [Work(1.0, kind) for _ in range(4) for kind in ("slow", "fast")])
    took = {"slow": 10.0, "fast": 0.1}
    for date in range(3):
        for kind in ("slow", "fast"):
            clock.now += took[kind]
            left.done()
        true = (3 - date) * 10.1
        assert true / OFF <= left.left() <= true * OFF
        assert left.part() == pytest.approx((date + 1) / 4)
    clock.now += 10.0
    left.done()
    assert left.left() < 1.0  # what counts steps alone would still say a seventh of all: 5.8 s


def test_larger_parts_take_longer():
    clock = Clock()
    left = TimeLeft({"reading": 1.0}, clock)
    left.step()
    left.begins("files", [Work(1.0), Work(9.0)])
    clock.now += 2.0
    left.done()
    assert 18.0 / OFF <= left.left() <= 18.0 * OFF


def test_a_step_that_is_late_and_says_nothing_makes_the_rest_unknown():
    clock = Clock()
    left = TimeLeft({"planning": 2.0, "writing": 1.0}, clock)
    assert left.left() is None
    left.step()
    assert left.left() == pytest.approx(3.0)
    clock.now += 2.0 * LATE + 0.01
    assert left.left() is None
    left.step()
    assert left.left() > 1.0  # the pace was learnt: slower than measured


def test_time_left_never_says_that_all_is_over_while_something_is_to_come():
    clock = Clock()
    left = TimeLeft({"one": 2.0, "two": 2.0}, clock)
    left.step()
    for _ in range(29):
        clock.now += 0.1
        assert left.left() >= 2.0 or left.left() is None
    shares = [left.share()]
    left.begins("parts", [Work()] * 4)
    for _ in range(4):
        left.done()
        shares.append(left.share())
    left.ends()
    shares.append(left.share())
    left.step()
    shares.append(left.share())
    assert shares == sorted(shares)
    assert max(shares) < 1.0


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (1.2, "a moment left"),
        (7.4, "about 7 s left"),
        (23.0, "about 25 s left"),
        (71.0, "about 70 s left"),
        (200.0, "about 3 min left"),
        (7_300.0, "about 2 h left"),
    ],
)
def test_time_left_in_words_is_no_more_exact_than_it_can_be(seconds, words):
    assert told(seconds) == words


def test_what_is_expected_grows_with_the_export(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"x" * 2_000_000)
    (tmp_path / "b.csv.gz").write_bytes(b"x" * 1_000_000)
    assert megabytes_of(tmp_path / "a.csv") == 2.0
    assert megabytes_of([tmp_path]) == 10.0
    assert megabytes_of("postgresql://somewhere/table") == 0.0
    for step in SECONDS:
        assert 0 < expected(step, 0.0) < expected(step, 2.0)
