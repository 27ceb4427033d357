"""Arguments of ``tokenplan init``. Comes in: the command's jobs. Goes out: the parser of one more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scenarios.cli.options import TABLES, completed, of_reading
from scenarios.cli.parsing import later

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    from scenarios.cli.parsing import Command


def add_init(jobs: _SubParsersAction[Command]) -> None:
    """The job that writes a plan file from an export."""
    job = jobs.add_parser(
        "init",
        help="write a plan file from your export, by five questions",
        description="Look at a usage export, ask five questions, and write a plan file that was tried. A question "
        "whose option is given is not asked; without a terminal, or with --yes, its default is taken and told.",
        examples=(
            "tokenplan init usage.csv -o first.toml",
            "tokenplan init usage.csv -o second.toml --yes --horizon 1Q --growth data",
        ),
    )
    exports = job.add_argument(
        "exports", metavar="EXPORT", nargs="+", help="exports: CSV, JSON or Parquet; folders or globs"
    )
    completed(exports, TABLES)
    job.add_argument(
        "-o", "--output", type=Path, default=Path("plan.toml"), metavar="FILE", help="the file (%(default)s)"
    )
    job.add_argument("--yes", action="store_true", help="ask nothing: take the default of what no option says")
    job.add_argument("--force", action="store_true", help="overwrite a file that is there")
    job.add_argument("--quiet", action="store_true", help="no progress and no notes")
    asked = job.add_argument_group("answers")
    asked.add_argument("--horizon", metavar="SPAN", help='what is planned: 2Q, 3M, FY2027, or "2Q from October"')
    asked.add_argument("--growth", metavar="LOW..HIGH", help='growth a month, "3%%..8%%", or "data"')
    asked.add_argument("--split", metavar="RANGES", help='"development=15%%..20%%, production=60%%..70%%", or "none"')
    asked.add_argument("--extras", metavar="WORDS", help='"80%%, fixed 12000, reserve 20000"')
    of_reading(job)
    job.add_argument("--duplicates", choices=("refuse", "sum"), default="refuse", help="rows of one period and key")
    job.add_argument("--sort", action="store_true", help="accept dates in any order")
    job.set_defaults(run=later("init_job:run"))
