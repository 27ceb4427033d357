"""The generator: a seed and a configuration come in; a realistic organisation's usage, and the truth of it, go out."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, overload

from forecast.errors import TokenplanError, one_of
from forecast.generator.configuration import Configuration, read_configuration, read_configurations
from forecast.generator.generated import Generated, csv_bytes, sha256
from forecast.generator.oracle import OraclePaths
from forecast.generator.organisation import (
    Credit,
    Discount,
    Event,
    Gap,
    Hazards,
    Migration,
    Model,
    Organisation,
    Price,
    Shared,
)
from forecast.generator.population import Population
from forecast.generator.sample import NAME as SAMPLE
from forecast.generator.sample import sample_organisation
from forecast.generator.simulation import export, simulate
from forecast.generator.workload import Noise, Route, Season, Tokens, Workload
from forecast.usage import Usage

__all__ = [
    "Configuration",
    "Credit",
    "Discount",
    "Event",
    "Gap",
    "Generated",
    "Hazards",
    "Migration",
    "Model",
    "Noise",
    "OraclePaths",
    "Organisation",
    "Population",
    "Price",
    "Route",
    "Season",
    "Shared",
    "Tokens",
    "Workload",
    "csv_bytes",
    "generate_usage",
    "read_configuration",
    "read_configurations",
    "sample_organisation",
    "sha256",
]


@overload
def generate_usage(
    seed: int | None = None,
    *,
    config: Organisation | Population | Configuration | str | Path | None = None,
    truth: Literal[False] = False,
) -> Usage: ...


@overload
def generate_usage(
    seed: int | None = None,
    *,
    config: Organisation | Population | Configuration | str | Path | None = None,
    truth: Literal[True],
) -> Generated: ...


def generate_usage(
    seed: int | None = None,
    *,
    config: Organisation | Population | Configuration | str | Path | None = None,
    truth: bool = False,
) -> Usage | Generated:
    """Daily usage and bill of a realistic organisation: for trials, documentation and tests.

    Volume of workload w on day t is Poisson around exp(level + season + noise + bursts + shared movement), tokens a
    request are drawn from a real trace (Azure, CC-BY-4.0) times the workload's scale, routes follow migrations, and
    the bill is tokens times dated list prices, less a discount, rounded as a provider would.

    Parameters
    ----------
    seed : int, optional
        Of all that chance decides, 0 or more; the configuration's own by default, and 0 where it has none. The same
        seed, configuration and NumPy version give the same bytes.
    config : Organisation, Population, Configuration, path or "sample", optional
        What to generate: a full organisation, ranges to draw one from, or a TOML file of either. By default the
        sample: 18 months of 20 workloads (5 projects × 4 environments) on 7 models of 3 providers, in USD.
    truth : bool
        Also give the true parameters, the noiseless expectation and an oracle.

    Returns
    -------
    Usage or Generated
        Daily rows by provider, model, environment, project and service tier: requests, tokens by kind, list and
        billed cost; with ``truth=True`` a :class:`forecast.generator.Generated`, whose ``usage`` they are.

    Raises
    ------
    TokenplanError
        The seed is not a whole number of 0 or more, or the configuration is unknown, damaged or contradicts itself.

    References
    ----------
    Patel et al., "Splitwise: Efficient Generative LLM Inference Using Phase Splitting", ISCA 2024 (tokens a request).
    Wang et al., "BurstGPT: A Real-World Workload Dataset to Optimize LLM Serving Systems", KDD 2025 (burstiness).
    """
    chosen = _chosen(config)
    seed = chosen.seed if seed is None else seed
    if isinstance(seed, bool) or not hasattr(seed, "__index__") or seed < 0:
        raise TokenplanError(f"seed must be a whole number of 0 or more; got {seed!r}")
    seed = int(seed)
    what = chosen.config
    organisation = what.organisation(seed, chosen.name) if isinstance(what, Population) else what
    simulation = simulate(organisation, seed)
    usage = Usage.from_frame(export(simulation), source=f"generated: {organisation.name}, seed {seed}")
    return Generated(usage, seed, organisation, simulation) if truth else usage


def _chosen(config: Organisation | Population | Configuration | str | Path | None) -> Configuration:
    if config is None or config == SAMPLE:
        return Configuration(SAMPLE, "The sample organisation", 0, sample_organisation())
    if isinstance(config, Configuration):
        return config
    if isinstance(config, Organisation):
        return Configuration(config.name, config.name, 0, config)
    if isinstance(config, Population):
        return Configuration("population", "A population", 0, config)
    if isinstance(config, str) and not config.endswith(".toml"):
        one_of("config", config, (SAMPLE, "a path to a .toml file"), TokenplanError)
    if not isinstance(config, str | Path):
        raise TokenplanError(f"config must be an Organisation, a Population, or a path to a .toml file; got {config!r}")
    return read_configuration(config)
