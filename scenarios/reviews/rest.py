"""The rest of a plan. Comes in: a plan and the history up to a day. Goes out: what is still to come, in every draw.

It is forecast from that day by the plan's own model and scenario. On generated organisations this missed a month's
total by less than moving the plan's own futures to what was seen (benchmarks/month_to_date.py).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import pandas as pd

from forecast.prices import PriceBook
from forecast.projection import Projection, projected
from scenarios.budget.beside import MOST_BYTES
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.ledger import LINE
from scenarios.changes import Campaign, Change, NewWorkload, Step, World, label_of
from scenarios.changes.levers import Lever
from scenarios.components import Reserve, asked_of
from scenarios.costing import Course
from scenarios.outcome import DETAIL, Outcome, outcomes
from scenarios.reviews.joined import Joined
from scenarios.scenario import Scenario

#: Changes on these drivers show in usage once they have begun: they are not made a second time. A limit is: what is cut
#: to a cap twice is cut once, and what would grow beyond it is not served.
SEEN_IN_USAGE: Final = ("volume", "mix", "intensity")
#: Changes that act from the first day that is forecast where they name none, and on what is forecast each time.
FROM_THE_FIRST: Final = (Lever, Step, NewWorkload)


@dataclass(frozen=True, slots=True)
class Rest:
    """What is still to come.

    Attributes
    ----------
    made : Outcome
        Tokens and the lines of changes, by span from the day after the as-of date.
    projection : Projection
    course : Course
    prices : PriceBook
        What it is foreseen by.
    share : float
        What part of those prices is billed.
    notes : tuple of str
        Changes that have begun, and so are in the usage.
    """

    made: Outcome
    projection: Projection
    course: Course
    prices: PriceBook
    share: float
    notes: tuple[str, ...]


def rest_of(
    plan: BudgetPlan, known: Joined, *, prices: PriceBook | None, scenario: Scenario | None, n_jobs: int | None
) -> Rest:
    """Foresee the rest of a plan.

    Raises
    ------
    TokenplanError
        The history does not allow a projection, or usage has no price.
    """
    span, spec = plan.projection.span, plan.spec.laid
    step = pd.DateOffset(months=1) if known.usage.grain == "month" else pd.DateOffset(days=1)
    first = max(known.as_of + step, span.start)
    asked = replace(plan.projection.spec, horizon=None, start=f"{first:%Y-%m-%d}", end=f"{span.end:%Y-%m-%d}", lag=0)
    projection = projected(known.usage, asked)
    world = World(spec.draws, spec.seed)
    tied = spec.tied(world) if scenario is None else world
    course = Course.of(scenario if scenario is not None else spec.scenario, tied)
    newer, since = prices is not None, plan.projection.as_of
    begun = [c for leaf in course.leaves for c, _ in leaf.changes if _begun(c, since, known.as_of, newer=newer)]
    if scenario is None and begun:
        leaves = [replace(leaf, changes=tuple(p for p in leaf.changes if p[0] not in begun)) for leaf in course.leaves]
        course = replace(course, leaves=tuple(leaves))
    names = list(dict.fromkeys(label_of(c) for c in begun)) if scenario is None else []
    notes = [f"{', '.join(names)}: begun by {known.as_of:%Y-%m-%d}, so taken as the usage shows it"] * bool(names)
    if coming := [label_of(c) for c in begun if _coming(c, known.as_of)] if scenario is None else []:
        notes.append(
            f"{', '.join(dict.fromkeys(coming))}: still on the way; what is to come of the ramp is not foreseen "
            "unless scenario= tells it"
        )
    told = plan.ledger.labels.columns.drop(LINE)
    detail = [c for c in told if c in DETAIL or c in projection.workloads or c in projection.routes]
    book = prices if prices is not None else spec.prices
    (made,) = outcomes(
        projection,
        [course],
        prices=book,
        draws=spec.draws,
        seed=spec.seed,
        detail=detail,
        unpriced=spec.unpriced,
        n_jobs=n_jobs,
        most_bytes=MOST_BYTES,
        counts=asked_of([c for c in spec.components if not isinstance(c, Reserve)]),
    )
    return Rest(made, projection, course, book, 1.0, tuple(notes))


def _begun(change: Change, since: pd.Timestamp, as_of: pd.Timestamp, *, newer: bool) -> bool:
    """Whether usage, or a newer price book, shows a change already; one without a day begins after ``since``."""
    on = getattr(change, "on", None)
    if isinstance(change, Campaign):
        return pd.Timestamp(change.start) <= as_of <= pd.Timestamp(change.end)
    if on is None:
        return as_of > since and isinstance(change, FROM_THE_FIRST) and change.stage in SEEN_IN_USAGE
    if pd.Timestamp(on) > as_of:
        return False
    return change.stage in SEEN_IN_USAGE or (newer and change.step == "price")


def _coming(change: Change, as_of: pd.Timestamp) -> bool:
    """Whether a change that has begun is not whole yet."""
    on, ramp = getattr(change, "on", None), getattr(change, "ramp", 0.0)
    return on is not None and pd.Timestamp(on) + pd.Timedelta(days=float(ramp)) > as_of + pd.Timedelta(days=1)
