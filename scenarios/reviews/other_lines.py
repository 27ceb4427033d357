"""Lines that are not tokens. Comes in: a plan's components and what was used. Goes out: their money, past and to come.

Components are reckoned over all months of the plan, from what was used to date and what is foreseen of the rest. What
usage exports do not tell counts as planned, until somebody says what it cost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from forecast import schema
from forecast.errors import PlanError, nearest
from forecast.panel import FloatArray
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.ledger import LINE, TOKENS
from scenarios.changes import World
from scenarios.changes.matching import NothingMatchesError, matching
from scenarios.components import (
    Allowance,
    Context,
    Count,
    Counted,
    Fixed,
    PerUnit,
    Project,
    Reserve,
    Risk,
    Row,
    Stock,
    asked_of,
    rows_of,
)
from scenarios.outcome import Outcome
from scenarios.reviews.layout import Layout
from scenarios.reviews.spent import COST, Spent

#: The columns of a table of what other lines cost.
LINES_TABLE = ("month", "line", "amount")
#: Components that know their own days, where they count no usage.
BY_DAYS: Final = (Fixed, PerUnit, Project, Risk, Stock)


@dataclass(frozen=True, slots=True)
class OtherLines:
    """Money beside tokens.

    Attributes
    ----------
    laid : Layout
        The rows, those of lines that came up since among them.
    actual : float array (month, row)
        To date.
    assumed : float array (month, row)
        What of it is as planned.
    ahead : float array (draw, month, row)
    notes : tuple of str
    """

    laid: Layout
    actual: FloatArray
    assumed: FloatArray
    ahead: FloatArray
    notes: tuple[str, ...]


def other_lines(
    plan: BudgetPlan,
    laid: Layout,
    spent: Spent,
    made: Outcome | None,
    told: pd.DataFrame | None,
    *,
    share: float = 1.0,
) -> OtherLines:
    """The lines of a plan beside tokens.

    Parameters
    ----------
    made : Outcome, optional
        The rest of the plan; None where it is over.
    told : DataFrame, optional
        What lines cost: ``month`` (such as 2027-01), ``line``, ``amount``.
    share : float
        What part of list prices the rest of usage is billed at.

    Raises
    ------
    PlanError
        A line or month is none of the plan's, or an amount is no number.
    """
    lines = _lines(plan, laid, spent, made, share)
    fresh = {row.name: {LINE: row.name, **row.owner} for row in lines if not (laid.labels[LINE] == row.name).any()}
    amounts = _checked(told, plan, laid, spent)
    laid = laid.with_rows(pd.DataFrame(fresh.values())) if fresh else laid
    shape = (len(laid.months), len(laid.labels))
    assumed, ahead = np.zeros(shape), np.zeros((len(plan.totals), *shape))
    for row in lines:
        deal = laid.dealt(row.name, dict(row.owner))
        assumed += deal * row.past[:, None]
        ahead += deal[None] * row.ahead[:, :, None]
    for month, line in _reported(spent, laid):
        assumed[month, np.asarray(laid.labels[LINE] == line)] = 0.0
    actual = assumed.copy()
    for (month, line), amount in amounts.items():
        mine = np.asarray(laid.labels[LINE] == line)
        actual[month, mine] = 0.0
        assumed[month, mine] = 0.0
        actual[month] += laid.dealt(line, {})[month] * amount
    still = {str(line): float(v) for line, v in pd.Series(assumed.sum(axis=0)).groupby(laid.labels[LINE]).sum().items()}
    listed = ", ".join(f"{line} {amount:,.2f}" for line, amount in still.items() if abs(amount) >= 0.005)
    note = [f"no export tells these lines, and they count as planned to date: {listed}; tell them by lines="]
    return OtherLines(laid, actual, assumed, ahead, tuple(note * bool(listed)))


@dataclass(frozen=True, slots=True)
class _Line:
    """A line's money: ``past`` (month,) of the days that are over, as planned, and ``ahead`` (draw, month)."""

    name: str
    owner: Mapping[str, str]
    past: FloatArray
    ahead: FloatArray


