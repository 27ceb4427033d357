"""Pictures of a plan. Comes in: a BudgetPlan. Goes out: a matplotlib Axes whose title states the finding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd

from forecast.figures import (
    SMALL,
    Palette,
    band,
    canvas,
    headline,
    label_ends,
    money,
    money_axis,
    offscreen,
    printable,
    short,
    span_words,
)
from forecast.panel import FloatArray
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.ledger import TOKENS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Months of history that a picture shows for each planned one, and the fewest and most.
HISTORY_PER_MONTH, HISTORY_LEAST, HISTORY_MOST = 2, 9, 18
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
class Months:
    """Spend by calendar month, known and to come, on one axis.

    Attributes
    ----------
    known : Series (month,)
        Priced usage of the months that are known whole.
    gap, planned : float array (draw, month)
        Spend in each draw, the known days of a month in part included. ``gap_months`` and ``months`` label them.
    usage : float array (month,)
        The median of the planned months without the lines that are not tokens, which history does not hold either.
    budget : float array (month,)
        Each month's part of the budget, with the known days of a month in part.
    part : set of Period
        Planned months that the plan covers in part.
    """

    known: pd.Series
    gap: FloatArray
    gap_months: pd.PeriodIndex
    planned: FloatArray
    months: pd.PeriodIndex
    usage: FloatArray
    budget: FloatArray
    part: frozenset[pd.Period]


def months_of(plan: BudgetPlan) -> Months:
    """Put history, gap and plan on one calendar."""
    as_of, span = plan.projection.as_of, plan.projection.span
    now = pd.Period(as_of, "M")
    months, gap = plan.ledger.months, plan.gap.copy()
    forecast = plan.gap_months.union(months)
    known = plan.history.dropna()
    known = known[(known.index <= now) & ~known.index.isin(forecast)]
    if len(known) > 1 and plan.projection.usage.start.normalize() > known.index[0].start_time:
        known = known.iloc[1:]
    begun = _known_in(plan, now) if now in forecast else 0.0
    planned = plan.ledger.money.sum(axis=2)
    tokens = plan.ledger.money[:, :, (plan.ledger.labels["line"] == TOKENS).to_numpy()].sum(axis=2)
    budget = plan.table("month")["budget"].to_numpy(dtype="float64").copy()
    gap[:, plan.gap_months == now] += begun
    shared = plan.gap_months.intersection(months)
    for i, month in enumerate(months):
        alone = np.full(len(gap), begun if month == now else 0.0)
        before = gap[:, plan.gap_months == month].sum(axis=1) if month in shared else alone
        planned[:, i] += before
        tokens[:, i] += before
        budget[i] += float(np.median(before))
    between = ~plan.gap_months.isin(shared)
    end = span.end + pd.offsets.MonthEnd(0) if plan.projection.usage.grain == "month" else span.end
    part = {months[-1]} if end.normalize() < months[-1].end_time.normalize() else set()
    return Months(
        known,
        gap[:, between],
        plan.gap_months[between],
        planned,
        months,
        np.median(tokens, axis=0),
        budget,
        frozenset(part),
    )


def _known_in(plan: BudgetPlan, month: pd.Period) -> float:
    """Priced usage of the as-of date's month up to that date."""
    usage, as_of = plan.projection.usage, plan.projection.as_of
    date = usage.frame["date"]
    rows = usage.frame[(date >= month.start_time) & (date < as_of.normalize() + pd.Timedelta(days=1))]
    return float(plan.spec.prices.cost(rows).sum()) if len(rows) else 0.0


