"""Forecasts of every level, made one. Comes in: a long frame and a hierarchy. Goes out: coherent paths of all nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

import numpy as np
import pandas as pd

from forecast.dependence import trajectories
from forecast.errors import HorizonError, ModelError, one_of
from forecast.hierarchy.door import SERIES, TOTAL, check_recent, places
from forecast.hierarchy.groups import Hierarchy
from forecast.hierarchy.projection import Method, fitted, projected
from forecast.hierarchy.sums import all_nodes, below_zero, history_of, long_frame
from forecast.joint import Trajectories
from forecast.models import Model, model_of
from forecast.models.protocol import cuts_of, roll
from forecast.panel import BoolArray, FloatArray, IntArray, Panel, panel_of
from forecast.paths import SamplePaths
from forecast.sampling import check_count

#: P90 less P10 of a standard normal.
P10_TO_P90 = 2.5631031310892007


def reconciled_paths(
    frame: pd.DataFrame,
    horizon: int,
    hierarchy: Hierarchy,
    *,
    freq: str = "D",
    model: str | Model = "auto",
    models: Mapping[str, str | Model] | None = None,
    draws: int = 1_000,
    seed: int = 0,
    method: Method = "mint",
    n_jobs: int = 1,
) -> SamplePaths:
    """Forecast every level of a hierarchy, and make the levels one forecast that adds up in every draw.

    Each level is forecast as a panel of its own. Then the series' joint paths b[d, t] (those of
    :func:`forecast.sample_paths`) are moved, and all nodes added up from them:

    1. The mean path of all nodes is projected as in :meth:`Hierarchy.reconcile`; each series is scaled, period by
       period, to the mean that comes out.
    2. The draws of a whole's total over the horizon are put in the order of the sums of its series (a Schaake shuffle),
       so that a draw is one world at every level. The totals of each draw are projected likewise, and each series'
       path is scaled to the total that comes out.

    A series with negative history is shifted, not scaled. W is made of the spread of the base forecasts' totals and,
    for ``mint``, the correlations of past errors of totals, shrunk as much as the overlap of past cuts asks.

    Parameters
    ----------
    frame : DataFrame
        Long: ``unique_id, ds, y`` of exactly the hierarchy's series; gaps as in :meth:`Hierarchy.aggregate`.
    horizon : int
        Periods ahead.
    hierarchy : Hierarchy
    freq : str
        A pandas alias.
    model : str or Model
        Of every level that ``models`` does not name.
    models : mapping, optional
        Level → model; the levels are ``"total"``, those of the hierarchy, and ``"series"``.
    draws, seed, n_jobs
        As in :func:`forecast.sample_paths`.
    method : {"mint", "variance", "structural", "ols"}

    Returns
    -------
    SamplePaths
        ``values`` of shape (draw, period, node), in the series' own unit, with the history of all nodes. ``method``
        says how many of the series' totals would have gone below 0, and were held there.

    Raises
    ------
    ModelError
        The frame, the models or the hierarchy break a rule, or a whole is not known of late.
    HorizonError
        The horizon is not a whole number of periods, at least one.

    References
    ----------
    Panagiotelis, Gamakumara, Athanasopoulos and Hyndman (2023), doi:10.1016/j.ejor.2022.07.040.
    Clark, Gangopadhyay, Hay, Rajagopalan and Wilby (2004), "The Schaake shuffle",
    doi:10.1175/1525-7541(2004)005<0243:TSSAMF>2.0.CO;2.
    """
    from joblib import parallel_config

    one_of("method", method, get_args(Method), ModelError)
    check_count("draws", draws, ModelError)
    check_count("n_jobs", n_jobs, ModelError)
    check_count("horizon", horizon, HorizonError)
    for level in models or {}:
        one_of("models: level", level, (TOTAL, *hierarchy.levels[::-1], SERIES), ModelError)
    chosen = {level: model_of((models or {}).get(level, model)) for level in (TOTAL, *hierarchy.levels, SERIES)}
    for level, used in chosen.items():
        if getattr(used, "planned", ()):
            raise ModelError(f"level {level}: model {used.name!r} plans series that the hierarchy does not hold")
    panel = panel_of(frame, freq)
    place = places(panel.series, hierarchy.bottoms, "frame")
    known = history_of(panel.values[:, place], hierarchy.codes)
    check_recent(known, hierarchy.names, series=len(place), season=panel.seasons[0])
    levels = panels_of(panel, known, hierarchy)
    with parallel_config(n_jobs=n_jobs):
        every = each_alone(levels, chosen, horizon=horizon, draws=draws, seed=seed)
        alone = paths_of(every, levels, hierarchy)
        errors = np.zeros((0, len(hierarchy.names)))
        if method == "mint":
            errors = past_errors(levels, hierarchy, chosen, horizon=horizon)
    spread = spread_of(alone)
    overlap = independent_cuts(panel, horizon)
    fit = fitted(method, hierarchy.summing, errors, scale=spread, independent=overlap, spread=spread)
    history = long_frame(known, panel.periods, hierarchy.names)
    made = moved(alone, fit.gain, hierarchy.codes, positive=~below_zero(history, hierarchy.bottoms))
    names = " and ".join(dict.fromkeys(used.name for used in chosen.values()))
    told = f"{names}, levels reconciled by {fit.told}"
    told += f", {made.held:.2%} of the series' totals held at 0" if made.held else ""
    values = all_nodes(made.bottom, hierarchy.codes)
    words, notes = told_of(every, levels, hierarchy)
    return SamplePaths(values, panel.future(horizon), hierarchy.names, seed, told, history, fitted=words, notes=notes)


# ------------------------------------------------------------------------------------------------- levels by themselves


def panels_of(panel: Panel, known: FloatArray, hierarchy: Hierarchy) -> dict[str, Panel]:
    """Level → its panel, from what is ``known`` (period, node) of the wholes; ``panel`` holds the series."""
    level, names = hierarchy.nodes["level"].to_numpy(), np.array(hierarchy.names, dtype=object)
    uppers = {
        upper: Panel(known[:, level == upper], panel.periods, tuple(names[level == upper]), panel.freq)
        for upper in (TOTAL, *hierarchy.levels[::-1])
    }
    return {**uppers, SERIES: panel}


def each_alone(
    levels: Mapping[str, Panel], models: Mapping[str, Model], *, horizon: int, draws: int, seed: int
) -> dict[str, Trajectories]:
    """Every level by itself, its random streams named by it."""
    return {
        level: trajectories(panel, models[level], horizon=horizon, count=draws, seed=seed, key=level)
        for level, panel in levels.items()
    }


def paths_of(every: Mapping[str, Trajectories], levels: Mapping[str, Panel], hierarchy: Hierarchy) -> FloatArray:
    """Paths of all nodes, in the hierarchy's order: float array (draw, period, node)."""
    paths = [made.paths() for made in every.values()]
    paths[-1] = paths[-1][:, :, places(levels[SERIES].series, hierarchy.bottoms, "frame")]
    return np.concatenate(paths, axis=2)


