"""Regions and data transfer. Comes in: where, at what price. Goes out: usage in another region; gigabytes moved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Final

import numpy as np

from forecast.errors import ScenarioError
from forecast.ranges import Uncertain
from forecast.shown import short_repr
from scenarios.changes.base import Stage, checked, told
from scenarios.changes.flows import GIGABYTES, Chains, Flows
from scenarios.changes.levers import Lever, known_as_money, of_unit, share_of
from scenarios.changes.matching import NothingMatchesError
from scenarios.changes.scene import Scene, by_path, part

#: Bytes of one gigabyte, as clouds bill transfer.
GB: Final = 1e9


@dataclass(frozen=True, slots=True)
class Region(Lever):
    """A share of the usage moves to another region, at its price · price ratio.

    Price books hold no prices by region, so the ratio is stated. What crosses the border is a :class:`DataTransfer`
    with ``where={"region": ...}``. What is in the region already stays, and so does usage known only as money.

    Parameters
    ----------
    to : str
        The region, as usage names it.
    price_ratio : number, between(low, high) or frozen scipy distribution
        Its prices over those paid today: 1.1 is 10 % dearer.
    share : number, between(low, high) or frozen scipy distribution
        Of the usage.
    model, where, on, ramp, quality, setup, running, name
        As of :class:`scenarios.changes.levers.Lever`.
    """

    __repr__ = short_repr

    stage: ClassVar[Stage] = "mix"

    to: str
    price_ratio: Uncertain
    share: Uncertain = 1.0

    def _check(self) -> None:
        if not isinstance(self.to, str) or not self.to.strip():
            raise ScenarioError(f"Region.to = {self.to!r}: wanted the name of a region, such as 'eu-west-1'")
        checked(self, "price_ratio", "amount")
        checked(self, "share", "share")

    def _apart(self) -> tuple[object, ...]:
        return (self.to,)

    def describe(self) -> str:
        """In plain words."""
        return self._told(
            f"{share_of(self.share, 'usage')}{{of}} moves to {self.to}, at {told(self.price_ratio, 'amount')} "
            "times the price"
        )

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Move usage."""
        rows = self._touched(flows, scene) & ~known_as_money(flows)
        if "region" in flows.labels:
            rows &= ~np.asarray(flows.labels["region"] == self.to)
        if not rows.any():
            raise NothingMatchesError(f"Region: all that it touches is in {self.to} already, or is known only as money")
        share = self._drawn(scene, self.share, "share", "share")
        if not share.any():
            return flows
        stays, goes = part(share, self._come(scene))
        flows, moved = flows.split(rows, stays, goes, {"region": self.to})
        billed = moved[~flows.volume[moved]]
        flows = flows.repriced(billed, by_path(self._drawn(scene, self.price_ratio, "amount", "price_ratio")))
        return self._judged(flows, scene, moved[flows.volume[moved]], None)


@dataclass(frozen=True, slots=True)
class DataTransfer(Lever):
    """What is paid for moving text: tokens · bytes a token / 10⁹ · price of a gigabyte.

    It is counted when every other lever has acted, in gigabytes of the same model. Its price is its own: no
    :class:`scenarios.PriceChange` moves it.

    Parameters
    ----------
    price : number, between(low, high) or frozen scipy distribution
        Money a gigabyte (10⁹ bytes).
    bytes_per_token : number, between(low, high) or frozen scipy distribution
        Bytes that cross for each token, with all that is sent around it.
    unit : str
        Glob: which tokens cross.
    model, where, on, ramp, quality, setup, running, name
        As of :class:`scenarios.changes.levers.Lever`; ``where={"region": "eu-west-1"}``: what a :class:`Region` moved.
    """

    __repr__ = short_repr

    stage: ClassVar[Stage] = "price"

    price: Uncertain
    bytes_per_token: Uncertain
    unit: str = "*_tokens"

    def _check(self) -> None:
        checked(self, "price", "amount")
        checked(self, "bytes_per_token", "amount")

    def _apart(self) -> tuple[object, ...]:
        return (self.unit,)

    def describe(self) -> str:
        """In plain words."""
        return self._told(
            f"moving {self.unit}{{of}} costs {told(self.price, 'amount')} a gigabyte, at "
            f"{told(self.bytes_per_token, 'amount')} bytes a token"
        )

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Count what is moved."""
        touched = self._touched(flows, scene)
        acted = of_unit(flows, touched & (flows.tokens | flows.volume), self.unit, scene, what="DataTransfer")
        price = self._drawn(scene, self.price, "amount", "price")
        size = self._drawn(scene, self.bytes_per_token, "amount", "bytes_per_token") / GB
        if not (price * size).any():
            return flows
        here = flows.taken(acted)
        plain = Chains(np.zeros(len(here), dtype=np.intp))
        moved = replace(here.labelled({"unit": GIGABYTES}), price=plain, moves=plain)
        every = np.arange(len(here), dtype=np.intp)
        moved = (
            moved.at_price(every, 1.0).times(every, by_path(size, self._come(scene))).repriced(every, by_path(price))
        )
        return flows.joined(moved)
