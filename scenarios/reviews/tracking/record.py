"""The track record. Comes in: past decisions beside what came. Goes out: tables, words, a picture."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from forecast.errors import PlanError, one_of
from forecast.shown import CellKind, Result, Shown, table_of
from scenarios.budget.funding import level_name
from scenarios.reviews.tracking.judging import Kept, grade_of, kept
from scenarios.reviews.tracking.past_dates import overlap_of
from scenarios.reviews.tracking.past_plans import Trial
from scenarios.reviews.tracking.words import described

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: The columns of :meth:`TrackRecord.table` before those of the rules of thumb.
COLUMNS: Final = (
    "start",
    "end",
    "base",
    "budget",
    "funding",
    "actual",
    "held",
    "overrun",
    "idle",
    "idle_reserves",
    "percentile",
    "error",
    "grade",
    "why_not",
)


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class TrackRecord(Result):
    """How a method of planning would have done in the past.

    Attributes
    ----------
    trials : tuple of Trial
        One past decision each, in time's order.
    confidence : float
        The budget's one-sided confidence.
    length : str
        How long each planned, in words: "one quarter".
    lead : str
        When it was decided, in words: "61 days before it begins".
    rules : tuple of str
        The rules of thumb beside it.
    currency : str
    notes : tuple of str
        What was left out or assumed, of the method as a whole.
    """

    trials: tuple[Trial, ...]
    confidence: float
    length: str
    lead: str
    rules: tuple[str, ...]
    currency: str
    notes: tuple[str, ...]

    @property
    def name(self) -> str:
        """What the budget is called: "P80 budget"."""
        return f"{level_name(self.confidence)} budget"

    @property
    def overlap(self) -> int:
        """How many consecutive origins plan a common day: 1 where spans do not overlap."""
        return overlap_of([t.date for t in self.trials])

    def table(self) -> pd.DataFrame:
        """One row an origin.

        Returns
        -------
        DataFrame
            Index ``origin``, the day of the decision. ``start``, ``end`` of what it planned; ``base`` (P50),
            ``budget``, ``funding`` (budget and reserves); ``actual``, what came; ``held`` (null where it is not
            judged); ``overrun``, what the budget lacked, and ``idle``, what it left, 0 where there was none;
            ``idle_reserves``, what of the reserves beside it was not needed; ``percentile``, the share of futures whose
            total was no more than what came; ``error``, base over actual less 1, and its FinOps ``grade``; ``why_not``
            it is not judged. Then for each rule of thumb, such as ``run rate``, its budget under its name, and under
            ``run rate held``, ``run rate overrun``, ``run rate idle`` how it did.
        """
        rows = {t.date.on: self._row(t) for t in self.trials}
        table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("origin")
        flags = ["held", *(f"{rule} held" for rule in self.rules)]
        return table.astype({**dict.fromkeys(flags, "boolean"), "why_not": "object", "grade": "object"})

    def summary(self) -> pd.DataFrame:
        """How often the budget held, and by how much, beside the rules of thumb.

        Returns
        -------
        DataFrame
            Index ``method``: the budget, the budget with its reserves where it has any, and each rule. Columns are the
            fields of :class:`scenarios.reviews.tracking.judging.Kept`.
        """
        rows = {name: asdict(one) for name, one in self.kept().items()}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("method")

    def kept(self) -> dict[str, Kept]:
        """How each method's budgets held, by its name."""
        judged = [t for t in self.trials if t.judged]
        money = np.array([(t.actual, t.base, t.budget, t.funding) for t in judged], dtype="float64").reshape(-1, 4)
        actual, base, budget, funding = money.T
        found = {self.name: kept(budget, actual, base, self.overlap)}
        if (funding > budget).any():
            found[f"{self.name} with reserves"] = kept(funding, actual, base, self.overlap)
        for rule in self.rules:
            amount = np.array([t.rules[rule] for t in judged], dtype="float64")
            found[rule] = kept(amount, actual, amount, self.overlap)
        return found

    def parts(self, by: str | None = None) -> pd.DataFrame:
        """Budgets of the parts of a split beside what came of each, one row an origin and part.

        Parameters
        ----------
        by : str, optional
            A column that the plan splits by; the first, or the environment where it has no split.

        Returns
        -------
        DataFrame
            Index ``origin`` and the column; ``budget``, ``actual``, ``held``, ``overrun``, ``idle``.

        Raises
        ------
        PlanError
            The plan has no such parts.
        """
        every = pd.concat([t.parts.assign(origin=t.date.on) for t in self.trials], ignore_index=True)
        known = list(dict.fromkeys(every["by"]))
        if not known:
            raise PlanError("no parts: the plan has no split, and its usage one environment at most")
        chosen = known[0] if by is None else by
        one_of("parts: by", chosen, known, PlanError)
        table = every[every["by"] == chosen].rename(columns={"part": chosen}).drop(columns="by")
        over = (table["actual"] - table["budget"]).round(2)
        table = table.assign(held=over <= 0, overrun=over.clip(lower=0.0), idle=(-over).clip(lower=0.0))
        return table.set_index(["origin", chosen])

    def left_out(self) -> pd.DataFrame:
        """What of the method is left out at each origin: ``origin, label, stated_on, why, told``."""
        rows = [(t.date.on, one.label, one.stated_on, one.why, one.told) for t in self.trials for one in t.left_out]
        table = pd.DataFrame(rows, columns=["origin", "label", "stated_on", "why", "told"])
        return table.astype(dict.fromkeys(("origin", "stated_on"), "datetime64[us]"))

    def describe(self) -> str:
        """In words: how often the budget held, how sure that is, what it cost, and how rules of thumb did."""
        return described(self)

    def plot(self, *, ax: Axes | None = None) -> Axes:
        """Draw each origin: the band, the budget, what came, and the rules of thumb."""
        from scenarios.reviews.tracking.picture import track_picture

        return track_picture(self, ax=ax)

    def _row(self, trial: Trial) -> dict[str, object]:
        t, judged = trial, trial.judged
        spare = min(round(t.funding - t.budget, 2), round(t.funding - t.actual, 2))
        error = t.base / t.actual - 1.0 if judged and t.actual > 0 else float("nan")
        row: dict[str, object] = {
            "start": t.date.start,
            "end": t.date.end,
            "base": t.base,
            "budget": t.budget,
            "funding": t.funding,
            "actual": t.actual,
            **_against(t.budget, t.actual, "", judged=judged),
            "idle_reserves": max(spare, 0.0) if judged else float("nan"),
            "percentile": t.percentile,
            "error": error,
            "grade": grade_of(error),
            "why_not": t.refused or None,
        }
        for rule in self.rules:
            amount = t.rules.get(rule, float("nan"))
            row |= {rule: amount, **_against(amount, t.actual, f"{rule} ", judged=judged)}
        return row

    def __repr__(self) -> str:
        told = [f"{name} {one.held} of {one.origins}" for name, one in self.kept().items()]
        first, last = self.trials[0].date.start, self.trials[-1].date.end
        return f"TrackRecord({self.length} ahead, {first:%Y-%m-%d} to {last:%Y-%m-%d}; held: {', '.join(told)})"

    def show(self) -> Shown:
        """What the rule would have done, date by date, in words and in figures."""
        table = self.table().drop(columns=["why_not"])
        shares: dict[str, CellKind] = {"percentile": "share", "error": "share"}
        kinds: dict[str, CellKind] = {str(c): "money" for c in table.select_dtypes("number").columns if c not in shares}
        table = table.dropna(axis="columns", how="all")
        first, last = self.trials[0].date.start, self.trials[-1].date.end
        told = self.describe().splitlines()
        return Shown(
            f"Track record, {self.length} ahead, {first:%Y-%m-%d} to {last:%Y-%m-%d}",
            told[0],
            (table_of(table, kinds=kinds | shares, caption="A row a past date.", where="record.table()"),),
            tuple(told[1:]),
        )


def _against(budget: float, actual: float, prefix: str, *, judged: bool) -> dict[str, object]:
    """How a budget did: null where it is not known, or what came is not."""
    if not judged or np.isnan(budget) or np.isnan(actual):
        return {f"{prefix}held": None, f"{prefix}overrun": float("nan"), f"{prefix}idle": float("nan")}
    over = round(actual - budget, 2)
    return {f"{prefix}held": over <= 0, f"{prefix}overrun": max(over, 0.0), f"{prefix}idle": max(-over, 0.0)}
