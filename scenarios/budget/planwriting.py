"""Plans back to files. Comes in: a plan. Goes out: a plan file that is read to the same arguments.

What a plan does not know of itself, such as how its usage was read from which file, is told by whoever writes it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from forecast.calendars import CALENDAR_YEAR
from forecast.errors import PlanError, TokenplanError
from scenarios.budget.judging import Override
from scenarios.budget.planfile import VERSION, PlanFile, plan_told
from scenarios.budget.policies import BudgetPolicy
from scenarios.budget.splits import Split
from scenarios.changes import Change
from scenarios.components.kinds import COMPONENTS
from scenarios.files.keys import plain
from scenarios.files.kinds import TIES
from scenarios.files.writing import body_told, change_told, fields_told, kind_told, lines_told, value_told

if TYPE_CHECKING:
    from scenarios.budget.budget_plan import BudgetPlan

#: Arguments of a projection that ``[plan]`` holds, and those that ``[forecast]`` does.
_SPAN: Final = ("horizon", "start", "end")
_FORECAST: Final = ("model", "by", "lag", "seed", "max_series", "trajectories")
_PLAN: Final = ("confidence", "draws", "seed", "unpriced")


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What a plan does not know of itself: the tables ``[usage]`` and ``[prices]`` of its file, and a policy."""

    usage: Mapping[str, Any] | None
    prices: Mapping[str, Any]
    policy: BudgetPolicy | None = None


def plan_text_of(plan: BudgetPlan, path: Path, beside: Beside) -> str:
    """The text of a plan's file, read back as if it stood at ``path``, and compared.

    Raises
    ------
    PlanError
        A value cannot be written, such as a model of one's own or a frozen distribution; or what is read back, its
        usage and prices among it, is not the same.
    """
    try:
        text = "\n".join(_lines(plan, beside)).lstrip() + "\n"
        told = plan_told(dict(plain(tomllib.loads(text))), path)
        _check_same(plan, told, beside)
    except TokenplanError as error:
        raise PlanError(f"this plan cannot be told by {path.name}: {error}") from error
    return text


def _read_from(plan: BudgetPlan) -> dict[str, Any]:
    """The table ``[usage]`` of a plan whose usage was read from one file."""
    source = plan.projection.usage.source
    if not (path := Path(source)).exists():
        raise PlanError(
            f"its usage was read from no file that is there ({source}); write usage.frame to one, and name it: "
            'to_toml(path, usage={"file": "usage.csv"})'
        )
    return {"file": str(path.absolute())}


def _lines(plan: BudgetPlan, beside: Beside) -> list[str]:
    """The lines of the whole file."""
    spec, asked = plan.spec, plan.projection.spec
    if not isinstance(asked.model, str):
        raise PlanError(f"forecast.model: {asked.model.name!r} is an object of Python; a file names one of the shelf")
    span = {name: getattr(asked, name) for name in _SPAN}
    lines = [f"version = {VERSION}", *_table("plan", span | {name: getattr(spec, name) for name in _PLAN})]
    if asked.calendar != CALENDAR_YEAR:
        lines += ["", "[calendar]", *lines_told(fields_told(asked.calendar, "calendar"))]
    lines += _table("usage", beside.usage if beside.usage is not None else _read_from(plan)) + _table(
        "prices", beside.prices
    )
    lines += _table("forecast", {name: getattr(asked, name) for name in _FORECAST})
    cleaning = "false" if asked.cleaning is None else value_told(asked.cleaning, "forecast.cleaning")
    lines += [] if cleaning == "{}" else [f"cleaning = {cleaning}"]
    named = {"name": spec.scenario.name, "description": spec.scenario.description}
    lines += [*_table("scenario", named), *body_told(spec.scenario, "scenario.")]
    for i, component in enumerate(spec.components, start=1):
        lines += ["", "[[components]]", *kind_told(component, COMPONENTS, f"components[{i}]")]
    for i, tie in enumerate(spec.dependence, start=1):
        lines += ["", "[[dependence]]", *kind_told(tie, TIES, f"dependence[{i}]")]
    for i, override in enumerate(spec.overrides, start=1):
        lines += _override(override, f"overrides[{i}]")
    lines += _splits(spec.splits)
    if beside.policy is not None:
        lines += ["", "[policy]", *lines_told(fields_told(beside.policy, "policy"))]
    return [*lines, *_table("output", {"detail": list(spec.detail)})]


