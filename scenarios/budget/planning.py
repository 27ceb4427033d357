"""``plan``: a projection, prices, a scenario, lines and a split in; a budget plan out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Final, Literal

import pandas as pd

from forecast.errors import PlanError, one_of
from forecast.panel import FloatArray, IntArray
from forecast.prices import PriceBook
from forecast.projection import Projection
from scenarios.budget.assumed import Assumption, ledger_table
from scenarios.budget.assuming import assumptions_of, beside_usage, history_of
from scenarios.budget.beside import MOST_BYTES, outcomes_of, rows_in, total_of
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.convergence import FEWEST, WANTED, check_error, enough, told_enough
from scenarios.budget.dealing import ledger_of
from scenarios.budget.earmarking import check_within, sized
from scenarios.budget.judging import Override, check_dates
from scenarios.budget.parting import Terms
from scenarios.budget.recent import Recent
from scenarios.budget.spec import PlanSpec
from scenarios.budget.splits import Split
from scenarios.changes import World, label_of
from scenarios.components import Component
from scenarios.costing import Course, Unpriced
from scenarios.dependence import CommonFactor, Dependence
from scenarios.outcome import DETAIL, Outcome
from scenarios.scenario import Scenario
from scenarios.workings import Workings

#: What is a list, with what it may look like.
_LISTS: Final = {
    "components": "[Fixed(...), Reserve(...)]",
    "detail": "('environment', 'project')",
    "dependence": "[CommonFactor(...)]",
    "overrides": "[Override('launch slips', ...)]",
}


def plan(
    projection: Projection,
    *,
    prices: PriceBook | None = None,
    scenario: Scenario | None = None,
    components: Iterable[Component] = (),
    split: Split | Sequence[Split] | None = None,
    confidence: float = 0.80,
    draws: int | Literal["auto"] = 10_000,
    seed: int = 0,
    unpriced: Unpriced = "refuse",
    detail: Iterable[str] = DETAIL,
    dependence: Iterable[Dependence] = (),
    overrides: Iterable[Override] = (),
    error: float = WANTED,
    n_jobs: int | None = 1,
) -> BudgetPlan:
    """Plan a budget.

    Parameters
    ----------
    projection : Projection
        Drivers of usage: :func:`forecast.project`.
    prices : PriceBook, optional
        The built-in one where none is given.
    scenario : Scenario, optional
        What changes against the forecast; nothing where none is given.
    components : iterable of Fixed, PerUnit, Allowance, Project, Stock, ShareOf, Risk, Reserve
        Budget lines that are not tokens.
    split : Split or EnvironmentSplit, or a list of them, optional
        How money is split over environments, departments and the like, each inside every part that those before it
        make; demand decides where none is given.
    confidence : float
        One-sided: 0.80 sets the budget at the P80 of the horizon's total.
    draws : int or "auto"
        Futures. "auto" takes as many as make the standard error of the budget from draws no more than ``error`` of it,
        up to 200,000; what they came to is in ``plan.spec``.
    seed : int
        Of everything that is drawn. Same inputs and seed, same plan, bit for bit.
    unpriced : {"refuse", "exclude"}
        What to do with usage that has no price.
    detail : iterable of str
        Workload and route columns that tables can be made by; fewer take less memory.
    dependence : iterable of CommonFactor, RankCorrelation
        What ties components among themselves and with changes of the scenario: by the name of a component that draws
        one number, ``"name.parameter"``, or what a change is called. :meth:`BudgetPlan.dependence_effect` tells what
        it does to the total.
    overrides : iterable of Override
        Judgements by hand, laid over scenario and components before anything else, each with who made it, when and
        why. :meth:`BudgetPlan.overrides` lists them; :meth:`BudgetPlan.without` takes one away.
    error : float
        What ``draws="auto"`` is to reach, as a part of the budget.
    n_jobs : int, optional
        Workers of joblib's backend in force, such as a Dask, Ray or Spark cluster; None leaves their number to it. The
        numbers do not depend on it.

    Returns
    -------
    BudgetPlan

    Raises
    ------
    PlanError, ScenarioError, PriceError
        An argument does not hold, or usage has no price; the message says what would mend it.
    """
    if not isinstance(projection, Projection):
        raise PlanError(f"sc.plan takes a projection, not {type(projection).__name__}: fc.project(usage, horizon='2Q')")
    wanted = check_error(error)
    if isinstance(draws, str) and draws != "auto":
        raise PlanError(f'draws={draws!r}: wanted a whole number, at least 100, or "auto"')
    spec = PlanSpec(
        prices if prices is not None else PriceBook.builtin(),
        scenario if scenario is not None else Scenario(),
        _listed("components", components),
        split,
        confidence,
        FEWEST if draws == "auto" else draws,
        seed,
        unpriced,
        _listed("detail", detail),
        _listed("dependence", dependence),
        _listed("overrides", overrides),
    )
    if draws == "auto":
        spec = replace(spec, draws=enough(_totals(spec, projection, n_jobs), spec.confidence, wanted))
    made = planned(spec, projection, Workings.of(projection, spec.prices, spec.draws, spec.seed), n_jobs)
    if draws != "auto":
        return made
    asked = ledger_table([Assumption("draws", told_enough(made, wanted), "draws='auto'")])
    return replace(made, assumptions=pd.concat([made.assumptions, asked], ignore_index=True))


def replanned(made: BudgetPlan, arguments: Mapping[str, Any], n_jobs: int | None) -> BudgetPlan:
    """A plan with some arguments other than another's; what did not change is not made again.

    Raises
    ------
    PlanError
        An argument is none of a plan's, or does not hold.
    """
    known = {field.name: getattr(made.spec, field.name) for field in fields(PlanSpec)}
    for name in arguments:
        one_of("replan", name, (*known, "error"), PlanError)
    asked = {**known, **arguments}
    workings = made.workings
    if not workings.fits(made.projection, asked["prices"], asked["draws"], asked["seed"]):
        return plan(made.projection, **asked, n_jobs=n_jobs)
    check_error(asked.pop("error", WANTED))
    asked |= {name: _listed(name, asked[name]) for name in _LISTS}
    if asked["scenario"] is None:
        asked["scenario"] = Scenario()
    return planned(PlanSpec(**asked), made.projection, workings, n_jobs)


def _listed(name: str, value: Any) -> tuple[Any, ...]:
    """What is a list as a tuple.

    Raises
    ------
    PlanError
        It is one thing alone, or none.
    """
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise PlanError(f"{name}: wanted a list, such as {_LISTS[name]}, not {value!r}")
    return tuple(value)


def planned(spec: PlanSpec, projection: Projection, workings: Workings, n_jobs: int | None) -> BudgetPlan:
    """The plan of arguments that were checked, with what other scenarios on the same projection left."""
    check_dates(spec.overrides, projection.span.end)
    asked, spec = spec, spec.laid
    world = spec.tied(World(spec.draws, spec.seed))
    detail, course = _detail(spec, projection), Course.of(spec.scenario, world)
    (made,) = outcomes_of(spec, projection, [course], detail, n_jobs, workings)
    inside = made.spans.planned
    rows = rows_in(spec, made, world)
    calendar, terms = projection.spec.calendar, _terms(spec, projection)
    first = made.spans.first[inside]
    ledger = ledger_of(made.labels, made.cost[:, inside], rows, first, spec.splits, calendar=calendar, terms=terms)
    gap = sum((line.money[:, ~inside] for line in made.lines), made.cost[:, ~inside].sum(axis=2))
    untied = _untied(spec, projection, made, n_jobs, workings)
    made_so = BudgetPlan(
        asked,
        projection,
        ledger,
        gap,
        made.spans.months[~inside],
        workings.once("history", lambda: history_of(projection, spec.prices)),
        made.dealt.trajectory,
        made.currency,
        made.excluded,
        assumptions_of(projection, asked, made.excluded, workings, ledger.levels, currency=made.currency),
        workings,
        earmarks=tuple(r for r in spec.reserves if r.funds is not None and r.amount is not None),
        untied=untied,
    )
    amounts = sized(made_so, rows, n_jobs)
    known = [replace(r, amount=amounts.get(r.name, r.amount)) for r in spec.reserves if r.funds is not None]
    check_within(known, made_so)
    above = [r for r in spec.reserves if r.funds is None]
    assumptions = pd.concat([made_so.assumptions, beside_usage(made_so, [*known, *above])], ignore_index=True)
    return replace(made_so, earmarks=tuple(known), assumptions=assumptions)


def _totals(spec: PlanSpec, projection: Projection, n_jobs: int | None) -> Callable[[int], tuple[FloatArray, IntArray]]:
    """The plan's totals and trajectories by number of draws."""

    def of(number: int) -> tuple[FloatArray, IntArray]:
        some = replace(spec.laid, draws=number)
        world = some.tied(World(number, spec.seed))
        (made,) = outcomes_of(some, projection, [Course.of(some.scenario, world)], (), n_jobs, None)
        return total_of(some, made, world), made.dealt.trajectory

    return of


