"""Values as they are read. Comes in: a column of values and its kind. Goes out: text, one for each value."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import date
from typing import Final, Literal, TypeAlias

import numpy as np
import pandas as pd

from forecast.drawing import one_line
from forecast.errors import ModelError, one_of

#: label and words are text (a name; a sentence), money and cents are money in whole units (where it is large) and to
#: the cent, price is money for one unit of something, share a part of 1, number anything else.
CellKind: TypeAlias = Literal["label", "words", "date", "money", "cents", "price", "count", "share", "number"]
NUMERIC: Final = frozenset({"money", "cents", "price", "count", "share", "number"})
MISSING: Final = "\u2013"
#: From this much money on, a column of it is told in whole units.
WHOLE_FROM: Final = 1_000.0
#: Columns of text that a name and a sentence are cut to.
NAME, SENTENCE = 48, 600

#: Columns of our tables that hold parts of 1 and money for one unit; other numbers say by their size how they are told.
_SHARES: Final = (
    *("share", "cheaper", "overrun", "coverage", "probability", "weight", "over"),
    *("accuracy", "success_rate", "quality", "held", "discount", "effective_discount"),
)
_SHARE_ENDS: Final = ("_share", "_probability")
_SHARE_STARTS: Final = ("coverage_", "probability_", "share_")
#: Those that may be more than the whole; of the others, what is more is no part of 1 but a number of the reader's own.
_RATIOS: Final = ("utilisation", "better", "margin")
_RATIO_ENDS: Final = ("savings_rate",)
_RATIO_STARTS: Final = ("wape", "bias", "smape")
_PRICES: Final = ("price", "list_price", "effective_price", "input", "output", "blended", "cost_per_request")
_COUNTS: Final = ("rows", "records", "requests", "tokens", "draws", "trials", "total_tokens", "input_tokens")
_SENTENCES: Final = ("assumption", "source", "note", "mend", "found", "allowed", "meaning", "why", "reason", "remedy")


def kind_of(name: object, values: pd.Series) -> CellKind:
    """The kind of a column, from its values, and where they are fractions from its name."""
    word = str(name).lower()
    known = values.dropna()
    if isinstance(values.dtype, pd.PeriodDtype) or pd.api.types.is_bool_dtype(values.dtype) or not len(known):
        return "label"
    if pd.api.types.is_datetime64_any_dtype(values.dtype) or all(isinstance(v, date) for v in known):
        return "date"
    if pd.api.types.is_integer_dtype(values.dtype) or all(
        isinstance(v, int) and not isinstance(v, bool) for v in known
    ):
        return "label" if word == "year" else "count"
    if pd.api.types.is_numeric_dtype(values.dtype) or all(_is_number(v) for v in known):
        return _of_fractions(word, known)
    return "words" if word in _SENTENCES else "label"


def _of_fractions(word: str, known: pd.Series) -> CellKind:
    if word in _RATIOS or word.endswith(_RATIO_ENDS) or word.startswith(_RATIO_STARTS):
        return "share"
    if word in _SHARES or word.endswith(_SHARE_ENDS) or word.startswith(_SHARE_STARTS):
        return "share" if known.astype("float64").abs().max() <= 1 + 1e-9 else "number"
    if word in _COUNTS or word.endswith("_tokens"):
        return "count"
    return "price" if word in _PRICES else "number"


def told(values: Iterable[object], kind: CellKind, *, largest: float = 0.0) -> tuple[str, ...]:
    """A column as text: numbers of one column have as many decimals, and what is nothing but rounding is 0.

    ``largest`` is the largest amount beside which the column stands: money of one table is told in one way.
    """
    one_of("kind", kind, ("label", "words", "date", *sorted(NUMERIC)), ModelError)
    kept = list(values)
    if kind not in NUMERIC:
        return tuple(_text(v, kind) for v in kept)
    numbers = as_numbers(kept)
    largest = max([largest, *(abs(v) for v in numbers if math.isfinite(v))])
    return tuple(MISSING if math.isnan(v) else _number(v, kind, largest) for v in numbers)


def as_numbers(values: Iterable[object]) -> list[float]:
    """Values as numbers, NaN where there is none."""
    return [math.nan if _is_missing(v) else float(str(v)) for v in values]


def amount(value: float, digits: int) -> str:
    """A number with its thousands grouped and a minus that is as wide as a digit; never -0."""
    return f"{round(value, digits) + 0.0:,.{digits}f}".replace("-", "\u2212")


def _number(value: float, kind: CellKind, largest: float) -> str:
    if math.isinf(value):
        return "\u221e" if value > 0 else "\u2212\u221e"
    if kind == "share":
        return _share(value)
    if kind == "price":
        return _significant(value, 4)
    if kind == "number" and 1e-9 < largest < 1:
        return amount(value, min(2 - math.floor(math.log10(largest)), 9))
    whole = kind == "count" or (kind != "cents" and (largest >= WHOLE_FROM or largest < 1e-9))
    return amount(value, 0 if whole else 2)


def _significant(value: float, figures: int) -> str:
    """A number to so many figures, never with an exponent; what is smaller than any of ours is 0."""
    size = abs(value)
    if size < 1e-9:
        return "0"
    digits = max(figures - 1 - math.floor(math.log10(size)), 0)
    shown = amount(value, min(digits, 9))
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def _share(value: float) -> str:
    size, sign = abs(value), "\u2212" if value < 0 else ""
    if 1e-12 < value < 0.0005:
        return "under 0.1 %"
    if 0.9995 <= size < 1 - 1e-12:
        return f"{sign}over 99.9 %"
    return f"{amount(value * 100, 1)} %"


def _text(value: object, kind: CellKind) -> str:
    if _is_missing(value):
        return MISSING
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, date):
        moment = pd.Timestamp(value)
        return f"{moment:%Y-%m-%d}" if moment == moment.normalize() else f"{moment:%Y-%m-%d %H:%M}"
    return one_line(value, SENTENCE if kind == "words" else NAME) or MISSING


def _is_missing(value: object) -> bool:
    return value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def _is_number(value: object) -> bool:
    if isinstance(value, bool | str):
        return False
    try:
        float(value)  # type: ignore[arg-type]  # what has no __float__ is told by the error
    except (TypeError, ValueError):
        return False
    return True
