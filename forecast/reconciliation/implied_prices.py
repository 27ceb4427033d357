"""Implied unit prices. Comes in: quantities and differences of money. Goes out: what unit prices are off by."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np

from forecast.panel import BoolArray, FloatArray

#: Lines beyond the number of prices that a fit must explain before it says anything.
SPARE_LINES: Final = 3
#: The part of the lines that a fit must explain to the rounding.
EXPLAINED: Final = 0.9
#: Rounds of leaving out what doesn't fit, so that a few odd lines don't bend the prices.
_ROUNDS: Final = 12


@dataclass(frozen=True, slots=True)
class Correction:
    """What is added to unit prices so that lines are explained.

    Attributes
    ----------
    price : float array (unit,)
        Money a unit, 0 where the price stands; nan where lines are explained but don't tell the units apart.
    fitted : float array (line,)
        Quantities at these corrections.
    within : bool array (line,)
        Lines that they explain to the rounding.
    """

    price: FloatArray
    fitted: FloatArray
    within: BoolArray


def price_correction(quantities: FloatArray, difference: FloatArray, error: FloatArray) -> Correction | None:
    """The fewest prices to correct so that difference = quantities @ correction; None where no correction explains it.

    Corrections of one unit are tried first, then of two, then of all.

    Parameters
    ----------
    quantities : float array (line, unit)
    difference, error : float array (line,)
        What lines cost beyond the prices at hand, and how far rounding may have moved it.
    """
    used = [int(i) for i in np.flatnonzero(quantities.max(axis=0, initial=0.0) > 0)]
    for size in dict.fromkeys((1, 2, len(used))):
        if not 0 < size <= len(used) or len(difference) < size + SPARE_LINES:
            continue
        tried = [_fit(quantities[:, units], difference, error) for units in combinations(used, size)]
        shares = [within.mean() for _, within in tried]
        best = int(np.argmax(shares))
        if shares[best] >= EXPLAINED:
            units = list(combinations(used, size))[best]
            return _tidied(quantities, list(units), difference, error, *tried[best])
    return None


def _fit(table: FloatArray, money: FloatArray, error: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Least squares over the lines that agree: corrections (unit,), and which lines they explain."""
    scale = table.max(axis=0)
    table = table / scale
    kept = np.ones(len(money), dtype=bool)
    solved: FloatArray = np.zeros(table.shape[1])
    for _ in range(_ROUNDS):
        solved = np.asarray(np.linalg.lstsq(table[kept], money[kept], rcond=None)[0], dtype=np.float64)
        off = np.abs(table @ solved - money)
        within = off <= error
        # The better half decides while outliers bend the fit; then all that fits.
        chosen = within if within.mean() >= 0.5 else off <= np.median(off)
        if (chosen == kept).all():
            break
        kept = chosen
    return solved / scale, np.abs(table @ solved - money) <= error


def _tidied(
    quantities: FloatArray,
    units: list[int],
    money: FloatArray,
    error: FloatArray,
    solved: FloatArray,
    within: BoolArray,
) -> Correction:
    """The corrections with as few digits a million as the lines allow: what a price list would say."""
    price, table = np.zeros(quantities.shape[1]), quantities[:, units]
    for digits in range(2, 9):
        rounded = np.round(solved * 1e6, digits) / 1e6
        held = np.abs(table @ rounded - money) <= error
        if held.sum() >= within.sum():
            price[units] = rounded
            return Correction(price, table @ rounded, held)
    apart = np.linalg.cond(table / table.max(axis=0)) < 1e3
    price[units] = solved if apart else np.nan
    return Correction(price, table @ solved, within)
