"""Prices by the size of a request and the hour of the day, held to genai-prices' own bills and to hand arithmetic."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from genai_prices import Usage as Bill
from genai_prices import calc_price
from genai_prices.data import providers as vendors
from genai_prices.types import StartDateConstraint, TieredPrices, TimeOfDateConstraint
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast import schema
from forecast.errors import PriceError
from forecast.prices import PriceBook
from forecast.prices.context import EVERY_SIZE, MOST, Band, band_of, canonical, name_of
from forecast.prices.hours import hours_of, minutes_of
from forecast.usage import Usage

#: Sums of rounded products: a few roundings each.
SUM_TOLERANCE = 1e-12
BUILTIN = PriceBook.builtin()
MILLION = 1_000_000
#: A day after every tier's price was checked, and before the rises that are known.
ON = date(2026, 11, 15)
UNITS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens", "output_tokens")
CONTEXTS = {
    "standard": None,
    "batch": {"processing": "batch"},
    "flex": {"service_tier": "flex"},
    "priority": {"service_tier": "priority"},
}


def billed(provider, model, unit, at, *, request, context=None):
    """What genai-prices bills for a million of one unit inside a request of so many input tokens."""
    kinds = {
        "input_tokens": {"input_tokens": request},
        "cache_read_tokens": {"input_tokens": request, "cache_read_tokens": request},
        "cache_write_tokens": {"input_tokens": request, "cache_write_tokens": request},
        "cache_write_1h_tokens": {
            "input_tokens": request,
            "cache_write_tokens": request,
            "cache_write_1h_tokens": request,
        },
        "output_tokens": {"input_tokens": request, "output_tokens": 1_000},
    }

    def bill(**tokens):
        found = calc_price(
            Bill(**tokens), model, provider_id=provider, genai_request_timestamp=at, price_context=context
        )
        return found.output_price if unit == "output_tokens" else found.input_price

    return bill(**kinds[unit]) * MILLION / (1_000 if unit == "output_tokens" else request)


def prices_of(model):
    conditional = model.prices if isinstance(model.prices, list) else []
    return [c.prices for c in conditional] or [model.prices]


def thresholds(model):
    every = [*prices_of(model), *(v.prices for v in model.price_variants or [])]
    return sorted({t.start for p in every for v in vars(p).values() if isinstance(v, TieredPrices) for t in v.tiers})


def days_of(model):
    conditional = model.prices if isinstance(model.prices, list) else []
    starts = [c.constraint.start_date for c in conditional if isinstance(c.constraint, StartDateConstraint)]
    return sorted({ON, *(d for s in starts for d in (s - timedelta(days=1), s))})


def priced_by_hour(model):
    conditional = model.prices if isinstance(model.prices, list) else []
    return any(isinstance(c.constraint, TimeOfDateConstraint) for c in conditional)


def names_in(clause):
    """Every name that a clause of genai-prices' matching spells out."""
    for value in vars(clause).values():
        if isinstance(value, str):
            yield value
        for inner in value if isinstance(value, list) else ():
            yield from names_in(inner)


def called(vendor, model):
    """A name by which the vendor's list finds the model, or None: some are shadowed by others."""
    return next((n for n in (model.id, *names_in(model.match)) if vendor.find_model(n) is model), None)


TIERED = [(v.id, called(v, m), m) for v in vendors for m in v.models if thresholds(m) and called(v, m)]
BY_HOUR = [(v.id, m.id, m) for v in vendors for m in v.models if priced_by_hour(m)]


def has_price(model, unit, at, context):
    """Whether genai-prices lists a price of its own: without one it bills cached tokens as input."""
    key = unit.replace("_tokens", "_mtok")
    return getattr(model.get_prices(at, context), key) is not None


# ------------------------------------------------------------------------------------------------- the size of requests


def test_both_sides_of_every_threshold_are_what_genai_prices_bills():
    checked, long = 0, 0
    for provider, name, model in TIERED:
        for on in days_of(model):
            noon = datetime.combine(on, time(12))
            for start in thresholds(model):
                for request in (1, start - 1, start, start + 1, start + 2, 10 * start):
                    for unit in UNITS:
                        if not has_price(model, unit, noon, None):
                            continue
                        ours = BUILTIN.price(provider, name, unit, on, request_tokens=request)
                        assert ours == billed(provider, name, unit, noon, request=request), (name, unit, on, request)
                        checked += 1
                        long += ours != BUILTIN.price(provider, name, unit, on)
    assert len(TIERED) > 50
    assert checked > 4_000
    assert long > 1_000


