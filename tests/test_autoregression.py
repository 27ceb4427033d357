"""The autoregression of ``auto``: a shift changes nothing, it is the ridge it says, and kinds are told apart."""

import numpy as np
import pytest

from forecast.models.autoregression import LEAST_SERIES, WINSOR, Lags, autoregress
from forecast.streams import stream

NO_CUTS = np.zeros(0, dtype=np.intp)


def ahead(z, spec, horizon=10):
    return autoregress(z, spec, NO_CUTS, length=1, horizon=horizon).point


def walks(seed, count, days=90):
    """Steps that half undo the last one, and a jump or two."""
    rng = stream(seed, "walks")
    noise = 0.1 * rng.standard_t(3, (days, count))
    return np.cumsum(noise - 0.5 * np.vstack([np.zeros(count), noise[:-1]]), axis=0) + rng.standard_normal(count)


@pytest.mark.parametrize("kinds", [1, 2])
def test_a_constant_added_to_a_series_is_added_to_its_forecast(kinds):
    z, spec = walks(1, 45), Lags((2, 3, 7), (7, 14), 20.0, kinds)
    shift = 10 * stream(1, "shift").standard_normal(45)
    cuts = np.array([60, 75])
    before, after = (autoregress(v, spec, cuts, length=7, horizon=10) for v in (z, z + shift))
    # Shifts of up to 30 leave features of 0.1 with errors of 1e-15 x 30 / 0.1, and 10 steps multiply them.
    np.testing.assert_allclose(after.point, before.point + shift, atol=1e-9)
    np.testing.assert_allclose(after.past, before.past + shift, atol=1e-9)


def test_it_is_the_ridge_regression_that_its_docstring_says():
    """One series, one kind, in plain loops: the panel's own moments are then the series'."""
    lags, means, prior = (2, 3, 7), (7, 14), 50.0
    z = walks(2, 1)[:, 0]
    steps = np.diff(z)
    # Steps in units of their root mean square, at most WINSOR of them; the last step is a target, not part of the unit.
    size = np.sqrt(np.mean(steps**2))
    rows, targets = [], []
    for t in range(15, len(z)):
        last = z[t - 1]
        rows.append([z[t - k] - last for k in lags] + [z[t - w : t].mean() - last for w in means])
        targets.append(np.clip((z[t] - last) / size, -WINSOR, WINSOR))
    x, d = np.array(rows) / size, np.array(targets)
    assert (np.abs(d) == WINSOR).any()
    gram, cross = x.T @ x / len(d), x.T @ d / len(d)
    gram += (1e-3 * np.trace(gram) / 5 + 1e-12) * np.eye(5)
    beta = np.linalg.solve(x.T @ x + prior * gram, x.T @ d + prior * cross)
    path = list(z)
    for _ in range(10):
        last = path[-1]
        path.append(last + beta @ ([path[-k] - last for k in lags] + [np.mean(path[-w:]) - last for w in means]))
    np.testing.assert_allclose(ahead(z[:, None], Lags(lags, means, prior))[:, 0], path[-10:], rtol=0, atol=1e-9)


def test_a_series_of_a_panel_leans_on_it_by_the_prior():
    z = walks(3, 6)
    lone = np.column_stack([ahead(z[:, [i]], Lags((2, 3), (7,), 10.0)) for i in range(6)])
    apart, joined = (ahead(z, Lags((2, 3), (7,), prior)) for prior in (1e-6, 1e6))
    # Alone, the prior is the series itself with a small ridge; by next to no prior it is the same without.
    assert np.abs(apart - lone).max() < 0.1 * np.abs(joined - lone).max()


# -------------------------------------------------------------------------------------------------------------- kinds


SHORT = 60


def two_kinds(seed, count=30):
    """
    Noise around a level that never moves, and steps of which 0.8 is kept from one to the next; and what is best said of
    each: the level, and the last value and all of the step that is still to come.
    """
    rng = stream(seed, "kinds")
    level = rng.standard_normal(count)
    reverting = level + 0.3 * rng.standard_normal((SHORT, count))
    step = np.zeros((SHORT, count))
    for t in range(1, SHORT):
        step[t] = 0.8 * step[t - 1] + 0.1 * rng.standard_normal(count)
    trending = np.cumsum(step, axis=0)
    decay = np.cumsum(0.8 ** np.arange(1, 11))[:, None]
    best = np.hstack([np.repeat(level[None], 10, axis=0), trending[-1] + decay * step[-1]])
    return np.hstack([reverting, trending]), best


@pytest.mark.parametrize("seed", range(3))
def test_two_kinds_of_series_are_told_apart(seed):
    z, best = two_kinds(seed)
    one, two = (ahead(z, Lags((2, 3), (7, 14), 60.0, kinds)) for kinds in (1, 2))
    for kind in (slice(30), slice(30, 60)):
        error = [np.sqrt(np.mean((found - best)[:, kind] ** 2)) for found in (one, two)]
        assert error[1] < 0.9 * error[0]


def test_too_few_series_have_one_kind():
    z = np.hstack([two_kinds(5)[0][:, : LEAST_SERIES - 1], two_kinds(5)[0][:, -LEAST_SERIES:]])
    few, more = z, np.hstack([z, z[:, :1] + 1])
    assert few.shape[1] == 2 * LEAST_SERIES - 1
    spec = [Lags((2, 3), (7, 14), 60.0, kinds) for kinds in (1, 5)]
    np.testing.assert_array_equal(ahead(few, spec[0]), ahead(few, spec[1]))
    assert not np.array_equal(ahead(more, spec[0]), ahead(more, spec[1]))


def test_a_series_that_has_not_begun_teaches_the_others_nothing():
    z = walks(6, 5)
    late = np.vstack([np.full((80, 1), 3.0), 3.0 + walks(7, 1)[:10]])
    found = ahead(np.hstack([z, np.full((90, 1), 3.0)]), Lags((2, 3), (7,), 10.0))
    np.testing.assert_allclose(found[:, :5], ahead(z, Lags((2, 3), (7,), 10.0)), atol=1e-9)
    np.testing.assert_array_equal(found[:, 5], 3.0)
    assert np.isfinite(ahead(np.hstack([z, late]), Lags((2, 3), (7,), 10.0))).all()


def test_too_little_history_is_not_forecast():
    spec = Lags((2, 3), (7,), 10.0)
    assert np.isnan(ahead(walks(8, 3)[: spec.reach], spec)).all()
    assert np.isfinite(ahead(walks(8, 3), spec)).all()
