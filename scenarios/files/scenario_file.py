"""Scenarios told in TOML. Comes in: tables of changes, or a shipped one's name. Goes out: a Scenario."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import pandas as pd

from forecast.errors import ScenarioError, TokenplanError, nearest, one_of
from scenarios.changes import KINDS
from scenarios.files.checks import START, text
from scenarios.files.keys import Keys, Problems, Table, built, check_keys, plain
from scenarios.scenario import Scenario

SUFFIX: Final = ".toml"
#: Stands in for the plan's first day where a scenario is checked before that day is known.
SOME_DAY: Final = "2000-01-01"


@dataclass(frozen=True, slots=True)
class ScenarioSource:
    """A scenario as it was written.

    Attributes
    ----------
    name : str
    changes : tuple of dict
        One table a change; dates may be ``"start"``, the plan's first day.
    description : str
    """

    name: str = "as forecast"
    changes: tuple[Table, ...] = ()
    description: str = ""

    def scenario(self, start: pd.Timestamp) -> Scenario:
        """The scenario of a plan whose first day is ``start``."""
        first = f"{start:%Y-%m-%d}"
        return Scenario(self.name, [_change(table, first) for table in self.changes], self.description)


def _change(table: Table, start: str) -> Any:
    own = {k: start if k == "on" and v == START else v for k, v in table.items() if k != "kind"}
    maker: type[Any] = KINDS[table["kind"]]
    return maker(**own)


def shipped_scenarios() -> dict[str, Path]:
    """The scenarios that ship with the library: name → file."""
    folder = Path(str(files("scenarios"))) / "library"
    return {path.stem: path for path in sorted(folder.glob(f"*{SUFFIX}"))}


def shipped_scenario(name: str) -> ScenarioSource:
    """A shipped scenario by its name.

    Raises
    ------
    ScenarioError
        There is none of that name; the message lists those there are, and the nearest.
    """
    shipped = shipped_scenarios()
    one_of("scenario", name, shipped, ScenarioError)
    return read_scenario(shipped[name])


def read_scenario(path: Path) -> ScenarioSource:
    """A scenario from a file of its own: title, description, source, then ``[[changes]]``.

    Raises
    ------
    ScenarioError
        The file cannot be read, or a key or change does not hold; every problem is listed.
    """
    problems = Problems(str(path))
    held = check_keys(parsed(path), {"title": text, "description": text, "source": text, "changes": _any}, "", problems)
    for missing in [k for k in ("title", "description", "source", "changes") if k not in held]:
        problems.add(missing, "is missing: a scenario says what it is, why, and where its numbers come from")
    changes = checked_changes(held.get("changes", []), "changes", problems)
    problems.tell()
    return ScenarioSource(path.stem, changes, held["description"])


def scenario_of(table: object, problems: Problems) -> ScenarioSource:
    """The ``[scenario]`` of a plan file; its changes come after those of the shipped scenario that it uses."""
    keys: Keys = {"name": text, "description": text, "use": text, "changes": _any}
    held = check_keys(table, keys, "scenario", problems)
    base = ScenarioSource()
    if "use" in held:
        try:
            base = shipped_scenario(held["use"])
        except TokenplanError as error:
            problems.add("scenario.use", str(error))
    own = checked_changes(held.get("changes", []), "scenario.changes", problems)
    name = held.get("name", base.name if base.changes or not own else "scenario")
    made = ScenarioSource(name, (*base.changes, *own), held.get("description", base.description))
    if not problems.found:
        try:
            made.scenario(pd.Timestamp(SOME_DAY))
        except ScenarioError as error:
            problems.add("scenario", str(error))
    return made


def checked_changes(tables: object, path: str, problems: Problems) -> tuple[Table, ...]:
    """The tables of changes, each checked by making it once."""
    if not isinstance(tables, list):
        problems.add(path, f"wanted a list of tables; write [[{path}]] before each change")
        return ()
    for i, table in enumerate(tables, start=1):
        dated = (
            {k: SOME_DAY if k == "on" and v == START else v for k, v in table.items()}
            if isinstance(table, dict)
            else table
        )
        built(dated, KINDS, f"{path}[{i}]", problems)
    return tuple(tables)


def parsed(path: Path, error: type[TokenplanError] = ScenarioError) -> Table:
    """A TOML file's document, its dates as text.

    Raises
    ------
    ScenarioError, or the ``error`` of the file's own kind
        The file is absent, a folder, not UTF-8 or not well-formed TOML.
    """
    if not path.exists():
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise error(f"{path}: there is no such file{nearest(path.name, beside)}")
    if path.is_dir():
        raise error(f"{path}: is a folder; name one TOML file")
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError as cause:
        raise error(f"{path}: is not UTF-8 text (byte {cause.start}); save it as UTF-8") from cause
    except (ValueError, RecursionError) as cause:
        raise error(f"{path}: is not well-formed TOML: {str(cause)[:200]}; mend that place") from cause
    return dict(plain(document))


def _any(value: object) -> None:
    """A value that is checked elsewhere."""
