"""Shares of other costs: what is hidden. Comes in: a share and its base. Goes out: that part of the base's money."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import ClassVar, Final

import numpy as np

from forecast import ranges
from forecast.errors import PlanError, nearest
from forecast.panel import FloatArray
from forecast.ranges import Uncertain
from scenarios.changes import World
from scenarios.components.base import Context, Count, Months, Owned

TOKENS: Final = "tokens"
EVERYTHING: Final = "everything"


@dataclass(frozen=True, slots=True)
class ShareOf(Owned):
    """A line that grows with others, such as the hidden costs of running what usage needs.

    money = share · base, month by month and draw by draw; the share is drawn once a path. A month that the line covers
    in part has its part, by days.

    Parameters
    ----------
    name : str
    share : number, between(low, high) or frozen scipy distribution
        From 0 to 1.
    of : "tokens", "everything", or a sequence of names
        The base: usage at its prices; that and every other line; or the lines of some names, components' or those that
        the scenario's changes bring, with ``"tokens"`` among them if it counts too.
    where : mapping, optional
        Globs over columns of the usage, where the base is ``"tokens"`` alone.
    environment, department, project, cost_category, cost_center, gl_account, start, end, currency, stated_on
        As of :class:`scenarios.Fixed`.
    """

    KIND: ClassVar[str] = "ShareOf"

    share: Uncertain
    _: KW_ONLY
    of: str | tuple[str, ...] = TOKENS
    where: Mapping[str, str] = field(default_factory=dict)

    def check(self) -> None:
        """Check what the kind has of its own."""
        self.checked("share", "share")
        self.checked_where()
        listed = (self.of,) if isinstance(self.of, str) else tuple(self.of) if isinstance(self.of, Iterable) else ()
        if not listed or not all(isinstance(name, str) and name.strip() for name in listed):
            raise PlanError(f"{self.told}: of = {self.of!r}: wanted 'tokens', 'everything', or names of lines")
        if EVERYTHING in listed and len(listed) > 1:
            raise PlanError(f"{self.told}: 'everything' holds the other lines that of names; name it alone")
        if len(set(listed)) < len(listed):
            raise PlanError(f"{self.told}: of names a line twice")
        if self.name in listed:
            raise PlanError(f"{self.told}: is a share of itself")
        if self.where and listed != (TOKENS,):
            raise PlanError(f"{self.told}: where chooses usage; its base must be of = 'tokens'")
        object.__setattr__(self, "of", self.of if isinstance(self.of, str) else listed)

    @property
    def bases(self) -> tuple[str, ...]:
        """What it is a share of."""
        return (self.of,) if isinstance(self.of, str) else self.of

    def describe(self) -> str:
        """In plain words."""
        whose = "".join(f", {c} {p}" for c, p in self.where.items())
        return f"{self.name}: {ranges.shown(self.share, 'share')} of {', '.join(self.bases)}{whose}{self._dates()}"

    def needs(self) -> tuple[str, ...] | None:
        """The lines that must be known first; None: all others."""
        return None if EVERYTHING in self.bases else tuple(name for name in self.bases if name != TOKENS)

    def counts(self) -> tuple[Count, ...]:
        """The usage that it is a share of, where that is not all."""
        return (Count("cost", tuple(self.where.items()), what=f"{self.told}: where"),) if self.where else ()

    def money(self, world: World, months: Months, context: Context) -> FloatArray:
        """Money in each month: (draw, month)."""
        part = self.covered(months)
        share = self.draw(world, self.share, "share", "share")
        return np.asarray(share[:, None] * self._base(context) * part[None, :])

    def _base(self, context: Context) -> FloatArray:
        if self.where:
            return context.counted[self.counts()[0]].all
        if EVERYTHING in self.bases:
            return np.asarray(sum(context.lines.values(), start=context.tokens))
        base = np.zeros_like(context.tokens)
        for name in self.bases:
            if name != TOKENS and name not in context.lines:
                there = (TOKENS, *context.lines)
                raise PlanError(
                    f"{self.told}: there is no line {name!r} to be a share of; there are {', '.join(there)}"
                    f"{nearest(name, there)}"
                )
            base = base + (context.tokens if name == TOKENS else context.lines[name])
        return base
