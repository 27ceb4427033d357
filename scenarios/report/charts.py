"""Pictures of a plan. Comes in: a BudgetPlan. Goes out: a matplotlib Axes whose title states the finding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
import pandas as pd

from forecast.drawing import (
    SIZE,
    SMALL,
    Palette,
    band,
    canvas,
    clock,
    date_axis,
    headline,
    in_percent,
    key_below,
    label_ends,
    money,
    money_axis,
    number,
    offscreen,
    percent,
    printable,
    short,
    span_words,
    told_date,
)
from forecast.errors import PlanError, one_of
from forecast.panel import FloatArray
from scenarios.budget.alternatives import plan_bridge
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.report.cumulative_chart import cumulative
from scenarios.report.funding_chart import funding, funding_size
from scenarios.report.months import Months, as_of, months_of
from scenarios.report.policy_chart import policy, policy_size
from scenarios.report.stack_chart import stack
from scenarios.report.tables import budget_cells, scale_of
from scenarios.report.tornado_chart import tornado

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Months of history that a picture shows for each planned one, and the fewest and most.
HISTORY_PER_MONTH, HISTORY_LEAST, HISTORY_MOST = 2, 9, 18
#: Half a month, in days: how far a month reaches to both sides of its point.
HALF = 15.2
#: The most environments that a picture shows.
ENVIRONMENTS_SHOWN = 12
#: An environment is squeezed when policy takes at least this much of the money from it, as a share.
SQUEEZED = 0.005


class Chart(Protocol):
    """A picture of a plan; without ``ax`` it makes a figure of its own."""

    def __call__(self, plan: BudgetPlan, *, ax: Axes | None = None) -> Axes:
        """Draw it."""
        ...


@dataclass(frozen=True, slots=True)
class Shares:
    """Environments side by side.

    Attributes
    ----------
    names : tuple of str (environment,)
    wanted, given : float array (draw, environment)
        Shares of the lines that bear an environment: as demanded, and as the split deals them.
    moved : float array (environment,)
        The mean of the money that policy moves to each, which adds up to nothing.
    """

    names: tuple[str, ...]
    wanted: FloatArray
    given: FloatArray
    moved: FloatArray


def fan(plan: BudgetPlan, *, ax: Axes | None = None) -> Axes:
    """Spend by month: history, the months between, and the plan's bands with its budget."""
    ax, palette = canvas(ax)
    told = months_of(plan)
    months = HISTORY_PER_MONTH * len(told.months)
    known = told.known.iloc[-min(max(months, HISTORY_LEAST), HISTORY_MOST) :]
    shown = [*known.index, *told.gap_months, *told.months]
    every = clock(pd.DatetimeIndex([m.start_time for m in shown]))
    before, between, at = np.split(every, [len(known), len(known) + len(told.gap_months)])
    ax.plot(before, known.to_numpy(), color=palette.known, linewidth=1.6, marker="o", markersize=3.2)
    end, ends = _bands(ax, told, at, between, (before[-1:], known.to_numpy()[-1:]), palette)
    ax.set_ylim(min(0.0, float(ax.dataLim.y0) * 1.05), (max(float(ax.dataLim.y1), 0.0) or 1.0) * 1.16)
    ax.set_xlim(every[0] - HALF, at[-1] + HALF)
    date_axis(ax, shown[0].start_time, shown[-1].start_time)
    ax.set_xlabel("month", loc="right", labelpad=-SMALL)
    ax.spines["bottom"].set_bounds(every[0] - HALF, at[-1] + HALF)
    _sections(ax, [(before, "history"), (between, "gap"), (at, "plan")], palette)
    money_axis(ax.yaxis, f"{plan.currency} a month")
    span = span_words(plan.projection.span.start, plan.projection.span.end)
    level = f"P{plan.confidence * 100:g}"
    title = f"{span}: {money(plan.budget, plan.currency)} at {level}, {short(plan.base)} at P50"
    what = f"{printable(plan.name)}, as of {as_of(plan)}. Bands: P10–P90 and P25–P75 of each month"
    if told.part:
        what += f"; {told_date(told.part[-1].start_time, 'yMMM')} in part"
    headline(ax, title, what, palette)
    label_ends(ax, end, ends)
    return ax


