"""Scenarios back to files. Comes in: a Scenario. Goes out: TOML text that loads to an equal one."""

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
from scenarios.files.kinds import TIES, kind_in_file
from scenarios.files.scenario_file import STATED, scenario_told
from scenarios.scenario import Scenario


def written(scenario: Scenario, head: Mapping[str, object]) -> str:
    """The text of a scenario's file, read back and compared; ``head`` is what stands above its changes.

    Raises
    ------
    ScenarioError
        As :func:`scenarios.dump`.
    """
    lines = [f"{key} = {_value(value, key)}" for key, value in head.items() if value is not None]
    if not (scenario.changes or scenario.branches):
        lines.append("changes = []")
    text = "\n".join([*lines, *_body(scenario, "")]) + "\n"
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


def _body(scenario: Scenario, path: str) -> list[str]:
    """The lines of its changes, dependences and branches."""
    lines: list[str] = []
    stated = dict(scenario.stated)
    for i, change in enumerate(scenario.changes, start=1):
        lines += ["", f"[[{path}changes]]", *_change(change, f"{path}changes[{i}]")]
        lines += [f"{STATED} = {stated[change.key]:%Y-%m-%d}"] if change.key in stated else []
    for i, tie in enumerate(scenario.dependence, start=1):
        told = _fields(tie, f"{path}dependence[{i}]")
        kind = next(name for name, maker in TIES.items() if isinstance(tie, maker))
        lines += ["", f"[[{path}dependence]]", f"kind = {_text(kind)}", *_lines(told)]
    for weight, branch in scenario.branches:
        head = {"weight": weight, "name": branch.name, "description": branch.description}
        lines += ["", f"[[{path}branches]]", *(f"{key} = {_value(value, key)}" for key, value in head.items())]
        lines += _body(branch, f"{path}branches.")
    return lines


def _lines(told: Mapping[str, str]) -> list[str]:
    return [f"{name} = {value}" for name, value in told.items()]


def _change(change: Change, path: str) -> list[str]:
    """The lines of one change."""
    return [f"kind = {_text(kind_in_file(change))}", *_lines(_fields(change, path))]


def _fields(one: Any, path: str) -> dict[str, str]:
    """The fields of a dataclass that have not their default, as TOML."""
    held = {f.name: getattr(one, f.name) for f in fields(one) if f.init and not _is_default(f, getattr(one, f.name))}
    return {name: _value(value, f"{path}.{name}") for name, value in held.items()}


def _is_default(one: Field[Any], value: object) -> bool:
    """Whether a field may be left out: None is, since a file cannot say it."""
    default = one.default_factory() if one.default_factory is not MISSING else one.default
    return value is None or (type(value) is type(default) and bool(value == default))


def _value(value: Any, path: str) -> str:
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
        return _value([[*k, v] for k, v in value.items()], path)
    if isinstance(value, Mapping):
        return _table({_told_key(k): _value(v, f"{path}.{_told_key(k)}") for k, v in value.items()})
    if is_dataclass(value) and not isinstance(value, type):
        return _table(_kind_of_rule(value) | _fields(value, path))
    if isinstance(value, Collection):
        return "[" + ", ".join(_value(v, f"{path}[{i}]") for i, v in enumerate(value, start=1)) + "]"
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
