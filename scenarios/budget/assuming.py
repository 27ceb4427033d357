"""What a plan rests on. Comes in: its arguments and what it became. Goes out: its assumptions, a row each."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
import pandas as pd

from forecast.calendars import CALENDAR_YEAR
from forecast.prices import PriceBook
from forecast.projection import Projection
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.ledger import Level
from scenarios.budget.recent import COST, costed
from scenarios.budget.spec import PlanSpec
from scenarios.components import Reserve
from scenarios.scenario import Scenario
from scenarios.workings import Workings


def beside_usage(made: BudgetPlan, reserves: list[Reserve]) -> pd.DataFrame:
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


def history_of(projection: Projection, prices: PriceBook) -> pd.Series:
    """What past usage cost by month, as the plan prices it: what pictures show before the plan."""
    rows = costed(projection.usage, prices, projection.as_of)
    return rows[COST].groupby(rows["date"].dt.to_period("M")).sum(min_count=1).rename("cost")


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


def assumptions_of(
    projection: Projection, spec: PlanSpec, excluded: pd.DataFrame, workings: Workings, levels: tuple[Level, ...] = ()
) -> pd.DataFrame:
    """What the plan rests on, a row each."""
    usage, span, model = projection.usage, projection.span, projection.spec.model
    calendar = projection.spec.calendar
    name = model if isinstance(model, str) else model.name
    count, seed = projection.volume.count, projection.spec.seed
    made_by = f"tokenplan {version('tokenplan')}, numpy {np.__version__}"
    rows = [
        ("usage", repr(usage), f"{usage.source}, sha256 {workings.once('sha256', lambda: usage.sha256)[:16]}"),
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
    rows += workings.once("bill", lambda: _discount(projection, spec.prices))
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
