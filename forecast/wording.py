"""Numbers, money and dates of pictures, as their reader writes them. Comes in: values. Goes out: short text.

English is written as the rest of the library writes it: 851k, USD 851k, 80 %, 5 Nov. Every other locale is written as
Unicode's CLDR says (https://cldr.unicode.org), through Babel; the ISO code of a currency, three significant digits and
the sign U+2212 are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, Literal

import pandas as pd

from forecast.errors import TokenplanError, nearest

if TYPE_CHECKING:
    from babel import Locale

#: How pictures are written where nobody says: as the library writes its tables and reports.
ENGLISH: Final = "en"
#: Parts of a date that are told, as CLDR calls them: hour, day and month, weekday, month, quarter, year.
Skeleton = Literal["Hm", "MMMd", "yMMMd", "E", "MMM", "yMMM", "QQQ", "yQQQ", "y"]

_LOCALE: ContextVar[str] = ContextVar("locale", default=ENGLISH)
_SCALES: Final = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
# strftime would follow the process's own locale.
MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MINUS: Final = "\u2212"


@contextmanager
def locale_of(name: str) -> Iterator[None]:
    """What is told inside is told as ``name`` writes it: a locale such as ``de_DE``, ``fr-FR`` or ``ja``.

    Raises
    ------
    TokenplanError
        CLDR knows no such locale.
    """
    told = _LOCALE.set(name if name == ENGLISH else str(_known(name)))
    try:
        yield
    finally:
        _LOCALE.reset(told)


def _known(name: str) -> Locale:
    """The locale of that name."""
    from babel import Locale, UnknownLocaleError
    from babel.localedata import locale_identifiers

    try:
        return Locale.parse(name.replace("-", "_"))
    except (AttributeError, TypeError, ValueError, UnknownLocaleError) as error:
        near = nearest(name, locale_identifiers())
        raise TokenplanError(
            f"locale {name!r} is not known; allowed: names such as 'en', 'de_DE', 'fr_FR'{near}"
        ) from error


def short(value: float) -> str:
    """A number in at most four digits: 950, 26.8k, 304k, 1.23M; below 100 to the hundredth."""
    size, sign, locale = abs(value), _MINUS if value < 0 else "", _LOCALE.get()
    if locale != ENGLISH:
        return sign + _short_in(size, locale)
    if size < 0.005:
        return "0" if size == 0 else f"{sign}{size:.2g}" if size >= 0.0001 else "under 0.0001"
    if size < 99.995:
        return f"{sign}{size:.2f}"
    if size < 9_999.5:
        return f"{sign}{size:,.0f}"
    for scale, letter in reversed(_SCALES):
        scaled = size / scale
        if scaled < 999.5:
            return f"{sign}{scaled:.{0 if scaled >= 99.95 else 1 if scaled >= 9.995 else 2}f}{letter}"
    return f"{sign}{size / 1e12:,.0f}T"


def _short_in(size: float, locale: str) -> str:
    from babel.numbers import format_decimal

    if size < 9_999.5:
        form = "#,##0" if size >= 99.995 or size == 0 else "0.00" if size >= 0.005 else "0.######"
        return str(format_decimal(size, format=form, locale=locale))
    return _compact(float(f"{size:.3g}"), locale)


def _compact(size: float, locale: str) -> str:
    """A number with CLDR's short unit, or in full where the language has none: 851.000, 1,23 Mio., 85.1万."""
    from babel.numbers import format_compact_decimal, format_decimal

    text = str(format_compact_decimal(size, fraction_digits=6, locale=locale))
    if any(c.isalpha() for c in text):
        return text
    return str(format_decimal(size, format="#,##0.##########", locale=locale))


def money(value: float, currency: str) -> str:
    """As :func:`short`, with its currency, on the side where the reader looks for it: USD 304k, 304.000 USD."""
    locale = _LOCALE.get()
    if locale == ENGLISH:
        return f"{currency} {short(value)}"
    before = str(_known(locale).currency_formats["standard"].pattern).startswith("\u00a4")
    return f"{currency}\u00a0{short(value)}" if before else f"{short(value)}\u00a0{currency}"


def in_percent(share: float, decimals: int = 0) -> str:
    """A share of 1 as a percentage: 12 %, or with a decimal 12.3 %."""
    size, locale = abs(share), _LOCALE.get()
    if locale == ENGLISH:
        text = f"{size * 100:.{decimals}f} %"
    else:
        from babel.numbers import format_percent

        form = str(_known(locale).percent_formats[None].pattern)
        form = form.replace("##0", f"##0.{'0' * decimals}") if decimals else form
        text = str(format_percent(size, format=form, locale=locale))
    return f"{_MINUS if share < 0 and any(c in '123456789' for c in text) else ''}{text}"


def percent(probability: float) -> str:
    """A probability as a reader expects it: never 0 % or 100 % of what only nearly is."""
    if 0 < probability < 0.005:
        return f"under {in_percent(0.01)}"
    if 0.995 < probability < 1:
        return f"over {in_percent(0.99)}"
    return in_percent(probability)


