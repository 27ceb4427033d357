"""The picture of a policy. Comes in: a plan that is split. Goes out: what each part wants beside what it may have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from forecast.drawing import (
    SIZE,
    SMALL,
    Palette,
    canvas,
    headline,
    in_percent,
    key_below,
    label_ends,
    money,
    percent,
    printable,
    short,
    span_words,
)
from forecast.panel import FloatArray
from scenarios.budget.budget_plan import BudgetPlan
from scenarios.budget.policy import level_of
from scenarios.budget.shares import proportions

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: The most parts that a picture shows: those with the largest budgets.
PARTS_SHOWN: Final = 16
#: The letters of a name that are shown, those that the usual width has room for, and the width of one more, in inches.
NAME, SHORT, LETTER = 36, 14, 0.08
#: How far a distribution rises above its line, in rows, and in how many points it is drawn.
RISE, POINTS = 0.42, 160


@dataclass(frozen=True, slots=True)
class _Part:
    """A row of the picture: ``wanted`` and ``given`` are shares of ``parent``, what it is part of (draw,)."""

    name: str
    parent: str
    wanted: FloatArray | None
    given: FloatArray
    told: pd.Series


def policy(plan: BudgetPlan, *, by: str | None = None, ax: Axes | None = None) -> Axes:
    """The distribution of each part's demand share beside its policy range, with what it is given.

    Parts are those of the split ``by`` a column, or of the last, in order of demand inside what they are parts of.

    Raises
    ------
    PlanError
        The plan has no split, or none by that column.
    """
    parts, more = _parts(plan, by)
    ax, palette = canvas(ax, policy_size(plan, by))
    right = min(1.0, 1.04 * max(_reach(part) for part in parts))
    for row, part in enumerate(parts):
        _draw(ax, row, part, right, palette)
    ax.set_xlim(0.0, right)
    ax.set_ylim(-0.55, len(parts) - 0.3)
    ax.set_yticks(range(len(parts)), [printable(part.name, NAME) for part in parts])
    for text in ax.get_yticklabels():
        text.set(parse_math=False, color=palette.ink, fontsize=SMALL + 1)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x", color=palette.grid, linewidth=0.8)
    step = next((s for s in (0.01, 0.02, 0.05, 0.1) if right / s <= 9), 0.2)
    ticks = np.arange(0.0, right * 1.0001, step)
    ax.set_xticks(ticks, [in_percent(t) for t in ticks])
    ax.spines["bottom"].set_bounds(0.0, right)
    span = span_words(plan.projection.span.start, plan.projection.span.end)
    level, columns = level_of(plan.ledger, by)
    inside = f" inside each {printable(' and '.join(columns[:-1]), 40)}" if columns[:-1] else ""
    ax.set_xlabel(f"share of the money of {span}{inside}; budgets in {plan.currency}", parse_math=False)
    what = f"{printable(plan.name)}; by {level.split.by}{inside}"
    if more:
        what += f"; the {len(parts)} largest budgets, {more} more not shown"
    headline(ax, _finding(plan, parts, level.split.by), what, palette)
    _key(ax, palette, parts)
    colours = [palette.budget if part.told["state"] == "squeezed" else palette.ink for part in parts]
    label_ends(ax, right, [(float(i), _label(p), c) for i, (p, c) in enumerate(zip(parts, colours, strict=True))])
    return ax


def policy_size(plan: BudgetPlan, by: str | None = None) -> tuple[float, float]:
    """Width and height of the picture, in inches: a row a part, and room for long names."""
    level, _ = level_of(plan.ledger, by)
    names = [_name(parted.where, part) for parted in level.parted for part in parted.parts]
    longest = max(len(printable(name, NAME)) for name in names)
    return SIZE[0] + LETTER * max(0, longest - SHORT), 2.0 + 0.62 * min(len(names), PARTS_SHOWN)


def _name(where: tuple[tuple[str, str], ...], part: str) -> str:
    """What a part is called, after what it is part of."""
    return " / ".join([*(label for _, label in where), part])


def _parts(plan: BudgetPlan, by: str | None) -> tuple[list[_Part], int]:
    """What is shown, from below, and how many parts are not."""
    level, _ = level_of(plan.ledger, by)
    table = plan.policy(by)
    rows: list[_Part] = []
    for parted in level.parted:
        want = None if parted.demand is None else proportions(parted.demand)
        parent = " / ".join(label for _, label in parted.where)
        for i, part in enumerate(parted.parts):
            told = table.iloc[len(rows)]  # the table has the parts in this order
            wanted = None if want is None else want[:, i]
            rows.append(_Part(_name(parted.where, part), parent, wanted, parted.shares[:, i], told))
    shown = sorted(rows, key=lambda part: -float(part.told["budget"]))[:PARTS_SHOWN]
    size: dict[str, float] = {}
    for row in shown:
        size[row.parent] = size.get(row.parent, 0.0) + float(row.told["budget"])
    shown.sort(key=lambda row: (size[row.parent], row.parent, float(row.told["budget"])))
    return shown, len(rows) - len(shown)


def _reach(part: _Part) -> float:
    """How far to the right a part reaches; a floor, whose high end says nothing, only a little beyond."""
    high = float(part.told["high"])
    reach = float(np.quantile(part.given, 0.9))
    if part.wanted is not None:
        reach = max(reach, float(np.quantile(part.wanted, 0.998)))
    return max(reach, high if high < 1.0 else 1.1 * float(part.told["low"])) if np.isfinite(high) else reach


def _draw(ax: Axes, row: int, part: _Part, right: float, palette: Palette) -> None:
    """One part: its range, how its demand share is distributed, and what it is given."""
    low, high = float(part.told["low"]), min(float(part.told["high"]), right)
    colour = palette.budget if part.told["state"] == "squeezed" else palette.future
    if np.isfinite(low):
        ax.barh(row + 0.07, max(high - low, 0.002), left=low, height=0.78, color=palette.policy, linewidth=0)
    if part.wanted is not None:
        p10, p50, p90 = np.quantile(part.wanted, [0.1, 0.5, 0.9])
        at, dense = _density(part.wanted)
        ax.fill_between(at, row, row + RISE * dense, color=colour, alpha=0.35, linewidth=0)
        ax.plot([p10, p90], [row, row], color=colour, linewidth=3.0, solid_capstyle="butt")
        ax.plot([p50], [row], marker="o", color=colour, markersize=5.5)
    p10, p90 = np.quantile(part.given, [0.1, 0.9])
    ax.plot([p10, p90], [row - 0.18] * 2, color=palette.ink, linewidth=1.0)
    ax.plot([part.given.mean()], [row - 0.18], "D", ms=5.0, color=palette.ink, mfc=palette.paper)


def _density(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Where a distribution lies and how dense it is, 1 at its peak: a Gaussian kernel by Silverman's rule."""
    spread = min(float(values.std()), float(np.subtract(*np.quantile(values, [0.75, 0.25]))) / 1.349)
    width = max(0.9 * spread * len(values) ** -0.2, 1e-4)
    low, high = np.quantile(values, [0.002, 0.998]) + np.array([-2.0, 2.0]) * width
    at = np.linspace(max(float(low), 0.0), min(float(high), 1.0), POINTS)
    seen = np.quantile(values, (np.arange(400) + 0.5) / 400)
    dense = np.exp(-0.5 * ((at[:, None] - seen) / width) ** 2).sum(axis=1)
    return at, np.asarray(dense / dense.max())


