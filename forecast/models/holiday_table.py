"""Holidays as Prophet takes them. Comes in: a country's code, or a table. Goes out: the same, checked and copied."""

from __future__ import annotations

import pandas as pd

from forecast.calendars import Calendar
from forecast.errors import HorizonError, ModelError, bad_rows, nearest
from forecast.panel import Panel
from forecast.periods import extents


def holidays_of(given: object) -> str | pd.DataFrame | None:
    """A country's code, or a copy of a table of holidays."""
    if given is None:
        return None
    if isinstance(given, pd.DataFrame):
        return _holiday_table(given)
    if not isinstance(given, str):
        raise ModelError(
            f"holidays={given!r}: wanted a country's ISO code, such as 'US', or a DataFrame with the columns ds and "
            "holiday; fc.Holidays goes among the regressors"
        )
    try:
        return Calendar(country=given).country
    except HorizonError as cause:
        raise ModelError(f"holidays: {cause}") from cause


def _holiday_table(given: pd.DataFrame) -> pd.DataFrame:
    table = given.copy()
    for column in ("ds", "holiday"):
        if column not in table:
            have = ", ".join(map(str, table.columns))
            raise ModelError(
                f"the table of holidays has no column {column!r}; it has {have}{nearest(column, table.columns)}"
            )
    if table.empty:
        raise ModelError("the table of holidays has no rows")
    table["ds"] = pd.to_datetime(table["ds"], errors="coerce")
    for column, wanted in (("ds", "a date"), ("holiday", "a name")):
        if table[column].isna().any():
            rows = bad_rows(given, table[column].isna(), [column], first_row=0)
            raise ModelError(f"holidays, column {column!r}: not {wanted} in {rows}")
    if table["ds"].dt.tz is not None:
        table["ds"] = table["ds"].dt.tz_localize(None)
    table["holiday"] = table["holiday"].astype(str)
    windows = [w for w in ("lower_window", "upper_window") if w in table]
    if len(windows) == 1:
        raise ModelError(f"holidays: there is {windows[0]!r} alone; give lower_window and upper_window, or neither")
    if windows:
        # As Prophet reads a row of which one is missing: the day itself.
        table.loc[table[windows].isna().any(axis=1), windows] = 0
    for window in windows:
        days = pd.to_numeric(table[window], errors="coerce")
        wrong = days.isna() | (days > 0 if window == "lower_window" else days < 0) | (days % 1 != 0)
        if wrong.any():
            sign = "0 or below" if window == "lower_window" else "0 or above"
            rows = bad_rows(given, wrong, ["holiday", window], first_row=0)
            raise ModelError(f"holidays, column {window!r}: wanted whole days, {sign}, not {rows}")
        table[window] = days.astype("int64")
    return table


def unseen(holidays: str | pd.DataFrame | None, panel: Panel, ahead: pd.DatetimeIndex) -> tuple[str, ...]:
    """Holidays of a table that come ahead and have not come yet.

    Raises
    ------
    ModelError
        Periods are longer than a day, and holidays are a country's, or none bears a period's date.
    """
    if holidays is None:
        return ()
    whole = extents(panel.periods)
    longer = bool((whole.last.normalize() > whole.first.normalize()).any())
    instead = (
        f"of periods of freq={panel.freq!r} Prophet sees those that bear a holiday's date only; give "
        "regressors=[fc.Holidays('US')], say, which counts the working days that holidays take"
    )
    if isinstance(holidays, str):
        if longer:
            raise ModelError(f"holidays={holidays!r}: {instead}")
        return ()
    days = _holiday_days(holidays)
    names = [set(days.loc[days["ds"].isin(when.normalize()), "holiday"]) for when in (panel.periods, ahead)]
    if longer and not names[0] | names[1]:
        raise ModelError(f"holidays: no date of the table is a period's; {instead}")
    return tuple(sorted(names[1] - names[0]))


def _holiday_days(table: pd.DataFrame) -> pd.DataFrame:
    """Every day on which a table has a holiday, those around it included: ``ds, holiday``."""
    if "lower_window" not in table:
        return table[["ds", "holiday"]].assign(ds=table["ds"].dt.normalize())
    spans = [range(a, b + 1) for a, b in zip(table["lower_window"], table["upper_window"], strict=True)]
    days = table[["ds", "holiday"]].assign(by=pd.Series(spans, index=table.index)).explode("by")
    return days.assign(ds=days["ds"].dt.normalize() + pd.to_timedelta(days["by"].astype("int64"), unit="D"))
