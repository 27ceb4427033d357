"""Stocks: weights, data, backups. Comes in: gigabytes, their growth, a price. Goes out: money for GB-months."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from forecast import ranges
from forecast.panel import FloatArray
from forecast.periods import MONTH_DAYS
from forecast.ranges import Uncertain
from scenarios.changes import World
from scenarios.components.base import Context, Months, Owned, shown_amount


@dataclass(frozen=True, slots=True)
class Stock(Owned):
    """What is stored and grows: weights, data, logs, backups.

    On the t-th day after its first there are gb · (1 + growth)^(t / 30.4375) + added · t / 30.4375 gigabytes, in
    ``copies`` copies. A month costs the mean of its days: price · copies · sum over days of gigabytes / days of the
    calendar month.

    Parameters
    ----------
    name : str
    gb : number, between(low, high) or frozen scipy distribution
        Gigabytes on ``start``, or on the plan's first day where it has no start.
    price : number, between(low, high) or frozen scipy distribution
        Money for a gigabyte and month.
    growth : number, between(low, high) or frozen scipy distribution
        Relative change a month.
    added : number, between(low, high) or frozen scipy distribution
        Gigabytes a month that come in beside it, such as checkpoints that are kept.
    copies : number, between(low, high) or frozen scipy distribution
        How many are paid: 2 for one and a backup of it.
    environment, department, project, cost_category, cost_center, gl_account, start, end, currency, stated_on
        As of :class:`scenarios.Fixed`.
    """

    KIND: ClassVar[str] = "Stock"

    gb: Uncertain
    _: KW_ONLY
    price: Uncertain
    growth: Uncertain = 0.0
    added: Uncertain = 0.0
    copies: Uncertain = 1.0

    def check(self) -> None:
        """Check what the kind has of its own."""
        for name in ("gb", "price", "added", "copies"):
            self.checked(name, "amount")
        self.checked("growth", "relative")

    def describe(self) -> str:
        """In plain words."""
        more = "" if self.growth == 0.0 else f", {ranges.shown(self.growth, 'relative')} a month"
        more += "" if self.added == 0.0 else f", {shown_amount(self.added)} GB more a month"
        copies = "" if self.copies == 1.0 else f" in {shown_amount(self.copies)} copies"
        price = shown_amount(self.price)
        return f"{self.name}: {shown_amount(self.gb)} GB{more}{copies} at {price} a GB-month{self._dates()}"

    def money(self, world: World, months: Months, context: Context) -> FloatArray:
        """Money in each month: (draw, month)."""
        gb, price, added, copies = (
            self.draw(world, getattr(self, name), "amount", name) for name in ("gb", "price", "added", "copies")
        )
        rate = np.log1p(self.draw(world, self.growth, "relative", "growth"))
        origin = months.first[0] if self.first_day is None else self.first_day
        out = np.zeros((world.draws, len(months)))
        for month, (first, last) in enumerate(zip(months.first, months.last, strict=True)):
            begin, end = max(first, origin), last if self.last_day is None else min(last, self.last_day)
            days = np.asarray((pd.date_range(begin, end) - origin).days, dtype="float64") / MONTH_DAYS
            held = gb * np.exp(rate[:, None] * days[None, :]).sum(axis=1) + added * days.sum()
            out[:, month] = held / months.whole[month]
        return np.asarray(out * (price * copies)[:, None])