def told_of(
    every: Mapping[str, Trajectories], levels: Mapping[str, Panel], hierarchy: Hierarchy
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What was fitted to each node, in the hierarchy's order, and what a reader must be told of each level."""
    words = [list(made.method) for made in every.values()]
    words[-1] = [words[-1][i] for i in places(levels[SERIES].series, hierarchy.bottoms, "frame")]
    notes = tuple(f"level {level}: {note}" for level, made in every.items() for note in made.notes)
    return tuple(word for level in words for word in level), notes


def past_errors(
    levels: Mapping[str, Panel], hierarchy: Hierarchy, models: Mapping[str, Model], *, horizon: int
) -> FloatArray:
    """Errors of totals at past cuts, (cut, node), in their unit; NaN where less than half was seen."""
    errors = [past_totals(panel, models[level], horizon) for level, panel in levels.items()]
    errors[-1] = errors[-1][:, places(levels[SERIES].series, hierarchy.bottoms, "frame")]
    return np.concatenate(errors, axis=1)


def past_totals(panel: Panel, model: Model, horizon: int) -> FloatArray:
    """Actual less forecast totals over the backtest's length: (cut, series); a missing step counts as the mean one."""
    cuts, length = cuts_of(panel, horizon)
    if not len(cuts):
        return np.zeros((0, len(panel.series)))
    error = np.stack([panel.values[c : c + length] for c in cuts]) - roll(model, panel, horizon, cuts, length).past
    seen = np.isfinite(error).sum(axis=1)
    total = np.nansum(error, axis=1) * length / np.maximum(seen, 1)
    return np.where(seen >= max(1, length / 2), total, np.nan)


def independent_cuts(panel: Panel, horizon: int) -> float:
    """What the cuts are worth as independent trials, since they overlap."""
    cuts, length = cuts_of(panel, horizon)
    return 1.0 + (len(cuts) - 1) * float(np.diff(cuts).min()) / length if len(cuts) > 1 else 1.0


def spread_of(paths: FloatArray) -> FloatArray:
    """P10 to P90 of each node's total, as a standard deviation: (node,)."""
    low, high = np.quantile(paths.sum(axis=1), [0.1, 0.9], axis=0)
    return np.asarray((high - low) / P10_TO_P90)


# ------------------------------------------------------------------------------------------------------ levels made one


@dataclass(frozen=True, slots=True)
class Moved:
    """The series' paths, float array (draw, period, bottom), and the part of their totals that was held at 0."""

    bottom: FloatArray
    held: float


def moved(alone: FloatArray, gain: FloatArray, codes: IntArray, *, positive: BoolArray) -> Moved:
    """Move the series' paths to reconciled means and totals; ``alone`` (draw, period, node), ``positive`` (bottom,)."""
    upper = gain.shape[1]
    bottom = alone[:, :, upper:]
    totals = alone.sum(axis=1)
    totals[:, :upper] = ranked(totals[:, :upper], all_nodes(totals[:, upper:], codes)[:, :upper])
    mean = projected(alone.mean(axis=0), gain, codes)
    total = projected(totals, gain, codes)
    below = positive & (total < 0)
    bottom = brought(bottom, bottom.mean(axis=0), np.where(positive, np.maximum(mean, 0.0), mean), positive)
    found = bottom.sum(axis=1, keepdims=True) / bottom.shape[1]
    wanted = np.where(below, 0.0, total)[:, None] / bottom.shape[1]
    return Moved(brought(bottom, found, wanted, positive), float(below.mean()))


def brought(values: FloatArray, found: FloatArray, wanted: FloatArray, positive: BoolArray) -> FloatArray:
    """Bring values from one mean to another: scaled where ``positive``, else shifted. What is 0 stays 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.where(positive & (found > 0), wanted / found, 1.0)
    return np.asarray(values * factor + np.where(positive, 0.0, wanted - found))


def ranked(values: FloatArray, like: FloatArray) -> FloatArray:
    """The values of each column in the order of another array's column: both (draw, series)."""
    out = np.empty_like(values)
    np.put_along_axis(out, np.argsort(like, axis=0, kind="stable"), np.sort(values, axis=0), axis=0)
    return out