def test_thresholds_of_other_service_tiers_are_what_genai_prices_bills():
    checked = 0
    for provider, name, model in TIERED:
        noon = datetime.combine(ON, time(12))
        for tier, context in CONTEXTS.items():
            if context is None or not any(v.when == context for v in model.price_variants or []):
                continue
            for request in {n for s in thresholds(model) for n in (s - 1, s, s + 1)}:
                for unit in ("input_tokens", "cache_read_tokens", "output_tokens"):
                    if not has_price(model, unit, noon, context):
                        continue
                    ours = BUILTIN.price(provider, name, unit, ON, service_tier=tier, request_tokens=request)
                    theirs = billed(provider, name, unit, noon, request=request, context=context)
                    assert ours == theirs, (name, tier, unit, request)
                    checked += 1
    assert checked > 200


@given(st.sampled_from(TIERED), st.sampled_from(UNITS), st.integers(1, 3_000_000))
@settings(max_examples=300, deadline=None)
def test_any_request_of_any_tiered_model_is_what_genai_prices_bills(tiered, unit, request):
    provider, name, model = tiered
    noon = datetime.combine(ON, time(12))
    if has_price(model, unit, noon, None):
        ours = BUILTIN.price(provider, name, unit, ON, request_tokens=request)
        assert ours == billed(provider, name, unit, noon, request=request)


@pytest.mark.parametrize(
    ("request_tokens", "price"),
    [(0, 3), (199_999, 3), (200_000, 3), (200_001, 6), (1_000_000, 6)],
)
def test_a_whole_request_pays_the_price_of_its_size(request_tokens, price):
    # claude-sonnet-4-5: 3.00 a million input tokens, 6.00 in requests above 200,000
    assert BUILTIN.price("anthropic", "claude-sonnet-4-5", "input_tokens", ON, request_tokens=request_tokens) == price


def test_a_threshold_of_one_token_less_moves_the_edge():
    name = next((v, m) for v, m, model in TIERED if thresholds(model) == [199_999])
    base = BUILTIN.price(*name, "input_tokens", ON)
    assert BUILTIN.price(*name, "input_tokens", ON, request_tokens=199_999) == base
    assert BUILTIN.price(*name, "input_tokens", ON, request_tokens=200_000) > base
    rows = {r.context_tier for r in BUILTIN.rows if (r.provider, r.model) == name}
    assert rows == {"", ">=200k"}
    # an export that says 200k means that edge: one token off is the same border
    assert BUILTIN.price(*name, "input_tokens", ON, context_tier="<=200k") == base
    assert BUILTIN.price(*name, "input_tokens", ON, context_tier="200k-1M") > base


# ----------------------------------------------------------------------------------------------------------- spellings


@pytest.mark.parametrize(
    ("written", "spelt"),
    [
        ("<=200k", "<=200k"),
        ("≤ 200k", "<=200k"),
        ("<= 200,000 tokens", "<=200k"),
        ("0-200k", "<=200k"),
        ("0 – 200K", "<=200k"),
        ("up to 0.2M", "<=200k"),
        ("<200k", "<200k"),
        ("under 200k", "<200k"),
        (">200k", ">200k"),
        ("> 200_000", ">200k"),
        ("above_200k", ">200k"),
        (">200001", ">200001"),
        (">=200k", ">=200k"),
        ("200k+", ">=200k"),
        ("from 200k", ">=200k"),
        ("200k-1M", "200k-1M"),
        ("200,000–1,000,000", "200k-1M"),
        ("32k to 128k", "32k-128k"),
        (">524288", ">524288"),
        ("long", "long"),
        ("Long-Context", "long"),
        ("long_context", "long"),
        ("short", "base"),
        ("default", "base"),
        ("", ""),
        ("   ", ""),
        ("200k", None),
        ("huge", None),
        (">-5", None),
        ("<0", None),
        ("200k-100k", None),
        ("0.5-0.7", None),
        (">1e5", None),
        ("=1+1", None),
        (">99999999999999999999", None),
    ],
)
def test_one_spelling_of_a_context_tier(written, spelt):
    assert canonical(written) == spelt


