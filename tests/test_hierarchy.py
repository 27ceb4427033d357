"""Parts add up to the whole in every draw: sums, projections and their gain, forecasts of several levels made one."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import forecast as fc
from forecast.errors import HorizonError, ModelError
from forecast.hierarchy import Hierarchy, reconciled_paths
from forecast.hierarchy.levels import brought, moved, ranked
from forecast.hierarchy.projection import gain, shrunk
from forecast.paths import SamplePaths
from forecast.streams import stream

#: Sums in floating point, in another order.
EXACT = 1e-9

LABELS = pd.DataFrame(
    {
        "unique_id": ["a", "b", "c", "d", "e"],
        "project": ["chat", "chat", "code", "code", "search"],
        "department": ["support", "support", "research", "research", "research"],
        "environment": ["production", "test", "production", "test", "production"],
    }
)
ORGANISATION = Hierarchy(LABELS, ("project", "department"))
CROSSED = Hierarchy(LABELS, ("department", "environment"))
TWO = Hierarchy(pd.DataFrame({"unique_id": ["a", "b"], "team": ["all", "all"]}), ["team"])


def paths_of(values, series, history=None):
    values = np.asarray(values, dtype=float)
    days = pd.date_range("2026-01-01", periods=values.shape[1])
    return SamplePaths(values, days, tuple(series), 0, "made up", history)


def random_paths(hierarchy, seed=0, draws=7, periods=3):
    shape = (draws, periods, len(hierarchy.names))
    return paths_of(stream(seed, "nodes").normal(100, 30, shape), hierarchy.names)


def random_errors(hierarchy, trials=40, seed=1):
    rng = stream(seed, "errors")
    bottom = rng.normal(size=(trials, len(hierarchy.bottoms))) * np.arange(1, len(hierarchy.bottoms) + 1)
    errors = bottom @ hierarchy.summing.T
    return errors + 0.5 * rng.normal(size=errors.shape)


def frame_of(columns, start="2025-01-01"):
    length = len(next(iter(columns.values())))
    days = pd.date_range(start, periods=length)
    return pd.concat([pd.DataFrame({"unique_id": name, "ds": days, "y": y}) for name, y in columns.items()])


def assert_coherent(hierarchy, paths):
    bottom = paths.values[:, :, -len(hierarchy.bottoms) :]
    np.testing.assert_allclose(paths.values, bottom @ hierarchy.summing.T, rtol=EXACT, atol=EXACT)


# --------------------------------------------------------------------------------------------------------------- nodes


def test_nodes_run_from_the_top_to_the_series():
    nodes = ORGANISATION.nodes
    assert list(nodes["name"]) == [
        "total", "research", "support", "chat", "code", "search", "a", "b", "c", "d", "e",
    ]  # fmt: skip
    assert list(nodes["level"]) == ["total"] + 2 * ["department"] + 3 * ["project"] + 5 * ["series"]
    assert ORGANISATION.bottoms == ("a", "b", "c", "d", "e")


def test_the_summing_matrix_by_hand():
    wanted = [
        [1, 1, 1, 1, 1],
        [0, 0, 1, 1, 1],
        [1, 1, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [0, 0, 1, 1, 0],
        [0, 0, 0, 0, 1],
        *np.eye(5),
    ]
    assert np.array_equal(ORGANISATION.summing, wanted)


def test_levels_may_cross():
    row = CROSSED.names.index("production")
    assert CROSSED.summing[row].tolist() == [1, 0, 1, 0, 1]
    with pytest.raises(ModelError, match="department 'research', 'support' lies in more than one environment"):
        Hierarchy(LABELS, ("department", "environment"), nested=True)
    assert Hierarchy(LABELS, ("project", "department"), nested=True).names == ORGANISATION.names


def test_labels_are_not_changed_and_not_kept():
    labels = LABELS.copy()
    made = Hierarchy(labels, ["project"])
    labels.loc[0, "project"] = "other"
    assert made.labels["project"][0] == "chat"


@pytest.mark.parametrize(
    ("labels", "levels", "message"),
    [
        (LABELS, ["projct"], "'projct' is not known.*did you mean 'project'"),
        (LABELS.drop(columns="unique_id"), ["project"], "column 'unique_id' is not known"),
        (LABELS.assign(project=["x", None, "x", None, "y"]), ["project"], "'project' is blank for 'b', 'd'"),
        (LABELS.assign(unique_id=list("aabbc")), ["project"], "'a', 'b' more than once"),
        (LABELS.assign(project=["a", "b", "x", "x", "x"]), ["project"], "share a name: 'a', 'b'"),
        (LABELS.assign(project="total"), ["project"], "share a name: 'total'"),
        (LABELS.assign(project=LABELS["department"]), ["project", "department"], "share a name: 'research', 'support'"),
        (LABELS.rename(columns={"project": "series"}), ["series"], "cannot be called 'series'"),
        (LABELS, [], "at least one"),
        (LABELS, ["project", "project"], "each column once"),
        (LABELS.iloc[:0], ["project"], "no rows"),
        (
            pd.DataFrame({"unique_id": [f"s{i}" for i in range(9)], "team": None}),
            ["team"],
            "'s0', 's1', 's2', 's3', 's4' and 4 more",
        ),
    ],
)
def test_labels_that_make_no_hierarchy_are_told(labels, levels, message):
    with pytest.raises(ModelError, match=message):
        Hierarchy(labels, levels)


# ---------------------------------------------------------------------------------------------------------------- sums


def test_adding_up_by_hand_in_any_order_of_series():
    one = paths_of([[[1, 2, 3, 4, 5]], [[10, 20, 30, 40, 50]]], "abcde")
    shuffled = paths_of(one.values[:, :, ::-1], "edcba")
    for found in (ORGANISATION.add_up(one), ORGANISATION.add_up(shuffled)):
        assert found.series == ORGANISATION.names
        assert found.values[0, 0].tolist() == [15, 12, 3, 3, 7, 5, 1, 2, 3, 4, 5]
        assert found.values[1, 0].tolist() == [150, 120, 30, 30, 70, 50, 10, 20, 30, 40, 50]


def test_adding_up_brings_the_history_along():
    known = frame_of({name: [1.0, 2.0] for name in "abcde"})
    history = ORGANISATION.add_up(paths_of(np.ones((2, 1, 5)), "abcde", known)).history
    assert history[history["unique_id"] == "total"]["y"].tolist() == [5.0, 10.0]


def test_a_part_counts_as_nothing_before_it_begins_and_a_gap_is_unknown():
    frame = frame_of({"a": [np.nan, 1, 2, np.nan, 4, 5], "b": [np.nan, np.nan, 10, 20, 30, np.nan]})
    found = TWO.aggregate(frame).set_index(["unique_id", "ds"])["y"]
    assert found["all"].index[0] == pd.Timestamp("2025-01-02")
    np.testing.assert_array_equal(found["all"], [1, 12, np.nan, 34, np.nan])
    np.testing.assert_array_equal(found["total"], found["all"])
    np.testing.assert_array_equal(found["b"], [10, 20, 30, np.nan])


def test_a_date_that_no_series_has_is_a_gap_of_all():
    frame = frame_of({"a": [1.0, 2.0, 3.0], "b": [1.0, 2.0, 3.0]})
    found = TWO.aggregate(frame[frame["ds"] != "2025-01-02"])
    assert found[found["unique_id"] == "total"]["y"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("series", "message"),
    [
        ("abcd", "'e' missing; the hierarchy has 5"),
        ("abcdef", "'f' not in the hierarchy"),
        (("a", "b", "c", "d", "E"), "'E' not in the hierarchy; did you mean 'e'"),
    ],
)
def test_other_series_than_the_hierarchys_are_told(series, message):
    with pytest.raises(ModelError, match=message):
        ORGANISATION.add_up(paths_of(np.ones((1, 2, len(series))), series))
    with pytest.raises(ModelError, match=message):
        ORGANISATION.aggregate(frame_of({name: [1.0, 2.0] for name in series}))


# ---------------------------------------------------------------------------------------------------------- projection


def test_ols_gives_each_of_three_nodes_a_third_of_what_is_missing():
    """For total = a + b, minimising the squared moves spreads total - a - b over the three nodes alike."""
    pair = np.array([[1.0, 1.0]])
    np.testing.assert_allclose(gain(np.eye(3), pair), [[1 / 3], [1 / 3]])
    flat = Hierarchy(pd.DataFrame({"unique_id": ["a", "b"], "side": ["left", "right"]}), ["side"])
    # total 100, left 40, right 50, a 40, b 50: the groups agree with their series, and the total is 10 more.
    found = flat.reconcile(paths_of([[[100, 40, 50, 40, 50]]], flat.names), method="ols").values[0, 0]
    # With a = 40 + x, b = 50 + x: minimise (2x - 10)^2 + 4 x^2, so x = 10 * 2 / 8.
    np.testing.assert_allclose(found, [95, 42.5, 52.5, 42.5, 52.5])


def test_structural_weighs_a_node_by_its_series():
    """Variances 2, 1, 1: the total takes half of what is missing, each series a quarter."""
    np.testing.assert_allclose(gain(np.diag([2.0, 1, 1]), np.array([[1.0, 1.0]])), [[0.25], [0.25]])


@pytest.mark.parametrize("hierarchy", [ORGANISATION, CROSSED], ids=["nested", "crossed"])
@pytest.mark.parametrize("method", ["ols", "structural", "variance", "mint"])
def test_the_projection_is_that_of_the_paper(hierarchy, method):
    """S (S' W^-1 S)^-1 S' W^-1 y, with inverses as the paper writes it; and S G S = S."""
    errors, summing = random_errors(hierarchy), hierarchy.summing
    known = shrunk(errors)
    weights = {
        "ols": np.eye(len(summing)),
        "structural": np.diag(summing.sum(axis=1)),
        "variance": np.diag((errors**2).mean(axis=0)),
        "mint": known.correlation * np.outer(known.scale, known.scale),
    }[method]
    inverse = np.linalg.inv(weights)
    G = np.linalg.inv(summing.T @ inverse @ summing) @ summing.T @ inverse
    np.testing.assert_allclose(summing @ G @ summing, summing, atol=EXACT)
    base = random_paths(hierarchy)
    found = hierarchy.reconcile(base, errors, method=method, nonnegative=False)
    np.testing.assert_allclose(found.values, base.values @ (summing @ G).T, rtol=EXACT)
    assert method in found.method


def test_equal_variances_without_correlation_are_ols():
    base, count = random_paths(CROSSED), len(CROSSED.names)
    ols = CROSSED.reconcile(base, method="ols")
    # Two trials of each node alone: equal variances, and no pair ever moves together.
    errors = np.concatenate([np.eye(count), -np.eye(count)])
    for method in ("mint", "variance"):
        np.testing.assert_allclose(CROSSED.reconcile(base, errors, method=method).values, ols.values, rtol=EXACT)


def test_unbiased_forecasts_stay_unbiased():
    """The mean of the reconciled is the truth where the mean of the base forecasts is: S G S b = S b."""
    truth = ORGANISATION.summing @ np.array([10.0, 20, 30, 40, 50])
    noise = stream(3, "noise").normal(size=(50, 1, len(truth)))
    noise -= noise.mean(axis=0)
    found = ORGANISATION.reconcile(paths_of(truth + noise, ORGANISATION.names), random_errors(ORGANISATION))
    np.testing.assert_allclose(found.values.mean(axis=0)[0], truth, rtol=EXACT)


def test_a_node_without_error_is_believed():
    errors = random_errors(TWO)
    errors[:, TWO.names.index("total")] = 0.0
    base = paths_of([[[90, 100, 40, 50]]], TWO.names)
    assert TWO.reconcile(base, errors, method="variance").values[0, 0, 0] == pytest.approx(90, rel=1e-6)


def intensity_by_the_paper(x):
    """Schäfer and Strimmer's lambda, term by term: the sum of Var(r_ij) over that of r_ij squared, i != j."""
    trials, nodes = x.shape
    z = x / np.sqrt((x**2).mean(axis=0))
    top = bottom = 0.0
    for i in range(nodes):
        for j in range(nodes):
            if i != j:
                w = [z[k, i] * z[k, j] for k in range(trials)]
                mean = sum(w) / trials
                top += sum((v - mean) ** 2 for v in w) / (trials * (trials - 1))
                bottom += mean**2
    return min(1.0, top / bottom)


@pytest.mark.parametrize("trials", [6, 40, 400])
def test_shrinkage_is_that_of_the_paper(trials):
    errors = random_errors(ORGANISATION, trials)
    found = shrunk(errors)
    assert found.intensity == pytest.approx(intensity_by_the_paper(errors), rel=1e-12)
    sample = errors.T @ errors / trials
    size = np.sqrt(np.diag(sample))
    wanted = (1 - found.intensity) * sample / np.outer(size, size) + found.intensity * np.eye(len(size))
    np.testing.assert_allclose(found.correlation, wanted, atol=1e-12)


def test_mint_of_hierarchicalforecast():
    """MinTrace(method="mint_shrink") of hierarchicalforecast 1.5.3; it centres errors, and adds a ridge of 2e-8."""
    t = np.arange(1, 13)
    a, b = 3 * np.sin(3 * t), 2 * np.cos(t * t)
    errors = np.column_stack([a + b + 0.5 * np.sin(t * t / 2.0), a + b + 0.5 * np.cos(5 * t), a, b])
    base = paths_of([[[100, 90, 40, 45]]], TWO.names)
    found = TWO.reconcile(base, errors - errors.mean(axis=0)).values[0, 0]
    np.testing.assert_allclose(found, [94.203824, 94.203824, 47.209012, 46.994812], rtol=1e-6)


def test_overlapping_trials_shrink_more():
    errors = random_errors(ORGANISATION)
    assert shrunk(errors, independent=20).intensity == pytest.approx(2 * shrunk(errors).intensity)
    assert shrunk(errors, independent=0.01).intensity == 1.0


def test_gaps_in_errors_are_left_out_pair_by_pair():
    errors = random_errors(ORGANISATION, 30)
    errors[0, 0] = errors[3:9, 2] = np.nan
    found = shrunk(errors)
    assert found.scale[2] == pytest.approx(np.sqrt(np.nanmean(errors[:, 2] ** 2)))
    assert np.linalg.eigvalsh(found.correlation).min() > 0
    assert_coherent(ORGANISATION, ORGANISATION.reconcile(random_paths(ORGANISATION), errors))


def test_a_node_whose_errors_are_unknown_is_taken_to_err_as_its_paths_spread():
    rng = stream(2, "unknown")
    values, errors = rng.normal(size=(50, 4)), rng.normal(size=(30, 4))
    base = paths_of(100 + ((values - values.mean(axis=0)) / values.std(axis=0))[:, None], TWO.names)
    errors /= np.sqrt((errors**2).mean(axis=0))
    known = TWO.reconcile(base, errors, method="variance")
    errors[:, 3] = np.nan
    np.testing.assert_allclose(TWO.reconcile(base, errors, method="variance").values, known.values, rtol=EXACT)


def test_fewer_errors_than_nodes_and_errors_that_are_sums_are_no_trouble():
    bottom = stream(0, "few").normal(size=(3, 5))
    errors = bottom @ ORGANISATION.summing.T
    base = random_paths(ORGANISATION)
    for trials in (errors, np.repeat(errors, 2, axis=0), np.zeros((4, len(ORGANISATION.names)))):
        found = ORGANISATION.reconcile(base, trials)
        assert np.isfinite(found.values).all()
        assert_coherent(ORGANISATION, found)


def test_series_below_nothing_are_held_there_and_it_is_said():
    base = paths_of([[[10, 10, 0, 40]], [[50, 50, 20, 30]]], TWO.names)
    found = TWO.reconcile(base, method="ols")
    # 30 too many, two wholes and two series: each series loses 30 * 2 / 5 = 12, so the first would be at -12.
    np.testing.assert_allclose(found.values[0, 0], [28, 28, 0, 28])
    np.testing.assert_allclose(found.values[1, 0], [50, 50, 20, 30])
    assert "25.00% of the series' values held at 0" in found.method
    assert_coherent(TWO, found)
    free = TWO.reconcile(base, method="ols", nonnegative=False)
    np.testing.assert_allclose(free.values[0, 0], [16, 16, -12, 28])


def test_a_series_that_was_below_nothing_may_be_again():
    known = frame_of({"a": [-5.0, 1.0], "b": [1.0, 1.0]})
    found = TWO.reconcile(paths_of([[[10, 10, 0, 40]]], TWO.names, known), method="ols")
    np.testing.assert_allclose(found.values[0, 0], [16, 16, -12, 28])


@settings(max_examples=60, deadline=None)
@given(
    groups=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=8),
    seed=st.integers(0, 10_000),
    method=st.sampled_from(["ols", "structural", "variance", "mint"]),
    trials=st.integers(2, 12),
)
def test_what_comes_out_adds_up_and_what_adds_up_stays(groups, seed, method, trials):
    labels = pd.DataFrame(
        {
            "unique_id": [f"s{i}" for i in range(len(groups))],
            "team": [f"team {a}" for a, _ in groups],
            "stage": [f"stage {b}" for _, b in groups],
        }
    )
    hierarchy = Hierarchy(labels, ["team", "stage"])
    errors = random_errors(hierarchy, trials, seed)
    found = hierarchy.reconcile(random_paths(hierarchy, seed, draws=3), errors, method=method)
    assert_coherent(hierarchy, found)
    assert (found.values >= 0).all()
    again = hierarchy.reconcile(found, errors, method=method)
    np.testing.assert_allclose(again.values, found.values, rtol=EXACT, atol=1e-7)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "mnit"}, "did you mean 'mint'"),
        ({"method": "mint"}, "'mint' needs errors"),
        ({"method": "variance"}, "'variance' needs errors"),
        ({"errors": np.ones((5, 3))}, r"shape \(5, 3\); wanted \(trial, node\) with 4 nodes"),
        ({"errors": np.ones((1, 4))}, "needs two errors"),
        ({"errors": np.ones((5, 4)), "scale": np.ones(3)}, r"scale of shape \(3,\)"),
    ],
)
def test_what_cannot_be_reconciled_is_told(arguments, message):
    with pytest.raises(ModelError, match=message):
        TWO.reconcile(random_paths(TWO), **arguments)
    with pytest.raises(ModelError, match="'all' missing"):
        TWO.reconcile(paths_of(np.ones((1, 1, 3)), ["total", "a", "b"]), method="ols")


