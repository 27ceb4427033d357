"""The files of a plan. Comes in: a plan and a folder. Goes out: charts, workbook, page, table, each whole."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from forecast.errors import PlanError
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.cli.tables import csv

#: Dots an inch of the charts.
SHARPNESS: Final = 150


def write_files(plan: BudgetPlan, folder: Path) -> list[Path]:
    """Write ``fan.png``, ``environments.png`` (where there are several), ``s_curve.png``, ``plan.xlsx``, ``plan.html``
    and ``plan.csv``; returns their paths.

    Each is made aside and then moved into place, so that no half-written file is left.

    Raises
    ------
    PlanError
        ``folder`` is a file.
    OSError
        The folder cannot be made or written to.
    """  # noqa: D205 - the names are the summary
    if folder.exists() and not folder.is_dir():
        raise PlanError(f"{folder}: is a file; name a folder for --out")
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix=".writing-") as aside:
        names = []
        for name, write in _writers(plan).items():
            write(Path(aside) / name)
            names.append(name)
        for name in names:
            (Path(aside) / name).replace(folder / name)
    return [folder / name for name in names]


def _writers(plan: BudgetPlan) -> dict[str, Callable[[Path], object]]:
    several = len(plan.ledger.environments) > 1
    charts = ("fan", *(("environments",) if several else ()), "s_curve")
    return {
        **{f"{kind}.png": partial(_chart, plan, kind) for kind in charts},
        "plan.xlsx": plan.to_excel,
        "plan.html": plan.to_html,
        "plan.csv": lambda path: path.write_text(csv(plan.to_frame().round(2)), encoding="utf-8"),
    }


def _chart(plan: BudgetPlan, kind: str, path: Path) -> None:
    figure = plan.plot(kind).get_figure(root=True)
    assert figure is not None
    figure.savefig(path, dpi=SHARPNESS)