@given(st.integers(0, MOST), st.integers(0, MOST))
def test_a_name_says_its_band(one, other):
    band = Band(min(one, other), max(one, other))
    name = name_of(band)
    assert (band_of(name) or EVERY_SIZE) == band
    assert canonical(name) == name


@pytest.mark.parametrize(
    ("tier", "price"),
    [
        (None, 3),
        ("<=200k", 3),
        ("0-200k", 3),
        ("<=100k", 3),
        ("base", 3),
        (">200k", 6),
        ("200k-1M", 6),
        (">500k", 6),
        ("long", 6),
    ],
)
def test_usage_is_priced_by_its_context_tier(tier, price):
    usage = pd.DataFrame(
        {"date": [pd.Timestamp(ON)], "provider": "anthropic", "model": "claude-sonnet-4-5", "input_tokens": 2e6}
    ).assign(context_tier=pd.Series([tier], dtype="object"))
    assert BUILTIN.price("anthropic", "claude-sonnet-4-5", "input_tokens", ON, context_tier=tier) == price
    assert BUILTIN.cost(usage).tolist() == [2.0 * price]
    skus = usage.assign(unit="input_tokens")[["provider", "model", "unit", "context_tier"]]
    assert BUILTIN.matrix(skus, pd.DatetimeIndex([ON])).tolist() == [[price / MILLION]]
    assert BUILTIN.currency_of(skus, pd.DatetimeIndex([ON])) == "USD"


def test_a_context_tier_that_nobody_can_place_is_unpriced_and_told():
    usage = pd.DataFrame(
        {
            "date": pd.Timestamp(ON),
            "provider": "anthropic",
            "model": ["claude-sonnet-4-5"] * 4,
            "context_tier": ["jumbo", ">100k", "long", None],
            "input_tokens": [4e6, 2e6, 1e6, 1e6],
        }
    )
    np.testing.assert_array_equal(BUILTIN.cost(usage), [np.nan, np.nan, 6.0, 3.0])
    listed = BUILTIN.unpriced(usage)
    assert listed["context_tier"].tolist() == ["jumbo", ">100k"]
    assert listed["reason"].tolist() == ["unknown context tier", "no one price for this context tier"]
    assert listed["remedy"][0] == "write 'jumbo' as <=200k, >200k, 200k-1M, long or base, or leave it blank"
    assert "priced apart by <=200k, >200k" in listed["remedy"][1]
    assert listed["share"].tolist() == [0.5, 0.25]
    with pytest.raises(PriceError, match="context tier 'jumbo' is not known; write it as <=200k"):
        BUILTIN.price("anthropic", "claude-sonnet-4-5", "input_tokens", ON, context_tier="jumbo")
    with pytest.raises(PriceError, match=r"\(standard, >100k\) has no price on 2026-11-15: no one price for this"):
        BUILTIN.price("anthropic", "claude-sonnet-4-5", "input_tokens", ON, context_tier=">100k")


def test_a_model_with_one_price_has_it_for_every_context_tier_that_is_known():
    for tier in ("<=200k", "200k-1M", "long", "base"):
        assert BUILTIN.price("openai", "gpt-4o", "input_tokens", ON, context_tier=tier) == Decimal("2.5")
    with pytest.raises(PriceError, match="context tier 'wide' is not known"):
        BUILTIN.price("openai", "gpt-4o", "input_tokens", ON, context_tier="wide")


def test_a_long_tier_that_ended_has_one_price_since():
    # claude-opus-4-6's price above 200,000 tokens ended on 2026-03-13
    for on, price in (("2026-03-12", 10), ("2026-03-13", 5)):
        assert BUILTIN.price("anthropic", "claude-opus-4-6", "input_tokens", on, context_tier=">200k") == price
        assert BUILTIN.price("anthropic", "claude-opus-4-6", "input_tokens", on) == 5


