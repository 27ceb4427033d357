"""Assembly: the extracts of all sources come in; one canonical table and the account of its reading go out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd

from forecast import schema
from forecast.currency import Rates
from forecast.errors import UsageError
from forecast.readers.overlap import Overlap, counted_once, under_other_names
from forecast.readers.rules import Rules
from forecast.readers.sheet import CONSERVED, TOKENS, Extract, Width, sums_of
from forecast.reading import OVERLAPS, REJECTED, SOURCES, Reading, table_of
from forecast.schema import Grain
from forecast.usage import Usage

#: The format of tables that bear canonical names.
TIDY: Final = "tidy"
#: Attributes and columns that tell who a person is: dropped unless asked for.
PERSONAL: Final = ("user", "user_email", "end_user", "ip_address")
_MEASURES: Final = (schema.REQUESTS, *schema.UNITS, *schema.MONEY)
_GRAINS: Final[dict[Width, Grain]] = {"moment": "day", "hour": "hour", "day": "day", "month": "month"}
_ORDER: Final = ("hour", "day", "month")
#: More keys of one column than this are not listed one by one.
_MOST_UNMATCHED: Final = 1_000


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
    seen, groups, accounts, rejected, notes = _Seen(), [], [], [], []
    widths: dict[Width, str] = {}
    held, lost, twice = (dict.fromkeys(CONSERVED, 0.0) for _ in range(3))
    attributes: dict[str, None] = {}
    covered: list[tuple[pd.Timestamp, pd.Timestamp]] = []
    unnamed: set[str] = set()
    for name, extract in extracts:
        frame = extract.frame
        widths.setdefault(extract.width, extract.name)
        for column, value in extract.held.items():
            held[column] += value
            lost[column] += extract.lost[column]
        if how.dedupe and extract.repeated:
            seen.repeated += int(extract.repeated["rows"])
            for column in twice:
                twice[column] += extract.repeated.get(column, 0.0)
        elif how.dedupe:
            if "identity" not in frame:
                raise UsageError(f"{extract.name}: dedupe='request_id': a {name} export bears no ids of requests")
            first = seen.first(frame["identity"])
            for column, value in sums_of(frame[~first]).items():
                twice[column] += value
            frame = frame[first]
            unnamed |= {extract.name} if frame["identity"].isna().any() else set()
        attributes |= dict.fromkeys(a for a in extract.attributes if _keeps_people(name, how) or a not in PERSONAL)
        groups.append(_grouped(frame, extract, list(attributes), how, name=name).assign(source=extract.name))
        accounts.append(_account(name, extract))
        rejected.append(extract.rejected)
        covered += extract.covered
        notes += [f"{extract.name}: {note}" for note in extract.notes]
    grain = _grain(widths, how.grain)
    table = pd.concat(groups, ignore_index=True) if groups else pd.DataFrame()
    if table.empty:
        _nothing(named, rejected)
    by_id = {str(name) for name, *_ in accounts} - unnamed if how.dedupe else set()
    table["export"] = _exports(table, by_id)
    measures = [m for m in _MEASURES if m in table]
    keys = [c for c in (schema.DATE, *schema.DIMENSIONS, "charge_category", "currency", *attributes) if c in table]
    merged = table.groupby([*keys, *_also(table), "export"], dropna=False, sort=False)
    table = (
        merged[[*measures, "rows", "blank"]]
        .sum(min_count=1)
        .join(merged.agg(begin=("begin", "min"), end=("end", "max"), source=("source", "first")))
        .reset_index()
    )
    apart = counted_once(table, keys, measures, how.overlap)
    notes += under_other_names(apart.frame)
    kept = _with_zeros(apart.frame, keys, measures, grain, covered, notes)
    if how.rules is not None and any(name != TIDY for _, name, *_ in accounts):
        notes += how.rules.check(kept.columns)
    if how.dedupe and seen.repeated:
        notes.append(
            f"{seen.repeated} requests stood in more than one place and are counted once (dedupe='request_id')"
        )
    usage = _usage(kept, measures, grain, how, source=named, notes=notes)
    once = sums_of(apart.dropped)
    read = sums_of(usage.frame if how.rates is None else kept)  # money that is converted adds up before it is
    reading = Reading(
        _sources(accounts),
        pd.concat(rejected, ignore_index=True) if rejected else table_of([], REJECTED),
        apart.overlaps if len(apart.overlaps) else table_of([], OVERLAPS),
        unmatched_of(kept, how.rules, list(attributes)),
        _conservation(held, lost, {c: twice[c] + once.get(c, 0.0) for c in CONSERVED}, read),
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
    grouped = frame.groupby([*keys, *_also(frame), "part"], dropna=False, sort=False)
    sums = grouped[[*measures, "rows", "blank"]].sum(min_count=1)
    known = grouped[measures].count()
    mixed = (known.lt(grouped.size(), axis=0) & known.gt(0)).any(axis=1)
    sums["blank"] = (mixed | (sums["blank"] > 0)).astype("float64")
    table = sums.join(grouped.agg(begin=("begin", "min"), end=("end", "max"))).reset_index()
    return how.rules.applied(table) if how.rules is not None and name != TIDY else table


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


def unmatched_of(frame: pd.DataFrame, rules: Rules | None, attributes: list[str]) -> pd.DataFrame:
    """What the rules left blank, by the names that they could have matched, and what it weighs."""
    columns = ("column", *attributes, "rows", "requests", "tokens", "money")
    tokens = [u for u in TOKENS if u in frame]
    money = next((m for m in schema.MONEY if m in frame), None)
    told = frame.assign(
        tokens=frame[tokens].sum(axis=1, min_count=1) if tokens else np.nan,
        money=frame[money] if money else np.nan,
        requests=frame.get(schema.REQUESTS, np.nan),
        rows=frame.get("rows", 1.0),
    )
    found, by_names = [], [*attributes, *schema.KEYS]
    for column in rules.targets if rules is not None else ():
        blank = told[told[column].isna() & (told["rows"] > 0)]
        by = attributes or [c for c in schema.KEYS if c in blank and c != column]
        if len(blank):
            sums = blank.groupby(by, dropna=False, sort=False)[["rows", "requests", "tokens", "money"]].sum(min_count=1)
            found.append(sums.reset_index().assign(column=column).head(_MOST_UNMATCHED))
    if not found:
        return table_of([], columns)
    table = pd.concat(found, ignore_index=True)
    named = [c for c in by_names if c in table and table[c].notna().any()]
    return table[["column", *named, "rows", "requests", "tokens", "money"]]


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


def _nothing(names: str, rejected: list[pd.DataFrame]) -> None:
    lost = pd.concat(rejected, ignore_index=True) if rejected else pd.DataFrame()
    if len(lost):
        one = lost.iloc[0]
        raise UsageError(
            f"{names}: all {int(lost['rows'].sum())} rows are rejected, such as row {one['row']}: {one['reason']} "
            f"({one['value']})"
        )
    raise UsageError(f"{names}: there are no rows; export a span of time in which something was used")


def _account(name: str, extract: Extract) -> tuple[object, ...]:
    """One row of :data:`forecast.reading.SOURCES`."""
    held, date = extract.held, extract.frame[schema.DATE]
    money = next((held[m] for m in schema.MONEY if m in held), np.nan)
    date = date.dt.tz_localize(None) if isinstance(date.dtype, pd.DatetimeTZDtype) else date
    sums = (held.get(schema.REQUESTS, np.nan), held.get("tokens", np.nan), money)
    return (extract.name, name, extract.records, date.min(), date.max(), *sums)


def _sources(accounts: list[tuple[object, ...]]) -> pd.DataFrame:
    """The sources, each once, its parts added up."""
    grouped = table_of(accounts, SOURCES).groupby(["source", "format"], sort=False)
    added = grouped[["records", "requests", "tokens", "money"]].sum(min_count=1)
    spans = grouped.agg(first=("first", "min"), last=("last", "max"))
    return added.join(spans).reset_index().loc[:, list(SOURCES)]


def whole_reading(usage: Usage, rules: Rules | None) -> Reading:
    """The account of a tidy source, of which every row was read."""
    held = dict.fromkeys(CONSERVED, 0.0) | sums_of(usage.frame)
    nothing = dict.fromkeys(CONSERVED, 0.0)
    money = next((held[m] for m in schema.MONEY if m in usage.frame), np.nan)
    sums = (*(held[c] if c in sums_of(usage.frame) else np.nan for c in (schema.REQUESTS, "tokens")), money)
    row = (usage.source, TIDY, len(usage.frame), usage.start, usage.end, *sums)
    return Reading(
        table_of([row], SOURCES),
        table_of([], REJECTED),
        table_of([], OVERLAPS),
        unmatched_of(usage.frame, rules, []),
        _conservation(held, nothing, nothing, sums_of(usage.frame)),
    )


def _conservation(
    held: Mapping[str, float], lost: Mapping[str, float], once: Mapping[str, float], read: Mapping[str, float]
) -> pd.DataFrame:
    """Held less rejected less counted once is read.

    Raises
    ------
    UsageError
        It is not: something was lost on the way, which is a defect of the reading.
    """
    columns = [c for c in CONSERVED if held[c] or c in read]
    for c in columns:
        left = held[c] - lost[c] - once[c]
        if not np.isclose(left, read.get(c, 0.0), rtol=1e-9, atol=1e-6):
            raise UsageError(
                f"{c} do not add up: {held[c]:,.6g} held, {lost[c]:,.6g} rejected, {once[c]:,.6g} counted once, "
                f"{read.get(c, 0.0):,.6g} read; please report it with the export's format"
            )
    rows = {
        "held": [held[c] for c in columns],
        "rejected": [lost[c] for c in columns],
        "counted once": [once[c] for c in columns],
        "read": [read.get(c, 0.0) for c in columns],
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)
