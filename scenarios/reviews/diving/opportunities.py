"""Opportunities. Comes in: a plan of the time to come. Goes out: levers on this usage, by what each would save.

What a lever would do here nobody knows before it is tried: the ranges are assumptions, stated with each row, and one's
own levers are taken in their place by ``levers=``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd

from forecast import schema
from forecast.errors import TokenplanError
from forecast.ranges import between
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.changes import Batch, Change, PromptCache, PromptTrim, Route, label_of
from scenarios.components import Reserve

#: Models below this part of recent cost are not worth a lever of their own.
WORTH: Final = 0.02
#: A model is routed to another of its vendor that costs at most this part of it a token.
CHEAPER: Final = 0.5
#: A cache is tried where less than this part of the input is read from one.
CACHED: Final = 0.3
#: Days of recent usage that are looked at.
RECENT: Final = 28


def opportunities_of(plan: BudgetPlan, levers: Sequence[Change] | None = None) -> pd.DataFrame:
    """What each of some levers would save over a plan, the best first.

    Every lever is laid on the plan alone, draw by draw in the same worlds; savings of two do not add up.

    Parameters
    ----------
    levers : sequence of changes, optional
        Those that are tried; batches, prompt caches, routing and shorter prompts on the models that cost most, where
        none are given.

    Returns
    -------
    DataFrame
        Index ``lever``; ``assumption`` in words, ``saving`` (mean over the plan) with ``p10`` and ``p90``, ``percent``
        of the plan's mean, ``chance`` that it saves anything, and ``why`` where it cannot be tried.
    """
    tried = candidates(plan) if levers is None else tuple(levers)
    laid = plan.spec.laid
    base = laid.scenario
    rows = []
    for change in tried:
        name, told = label_of(change), change.describe()
        try:
            made = plan.replan(
                scenario=base.swapped({}, [change]),
                components=[c for c in laid.components if not isinstance(c, Reserve)],
                split=None,
                overrides=(),
            )
        except TokenplanError as error:
            rows.append((name, told, np.nan, np.nan, np.nan, np.nan, np.nan, str(error)))
            continue
        saved = plan.totals - made.totals
        low, high = np.quantile(saved, [0.1, 0.9])
        mean = float(saved.mean())
        rows.append((name, told, mean, low, high, mean / float(plan.totals.mean()), float((saved > 0).mean()), ""))
    columns = ["lever", "assumption", "saving", "p10", "p90", "percent", "chance", "why"]
    table = pd.DataFrame(rows, columns=columns).set_index("lever")
    return table.sort_values("saving", ascending=False, kind="stable", na_position="last")


def candidates(plan: BudgetPlan) -> tuple[Change, ...]:
    """Levers worth a try on a plan's recent usage."""
    usage = plan.projection.usage.until(plan.projection.as_of)
    since = plan.projection.as_of - pd.Timedelta(days=RECENT)
    if usage.grain == "month":
        since = plan.projection.as_of - pd.DateOffset(months=1)
    frame = usage.frame[usage.frame[schema.DATE] > since]
    cost = plan.spec.prices.cost(frame).fillna(0.0)
    keys = [frame[c] for c in ("provider", "model")]
    tokens = [u for u in schema.BILLABLE if u in frame and schema.UNITS[u].token]
    if not tokens or not cost.sum() > 0:
        return ()
    sums = pd.DataFrame({"cost": cost, "tokens": frame[tokens].sum(axis=1)}).groupby(keys).sum()
    sums = sums[(sums["cost"] > 0) & (sums["tokens"] > 0)]
    sums["each"] = sums["cost"] / sums["tokens"]
    found: list[Change] = []
    every = sums.reset_index()
    for row in every[every["cost"] >= WORTH * every["cost"].sum()].to_dict("records"):
        provider, model = row["provider"], str(row["model"])
        mine = frame[(frame["provider"] == provider) & (frame["model"] == model)]
        found.append(Batch(model=model, share=between(0.1, 0.4), name=f"batches of {model}"))
        held = {u: float(mine[u].sum()) if u in mine else 0.0 for u in ("input_tokens", "cache_read_tokens")}
        whole = sum(held.values())
        if whole > 0 and held["cache_read_tokens"] < CACHED * whole:
            cache = PromptCache(model=model, to=between(0.3, 0.6), writes=0.1, name=f"prompt cache of {model}")
            found.append(cache)
        if whole > 0:
            found.append(PromptTrim(model=model, by=between(-0.2, -0.05), name=f"shorter prompts to {model}"))
        cheap = every[(every["provider"] == provider) & (every["each"] <= CHEAPER * row["each"])]
        if len(cheap):
            to = str(cheap.loc[cheap["each"].idxmin(), "model"])
            found.append(Route(model, to, share=between(0.1, 0.3), name=f"{model} to {to}"))
    return tuple(found)
