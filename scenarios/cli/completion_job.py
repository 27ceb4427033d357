"""``tokenplan completion``. Comes in: a shell's name. Goes out: the script that completes commands there, by shtab."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Final

from scenarios.cli.options import SCENARIO

#: What the functions that complete names of scenarios are called in the scripts.
_FUNCTION: Final = "_tokenplan_scenario_or_file"
_FILES: Final = "*.toml"


def run(options: argparse.Namespace) -> int:
    """Print the script."""
    sys.stdout.write(script(options.shell))
    return 0


def script(shell: str) -> str:
    """The script that completes commands in a shell: commands, options, choices, files and names of scenarios."""
    import shtab

    from scenarios.cli.arguments import parser
    from scenarios.files.scenario_file import shipped_scenarios

    names = " ".join(sorted(shipped_scenarios()))
    by_scenario = {"bash": _FUNCTION, "zsh": _FUNCTION, "tcsh": f"({names})"}
    whole = parser()
    for action in _actions(whole):
        if (by := getattr(action, "completed_by", None)) is not None:
            found = by_scenario if by == SCENARIO else shtab.glob(*by) if by else shtab.DIRECTORY
            action.complete = found  # type: ignore[attr-defined]  # as shtab has it
    preamble = {
        "bash": f'{_FUNCTION}() {{\n  compgen -W "{names}" -- $1\n  compgen -f -X "!{_FILES}" -- $1\n'
        "  compgen -d -- $1\n}\n",
        "zsh": f"{_FUNCTION}() {{\n  _alternative 'scenarios:scenario:({names})' "
        f"'files:file:_files -g \"{_FILES}\"'\n}}\n",
    }
    return str(shtab.complete(whole, shell, preamble=preamble))  # type: ignore[arg-type]  # one a shell will do


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Every argument of a parser and of the commands below it."""
    for action in parser._actions:  # noqa: SLF001 - there is no public list of them
        yield action
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for below in action.choices.values():
                yield from _actions(below)
