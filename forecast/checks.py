"""The checks at the door. Comes in: a frame and a column mapping. Goes out: canonical columns, typed, or an error.

Every check that can fail names the place (file, column, row, value) and what to do about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pandas as pd

from forecast import schema
from forecast.errors import UsageError, bad_rows, nearest, one_of
from forecast.schema import Grain

Duplicates = Literal["refuse", "sum"]

MEASURES: Final = (schema.REQUESTS, *schema.UNITS, *schema.MONEY)
_TEXT: Final = (*schema.DIMENSIONS, "currency", "charge_category")
_OTHER: Final = ("recorded_at",)
COLUMNS: Final = (schema.DATE, *schema.DIMENSIONS, *MEASURES, "currency", "charge_category", *_OTHER)


@dataclass(frozen=True, slots=True)
class Door:
    """The checks at the door; each takes the table, and returns it typed or raises."""

    source: str
    first_row: int
    own: Mapping[str, str] = field(default_factory=dict)

    def fail(self, column: str, problem: str, remedy: str) -> UsageError:
        """The error of one column: where, what, and what to do."""
        own = self.own.get(column, column)
        named = f"{own!r}" if own == column else f"{own!r} ({column})"
        return UsageError(f"{self.source}: column {named}: {problem}; {remedy}")

    def rows(self, table: pd.DataFrame, bad: pd.Series, *columns: str) -> str:
        """The bad rows, named as the source numbers them."""
        return bad_rows(table, bad, list(columns), first_row=self.first_row)

    def rename(
        self, frame: pd.DataFrame, columns: Mapping[str, str], fill: Mapping[str, str]
    ) -> tuple[pd.DataFrame, list[str]]:
        """Canonical column names, and a note of the columns that were not read."""
        for canonical in (*columns, *fill):
            one_of("canonical column", canonical, COLUMNS, UsageError)
        for canonical, own in columns.items():
            if own not in frame:
                raise UsageError(
                    f"{self.source}: column {own!r}, mapped to {canonical!r}, is not there; the columns are "
                    f"{', '.join(map(str, frame.columns))}{nearest(own, frame.columns)}"
                )
        repeated = frame.columns[frame.columns.duplicated()]
        if len(repeated):
            raise self.fail(str(repeated[0]), "stands twice in the header", "name each column once")
        own_names = {own: canonical for canonical, own in columns.items()}
        names = {c: own_names.get(c, str(c)) for c in frame.columns}
        known = [c for c in frame.columns if names[c] in COLUMNS and (c in own_names or names[c] not in columns)]
        self.spelling([c for c in frame.columns if c not in known], [names[c] for c in known])
        table = frame[known].rename(columns=names).reset_index(drop=True)
        for canonical, value in fill.items():
            if canonical in table and table[canonical].notna().any():
                raise self.fail(canonical, "is in the export already", "leave it out of fill=")
            table[canonical] = value
        if schema.DATE not in table:
            raise UsageError(
                f"{self.source}: there is no column 'date'; the columns are {', '.join(map(str, frame.columns))}; "
                "map the one that holds it: columns={'date': '...'}"
            )
        if not any(m in table for m in MEASURES):
            raise UsageError(
                f"{self.source}: nothing is measured: none of {', '.join(MEASURES)}; "
                "map a column: columns={'input_tokens': '...'}"
            )
        unread = [str(c) for c in frame.columns if c not in known]
        return table, [f"columns not read: {', '.join(unread)}"] if unread else []

    def spelling(self, unread: list[str], read: list[str]) -> None:
        """Refuse a column that is a canonical name but for its spelling."""
        missing = [c for c in COLUMNS if c not in read]
        for column in unread:
            plain = str(column).strip().lower().replace(" ", "_").replace("-", "_")
            for wanted in missing:
                if plain in (wanted, wanted.rstrip("s"), wanted + "s"):
                    raise self.fail(
                        str(column), "is not a canonical name", f"did you mean columns={{{wanted!r}: {column!r}}}?"
                    )

    def dates(self, table: pd.DataFrame, timezone: str, grain: Grain | None) -> tuple[pd.DataFrame, Grain]:
        """Naive dates of the billing zone, and the grain that they keep: as given, else as they show."""
        try:
            ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, ValueError) as cause:
            raise UsageError(
                f"timezone {timezone!r} is not known; name one such as 'UTC' or 'Europe/Berlin'"
            ) from cause
        raw = table[schema.DATE]
        missing = raw.isna() | (raw.astype(str).str.strip() == "")
        if missing.any():
            raise self.fail("date", f"no date in {self.rows(table, missing, 'date')}", "give every row its date")
        parsed, aware = self.parse(table, raw)
        if aware is not None:
            whole_days = bool((parsed == parsed.dt.normalize()).all())
            parsed = (
                parsed if whole_days else (parsed.dt.tz_localize(aware).dt.tz_convert(timezone).dt.tz_localize(None))
            )
        table = table.assign(date=parsed.astype("datetime64[us]"))
        if grain is not None:
            return self.held_to(table, grain), grain
        off_hour = parsed != parsed.dt.floor("h")
        if off_hour.any():
            raise self.fail(
                "date",
                f"holds moments, not whole hours, days or months: {self.rows(table, off_hour, 'date')}",
                "this looks like a log of requests: add it up by day first",
            )
        if (parsed != parsed.dt.normalize()).any():
            return table, "hour"
        if parsed.nunique() > 1 and bool((parsed.dt.day == 1).all()):
            return table, "month"
        if parsed.nunique() > 1 and bool((parsed == parsed + pd.offsets.MonthEnd(0)).all()):
            return table.assign(date=table[schema.DATE] - pd.offsets.MonthBegin()), "month"
        self.spacing(parsed)
        return table, "day"

    def held_to(self, table: pd.DataFrame, grain: Grain) -> pd.DataFrame:
        """The dates of a table whose grain is known, each the start of its period."""
        date = table[schema.DATE]
        start = date.dt.floor("h") if grain == "hour" else date.dt.normalize()
        if grain == "month":
            start = start - pd.to_timedelta(start.dt.day - 1, unit="D")
        off = date != start
        if off.any():
            raise self.fail(
                "date", f"is not the start of a {grain} in {self.rows(table, off, 'date')}", "floor it first"
            )
        return table

    def spacing(self, dates: pd.Series) -> None:
        """Refuse rows that stand a fixed number of days apart: they are sums of longer periods, not days."""
        gaps = pd.Series(sorted(dates.unique())).diff().dropna().dt.days
        if len(gaps) >= 2 and gaps.nunique() == 1 and gaps.iloc[0] > 1:
            raise self.fail(
                "date",
                f"stands {int(gaps.iloc[0])} days apart throughout: these are sums of {int(gaps.iloc[0])} days",
                "export by day, or by month dated on its first day",
            )

    def parse(self, table: pd.DataFrame, raw: pd.Series) -> tuple[pd.Series, str | None]:
        """Naive local times and the one offset they bore, or None."""
        if isinstance(raw.dtype, pd.DatetimeTZDtype):
            return raw.dt.tz_localize(None), str(raw.dt.tz)
        if pd.api.types.is_datetime64_dtype(raw.dtype):
            return raw, None
        if pd.api.types.is_numeric_dtype(raw.dtype):
            raise self.fail("date", f"holds numbers, such as {raw.iloc[0]}", "give dates as 2026-01-31")
        text = raw.astype(str).str.strip()
        offsets = text.str.extract(r"[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*(Z|[+-]\d{2}:?\d{2}|UTC)?$")[0].fillna("")
        offsets = offsets.replace({"UTC": "Z", "+00:00": "Z", "+0000": "Z"})
        if offsets.nunique() > 1:
            other = offsets != offsets.iloc[0]
            raise self.fail(
                "date",
                f"mixes time zones ({', '.join(sorted(repr(o) for o in offsets.unique()))}): "
                f"{self.rows(table, other, 'date')}",
                "export with one zone",
            )
        bare = text.str.replace(r"\s*(?:Z|[+-]\d{2}:?\d{2}|UTC)$", "", regex=True).where(offsets != "", text)
        parsed = pd.to_datetime(bare, format="ISO8601", errors="coerce")
        if parsed.isna().any():
            raise self.fail(
                "date",
                f"cannot be read as a date: {self.rows(table, parsed.isna(), 'date')}",
                "give dates as 2026-01-31 or 2026-01-31 13:00",
            )
        offset = str(offsets.iloc[0])
        return parsed, None if offset == "" else ("UTC" if offset == "Z" else offset)

    def numbers(self, table: pd.DataFrame) -> pd.DataFrame:
        """Measures as floats: finite, not negative but for money, and something above 0."""
        measures = [m for m in MEASURES if m in table]
        typed: dict[str, pd.Series] = {}
        for name in measures:
            raw = table[name]
            blank = raw.isna() | (raw.astype(str).str.strip() == "")
            value = pd.to_numeric(raw.where(~blank), errors="coerce").astype("float64")
            text = value.isna() & ~blank
            if text.any():
                raise self.fail(
                    name,
                    f"is not a number in {self.rows(table, text, name)}",
                    "write numbers plainly (1234.5), and leave what is unknown blank",
                )
            infinite = value.abs() == float("inf")
            if infinite.any():
                rows = self.rows(table, infinite, name)
                raise self.fail(name, f"is infinite in {rows}", "leave what is unknown blank")
            negative = value < 0
            if name not in schema.MONEY and negative.any():
                raise self.fail(
                    name, f"is negative in {self.rows(table, negative, name)}", "a quantity used cannot be below 0"
                )
            typed[name] = value
        table = table.assign(**typed)
        unknown = table[measures].isna().all(axis=1)
        if unknown.any():
            raise UsageError(
                f"{self.source}: nothing is measured in {self.rows(table, unknown, 'date', *measures[:3])}; "
                "drop such rows in the export, or write 0 where nothing was used"
            )
        if not (table[measures].fillna(0.0) != 0).any(axis=None):
            raise UsageError(
                f"{self.source}: every quantity of {', '.join(measures)} is 0: nothing was used, so nothing can be "
                "forecast; check the export's filter and span"
            )
        parts = [u for u in schema.BILLABLE if schema.UNITS[u].token and u != "total_tokens" and u in table]
        if "total_tokens" in table and parts:
            twice = (table["total_tokens"] > 0) & (table[parts].fillna(0.0) > 0).any(axis=1)
            if twice.any():
                raise self.fail(
                    "total_tokens",
                    f"stands beside its parts, which would be billed twice: "
                    f"{self.rows(table, twice, 'total_tokens', parts[0])}",
                    "leave the column out of the export, and keep the parts",
                )
        if "reasoning_tokens" in table and "output_tokens" in table:
            more = table["reasoning_tokens"] > table["output_tokens"]
            if more.any():
                raise self.fail(
                    "reasoning_tokens",
                    f"is above output_tokens, of which it is a part: "
                    f"{self.rows(table, more, 'reasoning_tokens', 'output_tokens')}",
                    "give output_tokens with reasoning included",
                )
        return table

    def texts(self, table: pd.DataFrame) -> pd.DataFrame:
        """Text columns stripped, blank as null, and closed lists held to their values."""
        typed: dict[str, pd.Series] = {}
        for name in (c for c in _TEXT if c in table):
            text = table[name].astype("str").str.strip()
            typed[name] = text.mask((text == "") | table[name].isna())
        table = table.assign(**typed)
        for key in schema.KEYS:
            if key not in table:
                table[key] = pd.Series([None] * len(table), dtype="str")
        allowed = {"service_tier": schema.SERVICE_TIERS, "charge_category": schema.CHARGE_CATEGORIES}
        for name, choices in allowed.items():
            if name in table:
                table[name] = table[name].str.lower()
                wrong = table[name].notna() & ~table[name].isin(choices)
                if wrong.any():
                    value = table.loc[wrong, name].iloc[0]
                    raise self.fail(
                        name,
                        f"is not one of {', '.join(choices)}: {self.rows(table, wrong, name)}{nearest(value, choices)}",
                        "map its values first",
                    )
        return table

    def money(self, table: pd.DataFrame) -> None:
        """One currency, and negative money only where its category allows it."""
        held = [m for m in schema.MONEY if m in table]
        if not held:
            return
        if "currency" not in table:
            raise UsageError(
                f"{self.source}: there is money in {', '.join(held)} but no column 'currency'; "
                "say which: fill={'currency': 'USD'}"
            )
        nameless = table["currency"].isna() & table[held].notna().any(axis=1)
        if nameless.any():
            raise self.fail("currency", f"is blank beside money in {self.rows(table, nameless, 'currency')}", "name it")
        currencies = sorted(table["currency"].dropna().unique())
        if len(currencies) > 1:
            other = table["currency"].notna() & (table["currency"] != table["currency"].dropna().iloc[0])
            raise self.fail(
                "currency",
                f"holds {' and '.join(currencies)}: {self.rows(table, other, 'currency')}",
                "read it with rates= at stated rates, or split the export by currency",
            )
        category = table.get("charge_category", pd.Series(None, index=table.index, dtype="str"))
        for name in held:
            negative = (table[name] < 0) & ~category.isin(schema.NEGATIVE_CATEGORIES)
            if negative.any():
                raise self.fail(
                    name,
                    f"is negative in {self.rows(table, negative, name)}",
                    f"say why in charge_category: {', '.join(schema.NEGATIVE_CATEGORIES)}",
                )

    def restated(self, table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The rows as last recorded, and those that a later record of the same period and key supersedes."""
        if "recorded_at" not in table:
            return table, table.iloc[:0]
        raw = table["recorded_at"]
        recorded = pd.to_datetime(raw, format="ISO8601", errors="coerce", utc=True) if raw.dtype != "M8[us]" else raw
        wrong = recorded.isna() & raw.notna() & (raw.astype("str").str.strip() != "")
        if wrong.any():
            raise self.fail(
                "recorded_at", f"cannot be read as a time: {self.rows(table, wrong, 'recorded_at')}", "give 2026-01-31"
            )
        recorded = recorded.dt.tz_localize(None) if recorded.dt.tz is not None else recorded
        table = table.assign(recorded_at=recorded.astype("datetime64[us]"))
        keys = [c for c in (schema.DATE, *schema.DIMENSIONS, "charge_category", "currency") if c in table]
        newest = table.groupby(keys, dropna=False, sort=False)["recorded_at"].transform("max")
        older = (table["recorded_at"] < newest) | (table["recorded_at"].isna() & newest.notna())
        return table[~older], table[older]

    def unique(self, table: pd.DataFrame, duplicates: Duplicates) -> tuple[pd.DataFrame, int]:
        """One row a period and key; how many were added to another."""
        keys = [c for c in (schema.DATE, *schema.DIMENSIONS, "charge_category", "currency") if c in table]
        again = table.duplicated(keys)
        if not again.any():
            return table, 0
        if duplicates == "refuse":
            key = [k for k in ("date", "model", "environment", "project") if k in keys]
            raise UsageError(
                f"{self.source}: {int(again.sum())} rows repeat the period and key of an earlier row: "
                f"{self.rows(table, again, *key)}; remove them, or pass duplicates='sum' if they are parts of one sum"
            )
        measures = [m for m in MEASURES if m in table]
        grouped = table.groupby(keys, dropna=False, sort=False)
        total = grouped[measures].sum(min_count=1)
        if "recorded_at" in table:
            total = total.join(grouped["recorded_at"].max())
        return total.reset_index(), int(again.sum())

    def order(self, table: pd.DataFrame) -> None:
        """Dates that run one way within every key."""
        keys = [c for c in (*schema.DIMENSIONS, "charge_category") if c in table]
        group = table.groupby(keys, dropna=False, sort=False).ngroup()
        step = table[schema.DATE].astype("int64").groupby(group).diff()
        up, down = bool((step.dropna() > 0).all()), bool((step.dropna() < 0).all())
        if not up and not down:
            wrong = (step < 0) if (step > 0).sum() >= (step < 0).sum() else (step > 0)
            raise self.fail(
                "date",
                f"runs out of order within one key: {self.rows(table, wrong, 'date', 'model')}",
                "sort the export by date, or pass sort=True if the order means nothing",
            )

    def remarks(self, table: pd.DataFrame) -> list[str]:
        """What is allowed but looks like a slip, in words."""
        found = []
        for name in (u for u in (schema.REQUESTS, *schema.UNITS) if u in table):
            part = table[name].dropna()
            broken = part[part != part.round()]
            if len(broken) and part.max() < 100_000:
                found.append(
                    f"{name} holds fractions, such as {broken.iloc[0]:g}: is it counted in thousands or millions?"
                )
        for name in (c for c in schema.DIMENSIONS if c in table):
            spelt = pd.Series(table[name].dropna().unique())
            alike = spelt[spelt.str.lower().duplicated(keep=False)]
            if len(alike):
                found.append(
                    f"{name} spells one name in several ways: {', '.join(sorted(alike)[:4])}; they are kept apart"
                )
        return found
