"""Recent usage. Comes in: the usage of a projection and prices. Goes out: what each part used and cost of late."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pandas as pd

from forecast import schema
from forecast.errors import PlanError
from forecast.panel import FloatArray
from forecast.periods import MONTH_DAYS
from forecast.prices import PriceBook
from forecast.projection import Projection
from forecast.usage import Usage
from forecast.usage_rows import OTHER, quantities_of, usage_rows

COST, REQUESTS, TOKENS = "cost", "requests", "tokens"
#: What is measured, as a sentence calls it.
_MEASURED: Final = {COST: "a cost", REQUESTS: "requests", TOKENS: "tokens"}


@dataclass(frozen=True, slots=True)
class Recent:
    """What was used up to the as-of date, at the plan's prices.

    Attributes
    ----------
    frame : DataFrame (row,)
        ``date``, the labels that usage has, and ``cost``, ``requests`` and ``tokens``; NaN is unknown.
    as_of : Timestamp
    monthly : bool
        Whether a row is of a month.
    source : str
    """

    frame: pd.DataFrame
    as_of: pd.Timestamp
    monthly: bool
    source: str

    @classmethod
    def of(cls, projection: Projection, prices: PriceBook, days: int) -> Recent:
        """Measure the last ``days`` days."""
        usage, monthly = projection.usage, projection.usage.grain == "month"
        as_of = projection.as_of
        dates = usage.frame[schema.DATE]
        kept = usage.frame[(dates > _before(as_of, days, monthly=monthly)) & (dates < as_of + pd.Timedelta(days=1))]
        if kept.empty:
            raise PlanError(f"{usage.source}: nothing was used in the {days} days to {as_of:%Y-%m-%d}")
        rows = costed(replace(usage, frame=kept), prices, as_of)
        known = [u for u in quantities_of(rows)[1][:-1] if schema.UNITS[u].token]
        tokens = rows[known].sum(axis=1, min_count=1) if known else np.nan
        requests = rows.get(schema.REQUESTS, np.nan)
        labels = [schema.DATE, *[c for c in schema.DIMENSIONS if c in rows]]
        return cls(
            rows[labels].assign(**{COST: rows[COST], REQUESTS: requests, TOKENS: tokens}).reset_index(drop=True),
            as_of,
            monthly,
            usage.source,
        )

    def has(self, column: str) -> bool:
        """Whether usage says anything of a column."""
        return column in self.frame and bool(self.frame[column].notna().any())

    def parts(self, column: str, days: int, most: int, named: Iterable[str]) -> tuple[Recent, list[str]]:
        """The same with the parts of a column that cost least, beyond ``most``, named as one; and a note of it."""
        labelled = self.labelled(column)
        rows = labelled.frame[self._within(days)]
        cost = rows.groupby(column)[COST].sum().sort_values(ascending=False, kind="stable")
        kept = {*cost.index[:most], *named}
        if not (tail := [part for part in cost.index if part not in kept]):
            return labelled, []
        share = float(cost[tail].sum() / max(float(cost.sum()), 1e-300))
        note = f"{len(tail)} of {len(cost)} parts by {column} ({share:.1%} of the cost) are pooled as {OTHER!r}"
        return labelled.pooled(column, kept), [f"{note}: most={most}"]

    def labelled(self, column: str) -> Recent:
        """The same with rows that do not say whose they are named ``unassigned``."""
        told = self.frame[column].astype("object")
        return replace(self, frame=self.frame.assign(**{column: told.where(told.notna(), schema.UNASSIGNED)}))

    def without(self, column: str) -> Recent:
        """The same of a column whose parts are not those of the usage: it narrows nothing."""
        return replace(self, frame=self.frame.drop(columns=column, errors="ignore"))

    def pooled(self, column: str, kept: Iterable[str]) -> Recent:
        """The same with all parts of a column but some named as one."""
        told = self.frame[column]
        return replace(self, frame=self.frame.assign(**{column: told.where(told.isin([*kept]), OTHER)}))

    def amounts(
        self, what: str, column: str, where: tuple[tuple[str, str], ...], days: int
    ) -> tuple[pd.Series, list[str]]:
        """What each part of a column used or cost, inside other parts; empty where nothing is known.

        Returns
        -------
        Series (part,), list of str
            Amounts above 0 by part, and notes of rows that are left out because nobody knows.
        """
        inside = self._within(days)
        for name, label in where:
            if name in self.frame:
                inside = inside & np.asarray(self.frame[name] == label)
        rows = self.frame[inside]
        unknown = int(rows[what].isna().sum())
        found = rows.groupby(column)[what].sum()
        lacking = f"{unknown} rows of the last {days} days without {_MEASURED[what]} are left out of shares by {column}"
        return found[found > 0], [lacking] if unknown and unknown < len(rows) else []

    def _within(self, days: int) -> np.ndarray:
        return np.asarray(self.frame[schema.DATE] > _before(self.as_of, days, monthly=self.monthly))


def costed(usage: Usage, prices: PriceBook, as_of: pd.Timestamp) -> pd.DataFrame:
    """The rows of usage up to the as-of date, with ``cost`` at these prices; money without tokens is what was billed.

    NaN is unknown.
    """
    rows, _ = usage_rows(replace(usage, frame=usage.frame.assign(**{COST: prices.cost(usage)})), as_of)
    bare = quantities_of(rows)[0][:, -1]
    return rows.assign(**{COST: np.where(bare > 0, bare, rows[COST].to_numpy("float64"))})


def weights_in(amounts: pd.Series, parts: Iterable[str]) -> FloatArray:
    """Each part's share of some amounts: (part,), sums to 1."""
    found = amounts.reindex(list(parts)).fillna(0.0).to_numpy("float64")
    return np.asarray(found / found.sum())


def _before(as_of: pd.Timestamp, days: int, *, monthly: bool) -> pd.Timestamp:
    """The last period that is no longer recent; monthly usage counts in whole months."""
    if monthly:
        return as_of - pd.DateOffset(months=max(1, round(days / MONTH_DAYS)))
    return as_of - pd.Timedelta(days=days)
