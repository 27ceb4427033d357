"""Checks at the door: labels, the names of nodes, errors of the right shape."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from forecast.errors import ROWS_SHOWN, ModelError, nearest, one_of
from forecast.panel import FloatArray, IntArray

#: The level and name of the top node, and the level of the series themselves.
TOTAL, SERIES = "total", "series"


def checked_labels(labels: pd.DataFrame, levels: tuple[str, ...]) -> pd.DataFrame:
    """The columns that count, as text, in a frame of our own."""
    for column in ("unique_id", *levels):
        one_of("labels: column", column, labels.columns, ModelError)
        if column in (TOTAL, SERIES):
            raise ModelError(f"a level cannot be called {column!r}: that is the name of the {_OWN[column]}")
    if not levels or len(set(levels)) < len(levels) or "unique_id" in levels:
        raise ModelError(f"levels={levels!r}: name each column once, at least one, from fine to coarse")
    if labels.empty:
        raise ModelError("labels has no rows: a hierarchy needs at least one series")
    again = labels["unique_id"][labels["unique_id"].duplicated()].unique()
    if len(again):
        raise ModelError(f"labels: {listed(again)} more than once; keep one row a series")
    for column in ("unique_id", *levels):
        without = labels["unique_id"][labels[column].isna()]
        if len(without):
            raise ModelError(f"labels: column {column!r} is blank for {listed(without)}; name the group")
    return labels[["unique_id", *levels]].astype(str).reset_index(drop=True)


_OWN = {TOTAL: "top node", SERIES: "level of the series themselves"}


def check_nested(labels: pd.DataFrame, levels: tuple[str, ...]) -> None:
    """Refuse a group that lies in more than one group of a coarser level."""
    for i, fine in enumerate(levels):
        for coarse in levels[i + 1 :]:
            count = labels.groupby(fine)[coarse].nunique()
            if (count > 1).any():
                raise ModelError(
                    f"nested=True: {fine} {listed(count.index[count > 1])} lies in more than one {coarse}; "
                    "leave nested out for levels that cross"
                )


def checked_errors(errors: FloatArray | None, scale: FloatArray | None, method: str, nodes: int) -> FloatArray:
    """Errors (trial, node) that the method can use; none where ``scale`` is all it needs."""
    if scale is not None and np.shape(scale) != (nodes,):
        raise ModelError(f"scale of shape {np.shape(scale)}; wanted (node,) = {(nodes,)}")
    if method in ("ols", "structural"):
        return np.zeros((0, nodes))
    if errors is None:
        if method == "mint" or scale is None:
            raise ModelError(f"method {method!r} needs errors (trial, node); 'structural' and 'ols' do without")
        return np.zeros((0, nodes))
    found = np.asarray(errors, dtype="float64")
    if found.ndim != 2 or found.shape[1] != nodes:
        raise ModelError(f"errors of shape {found.shape}; wanted (trial, node) with {nodes} nodes, as in names")
    if scale is None and (np.isfinite(found).sum(axis=0) < 2).all():
        raise ModelError(f"method {method!r} needs two errors of a node; 'structural' and 'ols' do without")
    return found


def check_recent(history: FloatArray, names: Sequence[str], *, series: int, season: int) -> None:
    """A whole that is not known of late can't be forecast: one of its series ended without saying 0."""
    recent = 2 * season
    lost = np.asarray(np.isnan(history[-recent:]).all(axis=0))
    if lost.any():
        label = np.array(names, dtype=object)
        ended = label[-series:][lost[-series:]]
        cause = f": {listed(ended)} ended" if len(ended) else ": their parts have gaps"
        raise ModelError(
            f"{listed(label[lost])} not known in the last {recent} periods{cause}; "
            "write 0 where nothing was used, or leave such series out of frame and hierarchy"
        )


def places(have: Sequence[str], wanted: Sequence[str], what: str) -> IntArray:
    """Where each wanted series stands: int array; both must hold the same names."""
    place = {name: i for i, name in enumerate(have)}
    lacking = [name for name in wanted if name not in place]
    known = set(wanted)
    strange = [name for name in have if name not in known]
    if strange:
        hint = nearest(strange[0], lacking or wanted)
        raise ModelError(f"{what}: {listed(strange)} not in the hierarchy{hint}")
    if lacking:
        raise ModelError(f"{what}: {listed(lacking)} missing; the hierarchy has {len(wanted)} of them")
    return np.array([place[name] for name in wanted], dtype=np.intp)


def listed(names: Iterable[object]) -> str:
    """Up to five names, and how many more there are."""
    every = [repr(str(name)) for name in names]
    rest = len(every) - ROWS_SHOWN
    return ", ".join(every[:ROWS_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
