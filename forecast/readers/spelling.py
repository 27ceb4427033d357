"""How numbers and dates are written. Comes in: cells of text. Goes out: the same, written plainly, and how.

1.234 is a thousand and some in one country, and one and some in another. Which of the two a file means is told by its
other numbers, never by where it was made; a file that does not tell is refused until ``decimal=`` says it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import pandas as pd

from forecast import schema
from forecast.checks import MEASURES
from forecast.errors import UsageError

Decimal = Literal[".", ","]

_EXPONENT: Final = r"(?:[eE][+-]?\d+)?"
#: A number whose decimals stand after a point, and one whose decimals stand after a comma; thousands may be apart.
_POINT: Final = re.compile(rf"[+-]?(?:\d*(?:\.\d*)?{_EXPONENT}|[1-9]\d{{0,2}}(?:,\d{{3}})+(?:\.\d*)?)")
_COMMA: Final = re.compile(rf"[+-]?(?:\d*(?:,\d*)?{_EXPONENT}|[1-9]\d{{0,2}}(?:\.\d{{3}})+(?:,\d*)?)")
#: Thousands that stand apart by a space or an apostrophe, which nothing else does.
_APART: Final = r"^([+-]?\d{1,3}(?:[ \u00a0\u202f'\u2019]\d{3})+)(?=$|[.,])"
_DOTTED: Final = r"^(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})(?:[ T]+(?P<time>\d{1,2}:\d{2}(?::\d{2})?))?$"
_SLASHED: Final = (
    r"^(?P<first>\d{1,2})/(?P<second>\d{1,2})/(?P<year>\d{4})(?:[ T]+(?P<time>\d{1,2}:\d{2}(?::\d{2})?))?$"
)
_MONTHS: Final = r"^(?P<month>\d{1,2})[./](?P<year>\d{4})$"


@dataclass(frozen=True, slots=True)
class Plain:
    """Cells written plainly: numbers as 1234.5, dates as 2026-12-31; and what was assumed, in words."""

    frame: pd.DataFrame
    notes: tuple[str, ...]


def written_plainly(
    frame: pd.DataFrame,
    columns: Mapping[str, str],
    *,
    name: str,
    first_row: int,
    separator: str = ",",
    decimal: Decimal | None = None,
) -> Plain:
    """The cells of measures and dates, written plainly.

    Parameters
    ----------
    frame : DataFrame
        Not changed. Columns that are not text stay as they are.
    columns : mapping
        Canonical column → the frame's own name.
    name, first_row
        How errors call the frame, and the number of its first row.
    separator : str
        What stands between the file's cells: between commas, a number without another mark has a decimal point.
    decimal : {".", ","}, optional
        What stands before decimals; found from the numbers where it is not given.

    Raises
    ------
    UsageError
        Numbers that may be read in two ways, or some in one way and some in the other; days that may be months.
    """
    canonical = {own: known for known, own in columns.items()}
    texts = [c for c in frame if isinstance(c, str) and _is_text(frame[c])]
    kinds = {own: canonical.get(own, own) for own in texts}
    place = _Place(frame, name, first_row)
    changed: dict[str, pd.Series] = {}
    notes: list[str] = []
    numbers = {own: _together(frame[own]) for own, kind in kinds.items() if kind in MEASURES}
    mark = decimal or _decimal(numbers, kinds, place, separator)
    for own, text in numbers.items():
        changed[own] = _number(own, text, mark, place, told=decimal is not None)
        notes += [] if notes else _odd_number(own, frame[own], changed[own], mark, place)
    for own in (o for o, kind in kinds.items() if kind in (schema.DATE, "recorded_at")):
        dates, told = _dates(own, frame[own], place)
        changed[own] = dates
        notes += [told] if told and told not in notes else []
    return Plain(frame.assign(**changed), tuple(notes))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where cells stand: what errors say of them."""

    frame: pd.DataFrame
    name: str
    first_row: int

    def first(self, own: str, bad: pd.Series) -> str:
        """The first bad cell of a column, by its row."""
        at = int(bad.to_numpy().argmax())
        return f"column {own!r}: {str(self.frame[own].iloc[at]).strip()} in row {at + self.first_row}"


def _is_text(cells: pd.Series) -> bool:
    return isinstance(cells.dtype, pd.StringDtype) or (
        cells.dtype == object and pd.api.types.infer_dtype(cells, skipna=True) == "string"
    )


def _together(cells: pd.Series) -> pd.Series:
    """Numbers without spaces and apostrophes between their thousands."""
    text = cells.astype("str").str.strip()
    return text.str.replace(_APART, lambda m: re.sub(r"[^\d+-]", "", m[1]), regex=True)


