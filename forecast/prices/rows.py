"""Price rows: a frame, a CSV or a TOML file of prices and discounts comes in; checked, dated, closed rows go out."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from numbers import Number
from pathlib import Path
from typing import Any, Final

import pandas as pd

from forecast import schema
from forecast.errors import PriceError, bad_rows, nearest, one_of
from forecast.prices.context import BASE, LONG, canonical
from forecast.prices.dated import ANY, COLUMNS, ONE_DAY, AnyRow, Discount, PriceRow, closed
from forecast.prices.hours import hours_of, minutes_of

__all__ = ["ANY", "COLUMNS", "ONE_DAY", "PriceRow", "Rows", "closed", "exact", "frame_from_rows", "load"]
__all__ += ["rows_from_frame"]

TIERS: Final = (*schema.SERVICE_TIERS, ANY)
#: Columns that :func:`frame_from_rows` adds; taken back without complaint, since they follow from the others.
DERIVED: Final = ("per", "undated")
_REQUIRED: Final = ("model", "unit", "price")
_DEFAULTS: Final = {"provider": ANY, "currency": "USD"} | dict.fromkeys(
    ("service_tier", "source", "note", "context_tier", "hours"), ""
)
_DATES: Final = ("valid_from", "valid_to", "known_from")
_FLAGS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False, "": False}


@dataclass(frozen=True, slots=True)
class Rows:
    """What a table holds: its prices, and its discounts off the prices of the layers beneath."""

    prices: tuple[PriceRow, ...]
    discounts: tuple[Discount, ...] = ()


def frame_from_rows(rows: Sequence[AnyRow]) -> pd.DataFrame:
    """The rows as a table, with what one price buys (``per``) and whether the row is ``undated``.

    A discount has no price, and a price has no discount.
    """
    missing = {"price": None, "currency": "", "hours": "", "discount": None, "stacks": False}
    columns = {c: [getattr(row, c, missing.get(c)) for row in rows] for c in COLUMNS}
    table = pd.DataFrame(columns, index=pd.RangeIndex(len(rows)), dtype="object")
    for column in _DATES:
        table[column] = pd.to_datetime(table[column]).astype("datetime64[s]")
    for column in ("open_ended", "stacks"):
        table[column] = table[column].astype("bool")
    for column in (c for c in COLUMNS if c not in (*_DATES, "open_ended", "stacks", "price", "discount")):
        table[column] = table[column].astype("str")
    per = [schema.UNITS[row.unit].per if row.unit != ANY else None for row in rows]
    table.insert(COLUMNS.index("price") + 1, "per", pd.Series(per, dtype="int64" if None not in per else "Int64"))
    table["undated"] = [row.valid_from is None for row in rows]
    return table


def rows_from_frame(frame: pd.DataFrame, *, source: str, where: str, first_row: int) -> Rows:
    """Check a table of prices and make its rows.

    Parameters
    ----------
    frame : DataFrame
        Columns of :class:`PriceRow`, and ``discount`` and ``stacks`` of :class:`Discount`; ``model``, ``unit``, and a
        ``price`` or a ``discount`` are needed, the others have defaults.
    source : str
        The source of rows that do not name one.
    where, first_row
        How errors call the table, and the number that its first row bears there.

    Raises
    ------
    PriceError
        An unknown or missing column; a price, discount, date, unit, tier or name that is none; a row with both a price
        and a discount; a span that ends before it begins; or two rows that price one SKU on one day.
    """
    door = _Door(frame.reset_index(drop=True), where, first_row)
    door.columns()
    shares = door.shares()
    off = [share is not None for share in shares]
    prices = door.prices(off)
    columns: dict[str, list[Any]] = {c: door.text(c) for c in ("model", "unit", *_DEFAULTS)}
    days = {c: door.parsed(c, _day, "a day", "give days as 2026-09-01, or leave the cell blank") for c in _DATES}
    flags = {c: door.parsed(c, _flag, "true or false", "write true or false") for c in ("open_ended", "stacks")}
    columns |= days | flags | {"price": prices, "discount": shares}
    columns["unit"] = door.units(columns["unit"], off)
    tiers = zip(columns["service_tier"], off, strict=True)
    columns["service_tier"] = [t or (ANY if is_off else "standard") for t, is_off in tiers]
    door.named("service_tier", columns["service_tier"], TIERS)
    columns["currency"] = [c.upper() for c in columns["currency"]]
    columns["source"] = [s or source for s in columns["source"]]
    columns["context_tier"] = door.contexts(columns["context_tier"])
    columns["hours"] = door.hours(columns["hours"], off)

    def made(kind: Any, leave_out: tuple[str, ...], which: list[int]) -> tuple[Any, ...]:
        names = [c for c in COLUMNS if c not in leave_out]
        rows = [kind(**{c: columns[c][i] for c in names}) for i in which]
        return closed(rows, where=where, first_row=first_row, number=which)

    return Rows(
        made(PriceRow, ("discount", "stacks"), [i for i, is_off in enumerate(off) if not is_off]),
        made(Discount, ("price", "currency", "hours"), [i for i, is_off in enumerate(off) if is_off]),
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
            if column not in self.frame and not (column == "price" and "discount" in self.frame):
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

    def shares(self) -> list[Decimal | None]:
        """The discounts, None where the row has none."""
        remedy = "write the share that is not paid, from 0 to 1: 0.15 is 15 % off"
        return self.parsed("discount", _share, "a share", remedy)

    def prices(self, off: list[bool]) -> list[Any]:
        """The prices, None where the row is a discount."""
        if "price" not in self.frame:
            self.refuse("discount", [not d for d in off], "is blank", "write the share, or a price")
            return [None] * len(off)
        both = [d and not _blank(v) for v, d in zip(self.frame["price"], off, strict=True)]
        self.refuse("price", both, "stands beside a discount", "a row says one of the two: split it")
        priced = [None if d else _price(v) for v, d in zip(self.frame["price"], off, strict=True)]
        remedy = "write the number alone, such as 2.50, and never below 0"
        self.refuse("price", [v is _NOT_ONE for v in priced], "is not a price", remedy)
        return priced

    def units(self, values: list[str], off: list[bool]) -> list[str]:
        """The units; a discount may be off every unit."""
        every = [v == ANY and d for v, d in zip(values, off, strict=True)]
        named = [schema.BILLABLE[0] if e else v for v, e in zip(values, every, strict=True)]
        self.named("unit", named, schema.BILLABLE)
        return values

    def contexts(self, values: list[str]) -> list[str]:
        """The context tiers in one spelling; a row says them in numbers."""
        spelt = [canonical(v) for v in values]
        wrong = [v is None or v in (LONG, BASE) for v in spelt]
        remedy = "write <=200k, >200k or 200k-1M, or leave it blank"
        self.refuse("context_tier", wrong, "names no request sizes", remedy)
        return [v or "" for v in spelt]

    def hours(self, values: list[str], off: list[bool]) -> list[str]:
        """The hours in one spelling."""
        spelt = [minutes_of(v) for v in values]
        remedy = "write spans in UTC, such as 16:30-00:30 or 01:00-04:00, 06:00-10:00"
        self.refuse("hours", [m is None for m in spelt], "are no hours of the day", remedy)
        told = [hours_of(m) if m else "" for m in spelt]
        timed = [d and bool(t) for d, t in zip(off, told, strict=True)]
        self.refuse("hours", timed, "stand beside a discount", "a discount holds at every hour: leave them blank")
        return told

    def named(self, column: str, values: list[str], allowed: Sequence[str]) -> None:
        wrong = [v not in allowed for v in values]
        if any(wrong):
            value = values[wrong.index(True)]
            part = schema.UNITS[value].part_of if value in schema.UNITS else None
            remedy = f"{value} are part of {part}: price those" if part else f"allowed: {', '.join(allowed)}"
            self.refuse(column, wrong, "is not known", remedy + ("" if part else nearest(value, allowed)))

    def parsed(self, column: str, parse: Callable[[Any], Any], what: str, remedy: str) -> list[Any]:
        if column not in self.frame:
            return [parse(None)] * len(self.frame)
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


def share_of(value: object) -> Decimal | None:
    """A share as the Decimal that it is written as, or None where it is no number from 0 to 1."""
    share = _price(value)
    return share if isinstance(share, Decimal) and share <= 1 else None


def _share(value: object) -> Decimal | object | None:
    return None if _blank(value) else share_of(value) if share_of(value) is not None else _NOT_ONE


def _flag(value: Any) -> bool | object:
    return _FLAGS.get("" if _blank(value) else str(value).strip().casefold(), _NOT_ONE)


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
