"""Settings. Comes in: usage. Goes out: how models would have done on it, and which to take for the next quarter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pandas as pd

from forecast.backtesting import backtest
from forecast.models import Model
from forecast.usage import Usage
from scenarios.budget.budget_plan import BudgetPlan

#: What the organisation's total is judged by, as the scorecard calls it, and as it is shown.
SHOWN: Final = {
    "wape_total": "error",
    "bias_total": "bias",
    "coverage_80_total": "within",
    "interval_80_total": "interval_score",
    "crps_total": "crps",
    "finops_grade": "grade",
}
#: A model must beat the one in use by this part of its score to be proposed: less is luck at so few origins.
BETTER: Final = 0.1
#: Periods ahead where nobody says: days, or months of monthly usage.
AHEAD: Final = {False: 28, True: 3}


def settings_of(
    plan: BudgetPlan, usage: Usage, models: Sequence[str | Model], *, origins: int, horizon: int | None
) -> pd.DataFrame:
    """Models beside the plan's own, on the organisation's cost from several past dates.

    Returns
    -------
    DataFrame
        Index ``model``, the best by ``crps`` first; ``error`` (weighted absolute, of the total), ``bias``, ``within``
        the 80 % band, ``interval_score``, ``crps``, FinOps ``grade``, and ``proposed``: the model in use unless another
        scores a tenth better.
    """
    own = plan.projection.spec.model
    names = [m if isinstance(m, str) else m.name for m in models]
    used = own if isinstance(own, str) else own.name
    asked = [*models] if used in names else [own, *models]
    card = backtest(
        usage,
        models=asked,
        horizon=horizon if horizon is not None else AHEAD[usage.grain == "month"],
        origins=origins,
        prices=plan.spec.prices,
        by=plan.projection.spec.by,
        unpriced=plan.spec.unpriced,
        calendar=plan.projection.spec.calendar,
        seed=plan.spec.seed,
        lag=0,
    )
    found = card.table.sort_index().xs(("cost", "organisation"))
    table = pd.DataFrame({name: found[column] for column, name in SHOWN.items()})
    table = table.sort_values("crps", kind="stable").rename_axis("model")
    best, scores = str(table.index[0]), dict(zip(table.index, table["crps"].to_numpy("float64"), strict=True))
    chosen = best if scores[best] <= (1.0 - BETTER) * scores[used] else used
    return table.assign(proposed=table.index == chosen)
