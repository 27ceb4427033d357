"""Lines that are not tokens. Comes in: a plan's components and what was used. Goes out: their money, past and to come.

Components are reckoned over all months of the plan, from what was used to date and what is foreseen of the rest. What
usage exports do not tell counts as planned, until somebody says what it cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from forecast import schema
from forecast.errors import PlanError, nearest
from forecast.panel import FloatArray
from forecast.usage import Usage
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.ledger import LINE
from scenarios.changes import World
from scenarios.changes.matching import matching
from scenarios.components import Context, Count, Counted, Reserve, Row, asked_of, rows_of
from scenarios.outcome import Outcome
from scenarios.reviews.layout import Layout
from scenarios.reviews.spent import COST, Spent

#: The columns of a table of what other lines cost.
LINES_TABLE = ("month", "line", "amount")


@dataclass(frozen=True, slots=True)
class OtherLines:
    """Money beside tokens.

    Attributes
    ----------
    actual : float array (month, row)
        To date.
    assumed : float array (month, row)
        What of it is as planned.
    ahead : float array (draw, month, row)
    notes : tuple of str
    """

    actual: FloatArray
    assumed: FloatArray
    ahead: FloatArray
    notes: tuple[str, ...]


def other_lines(
    plan: BudgetPlan,
    laid: Layout,
    usage: Usage,
    spent: Spent,
    made: Outcome | None,
    told: pd.DataFrame | None,
) -> OtherLines:
    """The lines of a plan beside tokens.

    Parameters
    ----------
    made : Outcome, optional
        The rest of the plan; None where it is over.
    told : DataFrame, optional
        What lines cost: ``month`` (such as 2027-01), ``line``, ``amount``.

    Raises
    ------
    PlanError
        A line or month is none of the plan's, or an amount is no number.
    """
    rows = _rows(plan, laid, usage, spent, made)
    months, left = laid.elapsed, 1.0 - laid.elapsed
    shape = (len(laid.months), len(laid.labels))
    assumed, ahead = np.zeros(shape), np.zeros((len(plan.totals), *shape))
    for row in rows:
        deal = laid.dealt(row.name, dict(row.owner))
        assumed += deal * (row.money.mean(axis=0) * months)[:, None]
        ahead += deal[None] * (row.money * left)[:, :, None]
    amounts = _checked(told, plan, laid)
    actual = assumed.copy()
    for (month, line), amount in amounts.items():
        mine = np.asarray(laid.labels[LINE] == line)
        actual[month, mine] = 0.0
        assumed[month, mine] = 0.0
        actual[month] += laid.dealt(line, {})[month] * amount
    still = {str(line): float(v) for line, v in pd.Series(assumed.sum(axis=0)).groupby(laid.labels[LINE]).sum().items()}
    listed = ", ".join(f"{line} {amount:,.2f}" for line, amount in still.items() if abs(amount) >= 0.005)
    note = [f"no export tells these lines, and they count as planned to date: {listed}; tell them by lines="]
    return OtherLines(actual, assumed, ahead, tuple(note * bool(listed)))


def _rows(plan: BudgetPlan, laid: Layout, usage: Usage, spent: Spent, made: Outcome | None) -> list[Row]:
    """Each line's money over the plan's months: (draw, month)."""
    spec, draws, months = plan.spec.laid, len(plan.totals), len(laid.months)
    lines: dict[str, FloatArray] = {}
    brought: list[Row] = []
    own = plan.ledger.labels[LINE].to_numpy()
    components = [c for c in spec.components if not isinstance(c, Reserve)]
    names = {c.name for c in components}
    fresh = {} if made is None else _by_line(made, laid, draws)
    for name in dict.fromkeys(str(n) for n in own[plan.ledger.demand]):
        if name == "tokens" or name in names:
            continue
        as_planned = plan.ledger.money[:, :, (own == name) & plan.ledger.demand].sum(axis=2)
        money = np.where((laid.elapsed < 1.0)[None, :], fresh.get(name, as_planned), as_planned)
        brought.append(Row(name, {}, money))
        lines[name] = money
    tokens = np.tile(laid.spent(spent)[:, laid.tokens].sum(axis=1), (draws, 1))
    counted = {c: _counted(c, usage, spent, laid, draws, plan) for c in asked_of(components)}
    if made is not None:
        tokens += _in_months(made.cost[:, made.spans.planned].sum(axis=2), made, laid)
        counted = {c: _together(counted[c], made.counted[c], made, laid) for c in counted}
    context = Context(plan.currency, tokens, counted, lines)
    world = spec.tied(World(spec.draws, spec.seed))
    assert tokens.shape == (draws, months)
    return [*rows_of(components, world, laid.months, context), *brought]


def _by_line(made: Outcome, laid: Layout, draws: int) -> dict[str, FloatArray]:
    """The lines that changes bring in the rest, by name: (draw, month)."""
    found: dict[str, FloatArray] = {}
    for line in made.lines:
        money = _in_months(line.money[:, made.spans.planned], made, laid)
        found[line.name] = found.get(line.name, np.zeros((draws, len(laid.months)))) + money
    return found


def _in_months(money: FloatArray, made: Outcome, laid: Layout) -> FloatArray:
    """Money of the rest's spans (draw, span, ...) by the plan's months: (draw, month, ...)."""
    out = np.zeros((len(money), len(laid.months), *money.shape[2:]))
    for span, month in enumerate(laid.month_of(made.spans.first[made.spans.planned])):
        out[:, month] += money[:, span]
    return out


def _counted(count: Count, usage: Usage, spent: Spent, laid: Layout, draws: int, plan: BudgetPlan) -> Counted:
    """What a component must see of what was used to date: (draw, month, group)."""
    frame = usage.frame
    day = frame[schema.DATE].dt.normalize()
    frame = frame[day >= laid.months.first[0]]
    month = laid.month_of(pd.DatetimeIndex(frame[schema.DATE].dt.normalize()))
    if count.unit == "cost":
        frame = spent.frame[spent.frame[LINE] == "tokens"]
        month = laid.month_of(pd.DatetimeIndex(frame["day"]))
        value = frame[COST]
    elif count.unit == "total_tokens":
        held = [u for u in schema.BILLABLE if u in frame and schema.UNITS[u].token]
        value = frame[held].fillna(0.0).sum(axis=1)
    else:
        value = frame[count.unit].fillna(0.0) if count.unit in frame else pd.Series(0.0, index=frame.index)
    amount = np.asarray(value, dtype="float64")
    if count.where and len(frame):
        amount = np.where(matching(frame, dict(count.where), what=count.what, error="the usage"), amount, 0.0)
    groups: tuple[str, ...] = ("all",)
    code = np.zeros(len(frame), dtype=np.intp)
    if count.per is not None and len(frame):
        named = frame[count.per].astype("object") if count.per in frame else pd.Series(None, index=frame.index)
        found, names = pd.factorize(named.where(named.notna(), schema.UNASSIGNED).astype(str), sort=True)
        groups, code = tuple(map(str, names)), found.astype(np.intp)
    sums = np.zeros((len(laid.months), len(groups)))
    np.add.at(sums, (month, code), amount)
    return Counted(groups, np.tile(sums, (draws, 1, 1)))


def _together(past: Counted, rest: Counted, made: Outcome, laid: Layout) -> Counted:
    """What was counted to date and what is foreseen, over the groups of both."""
    groups = tuple(dict.fromkeys((*rest.groups, *past.groups)))
    values = np.zeros((len(past.values), len(laid.months), len(groups)))
    values[:, :, [groups.index(g) for g in past.groups]] += past.values
    values[:, :, [groups.index(g) for g in rest.groups]] += _in_months(rest.values[:, made.spans.planned], made, laid)
    return Counted(groups, values)


def _checked(told: pd.DataFrame | None, plan: BudgetPlan, laid: Layout) -> Mapping[tuple[int, str], float]:
    """What lines cost, by month and line."""
    if told is None:
        return {}
    if not isinstance(told, pd.DataFrame) or any(c not in told for c in LINES_TABLE):
        has = f"; it has {', '.join(map(str, told.columns))}" if isinstance(told, pd.DataFrame) else ""
        raise PlanError(f"lines: wanted a table with the columns {', '.join(LINES_TABLE)}{has}")
    names = [str(n) for n in dict.fromkeys(laid.labels[LINE]) if n != "tokens"]
    months = [f"{d:%Y-%m}" for d in laid.months.first]
    found: dict[tuple[int, str], float] = {}
    for row in told[list(LINES_TABLE)].itertuples(index=False):
        month, line = str(pd.Period(str(row.month), "M")), str(row.line)
        if line not in names:
            raise PlanError(
                f"lines: {line!r} is no line of the plan; there are {', '.join(names)}{nearest(line, names)}"
            )
        if month not in months:
            raise PlanError(f"lines: {month} is no month of the plan, which runs from {months[0]} to {months[-1]}")
        amount = row.amount
        if isinstance(amount, bool) or not isinstance(amount, int | float | np.number) or not np.isfinite(amount):
            raise PlanError(f"lines: {line} in {month}: amount = {row.amount!r}: wanted money")
        key = (months.index(month), line)
        found[key] = found.get(key, 0.0) + float(amount)
    late = [month for month, _ in found if laid.elapsed[month] <= 0.0]
    if late:
        raise PlanError(f"lines: {months[late[0]]} has not begun by the as-of date; what is to come is foreseen")
    return found
