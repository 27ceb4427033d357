"""Bills: what cloud bills have in common. A sheet's charge periods and tags come in; its width and names go out.

A bill mixes charges: usage by the hour or day, taxes and fees of a month, purchases of a year. The usage says what the
bill's period is; a longer charge stands at its start. Tags bear the names that rules match, and at times a person's.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd

from forecast.errors import UsageError
from forecast.readers.contents import Documents
from forecast.readers.sheet import Sheet, Width

#: Periods are told apart with this to spare: an end may be the last second, and a day of a time change has 25 hours.
_HOUR: Final = 3_660.0
_DAY: Final = 26 * 3_600.0
_MONTH: Final = 27 * 86_400.0
_LONGEST: Final[tuple[tuple[Width, float], ...]] = (("hour", _HOUR), ("day", _DAY), ("month", 32 * 86_400.0))
#: More tags than this by name are not kept apart.
MOST_TAGS: Final = 100
#: Tags that tell who a person is, written in small letters and without marks.
_PEOPLE: Final = (
    r"^(?:user|userid|enduser|owner|createdby|creator|contact|upn|mail)$|(?:userid|username|useralias|userprincipalname|"
    r"email)$"
)
_EMAIL: Final = r"[^@\s]+@[^@\s]+\.[a-zA-Z]{2,}"
#: What tag keys of AWS begin with, that say who may set them.
_PREFIXES: Final = ("resourceTags/", "iamPrincipal/", "accountTag/", "user:", "user_")
#: The tags of a cell that has none.
_NONE: Final[dict[str, str]] = {}
_ENVIRONMENT: Final = ("environment", "env")


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags of a bill's rows.

    Attributes
    ----------
    attributes : dict of str to Series
        ``tag:KEY`` → values (row,), null where a row has no such tag.
    environment, project : Series
        Of the tags that are called so.
    user : Series
        Of the tags that tell a person.
    """

    attributes: Mapping[str, pd.Series]
    environment: pd.Series
    project: pd.Series
    user: pd.Series


@dataclass(slots=True)
class _Cells:
    """Cells that hold tags, each spelling read once."""

    seen: dict[str, dict[str, str] | None] = field(default_factory=dict)
    unread: int = 0

    def read(self, cell: Any) -> dict[str, str]:
        """The tags of a cell; one that cannot be read is counted."""
        if not isinstance(cell, str):
            return _pairs(cell) or _NONE
        if cell not in self.seen:
            self.seen[cell] = _pairs(_decoded(cell.strip()))
        found = self.seen[cell]
        self.unread += found is None
        return found or _NONE


def tags_of(sheet: Sheet, columns: Iterable[str] = (), *, flat: str = "") -> Tags:
    """The tags of a sheet: of cells that hold a map, and of columns that bear a prefix and the tag's name.

    Parameters
    ----------
    sheet
        The bill.
    columns
        Columns whose cells are maps: JSON objects with braces or without, lists of pairs, decoded maps.
    flat
        The prefix of columns that hold one tag each.
    """
    cells = _Cells()
    nothing = pd.Series(None, index=sheet.frame.index, dtype="object")
    found: dict[str, pd.Series] = {}
    for column in (c for c in columns if c in sheet):
        whole = sheet.frame[column]
        blank = whole.map(lambda c: isinstance(c, str) and c.strip() in ("", "-", *sheet.blanks))
        read = [_NONE if b else cells.read(c) for c, b in zip(whole, blank, strict=True)]
        distinct = list({id(one): one for one in read}.values())
        place = {id(one): i for i, one in enumerate(distinct)}
        code = np.array([place[id(one)] for one in read], dtype="int64")
        for key in dict.fromkeys(k for one in distinct for k in one):
            each = np.array([one.get(key) for one in distinct], dtype="object")
            values = pd.Series(each[code], index=whole.index, dtype="object")
            found[_plain(key)] = found.get(_plain(key), nothing).where(lambda s: s.notna(), values)
    for column in (str(c) for c in sheet.frame.columns if flat and str(c).startswith(flat)):
        key = _plain(column.removeprefix(flat))
        found[key] = found.get(key, nothing).where(lambda s: s.notna(), sheet.text(column).astype("object"))
    if cells.unread:
        sheet.notes.append(f"the tags of {cells.unread} rows cannot be read; the rows are kept without them")
    return _told_apart(sheet, {k: v for k, v in found.items() if v.notna().any()}, nothing)


