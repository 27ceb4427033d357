"""The bridge between two states of the drivers. Comes in: both sides. Goes out: what volume, mix and the others added.

Rows of one side only are defined by what is known of them: a workload that the other side lacks has a volume of 0
there, a route that its workload did not take has a share of 0, a unit that its route did not use an intensity of 0.
What is undefined at nothing (the mix of no requests, the price of no tokens) takes the other side's value, so that it
adds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from forecast import schema
from forecast.drivers import labels_of
from forecast.errors import ScenarioError
from forecast.lanes import with_tier
from forecast.panel import FloatArray, IntArray
from scenarios.bridging.bridge import Bridge, bridge_of, ordered
from scenarios.bridging.exchange import Exchange
from scenarios.bridging.products import product_effects
from scenarios.bridging.states import CURRENCY, DRIVERS, VOLUME_UNIT, DriverState, route_columns

#: The order of reporting; it moves no number.
ORDER: Final = (*DRIVERS, "levers", "one-offs", "fixed lines", "discounts and bill", CURRENCY)
#: Draws worked on at once: what fits the processor's cache; changes no number.
BLOCK = 256


@dataclass(frozen=True, slots=True)
class _Side:
    """The drivers of one side, laid out by the rows of both.

    Attributes
    ----------
    factors : list of float arrays (draw or 1, row)
        Volume, intensity, mix, price, and the currency's move where there is one; NaN where undefined.
    other : dict of float arrays (draw or 1,)
        At the first side's value of money.
    rate : float array (draw or 1,)
        What money has moved by: 1 on the first side.
    """

    factors: list[FloatArray]
    other: dict[str, FloatArray]
    rate: FloatArray


def drivers_bridge(
    before: DriverState,
    after: DriverState,
    *,
    names: tuple[str, str],
    exchange: Exchange | None = None,
    order: Sequence[str] = ORDER,
) -> Bridge:
    """How one state's cost becomes the other's, by driver.

    In every draw, for each row, the change of volume · mix · intensity · price (· exchange rate) is dealt to its
    factors by their Shapley value (``scenarios.bridging.products.product_effects``), and rows are added. Amounts
    that are not tokens are steps of their own.

    With ``exchange`` the bridge is told in ``exchange.into``. Its step ``currency`` is what money moved by: with m the
    second side's rate over the first's, for each side's own currency, the factor goes from 1 to √(m before · m after),
    and prices are held at the first side's value of money. Where both sides are in one currency that is its rate's own
    move. The mean of both is symmetric in the sides, as Fisher's ideal index is.

    Parameters
    ----------
    names : (str, str)
        What the two sides are called, such as ("plan", "actual").
    exchange : Exchange, optional
        Needed where the sides are in two currencies.
    order : sequence of str
        The order of reporting. Steps that it does not name come before its last one.

    Raises
    ------
    ScenarioError
        The sides have other workload columns, numbers of draws, counts of volume, or currencies without rates.
    """
    _comparable(before, after, exchange)
    labels, at = _rows_of_both(before, after)
    first, second = _sides(before, after, labels, at, exchange)
    draws = max(before.draws, after.draws, len(first.rate), len(second.rate))
    drivers = (*DRIVERS, CURRENCY) if exchange is not None else DRIVERS
    # DRIVERS are told as volume, intensity, mix, price; factors keep that order.
    effects, ends = np.zeros((len(drivers), draws)), np.zeros((2, draws))
    means = np.zeros((len(drivers), len(labels)))
    for start in range(0, draws, BLOCK):
        block = slice(start, min(start + BLOCK, draws))
        a, b = ([f if len(f) == 1 else f[block] for f in side.factors] for side in (first, second))
        a, b = _filled(a, b)
        found = product_effects(a, b)
        effects[:, block] = found.sum(axis=2)
        means += found.sum(axis=1) * ((block.stop - block.start) / found.shape[1])
        for end, factors in zip(ends, (a, b), strict=True):
            end[block] = _product(factors).sum(axis=1)
    amounts = dict(zip(drivers, effects, strict=True))
    totals = list(ends)
    for name in dict.fromkeys([*before.other, *after.other]):
        was, now = (side.other.get(name, np.zeros(1)) for side in (first, second))
        amounts[name] = 0.5 * (now - was) * (first.rate + second.rate)
        if exchange is not None:
            amounts[CURRENCY] = amounts[CURRENCY] + 0.5 * (second.rate - first.rate) * (was + now)
        totals = [total + v * side.rate for total, v, side in zip(totals, (was, now), (first, second), strict=True)]
    steps = ordered(list(amounts), order)
    detail = labels.assign(**{name: mean / draws for name, mean in zip(drivers, means, strict=True)})
    into = before.currency if exchange is None else exchange.into
    return bridge_of(names, steps, [amounts[s] for s in steps], totals[0], totals[1], into, detail)


def _comparable(before: DriverState, after: DriverState, exchange: Exchange | None) -> None:
    """Refuse sides that cannot be held against each other."""
    if before.by != after.by:
        raise ScenarioError(f"the sides have other workloads: by={before.by} and by={after.by}; make both alike")
    if 1 not in (before.draws, after.draws) and before.draws != after.draws:
        raise ScenarioError(f"the sides have {before.draws} and {after.draws} draws: draw d must be one world in both")
    if exchange is None and before.currency != after.currency:
        raise ScenarioError(
            f"the sides are in {before.currency} and {after.currency}: give exchange=, such as "
            "exchange_on(rates, 'USD', before='2026-06-30', after='2026-09-30')"
        )
    counted = [_counted_in(side) for side in (before, after)]
    for workload in sorted(set(counted[0]) & set(counted[1]), key=str):
        one, other = counted[0][workload], counted[1][workload]
        if {schema.REQUESTS, "tokens"} <= one ^ other:
            name = ", ".join(f"{c}={v}" for c, v in zip(before.by, workload, strict=True))
            raise ScenarioError(
                f"the volume of {name} is counted in {' and '.join(sorted(one))} before and in "
                f"{' and '.join(sorted(other))} after; count both alike, such as by state_of_usage(volume='tokens')"
            )


def _counted_in(state: DriverState) -> dict[tuple[str, ...], set[str]]:
    """What each workload's volume is counted in."""
    found: dict[tuple[str, ...], set[str]] = {}
    for *workload, unit in state.labels[[*state.by, VOLUME_UNIT]].drop_duplicates().itertuples(index=False):
        found.setdefault(tuple(map(str, workload)), set()).add(str(unit))
    return found


