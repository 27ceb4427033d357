"""What is held against a policy. Comes in: a plan, or usage and prices. Goes out: its money by part, its models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pandas as pd

from forecast import schema
from forecast.errors import PlanError, PriceError, TokenplanError, UsageError
from forecast.prices import PriceBook
from forecast.usage import Usage
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.ledger import LINE, TOKENS
from scenarios.reviews.allocating.bill import AMOUNT, MONTH, bill_of

ENVIRONMENT, MODEL, TIER = "environment", "model", "service_tier"
#: Units of usage that are tokens or more: a row that has any was used.
_USED: Final = (schema.REQUESTS, *schema.BILLABLE)


@dataclass(frozen=True, slots=True)
class Subject:
    """A plan or usage as rules see it.

    Attributes
    ----------
    told : str
        How messages call it.
    plan : BudgetPlan, optional
        The plan, where it is one.
    currency : str, optional
        Of its money; None where its cost is unknown.
    columns : tuple of str
        What its money can be told by.
    money : callable
        Money by some columns and ``month``, ``quarter`` or ``year``: a frame of these and ``amount``.
    models : DataFrame
        ``environment``, ``provider``, ``model``, perhaps ``service_tier``, ``first`` and ``last`` (days of use; NaT in
        a plan), and ``amount`` (NaN is unknown).
    end : Timestamp
        Its last day.
    notes : tuple of str
    """

    told: str
    plan: BudgetPlan | None
    currency: str | None
    columns: tuple[str, ...]
    money: Callable[[list[str]], pd.DataFrame]
    models: pd.DataFrame
    end: pd.Timestamp
    notes: tuple[str, ...] = ()


def subject_of(thing: object, prices: PriceBook | None) -> Subject:
    """A plan or usage as rules see it.

    Raises
    ------
    PlanError
        It is neither.
    """
    if isinstance(thing, BudgetPlan):
        return _of_plan(thing)
    if isinstance(thing, Usage):
        return _of_usage(thing, prices)
    raise PlanError(
        f"check({type(thing).__name__}): wanted a plan, as sc.plan makes it, or usage, as fc.read_usage reads"
    )


def _of_plan(plan: BudgetPlan) -> Subject:
    """The budget of a plan, by what it keeps apart."""
    labels = plan.ledger.labels
    columns = tuple(c for c in labels.columns if c != LINE)

    def money(by: list[str]) -> pd.DataFrame:
        return plan.table(by).reset_index().rename(columns={"budget": AMOUNT})[[*by, AMOUNT]]

    own = [c for c in (ENVIRONMENT, "provider", MODEL, TIER) if c in columns]
    models = plan.table([LINE, *own]).reset_index()
    used = (models[LINE] == TOKENS) & (models["budget"].abs() > 0) if MODEL in own else models[LINE] == ""
    seen = models[used].rename(columns={"budget": AMOUNT})[[*own, AMOUNT]].reset_index(drop=True)
    seen["first"] = seen["last"] = pd.Series(pd.NaT, index=seen.index, dtype="datetime64[ns]")
    notes = () if MODEL in own else ("the plan does not keep models apart: detail=('environment', 'model')",)
    return Subject(
        f"plan {plan.name!r}",
        plan,
        plan.currency,
        columns,
        money,
        seen,
        plan.projection.span.end,
        notes,
    )


def _of_usage(usage: Usage, prices: PriceBook | None) -> Subject:
    """What usage cost, by its own money or priced."""
    notes: list[str] = []
    rows, currency = pd.DataFrame(), None
    try:
        bill = bill_of(usage, prices=prices, money="billed_cost", unpriced="exclude", start=None, end=None, lines={})
        rows, currency = bill.frame, bill.currency
        notes += bill.notes
    except (UsageError, PriceError) as error:
        notes.append(f"what it cost is unknown, so that no money is checked: {error}")
    columns = tuple(c for c in schema.DIMENSIONS if c in rows)
    return Subject(
        usage.source,
        None,
        currency,
        columns,
        lambda by: _summed(rows, by),
        _models(usage, prices),
        usage.end.normalize(),
        tuple(notes),
    )


def _summed(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Money of usage by calendar periods and labels."""
    months = pd.PeriodIndex(rows[MONTH], freq="M")
    periods = {"month": rows[MONTH], "quarter": months.asfreq("Q").astype("str"), "year": months.year.astype("str")}
    labels = {
        name: periods[name] if name in periods else rows[name].astype("object").fillna(schema.UNASSIGNED) for name in by
    }
    told = pd.DataFrame({**labels, AMOUNT: rows[AMOUNT].to_numpy()})
    return told.groupby(by, sort=True)[AMOUNT].sum().reset_index() if by else told[[AMOUNT]].sum().to_frame().T


def _models(usage: Usage, prices: PriceBook | None) -> pd.DataFrame:
    """Which models were used where, from when to when, and what they cost."""
    frame = usage.frame
    if MODEL not in frame:
        return pd.DataFrame(columns=[ENVIRONMENT, "provider", MODEL, AMOUNT, "first", "last"])
    quantities = [u for u in _USED if u in frame]
    used = frame[MODEL].notna()
    if quantities:  # money alone may be a refund of long ago: it counts where nothing tells use
        used &= (frame[quantities].fillna(0.0) > 0).any(axis=1) | frame[quantities].isna().all(axis=1)
    cost = frame["billed_cost"] if "billed_cost" in frame else pd.Series(float("nan"), index=frame.index)
    if prices is not None:
        try:
            cost = prices.cost(usage)
        except TokenplanError:
            cost = pd.Series(float("nan"), index=frame.index)
    own = [c for c in (ENVIRONMENT, "provider", MODEL, TIER) if c in frame]
    rows = frame[used]
    labels = {c: rows[c].astype("object").fillna("standard" if c == TIER else schema.UNASSIGNED) for c in own}
    if ENVIRONMENT not in labels:
        labels[ENVIRONMENT] = pd.Series(schema.UNASSIGNED, index=rows.index, dtype="object")
    told = pd.DataFrame({**labels, AMOUNT: cost[used], "day": rows[schema.DATE].dt.normalize()})
    keys = [c for c in (ENVIRONMENT, "provider", MODEL, TIER) if c in told]
    groups = told.groupby(keys, sort=True)
    table = groups["day"].agg(first="min", last="max")
    table[AMOUNT] = groups[AMOUNT].sum(min_count=1)
    return table.reset_index()
