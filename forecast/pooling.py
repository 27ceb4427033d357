"""Pooling of scores. Comes in: one model's scores by origin and series. Goes out: its row of a scorecard."""

from __future__ import annotations

from typing import Final

import numpy as np

from forecast.coverage import LEAST_BLOCKS, coverage_error
from forecast.panel import BoolArray, FloatArray
from forecast.scores import diebold_mariano, finops_grade, mean_known, owa
from forecast.scoring import SCORES, YARDSTICKS

#: Means over series and origins of scores without unit, and sums divided by the sum of actual values.
_MEANS: Final = ("mase", "rmsse", "smape", "msis_95")
_PER_ACTUAL: Final = {
    "wape": "mae",
    "bias": "error",
    **{name: name for name in SCORES if name.startswith(("crps", "pinball", "interval"))},
}


def pooled(values: FloatArray, yardstick: FloatArray, scale: FloatArray, overlap: int) -> dict[str, float | str]:
    """One model's scores over series and origins, in one scope.

    Parameters
    ----------
    values : float array (origin, score, series)
        In the order of ``SCORES``.
    yardstick : float array (origin, yardstick, series)
        In the order of ``YARDSTICKS``.
    scale : float array (origin, series)
        The naive error of single periods.
    overlap : int
        How many consecutive origins share a part of their horizons.

    Returns
    -------
    dict
        The columns of :attr:`Scorecard.by_scope`.
    """
    score = {name: values[:, k] for k, name in enumerate(SCORES)}
    beside = {name: yardstick[:, k] for k, name in enumerate(YARDSTICKS)}
    known = {name: np.nan_to_num(array) for name, array in score.items()}
    count = known["count"]
    actual = float((count * known["actual"]).sum())
    row: dict[str, float | str] = {"count": float(count.sum())}
    row |= {name: float(mean_known(score[name].ravel())) for name in _MEANS}
    row["owa"] = _owa(score, beside)
    for name, of in _PER_ACTUAL.items():
        row[name] = float((count * known[of]).sum()) / actual if actual > 0 else float("nan")
    for name in ("coverage_80", "coverage_95"):
        found = coverage_error(np.round(count * known[name]).sum(axis=1), count.sum(axis=1), overlap=overlap)
        row |= {name: found.share, f"{name}_se": found.se, f"{name}_trials": found.trials}
    row["finops_grade"] = finops_grade(float(row["wape"]))
    return {**row, **_against_run_rate(score["mae"], beside["run_rate_mae"], scale, overlap)}


def _owa(score: dict[str, FloatArray], beside: dict[str, FloatArray]) -> float:
    """The ratio to Naive2 of mean sMAPE and mean MASE, each where both are known."""
    means: list[float] = []
    for name in ("smape", "mase"):
        own, other = _both(score[name], beside[f"naive2_{name}"])
        means += [float(mean_known(own.ravel())), float(mean_known(other.ravel()))]
    return float(owa(means[0], means[2], naive_smape=means[1], naive_mase=means[3]))


def _both(own: FloatArray, other: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Two arrays with NaN where either has it."""
    both: BoolArray = np.isfinite(own) & np.isfinite(other)
    return np.where(both, own, np.nan), np.where(both, other, np.nan)


def _against_run_rate(mae: FloatArray, run_rate: FloatArray, scale: FloatArray, overlap: int) -> dict[str, float]:
    """The ratio of mean scaled errors, and the test over origins, where both are known. Arrays (origin, series).

    Errors of totals too are scaled by the naive error of single periods: a series has one scale at an origin, so only
    how series weigh against each other depends on it.
    """
    scale = np.where(scale > 0, scale, np.nan)
    own, other = _both(mae / scale, run_rate / scale)
    most = float(mean_known(other.ravel()))
    ratio = float(mean_known(own.ravel())) / most if most > 0 else float("nan")
    test = diebold_mariano(mean_known(own.T), mean_known(other.T), horizon=overlap)
    return {"mase_to_run_rate": ratio, "dm_p": test.p_value if test.count >= LEAST_BLOCKS * overlap else float("nan")}
