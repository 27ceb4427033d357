"""Prophet with its defaults, its predictive samples. Runs in the library's own environment.

Comes in: a request as in exchange.py. Goes out: its reply. Gaps are left to Prophet, which takes them.
"""

from __future__ import annotations

import logging
import sys
import warnings

import numpy as np
import pandas as pd
from exchange import FloatArray, Task, serve


def paths(task: Task) -> FloatArray:
    if task.method != "Prophet":
        sys.exit(f"--method {task.method}: Prophet")
    for name in ("prophet", "prophet.plot", "cmdstanpy"):
        logging.getLogger(name).disabled = True
    from prophet import Prophet

    horizon = task.spans.shape[1]
    dates = pd.date_range(task.first, periods=task.skipped + len(task.values) + horizon, freq=task.step)[task.skipped :]
    known = pd.DataFrame({"ds": dates[:-horizon], "y": task.values})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # It draws from NumPy's global generator, and a fit from Stan's.
        np.random.seed(task.seed)  # noqa: NPY002
        made = Prophet(uncertainty_samples=task.draws).fit(known, seed=task.seed + 1)
        drawn = made.predictive_samples(pd.DataFrame({"ds": dates[-horizon:]}))["yhat"]
    return np.asarray(drawn, dtype="float64").T


if __name__ == "__main__":
    serve(paths)
