"""``plan``: a projection, prices, a scenario, lines and a split in; a budget plan out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from importlib.metadata import version

import numpy as np
import pandas as pd

from forecast.calendars import CALENDAR_YEAR
from forecast.errors import PlanError
from forecast.panel import FloatArray
from forecast.prices import PriceBook
from forecast.projection import Projection
from scenarios.budget.beside import MOST_BYTES, outcomes_of, rows_in, total_of
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.dealing import ledger_of
from scenarios.budget.earmarking import check_within, sized
from scenarios.budget.ledger import Level
from scenarios.budget.parting import Terms
from scenarios.budget.recent import Recent
from scenarios.budget.spec import PlanSpec
from scenarios.budget.splits import Split
from scenarios.changes import World, label_of
from scenarios.components import Component, Owned, Reserve
from scenarios.costing import Course, Unpriced
from scenarios.dependence import CommonFactor, Dependence
from scenarios.outcome import DETAIL, Outcome
from scenarios.scenario import Scenario


def plan(
    projection: Projection,
    *,
    prices: PriceBook | None = None,
    scenario: Scenario | None = None,
    components: Iterable[Component] = (),
    split: Split | Sequence[Split] | None = None,
    confidence: float = 0.80,
    draws: int = 10_000,
    seed: int = 0,
    unpriced: Unpriced = "refuse",
    detail: Iterable[str] = DETAIL,
    dependence: Iterable[Dependence] = (),
    n_jobs: int = 1,
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
    draws, seed : int
        Futures, and the seed of everything that is drawn. Same inputs and seed, same plan, bit for bit.
    unpriced : {"refuse", "exclude"}
        What to do with usage that has no price.
    detail : iterable of str
        Workload and route columns that tables can be made by; fewer take less memory.
    dependence : iterable of CommonFactor, RankCorrelation
        What ties components among themselves and with changes of the scenario: by the name of a component that draws
        one number, ``"name.parameter"``, or what a change is called. :meth:`BudgetPlan.dependence_effect` tells what
        it does to the total.
    n_jobs : int
        Workers; the numbers do not depend on it.

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
    if isinstance(components, Owned):
        raise PlanError("components: wanted a list, such as [Fixed(...), Reserve(...)]")
    if isinstance(dependence, Dependence):
        raise PlanError("dependence: wanted a list, such as [CommonFactor(...)]")
    spec = PlanSpec(
        prices if prices is not None else PriceBook.builtin(),
        scenario if scenario is not None else Scenario(),
        tuple(components),
        split if split is None or isinstance(split, Split) else tuple(split),
        confidence,
        draws,
        seed,
        unpriced,
        tuple(detail),
        tuple(dependence),
    )
    world = spec.tied(World(draws, seed))
    (made,) = outcomes_of(spec, projection, [Course.of(spec.scenario, world)], _detail(spec, projection), n_jobs)
    planned = made.spans.planned
    first = made.spans.first[planned]
    rows = rows_in(spec, made, world)
    calendar, terms = projection.spec.calendar, _terms(spec, projection)
    ledger = ledger_of(made.labels, made.cost[:, planned], rows, first, spec.splits, calendar=calendar, terms=terms)
    gap = sum((line.money[:, ~planned] for line in made.lines), made.cost[:, ~planned].sum(axis=2))
    untied = _untied(spec, projection, made, n_jobs)
    made_so = BudgetPlan(
        spec,
        projection,
        ledger,
        gap,
        made.spans.months[~planned],
        _history(projection, spec.prices),
        made.dealt.trajectory,
        made.currency,
        made.excluded,
        _assumptions(projection, spec, made.excluded, ledger.levels),
        earmarks=tuple(r for r in spec.reserves if r.funds is not None and r.amount is not None),
        untied=untied,
    )
    amounts = sized(made_so, rows, n_jobs)
    known = [replace(r, amount=amounts.get(r.name, r.amount)) for r in spec.reserves if r.funds is not None]
    check_within(known, made_so)
    above = [r for r in spec.reserves if r.to is not None]
    assumptions = pd.concat([made_so.assumptions, _beside(made_so, [*known, *above])], ignore_index=True)
    return replace(made_so, earmarks=tuple(known), assumptions=assumptions)


def _detail(spec: PlanSpec, projection: Projection) -> tuple[str, ...]:
    """What is kept apart: what was asked, and what the splits divide by."""
    more = (split.by for split in spec.splits if split.by in projection.workloads)
    return tuple(dict.fromkeys((*spec.detail, *more)))


def _terms(spec: PlanSpec, projection: Projection) -> Terms:
    """What the splits may look at."""
    days = max((split.days for split in spec.splits if split.measures), default=0)
    recent = Recent.of(projection, spec.prices, days) if days else None
    return Terms(spec.seed, spec.confidence, recent, MOST_BYTES)


def _untied(spec: PlanSpec, projection: Projection, made: Outcome, n_jobs: int) -> FloatArray | None:
    """The total of each draw with every number drawn on its own (draw,); None where nothing is tied."""
    if not spec.dependence and not spec.scenario.every_dependence():
        return None
    alone = World(spec.draws, spec.seed)
    labels = {label_of(c) for c in spec.scenario.every_change()}
    named = {name for tie in spec.dependence for name in _names(tie)}
    moved = bool(spec.scenario.every_dependence()) or any({n, n.rsplit(".", 1)[0]} & labels for n in named)
    if moved:
        (made,) = outcomes_of(spec, projection, [Course.of(spec.scenario.independent(), alone)], (), n_jobs)
    return total_of(spec, made, alone)


def _names(tie: Dependence) -> tuple[str, ...]:
    return tuple(tie.loadings) if isinstance(tie, CommonFactor) else tie.names


def _beside(made: BudgetPlan, reserves: list[Reserve]) -> pd.DataFrame:
    """Assumptions of components, ties and reserves, a row each."""
    spec = made.spec
    rows = [("component", c.describe(), "asked") for c in spec.components if not isinstance(c, Reserve)]
    rows += [("reserve", r.describe(), "asked" if r in spec.reserves else f"sized from {r.funds}") for r in reserves]
    rows += [("dependence", tie.describe(), "asked") for tie in spec.dependence]
    if made.untied is not None:
        alone = float(np.quantile(made.untied, spec.confidence))
        level = f"P{spec.confidence * 100:g}"
        rows.append(
            (
                "dependence",
                f"{level} {made.budget:,.2f} as tied; {alone:,.2f} with every number drawn on its own",
                "BudgetPlan.dependence_effect()",
            )
        )
    return pd.DataFrame(rows, columns=["topic", "assumption", "source"])


def _history(projection: Projection, prices: PriceBook) -> pd.Series:
    """Priced past usage by month: what pictures show before the plan."""
    known = projection.usage.until(projection.as_of)
    frame, cost = known.frame, prices.cost(known)
    return cost.groupby(frame["date"].dt.to_period("M")).sum(min_count=1).rename("cost")


def _discount(projection: Projection, prices: PriceBook) -> list[tuple[str, str, str]]:
    """What was billed of the priced cost in the last whole month, where the export has a bill."""
    known = projection.usage.until(projection.as_of)
    frame = known.frame
    if "billed_cost" not in frame:
        return []
    cost = prices.cost(known)
    month = frame["date"].dt.to_period("M")
    day_after = projection.as_of + pd.Timedelta(days=1)
    last = day_after.to_period("M") - 1 if known.grain != "month" else projection.as_of.to_period("M")
    use = (month == last) & cost.notna() & frame["billed_cost"].notna() & (cost > 0)
    if not use.any():
        return []
    share = frame.loc[use, "billed_cost"].sum() / cost[use].sum()
    return [("bill", f"planned at the price book's prices; {last} was billed at {share:.1%} of them", "the export")]


def _assumptions(
    projection: Projection, spec: PlanSpec, excluded: pd.DataFrame, levels: tuple[Level, ...] = ()
) -> pd.DataFrame:
    """What the plan rests on, a row each."""
    usage, span, model = projection.usage, projection.span, projection.spec.model
    calendar = projection.spec.calendar
    name = model if isinstance(model, str) else model.name
    count, seed = projection.volume.count, projection.spec.seed
    made_by = f"tokenplan {version('tokenplan')}, numpy {np.__version__}"
    rows = [
        ("usage", repr(usage), f"{usage.source}, sha256 {usage.sha256[:16]}"),
        ("as of", f"{span.as_of:%Y-%m-%d}", "last day of the export less the lag"),
        ("horizon", f"{span.start:%Y-%m-%d} to {span.end:%Y-%m-%d}", "asked"),
        *([("calendar", calendar.describe(), "asked")] if calendar != CALENDAR_YEAR else []),
        ("forecast", f"model {name}, {count} trajectories, seed {seed}", "forecast.project"),
        ("prices", repr(spec.prices), f"sha256 {spec.prices.sha256[:16]}"),
        ("scenario", spec.scenario.describe(), "asked"),
        *_elasticity(spec.scenario),
        *(("split", told, source) for told, source in _splits(spec, levels)),
        ("draws", f"{spec.draws:,} draws, seed {spec.seed}", made_by),
    ]
    rows += _discount(projection, spec.prices)
    rows += [("note", note, "reader and forecast") for note in projection.notes]
    rows += [
        ("unpriced", f"{r.provider}/{r.model} {r.unit} left out: {r.share:.1%} of its unit", "unpriced='exclude'")
        for r in excluded.itertuples()
    ]
    return pd.DataFrame(rows, columns=["topic", "assumption", "source"])


def _splits(spec: PlanSpec, levels: tuple[Level, ...]) -> list[tuple[str, str]]:
    """How money is split, in order, with what was assumed for it."""
    told = []
    for place, level in enumerate(levels):
        by = "" if spec.environments is level.split else f"by {level.split.by}: "
        inside = f"inside each {levels[place - 1].split.by}, " if place else ""
        told.append((f"{inside}{by}{level.split.describe()}", "asked"))
        told += [(note, "recent usage") for note in level.notes]
    return told or [("by demand: no split", "asked")]


def _elasticity(scenario: Scenario) -> list[tuple[str, str, str]]:
    """That volume does not answer to prices, where they move and nobody said that it does."""
    moved = any(c.step == "price" for c in scenario.every_change())
    if not moved or any(c.stage == "response" for c in scenario.every_change()):
        return []
    return [("elasticity", "volume does not answer to prices: an elasticity of 0", "no Elasticity in the scenario")]
