"""Cleaning before fitting, with a log. Comes in: a panel. Goes out: what models fit, and what was done to it and why.

What is excluded becomes NaN, a gap that every model knows. What lies before a level shift is moved to the new level, so
that its season and growth are kept. Every finding is in the log, and can be overruled.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import pandas as pd

from forecast.breaks import WIDE, Steady, level_shifts, steady
from forecast.calendars import date_of
from forecast.errors import ModelError, nearest
from forecast.faults import (
    EVERY,
    Action,
    Finding,
    gaps,
    launches,
    partial_days,
    retirements,
    spikes,
    zero_days,
)
from forecast.panel import BoolArray, FloatArray, Panel, panel_of
from forecast.shown import Result, Shown, Table, short_repr, table_of

COLUMNS: Final = ("series", "start", "end", "kind", "action", "value", "expected", "why")
#: Stands for every series, in ``keep``, ``exclude`` and the log.
ALL: Final = "*"
#: The option of :class:`Cleaning` that a kind of finding obeys.
_OPTION: Final = {"gap": "gaps", "partial": "partial", "spike": "spikes", "level_shift": "level_shifts"}
#: What one finding of a kind is called, and several.
_WORDS: Final = {
    "asked": ("entry by hand", "entries by hand"),
    "gap": ("gap", "gaps"),
    "level_shift": ("level shift", "level shifts"),
    "partial": ("partial end", "partial ends"),
    "pre_launch": ("pre-launch time", "pre-launch times"),
    "retired": ("retirement", "retirements"),
    "spike": ("spike", "spikes"),
}
#: Days over which a level is told before and after a shift.
_TOLD: Final = 28


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaning:
    """What is done about what is found; everything found is in the log either way.

    Parameters
    ----------
    gaps, partial, spikes, level_shifts : bool
        False: findings of the kind are noted, and nothing is done. Periods without any row stay unknown.
    keep : sequence of (series, date)
        Findings that are left as they are: those of the series that hold the date. ``"*"`` stands for every series.
    exclude : sequence of (series, date) or (series, first date, last date)
        What is not to be fitted whatever is found, such as a load test.

    Raises
    ------
    ModelError
        An entry has another shape, or a date that cannot be read.
    """

    __repr__ = short_repr

    gaps: bool = True
    partial: bool = True
    spikes: bool = True
    level_shifts: bool = True
    keep: tuple[tuple[str, str], ...] = ()
    exclude: tuple[tuple[str, str] | tuple[str, str, str], ...] = ()

    def __post_init__(self) -> None:
        for name in _OPTION.values():
            if not isinstance(getattr(self, name), bool):
                raise ModelError(f"Cleaning: {name}={getattr(self, name)!r}: wanted True or False")
        object.__setattr__(self, "keep", _entries("keep", self.keep, (2,)))
        object.__setattr__(self, "exclude", _entries("exclude", self.exclude, (2, 3)))


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Cleaned(Result):
    """What models fit, and how it came of what was measured.

    Attributes
    ----------
    panel : Panel
        Excluded values are NaN; values before a level shift are at the new level.
    log : DataFrame
        One row a finding: ``series, start, end, kind, action, value, expected, why``. ``value`` and ``expected`` are
        means a period; of a level shift, over at most four weeks after and before it. NaN where there is none.
    notes : tuple of str
        The log in a sentence.
    """

    panel: Panel
    log: pd.DataFrame
    notes: tuple[str, ...] = field(default=())

    @property
    def frame(self) -> pd.DataFrame:
        """The panel as a long frame ``unique_id, ds, y``."""
        wide = pd.DataFrame(self.panel.values, index=self.panel.periods, columns=list(self.panel.series))
        long = wide.reset_index(names="ds").melt(id_vars="ds", var_name="unique_id", value_name="y")
        return long[["unique_id", "ds", "y"]]

    def table(self) -> Table:
        """The log to be read: what was done first, then what was noted; at most 20 rows, the rest counted."""
        done = self.log["action"].isin(["excluded", "moved"])
        log = pd.concat([self.log[done], self.log[~done]])
        caption = "What was looked for in the history, and what was done about it."
        return table_of(log, kinds={"why": "words"}, caption=caption, where=".log", labels=1)

    def __repr__(self) -> str:
        """One line: how many series, and what was done to them."""
        return f"Cleaned({len(self.panel.series)} series; {' '.join(self.notes) or 'nothing found'})"

    def show(self) -> Shown:
        """What was done, and why."""
        said = "; ".join(self.notes) or "nothing found"
        return Shown(f"Cleaned, {len(self.panel.series):,} series", f"{said[0].upper()}{said[1:]}.", (self.table(),))


def clean(frame: pd.DataFrame, *, freq: str = "D", how: Cleaning | None = None) -> Cleaned:
    """Clean plain series before a forecast: ``.frame`` is what to forecast, ``.log`` what was done and why.

    Spikes, partial last days, days of zero and level shifts are looked for in daily series (``freq="D"``).
    :func:`forecast.sample_paths` and backtests of frames clean nothing by themselves: hand them ``.frame``.

    Parameters
    ----------
    frame : DataFrame
        Long: ``unique_id, ds, y``. Not changed.
    freq : str
        A pandas alias.
    how : Cleaning, optional
        What to do about findings, and what to keep or exclude by hand.

    Raises
    ------
    ModelError
        The frame breaks a rule, or ``how`` names a series that is not in it or excludes all of one.
    """
    check_cleaning(how)
    how = Cleaning() if how is None else how
    panel = panel_of(frame, freq)
    check_names(how, panel.series)
    return clean_panel(panel, how)


def clean_panel(panel: Panel, how: Cleaning) -> Cleaned:
    """Find, decide and apply: exclusions first, then level shifts in what is left.

    - ``pre_launch``: no use before the first, for at least a week and longer than any later rest: excluded.
    - ``gap``: periods without a row; and days of zero in a daily series that is never 0 else: excluded.
    - ``partial``: up to three last days far below their level: excluded. More, up to two weeks, are noted: too many for
      a late report, too few for a new level.
    - ``spike``: noted; excluded where it is a fault for certain: a day or two at three times their level or more and
      eight spreads above it, nothing felt of it on the days beside, and no other day like it. What recurs or ebbs away
      is how the series behaves, and part of the risk.
    - ``level_shift`` (:func:`forecast.breaks.level_shifts`): what lies before is multiplied to the new level. One that
      the next takes back is noted.
    - ``retired``: no use for the last two weeks, or months of monthly series: noted, and no shift or late day is looked
      for in such a series.

    Errors at past cuts are then errors on the cleaned series: a shift that was moved is no part of its own series'
    band, which still holds the errors of the rest of its history and of the panel.

    Raises
    ------
    ModelError
        ``how`` excludes all that is known of a series.
    """
    values = panel.values.copy()
    found = _decided(_asked(panel, how), panel, how)
    found += _decided([*launches(values), *gaps(values)], panel, how)
    _exclude(values, found)
    expected = np.full(values.shape, np.nan)
    ended = retirements(values, monthly=panel.freq == "MS")
    if panel.freq == "D":
        season = _without(steady(replace(panel, values=values)), ended)
        faults = _decided([*zero_days(season, values), *partial_days(season), *spikes(season)], panel, how)
        _exclude(values, faults)
        expected = _expected(season, faults)
        season = replace(season, log=np.where(np.isnan(values) | _late(season, faults), np.nan, season.log))
        shifts = _decided(_shifted(season, replace(panel, values=values)), panel, how)
        for shift in shifts:
            if shift.action == "moved":
                values[: shift.first, shift.series] *= np.exp(shift.size)
        found += faults + shifts
    found += ended
    _check_left(panel, values)
    log = _log(found, panel, expected, how)
    return Cleaned(replace(panel, values=values), log, summary(log))


def check_cleaning(value: object) -> None:
    """Raise ModelError unless ``value`` is a Cleaning, or None for none."""
    if value is not None and not isinstance(value, Cleaning):
        raise ModelError(f"cleaning={value!r}: wanted fc.Cleaning(...), or None to fit what was measured")


def check_names(how: Cleaning, series: Iterable[str]) -> None:
    """Raise ModelError where ``keep`` or ``exclude`` names a series that there is not."""
    known = set(series)
    for name in ("keep", "exclude"):
        for entry in getattr(how, name):
            if entry[0] not in known and entry[0] != ALL:
                raise ModelError(
                    f"Cleaning: {name} names the series {entry[0]!r}, which there is not; the series are "
                    f"{', '.join(sorted(known)[:5])}{' and others' * (len(known) > 5)}{nearest(entry[0], known)}"
                )


def summary(log: pd.DataFrame) -> tuple[str, ...]:
    """A log in one sentence, none where it is empty: how many of each kind were excluded, moved, kept or noted."""
    if log.empty:
        return ()
    said = []
    for action in ("excluded", "moved", "kept", "noted"):
        kinds = log.loc[log["action"] == action, "kind"].value_counts().sort_index()
        if len(kinds):
            said.append(f"{action} " + ", ".join(f"{n} {_WORDS[str(kind)][n > 1]}" for kind, n in kinds.items()))
    return (f"cleaning before fitting: {'; '.join(said)}",)


def _entries(name: str, given: object, lengths: tuple[int, ...]) -> tuple[tuple[str, ...], ...]:
    shape = "(series, date)" + (" or (series, first date, last date)" if 3 in lengths else "")
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ModelError(f"Cleaning: {name}={given!r}: wanted a sequence of {shape}")
    entries = []
    for entry in given:
        if not isinstance(entry, list | tuple) or len(entry) not in lengths or not isinstance(entry[0], str):
            raise ModelError(f"Cleaning: {name} holds {entry!r}: wanted {shape}")
        dates = [date_of(value, f"Cleaning: {name}: the date of {entry[0]!r}", ModelError) for value in entry[1:]]
        if dates[-1] < dates[0]:
            raise ModelError(f"Cleaning: {name} holds {entry!r}: its last date lies before its first")
        entries.append((entry[0], *(f"{date:%Y-%m-%d}" for date in dates)))
    return tuple(entries)


def _asked(panel: Panel, how: Cleaning) -> list[Finding]:
    """What the caller excludes, as far as it lies in the history."""
    found = []
    for name, first, *last in how.exclude:
        rows = _rows(panel, first, last[0] if last else first)
        if rows:
            columns = [EVERY] if name == ALL else [i for i, s in enumerate(panel.series) if s == name]
            found += [Finding(i, rows[0], rows[-1], "asked", "excluded", "excluded by hand") for i in columns]
    return found


def _rows(panel: Panel, first: str, last: str) -> list[int]:
    """The periods that begin on a day from ``first`` to ``last``."""
    day = panel.periods.normalize()
    return np.flatnonzero((day >= pd.Timestamp(first)) & (day <= pd.Timestamp(last))).tolist()


def _without(season: Steady, ended: list[Finding]) -> Steady:
    """The same, with retired series taken as resting: their end is no shift, and their last days are not late."""
    resting = season.resting.copy()
    resting[[one.series for one in ended]] = True
    return replace(season, resting=resting)


def _expected(season: Steady, faults: list[Finding]) -> FloatArray:
    """Values at the level: (day, series); of late days, at the level that they had not drawn down."""
    level = season.level.copy()
    for one in faults:
        if one.kind == "partial":
            level[one.first :, one.series] = level[max(0, one.first - WIDE // 2 - 1), one.series]
    return np.where(season.resting, np.nan, np.exp(level + season.week))


def _late(season: Steady, faults: list[Finding]) -> BoolArray:
    """Which days are late, or too few to tell: no new level is read from them. Shape (day, series)."""
    late = np.zeros(season.log.shape, dtype=bool)
    for one in faults:
        if one.kind == "partial":
            late[one.first : one.last + 1, one.series] = True
    return late


def _shifted(season: Steady, panel: Panel) -> list[Finding]:
    """Level shifts as findings, on the first day of the new level."""
    found = []
    for shift in level_shifts(season, panel):
        why = f"{np.expm1(shift.size):+.0%} from here on, {shift.errors:.1f} standard errors; "
        why += "what lies before is moved to this level" if shift.lasting else "not lasting: a neighbour takes it back"
        action: Action = "moved" if shift.lasting else "noted"
        found.append(Finding(shift.series, shift.day, shift.day, "level_shift", action, why, shift.size))
    return found


def _decided(found: list[Finding], panel: Panel, how: Cleaning) -> list[Finding]:
    """What the caller overrules is noted or kept."""
    out = []
    for one in found:
        decided = one
        if one.action in ("excluded", "moved") and one.kind != "asked" and not _unknown(one, panel):
            option = _OPTION.get(one.kind)
            if any(_holds(entry, one, panel) for entry in how.keep):
                decided = replace(one, action="kept", why=f"{_bare(one)}; kept by hand")
            elif option is not None and not getattr(how, option):
                decided = replace(one, action="noted", why=f"{_bare(one)}; {option}=False")
        out.append(decided)
    return out


def _unknown(one: Finding, panel: Panel) -> bool:
    """Whether there is nothing to keep: no value is known."""
    column = slice(None) if one.series == EVERY else one.series
    return not np.isfinite(panel.values[one.first : one.last + 1, column]).any()


def _bare(one: Finding) -> str:
    return one.why.split("; ", maxsplit=1)[0] if one.kind == "level_shift" else one.why


def _holds(entry: tuple[str, ...], one: Finding, panel: Panel) -> bool:
    """Whether an entry of ``keep`` speaks of a finding."""
    day = pd.Timestamp(entry[1])
    named = entry[0] == ALL or one.series == EVERY or entry[0] == panel.series[one.series]
    return named and panel.periods[one.first].normalize() <= day <= panel.periods[one.last]


def _exclude(values: FloatArray, found: list[Finding]) -> None:
    for one in found:
        if one.action == "excluded":
            values[one.first : one.last + 1, slice(None) if one.series == EVERY else one.series] = np.nan


def _check_left(panel: Panel, values: FloatArray) -> None:
    gone = np.isfinite(panel.values).any(axis=0) & ~np.isfinite(values).any(axis=0)
    if gone.any():
        names = ", ".join(panel.series[i] for i in np.flatnonzero(gone)[:5])
        raise ModelError(f"Cleaning: exclude leaves nothing of {names}; exclude less, or leave such series out")


def _log(found: list[Finding], panel: Panel, expected: FloatArray, how: Cleaning) -> pd.DataFrame:
    """Findings in the order of series and dates, then what was asked in vain."""
    rows: list[tuple[object, ...]] = []
    for one in sorted(found, key=lambda f: (f.series, f.first, f.kind)):
        name = ALL if one.series == EVERY else panel.series[one.series]
        value, meant = _told(one, panel, expected)
        dates = panel.periods[one.first], panel.periods[one.last]
        rows.append((name, *dates, one.kind, one.action, value, meant, one.why))
    for name, first, *last in how.exclude:
        if not _rows(panel, first, last[0] if last else first):
            dates = pd.Timestamp(first), pd.Timestamp(last[0] if last else first)
            rows.append((name, *dates, "asked", "noted", np.nan, np.nan, "to be excluded, but not in the history"))
    for entry in how.keep:
        if not any(_holds(entry, one, panel) for one in found):
            why = "to be kept, but nothing was found on this date"
            rows.append((entry[0], *[pd.Timestamp(entry[1])] * 2, "asked", "noted", np.nan, np.nan, why))
    log = pd.DataFrame(rows, columns=list(COLUMNS))
    text = dict.fromkeys(("series", "kind", "action", "why"), "str")
    return log.astype({**text, "start": "datetime64[us]", "end": "datetime64[us]", "value": float, "expected": float})


def _told(one: Finding, panel: Panel, expected: FloatArray) -> tuple[float, float]:
    """The mean value and the mean that was expected."""
    if one.series == EVERY:
        return np.nan, np.nan
    column = panel.values[:, one.series]
    if one.kind == "level_shift":
        return _mean(column[one.first : one.first + _TOLD]), _mean(column[max(0, one.first - _TOLD) : one.first])
    rows = slice(one.first, one.last + 1)
    meant = np.nan if one.kind in ("pre_launch", "retired") else _mean(expected[rows, one.series])
    return _mean(column[rows]), meant


def _mean(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else np.nan