# ---------------------------------------------------------------------------------------------- forecasts of all levels


def organisation(days=300, seed=0):
    rng = stream(seed, "organisation")
    week = np.where(np.arange(days) % 7 > 4, 0.5, 1.0)
    size = dict(zip("abcde", (1_000, 200, 500, 50, 300), strict=True))
    return frame_of({name: s * week * np.exp(0.2 * rng.standard_normal(days)) for name, s in size.items()})


@pytest.fixture(scope="module")
def reconciled():
    return reconciled_paths(organisation(), 28, ORGANISATION, draws=200, seed=4)


def test_every_draw_of_a_forecast_adds_up(reconciled):
    assert reconciled.values.shape == (200, 28, 11)
    assert reconciled.series == ORGANISATION.names
    assert (reconciled.values >= 0).all()
    assert_coherent(ORGANISATION, reconciled)
    assert reconciled.method.startswith("auto, levels reconciled by mint (correlations ")
    assert set(reconciled.history["unique_id"]) == set(ORGANISATION.names)


def test_all_levels_without_trend_are_forecast_at_their_level(reconciled):
    total = reconciled.values[:, :, 0].sum(axis=1)
    # 2,050 on 5 days of 7 and half of it on 2, times exp(0.2^2 / 2): the mean of 28 such days, within a twentieth.
    assert total.mean() == pytest.approx(28 * 2_050 * 6 / 7 * np.exp(0.02), rel=0.05)


