"""Globs. Comes in: labels and patterns. Goes out: which rows a change acts on, or why it acts on none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

import numpy as np
import pandas as pd

from forecast.errors import ScenarioError, nearest
from forecast.panel import BoolArray


class NothingMatchesError(ScenarioError):
    """A change names what is not there."""


def matching(labels: pd.DataFrame, globs: Mapping[str, str], *, what: str, error: str) -> BoolArray:
    """Rows of ``labels`` whose columns all match their globs; a column or glob that fits nothing is an error."""
    chosen = np.ones(len(labels), dtype=bool)
    for column, pattern in globs.items():
        if column not in labels:
            raise NothingMatchesError(
                f"{what}: {column!r} is not a column of {error}; they have {', '.join(labels.columns)}"
                f"{nearest(column, labels.columns)}"
            )
        hit = match(labels[column], pattern)
        if not hit.any():
            there = sorted({str(v) for v in labels[column].dropna()})
            raise NothingMatchesError(
                f"{what}: {column}={pattern!r} matches nothing; there are {_listed(there)}{nearest(pattern, there)}"
            )
        chosen &= hit
    if not chosen.any():
        said = ", ".join(f"{c}={p!r}" for c, p in globs.items())
        raise NothingMatchesError(f"{what}: {said} match nothing together")
    return chosen


def match(column: pd.Series, pattern: str) -> BoolArray:
    """Which values match a glob; ``*`` also matches null, ``!`` before a glob means all others; case does not count."""
    if pattern == "*":
        return np.ones(len(column), dtype=bool)
    if pattern.startswith("!"):
        return ~match(column, pattern[1:])
    low = pattern.lower()
    # A name that has a bracket of its own, such as "search [beta]", is itself and no pattern.
    fits = {v: str(v).lower() == low or fnmatchcase(str(v).lower(), low) for v in column.dropna().unique()}
    return np.array([fits.get(v, False) for v in column], dtype=bool)


def _listed(names: Iterable[str]) -> str:
    known = list(names)
    return (", ".join(known[:8]) or "none") + (f" and {len(known) - 8} more" if len(known) > 8 else "")
