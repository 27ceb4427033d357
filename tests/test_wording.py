"""Numbers, money and dates of pictures, beside what CLDR 48 writes (https://cldr.unicode.org), copied by hand."""

import pandas as pd
import pytest

import forecast as fc
from forecast.drawing import ticks
from forecast.errors import TokenplanError
from forecast.wording import (
    in_percent,
    locale_of,
    money,
    number,
    percent,
    share_range,
    short,
    span_words,
    tick,
    told_date,
)

#: CLDR's spaces: between number and unit, and the narrow one of French thousands.
NB, NNB = "\u00a0", "\u202f"
MINUS = "\u2212"
DAY = pd.Timestamp("2026-11-05 14:00")


# decimalFormats-numberSystem-latn/short: German has no short thousand ("0"), Japanese counts by 10^4 (万, 億, 兆).
@pytest.mark.parametrize(("locale", "value", "told"), [
    ("en", 851_234, "851k"), ("en", 26_840, "26.8k"), ("en", 1_234, "1,234"), ("en", -1_230_000, f"{MINUS}1.23M"),
    ("en", 3.2e9, "3.20B"), ("en", 0.45, "0.45"), ("en", 0, "0"), ("en", 999_600, "1.00M"),
    ("de_DE", 851_234, "851.000"), ("de_DE", 26_840, "26.800"), ("de_DE", 1_234, "1.234"),
    ("de_DE", -1_230_000, f"{MINUS}1,23{NB}Mio."), ("de_DE", 3.2e9, f"3,2{NB}Mrd."), ("de_DE", 0.45, "0,45"),
    ("de_DE", 0, "0"), ("de_DE", 999_600, f"1{NB}Mio."),
    ("fr_FR", 851_234, f"851{NB}k"), ("fr_FR", 26_840, f"26,8{NB}k"), ("fr_FR", 1_234, f"1{NNB}234"),
    ("fr_FR", -1_230_000, f"{MINUS}1,23{NB}M"), ("fr_FR", 3.2e9, f"3,2{NB}Md"), ("fr_FR", 0.45, "0,45"),
    ("ja_JP", 851_234, "85.1万"), ("ja_JP", 26_840, "2.68万"), ("ja_JP", 1_234, "1,234"),
    ("ja_JP", -1_230_000, f"{MINUS}123万"), ("ja_JP", 3.2e9, "32億"), ("ja_JP", 2.5e12, "2.5兆"),
    ("en_IN", 851_234, "8.51L"), ("en_IN", 3.2e9, "320Cr"),
])  # fmt: skip
def test_a_number_is_short_as_its_reader_writes_it(locale, value, told):
    with locale_of(locale):
        assert short(value) == told


# currencyFormats/standard: "¤#,##0.00" in English and Japanese, "#,##0.00 ¤" in German and French.
@pytest.mark.parametrize(("locale", "value", "told"), [
    ("en", 851_234, "USD 851k"), ("en", -304_000, f"USD {MINUS}304k"),
    ("de_DE", 851_234, f"851.000{NB}USD"), ("de_DE", -304_000, f"{MINUS}304.000{NB}USD"),
    ("fr_FR", 1_230_000, f"1,23{NB}M{NB}USD"), ("ja_JP", 851_234, f"USD{NB}85.1万"),
])  # fmt: skip
def test_money_keeps_its_code_on_the_readers_side(locale, value, told):
    with locale_of(locale):
        assert money(value, "USD") == told


@pytest.mark.parametrize(("low", "high", "told"), [
    (0.6, 0.7, "60–70 %"), (0.125, 0.2, "12.5–20.0 %"), (0.2, 0.2, "20 %"), (0.05, 1.0, "at least 5 %"),
    (0.0, 0.25, "at most 25 %"), (0.3333, 0.5, "33.33–50.00 %"),
])  # fmt: skip
def test_a_range_of_shares_is_what_it_allows(low, high, told):
    assert share_range(low, high) == told
    with locale_of("de_DE"):
        assert share_range(low, high).replace(NB, " ") == told.replace(".", ",")


# percentFormats: "#,##0%" in English and Japanese, "#,##0 %" with a no-break space in German and French; how
# wide the French one is differs by CLDR's version.
# English is written with the space of the SI, as everywhere in the library.
@pytest.mark.parametrize(("locale", "share", "decimals", "told"), [
    ("en", 0.8, 0, "80 %"), ("en", -0.123, 1, f"{MINUS}12.3 %"), ("en", -0.0001, 0, "0 %"),
    ("de_DE", 0.8, 0, f"80{NB}%"), ("de_DE", -0.123, 1, f"{MINUS}12,3{NB}%"), ("de_DE", 12.34, 1, f"1.234,0{NB}%"),
    ("fr_FR", 0.8, 0, f"80{NB}%"), ("ja_JP", 0.8, 0, "80%"), ("ja_JP", 0.123, 2, "12.30%"),
])  # fmt: skip
def test_a_share_is_a_percentage(locale, share, decimals, told):
    with locale_of(locale):
        assert in_percent(share, decimals).replace(NNB, NB) == told


