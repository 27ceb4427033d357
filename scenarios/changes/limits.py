"""Limits: rate limits and quotas. Comes in: what may pass. Goes out: usage that is clipped to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final, Literal, TypeAlias, get_args

import numpy as np
import pandas as pd

from forecast import ranges, schema
from forecast.errors import ScenarioError, one_of
from forecast.panel import BoolArray, FloatArray, IntArray
from forecast.ranges import Uncertain
from forecast.shown import short_repr
from scenarios.changes.base import (
    Day,
    Stage,
    Step,
    checked,
    checked_term,
    checked_where,
    key_of,
    told,
    told_from,
    told_where,
)
from scenarios.changes.clock import Clock
from scenarios.changes.flows import Flows, Pool, Scope, Term
from scenarios.changes.grouping import grouped
from scenarios.changes.matching import NothingMatchesError
from scenarios.changes.scene import Scene

Every = Literal["minute", "day", "month"]
#: Minutes of a day.
MINUTES: Final = 24 * 60
#: What part of the demand (n, period) of some draws (n,) passes: (n, period).
_Part: TypeAlias = Callable[[IntArray, FloatArray], FloatArray]


@dataclass(frozen=True, slots=True)
class Limit:
    """A cap on requests or tokens: a rate limit a minute, or a quota a day or calendar month.

    What is asked for beyond it is not served, not billed and not made up for later. With D the demand of a day and C
    the cap

        a day       served = min(D, C)
        a minute    served = min(D, C · 1440 / peak)
        a month     served = min(D, what is left of C in that calendar month)

    A month that lies ahead, or is in force, in part has its part of C by days.

    ``peak`` is the busiest minute over the mean minute of its day: the day's shape is kept, and all of it scaled until
    its peak passes, which is the most that a limit a minute can take away. All usage that shares the cap is cut by the
    same part. ``scenarios.clipping.clipped`` shows what is asked for and what is served.

    Parameters
    ----------
    requests, tokens : number, between(low, high) or frozen scipy distribution
        One of the two: how many pass. A range is log-normal, drawn once a path for each cap.
    every : {"minute", "day", "month"}
    peak : float, optional
        Needed with ``every="minute"``: 1 or more.
    units : sequence of str
        Which tokens count, such as ``("input_tokens",)``; all where none is named.
    where : mapping, optional
        Globs over any label column: what shares the cap.
    per : str
        ``"all"``: one cap for the sum; ``"workload"`` or a column, such as ``"model"``: one each.
    on, until : date, optional
        First and last day in force.
    name : str, optional
    """

    __repr__ = short_repr

    stage: ClassVar[Stage] = "limit"
    step: ClassVar[Step] = "volume"
    drawn: ClassVar[Mapping[str, str]] = {"requests": "cap", "tokens": "cap"}

    requests: Uncertain | None = None
    tokens: Uncertain | None = None
    every: Every = "day"
    peak: float | None = None
    units: Sequence[str] = ()
    where: Mapping[str, str] = field(default_factory=dict)
    per: str = "all"
    on: Day | None = None
    until: Day | None = None
    name: str | None = None

    def __post_init__(self) -> None:
        """Check the cap, its period and its dates."""
        if (self.requests is None) == (self.tokens is None):
            raise ScenarioError("Limit: give the cap either as requests= or as tokens=")
        what = "requests" if self.requests is not None else "tokens"
        checked(self, what, "amount")
        if ranges.least(self._cap) <= 0:
            raise ScenarioError(
                f"Limit.{what} = {told(self._cap, 'amount')}: nothing would pass; use Retire to end usage"
            )
        one_of("Limit.every", self.every, get_args(Every), ScenarioError)
        _check_peak(self.peak, self.every)
        if isinstance(self.units, str) or (self.units and self.tokens is None):
            raise ScenarioError(f"Limit.units = {self.units!r}: wanted a list of units beside tokens=")
        for unit in self.units:
            one_of("Limit.units: unit", unit, [u for u in schema.BILLABLE if schema.UNITS[u].token], ScenarioError)
        object.__setattr__(self, "units", tuple(self.units))
        checked_where(self)
        checked_term(self)

    @property
    def key(self) -> str:
        """Names the random numbers."""
        what = "requests" if self.requests is not None else ",".join(("tokens", *self.units))
        return key_of("limit", self.name, what, self.every, self.per, self.on, self.where)

    def describe(self) -> str:
        """In plain words."""
        what = "requests" if self.requests is not None else " and ".join(self.units) or "tokens"
        peak = "" if self.peak is None else f", with a peak minute of {self.peak:g} times the day's mean"
        shared = "" if self.per == "all" else f" for each {self.per}"
        most = ", the whole day scaled until its peak fits: the most that it can take away" if self.peak else ""
        return (
            f"at most {told(self._cap, 'amount')} {what} a {self.every}{shared} of {told_where(self.where)}{peak}"
            f"{told_from(self.on, until=self.until)}; the rest is not served{most}"
        )

    def act(self, flows: Flows, scene: Scene) -> Flows:
        """Clip what passes."""
        on, until = scene.date(self.on, "Limit.on"), scene.date(self.until, "Limit.until")
        rows = scene.matching(flows, self.where, what="Limit.where")
        before = flows
        for name, mine in grouped(flows, rows, self.per, scene, what="Limit"):
            pool = before.pool(self._counted(before, mine))
            cap = scene.draw(self.key, self._cap, "amount", "cap", name)
            flows = flows.times(mine, self._served(pool, cap, scene.clock, on, until))
        return flows

    def _counted(self, flows: Flows, mine: BoolArray) -> BoolArray:
        """Of some flows, those that count towards the cap."""
        if self.requests is not None:
            counts = mine & flows.volume
            other = counts & np.asarray(flows.labels["volume_unit"] != schema.REQUESTS)
            if other.any():
                own = {c: v for c, v in flows.labels[other].iloc[0].items() if c in ("environment", "project")}
                raise ScenarioError(
                    f"Limit.requests: the workload {', '.join(f'{c}={v}' for c, v in own.items())} has no requests in "
                    "the usage; cap its tokens, or narrow where="
                )
            return counts
        counts = mine & flows.tokens
        if self.units:
            counts &= np.asarray(flows.labels["unit"].isin(list(self.units)))
        if not counts.any():
            wanted = " or ".join(self.units) or "tokens"
            raise NothingMatchesError(f"Limit.tokens: {told_where(self.where)} has no {wanted}")
        return counts

    def _served(
        self, pool: Pool, cap: FloatArray, clock: Clock, on: pd.Timestamp | None, until: pd.Timestamp | None
    ) -> Term:
        """The part of the demand that passes."""
        force = clock.share(on, until)
        if self.every == "month":
            month, share = _months(clock, on, until)
            passes = _by_month(cap, month, share, force)
        else:
            passes = _by_day(cap if self.every == "day" else cap * MINUTES / (self.peak or 1.0), clock.days)

        def value(scope: Scope) -> FloatArray:
            part = passes(scope.draws, scope.quantity(pool))
            # Where it is in force for a part of a period: the mean of its days with and without.
            return np.where(force == 1.0, part, 1.0 - force * (1.0 - part))

        return Term(value)

    @property
    def _cap(self) -> Uncertain:
        cap = self.requests if self.tokens is None else self.tokens
        assert cap is not None
        return cap


def _by_day(cap: FloatArray, days: FloatArray) -> _Part:
    """What part of each period's demand passes a cap a day: ``cap`` (draw,), ``days`` (period,)."""

    def part(draws: IntArray, demand: FloatArray) -> FloatArray:
        return _ratio(np.minimum(demand, cap[draws][:, None] * days[None, :]), demand)

    return part


