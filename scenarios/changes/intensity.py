"""Levers on tokens a request. Comes in: by how much. Goes out: shorter or longer prompts and answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Final

import numpy as np

from forecast import ranges, schema
from forecast.errors import ScenarioError
from forecast.panel import FloatArray
from forecast.ranges import Uncertain
from forecast.shown import short_repr
from scenarios.changes.base import MOST_RISE, Step, checked, told
from scenarios.changes.flows import AVOIDED, Chains, Flows, Scope, Term
from scenarios.changes.levers import (
    OUTPUT,
    PROMPT,
    Lever,
    not_above_zero,
    of_unit,
    same_leg,
    share_of,
    volume_of,
)
from scenarios.changes.scene import Scene, by_draw, by_path, constant

#: Every unit that counts tokens of text.
TEXT: Final = (*PROMPT, *OUTPUT, "total_tokens")


@dataclass(frozen=True, slots=True)
class Intensity(Lever):
    """Another number of units a request: of tokens, GPU hours, images.

    With a(t) as far as it has come, quantity' = quantity · (1 + a · by), or (1 - a) · quantity + a · to · requests.

    Parameters
    ----------
    unit : str
        Glob: ``"output_tokens"``, ``"*_tokens"``.
    by : number, between(low, high) or frozen scipy distribution
        Relative to what is forecast: -0.2 is a fifth less. A range is normal on log(1 + by).
    to : number, between(low, high) or frozen scipy distribution
        Units a request in place of ``by``, of one unit, where volume is counted in requests. Requests count where they
        are answered: a level at the target of a :class:`scenarios.Route` holds nothing of attempts that failed.
    model, where, on, ramp, quality, setup, running, name
        As of :class:`scenarios.changes.levers.Lever`.
    """

    __repr__ = short_repr

    step: ClassVar[Step] = "intensity"

    unit: str
    by: Uncertain | None = None
    to: Uncertain | None = None

    def _check(self) -> None:
        if (self.by is None) == (self.to is None):
            raise ScenarioError("Intensity: give the size either as by= (relative) or as to= (units a request)")
        checked(self, "by", "relative", most=MOST_RISE)
        checked(self, "to", "amount")

    def _apart(self) -> tuple[object, ...]:
        return (self.unit,)

    def describe(self) -> str:
        """In plain words."""
        if self.by is not None:
            return self._told(f"{self.unit} a request{{of}} change by {told(self.by, 'relative')}")
        assert self.to is not None
        return self._told(f"{self.unit} a request{{of}} become {told(self.to, 'amount')}")

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Let requests use more or less."""
        acted = of_unit(flows, self._touched(flows, scene), self.unit, scene, what="Intensity")
        come = self._come(scene)
        flows = self._judged(flows, scene, volume_of(flows, acted), come)
        if self.by is not None:
            by = self._drawn(scene, self.by, "relative", "by")
            return flows.times(acted, by_draw(by, come)) if by.any() else flows
        assert self.to is not None
        level = by_path(self._drawn(scene, self.to, "amount", "to"), come)
        return _at_level(flows, np.nonzero(acted)[0].astype(np.intp), level, 1.0 - come)


def _at_level(flows: Flows, acted: np.ndarray, level: Term, stays: FloatArray) -> Flows:
    """Feed a unit from the volume of its requests, in place of what is forecast of it."""
    units = sorted(set(flows.labels.loc[acted, "unit"]))
    if len(units) > 1:
        raise ScenarioError(f"Intensity.to: {' and '.join(units)} match; say of which one it is the level")
    counted = flows.labels.loc[acted, "volume_unit"]
    if (counted != schema.REQUESTS).any():
        raise ScenarioError("Intensity.to: some of what it touches has no requests to count; give the size as by=")
    leg = same_leg(flows)
    volume = np.nonzero(flows.volume & np.isin(leg, leg[acted]))[0]
    first: dict[int, int] = {}
    for row in map(int, acted):
        like = first.setdefault(int(leg[row]), row)
        same = flows.price.code[like] == flows.price.code[row] and flows.moves.code[like] == flows.moves.code[row]
        if not same or not np.array_equal(flows.quoted[like], flows.quoted[row], equal_nan=True):
            raise ScenarioError(
                f"Intensity.to: {units[0]} of {flows.labels['model'][row]} are billed at two prices, so a level does "
                "not say at which; give the size as by="
            )
    pattern = np.array([first[int(leg[row])] for row in volume], dtype=np.intp)
    fed = replace(
        flows.taken(volume).labelled({"unit": units[0]}),
        price=flows.price.taken(pattern),
        quality=Chains(np.zeros(len(volume), dtype=np.intp)),
        moves=flows.moves.taken(pattern),
        quoted=flows.quoted[pattern],
    )
    every = np.arange(len(volume), dtype=np.intp)
    return flows.times(acted, constant(stays)).joined(fed.times(every, level))


