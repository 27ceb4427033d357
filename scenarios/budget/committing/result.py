"""The commitment, held against paying on demand. Comes in: costs on every path. Goes out: sizes, tables, contracts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import pandas as pd

from forecast.errors import PlanError
from forecast.panel import FloatArray
from forecast.shown import CellKind, Result, Shown, table_of
from scenarios.budget.committing.costs import Costs
from scenarios.budget.committing.demand import Covered
from scenarios.budget.committing.optimum import LeastQuantile
from scenarios.budget.committing.ranges import (
    grid_of,
    likely_least,
    likely_least_quantile,
    nearly_least,
    nearly_least_quantile,
)
from scenarios.budget.committing.rules import contract_of
from scenarios.budget.committing.sized import SizedCommitment, sized
from scenarios.budget.committing.terms import Offer, number_of
from scenarios.budget.funding import level_name
from scenarios.changes import Contract
from scenarios.scenario import Scenario

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from scenarios.budget.budget_plan import BudgetPlan

#: Which money the quantile is of: the covered usage, or the plan's total.
Of = Literal["usage", "plan"]
#: The columns of a table, in order; the quantile's is called by its level.
COLUMNS: Final = (
    "committed", "expected", "saving", "saving_se", "quantile", "quantile_se", "quantile_saved", "probability",
    "probability_se", "waste", "waste_p50", "waste_p90", "waste_share", "utilisation", "coverage", "savings_rate",
    "break_even",
)  # fmt: skip
_SHARES: Final = ("probability", "probability_se", "waste_share", "utilisation", "coverage", "savings_rate")
_ROWS: Final = 10


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Commitment(Result):
    """An offer of committed usage, held against paying on demand along every draw of a plan.

    Attributes
    ----------
    plan : BudgetPlan
    name : str
    offer : Offer
        Its terms.
    covered : Covered
        Whose usage, and the first and last day.
    costs : Costs
        What every size costs on every path.
    confidence : float
        The level of the quantile.
    of : {"usage", "plan"}
        Which money the quantile is of.
    least_expected : float
        The size of least expected cost: exact.
    least_quantile : LeastQuantile
        The size of least quantile, and how far below it, as a part of it, any other size may lie.
    sizes : float array (size,)
        Which sizes the table shows unless others are asked.
    beside : float array (draw,)
        Money that no size moves and that the quantile is of too: the plan's other money where ``of="plan"``, else 0.
    """

    plan: BudgetPlan
    name: str
    offer: Offer
    covered: Covered
    costs: Costs
    confidence: float
    of: Of
    least_expected: float
    least_quantile: LeastQuantile
    sizes: FloatArray
    beside: FloatArray
    _known: dict[float, SizedCommitment] = field(default_factory=dict)

    # --------------------------------------------------------------------------------------------- sizes, one by one

    @property
    def cheapest(self) -> SizedCommitment:
        """The size of least expected cost."""
        return self.at(self.least_expected)

    @property
    def safest(self) -> SizedCommitment:
        """The size of least quantile of cost."""
        return self.at(self.least_quantile.size)

    def at(self, size: float) -> SizedCommitment:
        """Whether an offer of one size is worth it: ``print(commitment.at(20_000))``.

        Raises
        ------
        PlanError
            No such size is sold.
        """
        known = self._checked(size)
        if known not in self._known:
            made = sized(
                self.costs,
                known,
                self.told(known),
                self.beside,
                self.plan.trajectory,
                self.confidence,
                self.plan.currency,
            )
            self._known[known] = made
        return self._known[known]

    def told(self, size: float) -> str:
        """A size in words: "USD 20,000 a month at on-demand prices"."""
        money = "" if self.offer.kind == "capacity" else f"{self.plan.currency} "
        shown = f"{size:,.2f}".removesuffix(".00")
        return "no commitment" if size == 0.0 else f"{money}{shown} {self.offer.what}"

    def paths(self, size: float) -> FloatArray:
        """What the covered usage costs with a size, month by month along every draw: (draw, month)."""
        money = self.costs.paths(self._checked(size))
        first = self.costs.demand.first.to_period("M")
        return np.asarray(np.add.reduceat(money, np.nonzero(~first.duplicated())[0], axis=1))

    @property
    def months(self) -> pd.PeriodIndex:
        """The months of :meth:`paths`."""
        return pd.PeriodIndex(self.costs.demand.first.to_period("M").unique())

    def cost(self, size: float) -> FloatArray:
        """What the covered usage costs over the term: (draw,)."""
        return self.costs.cost(self._checked(size))

    def totals(self, size: float) -> FloatArray:
        """The plan's total with a size: (draw,). Lines that are a share of others follow only in a replan."""
        return np.asarray(self.plan.totals - self.costs.on_demand + self.cost(size))

    def _checked(self, size: object) -> float:
        known = number_of(size)
        if known is None:
            raise PlanError(f"commitment: size {size!r}: wanted a number from 0 up")
        if known:
            self.costs.curve(known)
        step = self.offer.step
        if step is not None and abs(known / step - round(known / step)) > 1e-9:
            raise PlanError(f"commitment: size {known:,.12g} is not sold: it comes in steps of {step:,.12g}")
        return known

    # ------------------------------------------------------------------------------------------------ all sizes at once

    def table(self, sizes: Iterable[float] | None = None) -> pd.DataFrame:
        """Sizes, with the two best among them.

        Returns
        -------
        DataFrame
            Index ``size``; ``best`` says which row has the least expected cost, or quantile; the rest as
            :class:`SizedCommitment` has it, the quantile by its level, such as ``p80``.
        """
        asked = self.sizes if sizes is None else self.listed(sizes)
        every = np.unique([0.0, *asked, self.least_expected, self.least_quantile.size])
        judged = [self.at(float(size)) for size in every]
        table = pd.DataFrame(
            {name: [getattr(one, name) for one in judged] for name in COLUMNS}, index=pd.Index(every, name="size")
        )
        level = level_name(self.confidence).lower()
        table = table.rename(columns=lambda name: name.replace("quantile", level))
        table.insert(0, "best", [self._best(float(size)) for size in every])
        return table

    def listed(self, sizes: object) -> FloatArray:
        """Sizes to be shown, checked.

        Raises
        ------
        PlanError
            They are no list of sizes that are sold.
        """
        if isinstance(sizes, str) or not isinstance(sizes, Iterable):
            raise PlanError(f"commitment: sizes = {sizes!r}: wanted a list, such as [10_000, 20_000]")
        return np.array([self._checked(size) for size in sizes])

    def _best(self, size: float) -> str:
        marks = {
            "expected": size == self.least_expected,
            level_name(self.confidence): size == self.least_quantile.size,
        }
        return ", ".join(name for name, is_it in marks.items() if is_it)

    def ranges(self, *, level: float = 0.80, within: float = 0.01) -> pd.DataFrame:
        """How sure the two best sizes are: the optimum is often flat, and draws and trajectories are finite.

        Parameters
        ----------
        level : float
            Two-sided, of ``low`` and ``high``.
        within : float
            How much dearer a size may be to count as nearly as good.

        Returns
        -------
        DataFrame
            Rows ``expected`` and the quantile's, such as ``P80``. ``size`` the best; ``near_low`` and ``near_high``
            the least and greatest size within 1 % of it: exact for expected cost, on a hundred sizes for the quantile;
            ``low`` and ``high`` where the best size of endless draws and trajectories may lie: for expected cost by
            inverting the error of the slope (Woodruff 1952), for the quantile by 200 samples of the trajectories
            (Efron 1979) on the same sizes.
        """
        for name, value in (("level", level), ("within", within)):
            if number_of(value) is None or not 0 < value < 1:
                raise PlanError(f"commitment: {name} = {value!r}: wanted a share between 0 and 1")
        trajectory, quantile = self.plan.trajectory, self._quantile
        near, likely = (
            nearly_least(self.costs, within),
            likely_least(self.costs, self.least_expected, trajectory, level),
        )
        top = max(self._top(), 1.5 * likely.high, near.high, 1.2 * self.least_quantile.size)
        sizes = np.unique([*grid_of(self.costs, top), self.least_quantile.size])
        close = nearly_least_quantile(quantile, sizes, self.least_quantile.value, within)
        found = likely_least_quantile(
            lambda size: self.costs.cost(size) + self.beside,
            sizes,
            self.confidence,
            trajectory,
            seed=self.plan.spec.seed,
        )
        low, high = np.quantile(found, [0.5 - level / 2, 0.5 + level / 2])
        rows = {
            "expected": (self.least_expected, near.low, near.high, likely.low, likely.high),
            level_name(self.confidence): (self.least_quantile.size, close.low, close.high, float(low), float(high)),
        }
        columns = ["size", "near_low", "near_high", "low", "high"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("least")

    def _quantile(self, size: float) -> float:
        return float(np.quantile(self.costs.cost(size) + self.beside, self.confidence))

    def _top(self) -> float:
        """A size that few futures could use."""
        return top_of(self.costs, max(self.least_expected, self.least_quantile.size))

    # ------------------------------------------------------------------------------------------------------ and then

    def contract(self, size: float | None = None) -> Contract:
        """The change that bills a size, that of least expected cost unless said: for a scenario.

        Raises
        ------
        PlanError
            No contract bills so, or nothing is committed.
        """
        known = self.least_expected if size is None else self._checked(size)
        if known == 0.0:
            raise PlanError("commitment: a size of 0 is paying on demand; there is nothing to contract")
        return contract_of(self.offer, self.covered, known, self.name)

    def scenario(self, size: float | None = None) -> Scenario:
        """The plan's scenario with a size in force: ``plan.replan(scenario=commitment.scenario())``."""
        made = self.plan.spec.scenario | Scenario(self.name, [self.contract(size)])
        # Branches are dealt to draws by the scenario's name.
        return made.named(self.plan.spec.scenario.name) if made.branches else made

    def plot(self, ax: Axes | None = None) -> Axes:
        """Expected cost and its quantile against the size, the two best marked."""
        from scenarios.budget.committing.figure import commitment_chart

        return commitment_chart(self, ax)

    def __repr__(self) -> str:
        level, of = level_name(self.confidence), "" if self.of == "usage" else " of the plan"
        return (
            f"Commitment({self.name}: least expected cost at {self.told(self.least_expected)}, least {level}{of} at "
            f"{self.told(self.least_quantile.size)}; saves {self.plan.currency} {self.cheapest.saving:,.2f} on average)"
        )

    def show(self) -> Shown:
        """Sizes side by side: what each costs, saves and wastes."""
        table = self.table()
        table = table.drop(columns=[c for c in table if str(c).endswith("_se")])
        shares = [*_SHARES, *(["break_even"] if self.offer.kind != "capacity" else [])]
        kinds: dict[str, CellKind] = {str(c): "share" if c in shares else "money" for c in table if c != "best"}
        kinds["size"] = "price"  # such as 20,000, or 12.5 of some capacity
        shown = table_of(table, kinds=kinds, caption=f"Money in {self.plan.currency}.", where="commitment.table()")
        return Shown(
            "Commitment" if self.name == "commitment" else f"Commitment: {self.name}",
            f"The best on average: {self.cheapest}.",
            (shown,),
        )


def top_of(costs: Costs, best: float) -> float:
    """A size that few futures could use, for tables and pictures."""
    curve = costs.tiers[-1].curve
    most = float(np.quantile(curve.demand, 0.98) * curve.level[-1])
    return max(most, 1.25 * best, 1.25 * costs.offer.floor) or 1.0


def rows_of(costs: Costs, top: float) -> FloatArray:
    """About ten round sizes."""
    raw = top / _ROWS
    scale = 10.0 ** np.floor(np.log10(raw))
    each = next(step * scale for step in (1.0, 2.0, 2.5, 5.0, 10.0) if step * scale >= raw * (1.0 - 1e-9))
    sizes = [float(f"{each * i:.12g}") for i in range(1, _ROWS + 1)]
    held = {
        near
        for tier in costs.tiers
        for s in sizes
        if tier.sizes.low <= s < tier.sizes.high
        for near in tier.sizes.near(s)[:1]
    }
    return np.array(sorted(held | {tier.sizes.ends()[0] for tier in costs.tiers}))
