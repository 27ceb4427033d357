"""What handing over a plan takes: every export of the sample organisation's plan, in seconds of CPU and of the clock.

    python benchmarks/exports.py [--plan data/samples/organisation.toml] [--most 5]

Comes in: a plan file. Goes out: a row an export, in a process that has matplotlib loaded but drawn nothing, and their
sum. It fails where the sum takes more than ``--most`` seconds of CPU.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from scenarios import BudgetPlan
from scenarios.budget.planfile import read_plan_file

#: The budget lines that enforcers see: what they do not bill is none of theirs.
TOKENS = ("tokens", "policy transfer")
ACCOUNT = "123456789012"


def exports(plan: BudgetPlan, folder: Path) -> dict[str, Callable[[], object]]:
    """Every export by its name."""
    by_month = {"lines": TOKENS}
    return {
        "to_excel": lambda: plan.to_excel(folder / "plan.xlsx"),
        "to_html": lambda: plan.to_html(folder / "plan.html"),
        "to_picture fan.png": lambda: plan.to_picture(folder / "fan.png"),
        "to_picture s_curve.svg": lambda: plan.to_picture(folder / "s_curve.svg", "s_curve"),
        "to_picture environments.pdf": lambda: plan.to_picture(folder / "environments.pdf", "environments"),
        "to_csv": lambda: plan.to_csv(folder / "plan.csv"),
        "to_parquet": lambda: plan.to_parquet(folder / "plan.parquet"),
        "to_json": lambda: plan.to_json(folder / "plan.json"),
        "to_focus": plan.to_focus,
        "to_budgets litellm": lambda: plan.to_budgets(folder / "litellm.json", "litellm", **by_month),
        "to_budgets aws": lambda: plan.to_budgets(folder / "aws.json", "aws", account=ACCOUNT, **by_month),
        "to_budgets azure": lambda: plan.to_budgets(folder / "azure.json", "azure", **by_month),
        "to_budgets google": lambda: plan.to_budgets(folder / "google.json", "google", **by_month),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plan", type=Path, default=Path("data/samples/organisation.toml"))
    parser.add_argument("--most", type=float, default=5.0)
    options = parser.parse_args()
    import matplotlib.figure  # noqa: F401
    import pyarrow.parquet  # noqa: F401 - loaded once, whatever is exported
    import xlsxwriter  # noqa: F401

    file = read_plan_file(options.plan)
    start = time.process_time()
    plan = file.plan(file.project(file.usage.read()), file.prices.book())
    print(f"{plan}; made in {time.process_time() - start:.2f} s of CPU\n")
    print(f"{'export':<30}{'CPU, s':>8}{'clock, s':>10}")
    total_cpu = total_clock = 0.0
    with TemporaryDirectory() as folder:
        for name, export in exports(plan, Path(folder)).items():
            cpu, clock = time.process_time(), time.perf_counter()
            export()
            cpu, clock = time.process_time() - cpu, time.perf_counter() - clock
            total_cpu, total_clock = total_cpu + cpu, total_clock + clock
            print(f"{name:<30}{cpu:>8.2f}{clock:>10.2f}", flush=True)
    held = total_cpu <= options.most
    verdict = f"{'within' if held else 'MORE THAN'} {options.most:g} s of CPU"
    print(f"{'all':<30}{total_cpu:>8.2f}{total_clock:>10.2f}  {verdict}")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