@dataclass(frozen=True, slots=True)
class PromptTrim(Lever):
    """Shorter prompts, trimmed context: input tokens · (1 + by), cached ones alike.

    Parameters
    ----------
    by : number, between(low, high) or frozen scipy distribution
        Relative change of input a request: -0.3 is 30 % less.
    model, where, on, ramp, quality, setup, running, name
        As of :class:`scenarios.changes.levers.Lever`.
    """

    __repr__ = short_repr

    by: Uncertain

    def _check(self) -> None:
        checked(self, "by", "relative")
        not_above_zero(self, "by", self.by, "lengthens prompts")

    def describe(self) -> str:
        """In plain words."""
        return self._told(f"prompts{{of}} change by {told(self.by, 'relative')}")

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Shorten prompts."""
        return self._scaled(flows, scene, PROMPT, self._drawn(scene, self.by, "relative", "by"))


@dataclass(frozen=True, slots=True)
class OutputCap(Lever):
    """A cap on answers: output tokens · (1 + by).

    A cap cuts the longest answers; what it takes from the mean depends on their spread, so it is stated.

    Parameters
    ----------
    by : number, between(low, high) or frozen scipy distribution
        Relative change of the mean output a request: -0.3 is 30 % less.
    model, where, on, ramp, quality, setup, running, name
        As of :class:`scenarios.changes.levers.Lever`.
    """

    __repr__ = short_repr

    by: Uncertain

    def _check(self) -> None:
        checked(self, "by", "relative")
        not_above_zero(self, "by", self.by, "lengthens answers")

    def describe(self) -> str:
        """In plain words."""
        return self._told(f"answers{{of}} are capped and change by {told(self.by, 'relative')}")

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Shorten answers."""
        return self._scaled(flows, scene, OUTPUT, self._drawn(scene, self.by, "relative", "by"))


@dataclass(frozen=True, slots=True)
class ResponseFilter(OutputCap):
    """Answers with only what is asked for, such as fields of a schema: output tokens · (1 + by).

    Parameters
    ----------
    by : number, between(low, high) or frozen scipy distribution
        Relative change of output a request: -0.3 is 30 % less.
    model, where, on, ramp, quality, setup, running, name
        As of :class:`scenarios.changes.levers.Lever`.
    """

    __repr__ = short_repr

    def describe(self) -> str:
        """In plain words."""
        return self._told(f"answers{{of}} hold only what is asked for and change by {told(self.by, 'relative')}")


@dataclass(frozen=True, slots=True)
class Tokenizer(Lever):
    """The same text in another number of tokens: every unit of text tokens · (1 + by).

    Parameters
    ----------
    by : number, between(low, high) or frozen scipy distribution
        Relative change of tokens: 0.35 is 35 % more for the same text.
    model, where, on, ramp, quality, setup, running, name
        As of :class:`scenarios.changes.levers.Lever`.
    """

    __repr__ = short_repr

    step: ClassVar[Step] = "intensity"

    by: Uncertain

    def _check(self) -> None:
        checked(self, "by", "relative", most=MOST_RISE)

    def describe(self) -> str:
        """In plain words."""
        return self._told(f"tokens for the same text{{of}} change by {told(self.by, 'relative')}")

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Count the same text anew."""
        return self._scaled(flows, scene, TEXT, self._drawn(scene, self.by, "relative", "by"))


@dataclass(frozen=True, slots=True)
class Pack(Lever):
    """Several items in one request: the prompt that they share is paid once.

    Of k items, and a share s of a request's input that all share, requests fall to 1/k and input to
    s/k + (1 - s) = 1 - s · (1 - 1/k); output stays.

    Parameters
    ----------
    items : number, between(low, high) or frozen scipy distribution
        Items a request, 1 or more.
    shared : number, between(low, high) or frozen scipy distribution
        The share of a request's input that all items share.
    share : number, between(low, high) or frozen scipy distribution
        Of the requests that are packed.
    model, where, on, ramp, quality, setup, running, name
        As of :class:`scenarios.changes.levers.Lever`.
    """

    __repr__ = short_repr

    items: Uncertain
    shared: Uncertain
    share: Uncertain = 1.0

    def _check(self) -> None:
        checked(self, "items", "amount")
        checked(self, "shared", "share")
        checked(self, "share", "share")
        for end in ranges.ends(self.items):
            if end < 1:
                raise ScenarioError(f"Pack.items = {end:g}: a request holds 1 item or more")

    def describe(self) -> str:
        """In plain words."""
        return self._told(
            f"{share_of(self.share, 'requests')}{{of}} hold {told(self.items, 'amount')} items each, which share "
            f"{told(self.shared, 'share')} of their input"
        )

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Pack items."""
        items = np.maximum(self._drawn(scene, self.items, "amount", "items"), 1.0)
        packed = self._drawn(scene, self.share, "share", "share")
        saved = packed * (1.0 - 1.0 / items)
        acted = scene.units(flows, self._touched(flows, scene), PROMPT, what="Pack")
        if not saved.any():
            return flows
        come = self._come(scene)
        rows = np.nonzero(volume_of(flows, acted))[0].astype(np.intp)
        shared = self._drawn(scene, self.shared, "share", "shared")
        flows = flows.times(acted, by_draw(-saved * shared, come))
        kept = by_draw(-saved, come)
        flows, gone = flows.split(rows, kept, by_path(saved, come), {"provider": None, "model": AVOIDED})
        flows = self._judged(flows, scene, gone, None)
        return self._judged_in_part(flows, scene, rows, kept, by_path(packed / items, come))

    def _judged_in_part(self, flows: Flows, scene: Scene, rows: np.ndarray, kept: Term, packed: Term) -> Flows:
        """Of the requests that are kept, take the loss from those that are packed."""
        if self.quality == 0.0:
            return flows
        loss = self._lost(scene)

        def value(scope: Scope) -> FloatArray:
            return np.asarray(1.0 - loss[scope.draws][:, None] * packed.value(scope) / kept.value(scope))

        return flows.judged(rows, Term(value))
