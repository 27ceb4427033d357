"""Prices that rise from anniversary to anniversary. Comes in: a rate and a day. Goes out: a factor a month."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from forecast import ranges
from forecast.errors import PlanError
from forecast.panel import FloatArray
from forecast.ranges import Uncertain
from scenarios.changes import World
from scenarios.components.base import Day, Months, Owned
from scenarios.components.dated import Window


@dataclass(frozen=True, slots=True)
class Escalating(Owned):
    """A line whose price may rise once a year.

    Parameters
    ----------
    escalation : number, between(low, high) or frozen scipy distribution, optional
        Relative change a year: 0.05 is 5 % more on ``escalates_on`` and again on each anniversary. A range is drawn
        once a path.
    escalates_on : date, optional
        The first day of the first rise; what the line says of money holds before it.
    """

    escalation: Uncertain | None = field(default=None, kw_only=True)
    escalates_on: Day | None = field(default=None, kw_only=True)

    def check(self) -> None:
        """Check what the kind has of its own."""
        self.checked("escalation", "relative")
        self.checked_day("escalates_on")
        if (self.escalation is None) != (self.escalates_on is None):
            raise PlanError(
                f"{self.told}: escalation and escalates_on go together: by how much a year, and from which day on"
            )

    def escalated(self, world: World, months: Months, window: Window | None = None) -> FloatArray:
        """The part of each calendar month that is covered, each day times what its price has risen: (draw, month).

        ``window`` are the first and last day that are looked at; the line's own where they are not said.
        """
        begin, end = self.window() if window is None else window
        if self.escalation is None or self.escalates_on is None:
            return (months.inside(begin, end) / months.whole)[None, :]
        rate = self.draw(world, self.escalation, "relative", "escalation")
        out = np.zeros((world.draws, len(months)))
        step = 0
        while True:
            rise = pd.Timestamp(self.escalates_on) + pd.DateOffset(years=step)
            before = rise - pd.Timedelta(days=1)
            part = months.inside(begin, before if end is None else min(end, before)) / months.whole
            out += np.power(1.0 + rate, step)[:, None] * part[None, :]
            if rise > months.last[-1]:
                return out
            begin, step = rise if begin is None else max(begin, rise), step + 1

    def _rises(self) -> str:
        if self.escalation is None or self.escalates_on is None:
            return ""
        told = ranges.shown(self.escalation, "relative")
        return f", {told} a year on {pd.Timestamp(self.escalates_on):%Y-%m-%d} and its anniversaries"
