"""Back to files. Comes in: a Scenario, or parts of a plan. Goes out: TOML text that is read to an equal one."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from forecast.errors import ScenarioError
from forecast.ranges import Between, Distribution
from scenarios.changes import Change
from scenarios.files.keys import plain
from scenarios.files.kinds import CHANGES, TIES, Kinds
from scenarios.files.scenario_file import STATED, scenario_told
from scenarios.scenario import Scenario


def written(scenario: Scenario, head: Mapping[str, object]) -> str:
    """The text of a scenario's file, read back and compared; ``head`` is what stands above its changes.

    Raises
    ------
    ScenarioError
        As :func:`scenarios.dump`.
    """
    lines = [f"{key} = {value_told(value, key)}" for key, value in head.items() if value is not None]
    if not (scenario.changes or scenario.branches):
        lines.append("changes = []")
    text = "\n".join([*lines, *body_told(scenario, "")]) + "\n"
    _check_same(scenario, text)
    return text


def _check_same(scenario: Scenario, text: str) -> None:
    back = scenario_told(dict(plain(tomllib.loads(text))), Path(f"{scenario.name}.toml")).scenario(None)
    for own, read in zip(scenario.changes, back.changes, strict=True):
        if own != read:
            raise ScenarioError(f"scenario {scenario.name!r}: {own!r} would come back from a file as {read!r}")
    if back != scenario or _days(back) != _days(scenario):
        raise ScenarioError(f"scenario {scenario.name!r}: would come back from a file as {back!r}")


def _days(scenario: Scenario) -> list[tuple[str, pd.Timestamp]]:
    """When its changes and those of its branches were stated."""
    return [*scenario.stated, *(day for _, branch in scenario.branches for day in _days(branch))]


def body_told(scenario: Scenario, path: str) -> list[str]:
    """The lines of its changes, dependences and branches."""
    lines: list[str] = []
    stated = dict(scenario.stated)
    for i, change in enumerate(scenario.changes, start=1):
        lines += ["", f"[[{path}changes]]", *change_told(change, f"{path}changes[{i}]")]
        lines += [f"{STATED} = {stated[change.key]:%Y-%m-%d}"] if change.key in stated else []
    for i, tie in enumerate(scenario.dependence, start=1):
        lines += ["", f"[[{path}dependence]]", *kind_told(tie, TIES, f"{path}dependence[{i}]")]
    for weight, branch in scenario.branches:
        head = {"weight": weight, "name": branch.name, "description": branch.description}
        lines += ["", f"[[{path}branches]]", *(f"{key} = {value_told(value, key)}" for key, value in head.items())]
        lines += body_told(branch, f"{path}branches.")
    return lines


def lines_told(told: Mapping[str, str]) -> list[str]:
    """A line a key."""
    return [f"{name} = {value}" for name, value in told.items()]


def change_told(change: Change, path: str) -> list[str]:
    """The lines of one change."""
    return [f"kind = {_text(CHANGES.name_of(change))}", *lines_told(fields_told(change, path))]


def kind_told(one: Any, kinds: Mapping[str, type[Any]], path: str) -> list[str]:
    """The lines of what is of one of some kinds.

    Raises
    ------
    TokenplanError
        It is of none of them, or a value cannot be written.
    """
    if isinstance(kinds, Kinds):
        kind: str | None = kinds.name_of(one)
    else:
        kind = next((name for name, maker in kinds.items() if type(one) is maker), None)
    if kind is None:
        raise ScenarioError(f"{path}: {type(one).__name__} is no kind that a file may name; keep it in Python")
    return [f"kind = {_text(kind)}", *lines_told(fields_told(one, path))]


def fields_told(one: Any, path: str) -> dict[str, str]:
    """The fields of a dataclass that have not their default, as TOML."""
    held = {f.name: getattr(one, f.name) for f in fields(one) if f.init and not _is_default(f, getattr(one, f.name))}
    return {name: value_told(value, f"{path}.{name}") for name, value in held.items()}


def _is_default(one: Field[Any], value: object) -> bool:
    """Whether a field may be left out: None is, since a file cannot say it."""
    default = one.default_factory() if one.default_factory is not MISSING else one.default
    return value is None or (type(value) is type(default) and bool(value == default))


def value_told(value: Any, path: str) -> str:
    """A value as TOML."""
    if isinstance(value, dt.date):  # a Timestamp too
        return f"{value:%Y-%m-%d}"
    if isinstance(value, Between):
        return _table({"p10": _number(value.low, path), "p90": _number(value.high, path)})
    if isinstance(value, bool | int | float | np.generic):
        return _number(value, path)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Distribution):
        raise ScenarioError(
            f"{path}: a frozen distribution cannot be written to a file; state it as a number or between(low, high), "
            "or keep the scenario in Python"
        )
    return _holder(value, path)


def _holder(value: Any, path: str) -> str:
    """A value that holds others, as TOML."""
    if isinstance(value, Mapping) and any(isinstance(k, tuple) for k in value):
        return value_told([[*k, v] for k, v in value.items()], path)
    if isinstance(value, Mapping):
        return _table({_told_key(k): value_told(v, f"{path}.{_told_key(k)}") for k, v in value.items()})
    if is_dataclass(value) and not isinstance(value, type):
        return _table(_kind_of_rule(value) | fields_told(value, path))
    if isinstance(value, Collection):
        return "[" + ", ".join(value_told(v, f"{path}[{i}]") for i, v in enumerate(value, start=1)) + "]"
    raise ScenarioError(f"{path}: {type(value).__name__} cannot be written to a file; keep the scenario in Python")


def _kind_of_rule(value: object) -> dict[str, str]:
    """The kind that a pricing rule's table names; empty for other dataclasses."""
    from forecast.prices.billing import KINDS as RULES

    kind = next((name for name, maker in RULES.items() if type(value) is maker), None)
    return {} if kind is None else {"kind": _text(kind)}


def _told_key(key: object) -> str:
    return f"{key:%Y-%m-%d}" if isinstance(key, dt.date | pd.Timestamp) else str(key)


def _table(cells: Mapping[str, str]) -> str:
    told = ", ".join(f"{k if re.fullmatch(r'[A-Za-z0-9_-]+', k) else _text(k)} = {v}" for k, v in cells.items())
    return f"{{ {told} }}" if told else "{}"


def _number(value: Any, path: str) -> str:
    """A number as TOML, exact: the shortest decimal that is read to the same floating-point number."""
    plainly = value.item() if isinstance(value, np.generic) else value
    if isinstance(plainly, bool):
        return "true" if plainly else "false"
    if isinstance(plainly, float) and not math.isfinite(plainly):
        raise ScenarioError(f"{path}: {plainly} cannot be written to a file; wanted a finite number")
    return repr(plainly)


def _text(text: str) -> str:
    """A TOML string: JSON's escapes are among TOML's, which wants DEL escaped too."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
