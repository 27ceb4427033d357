"""Effects. Comes in: a scenario and a projection. Goes out: driver by driver, what it did, and what that is worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import pandas as pd

from forecast import schema
from forecast.drivers import labels_of
from forecast.errors import ScenarioError
from forecast.panel import BoolArray, FloatArray
from forecast.prices import PriceBook
from forecast.projection import Projection
from forecast.shown import CellKind, Result, Shown, table_of
from forecast.usage_rows import SPEND
from scenarios.bridging.bridge import Bridge
from scenarios.bridging.driver_bridge import drivers_bridge
from scenarios.bridging.states import DriverState, state_from_quantities
from scenarios.components import Count
from scenarios.costing import Course, Enacted, Unpriced
from scenarios.outcome import Outcome, outcomes
from scenarios.scenario import Scenario
from scenarios.simulation import Sum
from scenarios.spans import Spans

#: A first and a last day.
Span: TypeAlias = tuple[pd.Timestamp, pd.Timestamp]
#: The column of the month in the labels of a driver state.
MONTH = "month"
#: A driver whose mean moved by less than this part of itself did not move. Drivers are told by month; inside a month
#: they drift, and growth weighs its days otherwise: about a thousandth of what a month's growth is.
UNMOVED = 1e-3


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Effect(Result):
    """What a scenario did to the drivers of cost.

    Attributes
    ----------
    drivers : DataFrame
        A row for each driver that moved: ``driver`` (volume, mix, intensity, price), ``what``, ``before`` and ``after``
        (means over draws), ``change`` (relative; of a share of the mix the difference), with ``change_p10`` and
        ``change_p90``. Volume is in what the workload counts, mix a share of all requests, intensity units a request,
        price money a quoted unit. Each driver is told with the others as they were before: mix by the volumes
        forecast, intensity by the requests, price by the quantities.
    bridge : Bridge
        What each driver is worth: volume, intensity, mix, price, and money beside tokens.
    """

    drivers: pd.DataFrame
    bridge: Bridge

    def __repr__(self) -> str:
        return f"Effect({len(self.drivers)} drivers moved; {self.bridge!r})"

    def show(self) -> Shown:
        """What moved of each driver, then what that is worth."""
        kinds: dict[str, CellKind] = dict.fromkeys(("change", "change_p10", "change_p90"), "share")
        kinds |= dict.fromkeys(("before", "after"), "price")
        table = table_of(
            self.drivers.set_index(["driver", "what"]),
            kinds=kinds,
            caption="Means of the futures, each driver with the others as they were before.",
            where="effect.drivers",
        )
        worth = self.bridge.show()
        return replace(worth, title=f"Effect: {worth.title}", tables=(*worth.tables, table))


def effect_of(
    scenario: Scenario,
    projection: Projection,
    *,
    prices: PriceBook | None = None,
    draws: int = 1_000,
    seed: int = 0,
    unpriced: Unpriced = "refuse",
) -> Effect:
    """What a scenario does to each driver, against what is forecast."""
    book = prices if prices is not None else PriceBook.builtin()
    every = [Scenario(), scenario]
    (before, _), (after, _) = states(projection, every, prices=book, draws=draws, seed=seed, unpriced=unpriced)
    bridge = drivers_bridge(before, after, names=("as forecast", scenario.name))
    return Effect(_moved(before, after), bridge)


def states(
    projection: Projection,
    scenarios: Sequence[Scenario | Course],
    *,
    prices: PriceBook,
    draws: int,
    seed: int,
    unpriced: Unpriced = "refuse",
    monthly: bool = True,
    within: Span | None = None,
    counts: Sequence[Count] = (),
) -> list[tuple[DriverState, Outcome]]:
    """The drivers of the plan's cost under each of some scenarios, in the same worlds, beside its outcome.

    ``monthly`` keeps months apart; ``within`` (first day, last day) takes the planned months inside; ``counts`` are
    what a plan's components must see.
    """
    laid: list[_Layout] = []

    def sums_of(enacted: Enacted) -> tuple[Sum, Sum, Sum]:
        laid.append(_Layout.of(enacted, projection.spec.by))
        return laid[-1].sums

    made = outcomes(
        projection,
        scenarios,
        prices=prices,
        draws=draws,
        seed=seed,
        detail=(),
        unpriced=unpriced,
        counts=counts,
        more=sums_of,
    )
    by, chosen = projection.spec.by, chosen_spans(made[0].spans, within)
    return [
        (_state(layout, outcome, chosen, by=by, monthly=monthly), outcome)
        for layout, outcome in zip(laid, made, strict=True)
    ]


def chosen_spans(spans: Spans, within: Span | None) -> BoolArray:
    """The planned spans, or those of them that lie inside two days: bool (span,).

    Raises
    ------
    ScenarioError
        There are none, or one of them is cut.
    """
    if within is None:
        return spans.planned
    first, last = within
    inside = spans.planned & np.asarray((spans.first >= first) & (spans.last <= last))
    touched = spans.planned & np.asarray((spans.last >= first) & (spans.first <= last))
    if not inside.any() or (inside != touched).any():
        plan = spans.first[spans.planned][0], spans.last[spans.planned][-1]
        raise ScenarioError(
            f"{first:%Y-%m-%d} to {last:%Y-%m-%d} are not whole months of the plan, which runs from {plan[0]:%Y-%m-%d} "
            f"to {plan[1]:%Y-%m-%d}"
        )
    return inside


def _state(laid: _Layout, outcome: Outcome, chosen: BoolArray, *, by: tuple[str, ...], monthly: bool) -> DriverState:
    """The drivers of some spans."""
    months, legs, lanes = outcome.spans.months[chosen], laid.legs, laid.lanes
    if monthly:
        names = [f"{m} ({i + 1})" if months.duplicated()[i] else str(m) for i, m in enumerate(months)]
        legs = pd.concat([laid.legs.assign(**{MONTH: name}) for name in names], ignore_index=True)
        lanes = pd.concat(
            [lanes.assign(leg=lanes["leg"] + i * len(laid.legs)) for i in range(len(months))], ignore_index=True
        )
    requests, quantities, cost = (
        np.asarray(part.reshape(len(part), -1) if monthly else part.sum(axis=1))
        for part in (whole[:, chosen] for whole in outcome.more)
    )
    lines = [line.money[:, chosen].sum(axis=1) for line in outcome.lines]
    return state_from_quantities(
        legs,
        lanes,
        by=(*by, MONTH) if monthly else by,
        requests=requests,
        quantities=quantities,
        cost=cost,
        currency=outcome.currency,
        other={"beside tokens": np.asarray(sum(lines[1:], start=lines[0]))} if lines else {},
    )


@dataclass(frozen=True, slots=True)
class _Layout:
    """Flows put together by leg and by lane: labels, and what is to be summed."""

    legs: pd.DataFrame
    lanes: pd.DataFrame
    sums: tuple[Sum, Sum, Sum]

    @classmethod
    def of(cls, enacted: Enacted, by: tuple[str, ...]) -> _Layout:
        labels = enacted.flows.labels
        route = [c for c in schema.ROUTE if c in labels]
        columns = [*by, "volume_unit", *route]
        billed = np.nonzero(enacted.priced)[0].astype(np.intp)
        counted = np.nonzero(enacted.flows.volume)[0].astype(np.intp)
        legs, leg = labels_of(labels, columns)
        lanes, lane = labels_of(labels.iloc[billed].assign(leg=leg[billed]), ["leg", "unit"])
        return cls(
            legs,
            lanes.astype({"leg": np.intp}),
            (
                Sum(enacted, "quantity", counted, leg[counted], len(legs)),
                Sum(enacted, "quantity", billed, lane, len(lanes)),
                Sum(enacted, "cost", billed, lane, len(lanes)),
            ),
        )


def _moved(before: DriverState, after: DriverState) -> pd.DataFrame:
    """The drivers whose mean moved, each with the others as they were before."""
    a, b = _beside(before, after)
    labels, by = a.labels, [c for c in before.by if c != MONTH]
    workload = labels[by].astype("str").agg("/".join, axis=1) + " (" + labels["volume_unit"].astype("str") + ")"
    model = _models(labels)
    route = [c for c in schema.ROUTE if c in labels]
    first = [~labels[[*before.by, "volume_unit", *more]].duplicated().to_numpy() for more in ([], route)]
    counted = np.asarray(labels["volume_unit"] == schema.REQUESTS)
    tokens = np.asarray(labels["unit"] != SPEND)
    volume0, requests0 = a.volume.mean(axis=0), np.nan_to_num(a.volume * a.mix).mean(axis=0)
    quantity0, quantity1 = (np.nan_to_num(s.volume * s.mix * s.intensity).mean(axis=0) for s in (a, b))
    rows: list[dict[str, object]] = []
    for name in dict.fromkeys(workload):
        mine = first[0] & np.asarray(workload == name)
        rows += _row("volume", name, [s.volume[:, mine].sum(axis=1) for s in (a, b)])
    legs, whole = first[1] & counted, first[0] & counted
    for name in dict.fromkeys(model[legs]):
        rows += _row("mix", name, _weighed(legs & np.asarray(model == name), volume0, a.mix, b.mix, over=whole))
    for unit in dict.fromkeys(labels.loc[counted, "unit"]):
        mine = counted & np.asarray(labels["unit"] == unit)
        rows += _row("intensity", unit, _weighed(mine, requests0, a.intensity, b.intensity, over=legs))
    for name, unit in dict.fromkeys(zip(model[tokens], labels.loc[tokens, "unit"], strict=True)):
        mine = tokens & np.asarray((model == name) & (labels["unit"] == unit))
        weight = quantity0 if quantity0[mine].any() else quantity1
        per = schema.UNITS[unit].per if unit in schema.UNITS else 1
        rows += _row("price", f"{name} {unit}", [per * v for v in _weighed(mine, weight, a.price, b.price, over=mine)])
    columns = ["driver", "what", "before", "after", "change", "change_p10", "change_p90"]
    return pd.DataFrame(rows, columns=columns)


def _models(labels: pd.DataFrame) -> pd.Series:
    """What routes are called: the model, and its tier where it is not the standard one."""
    model = labels["model"].astype("str")
    if "service_tier" not in labels:
        return model
    tier = labels["service_tier"].fillna("standard").astype("str")
    return model.where(tier == "standard", model + " (" + tier + ")")


def _weighed(rows: BoolArray, weight: FloatArray, *sides: FloatArray, over: BoolArray) -> list[FloatArray]:
    """The mean of a driver over some rows, by weights over all that they are a part of: (draw,) for each side.

    Where a side has no such thing, it is taken to be as in the other.
    """
    first, second = (side[:, rows] for side in sides)
    filled = np.where(np.isnan(first), second, first), np.where(np.isnan(second), first, second)
    whole = weight[over].sum()
    return [np.asarray(np.nan_to_num(v) @ weight[rows] / (whole or 1.0)) for v in filled]


def _row(driver: str, name: str, sides: list[FloatArray]) -> list[dict[str, object]]:
    """The row of a driver, or none where it did not move."""
    before, after = sides
    ends = float(before.mean()), float(after.mean())
    if abs(ends[1] - ends[0]) <= UNMOVED * max(map(abs, ends)):
        return []
    with np.errstate(divide="ignore", invalid="ignore"):
        change = np.round(after - before if driver == "mix" else after / before - 1.0, 12)
    known = change[np.isfinite(change)]
    low, high = np.quantile(known, (0.1, 0.9)) if len(known) else (np.nan, np.nan)
    mean = float(known.mean()) if len(known) else np.nan
    told = {"driver": driver, "what": name, "before": ends[0], "after": ends[1]}
    return [told | {"change": mean, "change_p10": float(low), "change_p90": float(high)}]


def _beside(before: DriverState, after: DriverState) -> tuple[DriverState, DriverState]:
    """Both states on the rows of either: a row that one lacks has no mix and no quantity there."""
    route = [c for c in schema.ROUTE if c in before.labels or c in after.labels]
    keys = [*before.by, "volume_unit", *route, "unit"]
    sides = [replace(s, labels=s.labels.reindex(columns=keys).astype("object")) for s in (before, after)]
    sides = [replace(s, labels=s.labels.where(s.labels.notna(), None)) for s in sides]
    before, after = sides
    labels = pd.concat([s.labels for s in sides]).drop_duplicates().reset_index(drop=True)
    at = labels.assign(_row=np.arange(len(labels)))
    return _on(before, labels, at, keys), _on(after, labels, at, keys)


def _on(state: DriverState, labels: pd.DataFrame, at: pd.DataFrame, keys: list[str]) -> DriverState:
    place = state.labels[keys].merge(at, on=keys, how="left", sort=False)["_row"].to_numpy(dtype=np.intp)
    workload, leg = ([c for c in keys if c not in left] for left in ((*schema.ROUTE, "unit"), ("unit",)))

    def wide(values: FloatArray, same: list[str], blank: float) -> FloatArray:
        """Values on all rows: a row without its own takes that of a row that is the same in some columns."""
        out = np.full((values.shape[0], len(labels)), np.nan)
        code = labels.groupby(same, dropna=False).ngroup().to_numpy()
        of_group = np.full((values.shape[0], int(code.max(initial=-1)) + 1), blank)
        of_group[:, code[place]] = values
        out[:, :] = of_group[:, code]
        return out

    def bare(values: FloatArray) -> FloatArray:
        """Values on all rows: 0 in a unit that a leg does not use, unknown where the leg itself is not there."""
        known = np.isfinite(wide(state.mix, leg, np.nan)) & (wide(state.mix, leg, np.nan) > 0)
        out = np.where(known, 0.0, np.nan)
        out[:, place] = values
        return np.asarray(out)

    price = np.full((state.price.shape[0], len(labels)), np.nan)
    price[:, place] = state.price
    return replace(
        state,
        labels=labels,
        volume=wide(state.volume, workload, 0.0),
        mix=wide(state.mix, leg, 0.0),
        intensity=bare(state.intensity),
        price=price,
    )
