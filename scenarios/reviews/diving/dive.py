"""The deep dive. Comes in: plans that are over and usage. Goes out: calibration, errors, levers, settings, in one."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from forecast.errors import PlanError
from forecast.models import Model
from forecast.prices import PriceBook
from forecast.projection import projected
from forecast.usage import Usage
from scenarios.bridging.bridge import Bridge
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.planning import plan as plan_of
from scenarios.changes import Change
from scenarios.reviews.diving.calibration import calibration_of, pits
from scenarios.reviews.diving.judged import judged
from scenarios.reviews.diving.opportunities import opportunities_of
from scenarios.reviews.diving.savings import savings_of
from scenarios.reviews.diving.settings import settings_of
from scenarios.reviews.reviewing import Review, review

#: Draws of the plan of the time to come that levers are tried on, where none is given.
DRAWS = 2_000


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class DeepDive:
    """A quarter looked at closely.

    Attributes
    ----------
    reviews : tuple of Review
        Of each plan.
    by : str
    pits : DataFrame
        Where actuals stood: :func:`scenarios.reviews.diving.calibration.pits`.
    calibration : DataFrame
        By part: :func:`scenarios.reviews.diving.calibration.calibration_of`.
    bridge : Bridge or None
        The last plan to what was spent, over its months that are over.
    opportunities : DataFrame
        Levers by what they would save: :func:`scenarios.reviews.diving.opportunities.opportunities_of`.
    savings : DataFrame
        Of levers already taken: :func:`scenarios.reviews.diving.savings.savings_of`.
    overrides : DataFrame
        Judgements by hand, and whether each brought the plan nearer: :func:`scenarios.reviews.diving.judged.judged`.
    stale : DataFrame
        Assumptions of the last plan that ought to be looked at again.
    settings : DataFrame
        Models for the next quarter: :func:`scenarios.reviews.diving.settings.settings_of`; empty where none was asked.
    """

    reviews: tuple[Review, ...]
    by: str
    pits: pd.DataFrame
    calibration: pd.DataFrame
    bridge: Bridge | None
    opportunities: pd.DataFrame
    savings: pd.DataFrame
    overrides: pd.DataFrame
    stale: pd.DataFrame
    settings: pd.DataFrame

    @property
    def findings(self) -> tuple[str, ...]:
        """What it comes to, a sentence each."""
        told = [_held(self.calibration), *_drivers(self.bridge), *_levers(self.opportunities, self._currency)]
        told += [
            f"{name} saved {row.realised:,.0f} {self._currency} of the {row.planned:,.0f} planned"
            for name, row in self.savings.iterrows()
            if pd.notna(row.realised) and pd.notna(row.planned)
        ]
        told += [
            f"{name} ({row.who}) brought the plan {'nearer' if row.added_value > 0 else 'no nearer'} to the actual"
            for name, row in self.overrides.iterrows()
            if pd.notna(row.added_value)
            if pd.notna(row.added_value)
        ]
        if len(self.stale):
            told.append(f"{len(self.stale)} assumptions ought to be looked at again")
        if len(self.settings):
            chosen = self.settings.index[self.settings["proposed"]][0]
            row = self.settings.loc[chosen]
            told.append(f"model for the next quarter: {chosen}, off by {row['error']:.1%} ({row['grade']})")
        return tuple(told)

    @property
    def _currency(self) -> str:
        return self.reviews[-1].plan.currency

    def tables(self) -> Mapping[str, pd.DataFrame]:
        """Every table by its name."""
        names = ("calibration", "pits", "opportunities", "savings", "overrides", "stale", "settings")
        return {name: getattr(self, name) for name in names}

    def __repr__(self) -> str:
        return "DeepDive(" + "; ".join(self.findings) + ")"

    def _repr_html_(self) -> str:
        parts = [f"<ul>{''.join(f'<li>{html.escape(told)}</li>' for told in self.findings)}</ul>"]
        for name, table in self.tables().items():
            if len(table) and name != "pits":
                shown = table.to_html(border=0, float_format=lambda v: f"{v:,.3g}" if abs(v) < 10 else f"{v:,.0f}")
                parts.append(f"<h4>{name}</h4>{shown}")
        return "".join(parts)


def deep_dive(
    plans: BudgetPlan | Sequence[BudgetPlan],
    usage: Usage,
    *,
    as_of: str | pd.Timestamp | None = None,
    by: str = "environment",
    levers: Sequence[Change] | None = None,
    ahead: BudgetPlan | None = None,
    models: Sequence[str | Model] = ("auto", "fast", "seasonal_naive"),
    origins: int = 3,
    horizon: int | None = None,
    prices: PriceBook | None = None,
) -> DeepDive:
    """Look at plans that are over, or nearly, and at what the next one should do otherwise.

    Parameters
    ----------
    plans : BudgetPlan or several
        The oldest first. Their months that are over are judged; the last is the one that errors, savings and stale
        assumptions are told of.
    usage : Usage
    as_of : date, optional
        As of :func:`scenarios.review`.
    by : str
        Whose forecasts are judged apart: a column of the plans' labels.
    levers : sequence of changes, optional
        What is tried on the time to come; see :func:`scenarios.reviews.diving.opportunities.opportunities_of`.
    ahead : BudgetPlan, optional
        The plan of the time to come; where none is given, the next quarter as forecast by the last plan's settings.
    models : sequence of str or Model
        Judged beside the plan's own; none where it is empty.
    origins, horizon : int
        From how many past dates they are judged, and how many periods ahead: 28 days, or 3 months of monthly usage,
        where none is given.
    prices : PriceBook, optional
        Today's prices; the last plan's where none are given.

    Raises
    ------
    PlanError, ModelError, PriceError, UsageError
        An argument does not hold; the message says what would mend it.
    """
    several = (plans,) if isinstance(plans, BudgetPlan) else tuple(plans)
    if not several or not all(isinstance(p, BudgetPlan) for p in several):
        raise PlanError("deep_dive: wanted a BudgetPlan, or several in a list")
    last = several[-1]
    if by not in last.ledger.labels:
        raise PlanError(f"by={by!r}: the plan keeps apart {', '.join(last.ledger.labels.columns)}")
    reviews = tuple(_review(p, usage, as_of, prices if p is last else None) for p in several)
    found = pits(reviews, by)
    if found.empty:
        raise PlanError(
            f"deep_dive: no month of these plans is over by {reviews[-1].as_of:%Y-%m-%d}, the last day taken as known "
            "in full, or none has a spread: there is nothing to judge; where the export is complete up to a later day, "
            "say as_of="
        )
    out = reviews[-1].outlook
    next_one = ahead if ahead is not None else _next(out.usage, last, prices)
    settings = settings_of(last, out.usage, models, origins=origins, horizon=horizon) if models else pd.DataFrame()
    return DeepDive(
        reviews,
        by,
        found,
        calibration_of(found, by),
        reviews[-1].bridge(),
        opportunities_of(next_one, levers),
        savings_of(out),
        judged(out),
        last.stale(on=out.as_of),
        settings,
    )


def _review(plan: BudgetPlan, usage: Usage, as_of: str | pd.Timestamp | None, prices: PriceBook | None) -> Review:
    """A review of a plan, on its own last day where the as-of date lies after it."""
    made = review(plan, usage, as_of=as_of, prices=prices)
    end = plan.projection.span.end
    return made if made.as_of <= end else review(plan, usage, as_of=end, prices=prices)


def _next(usage: Usage, last: BudgetPlan, prices: PriceBook | None) -> BudgetPlan:
    """The quarter after the as-of date, as forecast."""
    spec = replace(last.projection.spec, horizon="1Q", start=None, end=None, lag=0)
    projection = projected(usage, spec)
    book = prices if prices is not None else last.spec.prices
    draws = min(DRAWS, last.spec.draws)
    return plan_of(projection, prices=book, draws=draws, seed=last.spec.seed, unpriced=last.spec.unpriced)


def _held(table: pd.DataFrame) -> str:
    whole = table.loc["all"].astype("float64").to_dict()
    worst = table.drop(index="all")["bias"]
    said = (
        f"{whole['within']:.0%} of {whole['months']:.0f} actuals lay inside the 80 % band "
        f"(± {whole['within_se']:.0%}); forecasts were {abs(whole['bias']):.1%} too "
        f"{'high' if whole['bias'] > 0 else 'low'}"
    )
    if len(worst) > 1:
        name = str(worst.abs().idxmax())
        said += f", most so of {name} ({float(worst[name]):+.1%})"
    return said


def _drivers(bridge: Bridge | None) -> list[str]:
    if bridge is None:
        return []
    means = bridge.means
    step = str(means.abs().idxmax())
    return [f"the largest part of the difference came from {step}: {means[step]:+,.0f} {bridge.currency}"]


def _levers(table: pd.DataFrame, currency: str) -> list[str]:
    known = table[table["saving"] > 0]
    if known.empty:
        return ["no lever that was tried saves anything"]
    name, row = str(known.index[0]), known.iloc[0]
    band = f"P10-P90 {row['p10']:,.0f} to {row['p90']:,.0f}"
    return [f"most to save: {name}, {row['saving']:,.0f} {currency} ({row['percent']:.1%}; {band})"]