def test_the_same_seed_gives_the_same_paths_in_any_order_of_rows_and_workers(reconciled):
    shuffled = organisation().sample(frac=1, random_state=1)
    again = reconciled_paths(shuffled, 28, ORGANISATION, draws=200, seed=4, n_jobs=2)
    assert np.array_equal(again.values, reconciled.values)
    other = reconciled_paths(organisation(), 28, ORGANISATION, draws=200, seed=5)
    assert not np.array_equal(other.values, reconciled.values)


class Level:
    """Forecasts a constant a series."""

    def __init__(self, value):
        self.value, self.name = value, f"level {value}"

    def point(self, panel, horizon):
        return np.full((horizon, len(panel.series)), float(self.value))


def test_models_may_differ_by_level_and_the_levels_meet():
    days = stream(1, "days").normal(size=(2, 200))
    frame = frame_of({"a": 100 + 10 * days[0], "b": 50 + 10 * days[1]})
    models = {"total": Level(180), "team": Level(180), "series": Level(75)}
    found = reconciled_paths(frame, 14, TWO, models=models, draws=100, method="ols")
    assert_coherent(TWO, found)
    # The wholes say more than 2 * 75, the series less than 180: the answer lies between.
    assert 150 < found.values[:, :, 0].mean() < 180
    assert found.method.startswith("level 180 and level 75")


