"""The cost baseline. Comes in: usage. Goes out: what continuing as now will cost, base and variable, with a band."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import get_args

import numpy as np
import pandas as pd

from forecast.calendars import Calendar, Unit, calendar_of
from forecast.costs import CostSeries, Money, cost_rows, cost_series
from forecast.dependence import trajectories
from forecast.errors import HorizonError, ModelError, UsageError, one_of
from forecast.joint import Trajectories
from forecast.lanes import Unpriced
from forecast.models import Model, model_of
from forecast.models.baselines import RunRate, SeasonalMean, known
from forecast.panel import FloatArray, Panel
from forecast.period_totals import Spread, held_to, middle
from forecast.periods import Horizon
from forecast.periods import horizon as horizon_of
from forecast.prices import PriceBook
from forecast.projection import MOST_PERIODS, SHORT_HISTORY
from forecast.sampling import check_count
from forecast.statement import CostBaseline, Parts, stated
from forecast.usage import Usage

#: What is looked back on unless said otherwise. Four weeks hold a month's end and weeks enough to find the leanest;
#: eight and twelve lie further from what the next month and quarter of generated organisations cost.
WINDOW_DAYS, WINDOW_MONTHS = 28, 3
#: Days that may still be incomplete, and the span that is stated unless another is asked for.
LAG_DAYS, DEFAULT_HORIZON = 2, "3M"
#: The series whose sum helps to make the band of the whole, whatever is asked for.
WORKLOAD = ("environment", "project")
#: Daily cost is compared by blocks of a week to find the base; monthly cost by the month.
WEEK = 7
#: The part of the blocks, the leanest, whose mean is the base.
LEAN = 0.25
#: A band whose middle lies further than this from the baseline is remarked on.
OFF_CENTRE = 0.02


@dataclass(frozen=True, slots=True)
class Steps:
    """How cost is carried forward: the days in each known period, the model, and how many futures are made."""

    days: FloatArray
    freq: str
    model: Model
    horizon: int
    draws: int
    seed: int

    def rate(self, costs: CostSeries) -> FloatArray:
        """Money a day: (period, segment). A segment without any metered cost has 0 throughout."""
        rate = costs.metered / self.days[:, None]
        return np.where(np.isfinite(rate).any(axis=0), rate, 0.0)

    def ahead(self, costs: CostSeries) -> Trajectories:
        """Joint futures of the segments' money a day.

        Raises
        ------
        ModelError
            The model forecasts a cost below 0.
        """
        names = tuple("|".join(row) or "all" for row in costs.segments.astype("str").itertuples(index=False, name=None))
        panel = Panel(self.rate(costs), costs.periods, names, self.freq)
        made = trajectories(panel, self.model, horizon=self.horizon, count=self.draws, seed=self.seed, key="baseline")
        if (made.point < 0).any():
            raise ModelError(f"model {self.model.name!r} gave a cost below 0; a baseline needs a model that does not")
        return made


def baseline(
    usage: Usage,
    *,
    by: str | tuple[str, ...] | list[str] = ("environment", "project"),
    period: Unit = "month",
    horizon: str | int | None = None,
    start: str | None = None,
    end: str | None = None,
    calendar: Calendar | None = None,
    window: int | None = None,
    model: str | Model | None = None,
    prices: PriceBook | None = None,
    money: Money = "billed_cost",
    unpriced: Unpriced = "refuse",
    level: float = 80,
    lag: int | None = None,
    draws: int = 1_000,
    seed: int = 0,
) -> CostBaseline:
    """State the cost baseline: what continuing as now will cost, its base and its variable part, with a band.

    It is the number that a forecast has to beat. Of segment g in period p, with m(t) the mean week of the window's
    metered cost carried to day t, W_1 <= ... <= W_K the window's weeks in order of their metered cost, and F the
    recurring fixed charges a calendar month:

        base[g,p] = F_g * months(p) + r_g * sum_{t in p} m_g(t),   r_g = mean(W_1 ... W_ceil(K/4)) / mean(W_1 ... W_K)
        variable[g,p] = (1 - r_g) * sum_{t in p} m_g(t)

    The base is what is spent whatever the volume: fixed charges (purchases, provisioned capacity, seats, as of the
    last whole month where they were also charged the month before), and what metered cost came to in the leanest
    quarter of weeks. The variable part is the rest, which comes and goes with volume. Weeks, and not days, because a
    quiet weekend is no saving; each segment's own weeks, so that no variable part is negative. Finer segments have a
    lower base in all: their lean weeks do not fall together. Of what was launched in the window, m is the mean since
    then, and weeks before it count as 0 in r, so that what is new is variable at first. For usage by month, read month
    for week, each as money a day.

    The total is the same for any ``by``, but for launches inside the window. Its band is a two-sided prediction
    interval of the period's total: quantiles of joint sample paths around the baseline, calibrated on the totals that
    followed its own past statements, and never a sum of daily bounds. It is the same for any ``by`` too: the whole's
    futures are the geometric mean of its own and of the sum of its workloads' (environment and project), and segments
    share them out draw by draw. Where cost has been growing the band lies higher, and may leave the baseline outside.

    Parameters
    ----------
    usage : Usage
    by : sequence of str
        What makes a segment; ``()`` is the organisation as one.
    period : {"month", "quarter", "year"}
        The calendar's periods that rows are stated for. One that the span covers in part is stated for that part.
    horizon : str or int, optional
        ``"3M"`` by default: the three whole months after the as-of date; as in :func:`forecast.project`.
    start, end : date, optional
        First and last day, in place of ``horizon``.
    calendar : Calendar, optional
        A fiscal calendar; the calendar year where none is given.
    window : int, optional
        The days looked back on, in whole weeks: 28 by default. Of usage by month the months: 3.
    model : str or Model, optional
        Another baseline for m(t), such as ``"run_rate"`` or ``"trimmed_run_rate"``; the window then sets r only.
    prices : PriceBook, optional
        Prices the quantities on their dates. Without it the usage's own ``money`` is taken.
    money : {"billed_cost", "effective_cost", "list_cost"}
    unpriced : {"refuse", "exclude"}
        What to do with a quantity that has no price: raise, or leave it out and list it in ``excluded``.
    level : float
        The band's level in per cent: 80 is P10 to P90.
    lag : int, optional
        The last periods of the export that may still be incomplete; they are not used. 2 days by default, 0 months.
    draws, seed : int
        How many futures make the band; same inputs and seed, same numbers.

    Returns
    -------
    CostBaseline

    Raises
    ------
    UsageError
        The usage has neither money nor a price book, money in several currencies, or no cost at all.
    PriceError
        A model has no price and is not excluded; the message names it.
    ModelError
        ``by``, ``window``, ``model``, ``level`` or ``draws`` is not one that can be used, or the history is too short.
    HorizonError
        The span cannot be read or is not after the history, or ``lag`` or ``period`` is none.

    Notes
    -----
    Separating a base from a variable part by low periods of cost follows the high-low method of cost accounting
    (Horngren, Datar and Rajan, Cost Accounting, chapter 10), with the mean of the leanest quarter in place of the one
    lowest, which a single outage would set.
    """
    if not isinstance(usage, Usage):
        raise UsageError(f"fc.baseline takes a Usage, not {type(usage).__name__}: read it first: fc.read_usage(...)")
    names = _names(by)
    one_of("period", period, get_args(Unit), HorizonError)
    check_count("draws", draws, ModelError)
    if isinstance(level, bool) or not isinstance(level, int | float) or not 0 < level < 100:
        raise ModelError(f"level={level!r}: a level is a percentage between 0 and 100, such as 80")
    monthly = usage.grain == "month"
    dates = calendar_of(calendar)
    as_of = _as_of(usage, lag)
    span = _span(as_of, horizon, start, end, freq="MS" if monthly else "D", calendar=dates)
    chosen = _window(usage, as_of, window)
    rows = cost_rows(usage, as_of, prices=prices, money=money, unpriced=unpriced)
    costs, left = _recent(usage, cost_series(rows, names, source=usage.source), chosen)
    days = np.asarray(rows.periods.days_in_month, dtype="float64") if monthly else np.ones(len(rows.periods))
    spread = Spread.of(span, dates, period, monthly=monthly)
    steps = Steps(days, span.freq, _model(model, chosen, monthly=monthly), len(span.periods), draws, seed)
    made = steps.ahead(costs)
    whole = steps.ahead(cost_series(rows, ()))
    workloads = steps.ahead(cost_series(rows, WORKLOAD))
    metered = spread.sums(spread.money(made.point))
    fixed = spread.months[:, None] * costs.monthly
    share = base_share(steps.rate(costs), window=chosen, width=1 if monthly else WEEK)
    parts = Parts(fixed, share * metered, (1 - share) * metered)
    total = spread.sums(middle(spread.whole(whole), spread.whole(workloads))[..., None])[..., 0]
    paths = held_to(spread.totals(made), total) + fixed
    return CostBaseline(
        table=stated(parts, paths, segments=costs.segments, exposure=spread.exposure, span=span, level=level),
        by=names,
        period=period,
        span=span,
        level=level,
        currency=rows.currency,
        method=_method(steps.model, chosen, monthly=monthly, default=model is None),
        excluded=rows.excluded,
        notes=(*usage.notes, *rows.notes, *left, *_notes(usage, span, chosen), *_centre(paths, metered + fixed)),
        paths=paths.reshape(draws, -1),
        seed=seed,
    )


def base_share(rate: FloatArray, *, window: int, width: int) -> FloatArray:
    """The part of each segment's metered cost that its leanest quarter of blocks had: (segment,), from 0 to 1.

    Parameters
    ----------
    rate : float array (period, segment)
        Money a day; NaN before a segment's first cost, and in gaps, which are filled from a block before.
    window, width : int
        Periods looked back on, and periods a block.
    """
    spent = known(rate, width)[-window:]
    there = np.isfinite(spent)
    spent = np.where(there, spent, 0.0)
    mean = spent.sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    blocks = np.sort(spent.reshape(-1, width, rate.shape[1]).mean(axis=1), axis=0)
    lean = blocks[: ceil(LEAN * len(blocks))].mean(axis=0)
    return np.where(mean > 0, np.minimum(lean / np.where(mean > 0, mean, 1.0), 1.0), 0.0)


def _names(by: object) -> tuple[str, ...]:
    """The columns that make a segment."""
    names = (by,) if isinstance(by, str) else by
    if not isinstance(names, tuple | list) or not all(isinstance(n, str) for n in names):
        raise ModelError(f"by={by!r}: wanted names of columns, such as ('environment', 'project'), or () for the whole")
    if len(set(names)) < len(names):
        raise ModelError(f"by={by!r} names a column twice")
    return tuple(names)


def _as_of(usage: Usage, lag: int | None) -> pd.Timestamp:
    """The last period that is complete."""
    chosen = (0 if usage.grain == "month" else LAG_DAYS) if lag is None else lag
    if isinstance(chosen, bool) or not isinstance(chosen, int) or not 0 <= chosen <= MOST_PERIODS:
        raise HorizonError(f"lag={lag!r}: wanted a whole number of periods, from 0 to {MOST_PERIODS:,}")
    step = pd.offsets.MonthBegin() if usage.grain == "month" else pd.Timedelta(days=1)
    return usage.end.normalize() - chosen * step


def _span(
    as_of: pd.Timestamp,
    horizon: str | int | None,
    start: str | None,
    end: str | None,
    *,
    freq: str,
    calendar: Calendar,
) -> Horizon:
    given = horizon is not None or start is not None or end is not None
    span = horizon_of(
        as_of, freq=freq, span=horizon if given else DEFAULT_HORIZON, start=start, end=end, calendar=calendar
    )
    if len(span.periods) > MOST_PERIODS:
        raise HorizonError(
            f"the horizon ends on {span.end:%Y-%m-%d}, {len(span.periods):,} periods after the history; "
            f"at most {MOST_PERIODS:,} can be stated"
        )
    return span


def _window(usage: Usage, as_of: pd.Timestamp, window: int | None) -> int:
    """The window in periods, if it is whole and the history holds it."""
    monthly = usage.grain == "month"
    chosen = (WINDOW_MONTHS if monthly else WINDOW_DAYS) if window is None else window
    check_count("window", chosen, ModelError)
    unit, width = ("months", 1) if monthly else ("days", WEEK)
    if chosen % width or chosen < 2 * width:
        nearest = max(2, round(chosen / width)) * width
        rule = "at least 2 months" if monthly else "whole weeks, at least 14 days"
        raise ModelError(f"window={chosen}: a window is {rule}, so that every weekday weighs alike; take {nearest}")
    history = len(pd.date_range(usage.start.normalize(), as_of, freq="MS" if monthly else "D"))
    if history < chosen:
        most = history // width * width
        hint = f"take window={most}, or export a longer span" if most >= 2 * width else "export a longer span"
        raise ModelError(
            f"{usage.source}: {history} {unit} of history up to {as_of:%Y-%m-%d}, and a baseline looks back on "
            f"window={chosen}; {hint}"
        )
    return chosen


def _recent(usage: Usage, costs: CostSeries, window: int) -> tuple[CostSeries, list[str]]:
    """The segments that cost something in the window."""
    spent = np.nan_to_num(known(costs.metered, WEEK)[-window:]).sum(axis=0)
    lately = (spent > 0) | (costs.monthly > 0)
    if lately.all():
        return costs, []
    if not lately.any():
        unit = "months" if usage.grain == "month" else "days"
        raise UsageError(
            f"{usage.source}: nothing cost anything in the last {window} {unit} up to {costs.periods[-1]:%Y-%m-%d}; "
            "take a longer window="
        )
    names = costs.segments[~lately].astype("str").agg("/".join, axis=1)
    kept = replace(
        costs,
        segments=costs.segments[lately].reset_index(drop=True),
        metered=costs.metered[:, lately],
        monthly=costs.monthly[lately],
    )
    listed = ", ".join(sorted(names)[:5])
    return kept, [f"{len(names)} segments cost nothing in the window and are not stated: {listed}"]


def _model(model: str | Model | None, window: int, *, monthly: bool) -> Model:
    if model is not None:
        return model_of(model)
    return RunRate(window) if monthly else SeasonalMean(window // WEEK)


def _method(model: Model, window: int, *, monthly: bool, default: bool) -> str:
    """How the total was found, in words."""
    if not default:
        return f"{model.name}; base from the last {window} {'months' if monthly else 'days'}"
    return f"mean day of the last {window} months" if monthly else f"mean week of the last {window} days"


def _notes(usage: Usage, span: Horizon, window: int) -> list[str]:
    monthly = usage.grain == "month"
    unit = "month" if monthly else "day"
    late = len(pd.date_range(span.as_of, usage.end.normalize(), freq=span.freq)) - 1
    notes = []
    if late:
        notes.append(f"the last {late} {unit}s of the export are taken as incomplete and not used (lag)")
    if span.gap:
        notes.append(f"{span.gap} {unit}s between the history and {span.start:%Y-%m-%d} are not stated")
    history = len(pd.date_range(usage.start.normalize(), span.as_of, freq=span.freq))
    if history < SHORT_HISTORY[monthly]:
        notes.append(f"{history} {unit}s of history are few: the band rests more on priors than on this usage")
    if not monthly and _at_year_end(pd.date_range(end=span.as_of, periods=window)):
        notes.append(
            "the window holds days from 24 December to 1 January: where they were quiet, base and total are too low "
            "for the months after; take a later as-of date, or for the total model='seasonal_median'"
        )
    return notes


def _at_year_end(days: pd.DatetimeIndex) -> bool:
    """Whether any of the days lies between Christmas and New Year, when offices are quiet."""
    return bool((((days.month == 12) & (days.day >= 24)) | ((days.month == 1) & (days.day == 1))).any())


def _centre(paths: FloatArray, total: FloatArray) -> list[str]:
    """Where the middle of the band of the whole lies, if it is off the baseline."""
    whole = float(total.sum())
    off = float(np.median(paths.sum(axis=(1, 2)))) / whole - 1 if whole > 0 else 0.0
    if abs(off) < OFF_CENTRE:
        return []
    side = "above" if off > 0 else "below"
    return [f"the middle of the band lies {abs(off):.0%} {side} the baseline, as costs came out against past baselines"]
