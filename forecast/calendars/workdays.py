"""Working days. Comes in: days, a country and a region. Goes out: which are worked, and the names of the holidays."""

from __future__ import annotations

import difflib
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast.calendars.dates import Days
from forecast.errors import HorizonError, nearest

if TYPE_CHECKING:
    from holidays import HolidayBase

#: Names of holidays are asked for in this language where the package has it, else in the country's own.
LANGUAGE = "en_US"


def working(days: Days, country: str | None, region: str | None) -> NDArray[np.bool_]:
    """Which days are worked: bool (day,).

    A country has its own weekend, its public holidays (days observed in their place included), and the weekend days
    that it works instead. Without a country Monday to Friday are worked, and no holiday is known.

    Parameters
    ----------
    days : datetime64[D] array (day,)
    country, region : str, optional
        As :func:`country_code` and :func:`region_code` give them.

    Raises
    ------
    HorizonError
        The holidays of a year are not known.
    """
    if country is None:
        return np.asarray(np.is_busday(days))
    worked = np.zeros(days.shape, dtype=bool)
    years = _years(days)
    for year in np.unique(years):
        at = years == year
        worked[at] = _year(country, region, int(year))[(days[at] - np.datetime64(f"{year:04d}-01-01")).astype(int)]
    return worked


def holiday_names(days: Days, country: str, region: str | None) -> pd.Series:
    """The public holidays among some days: their names, indexed by day."""
    found: dict[pd.Timestamp, str] = {}
    for year in np.unique(_years(days)):
        found.update({pd.Timestamp(day): name for day, name in _known(country, region, int(year)).items()})
    named = pd.Series(found, dtype="object", name="holiday").sort_index()
    named.index = pd.DatetimeIndex(named.index, name="date")
    return named[named.index.isin(pd.DatetimeIndex(days))]


def country_code(country: object) -> str:
    """The ISO 3166-1 alpha-2 code of a country that the package knows, from its code of two or three letters.

    Raises
    ------
    HorizonError
        No such country; the message names the nearest.
    """
    import holidays
    from holidays.registry import COUNTRIES

    code = country.strip().upper() if isinstance(country, str) else ""
    if code in holidays.list_supported_countries():
        return str(getattr(holidays, code)().country)
    every = {name.replace("_", " "): codes[1] for name, codes in COUNTRIES.items()}
    every |= {codes[2].lower(): codes[1] for codes in COUNTRIES.values()}
    close = difflib.get_close_matches(str(country).strip().lower(), every, n=1, cutoff=0.6)
    hint = f"; did you mean {every[close[0]]!r}?" if close else ""
    raise HorizonError(
        f"country={country!r} is not a country whose holidays are known; wanted its ISO code, such as 'US', 'GB' "
        f"or 'DE'{hint}"
    )


def region_code(country: str, region: object) -> str:
    """The code of a country's region (state, province, nation), by the code or name that the package knows.

    Raises
    ------
    HorizonError
        No such region; the message lists them and names the nearest.
    """
    entity = _entity(country)
    aliases = dict(entity.subdivisions_aliases)
    wanted = str(region).strip()
    for known in (wanted, wanted.upper()):
        if known in entity.subdivisions:
            return known
    if wanted in aliases:
        return aliases[wanted]
    if not entity.subdivisions:
        raise HorizonError(f"region={region!r}: the holidays of {country} are the same everywhere; leave region out")
    listed = ", ".join(entity.subdivisions)
    raise HorizonError(
        f"region={region!r} is not a region of {country}; allowed: {listed}"
        f"{nearest(region, [*entity.subdivisions, *aliases])}"
    )


def _years(days: Days) -> NDArray[np.intp]:
    return np.asarray(days.astype("datetime64[Y]").astype(np.intp) + 1970)


def _entity(country: str) -> HolidayBase:
    """A country's holidays, no year filled in yet."""
    from holidays import country_holidays

    return country_holidays(country)


@cache
def _known(country: str, region: str | None, year: int) -> HolidayBase:
    """The holidays of a year; the years around are filled in too, for days that are observed across a year's end."""
    from holidays import country_holidays

    entity = _entity(country)
    if not entity.start_year <= year <= entity.end_year:
        raise HorizonError(
            f"the public holidays of {country} are known from {entity.start_year} to {entity.end_year}, not in {year}: "
            "working days can't be counted; a newer version of the package holidays may know them"
        )
    language = LANGUAGE if LANGUAGE in entity.supported_languages else entity.default_language
    years = [y for y in (year - 1, year, year + 1) if entity.start_year <= y <= entity.end_year]
    return country_holidays(country, subdiv=region, years=years, language=language, expand=False)


@cache
def _year(country: str, region: str | None, year: int) -> NDArray[np.bool_]:
    """Which days of a year are worked: bool (day of the year,)."""
    known = _known(country, region, year)
    days = np.arange(f"{year:04d}-01-01", f"{year + 1:04d}-01-01", dtype="datetime64[D]").tolist()
    return np.array([known.is_working_day(day) for day in days])
