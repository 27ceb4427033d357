"""Usage named on the command line. Comes in: the options of reading. Goes out: the usage, and what makes a series."""

from __future__ import annotations

import argparse
from typing import Final

from forecast.errors import UsageError
from forecast.readers import read_usage
from forecast.usage import Usage
from scenarios.budget.planinputs import UsageSource, workload_columns
from scenarios.budget.plankeys import zone

_OPTIONS: Final = {
    "columns={": "--column NAME=OWN",
    "columns: ": "--column NAME=OWN",
    "fill=": "--fill NAME=VALUE",
    "decimal=": "--decimal , or --decimal .",
    "rates= at": "no option; rates and currency in [usage] of a plan file",
}


def read_export(options: argparse.Namespace) -> Usage:
    """The usage of every export that the command line of ``tokenplan read`` names.

    Raises
    ------
    UsageError
        None is named, or one cannot be read.
    """
    if not options.exports:
        raise UsageError("no export is named: tokenplan read EXPORT")
    try:
        return read_usage(
            options.exports if len(options.exports) > 1 else options.exports[0],
            format=options.format,
            columns=dict(options.column) or None,
            fill=dict(options.fill) or None,
            rules=options.rules,
            timezone=options.timezone,
            decimal=options.decimal,
            grain=options.grain,
            overlap=options.overlap,
            dedupe=options.dedupe,
            personal=options.personal,
        )
    except UsageError as error:
        raise UsageError(as_option(error)) from error


def read_usage_of(options: argparse.Namespace) -> Usage:
    """The usage that the command line names.

    Raises
    ------
    UsageError
        It breaks a rule of the usage table; what is mended by an argument in Python is told as an option.
    """
    try:
        return _source(options).read()
    except UsageError as error:
        raise UsageError(as_option(error)) from error


def read_bill_of(options: argparse.Namespace, *, personal: bool) -> Usage:
    """The usage that the command line names, as a bill: also without a model, and with who used it if asked.

    Raises
    ------
    UsageError
        As :func:`read_usage_of`.
    """
    if (wrong := zone(options.timezone)) is not None:
        raise UsageError(f"--timezone {wrong}")
    try:
        return read_usage(
            options.usage,
            format=options.format,
            columns=dict(options.column) or None,
            fill=dict(options.fill) or None,
            rules=options.rules,
            timezone=options.timezone,
            decimal=options.decimal,
            grain=options.grain,
            personal=personal,
        )
    except UsageError as error:
        raise UsageError(as_option(error)) from error


def as_option(error: UsageError, *, rates: str = _OPTIONS["rates= at"]) -> str:
    """The error, with the option of what an argument mends in Python; ``rates`` is that of exchange rates."""
    options = {**_OPTIONS, "rates= at": rates}
    option = next((o for word, o in options.items() if word in str(error)), None)
    return f"{error} (here: {option})" if option else str(error)


def _source(options: argparse.Namespace) -> UsageSource:
    if (wrong := zone(options.timezone)) is not None:
        raise UsageError(f"--timezone {wrong}")
    return UsageSource(
        file=options.usage,
        format=options.format,
        rules=options.rules,
        grain=options.grain,
        columns=dict(options.column) or None,
        fill=dict(options.fill) or None,
        timezone=options.timezone,
        decimal=options.decimal,
    )


def series_columns(options: argparse.Namespace, usage: Usage) -> tuple[str, ...]:
    """What makes a series: as asked, else environment and project or what the usage has instead."""
    return tuple(options.by) if options.by else workload_columns(usage)
