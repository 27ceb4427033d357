"""Shares of one part of a plan. Comes in: what its parts want, and a split. Goes out: shares of money in every draw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast.errors import PlanError, nearest
from forecast.panel import FloatArray
from forecast.streams import stream
from scenarios.budget.bounded import equal_risk, nearest_in_ranges, uniform_in_ranges
from scenarios.budget.splits import ROUNDING, Split


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be divided.

    Attributes
    ----------
    where : str
        Where in the plan, as a message tells it; empty for the whole.
    parts : tuple of str (part,)
    demand : float array (draw, part), optional
        Money that each part wants over the horizon; None where nobody knows.
    room : float array (draw,)
        The budget to be divided, less what is dealt by the shares themselves.
    recent : float array (draw, part), optional
        Money that each part would want if it were as of late.
    draws, seed : int
    """

    where: str
    parts: tuple[str, ...]
    demand: FloatArray | None
    room: FloatArray
    recent: FloatArray | None
    draws: int
    seed: int


def shares_of(split: Split, wanted: Wanted) -> FloatArray:
    """Shares of money: (draw, part). Each row sums to 1, and each named share lies inside its range.

    The named parts, with all others as one coordinate, get a point of the ranges as the split's basis says; what the
    others get together is dealt among them.

    Raises
    ------
    PlanError
        The ranges cannot be met by these parts.
    """
    named = [part for part, _, _ in split.ranges]
    inside = [wanted.parts.index(part) for part in named]
    others = [i for i in range(len(wanted.parts)) if i not in inside]
    low = np.array([lo for _, lo, _ in split.ranges] + ([0.0] if others else []))
    high = np.array([hi for _, _, hi in split.ranges] + ([1.0] if others else []))
    if high.sum() < 1 - ROUNDING:
        raise PlanError(
            f"{split.told}: {split.listed()} reach at most {high.sum():.1%}{wanted.where} and there is no other "
            f"{split.by} to take the rest; raise one of the high ends"
        )
    if split.basis == "equal risk":
        return _equal_risk(split, wanted, inside)
    want = _wanted(split, wanted)
    if not split.ranges:
        return want
    given = _given(split, wanted, _folded(want, inside, others), low, high)
    out = np.empty((wanted.draws, len(wanted.parts)))
    out[:, inside] = given[:, : len(inside)]
    if others:
        out[:, others] = given[:, -1:] * proportions(
            np.ones((1, len(others))) if split.rest == "equally" else want[:, others]
        )
    return np.asarray(out)


def ranges_of(split: Split, parts: tuple[str, ...]) -> FloatArray:
    """The policy's ends of each part: (part, end); NaN where it has no range."""
    known = {part: (low, high) for part, low, high in split.ranges}
    return np.array([known.get(part, (np.nan, np.nan)) for part in parts], dtype="float64").reshape(-1, 2)


def check_names(split: Split, parts: list[str]) -> None:
    """Refuse a range, or a weight of a key, of a part that there is none of."""
    asked = [part for part, _, _ in split.ranges]
    asked += [part for _, how in split.shared if not isinstance(how, str) for part, _ in how]
    for name in asked:
        if name not in parts:
            raise PlanError(
                f"{split.told}: there is no {split.by} {name!r} in the usage; it has "
                f"{', '.join(parts)}{nearest(name, parts)}"
            )


def proportions(amounts: FloatArray) -> FloatArray:
    """Each part's share of a draw's sum: (draw, part); equal shares where the sum is 0 or less."""
    total = amounts.sum(axis=1, keepdims=True)
    return np.where(total > 0, amounts / np.where(total > 0, total, 1.0), 1.0 / amounts.shape[1])


def _wanted(split: Split, wanted: Wanted) -> FloatArray:
    """Where shares would lie without ranges: (draw, part)."""
    if split.basis == "recent":
        assert wanted.recent is not None
        return proportions(wanted.recent)
    if wanted.demand is None:  # the policy alone decides, and names every part
        return np.full((wanted.draws, len(wanted.parts)), 1.0 / len(wanted.parts))
    return proportions(wanted.demand)


def _folded(want: FloatArray, inside: list[int], others: list[int]) -> FloatArray:
    """The named parts, then all others as one coordinate: (draw, coordinate)."""
    point = want[:, inside]
    return np.column_stack([point, want[:, others].sum(axis=1)]) if others else point


def _given(split: Split, wanted: Wanted, point: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """A point of the ranges in every draw: (draw, coordinate)."""
    if split.basis == "midpoint":
        middle = (low + high) / 2
        if len(middle) > len(split.ranges):
            middle[-1] = 1.0 - middle[:-1].sum()
        return np.tile(nearest_in_ranges(middle[None, :], low, high), (wanted.draws, 1))
    if split.basis == "stochastic":
        names = [part for part, _, _ in split.ranges]
        # In the order of names: what a share is drawn from does not depend on where its range was written.
        order = [*sorted(range(len(names)), key=names.__getitem__), *range(len(names), len(low))]

        def numbers(again: int, rows: int, count: int) -> FloatArray:
            return stream(wanted.seed, "split", split.by, wanted.where, again).uniform(size=(rows, count))

        drawn = uniform_in_ranges(low[order], high[order], wanted.draws, numbers)
        return np.asarray(drawn.shares[:, np.argsort(order)])
    return nearest_in_ranges(point, low, high)


def _equal_risk(split: Split, wanted: Wanted, inside: list[int]) -> FloatArray:
    """Constant shares of equal probability of overrun: (draw, part)."""
    assert wanted.demand is not None
    low, high = np.zeros(len(wanted.parts)), np.ones(len(wanted.parts))
    low[inside] = [lo for _, lo, _ in split.ranges]
    high[inside] = [hi for _, _, hi in split.ranges]
    found = equal_risk(wanted.demand, wanted.room, low, high)
    return np.tile(found, (wanted.draws, 1))
