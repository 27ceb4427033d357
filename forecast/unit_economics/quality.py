"""Cost against quality. Comes in: usage with money, and how good models are. Goes out: cost a success, a frontier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args

import numpy as np
import pandas as pd

from forecast import schema
from forecast.errors import UsageError, one_of
from forecast.panel import BoolArray, FloatArray
from forecast.prices import PriceBook
from forecast.shown import CellKind, Result, Shown, table_of
from forecast.unit_economics.costs import UnitRows, key_columns, numbers, periods_of, ratio, tidy, unit_rows
from forecast.usage import Usage

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: What quality may be measured by: shares from 0 to 1.
Measure = Literal["accuracy", "success_rate"]
#: What a model's price may be taken as.
Price = Literal["cost_per_request", "cost_per_million_tokens"]
_MILLION: Final = 1_000_000


def task_costs(rows: UnitRows, quality: pd.DataFrame) -> list[pd.DataFrame]:
    """Cost per successful task, and cost per task and point of accuracy.

    Parameters
    ----------
    rows : UnitRows
    quality : DataFrame
        ``by`` columns (some of them will do, such as ``model``); ``success_rate`` and/or ``accuracy``, shares from 0 to
        1; optionally ``date``, and ``tasks`` by date and all ``by`` columns. Without ``tasks`` a request is a task.

    Raises
    ------
    UsageError
        A column is missing, a share is out of range, or a group stands twice.
    """
    table = _quality(rows, quality)
    out = []
    if "success_rate" in table:
        done = table["_tasks"] * table["success_rate"]
        value, basis = table["_cost"] / done.where(done > 0), _basis(rows, table)
        found = table.assign(value=value, numerator=table["_cost"], denominator=done, basis=basis)
        out.append(tidy(rows, found, "cost_per_successful_task", f"{rows.currency}/successful task"))
    if "accuracy" in table:
        points = 100 * table["accuracy"] * table["_tasks"]
        value, basis = table["_cost"] / points.where(points > 0), _basis(rows, table)
        found = table.assign(value=value, numerator=table["_cost"], denominator=points, basis=basis)
        out.append(tidy(rows, found, "cost_per_accuracy_point", f"{rows.currency}/task and point of accuracy"))
    return out


def _quality(rows: UnitRows, quality: pd.DataFrame) -> pd.DataFrame:
    """Cost, tasks and shares by group and period: a period's share is that of its tasks, not a mean of shares."""
    measures = [c for c in get_args(Measure) if c in quality]
    if not measures:
        raise UsageError(
            f"quality: there is neither 'accuracy' nor 'success_rate' among {', '.join(map(str, quality.columns))}"
        )
    counted = "tasks" in quality
    keys = key_columns(quality, rows, "quality", every=counted)
    dated = schema.DATE in quality
    if counted and not dated and rows.period is not None:
        raise UsageError(
            "quality: tasks are counted by date; add a column 'date', or ask for the whole span: period=None"
        )
    shares = {m: numbers(quality, m, "quality", high=1.0) for m in measures}
    tasks = numbers(quality, "tasks", "quality") if counted else np.ones(len(quality))
    table = quality[keys].assign(_tasks=tasks, **shares).reset_index(drop=True)
    if dated:
        table["_period"] = periods_of(pd.to_datetime(quality[schema.DATE]).reset_index(drop=True), rows.period)
        keys = [*keys, "_period"]
    elif table.duplicated(keys).any() or (not keys and len(table) > 1):
        raise UsageError("quality: a group stands twice; give it one row, or a row a date with a column 'date'")
    for measure in measures:
        table[f"_{measure}"] = table["_tasks"] * table[measure]
        table[f"_of_{measure}"] = table["_tasks"].where(table[measure].notna())
    names = ["_tasks", *(f"_{m}" for m in measures), *(f"_of_{m}" for m in measures)]
    if keys:
        table = table.groupby(keys, dropna=False, sort=False)[names].sum(min_count=1).reset_index()
    cost = ratio(rows, "", "", rows.cost, rows.requests).rename(columns={"period": "_period"})
    if counted:
        cost = ratio(rows, "", "", rows.cost, np.ones(len(rows.cost))).rename(columns={"period": "_period"})
    cost = cost[[*rows.by, "_period"]].assign(_cost=cost["numerator"], _requests=cost["denominator"])
    both = cost.merge(table, how="left", on=keys) if keys else cost.merge(table, how="cross")
    shared = {m: both[f"_{m}"] / both[f"_of_{m}"].where(both[f"_of_{m}"] > 0) for m in measures}
    return both.assign(_tasks=both["_tasks"] if counted else both["_requests"], _counted=counted, **shared)


