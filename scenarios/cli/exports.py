"""Files of results. Comes in: a plan, or what writes each file, and a folder. Goes out: files, each whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Final

from forecast.errors import PlanError
from forecast.progress import tracked
from scenarios.bridging import Bridge
from scenarios.budget.alternatives import plan_bridge
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.cli.tables import csv

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Dots an inch of the charts.
SHARPNESS: Final = 150


def write_files(plan: BudgetPlan, folder: Path, *, title: str | None = None, limit: float | None = None) -> list[Path]:
    """Write ``fan.png``, ``environments.png`` (where there are several), ``s_curve.png``, ``plan.xlsx``, ``plan.html``
    and ``plan.csv``; returns their paths.

    ``title`` is what the page calls the plan, ``limit`` money of which they tell the chance of going over it. Each is
    made aside and then moved into place, so that no half-written file is left.

    Raises
    ------
    PlanError
        ``folder`` is a file.
    OSError
        The folder cannot be made or written to.
    """  # noqa: D205 - the names are the summary
    return write_whole(folder, _writers(plan, title, limit))


def write_whole(folder: Path, writers: Mapping[str, Callable[[Path], object]]) -> list[Path]:
    """Write files by name, each made aside and then moved into place; returns their paths.

    Raises
    ------
    PlanError
        ``folder`` is a file.
    OSError
        The folder cannot be made or written to.
    """
    if folder.exists() and not folder.is_dir():
        raise PlanError(f"{folder}: is a file; name a folder for --out")
    aside = folder / f".writing-{os.getpid()}"
    try:  # around the making too: an interrupt leaves nothing behind
        aside.mkdir(parents=True)
        for name, write in tracked(writers.items(), "writing files"):
            write(aside / name)
        for name in writers:
            (aside / name).replace(folder / name)
    finally:
        rmtree(aside, ignore_errors=True)
    return [folder / name for name in writers]


def _writers(plan: BudgetPlan, title: str | None, limit: float | None) -> dict[str, Callable[[Path], object]]:
    several = len(plan.ledger.environments) > 1
    bridge = cache(partial(_bridge, plan))
    charts = ("fan", *(("environments",) if several else ()), "s_curve")
    limits = {"s_curve": limit}
    return {
        **{f"{kind}.png": partial(save_chart, partial(plan.plot, kind, limit=limits.get(kind))) for kind in charts},
        "plan.xlsx": lambda path: plan.to_excel(path, limit=limit, bridge=bridge()),
        "plan.html": lambda path: plan.to_html(path, limit=limit, bridge=bridge(), title=title),
        "plan.csv": lambda path: path.write_text(csv(plan.to_frame().round(2)), encoding="utf-8"),
    }


def _bridge(plan: BudgetPlan) -> Bridge | None:
    """From the forecast alone to the plan, for workbook and page; None where nothing changes."""
    return plan_bridge(plan) if plan.spec.scenario.every_change() else None


def save_chart(draw: Callable[[], Axes], path: Path) -> None:
    """Draw a chart and write it as PNG."""
    figure = draw().get_figure(root=True)
    assert figure is not None
    figure.savefig(path, dpi=SHARPNESS)
