"""Usage: the canonical table as one frozen value. Comes in: a frame and a column mapping. Goes out: checked rows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, get_args

import pandas as pd

from forecast import schema
from forecast.checks import COLUMNS, Door, Duplicates
from forecast.errors import UsageError, one_of
from forecast.reading import Reading
from forecast.schema import Grain
from forecast.shown import CellKind, Result, Shown, table_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from forecast.currency import Rates


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Usage(Result):
    """What was used, one row a period and key: the canonical table.

    Attributes
    ----------
    frame : DataFrame
        Columns of :data:`forecast.checks.COLUMNS` that the source has, sorted by date and key. ``date`` is naive, in
        the billing zone. Quantities are floats; null is unknown, never 0.
    grain : {"hour", "day", "month"}
        The length of one row's period.
    timezone : str
        The billing zone that the dates are in.
    source : str
        The file or object it was read from.
    notes : tuple of str
        What the reader did or left unread, in words.
    superseded : DataFrame or None
        Rows that a later record (``recorded_at``) of the same period and key took the place of.
    reading : Reading or None
        The account of the reading: sources, rejected rows, what stood twice, what no rule matched.
    exchanged : tuple of (str, Timestamp or None)
        Currencies that its money was converted from, each with the day of the newest rate that was used; None where
        the rate has no date.
    """

    frame: pd.DataFrame
    grain: Grain
    timezone: str = "UTC"
    source: str = "<frame>"
    notes: tuple[str, ...] = field(default=())
    superseded: pd.DataFrame | None = None
    reading: Reading | None = None
    exchanged: tuple[tuple[str, pd.Timestamp | None], ...] = ()

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        columns: Mapping[str, str] | None = None,
        fill: Mapping[str, str] | None = None,
        timezone: str = "UTC",
        duplicates: Duplicates = "refuse",
        sort: bool = False,
        source: str = "<frame>",
        first_row: int = 0,
        grain: Grain | None = None,
        notes: Sequence[str] = (),
        currency: str | None = None,
        rates: Rates | None = None,
    ) -> Usage:
        """Check a tidy frame and make it canonical.

        Parameters
        ----------
        frame : DataFrame
            One row a period and key. Not changed.
        columns : mapping, optional
            Canonical name → the frame's own column name.
        fill : mapping, optional
            Canonical text column → one value for every row, for what the export does not say.
        timezone : str
            The billing zone. Hourly rows with an offset are converted to it; daily rows are never re-zoned.
        duplicates : {"refuse", "sum"}
            What to do with several rows of one period and key.
        sort : bool
            Accept rows whose dates run neither up nor down within a key.
        source, first_row
            How errors call the frame, and the number that its first row bears there.
        grain : {"hour", "day", "month"}, optional
            What period a row is of; found from the dates where it is not given.
        notes : sequence of str
            What is known of the frame beforehand; stands first in the usage's notes.
        currency, rates : str, Rates, optional
            What to convert money to, and at which rates; the rates' base where no currency is named.

        Raises
        ------
        UsageError
            A column, row or value that the table's rules forbid; the message says which and what to do.
        """
        one_of("duplicates", duplicates, get_args(Duplicates), UsageError)
        door = Door(source, first_row, dict(columns or {}))
        if frame.empty:
            raise UsageError(f"{source}: there are no rows; export a span of time in which something was used")
        table, unread = door.rename(frame, columns or {}, fill or {})
        table, grain = door.dates(table, timezone, grain)
        table = door.numbers(table)
        table = door.texts(table)
        converted: tuple[str, ...] = ()
        exchanged: tuple[tuple[str, pd.Timestamp | None], ...] = ()
        if rates is not None:
            from forecast.currency import in_one_currency

            made = in_one_currency(table, currency, rates)
            table, converted, exchanged = made.frame, made.notes, made.exchanged
        door.money(table)
        found = [*notes, *unread, *converted, *door.remarks(table)]
        table, superseded = door.restated(table)
        if len(superseded):
            found.append(f"{len(superseded)} rows are superseded by later records of the same period and key")
        table, merged = door.unique(table, duplicates)
        if merged:
            found.append(f"{merged} rows were added to another of the same period and key (duplicates='sum')")
        if not sort and not merged and superseded.empty:
            door.order(table)
        keys = [c for c in schema.DIMENSIONS if c in table]
        table = table.sort_values([schema.DATE, *keys], kind="stable", na_position="last", ignore_index=True)
        ordered = [c for c in COLUMNS if c in table]
        older = superseded[ordered].reset_index(drop=True) if len(superseded) else None
        return cls(table[ordered], grain, timezone, source, tuple(found), older, exchanged=exchanged)

    @property
    def units(self) -> tuple[str, ...]:
        """The billable units that the table has a quantity of, in the registry's order."""
        return tuple(u for u in schema.BILLABLE if u in self.frame and bool((self.frame[u] > 0).any()))

    @property
    def start(self) -> pd.Timestamp:
        """The first period."""
        return pd.Timestamp(self.frame[schema.DATE].min())

    @property
    def end(self) -> pd.Timestamp:
        """The last period."""
        return pd.Timestamp(self.frame[schema.DATE].max())

    @property
    def currency(self) -> str | None:
        """The one currency of its money, or None where it holds no money."""
        if "currency" not in self.frame:
            return None
        known = self.frame["currency"].dropna().unique()
        return str(known[0]) if len(known) else None

    @property
    def sha256(self) -> str:
        """A hash of the table's content: rows, columns and grain."""
        digest = hashlib.sha256(f"{self.grain}|{self.timezone}|{'|'.join(self.frame.columns)}".encode())
        digest.update(pd.util.hash_pandas_object(self.frame, index=False).to_numpy().tobytes())
        return digest.hexdigest()

    def until(self, as_of: str | pd.Timestamp) -> Usage:
        """The rows up to and with ``as_of``: what was known then."""
        kept = self.frame[self.frame[schema.DATE] <= pd.Timestamp(as_of)]
        if kept.empty:
            raise UsageError(f"{self.source}: no rows on or before {as_of}; the first is of {self.start:%Y-%m-%d}")
        return replace(self, frame=kept.reset_index(drop=True))

    def known(self, on: str | pd.Timestamp) -> Usage:
        """The usage as it was recorded up to and with the day ``on``: later records and restatements are taken back.

        Rows without ``recorded_at`` are taken as recorded on their own date.

        Raises
        ------
        UsageError
            Nothing had been recorded by then.
        """
        rows = self.frame if self.superseded is None else pd.concat([self.frame, self.superseded], ignore_index=True)
        recorded = rows[schema.DATE]
        if "recorded_at" in rows:
            recorded = rows["recorded_at"].fillna(rows[schema.DATE])
        rows = rows[recorded.dt.normalize() <= pd.Timestamp(on).normalize()]
        if rows.empty:
            raise UsageError(f"{self.source}: nothing was recorded on or before {on}")
        made = Usage.from_frame(rows, timezone=self.timezone, sort=True, source=self.source, grain=self.grain)
        return replace(made, notes=self.notes, reading=self.reading, exchanged=self.exchanged)

    def with_reading(self, reading: Reading) -> Usage:
        """The same usage with the account of its reading, whose words join the notes."""
        return replace(self, reading=reading, notes=(*self.notes, *reading.notes))

    def plot(self, kind: str | None = None, *, measure: str | None = None, ax: Axes | None = None) -> Axes:
        """Draw how much was used when, as a heat map; returns the matplotlib Axes.

        ``"week"``: the mean of each hour of the week, of hourly usage. ``"calendar"``: each day of the last 53 weeks.
        ``measure`` is ``requests`` (where known, else tokens), ``tokens`` of all kinds, a billable unit such as
        ``output_tokens``, or money such as ``billed_cost``.

        Raises
        ------
        UsageError
            There is no such picture or measure, or the usage is too coarse for it.
        """
        from forecast.usage_figures import usage_picture

        return usage_picture(self, kind, measure, ax)

    def __repr__(self) -> str:
        """One line: rows, span, and what was measured."""
        span = f"{self.start:%Y-%m-%d} to {self.end:%Y-%m-%d}"
        models = self.frame["model"].nunique() if "model" in self.frame else 0
        measured = ", ".join(self.units or [m for m in (schema.REQUESTS, *schema.MONEY) if m in self.frame])
        what = "units" if self.units else "measured"
        return f"Usage({len(self.frame):,} rows by {self.grain}, {span}, {models} models, {what}: {measured})"

    def show(self) -> Shown:
        """What was used by provider and model, and what a reader must know of the export."""
        by = [c for c in ("provider", "model") if c in self.frame]
        sums = [c for c in (schema.REQUESTS, *self.units, "billed_cost") if c in self.frame]
        named = self.frame.assign(**{c: self.frame[c].fillna(f"(no {c})") for c in by})
        total = named.groupby(by)[sums].sum(min_count=1) if by else named[sums].sum().to_frame().T
        kinds: dict[str, CellKind] = {c: "money" if c == "billed_cost" else "count" for c in sums}
        caption = f"Billed cost in {self.currency}." if "billed_cost" in sums else ""
        return Shown(
            f"Usage by {self.grain}, {self.start:%Y-%m-%d} to {self.end:%Y-%m-%d}",
            f"{len(self.frame):,} rows.",
            (table_of(total, kinds=kinds, caption=caption, where="usage.frame"),),
            self.notes,
        )
