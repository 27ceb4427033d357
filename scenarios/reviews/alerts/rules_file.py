"""Rules of alerts as a file. Comes in: TOML. Goes out: checked rules, or every problem at once."""

from __future__ import annotations

import tomllib
from pathlib import Path

from forecast.errors import PlanError
from scenarios.files.keys import Problems, check_keys, checks_of
from scenarios.reviews.alerts.rules import AlertRules


def read_rules(path: str | Path) -> AlertRules:
    """The rules of a TOML file, whose keys are the parameters of :class:`AlertRules`.

    Raises
    ------
    PlanError
        The file is no TOML, or keys or values do not hold, all of which are listed.
    """
    file = Path(path)
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise PlanError(f"{file}: is no TOML: {error}") from error
    except UnicodeDecodeError as error:
        raise PlanError(f"{file}: is not UTF-8 text: {error}") from error
    problems = Problems(str(file), PlanError)
    held = check_keys(table, checks_of(AlertRules), "", problems)
    for key, value in held.items():
        try:
            AlertRules(**{key: value})
        except PlanError as error:
            problems.add("", str(error).removeprefix("AlertRules: "))
    problems.tell()
    return AlertRules(**held)
