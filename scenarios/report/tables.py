"""Tables of a plan, as text and HTML. Comes in: a BudgetPlan. Goes out: money rounded so that what is shown adds up."""

from __future__ import annotations

import html
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from forecast.drawing import one_line, percent, span_words
from forecast.panel import FloatArray, IntArray
from scenarios.budget.alternatives import Alternative
from scenarios.budget.assumed import with_date
from scenarios.budget.budget_plan import LEVELS, BudgetPlan
from scenarios.report.months import as_of

#: Money columns of a shown table, in order; those of LEVELS are each row's own quantiles, the others add up.
ADDING = ("base", "contingency", "budget")
MONEY = (*LEVELS, *ADDING)
#: A plan of less than this is shown to the cent, a larger one in whole units of its currency.
WHOLE_FROM = 1_000.0
#: Columns of a terminal that prose is wrapped to, and of a name.
WIDTH, NAME = 100, 28

NOTE = (
    "P10 to P95 are each row's own quantiles and do not add; base (P50), contingency and budget do, "
    "and are rounded so that what is shown adds up."
)
Kind = Literal["cell", "quarter", "part", "total"]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a shown table: its labels, and money (column,) in the order of :data:`MONEY`, ready to be read."""

    kind: Kind
    labels: tuple[str, ...]
    money: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Headline:
    """The plan in one figure and what it is made of, as text; the parts add up to the whole as shown."""

    title: str
    budget: str
    base: str
    contingency: str
    reserves: tuple[tuple[str, str], ...]
    funding: str
    stress: tuple[str, str]
    error: str
    over: str | None


def round_to(amounts: FloatArray, total: int) -> IntArray:
    """Whole numbers that sum to ``total``, each within one of its amount: the largest remainders are rounded up."""
    floor = np.floor(amounts)
    up = total - int(floor.sum())
    order = np.argsort(floor - amounts, kind="stable")
    found = floor.astype(np.intp)
    if len(found):
        each, extra = divmod(up, len(found))
        found += each
        found[order[:extra]] += 1
    return found


def scale_of(plan: BudgetPlan) -> int:
    """Parts of the currency's unit that money is shown in: 1, or 100 for a small plan."""
    return 1 if abs(plan.budget) >= WHOLE_FROM else 100


def shown(plan: BudgetPlan, by: Sequence[str]) -> pd.DataFrame:
    """The plan's table in whole units (:func:`scale_of`), quarters rounded first, so that each sum is what it shows.

    Index as in the plan's table; columns :data:`MONEY` and ``quarter``, which is empty unless ``by`` tells months.
    """
    table, scale = plan.table(list(by)), scale_of(plan)
    out = (table[list(LEVELS)] * scale).round().astype("int64")
    if "month" in by or "quarter" in by:
        labels, _ = plan.ledger.groups(list(dict.fromkeys(["quarter", *by])))
        keys = labels[list(by)]
        places = pd.Index(keys.iloc[:, 0]) if len(by) == 1 else pd.MultiIndex.from_frame(keys)
        quarter = pd.Series(labels["quarter"].to_numpy(), index=places).reindex(table.index).to_numpy()
    else:
        quarter = np.full(len(table), "", dtype=object)
    for column in ("base", "budget"):
        exact = table[column].to_numpy(dtype="float64") * scale
        names, code = np.unique(quarter.astype(str), return_inverse=True)
        whole = round(round(float(exact.sum()), 6))  # cents that add up to a half are a half, as in the headline
        sums = round_to(np.asarray(np.bincount(code, weights=exact), dtype="float64"), whole)
        found = np.zeros(len(table), dtype=np.intp)
        for i in range(len(names)):
            found[code == i] = round_to(exact[code == i], int(sums[i]))
        out[column] = found
    out["contingency"] = out["budget"] - out["base"]
    return out[list(MONEY)].assign(quarter=quarter)


def rows_of(plan: BudgetPlan, by: Sequence[str]) -> list[Row]:
    """The rows of a shown table: cells, quarters, environments over the horizon, and the total."""
    names, scale = list(by), scale_of(plan)
    table = shown(plan, names)
    rows = []

    def add(kind: Kind, labels: Iterable[object], values: pd.Series) -> None:
        told = tuple(one_line(label, NAME) or ("" if kind == "total" else "-") for label in labels)
        rows.append(Row(kind, told, tuple(_amount(int(values[c]), scale) for c in MONEY)))

    def sums(column: str) -> pd.DataFrame:
        own = (plan.table(column)[list(LEVELS)] * scale).round()
        keys = table[column] if column == "quarter" else table.index.get_level_values(column)
        return own.join(table[list(ADDING)].groupby(np.asarray(keys)).sum())

    for key, values in table.iterrows() if names else ():
        add("cell", key if isinstance(key, tuple) else (key,), values)
    blank = [""] * (len(names) - 1)
    if "month" in names and table["quarter"].nunique() > 1:
        for name, values in sums("quarter").iterrows():
            add("quarter", (name, *["all"] * len(blank)), values)
    if len(names) > 1 and "environment" in names and len(plan.ledger.environments) > 1:
        for name, values in sums("environment").iterrows():
            add("part", ["all" if n != "environment" else name for n in names], values)
    whole = (plan.table([])[list(LEVELS)].iloc[0] * scale).round()
    add("total", ("total", *blank), pd.concat([whole, table[list(ADDING)].sum()]))
    return rows


