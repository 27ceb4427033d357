"""Langfuse's daily metrics: totals beyond input and output, spans that are no requests, pages, prices not known."""

import json
from pathlib import Path

import pytest

import forecast as fc
from forecast.errors import UsageError

HERE = Path(__file__).parent / "exports" / "langfuse"
PAGES = str(HERE / "daily_page*.json")


def read(source, **options):
    return fc.read_usage(source, today="2026-11-30", **options)


def test_tokens_without_a_name_are_tokens_of_all_kinds():
    usage = read(PAGES)
    claude = usage.frame[(usage.frame["model"] == "claude-sonnet-4-5") & (usage.frame["date"] == "2026-06-04")].iloc[0]
    assert claude["total_tokens"] == 900
    assert claude[["input_tokens", "output_tokens"]].isna().all()
    assert "in the totals of claude-sonnet-4-5" in " ".join(usage.notes)


def test_spans_are_no_requests():
    frame = read(PAGES).frame
    assert frame["model"].notna().all()
    assert frame["requests"].sum() == 28


def test_usage_without_a_model_is_kept():
    page = json.loads((HERE / "daily.json").read_text())
    page["data"][0]["usage"][0]["model"] = None
    usage = read(page)
    assert usage.frame["input_tokens"].sum() == 40
    assert usage.frame["requests"].sum() == 2  # what has no model may be anything


def test_a_cost_of_nothing_is_a_price_that_is_not_known():
    frame = read(PAGES).frame
    assert frame.loc[frame["model"] == "in-house-13b", "list_cost"].isna().all()


def test_the_built_in_prices_know_the_models():
    frame = read(HERE / "daily.json").frame
    # gpt-5-mini: $0.25 in and $2 out a million; 40 in and 6 out
    assert float(fc.PriceBook.builtin().cost(frame).sum()) == pytest.approx((40 * 0.25 + 6 * 2) / 1e6, abs=1e-12)


def test_a_missing_page_is_told():
    with pytest.raises(UsageError, match="daily metrics: of 2 pages, 2 are missing"):
        read(HERE / "daily_page1.json")


def test_pages_in_one_list_are_one_export():
    pages = [json.loads((HERE / f"daily_page{i}.json").read_text()) for i in (1, 2)]
    usage = read(pages)
    assert usage.frame["requests"].sum() == 28
    # in one list the model is read alike on both pages: 900 + 70
    assert usage.frame["total_tokens"].sum() == 970


def test_a_total_below_its_parts_yields_to_them():
    page = json.loads((HERE / "daily.json").read_text())
    page["data"][0]["usage"][0]["totalUsage"] = 0
    assert read(page).reading.conservation.loc["held", "tokens"] == 46


def test_a_table_is_no_export_of_it(tmp_path):
    (tmp_path / "days.csv").write_text("date,model\n2026-05-01,a\n")
    with pytest.raises(UsageError, match="as JSON"):
        read(tmp_path / "days.csv", format="langfuse")
