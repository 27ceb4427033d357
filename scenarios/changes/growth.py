"""Growth: a change of volume. Comes in: a rate a month or year. Goes out: volume that grows at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, get_args

import numpy as np

from forecast.errors import ScenarioError, one_of
from forecast.panel import BoolArray, FloatArray
from forecast.periods import MONTH_DAYS
from forecast.ranges import Uncertain
from forecast.shown import short_repr
from scenarios.changes.base import Stage, Step, checked, checked_where, key_of, told, told_where
from scenarios.changes.flows import CONSTANT, Flows, Scope, Term
from scenarios.changes.grouping import grouped
from scenarios.changes.matching import matching
from scenarios.changes.scene import Scene, constant

Basis = Literal["total", "extra"]
#: A rate above this is taken for percent written as a number.
MOST = {"monthly": 1.0, "yearly": 20.0}


@dataclass(frozen=True, slots=True)
class Growth:
    """Compound growth of volume from the as-of date, at a rate drawn once a path.

    With g a month and t days since the as-of date the factor is ``(1 + g) ** (t / 30.4375)``. ``basis="total"`` states
    the whole growth: it takes out the forecast's own trend and that trend's uncertainty, and keeps season and noise.
    ``basis="extra"`` multiplies what is forecast.

    Parameters
    ----------
    monthly, yearly : number, between(low, high) or frozen scipy distribution
        One of the two; 0.05 is 5 %. A range is normal on log(1 + g).
    where : mapping, optional
        Globs over workload columns: ``{"project": "search*", "environment": "production"}``. All workloads if absent.
    basis : {"total", "extra"}
    per : str
        ``"all"``: one draw for all it touches; ``"workload"`` or a workload column: one draw each.
    name : str, optional
        Tells two growths on the same workloads apart, and names their random numbers.
    """

    __repr__ = short_repr

    stage: ClassVar[Stage] = "volume"
    step: ClassVar[Step] = "volume"
    drawn: ClassVar[Mapping[str, str]] = {"monthly": "rate", "yearly": "rate"}

    monthly: Uncertain | None = None
    yearly: Uncertain | None = None
    where: Mapping[str, str] = field(default_factory=dict)
    basis: Basis = "total"
    per: str = "all"
    name: str | None = None

    def __post_init__(self) -> None:
        """Check the rate."""
        if (self.monthly is None) == (self.yearly is None):
            raise ScenarioError("Growth: give the rate either as monthly= or as yearly=")
        which = "monthly" if self.monthly is not None else "yearly"
        checked_rate(self, which, which)
        checked_where(self)
        one_of("Growth.basis", self.basis, get_args(Basis), ScenarioError)

    @property
    def key(self) -> str:
        """Names the random numbers."""
        return key_of("growth", self.name, self.basis, self.where)

    def describe(self) -> str:
        """In plain words."""
        rate, unit = (self.monthly, "month") if self.monthly is not None else (self.yearly, "year")
        assert rate is not None
        return f"volume of {told_where(self.where)} grows by {told(rate, 'relative')} a {unit} {told_basis(self.basis)}"

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Let volume grow."""
        elapsed = scene.clock.elapsed

        def factor(group: str) -> Term:
            rate = self.rate(scene, group)
            if np.ptp(rate) == 0.0:
                return constant(np.exp(rate[0] * elapsed))
            return curve(lambda draws: exponentials(rate[draws], elapsed))

        if self.basis == "extra" and 0.0 in (self.monthly, self.yearly):
            growing(flows, scene, self.where, what="Growth", basis=self.basis)
            return flows
        return grown(flows, scene, factor, where=self.where, basis=self.basis, per=self.per, what="Growth")

    def rate(self, scene: Scene, group: str = "all") -> FloatArray:
        """The log growth a day in each draw: (draw,)."""
        if self.monthly is not None:
            return np.log1p(scene.draw(self.key, self.monthly, "relative", "rate", group)) / MONTH_DAYS
        assert self.yearly is not None
        return np.log1p(scene.draw(self.key, self.yearly, "relative", "rate", group)) / (12 * MONTH_DAYS)


