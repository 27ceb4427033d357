"""``tokenplan demo``. Comes in: nothing. Goes out: the sample organisation's plan, as ``plan`` shows it."""

from __future__ import annotations

import argparse
from typing import Final

from forecast.samples import sample_path
from scenarios.budget.planfile import read_plan_file
from scenarios.cli.plan_job import run_plan

SAMPLE: Final = "organisation.toml"


def run(options: argparse.Namespace) -> int:
    """Plan the sample organisation."""
    return run_plan(read_plan_file(sample_path(SAMPLE)), options)
