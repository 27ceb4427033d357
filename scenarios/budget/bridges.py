"""Bridges between plans and what was used. Comes in: any two of them. Goes out: what each driver moved the money by."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from forecast.calendars import date_of
from forecast.errors import ScenarioError
from forecast.prices import PriceBook
from forecast.usage import Usage
from scenarios.bridging.bridge import Bridge
from scenarios.bridging.driver_bridge import drivers_bridge
from scenarios.bridging.exchange import Exchange
from scenarios.bridging.states import DriverState
from scenarios.bridging.usage_state import state_of_usage
from scenarios.budget.beside import rows_in
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.changes import World
from scenarios.comparing.effects import Span, chosen_spans, states
from scenarios.components import Fixed, Reserve, asked_of
from scenarios.costing import Course


def bridge(
    before: BudgetPlan | Usage | DriverState,
    after: BudgetPlan | Usage | DriverState,
    *,
    start: str | pd.Timestamp | None = None,
    end: str | pd.Timestamp | None = None,
    names: tuple[str, str] | None = None,
    prices: PriceBook | None = None,
    exchange: Exchange | None = None,
    draws: int = 2_000,
) -> Bridge:
    """How one total becomes another: plan to plan, plan to what was used, one span of usage to another.

    What volume, intensity, mix and price moved it by, of each workload, route and unit (Shapley values of the product;
    :func:`scenarios.bridging.drivers_bridge`), and money beside tokens. Two scenarios of one projection are told change
    by change by :meth:`scenarios.Comparison.bridge`.

    Parameters
    ----------
    before, after : BudgetPlan, Usage or DriverState
        A state is made by :func:`scenarios.bridging.state_of_usage`, where spans or workload columns differ.
    start, end : date, optional
        Whole months of a plan; the plan's own span where none is given. Usage is taken from the same days.
    names : (str, str), optional
        What the sides are called.
    prices : PriceBook, optional
        Of usage; those of the plan, or the built-in ones, where none are given.
    exchange : Exchange, optional
        Needed where the sides are in two currencies.
    draws : int
        Futures of a plan that are looked at.

    Raises
    ------
    ScenarioError
        The span cuts a month of a plan, or the sides cannot be compared; the message says why.
    """
    plans = [side for side in (before, after) if isinstance(side, BudgetPlan)]
    for side in (before, after):
        if not isinstance(side, BudgetPlan | Usage | DriverState):
            raise ScenarioError(f"sc.bridge takes plans, usage or driver states, not {type(side).__name__}")
    span = _span(plans, start, end)
    by = plans[0].projection.spec.by if plans else ("environment", "project")
    book = prices or (plans[0].spec.prices if plans else PriceBook.builtin())
    sides = [
        state_of_plan(side, span, draws) if isinstance(side, BudgetPlan) else _of_usage(side, span, book, by)
        for side in (before, after)
    ]
    told = names or _names(before, after)
    return drivers_bridge(*sides, names=told, exchange=exchange)


def _span(plans: list[BudgetPlan], start: str | pd.Timestamp | None, end: str | pd.Timestamp | None) -> Span | None:
    """The days that are compared: those told, or the plan's own."""
    own = plans[0].projection.span if plans else None
    if own is None and (start is None) != (end is None):
        raise ScenarioError("sc.bridge: give both start= and end=, or neither")
    if own is None and start is None:
        return None
    first = own.start if start is None and own is not None else date_of(start, "start", ScenarioError)
    last = own.end if end is None and own is not None else date_of(end, "end", ScenarioError)
    return first, last


def state_of_plan(plan: BudgetPlan, span: Span | None, draws: int) -> DriverState:
    """The drivers of a plan's cost, with its lines that are not tokens."""
    spec, projection = plan.spec.laid, plan.projection
    count = min(draws, spec.draws)
    world = spec.tied(World(count, spec.seed))
    spent = [c for c in spec.components if not isinstance(c, Reserve)]
    ((state, made),) = states(
        projection,
        [Course.of(spec.scenario, world)],
        prices=spec.prices,
        draws=count,
        seed=spec.seed,
        unpriced=spec.unpriced,
        monthly=False,
        within=span,
        counts=asked_of(spent),
    )
    inside = chosen_spans(made.spans, span)[made.spans.planned]
    fixed = {c.name for c in spent if isinstance(c, Fixed)}
    other = dict(state.other)
    for row in rows_in(spec, made, world):
        if row.component is None:  # what changes of the scenario bring is in the state already
            continue
        name = "fixed lines" if row.component in fixed else "other lines"
        other[name] = other.get(name, np.zeros(count)) + row.money[:, inside].sum(axis=1)
    return replace(state, other=other)


def _of_usage(side: Usage | DriverState, span: Span | None, prices: PriceBook, by: tuple[str, ...]) -> DriverState:
    """The drivers of what was used."""
    if isinstance(side, DriverState):
        return side
    first, last = span or (side.start.normalize(), side.end.normalize())
    return state_of_usage(side, prices, start=first, end=last, by=by)


def _names(before: object, after: object) -> tuple[str, str]:
    told = ["plan" if isinstance(side, BudgetPlan) else "actual" for side in (before, after)]
    return (f"{told[0]} before", f"{told[1]} after") if told[0] == told[1] else (told[0], told[1])
