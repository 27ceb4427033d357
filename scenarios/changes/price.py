"""Price changes. Comes in: which SKUs, from when, by how much. Goes out: the price over the book's on each day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from forecast import ranges
from forecast.calendars import date_of
from forecast.errors import ScenarioError, one_of
from forecast.panel import FloatArray
from forecast.ranges import Uncertain
from scenarios.changes.base import World, matching

Per = Literal["change", "model"]


@dataclass(frozen=True, slots=True)
class PriceChange:
    """A vendor changes the price of some SKUs from a date.

    From ``on`` the price is the price in force on that date times ``1 + by``, or ``to`` a quoted unit (a million
    tokens); it replaces what the price book knew of later days. It happens with ``probability``; coin and size are
    drawn once a path.

    Parameters
    ----------
    model, provider, unit : str
        Globs: ``"gpt-5*"``, ``"openai"``, ``"output_tokens"``.
    on : date
        The first day of the new price.
    by : number, between(low, high) or frozen scipy distribution
        Relative change: -0.3 is 30 % cheaper. A range is normal on log(1 + by).
    to : number, between(low, high) or frozen scipy distribution
        New price a quoted unit, in place of ``by``.
    probability : float
        That it happens at all.
    per : {"change", "model"}
        One coin and size for the change, or one for each model.
    name : str, optional
        Tells two changes of the same SKUs and date apart, and names their random numbers.
    """

    model: str = "*"
    provider: str = "*"
    unit: str = "*"
    on: str | pd.Timestamp = ""
    by: Uncertain | None = None
    to: Uncertain | None = None
    probability: float = 1.0
    per: Per = "change"
    name: str | None = None

    def __post_init__(self) -> None:
        """Check date, size and probability."""
        if isinstance(self.on, str) and not self.on:
            raise ScenarioError("PriceChange: say from which day: on='2027-02-01'")
        object.__setattr__(self, "on", date_of(self.on, "PriceChange.on", ScenarioError))
        if (self.by is None) == (self.to is None):
            raise ScenarioError("PriceChange: give the new price either as by= (relative) or as to= (a quoted unit)")
        if self.by is not None:
            by = ranges.uncertain(self.by, "PriceChange.by")
            ranges.in_domain(by, "relative", "PriceChange.by")
            object.__setattr__(self, "by", by)
        if self.to is not None:
            to = ranges.uncertain(self.to, "PriceChange.to")
            ranges.in_domain(to, "amount", "PriceChange.to")
            object.__setattr__(self, "to", to)
        if (
            isinstance(self.probability, bool)
            or not isinstance(self.probability, int | float)
            or not 0 <= self.probability <= 1
        ):
            raise ScenarioError(f"PriceChange.probability = {self.probability!r}: wanted a number from 0 to 1")
        one_of("PriceChange.per", self.per, get_args(Per), ScenarioError)

    @property
    def key(self) -> str:
        """Names the random numbers."""
        return "|".join(
            ("price", self.name or "", self.provider, self.model, self.unit, str(pd.Timestamp(self.on).date()))
        )

    def describe(self) -> str:
        """In plain words."""
        size = f"change by {ranges.shown(self.by, 'relative')}" if self.by is not None else ""
        if self.to is not None:
            size = f"become {ranges.shown(self.to, 'amount')} a quoted unit"
        chance = "" if self.probability == 1 else f", with a probability of {self.probability:.0%}"
        what = f"{self.provider}/{self.model}" if self.provider != "*" else self.model
        unit = "" if self.unit == "*" else f" of {self.unit}"
        return f"prices{unit} of {what} {size} from {pd.Timestamp(self.on):%Y-%m-%d}{chance}"

    def touches_sku(self, skus: pd.DataFrame) -> np.ndarray:
        """Which SKUs: bool (sku,)."""
        globs = {c: g for c, g in (("provider", self.provider), ("model", self.model), ("unit", self.unit)) if g != "*"}
        return matching(skus, globs, what="PriceChange", error="the SKUs in use")

    def group_sku(self, skus: pd.DataFrame) -> list[str]:
        """One name, or one a model."""
        return ["all"] * len(skus) if self.per == "change" else [str(m) for m in skus["model"]]

    def draw(self, world: World, group: str) -> FloatArray:
        """Size of the change, and 1 where it happens: (draw, 2)."""
        u = world.uniform(self.key, group, "size")
        if self.by is not None:
            size = ranges.values(self.by, u, "relative")
        else:
            assert self.to is not None
            size = ranges.values(self.to, u, "amount")
        happens = world.uniform(self.key, group, "coin") < self.probability
        return np.column_stack([size, happens])

    def reprice(
        self, drawn: FloatArray, relative: FloatArray, book: FloatArray, per: float, days: pd.DatetimeIndex
    ) -> FloatArray:
        """The price over the book's price, after this change: (draw, day)."""
        after = np.asarray(days >= pd.Timestamp(self.on))
        if not after.any() or self.probability == 0:
            return relative
        first = int(np.argmax(after))
        size, happens = drawn[:, 0], drawn[:, 1] > 0
        start = relative[:, first] * book[first] * (1.0 + size) if self.by is not None else size / per
        with np.errstate(divide="ignore", invalid="ignore"):
            moved = np.where(book[None, :] > 0, start[:, None] / book[None, :], relative)
        return np.where(happens[:, None] & after[None, :], moved, relative)
