"""Totals without their paths are the paths' totals; a series' draws do not depend on the company it keeps."""

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast import dependence
from forecast.dependence import calibrate, totals, trajectories
from forecast.errors import ModelError
from forecast.models import model_of
from forecast.panel import Panel
from forecast.streams import stream

#: The same sums in another order: 60 terms, each right to 1e-16 of itself, and one logarithm.
SAME = 1e-10


def values(days=120, count=6, seed=0):
    week = np.where(np.arange(days) % 7 > 4, 0.5, 1.0)[:, None]
    return 1_000 * week * np.exp(0.2 * stream(seed, "dependence").standard_normal((days, count)))


def panel(of):
    days = pd.date_range("2026-01-01", periods=len(of))
    return Panel(of, days, tuple(f"s{i:03d}" for i in range(of.shape[1])), "D")


def frame(of):
    made = panel(of)
    wide = pd.DataFrame(of, index=made.periods.rename("ds"), columns=list(made.series))
    return wide.reset_index().melt(id_vars="ds", var_name="unique_id", value_name="y")


def odd():
    """Ordinary series, one that goes below zero, one at rest, one of nothing, one constant, one launched."""
    found = values()
    found[:, 1] = 50 * np.sin(np.arange(120) / 9)
    found[:, 2] *= stream(1, "rest").random(120) < 0.4
    found[:, 3] = 0.0
    found[:, 4] = 7.0
    found[:100, 5] = np.nan
    return found


# ----------------------------------------------------------------------------------------- totals without their paths


@pytest.mark.parametrize("model", ["auto", "run_rate"])
@pytest.mark.parametrize("of", [values, odd], ids=["ordinary", "odd"])
@pytest.mark.parametrize("starts", [[0], [0, 10, 31], [0, 1, 59]])
def test_totals_are_the_sums_of_paths(of, starts, model, monkeypatch):
    # Blocks of two series: those of positive ones alone, whose paths are never made, and mixed ones, whose are.
    monkeypatch.setattr(dependence, "AT_ONCE", 2)
    spans = np.array(starts)
    paths = trajectories(panel(of()), model_of(model), horizon=60, count=50, seed=3).paths()
    found = totals(calibrate(panel(of()), model_of(model), horizon=60), spans, count=50, seed=3)
    wanted = np.add.reduceat(paths, spans, axis=1)
    assert found.shape == (50, len(starts), 6)
    scale = np.abs(paths).sum(axis=1).max(axis=0)
    np.testing.assert_allclose(found / np.maximum(scale, 1), wanted / np.maximum(scale, 1), rtol=SAME, atol=SAME)
    if of is odd:
        assert (paths[:, :, 1] < 0).any()


def test_the_total_of_the_horizon_is_what_was_drawn_for_it():
    """F exp(r), with the sum of the point forecast F and the drawn r, whatever path leads there."""
    law = calibrate(panel(values()), model_of("auto"), horizon=60)
    r = law.centre + law.scale * law.known.draw(200, 5, "series", law.series)
    assert (np.abs(r) < 3).all()
    found = totals(law, np.array([0]), count=200, seed=5)[:, 0]
    np.testing.assert_allclose(found, law.point.sum(axis=0) * np.exp(r), rtol=SAME)


def test_a_series_draws_do_not_depend_on_the_others_that_are_drawn():
    law = calibrate(panel(odd()), model_of("auto"), horizon=60)
    every = totals(law, np.array([0, 30]), count=50, seed=3)
    for chosen in (slice(0, 1), slice(2, 5), slice(4, None)):
        some = totals(law.part(chosen), np.array([0, 30]), count=50, seed=3)
        np.testing.assert_allclose(some, every[:, :, chosen], rtol=SAME)
    # Of positive series alone the very same operations are done.
    plain = calibrate(panel(values()), model_of("auto"), horizon=60)
    every = totals(plain, np.array([0, 30]), count=50, seed=3)
    np.testing.assert_array_equal(
        totals(plain.part(slice(2, 5)), np.array([0, 30]), count=50, seed=3), every[:, :, 2:5]
    )


def test_blocks_of_any_size_give_the_same(monkeypatch):
    law = calibrate(panel(values()), model_of("auto"), horizon=60)
    found = []
    for size in (1, 4, 100):
        monkeypatch.setattr(dependence, "AT_ONCE", size)
        found.append(totals(law, np.array([0, 30]), count=50, seed=3))
    # One series alone is summed in another order than several side by side.
    np.testing.assert_allclose(found[1], found[0], rtol=SAME)
    np.testing.assert_array_equal(found[1][:, :, :4], found[2][:, :, :4])


