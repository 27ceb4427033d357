"""statsforecast's AutoETS and optimised theta, simulated paths. Runs in the environment of requirements.txt.

Comes in: a request as in exchange.py. Goes out: its reply. Defaults throughout: normal errors, the season given, and
gaps filled from the season before (neither method takes gaps).
"""

from __future__ import annotations

import sys
import warnings

from exchange import FloatArray, Task, filled, serve
from statsforecast.models import AutoETS, OptimizedTheta

METHODS = {"AutoETS": AutoETS, "OptimizedTheta": OptimizedTheta}


def paths(task: Task) -> FloatArray:
    if task.method not in METHODS:
        sys.exit(f"--method {task.method}: one of {', '.join(METHODS)}")
    values = filled(task.values, task.season)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = METHODS[task.method](season_length=task.season).fit(values)
        return fitted.simulate(h=task.spans.shape[1], n_paths=task.draws, seed=task.seed)


if __name__ == "__main__":
    serve(paths)