@pytest.mark.parametrize(("locale", "probability", "told"), [
    ("en", 0.0, "0 %"), ("en", 0.004, "under 1 %"), ("en", 0.996, "over 99 %"), ("en", 1.0, "100 %"),
    ("de_DE", 0.004, f"under 1{NB}%"), ("fr_FR", 0.996, f"over 99{NB}%"),
])  # fmt: skip
def test_what_is_nearly_certain_is_not_told_as_certain(locale, probability, told):
    with locale_of(locale):
        assert percent(probability).replace(NNB, NB) == told


@pytest.mark.parametrize(("locale", "value", "told"), [
    ("en", 12_500, "12.5k"), ("en", 0.025, "0.025"), ("en", -2_000_000, f"{MINUS}2M"), ("en", 0, "0"),
    ("de_DE", 12_500, "12.500"), ("de_DE", 1_500_000, f"1,5{NB}Mio."), ("de_DE", 0.025, "0,025"),
    ("fr_FR", 12_500, f"12,5{NB}k"), ("fr_FR", 0, "0"), ("ja_JP", 12_500, "1.25万"), ("ja_JP", -500, f"{MINUS}500"),
])  # fmt: skip
def test_an_axis_tells_exact_numbers(locale, value, told):
    with locale_of(locale):
        assert tick(value) == told


def test_numbers_in_full_have_the_readers_separators():
    told = {}
    for locale in ("en", "de_DE", "fr_FR", "ja_JP"):
        with locale_of(locale):
            told[locale] = number(12_345), number(-1.5, 1)
    assert told == {
        "en": ("12,345", f"{MINUS}1.5"),
        "de_DE": ("12.345", f"{MINUS}1,5"),
        "fr_FR": (f"12{NNB}345", f"{MINUS}1,5"),
        "ja_JP": ("12,345", f"{MINUS}1.5"),
    }


# ca-gregorian: availableFormats, months/format/abbreviated, days/format/abbreviated, quarters/format/abbreviated.
@pytest.mark.parametrize(("locale", "told"), [
    ("en", ("5 Nov", "5 Nov 2026", "Nov 2026", "Nov", "Q4", "Q4 2026", "Thu", "14:00", "2026")),
    ("de_DE", ("5. Nov.", "5. Nov. 2026", "Nov. 2026", "Nov.", "Q4", "Q4 2026", "Do.", "14:00", "2026")),
    ("fr_FR", ("5 nov.", "5 nov. 2026", "nov. 2026", "nov.", "T4", "T4 2026", "jeu.", "14:00", "2026")),
    ("ja_JP", ("11月5日", "2026年11月5日", "2026年11月", "11月", "Q4", "2026/Q4", "木", "14:00", "2026")),
])  # fmt: skip
def test_dates_are_told_as_their_reader_writes_them(locale, told):
    parts = ("MMMd", "yMMMd", "yMMM", "MMM", "QQQ", "yQQQ", "E", "Hm", "y")
    with locale_of(locale):
        assert tuple(told_date(DAY, part) for part in parts) == told


@pytest.mark.parametrize(("locale", "first", "last", "told"), [
    ("en", "2027-01-01", "2027-12-31", "2027"), ("en", "2027-01-01", "2027-06-30", "Q1–Q2 2027"),
    ("en", "2026-11-01", "2027-01-31", "Nov 2026–Jan 2027"),
    ("en", "2026-10-30", "2027-01-27", "30 Oct 2026–27 Jan 2027"), ("en", "2027-03-05", "2027-03-05", "5 Mar 2027"),
    ("de_DE", "2027-01-01", "2027-06-30", "Q1–Q2 2027"), ("de_DE", "2026-11-01", "2027-01-31", "Nov. 2026–Jan. 2027"),
    ("fr_FR", "2027-01-01", "2027-06-30", "T1–T2 2027"), ("fr_FR", "2027-02-01", "2027-04-30", "févr.–avr. 2027"),
])  # fmt: skip
def test_a_span_is_told_by_the_longest_periods_that_it_is_made_of(locale, first, last, told):
    with locale_of(locale):
        assert span_words(pd.Timestamp(first), pd.Timestamp(last)) == told


def test_what_writes_an_axis_keeps_the_locale_that_it_was_made_in():
    with locale_of("de_DE"):
        made = ticks()
    assert made(12_500, None) == "12.500"
    assert ticks()(12_500, None) == "12.5k"


def test_a_locale_ends_with_its_block_even_after_an_error():
    def broken():
        assert short(26_840) == f"26,8{NB}k"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), fc.chart_style(locale="fr-FR"):
        broken()
    assert short(26_840) == "26.8k"


@pytest.mark.parametrize(("locale", "told"), [
    ("de_XY", "locale 'de_XY' is not known; allowed: names such as 'en', 'de_DE', 'fr_FR'; did you mean"),
    ("", "locale '' is not known"),
    ("german", "locale 'german' is not known"),
    ("ja_JP", r"the fonts in use \(.*DejaVu Sans\) cannot draw .*万|cannot draw .*月"),
    ("ar_EG", "cannot be written from right to left"),
])  # fmt: skip
def test_a_locale_that_cannot_be_drawn_is_refused_with_what_helps(locale, told):
    with pytest.raises(TokenplanError, match=told), fc.chart_style(locale=locale):
        pass