def _detail(spec: PlanSpec, projection: Projection) -> tuple[str, ...]:
    """What is kept apart: what was asked, and what the splits divide by, as far as the projection tells it."""
    columns = [split.by for split in spec.splits]
    told = [c for c in (*spec.detail, *columns) if c not in columns or c in (*DETAIL, *projection.workloads)]
    return tuple(dict.fromkeys(told))


def _terms(spec: PlanSpec, projection: Projection) -> Terms:
    """What the splits may look at."""
    days = max((split.days for split in spec.splits if split.measures), default=0)
    recent = Recent.of(projection, spec.prices, days) if days else None
    return Terms(spec.seed, spec.confidence, recent, MOST_BYTES)


def _untied(
    spec: PlanSpec, projection: Projection, made: Outcome, n_jobs: int | None, workings: Workings
) -> FloatArray | None:
    """The total of each draw with every number drawn on its own (draw,); None where nothing is tied."""
    if not spec.dependence and not spec.scenario.every_dependence():
        return None
    alone = World(spec.draws, spec.seed)
    labels = {label_of(c) for c in spec.scenario.every_change()}
    named = {name for tie in spec.dependence for name in _names(tie)}
    moved = bool(spec.scenario.every_dependence()) or any({n, n.rsplit(".", 1)[0]} & labels for n in named)
    if moved:
        (made,) = outcomes_of(spec, projection, [Course.of(spec.scenario.independent(), alone)], (), n_jobs, workings)
    return total_of(spec, made, alone)


def _names(tie: Dependence) -> tuple[str, ...]:
    return tuple(tie.loadings) if isinstance(tie, CommonFactor) else tie.names
