"""What a workload is: its volume, season, noise, routes and requests. Plain values come in, checked values go out.

Rates are per year, growth and drift are natural logs per month of 30.4375 days, and sizes of noise are standard
deviations of a natural log.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Final

from forecast.errors import TokenplanError, one_of

DAYS_A_MONTH: Final = 30.4375
DAYS_A_YEAR: Final = 365.25


def check(holds: bool, where: str, name: str, value: object, rule: str) -> None:  # noqa: FBT001
    """Raise a TokenplanError unless a rule about one value holds."""
    if not holds:
        raise TokenplanError(f"{where}: {name} = {value!r}: {rule}")


def check_range(item: object, name: str, low: float, high: float) -> None:
    """Raise a TokenplanError unless the number, or each of a tuple of numbers, lies inside [low, high]."""
    value = getattr(item, name)
    inside = all(low <= v <= high for v in (value if isinstance(value, tuple) else (value,)))
    check(inside, type(item).__name__, name, value, f"must lie inside [{low:g}, {high:g}]")


@dataclass(frozen=True, slots=True)
class Route:
    """Where a share of a workload's requests is sent: a model and a service tier. Shares are relative weights."""

    model: str
    share: float = 1.0
    service_tier: str = "standard"

    def __post_init__(self) -> None:
        check_range(self, "share", 0.0, 1e9)
        one_of("Route: service_tier", self.service_tier, ("standard", "batch"), TokenplanError)


@dataclass(frozen=True, slots=True)
class Season:
    """How a day's volume compares with a plain working day's (1.0), apart from growth and chance.

    ``quiet`` is a working day between 24 December and 1 January, ``month_end`` one of a month's last three working
    days, ``year`` the log amplitude of a yearly wave that peaks on day ``year_peak``.
    """

    saturday: float = 0.6
    sunday: float = 0.5
    holiday: float = 0.5
    quiet: float = 0.8
    month_end: float = 1.0
    year: float = 0.0
    year_peak: int = 320

    def __post_init__(self) -> None:
        for name in ("saturday", "sunday", "holiday", "quiet", "month_end"):
            check_range(self, name, 1e-4, 10.0)
        check_range(self, "year", 0.0, 2.0)
        check_range(self, "year_peak", 1, 366)


@dataclass(frozen=True, slots=True)
class Noise:
    """What chance does to a workload's volume.

    Attributes
    ----------
    sd, persistence, tails
        An autoregression of first order on the log: its standard deviation, its coefficient, and the degrees of
        freedom of its Student innovations (0: normal).
    burst_rate, burst_size, burst_decay
        Bursts begin at a rate a year, add an exponential log size of that mean, and keep that fraction a day.
    active, active_persistence
        The fraction of days on which anything happens, and the autocorrelation of being active.
    loading
        How much of the organisation's shared day-to-day movement the workload feels.
    level_sd, growth_sd
        Random walk of the log level, per square root of a month; and the standard deviation of growth around its
        mean, which it forgets with a half-life of half a year.
    step_rate, step_sd
        Lasting level shifts at unknown dates: rate a year, and scale of their (Student, 4) log size.
    """

    sd: float = 0.1
    persistence: float = 0.3
    tails: float = 0.0
    burst_rate: float = 0.0
    burst_size: float = 1.0
    burst_decay: float = 0.5
    active: float = 1.0
    active_persistence: float = 0.3
    loading: float = 1.0
    level_sd: float = 0.0
    growth_sd: float = 0.0
    step_rate: float = 0.0
    step_sd: float = 0.3

    def __post_init__(self) -> None:
        for name in ("sd", "burst_size", "loading", "level_sd", "growth_sd", "step_sd"):
            check_range(self, name, 0.0, 3.0)
        for name in ("persistence", "burst_decay", "active_persistence"):
            check_range(self, name, 0.0, 0.999)
        for name in ("burst_rate", "step_rate"):
            check_range(self, name, 0.0, DAYS_A_YEAR)
        check_range(self, "active", 0.0, 1.0)
        check(self.tails == 0 or self.tails > 2, "Noise", "tails", self.tails, "must be 0 (normal) or above 2")


@dataclass(frozen=True, slots=True)
class Tokens:
    """Units a request: the trace's joint distribution of context and generated tokens, scaled.

    ``context`` and ``output`` multiply the trace's tokens; ``drift`` is the log growth a month of context; ``sd`` is
    the day-to-day and ``walk_sd`` the lasting (per square root of a month) movement of either. Of the context,
    ``cache_read`` is read from a cache from ``cache_from`` on, and ``cache_write`` is written to it where the model
    charges for that.
    """

    context: float = 1.0
    output: float = 1.0
    drift: float = 0.0
    sd: float = 0.03
    walk_sd: float = 0.0
    cache_read: float = 0.0
    cache_write: float = 0.0
    cache_from: dt.date | None = None

    def __post_init__(self) -> None:
        for name in ("context", "output"):
            check_range(self, name, 0.01, 1000.0)
        check_range(self, "drift", -0.2, 0.2)
        for name in ("sd", "walk_sd"):
            check_range(self, name, 0.0, 1.0)
        for name in ("cache_read", "cache_write"):
            check_range(self, name, 0.0, 0.9)
        both = self.cache_read + self.cache_write
        check(both <= 0.95, "Tokens", "cache_read + cache_write", both, "must leave 5 % of the context uncached")


@dataclass(frozen=True, slots=True)
class Workload:
    """One environment of one project: its volume, where it is sent, and the size of its requests.

    ``level`` is requests on a plain working day at the organisation's start (or what it would have been, for a later
    launch); ``growth`` its mean log growth a month.
    """

    project: str
    environment: str
    routes: tuple[Route, ...]
    level: float
    growth: float = 0.0
    department: str | None = None
    season: Season = field(default_factory=Season)
    noise: Noise = field(default_factory=Noise)
    tokens: Tokens = field(default_factory=Tokens)
    launch: dt.date | None = None
    ramp_days: float = 30.0
    retirement: dt.date | None = None
    wind_down_days: int = 21

    @property
    def key(self) -> str:
        """The name its random streams and rows of truth go by."""
        return f"{self.project}/{self.environment}"

    def __post_init__(self) -> None:
        where = f"Workload {self.key}"
        check(bool(self.routes), where, "routes", self.routes, "needs at least one route")
        check(sum(r.share for r in self.routes) > 0, where, "routes", self.routes, "the shares are all 0")
        check(0 < self.level <= 1e9, where, "level", self.level, "must lie inside (0, 1e9] requests a day")
        check(abs(self.growth) <= 0.5, where, "growth", self.growth, "must lie inside [-0.5, 0.5] a month")
        check(self.ramp_days > 0, where, "ramp_days", self.ramp_days, "must be above 0")
        check(self.wind_down_days > 0, where, "wind_down_days", self.wind_down_days, "must be above 0")
        targets = [(r.model, r.service_tier) for r in self.routes]
        check(len(set(targets)) == len(targets), where, "routes", targets, "name each model and tier once")
