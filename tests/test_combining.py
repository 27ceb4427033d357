"""Combinations by hand: means, medians and inverse errors of models whose forecasts are known."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast.errors import ModelError
from forecast.models.combining import PANEL_CUTS, Combination
from forecast.models.protocol import Rolled, cuts_of, roll
from forecast.panel import Panel
from forecast.streams import stream

#: A few roundings.
SAME = 1e-12


def panel_of(values):
    values = np.asarray(values, dtype="float64")
    periods = pd.date_range("2026-01-05", periods=len(values))
    return Panel(values, periods, tuple(f"s{i}" for i in range(values.shape[1])), "D")


def frame_of(panel):
    wide = pd.DataFrame(panel.values, index=panel.periods.rename("ds"), columns=list(panel.series))
    return wide.reset_index().melt(id_vars="ds", var_name="unique_id", value_name="y")


@dataclass(frozen=True)
class Stub:
    """Forecasts one number for every series; at past cuts the numbers it is given, one a cut."""

    name: str
    value: float
    past: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()

    def point(self, panel, horizon):
        return np.full((horizon, len(panel.series)), self.value)

    def roll(self, panel, horizon, cuts, length):
        past = np.array(self.past or (self.value,) * len(cuts))
        made = np.broadcast_to(past[:, None, None], (len(cuts), length, len(panel.series))).copy()
        return Rolled(self.point(panel, horizon), made, cuts, (self.name,) * len(panel.series), self.notes)


FLAT = panel_of(np.full((40, 1), 10.0))
CUTS = np.array([10, 20, 30])


# ------------------------------------------------------------------------------------------------------ mean and median


@pytest.mark.parametrize(
    ("how", "values", "wanted"),
    [
        ("mean", (1, 2, 9), 4),
        ("median", (1, 2, 9), 2),
        ("mean", (1, 2, 9, 10), 5.5),
        ("median", (1, 2, 9, 10), 5.5),
    ],
)
def test_mean_and_median_by_hand(how, values, wanted):
    model = Combination(models=[Stub(f"m{v}", v) for v in values], how=how)
    rolled = model.roll(FLAT, 5, CUTS, 10)
    np.testing.assert_allclose(rolled.point, np.full((5, 1), wanted), rtol=SAME)
    np.testing.assert_allclose(rolled.past, np.full((3, 10, 1), wanted), rtol=SAME)
    np.testing.assert_array_equal(model.point(FLAT, 5), rolled.point)
    assert rolled.method == (f"combination: {how} of {', '.join(f'm{v}' for v in values)}",)


@pytest.mark.parametrize(("how", "wanted"), [("mean", [2, 3, np.nan]), ("median", [2, 3, np.nan])])
def test_what_one_model_could_not_forecast_then_the_others_did(how, wanted):
    models = [Stub("a", 1, (1, np.nan, np.nan)), Stub("b", 3, (3, 3, np.nan))]
    rolled = Combination(models=models, how=how).roll(FLAT, 5, CUTS, 10)
    np.testing.assert_array_equal(rolled.past[:, 0, 0], wanted)


def test_of_models_of_the_shelf_it_is_their_mean_and_median():
    values = 100 * np.exp(0.2 * stream(1, "combining").standard_normal((80, 3)))
    names = ("run_rate", "seasonal_naive", "drift")
    panel = panel_of(values)
    cuts, length = cuts_of(panel, 14)
    each = [roll(fc.models.model_of(name), panel, 14, cuts, length) for name in names]
    for how, middle in (("mean", np.mean), ("median", np.median)):
        found = Combination(models=names, how=how).roll(panel, 14, cuts, length)
        np.testing.assert_allclose(found.point, middle([r.point for r in each], axis=0), rtol=SAME)
        np.testing.assert_allclose(found.past, middle([r.past for r in each], axis=0), rtol=SAME)


# -------------------------------------------------------------------------------------------------------- inverse error


def test_inverse_error_by_hand():
    """The series is 10 throughout: errors over its size are 0.1, 0.1, 0.1 of the one and 0.2, 0.4, 0.3 of the other.

    Alone in the panel its own mean error is the panel's, so that joining them changes nothing: weights are as 1 / 0.1
    to 1 / 0.3.
    """
    models = [Stub("a", 11, (11, 9, 11)), Stub("b", 20, (12, 14, 7))]
    rolled = Combination(models=models, how="inverse_error").roll(FLAT, 5, CUTS, 10)
    weight = np.array([1 / 0.1, 1 / 0.3]) / (1 / 0.1 + 1 / 0.3)
    np.testing.assert_allclose(rolled.point, np.full((5, 1), weight @ [11, 20]), rtol=1e-9)
    assert rolled.method == ("combination: a 75% of 2 models",)


def test_a_series_error_is_joined_with_the_panels_by_the_worth_of_two_cuts():
    """Series of 10 and of 100. Model a is 1 off: errors 0.1 and 0.01; the panel's 0.055. Model b forecasts 20."""
    panel = panel_of(np.column_stack([np.full(40, 10.0), np.full(40, 100.0)]))
    cuts = np.array([10, 20, 30])

    class Off(Stub):
        """The truth and ``value`` more."""

        def roll(self, panel, horizon, cuts, length):
            truth = panel.values[-1]
            past = np.broadcast_to(truth + self.value, (len(cuts), length, len(truth))).copy()
            return Rolled(np.tile(truth + self.value, (horizon, 1)), past, cuts, (self.name,) * len(truth))

    rolled = Combination(models=[Off("a", 1), Off("b", 5)], how="inverse_error").roll(panel, 1, cuts, 10)
    assert PANEL_CUTS == 2
    for i, size in enumerate((10, 100)):
        error = np.array([(3 * off / size + 2 * np.mean([off / 10, off / 100])) / (3 + 2) for off in (1, 5)])
        weight = (1 / error) / (1 / error).sum()
        np.testing.assert_allclose(rolled.point[0, i], size + weight @ [1, 5], rtol=1e-9)


