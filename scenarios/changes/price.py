"""Price changes. Comes in: which SKUs, from when, by how much. Goes out: prices that move on that day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import pandas as pd

from forecast import ranges
from forecast.errors import ScenarioError, one_of
from forecast.panel import BoolArray, FloatArray, IntArray
from forecast.ranges import Uncertain
from scenarios.changes.base import Day, Stage, Step, checked, checked_day, checked_probability, key_of
from scenarios.changes.flows import Flows
from scenarios.changes.scene import Scene

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
    on: Day = ""
    by: Uncertain | None = None
    to: Uncertain | None = None
    probability: float = 1.0
    per: Per = "change"
    name: str | None = None

    def __post_init__(self) -> None:
        """Check date, size and probability."""
        checked_day(self, "on", needed=True)
        if (self.by is None) == (self.to is None):
            raise ScenarioError("PriceChange: give the new price either as by= (relative) or as to= (a quoted unit)")
        checked(self, "by", "relative")
        checked(self, "to", "amount")
        checked_probability(self)
        one_of("PriceChange.per", self.per, get_args(Per), ScenarioError)

    @property
    def key(self) -> str:
        """Names the random numbers."""
        return key_of("price", self.name, self.provider, self.model, self.unit, self.on)

    @property
    def stage(self) -> Stage:
        """Price."""
        return "price"

    @property
    def step(self) -> Step:
        """Price."""
        return "price"

    def describe(self) -> str:
        """In plain words."""
        size = f"change by {ranges.shown(self.by, 'relative')}" if self.by is not None else ""
        if self.to is not None:
            size = f"become {ranges.shown(self.to, 'amount')} a quoted unit"
        chance = "" if self.probability == 1 else f", with a probability of {self.probability:.0%}"
        what = f"{self.provider}/{self.model}" if self.provider != "*" else self.model
        unit = "" if self.unit == "*" else f" of {self.unit}"
        return f"prices{unit} of {what} {size} from {pd.Timestamp(self.on):%Y-%m-%d}{chance}"

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Move prices."""
        scene.date(self.on, "PriceChange.on")
        rows = scene.priced(flows, provider=self.provider, model=self.model, unit=self.unit, what="PriceChange")
        if self.probability == 0:
            return flows
        after = scene.clock.share(pd.Timestamp(self.on))
        per = "all" if self.per == "change" else "model"
        names = np.array(scene.groups(flows, per, what="PriceChange"))
        for name in dict.fromkeys(names[rows]):
            flows = flows.moved(rows & (names == name), self._move(scene, str(name), after))
        return flows

    def _move(self, scene: Scene, group: str, after: FloatArray) -> _Move:
        happens = scene.coin(self.key, self.probability, group)
        if self.by is not None:
            return _Move(scene.draw(self.key, self.by, "relative", "size", group), happens, after, relative=True)
        assert self.to is not None
        return _Move(scene.draw(self.key, self.to, "amount", "size", group), happens, after, relative=False)


@dataclass(frozen=True, slots=True, eq=False)
class _Move:
    """The price from a date on: that of the date times 1 + size, or size a quoted unit.

    ``size`` (draw,); ``happens`` (draw,); ``after`` (period,) is the part of each period after the date.
    """

    size: FloatArray
    happens: BoolArray
    after: FloatArray
    relative: bool

    @property
    def scale_free(self) -> bool:
        """Whether only the shape of the book's prices matters."""
        return self.relative

    def reprice(self, draws: IntArray, relative: FloatArray, book: FloatArray, per: float) -> FloatArray:
        """The price over the book's price after the change: (n, period)."""
        if not (self.after > 0).any():
            return relative
        first = int(np.argmax(self.after > 0))
        size = self.size[draws]
        start = relative[:, first] * book[first] * (1.0 + size) if self.relative else size / per
        with np.errstate(divide="ignore", invalid="ignore"):
            moved = np.where(book[None, :] > 0, start[:, None] / book[None, :], relative)
        blend = np.where(self.after == 1.0, moved, relative + (moved - relative) * self.after)
        return np.where(self.happens[draws][:, None] & (self.after > 0)[None, :], blend, relative)