def _table(name: str, values: Mapping[str, Any]) -> list[str]:
    """A table of the values that are not None."""
    told = {key: value_told(value, f"{name}.{key}") for key, value in values.items() if value is not None}
    return ["", f"[{name}]", *lines_told(told)]


def _override(override: Override, path: str) -> list[str]:
    """One override, and what it lays over the plan."""
    said = {f.name: getattr(override, f.name) for f in fields(override) if f.name != "what"}
    told = {key: value_told(value, f"{path}.{key}") for key, value in said.items() if value is not None}
    head = ["", "[[overrides]]", *lines_told(told)]
    if isinstance(override.what, Change):
        return [*head, "[overrides.change]", *change_told(override.what, f"{path}.change")]
    return [*head, "[overrides.component]", *kind_told(override.what, COMPONENTS, f"{path}.component")]


def _splits(splits: Sequence[Split]) -> list[str]:
    """The splits, in order; those that are not said have no line."""
    lines: list[str] = []
    for i, split in enumerate(splits, start=1):
        ranges = {part: [low, high] for part, low, high in split.ranges}
        words = {name: getattr(split, name) for name in ("by", "rest", "basis", "days", "most")}
        told = {name: value_told(value, f"splits[{i}].{name}") for name, value in words.items()}
        for name, value in (("ranges", ranges), ("shared", dict(split.shared))):
            told |= {name: value_told(value, f"splits[{i}].{name}")} if value else {}
        lines += ["", "[[splits]]", *lines_told(told)]
    return lines


def _check_same(plan: BudgetPlan, told: PlanFile, beside: Beside) -> None:
    """Refuse a file that would be read to something else than the plan that it was written from.

    Raises
    ------
    PlanError, UsageError, PriceError
        With what differs.
    """
    spec, asked, start = plan.spec, plan.projection.spec, plan.projection.span.start
    splits = () if told.split is None else told.split if isinstance(told.split, tuple) else (told.split,)
    back = {
        "scenario": (told.scenario.scenario(start), spec.scenario),
        "components": (told.components, spec.components),
        "dependence": (told.dependence, spec.dependence),
        "overrides": (tuple(one.override(start) for one in told.overrides), spec.overrides),
        "split": ([_parts(split) for split in splits], [_parts(split) for split in spec.splits]),
        "policy": (told.policy, beside.policy),
        "detail": (told.detail, spec.detail),
        **{name: (told.arguments.get(name), getattr(spec, name)) for name in _PLAN},
    }
    default = {f.name: f.default for f in fields(asked)}
    for name in (*_SPAN, *_FORECAST, "calendar", "cleaning"):
        read = told.forecast.get(name, default[name])
        back[name] = (tuple(read) if isinstance(read, list) else read, getattr(asked, name))
    for name, (read, own) in back.items():
        if read != own:
            raise PlanError(f"{name} would come back as {read!r}, not as {own!r}")
    usage = told.usage.read()
    if usage.sha256 != plan.projection.usage.sha256:
        raise PlanError("[usage] reads other usage than the plan's; say how it was read: usage={'file': .., ..}")
    if told.prices.book().sha256 != spec.prices.sha256:
        raise PlanError("[prices] reads other prices than the plan's; say whence they are: prices={'files': [..], ..}")


def _parts(split: Split) -> list[object]:
    """What a split says, whichever class says it."""
    return [getattr(split, f.name) for f in fields(Split)]
