"""Reserves within the contingency. Comes in: a plan and what they fund. Goes out: how much each holds."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

import numpy as np

from forecast.errors import PlanError
from forecast.panel import FloatArray
from scenarios.budget.beside import outcomes_of, total_of
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.contingency import contingency_share
from scenarios.changes import World
from scenarios.components import Reserve, Row
from scenarios.costing import Course

#: Half a cent: what rounding may add.
_CENT: Final = 0.005


def sized(made: BudgetPlan, rows: list[Row], n_jobs: int | None) -> dict[str, float]:
    """What each reserve without an amount holds: what its event or line adds to the contingency, to the cent below.

    Events are taken away one after another, so that what two of them do together is in the first one's reserve alone.
    """
    spec = made.spec.laid
    gone: tuple[str, ...] = ()
    total, shares = made.totals, {}
    for reserve in (r for r in spec.reserves if r.amount is None and r.funds is not None):
        if keys := spec.funded(reserve):
            gone = (*gone, *keys)
            without = _without(made, gone, n_jobs)
            own, total = total - without, without
        else:
            mine = [row.money.sum(axis=1) for row in rows if row.component == reserve.funds]
            own = np.asarray(sum(mine[1:], start=mine[0]))
        if np.ptp(own) <= _CENT:
            raise PlanError(
                f"{reserve.told}: {reserve.funds!r} costs the same in every future, so it adds nothing to the "
                "contingency; leave the reserve out, or state its amount"
            )
        # What moves against the total, or so little that draws cannot tell, has no part of the contingency.
        shares[reserve.name] = max(0.0, contingency_share(made.totals, own, spec.confidence))
    # Where what moves against the total lets them be more than all of it, they have it in these proportions.
    most = max(1.0, sum(shares.values()))
    return {name: math.floor(share / most * made.contingency * 100) / 100 for name, share in shares.items()}


def _without(made: BudgetPlan, keys: tuple[str, ...], n_jobs: int | None) -> FloatArray:
    """The total of each draw without some changes of the scenario: (draw,)."""
    spec = made.spec.laid
    world = spec.tied(World(spec.draws, spec.seed))
    whole = Course.of(spec.scenario, world)
    leaves = tuple(
        replace(leaf, changes=tuple((c, w) for c, w in leaf.changes if c.key not in keys)) for leaf in whole.leaves
    )
    (left,) = outcomes_of(
        spec, made.projection, [replace(whole, leaves=leaves, lenient=True)], (), n_jobs, made.workings
    )
    return total_of(spec, left, world)


def check_within(reserves: list[Reserve], made: BudgetPlan) -> None:
    """Refuse reserves that hold more than the contingency that they are parts of."""
    total = sum(r.held for r in reserves)
    if total > made.contingency + _CENT:
        told = ", ".join(f"{r.name} {r.held:,.2f}" for r in reserves)
        raise PlanError(
            f"reserves with funds= hold {total:,.2f} {made.currency} ({told}), more than the contingency of "
            f"{made.contingency:,.2f}; lower them, raise confidence, or leave funds= out to set money aside beside it"
        )
