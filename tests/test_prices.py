"""The price book against genai-prices, against hand arithmetic, and against bad input."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from genai_prices import Usage as Bill
from genai_prices import calc_price
from genai_prices.data import providers as vendors
from genai_prices.types import TieredPrices
from hypothesis import given
from hypothesis import strategies as st

from forecast import schema
from forecast.errors import PriceError
from forecast.prices import PriceBook
from forecast.prices.tiers import TIER_FACTORS

MILLION = 1_000_000
#: A float holds 15 to 17 digits; one rounding of an exact quotient stays below this.
FLOAT_TOLERANCE = 1e-15
#: Sums of rounded products: a few roundings each.
SUM_TOLERANCE = 1e-12

BUILTIN = PriceBook.builtin()


def day(text):
    return date.fromisoformat(text)


def vendor_price(provider, model, unit, on, *, context=None):
    """What genai-prices bills for one unit, times what a price is quoted for, beside nothing else."""
    per = schema.UNITS[unit].per
    kinds = {
        "input_tokens": {"input_tokens": 1},
        "cache_read_tokens": {"input_tokens": 1, "cache_read_tokens": 1},
        "cache_write_tokens": {"input_tokens": 1, "cache_write_tokens": 1},
        "cache_write_1h_tokens": {"input_tokens": 1, "cache_write_tokens": 1, "cache_write_1h_tokens": 1},
        "output_tokens": {"output_tokens": 1},
        "input_audio_tokens": {"input_tokens": 1, "input_audio_tokens": 1},
        "output_audio_tokens": {"output_tokens": 1, "output_audio_tokens": 1},
        "searches": {"web_searches": 1},
    }
    noon = datetime.combine(on, datetime.min.time()).replace(hour=12)
    bill = calc_price(
        Bill(**kinds[unit]), model, provider_id=provider, genai_request_timestamp=noon, price_context=context
    )
    return bill.total_price * per


# --------------------------------------------------------------------------------------------- the vendors' prices


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "o3"),
        ("openai", "o3-2025-04-16"),
        ("openai", "gpt-4o"),
        ("openai", "gpt-4o-2024-05-13"),
        ("openai", "gpt-5.1-codex"),
        ("openai", "gpt-5.6-sol"),
        ("azure", "gpt-4o-2024-11-20"),
        ("anthropic", "claude-sonnet-5"),
        ("anthropic", "claude-sonnet-4-5-20250929"),
        ("anthropic", "claude-opus-4-6"),
        ("google", "gemini-2.5-flash"),
        ("google", "gemini-3.6-flash"),
        ("aws", "anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("mistral", "mistral-large-latest"),
        ("x-ai", "grok-4"),
        (None, "claude-haiku-4-5"),
        (None, "gemini-2.5-pro"),
    ],
)
@pytest.mark.parametrize(
    "on",
    [
        "2025-06-09",  # the eve of o3's price cut,
        "2025-06-10",  # and its day
        "2026-03-12",  # the eve of the end of claude-opus-4-6's long-context tier
        "2026-08-20",  # the eve of gpt-5.6-sol's cut
        "2026-08-21",
        "2026-08-31",  # claude-sonnet-5's announced rise of 2026-09-01 was cancelled
        "2026-09-01",
        "2026-12-31",  # the eve of gemini-3.6-flash's known rise
        "2027-01-01",
    ],
)
def test_standard_prices_are_what_the_vendor_bills(provider, model, on):
    for unit in ("input_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens", "output_tokens"):
        ours = BUILTIN.price(provider, model, unit, on)
        assert ours == vendor_price(provider, model, unit, day(on)), unit


def test_every_standard_row_is_what_the_vendor_bills_on_its_first_and_last_day():
    by_hour = {r.model for r in BUILTIN.rows if r.hours}
    beside = ("without a fee",)  # a fee a request is billed with any request, and is not a unit's price
    models = {(v.id, m.id): m for v in vendors for m in v.models}
    checked = 0
    for row in BUILTIN.rows:
        if row.service_tier != "standard" or row.model in by_hour or any(b in row.note for b in beside):
            continue
        for on in {row.valid_from or day("2020-01-01"), row.valid_to or day("2030-01-01")}:
            prices = models[row.provider, row.model].get_prices(datetime(on.year, on.month, on.day, 12))
            key = {"searches": "web_searches_kcount"}.get(row.unit, row.unit.replace("_tokens", "_mtok"))
            listed = getattr(prices, key)
            if listed is None:
                assert "billed as" in row.note, row
                continue
            if not row.context_tier:
                assert row.price == (listed.base if isinstance(listed, TieredPrices) else listed), row
            else:
                assert row.price in [tier.price for tier in listed.tiers], row
            checked += 1
    assert checked > 5_000


def test_o3_costs_ten_on_the_eve_of_its_cut_and_two_on_the_day():
    assert BUILTIN.price("openai", "o3", "input_tokens", "2025-06-09") == 10
    assert BUILTIN.price("openai", "o3", "input_tokens", "2025-06-10") == 2
    assert BUILTIN.price("openai", "o3", "output_tokens", pd.Timestamp("2025-06-09 23:59")) == 40
    assert BUILTIN.price("openai", "o3", "output_tokens", day("2025-06-10")) == 8


def test_a_known_future_price_is_already_in_the_book():
    assert BUILTIN.price("google", "gemini-3.6-flash", "input_tokens", "2026-12-31") == Decimal("0.75")
    assert BUILTIN.price("google", "gemini-3.6-flash", "input_tokens", "2027-01-01") == Decimal("1.5")


def test_cached_tokens_without_a_price_cost_what_the_vendor_bills_and_say_so():
    quote = BUILTIN.quote("openai", "gpt-4o-audio-preview", "cache_read_tokens", "2026-01-01")
    assert quote.price == BUILTIN.price("openai", "gpt-4o-audio-preview", "input_tokens", "2026-01-01")
    assert "no cache_read price is listed: billed as input" in quote.note


def test_audio_without_a_price_is_unpriced_since_vendors_bill_it_above_text():
    with pytest.raises(PriceError, match="no price for this unit"):
        BUILTIN.price("openai", "gpt-4o-audio-preview", "input_audio_tokens", "2026-01-01")
    assert BUILTIN.price("google", "gemini-2.5-flash", "input_audio_tokens", "2026-01-01") == 1


def test_the_base_tier_is_taken_and_the_note_has_the_others():
    quote = BUILTIN.quote("anthropic", "claude-sonnet-4-5", "input_tokens", "2026-01-01")
    assert quote.price == 3
    assert "base tier: 6 above 200,000 input tokens in a request" in quote.note


def test_prices_by_the_hour_take_those_of_most_hours():
    # 00:30 to 16:30 UTC is 16 of 24 hours; the other 8 are cheaper
    quote = BUILTIN.quote("deepseek", "deepseek-chat", "input_tokens", "2026-01-01")
    assert quote.price == Decimal("0.27")
    assert "16 of 24 hours (UTC); 0.135 in the others" in quote.note
    # two peaks of 3 and 4 hours: 17 hours are off-peak
    assert BUILTIN.price("deepseek", "deepseek-v4-flash", "input_tokens", "2026-10-01") == Decimal("0.15")
    assert BUILTIN.price("deepseek", "deepseek-v4-flash", "input_tokens", "2026-09-09") == Decimal("0.22")


@pytest.mark.parametrize(
    ("provider", "model", "unit", "says"),
    [
        ("google", "gemini-3-pro-image-preview", "output_tokens", "without images out at 120 per million tokens"),
        ("perplexity", "sonar-deep-research", "output_tokens", "without reasoning at 3 per million tokens"),
        ("perplexity", "sonar-pro", "input_tokens", "without a fee of 14 per 1,000 requests"),
    ],
)
def test_what_a_price_does_not_hold_is_told(provider, model, unit, says):
    assert says in BUILTIN.quote(provider, model, unit, "2026-11-01").note


def test_total_tokens_have_no_vendor_price():
    with pytest.raises(PriceError, match=r"no vendor prices tokens of all kinds: state an average by PriceBook\.bl"):
        BUILTIN.price("openai", "gpt-4o", "total_tokens", "2026-01-01")
    assert "total_tokens" not in {row.unit for row in BUILTIN.rows}


def test_undated_rows_are_flagged():
    table = BUILTIN.to_frame()
    assert (table["undated"] == table["valid_from"].isna()).all()
    assert "undated" in BUILTIN.quote("openai", "gpt-4o", "input_tokens", "2026-01-01").note
    assert "undated" not in BUILTIN.quote("openai", "o3", "input_tokens", "2026-01-01").note


def test_builtin_rows_of_one_sku_never_share_a_day():
    rows = sorted(BUILTIN.rows, key=lambda row: (row.sku, row.span))
    for earlier, later in pairwise(rows):
        assert earlier.sku != later.sku or earlier.span[1] < later.span[0]


def test_the_builtin_book_is_made_once_and_importing_it_loads_no_catalogue():
    assert PriceBook.builtin() is BUILTIN
    code = "import sys, forecast.prices; print({'genai_prices', 'pydantic', 'scenarios'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# --------------------------------------------------------------------------------------------------- service tiers


@pytest.mark.parametrize(
    ("provider", "model", "tier", "context"),
    [
        ("openai", "gpt-5", "batch", {"processing": "batch"}),
        ("openai", "o3", "batch", {"processing": "batch"}),
        ("openai", "gpt-5", "flex", {"service_tier": "flex"}),
        ("openai", "gpt-4o", "priority", {"service_tier": "priority"}),
        ("anthropic", "claude-sonnet-5", "batch", {"processing": "batch"}),
        ("google", "gemini-2.5-flash", "batch", {"processing": "batch"}),
        ("x-ai", "grok-4.3", "batch", {"processing": "batch"}),
    ],
)
def test_listed_tiers_are_what_the_vendor_bills_once_they_are_checked(provider, model, tier, context):
    on = day("2026-11-01")
    for unit in ("input_tokens", "cache_read_tokens", "output_tokens"):
        ours = BUILTIN.price(provider, model, unit, on, service_tier=tier)
        assert ours == vendor_price(provider, model, unit, on, context=context), unit


def test_a_tier_holds_before_it_was_checked_as_long_as_the_standard_price_did():
    # gpt-5's batch price of 0.625 was checked on 2026-10-14; its standard price has always been 1.25
    assert BUILTIN.price("openai", "gpt-5", "input_tokens", "2026-10-14", service_tier="batch") == Decimal("0.625")
    quote = BUILTIN.quote("openai", "gpt-5", "input_tokens", "2026-10-13", service_tier="batch")
    assert quote.price == Decimal("0.625")
    assert "checked on 2026-10-14" in quote.note
    assert quote.factor is None


def test_before_the_standard_price_changed_a_published_factor_serves():
    # o3 cost 10 until 2025-06-09: half of it in a batch; a cached read is not discounted again
    quote = BUILTIN.quote("openai", "o3", "input_tokens", "2025-06-09", service_tier="batch")
    assert quote.price == Decimal("5.0")
    assert "batch at 0.5 of the standard price (https://developers.openai.com" in quote.note
    assert BUILTIN.price("openai", "o3", "input_tokens", "2025-06-10", service_tier="batch") == 1
    standard = BUILTIN.price("openai", "o3", "cache_read_tokens", "2025-06-09")
    assert BUILTIN.price("openai", "o3", "cache_read_tokens", "2025-06-09", service_tier="batch") == standard


@pytest.mark.parametrize(("provider", "tier"), sorted(TIER_FACTORS))
def test_a_published_factor_agrees_with_the_prices_listed_since(provider, tier):
    own = [r for r in BUILTIN.rows if r.provider == provider and r.service_tier == tier]
    listed = [r for r in own if r.unit in {"input_tokens", "output_tokens"} and "no batch price" not in r.note]
    assert len(listed) > 10
    for row in listed:
        on = row.valid_to or day("2028-01-01")
        standard = next(
            r
            for r in BUILTIN.rows
            if (r.provider, r.model, r.unit, r.service_tier) == (provider, row.model, row.unit, "standard")
            and (r.context_tier, r.hours) == (row.context_tier, row.hours)
            and r.span[0] <= on.toordinal() <= r.span[1]
        )
        assert row.price == standard.price * TIER_FACTORS[provider, tier].of(row.unit), row


def test_other_tiers_are_unpriced_never_guessed():
    for provider, model, tier in [
        ("azure", "gpt-4o", "batch"),  # sold at OpenAI's standard price; its tiers are its own
        ("anthropic", "claude-sonnet-5", "priority"),
        ("openai", "gpt-4o", "provisioned"),
    ]:
        with pytest.raises(PriceError, match="no price for this service tier; add a row of tier"):
            BUILTIN.price(provider, model, "input_tokens", "2026-01-01", service_tier=tier)


def test_an_average_of_all_tokens_has_no_tier_factor():
    book = PriceBook.from_frame(
        pd.DataFrame({"provider": ["openai"], "model": ["m"], "unit": ["total_tokens"], "price": ["2"]})
    )
    assert book.price("openai", "m", "total_tokens", "2026-01-01") == 2
    with pytest.raises(PriceError, match="no price for this service tier"):
        book.price("openai", "m", "total_tokens", "2026-01-01", service_tier="batch")


# -------------------------------------------------------------------------------------------------------- own rows


def own(**columns):
    rows = {"model": ["m"], "unit": ["input_tokens"], "price": ["1"]} | columns
    longest = max(len(v) for v in rows.values())
    return PriceBook.from_frame(pd.DataFrame({k: v * longest if len(v) == 1 else v for k, v in rows.items()}))


def test_a_new_price_is_appended_and_takes_over_on_its_day():
    book = own(price=["3", "2.5"], valid_from=["2026-01-01", "2026-09-01"])
    assert book.price(None, "m", "input_tokens", "2026-08-31") == 3
    assert book.price(None, "m", "input_tokens", "2026-09-01") == Decimal("2.5")
    with pytest.raises(PriceError, match="no price on this date; the first price is of 2026-01-01"):
        book.price(None, "m", "input_tokens", "2025-12-31")


def test_a_price_ends_with_its_last_day():
    book = own(valid_from=["2026-01-01"], valid_to=["2026-06-30"])
    assert book.price(None, "m", "input_tokens", "2026-06-30") == 1
    with pytest.raises(PriceError, match="no price on this date"):
        book.price(None, "m", "input_tokens", "2026-07-01")


def test_own_rows_hold_over_built_in_ones_on_the_same_day_and_sku():
    mine = own(provider=["openai"], model=["gpt-4o"], price=["2"], valid_from=["2026-01-01"], valid_to=["2026-12-31"])
    book = mine | BUILTIN
    assert book.price("openai", "gpt-4o", "input_tokens", "2025-12-31") == Decimal("2.5")
    assert book.price("openai", "gpt-4o", "input_tokens", "2026-01-01") == 2
    assert book.price("openai", "gpt-4o", "input_tokens", "2026-12-31") == 2
    assert book.price("openai", "gpt-4o", "input_tokens", "2027-01-01") == Decimal("2.5")
    assert book.price("openai", "gpt-4o", "output_tokens", "2026-06-01") == 10
    assert (BUILTIN | mine).price("openai", "gpt-4o", "input_tokens", "2026-06-01") == Decimal("2.5")
    # a negotiated price holds for the model's dated snapshots, and for no other seller
    assert book.price("openai", "gpt-4o-2024-11-20", "input_tokens", "2026-06-01") == 2
    assert book.price("openai", "gpt-4o-2024-05-13", "input_tokens", "2026-06-01") == 5
    assert book.price("azure", "gpt-4o", "input_tokens", "2026-06-01") == Decimal("2.5")
    assert [f.layer for f in book.match("openai", "gpt-4o").families] == ["<frame>", BUILTIN.layers[0].name]


def test_nearer_names_hold_over_farther_ones():
    book = own(model=["*", "gpt-*", "gpt-4o*", "gpt-4o"], price=["1", "2", "3", "4"])
    prices = [book.price("x", m, "input_tokens", "2026-01-01") for m in ("llama", "gpt-9", "gpt-4o-z", "GPT-4o")]
    assert prices == [1, 2, 3, 4]
    assert book.price("x", None, "input_tokens", "2026-01-01") == 1
    assert book.match("x", "gpt-9").families[0].how == "glob"


def test_a_bracket_in_a_name_stands_for_itself():
    book = own(model=["claude-x[1m]*"])
    assert book.price("p", "claude-x[1m]-b", "input_tokens", "2026-01-01") == 1
    assert not book.match("p", "claude-x1-b").families


def test_a_dated_suffix_of_a_model_that_the_catalogue_does_not_know():
    book = own(provider=["acme"], model=["house-model"])
    assert book.match("acme", "house-model-2026-05-01").families[0].how == "dated suffix"
    assert book.price("acme", "house-model@20260501", "input_tokens", "2026-06-01") == 1


def test_equal_globs_that_disagree_are_refused():
    book = own(model=["gp*", "*4o"], price=["1", "2"])
    with pytest.raises(PriceError, match=r"\* gp\* at 1 USD and \* \*4o at 2 USD both price .* make one"):
        book.price("p", "gp-4o", "input_tokens", "2026-01-01")


def test_a_blended_price_of_all_tokens():
    book = PriceBook.blended(Decimal("2.00"))
    assert book.price(None, "ChatGPT", "total_tokens", "2023-03-01") == 2
    assert book.price("openai", None, "total_tokens", "2023-03-01", service_tier="batch") == 2
    # 3,000,000 tokens at 2.00 a million
    usage = pd.DataFrame({"date": ["2023-03-01"], "model": ["GPT-4"], "total_tokens": [3e6]}).astype({"date": "M8[s]"})
    assert book.cost(usage).tolist() == [6.0]
    narrow = PriceBook.blended(1.5, model="gpt-*", provider="openai", currency="eur", valid_from="2024-01-01")
    assert narrow.quote("openai", "gpt-4", "total_tokens", "2024-01-01").currency == "EUR"
    with pytest.raises(PriceError):
        narrow.price("openai", "gpt-4", "total_tokens", "2023-12-31")
    for bad in (-1, float("nan"), "two"):
        with pytest.raises(PriceError, match="is not a price"):
            PriceBook.blended(bad)


def test_files_csv_and_toml_make_the_same_book(tmp_path):
    (tmp_path / "p.csv").write_text(
        "\ufeffprovider,model,unit,price,valid_from\nopenai,gpt-4o,input_tokens,2.10,2026-01-01\n,m,seats,30,\n",
        encoding="utf-8",
    )
    (tmp_path / "p.toml").write_text(
        '[[prices]]\nprovider = "openai"\nmodel = "gpt-4o"\nunit = "input_tokens"\nprice = 2.10\n'
        'valid_from = 2026-01-01\n[[prices]]\nmodel = "m"\nunit = "seats"\nprice = 30\n'
    )
    csv, toml = PriceBook.read(tmp_path / "p.csv"), PriceBook.read(str(tmp_path / "p.toml"))
    for book in (csv, toml):
        assert book.price("openai", "gpt-4o", "input_tokens", "2026-01-01") == Decimal("2.10")
        assert book.price("any", "m", "seats", "2020-01-01") == 30
    assert csv.rows[0].source == str(tmp_path / "p.csv")


def test_a_book_survives_the_table_it_is_shown_as():
    book = own(price=["3", "2.5"], valid_from=["2026-01-01", "2026-09-01"])
    again = PriceBook.from_frame(book.to_frame())
    assert again == book
    assert again.sha256 == book.sha256
    assert own(price=["3.0"]).sha256 == own(price=["3"]).sha256 != own(price=["3.1"]).sha256
    assert (book | BUILTIN).sha256 != (BUILTIN | book).sha256


def test_a_float_price_is_the_number_that_was_typed():
    assert own(price=[0.1]).rows[0].price == Decimal("0.1")
    assert own(price=[np.float64(0.1)]).rows[0].price == Decimal("0.1")
    assert own(price=[np.int64(3)]).rows[0].price == 3


# -------------------------------------------------------------------------------------------------------- matching


@pytest.mark.parametrize(
    ("provider", "model", "family", "how"),
    [
        ("openai", "gpt-4o", ("openai", "gpt-4o"), "exact"),
        ("openai", "gpt-4o-2024-08-06", ("openai", "gpt-4o"), "alias"),
        ("anthropic", "claude-sonnet-5-20260601", ("anthropic", "claude-sonnet-5"), "alias"),
        ("vertex_ai", "gemini-2.5-flash", ("google", "gemini-2.5-flash"), "exact"),
        ("azure", "gpt-4o", ("openai", "gpt-4o"), "exact"),
        ("litellm", "openai/gpt-4o", ("openai", "gpt-4o"), "alias"),
        (None, "gpt-4o", ("openai", "gpt-4o"), "exact"),
        (None, "openai/gpt-4o", ("openai", "gpt-4o"), "alias"),
        ("", "gpt-4o", ("openai", "gpt-4o"), "exact"),
    ],
)
def test_a_match_shows_its_family(provider, model, family, how):
    found = BUILTIN.match(provider, model)
    assert (found.families[0].provider, found.families[0].model) == family
    assert found.families[0].how == how
    assert f"{family[0]} {family[1]} by {how}" in str(found)


def test_a_missing_provider_is_inferred_and_shown_or_not_guessed():
    found = BUILTIN.match(None, "gpt-4o")
    assert found.seller == "openai"
    assert "github-copilot" in found.others
    assert "no provider is named: taken to be openai" in str(found)
    two = own(provider=["acme", "zeta"], price=["1", "2"])
    assert two.match(None, "m").others == ("acme", "zeta")
    with pytest.raises(PriceError, match="no provider; name one of acme, zeta"):
        two.price(None, "m", "input_tokens", "2026-01-01")
    assert own(provider=["acme"]).price(None, "m", "input_tokens", "2026-01-01") == 1


@pytest.mark.parametrize(
    ("provider", "model", "says"),
    [
        ("openai", "gpt-4oo", r"unknown model; did you mean 'gpt-4o'\?"),
        ("opnai", "nothing-like-it", r"unknown provider; did you mean 'openai'\?"),
        ("gateway", "gpt-4o", r"unknown provider; is it openai's\? Then name that provider"),
        ("anthropic", "gpt-4o", r"unknown model; is it openai's\? Then name that provider"),
        ("openai", None, "no model; name it"),
    ],
)
def test_an_unknown_name_is_answered_by_the_nearest(provider, model, says):
    with pytest.raises(PriceError, match=says):
        BUILTIN.price(provider, model, "input_tokens", "2026-01-01")


def test_bad_questions_are_answered():
    with pytest.raises(PriceError, match=r"unit 'input_token' is not known.*did you mean 'input_tokens'"):
        BUILTIN.price("openai", "gpt-4o", "input_token", "2026-01-01")
    with pytest.raises(PriceError, match=r"service tier 'batched' is not known.*did you mean 'batch'"):
        BUILTIN.price("openai", "gpt-4o", "input_tokens", "2026-01-01", service_tier="batched")
    with pytest.raises(PriceError, match="'soon' is not a day"):
        BUILTIN.price("openai", "gpt-4o", "input_tokens", "soon")
    with pytest.raises(PriceError, match="it is part of output_tokens: price those"):
        BUILTIN.price("openai", "gpt-4o", "reasoning_tokens", "2026-01-01")


def test_history_lists_the_dated_rows():
    rows = BUILTIN.history("o3", "openai").query("unit == 'input_tokens' and service_tier == 'standard'")
    assert rows["price"].tolist() == [10, 2]
    assert rows["valid_from"].tolist()[1] == pd.Timestamp("2025-06-10")
    assert rows["valid_to"].tolist()[0] == pd.Timestamp("2025-06-09")
    with pytest.raises(PriceError, match=r"did you mean 'gpt-4o'"):
        BUILTIN.history("gpt-4oo", "openai")


# ---------------------------------------------------------------------------------------------- usage and matrices


def usage_frame(rows, **columns):
    table = pd.DataFrame(rows)
    table["date"] = pd.to_datetime(table["date"])
    return table.assign(**columns)


BILL = usage_frame(
    [
        {"date": "2025-06-09", "provider": "openai", "model": "o3", "service_tier": None,
         "input_tokens": 2_000_000, "cache_read_tokens": 400_000, "output_tokens": 250_000},
        {"date": "2025-06-10", "provider": "openai", "model": "o3", "service_tier": "standard",
         "input_tokens": 2_000_000, "cache_read_tokens": 400_000, "output_tokens": 250_000},
        {"date": "2026-11-02", "provider": "anthropic", "model": "claude-sonnet-5-20260601", "service_tier": "batch",
         "input_tokens": 30_000_000, "cache_write_tokens": 1_000_000, "output_tokens": 4_000_000},
        {"date": "2026-11-02", "provider": "google", "model": "gemini-2.5-flash", "service_tier": None,
         "input_tokens": 5_000_000, "output_tokens": 1_000_000, "searches": 2_000},
    ]
)  # fmt: skip


def test_a_bill_that_a_reader_can_check():
    expected = [
        2.0 * 10.00 + 0.4 * 0.50 + 0.25 * 40.00,  # 20.00 + 0.20 + 10.00
        2.0 * 2.00 + 0.4 * 0.50 + 0.25 * 8.00,  #    4.00 + 0.20 +  2.00
        30.0 * 1.00 + 1.0 * 1.25 + 4.0 * 5.00,  #   30.00 + 1.25 + 20.00: half of 2.00, 2.50 and 10.00
        5.0 * 0.30 + 1.0 * 2.50 + 2.0 * 35.00,  #    1.50 + 2.50 + 70.00: searches are 35.00 a thousand
    ]
    assert expected == pytest.approx([30.20, 6.20, 51.25, 74.00], rel=SUM_TOLERANCE)
    assert BUILTIN.cost(BILL).tolist() == pytest.approx(expected, rel=SUM_TOLERANCE)
    assert BUILTIN.unpriced(BILL).empty
    assert BUILTIN.cost(SimpleNamespace(frame=BILL)).equals(BUILTIN.cost(BILL))


def test_an_unpriced_quantity_makes_a_row_nan_never_zero():
    usage = usage_frame(
        [
            {"date": "2026-01-01", "provider": "openai", "model": "gpt-4o", "input_tokens": 1e6, "output_tokens": 0},
            {"date": "2026-01-01", "provider": "openai", "model": "house", "input_tokens": 3e6, "output_tokens": None},
            {"date": "2026-01-03", "provider": "openai", "model": "house", "input_tokens": 1e6, "output_tokens": 5e5},
            {"date": "2026-01-02", "provider": "openai", "model": "house", "input_tokens": 0, "output_tokens": None},
            {"date": "2026-01-02", "provider": "openai", "model": "gpt-4o", "input_tokens": None},
        ]
    )
    usage.index = [10, 11, 12, 13, 14]
    cost = BUILTIN.cost(usage)
    assert cost.index.tolist() == [10, 11, 12, 13, 14]
    np.testing.assert_array_equal(cost.to_numpy(), [2.5, np.nan, np.nan, 0.0, np.nan])

    listed = BUILTIN.unpriced(usage)
    assert listed[["model", "unit", "service_tier", "rows", "quantity"]].to_numpy().tolist() == [
        ["house", "input_tokens", "standard", 2, 4e6],
        ["house", "output_tokens", "standard", 1, 5e5],
    ]
    assert listed["share"].tolist() == pytest.approx([4 / 5.5, 0.5 / 5.5])
    assert listed["first"][0] == pd.Timestamp("2026-01-01")
    assert listed["last"][0] == pd.Timestamp("2026-01-03")
    assert set(listed["reason"]) == {"unknown model"}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"provider": "openai", "model": "zzz", "input_tokens": 1.0}, "unknown model"),
        ({"provider": "zzz", "model": "zzz", "input_tokens": 1.0}, "unknown provider"),
        ({"provider": None, "model": "zzz", "input_tokens": 1.0}, "unknown model"),
        ({"provider": "openai", "model": None, "input_tokens": 1.0}, "no model"),
        ({"provider": "openai", "model": "gpt-4o", "total_tokens": 1.0}, "no price for this unit"),
        ({"provider": "openai", "model": "gpt-4o", "gpu_hours": 1.0}, "no price for this unit"),
        ({"provider": "azure", "model": "gpt-4o", "input_tokens": 1.0, "service_tier": "batch"},
         "no price for this service tier"),
        ({"provider": "acme", "model": "m", "input_tokens": 1.0}, "no price on this date"),
        ({"provider": "openai", "model": "gpt-4o", "input_tokens": 0.0}, None),
        ({"provider": "openai", "model": "gpt-4o", "reasoning_tokens": 1.0}, None),
    ],
)  # fmt: skip
def test_unpriced_says_why(row, reason):
    book = own(provider=["acme"], valid_from=["2026-02-01"]) | BUILTIN
    listed = book.unpriced(usage_frame([{"date": "2026-01-31", **row}]))
    assert listed["reason"].tolist() == ([] if reason is None else [reason])
    assert listed["remedy"].str.len().gt(0).all()


def test_only_the_days_without_a_price_are_listed():
    book = own(provider=["acme"], valid_from=["2026-02-01"])
    days = pd.DataFrame({"date": pd.date_range("2026-01-30", "2026-02-03"), "provider": "acme", "model": "m"})
    listed = book.unpriced(days.assign(input_tokens=1e6))
    assert listed["rows"].tolist() == [2]
    assert listed["last"].tolist() == [pd.Timestamp("2026-01-31")]
    assert listed["share"].tolist() == [pytest.approx(0.4)]


def test_a_matrix_holds_the_float_nearest_to_the_decimal():
    book = own(provider=["acme"], price=["0.07"], valid_from=["2026-02-01"]) | BUILTIN
    skus = pd.DataFrame(
        [
            ("openai", "o3", None, "input_tokens"),
            ("openai", "o3", "batch", "output_tokens"),
            ("google", "gemini-3.6-flash", "standard", "cache_read_tokens"),
            ("google", "gemini-2.5-flash", "standard", "searches"),
            ("acme", "m", "standard", "input_tokens"),
            (None, "nothing", "standard", "input_tokens"),
        ],
        columns=["provider", "model", "service_tier", "unit"],
    )
    days = pd.date_range("2025-06-01", "2027-01-10", freq="9D", tz="Europe/Paris").append(
        pd.DatetimeIndex(["2025-06-10 23:00", "2027-01-01"], tz="Europe/Paris")
    )
    matrix = book.matrix(skus, days)
    assert matrix.shape == (len(days), len(skus))
    assert np.isnan(matrix[:, 5]).all()
    for i, on in enumerate(days.tz_localize(None)):
        for j, sku in enumerate(skus.itertuples()):
            tier = sku.service_tier if isinstance(sku.service_tier, str) else "standard"
            try:
                exact = book.price(sku.provider, sku.model, sku.unit, on, service_tier=tier)
            except PriceError:
                assert np.isnan(matrix[i, j])
                continue
            one = exact / schema.UNITS[sku.unit].per
            assert abs(Decimal(matrix[i, j]) / one - 1) <= Decimal(FLOAT_TOLERANCE)
    assert book.currency_of(skus, days) == "USD"
    assert book.currency_of(skus.iloc[5:], days) is None


def test_two_currencies_do_not_add_up():
    book = own(provider=["acme"], currency=["eur"], valid_from=["2026-02-01"]) | BUILTIN
    skus = pd.DataFrame({"provider": ["acme", "openai"], "model": ["m", "gpt-4o"], "unit": "input_tokens"})
    with pytest.raises(PriceError, match=r"prices are in EUR \(acme m .*\) and USD \(openai gpt-4o"):
        book.matrix(skus, pd.date_range("2026-02-01", periods=2))
    assert np.isnan(book.matrix(skus, pd.date_range("2026-01-01", periods=2))[:, 0]).all()
    usage = skus.drop(columns="unit").assign(date=pd.Timestamp("2026-02-01"), input_tokens=1.0)
    with pytest.raises(PriceError, match="in EUR"):
        book.cost(usage)


def test_a_matrix_refuses_what_is_no_sku():
    days = pd.date_range("2026-01-01", periods=1)
    good = pd.DataFrame({"provider": ["openai"], "model": ["gpt-4o"], "unit": ["input_tokens"]})
    with pytest.raises(PriceError, match="there is no column 'unit'"):
        BUILTIN.matrix(good.rename(columns={"unit": "units"}), days)
    with pytest.raises(PriceError, match="unit 'tokens' is not known"):
        BUILTIN.matrix(good.assign(unit="tokens"), days)
    with pytest.raises(PriceError, match="service tier 'cheap' is not known"):
        BUILTIN.matrix(good.assign(service_tier="cheap"), days)
    with pytest.raises(PriceError, match="usage: there is no column 'date' to price by"):
        BUILTIN.cost(good.drop(columns="unit"))


amounts = st.floats(0, 1e12)
prices = st.decimals(0, 1000, places=6)


@given(st.lists(st.tuples(amounts, amounts, st.integers(0, 400)), min_size=1, max_size=12), st.integers(0, 12))
def test_cost_is_additive_over_rows_and_units(rows, cut):
    frame = pd.DataFrame(rows, columns=["input_tokens", "output_tokens", "day"])
    frame["date"] = pd.Timestamp("2025-01-01") + pd.to_timedelta(frame.pop("day"), unit="D")
    frame = frame.assign(provider="openai", model="o3")
    whole = BUILTIN.cost(frame)
    parts = pd.concat([BUILTIN.cost(frame.iloc[:cut]), BUILTIN.cost(frame.iloc[cut:])])
    np.testing.assert_array_equal(parts.to_numpy(), whole.to_numpy())
    by_unit = sum(BUILTIN.cost(frame.drop(columns=u)) for u in ("input_tokens", "output_tokens"))
    np.testing.assert_allclose(by_unit, whole, rtol=SUM_TOLERANCE)


@given(prices, prices, amounts)
def test_cost_is_monotone_in_price(low, more, tokens):
    usage = usage_frame([{"date": "2026-01-01", "provider": "p", "model": "m", "input_tokens": tokens}])
    cheap, dear = own(price=[str(low)]).cost(usage)[0], own(price=[str(low + more)]).cost(usage)[0]
    assert 0 <= cheap <= dear


# ------------------------------------------------------------------------------------------------------- bad input

GOOD = "provider,model,unit,service_tier,price,currency,valid_from,valid_to\n"
LINE = "openai,gpt-4o,input_tokens,standard,2.50,USD,2026-01-01,\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the file is empty"),
        (GOOD, "there are no rows"),
        ("model,unit,prize\nm,input_tokens,1\n", r"column 'prize' is not known.*did you mean 'price'\?"),
        ("model,unit\nm,input_tokens\n", "there is no column 'price'"),
        ("model,unit,price,price\nm,input_tokens,1,2\n", r"column 'price\.1' is not known"),
        (GOOD + LINE.replace("2.50", "-2.50"), "column 'price' is not a price in row 2: price=-2.50; write"),
        (GOOD + LINE + LINE.replace("2.50", "$2.50"), r"column 'price' is not a price in row 3: price=\$2.50"),
        (GOOD + LINE.replace("2.50", ""), "column 'price' is not a price in row 2"),
        (GOOD + LINE.replace("2.50", "NaN"), "column 'price' is not a price in row 2: price=NaN"),
        (GOOD + LINE.replace("2.50", "inf"), "column 'price' is not a price in row 2: price=inf"),
        (GOOD + LINE.replace("2026-01-01", "1/2/26"), "column 'valid_from' is not a day in row 2: valid_from=1/2/26"),
        (GOOD + LINE.replace("2026-01-01", "2026-01-01 12:00"), "column 'valid_from' is not a day in row 2"),
        (GOOD + LINE.replace(",\n", ",2025-12-31\n"), "column 'valid_to', row 2: 2025-12-31 is before valid_from"),
        (GOOD + LINE.replace("input_tokens", "input_token"),
         r"column 'unit' is not known in row 2: unit=input_token; allowed: .*did you mean 'input_tokens'\?"),
        (GOOD + LINE.replace("input_tokens", "reasoning_tokens"), "reasoning_tokens are part of output_tokens"),
        (GOOD + LINE.replace("standard", "btach"), r"column 'service_tier' is not known.*did you mean 'batch'\?"),
        (GOOD + LINE.replace("gpt-4o", ""), r"column 'model' is blank in row 2: .*; write \* for every model"),
        (GOOD + LINE + LINE, r"rows 2 and 3 both price openai gpt-4o input_tokens \(standard\) from 2026-01-01"),
        (GOOD + LINE.replace(",\n", ",2026-06-30\n") + LINE.replace("2026-01", "2026-06"), "rows 2 and 3 both price"),
        (GOOD + LINE.replace("gpt-4o", "GPT-4o").replace("2026-01-01", "") + LINE.replace("2026-01-01", ""),
         "rows 2 and 3 both price openai GPT-4o .* from always"),
        (GOOD + LINE + LINE.replace("2026-01-01,", "2026-03-01,2026-03-31"),
         "row 3 ends on 2026-03-31 and row 2, .*, has no end: add a row .* from 2026-04-01"),
        ('model,unit,price\n"m,input_tokens,1\n', "cannot be read as a table of prices"),
    ],
)  # fmt: skip
def test_bad_files_name_file_column_row_and_remedy(tmp_path, text, says):
    path = tmp_path / "prices.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PriceError, match=says) as caught:
        PriceBook.read(path)
    assert str(path) in str(caught.value)


def test_bad_paths_and_bad_toml(tmp_path):
    (tmp_path / "prices.csv").write_bytes("model,unit,price\nm,input_tokens,1\n".encode("utf-16"))
    with pytest.raises(PriceError, match="is not UTF-8"):
        PriceBook.read(tmp_path / "prices.csv")
    with pytest.raises(PriceError, match=r"there is no such file; did you mean 'prices\.csv'\?"):
        PriceBook.read(tmp_path / "price.csv")
    with pytest.raises(PriceError, match="is a folder"):
        PriceBook.read(tmp_path)
    for text, says in [
        ("[[price]]\nmodel = 'm'\n", r"table 'price' is not known.*did you mean 'prices'\?"),
        ("prices = 3\n", "'prices' is not a list of tables"),
        ("[[prices]\n", "cannot be read"),
        ("[[prices]]\nmodel = 'm'\nunit = 'seats'\nprice = [1]\n", "column 'price' is not a price in row 1"),
        ("[[prices]]\nmodel = 'm'\nunit = 'seats'\nprice = true\n", "column 'price' is not a price in row 1"),
        ("[[prices]]\nmodel = 'm'\nunit = 'seats'\nprice = 1\nvalid_to = 7\n", "column 'valid_to' is not a day"),
    ]:
        path = tmp_path / "p.toml"
        path.write_text(text)
        with pytest.raises(PriceError, match=says):
            PriceBook.read(path)


def test_an_open_row_may_be_resumed_after_a_bounded_one():
    book = own(
        price=["3", "1", "3"],
        valid_from=["2026-01-01", "2026-03-01", "2026-04-01"],
        valid_to=[None, "2026-03-31", None],
    )
    prices = [book.price("p", "m", "input_tokens", on) for on in ("2026-02-28", "2026-03-31", "2026-04-01")]
    assert prices == [3, 1, 3]


def test_a_book_shows_itself_shortly():
    book = own(model=["<b>"]) | BUILTIN
    assert repr(book).startswith("PriceBook(<frame> over genai-prices ")
    assert len(repr(book)) < 160
    page = book._repr_html_()
    assert "&lt;b&gt;" in page
    assert "more rows" in page
    assert len(book) == len(BUILTIN) + 1
