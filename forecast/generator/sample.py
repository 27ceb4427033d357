"""The sample organisation: nothing comes in, the Organisation behind data/samples/organisation_daily.csv goes out.

Eighteen months of five projects in four environments. Its models are real, and their list prices those that
genai-prices 0.2.3 (MIT) holds at their dates; its projects, volumes and events are made up.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from forecast.generator.organisation import Credit, Discount, Event, Gap, Migration, Model, Organisation, Price, Shared
from forecast.generator.workload import Noise, Route, Season, Tokens, Workload

NAME: Final = "sample"

_MODELS: Final = (
    Model("gpt-4.1", "openai"),
    Model("gpt-5-mini", "openai", output=1.3),
    Model("gpt-5.6-terra", "openai", output=1.1),
    Model("claude-sonnet-4-5", "anthropic", context=1.05),
    Model("claude-sonnet-5", "anthropic", context=1.05, output=1.15),
    Model("gemini-2.5-flash", "google"),
    Model("gemini-3.6-flash", "google", output=0.9),
)


def _price(model: str, start: str, input_: str, output: str, cache_read: str, cache_write: str | None = None) -> Price:
    write = None if cache_write is None else Decimal(cache_write)
    return Price(model, dt.date.fromisoformat(start), Decimal(input_), Decimal(output), Decimal(cache_read), write)


#: USD per million tokens, each from the day on which the sample first uses the model, or the price changed.
_PRICES: Final = (
    _price("gpt-4.1", "2025-05-01", "2", "8", "0.5"),
    _price("gpt-5-mini", "2025-08-07", "0.25", "2", "0.025"),
    _price("gpt-5.6-terra", "2026-07-09", "2.5", "15", "0.25", "3.125"),
    _price("gpt-5.6-terra", "2026-07-30", "2", "12", "0.2", "2.5"),
    _price("claude-sonnet-4-5", "2025-09-29", "3", "15", "0.3", "3.75"),
    _price("claude-sonnet-5", "2026-06-30", "2", "10", "0.2", "2.5"),
    _price("gemini-2.5-flash", "2025-06-17", "0.3", "2.5", "0.03"),
    _price("gemini-3.6-flash", "2026-07-21", "0.75", "3.75", "0.075"),
    _price("gemini-3.6-flash", "2027-01-01", "1.5", "7.5", "0.15"),
)

_MIGRATIONS: Final = (
    Migration("gpt-4.1", "gpt-5-mini", dt.date(2025, 9, 22), days=30, completeness=0.35, lead_days=14,
              projects=("support-assistant",)),
    Migration("gpt-4.1", "gpt-5-mini", dt.date(2025, 10, 13), days=25, completeness=0.9, lead_days=14,
              projects=("ticket-routing",)),
    Migration("gpt-4.1", "claude-sonnet-4-5", dt.date(2025, 11, 17), days=35, completeness=0.85, lead_days=21,
              projects=("code-assistant",)),
    Migration("gpt-4.1", "gpt-5.6-terra", dt.date(2026, 7, 23), days=16, completeness=0.6, lead_days=7,
              projects=("support-assistant", "code-assistant")),
    Migration("claude-sonnet-4-5", "claude-sonnet-5", dt.date(2026, 8, 3), days=30, lead_days=18),
    Migration("gemini-2.5-flash", "gemini-3.6-flash", dt.date(2026, 8, 31), days=25, lead_days=21),
)  # fmt: skip

_EVENTS: Final = (
    Event("spike", dt.date(2025, 11, 28), 2.4, days=4, project="support-assistant", environment="production",
          note="sale weekend"),
    Event("spike", dt.date(2026, 3, 17), 9.0, project="code-assistant", environment="development",
          note="an agent in a loop"),
    Event("step", dt.date(2026, 4, 13), 0.65, project="ticket-routing", note="rules take over the plain cases"),
    Event("spike", dt.date(2026, 5, 20), 0.25, note="network outage"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Project:
    """A project by its production workload; the other environments follow from it."""

    name: str
    department: str
    routes: tuple[Route, ...]
    level: float
    growth: float
    tokens: Tokens
    season: Season
    noise: Noise
    launch: dt.date | None = None
    ramp_days: float = 30.0


_PROJECTS: Final = (
    _Project(
        "support-assistant", "customer-care", (Route("gpt-4.1"),), level=78_000, growth=0.034,
        tokens=Tokens(context=2.0, output=1.2, drift=0.005, cache_read=0.45, cache_write=0.04,
                      cache_from=dt.date(2025, 8, 4)),
        season=Season(saturday=0.82, sunday=0.74, holiday=0.8, quiet=1.1, year=0.06, year_peak=340),
        noise=Noise(sd=0.07, persistence=0.5, level_sd=0.015),
    ),
    _Project(
        "ticket-routing", "customer-care", (Route("gpt-4.1"),), level=64_000, growth=-0.012,
        tokens=Tokens(context=0.8, output=0.25),
        season=Season(saturday=0.62, sunday=0.5, holiday=0.55, quiet=0.85),
        noise=Noise(sd=0.09, persistence=0.4, level_sd=0.01),
    ),
    _Project(
        "code-assistant", "engineering", (Route("gpt-4.1"),), level=12_000, growth=0.042,
        tokens=Tokens(context=6.0, output=3.0, drift=0.008, sd=0.05, cache_read=0.5, cache_write=0.06,
                      cache_from=dt.date(2025, 10, 6)),
        season=Season(saturday=0.3, sunday=0.27, holiday=0.3, quiet=0.55),
        noise=Noise(sd=0.16, persistence=0.45, tails=6, burst_rate=4, burst_size=0.4, level_sd=0.02),
    ),
    _Project(
        "document-extraction", "operations",
        (Route("gemini-2.5-flash", 0.4), Route("gemini-2.5-flash", 0.6, "batch")), level=54_000, growth=0.018,
        tokens=Tokens(context=5.0, output=2.0, sd=0.04),
        season=Season(saturday=0.35, sunday=0.3, holiday=0.35, quiet=0.6, month_end=1.4),
        noise=Noise(sd=0.12, persistence=0.3, level_sd=0.015),
        launch=dt.date(2025, 7, 7), ramp_days=25,
    ),
    _Project(
        "contract-review", "operations", (Route("claude-sonnet-4-5"),), level=4_200, growth=0.03,
        tokens=Tokens(context=9.0, output=3.0, sd=0.06, cache_read=0.3, cache_write=0.05),
        season=Season(saturday=0.25, sunday=0.2, holiday=0.2, quiet=0.4, month_end=1.15),
        noise=Noise(sd=0.45, persistence=0.55, tails=8, burst_rate=5, burst_size=0.7),
        launch=dt.date(2026, 2, 2), ramp_days=45,
    ),
)  # fmt: skip


def _environments(project: _Project) -> tuple[Workload, ...]:
    production = Workload(
        project=project.name,
        environment="production",
        department=project.department,
        routes=project.routes,
        level=project.level,
        growth=project.growth,
        season=project.season,
        noise=project.noise,
        tokens=project.tokens,
        launch=project.launch,
        ramp_days=project.ramp_days,
    )
    interactive = tuple({r.model: Route(r.model) for r in project.routes}.values())
    office = replace(project.season, saturday=0.05, sunday=0.03, holiday=0.04, quiet=0.35, year=0.0)
    weekly = replace(project.season, saturday=0.2, sunday=0.15, holiday=0.15, quiet=0.5, year=0.0)
    restless = replace(project.noise, sd=1.4 * project.noise.sd, tails=5.0, burst_rate=6.0, burst_size=0.5)
    sooner = None if project.launch is None else project.launch - dt.timedelta(42)
    first = max(p.start for p in _PRICES if p.model == project.routes[0].model and p.start.year < 2026)
    early = None if sooner is None else max(sooner, first)
    return (
        replace(
            production, environment="development", level=0.375 * project.level, routes=interactive, season=office,
            noise=replace(restless, loading=1.5), launch=early,
        ),
        replace(
            production, environment="test", level=0.165 * project.level, routes=interactive, season=office,
            noise=replace(restless, active=0.85, active_persistence=0.4), launch=early,
        ),
        replace(production, environment="staging", level=0.19 * project.level, season=weekly, noise=restless),
        production,
    )  # fmt: skip


def sample_organisation() -> Organisation:
    """The sample: 1 May 2025 to 31 October 2026, daily, in USD."""
    return Organisation(
        name=NAME,
        start=dt.date(2025, 5, 1),
        end=dt.date(2026, 10, 31),
        workloads=tuple(w for project in _PROJECTS for w in _environments(project)),
        models=_MODELS,
        prices=_PRICES,
        migrations=_MIGRATIONS,
        events=_EVENTS,
        discounts=(
            Discount("openai", Decimal("0.05"), dt.date(2025, 5, 1)),
            Discount("openai", Decimal("0.08"), dt.date(2026, 1, 1)),
            Discount("anthropic", Decimal("0.1"), dt.date(2026, 1, 1)),
        ),
        credits=(Credit("openai", dt.date(2026, 6, 8), Decimal("2500.00")),),
        gaps=(Gap(dt.date(2025, 12, 9)), Gap(dt.date(2026, 2, 21), days=2, provider="google")),
        late=(0.85, 0.3),
        shared=Shared(sd=0.03, persistence=0.5),
        holidays="US",
        mix_sd=0.05,
    )
