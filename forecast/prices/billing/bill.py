"""The bill. Comes in: usage money, quantities and rules. Goes out: lines of money that add up, period by period.

A rule adds lines to the bill; what it takes off is a line below 0. So the parts of a bill always add up to its total,
and rules compose: capacity, then discounts, subscriptions with allowances, commitments, credits, and tax last.

Inside, periods are split at every day on which a rule begins, ends or counts anew, and usage is spread evenly over the
days of its period. So a rule that begins in mid-month is exact, and no rule meets a period that it holds in part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal, Protocol, get_args, runtime_checkable

import numpy as np

from forecast.errors import PriceError, one_of
from forecast.prices.billing.periods import Days, FloatArray, IntArray, Periods

#: The line of usage at its prices a token, before any rule.
USAGE: Final = "usage"
Stage = Literal["capacity", "discount", "subscription", "commitment", "credit", "tax"]
#: The order in which rules are applied, whatever order they are given in; within a stage it is the order given.
STAGES: Final[tuple[Stage, ...]] = get_args(Stage)
#: What a line of a bill is: usage at its prices; what capacity serves, a discount or an allowance takes off it; what
#: lies beyond an allowance, or is refused; capacity that is used and idle; fees; what a commitment lacks; credits that
#: are bought and used; tax.
Kind = Literal[
    "usage", "served", "discount", "included", "overage", "refused", "capacity", "idle", "fee", "shortfall",
    "purchase", "credit", "tax",
]  # fmt: skip
KINDS_OF_LINES: Final[tuple[Kind, ...]] = get_args(Kind)
#: What a rule may look at: what usage costs; with capacity and fees; with shortfalls; all that is billed before tax.
Base = Literal["usage", "charges", "due", "billed"]
_USAGE: Final[tuple[Kind, ...]] = ("usage", "served", "discount", "included", "overage", "refused")
_CHARGES: Final[tuple[Kind, ...]] = (*_USAGE, "capacity", "idle", "fee")
BASES: Final[Mapping[Base, tuple[Kind, ...]]] = {
    "usage": _USAGE,
    "charges": _CHARGES,
    "due": (*_CHARGES, "shortfall"),
    "billed": tuple(kind for kind in KINDS_OF_LINES if kind != "tax"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Bill:
    """What is billed in each draw and period, line by line.

    Attributes
    ----------
    periods : Periods
    lines : dict of float arrays (draw, period)
        Money by line; ``usage`` is what the tokens cost at their prices. They add up to :attr:`total`.
    kinds : dict
        What each line is, of :data:`KINDS_OF_LINES`.
    quantities : dict of float arrays (draw, period)
        What rules count, such as ``total_tokens`` and ``requests``, less what rules have taken out.
    counts : dict of float arrays (draw, period)
        The same as levels, which a part of a period has in full, such as ``seats``.
    memo : dict of float arrays (draw, period)
        What rules tell beside money, as amounts that add up over periods: credits that expired, tokens served.
    balances : dict of float arrays (draw, period)
        What is left at the end of each period: credits, allowances.
    amortised : float array (draw, period)
        What was paid for credits, by when they are used or expire.
    """

    periods: Periods
    lines: Mapping[str, FloatArray]
    kinds: Mapping[str, Kind]
    amortised: FloatArray
    quantities: Mapping[str, FloatArray] = field(default_factory=dict)
    counts: Mapping[str, FloatArray] = field(default_factory=dict)
    memo: Mapping[str, FloatArray] = field(default_factory=dict)
    balances: Mapping[str, FloatArray] = field(default_factory=dict)

    @property
    def total(self) -> FloatArray:
        """Money billed: (draw, period)."""
        return np.asarray(sum(self.lines.values(), start=np.zeros_like(self.amortised)))

    @property
    def effective(self) -> FloatArray:
        """What use costs: (draw, period). Purchases of credits count as they are used or expire, not as they are paid.

        total - purchases + :attr:`amortised` (FOCUS 1.2, EffectiveCost: the amortised cost after all reduced rates,
        discounts and the applicable portion of prepaid purchases).
        """
        return self.total - self.kind("purchase") + self.amortised

    def kind(self, *kinds: Kind) -> FloatArray:
        """Money of the lines of these kinds: (draw, period)."""
        held = [money for name, money in self.lines.items() if self.kinds[name] in kinds]
        return np.asarray(sum(held, start=np.zeros_like(self.amortised)))

    def of(self, base: Base) -> FloatArray:
        """Money of the lines that a base looks at (:data:`BASES`): (draw, period)."""
        return self.kind(*BASES[base])

    def by_kind(self) -> dict[Kind, FloatArray]:
        """Money (draw, period) by what it is for, in the order of :data:`KINDS_OF_LINES`; it adds up to the total."""
        return {kind: self.kind(kind) for kind in KINDS_OF_LINES if kind in self.kinds.values()}

    def quantity(self, name: str, rule: str) -> FloatArray:
        """One quantity: (draw, period).

        Raises
        ------
        PriceError
            The bill has no such quantity.
        """
        return _named(self.quantities, name, rule)

    def count(self, name: str, rule: str) -> FloatArray:
        """One quantity as a level, which part of a period has in full: (draw, period).

        Raises
        ------
        PriceError
            The bill has no such quantity.
        """
        return _named(self.counts, name, rule)

    def with_lines(
        self,
        lines: Mapping[str, FloatArray],
        *,
        kinds: Mapping[str, Kind] | None = None,
        memo: Mapping[str, FloatArray] | None = None,
        balances: Mapping[str, FloatArray] | None = None,
        quantities: Mapping[str, FloatArray] | None = None,
        amortised: FloatArray | None = None,
    ) -> Bill:
        """The bill with more lines, each of its kind (a fee where none is named).

        Raises
        ------
        PriceError
            A line bears the name of another, or its kind is none.
        """
        twice = [name for name in lines if name in self.lines]
        if twice:
            raise PriceError(f"two rules make a line {twice[0]!r}; give each rule a name of its own")
        said: dict[str, Kind] = {name: (kinds or {}).get(name, "fee") for name in lines}
        for name, kind in said.items():
            one_of(f"line {name!r}: kind", kind, KINDS_OF_LINES, PriceError)
        return replace(
            self,
            lines={**self.lines, **lines},
            kinds={**self.kinds, **said},
            memo={**self.memo, **(memo or {})},
            balances={**self.balances, **(balances or {})},
            quantities={**self.quantities, **(quantities or {})},
            amortised=self.amortised if amortised is None else self.amortised + amortised,
        )


def _named(held: Mapping[str, FloatArray], name: str, rule: str) -> FloatArray:
    if name not in held:
        raise PriceError(f"{rule}: there is no quantity {name!r}; the bill has {', '.join(held) or 'none'}")
    return held[name]


@runtime_checkable
class PricingRule(Protocol):
    """One rule of a contract: it has a name and a stage, and adds its lines to a bill."""

    @property
    def name(self) -> str:
        """What its lines are called."""

    @property
    def stage(self) -> Stage:
        """When it is applied."""

    def dates(self, periods: Periods) -> Days:
        """The days on which it begins, ends or counts anew: periods are split there. May be empty."""

    def apply(self, bill: Bill) -> Bill:
        """The bill with the rule's lines."""


