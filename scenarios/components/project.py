"""Projects: training and fine-tuning. Comes in: GPU hours, price, runs, dates. Goes out: money over their months."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, Final

import numpy as np
import pandas as pd

from forecast import ranges
from forecast.errors import PlanError
from forecast.panel import FloatArray
from forecast.ranges import Uncertain
from scenarios.changes import World
from scenarios.components.base import Context, Day, Months, Owned, shown_amount

_DAY: Final = pd.Timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Project(Owned):
    """A piece of work with a beginning and an end, such as training or fine-tuning a model.

    money = GPU hours · price · runs · ((1 - spot_share) + spot_share · (1 - spot_discount) · (1 + interruption)),
    spread evenly over the days from start + slip on. What slips out of the plan is not in the plan.

    Parameters
    ----------
    name : str
    gpu_hours : number, between(low, high) or frozen scipy distribution
        Of one run.
    price : number, between(low, high) or frozen scipy distribution
        Money for a GPU hour on demand.
    runs : number, between(low, high) or frozen scipy distribution
        How often it is run until it serves; a range is not rounded to whole runs.
    start : date
        The day on which it is to begin.
    duration : number, between(low, high) or frozen scipy distribution, optional
        Days that all runs take. Either this or ``end``, the last day as planned.
    slip : number, between(low, high) or frozen scipy distribution
        Days that it begins and ends later than told.
    spot_share, spot_discount : number, between(low, high) or frozen scipy distribution
        The share of hours on spare capacity, and what that takes off their price.
    interruption : number, between(low, high) or frozen scipy distribution
        Hours worked again after interruptions, per hour on spare capacity: 0.08 is 8 %.
    environment, department, project, cost_category, cost_center, gl_account, end, currency, stated_on
        As of :class:`scenarios.Fixed`.
    """

    KIND: ClassVar[str] = "Project"

    gpu_hours: Uncertain
    _: KW_ONLY
    price: Uncertain
    start: Day
    runs: Uncertain = 1.0
    duration: Uncertain | None = None
    slip: Uncertain = 0.0
    spot_share: Uncertain = 0.0
    spot_discount: Uncertain = 0.0
    interruption: Uncertain = 0.0

    def check(self) -> None:
        """Check what the kind has of its own."""
        for name in ("gpu_hours", "price", "runs", "duration", "slip", "interruption"):
            self.checked(name, "amount")
        for name in ("spot_share", "spot_discount"):
            self.checked(name, "share")
        if (self.duration is None) == (self.end is None):
            raise PlanError(f"{self.told}: say how long it takes either as duration= (days) or as end=")
        if self.duration == 0.0:
            raise PlanError(f"{self.told}: duration = 0: it takes a day at least")
        if self.spot_share == 0.0 and (self.spot_discount != 0.0 or self.interruption != 0.0):
            raise PlanError(f"{self.told}: spot_discount and interruption need a spot_share: which part of the hours")

    def describe(self) -> str:
        """In plain words."""
        last = pd.Timestamp(self.end or self.start)
        length = f"to {last:%Y-%m-%d}" if self.duration is None else f"{shown_amount(self.duration)} days"
        late = "" if self.slip == 0.0 else f", {shown_amount(self.slip)} days late"
        share, less, again = (
            ranges.shown(value, "share") for value in (self.spot_share, self.spot_discount, self.interruption)
        )
        spot = "" if self.spot_share == 0.0 else f"; {share} on spare capacity at {less} less, {again} worked again"
        return (
            f"{self.name}: {shown_amount(self.gpu_hours)} GPU hours x {shown_amount(self.price)} x "
            f"{shown_amount(self.runs)} runs from {pd.Timestamp(self.start):%Y-%m-%d}, {length}{late}{spot}"
        )

    def in_sight(self, months: Months) -> None:
        """Refuse a project that begins after the plan, or is over before it."""
        begin, end = pd.Timestamp(self.start), self.last_day
        if begin > months.last[-1] or (end is not None and end < months.first[0] and self.slip == 0.0):
            raise PlanError(
                f"{self.told} runs {begin:%Y-%m-%d} to {f'{end:%Y-%m-%d}' if end is not None else 'the end'}, outside "
                f"the plan of {months.first[0]:%Y-%m-%d} to {months.last[-1]:%Y-%m-%d}"
            )

    def money(self, world: World, months: Months, context: Context) -> FloatArray:
        """Money in each month: (draw, month)."""
        hours, price, runs, again = (
            self.draw(world, getattr(self, name), "amount", name)
            for name in ("gpu_hours", "price", "runs", "interruption")
        )
        share, less = (self.draw(world, getattr(self, name), "share", name) for name in ("spot_share", "spot_discount"))
        total = hours * price * runs * ((1.0 - share) + share * (1.0 - less) * (1.0 + again))
        return np.asarray(total[:, None] * self.spread(world, months))

    def spread(self, world: World, months: Months) -> FloatArray:
        """The part of the work that falls in each month: (draw, month)."""
        planned = pd.Timestamp(self.start)
        length = (
            self.draw(world, self.duration, "amount", "duration")
            if self.duration is not None
            else np.full(world.draws, (pd.Timestamp(self.end or planned) - planned) / _DAY + 1.0)
        )
        begin = self.draw(world, self.slip, "amount", "slip")
        low = np.asarray((months.first - planned) / _DAY, dtype="float64")
        high = np.asarray((months.last - planned) / _DAY, dtype="float64") + 1.0
        over = np.minimum(high[None, :], (begin + length)[:, None]) - np.maximum(low[None, :], begin[:, None])
        if self.duration is not None and not (over > 0).any():
            raise PlanError(
                f"{self.told} begins on {planned:%Y-%m-%d} and is over before the plan begins on "
                f"{months.first[0]:%Y-%m-%d}"
            )
        return np.asarray(np.maximum(over, 0.0) / length[:, None])
