"""Cloud bills held to what stands outside them: vendors' published prices, the same bill as Parquet, sums by hand.

Prices are dollars for a million tokens as the vendors publish them. A meter that is read as another model, kind of
token, tier or size of unit has another price, so the money of the bill is its referee.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import forecast as fc
from forecast import schema
from forecast.errors import UsageError
from forecast.readers import meters

HERE = Path(__file__).parent / "exports"
#: Products of a price and a count, added up in another order.
RELATIVE = 1e-9
DAY = {"start": "2026-09-01T00:00:00Z", "end": "2026-09-02T00:00:00Z"}


def read(source, **options):
    return fc.read_usage(source, **{"today": "2026-11-30", "services": "all", **options})


def written(path, rows):
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


# What a meter says: the quantity, the tokens of one unit, the model's published price per million of that kind.

AWS = [
    ("USE1-Claude4.6Opus-input-tokens", 200, "1K tokens", 1e3, 5.50),
    ("USE1-Claude4.6Opus-cache-read-input-token-count", 1_000, "1K tokens", 1e3, 0.55),
    ("USE1-Claude4.6Opus-cache-write-input-token-count", 40, "1K tokens", 1e3, 6.875),
    ("USE1-Claude4.6Opus-output-tokens", 50, "1K tokens", 1e3, 27.50),
    ("USE1-Claude4.6Opus-output-tokens-cross-region-geo", 50, "1K tokens", 1e3, 27.50),
    ("USE1-Claude4.6Opus-input-tokens-cross-region-global", 200, "1K tokens", 1e3, 5.00),
    ("USE1-Claude4.5Sonnet-input-tokens", 250, "1K tokens", 1e3, 3.30),
    ("USW2-anthropic.claude-opus-4-8-mantle-input-tokens-global-standard", 20, "1K tokens", 1e3, 5.00),
    ("EU-Claude3Haiku-output-tokens", 10, "1K tokens", 1e3, 1.25),
    ("USE1-NovaPro-output-tokens", 7, "1K tokens", 1e3, 3.20),
]
AZURE = [
    ("Cognitive Services", "gpt 4.1 mini Inp glbl Tokens", 500, "1K", 1e3, 0.40),
    ("Cognitive Services", "gpt 4.1 mini cached Inp glbl Tokens", 100, "1K", 1e3, 0.10),
    ("Cognitive Services", "gpt 4.1 mini Outp glbl Tokens", 50, "1K", 1e3, 1.60),
    ("Cognitive Services", "gpt 4o 1120 cached Inp glbl Tokens", 40, "", 1e3, 1.25),
    ("Foundry Models", "GPT 5.1 in Gl 1M Tokens", 0.3, "1M", 1e6, 1.25),
    ("Foundry Models", "GPT 5.1 Cd inp Gl 1M Tokens", 0.3, "1M", 1e6, 0.125),
    ("Foundry Models", "GPT 5.1 cchd inp Gl 1M Tokens", 0.3, "", 1e6, 0.125),
    ("Foundry Models", "GPT 5.1 opt Gl 1M Tokens", 0.3, "1M", 1e6, 10.00),
]
GOOGLE = [
    ("Gemini 2.5 Flash GA Text Input - Predictions", 0.30),
    ("Gemini 2.5 Flash GA Text Output - Predictions", 2.50),
    ("Gemini 2.5 Flash GA Thinking Text Output - Predictions", 2.50),
    ("Gemini 2.5 Flash GA Input Text Caching", 0.03),
    ("Gemini 2.5 Flash GA Text Input - Batch Predictions", 0.15),
    ("Gemini 2.5 Pro GA Text Input - Predictions", 1.25),
    ("Gemini 2.5 Pro GA Text Input - Long - Predictions", 2.50),
    ("Gemini 2.5 Pro GA Text Output - Long - Predictions", 15.00),
]
FOCUS = [
    ("OpenAI", "GPT-5 Input Tokens", 1_000_000, "Tokens", 1.0, 1.25),
    ("OpenAI", "GPT-5 Cached Input Tokens", 200, "1K tokens", 1e3, 0.125),
    ("OpenAI", "GPT-5 Output Tokens", 0.3, "1M tokens", 1e6, 10.00),
    ("OpenAI", "GPT-5 Batch Input Tokens", 1, "1M Tokens", 1e6, 0.625),
    ("Anthropic", "claude-sonnet-4-5 cache read tokens", 3, "1M tokens", 1e6, 0.30),
    ("AWS", "USE1-Claude4.6Opus-cache-read-input-token-count", 5, "1K tokens", 1e3, 0.55),
    ("Microsoft", "gpt 4.1 mini Outp glbl Tokens", 50, "1K", 1e3, 1.60),
]


def aws_lines():
    for usage_type, quantity, unit, size, price in AWS:
        yield {
            "line_item_usage_start_date": DAY["start"],
            "line_item_usage_end_date": DAY["end"],
            "line_item_usage_account_id": "111122223333",
            "line_item_line_item_type": "Usage",
            "line_item_product_code": "AmazonBedrock",
            "line_item_usage_type": usage_type,
            "line_item_usage_amount": quantity,
            "pricing_unit": unit,
            "line_item_unblended_cost": quantity * size * price / 1e6,
            "line_item_currency_code": "USD",
        }


def azure_lines():
    for category, meter, quantity, unit, size, price in AZURE:
        yield {
            "Date": "09/01/2026",
            "MeterCategory": category,
            "MeterSubCategory": "Azure OpenAI",
            "MeterName": meter,
            "Quantity": quantity,
            "UnitOfMeasure": unit,
            "CostInBillingCurrency": quantity * size * price / 1e6,
            "BillingCurrency": "USD",
        }


def google_lines():
    for described, price in GOOGLE:
        yield {
            "service.description": "Vertex AI",
            "sku.description": described,
            "usage_start_time": DAY["start"],
            "usage_end_time": DAY["end"],
            "usage.amount": 40_000,
            "usage.unit": "count",
            "cost": 40_000 * price / 1e6,
            "currency": "USD",
        }


def charge(**changed):
    usual = {
        "BilledCost": 1.0,
        "EffectiveCost": 1.0,
        "ListCost": 1.0,
        "BillingCurrency": "USD",
        "ChargeCategory": "Usage",
        "ChargeClass": "",
        "ChargePeriodStart": DAY["start"],
        "ChargePeriodEnd": DAY["end"],
        "ConsumedQuantity": "",
        "ConsumedUnit": "",
        "PricingQuantity": "",
        "PricingUnit": "",
        "ProviderName": "OpenAI",
        "ServiceCategory": "AI and Machine Learning",
        "SkuMeter": "GPT-5 Input Tokens",
        "SkuId": "",
        "ResourceName": "",
        "ChargeDescription": "",
    }
    return usual | changed


def focus_lines():
    for provider, meter, quantity, unit, size, price in FOCUS:
        cost = quantity * size * price / 1e6
        yield charge(
            ProviderName=provider,
            SkuMeter=meter,
            ConsumedQuantity=quantity,
            ConsumedUnit=unit,
            BilledCost=cost,
            EffectiveCost=cost,
            ListCost=cost,
        )


BILLS = {"aws": aws_lines, "azure": azure_lines, "google": google_lines, "focus": focus_lines}
METERS = {"line_item_usage_type", "MeterName", "sku.description", "SkuMeter"}
LINES = [
    pytest.param(format_, line, id=f"{format_}: {next(v for k, v in line.items() if k in METERS)}")
    for format_, lines in BILLS.items()
    for line in lines()
]


@pytest.mark.parametrize(("format_", "line"), LINES)
def test_the_money_of_a_line_is_its_tokens_at_the_published_price(format_, line, tmp_path):
    usage = read(written(tmp_path / "bill.csv", [line]))
    assert list(usage.reading.sources["format"]) == [format_]
    priced = fc.PriceBook.builtin().cost(usage).sum(skipna=False)
    assert priced == pytest.approx(usage.frame["billed_cost"].sum(), rel=RELATIVE)


@pytest.mark.parametrize("format_", BILLS)
def test_a_whole_bill_is_its_tokens_at_the_published_prices(format_, tmp_path):
    lines = list(BILLS[format_]())
    usage = read(written(tmp_path / "bill.csv", lines))
    priced = fc.PriceBook.builtin().cost(usage)
    assert priced.to_numpy() == pytest.approx(usage.frame["billed_cost"].to_numpy(), rel=RELATIVE)
    assert fc.PriceBook.builtin().unpriced(usage).empty


@pytest.mark.parametrize(
    ("provider", "meter", "model", "kind", "tier", "size"),
    [
        # batches and long requests of these providers have no price of their own in the built-in book
        ("aws", "USE1-Claude4.5Haiku-input-tokens-batch", "haiku-4-5", "input_tokens", "batch", None),
        ("aws", "USE1-Claude4.5Sonnet-output-tokens-long-context", "sonnet-4-5", "output_tokens", "standard", "long"),
        (
            "aws",
            "EUC1-Claude4.5Sonnet-cache-read-input-token-count-long-context-cross-region-global",
            "sonnet-4-5",
            "cache_read_tokens",
            "standard",
            "long",
        ),
        ("azure", "gpt-4o-mini-0718-Batch-Inp-glbl Tokens", "gpt-4o-mini", "input_tokens", "batch", None),
        ("openai", "GPT-5 Output Tokens", "gpt-5", "output_tokens", "standard", None),
        ("openai", "GPT-4.1 mini Batch Cached Input Tokens", "gpt-4.1-mini", "cache_read_tokens", "batch", None),
    ],
)
def test_a_meter_is_read_by_its_words(provider, meter, model, kind, tier, size):
    assert model in meters.model_of(provider, meters.head_of(meter))
    assert (meters.kind_of(meter), meters.tier_of(meter), meters.context_of(meter)) == (kind, tier, size)


@pytest.mark.parametrize("format_", ["aws", "azure"])
def test_a_batch_without_a_price_is_told_and_never_free(format_, tmp_path):
    lines = list(BILLS[format_]())
    first = {
        c: v.replace("-input", "-batch-input").replace("Inp", "Batch Inp") if c in METERS else v
        for c, v in lines[0].items()
    }
    usage = read(written(tmp_path / "bill.csv", [first]))
    assert list(usage.frame["service_tier"]) == ["batch"]
    assert fc.PriceBook.builtin().cost(usage).isna().all()
    assert list(fc.PriceBook.builtin().unpriced(usage)["reason"]) == ["no price for this service tier"]


# The same bill as Parquet, with the types that clouds write: timestamps, maps, records in records.


def pairs(cell):
    return list(json.loads(cell).items()) if isinstance(cell, str) and cell.endswith("}") else None


def parquet(table, path, *, times, maps=()):
    columns = {}
    for name in table:
        cells = table[name].astype("object").where(table[name].notna(), None).tolist()
        if name in maps:
            columns[name] = pa.array(map(pairs, cells), type=pa.map_(pa.string(), pa.string()))
        elif name in times:
            columns[name] = pa.array(pd.to_datetime(table[name]))
        else:
            columns[name] = pa.array(cells)
    pq.write_table(pa.table(columns), path)
    return path


CUR = ("line_item_usage_start_date", "line_item_usage_end_date")
PERIODS = ("ChargePeriodStart", "ChargePeriodEnd", "BillingPeriodStart", "BillingPeriodEnd")


@pytest.mark.parametrize(
    ("file", "times", "maps"),
    [
        ("aws/cur2_daily.csv", CUR, ("resource_tags",)),
        ("azure/cost_details.csv", ("Date",), ()),
        ("focus/daily_12.csv", PERIODS, ("Tags",)),
    ],
)
def test_a_bill_in_parquet_holds_what_its_csv_holds(file, times, maps, tmp_path):
    table = pd.read_csv(HERE / file, encoding="utf-8-sig")
    # a row that is broken as text cannot stand in typed columns
    table = table[pd.to_datetime(table[times[0]], errors="coerce").notna()].iloc[:-1]
    plain = written(tmp_path / "bill.csv", table)
    typed = parquet(table, tmp_path / "bill.parquet", times=times, maps=maps)
    pd.testing.assert_frame_equal(read(typed).frame, read(plain).frame)


def test_records_in_records_of_google_are_read_from_parquet(tmp_path):
    lines = HERE / "google" / "billing.jsonl"
    rows = [json.loads(line) for line in lines.read_text().splitlines()]
    for row in rows:
        for time in ("usage_start_time", "usage_end_time"):
            row[time] = pd.Timestamp(row[time]) if row.get(time) else None
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "bill.parquet")
    usage = read(tmp_path / "bill.parquet")
    assert list(usage.reading.sources["format"]) == ["google"]
    pd.testing.assert_frame_equal(usage.frame, read(lines).frame)
    assert usage.frame["billed_cost"].min() < 0, "credits are rows of their own"


# FOCUS, by hand.


def test_any_column_may_name_the_model_and_the_kind(tmp_path):
    rows = [
        charge(SkuMeter="", ChargeDescription="gpt-5 cached input tokens", ConsumedQuantity=7, ConsumedUnit="Tokens"),
        charge(SkuMeter="", SkuId="gpt-5-output", PricingQuantity=2, PricingUnit="1M Tokens"),
        charge(SkuMeter="Input tokens", ResourceName="gpt-5", ConsumedQuantity=3, ConsumedUnit="1K tokens"),
    ]
    frame = read(written(tmp_path / "bill.csv", rows)).frame
    assert list(frame["model"]) == ["gpt-5"]
    row = frame.iloc[0]
    assert (row["cache_read_tokens"], row["output_tokens"], row["input_tokens"]) == (7, 2_000_000, 3_000)


def test_a_correction_gives_money_back_and_no_tokens(tmp_path):
    counted = {"ConsumedQuantity": 100, "ConsumedUnit": "Tokens"}
    back = {"ChargeClass": "Correction", "BilledCost": -2.0, "ConsumedQuantity": -50, "ConsumedUnit": "Tokens"}
    usage = read(written(tmp_path / "bill.csv", [charge(**counted), charge(**back)]))
    by = usage.frame.set_index("charge_category")
    assert by.loc["usage", "input_tokens"] == 100
    assert by.loc["adjustment", "billed_cost"] == -2.0
    assert np.isnan(by.loc["adjustment", "input_tokens"])


def test_days_and_months_are_not_mixed(tmp_path):
    counted = {"ConsumedQuantity": 100, "ConsumedUnit": "Tokens"}
    month = {"ChargePeriodStart": "2026-08-01", "ChargePeriodEnd": "2026-09-01"}
    days = written(tmp_path / "days.csv", [charge(**counted)])
    months = written(tmp_path / "months.csv", [charge(**counted, **month)])
    with pytest.raises(UsageError, match=r"one usage has one grain"):
        read([days, months])
    assert read(months).grain == "month"


money = st.integers(0, 10**9).map(lambda cents: cents / 100)


@settings(max_examples=25, deadline=None)
@given(bought=st.lists(money, min_size=1, max_size=3), used=st.lists(money, min_size=1, max_size=4))
def test_what_is_bought_ahead_is_never_counted_twice(bought, used):
    purchase = {"ChargeCategory": "Purchase", "EffectiveCost": 0.0, "PricingUnit": "Tokens", "PricingQuantity": 10}
    rows = [charge(**purchase, BilledCost=b, SkuMeter="Prepaid tokens", SkuId=f"p{i}") for i, b in enumerate(bought)]
    rows += [
        charge(BilledCost=0.0, EffectiveCost=u, ConsumedQuantity=10, ConsumedUnit="Tokens", SkuId=f"u{i}")
        for i, u in enumerate(used)
    ]
    frame = read(pd.DataFrame(rows), format="focus").frame
    assert frame["billed_cost"].sum() == pytest.approx(sum(bought), rel=RELATIVE)
    assert frame["effective_cost"].sum() == pytest.approx(sum(used), rel=RELATIVE)
    tokens = frame[[c for c in schema.UNITS if c in frame]].sum().sum()
    assert tokens == 10 * len(used), "what is bought is no use"


@settings(max_examples=25, deadline=None)
@given(
    counts=st.lists(st.integers(0, 10**12), min_size=1, max_size=6),
    unit=st.sampled_from(["Tokens", "1K tokens", "1M tokens"]),
)
def test_tokens_are_the_quantity_times_its_unit(counts, unit):
    size = {"Tokens": 1, "1K tokens": 10**3, "1M tokens": 10**6}[unit]
    rows = [charge(ConsumedQuantity=c / size, ConsumedUnit=unit, BilledCost=float(i)) for i, c in enumerate(counts)]
    frame = read(pd.DataFrame(rows), format="focus").frame
    assert frame["input_tokens"].sum() == pytest.approx(sum(counts), rel=RELATIVE)
