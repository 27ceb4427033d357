"""Levers on machines of one's own. Comes in: hours, utilisation, prices. Goes out: fewer GPU hours, or cheaper ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from forecast import ranges
from forecast.errors import ScenarioError
from forecast.panel import FloatArray
from forecast.ranges import Uncertain
from forecast.shown import short_repr
from scenarios.changes.base import checked, told
from scenarios.changes.flows import Flows
from scenarios.changes.levers import GPU, Lever, not_above_zero, share_of, volume_of
from scenarios.changes.scene import Scene, by_path, part


@dataclass(frozen=True, slots=True)
class Compress(Lever):
    """A compressed, quantised or distilled model: GPU hours · (1 + by).

    Parameters
    ----------
    by : number, between(low, high) or frozen scipy distribution
        Relative change of GPU hours for the same requests: -0.4 is 40 % fewer.
    model, where, on, ramp, quality, setup, running, name
        As of :class:`scenarios.changes.levers.Lever`.
    """

    __repr__ = short_repr

    by: Uncertain

    def _check(self) -> None:
        checked(self, "by", "relative")
        not_above_zero(self, "by", self.by, "adds GPU hours")

    def describe(self) -> str:
        """In plain words."""
        return self._told(f"GPU hours{{of}} change by {told(self.by, 'relative')} as the model is compressed")

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Take fewer hours."""
        return self._scaled(flows, scene, GPU, self._drawn(scene, self.by, "relative", "by"))


@dataclass(frozen=True, slots=True)
class AutoScale(Lever):
    """Machines that come and go with demand: GPU hours · min(1, utilisation before / utilisation after).

    Parameters
    ----------
    before, after : number, between(low, high) or frozen scipy distribution
        Utilisation: the share of paid hours in which machines work. Where it does not rise, nothing changes.
    model, where, on, ramp, quality, setup, running, name
        As of :class:`scenarios.changes.levers.Lever`.
    """

    __repr__ = short_repr

    before: Uncertain
    after: Uncertain

    def _check(self) -> None:
        for name in ("before", "after"):
            checked(self, name, "share")
            if 0.0 in ranges.ends(getattr(self, name)):
                raise ScenarioError(f"AutoScale.{name} = 0: machines that never work serve no request")

    def describe(self) -> str:
        """In plain words."""
        return self._told(
            f"machines{{of}} scale with demand: utilisation from {told(self.before, 'share')} to "
            f"{told(self.after, 'share')}"
        )

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Take fewer hours."""
        before = self._drawn(scene, self.before, "share", "before")
        after = self._drawn(scene, self.after, "share", "after")
        return self._scaled(flows, scene, GPU, np.minimum(before / after, 1.0) - 1.0)


@dataclass(frozen=True, slots=True)
class Machines(Lever):
    """What :class:`RightSize` and :class:`Spot` share: a share of the hours becomes other hours at another price."""

    def _replaced(self, flows: Flows, scene: Scene, share: FloatArray, hours: FloatArray, price: FloatArray) -> Flows:
        """Let a share of the hours become ``hours`` times as many, at ``price`` times the price: all (draw,)."""
        acted = scene.units(flows, self._touched(flows, scene), GPU, what=type(self).__name__)
        come = self._come(scene)
        flows = self._judged(flows, scene, volume_of(flows, acted), come)
        if not share.any() or ((hours == 1.0) & (price == 1.0)).all():
            return flows
        stays, _ = part(share, come)
        flows, moved = flows.split(acted, stays, by_path(share * hours, come), {})
        return flows.repriced(moved, by_path(price))


@dataclass(frozen=True, slots=True)
class RightSize(Machines):
    """Machines of another size: GPU hours / throughput ratio, at the price · price ratio.

    Parameters
    ----------
    price_ratio, throughput_ratio : number, between(low, high) or frozen scipy distribution
        Price of an hour, and requests served in it, over those of today.
    model, where, on, ramp, quality, setup, running, name
        As of :class:`scenarios.changes.levers.Lever`.
    """

    __repr__ = short_repr

    price_ratio: Uncertain
    throughput_ratio: Uncertain

    def _check(self) -> None:
        checked(self, "price_ratio", "amount")
        checked(self, "throughput_ratio", "amount")
        if 0.0 in ranges.ends(self.throughput_ratio):
            raise ScenarioError("RightSize.throughput_ratio = 0: machines that serve nothing cannot take over")

    def describe(self) -> str:
        """In plain words."""
        return self._told(
            f"machines{{of}} are replaced by others at {told(self.price_ratio, 'amount')} times the price that serve "
            f"{told(self.throughput_ratio, 'amount')} times the requests"
        )

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Take other machines."""
        hours = 1.0 / self._drawn(scene, self.throughput_ratio, "amount", "throughput_ratio")
        price = self._drawn(scene, self.price_ratio, "amount", "price_ratio")
        return self._replaced(flows, scene, np.ones(len(hours)), hours, price)


@dataclass(frozen=True, slots=True)
class Spot(Machines):
    """Spare capacity that may be taken away: GPU hours · (1 + overhead), at the price · (1 - discount).

    Clouds sell it at up to 90 % less than on demand and reclaim it at short notice (https://aws.amazon.com/ec2/spot/),
    so it suits training and other work that can start again.

    Parameters
    ----------
    discount : number, between(low, high) or frozen scipy distribution
        Off the price of an hour.
    overhead : number, between(low, high) or frozen scipy distribution
        Hours worked again after interruptions, per hour of work: 0.08 is 8 %.
    share : number, between(low, high) or frozen scipy distribution
        Of the hours, those that run on it.
    model, where, on, ramp, quality, setup, running, name
        As of :class:`scenarios.changes.levers.Lever`.
    """

    __repr__ = short_repr

    discount: Uncertain
    overhead: Uncertain
    share: Uncertain = 1.0

    def _check(self) -> None:
        checked(self, "discount", "share")
        checked(self, "overhead", "amount")
        checked(self, "share", "share")

    def describe(self) -> str:
        """In plain words."""
        return self._told(
            f"{share_of(self.share, 'GPU hours')}{{of}} run on spare capacity at {told(self.discount, 'share')} "
            f"less, with {told(self.overhead, 'share')} of them worked again"
        )

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Run on spare capacity."""
        share = self._drawn(scene, self.share, "share", "share")
        hours = 1.0 + self._drawn(scene, self.overhead, "amount", "overhead")
        price = 1.0 - self._drawn(scene, self.discount, "share", "discount")
        return self._replaced(flows, scene, share, hours, price)