def test_long_of_several_tiers_is_not_guessed():
    provider, name, _ = next(t for t in TIERED if thresholds(t[2]) == [32_000, 128_000])
    prices = [BUILTIN.price(provider, name, "input_tokens", ON, context_tier=t) for t in ("<=32k", "32k-128k", ">128k")]
    assert prices == sorted(set(prices))
    with pytest.raises(PriceError, match="priced apart by <=32k, 32k-128k, >128k: say which one 'long' is"):
        BUILTIN.price(provider, name, "input_tokens", ON, context_tier="long")


def test_bad_sizes_of_requests():
    with pytest.raises(PriceError, match="request_tokens=-1 is not a count of tokens"):
        BUILTIN.price("openai", "gpt-4o", "input_tokens", ON, request_tokens=-1)
    for bad in (1.5, True, "many"):
        with pytest.raises(PriceError, match="is not a count of tokens; give a whole number"):
            BUILTIN.price("openai", "gpt-4o", "input_tokens", ON, request_tokens=bad)
    with pytest.raises(PriceError, match="both say the size of the request"):
        BUILTIN.price("openai", "gpt-4o", "input_tokens", ON, request_tokens=1, context_tier=">200k")


# -------------------------------------------------------------------------------------------------------- stated shares


def test_a_stated_share_of_long_requests_is_exact():
    # three quarters at 3.00 and one at 6.00: 2.25 + 1.50
    book = BUILTIN.with_long_share("0.25")
    quote = book.quote("anthropic", "claude-sonnet-4-5", "input_tokens", ON)
    assert quote.price == Decimal("3.75")
    assert "0.25 of tokens in requests above 200,000 input tokens at 6, as stated; the others at 3" in quote.note
    usage = pd.DataFrame(
        {"date": [pd.Timestamp(ON)] * 3, "provider": "anthropic", "model": "claude-sonnet-4-5", "input_tokens": 1e6}
    ).assign(context_tier=[None, ">200k", "<=200k"])
    assert book.cost(usage).tolist() == [3.75, 6.0, 3.0]
    assert book.price("anthropic", "claude-sonnet-4-5", "input_tokens", ON, request_tokens=5) == 3
    assert book.price("openai", "gpt-4o", "input_tokens", ON) == Decimal("2.5")
    assert book.sha256 != BUILTIN.sha256
    assert BUILTIN.quote("anthropic", "claude-sonnet-4-5", "input_tokens", ON).price == 3


@given(st.sampled_from(TIERED), st.sampled_from(UNITS), st.decimals(0, 1, places=4))
@settings(max_examples=100, deadline=None)
def test_a_share_lies_between_the_prices_it_mixes(tiered, unit, share):
    provider, name, model = tiered
    noon = datetime.combine(ON, time(12))
    if len(thresholds(model)) != 1 or not has_price(model, unit, noon, None):
        return
    base, long = (billed(provider, name, unit, noon, request=n) for n in (1, 10_000_000))
    book = BUILTIN.with_long_share(share)
    assert book.price(provider, name, unit, ON) == (1 - share) * base + share * long


def test_the_nearest_share_holds_and_others_stay():
    book = BUILTIN.with_long_share(0.5).with_long_share(1, "claude-*").with_long_share(0, "claude-sonnet-4-5")
    assert book.price("anthropic", "claude-sonnet-4-5", "input_tokens", ON) == 3
    assert book.price("anthropic", "claude-sonnet-4-5-20250929", "input_tokens", ON) == 3
    assert book.price("google", "gemini-2.5-pro", "input_tokens", ON) == Decimal("1.875")  # half of 1.25, half of 2.50
    again = book.with_long_share("0.1", "claude-sonnet-4-5")
    assert again.price("anthropic", "claude-sonnet-4-5", "input_tokens", ON) == Decimal("3.3")
    mine = PriceBook.from_frame(pd.DataFrame({"model": ["m"], "unit": ["seats"], "price": [1]}))
    assert (mine | book).price("google", "gemini-2.5-pro", "input_tokens", ON) == Decimal("1.875")


