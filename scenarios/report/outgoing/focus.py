"""The plan in the shape of a FOCUS bill. Comes in: a BudgetPlan. Goes out: a row a month and row of the ledger.

Columns are those of FOCUS 1.2, with 1.3's ``ServiceProviderName`` beside ``ProviderName``. A forecast is no charge:
what was billed, listed, contracted and amortised is null, and the plan's own money stands in ``x_`` columns.
https://focus.finops.org/focus-specification/v1-2/
"""

from __future__ import annotations

import json
from typing import Final

import numpy as np
import pandas as pd

from forecast import schema
from scenarios.budget.budget_plan import LEVELS, BudgetPlan
from scenarios.budget.ledger import LINE, TOKENS, TRANSFER

#: Columns of FOCUS that every row has, in its order; ``x_`` columns follow.
FOCUS: Final = (
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ContractedCost",
    "EffectiveCost",
    "InvoiceIssuerName",
    "ListCost",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "RegionId",
    "ServiceCategory",
    "ServiceName",
    "ServiceProviderName",
    "ServiceSubcategory",
    "SubAccountName",
    "Tags",
)
#: Money that only a bill knows.
BILLED: Final = ("BilledCost", "ContractedCost", "EffectiveCost", "ListCost", "PricingQuantity")


def focus_rows(plan: BudgetPlan) -> pd.DataFrame:
    """The plan as rows of FOCUS's shape; grouped by ``x_`` columns they are the plan's tables, to the cent.

    Returns
    -------
    DataFrame
        FOCUS's columns, then ``x_Month``, ``x_Line`` and what else the plan keeps apart (``x_Environment`` and so on,
        as the plan's tables name it); ``x_ForecastP10`` to ``x_ForecastP95``, the row's own quantiles, which do not add
        up; ``x_ForecastMean``, ``x_Base``, ``x_Budget`` and ``x_Contingency``, which do; ``x_Confidence``,
        ``x_Scenario`` and ``x_AsOf``. Periods are in UTC and end before their end. ``Tags`` is a JSON object of the
        labels that are known. ``ChargeCategory`` is Usage for tokens, Purchase for other lines and Adjustment for
        what policy moves.
    """
    ledger = plan.ledger
    by = ["month", *ledger.labels.columns]
    labels, group = ledger.groups(by)
    table = plan.table(by).reset_index()
    count, rows = len(labels), len(ledger.labels)
    cell = np.full(count, -1, dtype=np.intp)
    flat = group.ravel()
    cell[flat[::-1]] = np.arange(len(flat))[::-1]  # the first cell of each group
    own = ledger.labels.iloc[cell % rows].reset_index(drop=True)
    month = table["month"].to_numpy()
    start, end = (pd.DatetimeIndex(month_day.reindex(month).to_numpy()) for month_day in _days(plan))
    line = own[LINE].to_numpy()
    tokens, moved = line == TOKENS, line == TRANSFER
    whole = (start.to_period("M") == (end - pd.Timedelta(days=1)).to_period("M")).astype(bool)
    billing = start.to_period("M")

    def text(column: str) -> pd.Series:
        there = own[column].astype("object") if column in own else pd.Series(None, index=own.index, dtype="object")
        return there.where(there.notna() & (there != schema.UNASSIGNED), None)

    out = pd.DataFrame(None, index=pd.RangeIndex(count), columns=list(FOCUS), dtype="object")
    for column in BILLED:
        out[column] = pd.Series(np.nan, index=out.index)
    out["BillingCurrency"] = plan.currency
    out["BillingPeriodStart"] = pd.DatetimeIndex(billing.start_time.where(whole)).tz_localize("UTC")
    out["BillingPeriodEnd"] = pd.DatetimeIndex((billing + 1).start_time.where(whole)).tz_localize("UTC")
    out["ChargePeriodStart"], out["ChargePeriodEnd"] = start.tz_localize("UTC"), end.tz_localize("UTC")
    out["ChargeCategory"] = np.select([tokens, moved], ["Usage", "Adjustment"], "Purchase")
    out["ChargeDescription"] = [f"Forecast of {name}" for name in line]
    provider = text("provider")
    out["ProviderName"], out["ServiceProviderName"] = provider, provider
    out["RegionId"], out["SubAccountName"] = text("region"), text("project")
    out["ServiceCategory"] = np.where(tokens, "AI and Machine Learning", "Other")
    out["ServiceSubcategory"] = np.where(tokens, "Generative AI", "Other (Other)")
    model = text("model")
    out["ServiceName"] = model.where(model.notna(), pd.Series(line, index=own.index))
    known = [text(column) for column in own.columns if column != LINE]
    out["Tags"] = [
        json.dumps({str(s.name): v for s, v in zip(known, row, strict=True) if v is not None}, ensure_ascii=False)
        for row in zip(*known, strict=True)
    ]
    for column in by:
        out[named(column)] = table[column]
    for level in LEVELS:
        out[f"x_Forecast{level.upper()}"] = table[level]
    out["x_ForecastMean"] = ledger.summed(group, count).mean(axis=0)
    for column in ("base", "budget", "contingency"):
        out[named(column)] = table[column]
    out["x_Confidence"], out["x_Scenario"] = plan.confidence, plan.name
    out["x_AsOf"] = f"{plan.projection.as_of:%Y-%m-%d}"
    return out


def named(column: str) -> str:
    """A column of the plan as a custom column of FOCUS: ``cost_center`` is ``x_CostCenter``."""
    return "x_" + "".join(word.capitalize() for word in column.split("_"))


def _days(plan: BudgetPlan) -> tuple[pd.Series, pd.Series]:
    """The first day of each month of the plan's calendar, and the day after its last."""
    ledger, end = plan.ledger, plan.projection.span.end.normalize()
    if plan.projection.usage.grain == "month":
        end += pd.offsets.MonthEnd(0)
    after = pd.DatetimeIndex([*ledger.days[1:], end + pd.Timedelta(days=1)])
    label = np.asarray(ledger.calendar.label(ledger.days, "month"))
    return pd.Series(ledger.days).groupby(label).min(), pd.Series(after).groupby(label).max()
