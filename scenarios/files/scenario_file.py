"""Scenarios told in TOML. Comes in: a file, or a shipped one's name. Goes out: what it says, checked; then a Scenario.

A file says what it is, why, and where its numbers come from; then its changes::

    title = "Launch of the assistant"
    author = "FinOps"                     # may be left out
    source = "Rates of the pilot, 2026-03 to 2026-08."
    date = 2026-11-28                     # when it was written; may be left out
    description = "What the launch would add in its first year."
    use = "steady-growth"                 # a shipped scenario or another file; what differs follows

    [[changes]]
    kind = "price_change"
    model = "gpt-5*"
    on = "start + 2 months"               # or a date
    by = { p10 = -0.40, p90 = -0.20 }
    stated_on = 2026-11-20                # when somebody first said so; what a track record goes by; may be left out

    [[dependence]]                        # what moves together; each on its own where there is none
    kind = "common_factor"
    name = "adoption"
    loadings = { growth = 0.8, price_change = -0.3 }

    [[branches]]                          # one of several, drawn by its weight; weights sum to 1
    weight = 0.6
    use = "standstill"

    [[branches]]
    weight = 0.4
    name = "boom"
    [[branches.changes]]
    kind = "growth"
    monthly = 0.15

Changes follow those of the scenario in ``use``; one with the same ``key`` (the same thing, by another size) takes that
one's place.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import pandas as pd

from forecast.errors import ScenarioError, TokenplanError, nearest, one_of
from scenarios.files.checks import day, number, text
from scenarios.files.days import SOME_DAY
from scenarios.files.keys import Keys, Problems, Table, built, check_keys, plain
from scenarios.files.kinds import CHANGES, TIES
from scenarios.files.source import ScenarioSource

SUFFIX: Final = ".toml"
#: The key of a change's table that says when it was stated.
STATED: Final = "stated_on"
_NEEDED: Final = ("title", "description", "source")


def _any(value: object) -> None:
    """A value that is checked elsewhere."""


def _words(value: object) -> str | None:
    """Text, which may be blank."""
    return None if isinstance(value, str) else text(value)


#: What a scenario is made of, in a file of its own, in a plan file, and as a branch.
BODY: Final[Keys] = {
    "name": text,
    "description": _words,
    "use": text,
    "changes": _any,
    "dependence": _any,
    "branches": _any,
}


def shipped_scenarios() -> dict[str, Path]:
    """The scenarios that ship with the library: name → file."""
    folder = Path(str(files("scenarios"))) / "library"
    return {path.stem: path for path in sorted(folder.glob(f"*{SUFFIX}"))}


def scenario_source(
    source: str | Path,
    *,
    folder: Path | None = None,
    start: pd.Timestamp | None = None,
    using: tuple[Path, ...] = (),
) -> ScenarioSource:
    """What a scenario says: a file's, or that of the shipped one of a name.

    Parameters
    ----------
    source : str or Path
        A path, or text with ``.toml`` at its end or a ``/`` in it, is a file; other text is a shipped scenario's name.
    folder : Path, optional
        What paths are relative to: that of the file which names it.
    start : Timestamp, optional
        The plan's first day, where it is known.
    using : tuple of Path
        The files which use it.

    Raises
    ------
    ScenarioError
        There is none; or what it says does not hold.
    """
    if isinstance(source, str) and not (source.endswith(SUFFIX) or "/" in source or "\\" in source):
        shipped = shipped_scenarios()
        if source not in shipped and Path(folder or "", source + SUFFIX).is_file():
            raise ScenarioError(f"scenario {source!r} is no shipped one; for the file write {source + SUFFIX!r}")
        one_of("scenario", source, shipped, ScenarioError)
        return read_scenario(shipped[source], start=start, using=using)
    return read_scenario(Path(folder or "", Path(source).expanduser()), start=start, using=using)


def read_scenario(path: Path, *, start: pd.Timestamp | None = None, using: tuple[Path, ...] = ()) -> ScenarioSource:
    """What a scenario file says.

    Raises
    ------
    ScenarioError
        The file cannot be read, or a key or change does not hold; every problem is listed.
    """
    if path.resolve() in using:
        raise ScenarioError(f"{path}: uses itself, by way of {' and '.join(p.name for p in using)}")
    return scenario_told(parsed(path), path, start=start, using=(*using, path.resolve()))


def scenario_told(
    document: Table, path: Path, *, start: pd.Timestamp | None = None, using: tuple[Path, ...] = ()
) -> ScenarioSource:
    """What the parsed document of a scenario file says; ``path`` names it, and is what it uses relative to.

    Raises
    ------
    ScenarioError
        A key or change does not hold; every problem is listed.
    """
    problems = Problems(str(path))
    texts: Keys = dict.fromkeys(("title", "author", "source"), text)
    held = check_keys(document, {**texts, "date": day, **BODY}, "", problems)
    for missing in [k for k in _NEEDED if k not in document]:
        problems.add(missing, "is missing: a scenario says what it is, why, and where its numbers come from")
    if not {"changes", "use", "branches"} & set(document):
        problems.add("changes", "is missing: write [[changes]] before each change, or use = a scenario")
    said = Said(path.parent, start, using)
    body = said.body(held, "", problems)
    told = {k: held[k] for k in ("title", "author", "source", "date") if k in held}
    made = replace(body, name=held.get("name", path.stem), where=str(path), **told)
    _check_whole(made, start, "", problems)
    problems.tell()
    return made


def scenario_of(table: object, problems: Problems, *, folder: Path) -> ScenarioSource:
    """The ``[scenario]`` of a plan file in ``folder``; its changes follow those of the scenario that it uses."""
    held = check_keys(table, BODY, "scenario", problems)
    made = Said(folder).body(held, "scenario", problems)
    if "name" not in held:
        empty = not (made.own or made.branches)
        made = replace(made, name=made.base.name if made.base else ScenarioSource().name if empty else "scenario")
    if "description" not in held and made.base:
        made = replace(made, description=made.base.description)
    _check_whole(made, None, "scenario", problems)
    return made


@dataclass(frozen=True, slots=True)
class Said:
    """The tables of one file, as they are read.

    Attributes
    ----------
    folder : Path
        What paths in it are relative to.
    start : Timestamp, optional
        The plan's first day, where it is known.
    using : tuple of Path
        The files which use it, and itself.
    """

    folder: Path
    start: pd.Timestamp | None = None
    using: tuple[Path, ...] = ()

    def body(self, held: Table, path: str, problems: Problems) -> ScenarioSource:
        """What a scenario or a branch is made of, each part checked by making it once."""
        below = f"{path}." if path else ""
        base = None
        if "use" in held:
            try:
                base = scenario_source(held["use"], folder=self.folder, start=self.start, using=self.using)
            except TokenplanError as error:
                problems.add(f"{below}use", str(error))
        told = self._tables(held, f"{below}changes", problems)
        own = tuple(_undated(table) for table in told)
        stated = tuple(_stated_on(t, f"{below}changes[{i}]", problems) for i, t in enumerate(told, start=1))
        for i, table in enumerate(own, start=1):
            built(table, CHANGES, f"{below}changes[{i}]", problems, relative=True, start=self.start)
        ties = self._tables(held, f"{below}dependence", problems)
        for i, table in enumerate(ties, start=1):
            built(table, TIES, f"{below}dependence[{i}]", problems)
        branches = [
            self._branch(table, f"{below}branches[{i}]", problems)
            for i, table in enumerate(self._tables(held, f"{below}branches", problems), start=1)
        ]
        made = ScenarioSource(
            own=own, stated=stated if any(stated) else (), base=base, dependence=ties, branches=tuple(branches)
        )
        return replace(made, **{k: held[k] for k in ("name", "description") if k in held})

    def _branch(self, table: object, path: str, problems: Problems) -> tuple[float, ScenarioSource]:
        """A branch's weight and what it holds; it bears its own name, or that of the scenario it uses."""
        held = check_keys(table, {"weight": number, **BODY}, path, problems)
        made = self.body(held, path, problems)
        given = table if isinstance(table, dict) else {}
        if "weight" not in given:
            problems.add(path, "weight is missing: how likely the branch is, such as weight = 0.6")
        if "name" not in given and "use" not in given:
            problems.add(path, "name is missing: tables call the branch by it")
        elif "name" not in held and made.base:
            made = replace(made, name=made.base.name)
        if "description" not in held and made.base:
            made = replace(made, description=made.base.description)
        return float(held.get("weight", 0.0)), made

    def _tables(self, held: Table, path: str, problems: Problems) -> tuple[Table, ...]:
        """The tables of one list."""
        tables = held.get(path.rsplit(".", 1)[-1], [])
        if isinstance(tables, list):
            return tuple(tables)
        problems.add(path, f"wanted a list of tables; write [[{path}]] before each")
        return ()


def _undated(table: object) -> Any:
    """The table of a change without the day on which it was stated, which is no field of the change."""
    return {k: v for k, v in table.items() if k != STATED} if isinstance(table, dict) else table


def _stated_on(table: object, path: str, problems: Problems) -> str | None:
    """The day on which a change was stated, or None: where the table does not say, or with the problem noted."""
    if not isinstance(table, dict) or STATED not in table:
        return None
    if (wrong := day(table[STATED])) is not None:
        problems.add(f"{path}.{STATED}", wrong)
        return None
    return str(table[STATED])


def _check_whole(made: ScenarioSource, start: pd.Timestamp | None, path: str, problems: Problems) -> None:
    """Check what its parts must hold together, if each holds alone and as far as their days are known."""
    if problems.found or (start is None and made.open):
        return
    try:
        made.scenario(start or SOME_DAY)
    except ScenarioError as error:
        problems.add(path, str(error).removeprefix(f"{made.where}: "))


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
