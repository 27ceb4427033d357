"""Sums that close. Comes in: steps and the totals that they lead between. Goes out: the same, adding up exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast.errors import ScenarioError
from forecast.panel import FloatArray

#: The most that rounding may leave between steps and totals, as a share of all the money that is moved.
ROUNDING = 1e-9
#: Bits of the grid: a double holds 53, and one is kept for sums.
BITS = 52


@dataclass(frozen=True, slots=True)
class Closed:
    """Steps that lead exactly from one total to the other.

    Attributes
    ----------
    amounts : float array (step, draw)
    before, after : float array (draw,)
    """

    amounts: FloatArray
    before: FloatArray
    after: FloatArray


def closed(amounts: FloatArray, before: FloatArray, after: FloatArray) -> Closed:
    """Round steps (step, draw) and totals (draw,) to one grid a draw, on which they add up without any rounding.

    The grid's unit is 2^-52 of a power of two above |before| + |after| + Σ |step|, so that every partial sum, in any
    order, is an exact double, and after - before - Σ step is 0.0. What the evaluation of the steps itself rounded away
    goes to the largest step. It must be under 1e-9 of the money moved (it is about 1e-15): a step that hides a real
    difference is never made.

    Raises
    ------
    ScenarioError
        A total is not a finite number, or the steps miss the difference by more than rounding.
    """
    for name, values in (("before", before), ("after", after), ("a step", amounts)):
        if not np.isfinite(values).all():
            raise ScenarioError(f"bridge: {name} is not a finite number in {int((~np.isfinite(values)).sum())} draws")
    scale = np.abs(before) + np.abs(after) + np.abs(amounts).sum(axis=0)
    unit = np.ldexp(1.0, np.maximum(np.frexp(scale)[1] - BITS, -1022))
    steps, first, last = (np.rint(v / unit) for v in (amounts, before, after))
    gap = last - first - steps.sum(axis=0)
    worst = float(np.max(np.abs(gap) * unit - ROUNDING * scale, initial=0.0))
    if worst > 0 or (len(steps) == 0 and bool(gap.any())):
        missed = float(np.max(np.abs(gap) * unit))
        raise ScenarioError(f"bridge: the steps miss the difference of the totals by up to {missed:.6g}")
    if len(steps):
        largest = np.argmax(np.abs(steps), axis=0)
        steps[largest, np.arange(steps.shape[1])] += gap
    return Closed(steps * unit, first * unit, last * unit)


def cents(amounts: FloatArray, total: float) -> FloatArray:
    """Whole cents of amounts (part,) that sum to ``total`` cents, each less than one from its own (largest remainder).

    Amounts of 0 stay 0. The same amounts with the other sign give the same cents with the other sign.
    """
    exact = amounts * 100.0
    whole = np.rint(exact)
    gap = total - whole.sum()
    # To a millionth of a cent, so that remainders that are equal but for rounding are dealt in order.
    room = np.where(amounts != 0, np.round(np.sign(gap) * (exact - whole), 6), -np.inf)
    dealt = np.argsort(-room, kind="stable")[: int(abs(gap))]
    whole[dealt] += np.sign(gap)
    return np.asarray(whole)
