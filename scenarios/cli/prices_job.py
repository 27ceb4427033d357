"""``tokenplan prices``. Comes in: a model's name. Goes out: what it costs, what it cost, and what it is known to cost.

JSON document ``tokenplan/prices/1``:

- ``schema``, ``version`` (of tokenplan), ``book``, ``on`` (the day of the prices), ``provider`` and ``model`` as asked
- ``match``: how the name was found, in words; ``families``: ``provider, model, how, layer``
- ``prices``: a row for each unit, service tier, context tier and hours that is priced on the day: ``unit,
  service_tier, context_tier, hours, price, per, currency, since, until, note``; a price is text, exact, for ``per``
  units
- ``history``: the same for every span of days, earlier and later ones too; ``ahead``: those that begin after the day
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, time
from importlib.metadata import version
from typing import Final, NamedTuple

import pandas as pd

from forecast import schema
from forecast.errors import PriceError
from forecast.prices import PriceBook, PriceMatch, Quote
from forecast.prices.figures import plain
from forecast.prices.hours import minutes_of
from scenarios.cli.screen import Screen, records
from scenarios.cli.tables import Column, aligned, csv, markdown

_COLUMNS: Final = (
    Column("unit", "unit"),
    Column("service_tier", "tier"),
    Column("context_tier", "request"),
    Column("hours", "hours (UTC)"),
    Column("price", "price"),
    Column("per", "for", spare=2),
    Column("since", "since"),
    Column("until", "until", spare=1),
)
_FAMILY: Final = ("provider", "model", "how", "layer")
#: Notes that are told below the table, and units that each names; the rest are counted.
NOTES, NAMED = 8, 4
MILLION: Final = 1_000_000


class Apart(NamedTuple):
    """What a model's prices are apart by: the unit, the service tier, the size of a request, the hours."""

    unit: str
    service_tier: str
    context_tier: str
    hours: str


@dataclass(frozen=True, slots=True)
class Priced:
    """One price of a model over a span of days."""

    apart: Apart
    quote: Quote

    def on(self, day: date) -> bool:
        """Whether it holds on a day."""
        return self.quote.start <= day.toordinal() <= self.quote.end

    @property
    def since(self) -> str | None:
        """The first day, None where it is open."""
        return _day(self.quote.start)

    @property
    def until(self) -> str | None:
        """The last day, None where it is open."""
        return _day(self.quote.end)


def run(options: argparse.Namespace) -> int:
    """Show what a model costs."""
    screen = Screen(options.quiet)
    on: date = options.on or date.today()
    book = book_of(options)
    found = book.match(options.provider, options.model)
    if not found.families and found.others and options.provider is None:
        sellers = ", ".join(found.others)
        raise PriceError(f"{options.model!r} is sold by {sellers}, each at its own price; name one with --provider")
    history = history_of(book, options.provider, options.model)
    if options.json:
        screen.write_json(
            {
                "schema": "tokenplan/prices/1",
                "version": version("tokenplan"),
                "book": repr(book),
                "on": on,
                "provider": options.provider,
                "model": options.model,
                "match": str(found),
                "families": [{name: getattr(f, name) for name in _FAMILY} for f in found.families],
                "prices": records(_exact([p for p in history if p.on(on)])),
                "history": records(_exact(history)),
                "ahead": records(_exact(_ahead(history, on))),
            }
        )
    elif options.output == "csv":
        screen.write(csv(_exact(history)))
    else:
        screen.show(_text(found, history, on, options.output, screen.width()))
    return 0


def book_of(options: argparse.Namespace) -> PriceBook:
    """The price book: the files named, the first over the next, over the built-in list prices."""
    book = PriceBook.builtin()
    for path in reversed(options.book):
        book = PriceBook.read(path) | book
    return book


def history_of(book: PriceBook, provider: str | None, model: str) -> list[Priced]:
    """Every price of a model that a row of its own gives, earlier days first.

    Raises
    ------
    PriceError
        No row prices the model; the message names the nearest.
    """
    rows = book.history(model, provider)
    tiers = sorted({t for t in rows["service_tier"] if t in schema.SERVICE_TIERS} | {"standard"})
    names = rows[["unit", "service_tier", "context_tier", "hours"]].astype("object").drop_duplicates()
    found = {
        Apart(unit, tier, size, hours)
        for unit, listed, size, hours in names.to_numpy().tolist()
        for tier in (tiers if listed == "*" else [listed])
    }
    units, order = list(schema.UNITS), list(schema.SERVICE_TIERS)
    ordered = sorted(found, key=lambda a: (units.index(a.unit), order.index(a.service_tier), a.context_tier, a.hours))
    return [Priced(apart, quote) for apart in ordered for quote in _quotes(book, provider, model, apart)]