def _basis(rows: UnitRows, table: pd.DataFrame) -> pd.Series:
    counted = bool(table["_counted"].all())
    told = f"{rows.basis or 'no money'}; {'tasks as counted' if counted else 'a request is a task'}"
    return pd.Series(told, index=table.index, dtype="str")


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class QualityFrontier(Result):
    """Which models are worth their price: those that no other beats on both price and quality.

    Attributes
    ----------
    table : DataFrame
        A row a model, cheapest first: the ``by`` columns, ``price``, ``quality``, ``on_frontier``, and
        ``dominated_by``: those on the frontier that cost no more and are no worse, and better in one of the two.
    by : tuple of str
    measure : {"accuracy", "success_rate"}
    price : {"cost_per_request", "cost_per_million_tokens"}
    currency : str
    basis : str
        Where the money comes from.
    left_out : tuple of str
        Models without a price or a measured quality.
    """

    table: pd.DataFrame
    by: tuple[str, ...]
    measure: Measure
    price: Price
    currency: str
    basis: str
    left_out: tuple[str, ...]

    def plot(self, ax: Axes | None = None) -> Axes:
        """Quality over price, the frontier joined, every model named."""
        from forecast.unit_economics.figures import frontier_plot

        return frontier_plot(self, ax)

    def __repr__(self) -> str:
        best = self.table[self.table["on_frontier"]]
        names = ", ".join(names_of(best, self.by))
        return f"QualityFrontier({len(best)} of {len(self.table)} on the frontier: {names}; {self.basis})"

    def show(self) -> Shown:
        """Every model's quality and price, and whether another is no worse for less."""
        best = ", ".join(names_of(self.table[self.table["on_frontier"]], self.by))
        kinds: dict[str, CellKind] = dict.fromkeys(("price", "cost_per_success"), "price")
        left = (f"left out: {', '.join(self.left_out)}",) if self.left_out else ()
        return Shown(
            f"Quality and price, {self.basis}",
            f"No other is better for less: {best}.",
            (table_of(self.table, kinds=kinds, caption=f"Money in {self.currency}.", where="frontier.table"),),
            left,
        )


def quality_frontier(
    usage: Usage,
    quality: pd.DataFrame,
    *,
    prices: PriceBook | None = None,
    by: Sequence[str] = ("provider", "model"),
    measure: Measure = "accuracy",
    price: Price = "cost_per_request",
) -> QualityFrontier:
    """The frontier of models by quality and price, and which models others dominate.

    A model is dominated where another costs no more and is no worse, and is cheaper or better.

    Parameters
    ----------
    usage : Usage
    quality : DataFrame
        Some of the ``by`` columns, such as ``model``, and the ``measure``, a share from 0 to 1; with ``date`` and
        ``tasks``, shares are weighed by tasks.
    prices : PriceBook, optional
        For usage without a bill.
    by : sequence of str
        What is compared.
    measure : {"accuracy", "success_rate"}
    price : {"cost_per_request", "cost_per_million_tokens"}
        Effective unit cost over the whole usage.

    Returns
    -------
    QualityFrontier

    Raises
    ------
    UsageError
        A column is missing, or no model has both a price and a quality.
    """
    one_of("measure", measure, get_args(Measure), UsageError)
    one_of("price", price, get_args(Price), UsageError)
    if measure not in quality:
        raise UsageError(f"quality: there is no column {measure!r} among {', '.join(map(str, quality.columns))}")
    rows = unit_rows(usage, prices, by, None)
    units = rows.requests if price == "cost_per_request" else rows.tokens / _MILLION
    cost = ratio(rows, price, rows.currency, rows.cost, units)
    undated = quality.assign(**{schema.DATE: rows.frame[schema.DATE].max()}) if schema.DATE in quality else quality
    good = _quality(rows, undated[[c for c in (*rows.by, schema.DATE, "tasks", measure) if c in undated]])
    table = cost[[*rows.by]].assign(price=cost["value"], quality=good[measure].to_numpy())
    known = table["price"].notna() & table["quality"].notna()
    if not known.any():
        raise UsageError("quality: no model of the usage has both a price and a measured quality; do the names agree?")
    left_out = tuple(names_of(table[~known], rows.by))
    table = table[known].sort_values(["price", "quality"], ascending=[True, False], ignore_index=True)
    beats = dominance(table["price"].to_numpy(dtype="float64"), table["quality"].to_numpy(dtype="float64"))
    best = np.asarray(~beats.any(axis=0))
    names = names_of(table, rows.by)
    by_whom = [", ".join(names[j] for j in np.flatnonzero(beats[:, i] & best)) or None for i in range(len(table))]
    table = table.assign(on_frontier=best, dominated_by=pd.Series(by_whom, dtype="str"))
    return QualityFrontier(table, rows.by, measure, price, rows.currency, rows.basis or "no money", left_out)


def dominance(price: FloatArray, quality: FloatArray) -> BoolArray:
    """Who beats whom: bool array (model, model), true where the first costs no more and is no worse, and not equal."""
    no_dearer = price[:, None] <= price[None, :]
    no_worse = quality[:, None] >= quality[None, :]
    apart = (price[:, None] != price[None, :]) | (quality[:, None] != quality[None, :])
    return np.asarray(no_dearer & no_worse & apart)


def names_of(table: pd.DataFrame, by: Sequence[str]) -> list[str]:
    """What groups are called: their model where that tells them apart, else all their names."""
    if "model" in by and not table["model"].duplicated().any():
        return [str(m) for m in table["model"].fillna("(no model)")]
    return [" ".join(str(v) for v in row if isinstance(v, str)) for row in table[list(by)].itertuples(index=False)]
