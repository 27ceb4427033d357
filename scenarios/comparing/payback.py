"""Payback. Comes in: what was saved, month by month. Goes out: when a lever has paid for itself, and how surely."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecast.drawing import percent
from forecast.errors import ScenarioError
from forecast.panel import FloatArray
from forecast.shown import Result, Shown, short_repr, table_of


@dataclass(frozen=True, slots=True, eq=False)
class BreakEven(Result):
    """When a lever has paid for itself.

    Attributes
    ----------
    months : float array (draw,)
        Months until all that was saved covers all that was spent, for good: 0 where it never stood below, infinite
        where it does not within the horizon.
    horizon : int
        Months looked at.
    """

    __repr__ = short_repr

    months: FloatArray
    horizon: int

    def show(self) -> Shown:
        """How likely it has paid by each month."""
        table = table_of(self.by_month().to_frame(), kinds={"month": "count", "probability": "share"}, most=36)
        return Shown("When it has paid for itself", f"In {percent(self.probability)} of futures it does.", (table,))

    @property
    def probability(self) -> float:
        """That it pays within the horizon."""
        return float(np.isfinite(self.months).mean())

    def by_month(self) -> pd.Series:
        """The probability that it has paid by each month, from 1 on."""
        month = pd.RangeIndex(1, self.horizon + 1, name="month")
        return pd.Series([float((self.months <= m).mean()) for m in month], index=month, name="probability")


def break_even(saved: FloatArray) -> BreakEven:
    """The month in which cumulative saving turns positive, draw by draw.

    With S[d,m] = Σ_{j≤m} saved[d,j], what it cost taken off, it is the least m such that S[d,j] ≥ 0 for every j ≥ m.

    Parameters
    ----------
    saved : float array (draw, month)
        Money without the lever less money with it, its costs among them, month by month.

    Raises
    ------
    ScenarioError
        It is not of two dimensions, has no month, or holds NaN.
    """
    if saved.ndim != 2 or 0 in saved.shape or np.isnan(saved).any():
        raise ScenarioError(f"break_even: wanted money by (draw, month) without NaN; got shape {saved.shape}")
    below = np.cumsum(saved, axis=1) < 0
    horizon = saved.shape[1]
    last = horizon - np.argmax(below[:, ::-1], axis=1)
    months = np.where(below.any(axis=1), last + 1.0, 0.0)
    return BreakEven(np.where(months > horizon, np.inf, months), horizon)
