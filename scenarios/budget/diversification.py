"""What one budget for all parts gains. Comes in: a plan. Goes out: each part funded alone, beside its budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecast.errors import PlanError
from scenarios.budget.contingency import euler_errors, mean_error, quantile_influence

if TYPE_CHECKING:
    from scenarios.budget.budget_plan import BudgetPlan

#: The last row.
TOTAL = "total"


def diversification_of(plan: BudgetPlan, by: list[str], *, errors: bool) -> pd.DataFrame:
    """Each part funded alone at the plan's confidence, beside its part of the budget.

    Parts do not all turn out dear in the same future, so their own quantiles sum to more than the quantile of their
    sum: gained = Σ Q(x_i) - Q(Σ x_i). Of one part, alone less budget is what it can do without because the others are
    there. Parts that always move together gain nothing; quantiles need not be subadditive: a gain may be negative.

    Parameters
    ----------
    by : list of str
        As of :meth:`BudgetPlan.table`, at least one.
    errors : bool
        Add ``alone_se`` and ``budget_se``, standard errors from the draws and from the finite trajectories.

    Returns
    -------
    DataFrame
        Index ``by``, the last row the total. ``alone`` is the quantile of the part's allocated money, ``budget`` as in
        the plan's table, ``gained`` their difference, each to the cent and adding up; ``gained_share`` of ``alone``.

    Raises
    ------
    PlanError
        ``by`` is empty, or names what the plan does not keep apart.
    """
    if not by:
        raise PlanError("diversification(by=[]): name what the parts are, such as by='environment'")
    labels, group = plan.ledger.groups(by)
    count = len(labels)
    money = plan.ledger.summed(group, count)
    alone = np.round(np.quantile(money, plan.confidence, axis=0), 2)
    cents = np.bincount(group.ravel(), weights=plan.cents(plan.confidence), minlength=count)
    table = labels.astype("object")
    table.loc[count] = [TOTAL, *[""] * (len(by) - 1)]
    table["alone"] = np.append(alone, alone.sum().round(2))
    table["budget"] = np.append(cents, cents.sum()) / 100.0
    table["gained"] = (table["alone"] - table["budget"]).round(2)
    known = table["alone"] != 0.0
    table["gained_share"] = table["gained"] / table["alone"].where(known)
    if errors:
        influence = np.stack([quantile_influence(money[:, i], plan.confidence) for i in range(count)], axis=1)
        every = np.column_stack([influence, influence.sum(axis=1)])
        table["alone_se"] = [mean_error(column, plan.trajectory) for column in every.T]
        own = euler_errors(plan.totals, money, plan.confidence, plan.trajectory)
        table["budget_se"] = np.append(own, plan.standard_error(plan.confidence))
    return table.set_index(by)
