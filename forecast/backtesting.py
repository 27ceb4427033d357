"""Rolling-origin backtests. Comes in: a long frame or usage, and models. Goes out: a scorecard of the known past.

At each origin the history is cut off, and only what is left goes to the model and to the making of its paths.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import overload

import pandas as pd

from forecast.calendars import Calendar, calendar_of
from forecast.cleaning import Cleaning, check_cleaning
from forecast.errors import HorizonError, ModelError, TokenplanError
from forecast.lanes import Unpriced
from forecast.models import Model, model_of
from forecast.origins import Asked, Known, KnownSeries, known_usage
from forecast.panel import panel_of
from forecast.periods import check_nested, seasons
from forecast.prices import PriceBook
from forecast.progress import Work, in_parallel
from forecast.projection import USUAL
from forecast.sampling import check_count
from forecast.scopes import scopes_of
from forecast.scorecard import Design, Scorecard, scorecard
from forecast.scoring import OriginScores
from forecast.usage import Usage

#: What makes a workload, and how many are kept apart, unless said otherwise.
BY, MAX_SERIES = ("environment", "project"), 500


@overload
def backtest(
    data: pd.DataFrame,
    *,
    models: Sequence[str | Model] = ...,
    horizon: int = ...,
    origins: int = ...,
    freq: str | None = ...,
    step: int | None = ...,
    draws: int = ...,
    seed: int = ...,
    n_jobs: int = ...,
    calendar: Calendar | None = ...,
) -> Scorecard: ...


@overload
def backtest(
    data: Usage,
    *,
    models: Sequence[str | Model] = ...,
    horizon: int = ...,
    origins: int = ...,
    step: int | None = ...,
    draws: int = ...,
    seed: int = ...,
    n_jobs: int = ...,
    calendar: Calendar | None = ...,
    prices: PriceBook | None = ...,
    by: str | Sequence[str] | None = ...,
    lag: int | None = ...,
    max_series: int | None = ...,
    unpriced: Unpriced | None = ...,
    cleaning: Cleaning | None = ...,
) -> Scorecard: ...


def backtest(
    data: pd.DataFrame | Usage,
    *,
    models: Sequence[str | Model] = ("auto", "seasonal_naive", "run_rate"),
    horizon: int = 28,
    origins: int = 4,
    freq: str | None = None,
    step: int | None = None,
    draws: int = 500,
    seed: int = 0,
    n_jobs: int = 1,
    calendar: Calendar | None = None,
    prices: PriceBook | None = None,
    by: str | Sequence[str] | None = None,
    lag: int | None = None,
    max_series: int | None = None,
    unpriced: Unpriced | None = None,
    cleaning: Cleaning | None = USUAL,
) -> Scorecard:
    """Forecast the known past from several dates, and score what came of it.

    From each origin every model forecasts ``horizon`` periods, with joint sample paths, from what was known then and
    nothing later. Scored are single periods, the weeks, months, quarters and years that lie wholly inside the horizon
    (as far as a period fits into them: a week does not fit into months), and the whole horizon. The point of a single
    period is the model's own forecast; the point of a total is the median of summed paths, which a plan calls P50.
    Bands are quantiles of the paths, those of a total quantiles of summed paths. MASE is scaled inside what was known,
    by the frequency's shortest season (by single steps where fewer than two seasons were known); OWA is against M4's
    Naive2 of that season (see :func:`forecast.naive2.naive2`). Missing actual values are left out; a total is compared
    over the periods that were seen, if they are at least nine tenths of it. A series that has not started by an origin
    is not scored there.

    Of a :class:`Usage` the drivers (volume, mix, intensity) are projected from each origin as :func:`forecast.project`
    does, and tokens and cost are scored: of each workload, and of the organisation, their joint sum in each path. The
    point of every scope is the median of the paths. Cost is priced at the dated price book on both sides, prices after
    the origin included: what is judged is usage, not the vendors' next price list. Workloads that begin after an origin
    are part of what the organisation used, which no forecast could know; their share is noted. The run rate that models
    are held against is that of the tokens or the cost themselves, at the prices that were paid.

    Parameters
    ----------
    data : DataFrame or Usage
        A long frame ``unique_id, ds, y``, in which absent periods and NaN are gaps, not zeros; or usage.
    models : sequence of str or Model
        Names of the shelf, or objects with ``name`` and ``point(panel, horizon)``.
    horizon : int
        Periods ahead: days, or months of monthly usage.
    origins : int
        How many dates to forecast from; the last leaves exactly ``horizon`` periods.
    freq : str, optional
        Of a frame: a pandas alias, ``h``, ``D``, ``W``, ``MS``, ``QS`` and so on; ``D`` unless given.
    step : int, optional
        Periods between origins; ``horizon``, so that they do not overlap, unless given.
    draws : int
        Sample paths of each forecast.
    seed : int
        Same inputs and seed, same scores.
    n_jobs : int
        Workers, through joblib; the numbers do not depend on it.
    calendar : Calendar, optional
        Whose months, quarters and years are scored; the calendar year's where none is given.
    prices : PriceBook, optional
        Of usage: scores cost too. Without one, tokens alone are scored.
    by : str or sequence of str, optional
        Of usage: what makes a workload; environment and project unless given.
    lag : int, optional
        Of usage: the last periods that may still be incomplete, and are not used; 2 days by default, 0 months.
    max_series : int, optional
        Of usage: the largest workloads that are kept apart, as known at each origin; 500 unless given.
    unpriced : {"refuse", "exclude"}, optional
        Of usage: what to do with usage that has no price. It is never counted as 0: it is refused, unless ``exclude``
        leaves it out of cost on both sides, on the days without a price, and names it in the notes.
    cleaning : Cleaning, optional
        Of usage: what is done about faults of the history that each origin knows, as :func:`forecast.project` does;
        what is scored against is what was used. None fits what was measured. A frame is never cleaned: see
        :func:`forecast.clean`.

    Returns
    -------
    Scorecard

    Raises
    ------
    ModelError
        The history is too short for the horizon or the number of origins, a model is unknown or named twice, or the
        frame, an argument or a model's answer breaks a rule.
    HorizonError
        The horizon is not a whole number of periods, at least one, or the calendar does not fit the periods.
    PriceError
        Usage has no price, or prices are in several currencies.
    UsageError
        The usage holds nothing to score.

    Notes
    -----
    Source: Tashman (2000), Out-of-sample tests of forecasting accuracy, doi:10.1016/S0169-2070(00)00065-0.
    """
    from joblib import delayed

    check_count("horizon", horizon, HorizonError)
    stride = horizon if step is None else step
    for what, value in {"origins": origins, "step": stride, "draws": draws, "n_jobs": n_jobs}.items():
        check_count(what, value, ModelError)
    check_cleaning(cleaning)
    chosen = _models(models)
    asked = Asked(horizon, draws, seed, calendar_of(calendar))
    past: Known
    if isinstance(data, Usage):
        _not_asked({"freq": freq}, f"usage, whose grain is its own: {data.grain}")
        past = known_usage(
            data,
            prices=prices,
            by=BY if by is None else (by,) if isinstance(by, str) else tuple(by),
            lag=lag,
            max_series=MAX_SERIES if max_series is None else max_series,
            unpriced="refuse" if unpriced is None else unpriced,
            cleaning=cleaning,
        )
    elif isinstance(data, pd.DataFrame):
        of_usage: dict[str, object] = {"prices": prices, "by": by, "lag": lag, "max_series": max_series}
        of_usage |= {"unpriced": unpriced, "cleaning": None if cleaning == USUAL else cleaning}
        _not_asked(of_usage, "a frame, but for a Usage: fc.read_usage(...) or fc.Usage.from_frame(...)")
        past = KnownSeries(panel_of(data, "D" if freq is None else freq))
    else:
        raise ModelError(f"fc.backtest takes a frame unique_id, ds, y or a Usage, not {type(data).__name__}")
    check_nested(past.freq, asked.calendar)
    cuts = _cuts(past, horizon, origins=origins, step=stride)
    # Every model at one origin, then at the next: so that how long each takes is known early.
    calls = (delayed(_at_origin)(past, asked, model, cut) for cut in cuts for model in chosen)
    works = [Work(cut, model.name) for cut in cuts for model in chosen]
    scored: list[OriginScores] = list(in_parallel(calls, "forecasting past dates", works, n_jobs=n_jobs))
    found = [scored[k * len(chosen) + m] for m in range(len(chosen)) for k in range(len(cuts))]
    design = Design(
        models=tuple(model.name for model in chosen),
        scopes=scopes_of(past.freq),
        parts=past.parts(found),
        origins=past.periods[[cut - 1 for cut in cuts]],
        horizon=horizon,
        step=stride,
        freq=past.freq,
        draws=draws,
        seed=seed,
        currency=past.currency,
    )
    return scorecard(design, [found[k : k + origins] for k in range(0, len(found), origins)], notes=past.notes)


def _not_asked(given: Mapping[str, object], of: str) -> None:
    """Refuse arguments that mean nothing for what was given."""
    named = [name for name, value in given.items() if value is not None]
    if named:
        raise ModelError(f"{', '.join(f'{name}=' for name in named)}: not an argument for {of}")


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


def _cuts(past: Known, horizon: int, *, origins: int, step: int) -> list[int]:
    """How many periods are known at each origin, the earliest first.

    The earliest leaves two seasons to learn from, or a quarter of a short history, and what a forecast needs at least.
    """
    known = len(past.periods)
    least = max(past.least, min(2 * seasons(past.freq)[0], known // 4))
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
    if not past.started(cuts[0]):
        raise ModelError(
            f"no series has a value by the first origin, {past.periods[cuts[0] - 1]:%Y-%m-%d}; take fewer origins"
        )
    return cuts


def _at_origin(past: Known, asked: Asked, model: Model, cut: int) -> OriginScores:
    """One model's scores at one origin; an error says which origin it was."""
    try:
        return past.score(model, cut, asked)
    except TokenplanError as cause:
        raise type(cause)(f"at origin {past.periods[cut - 1]:%Y-%m-%d}, {cut} periods known: {cause}") from cause
