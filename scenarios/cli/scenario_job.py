"""``tokenplan scenario``. Comes in: a scenario's name or file. Goes out: those there are, what one assumes, a new file.

JSON document ``tokenplan/scenarios/1`` of ``list``:

- ``schema``, ``version`` (of tokenplan)
- ``rows``: ``name, title, description, source, date``; ``source`` says where the numbers come from, ``date`` is when
  they were written

JSON document ``tokenplan/scenario/1`` of ``show``:

- ``schema``, ``version``, and as the file says: ``name``, ``title``, ``description``, ``author``, ``source``, ``date``
- ``file``: where it stands; ``uses``: the scenario that it starts from; null where there is none
- ``start``: the plan's first day that the days shown count from; null where it tells none from there
- ``assumes``: ``branch`` (null: in all of them), ``weight`` of the branch, and the ``assumption`` in plain words
"""

from __future__ import annotations

import argparse
import inspect
import re
import textwrap
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Final

import pandas as pd

from forecast.errors import ScenarioError, one_of
from scenarios.changes import KINDS
from scenarios.cli.screen import Screen, records
from scenarios.cli.tables import Column, aligned, csv, markdown
from scenarios.files.hints import shapes_of
from scenarios.files.loading import shipped
from scenarios.files.scenario_file import SUFFIX, scenario_source, shipped_scenarios
from scenarios.files.source import ScenarioSource
from scenarios.report import save
from scenarios.scenario import Scenario

TEMPLATE: Final = Path(__file__).with_name("scenario.toml")
#: Characters of a line of prose where the output is no terminal.
PROSE: Final = 100
_LIST: Final = (
    Column("name", "name"),
    Column("title", "title"),
    Column("date", "written", spare=1),
    Column("description", "description", spare=2),
)
_ASSUMES: Final = (Column("branch", "branch"), Column("weight", "weight", "share"), Column("assumption", "assumption"))


# --------------------------------------------------------------------------------------------------------------- list


def run_list(options: argparse.Namespace) -> int:
    """Show the shipped scenarios."""
    screen = Screen(options.quiet)
    table = shipped()
    table["date"] = table["date"].dt.strftime("%Y-%m-%d").astype("object").where(table["date"].notna(), None)
    if options.json:
        screen.write_json({"schema": "tokenplan/scenarios/1", "version": version("tokenplan"), "rows": records(table)})
    elif options.output == "csv":
        screen.write(csv(table))
    elif options.output == "markdown":
        screen.write(markdown(table, _LIST))
    else:
        screen.write(aligned(table, _LIST, width=screen.width()))
        screen.note("'tokenplan scenario show NAME' tells what one assumes")
    return 0


# --------------------------------------------------------------------------------------------------------------- show


def run_show(options: argparse.Namespace) -> int:
    """Show what a scenario assumes, in plain words, and where that comes from."""
    screen = Screen(options.quiet)
    given = None if options.start is None else pd.Timestamp(options.start)
    told = scenario_source(options.scenario, start=given)
    start = (given or _next_quarter(date.today())) if told.relative else None
    scenario = told.scenario(start)
    table = assumptions_of(scenario)
    if options.json:
        screen.write_json(_document(told, start, table))
    elif options.output == "csv":
        screen.write(csv(table))
    elif options.output == "markdown":
        head = [f"**{told.title}** ({told.name})", *([told.description] if told.description else [])]
        rows = markdown(table, _ASSUMES if scenario.branches else _ASSUMES[2:])
        screen.write("\n\n".join([*head, rows, "\n".join(f"- {line}" for line in _origin(told, start))]))
    else:
        screen.write(_prose(told, table, start, screen.width() or PROSE))
    if start is not None and given is None:
        screen.note(f"days are those of a plan from {start:%Y-%m-%d}; --start gives another")
    return 0


def assumptions_of(scenario: Scenario, branch: str | None = None, weight: float = 1.0) -> pd.DataFrame:
    """What a scenario assumes: ``branch`` (None: in all), its ``weight``, ``assumption``; one row each, in order."""
    lines = [one.describe() for one in (*scenario.changes, *scenario.dependence)]
    rows = [pd.DataFrame({"branch": branch, "weight": weight, "assumption": lines or [_nothing(branch)]})]
    if not lines and scenario.branches:
        rows = []
    for share, below in scenario.branches:
        name = below.name if branch is None else f"{branch} / {below.name}"
        rows.append(assumptions_of(below, name, weight * share))
    return pd.concat([table.astype({"branch": "object"}) for table in rows], ignore_index=True)


