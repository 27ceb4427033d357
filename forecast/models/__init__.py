"""The shelf of models: a name or an object in, a model out."""

from __future__ import annotations

from collections.abc import Callable

from forecast.errors import ModelError, one_of
from forecast.models.auto import Auto
from forecast.models.baselines import (
    Drift,
    RobustRunRate,
    RunRate,
    SeasonalMean,
    SeasonalMedian,
    SeasonalNaive,
    TrimmedRunRate,
)
from forecast.models.protocol import Model

__all__ = ["MODELS", "Auto", "Model", "model_of"]

MODELS: dict[str, Callable[[], Model]] = {
    "auto": Auto,
    "fast": lambda: Auto(name="fast", fast=True),
    "run_rate": RunRate,
    "trimmed_run_rate": TrimmedRunRate,
    "robust_run_rate": RobustRunRate,
    "seasonal_naive": SeasonalNaive,
    "seasonal_mean": SeasonalMean,
    "seasonal_median": SeasonalMedian,
    "drift": Drift,
}


def model_of(model: str | Model) -> Model:
    """The model of a name, or the object itself if it keeps the protocol.

    Raises
    ------
    ModelError
        The name is not on the shelf (the nearest is suggested), or the object has no ``name`` and ``point``.
    """
    if isinstance(model, str):
        one_of("model", model, MODELS, ModelError)
        return MODELS[model]()
    if not isinstance(model, Model):
        raise ModelError(
            f"a model needs a 'name' and a method point(panel, horizon); {type(model).__name__} lacks them"
        )
    return model
