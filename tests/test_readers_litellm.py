"""LiteLLM: what stands inside what, what costs nothing, and what its pages must add up to."""

import json
from pathlib import Path

import pandas as pd
import pytest

import forecast as fc
from forecast.errors import UsageError

EXPORTS = Path(__file__).parent / "exports" / "litellm"
TODAY = "2026-11-30"


def read(source, **options):
    return fc.read_usage(source, today=TODAY, **options)


def test_cached_tokens_stand_inside_the_prompt():
    frame = read(EXPORTS / "spend_logs.csv").frame.set_index(["date", "model"])
    claude = frame.loc[(pd.Timestamp("2026-05-01"), "claude-sonnet-4-5")]
    # prompt_tokens is 3,000, of which 2,000 were read from a cache and 500 written to it.
    assert claude[["input_tokens", "cache_read_tokens", "cache_write_tokens"]].tolist() == [500, 2_000, 500]


def test_spend_is_a_list_cost_and_said_to_be_no_bill():
    usage = read(EXPORTS / "spend_logs.csv")
    assert "billed_cost" not in usage.frame
    assert any("not a bill" in note for note in usage.notes)


def test_the_built_in_prices_know_every_route():
    prices = fc.PriceBook.builtin()
    for name in ("spend_logs.csv", "daily_user_spend.csv", "activity_page*.json"):
        frame = read(str(EXPORTS / name)).frame.dropna(subset="model")
        for provider, model in frame[["provider", "model"]].drop_duplicates().itertuples(index=False):
            if pd.notna(provider):
                assert "no row" not in str(prices.match(provider, model))


def test_what_the_gateway_answers_itself_was_not_bought():
    rejected = read(EXPORTS / "spend_logs.csv").reading.rejected.set_index("reason")
    hit = rejected.loc["answered from LiteLLM's own cache (cache_hit): nothing was bought"]
    assert hit["tokens"] == 3_500


def test_keys_and_teams_can_be_matched_by_rules():
    rules = [{"match": {"key_alias": "*-prod"}, "set": {"environment": "production", "department": "{team}"}}]
    frame = read(EXPORTS / "spend_logs.csv", rules=rules).frame
    assert set(frame["environment"].dropna()) == {"production"}
    assert set(frame["department"].dropna()) == {"search"}
    by_key = [{"match": {"key_alias": "alias-k1"}, "set": {"project": "one"}}]
    frame = read(str(EXPORTS / "activity_page*.json"), rules=by_key).frame
    assert frame.loc[frame["project"] == "one", "requests"].sum() == 2  # one on each page


def test_a_missing_page_is_told():
    with pytest.raises(UsageError, match="of 2 pages, 2 are missing"):
        read(EXPORTS / "activity_page1.json")


def test_a_page_that_is_there_twice_is_counted_once():
    pages = [json.loads((EXPORTS / f"activity_page{n}.json").read_text()) for n in (1, 2, 2)]
    pd.testing.assert_frame_equal(read(pages).frame, read(pages[:2]).frame)


def test_a_page_must_add_up_to_its_own_totals():
    page = json.loads((EXPORTS / "activity_page2.json").read_text())
    page["metadata"] |= {"total_pages": 1, "page": 1}
    assert read(page).frame["requests"].sum() == 4
    page["metadata"]["total_prompt_tokens"] += 1
    with pytest.raises(UsageError, match="total_prompt_tokens"):
        read(page)


def test_tables_by_tag_count_a_request_several_times_and_are_refused():
    frame = pd.read_csv(EXPORTS / "daily_user_spend.csv").assign(tag="a")
    with pytest.raises(UsageError, match="once for each of its tags"):
        read(frame)


def test_prompt_tokens_may_also_be_read_where_a_provider_names_them_otherwise():
    frame = pd.read_csv(EXPORTS / "spend_logs.csv", dtype=str, keep_default_na=False)
    frame["metadata"] = frame["metadata"].str.replace('"cache_read_input_tokens": 2000', '"cache_read_input_tokens": 0')
    assert read(frame).frame["cache_read_tokens"].sum() == 2_400  # of prompt_tokens_details, which says 2,000 too
