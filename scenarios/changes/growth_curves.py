"""Growth by a curve: changes of volume. Comes in: a rate and a ceiling. Goes out: volume that follows the curve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, get_args

import numpy as np

from forecast import ranges
from forecast.errors import ScenarioError, one_of
from forecast.panel import FloatArray
from forecast.periods import MONTH_DAYS
from forecast.ranges import Between, Uncertain
from forecast.shown import short_repr
from scenarios.changes.base import Stage, Step, checked, checked_where, key_of, told, told_where
from scenarios.changes.flows import Flows, Term
from scenarios.changes.growth import Basis, checked_rate, curve, growing, grown, told_basis
from scenarios.changes.scene import Scene


@dataclass(frozen=True, slots=True)
class LinearGrowth:
    """Volume that grows by the same amount each month, at a rate drawn once a path.

    With g a month and t days since the as-of date the factor is ``max(0, 1 + g · t / 30.4375)``: g is a part of the
    level at the as-of date.

    Parameters
    ----------
    monthly : number, between(low, high) or frozen scipy distribution
        0.05 is 5 % of today's level each month. A range is normal on log(1 + g).
    where : mapping, optional
        Globs over workload columns; all workloads if absent.
    basis : {"total", "extra"}
        ``"total"`` stands in place of the forecast's own trend; ``"extra"`` multiplies what is forecast.
    per : str
        ``"all"``: one draw for all it touches; ``"workload"`` or a workload column: one draw each.
    name : str, optional
    """

    __repr__ = short_repr

    stage: ClassVar[Stage] = "volume"
    step: ClassVar[Step] = "volume"
    drawn: ClassVar[Mapping[str, str]] = {"monthly": "rate"}

    monthly: Uncertain
    where: Mapping[str, str] = field(default_factory=dict)
    basis: Basis = "total"
    per: str = "all"
    name: str | None = None

    def __post_init__(self) -> None:
        """Check rate and basis."""
        checked_rate(self, "monthly")
        checked_where(self)
        one_of("LinearGrowth.basis", self.basis, get_args(Basis), ScenarioError)

    @property
    def key(self) -> str:
        """Names the random numbers."""
        return key_of("linear_growth", self.name, self.basis, self.where)

    def describe(self) -> str:
        """In plain words."""
        return (
            f"volume of {told_where(self.where)} grows by {told(self.monthly, 'relative')} of today's level each month "
            f"{told_basis(self.basis)}"
        )

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Let volume grow."""
        elapsed = scene.clock.elapsed

        def factor(group: str) -> Term:
            rate = scene.draw(self.key, self.monthly, "relative", "rate", group) / MONTH_DAYS
            return curve(lambda draws: np.maximum(1.0 + rate[draws][:, None] * elapsed[None, :], 0.0))

        if self.basis == "extra" and self.monthly == 0:
            growing(flows, scene, self.where, what="LinearGrowth", basis=self.basis)
            return flows
        return grown(flows, scene, factor, where=self.where, basis=self.basis, per=self.per, what="LinearGrowth")


@dataclass(frozen=True, slots=True)
class LogisticGrowth:
    """Volume that grows fast at first and levels off below a ceiling (Verhulst's curve).

    With y the volume over its level at the as-of date and K the ceiling, ``y' = r · y · (1 - y / K)`` and y(0) = 1, so
    ``y(t) = K / (1 + (K - 1) · exp(-r · t))``. The growth g of the first moment, told as a compound rate a month, sets
    r: ``r · (1 - 1 / K) = ln(1 + g) / 30.4375``.

    Parameters
    ----------
    monthly : number, between(low, high) or frozen scipy distribution
        Growth a month at the as-of date, above 0. A range is normal on log(1 + g).
    ceiling : number, between(low, high) or frozen scipy distribution
        As a multiple of the level at the as-of date, above 1. A range is log-normal in what it lies above 1.
    where, basis, per, name
        As in :class:`LinearGrowth`.
    """

    __repr__ = short_repr

    stage: ClassVar[Stage] = "volume"
    step: ClassVar[Step] = "volume"
    drawn: ClassVar[Mapping[str, str]] = {"monthly": "rate"}

    monthly: Uncertain
    ceiling: Uncertain
    where: Mapping[str, str] = field(default_factory=dict)
    basis: Basis = "total"
    per: str = "all"
    name: str | None = None

    def __post_init__(self) -> None:
        """Check rate, ceiling and basis."""
        checked_rate(self, "monthly")
        if ranges.highest(self.monthly) < 0:
            raise ScenarioError(
                f"LogisticGrowth.monthly = {told(self.monthly, 'relative')}: what shrinks has no ceiling; use "
                "Growth or LinearGrowth"
            )
        checked(self, "ceiling", "amount")
        if ranges.least(self.ceiling) <= 1:
            raise ScenarioError(
                f"LogisticGrowth.ceiling = {told(self.ceiling, 'amount')}: wanted a multiple of today's level, above 1"
            )
        checked_where(self)
        one_of("LogisticGrowth.basis", self.basis, get_args(Basis), ScenarioError)

    @property
    def key(self) -> str:
        """Names the random numbers."""
        return key_of("logistic_growth", self.name, self.basis, self.where)

    def describe(self) -> str:
        """In plain words."""
        return (
            f"volume of {told_where(self.where)} grows by {told(self.monthly, 'relative')} a month at first and levels "
            f"off at {told(self.ceiling, 'amount')} times today's level {told_basis(self.basis)}"
        )

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Let volume grow."""
        elapsed = scene.clock.elapsed

        def factor(group: str) -> Term:
            ceiling = drawn_above(scene, self.key, self.ceiling, 1.0, "ceiling", group, what="LogisticGrowth.ceiling")
            first = np.log1p(scene.draw(self.key, self.monthly, "relative", "rate", group)) / MONTH_DAYS
            rate = first / (1.0 - 1.0 / ceiling)

            def value(draws: np.ndarray) -> FloatArray:
                top = ceiling[draws][:, None]
                return np.asarray(top / (1.0 + (top - 1.0) * np.exp(-rate[draws][:, None] * elapsed[None, :])))

            return curve(value)

        if self.basis == "extra" and self.monthly == 0:
            growing(flows, scene, self.where, what="LogisticGrowth", basis=self.basis)
            return flows
        return grown(flows, scene, factor, where=self.where, basis=self.basis, per=self.per, what="LogisticGrowth")


def drawn_above(
    scene: Scene, key: str, value: Uncertain, floor: float, parameter: str, group: str = "all", *, what: str
) -> FloatArray:
    """One value a draw of a number that lies above a floor: (draw,). A range is log-normal in what lies above it.

    Raises
    ------
    ScenarioError
        A distribution gives a value at or below the floor.
    """
    if isinstance(value, Between):
        excess = Between(value.low - floor, value.high - floor)
        return floor + scene.draw(key, excess, "amount", parameter, group)
    drawn = scene.draw(key, value, "amount", parameter, group)
    if (drawn <= floor).any():
        raise ScenarioError(f"{what} = {value!r}: gives {drawn.min():g}; wanted values above {floor:g}")
    return drawn
