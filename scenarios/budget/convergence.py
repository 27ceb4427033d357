"""Convergence. Comes in: totals of draws. Goes out: how sure their quantiles are, from draws and from trajectories."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from forecast.errors import PlanError
from forecast.panel import FloatArray, IntArray
from scenarios.budget.contingency import mean_error, quantile_influence

if TYPE_CHECKING:
    from scenarios.budget.budget_plan import BudgetPlan

#: What ``draws="auto"`` begins with, and where it stops.
FEWEST: Final = 2_000
MOST: Final = 200_000
#: The part of the budget that ``draws="auto"`` is to reach unless asked otherwise.
WANTED: Final = 0.003
#: Of how many parts of the draws the convergence is told.
PARTS: Final = (16, 8, 4, 2, 1)


def quantile_errors(totals: FloatArray, level: float, trajectory: IntArray) -> tuple[float, float]:
    """Standard errors of a quantile: from the number of draws, and from the finite set of trajectories.

    With I_d the influence of draw d on the quantile, and R trajectories of n_r draws each,

        draws² = Σ_r s_r² / n_r / R²,  s_r² the variance of I inside trajectory r,
        trajectories² = (the variance of the R means) / R - draws²,

    as of an analysis of variance by unweighted means. Draws are stratified, which the first does not know: it tells
    rather too much. Of fewer draws than two a trajectory the two cannot be told apart: all is laid to the draws, and
    the second is NaN.

    Parameters
    ----------
    totals : float array (draw,)
    trajectory : int array (draw,)
        Which trajectory each draw follows.

    Source: as in the one-way model of Searle, Casella and McCulloch (1992), Variance Components.
    """
    influence = quantile_influence(totals, level)
    whole = mean_error(influence, trajectory)
    count = np.bincount(trajectory)
    used = count > 1
    if count[count > 0].min() < 2:
        return whole, np.nan
    mean = np.bincount(trajectory, weights=influence)[used] / count[used]
    square = np.bincount(trajectory, weights=influence**2)[used] / count[used]
    inside = np.maximum(square - mean**2, 0.0) * count[used] / (count[used] - 1)
    draws = float(np.sqrt((inside / count[used]).sum()) / used.sum())
    return draws, float(np.sqrt(max(whole**2 - draws**2, 0.0)))


def enough(totals_of: Callable[[int], tuple[FloatArray, IntArray]], confidence: float, error: float) -> int:
    """How many draws make the standard error of the budget from draws no more than a part of it.

    Draws grow until they do, by what the last number of them says, at least to twice as many.

    Parameters
    ----------
    totals_of : callable
        Totals and trajectory of so many draws: both (draw,).
    error : float
        The part of the budget.
    """
    number = FEWEST
    while True:
        totals, trajectory = totals_of(number)
        left, budget = quantile_errors(totals, confidence, trajectory)[0], abs(float(np.quantile(totals, confidence)))
        if left <= error * budget or number >= MOST:
            return number
        found = left / budget if budget > 0 else np.inf
        # Sampled again with more draws, and a little more than the square says, so that one more time is the rule.
        wanted = min(float(MOST), number * (found / error) ** 2 * 1.1)
        number = int(min(MOST, max(2 * number, -(-wanted // 1_000) * 1_000)))


def told_enough(plan: BudgetPlan, error: float) -> str:
    """What the draws of a plan that chose their number leave, in words; and that it is too much, where it is."""
    left = quantile_errors(plan.totals, plan.confidence, plan.trajectory)[0]
    part = left / abs(plan.budget) if plan.budget else 0.0
    most = f"; more than asked, and {MOST:,} draws are the most that are taken" if len(plan.totals) >= MOST else ""
    told = f"{len(plan.totals):,} draws leave a standard error of {part:.2%} of the budget, {error:.2%} was asked"
    return told + (most if part > error else "")


def check_error(error: object) -> float:
    """The wanted part.

    Raises
    ------
    PlanError
        It is none.
    """
    if isinstance(error, bool) or not isinstance(error, int | float) or not 0.0001 <= error < 1:
        raise PlanError(
            f"error={error!r}: wanted the standard error of the budget that draws may leave, as a part of it from "
            "0.0001 to below 1, such as 0.003"
        )
    return float(error)


def convergence(plan: BudgetPlan, levels: tuple[float, ...]) -> pd.DataFrame:
    """Quantiles of the total from ever more of the draws, with their errors."""
    # A draw's number says nothing of it. So that parts of the draws use every trajectory equally often, as a plan of
    # so many draws would, each trajectory's first draws come first, then its second ones, and so on.
    turn = pd.Series(plan.trajectory).groupby(plan.trajectory).cumcount().to_numpy()
    order = np.argsort(turn, kind="stable")
    totals, trajectory = plan.totals[order], plan.trajectory[order]
    rows = []
    for level in levels:
        for part in PARTS:
            number = len(totals) // part
            if number < 100:
                continue
            some = totals[:number]
            draws, trajectories = quantile_errors(some, level, trajectory[:number])
            found = float(np.quantile(some, level))
            apart = np.isfinite(trajectories)
            both = float(np.hypot(draws, trajectories)) if apart else draws
            part_of = both / abs(found) if found else np.nan
            known = draws if apart else np.nan
            rows.append((f"P{level * 100:g}", number, found, known, trajectories, both, part_of))
    columns = ["level", "draws", "quantile", "se_draws", "se_trajectories", "se", "se_percent"]
    made = pd.DataFrame(rows, columns=columns)
    made["se_percent"] *= 100
    return made.set_index(["level", "draws"])