def test_what_counts_is_the_error_of_the_total_not_of_its_days():
    """One misses days by 5 in turn and no total; the other misses every day by 1."""
    panel = panel_of(10.0 + np.where(np.arange(40) % 2, 5.0, -5.0)[:, None])
    level, above = Stub("level", 10), Stub("above", 11)
    # Even without an error at all a weight is finite.
    rolled = Combination(models=[level, above], how="inverse_error").roll(panel, 1, CUTS, 10)
    np.testing.assert_allclose(rolled.point, 10.0, rtol=1e-5)


def test_a_past_cut_is_combined_without_its_own_errors():
    """Cut 20 and those within ten periods of it are left out of its weights; with nothing left they are even."""
    cuts = np.array([10, 15, 20, 30])
    models = [Stub("a", 11, (11, 11, 11, 11)), Stub("b", 13, (13, 13, 13, 13))]
    plain = Combination(models=models, how="inverse_error").roll(FLAT, 5, cuts, 10)
    weight = np.array([1 / 0.1, 1 / 0.3]) / (1 / 0.1 + 1 / 0.3)
    np.testing.assert_allclose(plain.past[:, 0, 0], weight @ [11, 13], rtol=1e-9)
    for k in range(4):
        spoilt = [13.0] * 4
        spoilt[k] = 1_000.0
        found = Combination(models=[models[0], Stub("b", 13, tuple(spoilt))], how="inverse_error")
        past = found.roll(FLAT, 5, cuts, 10).past[:, 0, 0]
        # Its own error at cut k says nothing of the weights there.
        np.testing.assert_allclose(past[k], weight @ [11, 1_000], rtol=1e-9)
        for j in range(4):
            if j != k:
                apart = abs(int(cuts[j]) - int(cuts[k])) >= 10
                same = np.isclose(past[j], weight @ [11, 13], rtol=1e-9)
                assert same != apart
    near = np.array([20, 25])
    even = Combination(models=[Stub("a", 11), Stub("b", 13)], how="inverse_error").roll(FLAT, 5, near, 10)
    np.testing.assert_allclose(even.past, 12.0, rtol=SAME)


def test_weights_of_a_past_cut_by_hand():
    """At cut 10: the errors at 20 and 30, of a 0.2 and 0.4, of b 0.1 and 0.1."""
    models = [Stub("a", 0, (7, 12, 14)), Stub("b", 0, (19, 9, 11))]
    past = Combination(models=models, how="inverse_error").roll(FLAT, 5, CUTS, 10).past[0, :, 0]
    weight = np.array([1 / 0.3, 1 / 0.1]) / (1 / 0.3 + 1 / 0.1)
    np.testing.assert_allclose(past, weight @ [7, 19], rtol=1e-9)