def exponentials(rate: FloatArray, elapsed: FloatArray) -> FloatArray:
    """exp(rate · elapsed): (n, period).

    Of periods at equal distances, what is known is multiplied up to twice as many again and again: a tenth of the time
    of as many exponentials, and off by about log2 of the periods, times the rounding of one product.
    """
    steps = np.diff(elapsed)
    if len(elapsed) < 8 or (steps != steps[0]).any():
        return np.asarray(np.exp(rate[:, None] * elapsed[None, :]))
    out = np.empty((len(rate), len(elapsed)))
    out[:, 0] = np.exp(rate * elapsed[0])
    known = 1
    while known < len(elapsed):
        more = min(known, len(elapsed) - known)
        np.multiply(out[:, :more], np.exp(rate * (known * steps[0]))[:, None], out=out[:, known : known + more])
        known += more
    return out


def growing(flows: Flows, scene: Scene, where: Mapping[str, str], *, what: str, basis: Basis = "extra") -> BoolArray:
    """Flows of the workloads that globs over workload columns choose: (flow,).

    A total growth acts on what is forecast: what another change adds states its own.

    Raises
    ------
    ScenarioError
        Nothing is chosen, or nothing that is forecast.
    """
    own = [c for c in scene.projection.workloads.columns if c in flows.labels]
    rows = matching(flows.labels[own], where, what=f"{what}.where", error="the workloads")
    if basis == "extra":
        return rows
    forecast: BoolArray = np.asarray(rows & (flows.source != CONSTANT))
    if not forecast.any():
        raise ScenarioError(
            f"{what}: what it acts on is added by another change, which states its whole volume: say its growth there, "
            "or make this one basis='extra'"
        )
    return forecast


def in_place_of_trend(flows: Flows, rows: BoolArray, scene: Scene, *, what: str) -> Flows:
    """Take out the forecast's trend where a total growth stands in its place.

    Raises
    ------
    ScenarioError
        Another total growth did so before.
    """
    twice = rows & flows.replaced
    if twice.any():
        row = flows.labels[twice].iloc[0]
        name = ", ".join(f"{c}={row[c]}" for c in scene.projection.spec.by)
        raise ScenarioError(
            f"{what}: two total growths meet on the workload {name}: a workload has one total growth; "
            "narrow one of them with where=, or make it basis='extra'"
        )
    return flows.without_trend(rows)


def grown(
    flows: Flows,
    scene: Scene,
    factor: Callable[[str], Term],
    *,
    where: Mapping[str, str],
    basis: Basis,
    per: str,
    what: str,
) -> Flows:
    """Multiply the volume of some workloads by a curve: one ``factor(group)`` for each group of ``per``.

    A total growth stands in place of the forecast's own trend.
    """
    rows = growing(flows, scene, where, what=what, basis=basis)
    if basis == "total":
        flows = in_place_of_trend(flows, rows, scene, what=what)
    for name, mine in grouped(flows, rows, per, scene, what=what):
        flows = flows.times(mine, factor(name))
    return flows


def curve(value: Callable[[np.ndarray], FloatArray]) -> Term:
    """A factor that is known from the draws' numbers alone: ``value`` (n,) → (n, period)."""

    def of(scope: Scope) -> FloatArray:
        return np.asarray(value(scope.draws))

    return Term(of)


def checked_rate(change: object, name: str, unit: str = "monthly") -> None:
    """Check a field that holds a growth rate, and refuse percent written as a number."""
    checked(change, name, "relative", most=MOST[unit])


def told_basis(basis: Basis) -> str:
    """In words, what a growth stands beside."""
    return "in all, in place of the forecast's own trend" if basis == "total" else "on top of the forecast's trend"
