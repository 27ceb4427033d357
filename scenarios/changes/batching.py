"""Batching. Comes in: the share of requests that can wait. Goes out: those requests at the price of waiting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from forecast.errors import ScenarioError
from forecast.panel import BoolArray
from forecast.ranges import Uncertain
from forecast.shown import short_repr
from scenarios.changes.base import Stage, checked, told
from scenarios.changes.flows import Flows, Term
from scenarios.changes.levers import Lever, known_as_money, share_of
from scenarios.changes.matching import NothingMatchesError
from scenarios.changes.scene import Scene, by_path, part


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting(Term):
    """The factor on the price of what waits at a stated discount: what has it does not wait twice."""


@dataclass(frozen=True, slots=True)
class Batch(Lever):
    """Requests that can wait are sent in batches.

    A share of the requests of the standard tier moves to the tier ``batch`` and pays the price book's price of it (half
    at OpenAI, Anthropic and Google). With ``discount`` it stays in its tier and pays (1 - discount) of that price, for
    models that the book has no price of batches for. Usage known only as money stays as it is.

    Parameters
    ----------
    share : number, between(low, high) or frozen scipy distribution
        Of the requests, those that can wait.
    discount : number, between(low, high) or frozen scipy distribution
        Off the standard price, in place of the price book's.
    model, where, on, ramp, quality, setup, running, name
        As of :class:`scenarios.changes.levers.Lever`.
    """

    __repr__ = short_repr

    stage: ClassVar[Stage] = "mix"

    share: Uncertain
    discount: Uncertain | None = None

    def _check(self) -> None:
        checked(self, "share", "share")
        checked(self, "discount", "share")

    def describe(self) -> str:
        """In plain words."""
        off = "the batch price" if self.discount is None else f"{told(self.discount, 'share')} less than the price"
        return self._told(f"{share_of(self.share, 'requests')}{{of}} can wait and pay {off}")

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Let some requests wait."""
        rows = self._touched(flows, scene) & ~known_as_money(flows) & ~_waits(flows)
        if not rows.any():
            raise NothingMatchesError(
                "Batch: nothing that it touches is of the standard tier, so nothing can move to batches"
            )
        billed = rows & ~flows.volume
        if self.discount is None:
            if np.isfinite(flows.quoted[billed]).any():
                raise ScenarioError(
                    "Batch: some prices are stated by a change, which says none of batches; give discount="
                )
            scene.require_price(flows.labels[billed].assign(service_tier="batch"), what="Batch without discount=")
        share = self._drawn(scene, self.share, "share", "share")
        if not share.any():
            return flows
        stays, goes = part(share, self._come(scene))
        flows, moved = flows.split(rows, stays, goes, {} if self.discount is not None else {"service_tier": "batch"})
        if self.discount is not None:
            paid = by_path(1.0 - self._drawn(scene, self.discount, "share", "discount"))
            flows = flows.repriced(moved, _Waiting(paid.value, paid.parts))
        return self._judged(flows, scene, moved[flows.volume[moved]], None)


def _waits(flows: Flows) -> BoolArray:
    """Flows that are of another tier than the standard one, or wait at a stated discount: (flow,)."""
    discounted = [any(isinstance(term, _Waiting) for term in chain) for chain in flows.price.known]
    waits = np.array(discounted, dtype=bool)[flows.price.code]
    if "service_tier" in flows.labels:
        waits |= ~np.asarray(flows.labels["service_tier"].fillna("standard") == "standard")
    return waits
