"""Distributions. Comes in: the name of one of scipy.stats, and its numbers. Goes out: it, frozen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from forecast.errors import PlanError

#: Where two distributions are held beside each other.
_LEVELS: Final = np.array([0.001, 0.1, 0.25, 0.5, 0.75, 0.9, 0.999])


def frozen(name: str, args: Any, kwds: Mapping[str, Any]) -> Any:
    """The distribution of a name at some numbers; None where scipy.stats has none, or it does not take them."""
    from scipy import stats

    family = getattr(stats, name, None) if name.isidentifier() and not name.startswith("_") else None
    if not isinstance(family, stats.rv_continuous | stats.rv_discrete):
        return None
    plain = (*args, *kwds.values())
    if not all(isinstance(number, int | float | np.generic) for number in plain):
        return None
    try:
        return family(*args, **kwds)
    except (TypeError, ValueError) as cause:
        raise PlanError(f"scipy.stats.{name} does not take {plain}: {cause}") from cause


def same(one: Any, other: Any) -> bool:
    """Whether two have the same quantiles, to the bit, and the same law."""
    if other is None or type(one.dist) is not type(other.dist):
        return False
    alike = np.array_equal(np.asarray(one.ppf(_LEVELS)), np.asarray(other.ppf(_LEVELS)), equal_nan=True)
    return alike and bool(one.support() == other.support())
