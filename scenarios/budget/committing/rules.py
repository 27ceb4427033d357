"""A commitment as a contract. Comes in: an offer, whose usage, a size. Goes out: the change that bills it in a plan."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pandas as pd

from forecast.errors import PlanError
from forecast.prices.billing import Allowance, Commitment, Discount, PricingRule, Provisioned, Seats
from scenarios.budget.committing.demand import Covered
from scenarios.budget.committing.terms import COST, Offer
from scenarios.changes import Contract

_MINUTES = 60.0


def contract_of(offer: Offer, covered: Covered, size: float, name: str) -> Contract:
    """The contract that bills as the commitment does.

    Raises
    ------
    PlanError
        No pricing rule bills so; the message says what would.
    """
    _refuse(offer, covered)
    pieces = list(_pieces(offer, covered))
    several = len(pieces) > 1
    rules: list[PricingRule] = []
    for first, last, part in pieces:
        called = f"commitment from {first:%Y-%m}" if several else "commitment"
        rules += _rules(offer, called, size * part, first.date(), last.date(), discount=offer.discount(size))
    seats = size if any(isinstance(rule, Seats) for rule in rules) else None
    if seats is not None:
        rules = [_by_seat(rule, size) for rule in rules]
    return Contract(
        tuple(rules),
        start=covered.start,
        end=covered.end,
        seats=seats,
        provider=covered.provider,
        model=covered.model,
        where=covered.where,
        name=name,
    )


def _by_seat(rule: PricingRule, size: float) -> PricingRule:
    """A fee by unit: the ramp's part of the units is in its price, the contract has the size as seats."""
    if not isinstance(rule, Seats):
        return rule
    return Seats(rule.name, rule.price / size, start=rule.start, end=rule.end)


def _refuse(offer: Offer, covered: Covered) -> None:
    """Refuse what no pricing rule bills."""
    money = offer.kind != "capacity" or offer.counts == COST
    if offer.every == "day":
        what = "every='day' is billed day by day, and contracts settle by month; plan with every='month'"
    elif money and len(offer.level) > 1:
        what = "hours of money are no contract's; let capacity count tokens, or leave profile and peak_to_mean out"
    elif not isinstance(offer.counts, str):
        what = f"counts={dict(offer.counts)!r} weighs units, and contracts count one; take counts='total_tokens'"
    elif offer.overage == "discounted" and covered.start.day != 1:
        what = f"a minimum a month from {covered.start:%Y-%m-%d} on is no contract's; start on the first of a month"
    else:
        return
    raise PlanError(f"commitment: it cannot become a contract of the plan: {what}")


def _pieces(offer: Offer, covered: Covered) -> Iterator[tuple[pd.Timestamp, pd.Timestamp, float]]:
    """First and last day of each part of the size that is not 0."""
    begins = [covered.start, *(first for first, _ in offer.ramp if covered.start < first <= covered.end)]
    ends = [*(day - pd.Timedelta(days=1) for day in begins[1:]), covered.end]
    parts = offer.ramped(pd.DatetimeIndex(begins))
    for first, last, part in zip(begins, ends, parts, strict=True):
        if part > 0:
            yield first, last, float(part)


def _rules(offer: Offer, name: str, size: float, start: date, end: date, *, discount: float) -> list[PricingRule]:
    """The pricing rules of one size over some days."""
    if offer.kind == "minimum":
        floor = Commitment(name, size, window="term", on="usage", start=start, end=end)
        return [Discount(f"{name}: discount", discount, start=start, end=end), floor]
    if offer.kind == "spend":
        paid = size if offer.sized_in == "paid" else size * (1.0 - discount)
        if offer.overage == "discounted":
            floor = Commitment(name, paid, window="month", on="usage", start=start, end=end)
            return [Discount(f"{name}: discount", discount, start=start, end=end), floor]
        return [Allowance(name, paid / (1.0 - discount), fee=paid, quantity="usage", start=start, end=end)]
    if offer.counts == COST:
        fee = offer.price * size
        return [Allowance(name, offer.serves * size, fee=fee, quantity="usage", start=start, end=end)]
    hourly = offer.price if offer.price_per == "hour" else 0.0
    units = Provisioned(
        name,
        size,
        hourly,
        offer.serves * _MINUTES,
        quantity=str(offer.counts),
        profile=offer.profile,
        peak_to_mean=offer.peak_to_mean,
        start=start,
        end=end,
    )
    fee = offer.price * size
    return [units] if hourly or not fee else [units, Seats(f"{name}: fee", fee, start=start, end=end)]
