"""Assembly: the extracts of all sources come in; one canonical table and the account of its reading go out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from forecast import schema
from forecast.currency import Rates
from forecast.errors import UsageError
from forecast.readers.account import TIDY, account_of, conservation_of, left_out, sources_of, unmatched_of
from forecast.readers.overlap import Overlap, counted_once, under_other_names
from forecast.readers.rules import Rules
from forecast.readers.sheet import CONSERVED, TOKENS, Extract, Width, sums_of
from forecast.reading import OVERLAPS, REJECTED, Reading, table_of
from forecast.schema import Grain
from forecast.usage import Usage

#: Attributes and columns that tell who a person is: dropped unless asked for.
PERSONAL: Final = ("user", "user_email", "end_user", "ip_address")
_MEASURES: Final = (schema.REQUESTS, *schema.UNITS, *schema.MONEY)
_GRAINS: Final[dict[Width, Grain]] = {"moment": "day", "hour": "hour", "day": "day", "month": "month"}
_ORDER: Final = ("hour", "day", "month")
#: Whether a bill of many services is read for those of AI alone.
Services = Literal["ai", "all"]


@dataclass(frozen=True, slots=True)
class How:
    """How sources are made one table: the arguments of :func:`forecast.read_usage` that all formats share."""

    rules: Rules | None = None
    fill: Mapping[str, str] = field(default_factory=dict)
    timezone: str = "UTC"
    grain: Grain | None = None
    overlap: Overlap = "refuse"
    dedupe: bool = False
    personal: bool = False
    services: Services = "ai"
    currency: str | None = None
    rates: Rates | None = None


@dataclass(slots=True)
class _Seen:
    """Requests that were met before, by a hash of their own id."""

    hashes: np.ndarray = field(default_factory=lambda: np.empty(0, dtype="uint64"))
    repeated: int = 0

    def first(self, identity: pd.Series) -> np.ndarray:
        """Whether each request is met for the first time; one without an id always is."""
        known = identity.notna().to_numpy()
        code = pd.util.hash_array(identity.astype("object").fillna("").to_numpy())
        again = pd.Series(code).duplicated().to_numpy() | np.isin(code, self.hashes)
        self.hashes = np.union1d(self.hashes, code[known])
        self.repeated += int((again & known).sum())
        return ~(again & known)


@dataclass(slots=True)
class _Tally:
    """What extracts hold, what of it is rejected, and what is counted once, as they come."""

    seen: _Seen = field(default_factory=_Seen)
    held: dict[str, float] = field(default_factory=lambda: dict.fromkeys(CONSERVED, 0.0))
    lost: dict[str, float] = field(default_factory=lambda: dict.fromkeys(CONSERVED, 0.0))
    twice: dict[str, float] = field(default_factory=lambda: dict.fromkeys(CONSERVED, 0.0))
    rejected: list[pd.DataFrame] = field(default_factory=list)
    unnamed: set[str] = field(default_factory=set)

    def counted(self, name: str, extract: Extract, how: How) -> pd.DataFrame:
        """The records of an extract that count: of the services that are asked for, and not met before."""
        frame = extract.frame
        for column, value in extract.held.items():
            self.held[column] += value
            self.lost[column] += extract.lost[column]
        self.rejected.append(extract.rejected)
        if "apart" in frame and how.services == "ai":
            other = frame["apart"].notna()
            for column, value in sums_of(frame[other]).items():
                self.lost[column] += value
            self.rejected.append(left_out(frame[other], extract.name))
            frame = frame[~other]
        return self._once(frame, name, extract) if how.dedupe else frame

    def _once(self, frame: pd.DataFrame, name: str, extract: Extract) -> pd.DataFrame:
        """The records whose request is met for the first time."""
        if extract.repeated:
            self.seen.repeated += int(extract.repeated["rows"])
            for column in self.twice:
                self.twice[column] += extract.repeated.get(column, 0.0)
            return frame
        if "identity" not in frame:
            raise UsageError(f"{extract.name}: dedupe='request_id': a {name} export bears no ids of requests")
        first = self.seen.first(frame["identity"])
        for column, value in sums_of(frame[~first]).items():
            self.twice[column] += value
        kept = frame[first]
        self.unnamed |= {extract.name} if kept["identity"].isna().any() else set()
        return kept


def assembled(extracts: Iterable[tuple[str, Extract]], how: How, *, named: str) -> Usage:
    """Add up what all sources hold, each record once.

    Parameters
    ----------
    extracts : iterable of (format, Extract)
        Parts of one source follow one another.
    how : How
    named : str
        What errors and the usage call the sources.

    Raises
    ------
    UsageError
        The sources hold nothing, differ on what they both hold, mix grains or currencies, or break a rule of the
        usage table.
    """
    tally = _Tally()
    groups, accounts, notes = [], [], []
    widths: dict[Width, str] = {}
    attributes: dict[str, None] = {}
    covered: list[tuple[pd.Timestamp, pd.Timestamp]] = []
    for name, extract in extracts:
        frame = tally.counted(name, extract, how)
        widths.setdefault(extract.width, extract.name)
        attributes |= dict.fromkeys(a for a in extract.attributes if _keeps_people(name, how) or a not in PERSONAL)
        groups.append(_grouped(frame, extract, list(attributes), how, name=name).assign(source=extract.name))
        accounts.append(account_of(name, extract))
        covered += extract.covered
        notes += [f"{extract.name}: {note}" for note in extract.notes]
    grain = _grain(widths, how.grain)
    table = pd.concat(groups, ignore_index=True) if groups else pd.DataFrame()
    if table.empty:
        _nothing(named, tally.rejected)
    by_id = {str(name) for name, *_ in accounts} - tally.unnamed if how.dedupe else set()
    table["export"] = _exports(table, by_id)
    measures = [m for m in _MEASURES if m in table]
    keys = [c for c in (schema.DATE, *schema.DIMENSIONS, "charge_category", "currency", *attributes) if c in table]
    merged = _by_code(table, [*keys, *_also(table), "export"])
    sums = merged.rows[[*measures, "rows", "blank"]].sum(min_count=1)
    spans = merged.rows.agg(begin=("begin", "min"), end=("end", "max"), source=("source", "first"))
    table = pd.concat([merged.names, sums, spans], axis=1)
    apart = counted_once(table, keys, measures, how.overlap)
    notes += under_other_names(apart.frame)
    kept = _with_zeros(apart.frame, keys, measures, grain, covered, notes)
    if how.rules is not None and any(name != TIDY for _, name, *_ in accounts):
        notes += how.rules.check(kept.columns)
    if how.dedupe and tally.seen.repeated:
        notes.append(
            f"{tally.seen.repeated} requests stood in more than one place and are counted once (dedupe='request_id')"
        )
    if how.rates is not None and grain == "month" and set(widths) != {"month"}:
        _refuse_moving_rates(kept, how.rates, how.currency, named)
    usage = _usage(kept, measures, grain, how, source=named, notes=notes)
    once = sums_of(apart.dropped)
    read = sums_of(usage.frame if how.rates is None else kept)  # money that is converted adds up before it is
    reading = Reading(
        sources_of(accounts),
        pd.concat(tally.rejected, ignore_index=True) if tally.rejected else table_of([], REJECTED),
        apart.overlaps if len(apart.overlaps) else table_of([], OVERLAPS),
        unmatched_of(kept, how.rules, list(attributes)),
        conservation_of(tally.held, tally.lost, {c: tally.twice[c] + once.get(c, 0.0) for c in CONSERVED}, read),
    )
    return usage.with_reading(reading)


def _grouped(frame: pd.DataFrame, extract: Extract, attributes: list[str], how: How, *, name: str) -> pd.DataFrame:
    """The records by period and key, added up: one row a period, key, page and set of attributes."""
    if "rows" not in frame:
        moment = _moments(frame, extract.width)
        frame = frame.assign(begin=moment, end=moment, rows=1.0, blank=0.0)
    frame = frame.assign(date=_periods(frame[schema.DATE], extract.width, how))
    if not _keeps_people(name, how):
        frame = frame.drop(columns=[c for c in PERSONAL if c in frame])
    for column, value in how.fill.items():
        if column in frame and frame[column].notna().any():
            raise UsageError(f"{extract.name}: column {column!r}: is in the export already; leave it out of fill=")
        frame[column] = value
    keys = [c for c in (schema.DATE, *schema.DIMENSIONS, "charge_category", "currency", *attributes) if c in frame]
    measures = [m for m in _MEASURES if m in frame]
    grouped = _by_code(frame, [*keys, *_also(frame), "part"])
    sums = grouped.rows[[*measures, "rows", "blank"]].sum(min_count=1)
    known = grouped.rows[measures].count()
    mixed = (known.lt(grouped.rows.size(), axis=0) & known.gt(0)).any(axis=1)
    sums["blank"] = (mixed | (sums["blank"] > 0)).astype("float64")
    spans = grouped.rows.agg(begin=("begin", "min"), end=("end", "max"))
    table = pd.concat([grouped.names, sums, spans], axis=1)
    return how.rules.applied(table) if how.rules is not None and name != TIDY else table


@dataclass(frozen=True, slots=True)
class _Groups:
    """Rows by the number of their group, and what each group is called: (group,), in order of appearance."""

    rows: Any
    names: pd.DataFrame


def _by_code(frame: pd.DataFrame, keys: list[str]) -> _Groups:
    """Group by one number in place of many columns: with many names it is much faster."""
    code = frame.groupby(keys, dropna=False, sort=False).ngroup()
    order = pd.Series(pd.factorize(code)[0], index=frame.index)
    return _Groups(frame.groupby(order, sort=True), frame.loc[~order.duplicated(), keys].reset_index(drop=True))


def _moments(frame: pd.DataFrame, width: Width) -> pd.Series:
    """When each request was made, in UTC, where the records are requests."""
    if width != "moment":
        return pd.Series(pd.NaT, index=frame.index)
    moment = frame[schema.DATE]
    return moment.dt.tz_localize(None) if isinstance(moment.dtype, pd.DatetimeTZDtype) else moment


def _keeps_people(name: str, how: How) -> bool:
    """Whether names of people stay: as asked, and in a tidy table, which has the columns that its owner gave it."""
    return how.personal or name == TIDY


def _also(frame: pd.DataFrame) -> list[str]:
    return ["recorded_at"] if "recorded_at" in frame else []


def _exports(table: pd.DataFrame, named: set[str]) -> pd.Series:
    """A number for each source and page, in the order of reading; sources whose requests bear ids are one export."""
    one = table["source"].isin(named)
    told = pd.DataFrame({name: table[name].astype("object").mask(one) for name in ("source", "part")})
    return told.groupby(["source", "part"], sort=False, dropna=False).ngroup()


def _periods(date: pd.Series, width: Width, how: How) -> pd.Series:
    """The period of each record in the billing zone."""
    zoned = isinstance(date.dtype, pd.DatetimeTZDtype)
    if zoned and width in ("moment", "hour"):
        date = date.dt.tz_convert(how.timezone)
    local = date.dt.tz_localize(None) if zoned else date
    grain = how.grain or _GRAINS[width]
    if grain == "month":
        month: pd.Series = local.dt.normalize() - pd.to_timedelta(local.dt.day - 1, unit="D")
        return month
    floored: pd.Series = local.dt.floor("h" if grain == "hour" else "D")
    return floored


def _grain(widths: Mapping[Width, str], asked: Grain | None) -> Grain:
    """The grain of the table: as asked, else that of the sources, which must be one."""
    natural = {_GRAINS[w]: name for w, name in widths.items()}
    if asked is not None:
        finest = {"moment": 0, "hour": 0, "day": 1, "month": 2}
        for width, name in widths.items():
            if finest[width] > _ORDER.index(asked):
                raise UsageError(f"{name}: is by {width}; it cannot be read by {asked}: leave grain= out")
        return asked
    if len(natural) > 1:
        told = " and ".join(f"{name} is by {grain}" for grain, name in natural.items())
        coarse = max(natural, key=_ORDER.index)
        raise UsageError(f"{told}: one usage has one grain; read them apart, or with grain={coarse!r}")
    return next(iter(natural), "day")


def _with_zeros(
    frame: pd.DataFrame,
    keys: list[str],
    measures: list[str],
    grain: Grain,
    covered: list[tuple[pd.Timestamp, pd.Timestamp]],
    notes: list[str],
) -> pd.DataFrame:
    """The frame with a row of zeros on each day that an export covers and says nothing of: nothing was used.

    The row bears the names of the commonest key, which used nothing either; a day that no export covers is a gap.
    """
    counts = [m for m in measures if m not in schema.MONEY]
    if grain != "day" or not covered or not counts:
        return frame
    days = [pd.date_range(start.normalize(), end.normalize(), inclusive="left") for start, end in covered]
    silent = pd.DatetimeIndex(sorted(set().union(*days) - set(frame[schema.DATE])))
    if silent.empty:
        return frame
    notes.append(f"{len(silent)} days without any usage are zeros: the exports cover them")
    counted = frame[frame[counts].notna().any(axis=1)]
    names = counted.groupby([k for k in keys if k != schema.DATE], dropna=False, sort=False).ngroup()
    one = counted[names == names.mode().iloc[0]].iloc[[0]]
    zeros = {m: 0.0 if bool(one[m].notna().any()) else np.nan for m in measures if m not in schema.MONEY}
    bare = {m: np.nan for m in measures if m in schema.MONEY}
    filled = pd.concat([one] * len(silent)).assign(date=silent, **zeros, **bare, rows=0.0, blank=0.0)
    return pd.concat([frame, filled], ignore_index=True)


def _blank_parts(frame: pd.DataFrame, mixed: int) -> list[str]:
    """Measures that are blank in some rows and known in others, and sums over such rows."""
    told = f"{mixed} sums hold rows in which a quantity is blank: the sum is of those that are known"
    blank = [
        f"{m} in {int(frame[m].isna().sum())}"
        for m in (schema.REQUESTS, *TOKENS)
        if m in frame and frame[m].isna().any()
    ]
    unknown = f"unknown, not 0, of {len(frame)} rows: {', '.join(blank)}"
    return [told] * bool(mixed) + [unknown] * bool(blank)


def _usage(frame: pd.DataFrame, measures: list[str], grain: Grain, how: How, *, source: str, notes: list[str]) -> Usage:
    keys = [c for c in (schema.DATE, *schema.DIMENSIONS, "charge_category", "currency") if c in frame]
    table = frame.groupby([*keys, *_also(frame)], dropna=False, sort=False)[measures].sum(min_count=1).reset_index()
    table = table.dropna(axis="columns", how="all")
    notes += _blank_parts(table, int((frame["blank"] > 0).sum()))
    return Usage.from_frame(
        table,
        timezone=how.timezone,
        sort=True,
        source=source,
        grain=grain,
        notes=notes,
        duplicates="sum",
        currency=how.currency,
        rates=how.rates,
    )


def _refuse_moving_rates(frame: pd.DataFrame, rates: Rates, currency: str | None, named: str) -> None:
    """Refuse months that are added up from days at different rates: their sum is converted at the first day's."""
    if "currency" not in frame:
        return
    into = (currency or rates.base).upper()
    months = frame.loc[frame["currency"].notna() & (frame["currency"] != into), ["currency", schema.DATE]]
    for code, first in months.drop_duplicates().itertuples(index=False):
        if rates.change_between(str(code), into, first, first + pd.offsets.MonthEnd()):
            raise UsageError(
                f"{named}: the rate of {code} into {into} changes within {first:%Y-%m}, so a whole month has no one "
                "rate: read it by day (leave grain= out), or give one rate a month, dated its first day"
            )


def _nothing(names: str, rejected: list[pd.DataFrame]) -> None:
    lost = pd.concat(rejected, ignore_index=True) if rejected else pd.DataFrame()
    if len(lost):
        one = lost.iloc[0]
        raise UsageError(
            f"{names}: all {int(lost['rows'].sum())} rows are rejected, such as row {one['row']}: {one['reason']} "
            f"({one['value']})"
        )
    raise UsageError(f"{names}: there are no rows; export a span of time in which something was used")
