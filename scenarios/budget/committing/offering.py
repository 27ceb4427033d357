"""``commitment``: a plan and an offer in; what each size costs against paying on demand out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from forecast.errors import PlanError, one_of
from forecast.panel import FloatArray
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.committing.costs import Costs, costs_of
from scenarios.budget.committing.demand import Covered, demand_of, term_of
from scenarios.budget.committing.optimum import LeastQuantile, least_expected, least_quantile
from scenarios.budget.committing.result import Commitment, Of, rows_of, top_of
from scenarios.budget.committing.terms import Every, Kind, Offer, Overage, SizedIn, offered

if TYPE_CHECKING:
    import pandas as pd


def commitment(
    plan: BudgetPlan,
    kind: Kind = "spend",
    *,
    discount: float | Mapping[float, float] | None = None,
    overage: Overage | None = None,
    sized_in: SizedIn | None = None,
    price: float | None = None,
    price_per: Literal["month", "hour"] | None = None,
    serves: float | None = None,
    counts: str | Mapping[str, float] | None = None,
    every: Every | None = None,
    profile: Sequence[float] | None = None,
    peak_to_mean: float | None = None,
    ramp: Mapping[str, float] | None = None,
    least: float | None = None,
    step: float | None = None,
    provider: str = "*",
    model: str = "*",
    where: Mapping[str, str] | None = None,
    start: str | pd.Timestamp | None = None,
    end: str | pd.Timestamp | None = None,
    sizes: Iterable[float] | None = None,
    confidence: float | None = None,
    of: Of = "usage",
    name: str = "commitment",
    n_jobs: int | None = 1,
) -> Commitment:
    """Hold a commitment against paying on demand: how much to commit to, what it saves, how surely, what is wasted.

    With s the size, D_t the covered usage of period t at on-demand prices in one draw, m_t its months (a month in part
    counts by its days) and δ the discount, the covered usage costs

    - ``"spend"``: Σ_t (1-δ) m_t s + max(D_t - m_t s, 0). So much a month at on-demand prices is paid for at a discount,
      used or not; what lies above is on demand: Google's committed use discounts. ``sized_in="paid"`` counts s after
      the discount, as AWS Savings Plans do. ``overage="discounted"``: Σ_t (1-δ) max(m_t s, D_t), a minimum a month
      for a discount on all usage.
    - ``"capacity"``: Σ_t s · price_t + D_t · Σ_h w_h max(Q_t l_h - s · served_t, 0) / Q_t. Units at a price, each of
      which serves ``serves`` of what ``counts`` says; what exceeds them is on demand: PTUs of Azure and OpenAI's scale
      tier, model units of Bedrock, GSUs of Vertex AI. Hours of a level l_h have a share w_h of the hours.
    - ``"minimum"``: max(s, (1-δ) Σ_t D_t). A discount on all usage for a least amount over the whole term, what is
      missing paid at its end: enterprise agreements.

    Each is convex and piecewise linear in s along every draw. The size of least **expected** cost is exact: the
    quantile of pooled demand at the newsvendor's critical ratio (of a spend commitment: at δ itself). A quantile of
    cost need not be convex in s: its least is found by branch and bound, within 1e-9 of the quantile, which is proved.

    Parameters
    ----------
    plan : BudgetPlan
    kind : {"spend", "capacity", "minimum"}
    discount : float or mapping
        Off on-demand prices: 0.2 is 20 %. ``{10_000: 0.05, 50_000: 0.10}`` is by the least size that earns it.
    overage : {"on_demand", "discounted"}
        Of spend: what usage above the size costs.
    sized_in : {"on_demand", "paid"}
        Of spend: whether the size is usage at on-demand prices, or what is paid for it.
    price, price_per
        Of capacity: money a unit, and ``"month"`` or ``"hour"``.
    serves : float
        Of capacity: what a unit serves a minute; where ``counts="cost"``, usage at on-demand prices a month.
    counts : str or mapping
        Of capacity: "total_tokens", a unit such as "output_tokens", "requests", "cost", or weights by unit where a
        vendor lets one token take up several: ``{"input_tokens": 1, "output_tokens": 4}``.
    every : {"month", "day"}
        How often the commitment is held against usage. By month the use of all its days counts together. Vendors that
        commit by the hour waste what idle days and hours leave: take "day", and ``profile`` for the hours.
    profile : 24 floats, optional
        How demand goes over the hours of a day.
    peak_to_mean : float, optional
        In place of ``profile``: see :class:`forecast.prices.billing.Provisioned`.
    ramp : mapping, optional
        Parts of the size that hold from a month on, all of it before the first: ``{"2027-01": 0.5, "2027-04": 1}``.
    least : float, optional
        The least size that is sold. Where all usage is discounted, this or a discount by size is needed.
    step : float, optional
        Sizes come in multiples of it.
    provider, model, where
        Globs: whose usage it covers. ``where`` by any column of the usage, whatever the plan's ``detail``.
    start, end : date, optional
        First and last day; the plan's unless said. What is paid beyond the plan is not seen.
    sizes : iterable of float, optional
        Which sizes the table shows; about ten round ones unless said. The two best sizes do not depend on it.
    confidence : float, optional
        The level of the quantile; the plan's unless said.
    of : {"usage", "plan"}
        Whether the quantile is of the covered usage, or of the plan's total: the budget.
    name : str
        What its lines are called in a plan.
    n_jobs : int, optional

    Returns
    -------
    Commitment

    Raises
    ------
    PlanError, ScenarioError
        Arguments do not hold together, match no usage, or the scenario has a contract on the same usage already.

    Notes
    -----
    Money is settled as :class:`scenarios.Contract` settles it, and ``plan.replan(scenario=commitment.scenario(size))``
    gives the plan with the commitment in it: its totals are ``commitment.totals(size)``.

    Sources: AWS Savings Plans User Guide, "Understanding how Savings Plans apply to your AWS usage"; Google Cloud,
    "Spend-based committed use discounts"; Microsoft Learn, "Provisioned throughput units onboarding"; Amazon Bedrock
    User Guide, "Provisioned Throughput"; Vertex AI, "Use Provisioned Throughput"; Arrow, Harris & Marschak (1951),
    doi:10.2307/1906813, for the critical ratio.
    """
    if not isinstance(plan, BudgetPlan):
        raise PlanError(f"sc.commitment takes a plan, not {type(plan).__name__}: sc.plan(projection, ...)")
    offer = offered(
        kind,
        {
            "discount": discount,
            "overage": overage,
            "sized_in": sized_in,
            "price": price,
            "price_per": price_per,
            "serves": serves,
            "counts": counts,
            "every": every,
            "profile": profile,
            "peak_to_mean": peak_to_mean,
            "ramp": ramp,
            "least": least,
            "step": step,
        },
    )
    _check_floor(offer)
    one_of("commitment: of", of, get_args(Of), PlanError)
    level = _confidence(plan.confidence if confidence is None else confidence)
    covered = Covered(*term_of(plan, start, end), _glob("provider", provider), _glob("model", model), _where(where))
    costs = costs_of(offer, demand_of(plan, offer, covered, n_jobs))
    if not offer.ramped(costs.demand.first).any():
        raise PlanError(f"commitment: ramp = {ramp!r} leaves nothing of the size from {covered.start:%Y-%m-%d} on")
    if not costs.on_demand.any():
        raise PlanError(
            f"commitment: {covered.told} cost nothing from {covered.start:%Y-%m-%d} to {covered.end:%Y-%m-%d}"
        )
    beside = np.zeros(len(plan.totals)) if of == "usage" else plan.totals - costs.on_demand
    best, safest = _least_expected(costs), _least_quantile(costs, beside, level)
    shown = rows_of(costs, top_of(costs, max(best, safest.size))) if sizes is None else np.empty(0)
    if not isinstance(name, str) or not name.strip():
        raise PlanError(f"commitment: name = {name!r}: wanted a name")
    made = Commitment(plan, name, offer, covered, costs, level, of, best, safest, shown, beside)
    return made if sizes is None else replace(made, sizes=made.listed(sizes))


def _least_expected(costs: Costs) -> float:
    """The best size of all discounts, or none."""
    found = [(float(costs.on_demand.mean()), 0.0)]
    found += [(cost, size) for size, cost in (least_expected(t.curve, t.sizes) for t in costs.tiers)]
    least = min(cost for cost, _ in found)
    return min(size for cost, size in found if cost <= least + 1e-12 * abs(least))


def _least_quantile(costs: Costs, beside: FloatArray, confidence: float) -> LeastQuantile:
    """The same for the quantile."""
    without = float(np.quantile(costs.on_demand + beside, confidence))
    found = [LeastQuantile(0.0, without, 0.0)]
    found += [least_quantile(t.curve, beside, confidence, t.sizes) for t in costs.tiers]
    least = min(found, key=lambda one: one.value - (1e-12 * abs(without) if one.size == 0.0 else 0.0))
    floor = min(one.value * (1.0 - one.gap) for one in found)
    return LeastQuantile(least.size, least.value, max(0.0, 1.0 - floor / least.value) if least.value else 0.0)


def _confidence(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1:
        raise PlanError(f"commitment: confidence = {value!r}: wanted a level between 0 and 1, such as 0.80")
    return float(value)


def _glob(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise PlanError(f"commitment: {name} = {value!r}: wanted a glob such as 'gpt-5*'")
    return value


def _where(where: object) -> dict[str, str]:
    globs = {} if where is None else where
    if not isinstance(globs, Mapping) or not all(isinstance(k, str) and isinstance(v, str) for k, v in globs.items()):
        raise PlanError(f"commitment: where = {where!r}: wanted globs by column, such as {{'project': 'search*'}}")
    return dict(globs)


def _check_floor(offer: Offer) -> None:
    """Refuse a discount on all usage that any size earns, however small.

    Raises
    ------
    PlanError
        With what would do.
    """
    if offer.needs_a_floor and offer.floor == 0.0 and any(share for _, share in offer.tiers):
        raise PlanError(
            "commitment: where all usage is discounted, whatever the size, the least promise is the best one; say what "
            "it takes: least=50_000, or discount={50_000: 0.10, 100_000: 0.15}"
        )
