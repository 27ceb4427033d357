"""Price rows: a frame, a CSV or a TOML file of prices comes in; checked, dated, closed rows go out.

A row holds from its ``valid_from`` to its ``valid_to``, both days included: a price valid from 2026-09-01 is paid on
that day, and on 2026-08-31 the one before it. A row without ``valid_to`` holds until the next row of the same SKU
begins, so a new price is appended and the old row stays as it is.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from numbers import Number
from pathlib import Path
from typing import Any, Final

import pandas as pd

from forecast import schema
from forecast.errors import PriceError, bad_rows, nearest, one_of

#: Stands for every provider, model or service tier in a row.
ANY: Final = "*"
TIERS: Final = (*schema.SERVICE_TIERS, ANY)
ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class PriceRow:
    """What one unit of one SKU costs over a span of days.

    Attributes
    ----------
    provider, model : str
        Names, or globs with ``*`` and ``?``.
    unit : str
        A name of :data:`forecast.schema.BILLABLE`.
    price : Decimal
        Money per as many units as the registry quotes: per million tokens.
    service_tier : str
        A name of :data:`forecast.schema.SERVICE_TIERS`, or ``"*"``.
    currency : str
        ISO 4217 code.
    valid_from, valid_to : date or None
        First and last day that the price holds. A row without ``valid_from`` is *undated*: it is taken to have held
        always, and is flagged.
    source, note : str
        Where the price stands, and what a reader should know of it.
    """

    provider: str
    model: str
    unit: str
    price: Decimal
    service_tier: str = "standard"
    currency: str = "USD"
    valid_from: date | None = None
    valid_to: date | None = None
    source: str = ""
    note: str = ""

    @property
    def undated(self) -> bool:
        """Whether nobody says since when the price holds."""
        return self.valid_from is None

    @property
    def sku(self) -> tuple[str, str, str, str]:
        """What is priced: provider, model, unit and service tier, without regard to case."""
        return (self.provider.casefold(), self.model.casefold(), self.unit, self.service_tier)

    @property
    def span(self) -> tuple[int, int]:
        """First and last day as proleptic ordinals; open ends reach to the ends of the calendar."""
        return ((self.valid_from or date.min).toordinal(), (self.valid_to or date.max).toordinal())


COLUMNS: Final = tuple(f.name for f in fields(PriceRow))
#: Columns that :func:`frame_from_rows` adds; taken back without complaint, since they follow from the others.
DERIVED: Final = ("per", "undated")
_REQUIRED: Final = ("model", "unit", "price")
_DEFAULTS: Final = {"provider": ANY, "service_tier": "standard", "currency": "USD", "source": "", "note": ""}
_DATES: Final = ("valid_from", "valid_to")


def frame_from_rows(rows: Sequence[PriceRow]) -> pd.DataFrame:
    """The rows as a table, with what one price buys (``per``) and whether the row is ``undated``."""
    table = pd.DataFrame(
        [[getattr(row, c) for c in COLUMNS] for row in rows], columns=list(COLUMNS), index=pd.RangeIndex(len(rows))
    )
    for column in _DATES:
        table[column] = pd.to_datetime(table[column]).astype("datetime64[s]")
    table.insert(COLUMNS.index("price") + 1, "per", [schema.UNITS[row.unit].per for row in rows])
    table["undated"] = [row.undated for row in rows]
    return table


def rows_from_frame(frame: pd.DataFrame, *, source: str, where: str, first_row: int) -> tuple[PriceRow, ...]:
    """Check a table of prices and make its rows.

    Parameters
    ----------
    frame : DataFrame
        Columns of :class:`PriceRow`; ``model``, ``unit`` and ``price`` are needed, the others have defaults.
    source : str
        The source of rows that do not name one.
    where, first_row
        How errors call the table, and the number that its first row bears there.

    Raises
    ------
    PriceError
        An unknown or missing column; a price, date, unit, tier or name that is none; a span that ends before it
        begins; or two rows that price one SKU on one day.
    """
    door = _Door(frame.reset_index(drop=True), where, first_row)
    door.columns()
    prices = door.parsed("price", _price, "a price", "write the number alone, such as 2.50, and never below 0")
    dates = {c: door.parsed(c, _day, "a day", "give days as 2026-09-01, or leave the cell blank") for c in _DATES}
    texts = {c: door.text(c) for c in ("model", "unit", *_DEFAULTS)}
    door.named("unit", texts["unit"], schema.BILLABLE)
    door.named("service_tier", texts["service_tier"], TIERS)
    rows = [
        PriceRow(
            provider=texts["provider"][i],
            model=texts["model"][i],
            unit=texts["unit"][i],
            price=prices[i],
            service_tier=texts["service_tier"][i],
            currency=texts["currency"][i].upper(),
            valid_from=dates["valid_from"][i],
            valid_to=dates["valid_to"][i],
            source=texts["source"][i] or source,
            note=texts["note"][i],
        )
        for i in range(len(frame))
    ]
    return closed(rows, where=where, first_row=first_row)


def closed(rows: Sequence[PriceRow], *, where: str, first_row: int) -> tuple[PriceRow, ...]:
    """End every open row on the day before the next row of its SKU begins.

    Raises
    ------
    PriceError
        Two rows price one SKU on the same day, or a row ends before it begins.
    """
    ended = list(rows)
    by_sku: dict[tuple[str, str, str, str], list[int]] = {}
    for i, row in enumerate(rows):
        if row.valid_from and row.valid_to and row.valid_to < row.valid_from:
            raise PriceError(
                f"{where}: column 'valid_to', row {i + first_row}: {row.valid_to} is before valid_from "
                f"{row.valid_from}; give the last day that the price holds"
            )
        by_sku.setdefault(row.sku, []).append(i)
    for order in by_sku.values():
        order.sort(key=lambda i: rows[i].span[0])
        for i, j in pairwise(order):
            ended[i] = _ended_before(rows[i], rows[j], f"{where}: rows {i + first_row} and {j + first_row}")
        for i, j, k in zip(order, order[1:], [*order[2:], None], strict=False):
            _resumed(rows, (i, j, k), where=where, first_row=first_row)
    return tuple(ended)


def _ended_before(row: PriceRow, later: PriceRow, who: str) -> PriceRow:
    begins = later.valid_from
    if begins is None or begins == row.valid_from or (row.valid_to is not None and row.valid_to >= begins):
        what = f"{row.provider} {row.model} {row.unit} ({row.service_tier})"
        since = "always" if begins is None else str(begins)
        raise PriceError(
            f"{who} both price {what} from {since}; give each day one price: "
            "end the first by valid_to, or begin the second later by valid_from"
        )
    return row if row.valid_to is not None else replace(row, valid_to=begins - ONE_DAY)


def _resumed(rows: Sequence[PriceRow], at: tuple[int, int, int | None], *, where: str, first_row: int) -> None:
    """Refuse a bounded row inside an open one: it does not say what is paid when it is over."""
    i, j, k = at
    inside = rows[j]
    if rows[i].valid_to is not None or inside.valid_to is None:
        return
    after = inside.valid_to + ONE_DAY
    if k is None or rows[k].valid_from != after:
        raise PriceError(
            f"{where}: row {j + first_row} ends on {inside.valid_to} and row {i + first_row}, which it takes over "
            f"from, has no end: add a row that says what {inside.model} {inside.unit} costs from {after}"
        )


@dataclass(frozen=True, slots=True)
class _Door:
    """The checks of a table of prices; each returns one typed column or raises."""

    frame: pd.DataFrame
    where: str
    first_row: int

    def columns(self) -> None:
        allowed = (*COLUMNS, *DERIVED)
        for column in map(str, self.frame.columns):
            one_of(f"{self.where}: column", column, allowed, PriceError)
        twice = self.frame.columns[self.frame.columns.duplicated()]
        if len(twice):
            raise PriceError(f"{self.where}: column {twice[0]!r} stands twice in the header; name each column once")
        for column in _REQUIRED:
            if column not in self.frame:
                raise PriceError(
                    f"{self.where}: there is no column {column!r}; the columns are "
                    f"{', '.join(map(str, self.frame.columns))}{nearest(column, self.frame.columns)}"
                )
        if self.frame.empty:
            raise PriceError(f"{self.where}: there are no rows; a price book holds at least one price")

    def text(self, column: str) -> list[str]:
        default = _DEFAULTS.get(column)
        if column not in self.frame:
            return [default or ""] * len(self.frame)
        values = ["" if _blank(v) else str(v).strip() for v in self.frame[column]]
        if default is None:
            remedy = "write * for every model" if column == "model" else f"allowed: {', '.join(schema.BILLABLE)}"
            self.refuse(column, [not v for v in values], "is blank", remedy)
        return [v or default or "" for v in values]

    def named(self, column: str, values: list[str], allowed: Sequence[str]) -> None:
        wrong = [v not in allowed for v in values]
        if any(wrong):
            value = values[wrong.index(True)]
            part = schema.UNITS[value].part_of if value in schema.UNITS else None
            remedy = f"{value} are part of {part}: price those" if part else f"allowed: {', '.join(allowed)}"
            self.refuse(column, wrong, "is not known", remedy + ("" if part else nearest(value, allowed)))

    def parsed(self, column: str, parse: Callable[[Any], Any], what: str, remedy: str) -> list[Any]:
        if column not in self.frame:
            return [None] * len(self.frame)
        values = [parse(v) for v in self.frame[column]]
        self.refuse(column, [v is _NOT_ONE for v in values], f"is not {what}", remedy)
        return values

    def refuse(self, column: str, wrong: list[bool], problem: str, remedy: str) -> None:
        if any(wrong):
            rows = bad_rows(self.frame, pd.Series(wrong), [column], first_row=self.first_row)
            raise PriceError(f"{self.where}: column {column!r} {problem} in {rows}; {remedy}")


_NOT_ONE: Final = object()


def exact(value: object) -> Decimal | None:
    """A price as the Decimal that it is written as, or None where it is no finite number from 0 up."""
    price = _price(value)
    return price if isinstance(price, Decimal) else None


def _price(value: object) -> Decimal | object:
    if isinstance(value, bool) or not isinstance(value, (str, Number)) or _blank(value):
        return _NOT_ONE
    try:
        # A float's shortest spelling is the number that was typed: 0.1 is a tenth, not its binary neighbour.
        price = value if isinstance(value, Decimal) else Decimal(str(value).strip())
    except InvalidOperation:
        return _NOT_ONE
    return price if price.is_finite() and price >= 0 else _NOT_ONE


def _blank(value: Any) -> bool:
    return pd.api.types.is_scalar(value) and (bool(pd.isna(value)) or str(value).strip() == "")


def _day(value: Any) -> date | object | None:
    if _blank(value):
        return None
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return _NOT_ONE
    if isinstance(value, datetime):
        return value.date() if (value.hour, value.minute, value.second, value.tzinfo) == (0, 0, 0, None) else _NOT_ONE
    return value if isinstance(value, date) else _NOT_ONE


def load(path: Path) -> tuple[pd.DataFrame, int]:
    """A price file as a table of text, and the number of its first row.

    A CSV has a header of :class:`PriceRow`'s names; a TOML file has one ``[[prices]]`` table a row.

    Raises
    ------
    PriceError
        The file is absent, empty, not UTF-8 or not well formed.
    """
    if not path.exists():
        beside = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise PriceError(f"{path}: there is no such file{nearest(path.name, beside)}")
    if path.is_dir():
        raise PriceError(f"{path}: is a folder; name one CSV or TOML file of prices")
    if path.stat().st_size == 0:
        raise PriceError(f"{path}: the file is empty; a price book holds at least one price")
    try:
        if path.suffix == ".toml":
            return _toml(path), 1
        return pd.read_csv(path, dtype=str, skipinitialspace=True, encoding="utf-8-sig", keep_default_na=False), 2
    except UnicodeDecodeError as cause:
        raise PriceError(f"{path}: is not UTF-8 text (byte {cause.start}); save it as UTF-8") from cause
    except (pd.errors.ParserError, pd.errors.EmptyDataError, tomllib.TOMLDecodeError) as cause:
        raise PriceError(f"{path}: cannot be read as a table of prices: {str(cause).strip()}; mend the file") from cause


def _toml(path: Path) -> pd.DataFrame:
    content = tomllib.loads(path.read_text(encoding="utf-8-sig"), parse_float=Decimal)
    for key in content:
        one_of(f"{path}: table", key, ["prices"], PriceError)
    rows = content.get("prices", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise PriceError(f"{path}: 'prices' is not a list of tables; write one [[prices]] table a row")
    return pd.DataFrame(rows, dtype=object)