def _bands(
    ax: Axes, told: Months, at: FloatArray, between: FloatArray, last: tuple[FloatArray, FloatArray], palette: Palette
) -> tuple[float, list[tuple[float, str, str]]]:
    """Draw gap and plan; returns where the lines end, and their labels.

    Where the plan holds lines that history has not, its band stands apart and a dotted line tells its usage alone.
    """
    planned, usage, budget = told.planned, told.usage, told.budget
    if len(at) == 1:  # one month: as wide as a month, or there is nothing to see
        at = np.array([at[0] - 0.7 * HALF, at[0] + 0.7 * HALF])
        planned, usage, budget = (np.repeat(v, 2, axis=-1) for v in (planned, usage, budget))
    x, known = last
    x = np.concatenate([x, between])
    values = np.concatenate([np.tile(known, (len(planned), 1)), told.gap], axis=1)
    others = bool((np.abs(np.median(planned, axis=0) - usage) > 1e-9 * np.abs(usage)).any())
    if others and len(x):
        band(ax, x, values, palette.future)
        path = np.concatenate([np.median(values, axis=0)[-1:], usage])
        ax.plot(np.concatenate([x[-1:], at]), path, color=palette.future, linewidth=1.1, linestyle=(0, (1, 1.6)))
    if others:
        x, values = at, planned
    else:
        x, values = np.concatenate([x, at]), np.concatenate([values, planned], axis=1)
    p10, p50, p90 = (v[-1] for v in band(ax, x, values, palette.future))
    ax.plot(at, budget, color=palette.budget, linewidth=1.8, linestyle=(0, (5, 1.5)), marker="D", markersize=3.4)
    ends = [
        (float(v), f"{name} {short(float(v))}", palette.future)
        for name, v in (("P10", p10), ("P50", p50), ("P90", p90))
    ]
    ends.append((float(budget[-1]), f"budget {short(float(budget[-1]))}", palette.budget))
    if others:
        ends.append((float(usage[-1]), f"usage alone {short(float(usage[-1]))}", palette.future))
    return float(at[-1]), ends


def s_curve(plan: BudgetPlan, *, limit: float | None = None, ax: Axes | None = None) -> Axes:
    """The chance that the horizon's total stays below an amount, with P50, the budget and an optional limit."""
    ax, palette = canvas(ax)
    totals = np.sort(plan.totals)
    chance = (np.arange(len(totals)) + 0.5) / len(totals)
    seen = np.unique(np.linspace(0, len(totals) - 1, 500).astype(np.intp))
    ax.plot(totals[seen], chance[seen], color=palette.future, linewidth=2.0)
    low, high = (float(v) for v in np.quantile(totals, [0.002, 0.99]))  # a far future is not half the picture
    low, high = min(low, limit if limit is not None else low), max(high, limit if limit is not None else high)
    room = (high - low or abs(high) or 1.0) * 0.06
    ax.set_xlim(low - room, high + room)
    ax.set_ylim(0.0, 1.09)
    levels = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    ax.set_yticks(levels, [in_percent(level) for level in levels])
    ax.set_ylabel("chance that the total stays below")
    ax.tick_params(axis="x", pad=SMALL)  # clear of the y axis's "0 %", wherever the first tick falls
    span = span_words(plan.projection.span.start, plan.projection.span.end)
    money_axis(ax.xaxis, f"total over {span}, {plan.currency}")
    level = f"P{plan.confidence * 100:g}"
    marks = [(plan.budget, plan.confidence, f"budget {level} {short(plan.budget)}", palette.budget)]
    if plan.confidence - 0.5 > 0.06:
        marks.append((plan.base, 0.5, f"P50 {short(plan.base)}", palette.future))
    marks += [
        (plan.quantile(q), q, f"P{q * 100:g} {short(plan.quantile(q))}", palette.muted)
        for q in (0.1, 0.95)
        if abs(q - plan.confidence) > 0.06
    ]
    for amount, probability, words, colour in marks:
        down = colour != palette.muted
        corner = ([amount, amount], [0.0, probability]) if down else ([amount], [probability])
        path = ([ax.get_xlim()[0], *corner[0][::-1]], [probability, *corner[1][::-1]])
        ax.plot(*path, color=colour, linewidth=0.9, linestyle=(0, (2, 2)), zorder=1.5)
        ax.plot([amount], [probability], marker="o", color=colour, markersize=6)
        _beside(ax, amount, probability, words, colour, paper=palette.paper, bold=colour == palette.budget, line=limit)
    title = f"{span}: {money(plan.budget, plan.currency)} is enough in {percent(plan.confidence)} of futures"
    if limit is not None:
        over = plan.probability_over(limit)
        title = f"{span}: {percent(over)} of futures go over the limit of {money(limit, plan.currency)}"
        ax.plot([limit, limit], [0, 1.02], color=palette.ink, linewidth=1.4, zorder=1.6)
        side = "right" if limit > sum(ax.get_xlim()) / 2 else "left"
        ax.text(limit, 1.035, f"limit {short(limit)}", color=palette.ink, fontsize=SMALL, ha=side)
    shown = f"contingency {short(plan.contingency)}: the budget less P50 {short(plan.base)}"
    headline(ax, title, f"{printable(plan.name)}, {number(len(totals))} futures; {shown}", palette)
    return ax


