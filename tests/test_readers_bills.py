"""Bills of clouds (FOCUS, AWS, Azure, Google): units, kinds, charges, tags and prices, held to hand arithmetic."""

import csv
import io
import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import forecast as fc
from forecast import schema
from forecast.errors import UsageError
from forecast.readers.meters import context_of, head_of, kind_of, model_of, provider_of, size_of, tier_of, tokens_in

HERE = Path(__file__).parent / "exports"
#: Sums of a few amounts in doubles.
RELATIVE = 1e-12
#: A made-up bill has amounts in cents; their sum in doubles is exact to far below one.
CENT = 0.005


def read(source, **options):
    return fc.read_usage(source, **{"today": "2026-11-30", "services": "all", **options})


def table(path):
    return list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"))))


def notes(usage):
    return " ".join(usage.notes)


def by(frame, *keys):
    return frame.groupby(list(keys), dropna=False)["billed_cost"].sum().to_dict()


# ---------------------------------------------------------------------------------------------------------- meters


@pytest.mark.parametrize(
    ("meter", "kind"),
    [
        ("USE1-Claude4.6Opus-input-tokens", "input_tokens"),
        ("USE1-Claude4.6Opus-cache-read-input-token-count-cross-region-global", "cache_read_tokens"),
        ("USE1-Claude4.6Opus-cache-write-input-token-count", "cache_write_tokens"),
        ("USE1-MP:USE1_CacheWrite1hInputTokenCount_Global-Units", "cache_write_1h_tokens"),
        ("USE1-MP:USE1_cache_write_tokens_1h_global_standard-Units", "cache_write_1h_tokens"),
        ("USE1-MP:USE1_InputTokenCount-Units", "input_tokens"),
        ("USW2-anthropic.claude-opus-4-8-mantle-output-tokens-global-standard", "output_tokens"),
        ("USE1-NovaSonic-speech-input-tokens", "input_audio_tokens"),
        ("USE1-NovaLite-Customization-Training", None),
        ("gpt 4.1 mini Inp glbl Tokens", "input_tokens"),
        ("gpt 4o 1120 cached Inp glbl Tokens", "cache_read_tokens"),
        ("GPT 5 cchd Inp Dz 1M Tokens", "cache_read_tokens"),
        ("GPT 5.2 Cd inp Gl 1M Tokens", "cache_read_tokens"),
        ("GPT 5.1 opt Gl 1M Tokens", "output_tokens"),
        ("GPT 5 outpt Glbl 1M Tokens", "output_tokens"),
        ("gpt 4.1 in Tokens", "input_tokens"),
        ("text-embedding-3-large glbl Tokens", "input_tokens"),
        ("Claude Sonnet 4.5 Cache Wr 5m glbl Tokens", "cache_write_tokens"),
        ("Gemini 2.5 Flash GA Thinking Text Output - Predictions", "output_tokens"),
        ("Gemini 2.5 Flash GA Input Text Caching", "cache_read_tokens"),
        ("Gemini 2.5 Flash GA Input Text Caching Storage", None),
        ("phi-4-reasoning Input Tokens", "input_tokens"),
        ("Stored files", None),
    ],
)
def test_a_meter_says_its_kind_of_token_cache_before_input(meter, kind):
    assert kind_of(meter) == kind


