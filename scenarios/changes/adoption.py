"""Adoption and head-count: changes of volume. Comes in: who uses it, now and later. Goes out: volume that follows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar, Final, get_args

import numpy as np
import pandas as pd

from forecast import ranges
from forecast.calendars import date_of
from forecast.errors import ScenarioError, nearest, one_of
from forecast.panel import FloatArray
from forecast.periods import MONTH_DAYS
from forecast.ranges import Uncertain
from forecast.shown import short_repr
from scenarios.changes.base import Day, Stage, Step, checked, checked_where, key_of, told, told_where
from scenarios.changes.flows import Flows, Term
from scenarios.changes.growth import Basis, checked_rate, curve, grown, told_basis
from scenarios.changes.growth_curves import drawn_above
from scenarios.changes.scene import Scene

#: Days of the year that rates of adoption are told by.
YEAR_DAYS: Final = 12 * MONTH_DAYS


@dataclass(frozen=True, slots=True)
class Adoption:
    """Users who take something up, by Bass's curve: volume is users times requests a user.

    F, the part of the market that uses it, follows ``F' = (p + q · F) · (1 - F)`` from ``users / market`` at the as-of
    date. With F0 that part, t in years and u = exp(-(p + q) · t),

        F(t) = (p + q · F0 - p · (1 - F0) · u) / (p + q · F0 + q · (1 - F0) · u)

    and volume is multiplied by ``F(t) / F0 · (1 + h) ** months``, h the growth a month of requests a user
    (Bass 1969, doi:10.1287/mnsc.15.5.215). The numbers are drawn once a path.

    Parameters
    ----------
    users : float
        Who use it at the as-of date.
    market : number, between(low, high) or frozen scipy distribution
        Who may ever use it, above ``users``. A range is log-normal in what it lies above them.
    innovation, imitation : number, between(low, high) or frozen scipy distribution
        p and q, a year: who begin by themselves, and by the example of others. Ranges are log-normal.
    per_user_monthly : number, between(low, high) or frozen scipy distribution
        Growth a month of requests a user.
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

    users: float
    market: Uncertain
    innovation: Uncertain
    imitation: Uncertain
    per_user_monthly: Uncertain = 0.0
    where: Mapping[str, str] = field(default_factory=dict)
    basis: Basis = "total"
    per: str = "all"
    name: str | None = None

    def __post_init__(self) -> None:
        """Check users, market and rates."""
        if isinstance(self.users, bool) or not isinstance(self.users, int | float) or not 0 < self.users < np.inf:
            raise ScenarioError(f"Adoption.users = {self.users!r}: wanted how many use it now, above 0")
        checked(self, "market", "amount")
        if ranges.least(self.market) <= self.users:
            raise ScenarioError(
                f"Adoption.market = {told(self.market, 'amount')}: must lie above the {self.users:,g} users of today"
            )
        checked(self, "innovation", "amount")
        checked(self, "imitation", "amount")
        if self.innovation == 0 and self.imitation == 0:
            raise ScenarioError("Adoption: innovation and imitation are both 0, so nobody would ever begin")
        checked_rate(self, "per_user_monthly")
        checked_where(self)
        one_of("Adoption.basis", self.basis, get_args(Basis), ScenarioError)

    @property
    def key(self) -> str:
        """Names the random numbers."""
        return key_of("adoption", self.name, self.basis, self.where)

    def describe(self) -> str:
        """In plain words."""
        each = (
            "" if self.per_user_monthly == 0 else f", each {told(self.per_user_monthly, 'relative')} requests a month"
        )
        return (
            f"volume of {told_where(self.where)} follows its users, from {self.users:,g} of a market of "
            f"{told(self.market, 'amount')} by Bass's curve (p {_rate(self.innovation)}, q {_rate(self.imitation)} a "
            f"year){each} {told_basis(self.basis)}"
        )

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Let volume follow users."""
        elapsed = scene.clock.elapsed

        def factor(group: str) -> Term:
            market = drawn_above(scene, self.key, self.market, self.users, "market", group, what="Adoption.market")
            first = self.users / market
            p = scene.draw(self.key, self.innovation, "amount", "innovation", group)
            q = scene.draw(self.key, self.imitation, "amount", "imitation", group)
            each = np.log1p(scene.draw(self.key, self.per_user_monthly, "relative", "per_user_monthly", group))

            def value(draws: np.ndarray) -> FloatArray:
                now = first[draws][:, None]
                part = adopted(now, p[draws][:, None], q[draws][:, None], elapsed[None, :] / YEAR_DAYS)
                return np.asarray(part / now * np.exp(each[draws][:, None] * elapsed[None, :] / MONTH_DAYS))

            return curve(value)

        return grown(flows, scene, factor, where=self.where, basis=self.basis, per=self.per, what="Adoption")


def adopted(now: FloatArray, p: FloatArray, q: FloatArray, time: FloatArray) -> FloatArray:
    """The part of a market that has adopted after ``time``, from the part ``now``: Bass's curve in closed form.

    ``p`` and ``q`` are per unit of ``time``; shapes broadcast.
    """
    left = (1.0 - now) * np.exp(-(p + q) * time)
    return np.asarray((p + q * now - p * left) / (p + q * now + q * left))


@dataclass(frozen=True, slots=True)
class Heads:
    """A row of a plan of people or customers: how many there are on a date.

    Parameters
    ----------
    date : date
    number : float, optional
        How many; with a range its median.
    p10, p90 : float, optional
        A range, log-normal on either side of its median.
    """

    __repr__ = short_repr

    date: Day
    number: float | None = None
    p10: float | None = None
    p90: float | None = None

    def __post_init__(self) -> None:
        """Check date, number and range."""
        object.__setattr__(self, "date", date_of(self.date, "Headcount: date", ScenarioError))
        what = f"Headcount on {self.day:%Y-%m-%d}"
        if (self.p10 is None) != (self.p90 is None) or (self.number is None and self.p10 is None):
            raise ScenarioError(f"{what}: give number=, or a range as p10= and p90=, or all three")
        for name in ("number", "p10", "p90"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
                raise ScenarioError(f"{what}: {name} = {value!r}: wanted a number")
        if self.p10 is None or self.p90 is None:
            if self.number is not None and not 0 <= self.number < np.inf:
                raise ScenarioError(f"{what}: number = {self.number:g}: wanted 0 or more")
            return
        middle = self.p10 if self.number is None else self.number
        if not 0 < self.p10 <= middle <= self.p90 < np.inf:
            raise ScenarioError(
                f"{what}: p10 = {self.p10:g}, {'' if self.number is None else f'number = {self.number:g}, '}"
                f"p90 = {self.p90:g}: wanted 0 < p10 ≤ number ≤ p90"
            )

    @property
    def day(self) -> pd.Timestamp:
        """The date."""
        return pd.Timestamp(self.date)

    def at(self, score: FloatArray) -> FloatArray:
        """How many at a standard normal score: (draw,)."""
        if self.p10 is None or self.p90 is None:
            assert self.number is not None
            return np.full(score.shape, float(self.number))
        low, high = np.log(self.p10), np.log(self.p90)
        middle = (low + high) / 2 if self.number is None else np.log(self.number)
        spread = np.where(score > 0, high - middle, middle - low)
        return np.asarray(np.exp(middle + spread / ranges.Z90 * score))


@dataclass(frozen=True, slots=True)
class Headcount:
    """Volume that follows a plan of heads: people, seats or customers.

    With N(t) the number on day t, in straight lines between the dates of the table and the last number after them,
    volume is multiplied by ``N(t) / N(as-of) · (1 + h) ** months``, h the growth a month of requests a head. One
    quantile is drawn for the whole table: a path that has many heads at one date has many at all.

    Parameters
    ----------
    table : sequence of Heads
        Or of mappings with their fields: ``{"date": "2027-01-01", "number": 120, "p10": 110, "p90": 140}``. Dates run
        upwards, the first on or before the as-of date.
    per_head_monthly : number, between(low, high) or frozen scipy distribution
        Growth a month of requests a head.
    where : mapping, optional
        Globs over workload columns; all workloads if absent.
    basis : {"total", "extra"}
        ``"total"`` stands in place of the forecast's own trend; ``"extra"`` multiplies what is forecast.
    name : str, optional
    """

    __repr__ = short_repr

    stage: ClassVar[Stage] = "volume"
    step: ClassVar[Step] = "volume"
    drawn: ClassVar[Mapping[str, str]] = {"table": "heads"}

    table: Sequence[Heads]
    per_head_monthly: Uncertain = 0.0
    where: Mapping[str, str] = field(default_factory=dict)
    basis: Basis = "total"
    name: str | None = None

    def __post_init__(self) -> None:
        """Check the table."""
        object.__setattr__(self, "table", _table(self.table))
        checked_rate(self, "per_head_monthly")
        checked_where(self)
        one_of("Headcount.basis", self.basis, get_args(Basis), ScenarioError)

    @property
    def key(self) -> str:
        """Names the random numbers."""
        return key_of("headcount", self.name, self.basis, self.where)

    def describe(self) -> str:
        """In plain words."""
        rows = [f"{_told(one)} on {one.day:%Y-%m-%d}" for one in self.table]
        listed = ", ".join(rows if len(rows) <= 6 else [*rows[:3], f"{len(rows) - 4} dates more", rows[-1]])
        each = (
            "" if self.per_head_monthly == 0 else f", each {told(self.per_head_monthly, 'relative')} requests a month"
        )
        return f"volume of {told_where(self.where)} follows heads: {listed} and after{each} {told_basis(self.basis)}"

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Let volume follow heads."""
        from scipy.special import ndtri

        now, later = self._heads(ndtri(scene.world.uniform(self.key, "all", "heads")), scene)
        elapsed = scene.clock.elapsed
        each = np.log1p(scene.draw(self.key, self.per_head_monthly, "relative", "per_head_monthly")) / MONTH_DAYS

        def value(draws: np.ndarray) -> FloatArray:
            return np.asarray(later[draws] / now[draws] * np.exp(each[draws][:, None] * elapsed[None, :]))

        made = curve(value)
        return grown(flows, scene, lambda _: made, where=self.where, basis=self.basis, per="all", what="Headcount")

    def _heads(self, score: FloatArray, scene: Scene) -> tuple[FloatArray, FloatArray]:
        """How many at the as-of date (draw, 1), and in each period (draw, period)."""
        clock = scene.clock
        first, last = self.table[0].day, self.table[-1].day
        if first > clock.as_of:
            raise ScenarioError(
                f"Headcount.table begins on {first:%Y-%m-%d}, after the as-of date {clock.as_of:%Y-%m-%d}: add a row "
                "of the heads on or before it"
            )
        if last <= clock.as_of:
            raise ScenarioError(
                f"Headcount.table ends on {last:%Y-%m-%d}, on or before the as-of date {clock.as_of:%Y-%m-%d}: it says "
                "nothing of the horizon"
            )
        known = np.stack([one.at(score) for one in self.table], axis=1)
        own = pd.date_range(clock.as_of, clock.first, inclusive="left")
        now = (known @ _weights(self.table, own)).mean(axis=1, keepdims=True)
        if (now <= 0).any():
            raise ScenarioError(f"Headcount.table: there are 0 heads on the as-of date {clock.as_of:%Y-%m-%d}")
        return now, clock.mean(known @ _weights(self.table, clock.daily))


