"""Tokens and cost by day. Comes in: usage, or a projection of it, and a price book. Goes out: sums by workload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, get_args

import numpy as np
import pandas as pd

from forecast import schema
from forecast.drivers import labels_of
from forecast.errors import ModelError, PriceError, UsageError, one_of
from forecast.lanes import Unpriced, lane_prices, name_unpriced, one_currency, unpriced_shares, with_tier
from forecast.panel import BoolArray, FloatArray, IntArray
from forecast.prices import PriceBook
from forecast.projection import Projection
from forecast.usage import Usage
from forecast.usage_rows import OTHER, quantities_of, usage_rows

#: What makes a workload: the values of the ``by`` columns, None where one is blank.
Names = tuple[str | None, ...]

_REMEDY: Final = (
    "add them to the price book (PriceBook.from_frame(rows).over(PriceBook.builtin()); PriceBook.blended for "
    "total_tokens), or leave them out of cost on both sides with unpriced='exclude'"
)
#: Trajectories worked on at once; bounds memory and changes no number.
_BLOCK: Final = 25


@dataclass(frozen=True, slots=True)
class DailyTotals:
    """What was used and what it cost, by period and workload.

    Attributes
    ----------
    periods : DatetimeIndex (period,)
        Days, or months of monthly usage.
    workloads : tuple of Names (workload,)
    tokens : float array (period, workload)
    cost : float array (period, workload) or None
        At the price book's price of the day; None without a price book.
    reported : bool array (period,)
        Periods with any row: a period without one is a gap.
    blank : bool array (period, workload)
        Where the export leaves blank a quantity that other rows of the same route know: the sum is not known.
    currency : str or None
    notes : tuple of str
    """

    periods: pd.DatetimeIndex
    workloads: tuple[Names, ...]
    tokens: FloatArray
    cost: FloatArray | None
    reported: BoolArray
    blank: BoolArray
    currency: str | None
    notes: tuple[str, ...]

    @property
    def measures(self) -> dict[str, FloatArray]:
        """What there is any of: float arrays (period, workload)."""
        found = {"tokens": self.tokens, "cost": self.cost}
        return {name: value for name, value in found.items() if value is not None and (value > 0).any()}

    def until(self, periods: int) -> frozenset[Names]:
        """The workloads that had used something by then."""
        used: BoolArray = (self.tokens[:periods] > 0).sum(axis=0) > 0
        if self.cost is not None:
            used = used | ((self.cost[:periods] > 0).sum(axis=0) > 0)
        return frozenset(name for name, there in zip(self.workloads, used, strict=True) if there)

    def summed(self, values: FloatArray, members: list[IntArray]) -> FloatArray:
        """Sums of a measure over groups of workloads: float array (period, group).

        NaN before a group's first use, on periods without any row, and where a part of it is not known.
        """
        total = np.stack([values[:, group].sum(axis=1) for group in members], axis=1)
        blank = np.stack([self.blank[:, group].any(axis=1) for group in members], axis=1)
        begun = np.cumsum(total > 0, axis=0) > 0
        return np.where(begun & self.reported[:, None] & ~blank, total, np.nan)


def daily_totals(
    usage: Usage, *, by: tuple[str, ...], lag: int, prices: PriceBook | None, unpriced: Unpriced
) -> DailyTotals:
    """Add up tokens and cost by period and workload, but for the last ``lag`` periods.

    Tokens are the billable units that are tokens; unlike units are never added. Cost is each quantity at the price of
    its day; a row known only as money costs that money. With ``unpriced="exclude"`` a quantity is left out of cost on
    the days on which it has no price.

    Raises
    ------
    ModelError
        ``by`` names what the usage has no column of.
    PriceError
        A quantity has no price on its day, unless ``unpriced="exclude"``, or prices are in two currencies.
    UsageError
        The lag leaves nothing, or neither tokens nor a priced quantity are left.
    """
    one_of("unpriced", unpriced, get_args(Unpriced), PriceError)
    check_by(usage, by)
    step = pd.offsets.MonthBegin() if usage.grain == "month" else pd.Timedelta(days=1)
    end = usage.end.normalize() - lag * step
    if end < usage.start.normalize():
        raise UsageError(f"{usage.source}: nothing is left before the last {lag} periods (lag)")
    frame, notes = usage_rows(usage, end)
    frame = frame.reset_index(drop=True)
    periods = pd.date_range(usage.start.normalize(), end, freq=step)
    row_period = periods.get_indexer(pd.DatetimeIndex(frame[schema.DATE]))
    workloads, row_workload = labels_of(frame, list(by))
    routes, row_route = labels_of(frame, [c for c in schema.ROUTE if c in frame])
    quantity, units = quantities_of(frame)
    shape = (len(periods), len(workloads))
    place = row_period * shape[1] + row_workload

    def laid(values: FloatArray) -> FloatArray:
        sums = np.bincount(place, weights=values, minlength=shape[0] * shape[1])
        return np.asarray(sums, dtype="float64").reshape(shape)

    token = [unit in schema.UNITS and schema.UNITS[unit].token for unit in units]
    blank = laid(_blank(frame, quantity, units, row_workload * len(routes) + row_route)) > 0
    cost, currency = None, None
    if prices is not None:
        price, currency = _prices(routes, periods, prices, quantity, units, row_route, usage.currency)
        at = price[row_period, row_route]
        missing = np.isnan(at) & (quantity > 0)
        if missing.any():
            told = name_unpriced(_shares(routes, quantity, units, row_route, missing))
            if unpriced == "refuse":
                raise PriceError(f"{usage.source}: {told}; {_REMEDY}")
            notes.append(f"{told}; left out of cost on both sides on the days without a price")
        cost = laid((quantity * np.nan_to_num(at)).sum(axis=1))
    bare = int((~(quantity > 0).any(axis=1) & _requested(frame)).sum())
    if bare:
        notes.append(f"{bare} rows hold requests and no billable quantity: they are in neither tokens nor cost")
    if blank.any():
        notes.append(f"{int(blank.sum())} sums of a workload and period are not known (blank quantities): not scored")
    totals = DailyTotals(
        periods,
        tuple(workloads.itertuples(index=False, name=None)),
        laid(quantity[:, token].sum(axis=1)),
        cost,
        np.bincount(row_period, minlength=shape[0]) > 0,
        blank,
        currency,
        tuple(notes),
    )
    if not totals.measures:
        without = "; give prices= to score cost" if prices is None else ""
        raise UsageError(f"{usage.source}: there are no tokens to score{without}")
    return totals


def check_by(usage: Usage, by: tuple[str, ...]) -> None:
    """Hold ``by`` to be columns that the usage has."""
    if not by:
        raise ModelError("by: name at least one column that makes a workload, such as ('environment', 'project')")
    for column in by:
        one_of("by", column, [c for c in schema.DIMENSIONS if c in usage.frame], ModelError)


def members_of(
    totals: DailyTotals, projected: list[Names], *, tail: tuple[bool, ...], known: int
) -> tuple[list[IntArray], IntArray]:
    """Which workloads of the usage each projected one holds, and which none does: those that began later.

    A projection pools its smallest workloads: the columns of ``tail`` then say ``(other)``. A workload known after
    ``known`` periods that it does not keep apart is one of them.
    """
    index = {names: i for i, names in enumerate(projected)}
    began = totals.until(known)
    groups: list[list[int]] = [[] for _ in projected]
    later: list[int] = []
    for k, names in enumerate(totals.workloads):
        pooled = tuple(OTHER if other else name for other, name in zip(tail, names, strict=True))
        home = index.get(names, index.get(pooled) if names in began else None)
        (later if home is None else groups[home]).append(k)
    return [np.array(group, dtype=np.intp) for group in groups], np.array(later, dtype=np.intp)


@dataclass(frozen=True, slots=True)
class ProjectedTotals:
    """What a projection says.

    Attributes
    ----------
    workloads : tuple of tuples of str
        The labels of the workload axis, each once: usage and spend of the same labels are added up.
    measures : dict of float arrays (trajectory, period, workload)
        ``tokens``, and with a price book ``cost``, of the planned periods.
    notes : tuple of str
    """

    workloads: tuple[Names, ...]
    measures: dict[str, FloatArray]
    notes: tuple[str, ...]


def projected_totals(projection: Projection, prices: PriceBook | None, *, unpriced: Unpriced) -> ProjectedTotals:
    """Tokens and cost of each trajectory, by period of the plan and workload.

    Cost is volume · mix · intensity · price of the day; a lane is left out of it on days without a price.

    Raises
    ------
    PriceError
        A lane has no price on some day, unless ``unpriced="exclude"``.
    """
    lanes, gap = projection.drivers.lanes, projection.span.gap
    token = np.array([unit in schema.UNITS and schema.UNITS[unit].token for unit in lanes["unit"]], dtype="float64")
    weights: dict[str, FloatArray] = {"tokens": np.broadcast_to(token, (len(projection.days) - gap, len(lanes)))}
    notes: tuple[str, ...] = ()
    if prices is not None:
        found = lane_prices(projection.drivers, projection.days[gap:], prices, billed=projection.usage.currency)
        if found.missing.any():
            told = name_unpriced(unpriced_shares(projection.drivers, found))
            if unpriced == "refuse":
                raise PriceError(f"{told}; {_REMEDY}")
            notes = (f"{told}; left out of cost on both sides on the days without a price",)
        weights["cost"] = np.nan_to_num(found.price)
    labels = list(projection.workloads[list(projection.spec.by)].itertuples(index=False, name=None))
    distinct = tuple(dict.fromkeys(labels))
    shape = (projection.volume.count, len(projection.days) - gap, len(distinct))
    out = {name: np.zeros(shape) for name in weights}
    workload, leg = lanes["workload"].to_numpy(), lanes["leg"].to_numpy()
    place = np.array([distinct.index(names) for names in labels], dtype=np.intp)[workload]
    order = np.argsort(place, kind="stable")
    present, first = np.unique(place[order], return_index=True)
    for block in projection.blocks(_BLOCK):
        amount = block.volume[:, gap:, workload] * block.mix[:, gap:, leg] * block.intensity[:, gap:]
        for name, weight in weights.items():
            out[name][block.which[:, None], :, present] = np.add.reduceat(
                (amount * weight)[:, :, order], first, axis=2
            ).transpose(0, 2, 1)
    return ProjectedTotals(distinct, out, notes)


def _requested(frame: pd.DataFrame) -> BoolArray:
    if schema.REQUESTS not in frame:
        return np.zeros(len(frame), dtype=bool)
    return np.asarray(frame[schema.REQUESTS].fillna(0.0).to_numpy() > 0)


def _blank(frame: pd.DataFrame, quantity: FloatArray, units: list[str], row_leg: IntArray) -> FloatArray:
    """How many units a row leaves blank that other rows of its workload and route know: (row,)."""
    out = np.zeros(len(frame))
    legs = int(row_leg.max()) + 1
    for k, unit in enumerate(units[:-1]):
        used = np.bincount(row_leg, weights=quantity[:, k], minlength=legs) > 0
        out += used[row_leg] & frame[unit].isna().to_numpy()
    return out


def _prices(
    routes: pd.DataFrame,
    periods: pd.DatetimeIndex,
    prices: PriceBook,
    quantity: FloatArray,
    units: list[str],
    row_route: IntArray,
    billed: str | None,
) -> tuple[FloatArray, str | None]:
    """Money a unit, float array (period, route, unit), NaN where there is no price; and its currency."""
    price = np.full((len(periods), len(routes), len(units)), np.nan)
    price[:, :, -1] = 1.0
    skus = with_tier(routes)
    used = [np.flatnonzero(np.bincount(row_route, weights=q, minlength=len(routes)) > 0) for q in quantity[:, :-1].T]
    asked = [skus.iloc[rows].assign(unit=unit) for rows, unit in zip(used, units, strict=False) if len(rows)]
    quoted = None
    if asked:
        table = pd.concat(asked, ignore_index=True)
        unit = np.concatenate([[k] * len(rows) for k, rows in enumerate(used) if len(rows)])
        price[:, np.concatenate(used), unit] = prices.matrix(table, periods)
        quoted = prices.currency_of(table, periods)
    return price, one_currency(quoted, billed if (quantity[:, -1] > 0).any() else None)


def _shares(
    routes: pd.DataFrame, quantity: FloatArray, units: list[str], row_route: IntArray, missing: BoolArray
) -> pd.DataFrame:
    """What was used without a price, by SKU, and its share of all that was used of its unit, heaviest first."""
    rows = [
        skus.assign(
            unit=unit, share=np.bincount(row_route, weights=q * gone, minlength=len(routes)) / max(q.sum(), 1e-300)
        )
        for skus in [with_tier(routes)]
        for unit, q, gone in zip(units, quantity.T, missing.T, strict=True)
    ]
    table = pd.concat(rows, ignore_index=True)
    table = table[table["share"] > 0].drop(columns=[c for c in ("region",) if c in table])
    keys = ["provider", "model", "service_tier", "unit"]
    table = table.assign(**{c: None for c in keys if c not in table})
    summed = table.groupby(keys, dropna=False, sort=False)["share"].sum().reset_index()
    summed[keys] = summed[keys].astype("object").where(summed[keys].notna(), None)
    return summed.sort_values("share", ascending=False, kind="stable", ignore_index=True)
