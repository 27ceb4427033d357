"""``tokenplan init``. Comes in: usage exports and answers. Goes out: a plan file that has been tried.

What is found is told, five questions are asked, and the plan is made once with few draws before the file is put in its
place: a file that init leaves behind runs.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

from forecast import schema
from forecast.errors import PlanError, TokenplanError, UsageError
from forecast.prices import PriceBook
from forecast.usage import Usage
from scenarios.budget.planfile import read_plan_file
from scenarios.budget.planinputs import UsageSource
from scenarios.budget.plankeys import zone
from scenarios.cli.init_columns import Header, Mapped, header_of, suggested
from scenarios.cli.init_file import Answers, plan_text
from scenarios.cli.init_questions import Question, questions, tried, whose
from scenarios.cli.read_job import all_priced
from scenarios.cli.screen import Screen
from scenarios.cli.timing import expected, megabytes_of
from scenarios.cli.usage_input import as_option, refuse_plans

#: Draws by which a plan is tried.
TRIED: Final = 200
#: Names that a line lists; the rest are counted.
_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class _Dialogue:
    """Where questions are asked; ``ask`` is None where nobody answers."""

    ask: Callable[[str], str] | None
    screen: Screen

    def answer(self, number: int, question: Question, given: str | None) -> Any:
        """What is answered: by an option, else by whoever sits there, else the default.

        Raises
        ------
        PlanError
            The option cannot be read, or the answers end.
        """
        if given is not None:
            meant, wrong = tried(question, given)
            if wrong:
                raise PlanError(f"--{question.name} {wrong}")
            return meant
        if self.ask is None:
            if question.default:
                self.screen.note(f"nobody was asked: {question.name} is {question.default} (--{question.name})")
            return question.read(question.default)
        while True:
            written = self.ask(f"\n{number}/5  {question.asked}\n     [{question.default or 'as it is'}] ")
            meant, wrong = tried(question, written.strip() or question.default)
            if not wrong:
                return meant
            self.screen.tell(f"     {wrong}")


def run(options: argparse.Namespace) -> int:
    """Look at the export, ask, and write the plan file."""
    screen = Screen(options.quiet)
    _check_free(options.output, force=options.force)
    if options.timezone is not None and (wrong := zone(options.timezone)) is not None:
        raise UsageError(f"--timezone {wrong}")
    refuse_plans(options.exports)
    dialogue = _Dialogue(None if options.yes or not sys.stdin.isatty() else _typed, screen)
    source, usage = _whose_and_what(options, dialogue)
    asked = enumerate(questions(usage), start=2)
    found = {q.name: dialogue.answer(n, q, getattr(options, q.name)) for n, q in asked}
    named = [_beside(one, options.output) for one in options.exports]
    name = f"Plan of {Path(options.exports[0]).name or options.exports[0]}"
    text = plan_text(usage, named, _relative(source, options.output), Answers(**found), name=name)
    written = _written(text, options.output, source, usage, screen)
    unpriced = _unpriced(usage)
    if unpriced:
        screen.tell(f"look at [prices] in {written} first: what has no price is left out, or has an example price")
    screen.write(f"{written} is written and tried. Next: tokenplan plan {shlex.quote(str(written))}")
    return 0


def _whose_and_what(options: argparse.Namespace, dialogue: _Dialogue) -> tuple[UsageSource, Usage]:
    """How the exports are read, and what they hold: the first question comes until they can be read.

    Raises
    ------
    UsageError
        They cannot be read, and nobody is there to say how.
    """
    header = header_of(options.exports, options.format)
    mapped = suggested(header, Mapped(dict(options.column), dict(options.fill), _text(options.rules)))
    settled = dialogue.ask is None or bool(options.column or options.fill or options.rules)
    if settled and mapped.told:
        dialogue.screen.note(f"columns and values: {mapped.told} (--column, --fill, --rules)")
    while True:
        source = _source(options, mapped)
        try:
            steps = {"reading usage": expected("reading", megabytes_of(options.exports))}
            with dialogue.screen.progress(steps) as step:
                step()
                usage = _read(source)
        except UsageError as error:
            if settled:
                raise
            dialogue.screen.tell(str(error))
            mapped = dialogue.answer(1, whose(header, mapped), None)
            continue
        _tell(options.exports, usage, header, dialogue.screen)
        before = mapped
        mapped = mapped if settled else dialogue.answer(1, whose(header, mapped), None)
        if mapped == before:
            return source, usage


def _typed(prompt: str) -> str:
    """A line from the terminal.

    Raises
    ------
    PlanError
        The answers end.
    """
    sys.stdout.write(prompt)
    sys.stdout.flush()
    line = sys.stdin.readline()
    if not line:
        raise PlanError("the answers ended before the questions; nothing was written")
    return line


def _source(options: argparse.Namespace, mapped: Mapped) -> UsageSource:
    several = tuple(Path(one) for one in options.exports)
    return UsageSource(
        file=several if len(several) > 1 else options.exports[0],
        format=options.format,
        rules=Path(mapped.rules) if mapped.rules else None,
        grain=options.grain,
        columns=dict(mapped.columns) or None,
        fill=dict(mapped.fill) or None,
        timezone=options.timezone or "UTC",
        duplicates=options.duplicates,
        sort=options.sort,
        decimal=options.decimal,
        rates=options.rates,
        currency=options.currency,
    )


def _read(source: UsageSource) -> Usage:
    try:
        return source.read()
    except UsageError as error:
        raise UsageError(as_option(error)) from error


def _tell(exports: list[str], usage: Usage, header: Header, screen: Screen) -> None:
    """Tell in three lines what was found."""
    frame = usage.frame
    formats = header.format if usage.reading is None else ", ".join(dict.fromkeys(usage.reading.sources["format"]))
    span = f"{frame[schema.DATE].nunique()} {usage.grain}s, {usage.start:%Y-%m-%d} to {usage.end:%Y-%m-%d}"
    screen.write(f"{', '.join(exports)}: {formats}; {span} ({usage.timezone})")
    tokens = sum(float(frame[u].sum()) for u in usage.units if schema.UNITS[u].token)
    sums = [f"{frame[schema.REQUESTS].sum():,.0f} requests"] if schema.REQUESTS in frame else []
    sums += [f"{tokens:,.0f} tokens"] if tokens else []
    sums += [f"{frame[m].sum():,.2f} {usage.currency}" for m in schema.MONEY[:1] if m in frame]
    names = {c: sorted(frame[c].dropna().unique()) for c in ("model", "environment", "project")}
    screen.write("; ".join([", ".join(sums), *(f"{c}s: {_listed(found)}" for c, found in names.items())]))
    screen.write(_unpriced(usage) or all_priced(usage))
    for note in usage.notes:
        screen.note(note)


def _unpriced(usage: Usage) -> str:
    """What has no price, in a line; empty where all has one."""
    table = PriceBook.builtin().unpriced(usage)
    names = sorted({f"{row.model} {row.unit} ({row.share:.1%} of tokens)" for row in table.itertuples()})
    return f"Without a price in the built-in price book: {_listed(names)}." if names else ""


def _listed(names: list[str]) -> str:
    rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + rest if names else "none"


def _check_free(path: Path, *, force: bool) -> None:
    """Refuse to overwrite what is there.

    Raises
    ------
    PlanError
        The file is there, or its folder is not.
    """
    if path.is_dir():
        raise PlanError(f"{path}: is a folder; name the plan file: -o {path / 'plan.toml'}")
    if path.exists() and not force:
        raise PlanError(f"{path}: is there already; name another by -o, or overwrite it with --force")
    if not path.absolute().parent.is_dir():
        raise PlanError(f"{path}: there is no folder {path.parent}; make it first")


def _written(text: str, path: Path, source: UsageSource, usage: Usage, screen: Screen) -> Path:
    """Write the file aside, make its plan with few draws, and put it in its place.

    Raises
    ------
    TokenplanError
        The plan cannot be made, as the error says; nothing is left behind.
    """
    with NamedTemporaryFile("w", dir=path.absolute().parent, suffix=".toml", delete=False, encoding="utf-8") as file:
        file.write(text)
    aside = Path(file.name)
    try:
        told = read_plan_file(aside)
        if _resolved(told.usage) != _resolved(source):
            raise AssertionError(f"the usage would be read as {told.usage}, not as {source}")
        size = megabytes_of(source.file)
        with screen.progress(
            {"trying the plan": sum(expected(s, size) for s in ("forecasting", "simulating"))}
        ) as step:
            step()
            made = told.with_options(draws=TRIED).plan(told.project(usage), told.prices.book())
        aside.chmod(0o666 & ~_umask())
        aside.replace(path)
    except TokenplanError as error:
        reason = str(error).replace(str(aside), str(path))
        raise type(error)(f"this plan cannot be made, and nothing was written: {reason}") from error
    finally:
        aside.unlink(missing_ok=True)
    if usage.currency not in (None, made.currency):
        screen.note(f"the plan is in {made.currency}, as its prices are; the export's money is in {usage.currency}")
    return path


def _umask() -> int:
    """The mask that files of this process are made with."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _resolved(source: UsageSource) -> UsageSource:
    """The same source by whole paths."""
    files = source.file if isinstance(source.file, tuple) else (source.file,)
    rules, rates = (None if path is None else path.resolve() for path in (source.rules, source.rates))
    whole = tuple(Path(one).expanduser().resolve() for one in files)
    return replace(source, file=whole, rules=rules, rates=rates)


def _beside(one: str, plan: Path) -> str:
    """A path as a plan file beside it names it."""
    path = Path(one).expanduser()
    if path.is_absolute():
        return str(path)
    try:
        return Path(os.path.relpath(path, plan.parent)).as_posix()
    except ValueError:  # on another drive, which no relative path reaches
        return str(path.absolute())


def _relative(source: UsageSource, plan: Path) -> UsageSource:
    """The source with its files as a plan file names them."""
    rules, rates = (None if p is None else Path(_beside(str(p), plan)) for p in (source.rules, source.rates))
    return replace(source, rules=rules, rates=rates)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
