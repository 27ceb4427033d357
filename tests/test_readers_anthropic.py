"""Anthropic's exports: cents, classes of tokens, sizes, tiers and names, held to the files and to hand arithmetic."""

import csv
import gzip
import json
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

import forecast as fc
from forecast.errors import UsageError

HERE = Path(__file__).parent / "exports" / "anthropic"
SAMPLES = Path(__file__).parent.parent / "data" / "samples"
MONTH = "2026-10"
UNITS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens")
#: The sum of 62 amounts in doubles is this near to the exact one; the bill is in cents.
CENT = Decimal("0.01")


def read(source, **options):
    return fc.read_usage(source, today="2026-11-30", **options)


@pytest.fixture(scope="module")
def month():
    return read(str(SAMPLES / "exports" / "anthropic_*.jsonl.gz"), rules=SAMPLES / "exports" / "rules.toml")


@pytest.fixture(scope="module")
def organisation():
    with (SAMPLES / "organisation_daily.csv").open(encoding="utf-8") as file:
        return [r for r in csv.DictReader(file) if r["provider"] == "anthropic" and r["date"].startswith(MONTH)]


def test_the_sample_exports_hold_the_tokens_of_the_sample_organisation(month, organisation):
    for unit in UNITS:
        assert int(month.frame[unit].sum()) == sum(int(float(r[unit])) for r in organisation if r[unit])
    by_environment = month.frame.groupby("environment")["output_tokens"].sum()
    for name in ("production", "development"):
        wanted = sum(int(float(r["output_tokens"])) for r in organisation if r["environment"] == name)
        assert int(by_environment[name]) == wanted
    assert "requests" not in month.frame


def test_the_sample_exports_hold_the_bill_of_the_sample_organisation_to_the_cent(month, organisation):
    billed = sum(Decimal(r["billed_cost"]) for r in organisation if r["billed_cost"])
    assert Decimal(str(month.frame["billed_cost"].sum())).quantize(CENT) == billed.quantize(CENT)
    lines = gzip.decompress((SAMPLES / "exports" / f"anthropic_costs_{MONTH}.jsonl.gz").read_bytes()).splitlines()
    results = [r for line in lines for bucket in json.loads(line)["data"] for r in bucket["results"]]
    assert sum(Decimal(r["amount"]) for r in results) / 100 == billed.quantize(CENT)


def test_an_amount_is_in_cents():
    frame = read(HERE / "costs_page.json").frame
    by_model = frame.groupby("model", dropna=False)["billed_cost"].sum()
    # 123.78912 and 45.5 cents; 3 cents for searches, which no model did; 20 cents back
    assert by_model["claude-sonnet-4-5-20250929"] == pytest.approx(1.2378912 + 0.455, rel=1e-12)
    assert by_model["web_search"] == pytest.approx(0.03)
    back = frame[frame["charge_category"] == "adjustment"]
    assert back["billed_cost"].tolist() == pytest.approx([-0.20])


def test_the_exports_say_which_requests_were_long_batched_or_fast():
    api, console = read(str(HERE / "usage_page*.json")).frame, read(HERE / "console_usage.csv").frame
    assert set(api["context_tier"]) == set(console["context_tier"]) == {"<=200k", ">200k"}
    by_tier = console.groupby("service_tier")["output_tokens"].sum()
    assert by_tier.to_dict() == {"standard": 250, "batch": 900, "priority": 1_200}
    assert api.loc[api["service_tier"] == "batch", "project"].isna().all()
    assert set(console["region"].dropna()) == {"global", "us"}
    assert set(console["project"]) == {"Search"}


