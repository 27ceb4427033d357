"""Contracts. Comes in: pricing rules, whose usage they bill, and when. Goes out: lines on the bill of each month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol, cast, runtime_checkable

import numpy as np
import pandas as pd

from forecast import ranges, schema
from forecast.errors import ScenarioError, one_of
from forecast.panel import BoolArray, FloatArray
from forecast.ranges import Uncertain
from forecast.shown import short_repr
from scenarios.changes.base import (
    Day,
    Settling,
    Stage,
    Step,
    checked,
    checked_term,
    checked_where,
    key_of,
    label_of,
    stamp,
    told_from,
)
from scenarios.changes.flows import VOLUME, Flows
from scenarios.changes.matching import match
from scenarios.changes.scene import Scene, constant
from scenarios.changes.skus import chosen, in_sight, told_skus

if TYPE_CHECKING:
    from forecast.prices.billing import Bill, Periods, PricingRule

#: What rules count that is no unit of usage, and the usage's own money.
_SEATS, _TOKENS, _USAGE = "seats", "total_tokens", "usage"
#: Rules that live off the money of tokens at their prices.
_OF_MONEY: Final = ("Discount", "SpendTiers")


@runtime_checkable
class Rule(Protocol):
    """A pricing rule: :class:`forecast.prices.billing.PricingRule`, by the members that tell it."""

    @property
    def name(self) -> str:
        """What its lines are called."""
        ...

    @property
    def stage(self) -> str:
        """When it is applied."""
        ...

    def dates(self, periods: Any) -> Any:
        """The days on which it begins, ends or counts anew."""
        ...

    def apply(self, bill: Any) -> Any:
        """The bill with its lines."""
        ...


@dataclass(frozen=True, slots=True)
class Contract:
    """Usage is billed by a contract: commitments, provisioned throughput, seats, allowances, credits, tiers, tax.

    Each month the money and the quantities that it covers go through its rules (:func:`forecast.prices.billing.billed`)
    and what they add or take off stands beside the money of tokens, line by line. It is counted from the as-of date:
    months before the plan begins use up commitments, tiers and credits too. Of a window that the plan sees in part,
    such as a year's commitment in a quarter's plan, it owes the part that lies in sight: a shortfall accrued, not yet
    billed.

    A change of the pricing model is a contract with ``replaces_tokens``: from its first day what it covers costs
    nothing by the token, and is billed by its seats, allowances and fees alone.

    Parameters
    ----------
    rules : sequence of pricing rules, or of the tables of ``[[rules]]``
        ``Commitment``, ``Provisioned``, ``Seats``, ``Allowance``, ``Credits``, ``SpendTiers``, ``Discount``, ``Tax`` of
        ``forecast.prices.billing``, or as :func:`forecast.read_pricing_rules` reads them. A rule without a day of its
        own begins and ends with the contract, and counts its windows from there.
    start, end : date, optional
        First and last day. A month that lies in it in part has its part of the usage, by days.
    seats : number, between(low, high) or frozen scipy distribution
        How many seats there are: what seats and allowances a seat count. Drawn once a path; a range is log-normal.
    replaces_tokens : bool
        Whether tokens cost nothing while it holds.
    model, provider : str
        Globs: whose usage it bills.
    where : mapping, optional
        Globs over columns of workloads and routes.
    name : str, optional
        What its lines begin with; tells two contracts apart.

    Notes
    -----
    Rules count ``requests``, ``total_tokens``, ``seats`` or a unit of usage. Amounts are in the plan's currency and do
    not move with an :class:`ExchangeRate`; an :class:`Elasticity` looks at prices a token, not at what a contract adds.
    Usage that two contracts bill on one day is refused: a vendor's rules belong in one contract, where their order is
    known.
    """

    __repr__ = short_repr

    stage: ClassVar[Stage] = "price"
    step: ClassVar[Step] = "price"
    unit: ClassVar[str] = "*"

    rules: tuple[Rule, ...]
    start: Day | None = None
    end: Day | None = None
    seats: Uncertain | None = None
    replaces_tokens: bool = False
    model: str = "*"
    provider: str = "*"
    where: Mapping[str, str] = field(default_factory=dict)
    name: str | None = None

    def __post_init__(self) -> None:
        """Check rules and dates."""
        checked_term(self, ("start", "end"))
        checked(self, "seats", "amount")
        checked_where(self)
        if not isinstance(self.replaces_tokens, bool):
            raise ScenarioError(f"Contract.replaces_tokens = {self.replaces_tokens!r}: wanted true or false")
        object.__setattr__(self, "rules", _rules(self.rules))
        for rule in self.rules:
            self._check(rule)

    def _check(self, rule: Rule) -> None:
        """Refuse a rule that could not be told what it counts."""
        for counted in _counted(rule):
            if counted == _SEATS and self.seats is None:
                raise ScenarioError(f"Contract: {rule.name!r} counts seats; say how many there are: seats=120")
            one_of(f"Contract: {rule.name!r} counts", counted, _quantities(), ScenarioError)
        money = type(rule).__name__ in _OF_MONEY or getattr(rule, "quantity", None) == _USAGE
        if self.replaces_tokens and money:
            raise ScenarioError(
                f"Contract: {rule.name!r} looks at the money of tokens, which replaces_tokens takes away; "
                "let it count tokens or seats, or leave replaces_tokens out"
            )

    @property
    def key(self) -> str:
        """Names the random numbers."""
        return key_of("contract", self.name, self.provider, self.model, self.where, self.start)

    def describe(self) -> str:
        """In plain words."""
        rules = ", ".join(f"{rule.name} ({type(rule).__name__})" for rule in self.rules)
        seats = "" if self.seats is None else f", {ranges.shown(self.seats, 'amount')} seats"
        place = "in place of prices a token" if self.replaces_tokens else "on top of prices a token"
        own = "" if self.name is None else f"{self.name}: "
        return f"{own}{told_skus(self)} billed{told_from(self.start, until=self.end)} by {rules}{seats}, {place}"

    def __str__(self) -> str:
        return self.describe()

    # -------------------------------------------------------------------------------------------------- what it does

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Take the money of tokens away where it is replaced; the rest is settled month by month."""
        rows = chosen(self, flows, scene)
        in_sight("Contract", self.start, self.end, scene, ("start", "end"))
        self._check_counted(flows, rows, scene)
        if not self.replaces_tokens:
            return flows
        return flows.repriced(rows, constant(1.0 - scene.clock.share(stamp(self.start), stamp(self.end))))

    def _check_counted(self, flows: Flows, rows: BoolArray, scene: Scene) -> None:
        """Refuse rules that count what the usage does not have."""
        for rule in self.rules:
            what = f"Contract: {rule.name!r}"
            for counted in _counted(rule):
                if counted == schema.REQUESTS:
                    if (flows.labels.loc[rows, "volume_unit"] != schema.REQUESTS).any():
                        raise ScenarioError(f"{what} counts requests, which some of the usage it covers does not tell")
                elif counted != _SEATS:
                    scene.units(flows, rows, _units(counted), what=what)

    def covers(self, flows: Flows, scene: Scene) -> BoolArray:
        """Whose usage it bills, and the volume of the same routes: (flow,)."""
        rows = match(flows.labels["provider"], self.provider) & match(flows.labels["model"], self.model)
        return rows & scene.matching(flows, self.where, what="Contract.where")

    def counts(self) -> tuple[str, ...]:
        """Units that its rules count."""
        named = dict.fromkeys(counted for rule in self.rules for counted in _counted(rule) if counted != _SEATS)
        return tuple(dict.fromkeys(unit for counted in named for unit in _units(counted)))

    def meets(self, other: Settling) -> bool:
        """Whether it bills a day that another bills too."""
        if not isinstance(other, Contract):
            return True
        first, last = (_ends(one) for one in (self, other))
        return first[0] <= last[1] and last[0] <= first[1]

    def settle(
        self, spend: FloatArray, counted: Mapping[str, FloatArray], scene: Scene
    ) -> list[tuple[str, FloatArray]]:
        """The lines of its rules: name, (draw, span)."""
        from forecast.prices.billing import billed

        inside, periods, share = self._periods(scene)
        quantities = {
            name: sum((counted[unit] for unit in _units(name)), start=np.zeros_like(spend))[:, inside] * share
            for name in dict.fromkeys(c for rule in self.rules for c in _counted(rule) if c != _SEATS)
        }
        if self.seats is not None:
            seats = scene.draw(self.key, self.seats, "amount", "seats")
            quantities[_SEATS] = np.repeat(seats[:, None], len(periods), axis=1)
        money = np.zeros((len(spend), len(periods))) if self.replaces_tokens else spend[:, inside] * share
        bill: Bill = billed(money, periods, [self._ruled(rule) for rule in self.rules], quantities=quantities)
        return [(self._line(name), _wide(bill.lines[name], inside, spend)) for name in bill.lines if name != _USAGE]

    def _line(self, name: str) -> str:
        return name if self.name is None else f"{label_of(self)}: {name}"

    def _periods(self, scene: Scene) -> tuple[BoolArray, Periods, FloatArray]:
        """The spans that it bills (span,), their days inside it, and which part of a span those are."""
        from forecast.prices.billing import Periods

        first, last = (days.to_numpy().astype("datetime64[D]") for days in (scene.spans.first, scene.spans.last))
        low, high = (np.datetime64(day.date(), "D") for day in _ends(self))
        begin, end = np.maximum(first, low), np.minimum(last, high)
        inside = np.asarray(begin <= end)
        whole = Periods(first[inside], last[inside]).days
        periods = Periods(begin[inside], end[inside])
        return inside, periods, periods.days / whole

    def _ruled(self, rule: Rule) -> PricingRule:
        """A rule, which begins and ends with the contract where it has no day of its own."""
        from dataclasses import fields, replace

        there = {f.name for f in fields(cast("Any", rule))}
        days = {
            name: pd.Timestamp(day).date()
            for name, day in (("start", self.start), ("end", self.end))
            if day is not None and name in there and getattr(rule, name) is None
        }
        return cast("PricingRule", replace(cast("Any", rule), **days) if days else rule)


