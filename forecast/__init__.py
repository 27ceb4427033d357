"""What was used, and what will be: usage, prices, forecasts as joint sample paths, projections of cost's drivers."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forecast.backtesting import backtest
    from forecast.baselining import baseline
    from forecast.calendars import Calendar
    from forecast.cleaning import Cleaned, Cleaning, clean
    from forecast.currency import Rates
    from forecast.drawing import chart_style
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
    from forecast.hierarchy import Hierarchy, reconciled_paths
    from forecast.models import Model
    from forecast.models.auto import Auto
    from forecast.models.combining import Combination
    from forecast.models.curves import AdoptionCurve
    from forecast.models.launch import Demand, Launch
    from forecast.models.prophets import Prophet
    from forecast.models.regressors import Event, Holidays, Regressors, WorkingDays
    from forecast.models.smoothing import ETS, STL, Theta
    from forecast.models.statespace import SARIMAX, UnobservedComponents
    from forecast.paths import SamplePaths
    from forecast.prices import PriceBook
    from forecast.prices.billing import read_pricing_rules
    from forecast.prices.history import PriceProcess, calibrate_prices, price_history
    from forecast.projection import Projection, project
    from forecast.readers import formats, read_usage
    from forecast.reconciliation.effective_prices import implausible_prices
    from forecast.reconciliation.result import Reconciliation, reconcile
    from forecast.sampling import sample_paths
    from forecast.scorecard import Scorecard
    from forecast.shown import Shown, show
    from forecast.statement import CostBaseline
    from forecast.unit_economics.metrics import unit_metrics
    from forecast.unit_economics.quality import QualityFrontier, quality_frontier
    from forecast.usage import Usage

#: Public names and their modules: loaded when first asked for, so that importing stays cheap.
_LATER = {
    "AdoptionCurve": "forecast.models.curves",
    "Auto": "forecast.models.auto",
    "Calendar": "forecast.calendars",
    "Cleaned": "forecast.cleaning",
    "Cleaning": "forecast.cleaning",
    "Combination": "forecast.models.combining",
    "CostBaseline": "forecast.statement",
    "Demand": "forecast.models.launch",
    "ETS": "forecast.models.smoothing",
    "Event": "forecast.models.regressors",
    "Hierarchy": "forecast.hierarchy",
    "Holidays": "forecast.models.regressors",
    "HorizonError": "forecast.errors",
    "Launch": "forecast.models.launch",
    "Model": "forecast.models",
    "ModelError": "forecast.errors",
    "PlanError": "forecast.errors",
    "PriceBook": "forecast.prices",
    "PriceError": "forecast.errors",
    "PriceProcess": "forecast.prices.history",
    "Projection": "forecast.projection",
    "Prophet": "forecast.models.prophets",
    "QualityFrontier": "forecast.unit_economics.quality",
    "Rates": "forecast.currency",
    "Reconciliation": "forecast.reconciliation.result",
    "Regressors": "forecast.models.regressors",
    "SARIMAX": "forecast.models.statespace",
    "STL": "forecast.models.smoothing",
    "SamplePaths": "forecast.paths",
    "ScenarioError": "forecast.errors",
    "Scorecard": "forecast.scorecard",
    "Shown": "forecast.shown",
    "Theta": "forecast.models.smoothing",
    "TokenplanError": "forecast.errors",
    "UnobservedComponents": "forecast.models.statespace",
    "Usage": "forecast.usage",
    "UsageError": "forecast.errors",
    "WorkingDays": "forecast.models.regressors",
    "backtest": "forecast.backtesting",
    "baseline": "forecast.baselining",
    "calibrate_prices": "forecast.prices.history",
    "chart_style": "forecast.drawing",
    "clean": "forecast.cleaning",
    "formats": "forecast.readers",
    "generate_usage": "forecast.generator",
    "implausible_prices": "forecast.reconciliation.effective_prices",
    "price_history": "forecast.prices.history",
    "project": "forecast.projection",
    "quality_frontier": "forecast.unit_economics.quality",
    "read_pricing_rules": "forecast.prices.billing",
    "read_usage": "forecast.readers",
    "reconcile": "forecast.reconciliation.result",
    "reconciled_paths": "forecast.hierarchy",
    "sample_paths": "forecast.sampling",
    "show": "forecast.shown",
    "unit_metrics": "forecast.unit_economics.metrics",
}

__all__ = [
    "ETS",
    "SARIMAX",
    "STL",
    "AdoptionCurve",
    "Auto",
    "Calendar",
    "Cleaned",
    "Cleaning",
    "Combination",
    "CostBaseline",
    "Demand",
    "Event",
    "Hierarchy",
    "Holidays",
    "HorizonError",
    "Launch",
    "Model",
    "ModelError",
    "PlanError",
    "PriceBook",
    "PriceError",
    "PriceProcess",
    "Projection",
    "Prophet",
    "QualityFrontier",
    "Rates",
    "Reconciliation",
    "Regressors",
    "SamplePaths",
    "ScenarioError",
    "Scorecard",
    "Shown",
    "Theta",
    "TokenplanError",
    "UnobservedComponents",
    "Usage",
    "UsageError",
    "WorkingDays",
    "backtest",
    "baseline",
    "calibrate_prices",
    "chart_style",
    "clean",
    "formats",
    "generate_usage",
    "implausible_prices",
    "price_history",
    "project",
    "quality_frontier",
    "read_pricing_rules",
    "read_usage",
    "reconcile",
    "reconciled_paths",
    "sample_paths",
    "show",
    "unit_metrics",
]


if not TYPE_CHECKING:  # a type checker that sees it takes every misspelt name for one of ours

    def __getattr__(name: str) -> object:
        if name in _LATER:
            return getattr(import_module(_LATER[name]), name)
        if not name.startswith("_") and find_spec(f"forecast.{name}"):  # its modules, such as forecast.models
            return import_module(f"forecast.{name}")
        raise AttributeError(f"module 'forecast' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATER})
