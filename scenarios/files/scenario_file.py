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

Changes follow those of the scenario in ``use``; one with the same :attr:`key` (the same thing, by another size) takes
that one's place.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

import pandas as pd

from forecast.errors import ScenarioError, TokenplanError, nearest, one_of
from scenarios.changes import Change
from scenarios.files.checks import day, text
from scenarios.files.days import SOME_DAY, is_relative
from scenarios.files.keys import Keys, Problems, Table, built, check_keys, days_told, mixed, plain
from scenarios.files.kinds import ChangeKinds
from scenarios.scenario import Scenario

SUFFIX: Final = ".toml"
_NEEDED: Final = ("title", "description", "source")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioSource:
    """A scenario as it was written.

    Attributes
    ----------
    name : str
    own : tuple of dict
        Its own changes, one table each; days may be told from the plan's first: ``"start + 30d"``.
    description : str
    base : ScenarioSource, optional
        The scenario that it uses; what differs is its own.
    title, author, source, date : str
        What it is, who wrote it, where its numbers come from, when it was written; empty where it does not say.
    where : str
        The file, or the table of a plan file, that it was read from.
    """

    name: str = "as forecast"
    own: tuple[Table, ...] = ()
    description: str = ""
    base: ScenarioSource | None = None
    title: str = ""
    author: str = ""
    source: str = ""
    date: str = ""
    where: str = ""

    @property
    def changes(self) -> tuple[Table, ...]:
        """The tables of all changes: those of the scenario it uses, then its own."""
        return (*(self.base.changes if self.base else ()), *self.own)

    @property
    def relative(self) -> tuple[str, ...]:
        """The days that it tells from the plan's first, each once."""
        kinds = ChangeKinds()
        told = [day for table in self.changes for day in days_told(table, kinds[table["kind"]])]
        return tuple(dict.fromkeys(day for day in told if is_relative(day)))

    def scenario(self, start: pd.Timestamp | None) -> Scenario:
        """The scenario of a plan whose first day is ``start``.

        Raises
        ------
        ScenarioError
            A day is told from the plan's first, and ``start`` is None; or a change does not hold from that day.
        """
        if start is None and self.relative:
            days = ", ".join(map(repr, self.relative))
            raise ScenarioError(
                f"{self.where or self.name}: {days} {'is' if len(self.relative) == 1 else 'are'} told from the plan's "
                f"first day, which is not given: start='2027-01-01'"
            )
        problems = Problems(self.where or self.name)
        kinds, first = ChangeKinds(), start or SOME_DAY
        own = [
            built(table, kinds, f"changes[{i}]", problems, relative=True, start=first)
            for i, table in enumerate(self.own, start=1)
        ]
        problems.tell()
        given = Scenario(self.name, own, self.description)  # refuses a change that stands twice
        if self.base is None:
            return given
        return Scenario(self.name, _laid_over(self.base.scenario(start).changes, given.changes), self.description)


def _laid_over(base: tuple[Change, ...], own: tuple[Change, ...]) -> list[Change]:
    """The base's changes, those of one's own in place of the same or after them."""
    named = {change.key: change for change in own}
    keys = {change.key for change in base}
    return [named.get(change.key, change) for change in base] + [change for change in own if change.key not in keys]


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
    texts: Keys = dict.fromkeys(("name", "title", "author", "source", "use"), text)
    held = check_keys(document, {**texts, "description": _words, "date": day, "changes": _any}, "", problems)
    for missing in [k for k in _NEEDED if k not in document]:
        problems.add(missing, "is missing: a scenario says what it is, why, and where its numbers come from")
    if "changes" not in document and "use" not in document:
        problems.add("changes", "is missing: write [[changes]] before each change, or use = a scenario")
    own = checked_changes(held.get("changes", []), "changes", problems, start=start)
    base = _used(held, "use", path.parent, problems, start=start, using=using)
    told = {k: held[k] for k in ("title", "author", "source", "date", "description") if k in held}
    made = ScenarioSource(name=held.get("name", path.stem), own=own, base=base, where=str(path), **told)
    if not problems.found:
        _check_whole(made, start, "", problems)
    problems.tell()
    return made


def scenario_of(table: object, problems: Problems, *, folder: Path) -> ScenarioSource:
    """The ``[scenario]`` of a plan file in ``folder``; its changes follow those of the scenario that it uses."""
    keys: Keys = {"name": text, "description": text, "use": text, "changes": _any}
    held = check_keys(table, keys, "scenario", problems)
    base = _used(held, "scenario.use", folder, problems)
    own = checked_changes(held.get("changes", []), "scenario.changes", problems)
    made = ScenarioSource(
        name=held.get("name", base.name if base else "scenario" if own else ScenarioSource().name),
        own=own,
        base=base,
        description=held.get("description", base.description if base else ""),
    )
    if not problems.found:
        _check_whole(made, None, "scenario", problems)
    return made


def checked_changes(
    tables: object, path: str, problems: Problems, *, start: pd.Timestamp | None = None
) -> tuple[Table, ...]:
    """The tables of changes, each checked by making it once."""
    if not isinstance(tables, list):
        problems.add(path, f"wanted a list of tables; write [[{path}]] before each change")
        return ()
    for i, table in enumerate(tables, start=1):
        built(table, ChangeKinds(), f"{path}[{i}]", problems, relative=True, start=start)
    return tuple(tables)


def _used(
    held: Table,
    path: str,
    folder: Path,
    problems: Problems,
    *,
    start: pd.Timestamp | None = None,
    using: tuple[Path, ...] = (),
) -> ScenarioSource | None:
    """The scenario that another one uses, or None, with the problem noted if there is one."""
    if "use" not in held:
        return None
    try:
        return scenario_source(held["use"], folder=folder, start=start, using=using)
    except TokenplanError as error:
        problems.add(path, str(error))
        return None


def _check_whole(made: ScenarioSource, start: pd.Timestamp | None, path: str, problems: Problems) -> None:
    """Check what the changes must hold together, as far as their days are known."""
    kinds = ChangeKinds()
    if start is None and any(mixed(table, kinds[table["kind"]]) for table in made.changes):
        return
    try:
        made.scenario(start or SOME_DAY)
    except ScenarioError as error:
        problems.add(path, str(error))


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


def _words(value: object) -> str | None:
    """Text, which may be blank."""
    return None if isinstance(value, str) else text(value)
