"""Whose columns are which. Comes in: an export. Goes out: its header, and the canonical columns that its names suggest.

Names in English and German are known; what is suggested is shown, and a name on the command line goes before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from forecast.checks import COLUMNS
from forecast.errors import UsageError, nearest, one_of
from forecast.readers.contents import Table, contents
from forecast.readers.files import files_of
from forecast.readers.registry import reader_of

#: Names of columns, in lower case and without signs, that mean one of ours and no other. Cached tokens are not among
#: them: in one export they lie inside the input, in another beside it.
_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "date": (
        *("day", "datum", "tag", "nutzungsdatum", "buchungsdatum", "timestamp"),
        *("month", "monat", "buchungsmonat", "rechnungsmonat"),
        *("period", "periode", "zeitraum"),
    ),
    "provider": ("vendor", "anbieter", "lieferant", "hersteller"),
    "model": ("model name", "model id", "modell", "modellname", "llm", "engine"),
    "environment": ("env", "stage", "umgebung"),
    "project": ("project name", "projekt", "projektname", "workspace"),
    "department": ("abteilung", "bereich"),
    "application": ("app", "anwendung"),
    "cost_center": ("cost center", "cost centre", "kostenstelle"),
    "requests": ("request count", "num requests", "num model requests", "calls", "api calls", "anfragen", "aufrufe"),
    "input_tokens": ("input", "prompt", "prompt tokens", "eingabe", "eingabe token", "eingabetoken", "tokens in"),
    "output_tokens": ("output", "completion", "completion tokens", "ausgabe", "ausgabe token", "ausgabetoken"),
    "total_tokens": ("tokens", "token", "token count", "gesamttoken", "token gesamt"),
    "billed_cost": ("cost", "costs", "amount", "spend", "kosten", "betrag", "nettobetrag", "kosten netto"),
    "currency": ("währung", "waehrung"),
}
#: The last word of a date's name, where no name is one of those above: usage day, billing month.
_DATED: Final = re.compile(r"(?:^|.* )(?:date|day|month|period|timestamp|datum|tag|monat)")
_CURRENCIES: Final[Mapping[str, str]] = {"€": "EUR", "$": "USD", "£": "GBP", "eur": "EUR", "usd": "USD", "gbp": "GBP"}
_CONSTANT: Final = re.compile(r"""(["'])(?P<value>.+)\1""")


@dataclass(frozen=True, slots=True)
class Header:
    """What an export is, by its first file.

    ``format`` is the reader's name; ``columns`` the header of a tidy table, empty where the format's own are known.
    """

    format: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mapped:
    """Which column is which, what is said of every row, and a file of rules."""

    columns: Mapping[str, str]
    fill: Mapping[str, str]
    rules: str | None = None

    @property
    def told(self) -> str:
        """As it is answered: ``date = Datum, provider = "openai"``."""
        pairs = [f"{name} = {own}" for name, own in self.columns.items()]
        pairs += [f'{name} = "{value}"' for name, value in self.fill.items()]
        pairs += [f"rules = {self.rules}"] if self.rules else []
        return ", ".join(pairs)


def header_of(exports: Sequence[str], format: str | None) -> Header:  # noqa: A002 - as in read_usage
    """What the first of the files is.

    Raises
    ------
    UsageError
        There is no such file, it is empty, or of no kind that is read.
    """
    first = files_of(exports)[0]
    if format == "log":
        return Header("log", ())
    head = next(contents(first), None)
    if head is None:
        raise UsageError(f"{first}: there are no rows; export a span of time in which something was used")
    reader = reader_of(head, format)
    if reader is not None:
        return Header(reader.NAME, ())
    return Header("tidy", tuple(map(str, head.frame.columns)) if isinstance(head, Table) else ())


def suggested(header: Header, given: Mapped) -> Mapped:
    """Which column is which, by its name, beside what is given."""
    taken = {*header.columns} & {*COLUMNS} | {*given.columns, *given.fill}
    free = [own for own in header.columns if own not in COLUMNS and own not in given.columns.values()]
    found: dict[str, str] = {}
    for canonical, names in _NAMES.items():
        fits = [own for own in free if _plain(own) in (canonical.replace("_", " "), *names)]
        if canonical == "date" and not fits:
            fits = [own for own in free if _DATED.fullmatch(_plain(own))]
        if canonical not in taken and len(fits) == 1:
            found[canonical] = fits[0]
    money = {**found, **given.columns}.get("billed_cost")
    code = _currency(money) if money is not None and "currency" not in {*taken, *found} else None
    fill = {"currency": code} if code else {}
    return Mapped({**found, **given.columns}, {**fill, **given.fill}, given.rules)


def _plain(own: str) -> str:
    """A name in lower case, without signs, units in brackets and currencies."""
    bare = re.sub(r"\(.*?\)|\[.*?\]", " ", own.lower())
    words = [w for w in re.split(r"[^0-9a-zäöüß]+", bare) if w and w not in _CURRENCIES]
    return " ".join(words)


def _currency(own: str) -> str | None:
    """The one currency that a column's name says."""
    parts = [*re.split(r"[^a-z]+", own.lower()), *own]
    named = {_CURRENCIES[p] for p in parts if p in _CURRENCIES}
    return named.pop() if len(named) == 1 else None


def answered(written: str, header: Header, before: Mapped) -> Mapped:
    """What an answer says: NAME = COLUMN, NAME = "a value for every row", NAME = - for none, rules = FILE.

    Raises
    ------
    UsageError
        A name is none of ours, or a column is not there.
    """
    columns, fill, rules = dict(before.columns), dict(before.fill), before.rules
    for pair in _parts(written):
        name, sign, value = (part.strip() for part in pair.partition("="))
        if not (name and sign and value):
            raise UsageError(f"{pair.strip()!r}: wanted NAME = COLUMN, such as environment = Stage")
        if name == "rules":
            rules = value
            continue
        one_of("canonical column", name, COLUMNS, UsageError)
        columns.pop(name, None)
        fill.pop(name, None)
        constant = _CONSTANT.fullmatch(value)
        if constant is not None:
            fill[name] = constant["value"]
        elif value != "-":
            if value not in header.columns:
                there = ", ".join(header.columns) or f"none to map: {header.format} has columns of its own"
                raise UsageError(
                    f"there is no column {value!r}; there are {there}{nearest(value, header.columns)}; one value for "
                    f'every row stands in quotes: {name} = "{value}"'
                )
            columns[name] = value
    return Mapped(columns, fill, rules)


def _parts(written: str) -> Iterable[str]:
    return (m for m in re.findall(r"""(?:[^,"']|"[^"]*"|'[^']*')+""", written) if m.strip())
