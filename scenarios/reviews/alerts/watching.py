"""The watch. Comes in: usage, a plan where there is one, rules. Goes out: what is out of the ordinary as of a day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

import pandas as pd

from forecast.calendars import date_of
from forecast.errors import PlanError, UsageError
from forecast.prices import PriceBook
from forecast.usage import Usage
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.reviews.alerts.alert import Alert, Alerts, ordered
from scenarios.reviews.alerts.board import board_of
from scenarios.reviews.alerts.budgets import against_budget
from scenarios.reviews.alerts.following import LEAST_KNOWN, WARM
from scenarios.reviews.alerts.judging import hours_watched, watched
from scenarios.reviews.alerts.quotas import near_quotas
from scenarios.reviews.alerts.reporting import late, missing, unpriced
from scenarios.reviews.alerts.rules import AlertRules
from scenarios.reviews.alerts.shifts import shifts
from scenarios.reviews.alerts.spikes import spikes
from scenarios.reviews.alerts.unit_costs import unit_costs

#: The last days of an export that may still be incomplete, and are not judged unless ``as_of`` says so.
LAG: Final = 2
#: What makes a series where nothing else is said, as far as the usage has it.
BY: Final = ("environment", "project")


def alerts(
    usage: Usage,
    plan: BudgetPlan | None = None,
    *,
    as_of: str | dt.date | None = None,
    rules: AlertRules | None = None,
    prices: PriceBook | None = None,
    by: str | Sequence[str] | None = None,
    quotas: pd.DataFrame | None = None,
    quality: pd.DataFrame | None = None,
) -> Alerts:
    """What is out of the ordinary in actual usage.

    Days are judged by forecasts made of the days before them alone, so that what is told of a day does not change with
    what comes later, and an alert keeps its ``id`` while it lasts.

    Parameters
    ----------
    usage : Usage
        Daily or hourly; of monthly usage only prices and the plan are looked at.
    plan : BudgetPlan, optional
        What spend to date and the projected spend are held against.
    as_of : date, optional
        The last day that is judged, taken as complete. By default the export's last day less 2, or its last month.
    rules : AlertRules, optional
        Thresholds and switches; the default gives at most one false alarm a month and organisation on usage like that
        of ``benchmarks/alerts.py``.
    prices : PriceBook, optional
        For usage without a bill (the shipped book where none is given), and to tell what has no price.
    by : sequence of str, optional
        What makes a series: environment and project, as far as the usage has them.
    quotas : DataFrame, optional
        Rate limits: columns of the usage (``model``), and ``requests_per_minute``, ``tokens_per_minute``,
        ``requests_per_day`` and/or ``tokens_per_day``; optionally ``burst``, the busiest minute over the mean one.
    quality : DataFrame, optional
        ``date``, ``model``, and ``success_rate`` and/or ``accuracy``, as :func:`forecast.unit_metrics` takes it.

    Returns
    -------
    Alerts

    Raises
    ------
    UsageError, PlanError
        An argument does not hold; the message says what would mend it.
    """
    if not isinstance(usage, Usage):
        raise UsageError(f"sc.alerts takes a Usage, not {type(usage).__name__}: read it first: fc.read_usage(...)")
    chosen = AlertRules() if rules is None else rules
    if not isinstance(chosen, AlertRules):
        raise PlanError(f"alerts: rules must be sc.AlertRules(...); got {type(chosen).__name__}")
    if prices is not None and not isinstance(prices, PriceBook):
        raise PlanError(f"alerts: prices must be a PriceBook; got {type(prices).__name__}")
    day = _day(usage, as_of)
    known = usage.until(day + pd.Timedelta(hours=23))
    columns = _columns(usage, by)
    billed = "billed_cost" in known.frame and bool(known.frame["billed_cost"].notna().any())
    book = prices if prices is not None or billed else PriceBook.builtin()
    found: list[Alert] = []
    notes: list[str] = []
    if usage.grain == "month":
        notes.append("spikes, shifts and drifts were not looked at: they take daily or hourly usage")
    else:
        told = _by_day(known, day, min(day, usage.end.normalize()), chosen, book, columns, quotas, quality)
        found, notes = told.found, told.notes
    if chosen.unpriced and book is not None:
        found += unpriced(known, day, book, max(chosen.days, 7) if usage.grain != "month" else 31)
    if plan is not None and (chosen.budget or chosen.breach):
        more, said = against_budget(known, plan, day, prices, chosen)
        found += more
        notes += said
    return Alerts(ordered(found), day, chosen.days, tuple(notes))


class _Told:
    """What was found, and what was not looked at."""

    __slots__ = ("found", "notes")

    def __init__(self, found: list[Alert], notes: list[str]) -> None:
        self.found, self.notes = found, notes


def _by_day(
    usage: Usage,
    day: pd.Timestamp,
    end: pd.Timestamp,
    rules: AlertRules,
    prices: PriceBook | None,
    by: tuple[str, ...],
    quotas: pd.DataFrame | None,
    quality: pd.DataFrame | None,
) -> _Told:
    board = board_of(usage, end, prices, by)
    since = len(board.days) - max(rules.days - (day - end).days, 0)
    notes = list(board.notes)
    found: list[Alert] = []
    if len(board.days) <= WARM:
        span = f"{len(board.days)} day{'s' * (len(board.days) > 1)}"
        notes.append(
            f"spikes, shifts and drifts were not looked at: the usage spans {span}, and a series is followed for "
            f"{WARM} days ({LEAST_KNOWN} of them with use) before it is judged"
        )
    else:
        measures = [watched(board, measure) for measure in board.measures]
        if rules.spike:
            found += spikes(board, measures, hours_watched(board), rules, since)
        if rules.shift:
            found += shifts(board, measures, rules, since)
        found += unit_costs(usage, board.days, prices, quality, rules, since)
    if rules.quota and quotas is not None:
        found += near_quotas(usage, board.days, quotas, rules, since)
    if rules.missing:
        found += missing(board, rules, since) + late(end, day, rules)
    return _Told(found, notes)


def _day(usage: Usage, as_of: str | dt.date | None) -> pd.Timestamp:
    if as_of is not None:
        day = pd.Timestamp(date_of(as_of, "as_of", UsageError))
        if day < usage.start.normalize():
            raise UsageError(f"as_of={day:%Y-%m-%d}: the usage begins on {usage.start:%Y-%m-%d}")
        return day
    if usage.grain == "month":
        return usage.end.normalize()
    return max(usage.end.normalize() - pd.Timedelta(days=LAG), usage.start.normalize())


def _columns(usage: Usage, by: str | Sequence[str] | None) -> tuple[str, ...]:
    if by is not None:
        return (by,) if isinstance(by, str) else tuple(by)
    return tuple(c for c in BY if c in usage.frame and usage.frame[c].notna().any())
