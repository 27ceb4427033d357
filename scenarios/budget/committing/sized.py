"""One size, judged. Comes in: costs on every path. Goes out: what it saves, how surely, and what is not used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from forecast.panel import FloatArray, IntArray
from forecast.shown import CellKind, Result, Shown, rows_as
from forecast.shown.cells import told as cells_of
from scenarios.budget.committing.costs import Costs
from scenarios.budget.contingency import mean_error, quantile_error
from scenarios.budget.funding import level_name

#: A saving of less than this of the on-demand cost is rounding.
_ROUNDING: Final = 1e-12


@dataclass(frozen=True, slots=True)
class SizedCommitment(Result):
    """What one size of a commitment does; as text, a sentence.

    With fee the money paid for the commitment over the term, used or not, by the FinOps Foundation's measures ("How to
    Calculate Percentage of Commitment Discount Waste", "Determine Effective Savings Rate"):

        waste = fee of what is not used;  waste_share = E[waste] / fee;  utilisation = 1 - waste_share
        coverage = E[usage that it serves, at on-demand prices] / E[usage at on-demand prices]
        savings_rate = (E[on demand] - E[cost]) / E[on demand]

    Attributes
    ----------
    size : float
    told : str
        The size, in words.
    committed : float
        What is promised over the term.
    on_demand, expected : float
        Mean cost of the covered usage on demand, and with the commitment.
    saving, saving_se : float
        Mean of what it saves, and its standard error, draws of one trajectory together.
    saving_p10, saving_p50, saving_p90 : float
    quantile, quantile_se : float
        Of the cost at ``confidence``; of the plan's total where ``of="plan"``.
    quantile_saved : float
        What it takes off the same quantile on demand.
    probability, probability_se : float
        Share of futures in which it is cheaper than paying on demand.
    waste, waste_p50, waste_p90 : float
        Money paid for what is not used: mean and quantiles.
    waste_share, utilisation, coverage, savings_rate : float
    break_even : float
        Of spend and minimum the discount, of capacity the price a unit, at which this size saves nothing on average;
        NaN where none does.
    break_even_of : str
        "discount" or "price".
    confidence : float
    currency : str
    """

    size: float
    told: str
    committed: float
    on_demand: float
    expected: float
    saving: float
    saving_se: float
    saving_p10: float
    saving_p50: float
    saving_p90: float
    quantile: float
    quantile_se: float
    quantile_saved: float
    probability: float
    probability_se: float
    waste: float
    waste_p50: float
    waste_p90: float
    waste_share: float
    utilisation: float
    coverage: float
    savings_rate: float
    break_even: float
    break_even_of: str
    confidence: float
    currency: str

    @property
    def worth_it(self) -> bool:
        """Whether it saves money on average."""
        return self.saving > _ROUNDING * abs(self.on_demand)

    def show(self) -> Shown:
        """Its figures, one under the other."""
        money: CellKind = "money"
        even: CellKind = "share" if self.break_even_of == "discount" else "price"
        level = level_name(self.confidence)
        rows: list[tuple[str, float, CellKind]] = [
            ("committed", self.committed, money),
            ("mean cost on demand", self.on_demand, money),
            ("mean cost with it", self.expected, money),
            ("mean saving", self.saving, money),
            ("saving, P10", self.saving_p10, money),
            ("saving, P90", self.saving_p90, money),
            (f"{level} of the cost", self.quantile, money),
            (f"off the {level}", self.quantile_saved, money),
            ("futures in which it is cheaper", self.probability, "share"),
            ("mean waste", self.waste, money),
            ("used", self.utilisation, "share"),
            ("usage covered", self.coverage, "share"),
            (f"break-even {self.break_even_of}", self.break_even, even),
        ]
        cells = [(name, cells_of([value], kind)[0]) for name, value, kind in rows]
        table = rows_as(cells, (), ("label", "number"), caption=f"Money in {self.currency}, over the term.")
        return Shown(f"Commitment of {self.told}", f"{self}.", (table,))

    def __repr__(self) -> str:
        """One line: the size and what it saves."""
        return f"SizedCommitment({self.told}: saves {self.currency} {self.saving:,.2f} on average)"

    def __str__(self) -> str:
        """What it is worth."""
        if self.size == 0.0:
            return f"no commitment: {self.currency} {self.on_demand:,.2f} on demand on average"
        does = "saves" if self.saving >= 0 else "costs"
        more = "" if self.saving >= 0 else " more"
        unit = f"{self.currency} {self.break_even:,.2f} a unit" if self.break_even_of == "price" else ""
        even = unit or f"a discount of {self.break_even:.1%}"
        return (
            f"{self.told}: {does} {self.currency} {abs(self.saving):,.2f}{more} on average (s.e. "
            f"{self.saving_se:,.2f}), cheaper than on demand in {_share(self.probability)} of futures; "
            f"{self.utilisation:.1%} used, {self.coverage:.1%} of usage covered, waste P50 {self.waste_p50:,.2f} and "
            f"P90 {self.waste_p90:,.2f}; breaks even at {'no discount' if np.isnan(self.break_even) else even}"
        )


def _share(share: float) -> str:
    """A probability that is neither 0 nor 1 is not told as either."""
    if 0 < share < 0.0005 or 0.9995 < share < 1:
        return "under 0.1 %" if share < 0.5 else "over 99.9 %"
    return f"{share:.1%}"


def sized(
    costs: Costs, size: float, told: str, beside: FloatArray, trajectory: IntArray, confidence: float, currency: str
) -> SizedCommitment:
    """Judge one size; ``beside`` (draw,) is money that no size moves and that the quantile is of too."""
    on_demand, cost = costs.on_demand, costs.cost(size)
    saving = on_demand - cost
    saving = np.where(np.abs(saving) <= _ROUNDING * np.abs(on_demand), 0.0, saving)
    pays = (saving > 0).astype("float64")
    curve = costs.curve(size) if size else None
    waste = np.zeros_like(cost) if curve is None else np.maximum(curve.waste(size), 0.0)
    covered = 0.0 if curve is None else float(curve.covered(size).mean())
    committed = 0.0 if curve is None else curve.fee * size
    mean = float(on_demand.mean())
    share = float(waste.mean()) / committed if committed else np.nan
    at, without = (float(np.quantile(money + beside, confidence)) for money in (cost, on_demand))
    low, middle, high = (float(q) for q in np.quantile(saving, [0.1, 0.5, 0.9]))
    error = mean_error(saving, trajectory)
    waste_middle, waste_high = (float(q) for q in np.quantile(waste, [0.5, 0.9]))
    return SizedCommitment(
        size,
        told,
        committed,
        mean,
        float(cost.mean()),
        float(saving.mean()),
        error if error > _ROUNDING * abs(mean) else 0.0,
        low,
        middle,
        high,
        at,
        quantile_error(cost + beside, confidence, trajectory),
        without - at,
        float(pays.mean()),
        mean_error(pays, trajectory),
        float(waste.mean()),
        waste_middle,
        waste_high,
        share,
        1.0 - share,
        covered / mean if mean else np.nan,
        float(saving.mean()) / mean if mean else np.nan,
        break_even(costs, size),
        "price" if costs.offer.kind == "capacity" else "discount",
        confidence,
        currency,
    )


def break_even(costs: Costs, size: float) -> float:
    """The discount, or of capacity the price a unit, at which a size saves nothing on average; NaN where none does.

    Of capacity it is what a unit serves, at on-demand prices, over its months or hours: cost is linear in the price. Of
    a spend commitment at on-demand prices it is 1 - E[utilisation]. Else it is sought: what is saved rises with the
    discount.
    """
    if size == 0.0:
        return np.nan
    curve = costs.curve(size)
    if costs.offer.kind == "capacity":
        priced = costs_per_price(costs)
        return float(curve.covered(size).mean()) / (size * priced) if priced else np.nan
    if costs.offer.kind == "spend" and not costs.offer.needs_a_floor and costs.offer.sized_in == "on_demand":
        return float(curve.waste(size).mean()) / (curve.fee * size)
    on_demand = float(costs.on_demand.mean())

    def saved(discount: float) -> float:
        return on_demand - float(costs.at_discount(discount).cost(size).mean())

    from scipy.optimize import brentq

    most = 1.0 - 1e-9
    if not on_demand or saved(most) < 0.0:
        return np.nan
    return 0.0 if saved(0.0) >= 0.0 else float(brentq(saved, 0.0, most, xtol=1e-13))


def costs_per_price(costs: Costs) -> float:
    """Months, or hours, that a unit is paid for."""
    offer, demand = costs.offer, costs.demand
    return float((offer.ramped(demand.first) * (demand.length if offer.price_per == "month" else demand.hours)).sum())
