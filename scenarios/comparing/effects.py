"""Effects. Comes in: a scenario and a projection. Goes out: driver by driver, what it did, and what that is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecast import schema
from forecast.drivers import labels_of
from forecast.panel import FloatArray
from forecast.prices import PriceBook
from forecast.projection import Projection
from forecast.usage_rows import SPEND
from scenarios.bridging.bridge import Bridge
from scenarios.bridging.driver_bridge import drivers_bridge
from scenarios.bridging.states import DriverState, state_from_quantities
from scenarios.changes import World
from scenarios.changes.scene import Quotes
from scenarios.costing import Course, Enacted, Unpriced, enact
from scenarios.outcome import outcomes
from scenarios.scenario import Scenario
from scenarios.simulation import Sum, simulate

#: A driver whose mean moved by less than this part of itself did not move: rounding moves it by 1e-15.
UNMOVED = 1e-9


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Effect:
    """What a scenario did to the drivers of cost.

    Attributes
    ----------
    drivers : DataFrame
        A row for each driver that moved: ``driver`` (volume, mix, intensity, price), ``what``, ``before`` and ``after``
        (means over draws), ``change`` (relative; of a share of the mix the difference), with ``change_p10`` and
        ``change_p90``. Volume is in what the workload counts, mix a share of all requests, intensity units a request,
        price money a quoted unit.
    bridge : Bridge
        What each driver is worth: volume, intensity, mix, price, and money beside tokens.
    """

    drivers: pd.DataFrame
    bridge: Bridge

    def __repr__(self) -> str:
        return f"Effect({len(self.drivers)} drivers moved; {self.bridge!r})"

    def _repr_html_(self) -> str:
        table = self.drivers.to_html(index=False, border=0, float_format=lambda v: f"{v:,.4g}")
        return self.bridge._repr_html_() + table  # noqa: SLF001


def effect_of(
    scenario: Scenario,
    projection: Projection,
    *,
    prices: PriceBook | None = None,
    draws: int = 2_000,
    seed: int = 0,
    unpriced: Unpriced = "refuse",
) -> Effect:
    """What a scenario does to each driver, against what is forecast."""
    book = prices if prices is not None else PriceBook.builtin()
    before, after = states(projection, [Scenario(), scenario], prices=book, draws=draws, seed=seed, unpriced=unpriced)
    bridge = drivers_bridge(before, after, names=("as forecast", scenario.name))
    return Effect(_moved(before, after), bridge)


def states(
    projection: Projection,
    scenarios: list[Scenario],
    *,
    prices: PriceBook,
    draws: int,
    seed: int,
    unpriced: Unpriced = "refuse",
) -> list[DriverState]:
    """The drivers of the plan's cost under each of some scenarios, in the same worlds."""
    quotes = Quotes(prices, projection.days, projection.usage.currency)
    world = World(draws, seed)
    enacted = [
        enact(projection, prices, Course.of(s, world), world, unpriced=unpriced, quotes=quotes) for s in scenarios
    ]
    laid = [_Layout.of(one, projection.spec.by) for one in enacted]
    made = simulate(projection, [s for one in laid for s in one.sums], draws=draws, seed=seed)
    planned = made.spans.planned
    sums = iter([np.asarray(part[:, planned].sum(axis=1)) for part in made.sums])
    beside = outcomes(
        projection, scenarios, prices=prices, draws=draws, seed=seed, detail=(), unpriced=unpriced
    )
    out = []
    for one, own, outcome in zip(laid, enacted, beside, strict=True):
        requests, quantities, cost = next(sums), next(sums), next(sums)
        lines = [line.money[:, planned].sum(axis=1) for line in outcome.lines]
        other = {"beside tokens": np.asarray(sum(lines[1:], start=lines[0]))} if lines else {}
        out.append(
            state_from_quantities(
                one.legs,
                one.lanes,
                by=projection.spec.by,
                requests=requests,
                quantities=quantities,
                cost=cost,
                currency=own.currency,
                other=other,
            )
        )
    return out


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
    """The drivers whose mean moved."""
    sides = [_totals(state) for state in (before, after)]
    rows: list[dict[str, object]] = []
    for driver in ("volume", "mix", "intensity", "price"):
        names = list(dict.fromkeys(name for side in sides for name in side[driver]))
        for name in names:
            a, b = (side[driver].get(name) for side in sides)
            row = _row(driver, name, a, b)
            if row is not None:
                rows.append(row)
    columns = ["driver", "what", "before", "after", "change", "change_p10", "change_p90"]
    return pd.DataFrame(rows, columns=columns)


