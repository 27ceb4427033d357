"""Sample paths of plain series: a long frame in, joint futures out."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecast.dependence import trajectories
from forecast.errors import HorizonError, ModelError
from forecast.models import Model, model_of
from forecast.panel import Panel, panel_of
from forecast.paths import SamplePaths


def sample_paths(
    frame: pd.DataFrame,
    horizon: int,
    *,
    freq: str = "D",
    model: str | Model = "auto",
    draws: int = 1_000,
    seed: int = 0,
    n_jobs: int = 1,
) -> SamplePaths:
    """Forecast series as joint sample paths.

    Parameters
    ----------
    frame : DataFrame
        Long: ``unique_id, ds, y``. Absent periods and NaN are gaps, not zeros.
    horizon : int
        Periods ahead.
    freq : str
        A pandas alias: ``h``, ``D``, ``W``, ``MS``, ``QS`` and so on.
    model : str or Model
        A name of the shelf, or any object with ``name`` and ``point(panel, horizon)``.
    draws : int
        How many futures.
    seed : int
        Same inputs and seed, same paths.
    n_jobs : int
        Workers; the numbers do not depend on it.

    Returns
    -------
    SamplePaths
        ``values`` of shape (draw, period, series), in the series' own unit.

    Raises
    ------
    ModelError
        The frame or the model's answer breaks a rule.
    HorizonError
        The horizon is not a whole number of periods, at least one.
    """
    check_count("draws", draws, ModelError)
    check_count("n_jobs", n_jobs, ModelError)
    check_count("horizon", horizon, HorizonError)
    panel = panel_of(frame, freq)
    known = model_of(model)
    made = trajectories(panel, known, horizon=horizon, count=draws, seed=seed)
    return SamplePaths(made.paths(), panel.future(horizon), panel.series, seed, known.name, _history(panel))


def check_count(what: str, value: object, error: type[ModelError | HorizonError]) -> None:
    """Hold a count to be a whole number, at least one."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise error(f"{what}={value!r}: wanted a whole number, at least 1")


def _history(panel: Panel) -> pd.DataFrame:
    wide = pd.DataFrame(panel.values, index=panel.periods, columns=list(panel.series))
    long = wide.reset_index(names="ds").melt(id_vars="ds", var_name="unique_id", value_name="y")
    return long[["unique_id", "ds", "y"]]