def fan(plan: BudgetPlan, *, ax: Axes | None = None) -> Axes:
    """Spend by month: history, the months between, and the plan's bands with its budget."""
    ax, palette = canvas(ax)
    told = months_of(plan)
    months = HISTORY_PER_MONTH * len(told.months)
    known = told.known.iloc[-min(max(months, HISTORY_LEAST), HISTORY_MOST) :]
    at = np.array([m.ordinal for m in told.months], dtype="float64")
    before = np.array([m.ordinal for m in known.index], dtype="float64")
    between = np.array([m.ordinal for m in told.gap_months], dtype="float64")
    first = min([*before[:1], *between[:1], at[0]]) - 0.5
    ax.plot(before, known.to_numpy(), color=palette.known, linewidth=1.6, marker="o", markersize=3.2)
    end, ends = _bands(ax, told, at, between, (before[-1:], known.to_numpy()[-1:]), palette)
    ax.set_ylim(min(0.0, float(ax.dataLim.y0) * 1.05), max(float(ax.dataLim.y1), 1e-9) * 1.16)
    ax.set_xlim(first, at[-1] + 0.5)
    _month_ticks(ax, first, at[-1])
    _sections(ax, [(before, "history"), (between, "gap"), (at, "plan")], palette)
    money_axis(ax.yaxis, f"{plan.currency} a month")
    span = span_words(plan.projection.span.start, plan.projection.span.end)
    level = f"P{plan.confidence * 100:g}"
    title = f"{span}: {money(plan.budget, plan.currency)} at {level}, {short(plan.base)} at P50"
    shown = f"{printable(plan.name)}, as of {plan.projection.as_of:%Y-%m-%d}. Bands: P10–P90 and P25–P75 of each month"
    if told.part:
        shown += f"; {max(told.part).strftime('%b %Y')} in part"
    headline(ax, title, shown, palette)
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
        at = np.array([at[0] - 0.35, at[0] + 0.35])
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
    low, high = (float(v) for v in np.quantile(totals, [0.001, 0.999]))
    low, high = min(low, limit if limit is not None else low), max(high, limit if limit is not None else high)
    room = (high - low or abs(high) or 1.0) * 0.06
    ax.set_xlim(low - room, high + room)
    ax.set_ylim(0.0, 1.09)
    ax.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1.0], ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"])
    ax.set_ylabel("chance that the total stays below")
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
        _beside(ax, amount, probability, words, colour, paper=palette.paper, bold=colour == palette.budget)
    title = f"{span}: {money(plan.budget, plan.currency)} is enough in {percent(plan.confidence)} of futures"
    if limit is not None:
        over = plan.probability_over(limit)
        title = f"{span}: {percent(over)} of futures go over the limit of {money(limit, plan.currency)}"
        ax.plot([limit, limit], [0, 1.02], color=palette.ink, linewidth=1.4, zorder=1.6)
        side = "right" if limit > sum(ax.get_xlim()) / 2 else "left"
        ax.text(limit, 1.035, f"limit {short(limit)}", color=palette.ink, fontsize=SMALL, ha=side)
    shown = f"contingency {short(plan.contingency)}: the budget less P50 {short(plan.base)}"
    headline(ax, title, f"{printable(plan.name)}, {len(totals):,} futures; {shown}", palette)
    return ax


