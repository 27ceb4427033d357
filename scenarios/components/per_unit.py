"""Lines by the unit. Comes in: how many seats, heads, requests or machines, at what price. Goes out: money a month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import ClassVar, Final

import numpy as np

from forecast import ranges, schema
from forecast.errors import PlanError, one_of
from forecast.panel import FloatArray
from forecast.ranges import Uncertain
from scenarios.changes import World
from scenarios.components.base import Context, Count, Months, shown_amount
from scenarios.components.dated import Dated, checked_dated, pieces, shown_dated
from scenarios.components.escalating import Escalating

#: Seconds of an hour, and hours of a day.
_SECONDS: Final = 3_600.0
_HOURS: Final = 24.0
TOKENS: Final = "total_tokens"
#: What usage may be counted by.
UNITS: Final = tuple(dict.fromkeys((schema.REQUESTS, TOKENS, *schema.UNITS)))


@dataclass(frozen=True, slots=True)
class PerUnit(Escalating):
    """A line that costs by the unit: seats, head count, gigabytes, requests, or the GPU hours that they take.

    A count that is stated (seats) costs count · price a month, by days. A count of usage (``"requests"``) costs
    usage / ``per`` · price. With ``throughput`` that usage is served by machines of one's own:

    GPU hours = usage / (throughput · 3,600 · utilisation), kept from ``min_machines`` to ``max_machines`` times the
    hours of the month, at ``price`` an hour.

    Parameters
    ----------
    name : str
    count : number, between(low, high), distribution, mapping of dates to these, or str
        How many a month; by date, each holds from its day on until the next, and nothing before the first. Or what is
        counted of the usage: ``"requests"``, ``"total_tokens"`` or a unit such as ``"output_tokens"``.
    price : number, between(low, high) or frozen scipy distribution
        Money a unit and month where the count is stated; for ``per`` units of usage; or for a GPU hour.
    per : float
        How many units of usage a price is for: 1_000_000 for tokens by the million.
    throughput : number, between(low, high) or frozen scipy distribution, optional
        Units of usage that one GPU serves a second when it works.
    utilisation : number, between(low, high) or frozen scipy distribution
        The share of paid hours in which machines work, over a month with its nights and peaks.
    min_machines, max_machines : float
        Auto-scaling: GPUs that are paid even when idle, and the most that there are. What more usage would take is not
        served, and costs nothing.
    where : mapping, optional
        Globs over columns of the usage, for a count of usage: ``{"model": "llama*", "project": "search"}``.
    escalation, escalates_on
        As of :class:`scenarios.Fixed`.
    environment, department, project, cost_category, cost_center, gl_account, start, end, currency, stated_on
        As of :class:`scenarios.Fixed`.

    Notes
    -----
    Usage that is served by machines of one's own must not be priced by the token as well: give its model the price 0 in
    the price book, so that it is not paid twice.
    """

    KIND: ClassVar[str] = "PerUnit"

    count: Dated | str
    _: KW_ONLY
    price: Uncertain
    per: float = 1.0
    throughput: Uncertain | None = None
    utilisation: Uncertain = 1.0
    min_machines: float = 0.0
    max_machines: float | None = None
    where: Mapping[str, str] = field(default_factory=dict)

    def check(self) -> None:
        """Check what the kind has of its own."""
        self.checked("price", "amount")
        self._check_count()
        self.checked_where()
        self.checked("throughput", "amount")
        self.checked("utilisation", "share")
        for name, value in (("throughput", self.throughput), ("utilisation", self.utilisation)):
            if value is not None and 0.0 in ranges.ends(value):
                raise PlanError(f"{self.told}: {name} = 0: machines that serve nothing cannot serve the usage")
        _positive(self.per, f"{self.told}: per")
        if not isinstance(self.count, str) and (self.where or self.per != 1.0 or self.throughput is not None):
            raise PlanError(f"{self.told}: where, per and throughput are of a count of usage, such as count='requests'")
        if self.throughput is None and (self.min_machines or self.max_machines is not None or self.utilisation != 1.0):
            raise PlanError(f"{self.told}: machines and utilisation need a throughput: what one GPU serves a second")
        if self.throughput is not None and self.per != 1.0:
            raise PlanError(f"{self.told}: per = {self.per:g}: with a throughput, the price is for a GPU hour")
        self._check_machines()
        Escalating.check(self)

    def _check_count(self) -> None:
        what = f"{self.told}: count"
        if isinstance(self.count, str):
            one_of(what, self.count, UNITS, PlanError)
        else:
            object.__setattr__(self, "count", checked_dated(self.count, what))

    def _check_machines(self) -> None:
        most = np.inf if self.max_machines is None else self.max_machines
        for name, value in (("min_machines", self.min_machines), ("max_machines", most)):
            if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
                raise PlanError(f"{self.told}: {name} = {value!r}: wanted a number of GPUs from 0 up")
        if self.min_machines > most:
            raise PlanError(f"{self.told}: min_machines = {self.min_machines:g} is above max_machines = {most:g}")

    def describe(self) -> str:
        """In plain words."""
        if isinstance(self.count, str):
            each = "" if self.per == 1.0 else f" {self.per:,g}"
            sold = "a GPU hour" if self.throughput is not None else f"for{each} {self.count}"
            price = f"{shown_amount(self.price)} {sold}"
            return f"{self.name}: {price}{self._served()}{self._dates()}{self._rises()}"
        many = shown_dated(self.count)
        price = shown_amount(self.price)
        return f"{self.name}: {many} at {price} each a month{self._dates()}{self._rises()}"

    def _served(self) -> str:
        if self.throughput is None:
            return ""
        most = "" if self.max_machines is None else f", {self.max_machines:g} GPUs at most"
        return (
            f", {shown_amount(self.throughput)} {self.count} a GPU and second at a utilisation of "
            f"{ranges.shown(self.utilisation, 'share')}, {self.min_machines:g} GPUs at least{most}"
        )

    def counts(self) -> tuple[Count, ...]:
        """The usage that it counts."""
        if not isinstance(self.count, str):
            return ()
        return (Count(self.count, tuple(self.where.items()), what=f"{self.told}: where"),)

    def money(self, world: World, months: Months, context: Context) -> FloatArray:
        """Money in each month: (draw, month)."""
        price = self.draw(world, self.price, "amount", "price")[:, None]
        return np.asarray(price * self.quantity(world, months, context))

    def quantity(self, world: World, months: Months, context: Context) -> FloatArray:
        """Units that a price is paid for, times what it has risen: (draw, month)."""
        if not isinstance(self.count, str):
            out = np.zeros((world.draws, len(months)))
            for many, window in pieces(self.count, self.window()):
                out += self.draw(world, many, "amount", "count")[:, None] * self.escalated(world, months, window)
            return out
        risen = self.escalated(world, months)
        part = self.exposure(months)
        # Of a month that is covered in part, the part of its usage and of the rise, by days.
        share = self.covered(months)
        rise = np.divide(risen, part[None, :], out=np.zeros_like(risen), where=part > 0)
        used = context.counted[self.counts()[0]].all * share
        if self.throughput is None:
            return np.asarray(used / self.per * rise)
        return np.asarray(self._hours(world, used, months) * rise)

    def _hours(self, world: World, used: FloatArray, months: Months) -> FloatArray:
        served = self.draw(world, self.throughput or 1.0, "amount", "throughput")
        busy = self.draw(world, self.utilisation, "share", "utilisation")
        hours = used / (served * busy * _SECONDS)[:, None]
        there = months.inside(self.first_day, self.last_day) * _HOURS
        most = np.inf if self.max_machines is None else self.max_machines
        return np.clip(hours, self.min_machines * there, np.where(there > 0, most * np.maximum(there, 1.0), 0.0))


def _positive(value: object, what: str) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < np.inf:
        raise PlanError(f"{what} = {value!r}: wanted a number above 0")