def _row(driver: str, name: str, a: FloatArray | None, b: FloatArray | None) -> dict[str, object] | None:
    none = np.zeros(1)
    share = driver == "mix"
    if share:
        a, b = (none if v is None else v for v in (a, b))
    if a is None or b is None:
        known = a if b is None else b
        assert known is not None
        if not known.any():
            return None
        ends = (np.nan, known.mean()) if a is None else (known.mean(), np.nan)
        return {"driver": driver, "what": name, "before": ends[0], "after": ends[1]}
    with np.errstate(divide="ignore", invalid="ignore"):
        change = np.asarray(b - a if share else b / a - 1.0)
    if abs(float(b.mean() - a.mean())) <= UNMOVED * max(abs(float(a.mean())), abs(float(b.mean()))):
        return None
    told = change[np.isfinite(change)]
    low, high = np.quantile(told, (0.1, 0.9)) if len(told) else (np.nan, np.nan)
    return {
        "driver": driver,
        "what": name,
        "before": float(a.mean()),
        "after": float(b.mean()),
        "change": float(told.mean()) if len(told) else np.nan,
        "change_p10": float(low),
        "change_p90": float(high),
    }


def _totals(state: DriverState) -> dict[str, dict[str, FloatArray]]:
    """Each driver's totals by name: volume by workload, mix by model, intensity by unit, price by model and unit."""
    labels = state.labels
    workload = labels[list(state.by)].astype("str").agg("/".join, axis=1)
    requests = np.nan_to_num(state.volume * state.mix)
    quantity = np.nan_to_num(requests * state.intensity)
    cost = state.cost
    model = labels["model"].astype("str")
    if "service_tier" in labels:
        tier = labels["service_tier"].astype("object")
        model = model + tier.where(tier.notna() & (tier != "standard"), "").map(lambda t: f" ({t})" if t else "")
    counted = np.asarray(labels["volume_unit"] == schema.REQUESTS)
    tokens = np.asarray(labels["unit"] != SPEND)
    leg = labels.groupby([*state.by, "volume_unit", *[c for c in schema.ROUTE if c in labels]], dropna=False).ngroup()
    first_of_leg = ~leg.duplicated().to_numpy()
    first_of_workload = ~pd.Series(workload + labels["volume_unit"].astype("str")).duplicated().to_numpy()
    out: dict[str, dict[str, FloatArray]] = {"volume": {}, "mix": {}, "intensity": {}, "price": {}}
    for row in np.nonzero(first_of_workload)[0]:
        out["volume"][f"{workload.iloc[row]} ({labels['volume_unit'].iloc[row]})"] = state.volume[:, row]
    whole = requests[:, first_of_leg & counted].sum(axis=1)
    if whole.any():
        safe = np.where(whole > 0, whole, 1.0)
        for name in dict.fromkeys(model[counted]):
            mine = counted & first_of_leg & np.asarray(model == name)
            out["mix"][str(name)] = requests[:, mine].sum(axis=1) / safe
        for unit in dict.fromkeys(labels.loc[counted, "unit"]):
            mine = counted & np.asarray(labels["unit"] == unit)
            out["intensity"][str(unit)] = quantity[:, mine].sum(axis=1) / safe
    for name, unit in dict.fromkeys(zip(model[tokens], labels.loc[tokens, "unit"], strict=True)):
        mine = tokens & np.asarray((model == name) & (labels["unit"] == unit))
        units = quantity[:, mine].sum(axis=1)
        if units.any():
            per = schema.UNITS[unit].per if unit in schema.UNITS else 1
            with np.errstate(divide="ignore", invalid="ignore"):
                out["price"][f"{name} {unit}"] = cost[:, mine].sum(axis=1) / units * per
    return out

