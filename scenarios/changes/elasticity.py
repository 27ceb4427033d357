"""Elasticity: volume that answers to price. Comes in: an elasticity. Goes out: volume times its price index to -e."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, cast

import numpy as np

from forecast import ranges
from forecast.errors import ScenarioError
from forecast.panel import BoolArray, FloatArray, IntArray
from forecast.projection import Projection
from forecast.ranges import Uncertain
from forecast.shown import short_repr
from scenarios.changes.base import Stage, Step, checked, checked_where, key_of, told_where
from scenarios.changes.flows import CONSTANT, Flows, Path, PriceMove, Scope, Term
from scenarios.changes.growth import growing
from scenarios.changes.price_path import seen_by
from scenarios.changes.scene import Scene


@dataclass(frozen=True, slots=True)
class Elasticity:
    """Volume of a workload answers to its prices: dearer tokens, fewer requests.

    volume · index ** -e, where the index of a workload on a day is what its usage costs at the scenario's prices over
    what the same usage costs at the price book's:

        index[d,t] = Σ_f w[f,d,t] · r[f,d,t] / Σ_f w[f,d,t]

    r is the price of a flow over the book's; w what it costs at the book's price, with the point forecast's quantities
    and what the scenario's levers make of them. Prices that do not change leave volume as it is, bit for bit in value.

    Parameters
    ----------
    elasticity : number, between(low, high) or frozen scipy distribution
        e, from 0 up, drawn once a path: of 0.3, prices 10 % higher take 1 - 1.1 ** -0.3 = 2.8 % off. 0 says nothing.
    where : mapping, optional
        Globs over workload columns: ``{"project": "search*"}``. All workloads if absent.
    name : str, optional
        Tells two elasticities apart, and names their random numbers.
    """

    __repr__ = short_repr

    stage: ClassVar[Stage] = "response"
    step: ClassVar[Step] = "volume"

    elasticity: Uncertain = 0.0
    where: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None

    def __post_init__(self) -> None:
        """Check the elasticity."""
        checked(self, "elasticity", "amount")
        checked_where(self)

    @property
    def key(self) -> str:
        """Names the random numbers."""
        return key_of("elasticity", self.name, self.where)

    def describe(self) -> str:
        """In plain words."""
        if self.elasticity == 0.0:
            return f"volume of {told_where(self.where)} does not answer to prices (elasticity 0)"
        return (
            f"volume of {told_where(self.where)} answers to its prices with an elasticity of "
            f"{ranges.shown(self.elasticity, 'amount')}"
        )

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Let volume answer."""
        rows = growing(flows, scene, self.where, what="Elasticity")
        moved = np.array([bool(flows.moves.of(row) or flows.price.of(row)) for row in range(len(flows))])
        if self.elasticity == 0.0 or not (rows & moved).any():
            return flows
        power = scene.draw(self.key, self.elasticity, "amount", "elasticity")
        indices = _Indices(flows, scene)
        workload = flows.labels["workload"].to_numpy()
        for one in np.unique(workload[rows & moved]):
            mine: BoolArray = rows & (workload == one)
            flows = flows.times(mine, _answer(indices.of(np.nonzero(mine)[0]), power, str(one)))
        return flows


def _answer(index: Term, power: FloatArray, workload: str) -> Term:
    """Volume's factor: index ** -e."""

    def value(scope: Scope) -> FloatArray:
        level = scope.term(index)
        if (level <= 0).any():
            raise ScenarioError(
                f"Elasticity: the prices of workload number {workload} fall to nothing on some day, where an "
                "elasticity says nothing; leave the workload out with where="
            )
        return np.asarray(np.exp(-power[scope.draws][:, None] * np.log(level)))

    return Term(value)


class _Indices:
    """Price indices of workloads; what flows share is worked out once a block of draws."""

    def __init__(self, flows: Flows, scene: Scene) -> None:
        self.flows = flows
        self.book = np.nan_to_num(scene.book(flows))
        self.per = scene.per(flows.labels)
        self.weight = self.book * _point(scene.projection, flows)
        self._ratios: dict[tuple[object, ...], Term] = {}
        self._products: dict[int, Term | None] = {}

    def of(self, rows: IntArray) -> Term:
        """The price index of some flows: (n, period)."""
        cost: dict[tuple[Term | None, Term | None], FloatArray] = {}
        for row in rows[self.weight[:, rows].any(axis=0)]:
            key = (self._ratio(int(row)), self._product(int(row)))
            cost[key] = cost.get(key, np.zeros(len(self.weight))) + self.weight[:, row]
        one = len({product for _, product in cost}) == 1  # what multiplies all of them cancels

        def value(scope: Scope) -> FloatArray:
            over, under = np.zeros((len(scope.draws), len(self.weight))), np.zeros((1, len(self.weight)))
            for (ratio, product), weight in cost.items():
                part = weight[None, :] if one or product is None else weight * scope.term(product)
                under = under + part
                over += part if ratio is None else part * scope.term(ratio)
            return np.asarray(np.where(under > 0, over / np.where(under > 0, under, 1.0), 1.0))

        return Term(value)

    def _ratio(self, row: int) -> Term | None:
        """A flow's price over the book's: (n, period); None where nothing moves it."""
        moves = cast("tuple[PriceMove, ...]", self.flows.moves.of(row))
        terms = cast("Path", self.flows.price.of(row))
        if not moves and not terms:
            return None
        shapes, pers = seen_by(moves, self.book[:, [row]], self.per[[row]])
        shape, per = shapes[:, 0], float(pers[0])
        key = (*map(id, moves), "|", *map(id, terms), shape.tobytes() if moves else b"", per)
        if key not in self._ratios:

            def value(scope: Scope) -> FloatArray:
                ratio = np.ones((len(scope.draws), len(shape)))
                for move in moves:
                    ratio = move.reprice(scope.draws, ratio, shape, per)
                for term in terms:
                    ratio = ratio * scope.term(term)
                return ratio

            self._ratios[key] = Term(value)
        return self._ratios[key]

    def _product(self, row: int) -> Term | None:
        """What the scenario makes of a flow's quantity: (n, period); None where nothing does."""
        code = int(self.flows.terms.code[row])
        if code not in self._products:
            path = cast("Path", self.flows.terms.known[code])

            def value(scope: Scope) -> FloatArray:
                out = np.ones((1, 1))
                for term in path:
                    out = out * scope.term(term)
                return out

            self._products[code] = Term(value) if path else None
        return self._products[code]


def _point(projection: Projection, flows: Flows) -> FloatArray:
    """The point forecast's quantity of what feeds each flow: (period, flow)."""
    lanes, legs = projection.drivers.lanes, projection.drivers.legs
    leg = np.concatenate([lanes["leg"].to_numpy(), np.arange(len(legs))])[flows.source]
    workload = legs["workload"].to_numpy()
    total = np.zeros_like(projection.volume.point)
    np.add.at(total.T, workload, projection.mix.point.T)
    share = projection.mix.point / np.where(total > 0, total, 1.0)[:, workload]
    out = projection.volume.point[:, workload[leg]] * share[:, leg]
    lane = (flows.source >= 0) & (flows.source < len(lanes))
    out[:, lane] *= projection.intensity.point[:, flows.source[lane]]
    out[:, flows.source == CONSTANT] = 1.0
    return np.asarray(out)