def test_draws_of_the_whole_are_not_averaged_away():
    """Levels that were drawn apart would be averaged, and the total's band shrink; in order, it keeps its width."""
    rng = stream(0, "normal")
    bottom = 1_000 + rng.normal(size=(2_000, 1, 2)) * 100
    whole = bottom.sum(axis=2, keepdims=True).mean() + rng.normal(size=(2_000, 1, 1)) * np.sqrt(2) * 100
    alone = np.concatenate([whole, whole, bottom], axis=2)
    spread = alone.std(axis=0)[0]
    matrix = gain(np.diag(spread**2), TWO.summing[:2])
    found = moved(alone, matrix, TWO.codes, positive=np.array([True, True])).bottom.sum(axis=(1, 2))
    apart = TWO.reconcile(paths_of(alone, TWO.names), method="variance", scale=spread).values[:, 0, 0]
    # The whole stands there twice and weighs two thirds, the sum of the series one: 5 / 9 of the variance is left.
    assert apart.std() == pytest.approx(spread[0] * np.sqrt(5) / 3, rel=0.05)
    assert found.std() == pytest.approx(spread[0], rel=0.02)


def test_moving_hits_the_projected_mean_and_total():
    rng = stream(6, "moving")
    alone = rng.uniform(50, 150, (500, 10, len(CROSSED.names)))
    alone[:, :, :5] *= 2.2
    matrix = gain(np.eye(len(CROSSED.names)), CROSSED.summing[:5])
    found = moved(alone, matrix, CROSSED.codes, positive=np.ones(5, dtype=bool))
    totals = paths_of(alone.mean(axis=0, keepdims=True), CROSSED.names)
    wanted = CROSSED.reconcile(totals, method="ols").values[0, :, -5:].sum(axis=0)
    np.testing.assert_allclose(found.bottom.sum(axis=1).mean(axis=0), wanted, rtol=EXACT)
    assert found.held == 0.0