def _rules(given: object) -> tuple[Rule, ...]:
    """Rules in hand, or from the tables that a file has."""
    from forecast.prices.billing import PricingRule, read_pricing_rules

    listed = [given] if isinstance(given, PricingRule | Mapping) else given
    if isinstance(listed, str) or not isinstance(listed, Sequence) or not listed:
        raise ScenarioError(f"Contract.rules = {given!r}: wanted pricing rules, such as [Commitment('floor', 10_000)]")
    made: list[Rule] = []
    for rule in listed:
        if isinstance(rule, Mapping):
            made += cast("Sequence[Rule]", read_pricing_rules([rule]))
        elif isinstance(rule, type) or not isinstance(rule, PricingRule):
            raise ScenarioError(f"Contract.rules: {rule!r} is no pricing rule of forecast.prices.billing, nor a table")
        else:
            made.append(cast("Rule", rule))
    names = [rule.name for rule in made]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ScenarioError(f"Contract: two rules are called {twice[0]!r}; give each a name of its own")
    return tuple(made)


def _counted(rule: Rule) -> tuple[str, ...]:
    """What a rule counts beside money."""
    named = getattr(rule, "quantity", None)
    of_seats = (_SEATS,) if getattr(rule, "per_seat", False) is True else ()
    return (*(() if named in (None, _USAGE) else (str(named),)), *of_seats)


def _quantities() -> tuple[str, ...]:
    return (schema.REQUESTS, *schema.UNITS)


def _units(counted: str) -> tuple[str, ...]:
    """The units of flows that make up what a rule counts."""
    if counted == schema.REQUESTS:
        return (VOLUME,)
    if counted == _TOKENS:
        return tuple(name for name in schema.BILLABLE if schema.UNITS[name].token)
    return (counted,)


def _ends(contract: Contract) -> tuple[pd.Timestamp, pd.Timestamp]:
    """First and last day, where none is said the first and last that there are."""
    first, last = stamp(contract.start), stamp(contract.end)
    return first or pd.Timestamp("1900-01-01"), last or pd.Timestamp("2200-01-01")


def _wide(money: FloatArray, inside: BoolArray, spend: FloatArray) -> FloatArray:
    """Money of the spans that are billed, among all: (draw, span)."""
    out = np.zeros_like(spend)
    out[:, inside] = money
    return out