# ----------------------------------------------------------------------------------------------- sample_paths(total=)


@pytest.fixture(scope="module")
def paths():
    return fc.sample_paths(frame(odd()), horizon=100, draws=60, seed=4)


def same(found, wanted):
    scale = np.abs(wanted.values).max(axis=(0, 1))
    np.testing.assert_allclose(found.values, wanted.values, rtol=SAME, atol=SAME * scale.max())
    assert found.periods.equals(wanted.periods)
    assert (found.series, found.labels, found.seed) == (wanted.series, wanted.labels, wanted.seed)
    assert found.method == wanted.method


@pytest.mark.parametrize("freq", ["ME", "W-SUN", "QE"])
def test_only_totals_are_the_totals_of_the_paths(paths, freq):
    same(fc.sample_paths(frame(odd()), horizon=100, draws=60, seed=4, total=freq), paths.total(freq))


def test_the_horizons_total(paths):
    found = fc.sample_paths(frame(odd()), horizon=100, draws=60, seed=4, total="horizon")
    assert found.values.shape == (60, 1, 6)
    same(found, paths.total())


def test_totals_of_a_fiscal_calendar(paths):
    fiscal = fc.Calendar(start_month=6)
    found = fc.sample_paths(frame(odd()), horizon=100, draws=60, seed=4, total=fiscal, by="quarter")
    same(found, paths.total(fiscal, by="quarter"))
    # 120 days from 1 January end on 30 April; the fourth quarter ends on 31 May, the next on 31 August.
    assert found.labels == ("FY2026Q4", "FY2027Q1")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"by": "quarter"}, r"by='quarter' names a calendar's periods; give one: total=fc.Calendar"),
        ({"total": "ME", "by": "quarter"}, r"by='quarter' names a calendar's periods"),
        ({"total": "horizon", "by": "month"}, r"by='month' names a calendar's periods"),
        ({"total": fc.Calendar()}, r"by"),
        ({"total": fc.Calendar(), "by": "quater"}, r"did you mean 'quarter'"),
        ({"total": "fortnight"}, r"'fortnight' is not a pandas alias of a longer period"),
        ({"total": "horizn"}, r"'horizn' is not a pandas alias"),
    ],
)
def test_what_cannot_be_totalled_is_told(arguments, message):
    with pytest.raises(ModelError, match=message):
        fc.sample_paths(frame(values()), horizon=30, draws=10, model="run_rate", **arguments)


def test_workers_change_no_number():
    """600 series: blocks of the forecast and of the draws are several."""
    many = frame(values(days=60, count=600))
    assert dependence.AT_ONCE < 600
    one, two = (fc.sample_paths(many, horizon=45, draws=40, seed=4, total="ME", n_jobs=n) for n in (1, 2))
    assert one.values.shape == (40, 2, 600)
    np.testing.assert_array_equal(one.values, two.values)
    same(one, fc.sample_paths(many, horizon=45, draws=40, seed=4).total("ME"))


@pytest.mark.parametrize("last", [1.0, 0.5, 1e-6])
def test_a_holiday_week_at_the_end_is_no_growth(last):
    """Ten weeks that grow by 0.2 % a day with a weekend, and a week of next to nothing after them."""
    days = np.arange(77)
    point = 1_000.0 * np.exp(0.002 * days) * np.where(days % 7 > 4, 0.4, 1.0)
    point[70:] *= last
    panel = Panel(pd.date_range("2026-01-01", periods=140), ("a",), np.ones((140, 1)), "D")
    slope = dependence._slope(point[:, None], panel, np.ones(1))
    assert slope[0] == pytest.approx(0.002, abs=1e-12)


def test_pairs_of_seasons_in_blocks_give_the_same_slopes(monkeypatch):
    point = np.exp(stream(0, "slopes").normal(size=(60, 9)).cumsum(axis=0) * 0.05)
    panel = Panel(pd.date_range("2026-01-01", periods=60), tuple("abcdefghi"), np.ones((60, 9)), "D")
    whole = dependence._slope(point, panel, np.ones(9))
    monkeypatch.setattr(dependence, "PAIRS", 1)
    assert (dependence._slope(point, panel, np.ones(9)) == whole).all()
