"""Splits. Comes in: demand by environment in each draw, and ranges. Goes out: shares inside them that sum to 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from forecast.errors import PlanError, nearest, one_of
from forecast.panel import FloatArray

Rest = Literal["by demand", "equally"]


@dataclass(frozen=True, slots=True, init=False)
class EnvironmentSplit:
    """How money is split over environments: a range of shares for some, the rest dealt among the others.

    Parameters
    ----------
    **ranges : (low, high) or number
        One for each named environment: ``development=(0.15, 0.20), production=(0.60, 0.70)``.
    rest : {"by demand", "equally"}
        How the other environments share what is left.

    Raises
    ------
    PlanError
        A range is not one, or the ranges cannot sum to 1.
    """

    ranges: tuple[tuple[str, float, float], ...]
    rest: Rest

    def __init__(self, *, rest: Rest = "by demand", **ranges: tuple[float, float] | float) -> None:
        one_of("EnvironmentSplit.rest", rest, get_args(Rest), PlanError)
        if not ranges:
            raise PlanError("EnvironmentSplit: name at least one environment, such as production=(0.60, 0.70)")
        checked = tuple((name, *_range(name, value)) for name, value in ranges.items())
        least = sum(low for _, low, _ in checked)
        if least > 1 + 1e-12:
            listed = ", ".join(f"{n} {lo:.0%}-{hi:.0%}" for n, lo, hi in checked)
            raise PlanError(
                f"EnvironmentSplit: the low ends of {listed} sum to {least:.1%}, above 100 %; lower one of them"
            )
        object.__setattr__(self, "ranges", checked)
        object.__setattr__(self, "rest", rest)

    def shares(self, demand: FloatArray, environments: list[str]) -> FloatArray:
        """Shares of money in each draw.

        The demand shares of the named environments, with all others as one coordinate, are moved to the nearest point
        of the ranges; what the others get is dealt among them.

        Parameters
        ----------
        demand : float array (draw, environment)
            Money that the lines of each environment want over the horizon.
        environments : list of str

        Returns
        -------
        float array (draw, environment)
            Each row sums to 1, and each named share lies inside its range.
        """
        named = [name for name, _, _ in self.ranges]
        for name in named:
            if name not in environments:
                raise PlanError(
                    f"EnvironmentSplit: there is no environment {name!r} in the usage; it has "
                    f"{', '.join(environments)}{nearest(name, environments)}"
                )
        inside = [environments.index(name) for name in named]
        others = [i for i in range(len(environments)) if i not in inside]
        low = np.array([lo for _, lo, _ in self.ranges] + ([0.0] if others else []))
        high = np.array([hi for _, _, hi in self.ranges] + ([1.0] if others else []))
        if high.sum() < 1 - 1e-12:
            listed = ", ".join(f"{n} {lo:.0%}-{hi:.0%}" for n, lo, hi in self.ranges)
            raise PlanError(
                f"EnvironmentSplit: {listed} reach at most {high.sum():.1%} and the usage has no other environment "
                "to take the rest; raise one of the high ends"
            )
        total = demand.sum(axis=1, keepdims=True)
        wanted = np.where(total > 0, demand / np.where(total > 0, total, 1.0), 1.0 / len(environments))
        point = wanted[:, inside]
        if others:
            point = np.column_stack([point, wanted[:, others].sum(axis=1)])
        given = nearest_in_ranges(point, low, high)
        out = np.empty_like(wanted)
        out[:, inside] = given[:, : len(inside)]
        if others:
            part = wanted[:, others] if self.rest == "by demand" else np.ones((len(wanted), len(others)))
            size = part.sum(axis=1, keepdims=True)
            part = np.where(size > 0, part / np.where(size > 0, size, 1.0), 1.0 / len(others))
            out[:, others] = given[:, -1:] * part
        return np.asarray(out)

    def describe(self) -> str:
        """In plain words."""
        named = ", ".join(f"{n} {lo:.0%}" if lo == hi else f"{n} {lo:.0%} to {hi:.0%}" for n, lo, hi in self.ranges)
        return f"{named}; the rest {self.rest} among the other environments"


def nearest_in_ranges(point: FloatArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """The nearest point (Euclidean) whose coordinates lie in their ranges and sum to 1, for each row. Exact.

    The answer is ``clip(point + shift, low, high)`` with the one shift that makes it sum to 1. The sum is piecewise
    linear in the shift with kinks at ``low - point`` and ``high - point``: find the piece, and solve on it.

    Parameters
    ----------
    point : float array (row, coordinate)
    low, high : float array (coordinate,)
        With ``low.sum() <= 1 <= high.sum()``.

    Source: Held, Wolfe and Crowder (1974), doi:10.1007/BF01580223, for the unit simplex; here with bounds.
    """
    kinks = np.sort(np.concatenate([low - point, high - point], axis=1), axis=1)
    sums = np.clip(point[:, None, :] + kinks[:, :, None], low, high).sum(axis=2)
    right = np.clip((sums < 1.0).sum(axis=1), 1, kinks.shape[1] - 1)
    row = np.arange(len(point))
    x0, x1, y0, y1 = kinks[row, right - 1], kinks[row, right], sums[row, right - 1], sums[row, right]
    rise = np.where(y1 > y0, (1.0 - y0) / np.where(y1 > y0, y1 - y0, 1.0), 0.0)
    found = np.clip(point + (x0 + rise * (x1 - x0))[:, None], low, high)
    # What rounding leaves of the sum goes to the coordinate with the most room, so that rows sum to 1 to the last bit.
    left = 1.0 - found.sum(axis=1)
    room = np.where(left[:, None] > 0, high - found, found - low)
    at = room.argmax(axis=1)
    found[row, at] = np.clip(found[row, at] + left, low[at], high[at])
    return np.asarray(found)


def _range(name: str, value: object) -> tuple[float, float]:
    ends = (value, value) if isinstance(value, int | float) else value
    if not isinstance(ends, tuple | list) or len(ends) != 2:
        raise PlanError(
            f"EnvironmentSplit: {name} = {value!r}: wanted a share or a range (low, high), such as (0.60, 0.70)"
        )
    low, high = ends
    for end in ends:
        if isinstance(end, bool) or not isinstance(end, int | float) or not 0 <= end <= 1:
            raise PlanError(f"EnvironmentSplit: {name} = {value!r}: a share lies between 0 and 1")
    if low > high:
        raise PlanError(f"EnvironmentSplit: {name} = [{low:g}, {high:g}]: the low end is above the high end; swap them")
    return float(low), float(high)