def _nothing(branch: str | None) -> str:
    return f"nothing changes {'but what is forecast' if branch is None else 'beside what all branches share'}"


def _document(told: ScenarioSource, start: pd.Timestamp | None, table: pd.DataFrame) -> dict[str, object]:
    said = {name: getattr(told, name) or None for name in ("description", "author", "source", "date")}
    return {
        "schema": "tokenplan/scenario/1",
        "version": version("tokenplan"),
        "name": told.name,
        "title": told.title,
        **said,
        "file": told.where,
        "uses": told.base.name if told.base else None,
        "start": None if start is None else start.date(),
        "assumes": records(table),
    }


def _prose(told: ScenarioSource, table: pd.DataFrame, start: pd.Timestamp | None, width: int) -> str:
    """What it is, what it assumes, and where that comes from, as text of some width."""
    parts = [f"{told.title} ({told.name})"]
    parts += [textwrap.fill(told.description, width)] if told.description else []
    for branch, rows in table.groupby("branch", sort=False, dropna=False):
        every = pd.isna(branch)
        head = "It assumes:" if every else f"In the branch {branch!r}, with a weight of {rows['weight'].iloc[0]:.0%}:"
        told_rows = [
            textwrap.fill(text, width, initial_indent="- ", subsequent_indent="  ") for text in rows["assumption"]
        ]
        parts.append("\n".join([head, *told_rows]))
    parts.append("\n".join(textwrap.fill(line, width, subsequent_indent="  ") for line in _origin(told, start)))
    return "\n\n".join(parts)


def _origin(told: ScenarioSource, start: pd.Timestamp | None) -> list[str]:
    """Where a scenario comes from, one line each."""
    shipped_one = shipped_scenarios().get(told.name)
    at = "ships with tokenplan" if shipped_one and str(shipped_one) == told.where else told.where
    written = " by ".join(part for part in (told.date, told.author) if part)
    lines = [f"Source: {told.source}"]
    lines += [f"Written: {written}"] if written else []
    lines += [f"Uses: {told.base.name}"] if told.base else []
    lines += [f"Days: {', '.join(told.relative)}; start is {start:%Y-%m-%d}"] if start is not None else []
    return [*lines, f"File: {at}"]


def _next_quarter(today: date) -> pd.Timestamp:
    return (pd.Timestamp(today).to_period("Q") + 1).start_time


# ---------------------------------------------------------------------------------------------------------------- new


def run_new(options: argparse.Namespace) -> int:
    """Write a commented scenario file to start from."""
    path: Path = options.file
    if path.suffix != SUFFIX:
        raise ScenarioError(f"{path}: a scenario's file ends in {SUFFIX}; write {path.name + SUFFIX!r}")
    if path.is_dir():
        raise ScenarioError(f"{path}: is a folder; name a file in it")
    text = _copy_of(options.origin) if options.origin else template(date.today())
    if path.exists() and not options.force:
        raise ScenarioError(f"{path}: is there already; --force overwrites it")
    save(path, text.encode)
    Screen(options.quiet).note(f"wrote {path}; 'tokenplan scenario show {path}' tells what it assumes")
    return 0


def template(today: date) -> str:
    """A scenario's file with every kind of change named, as comments."""
    text = re.sub(r"^date = \S+", f"date = {today}", TEMPLATE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = ["# The kinds of change, and their keys; help(scenarios.<Class>) tells what each key means."]
    for kind, maker in KINDS.items():
        summary = (inspect.getdoc(maker) or "").split("\n\n", 1)[0]
        lines.append(_comment(f"{kind}: {' '.join(summary.split())}", "# "))
        lines.append(_comment(", ".join(shapes_of(maker)), "#     "))
    return text + "\n" + "\n".join(lines) + "\n"


def _comment(text: str, start: str) -> str:
    return textwrap.fill(text, PROSE, initial_indent=start, subsequent_indent="#     ", break_long_words=False)


def _copy_of(name: str) -> str:
    """A shipped scenario's file, with a line that says so."""
    known = shipped_scenarios()
    one_of("scenario", name, known, ScenarioError)
    head = f"# Made from {name}, which ships with tokenplan {version('tokenplan')}: change what differs, and say so.\n"
    return head + known[name].read_text(encoding="utf-8")
