"""The shelf: every name makes paths, packages bring models of their own, and a user's model is treated like ours."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast.errors import ModelError
from forecast.models import ENTRY_POINTS, MODELS, Model, model_of, names
from forecast.models.auto import Auto
from forecast.streams import stream

ROOT = Path(__file__).parents[1]
#: A nominal 80 % band of 60 independent totals holds between 65 % and 92 % in all but one of 500 samples, and is wider
#: than that by design where the past is short.
LEAST, MOST = 0.65, 0.98


def frame_of(values, start="2025-01-01"):
    dates = pd.date_range(start, periods=len(values))
    parts = [pd.DataFrame({"unique_id": f"s{i:02d}", "ds": dates, "y": values[:, i]}) for i in range(values.shape[1])]
    return pd.concat(parts, ignore_index=True)


def weekly(days=84, series=2, seed=0):
    """Log-normal days with quiet weekends: (period, series)."""
    week = np.where(np.arange(days) % 7 > 4, 0.5, 1.0)[:, None]
    return 1_000 * week * np.exp(0.2 * stream(seed, "shelf").standard_normal((days, series)))


# ----------------------------------------------------------------------------------------------------------- every name


@pytest.mark.parametrize("model", sorted(MODELS))
def test_every_model_of_the_shelf_makes_paths_of_the_series_size(model):
    values = weekly()
    if model in {"logistic", "gompertz", "bass"}:
        # These take what was launched and is on its way.
        values *= 1 / (1 + np.exp(-(np.arange(84.0) - 28) / 8))[:, None]
    found = fc.sample_paths(frame_of(values), 28, model=model, draws=50, seed=1)
    assert found.values.shape == (50, 28, 2)
    assert np.isfinite(found.values).all()
    assert (found.values >= 0).all()
    assert found.method == model
    assert len(found.fitted) == 2
    assert all(told.startswith(model) for told in found.fitted) or model in {"auto", "fast", "launch"}
    assert found.notes == ()
    mean = np.median(found.values.sum(axis=1), axis=0) / 28
    # A line through the first and the last day, which was a Sunday, goes on from there.
    np.testing.assert_allclose(mean, values[-28:].mean(axis=0), rtol=0.7 if model == "drift" else 0.25)


def test_a_name_is_the_models_own():
    for name in MODELS:
        made = model_of(name)
        assert made.name == name
        assert isinstance(made, Model)
    assert names()[: len(MODELS)] == tuple(MODELS)


def test_objects_pass_as_they_are():
    for model in (Auto(), fc.ETS(), fc.Launch(), fc.Combination(), fc.SARIMAX(order=(1, 0, 0))):
        assert model_of(model) is model


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("etz", r"model 'etz' is not known; .*did you mean 'ets'"),
        ("sarima", "did you mean 'sarimax'"),
        ("stl", "did you mean 'stl_"),
        ("", "model '' is not known"),
        (3, r"a model needs a 'name' and a method point\(panel, horizon\); int lacks them"),
        (None, "NoneType lacks them"),
        (Auto, "the class Auto, not an object of it, lacks them"),
        (fc.ETS, "the class ETS, not an object of it, lacks them"),
        (["ets", "theta"], "list lacks them"),
    ],
)
def test_what_is_no_model_is_told(given, message):
    with pytest.raises(ModelError, match=message):
        model_of(given)


# ------------------------------------------------------------------------------------------- models of other packages


@pytest.fixture
def brings(tmp_path, monkeypatch):
    """Install a package by its files: a module, and what it says it brings."""

    def install(code, **points):
        (tmp_path / "elsewhere.py").write_text(code, encoding="utf-8")
        info = tmp_path / "elsewhere-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: elsewhere\nVersion: 1.0\n", encoding="utf-8")
        lines = [f"{name} = {where}" for name, where in points.items()]
        (info / "entry_points.txt").write_text("\n".join([f"[{ENTRY_POINTS}]", *lines]) + "\n", encoding="utf-8")
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, "elsewhere", raising=False)

    yield install
    sys.modules.pop("elsewhere", None)


CODE = '''
import numpy as np


class Flat:
    """The mean of the last four weeks."""

    def __init__(self, name="flat"):
        self.name = name

    def point(self, panel, horizon):
        return np.repeat(np.nanmean(panel.values[-28:], axis=0)[None], horizon, axis=0)


def broken():
    raise KeyError("no licence")


class Nameless:
    def point(self, panel, horizon):
        return None
'''


def test_a_package_brings_a_model_by_name(brings):
    brings(CODE, flat="elsewhere:Flat")
    assert names()[-1] == "flat"
    assert ENTRY_POINTS == "tokenplan.models"
    values = weekly()
    paths = fc.sample_paths(frame_of(values), 14, model="flat", draws=50)
    assert paths.method == "flat"
    run_rate = fc.sample_paths(frame_of(values), 14, model="run_rate", draws=50)
    np.testing.assert_allclose(paths.values, run_rate.values, rtol=1e-9)
    card = fc.backtest(frame_of(values), models=["flat", "run_rate"], horizon=7, origins=2, draws=50)
    assert {"flat", "run_rate"} <= set(card.table.reset_index().astype(str).to_numpy().ravel())
    both = fc.Combination(models=["flat", "run_rate"], how="mean")
    assert (
        fc.sample_paths(frame_of(values), 14, model=both, draws=10).fitted[0] == "combination: mean of flat, run_rate"
    )
    with pytest.raises(ModelError, match="did you mean 'flat'"):
        model_of("flta")


def test_a_package_does_not_take_the_place_of_ours(brings):
    brings(CODE, run_rate="elsewhere:broken", flat="elsewhere:Flat")
    assert names().count("run_rate") == 1
    assert type(model_of("run_rate")).__module__ == "forecast.models.baselines"


@pytest.mark.parametrize(
    ("where", "cause", "message"),
    [
        ("elsewhere:broken", KeyError, r"cannot be made: KeyError: 'no licence'"),
        ("elsewhere:Absent", AttributeError, "cannot be made: AttributeError: .*Absent"),
        ("nowhere.at.all:Flat", ModuleNotFoundError, "cannot be made: ModuleNotFoundError: No module named 'nowhere'"),
        ("elsewhere:Nameless", None, r"needs a 'name' and a method point\(panel, horizon\); Nameless lacks them"),
    ],
)
def test_what_goes_wrong_in_a_package_is_told_with_its_cause(brings, where, cause, message):
    brings(CODE, theirs=where)
    with pytest.raises(ModelError, match=f"model 'theirs', brought by {where}: {message}") as told:
        fc.sample_paths(frame_of(weekly()), 14, model="theirs", draws=10)
    assert told.value.__cause__ is None if cause is None else isinstance(told.value.__cause__, cause)
    # Nobody else is the worse for it.
    assert model_of("run_rate").name == "run_rate"


# ------------------------------------------------------------------------------------------------- a model of one's own


class LastWeeks:
    """The mean of each weekday in the last four weeks: a user's model, whole."""

    name = "last_weeks"

    def point(self, panel, horizon):
        """Forecast (horizon, series)."""
        count = min(4, len(panel.values) // 7)
        if count == 0:
            return np.repeat(np.nanmean(panel.values, axis=0)[None], horizon, axis=0)
        week = panel.values[-7 * count :].reshape(count, 7, -1).mean(axis=0)
        return week[np.arange(horizon) % 7]


def test_a_users_model_has_joint_paths_whose_bands_hold():
    """Sixty series of one law, told apart by chance alone: four of five totals lie in the 80 % band."""
    values = weekly(168, 60, seed=3)
    paths = fc.sample_paths(frame_of(values[:-28]), 28, model=LastWeeks(), draws=400, seed=1)
    assert paths.method == "last_weeks"
    assert paths.fitted == ("last_weeks",) * 60
    low, high = np.quantile(paths.values.sum(axis=1), [0.1, 0.9], axis=0)
    actual = values[-28:].sum(axis=0)
    held = np.mean((low <= actual) & (actual <= high))
    assert LEAST <= held <= MOST


def test_series_that_moved_together_are_drawn_together_around_a_users_model():
    shared = np.exp(np.cumsum(0.05 * stream(4, "shared").standard_normal((300, 1)), axis=0))
    values = weekly(300, 6, seed=5) * shared
    paths = fc.sample_paths(frame_of(values), 28, model=LastWeeks(), draws=400, seed=1)
    totals = np.log(paths.values.sum(axis=1))
    assert (np.corrcoef(totals.T).sum() - 6) / 30 > 0.4


def test_a_users_model_is_told_what_was_known_at_each_cut_and_nothing_later():
    asked = []

    class Watched(LastWeeks):
        def point(self, panel, horizon):
            asked.append((len(panel.values), float(np.nanmax(panel.values))))
            return super().point(panel, horizon)

    values = weekly(120, 1)
    values[-1] = 1e9
    fc.sample_paths(frame_of(values), 14, model=Watched(), draws=10)
    assert max(asked)[0] == 120
    assert len({known for known, _ in asked}) > 10
    assert all(most < 1e6 for known, most in asked if known < 120)


# ---------------------------------------------------------------------------------------------------------- importing


@pytest.mark.parametrize(
    "code",
    [
        "import forecast, forecast.models",
        "import forecast.models as m; m.names(); m.model_of('auto'); m.model_of('launch'); m.model_of('combination')",
        "import forecast as fc; fc.SARIMAX(regressors=[fc.WorkingDays()]); fc.ETS(); fc.Prophet(); fc.AdoptionCurve()",
    ],
)
def test_programs_are_loaded_when_something_is_fitted(code):
    """Names, arguments and errors cost no program."""
    ask = "import sys; print([m for m in ('statsmodels', 'prophet', 'cmdstanpy', 'scipy.stats') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{ask}"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
