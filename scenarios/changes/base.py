"""What a change is. Comes in: a projection's labels. Goes out: which rows it touches, and its factor in each draw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd

from forecast.errors import ScenarioError, nearest
from forecast.panel import FloatArray
from forecast.streams import stratified


@dataclass(frozen=True, slots=True)
class World:
    """The uniform numbers of a plan's draws, keyed by meaning: the same in every scenario with the same seed."""

    draws: int
    seed: int

    def uniform(self, *key: str) -> FloatArray:
        """One stratified uniform number a draw for the parameter that ``key`` names: (draw,)."""
        return stratified(self.seed, self.draws, "scenario", *key)


@runtime_checkable
class Change(Protocol):
    """One change on one driver. Frozen; composes with others in the order given."""

    @property
    def key(self) -> str:
        """What the change is, in words that stay the same across scenarios: names its random numbers."""
        ...

    def describe(self) -> str:
        """In plain words, what it assumes."""
        ...


@runtime_checkable
class VolumeChange(Change, Protocol):
    """A change that multiplies volume."""

    @property
    def replaces_trend(self) -> bool:
        """Whether the forecast's own trend, and its uncertainty, is taken out where this change acts."""
        ...

    def touches(self, workloads: pd.DataFrame) -> np.ndarray:
        """Which workloads it acts on: bool (workload,)."""
        ...

    def group(self, workloads: pd.DataFrame) -> list[str]:
        """The name of each workload's draw: workloads with one name share it. (workload,)."""
        ...

    def draw(self, world: World, group: str) -> FloatArray:
        """What is drawn once a path: (draw, parameter)."""
        ...

    def factor(self, drawn: FloatArray, days: pd.DatetimeIndex, elapsed: FloatArray) -> FloatArray:
        """The factor on volume of the draws in ``drawn`` (draw, parameter): (draw, day)."""
        ...


@runtime_checkable
class PricingChange(Change, Protocol):
    """A change that moves prices."""

    def touches_sku(self, skus: pd.DataFrame) -> np.ndarray:
        """Which SKUs (rows: provider, model, service_tier, unit) it acts on: bool (sku,)."""
        ...

    def group_sku(self, skus: pd.DataFrame) -> list[str]:
        """The name of each SKU's draw: (sku,)."""
        ...

    def draw(self, world: World, group: str) -> FloatArray:
        """What is drawn once a path: (draw, parameter)."""
        ...

    def reprice(
        self, drawn: FloatArray, relative: FloatArray, book: FloatArray, per: float, days: pd.DatetimeIndex
    ) -> FloatArray:
        """The price over the book's price, after this change: (draw, day).

        ``drawn`` (draw, parameter) is what was drawn, ``relative`` (draw, day) the ratio before the change, ``book``
        (day,) the book's price of one unit, and ``per`` how many units a quoted price is for.
        """
        ...


def matching(labels: pd.DataFrame, globs: Mapping[str, str], *, what: str, error: str) -> np.ndarray:
    """Rows of ``labels`` whose columns all match their globs; a column or glob that fits nothing is an error."""
    chosen = np.ones(len(labels), dtype=bool)
    for column, pattern in globs.items():
        if column not in labels:
            raise ScenarioError(
                f"{what}: {column!r} is not a column of {error}; they have {', '.join(labels.columns)}"
                f"{nearest(column, labels.columns)}"
            )
        hit = match(labels[column], pattern)
        if not hit.any():
            there = sorted({str(v) for v in labels[column].dropna()})
            raise ScenarioError(
                f"{what}: {column}={pattern!r} matches nothing; there are {_listed(there)}{nearest(pattern, there)}"
            )
        chosen &= hit
    if not chosen.any():
        said = ", ".join(f"{c}={p!r}" for c, p in globs.items())
        raise ScenarioError(f"{what}: {said} match nothing together")
    return chosen


def match(column: pd.Series, pattern: str) -> np.ndarray:
    """Which values match a glob; ``*`` also matches null, and case does not count."""
    if pattern == "*":
        return np.ones(len(column), dtype=bool)
    low = pattern.lower()
    known = column.notna().to_numpy()
    return np.asarray(known & np.array([fnmatchcase(str(v).lower(), low) for v in column], dtype=bool))


def _listed(names: Iterable[str]) -> str:
    known = list(names)
    return ", ".join(known[:8]) + (f" and {len(known) - 8} more" if len(known) > 8 else "")
