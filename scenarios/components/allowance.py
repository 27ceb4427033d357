"""Allowances. Comes in: tokens or money a month for a project or team. Goes out: what it adds to usage's cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import ClassVar, Final, Literal, get_args

import numpy as np

from forecast.errors import PlanError, one_of
from forecast.panel import FloatArray
from forecast.ranges import Uncertain
from scenarios.changes import World
from scenarios.components.base import OWNER_COLUMNS, Context, Count, Months, Owned, Row
from scenarios.components.dated import Dated, checked_dated, pieces, shown_dated
from scenarios.components.per_unit import TOKENS

Beyond = Literal["pay", "block", "rollover"]
#: Tokens that a price of tokens is for.
_MILLION: Final = 1e6


@dataclass(frozen=True, slots=True)
class Allowance(Owned):
    """What a project or team may use a month: it is paid whole, and usage within it is not paid twice.

    Usage is in the plan already, at its prices; the line is what the allowance adds to that. With the allowance A of a
    month, the usage u it is for and the money c that it costs by the token, of which the part s = min(1, A / u) lies
    within, the line is A's money - s · c: what is paid and not used. What lies beyond,

    - ``"pay"``: is paid by the token, as it is in the plan;
    - ``"block"``: is not let through: (1 - s) · c is taken off, in a row of its own, ``"<name>: blocked"``;
    - ``"rollover"``: is first served from what earlier months left, then paid by the token. A month that uses up what
      was paid before adds less than nothing; over the plan the line is what is left in the end.

    Parameters
    ----------
    name : str
    tokens : number, between(low, high), distribution, or mapping of dates to these, optional
        Tokens a month; drawn once a path. By date, each holds from its day on until the next, and nothing before the
        first. Either these or ``amount``.
    amount : number, between(low, high), distribution, or mapping of dates to these, optional
        Money a month.
    price : number, between(low, high) or frozen scipy distribution, optional
        Money for a million tokens of the allowance; what its usage costs on average where it is not said.
    beyond : {"pay", "block", "rollover"}
        What happens beyond it.
    where : mapping
        Globs over columns of the usage: whose it is, such as ``{"project": "search"}``.
    per : str, optional
        A column whose values each have an allowance of that size of their own: ``"project"``.
    environment, department, project, cost_category, cost_center, gl_account, start, end, currency, stated_on
        As of :class:`scenarios.Fixed`. A month that the line covers in part has its part of the allowance and of the
        usage, by days; so has each part of a calendar month that a calendar of weeks cuts.
    """

    KIND: ClassVar[str] = "Allowance"

    _: KW_ONLY
    tokens: Dated | None = None
    amount: Dated | None = None
    price: Uncertain | None = None
    beyond: Beyond = "pay"
    where: Mapping[str, str] = field(default_factory=dict)
    per: str | None = None

    def check(self) -> None:
        """Check what the kind has of its own."""
        one_of(f"{self.told}: beyond", self.beyond, get_args(Beyond), PlanError)
        if (self.tokens is None) == (self.amount is None):
            raise PlanError(f"{self.told}: give its size either as tokens= or as amount= (money) a month")
        if self.price is not None and self.tokens is None:
            raise PlanError(f"{self.told}: price is for a million tokens; an amount of money has none")
        for name in ("tokens", "amount"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, checked_dated(getattr(self, name), f"{self.told}: {name}"))
        self.checked("price", "amount")
        self.checked_where()
        if self.per is not None and (not isinstance(self.per, str) or not self.per.strip()):
            raise PlanError(f"{self.told}: per = {self.per!r}: wanted a column, such as 'project'")

    def describe(self) -> str:
        """In plain words."""
        given = self.tokens if self.tokens is not None else self.amount or 0.0
        size = shown_dated(given) + ("" if self.tokens is None else " tokens")
        whose = ", ".join(f"{c} {p}" for c, p in self.where.items()) or "all usage"
        each = "" if self.per is None else f" for each {self.per}"
        then = {"pay": "more is paid", "block": "more is blocked", "rollover": "what is left rolls over"}[self.beyond]
        return f"{self.name}: {size} a month{each} of {whose}; {then}{self._dates()}"

    def counts(self) -> tuple[Count, ...]:
        """The money of its usage, and its tokens."""
        units = ("cost",) if self.tokens is None else ("cost", TOKENS)
        return tuple(Count(u, tuple(self.where.items()), self.per, f"{self.told}: where") for u in units)

    def money(self, world: World, months: Months, context: Context) -> FloatArray:
        """Money in each month, all its rows together: (draw, month)."""
        return np.asarray(sum(row.money for row in self.rows(world, months, context)))

    def rows(self, world: World, months: Months, context: Context) -> tuple[Row, ...]:
        """What is paid and not used; and what is blocked. With ``per``, a row for each group."""
        self.refuse_currency(context)
        self.in_sight(months)
        cost, used = (context.counted[count] for count in (self.counts()[0], self.counts()[-1]))
        if lacking := set(cost.groups) ^ set(used.groups):
            raise PlanError(
                f"{self.told}: usage of {', '.join(sorted(lacking))} does not tell both tokens and money; give the "
                "allowance as amount=, or narrow it by where"
            )
        share = self.covered(months)[None, :]
        given = self._given(world, months)
        rows: list[Row] = []
        for i, group in enumerate(cost.groups):
            own = self.owner | ({self.per: group} if self.per in OWNER_COLUMNS else {})
            name = self.name if self.per is None else f"{self.name}: {group}"
            bill, usage = cost.values[:, :, i] * share, used.values[:, :, i] * share
            within = _within(given, usage, rolls=self.beyond == "rollover")
            served = bill * np.divide(within, usage, out=np.zeros_like(usage), where=usage > 0)
            rows.append(Row(name, own, given * self._price(world, bill, usage) - served, self.name))
            if self.beyond == "block":
                rows.append(Row(f"{name}: blocked", own, served - bill, self.name))
        return tuple(rows)

    def _given(self, world: World, months: Months) -> FloatArray:
        """The allowance of each month: (draw, month)."""
        out = np.zeros((world.draws, len(months)))
        name = "amount" if self.tokens is None else "tokens"
        for given, window in pieces(getattr(self, name), self.window()):
            part = months.inside(*window) / months.whole
            out += self.draw(world, given, "amount", name)[:, None] * part[None, :]
        return out

    def _price(self, world: World, bill: FloatArray, usage: FloatArray) -> FloatArray:
        """Money for one unit of the allowance: (draw, month), or what broadcasts to it."""
        if self.tokens is None:
            return np.ones((1, 1))
        if self.price is not None:
            return np.asarray(self.draw(world, self.price, "amount", "price")[:, None] / _MILLION)
        if (usage.sum(axis=1) <= 0).any():
            raise PlanError(f"{self.told}: there is no usage to tell what its tokens cost; say price= for a million")
        mean = bill.sum(axis=1, keepdims=True) / usage.sum(axis=1, keepdims=True)
        return np.asarray(np.divide(bill, usage, out=np.broadcast_to(mean, bill.shape).copy(), where=usage > 0))


def _within(given: FloatArray, used: FloatArray, *, rolls: bool) -> FloatArray:
    """What of the usage the allowance serves, with what earlier months left where it rolls over: (draw, month)."""
    if not rolls:
        return np.minimum(given, used)
    out, left = np.zeros_like(used), np.zeros(len(used))
    for month in range(used.shape[1]):
        purse = given[:, month] + left
        out[:, month] = np.minimum(purse, used[:, month])
        left = purse - out[:, month]
    return out