def environments(plan: BudgetPlan, *, ax: Axes | None = None) -> Axes:
    """Each environment's share of demand against its policy range and what the split gives it: who is squeezed."""
    shares, split = _shares(plan), plan.spec.environments
    budgets = budget_cells(plan)[0].sum() / scale_of(plan)  # rounded as in tables: both tell the same
    p10, p50, p90 = np.quantile(shares.wanted, [0.1, 0.5, 0.9], axis=0)
    order = np.argsort(p50, kind="stable")[-ENVIRONMENTS_SHOWN:]
    ax, palette = canvas(ax, environments_size(plan))
    ranges = {name: (low, high) for name, low, high in (split.ranges if split else ())}
    squeezed = [int(i) for i in order if split and shares.moved[i] < -SQUEEZED * plan.base]
    ends, up = [], 0.11 if split else 0.0
    for row, i in enumerate(order):
        name, moved = shares.names[i], float(shares.moved[i])
        colour = palette.budget if i in squeezed else palette.future
        if name in ranges:
            low, high = ranges[name]
            ax.barh(row, max(high - low, 0.002), left=low, height=0.62, color=palette.policy, linewidth=0)
        ax.plot([p10[i], p90[i]], [row + up] * 2, color=colour, linewidth=3.2, solid_capstyle="butt")
        ax.plot([p50[i]], [row + up], marker="o", color=colour, markersize=6.5)
        told = f"budget {short(float(budgets.loc[name]))}"
        if split:
            ax.plot([shares.given[:, i].mean()], [row - 0.17], "D", ms=5.0, color=palette.ink, mfc=palette.paper)
        if split and abs(moved) > 0.001 * abs(plan.base):
            told += f", policy {'+' if moved > 0 else ''}{short(moved)}"
        ends.append((float(row), told, colour if i in squeezed else palette.ink))
    right = float(max([p90[order].max(), *(high for _, high in ranges.values())]))
    ax.set_xlim(0.0, right * 1.03)
    ax.set_ylim(-0.6, len(order) - 0.4)
    ax.set_yticks(range(len(order)), [printable(shares.names[i], 22) for i in order])
    for text in ax.get_yticklabels():
        text.set(parse_math=False, color=palette.ink, fontsize=SMALL + 1)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x", color=palette.grid, linewidth=0.8)
    room = 0.6 * ax.get_window_extent().width / ax.figure.dpi
    step = next((s for s in (0.01, 0.02, 0.05, 0.1, 0.2) if right / s * 0.42 < room), 0.5)
    ticks = np.arange(0.0, right * 1.03, step)
    ax.set_xticks(ticks, [in_percent(t) for t in ticks])
    ax.spines["bottom"].set_bounds(0.0, right * 1.03)
    span = span_words(plan.projection.span.start, plan.projection.span.end)
    ax.set_xlabel(f"share of {span}; money in {plan.currency}", parse_math=False)
    what = f"{printable(plan.name)}; "
    what += "demand at P50, what the split gives and moves on average" if split else "shares at P50"
    if len(order) < len(shares.names):
        what += f"; the {len(order)} largest, {len(shares.names) - len(order)} more not shown"
    headline(ax, _finding(plan, shares, int(order[-1]), squeezed), what, palette)
    _key(ax, palette, ranges=bool(ranges))
    label_ends(ax, right, ends)
    return ax