def environments(plan: BudgetPlan, *, ax: Axes | None = None) -> Axes:
    """Each environment's share of demand against its policy range and what the split gives it: who is squeezed."""
    table = plan.table("environment", demand=True)
    names, wanted, given, moved = _shares(plan)
    order = np.argsort(np.median(wanted, axis=0), kind="stable")[-ENVIRONMENTS_SHOWN:]
    ax, palette = canvas(ax, (8.0, 1.9 + 0.56 * len(order)))
    ranges = {name: (low, high) for name, low, high in (plan.spec.split.ranges if plan.spec.split else ())}
    squeezed = [i for i in order if moved[i] < -SQUEEZED * plan.base and plan.spec.split]
    p10, p50, p90 = np.quantile(wanted, [0.1, 0.5, 0.9], axis=0)
    ends, up = [], 0.11 if plan.spec.split else 0.0
    for row, i in enumerate(order):
        name = names[i]
        colour = palette.budget if i in squeezed else palette.future
        if name in ranges:
            low, high = ranges[name]
            ax.barh(row, max(high - low, 0.002), left=low, height=0.62, color=palette.policy, linewidth=0)
        ax.plot([p10[i], p90[i]], [row + up] * 2, color=colour, linewidth=3.2, solid_capstyle="butt")
        ax.plot([p50[i]], [row + up], marker="o", color=colour, markersize=6.5)
        budget = f"budget {short(float(table.loc[name, 'budget']))}"
        if plan.spec.split is not None:
            ax.plot([np.median(given[:, i])], [row - 0.17], "D", ms=5.0, color=palette.ink, mfc=palette.paper)
            policy = f", policy {'+' if moved[i] > 0 else ''}{short(moved[i])}" if abs(moved[i]) > 0.005 else ""
            budget += policy
        ends.append((float(row), budget, colour if i in squeezed else palette.ink))
    right = float(max([p90[order].max(), *(high for _, high in ranges.values())]))
    ax.set_xlim(0.0, right * 1.03)
    ax.set_ylim(-0.6, len(order) - 0.4)
    ax.set_yticks(range(len(order)), [printable(names[i], 22) for i in order])
    for text in ax.get_yticklabels():
        text.set(parse_math=False, color=palette.ink, fontsize=SMALL + 1)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x", color=palette.grid, linewidth=0.8)
    shares = [t for t in ax.get_xticks() if 0 <= t <= right * 1.03]
    ax.set_xticks(shares, [f"{t * 100:g} %" for t in shares])
    ax.spines["bottom"].set_bounds(0.0, right * 1.03)
    span = span_words(plan.projection.span.start, plan.projection.span.end)
    ax.set_xlabel(f"share of {span}; money in {plan.currency}", parse_math=False)
    headline(ax, *_who(plan, names, order, p50, np.median(given, axis=0), moved, squeezed), palette)
    _key(ax, palette, ranges=bool(ranges))
    label_ends(ax, right, ends)
    return ax


KINDS: dict[str, Chart] = {"fan": fan, "s_curve": s_curve, "environments": environments}


def picture(plan: BudgetPlan, kind: str, *, limit: float | None = None) -> Axes:
    """One of :data:`KINDS` on a figure of its own that is shown nowhere: what pages and workbooks take."""
    count = min(len(plan.ledger.environments), ENVIRONMENTS_SHOWN)
    ax = offscreen((8.0, 1.9 + 0.56 * count) if kind == "environments" else (8.0, 4.5))
    return s_curve(plan, limit=limit, ax=ax) if kind == "s_curve" else KINDS[kind](plan, ax=ax)


def percent(share: float) -> str:
    """A probability as a reader expects it: never 0 % or 100 % of what only nearly is."""
    if 0 < share < 0.005:
        return "under 1 %"
    if 0.995 < share < 1:
        return "over 99 %"
    return f"{share * 100:.0f} %"


def _shares(plan: BudgetPlan) -> tuple[tuple[str, ...], FloatArray, FloatArray, FloatArray]:
    """Environments; the share each wants and gets (draw, environment); and the median of what policy moves to it."""
    ledger = plan.ledger
    bears = ledger.labels["environment"].where(ledger.own)
    own = np.stack([ledger.money[:, :, (bears == e).to_numpy()].sum(axis=(1, 2)) for e in ledger.environments], axis=1)
    total = own.sum(axis=1, keepdims=True)
    wanted = np.where(total > 0, own / np.where(total > 0, total, 1.0), 1.0 / own.shape[1])
    given = wanted if ledger.shares is None else ledger.shares
    return ledger.environments, wanted, given, np.median((given - wanted) * total, axis=0)


