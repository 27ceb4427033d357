"""Fine-tuning. Comes in: what training costs and saves. Goes out: shorter prompts at another price; break-even."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field

import numpy as np
import pandas as pd

from forecast import schema
from forecast.errors import ScenarioError, one_of
from forecast.panel import FloatArray
from forecast.ranges import Uncertain
from scenarios.changes.base import Day, Line, checked, checked_day, label_of, told
from scenarios.changes.levers import Lever, paid_on
from scenarios.changes.routing import Detour
from scenarios.changes.scene import Scene


@dataclass(frozen=True, slots=True)
class FineTune(Detour):
    """A fine-tuned model in place of long prompts: training is paid once, then prompts are shorter.

    Parameters
    ----------
    model : str
        Glob of the models that serve today.
    to : str
        What the fine-tuned model is called.
    on : date
        The first day that it serves, on which training is paid.
    training : number, between(low, high) or frozen scipy distribution
        Money for training, once.
    input_ratio : number, between(low, high) or frozen scipy distribution
        Input a request over that of today: 0.2 where four fifths of the prompt are trained in.
    prices : mapping, optional
        Its prices by unit, money a quoted unit (a million tokens): ``{"input_tokens": 3.0, "output_tokens": 12.0}``;
        the price book's where absent. Cached input without a price here is billed as plain input.
    share, provider, output_ratio, retries
        As of :class:`scenarios.Route`; all requests unless a share is given. Without ``provider``, and with prices
        stated here, it is sold by the source's.
    where, ramp, quality, setup, running, name
        As of :class:`scenarios.changes.levers.Lever`; hosting is ``running``.
    """

    _: KW_ONLY
    on: Day
    training: Uncertain
    prices: Mapping[str, float] = field(default_factory=dict)

    def _check_more(self) -> None:
        checked_day(self, "on", needed=True)
        checked(self, "training", "amount")
        if not isinstance(self.prices, Mapping):
            raise ScenarioError(f'FineTune.prices = {self.prices!r}: wanted prices by unit: {{"input_tokens": 3.0}}')
        for unit, price in self.prices.items():
            one_of("FineTune.prices", unit, schema.BILLABLE, ScenarioError)
            if isinstance(price, bool) or not isinstance(price, int | float) or not 0 <= price < math.inf:
                raise ScenarioError(f"FineTune.prices[{unit!r}] = {price!r}: wanted money a quoted unit, from 0 up")
        object.__setattr__(self, "prices", {unit: float(price) for unit, price in self.prices.items()})

    def describe(self) -> str:
        """In plain words."""
        stated = ", ".join(f"{unit} {price:g}" for unit, price in self.prices.items())
        at = f"; its prices a quoted unit: {stated}" if stated else ""
        return f"{Detour.describe(self)}; {told(self.training, 'amount')} to train{at}"

    def lines(self, scene: Scene) -> list[Line]:
        """Training, then what every lever costs."""
        made = Lever.lines(self, scene)
        if self.training == 0.0:
            return made
        paid = scene.draw(self.key, self.training, "amount", "training")
        return [Line(f"{label_of(self)}: training", None, paid[:, None] * paid_on(self.on, scene)[None, :]), *made]

    def _verb(self) -> str:
        return "move"

    def _prices(self) -> Mapping[str, float]:
        return self.prices


@dataclass(frozen=True, slots=True, eq=False)
class BreakEven:
    """When a lever has paid for itself.

    Attributes
    ----------
    months : float array (draw,)
        Months until all that was saved covers all that was spent, for good: 0 where it never stood below, infinite
        where it does not within the horizon.
    horizon : int
        Months looked at.
    """

    months: FloatArray
    horizon: int

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
