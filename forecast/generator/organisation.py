"""What an organisation is: workloads, models, prices, events. Plain values come in, checked values go out.

Prices are in the currency per million tokens.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, fields
from decimal import Decimal
from typing import Any, Final, Literal, get_args

from forecast import schema
from forecast.errors import TokenplanError, nearest, one_of
from forecast.generator.workload import DAYS_A_YEAR, Workload, check, check_range

Holidays = Literal["none", "DE", "GB", "US"]
EventKind = Literal["spike", "step"]

#: What a batch request costs of a standard one, at every provider of the sample.
BATCH_PRICE: Final = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class Model:
    """A model of a provider; ``context`` and ``output`` are its tokens a request, relative to the trace's."""

    name: str
    provider: str
    context: float = 1.0
    output: float = 1.0


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs from a date on, per million tokens. A provider without a charge for cache writes has None."""

    model: str
    start: dt.date
    input: Decimal
    output: Decimal
    cache_read: Decimal
    cache_write: Decimal | None = None

    def __post_init__(self) -> None:
        for name in ("input", "output", "cache_read", "cache_write"):
            value = getattr(self, name)
            if value is not None:
                fine = value >= 0 and (value * BATCH_PRICE * 10**6) % 1 == 0
                check(fine, f"Price of {self.model}", name, value, "must be 0 or more, in steps of 0.000002")


@dataclass(frozen=True, slots=True)
class Migration:
    """A share of one model's requests moves to another along a logistic curve.

    ``midpoint`` is when half of what will move has moved in production, ``days`` how long the middle 80 % take;
    other environments go ``lead_days`` earlier, and each workload is early or late by a normal of ``spread_days``.
    """

    source: str
    target: str
    midpoint: dt.date
    days: float = 30.0
    completeness: float = 1.0
    lead_days: int = 0
    spread_days: float = 0.0
    projects: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_range(self, "days", 0.1, 3650.0)
        check_range(self, "completeness", 0.0, 1.0)
        check_range(self, "spread_days", 0.0, 365.0)


@dataclass(frozen=True, slots=True)
class Event:
    """A dated event: a ``spike`` multiplies the volume of ``days`` days by ``factor``, a ``step`` that of all after."""

    kind: EventKind
    on: dt.date
    factor: float
    days: int = 1
    project: str | None = None
    environment: str | None = None
    note: str = ""

    def __post_init__(self) -> None:
        one_of("Event: kind", self.kind, get_args(EventKind), TokenplanError)
        check_range(self, "factor", 1e-3, 1e3)
        check_range(self, "days", 1, 3650)

    def touches(self, workload: Workload) -> bool:
        """Whether the event concerns this workload; a null project or environment is all of them."""
        return self.project in (None, workload.project) and self.environment in (None, workload.environment)


@dataclass(frozen=True, slots=True)
class Discount:
    """What a provider takes off the list price from a date on, as a fraction in steps of 0.0001."""

    provider: str
    rate: Decimal
    start: dt.date

    def __post_init__(self) -> None:
        fine = 0 <= self.rate < 1 and (self.rate * 10_000) % 1 == 0
        check(fine, f"Discount of {self.provider}", "rate", self.rate, "must lie inside [0, 1), in steps of 0.0001")


@dataclass(frozen=True, slots=True)
class Credit:
    """Money that a provider gives back: a row of its own, without tokens. ``amount`` is positive, in whole cents."""

    provider: str
    on: dt.date
    amount: Decimal

    def __post_init__(self) -> None:
        fine = self.amount > 0 and (self.amount * 100) % 1 == 0
        check(fine, f"Credit of {self.provider}", "amount", self.amount, "must be above 0, in whole cents")


@dataclass(frozen=True, slots=True)
class Gap:
    """Days that the export lost, of one provider or project, or of all."""

    on: dt.date
    days: int = 1
    provider: str | None = None
    project: str | None = None


@dataclass(frozen=True, slots=True)
class Shared:
    """What moves all workloads together, each by its own loading: a persistent day factor, and rare shocks."""

    sd: float = 0.0
    persistence: float = 0.7
    shock_rate: float = 0.0
    shock_sd: float = 0.3
    shock_decay: float = 0.5

    def __post_init__(self) -> None:
        for name in ("sd", "shock_sd"):
            check_range(self, name, 0.0, 3.0)
        for name in ("persistence", "shock_decay"):
            check_range(self, name, 0.0, 0.999)
        check_range(self, "shock_rate", 0.0, DAYS_A_YEAR)


@dataclass(frozen=True, slots=True)
class Hazards:
    """Rates a year of what nobody can date beforehand: retirements a workload, price changes and successors a model.

    A price change goes up with ``price_up``; its log size and that of a successor's launch price are normal.
    """

    retirement: float = 0.0
    price_change: float = 0.0
    price_up: float = 0.4
    price_size: float = 0.45
    price_size_sd: float = 0.25
    successor: float = 0.0
    successor_price: float = -0.1
    successor_price_sd: float = 0.4

    def __post_init__(self) -> None:
        for item in fields(self):
            check_range(self, item.name, -2.0 if item.name == "successor_price" else 0.0, 20.0)


@dataclass(frozen=True, slots=True)
class Organisation:
    """Everything that :func:`forecast.generate_usage` needs to know but a seed.

    ``late`` is the share of the last days' requests that the export already holds, the last day last. Unless
    ``write_zeros``, a day without requests has no row, as in a provider's export.
    """

    name: str
    start: dt.date
    end: dt.date
    workloads: tuple[Workload, ...]
    models: tuple[Model, ...]
    prices: tuple[Price, ...]
    migrations: tuple[Migration, ...] = ()
    events: tuple[Event, ...] = ()
    discounts: tuple[Discount, ...] = ()
    credits: tuple[Credit, ...] = ()
    gaps: tuple[Gap, ...] = ()
    late: tuple[float, ...] = ()
    shared: Shared = field(default_factory=Shared)
    hazards: Hazards = field(default_factory=Hazards)
    holidays: Holidays = "US"
    currency: str = "USD"
    mix_sd: float = 0.0
    write_zeros: bool = False

    def __post_init__(self) -> None:
        where = f"Organisation {self.name}"
        check(self.start < self.end, where, "end", self.end, f"must be after start ({self.start})")
        check(bool(self.workloads), where, "workloads", (), "needs at least one workload")
        one_of(f"{where}: holidays", self.holidays, get_args(Holidays), TokenplanError)
        check_range(self, "late", 0.0, 1.0)
        check_range(self, "mix_sd", 0.0, 3.0)
        _unique(where, "workload", [w.key for w in self.workloads])
        _unique(where, "model", [m.name for m in self.models])
        self._check_names(where)
        for model in {r.model for w in self.workloads for r in w.routes}:
            first = min(p.start for p in self.prices if p.model == model)
            check(first <= self.end, where, "prices", first, f"the first price of {model} is after the end")

    def _check_names(self, where: str) -> None:
        models = [m.name for m in self.models]
        projects = sorted({w.project for w in self.workloads})
        environments = sorted({w.environment for w in self.workloads})
        providers = sorted({m.provider for m in self.models})
        priced = {p.model for p in self.prices}
        used: list[tuple[str, str | None, list[str]]] = [
            *(("route to model", r.model, models) for w in self.workloads for r in w.routes),
            *(("price of model", p.model, models) for p in self.prices),
            *(("migration between models", m, models) for x in self.migrations for m in (x.source, x.target)),
            *(("migration of project", p, projects) for x in self.migrations for p in x.projects),
            *(("event in project", e.project, projects) for e in self.events),
            *(("event in environment", e.environment, environments) for e in self.events),
            *(("discount of provider", d.provider, providers) for d in self.discounts),
            *(("credit of provider", c.provider, providers) for c in self.credits),
            *(("gap of provider", g.provider, providers) for g in self.gaps),
            *(("gap of project", g.project, projects) for g in self.gaps),
        ]
        for what, name, allowed in used:
            if name is not None:
                one_of(f"{where}: {what}", name, allowed, TokenplanError)
        for model in self.models:
            if model.name not in priced:
                hint = nearest(model.name, priced)
                raise TokenplanError(f"{where}: model {model.name!r} has no price; give it a first one{hint}")

    @property
    def days(self) -> int:
        """The number of days, both ends included."""
        return (self.end - self.start).days + 1

    @property
    def environments(self) -> tuple[str, ...]:
        """The environments in the order in which workloads name them."""
        return tuple(dict.fromkeys(w.environment for w in self.workloads))

    def provider(self, model: str) -> str:
        """The provider of a model."""
        return next(m.provider for m in self.models if m.name == model)


def _unique(where: str, what: str, names: list[Any]) -> None:
    repeated = sorted({n for n in names if names.count(n) > 1})
    check(not repeated, where, f"{what}s", repeated, "each name may stand once")


#: The columns of a generated export, in the canonical order.
COLUMNS: Final = (
    schema.DATE,
    *schema.KEYS,
    "department",
    "service_tier",
    schema.REQUESTS,
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "billed_cost",
    "list_cost",
    "currency",
    "charge_category",
)
