"""One side of a bridge. Comes in: requests, quantities and cost of a span. Goes out: the drivers that made the cost.

cost = Σ volume · mix · intensity · price over rows, and amounts that are not tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd

from forecast import schema
from forecast.errors import ScenarioError, nearest
from forecast.panel import FloatArray, IntArray

#: The four drivers, in the order in which a bridge reports them.
DRIVERS: Final = ("volume", "intensity", "mix", "price")
#: The column that says what a workload's volume is counted in.
VOLUME_UNIT: Final = "volume_unit"
#: What rows of money without tokens are counted in.
CURRENCY: Final = "currency"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DriverState:
    """The drivers of one span's cost, as they were, or in every draw as they may be.

    Attributes
    ----------
    labels : DataFrame (row,)
        What a row is of: the ``by`` columns, those of :data:`forecast.schema.ROUTE` that are known, ``unit`` and
        ``volume_unit``. No two rows have the same.
    by : tuple of str
        The columns that, with ``volume_unit``, make a workload.
    volume : float array (draw or 1, row)
        Of the row's workload over the span, in ``volume_unit``: equal in all rows of a workload.
    mix : float array (draw or 1, row)
        The share of the workload's volume that takes the row's route; NaN where there is no volume.
    intensity : float array (draw or 1, row)
        Billable units a unit of volume; NaN where the route has no volume.
    price : float array (draw or 1, row)
        Money a unit; NaN where no unit was used.
    other : mapping of str to float array (draw or 1,)
        Money that is not tokens, by the step that it is shown as, such as "one-offs".
    currency : str
        What all money is in.
    notes : tuple of str
        What was assumed on the way.
    """

    labels: pd.DataFrame
    by: tuple[str, ...]
    volume: FloatArray
    mix: FloatArray
    intensity: FloatArray
    price: FloatArray
    other: Mapping[str, FloatArray]
    currency: str
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        """Check that rows are told apart and arrays fit."""
        for column in (*self.by, "unit", VOLUME_UNIT):
            if column not in self.labels:
                raise ScenarioError(
                    f"a state of drivers needs the column {column!r} in its labels; it has "
                    f"{', '.join(map(str, self.labels))}{nearest(column, self.labels)}"
                )
        keys = self.labels[[*self.by, VOLUME_UNIT, *route_columns(self.labels), "unit"]]
        if keys.duplicated().any():
            twice = ", ".join(f"{c}={v}" for c, v in keys[keys.duplicated()].iloc[0].items())
            raise ScenarioError(f"a state of drivers has the row {twice} twice: add such rows up")
        taken = [name for name in self.other if name in (*DRIVERS, CURRENCY)]
        if taken:
            raise ScenarioError(f"money that is not tokens cannot be called {taken[0]!r}: that is a step of its own")
        rows, draws = len(self.labels), self.draws
        for name in DRIVERS:
            shape = getattr(self, name).shape
            if shape not in ((1, rows), (draws, rows)):
                raise ScenarioError(f"{name} has shape {shape}; wanted (1, {rows}) or ({draws}, {rows}): (draw, row)")
        for name, amounts in self.other.items():
            if amounts.shape not in ((1,), (draws,)):
                raise ScenarioError(f"{name} has shape {amounts.shape}; wanted (1,) or ({draws},): (draw,)")

    @property
    def draws(self) -> int:
        """How many futures; 1 for what is known."""
        arrays = [*(getattr(self, name) for name in DRIVERS), *self.other.values()]
        return max(len(a) for a in arrays)

    @property
    def cost(self) -> FloatArray:
        """Money of each row: (draw or 1, row)."""
        made = self.volume * self.mix * self.intensity * self.price
        return np.asarray(np.where(np.isnan(made), 0.0, made))

    @property
    def total(self) -> FloatArray:
        """All money: (draw or 1,)."""
        return np.asarray(sum(self.other.values(), start=self.cost.sum(axis=1)))

    def __repr__(self) -> str:
        """One line: how much, of what."""
        mean = float(self.total.mean())
        workloads = len(self.labels[[*self.by, VOLUME_UNIT]].drop_duplicates())
        return f"DriverState({mean:,.2f} {self.currency}, {workloads} workloads, {len(self.labels)} rows)"


def route_columns(labels: pd.DataFrame) -> list[str]:
    """The columns of a route that labels have."""
    return [c for c in schema.ROUTE if c in labels]


def state_from_quantities(
    legs: pd.DataFrame,
    lanes: pd.DataFrame,
    *,
    by: tuple[str, ...],
    requests: FloatArray,
    quantities: FloatArray,
    cost: FloatArray,
    currency: str,
    other: Mapping[str, FloatArray | float] | None = None,
    notes: tuple[str, ...] = (),
) -> DriverState:
    """The drivers behind sums over a span.

    volume[w] = Σ requests over its legs; mix = requests / volume; intensity = quantity / requests;
    price = cost / quantity. A driver without anything below the line is NaN: undefined, and no 0.

    Parameters
    ----------
    legs : DataFrame (leg,)
        The pairs of workload and route: the ``by`` columns, those of a route, and ``volume_unit`` where it is not
        requests.
    lanes : DataFrame (row,)
        ``leg`` (row number in ``legs``) and ``unit``.
    requests : float array (draw or 1, leg)
        Requests, or what ``volume_unit`` says.
    quantities, cost : float array (draw or 1, row)
    other : mapping of str to money (draw or 1,), optional
        What is not tokens, by step: "one-offs", "fixed lines", "levers".

    Raises
    ------
    ScenarioError
        Shapes do not fit; something is negative or not finite but cost; or there is a quantity without requests or a
        cost without quantity: such money belongs into ``other``.
    """
    for name, values, count in (("requests", requests, len(legs)), ("quantities", quantities, len(lanes))):
        if values.ndim != 2 or values.shape[1] != count:
            raise ScenarioError(f"{name} has shape {values.shape}; wanted (draw, {count})")
        if not np.isfinite(values).all() or (values < 0).any():
            raise ScenarioError(f"{name}: wanted finite amounts of 0 or more")
    if cost.ndim != 2 or cost.shape[1] != len(lanes) or not np.isfinite(cost).all():
        raise ScenarioError(f"cost has shape {cost.shape}; wanted finite money, (draw, {len(lanes)})")
    legs = legs.reset_index(drop=True)
    if VOLUME_UNIT not in legs:
        legs = legs.assign(**{VOLUME_UNIT: schema.REQUESTS})
    leg = lanes["leg"].to_numpy(dtype=np.intp)
    workload = legs.groupby([*by, VOLUME_UNIT], dropna=False, sort=False).ngroup().to_numpy()
    volume = _added(requests, workload.astype(np.intp))
    used = requests[:, leg]
    for below, above, words in (
        (used, quantities, "a quantity but no requests"),
        (quantities, cost, "a cost but no quantity"),
    ):
        bare = np.broadcast_to((below == 0) & (above != 0), np.broadcast_shapes(below.shape, above.shape)).any(axis=0)
        if bare.any():
            at = int(np.argmax(bare))
            told = ", ".join(f"{c}={v}" for c, v in legs.iloc[leg[at]].items())
            raise ScenarioError(
                f"{int(bare.sum())} rows have {words}, such as {told}, unit={lanes['unit'].iloc[at]}; "
                "count such a workload in tokens, and give money without usage as other="
            )
    return DriverState(
        labels=legs.iloc[leg].reset_index(drop=True).assign(unit=lanes["unit"].to_numpy()),
        by=by,
        volume=volume[:, leg],
        mix=_ratio(used, volume[:, leg]),
        intensity=_ratio(quantities, used),
        price=_ratio(cost, quantities),
        other={name: np.atleast_1d(np.asarray(amount, dtype="float64")) for name, amount in (other or {}).items()},
        currency=currency,
        notes=notes,
    )


def _added(values: FloatArray, group: IntArray) -> FloatArray:
    """For each column (draw, column), the sum of its group's columns."""
    member = (group[:, None] == np.arange(int(group.max(initial=-1)) + 1)[None, :]).astype("float64")
    return np.asarray((values @ member)[:, group])


def _ratio(above: FloatArray, below: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(below > 0, above / below, np.nan))