def headline_of(plan: BudgetPlan, limit: float | None = None) -> Headline:
    """The plan's figures, rounded so that base and contingency make the budget, and reserves with it the funding."""
    scale = scale_of(plan)
    budget, base = round(plan.budget * scale), round(plan.base * scale)
    reserves = [(one_line(r.name, NAME), round(r.held * scale)) for r in plan.reserves]
    span = span_words(plan.projection.span.start, plan.projection.span.end)
    level = f"P{plan.confidence * 100:g}"
    over = None
    if limit is not None:
        over = f"{percent(plan.probability_over(limit))} of futures go over {plan.currency} {limit:,.0f}"
    return Headline(
        f"{one_line(plan.name, 80)}: {plan.currency} {_amount(budget, scale)} at {level} for {span}",
        _amount(budget, scale),
        _amount(base, scale),
        _amount(budget - base, scale),
        tuple((name, _amount(amount, scale)) for name, amount in reserves),
        _amount(budget + sum(amount for _, amount in reserves), scale),
        (_amount(round(plan.quantile(0.9) * scale), scale), _amount(round(plan.quantile(0.95) * scale), scale)),
        _amount(round(plan.standard_error(plan.confidence) * scale), scale),
        over,
    )


def plan_text(
    plan: BudgetPlan,
    by: Sequence[str] | str = ("month", "environment"),
    *,
    limit: float | None = None,
    width: int = WIDTH,
) -> str:
    """The plan as a report for a terminal: headline, table, quarters, total, assumptions.

    Parameters
    ----------
    plan : BudgetPlan
    by : sequence of str
        What a row of the table is; see :meth:`BudgetPlan.table`.
    limit : float, optional
        Money that the report tells the probability of going over.
    width : int
        Characters of a line of prose.
    """
    names = [by] if isinstance(by, str) else list(by)
    top, level = headline_of(plan, limit), f"P{plan.confidence * 100:g}"
    span = plan.projection.span
    lines = [top.title, f"  {top.budget} = base (P50) {top.base} + contingency {top.contingency}"]
    if top.reserves:
        held = ", ".join(f"{name} {amount}" for name, amount in top.reserves)
        lines.append(f"  funding {top.funding} = budget + reserves ({held})")
    lines.append(f"  stress: P90 {top.stress[0]}, P95 {top.stress[1]}; standard error of {level} {top.error}")
    if top.over:
        lines.append(f"  {top.over}")
    dates = f"{span.start:%Y-%m-%d} to {span.end:%Y-%m-%d}, as of {as_of(plan)}"
    lines += [f"  {dates}, {len(plan.totals):,} draws, money in {plan.currency}", ""]
    header = (*(names or [""]), *(n.upper() if n in LEVELS else n for n in MONEY))
    lines += _grid(header, rows_of(plan, names), max(len(names), 1))
    lines += ["", *textwrap.wrap(NOTE, width), "", "Assumptions"]
    for row in plan.assumptions.itertuples(index=False):
        told = f"{row.topic}: {one_line(row.assumption, 600)} ({with_date(one_line(row.source, 120), row.as_of)})"
        lines += textwrap.wrap(told, width, initial_indent="  ", subsequent_indent="    ", break_long_words=True)
    return "\n".join(lines) + "\n"


def html_table(plan: BudgetPlan, by: Sequence[str], caption: str) -> str:
    """A table of the plan as HTML, with headers that name their rows and columns."""
    names = list(by)
    heads = "".join(f'<th scope="col">{html.escape(n)}</th>' for n in names)
    heads += "".join(f'<th scope="col" class="n">{n.upper() if n in LEVELS else n}</th>' for n in MONEY)
    body = []
    for row in rows_of(plan, names):
        labels = "".join(f'<th scope="row">{html.escape(label)}</th>' for label in row.labels)
        amounts = "".join(f'<td class="n">{amount}</td>' for amount in row.money)
        body.append(f'<tr class="{row.kind}">{labels}{amounts}</tr>')
    return (
        f"<table><caption>{html.escape(caption)}</caption><thead><tr>{heads}</tr></thead>"
        f"<tbody>{''.join(body)}</tbody></table>"
    )


