"""What stands beside tokens in a plan. Comes in: a scenario's outcome and components. Goes out: rows, and the total."""

from __future__ import annotations

import numpy as np

from forecast.errors import PlanError
from forecast.panel import FloatArray
from forecast.projection import Projection
from scenarios.budget.spec import PlanSpec
from scenarios.changes import World
from scenarios.components import Context, Counted, Months, Row, asked_of, rows_of
from scenarios.costing import Course
from scenarios.outcome import Outcome, outcomes
from scenarios.workings import Workings

#: The most memory that the kept cells may take, in bytes.
MOST_BYTES = 2_000_000_000


def rows_in(spec: PlanSpec, made: Outcome, world: World) -> list[Row]:
    """The rows of a plan that are not tokens: its components', then those that changes of the scenario bring."""
    planned = made.spans.planned
    months = Months(made.spans.first[planned], made.spans.last[planned])
    brought = [
        Row(line.name, {} if line.environment is None else {"environment": line.environment}, line.money[:, planned])
        for line in made.lines
    ]
    named = {c.name for c in spec.components}
    if shared := [row.name for row in brought if row.name in named]:
        raise PlanError(f"component {shared[0]!r}: a change of the scenario has a line of that name; give it another")
    lines: dict[str, FloatArray] = {}
    for row in brought:
        lines[row.name] = lines[row.name] + row.money if row.name in lines else row.money
    counted = {count: Counted(seen.groups, seen.values[:, planned]) for count, seen in made.counted.items()}
    context = Context(made.currency, np.asarray(made.cost[:, planned].sum(axis=2)), counted, lines)
    return [*rows_of(list(spec.spent), world, months, context), *brought]


def outcomes_of(
    spec: PlanSpec,
    projection: Projection,
    courses: list[Course],
    detail: tuple[str, ...],
    n_jobs: int | None,
    workings: Workings | None,
) -> list[Outcome]:
    """What some courses cost, with what the plan's components must see of them counted."""
    return outcomes(
        projection,
        courses,
        prices=spec.prices,
        draws=spec.draws,
        seed=spec.seed,
        detail=detail,
        unpriced=spec.unpriced,
        n_jobs=n_jobs,
        most_bytes=MOST_BYTES,
        counts=asked_of(list(spec.spent)),
        workings=workings,
    )


def total_of(spec: PlanSpec, made: Outcome, world: World) -> FloatArray:
    """The total of each draw: (draw,)."""
    lines = [row.money.sum(axis=1) for row in rows_in(spec, made, world)]
    return np.asarray(sum(lines, start=made.cost[:, made.spans.planned].sum(axis=(1, 2))))