def share_range(low: float, high: float) -> str:
    """What a range of shares allows: 15–20 %, 20 %, at least 5 %, at most 25 %; to the hundredth of a percent."""
    decimals = next((d for d in (0, 1) if all(abs(round(100 * end, d) - 100 * end) < 1e-9 for end in (low, high))), 2)
    if high >= 1.0:
        return f"at least {in_percent(low, decimals)}"
    if low <= 0.0:
        return f"at most {in_percent(high, decimals)}"
    top = in_percent(high, decimals)
    return top if low == high else f"{number(100 * low, decimals)}–{top}"


def tick(value: float) -> str:
    """A number on an axis, exact and without an exponent: 12.5k."""
    return ticks()(value, None)


def ticks() -> Callable[[float, object], str]:
    """What writes an axis's numbers, in the locale of now: they are drawn when a figure is shown, and that is later."""
    locale = _LOCALE.get()

    def told(value: float, _position: object = None) -> str:
        size, sign = abs(value), _MINUS if value < 0 else ""
        if locale != ENGLISH:
            return sign + _compact(float(f"{size:.10g}"), locale)
        scale, letter = next(((s, c) for s, c in _SCALES if size >= s), (1.0, ""))
        digits = f"{size / scale:,.{6 if size >= 1 else 10}f}".rstrip("0").rstrip(".")
        return f"{sign}{digits}{letter}"

    return told


def scaled(value: float, scale: float, letter: str, decimals: int) -> str:
    """A number in a unit that it shares with others, such as thousands, to a decimal that all have: 53.4k."""
    if _LOCALE.get() != ENGLISH:
        return tick(round(value / scale, decimals) * scale)
    return f"{_MINUS if value < 0 else ''}{abs(value) / scale:,.{decimals}f}{letter}"


def number(value: float, decimals: int = 0) -> str:
    """A number in full, to a decimal: 12,500 or 1.5."""
    sign, locale = _MINUS if value < 0 else "", _LOCALE.get()
    if locale == ENGLISH:
        return f"{sign}{abs(value):,.{decimals}f}"
    from babel.numbers import format_decimal

    form = f"#,##0.{'0' * decimals}" if decimals else "#,##0"
    return sign + str(format_decimal(abs(value), format=form, locale=locale))


def told_date(day: pd.Timestamp, parts: Skeleton) -> str:
    """Parts of a date: "5 Nov" (``MMMd``), "Nov 2026" (``yMMM``), "Q4" (``QQQ``), "14:00" (``Hm``), "Thu" (``E``)."""
    locale = _LOCALE.get()
    if parts == "y":
        return str(day.year)
    if locale == ENGLISH:
        month, year = MONTHS[day.month - 1][:3], day.year
        return {
            "Hm": f"{day.hour:02d}:{day.minute:02d}",
            "MMMd": f"{day.day} {month}",
            "yMMMd": f"{day.day} {month} {year}",
            "E": _WEEKDAYS[day.weekday()],
            "MMM": month,
            "yMMM": f"{month} {year}",
            "QQQ": f"Q{day.quarter}",
            "yQQQ": f"Q{day.quarter} {year}",
        }[parts]
    from babel.dates import format_date, format_skeleton

    moment = day.to_pydatetime(warn=False)
    if parts in {"MMM", "QQQ", "E"}:
        return str(format_date(moment, parts, locale=locale))
    return str(format_skeleton(parts, moment, locale=locale))


def span_words(first: pd.Timestamp, last: pd.Timestamp) -> str:
    """A span as a planner says it: "2027", "Q1–Q2 2027", "Nov 2026–Jan 2027", "30 Oct–27 Jan 2027"."""
    start, end = pd.Period(first, "D"), pd.Period(last, "D")
    bare: Skeleton = "MMMd"
    full: Skeleton = "yMMMd"
    known: tuple[tuple[str, Skeleton, Skeleton], ...] = (("Y", "y", "y"), ("Q", "QQQ", "yQQQ"), ("M", "MMM", "yMMM"))
    for freq, short_form, long_form in known:
        c, d = start.asfreq(freq), end.asfreq(freq)
        if c.start_time.normalize() == first.normalize() and d.end_time.normalize() == last.normalize():
            bare, full = short_form, long_form
            break
    a, b = told_date(first, full if first.year != last.year else bare), told_date(last, full)
    return b if told_date(first, full) == b else f"{a}–{b}"


def words_of_locale() -> str:
    """Every letter that numbers and dates of the locale of now may bring, for the fonts to be asked."""
    days = pd.date_range("2026-01-01", periods=12, freq="MS")
    dates = [told_date(day, parts) for day in days for parts in ("MMMd", "yMMM", "yQQQ", "E", "Hm")]
    return "".join([*dates, *(short(1.23 * 10.0**n) for n in range(-1, 15)), money(-1.5, "USD"), in_percent(0.123, 1)])