def _told_apart(sheet: Sheet, found: dict[str, pd.Series], nothing: pd.Series) -> Tags:
    """The tags that tell a person apart from those that tell a thing."""
    people = [k for k, v in found.items() if _tells(k) or _is_email(v).any()]
    user = nothing
    for key in people:
        user = user.where(user.notna(), found.pop(key))
    ranked = sorted(found, key=lambda k: -int(found[k].notna().sum()))
    if len(ranked) > MOST_TAGS:
        sheet.notes.append(f"of {len(ranked)} tags the {MOST_TAGS} commonest are kept for rules to match")
    kept = {k: found[k] for k in found if k in ranked[:MOST_TAGS]}
    environment, project = nothing, nothing
    for key, values in kept.items():
        if _bare(key) in _ENVIRONMENT:
            environment = environment.where(environment.notna(), values)
        if key.casefold() == "project":
            project = values
    return Tags({f"tag:{k}": v for k, v in kept.items()}, environment, project, user)


def attributes_of(sheet: Sheet, named: Mapping[str, str | tuple[str, ...]], tags: Tags) -> dict[str, pd.Series]:
    """The names that rules may match: of columns that are there, and tags. A cell that holds a person's is left out."""
    columns = {name: (one,) if isinstance(one, str) else one for name, one in named.items()}
    found = {name: sheet.text(*ones) for name, ones in columns.items() if any(c in sheet for c in ones)}
    for name, values in found.items():
        people = _is_email(values)
        if people.any():
            sheet.notes.append(f"{int(people.sum())} values of {name} hold an e-mail address and are left out")
            found[name] = values.mask(people)
    return found | dict(tags.attributes)


def _is_email(values: pd.Series) -> pd.Series:
    unique = pd.Series(values.dropna().unique(), dtype="object").astype("str")
    return values.isin(unique[unique.str.contains(_EMAIL)])


def _tells(key: str) -> bool:
    return re.search(_PEOPLE, _bare(key)) is not None


def _plain(key: str) -> str:
    if _tells(key):
        return key
    for prefix in _PREFIXES:
        key = key.removeprefix(prefix)
    return key


def _bare(key: str) -> str:
    return re.sub(r"[^a-z]", "", key.casefold())


def _decoded(text: str) -> Any:
    """A map as text: a JSON object, its inside alone as Azure writes it, or a map as Python prints it."""
    for candidate in (text, "{" + text + "}"):
        try:
            return json.loads(candidate)
        except json.JSONDecodeError:
            continue
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


def _pairs(value: Any) -> dict[str, str] | None:
    """Tags by their key, of a map, of pairs, or of objects with ``key`` and ``value``; None of anything else."""
    if isinstance(value, np.ndarray):
        value = list(value)
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return {}
    if isinstance(value, list):
        if all(isinstance(v, tuple | list) and len(v) == 2 for v in value):
            value = {str(k): v for k, v in value}
        elif all(isinstance(v, Mapping) and "key" in v for v in value):
            value = {str(v["key"]): v.get("value") for v in value}
    if not isinstance(value, Mapping):
        return None
    return {str(k): _text(v) for k, v in value.items() if v is not None and _text(v)}


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value).strip()


