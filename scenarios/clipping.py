"""Clipped demand. Comes in: a scenario with limits. Goes out: what is asked for, what is served, and what is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import pandas as pd

from forecast.drivers import labels_of
from forecast.errors import ScenarioError, nearest, one_of
from forecast.panel import BoolArray, FloatArray
from forecast.prices import PriceBook
from forecast.projection import Projection
from scenarios.changes import World
from scenarios.costing import Course, Enacted, Leaf, Unpriced, enact
from scenarios.scenario import Scenario
from scenarios.simulation import Sum, simulate
from scenarios.spans import Spans
from scenarios.workings import Workings

What = Literal["requests", "tokens", "cost"]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Clipped:
    """Demand under limits.

    Attributes
    ----------
    what : {"requests", "tokens", "cost"}
    labels : DataFrame (cell,)
    demand, served : float array (draw, span, cell)
        What is asked for, and what of it passes the scenario's limits, in the same worlds.
    spans : Spans
    """

    what: What
    labels: pd.DataFrame
    demand: FloatArray
    served: FloatArray
    spans: Spans

    @property
    def clipped(self) -> FloatArray:
        """What is asked for and not served: (draw, span, cell)."""
        return np.asarray(self.demand - self.served)

    def table(self) -> pd.DataFrame:
        """One row a planned month and cell.

        Columns ``month``, the labels, means ``demand``, ``served``, ``clipped``, quantiles ``p10 p50 p90`` of what is
        clipped, and ``probability`` that anything is.
        """
        rows = []
        lost = self.clipped
        for month in self.spans.months[self.spans.planned].unique():
            at = np.asarray(self.spans.months == month) & self.spans.planned
            gone = lost[:, at].sum(axis=1)
            low, middle, high = np.quantile(gone, [0.1, 0.5, 0.9], axis=0)
            asked, passed = (v[:, at].sum(axis=1) for v in (self.demand, self.served))
            told = {
                "demand": asked.mean(axis=0),
                "served": passed.mean(axis=0),
                "clipped": gone.mean(axis=0),
                "p10": low,
                "p50": middle,
                "p90": high,
                # Sums of the same numbers in one order: what no limit touches differs by nothing or by rounding.
                "probability": (gone > 1e-9 * asked).mean(axis=0),
            }
            rows.append(self.labels.assign(**told).assign(month=str(month)))
        made = pd.concat(rows, ignore_index=True)
        return made[["month", *made.columns.drop("month")]]

    def __repr__(self) -> str:
        """One line: how much of the demand is not served."""
        planned = self.spans.planned
        asked, gone = (v[:, planned].sum(axis=(1, 2)).mean() for v in (self.demand, self.clipped))
        return f"Clipped({gone:,.0f} of {asked:,.0f} {self.what} are not served: {gone / asked if asked else 0:.1%})"


def clipped(
    projection: Projection,
    scenario: Scenario,
    *,
    prices: PriceBook | None = None,
    what: What = "tokens",
    by: str | Sequence[str] = ("environment", "project"),
    draws: int = 1_000,
    seed: int = 0,
    unpriced: Unpriced = "refuse",
    n_jobs: int = 1,
) -> Clipped:
    """What the limits of a scenario do not let pass: the same draws added up with them and without.

    Parameters
    ----------
    projection : Projection
    scenario : Scenario
        With limits among its changes.
    prices : PriceBook, optional
        The shipped one where none is given.
    what : {"requests", "tokens", "cost"}
        What is counted; of requests, those of workloads that have them.
    by : str or sequence of str
        Label columns that are kept apart.
    draws, seed, unpriced, n_jobs
        As in :func:`scenarios.compare`.

    Raises
    ------
    ScenarioError
        The scenario has no limit, or nothing of what is to be counted.
    PlanError
        Usage has no price, unless ``unpriced="exclude"``.
    """
    by = (by,) if isinstance(by, str) else by
    one_of("clipped: what", what, get_args(What), ScenarioError)
    book, world = prices or PriceBook.builtin(), World(draws, seed)
    workings = Workings.of(projection, book, draws, seed)
    limited = Course.of(scenario, world)
    if not any(change.stage == "limit" for leaf in limited.leaves for change, _ in leaf.changes):
        raise ScenarioError(f"clipped: scenario {scenario.name!r} has no limit, such as Limit(tokens=...)")
    free = replace(limited, leaves=tuple(_without_limits(leaf) for leaf in limited.leaves))
    both = [enact(projection, book, course, world, unpriced=unpriced, workings=workings) for course in (free, limited)]
    rows = [np.nonzero(_counted(one, what))[0].astype(np.intp) for one in both]
    if not len(rows[0]):
        raise ScenarioError(f"clipped: there are no {what} in this projection; count other with what=")
    every = pd.concat([one.flows.labels.iloc[r] for one, r in zip(both, rows, strict=True)], ignore_index=True)
    for column in by:
        if column not in every:
            raise ScenarioError(f"clipped: by={column!r} is no label column{nearest(column, every.columns)}")
    labels, cell = labels_of(every, list(by)) if by else (pd.DataFrame(index=[0]), np.zeros(len(every), dtype=np.intp))
    kind: Literal["cost", "quantity"] = "cost" if what == "cost" else "quantity"
    cells = [cell[: len(rows[0])], cell[len(rows[0]) :]]
    sums = [Sum(one, kind, r, c, len(labels)) for one, r, c in zip(both, rows, cells, strict=True)]
    made = simulate(projection, sums, draws=draws, seed=seed, n_jobs=n_jobs)
    return Clipped(what, labels, made.sums[0], made.sums[1], made.spans)


def _without_limits(leaf: Leaf) -> Leaf:
    return replace(leaf, changes=tuple((change, world) for change, world in leaf.changes if change.stage != "limit"))


def _counted(enacted: Enacted, what: What) -> BoolArray:
    """Which flows count: (flow,)."""
    flows = enacted.flows
    if what == "cost":
        return enacted.priced
    if what == "tokens":
        return flows.tokens
    return flows.requests
