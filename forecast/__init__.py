"""What was used, and what will be: usage, prices, forecasts as joint sample paths, projections of cost's drivers."""

from __future__ import annotations

from forecast.backtesting import backtest
from forecast.errors import (
    HorizonError,
    ModelError,
    PlanError,
    PriceError,
    ScenarioError,
    TokenplanError,
    UsageError,
)
from forecast.generator import generate_usage
from forecast.paths import SamplePaths
from forecast.prices import PriceBook
from forecast.projection import Projection, project
from forecast.readers import read_usage
from forecast.sampling import sample_paths
from forecast.scorecard import Scorecard
from forecast.usage import Usage

__all__ = [
    "HorizonError",
    "ModelError",
    "PlanError",
    "PriceBook",
    "PriceError",
    "Projection",
    "SamplePaths",
    "ScenarioError",
    "Scorecard",
    "TokenplanError",
    "Usage",
    "UsageError",
    "backtest",
    "generate_usage",
    "project",
    "read_usage",
    "sample_paths",
]