def _quotes(book: PriceBook, provider: str | None, model: str, apart: Apart) -> list[Quote]:
    """The prices of one of them: those of a size or hour as long as rows of their own price it apart."""
    first = (minutes_of(apart.hours) or ((0, 0),))[0][0]
    found = book.timeline(
        provider,
        model,
        apart.unit,
        service_tier=apart.service_tier,
        context_tier=apart.context_tier or None,
        at=time(first // 60, first % 60) if apart.hours else None,
    )
    own = apart.context_tier, apart.hours
    return [q for q in found if own in (("", ""), (q.row.context_tier, q.row.hours))]


def _joined(history: Sequence[Priced]) -> list[Priced]:
    """Neighbouring spans of one price as one."""
    out: list[Priced] = []
    for one in history:
        last = out[-1] if out else None
        same = last is not None and (last.apart, last.quote.money) == (one.apart, one.quote.money)
        if last is not None and same and last.quote.end + 1 == one.quote.start:
            out[-1] = Priced(one.apart, replace(one.quote, start=last.quote.start))
        else:
            out.append(one)
    return out


def _changes(history: Sequence[Priced]) -> list[Priced]:
    """The prices of what has, or will have, more than one."""
    counts: dict[Apart, int] = {}
    for one in history:
        counts[one.apart] = counts.get(one.apart, 0) + 1
    return [one for one in history if counts[one.apart] > 1]


def _ahead(history: Sequence[Priced], on: date) -> list[Priced]:
    return [one for one in history if one.quote.start > on.toordinal()]


def _exact(prices: Sequence[Priced]) -> pd.DataFrame:
    """The prices as a document holds them: exact text, and days as dates, null where a span is open."""
    rows = [
        [*p.apart, f"{p.quote.price.normalize():f}", p.quote.per, p.quote.currency, p.since, p.until, p.quote.note]
        for p in prices
    ]
    columns = [*Apart._fields, "price", "per", "currency", "since", "until", "note"]
    return pd.DataFrame(rows, columns=columns, dtype="object")


def _told(prices: Sequence[Priced]) -> pd.DataFrame:
    """The prices as a table tells them."""
    rows = [
        [
            *p.apart,
            f"{plain(p.quote.price)} {p.quote.currency}",
            "1M" if p.quote.per == MILLION else f"{p.quote.per:,}",
            p.since or "always",
            p.until or "open",
        ]
        for p in prices
    ]
    return pd.DataFrame(rows, columns=[column.name for column in _COLUMNS])


def _table(prices: Sequence[Priced], form: str, width: int | None) -> str:
    """The prices as aligned text or Markdown, with the columns that say something."""
    frame = _told(prices)
    columns = [c for c in _COLUMNS if c.name not in ("context_tier", "hours") or bool((frame[c.name] != "").any())]
    return markdown(frame, columns) if form == "markdown" else aligned(frame, columns, width=width)


def _text(found: PriceMatch, every: Sequence[Priced], on: date, form: str, width: int | None) -> str:
    """Match, prices on the day, every price of what changes, what is to come, and notes."""
    history = _joined(every)
    now, changes, ahead = [p for p in history if p.on(on)], _changes(history), _ahead(history, on)
    match = _clean(str(found))
    parts = [f"**{match}**" if form == "markdown" else match, f"on {on}:"]
    parts += [_table(now, form, width) if now else "no price holds on this day"]
    if changes:
        parts += ["every price of what has changed or will:", _table(changes, form, width)]
    if ahead:
        days = sorted({p.since or "" for p in ahead})
        parts += [f"known to come: {len(ahead)} {'price' if len(ahead) == 1 else 'prices'} from {', '.join(days)}"]
    notes = _notes(now)
    return "\n\n".join([*parts, *(["\n".join(["notes:", *(f"- {note}" for note in notes)])] if notes else [])])


def _notes(now: Sequence[Priced]) -> list[str]:
    """What is to be known of the day's prices, each with the units that it is of."""
    told: dict[str, list[str]] = {}
    for one in now:
        name = one.apart.unit + ("" if one.apart.service_tier == "standard" else f" ({one.apart.service_tier})")
        # What other sizes and hours cost stands in rows of their own.
        note = replace(one.quote, remarks=()).note
        for part in note.split("; ") if note else ():
            names = told.setdefault(part, [])
            if name not in names:
                names.append(name)
    lines = []
    if any(one.apart.context_tier for one in now):
        lines += ["usage that says no size of request pays the price without one"]
    if any(one.apart.hours for one in now):
        lines += ["daily usage pays the price without hours, which is that of most of them"]
    for note, names in told.items():
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        lines += [f"{_clean(note)}: {', '.join(names[:NAMED])}{more}"]
    return lines[:NOTES] + ([f"and {len(lines) - NOTES} more; --json has them all"] if len(lines) > NOTES else [])


def _day(ordinal: int) -> str | None:
    """A day as text, or None at an open end."""
    return None if ordinal in (date.min.toordinal(), date.max.toordinal()) else str(date.fromordinal(ordinal))


def _clean(text: str) -> str:
    """Text from a file without line ends and control characters, which a terminal would act on."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
