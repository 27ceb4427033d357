"""What a plan rests on. Comes in: its arguments and what it became. Goes out: its assumptions, a row each."""

from __future__ import annotations

from datetime import date
from importlib.metadata import version

import numpy as np
import pandas as pd

from forecast import schema
from forecast.calendars import CALENDAR_YEAR
from forecast.lanes import with_tier
from forecast.prices import PriceBook
from forecast.projection import Projection
from forecast.usage import Usage
from scenarios.budget.assumed import Assumption, ledger_table
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.judging import Override
from scenarios.budget.ledger import Level
from scenarios.budget.recent import COST, costed
from scenarios.budget.spec import PlanSpec
from scenarios.changes import Contract, label_of
from scenarios.changes.base import stamp
from scenarios.components import Component, Reserve
from scenarios.scenario import Scenario
from scenarios.workings import Workings


def beside_usage(made: BudgetPlan, reserves: list[Reserve]) -> pd.DataFrame:
    """Assumptions of components, ties and reserves, a row each."""
    spec = made.spec.laid
    laid = {o.what.name: o for o in made.spec.overrides if isinstance(o.what, Component | Reserve)}
    rows = [_line("component", c, laid.get(c.name)) for c in spec.spent]
    for reserve in reserves:
        sized = None if reserve in spec.reserves else f"sized from {reserve.funds}"
        rows.append(_line("reserve", reserve, laid.get(reserve.name), sized))
    rows += [Assumption("dependence", tie.describe(), "asked") for tie in spec.dependence]
    if made.untied is not None:
        alone = float(np.quantile(made.untied, spec.confidence))
        level = f"P{spec.confidence * 100:g}"
        told = f"{level} {made.budget:,.2f} as tied; {alone:,.2f} with every number drawn on its own"
        rows.append(Assumption("dependence", told, "BudgetPlan.dependence_effect()"))
    return ledger_table(rows)


def _line(topic: str, line: Component | Reserve, by: Override | None, source: str | None = None) -> Assumption:
    """A component or reserve, with when its numbers were stated; one of another package need not say."""
    day = getattr(line, "stated_on", None) or (by.on if by is not None else None)
    whence = source or ("asked" if by is None else f"override {by.name!r}")
    return Assumption(topic, line.describe(), whence, None if day is None else pd.Timestamp(day))


def history_of(projection: Projection, prices: PriceBook) -> pd.Series:
    """What past usage cost by month, as the plan prices it: what pictures show before the plan."""
    rows = costed(projection.usage, prices, projection.as_of)
    return rows[COST].groupby(rows["date"].dt.to_period("M")).sum(min_count=1).rename("cost")


def _discount(projection: Projection, prices: PriceBook, currency: str | None) -> list[Assumption]:
    """What was billed of the priced cost in the last whole month, where the export has a bill."""
    known = projection.usage.until(projection.as_of)
    frame = known.frame
    if "billed_cost" not in frame:
        return []
    if currency not in (None, known.currency):
        told = (
            f"planned at the price book's prices, in {currency}; the export is billed in {known.currency}: to plan in "
            f"that, give prices in {known.currency}, or read the export with currency={currency!r} and rates="
        )
        return [Assumption("bill", told, "the export", projection.as_of)]
    cost = prices.cost(known)
    month = frame["date"].dt.to_period("M")
    day_after = projection.as_of + pd.Timedelta(days=1)
    last = day_after.to_period("M") - 1 if known.grain != "month" else projection.as_of.to_period("M")
    use = (month == last) & cost.notna() & frame["billed_cost"].notna() & (cost > 0)
    if not use.any():
        return []
    share = frame.loc[use, "billed_cost"].sum() / cost[use].sum()
    told = f"planned at the price book's prices; {last} was billed at {share:.1%} of them"
    return [Assumption("bill", told, "the export", last.end_time.normalize())]


def _bare(thing: Usage | PriceBook) -> str:
    """What a repr says inside its brackets: finance reads it, and knows no class."""
    return repr(thing).partition("(")[2].removesuffix(")")


def _priced(projection: Projection, prices: PriceBook) -> list[Assumption]:
    """The price book, then each list, factor and discount that prices the usage, with its date."""
    routes, lanes = projection.drivers.routes, projection.drivers.lanes
    skus = with_tier(routes.iloc[lanes["route"].to_numpy()].assign(unit=lanes["unit"].to_numpy()))
    known = prices.lists(skus[skus["unit"].isin(schema.BILLABLE)], projection.as_of)
    rows = [Assumption("price", one.told, one.source, _day(one.on)) for one in known]
    newest = max((row.as_of for row in rows if row.as_of is not None), default=None)
    return [Assumption("prices", _bare(prices), f"sha256 {prices.sha256[:16]}", newest), *rows]


