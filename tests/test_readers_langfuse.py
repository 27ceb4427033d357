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


def test_caches_inside_input_are_told():
    assert "input_tokens may hold those of caches" in " ".join(read(HERE / "daily.json").notes)


def test_a_day_with_traces_alone_is_covered_and_one_of_1970_is_none():
    page = json.loads((HERE / "daily.json").read_text())
    page["data"].insert(
        0, {"date": "2026-07-05", "countTraces": 2, "countObservations": 0, "totalCost": 0, "usage": []}
    )
    page["data"].append({"date": "1970-01-01", "countTraces": 9, "countObservations": 0, "totalCost": 0, "usage": []})
    by_day = read(page).frame.groupby("date")["input_tokens"].sum()
    assert {f"{day:%m-%d}": n for day, n in by_day.items()} == {
        "07-01": 30,
        "07-02": 0,
        "07-03": 10,
        "07-04": 0,
        "07-05": 0,
    }


def test_a_day_whose_own_sums_are_not_its_models_is_told():
    page = json.loads((HERE / "daily.json").read_text())
    assert not any("other sums" in note for note in read(page).notes)
    page["data"][1]["usage"][0]["totalCost"] = 0.0001
    notes = " ".join(read(page).notes)
    assert "1 day says other sums than their models add up to, such as 2026-07-01: totalCost 0.0002, " in notes


def test_an_empty_page_is_known_for_what_it_is(tmp_path):
    (tmp_path / "2.json").write_text('{"data": [], "meta": {"page": 2, "limit": 50, "totalItems": 2, "totalPages": 1}}')
    (tmp_path / "1.json").write_text((HERE / "daily.json").read_text())
    assert read(tmp_path).frame["requests"].sum() == 3
    with pytest.raises(UsageError, match="there are no rows"):
        read(tmp_path / "2.json")
