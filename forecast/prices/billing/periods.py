"""Periods of a bill. Comes in: first and last days. Goes out: their parts, their months, the windows they lie in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from forecast.errors import PriceError
from forecast.shown import short_repr

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Days = NDArray[np.datetime64]
Window = Literal["month", "quarter", "year", "term"]
WINDOWS: Final[tuple[Window, ...]] = get_args(Window)
_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True, slots=True)
class Windows:
    """The windows of a contract that periods lie in.

    Attributes
    ----------
    number : int array (period,)
        Which window a period begins in; -1 outside the contract.
    begin : datetime64[D] array (window,)
    months : float array (window,)
        The length of each window, whether or not the periods cover it.
    """

    __repr__ = short_repr

    number: IntArray
    begin: Days
    months: FloatArray


@dataclass(frozen=True, slots=True)
class Periods:
    """The periods of a bill: their first and last days, one after another.

    Attributes
    ----------
    first, last : datetime64[D] array (period,)

    Raises
    ------
    PriceError
        There is no period, one ends before it begins, or one does not begin on the day after the one before.
    """

    __repr__ = short_repr

    first: Days
    last: Days

    def __post_init__(self) -> None:
        """Check that each period has its days, from the day after those before it."""
        object.__setattr__(self, "first", np.atleast_1d(np.asarray(self.first, dtype="datetime64[D]")))
        object.__setattr__(self, "last", np.atleast_1d(np.asarray(self.last, dtype="datetime64[D]")))
        if not len(self.first) or len(self.first) != len(self.last):
            raise PriceError(
                f"a bill of {len(self.first)} first and {len(self.last)} last days: wanted one each a period"
            )
        if np.isnat(self.first).any() or np.isnat(self.last).any():
            raise PriceError("a period of a bill has no first or last day")
        apart = np.concatenate([[False], self.first[1:] != self.last[:-1] + 1])
        for wrong, what in (
            (self.last < self.first, "ends before it begins"),
            (apart, "does not follow the one before"),
        ):
            if wrong.any():
                i = int(wrong.argmax())
                raise PriceError(f"period {i} of the bill, {self.first[i]} to {self.last[i]}, {what}")

    @classmethod
    def months(cls, start: str, count: int) -> Periods:
        """``count`` calendar months from ``start``, such as ``"2027-01"``."""
        days = (np.datetime64(start, "M") + np.arange(count + 1)).astype("datetime64[D]")
        return cls(days[:-1], days[1:] - 1)

    def __len__(self) -> int:
        return len(self.first)

    @property
    def days(self) -> FloatArray:
        """How many days each period has: (period,)."""
        return ((self.last - self.first).astype("int64") + 1).astype("float64")

    def inside(self, start: date | None, end: date | None) -> FloatArray:
        """1 where a period lies from ``start`` to ``end``, both included, 0 where it does not: (period,).

        Periods are split where a rule begins and ends, so none lies there in part.
        """
        begun = True if start is None else self.first >= np.datetime64(start, "D")
        open_ = True if end is None else self.last <= np.datetime64(end, "D")
        return np.broadcast_to(np.logical_and(begun, open_), self.first.shape).astype("float64")

    def months_in(self, start: date | None = None, end: date | None = None) -> FloatArray:
        """Months in each period that lies from ``start`` to ``end``, each month in part by its days: (period,)."""
        return months_between(self.first, self.last + 1) * self.inside(start, end)

    def split(self, dates: Days) -> tuple[Periods, IntArray]:
        """The same days in parts that begin on ``dates`` too, and which period each part is of: (part,)."""
        begins = np.unique(np.concatenate([self.first, np.asarray(dates, dtype="datetime64[D]")]))
        begins = begins[(begins >= self.first[0]) & (begins <= self.last[-1])]
        of = np.searchsorted(self.first, begins, side="right") - 1
        return Periods(begins, np.append(begins[1:] - 1, self.last[-1])), of

    def boundaries(self, window: Window, start: date | None = None) -> Days:
        """The first days of the windows that the periods lie in, and of the one after: (window + 1,).

        Windows are counted from ``start``, and are those of the calendar without one; the term is one window.
        """
        if window == "term":
            begin = self.first[0] if start is None else np.datetime64(start, "D")
            return np.array([begin, max(begin, self.last[-1]) + 1])
        size = _MONTHS[window]
        origin = np.datetime64("1970-01-01", "D") if start is None else np.datetime64(start, "D")
        month = origin.astype("datetime64[M]")
        low, high = (
            (day.astype("datetime64[M]") - month).astype("int64") // size for day in (self.first[0], self.last[-1])
        )
        low = low - 1 if start is None else max(low - 1, 0)
        begin = month + size * np.arange(low, max(high, low) + 2)
        offset = origin - month.astype("datetime64[D]")
        days = np.minimum(begin.astype("datetime64[D]") + offset, (begin + 1).astype("datetime64[D]") - 1)
        return np.asarray(days[max(int(np.searchsorted(days, self.first[0], side="right")) - 1, 0) :])

    def windows(self, window: Window, start: date | None = None, end: date | None = None) -> Windows:
        """The window that each period lies in; periods are split at their boundaries."""
        bounds = self.boundaries(window, start)
        if window == "term" and end is not None:
            bounds[1] = np.datetime64(end, "D") + 1
        number = np.searchsorted(bounds, self.first, side="right") - 1
        number = np.where((self.inside(start, end) > 0) & (number < len(bounds) - 1), number, -1)
        return Windows(number.astype("int64"), bounds[:-1], months_between(bounds[:-1], bounds[1:]))


def months_between(first: Days, after: Days) -> FloatArray:
    """Months from the day ``first`` up to the day ``after``, each month in part by its days.

    From 17 January to 1 March: 15 / 31 + 1.
    """

    def position(day: Days) -> tuple[IntArray, FloatArray]:
        month = day.astype("datetime64[M]")
        begin = month.astype("datetime64[D]")
        length = ((month + 1).astype("datetime64[D]") - begin).astype("int64")
        return month.astype("int64"), (day - begin).astype("int64") / length

    (month, part), (last, rest) = position(np.asarray(first)), position(np.asarray(after))
    return np.asarray((last - month) + (rest - part))
