"""Sums over groups. Comes in: values of the series, and which node each belongs to. Goes out: values of all nodes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from forecast.panel import BoolArray, FloatArray, IntArray


def all_nodes(bottom: FloatArray, codes: IntArray) -> FloatArray:
    """All nodes (..., node) from the series (..., bottom), summed in a fixed order."""
    sums = []
    for level in codes:
        order = np.argsort(level, kind="stable")
        starts = np.flatnonzero(np.diff(level[order], prepend=-1))
        sums.append(np.add.reduceat(bottom[..., order], starts, axis=-1))
    return np.concatenate([*sums, bottom], axis=-1)


def history_of(bottom: FloatArray, codes: IntArray) -> FloatArray:
    """Known values of all nodes (period, node): 0 before a part begins, NaN where a part is missing."""
    begun = np.maximum.accumulate(np.isfinite(bottom), axis=0)
    nodes = all_nodes(np.where(begun, bottom, 0.0), codes)
    return np.where(all_nodes(begun.astype("float64"), codes) > 0, nodes, np.nan)


def long_frame(values: FloatArray, periods: pd.DatetimeIndex, names: Sequence[str]) -> pd.DataFrame:
    """A long frame of (period, node): each node from its first known value on."""
    begun = np.maximum.accumulate(np.isfinite(values), axis=0).T.ravel()
    whole = pd.DataFrame(
        {
            "unique_id": np.repeat(np.array(names, dtype=object), len(periods)),
            "ds": np.tile(periods.to_numpy(), len(names)),
            "y": values.T.ravel(),
        }
    )
    return whole[begun].reset_index(drop=True)


def below_zero(history: pd.DataFrame | None, bottoms: Sequence[str]) -> BoolArray:
    """Which series are known to go below 0: bool array (bottom,)."""
    if history is None:
        return np.zeros(len(bottoms), dtype=bool)
    below = set(history.loc[history["y"] < 0, "unique_id"])
    return np.array([name in below for name in bottoms])
