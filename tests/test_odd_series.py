"""Series that no one would draw on a slide, alone and in company: clear errors, or finite futures of their own size."""

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast.errors import ModelError
from forecast.models import MODELS
from forecast.models.baselines import RunRate
from forecast.streams import stream

DAYS = 60


def rows(name, values, freq="D", start="2025-01-01"):
    return pd.DataFrame({"unique_id": name, "ds": pd.date_range(start, periods=len(values), freq=freq), "y": values})


def ordinary(days=DAYS, seed=0):
    return 100 * np.exp(0.2 * stream(seed, "ordinary").standard_normal(days))


def with_gaps(values):
    values = np.array(values, dtype=float)
    values[[0, 5, 6, 7, 20, len(values) - 1]] = np.nan
    return values


#: Values that end on the panel's last day.
ODD = {
    "one": [5.0],
    "two": [5.0, 6.0],
    "three": [5.0, 0.0, 5.0],
    "constant": [5.0] * DAYS,
    "zeros": [0.0] * DAYS,
    "one zero": [0.0],
    "once": [0.0] * 30 + [3.0] + [0.0] * 29,
    "gaps": with_gaps(ordinary()),
    "every other": [1.0, np.nan] * 30,
    "ended": [3.0] * 20 + [np.nan] * 40,
    "negative": -ordinary(),
    "mixed": np.sin(np.arange(DAYS)) * 10,
    "one credit": [0.0] * 40 + [-3.0] + [0.0] * 19,
    "huge": ordinary() * 1e15,
    "tiny": ordinary() * 1e-15,
    "explodes": 2.0 ** np.arange(DAYS),
    "fades": 0.5 ** np.arange(DAYS),
    "step": [1.0] * 30 + [1_000.0] * 30,
    "whole numbers": np.arange(DAYS) % 3,
}


#: Beside the odd ones an ordinary launch, which a curve can be fitted to.
SERIES = {**ODD, "launched": 100 / (1 + np.exp(-(np.arange(DAYS) - 20.0) / 6)) * np.exp(0.05 * np.sin(np.arange(DAYS)))}


def panel(*names):
    parts = []
    for name in names:
        values = np.asarray(SERIES[name], dtype=float)
        parts.append(rows(name, values, start=pd.Timestamp("2025-03-01") - pd.Timedelta(days=len(values) - 1)))
    return pd.concat(parts, ignore_index=True)


def check(found, name, values):
    """Finite, not below zero where nothing was, and no median further out than the most that was ever seen."""
    known = np.abs(np.asarray(values, dtype=float))
    most = np.nanmax(known)
    assert np.isfinite(found).all(), name
    if np.nanmin(values) >= 0:
        assert (found >= 0).all(), name
    if name != "explodes":
        # A launch may rise to exp(1.3) = 3.7 times its own few days.
        assert np.quantile(np.abs(found), 0.5) <= 4 * most, name
    if most == 0:
        assert (found == 0).all(), name


@pytest.mark.parametrize("model", ["auto", "fast"])
@pytest.mark.parametrize("name", list(ODD))
def test_each_alone(name, model):
    found = fc.sample_paths(panel(name), horizon=30, draws=50, model=model)
    check(found.values, name, ODD[name])
    assert found.values.shape == (50, 30, 1)


#: Those that fit each series by a program of its own take a second and more for all of these.
QUICK = {"auto", "fast", "theta", *(name for name, make in MODELS.items() if make.__module__ == RunRate.__module__)}
#: Of each kind one, and one that any model takes.
SOME = ("two", "gaps", "ended", "zeros", "once", "mixed", "huge", "tiny", "step")


@pytest.mark.parametrize("model", sorted(set(MODELS) - QUICK))
def test_some_in_one_panel(model):
    names = (*SOME, "launched") if model in {"logistic", "gompertz", "bass"} else SOME
    found = fc.sample_paths(panel(*names), horizon=14, draws=50, model=model)
    for i, name in enumerate(found.series):
        if model == "launch" and name == "two":
            continue  # two days say less than the others, whose sizes are from 1e-15 to 1e15
        check(found.values[:, :, i], name, SERIES[name])


@pytest.mark.parametrize("model", sorted(QUICK))
def test_all_in_one_panel(model):
    found = fc.sample_paths(panel(*ODD), horizon=30, draws=50, model=model)
    for i, name in enumerate(found.series):
        if model == "drift" and name in {"two", "three"}:
            continue  # a line through two points goes where it goes
        check(found.values[:, :, i], name, ODD[name])
    month = fc.sample_paths(panel(*ODD), horizon=30, draws=50, model=model, total="ME")
    assert np.isfinite(month.values).all()


