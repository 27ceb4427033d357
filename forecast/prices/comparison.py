"""Comparison: the layers of one book, or of two, come in; a hash of the content, or where they differ, goes out."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

import pandas as pd

from forecast.prices.dated import AnyRow, PriceRow, RowSku
from forecast.prices.matching import Layer
from forecast.prices.settling import Share, spans

_NAMES: Final = ("provider", "model", "unit", "service_tier", "context_tier", "hours")
COLUMNS: Final = (
    *("change", "what", *_NAMES, "valid_from", "valid_to"),
    *("price_from", "price_to", "currency_from", "currency_to", "percent"),
)
_LAST: Final = date.max.toordinal()
_FIRST: Final = date.min.toordinal()


def digest(layers: Sequence[Layer], shares: Sequence[Share]) -> str:
    """A hash of every row of every layer, in order of precedence, and of the stated shares."""
    whole = hashlib.sha256()
    for layer in layers:
        whole.update(f"\x1e{layer.catalogue}".encode())
        for text in sorted(map(_text, layer.every)):
            whole.update("\x1f".join(("", *text)).encode())
    for share in shares:
        whole.update(f"\x1e{share.kind}\x1f{share.share.normalize():f}\x1f{share.model.casefold()}".encode())
    return whole.hexdigest()


def differences(one: Sequence[Layer], other: Sequence[Layer]) -> pd.DataFrame:
    """Where ``other`` says something else than ``one``, a row for each span of days, by name and date."""
    before, after = _by_sku(one), _by_sku(other)
    rows = [
        row
        for sku in sorted(before.keys() | after.keys())
        for row in _differences_of(before.get(sku, []), after.get(sku, []))
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS), dtype="object")
    for column in ("valid_from", "valid_to"):
        table[column] = pd.to_datetime(table[column]).astype("datetime64[s]")
    table["percent"] = table["percent"].astype("float64")
    return table


@dataclass(frozen=True, slots=True)
class _Said:
    """What a book says of one SKU on a day."""

    amount: Decimal
    currency: str
    row: AnyRow


def _differences_of(before: list[AnyRow], after: list[AnyRow]) -> Iterable[list[object]]:
    """The spans of days on which two lists of rows of one SKU, in order of precedence, differ."""
    found: list[tuple[int, int, _Said | None, _Said | None]] = []
    for start, end in spans([row.span for row in (*before, *after)]):
        was, now = _on(before, start), _on(after, start)
        if _money(was) == _money(now):
            continue
        last = found[-1] if found else None
        same = last is not None and (_money(last[2]), _money(last[3])) == (_money(was), _money(now))
        if last is not None and same and last[1] == start - 1:
            found[-1] = (last[0], end, was, now)
        else:
            found.append((start, end, was, now))
    for start, end, was, now in found:
        said = now or was
        assert said is not None
        what = "price" if isinstance(said.row, PriceRow) else "discount"
        change = "changed" if was and now else "added" if now else "removed"
        comparable = was and now and was.currency == now.currency and was.amount and what == "price"
        yield [
            change,
            what,
            *(getattr(said.row, name, "") for name in _NAMES),
            None if start == _FIRST else date.fromordinal(start),
            None if end == _LAST else date.fromordinal(end),
            was and was.amount,
            now and now.amount,
            was and was.currency,
            now and now.currency,
            float(100 * (now.amount / was.amount - 1)) if comparable and was and now else None,
        ]


def _by_sku(layers: Sequence[Layer]) -> dict[tuple[bool, RowSku], list[AnyRow]]:
    """The rows of each SKU, those of earlier layers first."""
    found: dict[tuple[bool, RowSku], list[AnyRow]] = {}
    for layer in layers:
        for row in layer.every:
            found.setdefault((isinstance(row, PriceRow), row.sku), []).append(row)
    return found


def _on(rows: list[AnyRow], day: int) -> _Said | None:
    row = next((r for r in rows if r.span[0] <= day <= r.span[1]), None)
    if row is None:
        return None
    return _Said(row.price, row.currency, row) if isinstance(row, PriceRow) else _Said(row.discount, "", row)


def _money(said: _Said | None) -> tuple[Decimal, str] | None:
    return None if said is None else (said.amount, said.currency)


def _text(row: AnyRow) -> tuple[str, ...]:
    """Everything that a row says."""
    days = map(str, (row.valid_from, row.valid_to, row.known_from, row.open_ended))
    if isinstance(row, PriceRow):
        return (*row.sku, *days, f"{row.price.normalize():f}", row.currency, row.source, row.note)
    off = f"{row.discount.normalize():f}", str(row.stacks)
    return (*row.sku, *days, *off, row.source, row.note)
