"""Groups of flows that are drawn together. Comes in: flows and ``per=``. Goes out: each group's name and flows."""

from __future__ import annotations

import numpy as np

from forecast.errors import ScenarioError
from forecast.panel import BoolArray
from scenarios.changes.flows import Flows
from scenarios.changes.scene import Scene


def grouped(flows: Flows, rows: BoolArray, per: str, scene: Scene, *, what: str) -> list[tuple[str, BoolArray]]:
    """The groups that some flows fall into: name, and which flows (flow,).

    Parameters
    ----------
    per : str
        ``"all"``: one for all; ``"workload"``: one for each; or a column: one for each of its values.

    Raises
    ------
    ScenarioError
        There is no such column; the message names those that there are.
    """
    if per == "all":
        return [("all", rows)]
    if per == "workload":
        own = [c for c in scene.projection.spec.by if c in flows.labels]
        names = np.array(["/".join(map(str, row)) for row in flows.labels[own].itertuples(index=False)])
    else:
        columns = [c for c in flows.labels.columns if c != "workload"]
        if per not in columns:
            raise ScenarioError(f"{what}.per = {per!r}: wanted one of all, workload, {', '.join(columns)}")
        names = np.array([str(value) for value in flows.labels[per]])
    return [(str(name), rows & (names == name)) for name in dict.fromkeys(names[rows])]
