"""Prepaid credits. Comes in: a bill. Goes out: credits that are bought, used, left to expire, and what is left."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

import numpy as np

from forecast.prices.billing.bill import BASES, Bill, Stage
from forecast.prices.billing.periods import Days, FloatArray, Periods
from forecast.prices.billing.terms import check, edges

_ALWAYS: Final = date(9999, 12, 30)


@dataclass(frozen=True, slots=True)
class Purchase:
    """Credits bought on a day: what they are worth, what was paid for them, and the last day on which they count.

    One that was made before the bill begins is worth what is left of it then, and is not billed again; ``paid`` is what
    was paid for that. Credits that were given were paid with 0.
    """

    on: date
    worth: float
    paid: float | None = None
    expires: date | None = None

    def __post_init__(self) -> None:
        """Check the terms."""
        numbers = {"worth": (0.0, np.inf)} | ({} if self.paid is None else {"paid": (0.0, np.inf)})
        also: list[str] = [] if self.on is not None else ["on is missing: wanted a day such as 2027-01-31"]
        check(self, numbers=numbers, days=("on", "expires"), also=also, named=False)

    @property
    def cost(self) -> float:
        """What was paid: what they are worth where nothing else is said."""
        return self.worth if self.paid is None else self.paid


@dataclass(frozen=True, slots=True)
class Credits:
    """Prepaid credits: bought on dates, drawn down oldest first, worth nothing after their last day.

    Of each purchase: worth = used + expired + left. ``order="expiring"`` draws on those that expire first instead.
    ``on`` says what they pay: ``usage``; ``charges``, with capacity and fees; or all that is ``due``, with shortfalls.

    A purchase is billed when it is made, and usage that credits pay is not billed again; what usage costs is the part
    of the purchase that it used (:attr:`Bill.effective`). FOCUS 1.2 says so: the purchase is billed cost, the use
    effective cost. Credits that expire unused (breakage) are effective cost on the day after their last, and stand in
    the memo.

    When credits are used up, usage is billed at its price (``exhausted="list"``), or is refused: neither served nor
    billed (``exhausted="refuse"``).
    """

    name: str
    purchases: tuple[Purchase, ...] = field(metadata={"of": Purchase})
    order: Literal["oldest", "expiring"] = "oldest"
    exhausted: Literal["list", "refuse"] = "list"
    on: Literal["usage", "charges", "due"] = "usage"

    def __post_init__(self) -> None:
        """Check the terms."""
        good = isinstance(self.purchases, tuple | list) and all(isinstance(p, Purchase) for p in self.purchases)
        problems = [] if good and self.purchases else [f"purchases = {self.purchases!r}: wanted one purchase at least"]
        object.__setattr__(self, "purchases", tuple(self.purchases) if good else self.purchases)
        choices = {
            "order": ("oldest", "expiring"),
            "exhausted": ("list", "refuse"),
            "on": tuple(base for base in BASES if base != "billed"),
        }
        check(self, choices=choices, days=(), also=problems)

    @property
    def stage(self) -> Stage:
        """After commitments, before tax."""
        return "credit"

    def dates(self, periods: Periods) -> Days:
        """Where credits are bought, and where they cease to count."""
        return np.concatenate([edges(one.on, one.expires) for one in self.purchases])

    def _ordered(self) -> list[Purchase]:
        """The purchases in the order in which they are drawn on."""

        def key(one: Purchase) -> tuple[date, date]:
            ends = one.expires or _ALWAYS
            return (one.on, ends) if self.order == "oldest" else (ends, one.on)

        return sorted(self.purchases, key=key)

    def apply(self, bill: Bill) -> Bill:
        """Bill purchases, and pay what is owed with what they are worth."""
        made = drawn_down(np.maximum(bill.of(self.on), 0.0), bill.periods, self._ordered())
        names = {part: f"{self.name}: {part}" for part in ("bought", "used", "refused", "granted", "expired", "left")}
        lines = {names["bought"]: made.bought, names["used"]: -made.used}
        if self.exhausted == "refuse":
            usage = np.maximum(bill.of("usage"), 0.0)
            lines[names["refused"]] = -np.clip(bill.of(self.on) - made.used, 0.0, usage)
        return bill.with_lines(
            lines,
            kinds={names["bought"]: "purchase", names["used"]: "credit", names["refused"]: "refused"},
            memo={names["granted"]: made.granted, names["expired"]: made.expired},
            balances={names["left"]: made.left},
            amortised=made.amortised,
        )


@dataclass(frozen=True, slots=True)
class Drawn:
    """What became of credits, each float array (draw, period).

    Over all periods granted = used + expired + what is left at the end.

    Attributes
    ----------
    bought : money that was paid for them
    granted, used, expired, left : what they are worth
    amortised : what was paid for those that were used or expired
    """

    bought: FloatArray
    granted: FloatArray
    used: FloatArray
    expired: FloatArray
    left: FloatArray
    amortised: FloatArray


def drawn_down(owed: FloatArray, periods: Periods, ordered: list[Purchase]) -> Drawn:
    """Draw credits down, purchase by purchase in the order given.

    Parameters
    ----------
    owed : float array (draw, period)
        From 0 up.
    periods : Periods
        Split where credits are bought and cease to count.
    ordered : list of Purchase
    """
    bought, granted, used, expired, left, amortised = (np.zeros_like(owed) for _ in range(6))
    on = [np.datetime64(one.on, "D") for one in ordered]
    until = [np.datetime64(one.expires or _ALWAYS, "D") for one in ordered]
    worth = np.zeros((len(ordered), len(owed)))
    for i, (first, last) in enumerate(zip(periods.first, periods.last, strict=True)):
        rest = owed[:, i].copy()
        for k, one in enumerate(ordered):
            begins = first if i > 0 else np.datetime64("0001-01-01", "D")
            if begins <= on[k] <= last and until[k] >= periods.first[0]:
                worth[k] = one.worth
                granted[:, i] += one.worth
                bought[:, i] += one.cost if on[k] >= first else 0.0
            each = one.cost / one.worth if one.worth > 0 else 0.0
            if until[k] < first:
                expired[:, i] += worth[k]
                amortised[:, i] += worth[k] * each
                worth[k] = 0.0
            use = np.minimum(worth[k], rest)
            worth[k] -= use
            rest -= use
            used[:, i] += use
            amortised[:, i] += use * each
        left[:, i] = worth.sum(axis=0)
    return Drawn(bought, granted, used, expired, left, amortised)