@pytest.mark.parametrize(
    ("provider", "meter", "world", "model"),
    [
        ("aws", "USE1-Claude4.6Opus-input-tokens", False, "anthropic.claude-opus-4-6-v1:0"),
        ("aws", "USE1-Claude4.6Opus-input-tokens", True, "global.anthropic.claude-opus-4-6-v1:0"),
        ("aws", "EU-Claude3Haiku-output-tokens", False, "anthropic.claude-3-haiku-20240307-v1:0"),
        ("aws", "USE1-NovaPro-input-tokens-latency-optimized", False, "amazon.nova-pro-v1:0"),
        ("aws", "USE1-Nova2.0Lite-input-tokens", True, "global.amazon.nova-2-lite-v1:0"),
        ("aws", "USE1-Llama4-Maverick-17B-input-tokens-batch", False, "meta.llama4-maverick-17b-instruct-v1:0"),
        ("aws", "USE1-openai.gpt-oss-120b-mantle-input-tokens-standard", False, "openai.gpt-oss-120b-1:0"),
        ("aws", "USE1-DeepSeek-R1-input-tokens", False, "deepseek.r1-v1:0"),
        ("azure", "gpt 4.1 mini Inp glbl Tokens", False, "gpt-4.1-mini"),
        ("azure", "gpt-4o-mini-0718-Inp-glbl Tokens", False, "gpt-4o-mini"),
        ("azure", "gpt 4o 0513 Inp glbl Tokens", False, "gpt-4o-2024-05-13"),  # priced apart from gpt-4o
        ("azure", "o3 0416 Inp glbl Tokens", False, "o3"),
        ("google", "Gemini 2.5 Flash Lite GA Audio Input - Predictions", False, "gemini-2.5-flash-lite"),
        ("google", "Gemini 3.0 Pro Preview Text Output (Long)", False, "gemini-3-pro-preview"),
        ("google", "Claude Sonnet 4.5 - Input Tokens", False, "claude-sonnet-4-5"),
    ],
)
def test_a_meter_names_a_model_that_the_price_book_knows(provider, meter, world, model):
    assert model_of(provider, head_of(meter), world=world) == model
    assert "no row" not in str(fc.PriceBook.builtin().match(provider, model))


def test_a_model_that_is_not_known_keeps_its_name():
    assert model_of("aws", head_of("USE1-TitanEmbeddingsG1-Text-input-tokens")) is None
    assert head_of("USE1-TitanEmbeddingsG1-Text-input-tokens") == "TitanEmbeddingsG1-Text"
    assert head_of("phi-4-reasoning Input Tokens") == "phi-4-reasoning"


@pytest.mark.parametrize(
    ("unit", "tokens", "size"),
    [
        ("Tokens", 1, None),
        ("1K tokens", 1e3, None),
        ("1M Tokens", 1e6, None),
        ("1,000,000 tokens", 1e6, None),
        ("Million Input Tokens", 1e6, None),
        ("1K", None, 1e3),
        ("1M", None, 1e6),
        ("1 Hour", None, None),
        ("GB-days", None, None),
        ("Token allocations", None, None),
    ],
)
def test_units_of_measure(unit, tokens, size):
    assert (tokens_in(unit), size_of(unit)) == (tokens, size)


def test_tiers_sizes_and_providers():
    assert tier_of("USE1-Claude4.6Opus-input-tokens-batch") == "batch"
    assert tier_of("USE1-xai.grok-4.3-mantle-input-tokens-flex") == "flex"
    assert tier_of("USE1-NovaPro-input-tokens-latency-optimized") == "priority"
    assert tier_of("Provisioned Managed Global Unit") == "provisioned"
    assert tier_of("Grok 4 Fast Inp glbl Tokens") == "standard"
    assert context_of("USE1-Claude4Sonnet-output-tokens-long-context-cross-region-global") == "long"
    assert context_of("USE1-MP:USE1_OutputTokenCount_LCtx_Global-Units") == "long"
    assert context_of("5.5 ShortCo inp Gl 1M Tokens") == "base"
    names = ("Amazon Web Services", "Microsoft", "Google Cloud", "vertex_ai", "OpenAI", "ACMECORP")
    assert [provider_of(n) for n in names] == ["aws", "azure", "google", "google", "openai", "ACMECORP"]


@given(st.text(max_size=60))
@settings(max_examples=200)
def test_any_name_of_a_meter_is_read_without_an_error(meter):
    assert kind_of(meter) in {None, *schema.UNITS}
    assert head_of(meter) is not None
    assert tier_of(meter)
    model_of("aws", head_of(meter))
    for unit in (tokens_in(meter), size_of(meter)):
        assert unit is None or unit > 0


