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

    def steps(self, which: IntArray) -> Iterator[FloatArray]:
        """The quantity of each feed in each period, one period after another: (feed, trajectory)."""
        drivers = self.projection.drivers
        lanes = len(drivers.lanes)
        is_lane = self.source < lanes
        leg = np.where(
            is_lane, drivers.lanes["leg"].to_numpy()[np.minimum(self.source, lanes - 1)], self.source - lanes
        )
        workload = drivers.legs["workload"].to_numpy()[leg]
        volume, place = self._volumes(workload, which)
        share, shared, fixed_share = self._shares(leg, which)
        used = np.nonzero(is_lane)[0]
        used = used[moving(self.projection.intensity)[self.source[used]]]
        rises = ratio_steps(self.projection.intensity, which, self.source[used])
        point = np.ones((len(self.projection.days), len(self.source)))
        still = is_lane.copy()
        still[used] = False
        point[:, still] = self.projection.intensity.point[:, self.source[still]]
        point *= fixed_share
        plain = np.array_equal(place, np.arange(len(self.source)))
        for t in range(len(self.projection.days)):
            out = volume(t) if plain else volume(t).take(place, axis=0)
            if len(shared):
                out[shared] *= share(t)
            if len(used):
                out[used] *= rises(t)
            out *= point[t][:, None]
            yield out

    def _volumes(self, workload: IntArray, which: IntArray) -> tuple[Step, IntArray]:
        """Volume by period of each (workload, replaced) that is fed, and where each feed stands in it."""
        code = workload * 2 + self.replaced
        known, first, place = np.unique(code, return_index=True, return_inverse=True)
        rank = np.argsort(np.argsort(first))
        known = known[np.argsort(first)]
        return volume_steps(self.projection.volume, which, known // 2, known % 2 == 1), rank[place]

    def _shares(self, leg: IntArray, which: IntArray) -> tuple[Step, IntArray, FloatArray]:
        """The share of its workload that each leg has: by period of those that share one, which they are, and 1 or 0.

        The last, (period, feed), is of legs that have a workload to themselves: all of it while there is any.
        """
        owner = self.projection.drivers.legs["workload"].to_numpy()
        alone = np.bincount(owner)[owner[leg]] == 1
        whole = np.where(alone, self.projection.mix.point[:, leg] > 0, 1.0)
        shared = np.nonzero(~alone)[0]
        legs = np.nonzero(np.isin(owner, owner[leg[shared]]))[0]
        legs = legs[np.argsort(owner[legs], kind="stable")]
        if not len(legs):
            return lambda _: np.empty((0, len(which))), shared, whole
        begin = np.nonzero(np.diff(owner[legs], prepend=-1))[0]
        of_owner = np.repeat(np.arange(len(begin)), np.diff(np.append(begin, len(legs))))
        at = np.zeros(len(owner), dtype=np.intp)
        at[legs] = np.arange(len(legs))
        mine, odds = at[leg[shared]], ratio_steps(self.projection.mix, which, legs)

        def share(t: int) -> FloatArray:
            now = odds(t)
            total = np.add.reduceat(now, begin, axis=0)
            total[total <= 0] = 1.0
            return np.asarray((now / total[of_owner])[mine])

        return share, shared, whole
