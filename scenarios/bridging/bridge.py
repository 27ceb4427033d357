"""The bridge between two totals. Comes in: what each step adds. Goes out: a table, a picture, sums that close."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecast.errors import ScenarioError, nearest, one_of
from forecast.panel import FloatArray
from scenarios.bridging.closing import cents, closed
from scenarios.bridging.shapley import Value, shapley

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Beyond this a double has no cents.
MOST_MONEY = 9e13
#: What rows are called of steps that belong to no workload.
NO_ROW = "(no workload)"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Bridge:
    """How one total becomes another, step by step, in every draw.

    before + Σ steps = after holds in each draw to the last bit: the steps' Shapley values leave no residual, and none
    is booked. No step depends on the order in which steps are told.

    Attributes
    ----------
    names : (str, str)
        What the two totals are called.
    steps : tuple of str (step,)
        In the order of reporting.
    amounts : float array (step, draw)
        What each step adds; negative where it saves.
    before, after : float array (draw,)
        The totals. They are rounded by less than 1e-15 of all money moved, so that sums close.
    currency : str
    detail : DataFrame (row,) or None
        Labels of the rows behind the steps, and each step's mean in them, unrounded; None where steps have no rows.
    """

    names: tuple[str, str]
    steps: tuple[str, ...]
    amounts: FloatArray
    before: FloatArray
    after: FloatArray
    currency: str
    detail: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        """Check names and shapes."""
        if len(set(self.steps)) != len(self.steps):
            raise ScenarioError(f"bridge: two steps have one name: {', '.join(self.steps)}")
        draws = self.before.shape
        if self.amounts.shape != (len(self.steps), *draws) or self.after.shape != draws or self.before.ndim != 1:
            raise ScenarioError(
                f"bridge: amounts have shape {self.amounts.shape} and totals {draws} and {self.after.shape}; "
                f"wanted ({len(self.steps)}, draw) and (draw,)"
            )

    @property
    def residual(self) -> FloatArray:
        """What the steps leave unexplained, after - before - Σ steps, in each draw (draw,): 0.0."""
        return np.asarray(self.after - self.before - self.amounts.sum(axis=0))

    @property
    def change(self) -> FloatArray:
        """The difference after - before in each draw: (draw,)."""
        return np.asarray(self.after - self.before)

    @property
    def means(self) -> pd.Series:
        """The mean of each step over draws, in its order; in cents, which add up to those of the totals' means."""
        return self._cents().iloc[1:-1] / 100.0

    def table(self, levels: Sequence[float] = (0.1, 0.5, 0.9)) -> pd.DataFrame:
        """One row for each total and step: ``step``, ``mean``, and a quantile a level (p10, p50, p90).

        The means are in cents and add up: the first row and all steps give the last (largest remainder). Quantiles are
        each row's own and do not add up: steps move together, or against one another.

        Raises
        ------
        ScenarioError
            A level is not between 0 and 1, or a total is too large to be told to the cent.
        """
        for level in levels:
            if not 0 < level < 1:
                raise ScenarioError(f"level {level!r}: wanted a probability between 0 and 1, such as 0.9")
        rows = np.concatenate([self.before[None], self.amounts, self.after[None]])
        table = pd.DataFrame({"step": [self.names[0], *self.steps, self.names[1]]})
        table["mean"] = self._cents().to_numpy() / 100.0
        quantiles = np.quantile(rows, list(levels), axis=1)
        for level, values in zip(levels, quantiles, strict=True):
            table[f"p{level * 100:g}"] = np.round(values, 2) + 0.0  # no -0.0
        return table

    def by(self, *columns: str) -> pd.DataFrame:
        """The steps' means by the named columns of ``detail``, such as "model", and their sum ``total``.

        Unrounded. Steps that belong to no row, such as one-offs, have a last row ``(no workload)``; with it, every
        column adds up to its step.

        Raises
        ------
        ScenarioError
            The bridge has no rows, or not this column.
        """
        if self.detail is None:
            raise ScenarioError("this bridge was made from totals: there are no rows to tell its steps by")
        labels = [c for c in self.detail if c not in self.steps]
        for column in columns:
            one_of("by", column, labels, ScenarioError)
        held = [s for s in self.steps if s in self.detail]
        if columns:
            keys = [self.detail[c].astype("object").fillna(f"(no {c})") for c in columns]
            table = self.detail[held].groupby(keys, sort=True).sum()
        else:
            table = self.detail[held].sum().to_frame().T.set_axis(["all"])
        rest = pd.Series(self.amounts.mean(axis=1), index=list(self.steps))
        rest[held] -= self.detail[held].sum()
        scale = np.abs(self.before).mean() + np.abs(self.after).mean() + np.abs(self.amounts).mean(axis=1).sum()
        rest = rest.where(rest.abs() > 1e-12 * scale, 0.0)
        table = table.reindex(columns=list(self.steps), fill_value=0.0)
        if rest.any():
            table.loc[(NO_ROW, *[""] * (len(columns) - 1)) if len(columns) > 1 else NO_ROW, :] = rest
        return table.assign(total=table.sum(axis=1))

    def reversed(self) -> Bridge:
        """The bridge back: the same steps with the other sign."""
        detail = self.detail
        if detail is not None:
            held = [s for s in self.steps if s in detail]
            detail = detail.assign(**{s: -detail[s] for s in held})
        back = self.names[1], self.names[0]
        return replace(self, names=back, amounts=-self.amounts, before=self.after, after=self.before, detail=detail)

    def grouped(self, groups: Mapping[str, str]) -> Bridge:
        """With steps put together: ``{"price": "vendor", "currency": "vendor"}``; the others stay.

        A group stands where its first step stood.

        Raises
        ------
        ScenarioError
            A step is not in the bridge.
        """
        for step in groups:
            one_of("step", step, self.steps, ScenarioError)
        named = [groups.get(step, step) for step in self.steps]
        steps = tuple(dict.fromkeys(named))
        member = np.array([[name == step for name in named] for step in steps], dtype="float64").reshape(-1, len(named))
        detail = self.detail
        if detail is not None:
            held = [s for s in self.steps if s in detail]
            labels = detail.drop(columns=held)
            clash = [s for s in steps if s in labels]
            if clash:
                raise ScenarioError(f"a group cannot be called {clash[0]!r}: that is a column of the detail")
            new = {s: detail[[h for h in held if groups.get(h, h) == s]].sum(axis=1) for s in steps}
            kept = [s for s in steps if any(groups.get(h, h) == s for h in held)]
            detail = labels.assign(**{s: new[s] for s in kept})
        return replace(self, steps=steps, amounts=member @ self.amounts, detail=detail)

    def __add__(self, other: Bridge) -> Bridge:
        """Two bridges of parts, such as two months or two organisations, as one: totals and steps are added by draw.

        Raises
        ------
        ScenarioError
            They are of other totals, in another currency, or of another number of draws.
        """
        if not isinstance(other, Bridge):
            return NotImplemented
        if other.names != self.names or other.currency != self.currency:
            raise ScenarioError(
                f"bridges that are added lead between the same totals in one currency: "
                f"{_route(self)} and {_route(other)} do not"
            )
        if len(other.before) != len(self.before) and 1 not in (len(other.before), len(self.before)):
            raise ScenarioError(f"bridges of {len(self.before)} and {len(other.before)} draws cannot be added")
        steps = _merged(self.steps, other.steps)
        none = np.zeros(1)
        amounts = [_step(self, s, none) + _step(other, s, none) for s in steps]
        detail = _details(self, other, steps)
        return bridge_of(
            self.names, steps, amounts, self.before + other.before, self.after + other.after, self.currency, detail
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the waterfall: the two totals, each step's mean, and its P10-P90 as whiskers."""
        from scenarios.bridging.figure import waterfall

        return waterfall(self, ax)

    def _cents(self) -> pd.Series:
        """Mean cents of the first total, the steps and the last total, which add up."""
        ends = np.array([self.before.mean(), self.after.mean()])
        if not (np.abs([*ends, *self.amounts.mean(axis=1)]) < MOST_MONEY).all():
            raise ScenarioError(f"totals of {ends[0]:.3g} and {ends[1]:.3g} are beyond what can be told to the cent")
        first, last = np.rint(ends * 100.0)
        parts = cents(self.amounts.mean(axis=1), float(last - first))
        return pd.Series([first, *parts, last], index=[self.names[0], *self.steps, self.names[1]], name="mean") + 0.0

    def __repr__(self) -> str:
        """One line: the totals and the steps' means."""
        told = ", ".join(f"{s} {'+' if v > 0 else ''}{v:,.2f}" for s, v in self.means.items())
        draws = f"; means of {len(self.before):,} draws" if len(self.before) > 1 else ""
        return f"Bridge({_route(self)}: {told}{draws})"

    def _repr_html_(self) -> str:
        import html

        from scenarios.bridging.figure import finding

        levels = (0.1, 0.5, 0.9) if len(self.before) > 1 else ()
        table = self.table(levels).set_index("step").rename_axis(None)
        shown = table.to_html(float_format=lambda v: f"{v:,.2f}", border=0)
        note = "Means add up; quantiles are each row's own." if levels else ""
        return f"<p><b>{html.escape(finding(self))}</b></p>{shown}<p>{html.escape(self.currency)}. {note}</p>"


def bridge_of(
    names: tuple[str, str],
    steps: Sequence[str],
    amounts: Sequence[FloatArray] | FloatArray,
    before: FloatArray,
    after: FloatArray,
    currency: str,
    detail: pd.DataFrame | None = None,
) -> Bridge:
    """A bridge of steps that are known, closed to the last bit.

    Parameters
    ----------
    amounts : one float array (draw or 1,) a step
    before, after : float array (draw or 1,)

    Raises
    ------
    ScenarioError
        The steps do not lead from one total to the other, which rounding excepted they must.
    """
    draws = max(len(v) for v in (before, after, *amounts))
    wide = [np.broadcast_to(v, (draws,)) for v in amounts]
    whole = np.stack(wide) if wide else np.zeros((0, draws))
    made = closed(whole, np.broadcast_to(before, (draws,)), np.broadcast_to(after, (draws,)))
    return Bridge(names, tuple(steps), made.amounts, made.before, made.after, currency, detail)


def changes_bridge(value: Value, steps: Sequence[str], *, names: tuple[str, str], currency: str) -> Bridge:
    """The bridge of changes whose effect only a whole calculation can tell, such as the changes of a scenario.

    ``value`` gives the total in each draw (draw,) when only the named changes, by their number in ``steps``, have
    happened. Draw d must be the same world in all of them. It is called once for each of the 2^n combinations.

    Raises
    ------
    ScenarioError
        There are no steps or more than 8, or totals differ in their draws or are not finite.

    See :func:`scenarios.bridging.shapley.shapley` for equation and source.
    """
    kept: dict[frozenset[int], FloatArray] = {}

    def told(moved: frozenset[int]) -> FloatArray:
        kept[moved] = np.atleast_1d(np.asarray(value(moved), dtype="float64"))
        return kept[moved]

    amounts = shapley(told, len(steps))
    ends = kept[frozenset()], kept[frozenset(range(len(steps)))]
    return bridge_of(names, steps, amounts, *ends, currency)


def ordered(found: Sequence[str], order: Sequence[str]) -> tuple[str, ...]:
    """Steps in an order of reporting; those that it does not name come before the first one named that follows them.

    Raises
    ------
    ScenarioError
        The order names a step twice.
    """
    if len(set(order)) != len(order):
        raise ScenarioError(f"order names a step twice: {', '.join(order)}{nearest('', order)}")
    rest = [s for s in found if s not in order]
    named = [s for s in order if s in found]
    last = [s for s in named if s == order[-1]]
    return (*(s for s in named if s not in last), *rest, *last)


def _route(bridge: Bridge) -> str:
    from forecast.drawing import money

    ends = money(float(bridge.before.mean()), bridge.currency), money(float(bridge.after.mean()), bridge.currency)
    return f"{bridge.names[0]} {ends[0]} → {bridge.names[1]} {ends[1]}"


def _step(bridge: Bridge, step: str, none: FloatArray) -> FloatArray:
    return bridge.amounts[bridge.steps.index(step)] if step in bridge.steps else none


def _merged(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    """Both orders as one: what only the second has comes after what it follows there."""
    steps = list(first)
    for k, step in enumerate(second):
        if step not in steps:
            steps.insert(steps.index(second[k - 1]) + 1 if k else 0, step)
    return tuple(steps)


def _details(first: Bridge, second: Bridge, steps: tuple[str, ...]) -> pd.DataFrame | None:
    """The rows of both, added up by their labels."""
    if first.detail is None or second.detail is None:
        return None
    rows = pd.concat([first.detail, second.detail], ignore_index=True)
    held = [s for s in steps if s in rows]
    labels = [c for c in rows if c not in held]
    return rows.fillna(dict.fromkeys(held, 0.0)).groupby(labels, dropna=False, sort=True)[held].sum().reset_index()