def width_of(sheet: Sheet, start: pd.Series, end: pd.Series, usual: pd.Series) -> Width:
    """The period of a bill: the commonest of its usage; longer charges stand at their start, and are noted.

    Parameters
    ----------
    sheet
        The bill; notes go to it.
    start, end : Series
        Of each charge's period (row,). The end may be the first moment after it, or the last inside.
    usual : Series
        Whether a row is usage (row,): fees and purchases say nothing of the period.

    Raises
    ------
    UsageError
        The usage is by spans that are no hours, days or months.
    """
    span = (end - start).where(start.notna() & end.notna())
    ours = span[usual.to_numpy(dtype=bool) & span.notna().to_numpy()]
    if ours.empty:
        return "day"
    seconds = ours.dt.total_seconds()
    if bool((seconds == 0).all()) and bool((start[ours.index] == start[ours.index].dt.normalize()).all()):
        return "day"  # the end is the day itself
    kinds = pd.cut(seconds, [-np.inf, _HOUR, _DAY, np.inf], labels=False)
    commonest = int(kinds.mode().max())
    middle = float(seconds[kinds == commonest].median())
    if commonest == len(_LONGEST) - 1 and middle < _MONTH:
        raise UsageError(
            f"{sheet.table.name}: most rows of usage span {middle / 86_400:.3g} days: no hours, no days and no months; "
            "export it by day or by month"
        )
    width, longest = _LONGEST[commonest]
    longer = int((span.dt.total_seconds() > longest).sum())
    if longer:
        sheet.notes.append(f"{longer} rows are of more than one {width}: each stands at the start of its period")
    return width


def objects_of(content: Documents, *, inside: tuple[str, ...] = ()) -> list[tuple[str, dict[str, Any]]]:
    """The JSON objects of a source and where each stands: lines, one list, or a list under one of some names."""
    found: list[tuple[str, dict[str, Any]]] = []
    for line, value in zip(content.lines, content.values, strict=True):
        name = next((n for n in inside if isinstance(value, dict) and isinstance(value.get(n), list)), None)
        listed = value[name] if name is not None else value
        if isinstance(listed, list):
            found += [(f"{line}[{i}]", one) for i, one in enumerate(listed) if isinstance(one, dict)]
        elif isinstance(listed, dict):
            found.append((f"{line}", listed))
    return found


def first_known(*columns: pd.Series) -> pd.Series:
    """Of each row the first value that is not null."""
    out = columns[0].astype("object")
    for column in columns[1:]:
        out = out.where(out.notna(), column.astype("object"))
    return out


def told(sheet: Sheet, tokens: pd.Series, kind: pd.Series, model: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Tokens whose kind no name says are of all kinds, unless other rows of the model tell theirs: then unknown."""
    unsaid = tokens.notna() & kind.isna()
    names = model.fillna("")
    beside = unsaid & names.isin(set(names[tokens.notna() & kind.notna()]))
    if beside.any():
        sheet.notes.append(
            f"{tokens[beside].sum():,.0f} tokens in {int(beside.sum())} rows are left out, their money is not: no name "
            "tells their kind, and other rows of the model tell theirs"
        )
    return tokens.mask(beside), kind.mask(unsaid, "total_tokens").where(tokens.notna() & ~beside)


def maps_in(sheet: Sheet, column: str) -> list[dict[str, str]]:
    """The maps in a column's cells, an empty one where there is none."""
    cells = _Cells()
    return [cells.read(cell) for cell in sheet.frame[column]] if column in sheet else [{} for _ in range(len(sheet))]


def category_of(sheet: Sheet, column: str, categories: Mapping[str, str]) -> pd.Series:
    """The canonical category of each charge by the bill's own word; a word that is not known is usage, and noted."""
    word = sheet.text(column)
    category = word.str.lower().map(dict(categories)).astype("object")
    strange = sorted(set(word[category.isna()].dropna()))
    if strange:
        sheet.notes.append(
            f"{column} {', '.join(strange[:5])} is not known: the charges are kept as usage of money alone"
        )
    return category


def currency_of(sheet: Sheet, *columns: str) -> pd.Series:
    """The currency; a row in which it is none has its cells elsewhere."""
    column = next((c for c in columns if c in sheet), columns[0])
    currency = sheet.text(column).str.upper()
    sheet.refuse(~currency.str.fullmatch("[A-Z]{3}").fillna(False).astype(bool), f"{column} is no currency", column)
    return currency
