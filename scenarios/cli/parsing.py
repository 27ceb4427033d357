"""How the command line is told. Comes in: commands, examples, exit codes. Goes out: parsers with help by order of work.

What is misspelt is told with the nearest name. A command's job is imported when it runs, so that help is there at once.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from shutil import get_terminal_size
from typing import Any, Final, NoReturn

from forecast.errors import nearest

#: What every command can leave with.
CODES: Final = {0: "fine", 1: "the input is wrong", 2: "the command line is wrong", 130: "interrupted"}
#: How an argument is shown by how often it is given.
REPEATED: Final[dict[int | str | None, str]] = {
    None: "{0}",
    "?": "[{0}]",
    "*": "[{0} ...]",
    "+": "{0} [{0} ...]",
    argparse.PARSER: "{0} ...",
}
#: Characters of a line of help, at most: longer lines are hard to read.
WIDEST: Final = 100


class Command(argparse.ArgumentParser):
    """A parser whose help ends with examples and with the exit codes that this command can give.

    Parameters
    ----------
    examples : sequence of str
        Command lines that run as they are.
    codes : mapping
        Exit codes beside those of every command: code → what it says.
    """

    def __init__(
        self,
        *arguments: Any,
        examples: Sequence[str] = (),
        codes: Mapping[int, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(*arguments, **{"formatter_class": _fitting, **more})
        self.examples = tuple(examples)
        self.codes = dict(sorted({**CODES, **(codes or {})}.items()))
        self.set_defaults(command=self)

    def format_usage(self) -> str:
        """What must be said, and that there are options."""
        self.usage = self._shortest()
        return super().format_usage()

    def format_help(self) -> str:
        """Help, then examples and exit codes."""
        self.usage = self._shortest()
        return "\n".join([super().format_help(), *self.endings()])

    def _shortest(self) -> str:
        needed = [a for a in self._actions if a.required and a.option_strings]
        named = [a for a in self._actions if not a.option_strings]
        words = [f"{a.option_strings[0]} {a.metavar}" for a in needed]
        words += [REPEATED[a.nargs].format(a.metavar or a.dest.upper()) for a in named]
        told = " ".join([self.prog, "[OPTION ...]", *words])
        return "\n".join(_wrapped(told, _width() - len("usage: "), " " * len("usage: ")))

    def endings(self) -> list[str]:
        """What comes after options: examples and exit codes."""
        codes = "exit codes: " + "; ".join(f"{code} {what}" for code, what in self.codes.items())
        return [*([_examples(self.examples)] if self.examples else []), "\n".join(_wrapped(codes, _width())) + "\n"]

    def parse_args(  # type: ignore[override]  # argparse has one overload for each kind of namespace
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> argparse.Namespace:
        """Parse; what is left over is refused with the nearest option of the command that was named."""
        options, rest = self.parse_known_args(args, namespace)
        if rest:
            options.command.refuse(rest)
        return options

    def refuse(self, rest: Sequence[str]) -> NoReturn:
        """Leave with 2 for what no option or argument takes."""
        wrong = next((word for word in rest if word.startswith("-")), rest[0])
        known = [name for action in self._actions for name in action.option_strings if name.startswith("--")]
        told = nearest(wrong.partition("=")[0], known) if wrong.startswith("-") else ""
        kind = "option" if wrong.startswith("-") else "argument"
        self.error(f"{wrong}: there is no such {kind}{told or f'; {self.prog} --help lists them'}")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """As argparse, with the nearest choice in place of a long list."""
        if action.choices is None or value in action.choices:
            return
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - there is no public name of it
            told = nearest(value, action.choices)
            self.error(f"{value!r} is no command{told or f'; {self.prog} --help lists them'}")
        listed = ", ".join(map(str, action.choices))
        raise argparse.ArgumentError(action, f"{value!r}: choose from {listed}{nearest(value, action.choices)}")


class Whole(Command):
    """The parser of the whole command, whose help lists commands in groups.

    Parameters
    ----------
    groups : mapping
        Title → names of commands, in order; one that is in none stands last.
    """

    def __init__(self, *arguments: Any, groups: Mapping[str, Sequence[str]], **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.groups = groups
        self.jobs = self.add_subparsers(metavar="COMMAND", required=True, parser_class=Command)

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> argparse.Namespace:
        """Parse; a command line that says nothing is answered with help."""
        if not (sys.argv[1:] if args is None else args):
            self.exit(2, self.format_help())
        return super().parse_args(args, namespace)

    def format_help(self) -> str:
        """Usage, commands by group, and examples."""
        told = {action.dest: action.help or "" for action in self.jobs._choices_actions}  # noqa: SLF001
        rest = [name for name in told if not any(name in names for names in self.groups.values())]
        width, wide = _width(), max(map(len, told)) + 2
        parts = [self.format_usage(), textwrap.fill(self.description or "", width) + "\n"]
        for title, names in (*self.groups.items(), ("Further", rest)):
            lines = [
                textwrap.fill(told[name], width, initial_indent=f"  {name:<{wide}}", subsequent_indent=" " * (wide + 2))
                for name in names
                if name in told
            ]
            parts += ["\n".join([f"{title}:", *lines]) + "\n"] if lines else []
        own = f"{self.prog} COMMAND --help tells options, examples and exit codes; {self.prog} --version the version"
        return "\n".join([*parts, _examples(self.examples), textwrap.fill(own, width) + "\n"])


def later(place: str) -> Callable[[argparse.Namespace], int]:
    """The function ``module:name`` of this package, imported when it is called."""
    module, _, name = place.partition(":")

    def run(options: argparse.Namespace) -> int:
        return int(getattr(import_module(f"scenarios.cli.{module}"), name)(options))

    run.__qualname__ = place
    return run


def _width() -> int:
    return min(get_terminal_size().columns - 2, WIDEST)


def _wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """Lines that break no word, of a command least of all."""
    return textwrap.wrap(text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _fitting(prog: str, **more: Any) -> argparse.HelpFormatter:
    return argparse.HelpFormatter(prog, **{"width": _width(), **more})


def _examples(commands: Sequence[str]) -> str:
    """Commands, each on a line, or on several that a shell takes as one."""
    lines = ["examples:"]
    for command in commands:
        parts = _wrapped(command, _width() - 4, "    ")
        lines.append(" \\\n".join(f"  {part}" for part in parts))
    return "\n".join(lines) + "\n"
