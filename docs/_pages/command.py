"""The reference of the command. Comes in: its parsers. Goes out: each command, its options, examples, exit codes."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from markdown import cell, table

from scenarios.cli.arguments import parser
from scenarios.cli.parsing import CODES, REPEATED


def command_page() -> str:
    """Every command, in the order of the command's help."""
    commands = [one for one in _leaves(parser()) if one[0].prog != "tokenplan"]
    listed = table(
        ["command", "does"],
        [[f"[`{job.prog}`](#{job.prog.replace(' ', '-')})", cell(does)] for job, does in commands],
    )
    return "\n\n".join([listed, *(_section(job, does) for job, does in commands)]) + "\n"


def _leaves(job: argparse.ArgumentParser, does: str = "") -> Iterator[tuple[argparse.ArgumentParser, str]]:
    """The parsers that run something, each with what a list says of it."""
    below = [a for a in job._actions if isinstance(a, argparse._SubParsersAction)]  # noqa: SLF001 - no public way
    if not below:
        yield job, does
    for action in below:
        said = {choice.dest: choice.help or "" for choice in action._choices_actions}  # noqa: SLF001
        for name, inner in action.choices.items():
            yield from _leaves(inner, said.get(name, ""))


def _section(job: argparse.ArgumentParser, does: str) -> str:
    actions = [a for a in job._actions if a.help != argparse.SUPPRESS and a.dest != "help"]  # noqa: SLF001
    named = [a for a in actions if not a.option_strings]
    needed = [f"{a.option_strings[0]} {a.metavar}" for a in actions if a.option_strings and a.required]
    options = [a for a in actions if a.option_strings]
    shown = [REPEATED[a.nargs].format(_metavar(a)) for a in named]
    usage = " ".join([job.prog, *(["[OPTION ...]"] if options else []), *needed, *shown])
    parts = [f"## {job.prog}", job.description or f"{does[:1].upper()}{does[1:]}.", f"```text\n{usage}\n```"]
    if actions:
        parts.append(table(["argument", "says"], [[_written(a), _says(a)] for a in (*named, *options)]))
    if examples := getattr(job, "examples", ()):
        parts.append("For example:\n\n```text\n" + "\n".join(examples) + "\n```")
    if codes := {code: says for code, says in getattr(job, "codes", {}).items() if code not in CODES}:
        parts.append("It also leaves with " + "; with ".join(f"{code}: {says}" for code, says in codes.items()) + ".")
    return "\n\n".join(parts)


def _metavar(action: argparse.Action) -> str:
    if isinstance(action.metavar, tuple):
        return " ".join(action.metavar)
    if action.metavar is None and action.choices is not None:
        return "{" + ",".join(map(str, action.choices)) + "}"
    return action.metavar or action.dest.upper()


def _written(action: argparse.Action) -> str:
    """The argument as it is typed."""
    if not action.option_strings:
        return f"`{_metavar(action)}`"
    takes = action.nargs != 0
    return ", ".join(cell(f"`{name} {_metavar(action)}`" if takes else f"`{name}`") for name in action.option_strings)


def _says(action: argparse.Action) -> str:
    """Its help, with what holds without it."""
    told = {k: getattr(v, "__name__", v) for k, v in vars(action).items() if v is not argparse.SUPPRESS}
    if action.choices is not None:
        told["choices"] = ", ".join(map(str, action.choices))
    return cell((action.help or "") % told)
