"""The random numbers of a plan's draws. Comes in: a seed and names. Goes out: one number a draw, named by meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from forecast.panel import FloatArray
from forecast.shown import short_repr
from forecast.streams import stratified


class Tie(Protocol):
    """What makes a parameter depend on others."""

    def uniform(self, world: World, key: tuple[str, ...]) -> FloatArray | None:
        """The parameter's numbers (draw,), or None where this tie says nothing of it."""
        ...


@dataclass(frozen=True, slots=True)
class World:
    """The uniform numbers of a plan's draws, keyed by meaning: the same in every scenario with the same seed.

    Attributes
    ----------
    draws, seed : int
    ties : tuple of Tie
        What makes parameters depend on each other; none, and each is drawn on its own.
    """

    __repr__ = short_repr

    draws: int
    seed: int
    ties: tuple[Tie, ...] = ()

    def alone(self, *key: str) -> FloatArray:
        """The same, whatever the parameter is tied to: (draw,)."""
        return stratified(self.seed, self.draws, "scenario", *key)

    def uniform(self, *key: str) -> FloatArray:
        """One stratified uniform number a draw for the parameter that ``key`` names: (draw,)."""
        for tie in self.ties:
            tied = tie.uniform(self, key)
            if tied is not None:
                return tied
        return self.alone(*key)
