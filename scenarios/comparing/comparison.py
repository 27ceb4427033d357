"""Comparison. Comes in: scenarios on one projection. Goes out: what each costs beside the others, world by world."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from forecast.errors import ScenarioError, nearest, one_of
from forecast.panel import FloatArray
from forecast.prices import PriceBook
from forecast.projection import Projection
from forecast.shown import CellKind, Result, Shown, table_of
from scenarios.bridging.bridge import Bridge, bridge_of, changes_bridge
from scenarios.bridging.shapley import MOST_PLAYERS
from scenarios.changes import World
from scenarios.comparing.parts import Between, between, by_change, by_step, steps_in_order
from scenarios.comparing.payback import BreakEven, break_even
from scenarios.costing import Course, Unpriced
from scenarios.outcome import Outcome, outcomes
from scenarios.scenario import Scenario

if TYPE_CHECKING:
    from matplotlib.axes import Axes

By = Literal["step", "change"]


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Comparison(Result):
    """Scenarios beside each other: draw d is the same world in all of them.

    Attributes
    ----------
    scenarios : tuple of Scenario
        The first is what the others are held against.
    outcomes : tuple of Outcome
    projection, prices, draws, seed, unpriced, n_jobs
        What they were made of.
    """

    scenarios: tuple[Scenario, ...]
    outcomes: tuple[Outcome, ...]
    projection: Projection
    prices: PriceBook
    draws: int
    seed: int
    unpriced: Unpriced
    n_jobs: int

    @property
    def names(self) -> tuple[str, ...]:
        """What the scenarios are called."""
        return tuple(s.name for s in self.scenarios)

    @property
    def currency(self) -> str:
        """What money is in."""
        return self.outcomes[0].currency

    def totals(self, name: str) -> FloatArray:
        """The money of one scenario over the plan, in each draw: (draw,)."""
        return self.outcomes[self._at(name)].totals

    def delta(self, name: str, against: str | None = None) -> FloatArray:
        """What one scenario costs more than another (the first, unless named) in each draw: (draw,)."""
        other = self.totals(self.names[0] if against is None else against)
        return np.asarray(_same(self.totals(name), other) - other)

    def probability_cheaper(self, name: str, than: str | None = None, *, by: float = 0.0) -> float:
        """The probability that one scenario costs less than another, by more than ``by``."""
        return float(np.mean(self.delta(name, than) < -by))

    def table(self, levels: Sequence[float] = (0.1, 0.5, 0.8, 0.9)) -> pd.DataFrame:
        """Each scenario's total and what it differs by from the first.

        Columns: ``mean`` and quantiles of the total (p10 p50 p80 p90); ``delta`` (mean) with ``delta_p10`` to
        ``delta_p90``, the quantiles of the difference; ``cheaper``: the probability that it costs less than the first;
        ``requests`` and ``quality``: over those of the first, where 1 is as many and as good.
        """
        first = self.outcomes[0]
        rows = []
        for outcome in self.outcomes:
            total = outcome.totals
            delta = _same(total, first.totals) - first.totals
            row = {"scenario": outcome.name, "mean": total.mean()}
            row |= {_named(q): v for q, v in zip(levels, np.quantile(total, levels), strict=True)}
            row |= {"delta": delta.mean()}
            row |= {f"delta_{_named(q)}": v for q, v in zip((0.1, 0.9), np.quantile(delta, (0.1, 0.9)), strict=True)}
            row |= {"cheaper": float(np.mean(delta < 0))}
            row |= {
                "requests": _ratio(outcome.requests, first.requests),
                "quality": _ratio(outcome.quality, first.quality),
            }
            rows.append(row)
        return pd.DataFrame(rows).set_index("scenario")

    def bridge(self, name: str, against: str | None = None, *, by: By = "step") -> Bridge:
        """How one total becomes the other: what each step or change adds, whatever their order (Shapley).

        Steps: volume, intensity, mix, price, levers, one-offs, currency; or each change by its name. Every part is the
        mean, over all orders in which the changes could come, of what it adds when it comes: 2^n totals for n parts.

        Raises
        ------
        ScenarioError
            More than 8 parts differ.
        """
        one_of("by", by, ("step", "change"), ScenarioError)
        first = self.scenarios[0 if against is None else self._at(against)]
        second = self.scenarios[self._at(name)]
        player = by_step if by == "step" else by_change(first, second)
        made = between(first, second, World(self.draws, self.seed), player=player)
        steps = steps_in_order(made.players) if by == "step" else made.players
        made = Between(made.first, made.second, steps, player)
        names = (first.name, second.name)
        if not steps:
            return bridge_of(names, (), [], self.totals(first.name), self.totals(second.name), self.currency)
        if len(steps) > MOST_PLAYERS:
            raise ScenarioError(
                f"{len(steps)} changes differ between {first.name!r} and {second.name!r}; a bridge by change takes up "
                f"to {MOST_PLAYERS}: tell it by='step', or look at the tornado"
            )
        every = [frozenset(i for i in range(len(steps)) if code >> i & 1) for code in range(2 ** len(steps))]
        ran = self._run([made.course(moved) for moved in every])
        value: dict[frozenset[int], FloatArray] = {}
        for moved, total in sorted(zip(every, ran, strict=True), key=lambda pair: len(pair[0])):
            value[moved] = reduce(_same, [value[moved - {i}] for i in moved], total)
        return changes_bridge(value.__getitem__, steps, names=names, currency=self.currency)

    def tornado(self, name: str, against: str | None = None) -> pd.DataFrame:
        """What each change of a scenario does alone, and what its absence undoes, widest first.

        Columns change, alone (mean) with alone_p10 and alone_p90: the difference to the other scenario if only this
        change is made; last (mean) with last_p10 and last_p90: the difference that it makes when all others are made.
        """
        first = self.scenarios[0 if against is None else self._at(against)]
        second = self.scenarios[self._at(name)]
        made = between(first, second, World(self.draws, self.seed), player=by_change(first, second))
        count = len(made.players)
        alone = [made.course(frozenset({i})) for i in range(count)]
        without = [made.course(frozenset(range(count)) - {i}) for i in range(count)]
        ran = self._run([*alone, *without])
        base, whole = self.totals(first.name), self.totals(second.name)
        rows = []
        for i, change in enumerate(made.players):
            row: dict[str, object] = {"change": change}
            for word, total, other in (("alone", ran[i], base), ("last", whole, ran[count + i])):
                effect = _same(total, other) - other
                low, high = np.quantile(effect, (0.1, 0.9))
                row |= {word: effect.mean(), f"{word}_p10": low, f"{word}_p90": high}
            rows.append(row)
        table = pd.DataFrame(rows, columns=["change", *_TORNADO])
        width = table[["alone_p10", "alone_p90"]].abs().max(axis=1).to_numpy(dtype="float64")
        return table.iloc[np.argsort(-width, kind="stable")].set_index("change")

    def frontier(self) -> pd.DataFrame:
        """What each scenario saves beside what it loses of quality, and which are dominated.

        Columns ``saving`` (mean, against the first) with ``saving_p10`` and ``saving_p90``, ``quality_lost`` (mean, of
        the first's), and ``dominated``: another scenario saves as much or more at no more loss, and is better in one.
        """
        table = self.table()
        lost = (1.0 - table["quality"]).fillna(0.0).where(lambda v: v.abs() > _NOTHING, 0.0)
        made = pd.DataFrame({"saving": -table["delta"], "saving_p10": -table["delta_p90"]})
        made = made.assign(saving_p90=-table["delta_p10"], quality_lost=lost)
        pairs = made[["saving", "quality_lost"]].to_numpy()
        no_worse = (pairs[:, None, 0] >= pairs[None, :, 0]) & (pairs[:, None, 1] <= pairs[None, :, 1])
        better = (pairs[:, None, 0] > pairs[None, :, 0]) | (pairs[:, None, 1] < pairs[None, :, 1])
        return (made + 0.0).assign(dominated=np.asarray((no_worse & better).any(axis=0)))

    def saved(self, name: str, against: str | None = None) -> FloatArray:
        """What one scenario saves against another (the first, unless named): (draw, month); below 0: it is dearer.

        By calendar month from the as-of date on: what a project costs before the plan begins counts too.
        """
        other, own = self.outcomes[0 if against is None else self._at(against)], self.outcomes[self._at(name)]
        return np.asarray(other.from_now - _same(own.from_now, other.from_now))

    def break_even(self, name: str, against: str | None = None) -> BreakEven:
        """When all that a scenario saved has covered all that it cost, for good, in each draw."""
        return break_even(self.saved(name, against))

    def paid_back(self, name: str, against: str | None = None) -> pd.Series:
        """The probability that a scenario has paid for itself by the end of each month, from the as-of date on."""
        by_month = self.break_even(name, against).by_month()
        return by_month.set_axis(self.outcomes[0].months).rename_axis("month")

    def branches(self, name: str, levels: Sequence[float] = (0.1, 0.5, 0.8, 0.9)) -> pd.DataFrame:
        """A scenario with branches told branch by branch: weight, mean and quantiles of the total where it holds."""
        scenario, total = self.scenarios[self._at(name)], self.totals(name)
        rows = []
        for leaf, within in scenario.alternatives(World(self.draws, self.seed)):
            here = total if within is None else total[within > 0]
            row: dict[str, object] = {"branch": leaf.name, "weight": len(here) / len(total)}
            if len(here):
                row |= {"mean": here.mean()}
                row |= {_named(q): v for q, v in zip(levels, np.quantile(here, levels), strict=True)}
            rows.append(row)
        return pd.DataFrame(rows).set_index("branch")

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must be told: money that is spent before the plan begins and so is in no total of it."""
        told = []
        for outcome in self.outcomes:
            early = float(outcome.before_plan.mean())
            if early:
                start = outcome.spans.first[outcome.spans.planned][0]
                told.append(
                    f"{outcome.name}: {early:,.2f} {self.currency} beside tokens is spent before the plan begins on "
                    f"{start:%Y-%m-%d}, and is in no total; savings and payback count it"
                )
        return tuple(told)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw each scenario's P10-P90 and P50, the cheapest at the bottom."""
        from scenarios.comparing.figure import scenarios_chart

        return scenarios_chart(self, ax)

    def plot_frontier(self, ax: Axes | None = None) -> Axes:
        """Draw what each scenario saves against what it loses of quality; those not dominated are joined."""
        from scenarios.comparing.figure import frontier_chart

        return frontier_chart(self.frontier(), self.names[0], self.currency, ax)

    def plot_saved(self, name: str, against: str | None = None, ax: Axes | None = None) -> Axes:
        """Draw what a scenario has saved by the end of each month: P10-P90, P25-P75 and P50."""
        from scenarios.comparing.figure import saved_chart

        ends = self.outcomes[0].months.to_timestamp(how="end").normalize()
        return saved_chart(self.saved(name, against), ends, name, self.currency, ax)

    def plot_tornado(self, name: str, ax: Axes | None = None) -> Axes:
        """Draw what each change of a scenario does alone, widest at the top."""
        from scenarios.comparing.figure import tornado_chart

        return tornado_chart(self.tornado(name), name, self.names[0], self.currency, ax)

    def _at(self, name: str) -> int:
        if name not in self.names:
            raise ScenarioError(
                f"no scenario of this comparison is called {name!r}; there are {', '.join(self.names)}"
                f"{nearest(name, self.names)}"
            )
        return self.names.index(name)

    def _run(self, courses: Sequence[Course]) -> list[FloatArray]:
        """The totals of some courses: (draw,) each."""
        made = outcomes(
            self.projection,
            courses,
            prices=self.prices,
            draws=self.draws,
            seed=self.seed,
            detail=(),
            unpriced=self.unpriced,
            n_jobs=self.n_jobs,
        )
        return [one.totals for one in made]

    def __repr__(self) -> str:
        first = self.outcomes[0].totals
        told = ", ".join(f"{o.name} {(o.totals - first).mean():+,.2f}" for o in self.outcomes[1:])
        ends = f"{self.names[0]} {self.currency} {first.mean():,.2f}; {told or 'nothing beside it'}"
        return f"Comparison({ends}; means of {self.draws:,} draws)"

    def show(self) -> Shown:
        """Each scenario's total and what it differs by from the first, in the same futures."""
        table = self.table()
        shares = ("cheaper", "requests", "quality")
        kinds: dict[str, CellKind] = dict.fromkeys(map(str, table.columns.drop(list(shares))), "money")
        heads = {"delta": "difference", "delta_p10": "its P10", "delta_p90": "its P90"}
        caption = (
            f"Money in {self.currency}; difference from {self.names[0]}, and in how many futures it is cheaper. "
            "Requests and quality are parts of the first scenario's."
        )
        shown = table_of(table, kinds=kinds | dict.fromkeys(shares, "share"), heads=heads, caption=caption)
        best = table["mean"].idxmin()
        finding = f"{self.draws:,} draws, the same worlds in every scenario; the least on average: {best}."
        return Shown("Scenarios side by side", finding, (shown,), self.notes)


#: A difference below this part of the total is rounding.
_NOTHING = 1e-12
_TORNADO = ("alone", "alone_p10", "alone_p90", "last", "last_p10", "last_p90")


def compare(
    projection: Projection,
    scenarios: Iterable[Scenario],
    *,
    base: Scenario | None = None,
    prices: PriceBook | None = None,
    draws: int = 10_000,
    seed: int = 0,
    unpriced: Unpriced = "refuse",
    n_jobs: int = 1,
) -> Comparison:
    """Compare scenarios on common random numbers.

    Parameters
    ----------
    projection : Projection
    scenarios : iterable of Scenario
    base : Scenario, optional
        What they are held against; what is forecast, where none is given.
    prices : PriceBook, optional
        The built-in one where none is given.
    draws, seed : int
        Draw d is the same world in every scenario: their differences are known far better than their totals.
    unpriced : {"refuse", "exclude"}
    n_jobs : int
        Workers; the numbers do not depend on it.

    Raises
    ------
    ScenarioError
        Two scenarios have one name, or a change does not fit the projection.
    PlanError, PriceError
        Usage has no price.
    """
    if not isinstance(projection, Projection):
        raise ScenarioError(f"sc.compare takes a projection, not {type(projection).__name__}: fc.project(usage)")
    if isinstance(scenarios, Scenario):
        raise ScenarioError("sc.compare: wanted a list of scenarios, such as [cache, batch]")
    every = (base if base is not None else Scenario(), *scenarios)
    for one in every:
        if not isinstance(one, Scenario):
            raise ScenarioError(f"sc.compare: {one!r} is not a scenario; sc.load(...) reads one from a file")
    names = [s.name for s in every]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise ScenarioError(f"sc.compare: two scenarios are called {twice[0]!r}; rename one with .named(...)")
    book = prices if prices is not None else PriceBook.builtin()
    made = outcomes(
        projection,
        every,
        prices=book,
        draws=draws,
        seed=seed,
        detail=("environment",),
        unpriced=unpriced,
        n_jobs=n_jobs,
        judged=True,
    )
    return Comparison(every, tuple(made), projection, book, draws, seed, unpriced, n_jobs)


def _same(total: FloatArray, other: FloatArray) -> FloatArray:
    """A total, taken to be another in the draws in which they differ by rounding alone: (draw,)."""
    return np.where(np.abs(total - other) <= _NOTHING * np.abs(other), other, total)


def _named(level: float) -> str:
    return f"p{level * 100:g}"


def _ratio(above: FloatArray | None, below: FloatArray | None) -> float:
    if above is None or below is None or not below.mean() > 0:
        return float("nan")
    return float(above.mean() / below.mean())
