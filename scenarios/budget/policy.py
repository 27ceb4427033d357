"""Policy. Comes in: a plan that is split. Goes out: what each part wants beside what the policy lets it have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from forecast.errors import PlanError, one_of
from forecast.panel import FloatArray
from scenarios.budget.ledger import Ledger, Level, Parted
from scenarios.budget.shares import proportions
from scenarios.budget.splits import ROUNDING

if TYPE_CHECKING:
    from scenarios.budget.budget_plan import BudgetPlan

#: The columns of the table, in order.
COLUMNS: Final = (
    "demand_share",
    "demand_p10",
    "demand_p50",
    "demand_p90",
    "low",
    "high",
    "share",
    "at_low",
    "at_high",
    "transfer",
    "budget",
    "overrun",
    "state",
)
#: A part without a range is squeezed or lifted where policy moves at least this share of the money.
MOVED: Final = 0.005


def policy_table(plan: BudgetPlan, by: str | None = None) -> pd.DataFrame:
    """What each part wants beside its policy: who is squeezed, and how likely it overruns its part.

    Parameters
    ----------
    by : str, optional
        The column of the split to show; the last, which is inside all others, where none is named.

    Returns
    -------
    DataFrame
        Index: the column, after those of the splits that it is inside of. ``demand_share`` (mean) and ``demand_p10`` to
        ``demand_p90`` are the part's share of what all want, ``low`` and ``high`` its range (NaN: none), ``share`` the
        mean of what it is given. ``at_low`` and ``at_high`` are the shares of futures in which that stands at an end of
        the range. ``transfer`` is the mean of the money that policy moves to it, ``budget`` its part of the budget, and
        ``overrun`` the probability that its demand exceeds that. ``state`` is "squeezed" where the median demand share
        lies above the range, "lifted" below it, else "inside"; without a range it compares with what is given. NaN and
        "unknown" where the plan does not tell what a part wants.

    Raises
    ------
    PlanError
        There is no split, or none by that column.
    """
    level, columns = level_of(plan.ledger, by)
    rows = [row for parted in level.parted for row in _rows(parted, level)]
    index = pd.MultiIndex.from_tuples([key for key, _ in rows], names=columns)
    table = pd.DataFrame([row for _, row in rows], index=index if len(columns) > 1 else index.get_level_values(0))
    told = plan.table(columns, demand=True).reindex(table.index)
    table = table.assign(budget=told["budget"], overrun=told["overrun"].where(table["demand_share"].notna()))
    return table[list(COLUMNS)]


def level_of(ledger: Ledger, by: str | None = None) -> tuple[Level, list[str]]:
    """One split of a ledger, and the columns that its parts are told by."""
    if not ledger.levels:
        raise PlanError("this plan has no split; give one: split=EnvironmentSplit(...) or split=Split('department')")
    columns = [level.split.by for level in ledger.levels]
    if by is not None:
        one_of("split by", by, columns, PlanError)
    place = columns.index(by) if by is not None else len(columns) - 1
    return ledger.levels[place], columns[: place + 1]


def shares_table(ledger: Ledger, by: str | None = None) -> pd.DataFrame:
    """The share of each part in every draw: columns are parts, after those that they are inside of."""
    level, columns = level_of(ledger, by)
    keys = [(*(label for _, label in parted.where), part) for parted in level.parted for part in parted.parts]
    names = pd.MultiIndex.from_tuples(keys, names=columns) if len(columns) > 1 else [key[0] for key in keys]
    return pd.DataFrame(np.concatenate([parted.shares for parted in level.parted], axis=1), columns=names)


def _rows(parted: Parted, level: Level) -> list[tuple[tuple[str, ...], dict[str, object]]]:
    """The parts of one parent: what they are called, and their numbers."""
    inside = tuple(label for _, label in parted.where)
    want = proportions(parted.demand) if parted.demand is not None else np.full_like(parted.shares, np.nan)
    spread = np.quantile(want, [0.1, 0.5, 0.9], axis=0)
    given = parted.shares.mean(axis=0)
    out = []
    for i, part in enumerate(parted.parts):
        low, high = parted.ranges[i]
        row: dict[str, object] = {"demand_share": want[:, i].mean()}
        row |= {f"demand_p{level}": spread[k, i] for k, level in enumerate((10, 50, 90))}
        row |= {"low": low, "high": high, "share": given[i]}
        row |= {"at_low": _at(parted.shares[:, i], low), "at_high": _at(parted.shares[:, i], high)}
        row |= {"transfer": parted.moved[:, i].mean()}
        row |= {"state": _state(float(spread[1, i]), float(low), float(high), float(np.median(parted.shares[:, i])))}
        out.append(((*inside, part), row))
    return out


def _at(shares: FloatArray, end: float) -> float:
    """In how many draws a share stands at an end of its range."""
    return float(np.mean(np.abs(shares - end) <= ROUNDING)) if np.isfinite(end) else np.nan


def _state(wanted: float, low: float, high: float, given: float) -> str:
    if np.isnan(wanted):
        return "unknown"
    if np.isnan(low):
        return "squeezed" if wanted > given + MOVED else "lifted" if wanted < given - MOVED else "as wanted"
    return "squeezed" if wanted > high else "lifted" if wanted < low else "inside"