def test_the_built_in_prices_know_every_model_and_the_bill_is_their_arithmetic():
    book = fc.PriceBook.builtin()
    exports = ["usage_page*.json", "costs_page.json", *(path.name for path in HERE.glob("*.csv"))]
    models = set().union(*(read(str(HERE / name)).frame["model"].dropna() for name in exports)) - {"web_search"}
    assert len(models) >= 6
    assert [model for model in models if "no row" in str(book.match("anthropic", model))] == []
    frame = read(HERE / "console_usage_hourly.csv").frame
    # $1 a million in and $5 out: 1.631112 + 5 × 0.372374
    assert float(book.cost(frame).sum()) == pytest.approx(1.631112 + 1.861870, abs=1e-9)
    frame = read(str(HERE / "usage_page*.json")).frame
    first = frame[(frame["date"] == "2026-09-01") & (frame["service_tier"] == "standard")]
    # $3, $0.30, $3.75 and $15 a million, and 3 searches at $10 a thousand
    wanted = (1_200 * 3 + 4_000 * 0.30 + 300 * 3.75 + 250 * 15) / 1e6 + 3 * 0.01
    assert float(book.cost(first).sum()) == pytest.approx(wanted, abs=1e-12)
    long = frame[frame["context_tier"] == ">200k"]
    # above 200,000: $6 in, twice the input's price for an hour in the cache, $22.50 out
    assert float(book.cost(long).sum()) == pytest.approx((210_000 * 6 + 5_000 * 12 + 1_200 * 22.5) / 1e6, abs=1e-12)


def test_what_is_fast_is_not_priced_as_standard():
    frame = read(HERE / "console_usage.csv").frame
    fast = frame[frame["service_tier"] == "priority"]
    assert fast["model"].tolist() == ["claude-opus-4-6"]
    with pytest.raises(fc.PriceError, match="priority"):
        fc.PriceBook.builtin().quote(
            "anthropic", "claude-opus-4-6", "output_tokens", "2026-09-03", service_tier="priority"
        )


def test_names_on_display_become_names_of_models():
    assert set(read(HERE / "console_cost_older.csv").frame["model"]) == {"claude-3-5-sonnet-20241022"}
    assert set(read(HERE / "console_cost.csv").frame["model"]) == {
        "claude-haiku-4-5",
        "claude-sonnet-4-5",
        "web_search",
    }


def test_hours_are_taken_to_the_billing_zone():
    frame = read(HERE / "console_usage_hourly.csv", timezone="America/New_York").frame
    assert frame["date"].tolist() == [pd.Timestamp("2026-03-30 20:00"), pd.Timestamp("2026-03-30 22:00")]
    usage = read(HERE / "console_usage_hourly.csv", grain="day")
    assert len(usage.frame) == 1
    assert usage.frame["input_tokens"].tolist() == [1_631_112]


def test_hours_of_a_typed_frame_are_hours():
    frame = pd.read_csv(HERE / "console_usage_hourly.csv", parse_dates=["usage_date_utc"])
    assert read(frame).grain == "hour"
    pd.testing.assert_frame_equal(read(frame).frame, read(HERE / "console_usage_hourly.csv").frame)


def test_costs_by_the_hour_are_hours(tmp_path):
    text = (HERE / "console_cost_older.csv").read_text().replace("2024-12-07", "2024-12-07 03:00")
    (tmp_path / "cost.csv").write_text(text)
    usage = read(tmp_path / "cost.csv")
    assert usage.grain == "hour"
    assert usage.frame["billed_cost"].tolist() == [1.25]


def test_a_file_from_before_the_two_ages_of_a_cache_is_read(tmp_path):
    rows = "usage_date_utc,model_version,usage_input_tokens_no_cache,usage_input_tokens_cache_write,"
    rows += "usage_input_tokens_cache_read,usage_output_tokens,web_search_count\n"
    rows += "2025-01-02,claude-3-opus-20240229,7,5,3,2,1\n"
    (tmp_path / "usage.csv").write_text(rows)
    row = read(tmp_path / "usage.csv").frame.iloc[0]
    assert (row["input_tokens"], row["cache_write_tokens"], row["cache_read_tokens"], row["output_tokens"]) == (
        7,
        5,
        3,
        2,
    )