def _table(given: object) -> tuple[Heads, ...]:
    """The rows of a table, checked."""
    if isinstance(given, str | Mapping) or not isinstance(given, Sequence) or not given:
        raise ScenarioError(
            f"Headcount.table = {given!r}: wanted rows, such as [{{'date': '2027-01-01', 'number': 120}}]"
        )
    names = tuple(Heads.__dataclass_fields__)
    rows = []
    for one in given:
        if isinstance(one, Mapping):
            for name in one:
                if name not in names:
                    raise ScenarioError(
                        f"Headcount.table: {name!r} is not known; rows have {', '.join(names)}{nearest(name, names)}"
                    )
            if "date" not in one:
                raise ScenarioError(f"Headcount.table: {dict(one)!r} has no date")
            rows.append(Heads(**one))
        elif isinstance(one, Heads):
            rows.append(one)
        else:
            raise ScenarioError(f"Headcount.table holds {one!r}: wanted Heads(date=, number=)")
    for before, after in pairwise(rows):
        if after.day <= before.day:
            raise ScenarioError(
                f"Headcount.table: {after.day:%Y-%m-%d} stands after {before.day:%Y-%m-%d}: dates must run upwards"
            )
    return tuple(rows)


def _weights(table: Sequence[Heads], days: pd.DatetimeIndex) -> FloatArray:
    """What each row counts on each day, in straight lines between dates: (row, day)."""
    dates = np.array([(one.day - days[0]) / pd.Timedelta(days=1) for one in table])
    at = np.arange(len(days), dtype="float64")
    return np.stack([np.interp(at, dates, unit) for unit in np.eye(len(dates))])


def _rate(value: Uncertain) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _told(one: Heads) -> str:
    number = "" if one.number is None else f"{one.number:,g}"
    spread = "" if one.p10 is None or one.p90 is None else f"{one.p10:,g} to {one.p90:,g} (P10-P90)"
    return f"{number}, {spread}" if number and spread else number or spread