def test_without_past_cuts_weights_are_even():
    none = np.zeros(0, dtype=np.intp)
    models = [Stub("a", 11), Stub("b", 13)]
    rolled = Combination(models=models, how="inverse_error").roll(FLAT, 5, none, 10)
    np.testing.assert_allclose(rolled.point, 12.0, rtol=SAME)
    # Nor do they weigh where a model had no forecast in the past of any series.
    unknown = [Stub("a", 11), Stub("b", 13, (np.nan,) * 3)]
    rolled = Combination(models=unknown, how="inverse_error").roll(FLAT, 5, CUTS, 10)
    np.testing.assert_allclose(rolled.point, 12.0, rtol=SAME)
    np.testing.assert_allclose(rolled.past, 11.0, rtol=SAME)


def test_point_alone_weighs_by_the_usual_cuts():
    values = 100 * np.exp(0.2 * stream(2, "combining").standard_normal((90, 2)))
    values[:, 1] *= np.exp(0.01 * np.arange(90))
    panel = panel_of(values)
    model = Combination(models=["run_rate", "drift"], how="inverse_error")
    cuts, length = cuts_of(panel, 14)
    np.testing.assert_array_equal(model.point(panel, 14), model.roll(panel, 14, cuts, length).point)


@pytest.mark.parametrize("how", ["mean", "median", "inverse_error"])
def test_a_combination_of_one_forecast_is_that_forecast_and_lies_between(how):
    alike = Combination(models=[Stub("a", 7), Stub("b", 7), Stub("c", 7)], how=how)
    np.testing.assert_allclose(alike.point(FLAT, 3), 7.0, rtol=SAME)
    apart = Combination(models=[Stub("a", 5), Stub("b", 7), Stub("c", 60)], how=how).point(FLAT, 3)
    assert (apart >= 5).all()
    assert (apart <= 60).all()


# --------------------------------------------------------------------------------------------------- notes and errors


def test_notes_are_merged_and_said_once():
    models = [Stub("a", 1, notes=("one", "two")), Stub("b", 2, notes=("two", "three")), Stub("c", 3)]
    for how in ("median", "inverse_error"):
        assert Combination(models=models, how=how).roll(FLAT, 5, CUTS, 10).notes == ("one", "two", "three")
    # As one reads them: ETS and theta take no series that never moves.
    panel = panel_of(np.column_stack([100 * np.exp(0.1 * stream(3, "notes").standard_normal(60)), np.full(60, 5.0)]))
    paths = fc.sample_paths(frame_of(panel), 7, model="combination", draws=20)
    assert [note.split(":")[0] for note in paths.notes] == [
        f"1 series by seasonal_mean in place of {name}" for name in ("ets", "theta", "stl_ets")
    ]
    np.testing.assert_array_equal(paths.values[:, :, 1], 5.0)
    assert paths.fitted[0] == "combination: median of ets, theta, stl_ets, seasonal_mean"


def test_it_may_stand_in_another_and_has_a_name():
    inner = Combination(models=["run_rate", "drift"], name="simple")
    model = Combination(models=[inner, "seasonal_naive"], how="mean", name="outer")
    paths = fc.sample_paths(frame_of(panel_of(np.full((60, 1), 4.0) + np.arange(60)[:, None] % 7)), 7, model=model)
    assert paths.method == "outer"
    assert paths.fitted == ("outer: mean of simple, seasonal_naive",)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"models": ["ets"]}, r"models=\['ets'\]: a combination needs at least two models"),
        ({"models": []}, "needs at least two models"),
        ({"models": "ets"}, "models='ets': a combination needs at least two"),
        ({"models": None}, "models=None: a combination needs at least two"),
        ({"models": ["ets", "thetta"]}, "'thetta'.*did you mean 'theta'"),
        ({"models": ["ets", "theta", "ets"]}, "models: 'ets' stands more than once; give each its own name"),
        ({"models": [Stub("a", 1), Stub("a", 2)]}, "'a' stands more than once"),
        ({"models": ["ets", object()]}, "needs a 'name'"),
        ({"how": "best"}, "how 'best' is not known; allowed: 'mean', 'median', 'inverse_error'"),
        ({"how": "inverse-error"}, "did you mean 'inverse_error'"),
    ],
)
def test_arguments_that_do_not_hold_are_told(arguments, message):
    with pytest.raises(ModelError, match=message):
        Combination(**arguments)
