"""Plan files. Comes in: one TOML file that tells a plan. Goes out: the plan's arguments, checked, and the plan itself.

The tables are ``[plan]``, ``[calendar]``, ``[usage]``, ``[prices]``, ``[forecast]``, ``[scenario]`` with
``[[scenario.changes]]``, ``[[components]]``, ``[[dependence]]`` between them and with the changes, ``[[overrides]]`` by
hand, ``[split]`` and ``[[splits]]``, ``[policy]`` and ``[output]``; only ``[plan]`` and ``[usage]`` are needed. Paths
are relative to the plan file. Wherever an uncertain number is taken, ``{p10 = .., p90 = ..}`` is a range.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Final, get_args

import pandas as pd

from forecast import schema
from forecast.calendars import CALENDAR_YEAR, Calendar
from forecast.cleaning import Cleaning
from forecast.errors import HorizonError, PlanError, TokenplanError, nearest, one_of
from forecast.models import model_of
from forecast.periods import horizon as horizon_of
from forecast.prices import PriceBook
from forecast.projection import Projection, project
from forecast.usage import Usage
from scenarios.budget import plankeys
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.convergence import check_error
from scenarios.budget.ledger import LINE, PERIODS
from scenarios.budget.linekeys import OverrideSource, check_laid_over, components_of, dependence_of, overrides_of
from scenarios.budget.planinputs import PriceSource, UsageSource, input_tables, prices_of, usage_of, workload_columns
from scenarios.budget.planning import plan
from scenarios.budget.policies import BudgetPolicy, policy_of
from scenarios.budget.spec import PlanSpec
from scenarios.budget.splitkeys import splits_of
from scenarios.budget.splits import Split
from scenarios.components import Component
from scenarios.costing import Unpriced
from scenarios.dependence import Dependence
from scenarios.files import checks
from scenarios.files.keys import Keys, Problems, Table, check_keys, checks_of
from scenarios.files.scenario_file import parsed, scenario_of
from scenarios.files.source import ScenarioSource
from scenarios.outcome import DETAIL
from scenarios.scenario import Scenario

#: The version of the plan file's shape that is read.
VERSION: Final = 1
#: How far after the usage a plan may end, in days.
FARTHEST: Final = 10 * 366
#: From this much money on, cents are lost in floating point.
MOST_MONEY: Final = 1e13
#: The most periods that may be left out as incomplete.
MOST_LAG: Final = 400
#: The keys that say what is planned.
SPAN: Final = ("horizon", "start", "end")
#: What a plan file holds beside its plain tables.
LISTS: Final = ("scenario", "components", "dependence", "overrides", "split", "splits", "policy")
_GROUPS: Final = (*PERIODS, LINE, *schema.DIMENSIONS)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFile:
    """A plan as its file tells it.

    Attributes
    ----------
    path : Path
    name : str
    usage : UsageSource
    prices : PriceSource
    forecast : dict
        Arguments of :func:`forecast.project` that the file gives.
    scenario : ScenarioSource
    components : tuple of Component
    dependence : tuple of CommonFactor and RankCorrelation
        What ties components among themselves and with the scenario's changes.
    overrides : tuple of OverrideSource
        Judgements by hand.
    split : Split or several, optional
    policy : BudgetPolicy, optional
        What :meth:`BudgetPlan.under` follows.
    arguments : dict
        ``confidence``, ``draws``, ``error``, ``seed``, ``unpriced`` of :func:`scenarios.plan`, as far as given.
    limit : float, optional
        An amount to show the probability of exceeding.
    by : tuple of str
        How the plan is shown; empty where the file does not say.
    detail : tuple of str
        What tables can be made by.
    """

    path: Path
    name: str
    usage: UsageSource
    prices: PriceSource
    forecast: Mapping[str, Any]
    scenario: ScenarioSource
    components: tuple[Component, ...]
    dependence: tuple[Dependence, ...]
    overrides: tuple[OverrideSource, ...]
    split: Split | tuple[Split, ...] | None
    policy: BudgetPolicy | None
    arguments: Mapping[str, Any]
    limit: float | None
    by: tuple[str, ...]
    detail: tuple[str, ...]

    def with_options(
        self, *, seed: int | None = None, draws: int | None = None, scenario: ScenarioSource | None = None
    ) -> PlanFile:
        """The same plan with another seed (of forecast and draws alike), number of draws, or scenario."""
        forecast = {k: v for k, v in self.forecast.items() if k != "seed" or seed is None}
        given = {k: v for k, v in (("seed", seed), ("draws", draws)) if v is not None}
        return replace(
            self, forecast=forecast, arguments={**self.arguments, **given}, scenario=scenario or self.scenario
        )

    def shown_by(self, by: Iterable[str]) -> PlanFile:
        """The same plan, shown by other columns."""
        chosen = tuple(by)
        return replace(self, by=chosen, detail=detail_for(chosen, self.detail))

    def project(self, usage: Usage) -> Projection:
        """Project the usage as the file asks."""
        chosen = {"seed": self.arguments.get("seed", 0), "by": workload_columns(usage), **self.forecast}
        calendar = self.forecast.get("calendar", CALENDAR_YEAR)
        check_reach(usage, **{k: self.forecast.get(k) for k in SPAN}, calendar=calendar)
        return project(usage, **chosen)

    def plan(self, projection: Projection, prices: PriceBook) -> BudgetPlan:
        """Plan the budget as the file asks.

        Raises
        ------
        PlanError
            The total cannot be told to the cent: a rate or price in the file is far too high.
        """
        start = projection.span.start
        made = plan(
            projection,
            prices=prices,
            scenario=self.scenario.scenario(start),
            overrides=[one.override(start) for one in self.overrides],
            components=self.components,
            dependence=self.dependence,
            split=self.split,
            detail=self.detail,
            **self.arguments,
        )
        most = float(made.totals.max())
        if not most < MOST_MONEY:
            raise PlanError(
                f"the total reaches {most:.3g} {made.currency}; look for a growth or price that is too high"
            )
        return made

    def groups(self, made: BudgetPlan) -> tuple[str, ...]:
        """How the plan is shown: as the file says, else by month, and by environment where there are several."""
        return self.by or (("month", "environment") if len(made.ledger.environments) > 1 else ("month",))


def read_plan_file(path: str | Path) -> PlanFile:
    """Read and check a plan file.

    Raises
    ------
    PlanError
        The file cannot be read, or keys or values in it do not hold; every problem is listed with its key path.
    """
    return plan_told(parsed(Path(path), PlanError), Path(path))


def plan_told(document: Table, path: Path) -> PlanFile:
    """What the parsed document of a plan file says; ``path`` names it, and is what paths in it are relative to.

    Raises
    ------
    PlanError
        Keys or values do not hold; every problem is listed with its key path.
    """
    file, document = path, dict(document)
    problems = Problems(str(path), PlanError)
    version = document.pop("version", VERSION)
    if type(version) is not int or not 1 <= version <= VERSION:
        newer = type(version) is int and version > VERSION
        mend = "the file is of a newer one: upgrade it" if newer else f"write version = {VERSION}, or leave it out"
        raise PlanError(f"{path}: version = {checks.shown(version)}: this tokenplan reads version {VERSION}; {mend}")
    tables = plain_tables(file.parent)
    owners: dict[str, Iterable[str]] = {**tables, "scenario": ("use", "changes", "dependence", "branches")}
    every = (*tables, *LISTS)
    for name in document:
        if name not in every:
            at = next((f"; it belongs in [{t}]" for t, known in owners.items() if name in known), "")
            near = nearest(name, every)
            problems.add(name, f"is not a table of a plan file{at or near or '; there are ' + ', '.join(every)}")
    held = {
        name: check_keys(document.get(name, {}), known, name, problems, elsewhere=owners)
        for name, known in tables.items()
    }
    _whole_plan(document.get("plan", {}), problems)
    usage = usage_of(document.get("usage", {}), held["usage"], file.parent, problems)
    prices = prices_of(held["prices"], file.parent, problems)
    scenario = scenario_of(document.get("scenario", {}), problems, folder=file.parent)
    calendar = _calendar(document.get("calendar", {}), held["calendar"], problems)
    components = components_of(document.get("components", []), problems)
    dependence = dependence_of(document.get("dependence", []), problems)
    overrides = overrides_of(document.get("overrides", []), problems)
    split = splits_of(document.get("split"), document.get("splits"), problems)
    policy = policy_of(document.get("policy"), problems)
    check_laid_over(scenario, components, overrides, problems)
    problems.tell()
    assert usage is not None
    settings, shown, forecast = held["plan"], held["output"], held["forecast"]
    cleaning = {"cleaning": cleaning_of(forecast["cleaning"])} if "cleaning" in forecast else {}
    span = {k: v for k, v in settings.items() if k in SPAN}
    by = tuple(shown.get("by", ()))
    return PlanFile(
        path=file,
        name=settings.get("name", file.stem),
        usage=usage,
        prices=prices,
        forecast={**span, **calendar, **forecast, **cleaning},
        scenario=scenario,
        components=components,
        dependence=dependence,
        overrides=overrides,
        split=split,
        policy=policy,
        arguments={k: settings[k] for k in ("confidence", "draws", "error", "seed", "unpriced") if k in settings},
        limit=settings.get("limit"),
        by=by,
        detail=detail_for(by, shown.get("detail")),
    )


def detail_for(by: tuple[str, ...], detail: Iterable[str] | None = None) -> tuple[str, ...]:
    """The columns that a plan keeps apart so that it can be shown ``by`` some."""
    return tuple(dict.fromkeys((*(detail or DETAIL), *(c for c in by if c in schema.DIMENSIONS))))


def plain_tables(folder: Path) -> dict[str, Keys]:
    """Keys of the plain tables, and the check of each."""
    spec = PlanSpec(PriceBook(()), Scenario(), (), None, 0.8, 10_000, 0, "refuse", ())
    return {
        "plan": {
            "name": checks.text,
            "horizon": checks.accepted_by(check_horizon),
            "start": checks.day,
            "end": checks.day,
            "confidence": checks.accepted_by(lambda v: replace(spec, confidence=v)),
            "draws": lambda v: None if v == "auto" else _draws(spec, v),
            "error": checks.both(checks.number, checks.accepted_by(check_error)),
            "seed": checks.whole,
            "limit": checks.number,
            "unpriced": checks.choice(*get_args(Unpriced)),
        },
        "calendar": checks_of(Calendar),
        **input_tables(folder),
        "forecast": {
            "model": checks.both(checks.text, checks.accepted_by(model_of)),
            "by": plankeys.names_in(schema.DIMENSIONS),
            "lag": checks.count(0, MOST_LAG),
            "seed": checks.whole,
            "max_series": checks.count(1, 100_000),
            "trajectories": checks.count(20, 20_000),
            "cleaning": checks.accepted_by(cleaning_of),
        },
        "output": {"by": plankeys.names_in(_GROUPS), "detail": plankeys.names_in(schema.DIMENSIONS)},
    }


def _draws(spec: PlanSpec, value: object) -> str | None:
    """What is wrong with a number of draws."""
    wrong = checks.both(checks.whole, checks.accepted_by(lambda v: replace(spec, draws=v)))(value)
    return wrong if wrong is None or not isinstance(value, str) else f'{wrong}, or "auto"'


def _whole_plan(table: object, problems: Problems) -> None:
    """What the keys of ``[plan]`` must hold together: one span."""
    given = [k for k in SPAN if k in table] if isinstance(table, dict) else []
    if not given:
        problems.add("plan.horizon", 'is missing: say what is planned, such as "2Q", or give start and end')
    elif given not in (["horizon"], ["start", "end"]):
        problems.add("plan", f"{' and '.join(given)}: give the span either as horizon, or as start and end")
    if isinstance(table, dict) and "error" in table and table.get("draws") != "auto":
        problems.add("plan.error", 'is what draws = "auto" is to reach; write that too, or leave error out')


def _calendar(table: Table, held: Table, problems: Problems) -> dict[str, Calendar]:
    """The fiscal calendar, as an argument of the projection; none where the file does not tell one."""
    if not held or len(held) < len(table):
        return {}
    try:
        return {"calendar": Calendar(**held)}
    except TokenplanError as error:
        problems.add("calendar", str(error))
        return {}


def cleaning_of(value: object) -> Cleaning | None:
    """How the history is cleaned: true, false, or a table of the arguments of :class:`forecast.Cleaning`."""
    if isinstance(value, bool):
        return Cleaning() if value else None
    if not isinstance(value, dict):
        raise PlanError(f"{checks.shown(value)}: wanted true, false, or a table such as {{ spikes = false }}")
    for name in value:
        one_of("key", name, [f.name for f in fields(Cleaning)], PlanError)
    return Cleaning(**value)


def check_horizon(value: str | int) -> None:
    """Refuse a horizon that cannot be read, or is longer than a plan may reach."""
    start = pd.Timestamp("2000-01-01")
    try:
        span = horizon_of(start, freq="D", span=value)
    except (OverflowError, pd.errors.OutOfBoundsDatetime) as cause:
        raise HorizonError(f"horizon {value!r} is longer than the calendar") from cause
    if (span.end - span.start).days > FARTHEST:
        raise HorizonError(f"horizon {value!r} is longer than {FARTHEST // 366} years; plan a shorter one")


def check_reach(
    usage: Usage,
    *,
    horizon: str | int | None = None,
    start: str | None = None,
    end: str | None = None,
    calendar: Calendar = CALENDAR_YEAR,
) -> None:
    """Refuse a span that ends more years after the usage than anything can be forecast for."""
    last = usage.end.normalize()
    try:
        freq = "MS" if usage.grain == "month" else "D"
        span = horizon_of(last, freq=freq, span=horizon, start=start, end=end, calendar=calendar)
    except HorizonError:
        return  # told by the projection, which knows how many of the last periods are incomplete
    if (span.end - last).days > FARTHEST:
        raise HorizonError(
            f"the plan ends on {span.end:%Y-%m-%d}, more than {FARTHEST // 366} years after the usage, which ends on "
            f"{last:%Y-%m-%d}; plan a nearer span"
        )