def _who(
    plan: BudgetPlan,
    names: tuple[str, ...],
    order: np.ndarray,
    wanted: FloatArray,
    given: FloatArray,
    moved: FloatArray,
    squeezed: list[int],
) -> tuple[str, str]:
    """Title and subtitle: who is squeezed, and how each row is read."""
    hidden = len(names) - len(order)
    shown = f"{printable(plan.name)}; shares at P50" + (
        f"; the {len(order)} largest, {hidden} more not shown" if hidden else ""
    )
    most = int(order[-1])
    if plan.spec.split is None:
        told = f"{printable(names[most], 24)} takes {wanted[most] * 100:.0f} % of demand"
        return f"No split: demand decides, {told}", f"{shown}; plan {money(plan.base, plan.currency)} at P50"
    if not squeezed:
        return f"No environment is squeezed: policy moves under {money(SQUEEZED * plan.base, plan.currency)}", shown
    worst = min(squeezed, key=lambda i: moved[i])
    title = (
        f"{printable(names[worst], 24)} is squeezed: wants {wanted[worst] * 100:.0f} %, "
        f"gets {given[worst] * 100:.0f} %, {money(-float(moved[worst]), plan.currency)} less"
    )
    others = [printable(names[i], 20) for i in squeezed if i != worst]
    return title, shown + (f"; also squeezed: {', '.join(others)}" if others else "")


def _beside(ax: Axes, x: float, y: float, words: str, colour: str, *, paper: str, bold: bool) -> None:
    """A label under and right of a point of a rising curve, or above and left of it where the right has no room."""
    left, right = ax.get_xlim()
    inside = x < left + 0.78 * (right - left)
    ax.annotate(
        words,
        (x, y),
        (8.0, -4.0) if inside else (-8.0, 5.0),
        textcoords="offset points",
        ha="left" if inside else "right",
        va="top" if inside else "bottom",
        color=colour,
        fontsize=SMALL + 0.5,
        fontweight="bold" if bold else "normal",
        bbox={"facecolor": paper, "edgecolor": "none", "alpha": 0.85, "pad": 0.8},
    )


def _month_ticks(ax: Axes, first: float, last: float) -> None:
    """A tick a month, or a quarter where there are many, with the year under its first."""
    months = [pd.Period(ordinal=i, freq="M") for i in range(int(np.ceil(first)), int(last) + 1)]
    shown = months if len(months) <= 16 else [m for m in months if m.month % 3 == 1]
    years = [i == 0 or m.year != shown[i - 1].year for i, m in enumerate(shown)]
    ax.set_xticks(
        [m.ordinal for m in shown],
        [m.strftime("%b\n%Y" if year else "%b\n") for m, year in zip(shown, years, strict=True)],
    )
    ax.set_xlabel("month")
    ax.spines["bottom"].set_bounds(first, last + 0.5)


def _sections(ax: Axes, parts: list[tuple[FloatArray, str]], palette: Palette) -> None:
    """Name the spans of the time axis above the data, with a thin line where one ends."""
    top = ax.get_ylim()[1]
    present = [(x, words) for x, words in parts if len(x)]
    for i, (x, words) in enumerate(present):
        if i:
            ax.axvline(float(x[0]) - 0.5, color=palette.muted, linewidth=0.8, linestyle=(0, (2, 3)))
        left = max(float(x[0]) - 0.5, ax.get_xlim()[0])
        ax.text(left + 0.12, top * 0.985, words, color=palette.muted, fontsize=SMALL, va="top")


def _key(ax: Axes, palette: Palette, *, ranges: bool) -> None:
    """What the marks mean, in one quiet line under the axis."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch
    from matplotlib.transforms import ScaledTranslation

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
    below = ScaledTranslation(0.0, -40.0 / 72.0, ax.figure.dpi_scale_trans)
    ax.legend(
        handles=marks,
        loc="upper left",
        bbox_to_anchor=(0.0, 0.0),
        bbox_transform=ax.transAxes + below,
        ncols=3,
        frameon=False,
        fontsize=SMALL,
        labelcolor=palette.muted,
        borderaxespad=0.0,
        handletextpad=0.6,
    )
