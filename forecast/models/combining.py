"""Combinations of any models of the shelf. Comes in: models. Goes out: one forecast, weighed or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from forecast.errors import ModelError, one_of
from forecast.models.falling_back import NoneFittedError
from forecast.models.protocol import Model, Rolled, cuts_of, roll
from forecast.panel import FloatArray, IntArray, Panel, known_median
from forecast.shown import short_repr

How = Literal["mean", "median", "inverse_error"]
#: What ``"combination"`` is made of: the median of simple models is hard to beat (Petropoulos and Svetunkov 2020).
SIMPLE = ("ets", "theta", "stl_ets", "seasonal_mean")
#: Pseudo-cuts of the panel's own error of a model that each series is given.
PANEL_CUTS = 2.0


@dataclass(frozen=True, kw_only=True)
class Combination:
    """The mean or median of several models, or their mean weighed by inverse error.

    With ``"inverse_error"`` a model's weight is 1 / e, e the mean absolute error of its totals at past cuts over the
    mean of the series, joined with the panel's own error by the worth of two cuts. A past cut is combined with weights
    from cuts whose forecasts do not overlap its own, so that the combination's past errors are honest.

    Parameters
    ----------
    models : sequence of str or Model
        At least two, of names of their own.
    how : {"median", "mean", "inverse_error"}
    name : str

    Raises
    ------
    ModelError
        Fewer than two models, or one that stands twice.

    Notes
    -----
    Source: Bates and Granger (1969), doi:10.1057/jors.1969.103; Petropoulos and Svetunkov (2020),
    doi:10.1016/j.ijforecast.2019.01.006.
    """

    __repr__ = short_repr

    models: Sequence[str | Model] = SIMPLE
    how: How = "median"
    name: str = "combination"

    def __post_init__(self) -> None:
        """Look the models up."""
        from forecast.models import model_of

        one_of("how", self.how, get_args(How), ModelError)
        if isinstance(self.models, str) or not isinstance(self.models, Sequence) or len(self.models) < 2:
            raise ModelError(f"models={self.models!r}: a combination needs at least two models")
        found = tuple(model_of(model) for model in self.models)
        names = [model.name for model in found]
        again = sorted({n for n in names if names.count(n) > 1})
        if again:
            raise ModelError(f"models: {', '.join(map(repr, again))} stands more than once; give each its own name")
        planning = next((model for model in found if getattr(model, "planned", ())), None)
        if planning is not None:
            raise ModelError(
                f"models: {planning.name!r} plans series that have not begun ({', '.join(planning.planned[:5])}), and "  # type: ignore[attr-defined]
                "the others know nothing of them: forecast by it by itself"
            )
        for model in found:
            if getattr(model, "paths", "joint") == "own" or getattr(model, "planned", ()):
                raise ModelError(
                    f"models: of {model.name!r} the point is taken: leave out paths='own' and planned series"
                )
        object.__setattr__(self, "models", found)

    def point(self, panel: Panel, horizon: int) -> FloatArray:
        """Forecast (horizon, series)."""
        cuts, length = cuts_of(panel, horizon)
        if self.how != "inverse_error":
            cuts, length = np.zeros(0, dtype=np.intp), 1
        return self.roll(panel, horizon, cuts, length).point

    def roll(self, panel: Panel, horizon: int, cuts: IntArray, length: int) -> Rolled:
        """Forecast by each model from the end and from each cut, and combine."""
        rolled: dict[str, Rolled] = {}
        refused: list[str] = []
        for model in self.models:
            assert not isinstance(model, str)
            try:
                rolled[model.name] = roll(model, panel, horizon, cuts, length)
            except NoneFittedError as why:
                # What one model cannot forecast at all, the others do.
                refused.append(f"{self.name}: without {model.name!r}: {why}")
        if not rolled:
            raise NoneFittedError("; ".join(refused))
        past, point = np.stack([r.past for r in rolled.values()]), np.stack([r.point for r in rolled.values()])
        notes = tuple(dict.fromkeys([*refused, *(note for r in rolled.values() for note in r.notes)]))
        names = list(rolled)
        if self.how == "inverse_error":
            weight, joined = _weighed(panel, past, cuts, length)
            made = np.einsum("ms,mhs->hs", weight, point)
            best = weight.argmax(axis=0)
            told = [f"{self.name}: {names[b]} {weight[b, i]:.0%} of {len(names)} models" for i, b in enumerate(best)]
            return Rolled(made, joined, cuts, tuple(told), notes)
        middle = known_median if self.how == "median" else _mean
        told = [f"{self.name}: {self.how} of {', '.join(names)}"] * len(panel.series)
        return Rolled(middle(point), middle(past), cuts, tuple(told), notes)


def _mean(values: FloatArray) -> FloatArray:
    there = np.isfinite(values)
    count = there.sum(axis=0)
    return np.asarray(np.where(there, values, 0.0).sum(axis=0) / np.where(count > 0, count, np.nan))


def _weighed(panel: Panel, past: FloatArray, cuts: IntArray, length: int) -> tuple[FloatArray, FloatArray]:
    """Weights (model, series) from all cuts, and the past (cut, length, series) combined by cuts apart."""
    count = past.shape[-1]
    even = np.full((len(past), count), 1.0 / len(past))
    if not len(cuts):
        return even, np.full(past.shape[1:], np.nan)
    actual = np.stack([panel.values[c : c + length] for c in cuts])
    there = np.isfinite(actual) & np.isfinite(past)
    size = np.nanmean(np.abs(panel.values), axis=0)
    miss = np.where(there, actual - past, 0.0).sum(axis=2) / np.maximum(there.sum(axis=2), 1)
    error = np.where(there.any(axis=2), np.abs(miss) / np.where(size > 0, size, 1.0), np.nan)
    joined = np.full(past.shape[1:], np.nan)
    for k, cut in enumerate(cuts):
        apart = np.abs(cuts - cut) >= length
        weight = _inverse(error[:, apart]) if apart.any() else even
        use = np.where(np.isfinite(past[:, k]), weight[:, None], 0.0)
        total = use.sum(axis=0)
        values = (use * np.nan_to_num(past[:, k])).sum(axis=0) / np.where(total > 0, total, 1.0)
        joined[k] = np.where(total > 0, values, np.nan)
    return _inverse(error), joined


def _inverse(error: FloatArray) -> FloatArray:
    """Weights (model, series) from errors (model, cut, series); NaN where a model had no forecast."""
    known = np.isfinite(error)
    number = known.sum(axis=1)
    own = np.where(known, error, 0.0).sum(axis=1)
    usual = _mean(np.where(number > 0, own / np.maximum(number, 1), np.nan).T)
    if not np.isfinite(usual).all():
        return np.full(own.shape, 1.0 / len(own))
    joined = (own + PANEL_CUTS * usual[:, None]) / (number + PANEL_CUTS)
    # An error of nothing would weigh infinitely.
    weight = 1.0 / np.maximum(joined, 1e-9 + 1e-6 * joined.max(axis=0))
    return np.asarray(weight / weight.sum(axis=0))
