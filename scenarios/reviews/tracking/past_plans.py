"""One past decision. Comes in: a method and the day of the decision. Goes out: its budget, beside what came.

What the decision may use is cut first, and only what is left goes to the forecast, the scenario, the prices and the
split: usage as it was recorded, price rows that were known, changes that had been stated.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from forecast import schema
from forecast.errors import PriceError, ScenarioError, TokenplanError
from forecast.projection import Projection, ProjectionSpec, projected
from forecast.shown import short_repr
from forecast.usage import Usage
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.judging import Override
from scenarios.budget.ledger import TOKENS
from scenarios.budget.planning import planned
from scenarios.budget.spec import PlanSpec
from scenarios.budget.splits import Split
from scenarios.changes import Change, World, label_of
from scenarios.components import Reserve
from scenarios.costing import Course, enact
from scenarios.dependence import Dependence, ties_of
from scenarios.reviews.tracking.past_costs import Costs, costs_of, reported
from scenarios.reviews.tracking.past_dates import PastDate
from scenarios.reviews.tracking.rules import Rule
from scenarios.scenario import LeftOut, Scenario
from scenarios.workings import Workings

#: A span of which less than this has any row of usage is not judged: what came is not known.
LEAST_SEEN = 0.9
ENVIRONMENT = "environment"
#: Draws by which it is found which change does not fit.
_FEW = 100


@dataclass(frozen=True, slots=True)
class Method:
    """How a budget is made: the arguments of the projection and of the plan.

    Attributes
    ----------
    spec : PlanSpec
    projection : ProjectionSpec
    spec_from : callable, optional
        The arguments of a plan whose first day is given, where days are told from there; ``spec`` where it is None.
    own_length : bool
        Whether past plans are as long as the plan itself: else amounts of reserves are not of their length.
    """

    spec: PlanSpec
    projection: ProjectionSpec
    spec_from: Callable[[pd.Timestamp], PlanSpec] | None = None
    own_length: bool = True

    @property
    def reserves(self) -> tuple[Reserve, ...]:
        """The reserves beside the total that past plans have."""
        beside = (c for c in self.spec.reserves if c.funds is None)
        return tuple(c for c in beside if self.own_length or c.amount is None)


@dataclass(frozen=True, slots=True)
class Trial:
    """One past decision, beside what came. Money is in ``currency``; NaN where it is not known.

    Attributes
    ----------
    date : PastDate
    budget, base, p10, p90 : float
        The budget at the plan's confidence, the P50, and the ends of the 80 % band.
    funding : float
        The budget and the reserves beside it.
    actual : float
        What came.
    billed : float
        The share of it that bills say; the rest is priced.
    to_list : float
        What bills say over what the price book says of the same usage; NaN without bills.
    percentile : float
        The share of the plan's futures whose total was no more than what came.
    rules : dict of str to float
        The budget of each rule of thumb; NaN where the history does not hold what it goes by.
    parts : DataFrame
        ``by``, ``part``, ``budget``, ``actual``: of each column that the plan splits by, or of environments.
    left_out : tuple of LeftOut
        What of the method had not been stated by then.
    notes : tuple of str
    refused : str
        Why it is not judged; empty where it is.
    currency : str
    """

    __repr__ = short_repr

    date: PastDate
    budget: float
    base: float
    p10: float
    p90: float
    funding: float
    actual: float
    billed: float
    to_list: float
    percentile: float
    rules: dict[str, float]
    parts: pd.DataFrame
    left_out: tuple[LeftOut, ...]
    notes: tuple[str, ...]
    refused: str
    currency: str

    @property
    def judged(self) -> bool:
        """Whether there is a budget, and what came is known."""
        return not self.refused


def trial_of(method: Method, usage: Usage, date: PastDate, rules: Sequence[Rule]) -> Trial:
    """Make the budget as it would have been made, and hold it beside what came.

    A decision that could not have been made, or whose outcome is not known, says why.

    Raises
    ------
    PriceError
        What came has no price, or is in another currency than the budgets.
    """
    spec = method.spec
    came = costs_of(_inside(usage, date), spec.prices, date.end, spec.unpriced).between(date.start, date.end)
    seen = reported(usage, date.start, date.end)
    left_out: tuple[LeftOut, ...] = ()
    try:
        told = spec if method.spec_from is None else method.spec_from(date.start)
        known, left_out = known_spec(told, method.reserves, date.on)
        past = known_usage(usage, date.on, method.projection.by)
        made, unfit = past_plan(method.projection, known, past, date)
    except TokenplanError as error:
        return _refused(date, came, left_out, str(error))
    if usage.currency not in (None, made.currency):
        raise PriceError(
            f"{usage.source} is billed in {usage.currency} and budgets are in {made.currency}: read it with "
            f"currency={made.currency!r} and rates=, or give prices in {usage.currency}"
        )
    before = costs_of(past, known.prices, made.projection.as_of, "exclude")
    p10, p90 = (made.quantile(level) for level in (0.10, 0.90))
    actual, silent, notes = came.total, "", [*came.notes, *_beside_tokens(made)]
    if not seen.all():
        silent = f"of {len(seen)} periods from {date.start:%Y-%m-%d}, {int((~seen).sum())} without any row of usage"
        notes.append(silent)
    gone = seen.mean() < LEAST_SEEN
    return Trial(
        date,
        made.budget,
        made.base,
        p10,
        p90,
        made.funding,
        actual,
        came.billed,
        came.to_list,
        made.percentile_of(actual),
        {rule.name: rule.budget(before, made.projection, date) for rule in rules},
        _parts(made, came),
        (*left_out, *unfit),
        tuple(notes),
        f"what came is not known: {silent}" if gone else "",
        made.currency,
    )


def _inside(usage: Usage, date: PastDate) -> Usage:
    """The usage of a span alone, where there is any."""
    day = usage.frame[schema.DATE]
    frame = usage.frame[(day >= date.start) & (day < date.end + pd.Timedelta(days=1))]
    return replace(usage, frame=frame) if len(frame) else usage


def known_usage(usage: Usage, on: pd.Timestamp, by: Sequence[str] = ()) -> Usage:
    """The usage as it was known at the end of a day: what was recorded by then, of periods up to then.

    A column that only what came later fills is not there, unless it is one of ``by``.
    """
    known = usage.known(on).until(on + pd.Timedelta(days=1, microseconds=-1))
    empty = [c for c in known.frame if c not in by and known.frame[c].isna().all()]
    return replace(known, frame=known.frame.drop(columns=empty), superseded=None)


def known_spec(spec: PlanSpec, reserves: tuple[Reserve, ...], on: pd.Timestamp) -> tuple[PlanSpec, tuple[LeftOut, ...]]:
    """A plan's arguments as they were known on a day, with some of its reserves, and what is left out.

    Lines beside tokens are left out on both sides, since no export of usage says what they came to.
    """
    told = spec.scenario.known_on(on)
    overrides, late = _known_overrides(spec.overrides, told.scenario, on)
    gone = {c.name for c in spec.components} - {c.name for c in reserves}
    known = replace(
        spec,
        prices=spec.prices.known(on),
        scenario=told.scenario,
        components=reserves,
        split=[_unshared(split, gone) for split in spec.splits] or None,
        dependence=(),
        overrides=overrides,
    )
    ties = _fitting_ties(known.laid.scenario, spec.dependence)
    return replace(known, dependence=ties), (*told.left_out, *late)


def _known_overrides(
    overrides: Sequence[Override], scenario: Scenario, on: pd.Timestamp
) -> tuple[tuple[Override, ...], tuple[LeftOut, ...]]:
    """The judgements that had been made by a day, of what is in force then, and the others."""
    there = {label_of(c) for c in scenario.every_change()}
    known: list[Override] = []
    out: list[LeftOut] = []
    for one in overrides:
        day = pd.Timestamp(one.on)
        why = ""
        if day > on:
            why = "which was made later"
        elif not isinstance(one.what, Change):
            why = "which is a line beside tokens"
        elif one.replaces is not None and one.replaces not in there:
            why = "which replaces what is left out"
        if why:
            out.append(LeftOut(one.name, one.describe(), day, why))
        else:
            known.append(one)
    return tuple(known), tuple(out)


def _fitting_ties(scenario: Scenario, ties: Sequence[Dependence]) -> tuple[Dependence, ...]:
    """The ties whose names all fit the changes of a scenario."""
    kept: list[Dependence] = []
    for tie in ties:
        try:
            ties_of(scenario.every_change(), [*scenario.every_dependence(), *kept, tie])
        except ScenarioError:
            continue
        kept.append(tie)
    return tuple(kept)


def past_plan(
    asked: ProjectionSpec, spec: PlanSpec, past: Usage, date: PastDate
) -> tuple[BudgetPlan, tuple[LeftOut, ...]]:
    """The plan of a past decision, from what was known, and the changes that did not fit it.

    A change that begins after the span, or is of something that was not used yet, is refused by a plan: it is left out.
    """
    start, end = f"{date.start:%Y-%m-%d}", f"{date.end:%Y-%m-%d}"
    # What is recorded late makes the known usage end earlier; the lag is counted from the day of the decision.
    late = _periods_between(past.end, date.on, monthly=past.grain == "month")
    projection = projected(past, replace(asked, horizon=None, start=start, end=end, lag=max(asked.lag - late, 0)))
    unfit: tuple[LeftOut, ...] = ()
    try:
        made = planned(spec, projection, _workings(spec, projection, spec.draws), 1)
    except ScenarioError:
        spec, unfit = _fitting(spec, projection)
        if not unfit:
            raise
        made = planned(spec, projection, _workings(spec, projection, spec.draws), 1)
    return made, unfit


def _workings(spec: PlanSpec, projection: Projection, draws: int) -> Workings:
    return Workings.of(projection, spec.prices, draws, spec.seed)


def _fitting(spec: PlanSpec, projection: Projection) -> tuple[PlanSpec, tuple[LeftOut, ...]]:
    """The plan's arguments without the changes that do not fit a projection, and those changes."""
    spec = spec.laid
    scenario, kept = spec.scenario, list[str]()
    world, workings = World(_FEW, spec.seed), _workings(spec, projection, _FEW)
    out: list[LeftOut] = []
    for change in scenario.every_change():
        course = Course.of(scenario.only([*kept, change.key]), world)
        try:
            enact(projection, spec.prices, course, world, unpriced=spec.unpriced, workings=workings)
        except ScenarioError as error:
            day = dict(scenario.stated).get(change.key)
            out.append(LeftOut(label_of(change), str(error), day, "which does not fit what was planned then"))
        else:
            kept.append(change.key)
    made = scenario.keeping(kept)
    return replace(spec, scenario=made, dependence=_fitting_ties(made, spec.dependence)), tuple(out)


