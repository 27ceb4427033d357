"""Sheet: one part of an export comes in; typed columns go out, and every row that cannot be right, with its reason.

What a reader does is said in columns: which of the export's cells is the date, which are counts, which is money. A cell
that cannot be read, a count below 0 or a rule broken marks its row, and the row goes to the rejected with what it held.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from forecast import schema
from forecast.errors import UsageError, nearest
from forecast.readers.contents import Table
from forecast.reading import REJECTED

#: How long a record's period is: a moment is one request, and is added up.
Width = Literal["moment", "hour", "day", "month"]
#: No record of one period and key holds more: above it the unit is wrong.
MOST_COUNT: Final = 1e15
#: Rejected rows of one reason and part of a source that are listed one by one.
MOST_REJECTED: Final = 20
#: Before it there was nothing to bill.
FIRST_DAY: Final = pd.Timestamp("2015-01-01")
#: Columns that a conservation check adds up: requests, all tokens, and the money columns.
CONSERVED: Final = (schema.REQUESTS, "tokens", *schema.MONEY)
#: Tokens that are counted once each: what a sum over them is the export's own count of tokens.
TOKENS: Final = tuple(u for u in schema.BILLABLE if schema.UNITS[u].token)
_ISO: Final[dict[str, Any]] = {"format": "ISO8601", "errors": "coerce", "utc": True}
_OFFSET: Final = r"(?<=:\d{2})(\.\d+)?\s*(Z|UTC|[+-]\d{2}:?\d{2})$"
_US: Final = r"^(\d{1,2})/(\d{1,2})/(\d{2}|\d{4})(?:[ ,T]+\d{1,2}:\d{2}(?::\d{2})?)?$"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a paged answer: what shows that another is missing.

    Attributes
    ----------
    series : str
        What the page is of: pages of usage and of costs follow their own order.
    start, end : Timestamp or None
        The first bucket's start and the last one's end.
    more : bool
        Whether the page says that another follows.
    number, of : int or None
        The page's number and how many there are, where it says so.
    """

    series: str
    start: pd.Timestamp | None = None
    end: pd.Timestamp | None = None
    more: bool = False
    number: int | None = None
    of: int | None = None


