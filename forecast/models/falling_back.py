"""Series that a model could not be fitted to. Comes in: what it made, and why not. Goes out: the rest by another."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from forecast.errors import ModelError
from forecast.models.protocol import Model, Rolled, checked, roll
from forecast.panel import BoolArray, Panel

#: Models that take what another refuses.
INSTEAD = "'seasonal_mean' and 'run_rate' take any history; for what has just begun there is 'launch'"


class NotFittedError(ModelError):
    """A series that a model could not be fitted to; the fallback is asked."""


class NoneFittedError(ModelError):
    """No series of a panel could be fitted; the fallback's own fallback is asked."""


def with_fallback(
    rolled: Rolled, panel: Panel, *, name: str, fallback: str | Model | None, reasons: Mapping[int, str]
) -> Rolled:
    """Forecast by the fallback, or its fallback, what the model ``name`` could not: ``reasons`` by column of the panel.

    Raises
    ------
    NoneFittedError
        Nothing could be fitted: the model was asked for what the data can't justify.
    ModelError
        There is no fallback.
    """
    if not reasons:
        return rolled
    count, failed = len(panel.series), list(reasons)
    shown = "; ".join(f"{panel.series[i]}: {reasons[i]}" for i in failed[:5])
    shown += f"; and {len(failed) - 5} more" if len(failed) > 5 else ""
    if len(failed) == count:
        raise NoneFittedError(f"model {name!r} could not be fitted to any series ({shown}). {INSTEAD}")
    if fallback is None:
        raise ModelError(
            f"model {name!r} could not be fitted to {len(failed)} of {count} series ({shown}) and has no fallback; "
            f"give one: fallback='seasonal_mean'. {INSTEAD}"
        )
    assert not isinstance(fallback, str)
    mine: BoolArray = np.isin(np.arange(count), failed)
    other, instead = _rolled(fallback, panel.part(mine), rolled)
    point, past, words = rolled.point.copy(), rolled.past.copy(), list(rolled.method)
    point[:, mine], past[:, :, mine] = instead.point, instead.past
    made = instead.method or (other.name,) * len(failed)
    for i, how in zip(np.flatnonzero(mine), made, strict=True):
        words[i] = f"{how}, since {reasons[int(i)]}"
    told = f"{len(failed)} series by {other.name} in place of {name}: {shown}"
    return Rolled(point, past, rolled.cuts, tuple(words), (*rolled.notes, told, *instead.notes))


def _rolled(model: Model, panel: Panel, like: Rolled) -> tuple[Model, Rolled]:
    """The first of a model, its fallback, and so on that takes the panel, and what it makes."""
    while True:
        try:
            made = roll(model, panel, len(like.point), like.cuts, like.past.shape[1])
        except NoneFittedError:
            further = getattr(model, "fallback", None)
            if not isinstance(further, Model):
                raise
            model = further
        else:
            checked(model, made.point, (len(like.point), len(panel.series)))
            return model, made