def _lines(plan: BudgetPlan, laid: Layout, spent: Spent, made: Outcome | None, share: float) -> list[_Line]:
    """Each line's money over the plan's months."""
    spec, draws, months = plan.spec.laid, len(plan.totals), len(laid.months)
    lines: dict[str, FloatArray] = {}
    brought: list[_Line] = []
    own = plan.ledger.labels[LINE].to_numpy()
    components = [c for c in spec.components if not isinstance(c, Reserve)]
    names = {c.name for c in components}
    rows_apart = tuple(f"{c.name}: " for c in components if isinstance(c, Allowance))
    fresh = {} if made is None else _by_line(made, laid, draws)
    for name in dict.fromkeys(str(n) for n in own[plan.ledger.demand]):
        if name == TOKENS or name in names or name.startswith(rows_apart):
            continue
        as_planned = plan.ledger.money[:, :, (own == name) & plan.ledger.demand].sum(axis=2)
        line = _brought(name, as_planned, fresh.get(name), laid.elapsed)
        brought.append(line)
        lines[name] = line.past[None] + line.ahead
    tokens = np.tile(laid.spent(spent)[:, laid.tokens].sum(axis=1), (draws, 1))
    counted = {c: _counted(c, spent, laid, draws) for c in asked_of(components)}
    if made is not None:
        tokens += _in_months(made.cost[:, made.spans.planned].sum(axis=2), made, laid) * share
        counted = {
            c: _together(counted[c], made.counted[c], made, laid, share if c.unit == COST else 1.0) for c in counted
        }
    context = Context(plan.currency, tokens, counted, lines)
    world = spec.tied(World(spec.draws, spec.seed))
    assert tokens.shape == (draws, months)
    left = 1.0 - laid.elapsed
    alone = {c.name: c for c in components if isinstance(c, BY_DAYS) and not c.counts()}
    reckoned = [
        _Line(row.name, row.owner, row.money.mean(axis=0) * laid.elapsed, row.money * left)
        for row in rows_of(components, world, laid.months, context)
        if row.component not in alone
    ]
    dated = [_by_parts(row, laid) for c in alone.values() for row in c.rows(world, laid.parts, context)]
    return [*reckoned, *dated, *brought]


def _by_parts(row: Row, laid: Layout) -> _Line:
    """A line of the months with the one under way cut in two, which knows its own days."""
    month = laid.month_of(laid.parts.first)
    begun = np.round(laid.elapsed * laid.months.days)[month]
    over = np.asarray((laid.parts.first - laid.months.first[month]).days, dtype="float64") < begun
    past, ahead = np.zeros(len(laid.months)), np.zeros((len(row.money), len(laid.months)))
    np.add.at(past, month[over], row.money[:, over].mean(axis=0))
    ahead[:, month[~over]] = row.money[:, ~over]
    return _Line(row.name, row.owner, past, ahead)


def _brought(name: str, as_planned: FloatArray, fresh: FloatArray | None, elapsed: FloatArray) -> _Line:
    """A line that a change brings: as foreseen anew of the days to come, and as planned of those that are over.

    What is over of a month is its part by days, but no more than the plan has beyond what is still to come: a line that
    begins later in the month owes nothing yet.
    """
    means = as_planned.mean(axis=0)
    if fresh is None:
        return _Line(name, {}, means * elapsed, as_planned * (1.0 - elapsed))
    beyond = np.maximum((means - fresh.mean(axis=0)) * np.sign(means), 0.0)
    past = np.where(elapsed < 1.0, np.sign(means) * np.minimum(np.abs(means) * elapsed, beyond), means)
    return _Line(name, {}, past, fresh * (elapsed < 1.0))


def _reported(spent: Spent, laid: Layout) -> list[tuple[int, str]]:
    """The months and lines beside tokens that usage itself tells, such as taxes."""
    beside = spent.frame[spent.frame[LINE] != TOKENS]
    month = laid.month_of(pd.DatetimeIndex(beside["day"]))
    return list(dict.fromkeys(zip(map(int, month), beside[LINE].astype(str), strict=True)))


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