def test_ranks_and_means_are_brought_by_hand():
    like = np.array([[3.0], [1.0], [2.0]])
    assert ranked(np.array([[10.0], [30.0], [20.0]]), like).ravel().tolist() == [30, 10, 20]
    values = np.array([[4.0, 4.0, 0.0]])
    found = brought(values, values[0], np.array([6.0, -2.0, 5.0]), np.array([True, False, True]))
    assert found.tolist() == [[6.0, -2.0, 0.0]]


def test_series_with_credits_gaps_launches_and_rest_are_reconciled():
    frame = organisation(120)
    frame.loc[(frame["unique_id"] == "b") & (frame["ds"] < "2025-04-01"), "y"] = np.nan
    frame.loc[(frame["unique_id"] == "c") & (frame["ds"].dt.day == 5), "y"] = np.nan
    frame.loc[(frame["unique_id"] == "d") & (frame["ds"].dt.day == 7), "y"] = -20.0
    frame.loc[frame["unique_id"] == "e", "y"] = 0.0
    found = reconciled_paths(frame, 30, ORGANISATION, draws=60)
    assert np.isfinite(found.values).all()
    assert_coherent(ORGANISATION, found)
    assert (found.values[:, :, -1] == 0).all()


@pytest.mark.parametrize("length", [1, 3, 20])
def test_a_short_history_is_no_trouble(length):
    found = reconciled_paths(organisation(300).groupby("unique_id").head(length), 14, ORGANISATION, draws=20)
    assert np.isfinite(found.values).all()
    assert_coherent(ORGANISATION, found)


