"""Goal seek and reverse stress. Comes in: scenarios by one number, and a limit. Goes out: the number that meets it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecast.errors import ScenarioError
from forecast.panel import FloatArray
from forecast.prices import PriceBook
from forecast.projection import Projection
from scenarios.costing import Unpriced
from scenarios.outcome import outcomes
from scenarios.scenario import Scenario

#: How near the quantile must come to the limit, as a part of the limit: far below the error of any P80.
NEAR = 1e-6
#: Values tried at most; each halves what is left, or better.
MOST_TRIES = 60


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Sought:
    """The number that brings a quantile of the total to a limit.

    Attributes
    ----------
    value : float
    low, high : float
        The same for the quantile's standard error up and down: how well the draws know it.
    limit, confidence : float
    tried : DataFrame
        Every number tried (``value``), with the quantile (``total``) and the probability of a total over the limit
        (``over``), in order of the numbers.
    scenario : Scenario
        At the value.
    currency : str
    """

    value: float
    low: float
    high: float
    limit: float
    confidence: float
    tried: pd.DataFrame
    scenario: Scenario
    currency: str

    def __repr__(self) -> str:
        return (
            f"Sought({self.value:.4g} ({self.low:.4g} to {self.high:.4g}) brings the P{self.confidence * 100:g} to "
            f"{self.currency} {self.limit:,.2f}: {self.scenario.name})"
        )


def goal_seek(
    projection: Projection,
    scenario: Callable[[float], Scenario],
    *,
    limit: float,
    within: tuple[float, float],
    confidence: float = 0.80,
    prices: PriceBook | None = None,
    draws: int = 2_000,
    seed: int = 0,
    unpriced: Unpriced = "refuse",
) -> Sought:
    """Find the number at which a quantile of the plan's total meets a limit.

    Solves Q_confidence(total(x)) = limit for x. Goal seek: the share of cache hits that brings the P80 under a budget.
    Reverse stress: the growth that breaks a budget with a probability of 30 % is the one that brings the P70 to it
    (:func:`reverse_stress`). Totals of all x are made of the same random numbers, so that they move smoothly with x.

    Parameters
    ----------
    projection : Projection
    scenario : callable
        The scenario of one number: ``lambda x: sc.Scenario("growth", [sc.Growth(monthly=x)])``.
    limit : float
        Money over the plan.
    within : (float, float)
        Where to look; the quantile must be below the limit at one end and above it at the other.
    confidence : float
        One-sided: 0.80 is the P80.
    prices, draws, seed, unpriced
        As in :func:`scenarios.compare`.

    Raises
    ------
    ScenarioError
        No number between the two ends meets the limit; the message has the quantile at both.
    """
    from scipy.optimize import brentq

    for name, value in (("limit", limit), *zip(("within[0]", "within[1]"), within, strict=True)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
            raise ScenarioError(f"goal_seek: {name} = {value!r}: wanted a finite number")
    if not limit > 0:
        raise ScenarioError(f"goal_seek: limit = {limit:,.2f}: wanted money above 0")
    if not within[0] < within[1]:
        raise ScenarioError(f"goal_seek: within = {within!r}: the first end must be below the second")
    if not 0 < confidence < 1:
        raise ScenarioError(f"goal_seek: confidence = {confidence!r}: wanted a probability between 0 and 1")
    book = prices if prices is not None else PriceBook.builtin()
    totals: dict[float, FloatArray] = {}
    currency = ""

    def quantile(x: float) -> float:
        nonlocal currency
        if x not in totals:
            made = scenario(x)
            if not isinstance(made, Scenario):
                raise ScenarioError(f"goal_seek: scenario({x:g}) gave {made!r}, which is no Scenario")
            (one,) = outcomes(projection, [made], prices=book, draws=draws, seed=seed, detail=(), unpriced=unpriced)
            totals[x], currency = one.totals, one.currency
        return float(np.quantile(totals[x], confidence))

    ends = [quantile(x) for x in within]
    if (ends[0] - limit) * (ends[1] - limit) > 0:
        side = "above" if ends[0] > limit else "below"
        raise ScenarioError(
            f"nothing from {within[0]:g} to {within[1]:g} brings the P{confidence * 100:g} to {limit:,.2f} {currency}: "
            f"it is {ends[0]:,.2f} at {within[0]:g} and {ends[1]:,.2f} at {within[1]:g}, both {side} it; look "
            "further, or set another limit"
        )
    value = float(
        brentq(
            lambda x: quantile(x) / limit - 1.0,
            *within,
            xtol=1e-6 * (within[1] - within[0]),
            rtol=NEAR,
            maxiter=MOST_TRIES,
        )
    )
    low, high = sorted(_error(value, totals, confidence, within))
    rows = [(x, float(np.quantile(t, confidence)), float(np.mean(t > limit))) for x, t in sorted(totals.items())]
    tried = pd.DataFrame(rows, columns=["value", "total", "over"])
    return Sought(value, low, high, float(limit), confidence, tried, scenario(value), currency)


def reverse_stress(
    projection: Projection,
    scenario: Callable[[float], Scenario],
    *,
    limit: float,
    within: tuple[float, float],
    probability: float = 0.5,
    prices: PriceBook | None = None,
    draws: int = 2_000,
    seed: int = 0,
    unpriced: Unpriced = "refuse",
) -> Sought:
    """Find the number, such as a growth or a price, that breaks a budget with a probability.

    Solves P(total(x) > limit) = probability: a goal seek at the confidence 1 - probability.

    Parameters
    ----------
    projection, scenario, limit, within, prices, draws, seed, unpriced
        As in :func:`goal_seek`.
    probability : float
        That the total is above the limit.

    Raises
    ------
    ScenarioError
        As :func:`goal_seek`.
    """
    if isinstance(probability, bool) or not isinstance(probability, int | float) or not 0 < probability < 1:
        raise ScenarioError(f"reverse_stress: probability = {probability!r}: wanted one between 0 and 1")
    return goal_seek(
        projection,
        scenario,
        limit=limit,
        within=within,
        confidence=1.0 - probability,
        prices=prices,
        draws=draws,
        seed=seed,
        unpriced=unpriced,
    )


def _error(
    value: float, totals: dict[float, FloatArray], confidence: float, within: tuple[float, float]
) -> tuple[float, float]:
    """The number at one standard error of the quantile down and up, by how the quantile moved where it was tried."""
    x = np.array(sorted(totals))
    q = np.array([float(np.quantile(totals[float(v)], confidence)) for v in x])
    near = np.argsort(np.abs(x - value), kind="stable")
    apart = next((i for i in near if abs(x[i] - value) > 1e-4 * (within[1] - within[0])), near[-1])
    at = float(np.quantile(totals[float(x[near[0]])], confidence))
    if q[apart] == at:  # nothing moves there: the draws say nothing of the number
        return within
    slope = (q[apart] - at) / (x[apart] - value)
    error = float(np.sqrt(confidence * (1 - confidence) / len(totals[float(x[0])])))
    ends = np.quantile(totals[float(x[near[0]])], np.clip([confidence - error, confidence + error], 0.0, 1.0))
    moved = (at - ends) / slope + value
    return float(np.clip(moved[0], *within)), float(np.clip(moved[1], *within))