@dataclass(frozen=True, slots=True)
class Extract:
    """What one part of an export holds, row by row and not yet added up.

    Attributes
    ----------
    name : str
        The source.
    width : {"moment", "hour", "day", "month"}
        What period a record is of.
    frame : DataFrame
        One row a record that can be used: canonical columns; ``attributes``, by which rules may match; ``part``, the
        page that the record stands on; and ``identity``, the request's own id, where it has one.
        ``date`` is UTC of instants, and naive where the export gives local days. A frame that was added up where
        its records live also has ``rows``, the records in a sum; ``blank``, 1 where a quantity is unknown in some of
        them; and ``begin`` and ``end``, the instants of the first and the last.
    attributes : tuple of str
    rejected : DataFrame
        Columns of :data:`forecast.reading.REJECTED`.
    records : int
    held, lost : dict
        What all records, and those that were rejected, hold by the export's own columns: requests, tokens, money.
    notes : tuple of str
    pages : tuple of Page
    covered : tuple of (start, end)
        Spans that the export covers, the end not in it: a day in them without a record is a day without usage. A day
        of which every record was rejected is in none.
    repeated : dict
        What records that repeat another's id hold, where they were left out already; and ``rows``, their number.
    """

    name: str
    width: Width
    frame: pd.DataFrame
    attributes: tuple[str, ...]
    rejected: pd.DataFrame
    records: int
    held: dict[str, float]
    lost: dict[str, float]
    notes: tuple[str, ...] = ()
    pages: tuple[Page, ...] = ()
    covered: tuple[tuple[pd.Timestamp, pd.Timestamp], ...] = ()
    repeated: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Sheet:
    """A table in hand, and what is wrong with its rows so far.

    Parameters
    ----------
    table : Table
    blanks : sequence of str
        Cells that say nothing, beside the empty one: ``NULL``.
    """

    table: Table
    blanks: Sequence[str] = ()
    wrong: dict[Any, tuple[str, str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of_records(cls, name: str, records: Sequence[Mapping[str, Any]], rows: Sequence[int | str]) -> Sheet:
        """A sheet of JSON objects; ``rows`` says where each stands."""
        frame = pd.DataFrame(list(records), dtype=object)
        frame.index = pd.Index(list(rows), dtype=object)
        return cls(Table(name, frame, pd.DataFrame(columns=["row", "value"])))

    @property
    def frame(self) -> pd.DataFrame:
        """The cells."""
        return self.table.frame

    def __len__(self) -> int:
        return len(self.table.frame)

    def __contains__(self, column: str) -> bool:
        return column in self.table.frame

    def only(self, rows: pd.Series) -> Sheet:
        """The sheet of some rows: the others hold no record at all, such as an empty day."""
        kept = Table(self.table.name, self.frame[rows.to_numpy(dtype=bool)], self.table.ragged)
        return Sheet(kept, self.blanks, self.wrong, self.notes)

    def need(self, *columns: str) -> None:
        """Refuse an export that lacks a column.

        Raises
        ------
        UsageError
            The columns that are missing, those that are there, and the nearest.
        """
        missing = [c for c in columns if c not in self.frame]
        if missing:
            raise UsageError(
                f"{self.table.name}: there is no column {missing[0]!r}; the columns are "
                f"{', '.join(map(str, self.frame.columns[:60]))}{nearest(missing[0], self.frame.columns)}; "
                "export it with all columns, or read it as a tidy table with columns={...}"
            )

    def refuse(self, rows: pd.Series, reason: str, *columns: str) -> None:
        """Mark rows as rejected, each by its first reason; the columns' cells are the example."""
        mask = rows.fillna(False).to_numpy(dtype=bool)
        for place in np.flatnonzero(mask):
            row = self.frame.index[int(place)]
            if row not in self.wrong:
                cells = [f"{c}={str(self.frame[c].iloc[place])[:60]}" for c in columns if c in self.frame]
                self.wrong[row] = (reason, ", ".join(cells))

    def text(self, *columns: str) -> pd.Series:
        """The first of the columns that is there, as text; null where blank or where none is there."""
        column = next((c for c in columns if c in self.frame), None)
        if column is None:
            return pd.Series(None, index=self.frame.index, dtype="str")
        raw = self.frame[column]
        text = raw.astype("str").str.strip()
        return text.mask(raw.isna() | text.isin(["", *self.blanks]))

    def number(self, *columns: str) -> pd.Series:
        """The first of the columns that is there, as float; NaN where blank, and a row rejected where unreadable."""
        column = next((c for c in columns if c in self.frame), None)
        if column is None:
            return pd.Series(np.nan, index=self.frame.index)
        text = self.text(column)
        value = pd.to_numeric(text, errors="coerce").astype("float64")
        self.refuse(value.isna() & text.notna(), f"{column} is not a number", column)
        self.refuse(value.abs() == np.inf, f"{column} is infinite", column)
        finite: pd.Series = value.mask(value.abs() == np.inf)
        return finite

    def count(self, *columns: str) -> pd.Series:
        """A number that cannot be below 0, nor beyond any real count."""
        value = self.number(*columns)
        column = next((c for c in columns if c in self.frame), "")
        self.refuse(value < 0, f"{column} is below 0", column)
        self.refuse(value > MOST_COUNT, f"{column} is beyond any real count", column)
        return value

    def within(self, part: pd.Series, whole: pd.Series, reason: str, *columns: str) -> pd.Series:
        """``whole`` less ``part``, which lies inside it; a row where the part is larger is rejected."""
        self.refuse(part > whole, reason, *columns)
        return (whole - part.fillna(0.0)).clip(lower=0.0)

    def seconds(self, *columns: str) -> pd.Series:
        """Unix seconds as instants, in UTC."""
        value = self.number(*columns)
        column = next((c for c in columns if c in self.frame), "")
        far = (value < FIRST_DAY.timestamp()) | (value > 4e9)
        self.refuse(far, f"{column} is no time in seconds since 1970", column)
        return pd.to_datetime(value.mask(far), unit="s", utc=True)

    def instants(self, *columns: str, local: bool = False) -> pd.Series:
        """ISO 8601 times as instants in UTC; a time without offset is UTC. ``local`` drops an offset instead."""
        column = next((c for c in columns if c in self.frame), "")
        raw = self.frame[column] if column else pd.Series(None, index=self.frame.index, dtype="object")
        if pd.api.types.is_datetime64_any_dtype(raw.dtype):
            value: pd.Series = raw.dt.tz_localize("UTC") if raw.dt.tz is None else raw.dt.tz_convert("UTC")
        else:
            text = self.text(column)
            iso = text.str.replace(_OFFSET, "", regex=True) if local else text.str.replace(r" UTC$", "Z", regex=True)
            value = pd.to_datetime(iso, **_ISO)
            american = text.str.extract(_US) if value.isna().any() and text.notna().any() else None
            if american is not None and american[0].notna().any():
                value = value.fillna(self._american(text, american))
            self.refuse(value.isna() & text.notna(), f"{column} cannot be read as a date", column)
        self.refuse(value.isna(), f"{column or columns[0]} is blank: no date", column)
        self.refuse(value < FIRST_DAY.tz_localize("UTC"), f"{column} is before {FIRST_DAY:%Y}", column)
        return value

    def days(self, *columns: str) -> pd.Series:
        """Dates as naive days of the export's own zone, whatever time of day stands beside them."""
        day: pd.Series = self.instants(*columns, local=True).dt.tz_localize(None).dt.normalize()
        return day

    def _american(self, text: pd.Series, parts: pd.DataFrame) -> pd.Series:
        """Dates like 4/30/25, month first, unless a first number above 12 says that the day stands first."""
        first = pd.to_numeric(parts[0], errors="coerce")
        day_first = bool((first > 12).any())
        told = f"dates like {text.dropna().iloc[0]} are read as {'day/month' if day_first else 'month/day'}/year"
        if told not in self.notes:
            self.notes.append(told)
        month, day = (parts[1], parts[0]) if day_first else (parts[0], parts[1])
        year = parts[2].where(parts[2].str.len() == 4, "20" + parts[2])
        return pd.to_datetime(year + "-" + month + "-" + day, format="%Y-%m-%d", errors="coerce", utc=True)

    def extract(
        self,
        width: Width,
        columns: Mapping[str, pd.Series | str],
        *,
        held: Mapping[str, pd.Series],
        attributes: Mapping[str, pd.Series] | None = None,
        part: pd.Series | None = None,
        identity: pd.Series | None = None,
        pages: tuple[Page, ...] = (),
        covered: tuple[tuple[pd.Timestamp, pd.Timestamp], ...] = (),
        apart: pd.Series | None = None,
    ) -> Extract:
        """The rows that can be used, and those that cannot.

        Parameters
        ----------
        width
            The period that a record is of.
        columns : mapping
            Canonical column → values (row,), or one value for all rows. ``date`` is needed.
        held : mapping
            Name of ``CONSERVED`` → what each record holds of it by the export's own columns. What is kept must
            add up to it: a unit that is forgotten or counted twice is found here.
        attributes : mapping, optional
            Names that rules may match, such as ``workspace``, ``api_key`` and ``tag:team``.
        part : Series, optional
            The page a record stands on, where pages may repeat.
        identity : Series, optional
            A request's own id.
        pages : tuple of Page
            What the pages that the records stand on say of one another.
        covered : tuple of (start, end)
            Spans in which a day without a record is a day without usage.
        apart : Series, optional
            The service of a line that is no AI service, in a bill of many: left out and counted, unless all are asked
            for.
        """
        index = self.frame.index
        frame = pd.DataFrame(dict(columns), index=index)
        frame = self._signs(frame)
        measured = [m for m in (schema.REQUESTS, *schema.UNITS, *schema.MONEY) if m in frame]
        self.refuse(frame[measured].isna().all(axis=1), "nothing is measured in it", *map(str, self.frame.columns[:4]))
        for name, values in (attributes or {}).items():
            frame[name] = values
        frame["part"] = part if part is not None else 0
        if identity is not None:
            frame["identity"] = identity
        if apart is not None and apart.notna().any():
            frame["apart"] = apart
        bad = index.isin(list(self.wrong)) if self.wrong else np.zeros(len(index), dtype=bool)
        sums = {k: held.get(k, pd.Series(np.nan, index=index)).astype("float64") for k in (schema.REQUESTS, "tokens")}
        money = next((held[m] for m in schema.MONEY if m in held), pd.Series(np.nan, index=index)).astype("float64")
        rejected = pd.DataFrame(
            {
                "source": self.table.name,
                "row": index[bad].astype("str"),
                "reason": [self.wrong[r][0] for r in index[bad]],
                "value": [self.wrong[r][1] for r in index[bad]],
                "rows": 1.0,
                "requests": sums[schema.REQUESTS].to_numpy()[bad],
                "tokens": sums["tokens"].to_numpy()[bad],
                "money": money.to_numpy()[bad],
            },
            columns=list(REJECTED),
        )
        rejected = _few(rejected)
        kept = frame[~bad].reset_index(drop=True)
        extract = Extract(
            self.table.name,
            width,
            kept,
            tuple(attributes or {}),
            pd.concat([rejected, self._ragged()], ignore_index=True) if len(self.table.ragged) else rejected,
            len(index) + len(self.table.ragged),
            {name: float(values.sum()) for name, values in held.items()},
            {name: float(values[bad].sum()) for name, values in held.items()},
            tuple(self.notes),
            pages,
            _but_days(covered, frame[schema.DATE][bad], kept[schema.DATE]),
        )
        check_conserved(extract)
        return extract

    def _signs(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Money below 0 that the export gives no category is an adjustment, and said so."""
        held = [m for m in schema.MONEY if m in frame]
        if not held:
            return frame
        category = frame.get("charge_category", pd.Series(None, index=frame.index, dtype="str"))
        negative = (frame[held] < 0).any(axis=1) & ~category.isin(schema.NEGATIVE_CATEGORIES)
        if not negative.any():
            return frame
        self.notes.append(f"{int(negative.sum())} rows with money below 0 are taken as adjustments")
        return frame.assign(charge_category=category.mask(negative, "adjustment"))

    def _ragged(self) -> pd.DataFrame:
        ragged = self.table.ragged
        return pd.DataFrame(
            {
                "source": self.table.name,
                "row": ragged["row"].astype("str"),
                "reason": "the row does not fit the header",
                "value": ragged["value"],
                "rows": 1.0,
                "requests": np.nan,
                "tokens": np.nan,
                "money": np.nan,
            },
            columns=list(REJECTED),
        )


def _but_days(
    covered: tuple[tuple[pd.Timestamp, pd.Timestamp], ...], rejected: pd.Series, kept: pd.Series
) -> tuple[tuple[pd.Timestamp, pd.Timestamp], ...]:
    """The spans without the days of which every record was rejected: what was used on them is unknown, not 0."""
    if not covered or rejected.empty:
        return covered
    of = [date.dt.tz_localize(None).dt.normalize().dropna() for date in (rejected, kept)]
    for day in sorted(set(of[0]) - set(of[1])):
        after = day + pd.Timedelta(days=1)
        cut = [((start, min(end, day)), (max(start, after), end)) for start, end in covered]
        covered = tuple(span for two in cut for span in two if span[0] < span[1])
    return covered


def _few(rejected: pd.DataFrame) -> pd.DataFrame:
    """The rejected rows, those beyond the first of each reason added up in one row: a log may reject millions."""
    rest = rejected.groupby("reason", sort=False).cumcount() >= MOST_REJECTED
    if not rest.any():
        return rejected
    grouped = rejected[rest].groupby(["source", "reason"], sort=False)
    table = grouped.agg(row=("row", "first"), value=("value", "first"), rows=("rows", "sum"))
    summed = table.join(grouped[["requests", "tokens", "money"]].sum(min_count=1)).reset_index()
    return pd.concat([rejected[~rest], summed[list(REJECTED)]], ignore_index=True)


def sums_of(frame: pd.DataFrame) -> dict[str, float]:
    """Requests, all tokens and each money column of a canonical frame, added up."""
    tokens = [u for u in TOKENS if u in frame]
    found = {"tokens": float(np.nansum(frame[tokens].to_numpy(dtype="float64")))} if tokens else {}
    return found | {
        c: float(np.nansum(frame[c].to_numpy(dtype="float64"))) for c in (schema.REQUESTS, *schema.MONEY) if c in frame
    }


def check_conserved(extract: Extract) -> None:
    """What is kept and what is rejected add up to what the export holds.

    Raises
    ------
    UsageError
        They do not: a kind of token is forgotten or counted twice.
    """
    kept = sums_of(extract.frame)
    for name, whole in extract.held.items():
        here = kept.get(name, 0.0) + extract.lost[name] + extract.repeated.get(name, 0.0)
        if not np.isclose(here, whole, rtol=1e-9, atol=1e-6):
            raise UsageError(
                f"{extract.name}: {name} do not add up: the export holds {whole:,.6g}, its parts {here:,.6g}; "
                "a kind of token is not known here: please report it with the export's column names"
            )
