"""Usage named on the command line. Comes in: the options of reading. Goes out: the usage, and what makes a series."""

from __future__ import annotations

import argparse

from forecast.errors import UsageError
from forecast.usage import Usage
from scenarios.budget.planinputs import UsageSource, workload_columns
from scenarios.budget.plankeys import zone


def source_of(options: argparse.Namespace) -> UsageSource:
    """Where the usage stands and how it is read."""
    if (wrong := zone(options.timezone)) is not None:
        raise UsageError(f"--timezone {wrong}")
    return UsageSource(
        file=options.usage,
        columns=dict(options.column) or None,
        fill=dict(options.fill) or None,
        timezone=options.timezone,
    )


def series_columns(options: argparse.Namespace, usage: Usage) -> tuple[str, ...]:
    """What makes a series: as asked, else environment and project or what the usage has instead."""
    return tuple(options.by) if options.by else workload_columns(usage)
