"""Sensitivity. Comes in: a plan. Goes out: what its total hangs on, number by number, and what each does to the P80."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, get_args

import numpy as np
import pandas as pd

from forecast.errors import PlanError, one_of
from forecast.panel import FloatArray
from scenarios.budget.hearing import FORECAST, Drawn, Key
from scenarios.budget.main_effects import MainEffect, Share, common, main_effect, moved, near, shared
from scenarios.budget.replaying import Replay

if TYPE_CHECKING:
    from scenarios.budget.budget_plan import BudgetPlan

By = Literal["parameter", "component", "driver"]
#: The columns of the table, in order; those of ``errors=True`` after them.
COLUMNS: Final = ("rank_correlation", "first", "total", "interactions", "at_p10", "at_p90", "swing")
ERRORS: Final = ("first_se", "total_se")
#: The last row: what no row does alone.
TOGETHER: Final = "only together"
#: A future's total that moves by less than this of itself is moved by the order of additions.
_ROUNDING: Final = 1e-9
_ENDS: Final = (0.1, 0.9)
#: A row of a larger total share is told by drawing all others anew: of shares S of a sum of normal numbers, the error
#: of :func:`common` is sqrt(2 S + S²) over the root of the draws, that of :func:`shared` 1 - S²; they cross at a third.
_LARGE: Final = 0.3


def sensitivity_of(plan: BudgetPlan, by: By, *, errors: bool) -> pd.DataFrame:
    """What moves the total: every number that is drawn once a path, in order of what it moves.

    With T the total, X one row's numbers and the rest drawn as in the plan,

        first = Var(E[T | X]) / Var(T), total = E[Var(T | all but X)] / Var(T), interactions = total - first.

    Parameters
    ----------
    by : {"parameter", "component", "driver"}
        A row for each number; for each change and component; or for each driver of cost (a change's ``step``), the
        components together. The forecast is a row of its own (which trajectory, and its smoothing), and so is the
        draw of a branch.
    errors : bool
        Add ``first_se`` and ``total_se``, standard errors from the number of draws.

    Returns
    -------
    DataFrame
        Index ``by``, in falling order of ``total``. ``rank_correlation`` is Spearman's with the total. ``at_p10`` and
        ``at_p90`` are the quantile of the total at the plan's confidence when the row is held at its P10 and P90, in
        money, ``swing`` their difference. The last row, "only together", has in ``first`` the part of the variance
        that no row explains alone: 1 less the sum of all others.

    Raises
    ------
    PlanError
        ``by`` is none of the three, or all futures cost the same.

    Notes
    -----
    The plan is made again, of which only what changes is worked out: once a row with its numbers drawn anew, for
    ``total``, and once at each end with a single number held at its distribution's P10 and P90. A row of several
    numbers has no single scale: it is held as it is in the fiftieth of the draws that is nearest to the P10 and P90 of
    the sum of what each does on average, the forecast to those of what each trajectory costs on average with all else
    drawn anew, and ``rank_correlation`` is that of this scale; of branches the draws near them are looked at. Numbers
    that are tied are one row, or their shares would overlap. NaN where a row has no scale, such as a random walk, or
    many numbers of which none is sure to do anything.

    What moves no future by more than rounding is left out, as are numbers that are drawn but not used. Errors are of
    shares of the variance; below them an interaction is noise, and may be negative. Rare and extreme futures rule the
    variance, and hardly touch the budget: what that hangs on is told by ``swing``.

    Source: Sobol (2001), doi:10.1016/S0378-4754(00)00270-6; estimators in ``scenarios.budget.main_effects``.
    """
    one_of("sensitivity by", by, get_args(By), PlanError)
    totals = plan.totals
    if not float(np.ptp(totals)) > _ROUNDING * float(np.abs(totals).max()):
        raise PlanError(
            "every future of this plan costs the same, so nothing moves it; give a number a range, such as "
            "sc.between(0.03, 0.08), or a forecast whose trajectories differ"
        )
    replay = Replay.of(plan)
    rows = replay.rows(by)
    told = {row.name: _row(replay, row, rows) for row in rows}
    table = pd.DataFrame.from_dict({k: v for k, v in told.items() if v}, orient="index", columns=[*COLUMNS, *ERRORS])
    table = table.sort_values("total", ascending=False, kind="stable")
    table.loc[TOGETHER] = {"first": 1.0 - table["first"].sum(), "first_se": np.sqrt((table["first_se"] ** 2).sum())}
    return table.astype("float64")[[*COLUMNS, *(ERRORS if errors else ())]].rename_axis(by)


def _row(replay: Replay, row: Drawn, rows: list[Drawn]) -> dict[str, float]:
    """One row's numbers; none where it moves nothing."""
    totals = replay.plan.totals
    again = replay.anew(row.streams)
    if float(np.abs(again - totals).max()) <= _ROUNDING * float(np.abs(totals).max()):
        return {}
    whole, effects = moved(totals, again), [main_effect(u, totals) for u in row.values.values()]
    first = _first(replay, row, rows, effects, again, whole)
    score = _score(replay, row, rows, effects)
    low, high = _ends(replay, row, score)
    return {
        "rank_correlation": _rank_correlation(score, totals),
        "first": first.value,
        "total": whole.value,
        "interactions": whole.value - first.value,
        "at_p10": low,
        "at_p90": high,
        "swing": high - low,
        "first_se": first.error,
        "total_se": whole.error,
    }


def _first(
    replay: Replay, row: Drawn, rows: list[Drawn], effects: list[MainEffect], again: FloatArray, whole: Share
) -> Share:
    """What a row does alone: of one number from the draws, of several from the replay that tells it best."""
    if row.single is not None:
        return effects[0].share
    if whole.value < _LARGE:
        return common(replay.plan.totals, again, replay.everything_anew())
    others = frozenset[Key]().union(*(other.streams for other in rows if other is not row))
    return shared(replay.plan.totals, replay.anew(others)) if others else Share(1.0, 0.0)


def _score(replay: Replay, row: Drawn, rows: list[Drawn], effects: list[MainEffect]) -> FloatArray | None:
    """A row's own scale: (draw,). The forecast's is what each trajectory costs with all other numbers drawn anew."""
    if row.single is not None:
        u = row.values[row.single]
        return 1.0 - u if row.falls else u
    if FORECAST in row.streams:
        spec = replay.plan.spec
        dealt = replay.plan.projection.draws(spec.draws, spec.seed)
        others = frozenset[Key]().union(*(other.streams for other in rows if other is not row))
        money = replay.anew(others) if others else replay.plan.totals
        factor = np.exp(dealt.log_factor)
        each = np.bincount(dealt.trajectory, weights=money / factor) / np.maximum(np.bincount(dealt.trajectory), 1)
        return np.asarray(each[dealt.trajectory] * factor)
    score = np.asarray(sum((effect.fitted for effect in effects), start=np.zeros(replay.plan.spec.draws)))
    return score if np.ptp(score) > 0 else None


def _ends(replay: Replay, row: Drawn, score: FloatArray | None) -> tuple[float, float]:
    """The total's quantile at the plan's confidence with a row at its P10 and P90."""
    confidence = replay.plan.confidence
    if score is None:
        return np.nan, np.nan
    if any(key[0] == "tree" for key in row.streams):
        # Branches are dealt in exact counts: which one a draw takes cannot be told to it.
        low, high = (near(score, replay.plan.totals, level, confidence) for level in _ENDS)
        return low, high
    low, high = (float(np.quantile(replay.held(row, level, score), confidence)) for level in _ENDS)
    return low, high


def _rank_correlation(score: FloatArray | None, totals: FloatArray) -> float:
    """Spearman's."""
    if score is None:
        return np.nan
    from scipy.stats import rankdata

    return float(np.corrcoef(rankdata(score), rankdata(totals))[0, 1])