def test_a_share_of_several_long_tiers_is_unpriced_and_told():
    provider, name, _ = next(t for t in TIERED if thresholds(t[2]) == [32_000, 128_000])
    with pytest.raises(
        PriceError, match="a share of long requests does not say which; requests are priced apart by <="
    ):
        BUILTIN.with_long_share(0.2).price(provider, name, "input_tokens", ON)
    assert BUILTIN.with_long_share(0.2, "claude-*").price(provider, name, "input_tokens", ON)


@pytest.mark.parametrize("bad", [-0.1, 1.1, float("nan"), float("inf"), "half", True, None, "20%"])
def test_a_share_is_a_number_from_0_to_1(bad):
    with pytest.raises(PriceError, match="is not a share; give a number from 0 to 1"):
        BUILTIN.with_long_share(bad)
    with pytest.raises(PriceError, match=r"off-peak share .* is not a share"):
        BUILTIN.with_off_peak_share(bad)
    with pytest.raises(PriceError, match="share of no model"):
        BUILTIN.with_long_share(0.5, " ")


# ---------------------------------------------------------------------------------------------------- hours of the day


def test_every_half_hour_of_a_day_is_what_genai_prices_bills():
    checked = 0
    for provider, name, model in BY_HOUR:
        for on in days_of(model):
            for half in range(48):
                at = datetime.combine(on, time(half // 2, half % 2 * 30))
                for unit in ("input_tokens", "cache_read_tokens", "output_tokens"):
                    if not has_price(model, unit, at, None):
                        continue
                    ours = BUILTIN.price(provider, name, unit, on, at=pd.Timestamp(at))
                    assert ours == billed(provider, name, unit, at, request=1_000), (name, unit, at)
                    if at.minute == 0:
                        assert ours == BUILTIN.price(provider, name, unit, on, at=at.hour)
                    checked += 1
    assert len(BY_HOUR) >= 4
    assert checked > 1_000


def test_hours_take_a_zone_and_are_checked():
    def price(at):
        return BUILTIN.price("deepseek", "deepseek-chat", "input_tokens", "2026-01-01", at=at)

    # 0.27 from 00:30 to 16:30 UTC, half of it in the other hours
    assert [price(h) for h in (0, 1, 16, 17)] == [Decimal(p) for p in ("0.135", "0.27", "0.27", "0.135")]
    assert price(pd.Timestamp("2026-01-01 17:00", tz="Asia/Shanghai")) == Decimal("0.27")  # 09:00 UTC
    assert price("2026-01-01 16:29") == Decimal("0.27")
    assert price(time(16, 30)) == Decimal("0.135")
    for bad in (24, -1, 1.5, True, "noon", pd.NaT):
        with pytest.raises(PriceError, match="is not a time of day; give an hour from 0 to 23"):
            price(bad)


def hourly(**columns):
    hours = pd.date_range("2026-01-01", periods=24, freq="h")
    return pd.DataFrame(
        {"date": hours, "provider": "deepseek", "model": "deepseek-chat", "input_tokens": 1e6, **columns}
    )


def test_hourly_usage_pays_the_price_of_its_own_hour_and_daily_usage_that_of_most():
    frame = hourly()
    # 01:00 to 16:00 are 16 hours that begin at the higher price
    assert BUILTIN.cost(frame).tolist() == [0.135] + [0.27] * 16 + [0.135] * 7
    daily = frame.groupby(["provider", "model"], as_index=False)["input_tokens"].sum().assign(date=frame["date"][0])
    assert BUILTIN.cost(daily).tolist() == pytest.approx([24 * 0.27], rel=SUM_TOLERANCE)
    quote = BUILTIN.quote("deepseek", "deepseek-chat", "input_tokens", "2026-01-01")
    assert "the price of 16 of 24 hours (UTC); 0.135 in the others" in quote.note
    assert BUILTIN.unpriced(frame).empty


def test_hourly_usage_is_read_in_its_billing_zone():
    # Shanghai is 8 hours ahead: its 08:00 is 00:00 UTC, at the lower price; 09:00 to 00:00 are at the higher
    usage = Usage.from_frame(hourly().assign(environment="production", project="p"), timezone="Asia/Shanghai")
    assert usage.grain == "hour"
    expected = [0.27] + [0.135] * 8 + [0.27] * 15
    assert BUILTIN.cost(usage).tolist() == expected


def test_a_matrix_of_hours():
    skus = pd.DataFrame(
        {"provider": ["deepseek", "openai"], "model": ["deepseek-chat", "gpt-4o"], "unit": "input_tokens"}
    )
    hours = pd.date_range("2026-01-01", periods=24, freq="h", tz="UTC")
    matrix = BUILTIN.matrix(skus, hours) * MILLION
    np.testing.assert_allclose(matrix[:, 0], [0.135] + [0.27] * 16 + [0.135] * 7, rtol=SUM_TOLERANCE)
    np.testing.assert_allclose(matrix[:, 1], 2.5, rtol=SUM_TOLERANCE)
    assert BUILTIN.matrix(skus, hours[:1])[0, 0] * MILLION == pytest.approx(0.27, rel=SUM_TOLERANCE)
    shanghai = BUILTIN.matrix(skus, hours.tz_convert("Asia/Shanghai"))
    np.testing.assert_array_equal(shanghai * MILLION, matrix)


def test_a_stated_share_of_off_peak_hours():
    book = BUILTIN.with_off_peak_share("0.4", "deepseek-*")
    # 0.6 · 0.27 + 0.4 · 0.135
    quote = book.quote("deepseek", "deepseek-chat", "input_tokens", "2026-01-01")
    assert quote.price == Decimal("0.216")
    assert "0.4 of tokens in off-peak hours at 0.135, as stated; the others at 0.27" in quote.note
    assert book.cost(hourly()).equals(BUILTIN.cost(hourly()))


def own(**columns):
    rows = {"model": ["m"], "unit": ["input_tokens"], "price": ["1"]} | columns
    longest = max(len(v) for v in rows.values())
    return PriceBook.from_frame(pd.DataFrame({k: v * longest if len(v) == 1 else v for k, v in rows.items()}))


def test_own_rows_by_hour_and_size():
    book = own(price=["4", "1", "8"], hours=["", "22:00-06:00", ""], context_tier=["", "", "> 200,000"])
    assert [r.context_tier for r in book.rows] == ["", "", ">200k"]
    prices = [book.price("p", "m", "input_tokens", ON, at=h) for h in (21, 22, 5, 6)]
    assert prices == [4, 1, 1, 4]
    assert book.price("p", "m", "input_tokens", ON) == 4
    assert book.price("p", "m", "input_tokens", ON, context_tier="long") == 8
    three = own(price=["4", "1", "2"], hours=["", "22:00-06:00", "06:00-08:00"]).with_off_peak_share(0.5)
    with pytest.raises(
        PriceError, match="no price in some hours of the day; it is priced apart at 06:00-08:00; 22:00-06"
    ):
        three.price("p", "m", "input_tokens", ON)
    night = own(hours=["22:00-06:00"])
    assert night.price("p", "m", "input_tokens", ON, at=23) == 1
    with pytest.raises(PriceError, match="no price in some hours of the day"):
        night.price("p", "m", "input_tokens", ON)
    with pytest.raises(PriceError, match="no price at 12:00 UTC"):
        night.price("p", "m", "input_tokens", ON, at=12)


def test_a_price_for_every_size_in_ones_own_book_holds_over_the_vendors_tiers():
    book = own(provider=["anthropic"], model=["claude-sonnet-4-5"], price=["2"]) | BUILTIN
    assert book.price("anthropic", "claude-sonnet-4-5", "input_tokens", ON, context_tier=">200k") == 2
    only_long = own(provider=["anthropic"], model=["claude-sonnet-4-5"], price=["5"], context_tier=[">200k"]) | BUILTIN
    assert only_long.price("anthropic", "claude-sonnet-4-5", "input_tokens", ON, context_tier=">200k") == 5
    assert only_long.price("anthropic", "claude-sonnet-4-5", "input_tokens", ON) == 3


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"context_tier": ["big"]}, "column 'context_tier' names no request sizes in row 0: context_tier=big; write"),
        ({"context_tier": ["long"]}, "column 'context_tier' names no request sizes"),
        ({"hours": ["9 to 5"]}, "column 'hours' are no hours of the day in row 0: hours=9 to 5; write spans in UTC"),
        ({"hours": ["25:00-26:00"]}, "column 'hours' are no hours of the day"),
        ({"hours": ["01:00-04:00, 03:00-05:00"]}, "column 'hours' are no hours of the day"),
        ({"price": ["1", "2"], "context_tier": ["<=200k", "100k-1M"]},
         r"rows 0 and 1 both price \* m input_tokens \(standard\) <=200k and .* 100k-1M, which overlap; give each"),
        ({"price": ["1", "2"], "hours": ["01:00-04:00", "03:00-05:00"]}, "rows 0 and 1 both price .* which overlap"),
        ({"price": ["1", "2"], "context_tier": ["0-200k", "≤ 200k"]}, "rows 0 and 1 both price .* from always"),
    ],
)  # fmt: skip
def test_sizes_and_hours_that_are_none_or_overlap(columns, says):
    with pytest.raises(PriceError, match=says):
        own(**columns)