def _by_month(cap: FloatArray, month: IntArray, share: FloatArray, force: FloatArray) -> _Part:
    """What part of each period's demand passes a quota that each month uses up.

    ``cap`` (draw,); ``month`` (period,) counts months from 0; ``share`` (month,) is the part of each that the quota is
    in force; ``force`` (period,) is 1 on days that it is in force.
    """

    def part(draws: IntArray, demand: FloatArray) -> FloatArray:
        counted = demand * force
        served = np.empty_like(counted)
        for m, whole in enumerate(share):
            mine = month == m
            used = np.cumsum(counted[:, mine], axis=1) - counted[:, mine]
            left = np.maximum(cap[draws][:, None] * whole - used, 0.0)
            served[:, mine] = np.minimum(counted[:, mine], left)
        return _ratio(served, counted)

    return part


def _ratio(served: FloatArray, demand: FloatArray) -> FloatArray:
    return np.divide(served, demand, out=np.ones_like(demand), where=demand > 0)


def _months(clock: Clock, on: pd.Timestamp | None, until: pd.Timestamp | None) -> tuple[IntArray, FloatArray]:
    """The month of each period, counted from 0, and the part of each month that lies ahead and in force."""
    month = clock.periods.to_period("M")
    every = pd.period_range(month[0], month[-1], freq="M")
    days = pd.date_range(every[0].start_time, every[-1].end_time.normalize())
    counts = (days >= clock.first) & (True if on is None else days >= on) & (True if until is None else days <= until)
    of = np.asarray(days.to_period("M").year * 12 + days.to_period("M").month)
    of = of - of[0]
    share = np.bincount(of, weights=counts) / np.bincount(of)
    code = np.asarray(month.year * 12 + month.month)
    return (code - code[0]).astype(np.intp), np.asarray(share, dtype="float64")


def _check_peak(peak: float | None, every: Every) -> None:
    if every == "minute" and peak is None:
        raise ScenarioError(
            "Limit: a limit a minute needs peak=, the busiest minute over the mean minute of its day, 1 or more"
        )
    if peak is None:
        return
    if every != "minute":
        raise ScenarioError(f"Limit: peak= goes with every='minute', not with every={every!r}")
    if isinstance(peak, bool) or not isinstance(peak, int | float) or not 1 <= peak <= MINUTES:
        raise ScenarioError(f"Limit.peak = {peak!r}: wanted the busiest minute over the mean minute, 1 to {MINUTES:,}")