def bridge(plan: BudgetPlan, *, ax: Axes | None = None) -> Axes:
    """How the forecast alone becomes the plan, step by step: means, with P10-P90 as whiskers."""
    ax = plan_bridge(plan).plot(ax)
    ax.set_xlabel("what the plan's scenario changes", loc="right")
    return ax


KINDS: dict[str, Chart] = {
    "fan": fan,
    "cumulative": cumulative,
    "s_curve": s_curve,
    "environments": environments,
    "stack": stack,
    "funding": funding,
    "policy": policy,
    "tornado": tornado,
    "bridge": bridge,
}
#: Pictures that mark a limit.
LIMITED: Final = ("s_curve", "cumulative")


def check_asked(kind: str, limit: float | None, by: str | None, what: str = "plot") -> None:
    """Refuse a picture that there is not, or an argument that it does not take."""
    one_of(what, kind, KINDS, PlanError)
    if limit is not None and kind not in LIMITED:
        raise PlanError(f"{what}({kind!r}, limit=...): only {' and '.join(map(repr, LIMITED))} mark a limit")
    if by is not None and kind not in {"policy", "tornado"}:
        raise PlanError(f"{what}({kind!r}, by={by!r}): only 'policy' and 'tornado' are told by something")


def drawn(
    plan: BudgetPlan, kind: str, *, limit: float | None = None, by: str | None = None, ax: Axes | None = None
) -> Axes:
    """One of :data:`KINDS`; :data:`LIMITED` mark ``limit``; ``by`` is a policy's split, or a tornado's rows.

    Raises
    ------
    PlanError
        There is no such picture, or it does not take the argument.
    """
    check_asked(kind, limit, by)
    if kind in LIMITED:
        return (s_curve if kind == "s_curve" else cumulative)(plan, limit=limit, ax=ax)
    if kind == "tornado":
        return tornado(plan, by=by, ax=ax)
    return policy(plan, by=by, ax=ax) if kind == "policy" else KINDS[kind](plan, ax=ax)


def picture(plan: BudgetPlan, kind: str, *, limit: float | None = None, by: str | None = None) -> Axes:
    """One of :data:`KINDS` on a figure of its own that is shown nowhere: what pages, workbooks and files take."""
    one_of("plot", kind, KINDS, PlanError)
    sizes = {"environments": environments_size, "funding": funding_size, "policy": policy_size}
    if kind == "tornado":  # as high as it has rows, which only it knows
        return tornado(plan, by=by, ax=None, alone=True)
    ax = offscreen(sizes[kind](plan) if kind in sizes else SIZE)
    return drawn(plan, kind, limit=limit if kind in LIMITED else None, by=by, ax=ax)


def environments_size(plan: BudgetPlan) -> tuple[float, float]:
    """Width and height of the picture of environments, in inches: a row each."""
    return SIZE[0], 1.9 + 0.56 * min(len(plan.ledger.environments), ENVIRONMENTS_SHOWN)


