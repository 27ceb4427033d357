"""A plan beside others. Comes in: a plan, and scenarios or plans. Goes out: totals in the same worlds, and a bridge.

The lines of the plan, its prices, draws and seed stay: only the scenario is another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from forecast.errors import PlanError
from forecast.panel import FloatArray
from scenarios.bridging.bridge import Bridge, bridge_of, changes_bridge
from scenarios.budget.beside import outcomes_of, total_of
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.changes import Change, World
from scenarios.comparing.comparison import Comparison
from scenarios.comparing.parts import between, steps_in_order
from scenarios.costing import Course
from scenarios.scenario import Scenario

#: What the plan's projection is called where nothing changes.
ALONE: Final = "forecast alone"
#: The most steps that a bridge of a plan tells apart: each more doubles the work.
MOST_STEPS: Final = 4
#: Where there are more steps, what is told together.
_TOGETHER: Final = {
    "intensity": "use of tokens",
    "mix": "use of tokens",
    "levers": "use of tokens",
    "price": "price and currency",
    "currency": "price and currency",
}

Alternatives = Comparison | Iterable[Scenario | BudgetPlan]


@dataclass(frozen=True, slots=True, eq=False)
class Alternative:
    """A scenario beside the plan.

    Attributes
    ----------
    name : str
    totals : float array (draw,)
        What the horizon costs in each future; lines that are not tokens are in it.
    planned : bool
        Whether it is the plan itself.
    """

    name: str
    totals: FloatArray
    planned: bool = False


def alternatives_of(
    plan: BudgetPlan, others: Alternatives | None = None, bridge: Bridge | None = None
) -> tuple[Alternative, ...]:
    """The plan beside other scenarios, each planned with the plan's own lines, prices, draws and seed.

    Parameters
    ----------
    others : Comparison, or iterable of Scenario or BudgetPlan, optional
        Without any, the forecast alone. A scenario that is the plan's own is told as the plan.
    bridge : Bridge, optional
        ``plan_bridge``'s, which knows the forecast alone already.

    Raises
    ------
    PlanError
        A comparison is of another projection, a plan of another span or currency, two of them have one name, or
        something is neither scenario nor plan.
    """
    own = Alternative(plan.name, plan.totals, planned=True)
    if others is None:
        if not plan.spec.laid.scenario.every_change():
            return (own,)
        alone = bridge.before if bridge is not None and bridge.names[0] == ALONE else _totals(plan, [_alone(plan)])[0]
        return Alternative(ALONE, alone), own
    listed = _listed(plan, others)
    asked = [one for one in listed if isinstance(one, Scenario) and one != plan.spec.laid.scenario]
    world = plan.spec.laid.tied(World(plan.spec.laid.draws, plan.spec.laid.seed))
    found = iter(_totals(plan, [Course.of(one, world) for one in asked]))
    made = [
        own
        if one is plan or one == plan.spec.laid.scenario
        else Alternative(one.name, one.totals)
        if isinstance(one, BudgetPlan)
        else Alternative(one.name, next(found))
        for one in listed
    ]
    made = made if own in made else [own, *made]
    names = [one.name for one in made]
    if twice := [name for name in names if names.count(name) > 1]:
        raise PlanError(f"scenarios: two are called {twice[0]!r}; rename one with .named(...)")
    return tuple(made)


def plan_bridge(plan: BudgetPlan) -> Bridge:
    """How the forecast alone becomes the plan: what each step of its scenario adds to the total, whatever their order.

    Steps: volume, intensity, mix, price, levers, one-offs, currency, as far as the scenario moves them; of more than
    four, those of the use of tokens and those of prices are told together. Every amount is a Shapley value: the mean,
    over all orders in which the steps could come, of what it adds when it comes. Lines that are not tokens are in both
    totals; what they follow, they follow.

    Returns
    -------
    Bridge
        From "forecast alone" to the plan's total in each draw; without changes it has no steps.

    See :func:`scenarios.bridging.changes_bridge`.
    """
    names = (ALONE, "plan" if plan.name == ALONE else plan.name)
    if not plan.spec.laid.scenario.every_change():
        return bridge_of(names, (), [], plan.totals, plan.totals, plan.currency)
    world = plan.spec.laid.tied(World(plan.spec.laid.draws, plan.spec.laid.seed))
    alone = Scenario(ALONE)

    def together(change: Change) -> str:
        return _TOGETHER.get(change.step, change.step)

    made = between(alone, plan.spec.laid.scenario, world, player=lambda change: change.step)
    if len(made.players) > MOST_STEPS:
        made = between(alone, plan.spec.laid.scenario, world, player=together)
    players = steps_in_order(made.players)
    if not players:
        return bridge_of(names, (), [], plan.totals, plan.totals, plan.currency)
    made = type(made)(made.first, made.second, players, made.player)
    every = [frozenset(i for i in range(len(players)) if code >> i & 1) for code in range(2 ** len(players))]
    some = every[:-1]  # of all of them the total is the plan's
    value = dict(zip(some, _totals(plan, [made.course(moved) for moved in some]), strict=True))
    value[every[-1]] = plan.totals
    return changes_bridge(value.__getitem__, players, names=names, currency=plan.currency)


def _alone(plan: BudgetPlan) -> Course:
    return Course.of(Scenario(ALONE), plan.spec.laid.tied(World(plan.spec.laid.draws, plan.spec.laid.seed)))


def _totals(plan: BudgetPlan, courses: Sequence[Course]) -> list[FloatArray]:
    """The total of each draw under some courses: (draw,) each."""
    if not courses:
        return []
    world = plan.spec.laid.tied(World(plan.spec.laid.draws, plan.spec.laid.seed))
    made = outcomes_of(plan.spec.laid, plan.projection, list(courses), (), 1, plan.workings)
    return [np.asarray(total_of(plan.spec.laid, one, world)) for one in made]


def _listed(plan: BudgetPlan, others: Alternatives) -> list[Scenario | BudgetPlan]:
    """What is beside the plan, each fit to stand there."""
    if isinstance(others, Comparison):
        if others.projection is not plan.projection:
            raise PlanError("scenarios: the comparison is of another projection; take sc.compare(plan.projection)")
        first = others.scenarios[0]
        return [first.named(ALONE) if not first.every_change() else first, *others.scenarios[1:]]
    if isinstance(others, str | Scenario | BudgetPlan) or not isinstance(others, Iterable):
        raise PlanError("scenarios: wanted a comparison, or a list of scenarios or plans, such as [cautious, bold]")
    listed = list(others)
    for one in listed:
        if not isinstance(one, Scenario | BudgetPlan):
            raise PlanError(f"scenarios: {one!r} is neither a scenario nor a plan; sc.load(...) reads one from a file")
        if isinstance(one, BudgetPlan) and one.currency != plan.currency:
            raise PlanError(f"scenarios: {one.name!r} is in {one.currency}, the plan in {plan.currency}")
        if isinstance(one, BudgetPlan) and not np.array_equal(one.ledger.days, plan.ledger.days):
            raise PlanError(f"scenarios: {one.name!r} is a plan of other months; compare plans of the same span")
    return listed