def _decimal(numbers: Mapping[str, pd.Series], kinds: Mapping[str, str], place: _Place, separator: str) -> Decimal:
    """What stands before decimals, as far as the numbers tell."""
    only: dict[str, str] = {}
    either: dict[str, str] = {}
    for own, text in numbers.items():
        marked = text.str.contains(r"[.,]", regex=True, na=False)
        point, comma = text.str.fullmatch(_POINT, na=False), text.str.fullmatch(_COMMA, na=False)
        for mark, bad in ((".", marked & point & ~comma), (",", marked & comma & ~point)):
            if mark not in only and bad.any():
                only[mark] = place.first(own, bad)
        both = marked & point & comma
        # Between commas, who writes 1.234 means a fraction of money; requests and tokens have none.
        plain = separator == "," and kinds[own] in schema.MONEY
        unsure = both & text.str.contains(",", regex=False, na=False) if plain else both
        if unsure.any() and not either:
            either[own] = place.first(own, unsure)
    if len(only) == 2:
        raise UsageError(
            f"{place.name}: {only['.']} has a decimal point, {only[',']} a decimal comma: one of the two is damaged; "
            "export it again"
        )
    if only:
        decimal: Decimal = "," if "," in only else "."
        _refuse_split_counts(numbers, kinds, place, decimal, only[decimal])
        return decimal
    for told in either.values():
        raise UsageError(
            f"{place.name}: {told} may be thousands or a fraction, and no other number tells which: say what stands "
            "before decimals, decimal=',' or decimal='.'"
        )
    return "."


def _refuse_split_counts(
    numbers: Mapping[str, pd.Series], kinds: Mapping[str, str], place: _Place, mark: Decimal, told_by: str
) -> None:
    """Refuse requests and tokens that all are written as thousands are, by the mark that stands before decimals."""
    whole = {schema.REQUESTS, *(name for name, unit in schema.UNITS.items() if unit.token)}
    for own, text in numbers.items():
        marked = text.str.contains(mark, regex=False, na=False)
        if kinds[own] not in whole or not marked.any():
            continue
        held = text[marked]
        if (held.str.fullmatch(_POINT) & held.str.fullmatch(_COMMA)).all():
            raise UsageError(
                f"{place.name}: {place.first(own, marked)} is written as thousands are, beside {told_by}, where "
                "the same mark stands before decimals: say what stands before them, decimal=',' or decimal='.', or "
                "write counts without a mark"
            )


def _number(own: str, text: pd.Series, mark: Decimal, place: _Place, *, told: bool) -> pd.Series:
    """Numbers with a decimal point and nothing between thousands; what is no number stays as it is."""
    fits = text.str.fullmatch(_POINT if mark == "." else _COMMA, na=False)
    other = text.str.fullmatch(_COMMA if mark == "." else _POINT, na=False) & ~fits
    if told and other.any():
        raise UsageError(f"{place.name}: {place.first(own, other)} does not fit decimal={mark!r}; leave decimal= out")
    thousands = "," if mark == "." else "."
    plain = text.str.replace(thousands, "", regex=False).str.replace(mark, ".", regex=False)
    return plain.where(fits, place.frame[own])


def _odd_number(own: str, cells: pd.Series, plain: pd.Series, mark: Decimal, place: _Place) -> list[str]:
    """What was assumed of numbers, by one that is not written plainly."""
    text = cells.astype("str").str.strip()
    odd = (text != plain.astype("str")) & cells.notna() & (text != "")
    if not odd.any():
        return []
    at = int(odd.to_numpy().argmax())
    called, shown = "comma" if mark == "," else "point", str(cells.iloc[at]).strip()
    row = at + place.first_row
    return [f"numbers are read with a decimal {called}: {shown} (row {row}, {own}) is {plain.iloc[at]}"]


def _dates(own: str, cells: pd.Series, place: _Place) -> tuple[pd.Series, str]:
    """Dates as 2026-12-31, and what was assumed; all as they are where they are written in another way."""
    text = cells.astype("str").str.strip()
    there = cells.notna() & (text != "")
    if not there.any():
        return cells, ""
    shown = text[there].iloc[0]
    for pattern in (_DOTTED, _SLASHED, _MONTHS):
        parts = text.str.extract(pattern)
        if not parts[there]["year"].notna().all():
            continue
        if pattern == _MONTHS:
            return _iso(parts.assign(day="1", time=None), cells), f"dates like {shown} are read as month and year"
        if pattern == _DOTTED:
            return _iso(parts, cells), f"dates like {shown} are read as day.month.year"
        first, second = (pd.to_numeric(parts[c]) for c in ("first", "second"))
        if not (first > 12).any() and not (second > 12).any():
            raise UsageError(
                f"{place.name}: {place.first(own, there)} may be a day and month, or a month and day, and no other "
                "date tells which; write dates as 2026-12-31"
            )
        day_first = bool((first > 12).any())
        names = {"first": "day", "second": "month"} if day_first else {"first": "month", "second": "day"}
        told = "day/month/year" if day_first else "month/day/year"
        return _iso(parts.rename(columns=names), cells), f"dates like {shown} are read as {told}"
    return cells, ""


def _iso(parts: pd.DataFrame, cells: pd.Series) -> pd.Series:
    day = parts["year"] + "-" + parts["month"].str.zfill(2) + "-" + parts["day"].str.zfill(2)
    time = (" " + parts["time"].astype("str").str.zfill(5)).where(parts["time"].notna(), "")
    return (day + time).where(parts["year"].notna(), cells)
