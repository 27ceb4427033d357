"""Sample paths of plain series: a long frame in, joint futures out."""

from __future__ import annotations

import numpy as np
import pandas as pd

from forecast.calendars import Calendar, Unit
from forecast.dependence import calibrate, totals, trajectories
from forecast.errors import HorizonError, ModelError, nearest
from forecast.models import Model, SamplingModel, model_of
from forecast.panel import Panel, panel_of
from forecast.paths import SamplePaths, spans_of


def sample_paths(
    frame: pd.DataFrame,
    horizon: int,
    *,
    freq: str = "D",
    model: str | Model = "auto",
    draws: int = 1_000,
    seed: int = 0,
    n_jobs: int = 1,
    total: str | Calendar | None = None,
    by: Unit | None = None,
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
        The name of a model, or any object with ``name`` and ``point(panel, horizon)``.
    draws : int
        How many futures.
    seed : int
        Same inputs and seed, same paths.
    n_jobs : int
        Workers, through joblib; the numbers do not depend on it.
    total : str or Calendar, optional
        Keep only totals over periods of this alias, such as ``"ME"``, over those of a fiscal calendar (``by=``), or
        over ``"horizon"``: what ``.total(...)`` of the paths would give, without ever holding the paths. For thousands
        of series.
    by : {"month", "quarter", "year"}
        Which of the calendar's periods.

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
    from joblib import parallel_config

    check_count("draws", draws, ModelError)
    check_count("n_jobs", n_jobs, ModelError)
    check_count("horizon", horizon, HorizonError)
    known = model_of(model)
    panel = panel_of(frame, freq).beside(getattr(known, "planned", ()))
    if getattr(known, "planned", ()) and not isinstance(known, SamplingModel):
        raise ModelError(f"model {known.name!r} plans series and has no method futures(panel, horizon, count, seed)")
    lost = [name for name in getattr(known, "named", ()) if name not in panel.series]
    if lost:
        hint = nearest(lost[0], panel.series)
        raise ModelError(f"model {known.name!r}: no series is called {lost[0]!r}{hint}; one that is to begin needs on=")
    future = panel.future(horizon)
    with parallel_config(n_jobs=n_jobs):
        if total is None:
            _no_unit(by)
            made = trajectories(panel, known, horizon=horizon, count=draws, seed=seed)
            return SamplePaths(
                made.paths(),
                future,
                panel.series,
                seed,
                known.name,
                _history(panel),
                fitted=made.method,
                notes=made.notes,
            )
        spans = spans_of(future, None if total == "horizon" else total, by)
        if isinstance(known, SamplingModel):
            made = trajectories(panel, known, horizon=horizon, count=draws, seed=seed)
            values, fitted, notes = np.add.reduceat(made.paths(), spans.starts, axis=1), made.method, made.notes
        else:
            law = calibrate(panel, known, horizon=horizon)
            values, fitted, notes = totals(law, spans.starts, count=draws, seed=seed), law.method, law.notes
    method = f"{known.name}, {spans.told}"
    return SamplePaths(values, spans.ends, panel.series, seed, method, labels=spans.labels, fitted=fitted, notes=notes)


def _no_unit(by: Unit | None) -> None:
    if by is not None:
        raise ModelError(f"by={by!r} names a calendar's periods; give one: total=fc.Calendar(...), by={by!r}")


def check_count(what: str, value: object, error: type[ModelError | HorizonError]) -> None:
    """Hold a count to be a whole number, at least one."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise error(f"{what}={value!r}: wanted a whole number, at least 1")


def _history(panel: Panel) -> pd.DataFrame:
    wide = pd.DataFrame(panel.values, index=panel.periods, columns=list(panel.series))
    long = wide.reset_index(names="ds").melt(id_vars="ds", var_name="unique_id", value_name="y")
    return long[["unique_id", "ds", "y"]]
