"""Groups of flows that are drawn together. Comes in: flows and ``per=``. Goes out: each group's name and flows."""

from __future__ import annotations

import numpy as np

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
        The column is none.
    """
    if per == "workload":
        own = [c for c in scene.projection.spec.by if c in flows.labels]
        names = np.array(["/".join(map(str, row)) for row in flows.labels[own].itertuples(index=False)])
    else:
        names = np.array(scene.groups(flows, per, what=what))
    return [(str(name), rows & (names == name)) for name in dict.fromkeys(names[rows])]