def test_months_are_reconciled_too():
    months = pd.date_range("2023-01-01", periods=30, freq="MS")
    frame = pd.concat([pd.DataFrame({"unique_id": n, "ds": months, "y": 100.0 + np.arange(30) % 4}) for n in "ab"])
    found = reconciled_paths(frame, 6, TWO, freq="MS", draws=20)
    assert found.periods[0] == pd.Timestamp("2025-07-01")
    assert_coherent(TWO, found)


def test_models_of_providers_add_up_to_all():
    rng = stream(8, "tokens")
    routes = ["north|small", "north|large", "east|small"]
    frame = frame_of({route: 1e6 * np.exp(0.1 * rng.standard_normal(150)) for route in routes})
    labels = pd.DataFrame({"unique_id": routes, "provider": [route.split("|")[0] for route in routes]})
    found = reconciled_paths(frame, 30, Hierarchy(labels, ["provider"]), draws=50).total()
    value = dict(zip(found.series, found.values[:, 0].T, strict=True))
    np.testing.assert_allclose(value["total"], value["north"] + value["east"], rtol=EXACT)
    np.testing.assert_allclose(value["north"], value["north|small"] + value["north|large"], rtol=EXACT)


def test_usage_by_project_and_environment():
    rows = fc.generate_usage(seed=2).frame.dropna(subset=["project", "environment"])
    rows = rows[rows["date"] > "2026-06-01"]
    rows = rows.assign(unique_id=rows["project"] + "/" + rows["environment"])
    frame = (
        rows.groupby(["unique_id", "date"])["requests"].sum().rename("y").reset_index().rename(columns={"date": "ds"})
    )
    labels = rows[["unique_id", "project", "environment", "department"]].drop_duplicates("unique_id")
    hierarchy = Hierarchy(labels, ["environment"])
    assert_coherent(hierarchy, reconciled_paths(frame, 30, hierarchy, draws=30))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"horizon": 0}, HorizonError, "horizon=0"),
        ({"draws": 0}, ModelError, "draws=0"),
        ({"n_jobs": 0}, ModelError, "n_jobs=0"),
        ({"method": "minnt"}, ModelError, "did you mean 'mint'"),
        ({"model": "sesonal_naive"}, ModelError, "did you mean 'seasonal_naive'"),
        ({"models": {"projects": "auto"}}, ModelError, "level 'projects' is not known.*did you mean 'project'"),
    ],
)
def test_wrong_arguments_are_told(arguments, error, message):
    with pytest.raises(error, match=message):
        reconciled_paths(organisation(60), arguments.pop("horizon", 7), ORGANISATION, **arguments)