def _rows_of_both(before: DriverState, after: DriverState) -> tuple[pd.DataFrame, tuple[dict[str, IntArray], ...]]:
    """The rows of either side, sorted; and where each side has them: positions (row,) by level, -1 where it does not.

    The levels are workload, leg and row: a side may have a row's workload and not its route.
    """
    tables = [with_tier(s.labels).reset_index(drop=True) for s in (before, after)]
    routes = list(dict.fromkeys(c for t in tables for c in route_columns(t)))
    workload = [*before.by, VOLUME_UNIT]
    columns = [*workload, *routes, "unit"]
    tables = [t.reindex(columns=columns).astype("object") for t in tables]
    both = pd.concat(tables, ignore_index=True)
    labels, row = labels_of(both, columns)
    count = len(tables[0])
    at: tuple[dict[str, IntArray], ...] = ({}, {})
    for level, keys in (("workload", workload), ("leg", [*workload, *routes]), ("row", columns)):
        group = row if level == "row" else labels_of(both, keys)[1]
        group_of_row = np.zeros(len(labels), dtype=np.intp)
        group_of_row[row] = group
        for places, mine in zip(at, (group[:count], group[count:]), strict=True):
            place = np.full(len(labels), -1, dtype=np.intp)
            place[mine] = np.arange(len(mine))
            places[level] = place[group_of_row]
    return labels, at


def _sides(
    before: DriverState,
    after: DriverState,
    labels: pd.DataFrame,
    at: tuple[dict[str, IntArray], ...],
    exchange: Exchange | None,
) -> tuple[_Side, _Side]:
    """Both sides by the rows of both, in one currency."""
    one = np.ones(1)
    value, rates = (one, one), (one, one)
    if exchange is not None:
        # What a unit of each side's own currency is worth on its side, and how either currency moved between them.
        own = exchange.worth(before.currency, after=False), exchange.worth(after.currency, after=True)
        moves = [
            exchange.worth(c, after=True) / exchange.worth(c, after=False) for c in (before.currency, after.currency)
        ]
        moved = np.sqrt(moves[0] * moves[1])
        value, rates = (own[0], own[1] / moved), (one, moved)
    sides = []
    for state, places, worth, rate in zip((before, after), at, value, rates, strict=True):
        factors = _laid_out(state, places)
        factors[3] = factors[3] * worth[:, None]
        if exchange is not None:
            factors.append(np.broadcast_to(rate[:, None], (len(rate), len(labels))))
        sides.append(_Side(factors, {name: v * worth for name, v in state.other.items()}, rate))
    return sides[0], sides[1]


def _laid_out(state: DriverState, at: dict[str, IntArray]) -> list[FloatArray]:
    """Volume, intensity, mix and price by the rows of both sides; NaN where this side does not define them."""
    workload, leg, row = (at[level] >= 0 for level in ("workload", "leg", "row"))
    volume = np.where(workload, _taken(state.volume, at["workload"]), 0.0)
    mix = np.where(leg, _taken(state.mix, at["leg"]), np.where(volume > 0, 0.0, np.nan))
    intensity = np.where(row, _taken(state.intensity, at["row"]), np.where(leg & (mix > 0), 0.0, np.nan))
    price = np.where(row, _taken(state.price, at["row"]), np.nan)
    return [volume, intensity, mix, price]


def _taken(values: FloatArray, place: IntArray) -> FloatArray:
    """Columns by place; any where there is none, since -1 stands for no column."""
    return values[:, place] if values.shape[1] else np.zeros((len(values), len(place)))


def _filled(first: list[FloatArray], second: list[FloatArray]) -> tuple[list[FloatArray], list[FloatArray]]:
    """What one side does not define is as on the other; what neither does is 0."""
    a = [np.where(np.isnan(f), np.where(np.isnan(s), 0.0, s), f) for f, s in zip(first, second, strict=True)]
    b = [np.where(np.isnan(s), np.where(np.isnan(f), 0.0, f), s) for f, s in zip(first, second, strict=True)]
    return a, b


def _product(factors: list[FloatArray]) -> FloatArray:
    made = factors[0]
    for factor in factors[1:]:
        made = made * factor
    return made
