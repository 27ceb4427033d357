"""The cost baseline as a statement. Comes in: its parts and futures by period and segment. Goes out: tables, a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from forecast.calendars import Exposure, Unit
from forecast.errors import ModelError, one_of
from forecast.panel import FloatArray
from forecast.periods import Horizon
from forecast.shown import Result, Shown, Table, table_of

#: The column of the stated periods' names.
PERIOD = "period"
#: What adds up over rows.
ADDING = ("fixed", "base", "variable", "total")
BASE_MEANS = (
    "Base: fixed charges, and what metered cost came to in the leanest quarter of the weeks looked back on (of months, "
    "for monthly usage). Variable: the rest, which moves with volume."
)
#: Segments on the page; the table has all.
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Parts:
    """A baseline before rounding: each float array (period, segment), money.

    ``fixed`` charges and the ``lean`` part of metered cost make the base; with ``variable`` it makes the total.
    """

    fixed: FloatArray
    lean: FloatArray
    variable: FloatArray


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class CostBaseline(Result):
    """What continuing as now will cost: the number that a forecast has to beat.

    Attributes
    ----------
    table : DataFrame
        One row a period and segment: ``period``, the ``by`` columns, ``start``, ``end`` and ``days`` (of what is
        stated of the period), ``fixed`` (charges that volume does not move, a part of base), ``base``, ``variable``,
        ``total``, and the band of the total, ``lower`` and ``upper``. Money is rounded to the cent here, once: base
        and variable add up to total, and rows to every sum of :meth:`totals`. Bands don't add.
    by : tuple of str
    period : {"month", "quarter", "year"}
    span : Horizon
        The as-of date, and the first and last of the usage's own periods that are stated.
    level : float
        Of the band, in per cent.
    currency : str
    method : str
        How the total was found.
    excluded : DataFrame
        What has no price and was left out, as :meth:`forecast.PriceBook.unpriced` lists it; empty where nothing was.
    notes : tuple of str
        What was left out, taken as one-off, or assumed.
    paths : float array (draw, row)
        The total of each row of ``table`` in each future.
    seed : int
    """

    table: pd.DataFrame
    by: tuple[str, ...]
    period: Unit
    span: Horizon
    level: float
    currency: str
    method: str
    excluded: pd.DataFrame
    notes: tuple[str, ...]
    paths: FloatArray = field(repr=False)
    seed: int

    @property
    def as_of(self) -> pd.Timestamp:
        """The last period that was used."""
        return self.span.as_of

    def totals(self, by: str | Sequence[str] = ()) -> pd.DataFrame:
        """Add rows up, and state the band of each sum: of the whole, or by ``period`` or some of the segments' columns.

        Columns as in ``table``. A band is that of the sum in each future, so it is narrower than the bands added.

        Raises
        ------
        ModelError
            ``by`` names no column that rows are told apart by.
        """
        keys = [by] if isinstance(by, str) else list(by)
        for key in keys:
            one_of("by", key, (PERIOD, *self.by), ModelError)
        code = self.table.groupby(keys, sort=False).ngroup() if keys else pd.Series(0, index=self.table.index)
        rows = [np.flatnonzero(code == group) for group in range(int(code.max()) + 1)]
        added = self.table.groupby(code.to_numpy())[list(ADDING)].sum().round(2)
        head = self.table.iloc[[row[0] for row in rows]][keys].reset_index(drop=True)
        parts = [self.table.iloc[row].drop_duplicates(PERIOD) for row in rows]
        head = head.assign(
            start=[part["start"].min() for part in parts],
            end=[part["end"].max() for part in parts],
            days=[int(part["days"].sum()) for part in parts],
        )
        summed = np.stack([self.paths[:, row].sum(axis=1) for row in rows], axis=1)
        return pd.concat([head, added.reset_index(drop=True), band(summed, self.level)], axis=1)

    def __repr__(self) -> str:
        """One line: what, for when, and how sure."""
        return f"CostBaseline({self._headline()}; {self.method}; as of {self.as_of:%Y-%m-%d})"

    def show(self, by: str | Sequence[str] | None = None) -> Shown:
        """The statement to be read: by period and over all periods by segment, or by what is asked for.

        Parameters
        ----------
        by : str or sequence of str, optional
            As in :meth:`totals`.
        """
        told = [
            f"Total: {self.method}, carried on from {self.as_of:%Y-%m-%d}: the number that a forecast has to beat.",
            BASE_MEANS,
            f"The {self.level:g} % band is of each row's own total. Bands don't add up: not every row is high at once.",
            *self.notes,
        ]
        asked = [by] if isinstance(by, str) else by
        tables = [[PERIOD], *([list(self.by)] if self.by else [])] if asked is None else [list(asked)]
        return Shown("Cost baseline", f"{self._headline()}.", tuple(map(self._shown, tables)), tuple(told))

    def _headline(self) -> str:
        whole = self.totals().iloc[0]
        return (
            f"{whole['total']:,.0f} {self.currency} for {whole['start']:%Y-%m-%d} to {whole['end']:%Y-%m-%d}, "
            f"base {whole['base']:,.0f} and variable {whole['variable']:,.0f}, "
            f"{self.level:g} % band {whole['lower']:,.0f} to {whole['upper']:,.0f}"
        )

    def _shown(self, keys: list[str]) -> Table:
        table = self.totals(keys)
        if keys and PERIOD not in keys:
            table = table.sort_values("total", ascending=False, kind="stable")
        if keys:
            table = pd.concat([table, self.totals()], ignore_index=True)
        money = ["base", "variable", "total", "lower", "upper"]
        if (self.table["fixed"] > 0).any():
            money.insert(1, "fixed")
        head = [*keys, "days"] if keys == [PERIOD] else keys
        what = f"by {', '.join(keys)}, over all periods" if keys and PERIOD not in keys else "by period"
        return table_of(
            table[[*head, *money]],
            kinds=dict.fromkeys(money, "money"),
            heads={"fixed": "of which fixed"},
            caption=f"Money in {self.currency}{f', {what}' if keys else ''}.",
            most=SHOWN,
            where="baseline.totals()",
            total=bool(keys),
            labels=len(keys),
        )


def stated(
    parts: Parts, paths: FloatArray, *, segments: pd.DataFrame, exposure: Exposure, span: Horizon, level: float
) -> pd.DataFrame:
    """The table of a statement, from parts (period, segment) and the totals of futures (draw, period, segment)."""
    count, width = parts.lean.shape
    start = exposure.start.where(exposure.start > span.start, span.start)
    dates: dict[str, object] = {
        "start": start,
        "end": start + pd.to_timedelta(exposure.covered - 1, unit="D"),
        "days": exposure.covered,
    }
    fixed, lean, variable = (np.round(x, 2) for x in (parts.fixed, parts.lean, parts.variable))
    base = np.round(fixed + lean, 2)
    cents = {"fixed": fixed, "base": base, "variable": variable, "total": np.round(base + variable, 2)}
    columns: dict[str, object] = {PERIOD: np.repeat(np.array(exposure.labels, dtype=object), width)}
    columns |= {str(column): np.tile(segments[column].to_numpy(dtype=object), count) for column in segments}
    columns |= {name: np.repeat(np.asarray(value), width) for name, value in dates.items()}
    columns |= {name: cents[name].ravel() for name in ADDING}
    return pd.DataFrame(columns).join(band(paths.reshape(len(paths), count * width), level))


def band(totals: FloatArray, level: float) -> pd.DataFrame:
    """The two-sided band of totals (draw, row), to the cent: columns ``lower`` and ``upper``."""
    tail = (100 - level) / 200
    lower, upper = np.round(np.quantile(totals, [tail, 1 - tail], axis=0), 2)
    return pd.DataFrame({"lower": lower, "upper": upper})