def _day(day: date | None) -> pd.Timestamp | None:
    return None if day is None else pd.Timestamp(day)


def _last_day(usage: Usage) -> pd.Timestamp:
    """The last day of the last period that a usage has."""
    return usage.end + pd.offsets.MonthEnd(0) if usage.grain == "month" else usage.end.normalize()


def _exchanged(usage: Usage) -> list[Assumption]:
    """The rates that the usage's money was converted at."""
    return [
        Assumption("rates", f"money in {code} is converted to {usage.currency} at dated rates", usage.source, day)
        for code, day in usage.exchanged
    ]


def _contracts(scenario: Scenario, as_of: pd.Timestamp) -> list[Assumption]:
    """Contracts of the scenario, dated by their first day where that is past."""
    rows = []
    for change in scenario.every_change():
        if isinstance(change, Contract):
            start, end = stamp(change.start), stamp(change.end)
            began = start if start is not None and start <= as_of else None
            rows.append(Assumption("contract", change.describe(), label_of(change), began, end))
    return rows


def assumptions_of(
    projection: Projection,
    asked: PlanSpec,
    excluded: pd.DataFrame,
    workings: Workings,
    levels: tuple[Level, ...] = (),
    *,
    currency: str | None = None,
) -> pd.DataFrame:
    """What the plan rests on, a row each; of what overrides replaced, what is in force."""
    spec = asked.laid
    usage, span, model = projection.usage, projection.span, projection.spec.model
    calendar, as_of = projection.spec.calendar, span.as_of.normalize()
    name = model if isinstance(model, str) else model.name
    count, seed = projection.volume.count, projection.spec.seed
    made_by = f"tokenplan {version('tokenplan')}, numpy {np.__version__}"
    hashed = workings.once("sha256", lambda: usage.sha256)[:16]
    rows = [
        Assumption("usage", _bare(usage), f"{usage.source}, sha256 {hashed}", _last_day(usage)),
        *_exchanged(usage),
        Assumption("as of", f"{span.as_of:%Y-%m-%d}", "last day of the export less the lag", as_of),
        Assumption("horizon", f"{span.start:%Y-%m-%d} to {span.end:%Y-%m-%d}", "asked"),
        *([Assumption("calendar", calendar.describe(), "asked")] if calendar != CALENDAR_YEAR else []),
        Assumption("forecast", f"model {name}, {count} trajectories, seed {seed}", "forecast.project", as_of),
        *workings.once("priced", lambda: _priced(projection, spec.prices)),
        Assumption("scenario", spec.scenario.describe(), "asked"),
        *_contracts(spec.scenario, as_of),
        *_elasticity(spec.scenario),
        *(override.assumption() for override in asked.overrides),
        *_splits(spec, levels, as_of),
        Assumption("draws", f"{spec.draws:,} draws, seed {spec.seed}", made_by),
    ]
    rows += workings.once("bill", lambda: _discount(projection, spec.prices, currency))
    rows += [Assumption("note", note, "reader and forecast", as_of) for note in projection.notes]
    for r in excluded.itertuples():
        told = f"{r.provider}/{r.model} {r.unit} left out: {r.share:.1%} of all {r.unit}"
        rows.append(Assumption("unpriced", told, "unpriced='exclude'", as_of))
    return ledger_table(rows)


def _splits(spec: PlanSpec, levels: tuple[Level, ...], as_of: pd.Timestamp) -> list[Assumption]:
    """How money is split, in order, with what was assumed for it."""
    told = []
    for place, level in enumerate(levels):
        by = "" if spec.environments is level.split else f"by {level.split.by}: "
        inside = f"inside each {levels[place - 1].split.by}, " if place else ""
        told.append(Assumption("split", f"{inside}{by}{level.split.describe()}", "asked"))
        told += [Assumption("split", note, "recent usage", as_of) for note in level.notes]
    return told or [Assumption("split", "by demand: no split", "asked")]


def _elasticity(scenario: Scenario) -> list[Assumption]:
    """That volume does not answer to prices, where they move and nobody said that it does."""
    moved = any(c.step == "price" for c in scenario.every_change())
    if not moved or any(c.stage == "response" for c in scenario.every_change()):
        return []
    told = "volume does not answer to prices: an elasticity of 0"
    return [Assumption("elasticity", told, "no Elasticity in the scenario")]
