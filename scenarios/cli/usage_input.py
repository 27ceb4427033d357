"""Usage named on the command line. Comes in: the options of reading. Goes out: the usage, and what makes a series."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from forecast.currency import Rates
from forecast.errors import UsageError
from forecast.readers import read_usage
from forecast.usage import Usage
from scenarios.budget.planinputs import UsageSource, workload_columns
from scenarios.budget.plankeys import zone
from scenarios.cli.init_columns import Mapped, header_of, suggested

_OPTIONS: Final = {
    "columns={": "--column NAME=OWN",
    "(columns: ": "--column NAME=OWN or --fill NAME=VALUE",
    "fill=": "--fill NAME=VALUE",
    "rates=": "--rates FILE --currency CODE",
    "decimal=": "--decimal , or --decimal .",
}
#: Options of reading, and what they are to :func:`forecast.read_usage`.
_READING: Final = ("format", "rules", "grain", "timezone", "decimal", "currency", "rates")
#: What is wrong where no column was told to be the one that is wanted.
_UNMAPPED: Final = ("there is no column 'date'", "nothing is measured")


def asked(options: argparse.Namespace, *, over: UsageSource | None = None) -> dict[str, Any]:
    """What the command line says of how an export is read, and nothing else; names and values go over those of a file.

    Raises
    ------
    UsageError
        A zone is none.
    """
    if options.timezone is not None and (wrong := zone(options.timezone)) is not None:
        raise UsageError(f"--timezone {wrong}")
    given = {name: getattr(options, name) for name in _READING}
    for name, pairs in (("columns", options.column), ("fill", options.fill)):
        before = getattr(over, name) if over is not None else None
        given[name] = {**(before or {}), **dict(pairs)} if pairs else None
    return {name: value for name, value in given.items() if value is not None}


def read_export(options: argparse.Namespace) -> Usage:
    """The usage of every export that the command line of ``tokenplan read`` names.

    Raises
    ------
    UsageError
        None is named, or one cannot be read.
    """
    if not options.exports:
        raise UsageError("no export is named: tokenplan read EXPORT")
    source = tuple(map(Path, options.exports)) if len(options.exports) > 1 else options.exports[0]
    return _read(source, options, personal=options.personal, overlap=options.overlap, dedupe=options.dedupe)


def read_bill_of(options: argparse.Namespace, *, personal: bool) -> Usage:
    """The usage that the command line names, as a bill: also without a model, and with who used it if asked.

    Raises
    ------
    UsageError
        As :func:`read_usage_of`.
    """
    return _read(options.usage, options, personal=personal)


def _read(source: str | Path | tuple[Path, ...], options: argparse.Namespace, **more: Any) -> Usage:
    how = asked(options)
    refuse_plans(source if isinstance(source, tuple) else (source,))
    if "rates" in how:
        how["rates"] = Rates.read(how["rates"])
    try:
        return read_usage(source, **how, **more)
    except UsageError as error:
        told = UsageSource(file=source, format=how.get("format"), columns=how.get("columns"), fill=how.get("fill"))
        raise UsageError(as_option(error, told)) from error


def read_usage_of(options: argparse.Namespace, *, like: UsageSource | None = None) -> Usage:
    """The usage that the command line names, read as a plan file reads its own where the command line does not say.

    Raises
    ------
    UsageError
        It breaks a rule of the usage table; what is mended by an argument in Python is told as an option.
    """
    source = UsageSource(file=options.usage) if like is None else replace(like, file=options.usage)
    source = replace(source, **asked(options, over=like))
    refuse_plans((options.usage,))
    try:
        return source.read()
    except UsageError as error:
        raise UsageError(as_option(error, source)) from error


def refuse_plans(files: Iterable[str | Path]) -> None:
    """Refuse a plan where an export is wanted.

    Raises
    ------
    UsageError
        A file is one, by its name.
    """
    for file in files:
        if str(file).lower().endswith((".toml", ".tokenplan")):
            raise UsageError(f"{file}: is a plan and no export; name the export of usage that it is made of")


def as_option(error: UsageError, source: UsageSource | None = None) -> str:
    """What is wrong, with the option that mends it; of a ``source`` whose columns have other names, every option."""
    option = next((o for word, o in _OPTIONS.items() if word in str(error)), None)
    if option is None:
        return str(error)
    whole = _options_by_name(source) if source is not None and any(word in str(error) for word in _UNMAPPED) else ""
    return f"{error} (here: {option}{f'; by their names: {whole}' if whole else ''})"


def _options_by_name(source: UsageSource) -> str:
    """The options that say which column is which, as far as the names of an export's columns tell; else nothing."""
    files = source.file if isinstance(source.file, tuple) else (source.file,)
    given = Mapped(source.columns or {}, source.fill or {})
    found = suggested(header_of([str(file) for file in files], source.format), given)
    pairs = [("--column", f"{name}={own}") for name, own in found.columns.items()]
    pairs += [("--fill", f"{name}={value}") for name, value in found.fill.items()]
    return " ".join(f"{flag} {shlex.quote(pair)}" for flag, pair in pairs) if found != given else ""


def series_columns(options: argparse.Namespace, usage: Usage) -> tuple[str, ...]:
    """What makes a series: as asked, else environment and project or what the usage has instead."""
    return tuple(options.by) if options.by else workload_columns(usage)
