"""Savings. Comes in: a plan whose levers have begun, and usage. Goes out: what each was to save, and what it did."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd

from forecast import schema
from forecast.errors import TokenplanError
from forecast.usage import Usage
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.changes import Change, label_of
from scenarios.changes.matching import NothingMatchesError, matching
from scenarios.components import Reserve
from scenarios.reviews.outlook import Outlook
from scenarios.reviews.spent import COST, spent_in

#: Days before a lever begins that its cost a request is measured on, and the fewest days after.
BEFORE: Final = 28
LEAST: Final = 7


def savings_of(outlook: Outlook) -> pd.DataFrame:
    """Savings planned beside savings realised, of every lever of the plan that has begun.

    Planned is the mean over the futures of the plan without the lever, less the plan with it, over the days from its
    first to the as-of date by months. Realised is what the requests since would have cost at the cost a request (or
    token, where requests are not known) of the 28 days before, less what they cost, of the usage that the lever
    touches: other things that changed at the same time are in it. Of monthly usage it is the month before, and the
    whole months since.

    Returns
    -------
    DataFrame
        Index ``lever``; ``on``, ``planned``, ``realised``, ``share`` (realised of planned), ``basis`` (what volume was
        counted by), ``why`` where one of the two is not known.
    """
    plan, rows = outlook.plan, []
    for change in plan.spec.laid.scenario.every_change():
        on = getattr(change, "on", None)
        if change.step != "levers" or on is None or pd.Timestamp(on) > outlook.as_of:
            continue
        planned, why = _planned(plan, change, outlook)
        realised, basis, told = _realised(outlook, change, pd.Timestamp(on))
        share = realised / planned if planned else np.nan
        reasons = "; ".join(filter(None, (why, told)))
        rows.append((label_of(change), pd.Timestamp(on), planned, realised, share, basis, reasons))
    columns = ["lever", "on", "planned", "realised", "share", "basis", "why"]
    return pd.DataFrame(rows, columns=columns).set_index("lever")


def _planned(plan: BudgetPlan, change: Change, outlook: Outlook) -> tuple[float, str]:
    """What the plan expected a lever to save to date."""
    laid = plan.spec.laid
    without_it = laid.scenario.keeping({c.key for c in laid.scenario.every_change()} - {change.key})
    components = [c for c in laid.components if not isinstance(c, Reserve)]
    try:
        without = plan.replan(scenario=without_it, components=components, split=None, overrides=())
    except TokenplanError as error:
        return float("nan"), f"the plan cannot be made without it: {error}"
    saved = [p.ledger.money[:, :, p.ledger.demand].sum(axis=2).mean(axis=0) for p in (without, plan)]
    return float(((saved[0] - saved[1]) * outlook.elapsed).sum()), ""


def _realised(outlook: Outlook, change: Change, on: pd.Timestamp) -> tuple[float, str, str]:
    """What a lever saved since it began, at the cost a request of the days before it."""
    usage, plan = outlook.usage, outlook.plan
    day = usage.frame[schema.DATE].dt.normalize()
    since, begin = max(on, plan.projection.span.start), on - pd.Timedelta(days=BEFORE)
    if usage.grain == "month":  # the month in which it began has some of both
        month = pd.offsets.MonthBegin()
        since, begin = since + 0 * month, on - month
    spans = {"before": (begin, on - pd.Timedelta(days=1)), "after": (since, outlook.known_to)}
    if (outlook.known_to - since).days + 1 < LEAST:
        return float("nan"), "", f"fewer than {LEAST} days since it began"
    mine = _touched(usage, change)
    found = {}
    for name, (first, last) in spans.items():
        rows = mine & np.asarray((day >= first) & (day <= last))
        found[name] = _sums(replace(usage, frame=usage.frame[rows]), plan, first, last)
    basis = "requests" if all(requests > 0 for requests, _, _ in found.values()) else "tokens"
    (volume, cost), (later, paid) = ((r if basis == "requests" else t, c) for r, t, c in found.values())
    if volume <= 0 or later <= 0:
        return float("nan"), basis, "nothing that it touches was used before or since"
    return float(cost / volume * later - paid), basis, ""


def _touched(usage: Usage, change: Change) -> np.ndarray:
    """Rows of the usage that a lever touches: its workloads, and its model with whatever it moved requests to."""
    frame, where = usage.frame, dict(getattr(change, "where", {}))
    models = [m for m in (getattr(change, "model", None), getattr(change, "to", None)) if isinstance(m, str)]
    found = np.zeros(len(frame), dtype=bool)
    for model in models or ["*"]:
        try:
            found |= matching(frame, {**where, "model": model}, what=label_of(change), error="the usage")
        except NothingMatchesError:
            continue  # a model that is not used, or no longer
    return found


def _sums(usage: Usage, plan: BudgetPlan, first: pd.Timestamp, last: pd.Timestamp) -> tuple[float, float, float]:
    """Requests, tokens and money at the price book."""
    frame = usage.frame
    if frame.empty:
        return 0.0, 0.0, 0.0
    tokens = [u for u in schema.BILLABLE if u in frame and schema.UNITS[u].token]
    spent = spent_in(
        usage,
        first,
        last,
        prices=plan.spec.prices,
        labels=plan.ledger.labels,
        pooled=frame,
        money="priced",
        unpriced=plan.spec.unpriced,
    )
    requests = float(frame[schema.REQUESTS].sum()) if schema.REQUESTS in frame else 0.0
    return requests, float(frame[tokens].sum().sum()), float(spent.frame[COST].sum())
