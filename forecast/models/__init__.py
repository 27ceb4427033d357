"""The shelf of models: a name or an object in, a model out.

A model is loaded when it is named: importing the shelf costs none of their programs.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from forecast.errors import ModelError, one_of
from forecast.models.protocol import Model, SamplingModel

__all__ = ["ENTRY_POINTS", "MODELS", "Model", "SamplingModel", "model_of", "names"]

#: The group under which a package brings models: a name, and a callable without arguments that makes the model.
ENTRY_POINTS = "tokenplan.models"


def _later(module: str, kind: str, /, **options: object) -> Callable[[], Model]:
    """Make a model whose module is loaded when it is asked for."""

    def made() -> Model:
        model: Model = getattr(import_module(f"forecast.models.{module}"), kind)(**options)
        return model

    return made


MODELS: dict[str, Callable[[], Model]] = {
    "auto": _later("auto", "Auto"),
    "fast": _later("auto", "Auto", name="fast", fast=True),
    "run_rate": _later("baselines", "RunRate"),
    "trimmed_run_rate": _later("baselines", "TrimmedRunRate"),
    "robust_run_rate": _later("baselines", "RobustRunRate"),
    "seasonal_naive": _later("baselines", "SeasonalNaive"),
    "seasonal_mean": _later("baselines", "SeasonalMean"),
    "seasonal_median": _later("baselines", "SeasonalMedian"),
    "drift": _later("baselines", "Drift"),
    "ets": _later("smoothing", "ETS"),
    "theta": _later("smoothing", "Theta"),
    "stl_ets": _later("smoothing", "STL"),
    "stl_arima": _later("smoothing", "STL", rest="arima"),
    "sarimax": _later("statespace", "SARIMAX"),
    "launch": _later("launch", "Launch"),
    "combination": _later("combining", "Combination"),
    "unobserved_components": _later("statespace", "UnobservedComponents"),
    "prophet": _later("prophets", "Prophet"),
    "logistic": _later("curves", "AdoptionCurve"),
    "gompertz": _later("curves", "AdoptionCurve", kind="gompertz"),
    "bass": _later("curves", "AdoptionCurve", kind="bass"),
}


def names() -> tuple[str, ...]:
    """Every name that ``model=`` takes: the shelf's own, and those that installed packages bring."""
    return (*MODELS, *(point.name for point in _brought() if point.name not in MODELS))


def model_of(model: str | Model) -> Model:
    """The model of a name, or the object itself if it keeps the protocol.

    Raises
    ------
    ModelError
        The name is not on the shelf (the nearest is suggested), what a package brings under it is no model, or the
        object has no ``name`` and ``point``.
    """
    if isinstance(model, str):
        one_of("model", model, names(), ModelError)
        return MODELS[model]() if model in MODELS else _from_package(model)
    if isinstance(model, type) or not isinstance(model, Model):
        kind = f"the class {model.__name__}, not an object of it," if isinstance(model, type) else type(model).__name__
        raise ModelError(f"a model needs a 'name' and a method point(panel, horizon); {kind} lacks them")
    return model


def _brought() -> list[EntryPoint]:
    """Models that installed packages bring, the first of each name."""
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=ENTRY_POINTS):
        found.setdefault(point.name, point)
    return list(found.values())


def _from_package(name: str) -> Model:
    """Load a model that a package brings; what goes wrong there is told with where it came from."""
    point = next(point for point in _brought() if point.name == name)
    where = f"model {name!r}, brought by {point.value}"
    try:
        made = point.load()()
    except Exception as cause:  # whatever another package's code raises
        raise ModelError(f"{where}: cannot be made: {type(cause).__name__}: {cause}") from cause
    if not isinstance(made, Model):
        raise ModelError(
            f"{where}: needs a 'name' and a method point(panel, horizon); {type(made).__name__} lacks them"
        )
    return made