def _periods_between(last: pd.Timestamp, on: pd.Timestamp, *, monthly: bool) -> int:
    """How many periods lie after the last known one, up to the day of the decision."""
    if monthly:
        whole = on if on.is_month_end else on - pd.offsets.MonthEnd()
        return (whole.year - last.year) * 12 + whole.month - last.month
    return int((on - last.normalize()).days)


def _unshared(split: Split, gone: set[str]) -> Split:
    """The split without a word of lines that are left out."""
    kept = tuple((line, how) for line, how in split.shared if line not in gone)
    if kept == split.shared:
        return split
    made = copy.copy(split)
    object.__setattr__(made, "shared", kept)
    return made


def _beside_tokens(made: BudgetPlan) -> list[str]:
    """That changes bring lines that no usage tells, where they do."""
    ledger = made.ledger
    rows = ledger.demand & (ledger.labels["line"] != TOKENS).to_numpy()
    money = float(ledger.money[:, :, rows].sum(axis=(1, 2)).mean())
    if not rows.any() or not money:
        return []
    names = ", ".join(sorted(set(ledger.labels.loc[rows, "line"].astype(str)))[:5])
    return [f"the budget holds lines of changes that no usage tells ({names}): {money:,.2f} {made.currency} on average"]


def _parts(made: BudgetPlan, came: Costs) -> pd.DataFrame:
    """Budgets of the parts beside what came of each."""
    columns = [split.by for split in made.spec.splits]
    if not columns and len(made.ledger.environments) > 1:
        columns = [ENVIRONMENT]
    tables = [pd.DataFrame({"by": [], "part": [], "budget": [], "actual": []})]
    for column in columns:
        budget = made.table([column])["budget"]
        names = [str(name) for name in budget.index]
        if column not in came.frame and column not in schema.DIMENSIONS:
            continue
        actual = came.by(column, names)
        table = pd.DataFrame({"budget": budget.set_axis(names), "actual": actual}).fillna(0.0).round(2)
        tables.append(table.rename_axis("part").reset_index().assign(by=column)[list(tables[0])])
    return pd.concat([t for t in tables if len(t)] or tables, ignore_index=True)


def _refused(date: PastDate, came: Costs, left_out: tuple[LeftOut, ...], why: str) -> Trial:
    nan = float("nan")
    empty = pd.DataFrame({"by": [], "part": [], "budget": [], "actual": []})
    unknown = dict.fromkeys(("budget", "base", "p10", "p90", "funding", "percentile"), nan)
    return Trial(
        date=date,
        **unknown,
        actual=came.total,
        billed=came.billed,
        to_list=came.to_list,
        rules={},
        parts=empty,
        left_out=left_out,
        notes=came.notes,
        refused=why,
        currency="",
    )
