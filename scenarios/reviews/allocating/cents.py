"""Cents. Comes in: exact amounts by month, payer and line. Goes out: whole cents that sum to the bill's own.

Two ways were tried on random bills: rounding every line against the total at once, and rounding from the total to
months, to payers of a month, to lines. Either sums to the bill; the second also keeps each month and each payer's month
within a cent of what it is, where the first drifts with the number of lines: ``benchmarks/allocation_cents.py``.
"""

from __future__ import annotations

import math

import numpy as np

from forecast.errors import PlanError
from forecast.panel import FloatArray, IntArray

#: From this much money on, cents are lost in floating point.
MOST = 1e13


def total_cents(amounts: FloatArray) -> int:
    """The bill in whole cents: the exact sum, rounded once."""
    total = math.fsum(amounts.tolist())
    if not abs(total) < MOST:
        raise PlanError(f"a bill of {total:.3g} is beyond what can be told to the cent; check prices and quantities")
    return round(total * 100.0)


def cents_of(amounts: FloatArray, month: IntArray, payer: IntArray) -> IntArray:
    """Whole cents of each amount (cell,): from the total to months, to payers of a month, to cells.

    At each level the largest remainders are rounded up (Hamilton's method), so that a part is within a cent of its
    exact amount and what is 0 stays 0.

    Parameters
    ----------
    amounts : float array (cell,)
    month, payer : int array (cell,)
        What each cell is of.
    """
    if not len(amounts):
        return np.zeros(0, dtype=np.int64)
    months, month_of = np.unique(month, return_inverse=True)
    pairs, pair_of = np.unique(np.stack([month_of, payer]), axis=1, return_inverse=True)
    by_pair = np.asarray(np.bincount(pair_of, weights=amounts), dtype="float64")
    by_month = np.asarray(np.bincount(pairs[0], weights=by_pair), dtype="float64")
    whole = np.array([total_cents(amounts)])
    cents = rounded_within(by_month, np.zeros(len(months), dtype=np.intp), whole)
    cents = rounded_within(by_pair, pairs[0], cents)
    return rounded_within(amounts, pair_of, cents)


def rounded_within(amounts: FloatArray, group: IntArray, whole: IntArray) -> IntArray:
    """Round the amounts of each group to cents that sum to the group's own: (cell,).

    Parameters
    ----------
    amounts : float array (cell,)
    group : int array (cell,)
    whole : int array (group,)
        Cents of each group.
    """
    exact = amounts * 100.0
    floor = np.floor(exact)
    cents = floor.astype(np.int64)
    count = np.bincount(group, minlength=len(whole))
    held = np.zeros(len(whole), dtype=np.int64)
    np.add.at(held, group, cents)
    each, extra = np.divmod(whole - held, np.maximum(count, 1))
    order = np.lexsort((np.arange(len(group)), floor - exact, group))
    first = np.concatenate([[0], np.cumsum(count)[:-1]])
    rank = np.empty(len(group), dtype=np.int64)
    rank[order] = np.arange(len(group)) - first[group[order]]
    return np.asarray(cents + each[group] + (rank < extra[group]))