def billed(
    usage: FloatArray,
    periods: Periods,
    rules: Sequence[PricingRule],
    *,
    quantities: Mapping[str, FloatArray] | None = None,
) -> Bill:
    """Bill usage by rules, in the order of ``STAGES``.

    A bill is of one contract: it takes the money and the counts that the contract covers. Bills of several add up.

    Parameters
    ----------
    usage : float array (draw, period)
        Money at prices a token, one row a future.
    periods : Periods
    rules : sequence of PricingRule
    quantities : mapping of float arrays (draw, period), optional
        What rules count.

    Raises
    ------
    PriceError
        Shapes differ, money is below 0 or not finite, a rule is none or lacks what it counts.
    """
    money = np.atleast_2d(np.asarray(usage, dtype="float64"))
    counted = {name: np.atleast_2d(np.asarray(q, dtype="float64")) for name, q in (quantities or {}).items()}
    for name, values in {USAGE: money, **counted}.items():
        if values.ndim != 2 or values.shape[1] != len(periods) or values.shape[0] not in (1, len(money)):
            raise PriceError(f"{name}: shape {values.shape} does not fit {len(money)} draws and {len(periods)} periods")
        if not np.isfinite(values).all() or (values < 0).any():
            raise PriceError(f"{name}: is below 0 or not finite somewhere; a bill is made of known amounts from 0 up")
    for rule in rules:
        if isinstance(rule, type) or not isinstance(rule, PricingRule):
            raise PriceError(f"{rule!r} is no pricing rule: it needs name, stage, dates(periods) and apply(bill)")
        one_of(f"{rule.name!r}: stage", rule.stage, STAGES, PriceError)
    parts, of = periods.split(np.concatenate([np.empty(0, "datetime64[D]"), *(r.dates(periods) for r in rules)]))
    share = parts.days / periods.days[of]
    counts = {name: np.broadcast_to(values, money.shape)[:, of] for name, values in counted.items()}
    flows = {name: level * share for name, level in counts.items()}
    bill = Bill(parts, {USAGE: money[:, of] * share}, {USAGE: "usage"}, np.zeros((len(money), len(of))), flows, counts)
    for rule in sorted(rules, key=lambda r: STAGES.index(r.stage)):
        bill = rule.apply(bill)
    whole = {name: np.broadcast_to(values, money.shape) for name, values in counted.items()}
    return _merged(bill, periods, of, whole)


def _merged(bill: Bill, periods: Periods, of: IntArray, counted: Mapping[str, FloatArray]) -> Bill:
    """The bill of the periods that were asked for: amounts added up over their parts, balances of the last part."""
    begin = np.searchsorted(of, np.arange(len(periods)))
    end = np.append(begin[1:], len(of)) - 1

    def added(amounts: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        return {name: np.add.reduceat(values, begin, axis=1) for name, values in amounts.items()}

    return Bill(
        periods,
        added(bill.lines),
        bill.kinds,
        added({"": bill.amortised})[""],
        dict(counted),
        dict(counted),
        added(bill.memo),
        {name: values[:, end] for name, values in bill.balances.items()},
    )
