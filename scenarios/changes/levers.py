"""What levers share. Comes in: a lever's fields. Goes out: what it touches, how far it has come, what it costs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final

import numpy as np
import pandas as pd

from forecast import ranges
from forecast.errors import ScenarioError
from forecast.panel import BoolArray, FloatArray, IntArray
from forecast.ranges import Kind, Uncertain
from forecast.usage_rows import SPEND
from scenarios.changes.base import (
    Day,
    Line,
    Stage,
    Step,
    checked,
    checked_day,
    checked_days,
    checked_where,
    key_of,
    kind_of,
    label_of,
    told,
    told_from,
    told_where,
)
from scenarios.changes.flows import Flows
from scenarios.changes.matching import match
from scenarios.changes.scene import Scene, by_draw

#: What makes a prompt: read anew, read from a cache, or written to one.
PROMPT: Final = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens")
OUTPUT: Final = ("output_tokens",)
GPU: Final = ("gpu_hours",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lever(ABC):
    """What every lever says beside its effect: on what, from when, how fast, at what cost and loss of quality.

    On day t a lever has come as far as a(t), from 0 before ``on`` in a straight line to 1 after ``ramp`` days; what it
    does is done to that part. Quality is counted on requests: with a loss of q it is 1 - q · a(t) of what it was.

    Parameters
    ----------
    model : str
        Glob: whose requests it touches.
    where : mapping, optional
        Globs over other columns of the usage: ``{"project": "search*", "environment": "production"}``.
    on : date, optional
        Its first day; without one it holds from the first day after the history.
    ramp : float
        Days until it is whole.
    quality : number, between(low, high) or frozen scipy distribution
        What it loses of the quality of the requests that it touches: 0.02 is 2 % fewer tasks done; below 0 is a gain.
    setup : number, between(low, high) or frozen scipy distribution
        Money once, on the day ``on``; nothing where that day lies in the history.
    running : number, between(low, high) or frozen scipy distribution
        Money a month from ``on``; a month in part costs its part by days.
    name : str, optional
        Tells two levers of one kind on the same model apart, and names their random numbers.
    """

    #: The driver it acts on, and what a bridge calls its effect.
    stage: ClassVar[Stage] = "intensity"
    step: ClassVar[Step] = "levers"

    model: str = "*"
    where: Mapping[str, str] = field(default_factory=dict)
    on: Day | None = None
    ramp: float = 0.0
    quality: Uncertain = 0.0
    setup: Uncertain = 0.0
    running: Uncertain = 0.0
    name: str | None = None

    def __post_init__(self) -> None:
        """Check the common fields, then the lever's own."""
        what = type(self).__name__
        checked_where(self)
        if "unit" in self.where:
            raise ScenarioError(f"{what}.where: a lever touches whole requests; 'unit' cannot choose among them")
        if "model" in self.where:
            raise ScenarioError(f"{what}.where: say the model as model={self.where['model']!r}")
        checked_day(self, "on")
        checked_days(self, "ramp")
        checked(self, "quality", "relative", most=1.0)
        checked(self, "setup", "amount")
        checked(self, "running", "amount")
        if self.setup != 0.0 and self.on is None:
            raise ScenarioError(f"{what}.setup: say on which day it is paid: on='2027-02-01'")
        self._check()

    @abstractmethod
    def _check(self) -> None:
        """Check the lever's own fields."""

    @property
    def key(self) -> str:
        """Names the random numbers."""
        return key_of(kind_of(self), self.name, self.model, self.where, *self._apart())

    def _apart(self) -> tuple[object, ...]:
        """What else tells two levers of one kind apart."""
        return ()

    @abstractmethod
    def describe(self) -> str:
        """In plain words, what it assumes."""

    @abstractmethod
    def act(self, flows: Flows, scene: Scene) -> Flows:
        """The flows after it."""

    def lines(self, scene: Scene) -> list[Line]:
        """What it costs beside usage: once, and by month."""
        made = []
        for name, amount, by_span in (
            ("setup", self.setup, paid_on(self.on, scene)),
            ("running", self.running, months_from(self.on, scene)),
        ):
            if amount != 0.0:
                money = scene.draw(self.key, amount, "amount", name)[:, None] * by_span[None, :]
                made.append(Line(f"{label_of(self)}: {name}", None, money))
        return made

    def _touched(self, flows: Flows, scene: Scene) -> BoolArray:
        """Flows of the requests it touches, those of volume among them: (flow,)."""
        globs = dict(self.where) if self.model == "*" else {"model": self.model, **self.where}
        return scene.matching(flows, globs, what=type(self).__name__)

    def _come(self, scene: Scene) -> FloatArray:
        """How far it has come: (period,)."""
        return scene.clock.ramp(scene.date(self.on, f"{type(self).__name__}.on"), self.ramp)

    def _drawn(self, scene: Scene, value: Uncertain, kind: Kind, parameter: str) -> FloatArray:
        """One of its uncertain numbers: (draw,)."""
        return scene.draw(self.key, value, kind, parameter)

    def _lost(self, scene: Scene) -> FloatArray:
        """What it loses of the quality: (draw,)."""
        lost = self._drawn(scene, self.quality, "relative", "quality")
        if (lost > 1).any():
            raise ScenarioError(f"{type(self).__name__}.quality: gives {lost.max():g}, which is more than all")
        return lost

    def _judged(self, flows: Flows, scene: Scene, rows: BoolArray | IntArray, come: FloatArray | None) -> Flows:
        """Take its loss of quality from some flows of volume, as far as it has come."""
        if self.quality == 0.0:
            return flows
        return flows.judged(rows, by_draw(-self._lost(scene), come))

    def _scaled(self, flows: Flows, scene: Scene, units: tuple[str, ...], by: FloatArray) -> Flows:
        """Multiply the quantity of some units by 1 + ``by`` (draw,), and judge the requests that have them."""
        acted = scene.units(flows, self._touched(flows, scene), units, what=type(self).__name__)
        come = self._come(scene)
        if by.any():
            flows = flows.times(acted, by_draw(by, come))
        return self._judged(flows, scene, volume_of(flows, acted), come)

    def _told(self, does: str) -> str:
        """In words: what it does, where, from when, at what loss and cost."""
        whose = "" if self.model == "*" else f" of {self.model}"
        narrowed = f" ({told_where(self.where)})" if self.where else ""
        return "; ".join([does.format(of=whose + narrowed) + told_from(self.on, self.ramp), *self._beside()])

    def _beside(self) -> list[str]:
        """In words: at what loss and cost."""
        return [
            *(
                [f"quality of these requests {told(_negative(self.quality), 'relative')}"]
                if self.quality != 0.0
                else []
            ),
            *([f"{told(self.setup, 'amount')} to set up"] if self.setup != 0.0 else []),
            *([f"{told(self.running, 'amount')} a month"] if self.running != 0.0 else []),
        ]


