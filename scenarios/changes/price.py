"""Price changes. Comes in: which SKUs, from when, by how much. Goes out: prices that move on that day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, get_args

import numpy as np
import pandas as pd

from forecast import ranges
from forecast.errors import ScenarioError, one_of
from forecast.panel import BoolArray
from forecast.ranges import Kind, Uncertain
from forecast.shown import short_repr
from forecast.usage_rows import SPEND
from scenarios.changes.base import (
    MOST_RISE,
    Day,
    Stage,
    Step,
    checked,
    checked_day,
    checked_probability,
    checked_where,
    key_of,
    label_of,
    told_chance,
    told_from,
)
from scenarios.changes.flows import Flows
from scenarios.changes.grouping import grouped
from scenarios.changes.price_path import PriceSet, stepped
from scenarios.changes.scene import Scene
from scenarios.changes.skus import chosen, told_skus

Per = Literal["change", "model"]


@dataclass(frozen=True, slots=True)
class PriceChange:
    """A vendor changes the price of some SKUs from a date.

    From ``on`` the price is the price in force on that date times ``1 + by``, or ``to`` a quoted unit (a million
    tokens); it replaces what the price book knew of later days, and what :class:`VendorPrices` would do from then on.
    It happens with ``probability``; coin and size are drawn once a path.

    Changes of one SKU act in the order of their dates, however they are listed: each sets out from the price that the
    one before it left. Two that would set one SKU's price from the same day contradict each other and are refused,
    unless both are relative and one of them need not happen.

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
    where : mapping, optional
        Globs over columns of workloads and routes.
    name : str, optional
        Tells two changes of the same SKUs and date apart, and names their random numbers.
    """

    __repr__ = short_repr

    stage: ClassVar[Stage] = "price"
    step: ClassVar[Step] = "price"
    drawn: ClassVar[Mapping[str, str]] = {"by": "size", "to": "size"}

    model: str = "*"
    provider: str = "*"
    unit: str = "*"
    on: Day = ""
    by: Uncertain | None = None
    to: Uncertain | None = None
    probability: float = 1.0
    per: Per = "change"
    where: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None

    def __post_init__(self) -> None:
        """Check date, size and probability."""
        checked_day(self, "on", needed=True)
        if (self.by is None) == (self.to is None):
            raise ScenarioError("PriceChange: give the new price either as by= (relative) or as to= (a quoted unit)")
        checked(self, "by", "relative", most=MOST_RISE)
        checked(self, "to", "amount")
        checked_probability(self)
        checked_where(self)
        one_of("PriceChange.per", self.per, get_args(Per), ScenarioError)

    @property
    def key(self) -> str:
        """Names the random numbers."""
        narrowed = (self.where,) if self.where else ()
        return key_of("price", self.name, self.provider, self.model, self.unit, self.on, *narrowed)

    def describe(self) -> str:
        """In plain words."""
        size = f"change by {ranges.shown(self.by, 'relative')}" if self.by is not None else ""
        if self.to is not None:
            size = f"become {ranges.shown(self.to, 'amount')} a quoted unit"
        return f"prices of {told_skus(self)} {size}{told_from(self.on)}{told_chance(self.probability)}"

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Move prices."""
        scene.date(self.on, "PriceChange.on")
        rows = chosen(self, flows, scene)
        if self.to is not None:
            check_stated(flows, rows, scene, what="PriceChange")
        if self.probability == 0:
            return flows
        per = "all" if self.per == "change" else "model"
        for name, mine in grouped(flows, rows, per, scene, what="PriceChange"):
            flows = stepped(flows, mine, self._step(scene, name), scene.clock)
        return flows

    def _step(self, scene: Scene, group: str) -> PriceSet:
        size = self.by if self.by is not None else self.to
        assert size is not None
        kind: Kind = "relative" if self.by is not None else "amount"
        day = pd.Timestamp(self.on)
        return PriceSet(
            f"{label_of(self)} ({self.describe()})",
            day,
            np.asarray(scene.clock.daily >= day),
            scene.draw(self.key, size, kind, "size", group),
            scene.coin(self.key, self.probability, group),
            relative=self.by is not None,
            certain=self.probability == 1,
        )


def check_stated(flows: Flows, rows: BoolArray, scene: Scene, *, what: str) -> None:
    """Refuse a stated price for what is known only as money, or is free by the book: there is no price to replace.

    Raises
    ------
    ScenarioError
        The message names the first of them.
    """
    free = (scene.book(flows) == 0).any(axis=0)
    for wrong, why in (
        (
            rows & np.asarray(flows.labels["unit"] == SPEND),
            "is known only as money, which has no price; give by=, or narrow unit=",
        ),
        (rows & free, "is free by the price book on some day; state its price there"),
    ):
        if wrong.any():
            row = flows.labels[wrong].iloc[0]
            raise ScenarioError(f"{what}.to: {row['provider']}/{row['model']} {row['unit']} {why}")