# ----------------------------------------------------------------------------------------------------------- FOCUS


def test_what_is_bought_ahead_is_not_counted_twice():
    usage = read([HERE / "focus" / f"virtual_currency_{part}.csv" for part in ("a1", "a2")])
    frame = usage.frame.set_index("charge_category")
    assert frame["billed_cost"].to_dict() == {"purchase": 200_000, "usage": 0}
    assert frame["effective_cost"].to_dict() == {"purchase": 0, "usage": 490 + 20 + 720}
    assert usage.units == (), "the vendor's currency is called Token, and is no token of a model"
    assert "1 purchases of 200,000.00 are billed ahead of use" in notes(usage)
    assert "prices are also in Token" in notes(usage)


def test_american_dates_and_a_mark_at_the_start_are_read():
    usage = read(HERE / "focus" / "virtual_currency_c.csv")
    assert (HERE / "focus" / "virtual_currency_c.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert usage.frame["date"].dt.strftime("%Y-%m-%d").tolist() == ["2025-04-01", "2025-10-01"]
    assert "4/1/25 are read as month/day/year" in notes(usage)


def test_days_before_months_in_one_column_alone_are_refused_by_row(tmp_path):
    rows = table(HERE / "focus" / "virtual_currency_c.csv")
    rows = [r | {"ChargePeriodStart": "4/1/25", "ChargePeriodEnd": "30/1/25"} for r in rows]
    with pytest.raises(UsageError, match="ends before it starts"):
        read(written(tmp_path / "c.csv", rows))


def test_tokens_follow_their_unit_and_each_kind_is_a_meter_of_its_own():
    frame = read(HERE / "focus" / "daily_12.csv").frame
    standard = frame[(frame["service_tier"] == "standard") & (frame["model"] == "gpt-5")].iloc[0]
    # 1,000,000 of 1, 0.2 of 1M beside 200,000 of 1 (counted once), 300,000 of 1: cached stands beside input
    assert (standard["input_tokens"], standard["cache_read_tokens"], standard["output_tokens"]) == (1e6, 2e5, 3e5)
    batch = frame[frame["service_tier"] == "batch"].iloc[0]
    assert (batch["model"], batch["input_tokens"]) == ("gpt-5", 1e6)  # 1,000 of 1K
    mini = frame[frame["model"] == "gpt-5-mini"].iloc[0]
    assert (mini["input_tokens"], mini["output_tokens"]) == (2e5, 2e4)  # by PricingUnit, by ConsumedUnit


def test_charges_without_tokens_are_kept_as_money():
    frame = read(HERE / "focus" / "daily_12.csv").frame
    assert by(frame, "charge_category") == pytest.approx(
        {"usage": 5.3425, "tax": 0.40, "credit": -1.00, "adjustment": -0.25}, rel=RELATIVE
    )
    assert frame.loc[frame["model"] == "Stored files", "billed_cost"].tolist() == [0.75]
    assert frame.loc[frame["model"] == "Web search calls", "searches"].tolist() == [3]


def test_a_correction_is_an_adjustment_in_its_own_period_and_noted():
    usage = read(HERE / "focus" / "daily_12.csv")
    row = usage.frame[usage.frame["charge_category"] == "adjustment"].iloc[0]
    assert (row["date"], row["model"], row["billed_cost"]) == (pd.Timestamp("2026-08-20"), "gpt-5", -0.25)
    assert pd.isna(row["output_tokens"])
    assert "1 corrections of earlier periods, from 2026-08-20 on" in notes(usage)
    assert "their tokens are not" in notes(usage)


def test_a_row_whose_cells_are_shifted_is_rejected_and_shown():
    rejected = read(HERE / "focus" / "daily_12.csv").reading.rejected
    assert rejected["reason"].tolist() == ["ChargeCategory is not one of usage, purchase, tax, credit, adjustment"]
    assert rejected["row"].tolist() == ["13"]


def test_null_in_letters_is_null_and_months_stay_months():
    usage = read(HERE / "focus" / "monthly_10.csv")
    assert usage.grain == "month"
    assert set(usage.frame["charge_category"]) == {"usage"}
    assert usage.frame.loc[usage.frame["model"] == "Amazon Elastic Compute Cloud", "billed_cost"].tolist() == [40]
    assert set(usage.frame["project"]) == {"assistant"}  # the tag that is called so


def test_the_built_in_prices_know_the_models_of_a_focus_bill():
    frame = read(HERE / "focus" / "monthly_10.csv").frame
    told = frame[frame["service_tier"].notna()]
    # in one region $3.30, $0.33, $4.125 and $16.50 a million; to any region $3
    assert fc.PriceBook.builtin().cost(told).tolist() == pytest.approx(told["billed_cost"].tolist(), rel=RELATIVE)


def test_a_one_in_every_row_is_no_count_of_requests():
    usage = read(HERE / "focus" / "litellm_12.csv")
    assert "requests" not in usage.frame
    assert "the number of requests is unknown" in notes(usage)
    assert set(usage.frame["provider"]) == {"openai", "anthropic"}


def test_names_of_providers_of_focus_1_3_and_hours():
    usage = read(HERE / "focus" / "hourly_13.jsonl")
    assert (usage.grain, set(usage.frame["provider"])) == ("hour", {"azure"})
    assert set(usage.frame["environment"]) == {"production"}
    day = read(HERE / "focus" / "hourly_13.jsonl", grain="day").frame
    assert day["date"].nunique() == 1


def test_several_currencies_are_refused_in_words(tmp_path):
    rows = [r for r in table(HERE / "focus" / "daily_12.csv") if r["ChargeCategory"] == "Usage"]
    rows[0] |= {"BillingCurrency": "EUR"}
    with pytest.raises(UsageError, match="column 'currency': holds EUR and USD"):
        read(written(tmp_path / "two.csv", rows))


def test_weeks_are_refused(tmp_path):
    rows = [r | {"ChargePeriodEnd": "2026-09-15T00:00:00Z"} for r in table(HERE / "focus" / "litellm_12.csv")]
    with pytest.raises(UsageError, match=r"most rows of usage span 13\.5 days"):
        read(written(tmp_path / "weeks.csv", rows))


def test_a_longer_charge_stands_at_its_start_and_is_noted(tmp_path):
    rows = table(HERE / "focus" / "daily_12.csv")[:7]
    rows[6] |= {"ChargePeriodEnd": "2026-10-01T00:00:00Z"}
    usage = read(written(tmp_path / "seats.csv", rows))
    assert usage.grain == "day"
    assert "1 rows are of more than one day" in notes(usage)


def test_tokens_of_no_kind_stand_alone_or_are_noted(tmp_path):
    rows = table(HERE / "focus" / "daily_12.csv")[:1]
    plain = {"SkuMeter": "GPT-5 Tokens", "ChargeDescription": ""}
    alone = read(written(tmp_path / "alone.csv", [rows[0] | plain]))
    assert alone.frame["total_tokens"].tolist() == [1e6]
    beside = read(written(tmp_path / "beside.csv", [rows[0], rows[0] | plain]))
    assert beside.frame["input_tokens"].sum() == 1e6
    assert "1,000,000 tokens in 1 rows are left out, their money is not" in notes(beside)
    assert beside.frame["billed_cost"].sum() == pytest.approx(2 * 1.125)


#: A charge: category, billed and effective cents, tokens.
CHARGES = st.lists(
    st.tuples(
        st.sampled_from(["Usage", "Purchase", "Tax", "Credit", "Adjustment"]),
        st.integers(-10_000, 10_000_000),
        st.integers(0, 10_000_000),
        st.integers(0, 10**9),
    ),
    min_size=1,
    max_size=12,
)


@given(CHARGES)
@settings(max_examples=25, deadline=None)
def test_every_token_and_cent_of_any_bill_is_kept(charges):
    base = table(HERE / "focus" / "daily_12.csv")[0] | {"PricingQuantity": "", "PricingUnit": "", "ListCost": ""}
    rows = [
        base
        | {
            "ChargeCategory": category,
            "BilledCost": f"{billed / 100:.2f}",
            "EffectiveCost": f"{effective / 100:.2f}",
            "ConsumedQuantity": str(tokens),
        }
        for category, billed, effective, tokens in charges
    ]
    used = sum(tokens for category, _, _, tokens in charges if category == "Usage")
    if not used and not any(billed or effective for _, billed, effective, _ in charges):
        return
    frame = read(pd.DataFrame(rows)).frame
    assert frame["billed_cost"].sum() == pytest.approx(sum(c[1] for c in charges) / 100, abs=CENT)
    assert frame["effective_cost"].sum() == pytest.approx(sum(c[2] for c in charges) / 100, abs=CENT)
    assert (frame["input_tokens"].sum() if "input_tokens" in frame else 0) == used


# ------------------------------------------------------------------------------------------------------------- AWS


def test_the_bill_of_bedrock_is_the_arithmetic_of_the_built_in_prices():
    frame = read(HERE / "aws" / "cur2_daily.csv").frame
    told = frame[(frame["service_tier"] == "standard") & frame["context_tier"].isna()]
    assert len(told) == 5
    # Opus 4.6: 0.2 × 5.50 + 1 × 0.55 + 0.04 × 6.875 + 0.05 × 27.50 = 3.30; to any region 0.01 × 25 = 0.25
    assert told["billed_cost"].tolist()[:2] == pytest.approx([3.30, 0.25], rel=RELATIVE)
    assert fc.PriceBook.builtin().cost(told).tolist() == pytest.approx(told["billed_cost"].tolist(), rel=RELATIVE)


def test_units_of_the_marketplace_are_millions_and_the_product_names_the_model():
    frame = read(HERE / "aws" / "cur2_daily.csv").frame
    haiku = frame[frame["model"].str.contains("haiku") & (frame["service_tier"] == "standard")]
    assert haiku["input_tokens"].sum() == 400_000
    assert haiku["cache_read_tokens"].sum() == 2_000_000
    world = haiku[haiku["model"].str.startswith("global.")]
    assert world["cache_write_1h_tokens"].tolist() == [50_000]


def test_taxes_credits_and_refunds_repeat_an_amount_that_is_no_usage():
    frame = read(HERE / "aws" / "cur2_daily.csv").frame
    others = frame[frame["charge_category"] != "usage"]
    assert by(others, "charge_category") == pytest.approx(
        {"tax": 0.08, "credit": -0.50, "refund": -0.04, "adjustment": -0.1375}, rel=RELATIVE
    )
    assert others[["input_tokens", "output_tokens"]].isna().all(axis=None)
    assert frame.loc[frame["charge_category"] == "adjustment", "effective_cost"].tolist() == [0]


def test_batches_long_requests_and_capacity_are_told_apart():
    frame = read(HERE / "aws" / "cur2_daily.csv").frame
    assert frame.loc[frame["service_tier"] == "batch", "input_tokens"].tolist() == [300_000]
    assert frame.loc[frame["context_tier"] == "long", "input_tokens"].tolist() == [250_000]
    assert frame.loc[frame["service_tier"] == "provisioned", "billed_cost"].tolist() == [480]
    assert frame.loc[frame["model"] == "AmazonEC2", "billed_cost"].tolist() == [1.9584]


def test_the_principal_is_personal():
    path = HERE / "aws" / "cur2_daily.csv"
    assert "user" not in read(path).frame
    assert read(path, personal=True).frame["user"].str.contains("AppRole").any()


def test_a_report_of_before_2_0_and_its_tags():
    usage = read(HERE / "aws" / "cur1_hourly.csv", rules=[{"match": {"tag:project": "*"}, "set": {"department": "x"}}])
    assert usage.grain == "hour"
    assert set(usage.frame["environment"].dropna()) == {"staging"}
    assert set(usage.frame["department"]) == {"x"}
    assert set(usage.frame["region"]) == {"eu-west-1"}


def test_tags_of_any_shape_are_read(tmp_path):
    rows = table(HERE / "aws" / "cur2_daily.csv")[:1]
    shapes = [
        '{"user_env": "production"}',
        json.dumps({"resourceTags/user:env": "production"}),
        "{'user_env': 'production'}",
        '"env": "production"',
        '[{"key": "env", "value": "production"}]',
    ]
    for shape in shapes:
        frame = read(written(tmp_path / "tags.csv", [rows[0] | {"resource_tags": shape}])).frame
        assert frame["environment"].tolist() == ["production"], shape
    typed = pd.DataFrame([rows[0] | {"resource_tags": [("user_env", "production")]}])
    assert read(typed).frame["environment"].tolist() == ["production"]
    assert read(typed.assign(resource_tags=[{"user_env": "production"}])).frame["environment"].tolist() == [
        "production"
    ]


def test_a_map_in_parquet_and_products_in_a_map_are_read(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    row = table(HERE / "aws" / "cur2_daily.csv")[8]
    assert row.pop("product_product_name").startswith("Claude Haiku 4.5")
    arrays = {name: pa.array([value]) for name, value in row.items()}
    maps = pa.map_(pa.string(), pa.string())
    arrays["resource_tags"] = pa.array([[("user_env", "test")]], type=maps)
    arrays["product"] = pa.array([[("product_name", "Claude Haiku 4.5 (Amazon Bedrock Edition)")]], type=maps)
    arrays["line_item_usage_start_date"] = pa.array([pd.Timestamp("2026-09-02")])
    arrays["line_item_usage_end_date"] = pa.array([pd.Timestamp("2026-09-03")])
    pq.write_table(pa.table(arrays), tmp_path / "cur.parquet")
    frame = read(tmp_path / "cur.parquet").frame
    assert frame["environment"].tolist() == ["test"]
    assert frame["model"].tolist() == ["anthropic.claude-haiku-4-5-20251001-v1:0"]
    assert frame["input_tokens"].tolist() == [400_000]


def test_a_kind_of_line_that_is_not_known_is_money_and_noted(tmp_path):
    rows = table(HERE / "aws" / "cur2_daily.csv")[:2]
    usage = read(written(tmp_path / "cur.csv", [rows[0], rows[1] | {"line_item_line_item_type": "Surprise"}]))
    assert "Surprise is not known" in notes(usage)
    assert usage.frame["billed_cost"].sum() == pytest.approx(1.65)
    assert usage.units == ("input_tokens",)


# ----------------------------------------------------------------------------------------------------------- Azure


def test_the_bill_of_azure_is_the_arithmetic_of_the_built_in_prices():
    frame = read(HERE / "azure" / "cost_details.csv").frame
    told = frame[(frame["service_tier"] == "standard") & (frame["provider"] == "azure")]
    # thousands: 0.5 × 0.40 + 0.1 × 0.10 + 0.05 × 1.60 = 0.29; 0.04 × 1.25; millions: 0.3 × 10, 0.2 × 5; 1 × 1.74
    assert told["list_cost"].tolist() == pytest.approx([0.29, 0.05, 3.00, 1.00, 1.74], rel=RELATIVE)
    models = ["gpt-4.1-mini", "gpt-4o", "gpt-5.1", "gpt-5.5", "deepseek-v4-pro"]
    assert told["model"].tolist() == models
    known = told["model"] != "deepseek-v4-pro"  # Azure has a price of its own
    cost = fc.PriceBook.builtin().cost(told[known])
    assert cost.tolist() == pytest.approx(told.loc[known, "list_cost"].tolist(), rel=RELATIVE)


def test_meters_of_azure_that_are_no_tokens_stay_as_money():
    frame = read(HERE / "azure" / "cost_details.csv").frame
    bare = frame[frame["service_tier"].isin(["provisioned"]) | frame["service_tier"].isna()]
    assert by(bare, "model") == pytest.approx(
        {
            "Provisioned Managed Global Unit": 24,
            "S1 Speech To Text Audio Hours": 2,
            "Virtual Machines": 4.608,
            "gpt-4.1-mini": -0.08,
        }
    )
    assert set(frame["cost_center"]) == {"4711"}
    assert "user" not in frame


def test_a_meter_and_its_unit_that_differ_leave_the_tokens_unknown(tmp_path):
    rows = table(HERE / "azure" / "cost_details.csv")
    usage = read(written(tmp_path / "cost.csv", [rows[0], rows[4] | {"UnitOfMeasure": "1K"}]))
    assert "differ on the tokens of 1 rows, such as 'GPT 5.1 opt Gl 1M Tokens' in '1K'" in notes(usage)
    assert usage.units == ("input_tokens",)
    assert usage.frame["billed_cost"].sum() == pytest.approx(2.90)


def test_american_dates_of_azure_and_days_first():
    frame = read(HERE / "azure" / "cost_details.csv").frame
    assert set(frame["date"].dt.strftime("%Y-%m-%d")) == {"2026-09-01", "2026-09-13"}
    rows = table(HERE / "azure" / "cost_details.csv")[:12]
    swapped = [r | {"Date": "/".join([r["Date"][3:5], r["Date"][:2], r["Date"][6:]])} for r in rows]
    pd.testing.assert_frame_equal(read(pd.DataFrame(swapped)).frame, read(pd.DataFrame(rows)).frame)


# ---------------------------------------------------------------------------------------------------------- Google


def test_credits_stand_beside_the_cost_and_both_are_kept():
    for name, cost, credit in (("billing.csv", 1.5332, -0.03), ("billing.jsonl", 5.677, -0.1)):
        frame = read(HERE / "google" / name).frame
        split = frame.groupby(frame["charge_category"] == "credit")["billed_cost"].sum()
        assert split.to_dict() == pytest.approx({False: cost, True: credit}, rel=RELATIVE)


def test_a_sum_of_credits_in_a_column_is_kept(tmp_path):
    rows = table(HERE / "google" / "billing.csv")
    flat = [
        {k.replace(".", "_"): v for k, v in r.items() if k != "credits"} | {"credits_amount": amount}
        for r, amount in zip(rows, ["-0.03", "0", "", "0", "0", "0", "0", "0"], strict=True)
    ]
    pd.testing.assert_frame_equal(
        read(written(tmp_path / "flat.csv", flat)).frame, read(HERE / "google" / "billing.csv").frame
    )


def test_only_a_count_is_tokens_and_thinking_is_output():
    frame = read(HERE / "google" / "billing.jsonl").frame
    assert (frame["output_tokens"].sum(), frame["reasoning_tokens"].sum()) == (100_000, 60_000)
    storage = frame[frame["model"].str.contains("Storage")]
    assert storage["cache_read_tokens"].isna().all()
    assert frame.loc[frame["model"] == "Compute Engine", "billed_cost"].tolist() == [5]


def test_long_requests_and_images_are_not_priced_as_others():
    frame = read(HERE / "google" / "billing.csv").frame
    assert frame.loc[frame["context_tier"] == ">200k", "input_tokens"].tolist() == [300_000]
    images = frame[frame["model"].str.startswith("image output of")]
    assert images["output_tokens"].tolist() == [1_290]
    unpriced = fc.PriceBook.builtin().unpriced(frame)
    assert unpriced["model"].tolist() == ["image output of gemini-2.5-flash"]


# ------------------------------------------------------------------------------------------------------------ all


@pytest.mark.parametrize(
    "name", ["focus/daily_12.csv", "aws/cur2_daily.csv", "azure/cost_details.csv", "focus/litellm_12.csv"]
)
def test_people_in_tags_are_dropped_or_asked_for(name):
    usage = read(HERE / name, rules=[{"match": {"model": "*"}, "set": {"department": "x"}}])
    told = " ".join([*usage.notes, usage.frame.to_string(), usage.reading.unmatched.to_string()])
    assert "@" not in told
    assert "someone@example.com" in read(HERE / name, personal=True).frame["user"].dropna().astype(str).str.cat()


def test_a_tag_of_a_user_and_a_name_that_is_an_address_are_people(tmp_path):
    rows = table(HERE / "focus" / "litellm_12.csv")
    tags = json.dumps({"user_id": "u-17", "user_api_key_user_email": "b", "user_team": "search", "team_id": "t"})
    rows = [r | {"Tags": tags, "BillingAccountName": "someone@example.com"} for r in rows]
    path = written(tmp_path / "people.csv", rows)
    rules = [{"match": {"model": "none"}, "set": {"department": "x"}}]
    usage = read(path, rules=rules)
    told = usage.reading.unmatched
    assert {"tag:team", "tag:team_id", "sub_account"} <= set(told.columns)
    assert not any("user" in c for c in told.columns)
    assert "@" not in told.to_string()
    assert "4 values of billing_account hold an e-mail address" in notes(usage)
    assert set(read(path, personal=True).frame["user"]) == {"u-17"}


def test_units_that_clouds_do_not_name_in_focus_bills(tmp_path):
    base = table(HERE / "focus" / "monthly_10.csv")[0] | {"SkuMeter": ""}
    market = base | {
        "x_UsageType": "USE1-MP:USE1_OutputTokenCount-Units",
        "ConsumedUnit": "Units",
        "ConsumedQuantity": "0.5",
    }
    google = base | {
        "ProviderName": "Google Cloud",
        "x_UsageType": "",
        "SkuMeter": "Gemini 2.5 Flash GA Text Input - Predictions",
        "ConsumedUnit": "count",
        "ConsumedQuantity": "700",
    }
    frame = read(written(tmp_path / "clouds.csv", [market, google])).frame.set_index("provider")
    assert frame.loc["aws", "output_tokens"] == 500_000
    assert frame.loc["google", "input_tokens"] == 700
    assert frame.loc["google", "model"] == "gemini-2.5-flash"


def test_an_end_that_is_the_day_itself_is_a_day(tmp_path):
    rows = [r | {"ChargePeriodEnd": r["ChargePeriodStart"]} for r in table(HERE / "focus" / "litellm_12.csv")]
    assert read(written(tmp_path / "days.csv", rows)).grain == "day"


def written(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, list(rows[0]))
        out.writeheader()
        out.writerows(rows)
    return path


@pytest.mark.parametrize(
    ("path", "left_out"),
    [
        ("google/billing.jsonl", 5.0),  # Compute Engine
        ("aws/cur2_daily.csv", None),
        ("azure/cost_details.csv", None),
    ],
)
def test_other_services_of_a_bill_are_left_out_and_counted(path, left_out):
    every, ours = read(HERE / path), read(HERE / path, services="ai")
    gone = ours.reading.rejected[ours.reading.rejected["reason"].str.startswith("another service, not AI")]
    assert gone["money"].sum() == pytest.approx(every.frame["billed_cost"].sum() - ours.frame["billed_cost"].sum())
    assert gone["rows"].sum() > 0
    if left_out is not None:
        assert gone[["value", "money"]].to_numpy().tolist() == [["Compute Engine", left_out]]
    tokens = [u for u in schema.UNITS if u in every.frame]
    assert every.frame[tokens].sum().sum() == ours.frame[[u for u in tokens if u in ours.frame]].sum().sum()
    assert "another service, not AI" in " ".join(ours.notes)