def test_a_class_of_tokens_that_is_not_known_stops_the_reading(tmp_path):
    header, *rows = (HERE / "console_usage_older.csv").read_text().splitlines()
    text = "\n".join([header + ",usage_input_tokens_cache_write_24h", *(row + ",9" for row in rows)])
    (tmp_path / "usage.csv").write_text(text)
    with pytest.raises(UsageError, match="a kind of token is not known"):
        read(tmp_path / "usage.csv")


def test_a_missing_page_is_told():
    with pytest.raises(UsageError, match="usage: a page is missing from 2026-09-03"):
        read(HERE / "usage_page1.json")


def test_a_page_that_is_there_twice_is_counted_once():
    pages = [json.loads((HERE / f"usage_page{i}.json").read_text()) for i in (1, 2)]
    once, twice = read(pages), read([*pages, pages[1]])
    pd.testing.assert_frame_equal(once.frame, twice.frame)
    assert twice.reading.overlaps["rows"].sum() == 1


def test_another_report_of_the_admin_api_is_refused():
    bucket = {"starting_at": "2026-09-01T00:00:00Z", "ending_at": "2026-09-02T00:00:00Z", "results": [{"sessions": 4}]}
    with pytest.raises(UsageError, match="a result has sessions"):
        read({"data": [bucket], "has_more": False})


def test_a_tier_that_is_not_known_is_noted():
    page = json.loads((HERE / "usage_page2.json").read_text())
    page["data"][1]["results"][0]["service_tier"] = "gold"
    usage = read(page)
    assert set(usage.frame["service_tier"]) == {"standard"}
    assert "gold are taken as standard" in " ".join(usage.notes)


@pytest.mark.parametrize(
    ("shown", "name"),
    [
        ("Claude Haiku 3", "claude-3-haiku"),
        ("Claude Haiku 3.5", "claude-3-5-haiku"),
        ("Claude Sonnet 3.5 2024-10-22", "claude-3-5-sonnet-20241022"),
        ("Claude Sonnet 3.7", "claude-3-7-sonnet"),
        ("Claude Opus 3", "claude-3-opus"),
        ("Claude Opus 4", "claude-opus-4"),
        ("Claude Sonnet 4.6", "claude-sonnet-4-6"),
    ],
)
def test_the_third_generation_has_its_family_last(shown, name, tmp_path):
    text = (HERE / "console_cost_older.csv").read_text().replace("Claude 3.5 Sonnet 2024-10-22", shown)
    (tmp_path / "cost.csv").write_text(text)
    frame = read(tmp_path / "cost.csv").frame
    assert set(frame["model"]) == {name}
    assert "no row" not in str(fc.PriceBook.builtin().match("anthropic", name))


def test_accounts_are_people_and_are_there_if_asked_for():
    page = json.loads((HERE / "usage_page2.json").read_text())
    page["data"][1]["results"][0] |= {"account_id": "user_1", "service_account_id": None}
    assert "user" not in read(page).frame
    assert set(read(page, personal=True).frame["user"].dropna()) == {"user_1"}


def test_an_empty_page_is_known_for_what_it_is(tmp_path):
    (tmp_path / "1.json").write_text((HERE / "usage_page2.json").read_text())
    (tmp_path / "2.json").write_text('{"data": [], "has_more": false, "next_page": null}')
    assert read(tmp_path).frame["output_tokens"].sum() == 60
    with pytest.raises(UsageError, match="there are no rows"):
        read(tmp_path / "2.json")


def test_one_usage_from_the_api_and_from_the_console_is_told():
    exports = [HERE / "usage_page1.json", HERE / "usage_page2.json", HERE / "console_usage.csv"]
    notes = " ".join(read(exports).notes)
    # of 1 September: 1,200 + 4,000 + 300 + 250, and 10,000 + 900 of the batch
    assert "console_usage.csv hold the same 16,650 tokens from 2026-09-01 to 2026-09-01 under other names" in notes
    assert "under other names" not in " ".join(read(exports[:2]).notes)