def scenarios_table(plan: BudgetPlan, beside: Sequence[Alternative]) -> str:
    """Scenarios beside the plan as HTML: each one's own quantiles, and its budget against the plan's."""
    level, scale = f"P{plan.confidence * 100:g}", scale_of(plan)
    heads = [*(n.upper() for n in LEVELS), f"budget ({level})", "against the plan", "in per cent"]
    top = "".join(f'<th scope="col" class="n">{n}</th>' for n in heads)
    own, body = round(plan.budget * scale), []
    for one in beside:
        quantiles = (np.quantile(one.totals, [*LEVELS.values(), plan.confidence]) * scale).round().astype("int64")
        less = int(quantiles[-1]) - own
        part = f"{less / own:+.1%}".replace("-", "\u2212") if own and less else "0.0%"
        told = [*(_amount(int(q), scale) for q in quantiles), _amount(less, scale).replace("-", "\u2212"), part]
        name = html.escape(one_line(one.name, 2 * NAME))
        cells = "".join(f'<td class="n">{text}</td>' for text in told)
        body.append(f'<tr class="{"total" if one.planned else "cell"}"><th scope="row">{name}</th>{cells}</tr>')
    caption = (
        f"Money in {plan.currency} over the horizon, budget lines included, in the same futures; each scenario's own "
        "quantiles."
    )
    return (
        f'<table><caption>{caption}</caption><thead><tr><th scope="col">scenario</th>{top}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table>"
    )


def plan_html(plan: BudgetPlan) -> str:
    """The plan as a notebook shows it: its figures, a table by quarter and environment, its assumptions folded away."""
    top, level = headline_of(plan), f"P{plan.confidence * 100:g}"
    by = ("quarter", "environment") if len(plan.ledger.environments) > 1 else ("month",)
    funding = f"; funding with reserves <b>{top.funding}</b>" if top.reserves else ""
    rested = "".join(
        f"<li><b>{html.escape(one_line(r.topic, 40))}</b>: "
        f"{html.escape(with_date(one_line(r.assumption, 600), r.as_of))}</li>"
        for r in plan.assumptions.itertuples(index=False)
    )
    return (
        f'<div class="tokenplan">{_STYLE}<p><b>{html.escape(top.title)}</b><br>'
        f"base (P50) <b>{top.base}</b> + contingency <b>{top.contingency}</b> = budget ({level}) <b>{top.budget}</b>"
        f"{funding}; P90 {top.stress[0]}, P95 {top.stress[1]}</p>"
        f"{html_table(plan, by, f'Money in {plan.currency}. {NOTE}')}"
        f"<details><summary>Assumptions</summary><ul>{rested}</ul></details></div>"
    )


#: Kept to the plan's own output; colours come from the notebook, so that it reads in light and in dark.
_STYLE = (
    "<style>.tokenplan table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
    ".tokenplan caption{caption-side:bottom;text-align:left;opacity:.75;font-size:85%;max-width:60em}"
    ".tokenplan th,.tokenplan td{padding:.2em .7em;text-align:left;font-weight:normal;border:0}"
    ".tokenplan thead th{font-weight:bold;border-bottom:1px solid currentColor}"
    ".tokenplan .n{text-align:right}.tokenplan .total *{font-weight:bold}"
    ".tokenplan .quarter *,.tokenplan .part *{font-style:italic}"
    ".tokenplan .total>*{border-top:1px solid currentColor}</style>"
)


def _amount(value: int, scale: int) -> str:
    return f"{value / scale:,.{0 if scale == 1 else 2}f}"


def _grid(header: Sequence[str], rows: list[Row], labels: int) -> list[str]:
    """Rows as lines of equal width, with a rule between kinds of rows and repeated labels left out."""
    cells = [list(header), *([*row.labels, *row.money] for row in rows)]
    widths = [max(_columns(line[i]) for line in cells) for i in range(len(header))]
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    out, before = [_line(cells[0], widths, labels), rule], Row("cell", ("",), ())
    for row in rows:
        told = list(row.labels)
        if row.kind != before.kind:
            if out[-1] != rule:
                out.append(rule)
        elif row.labels[0] == before.labels[0] and len(told) > 1:
            told[0] = ""
        out.append(_line([*told, *row.money], widths, labels))
        before = row
    return out


def _line(cells: Sequence[str], widths: list[int], labels: int) -> str:
    pads = [" " * (width - _columns(cell)) for cell, width in zip(cells, widths, strict=True)]
    both = zip(cells, pads, strict=True)
    return "  ".join(c + p if i < labels else p + c for i, (c, p) in enumerate(both)).rstrip()


def _columns(text: str) -> int:
    """Columns of a terminal that a text takes."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)
