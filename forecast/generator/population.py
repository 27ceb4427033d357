"""Organisations by the dozen: ranges of parameters and a seed come in, one organisation drawn from them goes out."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import numpy as np

from forecast.generator.organisation import (
    Discount,
    Gap,
    Hazards,
    Holidays,
    Migration,
    Model,
    Organisation,
    Price,
    Shared,
)
from forecast.generator.streams import stream
from forecast.generator.workload import DAYS_A_YEAR, Noise, Route, Season, Tokens, Workload, check, check_range

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A pair (low, high), drawn from uniformly; of positive sizes, on the log scale.
Range = tuple[float, float]

ENVIRONMENTS: Final = ("production", "development", "staging", "test")
#: What other environments' volume is of production's, before its own draw.
_SHARE: Final = {"production": 1.0, "development": 0.4, "staging": 0.22, "test": 0.16}
_PROVIDERS: Final = ("north", "east", "south")
#: How large price changes and successors' launch prices are.
_SIZES: Final = Hazards()


@dataclass(frozen=True, slots=True)
class Population:
    """What to draw an organisation from: how many workloads, and the ranges of what they are like.

    Shares are fractions of workloads (or of days, for ``active``), rates are per year; the other units are those of
    :class:`Workload`, :class:`Noise`, :class:`Season` and :class:`Tokens`.

    Attributes
    ----------
    months, start
        The span: whole calendar months from the first of one.
    workloads, projects
        Workloads are dealt to projects in turn, production first; ``concentration`` is the exponent by which the
        level falls with a project's rank (0: all alike; 2: one project is nearly everything).
    level
        Requests on a working day of the first project's production.
    growth, growth_spread, growth_tails
        Mean, scale and degrees of freedom (Student; 0: normal) of workloads' log growth a month, cut at ±0.12.
    bursty
        The share of workloads that behave like BurstGPT: day-to-day standard deviation near 0.9, bursts, no week.
    intermittent
        The share of other environments' workloads that rest on most days, active on a fraction ``active`` of them.
    launches, retirement_rate
        The share of workloads that start within the span, and the rate at which any is wound down.
    families, price_change_rate, successor_rate
        Models a provider has at first, and rates a year at which each changes price or gets a successor.
    gap_rate, late, write_zeros
        Lost days a year, the reported shares of the last days, and whether days without requests have rows.
    """

    months: int = 36
    start: dt.date = dt.date(2023, 11, 1)
    workloads: int = 24
    projects: int = 6
    concentration: float = 0.7
    level: Range = (20_000.0, 80_000.0)
    growth: float = 0.02
    growth_spread: float = 0.025
    growth_tails: float = 5.0
    growth_sd: Range = (0.0, 0.02)
    level_sd: Range = (0.01, 0.06)
    sd: Range = (0.05, 0.25)
    persistence: Range = (0.1, 0.6)
    tails: float = 6.0
    bursty: float = 0.1
    burst_rate: Range = (0.0, 4.0)
    burst_size: Range = (0.3, 0.8)
    intermittent: float = 0.15
    active: Range = (0.2, 0.7)
    weekend: Range = (0.45, 0.9)
    weekend_development: Range = (0.02, 0.25)
    holiday: Range = (0.35, 0.9)
    month_end: Range = (1.0, 1.1)
    year: Range = (0.0, 0.1)
    holidays: Holidays = "US"
    shared_sd: float = 0.05
    shared_persistence: float = 0.6
    shock_rate: float = 1.0
    shock_sd: float = 0.25
    step_rate: float = 0.25
    step_sd: float = 0.3
    launches: float = 0.15
    ramp_days: Range = (10.0, 90.0)
    retirement_rate: float = 0.03
    families: int = 3
    routes: int = 2
    price_change_rate: float = 0.25
    price_up: float = 0.4
    successor_rate: float = 0.5
    mix_sd: float = 0.1
    batch: float = 0.15
    cache: float = 0.4
    context: Range = (0.5, 6.0)
    output: Range = (0.5, 3.0)
    tokens_sd: Range = (0.02, 0.12)
    tokens_walk: Range = (0.0, 0.03)
    tokens_drift: Range = (-0.005, 0.02)
    gap_rate: float = 0.7
    late: tuple[float, ...] = (0.9, 0.4)
    write_zeros: bool = False

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, tuple) and item.name != "late":
                check(len(value) == 2 and value[0] <= value[1], "Population", item.name, value, "must be [low, high]")
        for name in ("level", "sd", "burst_size", "weekend", "weekend_development", "holiday", "ramp_days", "context"):
            check(getattr(self, name)[0] > 0, "Population", name, getattr(self, name), "must be above 0")
        for name in ("bursty", "intermittent", "launches", "batch", "cache", "price_up"):
            check_range(self, name, 0.0, 1.0)
        for name in ("step_rate", "shock_rate", "retirement_rate", "price_change_rate", "successor_rate", "gap_rate"):
            check_range(self, name, 0.0, 50.0)
        for name, most in (("months", 240), ("workloads", 5000), ("projects", 5000), ("families", 50), ("routes", 6)):
            check_range(self, name, 1, most)
        most_workloads = len(ENVIRONMENTS) * self.projects
        rule = f"at most {len(ENVIRONMENTS)} a project: {most_workloads} for {self.projects} projects"
        check(self.workloads <= most_workloads, "Population", "workloads", self.workloads, rule)
        check(self.start.day == 1, "Population", "start", self.start, "must be the first of a month")

    @property
    def end(self) -> dt.date:
        """The last day of the span."""
        month = self.start.month - 1 + self.months
        return dt.date(self.start.year + month // 12, month % 12 + 1, 1) - dt.timedelta(1)

    def organisation(self, seed: int, name: str = "population") -> Organisation:
        """Draw one; the same seed draws the same, whatever else was drawn before."""
        return _Draw(self, seed).organisation(name)


@dataclass(frozen=True, slots=True)
class _Catalogue:
    """The models that were drawn, with what happened to them."""

    models: list[Model] = field(default_factory=list)
    first: list[str] = field(default_factory=list)
    prices: list[Price] = field(default_factory=list)
    migrations: list[Migration] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Draw:
    population: Population
    seed: int

    def rng(self, *names: object) -> np.random.Generator:
        return stream(self.seed, "population", *names)

    def organisation(self, name: str) -> Organisation:
        p = self.population
        catalogue = self.catalogue()
        keys = [self.place(n) for n in range(p.workloads)]
        ranks = self.rng("ranks").permutation(p.projects)
        workloads = tuple(self.workload(k, int(ranks[k]), e, catalogue.first) for k, e in keys)
        rate = Decimal(int(self.rng("discount").integers(0, 13))) / 100
        return Organisation(
            name=name,
            start=p.start,
            end=p.end,
            workloads=workloads,
            models=tuple(catalogue.models),
            prices=tuple(catalogue.prices),
            migrations=tuple(catalogue.migrations),
            discounts=(Discount(_PROVIDERS[0], rate, p.start),),
            gaps=tuple(self.gaps()),
            late=p.late,
            shared=Shared(p.shared_sd, p.shared_persistence, p.shock_rate, p.shock_sd),
            hazards=Hazards(
                retirement=p.retirement_rate,
                price_change=p.price_change_rate,
                price_up=p.price_up,
                successor=p.successor_rate,
            ),
            holidays=p.holidays,
            mix_sd=p.mix_sd,
            write_zeros=p.write_zeros,
        )

    def place(self, n: int) -> tuple[int, str]:
        """Project and environment of the n-th workload: every project gets production before any gets a second."""
        kind, project = divmod(n, self.population.projects)
        return project, ENVIRONMENTS[kind]

    def date(self, rng: np.random.Generator, low: float = 0.0, high: float = 1.0) -> dt.date:
        days = (self.population.end - self.population.start).days
        return self.population.start + dt.timedelta(int(rng.uniform(low, high) * days))

    def dates(self, rng: np.random.Generator, rate: float) -> list[dt.date]:
        """The dates of a Poisson process of ``rate`` a year over the span, in order."""
        years = (self.population.end - self.population.start).days / DAYS_A_YEAR
        return sorted(self.date(rng) for _ in range(int(rng.poisson(rate * years))))

    def workload(self, project: int, rank: int, environment: str, models: list[str]) -> Workload:
        p, name = self.population, f"project-{project + 1:02d}"
        rng = self.rng("workload", name, environment)
        production = environment == "production"
        level = _log_uniform(rng, p.level) * (1.0 + rank) ** -p.concentration
        level *= _SHARE[environment] * float(np.exp(0.4 * rng.standard_normal()))
        growth = p.growth + p.growth_spread * _student(rng, p.growth_tails)
        bursty = rng.random() < p.bursty
        launch = self.date(rng, 0.1, 0.92) if rng.random() < p.launches else None
        retirement = next(iter(self.dates(rng, p.retirement_rate)), None)
        if launch is not None and retirement is not None and retirement <= launch:
            retirement = None
        return Workload(
            project=name,
            environment=environment,
            department=f"department-{project % max(1, p.projects // 3) + 1:02d}",
            routes=tuple(self.routes(rng, models, batch=production and rng.random() < p.batch)),
            level=max(level, 1.0),
            growth=float(np.clip(growth, -0.12, 0.12)),
            season=self.season(rng, production=production, bursty=bursty),
            noise=self.noise(rng, production=production, bursty=bursty),
            tokens=self.tokens(rng),
            launch=launch,
            ramp_days=_log_uniform(rng, p.ramp_days),
            retirement=retirement,
        )

    def season(self, rng: np.random.Generator, *, production: bool, bursty: bool) -> Season:
        p = self.population
        saturday = rng.uniform(*(p.weekend if production else p.weekend_development))
        holiday = rng.uniform(*p.holiday) if production else saturday
        season = Season(
            saturday=saturday,
            sunday=saturday * rng.uniform(0.75, 1.05),
            holiday=holiday,
            quiet=rng.uniform(0.6, 1.0) if production else rng.uniform(0.2, 0.7),
            month_end=rng.uniform(*p.month_end),
            year=rng.uniform(*p.year),
            year_peak=int(rng.integers(1, 366)),
        )
        return Season(saturday=0.9, sunday=0.85, holiday=0.9, quiet=0.9) if bursty else season

    def noise(self, rng: np.random.Generator, *, production: bool, bursty: bool) -> Noise:
        p = self.population
        resting = not production and rng.random() < p.intermittent
        sd = _log_uniform(rng, p.sd) * (1.0 if production else 1.3)
        return Noise(
            sd=rng.uniform(0.85, 1.15) if bursty else sd,
            persistence=rng.uniform(0.45, 0.65) if bursty else rng.uniform(*p.persistence),
            tails=p.tails,
            burst_rate=rng.uniform(3.0, 10.0) if bursty else rng.uniform(*p.burst_rate),
            burst_size=rng.uniform(0.6, 1.0) if bursty else _log_uniform(rng, p.burst_size),
            burst_decay=rng.uniform(0.3, 0.7),
            active=rng.uniform(*p.active) if resting else 1.0,
            active_persistence=rng.uniform(0.1, 0.6),
            loading=rng.uniform(0.3, 1.5),
            level_sd=rng.uniform(*p.level_sd),
            growth_sd=rng.uniform(*p.growth_sd),
            step_rate=p.step_rate,
            step_sd=p.step_sd,
        )

    def tokens(self, rng: np.random.Generator) -> Tokens:
        p = self.population
        caches = rng.random() < p.cache
        return Tokens(
            context=_log_uniform(rng, p.context),
            output=_log_uniform(rng, p.output),
            drift=rng.uniform(*p.tokens_drift),
            sd=rng.uniform(*p.tokens_sd),
            walk_sd=rng.uniform(*p.tokens_walk),
            cache_read=rng.uniform(0.2, 0.6) if caches else 0.0,
            cache_write=rng.uniform(0.02, 0.1) if caches else 0.0,
            cache_from=self.date(rng, 0.0, 0.7) if caches and rng.random() < 0.5 else None,
        )

    def routes(self, rng: np.random.Generator, models: list[str], *, batch: bool) -> Iterator[Route]:
        count = int(rng.integers(1, self.population.routes + 1))
        chosen = rng.permutation(len(models))[: min(count, len(models))]
        for n, i in enumerate(chosen):
            share = 1.0 / (1.0 + n) * rng.uniform(0.5, 1.5)
            yield Route(models[i], share)
            if batch and n == 0:
                yield Route(models[i], share * rng.uniform(0.3, 1.5), "batch")

    def catalogue(self) -> _Catalogue:
        """Families of models: launch prices, dated changes, and successors with their migrations."""
        p, made = self.population, _Catalogue()
        for provider in _PROVIDERS:
            for family in range(p.families):
                rng = self.rng("family", provider, family)
                price = 0.25 * 4.0 ** float(rng.uniform(0, 2)) * (1.0 + family)
                ratio, write = rng.uniform(3.0, 6.0), provider == _PROVIDERS[1]
                start, source = p.start, None
                for version, day in enumerate([p.start, *self.dates(rng, p.successor_rate)]):
                    name = f"{provider}-{'abcdefghijklmnopqrstuvwxyz'[family % 26]}{version + 1}"
                    verbosity = 1.0 if source is None else float(np.exp(0.15 * rng.standard_normal()))
                    made.models.append(Model(name, provider, output=verbosity))
                    if source is None:
                        made.first.append(name)
                    else:
                        start = day
                        price *= float(np.exp(rng.normal(_SIZES.successor_price, _SIZES.successor_price_sd)))
                        middle = day + dt.timedelta(45)
                        made.migrations.append(
                            Migration(source, name, middle, days=rng.uniform(15.0, 75.0), lead_days=14, spread_days=10)
                        )
                    price = self.priced(made, rng, name, start, price, ratio=ratio, write=write)
                    source = name
        return made

    def priced(
        self,
        made: _Catalogue,
        rng: np.random.Generator,
        model: str,
        start: dt.date,
        price: float,
        *,
        ratio: float,
        write: bool,
    ) -> float:
        """Append a model's prices from its start on; the last of them is what its successor's is measured by."""
        p = self.population
        changes = [d for d in self.dates(rng, p.price_change_rate) if d > start]
        for day in [start, *sorted(set(changes))]:
            if day != start:
                size = abs(float(rng.normal(_SIZES.price_size, _SIZES.price_size_sd)))
                price *= float(np.exp(size if rng.random() < p.price_up else -size))
            price = float(np.clip(price, 0.02, 60.0))
            written = _money(price * 1.25) if write else None
            made.prices.append(Price(model, day, _money(price), _money(price * ratio), _money(price * 0.1), written))
        return price

    def gaps(self) -> Iterator[Gap]:
        rng = self.rng("gaps")
        for day in self.dates(rng, self.population.gap_rate):
            provider = None if rng.random() < 0.4 else _PROVIDERS[int(rng.integers(len(_PROVIDERS)))]
            yield Gap(day, int(rng.integers(1, 4)), provider)


def _log_uniform(rng: np.random.Generator, span: Range) -> float:
    return float(np.exp(rng.uniform(np.log(span[0]), np.log(span[1]))))


def _student(rng: np.random.Generator, tails: float) -> float:
    return float(rng.standard_normal() if tails == 0 else rng.standard_t(tails))


def _money(price: float) -> Decimal:
    """A price per million in whole ten-thousandths."""
    return Decimal(round(price * 10_000)) / 10_000
