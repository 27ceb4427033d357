"""A policy along every path. Comes in: budgets and spend by period and part. Goes out: who had what, draw by draw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast.panel import BoolArray, FloatArray
from forecast.shown import short_repr
from scenarios.budget.policies import BudgetPolicy

#: What rounding may put between a spend and a budget that are equal.
_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class Clock:
    """When a policy acts.

    Attributes
    ----------
    lapse : bool array (period,)
        What was kept is lost at the end of it.
    settle : bool array (period,)
        A fiscal quarter ends with it.
    deal : int, optional
        The period in which all is released.
    """

    lapse: BoolArray
    settle: BoolArray
    deal: int | None


@dataclass(frozen=True, slots=True)
class Followed:
    """Money under a policy.

    Attributes
    ----------
    granted : float array (period, part)
        The budget less what is held back.
    released, shortfall, lapsed, kept : float array (draw, period, part)
        What a part gets from the pool; what it spends beyond all that it has; what goes from it to the pool at the end
        of the period; what it takes into the next.
    pool : float array (draw, period)
        What the pool holds at the end of the period.
    """

    __repr__ = short_repr

    granted: FloatArray
    released: FloatArray
    shortfall: FloatArray
    lapsed: FloatArray
    kept: FloatArray
    pool: FloatArray


def followed(budget: FloatArray, spend: FloatArray, policy: BudgetPolicy, clock: Clock) -> Followed:
    """Follow a policy along every draw; only periods are looped over.

    In each period a part has what it kept, its budget less what is held back, and what the pool gives it. What it
    spends beyond that is its shortfall; what is left it keeps or loses to the pool. So that in each draw, after every
    period, the budgets so far = what was spent of them (spend less shortfall) + what parts keep + what the pool holds.
    What lapses at the end of a period is in the pool from the next one on. Only what is granted can be held back: a
    budget below 0, which lowers what a part may spend, is granted whole.

    Parameters
    ----------
    budget : float array (period, part)
    spend : float array (draw, period, part)
    policy : BudgetPolicy
    clock : Clock
    """
    periods, parts = budget.shape
    positive = np.maximum(budget, 0.0)
    held = policy.holdback * positive
    if clock.deal is not None:
        held[clock.deal :] = 0.0
    granted = budget - held
    released, shortfall, lapsed, kept = (np.zeros(spend.shape) for _ in range(4))
    pool = np.zeros((len(spend), periods))
    inside, before = np.zeros(len(spend)), np.zeros((len(spend), parts))
    owed = np.zeros(parts)
    cap = np.inf if policy.rollover_cap is None else policy.rollover_cap * positive
    limit = np.broadcast_to(cap, budget.shape)
    over = np.cumsum(spend, axis=1) > np.cumsum(budget, axis=0) + _SAME if policy.release == "on plan" else None
    for t in range(periods):
        inside = inside + held[t].sum()
        owed = owed + held[t]
        if t == clock.deal:
            released[:, t] = inside[:, None] * _by_size(positive[t:].sum(axis=0))
            inside = np.zeros_like(inside)
        has = before + granted[t] + released[:, t]
        lack = np.maximum(spend[:, t] - has, 0.0)
        if policy.release == "on need":
            paid = _dealt(lack, inside)
            released[:, t] += paid
            lack = lack - paid
            inside = inside - paid.sum(axis=1)
        left = np.maximum(has - spend[:, t], 0.0)
        keeps = np.zeros_like(left) if clock.lapse[t] else np.minimum(policy.rollover * left, limit[t])
        shortfall[:, t], lapsed[:, t] = lack, left - keeps
        inside = inside + lapsed[:, t].sum(axis=1)
        if over is not None and clock.settle[t]:
            back = np.where(over[:, t], 0.0, owed)
            released[:, t] += back
            keeps = keeps + back
            inside = inside - back.sum(axis=1)
        if clock.settle[t]:
            owed = np.zeros(parts)
        before = kept[:, t] = keeps
        pool[:, t] = inside
    return Followed(granted, released, shortfall, lapsed, kept, pool)


def _by_size(size: FloatArray) -> FloatArray:
    """Shares by size, or equal ones where nothing has any: (part,)."""
    whole = size.sum()
    return size / whole if whole > 0 else np.full(len(size), 1.0 / len(size))


def _dealt(lack: FloatArray, inside: FloatArray) -> FloatArray:
    """What a pool (draw,) pays of what is lacked (draw, part): all of it, or in proportion."""
    wanted = lack.sum(axis=1)
    some = wanted > 0
    share = np.where(some, np.minimum(np.maximum(inside, 0.0), wanted) / np.where(some, wanted, 1.0), 0.0)
    return np.asarray(lack * share[:, None])
