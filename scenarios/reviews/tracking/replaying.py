"""``track_record``: usage, and how a budget is made, in; how that would have done in the past, out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd
from joblib import delayed

from forecast.errors import HorizonError, PlanError, PriceError, UsageError
from forecast.periods import Horizon
from forecast.periods import horizon as horizon_of
from forecast.prices import PriceBook
from forecast.progress import Work, in_parallel
from forecast.projection import LEAST_HISTORY, LEAST_MONTHS, Projection, ProjectionSpec
from forecast.usage import Usage
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.spec import PlanSpec
from scenarios.components import Reserve
from scenarios.reviews.tracking.past_dates import (
    Grid,
    Length,
    PastDate,
    checked_step,
    dates_or_count,
    length_of,
    length_told,
)
from scenarios.reviews.tracking.past_plans import Method, Trial, trial_of
from scenarios.reviews.tracking.record import TrackRecord
from scenarios.reviews.tracking.rules import USUAL, rules_of

#: Farther than this from the price book's prices, bills are told to differ.
_NEAR: Final = 0.02


def track_record(
    usage: Usage,
    plan: BudgetPlan | PlanSpec,
    *,
    projection: ProjectionSpec | None = None,
    prices: PriceBook | None = None,
    horizon: str | int | None = None,
    origins: int | Sequence[str | date] = 8,
    step: str | int | None = None,
    lead: int | None = None,
    compare: Iterable[str] = USUAL,
    n_jobs: int | None = 1,
) -> TrackRecord:
    """Replay a budget decision at past dates, as this very method would have made it.

    At each origin the whole decision is made anew: forecast, scenario, prices, split, and the budget at the plan's
    confidence, with only what was known on that day:

    - usage as it had been recorded (:meth:`forecast.Usage.known`): later rows and restatements are taken back;
    - price rows whose ``known_from`` is not later (:meth:`forecast.PriceBook.known`);
    - changes of the scenario that had been stated (``stated_on``; :meth:`Scenario.known_on`): one without a day may
      have been made with hindsight, and is left out and listed;
    - no lines beside tokens, since no usage says what they came to; reserves beside the total stay.

    What came is all that is known now: what was billed, else quantities at the prices that really held, those of later
    rows and restatements included, and workloads that nobody had heard of.

    Parameters
    ----------
    usage : Usage
        The whole history, as far as it is known.
    plan : BudgetPlan or PlanSpec
        How a budget is made; a plan brings the arguments of its projection, a spec needs ``projection``.
    projection : ProjectionSpec, optional
        The arguments of :func:`forecast.project`.
    prices : PriceBook, optional
        The plan's own where none is given; with the prices that came later.
    horizon : str or int, optional
        How long each plans: ``"1M"``, ``"1Q"``, ``"90D"``, or a count of the usage's periods; as long as the plan's.
    origins : int or sequence of dates
        How many past decisions at most, the latest, or on which days they were made.
    step : str or int, optional
        How far one span lies before the next; as long as they are, so that they do not overlap.
    lead : int, optional
        Periods of the usage from the day of the decision to the first that it plans; the plan's own.
    compare : sequence of str
        Rules of thumb beside it: ``"run rate"``, ``"last year plus 10 %"`` with any percentage, plus or less.
    n_jobs : int, optional
        Workers of joblib's backend in force, for origins; the numbers do not depend on it.

    Returns
    -------
    TrackRecord

    Raises
    ------
    HorizonError, PlanError, PriceError, UsageError
        The history is too short for one past decision, what came has no price, or an argument does not hold.
    """
    _check(usage, plan, prices)
    if isinstance(plan, BudgetPlan):
        asked = plan.projection.spec if projection is None else projection
        spec, known = plan.spec, plan.projection
    else:
        if not isinstance(projection, ProjectionSpec):
            raise PlanError(
                "track_record: a PlanSpec does not say how usage is forecast; give projection=plan.projection.spec, "
                "or the plan itself"
            )
        asked, spec, known = projection, plan, None
    spec = spec if prices is None else replace(spec, prices=prices)
    grid = grid_of(usage, asked, known, horizon=horizon, step=step, lead=lead, dated=not isinstance(origins, int))
    method = Method(spec, asked, own_length=horizon is None)
    return replayed(usage, method, grid, dates_or_count(origins), compare, n_jobs)


def _check(usage: object, plan: object, prices: object) -> None:
    """Refuse what is none of the three."""
    if not isinstance(usage, Usage):
        raise UsageError(f"sc.track_record takes a Usage, not {type(usage).__name__}: fc.read_usage(...)")
    if not isinstance(plan, BudgetPlan | PlanSpec):
        raise PlanError(f"sc.track_record takes a plan or its PlanSpec, not {type(plan).__name__}: sc.plan(...)")
    if prices is not None and not isinstance(prices, PriceBook):
        raise PriceError(f"prices={type(prices).__name__}: wanted a price book, such as fc.PriceBook.builtin()")


def grid_of(
    usage: Usage,
    asked: ProjectionSpec,
    known: Projection | None,
    *,
    horizon: str | int | None,
    step: str | int | None,
    lead: int | None,
    dated: bool = False,
) -> Grid:
    """Where past decisions may lie: as long and as far ahead as the plan's, unless said otherwise.

    Raises
    ------
    HorizonError
        A length or the lead cannot be read, or does not follow from a plan whose span is in the past.
    """
    monthly = usage.grain == "month"
    length = _length(usage, asked, known, horizon, monthly=monthly)
    if lead is not None and dated:
        raise HorizonError(f"lead={lead!r}: origins given by date plan what follows them; give one or the other")
    least = 1 - asked.lag
    if lead is not None and (isinstance(lead, bool) or not isinstance(lead, int) or lead < least):
        raise HorizonError(f"lead={lead!r}: wanted a whole number of periods, at least {least} (with lag={asked.lag})")
    ahead = lead if lead is not None else 1 if dated else _lead(usage, asked, known, horizon, monthly=monthly)
    step_back = pd.offsets.MonthEnd(asked.lag) if monthly else pd.Timedelta(days=asked.lag)
    last = usage.end.normalize()
    last = last + pd.offsets.MonthEnd(0) if monthly else last
    return Grid(
        length=length,
        step=checked_step(step, length, monthly=monthly),
        lead=ahead,
        lag=asked.lag,
        first=usage.start.normalize(),
        last=last - step_back if asked.lag else last,
        least=LEAST_MONTHS if monthly else LEAST_HISTORY,
        calendar=asked.calendar,
        monthly=monthly,
    )


def _length(
    usage: Usage, asked: ProjectionSpec, known: Projection | None, horizon: str | int | None, *, monthly: bool
) -> Length:
    if horizon is not None:
        return length_told(horizon, "horizon", monthly=monthly)
    try:
        if asked.horizon is not None:
            return length_told(asked.horizon, "horizon", monthly=monthly)
    except HorizonError:
        pass  # a period by name: its length is that of its dates
    span = known.span if known is not None else _span(usage, asked, None, monthly=monthly)
    return length_of(span, asked.calendar, monthly=monthly)


def _lead(
    usage: Usage, asked: ProjectionSpec, known: Projection | None, horizon: str | int | None, *, monthly: bool
) -> int:
    """Periods from the last that is known to the first that is planned."""
    whose = usage if known is None else known.usage
    span = known.span if known is not None and horizon is None else _span(whose, asked, horizon, monthly=monthly)
    last = whose.end.normalize()
    if monthly:
        return (span.start.year - last.year) * 12 + span.start.month - last.month
    return int((span.start.normalize() - last).days)


def first_planned(usage: Usage, asked: ProjectionSpec) -> pd.Timestamp:
    """The first day of a plan made at the end of the usage; the day after it where its own span lies before."""
    try:
        return _span(usage, asked, None, monthly=usage.grain == "month").start
    except HorizonError:
        return usage.end.normalize() + pd.Timedelta(days=1)


def _span(usage: Usage, asked: ProjectionSpec, horizon: str | int | None, *, monthly: bool) -> Horizon:
    """The span that a plan made at the end of the usage would have."""
    freq = "MS" if monthly else "D"
    last = usage.end.normalize()
    as_of = last - asked.lag * (pd.offsets.MonthBegin() if monthly else pd.Timedelta(days=1))
    told: dict[str, Any] = (
        {"span": horizon} if horizon is not None else {"span": asked.horizon, "start": asked.start, "end": asked.end}
    )
    try:
        return horizon_of(as_of, freq=freq, calendar=asked.calendar, **told)
    except HorizonError as error:
        raise HorizonError(
            f"the plan's own span does not follow this usage ({error}); say how long past plans are and how far "
            "ahead: horizon='1Q', lead=30"
        ) from error


def replayed(
    usage: Usage,
    method: Method,
    grid: Grid,
    origins: int | list[object],
    compare: Iterable[str],
    n_jobs: int | None,
) -> TrackRecord:
    """The record of a method at the origins that the history allows.

    Raises
    ------
    HorizonError, PlanError, PriceError
        It allows none, or no origin could be planned; the message says why.
    """
    rules = rules_of(compare)
    dates = grid.at(origins) if isinstance(origins, list) else grid.latest(origins)
    if not dates:
        raise HorizonError(_too_short(usage, grid))
    calls = (delayed(trial_of)(method, usage, one, rules) for one in dates)
    works = [Work((one.on - usage.start).days) for one in dates]  # a longer history takes longer
    trials: list[Trial] = list(in_parallel(calls, "planning at past dates", works, n_jobs=n_jobs))
    if all(t.refused for t in trials):
        why = f"on {trials[-1].date.on:%Y-%m-%d}: {trials[-1].refused}"
        raise PlanError(f"none of {len(trials)} past decisions can be judged; {why}")
    short = isinstance(origins, int) and len(dates) < origins
    notes = [f"the history allows {len(dates)} of {origins} past decisions"] if short else []
    return TrackRecord(
        tuple(trials),
        method.spec.confidence,
        str(grid.length),
        _ahead(dates, monthly=grid.monthly),
        tuple(rule.name for rule in rules),
        next(t.currency for t in trials if t.currency),
        (*notes, *_notes(method, trials)),
    )


def _ahead(dates: Sequence[PastDate], *, monthly: bool) -> str:
    """When decisions are made, in words."""
    days = {int((one.start - one.on).days) for one in dates}
    months = {(one.start.year - one.on.year) * 12 + one.start.month - one.on.month - 1 for one in dates}
    if monthly and len(months) == 1 and min(months) > 0:
        return f"{_counted(min(months), 'month')} before it begins"
    if len(days) > 1:
        return "on the given days before it begins"
    return f"{_counted(min(days), 'day')} before it begins" if min(days) > 0 else "as it begins"


def _too_short(usage: Usage, grid: Grid) -> str:
    """Why there is no past decision, and what would make one."""
    unit = "month" if grid.monthly else "day"
    first, last = usage.start, usage.end
    return (
        f"{usage.source}: the history, {first:%Y-%m-%d} to {last:%Y-%m-%d}, is too short for a track record: it needs "
        f"{grid.least} {unit}s before a decision, and a span of {grid.length} that begins {_counted(grid.lead, unit)} "
        "after it and is over; take a shorter one, such as 1M, or export a longer history"
    )


def _counted(count: int, unit: str) -> str:
    """A number of days or months in words."""
    return f"one {unit}" if count == 1 else f"{count} {unit}s"


def _listed(names: Sequence[str]) -> str:
    """Up to five names, and how many more there are."""
    return f"{', '.join(names[:5])}{f' and {len(names) - 5} more' if len(names) > 5 else ''}"


def _notes(method: Method, trials: Sequence[Trial]) -> list[str]:
    """What is left out or assumed, each once."""
    notes = []
    if beside := [c.name for c in method.spec.components if not isinstance(c, Reserve)]:
        told = "lines beside tokens are left out on both sides, since usage does not say what they came to"
        notes.append(f"{told}: {_listed(beside)}")
    if gone := [c.name for c in method.spec.reserves if c.funds is None and c not in method.reserves]:
        told = "reserves of an amount are left out, which is for a span as long as the plan's own"
        notes.append(f"{told}: {_listed(gone)}")
    cleaning = method.projection.cleaning
    if cleaning is not None and (cleaning.keep or cleaning.exclude):
        notes.append("what cleaning keeps or excludes by hand does not say when it was said, and is taken as known")
    billed = [t.billed for t in trials if t.judged and t.actual > 0]
    if billed:
        low, high = min(billed), max(billed)
        basis = (
            "what came is what was billed"
            if low > 0.999
            else "what came is priced at the dated price book, prices after an origin included"
            if high < 0.001
            else f"bills say {low:.0%} to {high:.0%} of what came; the rest is priced at the dated price book"
        )
        notes.append(basis)
    ratios = [t.to_list for t in trials if t.judged and t.billed > 0.5 and np.isfinite(t.to_list)]
    if ratios and abs(mean := float(np.mean(ratios)) - 1.0) > _NEAR:
        notes.append(
            f"bills came to {1 + mean:.0%} of the price book's prices, at which the budgets were made: lay your "
            "discounts over the book, as rows with the day from which they were known"
        )
    every = [note for t in trials for note in t.notes]
    return [*notes, *dict.fromkeys(every)]
