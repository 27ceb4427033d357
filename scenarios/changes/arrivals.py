"""Events at random times. Comes in: a rate. Goes out: when they happen in each draw, and what they lay on each day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from forecast import ranges
from forecast.panel import FloatArray, IntArray
from forecast.ranges import Kind, Uncertain
from scenarios.changes.scene import Scene

#: The largest number below 1: a gap between events is finite.
_BELOW_ONE: Final = 1.0 - 2.0**-53


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The events of a Poisson process in each draw.

    Attributes
    ----------
    scene : Scene
    key, group : str
        Name the random numbers.
    day : int array (draw, event)
        The day of each, counted from the first that is forecast; the number of days where it lies beyond them.
    """

    scene: Scene
    key: str
    group: str
    day: IntArray

    def each(self, value: Uncertain, kind: Kind, parameter: str) -> FloatArray:
        """A number that every event draws for itself: (draw, event)."""
        world = self.scene.world
        what = f"{self.key.split('|', 1)[0]}: {parameter}"
        made = [
            ranges.values(value, world.alone(self.key, self.group, parameter, str(k)), kind, what)
            for k in range(self.day.shape[1])
        ]
        return np.stack(made, axis=1) if made else np.zeros(self.day.shape)


def arrivals(scene: Scene, key: str, group: str, rate: FloatArray) -> Arrivals:
    """The events that come at a rate a day, a number a draw (draw,), from the first day that is forecast.

    The k-th event of a draw comes its k-th gap after the one before, and a gap is exponential: -ln(1 - u) / rate, each
    with a random number of its own. A longer horizon so keeps every event of a shorter one.
    """
    days = len(scene.clock.daily)
    at = np.zeros(scene.world.draws)
    found: list[IntArray] = []
    with np.errstate(divide="ignore"):
        mean = 1.0 / rate
    while True:
        gap = -np.log1p(-np.minimum(scene.world.alone(key, group, "gap", str(len(found))), _BELOW_ONE))
        at = at + np.where(rate > 0, gap, 1.0) * mean
        if (at >= days).all():
            break
        found.append(np.where(at < days, np.floor(np.minimum(at, days)), days).astype(np.intp))
    shape = (scene.world.draws, 0)
    return Arrivals(scene, key, group, np.stack(found, axis=1) if found else np.zeros(shape, dtype=np.intp))


def laid(day: IntArray, length: FloatArray, amount: FloatArray, days: int) -> FloatArray:
    """What events lay on each day: an amount a day, from the event's day for its length, its last day in part.

    ``day``, ``length`` (in days) and ``amount`` are (n, event); the answer is (n, day). Events add up.
    """
    out = np.zeros((len(day), days))
    longest = int(np.ceil(length.max(initial=0.0, where=day < days)))
    row = np.broadcast_to(np.arange(len(day))[:, None], day.shape)
    for j in range(min(longest, days)):
        part = np.clip(length - j, 0.0, 1.0)
        there = (day + j < days) & (part > 0)
        np.add.at(out, (row[there], day[there] + j), (amount * part)[there])
    return out