def share_of(value: Uncertain, what: str) -> str:
    """In words, a share of something: ``"30.0% of requests"``, ``"all requests"``."""
    return f"all {what}" if value == 1.0 else f"{told(value, 'share')} of {what}"


def _negative(value: Uncertain) -> Uncertain:
    if isinstance(value, ranges.Between):
        return ranges.Between(-value.high, -value.low)
    return -value if isinstance(value, int | float) else value


def paid_on(on: Day | None, scene: Scene) -> FloatArray:
    """1 in the span of a day, 0 elsewhere: (span,)."""
    day = None if on is None else pd.Timestamp(on)
    spans = scene.spans
    return np.asarray(
        (spans.first <= day) & (day <= spans.last) if day is not None else spans.first.isna(), dtype=float
    )


def months_from(on: Day | None, scene: Scene) -> FloatArray:
    """The part of its month that each span covers from a day on: (span,)."""
    spans = scene.spans
    begin = spans.first if on is None else spans.first.where(spans.first > pd.Timestamp(on), pd.Timestamp(on))
    covered = np.maximum((spans.last - begin).days.to_numpy() + 1, 0)
    return np.asarray(covered / spans.first.days_in_month.to_numpy(), dtype="float64")


def same_leg(flows: Flows) -> IntArray:
    """A number for each flow that flows of one workload on one route share: (flow,)."""
    columns = [c for c in flows.labels.columns if c != "unit"]
    return flows.labels.groupby(columns, dropna=False, sort=False).ngroup().to_numpy().astype(np.intp)


def volume_of(flows: Flows, rows: BoolArray) -> BoolArray:
    """The flows of volume of the requests that some flows are used for: (flow,)."""
    leg = same_leg(flows)
    return np.asarray(flows.volume & np.isin(leg, leg[rows]))


def known_as_money(flows: Flows) -> BoolArray:
    """Flows of usage that is known only as money: (flow,)."""
    counted = np.asarray(flows.labels["volume_unit"] == SPEND)
    return np.asarray((flows.labels["unit"] == SPEND) | (flows.volume & counted))


def of_unit(flows: Flows, rows: BoolArray, pattern: str, scene: Scene, *, what: str) -> BoolArray:
    """Of some flows, the billed ones whose unit matches a glob; an error where there are none."""
    found = match(flows.labels["unit"], pattern) & ~flows.volume
    units = tuple(sorted(set(flows.labels.loc[found & rows, "unit"]))) or (pattern,)
    return scene.units(flows, rows, units, what=what)


def not_above_zero(change: Lever, name: str, value: Uncertain, does: str) -> None:
    """Refuse a saving that is written as a rise."""
    for end in ranges.ends(value):
        if end > 0:
            raise ScenarioError(f"{type(change).__name__}.{name} = {end:g} {does}; write {-end:g}")
