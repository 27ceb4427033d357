"""Driver states. Comes in: an outlook. Goes out: the drivers of what was spent, and of what is to come, for bridges."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from forecast import schema
from forecast.panel import FloatArray
from forecast.usage import Usage
from forecast.usage_rows import bills_apart
from scenarios.bridging.states import DriverState
from scenarios.bridging.usage_state import state_of_usage
from scenarios.budget.ledger import LINE, TOKENS
from scenarios.comparing.effects import states
from scenarios.components import Fixed, Reserve, asked_of
from scenarios.reviews.outlook import Outlook
from scenarios.reviews.spent import COST

#: What a bridge calls lines that are not tokens.
FIXED, OTHER = "fixed lines", "other lines"
#: What is left of money that was taken off itself: sums of doubles in another order.
ROUNDING = 1e-6


def actual_state(outlook: Outlook, first: pd.Timestamp, last: pd.Timestamp) -> DriverState:
    """The drivers of what was spent in whole months, with the lines that are not tokens."""
    plan = outlook.plan
    money = outlook.spent.money
    made = state_of_usage(
        _at_list(outlook.usage) if money == "priced" else outlook.usage,
        plan.spec.prices,
        start=first,
        end=last,
        by=plan.projection.spec.by,
        money="billed_cost" if money == "priced" else money,
        unpriced=plan.spec.unpriced,
    )
    return _with_lines(made, outlook, outlook.actual[None], first, last, reported=True)


def _at_list(usage: Usage) -> Usage:
    """Usage without the money that its quantities have: they are told at the price book."""
    frame = usage.frame[~bills_apart(usage.frame).bill]
    held, units = ([c for c in names if c in frame] for names in (schema.MONEY, schema.BILLABLE))
    used = (frame[units].fillna(0.0) > 0).any(axis=1)
    return replace(usage, frame=frame.assign(**{m: frame[m].where(~used) for m in held}))


def ahead_state(outlook: Outlook, first: pd.Timestamp, last: pd.Timestamp) -> DriverState:
    """The drivers of what an outlook foresees of whole months that are still to come."""
    plan, rest = outlook.plan, outlook.rest
    assert rest is not None
    spec = plan.spec.laid
    ((made, _),) = states(
        rest.projection,
        [rest.course],
        prices=rest.prices,
        draws=spec.draws,
        seed=spec.seed,
        unpriced=spec.unpriced,
        monthly=False,
        within=(first, last),
        counts=asked_of([c for c in spec.components if not isinstance(c, Reserve)]),
    )
    bill = {"discounts and bill": (rest.share - 1.0) * made.cost.sum(axis=1)} if rest.share != 1.0 else {}
    return _with_lines(replace(made, other=bill), outlook, outlook.ahead, first, last, reported=False)


def _with_lines(
    made: DriverState,
    outlook: Outlook,
    money: FloatArray,
    first: pd.Timestamp,
    last: pd.Timestamp,
    *,
    reported: bool,
) -> DriverState:
    """A state with the money of lines: (draw, month, row). What usage reports of them is in it already."""
    days = outlook.plan.ledger.days
    inside = np.asarray((days >= first) & (days <= last))
    fixed = {c.name for c in outlook.plan.spec.laid.components if isinstance(c, Fixed)}
    other = dict(made.other)
    for name in dict.fromkeys(outlook.labels[LINE]):
        mine = np.asarray(outlook.labels[LINE] == name)
        if name == TOKENS:
            continue
        step = FIXED if name in fixed else OTHER
        amount = money[:, inside][:, :, mine].sum(axis=(1, 2))
        if reported:
            told = outlook.spent.frame
            amount = amount - told.loc[(told[LINE] == name) & told["day"].between(first, last), COST].sum()
        if (np.abs(amount) > ROUNDING).any():
            other[step] = other.get(step, 0.0) + amount
    return replace(made, other=other)