def test_sizes_may_overlap_on_other_days():
    book = own(
        price=["1", "2"],
        context_tier=["<=200k", "<=128k"],
        valid_from=["2026-01-01", "2026-07-01"],
        valid_to=["2026-06-30", ""],
    )
    assert book.price("p", "m", "input_tokens", "2026-06-30", request_tokens=1) == 1
    assert book.price("p", "m", "input_tokens", "2026-07-01", request_tokens=1) == 2


@given(st.lists(st.integers(0, 48), min_size=2, max_size=8, unique=True))
def test_hours_say_their_minutes(cuts):
    cuts = sorted(cuts)[: len(cuts) // 2 * 2]
    spans = tuple((30 * a, 30 * b) for a, b in zip(cuts[::2], cuts[1::2], strict=True))
    assert minutes_of(hours_of(spans)) == spans or sum(b - a for a, b in minutes_of(hours_of(spans))) == sum(
        b - a for a, b in spans
    )


# -------------------------------------------------------------------------------------------------------------- units


def test_every_unit_that_the_catalogue_and_the_registry_share_is_priced():
    keys = {
        "input_mtok": "input_tokens",
        "cache_read_mtok": "cache_read_tokens",
        "cache_write_mtok": "cache_write_tokens",
        "cache_write_1h_mtok": "cache_write_1h_tokens",
        "output_mtok": "output_tokens",
        "input_audio_mtok": "input_audio_tokens",
        "output_audio_mtok": "output_audio_tokens",
        "web_searches_kcount": "searches",
    }
    assert set(keys.values()) <= set(schema.BILLABLE)
    rows = {(r.provider, r.model, r.unit): r for r in BUILTIN.rows}
    seen = set()
    for vendor in vendors:
        for model in vendor.models:
            for prices in prices_of(model):
                for key, unit in keys.items():
                    if getattr(prices, key) is not None:
                        assert (vendor.id, model.id, unit) in rows
                        seen.add(unit)
    assert seen == set(keys.values())


@pytest.mark.parametrize(
    ("unit", "tokens", "price"),
    [
        ("input_audio_tokens", {"input_tokens": MILLION, "input_audio_tokens": MILLION}, 1),
        ("searches", {"web_searches": 1_000}, 35),
    ],
)
def test_audio_and_searches_are_what_genai_prices_bills(unit, tokens, price):
    noon = datetime.combine(ON, time(12))
    bill = calc_price(Bill(**tokens), "gemini-2.5-flash", provider_id="google", genai_request_timestamp=noon)
    assert BUILTIN.price("google", "gemini-2.5-flash", unit, ON) == bill.total_price == price


def test_hours_at_midnight_alone_are_hours_where_the_usage_says_so():
    frame = hourly().assign(environment="production", project="p")
    usage = Usage.from_frame(frame)
    midnight = usage.until("2026-01-01 00:00")
    assert midnight.grain == "hour"
    assert BUILTIN.cost(midnight).tolist() == [0.135]
    assert BUILTIN.cost(midnight.frame).tolist() == [0.27]  # a frame at midnight is taken for a day


def test_a_missing_date_is_unpriced_among_hours_too():
    frame = hourly()
    frame.loc[3, "date"] = pd.NaT
    cost = BUILTIN.cost(frame)
    assert cost.isna().tolist() == [i == 3 for i in range(24)]
