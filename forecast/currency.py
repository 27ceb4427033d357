"""Currency: dated exchange rates come in, from a table of one's own; amounts in one currency go out.

A rate holds from its date until the next one of its currency; one without a date holds always, and is flagged. Rates
are never fetched: a plan that finance signs says which ones it used.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from forecast import schema
from forecast.errors import PriceError, bad_rows, nearest, one_of
from forecast.shown import Result, Shown, table_of

FloatArray = NDArray[np.float64]
COLUMNS: Final = ("currency", "date", "rate", "base", "source")
#: A day before any rate: from when a rate without a date holds.
_LONG_AGO: Final = pd.Timestamp("1900-01-01")
_CODE: Final = "[A-Z]{3}"


@dataclass(frozen=True, slots=True, repr=False)
class Rates(Result):
    """Dated exchange rates into one base currency.

    Attributes
    ----------
    frame : DataFrame
        Columns ``currency``, ``date`` (NaT: always), ``rate`` (Decimal: units of the base for one unit of the currency)
        and ``source``, by currency and date.
    base : str
        ISO 4217 code of the currency that rates are in.
    max_age : int, optional
        Days after which a dated rate is refused as stale.
    """

    frame: pd.DataFrame
    base: str = "USD"
    max_age: int | None = None
    _known: dict[str, pd.Series] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Check what is stated beside the table, and index the rates by currency: each a series of rates by date."""
        _code(self.base, "base")
        if self.max_age is not None and not (type(self.max_age) is int and self.max_age >= 0):
            raise PriceError(f"max_age = {self.max_age!r}: wanted a whole number of days, from 0 up")
        dated = self.frame.assign(date=self.frame["date"].astype("datetime64[us]").fillna(_LONG_AGO))
        known = {str(c): part.set_index("date")["rate"] for c, part in dated.groupby("currency")}
        object.__setattr__(self, "_known", known)

    @classmethod
    def of(cls, rates: Mapping[str, Any], *, base: str = "USD", source: str = "stated") -> Rates:
        """Rates that hold always: ``Rates.of({"EUR": "1.08"})`` says that a euro is 1.08 of the base.

        Raises
        ------
        PriceError
            A rate is no number above 0, or a code is none.
        """
        frame = pd.DataFrame({"currency": list(rates), "rate": list(rates.values())})
        return cls.from_frame(frame, base=base, source=source)

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        base: str | None = None,
        max_age: int | None = None,
        source: str = "<frame>",
        first_row: int = 0,
    ) -> Rates:
        """Check a table of rates.

        Parameters
        ----------
        frame : DataFrame
            Columns ``currency``, ``rate``, and optionally ``date`` (blank: always), ``base`` (one for all rows) and
            ``source``. Not changed.
        base : str, optional
            The currency that the rates are in, where no column says so; USD by default.
        max_age : int, optional
            Days after which a rate is stale, and refused.
        source, first_row
            Where the rates stand, and the number that the first row bears there.

        Raises
        ------
        PriceError
            An unknown or missing column; a code, rate or date that is none; two rates of a currency on one day.
        """
        for column in map(str, frame.columns):
            one_of(f"{source}: column", column, COLUMNS, PriceError)
        for column in ("currency", "rate"):
            if column not in frame:
                raise PriceError(f"{source}: there is no column {column!r}; needed are currency and rate")
        if frame.empty:
            raise PriceError(f"{source}: there are no rates")
        table, refuse = frame.reset_index(drop=True), _Refusal(source, first_row)
        code = table["currency"].astype("str").str.strip().str.upper()
        refuse(table, ~code.str.fullmatch(_CODE, na=False), "currency", "is no code of three letters")
        rate = pd.Series([_rate(v) for v in table["rate"]], dtype="object")
        refuse(table, rate.isna(), "rate", "is no number above 0")
        base = _base(table, base, refuse)
        refuse(table, code == base, "currency", f"is {base}, which rates are in and which is 1 by itself: leave it out")
        day = _days(table, refuse)
        named = table.get("source", pd.Series(source, index=table.index)).fillna(source)
        made = pd.DataFrame({"currency": code, "date": day, "rate": rate, "source": named})
        refuse(
            table.assign(date=day), made.duplicated(["currency", "date"]), "date", "has a second rate of its currency"
        )
        made = made.sort_values(["currency", "date"], na_position="first", ignore_index=True)
        return cls(made, base, max_age)

    @classmethod
    def read(cls, path: str | Path, *, base: str | None = None, max_age: int | None = None) -> Rates:
        """Rates from a CSV file with the columns of :meth:`from_frame`, or a TOML file of ``[[rates]]`` tables.

        A TOML file may say ``base`` and ``max_age`` itself.

        Raises
        ------
        PriceError
            The file cannot be read, or breaks a rule of the table.
        """
        file = Path(path)
        if not file.is_file():
            beside = [p.name for p in file.parent.iterdir()] if file.parent.is_dir() else []
            raise PriceError(f"{file}: there is no such file of rates{nearest(file.name, beside)}")
        try:
            if file.suffix == ".toml":
                content = tomllib.loads(file.read_text(encoding="utf-8-sig"), parse_float=Decimal)
                for key in content:
                    one_of(f"{file}: key", key, ("base", "max_age", "rates"), PriceError)
                listed = content.get("rates", [])
                if not isinstance(listed, list) or not all(isinstance(row, dict) for row in listed):
                    raise PriceError(f"{file}: rates = {listed!r}: wanted one [[rates]] table a rate")
                frame, first_row = pd.DataFrame(listed, dtype=object), 1
                base = content.get("base") if base is None else base
                max_age = content.get("max_age") if max_age is None else max_age
            else:
                frame, first_row = pd.read_csv(file, dtype=str, encoding="utf-8-sig", skipinitialspace=True), 2
        except (UnicodeDecodeError, tomllib.TOMLDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as cause:
            raise PriceError(
                f"{file}: cannot be read as a table of rates: {str(cause).strip()}; mend the file"
            ) from cause
        return cls.from_frame(frame, base=base, max_age=max_age, source=str(file), first_row=first_row)

    @property
    def currencies(self) -> tuple[str, ...]:
        """Every currency that can be converted, the base first."""
        return (self.base, *sorted(self._known))

    def rate(self, currency: str, into: str, days: Any) -> FloatArray:
        """Units of ``into`` for one unit of ``currency`` on each day: float array (day,).

        rate = (base for one of ``currency``) / (base for one of ``into``), each as it held on the day.

        Raises
        ------
        PriceError
            A currency is not in the table; a day is none, is before its first rate, or beyond ``max_age`` days of the
            rate that holds.
        """
        try:
            on = pd.DatetimeIndex(np.atleast_1d(days)).tz_localize(None).normalize()
        except (TypeError, ValueError) as cause:
            raise PriceError(f"rates of {currency}: days = {days!r}: wanted days such as 2026-01-31") from cause
        if on.hasnans:
            blank = int(np.isnat(on.to_numpy()).sum())
            raise PriceError(f"rates of {currency}: {blank} days are blank: give every amount its day")
        whole, places = np.unique(on.to_numpy(), return_inverse=True)
        exact = [self._on(currency, pd.Timestamp(d)) / self._on(into, pd.Timestamp(d)) for d in whole]
        return np.array([float(r) for r in exact], dtype="float64")[places]

    def convert(self, amounts: Any, currency: str, into: str, days: Any) -> FloatArray:
        """Amounts of ``currency`` in ``into``, each at the rate of its day: float array of the amounts' shape.

        amount · :meth:`rate`; ``days`` has the amounts' length, or is one day for all of them.

        Raises
        ------
        PriceError
            As :meth:`rate`; or there are neither one day nor as many as amounts.
        """
        money = np.asarray(amounts, dtype="float64")
        rate = self.rate(currency, into, days)
        if len(rate) not in (1, *money.shape[-1:]):
            raise PriceError(f"rates of {currency}: {len(rate)} days for amounts of shape {money.shape}")
        return np.asarray(money * (rate[0] if len(rate) == 1 else rate))

    def newest(self, currency: str, into: str, day: pd.Timestamp) -> pd.Timestamp | None:
        """The day of the rate of a day: the earlier of both currencies' where both have one; None without a date."""
        dated = [self._known[code].index for code in (currency, into) if code in self._known]
        held = [dates[dates <= day].max() for dates in dated]
        return None if not held or min(held) == _LONG_AGO else pd.Timestamp(min(held))

    def change_between(self, currency: str, into: str, first: pd.Timestamp, last: pd.Timestamp) -> bool:
        """Whether either currency has a rate of a day after ``first``, up to ``last``: one rate does not do for all."""
        dates = [self._known[code].index for code in (currency, into) if code in self._known]
        return any(bool(((d > first) & (d <= last)).any()) for d in dates)

    def _on(self, currency: str, day: pd.Timestamp) -> Decimal:
        code = str(currency).upper()
        if code == self.base:
            return Decimal(1)
        if code not in self._known:
            raise PriceError(
                f"there is no rate of {code} into {self.base}; the table has {', '.join(self.currencies)}: add a row"
                f"{nearest(code, self.currencies)}"
            )
        rates = self._known[code]
        place = int(np.searchsorted(rates.index.to_numpy(), day.to_datetime64(), side="right")) - 1
        if place < 0:
            raise PriceError(
                f"{code} has no rate on {day:%Y-%m-%d}: the first is of {rates.index[0]:%Y-%m-%d}; add an earlier one"
            )
        since = rates.index[place]
        if self.max_age is not None and since != _LONG_AGO and (day - since).days > self.max_age:
            raise PriceError(
                f"the rate of {code} on {day:%Y-%m-%d} is stale: of {since:%Y-%m-%d}, older than {self.max_age} days"
            )
        return Decimal(rates.iloc[place])

    def show(self) -> Shown:
        """The rates, in order."""
        table = table_of(self.frame, kinds={"rate": "price"}, where="rates.frame")
        return Shown(f"Exchange rates into {self.base}", "", (table,))

    def __repr__(self) -> str:
        undated = int(self.frame["date"].isna().sum())
        flagged = f", {undated} undated" if undated else ""
        return f"Rates({len(self.frame)} rates of {', '.join(sorted(self._known))} into {self.base}{flagged})"


#: A currency that was converted, and the day of the newest rate that was used.
Exchanged: TypeAlias = tuple[str, pd.Timestamp | None]


@dataclass(frozen=True, slots=True)
class Converted:
    """A usage's rows in one currency, and what was converted, in words and with the day of the rates.

    ``exchanged``: each currency and the day of the newest rate that was used; None where it has no date.
    """

    frame: pd.DataFrame
    notes: tuple[str, ...]
    exchanged: tuple[Exchanged, ...] = ()


def in_one_currency(frame: pd.DataFrame, currency: str | None, rates: Rates) -> Converted:
    """Convert the money columns of canonical usage rows (``currency``, ``date``) to one currency.

    ``currency`` is what to convert to; by default the rates' base.

    Raises
    ------
    PriceError
        A currency of the rows has no rate on a row's day.
    """
    into = (currency or rates.base).upper()
    if "currency" not in frame:
        return Converted(frame, ())
    out, notes, exchanged = frame.copy(), [], []
    for code in sorted(set(frame["currency"].dropna()) - {into}):
        rows = (frame["currency"] == code).to_numpy()
        rate = rates.rate(code, into, frame.loc[rows, schema.DATE])
        for column in (c for c in schema.MONEY if c in frame):
            out[column] = out[column].astype("float64")
            out.loc[rows, column] = out.loc[rows, column] * rate
        out.loc[rows, "currency"] = into
        low, high = f"{rate.min():.6g}", f"{rate.max():.6g}"
        at = low if low == high else f"{low} to {high}"
        notes.append(f"{int(rows.sum())} rows in {code} are converted to {into} at {at} ({rates!r})")
        exchanged.append((code, rates.newest(code, into, frame.loc[rows, schema.DATE].max())))
    return Converted(out, tuple(notes), tuple(exchanged))


def _rate(value: object) -> Decimal | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        rate = value if isinstance(value, Decimal) else Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return rate if rate.is_finite() and rate > 0 else None


def _code(value: object, what: str) -> str:
    """A code of three capitals.

    Raises
    ------
    PriceError
        It is none.
    """
    if not isinstance(value, str) or re.fullmatch(_CODE, value) is None:
        raise PriceError(f"{what} = {value!r}: wanted a currency's code of three capitals, such as 'EUR'")
    return value


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Refuses rows of a table, named as its source numbers them."""

    source: str
    first_row: int

    def __call__(self, table: pd.DataFrame, wrong: pd.Series, column: str, problem: str) -> None:
        if wrong.any():
            rows = bad_rows(table, wrong, [column], first_row=self.first_row)
            raise PriceError(f"{self.source}: column {column!r} {problem}: {rows}")


def _base(table: pd.DataFrame, stated: object, refuse: _Refusal) -> str:
    """The currency that rates are in: as stated, as its column says, or USD."""
    base = None if stated is None else _code(stated.upper() if isinstance(stated, str) else stated, "base")
    if "base" not in table:
        return base or "USD"
    named = table["base"].astype("str").str.strip().str.upper()
    refuse(table, ~named.str.fullmatch(_CODE, na=False), "base", "is no code of three letters")
    first = base or str(named.iloc[0])
    refuse(table, named != first, "base", f"is not {first}: a table has one base")
    return first


def _days(table: pd.DataFrame, refuse: _Refusal) -> pd.Series:
    """The days of rates, NaT for those that hold always."""
    raw = table.get("date", pd.Series(None, index=table.index, dtype="object"))
    if isinstance(raw.dtype, pd.DatetimeTZDtype):
        raw = raw.dt.tz_localize(None)
    text = raw.astype("str").str.strip().str.removesuffix(" 00:00:00")
    blank = raw.isna() | (text == "")
    day = pd.to_datetime(text.where(~blank), errors="coerce", format="%Y-%m-%d").astype("datetime64[us]")
    refuse(table, day.isna() & ~blank, "date", "is no day such as 2026-01-31")
    return day
