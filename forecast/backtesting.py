"""Rolling-origin backtests. Comes in: a long frame and models. Goes out: a scorecard of forecasts of the known past.

At each origin the panel is cut off, and only what is left goes to the model and to the making of its paths.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from forecast import coverage as calibration
from forecast import scores
from forecast.dependence import trajectories
from forecast.errors import HorizonError, ModelError
from forecast.models import Model, model_of
from forecast.models.baselines import RunRate
from forecast.panel import BoolArray, FloatArray, Panel, panel_of
from forecast.periods import PERIOD_WORDS, offset_of
from forecast.sampling import check_count
from forecast.scorecard import HORIZON, PIT_BINS, SCORES, Design, OriginScores, Scorecard, scorecard

#: The word for one period by the frequency's letter, and the longer periods that it fits into without a rest.
_NESTS = {
    "h": ("hour", "day", "week", "month", "quarter", "year"),
    "D": ("day", "week", "month", "quarter", "year"),
    "B": ("day", "week", "month", "quarter", "year"),
    "W": ("week",),
    "MS": ("month", "quarter", "year"),
    "ME": ("month", "quarter", "year"),
    "QS": ("quarter",),
    "QE": ("quarter",),
    "YS": ("year",),
    "YE": ("year",),
}
#: A total is scored over the periods that were seen, if they are at least this share of it.
SEEN = 0.9
#: Numbers (draw x period x series) that are worked on at once: bounds memory.
CELLS = 4_000_000
_LEVELS = (0.025, 0.1, 0.5, 0.8, 0.9, 0.95, 0.975)


def backtest(
    frame: pd.DataFrame,
    *,
    models: Sequence[str | Model] = ("auto", "seasonal_naive", "run_rate"),
    horizon: int = 28,
    origins: int = 4,
    freq: str = "D",
    step: int | None = None,
    draws: int = 500,
    seed: int = 0,
    n_jobs: int = 1,
) -> Scorecard:
    """Forecast the known past from several dates, and score what came of it.

    From each origin every model forecasts ``horizon`` periods, with joint sample paths, from what was known then and
    nothing later. Scored are single periods, the weeks, months, quarters and years that lie wholly inside the horizon
    (as far as a period fits into them: a week does not fit into months), and the whole horizon. The point of a single
    period is the model's own forecast; the point of a total is the median of summed paths, which a plan calls P50.
    Bands are quantiles of the paths, those of a total quantiles of summed paths. MASE is scaled inside what was known,
    by the frequency's shortest season (by single steps where fewer than two seasons were known). Missing actual values
    are left out; a total is compared over the periods that were seen, if they are at least nine tenths of it. A series
    that has not started by an origin is not scored there.

    Parameters
    ----------
    frame : DataFrame
        Long: ``unique_id, ds, y``. Absent periods and NaN are gaps, not zeros.
    models : sequence of str or Model
        Names of the shelf, or objects with ``name`` and ``point(panel, horizon)``.
    horizon : int
        Periods ahead.
    origins : int
        How many dates to forecast from; the last leaves exactly ``horizon`` periods.
    freq : str
        A pandas alias: ``h``, ``D``, ``W``, ``MS``, ``QS`` and so on.
    step : int, optional
        Periods between origins; ``horizon``, so that they do not overlap, unless given.
    draws : int
        Sample paths of each forecast.
    seed : int
        Same inputs and seed, same scores.
    n_jobs : int
        Workers, through joblib; the numbers do not depend on it.

    Returns
    -------
    Scorecard

    Raises
    ------
    ModelError
        The history is too short for the horizon or the number of origins, a model is unknown or named twice, or the
        frame or a model's answer breaks a rule.
    HorizonError
        The horizon is not a whole number of periods, at least one.

    Notes
    -----
    Source: Tashman (2000), Out-of-sample tests of forecasting accuracy, doi:10.1016/S0169-2070(00)00065-0.
    """
    from joblib import Parallel, delayed

    check_count("horizon", horizon, HorizonError)
    stride = horizon if step is None else step
    for what, value in {"origins": origins, "step": stride, "draws": draws, "n_jobs": n_jobs}.items():
        check_count(what, value, ModelError)
    chosen = _models(models)
    panel = panel_of(frame, freq)
    cuts = _cuts(panel, horizon, origins=origins, step=stride)
    found = Parallel(n_jobs=n_jobs)(
        delayed(score_origin)(panel.until(cut), model, actual=panel.values[cut : cut + horizon], draws=draws, seed=seed)
        for model in chosen
        for cut in cuts
    )
    design = Design(
        models=tuple(model.name for model in chosen),
        series=panel.series,
        scopes=_scopes(freq),
        origins=panel.periods[[cut - 1 for cut in cuts]],
        horizon=horizon,
        step=stride,
        freq=freq,
        draws=draws,
        seed=seed,
    )
    return scorecard(design, [found[k : k + origins] for k in range(0, len(found), origins)])


def _models(models: Sequence[str | Model]) -> list[Model]:
    """Models of names and objects, each with a name of its own."""
    listed = [models] if isinstance(models, str) or not isinstance(models, Sequence) else list(models)
    if not listed:
        raise ModelError("models is empty: name at least one, such as models=['auto', 'run_rate']")
    chosen = [model_of(model) for model in listed]
    names = [model.name for model in chosen]
    again = sorted({name for name in names if names.count(name) > 1})
    if again:
        raise ModelError(f"models: {', '.join(map(repr, again))} stands more than once; give each model its own name")
    return chosen


def _cuts(panel: Panel, horizon: int, *, origins: int, step: int) -> list[int]:
    """How many periods are known at each origin, the earliest first.

    The earliest leaves two seasons to learn from, or a quarter of a short history, and at least two periods.
    """
    known = len(panel.periods)
    least = max(2, min(2 * panel.seasons[0], known // 4))
    room = known - horizon - least
    if room < 0:
        raise ModelError(
            f"horizon={horizon} is too long for a history of {known} periods: a backtest holds back a horizon and "
            f"needs at least {least} periods before it; "
            + (f"the longest is horizon={known - least}" if known > least else "give a longer history")
        )
    possible = room // step + 1
    if origins > possible:
        closer = room // (origins - 1)
        needed = least + horizon + (origins - 1) * step
        raise ModelError(
            f"origins={origins} of horizon={horizon}, step={step} need {needed} periods ({least} to learn from before "
            f"the first), and the history has {known}; possible: origins={possible}"
            + (f", or step={closer}, whose horizons overlap" if closer >= 1 else "")
        )
    cuts = [known - horizon - k * step for k in reversed(range(origins))]
    if not np.isfinite(panel.values[: cuts[0]]).any():
        raise ModelError(
            f"no series has a value by the first origin, {panel.periods[cuts[0] - 1]:%Y-%m-%d}; take fewer origins"
        )
    return cuts


def score_origin(known: Panel, model: Model, *, actual: FloatArray, draws: int, seed: int) -> OriginScores:
    """Forecast from what is ``known``, and score against ``actual`` (horizon, series)."""
    started: BoolArray = np.isfinite(known.values).sum(axis=0) > 0
    part = Panel(known.values[:, started], known.periods, tuple(np.array(known.series)[started]), known.freq)
    horizon, scopes = len(actual), _scopes(known.freq)
    try:
        made = trajectories(part, model, horizon=horizon, count=draws, seed=seed)
    except ModelError as cause:
        raise ModelError(
            f"at origin {known.periods[-1]:%Y-%m-%d}, {len(known.periods)} periods known: {cause}"
        ) from cause
    season = part.seasons[0] if len(part.periods) >= 2 * part.seasons[0] else 1
    spans = [_spans(part, horizon, scope) for scope in scopes]
    columns = np.flatnonzero(started)
    values = np.full((len(scopes), len(SCORES), len(started)), np.nan)
    pit = np.zeros((len(scopes), PIT_BINS))
    run_rate = np.full(len(started), np.nan)
    size = max(1, CELLS // (draws * horizon))
    for begin in range(0, len(columns), size):
        block, at = slice(begin, begin + size), columns[begin : begin + size]
        paths = made.paths(slice(None), block)
        past = part.values[:, block]
        for k, span in enumerate(spans):
            if len(span):
                y, x = _totals(actual[:, at], paths, span)
                single = k == 0
                point = made.point[:, block] if single else np.median(x, axis=0)
                values[k][:, at] = _scores(y, point, x, past=past if single else past[:0], season=season)
                pit[k] += calibration.pit_histogram(y, x, bins=PIT_BINS)
    flat = RunRate().point(part, horizon)
    run_rate[columns] = scores.mase(actual[:, started], flat, history=part.values, season=season)
    return OriginScores(values, pit, run_rate)


def _scopes(freq: str) -> tuple[str, ...]:
    """The single period, the longer ones that it fits into, and the whole horizon."""
    offset = offset_of(freq)
    name = offset.rule_code.split("-")[0]
    return (*(_NESTS.get(name, ("period",)) if offset.n == 1 else ("period",)), HORIZON)


def _spans(known: Panel, horizon: int, scope: str) -> list[tuple[int, int]]:
    """First step, and the step after the last, of each period of ``scope`` that lies wholly inside the horizon."""
    if scope == HORIZON:
        return [(0, horizon)]
    if scope == _scopes(known.freq)[0]:
        return [(t, t + 1) for t in range(horizon)]
    # One period more at each end: what also holds a neighbour of the horizon is not wholly inside it.
    around = pd.date_range(known.periods[-1], periods=horizon + 2, freq=offset_of(known.freq))
    label = around.to_period({"day": "D", **PERIOD_WORDS}[scope]).asi8
    inside = np.flatnonzero((label != label[0]) & (label != label[-1])) - 1
    if not len(inside):
        return []
    first = [int(t) for t in inside if label[t + 1] != label[t]]
    return list(zip(first, [*first[1:], int(inside[-1]) + 1], strict=True))


def _totals(actual: FloatArray, paths: FloatArray, spans: list[tuple[int, int]]) -> tuple[FloatArray, FloatArray]:
    """Sums over spans of actual values (span, series), and of paths (draw, span, series) over the periods seen."""
    begin, end = spans[0][0], spans[-1][1]
    if len(spans) == end - begin:
        return actual[begin:end], paths[:, begin:end]
    starts = [first - begin for first, _ in spans]
    seen: BoolArray = np.isfinite(actual[begin:end])
    share = np.add.reduceat(seen.astype("float64"), starts, axis=0) / np.diff([*starts, end - begin])[:, None]

    def sums(x: FloatArray) -> FloatArray:
        return np.add.reduceat(
            x[..., begin:end, :] if seen.all() else np.where(seen, x[..., begin:end, :], 0.0), starts, axis=-2
        )

    return np.where(share >= SEEN, sums(actual), np.nan), sums(paths)


def _scores(y: FloatArray, f: FloatArray, x: FloatArray, *, past: FloatArray, season: int) -> FloatArray:
    """Every score of ``SCORES`` for actual values y, points f (both (period, series)) and draws x: (score, series)."""
    low95, p10, p50, p80, p90, p95, high95 = np.quantile(x, _LEVELS, axis=0)
    mean = scores.mean_known
    seen = np.isfinite(y).sum(axis=0)
    found = {
        "count": np.where(seen > 0, seen, np.nan),
        "actual": mean(np.abs(y)),
        "error": mean(f - y),
        "mae": scores.mae(y, f),
        "mase": scores.mase(y, f, history=past, season=season),
        "rmsse": scores.rmsse(y, f, history=past, season=season),
        "smape": scores.smape(y, f),
        "wape": scores.wape(y, f),
        "bias": scores.bias(y, f),
        # The paths are the forecast, not a sample whose size is to be corrected for.
        "crps": mean(scores.crps(y, x, fair=False)),
        "pinball_10": mean(scores.pinball(y, p10, level=0.10)),
        "pinball_50": mean(scores.pinball(y, p50, level=0.50)),
        "pinball_80": mean(scores.pinball(y, p80, level=0.80)),
        "pinball_90": mean(scores.pinball(y, p90, level=0.90)),
        "pinball_95": mean(scores.pinball(y, p95, level=0.95)),
        "interval_80": mean(scores.interval_score(y, p10, p90, level=80)),
        "interval_95": mean(scores.interval_score(y, low95, high95, level=95)),
        "msis_95": scores.msis(y, low95, high95, history=past, season=season, level=95),
        "coverage_80": calibration.coverage(y, p10, p90),
        "coverage_95": calibration.coverage(y, low95, high95),
    }
    return np.stack([found[name] for name in SCORES])