def _counted(count: Count, spent: Spent, laid: Layout, draws: int) -> Counted:
    """What a component must see of what was used to date: (draw, month, group)."""
    frame = spent.rows
    month = laid.month_of(pd.DatetimeIndex(frame[schema.DATE].dt.normalize()))
    if count.unit == "cost":
        value = frame[COST]
    elif count.unit == "total_tokens":
        held = [u for u in schema.BILLABLE if u in frame and schema.UNITS[u].token]
        value = frame[held].fillna(0.0).sum(axis=1)
    else:
        value = frame[count.unit].fillna(0.0) if count.unit in frame else pd.Series(0.0, index=frame.index)
    amount = np.asarray(value, dtype="float64")
    if count.where and len(frame):
        try:
            amount = np.where(matching(frame, dict(count.where), what=count.what, error="the usage"), amount, 0.0)
        except NothingMatchesError:
            amount = np.zeros(len(frame))  # the plan knows it; nothing of it was used yet
    groups: tuple[str, ...] = ("all",)
    code = np.zeros(len(frame), dtype=np.intp)
    if count.per is not None:
        named = frame[count.per].astype("object") if count.per in frame else pd.Series(None, index=frame.index)
        found, names = pd.factorize(named.where(named.notna(), schema.UNASSIGNED).astype(str), sort=True)
        groups, code = tuple(map(str, names)), found.astype(np.intp)
    sums = np.zeros((len(laid.months), len(groups)))
    np.add.at(sums, (month, code), amount)
    return Counted(groups, np.tile(sums, (draws, 1, 1)))


def _together(past: Counted, rest: Counted, made: Outcome, laid: Layout, share: float) -> Counted:
    """What was counted to date and what is foreseen, over the groups of both."""
    groups = tuple(dict.fromkeys((*rest.groups, *past.groups)))
    values = np.zeros((len(past.values), len(laid.months), len(groups)))
    values[:, :, [groups.index(g) for g in past.groups]] += past.values
    ahead = _in_months(rest.values[:, made.spans.planned], made, laid) * share
    values[:, :, [groups.index(g) for g in rest.groups]] += ahead
    return Counted(groups, values)


def _checked(
    told: pd.DataFrame | None, plan: BudgetPlan, laid: Layout, spent: Spent
) -> Mapping[tuple[int, str], float]:
    """What lines cost, by month and line."""
    if told is None:
        return {}
    if not isinstance(told, pd.DataFrame) or any(c not in told for c in LINES_TABLE):
        has = f"; it has {', '.join(map(str, told.columns))}" if isinstance(told, pd.DataFrame) else ""
        raise PlanError(f"lines: wanted a table with the columns {', '.join(LINES_TABLE)}{has}")
    names = [str(n) for n in dict.fromkeys(laid.labels[LINE]) if n != TOKENS]
    months = [str(m) for m in plan.ledger.calendar.label(laid.months.first, "month")]
    reported = {(months[month], line) for month, line in _reported(spent, laid)}
    found: dict[tuple[int, str], float] = {}
    for row in told[list(LINES_TABLE)].itertuples(index=False):
        month, line = _month(row.month, months), str(row.line)
        if line not in names:
            raise PlanError(
                f"lines: {line!r} is no line of the plan; there are {', '.join(names)}{nearest(line, names)}"
            )
        if month not in months:
            raise PlanError(f"lines: {month} is no month of the plan, which runs from {months[0]} to {months[-1]}")
        if (month, line) in reported:
            raise PlanError(f"lines: {line} of {month} is in the usage already; leave it out of one of the two")
        amount = row.amount
        if isinstance(amount, bool) or not isinstance(amount, int | float | np.number) or not np.isfinite(amount):
            raise PlanError(f"lines: {line} in {month}: amount = {row.amount!r}: wanted money")
        # By a calendar of weeks a month may be in two parts: it is told by days.
        parts = np.where(np.asarray(months) == month, laid.months.days, 0.0)
        for at in map(int, np.flatnonzero(parts)):
            found[at, line] = found.get((at, line), 0.0) + float(amount) * float(parts[at] / parts.sum())
    begun = {name for name, part in zip(months, laid.elapsed, strict=True) if part > 0.0}
    late = [month for month, _ in found if months[month] not in begun]
    if late:
        raise PlanError(f"lines: {months[late[0]]} has not begun by the as-of date; what is to come is foreseen")
    return found


def _month(value: object, months: list[str]) -> str:
    """A month as the plan's calendar calls it."""
    text = str(value)
    if text in months:
        return text
    try:
        return str(pd.Period(text, "M"))
    except ValueError as cause:
        raise PlanError(f"lines: month = {text!r} cannot be read; write it such as {months[0]}") from cause
