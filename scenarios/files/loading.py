"""Scenarios by name or file, and back. Comes in: which one, from which day. Goes out: a Scenario, or its text.

What reads and writes files is imported when it is needed.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Final

import pandas as pd

from forecast.calendars import date_of
from forecast.errors import ScenarioError
from scenarios.scenario import Scenario

_UNSTATED: Final = "Not stated: say here where the numbers come from."


def load(source: str | Path, *, start: str | dt.date | None = None) -> Scenario:
    """Return the scenario of a file, or the shipped one of a name.

    Parameters
    ----------
    source : str or Path
        A TOML file (text that ends in ``.toml`` or holds a ``/``), or a name that :func:`shipped` lists.
    start : date, optional
        The plan's first day, such as ``projection.span.start``: what ``"start"`` and ``"start + 2 months"`` stand for
        in the file.

    Raises
    ------
    ScenarioError
        There is no such file or shipped scenario; keys or values in the file do not hold, all of which are listed; or
        it tells days from the plan's first, and ``start`` is not given.
    """
    from scenarios.files.scenario_file import scenario_source

    if not isinstance(source, str | Path) or not str(source).strip():
        raise ScenarioError(f"{source!r}: wanted the path of a scenario's file, or the name of a shipped one")
    first = None if start is None else date_of(start, "start", ScenarioError)
    return scenario_source(source, start=first).scenario(first)


def shipped() -> pd.DataFrame:
    """Return the shipped scenarios, which :func:`load` takes by name.

    Returns
    -------
    DataFrame with the columns ``name``, ``title``, ``description``, ``source`` (where its numbers come from) and
    ``date`` (when it was written; NaT where it does not say), by name.
    """
    from scenarios.files.scenario_file import read_scenario, shipped_scenarios

    told = [read_scenario(path) for path in shipped_scenarios().values()]
    rows = [[one.name, one.title, one.description, one.source, one.date or None] for one in told]
    table = pd.DataFrame(rows, columns=["name", "title", "description", "source", "date"])
    return table.assign(date=pd.to_datetime(table["date"]))


def dump(
    scenario: Scenario,
    *,
    title: str | None = None,
    author: str | None = None,
    source: str = _UNSTATED,
    date: str | dt.date | None = None,
) -> str:
    """Return a scenario as the text of a file, which :func:`load` reads to an equal scenario.

    Fields that have their default are left out. What is written has been read back and compared.

    Parameters
    ----------
    scenario : Scenario
    title, author, source : str, optional
        What it is (its name, if not given), who wrote it, and where its numbers come from.
    date : date, optional
        When it was written.

    Raises
    ------
    ScenarioError
        A value cannot be written, such as a frozen scipy distribution; a change is of no kind that files may name; or
        it would not come back equal.
    """
    from scenarios.files.writing import written

    day = None if date is None else date_of(date, "date", ScenarioError)
    head = {"name": scenario.name, "title": title or scenario.name, "author": author, "source": source, "date": day}
    return written(scenario, {**head, "description": scenario.description})