def _shares(plan: BudgetPlan) -> Shares:
    """What each environment wants, and what the split gives it."""
    ledger = plan.ledger
    bears = ledger.labels["environment"].where(ledger.own)
    own = np.stack([ledger.money[:, :, (bears == e).to_numpy()].sum(axis=(1, 2)) for e in ledger.environments], axis=1)
    total = own.sum(axis=1, keepdims=True)
    wanted = np.where(total > 0, own / np.where(total > 0, total, 1.0), 1.0 / own.shape[1])
    given = wanted if ledger.shares is None else ledger.shares
    return Shares(ledger.environments, wanted, given, ((given - wanted) * total).mean(axis=0))


def _finding(plan: BudgetPlan, shares: Shares, most: int, squeezed: list[int]) -> str:
    """Who is squeezed; ``most`` is the environment that wants most."""
    names = [printable(name, 24) for name in shares.names]
    wanted, given = np.median(shares.wanted, axis=0), shares.given.mean(axis=0)
    if plan.spec.environments is None:
        most_of = f"{in_percent(wanted[most])} of {money(plan.base, plan.currency)}"
        return f"No split: demand decides, {names[most]} takes {most_of}"
    if not squeezed:
        return f"No environment is squeezed: policy takes under {money(SQUEEZED * plan.base, plan.currency)} from each"
    worst = min(squeezed, key=lambda i: float(shares.moved[i]))
    taken = money(-float(shares.moved[worst]), plan.currency)
    name = f"{names[worst][:1].upper()}{names[worst][1:]}"
    return f"{name} is squeezed by {taken}: wants {in_percent(wanted[worst])}, gets {in_percent(given[worst])}"


def _beside(
    ax: Axes, x: float, y: float, words: str, colour: str, *, paper: str, bold: bool, line: float | None
) -> None:
    """A label under and right of a point of a rising curve, or above and left where an edge or the line is there."""
    text = ax.annotate(
        words,
        (x, y),
        (8.0, -4.0),
        textcoords="offset points",
        ha="left",
        va="top",
        color=colour,
        fontsize=SMALL + 0.5,
        fontweight="bold" if bold else "normal",
        bbox={"facecolor": paper, "edgecolor": "none", "alpha": 0.85, "pad": 0.8},
        in_layout=False,
    )
    box = text.get_window_extent()
    crossed = line is not None and box.x0 < ax.transData.transform((line, 0.0))[0] < box.x1
    if crossed or box.x1 > ax.get_window_extent().x1:
        text.set(ha="right", va="bottom", position=(-8.0, 5.0))


def _sections(ax: Axes, parts: list[tuple[FloatArray, str]], palette: Palette) -> None:
    """Name the spans of the time axis above the data, with a thin line where one ends."""
    top = ax.get_ylim()[1]
    paper = {"facecolor": palette.paper, "edgecolor": "none", "pad": 1.0}
    present = [(x, words) for x, words in parts if len(x)]
    for i, (x, words) in enumerate(present):
        if i:
            ax.axvline(float(x[0]) - HALF, color=palette.muted, linewidth=0.8, linestyle=(0, (2, 3)))
        left, right = ax.transData.transform([(float(x[0]) - HALF, top), (float(x[-1]) + HALF, top)])[:, 0]
        text = ax.text(
            float(x[0]) - 0.7 * HALF, top * 0.985, words, color=palette.muted, fontsize=SMALL, va="top", bbox=paper
        )
        if text.get_window_extent().width > right - left and i < len(present) - 1:
            text.remove()


def _key(ax: Axes, palette: Palette, *, ranges: bool) -> None:
    """What the marks mean, in one quiet line under the axis."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    marks: list[Line2D | Patch] = [
        Line2D([], [], color=palette.future, marker="o", linewidth=3.2, label="demand: P10, P50, P90")
    ]
    if ranges:
        ink, paper = palette.ink, palette.paper
        marks = [
            Patch(color=palette.policy, label="policy range"),
            *marks,
            Line2D([], [], marker="D", linewidth=0, color=ink, markerfacecolor=paper, label="what the split gives"),
        ]
    key_below(ax, marks, palette)