def _label(part: _Part) -> str:
    told = f"budget {short(float(part.told['budget']))}"
    if np.isfinite(part.told["overrun"]):
        told += f", overrun {percent(float(part.told['overrun']))}"
    return told


def _finding(plan: BudgetPlan, parts: list[_Part], by: str) -> str:
    """Who is squeezed most, or who overruns most often."""
    whole = money(plan.budget, plan.currency)
    known = [part for part in parts if part.wanted is not None]
    if not known:
        return f"The policy alone divides {whole} by {by}: what each wants is not known"
    squeezed = [part for part in known if part.told["state"] == "squeezed"]
    worst = max(squeezed or known, key=lambda part: (float(part.told["overrun"]), -float(part.told["transfer"])))
    name, often = printable(worst.name, NAME), percent(float(worst.told["overrun"]))
    overruns = [float(part.told["overrun"]) for part in known]
    if squeezed:
        taken = money(max(0.0, -float(worst.told["transfer"])), plan.currency)
        wants, gets = float(worst.told["demand_p50"]), float(worst.told["share"])
        told = percent(wants), percent(gets)
        if told[0] == told[1]:  # what differs is shown
            told = in_percent(wants, 1), in_percent(gets, 1)
        return (
            f"{name[:1].upper()}{name[1:]} is squeezed by {taken}: wants {told[0]}, gets {told[1]}, overruns in {often}"
        )
    if len(known) > 1 and max(overruns) - min(overruns) < 0.005:
        return f"Nobody is squeezed by the split of {whole}: every part overruns in {often} of futures"
    return f"Nobody is squeezed by the split of {whole}: {name} overruns most often, in {often} of futures"


def _key(ax: Axes, palette: Palette, parts: list[_Part]) -> None:
    """What the marks mean, in one quiet line under the axis."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    marks: list[Line2D | Patch] = []
    if any(np.isfinite(part.told["low"]) for part in parts):
        marks.append(Patch(color=palette.policy, label="policy range"))
    if any(part.wanted is not None for part in parts):
        demand = "demand: P10, P50, P90"
        marks.append(Line2D([], [], color=palette.future, marker="o", linewidth=3.0, label=demand))
    ink, paper, given = palette.ink, palette.paper, "what the split gives"
    marks.append(Line2D([], [], color=ink, markerfacecolor=paper, marker="D", linewidth=1.0, label=given))
    key_below(ax, marks, palette)
