"""Feeds. Comes in: a projection. Goes out: what its trajectories feed to each lane, period by period; no path is kept.

A lane's quantity is volume · mix · intensity. Arrays are (feed, trajectory), so that sums over feeds run along memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from forecast.panel import BoolArray, FloatArray, IntArray
from forecast.projection import Projection
from forecast.stepping import Step, moving, ratio_steps, volume_steps


@dataclass(frozen=True, slots=True)
class Feeds:
    """What is fed: lanes, or the volume of legs.

    Attributes
    ----------
    projection : Projection
    source : int array (feed,)
        A lane; or a leg + the number of lanes.
    replaced : bool array (feed,)
        Whether the forecast's own trend is taken out of the volume.
    """

    projection: Projection
    source: IntArray
    replaced: BoolArray

    def opened(self, which: IntArray) -> tuple[FloatArray, Iterator[FloatArray]]:
        """The quantity of each feed, in two factors.

        The one is the same in all trajectories: (period, feed). The other comes period after period, a new array each
        time: (feed, trajectory).
        """
        drivers = self.projection.drivers
        lanes = len(drivers.lanes)
        is_lane = self.source < lanes
        own = drivers.lanes["leg"].to_numpy()[np.minimum(self.source, lanes - 1)]
        leg = np.where(is_lane, own, self.source - lanes)
        workload = drivers.legs["workload"].to_numpy()[leg]
        code = workload * 2 + self.replaced
        known, place = in_order(code)
        level, volume = volume_steps(self.projection.volume, which, known // 2, known % 2 == 1)
        point = level[:, place]
        shared, whole, share = self._shares(leg, which)
        point *= whole
        used = np.nonzero(is_lane)[0]
        point[:, used] *= self.projection.intensity.point[:, self.source[used]]
        used = used[moving(self.projection.intensity, self.source[used])]
        _, rises = ratio_steps(self.projection.intensity, which, self.source[used])
        plain = np.array_equal(place, np.arange(len(self.source)))

        def steps() -> Iterator[FloatArray]:
            for t in range(len(self.projection.days)):
                out = volume(t) if plain else volume(t).take(place, axis=0)
                if len(shared):
                    out[shared] *= share(t)
                if len(used):
                    out[used] *= rises(t)
                yield out

        return point, steps()

    def _shares(self, leg: IntArray, which: IntArray) -> tuple[IntArray, FloatArray, Step]:
        """The share of its workload that each leg has.

        Which feeds are of legs that share a workload with others; of the rest, which have it to themselves, 1 while
        there is any volume (period, feed); and the shares of the first by period (feed that shares, trajectory).
        """
        owner = self.projection.drivers.legs["workload"].to_numpy()
        alone = np.bincount(owner)[owner[leg]] == 1
        whole = np.where(alone, self.projection.mix.point[:, leg] > 0, 1.0)
        shared = np.nonzero(~alone)[0]
        legs = np.nonzero(np.isin(owner, owner[leg[shared]]))[0]
        legs = legs[np.argsort(owner[legs], kind="stable")]
        if not len(legs):
            return shared, whole, lambda _: np.empty((0, len(which)))
        begin = np.nonzero(np.diff(owner[legs], prepend=-1))[0]
        of_owner = np.repeat(np.arange(len(begin)), np.diff(np.append(begin, len(legs))))
        at = np.zeros(len(owner), dtype=np.intp)
        at[legs] = np.arange(len(legs))
        mine = at[leg[shared]]
        point, odds = ratio_steps(self.projection.mix, which, legs)

        def share(t: int) -> FloatArray:
            now = odds(t) * point[t][:, None]
            total = np.add.reduceat(now, begin, axis=0)
            total[total <= 0] = 1.0
            return np.asarray((now / total[of_owner])[mine])

        return shared, whole, share


def in_order(code: IntArray) -> tuple[IntArray, IntArray]:
    """Distinct numbers in the order in which they come, and where each number stands among them."""
    known, first, place = np.unique(code, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return known[order], np.argsort(order)[place]