def test_a_series_that_ended_without_saying_so_is_told():
    frame = organisation(100)
    ended = frame[(frame["unique_id"] != "b") | (frame["ds"] < "2025-03-01")]
    with pytest.raises(ModelError, match="not known in the last 14 periods: 'b' ended; write 0"):
        reconciled_paths(ended, 7, ORGANISATION)


def test_notes_and_what_was_fitted_reach_the_result_by_level():
    """A campaign that comes for the first time is told of each level, and every node has its words."""
    days = pd.date_range("2026-01-01", periods=80)
    rng = stream(5, "notes")
    frame = pd.concat(
        pd.DataFrame({"unique_id": name, "ds": days, "y": 50 * np.exp(0.1 * rng.standard_normal(80))})
        for name in ("a", "b")
    )
    tree = fc.Hierarchy(pd.DataFrame({"unique_id": ["b", "a"], "side": ["x", "x"]}), levels=("side",))
    model = fc.SARIMAX(order=(1, 0, 0), regressors=[fc.Event("campaign", ["2026-03-25"])])
    found = fc.reconciled_paths(frame, 7, tree, models={"series": model}, model="run_rate", draws=50)
    assert found.fitted[:2] == ("run_rate", "run_rate")
    assert all(words.startswith("sarimax: (1,0,0)") for words in found.fitted[2:])
    assert any(note.startswith("level series: ") and "'campaign'" in note for note in found.notes)
    added = tree.add_up(fc.sample_paths(frame, horizon=7, model=model, draws=50))
    assert added.fitted[:2] == ("added up", "added up")
    assert added.notes
    with pytest.raises(fc.ModelError, match="plans series that the hierarchy does not hold"):
        fc.reconciled_paths(frame, 7, tree, model=fc.Launch(on={"new": "2026-03-25"}))
