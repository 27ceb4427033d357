"""Billed flows. Comes in: globs over SKUs and workloads. Goes out: which flows a change of price touches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

import pandas as pd

from forecast.errors import ScenarioError
from forecast.panel import BoolArray
from scenarios.changes.base import Day
from scenarios.changes.flows import Flows
from scenarios.changes.matching import NothingMatchesError
from scenarios.changes.scene import Scene

#: What stands for all.
ANY: Final = "*"


class Chosen(Protocol):
    """A change that says by globs whose prices it touches."""

    @property
    def provider(self) -> str:
        """Glob over providers."""
        ...

    @property
    def model(self) -> str:
        """Glob over models."""
        ...

    @property
    def unit(self) -> str:
        """Glob over units."""
        ...

    @property
    def where(self) -> Mapping[str, str]:
        """Globs over columns of workloads and routes."""
        ...


def chosen(change: Chosen, flows: Flows, scene: Scene) -> BoolArray:
    """Billed flows that a change's globs choose: (flow,).

    Raises
    ------
    ScenarioError
        There are none.
    """
    what = type(change).__name__
    rows = scene.priced(flows, provider=change.provider, model=change.model, unit=change.unit, what=what)
    if change.where:
        rows = rows & scene.matching(flows, change.where, what=f"{what}.where")
    if not rows.any():
        raise NothingMatchesError(f"{what}: {told_skus(change)} match nothing together")
    return rows


def told_skus(change: Chosen) -> str:
    """In words, what they choose: ``output_tokens of openai/gpt-5* for project search``."""
    who = f"{change.provider}/{change.model}" if change.provider != ANY else change.model
    parts = ["all models" if who == ANY else who]
    parts = [f"{change.unit} of {parts[0]}"] if change.unit != ANY else parts
    parts += [f"for {', '.join(f'{c} {p}' for c, p in change.where.items())}"] if change.where else []
    return " ".join(parts)


def in_sight(
    what: str, first: Day | None, last: Day | None, scene: Scene, names: tuple[str, str] = ("on", "until")
) -> None:
    """Refuse a term that lies wholly after the horizon, or ended before it: it would do nothing.

    Raises
    ------
    ScenarioError
        It does.
    """
    if first is not None and pd.Timestamp(first) > scene.clock.last:
        raise ScenarioError(
            f"{what}.{names[0]} = {pd.Timestamp(first):%Y-%m-%d}: lies after the horizon, which ends on "
            f"{scene.clock.last:%Y-%m-%d}"
        )
    if last is not None and pd.Timestamp(last) < scene.clock.first:
        raise ScenarioError(
            f"{what}.{names[1]} = {pd.Timestamp(last):%Y-%m-%d}: lies before the first day that is forecast, "
            f"{scene.clock.first:%Y-%m-%d}"
        )