def test_odd_company_does_not_spoil_an_ordinary_series():
    """A share of the odd ones' errors is in its band, but its point stays where it would be."""
    days = pd.Timestamp("2025-03-01") - pd.Timedelta(days=DAYS - 1)
    friends = pd.concat([rows(f"ordinary {k}", ordinary(seed=k), start=days) for k in range(5)])
    alone, among = (fc.sample_paths(f, horizon=28, draws=400) for f in (friends, pd.concat([friends, panel(*ODD)])))
    place = [among.series.index(s) for s in alone.series]
    medians = [np.median(p.values.sum(axis=1), axis=0) for p in (alone, among)]
    np.testing.assert_allclose(medians[1][place], medians[0], rtol=0.1)
    widths = [np.subtract(*np.quantile(p.values.sum(axis=1), [0.9, 0.1], axis=0)) for p in (alone, among)]
    assert (widths[1][place] < 4 * widths[0]).all()


@pytest.mark.parametrize("freq", ["h", "D", "B", "W", "MS", "QS", "YS"])
@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_little_history_of_any_frequency(freq, count):
    found = fc.sample_paths(rows("a", ordinary(count), freq), horizon=5, freq=freq, draws=50)
    check(found.values, freq, ordinary(count))
    low, high = np.quantile(found.values.sum(axis=1), [0.1, 0.9])
    assert high > 1.1 * low


@pytest.mark.parametrize("days", [3, 14, 40])
def test_a_horizon_far_beyond_the_history(days):
    found = fc.sample_paths(rows("a", ordinary(days)), horizon=400, draws=200)
    check(found.values, "a", ordinary(days))
    totals = [np.log(found.values[:, :end].sum(axis=1)) for end in (14, 400)]
    # What is far off is not surer than what is near.
    assert np.std(totals[1]) > 0.9 * np.std(totals[0])


@pytest.mark.parametrize("model", [fc.Auto(mean=False), fc.Auto(candidates=["drift", "seasonal_naive"])])
def test_auto_in_other_makes(model):
    found = fc.sample_paths(panel(*ODD), horizon=30, draws=50, model=model)
    for i, name in enumerate(found.series):
        check(found.values[:, :, i], name, ODD[name])


# ------------------------------------------------------------------------------------------------------------- errors


def test_irregular_dates_are_told():
    frame = rows("a", ordinary(10))
    frame.loc[4, "ds"] += pd.Timedelta(hours=5)
    with pytest.raises(ModelError, match=r"not on the clock freq='D' in row 4.*2025-01-05 05:00"):
        fc.sample_paths(frame, horizon=7)
    with pytest.raises(ModelError, match=r"not on the clock freq='MS'"):
        fc.sample_paths(rows("a", ordinary(10)), horizon=7, freq="MS")


def test_dates_that_are_left_out_are_gaps():
    frame = rows("a", ordinary())
    left_out, blank = frame.drop(index=[3, 4, 30]), frame.assign(y=frame["y"].mask(frame.index.isin([3, 4, 30])))
    one, two = (fc.sample_paths(f, horizon=14, draws=30).values for f in (left_out, blank))
    np.testing.assert_array_equal(one, two)


def test_repeated_dates_are_told():
    frame = pd.concat([rows("a", ordinary(10)), rows("b", ordinary(10)), rows("b", ordinary(2))])
    with pytest.raises(ModelError, match=r"2 rows repeat a date of their series:.*b"):
        fc.sample_paths(frame, horizon=7)


def test_a_series_without_a_value_is_named():
    with pytest.raises(ModelError, match="series empty: every value is missing"):
        fc.sample_paths(pd.concat([rows("a", ordinary(10)), rows("empty", [np.nan] * 10)]), horizon=7)


@pytest.mark.parametrize(
    ("model", "message"),
    [("atuo", r"'atuo'.*did you mean 'auto'"), ("prophets", r"'prophets'"), (object(), "needs a 'name'")],
)
def test_an_unknown_model_is_told(model, message):
    with pytest.raises(ModelError, match=message):
        fc.sample_paths(rows("a", ordinary()), horizon=7, model=model)


class Uneven:
    """Answers one period short at the end, or before it."""

    name = "uneven"

    def __init__(self, *, short_at_the_end):
        self.short_at_the_end = short_at_the_end

    def point(self, panel, horizon):
        """Ones."""
        short = (len(panel.periods) == DAYS) == self.short_at_the_end
        return np.ones((horizon - short, len(panel.series)))


@pytest.mark.parametrize("end", [True, False])
@pytest.mark.parametrize("inside", [True, False])
def test_a_wrong_shape_at_the_end_or_at_a_past_cut_is_told(end, inside):
    model = Uneven(short_at_the_end=end)
    message = r"'uneven' gave an array of shape \(6, 1\); wanted \(horizon, series\) = \(7, 1"
    with pytest.raises(ModelError, match=message):
        fc.sample_paths(rows("a", ordinary()), horizon=7, model=fc.Auto(candidates=[model]) if inside else model)
